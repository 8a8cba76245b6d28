//! The daemons of one run folder: found, watched, and ended when the test is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// All daemons that meet their clients in one folder; ended when dropped.
pub struct Daemons {
    run: PathBuf,
    /// A build that did without one fails the test.
    must_serve: bool,
}

impl Daemons {
    /// Those in the run folder `run`.
    pub fn below(run: &Path, must_serve: bool) -> Daemons {
        Daemons { run: run.to_owned(), must_serve }
    }

    /// The files in the run folder whose names end so.
    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.run).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        found.sort();
        found
    }

    /// Process ids of daemons that live or are stopped: those whose command line names this folder.
    pub fn alive(&self) -> Vec<i32> {
        let stem = format!("--stem\0{}/", self.run.display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let serves = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&stem)
        };
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(serves).collect()
    }

    /// What was noted of builds that did without a daemon.
    pub fn notes(&self) -> Vec<String> {
        let read =
            |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        self.files(".note").into_iter().map(read).collect()
    }

    /// Everything the daemons have written.
    pub fn logs(&self) -> String {
        let read =
            |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        self.files(".log").into_iter().map(read).collect()
    }

    /// Ends all of them, in order where they can, and waits until they are gone.
    pub fn end(&self) {
        for pid in self.alive() {
            send(pid, Signal::TERM);
            send(pid, Signal::CONT);
        }
        let patience = Instant::now() + Duration::from_secs(10);
        while !self.alive().is_empty() {
            if Instant::now() > patience {
                self.alive().into_iter().for_each(|pid| send(pid, Signal::KILL));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the lock of every daemon is free.
    pub fn locks_are_free(&self) -> bool {
        self.files(".lock").iter().all(|path| File::open(path).is_ok_and(|file| file.try_lock().is_ok()))
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        self.end();
        if self.must_serve && !std::thread::panicking() {
            assert_eq!(self.notes(), Vec::<String>::new(), "done without the daemon\n{}", self.logs());
        }
    }
}

/// Sends a signal to a process that may have ended.
pub fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        kill_process(pid, signal).ok();
    }
}

/// Waits until `is` holds; fails when it does not in `patience`.
pub fn wait(what: &str, patience: Duration, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < patience, "{what}: not within {patience:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
