//! The project's lock.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use super::{fault, remove_all, remove_file, stat, stat_id};

/// An exclusive lock on a file, freed by the kernel when its holder ends, however it ends.
pub struct Lock {
    // Held for its lock only.
    _file: File,
}

impl Lock {
    /// Takes the lock at `path`.  While another process holds it, `waiting` is called once with
    /// what the holder wrote about itself, and `cancelled` is asked now and then.
    ///
    /// # Errors
    /// When the file cannot be made, or `Interrupted` when `cancelled` says so.
    pub fn acquire(
        path: &Path,
        whoami: &str,
        waiting: impl FnOnce(&str),
        cancelled: impl Fn() -> bool,
    ) -> io::Result<Lock> {
        let mut waiting = Some(waiting);
        loop {
            let file = Lock::open(path)?;
            Lock::wait(&file, &mut waiting, &cancelled)?;
            // Whoever held it may have removed it, with the folder it lies in.
            if stat(path)? == Some(stat_id(&file.metadata()?)) {
                return Ok(Lock::signed(file, whoami));
            }
        }
    }

    fn wait(
        file: &File,
        waiting: &mut Option<impl FnOnce(&str)>,
        cancelled: impl Fn() -> bool,
    ) -> io::Result<()> {
        while let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            if let Some(waiting) = waiting.take() {
                let mut holder = String::new();
                (&mut &*file).read_to_string(&mut holder).ok();
                waiting(holder.trim());
            }
            if cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Who holds the lock is a courtesy to the next in line, so failing to say so is no error.
    /// Cutting a file is dear, and the same holder comes again and again.
    fn signed(mut file: File, whoami: &str) -> Lock {
        let mut before = Vec::new();
        if file.read_to_end(&mut before).is_ok() && before == whoami.as_bytes() {
            return Lock { _file: file };
        }
        file.set_len(0).ok();
        io::Seek::rewind(&mut file).ok();
        file.write_all(whoami.as_bytes()).ok();
        Lock { _file: file }
    }

    /// Opens the file to lock.  What is there but no file, or not to be opened, is damage.
    fn open(path: &Path) -> io::Result<File> {
        fault::point(path)?;
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        if stat(path).is_ok_and(|stat| stat.is_some_and(|stat| !stat.is_file())) {
            remove_all(path)?;
        }
        let open = || File::options().create(true).truncate(false).read(true).write(true).open(path);
        open().or_else(|e| remove_file(path).and_then(|()| open()).map_err(|_| e))
    }
}
