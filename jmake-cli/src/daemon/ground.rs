//! What a daemon stands on: its root, its lock file and its socket.
//!
//! Should one of these go away or be another, the daemon is in nobody's service any more and ends.
//! It looks when a client comes and every minute, and at once when the system says that something
//! happened.  For that it asks the kernel itself: [`jmake_core::watch`] would hear of every file
//! that is opened in a folder, and all folders above the root must be watched here, for any of
//! them can be moved.  A folder that is asked only whether it moved itself says nothing of what
//! others do in it.

use std::path::Path;
use std::sync::Arc;

use jmake_core::fs::{self, StatId};

use super::Daemon;
use crate::place::Place;

/// Which files and folders they were when the daemon began.
pub struct Ground {
    root: Option<(u64, u64)>,
    lock: Option<(u64, u64)>,
    socket: Option<(u64, u64)>,
}

impl Ground {
    /// What is there now.
    pub fn of(root: &Path, place: &Place) -> Ground {
        Ground { root: identity(root), lock: identity(&place.lock()), socket: identity(&place.socket()) }
    }
}

/// Which file or folder is at `path`, itself and not what it may link to.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let StatId { dev, ino, .. } = fs::stat_id(&path.symlink_metadata().ok()?);
    Some((dev, ino))
}

const LOCK: &str = "the lock file is not its own any more";
const SOCKET: &str = "the socket is not its own any more";

fn root_is_gone(root: &Path) -> String {
    format!("`{}` is gone or another folder", root.display())
}

impl Daemon {
    /// Why it can no longer serve: the root or its files in the run folder are not what they were.
    pub(super) fn lost_ground(&self) -> Option<String> {
        let root = self.root.as_path();
        if identity(root) != self.ground.root {
            return Some(root_is_gone(root));
        }
        if !self.owns_lock() {
            return Some(LOCK.into());
        }
        (!self.owns_socket()).then(|| SOCKET.into())
    }

    pub(super) fn owns_lock(&self) -> bool {
        identity(&self.place.lock()) == self.ground.lock
    }

    pub(super) fn owns_socket(&self) -> bool {
        identity(&self.place.socket()) == self.ground.socket
    }
}

pub use system::Watched;

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::{OsStr, OsString};
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use rustix::io::Errno;

    use super::{Arc, Daemon, LOCK, Path, Place, SOCKET, root_is_gone};

    /// The ground as the system watches it.
    pub struct Watched {
        system: OwnedFd,
        folders: Vec<(i32, Folder)>,
    }

    /// What is to be known of a folder; one may be here more than once.
    enum Folder {
        /// That it is gone, and why the daemon ends then; that it has moved.
        Itself(Option<String>),
        /// What becomes of the entry of this name, and why the daemon ends when it is removed.
        Holds(OsString, String),
    }

    impl Watched {
        /// Has it watched from now on.
        ///
        /// # Errors
        /// Why that cannot be.
        pub fn begin(root: &Path, place: &Place) -> Result<Watched, String> {
            let system = inotify::init(CreateFlags::CLOEXEC).map_err(|e| e.to_string())?;
            let mut watched = Watched { system, folders: Vec::new() };
            let gone = root_is_gone(root);
            watched.itself(root, Some(gone.clone()))?;
            // That a folder is removed in which somebody still is, only the one above tells.
            watched.holds(root, gone)?;
            for (file, why) in [(place.lock(), LOCK), (place.socket(), SOCKET)] {
                watched.holds(&file, why.into())?;
            }
            for path in [root, &place.socket()] {
                let above = path.ancestors().skip(1);
                for dir in above.filter(|dir| dir.parent().is_some()) {
                    match watched.itself(dir, None) {
                        Ok(()) => {}
                        // Folders that may only be passed through; whoever owns them rarely moves them.
                        Err(_) if rustix::fs::access(dir, rustix::fs::Access::READ_OK).is_err() => {}
                        Err(e) => return Err(e),
                    }
                }
            }
            Ok(watched)
        }

        fn itself(&mut self, dir: &Path, gone: Option<String>) -> Result<(), String> {
            self.add(dir, WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF, Folder::Itself(gone))
        }

        fn holds(&mut self, entry: &Path, why: String) -> Result<(), String> {
            let (Some(dir), Some(name)) = (entry.parent(), entry.file_name()) else { return Ok(()) };
            let what = WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
            self.add(dir, what, Folder::Holds(name.to_owned(), why))
        }

        fn add(&mut self, dir: &Path, what: WatchFlags, folder: Folder) -> Result<(), String> {
            // More of a folder that is watched already.
            let what = what | WatchFlags::MASK_ADD | WatchFlags::ONLYDIR;
            let number = inotify::add_watch(&self.system, dir, what)
                .map_err(|e| format!("`{}` cannot be watched: {e}", dir.display()))?;
            self.folders.push((number, folder));
            Ok(())
        }

        /// Tells `daemon` what happens, in a thread of its own.
        ///
        /// # Errors
        /// When there can be no more threads.
        pub fn tell(self, daemon: &Arc<Daemon>) -> Result<(), String> {
            let daemon = daemon.clone();
            let thread = std::thread::Builder::new().name("ground".into());
            thread.spawn(move || self.hear(&daemon)).map(drop).map_err(|e| e.to_string())
        }

        fn hear(&self, daemon: &Daemon) {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut events = inotify::Reader::new(&self.system, &mut buffer);
            loop {
                let event = match events.next() {
                    Ok(event) => event,
                    Err(Errno::INTR) => continue,
                    Err(_) => return,
                };
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                    daemon.wake();
                }
                for (_, folder) in self.folders.iter().filter(|(number, _)| *number == event.wd()) {
                    match folder.news(event.events(), name) {
                        News::None => {}
                        News::Maybe => daemon.wake(),
                        // Whatever is in its place now may have got its number, too.
                        News::Gone(why) => daemon.end(why, false),
                    }
                }
            }
        }
    }

    /// What an event says about the ground.
    enum News<'a> {
        None,
        Maybe,
        Gone(&'a str),
    }

    impl Folder {
        fn news(&self, events: ReadFlags, name: Option<&OsStr>) -> News<'_> {
            let are = |what: ReadFlags| events.intersects(what);
            match self {
                Folder::Itself(_) if name.is_some() => News::None,
                Folder::Itself(Some(why)) if are(ReadFlags::DELETE_SELF) => News::Gone(why),
                Folder::Itself(_) if are(ReadFlags::IGNORED) => News::None,
                Folder::Itself(_) => News::Maybe,
                Folder::Holds(own, _) if name != Some(own) => News::None,
                Folder::Holds(_, why) if are(ReadFlags::DELETE) => News::Gone(why),
                Folder::Holds(..) => News::Maybe,
            }
        }
    }
}

/// On other systems it looks every minute.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Arc, Daemon, Path, Place};

    /// Nothing.
    pub struct Watched;

    impl Watched {
        /// Has nothing watched.
        ///
        /// # Errors
        /// Always.
        pub fn begin(_root: &Path, _place: &Place) -> Result<Watched, String> {
            Err("this system does not tell".into())
        }

        /// Tells nothing.
        ///
        /// # Errors
        /// Never.
        pub fn tell(self, _daemon: &Arc<Daemon>) -> Result<(), String> {
            Ok(())
        }
    }
}
