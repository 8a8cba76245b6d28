//! Compares what a build did with what it had to do.
//!
//! [`Memory`] follows, by the oracle's means, what the engine has recorded: per action the last
//! good execution, and all executions in the shared store.  Where a record may be lost it says so,
//! and more than one outcome is right.

use std::collections::{BTreeMap, BTreeSet};

use jmake_core::event::{Event, Outcome, Reason};

use super::edits::Harm;
use super::oracle::{Step, look};
use super::tree::Tree;
use super::world::Said;

/// What is wrong, for a person.
pub type Wrong = String;

/// What was read besides what was needed, in one recorded execution.
type Soft = Vec<(String, Option<u64>)>;

/// What an execution is found by: its recipe and all that it read.
type Key = (u64, Vec<(String, u64)>);

/// What else each one looked at, and whether the store holds it for certain.
type Executions = Vec<(Soft, bool)>;

#[derive(Clone)]
struct Record {
    step: Step,
    /// Whether this is what the engine remembers, or only what it may.
    certain: bool,
}

/// What the engine has recorded.
#[derive(Default)]
pub struct Memory {
    last: BTreeMap<String, Record>,
    /// Records of unknown content.
    hazy: bool,
    store: BTreeMap<Key, Executions>,
    store_lost: bool,
    /// Digests of all that was read in good builds.
    good: BTreeSet<u64>,
    /// Whether the store holds what the oracle does not know of.
    store_unknown: bool,
    outputs_lost: bool,
    /// How often more than one outcome was right.
    pub lax: usize,
    pub checked: usize,
}

/// What may become of an action.
#[derive(Default, Debug, Clone, Copy)]
struct May {
    fresh: bool,
    restored: bool,
    ran: bool,
}

impl Memory {
    /// Takes note of harm done before a build.
    pub fn harm(&mut self, harm: Harm) {
        match harm {
            Harm::None => {}
            Harm::Outputs => self.outputs_lost = true,
            Harm::Records => self.forget_certainty(),
            Harm::RecordsGone => {
                self.last.clear();
                self.hazy = false;
                self.outputs_lost = true;
            }
            Harm::Store => {
                self.store.values_mut().flatten().for_each(|(_, certain)| *certain = false);
                self.store_lost = true;
            }
        }
    }

    /// A build has happened of which only its success is known.
    pub fn unknown_build(&mut self) {
        self.forget_certainty();
        self.store_unknown = true;
    }

    /// Whether the project's records are those of the builds so far.
    pub fn knows_records(&self) -> bool {
        !self.hazy
    }

    /// From here on nothing is known of the project's records.
    fn forget_certainty(&mut self) {
        self.hazy = true;
        self.last.values_mut().for_each(|record| record.certain = false);
    }

    fn may(&self, tree: &Tree, step: &Step) -> May {
        let record = self.last.get(&step.name);
        let same = record.is_some_and(|record| {
            record.step.recipe == step.recipe && read_by(&record.step, &step.reads, &step.blind)
        });
        let stirred = record.is_some_and(|record| stirred(tree, &record.step.soft));
        let mut may = May::default();
        match record {
            Some(record) if same && record.certain => may.fresh = true,
            Some(record) if !record.certain => {
                may.fresh = true;
                self.not_fresh(tree, step, &mut may);
            }
            None if self.hazy => {
                may.fresh = true;
                self.not_fresh(tree, step, &mut may);
            }
            _ => self.not_fresh(tree, step, &mut may),
        }
        if may.fresh && stirred {
            self.not_fresh(tree, step, &mut may);
        }
        may
    }

    fn not_fresh(&self, tree: &Tree, step: &Step, may: &mut May) {
        match self.store.get(&(step.recipe, step.reads.clone())) {
            Some(executions) => {
                may.restored = true;
                may.ran |= !executions.iter().any(|(soft, certain)| *certain && !stirred(tree, soft));
            }
            None => {
                may.ran = true;
                may.restored = self.store_unknown;
            }
        }
    }

    /// Checks `said` against `steps`, and remembers what was recorded.
    pub fn check(&mut self, tree: &Tree, steps: &[Step], said: &Said, force: bool) -> Result<(), Wrong> {
        let finished = finished(said);
        let built = said.built.as_ref().ok_or("the build broke off")?;
        let state: Vec<_> = steps.iter().map(|step| (step.recipe, &step.reads)).collect();
        let state = super::oracle::digest(state);
        if built.untouched {
            // After a failed build the last good one may hold again, whatever was recorded since.
            for step in steps.iter().filter(|_| !self.good.contains(&state)) {
                let may = self.may(tree, step);
                if !may.fresh || force {
                    return Err(format!(
                        "{:?} `{}` had to run: nothing was looked at",
                        step.kind, step.label
                    ));
                }
            }
            return Ok(());
        }
        if built.success {
            self.good.insert(state);
        }
        let planned = said.events.iter().find_map(|event| match event {
            Event::Planned { actions } => Some(*actions),
            _ => None,
        });
        if planned != Some(steps.len()) {
            return Err(format!("{planned:?} actions were planned instead of {}", steps.len()));
        }
        let fails = steps.iter().any(|step| step.output.is_none());
        for (at, step) in steps.iter().enumerate() {
            self.checked += 1;
            let what = format!("{:?} `{}`", step.kind, step.label);
            let Some((kind, label, outcome, why)) = finished.get(&at) else {
                if fails && !tree.asked.keep_going {
                    continue;
                }
                return Err(format!("{what} was never reached"));
            };
            if (*kind, label.as_str()) != (step.kind, step.label.as_str()) {
                return Err(format!("{what} was expected where {kind:?} `{label}` is"));
            }
            let mut may = self.may(tree, step);
            if force {
                may = May { ran: true, ..May::default() };
            }
            let lost = matches!(why, Some(Reason::OutputLost { .. }));
            let right = match (outcome, step.output) {
                (Outcome::Blocked, None) => true,
                (Outcome::Failed, None) => !step.soft.is_empty() || step.reads.len() == 1 || may.ran,
                (_, None) => false,
                (Outcome::Fresh, _) => may.fresh,
                (Outcome::Restored, _) => may.restored,
                // What is not in the store for certain runs again when its output is gone.
                (Outcome::Ran, _) => may.ran || lost && self.output_may_be_lost(step),
                _ => false,
            };
            if !right {
                let record = self.last.get(&step.name).map(|record| difference(&record.step, step));
                return Err(format!("{what} ended as {outcome:?} ({why:?}) but may be {may:?}: {record:?}"));
            }
            self.lax +=
                usize::from(usize::from(may.fresh) + usize::from(may.restored) + usize::from(may.ran) > 1);
            if let Some(why) = why {
                self.reason(tree, step, why, force)
                    .map_err(|e| format!("{what} has the reason {why:?}, but {e}"))?;
            }
            match outcome {
                Outcome::Ran | Outcome::Restored => self.record(step, *outcome == Outcome::Ran),
                Outcome::Fresh => {
                    let known = self.last.get(&step.name).is_some_and(|record| record.certain);
                    if !known {
                        self.last.insert(step.name.clone(), Record { step: step.clone(), certain: true });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, step: &Step, ran: bool) {
        self.last.insert(step.name.clone(), Record { step: step.clone(), certain: true });
        let entry = self.store.entry((step.recipe, step.reads.clone())).or_default();
        if ran {
            entry.push((step.soft.clone(), true));
        }
    }

    fn output_may_be_lost(&self, step: &Step) -> bool {
        let executions = self.store.get(&(step.recipe, step.reads.clone()));
        let kept = executions.is_some_and(|executions| executions.iter().any(|(_, certain)| *certain));
        self.store_lost || self.outputs_lost && !kept
    }

    /// Whether `why` names something that really is different.
    fn reason(&self, tree: &Tree, step: &Step, why: &Reason, force: bool) -> Result<(), Wrong> {
        let record = self.last.get(&step.name).filter(|record| record.certain);
        let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        if let Reason::Forced = why {
            return must(force, "nobody forced it");
        }
        let Some(Record { step: old, .. }) = record else {
            let known = self.hazy || self.last.contains_key(&step.name);
            return must(known || matches!(why, Reason::NeverBuilt), "it was never built");
        };
        match why {
            Reason::NeverBuilt => Err("it was built before".into()),
            Reason::ToolChanged { .. } => must(old.parts[0] != step.parts[0], "the tool is the same"),
            Reason::InputsChanged { .. } => {
                must(old.parts[0] == step.parts[0] && old.parts[1] != step.parts[1], "the same files go in")
            }
            Reason::CommandChanged { .. } => must(
                old.parts[..2] == step.parts[..2] && old.parts[2] != step.parts[2],
                "the flags are the same",
            ),
            Reason::InputChanged { path, .. } => {
                must(old.recipe == step.recipe, "the recipe changed too")?;
                if step
                    .reads
                    .first()
                    .is_some_and(|(name, _)| name.contains('/') && look(tree, name).is_none())
                {
                    return Ok(());
                }
                let then =
                    old.reads.iter().find(|(read, _)| same_path(read, path)).map(|(_, digest)| *digest);
                let now =
                    step.reads.iter().find(|(read, _)| same_path(read, path)).map(|(_, digest)| *digest);
                let soft = old.soft.iter().any(|(read, _)| same_path(read, path));
                must(
                    soft || path.contains("/../")
                        || path.starts_with(".jmake/")
                        || then.is_some() && then != now,
                    "that file is as it was",
                )
            }
            Reason::InputAppeared { path } => {
                must(old.recipe == step.recipe, "the recipe changed too")?;
                let new = |(soft, then): &(String, Option<u64>)| same_path(soft, path) && then.is_none();
                must(
                    path.contains("/../") || old.soft.iter().any(new),
                    "that file was there or nobody looks for it",
                )
            }
            Reason::OutputLost { .. } => must(self.outputs_lost || self.store_lost, "no output was lost"),
            _ => Err("that cannot be".into()),
        }
    }
}

/// What differs between a record and the present, for a person.
fn difference(old: &Step, new: &Step) -> Vec<String> {
    let parts = ["tool", "inputs", "flags"].into_iter().enumerate();
    let mut all: Vec<String> =
        parts.filter(|(at, _)| old.parts[*at] != new.parts[*at]).map(|(_, part)| part.to_owned()).collect();
    all.extend(
        new.reads.iter().filter(|read| !old.reads.contains(read)).map(|(path, _)| format!("now {path}")),
    );
    all.extend(
        old.reads.iter().filter(|read| !new.reads.contains(read)).map(|(path, _)| format!("then {path}")),
    );
    all
}

/// Whether the engine's path is the oracle's; system headers are absolute there.
fn same_path(mine: &str, theirs: &str) -> bool {
    match mine.strip_prefix('<') {
        Some(name) => theirs.starts_with('/') && theirs.ends_with(&format!("/{name}")),
        None => mine == super::tree::normal(theirs),
    }
}

/// Whether `old` read just this, comments aside where they do not count.
fn read_by(old: &Step, reads: &[(String, u64)], blind: &[(String, u64)]) -> bool {
    if old.blind == old.reads { old.reads == reads } else { old.blind == blind }
}

/// Whether a file that need not be read, but may be looked at, is other than it was.
fn stirred(tree: &Tree, soft: &Soft) -> bool {
    soft.iter().any(|(path, then)| {
        let now = look(tree, path).map(super::oracle::digest);
        now != *then || then.is_none() && tree.is_there(path)
    })
}

type Finished = (jmake_core::event::ActionKind, String, Outcome, Option<Reason>);

/// What became of each action in the end.
pub fn finished(said: &Said) -> BTreeMap<usize, Finished> {
    let mut all = BTreeMap::new();
    for event in &said.events {
        if let Event::Finished { action, kind, label, outcome, why, .. } = event {
            all.insert(*action, (*kind, label.clone(), *outcome, why.clone()));
        }
    }
    all
}

/// What tools had to say about results.
pub fn warnings(said: &Said) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for event in &said.events {
        if let Event::Finished { label, output, .. } = event
            && !output.is_empty()
        {
            all.insert((label.clone(), output.clone()));
        }
    }
    all
}
