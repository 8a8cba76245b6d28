//! Sources for other systems: what they must include, by themselves or by headers of the project.
//!
//! An include in a condition proves nothing, for the condition may be about the system.  One that
//! every compile of the file comes to, however deep, does.

use std::collections::HashMap;

use crate::lex::Facts;
use crate::memo::Memo;
use crate::path::FilePath;

use super::evidence::System;
use super::includes::{Finder, counts};
use crate::standard::{is_standard, other_machine, other_system};

/// How deep includes of includes are followed.
const DEPTH: usize = 16;

/// Headers that every C compiler has, without `.h`.
const EVERYWHERE: &str = "
assert ctype errno float inttypes limits locale math setjmp signal stdarg stdbool stddef stdint stdio
stdlib string time wchar
";

/// Looks for includes of other systems.
pub(super) struct Foreign<'a> {
    memo: &'a Memo,
    finder: &'a Finder<'a>,
    /// What is known of each header.
    known: HashMap<FilePath, Option<&'static str>>,
    /// Whom the system's own headers are asked of, and what was answered.
    system: &'a dyn System,
    headers: HashMap<Box<[u8]>, bool>,
}

impl<'a> Foreign<'a> {
    pub fn new(memo: &'a Memo, finder: &'a Finder<'a>, system: &'a dyn System) -> Foreign<'a> {
        Foreign { memo, finder, known: HashMap::new(), system, headers: HashMap::new() }
    }

    /// The system that `<name>` belongs to, when that is not this one.
    fn owner(&mut self, name: &[u8]) -> Option<&'static str> {
        if let Some(system) = other_system(name).or_else(|| other_machine(name)) {
            return Some(system);
        }
        let text = std::str::from_utf8(name).ok().filter(|text| text.ends_with(".h") && is_standard(name))?;
        if EVERYWHERE.split_ascii_whitespace().any(|stem| text.strip_suffix(".h") == Some(stem)) {
            return None;
        }
        let system = self.system;
        // Where not even the headers of C are installed, nothing can be told by what is missing.
        let ask = || system.has_header(text) != Some(false) || system.has_header("stdio.h") != Some(true);
        let is_here = *self.headers.entry(name.into()).or_insert_with(ask);
        (!is_here).then_some("another Unix")
    }

    /// The system without whose headers the file at `path` cannot be compiled.
    pub fn system_of(&mut self, path: &FilePath, facts: &Facts) -> Option<&'static str> {
        self.below(path, facts, DEPTH)
    }

    fn below(&mut self, path: &FilePath, facts: &Facts, depth: usize) -> Option<&'static str> {
        let must_have = || facts.includes.iter().filter(|include| !include.conditional);
        let mut own = must_have()
            .filter(|include| include.angled && self.finder.ending_with(&include.name).next().is_none());
        if let Some(system) = own.find_map(|include| self.owner(&include.name)) {
            return Some(system);
        }
        if depth == 0 {
            return None;
        }
        let above: Vec<FilePath> = std::iter::successors(path.parent(), FilePath::parent).collect();
        let finder = self.finder;
        let live = must_have().filter(|include| counts(include));
        let headers = live.filter_map(|include| finder.find(path, include, &above).ok());
        headers.filter_map(|header| self.header(&header, depth - 1)).next()
    }

    fn header(&mut self, path: &FilePath, depth: usize) -> Option<&'static str> {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        // Headers that include one another say nothing by that.
        self.known.insert(path.clone(), None);
        let facts = self.memo.facts(path).ok()?;
        let system = self.below(path, &facts, depth);
        self.known.insert(path.clone(), system);
        system
    }
}
