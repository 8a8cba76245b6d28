//! Parts of a library that its makers leave to those who have something installed.
//!
//! Whether a library comes with its part for OpenSSL must not depend on whether OpenSSL happens to
//! be installed here.  A source is such a part when it alone needs a header of somebody else, and
//! nothing else of the library includes its own header.  It is said when one is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::lex::{Facts, Include};
use crate::memo::Memo;
use crate::path::FilePath;

use super::Tree;
use super::finder::{Finder, counts, facts_of};
use super::reasons::folder_reason;
use crate::standard::is_standard;

/// In a smaller library no part can be told from the whole.
const FEWEST: usize = 5;

/// The optional parts of `library`, and the header each needs.
pub(super) fn parts(
    memo: &Memo,
    tree: &Tree,
    finder: &Finder<'_>,
    library: &[FilePath],
) -> Vec<(FilePath, String)> {
    if library.len() < FEWEST {
        return Vec::new();
    }
    let facts = facts_of(memo, library);
    let mut users: BTreeMap<&[u8], Vec<(&FilePath, &Include)>> = BTreeMap::new();
    for (source, facts) in library.iter().zip(&facts) {
        for include in facts.iter().flat_map(|facts| &facts.includes).filter(|one| is_foreign(one, finder)) {
            users.entry(owner(&include.name)).or_default().push((source, include));
        }
    }
    users.retain(|_, users| {
        let first = users[0].0;
        users.iter().all(|(source, _)| *source == first)
            && users.iter().any(|(_, include)| !include.conditional)
    });
    if users.is_empty() {
        return Vec::new();
    }
    let headers: Vec<FilePath> = tree
        .files
        .iter()
        .filter(|file| file.category.is_header() && folder_reason(&file.path).is_none())
        .map(|file| file.path.clone())
        .collect();
    let rest: Vec<(&FilePath, std::sync::Arc<Facts>)> = headers
        .iter()
        .zip(facts_of(memo, &headers))
        .chain(library.iter().zip(facts.iter().cloned()))
        .filter_map(|(path, facts)| Some((path, facts?)))
        .collect();
    let mut found: BTreeMap<FilePath, String> = BTreeMap::new();
    for (owner_of, users) in &users {
        let (source, include) = users[0];
        let own: BTreeSet<&[u8]> =
            headers.iter().filter(|header| is_own(header, source)).map(FilePath::file_name).collect();
        let needs_it = |(path, facts): &(&FilePath, std::sync::Arc<Facts>)| {
            let is_part = *path == source || own.contains(path.file_name());
            let names = facts.includes.iter().map(|include| &*include.name);
            !is_part && names.into_iter().any(|name| owner(name) == *owner_of || own.contains(last(name)))
        };
        if !own.is_empty() && !rest.iter().any(needs_it) {
            found.insert(source.clone(), String::from_utf8_lossy(&include.name).into_owned());
        }
    }
    found.into_iter().collect()
}

/// Whether a header comes neither with the project nor with every system.
fn is_foreign(include: &Include, finder: &Finder<'_>) -> bool {
    let mine = || finder.ending_with(&include.name).next().is_some();
    include.angled && counts(include) && !is_standard(&include.name) && !mine()
}

/// What a header belongs to, as far as its name tells: the first folder of it.
fn owner(name: &[u8]) -> &[u8] {
    name.split(|&b| b == b'/').next().unwrap_or(name)
}

fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|&b| b == b'/').next().unwrap_or(name)
}

/// Whether `header` is named like `source`, perhaps behind the library's name.
fn is_own(header: &FilePath, source: &FilePath) -> bool {
    let (header, source) = (header.stem(), source.stem());
    let before = header.strip_suffix(source);
    before.is_some_and(|before| before.is_empty() || before.ends_with(b"_") || before.ends_with(b"-"))
}
