//! `jmake daemon …` and `jmake status`: looking after the daemon of one project.

use std::time::{Duration, Instant};

use jmake_core::path::Root;
use jmake_core::project::{DaemonSettings, find_root};
use jmake_core::request::Failure;
use serde::Serialize;
use serde_json::{Value, json};

use super::line::{Broken, Line, NoLine};
use super::{HELLO, Mode, answer, hello, start};
use crate::DONE;
use crate::args::Errand;
use crate::daemon::{Status, log};
use crate::place::Place;
use crate::render::{Screen, service};
use crate::wire::{self, Welcome};

/// How long a daemon may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// What to do about the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Start it.
    Start,
    /// End it.
    Stop,
    /// Both.
    Restart,
    /// Tell how it is.
    Status,
    /// Tell what it wrote.
    Logs {
        /// The number of lines.
        lines: usize,
    },
}

/// Everything `jmake status` tells.
#[derive(Serialize)]
pub struct Told {
    /// The project's root.
    pub root: String,
    /// How the running daemon is.
    pub daemon: Option<Status>,
    /// Why there is none, or none that can be used.
    pub trouble: Option<String>,
    /// Why builds do not use one, as things are.
    pub off: Option<String>,
    /// Why the last build did without one.
    pub last_without: Option<String>,
    /// The last lines of one that ended without a word.
    pub died: Option<Vec<String>>,
    /// Where it is met.
    pub socket: Option<String>,
    /// Where it writes.
    pub log: Option<String>,
}

/// Does what `errand` says; gives the exit code.
pub fn run(errand: &Errand) -> u8 {
    let mut screen = Screen::new(&errand.look);
    let root = match find_root(&errand.folder) {
        Ok(root) => root,
        Err(e) => return screen.failed(&Failure::of(&e, false)),
    };
    let place = match errand.wish.place(&root, &errand.environment.program) {
        Ok(place) => place,
        Err(why) => return unable(&mut screen, &why),
    };
    match errand.what {
        Control::Start => start(errand, &root, &place, &mut screen),
        Control::Stop => stop(errand, &root, &place, &mut screen),
        Control::Restart => match stop(errand, &root, &place, &mut screen) {
            DONE => start(errand, &root, &place, &mut screen),
            code => code,
        },
        Control::Status => status(errand, &root, &place, &mut screen),
        Control::Logs { lines } => logs(&place, lines, &mut screen),
    }
}

fn unable(screen: &mut Screen, why: &str) -> u8 {
    let error = anyhow::anyhow!("{why}");
    screen.failed(&Failure::of(&error, false))
}

/// A connection over which hello was said.
struct Met {
    line: Line,
    welcome: Welcome,
}

/// The running daemon; `None` when there is none.
fn meet(errand: &Errand, root: &Root, place: &Place) -> Result<Option<Met>, String> {
    match Line::to(place) {
        Ok(line) => greet(line, errand, root).map(Some),
        Err(NoLine::Nobody) => Ok(None),
        Err(NoLine::Refused(why)) => Err(why),
    }
}

fn greet(mut line: Line, errand: &Errand, root: &Root) -> Result<Met, String> {
    let mut hello = hello(root, &errand.environment.program);
    // Looking after it is allowed from everywhere.
    hello.limits = None;
    line.send(&wire::request(0, "hello", &hello)).map_err(|broken| broken.to_string())?;
    let welcome = answer(&mut line, 0, HELLO).map_err(|refusal| refusal.to_string())?;
    Ok(Met { line, welcome })
}

fn call<R: serde::de::DeserializeOwned>(met: &mut Met, method: &str) -> Result<R, String> {
    met.line.send(&wire::request(1, method, &Value::Null)).map_err(|broken| broken.to_string())?;
    answer(&mut met.line, 1, HELLO).map_err(|refusal| refusal.to_string())
}

fn start(errand: &Errand, root: &Root, place: &Place, screen: &mut Screen) -> u8 {
    let (met, new) = match meet(errand, root, place) {
        Ok(Some(met)) => (Ok(met), false),
        Ok(None) => {
            let started = start::start(
                place,
                root,
                &errand.environment.program,
                &errand.environment,
                start::ALL_PATIENCE,
            );
            (started.and_then(|started| greet(started.line, errand, root)), true)
        }
        Err(why) => (Err(why), false),
    };
    match met {
        Ok(met) => {
            let pid = met.welcome.pid;
            let text =
                format!("the daemon is {}running (process id {pid})", if new { "" } else { "already " });
            let socket = place.socket().display().to_string();
            screen.tell(&text, &json!({"running": true, "pid": pid, "started": new, "socket": socket}))
        }
        Err(why) => unable(screen, &why),
    }
}

fn stop(errand: &Errand, root: &Root, place: &Place, screen: &mut Screen) -> u8 {
    let mut met = match meet(errand, root, place) {
        Ok(Some(met)) => met,
        Ok(None) if !place.is_locked() => {
            return screen.tell("no daemon is running", &json!({"running": false, "stopped": false}));
        }
        Ok(None) => return unable(screen, "a daemon is just starting or ending; try again"),
        Err(why) if why == Broken::Silent.to_string() && ended_for_good(place) => {
            let text = "the daemon did not answer and was ended";
            return screen.tell(text, &json!({"running": false, "stopped": true}));
        }
        Err(why) => return unable(screen, &why),
    };
    let pid = met.welcome.pid;
    let asked: Result<bool, String> = call(&mut met, "daemon.stop");
    if let Err(why) = asked {
        return unable(screen, &why);
    }
    let until = Instant::now() + ENDING;
    // Its connection ends when it does.
    while let Ok(_) | Err(Broken::Silent) = met.line.next(until.saturating_duration_since(Instant::now())) {
        if Instant::now() > until {
            return unable(screen, &format!("the daemon (process id {pid}) has not ended after 5 seconds"));
        }
    }
    screen.tell(
        &format!("the daemon (process id {pid}) has ended"),
        &json!({"running": false, "stopped": true}),
    )
}

/// Ends a daemon that does not answer, which is safe whatever it is doing.  Another program that
/// listens on its socket is left alone.
fn ended_for_good(place: &Place) -> bool {
    let Ok(mut line) = Line::to(place) else { return false };
    let until = Instant::now() + ENDING;
    let daemon = line.peer.pid.filter(|pid| place.is_held_by(*pid));
    let killed = daemon.is_some_and(|pid| super::kill(pid, &mut line));
    // Its connections end when it does.
    killed && matches!(line.next(until.saturating_duration_since(Instant::now())), Err(Broken::Ended))
}

fn status(errand: &Errand, root: &Root, place: &Place, screen: &mut Screen) -> u8 {
    let met = meet(errand, root, place);
    let status = met.and_then(|met| met.map(|mut met| call(&mut met, "daemon.status")).transpose());
    let (daemon, trouble): (Option<Status>, _) = match status {
        Ok(daemon) => (daemon, None),
        Err(why) => (None, Some(why)),
    };
    let off = match errand.wish.mode {
        Mode::Off => errand.wish.why_off.map(str::to_owned),
        Mode::Auto if !DaemonSettings::read(root, &errand.environment).enabled => {
            Some("`daemon.enabled` is `false`".to_owned())
        }
        _ => None,
    };
    let safe = place.check() == Ok(true);
    let last_without = match safe {
        true => jmake_core::fs::read(&place.note()).ok(),
        false => None,
    };
    let died = match &daemon {
        Some(daemon) => daemon.died.clone(),
        None if safe && !place.is_locked() => log::last_words(&place.log()),
        None => None,
    };
    let told = Told {
        root: root.as_path().display().to_string(),
        socket: daemon.as_ref().map(|_| place.socket().display().to_string()),
        daemon,
        trouble,
        off,
        last_without: last_without.map(|text| String::from_utf8_lossy(&text).into_owned()),
        died,
        log: (safe && place.log().is_file()).then(|| place.log().display().to_string()),
    };
    screen.tell(&service::text(&told), &serde_json::to_value(&told).unwrap_or_default())
}

fn logs(place: &Place, lines: usize, screen: &mut Screen) -> u8 {
    if let Err(why) = place.check() {
        return unable(screen, &why);
    }
    let lines = log::tail(&place.log(), lines);
    screen.tell(&lines.join("\n"), &json!(lines))
}
