//! `build`: discover → configure → plan → execute → publish, under the project's lock.
//!
//! The short ways first ([`crate::standing`]): if everything stands that the last good build was
//! made of, its reply is the reply; if only the text of some sources differs, what it decided is
//! executed again.  Otherwise the five phases run, each a function from values to a value, and what
//! they learned is saved.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

mod proof;

use proof::{Earlier, Tried};

use crate::absent::Probes;
use crate::asked::Asked;
use crate::built;
pub use crate::built::{Built, Explained, explained};
use crate::cas::Store;
use crate::configure::{self, Config, Environment, Sources, Wanted, configure};
use crate::diagnose::{self, AtStage, Failed, Failure, Scene, Stage, diagnose};
use crate::discover::{Discovery, Tree, detect_binaries};
use crate::event::{Diagnostic, Event, Outcome, Severity};
use crate::execute::{self, Executed, execute, execute_again};
use crate::freshness::Vouched;
use crate::fs::{self, Lock};
use crate::jobserver::Tokens;
use crate::log::{Log, Mark};
use crate::manifest::Kind;
use crate::path::{FilePath, Root};
use crate::plan::{Plan, STATE_DIR, plan};
use crate::prebuilt::inspect_libraries;
use crate::prepare::prepare;
use crate::process::Cancel;
use crate::project::{MANIFEST, MARKER, Project};
use crate::publish;
use crate::recorded;
use crate::run::Context;
use crate::scratch::Scratch;
use crate::standing::{Decided, Last, Scanned, Standing};
use crate::tally::{Cache, Count, Counts};
use crate::toolchain::Toolchain;
use crate::warm::Warm;

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
    /// Nobody has asked yet: whatever else the machine has to do goes first, and these files, from
    /// the root, before others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Vec<String>>,
    /// Stop when all units are compiled; the results are what they were compiled to.
    #[serde(default)]
    pub compile_only: bool,
}

/// Builds the project at `root`; `warm` is what earlier requests to it have left in memory.
///
/// # Errors
/// When jmake cannot do its work.  A failing action is no error: see [`Built::success`].
pub fn build(
    root: &Root,
    environment: &Environment,
    request: &Build,
    warm: Option<&Warm>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    let start = Instant::now();
    let state = root.as_path().join(STATE_DIR);
    fs::create_dir_all(&state)?;
    let _lock = lock(root, cancel, on_event)?;
    let last = Last::of(&state, environment, &request.wanted, warm)?;
    let standing = match request.force || request.dry_run || request.compile_only {
        true => Standing::Nothing,
        false => last.standing(root),
    };
    if let Standing::Everything(built, refreshed) = standing {
        // A build that was killed as it ended has left its folder behind.
        if refreshed.is_some() || Scratch::is_left_behind(&state) {
            let _scratch = Scratch::begin(root, &state)?;
            refreshed.inspect(|better| last.refresh(better));
        }
        return Ok(built::replay(*built, start, on_event));
    }
    let scratch = Scratch::begin(root, &state)?;
    let first = !recorded::is_recorded(root);
    // What earlier builds left is read at once.
    let (project, log) = rayon::join(|| Project::open(root, environment), || Log::open(&state.join("log")));
    let mut project = match warm {
        Some(warm) => project?.sharing(warm.answers()),
        None => project?,
    };
    if request.wanted.no_evidence {
        project.manifest.discovery.evidence = Some(false);
    }
    let mut work = Work::on(project, environment, request, cancel, scratch.dir());
    work.log = Some(log);
    let mut decided = match standing {
        Standing::AllButText(moved) => last.decided(moved, &work.project, &request.wanted),
        _ => None,
    };
    let again =
        decided.as_ref().map(|decided| work.again(decided, on_event)).transpose().map(Option::flatten);
    decided = decided.filter(|_| !matches!(again, Ok(None)));
    let built = again.and_then(|built| built.map_or_else(|| work.all(on_event), Ok));
    let saved = work.project.save();
    let mut built = built.map_err(|e| AtStage::wrap(work.stage.get(), e))?;
    saved?;
    built.counts.add(&work.counts(decided.as_ref()));
    if !request.dry_run {
        built::keep_counts(&state, &built.counts);
    }
    built.problems = std::mem::take(&mut work.problems);
    if !built.success && built.failures.is_empty() {
        let errors = built.problems.iter().filter(|problem| problem.is_error());
        built.failures = errors.map(|problem| Failed::at(work.stage.get(), problem)).collect();
    }
    // The libraries of others are not looked at through the memo.
    let seen_whole = !built.untracked && built.libraries.is_empty() && !request.compile_only;
    if built.success
        && !request.dry_run
        && seen_whole
        && let Some((log, _)) = &work.log
    {
        let (memo, mark) = (&work.project.memo, log.mark());
        match decided {
            Some(decided) => last.record_again(memo, decided, mark, &built),
            None => last.record(memo, &work.scanned(mark), &built),
        }
    }
    built.first = first;
    built.elapsed = start.elapsed();
    // Freeing a million small things takes its time, and nobody need wait for it.
    let Work { project, log, .. } = work;
    rayon::spawn(move || drop((project, log)));
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

/// Keeps what is said of an action: failures, to find their causes, and warnings, to repeat them.
fn gather(event: &mut Event, failures: &mut Vec<Failure>, warnings: &mut Vec<(String, String)>) {
    let Event::Finished { action, kind, label, output, outcome, .. } = event else { return };
    match outcome {
        Outcome::Failed => {
            // What is said better afterwards need not be said twice.
            let said = diagnose::says_all(*kind, output);
            let output = if said { std::mem::take(output) } else { output.clone() };
            failures.push(Failure { action: *action, output });
        }
        Outcome::Blocked => {}
        _ if output.is_empty() => {}
        _ => warnings.push((label.clone(), output.clone())),
    }
}

/// A build that is under way.
struct Work<'a> {
    project: Project,
    environment: &'a Environment,
    request: &'a Build,
    cancel: &'a Cancel,
    /// Where processes write until what they wrote is known to be good.
    scratch: PathBuf,
    tree: Tree,
    /// Files and folders besides the sources that decided: those that the toolchain was chosen by,
    /// and templates of headers.
    consulted: Vec<FilePath>,
    failures: Vec<Failure>,
    /// The toolchain, where discovery had to ask it.
    toolchain: Option<Toolchain>,
    /// The project's traces, and whether some were lost to damage.
    log: Option<(Log, bool)>,
    /// What is wrong with the project, to be said again by every build that replays this one.
    /// What only happened to this build, such as a damaged log, is not among it.
    problems: Vec<Diagnostic>,
    /// What was configured, to be kept; empty when it need not be.
    config: Vec<u8>,
    /// Why most records need not be compared, if so.
    vouched: Option<Vouched>,
    /// How much of what was discovered and configured was known.
    counts: Counts,
    /// Whether a failure does not keep the rest from being tried.
    thorough: bool,
    /// An attempt that came to nothing.
    earlier: Earlier,
    /// How far it has come.
    stage: Cell<Stage>,
}

impl<'a> Work<'a> {
    fn on(
        project: Project,
        environment: &'a Environment,
        request: &'a Build,
        cancel: &'a Cancel,
        scratch: &Path,
    ) -> Work<'a> {
        Work {
            project,
            environment,
            request,
            cancel,
            scratch: scratch.to_owned(),
            tree: Tree::default(),
            consulted: Vec::new(),
            failures: Vec::new(),
            toolchain: None,
            log: None,
            problems: Vec::new(),
            config: Vec::new(),
            vouched: None,
            counts: Counts::default(),
            thorough: false,
            earlier: Earlier::default(),
            stage: Cell::default(),
        }
    }

    /// How much of what was needed up to the plan was known: of a build that went by what was
    /// `decided` before, all but the text of what has changed.
    fn counts(&self, decided: Option<&Decided>) -> Counts {
        let mut counts = self.project.counts();
        let Some(decided) = decided else {
            counts.add(&self.counts);
            return counts;
        };
        let before = decided.reply.counts.clone().known();
        for cache in [Cache::Tools, Cache::FileScans, Cache::Binaries, Cache::Configuration] {
            counts.count(cache, before.of(cache));
        }
        let all =
            before.of(Cache::IncludeGraphs).total().saturating_sub(counts.of(Cache::IncludeGraphs).total());
        counts.with(Cache::IncludeGraphs, Count { hits: all, misses: 0 })
    }

    fn count_tree(&mut self, known: bool) {
        let of = |number| if known { Count::of(number, 0) } else { Count::of(0, number) };
        self.counts.count(Cache::FileScans, of(self.tree.files.len()));
        self.counts.count(Cache::Binaries, of(detect_binaries(&self.tree).len()));
    }

    /// The build of a project of which only the text of some files has changed: nothing is looked
    /// for and nothing decided anew; `None` where it must be after all.
    fn again(&mut self, decided: &Decided, on_event: &mut dyn FnMut(Event)) -> Result<Option<Built>> {
        self.tell(decided.reply.problems.clone(), on_event);
        let plan = plan(&decided.config);
        self.vouched = Some(decided.vouched());
        let Some((mut built, executed)) = self.run_again(decided, &plan, on_event)? else { return Ok(None) };
        let discovery = match self.failures.is_empty() {
            true => Discovery::default(),
            false => self.discover(&mut |_| {})?.unwrap_or_default(),
        };
        self.explain(&discovery, &plan, &executed, &mut built, on_event)?;
        Ok(Some(built))
    }

    /// Says what is wrong with the project; tells whether one of it is an error.
    fn tell(&mut self, problems: Vec<Diagnostic>, on_event: &mut dyn FnMut(Event)) -> bool {
        self.problems.extend(problems.iter().cloned());
        tell(problems.into_iter().filter(|problem| !self.earlier.told.contains(problem)).collect(), on_event)
    }

    fn all(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
        let problems = std::mem::take(&mut self.project.problems);
        if self.tell(problems, on_event) {
            return Ok(Built::default());
        }
        if self.project.manifest.binary.kind == Some(Kind::Prebuilt) {
            return self.prebuilt(on_event);
        }
        let Some(discovery) = self.discover(on_event)? else { return Ok(Built::default()) };
        let Some(tried) = self.try_out(discovery, on_event)? else { return Ok(Built::default()) };
        let Tried { discovery, plan, executed, mut built } = tried;
        self.explain(&discovery, &plan, &executed, &mut built, on_event)?;
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
                self.tell(vec![nothing], on_event);
                return Ok(None);
            };
            self.tree = tree;
            self.count_tree(true);
            return Ok(Some(discovery));
        }
        self.tree = self.project.scan()?;
        self.count_tree(false);
        let problems = std::mem::take(&mut self.tree.problems);
        if self.tell(problems, on_event) {
            return Ok(None);
        }
        let system = Asked::new(&self.project, self.environment, self.cancel);
        let discovery = self.project.discover(&self.tree, &system)?;
        self.toolchain = system.into_toolchain();
        if self.tell(discovery.problems.clone(), on_event) {
            return Ok(None);
        }
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
        let counts = Counts::default().with(Cache::Binaries, Count::of(0, libraries.len()));
        let problems = libraries.iter().filter(|library| !library.is_good()).flat_map(|one| &one.problems);
        let failures = problems.map(|problem| Failed::at(Stage::Execute, problem)).collect();
        Ok(Built {
            failures,
            success: failed == 0,
            counts,
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
        self.stage.set(Stage::Configure);
        let known = self.toolchain.take().map(Ok);
        let found = known.unwrap_or_else(|| self.project.toolchain(self.environment, self.cancel));
        let toolchain = match found {
            Ok(toolchain) => toolchain,
            Err(missing) => {
                self.tell(vec![missing.diagnostic()], on_event);
                return Ok(None);
            }
        };
        self.consulted = toolchain.consulted();
        self.consulted.extend(discovery.templates().cloned());
        let problems = prepare(&self.project, discovery, &toolchain, self.cancel)?;
        self.tell(problems, on_event);
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
        self.counts.count(Cache::Configuration, Count::of(0, 1));
        self.tell(problems, on_event);
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

    /// Says what can be done about actions that failed, and keeps what became of all.
    fn explain(
        &self,
        discovery: &Discovery,
        plan: &Plan,
        executed: &Executed,
        built: &mut Built,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<()> {
        built.failures = self.diagnose(discovery, plan, on_event);
        if self.request.dry_run {
            return Ok(());
        }
        let ids = self.failures.iter().map(|failure| failure.action);
        let failed = ids.zip(built.failures.iter().cloned()).collect();
        built::explain(&self.project.root().as_path().join(STATE_DIR), plan, executed, &failed)
    }

    /// Says what can be done about actions that failed; gives what the reply says of each.
    fn diagnose(&self, discovery: &Discovery, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Vec<Failed> {
        if self.failures.is_empty() {
            return Vec::new();
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
        let found = diagnose(&scene, &self.failures);
        tell(found.told, on_event);
        found.failed
    }

    fn run(
        &mut self,
        config: &Config,
        plan: &Plan,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(Built, Executed)> {
        self.stage.set(Stage::Execute);
        let state = self.project.root().as_path().join(STATE_DIR);
        let (mut log, damaged) = self.log.take().unwrap_or_else(|| Log::open(&state.join("log")));
        if damaged {
            let lost = "the end of the build log was damaged; what it held is built again";
            on_event(Event::Diagnostic(Diagnostic::note(lost)));
        }
        let store = self.project.store();
        let mut failures = Vec::new();
        let mut warnings = Vec::new();
        let mut listen = |mut event: Event| {
            gather(&mut event, &mut failures, &mut warnings);
            on_event(event);
        };
        let executed = self.execute(config, plan, &mut log, store.as_ref(), &mut listen)?;
        self.failures = failures;
        let mut built = built::summary(config, plan, &executed);
        built.warnings = warnings;
        built.settings_in_memory =
            self.project.text.is_none() && !self.project.root().as_path().join(MARKER).is_file();
        if self.request.dry_run {
            return Ok((built, executed));
        }
        if built.success {
            let memo = &self.project.memo;
            let everything = self.request.wanted.targets.is_empty();
            if !self.request.compile_only {
                publish::remove_orphans(memo, plan, &executed, everything)?;
            }
            // What is compiled how has not changed when nothing was configured anew.
            if !self.config.is_empty() || !publish::has_compile_commands(memo) {
                publish::compile_commands(memo, &plan.graph)?;
            }
        }
        log.compact()?;
        self.log = Some((log, false));
        self.look_after(store.as_ref(), on_event);
        Ok((built, executed))
    }

    /// Runs what must run and publishes what came of it.
    fn execute(
        &self,
        config: &Config,
        plan: &Plan,
        log: &mut Log,
        store: Option<&Store>,
        listen: &mut dyn FnMut(Event),
    ) -> Result<Executed> {
        let probes = Probes::default();
        let tokens = match Tokens::inherited(&self.environment.makeflags) {
            Tokens::Unlimited if !self.request.dry_run => Tokens::offered(&self.scratch, config.jobs),
            inherited => inherited,
        };
        let context = Context {
            memo: &self.project.memo,
            probes: &probes,
            store,
            scratch: &self.scratch,
            cancel: self.cancel,
            tokens: &tokens,
            background: self.request.ahead.is_some(),
        };
        let options = execute::Options {
            jobs: config.jobs,
            keep_going: self.request.keep_going || self.thorough,
            force: self.request.force,
            dry_run: self.request.dry_run,
            first: self.request.ahead.as_deref().unwrap_or_default(),
            vouched: self.vouched.as_ref(),
        };
        let mut executed = execute(&plan.graph, log, &context, &options, listen)?;
        if !executed.success() || self.request.dry_run {
            return Ok(executed);
        }
        self.stage.set(Stage::Publish);
        let lost = publish::publish(&context, plan, &executed, listen)?;
        if lost.is_empty() {
            return Ok(executed);
        }
        // What the store seemed to hold was damaged: made again, it is at hand.
        execute_again(&plan.graph, log, &context, &options, listen, &mut executed, lost)?;
        let lost_again =
            executed.success() && !publish::publish(&context, plan, &executed, listen)?.is_empty();
        ensure!(!lost_again, "results vanish while they are being published; build again");
        Ok(executed)
    }

    /// Keeps the shared store within its limits, and says once what is wrong with it.
    fn look_after(&self, store: Option<&Store>, on_event: &mut dyn FnMut(Event)) {
        let Some(store) = store else { return };
        if let Some(trouble) = store.trouble() {
            let warning = Diagnostic::warning(format!("the shared cache cannot be written: {trouble}"))
                .hint("the build is complete without it; see `jmake cache stat`");
            on_event(Event::Diagnostic(warning));
        }
        store.gc_now_and_then(self.project.limits());
    }

    fn scanned(&self, mark: Mark) -> Scanned<'_> {
        let (options, learned) = (self.project.options(), &self.project.learned);
        Scanned { tree: &self.tree, consulted: &self.consulted, learned, options, config: &self.config, mark }
    }
}

/// The project, and what a build of `request` would execute in it; `None` when there is nothing, for
/// reasons that `on_event` was told.  Nothing is built.
///
/// # Errors
/// When jmake cannot do its work.
pub fn planned(
    project: Project,
    environment: &Environment,
    request: &Build,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<(Project, Plan)>> {
    let mut work = Work::on(project, environment, request, cancel, Path::new(""));
    let Some(discovery) = work.discover(on_event)? else { return Ok(None) };
    let config = work.configure(&discovery, on_event)?;
    Ok(config.map(|config| (work.project, plan(&config))))
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
