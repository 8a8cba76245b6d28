//! The only module that starts processes.
//!
//! Each child gets an argument vector (never a shell), exactly the environment it is given, no
//! standard input, and a process group of its own, so that ending it ends whatever it started.
//! Its output is read to the end but kept only up to a bound.

use std::collections::HashSet;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use wait4::Wait4;

use crate::path::path_from_bytes;

/// How much of a child's output is kept, in bytes.
const OUTPUT_LIMIT: usize = 16 << 20;

/// How much a child can be given to read, in bytes: as much as a pipe holds on every system.
pub const INPUT_LIMIT: usize = 16 << 10;

/// The niceness of what runs in the background.
const BACKGROUND: i32 = 10;

/// How long a cancelled child has between the polite signal and the final one.
const GRACE: Duration = Duration::from_secs(2);

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// The program's absolute path, then its arguments.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// The working directory.
    pub dir: PathBuf,
    /// What it reads from standard input; at most [`INPUT_LIMIT`] bytes, the rest is lost.
    pub input: Vec<u8>,
    /// Whether standard error is thrown away instead of being captured together with standard
    /// output, in the order of writing.
    pub drop_stderr: bool,
    /// How long it may run.
    pub deadline: Option<Duration>,
    /// Whether whatever else the machine has to do goes first.
    pub background: bool,
}

impl Spec {
    /// A program with arguments and an empty environment, started in `dir`.
    pub fn new<A: AsRef<[u8]>>(argv: impl IntoIterator<Item = A>, dir: impl Into<PathBuf>) -> Spec {
        let argv = argv.into_iter().map(|arg| arg.as_ref().to_vec()).collect();
        Spec { argv, dir: dir.into(), ..Spec::default() }
    }
}

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// It was ended because the build was cancelled.
    Cancelled,
    /// It was ended because it ran past its deadline.
    TimedOut,
}

/// A child that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub status: Status,
    /// What it wrote, at most 16 MiB of it.
    pub output: Vec<u8>,
    /// How long it ran.
    pub wall: Duration,
    /// Processor time, its waited-for children included.
    pub cpu: Duration,
    /// Its largest resident size, in bytes.
    pub peak_memory: u64,
}

impl Finished {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.status == Status::Exited(0)
    }
}

/// A request to stop, shared by everyone who works on one build.
#[derive(Clone, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Default)]
struct CancelState {
    cancelled: AtomicBool,
    groups: Mutex<HashSet<Pid>>,
    then: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    each: Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>,
}

impl Cancel {
    /// A request that has not been made yet.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Stops: every running child is asked to end, and ended for good if it still runs two
    /// seconds later.  A second call ends them at once.
    pub fn cancel(&self) {
        let again = self.0.cancelled.swap(true, Ordering::SeqCst);
        self.signal(if again { Signal::KILL } else { Signal::TERM });
        self.do_then();
        let each = self.eachs().clone();
        each.iter().for_each(|each| each());
        if !again {
            let state = self.clone();
            std::thread::spawn(move || {
                std::thread::sleep(GRACE);
                state.signal(Signal::KILL);
            });
        }
    }

    /// Does `then` when the request to stop is made, or now if it has been.
    pub fn then(&self, then: impl FnOnce() + Send + 'static) {
        self.thens().push(Box::new(then));
        if self.is_cancelled() {
            self.do_then();
        }
    }

    /// Does `each` whenever the request to stop is made, for a second one says more than the first;
    /// and now if it has been.
    pub fn each(&self, each: impl Fn() + Send + Sync + 'static) {
        let each: Arc<dyn Fn() + Send + Sync> = Arc::new(each);
        self.eachs().push(each.clone());
        if self.is_cancelled() {
            each();
        }
    }

    fn eachs(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn Fn() + Send + Sync>>> {
        self.0.each.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn do_then(&self) {
        // Taken out first: what is done may want to add to it.
        let thens = std::mem::take(&mut *self.thens());
        thens.into_iter().for_each(|then| then());
    }

    fn thens(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn FnOnce() + Send>>> {
        self.0.then.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        for &group in self.groups().iter() {
            // It may have ended by itself a moment ago.
            kill_process_group(group, signal).ok();
        }
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, HashSet<Pid>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a child and waits for its end.
///
/// # Errors
/// When it cannot be started: no such program, no permission, no memory.
pub fn run(spec: &Spec, cancel: &Cancel) -> io::Result<Finished> {
    let (reader, writer) = io::pipe()?;
    let mut command = command(spec)?;
    command.stderr(if spec.drop_stderr { Stdio::null() } else { writer.try_clone()?.into() });
    command.stdout(writer);
    let start = Instant::now();
    let mut child = {
        // Held while spawning, so that a cancel comes either before (nothing starts) or after
        // (the child's group is known to it).
        let mut groups = cancel.groups();
        if cancel.is_cancelled() {
            return Ok(cancelled());
        }
        let child = spawn(&mut command)?;
        groups.extend(group_of(&child));
        if let (true, Some(group)) = (spec.background, group_of(&child)) {
            // It may have ended by itself a moment ago.
            rustix::process::setpriority_pgrp(Some(group), BACKGROUND).ok();
        }
        child
    };
    // The parent's ends of the pipe must be gone, or the reader would wait for ever.
    drop(command);
    let group = group_of(&child);
    let capture = std::thread::spawn(move || read_bounded(reader));
    let watchdog = spec.deadline.zip(group).map(|(limit, group)| Watchdog::start(limit, group));

    if let Some(pid) = group {
        // Waits without reaping: the process id stays taken until the group is forgotten.
        while let Err(rustix::io::Errno::INTR) =
            waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
        // A grandchild that outlived its parent must not keep the pipe open.
        kill_process_group(pid, Signal::KILL).ok();
        cancel.groups().remove(&pid);
    }
    let timed_out = watchdog.is_some_and(Watchdog::finish);
    let end = child.wait4()?;
    let wall = start.elapsed();
    let output = capture.join().unwrap_or_default();
    let status = if cancel.is_cancelled() {
        Status::Cancelled
    } else if timed_out {
        Status::TimedOut
    } else {
        status_of(end.status)
    };
    Ok(Finished {
        status,
        output,
        wall,
        cpu: end.rusage.utime + end.rusage.stime,
        peak_memory: end.rusage.maxrss,
    })
}

/// A child that is to outlive this process.
pub struct Detached(std::process::Child);

impl Detached {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended already.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)) | Err(_))
    }
}

/// Starts a child that nobody waits for: it writes to `output`, and is expected to begin a session
/// of its own, for which it must not lead a process group.
///
/// # Errors
/// When it cannot be started: no such program, no permission, no memory.
pub fn detach(spec: &Spec, output: std::fs::File) -> io::Result<Detached> {
    let mut command = plain_command(spec)?;
    command.stdout(output.try_clone()?).stderr(output);
    spawn(&mut command).map(Detached)
}

fn cancelled() -> Finished {
    Finished {
        status: Status::Cancelled,
        output: Vec::new(),
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
        peak_memory: 0,
    }
}

/// Leads a process group of its own.
fn command(spec: &Spec) -> io::Result<Command> {
    let mut command = plain_command(spec)?;
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

fn plain_command(spec: &Spec) -> io::Result<Command> {
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "an empty command"))?;
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    let mut command = Command::new(path_from_bytes(program));
    command.args(arguments.iter().map(|arg| path_from_bytes(arg)));
    command.env_clear();
    command.envs(spec.env.iter().map(|(name, value)| (path_from_bytes(name), path_from_bytes(value))));
    command.current_dir(&spec.dir).stdin(input(&spec.input)?);
    Ok(command)
}

/// A pipe that holds all of `text` before anybody reads it.
fn input(text: &[u8]) -> io::Result<Stdio> {
    if text.is_empty() {
        return Ok(Stdio::null());
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&text[..text.len().min(INPUT_LIMIT)])?;
    Ok(reader.into())
}

/// Spawns, trying again for a moment where the system is only short of processes.
fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
    let mut patience = 20;
    loop {
        match command.spawn() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && patience > 0 => {
                patience -= 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            // A program that is being written (tests make their own) can be run in a moment.
            Err(e) if e.kind() == io::ErrorKind::ExecutableFileBusy && patience > 0 => {
                patience -= 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn group_of(child: &std::process::Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

fn read_bounded(mut reader: io::PipeReader) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = [0; 8192];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return kept,
            Ok(n) => kept.extend_from_slice(&piece[..n.min(OUTPUT_LIMIT - kept.len())]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return kept,
        }
    }
}

#[cfg(unix)]
fn status_of(status: std::process::ExitStatus) -> Status {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, signal) => Status::Signalled(signal.unwrap_or(0)),
    }
}

#[cfg(not(unix))]
fn status_of(status: std::process::ExitStatus) -> Status {
    Status::Exited(status.code().unwrap_or(1))
}

/// Ends a process group that runs past its deadline.
struct Watchdog {
    done: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<bool>,
}

impl Watchdog {
    fn start(limit: Duration, group: Pid) -> Watchdog {
        let (done, ended) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let late = ended.recv_timeout(limit).is_err();
            if late {
                kill_process_group(group, Signal::KILL).ok();
            }
            late
        });
        Watchdog { done, thread }
    }

    /// Whether it had to act.
    fn finish(self) -> bool {
        // It may be gone already, having acted.
        self.done.send(()).ok();
        self.thread.join().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Spec {
        Spec::new(["/bin/sh", "-c", script], "/")
    }

    #[test]
    fn output_and_status() {
        let ended = run(&sh("echo out; echo err >&2; exit 3"), &Cancel::new()).unwrap();
        assert_eq!(ended.status, Status::Exited(3));
        assert_eq!(ended.output, b"out\nerr\n");
        assert!(ended.peak_memory > 0);
    }

    #[test]
    fn environment_is_exactly_what_was_given() {
        let mut spec = Spec::new(["/usr/bin/env"], "/");
        spec.env.push((b"A".to_vec(), b"1".to_vec()));
        assert_eq!(run(&spec, &Cancel::new()).unwrap().output, b"A=1\n");
    }

    #[test]
    fn a_signal_is_named() {
        let ended = run(&sh("kill -9 $$"), &Cancel::new()).unwrap();
        assert_eq!(ended.status, Status::Signalled(9));
    }

    #[test]
    fn deadline_and_grandchildren() {
        let mut spec = sh("sleep 1000 & sleep 1000");
        spec.deadline = Some(Duration::from_millis(50));
        let start = Instant::now();
        assert_eq!(run(&spec, &Cancel::new()).unwrap().status, Status::TimedOut);
        // The child exits at once, its grandchild would keep the pipe open.
        assert!(run(&sh("sleep 1000 & exit 0"), &Cancel::new()).unwrap().success());
        assert!(start.elapsed() < Duration::from_secs(100));
    }

    #[test]
    fn cancel_ends_a_child_that_ignores_the_polite_signal() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let thread =
            std::thread::spawn(move || run(&sh("trap '' TERM; sleep 1000 & wait; sleep 1000"), &other));
        while cancel.groups().is_empty() {
            std::thread::yield_now();
        }
        cancel.cancel();
        assert_eq!(thread.join().unwrap().unwrap().status, Status::Cancelled);
        assert_eq!(run(&sh("echo never"), &cancel).unwrap().status, Status::Cancelled);
    }

    #[test]
    fn no_such_program() {
        assert!(run(&Spec::new(["/no/such/program"], "/"), &Cancel::new()).is_err());
    }
}
