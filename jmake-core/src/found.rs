//! What discovery finds in a project, kept for as long as nothing that it depends on has changed.
//!
//! For verbs that tell: each needs the tree, what was decided from it and who includes whom.  An
//! engine that stays warm keeps the three together with the identity of every file and folder
//! that they came from, and looks only at these the next time: nothing is listed, nothing read.
//!
//! Kept is only what can be believed: had a file been changed within the clock's grain of being
//! read, its identity would not tell whether it was changed again.  The file system's clock is
//! read by making a file, which these verbs do only where jmake has a folder of its own; of a
//! project that was never built nothing is kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use rayon::prelude::*;

use crate::asked::Asked;
use crate::configure::Environment;
use crate::discover::{Discovery, IncludeGraph, System, Tree, detect_binaries, include_graph};
use crate::fs::{self, StatId};
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::project::{MANIFEST, MARKER, Project};
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
    /// Files and folders outside of the project that what was asked of the compiler depends on.
    consulted: Vec<FilePath>,
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
        let includes = include_graph(&project.memo, &tree, &discovery.generated, &include_dirs);
        let (root, name) = (project.root().clone(), project.name());
        Ok(Found { root, name, tree, discovery, include_dirs, includes, consulted: Vec::new() })
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

/// What was found last, and what it depends on.
#[derive(Default)]
pub struct Kept(Mutex<Option<(Arc<Found>, Vec<Stamp>)>>);

/// A file or folder, and what it was.
type Stamp = (PathBuf, Option<StatId>);

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
    /// not say otherwise, else what is there now.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn find(&self, root: &Root, environment: &Environment, force: bool) -> Result<Answer> {
        let kept = if force { None } else { self.holding() };
        if let Some(found) = kept {
            let files = found.includes.files().len();
            let counts = found.counts(true).with(Cache::IncludeGraphs, Count::of(files, 0));
            return Ok(Answer { found, known: true, counts });
        }
        // Before anything is looked at.
        let now = fs::now(&root.as_path().join(STATE_DIR)).ok();
        let answer = look(root, environment)?;
        *self.lock() = now.and_then(|now| Some((answer.found.clone(), stamps(&answer.found, now)?)));
        Ok(answer)
    }

    /// Forgets it.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn holding(&self) -> Option<Arc<Found>> {
        let kept = self.lock();
        let (found, stamps) = kept.as_ref()?;
        let same = |(path, was): &Stamp| fs::stat(path).is_ok_and(|is| is == *was);
        stamps.par_iter().all(same).then(|| found.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Arc<Found>, Vec<Stamp>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is there now in the project at `root`; nothing is written.
///
/// # Errors
/// When the project cannot be read.
pub fn look(root: &Root, environment: &Environment) -> Result<Answer> {
    let project = Project::look(root, environment)?;
    let cancel = Cancel::default();
    let asked = Asked::new(&project, environment, &cancel);
    let found = Found::in_project(&project, &asked)?;
    let found = Arc::new(Found { consulted: asked.consulted(), ..found });
    let mut counts = found.counts(false);
    counts.add(&project.counts());
    Ok(Answer { found, known: false, counts })
}

/// What `found` came from; `None` when some of it may have changed since it was read.
fn stamps(found: &Found, now: i64) -> Option<Vec<Stamp>> {
    let files = found.tree.files.iter().map(|file| &file.path);
    let deciding = [FilePath::new(MANIFEST), FilePath::new(MARKER)];
    let paths: Vec<PathBuf> = files
        .chain(&found.tree.dirs)
        .chain(&found.tree.ignore_files)
        .chain(&deciding)
        // One may lie in a folder that is passed over.
        .chain(&found.discovery.evidence)
        .chain(&found.consulted)
        .map(|path| found.root.resolve(path))
        .collect();
    let stamp = |path: PathBuf| {
        let stat = fs::stat(&path).ok()?;
        stat.is_none_or(|stat| stat.settled(now)).then_some((path, stat))
    };
    paths.into_par_iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_never_older_than_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(&dir.path().join(name), text.as_bytes()).unwrap();
        put("a.c", "#include \"a.h\"\n");
        put("a.h", "");
        let root = Root::open(dir.path()).unwrap();
        let kept = Kept::default();
        let find = |force| kept.find(&root, &Environment::default(), force).unwrap();
        assert!(!find(false).known && !find(false).known, "without a folder of its own, jmake keeps nothing");
        fs::create_dir_all(&dir.path().join(STATE_DIR)).unwrap();
        assert!(!find(false).known && !find(false).known, "what has just been written is not believed");
        // Times can be set, but not that of the last change: only waiting makes files old.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        assert!(!find(false).known);
        let again = find(false);
        assert!(again.known);
        assert_eq!(again.counts.of(Cache::FileScans), Count::of(2, 0));
        assert_eq!(again.counts.of(Cache::IncludeGraphs), Count::of(2, 0));
        assert!(!find(true).known, "who forces gets what is there");
        put("b.c", "");
        assert_eq!(find(false).found.tree.files.len(), 3, "a new file");
        put("a.h", "#include \"c.h\"\n");
        put("c.h", "");
        assert_eq!(find(false).found.includes.files().len(), 4, "another text");
        put("jmake.toml", "[discovery]\nexclude = [\"b.c\"]\n");
        assert!(find(false).found.tree.get(&"b.c".into()).is_none(), "other settings");
    }
}
