//! In what two descriptions of one library differ.
//!
//! Only what one has and the other does not even name counts: what it leaves out under a condition
//! is no contradiction.  And it must lie beside what both have: a folder that only one of them has
//! is a library of its own.

use std::collections::BTreeSet;

use crate::event::Diagnostic;
use crate::path::FilePath;

use super::Evidence;

/// How many sources are named.
const SHOWN: usize = 3;

/// What one description has and another does not name.
pub(in crate::discover) struct Contradiction {
    has: FilePath,
    has_not: FilePath,
    sources: Vec<FilePath>,
}

/// What `first` has and `second` does not name, or the other way round.
pub(super) fn of(first: &Evidence, second: &Evidence) -> Option<Contradiction> {
    let shared: Vec<&FilePath> = first.sources.intersection(&second.sources).collect();
    // They tell of different libraries.
    if shared.len() * 2 < first.sources.len().min(second.sources.len()) {
        return None;
    }
    let dirs: BTreeSet<&[u8]> = shared.iter().map(|path| path.parent_bytes()).collect();
    let only = |one: &Evidence, other: &Evidence| {
        let alone = one.sources.difference(&other.sources);
        let alone = alone.filter(|path| dirs.contains(path.parent_bytes()) && !other.names(path));
        let sources: Vec<FilePath> = alone.cloned().collect();
        let (has, has_not) = (one.file.clone(), other.file.clone());
        (!sources.is_empty()).then_some(Contradiction { has, has_not, sources })
    };
    only(second, first).or_else(|| only(first, second))
}

impl Contradiction {
    /// What is said of it.
    pub fn told(&self) -> Diagnostic {
        let shown: Vec<String> = self.sources.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
        let others = match self.sources.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        let (has, has_not) = (&self.has, &self.has_not);
        let verb = if self.sources.len() == 1 { "is" } else { "are" };
        let text = format!(
            "{}{others} {verb} in the library by `{has}`, and `{has_not}` does not name it",
            shown.join(", ")
        );
        let text = if self.sources.len() == 1 {
            text
        } else {
            text.replace("does not name it", "does not name them")
        };
        Diagnostic::warning(text).hint("one of the two is out of date")
    }
}
