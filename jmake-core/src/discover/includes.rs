//! The graph of includes within the tree.
//!
//! It is made by the directive scan, before any compiler runs, so it holds every include that is
//! not certainly dead, whatever its conditions: more than one compile would see.  Depfiles say
//! what a compile did see, and [`super::opened`] adds that; this graph serves discovery, `jmake
//! graph` and guesses.
//!
//! Nothing here recurses: a chain of includes may be as long as the tree has files.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::codec::{Reader, Writer};
use crate::generate::{Form, Generated};
use crate::lex::{self, Facts, Include, Kind};
use crate::memo::Memo;
use crate::path::FilePath;

use super::generated::from_templates;
use super::opened::Known;
use super::told::{Own, Sights, Ways};
use super::{Category, Tree};
use crate::standard::is_standard;

/// An included name that no file of the tree answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unresolved {
    /// The name as it is spelled.
    pub name: Box<[u8]>,
    /// Whether in angle brackets.
    pub angled: bool,
    /// The line, from 1.
    pub line: u32,
}

impl Unresolved {
    fn of(include: &Include) -> Unresolved {
        Unresolved { name: include.name.clone(), angled: include.angled, line: include.line }
    }
}

#[derive(Clone, Default)]
pub(super) struct Node {
    pub includes: Vec<usize>,
    pub included_by: Vec<usize>,
    /// Files of which it only asks whether they are there.
    pub asks: Vec<usize>,
    pub unresolved: Vec<Unresolved>,
    /// How each of `includes` is known, once compiles have been looked at.
    pub known: Vec<Known>,
    /// Whether some compile opened it.
    pub opened: bool,
}

/// Which file includes which.
pub struct IncludeGraph {
    pub(super) files: Vec<FilePath>,
    pub(super) nodes: Vec<Node>,
    /// The sets of files that include one another, once they have been asked for.
    groups: OnceLock<Vec<Vec<usize>>>,
}

impl IncludeGraph {
    /// All files: sources, headers, and whatever they include; sorted.
    pub fn files(&self) -> &[FilePath] {
        &self.files
    }

    /// The files that `file` includes, each once, in the order of its directives.
    pub fn includes(&self, file: &FilePath) -> impl Iterator<Item = &FilePath> {
        self.node(file).into_iter().flat_map(|node| &node.includes).map(|&id| &self.files[id])
    }

    /// The files that include `file`, sorted.
    pub fn included_by(&self, file: &FilePath) -> impl Iterator<Item = &FilePath> {
        self.node(file).into_iter().flat_map(|node| &node.included_by).map(|&id| &self.files[id])
    }

    /// What `file` includes and nothing in the tree answers.
    pub fn unresolved(&self, file: &FilePath) -> &[Unresolved] {
        self.node(file).map_or(&[], |node| &node.unresolved)
    }

    /// Every name that nothing in the tree answers, sorted, each once.
    pub fn unanswered(&self) -> impl Iterator<Item = String> {
        let names: BTreeSet<&[u8]> =
            self.nodes.iter().flat_map(|node| &node.unresolved).map(|include| &*include.name).collect();
        names.into_iter().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// All files, each after those it includes; files that include one another stand next to each
    /// other.
    pub fn order(&self) -> impl Iterator<Item = &FilePath> {
        self.groups().iter().flatten().map(|&id| &self.files[id])
    }

    /// The sets of files that include one another, and files that include themselves.
    pub fn cycles(&self) -> impl Iterator<Item = Vec<&FilePath>> {
        let is_cycle =
            |group: &&Vec<usize>| group.len() > 1 || self.nodes[group[0]].includes.contains(&group[0]);
        self.groups().iter().filter(is_cycle).map(|group| group.iter().map(|&id| &self.files[id]).collect())
    }

    pub(super) fn node(&self, file: &FilePath) -> Option<&Node> {
        self.files.binary_search(file).ok().map(|id| &self.nodes[id])
    }

    /// The graph of `nodes`, which belong to the sorted `files`.
    pub(super) fn of(files: Vec<FilePath>, nodes: Vec<Node>) -> IncludeGraph {
        IncludeGraph { files, nodes, groups: OnceLock::new() }
    }

    fn groups(&self) -> &[Vec<usize>] {
        self.groups.get_or_init(|| groups(&self.nodes))
    }

    /// Appends the graph to `out`, but for what compiles have added to it.
    pub fn encode(&self, out: &mut Writer) {
        out.uint(self.files.len() as u64);
        for (path, node) in self.files.iter().zip(&self.nodes) {
            out.bytes(path.as_bytes());
            for list in [&node.includes, &node.asks] {
                out.uint(list.len() as u64);
                list.iter().for_each(|&id| out.uint(id as u64));
            }
            out.uint(node.unresolved.len() as u64);
            for one in &node.unresolved {
                out.bytes(&one.name);
                out.uint(u64::from(one.line) << 1 | u64::from(one.angled));
            }
        }
    }

    /// Takes what [`IncludeGraph::encode`] wrote.
    pub fn decode(from: &mut Reader<'_>) -> Option<IncludeGraph> {
        let count: usize = from.int()?;
        let (mut files, mut nodes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            files.push(FilePath::new(from.bytes()?));
            let mut ids = || {
                let ids = (0..from.uint()?).map(|_| from.int::<usize>().filter(|&id| id < count));
                ids.collect::<Option<Vec<usize>>>()
            };
            let (includes, asks) = (ids()?, ids()?);
            let mut node = Node { includes, asks, ..Node::default() };
            for _ in 0..from.uint()? {
                let name = from.bytes()?.into();
                let rest = from.uint()?;
                let line = u32::try_from(rest >> 1).ok()?;
                node.unresolved.push(Unresolved { name, angled: rest & 1 == 1, line });
            }
            nodes.push(node);
        }
        for id in 0..count {
            for at in 0..nodes[id].includes.len() {
                let to = nodes[id].includes[at];
                nodes[to].included_by.push(id);
            }
        }
        Some(IncludeGraph::of(files, nodes))
    }
}

/// What the directives of one file come to, in paths of the tree or of headers to be made.
#[derive(Default)]
struct Scanned<'t> {
    /// By directive.
    includes: Vec<Result<&'t FilePath, Unresolved>>,
    /// What they lead to for others.
    others: Vec<&'t FilePath>,
    asks: Vec<&'t FilePath>,
}

impl<'t> Scanned<'t> {
    /// Adds what the same directives come to for another source.
    fn add(&mut self, other: Scanned<'t>) {
        for (known, one) in self.includes.iter_mut().zip(other.includes) {
            match (&known, one) {
                (Err(_), Ok(path)) => *known = Ok(path),
                (Ok(same), Ok(path)) if *same != path => self.others.push(path),
                _ => {}
            }
        }
        for path in other.asks {
            if !self.asks.contains(&path) {
                self.asks.push(path);
            }
        }
    }
}

/// The graph of includes of the tree's sources and headers.  A name in quotes is searched for
/// beside its includer first; then, as one in angle brackets, in `include_dirs` in order.
pub fn walk_ast_dependencies(memo: &Memo, tree: &Tree, include_dirs: &[FilePath]) -> IncludeGraph {
    include_graph(memo, tree, &[], include_dirs, &[])
}

/// The same, where `generated` headers are made besides those that the tree has templates of, and
/// some sources have folders of their `own`.  What a header includes is what it does for any of them.
pub fn include_graph(
    memo: &Memo,
    tree: &Tree,
    generated: &[Generated],
    include_dirs: &[FilePath],
    own: &[Own],
) -> IncludeGraph {
    let mut made = from_templates(tree);
    made.extend(generated.iter().map(|header| (header.path.clone(), header.clone())));
    let finder = Finder::new(tree, &made);
    let mut sights = Sights::new(Ways::new(own));
    let of = |is: fn(Category) -> bool| tree.files.iter().filter(move |file| is(file.category));
    let sources: Vec<Seen<'_>> =
        of(Category::is_source).map(|file| (&file.path, sights.of(&file.path))).collect();
    let mut looking = Looking {
        memo,
        finder: &finder,
        sights,
        include_dirs,
        known: FxHashSet::default(),
        scanned: Vec::new(),
    };
    looking.follow(sources);
    // A header that no source leads to is seen from everywhere.
    let reached: FxHashSet<&FilePath> = looking.known.iter().map(|(path, _)| *path).collect();
    let headers = of(Category::is_header).map(|file| (&file.path, 0));
    let headers = headers.filter(|(path, _)| !reached.contains(path)).collect();
    looking.follow(headers);
    build(together(looking.scanned))
}

/// A file, and the number of the folders that it sees.
type Seen<'t> = (&'t FilePath, usize);

/// Following includes from file to file.
struct Looking<'t, 'a> {
    memo: &'a Memo,
    finder: &'a Finder<'t>,
    sights: Sights<'a>,
    include_dirs: &'a [FilePath],
    known: FxHashSet<Seen<'t>>,
    scanned: Vec<(&'t FilePath, Scanned<'t>)>,
}

impl<'t> Looking<'t, '_> {
    /// Reads `front` and everything it leads to.
    fn follow(&mut self, mut front: Vec<Seen<'t>>) {
        self.known.extend(front.iter().copied());
        while !front.is_empty() {
            let found: Vec<Scanned<'_>> = front.par_iter().map(|seen| self.scan(seen)).collect();
            let mut next = Vec::new();
            for ((_, sight), scanned) in front.iter().zip(&found) {
                // Files of any extension may be included, and include in turn.
                let includes = scanned.includes.iter().filter_map(|one| one.as_ref().ok());
                next.extend(includes.map(|path| (*path, *sight)).filter(|seen| self.known.insert(*seen)));
            }
            let done = std::mem::replace(&mut front, next).into_iter().map(|(path, _)| path);
            self.scanned.extend(done.zip(found));
        }
    }

    fn scan(&self, (path, sight): &Seen<'t>) -> Scanned<'t> {
        let facts = self.finder.facts_of(self.memo, path);
        let find = |include| self.finder.find(path, include, self.sights.folders(*sight, self.include_dirs));
        let asked = facts.includes.iter().filter(|include| include.kind == Kind::HasInclude);
        let live = facts.includes.iter().filter(|include| counts(include));
        Scanned {
            includes: live.map(|one| find(one).ok_or_else(|| Unresolved::of(one))).collect(),
            others: Vec::new(),
            asks: asked.filter_map(find).collect(),
        }
    }
}

/// Each file once: what it includes is what it does for any who see it.
fn together<'t>(mut scanned: Vec<(&'t FilePath, Scanned<'t>)>) -> Vec<(&'t FilePath, Scanned<'t>)> {
    scanned.par_sort_by_key(|(path, _)| *path);
    let mut all: Vec<(&FilePath, Scanned<'_>)> = Vec::with_capacity(scanned.len());
    for (path, one) in scanned {
        match all.last_mut().filter(|(last, _)| *last == path) {
            Some((_, known)) => known.add(one),
            None => all.push((path, one)),
        }
    }
    all
}

/// Whether an include can bring a file into a compile.
pub(super) fn counts(include: &Include) -> bool {
    !include.dead && include.kind != Kind::HasInclude
}

/// The graph of files that stand in order.
fn build(scanned: Vec<(&FilePath, Scanned<'_>)>) -> IncludeGraph {
    let files: Vec<FilePath> = scanned.iter().map(|(path, _)| (*path).clone()).collect();
    let ids: FxHashMap<&FilePath, usize> = files.iter().enumerate().map(|(id, path)| (path, id)).collect();
    let mut nodes: Vec<Node> = files.iter().map(|_| Node::default()).collect();
    for (id, (_, scanned)) in scanned.into_iter().enumerate() {
        nodes[id].asks = scanned.asks.iter().filter_map(|path| ids.get(path).copied()).collect();
        for include in scanned.includes.into_iter().chain(scanned.others.into_iter().map(Ok)) {
            match include {
                Ok(path) => {
                    let to = ids[path];
                    // `included_by` is filled in the order of ids, so a repetition is last in it.
                    if nodes[to].included_by.last() != Some(&id) {
                        nodes[to].included_by.push(id);
                        nodes[id].includes.push(to);
                    }
                }
                Err(unresolved) => nodes[id].unresolved.push(unresolved),
            }
        }
    }
    drop(ids);
    IncludeGraph::of(files, nodes)
}

/// The strongly connected components, dependencies first (Tarjan's algorithm, with the stack of
/// calls kept by hand).
fn groups(nodes: &[Node]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; nodes.len()];
    let mut low = vec![NEW; nodes.len()];
    let mut waiting = vec![false; nodes.len()];
    let (mut stack, mut calls, mut groups, mut count) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for start in 0..nodes.len() {
        if order[start] != NEW {
            continue;
        }
        calls.push((start, 0));
        while let Some((id, edge)) = calls.pop() {
            if edge == 0 {
                order[id] = count;
                low[id] = count;
                count += 1;
                stack.push(id);
                waiting[id] = true;
            } else {
                let done = nodes[id].includes[edge - 1];
                if waiting[done] {
                    low[id] = low[id].min(low[done]);
                }
            }
            // `low` of a waiting neighbour that is not finished is its order or less, so taking
            // it in either case finds the same components.
            let includes = &nodes[id].includes;
            match (edge..includes.len()).find(|&edge| order[includes[edge]] == NEW) {
                Some(next) => {
                    for &seen in includes[edge..next].iter().filter(|&&to| waiting[to]) {
                        low[id] = low[id].min(order[seen]);
                    }
                    calls.push((id, next + 1));
                    calls.push((includes[next], 0));
                }
                None => {
                    for &seen in includes[edge..].iter().filter(|&&to| waiting[to]) {
                        low[id] = low[id].min(order[seen]);
                    }
                    if low[id] == order[id] {
                        let at = stack.iter().rposition(|&other| other == id).unwrap_or_default();
                        let mut group = stack.split_off(at);
                        group.iter().for_each(|&member| waiting[member] = false);
                        group.sort_unstable();
                        groups.push(group);
                    }
                }
            }
        }
    }
    groups
}

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
    fn facts_of(&self, memo: &Memo, path: &FilePath) -> Arc<Facts> {
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
        let next = include.kind == Kind::IncludeNext;
        let in_dirs = || {
            let mut found = dirs.into_iter().filter_map(|dir| self.at(dir.as_bytes(), &include.name));
            // `#include_next` goes on behind the folder its own file was found in.
            found.find(|path| !next || *path != from)
        };
        self.beside(from, include).or_else(in_dirs)
    }

    /// The file that `include` of `from` leads to from the folder of that or one above it.
    pub fn find_above(&self, from: &FilePath, include: &Include) -> Option<&'t FilePath> {
        let next = include.kind == Kind::IncludeNext;
        let dirs = std::iter::successors(Some(from.parent_bytes()), |dir| match dir {
            [] => None,
            dir => Some(dir.iter().rposition(|&b| b == b'/').map_or(&[][..], |at| &dir[..at])),
        });
        let mut found = dirs.filter_map(|dir| self.at(dir, &include.name));
        found.find(|path| !next || *path != from)
    }

    /// The file beside `from` that a name in quotes leads to.
    pub fn beside(&self, from: &FilePath, include: &Include) -> Option<&'t FilePath> {
        if include.angled || include.kind == Kind::IncludeNext {
            return None;
        }
        self.at(from.parent_bytes(), &include.name)
    }

    /// The file `name` in `dir`, if the tree has it.
    pub fn at(&self, dir: &[u8], name: &[u8]) -> Option<&'t FilePath> {
        // This is asked for every include and folder: mostly no path need be put together.
        let last = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let plain = is_plain(name) && (dir.is_empty() || is_plain(dir));
        if plain {
            let named = self.by_end.get(self.by_name.get(last)?.clone())?;
            if named.len() <= FEW {
                return named.iter().find(|path| is_joined(path.as_bytes(), dir, name)).copied();
            }
        }
        let path = without_dots(&FilePath::new(dir).join(name))?;
        let named = self.by_end.get(self.by_name.get(path.file_name())?.clone())?;
        match named.len() > FEW {
            true => self.by_path.get(path.as_bytes()).copied(),
            false => named.iter().find(|known| ***known == path).copied(),
        }
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

/// Facts of `paths`, in their order; `None` where a file cannot be read.
pub(super) fn facts_of(memo: &Memo, paths: &[FilePath]) -> Vec<Option<Arc<Facts>>> {
    paths.par_iter().map(|path| memo.facts(path).ok()).collect()
}

#[cfg(test)]
mod tests;
