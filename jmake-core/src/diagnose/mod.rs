//! From what a failed tool wrote to what the user can do about it.
//!
//! A tool names a symptom (`undefined symbol: deflate`); the project knows more: which source
//! that object was, which source was left out, which installed library has the name.  What is
//! found here stands beside the tool's own words, or in their place when every line of a linker
//! was understood.
//!
//! Only asked when something has failed, so it may look into objects and libraries, and ask the
//! compiler once more; it writes nothing and changes nothing.  Guesses are said only with the file or
//! folder that supports them.  [`crate::cause`] is the catalogue of what can be found.

mod compile;
mod ended;
mod failed;
mod flags;
mod language;
mod link;
mod origin;
mod packages;
mod standard;
mod symbol;
mod trial;
mod undefined;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use crate::action::{Action, ActionId, Graph};
use crate::complaints::{Complaint, of_compiler, plain};
use crate::discover::{Discovery, Tree};
use crate::event::{ActionKind, Diagnostic};
use crate::fs;
use crate::link_errors::{LinkError, parse_link_errors};
use crate::manifest::Manifest;
use crate::memo::Memo;
use crate::path::FilePath;
use crate::toolchain::Ask;
use crate::toolchain::includes::Lang;

pub use compile::header_of_other_system;
pub use failed::{AtStage, Failed, Stage};
pub use flags::refused_flags;
pub use symbol::{base as last_name, defined_in as defines, shown as readable};

/// How many diagnostics of one kind are given; the rest are counted.
const LIMIT: usize = 10;

/// Everything a diagnosis may look at.
pub struct Scene<'a> {
    /// The project's files.
    pub memo: &'a Memo,
    /// What lies in the root.
    pub tree: &'a Tree,
    /// What was decided from it.
    pub discovery: &'a Discovery,
    /// `jmake.toml`.
    pub manifest: &'a Manifest,
    /// The build.
    pub graph: &'a Graph,
    /// How programs are asked.
    pub ask: Ask<'a>,
    /// The folders of the user's `PATH`.
    pub path: &'a [PathBuf],
    /// The user's `PKG_CONFIG_PATH`.
    pub pkg_config_path: Option<&'a OsStr>,
}

/// A failed action and what it wrote.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The action.
    pub action: ActionId,
    /// What its tool wrote.
    pub output: String,
}

/// Whether the diagnoses say everything that is in `output` of an action of this kind, so that it
/// need not be shown besides.
pub fn says_all(kind: ActionKind, output: &str) -> bool {
    let text = plain(output);
    let errors = parse_link_errors(&text);
    kind == ActionKind::Link
        && !errors.is_empty()
        && !text.contains("warning: ")
        && !text.contains("LLVM ERROR: ")
        && errors.iter().all(|error| !matches!(error, LinkError::Other(_)))
}

/// What was found out about a build that failed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Diagnosis {
    /// What is to be said, each thing once.
    pub told: Vec<Diagnostic>,
    /// Each failed action, in the order of the failures: its complaints, and what of the above belongs
    /// to it.
    pub failed: Vec<Failed>,
}

/// A diagnostic and the actions that it is about.
struct Finding {
    problem: Diagnostic,
    actions: Vec<ActionId>,
}

/// What is to be said about `failures`.
pub fn diagnose(scene: &Scene<'_>, failures: &[Failure]) -> Diagnosis {
    let trials = trial::Trials::new(scene);
    let mut findings = Vec::new();
    let mut headers = compile::Headers::default();
    let mut complaints = Vec::new();
    for failure in failures {
        let id = failure.action;
        let action = &scene.graph.actions()[id];
        let mut found = Vec::new();
        let said = match action.kind {
            ActionKind::Link => link::link(scene, action, &plain(&failure.output), &mut found),
            _ => of_compiler(&failure.output),
        };
        match action.kind {
            ActionKind::Compile | ActionKind::Codegen => {
                found.extend(refused_flags(scene.manifest, &plain(&failure.output)));
                let other = standard::diagnose(scene, &trials, action, &said)
                    .or_else(|| language::diagnose(scene, &trials, action, &said));
                match other {
                    // What the other language calls a header is none that is missing.
                    Some(problem) => found.push(problem),
                    None => headers.add(scene, id, action, &said),
                }
            }
            ActionKind::LinkIr => found.extend(link::modules(scene, action, &said)),
            _ => {}
        }
        found.extend(ended::diagnose(action, &said));
        findings.extend(found.into_iter().map(|problem| Finding { problem, actions: vec![id] }));
        complaints.push((id, said));
    }
    findings.extend(headers.findings(scene));
    let mut failed: Vec<Failed> =
        complaints.into_iter().map(|(id, said)| failed(scene, &findings, id, said)).collect();
    failed::bounded(&mut failed);
    let mut told: Vec<Diagnostic> = findings.into_iter().map(|finding| finding.problem).collect();
    let mut said = BTreeSet::new();
    told.retain(|diagnostic| {
        said.insert((diagnostic.file.clone(), diagnostic.line, diagnostic.message.clone()))
    });
    quiet(&mut told);
    Diagnosis { told, failed }
}

/// What a reply says of the failed action `id`.
fn failed(scene: &Scene<'_>, findings: &[Finding], id: ActionId, said: Vec<Complaint>) -> Failed {
    let action = &scene.graph.actions()[id];
    let mine = findings.iter().filter(|finding| finding.actions.contains(&id));
    let mut hints: Vec<Diagnostic> = Vec::new();
    for problem in mine.map(|finding| &finding.problem).filter(|problem| problem.hint.is_some()) {
        if !hints.contains(problem) {
            hints.push(problem.clone());
        }
    }
    Failed {
        stage: Stage::Execute,
        kind: Some(action.kind),
        action: Some(action.label.clone()),
        diagnostics: said,
        left_out: 0,
        hints,
    }
}

/// The same next step is said once, with the first problem it mends.
fn quiet(found: &mut [Diagnostic]) {
    let mut said = BTreeSet::new();
    for diagnostic in found {
        diagnostic.hint = diagnostic.hint.take().filter(|hint| said.insert(hint.clone()));
    }
}

/// The language that a compile takes its source for, by its name; `None` for an assembler's.
fn language_of(action: &Action) -> Option<Lang> {
    if action.kind != ActionKind::Compile {
        return None;
    }
    match action.inputs.first()?.path.extension()? {
        b"c" => Some(Lang::C),
        b"s" | b"S" | b"sx" => None,
        _ => Some(Lang::Cxx),
    }
}

/// The words of the line that `complaint` points to.
fn words_at(scene: &Scene<'_>, complaint: &Complaint) -> Option<Vec<String>> {
    let path = FilePath::new(complaint.file.as_ref()?.as_bytes());
    let text = fs::read(&scene.memo.root().resolve(&path)).ok()?;
    let line = text.split(|&byte| byte == b'\n').nth(complaint.line?.checked_sub(1)?)?;
    let line = String::from_utf8_lossy(line);
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '&');
    Some(words.map(str::to_owned).collect())
}

/// `items` in backquotes, the last ones counted when there are many.
fn listed(items: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = items.iter().take(SHOWN).map(|item| format!("`{item}`")).collect();
    match (&shown[..], items.len().saturating_sub(SHOWN)) {
        ([one], _) => one.clone(),
        ([most @ .., last], 0) => format!("{} and {last}", most.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short() {
        let items = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&items(1)), "`0`");
        assert_eq!(listed(&items(2)), "`0` and `1`");
        assert_eq!(listed(&items(9)), "`0`, `1`, `2` and 6 more");
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        let undefined = "ld.lld: error: undefined symbol: x\n>>> referenced by a.c\n>>>   a.o:(f)\n";
        let other = "ld.lld: error: relocation R_X86_64_64 cannot be used\n";
        assert!(says_all(ActionKind::Link, undefined));
        assert!(!says_all(ActionKind::Compile, undefined));
        assert!(!says_all(ActionKind::Link, &format!("{undefined}{other}")));
        assert!(!says_all(ActionKind::Link, ""));
    }
}
