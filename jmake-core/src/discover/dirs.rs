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
use super::generated::source_of;
use super::includes::{Finder, counts, facts_of};
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
    /// All files that were come to, sorted.
    pub files: Vec<FilePath>,
    pub problems: Vec<Diagnostic>,
}

/// The wish for a name of all in one folder that include it.
struct Need {
    name: Box<[u8]>,
    /// The first of them, and where.
    from: FilePath,
    line: u32,
    conditional: bool,
    /// How many there are, and how many of these the folders know of.
    times: u64,
    told: u64,
    /// Folders that could answer it, and how near each is.
    dirs: Rc<[(FilePath, u64)]>,
    /// From where it is seen in vain.
    sights: Vec<usize>,
}

/// A folder that could be searched, and how much is to be said for it.
#[derive(Default)]
struct Folder {
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
    /// Their numbers, by those of name and folder and whether they are conditional.
    known: FxHashMap<(usize, usize, bool), usize>,
    /// The numbers of names.
    names: FxHashMap<Box<[u8]>, usize>,
    /// Of each name the files that could answer it.
    candidates: Vec<Rc<[Candidate]>>,
    /// The numbers of folders that include.
    from: FxHashMap<FilePath, usize>,
    folders: BTreeMap<FilePath, Folder>,
    out: Dirs,
}

/// A file that could answer a name.
struct Candidate {
    path: FilePath,
    /// The folder that would have to be searched.
    dir: FilePath,
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
        names: FxHashMap::default(),
        candidates: Vec::new(),
        from: FxHashMap::default(),
        folders: BTreeMap::new(),
        out,
    };
    search.follow(front);
    while let Some(dir) = search.best() {
        search.choose(dir);
    }
    search.give_up();
    let used = search.visited.iter().filter_map(|(path, _)| Some((path.clone(), finder.made(path)?.clone())));
    search.out.generated.extend(used.collect::<Vec<_>>());
    let files: BTreeSet<FilePath> = search.visited.into_iter().map(|(path, _)| path).collect();
    Dirs { files: files.into_iter().collect(), ..search.out }
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
        self.tell_folders();
    }

    /// Lets the folders know of needs that have come up.
    fn tell_folders(&mut self) {
        for (id, need) in self.needs.iter_mut().enumerate() {
            let Some(need) = need.as_mut().filter(|need| need.told < need.times) else { continue };
            let more = need.times - need.told;
            for (dir, near) in need.dirs.iter() {
                let folder = match self.folders.get_mut(dir) {
                    Some(folder) => folder,
                    None => self.folders.entry(dir.clone()).or_default(),
                };
                if need.told == 0 {
                    folder.needs.push(id);
                }
                folder.forced += more * u64::from(need.is_forced());
                folder.score += more * need.score(*near);
            }
            need.told = need.times;
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
        let known = self.known.get(&(name, folder, include.conditional));
        if let Some(need) = known.and_then(|&id| self.needs[id].as_mut()) {
            need.times += 1;
            if !need.sights.contains(&sight) {
                need.sights.push(sight);
            }
            return;
        }
        let standard = include.angled && is_standard(&include.name);
        let candidates = if standard { Rc::default() } else { self.candidates[name].clone() };
        // What lies among the tests or examples is for those alone.
        let fits = |one: &&Candidate| one.only_for.as_ref().is_none_or(|dir| from.starts_with(dir));
        let is_alone = candidates.iter().all(|one| one.path != *from);
        let others = candidates.iter().filter(|one| one.path != *from);
        let dirs: Rc<[(FilePath, u64)]> =
            others.filter(fits).map(|one| (one.dir.clone(), closeness(&one.dir, from))).collect();
        if dirs.is_empty() && self.exports(from, include) {
            return;
        }
        if dirs.is_empty() {
            if !self.out.outside.contains(&*include.name) {
                self.out.outside.insert(include.name.to_vec());
            }
            return;
        }
        // A header that includes another one of its own name wants something else than its neighbours.
        if is_alone {
            self.known.insert((name, folder, include.conditional), self.needs.len());
        }
        self.needs.push(Some(Need {
            name: include.name.clone(),
            from: from.clone(),
            line: include.line,
            conditional: include.conditional,
            times: 1,
            told: 0,
            dirs,
            sights: vec![sight],
        }));
    }

    /// The number of `name`.
    fn number_of(&mut self, name: &[u8]) -> usize {
        if let Some(&known) = self.names.get(name) {
            return known;
        }
        let candidate = |(path, dir): (&FilePath, FilePath)| {
            let only_for = folder_reason(path).map(|(dir, _)| dir);
            Candidate { path: path.clone(), dir, only_for }
        };
        self.candidates.push(self.finder.ending_with(name).map(candidate).collect());
        self.names.insert(name.into(), self.candidates.len() - 1);
        self.candidates.len() - 1
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
    fn best(&self) -> Option<FilePath> {
        let ranked = self.folders.iter().filter_map(|(dir, folder)| {
            let shadows = self.finder.shadowing.contains(dir);
            let forced = folder.forced > 0;
            // Conditional includes alone do not justify the danger of a shadowed header.
            let worth_it = folder.score >= 8 && (forced || !shadows);
            let depth = dir.components().count();
            // Of folders for several kinds of machines each may answer as well as the one that is meant.
            let here = is_for_here(&dir.join("x"));
            worth_it
                .then(|| (!shadows, forced, folder.score, here, has_good_name(dir), Reverse((depth, dir))))
        });
        ranked.max().map(|(.., Reverse((_, dir)))| dir.clone())
    }

    /// Adds `dir` and follows what it answers.
    fn choose(&mut self, dir: FilePath) {
        let ids = self.folders.remove(&dir).unwrap_or_default().needs;
        let answered: Vec<Need> = ids.into_iter().filter_map(|id| self.needs[id].take()).collect();
        for need in &answered {
            for (other, near) in need.dirs.iter() {
                if let Some(folder) = self.folders.get_mut(other) {
                    folder.forced -= need.told * u64::from(need.is_forced());
                    folder.score -= need.told * need.score(*near);
                }
            }
        }
        if self.finder.shadowing.contains(&dir)
            && let Some(need) = answered.first()
        {
            let message = format!(
                "includes `{}` from `{dir}`, which also holds headers named like the system's",
                String::from_utf8_lossy(&need.name)
            );
            let hint = "if a system header goes missing, set `compile.include_dirs` by hand";
            let warning = Diagnostic::warning(message).in_file(&need.from).at_line(need.line as usize);
            self.out.problems.push(warning.hint(hint));
        }
        let mut front = Vec::new();
        for need in &answered {
            let Some(path) = self.finder.at(dir.as_bytes(), &need.name) else { continue };
            front.extend(need.sights.iter().map(|sight| (path.clone(), *sight)));
        }
        self.out.chosen.push(dir);
        front.retain(|seen| self.visited.insert(seen.clone()));
        self.follow(front);
    }

    /// Names whose folders are not worth searching count as not answered.
    fn give_up(&mut self) {
        for need in std::mem::take(&mut self.needs).into_iter().flatten() {
            self.out.outside.insert(need.name.into());
        }
    }
}

impl Need {
    /// Whether it leaves no choice.  A name that several folders can answer is often answered by
    /// one that is chosen for another reason.
    fn is_forced(&self) -> bool {
        self.dirs.len() == 1 && !self.conditional
    }

    /// What it says for a folder that is so `near`.
    fn score(&self, near: u64) -> u64 {
        near * if self.conditional { 1 } else { 8 }
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
