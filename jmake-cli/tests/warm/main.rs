//! Every transcript and every other test that makes sense, once more: this time the command works
//! through a daemon, and must say and do the same.
//!
//! The bodies are those of the other test files; `support` makes the difference by the name of
//! this one.

#![allow(clippy::duplicate_mod, reason = "each file is a test of its own, too, with its own support")]

#[path = "../transcripts/building.rs"]
mod building;
#[path = "../transcripts/failing.rs"]
mod failing;
#[path = "../transcripts/keeping.rs"]
mod keeping;
#[path = "../names.rs"]
mod names;
#[path = "../never_stale.rs"]
mod never_stale;
#[path = "../support/mod.rs"]
mod support;
#[path = "../transcripts/telling.rs"]
mod telling;
#[path = "../walkthrough.rs"]
mod walkthrough;
#[path = "../watching.rs"]
mod watching;

/// A source that compiles.
const ADD: (&str, &str) = ("src/add.c", "int add(int a, int b) { return a + b; }\n");

/// The daemon is really used: it has counted the builds.
#[test]
fn the_daemon_does_the_work() {
    let shell = support::shell::Shell::with(&[ADD]);
    shell.run("build");
    shell.run("build");
    shell.run("discover");
    let status: serde_json::Value =
        serde_json::from_slice(&shell.sandbox.jmake(shell.dir(), &["status", "--json"]).unwrap().stdout)
            .unwrap();
    assert_eq!((&status["daemon"]["builds"], &status["daemon"]["requests"]), (&2.into(), &3.into()));
}
