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
//!
//! Between "all holds" and "no" there is the common case: only the text of some sources differs,
//! and not what decisions are made of (their [`Facts::shape`](crate::lex::Facts::shape)).  Then the
//! build is [`Moved`]: what was configured still stands, and what holds need not be looked at
//! again.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Hasher};
use crate::fs::{self, StatId};
use crate::memo::{Looked, Memo};
use crate::path::{FilePath, Root, bytes_of};
use crate::plan::STATE_DIR;
use crate::sabotage;

const MAGIC: &[u8] = b"jmake-snapshot-2\n";

/// One thing that must be as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Fact {
    /// A file with this content; equal identity stands for equal content when it was settled.
    /// Of a source or header `shape` is what discovery saw of it.
    Content { stat: StatId, digest: Digest, settled: bool, shape: Option<Digest> },
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
    /// The digest of what was configured, which is kept beside.
    config: Digest,
    reply: Vec<u8>,
}

/// The answer to [`Snapshot::check`].
pub enum Checked {
    /// Everything is as it was.
    Holds {
        /// The recorded reply.
        reply: Vec<u8>,
        /// Content had to be compared because identities were not enough: recording this snapshot
        /// makes the next check faster.
        refreshed: Option<Snapshot>,
    },
    /// Only the text of some sources or headers differs.
    Moved(Moved),
}

/// A snapshot that holds but for the text of some sources and headers.
pub struct Moved {
    snapshot: Snapshot,
    /// Their places among the facts.
    changed: Vec<usize>,
}

impl Snapshot {
    /// Records what `memo` has looked at, the folders in `listed`, the digest of what was
    /// configured, and `reply`; `None` when a file changed while the build ran, or one that was
    /// looked for in vain is there by now.  The content of the files in `deciding` matters to more
    /// than compiles, even if one of them is included somewhere.  The caller scans `listed` once
    /// more afterwards: only if it finds the same is the snapshot one of *this* build.
    pub fn take(
        memo: &Memo,
        request: Digest,
        (listed, deciding): (&[FilePath], &[FilePath]),
        config: Digest,
        reply: Vec<u8>,
    ) -> Option<Snapshot> {
        let seen = Seen::by(memo)?;
        let mut facts: BTreeMap<_, _> = seen.facts.into_iter().collect();
        for path in deciding {
            if let Some(Fact::Content { shape, .. }) = facts.get_mut(path) {
                *shape = None;
            }
        }
        let mut folders = seen.folders;
        folders.extend_from_slice(listed);
        facts.extend(listings(memo, folders));
        nothing_appeared(memo, &seen.absent).then(|| Snapshot {
            request,
            facts: facts.into_iter().collect(),
            config,
            reply,
        })
    }

    /// Reads the snapshot at `path` and compares it with the disk; `None` when there is none for
    /// `request` or anything differs but the text of sources.
    pub fn check(path: &Path, request: Digest, root: &Root) -> Option<Checked> {
        let bytes = fs::read(path).ok()?;
        let snapshot = Snapshot::decode(&bytes).filter(|snapshot| snapshot.request == request)?;
        // Most files are settled and unchanged; only the others are read.
        let doubtful: Vec<usize> = (0..snapshot.facts.len())
            .into_par_iter()
            .filter(|&at| !holds_by_identity(root, &snapshot.facts[at]))
            .collect();
        if doubtful.is_empty() {
            return Some(Checked::Holds { reply: snapshot.reply, refreshed: None });
        }
        // The clock is read, by making a file, only when something is to be read again, and before.
        let now = fs::now(path.parent()?).ok()?;
        let mut refreshed = snapshot;
        let renewed: Vec<_> = doubtful.par_iter().map(|&at| renew(root, &refreshed.facts[at], now)).collect();
        let (mut better, mut changed) = (false, Vec::new());
        for (at, renewed) in doubtful.into_iter().zip(renewed) {
            match renewed {
                Some(fact) => {
                    better |= refreshed.facts[at].1 != fact;
                    refreshed.facts[at].1 = fact;
                }
                // Whether it says the same to discovery is for the caller to find out.
                None if matches!(refreshed.facts[at].1, Fact::Content { shape: Some(_), .. }) => {
                    changed.push(at);
                }
                None => return None,
            }
        }
        Some(match changed.is_empty() {
            true => {
                let reply = refreshed.reply.clone();
                Checked::Holds { reply, refreshed: better.then_some(refreshed) }
            }
            false => Checked::Moved(Moved { snapshot: refreshed, changed }),
        })
    }

    /// Writes the snapshot to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut body = Writer::default();
        body.digest(&self.request);
        body.digest(&self.config);
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
        let config = reader.digest()?;
        let reply = reader.bytes()?.to_vec();
        let count: usize = reader.int()?;
        let mut facts = Vec::with_capacity(count.min(1 << 20));
        for _ in 0..count {
            facts.push((FilePath::new(reader.bytes()?), Fact::decode(&mut reader)?));
        }
        Some(Snapshot { request, facts, config, reply })
    }
}

impl Moved {
    /// Whether the files whose text changed still say the same to discovery, and are there at all.
    pub fn says_the_same(&self, memo: &Memo) -> bool {
        self.changed.par_iter().all(|&at| {
            if sabotage::is("ignore-shape") {
                return true;
            }
            let (path, fact) = &self.snapshot.facts[at];
            let shape = memo.facts(path).ok().map(|facts| facts.shape());
            matches!(fact, Fact::Content { shape: Some(old), .. } if shape == Some(*old))
        })
    }

    /// Spares `memo` the look at every file that is as it was.
    pub fn prime(&self, memo: &Memo) {
        let mut changed = self.changed.iter().peekable();
        for (at, (path, fact)) in self.snapshot.facts.iter().enumerate() {
            match fact {
                _ if changed.next_if(|&&changed| changed == at).is_some() => {}
                Fact::Content { stat, digest, settled, .. } => {
                    memo.assume(path, *stat, *digest, *settled);
                }
                _ => {}
            }
        }
    }

    /// What was configured, as a digest of the bytes kept beside the snapshot.
    pub fn config(&self) -> Digest {
        self.snapshot.config
    }

    /// The reply of the build that the snapshot is of.
    pub fn reply(&self) -> &[u8] {
        &self.snapshot.reply
    }

    /// The snapshot of the build that followed: what `memo` has looked at since, and for the rest
    /// what held and still holds; `None` as for [`Snapshot::take`], and when a folder's names have
    /// changed.
    pub fn take(self, memo: &Memo, reply: Vec<u8>) -> Option<Snapshot> {
        let seen = Seen::by(memo)?;
        let Snapshot { request, facts, config, .. } = self.snapshot;
        let still = |(path, fact): (FilePath, Fact)| match &fact {
            Fact::Listing { stat, .. } => {
                let entry = (path, fact.clone());
                if memo.settled(stat) && holds_by_identity(memo.root(), &entry) {
                    return Some(entry);
                }
                let fact = renew(memo.root(), &entry, memo.now())?;
                Some((entry.0, fact))
            }
            _ => Some((path, fact)),
        };
        let mut facts: BTreeMap<_, _> = facts.into_par_iter().map(still).collect::<Option<_>>()?;
        for (path, fact) in seen.facts {
            match (fact, facts.get(&path)) {
                // A file that mattered to more than compiles goes on doing so, and one that was
                // not scanned again holds what it held.
                (
                    Fact::Content { stat, digest, settled, shape },
                    Some(Fact::Content { digest: known, shape: old, .. }),
                ) => {
                    let same = if *known == digest { *old } else { None };
                    let shape = old.and(shape.or(same));
                    facts.insert(path, Fact::Content { stat, digest, settled, shape });
                }
                (fact @ Fact::Content { .. }, _) | (fact, None) => drop(facts.insert(path, fact)),
                _ => {}
            }
        }
        let new = seen.folders.into_iter().filter(|folder| !facts.contains_key(folder)).collect();
        facts.extend(listings(memo, new));
        nothing_appeared(memo, &seen.absent).then(|| Snapshot {
            request,
            facts: facts.into_iter().collect(),
            config,
            reply,
        })
    }
}

/// What a build has looked at, as facts.
struct Seen {
    facts: Vec<(FilePath, Fact)>,
    /// What was looked for and is not there.
    absent: Vec<FilePath>,
    /// The folders whose listings show that it is not.
    folders: Vec<FilePath>,
}

impl Seen {
    /// `None` when some action may have been judged, or have run, on what a file held before.
    fn by(memo: &Memo) -> Option<Seen> {
        if memo.moved() {
            return None;
        }
        let own = FilePath::new(STATE_DIR);
        let (mut there, mut absent) = memo.seen();
        there.retain(|(path, _)| !path.starts_with(&own));
        absent.retain(|path| !path.starts_with(&own));
        // Many absent files lie in few folders.
        let mut asked = HashSet::new();
        let mut folders = Vec::new();
        for path in &absent {
            if !asked.contains(path.parent_bytes()) {
                asked.extend(path.parent());
                folders.extend(nearest_folder(memo, path));
            }
        }
        let fact = |Looked { stat, digest, shape }| match digest {
            Some(Some(digest)) => Fact::Content { stat, digest, settled: memo.settled(&stat), shape },
            // It could not be read: as long as its identity stays, it still cannot.
            Some(None) if stat.is_file() => {
                let digest = Digest::from_raw([0; 32]);
                Fact::Content { stat, digest, settled: memo.settled(&stat), shape: None }
            }
            _ => Fact::There { folder: stat.is_dir() },
        };
        let facts = there.into_iter().map(|(path, looked)| (path, fact(looked))).collect();
        Some(Seen { facts, absent, folders })
    }
}

fn listings(memo: &Memo, mut folders: Vec<FilePath>) -> Vec<(FilePath, Fact)> {
    folders.sort();
    folders.dedup();
    folders.into_par_iter().map(|folder| (folder.clone(), listing(memo, &folder))).collect()
}

/// Whether everything that was looked for in vain is still not there.
fn nothing_appeared(memo: &Memo, absent: &[FilePath]) -> bool {
    absent.par_iter().all(|path| matches!(fs::stat(&memo.root().resolve(path)), Ok(None)))
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
        fs::remove_file(&config_beside(&old)).ok();
    }
}

/// Where what was configured is kept for the snapshot at `path`.
pub fn config_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let key = bytes_of(name).strip_prefix(b"snapshot-").unwrap_or_default();
    path.with_file_name(crate::path::path_from_bytes(&[b"config-", key].concat()))
}

impl Fact {
    fn encode(&self, out: &mut Writer) {
        let (tag, full) = match self {
            Fact::Absent => (0, None),
            Fact::There { folder: false } => (1, None),
            Fact::There { folder: true } => (2, None),
            Fact::Content { stat, digest, settled, .. } => (3 + u64::from(*settled), Some((stat, digest))),
            Fact::Listing { stat, digest, settled } => (5 + u64::from(*settled), Some((stat, digest))),
        };
        out.uint(tag);
        if let Some((stat, digest)) = full {
            out.stat(stat);
            out.digest(digest);
        }
        if let Fact::Content { shape, .. } = self {
            out.digest_opt(shape.as_ref());
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
                Fact::Content { stat, digest, settled: tag == 4, shape: from.digest_opt()? }
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
        Fact::Content { digest, stat, shape, .. } => {
            // A file whose mode changed is another file: it may be an output with its mode.
            let same = now.mode == stat.mode && fs::digest(&place).is_ok_and(|found| found == *digest);
            let settled = now.settled(clock);
            same.then_some(Fact::Content { stat: now, digest: *digest, settled, shape: *shape })
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
