//! How a build description has the library compiled and linked, besides macros and folders.
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

use super::{Category, Tree, category_by_name};

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
    /// Flags for single sources, after all others; each source once, in order.
    pub own_flags: Vec<(FilePath, Vec<String>)>,
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
        if let Some(std) = flag.strip_prefix("-std=").filter(|std| is_standard(std)) {
            let slot = if cxx { &mut self.std } else { &mut self.c_std };
            // A family's flag may stand among those of the other language.
            if std.contains("++") == cxx {
                slot.get_or_insert_with(|| std.to_owned());
            }
        } else if FLAGS.contains(&flag) || is_instruction_set(flag) {
            let flags = if cxx { &mut self.cxx_flags } else { &mut self.c_flags };
            if !flags.iter().any(|known| known == flag) && (cxx || !flag.contains("rtti")) {
                flags.push(flag.to_owned());
            }
        }
    }

    /// Adds flags for one source.
    pub fn add_own(&mut self, source: &FilePath, flags: impl IntoIterator<Item = String>) {
        let counts =
            |flag: &String| flag.starts_with("-D") || FLAGS.contains(&&**flag) || is_instruction_set(flag);
        let flags: Vec<String> = flags.into_iter().filter(counts).collect();
        let known = self.own_flags.binary_search_by(|(known, _)| known.cmp(source));
        match known {
            Err(at) if !flags.is_empty() => self.own_flags.insert(at, (source.clone(), flags)),
            _ => {}
        }
    }

    /// The flags of one source alone.
    pub fn own(&self, source: &FilePath) -> &[String] {
        let known = self.own_flags.binary_search_by(|(known, _)| known.cmp(source));
        known.map_or(&[], |at| &self.own_flags[at].1)
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

    /// The same for a library of which `sources` are only a part: what is hidden of them is not
    /// hidden of the others.
    pub fn of_part(&self, sources: &BTreeSet<FilePath>) -> Manner {
        let mut manner = Manner { export: None, script: None, ..self.clone() };
        manner.show_all();
        for source in sources {
            let is_cxx = category_by_name(source.file_name()) == Category::CppSource;
            let all = if is_cxx { &self.cxx_flags } else { &self.c_flags };
            let mut flags: Vec<String> =
                all.iter().filter(|flag| HIDDEN.contains(&&***flag)).cloned().collect();
            flags.extend_from_slice(self.own(source));
            manner.own_flags.retain(|(known, _)| known != source);
            manner.add_own(source, flags);
        }
        manner
    }

    /// Hides nothing.
    pub fn show_all(&mut self) {
        for flags in [&mut self.c_flags, &mut self.cxx_flags] {
            flags.retain(|flag| !HIDDEN.contains(&&**flag));
        }
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
        let source = FilePath::new("a.c");
        manner.add_own(&source, ["-mavx2".to_owned(), "-o".to_owned(), "-DX=1".to_owned(), "@x".to_owned()]);
        assert_eq!(manner.c_flags, ["-fvisibility=hidden"]);
        assert_eq!(manner.cxx_flags, ["-fno-rtti", "-msse4.2"]);
        assert_eq!((manner.c_std.as_deref(), manner.std.as_deref()), (Some("c11"), Some("gnu++14")));
        assert_eq!(manner.own(&source), ["-mavx2", "-DX=1"]);
    }
}
