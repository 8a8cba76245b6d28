//! Tools that ended for want of memory or room, or by their own fault.
//!
//! Only complaints that are about no line of a source are looked at: a source may say anything.

use crate::action::Action;
use crate::cause::{Advice, Cause};
use crate::complaints::Complaint;
use crate::event::Diagnostic;

/// The diagnostic of `action` that complained of `complaints` and wrote `text`.
pub(super) fn diagnose(action: &Action, complaints: &[Complaint]) -> Option<Diagnostic> {
    let program = String::from_utf8_lossy(action.tool.path.file_name()).into_owned();
    let own = || complaints.iter().filter(|one| one.is_error() && one.line.is_none());
    let says = |parts: &[&str]| own().any(|one| parts.iter().any(|part| one.message.contains(part)));
    let (message, advice) = if says(&["No space left on device", "Disk quota exceeded"]) {
        (
            format!("there is no room left on the disk for what `{program}` writes"),
            Advice::new(Cause::DiskFull, ROOM),
        )
    } else if says(&[
        "out of memory",
        "bad_alloc",
        "Cannot allocate memory",
        "unable to execute command: Killed",
    ]) {
        (format!("memory was out for `{program}`"), Advice::new(Cause::ToolKilled, FEWER))
    } else if let Some(signal) = own().find_map(|one| signal_in(&one.message)) {
        (format!("`{program}` was ended by signal {signal}"), after_signal(signal))
    } else if says(&["clang frontend command failed", "unable to execute command: "])
        && !says(&["doesn't exist", "No such file"])
    {
        (format!("`{program}` failed by its own fault"), Advice::new(Cause::ToolCrashed, BUG))
    } else {
        return None;
    };
    Some(Diagnostic::error(message).in_file(&action.label).advised(advice))
}

const ROOM: &str =
    "make room there; `jmake cache clear` empties the shared cache, `jmake clean` this project's results";
const FEWER: &str = "when memory is short, fewer at once need less of it: `jmake build -j 1`";
const BUG: &str = "that is a bug of the tool: another version (`llvm.version`) may do";

/// The signal in what jmake says of a tool that one ended.
fn signal_in(message: &str) -> Option<i32> {
    let rest = message.strip_prefix('`')?.split_once("` was ended by signal ")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn after_signal(signal: i32) -> Advice {
    match signal {
        9 => Advice::new(Cause::ToolKilled, FEWER),
        4 | 6 | 7 | 8 | 11 => Advice::new(Cause::ToolCrashed, BUG),
        _ => Advice::new(Cause::ToolKilled, "something else on this machine ended it: build again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        let message = "`clang` was ended by signal 9 (killed, often for want of memory)";
        assert!(signal_in(message).is_some_and(|signal| after_signal(signal).hint.contains("-j 1")));
        assert_eq!(signal_in("`clang` was ended by signal 11"), Some(11));
        assert_eq!(signal_in("a signal 9"), None);
    }
}
