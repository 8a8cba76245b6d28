//! The graph of includes within the tree.
//!
//! It is made by the directive scan, before any compiler runs, so it holds every include that is
//! not certainly dead, whatever its conditions: more than one compile would see.  Depfiles say
//! what a compile did see, and [`super::opened`] adds that; this graph serves discovery, `jmake
//! graph` and guesses.
//!
//! Nothing here recurses: a chain of includes may be as long as the tree has files.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::codec::{Reader, Writer};
use crate::generate::Generated;
use crate::lex::{Include, Kind};
use crate::memo::Memo;
use crate::path::FilePath;

use super::finder::{Finder, counts};
use super::generated::from_templates;
use super::opened::Known;
use super::told::{Own, Sights, Ways};
use super::{Category, Tree};

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

    /// Every name that nothing in the tree answers, sorted, each once: of `sources` and what they lead to,
    /// or of all files where there are no sources.
    pub fn unanswered<'s>(
        &self,
        sources: impl Iterator<Item = &'s FilePath>,
    ) -> impl Iterator<Item = String> {
        let mut todo: Vec<usize> =
            sources.filter_map(|source| self.files.binary_search(source).ok()).collect();
        let mut reached = vec![todo.is_empty(); self.nodes.len()];
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut reached[id], true) {
                todo.extend(&self.nodes[id].includes);
            }
        }
        let nodes = self.nodes.iter().zip(reached).filter(|(_, is_reached)| *is_reached);
        let names: BTreeSet<&[u8]> =
            nodes.flat_map(|(node, _)| &node.unresolved).map(|include| &*include.name).collect();
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
        let live = facts.includes.iter().filter(|include| counts(include));
        let asked = facts.includes.iter().filter(|include| include.kind == Kind::HasInclude);
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

#[cfg(test)]
mod tests;
