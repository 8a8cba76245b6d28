//! Paths as jmake records them: bytes, relative to the project's root where that is possible.
//!
//! A key must not change when a checkout moves, so everything below the root is stored relative
//! to it; only files outside (system headers, libraries) keep an absolute path.  Paths are bytes
//! because file names on Unix are: a name that is not UTF-8 is an ordinary name here and becomes
//! lossy text only where a person reads it.
//!
//! `..` is deliberately *not* resolved: `a/../b` and `b` are different files when `a` is a
//! symbolic link, so a path is kept as the compiler spelled it.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file's path: relative to the [`Root`] when it lies below it, absolute otherwise.
///
/// Separators are `/`; there is no leading or inner `./`, no doubled and no trailing separator.
/// The empty path is the root itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(Arc<[u8]>);

impl FilePath {
    /// Cleans `bytes` (drops `./`, doubled and trailing separators) and keeps the rest as it is.
    pub fn new(bytes: impl AsRef<[u8]>) -> FilePath {
        let bytes = bytes.as_ref();
        let mut clean = Vec::with_capacity(bytes.len());
        if bytes.first() == Some(&b'/') {
            clean.push(b'/');
        }
        for part in bytes.split(|&b| b == b'/') {
            if part.is_empty() || part == b"." {
                continue;
            }
            if !clean.is_empty() && clean.last() != Some(&b'/') {
                clean.push(b'/');
            }
            clean.extend_from_slice(part);
        }
        FilePath(clean.into())
    }

    /// The root itself.
    pub fn root() -> FilePath {
        FilePath(Arc::from(&b""[..]))
    }

    /// The path's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the file lies outside the root.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with `name` (which may itself hold separators) appended; an absolute `name`
    /// replaces the path, as the operating system would.
    pub fn join(&self, name: impl AsRef<[u8]>) -> FilePath {
        let name = name.as_ref();
        if name.first() == Some(&b'/') || self.is_root() {
            return FilePath::new(name);
        }
        let mut all = Vec::with_capacity(self.0.len() + 1 + name.len());
        all.extend_from_slice(&self.0);
        all.push(b'/');
        all.extend_from_slice(name);
        FilePath::new(all)
    }

    /// The folder that holds this path; `None` for the root and for `/`.
    pub fn parent(&self) -> Option<FilePath> {
        if self.0.is_empty() || &*self.0 == b"/" {
            return None;
        }
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(0) => Some(FilePath(Arc::from(&b"/"[..]))),
            Some(at) => Some(FilePath(Arc::from(&self.0[..at]))),
            None => Some(FilePath::root()),
        }
    }

    /// The bytes of [`FilePath::parent`]; empty for the root and what lies in it.
    pub fn parent_bytes(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(0) => b"/",
            Some(at) => &self.0[..at],
            None => b"",
        }
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(at) => &self.0[at + 1..],
            None => &self.0,
        }
    }

    /// What follows the last `.` of the file name, without the dot; a name that only begins with
    /// a dot has none.
    pub fn extension(&self) -> Option<&[u8]> {
        let name = self.file_name();
        match name.iter().rposition(|&b| b == b'.') {
            Some(at) if at > 0 => Some(&name[at + 1..]),
            _ => None,
        }
    }

    /// The file name without its extension.
    pub fn stem(&self) -> &[u8] {
        let name = self.file_name();
        match name.iter().rposition(|&b| b == b'.') {
            Some(at) if at > 0 => &name[..at],
            _ => name,
        }
    }

    /// The components from the outermost inward.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// Whether this path is `dir` or lies below it.  Every relative path lies below the root.
    pub fn starts_with(&self, dir: &FilePath) -> bool {
        if dir.is_root() {
            return !self.is_absolute();
        }
        self.0.starts_with(&dir.0)
            && (self.0.len() == dir.0.len() || dir.0.last() == Some(&b'/') || self.0[dir.0.len()] == b'/')
    }

    /// This path as an operating-system path: relative paths stay relative.
    pub fn to_path_buf(&self) -> PathBuf {
        path_from_bytes(&self.0)
    }
}

/// Hash and order are those of the bytes, so a table of paths can be asked with bytes.
impl std::borrow::Borrow<[u8]> for FilePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for FilePath {
    fn from(text: &str) -> FilePath {
        FilePath::new(text)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// The bytes of an operating-system string.
pub fn bytes_of(os: &OsStr) -> &[u8] {
    os.as_encoded_bytes()
}

/// The operating-system path that `bytes` spell; where names are not bytes, lossily.
pub fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    path_of(bytes).into_owned()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Cow<'_, Path> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(Path::new(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Cow<'_, Path> {
    Cow::Owned(PathBuf::from(String::from_utf8_lossy(bytes).into_owned()))
}

/// The root of a project: an absolute path without symbolic links, and the only way from a
/// [`FilePath`] back to the disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Root(Arc<Path>);

impl Root {
    /// The root at `path`, which must be an existing folder.
    ///
    /// # Errors
    /// When `path` does not exist, cannot be reached, or is not a folder.
    pub fn open(path: &Path) -> io::Result<Root> {
        let real = path.canonicalize()?;
        if !real.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a folder"));
        }
        Ok(Root(real.into()))
    }

    /// The root's absolute path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Where `file` lies on disk.
    pub fn resolve(&self, file: &FilePath) -> PathBuf {
        self.0.join(path_of(file.as_bytes()))
    }

    /// `path` as jmake records it.  A relative `path` is taken from the root.  An absolute one
    /// below the root (by its spelling) becomes relative.
    pub fn file_path(&self, path: &Path) -> FilePath {
        let below = path.strip_prefix(&self.0).unwrap_or(path);
        FilePath::new(bytes_of(below.as_os_str()))
    }

    /// The folder's own name, lossily; `project` for a root without one (`/`).
    pub fn name(&self) -> String {
        self.0.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_spelling_but_keeps_dot_dot() {
        for (given, clean) in [
            ("./a//b/", "a/b"),
            ("a/./b", "a/b"),
            ("a/../b", "a/../b"),
            ("", ""),
            (".", ""),
            ("/", "/"),
            ("//usr//include/", "/usr/include"),
        ] {
            assert_eq!(FilePath::new(given).as_bytes(), clean.as_bytes(), "{given}");
        }
    }

    #[test]
    fn parts() {
        let path = FilePath::new("src/a.b.cpp");
        assert_eq!(path.file_name(), b"a.b.cpp");
        assert_eq!(path.stem(), b"a.b");
        assert_eq!(path.extension(), Some(&b"cpp"[..]));
        assert_eq!(path.parent(), Some(FilePath::new("src")));
        assert_eq!(FilePath::new("src").parent(), Some(FilePath::root()));
        assert_eq!(FilePath::root().parent(), None);
        assert_eq!(FilePath::new("/usr").parent(), Some(FilePath::new("/")));
        assert_eq!(FilePath::new(".hidden").extension(), None);
    }

    #[test]
    fn below() {
        let path = FilePath::new("src/deep/a.c");
        assert!(path.starts_with(&FilePath::new("src")));
        assert!(path.starts_with(&FilePath::root()));
        assert!(!path.starts_with(&FilePath::new("sr")));
        assert!(FilePath::new("/usr/x").starts_with(&FilePath::new("/")));
        assert!(!FilePath::new("/usr/x").starts_with(&FilePath::root()));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_survive() {
        let path = FilePath::new(b"\xfe \"$#\n.cpp");
        assert_eq!(bytes_of(path.to_path_buf().as_os_str()), path.as_bytes());
    }
}
