//! `clean`: takes away what jmake made, and nothing else.
//!
//! A published result goes only while it is still, byte for byte, what jmake put there; the link
//! for editors only while it leads into jmake's own folder.  Settings (`jmake.toml`, the marker)
//! are the user's and stay.  No build needs this: it is for people who want their folder back.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::cas::{Collected, Store};
use crate::fs;
use crate::log::Log;
use crate::memo::Memo;
use crate::path::FilePath;
use crate::plan::STATE_DIR;
use crate::publish;

/// What was removed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cleaned {
    /// Files and folders, from the root.
    pub removed: Vec<String>,
    /// Published files that are no longer what jmake wrote, and were left alone.
    pub kept: Vec<String>,
    /// Entries removed from the shared cache.
    pub cache: Option<Collected>,
}

/// Removes what jmake made in the project that `memo` belongs to, and with `store` what its
/// actions put there.  The caller holds the project's lock.
///
/// # Errors
/// When something of jmake's cannot be removed.
pub fn clean(memo: &Memo, store: Option<&Store>) -> Result<Cleaned> {
    let root = memo.root().as_path();
    let state = root.join(STATE_DIR);
    let mut cleaned = Cleaned { cache: store.map(|store| forget(store, &state)), ..Cleaned::default() };
    let (ours, others) = publish::published_and_changed(memo);
    for file in ours {
        let place = memo.root().resolve(&file);
        fs::remove_file(&place).with_context(|| format!("cannot remove `{file}`"))?;
        cleaned.removed.push(file.to_string());
        remove_empty_above(&place, root, &mut cleaned);
    }
    cleaned.kept = others.iter().map(FilePath::to_string).collect();
    let link = root.join("compile_commands.json");
    if std::fs::read_link(&link).is_ok_and(|to| to == Path::new(STATE_DIR).join("compile_commands.json")) {
        fs::remove_file(&link).context("cannot remove `compile_commands.json`")?;
        cleaned.removed.push("compile_commands.json".into());
    }
    if state.is_dir() {
        fs::remove_dir_all(&state).with_context(|| format!("cannot remove `{STATE_DIR}`"))?;
        cleaned.removed.push(STATE_DIR.into());
    }
    Ok(cleaned)
}

/// Takes everything that the project's own traces lead to out of the shared store.
pub(crate) fn forget(store: &Store, state: &Path) -> Collected {
    let (log, _) = Log::open(&state.join("log"));
    let mut all = Collected::default();
    for name in log.names() {
        let Some(trace) = log.get(name).and_then(|stored| stored.whole()) else { continue };
        let removed = store.remove(trace.store_key());
        all.removed += removed.removed;
        all.freed += removed.freed;
    }
    all
}

/// Folders that are empty now were made for what has just been removed.
fn remove_empty_above(file: &Path, root: &Path, cleaned: &mut Cleaned) {
    let above = file.ancestors().skip(1).take_while(|dir| *dir != root && dir.starts_with(root));
    for dir in above {
        if fs::remove_empty_dir(dir).is_err() {
            return;
        }
        let shown = dir.strip_prefix(root).unwrap_or(dir);
        cleaned.removed.push(shown.display().to_string());
    }
}
