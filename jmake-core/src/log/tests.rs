//! Unit tests of the log.

use super::*;
use crate::trace::{Cost, Made};

fn trace(n: u8) -> Trace {
    let version = |path: &str| Version {
        path: FilePath::new(path),
        digest: Digest::of(&[n]),
        blind: n.is_multiple_of(2).then(|| Digest::of(b"blind")),
    };
    Trace {
        recipe: vec![(0, b"compile".to_vec()), (2, vec![b'-', n])],
        key: Digest::of(&[n, 1]),
        inputs: vec![version("a.c"), version("x.h"), version("/usr/include/stdio.h")],
        declared: 1,
        absent: vec![FilePath::new("inc/x.h")],
        outputs: vec![Made { digest: Digest::of(&[n, 2]), size: 10, mode: 0o644 }],
        diagnostics: vec![n; 3],
        comment_blind: true,
        cost: Cost::default(),
    }
}

fn name(n: u8) -> FilePath {
    FilePath::new(format!(".jmake/o/{n}.o"))
}

fn get(log: &Log, n: u8) -> Option<Trace> {
    log.get(&name(n))?.whole()
}

#[test]
fn keeps_the_last_trace_of_each_action() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (mut log, _) = Log::open(&file);
    for n in 0..20 {
        log.append(&name(n % 5), &trace(n)).unwrap();
    }
    for log in [log, Log::open(&file).0] {
        assert_eq!(log.len(), 5);
        for n in 0..5 {
            assert_eq!(get(&log, n), Some(trace(15 + n)));
        }
    }
}

/// Loaded at every truncated length the log holds a prefix of the traces, and after the
/// repair the next load finds nothing to mend.
#[test]
fn every_truncation_leaves_a_good_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (mut log, _) = Log::open(&file);
    for n in 0..4 {
        log.append(&name(n), &trace(n)).unwrap();
    }
    let whole = log.bytes.clone();
    for len in 0..whole.len() {
        fs::write(&file, &whole[..len]).unwrap();
        let (mut log, _) = Log::open(&file);
        let count = log.len() as u8;
        for n in 0..count {
            assert_eq!(get(&log, n), Some(trace(n)), "{len}");
        }
        log.append(&name(9), &trace(9)).unwrap();
        let (log, damaged) = Log::open(&file);
        assert!(!damaged, "{len}");
        assert_eq!(log.len() as u8, count + 1, "{len}");
    }
}

#[test]
fn a_flipped_bit_never_gives_another_trace() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (mut log, _) = Log::open(&file);
    for n in 0..3 {
        log.append(&name(n), &trace(n)).unwrap();
    }
    let whole = log.bytes.clone();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, &bytes).unwrap();
        let (log, _) = Log::open(&file);
        for n in 0..3 {
            assert!(get(&log, n).is_none_or(|found| found == trace(n)), "{at}");
        }
    }
}

/// A record that could not be written defines what later ones refer to: if those were written
/// they would be read as something else.
#[test]
fn after_a_record_was_lost_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (mut log, _) = Log::open(&file);
    log.append(&name(0), &trace(0)).unwrap();
    let kept = dir.path().join("kept");
    fs::rename(&file, &kept).unwrap();
    fs::create_dir_all(&file).unwrap();
    assert!(log.append(&name(1), &trace(1)).is_err());
    fs::remove_all(&file).unwrap();
    fs::rename(&kept, &file).unwrap();
    log.append(&name(2), &trace(2)).unwrap();
    let (log, _) = Log::open(&file);
    assert_eq!(get(&log, 0), Some(trace(0)));
    for n in 1..3 {
        assert!(get(&log, n).is_none_or(|found| found == trace(n)), "{n}");
    }
}

#[test]
fn compaction_keeps_what_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let (mut log, _) = Log::open(&file);
    let mut big = trace(1);
    big.diagnostics = vec![b'w'; SMALL / 4];
    for n in 0..12 {
        log.append(&name(n % 2), &big).unwrap();
    }
    let before = log.bytes.len();
    log.compact().unwrap();
    assert!(log.bytes.len() * 3 < before);
    log.append(&name(7), &trace(7)).unwrap();
    let (log, damaged) = Log::open(&file);
    assert!(!damaged);
    assert_eq!(get(&log, 0), Some(big));
    assert_eq!(get(&log, 7), Some(trace(7)));
}
