//! What discovery finds in a project, kept for as long as nothing that it depends on has changed.
//!
//! For verbs that tell: each needs the tree, what was decided from it and who includes whom.  The
//! three are the reply of a [`Snapshot`], whose facts are what they came from; so they hold, in
//! another process or a warm one, exactly as the last good build does, and where only the text of
//! sources has changed and says the same, they hold, too.
//!
//! The snapshot lies in jmake's folder of the project.  Verbs that tell make no such folder: of a
//! project that was never built it lies in the user's cache, if that is on the same file system,
//! whose clock tells which identities can be believed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::asked::Asked;
use crate::codec::{Reader, Writer};
use crate::configure::Environment;
use crate::depends::Depends;
use crate::digest::{Digest, Fields};
use crate::discover::{self, Discovery, File, IncludeGraph, System, Tree, detect_binaries, include_graph};
use crate::fs;
use crate::held::HeldBuilds;
use crate::inspect::{BinaryReport, inspect};
use crate::log::Mark;
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::project::Project;
use crate::recorded;
use crate::snapshot::{self, Compared, Good, Moved, Snapshot, compare_all};
use crate::tally::{Cache, Count, Counts};

/// A project as discovery sees it.
pub struct Found {
    /// Its root.
    pub root: Root,
    /// Its name.
    pub name: String,
    /// What lies in it.
    pub tree: Tree,
    /// What is made of that.
    pub discovery: Discovery,
    /// Where included files are looked for: what the settings say, then what discovery adds.
    pub include_dirs: Vec<FilePath>,
    /// Which file includes which.
    pub includes: IncludeGraph,
    /// What its machine code is, in the order of [`detect_binaries`].
    pub binaries: Vec<BinaryFound>,
}

/// A file of machine code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BinaryFound {
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// `ELF`, `Mach-O`, `PE`, `COFF`, `archive`; empty when it cannot be understood.
    pub format: String,
    /// The machine as a triple begins; empty when the file does not tell.
    pub machine: String,
    /// The name under which a program will look for this library.
    pub soname: Option<String>,
    /// Libraries it needs, by the names it asks for.
    pub needed: Vec<String>,
    /// How many symbols others can use.
    pub exports: u64,
    /// Whether it holds debug information.
    pub debug: bool,
}

impl BinaryFound {
    /// What the machine code in `file` is; of one that cannot be understood little more than its size.
    fn look(root: &Root, file: &File) -> BinaryFound {
        let report = inspect(&root.resolve(&file.path)).ok();
        let exports = |report: &BinaryReport| {
            let members = report.members.iter().map(|member| member.exports.len());
            (report.exports.len() + members.sum::<usize>()) as u64
        };
        BinaryFound {
            path: file.path.to_string(),
            size: file.size.unwrap_or(0),
            format: report.as_ref().map_or("", |report| report.format).to_owned(),
            machine: report.as_ref().map_or("", |report| report.machine).to_owned(),
            soname: report.as_ref().and_then(|report| report.soname.clone()),
            needed: report.as_ref().map(|report| report.needed.clone()).unwrap_or_default(),
            exports: report.as_ref().map_or(0, exports),
            debug: report.is_some_and(|report| report.debug),
        }
    }
}

impl Found {
    /// Looks at `project`, whose build description may ask `system`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn in_project(project: &Project, system: &dyn System) -> Result<Found> {
        let tree = project.scan()?;
        let discovery = project.discover(&tree, system)?;
        let include_dirs = searched(project, &discovery);
        let own = &discovery.manner.own;
        let includes = include_graph(&project.memo, &tree, &discovery.generated, &include_dirs, own);
        let (root, name) = (project.root().clone(), project.name());
        let binaries = detect_binaries(&tree).par_iter().map(|file| BinaryFound::look(&root, file)).collect();
        Ok(Found { root, name, tree, discovery, include_dirs, includes, binaries })
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Writer::default();
        out.bytes(self.name.as_bytes());
        out.uint(self.include_dirs.len() as u64);
        self.include_dirs.iter().for_each(|dir| out.bytes(dir.as_bytes()));
        recorded::encode(&mut out, &self.tree, &self.discovery)?;
        self.includes.encode(&mut out);
        out.bytes(&serde_json::to_vec(&self.binaries)?);
        Ok(out.0)
    }

    fn decode(root: &Root, bytes: &[u8]) -> Option<Found> {
        let mut from = Reader(bytes);
        let name = String::from_utf8(from.bytes()?.to_vec()).ok()?;
        let dirs = (0..from.uint()?).map(|_| Some(FilePath::new(from.bytes()?)));
        let include_dirs = dirs.collect::<Option<_>>()?;
        let (tree, discovery) = recorded::decode(&mut from)?;
        let includes = IncludeGraph::decode(&mut from)?;
        let binaries = serde_json::from_slice(from.bytes()?).ok()?;
        Some(Found { root: root.clone(), name, tree, discovery, include_dirs, includes, binaries })
    }

    /// How many things there are of each kind that discovery looks for, as hits or as misses.
    fn counts(&self, known: bool) -> Counts {
        let of = |number| if known { Count::of(number, 0) } else { Count::of(0, number) };
        Counts::default()
            .with(Cache::FileScans, of(self.tree.files.len()))
            .with(Cache::Binaries, of(detect_binaries(&self.tree).len()))
    }
}

fn searched(project: &Project, discovery: &Discovery) -> Vec<FilePath> {
    let written = project.manifest.compile.include_dirs.iter();
    let mut dirs: Vec<FilePath> = written.map(|dir| project.root().file_path(Path::new(dir))).collect();
    for dir in &discovery.include_dirs {
        if !dirs.contains(dir) {
            dirs.push(dir.clone());
        }
    }
    dirs
}

/// How many looks at projects that were never built are kept.
const KEPT: usize = 32;

/// What was found last in a project, with the digest by which its snapshot names it.
#[derive(Default)]
pub struct Kept(Mutex<Option<(Digest, Arc<Found>)>>);

/// What was found, and how.
pub struct Answer {
    /// It.
    pub found: Arc<Found>,
    /// Whether nothing had to be looked for.
    pub known: bool,
    /// How much of it was known.
    pub counts: Counts,
}

impl Kept {
    /// What is found in the project at `root`: what was kept, if that still holds and `force` does
    /// not say otherwise, else what is there now.  With `held` the project is watched over.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn find(
        &self,
        root: &Root,
        environment: &Environment,
        held: Option<&HeldBuilds>,
        force: bool,
    ) -> Result<Answer> {
        let place = Place::of(root, environment);
        // Cookies are made only in a folder of jmake's.
        let held = held.filter(|_| place.as_ref().is_some_and(|place| place.memo.is_none()));
        let standing = || self.standing(root, place.as_ref().filter(|_| !force)?, held);
        if let Some(found) = standing() {
            let files = found.includes.files().len();
            let counts = found.counts(true).with(Cache::IncludeGraphs, Count::of(files, 0));
            return Ok(Answer { found, known: true, counts });
        }
        let now = place.as_ref().and_then(|place| place.now(root));
        let memo = place.as_ref().and_then(|place| place.memo.as_deref());
        let project = Project::look_at(root, environment, now.unwrap_or(0), memo)?;
        let (cancel, held) = (Cancel::default(), held.filter(|_| now.is_some()));
        let asked = Asked::new(&project, environment, &cancel);
        let found = Arc::new(Found::in_project(&project, &asked)?);
        let mut counts = found.counts(false);
        counts.add(&project.counts());
        if let Some(place) = place.filter(|_| now.is_some())
            && let Some(snapshot) = self.record(&place, &project, &found, &asked.consulted())
            && let Some(held) = held
        {
            held.hold(place.asked, snapshot);
        }
        Ok(Answer { found, known: false, counts })
    }

    /// Forgets it.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    /// What was kept, if it holds.
    fn standing(&self, root: &Root, place: &Place, held: Option<&HeldBuilds>) -> Option<Arc<Found>> {
        let load = || Snapshot::load(&place.file, place.asked);
        let compared = match held {
            Some(held) => held.compare(place.asked, load),
            None => load().and_then(|snapshot| compare_all(Arc::new(snapshot), root, &place.clock)),
        };
        let (snapshot, is_new) = match compared? {
            Compared::Holds { snapshot, better } => (snapshot, better && held.is_none()),
            Compared::Moved(moved) => (Arc::new(place.moved(root, moved)?), true),
        };
        if is_new {
            snapshot.save(&place.file).ok();
            if let Some(held) = held {
                held.hold(place.asked, snapshot.clone());
            }
        }
        let mut kept = self.lock();
        match &*kept {
            Some((digest, found)) if *digest == snapshot.config() => Some(found.clone()),
            _ => {
                let found = Arc::new(Found::decode(root, snapshot.reply())?);
                *kept = Some((snapshot.config(), found.clone()));
                Some(found)
            }
        }
    }

    /// Records what was `found`.  Not doing so only makes the next look slower.
    fn record(
        &self,
        place: &Place,
        project: &Project,
        found: &Arc<Found>,
        consulted: &[FilePath],
    ) -> Option<Arc<Snapshot>> {
        let memo = &project.memo;
        let tree = &found.tree;
        let deciding: Vec<FilePath> = consulted.iter().chain(found.discovery.templates()).cloned().collect();
        let depends = Depends::of(memo, tree, &deciding, &project.learned).with_binaries(tree);
        let reply = found.encode().ok()?;
        let good = Good { is_build: false, config: Digest::of(&reply), mark: Mark::default(), reply };
        let config = good.config;
        let snapshot = Snapshot::take(memo, place.asked, depends.deciding(), good)?;
        // What was created since it was looked for is part of the listings and not of what was found.
        let again = discover::walk_files(memo.root(), &project.options()).ok()?;
        let same_files =
            again.files.iter().map(|file| &file.path).eq(tree.files.iter().map(|file| &file.path));
        if again.dirs != tree.dirs || !same_files {
            return None;
        }
        snapshot.save(&place.file).ok()?;
        if let Some(file) = &place.memo {
            memo.save(file, false).ok();
        }
        snapshot::prune(&place.file, "found-", if place.memo.is_some() { KEPT } else { snapshot::KEPT });
        *self.lock() = Some((config, found.clone()));
        Some(Arc::new(snapshot))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Digest, Arc<Found>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where what was found in one project is kept for one environment.
struct Place {
    /// What was asked, and of whom.
    asked: Digest,
    file: PathBuf,
    /// The folder whose file system's clock is asked.
    clock: PathBuf,
    /// Where the memo is kept of a project that was never built.
    memo: Option<PathBuf>,
}

impl Place {
    fn of(root: &Root, environment: &Environment) -> Option<Place> {
        let root_bytes = bytes_of(root.as_path().as_os_str());
        let mut fields = Fields::new();
        fields.push("jmake", env!("CARGO_PKG_VERSION"));
        fields.push("found in", root_bytes);
        fields.push("environment", serde_json::to_vec(environment).ok()?);
        let asked = fields.digest();
        let state = root.as_path().join(STATE_DIR);
        if state.is_dir() {
            let file = state.join(format!("found-{}", asked.short()));
            return Some(Place { asked, file, clock: state, memo: None });
        }
        let cache = fs::cache_dir(environment.cache_home.as_deref(), environment.home.as_deref())?;
        let clock = cache.join("found");
        let of_root = Digest::of(root_bytes).short();
        let memo = Some(clock.join(format!("memo-{of_root}")));
        Some(Place { asked, file: clock.join(format!("found-{}", asked.short())), clock, memo })
    }

    /// The time on the file system of the project, if it can be told here.
    fn now(&self, root: &Root) -> Option<i64> {
        if self.memo.is_some() {
            // A cache within the project is not made for a question about it.
            let is_outside = !self.clock.starts_with(root.as_path());
            is_outside.then(|| fs::create_dir_all(&self.clock).ok())??;
        }
        let device = |path: &Path| Some(fs::stat(path).ok()??.dev);
        (device(&self.clock)? == device(root.as_path())?).then(|| fs::now(&self.clock).ok())?
    }

    /// The snapshot as it holds now, if the texts that have changed say the same to discovery.
    fn moved(&self, root: &Root, moved: Moved) -> Option<Snapshot> {
        let memo = Memo::new(root.clone(), self.now(root)?);
        let reply = moved.snapshot().reply().to_vec();
        moved.says_the_same(&memo).then(|| moved.take(&memo, Mark::default(), reply))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project, a user's cache for it, and an engine's memory or none.
    struct Scene {
        dir: tempfile::TempDir,
        root: Root,
        environment: Environment,
        kept: Kept,
    }

    impl Scene {
        fn new() -> Scene {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(&dir.path().join("p")).unwrap();
            let root = Root::open(&dir.path().join("p")).unwrap();
            let environment =
                Environment { cache_home: Some(dir.path().join("cache")), ..Environment::default() };
            Scene { dir, root, environment, kept: Kept::default() }
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(&self.root.as_path().join(name), text.as_bytes()).unwrap();
        }

        /// Times can be set, but not that of the last change: only waiting makes files old.
        fn wait(&self) {
            std::thread::sleep(std::time::Duration::from_millis(2100));
        }

        /// What is found by a new process, and by one that has kept what it found.
        fn find(&self, force: bool) -> Answer {
            let warm = self.kept.find(&self.root, &self.environment, None, force).unwrap();
            let cold = Kept::default().find(&self.root, &self.environment, None, force).unwrap();
            assert_eq!(warm.found.tree, cold.found.tree);
            assert_eq!(warm.found.discovery, cold.found.discovery);
            assert!(warm.found.includes.files().eq(cold.found.includes.files()));
            cold
        }
    }

    #[test]
    fn what_is_kept_is_never_older_than_the_disk() {
        for built in [false, true] {
            let scene = Scene::new();
            let put = |name, text| scene.put(name, text);
            put("a.c", "#include \"a.h\"\n#include <z.h>\n");
            put("a.h", "");
            if built {
                fs::create_dir_all(&scene.root.as_path().join(STATE_DIR)).unwrap();
            }
            scene.wait();
            assert!(!scene.kept.find(&scene.root, &scene.environment, None, false).unwrap().known);
            let again = scene.find(false);
            assert!(again.known, "{built}");
            assert_eq!(again.counts.of(Cache::FileScans), Count::of(2, 0));
            assert_eq!(again.counts.of(Cache::IncludeGraphs), Count::of(2, 0));
            assert_eq!(again.found.includes.unresolved(&"a.c".into())[0].line, 2);
            assert!(!scene.find(true).known, "who forces gets what is there");
            assert_eq!(scene.root.as_path().join(STATE_DIR).exists(), built, "it only looks");
            put("a.c", "#include \"a.h\"\n#include <z.h>\nint f(void) { return 1; }\n");
            assert!(scene.find(false).known, "a text that says the same");
            put("b.c", "");
            assert_eq!(scene.find(false).found.tree.files.len(), 3, "a new file");
            put("a.h", "#include \"c.h\"\n");
            put("c.h", "");
            assert_eq!(scene.find(false).found.includes.files().len(), 4, "another text");
            put("jmake.toml", "[discovery]\nexclude = [\"b.c\"]\n");
            assert!(scene.find(false).found.tree.get(&"b.c".into()).is_none(), "other settings");
            put("tool.bin", "text");
            scene.find(false);
            put("tool.bin", "!<arch>\n");
            assert_eq!(detect_binaries(&scene.find(false).found.tree).len(), 1, "other first bytes");
            let moved = scene.dir.path().join("q");
            fs::rename(scene.root.as_path(), &moved).unwrap();
            let there = Kept::default().find(&Root::open(&moved).unwrap(), &scene.environment, None, false);
            assert_eq!(there.unwrap().found.root.as_path(), moved, "another place");
        }
    }

    #[test]
    fn what_has_just_been_written_is_compared_by_content() {
        let scene = Scene::new();
        scene.put("a.c", "#include \"a.h\"\n");
        assert!(!scene.kept.find(&scene.root, &scene.environment, None, false).unwrap().known);
        for text in ["#include \"b.h\"\n", "#include \"c.h\"\n", "#include \"b.h\"\n"] {
            scene.put("a.c", text);
            let name = scene.find(false).found.includes.unresolved(&"a.c".into())[0].name.clone();
            assert_eq!(&*name, &text.as_bytes()[10..13]);
        }
    }

    #[test]
    fn damage_counts_as_nothing() {
        let scene = Scene::new();
        scene.put("a.c", "#include \"a.h\"\n");
        scene.put("a.h", "");
        let bytes = scene.find(false).found.encode().unwrap();
        assert!(Found::decode(&scene.root, &bytes).is_some());
        for at in 0..bytes.len() {
            assert!(Found::decode(&scene.root, &bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
