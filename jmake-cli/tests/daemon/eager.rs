//! `daemon.eager`: what was saved is built before anyone asks.

use crate::daemons::{PATIENCE, wait};
use crate::field::Field;

/// A project that is built ahead, and whose folders are watched by now.
fn eager() -> Field {
    let field = Field::new();
    field.write("jmake.toml", "[project]\nname = \"p\"\n[daemon]\neager = true\n");
    field.jmake(&["build", "--daemon", "on"]).good("the first build");
    let watching =
        || field.status()["daemon"]["noticing"]["folders"].as_u64().is_some_and(|folders| folders > 1);
    wait("the folders to be watched", PATIENCE, watching);
    field
}

fn ahead(field: &Field, what: &str) -> u64 {
    field.status()["daemon"]["ahead"][what].as_u64().unwrap()
}

#[test]
fn what_was_saved_is_ready_when_asked_for() {
    let field = eager();
    for round in 1..=3 {
        field.write("a.c", format!("int a(void) {{ return 100 + {round}; }}\n"));
        wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == round);
        crate::fake::same(&field.published(), &field.clean(), "built ahead");
        let built = field.jmake(&["build", "--daemon", "on", "--message-format", "json"]).good("asked for");
        assert_eq!((&built.summary()["compiled"], &built.summary()["ran"]), (&0.into(), &0.into()));
        wait("it to be counted", PATIENCE, || ahead(&field, "used") == round);
    }
    assert_eq!(ahead(&field, "in_vain"), 0);
    // What does not compile is told when it is asked for, not before.
    field.write("a.c", "#error no\n");
    let failed = field.jmake(&["build", "--daemon", "on"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
}

/// Nobody asks: after some rounds nothing more is built.
#[test]
fn only_so_much_is_built_in_vain() {
    let field = eager();
    for round in 1..=8 {
        field.write("a.c", format!("int a(void) {{ return 200 + {round}; }}\n"));
        wait("a build ahead", PATIENCE, || ahead(&field, "prepared") == round);
    }
    let last = field.published();
    field.write("a.c", "int a(void) { return 300; }\n");
    // Whatever were to come of it would come before the answer to many questions.
    for _ in 0..200 {
        assert_eq!(ahead(&field, "prepared"), 8);
    }
    crate::fake::same(&field.published(), &last, "nothing is built for nobody");
    let built = field.jmake(&["build", "--daemon", "on", "--message-format", "json"]).good("asked for");
    assert_eq!(built.summary()["compiled"], 1);
    wait("it to be counted", PATIENCE, || ahead(&field, "in_vain") == 7);
    field.write("a.c", "int a(void) { return 301; }\n");
    wait("it goes on", PATIENCE, || ahead(&field, "prepared") == 9);
}

/// Of all that must be compiled, what was edited lately is compiled first: it is where the next
/// edit is likely to be, and an error that matters.
#[test]
fn what_was_edited_lately_is_compiled_first() {
    let field = Field::new();
    let order = field.dir().join("order");
    // The others take longer, so by all that is known of them they would be first.
    let unit = |name: &str, fault: &str, value: usize| {
        let said = format!("// fakecc: append {} {name}", order.display());
        let words = name.replace(['/', '.'], "_");
        field.write(name, format!("{said}\n{fault}int {words}(void) {{ return {value} + LEVEL; }}\n"));
    };
    for name in ["a.c", "b.c", "sub/c.cpp"] {
        unit(name, "// fakecc: sleep 40\n", 1);
    }
    unit("sub/d.c", "", 1);
    let settings = |level: usize| {
        let text = "[daemon]\neager = true\n[project]\nname = \"p\"\n[compile]\njobs = 1\n";
        field.write("jmake.toml", format!("{text}defines = {{ LEVEL = \"{level}\" }}\n"));
    };
    let compiled = || {
        let text = std::fs::read_to_string(&order).unwrap_or_default();
        std::fs::remove_file(&order).ok();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    settings(0);
    field.jmake(&["build", "--daemon", "on"]).good("the first build");
    let watching =
        || field.status()["daemon"]["noticing"]["folders"].as_u64().is_some_and(|folders| folders > 1);
    wait("the folders to be watched", PATIENCE, watching);
    compiled();
    // A plain build after everything has changed: the short one is the last.
    settings(1);
    wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == 1);
    let plain = compiled();
    assert_eq!((plain.len(), plain.last().map(String::as_str)), (4, Some("sub/d.c")), "{plain:?}");
    unit("sub/d.c", "", 20);
    wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == 2);
    assert_eq!(compiled(), ["sub/d.c"]);
    settings(2);
    wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == 3);
    let lately = compiled();
    assert_eq!((lately.len(), &*lately[0]), (4, "sub/d.c"), "{lately:?}");
    // Nor is it forgotten by what is edited after it.
    unit("b.c", "// fakecc: sleep 40\n", 20);
    wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == 4);
    compiled();
    settings(3);
    wait("the build ahead", PATIENCE, || ahead(&field, "prepared") == 5);
    let mut lately = compiled();
    lately.truncate(2);
    lately.sort();
    assert_eq!(lately, ["b.c", "sub/d.c"]);
}
