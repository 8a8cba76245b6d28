//! Words in colour, or not.

use jmake_core::event::{Diagnostic, Severity};

/// Whether there is colour.
#[derive(Clone, Copy)]
pub struct Paint(pub bool);

const GREEN: &str = "1;32";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const CYAN: &str = "1;36";

impl Paint {
    fn in_color(self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// A verb in Cargo's column, and what it is about.
    pub fn status(self, verb: &str, text: &str) -> String {
        format!("{} {text}\n", self.in_color(GREEN, &format!("{verb:>12}")))
    }

    /// A problem with its place, without its hint.
    pub fn diagnostic(self, problem: &Diagnostic) -> String {
        let (word, color) = match problem.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
            Severity::Note => ("note", CYAN),
        };
        let place = match (&problem.file, problem.line) {
            (Some(file), Some(line)) => format!(" --> {file}:{line}\n"),
            (Some(file), None) => format!(" --> {file}\n"),
            (None, _) => String::new(),
        };
        format!("{}: {}\n{place}", self.in_color(color, word), problem.message)
    }

    /// The next step for a problem, if it has one.
    pub fn hint(self, problem: &Diagnostic) -> String {
        let hint = |hint: &String| format!("{}: {hint}\n", self.in_color(CYAN, "hint"));
        problem.hint.as_ref().map(hint).unwrap_or_default()
    }
}
