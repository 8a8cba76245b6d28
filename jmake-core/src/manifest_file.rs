//! The file `jmake.toml`: read at most once per change, edited in memory, and never written over a
//! change that somebody else has made.
//!
//! The text is kept together with the identity of the file it was read from.  While the file is
//! that one, and had been left alone long enough when it was read, the text is what it says;
//! otherwise it is read again.  An edit is made of the text as it is on disk at that moment, and
//! made anew if the file turns out to have changed before the result is in place.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::event::Diagnostic;
use crate::fs::{self, StatId};
use crate::path::Root;
use crate::plan::STATE_DIR;
use crate::project::MANIFEST;
use crate::tally::Count;

/// How often an edit is made anew before giving up.
const TRIES: usize = 8;

/// The manifest's file of one project.
pub struct ManifestFile {
    root: Root,
    kept: Mutex<Option<Kept>>,
    /// How often the text was known, and how often it had to be read.
    count: [AtomicUsize; 2],
}

#[derive(Clone)]
struct Kept {
    text: Arc<str>,
    stat: Option<StatId>,
    /// Whether the identity stands for the text.
    settled: bool,
}

impl ManifestFile {
    /// That of the project at `root`.
    pub fn new(root: &Root) -> ManifestFile {
        ManifestFile { root: root.clone(), kept: Mutex::default(), count: Default::default() }
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Its text; empty when there is no file.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub fn text(&self) -> Result<Arc<str>> {
        Ok(self.read()?.text)
    }

    /// Changes the text by `change`; tells whether that gave another one, which is then written.
    /// `change` is called again if somebody else has changed the file meanwhile.
    ///
    /// # Errors
    /// That of `change`, or when the file cannot be read or written.
    pub fn edit(&self, change: impl Fn(&str) -> Result<String, Diagnostic>) -> Result<bool> {
        for _ in 0..TRIES {
            let before = self.read()?;
            let after = change(&before.text).map_err(|problem| problem.in_file(MANIFEST))?;
            if *after == *before.text {
                return Ok(false);
            }
            if fs::write_if(&self.place(), after.as_bytes(), || self.is_still(&before))? {
                let stat = self.stat()?;
                self.keep(Kept { text: after.into(), stat, settled: false });
                return Ok(true);
            }
        }
        bail!("`{MANIFEST}` keeps changing while it is being edited")
    }

    /// How often the text was known when it was asked for, and how often it had to be read.
    pub fn count(&self) -> Count {
        let [known, read] = &self.count;
        Count::of(known.load(Ordering::Relaxed), read.load(Ordering::Relaxed))
    }

    /// How many bytes of text are kept.
    pub fn bytes(&self) -> usize {
        self.kept().map_or(0, |kept| kept.text.len())
    }

    /// Forgets the text.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read(&self) -> Result<Kept> {
        let stat = self.stat()?;
        if let Some(kept) = self.kept().filter(|kept| kept.settled && kept.stat == stat) {
            self.count[0].fetch_add(1, Ordering::Relaxed);
            return Ok(kept);
        }
        self.count[1].fetch_add(1, Ordering::Relaxed);
        // The clock is read by making a file; where jmake has no folder of its own it makes none.
        let now = fs::now(&self.root.as_path().join(STATE_DIR)).ok();
        let (stat, text) = self.read_whole()?;
        let settled = now.is_some_and(|now| stat.is_none_or(|stat| stat.settled(now)));
        let kept = Kept { text: text.into(), stat, settled };
        self.keep(kept.clone());
        Ok(kept)
    }

    /// The identity of the file and its text, of one moment.
    fn read_whole(&self) -> Result<(Option<StatId>, String)> {
        for _ in 0..TRIES {
            let stat = self.stat()?;
            let bytes = match fs::read(&self.root.as_path().join(MANIFEST)) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
                Err(e) => return Err(e).context("cannot read `jmake.toml`"),
            };
            if self.stat()? == stat {
                let text = String::from_utf8(bytes).context("`jmake.toml` is not UTF-8 text")?;
                return Ok((stat, text));
            }
        }
        bail!("`{MANIFEST}` keeps changing while it is being read")
    }

    /// Whether the file is still the one that `read` was read from, by its identity or, where that
    /// is too young to tell, by its text.
    fn is_still(&self, read: &Kept) -> bool {
        match self.stat() {
            Ok(stat) if stat != read.stat => false,
            Ok(_) if read.settled => true,
            Ok(_) => self.read_whole().is_ok_and(|(_, text)| *text == *read.text),
            Err(_) => false,
        }
    }

    fn stat(&self) -> Result<Option<StatId>> {
        fs::stat(&self.root.as_path().join(MANIFEST)).context("cannot read `jmake.toml`")
    }

    /// Where it lies: behind a link, the file and not the link is replaced.
    fn place(&self) -> PathBuf {
        let path = self.root.as_path().join(MANIFEST);
        path.canonicalize().unwrap_or(path)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, kept: Kept) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn project() -> (tempfile::TempDir, ManifestFile) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(&dir.path().join(STATE_DIR)).unwrap();
        let file = ManifestFile::new(&Root::open(dir.path()).unwrap());
        (dir, file)
    }

    #[test]
    fn the_text_is_read_once_per_change() {
        let (dir, file) = project();
        let path = dir.path().join(MANIFEST);
        assert_eq!(&*file.text().unwrap(), "");
        assert_eq!(&*file.text().unwrap(), "");
        assert_eq!(file.count(), Count::of(1, 1), "that there is none can be known at once");
        fs::write(&path, b"a").unwrap();
        assert_eq!((&*file.text().unwrap(), &*file.text().unwrap()), ("a", "a"));
        assert_eq!(file.count(), Count::of(1, 3), "what has just been written is read again");
        // The time of the last change cannot be set.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        assert_eq!((&*file.text().unwrap(), &*file.text().unwrap()), ("a", "a"));
        assert_eq!(file.count(), Count::of(2, 4));
        fs::write(&path, b"b").unwrap();
        assert_eq!(&*file.text().unwrap(), "b");
        assert_eq!(file.bytes(), 1);
        file.forget();
        assert_eq!(file.bytes(), 0);
    }

    #[test]
    fn what_an_editor_saves_meanwhile_is_kept() {
        let (dir, file) = project();
        let path = dir.path().join(MANIFEST);
        fs::write(&path, b"one\n").unwrap();
        let calls = Cell::new(0);
        let append = |text: &str| {
            calls.set(calls.get() + 1);
            if calls.get() == 1 {
                // Of the same length, so that only times or content can tell.
                fs::write(&path, b"two\n").unwrap();
            }
            Ok(format!("{text}more\n"))
        };
        assert!(file.edit(append).unwrap());
        assert_eq!(calls.get(), 2);
        assert_eq!(fs::read(&path).unwrap(), b"two\nmore\n");
        assert_eq!(&*file.text().unwrap(), "two\nmore\n");
        let spoil = |text: &str| {
            fs::write(&path, format!("{text}x").as_bytes()).unwrap();
            Ok(format!("{text}mine\n"))
        };
        assert!(file.edit(spoil).unwrap_err().to_string().contains("keeps changing"));
        assert!(!String::from_utf8(fs::read(&path).unwrap()).unwrap().contains("mine"));
        assert!(!file.edit(|text| Ok(text.to_owned())).unwrap(), "nothing to write");
        let no = file.edit(|_| Err(Diagnostic::error("no"))).unwrap_err();
        assert_eq!(no.downcast_ref::<Diagnostic>().unwrap().file.as_deref(), Some(MANIFEST));
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 2, "nothing but the file and jmake's folder: {left:?}");
    }
}
