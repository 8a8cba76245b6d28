//! Graphs of a project: of includes, of actions, of symbols, and questions about single files.
//!
//! What the text of the files says is always known; what compiles have opened and what units
//! define, only once something was built, from the records of that build ([`units`]).  Everything
//! here is data for people and programs; nothing is built.  Paths are text, lossy where they are
//! not UTF-8.

mod actions;
mod page;
mod queries;
mod symbols;
pub mod units;

use serde::{Deserialize, Serialize};

use crate::discover::{IncludeGraph, Known};
use crate::found::Found;
use crate::path::FilePath;
use units::Units;

pub use actions::action_graph;
pub use page::page;
pub use queries::{
    Includer, Includers, Rebuilds, UnitNamed, UnusedHeader, UnusedHeaders, rebuilds, unused_headers,
    who_includes,
};
pub use symbols::symbol_graph;

/// A graph of files, actions or units: an edge leads from what needs to what is needed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Drawn {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Pairs of indices into `nodes`.
    pub edges: Vec<(usize, usize)>,
    /// Of includes in a project that was built: how each of `edges` is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Known>,
    /// Sets of files that include one another, as indices into `nodes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Vec<usize>>,
    /// What a page tells besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub besides: Option<Besides>,
}

/// A node of [`Drawn`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Node {
    /// What it is called; unique.
    pub name: String,
    /// What it is: a category of files, what the action does, or `unit`.
    pub kind: String,
    /// Included names that nothing in the project answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<String>,
    /// Of a unit: what it was compiled to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Symbols that the unit defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defines: Vec<SymbolNamed>,
    /// Symbols that it uses and other units define.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<SymbolNamed>,
    /// Symbols that it uses and no unit defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undefined: Vec<SymbolNamed>,
}

/// A symbol of a unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SymbolNamed {
    /// Its name as in the object.
    pub name: String,
    /// The same for people, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Whether another definition may take its place, or, of a use, none at all may.
    pub weak: bool,
    /// Of a use: the nodes that define it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<usize>,
}

/// What a page about includes tells besides the graph.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Besides {
    /// What is compiled.
    pub units: Vec<UnitDrawn>,
    /// What it is linked to, by name.
    pub results: Vec<String>,
    /// Whether a build of the project is recorded; else the text of its files is all there is.
    pub recorded: bool,
    /// Why symbols are not told, if so.
    pub no_symbols: Option<String>,
}

/// A unit in [`Besides`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnitDrawn {
    /// The node of its source.
    pub node: usize,
    /// The nodes whose edit compiles it again.
    pub reads: Vec<usize>,
    /// The results it goes into.
    pub results: Vec<usize>,
}

impl Node {
    /// A node of which no more is known.
    pub fn new(name: impl Into<String>, kind: &str) -> Node {
        Node { name: name.into(), kind: kind.to_owned(), ..Node::default() }
    }
}

/// A project as its graphs are made.
pub struct Sight<'f> {
    /// What discovery finds.
    pub found: &'f Found,
    /// Its units: of the last good build, or a guess.
    pub units: Units,
    seen: Option<IncludeGraph>,
}

impl<'f> Sight<'f> {
    /// The project of `found`, with what its last good build has recorded.
    pub fn of(found: &'f Found) -> Sight<'f> {
        let units = Units::recorded(&found.root).unwrap_or_else(|| Units::by_text(found));
        let seen = units.seen(&found.root, &found.includes);
        Sight { found, units, seen }
    }

    /// Who includes whom: by text, and by what compiles have opened.
    pub fn graph(&self) -> &IncludeGraph {
        self.seen.as_ref().unwrap_or(&self.found.includes)
    }

    /// The same as a drawing.
    pub fn includes(&self) -> Drawn {
        let graph = self.graph();
        let id = |file: &FilePath| graph.files().binary_search(file).ok();
        let mut drawn = Drawn {
            nodes: graph.files().iter().map(|file| self.node(file)).collect(),
            cycles: graph.cycles().map(|cycle| cycle.into_iter().filter_map(id).collect()).collect(),
            ..Drawn::default()
        };
        for (from, file) in graph.files().iter().enumerate() {
            for (to, known) in graph.edges(file).filter_map(|(to, known)| Some((id(to)?, known))) {
                drawn.edges.push((from, to));
                drawn.known.push(known);
            }
        }
        if self.units.log.is_none() {
            drawn.known.clear();
        }
        drawn
    }

    fn node(&self, file: &FilePath) -> Node {
        let found = self.found.tree.get(file);
        let is_made = || self.found.discovery.generated.iter().any(|header| header.path == *file);
        let kind = match found {
            Some(found) => found.category.name(),
            None if is_made() => "generated headers",
            None => "other",
        };
        let unresolved = self.graph().unresolved(file).iter();
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        Node {
            unresolved: unresolved.map(|include| name(&include.name)).collect(),
            ..Node::new(file.to_string(), kind)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Root;

    #[test]
    fn includes_are_drawn() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| crate::fs::write(&dir.path().join(name), text.as_bytes()).unwrap();
        put("a.c", "#include \"a.h\"\n#include <nowhere.h>\n");
        put("a.h", "#include \"b.h\"\n");
        put("b.h", "#include \"a.h\"\n");
        let root = Root::open(dir.path()).unwrap();
        let project = crate::project::Project::look(&root, &Default::default()).unwrap();
        let found = Found::in_project(&project, &crate::discover::Nobody).unwrap();
        let drawn = Sight::of(&found).includes();
        let names: Vec<_> = drawn.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["a.c", "a.h", "b.h"]);
        assert_eq!(drawn.edges, [(0, 1), (1, 2), (2, 1)]);
        assert!(drawn.known.is_empty(), "nothing was compiled");
        assert_eq!(drawn.cycles.len(), 1);
        assert_eq!(drawn.nodes[0].unresolved, ["nowhere.h"]);
        // Telling writes nothing.
        assert!(!dir.path().join(".jmake").exists());
    }
}
