//! Where a daemon and its clients meet: a folder that is only the user's, and in it one name for
//! each root, build of jmake, version of the protocol and user.
//!
//! Other builds of jmake have other names, so old and new never meet.  A folder that somebody else
//! could have made or could change is refused, with the reason, and nothing in it is touched.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jmake_core::digest::Fields;
use jmake_core::path::Root;

use crate::kin;
use crate::wire::PROTOCOL;

/// What lies in the run folder for one daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    dir: PathBuf,
    name: String,
}

impl Place {
    /// The place of the daemon for `root` in the run folder `dir`.
    pub fn of(dir: &Path, root: &Root, program: &str) -> Place {
        let mut fields = Fields::new();
        fields.push("root", root.as_path().as_os_str().as_bytes());
        fields.push("program", program);
        fields.push("protocol", PROTOCOL.to_le_bytes());
        fields.push("uid", kin::own_uid().to_le_bytes());
        Place { dir: dir.to_owned(), name: fields.digest().short() }
    }

    /// The place whose files begin with `stem`.
    pub fn at(stem: &Path) -> Option<Place> {
        let name = stem.file_name()?.to_str()?.to_owned();
        Some(Place { dir: stem.parent()?.to_owned(), name })
    }

    /// What the names of all its files begin with.
    pub fn stem(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.name))
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// The file whose lock a living daemon holds.
    pub fn lock(&self) -> PathBuf {
        self.file("lock")
    }

    /// What the daemon writes.
    pub fn log(&self) -> PathBuf {
        self.file("log")
    }

    /// What it wrote before that.
    pub fn old_log(&self) -> PathBuf {
        self.file("log.1")
    }

    /// Why the last build did without a daemon.
    pub fn note(&self) -> PathBuf {
        self.file("note")
    }

    /// Makes the run folder if it is missing, and looks whether it can be trusted.
    ///
    /// # Errors
    /// With the reason why not.
    pub fn make(&self) -> Result<(), String> {
        if matches!(self.dir.symlink_metadata(), Err(e) if e.kind() == io::ErrorKind::NotFound) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
            made.map_err(|e| format!("cannot make the run folder `{}`: {e}", self.dir.display()))?;
        }
        match self.check()? {
            true => Ok(()),
            false => Err(format!("the run folder `{}` vanished", self.dir.display())),
        }
    }

    /// Whether the run folder is there.
    ///
    /// # Errors
    /// With the reason when it must not be used.
    pub fn check(&self) -> Result<bool, String> {
        let dir = self.dir.display();
        let meta = match self.dir.symlink_metadata() {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(format!("cannot look at the run folder `{dir}`: {e}")),
        };
        if meta.is_symlink() {
            return Err(format!("the run folder `{dir}` is a symbolic link"));
        }
        if !meta.is_dir() {
            return Err(format!("the run folder `{dir}` is not a folder"));
        }
        if meta.uid() != kin::own_uid() {
            return Err(format!("the run folder `{dir}` belongs to the user {}", meta.uid()));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(format!(
                "others can enter the run folder `{dir}` (mode {:03o})",
                meta.mode() & 0o777
            ));
        }
        Ok(true)
    }

    /// Whether what is at the socket's place is none, so that it is nothing of jmake's.
    pub fn is_blocked(&self) -> Option<String> {
        let (socket, lock) = (self.socket(), self.lock());
        let odd = |path: &Path, fits: fn(&std::fs::FileType) -> bool, what: &str| {
            let meta = path.symlink_metadata().ok()?;
            (!fits(&meta.file_type())).then(|| format!("`{}` is not {what}", path.display()))
        };
        odd(&socket, std::os::unix::fs::FileTypeExt::is_socket, "a socket")
            .or_else(|| odd(&lock, std::fs::FileType::is_file, "a file"))
    }

    /// Opens the log to write at its end.
    ///
    /// # Errors
    /// When it is no file of ours or cannot be written.
    pub fn open_log(&self) -> io::Result<File> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut options = File::options();
        options.create(true).append(true).mode(0o600).custom_flags(flags.bits() as i32);
        let file = options.open(self.log())?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file")),
        }
    }

    /// Whether somebody holds the daemon's lock.
    pub fn is_locked(&self) -> bool {
        let Ok(file) = jmake_core::fs::open(&self.lock()) else { return false };
        matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    }

    /// Whether the process `pid` holds the daemon's lock, as far as what is written there tells.
    pub fn is_held_by(&self, pid: i32) -> bool {
        let holder = std::fs::read_to_string(self.lock()).unwrap_or_default();
        self.is_locked() && holder.ends_with(&format!(", process id {pid}"))
    }
}

/// The run folder: below `runtime` (`XDG_RUNTIME_DIR`) when that is a folder, else below the
/// user's cache.
pub fn run_dir(runtime: Option<&Path>, cache_home: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    match runtime.filter(|dir| dir.is_absolute() && dir.is_dir()) {
        Some(dir) => Some(dir.join("jmake")),
        None => jmake_core::fs::cache_dir(cache_home, home).map(|dir| dir.join("run")),
    }
}
