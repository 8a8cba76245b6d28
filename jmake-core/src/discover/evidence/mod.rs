//! What a project's own build description says, taken as evidence.
//!
//! Where there is a `CMakeLists.txt`, it is read ([`crate::cmake`]), never run.  Whatever its
//! libraries are made of is the library; what its folders, macros and generated headers are need
//! not be guessed.  A description of which nothing is understood is as good as none.

mod answers;
mod cmake;
mod parts;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cmake::Files;
use crate::generate::Generated;
use crate::memo::Memo;
use crate::path::FilePath;

use super::manner::Manner;
use super::{Skipped, Tree};

use answers::{Answers, READINGS};
pub use answers::{Nobody, Program, System};
pub use parts::{Part, Said, said};

/// What a description says of the library.
pub(super) struct Evidence {
    /// The description.
    pub file: FilePath,
    /// What the library is made of.
    pub sources: BTreeSet<FilePath>,
    /// Macros for all of them, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Folders searched for headers, in order.
    pub include_dirs: Vec<FilePath>,
    /// How the library is compiled and linked besides.
    pub manner: Manner,
    /// Headers and sources that are made, by path.
    pub generated: BTreeMap<FilePath, Generated>,
    /// Every file that was read, with its text.
    read: Vec<(FilePath, Arc<[u8]>)>,
    /// Sources that it names and that neither are there nor are made by it.
    pub missing: Vec<FilePath>,
}

/// What is said of the project in `tree`, if anything: by the first description that names a
/// source that is there.
pub(super) fn of(memo: &Memo, tree: &Tree, system: &dyn System) -> Option<Evidence> {
    let seen = Seen { memo, tree, read: RefCell::default() };
    let answers = Answers::new(system);
    let mut evidence = cmake::read(&seen, &answers).filter(|said| !said.sources.is_empty())?;
    for _ in 1..READINGS {
        if !answers.find() {
            break;
        }
        evidence = cmake::read(&seen, &answers).filter(|said| !said.sources.is_empty())?;
    }
    // Whether others are there is known by the folders.
    evidence.read = seen.read.take();
    Some(evidence)
}

impl Evidence {
    /// Nothing yet of the library, said by `file`.
    fn new(file: FilePath, generated: BTreeMap<FilePath, Generated>) -> Evidence {
        Evidence {
            file,
            sources: BTreeSet::new(),
            defines: Vec::new(),
            include_dirs: Vec::new(),
            manner: Manner::default(),
            generated,
            read: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Whether the description names the file at all, if only under a condition.
    pub fn names(&self, path: &FilePath) -> bool {
        self.read.iter().any(|(_, text)| memchr::memmem::find(text, path.file_name()).is_some())
    }

    /// Every file that was read, in order.
    pub fn files(&self) -> impl Iterator<Item = &FilePath> {
        self.read.iter().map(|(path, _)| path)
    }

    /// Sources of the library that are made.
    pub fn made_units(&self) -> impl Iterator<Item = &FilePath> {
        let is_unit = |path: &&FilePath| super::category_by_name(path.file_name()).is_source();
        self.generated.keys().filter(|path| self.sources.contains(*path)).filter(is_unit)
    }

    /// What is made besides `known`: sources, and headers in the folders of known ones, which may be
    /// included by names that only the making shows.
    pub fn beside(&self, known: &[Generated]) -> Vec<Generated> {
        let dirs: BTreeSet<FilePath> = known.iter().filter_map(|made| made.path.parent()).collect();
        let wanted = |made: &&Generated| {
            let beside = made.path.parent().is_some_and(|dir| dirs.contains(&dir));
            (beside || self.sources.contains(&made.path)) && !known.contains(made)
        };
        self.generated.values().filter(wanted).cloned().collect()
    }

    /// All that is made besides `known`.
    pub fn besides(&self, known: &[Generated]) -> Vec<Generated> {
        self.generated.values().filter(|made| !known.contains(made)).cloned().collect()
    }

    /// Adds a macro; the first of a name counts.
    fn define(&mut self, define: String) {
        let name = |define: &str| define.split('=').next().unwrap_or_default().to_owned();
        if !self.defines.iter().any(|known| name(known) == name(&define)) {
            self.defines.push(define);
        }
    }

    /// Adds a folder to search, if it is there or something is made in it.
    fn search(&mut self, dir: &FilePath, tree: &Tree) {
        let is_made = || self.generated.keys().any(|path| path.starts_with(dir));
        if !self.include_dirs.contains(dir) && (tree.dirs.binary_search(dir).is_ok() || is_made()) {
            self.include_dirs.push(dir.clone());
        }
    }
}

/// The project as the reader sees it: what the walk has found, and nothing else.
struct Seen<'a> {
    memo: &'a Memo,
    tree: &'a Tree,
    /// What was read, in order, each once.
    read: RefCell<Vec<(FilePath, Arc<[u8]>)>>,
}

impl Seen<'_> {
    /// A file that the description names counts even where an ignore file names it: git keeps what
    /// was added once.
    fn is_there(&self, path: &FilePath) -> bool {
        let skipped = self.tree.skipped.binary_search_by(|(skipped, _)| skipped.cmp(path));
        let is_ignored = |at: usize| self.tree.skipped[at].1 == Skipped::Ignored;
        self.tree.get(path).is_some() || skipped.is_ok_and(is_ignored)
    }
}

impl Files for Seen<'_> {
    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
        let mut read = self.read.borrow_mut();
        if let Some((_, text)) = read.iter().find(|(known, _)| known == path) {
            return Some(text.clone());
        }
        let text = self.is_there(path).then(|| self.memo.text(path).ok()).flatten()?;
        let text: Arc<[u8]> = text.into();
        read.push((path.clone(), text.clone()));
        Some(text)
    }

    fn is_file(&self, path: &FilePath) -> bool {
        self.is_there(path)
    }

    fn is_dir(&self, path: &FilePath) -> bool {
        self.tree.dirs.binary_search(path).is_ok()
    }

    fn below(&self, dir: &FilePath) -> Vec<FilePath> {
        let from = self.tree.files.partition_point(|file| file.path < *dir);
        let below = self.tree.files[from..].iter().map(|file| &file.path);
        let near = below.take_while(|path| path.as_bytes().starts_with(dir.as_bytes()));
        near.filter(|path| path.starts_with(dir)).cloned().collect()
    }
}
