//! The only module that changes the disk.
//!
//! Every output is written under a temporary name in its own folder and renamed, so that no
//! reader ever sees half a file and a killed build leaves the last good one.  Each call that
//! changes something passes through one numbered hook ([`fault`]), with which the tests end the
//! process or fail the call at every single step of a build.

#![expect(clippy::disallowed_methods, reason = "this is the one place that changes the disk")]

pub mod fault;
mod lock;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::digest::{Digest, Hasher};

pub use lock::Lock;

/// What the file system says about a file without reading it: if two of these are equal, and the
/// file was not changed within the clock's grain of the moment it was read (see
/// [`StatId::settled`]), the content is the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatId {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime: i64,
    /// Time of the last change of content or metadata, in nanoseconds since 1970.
    pub ctime: i64,
    /// Type and permission bits.
    pub mode: u32,
}

/// How long before it was read a file must have been left alone for its [`StatId`] to stand for
/// its content.  Two seconds is the coarsest clock in use (FAT); most are far finer.
const GRAIN: i64 = 2_000_000_000;

impl StatId {
    /// Whether this identity, taken when the file system's clock said `now` (nanoseconds) or
    /// later, may stand for the content read after it: a file changed more recently than the
    /// clock's grain could change again without a trace in its times.
    pub fn settled(&self, now: i64) -> bool {
        self.mtime.max(self.ctime) + GRAIN <= now
    }

    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// Whether it is an ordinary file.
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// The identity of what `path` leads to, following symbolic links; `None` when there is nothing.
///
/// # Errors
/// When the path cannot be examined for another reason than absence (permission, a loop).
pub fn stat(path: &Path) -> io::Result<Option<StatId>> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(stat_id(&meta))),
        // A component that is a file is an absent path too.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The identity that `meta` holds.
#[cfg(unix)]
pub fn stat_id(meta: &fs::Metadata) -> StatId {
    use std::os::unix::fs::MetadataExt;
    StatId {
        dev: meta.dev(),
        ino: meta.ino(),
        size: meta.size(),
        mtime: meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
        ctime: meta.ctime() * 1_000_000_000 + meta.ctime_nsec(),
        mode: meta.mode(),
    }
}

/// The identity that `meta` holds, as far as this system tells: without device and inode numbers
/// the times and the size must do, so nothing is ever taken as settled there.
#[cfg(not(unix))]
pub fn stat_id(meta: &fs::Metadata) -> StatId {
    let mode = if meta.is_dir() { 0o040_000 } else { 0o100_000 };
    StatId { dev: 0, ino: 0, size: meta.len(), mtime: i64::MAX / 2, ctime: i64::MAX / 2, mode }
}

/// The whole content of `path`.
///
/// # Errors
/// When it cannot be read; the message names it.  Anything but an ordinary file is refused: a
/// FIFO in a source tree must not hang a build.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    must_be_file(&fs::metadata(path)?)?;
    read_file(path)
}

/// As [`read`], of what has just been seen to be an ordinary file.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_file(path)?;
    let meta = file.metadata()?;
    must_be_file(&meta)?;
    let len = usize::try_from(meta.len()).map_err(io::Error::other)?;
    // One byte more, so that one call tells of the end.
    let mut bytes = vec![0; len + 1];
    let mut done = 0;
    loop {
        match file.read(&mut bytes[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        if done == len {
            break;
        }
        if done == bytes.len() {
            // It has grown, or has no size.
            bytes.resize(2 * done + 4096, 0);
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// Opens an ordinary file for reading.
///
/// # Errors
/// When it cannot be opened or is no ordinary file.
pub fn open(path: &Path) -> io::Result<File> {
    must_be_file(&fs::metadata(path)?)?;
    open_file(path)
}

fn must_be_file(meta: &fs::Metadata) -> io::Result<()> {
    match meta.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file")),
    }
}

/// Opens what was an ordinary file a moment ago; a FIFO that has come since does not hold this up.
fn open_file(path: &Path) -> io::Result<File> {
    let mut how = File::options();
    how.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        how.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    how.open(path)
}

/// The digest of the content of `path`, read piece by piece.
///
/// # Errors
/// As [`read`].
pub fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = open(path)?;
    let mut hasher = Hasher::default();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&piece[..n]),
        }
    }
}

/// Creates `dir` and the folders above it.
///
/// # Errors
/// When one of them cannot be made, for instance because a file is in the way.
pub fn create_dir_all(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let made = fault::point(dir).and_then(|()| fs::create_dir_all(dir));
    made.with_context(|| format!("cannot create folder `{}`", dir.display()))
}

/// Makes `bytes` the content of `path`, atomically: a temporary file in the same folder is
/// written and renamed over it.
///
/// # Errors
/// When the folder is missing or not writable, or the disk is full; `path` is then unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let put = || -> io::Result<()> {
        let mut file = temporary_for(path)?;
        fault::point(path)?;
        file.write_all(bytes)?;
        persist(file, path)
    };
    put().with_context(|| format!("cannot write `{}`", path.display()))
}

/// As [`write()`], if `still` says so when the new content is ready to take its place, in the very
/// last moment; tells whether it did.
///
/// # Errors
/// As [`write()`].
pub fn write_if(path: &Path, bytes: &[u8], still: impl FnOnce() -> bool) -> Result<bool> {
    let put = || -> io::Result<bool> {
        let mut file = temporary_for(path)?;
        fault::point(path)?;
        file.write_all(bytes)?;
        if !still() {
            return Ok(false);
        }
        persist(file, path).map(|()| true)
    };
    put().with_context(|| format!("cannot write `{}`", path.display()))
}

/// As [`write()`] for a file of jmake's own: a folder in its place is damage and is removed.
///
/// # Errors
/// As [`write()`].
pub fn write_own(path: &Path, bytes: &[u8]) -> Result<()> {
    clear_way(path).with_context(|| format!("cannot remove the folder `{}`", path.display()))?;
    write(path, bytes)
}

/// Removes a folder at `path`, so that a file can be renamed to there; anything else may stay.
///
/// # Errors
/// When the folder cannot be removed.
pub fn clear_way(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => remove_dir_all(path),
        _ => Ok(()),
    }
}

/// As [`write_own`], unless `path` already holds exactly `bytes`; tells whether it wrote.
///
/// # Errors
/// As [`write()`].
pub fn write_own_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    let size = fs::metadata(path).map_or(0, |there| there.len());
    if size == bytes.len() as u64 && digest(path).is_ok_and(|there| there == Digest::of(bytes)) {
        return Ok(false);
    }
    write_own(path, bytes).map(|()| true)
}

/// A temporary file beside `path`, removed again when dropped.
///
/// # Errors
/// When the folder is missing or not writable.
pub fn temporary_for(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    fault::point(path)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    tempfile::Builder::new().prefix(TEMPORARY).permissions(default_permissions()).tempfile_in(dir)
}

/// What the name of every temporary file of jmake begins with.
pub const TEMPORARY: &str = ".jmake-tmp-";

#[cfg(unix)]
fn default_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    // The umask of the process still applies.
    fs::Permissions::from_mode(0o666)
}

#[cfg(not(unix))]
fn default_permissions() -> fs::Permissions {
    unreachable!("permissions of new files are only set on Unix")
}

/// Renames a finished temporary file to `path`.
///
/// # Errors
/// When `path` is a folder or its folder is not writable.
pub fn persist(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    fault::point(path)?;
    file.persist(path).map(drop).map_err(|e| e.error)
}

/// Renames `from` to `to`, replacing what is there.
///
/// # Errors
/// When either cannot be reached or `to` is a folder.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fault::point(to)?;
    fs::rename(from, to)
}

/// Copies `from` to `to` atomically and gives the digest of what was copied.  With `expect`, a
/// copy whose digest differs is not put in place and `Ok(None)` comes back.
///
/// # Errors
/// When `from` cannot be read or `to` not written.
pub fn copy(from: &Path, to: &Path, mode: u32, expect: Option<Digest>) -> io::Result<Option<Digest>> {
    copy_file(open(from)?, to, mode, expect)
}

/// As [`copy`], in whatever way is fastest, without a look at what is copied.
///
/// # Errors
/// When `from` cannot be read or `to` not written.
pub fn copy_unseen(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let mut source = open(from)?;
    let mut target = temporary_for(to)?;
    fault::point(to)?;
    io::copy(&mut source, target.as_file_mut())?;
    set_mode(target.path(), mode)?;
    persist(target, to)
}

/// As [`copy`] of an opened file.  With `expect`, a file that cannot be read to its end is one
/// whose digest differs.
///
/// # Errors
/// When `to` cannot be written; without `expect`, also when `source` cannot be read.
pub fn copy_file(
    mut source: File,
    to: &Path,
    mode: u32,
    expect: Option<Digest>,
) -> io::Result<Option<Digest>> {
    let mut target = temporary_for(to)?;
    fault::point(to)?;
    let mut hasher = Hasher::default();
    let mut piece = vec![0; 1 << 17];
    loop {
        match source.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => {
                hasher.update(&piece[..n]);
                target.write_all(&piece[..n])?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if expect.is_some() => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    let digest = hasher.finish();
    if expect.is_some_and(|expected| expected != digest) {
        return Ok(None);
    }
    set_mode(target.path(), mode)?;
    persist(target, to)?;
    Ok(Some(digest))
}

/// Sets the permission bits of `path`.
///
/// # Errors
/// When the file is not ours.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fault::point(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777))
}

/// Permission bits mean nothing here.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Removes a file; one that is already gone is no error.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Removes a folder and everything in it; one that is already gone is no error.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_dir_all(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Removes whatever is at `path`: a file, a link, a folder with everything in it, or nothing.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_all(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => remove_dir_all(path),
        Ok(_) => remove_file(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Removes a folder that holds nothing.
///
/// # Errors
/// When it holds something or cannot be removed.
pub fn remove_empty_dir(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    fs::remove_dir(path)
}

/// Appends `bytes` to `path`, creating it when missing.
///
/// # Errors
/// When it cannot be opened or written, or is no ordinary file.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fault::point(path)?;
    if stat(path)?.is_some_and(|stat| !stat.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"));
    }
    File::options().create(true).append(true).open(path)?.write_all(bytes)
}

/// Marks `path` as used at this moment.
///
/// # Errors
/// When the file is not ours.
pub fn touch(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    filetime::set_file_mtime(path, filetime::FileTime::now())
}

/// Cuts `path` to its first `len` bytes.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn truncate(path: &Path, len: u64) -> io::Result<()> {
    fault::point(path)?;
    File::options().write(true).open(path)?.set_len(len)
}

/// Makes a named pipe that only the user can open.
///
/// # Errors
/// When something is already there or the system has no such pipes.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    #[cfg(all(unix, not(target_vendor = "apple")))]
    return Ok(rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?);
    #[cfg(not(all(unix, not(target_vendor = "apple"))))]
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes `link` a symbolic link to `target`.
///
/// # Errors
/// When something is already there or the system has no symbolic links.
pub fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    fault::point(link)?;
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, link);
    #[cfg(not(unix))]
    return std::os::windows::fs::symlink_file(target, link);
}

/// Whether what lies at `path` itself is known by this name only: no link, and a file without a
/// second name.
#[cfg(unix)]
pub fn has_one_name(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    // A folder counts the folders in it as names of its own.
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() || meta.is_file() && meta.nlink() == 1)
}

/// As on Unix, but where names are not counted any file may have another.
#[cfg(not(unix))]
pub fn has_one_name(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// What is mounted where, as this process sees it; `None` where the system has no such list.
pub fn mounts() -> Option<Digest> {
    // The list says nothing of its length, so that it would be read in very small pieces.
    let mut list = Vec::with_capacity(1 << 15);
    File::open("/proc/self/mountinfo").ok()?.read_to_end(&mut list).ok()?;
    Some(Digest::of(&list))
}

/// Makes the empty file `path`, which must not be there.
///
/// # Errors
/// When it cannot be made.
pub fn mark(path: &Path) -> io::Result<()> {
    fault::point(path)?;
    File::options().write(true).create_new(true).open(path).map(drop)
}

/// The file system's clock at `dir`, in nanoseconds since 1970: the times it gives to a file made
/// now.  The wall clock is never asked, for a network file system keeps its own.  The file has no
/// name where the system can do without, so nothing of it stays even if the process is killed.
///
/// # Errors
/// When no file can be made there.
pub fn now(dir: &Path) -> io::Result<i64> {
    fault::point(dir)?;
    Ok(stat_id(&tempfile::tempfile_in(dir)?.metadata()?).mtime)
}

/// The user's folder for caches: `$XDG_CACHE_HOME/jmake` or the system's usual place below
/// `home`.
pub fn cache_dir(xdg_cache_home: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(dir) = xdg_cache_home.filter(|dir| dir.is_absolute()) {
        return Some(dir.join("jmake"));
    }
    let below = if cfg!(target_os = "macos") { "Library/Caches/jmake" } else { ".cache/jmake" };
    home.map(|home| home.join(below))
}

#[cfg(test)]
mod tests;
