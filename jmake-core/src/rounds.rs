//! `watch`: builds again whenever something changes.
//!
//! Each round is an ordinary build; what makes the next one begin is only a hint, so a round that
//! finds nothing changed says nothing.  An edit during a round ends that round early, for nobody
//! wants its result any more: what it has finished is kept and the next round goes on from there.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use globset::GlobSet;

use crate::build::Built;
use crate::configure::Environment;
use crate::discover::{self, Category};
use crate::event::{Diagnostic, Event, FileChange, How, Round};
use crate::fs;
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::project::Project;
use crate::request::Failure;
use crate::warm::Warm;
use crate::watch::{Listener, Mail};

/// How long nothing more must happen before a round begins, where the settings do not say.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// How many times as long a round is put off at most.
const PATIENCE: u32 = 50;
/// How often everything is looked at where nothing can be watched.
const POLL: Duration = Duration::from_secs(1);

/// One round's build: what to cancel it by, and who hears its events.
pub type Build<'a> = &'a mut dyn FnMut(&Cancel, &mut dyn FnMut(Event)) -> Result<Built>;

/// Builds by `build`, and again after each change below the root of `warm`, until `cancel` ends
/// it.  Gives the last round's result.
///
/// # Errors
/// When the root can no longer be read.
pub fn watch_and_build(
    warm: &Warm,
    environment: &Environment,
    build: Build<'_>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    let listener = warm.held().listen();
    let nudge = listener.clone();
    cancel.then(move || nudge.nudge());
    let mut last = Built::default();
    let mut scene = Scene::of(warm.root());
    let mut begun_by: Option<Mail> = None;
    while !cancel.is_cancelled() {
        let known = scene.known(warm);
        scene = Scene::look(warm, environment, scene);
        // Before the build reads anything, so that no edit falls between the two.  A folder that is
        // made later makes an event in the one above it.
        warm.held().watch_also(&scene.folders);
        let changes = begun_by.map(|mail| scene.changes(&known, &mail));
        let quiet = changes.as_ref().is_some_and(Vec::is_empty);
        if let Some(files) = changes.filter(|_| !quiet) {
            on_event(Event::Changed { files });
        }
        let (ended, outdated) = round(&listener, &scene, build, cancel, on_event);
        warm.held().rest();
        match ended {
            Ok(built) if outdated => drop(built),
            // A round that was begun for nothing is passed over in silence.
            Ok(built) if quiet && built.untouched && last.success => {}
            Ok(built) => {
                on_event(Event::Round(summary(&built)));
                last = built;
            }
            Err(_) if cancel.is_cancelled() => break,
            Err(e) => {
                on_event(Event::Diagnostic(in_words(&e)));
                on_event(Event::Round(Round::default()));
                last = Built::default();
            }
        }
        if !outdated && !wait(warm, &listener, &scene, cancel) {
            break;
        }
        listener.wait_for_quiet(scene.debounce, scene.debounce * PATIENCE);
        begun_by = Some(listener.take());
    }
    last.cancelled = true;
    Ok(last)
}

/// Why there was no build, in one message.
fn in_words(error: &anyhow::Error) -> Diagnostic {
    let Failure { problem, causes, .. } = Failure::of(error, false);
    let message = [problem.message.clone()].into_iter().chain(causes).collect::<Vec<_>>().join(": ");
    Diagnostic { message, ..problem }
}

/// Runs one build; tells also whether something changed meanwhile that made it pointless.
fn round(
    listener: &Listener,
    scene: &Scene,
    build: Build<'_>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> (Result<Built>, bool) {
    let stop = Cancel::new();
    let (done, outdated) = (AtomicBool::new(false), AtomicBool::new(false));
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            let over = || done.load(Ordering::SeqCst) || cancel.is_cancelled();
            listener.wait(Duration::MAX, |mail| over() || scene.matters(mail));
            if !done.load(Ordering::SeqCst) {
                outdated.store(!cancel.is_cancelled(), Ordering::SeqCst);
                stop.cancel();
            }
        });
        let ended = build(&stop, on_event);
        done.store(true, Ordering::SeqCst);
        listener.nudge();
        ended
    });
    // What had succeeded all the same is worth telling.
    let interrupted = ended.as_ref().map_or(true, |built| built.cancelled);
    (ended, interrupted && outdated.into_inner())
}

/// Waits for a change that matters; tells whether there is to be another round.
fn wait(warm: &Warm, listener: &Listener, scene: &Scene, cancel: &Cancel) -> bool {
    let limit = if warm.held().noticing().scanning.is_some() { POLL } else { Duration::MAX };
    listener.wait(limit, |mail| cancel.is_cancelled() || scene.matters(mail));
    !cancel.is_cancelled() && fs::stat(warm.root().as_path()).is_ok_and(|stat| stat.is_some())
}

fn summary(built: &Built) -> Round {
    Round {
        success: built.success,
        profile: built.profile.clone(),
        results: built.results.clone(),
        compiled: built.compiled,
        fresh: built.fresh,
        restored: built.restored,
        failed: built.failed,
        elapsed: built.elapsed,
    }
}

/// What lies in the project when a round begins.
struct Scene {
    root: Root,
    files: HashSet<FilePath>,
    /// Files of any name that the last good build read.
    read: HashSet<FilePath>,
    folders: Vec<FilePath>,
    output_dir: FilePath,
    debounce: Duration,
    ignore: GlobSet,
}

impl Scene {
    /// Nothing is known yet of the project at `root`.
    fn of(root: &Root) -> Scene {
        Scene {
            root: root.clone(),
            files: HashSet::new(),
            read: HashSet::new(),
            folders: vec![FilePath::root()],
            output_dir: discover::Options::default().output_dir,
            debounce: DEBOUNCE,
            ignore: GlobSet::empty(),
        }
    }

    /// Looks at the project of `warm`.  What cannot be had now, while settings are broken or a
    /// folder is being moved, stays as `before`.
    fn look(warm: &Warm, environment: &Environment, before: Scene) -> Scene {
        let root = warm.root();
        let mut scene = before;
        let read = warm.held().files();
        if !read.is_empty() {
            scene.read = read;
        }
        let Ok(project) = Project::look(root, environment) else { return scene };
        let options = project.options();
        let watch = &project.manifest.watch;
        scene.debounce = watch.debounce.unwrap_or(DEBOUNCE);
        // A pattern that is wrong is told of by the build.
        scene.ignore = discover::globs(&watch.ignore, &mut Vec::new());
        if let Ok(tree) = discover::walk_files(root, &options) {
            scene.files = tree.files.into_iter().map(|file| file.path).collect();
            scene.folders = tree.dirs;
        }
        scene.output_dir = options.output_dir;
        scene
    }

    /// What was known when this round began, and what its build came to know.
    fn known(&mut self, warm: &Warm) -> HashSet<FilePath> {
        let mut known = std::mem::take(&mut self.files);
        known.extend(self.folders.iter().cloned());
        known.extend(warm.held().files());
        known
    }

    fn matters(&self, mail: &Mail) -> bool {
        mail.unknown || mail.changed.iter().any(|path| self.is_relevant(path))
    }

    /// Whether a change of `path` can change a build.
    fn is_relevant(&self, path: &FilePath) -> bool {
        let name = path.file_name();
        let own = path.starts_with(&FilePath::new(STATE_DIR))
            || (!self.output_dir.is_root() && path.starts_with(&self.output_dir))
            || name.starts_with(fs::TEMPORARY.as_bytes())
            || name == b"compile_commands.json";
        if own || self.ignore.is_match(path.to_path_buf()) {
            return false;
        }
        // Files that editors keep beside those they change are hidden, or have names of their own.
        let telling = || match name.first() {
            Some(b'.') => matches!(name, b".gitignore" | b".ignore" | b".jmake_project"),
            _ => {
                let category = discover::category_by_name(name);
                category.is_source() || category.is_header() || category == Category::Config
            }
        };
        self.read.contains(path)
            || self.folders.binary_search(path).is_ok()
            || telling()
            || name.first() != Some(&b'.') && self.root.resolve(path).is_dir()
    }

    /// What is said of `mail`, sorted; `before` are the files and folders that were known before.
    fn changes(&self, before: &HashSet<FilePath>, mail: &Mail) -> Vec<FileChange> {
        let how = |path: &FilePath| {
            let known = before.contains(path);
            match fs::stat(&self.root.resolve(path)).ok().flatten() {
                None if known => Some(How::Gone),
                None => None,
                Some(_) if known => Some(How::Changed),
                Some(_) => Some(How::New),
            }
        };
        let relevant = mail.changed.iter().filter(|path| self.is_relevant(path));
        let mut changes: Vec<_> = relevant
            .filter_map(|path| Some(FileChange { path: path.to_string(), how: how(path)? }))
            .collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        changes
    }
}
