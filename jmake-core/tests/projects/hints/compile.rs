//! Compiles that fail.

use jmake_core::cause::Cause;

use super::{CASE, Case, Mend, check_all};

const EXCLUDE: (&str, &str) = ("jmake.toml", "[discovery]\nexclude = ['third']\n");

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a header in a folder that is left out",
        cause: Cause::HeaderElsewhere,
        files: &[
            EXCLUDE,
            ("src/a.c", "#include <deep/h.h>\nint a = H;\n"),
            ("third/inc/deep/h.h", "#define H 1\n"),
        ],
        hint: "it lies in `third/inc`, which `discovery.exclude` takes out: set `compile.include_dirs = [\"third/inc\"]`",
        mend: Mend::Change,
        alike: &[("src/a.c", "#include <deep/other.h>\n")],
        ..CASE
    },
    Case {
        name: "a header beside folders that are named",
        cause: Cause::HeaderElsewhere,
        files: &[
            ("jmake.toml", "[compile]\ninclude_dirs = ['inc']\n[discovery]\nexclude = ['third']\n"),
            ("inc/x.h", ""),
            ("src/a.c", "#include <x.h>\n#include <deep/h.h>\nint a = H;\n"),
            ("third/inc/deep/h.h", "#define H 1\n"),
        ],
        hint: "set `compile.include_dirs = [\"inc\", \"third/inc\"]`",
        mend: Mend::Change,
        ..CASE
    },
    Case {
        name: "a header that is generated",
        cause: Cause::HeaderGenerated,
        files: &[
            ("src/a.c", "#include \"config.h\"\nint a = VERSION;\n"),
            ("src/config.h.in", "#define VERSION @VERSION@\n"),
            ("configure", ""),
        ],
        hint: "(`configure`) generates it from `src/config.h.in`",
        mend: Mend::Write(&[("src/config.h", "#define VERSION 3\n")]),
        alike: &[("src/a.c", "#include \"conf.h\"\n")],
        ..CASE
    },
    Case {
        name: "a header that a tool makes",
        cause: Cause::HeaderGenerated,
        files: &[
            ("a.c", "#include \"table.h\"\nint a = SIZE;\n"),
            ("Makefile", "libx.a: a.o\na.o: table.h\ntable.h: table.awk\n\tawk -f table.awk > $@\n"),
        ],
        hint: "a tool of the project makes it, as `Makefile` says",
        mend: Mend::Write(&[("table.h", "#define SIZE 3\n")]),
        alike: &[("a.c", "#include \"able.h\"\n")],
        ..CASE
    },
    Case {
        name: "a header of Windows",
        cause: Cause::HeaderOfOtherSystem,
        files: &[
            // Of what nobody has described it would be left out.
            ("CMakeLists.txt", "project(p C)\nadd_library(p src/w.c src/a.c)\n"),
            ("src/w.c", "#include \"w.h\"\n"),
            ("src/w.h", "#ifdef __GNUC__\n#include <windows.h>\n#endif\n"),
            ("src/a.c", "int a;\n"),
        ],
        hint: "it belongs to Windows: exclude its users with `discovery.exclude`",
        mend: Mend::Write(&[("jmake.toml", "[discovery]\nexclude = ['w.c']\n")]),
        alike: &[("src/w.h", "#ifdef __GNUC__\n#include <window.h>\n#endif\n")],
        ..CASE
    },
    Case {
        name: "a header in other letters",
        cause: Cause::HeaderMisspelt,
        files: &[("src/a.c", "#include \"Mixed.h\"\n"), ("src/mixed.h", "")],
        hint: "`src/mixed.h` is written with other letters",
        mend: Mend::Write(&[("src/a.c", "#include \"mixed.h\"\nint a;\n")]),
        alike: &[("src/a.c", "#include \"mixed_up.h\"\n")],
        ..CASE
    },
    Case {
        name: "a header that is nowhere",
        cause: Cause::HeaderUnknown,
        files: &[("src/a.c", "#include \"nowhere_at_all.h\"\nint a;\n")],
        hint: "name the folder it lies in under `compile.include_dirs`",
        mend: Mend::Write(&[("src/nowhere_at_all.h", "")]),
        alike: &[("src/a.c", "// 'x.h' file not found\n#error 'nowhere_at_all.h' file not found\n")],
        ..CASE
    },
    Case {
        name: "concepts",
        cause: Cause::OlderStandard,
        files: &[(
            "a.cpp",
            "template <class T> concept Any = true;\nint f(Any auto x) { return x; }\nint y = f(1);\n",
        )],
        hint: "set `compile.std = \"c++20\"` in `jmake.toml`",
        mend: Mend::Change,
        ..CASE
    },
    Case {
        name: "concepts, misspelt",
        cause: Cause::OlderStandard,
        files: &[("a.cpp", "int f(auto x) { return x; }\nint y = f(1);\n")],
        hint: "set `compile.std = \"c++20\"`",
        mend: Mend::Change,
        alike: &[("a.cpp", "template <class T> concpet Any = true;\n")],
        ..CASE
    },
    Case {
        name: "a library type of C++17",
        cause: Cause::OlderStandard,
        files: &[
            ("jmake.toml", "[compile]\nstd = 'c++11'\n"),
            ("a.cpp", "#include <optional>\n#include <string>\nstd::optional<int> f() { return 3; }\n"),
        ],
        hint: "set `compile.std = \"c++17\"`",
        mend: Mend::Change,
        // The header is missing, not the standard.
        alike: &[
            ("jmake.toml", "[compile]\nstd = 'c++14'\n"),
            ("a.cpp", "#include <string>\nstd::optionl<int> o;\n"),
        ],
        ..CASE
    },
    Case {
        name: "a library type of C++20",
        cause: Cause::OlderStandard,
        files: &[("a.cpp", "#include <span>\n#include <vector>\nint f(std::span<int> s) { return s[0]; }\n")],
        hint: "set `compile.std = \"c++20\"`",
        mend: Mend::Change,
        alike: &[("a.cpp", "#include <vector>\nint f(std::spam<int> s) { return s[0]; }\n")],
        ..CASE
    },
    Case {
        name: "if constexpr, as an error",
        cause: Cause::OlderStandard,
        files: &[
            ("jmake.toml", "[compile]\nstd = 'c++14'\nflags = ['-pedantic-errors']\n"),
            ("a.cpp", "int f() { if constexpr (sizeof(int) == 4) return 1; else return 2; }\n"),
        ],
        hint: "set `compile.std = \"c++17\"`",
        mend: Mend::Change,
        ..CASE
    },
    Case {
        name: "designated initialisers, as errors",
        cause: Cause::OlderStandard,
        files: &[
            ("jmake.toml", "[compile]\ncxx_flags = ['-Werror', '-std=c++17', '-Wc++20-designator']\n"),
            ("a.cpp", "struct S { int a, b; };\nS s{.a = 1, .b = 2};\nnamespace n { int x; }\n"),
        ],
        hint: "write `-std=c++20` in place of `-std=c++17` in `compile.cxx_flags`",
        mend: Mend::Write(&[("jmake.toml", "[compile]\ncxx_flags = ['-Werror', '-std=c++20']\n")]),
        ..CASE
    },
    Case {
        name: "make_unique and spaceships",
        cause: Cause::OlderStandard,
        files: &[
            ("jmake.toml", "[compile]\nstd = 'c++11'\n"),
            ("a.cpp", "#include <memory>\nint f() { return *std::make_unique<int>(1); }\n"),
        ],
        hint: "set `compile.std = \"c++14\"`",
        mend: Mend::Change,
        alike: &[("a.cpp", "#include <memory>\nint f() { return *std::make_uniqe<int>(1); }\n")],
        ..CASE
    },
    Case {
        name: "spaceships",
        cause: Cause::OlderStandard,
        files: &[(
            "a.cpp",
            "#include <compare>\nstruct A { int x; auto operator<=>(const A &) const = default; };\nbool f(A a, A b) { return a < b; }\n",
        )],
        hint: "set `compile.std = \"c++20\"`",
        mend: Mend::Change,
        ..CASE
    },
    Case {
        name: "bool of C23",
        cause: Cause::OlderStandard,
        files: &[("a.c", "bool yes = true;\n")],
        hint: "include `<stdbool.h>`, or set `compile.c_std = \"c23\"`",
        mend: Mend::Change,
        alike: &[("a.c", "bol yes = 1;\n")],
        ..CASE
    },
    Case {
        name: "constexpr and nullptr of C23",
        cause: Cause::OlderStandard,
        files: &[("a.c", "constexpr int k = 3;\nint *p = nullptr;\nint f(void) { return k; }\n")],
        hint: "set `compile.c_std = \"c23\"`",
        mend: Mend::Change,
        alike: &[("a.c", "constexpr_ int k = 3;\n")],
        ..CASE
    },
    Case {
        name: "restrict and inline of C99",
        cause: Cause::OlderStandard,
        files: &[
            ("jmake.toml", "[compile]\nc_std = 'c89'\n"),
            ("a.c", "static inline int g(int *restrict p) { return *p; }\nint f(int *p) { return g(p); }\n"),
        ],
        hint: "set `compile.c_std = \"c99\"`",
        mend: Mend::Change,
        alike: &[("a.c", "int f(int *p { return *p; }\n")],
        ..CASE
    },
    Case {
        name: "what malloc gives",
        cause: Cause::CAsCxx,
        files: &[("list.cpp", "#include <stdlib.h>\nint *make(void) { int *p = malloc(4); return p; }\n")],
        hint: "rename it to `list.c`; or, if it is to be C++: cast what is a `void *`",
        mend: Mend::Rename("list.cpp", "list.c"),
        alike: &[("list.cpp", "#include <stdlib.h>\nnamespace n { int *p = malloc(4); }\n")],
        ..CASE
    },
    Case {
        name: "words of C++ as names",
        cause: Cause::CAsCxx,
        files: &[("kw.cpp", "struct s { int class; };\nint f(struct s *this) { return this->class; }\n")],
        hint: "rename it to `kw.c`",
        mend: Mend::Rename("kw.cpp", "kw.c"),
        alike: &[("kw.cpp", "class s { int operator; };\n")],
        ..CASE
    },
    Case {
        name: "restrict",
        cause: Cause::CAsCxx,
        files: &[("r.cc", "void f(char *restrict a) { *a = 0; }\n")],
        hint: "write `__restrict`",
        mend: Mend::Write(&[("r.cc", "void f(char *__restrict a) { *a = 0; }\n")]),
        // An error of both languages.
        alike: &[("r.cc", "void f(char *restrict a) { *a = b; }\n")],
        ..CASE
    },
    Case {
        name: "an enum from a number",
        cause: Cause::CAsCxx,
        files: &[("e.cpp", "enum e { A, B };\nenum e f(void) { enum e x = 1; return x; }\n")],
        hint: "rename it to `e.c`",
        mend: Mend::Rename("e.cpp", "e.c"),
        alike: &[("e.cpp", "struct e { e(int, int); };\ne f() { e x = 1; return x; }\n")],
        ..CASE
    },
    Case {
        name: "designators out of order, as errors",
        cause: Cause::CAsCxx,
        files: &[
            ("jmake.toml", "[compile]\nflags = ['-Werror']\n"),
            (
                "d.cpp",
                "struct S { int a, b; };\nstruct S s = {.b = 1, .a = 2};\nint t[3] = {[1] = 2, [0] = 3};\n",
            ),
        ],
        hint: "name the fields in their order",
        mend: Mend::Rename("d.cpp", "d.c"),
        ..CASE
    },
    Case {
        name: "a header of C in C++",
        cause: Cause::CAsCxx,
        files: &[
            (
                "old.h",
                "#include <stdlib.h>\nstatic inline int *make(void) { int *p = malloc(4); return p; }\n",
            ),
            ("a.cpp", "#include \"old.h\"\n#include <vector>\nstd::vector<int *> f() { return {make()}; }\n"),
        ],
        hint: "include it in C sources only; or, for C++ too: cast what is a `void *`",
        mend: Mend::Write(&[(
            "old.h",
            "#include <stdlib.h>\nstatic inline int *make(void) { int *p = (int *)malloc(4); return p; }\n",
        )]),
        alike: &[(
            "old.h",
            "#include <stdlib.h>\ntemplate <class T> T *make() { T *p = malloc(4); return p; }\nstatic int *q = make<int>();\n",
        )],
        ..CASE
    },
    Case {
        name: "a class in C",
        cause: Cause::CxxAsC,
        files: &[(
            "shape.c",
            "class Shape { public: int sides; };\nint f() { Shape s; s.sides = 3; return s.sides; }\n",
        )],
        hint: "rename it to `shape.cpp`",
        mend: Mend::Rename("shape.c", "shape.cpp"),
        alike: &[("shape.c", "class Shape { public: int sides; };\nint f() { return nothing; }\n")],
        ..CASE
    },
    Case {
        name: "a header of C++'s library in C",
        cause: Cause::CxxAsC,
        files: &[("v.c", "#include <vector>\nint f() { return std::vector<int>{1, 2}[0]; }\n")],
        hint: "rename it to `v.cpp`",
        mend: Mend::Rename("v.c", "v.cpp"),
        alike: &[("v.c", "#include <vektor>\n")],
        ..CASE
    },
    Case {
        name: "a header of C++ in C",
        cause: Cause::CxxAsC,
        files: &[
            ("shape.h", "namespace n { int sides(int &x); }\n"),
            ("a.c", "#include \"shape.h\"\nint f(int x) { return x; }\n"),
        ],
        hint: "keep C++ in that header within `#ifdef __cplusplus`",
        mend: Mend::Write(&[("shape.h", "#ifdef __cplusplus\nnamespace n { int sides(int &x); }\n#endif\n")]),
        alike: &[("shape.h", "namspace n { int sides(int x); }\n")],
        ..CASE
    },
    Case {
        name: "a flag that clang does not know",
        cause: Cause::FlagRefused,
        files: &[("jmake.toml", "[compile]\nflags = ['-fno-such-flag']\n"), ("a.c", "int a;\n")],
        hint: "`jmake config get compile.flags`",
        mend: Mend::Write(&[("jmake.toml", "[compile]\nflags = []\n")]),
        alike: &[("jmake.toml", ""), ("a.c", "#error unknown argument: '-fno-such-flag'\n")],
        ..CASE
    },
    Case {
        name: "a processor that there is not",
        cause: Cause::FlagRefused,
        files: &[("jmake.toml", "[compile]\nflags = ['-march=nosuch']\n"), ("a.c", "int a;\n")],
        hint: "`jmake config get compile.flags`",
        mend: Mend::Write(&[("jmake.toml", "[compile]\nflags = ['-march=native']\n")]),
        ..CASE
    },
];

#[test]
fn headers_and_flags() {
    check_all(&split().0);
}

#[test]
fn languages_and_standards() {
    check_all(&split().1);
}

fn split() -> (Vec<&'static Case>, Vec<&'static Case>) {
    let language = [Cause::OlderStandard, Cause::CAsCxx, Cause::CxxAsC];
    CASES.iter().partition(|case| !language.contains(&case.cause))
}
