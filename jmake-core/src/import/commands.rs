//! What a `compile_commands.json` of another tool comes to.

use crate::discover::Tree;
use crate::project::Project;

use super::Read;

/// What the file in the root or in `build` says.
pub(super) fn read(_project: &Project, _tree: &Tree) -> Option<Read> {
    let _ = crate::commands::NAME;
    None
}
