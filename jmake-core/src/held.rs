//! The last good builds, held in memory and watched over, so that the next one need not look again.
//!
//! The [`Snapshot`]s of the last good builds are held in memory, and the folders they speak of are
//! watched.  A snapshot is *armed* in this order: its folders are watched; then all of it is
//! compared with the disk; so from then on whatever changes makes an event.  A comparison of an
//! armed snapshot looks only at what was named since, and at what no event tells of: files outside
//! the root, files behind links, files with several names.  Whenever something is not certain (an
//! event was lost or is late, a watched folder was moved, the root or a mount is another), every
//! snapshot is disarmed, and the next comparison looks at everything.
//!
//! Now and then everything is looked at though nothing was said ([`HeldBuilds::rest`]).  If that ever
//! finds a change which no event told of, events are not trusted again.
//!
//! All of this may be dropped at any moment: that costs time, never a result.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fs;
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;
use crate::snapshot::{Compared, Fact, Snapshot, compare, compare_all};
use crate::watch::{Changes, Listener, Listeners, Watch, trusted};

/// How many snapshots are held: one for each set of flags and each environment in use.
const HELD: usize = 8;
/// How often at most everything is looked at though nothing was said.
const AUDIT_EVERY: Duration = Duration::from_secs(10);
/// How many times in a row events may be late before they are not waited for again.
const STRIKES: u32 = 3;

/// The last good builds of the project at one root.
pub struct HeldBuilds {
    root: Root,
    listeners: Listeners,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: HashMap<Digest, Held>,
    /// Counts the uses of held snapshots.
    uses: u64,
    watching: Watching,
    /// Which folder the root is and what is mounted where, as of the beginning of the watch.
    place: Option<Place>,
    /// Folders that are watched whatever snapshots speak of.
    besides: HashSet<FilePath>,
    /// How often an armed snapshot was compared.
    spared: u64,
    strikes: u32,
    audited: Option<Instant>,
}

#[derive(Default)]
enum Watching {
    #[default]
    NotYet,
    By(Box<Watch>),
    /// Everything is looked at each time, for this reason.
    Never(String),
}

struct Held {
    snapshot: Arc<Snapshot>,
    armed: Option<Armed>,
    used: u64,
}

/// Which facts of an armed snapshot are to be compared; the others hold.
#[derive(Default)]
struct Armed {
    /// Those that no event tells of.
    always: Vec<usize>,
    /// Those of which something was said.
    named: BTreeSet<usize>,
}

/// What the watched folders stand for as long as it stays the same.
#[derive(PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
    mounts: Option<Digest>,
}

/// How changes are noticed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Noticing {
    /// How many folders are watched; 0 when everything is looked at each time.
    pub folders: usize,
    /// How many builds are held in memory.
    pub held: usize,
    /// How many requests so far had to look only at what was said to have changed.
    pub spared: u64,
    /// Why everything is looked at each time, if so.
    pub scanning: Option<String>,
}

impl HeldBuilds {
    /// Nothing yet, of the project at `root`.
    pub fn new(root: &Root) -> HeldBuilds {
        HeldBuilds { root: root.clone(), listeners: Listeners::default(), state: Mutex::default() }
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// How changes are noticed.
    pub fn noticing(&self) -> Noticing {
        let state = self.lock();
        let (folders, scanning) = match &state.watching {
            Watching::NotYet => (0, None),
            Watching::By(watch) => (watch.len(), None),
            Watching::Never(why) => (0, Some(why.clone())),
        };
        let held = state.held.values().filter(|held| held.snapshot.is_build()).count();
        Noticing { folders, held, spared: state.spared, scanning }
    }

    /// The files below the root that the latest good build read.
    pub fn files(&self) -> HashSet<FilePath> {
        let state = self.lock();
        let builds = state.held.values().filter(|held| held.snapshot.is_build());
        let newest = builds.max_by_key(|held| held.used);
        let facts = newest.map(|held| held.snapshot.facts()).unwrap_or_default();
        let inside =
            facts.iter().filter(|(path, fact)| !path.is_absolute() && matches!(fact, Fact::Content { .. }));
        inside.map(|(path, _)| path.clone()).collect()
    }

    /// Forgets every snapshot held.
    pub fn forget(&self) {
        self.lock().held.clear();
    }

    /// Holds the snapshot of a good build of `asked`, or of a look at the project.
    pub fn hold(&self, asked: Digest, snapshot: Arc<Snapshot>) {
        let mut state = self.lock();
        state.uses += 1;
        let used = state.uses;
        state.held.insert(asked, Held { snapshot, armed: None, used });
        if state.held.len() > HELD
            && let Some(oldest) = state.held.iter().min_by_key(|(_, held)| held.used).map(|(&asked, _)| asked)
        {
            state.held.remove(&oldest);
        }
    }

    /// Compares the snapshot held for `asked` with the disk; if none is held, the one that `load`
    /// gives.  `None` when there is none, or more differs than the text of sources.
    pub fn compare(&self, asked: Digest, load: impl FnOnce() -> Option<Snapshot>) -> Option<Compared> {
        let mut state = self.lock();
        state.catch_up(&self.root);
        state.uses += 1;
        let used = state.uses;
        let held = state.held.remove(&asked);
        let mut held = held.or_else(|| Some(Held { snapshot: Arc::new(load()?), armed: None, used }))?;
        held.used = used;
        state.spared += u64::from(held.armed.is_some());
        let compared = self.compare_held(held.snapshot, &held.armed)?;
        held.snapshot = match &compared {
            Compared::Holds { snapshot, .. } => {
                if let Some(armed) = &mut held.armed {
                    // What was named may be a link by now, whose target can change unseen.
                    let (facts, root) = (snapshot.facts(), &self.root);
                    let named = std::mem::take(&mut armed.named);
                    let hidden = |at: &usize| !fs::has_one_name(&root.resolve(&facts[*at].0));
                    armed.always.extend(named.into_iter().filter(hidden));
                    armed.always.sort_unstable();
                    armed.always.dedup();
                }
                snapshot.clone()
            }
            // What differs goes on doing so until a build has succeeded.
            Compared::Moved(moved) => moved.snapshot().clone(),
        };
        state.held.insert(asked, held);
        Some(compared)
    }

    fn compare_held(&self, snapshot: Arc<Snapshot>, armed: &Option<Armed>) -> Option<Compared> {
        let clock = self.state_dir();
        match armed {
            Some(Armed { always, named }) => {
                let which: Vec<usize> = always.iter().chain(named).copied().collect();
                compare(snapshot, which, &self.root, &clock)
            }
            None => compare_all(snapshot, &self.root, &clock),
        }
    }

    /// Prepares for the next request while nobody waits: watches what the latest snapshot speaks
    /// of, or makes sure that events have told of every change.
    pub fn rest(&self) {
        let mut state = self.lock();
        let newest = state.held.iter().max_by_key(|(_, held)| held.used).map(|(&asked, _)| asked);
        let Some(asked) = newest else { return };
        state.catch_up(&self.root);
        if matches!(state.watching, Watching::Never(_)) {
            return;
        }
        let armed = state.held.get(&asked).is_some_and(|held| held.armed.is_some());
        let outcome = if armed { self.audit(&mut state, asked) } else { self.arm(&mut state, asked) };
        if let Err(why) = outcome {
            state.give_up(why);
        }
    }

    /// [`HeldBuilds::rest`] as if the last look at everything were long ago.
    pub fn audit_now(&self) {
        self.lock().audited = None;
        self.rest();
    }

    fn arm(&self, state: &mut State, asked: Digest) -> Result<(), String> {
        if matches!(state.watching, Watching::By(_)) && Place::of(&self.root) != state.place {
            state.disarm();
        }
        self.start_watching(state)?;
        let Watching::By(watch) = &mut state.watching else { return Ok(()) };
        let Some(mut held) = state.held.remove(&asked) else { return Ok(()) };
        let (folders, always) = self.watchable(&held.snapshot);
        folders.iter().try_for_each(|folder| self.watch_folder(watch, folder))?;
        if state.held.values().all(|held| held.armed.is_none()) {
            watch.keep_only(|folder| folders.contains(folder) || state.besides.contains(folder));
        }
        // From here on every change makes an event: what holds now holds until one comes.
        if let Some(compared) = self.compare_held(held.snapshot, &None) {
            let (snapshot, armed) = match compared {
                Compared::Holds { snapshot, .. } => {
                    (snapshot, Some(Armed { always, named: BTreeSet::new() }))
                }
                Compared::Moved(moved) => (moved.snapshot().clone(), None),
            };
            (held.snapshot, held.armed) = (snapshot, armed);
            state.held.insert(asked, held);
        }
        state.audited = Some(Instant::now());
        Ok(())
    }

    /// Looks at everything; an error when something has changed of which no event told.
    fn audit(&self, state: &mut State, asked: Digest) -> Result<(), String> {
        if state.audited.is_some_and(|then| then.elapsed() < AUDIT_EVERY) {
            return Ok(());
        }
        state.audited = Some(Instant::now());
        let Some(held) = state.held.get(&asked) else { return Ok(()) };
        let changed = held.snapshot.changed(&self.root);
        // Whatever was changed meanwhile has been told of by now.
        state.catch_up(&self.root);
        let Some(Held { armed: Some(armed), snapshot, .. }) = state.held.get(&asked) else { return Ok(()) };
        let told = |at: &usize| armed.named.contains(at) || armed.always.binary_search(at).is_ok();
        match changed.into_iter().find(|at| !told(at)) {
            Some(at) => Err(format!("no event told that `{}` changed", snapshot.facts()[at].0)),
            None => Ok(()),
        }
    }

    /// The folders that events about the facts of `snapshot` come from, and the numbers, in
    /// ascending order, of the facts of which no event is certain to tell.
    fn watchable(&self, snapshot: &Snapshot) -> (HashSet<FilePath>, Vec<usize>) {
        let root = fs::stat(self.root.as_path()).ok().flatten();
        let folder_of = |(path, fact): &(FilePath, Fact)| match fact {
            Fact::Listing { .. } => Some(path.clone()),
            _ => path.parent(),
        };
        let inside = |(path, _): &&(FilePath, Fact)| !path.is_absolute();
        let folders: HashSet<FilePath> =
            snapshot.facts().iter().filter(inside).filter_map(folder_of).collect();
        // A link on the way, or another file system, is not watched.
        let plain = |folder: &FilePath| {
            let place = self.root.resolve(folder);
            place.canonicalize().is_ok_and(|canonical| canonical == place)
                && fs::stat(&place).is_ok_and(|stat| stat.map(|stat| stat.dev) == root.map(|stat| stat.dev))
        };
        let folders: HashSet<FilePath> = folders.into_par_iter().filter(plain).collect();
        let told = |entry: &(FilePath, Fact)| {
            !entry.0.is_absolute()
                && folder_of(entry).is_some_and(|folder| folders.contains(&folder))
                && (entry.0.is_root() || fs::has_one_name(&self.root.resolve(&entry.0)))
        };
        let facts = snapshot.facts();
        let always = (0..facts.len()).into_par_iter().filter(|&at| !told(&facts[at])).collect();
        (folders, always)
    }

    /// Hears from now on of changes in the folders that are watched.
    pub fn listen(&self) -> Listener {
        self.listeners.listen()
    }

    /// Watches `folders` besides what snapshots speak of; what was given before counts no more.
    pub fn watch_also(&self, folders: &[FilePath]) {
        let mut state = self.lock();
        state.besides = folders.iter().cloned().collect();
        if let Err(why) = self.start_watching(&mut state) {
            state.give_up(why);
        }
    }

    /// Starts to watch if nothing is watched yet.
    fn start_watching(&self, state: &mut State) -> Result<(), String> {
        if let Watching::NotYet = state.watching {
            trusted(self.root.as_path())?;
            state.place = Some(Place::of(&self.root).ok_or("the root cannot be examined")?);
            let cookies = self.state_dir().join("cookies");
            state.watching = Watching::By(Box::new(Watch::start(&self.root, &cookies, &self.listeners)?));
        }
        let Watching::By(watch) = &mut state.watching else { return Ok(()) };
        state.besides.iter().try_for_each(|folder| self.watch_folder(watch, folder))
    }

    /// A folder that is gone by now is found to be so in a moment.
    fn watch_folder(&self, watch: &mut Watch, folder: &FilePath) -> Result<(), String> {
        watch.add(folder).or_else(|why| match self.root.resolve(folder).is_dir() {
            true => Err(why),
            false => Ok(()),
        })
    }

    fn state_dir(&self) -> PathBuf {
        self.root.as_path().join(STATE_DIR)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes in what has been said since the last time, after the barrier.
    fn catch_up(&mut self, root: &Root) {
        let Watching::By(watch) = &mut self.watching else { return };
        if self.held.values().all(|held| held.armed.is_none()) {
            return;
        }
        if Place::of(root) != self.place {
            return self.disarm();
        }
        match watch.settle() {
            Changes::Only(changed) => {
                self.strikes = 0;
                // What lies in a folder that was moved is watched no longer, or under a wrong name.
                if changed.iter().any(|path| watch.is_watched(path)) {
                    return self.disarm();
                }
                self.held.values_mut().for_each(|held| held.name(&changed));
            }
            Changes::Unknown(why) => {
                self.disarm();
                self.strikes += 1;
                if self.strikes >= STRIKES {
                    self.give_up(why);
                }
            }
        }
    }

    /// Believes nothing that was not looked at.
    fn disarm(&mut self) {
        self.held.values_mut().for_each(|held| held.armed = None);
        // Folders are watched anew, for some may be others of the same name.
        self.watching = match std::mem::take(&mut self.watching) {
            Watching::By(_) => Watching::NotYet,
            other => other,
        };
    }

    fn give_up(&mut self, why: String) {
        self.disarm();
        self.watching = Watching::Never(why);
    }
}

impl Held {
    /// Notes which facts `changed` is about: the file itself, and the names in its folder.
    fn name(&mut self, changed: &HashSet<FilePath>) {
        let Some(armed) = &mut self.armed else { return };
        let facts = self.snapshot.facts();
        let at = |path: &FilePath| facts.binary_search_by(|(known, _)| known.cmp(path)).ok();
        for path in changed {
            armed.named.extend(at(path));
            armed.named.extend(path.parent().and_then(|folder| at(&folder)));
        }
    }
}

impl Place {
    fn of(root: &Root) -> Option<Place> {
        let stat = fs::stat(root.as_path()).ok()??;
        Some(Place { device: stat.dev, inode: stat.ino, mounts: fs::mounts() })
    }
}
