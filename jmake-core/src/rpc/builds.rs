//! What a build replies in the first jmake's shape: success, library, time, and where it failed.

use std::collections::BTreeMap;

use super::object::{Place, reply};
use super::{Call, Stop};
use crate::build::Build;
use crate::built::Built;
use crate::event::{ActionKind, Diagnostic, Event, Outcome};

reply! {
    /// What a build gave.
    Reply {
        /// whether everything asked for is there
        success: bool,
        /// the library, or the first result where there is none; missing when the build failed
        library_path: Option<Place>,
        /// everything that was asked for; empty when the build failed
        results: Vec<Place>,
        /// how long it took, in seconds
        elapsed_time: f64,
        /// how far it came: `plan` (discovery and configuration), `compile`, `link` (of IR), `optimize`, `object`, `library`
        stages: BTreeMap<String, bool>,
        /// the first of the stages that was not reached
        failed_stage: Option<String>,
        /// the actions that failed
        failures: Vec<FailedAction>,
        /// what jmake had to say
        diagnostics: Vec<Diagnostic>,
        /// all that is known of the build
        built: Built,
    }
}

reply! {
    /// An action that failed.
    FailedAction {
        /// the stage it belongs to
        stage: String,
        /// what it was about: the source, or the result
        action: String,
        /// what the tool wrote
        output: String,
    }
}

/// The stages, in order.
const STAGES: [&str; 6] = ["plan", "compile", "link", "optimize", "object", "library"];

fn stage_of(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Compile => "compile",
        ActionKind::Extract | ActionKind::LinkIr => "link",
        ActionKind::Optimize => "optimize",
        ActionKind::Codegen | ActionKind::Lower => "object",
        ActionKind::Link | ActionKind::Archive => "library",
    }
}

/// What is heard of a build while it runs.
#[derive(Default)]
pub(super) struct Heard {
    planned: bool,
    /// By stage: whether an action of it failed or could not be run.
    broken: BTreeMap<&'static str, bool>,
    /// The actions that failed.
    pub(super) failures: Vec<FailedAction>,
    /// What jmake said.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How each compile ended, by its number: its source and its outcome.
    pub(super) units: BTreeMap<usize, (String, Outcome)>,
}

impl Heard {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned { .. } => self.planned = true,
            Event::Diagnostic(problem) => self.diagnostics.push(problem.clone()),
            Event::Finished { action, kind, label, outcome, output, .. } => {
                if *kind == ActionKind::Compile {
                    self.units.insert(*action, (label.clone(), *outcome));
                }
                let broken = matches!(outcome, Outcome::Failed | Outcome::Blocked);
                *self.broken.entry(stage_of(*kind)).or_default() |= broken;
                if *outcome == Outcome::Failed {
                    let (stage, action) = (stage_of(*kind).to_owned(), label.clone());
                    self.failures.push(FailedAction { stage, action, output: output.clone() });
                }
            }
            _ => {}
        }
    }

    /// Which stages were reached: each needs those before it.
    fn stages(&self, success: bool) -> BTreeMap<String, bool> {
        let mut good = success || self.planned;
        let reached = |stage: &&'static str| {
            good &= success || !self.broken.get(stage).copied().unwrap_or(false);
            // Of a build that was stopped, the last stage was not reached whatever was heard.
            good &= success || *stage != "library";
            ((*stage).to_owned(), good)
        };
        STAGES.iter().map(reached).collect()
    }
}

/// Builds as `request` asks; passes on what happens and gathers it.
pub(super) fn heard(call: &mut Call<'_>, request: &Build) -> Result<(Built, Heard), Stop> {
    let mut heard = Heard::default();
    let on_event = &mut *call.on_event;
    let mut listen = |event: Event| {
        heard.hear(&event);
        on_event(event);
    };
    let built = match call.build {
        Some(build) => build(request, call.cancel, &mut listen)?,
        None => call.engine.build(request, call.cancel, &mut listen)?,
    };
    Ok((built, heard))
}

/// Builds as `request` asks, and again after each change, until cancelled; gives the last round.
pub(super) fn watch(call: &mut Call<'_>, request: &Build) -> Result<Reply, Stop> {
    let mut heard = Heard::default();
    let on_event = &mut *call.on_event;
    let mut listen = |event: Event| {
        if let Event::Changed { .. } = event {
            heard = Heard::default();
        }
        heard.hear(&event);
        on_event(event);
    };
    let built = match call.build {
        Some(build) => call.engine.watch_by(build, request, call.cancel, &mut listen)?,
        None => call.engine.watch(request, call.cancel, &mut listen)?,
    };
    Ok(reply_of(call, request, built, heard))
}

/// Builds as `request` asks.
pub(super) fn build(call: &mut Call<'_>, request: &Build) -> Result<Reply, Stop> {
    let (built, heard) = heard(call, request)?;
    Ok(reply_of(call, request, built, heard))
}

fn reply_of(call: &Call<'_>, request: &Build, built: Built, heard: Heard) -> Reply {
    let root = call.engine.root().as_path();
    let there = built.success && !request.dry_run;
    let results: Vec<Place> = match there {
        true => built.results.iter().map(|file| Place(root.join(file))).collect(),
        false => Vec::new(),
    };
    let is_library = |file: &&Place| {
        file.0.extension().is_some_and(|end| ["so", "dylib", "dll"].iter().any(|known| end == *known))
    };
    let stages = heard.stages(built.success);
    let failed_stage = STAGES.iter().find(|stage| stages.get(**stage) == Some(&false));
    Reply {
        success: built.success,
        library_path: results.iter().find(is_library).or(results.first()).cloned(),
        results,
        elapsed_time: built.elapsed.as_secs_f64(),
        failed_stage: failed_stage.map(|stage| (*stage).to_owned()),
        stages,
        failures: heard.failures,
        diagnostics: heard.diagnostics,
        built,
    }
}
