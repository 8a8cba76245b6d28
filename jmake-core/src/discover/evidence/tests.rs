use crate::discover::LeftOut;
use crate::discover::tests::Project;
use crate::generate::Form;
use crate::path::FilePath;

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
    let own = found.manner.own(&"upstream/v2/a.c".into());
    assert_eq!(own.map(ToString::to_string).as_deref(), Some("-fvisibility=hidden"));
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

/// What a project of these sources makes by a `CMakeLists.txt`.
fn by_cmake(text: &'static str, more: &[(&'static str, &'static str)]) -> crate::discover::Discovery {
    let files: Vec<_> =
        SOURCES.into_iter().chain([("CMakeLists.txt", text)]).chain(more.iter().copied()).collect();
    Project::new(&files).discover()
}

/// What each source is told that not all are.
fn told(found: &crate::discover::Discovery) -> String {
    let mut all = Vec::new();
    for own in found.manner.own.iter().filter(|own| !own.told.is_empty()) {
        all.extend(own.sources.iter().map(|source| format!("{source}: {}", own.told)));
    }
    all.sort();
    all.join("; ")
}

#[test]
fn what_one_library_is_told_is_not_for_another() {
    let commands = r#"[
        {"directory": "/x", "file": "a.c", "command": "cc -Ione -Iall -DK=1 -DALL -include one/first.h -c a.c"},
        {"directory": "/x", "file": "b.c", "command": "cc -Itwo -Iall -DK=2 -DALL -c b.c"}
    ]"#;
    let descriptions: [&[(&str, &str)]; 6] = [
        &[(
            "CMakeLists.txt",
            "project(p C)\nadd_definitions(-DALL)\nadd_library(one STATIC a.c)\nadd_library(p STATIC b.c)\n\
             target_include_directories(one PRIVATE one all)\ntarget_compile_definitions(one PRIVATE K=1)\n\
             target_compile_options(one PRIVATE -include ${CMAKE_SOURCE_DIR}/one/first.h -include gone.h)\n\
             target_include_directories(p PRIVATE two all)\ntarget_compile_definitions(p PRIVATE K=2)\n",
        )],
        &[(
            "meson.build",
            "project('p', 'c')\nadd_project_arguments('-DALL', language: 'c')\n\
             one = static_library('one', 'a.c', include_directories: include_directories('one', 'all'), c_args: '-DK=1')\n\
             library('p', 'b.c', include_directories: include_directories('two', 'all'), c_args: '-DK=2', link_with: one)\n",
        )],
        &[
            CONFIGURE,
            (
                "Makefile.am",
                "noinst_LTLIBRARIES = libone.la\nlib_LTLIBRARIES = libp.la\nDEFS = -DALL\n\
                 libone_la_SOURCES = a.c\nlibone_la_CPPFLAGS = -I$(srcdir)/one -Iall -DK=1\n\
                 libp_la_SOURCES = b.c\nlibp_la_CPPFLAGS = -Itwo -Iall -DK=2\nlibp_la_LIBADD = libone.la\n",
            ),
        ],
        &[(
            "BUILD",
            "cc_library(name = 'one', srcs = ['a.c'], copts = ['-Ione', '-Iall', '-DK=1'], defines = ['ALL'])\n\
             cc_library(name = 'p', srcs = ['b.c'], copts = ['-Itwo', '-Iall', '-DK=2'], deps = [':one'])\n",
        )],
        &[("compile_commands.json", commands)],
        &[(
            "Makefile",
            "CPPFLAGS = -DALL\nlibp.a: a.o b.o\na.o: CFLAGS += -Ione -Iall -DK=1\nb.o: CFLAGS += -Itwo -Iall -DK=2\n",
        )],
    ];
    let headers = [("one/first.h", ""), ("two/x.h", ""), ("all/x.h", "")];
    for description in descriptions {
        let found = project(&[description, &headers].concat()).discover();
        let begins = ["compile_commands.json", "CMakeLists.txt"].contains(&description[0].0);
        let first = if begins { " -include one/first.h" } else { "" };
        let expect = format!("a.c: -Ione -DK=1{first}; b.c: -Itwo -DK=2");
        // Where headers are made is for all, too, and stands first.
        let made = |dir: &FilePath| dir.as_bytes().starts_with(b".jmake");
        assert_eq!(told(&found).replace("-I.jmake/gen ", ""), expect, "{}", description[0].0);
        let dirs: Vec<FilePath> = found.include_dirs.into_iter().filter(|dir| !made(dir)).collect();
        assert_eq!((found.defines, dirs), (vec!["ALL".to_owned()], vec!["all".into()]));
    }
}

#[test]
fn what_is_made_for_one_library_is_found_by_its_sources() {
    let cmake = "project(p C)\nadd_library(one STATIC a.c)\nadd_library(p STATIC b.c)\n\
        configure_file(one.h.in one/config.h)\nconfigure_file(two.h.in two/config.h)\n\
        target_include_directories(one PRIVATE ${CMAKE_BINARY_DIR}/one all)\n\
        target_include_directories(p PRIVATE ${CMAKE_BINARY_DIR}/two all)\n";
    let files = [
        ("a.c", "#include \"shared.h\"\n"),
        ("b.c", "#include \"shared.h\"\n"),
        ("all/shared.h", "#include <config.h>\n"),
        ("one.h.in", ""),
        ("two.h.in", ""),
        ("CMakeLists.txt", cmake),
    ];
    let found = Project::new(&files).discover();
    let made: Vec<String> = found.generated.iter().map(|made| made.path.to_string()).collect();
    assert_eq!(made, [".jmake/gen/cmake/one/config.h", ".jmake/gen/cmake/two/config.h"]);
    assert_eq!(told(&found), "a.c: -I.jmake/gen/cmake/one; b.c: -I.jmake/gen/cmake/two");
}

fn library(found: &crate::discover::Discovery) -> String {
    let names = found.targets[0].sources.iter().map(ToString::to_string);
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn packages_without_which_a_description_gives_up_count_as_there() {
    let one_of = "project(p C)\n\
        find_package(Zip)\nfind_package(One)\nif(One_FOUND)\nset(more m.c)\nendif()\n\
        if(NOT more)\nfind_package(Two)\nif(Two_FOUND)\nset(more b.c)\nendif()\nendif()\n\
        if(NOT more)\nmessage(FATAL_ERROR \"nothing to go by\")\nendif()\n\
        if(Zip_FOUND)\nlist(APPEND more mk.c)\nendif()\nadd_library(p a.c ${more})\n";
    assert_eq!(library(&by_cmake(one_of, &[])), "a.c m.c", "the first that helps, and no other");
    let required = "project(p C)\nfind_package(One REQUIRED)\nif(One_FOUND)\nset(more m.c)\nendif()\n\
        find_package(Two)\nif(Two_FOUND)\nset(more b.c)\nendif()\nadd_library(p a.c ${more})\n";
    assert_eq!(library(&by_cmake(required, &[])), "a.c m.c");
    let checked = "project(p C)\ninclude(CheckIncludeFile)\nfind_package(One)\nif(NOT One_FOUND)\n\
        find_package(Two)\nif(NOT Two_FOUND)\nmessage(FATAL_ERROR no)\nendif()\nendif()\n\
        if(One_FOUND)\ncheck_include_file(one/x.h HAVE_X)\nif(NOT HAVE_X)\nmessage(FATAL_ERROR no)\nendif()\n\
        set(more m.c)\nendif()\nadd_library(p a.c ${more})\n";
    assert_eq!(library(&by_cmake(checked, &[])), "a.c m.c", "headers come with their package");
    let never = "project(p C)\nfind_package(One)\nif(One_FOUND)\nset(more m.c)\nendif()\n\
        message(FATAL_ERROR no)\nadd_library(p a.c ${more})\n";
    assert_eq!(library(&by_cmake(never, &[])), "a.c", "nothing helps");
}

#[test]
fn plug_ins_are_beside_a_library_and_each_library_shows_its_own() {
    let text = "project(p C)\nadd_library(a SHARED a.c)\nadd_library(b SHARED b.c)\nadd_library(m MODULE m.c)\n\
        add_library(s STATIC a.c b.c mk.c)\n\
        set_target_properties(a PROPERTIES LINK_FLAGS -Wl,--version-script=${CMAKE_SOURCE_DIR}/a.map)\n\
        set_target_properties(b PROPERTIES LINK_FLAGS -Wl,--version-script=${CMAKE_SOURCE_DIR}/b.map)\n";
    let maps = [("a.map", "{ global: a; x; local: *; };"), ("b.map", "{ global: b; x; local: *; };")];
    let found = by_cmake(text, &maps);
    assert_eq!(library(&found), "a.c b.c mk.c");
    assert_eq!(found.manner.export.map(|names| names.join(" ")).as_deref(), Some("a x b"));
    let open = by_cmake(
        "project(p C)\nadd_library(a SHARED a.c)\nadd_library(b SHARED b.c)\n\
        set_target_properties(b PROPERTIES LINK_FLAGS -Wl,--version-script=${CMAKE_SOURCE_DIR}/b.map)\n",
        &maps,
    );
    assert_eq!(open.manner.export, None, "one shows everything");
    assert_eq!(library(&by_cmake("project(p C)\nadd_library(m MODULE m.c)\n", &[])), "m.c");
}

#[test]
fn where_symbols_have_versions_the_script_counts_as_it_is() {
    const SCRIPT: &str = "V1 { global: a; };\nV2 { b; local: *; } V1;\n";
    let text = "project(p C)\nadd_library(p SHARED v.c)\n\
        set(CMAKE_SHARED_LINKER_FLAGS \"${CMAKE_SHARED_LINKER_FLAGS} -Wl,--version-script,${CMAKE_SOURCE_DIR}/p.map\")\n";
    let found = |source, script| by_cmake(text, &[("v.c", source), ("p.map", script)]).manner;
    let versioned = found("__asm__(\".symver a1, a@V1\");", SCRIPT);
    assert_eq!((versioned.export, versioned.script.as_deref()), (None, Some(SCRIPT)));
    let plain = found("", SCRIPT);
    assert_eq!((plain.export.unwrap().join(" "), plain.script), ("a b".to_owned(), None));
    let template = found("__asm__(\".symver a1, a@V1\");", "@V@ { global: a; local: *; };");
    assert_eq!((template.export, template.script), (None, None));
}

#[test]
fn several_libraries_are_told_apart_with_what_they_are_made_of() {
    let text = "project(p C)\nadd_library(base OBJECT a.c)\nadd_library(more STATIC b.c)\n\
        add_library(p SHARED m.c)\nadd_library(p_static STATIC m.c b.c)\nadd_library(q SHARED mk.c b.c)\n\
        target_link_libraries(p PRIVATE more)\ninstall(TARGETS p p_static q)\n";
    let found = by_cmake(text, &[]);
    let shown = |one: &crate::discover::DescribedLibrary| {
        let names: Vec<_> = one.sources.iter().map(ToString::to_string).collect();
        format!("{}: {}", one.name, names.join(" "))
    };
    let all: Vec<String> = found.libraries.iter().map(shown).collect();
    assert_eq!(all, ["p: b.c m.c", "q: b.c mk.c"]);
    assert!(by_cmake("project(p C)\nadd_library(p a.c)\n", &[]).libraries.is_empty());
}

#[test]
fn what_an_installed_library_is_linked_with_belongs_to_it() {
    let text = "project(p C)\nadd_library(base a.c)\nadd_library(tools b.c)\nadd_library(p m.c)\n\
        target_link_libraries(p base)\ninstall(TARGETS p)\n\
        add_executable(x main.c)\ntarget_link_libraries(x base tools)\n";
    assert_eq!(library(&by_cmake(text, &[("main.c", "int main(void) { return 0; }")])), "a.c m.c");
}

#[test]
fn folders_of_an_object_library_come_with_its_sources() {
    let project = Project::new(&[
        ("a.c", "#include \"c.h\"\n"),
        ("b.c", ""),
        ("c.h.in", "#define N @N@\n"),
        (
            "CMakeLists.txt",
            "project(p C)\nset(N 3)\nconfigure_file(c.h.in made/c.h)\nadd_library(o OBJECT a.c)\n\
             target_include_directories(o PRIVATE ${CMAKE_BINARY_DIR}/made)\n\
             add_library(p b.c $<TARGET_OBJECTS:o>)\n",
        ),
    ]);
    let found = project.discover();
    assert_eq!(library(&found), "a.c b.c");
    assert_eq!(told(&found), "a.c: -I.jmake/gen/cmake/made; b.c: -Dp_EXPORTS");
}

#[test]
fn a_header_that_every_source_begins_with() {
    let project = project(&[
        ("configure.ac", "AC_INIT([p], [1])\nAC_CONFIG_HEADERS([config.h])\nAC_DEFINE([X], [1])\n"),
        (
            "Makefile.am",
            "AM_CPPFLAGS = -include $(top_builddir)/config.h -include first.h -include gone.h\n\
            lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\n",
        ),
        ("first.h", ""),
    ]);
    let found = project.discover();
    let first: Vec<String> = found.manner.first.iter().map(ToString::to_string).collect();
    assert_eq!(first, [".jmake/gen/config.h", "first.h"]);
    assert!(
        found.generated.iter().any(|made| made.path == first[0].as_str().into()),
        "though nothing includes it"
    );
}

#[test]
fn a_template_may_be_written_by_the_description() {
    let project = Project::new(&[
        ("a.c", "#include \"c.h\"\n"),
        (
            "CMakeLists.txt",
            "project(p C)\nset(N 3)\nfile(WRITE ${CMAKE_BINARY_DIR}/c.h.in \"#define N @N@\\n\")\n\
             configure_file(${CMAKE_BINARY_DIR}/c.h.in ${CMAKE_BINARY_DIR}/c.h)\n\
             include_directories(${CMAKE_BINARY_DIR})\nadd_library(p a.c)\n",
        ),
    ]);
    let found = project.discover();
    let [made] = &found.generated[..] else { panic!("{:?}", found.generated) };
    assert_eq!(made.from.to_string(), "CMakeLists.txt");
    assert!(matches!(&made.form, Form::Lines { text, .. } if text == "#define N @N@\n"), "{:?}", made.form);
}

#[test]
fn what_a_template_becomes_is_not_guessed_beside_what_is_said() {
    let project = project(&[
        (
            "CMakeLists.txt",
            "project(p C)\nconfigure_file(cmake/config.h.cmake conf.h)\n\
             include_directories(${CMAKE_BINARY_DIR} inc)\nadd_library(p a.c t.c)\n",
        ),
        ("cmake/config.h.cmake", "#define VALUE \"@UNKNOWN@\"\n"),
        ("inc/config.h", ""),
        ("t.c", "#include \"conf.h\"\n#include \"config.h\"\n"),
    ]);
    let found = project.discover();
    let made: Vec<String> = found.generated.iter().map(|made| made.path.to_string()).collect();
    assert_eq!(made, [".jmake/gen/cmake/conf.h"], "`config.h` is there");
}

#[test]
fn what_is_not_followed_is_said() {
    let told = |descriptions: &[(&'static str, &'static str)]| -> Vec<String> {
        let told = project(descriptions).discover().problems.into_iter().map(|problem| problem.message);
        told.filter(|message| !message.contains("is left out")).collect()
    };
    let scripted = (
        "Makefile.am",
        "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\n\
         libp_la_LDFLAGS = -Wl,--version-script,$(srcdir)/x.lds -Wl,$(top_srcdir)/p.lds -Wl,gone.lds\n",
    );
    assert_eq!(
        told(&[scripted, CONFIGURE, ("p.lds", "b = a;\n"), ("x.lds", "{ global: a; local: *; };\n")]),
        ["the linker is not given this script: symbols that it defines are missing"]
    );
    let printed = (
        "configure.ac",
        "AC_INIT([p],[1])\nwhen=`date`\nAC_DEFINE_UNQUOTED([WHEN], [\"$when\"])\nAC_DEFINE_UNQUOTED([NAME], [\"$PACKAGE\"])\n\
         AC_CONFIG_HEADERS([config.h])\nAC_OUTPUT\n",
    );
    let plain = ("Makefile.am", "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\n");
    assert_eq!(told(&[plain, printed]), ["`WHEN` lacks what a command prints"]);
    let goes_on = ("Makefile", "include config.mk\n-include more.mk\ninclude .depend\nlibp.a: a.o $(MORE)\n");
    assert_eq!(told(&[goes_on]), ["it goes on in `config.mk`, which is not there"]);
}

#[test]
fn macros_that_export_may_have_names_of_their_own() {
    let project = project(&[
        (
            "CMakeLists.txt",
            "project(p C)\ninclude(GenerateExportHeader)\nadd_library(p SHARED a.c t.c)\n\
             generate_export_header(p EXPORT_MACRO_NAME P_API EXPORT_FILE_NAME ${CMAKE_BINARY_DIR}/api.h)\n\
             include_directories(${CMAKE_BINARY_DIR})\n",
        ),
        ("t.c", "#include \"api.h\"\nP_API int t;\n"),
    ]);
    let found = project.discover();
    let [made] = &found.generated[..] else { panic!("{:?}", found.generated) };
    let Form::Text(text) = &made.form else { panic!("{:?}", made.form) };
    assert!(text.contains("#define P_API __attribute__((visibility(\"default\")))"), "{text}");
    assert!(text.contains("#define P_DEPRECATED_EXPORT P_API P_DEPRECATED"), "{text}");
}
