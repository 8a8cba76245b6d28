//! Tests of the reader as a whole: templates, places, limits, hostile descriptions.  The helpers
//! serve the tests of its parts too.

use super::{Ask, Described, Files, Machine, Place, Question, Target, names_in, read, substitute};
use crate::path::FilePath;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A project in memory.
struct Memory(BTreeMap<FilePath, Arc<[u8]>>);

impl Files for Memory {
    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
        self.0.get(path).cloned()
    }

    fn is_file(&self, path: &FilePath) -> bool {
        self.0.contains_key(path)
    }

    fn is_dir(&self, path: &FilePath) -> bool {
        path.is_root() || self.0.keys().any(|file| file != path && file.starts_with(path))
    }

    fn below(&self, dir: &FilePath) -> Vec<FilePath> {
        self.0.keys().filter(|file| file.starts_with(dir)).cloned().collect()
    }
}

fn machine() -> Machine {
    Machine {
        system: "Linux".into(),
        processor: "x86_64".into(),
        compiler: "Clang".into(),
        compiler_version: "18.1.3".into(),
        pointer_size: 8,
        big_endian: false,
    }
}

/// What `files` describe, with every question answered by `answer`.
pub(in crate::cmake) fn asked(
    files: &[(&str, &[u8])],
    answer: &dyn Fn(&Question) -> Option<bool>,
) -> Described {
    let files = files.iter().map(|(path, text)| (FilePath::from(*path), Arc::from(*text))).collect();
    let place = Place { source: FilePath::root(), build: FilePath::from("b") };
    read(&Memory(files), &place, &machine(), answer).unwrap()
}

/// What `files` describe when nothing about the system is known.
pub(in crate::cmake) fn described(files: &[(&str, &str)]) -> Described {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    asked(&files, &|_| None)
}

/// The target of that name.
pub(in crate::cmake) fn target<'d>(described: &'d Described, name: &str) -> &'d Target {
    described.targets.iter().find(|target| target.name == name).unwrap()
}

/// A command that says what it is given: `say(a b)` gives `[a][b]`.
const SAY: &str = "function(say)\n foreach(x IN LISTS ARGV)\n file(APPEND ${CMAKE_BINARY_DIR}/said \"[${x}]\")\n endforeach()\nendfunction()\n";

/// All that `script` says.
pub(in crate::cmake) fn said(script: &str) -> String {
    said_of(&[("CMakeLists.txt", script)]).0
}

/// All that the description in `files` says, and all of it.
pub(in crate::cmake) fn said_of(files: &[(&str, &str)]) -> (String, Described) {
    let top = format!("{SAY}{}", files[0].1);
    let mut files = files.to_vec();
    files[0].1 = &top;
    let described = described(&files);
    let said = described.written.get(&FilePath::from("b/said"));
    (said.map_or_else(String::new, |said| String::from_utf8_lossy(said).into_owned()), described)
}

#[test]
fn without_a_description_there_is_nothing() {
    let place = Place { source: FilePath::root(), build: FilePath::from("b") };
    assert!(read(&Memory(BTreeMap::new()), &place, &machine(), &|_| None).is_none());
}

#[test]
fn a_description_may_lie_deeper_than_the_root() {
    let script = "project(p VERSION 1.2.3 LANGUAGES C)
        add_library(p STATIC ../../lib/a.c)
        target_include_directories(p PUBLIC ${CMAKE_SOURCE_DIR}/../../lib ${PROJECT_BINARY_DIR})";
    let files: BTreeMap<FilePath, Arc<[u8]>> = [("build/cmake/CMakeLists.txt", script), ("lib/a.c", "")]
        .into_iter()
        .map(|(path, text)| (FilePath::from(path), Arc::from(text.as_bytes())))
        .collect();
    let place = Place { source: FilePath::from("build/cmake"), build: FilePath::from(".x/gen") };
    let described = read(&Memory(files), &place, &machine(), &|_| None).unwrap();
    assert_eq!((described.project.as_deref(), described.version.as_deref()), (Some("p"), Some("1.2.3")));
    assert_eq!(described.languages, ["C"]);
    let p = target(&described, "p");
    assert_eq!((p.sources[0].path.clone(), p.sources[0].exists), (FilePath::from("lib/a.c"), true));
    assert_eq!(p.c.include_dirs, [FilePath::from("lib"), FilePath::from(".x/gen")]);
    assert_eq!(described.read, [FilePath::from("build/cmake/CMakeLists.txt"), FilePath::from("lib/a.c")]);
}

#[test]
fn templates() {
    let value = |name: &str| match name {
        "ON" | "N1" => Some("1".to_owned()),
        "OFF" => Some("OFF".to_owned()),
        "TEXT" => Some("te\"xt".to_owned()),
        _ => None,
    };
    for (template, at_only, expect) in [
        ("@TEXT@ ${TEXT} @NONE@.", false, "te\"xt te\"xt ."),
        ("@TEXT@ ${TEXT}", true, "te\"xt ${TEXT}"),
        ("a@b.c d@ @", false, "a@b.c d@ @"),
        ("#cmakedefine ON", false, "#define ON"),
        ("#cmakedefine ON \"@TEXT@\"\n", false, "#define ON \"te\"xt\"\n"),
        ("#cmakedefine OFF 1\r\n", false, "/* #undef OFF */\r\n"),
        ("#cmakedefine NONE", false, "/* #undef NONE */"),
        ("  #  cmakedefine ON 1", false, "  #  define ON 1"),
        ("#cmakedefine01 ON\n#cmakedefine01 NONE", false, "#define ON 1\n#define NONE 0"),
        ("#cmakedefines ON", false, "#cmakedefines ON"),
        ("${TEXT", false, "${TEXT"),
    ] {
        let made = substitute(template.as_bytes(), at_only, &value);
        assert_eq!(String::from_utf8_lossy(&made), expect, "{template}");
    }
    let names = names_in(b"#cmakedefine A @B@\n${C} @D@ #cmakedefine01 E\n#cmakedefine01 F", false);
    assert_eq!(names.into_iter().collect::<String>(), "ABCDF");
}

#[test]
fn configured_files() {
    let script = "
        include(CheckIncludeFile)
        check_include_file(a.h HAVE_A)
        check_include_file(b.h HAVE_B)
        set(V \"x y\")
        configure_file(in.h out/in.h)
        set(V later)
        configure_file(in.h ${CMAKE_CURRENT_BINARY_DIR} @ONLY)
        configure_file(in.h copy.h COPYONLY)
        configure_file(none.h none.h)
        file(READ ${CMAKE_BINARY_DIR}/out/in.h text)
        file(WRITE ${CMAKE_BINARY_DIR}/text.txt \"<${text}>\")";
    let files: [(&str, &[u8]); 2] = [
        ("CMakeLists.txt", script.as_bytes()),
        ("in.h", b"#cmakedefine HAVE_A\n#cmakedefine HAVE_B\n@V@${V}@W@\n"),
    ];
    let described = asked(&files, &|question| match &question.ask {
        Ask::Header(names) => (names[0] == "a.h").then_some(true),
        _ => None,
    });
    let outputs: Vec<String> = described.configured.iter().map(|c| c.output.to_string()).collect();
    assert_eq!(outputs, ["b/out/in.h", "b/in.h", "b/copy.h"]);
    let variables = &described.configured[0].variables;
    let expect = [("HAVE_A", "1"), ("V", "x y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*variables, BTreeMap::from(expect));
    assert!(described.configured[1].at_only && described.configured[2].copy_only);
    assert_eq!(described.checks.keys().cloned().collect::<Vec<_>>(), ["HAVE_A", "HAVE_B"]);
    let text = |path: &str| String::from_utf8_lossy(&described.written[&FilePath::from(path)]).into_owned();
    assert_eq!(text("b/text.txt"), "<#define HAVE_A\n/* #undef HAVE_B */\nx yx y\n>");
    assert_eq!(text("b/in.h"), "#define HAVE_A\n/* #undef HAVE_B */\nlater${V}\n");
    assert_eq!(described.unknown.len(), 1, "{:?}", described.unknown);
}

/// On a stack of 2 MiB, as threads have.
fn on_a_small_stack(script: String) -> Described {
    let run = move || described(&[("CMakeLists.txt", &script)]);
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

/// Reads each script, which must end, and be noted where it is not followed to its end.
fn ends(scripts: &[String], noted: bool) {
    for script in scripts {
        let described = on_a_small_stack(script.clone());
        assert!(!noted || !described.unknown.is_empty(), "{}", &script[..script.len().min(60)]);
    }
}

#[test]
fn endless_loops_end() {
    let scripts = [
        "while(TRUE)\nendwhile()",
        "while(1)\ncontinue()\nendwhile()",
        "macro(m)\nm()\nm()\nendmacro()\nm()",
        "function(f)\nf()\nendfunction()\nf()",
        "include(CMakeLists.txt)",
        "foreach(i RANGE 9223372036854775807)\nendforeach()",
        "cmake_language(EVAL CODE \"cmake_language(EVAL CODE [[a(]])\")",
    ];
    ends(&scripts.map(String::from), true);
}

#[test]
fn growing_values_end() {
    let scripts = [
        "set(x a)\nwhile(1)\nset(x \"${x}${x}\")\nendwhile()",
        "set(x a)\nwhile(1)\nlist(APPEND x ${x})\nendwhile()",
        "set(x a)\nforeach(i RANGE 40)\nset(x \"${x}${x}\")\nset(v${i} \"${x}\")\nendforeach()",
        "string(REPEAT aaaaaaaaaa 999999999999 x)",
        "set(x abcdefgh)\nforeach(i RANGE 16)\nset(x \"${x}${x}\")\nendforeach()\nwhile(1)\nstring(REGEX MATCH \"z\" y \"${x}\")\nendwhile()",
    ];
    ends(&scripts.map(String::from), true);
}

#[test]
fn deep_nesting_ends() {
    let deep = |open: &str, close: &str| open.repeat(30_000) + &close.repeat(30_000);
    let scripts = [
        deep("if(1)\n", "endif()\n"),
        deep("foreach(x a)\n", "endforeach()\n"),
        format!("if({}A)\nsay()\nendif()", "NOT ".repeat(100_001)),
        format!("set(x {}a{})", "${".repeat(100_000), "}".repeat(100_000)),
        format!("file(GENERATE OUTPUT x CONTENT \"{}\")", "$<1:".repeat(100_000)),
        format!("file(GENERATE OUTPUT x CONTENT \"{}{}\")", "$<1:".repeat(50_000), ">".repeat(50_000)),
        format!("set(x \"{}\")", "a;".repeat(500_000)),
    ];
    ends(&scripts, false);
    let scripts = [
        deep("foreach(x a)\n", "endif()\n"),
        format!("cmake_language({}a)", "CALL cmake_language ".repeat(100_000)),
        format!("if({}A{})\nendif()", "( ".repeat(100_000), " )".repeat(100_000)),
        format!("math(EXPR x \"{}1\")", "(".repeat(100_000)),
        format!("string(REGEX MATCH \"{}\" x y)", "(a*)*".repeat(10_000)),
    ];
    ends(&scripts, true);
}

#[test]
fn what_was_read_until_a_limit_stays() {
    let described = described(&[(
        "CMakeLists.txt",
        "add_library(a STATIC a.c)\nwhile(1)\nendwhile()\nadd_library(b b.c)",
    )]);
    assert_eq!(described.targets.len(), 1);
    let last = described.unknown.last().unwrap();
    assert!(last.text.contains("too many commands"), "{last:?}");
}

#[test]
fn a_line_of_a_megabyte() {
    let script = format!("set(x {})\nlist(LENGTH x n)\nsay(${{n}})", "abcdefg ".repeat(130_000));
    assert_eq!(said(&script), "[130000]");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        asked(&[("CMakeLists.txt", &bytes)], &|_| Some(true));
    }

    #[test]
    fn no_words_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..120)) {
        let script = words.concat();
        asked(&[("CMakeLists.txt", script.as_bytes()), ("a.c", b"")], &|_| Some(true));
    }

    #[test]
    fn no_template_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        substitute(&bytes, false, &|_| Some("x".into()));
        names_in(&bytes, true);
    }
}

const WORDS: &[&str] = &[
    "if(",
    "elseif(",
    "else()\n",
    "endif()\n",
    "foreach(",
    "endforeach()\n",
    "while(",
    "endwhile()\n",
    "function(",
    "endfunction()\n",
    "macro(",
    "endmacro()\n",
    "block()\n",
    "endblock()\n",
    "return()\n",
    "break()\n",
    "continue()\n",
    "set(",
    "unset(",
    "list(",
    "string(",
    "math(EXPR ",
    "file(",
    "add_library(",
    "add_executable(",
    "target_link_libraries(",
    "target_sources(",
    "set_property(",
    "get_property(",
    "configure_file(",
    "find_package(",
    "cmake_path(",
    "cmake_parse_arguments(",
    "project(",
    "include(",
    "get_filename_component(",
    "generate_export_header(",
    "install(TARGETS ",
    "check_type_size(",
    ")\n",
    ")\n",
    ")\n",
    ")",
    "(",
    " ",
    " ",
    "a ",
    "a ",
    "b ",
    "${a}",
    "${${b}}",
    "$<1:",
    "$<TARGET_PROPERTY:",
    ">",
    "\"",
    "\\",
    ";",
    "#",
    "[[",
    "]]",
    "APPEND ",
    "REGEX ",
    "REPLACE ",
    "MATCH ",
    "GET ",
    "SUBLIST ",
    "INSERT ",
    "-1 ",
    "99 ",
    "TRANSFORM ",
    "IN ",
    "LISTS ",
    "ZIP_LISTS ",
    "RANGE ",
    "NOT ",
    "AND ",
    "STREQUAL ",
    "MATCHES ",
    "PUBLIC ",
    "PROPERTY ",
    "TARGET ",
    "SUBSTRING ",
    "GLOB ",
    "READ ",
    "CMakeLists.txt ",
    "é",
    "POP_FRONT ",
    "SORT ",
    "FOR ",
    "AT ",
    "STATIC ",
    "a.c ",
    "PARSE_ARGV ",
    "HEX ",
    "LENGTH ",
    "JOIN ",
    "OUTPUT ",
    "CONTENT ",
];
