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

mod fact;
mod moved;
mod seen;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rayon::prelude::*;

use crate::codec::{Reader, Writer};
use crate::digest::Digest;
use crate::fs;
use crate::log::Mark;
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};

pub use fact::Fact;
pub use moved::Moved;

use fact::{holds_by_identity, renew};
use seen::{Seen, listings, nothing_appeared};

const MAGIC: &[u8] = b"jmake-snapshot-4\n";

/// What a build depended on, and what it gave.
#[derive(Clone)]
pub struct Snapshot {
    request: Digest,
    facts: Vec<(FilePath, Fact)>,
    good: Good,
}

/// What a good build made of it.
#[derive(Clone)]
pub struct Good {
    /// Whether it is a build, and not only what discovery found.
    pub is_build: bool,
    /// The digest of what was configured, which is kept beside; of what discovery found, that of
    /// the reply.
    pub config: Digest,
    /// How far the log had come: all that the build needed is recorded before it.
    pub mark: Mark,
    /// The reply.
    pub reply: Vec<u8>,
}

/// What decided besides the text of sources and headers.
#[derive(Clone, Copy)]
pub struct Deciding<'a> {
    /// Folders that were listed.
    pub folders: &'a [FilePath],
    /// Files whose text matters to more than compiles, even if one of them is included somewhere.
    pub texts: &'a [FilePath],
    /// Files that others have read, or of which only the first bytes were: their identity counts.
    pub unread: &'a [FilePath],
}

/// The answer to [`compare`].
pub enum Compared {
    /// Everything is as it was.
    Holds {
        /// The snapshot, facts as they hold now.
        snapshot: Arc<Snapshot>,
        /// Content had to be compared because identities were not enough: saving this snapshot
        /// makes the next comparison faster.
        better: bool,
    },
    /// Only the text of some sources or headers differs.
    Moved(Moved),
}

impl Snapshot {
    /// Records what `memo` has looked at, what was `deciding` besides, and what was made of it; `None`
    /// when a file changed while the build ran, or one that was looked for in vain is there by now.
    /// The caller scans the folders once more afterwards: only if it finds the same is the snapshot
    /// one of *this* build.
    pub fn take(memo: &Memo, request: Digest, deciding: Deciding<'_>, good: Good) -> Option<Snapshot> {
        let Deciding { folders: listed, texts, unread } = deciding;
        let seen = Seen::by(memo)?;
        let mut facts: BTreeMap<_, _> = seen.facts.into_iter().collect();
        for path in unread {
            if let Some(stat) = memo.stat(path)
                && !matches!(facts.get(path), Some(Fact::Content { .. }))
            {
                facts.insert(path.clone(), Fact::unread(stat, memo.settled(&stat)));
            }
        }
        for path in texts {
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
            good,
        })
    }

    /// The snapshot at `path`; `None` when there is none for `request`, or it is damaged.
    pub fn load(path: &Path, request: Digest) -> Option<Snapshot> {
        let bytes = fs::read(path).ok()?;
        Snapshot::decode(&bytes).filter(|snapshot| snapshot.request == request)
    }

    /// What must be as it was, by path in ascending order.
    pub fn facts(&self) -> &[(FilePath, Fact)] {
        &self.facts
    }

    /// The numbers of the facts that hold no longer, by all that can be seen.
    pub fn changed(&self, root: &Root) -> Vec<usize> {
        let holds = |at: &usize| {
            let entry = &self.facts[*at];
            holds_by_identity(root, entry) || renew(root, entry, 0).is_some()
        };
        (0..self.facts.len()).into_par_iter().filter(|at| !holds(at)).collect()
    }

    /// Whether it is of a build, and not only of what discovery found.
    pub fn is_build(&self) -> bool {
        self.good.is_build
    }

    /// What was made of it all, as a digest.
    pub fn config(&self) -> Digest {
        self.good.config
    }

    /// The reply of the build.
    pub fn reply(&self) -> &[u8] {
        &self.good.reply
    }

    /// Writes the snapshot to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut body = Writer::default();
        body.digest(&self.request);
        body.uint(u64::from(self.good.is_build));
        body.digest(&self.good.config);
        self.good.mark.encode(&mut body);
        body.bytes(&self.good.reply);
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
        let is_build = reader.uint()? == 1;
        let config = reader.digest()?;
        let mark = Mark::decode(&mut reader)?;
        let good = Good { is_build, config, mark, reply: reader.bytes()?.to_vec() };
        let count: usize = reader.int()?;
        let mut facts = Vec::with_capacity(count.min(1 << 20));
        for _ in 0..count {
            facts.push((FilePath::new(reader.bytes()?), Fact::decode(&mut reader)?));
        }
        Some(Snapshot { request, facts, good })
    }
}

/// As [`compare`], of all facts.
pub fn compare_all(snapshot: Arc<Snapshot>, root: &Root, clock: &Path) -> Option<Compared> {
    let all = 0..snapshot.facts.len();
    compare(snapshot, all, root, clock)
}

/// Compares the facts of `snapshot` numbered in `which` with the disk below `root`, whose clock is
/// asked in the folder `clock` if need be; `None` when anything differs but the text of sources.
pub fn compare(
    mut snapshot: Arc<Snapshot>,
    which: impl IntoParallelIterator<Item = usize>,
    root: &Root,
    clock: &Path,
) -> Option<Compared> {
    // Most files are settled and unchanged; only the others are read.
    let doubtful: Vec<usize> =
        which.into_par_iter().filter(|&at| !holds_by_identity(root, &snapshot.facts[at])).collect();
    if doubtful.is_empty() {
        return Some(Compared::Holds { snapshot, better: false });
    }
    // The clock is read, by making a file, only when something is to be read again, and before.
    let now = fs::now(clock).ok()?;
    let renewed: Vec<_> = doubtful.par_iter().map(|&at| renew(root, &snapshot.facts[at], now)).collect();
    let (mut better, mut changed) = (false, Vec::new());
    for (at, renewed) in doubtful.into_iter().zip(renewed) {
        let known = &snapshot.facts[at].1;
        match renewed {
            Some(fact) if *known != fact => {
                better = true;
                Arc::make_mut(&mut snapshot).facts[at].1 = fact;
            }
            Some(_) => {}
            // Whether it says the same to discovery is for the caller to find out.
            None if matches!(known, Fact::Content { shape: Some(_), .. }) => changed.push(at),
            None => return None,
        }
    }
    Some(match changed.is_empty() {
        true => Compared::Holds { snapshot, better },
        false => Compared::Moved(Moved::new(snapshot, changed)),
    })
}

/// How many snapshots a project keeps: one for each set of flags and each environment in use.
pub const KEPT: usize = 8;

/// Removes the oldest of the files beside `newest` whose names begin with `prefix`, but for `kept`;
/// gives what it removed.
pub fn prune(newest: &Path, prefix: &str, kept: usize) -> Vec<PathBuf> {
    let beside = newest.parent().map(std::fs::read_dir).into_iter().flatten().flatten().flatten();
    let mut snapshots: Vec<_> = beside
        .filter(|entry| bytes_of(&entry.file_name()).starts_with(prefix.as_bytes()))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    snapshots.sort();
    let surplus = snapshots.len().saturating_sub(kept);
    let old = snapshots.into_iter().map(|(_, path)| path).filter(|path| path != newest).take(surplus);
    // What cannot be removed is looked for again the next time.
    old.inspect(|path| drop(fs::remove_file(path))).collect()
}

/// Where what was configured is kept for the snapshot at `path`.
pub fn config_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let key = bytes_of(name).strip_prefix(b"snapshot-").unwrap_or_default();
    path.with_file_name(crate::path::path_from_bytes(&[b"config-", key].concat()))
}
