//! Finding files of the tree by how they are included.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::generate::{Form, Generated};
use crate::lex::{self, Facts, Include, Kind};
use crate::memo::Memo;
use crate::path::FilePath;

use super::Tree;
use crate::standard::is_standard;

/// Finds files of the tree by how they are included.
pub(super) struct Finder<'t> {
    /// All files, sorted by their paths read backwards: those with one ending stand together.
    by_end: Vec<&'t FilePath>,
    /// Where in that those of one name stand.
    by_name: FxHashMap<&'t [u8], Range<usize>>,
    /// All files whose name many have, by path.
    by_path: FxHashMap<&'t [u8], &'t FilePath>,
    /// Folders that hold a file named like a header of the system.
    pub shadowing: HashSet<FilePath>,
    /// Headers that could be made.
    made: &'t BTreeMap<FilePath, Generated>,
}

impl<'t> Finder<'t> {
    /// Finds files of `tree` and headers that could be `made`.
    pub fn new(tree: &'t Tree, made: &'t BTreeMap<FilePath, Generated>) -> Finder<'t> {
        let mut by_end: Vec<&FilePath> =
            tree.files.iter().map(|file| &file.path).chain(made.keys()).collect();
        by_end.par_sort_unstable_by(|a, b| backwards(a.as_bytes()).cmp(backwards(b.as_bytes())));
        let named_so = by_end.iter().filter(|path| is_standard(path.file_name()));
        let shadowing = named_so.filter_map(|path| path.parent()).collect();
        let mut by_name = FxHashMap::default();
        let mut by_path = FxHashMap::default();
        let mut at = 0;
        for alike in by_end.chunk_by(|a, b| a.file_name() == b.file_name()) {
            by_name.insert(alike[0].file_name(), at..at + alike.len());
            at += alike.len();
            if alike.len() > FEW {
                by_path.extend(alike.iter().map(|path| (path.as_bytes(), *path)));
            }
        }
        Finder { by_end, by_name, by_path, shadowing, made }
    }

    /// The header to be made at `path`.
    pub fn made(&self, path: &FilePath) -> Option<&'t Generated> {
        self.made.get(path)
    }

    /// The file in which the text of `path` can be read: of a header that is yet to be made, its
    /// template.
    pub fn text_of<'p>(&'p self, path: &'p FilePath) -> &'p FilePath {
        self.made.get(path).map_or(path, |made| &made.from)
    }

    /// What the text at `path` says, or will say once it is made.
    pub fn facts_of(&self, memo: &Memo, path: &FilePath) -> Arc<Facts> {
        match self.made.get(path) {
            Some(Generated { form: Form::Text(text), .. }) => Arc::new(lex::scan(text.as_bytes())),
            Some(made) if !made.has_template() => Arc::default(),
            _ => memo.facts(self.text_of(path)).unwrap_or_default(),
        }
    }

    /// The file that `include` of `from` leads to.
    pub fn find<'d>(
        &self,
        from: &FilePath,
        include: &Include,
        dirs: impl IntoIterator<Item = &'d FilePath>,
    ) -> Option<&'t FilePath> {
        let named = self.named(&include.name)?;
        let next = include.kind == Kind::IncludeNext;
        let beside = || (!include.angled && !next).then(|| named.within(from.parent_bytes()))?;
        let in_dirs = || {
            let mut found = dirs.into_iter().filter_map(|dir| named.within(dir.as_bytes()));
            // `#include_next` goes on behind the folder its own file was found in.
            found.find(|path| !next || *path != from)
        };
        beside().or_else(in_dirs)
    }

    /// The file that `include` of `from` leads to from the folder of that or one above it.
    pub fn find_above(&self, from: &FilePath, include: &Include) -> Option<&'t FilePath> {
        let named = self.named(&include.name)?;
        let next = include.kind == Kind::IncludeNext;
        let dirs = std::iter::successors(Some(from.parent_bytes()), |dir| match dir {
            [] => None,
            dir => Some(dir.iter().rposition(|&b| b == b'/').map_or(&[][..], |at| &dir[..at])),
        });
        let mut found = dirs.filter_map(|dir| named.within(dir));
        found.find(|path| !next || *path != from)
    }

    /// The file beside `from` that a name in quotes leads to.
    pub fn beside(&self, from: &FilePath, include: &Include) -> Option<&'t FilePath> {
        let is_sought = !include.angled && include.kind != Kind::IncludeNext;
        is_sought.then(|| self.at(from.parent_bytes(), &include.name))?
    }

    /// The file `name` in `dir`, if the tree has it.
    pub fn at(&self, dir: &[u8], name: &[u8]) -> Option<&'t FilePath> {
        self.named(name)?.within(dir)
    }

    /// Whether more than one file may answer `name`.
    pub fn has_several(&self, name: &[u8]) -> bool {
        self.named(name).is_some_and(|named| named.files.len() != 1)
    }

    /// The files that `name` could lead to, by its last component; `None` when there are none.
    fn named<'f, 'n>(&'f self, name: &'n [u8]) -> Option<Named<'f, 't, 'n>> {
        let last = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let files = match last {
            // What these lead to only the whole path tells.
            b"" | b"." | b".." => &[][..],
            last => self.by_end.get(self.by_name.get(last)?.clone())?,
        };
        Some(Named { finder: self, name, files })
    }

    /// The files whose path ends with `name`, and for each the folder that remains.
    pub fn ending_with<'s>(&'s self, name: &'s [u8]) -> impl Iterator<Item = (&'t FilePath, FilePath)> + 's {
        let end = |path: &FilePath| backwards(path.as_bytes()).take(name.len()).cmp(backwards(name));
        let from = self.by_end.partition_point(|path| end(path).is_lt());
        let with_end = self.by_end[from..].iter().take_while(move |path| end(path).is_eq());
        with_end.filter_map(|&path| match &path.as_bytes()[..path.as_bytes().len() - name.len()] {
            [] => Some((path, FilePath::root())),
            [dir @ .., b'/'] => Some((path, FilePath::new(dir))),
            _ => None,
        })
    }
}

/// A name and the files of the tree that have its last component.
struct Named<'f, 't, 'n> {
    finder: &'f Finder<'t>,
    name: &'n [u8],
    files: &'f [&'t FilePath],
}

impl<'t> Named<'_, 't, '_> {
    /// The file that the name leads to from `dir`.
    fn within(&self, dir: &[u8]) -> Option<&'t FilePath> {
        // This is asked for every include and folder: mostly no path need be put together.
        if self.files.len() <= FEW {
            let found = self.files.iter().find(|path| is_joined(path.as_bytes(), dir, self.name));
            if found.is_some() {
                return found.copied();
            }
            if is_plain(self.name) && (dir.is_empty() || is_plain(dir)) {
                return None;
            }
        }
        let path = without_dots(&FilePath::new(dir).join(self.name))?;
        let named = self.finder.by_end.get(self.finder.by_name.get(path.file_name())?.clone())?;
        match named.len() > FEW {
            true => self.finder.by_path.get(path.as_bytes()).copied(),
            false => named.iter().find(|known| ***known == path).copied(),
        }
    }
}

/// The bytes from the last to the first.  What ends a name comes before what goes on with it, so
/// that in this order those of one name stand together.
fn backwards(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().rev().map(|&b| if b == b'/' { 0 } else { b })
}

/// How many files of one name are looked at one after the other.
const FEW: usize = 8;

/// Whether `path` is `dir/name`.
fn is_joined(path: &[u8], dir: &[u8], name: &[u8]) -> bool {
    match path.strip_suffix(name) {
        Some([]) => dir.is_empty(),
        Some([before @ .., b'/']) => before == dir,
        _ => false,
    }
}

/// Whether cleaning leaves `path` as it is: no part of it is empty, `.` or `..`.
fn is_plain(path: &[u8]) -> bool {
    path.split(|&b| b == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// `path` with each `..` taken back, which is right as long as no link to a folder stands before
/// one; `None` when it leaves the root.
pub fn without_dots(path: &FilePath) -> Option<FilePath> {
    if !path.as_bytes().windows(2).any(|pair| pair == b"..") {
        return Some(path.clone());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.components() {
        match part {
            b".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(FilePath::new(parts.join(&b'/')))
}

/// Whether an include can bring a file into a compile.
pub(super) fn counts(include: &Include) -> bool {
    !include.dead && include.kind != Kind::HasInclude
}

/// Facts of `paths`, in their order; `None` where a file cannot be read.
pub(super) fn facts_of(memo: &Memo, paths: &[FilePath]) -> Vec<Option<Arc<Facts>>> {
    paths.par_iter().map(|path| memo.facts(path).ok()).collect()
}

#[cfg(test)]
mod tests;
