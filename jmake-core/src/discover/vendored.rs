//! Other people's code that comes along.
//!
//! A folder such as `third_party` or `extern` holds packages, one in each folder below it.  A
//! package is part of the library when something of the library includes one of its headers,
//! directly or through another package; what only a demonstration program uses is not, and often
//! could not even be compiled.

use std::collections::BTreeSet;

use crate::memo::Memo;
use crate::path::FilePath;

use super::Tree;
use super::finder::{Finder, facts_of};
use super::reasons::folder_reason;

const NAMES: [&str; 13] = [
    "dependencies",
    "extern",
    "external",
    "externals",
    "third_party",
    "third-party",
    "thirdparty",
    "3rdparty",
    "3rd_party",
    "vendor",
    "vendored",
    "deps",
    "subprojects",
];

/// The package that `path` belongs to: the folder below one of other people's code.
pub(super) fn package(path: &FilePath) -> Option<FilePath> {
    let parts: Vec<&[u8]> = path.components().collect();
    let folder = parts.iter().position(|part| NAMES.iter().any(|name| name.as_bytes() == *part))?;
    // The file itself lies in the package's folder, not beside it.
    (folder + 2 < parts.len()).then(|| FilePath::new(parts[..folder + 2].join(&b'/')))
}

/// The packages of `tree` that the library includes nothing of.
pub(super) fn unused(memo: &Memo, tree: &Tree, finder: &Finder<'_>) -> BTreeSet<FilePath> {
    let code = tree.files.iter().filter(|file| file.category.is_source() || file.category.is_header());
    let paths: Vec<FilePath> =
        code.map(|file| file.path.clone()).filter(|path| folder_reason(path).is_none()).collect();
    let mut unused: BTreeSet<FilePath> = paths.iter().filter_map(package).collect();
    // A project that is nothing but packages has no code of its own to judge by.
    if unused.is_empty() || paths.iter().all(|path| package(path).is_some()) {
        return BTreeSet::new();
    }
    let facts = facts_of(memo, &paths);
    loop {
        let mut used = BTreeSet::new();
        for (path, facts) in paths.iter().zip(&facts) {
            let Some(facts) = facts else { continue };
            let own = package(path);
            let counts = own.as_ref().is_none_or(|own| !unused.contains(own));
            let is_program = facts.has_main && !facts.main_conditional;
            if !counts || is_program {
                continue;
            }
            for include in facts.includes.iter().filter(|include| !include.dead) {
                let found = finder.ending_with(&include.name).filter_map(|(file, _)| package(file));
                used.extend(found.filter(|package| unused.contains(package)));
            }
        }
        if used.is_empty() {
            return unused;
        }
        unused.retain(|package| !used.contains(package));
    }
}
