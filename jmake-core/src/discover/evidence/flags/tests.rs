use crate::discover::Manner;
use crate::discover::tests::Project;

/// What is found of the manner in a project of `files`, sources `a.c`, `b.c`, `fast.c` and `d.cc` among
/// them: what is for C, for C++, for single sources, and what is shown.
fn manner(files: &[(&'static str, &'static str)]) -> String {
    let marked = "__attribute__((visibility(\"default\"))) int f(void);";
    let sources = [("a.c", marked), ("b.c", ""), ("fast.c", ""), ("d.cc", "")];
    let files: Vec<_> = sources.into_iter().chain(files.iter().copied()).collect();
    let Manner { c_std, std, c_flags, cxx_flags, own, export, .. } = Project::new(&files).discover().manner;
    let mut out = Vec::new();
    for (language, std, flags) in [("c", c_std, c_flags), ("c++", std, cxx_flags)] {
        out.extend(std.map(|std| format!("{language} is {std}")));
        out.extend((!flags.is_empty()).then(|| format!("{language}: {}", flags.join(" "))));
    }
    for own in own.iter().filter(|own| !own.told.is_empty()) {
        out.extend(own.sources.iter().map(|source| format!("{source}: {}", own.told)));
    }
    out.extend(export.map(|shown| format!("shows {}", shown.join(" "))));
    out.join("; ")
}

fn automake(configure: &'static str, makefile: &'static str) -> String {
    let configure: &'static str = format!("AC_INIT([p], [1])\n{configure}").leak();
    manner(&[
        ("configure.ac", configure),
        ("Makefile.am", makefile),
        ("p.map", "P_1 { global: f; g*; local: *; };"),
        ("p.syms", "f\ng\n"),
        ("made.map.in", "P_@V@ { global: f; local: *; };"),
    ])
}

const LIBRARY: &str = "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c b.c d.cc\n";

#[test]
fn automake_says_how() {
    let with = |configure: &'static str, more: &str| automake(configure, format!("{LIBRARY}{more}").leak());
    for (configure, makefile, expect) in [
        ("", "AM_CFLAGS = -std=gnu99 -fwrapv -O3 -Wall\n", "c is gnu99; c: -fwrapv"),
        ("", "AM_CFLAGS = -fwrapv\nlibp_la_CFLAGS = -std=c11\n", "c is c11"),
        ("", "AM_CPPFLAGS = -fno-strict-aliasing\n", "c: -fno-strict-aliasing; c++: -fno-strict-aliasing"),
        (
            "",
            "AM_CFLAGS = -std=c99 -fvisibility=hidden\nlibp_la_CFLAGS = $(AM_CFLAGS) -std=c11 -fvisibility=default\n",
            "c is c11",
        ),
        (
            "AX_CHECK_COMPILE_FLAG([-fvisibility=hidden], [VIS=\"-fvisibility=hidden\"])\nAC_SUBST([VIS])",
            "AM_CFLAGS = $(VIS)\n",
            "c: -fvisibility=hidden",
        ),
        ("AX_APPEND_COMPILE_FLAGS([\"-fvisibility=hidden\" -mavx2])", "", "c: -fvisibility=hidden"),
        (
            "AC_LANG_PUSH([C++])\nAX_APPEND_FLAG([-fno-rtti])\nAC_LANG_POP\nAX_APPEND_FLAG([-fwrapv], [MORE])\nAC_SUBST([MORE])",
            "AM_CFLAGS = @MORE@\n",
            "c: -fwrapv; c++: -fno-rtti",
        ),
        ("CFLAGS=\"$CFLAGS -fwrapv\"\nCXXFLAGS=\"$CXXFLAGS -std=c++14\"", "", "c: -fwrapv; c++ is c++14"),
        ("AC_PROG_CC_C99\nAC_PROG_CC_STDC", "", ""),
        ("AX_CXX_COMPILE_STDCXX([11], [noext], [mandatory])", "", "c++ is c++11"),
        ("AX_CXX_COMPILE_STDCXX_14([ext])", "", "c++ is gnu++14"),
        ("AX_CXX_COMPILE_STDCXX([17])", "", ""),
        ("AX_CXX_COMPILE_STDCXX([20])", "", "c++ is gnu++20"),
        ("gl_VISIBILITY", "AM_CFLAGS = $(CFLAG_VISIBILITY)\n", "c: -fvisibility=hidden"),
        ("", "AM_CFLAGS = -fplugin=x.so -mllvm x @file -fwrapv -march=native\n", "c: -fwrapv"),
        ("", "libp_la_LDFLAGS = -export-symbols-regex '^p_|^q'\n", "shows p_* q*"),
        ("", "libp_la_LDFLAGS = -export-symbols-regex '^p_(a+b)$$'\n", ""),
        ("", "libp_la_LDFLAGS = -export-symbols $(srcdir)/p.syms -version-info 1\n", "shows f g"),
        ("", "AM_LDFLAGS = -Wl,--version-script=$(top_srcdir)/p.map\n", "shows f g*"),
        ("", "AM_LDFLAGS = -Wl,--version-script -Wl,p.map\nlibp_la_LDFLAGS = -no-undefined\n", ""),
        ("", "libp_la_LDFLAGS = -Wl,-z,defs,--version-script,$(top_builddir)/made.map\n", "shows f"),
        ("", "libp_la_LDFLAGS = -Wl,--version-script=../../etc/p.map\n", ""),
        (
            "sgl_INIT",
            "if HAVE_LD_VERSION_SCRIPT\nlibp_la_LDFLAGS = -Wl,--version-script=p.map\nendif\n",
            "shows f g*",
        ),
        (
            "gl_LD_VERSION_SCRIPT",
            "if HAVE_LD_VERSION_SCRIPT\nlibp_la_LDFLAGS = -Wl,--version-script=p.map\nendif\n",
            "shows f g*",
        ),
    ] {
        assert_eq!(with(configure, makefile), expect, "{configure}\n{makefile}");
    }
}

#[test]
fn what_only_a_part_is_told_is_for_its_sources() {
    let makefile = "lib_LTLIBRARIES = libp.la
noinst_LTLIBRARIES = libfast.la
AM_CFLAGS = -fwrapv
libp_la_SOURCES = a.c b.c
libp_la_CPPFLAGS = -DKIND=plain
libp_la_LIBADD = libfast.la
libfast_la_SOURCES = fast.c b.c
libfast_la_CFLAGS = $(AM_CFLAGS) -mavx2
libfast_la_CPPFLAGS = -DKIND=fast
";
    assert_eq!(
        automake("", makefile),
        "c: -fwrapv; a.c: -DKIND=plain; b.c: -DKIND=plain; fast.c: -DKIND=fast -mavx2"
    );
    // Two libraries for others: what one shows, and all of the other.
    let two = "lib_LTLIBRARIES = libp.la libq.la\nlibp_la_SOURCES = a.c\nlibq_la_SOURCES = b.c\n\
               libp_la_LDFLAGS = -export-symbols-regex ^p_\n";
    assert_eq!(automake("", two), "");
    let both: &'static str = format!("{two}libq_la_LDFLAGS = -export-symbols-regex ^q_\n").leak();
    assert_eq!(automake("", both), "shows p_* q_*");
}

#[test]
fn meson_says_how() {
    let of = |text: &'static str| {
        manner(&[
            ("meson.build", text),
            ("p.map", "P_1 { global: f; local: *; };"),
            ("p.def", "EXPORTS\nf\n"),
        ])
    };
    for (text, expect) in [
        (
            "project('p', 'c', 'cpp', default_options: ['c_std=gnu11,c11', 'cpp_std=c++17', 'cpp_rtti=false'])\nlibrary('p', 'a.c', 'd.cc')\n",
            "c is gnu11; c++ is c++17; c++: -fno-rtti",
        ),
        (
            "project('p', 'c')\nlibrary('p', 'a.c', c_args: '-std=c99', override_options: ['c_std=c11'])\n",
            "c is c99",
        ),
        (
            "project('p', 'c')\nadd_project_arguments('-fwrapv', '-O2', language: 'c')\nadd_global_arguments(['-fno-rtti'], language: ['cpp'])\nlibrary('p', 'a.c', 'd.cc')\n",
            "c: -fwrapv; c++: -fno-rtti",
        ),
        (
            "project('p', 'c')\nlibrary('p', 'a.c', 'd.cc', gnu_symbol_visibility: 'inlineshidden')\n",
            "c: -fvisibility=hidden -fvisibility-inlines-hidden; c++: -fvisibility=hidden -fvisibility-inlines-hidden",
        ),
        (
            "project('p', 'c')\nfast = static_library('fast', 'fast.c', c_args: ['-mavx2', '-DX'])\nlibrary('p', 'a.c', link_with: fast, vs_module_defs: 'p.def')\n",
            "fast.c: -DX -mavx2",
        ),
        (
            "project('p', 'c')\nfast = static_library('fast', 'fast.c', c_args: get_option('nothing'))\nlibrary('p', 'a.c', link_whole: [fast])\n",
            "",
        ),
        (
            "project('p', 'c')\nm = '-Wl,--version-script,@0@/p.map'.format(meson.current_source_dir())\nshared_library('p', 'a.c', link_args: m, install: true)\nstatic_library('p', 'a.c', install: true)\n",
            "shows f",
        ),
        (
            "project('p', 'c')\nm = meson.project_source_root() / 'p.map'\nadd_project_link_arguments('-Wl,--version-script=' + m, language: 'c')\nlibrary('p', 'a.c')\n",
            "shows f",
        ),
        (
            "project('p', 'c')\nd = declare_dependency(compile_args: '-fwrapv')\nlibrary('p', 'a.c', dependencies: d)\n",
            "c: -fwrapv",
        ),
    ] {
        assert_eq!(of(text), expect, "{text}");
    }
}

#[test]
fn bazel_says_how() {
    let build = "cc_library(name = 'p', srcs = ['a.c', 'd.cc'], copts = ['-fwrapv', '-Wall'], cxxopts = ['-std=c++17'],
    linkopts = ['-Wl,--version-script=$(location :p.map)'], deps = [':fast'], visibility = ['//visibility:public'])
cc_library(name = 'fast', srcs = ['fast.c'], copts = ['-fwrapv', '-mavx2'])
";
    let files = [("BUILD", build), ("p.map", "{ global: f; local: *; };")];
    assert_eq!(manner(&files), "c: -fwrapv; c++ is c++17; c++: -fwrapv; fast.c: -mavx2; shows f");
}

#[test]
fn makefiles_say_how() {
    let of = |text: &'static str| manner(&[("Makefile", text), ("p.map", "{ global: f; local: *; };")]);
    for (text, expect) in [
        (
            "CFLAGS = -std=c99 -fwrapv -O2\nCXXFLAGS += -fno-rtti\nlibp.a: a.o d.o\n",
            "c is c99; c: -fwrapv; c++: -fno-rtti",
        ),
        ("CC = gcc -std=c11\nlibp.a: a.o\n", "c is c11"),
        ("libp.a: a.o fast.o\nfast.o: CFLAGS += -mavx2 -DFAST\n", "fast.c: -DFAST -mavx2"),
        ("libp.a: a.o fast.o\n%st.o: private override CFLAGS := -mavx2\n", "fast.c: -mavx2"),
        (
            "libp.a: a.o fast.o\nfast.o: fast.c\n\t$(CC) $(CFLAGS) $(V) -c -o $@ $<\nV = -msse4.2\n",
            "fast.c: -msse4.2",
        ),
        (
            "libp.so: a.o b.o\n\t$(CC) -shared $(L) -o $@ $^\nlibp.so: CFLAGS += -fvisibility=hidden\nL = -Wl,--version-script=p.map\n",
            "c: -fvisibility=hidden; shows f",
        ),
        ("libp.so: a.c b.c\n\tcc -shared -fwrapv -o $@ $^\n", "c: -fwrapv"),
        (
            "LIB = $(CFLAGS) -fvisibility=hidden\nlibp.a: a.o d.o\n%.o: %.c\n\tcc $(LIB) -c $<\n%.o: %.cc\n\tc++ -c $<\n",
            "c: -fvisibility=hidden",
        ),
        (
            ".c.o:\n\tcc -fwrapv -c $<\n.cc.o:\n\tc++ -std=c++14 -c $<\nlibp.a: a.o d.o\n",
            "c: -fwrapv; c++ is c++14",
        ),
        ("X = $(shell echo -fwrapv)\nCFLAGS = $(X) $(call y,-fwrapv)\nlibp.a: a.o\n", ""),
    ] {
        assert_eq!(of(text), expect, "{text}");
    }
}

#[test]
fn commands_say_how_each_was_compiled() {
    let text = r#"[
        {"directory": "/x", "file": "a.c", "command": "cc -std=c11 -fwrapv -DALL -c a.c"},
        {"directory": "/x", "file": "fast.c", "command": "cc -std=c11 -fwrapv -mavx2 -DALL -DFAST=1 -O3 -c fast.c"},
        {"directory": "/x", "file": "d.cc", "command": "c++ -std=c++17 -DALL -fno-exceptions -fplugin=/x.so -c d.cc"}
    ]"#;
    let files = [("compile_commands.json", text)];
    assert_eq!(
        manner(&files),
        "c is c11; c: -fwrapv; c++ is c++17; c++: -fno-exceptions; fast.c: -DFAST=1 -mavx2"
    );
    let project = Project::new(&[("a.c", ""), ("fast.c", ""), ("d.cc", ""), files[0]]);
    assert_eq!(project.discover().defines, ["ALL"]);
}

#[test]
fn a_library_that_would_be_empty_is_shown() {
    let files = [("x.c", ""), ("Makefile", "CFLAGS = -fvisibility=hidden\nlibp.a: x.o\n")];
    assert!(!Project::new(&files).discover().manner.hides());
}

#[test]
fn what_marks_may_be_made() {
    let configure = "AC_INIT([p], [1])\nAC_CONFIG_HEADERS([config.h])\nAC_DEFINE([EXPORT], [__attribute__((visibility(\"default\")))])\n";
    let files = [
        ("x.c", "#include \"config.h\"\nEXPORT int x(void);\n"),
        ("configure.ac", configure),
        (
            "Makefile.am",
            "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = x.c\nAM_CFLAGS = -fvisibility=hidden\n",
        ),
    ];
    assert!(Project::new(&files).discover().manner.hides());
    let cmake = "project(p C)\nset(CMAKE_C_VISIBILITY_PRESET hidden)\nadd_library(p SHARED x.c)\ninclude(GenerateExportHeader)\ngenerate_export_header(p)\n";
    let files = [("x.c", "#include \"p_export.h\"\nP_EXPORT int x(void);\n"), ("CMakeLists.txt", cmake)];
    assert!(Project::new(&files).discover().manner.hides());
}

#[test]
fn symbols_that_have_versions_need_more_than_names() {
    let script = ("p.map", "P_1 { global: x; local: *; };");
    let make = ("Makefile", "libp.so: x.o\n\t$(CC) -shared -Wl,--version-script=p.map -o $@ $^\n");
    let shown = |source| Project::new(&[("x.c", source), script, make]).discover().manner.export;
    assert_eq!(shown("int x(void);"), Some(vec!["x".to_owned()]));
    assert_eq!(shown("__asm__(\".symver x_1, x@P_1\");"), None);
}
