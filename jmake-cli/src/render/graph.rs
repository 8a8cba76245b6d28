//! A graph as JSON, for Graphviz, or for Markdown.

use std::fmt::Write;

use jmake_core::survey::Drawn;

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
}

/// `drawn` in `format`.
pub fn text(drawn: &Drawn, format: GraphFormat) -> String {
    match format {
        GraphFormat::Json => super::json::document(serde_json::to_value(drawn).unwrap_or_default()),
        GraphFormat::Dot => dot(drawn),
        GraphFormat::Mermaid => mermaid(drawn),
    }
}

fn dot(drawn: &Drawn) -> String {
    let mut text = String::from("digraph jmake {\n  rankdir = LR;\n  node [shape = box];\n");
    // Writing to memory does not fail.
    for (at, node) in drawn.nodes.iter().enumerate() {
        let name = node.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        writeln!(text, "  n{at} [label = \"{name}\", tooltip = \"{}\"];", node.kind).ok();
    }
    for (from, to) in &drawn.edges {
        writeln!(text, "  n{from} -> n{to};").ok();
    }
    text + "}\n"
}

fn mermaid(drawn: &Drawn) -> String {
    let mut text = String::from("graph LR\n");
    for (at, node) in drawn.nodes.iter().enumerate() {
        let name = node.name.replace('"', "#quot;").replace('\n', " ");
        writeln!(text, "  n{at}[\"{name}\"]").ok();
    }
    for (from, to) in &drawn.edges {
        writeln!(text, "  n{from} --> n{to}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jmake_core::survey::Node;

    #[test]
    fn names_are_quoted() {
        let node = |name: &str| Node { name: name.into(), kind: "c sources".into(), unresolved: Vec::new() };
        let drawn =
            Drawn { nodes: vec![node("a\"b\\.c"), node("h.h")], edges: vec![(0, 1)], cycles: Vec::new() };
        assert_eq!(
            dot(&drawn),
            "digraph jmake {\n  rankdir = LR;\n  node [shape = box];\n  n0 [label = \"a\\\"b\\\\.c\", tooltip = \"c sources\"];\n  n1 [label = \"h.h\", tooltip = \"c sources\"];\n  n0 -> n1;\n}\n"
        );
        assert_eq!(mermaid(&drawn), "graph LR\n  n0[\"a#quot;b\\.c\"]\n  n1[\"h.h\"]\n  n0 --> n1\n");
    }
}
