//! What each file's content is, read at most once per change.
//!
//! A file is looked at once per build: its [`StatId`] is taken, and when that is what an earlier
//! build recorded *and* that record was safe to take (the file had been left alone for longer than
//! the clock's grain), the recorded digest and facts stand; otherwise the file is read again.
//! Times only ever decide whether re-reading may be skipped.
//!
//! The memo is a cache: dropping it costs time only.  Files of the project are kept in the
//! project, files outside (system headers, libraries, tools) in the user's cache folder.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use anyhow::Result;
use rayon::iter::Either;
use rayon::prelude::*;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::codec::{Reader, Writer};
use crate::digest::Digest;
use crate::fs::{self, StatId};
use crate::lex::{self, Facts};
use crate::path::{FilePath, Root};
use crate::sabotage;
use crate::tally::Count;

/// What an earlier build knew about a file.
struct Kept {
    stat: StatId,
    digest: Digest,
    /// Encoded [`Facts`], when they were needed.
    facts: Option<Box<[u8]>>,
}

/// One file as it is in this build.
struct Look {
    stat: Option<StatId>,
    at: Instant,
    content: OnceLock<Content>,
    facts: OnceLock<Result<Arc<Facts>, io::ErrorKind>>,
}

/// What this build knows of a file that is there.
pub struct Looked {
    /// Its identity.
    pub stat: StatId,
    /// The digest of its content, if that was asked for; `None` within when it could not be read.
    pub digest: Option<Option<Digest>>,
    /// Of a file whose text was scanned: [`Facts::shape`].
    pub shape: Option<Digest>,
}

/// The digest of what was read (or written), and when that had ended; `None` for a digest taken
/// from the memo.
#[derive(Clone, Copy)]
struct Content {
    digest: Result<Digest, io::ErrorKind>,
    read_at: Option<Instant>,
}

const SHARDS: usize = 16;
/// Changes whenever the stored form or the meaning of [`Facts`] does.
const VERSION: &[u8] = b"jmake-memo-6\n";

/// Digests and facts of files, by path.
pub struct Memo {
    root: Root,
    /// The file system's clock before the first look.
    now: i64,
    kept: HashMap<FilePath, Kept>,
    seen: [Mutex<HashMap<FilePath, Arc<Look>>>; SHARDS],
    /// The look at each file that is not there: there may be very many.
    nothing: Arc<Look>,
    /// Folders that are not there: nothing in them is, and need not be asked for.
    absent_folders: RwLock<HashSet<FilePath>>,
    moved: AtomicBool,
    /// Of the files whose facts were asked for: those that were kept, and those that were read.
    facts: [AtomicUsize; 2],
}

impl Memo {
    /// An empty memo.  `now` is the file system's clock ([`fs::now`]) at this moment or earlier;
    /// nothing changed later than that minus the clock's grain is trusted by a later build.
    pub fn new(root: Root, now: i64) -> Memo {
        Memo {
            root,
            now,
            kept: HashMap::default(),
            seen: std::array::from_fn(|_| Mutex::default()),
            nothing: Arc::new(Look::new(None)),
            absent_folders: RwLock::default(),
            moved: AtomicBool::new(false),
            facts: Default::default(),
        }
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Adds what an earlier build saved at `path`.  A missing or damaged file adds nothing.
    pub fn load(&mut self, path: &Path) {
        let Ok(bytes) = fs::read(path) else { return };
        let Some(body) = bytes.strip_prefix(VERSION) else { return };
        let Some((sum, body)) = body.split_first_chunk::<32>() else { return };
        if Digest::of(body).as_bytes() != sum {
            return;
        }
        let mut reader = Reader(body);
        while let Some((path, kept)) = decode(&mut reader) {
            self.kept.insert(path, kept);
        }
    }

    /// Saves what is known about files of the project (`outside` false) or outside it, unless
    /// nothing new was learned about them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path, outside: bool) -> Result<()> {
        let shards: Vec<_> = self.seen.iter().map(lock).collect();
        // What is to be another way than it was kept; `None`: gone.
        let mut news: HashMap<&FilePath, Option<Kept>> = HashMap::default();
        for (file, look) in shards.iter().flat_map(|shard| shard.iter()) {
            if file.is_absolute() != outside {
                continue;
            }
            let old = self.kept.get(file);
            match self.learned(look) {
                Some(new) if old.is_none_or(|old| !old.same(&new)) => {
                    // Facts an earlier build needed stay good while the content does.
                    let facts =
                        new.facts.or_else(|| old.filter(|old| old.digest == new.digest)?.facts.clone());
                    news.insert(file, Some(Kept { facts, ..new }));
                }
                None if old.is_some() && look.stat.is_none() => drop(news.insert(file, None)),
                _ => {}
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let mut body = Writer::default();
        let same = self.kept.iter().filter(|(file, _)| file.is_absolute() == outside);
        for (file, kept) in same.filter(|(file, _)| !news.contains_key(file)) {
            encode(&mut body, file, kept);
        }
        for (file, kept) in &news {
            if let Some(kept) = kept {
                encode(&mut body, file, kept);
            }
        }
        let mut bytes = VERSION.to_vec();
        bytes.extend_from_slice(Digest::of(&body.0).as_bytes());
        bytes.extend_from_slice(&body.0);
        fs::write_own(path, &bytes)
    }

    /// What a later build may trust about `look`.
    fn learned(&self, look: &Look) -> Option<Kept> {
        let stat = look.stat.filter(|stat| stat.settled(self.now) || sabotage::is("mtime-only"))?;
        let digest = look.content.get()?.digest.ok()?;
        let facts = look.facts.get().and_then(|facts| facts.as_ref().ok()).map(|facts| {
            let mut out = Writer(Vec::with_capacity(facts.size()));
            facts.encode(&mut out);
            out.0.into()
        });
        Some(Kept { stat, digest, facts })
    }

    /// The identity of the file as of its first look in this build; `None` when there is nothing
    /// or it cannot be reached.
    pub fn stat(&self, file: &FilePath) -> Option<StatId> {
        // Where headers are looked for in vain there is often not even the folder.
        if self.is_absent_folder(file.parent_bytes()) {
            return None;
        }
        let stat = self.look(file).stat;
        if stat.is_none()
            && let Some(folder) = file.parent().filter(|folder| !folder.is_root())
            && self.stat(&folder).is_none()
        {
            // The folder stands for everything in it.
            self.absent_folders.write().unwrap_or_else(PoisonError::into_inner).insert(folder);
            lock(&self.seen[shard_of(file)]).remove(file);
        }
        stat
    }

    /// Whether `stat` of `file`, as this build knows it, may be trusted by a later one without
    /// reading the file again.
    pub fn settled(&self, stat: &StatId) -> bool {
        stat.settled(self.now)
    }

    /// The digest of the file's content in this build.
    ///
    /// # Errors
    /// When there is no such ordinary file or it cannot be read.
    pub fn digest(&self, file: &FilePath) -> io::Result<Digest> {
        let look = self.look(file);
        if look.stat.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let content = look.content.get_or_init(|| match self.kept_for(file, &look) {
            Some(kept) => Content { digest: Ok(kept.digest), read_at: None },
            None => Content::read(fs::digest(&self.root.resolve(file))),
        });
        content.digest.map_err(io::Error::from)
    }

    /// The file's content, which is certainly that of [`Memo::digest`].
    ///
    /// # Errors
    /// As [`Memo::digest`], and when the file is being changed.
    pub fn text(&self, file: &FilePath) -> io::Result<Vec<u8>> {
        let digest = self.digest(file)?;
        let text = std::fs::read(self.root.resolve(file))?;
        match Digest::of(&text) == digest {
            true => Ok(text),
            false => Err(io::Error::other("it is being changed")),
        }
    }

    /// What the file's text says.
    ///
    /// # Errors
    /// As [`Memo::digest`].
    pub fn facts(&self, file: &FilePath) -> io::Result<Arc<Facts>> {
        let look = self.look(file);
        if look.stat.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let facts = look.facts.get_or_init(|| {
            let kept = self.kept_for(file, &look);
            let facts = kept.and_then(|kept| Facts::decode(&mut Reader(kept.facts.as_ref()?)));
            if let (Some(kept), Some(facts)) = (kept, facts) {
                // What the text says has been asked for, so the text matters.
                look.content.get_or_init(|| Content { digest: Ok(kept.digest), read_at: None });
                self.facts[0].fetch_add(1, Ordering::Relaxed);
                return Ok(Arc::new(facts));
            }
            self.facts[1].fetch_add(1, Ordering::Relaxed);
            let path = self.root.resolve(file);
            let is_file = look.stat.is_some_and(|stat| stat.is_file());
            let text = if is_file { fs::read_file(&path) } else { fs::read(&path) }.map_err(|e| e.kind())?;
            let digest = Digest::of(&text);
            // Facts and digest must be of one content: if another was digested before, the file
            // changed in between and this build has already lost the race for it.
            match look.content.get_or_init(|| Content::read(Ok(digest))).digest? {
                known if known == digest => Ok(Arc::new(lex::scan(&text))),
                _ => Err(io::ErrorKind::ResourceBusy),
            }
        });
        facts.clone().map_err(io::Error::from)
    }

    /// How many files' facts an earlier build had kept, of those that were asked for, and how many
    /// had to be read.
    pub fn facts_count(&self) -> Count {
        let [kept, read] = &self.facts;
        Count::of(kept.load(Ordering::Relaxed), read.load(Ordering::Relaxed))
    }

    /// How many files an earlier build kept facts of.
    pub fn facts_kept(&self) -> usize {
        self.kept.values().filter(|kept| kept.facts.is_some()).count()
    }

    /// Forgets this build's look at `file`, because an action has written it or it was found
    /// changed.
    pub fn forget(&self, file: &FilePath) {
        lock(&self.seen[shard_of(file)]).remove(file);
        // A file that was written brought the folders above it with it.
        let mut above = file.parent();
        while let Some(folder) = above.filter(|folder| self.is_absent_folder(folder.as_bytes())) {
            self.absent_folders.write().unwrap_or_else(PoisonError::into_inner).remove(&folder);
            lock(&self.seen[shard_of(&folder)]).remove(&folder);
            above = folder.parent();
        }
    }

    fn is_absent_folder(&self, path: &[u8]) -> bool {
        self.absent_folders.read().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    /// Everything looked at in this build: what is there, and the names of what is not.
    pub fn seen(&self) -> (Vec<(FilePath, Looked)>, Vec<FilePath>) {
        let look = |(file, look): (&FilePath, &Arc<Look>)| {
            let stat = look.stat.ok_or_else(|| file.clone())?;
            let digest = look.content.get().map(|content| content.digest.ok());
            let facts = look.facts.get().and_then(|facts| facts.as_ref().ok());
            let shape = facts.map(|facts| facts.shape());
            Ok((file.clone(), Looked { stat, digest, shape }))
        };
        let shard = |shard: &Mutex<HashMap<FilePath, Arc<Look>>>| -> Vec<Result<_, FilePath>> {
            lock(shard).iter().map(look).collect()
        };
        let all = self.seen.par_iter().flat_map_iter(shard);
        all.partition_map(|one| match one {
            Ok(there) => Either::Left(there),
            Err(absent) => Either::Right(absent),
        })
    }

    /// Takes over from a check made just now that `file` has this identity and content; `settled`
    /// as of the build that read it.  What has been looked at already stays as it is.
    pub fn assume(&self, file: &FilePath, stat: StatId, digest: Digest, settled: bool) {
        let look = Look::new(Some(stat));
        let read_at = (!settled).then(Instant::now);
        look.content.set(Content { digest: Ok(digest), read_at }).ok();
        lock(&self.seen[shard_of(file)]).entry(file.clone()).or_insert_with(|| Arc::new(look));
    }

    /// The file system's clock at the beginning of this build.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Notes that this build has just written `file` with content `digest`.  What is read from it
    /// later is compared with that digest again, so writing counts as reading.
    pub fn wrote(&self, file: &FilePath, digest: Digest) {
        self.forget(file);
        let known = Content { digest: Ok(digest), read_at: Some(Instant::now()) };
        // Only this thread writes this file, so nobody else can have digested it meanwhile.
        self.look(file).content.set(known).ok();
    }

    /// Whether what a process started at `spawn` read from `file` is certainly the content that
    /// [`Memo::digest`] stands for.  If not, the file is looked at and read anew, so that after
    /// another run the answer can be yes.
    ///
    /// The failing story: digest, edit, compile, undo the edit.  Content before and after is the
    /// same, yet the compiler saw another.  The change time cannot be set back, so it tells; only
    /// within one tick of the clock it does not, and there the content digested *before* the run
    /// must still be there after it.
    pub fn unchanged_since(&self, file: &FilePath, spawn: Instant) -> bool {
        let look = self.look(file);
        let path = self.root.resolve(file);
        let now = fs::stat(&path).ok().flatten();
        let same = now.is_some() && now == look.stat;
        if same && now.is_some_and(|stat| stat.settled(self.now)) {
            return true;
        }
        if let (true, Some(Content { digest: Ok(known), read_at: Some(read_at) })) =
            (same, look.content.get())
        {
            // Another action may have looked while this one ran.  That look will do for the next
            // attempt; to drop it would put the other action in doubt, and so on in turns.
            if look.at >= spawn || *read_at >= spawn {
                return false;
            }
            if fs::digest(&path).is_ok_and(|found| found == *known) {
                return true;
            }
        }
        let before = look.content.get().and_then(|content| content.digest.ok());
        self.forget(file);
        if self.digest(file).ok() != before {
            self.moved.store(true, Ordering::Relaxed);
        }
        false
    }

    /// Whether a file was found to have changed since this build first read it: what was decided
    /// before then was decided about another content.
    pub fn moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed)
    }

    fn kept_for(&self, file: &FilePath, look: &Look) -> Option<&Kept> {
        let same = |kept: &&Kept| {
            look.stat == Some(kept.stat)
                || (sabotage::is("mtime-only") && look.stat.is_some_and(|stat| stat.mtime == kept.stat.mtime))
        };
        self.kept.get(file).filter(same)
    }

    fn look(&self, file: &FilePath) -> Arc<Look> {
        let mut shard = lock(&self.seen[shard_of(file)]);
        if let Some(look) = shard.get(file) {
            return look.clone();
        }
        let stat = fs::stat(&self.root.resolve(file)).ok().flatten();
        let look = if stat.is_some() { Arc::new(Look::new(stat)) } else { self.nothing.clone() };
        shard.insert(file.clone(), look.clone());
        look
    }
}

impl Look {
    fn new(stat: Option<StatId>) -> Look {
        Look { stat, at: Instant::now(), content: OnceLock::new(), facts: OnceLock::new() }
    }
}

impl Content {
    fn read(digest: io::Result<Digest>) -> Content {
        Content { digest: digest.map_err(|e| e.kind()), read_at: Some(Instant::now()) }
    }
}

impl Kept {
    /// Whether `new` teaches nothing.
    fn same(&self, new: &Kept) -> bool {
        self.stat == new.stat && self.digest == new.digest && (new.facts.is_none() || self.facts == new.facts)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shard_of(file: &FilePath) -> usize {
    file.as_bytes().iter().fold(0usize, |sum, &b| sum.wrapping_mul(31).wrapping_add(b.into())) % SHARDS
}

fn encode(out: &mut Writer, file: &FilePath, kept: &Kept) {
    out.bytes(file.as_bytes());
    out.stat(&kept.stat);
    out.digest(&kept.digest);
    out.uint(u64::from(kept.facts.is_some()));
    if let Some(facts) = &kept.facts {
        out.bytes(facts);
    }
}

fn decode(from: &mut Reader<'_>) -> Option<(FilePath, Kept)> {
    let file = FilePath::new(from.bytes()?);
    let stat = from.stat()?;
    let digest = from.digest()?;
    let facts = match from.uint()? {
        0 => None,
        _ => Some(from.bytes()?.into()),
    };
    Some((file, Kept { stat, digest, facts }))
}
