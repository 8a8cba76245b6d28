//! Where headers are looked for, in clang's order.

use std::os::unix::fs::MetadataExt;

use crate::{Bytes, path_of};

/// One folder of the search.
#[derive(Clone)]
pub struct Dir {
    pub path: Bytes,
    /// Whether what is found there is a system header.
    pub system: bool,
}

/// The folders of one compile.
#[derive(Default)]
pub struct Search {
    /// Only for quoted names, after the includer's folder.
    quoted: Vec<Dir>,
    all: Vec<Dir>,
    embed: Vec<Dir>,
}

/// A file that was found.
pub struct Found {
    /// As clang spells it.
    pub path: Bytes,
    pub system: bool,
    /// Its folder's position, for `#include_next`; `None` for the includer's own.
    pub index: Option<usize>,
    pub bytes: Bytes,
}

impl Search {
    /// From the folders as given: `-iquote`, `-I`, `-isystem` with the built-in ones behind, and
    /// `--embed-dir`.  A `-I` that is also a system folder is dropped, later duplicates are too.
    pub fn new(quoted: &[Bytes], plain: &[Bytes], system: &[Bytes], embed: &[Bytes]) -> Search {
        let dirs = |paths: &[Bytes], system| -> Vec<Dir> {
            paths.iter().map(|path| Dir { path: path.clone(), system }).collect()
        };
        let mut system = dirs(system, true);
        let mut seen = Vec::new();
        unique(&mut system, &mut seen);
        let mut plain = dirs(plain, false);
        unique(&mut plain, &mut seen);
        plain.extend(system);
        let mut quoted = dirs(quoted, false);
        unique(&mut quoted, &mut Vec::new());
        Search { quoted, all: plain, embed: dirs(embed, false) }
    }

    /// The folders for `<…>`, in order.
    pub fn angled(&self) -> impl Iterator<Item = &Bytes> {
        self.all.iter().map(|dir| &dir.path)
    }

    /// The file that `name` in the file `includer` means; with `next`, what `#include_next` means.
    pub fn find(&self, name: &[u8], angled: bool, includer: &Includer, next: bool) -> Option<Found> {
        if name.first() == Some(&b'/') {
            return open(name.to_vec(), false, None);
        }
        // In a file that was not found through the search there is no next place.
        let next = next && includer.index.is_some();
        let own = (!angled && !next).then(|| {
            let dir = Dir { path: folder(&includer.path).to_vec(), system: includer.system };
            (None, dir)
        });
        let quoted = self.quoted.iter().filter(|_| !angled).chain(&self.all).cloned();
        let first = match includer.index {
            Some(index) if next => index + 1,
            _ => 0,
        };
        let listed = quoted.enumerate().map(|(at, dir)| {
            let index = if angled { at + self.quoted.len() } else { at };
            (Some(index), dir)
        });
        let listed = listed.filter(|(index, _)| index.is_none_or(|index| index >= first));
        own.into_iter().chain(listed).find_map(|(index, dir)| open(join(&dir.path, name), dir.system, index))
    }

    /// The file that `#embed` means.
    pub fn find_embed(&self, name: &[u8], angled: bool, includer: &Includer) -> Option<Found> {
        if name.first() == Some(&b'/') {
            return open(name.to_vec(), false, None);
        }
        // clang spells this one folder by its real path.
        let real = std::fs::canonicalize(path_of(folder(&includer.path))).ok();
        let own = real.filter(|_| !angled).map(|path| path.into_os_string().into_encoded_bytes());
        let dirs = own.into_iter().chain(self.embed.iter().map(|dir| dir.path.clone()));
        dirs.into_iter().find_map(|dir| open(join(&dir, name), false, None))
    }
}

/// The file in which a name stands.
pub struct Includer {
    pub path: Bytes,
    pub system: bool,
    pub index: Option<usize>,
}

fn unique(dirs: &mut Vec<Dir>, seen: &mut Vec<(u64, u64)>) {
    dirs.retain(|dir| {
        let Ok(stat) = std::fs::metadata(path_of(&dir.path)) else { return false };
        let id = (stat.dev(), stat.ino());
        let fresh = stat.is_dir() && !seen.contains(&id);
        seen.push(id);
        fresh
    });
}

fn folder(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(b".", |at| &path[..at.max(1)])
}

fn join(dir: &[u8], name: &[u8]) -> Bytes {
    match dir {
        [.., b'/'] => [dir, name].concat(),
        _ => [dir, b"/", name].concat(),
    }
}

fn open(path: Bytes, system: bool, index: Option<usize>) -> Option<Found> {
    let bytes = std::fs::read(path_of(&path)).ok()?;
    Some(Found { path, system, index, bytes })
}
