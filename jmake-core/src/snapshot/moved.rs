//! A snapshot that holds but for the text of some sources and headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::fact::{Fact, holds_by_identity, renew};
use super::seen::{Seen, listings, nothing_appeared};
use super::{Good, Snapshot};
use crate::digest::Digest;
use crate::freshness::Vouched;
use crate::log::Mark;
use crate::memo::Memo;
use crate::path::FilePath;
use crate::sabotage;

/// A snapshot that holds but for the text of some sources and headers.
pub struct Moved {
    snapshot: Arc<Snapshot>,
    /// Their places among the facts.
    changed: Vec<usize>,
}

impl Moved {
    pub(super) fn new(snapshot: Arc<Snapshot>, mut changed: Vec<usize>) -> Moved {
        // They come in the order in which facts were asked about, which is another for armed
        // snapshots; whoever goes through all facts relies on theirs.
        changed.sort_unstable();
        Moved { snapshot, changed }
    }

    /// The snapshot as it held before.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

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
        self.snapshot.good.config
    }

    /// Why records of the build need not be compared.
    pub fn vouched(&self) -> Vouched {
        let changed = self.changed.iter().map(|&at| self.snapshot.facts[at].0.clone()).collect();
        Vouched { mark: self.snapshot.good.mark, changed }
    }

    /// The snapshot of the build that followed: what `memo` has looked at since, and for the rest
    /// what held and still holds; `None` as for [`Snapshot::take`], and when a folder's names have
    /// changed.
    pub fn take(self, memo: &Memo, mark: Mark, reply: Vec<u8>) -> Option<Snapshot> {
        let seen = Seen::by(memo)?;
        let Snapshot { request, facts, good } = Arc::unwrap_or_clone(self.snapshot);
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
            good: Good { mark, reply, ..good },
        })
    }
}
