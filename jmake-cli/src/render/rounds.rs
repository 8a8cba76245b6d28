//! `watch` on the screen: each round begins with what changed and ends with what came of it.

use jmake_core::build::Built;
use jmake_core::event::{FileChange, How, Round};

use super::bar::Bar;
use super::{Screen, facts};
use crate::{DONE, FAILED, UNABLE};

/// How many changed files are named.
const NAMED: usize = 8;
/// Empties a terminal and goes to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

impl Screen {
    /// A round begins because of `changes`.
    pub(super) fn round_begins(&mut self, changes: &[FileChange]) {
        // What was said of the last round may be true again.
        self.told.clear();
        self.shown = super::Shown::default();
        if let Some(bar) = self.bar.take() {
            bar.end();
            self.bar = Some(Bar::new(self.look.color));
        }
        if self.look.clear {
            self.err(CLEAR);
        }
        for change in changes.iter().take(NAMED) {
            let verb = match change.how {
                How::New => "New",
                How::Changed => "Changed",
                How::Gone => "Gone",
            };
            self.status(verb, &change.path);
        }
        if changes.len() > NAMED {
            self.status("", &format!("and {} more", facts::count(changes.len() - NAMED, "file", "files")));
        }
    }

    /// A round has ended.
    pub(super) fn round_ends(&mut self, round: &Round) {
        if let Some(bar) = self.bar.take() {
            bar.end();
            self.bar = Some(Bar::new(self.look.color));
        }
        let code = match (round.success, round.failed) {
            (true, _) => DONE,
            (false, 0) => UNABLE,
            (false, _) => FAILED,
        };
        let built = Built {
            success: round.success,
            profile: round.profile.clone(),
            results: round.results.clone(),
            compiled: round.compiled,
            fresh: round.fresh,
            restored: round.restored,
            failed: round.failed,
            elapsed: round.elapsed,
            ..Built::default()
        };
        self.summary(&built, code);
        self.status("Watching", "for changes; Ctrl-C ends it");
    }
}
