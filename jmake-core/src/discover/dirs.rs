//! Which folders to search for included files.
//!
//! Only includes that must resolve ask for a folder, and each asked-for name is answered by as few
//! folders as possible.  A folder is never taken merely because it holds headers: its `time.h` or
//! `types.h` would shadow the system's for every unit.
//!
//! The method: follow the includes from the chosen sources on.  A name that is found neither
//! beside its includer nor in a folder already chosen becomes a *need*, with every folder that
//! could answer it.  Then, repeatedly, the folder that answers most needs best is chosen, and the
//! files it lets in are followed in turn.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::event::Diagnostic;
use crate::generate::{DIR, Form, Generated, export_word};
use crate::lex::{Facts, Include};
use crate::memo::Memo;
use crate::path::FilePath;

use super::elsewhere::is_for_here;
use super::finder::{Finder, counts, facts_of};
use super::generated::source_of;
use super::reasons::folder_reason;
use super::told::{Sights, Ways};
use crate::standard::is_standard;

/// The folders chosen and the names nothing answers.
#[derive(Default)]
pub(super) struct Dirs {
    /// In the order to search them.
    pub chosen: Vec<FilePath>,
    /// Included names that no file of the tree answers.
    pub outside: BTreeSet<Vec<u8>>,
    /// Macros about headers that the files ask for, and that they define.
    pub asks: BTreeSet<Box<[u8]>>,
    pub answers: BTreeSet<Box<[u8]>>,
    /// Headers that must be made.
    pub generated: BTreeMap<FilePath, Generated>,
    /// All files that were come to, in no order.
    pub files: Vec<FilePath>,
    pub problems: Vec<Diagnostic>,
}

/// The wish for a name of all that include it, or of those in one folder.
struct Need {
    /// The number of the name.
    name: usize,
    /// The first of them, and where.
    from: FilePath,
    line: u32,
    conditional: bool,
    /// The numbers of folders that could answer it, and what it says for each.
    dirs: Box<[(usize, u64)]>,
    /// From where it is seen in vain.
    sights: Vec<usize>,
}

/// The number of a folder that could answer a need, and how near it is.
type Answer = (usize, u64);

/// A folder that could be searched, and how much is to be said for it.
struct Folder {
    dir: FilePath,
    /// The needs it answers, open or not.
    needs: Vec<usize>,
    /// How many open unconditional needs it alone can answer.
    forced: u64,
    /// How well it answers the open needs.
    score: u64,
}

struct Search<'a> {
    memo: &'a Memo,
    finder: &'a Finder<'a>,
    sights: Sights<'a>,
    /// Files, each with the number of the folders that it sees.
    visited: FxHashSet<(FilePath, usize)>,
    /// All needs so far; those that were answered are gone.
    needs: Vec<Option<Need>>,
    /// Their numbers, by those of the name and, unless all folders ask alike, of the folder that asks, and
    /// whether they are conditional.
    known: FxHashMap<(usize, Option<usize>, bool), usize>,
    /// Names that are included, and their numbers.
    names: Vec<Name>,
    numbers: FxHashMap<Rc<[u8]>, usize>,
    /// The numbers of folders that include.
    from: FxHashMap<FilePath, usize>,
    /// Folders that could be searched, and their numbers.
    folders: Vec<Folder>,
    by_dir: FxHashMap<FilePath, usize>,
    /// The numbers of lists of folders that could answer a name.
    lists: FxHashMap<Vec<usize>, usize>,
    /// How near the folders of a list are to a folder that includes.
    near: FxHashMap<(usize, usize), Rc<[Answer]>>,
    out: Dirs,
}

/// A name that is included.
struct Name {
    name: Rc<[u8]>,
    /// The files that could answer it.
    candidates: Vec<Candidate>,
    /// The number of the list of their folders, if they are for all.
    list: Option<usize>,
}

/// A file that could answer a name.
struct Candidate {
    path: FilePath,
    /// The number of the folder that would have to be searched.
    dir: usize,
    /// The folder of tests or examples that it lies in, for which alone it is.
    only_for: Option<FilePath>,
}

/// Works out the folders that let `sources` find what they include.
///
/// Those that are `given` come first, whether they are needed or not; before these, each source sees
/// those of its own way.  What is added is for all.
pub(super) fn include_dirs(
    memo: &Memo,
    finder: &Finder<'_>,
    given: Vec<FilePath>,
    ways: Ways<'_>,
    sources: &[FilePath],
) -> Dirs {
    let mut sights = Sights::new(ways);
    let front: Vec<(FilePath, usize)> = sources.iter().map(|path| (path.clone(), sights.of(path))).collect();
    let out = Dirs { chosen: given, ..Dirs::default() };
    let mut search = Search {
        memo,
        finder,
        sights,
        visited: front.iter().cloned().collect(),
        needs: Vec::new(),
        known: FxHashMap::default(),
        names: Vec::new(),
        numbers: FxHashMap::default(),
        from: FxHashMap::default(),
        folders: Vec::new(),
        by_dir: FxHashMap::default(),
        lists: FxHashMap::default(),
        near: FxHashMap::default(),
        out,
    };
    search.follow(front);
    while let Some(dir) = search.best() {
        search.choose(dir);
    }
    search.give_up();
    let used = search.visited.iter().filter_map(|(path, _)| Some((path.clone(), finder.made(path)?.clone())));
    search.out.generated.extend(used.collect::<Vec<_>>());
    Dirs { files: search.visited.into_iter().map(|(path, _)| path).collect(), ..search.out }
}

impl Search<'_> {
    /// Reads `front` and everything it leads to with the folders chosen so far.
    fn follow(&mut self, mut front: Vec<(FilePath, usize)>) {
        while !front.is_empty() {
            let texts: Vec<FilePath> =
                front.iter().map(|(path, _)| self.finder.text_of(path).clone()).collect();
            let facts = facts_of(self.memo, &texts);
            let (finder, sights, chosen) = (self.finder, &self.sights, &self.out.chosen);
            let find = |((from, sight), facts): (&(FilePath, usize), &Option<Arc<Facts>>)| {
                let includes = facts.iter().flat_map(|facts| &facts.includes).filter(|one| counts(one));
                let find = |one| finder.find(from, one, sights.folders(*sight, chosen));
                includes.map(find).collect::<Vec<Option<&FilePath>>>()
            };
            let found: Vec<_> = front.par_iter().zip(&facts).map(find).collect();
            let mut next = Vec::new();
            for (((from, sight), facts), found) in front.iter().zip(facts).zip(found) {
                if let Some(Form::Lines { names, .. }) = self.finder.made(from).map(|made| &made.form) {
                    // It includes nothing.
                    self.out.answers.extend(names.keys().map(|name| name.as_bytes().into()));
                    continue;
                }
                let Some(facts) = facts else { continue };
                self.out.asks.extend(facts.asks.iter().cloned());
                self.out.answers.extend(facts.answers.iter().cloned());
                let folder = self.folder_of(from);
                for (include, found) in facts.includes.iter().filter(|one| counts(one)).zip(found) {
                    let found = found.cloned().or_else(|| self.climbed(from, include));
                    match found.map(|path| (path, *sight)) {
                        Some(seen) if self.visited.contains(&seen) => {}
                        Some(seen) => {
                            self.visited.insert(seen.clone());
                            next.push(seen);
                        }
                        None => self.need(from, folder, include, *sight),
                    }
                }
            }
            front = next;
        }
    }

    /// The number of the folder that `from` lies in.
    fn folder_of(&mut self, from: &FilePath) -> usize {
        if let Some(&known) = self.from.get(from.parent_bytes()) {
            return known;
        }
        let number = self.from.len();
        self.from.insert(from.parent().unwrap_or_else(FilePath::root), number);
        number
    }

    /// Notes that `from`, which lies in the folder of that number, wants `include`.
    fn need(&mut self, from: &FilePath, folder: usize, include: &Include, sight: usize) {
        let name = self.number_of(&include.name);
        let standard = include.angled && is_standard(&include.name);
        // A header that includes another one of its own name wants something else than its neighbours.
        let is_alone = self.names[name].candidates.iter().all(|one| one.path != *from);
        let dirs = if standard { Rc::default() } else { self.near(name, from, folder, is_alone) };
        if dirs.is_empty() && self.exports(from, include) {
            return;
        }
        if dirs.is_empty() {
            if !self.out.outside.contains(&*include.name) {
                self.out.outside.insert(include.name.to_vec());
            }
            return;
        }
        let by = if self.names[name].list.is_some() { None } else { Some(folder) };
        let key = (name, by, include.conditional);
        let known = self.known.get(&key).copied().filter(|&id| is_alone && self.needs[id].is_some());
        let id = known.unwrap_or_else(|| self.open(name, from, include, &dirs));
        if is_alone && known.is_none() {
            self.known.insert(key, id);
        }
        let Some(need) = &mut self.needs[id] else { return };
        if !need.sights.contains(&sight) {
            need.sights.push(sight);
        }
        let weight = need.weight();
        for ((dir, says), (_, near)) in need.dirs.iter_mut().zip(dirs.iter()) {
            *says += near * weight;
            self.folders[*dir].score += near * weight;
        }
        if need.is_forced() {
            self.folders[need.dirs[0].0].forced += 1;
        }
    }

    /// The number of a need that has come up.
    fn open(&mut self, name: usize, from: &FilePath, include: &Include, dirs: &[Answer]) -> usize {
        let id = self.needs.len();
        dirs.iter().for_each(|&(dir, _)| self.folders[dir].needs.push(id));
        self.needs.push(Some(Need {
            name,
            from: from.clone(),
            line: include.line,
            conditional: include.conditional,
            dirs: dirs.iter().map(|&(dir, _)| (dir, 0)).collect(),
            sights: Vec::new(),
        }));
        id
    }

    /// The folders that could answer the name of that number to `from`, which lies in a folder of that number
    /// and may itself have that name.
    fn near(&mut self, name: usize, from: &FilePath, folder: usize, is_alone: bool) -> Rc<[Answer]> {
        let Name { candidates, list, .. } = &self.names[name];
        let key = list.filter(|_| is_alone).map(|list| (list, folder));
        if let Some(known) = key.and_then(|key| self.near.get(&key)) {
            return known.clone();
        }
        // What lies among the tests or examples is for those alone.
        let fits = |one: &&Candidate| one.only_for.as_ref().is_none_or(|dir| from.starts_with(dir));
        let others = candidates.iter().filter(|one| one.path != *from).filter(fits);
        let near: Rc<[Answer]> =
            others.map(|one| (one.dir, closeness(&self.folders[one.dir].dir, from))).collect();
        if let Some(key) = key {
            self.near.insert(key, near.clone());
        }
        near
    }

    /// The number of `name`.
    fn number_of(&mut self, name: &[u8]) -> usize {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let mut candidates = Vec::new();
        for (path, dir) in self.finder.ending_with(name) {
            let only_for = folder_reason(path).map(|(dir, _)| dir);
            candidates.push(Candidate { path: path.clone(), dir: self.number_of_dir(dir), only_for });
        }
        let is_for_all = candidates.iter().all(|one| one.only_for.is_none());
        let list = is_for_all.then(|| {
            let dirs = candidates.iter().map(|one| one.dir).collect();
            let next = self.lists.len();
            *self.lists.entry(dirs).or_insert(next)
        });
        let name: Rc<[u8]> = name.into();
        self.names.push(Name { name: name.clone(), candidates, list });
        self.numbers.insert(name, self.names.len() - 1);
        self.names.len() - 1
    }

    /// The number of a folder that could be searched.
    fn number_of_dir(&mut self, dir: FilePath) -> usize {
        *self.by_dir.entry(dir).or_insert_with_key(|dir| {
            self.folders.push(Folder { dir: dir.clone(), needs: Vec::new(), forced: 0, score: 0 });
            self.folders.len() - 1
        })
    }

    /// The header, yet to be made, that a name such as `../config.h` leads to from the folder of `from`:
    /// the same steps lead there from the folder that stands for it among what is made.
    fn climbed(&mut self, from: &FilePath, include: &Include) -> Option<FilePath> {
        if include.angled || !include.name.starts_with(b"../") || self.finder.made(from).is_some() {
            return None;
        }
        let dir = FilePath::new(DIR).join(from.parent_bytes());
        let path = self.finder.at(dir.as_bytes(), &include.name)?;
        self.finder.made(path)?;
        if !self.out.chosen.contains(&dir) {
            self.out.chosen.push(dir);
        }
        Some(path.clone())
    }

    /// Whether it is the name of a header that marks what a library shows, which any build can make.
    fn exports(&mut self, from: &FilePath, include: &Include) -> bool {
        let Some(word) = export_word(&include.name).filter(|_| !include.conditional) else { return false };
        let dir = FilePath::new(DIR).join("export");
        let path = dir.join(&include.name);
        let made = Generated { path: path.clone(), from: from.clone(), form: Form::Export(word) };
        self.out.generated.entry(path).or_insert(made);
        if !self.out.chosen.contains(&dir) {
            self.out.chosen.push(dir);
        }
        true
    }

    /// The folder that answers most needs best, if any is worth searching.
    fn best(&self) -> Option<usize> {
        let ranked = self.folders.iter().enumerate().filter_map(|(number, folder)| {
            let dir = &folder.dir;
            let shadows = self.finder.shadowing.contains(dir);
            let forced = folder.forced > 0;
            // Conditional includes alone do not justify the danger of a shadowed header.
            let worth_it = folder.score >= 8 && (forced || !shadows);
            let depth = dir.components().count();
            // Of folders for several kinds of machines each may answer as well as the one that is meant.
            let here = is_for_here(&dir.join("x"));
            let rank = (!shadows, forced, folder.score, here, has_good_name(dir), Reverse((depth, dir)));
            worth_it.then_some((rank, number))
        });
        ranked.max().map(|(_, number)| number)
    }

    /// Adds the folder of that number and follows what it answers.
    fn choose(&mut self, number: usize) {
        let folder = &mut self.folders[number];
        let dir = folder.dir.clone();
        (folder.forced, folder.score) = (0, 0);
        let ids = std::mem::take(&mut folder.needs);
        let answered: Vec<Need> = ids.into_iter().filter_map(|id| self.needs[id].take()).collect();
        for need in &answered {
            // A need that leaves no choice has no other.
            for &(other, says) in need.dirs.iter().filter(|(other, _)| *other != number) {
                self.folders[other].score -= says;
            }
        }
        if self.finder.shadowing.contains(&dir)
            && let Some(need) = answered.first()
        {
            let message = format!(
                "includes `{}` from `{dir}`, which also holds headers named like the system's",
                String::from_utf8_lossy(&self.names[need.name].name)
            );
            let hint = "if a system header goes missing, set `compile.include_dirs` by hand";
            let warning = Diagnostic::warning(message).in_file(&need.from).at_line(need.line as usize);
            self.out.problems.push(warning.hint(hint));
        }
        let mut front = Vec::new();
        for need in &answered {
            let Some(path) = self.finder.at(dir.as_bytes(), &self.names[need.name].name) else { continue };
            front.extend(need.sights.iter().map(|sight| (path.clone(), *sight)));
        }
        self.out.chosen.push(dir);
        front.retain(|seen| self.visited.insert(seen.clone()));
        self.follow(front);
    }

    /// Names whose folders are not worth searching count as not answered.
    fn give_up(&mut self) {
        for need in std::mem::take(&mut self.needs).into_iter().flatten() {
            self.out.outside.insert(self.names[need.name].name.to_vec());
        }
    }
}

impl Need {
    /// Whether it leaves no choice.  A name that several folders can answer is often answered by
    /// one that is chosen for another reason.
    fn is_forced(&self) -> bool {
        self.dirs.len() == 1 && !self.conditional
    }

    /// How much each wish counts.
    fn weight(&self) -> u64 {
        if self.conditional { 1 } else { 8 }
    }
}

/// How near `dir` is to what includes from it: 8 and more when it is above it or beside one that
/// is above it, less with each step away.
pub(super) fn closeness(dir: &FilePath, from: &FilePath) -> u64 {
    let dir = &source_of(dir);
    let above = |dir: &FilePath| from.starts_with(dir);
    if above(dir) {
        return 8 + u64::from(has_good_name(dir));
    }
    if has_good_name(dir) && dir.parent().is_some_and(|parent| above(&parent)) {
        return 10;
    }
    let shared = dir.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let away = dir.components().count() - shared;
    6u64.saturating_sub(away as u64).max(1)
}

/// Whether a folder's name says that it is searched; the root's is as good.
fn has_good_name(dir: &FilePath) -> bool {
    dir.is_root()
        || matches!(dir.file_name(), b"include" | b"inc" | b"includes" | b"src" | b"source" | b"headers")
}
