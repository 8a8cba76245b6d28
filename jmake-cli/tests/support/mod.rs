//! What the tests of the command share: a place of their own, the command itself, and the C
//! program that loads what was built.
//!
//! The command is run as a user runs it, but with nothing of the user's around it: an own home
//! and cache, a plain search path.  Nothing here knows a fixture or a project.
//!
//! Whatever is included by `tests/warm` runs through a daemon, everything else without.  A sandbox
//! ends its daemons when it goes, and fails its test if one of them was not used.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod caller;
pub mod daemons;
pub mod shell;
pub mod symbols;
pub mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the command's folder lies in the workspace")
}

/// The command that is tested.
pub fn jmake() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_jmake"))
}

/// Whether a test that cannot run must fail instead of being skipped.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch, set by scripts/test")]
pub fn require_all() -> bool {
    std::env::var_os("JMAKE_REQUIRE_ALL").is_some()
}

/// Whether the command works through a daemon where a test does not say.
const THROUGH_DAEMON: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"warm");

/// A home, a cache and room for projects, gone at the end of the test.
pub struct Sandbox {
    // Ended before the folder goes.
    daemons: daemons::Daemons,
    dir: tempfile::TempDir,
    through_daemon: bool,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Result<Sandbox> {
        Sandbox::with_daemon(THROUGH_DAEMON)
    }

    /// An empty one, in which the command works through a daemon or does not.
    pub fn with_daemon(through_daemon: bool) -> Result<Sandbox> {
        let dir = tempfile::Builder::new().prefix("jmake-test-").tempdir().context("make a folder")?;
        for inner in ["home", "cache", "run", "tmp", "work"] {
            jmake_core::fs::create_dir_all(&dir.path().join(inner))?;
        }
        let daemons = daemons::Daemons::below(&dir.path().join("run/jmake"), through_daemon);
        Ok(Sandbox { daemons, dir, through_daemon })
    }

    /// Whether the command works through a daemon.
    pub fn through_daemon(&self) -> bool {
        self.through_daemon
    }

    /// The folder for projects.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// A folder for whatever else a test makes.
    pub fn scratch(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    /// Runs `jmake` with `args` in `dir`.
    pub fn jmake(&self, dir: &Path, args: &[&str]) -> Result<Output> {
        self.run(jmake(), dir, args)
    }

    /// Runs any program in the same surroundings.
    pub fn run(&self, program: &Path, dir: &Path, args: &[&str]) -> Result<Output> {
        self.command(program, dir, args)
            .output()
            .with_context(|| format!("run {} in {}", program.display(), dir.display()))
    }

    /// Any program, about to be run in the same surroundings.
    #[expect(clippy::disallowed_methods, reason = "standard output and error are needed apart")]
    pub fn command(&self, program: &Path, dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path().join("home"))
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .env("TMPDIR", self.scratch())
            .env("JMAKE_DAEMON", if self.through_daemon { "on" } else { "off" })
            .stdin(Stdio::null());
        command
    }

    /// Builds the project in `dir`.
    pub fn build(&self, dir: &Path, args: &[&str]) -> Result<Built> {
        let all = [&["build", "--message-format", "json"], args].concat();
        Built::new(self.jmake(dir, &all)?)
    }
}

/// What a build said.
#[derive(Debug)]
pub struct Built {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// The events, in order.
    pub events: Vec<Value>,
    /// Standard error.
    pub stderr: String,
}

impl Built {
    fn new(output: Output) -> Result<Built> {
        let stdout = String::from_utf8(output.stdout).context("standard output is UTF-8")?;
        let events = stdout.lines().map(|line| {
            serde_json::from_str(line).with_context(|| format!("standard output has a line {line:?}"))
        });
        Ok(Built {
            code: output.status.code(),
            events: events.collect::<Result<_>>()?,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The labels of the actions of one of `kinds` (any when empty) that ended as one of
    /// `outcomes`, sorted.
    pub fn ended(&self, kinds: &[&str], outcomes: &[&str]) -> Vec<String> {
        let is = |event: &Value, key: &str, among: &[&str]| {
            among.is_empty() || event[key].as_str().is_some_and(|value| among.contains(&value))
        };
        let mut labels: Vec<String> = self
            .events
            .iter()
            .filter(|event| event["event"] == "finished")
            .filter(|event| is(event, "kind", kinds) && is(event, "outcome", outcomes))
            .map(|event| event["label"].as_str().unwrap_or_default().to_owned())
            .collect();
        labels.sort();
        labels
    }

    /// Everything it said that a person would read: events and standard error.
    pub fn text(&self) -> String {
        let mut text = self.stderr.clone();
        for event in &self.events {
            for key in ["output", "message", "hint", "file"] {
                if let Some(said) = event[key].as_str().filter(|said| !said.is_empty()) {
                    text += said;
                    text += "\n";
                }
            }
        }
        text
    }

    /// An error unless it exited with `code`.
    pub fn exited(&self, code: i32) -> Result<()> {
        anyhow::ensure!(
            self.code == Some(code),
            "exit code {:?} instead of {code}\n{}",
            self.code,
            self.text()
        );
        Ok(())
    }
}
