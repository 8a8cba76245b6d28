//! How the libraries of a description are compiled and linked, from the flags that it gives them.
//!
//! What all units of a language are told is for all; what only some are told is theirs alone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::described::{Export, Files as _, Target};
use crate::discover::{Category, category_by_name, shown};
use crate::path::FilePath;

use super::{Evidence, Seen};

/// A unit: what the compiler is told for it, and the macros of its library that others have otherwise.
struct Unit<'t> {
    flags: Vec<&'t str>,
    macros: Rc<Vec<String>>,
}

/// Adds how `libraries` are made; of a source that several have, how the first compiles it.
pub(super) fn take(evidence: &mut Evidence, libraries: &[&Target], seen: &Seen<'_>) {
    for cxx in [false, true] {
        let category = if cxx { Category::CppSource } else { Category::CSource };
        let mut units: BTreeMap<&FilePath, Unit<'_>> = BTreeMap::new();
        for library in libraries {
            // Few sources have flags of their own.
            let of_all = library.flags_of(None, cxx);
            let macros = Rc::new(other_macros(library, &evidence.defines));
            let sources = library.sources.iter().filter(|path| evidence.sources.contains(*path));
            for source in sources.filter(|path| category_by_name(path.file_name()) == category) {
                units.entry(source).or_insert_with(|| {
                    let own = library.own_flags.get(source);
                    let flags = own.map_or_else(|| of_all.clone(), |own| library.flags_of(Some(own), cxx));
                    Unit { flags, macros: macros.clone() }
                });
            }
        }
        compiled(evidence, cxx, &units);
    }
    evidence.manner.export = export(libraries, seen);
    evidence.manner.script = script(libraries, seen);
    evidence.manner.settle(seen.memo, seen.tree, &evidence.generated);
}

fn compiled(evidence: &mut Evidence, cxx: bool, units: &BTreeMap<&FilePath, Unit<'_>>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for flag in units.values().flat_map(|unit| &unit.flags) {
        *counts.entry(flag).or_default() += 1;
    }
    let is_shared = |flag: &&str| !flag.starts_with("-D") && counts.get(flag) == Some(&units.len());
    let first = units.values().next().map(|unit| unit.flags.clone()).unwrap_or_default();
    first.into_iter().filter(is_shared).for_each(|flag| evidence.manner.add(cxx, flag));
    for (source, unit) in units {
        let own = unit.flags.iter().filter(|flag| !is_shared(flag)).map(|flag| (*flag).to_owned());
        evidence.manner.add_own(source, unit.macros.iter().cloned().chain(own));
    }
}

/// The macros of `library` that have another value for all, each as a flag.
fn other_macros(library: &Target, all: &[String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let first = library.defines.iter().filter(|define| known.insert(define.split('=').next()));
    first.filter(|define| is_other(define, all)).map(|define| format!("-D{define}")).collect()
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
    // Several forms of a library are made of the same.
    let mut forms: BTreeMap<&[FilePath], Option<Vec<String>>> = BTreeMap::new();
    for library in whole(libraries) {
        let form = forms.entry(&library.sources).or_default();
        if form.is_none() {
            *form = library.export.as_ref().and_then(|export| shown_by(export, seen));
        }
    }
    let all: Vec<Vec<String>> = forms.into_values().collect::<Option<_>>()?;
    (!all.is_empty()).then(|| all.concat())
}

/// The version script that is given to the linker of them all.
fn script(libraries: &[&Target], seen: &Seen<'_>) -> Option<String> {
    let mut all = whole(libraries).map(|library| library.export.as_ref());
    let Export::Script(path) = all.next()?? else { return None };
    let is_same = |export: Option<&Export>| matches!(export, Some(Export::Script(other)) if other == path);
    let text = all.all(is_same).then(|| seen.read(path)).flatten()?;
    shown::as_it_is(&String::from_utf8_lossy(&text)).map(str::to_owned)
}

/// Those that are no part of another.
fn whole<'l>(libraries: &'l [&Target]) -> impl Iterator<Item = &'l Target> {
    let linked: BTreeSet<&str> =
        libraries.iter().flat_map(|library| &library.links).map(String::as_str).collect();
    let whole = libraries.iter().copied();
    whole.filter(move |one| !one.sources.is_empty() && (one.is_public || !linked.contains(one.name.as_str())))
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
