//! What a library of a `CMakeLists.txt` tells the compiler for each of its sources.

use std::rc::Rc;

use crate::cmake::{self, Compile, Described, Source, Target, VIRTUAL_ROOT};
use crate::described::{effective, place};
use crate::discover::told::Told;
use crate::discover::{Category, Tree, category_by_name, manner};
use crate::path::FilePath;

use super::Evidence;

/// A library, and what it tells.
pub(super) struct Telling<'d> {
    described: &'d Described,
    library: &'d Target,
    tree: &'d Tree,
    /// The whole of sources of which nothing more is said, by the object library that compiles them
    /// and category.
    plain: Vec<(Option<&'d str>, Category, Rc<Told>)>,
}

impl<'d> Telling<'d> {
    pub fn new(described: &'d Described, library: &'d Target, tree: &'d Tree) -> Telling<'d> {
        Telling { described, library, tree, plain: Vec::new() }
    }

    /// Adds `source`, if no library before has it.
    pub fn tell(&mut self, evidence: &mut Evidence, source: &'d Source) {
        if !evidence.sources.insert(source.path.clone()) {
            return;
        }
        let category = category_by_name(source.path.file_name());
        let by = source.by.as_deref();
        let is_plain =
            source.defines.is_empty() && source.options.is_empty() && source.include_dirs.is_empty();
        let known = self.plain.iter().find(|(known, of, _)| is_plain && (*known, *of) == (by, category));
        let told = match known {
            Some((_, _, told)) => told.clone(),
            None => {
                let told = Rc::new(self.told(evidence, source, category));
                if is_plain {
                    self.plain.push((by, category, told.clone()));
                }
                told
            }
        };
        evidence.units.tell(source.path.clone(), told);
    }

    /// All that is told for `source`: by itself, then by the target that compiles it.
    fn told(&self, evidence: &Evidence, source: &Source, category: Category) -> Told {
        let by = source.by.as_ref();
        let by = by.and_then(|by| self.described.targets.iter().find(|target| target.name == *by));
        let target = by.unwrap_or(self.library);
        let cxx = category == Category::CppSource;
        let compile = if cxx { &target.cxx } else { &target.c };
        let mut told = Told::default();
        for (name, value) in source.defines.iter().chain(&compile.defines) {
            let define = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
            if !define.contains(VIRTUAL_ROOT) {
                told.define(define);
            }
        }
        let dirs = source.include_dirs.iter().chain(&compile.include_dirs);
        let searched = dirs.filter(|dir| evidence.is_searched(dir, self.tree));
        searched.for_each(|dir| told.search(dir.clone()));
        let options = compile.options.iter().chain(&source.options);
        for name in first_headers(options) {
            let header = self.header(evidence, name, &told.include_dirs);
            header.into_iter().for_each(|header| told.begin_with(header));
        }
        // What is said for all of C is not for assembler.
        let mut flags =
            if category == Category::AsmSource { Vec::new() } else { flags(target, compile, cxx) };
        flags.extend(source.options.iter().cloned());
        let counted = effective(flags.iter().map(String::as_str)).into_iter();
        told.flags = counted.filter(|flag| manner::counts(cxx, flag)).map(str::to_owned).collect();
        told
    }

    /// The header that `name` stands for: a path, or looked for as any is.
    fn header(&self, evidence: &Evidence, name: &str, dirs: &[FilePath]) -> Option<FilePath> {
        if let Some(path) = name.strip_prefix(VIRTUAL_ROOT) {
            return evidence.beginning(&FilePath::new(path.trim_start_matches('/')), self.tree);
        }
        let mut places = dirs.iter().filter_map(|dir| place(dir, name.as_bytes()));
        places.find_map(|path| evidence.beginning(&path, self.tree))
    }
}

/// What `-include` names among `options`.
fn first_headers<'o>(options: impl Iterator<Item = &'o String>) -> Vec<&'o str> {
    let mut options = options.map(String::as_str);
    let mut names = Vec::new();
    while let Some(option) = options.next() {
        match option.strip_prefix("-include") {
            Some("") => names.extend(options.next()),
            Some(name) => names.push(name),
            None => {}
        }
    }
    names
}

/// The flags for the sources of `target` in one language.
fn flags(target: &Target, compile: &Compile, cxx: bool) -> Vec<String> {
    let is_on = |name: &str| target.properties.get(name).is_some_and(cmake::is_on);
    let of = |what: &str| target.properties.get(&format!("{}_{what}", if cxx { "CXX" } else { "C" }));
    let mut flags = Vec::new();
    if of("VISIBILITY_PRESET").is_some_and(|preset| preset == "hidden") {
        flags.push("-fvisibility=hidden".to_owned());
    }
    if cxx && is_on("VISIBILITY_INLINES_HIDDEN") {
        flags.push("-fvisibility-inlines-hidden".to_owned());
    }
    flags.extend(compile.options.iter().cloned());
    if let Some(level) = of("STANDARD") {
        let plain = of("EXTENSIONS").is_some_and(|value| !cmake::is_on(value));
        let family = if plain { "c" } else { "gnu" };
        flags.push(format!("-std={family}{}{level}", if cxx { "++" } else { "" }));
    }
    flags
}
