//! The umask belongs to the whole process, and each client has its own: whoever makes files holds
//! it for as long, and several can where theirs are equal.

use std::sync::{Condvar, Mutex, PoisonError};

use rustix::fs::Mode;

/// What holds while nobody makes files for a client.
const OWN: u32 = 0o077;

/// The process's umask.
#[derive(Default)]
pub struct Mask {
    held: Mutex<(u32, usize)>,
    free: Condvar,
}

impl Mask {
    /// The process's umask is now that of the daemon itself.
    pub fn new() -> Mask {
        set(OWN);
        Mask::default()
    }

    /// Waits until the umask can be `mask`; it stays so until the result is dropped.
    pub fn under(&self, mask: u32) -> Held<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held.1 > 0 && held.0 != mask {
            held = self.free.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        if held.1 == 0 {
            set(mask);
        }
        *held = (mask, held.1 + 1);
        Held(self)
    }
}

fn set(mask: u32) {
    rustix::process::umask(Mode::from_raw_mode(mask & 0o777));
}

/// The umask is a client's.
pub struct Held<'a>(&'a Mask);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 -= 1;
        if held.1 == 0 {
            set(OWN);
            self.0.free.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_masks_share_and_others_wait() {
        let mask = Mask::new();
        let first = mask.under(0o022);
        let second = mask.under(0o022);
        assert_eq!(crate::kin::umask(), 0o022);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let _held = mask.under(0o027);
                crate::kin::umask()
            });
            drop(first);
            assert!(!other.is_finished());
            drop(second);
            assert_eq!(other.join().unwrap(), 0o027);
        });
        assert_eq!(crate::kin::umask(), OWN);
    }
}
