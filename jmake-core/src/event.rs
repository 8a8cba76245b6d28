//! What a build says while it runs: a closed set of events, the reasons behind them, and
//! diagnostics for the user.
//!
//! Nothing here prints.  The command line turns events into a progress bar, lines or JSON; other
//! programs consume them as values.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::{Advice, Cause, Change};

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
    /// Why a build failed, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The edit of `jmake.toml` that the hint names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<Change>>,
}

impl Diagnostic {
    fn new(severity: Severity, message: impl Into<String>) -> Diagnostic {
        let message = message.into();
        Diagnostic { severity, file: None, line: None, message, hint: None, cause: None, change: None }
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

    /// The same, for this reason.
    pub fn because(mut self, cause: Cause) -> Diagnostic {
        self.cause = Some(cause);
        self
    }

    /// The same, with `advice` in place of a hint.
    pub fn advised(mut self, advice: Advice) -> Diagnostic {
        self.hint = Some(advice.hint);
        self.cause = Some(advice.cause);
        self.change = advice.change.map(Box::new);
        self
    }

    /// Whether it stops the build.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The message alone; place and hint are for whoever shows it.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// So that what the user can mend travels where errors do.
impl std::error::Error for Diagnostic {}

/// What an action does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Source to object and IR, or to IR alone where the toolchain cannot give both at once.
    Compile,
    /// IR of one unit to an object.
    Codegen,
    /// The IR out of an object that holds both.
    Extract,
    /// IR modules to one module.
    LinkIr,
    /// A module to an optimised module.
    Optimize,
    /// A linked module to an object.
    Lower,
    /// Objects to a shared library or an executable.
    Link,
    /// Objects to a static library.
    Archive,
}

impl ActionKind {
    /// The verb a person reads while it runs.
    pub fn verb(self) -> &'static str {
        match self {
            ActionKind::Compile => "Compiling",
            ActionKind::Codegen => "Generating",
            ActionKind::Extract => "Extracting",
            ActionKind::LinkIr => "Linking IR",
            ActionKind::Optimize => "Optimizing",
            ActionKind::Lower => "Lowering",
            ActionKind::Link => "Linking",
            ActionKind::Archive => "Archiving",
        }
    }

    /// The name under which it is stored, part of every key.
    pub fn name(self) -> &'static str {
        match self {
            ActionKind::Compile => "compile",
            ActionKind::Codegen => "codegen",
            ActionKind::Extract => "extract",
            ActionKind::LinkIr => "link-ir",
            ActionKind::Optimize => "optimize",
            ActionKind::Lower => "lower",
            ActionKind::Link => "link",
            ActionKind::Archive => "archive",
        }
    }
}

/// Why an action ran (or was restored) instead of being fresh.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing is recorded of it.
    NeverBuilt,
    /// The user asked for it to run whatever is recorded.
    Forced,
    /// A file it reads has other content.
    InputChanged {
        /// The file.
        path: String,
        /// Digest recorded.
        old: String,
        /// Digest now; `None` when the file is gone or cannot be read.
        new: Option<String>,
    },
    /// A file that was looked for and not found is there now.
    InputAppeared {
        /// The file.
        path: String,
    },
    /// Other files go into it.
    InputsChanged {
        /// Files that were not there before.
        added: Vec<String>,
        /// Files that no longer belong.
        removed: Vec<String>,
    },
    /// Its command line is another.
    CommandChanged {
        /// Arguments that are new.
        added: Vec<String>,
        /// Arguments that are gone.
        removed: Vec<String>,
    },
    /// The program it runs is another.
    ToolChanged {
        /// Identity recorded.
        old: String,
        /// Identity now.
        new: String,
    },
    /// A variable of its environment has another value.
    EnvironmentChanged {
        /// `NAME=value` recorded.
        old: String,
        /// `NAME=value` now.
        new: String,
    },
    /// It reads files that no dependency list names (`.incbin`), so it runs every time.
    Untracked,
    /// Something it needs is built again first, and may come out different.
    Upstream {
        /// What is built first.
        label: String,
    },
    /// What it made is gone or was changed by someone else.
    OutputLost {
        /// The file.
        path: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |items: &[String]| items.iter().map(|i| format!("`{i}`")).collect::<Vec<_>>().join(", ");
        let change =
            |f: &mut std::fmt::Formatter<'_>, what: &str, added: &[String], removed: &[String]| match (
                added.is_empty(),
                removed.is_empty(),
            ) {
                (true, true) => write!(f, "{what} in another order"),
                (false, true) => write!(f, "{what} added: {}", list(added)),
                (true, false) => write!(f, "{what} removed: {}", list(removed)),
                (false, false) => write!(f, "{what} added: {}; removed: {}", list(added), list(removed)),
            };
        match self {
            Reason::NeverBuilt => f.write_str("never built here before"),
            Reason::Untracked => f.write_str("it includes a file by `.incbin`, which cannot be tracked"),
            Reason::Forced => f.write_str("forced"),
            Reason::InputChanged { path, new: None, .. } => write!(f, "`{path}` is gone"),
            Reason::InputChanged { path, old, new: Some(new) } => {
                write!(f, "`{path}` changed ({} → {})", &old[..12.min(old.len())], &new[..12.min(new.len())])
            }
            Reason::InputAppeared { path } => write!(f, "`{path}` appeared"),
            Reason::InputsChanged { added, removed } => change(f, "inputs", added, removed),
            Reason::CommandChanged { added, removed } => change(f, "arguments", added, removed),
            Reason::ToolChanged { old, new } => {
                write!(f, "the tool changed ({} → {})", &old[..12.min(old.len())], &new[..12.min(new.len())])
            }
            Reason::EnvironmentChanged { old, new } => write!(f, "environment changed: `{old}` → `{new}`"),
            Reason::Upstream { label } => write!(f, "`{label}` is built again first"),
            Reason::OutputLost { path } => write!(f, "output `{path}` was lost or changed"),
        }
    }
}

/// How an action ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What is recorded is exactly what is there.
    Fresh,
    /// Its outputs came from the store.
    Restored,
    /// It ran and succeeded.
    Ran,
    /// It ran and failed.
    Failed,
    /// Something it needs failed.
    Blocked,
}

/// What is being done and what came of it, in the order in which it happens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Another build holds this project; this one waits for it.
    Waiting {
        /// What the holder says of itself.
        holder: String,
    },
    /// The graph is known.
    Planned {
        /// How many actions it has.
        actions: usize,
    },
    /// A process starts.
    Started {
        /// The action's number in this build.
        action: usize,
        /// What it does.
        kind: ActionKind,
        /// What it is about, as shown to the user.
        label: String,
        /// Why it runs.
        why: Reason,
        /// Since the beginning of the build.
        #[serde(with = "seconds")]
        at: Duration,
    },
    /// An action is done with.
    Finished {
        /// The action's number in this build.
        action: usize,
        /// What it does.
        kind: ActionKind,
        /// What it is about, as shown to the user.
        label: String,
        /// How it ended.
        outcome: Outcome,
        /// Why it was not fresh.
        why: Option<Reason>,
        /// Since the beginning of the build.
        #[serde(with = "seconds")]
        at: Duration,
        /// How long the process ran; zero where none did.
        #[serde(with = "seconds")]
        wall: Duration,
        /// The process's largest resident size in bytes; 0 where none ran.
        peak_memory: u64,
        /// What the tool wrote: warnings of a success (also of one that was fresh or restored),
        /// errors of a failure.
        output: String,
    },
    /// A result is where the user looks for it.
    Published {
        /// The file.
        path: String,
    },
    /// Something the user should know.
    Diagnostic(Diagnostic),
    /// While watching: a new round begins, because of these changes.
    Changed {
        /// Files and folders.
        files: Vec<FileChange>,
    },
    /// While watching: a round has ended.
    Round(Round),
}

/// A file or folder that changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileChange {
    /// Where, from the root.
    pub path: String,
    /// How.
    pub how: How,
}

/// How a file changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was not there before.
    New,
    /// It is another.
    Changed,
    /// It is not there any more.
    Gone,
}

/// What one round of watching came to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// Whether everything asked for is there.
    pub success: bool,
    /// The profile.
    pub profile: String,
    /// What was made, from the root.
    pub results: Vec<String>,
    /// Units compiled.
    pub compiled: usize,
    /// Units that were fresh.
    pub fresh: usize,
    /// Units restored from the store.
    pub restored: usize,
    /// Actions that failed.
    pub failed: usize,
    /// How long it took.
    #[serde(with = "seconds")]
    pub elapsed: Duration,
}

/// A duration as a number of seconds, for whoever reads events.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is no number of seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
