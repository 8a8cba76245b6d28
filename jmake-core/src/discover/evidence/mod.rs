//! What a project's own build description says, taken as evidence.
//!
//! Where there is a `CMakeLists.txt`, a `meson.build` or the like, it is read, never run.  Whatever
//! its libraries are made of is the library; what its folders, macros and generated headers are
//! need not be guessed.  A description of which nothing is understood is as good as none, and the
//! next is tried.  Of several the first counts, and it is said where another differs.

mod answers;
mod cmake;
mod contradiction;
mod flags;
mod others;
mod parts;
mod several;
mod telling;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cmake::{Ask, Files, Question};
use crate::generate::{DIR, Generated};
use crate::memo::Memo;
use crate::path::FilePath;

use super::manner::Manner;
use super::reasons::folder_reason;
use super::told::Units;
use super::{DescribedLibrary, File, Skipped, Tree};

pub(super) use contradiction::Contradiction;

/// Files by which a folder is known to hold a description.
const DESCRIPTIONS: [&str; 8] = [
    "CMakeLists.txt",
    "meson.build",
    "Makefile.am",
    "BUILD.bazel",
    "BUILD",
    "GNUmakefile",
    "Makefile",
    "makefile",
];

use answers::{Answers, READINGS};
pub use answers::{Nobody, Program, System};
pub use parts::{Part, Parts, said};

/// What a description says of the library.
pub(super) struct Evidence {
    /// The description.
    pub file: FilePath,
    /// The folder that it tells of: what lies outside it is not the worse for being unnamed.
    pub dir: FilePath,
    /// What the library is made of.
    pub sources: BTreeSet<FilePath>,
    /// What each of them is told, until [`Evidence::settle`] parts it.
    units: Units,
    /// Macros for all of them, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Folders searched for the headers of all, in order.
    pub include_dirs: Vec<FilePath>,
    /// How the library is compiled and linked besides.
    pub manner: Manner,
    /// Headers and sources that are made, by path.
    pub generated: BTreeMap<FilePath, Generated>,
    /// Folders that are made, and may stay empty.
    folders: BTreeSet<FilePath>,
    /// Every file that was read, with its text.
    read: Vec<(FilePath, Arc<[u8]>)>,
    /// Sources that it names and that neither are there nor are made by it.
    pub missing: Vec<FilePath>,
    /// Files in which it goes on, as it spells them, and that are not there.
    pub unread: Vec<String>,
    /// Macros of its headers whose values only commands tell.
    pub unsure: Vec<String>,
    /// Scripts that the linker is to read as it reads objects.
    pub scripts: BTreeSet<FilePath>,
    /// The libraries that it parts `sources` into, where it has several.
    pub libraries: Vec<DescribedLibrary>,
}

/// What was read, and what it says.
#[derive(Default)]
pub(super) struct Said {
    /// What counts.
    pub evidence: Option<Evidence>,
    /// Every file that was read, of any description: another text may say something else.
    pub read: Vec<FilePath>,
    /// In what another description differs.
    pub contradiction: Option<Contradiction>,
}

/// How one description is read, in a folder.
type Reader = fn(&Seen<'_>, &FilePath, &Answers<'_>) -> Option<Evidence>;

/// The first of these that names a source that is there counts.
const READERS: [Reader; 6] = [
    cmake::read,
    |seen, dir, _| others::meson(seen, dir),
    |seen, dir, _| others::automake(seen, dir),
    |seen, dir, _| others::bazel(seen, dir),
    |seen, dir, _| others::commands(seen, dir),
    |seen, dir, _| others::makefile(seen, dir),
];

/// What is said of the project in `tree`.
pub(super) fn of(memo: &Memo, tree: &Tree, system: &dyn System) -> Said {
    let answers = Answers::new(system);
    let mut said = Said::default();
    said.read_in(memo, tree, &FilePath::root(), &answers);
    if said.evidence.is_none()
        && let Some(dir) = only_folder(tree)
    {
        said.read_in(memo, tree, &dir, &answers);
    }
    said
}

impl Said {
    /// Reads what lies in `dir`.
    fn read_in(&mut self, memo: &Memo, tree: &Tree, dir: &FilePath, answers: &Answers<'_>) {
        for reader in READERS {
            let seen = Seen { memo, tree, answers, read: RefCell::default() };
            let mut found = reader(&seen, dir, answers);
            for _ in 1..READINGS {
                if !answers.find() {
                    break;
                }
                found = reader(&seen, dir, answers);
            }
            let found = found.filter(|found| !found.sources.is_empty());
            let read = seen.read.take();
            for (path, _) in &read {
                if !self.read.contains(path) {
                    self.read.push(path.clone());
                }
            }
            let Some(mut found) = found else { continue };
            found.read = read;
            found.dir = found.tells_of(dir);
            match &self.evidence {
                None => self.evidence = Some(found),
                Some(first) if self.contradiction.is_none() => {
                    self.contradiction = contradiction::of(first, &found)
                }
                Some(_) => {}
            }
        }
    }
}

/// The only folder with code that holds a description, where the root has none: of folders in
/// one another the outermost counts.
fn only_folder(tree: &Tree) -> Option<FilePath> {
    let is_description = |file: &&File| {
        let name = file.path.file_name();
        DESCRIPTIONS.iter().any(|known| known.as_bytes() == name) && folder_reason(&file.path).is_none()
    };
    let dirs = tree.files.iter().filter(is_description).filter_map(|file| file.path.parent());
    // That the root's own says nothing is known by now.
    let described: BTreeSet<FilePath> = dirs.filter(|dir| *dir != FilePath::root()).collect();
    let outermost = |dir: &&FilePath| {
        !std::iter::successors(dir.parent(), FilePath::parent).any(|above| described.contains(&above))
    };
    let has_code = |dir: &&FilePath| {
        let from = tree.files.partition_point(|file| file.path < **dir);
        let below =
            tree.files[from..].iter().take_while(|file| file.path.as_bytes().starts_with(dir.as_bytes()));
        let mut code = below.filter(|file| file.category.is_source() && file.path.starts_with(dir));
        code.any(|file| folder_reason(&file.path).is_none())
    };
    let mut dirs = described.iter().filter(outermost).filter(has_code);
    dirs.next().filter(|_| dirs.next().is_none()).cloned()
}

impl Evidence {
    /// Nothing yet of the library, said by `file`.
    fn new(file: FilePath, generated: BTreeMap<FilePath, Generated>) -> Evidence {
        Evidence {
            file,
            dir: FilePath::root(),
            sources: BTreeSet::new(),
            units: Units::default(),
            defines: Vec::new(),
            include_dirs: Vec::new(),
            manner: Manner::default(),
            generated,
            folders: BTreeSet::new(),
            read: Vec::new(),
            missing: Vec::new(),
            unread: Vec::new(),
            unsure: Vec::new(),
            scripts: BTreeSet::new(),
            libraries: Vec::new(),
        }
    }

    /// What a description in `dir` tells of: that folder, unless it names sources outside.
    fn tells_of(&self, dir: &FilePath) -> FilePath {
        match self.sources.iter().all(|source| source.starts_with(dir)) {
            true => dir.clone(),
            false => FilePath::root(),
        }
    }

    /// Whether the description tells of the folder that `path` lies in.
    pub fn concerns(&self, path: &FilePath) -> bool {
        path.starts_with(&self.dir)
    }

    /// Whether the description names the file at all, if only under a condition: by its name, by
    /// that of its object, or by the beginning of a name that it completes itself.
    pub fn names(&self, path: &FilePath) -> bool {
        let name = path.file_name();
        let mut spellings =
            vec![name.to_vec(), [path.stem(), b".o"].concat(), [path.stem(), b".lo"].concat()];
        let parts = name.iter().enumerate().filter(|(_, byte)| matches!(byte, b'-' | b'_'));
        for (at, _) in parts {
            let beginning = name.get(..=at).unwrap_or_default();
            spellings.extend(b"@'\"%${".iter().map(|next| [beginning, &[*next]].concat()));
        }
        let is_in = |text: &[u8]| spellings.iter().any(|name| memchr::memmem::find(text, name).is_some());
        self.read.iter().any(|(_, text)| is_in(text))
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

    /// The header that every source begins with, as it is there or is made: what is made may be named as
    /// if it lay among the sources.
    fn beginning(&self, header: &FilePath, tree: &Tree) -> Option<FilePath> {
        let is_made = |path: &&FilePath| self.generated.contains_key(*path);
        let made = FilePath::new(DIR).join(header.as_bytes());
        match tree.get(header) {
            Some(_) => Some(header.clone()),
            None => [&made, header].into_iter().find(is_made).cloned(),
        }
    }

    /// Whether a folder can be searched: it is there, or it or something in it is made.
    fn is_searched(&self, dir: &FilePath, tree: &Tree) -> bool {
        let is_there = tree.dirs.binary_search(dir).is_ok() || self.folders.contains(dir);
        is_there || self.generated.keys().any(|path| path.starts_with(dir))
    }

    /// Says once what all sources are told, and decides what of the manner holds.
    fn settle(&mut self, seen: &Seen<'_>) {
        let mut shared = std::mem::take(&mut self.units).share();
        self.defines = std::mem::take(&mut shared.told.defines);
        self.include_dirs = std::mem::take(&mut shared.told.include_dirs);
        self.manner.take(shared);
        self.manner.settle(seen.memo, seen.tree, &self.generated);
    }
}

/// The project as the reader sees it: what the walk has found, and nothing else.
struct Seen<'a> {
    memo: &'a Memo,
    tree: &'a Tree,
    /// What the compiler says.
    answers: &'a Answers<'a>,
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

impl Seen<'_> {
    /// Notes that `path` was read.
    fn note(&self, path: &FilePath, text: Arc<[u8]>) {
        self.read.borrow_mut().push((path.clone(), text));
    }
}

impl Files for Seen<'_> {
    fn compiles(&self, program: &str, cxx: bool) -> Option<bool> {
        let ask = Ask::Compiles { source: program.to_owned(), run: false, no_link: true };
        let (flags, include_dirs, libraries) = Default::default();
        self.answers.of(&Question { ask, cxx, flags, include_dirs, libraries })
    }

    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
        let read = self.read.borrow();
        if let Some((_, text)) = read.iter().find(|(known, _)| known == path) {
            return Some(text.clone());
        }
        let text = self.is_there(path).then(|| self.memo.text(path).ok()).flatten()?;
        let text: Arc<[u8]> = text.into();
        drop(read);
        self.note(path, text.clone());
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
