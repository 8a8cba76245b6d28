//! What is known about one action once everything it reads is.

use std::collections::{BTreeMap, HashSet};

use super::State;
use crate::action::{ActionId, Graph};
use crate::digest::Digest;
use crate::event::{Outcome, Reason};
use crate::freshness::{Checker, Verdict};
use crate::log::Log;
use crate::path::FilePath;
use crate::run::{self, Context};
use crate::trace::{Trace, Version};

/// What is known about one action once its inputs are.
pub(super) enum Evaluation {
    /// Its record stands, for a good build vouches for it and for all that it reads.
    Vouched(Box<Trace>),
    /// What was found by comparing, and the content of what it reads.
    Verdict(Verdict, Vec<Version>),
    /// An input cannot be read.
    Unreadable(String),
}

/// What deciding about one action needs; shared by threads that decide about many at once.
pub(super) struct View<'v> {
    pub(super) graph: &'v Graph,
    pub(super) context: &'v Context<'v>,
    pub(super) checker: &'v Checker<'v>,
    pub(super) log: &'v Log,
    pub(super) states: &'v [State],
    pub(super) force: bool,
    pub(super) must_run: &'v HashSet<ActionId>,
    pub(super) outcomes: &'v BTreeMap<ActionId, Outcome>,
}

impl View<'_> {
    /// What is to be done about `id`, whose producers are done.
    pub(super) fn evaluate(&self, id: ActionId) -> Evaluation {
        let action = &self.graph.actions()[id];
        let lost = self.must_run.contains(&id);
        if !lost
            && !self.force
            && self.producers_are_vouched(id)
            && let Some(trace) = self.checker.vouched(self.log, action)
        {
            return Evaluation::Vouched(Box::new(trace));
        }
        let made = |path: &FilePath, producer: ActionId| -> Option<Digest> {
            let index = self.graph.actions()[producer].outputs.iter().position(|output| output == path)?;
            Some(self.states[producer].made.get(index)?.digest)
        };
        let inputs = match run::declared(self.context.memo, action, made) {
            Ok(inputs) => inputs,
            Err(e) => return Evaluation::Unreadable(format!("error: {e:#}\n")),
        };
        let verdict = if lost {
            Verdict::Run(Reason::OutputLost { path: action.name().to_string() })
        } else if self.force && !self.outcomes.contains_key(&id) {
            Verdict::Run(Reason::Forced)
        } else {
            self.checker.verdict(self.log, action, &action.recipe(), &inputs)
        };
        Evaluation::Verdict(verdict, inputs)
    }

    fn producers_are_vouched(&self, id: ActionId) -> bool {
        let mut producers = self.graph.actions()[id].inputs.iter().filter_map(|input| input.producer);
        producers.all(|producer| self.states[producer].vouched)
    }
}
