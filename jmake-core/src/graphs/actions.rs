//! The graph of actions.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{Drawn, Node};
use crate::action::Graph;
use crate::build::{Build, planned};
use crate::configure::{Environment, Wanted};
use crate::event::{Diagnostic, Event};
use crate::path::FilePath;
use crate::plan::Plan;
use crate::process::Cancel;
use crate::project::Project;

/// The graph of the actions of a build as it is `wanted`: sources and results are nodes beside the
/// actions' outputs.
///
/// # Errors
/// When there is nothing to build.
pub fn action_graph(
    project: Project,
    environment: &Environment,
    wanted: &Wanted,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Drawn> {
    let (_, plan) = planned_or_why(project, environment, wanted.clone(), cancel, on_event)?;
    Ok(drawn(&plan.graph))
}

/// The project and what a build as it is `wanted` would execute; the last error that planning tells
/// is why there is nothing.
pub(super) fn planned_or_why(
    project: Project,
    environment: &Environment,
    wanted: Wanted,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Project, Plan)> {
    let mut error = Diagnostic::error("there is nothing to build");
    let mut listen = |event: Event| match event {
        Event::Diagnostic(problem) if problem.is_error() => error = problem,
        event => on_event(event),
    };
    let request = Build { wanted, ..Build::default() };
    let planned = planned(project, environment, &request, cancel, &mut listen)?;
    planned.ok_or_else(|| error.into())
}

fn drawn(graph: &Graph) -> Drawn {
    let mut drawn = Drawn::default();
    let mut known: BTreeMap<FilePath, usize> = BTreeMap::new();
    for action in graph.actions() {
        let at = drawn.nodes.len();
        drawn.nodes.push(Node::new(action.name().to_string(), action.kind.name()));
        known.insert(action.name().clone(), at);
        for input in &action.inputs {
            let to = *known.entry(input.path.clone()).or_insert_with(|| {
                drawn.nodes.push(Node::new(input.path.to_string(), "source"));
                drawn.nodes.len() - 1
            });
            drawn.edges.push((at, to));
        }
    }
    drawn
}
