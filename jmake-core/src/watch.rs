//! Hints about what may have changed below a root: what the system says, behind a barrier.
//!
//! The system's events may come late, be lost, or be too many, and silence proves nothing.  So
//! [`Watch::settle`] makes a *cookie*, a file in a watched folder, and waits for its event: events
//! come in the order of what happened, so by then every earlier change has been named.  If the
//! cookie's event does not come in time, or the system says that it lost some, the answer is
//! [`Changes::Unknown`], and whoever asked looks at everything.
//!
//! Events name too much rather than too little; what they are *about* is not believed at all: the
//! named file is looked at.  What they cannot name is for the caller to look at each time: files
//! outside the root, files reached through links, files with several names.  A write through shared
//! memory after the file was closed makes no event either (inotify(7)), nor does a write by a second
//! name that was given outside the watched folders since; [`crate::held`] finds such by looking at
//! everything now and then.
//!
//! Only file systems are trusted on which every change is made by this machine's kernel and makes
//! an event: not network, FUSE and overlay file systems, and not macOS, whose events may be late.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, MetadataKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::fs;
use crate::path::{FilePath, Root};

/// How long a cookie's event may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many changed files are remembered; beyond that everything counts as changed.
const LIMIT: usize = 100_000;

/// What may have changed since the last question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changes {
    /// Only these, if at all.
    Only(HashSet<FilePath>),
    /// Anything; the text says why that is not known.
    Unknown(String),
}

/// What the system said since the last question.
#[derive(Default)]
struct Inbox {
    changed: HashSet<FilePath>,
    unknown: Option<String>,
    /// The number of the newest cookie whose event has come.
    cookie: u64,
}

#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folders that are watched, and what was said of them.
pub struct Watch {
    root: Root,
    system: RecommendedWatcher,
    shared: Arc<Shared>,
    listeners: Listeners,
    watched: HashSet<FilePath>,
    cookies: PathBuf,
    serial: u64,
}

impl Watch {
    /// Watches nothing yet below `root`; `listeners` will hear of it, too.  Cookies are made in the
    /// folder `cookies`, which is made if need be and must lie on the same file system.
    ///
    /// # Errors
    /// Why events of this place cannot be had.
    pub fn start(root: &Root, cookies: &Path, listeners: &Listeners) -> Result<Watch, String> {
        fs::create_dir_all(cookies).map_err(|e| format!("{e:#}"))?;
        // Left by a watch that was killed.
        for left in std::fs::read_dir(cookies).into_iter().flatten().flatten() {
            fs::remove_all(&left.path()).ok();
        }
        let shared = Arc::new(Shared::default());
        let hear = Hear {
            shared: shared.clone(),
            listeners: listeners.clone(),
            root: root.clone(),
            cookies: cookies.to_owned(),
        };
        let mut system = notify::recommended_watcher(move |event| hear.event(event)).map_err(words)?;
        system.watch(cookies, RecursiveMode::NonRecursive).map_err(words)?;
        let (root, cookies) = (root.clone(), cookies.to_owned());
        let listeners = listeners.clone();
        Ok(Watch { root, system, shared, listeners, watched: HashSet::new(), cookies, serial: 0 })
    }

    /// Watches what happens in the folder `dir`, but not in folders within.
    ///
    /// # Errors
    /// When it cannot be watched: there is no such folder, or the system's limit is reached.
    pub fn add(&mut self, dir: &FilePath) -> Result<(), String> {
        if self.watched.contains(dir) {
            return Ok(());
        }
        self.system.watch(&self.root.resolve(dir), RecursiveMode::NonRecursive).map_err(words)?;
        self.watched.insert(dir.clone());
        Ok(())
    }

    /// Stops watching every folder that is not `needed`.
    pub fn keep_only(&mut self, needed: impl Fn(&FilePath) -> bool) {
        let surplus: Vec<FilePath> = self.watched.iter().filter(|dir| !needed(dir)).cloned().collect();
        for dir in surplus {
            // It may be gone, and its watch with it.
            self.system.unwatch(&self.root.resolve(&dir)).ok();
            self.watched.remove(&dir);
        }
    }

    /// Whether `dir` is watched.
    pub fn is_watched(&self, dir: &FilePath) -> bool {
        self.watched.contains(dir)
    }

    /// How many folders are watched.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// What may have changed since the last call, everything included that happened before this
    /// one.
    pub fn settle(&mut self) -> Changes {
        self.serial += 1;
        let serial = self.serial;
        let cookie = self.cookies.join(serial.to_string());
        let made = fs::mark(&cookie);
        let mut inbox = self.shared.lock();
        if let Err(e) = made {
            inbox.unknown.get_or_insert_with(|| format!("cannot make `{}`: {e}", cookie.display()));
        }
        let deadline = Instant::now() + PATIENCE;
        while inbox.cookie < serial && inbox.unknown.is_none() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                inbox.unknown = Some("events of the file system come late or not at all".into());
                break;
            };
            let waited = self.shared.arrived.wait_timeout(inbox, left);
            inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let changes = match inbox.unknown.take() {
            Some(why) => Changes::Unknown(why),
            None => Changes::Only(std::mem::take(&mut inbox.changed)),
        };
        inbox.changed.clear();
        drop(inbox);
        fs::remove_file(&cookie).ok();
        changes
    }
}

impl Drop for Watch {
    /// Whoever listens hears nothing of what happens until something is watched again.
    fn drop(&mut self) {
        self.listeners.tell(|mail| mail.unknown = true);
    }
}

/// Those who want to hear of changes when they happen, whatever others ask meanwhile.
#[derive(Clone, Default)]
pub struct Listeners(Arc<Mutex<Vec<Weak<Mailbox>>>>);

impl Listeners {
    /// One more.
    pub fn listen(&self) -> Listener {
        let mailbox = Arc::new(Mailbox::default());
        self.lock().push(Arc::downgrade(&mailbox));
        Listener(mailbox)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Mailbox>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: impl Fn(&mut Mail)) {
        self.lock().retain(|mailbox| {
            let Some(mailbox) = mailbox.upgrade() else { return false };
            mailbox.change(&news);
            true
        });
    }
}

/// What a [`Listener`] has heard.
#[derive(Clone, Default, Debug)]
pub struct Mail {
    /// Files that may have changed.
    pub changed: HashSet<FilePath>,
    /// Whether others may have, too.
    pub unknown: bool,
    /// Whether somebody asked to look up.
    pub nudged: bool,
}

#[derive(Default)]
struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, news: impl FnOnce(&mut Mail)) {
        news(&mut self.lock());
        self.arrived.notify_all();
    }
}

/// Hears of changes when they happen, without a barrier.
#[derive(Clone)]
pub struct Listener(Arc<Mailbox>);

impl Listener {
    /// Waits until `enough` says so of what has been heard, at most for `limit`.
    pub fn wait(&self, limit: Duration, mut enough: impl FnMut(&Mail) -> bool) {
        let mail = self.0.lock();
        drop(self.0.arrived.wait_timeout_while(mail, limit, |mail| !enough(mail)));
    }

    /// Waits until nothing more has been heard for `quiet`, at most for `limit`.
    pub fn wait_for_quiet(&self, quiet: Duration, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut mail = self.0.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let waited = self.0.arrived.wait_timeout(mail, quiet.min(left));
            let (now, silence) = waited.unwrap_or_else(PoisonError::into_inner);
            if silence.timed_out() {
                return;
            }
            mail = now;
        }
    }

    /// What has been heard since the last time.
    pub fn take(&self) -> Mail {
        std::mem::take(&mut self.0.lock())
    }

    /// Makes whoever waits look up.
    pub fn nudge(&self) {
        self.0.change(|mail| mail.nudged = true);
    }
}

/// Takes in what the system says.
struct Hear {
    shared: Arc<Shared>,
    listeners: Listeners,
    root: Root,
    cookies: PathBuf,
}

impl Hear {
    fn event(&self, event: notify::Result<notify::Event>) {
        let event = match event {
            Ok(event) if event.need_rescan() => return self.unknown("the system lost some events"),
            Ok(event) => event,
            Err(e) => return self.unknown(&words(e)),
        };
        let tells = match event.kind {
            EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => false,
            _ => true,
        };
        if !tells || fault::loses_everything() {
            return;
        }
        fault::delay();
        let mut changed = HashSet::new();
        let mut inbox = self.shared.lock();
        for path in &event.paths {
            if let Ok(name) = path.strip_prefix(&self.cookies) {
                let serial = name.to_str().and_then(|name| name.parse().ok());
                inbox.cookie = inbox.cookie.max(serial.unwrap_or(0));
            } else if !fault::loses_changes() {
                changed.insert(self.root.file_path(path));
            }
        }
        inbox.changed.extend(changed.iter().cloned());
        if inbox.changed.len() > LIMIT {
            inbox.changed = HashSet::new();
            inbox.unknown = Some("too many files changed at once".into());
        }
        drop(inbox);
        self.shared.arrived.notify_all();
        if !changed.is_empty() {
            self.listeners.tell(|mail| match mail.changed.len() < LIMIT {
                true => mail.changed.extend(changed.iter().cloned()),
                false => mail.unknown = true,
            });
        }
    }

    fn unknown(&self, why: &str) {
        self.shared.lock().unknown.get_or_insert_with(|| why.to_owned());
        self.shared.arrived.notify_all();
        self.listeners.tell(|mail| mail.unknown = true);
    }
}

fn words(error: notify::Error) -> String {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached (`fs.inotify.max_user_watches`)".into()
        }
        _ => error.to_string(),
    }
}

/// Whether every change below `dir` makes an event, as far as the kind of its file system tells.
///
/// # Errors
/// Why not.
#[cfg(target_os = "linux")]
pub fn trusted(dir: &Path) -> Result<(), String> {
    // Magic numbers of statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, ZFS, bcachefs.
    const LOCAL: [u32; 7] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x2FC1_2FC1, 0xCA45_1A4E];
    let kind = rustix::fs::statfs(dir).map_err(|e| format!("cannot ask about `{}`: {e}", dir.display()))?;
    // The field's type differs from machine to machine; the numbers have 32 bits.
    match LOCAL.contains(&(kind.f_type as u32)) {
        true => Ok(()),
        false => Err(format!("the file system of `{}` does not tell of every change", dir.display())),
    }
}

/// As on Linux, but no system other than Linux promises that its events are in time.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn trusted(_dir: &Path) -> Result<(), String> {
    Err("events of this system's files may come late".into())
}

/// Faults that tests bring about: events that come late, or never.
pub mod fault {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static DELAY: AtomicU64 = AtomicU64::new(0);
    static LOSE: AtomicU64 = AtomicU64::new(NOTHING);
    const NOTHING: u64 = 0;
    const CHANGES: u64 = 1;
    const EVERYTHING: u64 = 2;

    /// From now on each event is heard that much later.
    pub fn make_late(delay: Duration) {
        DELAY.store(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From now on no change is heard of, and cookies are only if `cookies_too` is false.
    pub fn make_deaf(cookies_too: bool) {
        LOSE.store(if cookies_too { EVERYTHING } else { CHANGES }, Ordering::Relaxed);
    }

    /// From now on all is as it should be.
    pub fn mend() {
        DELAY.store(0, Ordering::Relaxed);
        LOSE.store(NOTHING, Ordering::Relaxed);
    }

    pub(super) fn delay() {
        match DELAY.load(Ordering::Relaxed) {
            0 => {}
            delay => std::thread::sleep(Duration::from_micros(delay)),
        }
    }

    pub(super) fn loses_changes() -> bool {
        LOSE.load(Ordering::Relaxed) != NOTHING
    }

    pub(super) fn loses_everything() -> bool {
        LOSE.load(Ordering::Relaxed) == EVERYTHING
    }
}
