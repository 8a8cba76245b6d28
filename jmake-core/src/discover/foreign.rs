//! Sources for other systems: what they must include, by themselves or by headers of the project.
//!
//! An include in a condition proves nothing, for the condition may be about the system.  One that
//! every compile of the file comes to, however deep, does.

use rustc_hash::FxHashMap;

use crate::lex::Facts;
use crate::memo::Memo;
use crate::path::FilePath;

use super::evidence::System;
use super::finder::{Finder, counts};
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
    known: FxHashMap<FilePath, Option<&'static str>>,
    /// Whom the system's own headers are asked of.
    system: &'a dyn System,
    /// Whose the headers are that the project has not, by name.
    owners: FxHashMap<Box<[u8]>, Option<&'static str>>,
}

impl<'a> Foreign<'a> {
    pub fn new(memo: &'a Memo, finder: &'a Finder<'a>, system: &'a dyn System) -> Foreign<'a> {
        Foreign { memo, finder, known: FxHashMap::default(), system, owners: FxHashMap::default() }
    }

    /// The system that `<name>` belongs to, when that is neither this one nor the project.
    fn owner(&mut self, name: &[u8]) -> Option<&'static str> {
        if let Some(known) = self.owners.get(name) {
            return *known;
        }
        let is_own = self.finder.ending_with(name).next().is_some();
        let owner = if is_own {
            None
        } else {
            other_system(name).or_else(|| other_machine(name)).or_else(|| self.other_unix(name))
        };
        self.owners.insert(name.into(), owner);
        owner
    }

    fn other_unix(&self, name: &[u8]) -> Option<&'static str> {
        let text = std::str::from_utf8(name).ok().filter(|text| text.ends_with(".h") && is_standard(name))?;
        if EVERYWHERE.split_ascii_whitespace().any(|stem| text.strip_suffix(".h") == Some(stem)) {
            return None;
        }
        // Where not even the headers of C are installed, nothing can be told by what is missing.
        let is_missing = self.system.has_header(text) == Some(false);
        (is_missing && self.system.has_header("stdio.h") == Some(true)).then_some("another Unix")
    }

    /// The system without whose headers a source cannot be compiled of which `facts` are known, and
    /// what each of its includes leads to.
    pub fn system_of(&mut self, facts: &Facts, found: &[Option<&FilePath>]) -> Option<&'static str> {
        self.named(facts).or_else(|| {
            let must_have = facts.includes.iter().zip(found).filter(|(include, _)| !include.conditional);
            must_have.filter_map(|(_, header)| *header).find_map(|header| self.header(header, DEPTH - 1))
        })
    }

    /// The system whose headers `facts` name.
    fn named(&mut self, facts: &Facts) -> Option<&'static str> {
        let mut others = facts.includes.iter().filter(|include| !include.conditional && include.angled);
        others.find_map(|include| self.owner(&include.name))
    }

    fn below(&mut self, path: &FilePath, facts: &Facts, depth: usize) -> Option<&'static str> {
        if let Some(system) = self.named(facts) {
            return Some(system);
        }
        if depth == 0 {
            return None;
        }
        let finder = self.finder;
        let live = facts.includes.iter().filter(|include| !include.conditional && counts(include));
        let mut headers = live.filter_map(|include| finder.find_above(path, include));
        headers.find_map(|header| self.header(header, depth - 1))
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
