//! How a build description has the library compiled and linked, besides the macros and folders for all.
//!
//! Of the flags only those count that change what the library is: which symbols it shows, what the
//! language means, which instructions single units may use.  Optimisation, warnings and whatever
//! names files stay the user's choice.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::generate::{Form, Generated, Known, Names};
use crate::lex::{Facts, marks_shown};
use crate::memo::Memo;
use crate::path::FilePath;

use super::Tree;
use super::told::{Own, Shared, Told, flags_of, grouped};

/// What a description says of how the library is made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Manner {
    /// The standard of C, as in `gnu11`.
    pub c_std: Option<String>,
    /// The standard of C++, as in `c++17`.
    pub std: Option<String>,
    /// Flags for every source of C.
    pub c_flags: Vec<String>,
    /// Flags for every source of C++.
    pub cxx_flags: Vec<String>,
    /// Headers that every source begins with.
    pub first: Vec<FilePath>,
    /// What only some sources are told.  Where there are any, every source that is described is in one of
    /// them.
    pub own: Vec<Own>,
    /// Names and patterns of the symbols that are shown, as in a linker's version script; `None`
    /// for all.
    pub export: Option<Vec<String>>,
    /// The version script itself, where symbols have versions of their own.
    pub script: Option<String>,
}

/// Flags that count wherever they stand.
const FLAGS: [&str; 14] = [
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-fno-rtti",
    "-fno-exceptions",
    "-fexceptions",
    "-fsigned-char",
    "-funsigned-char",
    "-fno-math-errno",
    "-ffp-contract=off",
    "-fno-common",
    "-fno-builtin",
    "-fms-extensions",
];

/// Flags that hide what is not marked.
const HIDDEN: [&str; 2] = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"];

impl Manner {
    /// Adds a flag for every source of C++, or of C.
    pub fn add(&mut self, cxx: bool, flag: &str) {
        if !counts(cxx, flag) {
            return;
        }
        if let Some(std) = flag.strip_prefix("-std=") {
            let slot = if cxx { &mut self.std } else { &mut self.c_std };
            slot.get_or_insert_with(|| std.to_owned());
            return;
        }
        let flags = if cxx { &mut self.cxx_flags } else { &mut self.c_flags };
        if !flags.iter().any(|known| known == flag) {
            flags.push(flag.to_owned());
        }
    }

    /// What `source` alone is told.
    pub fn own(&self, source: &FilePath) -> Option<&Told> {
        let own = self.own.iter().find(|own| own.sources.binary_search(source).is_ok())?;
        Some(&own.told)
    }

    /// Whether all sources or some begin with `header`.
    pub fn begins_with(&self, header: &FilePath) -> bool {
        let own = self.own.iter().flat_map(|own| &own.told.first);
        self.first.iter().chain(own).any(|first| first == header)
    }

    /// Takes what sources have in common, and what not.
    pub(super) fn take(&mut self, shared: Shared) {
        for (cxx, flags) in [false, true].into_iter().zip(&shared.flags) {
            flags.iter().for_each(|flag| self.add(cxx, flag));
        }
        self.first = shared.told.first;
        self.own = shared.own;
    }

    /// Shows everything after all where nothing in `tree` marks what is to be shown: the library
    /// would be empty.  And where symbols have versions, only the script that names these will do.
    pub fn settle(&mut self, memo: &Memo, tree: &Tree, made: &BTreeMap<FilePath, Generated>) {
        let any = |marks: fn(&Facts) -> bool| {
            let code =
                tree.files.par_iter().filter(|file| file.category.is_header() || file.category.is_source());
            code.any(|file| memo.facts(&file.path).is_ok_and(|facts| marks(&facts)))
        };
        // What marks may stand in a header that is made.
        let is_made = || made.values().any(|made| made_shows(memo, made));
        if self.hides() && !any(|facts| facts.marks_shown) && !is_made() {
            self.show_all();
        }
        let asks = self.export.is_some() || self.script.is_some();
        match asks && any(|facts| facts.has_versions) {
            true => self.export = None,
            false => self.script = None,
        }
    }

    /// Whether symbols are hidden unless something marks them.
    pub fn hides(&self) -> bool {
        self.c_flags.iter().chain(&self.cxx_flags).any(|flag| flag == HIDDEN[0])
    }

    /// Whether those of some sources are.
    pub fn hides_some(&self) -> bool {
        self.hides() || self.own.iter().flat_map(|own| &own.told.flags).any(|flag| flag == HIDDEN[0])
    }

    /// The same for a library of which `sources` are only a part: what is hidden of them is not
    /// hidden of the others.
    pub fn of_part(&self, sources: &BTreeSet<FilePath>) -> Manner {
        let hiding = |flags: &[String]| -> Vec<String> {
            flags.iter().filter(|flag| HIDDEN.contains(&&***flag)).cloned().collect()
        };
        let hidden = [hiding(&self.c_flags), hiding(&self.cxx_flags)];
        let own = sources.iter().map(|source| {
            let mut told = self.own(source).cloned().unwrap_or_default();
            told.flags.extend_from_slice(flags_of(&hidden, source));
            (source.clone(), told)
        });
        let mut manner = Manner { export: None, script: None, own: grouped(own), ..self.clone() };
        for flags in [&mut manner.c_flags, &mut manner.cxx_flags] {
            flags.retain(|flag| !HIDDEN.contains(&&**flag));
        }
        manner
    }

    /// Hides nothing.
    pub fn show_all(&mut self) {
        let own = self.own.iter_mut().map(|own| &mut own.told.flags);
        for flags in [&mut self.c_flags, &mut self.cxx_flags].into_iter().chain(own) {
            flags.retain(|flag| !HIDDEN.contains(&&**flag));
        }
    }
}

/// Whether a flag for a source of C++, or of C, changes what the library is.
pub(super) fn counts(cxx: bool, flag: &str) -> bool {
    match flag.strip_prefix("-std=") {
        // A family's flag may stand among those of the other language.
        Some(std) => is_standard(std) && std.contains("++") == cxx,
        None => (FLAGS.contains(&flag) || is_instruction_set(flag)) && (cxx || !flag.contains("rtti")),
    }
}

/// Whether what is put into a header marks what is to be shown.
fn made_shows(memo: &Memo, made: &Generated) -> bool {
    let shows = marks_shown;
    let known = |names: &Names| {
        names.values().any(|known| match known {
            Known::Define(text) | Known::Value(Some(text)) => shows(text.as_bytes()),
            _ => false,
        })
    };
    match &made.form {
        Form::Export(_) => true,
        Form::Text(text) => shows(text.as_bytes()),
        Form::Lines { text, names, .. } => shows(text.as_bytes()) || known(names),
        Form::Template(names) => known(names) || memo.text(&made.from).is_ok_and(|text| shows(&text)),
        Form::Copy => memo.text(&made.from).is_ok_and(|text| shows(&text)),
        Form::Answers(_) => false,
    }
}

fn is_standard(std: &str) -> bool {
    let level = ["gnu++", "c++", "gnu", "c", "iso9899:"].iter().find_map(|family| std.strip_prefix(family));
    level.is_some_and(|level| {
        (1..=6).contains(&level.len()) && level.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Whether the flag allows instructions by name; those of the machine at hand would make a library
/// that runs nowhere else.
fn is_instruction_set(flag: &str) -> bool {
    let Some(name) = flag.strip_prefix("-m") else { return false };
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=+".contains(&b));
    let takes_more = ["llvm", "link", "relax", "code-model", "cmodel", "tune", "32", "64", "x32", "no-red"];
    !name.is_empty()
        && is_word
        && !name.ends_with("=native")
        && !takes_more.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_that_change_the_library_count() {
        let mut manner = Manner::default();
        for flag in
            ["-O3", "-Wall", "-march=native", "-mllvm", "-fplugin=x.so", "-fvisibility=hidden", "-std=c11"]
        {
            manner.add(false, flag);
        }
        for flag in ["-std=c11", "-std=gnu++14", "-std=c++17", "-fno-rtti", "-msse4.2", "-mtune=native"] {
            manner.add(true, flag);
        }
        assert_eq!(manner.c_flags, ["-fvisibility=hidden"]);
        assert_eq!(manner.cxx_flags, ["-fno-rtti", "-msse4.2"]);
        assert_eq!((manner.c_std.as_deref(), manner.std.as_deref()), (Some("c11"), Some("gnu++14")));
        for (cxx, flag, is_counted) in
            [(false, "-mavx2", true), (false, "-fno-rtti", false), (true, "-o", false), (true, "@x", false)]
        {
            assert_eq!(counts(cxx, flag), is_counted, "{flag}");
        }
    }
}
