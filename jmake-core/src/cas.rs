//! The user's shared store: content by digest, and traces by key.
//!
//! Two folders below the cache folder: `blobs/` holds file contents named by their SHA-256,
//! `traces/` holds, for each key of recipe and declared inputs, the last few good executions.
//! Results made in one checkout are found from any other.
//!
//! What comes out is verified: a blob is digested while it is copied, a trace file carries a
//! checksum.  What does not match is set aside as `*.bad` and counts as a miss.  Blobs are copied,
//! never hard-linked, so nothing a user does to an output can reach the store.  The store may be
//! full, read-only or gone: that is never an error of the build, only [`Store::trouble`], said once.
//!
//! Version 1 of the layout is in the folder's name; other versions' folders are left alone.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rayon::prelude::*;

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Hasher};
use crate::fs;
use crate::path::bytes_of;
use crate::trace::Trace;

const LAYOUT: &str = "v1";
const MAGIC: &[u8] = b"jmake-trace-1\n";
/// How many executions are kept for one key: enough for a header that flips between branches.
const TRACES_PER_KEY: usize = 16;

/// How large the store may grow and how long an unused entry stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of all blobs and traces.
    pub max_size: u64,
    /// Time since last use.
    pub max_age: Duration,
}

/// The shared store.
pub struct Store {
    dir: PathBuf,
    trouble: Mutex<Option<String>>,
}

/// What [`Store::stat`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    /// Stored files.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Keys with traces.
    pub keys: u64,
    /// Their bytes.
    pub trace_bytes: u64,
    /// Entries set aside because they did not verify.
    pub bad: u64,
}

/// What [`Store::verify`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Verified {
    /// Entries examined.
    pub checked: u64,
    /// Entries whose content is not what their name says.
    pub damaged: Vec<String>,
    /// Whether they were removed.
    pub repaired: bool,
}

/// What [`Store::gc`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Collected {
    /// Entries removed.
    pub removed: u64,
    /// Their bytes.
    pub freed: u64,
    /// Bytes that stay.
    pub kept: u64,
}

impl Store {
    /// The store below the user's cache folder `dir`; nothing is touched yet.
    pub fn new(dir: &Path) -> Store {
        Store { dir: dir.join(LAYOUT), trouble: Mutex::new(None) }
    }

    /// The store's own folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the store's folders, private to the user.
    fn prepare(&self, dir: &Path) -> Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let new = !self.dir.is_dir();
        fs::create_dir_all(dir)?;
        if new {
            fs::set_mode(&self.dir, 0o700)
                .with_context(|| format!("cannot set the mode of `{}`", self.dir.display()))?;
            fs::write(&self.dir.join("CACHEDIR.TAG"), CACHEDIR_TAG)?;
        }
        Ok(())
    }

    /// The first problem met while writing, once.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Stores the content of `file`, which the caller has digested.
    pub fn put(&self, file: &Path, digest: Digest) {
        self.attempt(|| {
            let path = self.blob(&digest);
            if path.is_file() {
                return Ok(());
            }
            self.prepare(path.parent().unwrap_or(&self.dir))?;
            // Whoever takes it from here verifies it.
            fs::copy_unseen(file, &path, 0o600)
                .with_context(|| format!("cannot store `{}` in the cache", file.display()))
        });
    }

    /// Writes the content with `digest` to `target`, verified, with permission bits `mode`; tells
    /// whether it was there.
    ///
    /// # Errors
    /// When `target` cannot be written.
    pub fn get(&self, digest: Digest, target: &Path, mode: u32) -> io::Result<bool> {
        let path = self.blob(&digest);
        let file = match fs::open(&path) {
            Ok(file) => file,
            Err(e) => {
                self.set_aside_useless(&path, &e);
                return Ok(false);
            }
        };
        let copied = fs::copy_file(file, target, mode, Some(digest))?.is_some();
        match copied {
            true => self.touch(&path),
            false => self.set_aside(&path),
        }
        Ok(copied)
    }

    /// The content with `digest`, verified; nothing is changed.
    pub fn read(&self, digest: Digest) -> Option<Vec<u8>> {
        fs::read(&self.blob(&digest)).ok().filter(|content| Digest::of(content) == digest)
    }

    /// Whether content with `digest` seems to be there; only [`Store::get`] makes certain.
    pub fn has(&self, digest: Digest) -> bool {
        self.blob(&digest).is_file()
    }

    /// The executions known for `key`, the most recent first.
    pub fn traces(&self, key: Digest) -> Vec<Trace> {
        let path = self.trace_file(&key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.set_aside_useless(&path, &e);
                return Vec::new();
            }
        };
        match decode_traces(&bytes, &key) {
            Some(traces) => {
                self.touch(&path);
                traces
            }
            None => {
                self.set_aside(&path);
                Vec::new()
            }
        }
    }

    /// Adds an execution.
    pub fn add_trace(&self, trace: &Trace) {
        let key = trace.store_key();
        self.attempt(|| {
            let path = self.trace_file(&key);
            let mut traces = self.traces(key);
            traces.retain(|old| (&old.inputs, &old.absent) != (&trace.inputs, &trace.absent));
            traces.insert(0, trace.clone());
            traces.truncate(TRACES_PER_KEY);
            self.prepare(path.parent().unwrap_or(&self.dir))?;
            fs::write_own(&path, &encode_traces(&traces))
        });
    }

    fn attempt(&self, put: impl FnOnce() -> Result<()>) {
        if let Err(e) = put() {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert_with(|| format!("{e:#}"));
        }
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.entry("blobs", digest)
    }

    fn trace_file(&self, key: &Digest) -> PathBuf {
        self.entry("traces", key)
    }

    fn entry(&self, folder: &str, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.join(folder).join(&hex[..2]).join(&hex[2..])
    }

    /// Marks an entry as used now, for the collector; failing to is harmless.
    fn touch(&self, path: &Path) {
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let recent = path.metadata().and_then(|meta| meta.modified()).is_ok_and(|used| used > hour_ago);
        if !recent {
            fs::touch(path).ok();
        }
    }

    fn set_aside(&self, path: &Path) {
        let aside = path.with_extension("bad");
        // What is in the way there was set aside earlier.
        let moved = fs::remove_all(&aside).and_then(|()| fs::rename(path, &aside));
        moved.or_else(|_| fs::remove_all(path)).ok();
    }

    /// Sets aside what can never be read (no file, or not ours to read), not what merely could
    /// not be read now.
    fn set_aside_useless(&self, path: &Path, why: &io::Error) {
        let lasting = [io::ErrorKind::InvalidInput, io::ErrorKind::PermissionDenied].contains(&why.kind());
        if lasting || path.is_symlink() {
            self.set_aside(path);
        }
    }

    /// All entries.
    fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.each(|entry| entries.push(entry));
        entries
    }

    /// Calls `take` with each entry: there may be very many.
    fn each(&self, mut take: impl FnMut(Entry)) {
        self.strays().into_iter().for_each(&mut take);
        for kind in ["blobs", "traces"] {
            let below = walkdir::WalkDir::new(self.dir.join(kind)).min_depth(2).max_depth(2);
            for found in below.into_iter().flatten() {
                let Ok(meta) = found.metadata() else { continue };
                let name = found.file_name().to_string_lossy();
                let shard = found.path().parent().and_then(Path::file_name).unwrap_or_default();
                let state = match Digest::parse(&format!("{}{name}", shard.to_string_lossy())) {
                    _ if name.ends_with(".bad") => State::Bad,
                    Some(digest) => State::Named(digest),
                    // A temporary file: in use if young, left by a killed build if old.
                    None => State::Stray,
                };
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                take(Entry {
                    kind,
                    state,
                    size: meta.len(),
                    // A time in the future (a clock that was wrong) counts as just used.
                    idle: SystemTime::now().duration_since(used).unwrap_or_default(),
                    path: found.into_path(),
                });
            }
        }
    }

    /// Temporary files beside the entries: of the store itself and of what shares its folder.
    fn strays(&self) -> Vec<Entry> {
        let folders = [Some(self.dir.as_path()), self.dir.parent()];
        let files = folders.into_iter().flatten().flat_map(std::fs::read_dir).flatten().flatten();
        let temporary = files.filter(|f| bytes_of(&f.file_name()).starts_with(fs::TEMPORARY.as_bytes()));
        temporary
            .filter_map(|found| {
                let meta = found.metadata().ok()?;
                let idle = SystemTime::now().duration_since(meta.modified().ok()?).unwrap_or_default();
                Some(Entry { kind: "", state: State::Stray, size: meta.len(), idle, path: found.path() })
            })
            .collect()
    }

    /// Counts what is stored.
    pub fn stat(&self) -> Contents {
        let mut contents = Contents::default();
        for entry in self.entries() {
            match (&entry.state, entry.kind) {
                (State::Bad | State::Stray, _) => {
                    contents.bad += u64::from(matches!(entry.state, State::Bad))
                }
                (_, "blobs") => {
                    contents.blobs += 1;
                    contents.blob_bytes += entry.size;
                }
                _ => {
                    contents.keys += 1;
                    contents.trace_bytes += entry.size;
                }
            }
        }
        contents
    }

    /// Checks every entry against its name or checksum, and with `repair` removes what fails.
    pub fn verify(&self, repair: bool) -> Verified {
        let entries: Vec<_> =
            self.entries().into_iter().filter(|entry| !matches!(entry.state, State::Stray)).collect();
        let mut damaged: Vec<_> =
            entries.par_iter().filter(|entry| !entry.is_good()).map(|entry| entry.path.clone()).collect();
        damaged.sort();
        if repair {
            for path in &damaged {
                // A folder or device in an entry's place is damage too.
                fs::remove_all(path).ok();
            }
        }
        Verified {
            checked: entries.len() as u64,
            damaged: damaged.iter().map(|path| path.display().to_string()).collect(),
            repaired: repair,
        }
    }

    /// Removes what was not used for longer than the limit, then the longest unused until the
    /// rest fits.  Only one process collects at a time; others go on without.
    pub fn gc(&self, limits: Limits) -> Collected {
        let mut collected = Collected::default();
        let mut must_go = false;
        self.each(|entry| {
            collected.kept += entry.size;
            must_go |= !entry.may_stay(limits.max_age);
        });
        if must_go || collected.kept > limits.max_size {
            collected = self.collect(limits);
        }
        self.attempt(|| fs::write(&self.dir.join("collected"), b""));
        collected
    }

    fn collect(&self, limits: Limits) -> Collected {
        let mut entries = self.entries();
        entries.sort_by(|a, b| a.idle.cmp(&b.idle).then_with(|| a.path.cmp(&b.path)));
        let mut collected = Collected::default();
        for entry in entries {
            let fits = matches!(entry.state, State::Stray) || collected.kept + entry.size <= limits.max_size;
            let stays = fits && entry.may_stay(limits.max_age);
            if stays {
                collected.kept += entry.size;
            } else if fs::remove_all(&entry.path).is_ok() {
                collected.removed += 1;
                collected.freed += entry.size;
            }
        }
        collected
    }

    /// [`Store::gc`], unless it was done within the last hour.
    pub fn gc_now_and_then(&self, limits: Limits) -> Option<Collected> {
        let stamp = self.dir.join("collected").metadata().and_then(|meta| meta.modified());
        let recently = stamp.is_ok_and(|then| {
            SystemTime::now().duration_since(then).unwrap_or_default() < Duration::from_secs(3600)
        });
        (!recently && self.dir.is_dir()).then(|| self.gc(limits))
    }

    /// Removes everything stored.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(&self) -> Result<Contents> {
        let contents = self.stat();
        for folder in ["blobs", "traces"] {
            let dir = self.dir.join(folder);
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove `{}`", dir.display()))?;
        }
        Ok(contents)
    }

    /// Removes what `key` leads to: its traces and the contents they name.
    pub fn remove(&self, key: Digest) -> Collected {
        let mut collected = Collected::default();
        let blobs =
            self.traces(key).into_iter().flat_map(|trace| trace.outputs).map(|made| self.blob(&made.digest));
        for path in blobs.chain([self.trace_file(&key)]).collect::<Vec<_>>() {
            let Ok(meta) = path.metadata() else { continue };
            if fs::remove_file(&path).is_ok() {
                collected.removed += 1;
                collected.freed += meta.len();
            }
        }
        collected
    }
}

/// What marks a folder as a cache for backup programs (<https://bford.info/cachedir/>).
pub const CACHEDIR_TAG: &[u8] =
    b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of jmake; it can be removed at any time.\n";

enum State {
    Named(Digest),
    Bad,
    Stray,
}

struct Entry {
    kind: &'static str,
    state: State,
    size: u64,
    idle: Duration,
    path: PathBuf,
}

impl Entry {
    /// Whether nothing but the size of the store speaks against keeping it.
    fn may_stay(&self, max_age: Duration) -> bool {
        match self.state {
            State::Named(_) => self.idle <= max_age,
            State::Bad => false,
            // In use, perhaps.
            State::Stray => self.idle < Duration::from_secs(3600),
        }
    }

    fn is_good(&self) -> bool {
        match (&self.state, self.kind) {
            (State::Named(digest), "blobs") => fs::digest(&self.path).is_ok_and(|found| found == *digest),
            (State::Named(key), _) => {
                fs::read(&self.path).is_ok_and(|bytes| decode_traces(&bytes, key).is_some())
            }
            _ => false,
        }
    }
}

fn encode_traces(traces: &[Trace]) -> Vec<u8> {
    let mut body = Writer::default();
    body.uint(traces.len() as u64);
    for trace in traces {
        trace.encode(&mut body);
    }
    let mut hasher = Hasher::default();
    hasher.update(&body.0);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(hasher.finish().as_bytes());
    bytes.extend_from_slice(&body.0);
    bytes
}

/// The traces in `bytes`, if they are whole and all of them those of `key`.
fn decode_traces(bytes: &[u8], key: &Digest) -> Option<Vec<Trace>> {
    let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    if Digest::of(body).as_bytes() != sum {
        return None;
    }
    let mut reader = Reader(body);
    let count = reader.uint()?;
    let traces: Vec<_> = (0..count).map(|_| Trace::decode(&mut reader)).collect::<Option<_>>()?;
    traces.iter().all(|trace| trace.store_key() == *key).then_some(traces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Cost, Made, Version};

    fn trace(n: u8) -> Trace {
        Trace {
            recipe: Vec::new(),
            key: Digest::of(b"k"),
            inputs: vec![Version { path: "a.c".into(), digest: Digest::of(&[n]), blind: None }],
            declared: 0,
            absent: Vec::new(),
            outputs: vec![Made { digest: Digest::of(b"content"), size: 7, mode: 0o644 }],
            diagnostics: Vec::new(),
            comment_blind: false,
            cost: Cost::default(),
        }
    }

    fn filled() -> (tempfile::TempDir, Store, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let file = dir.path().join("output");
        fs::write(&file, b"content").unwrap();
        store.put(&file, Digest::of(b"content"));
        assert_eq!(store.trouble(), None);
        (dir, store, file)
    }

    #[test]
    fn what_went_in_comes_out() {
        let (dir, store, _) = filled();
        let target = dir.path().join("restored");
        assert!(store.get(Digest::of(b"content"), &target, 0o755).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"content");
        assert!(!store.get(Digest::of(b"other"), &target, 0o644).unwrap());
        for n in 0..20 {
            store.add_trace(&trace(n));
        }
        let found = store.traces(trace(0).store_key());
        assert_eq!(found.len(), TRACES_PER_KEY);
        assert_eq!(found[0], trace(19));
        assert_eq!(store.stat().blobs, 1);
        assert_eq!(store.stat().keys, 1);
    }

    /// Every flipped bit and every truncation of a blob or a trace is a miss, set aside, and found
    /// by `verify`.
    #[test]
    fn damage_is_a_miss() {
        let (dir, store, file) = filled();
        let key = trace(1).store_key();
        let target = dir.path().join("restored");
        for at in 0..7 {
            let blob = store.blob(&Digest::of(b"content"));
            let mut bytes = b"content".to_vec();
            bytes[at] ^= 4;
            fs::write(&blob, &bytes).unwrap();
            assert_eq!(store.verify(false).damaged.len(), 1);
            assert!(!store.get(Digest::of(b"content"), &target, 0o644).unwrap());
            assert!(!target.exists());
            assert!(!blob.exists());
            store.put(&file, Digest::of(b"content"));
            assert!(store.get(Digest::of(b"content"), &target, 0o644).unwrap());
            fs::remove_file(&target).unwrap();
            assert_eq!(store.verify(true).damaged.len(), 1, "what was set aside is removed");
        }
        store.add_trace(&trace(1));
        let path = store.trace_file(&key);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(store.traces(key).is_empty(), "{at}");
            fs::write(&path, &good[..at]).unwrap();
            assert!(store.traces(key).is_empty(), "{at}");
        }
        assert_eq!(store.stat().bad, 1);
        assert_eq!(store.verify(true).damaged.len(), 1);
        assert_eq!(store.verify(true).damaged.len(), 0);
    }

    #[test]
    fn collecting_keeps_the_recently_used() {
        let (dir, store, file) = filled();
        let old = store.blob(&Digest::of(b"content"));
        filetime::set_file_mtime(&old, filetime::FileTime::from_unix_time(1_000_000_000, 0)).unwrap();
        fs::write(&file, b"newer").unwrap();
        store.put(&file, Digest::of(b"newer"));
        let day = Duration::from_secs(86_400);
        let kept = store.gc(Limits { max_size: 1 << 20, max_age: 365 * 100 * day });
        assert_eq!((kept.removed, kept.kept), (0, 12));
        let collected = store.gc(Limits { max_size: 8, max_age: 365 * 100 * day });
        assert_eq!((collected.removed, collected.freed, collected.kept), (1, 7, 5));
        assert!(!old.exists());
        assert!(store.has(Digest::of(b"newer")));
        assert_eq!(store.gc(Limits { max_size: 0, max_age: day }).kept, 0);
        drop(dir);
    }

    #[test]
    fn a_store_that_cannot_be_written_is_trouble_not_failure() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("in-the-way");
        fs::write(&file, b"x").unwrap();
        let store = Store::new(&file);
        store.put(&file, Digest::of(b"x"));
        assert!(store.trouble().is_some());
        assert_eq!(store.trouble(), None);
        assert!(store.traces(Digest::of(b"x")).is_empty());
    }
}
