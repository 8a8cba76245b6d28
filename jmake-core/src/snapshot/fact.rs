//! One thing that must be as it was, and how that is found out.

use std::path::Path;

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Hasher};
use crate::fs::{self, StatId};
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};
use crate::sabotage;

/// One thing that must be as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A file with this content; equal identity stands for equal content when it was settled.
    /// Of a source or header `shape` is what discovery saw of it.
    Content {
        /// Its identity when it was read.
        stat: StatId,
        /// What was read.
        digest: Digest,
        /// Whether equal identity stands for equal content.
        settled: bool,
        /// What discovery saw of it, unless more than compiles depend on its text.
        shape: Option<Digest>,
    },
    /// A folder with these names in it, likewise.
    Listing {
        /// Its identity when it was listed.
        stat: StatId,
        /// The names in it and what each is.
        digest: Digest,
        /// Whether equal identity stands for equal names.
        settled: bool,
    },
    /// Something that exists and is (or is not) a folder; its content was not read.
    There {
        /// Whether it is a folder.
        folder: bool,
    },
    /// Nothing.
    Absent,
}

impl Fact {
    /// Of a file whose content is not known: as long as its identity stays, it is the same.
    pub(super) fn unread(stat: StatId, settled: bool) -> Fact {
        Fact::Content { stat, digest: Digest::from_raw([0; 32]), settled, shape: None }
    }

    pub(super) fn encode(&self, out: &mut Writer) {
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

    pub(super) fn decode(from: &mut Reader<'_>) -> Option<Fact> {
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

pub(super) fn holds_by_identity(root: &Root, (path, fact): &(FilePath, Fact)) -> bool {
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
pub(super) fn renew(root: &Root, (path, fact): &(FilePath, Fact), clock: i64) -> Option<Fact> {
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
pub(super) fn listing(memo: &Memo, folder: &FilePath) -> Fact {
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
