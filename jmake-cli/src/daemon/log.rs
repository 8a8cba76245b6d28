//! What a daemon writes about itself, always: each line with time and process, in one file that is
//! put aside when it has grown.
//!
//! A daemon that ends on purpose says so in its last line.  One that was killed or came to grief
//! does not, which is how its successor and its clients know.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use crate::place::Place;

/// A log longer than this is put aside when a daemon starts.
const LARGE: u64 = 1 << 20;
/// How much of a log's end is looked at.
const END: u64 = 1 << 14;
/// How many lines of a daemon that died are shown.
const LAST: usize = 10;

/// What the last line of a daemon that ended on purpose begins with, after time and process.
const STOPPED: &str = "stopped: ";

/// Makes the log at `place` the standard output and error of this process.
///
/// # Errors
/// When it cannot be written.
pub fn adopt(place: &Place) -> io::Result<()> {
    if place.log().metadata().is_ok_and(|meta| meta.len() > LARGE) {
        jmake_core::fs::rename(&place.log(), &place.old_log()).ok();
    }
    let log = place.open_log()?;
    rustix::stdio::dup2_stdout(&log)?;
    rustix::stdio::dup2_stderr(&log)?;
    Ok(())
}

/// Writes a line.
pub fn line(text: &str) {
    let now = humantime::format_rfc3339_millis(SystemTime::now());
    let text = text.trim_end().replace('\n', "\n    ");
    let line = format!("{now} {}: {text}\n", std::process::id());
    // A disk that is full is no reason to stop.
    io::stderr().write_all(line.as_bytes()).ok();
}

/// Writes the last line.
pub fn stopped(why: &str) {
    line(&format!("{STOPPED}{why}"));
}

/// The last `count` lines of the log at `path`.
pub fn tail(path: &Path, count: usize) -> Vec<String> {
    let mut lines: Vec<String> = end_of(path).lines().map(str::to_owned).collect();
    lines.drain(..lines.len().saturating_sub(count));
    lines
}

/// The last lines of a daemon that ended without saying so; `None` when it did, or nothing is
/// known of one.  Only asked while no daemon lives.
pub fn last_words(path: &Path) -> Option<Vec<String>> {
    let lines = tail(path, LAST);
    let last = lines.last()?;
    let said = last.split_once(": ").is_some_and(|(_, text)| text.starts_with(STOPPED));
    (!said).then_some(lines)
}

fn end_of(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = jmake_core::fs::open(path)?;
        let len = file.metadata()?.len();
        io::Seek::seek(&mut file, io::SeekFrom::Start(len.saturating_sub(END)))?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // The first line is probably cut.
        Ok(match text.split_once('\n') {
            Some((_, rest)) if len > END => rest.to_owned(),
            _ => text,
        })
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_said_nothing_at_its_end_is_known_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(last_words(&path), None);
        let good = "2026-01-01T00:00:00.000Z 7: started\n2026-01-01T00:00:01.000Z 7: stopped: idle\n";
        jmake_core::fs::write(&path, good.as_bytes()).unwrap();
        assert_eq!(last_words(&path), None);
        let bad =
            format!("{good}2026-01-01T00:00:02.000Z 8: started\nthread main has overflowed its stack\n");
        jmake_core::fs::write(&path, bad.as_bytes()).unwrap();
        let words = last_words(&path).unwrap();
        assert_eq!(words.last().map(String::as_str), Some("thread main has overflowed its stack"));
        let long = "x".repeat(99) + "\n";
        jmake_core::fs::write(&path, long.repeat(1000).as_bytes()).unwrap();
        assert_eq!(tail(&path, 500).len(), 163);
        assert_eq!(tail(&path, 2).len(), 2);
    }
}
