//! The other body of a request: the same question put to a daemon.
//!
//! A daemon only ever helps.  Whatever is odd about it (there is none, it does not answer, it is
//! another build, its folder is not safe) ends in [`Without`], and the engine in this process does
//! the request; no wait here is longer than a moment.  Nothing is done before the daemon is asked
//! that it could do.

pub mod control;
mod line;
mod start;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jmake_core::configure::Environment;
use jmake_core::event::Event;
use jmake_core::path::Root;
use jmake_core::project::DaemonSettings;
use jmake_core::request::{Failure, Reply, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::kin;
use crate::place::Place;
use crate::stop::Interrupt;
use crate::wire::{self, Hello, Incoming, PROTOCOL, Welcome};
use line::{Broken, Line, NoLine, say};

/// How long a daemon may take to say who it is.
const HELLO: Duration = Duration::from_millis(500);
/// How long it may say nothing while it works: it gives a sign of life three times as often.
const SILENCE: Duration = Duration::from_millis(1500);
/// Within this time most answers come; only after it is Ctrl-C listened for, which costs a thread.
/// Until then it ends this process, and by that the connection and the request.
const AT_ONCE: Duration = Duration::from_millis(20);
/// How often a wait looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(250);
/// How long an interrupted request may take to say so.
const STOPPING: Duration = Duration::from_secs(3);

/// The number of the request itself; that of the hello is 0.
const REQUEST: u64 = 1;

/// Whether to use a daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// For builds, and where one is running.
    Auto,
    /// For whatever has a project.
    On,
    /// Never.
    Off,
}

/// What a user says about the daemon, and where it would be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whether to use one.
    pub mode: Mode,
    /// Why not, where that was not typed.
    pub why_off: Option<&'static str>,
    /// The run folder, if there is a place for one.
    pub run_dir: Option<PathBuf>,
}

impl Wish {
    /// Where the daemon for `root` is met.
    ///
    /// # Errors
    /// When there is no place for a run folder.
    pub fn place(&self, root: &Root, program: &str) -> Result<Place, String> {
        let dir = self.run_dir.as_deref().ok_or("there is neither `XDG_RUNTIME_DIR` nor `HOME`")?;
        Ok(Place::of(dir, root, program))
    }
}

/// One question.
pub struct Question<'a> {
    /// The project's root.
    pub root: &'a Root,
    /// The environment of whoever asks.
    pub environment: &'a Environment,
    /// What is asked.
    pub request: &'a Request,
}

/// The daemon did not do it.
#[derive(Default)]
pub struct Without {
    /// Why, where the user may wonder.
    pub why: Option<String>,
    /// What is worth knowing besides.
    pub aside: Vec<String>,
    /// Whether something that happened was passed on already.
    pub in_the_middle: bool,
    /// It fell silent and may hold the project.
    silent: Option<Line>,
    /// The user does not want to wait any longer.
    pub interrupted: bool,
}

impl Without {
    fn because(why: impl Into<String>) -> Without {
        Without { why: Some(why.into()), ..Without::default() }
    }

    /// Whether `event` says that this process waits for the silent daemon.  That one is then ended
    /// for good, which is safe whatever it is doing, for otherwise the wait could last for ever.
    pub fn ends_the_holder(&mut self, event: &Event) -> Option<String> {
        let Event::Waiting { holder } = event else { return None };
        let pid = self.silent.as_ref()?.peer.pid?;
        holder.ends_with(&format!("process id {pid}")).then_some(())?;
        let mut line = self.silent.take()?;
        kill(pid, &mut line).then(|| format!("the daemon (process id {pid}) did not answer and was ended"))
    }
}

/// Ends the process at the other end of `line` unless it has ended or speaks again.
#[cfg(target_os = "linux")]
fn kill(pid: i32, line: &mut Line) -> bool {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    // Taken before the look at the connection: while that is open, the number is the peer's.
    let Some(handle) = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return false;
    };
    line.is_silent() && pidfd_send_signal(handle, Signal::KILL).is_ok()
}

/// Ends the process at the other end of `line` unless it has ended or speaks again.
#[cfg(not(target_os = "linux"))]
fn kill(pid: i32, line: &mut Line) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    line.is_silent() && Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// Puts `question` to the daemon, which is started where `wish` and the request allow.
///
/// # Errors
/// When it did not do it: the engine must.
pub fn ask(
    question: &Question,
    wish: &Wish,
    interrupt: &Interrupt,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Reply, Vec<String>), Without> {
    let quiet = Without::default;
    let has_project = !matches!(question.request, Request::New { .. } | Request::Init { .. });
    if wish.mode == Mode::Off || !has_project {
        return Err(quiet());
    }
    if wish.mode == Mode::Auto && !DaemonSettings::read(question.root, question.environment).enabled {
        return Err(quiet());
    }
    if names_descriptors(&question.environment.makeflags) {
        return Err(Without::because(
            "the `make` above gives permissions by descriptors that only its own see",
        ));
    }
    let program = &question.environment.program;
    let place = wish.place(question.root, program).map_err(Without::because)?;
    let may_start =
        wish.mode == Mode::On || matches!(question.request, Request::Build(_) | Request::Watch(_));
    let patience = if wish.mode == Mode::On { start::LONG_PATIENCE } else { start::PATIENCE };
    let asked = connect(question, &place, may_start, patience).and_then(|(line, aside)| {
        let reply = converse(line, question, interrupt, on_event).map_err(|mut without| {
            without.aside.splice(..0, aside.clone());
            without
        })?;
        Ok((reply, aside))
    });
    if let Err(Without { why: Some(why), .. }) = &asked {
        remember(&place, why);
    }
    asked
}

fn connect(
    question: &Question,
    place: &Place,
    may_start: bool,
    patience: Duration,
) -> Result<(Line, Vec<String>), Without> {
    match Line::to(place) {
        Ok(line) => Ok((line, Vec::new())),
        Err(NoLine::Nobody) if may_start => {
            let program = &question.environment.program;
            let started = start::start(place, question.root, program, question.environment, patience);
            let started = started.map_err(Without::because)?;
            let aside = started.died.map(|lines| {
                format!(
                    "the daemon before this one ended without a word; its last lines:\n{}",
                    lines.join("\n")
                )
            });
            Ok((started.line, aside.into_iter().collect()))
        }
        Err(NoLine::Nobody) => Err(Without::default()),
        Err(NoLine::Refused(why)) => Err(Without::because(why)),
    }
}

fn hello(root: &Root, program: &str) -> Hello {
    Hello {
        protocol: PROTOCOL,
        program: Some(program.to_owned()),
        root: root.as_path().to_owned(),
        umask: Some(kin::umask()),
        limits: Some(kin::limits()),
    }
}

/// Says hello and asks, in one breath, and listens until the answer.
fn converse(
    mut line: Line,
    question: &Question,
    interrupt: &Interrupt,
    on_event: &mut dyn FnMut(Event),
) -> Result<Reply, Without> {
    let mut said = wire::request(0, "hello", &hello(question.root, &question.environment.program));
    let params = json!({"environment": question.environment, "request": question.request});
    said.extend(wire::request(REQUEST, "engine.handle", &params));
    let broken = |broken: Broken| Without::because(broken.to_string());
    line.send(&said).map_err(broken)?;
    let welcome: Welcome = match answer(&mut line, 0, HELLO) {
        Ok(welcome) => welcome,
        Err(refusal) => {
            let silent = (refusal == Refusal::Broken(Broken::Silent)).then_some(line);
            return Err(Without { silent, ..Without::because(refusal.to_string()) });
        }
    };
    if welcome.protocol != PROTOCOL || welcome.root != question.root.as_path() {
        return Err(Without::because("the daemon is not the one that was asked for"));
    }
    let mut in_the_middle = false;
    let mut heard = Instant::now();
    let mut stopping: Option<Instant> = None;
    let mut slice = AT_ONCE;
    let listen = |line: &Line| {
        interrupt.also(
            || line.other_handle(),
            |stream| {
                say(stream, &wire::notification("cancel", &json!({"id": REQUEST}))).ok();
            },
        );
    };
    loop {
        if interrupt.is_made() && stopping.get_or_insert_with(Instant::now).elapsed() > STOPPING {
            return Err(Without { interrupted: true, in_the_middle, ..Without::default() });
        }
        let read = match line.next(slice) {
            Err(Broken::Silent) if heard.elapsed() < SILENCE => {
                slice = SLICE;
                listen(&line);
                continue;
            }
            Err(broken) => {
                let why = Some(broken.to_string());
                let silent = (broken == Broken::Silent).then_some(line);
                return Err(Without { why, in_the_middle, silent, ..Without::default() });
            }
            Ok(read) => read,
        };
        heard = Instant::now();
        let without = |why: String| Without { why: Some(why), in_the_middle, ..Without::default() };
        let incoming: Incoming<Reply> =
            serde_json::from_slice(&read).map_err(|e| without(Broken::Garbled(e.to_string()).to_string()))?;
        match incoming {
            Incoming { id: Some(REQUEST), result: Some(reply), .. } => return Ok(reply),
            Incoming { id: Some(REQUEST), error: Some(error), .. } => return Err(without(error.message)),
            Incoming { method: Some(_), params: Some(told), .. } if told.id == Some(REQUEST) => {
                if let Some(event) = told.event {
                    (slice, in_the_middle) = (SLICE, true);
                    listen(&line);
                    on_event(event);
                }
            }
            // Whatever a later daemon may say besides.
            _ => {}
        }
    }
}

/// There is no result.
#[derive(PartialEq, Eq)]
enum Refusal {
    /// The connection is of no use.
    Broken(Broken),
    /// The daemon says why.
    Said(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Broken(broken) => broken.fmt(f),
            Refusal::Said(why) => f.write_str(why),
        }
    }
}

/// The answer to request `id`, the first thing that is expected.
fn answer<R: DeserializeOwned>(line: &mut Line, id: u64, patience: Duration) -> Result<R, Refusal> {
    let garbled = |e: serde_json::Error| Refusal::Broken(Broken::Garbled(e.to_string()));
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let read = line.next(left).map_err(Refusal::Broken)?;
        let incoming: Incoming<Value> = serde_json::from_slice(&read).map_err(garbled)?;
        match incoming {
            Incoming { id: found, error: Some(error), .. } if found.is_none_or(|found| found == id) => {
                return Err(Refusal::Said(error.message));
            }
            Incoming { id: Some(found), result: Some(result), .. } if found == id => {
                return serde_json::from_value(result).map_err(garbled);
            }
            _ => {}
        }
    }
}

/// Whether `makeflags` name a jobserver that only children of that `make` can reach.
fn names_descriptors(makeflags: &str) -> bool {
    let auth = makeflags.split_whitespace().rev().find_map(|flag| {
        flag.strip_prefix("--jobserver-auth=").or_else(|| flag.strip_prefix("--jobserver-fds="))
    });
    auth.is_some_and(|auth| !auth.starts_with("fifo:"))
}

/// Keeps why a request did without the daemon, for `jmake status`; forgotten with the next one
/// that did not.
fn remember(place: &Place, why: &str) {
    if place.check() == Ok(true) {
        jmake_core::fs::write(&place.note(), why.as_bytes()).ok();
    }
}

/// What an interrupted request answers that nobody waits for any more.
pub fn interrupted() -> Failure {
    let problem = jmake_core::event::Diagnostic::error("interrupted");
    Failure { problem, causes: Vec::new(), interrupted: true, stage: None }
}
