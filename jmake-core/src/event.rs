//! What a build says while it runs: a closed set of events, the reasons behind them, and
//! diagnostics for the user.
//!
//! Nothing here prints.  The command line turns events into a progress bar, lines or JSON; other
//! programs consume them as values.

use serde::Serialize;

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The build cannot give what was asked for.
    Error,
    /// Something is probably not as the user meant it.
    Warning,
    /// Worth knowing once.
    Note,
}

/// A problem the user can mend: where it is, what it is, and what to do next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Diagnostic {
    /// Whether it stops the build.
    pub severity: Severity,
    /// The file it is about, as shown to the user.
    pub file: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<usize>,
    /// What is wrong: backticks round literals, no final period.
    pub message: String,
    /// The next step, when one is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    fn new(severity: Severity, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity, file: None, line: None, message: message.into(), hint: None }
    }

    /// An error.
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, message)
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, message)
    }

    /// A note.
    pub fn note(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Note, message)
    }

    /// The same, about `file`.
    pub fn in_file(mut self, file: impl ToString) -> Diagnostic {
        self.file = Some(file.to_string());
        self
    }

    /// The same, at `line` (from 1).
    pub fn at_line(mut self, line: usize) -> Diagnostic {
        self.line = Some(line);
        self
    }

    /// The same, with the next step.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it stops the build.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
