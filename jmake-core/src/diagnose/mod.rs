//! From what a failed tool wrote to what the user can do about it.
//!
//! A tool names a symptom (`undefined symbol: deflate`); the project knows more: which source
//! that object was, which source was left out, which installed library has the name.  What is
//! found here stands beside the tool's own words, or in their place when every line of a linker
//! was understood.
//!
//! Only asked when something has failed, so it may look into objects and libraries; it writes
//! nothing and changes nothing.  Guesses are said only with the file or folder that supports them.

mod compile;
mod flags;
mod link;
mod origin;
mod packages;
mod symbol;
mod undefined;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use crate::action::{Action, ActionId, Graph};
use crate::discover::{Discovery, Tree};
use crate::event::{ActionKind, Diagnostic};
use crate::link_errors::{LinkError, parse_link_errors};
use crate::manifest::Manifest;
use crate::memo::Memo;
use crate::toolchain::Ask;

pub use flags::refused_flags;

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
        && errors.iter().all(|error| !matches!(error, LinkError::Other(_)))
}

/// What is to be said about `failures`, each thing once.
pub fn diagnose(scene: &Scene<'_>, failures: &[Failure]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut headers = compile::Headers::default();
    for failure in failures {
        let action = &scene.graph.actions()[failure.action];
        let text = plain(&failure.output);
        found.extend(ended(action, &text));
        match action.kind {
            ActionKind::Link => found.extend(link::link(scene, action, &text)),
            ActionKind::Compile | ActionKind::Codegen => {
                found.extend(refused_flags(scene.manifest, &text));
                headers.add(action, &text);
            }
            _ => {}
        }
    }
    found.extend(headers.diagnostics(scene));
    let mut said = BTreeSet::new();
    found.retain(|diagnostic| {
        said.insert((diagnostic.file.clone(), diagnostic.line, diagnostic.message.clone()))
    });
    quiet(&mut found);
    found
}

/// The same next step is said once, with the first problem it mends.
fn quiet(found: &mut [Diagnostic]) {
    let mut said = BTreeSet::new();
    for diagnostic in found {
        diagnostic.hint = diagnostic.hint.take().filter(|hint| said.insert(hint.clone()));
    }
}

/// A tool that the system ended (`run` says so in the output).
fn ended(action: &Action, text: &str) -> Option<Diagnostic> {
    let signal = signal_in(text)?;
    let program = String::from_utf8_lossy(action.tool.path.file_name());
    let problem = Diagnostic::error(format!("`{program}` was ended by signal {signal}"));
    Some(problem.in_file(&action.label).hint(after_signal(signal)))
}

fn signal_in(text: &str) -> Option<i32> {
    let rest = text.split("was ended by signal ").nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn after_signal(signal: i32) -> &'static str {
    match signal {
        9 => "when memory is short, fewer at once need less of it: `jmake build -j 1`",
        4 | 6 | 7 | 8 | 11 => "that is a bug of the tool: another version (`llvm.version`) may do",
        _ => "something else on this machine ended it: build again",
    }
}

/// `text` without the escapes that colour it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 2..];
        rest = rest.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &rest[end + 1..]);
    }
    plain.push_str(rest);
    plain
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
    fn colours_are_taken_off() {
        assert_eq!(plain("\x1b[0;1;31merror: \x1b[0mbad \x1b[32"), "error: bad ");
    }

    #[test]
    fn signals() {
        let text = "error: `clang` was ended by signal 9 (killed, often for want of memory)\n";
        assert!(signal_in(text).is_some_and(|signal| after_signal(signal).contains("-j 1")));
        assert_eq!(signal_in("error: `clang` was ended by signal 11\n"), Some(11));
        assert_eq!(signal_in("error: a signal 9"), None);
    }

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
