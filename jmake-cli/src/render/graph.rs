//! A graph as JSON, for Graphviz, for Markdown, or as a page to look at.
//!
//! The page is one file that loads nothing from anywhere.

use std::fmt::Write;

use jmake_core::discover::{By, Known};
use jmake_core::graphs::Drawn;

const PAGE: &str = include_str!("graph.html");

/// How a graph is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GraphFormat {
    /// Nodes and edges.
    #[default]
    Json,
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// One page to look at.
    Html,
}

/// `drawn` in `format`.
pub fn text(drawn: &Drawn, format: GraphFormat) -> String {
    match format {
        GraphFormat::Json => super::json::document(serde_json::to_value(drawn).unwrap_or_default()),
        GraphFormat::Dot => dot(drawn),
        GraphFormat::Mermaid => mermaid(drawn),
        GraphFormat::Html => page(drawn),
    }
}

fn page(drawn: &Drawn) -> String {
    let data = serde_json::to_value(drawn).unwrap_or_default();
    PAGE.replace("{{data}}", &super::json::embedded(&data))
}

/// Each edge, and how it is known if that is to be shown: what no compile took, or no directive says.
fn edges(drawn: &Drawn) -> impl Iterator<Item = (usize, usize, Option<By>)> {
    let odd = |known: &Known| match known {
        Known { by: By::Compiler, .. } => Some(By::Compiler),
        Known { opened: Some(false), .. } => Some(By::Text),
        _ => None,
    };
    let known = drawn.known.iter().map(odd).chain(std::iter::repeat(None));
    drawn.edges.iter().zip(known).map(|((from, to), by)| (*from, *to, by))
}

fn dot(drawn: &Drawn) -> String {
    let mut text = String::from("digraph jmake {\n  rankdir = LR;\n  node [shape = box];\n");
    // Writing to memory does not fail.
    for (at, node) in drawn.nodes.iter().enumerate() {
        let name = node.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        writeln!(text, "  n{at} [label = \"{name}\", tooltip = \"{}\"];", node.kind).ok();
    }
    for (from, to, by) in edges(drawn) {
        let style = match by {
            None => "",
            Some(By::Text) => " [style = dotted, tooltip = \"no compile took it\"]",
            Some(_) => " [style = dashed, tooltip = \"seen by the compiler alone\"]",
        };
        writeln!(text, "  n{from} -> n{to}{style};").ok();
    }
    text + "}\n"
}

fn mermaid(drawn: &Drawn) -> String {
    let mut text = String::from("graph LR\n");
    for (at, node) in drawn.nodes.iter().enumerate() {
        let name = node.name.replace('"', "#quot;").replace('\n', " ");
        writeln!(text, "  n{at}[\"{name}\"]").ok();
    }
    for (from, to, by) in edges(drawn) {
        let arrow = match by {
            None => "-->",
            Some(By::Text) => "-. not opened .->",
            Some(_) => "-- compiler -->",
        };
        writeln!(text, "  n{from} {arrow} n{to}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jmake_core::graphs::Node;

    #[test]
    fn names_are_quoted() {
        let node = |name: &str| Node::new(name, "c sources");
        let drawn =
            Drawn { nodes: vec![node("a\"b\\.c"), node("h.h")], edges: vec![(0, 1)], ..Drawn::default() };
        assert_eq!(
            dot(&drawn),
            "digraph jmake {\n  rankdir = LR;\n  node [shape = box];\n  n0 [label = \"a\\\"b\\\\.c\", tooltip = \"c sources\"];\n  n1 [label = \"h.h\", tooltip = \"c sources\"];\n  n0 -> n1;\n}\n"
        );
        assert_eq!(mermaid(&drawn), "graph LR\n  n0[\"a#quot;b\\.c\"]\n  n1[\"h.h\"]\n  n0 --> n1\n");
    }
}
