//! What has been described so far: targets, folders, sources and their properties, as CMake
//! keeps them.  Generator expressions are still text here; [`resolve`] evaluates them at the end.

pub(super) mod genex;
pub(super) mod resolve;

use super::Kind;
use crate::path::FilePath;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[cfg(test)]
mod tests;

/// Properties by name; those that are lists hold one text with `;`.
pub(super) type Properties = BTreeMap<String, String>;

/// A target as it is being described.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: String,
    pub kind: Kind,
    pub kind_given: bool,
    pub imported: bool,
    /// The folder that describes it, as an index into [`Model::dirs`].
    pub dir: usize,
    pub at: (FilePath, u32),
    pub under_test: bool,
    pub exclude: bool,
    pub properties: Properties,
}

/// A folder that has a description.
#[derive(Clone, Default, Debug)]
pub(super) struct Dir {
    pub source: String,
    pub binary: String,
    pub parent: Option<usize>,
    pub properties: Properties,
    pub exclude: bool,
    pub under_test: bool,
    /// `CMAKE_C_FLAGS` and `CMAKE_CXX_FLAGS` at the end of the description.
    pub flags: [String; 2],
    /// `CMAKE_SHARED_LINKER_FLAGS` there.
    pub link_flags: String,
    /// Folders to be read after the description, and whether each is about tests.
    pub later: VecDeque<(String, bool)>,
}

/// Everything described so far.
#[derive(Default, Debug)]
pub(super) struct Model {
    pub items: Vec<Item>,
    pub by_name: BTreeMap<String, usize>,
    /// Custom targets: names without anything to compile.
    pub custom: BTreeSet<String>,
    pub aliases: BTreeMap<String, String>,
    pub dirs: Vec<Dir>,
    pub globals: Properties,
    /// Properties of sources, by the absolute path.
    pub sources: BTreeMap<String, Properties>,
    /// Targets that `install(TARGETS)` names.
    pub installed: BTreeSet<String>,
    /// Words of the commands of tests; some of them are names of targets.
    pub tested: BTreeSet<String>,
    /// Outputs of custom commands, as absolute paths.
    pub outputs: BTreeSet<String>,
}

impl Model {
    /// The place in `items` of the target that `name` means.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.by_name.get(name).copied()
    }

    /// The target that `name` means.
    pub(super) fn target(&self, name: &str) -> Option<&Item> {
        self.items.get(self.find(name)?)
    }
}

/// Appends `value` to the list that is property `name`.
pub(super) fn append(properties: &mut Properties, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let list = properties.entry(name.to_owned()).or_default();
    if !list.is_empty() {
        list.push(';');
    }
    list.push_str(value);
}

/// Puts `value` before the list that is property `name`.
pub(super) fn prepend(properties: &mut Properties, name: &str, value: &str) {
    let old = properties.get(name).cloned().unwrap_or_default();
    let both = if old.is_empty() { value.to_owned() } else { format!("{value};{old}") };
    properties.insert(name.to_owned(), both);
}
