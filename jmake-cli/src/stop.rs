//! Ctrl-C: the first asks everything to stop, the second stops it.
//!
//! The first cancels the request: running compilers are ended, what is finished is kept, and the
//! reply says that it was interrupted.  The second kills what still runs and does not wait for
//! more than a moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jmake_core::process::Cancel;

/// How long the second Ctrl-C waits for an orderly end.
const MOMENT: Duration = Duration::from_millis(300);

/// What SIGINT, SIGTERM and SIGHUP cancel from now on.
pub fn on_interrupt() -> Cancel {
    let cancel = Cancel::new();
    let shared = cancel.clone();
    let again = AtomicBool::new(false);
    let stop = move || {
        shared.cancel();
        if again.swap(true, Ordering::SeqCst) {
            std::thread::sleep(MOMENT);
            std::process::exit(i32::from(crate::INTERRUPTED));
        }
    };
    // Without a handler the signals end the process as they always do.
    ctrlc::set_handler(stop).ok();
    cancel
}
