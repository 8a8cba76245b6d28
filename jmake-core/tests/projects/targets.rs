//! Targets that link other targets.

use crate::{Project, project};
use jmake_core::build::Build;
use jmake_core::configure::Wanted;

const CORE: &str = "int core(void) { return 40; }\n";
const TOP: &str = "int core(void);\nint top(void) { return core() + 2; }\n";
const MAIN: &str =
    "#include <stdio.h>\nint top(void);\nint main(void) { printf(\"%d\\n\", top()); return 0; }\n";

/// `core` of one kind beneath the shared library `top`.
fn layered(core: &str, more: &str) -> Option<Project> {
    let manifest = format!(
        "{more}\n[[target]]\nname = \"top\"\nkind = \"shared\"\nsources = [\"top.c\"]\nlibraries = [\"core\"]\n
         [[target]]\nname = \"core\"\nkind = \"{core}\"\nsources = [\"core.c\"]\n"
    );
    let files = [("jmake.toml", &*manifest), ("core.c", CORE), ("top.c", TOP), ("caller/main.c.txt", MAIN)];
    project(&files)
}

#[test]
fn a_library_is_linked_to_the_one_it_names() {
    for core in ["static", "shared"] {
        for lto in ["off", "thin", "full"] {
            let Some(project) = layered(core, &format!("[link]\nlto = \"{lto}\"")) else { return };
            project.builds();
            let clang = project.clang();
            project.output_of(&[
                &clang,
                "-x",
                "c",
                "caller/main.c.txt",
                "-x",
                "none",
                "julia/libtop.so",
                "-o",
                "call",
            ]);
            let text = project.output_of(&["/usr/bin/env", "LD_LIBRARY_PATH=julia", "./call"]);
            assert_eq!(text, "42\n", "{core} {lto}");
        }
    }
}

#[test]
fn a_change_below_is_linked_again() {
    let Some(project) = layered("static", "") else { return };
    assert_eq!(project.builds().built.results, ["julia/libcore.a", "julia/libtop.so"]);
    project.write("core.c", "int core(void) { return 41; }\n");
    let built = project.builds().built;
    assert_eq!((built.compiled, built.ran), (1, 3));
}

#[test]
fn asking_for_one_makes_what_it_needs() {
    let Some(project) = layered("shared", "") else { return };
    let only = |name: &str| Build {
        wanted: Wanted { targets: vec![name.into()], ..Wanted::default() },
        ..Build::default()
    };
    assert_eq!(project.build_as(&only("core")).built.results, ["julia/libcore.so"]);
    assert_eq!(project.build_as(&only("top")).built.results, ["julia/libcore.so", "julia/libtop.so"]);
}

#[test]
fn archives_bring_along_what_they_need() {
    let manifest =
        "[[target]]\nname = 'app'\nkind = 'executable'\nsources = ['main.c']\nlibraries = ['top']\n
        [[target]]\nname = 'top'\nkind = 'static'\nsources = ['top.cpp']\nlibraries = ['core', 'm']\n
        [[target]]\nname = 'core'\nkind = 'shared'\nsources = ['core.c']\n";
    let top = "#include <cmath>\n#include <string>\nextern \"C\" int core(void);\n\
        extern \"C\" int top(void) { return std::stoi(\"2\") + core() + (int)std::floor(0.5); }\n";
    let files = [("jmake.toml", manifest), ("main.c", MAIN), ("top.cpp", top), ("core.c", CORE)];
    let Some(project) = project(&files) else { return };
    project.builds();
    assert_eq!(project.output_of(&["julia/app"]), "42\n");
}

#[test]
fn a_cycle_is_named() {
    let target = |name: &str, needs: &str| {
        format!(
            "[[target]]\nname = '{name}'\nkind = 'static'\nsources = ['{name}.c']\nlibraries = ['{needs}']\n"
        )
    };
    let manifest = [target("a", "b"), target("b", "c"), target("c", "b")].concat();
    let source = "int x;\n";
    let files = [("jmake.toml", &*manifest), ("a.c", source), ("b.c", source), ("c.c", source)];
    let Some(project) = project(&files) else { return };
    let told = project.build();
    assert!(!told.built.success);
    let cycle = told.saying("need each other");
    assert!(cycle.message.ends_with("`b` → `c` → `b`"), "{}", cycle.message);
    assert_eq!((cycle.file.as_deref(), cycle.line), (Some("jmake.toml"), Some(10)));
}

/// GNU ld wants to see what a shared library needs, too.
#[test]
fn shared_libraries_of_shared_libraries() {
    for linker in ["lld", "bfd"] {
        let manifest = format!(
            "[link]\nlinker = '{linker}'\n
            [[target]]\nname = 'app'\nkind = 'executable'\nsources = ['main.c']\nlibraries = ['top']\n
            [[target]]\nname = 'top'\nkind = 'shared'\nsources = ['top.c']\nlibraries = ['core']\n
            [[target]]\nname = 'core'\nkind = 'shared'\nsources = ['core.c']\n"
        );
        let files = [("jmake.toml", &*manifest), ("main.c", MAIN), ("top.c", TOP), ("core.c", CORE)];
        let Some(project) = project(&files) else { return };
        let told = project.build();
        if told.diagnostics.iter().any(|d| d.message.contains("no usable")) {
            println!("skipped: no {linker}");
            continue;
        }
        assert!(told.built.success, "{linker}: {:?}\n{}", told.diagnostics, told.output);
        assert_eq!(told.built.warnings, [], "{linker}");
        assert_eq!(project.output_of(&["julia/app"]), "42\n");
    }
}
