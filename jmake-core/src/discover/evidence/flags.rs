//! What the libraries of a description tell the compiler for each of their sources, and the linker.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::described::{Export, Files as _, Own, Target};
use crate::discover::told::Told;
use crate::discover::{Category, Tree, category_by_name, manner, shown};
use crate::path::FilePath;

use super::{Evidence, Seen};

/// A library, and what it tells.
pub(super) struct Library<'t> {
    library: &'t Target,
    tree: &'t Tree,
    /// What all of its sources are told but flags.
    all: Told,
    /// The whole, by category, of sources of which nothing more is said.
    plain: Vec<(Category, Rc<Told>)>,
}

impl<'t> Library<'t> {
    pub fn new(evidence: &Evidence, library: &'t Target, tree: &'t Tree) -> Library<'t> {
        let mut all = Told::default();
        let dirs = library.include_dirs.iter().filter(|dir| evidence.is_searched(dir, tree));
        dirs.for_each(|dir| all.search(dir.clone()));
        library.defines.iter().for_each(|define| all.define(define.clone()));
        let first = library.first.iter().filter_map(|header| evidence.beginning(header, tree));
        first.for_each(|header| all.begin_with(header));
        Library { library, tree, all, plain: Vec::new() }
    }

    /// Adds `source`, if it is not there yet: of a source that several libraries have, how the first
    /// compiles it.
    pub fn tell(&mut self, evidence: &mut Evidence, source: &FilePath) {
        if !evidence.sources.insert(source.clone()) {
            return;
        }
        let category = category_by_name(source.file_name());
        let own = self.library.own.get(source);
        let plain = || self.plain.iter().find(|(known, _)| *known == category && own.is_none());
        let told = match plain() {
            Some((_, told)) => told.clone(),
            None => {
                let told = Rc::new(self.told(evidence, category, own));
                if own.is_none() {
                    self.plain.push((category, told.clone()));
                }
                told
            }
        };
        evidence.units.tell(source.clone(), told);
    }

    fn told(&self, evidence: &Evidence, category: Category, own: Option<&Own>) -> Told {
        let cxx = category == Category::CppSource;
        let mut told = Told::default();
        let flags = self.library.flags_of(own, cxx);
        flags
            .iter()
            .filter_map(|flag| flag.strip_prefix("-D"))
            .for_each(|define| told.define(define.to_owned()));
        self.all.defines.iter().for_each(|define| told.define(define.clone()));
        if category != Category::AsmSource {
            let counted = flags.into_iter().filter(|flag| manner::counts(cxx, flag));
            told.flags = counted.map(str::to_owned).collect();
        }
        let own_dirs = own.into_iter().flat_map(|own| &own.include_dirs);
        let own_dirs = own_dirs.filter(|dir| evidence.is_searched(dir, self.tree));
        own_dirs.chain(&self.all.include_dirs).for_each(|dir| told.search(dir.clone()));
        told.first.clone_from(&self.all.first);
        let own_first = own.into_iter().flat_map(|own| &own.first);
        let own_first = own_first.filter_map(|header| evidence.beginning(header, self.tree));
        own_first.for_each(|header| told.begin_with(header));
        told
    }
}

/// The symbols that the libraries show together; `None` for all, or where one does not say.
pub(super) fn export(libraries: &[&Target], seen: &Seen<'_>) -> Option<Vec<String>> {
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
pub(super) fn script(libraries: &[&Target], seen: &Seen<'_>) -> Option<String> {
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
