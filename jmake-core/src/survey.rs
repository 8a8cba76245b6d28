//! Telling what a project is and why its last build did what it did: `discover` and `explain`.
//!
//! Everything here is data for people and programs; nothing is built and nothing written.  Paths
//! are text, lossy where they are not UTF-8.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::build::{Explained, explained};
use crate::discover::Discovery;
use crate::event::Diagnostic;
use crate::found::{BinaryFound, Found};
use crate::path::{FilePath, Root};
use crate::recorded;

/// What `discover` tells.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Discovered {
    /// The project's root.
    pub root: String,
    /// The project's name.
    pub name: String,
    /// Files by category.
    pub files: BTreeMap<String, Vec<String>>,
    /// Folders searched for included files, in order.
    pub include_dirs: Vec<String>,
    /// Headers that are made before anything is compiled, and of what.
    pub generated: Vec<Reasoned>,
    /// Macros defined for every source.
    pub defines: Vec<String>,
    /// What only some sources are told.
    pub own: Vec<OwnFound>,
    /// Names that what is built includes and no file of the project answers, sorted.
    pub system_headers: Vec<String>,
    /// What can be built.
    pub targets: Vec<TargetFound>,
    /// Sources that are not part of the library.
    pub left_out: Vec<Reasoned>,
    /// Files and folders that were passed over.
    pub skipped: Vec<Reasoned>,
    /// Files that are machine code.
    pub binaries: Vec<BinaryFound>,
    /// Which file includes which.
    pub includes: BTreeMap<String, Vec<String>>,
    /// What the user may want to mend.
    pub problems: Vec<Diagnostic>,
}

/// Something that can be built.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TargetFound {
    /// Its name.
    pub name: String,
    /// `library` or `executable`.
    pub kind: String,
    /// What is compiled for it.
    pub sources: Vec<String>,
}

/// Sources that are told the same, and not all are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnFound {
    /// They.
    pub sources: Vec<String>,
    /// Folders searched for included files, before those for all.
    pub include_dirs: Vec<String>,
    /// Macros, instead of those for all.
    pub defines: Vec<String>,
    /// Headers that they begin with.
    pub first: Vec<String>,
    /// Flags of the compiler.
    pub flags: Vec<String>,
}

/// A path and a reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reasoned {
    /// The file or folder.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What `explain` tells.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The file that was asked about.
    pub file: Option<String>,
    /// What became of the actions, of that file or all, that were not fresh.
    pub actions: Vec<Explained>,
    /// Why there is none, if so.
    pub otherwise: Option<String>,
}

/// Everything discovery sees of a project.
pub fn survey(found: &Found) -> Discovered {
    let Found { tree, discovery, includes: graph, .. } = found;
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &tree.files {
        files.entry(file.category.name().into()).or_default().push(file.path.to_string());
    }
    let includes = graph.files().iter().map(|file| (file.to_string(), texts(graph.includes(file))));
    let built = discovery.targets.iter().flat_map(|target| &target.sources);
    Discovered {
        root: found.root.as_path().display().to_string(),
        name: found.name.clone(),
        include_dirs: texts(&found.include_dirs),
        generated: reasons(discovery.generated.iter().map(|made| (&made.path, made.to_string()))),
        defines: discovery.defines.clone(),
        own: discovery.manner.own.iter().filter(|own| !own.told.is_empty()).map(own_found).collect(),
        system_headers: graph.unanswered(built).collect(),
        targets: discovery.targets.iter().map(target_found).collect(),
        left_out: reasons(discovery.left_out.iter().map(|(path, why)| (path, why.to_string()))),
        skipped: skipped(found),
        binaries: found.binaries.clone(),
        includes: includes.filter(|(_, list)| !list.is_empty()).collect(),
        problems: tree.problems.iter().chain(&discovery.problems).cloned().collect(),
        files,
    }
}

/// The files and folders that were passed over.
pub fn skipped(found: &Found) -> Vec<Reasoned> {
    reasons(found.tree.skipped.iter().map(|(path, why)| (path, why.to_string())))
}

fn target_found(target: &crate::discover::FoundTarget) -> TargetFound {
    TargetFound {
        name: target.name.clone(),
        kind: target.kind.name().into(),
        sources: texts(&target.sources),
    }
}

fn own_found(own: &crate::discover::Own) -> OwnFound {
    OwnFound {
        sources: texts(&own.sources),
        include_dirs: texts(&own.told.include_dirs),
        defines: own.told.defines.clone(),
        first: texts(&own.told.first),
        flags: own.told.flags.clone(),
    }
}

fn texts<'p>(paths: impl IntoIterator<Item = &'p FilePath>) -> Vec<String> {
    paths.into_iter().map(FilePath::to_string).collect()
}

fn reasons<'p>(all: impl Iterator<Item = (&'p FilePath, String)>) -> Vec<Reasoned> {
    all.map(|(path, why)| Reasoned { path: path.to_string(), why }).collect()
}

/// Why the last build that did something ran what it ran, or what became of `file` in it.
///
/// # Errors
/// When nothing is recorded.
pub fn explain(root: &Root, file: Option<&Path>) -> Result<Explanation> {
    let all = explained(root).map_err(|e| {
        // That there is no file is what the message says already; anything else is news.
        let causes = e.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>();
        let absent =
            e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound);
        match absent {
            true => Diagnostic::error("no build of this project is recorded").hint("run `jmake build` first"),
            false => Diagnostic::error(format!("{e}: {}", causes.join(": "))),
        }
    })?;
    let Some(file) = file.map(|path| root.file_path(path)) else {
        let none = "in the last build every action was fresh: nothing it depends on had changed";
        let otherwise = all.is_empty().then(|| none.to_owned());
        return Ok(Explanation { file: None, actions: all, otherwise });
    };
    let name = file.to_string();
    let about: Vec<Explained> = all.into_iter().filter(|entry| is_about(entry, &name)).collect();
    let otherwise = about.is_empty().then(|| why_not(root, &file));
    Ok(Explanation { file: Some(name), actions: about, otherwise })
}

/// Whether `entry` is of the file `name`, or came to be because of it.
fn is_about(entry: &Explained, name: &str) -> bool {
    let because = entry.reason.as_ref().and_then(|reason| reason.get("path")).and_then(|path| path.as_str());
    entry.label == name || because == Some(name)
}

fn why_not(root: &Root, file: &FilePath) -> String {
    let known = recorded::recorded(root);
    let is_source = |discovery: &Discovery| discovery.targets.iter().any(|t| t.sources.contains(file));
    match known {
        Some((_, discovery)) if is_source(&discovery) => {
            format!("`{file}` was fresh in the last build: nothing it depends on had changed")
        }
        Some((tree, _)) if tree.get(file).is_some_and(|found| found.category.is_header()) => {
            format!("`{file}` had not changed in the last build, so nothing ran because of it")
        }
        Some((tree, _)) if tree.get(file).is_some() => {
            format!("`{file}` is not compiled; `jmake discover` tells why")
        }
        _ if !root.resolve(file).exists() => format!("there is no file `{file}`"),
        _ => format!("`{file}` is no part of what the last build built; `jmake discover` tells what is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| crate::fs::write(&dir.path().join(name), text.as_bytes()).unwrap();
        put("a.c", "#include \"a.h\"\n");
        put("a.h", "");
        let root = Root::open(dir.path()).unwrap();
        let project = crate::project::Project::look(&root, &Default::default()).unwrap();
        let found = survey(&Found::in_project(&project, &crate::discover::Nobody).unwrap());
        assert_eq!(found.targets[0].sources, ["a.c"]);
        assert_eq!(found.includes["a.c"], ["a.h"]);
        assert!(!dir.path().join(".jmake").exists());
        assert!(explain(&root, None).is_err());
    }
}
