//! A build of what was only guessed: where its link fails for symbols, these decide, and what cannot
//! be compiled for lack of another system's header is for that system.
//!
//! Each round is an ordinary build; what compiled once is fresh in the next.  A failure that leads to
//! another round is not shown, for nothing is wrong with the sources.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;

use super::Work;
use crate::absent::Probes;
use crate::built::Built;
use crate::diagnose::header_of_other_system;
use crate::discover::{Discovery, LeftOut, TargetKind};
use crate::event::{ActionKind, Diagnostic, Event, Outcome};
use crate::execute::Executed;
use crate::inspect::{inspect, unit_symbols};
use crate::link_errors::{LinkError, parse_link_errors};
use crate::path::FilePath;
use crate::plan::{Plan, plan};
use crate::standing::Decided;
use crate::trial::{Changes, ROUNDS, Unit, apply, decide, needs_older, several};

/// A build of what was discovered.
pub(super) struct Tried {
    pub discovery: Discovery,
    pub plan: Plan,
    pub executed: Executed,
    pub built: Built,
}

/// What went by what was decided before, and came to nothing.
#[derive(Default)]
pub(super) struct Earlier {
    /// Units compiled and restored, and processes.
    ran: (usize, usize, usize),
    /// What was said of the project, which need not be said again.
    pub told: Vec<Diagnostic>,
}

impl Work<'_> {
    /// Builds what was discovered; `None` when it cannot be configured.
    fn once(&mut self, discovery: Discovery, on_event: &mut dyn FnMut(Event)) -> Result<Option<Tried>> {
        let Some(config) = self.configure(&discovery, on_event)? else { return Ok(None) };
        self.write_manifest(&discovery)?;
        self.config = config.to_bytes().unwrap_or_default();
        let plan = plan(&config);
        let plan = if self.request.compile_only { plan.only_compiles() } else { plan };
        let (built, executed) = self.run(&config, &plan, on_event)?;
        Ok(Some(Tried { discovery, plan, executed, built }))
    }

    /// Runs the `plan` of what was `decided` before; `None` where its link fails, for then the symbols
    /// decide anew, as they would in a build from nothing.
    pub(super) fn run_again(
        &mut self,
        decided: &Decided,
        plan: &Plan,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<(Built, Executed)>> {
        let mut held = Vec::new();
        let mut hold = hold_back(self.is_guess(), &mut held, on_event);
        let (built, executed) = self.run(&decided.config, plan, &mut hold)?;
        drop(hold);
        if held.is_empty() || built.cancelled {
            held.into_iter().for_each(on_event);
            return Ok(Some((built, executed)));
        }
        self.failures.clear();
        self.vouched = None;
        let told = std::mem::take(&mut self.problems);
        self.earlier = Earlier { ran: (built.compiled, built.restored, built.ran), told };
        Ok(None)
    }

    /// Builds `discovery`, and what a failed link makes of it, in at most [`ROUNDS`] rounds.
    pub(super) fn try_out(
        &mut self,
        mut discovery: Discovery,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Tried>> {
        let mut rounds = 0;
        let mut earlier = std::mem::take(&mut self.earlier.ran);
        loop {
            let mut held = Vec::new();
            let mut hold = hold_back(self.is_guess(), &mut held, on_event);
            let Some(mut tried) = self.once(discovery, &mut hold)? else { return Ok(None) };
            drop(hold);
            let changes = if rounds < ROUNDS { self.changes(&tried) } else { Changes::default() };
            if changes == Changes::default() {
                held.into_iter().for_each(on_event);
                add(&mut tried, earlier);
                if rounds > 0 {
                    // What was decided by symbols is decided again whenever anything has changed.
                    self.config.clear();
                }
                return Ok(Some(tried));
            }
            rounds += 1;
            // What else is for other systems is to be seen at once.
            self.thorough = changes.out.iter().any(|(_, why)| matches!(why, LeftOut::OtherSystem(_)));
            earlier = (
                earlier.0 + tried.built.compiled,
                earlier.1 + tried.built.restored,
                earlier.2 + tried.built.ran,
            );
            let (next, told) = apply(tried.discovery, &changes);
            self.tell(told, on_event);
            discovery = next;
        }
    }

    /// What the symbols say where nothing but a link of what was discovered has failed, or where the
    /// library shows nothing at all.
    fn changes(&self, tried: &Tried) -> Changes {
        let guessed = self.is_guess();
        if guessed && tried.built.success && tried.discovery.manner.hides_some() {
            return Changes { show_all: self.is_empty(tried), ..Changes::default() };
        }
        if guessed && let Some(older) = self.needs_older(tried) {
            return Changes { older: Some(older), ..Changes::default() };
        }
        let links = self.failures.iter().all(|failure| {
            tried.plan.graph.actions().get(failure.action).is_some_and(|action| is_link(action.kind))
        });
        if !guessed || self.failures.is_empty() || tried.built.cancelled {
            return Changes::default();
        }
        if !links {
            let out = self.for_other_systems(tried).unwrap_or_default();
            return Changes { out, ..Changes::default() };
        }
        let Some(units) = self.units(tried) else { return Changes::default() };
        let undefined: BTreeSet<String> = self
            .failures
            .iter()
            .flat_map(|failure| parse_link_errors(&failure.output))
            .filter_map(|error| match error {
                LinkError::Undefined { symbol, .. } => Some(symbol),
                _ => None,
            })
            .collect();
        let text = |path: &FilePath| self.project.memo.text(path).ok();
        let changes = decide(&units, &undefined, &tried.discovery.left_out, &text);
        match changes == Changes::default() {
            true => several::decide(&units, &tried.discovery),
            false => changes,
        }
    }

    /// A source where all that failed is older than the standard that nobody has asked for.
    fn needs_older(&self, tried: &Tried) -> Option<String> {
        let is_asked = self.project.manifest.compile.std.is_some() || tried.discovery.manner.std.is_some();
        let all = self.failures.iter().all(|failure| needs_older(&failure.output));
        let first = self.failures.first().filter(|_| all && !is_asked && !tried.built.cancelled)?;
        tried.plan.graph.actions().get(first.action).map(|action| action.label.clone())
    }

    /// Whether nobody has said which sources make what, so that a failure may say more.
    fn is_guess(&self) -> bool {
        self.project.manifest.targets.is_empty() && !self.request.dry_run
    }

    /// The sources that are for other systems, where nothing else kept any from being compiled;
    /// `None` where something did, or where a build description names them.
    fn for_other_systems(&self, tried: &Tried) -> Option<Vec<(FilePath, LeftOut)>> {
        let library = tried.discovery.targets.iter().find(|target| target.kind == TargetKind::Library)?;
        let out = self.failures.iter().filter_map(|failure| {
            let action = tried.plan.graph.actions().get(failure.action)?;
            let source = FilePath::new(action.label.as_bytes());
            let (includer, system) = header_of_other_system(&failure.output)?;
            let is_part = action.kind == ActionKind::Compile && library.sources.contains(&source);
            // What is looked at through the memo is looked at again by the next build: once there is such
            // a header, all is decided anew.
            let readers = [source.clone(), includer.unwrap_or_else(|| source.clone())];
            Probes::default().of(&self.project.memo, &action.discovery, &readers);
            is_part.then(|| (source, LeftOut::OtherSystem(system.into())))
        });
        let out: Vec<(FilePath, LeftOut)> = out.collect();
        let is_described = !tried.discovery.evidence.is_empty();
        // A library of nothing is none.
        let some_stay = out.len() < library.sources.len();
        (out.len() == self.failures.len() && some_stay && !is_described).then_some(out)
    }

    /// Whether the library that was made shows nothing.
    fn is_empty(&self, tried: &Tried) -> bool {
        let library =
            tried.built.results.iter().find(|result| result.ends_with(".so") || result.ends_with(".dylib"));
        let report = library.and_then(|path| inspect(&self.project.root().as_path().join(path)).ok());
        report.is_some_and(|report| report.exports.is_empty())
    }

    /// The units of the library; `None` where one of them cannot be looked into.
    fn units(&self, tried: &Tried) -> Option<Vec<Unit>> {
        let library = tried.discovery.targets.iter().find(|target| target.kind == TargetKind::Library)?;
        let objects = objects(&tried.plan);
        let units = library.sources.iter().map(|source| {
            let object = objects.get(source.to_string().as_str())?;
            let bytes = std::fs::read(self.project.root().resolve(object)).ok()?;
            Some(Unit { source: source.clone(), symbols: unit_symbols(&bytes).ok()? })
        });
        units.collect()
    }
}

fn is_link(kind: ActionKind) -> bool {
    matches!(kind, ActionKind::Link | ActionKind::LinkIr)
}

fn ended(event: &Event) -> Option<Outcome> {
    match event {
        Event::Finished { outcome, .. } => Some(*outcome),
        _ => None,
    }
}

/// Passes events on, of a guess but failures that another round may do without: these go to `held`.
fn hold_back<'h>(
    is_guess: bool,
    held: &'h mut Vec<Event>,
    on_event: &'h mut dyn FnMut(Event),
) -> impl FnMut(Event) + 'h {
    move |event| {
        // What waits for a failure that is held back is held back, too.
        let waits = !held.is_empty() && ended(&event) == Some(Outcome::Blocked);
        match is_guess && (may_be_tried(&event) || waits) {
            true => held.push(event),
            false => on_event(event),
        }
    }
}

/// Whether it tells of a failure that another round may do without.
fn may_be_tried(event: &Event) -> bool {
    let Event::Finished { kind, outcome: Outcome::Failed, output, .. } = event else { return false };
    let may_compile = || needs_older(output) || header_of_other_system(output).is_some();
    is_link(*kind) || (*kind == ActionKind::Compile && may_compile())
}

/// By source what it is compiled to.
fn objects(plan: &Plan) -> HashMap<&str, &FilePath> {
    let makes = |kind| plan.graph.actions().iter().filter(move |action| action.kind == kind);
    // Where a compile gives IR alone, what makes the object comes after it.
    let actions = makes(ActionKind::Compile).chain(makes(ActionKind::Codegen));
    actions.filter_map(|action| Some((action.label.as_str(), action.outputs.first()?))).collect()
}

/// Adds what earlier rounds did to what the last one says of itself: units compiled and restored, and
/// processes.
fn add(tried: &mut Tried, earlier: (usize, usize, usize)) {
    let built = &mut tried.built;
    let (compiled, restored, ran) = earlier;
    built.fresh = built.fresh.saturating_sub(compiled + restored);
    built.compiled += compiled;
    built.restored += restored;
    built.ran += ran;
}
