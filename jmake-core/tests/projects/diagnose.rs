//! What the user reads when a tool has failed.

use std::path::Path;

use crate::{Told, project};
use jmake_core::build::Build;
use jmake_core::configure::Wanted;

/// Builds `files`, which must fail; `None` without a compiler.
fn failing(files: &[(&str, &str)]) -> Option<Told> {
    let told = project(files)?.build_as(&Build { keep_going: true, ..Build::default() });
    assert!(!told.built.success);
    Some(told)
}

/// Builds with each way to optimise across units.
fn failing_with_each_lto(files: &[(&str, &str)], check: fn(&Told)) {
    for lto in ["off", "thin", "full"] {
        let Some(project) = project(files) else { return };
        let wanted = Wanted { lto: Some(lto.into()), ..Wanted::default() };
        let told = project.build_as(&Build { wanted, ..Build::default() });
        assert!(!told.built.success, "{lto}");
        check(&told);
    }
}

#[test]
fn an_undefined_symbol_names_its_user() {
    let files = [("src/a.cpp", "namespace n { int missing(int); }\nint user() { return n::missing(1); }\n")];
    failing_with_each_lto(&files, |told| {
        let problem = told.saying("nothing defines `n::missing(int)`");
        assert_eq!(problem.file.as_deref(), Some("src/a.cpp"));
        assert!(problem.message.ends_with("which `user()` uses"), "{}", problem.message);
        assert_eq!(told.output, "", "the linker's words are said better");
    });
}

/// Each writes its complaints in its own way.
#[test]
fn every_linker_is_understood() {
    for linker in ["lld", "mold", "bfd"] {
        let manifest = format!("[link]\nlinker = \"{linker}\"\n");
        let a = "namespace n { int missing(int); }\nint user() { return n::missing(1); }\nint twice() { return 1; }\n";
        for (b, part) in [
            ("", "nothing defines `n::missing(int)`"),
            ("int twice() { return 2; }\n", "`twice()` is defined in `a.cpp` and `b.cpp`"),
        ] {
            let a = if b.is_empty() { a } else { "int twice() { return 1; }\n" };
            let Some(project) = project(&[("jmake.toml", &*manifest), ("a.cpp", a), ("b.cpp", b)]) else {
                return;
            };
            let told = project.build();
            if told.diagnostics.iter().any(|d| d.message.contains("no usable")) {
                println!("skipped: no {linker}");
                continue;
            }
            assert!(!told.built.success);
            told.saying(part);
            assert_eq!(told.output, "", "{linker}");
        }
    }
}

#[test]
fn a_library_that_has_it() {
    if !Path::new("/usr/lib/x86_64-linux-gnu/libz.so").exists() {
        println!("skipped: no zlib");
        return;
    }
    let files = [(
        "a.c",
        "unsigned long crc32(unsigned long, void *, unsigned);\nlong f(void) { return crc32(0, 0, 0); }\n",
    )];
    let Some(told) = failing(&files) else { return };
    assert_eq!(told.hint("`crc32`"), "`libz` has it: set `link.libraries = [\"z\"]` in `jmake.toml`");
}

#[test]
fn many_undefined_symbols_are_counted() {
    let calls: String =
        (0..30).map(|i| format!("int m{i}(void);\nint f{i}(void) {{ return m{i}(); }}\n")).collect();
    let Some(told) = failing(&[("a.c", &calls)]) else { return };
    assert_eq!(told.diagnostics.iter().filter(|d| d.message.contains("nothing defines")).count(), 10);
    told.saying("more undefined symbols");
}

#[test]
fn a_source_that_was_left_out() {
    let user = "int helper(int);\nint f(void) { return helper(1); }\n";
    let helper = "int helper(int x)\n{\n    return x;\n}\n";
    for (files, why) in [
        (
            vec![("src/a.c", user), ("tests/helper.c", helper)],
            "`tests/helper.c` seems to define it but was left out, because it lies in the test folder",
        ),
        (
            vec![
                ("src/a.c", user),
                ("src/h.c", helper),
                ("jmake.toml", "[discovery]\nexclude = [\"src/h.c\"]\n"),
            ],
            "take it out of `discovery.exclude`",
        ),
    ] {
        let Some(told) = failing(&files) else { return };
        assert!(told.hint("`helper`").contains(why), "{}", told.hint("`helper`"));
    }
}

#[test]
fn the_other_language() {
    let c_from_cpp = [
        ("a.cpp", "int plain(int);\nint f() { return plain(1); }\n"),
        ("b.c", "int plain(int x) { return x; }\n"),
    ];
    let Some(told) = failing(&c_from_cpp) else { return };
    assert!(told.hint("`plain(int)`").contains("`b.c` defines `plain` as C"), "{:?}", told.diagnostics);
    let cpp_from_c = [
        ("a.c", "int plain(int);\nint f(void) { return plain(1); }\n"),
        ("b.cpp", "int plain(int x) { return x; }\n"),
    ];
    let Some(told) = failing(&cpp_from_c) else { return };
    assert!(told.hint("`plain`").contains("`b.cpp` defines it as C++"), "{:?}", told.diagnostics);
}

#[test]
fn other_parameters_and_virtual_functions() {
    let files = [
        (
            "a.cpp",
            "struct W { virtual void go(); };\nint n(int);\nint f() { return n(1); }\nW *w() { return new W; }\n",
        ),
        ("b.cpp", "int n(long x) { return (int)x; }\n"),
    ];
    let Some(told) = failing(&files) else { return };
    assert!(told.hint("`n(int)`").contains("`b.cpp` defines `n(long)`"), "{:?}", told.diagnostics);
    assert!(told.hint("`vtable for W`").contains("virtual function of `W`"), "{:?}", told.diagnostics);
}

#[test]
fn another_target_has_it() {
    let manifest =
        "[[target]]\nname = 'top'\nsources = ['top.c']\n[[target]]\nname = 'core'\nsources = ['core.c']\n";
    let files = [
        ("jmake.toml", manifest),
        ("top.c", "int core(void);\nint top(void) { return core(); }\n"),
        ("core.c", "int core(void) { return 1; }\n"),
    ];
    let Some(told) = failing(&files) else { return };
    assert!(told.hint("`core`").contains("add `\"core\"` to the `libraries`"), "{:?}", told.diagnostics);
}

#[test]
fn what_is_defined_twice() {
    let header = "#ifndef H\n#define H\nint shared_one(void) { return 1; }\n#endif\n";
    let include = "#include \"h.h\"\n";
    for (files, symbol, hint) in [
        (
            vec![("a.c", "int twice(void) { return 1; }\n"), ("b.c", "int twice(void) { return 2; }\n")],
            "`twice` is defined in `a.c` and `b.c`",
            "rename one",
        ),
        (
            vec![("a.c", include), ("b.c", include), ("h.h", header)],
            "`shared_one` is defined in",
            "in a header",
        ),
    ] {
        failing_with_each_lto_or_off(&files, symbol, hint);
    }
}

fn failing_with_each_lto_or_off(files: &[(&str, &str)], symbol: &str, hint: &str) {
    let Some(told) = failing(files) else { return };
    assert!(told.hint(symbol).contains(hint), "{:?}", told.diagnostics);
}

#[test]
fn a_source_that_another_includes() {
    let manifest = "[[target]]\nname = 'x'\nsources = ['*.c']\n";
    let files =
        [("jmake.toml", manifest), ("a.c", "#include \"b.c\"\n"), ("b.c", "int b(void) { return 1; }\n")];
    let Some(told) = failing(&files) else { return };
    assert!(told.hint("`b` is defined").contains("`a.c` includes `b.c`"), "{:?}", told.diagnostics);
}

#[test]
fn two_programs_in_one() {
    let manifest = "[[target]]\nname = 'x'\nkind = 'executable'\nsources = ['*.c']\n";
    let main = "int main(void) { return 0; }\n";
    let Some(told) = failing(&[("jmake.toml", manifest), ("a.c", main), ("b.c", main)]) else { return };
    assert!(told.hint("`main` is defined").contains("[[target]]"), "{:?}", told.diagnostics);
}

#[test]
fn a_missing_library() {
    let files =
        [("a.c", "int a;\n"), ("jmake.toml", "[link]\nlibraries = [\n  \"m\",\n  \"no_such_thing\",\n]\n")];
    let Some(told) = failing(&files) else { return };
    let problem = told.saying("no library `no_such_thing`");
    assert_eq!((problem.file.as_deref(), problem.line), (Some("jmake.toml"), Some(4)));
}

#[test]
fn a_missing_file_to_link() {
    let files = [("a.c", "int a;\n"), ("jmake.toml", "[link]\nlibraries = [\n  \"libs/no.a\",\n]\n")];
    let Some(told) = failing(&files) else { return };
    let problem = told.saying("no file `libs/no.a`");
    assert_eq!((problem.file.as_deref(), problem.line), (Some("jmake.toml"), Some(3)));
}

#[test]
fn a_finished_library_of_the_project() {
    let Some(project) = project(&[("src/a.c", "int *p(void);\nint *q(void) { return p(); }\n")]) else {
        return;
    };
    project.write("outside.txt", "static int x;\nint *p(void) { return &x; }\n");
    let clang = project.clang();
    project.output_of(&[&clang, "-fPIC", "-x", "c", "-c", "outside.txt", "-o", "o.o"]);
    project.output_of(&["/usr/bin/ar", "rcs", "finished.a", "o.o"]);
    let told = project.build();
    assert!(told.hint("`p`").contains("set `link.libraries = [\"./finished.a\"]`"), "{:?}", told.diagnostics);
    project.write("jmake.toml", "[link]\nlibraries = [\"./finished.a\"]\n");
    project.builds();
}

#[test]
fn an_archive_that_cannot_go_into_a_library() {
    let manifest = "[link]\nlibraries = [\"./prebuilt.a\"]\n";
    let files = [("jmake.toml", manifest), ("src/a.c", "int *p(void);\nint *q(void) { return p(); }\n")];
    let Some(project) = project(&files) else { return };
    project.write("outside.txt", "int x;\nint *p(void) { return &x; }\n");
    let clang = project.clang();
    project.output_of(&[&clang, "-fno-pic", "-mcmodel=large", "-x", "c", "-c", "outside.txt", "-o", "o.o"]);
    project.output_of(&["/usr/bin/ar", "rcs", "prebuilt.a", "o.o"]);
    let told = project.build();
    assert!(!told.built.success);
    assert!(told.hint("not compiled with `-fPIC`").contains("`prebuilt.a`"), "{:?}", told.diagnostics);
    assert!(told.output.contains("recompile with -fPIC"), "the linker's own words are shown too");
}

#[test]
fn headers() {
    let missing = |header: &str| format!("#include <{header}>\n");
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);
    let cases: [Case<'_>; 4] = [
        ("CL/cl.h", vec![], "opencl-headers"),
        (
            "config.h",
            vec![("config.h.in", "@ONLY_CONFIGURE_KNOWS@\n"), ("configure", "")],
            "(`configure`) generates it from `config.h.in`",
        ),
        (
            "deep/hidden.h",
            vec![("third/inc/deep/hidden.h", ""), ("jmake.toml", "[discovery]\nexclude = ['third']\n")],
            "it lies in `third/inc`, which",
        ),
        ("Mixed.h", vec![("src/mixed.h", "")], "other letters"),
    ];
    for (header, more, hint) in cases {
        let source = missing(header);
        let mut files = vec![("src/a.c", &*source)];
        files.extend(more);
        let Some(told) = failing(&files) else { return };
        let problem = told.saying(&format!("no header `{header}`"));
        assert_eq!((problem.file.as_deref(), problem.line), (Some("src/a.c"), Some(1)));
        let said = problem.hint.as_deref().unwrap_or_default();
        assert!(said.contains(hint), "{header}: {:?}", told.diagnostics);
        assert!(told.output.contains("file not found"), "the compiler's own words stay");
    }
}

#[test]
fn a_header_of_another_system() {
    let files =
        [("src/a.c", "#include \"w.h\"\n"), ("src/w.h", "#ifdef __GNUC__\n#include <windows.h>\n#endif\n")];
    let Some(told) = failing(&files) else { return };
    let problem = told.saying("no header `windows.h`");
    assert_eq!((problem.file.as_deref(), problem.line), (Some("src/w.h"), Some(2)));
    assert!(told.hint("windows.h").contains("Windows"), "{:?}", told.diagnostics);
}

#[test]
fn one_header_that_many_miss_is_said_once() {
    let include = "#include <nowhere_at_all.h>\n";
    let Some(told) = failing(&[("a.c", include), ("b.c", include), ("c.c", include)]) else { return };
    let about = told.diagnostics.iter().filter(|d| d.message.contains("nowhere_at_all.h"));
    assert_eq!(
        about.map(|d| &*d.message).collect::<Vec<_>>(),
        ["there is no header `nowhere_at_all.h`, which 3 files include"]
    );
}

#[test]
fn flags_that_the_compiler_refuses() {
    for (manifest, line, message) in [
        ("[compile]\nc_std = 'c++99'\n", 2, "`-std=c++99` of `compile.c_std`"),
        ("[compile]\nflags = [\n'-Wall',\n'-fno-such-flag']\n", 4, "`-fno-such-flag` of `compile.flags`"),
        ("[target]\ntriple = 'no-such-machine'\n", 2, "`no-such-machine` of `target.triple`"),
        ("[target]\ncpu = 'nosuch'\n", 2, "`nosuch` of `target.cpu`"),
    ] {
        let Some(told) = failing(&[("jmake.toml", manifest), ("a.c", "int a;\n")]) else { return };
        let problem = told.saying(message);
        assert_eq!((problem.file.as_deref(), problem.line), (Some("jmake.toml"), Some(line)), "{manifest}");
    }
}

#[test]
fn a_sanitizer_that_is_not_installed() {
    let manifest = "[profile.release]\nsanitize = ['address']\n[binary]\nkind = 'executable'\n";
    let Some(project) = project(&[("jmake.toml", manifest), ("a.c", "int main(void) { return 0; }\n")])
    else {
        return;
    };
    let told = project.build();
    match told.built.success {
        true => println!("skipped: the sanitizer's runtime is installed"),
        false => assert!(
            told.hint("runtime of the sanitizer `address`").contains("install"),
            "{:?}",
            told.diagnostics
        ),
    }
}

#[test]
fn an_ordinary_error_is_left_to_the_compiler() {
    let Some(told) = failing(&[("a.c", "int f(void) { return x; }\n")]) else { return };
    assert!(told.diagnostics.is_empty(), "{:?}", told.diagnostics);
    assert!(told.output.contains("undeclared identifier"));
}
