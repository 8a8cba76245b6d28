use crate::discover::LeftOut;
use crate::discover::tests::Project;

const MESON: (&str, &str) = ("meson.build", "project('p', 'c')\nlibrary('p', 'a.c', 'm.c', install: true)\n");
const AUTOMAKE: (&str, &str) = ("Makefile.am", "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c am.c\n");
const CONFIGURE: (&str, &str) = ("configure.ac", "AC_INIT([p], [1])\n");
const BAZEL: (&str, &str) = ("BUILD", "cc_library(name = 'p', srcs = ['a.c', 'b.c'])\n");
const MAKEFILE: (&str, &str) = ("Makefile", "libp.a: a.o mk.o\n");
const SOURCES: [(&str, &str); 6] =
    [("a.c", ""), ("m.c", ""), ("am.c", ""), ("b.c", ""), ("mk.c", ""), ("cc.c", "")];
const COMMANDS: (&str, &str) =
    ("compile_commands.json", r#"[{"directory": "/x", "file": "a.c"}, {"directory": "/x", "file": "cc.c"}]"#);

fn project(descriptions: &[(&'static str, &'static str)]) -> Project {
    let files: Vec<_> = SOURCES.into_iter().chain(descriptions.iter().copied()).collect();
    Project::new(&files)
}

#[test]
fn the_first_that_says_something_counts() {
    let all = [MESON, AUTOMAKE, CONFIGURE, BAZEL, COMMANDS, MAKEFILE];
    for (from, expect) in [(0, "a.c m.c"), (1, "a.c am.c"), (3, "a.c b.c"), (4, "a.c cc.c"), (5, "a.c mk.c")]
    {
        assert_eq!(project(&all[from..]).targets(), format!("lib p: {expect}\n"));
    }
    let none =
        [("CMakeLists.txt", "project(p)\nadd_library(p gone.c)\n"), ("meson.build", "project("), MAKEFILE];
    let project = project(&none);
    assert_eq!(project.targets(), "lib p: a.c mk.c\n");
    // What says nothing may do so later.
    let read: Vec<String> = project.discover().evidence.iter().map(ToString::to_string).collect();
    assert_eq!(read, ["CMakeLists.txt", "meson.build", "Makefile"]);
}

#[test]
fn what_is_described_otherwise_is_said_once() {
    let told = |descriptions: &[(&'static str, &'static str)]| -> Vec<String> {
        project(descriptions).discover().problems.into_iter().map(|problem| problem.message).collect()
    };
    assert_eq!(
        told(&[MESON, AUTOMAKE, CONFIGURE, MAKEFILE]),
        ["`am.c` is in the library by `Makefile.am`, and `meson.build` does not name it"]
    );
    let more = ("Makefile", "libp.a: a.o m.o b.o mk.o am.o cc.o\n");
    assert_eq!(
        told(&[MESON, more]),
        [
            "`am.c`, `b.c`, `cc.c` (and 1 more) are in the library by `Makefile`, and `meson.build` does not name them"
        ]
    );
    // What a condition leaves out is named.
    let conditional = (
        "meson.build",
        "project('p')\nx = ['a.c']\nif false\nx += ['mk.c', 'm.c', 'am.c', 'b.c', 'cc.c']\nendif\nlibrary('p', x)\n",
    );
    assert_eq!(told(&[conditional, MAKEFILE]), [""; 0]);
}

#[test]
fn the_only_folder_with_a_description_counts_where_the_root_has_none() {
    let files = [
        ("lib/a.c", ""),
        ("lib/b.c", ""),
        ("lib/Makefile", "libp.a: a.o\n"),
        ("tests/Makefile", "libt.a: t.o\n"),
        ("tests/t.c", ""),
    ];
    let project = Project::new(&files);
    assert_eq!(project.targets(), "lib p: lib/a.c\n");
    assert_eq!(project.reason("lib/b.c"), Some(LeftOut::NotDescribed("lib/Makefile".into())));
    let pages = [("pages/Makefile", "all:\n\techo\n"), ("lib/sub/Makefile", "libq.a: q.o\n")];
    let more: Vec<_> = files.into_iter().chain(pages).collect();
    assert_eq!(
        Project::new(&more).targets(),
        "lib p: lib/a.c\n",
        "there is no code, and it is the inner one"
    );
    let two: Vec<_> = files.into_iter().chain([("other/CMakeLists.txt", ""), ("other/o.c", "")]).collect();
    assert_eq!(Project::new(&two).targets(), "lib p: lib/a.c lib/b.c other/o.c\n");
    let root: Vec<_> = files.into_iter().chain([("Makefile", "all:\n\techo\n")]).collect();
    assert_eq!(Project::new(&root).targets(), "lib p: lib/a.c\n", "the root's says nothing");
}

#[test]
fn what_lies_outside_the_folder_that_is_described_is_judged_by_itself() {
    let cmake = "project(p C)\nset(CMAKE_C_VISIBILITY_PRESET hidden)\nadd_library(p a.c)\n";
    let files = [
        ("wrapper.c", ""),
        ("main.c", "int main(void) { return 0; }"),
        ("upstream/v2/a.c", "__attribute__((visibility(\"default\"))) int a;"),
        ("upstream/v2/b.c", ""),
        ("upstream/v2/CMakeLists.txt", cmake),
    ];
    let project = Project::new(&files);
    assert_eq!(project.targets(), "lib p: upstream/v2/a.c wrapper.c\nexe main: main.c\n");
    let found = project.discover();
    assert!(!found.manner.hides(), "nothing says that the wrapper hides anything");
    assert_eq!(found.manner.own(&"upstream/v2/a.c".into()), ["-fvisibility=hidden"]);
    let alone = Project::new(&files[1..]);
    assert!(alone.discover().manner.hides());
}

#[test]
fn what_is_beside_a_project_is_so_where_a_folder_wraps_it() {
    let files = [("up/lib/a.c", ""), ("up/contrib/c.c", ""), ("src/lib.rs", "")];
    assert_eq!(Project::new(&files).targets(), "lib p: up/contrib/c.c up/lib/a.c\n");
    let wrapped: Vec<_> = files.into_iter().chain([("up/LICENSE", "")]).collect();
    assert_eq!(Project::new(&wrapped).targets(), "lib p: up/lib/a.c\n");
}

#[test]
fn commands_tell_programs_by_what_they_are_made_of() {
    let text = r#"[
        {"directory": "/x/build", "file": "../a.c", "output": "CMakeFiles/p.dir/a.c.o", "command": "cc -DA -c ../a.c"},
        {"directory": "/x/build", "file": "../tool.c", "output": "CMakeFiles/t.dir/tool.c.o"},
        {"directory": "/x/build", "file": "../help.c", "output": "CMakeFiles/t.dir/help.c.o"},
        {"directory": "/x/build", "file": "../tests/t.c", "output": "CMakeFiles/u.dir/t.c.o"}
    ]"#;
    let project = Project::new(&[
        ("build/compile_commands.json", text),
        ("build/CMakeCache.txt", ""),
        ("a.c", ""),
        ("tool.c", "int main(void) { return 0; }"),
        ("help.c", ""),
        ("tests/t.c", ""),
    ]);
    assert_eq!(project.targets(), "lib p: a.c\nexe tool: tool.c\n");
    let found = project.discover();
    assert_eq!(found.defines, ["A"]);
    assert_eq!(
        found.evidence[0].to_string(),
        "build/compile_commands.json",
        "though the folder is passed over"
    );
}

#[test]
fn what_jmake_wrote_down_itself_is_no_evidence() {
    let ours =
        r#"[{"directory": "/x", "file": "a.c", "output": ".jmake/objects/a.o", "arguments": ["clang"]}]"#;
    let project = Project::new(&[
        (".jmake/compile_commands.json", ours),
        ("compile_commands.json", "->.jmake/compile_commands.json"),
        ("a.c", ""),
        ("b.c", ""),
    ]);
    assert_eq!(project.targets(), "lib p: a.c b.c\n");
    assert!(project.discover().evidence.is_empty());
}

#[test]
fn what_is_named_by_its_object_or_in_parts_is_named() {
    let project = Project::new(&[
        ("Makefile", "libp.a: a.o\nifdef X\nlibp.a: named.o\nendif\nS = part_$(SYSTEM).c\n"),
        ("a.c", ""),
        ("named.c", ""),
        ("part_x.c", ""),
    ]);
    assert_eq!(project.targets(), "lib p: a.c\n");
    assert!(project.discover().problems.is_empty());
}
