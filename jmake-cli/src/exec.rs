//! `--exec`: the user's own command, run after each good round of `watch`.
//!
//! It is what the user typed, so running it needs no consent, and it runs as if typed: by the
//! shell, with the user's environment, terminal and working directory.  A new round ends it first.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use jmake_core::event::Event;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a command has between the polite signal and the final one.
const GRACE: Duration = Duration::from_secs(2);

/// The command, and its run if it still goes on.
pub struct Exec {
    command: String,
    running: Option<Child>,
}

impl Exec {
    /// Nothing runs yet.
    pub fn new(command: String) -> Exec {
        Exec { command, running: None }
    }

    /// Runs the command after a good round, and ends it when another begins; the error is for the
    /// user.
    pub fn hear(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Changed { .. } => self.end(),
            Event::Round(round) if round.success => {
                self.end();
                match start(&self.command) {
                    Ok(child) => self.running = Some(child),
                    Err(e) => return Some(format!("cannot run `{}`: {e}", self.command)),
                }
            }
            _ => {}
        }
        None
    }

    /// Ends what runs, and all it has started.
    fn end(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
        let deadline = Instant::now() + GRACE;
        kill_process_group(group, Signal::TERM).ok();
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Also what it left behind.
        kill_process_group(group, Signal::KILL).ok();
        child.wait().ok();
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.end();
    }
}

#[expect(clippy::disallowed_methods, reason = "the user's own command, as the user would run it")]
fn start(command: &str) -> std::io::Result<Child> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell.spawn()
}
