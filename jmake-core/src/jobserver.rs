//! Permission to run processes, shared with other programs through the GNU make protocol.
//!
//! Started by `make -j8` (or by anything else that speaks the protocol) jmake takes a token for
//! each process beyond its first and gives it back when the process ends, so that together they
//! never run more than the user asked for.  On its own it offers the same to its children: a
//! compiler or linker that runs several jobs of its own takes tokens for them.
//!
//! Protocol: <https://www.gnu.org/software/make/manual/html_node/POSIX-Jobserver.html>.  The two
//! descriptors of the classic form are opened anew through `/dev/fd`, which needs no `unsafe` and
//! leaves their flags alone.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::fs;

/// Where permissions come from.
pub enum Tokens {
    /// Nobody else is to be asked.
    Unlimited,
    /// A jobserver, another program's or our own.
    Shared(Shared),
}

/// A jobserver.
pub struct Shared {
    reader: File,
    writer: File,
    held: Mutex<Vec<u8>>,
    /// How children are told of it.
    makeflags: String,
}

/// The most tokens of a jobserver of our own: what fits into a pipe on every system.
const MOST: usize = 4096;

impl Tokens {
    /// The jobserver that `makeflags` (the value of `MAKEFLAGS`) names, if it names one that can
    /// be reached.
    pub fn inherited(makeflags: &str) -> Tokens {
        let auth = makeflags.split_whitespace().rev().find_map(|flag| {
            flag.strip_prefix("--jobserver-auth=").or_else(|| flag.strip_prefix("--jobserver-fds="))
        });
        auth.and_then(|auth| open(auth, makeflags)).map_or(Tokens::Unlimited, Tokens::Shared)
    }

    /// A jobserver of our own for `jobs` processes at once, in the folder `dir`, which must outlive
    /// them.  Where none can be made, nobody else is asked.
    pub fn offered(dir: &Path, jobs: usize) -> Tokens {
        let place = dir.join("jobserver");
        let tokens = vec![b'+'; jobs.saturating_sub(1).min(MOST)];
        // A place with a blank in it could not be told to children.
        let told = place.to_str().filter(|text| !text.contains(char::is_whitespace));
        let (Some(told), false) = (told, tokens.is_empty()) else { return Tokens::Unlimited };
        let makeflags = format!(" -j{} --jobserver-auth=fifo:{told}", tokens.len() + 1);
        match fs::make_fifo(&place).ok().and_then(|()| open(&format!("fifo:{told}"), &makeflags)) {
            Some(shared) if (&shared.writer).write_all(&tokens).is_ok() => Tokens::Shared(shared),
            _ => Tokens::Unlimited,
        }
    }

    /// `MAKEFLAGS` for children, so that they share too.
    pub fn makeflags(&self) -> Option<&str> {
        match self {
            Tokens::Unlimited => None,
            Tokens::Shared(shared) => Some(&shared.makeflags),
        }
    }

    /// Takes permission for one more process; the `first` one needs none.  `false` when there is
    /// none to be had at the moment.
    pub fn acquire(&self, first: bool) -> bool {
        let Tokens::Shared(shared) = self else { return true };
        let mut held = shared.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut token = [0];
        if first {
            return true;
        }
        match (&shared.reader).read(&mut token) {
            Ok(1) => {
                held.push(token[0]);
                true
            }
            // Empty (`WouldBlock`) or closed: somebody else is working.
            _ => false,
        }
    }

    /// Gives back what one ended process held.
    pub fn release(&self) {
        let Tokens::Shared(shared) = self else { return };
        let mut held = shared.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(token) = held.pop() {
            // A closed pipe means that make is gone, and with it the need to share.
            (&shared.writer).write_all(&[token]).ok();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.writer.write_all(held).ok();
    }
}

fn open(auth: &str, makeflags: &str) -> Option<Shared> {
    let (read, write) = match auth.strip_prefix("fifo:") {
        Some(path) => (PathBuf::from(path), PathBuf::from(path)),
        None => {
            let (read, write) = auth.split_once(',')?;
            let number = |text: &str| text.parse::<u32>().ok();
            (
                Path::new("/dev/fd").join(number(read)?.to_string()),
                Path::new("/dev/fd").join(number(write)?.to_string()),
            )
        }
    };
    Some(Shared {
        reader: open_nonblocking(&read)?,
        writer: File::options().write(true).open(&write).ok()?,
        held: Mutex::default(),
        makeflags: makeflags.to_owned(),
    })
}

#[cfg(unix)]
fn open_nonblocking(path: &Path) -> Option<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    if !path.metadata().ok()?.file_type().is_fifo() {
        return None;
    }
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    File::options().read(true).write(true).custom_flags(flags as i32).open(path).ok()
}

#[cfg(not(unix))]
fn open_nonblocking(_path: &Path) -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_round() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        fs::make_fifo(&fifo).unwrap();
        let mut make = open_nonblocking(&fifo).unwrap();
        make.write_all(b"ab").unwrap();
        let tokens = Tokens::inherited(&format!("kw -j3 --jobserver-auth=fifo:{}", fifo.display()));
        assert!(tokens.acquire(true));
        assert!(tokens.acquire(false) && tokens.acquire(false));
        assert!(!tokens.acquire(false));
        tokens.release();
        assert!(tokens.acquire(false));
        drop(tokens);
        let mut left = [0; 4];
        assert_eq!(make.read(&mut left).unwrap(), 2, "every token came back");
    }

    #[test]
    fn children_share_what_is_offered() {
        let dir = tempfile::tempdir().unwrap();
        let ours = Tokens::offered(dir.path(), 3);
        let child = Tokens::inherited(ours.makeflags().unwrap());
        assert!(ours.acquire(true) && ours.acquire(false));
        assert!(child.acquire(true), "what a child runs itself in was given to it");
        assert!(child.acquire(false) && !child.acquire(false));
        assert!(!ours.acquire(false), "three at once are three at once");
        drop(child);
        assert!(ours.acquire(false));
        assert!(Tokens::offered(dir.path(), 1).makeflags().is_none(), "one job leaves nothing to share");
        let blank = dir.path().join("a b");
        std::fs::create_dir(&blank).unwrap();
        assert!(Tokens::offered(&blank, 3).makeflags().is_none());
    }

    #[test]
    fn nothing_to_share() {
        for flags in [
            "",
            "-j",
            "--jobserver-auth=no",
            "--jobserver-auth=fifo:/no/such",
            "--jobserver-auth=1",
            "--jobserver-auth=-2,-2",
        ] {
            assert!(matches!(Tokens::inherited(flags), Tokens::Unlimited), "{flags}");
        }
    }
}
