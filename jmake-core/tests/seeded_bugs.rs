//! The test of the random tests: each deliberate bug of [`jmake_core::sabotage`] must be found.
//!
//! One bug is for a whole process, so the random tests run once per bug in a process of their own,
//! and must fail there.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests start other tests")]

use std::path::PathBuf;
use std::process::Command;

use jmake_core::sabotage::BUGS;

/// The random tests, built beside this one.
fn model() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let built = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("model-") && !name.contains('.')
    });
    // Other features make other binaries: the one built for this test is the newest that knows how
    // to be sabotaged.
    let mut built: Vec<PathBuf> = built.filter(|path| knows_sabotage(path)).collect();
    built.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    built.pop().expect("build the test `model` with the feature `sabotage` too")
}

fn knows_sabotage(path: &std::path::Path) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(14).any(|part| part == b"JMAKE_SABOTAGE")
}

#[test]
fn every_seeded_bug_is_found() {
    let model = model();
    let mut missed = Vec::new();
    for bug in BUGS {
        let found = Command::new(&model)
            .env("JMAKE_SABOTAGE", bug)
            .env("JMAKE_MODEL_QUICK", "1")
            .env("JMAKE_MODEL_STEPS", "3000")
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&found.stderr).into_owned() + &String::from_utf8_lossy(&found.stdout);
        match text.lines().find(|line| line.starts_with("seed ")) {
            Some(line) if !found.status.success() => println!("{bug}: {line}"),
            _ => missed.push(format!("{bug}: {text}")),
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}
