//! The daemon: an engine kept warm, and framing.
//!
//! One process for each root, build of jmake and user, started by the first client that wants one.
//! It knows nothing that the engine does not and has no pipeline of its own: a request is put to
//! the same [`Engine`](jmake_core::engine::Engine) that the command itself would ask, with the
//! environment and the umask of its client.  A request lives as long as its connection.
//!
//! [`life`] is how it begins and ends, [`ground`] what it stands on, [`session`] one connection,
//! [`methods`] what can be asked, [`builds`] who builds when.

mod ahead;
mod builds;
mod ground;
mod life;
pub mod log;
mod mask;
mod methods;
mod outbox;
mod session;

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jmake_core::configure::Environment;
use jmake_core::path::Root;
use jmake_core::warm::Warm;

use crate::place::Place;
use ahead::Ahead;
use builds::Builds;
use mask::Mask;
use session::Session;

pub use life::{environment, serve};
pub use methods::Status;

/// How a daemon is started.
#[derive(Clone, Debug)]
pub struct Order {
    /// The project's root.
    pub root: PathBuf,
    /// What the names of its files in the run folder begin with.
    pub stem: PathBuf,
    /// Which build of jmake this is.
    pub program: String,
    /// Where the user's own settings are.
    pub environment: Environment,
}

/// What all parts of the daemon share.
pub struct Daemon {
    root: Root,
    place: Place,
    program: String,
    limits: String,
    /// The environment by which the daemon itself finds its settings; no request sees it.
    environment: Environment,
    warm: Arc<Warm>,
    ground: ground::Ground,
    builds: Builds,
    ahead: Ahead,
    mask: Mask,
    began: SystemTime,
    /// The last lines of a daemon before this one that ended without a word.
    before: Option<Vec<String>>,
    requests: AtomicU64,
    built: AtomicU64,
    state: Mutex<State>,
    /// Wakes the thread that accepts.
    wake: UnixStream,
}

/// What changes.
struct State {
    sessions: HashMap<u64, Arc<Session>>,
    next: u64,
    /// Requests being worked on.
    busy: usize,
    /// When there was last something to do.
    active: Instant,
    /// How long it stays when there is nothing to do.
    idle_limit: Duration,
    /// Why it is to end.
    ending: Option<Ending>,
}

/// Why a daemon ends.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Ending {
    why: String,
    /// Whether what is being done is left to the clients.
    at_once: bool,
}

impl Daemon {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins; `false` when it cannot, for the daemon is ending.
    fn begin(&self, may_still: bool) -> bool {
        let mut state = self.state();
        let refused = match &state.ending {
            Some(ending) => ending.at_once || !may_still,
            None => false,
        };
        if !refused {
            state.busy += 1;
        }
        !refused
    }

    /// A request is done with.
    fn done(&self) {
        let mut state = self.state();
        state.busy -= 1;
        state.active = Instant::now();
        // A long limit is noticed in time without being woken.
        let soon = state.idle_limit < life::LOOK;
        if state.busy == 0 && (soon || state.ending.is_some()) {
            self.wake();
        }
    }

    /// Ends the daemon: what is under way is finished, or left to the clients when `at_once`.
    fn end(&self, why: impl Into<String>, at_once: bool) {
        let mut state = self.state();
        if state.ending.as_ref().is_none_or(|ending| at_once && !ending.at_once) {
            state.ending = Some(Ending { why: why.into(), at_once });
        }
        self.wake();
    }

    fn wake(&self) {
        // Full means that it is being woken already.
        rustix::net::send(&self.wake, b"!", rustix::net::SendFlags::DONTWAIT).ok();
    }
}
