//! Starting a daemon and meeting it.

use std::path::Path;
use std::time::{Duration, Instant};

use jmake_core::configure::Environment;
use jmake_core::path::{Root, bytes_of};
use jmake_core::process::{self, Spec};

use super::line::{Line, NoLine};
use crate::daemon::log;
use crate::place::Place;

/// How long a daemon may take until it takes in clients, where a build waits for it.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// The same where the user wants the daemon and nothing else will do.
pub const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// The same where the user waits for nothing but the daemon.
pub const ALL_PATIENCE: Duration = Duration::from_secs(10);
/// How often it is tried.
const AGAIN: Duration = Duration::from_millis(2);

/// A daemon that was just started.
pub struct Started {
    /// The connection to it.
    pub line: Line,
    /// The last lines of the one before it, when that ended without a word.
    pub died: Option<Vec<String>>,
}

/// Starts a daemon for `root` at `place` and connects to it, if it is ready within `patience`.
///
/// # Errors
/// With the reason why there is none.
pub fn start(
    place: &Place,
    root: &Root,
    program: &str,
    environment: &Environment,
    patience: Duration,
) -> Result<Started, String> {
    place.make()?;
    if let Some(why) = place.is_blocked() {
        return Err(why);
    }
    // With its lock held, the one before is still there, or another has been started already.
    let died = if place.is_locked() { None } else { log::last_words(&place.log()) };
    let exe = std::env::current_exe().map_err(|e| format!("cannot find jmake's own program: {e}"))?;
    let output = place.open_log().map_err(|e| format!("cannot write `{}`: {e}", place.log().display()))?;
    let spec = spec(&exe, place, root, program, environment);
    let mut child = process::detach(&spec, output).map_err(|e| format!("cannot start the daemon: {e}"))?;
    let until = Instant::now() + patience;
    loop {
        let ended = child.has_ended();
        match Line::to(place) {
            Ok(line) => return Ok(Started { line, died }),
            Err(NoLine::Refused(why)) => return Err(why),
            // It may have ended because another was faster and is about to be ready.
            Err(NoLine::Nobody) if ended && !place.is_locked() => {
                let words = log::tail(&place.log(), 2).first().cloned().unwrap_or_default();
                return Err(format!("the daemon ended at once: {words}"));
            }
            Err(NoLine::Nobody) if Instant::now() >= until => {
                return Err(format!("the daemon is not ready after {} ms", patience.as_millis()));
            }
            Err(NoLine::Nobody) => std::thread::sleep(AGAIN),
        }
    }
}

fn spec(exe: &Path, place: &Place, root: &Root, program: &str, environment: &Environment) -> Spec {
    let stem = place.stem();
    let argv: [&[u8]; 8] = [
        bytes_of(exe.as_os_str()),
        b"daemon",
        b"serve",
        b"--stem",
        bytes_of(stem.as_os_str()),
        b"--program",
        program.as_bytes(),
        bytes_of(root.as_path().as_os_str()),
    ];
    // Only what tells where the user's own settings are: requests bring all else.
    let settings = [("HOME", &environment.home), ("XDG_CONFIG_HOME", &environment.config_home)];
    let env = settings.iter().filter_map(|(name, path)| {
        Some((name.as_bytes().to_vec(), bytes_of(path.as_ref()?.as_os_str()).to_vec()))
    });
    // glibc gives each thread a heap of its own, and what is freed in one stays there: of a large
    // project that comes to twice the memory.  (mallopt(3); elsewhere it means nothing.)
    let heaps = (b"MALLOC_ARENA_MAX".to_vec(), b"1".to_vec());
    Spec { env: env.chain([heaps]).collect(), ..Spec::new(argv, "/") }
}
