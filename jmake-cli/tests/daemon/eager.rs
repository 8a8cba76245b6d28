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
