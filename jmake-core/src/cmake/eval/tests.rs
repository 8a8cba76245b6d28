//! Tests of what commands do.

use crate::cmake::tests::{asked, described, said, said_of, target};
use crate::cmake::{Ask, Described};
use crate::path::FilePath;

/// Each script and what it says.
fn check(cases: &[(&str, &str)]) {
    for (script, expect) in cases {
        assert_eq!(said(script), *expect, "{script}");
    }
}

#[test]
fn conditions() {
    let holds = [
        "1",
        "ON",
        "2",
        "TRUTH",
        "NOT FALSE",
        "NOT NONE",
        "NOT \"TRUTH\"",
        "NOT \"\"",
        "NOT EMPTY",
        "A STREQUAL x",
        "\"x\" STREQUAL A",
        "NOT \"A\" STREQUAL x",
        "a STRLESS b",
        "b STRGREATER a",
        "a STRLESS_EQUAL a",
        "1 EQUAL 1.0",
        "2 LESS 10",
        "N GREATER 4",
        "3 GREATER_EQUAL 3",
        "3 LESS_EQUAL 3",
        "NOT x EQUAL y",
        "1.2 VERSION_LESS 1.10",
        "1.2 VERSION_EQUAL 1.2.0",
        "CMAKE_VERSION VERSION_GREATER 3.20",
        "1 VERSION_GREATER_EQUAL 1",
        "1 VERSION_LESS_EQUAL 1",
        "b IN_LIST L",
        "NOT z IN_LIST L",
        "A MATCHES \"^x$\"",
        "abc MATCHES \"b(.)\" AND CMAKE_MATCH_1 STREQUAL c",
        "DEFINED A",
        "NOT DEFINED NONE",
        "DEFINED EMPTY",
        "NOT DEFINED ENV{HOME}",
        "DEFINED CACHE{C}",
        "NOT DEFINED CACHE{A}",
        "TARGET t",
        "NOT TARGET u",
        "COMMAND say",
        "COMMAND add_library",
        "NOT COMMAND nothing",
        "POLICY CMP0054",
        "NOT POLICY CMP9999",
        "EXISTS ${CMAKE_SOURCE_DIR}/CMakeLists.txt",
        "NOT EXISTS ${CMAKE_SOURCE_DIR}/none",
        "EXISTS ${CMAKE_SOURCE_DIR}",
        "IS_DIRECTORY ${CMAKE_SOURCE_DIR}",
        "IS_ABSOLUTE /a",
        "NOT IS_ABSOLUTE a",
        "FALSE OR TRUE AND TRUE",
        "TRUE OR TRUE AND FALSE",
        "NOT (TRUE AND FALSE)",
        "(FALSE OR (TRUE))",
        "NOT NOT TRUE",
        "UNIX",
        "LINUX",
        "NOT WIN32",
        "NOT APPLE",
        "NOT MSVC",
        "NOT CMAKE_COMPILER_IS_GNUCC",
        "CMAKE_C_COMPILER_ID MATCHES Clang",
        "CMAKE_SIZEOF_VOID_P EQUAL 8",
        "NOT x-NOTFOUND",
        "NOT MISSING",
        "BUILD_SHARED_LIBS",
        "NOT DEFINED BUILD_SHARED_LIBS",
        "/a/../b PATH_EQUAL /b",
        "\"\" STREQUAL \"\"",
        "PROJECT_IS_TOP_LEVEL",
        "CMAKE_BUILD_TYPE STREQUAL Release",
    ];
    let prelude = "project(p)\nset(TRUTH yes)\nset(EMPTY \"\")\nset(A x)\nset(N 5)\nset(L a b c)\nset(C 1 CACHE STRING d)\nset(MISSING M-NOTFOUND)\nadd_library(t INTERFACE)\n";
    let script: String =
        holds.iter().map(|text| format!("if({text})\nelse()\nsay([=[{text}]=])\nendif()\n")).collect();
    let (said, all) = said_of(&[("CMakeLists.txt", &format!("{prelude}{script}"))]);
    assert_eq!(said, "", "does not hold");
    assert!(all.unknown.is_empty(), "{:?}", all.unknown);
    assert_eq!(described(&[("CMakeLists.txt", "if(A B)\nendif()\nif(A AND)\nendif()")]).unknown.len(), 2);
}

#[test]
fn branches_and_loops() {
    check(&[
        ("if(0)\nsay(a)\nelseif(1)\nsay(b)\nelseif(1)\nsay(c)\nelse()\nsay(d)\nendif()\nsay(e)", "[b][e]"),
        ("if(0)\nif(1)\nsay(a)\nendif()\nelse()\nsay(b)\nendif()", "[b]"),
        ("foreach(x a b;c \"d;e\")\nsay(${x})\nendforeach()", "[a][b][c][d][e]"),
        ("foreach(x RANGE 2)\nsay(${x})\nendforeach()", "[0][1][2]"),
        ("foreach(x RANGE 5 1 2)\nsay(${x})\nendforeach()", "[5][3][1]"),
        (
            "set(l 1 2)\nset(m 3)\nforeach(x IN LISTS l m ITEMS 4 5)\nsay(${x})\nendforeach()",
            "[1][2][3][4][5]",
        ),
        ("set(l 1 2)\nset(m 3)\nforeach(x y IN ZIP_LISTS l m)\nsay(${x}-${y})\nendforeach()", "[1-3][2-]"),
        ("set(l 1)\nforeach(x IN ZIP_LISTS l l)\nsay(${x_0}${x_1})\nendforeach()", "[11]"),
        ("set(x old)\nforeach(x a)\nendforeach()\nsay(${x})", "[old]"),
        (
            "foreach(x 1 2 3 4)\nif(x EQUAL 2)\ncontinue()\nendif()\nif(x EQUAL 4)\nbreak()\nendif()\nsay(${x})\nendforeach()\nsay(end)",
            "[1][3][end]",
        ),
        (
            "set(i 0)\nwhile(i LESS 3)\nmath(EXPR i \"${i}+1\")\nif(i EQUAL 1)\ncontinue()\nendif()\nsay(${i})\nendwhile()",
            "[2][3]",
        ),
        ("while(1)\nforeach(x a)\nbreak()\nendforeach()\nbreak()\nendwhile()\nsay(x)", "[x]"),
        ("set(a 1)\nblock(PROPAGATE b)\nset(a 2)\nset(b ${a})\nendblock()\nsay(${a}${b})", "[12]"),
        ("foreach(x 1 2)\nblock()\nset(y ${x})\nbreak()\nendblock()\nendforeach()\nsay(\"${y}.\")", "[.]"),
    ]);
}

#[test]
fn functions_and_macros() {
    check(&[
        (
            "function(f a)\nset(${a} in)\nset(${a} out PARENT_SCOPE)\nsay(${${a}})\nendfunction()\nf(v)\nsay(${v})",
            "[in][out]",
        ),
        (
            "macro(m a)\nset(${a} 1)\nsay(${ARGC} ${ARGN} ${ARGV1})\nendmacro()\nM(v x y)\nsay(${v})",
            "[3][x][y][x][1]",
        ),
        (
            "macro(m a)\nif(DEFINED a)\nsay(defined)\nendif()\nsay(\"${a}\" [[${a}]])\nendmacro()\nm(1)",
            "[1][${a}]",
        ),
        (
            "function(f)\nsay(${ARGC} \"${ARGV}\" \"${ARGN}\" \"${ARGV0}\")\nendfunction()\nf(a \"b;c\")",
            "[2][a][b][c][a][b][c][a]",
        ),
        ("function(f)\nsay(1)\nreturn()\nsay(2)\nendfunction()\nf()\nsay(3)", "[1][3]"),
        ("macro(m)\nreturn()\nendmacro()\nfunction(f)\nm()\nsay(no)\nendfunction()\nf()\nsay(3)", "[3]"),
        (
            "function(f)\nset(a 1)\nset(b 2)\nreturn(PROPAGATE a)\nendfunction()\nf()\nsay(${a} \"${b}\")",
            "[1][]",
        ),
        ("macro(outer n)\nfunction(${n})\nsay(${n})\nendfunction()\nendmacro()\nouter(in)\nin()", "[in]"),
        ("function(f)\nfunction(g)\nsay(g)\nendfunction()\nendfunction()\nf()\ng()", "[g]"),
        ("function(add_library)\nsay(mine)\n_add_library(${ARGN})\nendfunction()\nadd_library(x)", "[mine]"),
        ("function(f)\nsay(${CMAKE_CURRENT_FUNCTION})\nendfunction()\ncmake_language(CALL f)", "[f]"),
        ("cmake_language(EVAL CODE \"say(a)\nsay(b)\")\nsay(c)", "[a][b][c]"),
        (
            "cmake_parse_arguments(P \"A;B\" \"O\" \"M;N\" x A O 1 M 2 3 y N)\nsay(${P_A} ${P_B} ${P_O} \"${P_M}\" ${P_UNPARSED_ARGUMENTS} ${P_KEYWORDS_MISSING_VALUES})",
            "[TRUE][FALSE][1][2][3][y][x][N]",
        ),
        (
            "function(f)\ncmake_parse_arguments(PARSE_ARGV 1 P \"\" \"O\" \"\")\nsay(${P_O})\nendfunction()\nf(x O 7)",
            "[7]",
        ),
    ]);
}

#[test]
fn variables() {
    check(&[
        ("set(a 1)\nset(b a)\nsay(${${b}} \"${none}.\" ${none})", "[1][.]"),
        ("set(a x;y \"z w\")\nsay(\"${a}\")", "[x][y][z w]"),
        ("set(a \"x\\;y\" z)\nlist(LENGTH a n)\nsay(${n})", "[2]"),
        (
            "set(a 1 CACHE STRING d)\nset(a 2 CACHE STRING d)\nsay(${a})\nset(a 3 CACHE STRING d FORCE)\nsay(${a})",
            "[1][3]",
        ),
        (
            "cmake_minimum_required(VERSION 3.21)\nset(a n)\nset(a c CACHE STRING d)\nsay(${a} $CACHE{a})\nunset(a)\nsay(${a})",
            "[n][c][c]",
        ),
        ("option(o \"d\" ON)\noption(p)\nsay(${o} ${p})", "[ON][OFF]"),
        ("option(o \"d\" 1)\noption(p \"\" \"some text\")\nsay(${o} ${p})", "[ON][OFF]"),
        ("cmake_minimum_required(VERSION 3.13)\nset(o mine)\noption(o d ON)\nsay(${o})", "[mine]"),
        (
            "include(CMakeDependentOption)\nset(A 1)\ncmake_dependent_option(o d ON \"A;NOT B\" OFF)\ncmake_dependent_option(p d ON \"B OR (C)\" OFF)\nsay(${o} ${p})",
            "[ON][OFF]",
        ),
        ("option(BUILD_SHARED_LIBS d OFF)\nsay(${BUILD_SHARED_LIBS})", "[ON]"),
        ("say(${BUILD_SHARED_LIBS})\nset(BUILD_SHARED_LIBS OFF)\nsay(${BUILD_SHARED_LIBS})", "[ON][OFF]"),
        ("include(CTest)\nsay(${BUILD_TESTING})", "[OFF]"),
        (
            "include(GNUInstallDirs)\nsay(${CMAKE_INSTALL_LIBDIR} ${CMAKE_INSTALL_FULL_INCLUDEDIR})",
            "[lib][/usr/local/include]",
        ),
        (
            "project(p VERSION 1.2 DESCRIPTION \"a b\")\nsay(${PROJECT_NAME} ${p_VERSION_MINOR} ${PROJECT_DESCRIPTION} ${CMAKE_PROJECT_VERSION} \"${PROJECT_VERSION_PATCH}\")",
            "[p][2][a b][1.2][]",
        ),
        (
            "say($ENV{HOME} ${CMAKE_SYSTEM_NAME} ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_BINARY_DIR})",
            "[Linux][/jmake-root][/jmake-root/b]",
        ),
        ("set(ENV{X} 1)\nset(x PARENT_SCOPE)\nunset(y)\nsay(a)", "[a]"),
    ]);
}

#[test]
fn strings() {
    check(&[
        ("string(REPLACE a b x \"aXa\")\nstring(APPEND x c d)\nstring(PREPEND x e)\nsay(${x})", "[ebXbcd]"),
        (
            "string(TOUPPER aB u)\nstring(TOLOWER aB l)\nstring(LENGTH abc n)\nsay(${u} ${l} ${n})",
            "[AB][ab][3]",
        ),
        (
            "string(FIND abcb b f)\nstring(FIND abcb b r REVERSE)\nstring(FIND abc z n)\nsay(${f} ${r} ${n})",
            "[1][3][-1]",
        ),
        (
            "string(SUBSTRING abcd 1 2 x)\nstring(SUBSTRING abcd 2 -1 y)\nstring(STRIP \" a b \" z)\nsay(${x} ${y} \"${z}\")",
            "[bc][cd][a b]",
        ),
        (
            "string(JOIN , x a b)\nstring(CONCAT y a b)\nstring(REPEAT ab 2 z)\nsay(${x} ${y} ${z})",
            "[a,b][ab][abab]",
        ),
        (
            "string(REGEX MATCH \"v([0-9]+)\" x \"av12\")\nsay(${x} ${CMAKE_MATCH_1} ${CMAKE_MATCH_COUNT})",
            "[v12][12][1]",
        ),
        ("string(REGEX MATCHALL \"[a-z]+\" x \"ab 1 cd\")\nsay(${x})", "[ab][cd]"),
        ("string(REGEX REPLACE \"(.)=(.)\" \"\\\\2:\\\\1\" x \"a=b c=d\")\nsay(\"${x}\")", "[b:a d:c]"),
        ("string(COMPARE LESS a b x)\nstring(COMPARE EQUAL a b y)\nsay(${x} ${y})", "[1][0]"),
        (
            "string(MAKE_C_IDENTIFIER a-b x)\nstring(HEX ab y)\nstring(ASCII 65 66 z)\nsay(${x} ${y} ${z})",
            "[a_b][6162][AB]",
        ),
        (
            "set(v 1)\nstring(CONFIGURE \"@v@ \\${v}\" x)\nstring(CONFIGURE \"@v@ \\${v}\" y @ONLY)\nsay(${x} ${y})",
            "[1 1][1 ${v}]",
        ),
        ("string(GENEX_STRIP \"a;$<1:b>;c\" x)\nsay(${x})", "[a][c]"),
        (
            "set(a \"x y  z\")\nseparate_arguments(a)\nseparate_arguments(b UNIX_COMMAND \"p 'q r'\")\nsay(${a} ${b})",
            "[x][y][z][p][q r]",
        ),
        ("math(EXPR x \"1 + 2\")\nmath(EXPR y 255 OUTPUT_FORMAT HEXADECIMAL)\nsay(${x} ${y})", "[3][0xff]"),
    ]);
}

#[test]
fn lists() {
    check(&[
        ("list(APPEND l a b)\nlist(PREPEND l z)\nlist(INSERT l 1 y)\nsay(${l})", "[z][y][a][b]"),
        (
            "set(l a b c a)\nlist(LENGTH l n)\nlist(GET l 0 -1 g)\nlist(FIND l c f)\nlist(JOIN l - j)\nlist(SUBLIST l 1 2 s)\nsay(${n} ${g} ${f} ${j} ${s})",
            "[4][a][a][2][a-b-c-a][b][c]",
        ),
        ("set(l a b c a)\nlist(REMOVE_ITEM l a)\nlist(REVERSE l)\nsay(${l})", "[c][b]"),
        ("set(l a b a)\nlist(REMOVE_DUPLICATES l)\nlist(REMOVE_AT l 0)\nsay(${l})", "[b]"),
        (
            "set(l b a10 a9)\nlist(SORT l COMPARE NATURAL)\nlist(FILTER l EXCLUDE REGEX 9)\nsay(${l})",
            "[a10][b]",
        ),
        ("set(l a b)\nlist(POP_BACK l x)\nlist(POP_FRONT l y)\nsay(${x} ${y} \"${l}.\")", "[b][a][.]"),
        (
            "set(l a b)\nlist(TRANSFORM l APPEND .c)\nlist(TRANSFORM l TOUPPER AT 0 OUTPUT_VARIABLE m)\nlist(TRANSFORM l REPLACE \"(.)\\\\.\" \"\\\\1-\" REGEX b)\nsay(${l} ${m})",
            "[a.c][b-c][A.C][b.c]",
        ),
        ("list(GET none 0 x)\nsay(${x})", "[NOTFOUND]"),
    ]);
}

#[test]
fn names_of_files() {
    check(&[
        (
            "get_filename_component(a d/x.tar.gz NAME_WE)\nget_filename_component(b d/x.tar.gz EXT)\nget_filename_component(c d/x.tar.gz DIRECTORY)\nget_filename_component(e ../x ABSOLUTE BASE_DIR /d/e)\nget_filename_component(f d/x.tar.gz NAME_WLE)\nsay(${a} ${b} ${c} ${e} ${f})",
            "[x][.tar.gz][d][/d/x][x.tar]",
        ),
        (
            "set(p /a/./b/../x.c)\ncmake_path(GET p FILENAME n)\ncmake_path(GET p STEM s)\ncmake_path(GET p PARENT_PATH d)\ncmake_path(NORMAL_PATH p)\ncmake_path(APPEND p y z)\ncmake_path(IS_ABSOLUTE p i)\nsay(${n} ${s} ${d} ${p} ${i})",
            "[x.c][x][/a/./b/..][/a/x.c/y/z][ON]",
        ),
        (
            "cmake_path(SET p NORMALIZE a//b/)\ncmake_path(ABSOLUTE_PATH p BASE_DIRECTORY /r OUTPUT_VARIABLE q)\ncmake_path(REPLACE_EXTENSION q h)\nsay(${p} ${q})",
            "[a/b][/r/a/b.h]",
        ),
        (
            "file(RELATIVE_PATH r /a/b /a/c)\nfile(REAL_PATH x/../y q BASE_DIRECTORY /z)\nfile(TO_CMAKE_PATH a:b t)\nsay(${r} ${q} ${t})",
            "[../c][/z/y][a][b]",
        ),
    ]);
}

#[test]
fn files_are_listed_and_read() {
    let script = "
        file(GLOB a CONFIGURE_DEPENDS *.c src/*.c)
        file(GLOB_RECURSE b RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} src/*.c)
        aux_source_directory(src c)
        file(STRINGS ver.h d REGEX \"VERSION\")
        file(READ ver.h e LIMIT 3)
        say(${a} - ${b} - ${c} - ${d} - ${e})";
    let files = [
        ("CMakeLists.txt", script),
        ("z.c", ""),
        ("src/a.c", ""),
        ("src/deep/b.c", ""),
        ("src/a.h", ""),
        ("ver.h", "/* x */\n#define VERSION 1;2\n"),
    ];
    let (said, described) = said_of(&files);
    assert_eq!(
        said,
        "[/jmake-root/src/a.c][/jmake-root/z.c][-][src/a.c][src/deep/b.c][-][src/a.c][-][#define VERSION 1][2][-][/* ]"
            .replace("[/jmake-root/src/a.c][/jmake-root/z.c]", "[/jmake-root/z.c][/jmake-root/src/a.c]")
    );
    assert_eq!(described.globbed, [FilePath::root(), FilePath::from("src")]);
    assert!(described.read.contains(&FilePath::from("ver.h")));
}

#[test]
fn other_files_are_run() {
    let script = "
        set(CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)
        include(Mine)
        include(Mine)
        include(more.cmake OPTIONAL RESULT_VARIABLE found)
        say(${found})
        include(nothing OPTIONAL)
        file(WRITE ${CMAKE_BINARY_DIR}/made.cmake \"say(made)\")
        include(${CMAKE_BINARY_DIR}/made.cmake)
        set(v outer)
        add_subdirectory(sub)
        say(${v} ${from_sub} ${sub_SOURCE_DIR})";
    let sub = "project(sub)\nset(v inner)\nset(from_sub yes PARENT_SCOPE)\nsay(${CMAKE_CURRENT_BINARY_DIR} ${PROJECT_SOURCE_DIR} ${PROJECT_IS_TOP_LEVEL})\nreturn()\nsay(no)";
    let mine = "include_guard()\nsay(${CMAKE_CURRENT_LIST_FILE})";
    let files = [("CMakeLists.txt", script), ("cmake/Mine.cmake", mine), ("sub/CMakeLists.txt", sub)];
    let (said, described) = said_of(&files);
    assert_eq!(
        said,
        "[/jmake-root/cmake/Mine.cmake][NOTFOUND][made][/jmake-root/b/sub][/jmake-root/sub][OFF][outer][yes][/jmake-root/sub]"
    );
    assert!(described.unknown.is_empty(), "{:?}", described.unknown);
}

#[test]
fn subdirs_are_read_behind_their_description_in_order() {
    let top = "subdirs(a z)\nif(BUILD_TESTS OR ON)\nsubdirs(test)\nendif()\n\
               set(known yes)\nsay(top)\nreturn()\nsay(no)";
    let a = "say(a ${known})\nsubdirs(in)\nsay(behind)\nadd_library(a a.c)";
    let files = [
        ("CMakeLists.txt", top),
        ("a/CMakeLists.txt", a),
        ("a/in/CMakeLists.txt", "say(in)"),
        ("z/CMakeLists.txt", "say(z ${known})\nadd_library(z z.c)"),
        ("test/CMakeLists.txt", "add_library(t t.c)"),
    ];
    let (said, described) = said_of(&files);
    assert_eq!(said, "[top][a][yes][behind][in][z][yes]");
    let targets: Vec<(&str, bool)> =
        described.targets.iter().map(|target| (target.name.as_str(), target.is_test)).collect();
    assert_eq!(targets, [("a", false), ("z", false), ("t", true)]);
}

#[test]
fn properties() {
    check(&[
        (
            "add_library(t STATIC a.c)\nadd_library(n::t ALIAS t)\nset_target_properties(t PROPERTIES A 1 B \"x;y\")\nset_property(TARGET t APPEND PROPERTY B z)\nset_property(TARGET t APPEND_STRING PROPERTY A 2)\nget_target_property(a n::t A)\nget_target_property(b t B)\nget_target_property(c t NONE)\nget_target_property(d t TYPE)\nget_target_property(e n::t ALIASED_TARGET)\nsay(${a} \"${b}\" ${c} ${d} ${e})",
            "[12][x][y][z][c-NOTFOUND][STATIC_LIBRARY][t]",
        ),
        (
            "set_property(GLOBAL PROPERTY P a)\nset_property(GLOBAL APPEND PROPERTY P b)\nget_property(x GLOBAL PROPERTY P)\nget_property(y GLOBAL PROPERTY Q SET)\nsay(${x} ${y})",
            "[a][b][0]",
        ),
        (
            "set_directory_properties(PROPERTIES P v)\nget_directory_property(x P)\nget_directory_property(y PARENT_DIRECTORY)\nget_property(z DIRECTORY PROPERTY P)\nsay(${x} \"${y}.\" ${z})",
            "[v][.][v]",
        ),
        (
            "set_source_files_properties(a.c PROPERTIES K v)\nget_source_file_property(x a.c K)\nget_property(y SOURCE a.c PROPERTY K)\nsay(${x} ${y})",
            "[v][v]",
        ),
        (
            "set(CMAKE_CXX_STANDARD 17)\nset(CMAKE_C_VISIBILITY_PRESET hidden)\nadd_executable(t a.c)\nget_target_property(x t CXX_STANDARD)\nget_target_property(y t C_VISIBILITY_PRESET)\nsay(${x} ${y})",
            "[17][hidden]",
        ),
    ]);
}

fn answered(script: &str) -> Described {
    asked(&[("CMakeLists.txt", script.as_bytes())], &|question| match &question.ask {
        Ask::Function(name) => Some(name == "yes"),
        Ask::Package(name) if name == "ZLIB" => Some(true),
        Ask::FindLibrary(names) => Some(names == &["m"]),
        Ask::Compiles { .. } => Some(question.flags == ["-f", "-DX"] && question.cxx),
        Ask::PkgConfig(_) => Some(true),
        _ => None,
    })
}

#[test]
fn checks_are_asked() {
    let described = answered(
        "check_function_exists(yes HAVE_YES)
        check_function_exists(no HAVE_NO)
        check_symbol_exists(s \"a.h;b.h\" HAVE_S)
        check_type_size(long LONG)
        check_type_size(strange_t STRANGE)
        test_big_endian(BIG)
        cmake_push_check_state()
        set(CMAKE_REQUIRED_FLAGS -f)
        list(APPEND CMAKE_REQUIRED_DEFINITIONS -DX)
        check_cxx_source_compiles(\"int x;\" COMPILES)
        cmake_pop_check_state()
        check_cxx_source_compiles(\"int x;\" NOT_SO)
        find_package(ZLIB REQUIRED)
        find_package(Threads REQUIRED)
        find_package(Other REQUIRED)
        find_library(M NAMES m)
        find_library(N n PATHS /x)
        pkg_check_modules(PK libpk>=1)
        configure_file(CMakeLists.txt out)
        # @HAVE_YES@ @HAVE_NO@ @HAVE_S@ @LONG@ @STRANGE@ @BIG@ @COMPILES@ @NOT_SO@ @ZLIB_FOUND@ @ZLIB_LIBRARIES@
        # @Other_FOUND@ @M@ @N@ @PK_LIBRARIES@ @Threads_FOUND@
        if(ZLIB_VERSION VERSION_LESS 1.3)
        set(M old)
        endif()
        add_library(t STATIC a.c)
        target_link_libraries(t ZLIB::ZLIB Threads::Threads)",
    );
    let variables = &described.configured[0].variables;
    let shown: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        shown.join(" "),
        "BIG=0 COMPILES=1 HAVE_NO= HAVE_YES=1 LONG=8 M=m N=N-NOTFOUND NOT_SO= Other_FOUND=TRUE PK_LIBRARIES=pk \
         Threads_FOUND=TRUE ZLIB_FOUND=TRUE ZLIB_LIBRARIES=z"
    );
    let headers = vec!["a.h".to_owned(), "b.h".to_owned()];
    assert_eq!(described.checks["HAVE_S"].ask, Ask::Symbol { name: "s".into(), headers });
    assert_eq!(target(&described, "t").link, ["ZLIB::ZLIB", "z", "Threads::Threads"]);
    assert_eq!(described.unknown.len(), 1, "only that `Other` is required: {:?}", described.unknown);
}

#[test]
fn a_module_of_the_project_finds_a_package() {
    let module = "find_path(X_DIR x.h PATHS ${CMAKE_SOURCE_DIR}/deps)\ninclude(FindPackageHandleStandardArgs)\nfind_package_handle_standard_args(X DEFAULT_MSG X_DIR)";
    let script = "set(CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/m)\nfind_package(X)\nsay(${X_FOUND} ${X_DIR})";
    let files = [("CMakeLists.txt", script), ("m/FindX.cmake", module), ("deps/x.h", "")];
    assert_eq!(said_of(&files).0, "[TRUE][/jmake-root/deps]");
}

#[test]
fn export_headers() {
    let described = described(&[(
        "CMakeLists.txt",
        "add_library(my-lib SHARED a.c)
        generate_export_header(my-lib)
        generate_export_header(my-lib BASE_NAME Other EXPORT_FILE_NAME inc/e.h EXPORT_MACRO_NAME API)
        add_executable(e ${CMAKE_CURRENT_BINARY_DIR}/my-lib_export.h)",
    )]);
    let first = &described.export_headers[0];
    assert_eq!(
        (&*first.export_macro, &*first.define_symbol, &*first.static_define, &*first.include_guard),
        ("MY_LIB_EXPORT", "my_lib_EXPORTS", "MY_LIB_STATIC_DEFINE", "MY_LIB_EXPORT_H")
    );
    assert_eq!(first.output, FilePath::from("b/my-lib_export.h"));
    let second = &described.export_headers[1];
    assert_eq!((&*second.export_macro, &*second.no_export_macro), ("API", "OTHER_NO_EXPORT"));
    assert_eq!(second.output, FilePath::from("b/inc/e.h"));
    assert!(target(&described, "e").sources[0].generated);
}

#[test]
fn nothing_outside_is_done() {
    let (said, described) = said_of(&[(
        "CMakeLists.txt",
        "execute_process(COMMAND rm -rf / OUTPUT_VARIABLE o RESULT_VARIABLE r)
        try_compile(t ${CMAKE_BINARY_DIR} a.c)
        file(DOWNLOAD http://x y)
        file(WRITE ${CMAKE_SOURCE_DIR}/CMakeLists.txt x)
        file(READ /etc/passwd p)
        message(FATAL_ERROR no)
        unheard_of(x)
        say(\"${o}.\" ${r} ${t} \"${p}.\")",
    )]);
    assert_eq!(said, "[.][1][FALSE][.]");
    assert_eq!(described.unknown.len(), 7, "{:#?}", described.unknown);
    assert_eq!(described.unknown[6].line, 12);
}

#[test]
fn a_source_that_is_tried_is_asked_for() {
    let script = "try_compile(YES ${CMAKE_BINARY_DIR}/t ${CMAKE_SOURCE_DIR}/t/yes.c LINK_LIBRARIES m)
        try_compile(NO t SOURCES t/no.cpp COMPILE_DEFINITIONS -DX)
        try_compile(GONE t t/gone.c)
        add_library(yes${YES} a.c)
        add_library(no${NO} a.c)
        add_library(gone${GONE} a.c)";
    let files = [
        ("CMakeLists.txt", script.as_bytes()),
        ("t/yes.c", "yes".as_bytes()),
        ("t/no.cpp", "no".as_bytes()),
        ("a.c", "".as_bytes()),
    ];
    let described = asked(&files, &|question| match &question.ask {
        Ask::Compiles { source, .. } => {
            assert_eq!((question.cxx, question.flags == ["-DX"]), (source == "no", source == "no"));
            assert_eq!(question.include_dirs, ["t".into()]);
            Some(source == "yes")
        }
        _ => None,
    });
    let names: Vec<&str> = described.targets.iter().map(|target| &*target.name).collect();
    assert_eq!(names, ["yesTRUE", "noFALSE", "goneFALSE"]);
}
