//! What an engine keeps between requests to one root, so that the next one need not look again.
//!
//! All of it may be dropped at any moment: that costs time, never a result.

use crate::path::Root;

/// What earlier requests have left.
pub struct Warm {
    root: Root,
}

impl Warm {
    /// Nothing yet, of the project at `root`.
    pub fn new(root: &Root) -> Warm {
        Warm { root: root.clone() }
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }
}
