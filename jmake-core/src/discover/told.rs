//! What single sources of a library are told, and not all of them.
//!
//! A description tells each of its libraries, and often single sources, macros, folders, first headers
//! and flags of their own.  What all sources are told is said once; the rest stays with the sources
//! that it is meant for, those that are told the same together.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::path::FilePath;

use super::{Category, category_by_name};

/// What the compiler is told for a source: all of it, or what it is told besides what is for all.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// Folders searched for headers, in order, before those for all.
    pub include_dirs: Vec<FilePath>,
    /// Macros, as `NAME` or `NAME=VALUE`, each once; they count instead of those for all.
    pub defines: Vec<String>,
    /// Headers that it begins with, in order, before those for all.
    pub first: Vec<FilePath>,
    /// Flags, after those for all.
    pub flags: Vec<String>,
}

/// Sources that are told the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Own {
    /// They, sorted.
    pub sources: Vec<FilePath>,
    /// What they are told and not all are; it may be nothing.
    pub told: Told,
}

impl Told {
    /// Adds a macro; the first of a name counts.
    pub fn define(&mut self, define: String) {
        if !self.defines.iter().any(|known| name_of(known) == name_of(&define)) {
            self.defines.push(define);
        }
    }

    /// Adds a folder to search, behind the others.
    pub fn search(&mut self, dir: FilePath) {
        if !self.include_dirs.contains(&dir) {
            self.include_dirs.push(dir);
        }
    }

    /// Adds a header to begin with, behind the others.
    pub fn begin_with(&mut self, header: FilePath) {
        if !self.first.contains(&header) {
            self.first.push(header);
        }
    }

    /// All of it, as a compiler is told.
    pub fn arguments(&self) -> Vec<String> {
        let dirs = self.include_dirs.iter().map(|dir| format!("-I{dir}"));
        let defines = self.defines.iter().map(|define| format!("-D{define}"));
        let first = self.first.iter().map(|header| format!("-include {header}"));
        dirs.chain(defines).chain(first).chain(self.flags.iter().cloned()).collect()
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Told::default()
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arguments().join(" "))
    }
}

/// The name of a macro.
pub(super) fn name_of(define: &str) -> &str {
    define.split('=').next().unwrap_or_default()
}

/// The sources of a library, each with all that it is told.
#[derive(Default)]
pub(super) struct Units(Vec<(FilePath, Rc<Told>)>);

/// What the sources of a library have in common, and what they have not.
pub(super) struct Shared {
    /// What all are told; flags are said by language.
    pub told: Told,
    /// The flags for every source of C, and of C++.
    pub flags: [Vec<String>; 2],
    /// Every source, by what it is told alone, in the order of their coming; empty when that is nothing.
    pub own: Vec<Own>,
}

impl Units {
    /// Adds a source; it must be new.
    pub fn tell(&mut self, source: FilePath, told: Rc<Told>) {
        self.0.push((source, told));
    }

    /// Parts what all are told from what only some are.
    pub fn share(&self) -> Shared {
        let all = self.different(None);
        let told = Told {
            include_dirs: common(&all, |told| &told.include_dirs),
            defines: common(&all, |told| &told.defines),
            first: common(&all, |told| &told.first),
            flags: Vec::new(),
        };
        let flags = [Category::CSource, Category::CppSource]
            .map(|language| common(&self.different(Some(language)), |told| &told.flags));
        // Most sources of a library are told the same.
        let mut rests: HashMap<(*const Told, Category), Told> = HashMap::new();
        let own = self.0.iter().map(|(source, whole)| {
            let known = rests.entry((Rc::as_ptr(whole), language(source)));
            let rest = known.or_insert_with(|| rest(whole, &told, flags_of(&flags, source)));
            (source.clone(), rest.clone())
        });
        let own = grouped(own);
        Shared { told, flags, own }
    }

    /// What sources of one language are told, or all, each once.
    fn different(&self, of: Option<Category>) -> Vec<&Told> {
        let mut seen = HashSet::new();
        let all = self.0.iter().filter(|(source, _)| of.is_none_or(|of| language(source) == of));
        let all = all.filter(|(_, told)| seen.insert(Rc::as_ptr(told)));
        all.map(|(_, told)| &**told).collect()
    }
}

/// `sources` by what they are told, in the order of their coming; nothing where none is told anything.
pub(super) fn grouped(sources: impl Iterator<Item = (FilePath, Told)>) -> Vec<Own> {
    let mut places: HashMap<Told, usize> = HashMap::new();
    let mut all: Vec<Own> = Vec::new();
    for (source, told) in sources {
        let at = *places.entry(told).or_insert_with_key(|told| {
            all.push(Own { sources: Vec::new(), told: told.clone() });
            all.len() - 1
        });
        all[at].sources.push(source);
    }
    all.iter_mut().for_each(|own| own.sources.sort());
    if all.iter().all(|own| own.told.is_empty()) { Vec::new() } else { all }
}

/// Of `flags` for C and for C++ those for the language of `source`.
pub(super) fn flags_of<'f>(flags: &'f [Vec<String>; 2], source: &FilePath) -> &'f [String] {
    match language(source) {
        Category::CSource => &flags[0],
        Category::CppSource => &flags[1],
        _ => &[],
    }
}

fn language(source: &FilePath) -> Category {
    category_by_name(source.file_name())
}

/// What every one of `all` lists, in the order of the first.
fn common<T: Clone + PartialEq>(all: &[&Told], list: fn(&Told) -> &Vec<T>) -> Vec<T> {
    let Some((first, rest)) = all.split_first() else { return Vec::new() };
    let in_all = |item: &&T| rest.iter().all(|told| list(told).contains(item));
    list(first).iter().filter(in_all).cloned().collect()
}

/// What of `whole` must be said besides what is `shared` and the `flags` that are.
fn rest(whole: &Told, shared: &Told, flags: &[String]) -> Told {
    let missing = |all: &[String], known: &[String]| -> Vec<String> {
        all.iter().filter(|one| !known.contains(one)).cloned().collect()
    };
    Told {
        include_dirs: before(&whole.include_dirs, &shared.include_dirs),
        defines: missing(&whole.defines, &shared.defines),
        first: before(&whole.first, &shared.first),
        flags: missing(&whole.flags, flags),
    }
}

/// The shortest list that, with what else is `shared` behind it, is `whole`.
pub(super) fn before(whole: &[FilePath], shared: &[FilePath]) -> Vec<FilePath> {
    let is_enough = |count: &usize| {
        let (own, behind) = whole.split_at(*count);
        shared.iter().filter(|one| !own.contains(one)).eq(behind)
    };
    let count = (0..=whole.len()).find(is_enough).unwrap_or(whole.len());
    whole.iter().take(count).cloned().collect()
}

/// How each source is compiled, as far as that is not the same for all: by number.
pub struct Ways<'m> {
    all: Vec<Cow<'m, Told>>,
    by_source: HashMap<&'m FilePath, usize>,
    /// Of each folder above sources of the library how most below it are compiled.
    by_dir: HashMap<FilePath, usize>,
    /// How sources of none are compiled, whose nearest neighbours are compiled like that.
    outside: HashMap<usize, usize>,
}

impl<'m> Ways<'m> {
    /// The ways of `own`, and one for a project in which nothing is said of single sources.
    pub fn new(own: &'m [Own]) -> Ways<'m> {
        let mut counts: HashMap<FilePath, BTreeMap<usize, usize>> = HashMap::new();
        let mut by_source = HashMap::new();
        for (way, own) in own.iter().enumerate() {
            for source in &own.sources {
                by_source.insert(source, way);
                for dir in std::iter::successors(source.parent(), FilePath::parent) {
                    *counts.entry(dir).or_default().entry(way).or_default() += 1;
                }
            }
        }
        let most = |counts: BTreeMap<usize, usize>| {
            // Of equals the first.
            counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(0, |(way, _)| way)
        };
        let by_dir = counts.into_iter().map(|(dir, counts)| (dir, most(counts))).collect();
        let mut all: Vec<Cow<'m, Told>> = own.iter().map(|own| Cow::Borrowed(&own.told)).collect();
        if all.is_empty() {
            all.push(Cow::Owned(Told::default()));
        }
        Ways { all, by_source, by_dir, outside: HashMap::new() }
    }

    /// The number of the way in which `source` is compiled.  One that is in no library is told what most
    /// of its nearest neighbours are, but flags, and sees the folders of all.
    pub fn of(&mut self, source: &FilePath) -> usize {
        if let Some(way) = self.by_source.get(source) {
            return *way;
        }
        let mut dirs = std::iter::successors(source.parent(), FilePath::parent);
        let Some(near) = dirs.find_map(|dir| self.by_dir.get(&dir)).copied() else { return 0 };
        if let Some(way) = self.outside.get(&near) {
            return *way;
        }
        let mut told = Told { flags: Vec::new(), ..self.told(near).clone() };
        for dir in self.all.iter().flat_map(|told| &told.include_dirs) {
            if !told.include_dirs.contains(dir) {
                told.include_dirs.push(dir.clone());
            }
        }
        self.all.push(Cow::Owned(told));
        self.outside.insert(near, self.all.len() - 1);
        self.all.len() - 1
    }

    /// What is told in this way.
    pub fn told(&self, way: usize) -> &Told {
        &self.all[way]
    }
}

/// How many lists of folders are told apart where files are looked for.
const MOST_SIGHTS: usize = 256;

/// The lists of folders that sources see before those for all, each once, and which source sees which.
///
/// Where there are more than any project has, the rest see the folders of all.
pub struct Sights<'m> {
    ways: Ways<'m>,
    lists: Vec<Vec<FilePath>>,
    numbers: HashMap<Vec<FilePath>, usize>,
}

impl<'m> Sights<'m> {
    /// What is seen in these ways.
    pub fn new(ways: Ways<'m>) -> Sights<'m> {
        let mut everything = Told::default();
        let all = ways.all.iter().flat_map(|told| &told.include_dirs);
        all.for_each(|dir| everything.search(dir.clone()));
        let list = everything.include_dirs;
        Sights { ways, numbers: HashMap::from([(list.clone(), 0)]), lists: vec![list] }
    }

    /// The number of the list that `source` sees; that of all folders is 0.
    pub fn of(&mut self, source: &FilePath) -> usize {
        let way = self.ways.of(source);
        let list = &self.ways.told(way).include_dirs;
        if let Some(number) = self.numbers.get(list) {
            return *number;
        }
        if self.lists.len() >= MOST_SIGHTS {
            return 0;
        }
        self.numbers.insert(list.clone(), self.lists.len());
        self.lists.push(list.clone());
        self.lists.len() - 1
    }

    /// The folders that are seen, with `behind` them those for all.
    pub fn folders<'s>(
        &'s self,
        number: usize,
        behind: &'s [FilePath],
    ) -> impl Iterator<Item = &'s FilePath> {
        self.lists[number].iter().chain(behind)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
