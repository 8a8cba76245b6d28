//! How the libraries of a description are compiled and linked, from the flags that it gives them.
//!
//! What all units of a language are told is for all; what only some are told is theirs alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::described::{Export, Files as _, Target};
use crate::discover::{Category, category_by_name, shown};
use crate::path::FilePath;

use super::{Evidence, Seen};

/// Adds how `libraries` are made; of a source that several have, how the first compiles it.
pub(super) fn take(evidence: &mut Evidence, libraries: &[&Target], seen: &Seen<'_>) {
    for cxx in [false, true] {
        let category = if cxx { Category::CppSource } else { Category::CSource };
        let mut units: BTreeMap<&FilePath, (Vec<&str>, &Target)> = BTreeMap::new();
        for library in libraries {
            let sources = library.sources.iter().filter(|path| evidence.sources.contains(*path));
            for source in sources.filter(|path| category_by_name(path.file_name()) == category) {
                units.entry(source).or_insert_with(|| (library.flags_of(source, cxx), library));
            }
        }
        compiled(evidence, cxx, &units);
    }
    evidence.manner.export = export(libraries, seen);
    evidence.manner.settle(seen.memo, seen.tree, &evidence.generated);
}

fn compiled(evidence: &mut Evidence, cxx: bool, units: &BTreeMap<&FilePath, (Vec<&str>, &Target)>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for flag in units.values().flat_map(|(flags, _)| flags) {
        *counts.entry(flag).or_default() += 1;
    }
    let is_shared = |flag: &&str| !flag.starts_with("-D") && counts.get(flag) == Some(&units.len());
    let first = units.values().next().map(|(flags, _)| flags.clone()).unwrap_or_default();
    first.into_iter().filter(is_shared).for_each(|flag| evidence.manner.add(cxx, flag));
    for (source, (flags, library)) in units {
        let own = flags.iter().filter(|flag| !is_shared(flag)).map(|flag| (*flag).to_owned());
        let first = |(at, define): &(usize, &String)| {
            !library.defines.iter().take(*at).any(|other| is_same(other, define))
        };
        let macros = library.defines.iter().enumerate().filter(first).map(|(_, define)| define);
        let macros = macros.filter(|define| is_other(define, &evidence.defines));
        let macros = macros.map(|define| format!("-D{define}"));
        evidence.manner.add_own(source, macros.chain(own));
    }
}

/// Whether the macro has another value for all.
fn is_other(define: &str, all: &[String]) -> bool {
    all.iter().any(|other| other != define && is_same(other, define))
}

/// Whether both define the same macro.
fn is_same(one: &str, other: &str) -> bool {
    one.split('=').next() == other.split('=').next()
}

/// The symbols that the libraries show together; `None` for all, or where one does not say.
fn export(libraries: &[&Target], seen: &Seen<'_>) -> Option<Vec<String>> {
    let linked: BTreeSet<&str> =
        libraries.iter().flat_map(|library| &library.links).map(String::as_str).collect();
    let whole = libraries.iter().filter(|one| one.is_public || !linked.contains(one.name.as_str()));
    // Several forms of a library are made of the same.
    let mut forms: BTreeMap<&[FilePath], Option<Vec<String>>> = BTreeMap::new();
    for library in whole.filter(|library| !library.sources.is_empty()) {
        let form = forms.entry(&library.sources).or_default();
        if form.is_none() {
            *form = library.export.as_ref().and_then(|export| shown_by(export, seen));
        }
    }
    let all: Vec<Vec<String>> = forms.into_values().collect::<Option<_>>()?;
    (!all.is_empty()).then(|| all.concat())
}

fn shown_by(export: &Export, seen: &Seen<'_>) -> Option<Vec<String>> {
    // One that is made of a template often differs from it only in what is no name.
    let text = |path: &FilePath| {
        let template = FilePath::new([path.as_bytes(), b".in"].concat());
        let text = seen.read(path).or_else(|| seen.read(&template))?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    match export {
        Export::Script(path) => shown::by_script(&text(path)?),
        Export::Listed(path) => shown::by_list(&text(path)?),
        Export::Matching(expression) => shown::by_expression(expression),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
