//! Which source an object was, and which sources define and use a symbol.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use super::Scene;
use crate::action::{Action, ActionId, Graph};
use crate::event::ActionKind;
use crate::inspect::inspect;
use crate::path::FilePath;

/// The objects of a build, seen from one link.
pub(super) struct Origins<'a> {
    scene: &'a Scene<'a>,
    /// The source of each object and module, by the file's name, which is unique.
    sources: HashMap<&'a [u8], &'a FilePath>,
    /// The sources whose objects go into the link.
    linked: BTreeSet<&'a FilePath>,
    symbols: OnceCell<Symbols>,
}

/// Sources by the symbols of their objects.
#[derive(Default)]
struct Symbols {
    defined: HashMap<String, Vec<FilePath>>,
    used: HashMap<String, Vec<FilePath>>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, link: &'a Action) -> Origins<'a> {
        let graph = scene.graph;
        let mut sources = HashMap::new();
        for action in graph.actions() {
            if let Some(source) = source_of(graph, action) {
                sources.extend(action.outputs.iter().map(|output| (output.file_name(), source)));
            }
        }
        let mut linked = BTreeSet::new();
        let mut open: Vec<ActionId> = link.inputs.iter().filter_map(|input| input.producer).collect();
        while let Some(id) = open.pop() {
            let action = &graph.actions()[id];
            // A shared library is a link of its own.
            if action.kind != ActionKind::Link {
                linked.extend(source_of(graph, action));
                open.extend(action.inputs.iter().filter_map(|input| input.producer));
            }
        }
        Origins { scene, sources, linked, symbols: OnceCell::new() }
    }

    /// The source of an object as a linker names it (`dir/lib.a(member.o)`).
    pub(super) fn source(&self, object: &str) -> Option<&'a FilePath> {
        let name = object.trim_end_matches(')').rsplit(['/', '(']).next()?;
        self.sources.get(name.as_bytes()).copied()
    }

    /// Whether the object of `source` goes into the link.
    pub(super) fn is_linked(&self, source: &FilePath) -> bool {
        self.linked.contains(source)
    }

    /// The sources whose objects define `symbol`.
    pub(super) fn defining(&self, symbol: &str) -> &[FilePath] {
        self.symbols().defined.get(symbol).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sources whose objects need `symbol`.
    pub(super) fn using(&self, symbol: &str) -> &[FilePath] {
        self.symbols().used.get(symbol).map(Vec::as_slice).unwrap_or_default()
    }

    /// All symbols that objects of the project define, with one source of each.
    pub(super) fn defined(&self) -> impl Iterator<Item = (&str, &FilePath)> {
        self.symbols().defined.iter().filter_map(|(name, sources)| Some((name.as_str(), sources.first()?)))
    }

    fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| {
            let units = self.scene.graph.actions().par_iter().filter_map(|action| {
                let source = source_of(self.scene.graph, action)?;
                let report = inspect(&self.scene.memo.root().resolve(action.name())).ok()?;
                Some((source, report))
            });
            let mut symbols = Symbols::default();
            for (source, report) in units.collect::<Vec<_>>() {
                for symbol in report.exports {
                    symbols.defined.entry(symbol.name).or_default().push(source.clone());
                }
                for symbol in report.undefined {
                    symbols.used.entry(symbol.name).or_default().push(source.clone());
                }
            }
            symbols
        })
    }
}

/// The source that `action` compiles, or makes an object of.
fn source_of<'g>(graph: &'g Graph, action: &'g Action) -> Option<&'g FilePath> {
    match action.kind {
        ActionKind::Compile => action.inputs.first().map(|input| &input.path),
        ActionKind::Codegen => source_of(graph, &graph.actions()[action.inputs.first()?.producer?]),
        _ => None,
    }
}
