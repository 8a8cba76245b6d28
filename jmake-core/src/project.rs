//! One project as one build sees it: its root, what it says, what lies in it, and the tools.
//!
//! Opening reads; it writes nothing but jmake's own state.  What earlier builds learned is loaded
//! here and saved here, so that every verb starts warm.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cas::{CACHEDIR_TAG, Limits, Store};
use crate::configure::Environment;
use crate::digest::Digest;
use crate::discover::{self, Discovery, Tree};
use crate::event::Diagnostic;
use crate::fs;
use crate::manifest::{Manifest, UserConfig};
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::tally::{Cache, Counts};
use crate::toolchain::{Answers, Ask, Learned, Missing, Search, Toolchain};
use crate::trust::{self, Trust};

/// The file that holds a project's decisions.
pub const MANIFEST: &str = "jmake.toml";
/// The file that marks a folder as a project.
pub const MARKER: &str = ".jmake_project";

/// The limits of the shared store where nothing is said.
const DEFAULT_SIZE: u64 = 10_000_000_000;
const DEFAULT_AGE: u64 = 90 * 86_400;

/// When a daemon with nothing to do ends, where nothing is said.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// The root of the project that `path` belongs to: the nearest folder upward that holds a manifest
/// or a marker, else `path` itself.
///
/// # Errors
/// When `path` is not a folder that can be reached.
pub fn find_root(path: &Path) -> Result<Root> {
    let start = Root::open(path).with_context(|| format!("cannot open the folder `{}`", path.display()))?;
    let marked = |dir: &Path| dir.join(MANIFEST).is_file() || dir.join(MARKER).is_file();
    match start.as_path().ancestors().find(|dir| marked(dir)) {
        Some(dir) => Root::open(dir).with_context(|| format!("cannot open the folder `{}`", dir.display())),
        None => Ok(start),
    }
}

/// An opened project.
pub struct Project {
    /// Digests and facts of its files.
    pub memo: Memo,
    /// What programs have answered.
    pub learned: Learned,
    /// Its manifest, with the user's configuration beneath it.
    pub manifest: Manifest,
    /// The text of its manifest, when it has one.
    pub text: Option<String>,
    /// What is wrong with manifest and configuration.
    pub problems: Vec<Diagnostic>,
    cache_dir: Option<PathBuf>,
}

impl Project {
    /// Opens the project at `root` for a user with `environment`.
    ///
    /// # Errors
    /// When its state folder or its manifest cannot be read or made.
    pub fn open(root: &Root, environment: &Environment) -> Result<Project> {
        let state = root.as_path().join(STATE_DIR);
        prepare_state(&state)?;
        let now = fs::now(&state).with_context(|| format!("cannot write to `{}`", state.display()))?;
        Project::look_at(root, environment, now, None)
    }

    /// Opens the project at `root` without writing anything: for verbs that only tell, and for
    /// folders that jmake has never built.
    ///
    /// # Errors
    /// When its manifest cannot be read.
    pub fn look(root: &Root, environment: &Environment) -> Result<Project> {
        // A clock at the beginning of time makes every file too young to be believed unread.
        Project::look_at(root, environment, 0, None)
    }

    /// The same at the time `now` of its file system, with what is kept of its files in `kept` if
    /// that is not in jmake's own folder.
    ///
    /// # Errors
    /// As [`Project::look`].
    pub fn look_at(root: &Root, environment: &Environment, now: i64, kept: Option<&Path>) -> Result<Project> {
        let own = root.as_path().join(STATE_DIR).join("memo");
        let mut memo = Memo::new(root.clone(), now);
        memo.load(kept.unwrap_or(&own));
        let (manifest, text, problems) = read_manifest(&memo, environment)?;
        let cache_dir = cache_dir(root, &manifest, environment);
        let learned = match &cache_dir {
            Some(dir) => {
                memo.load(&dir.join("memo"));
                Learned::load(&dir.join("learned"), now)
            }
            None => Learned::default(),
        };
        Ok(Project { memo, learned, manifest, text, problems, cache_dir })
    }

    /// The same, sharing what programs have answered with other requests of this process.
    #[must_use]
    pub fn sharing(mut self, answers: &Arc<Answers>) -> Project {
        let root = self.memo.root().as_path();
        // In a project that was never built nothing is made, not even to ask what time it is.
        let clock = || {
            let state = Some(root.join(STATE_DIR)).filter(|state| state.is_dir());
            let outside = self.cache_dir.as_deref().filter(|dir| !dir.starts_with(root));
            let place = state.or_else(|| outside?.ancestors().find(|dir| dir.is_dir()).map(Path::to_owned));
            fs::now(&place?).ok()
        };
        self.learned = self.learned.sharing(answers, clock);
        self
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        self.memo.root()
    }

    /// How programs are asked.
    pub fn ask<'a>(&'a self, cancel: &'a Cancel) -> Ask<'a> {
        Ask { learned: &self.learned, cancel }
    }

    /// The toolchain the manifest and the user's environment choose.
    ///
    /// # Errors
    /// When there is none.
    pub fn toolchain(&self, environment: &Environment, cancel: &Cancel) -> Result<Toolchain, Missing> {
        Toolchain::find(&self.search(environment), &self.ask(cancel))
    }

    /// Where the toolchain is looked for.
    pub fn search(&self, environment: &Environment) -> Search {
        let llvm = &self.manifest.llvm;
        let below = |path: &str| self.root().as_path().join(path);
        let version = llvm.version.as_deref().and_then(|text| text.split('.').next()?.parse().ok());
        Search {
            path: environment.path.clone(),
            root: llvm.root.as_deref().map(below),
            version,
            tools: llvm.tools.iter().map(|(name, path)| (name.clone(), below(path))).collect(),
            linker: self.manifest.link.linker.clone(),
            ..Search::default()
        }
    }

    /// The user's folder for everything shared; `None` when there is no place for one.
    pub fn cache_dir(&self) -> Option<&Path> {
        self.cache_dir.as_deref()
    }

    /// Stops at the first error in the settings, after telling the others: with settings that are
    /// wrong or not trusted, nothing that they choose may be used.
    ///
    /// # Errors
    /// That first error, as a [`Diagnostic`].
    pub fn sound(&mut self, on_event: &mut dyn FnMut(crate::event::Event)) -> Result<()> {
        let mut first = None;
        for problem in std::mem::take(&mut self.problems) {
            match problem.is_error() && first.is_none() {
                true => first = Some(problem),
                false => on_event(crate::event::Event::Diagnostic(problem)),
            }
        }
        first.map_or(Ok(()), |problem| Err(problem.into()))
    }

    /// What lies in the project.
    ///
    /// # Errors
    /// When the root cannot be listed or a glob is wrong.
    pub fn scan(&self) -> Result<Tree> {
        discover::scan_files(&self.memo, &self.options())
    }

    /// What of the root is looked at.
    pub fn options(&self) -> discover::Options {
        let written = &self.manifest.discovery;
        discover::Options {
            include: written.include.clone(),
            exclude: written.exclude.clone(),
            max_depth: written.max_depth.map(|depth| depth as usize),
            follow_symlinks: written.follow_symlinks.unwrap_or(false),
            output_dir: FilePath::new(self.manifest.binary.output_dir.as_deref().unwrap_or("julia")),
        }
    }

    /// What jmake makes of what lies there, where its build description may ask `system`.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn discover(&self, tree: &Tree, system: &dyn discover::System) -> Result<Discovery> {
        let evidence = self.manifest.discovery.evidence.unwrap_or(true);
        let written = !self.manifest.targets.is_empty();
        discover::discover_project(&self.memo, tree, &self.name(), system, evidence, written)
    }

    /// The project's name, a valid C identifier.
    pub fn name(&self) -> String {
        let written = self.manifest.project.name.clone();
        crate::setup::library_ident(&written.unwrap_or_else(|| self.root().name()))
    }

    /// The shared store, unless it is switched off or there is no place for it.
    pub fn store(&self) -> Option<Store> {
        let enabled = self.manifest.cache.enabled.unwrap_or(true);
        self.cache_dir.as_deref().filter(|_| enabled).map(Store::new)
    }

    /// How large the shared store may grow.
    pub fn limits(&self) -> Limits {
        let cache = &self.manifest.cache;
        Limits {
            max_size: cache.max_size.unwrap_or(DEFAULT_SIZE),
            max_age: cache.max_age.unwrap_or(Duration::from_secs(DEFAULT_AGE)),
        }
    }

    /// How much of what was asked so far of the tools and of the text of files was known.
    pub fn counts(&self) -> Counts {
        Counts::default()
            .with(Cache::Tools, self.learned.count())
            .with(Cache::IncludeGraphs, self.memo.facts_count())
    }

    /// Keeps what was learned for later builds.
    ///
    /// # Errors
    /// When the project's own state cannot be written.  The user's shared folder may be read-only:
    /// that costs time only.
    pub fn save(&self) -> Result<()> {
        self.memo.save(&self.root().as_path().join(STATE_DIR).join("memo"), false)?;
        if let Some(dir) = &self.cache_dir
            && fs::create_dir_all(dir).is_ok()
        {
            self.memo.save(&dir.join("memo"), true).ok();
            self.learned.save(&dir.join("learned")).ok();
        }
        Ok(())
    }
}

/// How the daemon of a project behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DaemonSettings {
    /// Whether it is used.
    pub enabled: bool,
    /// When one with nothing to do ends.
    pub idle_timeout: Duration,
    /// Whether it compiles what was saved before anyone asks.
    pub eager: bool,
}

impl DaemonSettings {
    /// What the project at `root` and the user with `environment` say.  This is asked before every
    /// request, so only a file that mentions the daemon is understood at all; what is wrong with
    /// such a file is told by whoever uses the rest of it.
    pub fn read(root: &Root, environment: &Environment) -> DaemonSettings {
        let text = |file: PathBuf| {
            let bytes = fs::read(&file).ok()?;
            String::from_utf8(bytes).ok().filter(|text| text.contains("daemon"))
        };
        let own = text(root.as_path().join(MANIFEST));
        let users = config_dir(environment).and_then(|dir| text(dir.join("config.toml")));
        let mut daemon = own.map(|text| Manifest::parse(&text, MANIFEST).0).unwrap_or_default();
        if let Some(text) = users {
            daemon.merge_under(&UserConfig::parse(&text, "config.toml").0);
        }
        let daemon = daemon.daemon;
        DaemonSettings {
            enabled: daemon.enabled.unwrap_or(true),
            idle_timeout: daemon.idle_timeout.unwrap_or(IDLE_TIMEOUT),
            eager: daemon.eager.unwrap_or(false),
        }
    }
}

/// Makes the state folder: ignored by version control, passed over by backups.
fn prepare_state(state: &Path) -> Result<()> {
    if state.join(".gitignore").is_file() {
        return Ok(());
    }
    fs::create_dir_all(state)?;
    fs::write_own(&state.join("CACHEDIR.TAG"), CACHEDIR_TAG)?;
    fs::write_own(&state.join(".gitignore"), b"*\n")
}

/// The folder of user's settings.
pub fn config_dir(environment: &Environment) -> Option<PathBuf> {
    let xdg = environment.config_home.clone().filter(|dir| dir.is_absolute());
    xdg.or_else(|| Some(environment.home.as_ref()?.join(".config"))).map(|dir| dir.join("jmake"))
}

/// The file in which the user's consent is kept, outside every project.
pub fn trust_file(environment: &Environment) -> Option<PathBuf> {
    config_dir(environment).map(|dir| dir.join("trust.toml"))
}

fn cache_dir(root: &Root, manifest: &Manifest, environment: &Environment) -> Option<PathBuf> {
    match &manifest.cache.dir {
        Some(dir) => Some(root.as_path().join(dir)),
        None => fs::cache_dir(environment.cache_home.as_deref(), environment.home.as_deref()),
    }
}

type Read = (Manifest, Option<String>, Vec<Diagnostic>);

/// Reads the manifest, asks for consent where it needs some, and puts the user's configuration
/// beneath it.
fn read_manifest(memo: &Memo, environment: &Environment) -> Result<Read> {
    let file = FilePath::new(MANIFEST);
    let text = read_text(memo, &file)?;
    let (mut manifest, mut problems) = Manifest::parse(text.as_deref().unwrap_or(""), MANIFEST);
    if text.is_some() {
        problems.extend(consent(memo, &manifest, environment)?);
        problems.extend(crate::setup::validate_config(&manifest, memo.root()));
    }
    if let Some(dir) = config_dir(environment) {
        let path = FilePath::new(bytes_of(dir.join("config.toml").as_os_str()));
        if let Some(text) = read_text(memo, &path)? {
            let (user, more) = UserConfig::parse(&text, &path.to_string());
            problems.extend(more);
            manifest.merge_under(&user);
        }
    }
    Ok((manifest, text, problems))
}

/// The text of `file`, read through the memo so that a later build knows what it depended on.
fn read_text(memo: &Memo, file: &FilePath) -> Result<Option<String>> {
    if memo.stat(file).is_none() {
        return Ok(None);
    }
    let digest = memo.digest(file).with_context(|| format!("cannot read `{file}`"))?;
    let bytes = fs::read(&memo.root().resolve(file)).with_context(|| format!("cannot read `{file}`"))?;
    anyhow::ensure!(Digest::of(&bytes) == digest, "`{file}` changed while it was being read; try again");
    String::from_utf8(bytes).map(Some).with_context(|| format!("`{file}` is not UTF-8 text"))
}

/// What the project may not do before the user agrees.
fn consent(memo: &Memo, manifest: &Manifest, environment: &Environment) -> Result<Vec<Diagnostic>> {
    let issues = trust::needs_trust(manifest);
    if issues.is_empty() {
        // Nothing it says can do harm, so it does not matter whose file it is.
        return Ok(Vec::new());
    }
    let uid = rustix::process::geteuid().as_raw();
    let owner = trust::owner_problem(&memo.root().as_path().join(MANIFEST), uid);
    let digest = memo.digest(&FilePath::new(MANIFEST))?;
    if let Some(file) = trust_file(environment) {
        // Whether it is there decides the answer, so a later build must know.
        let path = FilePath::new(bytes_of(file.as_os_str()));
        if memo.stat(&path).is_some() {
            memo.digest(&path).ok();
        }
        if Trust::load(&file)?.is_trusted(memo.root(), digest) {
            return Ok(Vec::new());
        }
    }
    Ok(issues.iter().map(|issue| issue.diagnostic(manifest)).chain(owner).collect())
}
