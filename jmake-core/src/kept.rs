//! What was found in a project, kept for as long as nothing that it depends on has changed.
//!
//! For verbs that tell.  What was [`Found`], and its [`Outline`] before it, are the reply of a
//! [`Snapshot`], whose facts are what they came from; so they hold, in another process or a warm one,
//! exactly as the last good build does, and where only the text of sources has changed and says the
//! same, they hold, too.
//!
//! The snapshot lies in jmake's folder of the project.  Verbs that tell make no such folder: of a
//! project that was never built it lies in the user's cache, if that is on the same file system,
//! whose clock tells which identities can be believed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::asked::Asked;
use crate::codec::{Reader, Writer};
use crate::configure::Environment;
use crate::depends::Depends;
use crate::digest::{Digest, Fields};
use crate::discover;
use crate::found::Found;
use crate::fs;
use crate::held::HeldBuilds;
use crate::log::Mark;
use crate::memo::Memo;
use crate::outline::Outline;
use crate::path::{FilePath, Root, bytes_of};
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::project::Project;
use crate::snapshot::{self, Compared, Good, Moved, Snapshot, compare_all};
use crate::tally::{Cache, Count, Counts};

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
        let place = Place::of(root, environment, held);
        if let Some(snapshot) = place.as_ref().filter(|_| !force).and_then(|place| place.standing(root))
            && let Some(found) = self.of(root, &snapshot)
        {
            let counts = Sizes::of(&found).counts(true);
            return Ok(Answer { found, known: true, counts });
        }
        self.look(root, environment, place)
    }

    /// The outline of what [`Kept::find`] finds, and how much of that was known.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn outline(
        &self,
        root: &Root,
        environment: &Environment,
        held: Option<&HeldBuilds>,
    ) -> Result<(Outline, Counts)> {
        let place = Place::of(root, environment, held);
        let standing = place.as_ref().and_then(|place| place.standing(root));
        if let Some((sizes, outline, _)) = standing.as_ref().and_then(|snapshot| parts(snapshot.reply()))
            && let Ok(outline) = serde_json::from_slice(outline)
        {
            return Ok((outline, sizes.counts(true)));
        }
        let answer = self.look(root, environment, place)?;
        Ok((Outline::of(&answer.found), answer.counts))
    }

    /// Forgets it.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    /// What `snapshot` was taken of.
    fn of(&self, root: &Root, snapshot: &Snapshot) -> Option<Arc<Found>> {
        let mut kept = self.lock();
        match &*kept {
            Some((digest, found)) if *digest == snapshot.config() => Some(found.clone()),
            _ => {
                let (.., mut rest) = parts(snapshot.reply())?;
                let found = Arc::new(Found::decode(root, &mut rest)?);
                *kept = Some((snapshot.config(), found.clone()));
                Some(found)
            }
        }
    }

    /// What there is now.
    fn look(&self, root: &Root, environment: &Environment, place: Option<Place<'_>>) -> Result<Answer> {
        let now = place.as_ref().and_then(|place| place.now(root));
        let memo = place.as_ref().and_then(|place| place.memo.as_deref());
        let project = Project::look_at(root, environment, now.unwrap_or(0), memo)?;
        let cancel = Cancel::default();
        let asked = Asked::new(&project, environment, &cancel);
        let found = Arc::new(Found::in_project(&project, &asked)?);
        let mut counts = Sizes { included: 0, ..Sizes::of(&found) }.counts(false);
        counts.add(&project.counts());
        if let Some(place) = place.filter(|_| now.is_some())
            && let Some(snapshot) = self.record(&place, &project, &found, &asked.consulted())
            && let Some(held) = place.held
        {
            held.hold(place.asked, snapshot);
        }
        Ok(Answer { found, known: false, counts })
    }

    /// Records what was `found`.  Not doing so only makes the next look slower.
    fn record(
        &self,
        place: &Place<'_>,
        project: &Project,
        found: &Arc<Found>,
        consulted: &[FilePath],
    ) -> Option<Arc<Snapshot>> {
        let memo = &project.memo;
        let tree = &found.tree;
        let deciding: Vec<FilePath> = consulted.iter().chain(found.discovery.templates()).cloned().collect();
        let depends = Depends::of(memo, tree, &deciding, &project.learned).with_binaries(tree);
        let reply = reply(found).ok()?;
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
        let save_memo = || place.memo.as_ref().and_then(|file| memo.save(file, false).ok());
        let (saved, _) = rayon::join(|| snapshot.save(&place.file).ok(), save_memo);
        saved?;
        snapshot::prune(&place.file, "found-", if place.memo.is_some() { KEPT } else { snapshot::KEPT });
        *self.lock() = Some((config, found.clone()));
        Some(Arc::new(snapshot))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Digest, Arc<Found>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many things there are of each kind that discovery looks for.
#[derive(Clone, Copy)]
struct Sizes {
    files: usize,
    binaries: usize,
    /// Files of which it is known what they include.
    included: usize,
}

impl Sizes {
    fn of(found: &Found) -> Sizes {
        let Found { tree, includes, binaries, .. } = found;
        Sizes { files: tree.files.len(), binaries: binaries.len(), included: includes.files().len() }
    }

    /// The same as hits or as misses.
    fn counts(self, known: bool) -> Counts {
        let of = |number| if known { Count::of(number, 0) } else { Count::of(0, number) };
        Counts::default()
            .with(Cache::FileScans, of(self.files))
            .with(Cache::Binaries, of(self.binaries))
            .with(Cache::IncludeGraphs, of(self.included))
    }
}

/// What is kept of `found`: what is told in brief stands before the whole, which need not be decoded
/// for it.
fn reply(found: &Found) -> Result<Vec<u8>> {
    let mut out = Writer::default();
    let Sizes { files, binaries, included } = Sizes::of(found);
    [files, binaries, included].iter().for_each(|&number| out.uint(number as u64));
    out.bytes(&serde_json::to_vec(&Outline::of(found))?);
    found.encode(&mut out)?;
    Ok(out.0)
}

/// What [`reply`] wrote; the outline and the whole are still to be decoded, of which one is needed.
fn parts(reply: &[u8]) -> Option<(Sizes, &[u8], Reader<'_>)> {
    let mut from = Reader(reply);
    let sizes = Sizes { files: from.int()?, binaries: from.int()?, included: from.int()? };
    let outline = from.bytes()?;
    Some((sizes, outline, from))
}

/// Where what was found in one project is kept for one environment.
struct Place<'a> {
    /// What was asked, and of whom.
    asked: Digest,
    file: PathBuf,
    /// The folder whose file system's clock is asked.
    clock: PathBuf,
    /// Where the memo is kept of a project that was never built.
    memo: Option<PathBuf>,
    /// Who watches over it.
    held: Option<&'a HeldBuilds>,
}

impl<'a> Place<'a> {
    fn of(root: &Root, environment: &Environment, held: Option<&'a HeldBuilds>) -> Option<Place<'a>> {
        let root_bytes = bytes_of(root.as_path().as_os_str());
        let mut fields = Fields::new();
        fields.push("jmake", env!("CARGO_PKG_VERSION"));
        fields.push("found in", root_bytes);
        fields.push("environment", serde_json::to_vec(environment).ok()?);
        let asked = fields.digest();
        let state = root.as_path().join(STATE_DIR);
        if state.is_dir() {
            let file = state.join(format!("found-{}", asked.short()));
            return Some(Place { asked, file, clock: state, memo: None, held });
        }
        let cache = fs::cache_dir(environment.cache_home.as_deref(), environment.home.as_deref())?;
        let clock = cache.join("found");
        let of_root = Digest::of(root_bytes).short();
        let memo = Some(clock.join(format!("memo-{of_root}")));
        // Cookies are made only in a folder of jmake's.
        Some(Place { asked, file: clock.join(format!("found-{}", asked.short())), clock, memo, held: None })
    }

    /// What was recorded, if it holds.
    fn standing(&self, root: &Root) -> Option<Arc<Snapshot>> {
        let load = || Snapshot::load(&self.file, self.asked);
        let compared = match self.held {
            Some(held) => held.compare(self.asked, load),
            None => load().and_then(|snapshot| compare_all(Arc::new(snapshot), root, &self.clock)),
        };
        let (snapshot, is_new) = match compared? {
            Compared::Holds { snapshot, better } => (snapshot, better && self.held.is_none()),
            Compared::Moved(moved) => (Arc::new(self.moved(root, moved)?), true),
        };
        if is_new {
            snapshot.save(&self.file).ok();
            if let Some(held) = self.held {
                held.hold(self.asked, snapshot.clone());
            }
        }
        Some(snapshot)
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
    use crate::discover::detect_binaries;

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
            for kept in [&self.kept, &Kept::default()] {
                let (outline, counts) = kept.outline(&self.root, &self.environment, None).unwrap();
                assert_eq!(outline, Outline::of(&cold.found));
                assert_eq!(counts.of(Cache::FileScans).total(), cold.found.tree.files.len() as u64);
            }
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
        let bytes = reply(&scene.find(false).found).unwrap();
        let decode = |bytes| parts(bytes).and_then(|(.., mut rest)| Found::decode(&scene.root, &mut rest));
        assert!(decode(&bytes).is_some());
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
