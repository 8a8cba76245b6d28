//! Asking the compiler once more, with one thing changed: would that mend it?
//!
//! The compile that failed is repeated with `-fsyntax-only`, so nothing is written, and what it
//! complains of then is compared with what it complained of before.  A hint that was tried is right.
//! Only a few trials are made, for they take as long as the front half of a compile.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::Scene;
use crate::action::{Action, Arg};
use crate::complaints::{Complaint, of_compiler};
use crate::process::{Spec, Status, run};

/// How many are made for one build at most.
const TRIALS: usize = 10;
/// How long one may take, and after how long no more are begun.
const PATIENCE: Duration = Duration::from_secs(10);

/// Flags that write files or load code besides what is compiled: with them nothing is tried.
const WRITES: [&str; 12] = [
    "-save-temps",
    "--save-temps",
    "-serialize-diagnostics",
    "--serialize-diagnostics",
    "-ftime-trace",
    "-fplugin",
    "-Xclang",
    "-MF",
    "-MJ",
    "-dependency-file",
    "-gen-",
    "@",
];

/// The trials of one build.
pub(super) struct Trials<'a> {
    scene: &'a Scene<'a>,
    made: Cell<usize>,
    start: Instant,
}

impl<'a> Trials<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Trials<'a> {
        Trials { scene, made: Cell::new(0), start: Instant::now() }
    }

    /// What the compile `action` complains of when `swap` has changed its arguments; `None` when it
    /// cannot be tried.
    pub(super) fn of(
        &self,
        action: &Action,
        swap: impl FnOnce(Vec<Vec<u8>>) -> Vec<Vec<u8>>,
    ) -> Option<Vec<Complaint>> {
        let made = self.made.get();
        if made >= TRIALS || self.start.elapsed() > PATIENCE {
            return None;
        }
        self.made.set(made + 1);
        let mut argv = vec![action.tool.path.as_bytes().to_vec()];
        argv.extend(swap(arguments(action)?));
        argv.push(b"-fsyntax-only".to_vec());
        let env = action.env.iter().map(|(name, value)| (name.clone().into(), value.clone().into()));
        let spec = Spec {
            argv,
            env: env.collect(),
            dir: self.scene.memo.root().as_path().to_owned(),
            deadline: Some(PATIENCE),
            ..Spec::default()
        };
        let ended = run(&spec, self.scene.ask.cancel).ok()?;
        let found = of_compiler(&String::from_utf8_lossy(&ended.output));
        match ended.status {
            Status::Exited(0) => Some(found),
            // A failure without a reason is no answer.
            Status::Exited(_) if found.iter().any(Complaint::is_error) => Some(found),
            _ => None,
        }
    }
}

/// The arguments of a compile without those that name what it writes.
fn arguments(action: &Action) -> Option<Vec<Vec<u8>>> {
    let mut args = Vec::new();
    for arg in &action.args {
        match arg {
            Arg::Text(text) if **text == *b"-MD" || **text == *b"-c" => {}
            Arg::Text(text) if WRITES.iter().any(|flag| text.starts_with(flag.as_bytes())) => return None,
            Arg::Text(text) => args.push(text.to_vec()),
            Arg::Output { .. } | Arg::Depfile { .. } => {}
            Arg::File { .. } | Arg::Scratch { .. } => return None,
        }
    }
    Some(args)
}

/// Whether what is complained of `after` is less than `before`, and no error is new.
pub(super) fn is_better(before: &[Complaint], after: &[Complaint]) -> bool {
    let errors = |all: &[Complaint]| {
        let key = |one: &Complaint| (one.file.clone(), one.line, one.message.clone());
        all.iter().filter(|one| one.is_error()).map(key).collect::<Vec<_>>()
    };
    let (before, after) = (errors(before), errors(after));
    after.len() < before.len() && after.iter().all(|error| before.contains(error))
}

/// Whether no error is left.
pub(super) fn is_good(after: &[Complaint]) -> bool {
    !after.iter().any(Complaint::is_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_means_fewer_and_no_other_errors() {
        let errors = |names: &[&str]| names.iter().map(|name| Complaint::error(*name)).collect::<Vec<_>>();
        let better = |before: &[&str], after: &[&str]| is_better(&errors(before), &errors(after));
        assert!(better(&["a", "b"], &["b"]) && better(&["a"], &[]));
        assert!(!better(&["a"], &["a"]) && !better(&["a", "b"], &["c"]) && !better(&[], &[]));
    }
}
