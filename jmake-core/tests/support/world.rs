//! Where a tree becomes files: a project, a compiler, a user's folders; and builds of it.
//!
//! Times are set, never waited for: a file that is rewritten mostly keeps the time it had, or gets
//! an older one, or one in the future.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use filetime::FileTime;
use jmake_core::build::{Build, Built, build};
use jmake_core::configure::{Environment, Wanted};
use jmake_core::engine::Engine;
use jmake_core::event::Event;
use jmake_core::path::Root;
use jmake_core::process::Cancel;
use jmake_core::warm::Warm;

use super::Dice;
use super::tree::{Node, Tree};

/// The name of the mark at the end of the fake compiler that makes it another.
const SALT: &[u8] = b"fakecc-salt:";

/// A project on disk and what surrounds it.
pub struct World {
    temp: tempfile::TempDir,
    /// Which of several places the project lies in.
    pub home: usize,
    /// What is on disk.
    disk: BTreeMap<String, Node>,
    /// Which compiler is installed.
    salt: Option<usize>,
    /// What stays in memory between builds, as in a daemon.
    warm: Option<Arc<Warm>>,
    /// How often what is kept could spare a look, before the project was moved.
    spared: u64,
}

/// What one build said and gave.
pub struct Said {
    pub built: Option<Built>,
    pub error: Option<String>,
    pub events: Vec<Event>,
}

/// A file as a comparison sees it: text or link, mode, time.
type Seen = (Vec<u8>, u32, i64, i64);

impl World {
    /// An empty project beside a compiler.
    pub fn new() -> World {
        let mut temp = tempfile::tempdir().unwrap();
        // For a look at what a failing script left behind.
        temp.disable_cleanup(std::env::var_os("JMAKE_MODEL_KEEP").is_some());
        let world = World { temp, home: 0, disk: BTreeMap::new(), salt: None, warm: None, spared: 0 };
        install(&world.llvm());
        // Names with `..` lead to the folder above, in which nothing else may come and go.
        let sys = world.path("quiet/sys");
        fs::create_dir_all(&sys).unwrap();
        fs::write(world.llvm().join("bin/fakecc.toml"), world.fakecc_toml("")).unwrap();
        fs::create_dir_all(world.path("config/jmake")).unwrap();
        let text = format!("[llvm]\nroot = {:?}\n", world.llvm());
        fs::write(world.path("config/jmake/config.toml"), text).unwrap();
        fs::create_dir_all(world.root()).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path(&format!("home{}/model", self.home))
    }

    pub fn cache(&self) -> PathBuf {
        self.path("cache/jmake")
    }

    fn llvm(&self) -> PathBuf {
        self.path("llvm-19")
    }

    fn fakecc_toml(&self, more: &str) -> String {
        format!("include_dirs = [{:?}]\nlog = {:?}\n{more}", self.path("quiet/sys"), self.path("log"))
    }

    /// How many tools were started since the last question that read only what jmake made.
    pub fn starts(&self) -> usize {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        fs::remove_file(self.path("log")).ok();
        let tools = ["llvm-ar", "llvm-link", "opt", "llc", "llvm-objcopy"];
        let one =
            |line: &&str| line.contains(".jmake/tmp/") && tools.contains(&line.split('\t').next().unwrap());
        log.lines().filter(one).count()
    }

    /// Sets a fault that compilers show, or none.
    pub fn fault(&self, fault: &str, input: &str) {
        let more = match fault {
            "" => String::new(),
            fault => format!("[[fault]]\ndo = {fault:?}\ninput = {input:?}\n"),
        };
        fs::write(self.llvm().join("bin/fakecc.toml"), self.fakecc_toml(&more)).unwrap();
    }

    /// Moves the whole project.
    pub fn move_away(&mut self) {
        let old = self.root();
        self.home += 1;
        fs::create_dir_all(self.root().parent().unwrap()).unwrap();
        fs::rename(old, self.root()).unwrap();
        if self.warm.is_some() {
            self.keep_warm();
        }
    }

    /// Renames on disk what was renamed in the tree, keeping its identity.
    pub fn rename(&mut self, from: &str, to: &str) {
        fs::create_dir_all(self.root().join(to).parent().unwrap()).unwrap();
        fs::rename(self.root().join(from), self.root().join(to)).unwrap();
        if let Some(node) = self.disk.remove(from) {
            self.disk.insert(to.to_owned(), node);
        }
        self.prune(from);
    }

    /// Tells that somebody else wrote `node` at `path`.
    pub fn wrote(&mut self, path: &str, node: Node) {
        self.disk.insert(path.to_owned(), node);
    }

    /// Makes the disk equal to `tree`.
    pub fn sync(&mut self, tree: &Tree, dice: &mut Dice) {
        let mut wanted = tree.files.clone();
        if tree.conf.present {
            wanted.insert("jmake.toml".into(), Node::File(tree.conf.text()));
        }
        let gone: Vec<String> =
            self.disk.keys().filter(|path| !wanted.contains_key(*path)).cloned().collect();
        for path in gone {
            fs::remove_file(self.root().join(&path)).unwrap();
            self.disk.remove(&path);
            self.prune(&path);
        }
        for (path, node) in wanted {
            if self.disk.get(&path) == Some(&node) {
                continue;
            }
            put(&self.root().join(&path), &node, dice);
            self.disk.insert(path, node);
        }
        for entry in fs::read_dir(self.path("quiet/sys")).unwrap().flatten() {
            if !tree.system.contains_key(entry.file_name().to_str().unwrap()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        for (name, text) in &tree.system {
            let path = self.path("quiet/sys").join(name);
            if fs::read_to_string(&path).ok().as_ref() != Some(text) {
                put(&path, &Node::File(text.clone()), dice);
            }
        }
        self.install_salt(tree.salt);
    }

    /// Folders that a removal left empty go too, for a fresh tree would not have them.
    fn prune(&self, path: &str) {
        let mut at = Path::new(path).parent();
        while let Some(dir) = at.filter(|dir| !dir.as_os_str().is_empty()) {
            if fs::remove_dir(self.root().join(dir)).is_err() {
                return;
            }
            at = dir.parent();
        }
    }

    /// Makes the compiler another one, in place, with the same size and time.
    fn install_salt(&mut self, salt: usize) {
        if self.salt.replace(salt) == Some(salt) {
            return;
        }
        let clang = self.llvm().join("bin/clang");
        let mut bytes = fs::read(&clang).unwrap();
        let tail = bytes.len() - 16;
        assert!(bytes[..tail].ends_with(SALT));
        let new = format!("{salt:016}");
        let time = FileTime::from_last_modification_time(&clang.metadata().unwrap());
        bytes[tail..].copy_from_slice(new.as_bytes());
        fs::write(&clang, bytes).unwrap();
        filetime::set_file_mtime(&clang, time).unwrap();
    }

    /// From now on builds keep in memory what they can, as in a daemon.
    pub fn keep_warm(&mut self) {
        fs::create_dir_all(self.root()).unwrap();
        self.spared = self.spared();
        self.warm = Some(Arc::new(Warm::new(&Root::open(&self.root()).unwrap())));
    }

    /// How often what is kept could spare a look at everything.
    pub fn spared(&self) -> u64 {
        self.spared + self.warm().map_or(0, |warm| warm.held().noticing().spared)
    }

    /// What is kept in memory, if anything is.
    pub fn warm(&self) -> Option<&Warm> {
        self.warm.as_deref()
    }

    /// Builds the project as it lies there.
    pub fn build(&self, tree: &Tree, force: bool) -> Said {
        self.build_at(tree, force, &self.root(), &self.path("cache"))
    }

    /// Builds the same tree from nothing in another place.
    pub fn build_clean(&self, tree: &Tree) -> (Said, PathBuf) {
        let clean = self.path("clean");
        fs::remove_dir_all(&clean).ok();
        let root = clean.join("somewhere else/model");
        fs::create_dir_all(&root).unwrap();
        for (path, node) in &self.disk {
            put(&root.join(path), node, &mut Dice::new(1));
        }
        (self.build_at(tree, false, &root, &clean.join("cache")), root)
    }

    fn build_at(&self, tree: &Tree, force: bool, root: &Path, cache: &Path) -> Said {
        let environment = self.environment(cache);
        let asked = &tree.asked;
        let wanted = Wanted {
            profile: asked.profile.clone(),
            lto: asked.lto.clone(),
            targets: asked.targets.iter().map(|at| format!("t{at}")).collect(),
            jobs: Some(asked.jobs),
            ..Wanted::default()
        };
        let request = Build { wanted, force, keep_going: asked.keep_going, ..Build::default() };
        let mut events = Vec::new();
        let root = Root::open(root).unwrap();
        let warm = self.warm.as_deref().filter(|warm| warm.root().as_path() == root.as_path());
        let built =
            build(&root, &environment, &request, warm, &Cancel::new(), &mut |event| events.push(event));
        match built {
            Ok(built) => Said { built: Some(built), error: None, events },
            Err(e) => Said { built: None, error: Some(format!("{e:#}")), events },
        }
    }

    fn environment(&self, cache: &Path) -> Environment {
        Environment {
            cache_home: Some(cache.to_owned()),
            config_home: Some(self.path("config")),
            ..Environment::default()
        }
    }

    /// The engine of the project, for questions.
    pub fn engine(&self) -> Engine {
        let engine = Engine::at(&self.root(), self.environment(&self.path("cache"))).unwrap();
        match &self.warm {
            Some(warm) => engine.kept_warm(warm.clone()),
            None => engine,
        }
    }

    /// Everything in the project but what jmake writes.
    pub fn inputs(&self) -> BTreeMap<String, Seen> {
        let mut seen = list(&self.root());
        let own = [".jmake/", "julia/", "result/", "compile_commands.json"];
        let foreign = |path: &String| !own.iter().any(|own| path.starts_with(own));
        seen.retain(|path, _| foreign(path));
        seen
    }
}

/// All files below `root`.
pub fn list(root: &Path) -> BTreeMap<String, Seen> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).into_iter().flatten().filter(|e| !e.file_type().is_dir()) {
        let meta = entry.metadata().unwrap();
        let bytes = match entry.file_type().is_symlink() {
            true => fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes(),
            false => fs::read(entry.path()).unwrap(),
        };
        let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        found.insert(name, (bytes, meta.mode(), meta.mtime(), meta.mtime_nsec()));
    }
    found
}

/// Writes `node`; in place where a file was, and with the time that the dice give.
fn put(path: &Path, node: &Node, dice: &mut Dice) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let old = path.symlink_metadata().ok();
    let time = old.as_ref().map(FileTime::from_last_modification_time);
    match node {
        Node::Link(to) => {
            fs::remove_file(path).ok();
            symlink(to, path).unwrap();
        }
        Node::File(text) => {
            if old.is_some_and(|old| old.is_symlink()) {
                fs::remove_file(path).unwrap();
            }
            fs::write(path, text).unwrap();
        }
    }
    let time = match dice.below(20) {
        0..10 => time,
        10..12 => Some(FileTime::from_unix_time(978_307_200, 0)),
        12 => Some(FileTime::from_unix_time(4_070_908_800, 0)),
        _ => None,
    };
    if let Some(time) = time {
        filetime::set_symlink_file_times(path, time, time).unwrap();
    }
}

/// Lays the fake toolchain out in `dir`.
fn install(dir: &Path) {
    let status = std::process::Command::new(fakecc()).arg("--install").arg(dir).status().unwrap();
    assert!(status.success(), "cannot install the fake toolchain");
}

/// The fake compiler, which lies beside the tests of this workspace; built if it does not.
fn fakecc() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let exe = std::env::current_exe().unwrap();
        let fakecc = exe.parent().unwrap().parent().unwrap().join("fakecc");
        if !fakecc.is_file() {
            let status = std::process::Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--locked", "-p", "fakecc"])
                .status()
                .unwrap();
            assert!(status.success(), "cannot build the fake compiler");
        }
        fakecc
    })
}
