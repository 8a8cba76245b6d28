//! A project, a user and the fake toolchain in a temporary folder, and builds of it: in this
//! process, or in a child process that can be killed or given a faulty disk.
//!
//! Everything a build depends on lies below one folder ([`World`]): the project at `work/p`, the
//! user's configuration (which names the fake toolchain), cache and home.  A build in a child is
//! the test binary itself, started again with an [`Order`] in its environment; so a test file
//! that wants children has a test `child` that calls [`obey`].
//!
//! The oracle is [`World::clean`]: the same tree copied to a fresh folder and built there with
//! nothing known.  What both published must be equal byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jmake_core::build::{Build, Built, build};
use jmake_core::cas::{Store, Verified};
use jmake_core::configure::{Environment, Wanted};
use jmake_core::event::{Event, Outcome};
use jmake_core::path::Root;
use jmake_core::process::Cancel;
use jmake_core::warm::Warm;
use serde::{Deserialize, Serialize};

/// How long any build here may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A random number generator that gives the same numbers for the same seed everywhere.
pub struct Dice(u64);

impl Dice {
    /// One for `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n.max(1) as u64) as usize
    }

    /// One of `from`.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The number in the environment variable `name`, by which a campaign is made larger.
pub fn campaign(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The program `fakecc` of this build of the workspace, made if it is missing or old.
pub fn fakecc() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let exe = std::env::current_exe().unwrap();
        let profile = exe.ancestors().nth(2).unwrap();
        let program = profile.join("fakecc");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakecc/src");
        let newest = fs::read_dir(sources).unwrap().flatten().map(|e| modified(&e.path())).max();
        if !program.is_file() || Some(modified(&program)) < newest {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--package", "fakecc", "--target-dir"]);
            cargo.arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "fakecc cannot be built");
        }
        program
    })
}

fn modified(path: &Path) -> i64 {
    path.metadata().map_or(0, |meta| meta.mtime())
}

/// The fake toolchain that all tests share; nobody may change it.
pub fn shared_toolchain() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let meta = fakecc().metadata().unwrap();
        let stamp = format!("{}-{}-{}", meta.ino(), meta.mtime(), meta.mtime_nsec());
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fakecc-{stamp}"));
        if !place.is_dir() {
            let new = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            install(&new.path().join("llvm-19"), "");
            let headers = place.join("llvm-19/lib/clang/19/include");
            settings(
                &new.path().join("llvm-19"),
                &format!("include_dirs = [{:?}]\n", headers.to_str().unwrap()),
            );
            // Another test process may have been faster.
            fs::rename(new.keep(), &place).ok();
        }
        place.join("llvm-19")
    })
}

/// Installs the fake toolchain at `root`; another `salt` is another compiler of the same size.
pub fn install(root: &Path, salt: &str) {
    let status = Command::new(fakecc()).arg("--install").arg(root).arg(salt).status().unwrap();
    assert!(status.success());
    // Some folder of system headers a compiler must have.
    let mut folder = root.join("lib/clang/19/include");
    fs::create_dir_all(&folder).unwrap();
    folder = folder.canonicalize().unwrap();
    fs::write(folder.join("stddef.h"), "typedef unsigned long size_t;\n").unwrap();
    settings(root, &format!("include_dirs = [{:?}]\n", folder.to_str().unwrap()));
}

/// Makes `text` what the toolchain at `root` reads as its settings.
pub fn settings(root: &Path, text: &str) {
    fs::write(root.join("bin/fakecc.toml"), text).unwrap();
}

/// A project with its user.
pub struct World {
    dir: tempfile::TempDir,
    /// Where the project is.
    pub root: PathBuf,
    /// What the user's environment says.
    pub environment: Environment,
    /// What is asked for.
    pub request: Build,
    /// What stays in memory between builds, as in a daemon.
    pub warm: Option<Arc<Warm>>,
}

/// The four units and the headers most tests begin with.
pub const SMALL: [(&str, &str); 7] = [
    ("a.c", "#include \"inc/x.h\"\nint a(void) { return X; }\n"),
    ("b.c", "#include \"inc/x.h\"\n#include \"inc/y.h\"\nint b(void) { return X + Y; }\n"),
    ("sub/c.cpp", "#include \"../inc/y.h\"\nextern \"C\" int c(void) { return Y; }\n"),
    ("sub/d.c", "int d(void) { return 4; }\n"),
    ("inc/x.h", "#define X 1\n"),
    ("inc/y.h", "#pragma once\n#define Y 2\n"),
    ("jmake.toml", "[project]\nname = \"p\"\n"),
];

impl World {
    /// An empty project and the shared toolchain.
    pub fn new() -> World {
        World::with_toolchain(shared_toolchain())
    }

    /// An empty project of a user who chose the toolchain at `root`.
    pub fn with_toolchain(root: &Path) -> World {
        let dir = tempfile::Builder::new().prefix("jmake-world-").tempdir().unwrap();
        let at = |name: &str| dir.path().canonicalize().unwrap().join(name);
        for name in ["work/p", "home", "cache", "config/jmake"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let config = format!("[llvm]\nroot = {:?}\n", root.to_str().unwrap());
        fs::write(at("config/jmake/config.toml"), config).unwrap();
        let environment = Environment {
            path: vec!["/usr/bin".into(), "/bin".into()],
            home: Some(at("home")),
            cache_home: Some(at("cache")),
            config_home: Some(at("config")),
            ..Environment::default()
        };
        let wanted = Wanted { jobs: Some(2), ..Wanted::default() };
        World {
            root: at("work/p"),
            environment,
            request: Build { wanted, ..Build::default() },
            warm: None,
            dir,
        }
    }

    /// A project of [`SMALL`].
    pub fn small() -> World {
        World::new().having(&SMALL)
    }

    /// The same with these files in it.
    pub fn having(self, files: &[(&str, &str)]) -> World {
        for (name, text) in files {
            self.write(name, text);
        }
        self
    }

    /// The same, keeping in memory what it can between builds.
    pub fn warm(mut self) -> World {
        self.warm = Some(Arc::new(Warm::new(&Root::open(&self.root).unwrap())));
        self
    }

    /// A copy of everything, elsewhere.
    pub fn copy(&self) -> World {
        let mut copy = World::new();
        copy_tree(&self.dir(), &copy.dir(), &[]);
        copy.request = self.request.clone();
        copy
    }

    /// The folder everything lies in.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// The project's file `name`.
    pub fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The user's cache folder.
    pub fn cache(&self) -> PathBuf {
        self.dir().join("cache/jmake")
    }

    /// The user's store.
    pub fn store(&self) -> Store {
        Store::new(&self.cache())
    }

    /// Writes a file of the project in place, as an editor that does not rename would.
    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Removes a file of the project.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.at(name)).unwrap();
    }

    /// Builds in this process.
    pub fn build(&self) -> Said {
        self.build_in(&self.root)
    }

    /// Builds in this process the project at `root`, which may be another copy.
    pub fn build_in(&self, root: &Path) -> Said {
        let mut events = Vec::new();
        let root = Root::open(root).unwrap();
        let warm = self.warm.as_deref().filter(|warm| warm.root().as_path() == root.as_path());
        let built =
            build(&root, &self.environment, &self.request, warm, &Cancel::new(), &mut |e| events.push(e));
        Said::of(built.map_err(|e| format!("{e:#}")), events)
    }

    /// As [`World::build`] in a thread; a build that hangs fails the test instead of blocking it.
    pub fn build_or_hang(&self) -> Said {
        let (root, environment, request) =
            (self.root.clone(), self.environment.clone(), self.request.clone());
        let warm = self.warm.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut events = Vec::new();
            let root = Root::open(&root).unwrap();
            let built = build(&root, &environment, &request, warm.as_deref(), &Cancel::new(), &mut |e| {
                events.push(e)
            });
            sender.send(Said::of(built.map_err(|e| format!("{e:#}")), events)).ok();
        });
        receiver.recv_timeout(PATIENCE).expect("the build hangs or has panicked")
    }

    /// What is published: every file in the output folder with mode and content.
    pub fn published(&self) -> Published {
        published(&self.root)
    }

    /// What a build of the same tree with nothing known publishes.
    pub fn clean(&self) -> Published {
        let fresh = tempfile::tempdir().unwrap();
        let root = fresh.path().canonicalize().unwrap().join("work/p");
        copy_tree(&self.root, &root, &[".jmake", "julia", "compile_commands.json"]);
        let mut environment = self.environment.clone();
        environment.cache_home = Some(fresh.path().join("cache"));
        let request = Build { dry_run: false, quick: false, ..self.request.clone() };
        let built =
            build(&Root::open(&root).unwrap(), &environment, &request, None, &Cancel::new(), &mut |_| {})
                .unwrap();
        assert!(built.success, "the clean build fails");
        published(&root)
    }

    /// The build is right: it succeeds, publishes what a clean build does, a second build does
    /// nothing, nothing temporary is left, the store verifies, the lock is free.
    pub fn assert_right(&self, clean: &Published, what: &str) -> Said {
        let said = self.build_or_hang();
        said.assert_good(what);
        same(&self.published(), clean, what);
        self.assert_quiet(what);
        said
    }

    /// Another build runs nothing and changes nothing.
    pub fn assert_quiet(&self, what: &str) {
        let again = self.build_or_hang();
        again.assert_good(what);
        assert_eq!(again.started, Vec::<String>::new(), "{what}: the second build is not silent");
        assert_eq!(again.text, "", "{what}: the second build has something to say");
    }

    /// Nothing temporary is left in the project, and the lock can be had.
    pub fn assert_tidy(&self, what: &str) {
        let left: Vec<_> = files(&self.root)
            .into_iter()
            .filter(|path| {
                path.to_string_lossy().contains("/.jmake-tmp-") || path.starts_with(self.at(".jmake/tmp"))
            })
            .collect();
        assert!(left.is_empty(), "{what}: left behind: {left:?}");
        let lock = fs::File::open(self.at(".jmake/lock")).unwrap();
        // A process that another thread is just starting holds copies of all descriptors.
        let start = Instant::now();
        while lock.try_lock().is_err() {
            assert!(start.elapsed() < Duration::from_secs(5), "{what}: the lock is held");
        }
    }

    /// The store holds no damaged entry.
    pub fn assert_verified(&self, what: &str) -> Verified {
        let verified = self.store().verify(false);
        assert!(verified.damaged.is_empty(), "{what}: {:?}", verified.damaged);
        verified
    }

    /// Builds in a child process with `fault`.
    pub fn child(&self, fault: Fault) -> Child {
        let report = self.dir().join("report.json");
        fs::remove_file(&report).ok();
        let order = Order {
            root: self.root.clone(),
            environment: self.environment.clone(),
            request: self.request.clone(),
            fault,
            report: report.clone(),
            collect: None,
        };
        run_child(&order)
    }
}

/// What a build said and did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Said {
    /// The result, or the whole error.
    pub result: Option<Built>,
    /// Why there is no result.
    pub error: Option<String>,
    /// The labels of all actions started, in order.
    pub started: Vec<String>,
    /// Everything said for the user: diagnostics with hints, and what tools wrote.
    pub text: String,
}

impl Said {
    fn of(result: Result<Built, String>, events: Vec<Event>) -> Said {
        let mut said = Said::default();
        for event in events {
            match event {
                Event::Started { label, .. } => said.started.push(label),
                Event::Finished { output, outcome, .. } => {
                    said.text += &output;
                    if outcome == Outcome::Failed && output.is_empty() {
                        said.text += "failed without a word\n";
                    }
                }
                Event::Diagnostic(diagnostic) => {
                    let file = diagnostic.file.unwrap_or_default();
                    said.text += &format!("{:?} {file}: {}\n", diagnostic.severity, diagnostic.message);
                    said.text += &diagnostic.hint.map(|hint| hint + "\n").unwrap_or_default();
                }
                _ => {}
            }
        }
        match result {
            Ok(built) => said.result = Some(built),
            Err(e) => said.error = Some(e),
        }
        said
    }

    /// Whether everything asked for is there.
    pub fn success(&self) -> bool {
        self.result.as_ref().is_some_and(|built| built.success)
    }

    /// Fails unless it succeeded.
    pub fn assert_good(&self, what: &str) {
        assert!(self.success(), "{what}: {:?} {}", self.error, self.text);
    }

    /// Fails if it succeeded; gives everything it said.
    pub fn assert_bad(&self, what: &str) -> String {
        assert!(!self.success(), "{what}: it should have failed; {}", self.text);
        format!("{}{}", self.text, self.error.as_deref().unwrap_or_default())
    }

    /// The units that were compiled, sorted.
    pub fn compiled(&self) -> Vec<&str> {
        let is_source = |label: &&str| [".c", ".cpp", ".cc"].iter().any(|ending| label.ends_with(ending));
        let mut names: Vec<_> = self.started.iter().map(String::as_str).filter(is_source).collect();
        names.sort_unstable();
        names
    }
}

/// Files by path below the output folder, with their mode.
pub type Published = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// What lies in the output folder of the project at `root`.
pub fn published(root: &Path) -> Published {
    let dir = root.join("julia");
    let read = |path: PathBuf| {
        let meta = path.symlink_metadata().unwrap();
        let bytes = if meta.is_file() { fs::read(&path).unwrap() } else { b"not a file".to_vec() };
        (path.strip_prefix(&dir).unwrap().to_owned(), (meta.permissions().mode() & 0o777, bytes))
    };
    files(&dir).into_iter().map(read).collect()
}

/// Fails, naming the first difference, unless both are equal.
pub fn same(found: &Published, wanted: &Published, what: &str) {
    let names = |of: &Published| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{what}: published files");
    for (name, (mode, bytes)) in wanted {
        let (found_mode, found_bytes) = &found[name];
        assert_eq!(found_mode, mode, "{what}: mode of {name:?}");
        assert!(found_bytes == bytes, "{what}: content of {name:?} is not that of a clean build");
    }
}

/// Every file (and whatever else is no folder) below `dir`, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    found.sort();
    found
}

/// Copies a folder with modes and times, without the top entries called one of `leave_out`.
pub fn copy_tree(from: &Path, to: &Path, leave_out: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if leave_out.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let meta = source.symlink_metadata().unwrap();
        if meta.is_dir() {
            copy_tree(&source, &target, &[]);
        } else if meta.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source).unwrap(), &target).unwrap();
        } else {
            fs::copy(&source, &target).unwrap();
            let file = fs::File::options().write(true).open(&target);
            file.and_then(|file| file.set_modified(meta.modified()?)).ok();
        }
    }
}

/// A fault of the disk in a child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The number of the state-changing call, from 0; no fault when `None`.
    pub at: Option<u64>,
    /// The error it gives; 0 ends the process.
    pub errno: i32,
    /// Whether later calls fail too.
    pub from_there_on: bool,
    /// The only folder whose disk is faulty, and counted, if not all are.
    pub below: Option<PathBuf>,
}

impl Fault {
    /// The process ends at call `at`.
    pub fn kill(at: u64) -> Fault {
        Fault { at: Some(at), ..Fault::default() }
    }
}

/// What a child is to do.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The project.
    pub root: PathBuf,
    /// The user's environment.
    pub environment: Environment,
    /// What to build.
    pub request: Build,
    /// What goes wrong.
    pub fault: Fault,
    /// Where to say what happened.
    pub report: PathBuf,
    /// Instead of building, collect the store down to this many bytes.
    pub collect: Option<u64>,
}

/// What became of a child.
#[derive(Debug)]
pub struct Child {
    /// What it said; `None` when it was killed.
    pub said: Option<Said>,
    /// State-changing calls it made; 0 when it was killed.
    pub calls: u64,
    /// Its standard error, for panics.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

const ORDER: &str = "JMAKE_TEST_ORDER";

/// Starts this test binary again to carry out `order`.
pub fn run_child(order: &Order) -> Child {
    finish_child(child_command(order), &order.report)
}

/// The command that carries out `order`.
pub fn child_command(order: &Order) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(ORDER, serde_json::to_string(order).unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits for a child started with an order and reads its report.
pub fn finish_child(mut command: Command, report: &Path) -> Child {
    let start = Instant::now();
    let errors = report.with_extension("stderr");
    command.stderr(fs::File::create(&errors).unwrap());
    let mut child = command.spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().ok();
            panic!("the build hangs: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let text = fs::read(report).ok();
    let report: Option<(Said, u64)> = text.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let stderr = fs::read(&errors).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let took = start.elapsed();
    match report {
        Some((said, calls)) => Child { said: Some(said), calls, stderr, took },
        None => Child { said: None, calls: 0, stderr, took },
    }
}

/// In a child, carries out the order; elsewhere does nothing.
pub fn obey() {
    let Some(order) = std::env::var(ORDER).ok() else { return };
    let order: Order = serde_json::from_str(&order).unwrap();
    if let Some(dir) = &order.fault.below {
        jmake_core::fs::fault::only_below(dir);
    }
    if let Some(at) = order.fault.at {
        jmake_core::fs::fault::arm(at, order.fault.errno, order.fault.from_there_on);
    }
    let said = match order.collect {
        Some(max_size) => {
            let cache = order.environment.cache_home.as_deref().unwrap().join("jmake");
            let limits = jmake_core::cas::Limits { max_size, max_age: Duration::from_secs(1 << 32) };
            Store::new(&cache).gc(limits);
            Said::default()
        }
        None => {
            let mut events = Vec::new();
            let root = Root::open(&order.root).unwrap();
            let built =
                build(&root, &order.environment, &order.request, None, &Cancel::new(), &mut |event| {
                    events.push(event);
                });
            Said::of(built.map_err(|e| format!("{e:#}")), events)
        }
    };
    let calls = jmake_core::fs::fault::calls();
    fs::write(&order.report, serde_json::to_vec(&(said, calls)).unwrap()).unwrap();
}
