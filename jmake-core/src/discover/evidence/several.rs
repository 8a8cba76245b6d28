//! The libraries that a description parts its sources into, where it has several.

use std::collections::{BTreeMap, BTreeSet};

use crate::cmake;
use crate::described;
use crate::discover::{DescribedLibrary, category_by_name};
use crate::path::FilePath;

/// What of a target of any description matters here.
struct One<'t> {
    name: &'t str,
    sources: Vec<&'t FilePath>,
    links: &'t [String],
}

/// Those of a `CMakeLists.txt`; of the ones that count the first comes first.
pub(super) fn of_cmake(libraries: &[&cmake::Target], known: &BTreeSet<FilePath>) -> Vec<DescribedLibrary> {
    let all = libraries.iter().map(|target| One {
        name: &target.name,
        sources: target.sources.iter().map(|source| &source.path).collect(),
        links: &target.link,
    });
    let is_linked = |name: &String| libraries.iter().any(|other| other.link.contains(name));
    let counts = |at: usize| libraries.get(at).is_some_and(|one| one.installed || !is_linked(&one.name));
    libraries_of(&all.collect::<Vec<_>>(), counts, known)
}

/// Those of any other description.
pub(super) fn of_described(
    libraries: &[&described::Target],
    known: &BTreeSet<FilePath>,
) -> Vec<DescribedLibrary> {
    let all = libraries.iter().map(|target| One {
        name: &target.name,
        sources: target.sources.iter().collect(),
        links: &target.links,
    });
    let is_public = libraries.iter().any(|target| target.is_public);
    let counts = |at: usize| !is_public || libraries.get(at).is_some_and(|target| target.is_public);
    libraries_of(&all.collect::<Vec<_>>(), counts, known)
}

/// Each of those that count with all that is linked into it; of several forms of one the first, and
/// nothing where there is only one.
fn libraries_of(
    all: &[One<'_>],
    counts: impl Fn(usize) -> bool,
    known: &BTreeSet<FilePath>,
) -> Vec<DescribedLibrary> {
    let by_name: BTreeMap<&str, &One<'_>> = all.iter().map(|one| (one.name, one)).collect();
    let mut found: Vec<DescribedLibrary> = Vec::new();
    for (_, one) in all.iter().enumerate().filter(|(at, _)| counts(*at)) {
        let mut reached = BTreeSet::from([one.name]);
        let mut todo = vec![one];
        let mut sources = BTreeSet::new();
        while let Some(part) = todo.pop() {
            let units = part.sources.iter().copied().filter(|source| known.contains(*source));
            sources.extend(units.filter(|source| category_by_name(source.file_name()).is_unit()).cloned());
            let linked = part.links.iter().filter_map(|name| by_name.get(name.as_str()));
            todo.extend(linked.filter(|linked| reached.insert(linked.name)));
        }
        if !sources.is_empty() && !found.iter().any(|other| other.sources == sources) {
            found.push(DescribedLibrary { name: shown(one.name), sources });
        }
    }
    if found.len() > 1 { found } else { Vec::new() }
}

/// The name without its folder and ending.
fn shown(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = [".la", ".a", ".so"].iter().find_map(|ending| file.strip_suffix(ending));
    stem.unwrap_or(file).to_owned()
}
