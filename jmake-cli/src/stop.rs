//! Ctrl-C: the first asks everything to stop, the second stops it.
//!
//! The first cancels the request: running compilers are ended, what is finished is kept, and the
//! reply says that it was interrupted.  Where a daemon does the work, it is told.  The second kills
//! what still runs and does not wait for more than a moment.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jmake_core::process::Cancel;

/// How long the second Ctrl-C waits for an orderly end.
const MOMENT: Duration = Duration::from_millis(300);

type Tell = (UnixStream, fn(&UnixStream));

/// What SIGINT, SIGTERM and SIGHUP do.
#[derive(Clone, Default)]
pub struct Interrupt {
    /// Cancelled by the first.
    pub cancel: Cancel,
    tell: Arc<Mutex<Option<Tell>>>,
    again: Arc<AtomicBool>,
    listening: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on these signals stop what is done under `self`; before that they end the process
    /// as they always do.
    pub fn listen(&self) {
        if self.listening.swap(true, Ordering::SeqCst) {
            return;
        }
        let shared = self.clone();
        // Without a handler the signals end the process as they always do.
        ctrlc::set_handler(move || shared.make()).ok();
    }

    /// From now on, whoever is at the other end of the first `stream` that is given is told too.
    pub fn also(&self, stream: impl FnOnce() -> Option<UnixStream>, tell: fn(&UnixStream)) {
        let mut told = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none() {
            *told = stream().map(|stream| (stream, tell));
        }
        drop(told);
        self.listen();
    }

    /// Whether it has been made.
    pub fn is_made(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn make(&self) {
        self.cancel.cancel();
        if let Some((stream, tell)) = &*self.tell.lock().unwrap_or_else(PoisonError::into_inner) {
            tell(stream);
        }
        if self.again.swap(true, Ordering::SeqCst) {
            std::thread::sleep(MOMENT);
            std::process::exit(i32::from(crate::INTERRUPTED));
        }
    }
}
