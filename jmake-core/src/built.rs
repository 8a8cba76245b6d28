//! What a build gave: the reply, how it is counted, replayed and explained.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize, Serializer as _};

use crate::action::ActionId;
use crate::configure::Config;
use crate::diagnose::Failed;
use crate::event::{ActionKind, Diagnostic, Event, Outcome, Reason};
use crate::execute::Executed;
use crate::fs;
use crate::path::Root;
use crate::plan::{Plan, STATE_DIR};
use crate::prebuilt::Inspected;
use crate::tally::{Cache, Count, Counts};

/// What a build gave.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Built {
    /// Whether everything asked for is there.
    pub success: bool,
    /// Whether it was interrupted.
    pub cancelled: bool,
    /// The profile.
    pub profile: String,
    /// What was made, from the root, in the order of the targets.
    pub results: Vec<String>,
    /// Units compiled.
    pub compiled: usize,
    /// Units that were fresh.
    pub fresh: usize,
    /// Units restored from the store.
    pub restored: usize,
    /// Actions that failed.
    pub failed: usize,
    /// Processes run, of every kind.
    pub ran: usize,
    /// Whether the settings are only in memory (no `jmake.toml`).
    pub settings_in_memory: bool,
    /// Warnings that belong to the result: those of the tools, by what they are about.
    pub warnings: Vec<(String, String)>,
    /// What jmake itself had to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Diagnostic>,
    /// What failed, with what is known about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
    /// Of a project of finished libraries: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<Inspected>,
    /// Whether nothing was recorded of the project before.
    #[serde(default)]
    pub first: bool,
    /// Whether something has to run in every build.
    pub untracked: bool,
    /// How long it took.
    #[serde(with = "crate::event::seconds")]
    pub elapsed: Duration,
    /// Nothing was even looked into: the snapshot held.
    #[serde(default)]
    pub untouched: bool,
    /// How much of what it needed was known.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub counts: Counts,
}

/// What one action came to in the last build that did something, for `explain`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// What it is about.
    pub label: String,
    /// What it does.
    pub kind: String,
    /// How it ended.
    pub outcome: String,
    /// Why it was not fresh, for a person.
    pub why: Option<String>,
    /// The same for a program.
    pub reason: Option<serde_json::Value>,
    /// What is known about it, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failed>,
}

/// Gives a recorded reply: nothing ran, and warnings are shown again.
pub(crate) fn replay(mut built: Built, start: Instant, on_event: &mut dyn FnMut(Event)) -> Built {
    for problem in &built.problems {
        on_event(Event::Diagnostic(problem.clone()));
    }
    for (label, output) in &built.warnings {
        on_event(Event::Finished {
            action: 0,
            kind: ActionKind::Compile,
            label: label.clone(),
            outcome: Outcome::Fresh,
            why: None,
            at: start.elapsed(),
            wall: Duration::ZERO,
            peak_memory: 0,
            output: output.clone(),
        });
    }
    built.fresh += built.compiled + built.restored;
    (built.compiled, built.restored, built.ran) = (0, 0, 0);
    built.counts = built.counts.known();
    built.elapsed = start.elapsed();
    built.untouched = true;
    built.first = false;
    built
}

/// Counts what became of the units and actions.
pub(crate) fn summary(config: &Config, plan: &Plan, executed: &Executed) -> Built {
    let units = |outcome: Outcome| {
        let of = |(id, found): &(&usize, &Outcome)| {
            **found == outcome && plan.graph.actions()[**id].kind == ActionKind::Compile
        };
        executed.outcomes.iter().filter(of).count()
    };
    Built {
        success: executed.success(),
        cancelled: executed.cancelled,
        untracked: executed.untracked,
        profile: config.profile.name.clone(),
        results: plan.goals.iter().map(|goal| goal.file.to_string()).collect(),
        compiled: units(Outcome::Ran),
        fresh: units(Outcome::Fresh),
        restored: units(Outcome::Restored),
        failed: executed.count(Outcome::Failed),
        ran: executed.count(Outcome::Ran),
        counts: counts(plan, executed),
        ..Built::default()
    }
}

/// How many units and results were known, and how many had to be made.
fn counts(plan: &Plan, executed: &Executed) -> Counts {
    let mut counts = Counts::default();
    for (id, outcome) in &executed.outcomes {
        let cache = match plan.graph.actions()[*id].kind {
            ActionKind::Compile => Cache::Ir,
            ActionKind::Link | ActionKind::Archive => Cache::Libraries,
            _ => continue,
        };
        match outcome {
            Outcome::Fresh | Outcome::Restored => counts.count(cache, Count::of(1, 0)),
            Outcome::Ran | Outcome::Failed => counts.count(cache, Count::of(0, 1)),
            Outcome::Blocked => {}
        }
    }
    counts
}

/// Keeps the counts of a build that looked into something.  Not doing so harms no build.
pub(crate) fn keep_counts(state: &Path, counts: &Counts) {
    if let Ok(text) = serde_json::to_vec(counts) {
        fs::write_own(&state.join(COUNTS), &text).ok();
    }
}

/// The counts of the last build that looked into something.
pub fn kept_counts(state: &Path) -> Option<Counts> {
    serde_json::from_slice(&fs::read(&state.join(COUNTS)).ok()?).ok()
}

const COUNTS: &str = "counts.json";

/// Keeps what became of each action that was not fresh, for `jmake explain`.
pub(crate) fn explain(
    state: &Path,
    plan: &Plan,
    executed: &Executed,
    failed: &BTreeMap<ActionId, Failed>,
) -> Result<()> {
    let mut text = serde_json::Serializer::new(Vec::new());
    let told = executed.outcomes.iter().filter(|(_, outcome)| **outcome != Outcome::Fresh);
    // One after the other: of a large project there may be very many.
    text.collect_seq(told.map(|(id, outcome)| {
        let action = &plan.graph.actions()[*id];
        let why = executed.reasons.get(id);
        let json = |reason| serde_json::to_value(reason).ok();
        Explained {
            label: action.label.clone(),
            kind: action.kind.name().to_owned(),
            outcome: serde_json::to_value(outcome)
                .ok()
                .and_then(|name| Some(name.as_str()?.to_owned()))
                .unwrap_or_default(),
            why: why.map(Reason::to_string),
            reason: why.and_then(json),
            failure: failed.get(id).cloned(),
        }
    }))?;
    fs::write_own(&state.join("explain.json"), &text.into_inner())
}

/// What became of each action in the last build that looked into them.
///
/// # Errors
/// When nothing is recorded.
pub fn explained(root: &Root) -> Result<Vec<Explained>> {
    let file = root.as_path().join(STATE_DIR).join("explain.json");
    let bytes = fs::read(&file).context("nothing is recorded: build first")?;
    serde_json::from_slice(&bytes).context("the record of the last build is damaged: build again")
}
