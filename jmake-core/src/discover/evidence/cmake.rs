//! From what a `CMakeLists.txt` describes to evidence.

use std::collections::BTreeMap;

use crate::cmake::{self, Ask, Described, Kind, Place, Question, Target, VIRTUAL_ROOT};
use crate::discover::reasons::folder_reason;
use crate::discover::{Category, Tree, category_by_name};
use crate::generate::{Check, DIR, Form, Generated, Known, Names, check, check_headers};
use crate::memo::Memo;
use crate::path::FilePath;
use crate::standard::{is_standard, other_system};

use super::{Evidence, Seen};

/// Where a description may lie; the first there is counts.
const PLACES: [&str; 4] = ["", "build/cmake", "cmake", "contrib/cmake"];

/// What the `CMakeLists.txt` of the folder says.
pub(super) fn read(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    let tree = seen.tree;
    let mut places = PLACES.iter().map(|place| dir.join(place));
    let source = places.find(|place| tree.get(&place.join("CMakeLists.txt")).is_some())?;
    let place = Place { source: source.clone(), build: FilePath::new(DIR).join("cmake") };
    let described = cmake::read(seen, &place, &machine(), &answer)?;
    // Without `project` it is a part of a larger description, which says what it leaves open.
    described.project.as_ref()?;
    let mut evidence = Evidence::new(source.join("CMakeLists.txt"), generated(&described, seen.memo));
    for library in libraries(&described, tree) {
        take(&mut evidence, library, tree);
    }
    Some(evidence)
}

/// Adds what `library` is made of.  Another form of what is there already adds nothing: the
/// first is the shared one, and macros of the other are for those who link it as an archive.
fn take(evidence: &mut Evidence, library: &Target, tree: &Tree) {
    let sources: Vec<&FilePath> = sources(library, tree).collect();
    if sources.iter().all(|source| evidence.sources.contains(*source)) {
        return;
    }
    evidence.sources.extend(sources.into_iter().cloned());
    let is_missing = |source: &&cmake::Source| {
        let is_source = category_by_name(source.path.file_name()).is_source();
        is_source && !source.exists && !source.path.as_bytes().contains(&b'$')
    };
    evidence.missing.extend(library.sources.iter().filter(is_missing).map(|source| source.path.clone()));
    for compile in [&library.c, &library.cxx] {
        for (name, value) in &compile.defines {
            let define = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
            if !define.contains(VIRTUAL_ROOT) {
                evidence.define(define);
            }
        }
        for dir in &compile.include_dirs {
            evidence.search(dir, tree);
        }
    }
}

/// The libraries that are the project's purpose: those it installs and those that are there for
/// nobody else; not what only its programs and tests are linked with.
fn libraries<'d>(described: &'d Described, tree: &Tree) -> Vec<&'d Target> {
    let is_library = |target: &&Target| {
        matches!(target.kind, Kind::Static | Kind::Shared | Kind::Module)
            && !target.is_test
            && folder_reason(&target.at.0).is_none()
            && sources(target, tree).next().is_some()
    };
    let serves_programs = |target: &Target| {
        let links = |other: &&Target| other.link.contains(&target.name);
        let mut users = described.targets.iter().filter(links);
        users.any(|user| user.kind == Kind::Executable || !is_library(&user))
    };
    let all = described.targets.iter().filter(is_library);
    let mut all: Vec<&Target> = all.filter(|target| target.installed || !target.exclude_from_all).collect();
    if all.iter().any(|target| target.installed) {
        all.retain(|target| target.installed || !serves_programs(target));
    }
    // Of two forms of one library the shared one is what is built here.
    all.sort_by_key(|target| target.kind == Kind::Static && target.kind_given);
    all
}

/// The units of `target` that are there.
fn sources<'t>(target: &'t Target, tree: &'t Tree) -> impl Iterator<Item = &'t FilePath> {
    let is_unit = |path: &FilePath| tree.get(path).is_some_and(|file| file.category.is_source());
    let units = target.sources.iter().filter(|source| !source.header_only);
    units.map(|source| &source.path).filter(move |path| is_unit(path))
}

/// The headers that the description has made.
fn generated(described: &Described, memo: &Memo) -> BTreeMap<FilePath, Generated> {
    let mut all = BTreeMap::new();
    let mut add = |path: &FilePath, from: &FilePath, form| {
        let made = Generated { path: path.clone(), from: from.clone(), form };
        all.insert(path.clone(), made);
    };
    for made in &described.configured {
        if !Category::is_header(category_by_name(made.output.file_name())) {
            continue;
        }
        let form = if made.copy_only {
            Form::Copy
        } else {
            let text = memo.text(&made.input).unwrap_or_default();
            let names = cmake::names_in(&text, made.at_only).into_iter();
            Form::Template(names.map(|name| (name.clone(), known(described, made, &name))).collect::<Names>())
        };
        add(&made.output, &made.input, form);
    }
    for (path, text) in &described.written {
        // Of what is configured this is the text as CMake makes it where nothing is known.
        let is_configured = described.configured.iter().any(|made| made.output == *path);
        if !is_configured && Category::is_header(category_by_name(path.file_name())) {
            let text = String::from_utf8_lossy(text).into_owned();
            add(path, &described.read.first().cloned().unwrap_or_else(FilePath::root), Form::Text(text));
        }
    }
    for header in &described.export_headers {
        let from = described.read.first().cloned().unwrap_or_else(FilePath::root);
        add(&header.output, &from, Form::Export(header.base_name.to_ascii_uppercase()));
    }
    all
}

/// What the description says of `name` in a template: what was asked of the system is asked here,
/// in our own way.
fn known(described: &Described, made: &cmake::Configured, name: &str) -> Known {
    let Some(question) = described.checks.get(name) else {
        return Known::Value(made.variables.get(name).cloned());
    };
    Known::Check(match &question.ask {
        Ask::Header(names) => check_headers(names),
        Ask::Function(name) | Ask::Symbol { name, .. } => Check::Declared(vec![name.clone()]),
        Ask::StructMember { member, .. } => Check::Declared(vec![member.clone()]),
        Ask::CompilerFlag(_) | Ask::LinkerFlag(_) => Check::Yes,
        _ => match answer(question) {
            Some(true) => Check::Yes,
            Some(false) => Check::No,
            None => check(name),
        },
    })
}

/// What can be said of the system without asking it, the same on every machine of its kind.
fn answer(question: &Question) -> Option<bool> {
    match &question.ask {
        Ask::Header(names) => Some(
            names.iter().all(|name| is_standard(name.as_bytes()) && other_system(name.as_bytes()).is_none()),
        ),
        Ask::CompilerFlag(flag) => {
            Some(flag.starts_with("-f") || flag.starts_with("-W") || flag.starts_with("-std="))
        }
        Ask::TypeSize { .. } => Some(true),
        Ask::Library { name, .. } => Some(["m", "pthread", "dl", "rt", "c"].contains(&&**name)),
        Ask::FindLibrary(names) => {
            Some(names.iter().any(|name| ["m", "pthread", "dl", "rt"].contains(&&**name)))
        }
        Ask::Package(name) => Some(name == "Threads"),
        _ => None,
    }
}

/// The machine, as CMake calls it.
fn machine() -> cmake::Machine {
    let apple = cfg!(target_os = "macos");
    cmake::Machine {
        system: if apple { "Darwin" } else { "Linux" }.to_owned(),
        processor: std::env::consts::ARCH.to_owned(),
        compiler: if apple { "AppleClang" } else { "Clang" }.to_owned(),
        compiler_version: "19.1.0".to_owned(),
        pointer_size: 8,
        big_endian: cfg!(target_endian = "big"),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
