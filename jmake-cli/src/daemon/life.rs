//! How a daemon begins and ends.
//!
//! It lives while it holds the kernel's lock on its lock file.  With the lock it takes its socket's
//! name, so two never serve one place; without, it ends without a word, for another lives.
//!
//! To end, it first takes the socket away and so stops accepting, then serves who is already
//! connected: a client that comes too late finds no daemon and starts a new one.  It ends when it
//! has had nothing to do for long enough (work in flight counts as activity), when it has lost its
//! ground ([`super::ground`]), when memory is short, and when it is told to.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant, SystemTime};

use jmake_core::configure::Environment;
use jmake_core::fs::{self, Lock};
use jmake_core::path::Root;
use jmake_core::project::DaemonSettings;
use jmake_core::warm::Warm;
use rustix::event::{PollFd, PollFlags, poll};

use super::ahead::Ahead;
use super::builds::Builds;
use super::ground::{Ground, Watched};
use super::mask::Mask;
use super::session::{Session, timespec};
use super::{Daemon, Ending, Order, State, log};
use crate::kin;
use crate::place::Place;

/// How often it looks whether its ground is still there, when nothing is said of that.
pub const LOOK: Duration = Duration::from_secs(60);
/// How long it waits for its first client at least.
const FIRST: Duration = Duration::from_secs(2);
/// How long a client that has just connected may take to ask for something.
const NEW: Duration = Duration::from_secs(1);
/// How long what is left to the clients may take to end.
const HARD: Duration = Duration::from_secs(3);
/// How many clients it serves at once.
const MOST: usize = 256;
/// It ends when less of the memory than this is free, in percent.
const SHORT: u64 = 5;

/// Serves a project until there is a reason to end; gives the exit code.
pub fn serve(order: &Order) -> u8 {
    std::panic::set_hook(Box::new(|panic| log::line(&format!("this is a bug in jmake: {panic}"))));
    close_inherited();
    // A child of a group's leader can; where it fails, it is alone already.
    rustix::process::setsid().ok();
    rustix::process::chdir("/").ok();
    match Life::begin(order) {
        Ok(Some(life)) => {
            life.go_on();
            crate::DONE
        }
        Ok(None) => crate::DONE,
        Err(e) => {
            log::line(&format!("cannot start: {e:#}"));
            log::stopped("it could not start");
            crate::UNABLE
        }
    }
}

/// Closes every descriptor but the three that every process has: whoever started the client may
/// be waiting for the other end of one.
fn close_inherited() {
    let dir = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let open: Vec<i32> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The one through which the list was read is closed already.
        nix::unistd::close(descriptor).ok();
    }
}

/// A living daemon.
struct Life {
    daemon: Arc<Daemon>,
    listener: UnixListener,
    woken: UnixStream,
    lock: Option<Lock>,
}

impl Life {
    /// `None` when another daemon lives.
    fn begin(order: &Order) -> anyhow::Result<Option<Life>> {
        let place = Place::at(&order.stem).ok_or_else(|| anyhow::anyhow!("no place to meet clients"))?;
        place.make().map_err(anyhow::Error::msg)?;
        if let Some(why) = place.is_blocked() {
            anyhow::bail!(why);
        }
        let whoami = format!("daemon of `{}`, process id {}", order.root.display(), std::process::id());
        let lock = match Lock::acquire(&place.lock(), &whoami, |_| (), || true) {
            Ok(lock) => lock,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let before = log::last_words(&place.log());
        log::adopt(&place)?;
        let limits = kin::limits();
        // From here on, what it makes for itself is the user's alone.
        let mask = Mask::new();
        let root = Root::open(&order.root)?;
        anyhow::ensure!(root.as_path() == order.root, "`{}` is a link", order.root.display());
        let settings = DaemonSettings::read(&root, &order.environment);
        fs::remove_file(&place.socket())?;
        let listener = UnixListener::bind(place.socket())?;
        fs::set_mode(&place.socket(), 0o600)?;
        listener.set_nonblocking(true)?;
        let (wake, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        // Watched before it is looked at, so that whatever happens to it later is told.
        let watched = Watched::begin(root.as_path(), &place);
        let ground = Ground::of(root.as_path(), &place);
        if let Some(lines) = &before {
            log::line(&format!(
                "the daemon before this one ended without a word, after: {}",
                lines.join("\n")
            ));
        }
        let limit = settings.idle_timeout;
        log::line(&format!(
            "started: jmake {} for `{}`, ends after {} without work",
            env!("CARGO_PKG_VERSION"),
            root.as_path().display(),
            jmake_core::manifest::show_duration(limit)
        ));
        let daemon = Arc::new(Daemon {
            warm: Arc::new(Warm::new(&root)),
            root,
            place,
            program: order.program.clone(),
            limits,
            environment: order.environment.clone(),
            ground,
            builds: Builds::default(),
            ahead: Ahead::default(),
            mask,
            began: SystemTime::now(),
            before,
            requests: AtomicU64::new(0),
            built: AtomicU64::new(0),
            state: Mutex::new(State {
                sessions: Default::default(),
                next: 0,
                busy: 0,
                active: Instant::now() + FIRST,
                idle_limit: limit,
                ending: None,
            }),
            wake,
        });
        if let Err(why) = watched.and_then(|watched| watched.tell(&daemon)) {
            log::line(&format!("looks every minute whether its folders are still there: {why}"));
        }
        let told = daemon.clone();
        ctrlc::set_handler(move || told.end("a signal", true)).ok();
        Ok(Some(Life { daemon, listener, woken, lock: Some(lock) }))
    }

    fn go_on(mut self) {
        let ending = loop {
            let wait = timespec(self.daemon.until_next_look());
            let mut polled =
                [PollFd::new(&self.listener, PollFlags::IN), PollFd::new(&self.woken, PollFlags::IN)];
            poll(&mut polled, Some(&wait)).ok();
            let mut drop_all = [0; 64];
            while matches!(io::Read::read(&mut self.woken, &mut drop_all), Ok(count) if count > 0) {}
            let came = self.accept_all();
            if let Some(ending) = self.daemon.reason_to_end(came > 0) {
                break ending;
            }
        };
        self.wind_down(&ending);
    }

    /// Lets in all who wait at the door; gives how many they were.
    fn accept_all(&self) -> usize {
        let mut count = 0;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    count += 1;
                    self.daemon.admit(stream);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return count,
                Err(e) => {
                    // Too few descriptors or no memory: whoever waits goes without.
                    log::line(&format!("cannot accept: {e}"));
                    std::thread::sleep(Duration::from_millis(10));
                    return count;
                }
            }
        }
    }

    fn wind_down(&mut self, ending: &Ending) {
        let daemon = &self.daemon;
        if daemon.owns_socket() && daemon.owns_lock() {
            fs::remove_file(&daemon.place.socket()).ok();
        }
        self.accept_all();
        log::stopped(&ending.why);
        // Whoever comes now starts a daemon of his own; nothing in the run folder is touched again.
        drop(self.lock.take());
        daemon.state().ending.get_or_insert_with(|| ending.clone());
        if ending.at_once {
            daemon.hand_back_all();
        }
        let hard = Instant::now() + HARD;
        loop {
            let at_once = daemon.state().ending.as_ref().is_some_and(|ending| ending.at_once);
            if at_once && !ending.at_once {
                daemon.hand_back_all();
            }
            let expected = daemon.is_expecting();
            if !expected || (at_once && Instant::now() > hard) {
                return;
            }
            // A connection that was at the door when the name was taken away.
            let wait = timespec(Duration::from_millis(20));
            poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], Some(&wait)).ok();
            self.accept_all();
        }
    }
}

impl Daemon {
    /// Takes in a client, if it may come in.
    fn admit(self: &Arc<Daemon>, stream: UnixStream) {
        // Before a byte of it is read.
        let peer = match kin::peer(&stream) {
            Ok(peer) if peer.uid == kin::own_uid() => peer,
            Ok(peer) => return log::line(&format!("refused a client of the user {}", peer.uid)),
            Err(e) => return log::line(&format!("refused a client that cannot be known: {e}")),
        };
        let (number, many) = {
            let mut state = self.state();
            state.next += 1;
            (state.next, state.sessions.len() >= MOST)
        };
        if many {
            return log::line("refused a client: there are too many");
        }
        let daemon = self.clone();
        let ended = move || drop(daemon.state().sessions.remove(&number));
        // The thread cannot end before its session is listed.
        let mut state = self.state();
        match stream.set_nonblocking(false).and_then(|()| Session::start(self.clone(), stream, peer, ended)) {
            Ok(session) => drop(state.sessions.insert(number, session)),
            Err(e) => log::line(&format!("refused a client: {e}")),
        }
    }

    fn until_next_look(&self) -> Duration {
        let state = self.state();
        if state.ending.is_some() {
            return Duration::ZERO;
        }
        match state.busy {
            0 => (state.active + state.idle_limit).saturating_duration_since(Instant::now()).min(LOOK),
            _ => LOOK,
        }
    }

    fn reason_to_end(&self, came: bool) -> Option<Ending> {
        let why = |why: &str| Some(Ending { why: why.to_owned(), at_once: false });
        if let Some(ending) = &self.state().ending {
            return Some(ending.clone());
        }
        if let Some(lost) = self.lost_ground() {
            return why(&lost);
        }
        if came {
            return None;
        }
        // Read anew, for the user may have changed it; nothing else is to be done now.
        let settings = DaemonSettings::read(&self.root, &self.environment);
        let mut state = self.state();
        state.idle_limit = settings.idle_timeout;
        if state.busy > 0 {
            return None;
        }
        match () {
            () if !settings.enabled => why("`daemon.enabled` is `false`"),
            () if Instant::now() >= state.active + state.idle_limit => why("there was nothing to do"),
            () => None,
        }
    }

    /// Ends the daemon when memory is short.
    pub fn look_at_memory(&self) {
        if memory_is_short() {
            self.end("memory is short", false);
        }
    }

    fn hand_back_all(&self) {
        let sessions: Vec<_> = self.state().sessions.values().cloned().collect();
        sessions.iter().for_each(|session| session.hand_back());
    }

    /// Whether something is being done, or somebody who has just come may yet ask for it.
    fn is_expecting(&self) -> bool {
        let state = self.state();
        let new = |session: &Arc<Session>| {
            !session.asked.load(std::sync::atomic::Ordering::SeqCst) && session.born.elapsed() < NEW
        };
        state.busy > 0 || state.sessions.values().any(new)
    }
}

/// Bytes of memory this process uses, where the system tells.
pub fn memory_in_use() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn memory_is_short() -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return false };
    is_short(&text)
}

fn is_short(meminfo: &str) -> bool {
    let field = |name: &str| -> Option<u64> {
        let rest = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    match (field("MemAvailable"), field("MemTotal")) {
        (Some(available), Some(total)) => available * 100 < total * SHORT,
        _ => false,
    }
}

/// The settings of the user who starts a daemon, as it finds them.
pub fn environment(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Environment {
    let path = |name: &str| variable(name).map(std::path::PathBuf::from);
    Environment { home: path("HOME"), config_home: path("XDG_CONFIG_HOME"), ..Environment::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_memory() {
        let told =
            |available: u64| format!("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   {available} kB\n");
        assert!(is_short(&told(49)));
        assert!(!is_short(&told(50)));
        assert!(!is_short("nothing"));
    }
}
