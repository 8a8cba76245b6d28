//! Why a source is not part of the library.
//!
//! Two functions give the answer for one source: [`own_reason`] and, with what becomes of others,
//! [`reason_by_others`].  Their rules, first match wins:
//!
//! 1. Its kind: a module unit.
//! 2. Its folder: tests, examples, benchmarks, fuzzers, documentation anywhere below the root
//!    (the root's own name never counts); `contrib`, scripts and bindings at the root.
//! 3. Its name and content: named like a test or benchmark *and* with a `main` or a test
//!    framework among its includes.
//! 4. Its `main`, unless a macro must be set for it.
//! 5. Headers it cannot do without and this system does not have.
//! 6. Its name is that of another system or machine, and one for this stands beside it.
//! 7. It gathers others and has no code of its own: it includes two or more sources, and either each of them includes headers
//!    of the project, and so looks complete, or most of them have a header of their own; they are
//!    compiled one by one instead.
//! 8. It lies in a folder of programs (`programs`, `tools`, `cli`…) beside one that defines
//!    `main`: it belongs to that.
//! 9. It is a part of another: a source of its own folder or one above, itself taken into the
//!    library, includes it, and it does not include a header named like itself.  (`lz4.c` is
//!    included by `lz4hc.c` and yet a unit: it has its `lz4.h`.  `utf8proc_data.c` is a table.)

use crate::lex::Facts;
use crate::path::FilePath;

use super::LeftOut;

/// A source that another includes.
pub(super) struct Part {
    pub path: FilePath,
    /// Whether it includes a header of the project itself.
    pub complete: bool,
    /// Whether it includes a header named like itself.
    pub has_own_header: bool,
}

/// One source and what is known about it.
pub(super) struct Candidate<'a> {
    pub path: &'a FilePath,
    /// The folder of the project that all sources belong to: the root, or one below it.
    pub base: &'a FilePath,
    pub facts: &'a Facts,
    /// Sources it includes.
    pub parts: Vec<Part>,
    /// The system without whose headers it cannot be compiled, when that is another.
    pub system: Option<&'static str>,
    /// The system or machine that it is for by its name, when that is another.
    pub named_for: Option<&'static str>,
    /// Whether one of its includes is of a test framework that the tree does not hold.
    pub uses_test_framework: bool,
}

/// Whether a folder's name says that it holds, in one file, what the rest of the project holds in
/// many.
pub(super) fn is_whole_folder(name: &[u8]) -> bool {
    let all = words(name).concat();
    let known: [&[u8]; 7] = [
        b"singleheader",
        b"singleinclude",
        b"singlefile",
        b"amalgamation",
        b"amalgamated",
        b"amalgamate",
        b"amalgam",
    ];
    known.contains(&&*all)
}

/// What becomes of other sources and concerns one that has no reason of its own against it.
#[derive(Default)]
pub(super) struct Others<'a> {
    /// A source of its folder that defines `main`.
    pub program_beside: Option<&'a FilePath>,
    /// Sources that include it and are part of the library so far, sorted.
    pub included_by: Vec<&'a FilePath>,
}

/// Why the source `path` is not part of the library but of others.
pub(super) fn reason_by_others(path: &FilePath, facts: &Facts, others: &Others<'_>) -> Option<LeftOut> {
    part_of_program(path, others.program_beside).or_else(|| part_of_other(path, facts, &others.included_by))
}

/// The reasons that do not depend on what becomes of other sources.
pub(super) fn own_reason(candidate: &Candidate<'_>) -> Option<LeftOut> {
    let facts = candidate.facts;
    if facts.module_unit {
        return Some(LeftOut::ModuleUnit);
    }
    if let Some((_, reason)) = folder_reason_in(candidate.base, candidate.path) {
        return Some(reason);
    }
    let is_program = facts.has_main && !facts.main_conditional;
    if (is_program && is_test_name(candidate.path)) || candidate.uses_test_framework {
        return Some(LeftOut::TestFile);
    }
    if is_program {
        return Some(LeftOut::Main);
    }
    if let Some(system) = candidate.system {
        return Some(LeftOut::OtherSystem(system.into()));
    }
    if let Some(name) = candidate.named_for {
        return Some(LeftOut::NamedForOther(name.into()));
    }
    let parts = &candidate.parts;
    let all_complete = parts.iter().all(|part| part.complete);
    let units = parts.iter().filter(|part| part.has_own_header).count();
    let gathers = parts.len() > 1 && !facts.has_own_code && (all_complete || units * 2 > parts.len());
    gathers.then(|| LeftOut::Gathers(parts[0].path.clone()))
}

fn part_of_program(path: &FilePath, program_beside: Option<&FilePath>) -> Option<LeftOut> {
    const NAMES: [&[u8]; 9] =
        [b"program", b"programs", b"tool", b"tools", b"app", b"apps", b"cli", b"cmd", b"utils"];
    let main = program_beside?;
    let dir = path.parent()?;
    let is_for_programs = words(dir.file_name()).iter().any(|word| NAMES.contains(&&**word));
    is_for_programs.then(|| LeftOut::PartOfProgram(main.clone()))
}

/// Whether a source includes a header named like itself.
pub(super) fn has_own_header(source: &FilePath, facts: &Facts) -> bool {
    let stem = source.stem();
    let is_own = |name: &[u8]| {
        let last = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        // Most names are told apart by their beginning.
        if !last.starts_with(stem) {
            return false;
        }
        let header = FilePath::new(last);
        header.stem() == stem && header.extension().is_some_and(|ext| ext.starts_with(b"h"))
    };
    facts.includes.iter().any(|include| is_own(&include.name))
}

fn part_of_other(path: &FilePath, facts: &Facts, included_by: &[&FilePath]) -> Option<LeftOut> {
    let near = |by: &&&FilePath| by.parent().is_some_and(|dir| path.starts_with(&dir));
    let by = included_by.iter().find(near)?;
    (!has_own_header(path, facts)).then(|| LeftOut::IncludedByOther((*by).clone()))
}

/// The outermost folder below the root whose name says that what lies in it is not the library,
/// and what it says.
pub(super) fn folder_reason(path: &FilePath) -> Option<(FilePath, LeftOut)> {
    folder_reason_in(&FilePath::root(), path)
}

/// The same where the project is what `base` holds.
pub(super) fn folder_reason_in(base: &FilePath, path: &FilePath) -> Option<(FilePath, LeftOut)> {
    let mut dir = FilePath::root();
    let folders = path.components().count().saturating_sub(1);
    for name in path.components().take(folders) {
        let at_root = dir.parent().is_none() || dir == *base;
        dir = dir.join(name);
        if let Some(reason) = name_reason(name, at_root) {
            let shown = dir.to_string();
            return Some((dir, reason(shown)));
        }
    }
    None
}

fn name_reason(name: &[u8], at_root: bool) -> Option<fn(String) -> LeftOut> {
    // `unitTests` and `unit-tests` are `unit tests`.
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.iter().any(|known| known.as_bytes() == word));
    let is = |list: &[&str]| {
        let all = words.concat();
        list.iter().any(|known| known.as_bytes() == all)
    };
    if has(&["test", "tests", "tst", "testing", "unittest", "unittests", "testsuite", "testsuites"])
        || is(&["testdata", "testlib", "testutil", "testutils", "selftest", "regtest", "gtests"])
    {
        Some(LeftOut::TestFolder)
    } else if has(&["example", "examples", "demo", "demos", "sample", "samples", "tutorial", "tutorials"]) {
        Some(LeftOut::ExampleFolder)
    } else if has(&["bench", "benches", "benchmark", "benchmarks"]) {
        Some(LeftOut::BenchFolder)
    } else if has(&["fuzz", "fuzzing", "fuzzer", "fuzzers"]) || is(&["ossfuzz"]) {
        Some(LeftOut::FuzzFolder)
    } else if is(&["doc", "docs", "documentation", "doxygen"]) {
        Some(LeftOut::DocFolder)
    } else if at_root && is(&["contrib"]) {
        Some(LeftOut::ContribFolder)
    } else if at_root && (is(&["scripts", "script", "buildscripts"]) || has(&["ci"])) {
        Some(LeftOut::ScriptFolder)
    } else if at_root && is(&["swig", "bindings", "binding", "wrappers", "jni"]) {
        Some(LeftOut::BindingFolder)
    } else {
        None
    }
}

/// A source's name without its extension says test, benchmark or the like.
fn is_test_name(path: &FilePath) -> bool {
    let words = words(path.stem());
    let all = words.concat();
    let known: [&[u8]; 8] =
        [b"test", b"tests", b"unittest", b"unittests", b"bench", b"benchmark", b"fuzz", b"fuzzer"];
    words.iter().any(|word| known.contains(&&**word)) || all.ends_with(b"test") || all.ends_with(b"tests")
}

/// Whether `name` is a header of a test framework.
pub(super) fn is_test_framework(name: &[u8]) -> bool {
    let folder = name.split(|&b| b == b'/').next().unwrap_or_default();
    let last = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let has_folder = folder.len() < name.len();
    (has_folder && matches!(folder, b"gtest" | b"gmock" | b"catch2" | b"doctest" | b"cppunit" | b"CppUTest"))
        || name.starts_with(b"boost/test/")
        || matches!(
            last,
            b"catch.hpp"
                | b"catch_amalgamated.hpp"
                | b"doctest.h"
                | b"cmocka.h"
                | b"unity.h"
                | b"CUnit.h"
                | b"QtTest"
        )
}

/// The words of a name in lower case: parted by anything but letters and digits, and where a
/// capital follows a small letter.
pub(super) fn words(name: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut before = b' ';
    for &byte in name {
        let starts = byte.is_ascii_uppercase() && before.is_ascii_lowercase();
        if starts || !byte.is_ascii_alphanumeric() {
            words.push(Vec::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(byte.to_ascii_lowercase());
        }
        before = byte;
    }
    words.retain(|word| !word.is_empty());
    words
}
