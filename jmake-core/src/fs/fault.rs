//! The numbered hook through which every change of the disk passes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);
static FAIL_AT: AtomicU64 = AtomicU64::new(u64::MAX);
static FROM_THERE_ON: AtomicU64 = AtomicU64::new(0);
static ERRNO: AtomicU64 = AtomicU64::new(0);
static BELOW: OnceLock<PathBuf> = OnceLock::new();

/// How many state-changing calls this process has made.
pub fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

/// From now on the `at`-th call (from 0) fails with the system's error number `errno`, or, if
/// that is 0, ends the process at once as a kill would; with `from_there_on`, every later
/// call fails too.
pub fn arm(at: u64, errno: i32, from_there_on: bool) {
    ERRNO.store(u64::from(errno.unsigned_abs()), Ordering::Relaxed);
    FROM_THERE_ON.store(u64::from(from_there_on), Ordering::Relaxed);
    FAIL_AT.store(at, Ordering::Relaxed);
}

/// From now on only calls about `dir` or something below it are counted and failed, so that one
/// of several disks can be the faulty one.  The first call of this function counts.
pub fn only_below(dir: &Path) {
    BELOW.set(dir.to_owned()).ok();
}

/// Counts one call about `path` and fails it if it is the armed one.
pub(super) fn point(path: &Path) -> io::Result<()> {
    if BELOW.get().is_some_and(|dir| !path.starts_with(dir)) {
        return Ok(());
    }
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let at = FAIL_AT.load(Ordering::Relaxed);
    if call == at || (call > at && FROM_THERE_ON.load(Ordering::Relaxed) == 1) {
        match ERRNO.load(Ordering::Relaxed) {
            0 => std::process::abort(),
            errno => return Err(io::Error::from_raw_os_error(errno as i32)),
        }
    }
    Ok(())
}
