//! What discovery found, in brief: what fits a screen or two, however large the project.
//!
//! Few sources are told one by one, many by their folders, as deep as that stays brief.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::discover::{TargetKind, Tree};
use crate::event::Diagnostic;
use crate::found::{BinaryFound, Found};
use crate::path::FilePath;
use crate::standard::is_standard;

/// How many things of one kind are told one by one.
const MOST: usize = 20;
/// How many files may be left out for the same reason and still be told one by one.
const MOST_ALIKE: usize = 3;

/// A project in brief.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outline {
    /// Its root.
    pub root: String,
    /// Its name.
    pub name: String,
    /// How many files there are of each category.
    pub files: BTreeMap<String, usize>,
    /// What can be built.
    pub targets: Few<TargetOutline>,
    /// Sources that are not part of the library.
    pub left_out: Few<Group>,
    /// Files and folders that were passed over.
    pub skipped: Few<Group>,
    /// Folders searched for included files, in order.
    pub include_dirs: Few<String>,
    /// Headers that are made before anything is compiled, and of what.
    pub generated: Few<Group>,
    /// Macros defined for every source.
    pub defines: Few<String>,
    /// What single sources are told.
    pub own: Few<OwnOutline>,
    /// Names that what is built includes and neither a file of the project answers nor every system, sorted.
    pub system_headers: Few<String>,
    /// Files that are machine code.
    pub binaries: Few<BinaryFound>,
    /// What the user may want to mend.
    pub problems: Few<Diagnostic>,
}

/// The first of many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Few<T> {
    /// They.
    pub first: Vec<T>,
    /// How many there are besides.
    pub more: usize,
}

/// Something that can be built.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TargetOutline {
    /// Its name.
    pub name: String,
    /// `library` or `executable`.
    pub kind: String,
    /// How many sources are compiled for it.
    pub sources: usize,
    /// Which.
    pub groups: Vec<Group>,
}

/// What some sources are told and not all are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnOutline {
    /// They.
    pub groups: Vec<Group>,
    /// What, as a compiler is told it.
    pub told: Few<String>,
}

/// Files of one folder, or one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The folder, or the file.
    pub path: String,
    /// Of a folder, how many files of it are meant, at any depth where none of those is told
    /// apart; `None` for one file.
    pub files: Option<usize>,
    /// Of a folder, how many sources it has.
    pub of: Option<usize>,
    /// The reason, if there is one to tell.
    pub why: Option<String>,
}

impl<T> Few<T> {
    fn of(all: impl IntoIterator<Item = T>) -> Few<T> {
        let mut all = all.into_iter();
        let first = all.by_ref().take(MOST).collect();
        Few { first, more: all.count() }
    }
}

impl Outline {
    /// The outline of what was `found`.
    pub fn of(found: &Found) -> Outline {
        let Found { tree, discovery, includes, .. } = found;
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        for file in &tree.files {
            *files.entry(file.category.name().to_owned()).or_default() += 1;
        }
        let targets = discovery.targets.iter().map(|target| TargetOutline {
            name: target.name.clone(),
            kind: target.kind.name().to_owned(),
            sources: target.sources.len(),
            groups: groups(tree, &target.sources.iter().collect::<Vec<_>>(), MOST, None),
        });
        let skipped = tree.skipped.iter().map(|(path, why)| (path, why.to_string()));
        let left_out = discovery.left_out.iter().map(|(path, why)| (path, why.to_string()));
        let generated = discovery.generated.iter().map(|made| Group {
            path: made.path.to_string(),
            files: None,
            of: None,
            why: Some(made.to_string()),
        });
        let own = discovery.manner.own.iter().filter(|own| !own.told.is_empty()).map(|own| OwnOutline {
            groups: groups(tree, &own.sources.iter().collect::<Vec<_>>(), MOST_ALIKE, None),
            told: Few::of(own.told.arguments()),
        });
        let outside = includes.unanswered(discovery.targets.iter().flat_map(|target| &target.sources));
        Outline {
            root: found.root.as_path().display().to_string(),
            name: found.name.clone(),
            files,
            targets: Few::of(targets),
            left_out: by_reason(tree, left_out),
            skipped: by_reason(tree, skipped),
            include_dirs: Few::of(found.include_dirs.iter().map(FilePath::to_string)),
            generated: Few::of(generated),
            defines: Few::of(discovery.defines.iter().cloned()),
            own: Few::of(own),
            system_headers: Few::of(outside.filter(|name| !is_standard(name.as_bytes()))),
            binaries: Few::of(found.binaries.iter().cloned()),
            problems: Few::of(tree.problems.iter().chain(&discovery.problems).cloned()),
        }
    }
}

impl TargetKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            TargetKind::Library => "library",
            TargetKind::Executable => "executable",
        }
    }
}

/// Paths with reasons: those with the same one together, in the order of the first of each.
fn by_reason<'p>(tree: &Tree, all: impl Iterator<Item = (&'p FilePath, String)>) -> Few<Group> {
    let mut reasons: BTreeMap<String, Vec<&FilePath>> = BTreeMap::new();
    for (path, why) in all {
        reasons.entry(why).or_default().push(path);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, paths)| paths[0]);
    Few::of(reasons.into_iter().flat_map(|(why, paths)| groups(tree, &paths, MOST_ALIKE, Some(&why))))
}

/// `paths` one by one where there are at most `most`, else by their folders.
fn groups(tree: &Tree, paths: &[&FilePath], most: usize, why: Option<&str>) -> Vec<Group> {
    let why = why.map(str::to_owned);
    let single = |path: &str| Group { path: path.to_owned(), files: None, of: None, why: why.clone() };
    if paths.len() <= most {
        return paths.iter().map(|path| single(&path.to_string())).collect();
    }
    let deepest = paths.iter().map(|path| path.components().count() - 1).max().unwrap_or(0);
    let by_depth = (0..=deepest).rev().map(|depth| (depth, folders(paths.iter().copied(), depth)));
    // At depth 0 there is one.
    let Some((depth, chosen)) = by_depth.into_iter().find(|(_, folders)| folders.len() <= most.max(1)) else {
        return Vec::new();
    };
    let sources = tree.files.iter().filter(|file| file.category.is_unit()).map(|file| &file.path);
    let all = folders(sources, depth);
    let group = |(folder, (files, one)): (&[u8], (usize, &FilePath))| match files {
        1 => single(&one.to_string()),
        _ => Group {
            path: FilePath::new(folder).to_string(),
            files: Some(files),
            of: all.get(folder).map(|(sources, _)| *sources),
            why: why.clone(),
        },
    };
    chosen.into_iter().map(group).collect()
}

/// How many of `paths` each folder holds, and one of them; folders are cut to `depth` names.
fn folders<'p>(
    paths: impl Iterator<Item = &'p FilePath>,
    depth: usize,
) -> BTreeMap<&'p [u8], (usize, &'p FilePath)> {
    let mut folders = BTreeMap::new();
    for path in paths {
        folders.entry(folder(path, depth)).or_insert((0, path)).0 += 1;
    }
    folders
}

/// The folder that `path` lies in, cut to `depth` names; empty for the root.
fn folder(path: &FilePath, depth: usize) -> &[u8] {
    let bytes = path.as_bytes();
    let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    // The slash before which an absolute path has nothing names no folder.
    slashes.filter(|&at| at > 0).take(depth).last().map_or(&[], |at| &bytes[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Category, File};

    fn tree(paths: &[String]) -> Tree {
        let file =
            |path: &String| File { path: path.as_str().into(), category: Category::CSource, size: None };
        Tree { files: paths.iter().map(file).collect(), ..Tree::default() }
    }

    fn told(groups: &[Group]) -> Vec<String> {
        let one = |group: &Group| match (group.files, group.of) {
            (Some(files), Some(of)) => format!("{} {files}/{of}", group.path),
            _ => group.path.clone(),
        };
        groups.iter().map(one).collect()
    }

    #[test]
    fn few_are_told_one_by_one_and_many_by_folder() {
        let names = ["a/x/1.c", "a/x/2.c", "a/y/3.c", "b/4.c", "5.c"].map(str::to_owned);
        let tree = tree(&names);
        let paths: Vec<FilePath> = names.iter().map(|name| name.as_str().into()).collect();
        let all: Vec<&FilePath> = paths.iter().collect();
        let groups = |paths: &[&FilePath], most| told(&groups(&tree, paths, most, None));
        assert_eq!(groups(&all, 5), ["a/x/1.c", "a/x/2.c", "a/y/3.c", "b/4.c", "5.c"]);
        assert_eq!(groups(&all, 4), ["5.c", "a/x 2/2", "a/y/3.c", "b/4.c"]);
        assert_eq!(groups(&all, 3), ["5.c", "a 3/3", "b/4.c"]);
        assert_eq!(groups(&all, 1), [format!("{} 5/5", FilePath::root())]);
        assert_eq!(groups(&all[1..4], 2), ["a 2/3", "b/4.c"]);
    }

    #[test]
    fn reasons_are_told_once() {
        let names: Vec<String> = (0..50).map(|n| format!("t/{n}.c")).collect();
        let tree = tree(&names);
        let paths: Vec<FilePath> = names.iter().map(|name| name.as_str().into()).collect();
        let why = |at: usize| if at == 7 { "is odd".to_owned() } else { "lies in `t`".to_owned() };
        let told = by_reason(&tree, paths.iter().enumerate().map(|(at, path)| (path, why(at))));
        let first: Vec<_> =
            told.first.iter().map(|group| (&*group.path, group.files, group.why.as_deref())).collect();
        assert_eq!(first, [("t", Some(49), Some("lies in `t`")), ("t/7.c", None, Some("is odd"))]);
        let told = by_reason(&tree, paths.iter().map(|path| (path, path.to_string())));
        assert_eq!((told.first.len(), told.more), (20, 30));
    }
}
