//! The graph of includes as compiles have seen it.
//!
//! Text alone says too much and too little: an include under a condition may never be taken, and
//! what a macro or a flag names is in no directive.  A compile tells which files it opened, but not
//! for whom, so the two are laid over each other: from its source a compile is followed along
//! directives to files it did open, in the order in which it opened them.  What is reached by no
//! directive was opened for another reason, and belongs to the source.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::path::FilePath;

use super::includes::{IncludeGraph, Node};

/// What says that a file includes another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A directive; no compile has taken it, as far as is known.
    Text,
    /// A compile, and no directive that names it: a macro, a flag.
    Compiler,
    /// A directive, and a compile that took it.
    Both,
}

/// How it is known that a file includes another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Known {
    /// What says so.
    pub by: By,
    /// Whether a compile that read the one opened the other; `None` when none has read the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<bool>,
}

impl Known {
    /// A directive alone.
    pub const TEXT: Known = Known { by: By::Text, opened: None };
}

/// What one compile read.
#[derive(Clone, Copy, Debug)]
pub struct Compile<'a> {
    /// Its source.
    pub source: &'a FilePath,
    /// The files it opened, in that order, and after them those it only asked for.
    pub read: &'a [FilePath],
}

impl IncludeGraph {
    /// The files that `file` includes, and how that is known.
    pub fn edges(&self, file: &FilePath) -> impl Iterator<Item = (&FilePath, Known)> {
        let node = self.node(file).into_iter();
        node.flat_map(|node| {
            let known = node.known.iter().copied().chain(std::iter::repeat(Known::TEXT));
            node.includes.iter().map(|&id| &self.files[id]).zip(known)
        })
    }

    /// Whether one of the compiles that were looked at opened `file`.
    pub fn is_opened(&self, file: &FilePath) -> bool {
        self.node(file).is_some_and(|node| node.opened)
    }

    /// The same graph with what `compiles` have really read.  Files outside the root are no part of
    /// it.
    pub fn with_compiles(&self, compiles: &[Compile<'_>]) -> IncludeGraph {
        let read = compiles.iter().flat_map(|compile| compile.read);
        let new: BTreeSet<FilePath> =
            read.filter(|path| !path.is_absolute() && self.node(path).is_none()).cloned().collect();
        let (files, nodes) = self.with_files(new);
        let mut seen = Seen::of(&files, &nodes);
        for compile in compiles {
            seen.follow(compile);
        }
        let Seen { opened, taken, added, .. } = seen;
        let nodes = merged(&files, nodes, &opened, &taken, added);
        IncludeGraph::of(files, nodes)
    }

    /// Files and nodes, together with the files in `new`.
    fn with_files(&self, new: BTreeSet<FilePath>) -> (Vec<FilePath>, Vec<Node>) {
        let mut files = self.files.clone();
        files.extend(new);
        files.sort();
        let id = |old: &usize| files.binary_search(&self.files[*old]).unwrap_or_default();
        let ids = |old: &[usize]| old.iter().map(id).collect::<Vec<_>>();
        let nodes = files.iter().map(|file| match self.node(file) {
            None => Node::default(),
            Some(node) => Node {
                includes: ids(&node.includes),
                included_by: ids(&node.included_by),
                asks: ids(&node.asks),
                ..node.clone()
            },
        });
        let nodes = nodes.collect();
        (files, nodes)
    }
}

/// An edge that no directive gives, from and to, and whether a directive names it all the same.
type Added = BTreeSet<(usize, usize, bool)>;

/// What compiles have shown so far.
struct Seen<'g> {
    files: &'g [FilePath],
    nodes: &'g [Node],
    /// Of each file whether a compile opened it.
    opened: Vec<bool>,
    /// Of each directive whether a compile took it.
    taken: Vec<Vec<bool>>,
    added: Added,
    /// The number of the last compile that read, and that reached, each file.
    read: Vec<usize>,
    reached: Vec<usize>,
    compile: usize,
}

impl<'g> Seen<'g> {
    fn of(files: &'g [FilePath], nodes: &'g [Node]) -> Seen<'g> {
        Seen {
            files,
            nodes,
            opened: vec![false; files.len()],
            taken: nodes.iter().map(|node| vec![false; node.includes.len()]).collect(),
            added: BTreeSet::new(),
            read: vec![0; files.len()],
            reached: vec![0; files.len()],
            compile: 0,
        }
    }

    fn follow(&mut self, compile: &Compile<'_>) {
        let id = |path: &FilePath| self.files.binary_search(path).ok();
        let Some(source) = id(compile.source) else { return };
        let read: Vec<usize> = compile.read.iter().filter_map(id).collect();
        self.compile += 1;
        for &id in &read {
            self.read[id] = self.compile;
        }
        self.reach(source);
        for &id in &read {
            if self.reached[id] == self.compile {
                continue;
            }
            if let Some(by) = self.named_by(&read, id) {
                self.added.insert((by, id, true));
            } else if self.is_asked_for(&read, id) {
                continue;
            } else {
                self.added.insert((source, id, false));
            }
            self.reach(id);
        }
    }

    /// Follows directives from `start` to what this compile read.
    fn reach(&mut self, start: usize) {
        let mut front = vec![start];
        while let Some(id) = front.pop() {
            if self.reached[id] == self.compile {
                continue;
            }
            self.reached[id] = self.compile;
            self.opened[id] = true;
            for (at, &to) in self.nodes[id].includes.iter().enumerate() {
                if self.read[to] == self.compile {
                    self.taken[id][at] = true;
                    front.push(to);
                }
            }
        }
    }

    /// Who of `read` includes `id` by a name that nothing in the tree seemed to answer.
    fn named_by(&self, read: &[usize], id: usize) -> Option<usize> {
        let reached = read.iter().filter(|&&by| self.reached[by] == self.compile);
        let mut naming = reached.filter(|&&by| {
            self.nodes[by].unresolved.iter().any(|include| answers(&self.files[id], &include.name))
        });
        naming.next().copied()
    }

    /// Whether `id` was read only in so far as somebody asked whether it is there.
    fn is_asked_for(&self, read: &[usize], id: usize) -> bool {
        read.iter().any(|&by| self.nodes[by].asks.contains(&id))
    }
}

/// Whether `file` can be what is included as `name`.
fn answers(file: &FilePath, name: &[u8]) -> bool {
    let folder = file.as_bytes().strip_suffix(name);
    !name.is_empty() && folder.is_some_and(|folder| folder.is_empty() || folder.ends_with(b"/"))
}

/// `nodes` with what compiles have shown.
fn merged(
    files: &[FilePath],
    mut nodes: Vec<Node>,
    opened: &[bool],
    taken: &[Vec<bool>],
    added: Added,
) -> Vec<Node> {
    for (id, node) in nodes.iter_mut().enumerate() {
        node.opened = opened[id];
        let known = |&taken: &bool| match (taken, opened[id]) {
            (true, _) => Known { by: By::Both, opened: Some(true) },
            (false, was_read) => Known { by: By::Text, opened: was_read.then_some(false) },
        };
        node.known = taken[id].iter().map(known).collect();
    }
    for (from, to, named) in added {
        let by = if named { By::Both } else { By::Compiler };
        nodes[from].includes.push(to);
        nodes[from].known.push(Known { by, opened: Some(true) });
        if named {
            nodes[from].unresolved.retain(|include| !answers(&files[to], &include.name));
        }
        let by = &mut nodes[to].included_by;
        if let Err(at) = by.binary_search(&from) {
            by.insert(at, from);
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memo::Memo;
    use crate::path::Root;

    /// What the graph of `files` says once a compile of `a.c` has read `read`: a line for each edge.
    fn seen(files: &[(&str, &str)], read: &[&str]) -> (Vec<String>, IncludeGraph) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            crate::fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::fs::write(&path, text.as_bytes()).unwrap();
        }
        let memo = Memo::new(Root::open(dir.path()).unwrap(), 0);
        let tree = super::super::scan_files(&memo, &Default::default()).unwrap();
        let graph = super::super::walk_ast_dependencies(&memo, &tree, &[]);
        let read: Vec<FilePath> = read.iter().map(FilePath::new).collect();
        let graph = graph.with_compiles(&[Compile { source: &"a.c".into(), read: &read }]);
        let edges = graph.files().iter().flat_map(|file| {
            graph.edges(file).map(move |(to, known)| {
                let opened = known.opened.map_or("?", |opened| if opened { "yes" } else { "no" });
                format!("{file} {to} {:?} {opened}", known.by).to_lowercase()
            })
        });
        (edges.collect(), graph)
    }

    #[test]
    fn directives_and_compiles_are_laid_over_each_other() {
        let files = [
            ("a.c", "#include \"a.h\"\n#ifdef X\n#include \"x.h\"\n#endif\n#include M\n"),
            ("a.h", "#include \"b.h\"\n"),
            ("b.h", ""),
            ("m.h", "#include \"n.h\"\n"),
            ("n.h", "#include \"m.h\"\n"),
            ("x.h", ""),
            ("t.c", "#include \"a.h\"\n"),
        ];
        let (edges, graph) =
            seen(&files, &["a.c", "first.h", "a.h", "b.h", "m.h", "n.h", "/usr/include/z.h"]);
        assert_eq!(
            edges,
            [
                "a.c a.h both yes",
                "a.c x.h text no",
                "a.c first.h compiler yes",
                "a.c m.h compiler yes",
                "a.h b.h both yes",
                "m.h n.h both yes",
                "n.h m.h both yes",
                "t.c a.h text ?",
            ]
        );
        let opened = graph.files().iter().filter(|file| graph.is_opened(file)).map(ToString::to_string);
        assert_eq!(opened.collect::<Vec<_>>(), ["a.c", "a.h", "b.h", "first.h", "m.h", "n.h"]);
        let by = |name: &str| graph.included_by(&name.into()).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(by("first.h"), ["a.c"]);
        assert_eq!(by("m.h"), ["a.c", "n.h"]);
        assert_eq!(graph.cycles().count(), 1);
    }

    #[test]
    fn a_name_that_only_the_compiler_could_answer_is_answered() {
        let files = [
            ("a.c", "#include <deep/d.h>\n#include <none.h>\n"),
            ("far/deep/d.h", "#include <e.h>\n"),
            ("off/e.h", ""),
        ];
        let (edges, graph) = seen(&files, &["a.c", "far/deep/d.h", "off/e.h"]);
        assert_eq!(edges, ["a.c far/deep/d.h both yes", "far/deep/d.h off/e.h both yes"]);
        let left: Vec<_> = graph.unresolved(&"a.c".into()).iter().map(|include| &*include.name).collect();
        assert_eq!(left, [b"none.h"]);
    }

    #[test]
    fn to_ask_for_a_file_is_not_to_open_it() {
        let files = [("a.c", "#if __has_include(\"h.h\")\n#define H 1\n#endif\n"), ("h.h", "")];
        let (edges, graph) = seen(&files, &["a.c", "h.h"]);
        assert!(edges.is_empty() && !graph.is_opened(&"h.h".into()), "{edges:?}");
    }

    #[test]
    fn names_answer_at_folders_only() {
        let file = FilePath::new("far/deep/d.h");
        for (name, answer) in [("d.h", true), ("deep/d.h", true), ("far/deep/d.h", true), (".h", false)] {
            assert_eq!(answers(&file, name.as_bytes()), answer, "{name}");
        }
        assert!(!answers(&file, b"") && !answers(&file, b"/far/deep/d.h"));
    }
}
