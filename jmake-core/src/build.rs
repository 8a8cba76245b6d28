//! `build`: discover → configure → plan → execute → publish, under the project's lock.
//!
//! The short way first: if the [`Snapshot`] of the last good build still holds, its reply is the
//! reply.  Otherwise the five phases run, each a function from values to a value, and what they
//! learned is saved.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::absent::Probes;
use crate::configure::{self, Config, Environment, Sources, Wanted, configure};
use crate::diagnose::{self, Failure, Scene, diagnose};
use crate::digest::{Digest, Fields};
use crate::discover::{Discovery, Tree};
use crate::event::{ActionKind, Diagnostic, Event, Outcome, Reason, Severity};
use crate::execute::{self, Executed, execute};
use crate::fs::{self, Lock};
use crate::jobserver::Tokens;
use crate::log::Log;
use crate::manifest::Kind;
use crate::path::{FilePath, Root};
use crate::plan::{Plan, STATE_DIR, plan};
use crate::prebuilt::{Inspected, inspect_libraries};
use crate::process::Cancel;
use crate::project::{MANIFEST, MARKER, Project};
use crate::publish;
use crate::recorded;
use crate::run::Context;
use crate::snapshot::Snapshot;

/// What `build` is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Build {
    /// Profile, targets, and so on.
    pub wanted: Wanted,
    /// Ignore every cache: run each action.
    pub force: bool,
    /// Skip discovery: use what the last build found.
    pub quick: bool,
    /// Go on with what does not need a failed action.
    pub keep_going: bool,
    /// Only tell what would run.
    pub dry_run: bool,
}

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
    /// Of a project of finished libraries: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<Inspected>,
    /// Whether nothing was recorded of the project before.
    #[serde(skip)]
    pub first: bool,
    /// Whether something has to run in every build.
    pub untracked: bool,
    /// How long it took.
    #[serde(skip)]
    pub elapsed: Duration,
    /// Nothing was even looked into: the snapshot held.
    #[serde(skip)]
    pub untouched: bool,
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
}

/// Builds the project at `root`.
///
/// # Errors
/// When jmake cannot do its work.  A failing action is no error: see [`Built::success`].
pub fn build(
    root: &Root,
    environment: &Environment,
    request: &Build,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    let start = Instant::now();
    let state = root.as_path().join(STATE_DIR);
    fs::create_dir_all(&state)?;
    let _lock = lock(root, cancel, on_event)?;
    let asked = asked(environment, request)?;
    let snapshot_file = state.join(format!("snapshot-{}", asked.short()));
    if !request.force
        && !request.dry_run
        && let Some(checked) = Snapshot::check(&snapshot_file, asked, root)
        && let Ok(built) = serde_json::from_slice::<Built>(&checked.reply)
    {
        if let Some(better) = checked.refreshed {
            better.save(&snapshot_file).ok();
        }
        return Ok(replay(built, start, on_event));
    }
    let first = !recorded::is_recorded(root);
    let mut work = Work::open(root, environment, request, cancel)?;
    let built = work.all(on_event);
    let saved = work.project.save();
    let mut built = built?;
    saved?;
    // The libraries of others are not looked at through the memo.
    let seen_whole = !built.untracked && built.libraries.is_empty();
    if built.success && !request.dry_run && seen_whole {
        work.snapshot(asked, &built, &snapshot_file);
    }
    built.first = first;
    built.elapsed = start.elapsed();
    Ok(built)
}

/// Takes the project's lock: one build, or one cleaning, at a time.
///
/// # Errors
/// When the lock cannot be made, or the wait for it was cancelled.
pub fn lock(root: &Root, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Lock> {
    let file = root.as_path().join(STATE_DIR).join("lock");
    let whoami = format!("`jmake build` with process id {}", std::process::id());
    let waiting = |holder: &str| on_event(Event::Waiting { holder: holder.to_owned() });
    Lock::acquire(&file, &whoami, waiting, || cancel.is_cancelled())
        .with_context(|| format!("cannot lock `{}`", file.display()))
}

/// What was asked for and in what environment: two equal digests ask for the same.
fn asked(environment: &Environment, request: &Build) -> Result<Digest> {
    let mut fields = Fields::new();
    fields.push("jmake", env!("CARGO_PKG_VERSION"));
    // The pipe of a make above is another one each time and changes no result.
    let environment = Environment { makeflags: String::new(), ..environment.clone() };
    fields.push("environment", serde_json::to_vec(&environment)?);
    // How many jobs run, and whether a failure stops the rest, changes no good result.
    let wanted = Wanted { jobs: None, ..request.wanted.clone() };
    fields.push("wanted", serde_json::to_vec(&wanted)?);
    Ok(fields.digest())
}

/// Gives a recorded reply: nothing ran, and warnings are shown again.
fn replay(mut built: Built, start: Instant, on_event: &mut dyn FnMut(Event)) -> Built {
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
    built.elapsed = start.elapsed();
    built.untouched = true;
    built
}

/// A build that is under way.
struct Work<'a> {
    project: Project,
    environment: &'a Environment,
    request: &'a Build,
    cancel: &'a Cancel,
    tree: Tree,
    /// Files and folders outside the root that the toolchain was chosen by.
    consulted: Vec<FilePath>,
}

impl<'a> Work<'a> {
    fn open(
        root: &Root,
        environment: &'a Environment,
        request: &'a Build,
        cancel: &'a Cancel,
    ) -> Result<Work<'a>> {
        let project = Project::open(root, environment)?;
        Ok(Work { project, environment, request, cancel, tree: Tree::default(), consulted: Vec::new() })
    }

    fn all(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
        let problems = std::mem::take(&mut self.project.problems);
        if tell(problems, on_event) {
            return Ok(Built::default());
        }
        if self.project.manifest.binary.kind == Some(Kind::Prebuilt) {
            return self.prebuilt(on_event);
        }
        let Some(discovery) = self.discover(on_event)? else { return Ok(Built::default()) };
        let Some(config) = self.configure(&discovery, on_event)? else {
            return Ok(Built::default());
        };
        self.write_manifest(&discovery)?;
        let plan = plan(&config);
        let mut failures = Vec::new();
        let built = self.run(&config, &plan, &mut failures, on_event)?;
        self.diagnose(&discovery, &plan, &failures, on_event);
        if built.success && !self.request.dry_run && !self.request.quick {
            recorded::record(self.project.root(), &self.tree, &discovery)?;
        }
        Ok(built)
    }

    /// What lies in the project and what is made of it; `None` when that is already wrong.
    fn discover(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<Option<Discovery>> {
        if self.request.quick {
            let Some((tree, discovery)) = recorded::recorded(self.project.root()) else {
                let nothing = Diagnostic::error(
                    "nothing is recorded of this project, so `--quick` has nothing to go by",
                )
                .hint("run `jmake build` once without `--quick`");
                tell(vec![nothing], on_event);
                return Ok(None);
            };
            self.tree = tree;
            return Ok(Some(discovery));
        }
        self.tree = self.project.scan()?;
        if tell(std::mem::take(&mut self.tree.problems), on_event) {
            return Ok(None);
        }
        let discovery = self.project.discover(&self.tree)?;
        tell(discovery.problems.clone(), on_event);
        Ok(Some(discovery))
    }

    /// A project of finished libraries: they are looked into.
    fn prebuilt(&self, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
        let manifest = &self.project.manifest;
        let host = || self.project.toolchain(self.environment, self.cancel).ok();
        let triple = manifest.machine.triple.clone().or_else(|| Some(host()?.host_triple().to_owned()));
        let lib_dirs: Vec<_> = manifest.link.lib_dirs.iter().map(std::path::PathBuf::from).collect();
        let libraries =
            inspect_libraries(self.project.root(), &triple.unwrap_or_else(this_machine), &lib_dirs)?;
        if libraries.is_empty() {
            let none = Diagnostic::warning("there are no libraries in `lib` yet")
                .hint("put finished libraries there, or remove `kind = \"prebuilt\"` to compile sources");
            tell(vec![none], on_event);
        }
        for library in &libraries {
            tell(library.problems.clone(), on_event);
        }
        let failed = libraries.iter().filter(|library| !library.is_good()).count();
        Ok(Built {
            success: failed == 0,
            profile: "prebuilt".into(),
            results: libraries.iter().map(|library| library.path.clone()).collect(),
            fresh: libraries.len() - failed,
            failed,
            libraries,
            ..Built::default()
        })
    }

    fn configure(
        &mut self,
        discovery: &Discovery,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Config>> {
        let toolchain = match self.project.toolchain(self.environment, self.cancel) {
            Ok(toolchain) => toolchain,
            Err(missing) => {
                tell(vec![missing.diagnostic()], on_event);
                return Ok(None);
            }
        };
        self.consulted = toolchain.consulted();
        let sources = Sources {
            memo: &self.project.memo,
            tree: &self.tree,
            discovery,
            manifest: &self.project.manifest,
            toolchain: &toolchain,
            ask: self.project.ask(self.cancel),
            environment: self.environment,
        };
        let (config, problems) = configure(&sources, &self.request.wanted)?;
        tell(problems, on_event);
        Ok(config)
    }

    /// A marked folder without a manifest gets one; a foreign folder is left as it is.
    fn write_manifest(&mut self, discovery: &Discovery) -> Result<()> {
        let root = self.project.root().as_path();
        if self.project.text.is_some() || !root.join(MARKER).is_file() || self.request.dry_run {
            return Ok(());
        }
        let facts = configure::generated_facts(&self.project.name(), discovery);
        fs::write(&root.join(MANIFEST), crate::setup::generate_config(&facts).as_bytes())?;
        self.project.memo.forget(&FilePath::new(MANIFEST));
        self.project.memo.digest(&FilePath::new(MANIFEST)).ok();
        Ok(())
    }

    /// Says what can be done about actions that failed.
    fn diagnose(
        &self,
        discovery: &Discovery,
        plan: &Plan,
        failures: &[Failure],
        on_event: &mut dyn FnMut(Event),
    ) {
        if failures.is_empty() {
            return;
        }
        let scene = Scene {
            memo: &self.project.memo,
            tree: &self.tree,
            discovery,
            manifest: &self.project.manifest,
            graph: &plan.graph,
            ask: self.project.ask(self.cancel),
            path: &self.environment.path,
            pkg_config_path: self.environment.pkg_config_path.as_deref().map(std::path::Path::as_os_str),
        };
        tell(diagnose(&scene, failures), on_event);
    }

    fn run(
        &mut self,
        config: &Config,
        plan: &Plan,
        failures: &mut Vec<Failure>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Built> {
        let memo = &self.project.memo;
        let state = memo.root().as_path().join(STATE_DIR);
        // What a killed build left there is of no use to anyone.
        fs::remove_dir_all(&state.join("tmp")).ok();
        let (mut log, damaged) = Log::open(&state.join("log"));
        if damaged {
            tell(
                vec![Diagnostic::note("the end of the build log was damaged; what it held is built again")],
                on_event,
            );
        }
        let store = self.project.store();
        let probes = Probes::default();
        let context = Context { memo, probes: &probes, store: store.as_ref(), cancel: self.cancel };
        let tokens = Tokens::inherited(&self.environment.makeflags);
        let missing = |executed: &Executed| publish::out_of_reach(&context, plan, executed);
        let options = execute::Options {
            jobs: config.jobs,
            tokens: &tokens,
            keep_going: self.request.keep_going,
            force: self.request.force,
            dry_run: self.request.dry_run,
            missing: &missing,
        };
        let mut warnings = Vec::new();
        let mut listen = |mut event: Event| {
            if let Event::Finished { action, kind, output, outcome: Outcome::Failed, .. } = &mut event {
                let said = diagnose::says_all(*kind, output);
                // What is said better afterwards need not be said twice.
                let output = if said { std::mem::take(output) } else { output.clone() };
                failures.push(Failure { action: *action, output });
            }
            if let Event::Finished { label, output, outcome, .. } = &event
                && !output.is_empty()
                && matches!(outcome, Outcome::Fresh | Outcome::Restored | Outcome::Ran)
            {
                warnings.push((label.clone(), output.clone()));
            }
            on_event(event);
        };
        let executed = execute(&plan.graph, &mut log, &context, &options, &mut listen)?;
        let mut built = summary(config, plan, &executed);
        built.warnings = warnings;
        built.settings_in_memory = self.project.text.is_none() && !state.join("..").join(MARKER).is_file();
        if self.request.dry_run {
            return Ok(built);
        }
        if built.success {
            for file in publish::publish(&context, plan, &executed)? {
                on_event(Event::Published { path: file.to_string() });
            }
            let everything = self.request.wanted.targets.is_empty();
            publish::remove_orphans(memo, plan, &executed, everything)?;
            publish::compile_commands(memo, &plan.commands)?;
        }
        explain(&state, plan, &executed)?;
        log.compact()?;
        self.look_after(store.as_ref(), on_event);
        Ok(built)
    }

    /// Keeps the shared store within its limits, and says once what is wrong with it.
    fn look_after(&self, store: Option<&crate::cas::Store>, on_event: &mut dyn FnMut(Event)) {
        let Some(store) = store else { return };
        if let Some(trouble) = store.trouble() {
            let warning = Diagnostic::warning(format!("the shared cache cannot be written: {trouble}"))
                .hint("the build is complete without it; see `jmake cache stat`");
            on_event(Event::Diagnostic(warning));
        }
        store.gc_now_and_then(self.project.limits());
    }

    /// Records what this build depended on.  Not doing so only makes the next one slower.
    fn snapshot(&self, asked: Digest, built: &Built, file: &std::path::Path) {
        let memo = &self.project.memo;
        for path in &self.consulted {
            memo.stat(path);
        }
        let is_folder = |path: &&FilePath| memo.stat(path).is_some_and(|stat| stat.is_dir());
        let mut listed = self.tree.dirs.clone();
        listed.extend(self.consulted.iter().filter(is_folder).cloned());
        for result in &built.results {
            memo.digest(&FilePath::new(result)).ok();
        }
        let Ok(reply) = serde_json::to_vec(built) else { return };
        // Anything created since it was looked for would be part of the listings but not of the
        // build; so the tree is scanned once more, and nothing is recorded if it has changed.
        let Some(snapshot) = Snapshot::take(memo, asked, &listed, reply) else { return };
        let again = Project::open(memo.root(), self.environment).and_then(|project| project.scan());
        // What this build wrote itself was not there when it began.
        let own = |path: &FilePath| {
            matches!(path.as_bytes(), b"compile_commands.json" | b"jmake.toml")
                || built.results.iter().any(|result| path.as_bytes() == result.as_bytes())
        };
        let found = |tree: &Tree| {
            let files = tree.files.iter().filter(|file| !own(&file.path)).cloned();
            (files.collect::<Vec<_>>(), tree.dirs.clone())
        };
        let same = |tree: Tree| found(&tree) == found(&self.tree);
        if again.is_ok_and(same) {
            snapshot.save(file).ok();
        }
    }
}

/// The graph that a build of `request` would execute, and the configuration it comes from; `None`
/// when there is none, for reasons that `on_event` was told.  Nothing is built.
///
/// # Errors
/// When jmake cannot do its work.
pub fn planned(
    project: Project,
    environment: &Environment,
    request: &Build,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<(Config, Plan)>> {
    let mut work =
        Work { project, environment, request, cancel, tree: Tree::default(), consulted: Vec::new() };
    let Some(discovery) = work.discover(on_event)? else { return Ok(None) };
    let config = work.configure(&discovery, on_event)?;
    Ok(config.map(|config| {
        let plan = plan(&config);
        (config, plan)
    }))
}

/// The machine jmake itself was built for, where no compiler can be asked.
fn this_machine() -> String {
    format!("{}-unknown-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Passes problems on; tells whether one of them is an error.
fn tell(problems: Vec<Diagnostic>, on_event: &mut dyn FnMut(Event)) -> bool {
    let stop = problems.iter().any(|problem| problem.severity == Severity::Error);
    for problem in problems {
        on_event(Event::Diagnostic(problem));
    }
    stop
}

fn summary(config: &Config, plan: &Plan, executed: &Executed) -> Built {
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
        ..Built::default()
    }
}

/// Keeps what became of each action that was not fresh, for `jmake explain`.
fn explain(state: &std::path::Path, plan: &Plan, executed: &Executed) -> Result<()> {
    let mut list = Vec::new();
    for (id, outcome) in &executed.outcomes {
        if *outcome == Outcome::Fresh {
            continue;
        }
        let action = &plan.graph.actions()[*id];
        let why = executed.reasons.get(id);
        list.push(Explained {
            label: action.label.clone(),
            kind: action.kind.name().to_owned(),
            outcome: serde_json::to_value(outcome)?.as_str().unwrap_or_default().to_owned(),
            why: why.map(Reason::to_string),
            reason: why.map(serde_json::to_value).transpose()?,
        });
    }
    fs::write(&state.join("explain.json"), &serde_json::to_vec(&list)?)
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
