//! What no project should look like, and what discovery makes of it all the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::tests::Project;
use super::*;

/// Every description that names `source`, in a project of its own.
fn described(source: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("CMakeLists.txt", format!("project(p C)\nadd_library(p SHARED a.c {source})\n")),
        ("meson.build", format!("project('p', 'c')\nlibrary('p', 'a.c', '{source}')\n")),
        ("Makefile.am", format!("lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c {source}\n")),
        ("BUILD", format!("cc_library(name = 'p', srcs = ['a.c', '{source}'])\n")),
        ("Makefile", format!("libp.so: a.c {source}\n\tcc -shared -o $@ $^\n")),
        (
            "compile_commands.json",
            format!(
                r#"[{{"directory": "/x/p", "file": "/x/p/a.c"}}, {{"directory": "/x/p", "file": "{source}"}}]"#
            ),
        ),
    ])
}

/// A project of `files`, with what a `Makefile.am` is nothing without.
fn project(name: &str, text: &str, files: &[(&str, &str)]) -> Project {
    let mut all = vec![(name, text), ("configure.ac", "AC_INIT([p], [1])\n")];
    all.extend(files);
    Project::new(&all)
}

#[test]
fn a_folder_of_tests_alone_has_no_library() {
    let project = Project::new(&[
        ("tests/test_a.c", "int main(void) { return 0; }"),
        ("tests/help.c", ""),
        ("test/b_test.cpp", ""),
    ]);
    assert_eq!(project.targets(), "");
    assert_eq!(project.reason("tests/help.c"), Some(LeftOut::TestFolder("tests".into())));
}

#[test]
fn includes_in_circles_end() {
    let project = Project::new(&[
        ("self.c", "#ifndef SELF\n#define SELF\n#include \"self.c\"\n#endif\n"),
        ("a.c", "#include \"one.h\""),
        ("one.h", "#include \"two.h\""),
        ("two.h", "#include \"three.h\""),
        ("three.h", "#include \"one.h\"\n#include \"three.h\""),
        ("computed.c", "#define X Y\n#define Y X\n#include X\n"),
    ]);
    assert_eq!(project.targets(), "lib p: a.c computed.c self.c\n");
}

#[test]
fn what_a_description_names_outside_of_the_root_is_not_taken() {
    let outside = Project::new(&[("x.c", "int x;"), ("p/", "")]);
    let above = outside.path().join("x.c").display().to_string();
    for source in ["../x.c", "../../../../../../../../etc/passwd", "/etc/passwd", "sub/../../x.c", &above] {
        for (name, text) in described(source) {
            let project = project(name, &text, &[("a.c", ""), ("b.c", "")]);
            let found = project.discover();
            assert_eq!(project.targets(), "lib p: a.c\n", "{name}: {text}");
            let read: Vec<&FilePath> = found.evidence.iter().filter(|path| path.is_absolute()).collect();
            assert!(read.is_empty(), "{name}: {read:?}");
        }
    }
}

#[test]
fn links_to_files_outside_count_as_files_and_folders_do_not() {
    let outside =
        Project::new(&[("x.c", "int x(void);"), ("more/y.c", ""), ("CMakeLists.txt", "project(q)\n")]);
    let to = |name: &str| format!("->{}", outside.path().join(name).display());
    let (file, folder, text) = (to("x.c"), to("more"), to("CMakeLists.txt"));
    let files = [
        ("a.c", ""),
        ("linked.c", file.as_str()),
        ("more", folder.as_str()),
        ("CMakeLists.txt", text.as_str()),
    ];
    let project = Project::new(&files);
    assert_eq!(project.targets(), "lib p: a.c linked.c\n");
    assert_eq!(project.scan(&Options::default()).skipped, [("more".into(), Skipped::Link)]);
}

#[test]
fn files_that_are_not_text_are_no_trouble() {
    let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let names = [
        "a.c",
        "b.h",
        "CMakeLists.txt",
        "meson.build",
        "Makefile.am",
        "configure.ac",
        "BUILD",
        "Makefile",
        "compile_commands.json",
        ".gitignore",
        "config.h.in",
        "meson_options.txt",
    ];
    for name in names {
        let project = Project::new(&[("z.c", "#include \"b.h\"\n#include \"config.h\"\n")]);
        project.write(name, &noise);
        let targets = project.targets();
        assert!(targets.contains("z.c"), "{name}: {targets}");
    }
}

#[test]
fn libraries_that_define_the_same_are_one_where_nothing_parts_them() {
    // What the symbols say of it is for the link to show.
    let two =
        Project::new(&[("one/f.c", "int f(void) { return 1; }"), ("two/f.c", "int f(void) { return 2; }")]);
    assert_eq!(two.targets(), "lib p: one/f.c two/f.c\n");
    let text = "project(p C)\nadd_library(one one/f.c)\nadd_library(two two/f.c)\n";
    let two = Project::new(&[("CMakeLists.txt", text), ("one/f.c", ""), ("two/f.c", "")]);
    assert_eq!(two.targets(), "lib p: one/f.c two/f.c\n");
}

/// In every language: folders that lead to one another, and files that include themselves.
#[test]
fn descriptions_in_circles_end() {
    type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)]);
    let cases: [Case<'_>; 7] = [
        (
            "CMakeLists.txt",
            "project(p C)\nadd_library(p a.c)\nadd_subdirectory(sub)\nadd_subdirectory(. again)\n",
            &[("sub/CMakeLists.txt", "add_subdirectory(.. up)\nadd_subdirectory(${CMAKE_SOURCE_DIR} top)\n")],
        ),
        (
            "CMakeLists.txt",
            "project(p C)\ninclude(x.cmake)\nadd_library(p a.c)\n",
            &[("x.cmake", "include(y.cmake)\n"), ("y.cmake", "include(x.cmake)\n")],
        ),
        (
            "meson.build",
            "project('p', 'c')\nsubdir('sub')\nlibrary('p', 'a.c')\n",
            &[("sub/meson.build", "subdir('..')\nsubdir('../sub')\n")],
        ),
        (
            "Makefile.am",
            "SUBDIRS = sub .\nlib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\n",
            &[("sub/Makefile.am", "SUBDIRS = .. ../sub\ninclude ../Makefile.am\n")],
        ),
        (
            "BUILD",
            "load('//:x.bzl', 'X')\ncc_library(name = 'p', srcs = ['a.c'], deps = [':p', '//sub:q'])\n",
            &[
                ("x.bzl", "load('//:y.bzl', 'X')\n"),
                ("y.bzl", "load('//:x.bzl', 'X')\n"),
                ("sub/BUILD", "cc_library(name = 'q', deps = ['//:p'])\n"),
            ],
        ),
        (
            "Makefile",
            "all:\n\t$(MAKE) -C sub\ninclude x.mk\nlibp.a: a.o libp.a\n",
            &[("sub/Makefile", "all:\n\t$(MAKE) -C ..\n"), ("x.mk", "include x.mk Makefile\n")],
        ),
        (
            "Makefile",
            "f = $(call f,$(call g,$(1)))\ng = $(f) $(call f,x) $(eval f = $(f)$(f))\nlibp.a: a.o $(call f,y)\n",
            &[],
        ),
    ];
    for (name, text, more) in cases {
        let files: Vec<_> =
            [("a.c", ""), ("left_out.c", "")].into_iter().chain(more.iter().copied()).collect();
        assert_eq!(project(name, text, &files).targets(), "lib p: a.c\n", "{text}");
    }
}

/// In every language: values that grow without end, ranges and patterns that take for ever.
#[test]
fn values_without_end_are_given_up() {
    let doubled = |line: &str| {
        (0..60).fold(String::new(), |mut text, at| {
            write!(text, "{}", line.replace("NEXT", &(at + 1).to_string()).replace("THIS", &at.to_string()))
                .unwrap();
            text
        })
    };
    let slow = "a".repeat(50_000);
    let cases = [
        ("CMakeLists.txt", "project(p C)\nset(v0 aa)\n".to_owned() + &doubled("set(vNEXT \"${vTHIS}${vTHIS}\")\n") + "add_library(p a.c ${v60})\n"),
        ("CMakeLists.txt", "project(p C)\nset(v0 a b)\n".to_owned() + &doubled("set(vNEXT ${vTHIS} ${vTHIS})\n") + "add_library(p a.c ${v60})\n"),
        ("CMakeLists.txt", format!("project(p C)\nset(t {slow}b)\nforeach(i RANGE 100000)\nstring(REGEX MATCHALL \"(a+)+(a*)*c|[^b]*d\" r \"${{t}}\")\nendforeach()\n")),
        ("CMakeLists.txt", format!("project(p C)\nset(t {slow})\nforeach(i RANGE 100000)\nif(t MATCHES \"(.*)(.*)(.*)x\")\nendif()\nendforeach()\n")),
        ("CMakeLists.txt", "project(p C)\nforeach(i RANGE 0 4000000000)\nfile(GLOB_RECURSE x *.c)\nendforeach()\n".to_owned()),
        ("meson.build", "project('p', 'c')\nv0 = 'aa'\n".to_owned() + &doubled("vNEXT = vTHIS + vTHIS\n") + "library('p', 'a.c', v60)\n"),
        ("meson.build", "project('p', 'c')\nv0 = '@0@@0@'\n".to_owned() + &doubled("vNEXT = vTHIS.format(vTHIS)\n") + "library('p', 'a.c')\n"),
        ("meson.build", "project('p', 'c')\nforeach i : range(4000000000)\nforeach j : range(4000000000)\nx = '@0@'.format(i).split('1')\nendforeach\nendforeach\nlibrary('p', 'a.c')\n".to_owned()),
        ("Makefile.am", "v0 = a.c\n".to_owned() + &doubled("vNEXT = $(vTHIS) $(vTHIS)\n") + "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c $(v60)\nlibp_la_CFLAGS = $(v60)\n"),
        ("Makefile.am", "libp_la_CFLAGS = $(libp_la_CFLAGS) -fwrapv\nCC = $(CC) $(CC)\nlib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\n".to_owned()),
        ("BUILD", "v0 = 'aa'\n".to_owned() + &doubled("vNEXT = vTHIS + vTHIS\n") + "cc_library(name = 'p', srcs = ['a.c', v60])\n"),
        ("BUILD", "r = ['%s' % x for x in range(4000000000)]\n".to_owned() + "v0 = ['a', 'b']\n" + &doubled("vNEXT = [[x for x in vTHIS] for y in vTHIS]\n") + "cc_library(name = 'p', srcs = ['a.c'])\n"),
        ("Makefile", "v0 = aa\n".to_owned() + &doubled("vNEXT := $(vTHIS)$(vTHIS)\n") + "libp.a: a.o $(v60)\n"),
        ("Makefile", "CFLAGS = $(CFLAGS) $(CFLAGS)\nlibp.a: a.o\na.o: CFLAGS += $(CFLAGS)$(CFLAGS)\n".to_owned()),
        ("Makefile", "libp.a: a.o $(foreach i,$(wildcard **********.c) $(L),$(foreach j,$(L),$(wildcard *)))\nL = ".to_owned() + &"x ".repeat(20_000) + "\n"),
        ("Makefile", (0..2_000).fold("libp.a: $(O)\n".to_owned(), |mut text, at| {
            write!(text, "O += o{at}.o\n%{at}.o: CFLAGS += $(V)\no{at}.o: V = {}\n", "x".repeat(500)).unwrap();
            text
        })),
    ];
    let big = "ab ".repeat(300_000);
    let more = [
        (
            "meson.build",
            format!("project('p', 'c')\nx = '{big}'\ny = x.join(x.split(' '))\nlibrary('p', 'a.c')\n"),
        ),
        (
            "meson.build",
            format!(
                "project('p', 'c')\nx = '{big}'\ny = f'{}'\nlibrary('p', 'a.c')\n",
                "@x@".repeat(100_000)
            ),
        ),
        ("BUILD", format!("x = '{big}'\ny = x.join(x.split(' '))\ncc_library(name = 'p', srcs = ['a.c'])\n")),
        ("Makefile", format!("X = {big}\nY := $(subst a,$(X),$(X))\nlibp.a: a.o\n")),
        ("Makefile", format!("X = {big}\nY := $(X:%b=$(X))\nlibp.a: a.o\n")),
        (
            "Makefile",
            format!("X = {big}\nY := $(patsubst %b,$(X),$(X)) $(addprefix $(X),$(X))\nlibp.a: a.o\n"),
        ),
    ];
    for (name, text) in cases.into_iter().chain(more) {
        let project = project(name, &text, &[("a.c", "")]);
        assert_eq!(project.targets(), "lib p: a.c\n", "{}", &text[..50]);
    }
}
