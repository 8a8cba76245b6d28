//! Links that fail.

use std::path::Path;

use jmake_core::build::Build;
use jmake_core::cause::Cause;
use jmake_core::configure::Wanted;

use super::{CASE, Case, Mend, check_all, hint_of, prepared};

const USER: &str = "int core(void);\nint top(void) { return core(); }\n";
const CORE: &str = "int core(void) { return 1; }\n";
const USE_P: &str = "int *p(void);\nint *q(void) { return p(); }\n";
const P: &str = "int x;\nint *p(void) { return &x; }\n";
const FIXED: &str = "{clang} -O1 -fno-pic -x c -c outside.txt -o pre.o";
const PIC: &str = "{clang} -fPIC -x c -c outside.txt -o pre.o";
const AR: &str = "/usr/bin/ar rcs pre.a pre.o";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "another target has it",
        cause: Cause::SymbolOfTarget,
        files: &[
            (
                "jmake.toml",
                "[[target]]\nname = 'top'\nsources = ['top.c']\n[[target]]\nname = 'core'\nsources = ['core.c']\n",
            ),
            ("top.c", USER),
            ("core.c", CORE),
        ],
        hint: "add `\"core\"` to the `libraries` of this one",
        mend: Mend::Write(&[(
            "jmake.toml",
            "[[target]]\nname = 'top'\nsources = ['top.c']\nlibraries = ['core']\n[[target]]\nname = 'core'\nsources = ['core.c']\n",
        )]),
        alike: &[("core.c", "static int core(void) { return 1; }\nint other(void) { return core(); }\n")],
        ..CASE
    },
    Case {
        name: "a source that is in the other target only",
        cause: Cause::SymbolOfSource,
        files: &[
            (
                "jmake.toml",
                "[[target]]\nname = 'top'\nsources = ['top.c']\n[[target]]\nname = 'rest'\nexclude = ['top.c']\n",
            ),
            ("top.c", USER),
            ("core.c", CORE),
        ],
        hint: "`core.c` defines it, which is not part of this target: add it to its `sources`",
        mend: Mend::Write(&[(
            "jmake.toml",
            "[[target]]\nname = 'top'\nsources = ['top.c', 'core.c']\n[[target]]\nname = 'rest'\nexclude = ['top.c']\n",
        )]),
        alike: &[("core.c", "int core_(void) { return 1; }\n")],
        ..CASE
    },
    Case {
        name: "a library that is not named: mathematics",
        cause: Cause::SymbolOfLibrary,
        files: &[
            ("jmake.toml", "[discovery]\nexclude = ['x']\n"),
            ("a.c", "double cbrt(double);\ndouble f(double x) { return cbrt(x); }\n"),
        ],
        hint: "`libm` has it: set `link.libraries = [\"m\"]`",
        mend: Mend::Change,
        alike: &[("a.c", "double cbrt_of(double);\ndouble f(double x) { return cbrt_of(x); }\n")],
        ..CASE
    },
    Case {
        name: "a finished library of the project",
        cause: Cause::SymbolOfLibrary,
        files: &[("src/a.c", USE_P), ("outside.txt", P)],
        before: &[PIC, AR],
        hint: "`pre.a` has it: set `link.libraries = [\"./pre.a\"]`",
        mend: Mend::Change,
        alike: &[("src/a.c", "int *r(void);\nint *q(void) { return r(); }\n")],
        alike_before: &[PIC, AR],
    },
    Case {
        name: "a source that was left out",
        cause: Cause::SymbolLeftOut,
        files: &[
            ("jmake.toml", "[discovery]\nexclude = ['core.c']\n"),
            ("src/top.c", USER),
            ("src/core.c", CORE),
        ],
        hint: "take it out of `discovery.exclude`",
        mend: Mend::Write(&[("jmake.toml", "")]),
        alike: &[("src/core.c", "int core(void);\n")],
        ..CASE
    },
    Case {
        name: "C from C++",
        cause: Cause::SymbolOfOtherLanguage,
        files: &[("top.cpp", USER), ("core.c", CORE)],
        hint: "`core.c` defines `core` as C: declare it in the header within `extern \"C\"`",
        mend: Mend::Write(&[("top.cpp", "extern \"C\" int core(void);\nint top() { return core(); }\n")]),
        // A function of a namespace is not that of C.
        alike: &[("top.cpp", "namespace n { int core(); }\nint top() { return n::core(); }\n")],
        ..CASE
    },
    Case {
        name: "C++ from C",
        cause: Cause::SymbolOfOtherLanguage,
        files: &[("top.c", USER), ("core.cpp", CORE)],
        hint: "`core.cpp` defines it as C++: declare it there `extern \"C\"`",
        mend: Mend::Write(&[("core.cpp", "extern \"C\" int core(void) { return 1; }\n")]),
        alike: &[("core.cpp", "struct S { int core(); };\nint S::core() { return 1; }\n")],
        ..CASE
    },
    Case {
        name: "a library of C from C++",
        cause: Cause::SymbolOfOtherLanguage,
        files: &[("a.cpp", "int mblen(const char *, unsigned long);\nint f() { return mblen(\"\", 1); }\n")],
        hint: "has `mblen` as C: declare it in the header within `extern \"C\"`",
        mend: Mend::Write(&[(
            "a.cpp",
            "extern \"C\" int mblen(const char *, unsigned long);\nint f() { return mblen(\"\", 1); }\n",
        )]),
        ..CASE
    },
    Case {
        name: "other parameters",
        cause: Cause::SymbolDeclaredOtherwise,
        files: &[
            ("a.cpp", "int n(int);\nint f() { return n(1); }\n"),
            ("b.cpp", "int n(long x) { return (int)x; }\n"),
        ],
        hint: "`b.cpp` defines `n(long)`: declaration and definition differ",
        mend: Mend::Write(&[("b.cpp", "int n(int x) { return x; }\n")]),
        alike: &[("b.cpp", "namespace m { int n(long x) { return (int)x; } }\n")],
        ..CASE
    },
    Case {
        name: "a vtable",
        cause: Cause::VirtualUndefined,
        files: &[("a.cpp", "struct W { virtual void go(); };\nW *w() { return new W; }\n")],
        hint: "define every virtual function of `W`",
        mend: Mend::Write(&[("b.cpp", "struct W { virtual void go(); };\nvoid W::go() {}\n")]),
        alike: &[("a.cpp", "struct W { void go(); };\nvoid w(W &w) { w.go(); }\n")],
        ..CASE
    },
    Case {
        name: "an object with a sanitizer",
        cause: Cause::SanitizedObject,
        files: &[
            ("jmake.toml", "[link]\nlibraries = ['./pre.o']\n"),
            ("src/a.c", USE_P),
            ("outside.txt", "int *x;\nint *p(void) { return x + *x; }\n"),
        ],
        before: &["{clang} -fPIC -fsanitize=address -x c -c outside.txt -o pre.o"],
        hint: "name it in the profile's `sanitize`",
        mend: Mend::Run(PIC),
        alike: &[("outside.txt", "int asan_(void);\nint *p(void) { asan_(); return 0; }\n")],
        alike_before: &[PIC],
    },
    Case {
        name: "no main",
        cause: Cause::MainMissing,
        files: &[
            ("jmake.toml", "[[target]]\nname = 'x'\nkind = 'executable'\nsources = ['a.c']\n"),
            ("a.c", "int not_main(void) { return 0; }\n"),
        ],
        hint: "no source of this program defines `main`",
        mend: Mend::Write(&[("a.c", "int main(void) { return 0; }\n")]),
        alike: &[("a.c", "int mein(void);\nint main(void) { return mein(); }\n")],
        ..CASE
    },
    Case {
        name: "nobody has it",
        cause: Cause::SymbolUnknown,
        files: &[("a.c", "int nobody_has_this(void);\nint f(void) { return nobody_has_this(); }\n")],
        hint: "is its source part of the target",
        mend: Mend::Write(&[("b.c", "int nobody_has_this(void) { return 1; }\n")]),
        alike: &[("a.c", "#error undefined symbol: x\n")],
        ..CASE
    },
    Case {
        name: "two units with one name",
        cause: Cause::DefinedTwice,
        files: &[("a.c", CORE), ("b.c", "int core(void) { return 2; }\nint b(void) { return core(); }\n")],
        hint: "rename one, make it `static`, or list one source under `discovery.exclude`",
        mend: Mend::Write(&[(
            "b.c",
            "static int core(void) { return 2; }\nint b(void) { return core(); }\n",
        )]),
        // Twice in one unit is the compiler's to say.
        alike: &[("b.c", "int twice(void) { return 2; }\nint twice(void) { return 3; }\n")],
        ..CASE
    },
    Case {
        // In two libraries it would be settled by a trial.
        name: "one name twice in a described library",
        cause: Cause::DefinedTwice,
        files: &[
            ("CMakeLists.txt", "project(p C)\nadd_library(one a.c b.c)\n"),
            ("a.c", CORE),
            ("b.c", "int core(void) { return 2; }\nint b(void) { return core(); }\n"),
        ],
        hint: "have `jmake import cmake` write a `[[target]]` for each",
        mend: Mend::Write(&[(
            "jmake.toml",
            "[[target]]\nname = 'one'\nkind = 'shared'\nsources = ['a.c']\n[[target]]\nname = 'two'\nkind = 'shared'\nsources = ['b.c']\n",
        )]),
        ..CASE
    },
    Case {
        name: "a function in a header",
        cause: Cause::DefinedTwice,
        files: &[("a.c", "#include \"h.h\"\n"), ("b.c", "#include \"h.h\"\n"), ("h.h", CORE)],
        hint: "`inline` (in C `static inline`)",
        mend: Mend::Write(&[("h.h", "static inline int core(void) { return 1; }\n")]),
        ..CASE
    },
    Case {
        name: "two programs in one",
        cause: Cause::MainTwice,
        files: &[
            ("jmake.toml", "[[target]]\nname = 'x'\nkind = 'executable'\nsources = ['*.c']\n"),
            ("a.c", "int main(void) { return 0; }\n"),
            ("b.c", "int main(void) { return 1; }\n"),
        ],
        hint: "each program is a `[[target]]` of its own",
        mend: Mend::Write(&[(
            "jmake.toml",
            "[[target]]\nname = 'x'\nkind = 'executable'\nsources = ['a.c']\n[[target]]\nname = 'y'\nkind = 'executable'\nsources = ['b.c']\n",
        )]),
        alike: &[("b.c", "int mein(void);\nint b(void) { return mein(); }\n")],
        ..CASE
    },
    Case {
        name: "a source that another includes",
        cause: Cause::SourceIncluded,
        files: &[
            ("jmake.toml", "[[target]]\nname = 'x'\nsources = ['*.c']\n"),
            ("a.c", "#include \"b.c\"\n"),
            ("b.c", CORE),
        ],
        hint: "`a.c` includes `b.c`, which is compiled by itself as well: list it under `discovery.exclude`",
        mend: Mend::Write(&[("jmake.toml", "[discovery]\nexclude = ['b.c']\n")]),
        alike: &[("a.c", CORE)],
        ..CASE
    },
    Case {
        name: "a library that is not there",
        cause: Cause::LibraryMissing,
        files: &[("jmake.toml", "[link]\nlibraries = ['no_such_thing']\n"), ("a.c", "int a;\n")],
        hint: "name the folder it lies in under `link.lib_dirs`",
        mend: Mend::Write(&[("jmake.toml", "[link]\nlibraries = []\n")]),
        alike: &[("jmake.toml", ""), ("a.c", "#error unable to find library -lno_such_thing\n")],
        ..CASE
    },
    Case {
        name: "a file that is not there",
        cause: Cause::FileMissing,
        files: &[
            ("jmake.toml", "[link]\nlibraries = ['libs/pre.a']\n"),
            ("a.c", "int a;\n"),
            ("outside.txt", P),
        ],
        hint: "paths are taken from the root",
        mend: Mend::Run(
            "/bin/mkdir libs\n{clang} -fPIC -x c -c outside.txt -o pre.o\n/usr/bin/ar rcs libs/pre.a pre.o",
        ),
        alike: &[("jmake.toml", "[link]\nlibraries = ['no_such_thing']\n")],
        ..CASE
    },
    Case {
        name: "an archive without -fPIC",
        cause: Cause::NotPic,
        files: &[("jmake.toml", "[link]\nlibraries = ['./pre.a']\n"), ("src/a.c", USE_P), ("outside.txt", P)],
        before: &[FIXED, AR],
        hint: "`pre.a` is linked here: make it with `-fPIC`",
        mend: Mend::Run("{clang} -fPIC -x c -c outside.txt -o pre.o\n/usr/bin/ar rcs pre.a pre.o"),
        alike: &[("src/a.c", "int *p(void);\nint fPIC(void);\nint *q(void) { return p() + fPIC(); }\n")],
        alike_before: &[PIC, AR],
    },
    Case {
        name: "an object without -fPIC",
        cause: Cause::NotPic,
        files: &[("jmake.toml", "[link]\nlibraries = ['./pre.o']\n"), ("src/a.c", USE_P), ("outside.txt", P)],
        before: &[FIXED],
        hint: "`pre.o` is linked here: make it with `-fPIC`",
        mend: Mend::Run(PIC),
        ..CASE
    },
    Case {
        name: "a flag of the project against -fPIC",
        cause: Cause::NotPic,
        files: &[
            ("jmake.toml", "[compile]\nflags = ['-fno-pic']\n"),
            ("src/a.c", "int x;\nint *q(void) { return &x; }\n"),
        ],
        hint: "take that out of `compile.flags`",
        mend: Mend::Write(&[("jmake.toml", "")]),
        ..CASE
    },
    Case {
        name: "the runtime of a sanitizer, for the linker",
        cause: Cause::SanitizerRuntimeMissing,
        files: &[
            (
                "jmake.toml",
                "[link]\nflags = ['-Wl,/nowhere/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a']\n",
            ),
            ("src/a.c", "int a;\n"),
        ],
        hint: "install",
        mend: Mend::Write(&[("jmake.toml", "")]),
        alike: &[("jmake.toml", "[link]\nflags = ['-Wl,/nowhere/lib/clang/19/lib/linux/libother.a']\n")],
        ..CASE
    },
];

#[test]
fn links() {
    check_all(&CASES.iter().collect::<Vec<_>>());
}

/// Each way to optimise across units fails with another tool.
#[test]
fn the_same_name_twice_with_each_lto() {
    let case = CASES.iter().find(|case| case.name == "two units with one name").unwrap();
    for lto in ["thin", "full"] {
        let Some(project) = prepared(&[case.files], &[]) else { return };
        let wanted = Wanted { lto: Some(lto.into()), ..Wanted::default() };
        let hint = hint_of(case, &project.build_as(&Build { wanted, ..Build::default() }));
        assert_eq!(hint.message, "`core` is defined in `a.c` and `b.c`", "{lto}");
    }
}

/// The linkers that are here complain of the same in their own words.
#[test]
fn every_linker_gets_the_same_hints() {
    for linker in ["mold", "bfd", "gold"] {
        for name in [
            "two units with one name",
            "nobody has it",
            "an archive without -fPIC",
            "a library that is not there",
        ] {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            let of_case = case
                .files
                .iter()
                .find(|(path, _)| *path == "jmake.toml")
                .map_or("[link]\n", |(_, text)| text);
            let manifest = of_case.replace("[link]\n", &format!("[link]\nlinker = '{linker}'\n"));
            let Some(project) = prepared(&[case.files, &[("jmake.toml", &*manifest)]], case.before) else {
                return;
            };
            let told = super::build(&project);
            if told.diagnostics.iter().any(|d| d.message.contains("no usable")) {
                println!("skipped: no {linker}");
                break;
            }
            hint_of(case, &told);
        }
    }
}

#[test]
fn a_library_that_is_installed() {
    if !Path::new("/usr/lib/x86_64-linux-gnu/libz.so").exists() {
        println!("skipped: no zlib");
        return;
    }
    super::check(&Case {
        name: "a library that is installed",
        cause: Cause::SymbolOfLibrary,
        files: &[(
            "a.c",
            "unsigned long crc32(unsigned long, void *, unsigned);\nlong f(void) { return crc32(0, 0, 0); }\n",
        )],
        hint: "`libz` has it: set `link.libraries = [\"z\"]`",
        mend: Mend::Change,
        ..CASE
    });
}
