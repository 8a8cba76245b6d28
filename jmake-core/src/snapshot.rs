//! The trace of a whole build: when nothing it looked at has changed, it need not be done at all.
//!
//! After a good build every file that was looked at, every folder that was listed and every place
//! that was found empty is recorded with what was asked for.  The next build of the same request
//! compares identities, and where an identity differs or was not safe to take, content; if all
//! hold, discovery, configuring, planning and the questions about each action would give the same
//! answers, and the recorded reply is the reply.  Any doubt means "no", and the whole build runs.
//!
//! A folder stands for all names in it (its listing), so absent files cost nothing: they are names
//! not in the listing of the nearest folder that exists.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Hasher};
use crate::fs::{self, StatId};
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};
use crate::plan::STATE_DIR;
use crate::sabotage;

const MAGIC: &[u8] = b"jmake-snapshot-1\n";

/// One thing that must be as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Fact {
    /// A file with this content; equal identity stands for equal content when it was settled.
    Content { stat: StatId, digest: Digest, settled: bool },
    /// A folder with these names in it, likewise.
    Listing { stat: StatId, digest: Digest, settled: bool },
    /// Something that exists and is (or is not) a folder; its content was not read.
    There { folder: bool },
    /// Nothing.
    Absent,
}

/// What a build depended on, and what it gave.
pub struct Snapshot {
    request: Digest,
    facts: Vec<(FilePath, Fact)>,
    reply: Vec<u8>,
}

/// The answer to [`Snapshot::check`].
pub struct Checked {
    /// The recorded reply.
    pub reply: Vec<u8>,
    /// Whether content had to be compared because identities were not enough: recording the
    /// snapshot anew makes the next check faster.
    pub refreshed: Option<Snapshot>,
}

impl Snapshot {
    /// Records what `memo` has looked at, the folders in `listed`, and `reply`; `None` when a file
    /// changed while the build ran, or one that was looked for in vain is there by now.  The caller scans `listed` once more
    /// afterwards: only if it finds the same is the snapshot one of *this* build.
    pub fn take(memo: &Memo, request: Digest, listed: &[FilePath], reply: Vec<u8>) -> Option<Snapshot> {
        if memo.moved() {
            // Some action may have been judged, or have run, on what the file held before.
            return None;
        }
        let mut facts = BTreeMap::new();
        let mut folders: Vec<FilePath> = listed.to_vec();
        let mut absent = Vec::new();
        let own = FilePath::new(STATE_DIR);
        for (path, stat, digest) in memo.seen() {
            if path.starts_with(&own) {
                continue;
            }
            let fact = match (stat, digest) {
                (Some(stat), Some(digest)) => Fact::Content { stat, digest, settled: memo.settled(&stat) },
                (Some(stat), None) => Fact::There { folder: stat.is_dir() },
                (None, _) => {
                    folders.extend(nearest_folder(memo, &path));
                    absent.push(path);
                    continue;
                }
            };
            facts.insert(path, fact);
        }
        folders.sort();
        folders.dedup();
        let listings: Vec<_> =
            folders.par_iter().map(|folder| (folder.clone(), listing(memo, folder))).collect();
        facts.extend(listings);
        let appeared = |path: &FilePath| !matches!(fs::stat(&memo.root().resolve(path)), Ok(None));
        if absent.par_iter().any(appeared) {
            return None;
        }
        Some(Snapshot { request, facts: facts.into_iter().collect(), reply })
    }

    /// Reads the snapshot at `path` and compares it with the disk; `None` when there is none for
    /// `request` or anything differs.
    pub fn check(path: &Path, request: Digest, root: &Root) -> Option<Checked> {
        let bytes = fs::read(path).ok()?;
        let snapshot = Snapshot::decode(&bytes).filter(|snapshot| snapshot.request == request)?;
        // Most files are settled and unchanged; only the others are read.
        let doubtful: Vec<usize> = (0..snapshot.facts.len())
            .into_par_iter()
            .filter(|&at| !holds_by_identity(root, &snapshot.facts[at]))
            .collect();
        if doubtful.is_empty() {
            return Some(Checked { reply: snapshot.reply, refreshed: None });
        }
        // The clock is read, by making a file, only when something is to be read again, and before.
        let now = fs::now(path.parent()?).ok()?;
        let mut refreshed = snapshot;
        let renewed: Vec<_> = doubtful
            .par_iter()
            .map(|&at| renew(root, &refreshed.facts[at], now))
            .collect::<Option<Vec<_>>>()?;
        let reply = refreshed.reply.clone();
        let mut better = false;
        for (at, fact) in doubtful.into_iter().zip(renewed) {
            better |= refreshed.facts[at].1 != fact;
            refreshed.facts[at].1 = fact;
        }
        Some(Checked { reply, refreshed: better.then_some(refreshed) })
    }

    /// Writes the snapshot to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut body = Writer::default();
        body.digest(&self.request);
        body.bytes(&self.reply);
        body.uint(self.facts.len() as u64);
        for (path, fact) in &self.facts {
            body.bytes(path.as_bytes());
            fact.encode(&mut body);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(Digest::of(&body.0).as_bytes());
        bytes.extend_from_slice(&body.0);
        fs::write_own(path, &bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Snapshot> {
        let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
        if Digest::of(body).as_bytes() != sum {
            return None;
        }
        let mut reader = Reader(body);
        let request = reader.digest()?;
        let reply = reader.bytes()?.to_vec();
        let count: usize = reader.int()?;
        let mut facts = Vec::with_capacity(count.min(1 << 20));
        for _ in 0..count {
            facts.push((FilePath::new(reader.bytes()?), Fact::decode(&mut reader)?));
        }
        Some(Snapshot { request, facts, reply })
    }
}

/// How many snapshots a project keeps: one for each set of flags and each environment in use.
const KEPT: usize = 8;

/// Removes the oldest snapshots beside `newest` beyond a handful.
pub fn prune(newest: &Path) {
    let beside = newest.parent().map(std::fs::read_dir).into_iter().flatten().flatten().flatten();
    let mut snapshots: Vec<_> = beside
        .filter(|entry| bytes_of(&entry.file_name()).starts_with(b"snapshot-"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    snapshots.sort();
    let surplus = snapshots.len().saturating_sub(KEPT);
    for (_, old) in snapshots.into_iter().filter(|(_, path)| path != newest).take(surplus) {
        // It is looked for again after the next build.
        fs::remove_file(&old).ok();
    }
}

impl Fact {
    fn encode(&self, out: &mut Writer) {
        let (tag, full) = match self {
            Fact::Absent => (0, None),
            Fact::There { folder: false } => (1, None),
            Fact::There { folder: true } => (2, None),
            Fact::Content { stat, digest, settled } => (3 + u64::from(*settled), Some((stat, digest))),
            Fact::Listing { stat, digest, settled } => (5 + u64::from(*settled), Some((stat, digest))),
        };
        out.uint(tag);
        if let Some((stat, digest)) = full {
            out.stat(stat);
            out.digest(digest);
        }
    }

    fn decode(from: &mut Reader<'_>) -> Option<Fact> {
        let tag = from.uint()?;
        let mut full = || Some((from.stat()?, from.digest()?));
        Some(match tag {
            0 => Fact::Absent,
            1 | 2 => Fact::There { folder: tag == 2 },
            3 | 4 => {
                let (stat, digest) = full()?;
                Fact::Content { stat, digest, settled: tag == 4 }
            }
            5 | 6 => {
                let (stat, digest) = full()?;
                Fact::Listing { stat, digest, settled: tag == 6 }
            }
            _ => return None,
        })
    }
}

fn holds_by_identity(root: &Root, (path, fact): &(FilePath, Fact)) -> bool {
    let now = fs::stat(&root.resolve(path)).ok().flatten();
    match fact {
        Fact::Listing { .. } if sabotage::is("ignore-folders") => true,
        Fact::Content { stat, .. } if sabotage::is("mtime-only") => {
            now.is_some_and(|now| now.mtime == stat.mtime)
        }
        Fact::Content { stat, settled, .. } | Fact::Listing { stat, settled, .. } => {
            *settled && now == Some(*stat)
        }
        Fact::There { folder } => now.is_some_and(|now| now.is_dir() == *folder),
        Fact::Absent => now.is_none(),
    }
}

/// The fact as it holds now, if it holds by content.
fn renew(root: &Root, (path, fact): &(FilePath, Fact), clock: i64) -> Option<Fact> {
    let place = root.resolve(path);
    let now = fs::stat(&place).ok().flatten()?;
    match fact {
        Fact::Content { digest, stat, .. } => {
            // A file whose mode changed is another file: it may be an output with its mode.
            let same = now.mode == stat.mode && fs::digest(&place).is_ok_and(|found| found == *digest);
            same.then(|| Fact::Content { stat: now, digest: *digest, settled: now.settled(clock) })
        }
        Fact::Listing { digest, .. } => {
            let same = names(&place).is_some_and(|found| found == *digest);
            same.then(|| Fact::Listing { stat: now, digest: *digest, settled: now.settled(clock) })
        }
        Fact::There { .. } | Fact::Absent => None,
    }
}

/// What lies in `folder`, as a fact.  Its identity is taken before the names are read, so a name
/// that appears in between shows as a changed identity.
fn listing(memo: &Memo, folder: &FilePath) -> Fact {
    let place = memo.root().resolve(folder);
    let stat = fs::stat(&place).ok().flatten();
    match stat.zip(names(&place)) {
        Some((stat, digest)) => Fact::Listing { stat, digest, settled: memo.settled(&stat) },
        None => Fact::Absent,
    }
}

/// The digest of the names in a folder and of what each is; temporary files of jmake do not count.
fn names(folder: &Path) -> Option<Digest> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| !bytes_of(&entry.file_name()).starts_with(fs::TEMPORARY.as_bytes()))
        .map(|entry| {
            let kind = entry.file_type().map_or(0u8, |kind| match (kind.is_dir(), kind.is_symlink()) {
                (true, _) => 1,
                (_, true) => 2,
                _ => 3,
            });
            (bytes_of(&entry.file_name()).to_vec(), kind)
        })
        .collect();
    names.sort();
    let mut hasher = Hasher::default();
    for (name, kind) in names {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(&name);
        hasher.update(&[kind]);
    }
    Some(hasher.finish())
}

/// The nearest folder above the absent `path` that exists: while its listing stays, so does the
/// absence.
fn nearest_folder(memo: &Memo, path: &FilePath) -> Option<FilePath> {
    let mut at = path.parent();
    while let Some(folder) = at {
        if memo.stat(&folder).is_some() {
            return Some(folder);
        }
        at = folder.parent();
    }
    None
}
