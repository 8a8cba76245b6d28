//! What a build has looked at, as facts.

use std::collections::HashSet;

use rayon::prelude::*;

use super::fact::{Fact, listing};
use crate::fs;
use crate::memo::{Looked, Memo};
use crate::path::FilePath;
use crate::plan::STATE_DIR;

/// What a build has looked at, as facts.
pub(super) struct Seen {
    pub(super) facts: Vec<(FilePath, Fact)>,
    /// What was looked for and is not there.
    pub(super) absent: Vec<FilePath>,
    /// The folders whose listings show that it is not.
    pub(super) folders: Vec<FilePath>,
}

impl Seen {
    /// `None` when some action may have been judged, or have run, on what a file held before.
    pub(super) fn by(memo: &Memo) -> Option<Seen> {
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
            Some(None) if stat.is_file() => Fact::unread(stat, memo.settled(&stat)),
            _ => Fact::There { folder: stat.is_dir() },
        };
        let facts = there.into_iter().map(|(path, looked)| (path, fact(looked))).collect();
        Some(Seen { facts, absent, folders })
    }
}

pub(super) fn listings(memo: &Memo, mut folders: Vec<FilePath>) -> Vec<(FilePath, Fact)> {
    folders.sort();
    folders.dedup();
    folders.into_par_iter().map(|folder| (folder.clone(), listing(memo, &folder))).collect()
}

/// Whether everything that was looked for in vain is still not there.
pub(super) fn nothing_appeared(memo: &Memo, absent: &[FilePath]) -> bool {
    absent.par_iter().all(|path| matches!(fs::stat(&memo.root().resolve(path)), Ok(None)))
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
