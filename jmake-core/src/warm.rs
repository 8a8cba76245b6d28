//! What an engine keeps between requests to one root, so that the next one need not look again.
//!
//! All of it may be dropped at any moment: that costs time, never a result.

use std::sync::Arc;

use crate::held::HeldBuilds;
use crate::kept::Kept;
use crate::manifest_file::ManifestFile;
use crate::path::Root;
use crate::tally::{Cache, Sum, Tally};
use crate::toolchain::Answers;

/// What earlier requests have left.
pub struct Warm {
    root: Root,
    tally: Tally,
    manifest: Arc<ManifestFile>,
    found: Kept,
    answers: Arc<Answers>,
    held: HeldBuilds,
}

impl Warm {
    /// Nothing yet, of the project at `root`.
    pub fn new(root: &Root) -> Warm {
        Warm {
            root: root.clone(),
            tally: Tally::new(),
            manifest: Arc::new(ManifestFile::new(root)),
            found: Kept::default(),
            answers: Arc::default(),
            held: HeldBuilds::new(root),
        }
    }

    /// The last good builds.
    pub fn held(&self) -> &HeldBuilds {
        &self.held
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The project's `jmake.toml`.
    pub fn manifest(&self) -> &Arc<ManifestFile> {
        &self.manifest
    }

    /// What discovery has found.
    pub fn found(&self) -> &Kept {
        &self.found
    }

    /// What programs have answered.
    pub fn answers(&self) -> &Arc<Answers> {
        &self.answers
    }

    /// What it all adds up to so far.
    pub fn sum(&self) -> Sum {
        let mut sum = self.tally.sum();
        sum.counts.count(Cache::Configuration, self.manifest.count());
        sum
    }
}
