//! What a `CMakeLists.txt` says target by target, for whoever writes it down.
//!
//! It is read exactly as for a build.  Wanted are the libraries that count there, the programs that
//! are not for tests, and whatever these are linked with.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cmake::{Described, Kind, Target};
use crate::discover::Tree;
use crate::discover::manner::Manner;
use crate::discover::reasons::folder_reason;
use crate::memo::Memo;
use crate::path::FilePath;

use super::{Answers, Evidence, READINGS, Seen, System, cmake};

/// A description and the targets to write down.
pub struct Parts {
    /// The description.
    pub file: FilePath,
    /// All that it says.
    pub described: Described,
    /// The targets: libraries, then programs.
    pub parts: Vec<Part>,
    /// Every file that was read, with its text.
    pub read: Vec<(FilePath, Arc<[u8]>)>,
}

/// One target.
pub struct Part {
    /// Its place among those described.
    pub target: usize,
    /// Its units, those that the description makes among them.
    pub sources: BTreeSet<FilePath>,
    /// Macros for all of them, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Folders searched for the headers of all that are there, or in which headers are made.
    pub include_dirs: Vec<FilePath>,
    /// How it is compiled and linked besides.
    pub manner: Manner,
    /// Sources that neither are there nor are made by the description.
    pub missing: Vec<FilePath>,
    /// Other forms of the same library, as places among the targets described.
    pub forms: Vec<usize>,
}

/// What the description of the project in `tree` says, if there is one.
pub fn said(memo: &Memo, tree: &Tree, system: &dyn System) -> Option<Parts> {
    let answers = Answers::new(system);
    let seen = Seen { memo, tree, answers: &answers, read: RefCell::default() };
    let mut said = read(&seen, &answers)?;
    for _ in 1..READINGS {
        if !answers.find() {
            break;
        }
        said = read(&seen, &answers)?;
    }
    said.read = seen.read.take();
    Some(said)
}

fn read(seen: &Seen<'_>, answers: &Answers<'_>) -> Option<Parts> {
    let (file, described) = cmake::described(seen, &FilePath::root(), answers)?;
    let made = cmake::generated(&described, seen.memo, answers);
    let mut parts: Vec<Part> = Vec::new();
    for target in wanted(&described, seen.tree) {
        let Some(said) = described.targets.get(target) else { continue };
        let mut evidence = cmake::new(file.clone(), &described, made.clone());
        cmake::take(&mut evidence, &described, said, seen);
        evidence.settle(seen);
        let Evidence { sources, defines, include_dirs, manner, missing, .. } = evidence;
        let same = |part: &&mut Part| is_library(&described, part.target) && part.sources == sources;
        match parts.iter_mut().find(same).filter(|_| is_library(&described, target)) {
            Some(part) => part.forms.push(target),
            None => {
                let forms = Vec::new();
                parts.push(Part { target, sources, defines, include_dirs, manner, missing, forms });
            }
        }
    }
    parts.sort_by_key(|part| !is_library(&described, part.target));
    Some(Parts { file, described, parts, read: Vec::new() })
}

fn is_library(described: &Described, target: usize) -> bool {
    described.targets.get(target).is_some_and(|target| target.kind != Kind::Executable)
}

/// The targets to write down, in the order in which they count.
fn wanted(described: &Described, tree: &Tree) -> Vec<usize> {
    let place = |name: &str| described.targets.iter().position(|target| target.name == name);
    let libraries = cmake::libraries(described, tree).into_iter();
    let mut wanted: Vec<usize> = libraries.filter_map(|library| place(&library.name)).collect();
    let programs = described.targets.iter().enumerate();
    wanted.extend(programs.filter(|(_, target)| is_program(target, tree)).map(|(at, _)| at));
    let mut at = 0;
    // What is linked comes with that, whether it counts by itself or not.
    while let Some(target) = wanted.get(at).and_then(|&target| described.targets.get(target)) {
        for library in target.link.iter().filter_map(|name| place(name)) {
            let is_built = described.targets.get(library).is_some_and(|target| is_built(target, tree));
            if is_built && !wanted.contains(&library) {
                wanted.push(library);
            }
        }
        at += 1;
    }
    wanted
}

fn is_built(target: &Target, tree: &Tree) -> bool {
    let is_kind = matches!(target.kind, Kind::Static | Kind::Shared | Kind::Module);
    is_kind && cmake::sources(target, tree).next().is_some()
}

/// Whether `target` is a program that is not for tests or the like.
fn is_program(target: &Target, tree: &Tree) -> bool {
    let is_beside = |path: &FilePath| folder_reason(path).is_some();
    target.kind == Kind::Executable
        && !target.is_test
        && !target.exclude_from_all
        && !is_beside(&target.at.0)
        && cmake::sources(target, tree).any(|source| !is_beside(source))
}
