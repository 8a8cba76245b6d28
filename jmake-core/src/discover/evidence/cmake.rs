//! From what a `CMakeLists.txt` describes to evidence.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::cmake::{self, Ask, Described, Kind, Place, Question, Target, VIRTUAL_ROOT};
use crate::discover::reasons::folder_reason;
use crate::discover::shown;
use crate::discover::{Tree, category_by_name};
use crate::generate::{Check, DIR, Form, Generated, Known, Names, check, check_headers, export_macros};
use crate::memo::Memo;
use crate::path::FilePath;
use crate::standard::is_standard;

use super::telling::Telling;
use super::{Answers, Evidence, Seen, several};

/// Where a description may lie; the first there is counts.
const PLACES: [&str; 4] = ["", "build/cmake", "cmake", "contrib/cmake"];

/// How many packages are tried one by one.
const MOST_GRANTED: usize = 24;

/// What the `CMakeLists.txt` of the folder says.
pub(super) fn read(seen: &Seen<'_>, dir: &FilePath, answers: &Answers<'_>) -> Option<Evidence> {
    let tree = seen.tree;
    let (file, described) = described(seen, dir, answers)?;
    let mut evidence = new(file, &described, generated(&described, seen.memo, answers));
    let libraries = libraries(&described, tree);
    for library in &libraries {
        take(&mut evidence, &described, library, seen);
    }
    evidence.libraries = several::of_cmake(&libraries, &evidence.sources);
    evidence.settle(seen);
    Some(evidence)
}

/// Nothing yet of the library, by a description that has `generated` made.
pub(super) fn new(
    file: FilePath,
    described: &Described,
    generated: BTreeMap<FilePath, Generated>,
) -> Evidence {
    let folders = described.folders.iter().cloned().collect();
    Evidence { folders, ..Evidence::new(file, generated) }
}

/// The description that counts, and all that it says.
pub(super) fn described(
    seen: &Seen<'_>,
    dir: &FilePath,
    answers: &Answers<'_>,
) -> Option<(FilePath, Described)> {
    let tree = seen.tree;
    let mut places = PLACES.iter().map(|place| dir.join(place));
    let source = places.find(|place| tree.get(&place.join("CMakeLists.txt")).is_some())?;
    let place = Place { source: source.clone(), build: FilePath::new(DIR).join("cmake") };
    let described = read_granting(seen, &place, answers)?;
    // Without `project` it is a part of a larger description, which says what it leaves open.
    described.project.as_ref()?;
    Some((source.join("CMakeLists.txt"), described))
}

/// Reads the description.  Packages of others count as absent; where it gives up without any, it is
/// read with the first of those it asks for that it can do with, or else with all of them.
fn read_granting(seen: &Seen<'_>, place: &Place, answers: &Answers<'_>) -> Option<Described> {
    let wanted: RefCell<Vec<Question>> = RefCell::default();
    let note = |question: &Question, answer: Option<bool>| {
        let mut wanted = wanted.borrow_mut();
        if answer != Some(true) && is_about_others(&question.ask) && !wanted.contains(question) {
            wanted.push(question.clone());
        }
        answer
    };
    let ask = |question: &Question| note(question, answers.of(question));
    let described = cmake::read(seen, place, &machine(), &ask)?;
    let wanted = wanted.take();
    if !described.gives_up || wanted.is_empty() {
        return Some(described);
    }
    let mut choices: Vec<&[Question]> = wanted.chunks(1).take(MOST_GRANTED).collect();
    choices.push(&wanted);
    let with = |granted: &[Question]| {
        let comes_with = |question: &Question| granted.iter().any(|one| has_headers(&one.ask, &question.ask));
        let ask = |question: &Question| match granted.contains(question) || comes_with(question) {
            true => Some(true),
            false => answers.of(question),
        };
        cmake::read(seen, place, &machine(), &ask).filter(|described| !described.gives_up)
    };
    Some(choices.into_iter().find_map(with).unwrap_or(described))
}

/// Whether `headers` asks for such as `package` has, by their names: one of them is, and others are of the
/// system.
fn has_headers(package: &Ask, headers: &Ask) -> bool {
    let (Ask::Package(package), Ask::Header(headers)) = (package, headers) else { return false };
    let package = package.to_ascii_lowercase();
    let package = package.strip_prefix("lib").unwrap_or(&package);
    let is_its_own = |header: &String| header.to_ascii_lowercase().contains(package);
    headers.iter().any(is_its_own)
        && headers.iter().all(|header| is_its_own(header) || is_standard(header.as_bytes()))
}

/// Whether it asks for what somebody else has to install.
fn is_about_others(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::Package(_) | Ask::PkgConfig(_) | Ask::FindLibrary(_) | Ask::FindPath(_) | Ask::Library { .. }
    )
}

/// Adds what `library` is made of.  Another form of what is there already adds nothing: the
/// first is the shared one, and macros of the other are for those who link it as an archive.
pub(super) fn take(evidence: &mut Evidence, described: &Described, library: &Target, seen: &Seen<'_>) {
    let tree = seen.tree;
    let is_source = |path: &FilePath| category_by_name(path.file_name()).is_source();
    let made = |path: &&FilePath| evidence.generated.contains_key(*path) && is_source(path);
    let generated = library.sources.iter().map(|source| &source.path).filter(made);
    let sources: BTreeSet<&FilePath> = sources(library, tree).chain(generated).collect();
    if sources.iter().all(|source| evidence.sources.contains(*source)) {
        return;
    }
    let is_first = evidence.sources.is_empty();
    let mut telling = Telling::new(described, library, tree);
    for source in library.sources.iter().filter(|source| sources.contains(&source.path)) {
        telling.tell(evidence, source);
    }
    let is_missing = |source: &&cmake::Source| {
        let is_made = evidence.generated.contains_key(&source.path);
        is_source(&source.path) && !source.exists && !is_made && !source.path.as_bytes().contains(&b'$')
    };
    let missing: Vec<FilePath> =
        library.sources.iter().filter(is_missing).map(|source| source.path.clone()).collect();
    evidence.missing.extend(missing);
    let script = script(library, seen);
    let shown = script.as_deref().and_then(shown::by_script);
    let script = script.as_deref().and_then(shown::as_it_is).map(str::to_owned);
    // Of several libraries each shows its own; an archive is not linked, and hides nothing.
    if is_first {
        evidence.manner.export = shown;
        evidence.manner.script = script;
    } else if library.kind != Kind::Static || !library.kind_given {
        let all = evidence.manner.export.take();
        evidence.manner.export = all.zip(shown).map(|(all, shown)| joined(all, shown));
        evidence.manner.script = evidence.manner.script.take().filter(|first| script.as_ref() == Some(first));
    }
}

/// The version script that the linker of `library` is given.
fn script(library: &Target, seen: &Seen<'_>) -> Option<String> {
    let flags = ["LINK_FLAGS", "LINK_OPTIONS"].into_iter().filter_map(|name| library.properties.get(name));
    let flags = flags.map(String::as_str).chain(library.link.iter().map(String::as_str));
    let script = flags.flat_map(|text| text.split([' ', ';'])).find_map(version_script);
    let text = script.and_then(|path| crate::cmake::Files::read(seen, &path));
    text.map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// Both lists, each name once.
fn joined(mut all: Vec<String>, more: Vec<String>) -> Vec<String> {
    let more: Vec<String> = more.into_iter().filter(|name| !all.contains(name)).collect();
    all.extend(more);
    all
}

/// The version script that a flag for the linker names.
fn version_script(flag: &str) -> Option<FilePath> {
    let flag = flag.strip_prefix("-Wl,").or_else(|| flag.strip_prefix("LINKER:"))?;
    let path = flag.strip_prefix("--version-script")?;
    let path = path.trim_start_matches(['=', ',']).trim_matches(['"', '\'']);
    let path = path.strip_prefix(VIRTUAL_ROOT).unwrap_or(path).trim_start_matches('/');
    Some(FilePath::new(path))
}

/// The libraries that are the project's purpose: those it installs and those that are there for
/// nobody else; not what only its programs and tests are linked with.
pub(super) fn libraries<'d>(described: &'d Described, tree: &Tree) -> Vec<&'d Target> {
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
    // Without what it is linked with a library is not whole.
    let needed: BTreeSet<&str> = all.iter().flat_map(|target| &target.link).map(String::as_str).collect();
    let is_new = |target: &&Target| !all.iter().any(|known| known.name == target.name);
    let parts = described.targets.iter().filter(is_library).filter(|part| needed.contains(&*part.name));
    let parts: Vec<&Target> = parts.filter(is_new).collect();
    all.extend(parts);
    // A plug-in is loaded by a program; where there is a library, that is what is meant.
    if all.iter().any(|target| target.kind != Kind::Module) {
        all.retain(|target| target.kind != Kind::Module);
    }
    // Of two forms of one library the shared one is what is built here.
    all.sort_by_key(|target| target.kind == Kind::Static && target.kind_given);
    all
}

/// The units of `target` that are there.
pub(super) fn sources<'t>(target: &'t Target, tree: &'t Tree) -> impl Iterator<Item = &'t FilePath> {
    let is_unit = |path: &FilePath| tree.get(path).is_some_and(|file| file.category.is_unit());
    let units = target.sources.iter().filter(|source| !source.header_only);
    units.map(|source| &source.path).filter(move |path| is_unit(path))
}

/// The headers and sources that the description has made.
pub(super) fn generated(
    described: &Described,
    memo: &Memo,
    answers: &Answers<'_>,
) -> BTreeMap<FilePath, Generated> {
    let mut all = BTreeMap::new();
    let mut add = |path: &FilePath, from: &FilePath, form| {
        let made = Generated { path: path.clone(), from: from.clone(), form };
        all.insert(path.clone(), made);
    };
    for made in &described.configured {
        if !is_code(&made.output) {
            continue;
        }
        // The template may be made by the description itself.
        let written = described.written.get(&made.input).map(|text| text.to_vec());
        let is_written = written.is_some();
        let text = written.unwrap_or_else(|| memo.text(&made.input).unwrap_or_default());
        let shown = String::from_utf8_lossy(&text);
        let names = cmake::names_in(&text, made.at_only).into_iter();
        let names: Names =
            names.map(|name| (name.clone(), known(described, made, &shown, &name, answers))).collect();
        let form = match (made.copy_only, is_written) {
            (true, true) => Form::Text(shown.into_owned()),
            (true, false) => Form::Copy,
            (false, true) => Form::Lines { text: shown.into_owned(), names, is_first: false },
            (false, false) => Form::Template(names),
        };
        let from = described.read.first().filter(|_| is_written).unwrap_or(&made.input);
        add(&made.output, from, form);
    }
    for (path, text) in &described.written {
        // Of what is configured this is the text as CMake makes it where nothing is known.
        let is_configured = described.configured.iter().any(|made| made.output == *path);
        if !is_configured && is_code(path) {
            let text = String::from_utf8_lossy(text).into_owned();
            add(path, &described.read.first().cloned().unwrap_or_else(FilePath::root), Form::Text(text));
        }
    }
    for header in &described.export_headers {
        let from = described.read.first().cloned().unwrap_or_else(FilePath::root);
        add(&header.output, &from, exported(header));
    }
    all
}

/// How an export header is made: its macros may have names of their own.
fn exported(header: &cmake::ExportHeader) -> Form {
    let word = header.base_name.to_ascii_uppercase();
    let usual = ["EXPORT", "NO_EXPORT", "DEPRECATED"].map(|name| format!("{word}_{name}"));
    let names = [&header.export_macro, &header.no_export_macro, &header.deprecated_macro].map(String::clone);
    match names == usual && header.custom_content.is_empty() {
        true => Form::Export(word),
        false => Form::Text(export_macros(&header.include_guard, &names, &header.custom_content)),
    }
}

fn is_code(path: &FilePath) -> bool {
    let category = category_by_name(path.file_name());
    category.is_header() || category.is_source()
}

/// What the description says of `name` in a template: what was asked of the system is asked here,
/// in our own way.
fn known(
    described: &Described,
    made: &cmake::Configured,
    text: &str,
    name: &str,
    answers: &Answers<'_>,
) -> Known {
    let value = made.variables.get(name).cloned();
    let Some(question) = described.checks.get(name) else { return Known::Value(value) };
    // Within a line only a value can stand, no question.
    if value.is_some() && [format!("@{name}@"), format!("${{{name}}}")].iter().any(|at| text.contains(at)) {
        return Known::Value(value);
    }
    Known::Check(match &question.ask {
        Ask::Header(names) => check_headers(names),
        Ask::Function(name) | Ask::Symbol { name, .. } => Check::Declared(vec![name.clone()]),
        Ask::StructMember { member, .. } => Check::Declared(vec![member.clone()]),
        Ask::CompilerFlag(_) | Ask::LinkerFlag(_) => Check::Yes,
        _ => match answers.of(question) {
            Some(true) => Check::Yes,
            Some(false) => Check::No,
            None => check(name),
        },
    })
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
