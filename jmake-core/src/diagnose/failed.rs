//! What a reply says of each thing that failed.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::complaints::Complaint;
use crate::event::{ActionKind, Diagnostic};

/// How much of complaints one reply carries, in bytes; the others are counted.
const TEXT: usize = 2 << 20;
/// How long a message may be, in bytes; templates of C++ can fill pages.
const MESSAGE: usize = 8 << 10;
/// How many notes are kept of one complaint.
const NOTES: usize = 20;

/// How far a build had come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Looking for what there is to build.
    #[default]
    Discover,
    /// Deciding how, with which tools.
    Configure,
    /// Making the graph of actions.
    Plan,
    /// Running them.
    Execute,
    /// Putting results where the user looks.
    Publish,
}

/// One thing that failed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failed {
    /// How far the build had come.
    pub stage: Stage,
    /// What the action does, if an action failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActionKind>,
    /// What it is about: a source, or a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What the tool complains of.
    pub diagnostics: Vec<Complaint>,
    /// How many complaints were left out, for there were very many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// What jmake has to say of it: causes and next steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Diagnostic>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Failed {
    /// What `problem`, which jmake itself found at `stage`, comes to.
    pub fn at(stage: Stage, problem: &Diagnostic) -> Failed {
        let complaint = Complaint {
            severity: problem.severity,
            file: problem.file.clone(),
            line: problem.line,
            ..Complaint::error(&*problem.message)
        };
        let cause = problem.cause.or(Some(Cause::Settings));
        let hints = problem.hint.iter().map(|_| Diagnostic { cause, ..problem.clone() }).collect();
        Failed { stage, diagnostics: vec![complaint], hints, ..Failed::default() }
    }
}

/// An error that says how far the build had come.  It reads as the error itself.
#[derive(Debug)]
pub struct AtStage {
    /// How far.
    pub stage: Stage,
    /// The error.
    pub error: anyhow::Error,
}

impl AtStage {
    /// `error`, which ended the build at `stage`.
    pub fn wrap(stage: Stage, error: anyhow::Error) -> anyhow::Error {
        anyhow::Error::new(AtStage { stage, error })
    }
}

impl std::fmt::Display for AtStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for AtStage {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Keeps `all` within what a reply can carry.
pub(super) fn bounded(all: &mut [Failed]) {
    let mut left = TEXT;
    for failed in all {
        let mut kept = Vec::new();
        for mut complaint in std::mem::take(&mut failed.diagnostics) {
            complaint.notes.truncate(NOTES);
            complaint.notes.iter_mut().for_each(|note| shorten(&mut note.message));
            shorten(&mut complaint.message);
            let notes: usize = complaint.notes.iter().map(|note| note.message.len() + 100).sum();
            let length = complaint.message.len() + notes + 100;
            match left.checked_sub(length) {
                Some(rest) if failed.left_out == 0 => {
                    left = rest;
                    kept.push(complaint);
                }
                _ => failed.left_out += 1,
            }
        }
        failed.diagnostics = kept;
    }
}

fn shorten(message: &mut String) {
    if message.len() > MESSAGE {
        let end = (0..=MESSAGE).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_bounded() {
        let long = "é".repeat(MESSAGE);
        let one = || Failed { diagnostics: vec![Complaint::error(&*long); 150], ..Failed::default() };
        let mut all = vec![one(), one(), one()];
        bounded(&mut all);
        let kept: Vec<_> = all.iter().map(|failed| (failed.diagnostics.len(), failed.left_out)).collect();
        assert_eq!((kept[0], kept[2]), ((150, 0), (0, 150)));
        assert!(kept[1].0 > 0 && kept[1].0 + kept[1].1 == 150, "{kept:?}");
        assert!(all[0].diagnostics[0].message.len() <= MESSAGE + 3);
    }
}
