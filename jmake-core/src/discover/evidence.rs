//! What a project's own build description says, taken as evidence.
//!
//! Where there is a `CMakeLists.txt`, it is read ([`crate::cmake`]), never run.  Whatever its
//! libraries are made of is the library; what its folders, macros and generated headers are need
//! not be guessed.  A description of which nothing is understood is as good as none.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cmake::{self, Ask, Described, Kind, Place, Question, Target, VIRTUAL_ROOT};
use crate::generate::{Check, DIR, Form, Generated, Known, Names, check, check_headers};
use crate::memo::Memo;
use crate::path::FilePath;

use super::reasons::folder_reason;
use super::standard::{is_standard, other_system};
use super::{Category, Skipped, Tree};

/// Where a description may lie, from the root; the first there is counts.
const PLACES: [&str; 4] = ["", "build/cmake", "cmake", "contrib/cmake"];

/// What a description says of the library.
pub(super) struct Evidence {
    /// The description.
    pub file: FilePath,
    /// What the library is made of.
    pub sources: BTreeSet<FilePath>,
    /// Macros for all of them, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Folders searched for headers, in order.
    pub include_dirs: Vec<FilePath>,
    /// Headers that are made, by path.
    pub generated: BTreeMap<FilePath, Generated>,
    /// Every file that was read, with its text.
    read: Vec<(FilePath, Arc<[u8]>)>,
    /// Sources that it names and that neither are there nor are made by it.
    pub missing: Vec<FilePath>,
}

/// What is said of the project in `tree`, if anything.
pub(super) fn of(memo: &Memo, tree: &Tree) -> Option<Evidence> {
    let mut places = PLACES.iter().map(FilePath::new);
    let source = places.find(|place| tree.get(&place.join("CMakeLists.txt")).is_some())?;
    let place = Place { source: source.clone(), build: FilePath::new(DIR).join("cmake") };
    let seen = Seen { memo, tree, read: RefCell::default() };
    let described = cmake::read(&seen, &place, &machine(), &answer)?;
    // Without `project` it is a part of a larger description, which says what it leaves open.
    described.project.as_ref()?;
    let libraries = libraries(&described, tree);
    let mut evidence = Evidence {
        file: source.join("CMakeLists.txt"),
        sources: BTreeSet::new(),
        defines: Vec::new(),
        include_dirs: Vec::new(),
        generated: generated(&described, memo),
        // Whether others are there is known by the folders.
        read: seen.read.take(),
        missing: Vec::new(),
    };
    for library in libraries {
        evidence.take(library, tree);
    }
    (!evidence.sources.is_empty()).then_some(evidence)
}

impl Evidence {
    /// Whether the description names the file at all, if only under a condition.
    pub fn names(&self, path: &FilePath) -> bool {
        self.read.iter().any(|(_, text)| memchr::memmem::find(text, path.file_name()).is_some())
    }

    /// Every file that was read, in order.
    pub fn files(&self) -> impl Iterator<Item = &FilePath> {
        self.read.iter().map(|(path, _)| path)
    }

    /// Adds what `library` is made of.  Another form of what is there already adds nothing: the
    /// first is the shared one, and macros of the other are for those who link it as an archive.
    fn take(&mut self, library: &Target, tree: &Tree) {
        let sources: Vec<&FilePath> = sources(library, tree).collect();
        if sources.iter().all(|source| self.sources.contains(*source)) {
            return;
        }
        self.sources.extend(sources.into_iter().cloned());
        let is_missing = |source: &&cmake::Source| {
            let is_source = super::category_by_name(source.path.file_name()).is_source();
            is_source && !source.exists && !source.path.as_bytes().contains(&b'$')
        };
        self.missing.extend(library.sources.iter().filter(is_missing).map(|source| source.path.clone()));
        for compile in [&library.c, &library.cxx] {
            for (name, value) in &compile.defines {
                let define = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
                let is_known = self.defines.iter().any(|known| known.split('=').next() == Some(name));
                if !is_known && !define.contains(VIRTUAL_ROOT) {
                    self.defines.push(define);
                }
            }
            for dir in &compile.include_dirs {
                let is_made = || self.generated.keys().any(|path| path.starts_with(dir));
                if !self.include_dirs.contains(dir) && (tree.dirs.binary_search(dir).is_ok() || is_made()) {
                    self.include_dirs.push(dir.clone());
                }
            }
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
    let is_unit = |path: &FilePath| tree.get(path).is_some_and(|file| file.category.is_unit());
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
        if !Category::is_header(super::category_by_name(made.output.file_name())) {
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
        if !is_configured && Category::is_header(super::category_by_name(path.file_name())) {
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

/// The project as the reader sees it: what the walk has found, and nothing else.
struct Seen<'a> {
    memo: &'a Memo,
    tree: &'a Tree,
    /// What was read, in order, each once.
    read: RefCell<Vec<(FilePath, Arc<[u8]>)>>,
}

impl Seen<'_> {
    /// A file that the description names counts even where an ignore file names it: git keeps what
    /// was added once.
    fn is_there(&self, path: &FilePath) -> bool {
        let skipped = self.tree.skipped.binary_search_by(|(skipped, _)| skipped.cmp(path));
        let is_ignored = |at: usize| self.tree.skipped[at].1 == Skipped::Ignored;
        self.tree.get(path).is_some() || skipped.is_ok_and(is_ignored)
    }
}

impl cmake::Files for Seen<'_> {
    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
        let mut read = self.read.borrow_mut();
        if let Some((_, text)) = read.iter().find(|(known, _)| known == path) {
            return Some(text.clone());
        }
        let text = self.is_there(path).then(|| self.memo.text(path).ok()).flatten()?;
        let text: Arc<[u8]> = text.into();
        read.push((path.clone(), text.clone()));
        Some(text)
    }

    fn is_file(&self, path: &FilePath) -> bool {
        self.is_there(path)
    }

    fn is_dir(&self, path: &FilePath) -> bool {
        self.tree.dirs.binary_search(path).is_ok()
    }

    fn below(&self, dir: &FilePath) -> Vec<FilePath> {
        let from = self.tree.files.partition_point(|file| file.path < *dir);
        let below = self.tree.files[from..].iter().map(|file| &file.path);
        let near = below.take_while(|path| path.as_bytes().starts_with(dir.as_bytes()));
        near.filter(|path| path.starts_with(dir)).cloned().collect()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
