//! Everything a page about a project's files tells, as one graph.

use std::collections::{BTreeMap, HashSet};

use super::units::named;
use super::{Besides, Drawn, Node, Sight, SymbolNamed, UnitDrawn};
use crate::event::Diagnostic;
use crate::path::FilePath;

/// The graph of includes of `sight` with its units and, where they could be had, their `symbols`.
pub fn page(sight: &Sight<'_>, symbols: Result<Drawn, Diagnostic>) -> Drawn {
    let mut drawn = sight.includes();
    let no_symbols = match symbols {
        Ok(symbols) => {
            add_symbols(&mut drawn.nodes, symbols.nodes);
            None
        }
        Err(why) => Some(why.message),
    };
    let files = sight.graph().files();
    let id = |file: &FilePath| files.binary_search(&named(file)).ok();
    let unit = |unit: &super::units::Unit| {
        // One file may have been read under several spellings.
        let mut known = HashSet::new();
        let reads = unit.reads.iter().filter_map(id).filter(|id| known.insert(*id)).collect();
        Some(UnitDrawn { node: id(&unit.source)?, reads, results: unit.results.iter().copied().collect() })
    };
    drawn.besides = Some(Besides {
        units: sight.units.units.iter().filter_map(unit).collect(),
        results: sight.units.results.iter().map(|result| result.name.clone()).collect(),
        recorded: sight.units.log.is_some(),
        no_symbols,
    });
    drawn
}

/// Gives each source in `nodes` the symbols of its `units`.
fn add_symbols(nodes: &mut [Node], units: Vec<Node>) {
    let sources: BTreeMap<String, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.name.clone(), at)).collect();
    let places: Vec<Option<usize>> = units.iter().map(|unit| sources.get(source_of(unit)).copied()).collect();
    for (unit, place) in units.into_iter().zip(&places) {
        let Some(node) = place.and_then(|place| nodes.get_mut(place)) else { continue };
        let placed = |mut symbol: SymbolNamed| {
            symbol.by = symbol.by.iter().filter_map(|&by| *places.get(by)?).collect();
            symbol
        };
        add(&mut node.defines, unit.defines);
        add(&mut node.uses, unit.uses.into_iter().map(placed).collect());
        add(&mut node.undefined, unit.undefined);
    }
}

/// A unit that is one of several of its source is named after its object, too.
fn source_of(unit: &Node) -> &str {
    let object = unit.object.as_deref().unwrap_or_default();
    let name = unit.name.strip_suffix(')').and_then(|name| name.strip_suffix(object)?.strip_suffix(" ("));
    name.unwrap_or(&unit.name)
}

fn add(list: &mut Vec<SymbolNamed>, more: Vec<SymbolNamed>) {
    list.extend(more);
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list.dedup_by(|a, b| a.name == b.name);
}
