//! The folder in which one build works, and what a killed one left behind.
//!
//! `.jmake/tmp` is there while a build is under way, and only then: found at the beginning of
//! another build, which holds the project's lock, it tells that an earlier one was killed.  Then
//! its temporary files are removed.  Each build works in a folder of its own name in there, for a
//! compiler that outlived its killed build may still be writing: it must not meet the files of
//! this build.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::fs;
use crate::path::Root;

/// The folder's name in the state folder.
const NAME: &str = "tmp";

/// The folder, removed with everything in it when dropped.
pub struct Scratch {
    all: PathBuf,
    own: PathBuf,
}

impl Scratch {
    /// Begins work on the project at `root`, whose state folder is `state` and whose lock the
    /// caller holds.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(root: &Root, state: &Path) -> Result<Scratch> {
        let all = state.join(NAME);
        if Scratch::is_left_behind(state) {
            sweep(root.as_path());
            for found in walkdir::WalkDir::new(state).into_iter().flatten() {
                remove_temporary(found.path());
            }
            fs::remove_all(&all).ok();
        }
        fs::create_dir_all(&all)?;
        let named = tempfile::Builder::new().prefix("").tempdir_in(&all);
        let own = named.with_context(|| format!("cannot create a folder in `{}`", all.display()))?.keep();
        Ok(Scratch { all, own })
    }

    /// Whether an earlier build of the project with the state folder `state` was killed, and its
    /// folder is still there.
    pub fn is_left_behind(state: &Path) -> bool {
        state.join(NAME).symlink_metadata().is_ok()
    }

    /// The folder of this build.
    pub fn dir(&self) -> &Path {
        &self.own
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next build.
        fs::remove_all(&self.all).ok();
    }
}

/// Removes the temporary files that a killed build left in `folder`, not below it.
pub fn sweep(folder: &Path) {
    for found in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        remove_temporary(&found.path());
    }
}

fn remove_temporary(path: &Path) {
    let name = path.file_name().unwrap_or_default();
    if crate::path::bytes_of(name).starts_with(fs::TEMPORARY.as_bytes()) {
        fs::remove_file(path).ok();
    }
}
