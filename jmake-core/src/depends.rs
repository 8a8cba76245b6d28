//! What decisions about a project depend on, besides the text of its sources and headers.

use crate::discover::{Tree, looked_into};
use crate::memo::Memo;
use crate::path::{FilePath, bytes_of};
use crate::project::MANIFEST;
use crate::snapshot::Deciding;
use crate::toolchain::Learned;

/// It, as a snapshot wants it.
pub struct Depends {
    folders: Vec<FilePath>,
    texts: Vec<FilePath>,
    unread: Vec<FilePath>,
}

impl Depends {
    /// What was decided of `tree` depends on the files and folders `consulted`, and on what answers in
    /// `learned` depend on.
    pub fn of(memo: &Memo, tree: &Tree, consulted: &[FilePath], learned: &Learned) -> Depends {
        let watched = learned.watched();
        let watched = watched.iter().map(|path| FilePath::new(bytes_of(path.as_os_str())));
        let (outside, files): (Vec<FilePath>, Vec<FilePath>) = consulted
            .iter()
            .cloned()
            .chain(watched)
            .partition(|path| memo.stat(path).is_some_and(|stat| stat.is_dir()));
        let folders = tree.dirs.iter().cloned().chain(outside).collect();
        let mut texts: Vec<FilePath> = tree.ignore_files.iter().chain(consulted).cloned().collect();
        texts.push(FilePath::new(MANIFEST));
        if learned.is_open() {
            let headers = tree.files.iter().filter(|file| file.category.is_header());
            let headers: Vec<FilePath> = headers.map(|file| file.path.clone()).collect();
            headers.iter().for_each(|path| drop(memo.digest(path)));
            texts.extend(headers);
        }
        for path in &files {
            // Of what has just been changed the identity proves nothing.
            if memo.stat(path).is_some_and(|stat| !memo.settled(&stat)) {
                memo.digest(path).ok();
            }
        }
        Depends { folders, texts, unread: files }
    }

    /// What was told of `tree` depends on what its binaries are, too.
    #[must_use]
    pub fn with_binaries(mut self, tree: &Tree) -> Depends {
        self.unread.extend(looked_into(tree));
        self
    }

    /// The same for a snapshot.
    pub fn deciding(&self) -> Deciding<'_> {
        Deciding { folders: &self.folders, texts: &self.texts, unread: &self.unread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Digest, Fields};
    use crate::fs;
    use crate::log::Mark;
    use crate::path::Root;
    use crate::snapshot::{Compared, Good, Snapshot, compare_all};

    /// What a compiler was asked depends on headers that no source of the project may ever include.
    #[test]
    fn what_answers_depend_on_is_looked_at_again() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        let project = dir.path().join("project");
        for dir in [&outside, &project] {
            fs::create_dir_all(dir).unwrap();
        }
        let (there, absent) = (outside.join("there.h"), outside.join("sys/absent.h"));
        fs::write(&there, b"int f(void);\n").unwrap();
        // Times can be set, but not that of the last change: only waiting makes files old.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let root = Root::open(&project).unwrap();
        let now = fs::now(&project).unwrap();
        let holds = |change: &dyn Fn()| {
            let memo = Memo::new(root.clone(), now);
            let learned = Learned::default();
            let watched = [there.clone(), absent.clone()];
            learned.answer(&Fields::new(), &watched, || Ok(b"1".to_vec())).unwrap();
            let depends = Depends::of(&memo, &Tree::default(), &[], &learned);
            let good =
                Good { is_build: true, config: Digest::of(b""), mark: Mark::default(), reply: Vec::new() };
            let snapshot = Snapshot::take(&memo, Digest::of(b""), depends.deciding(), good).unwrap();
            change();
            matches!(compare_all(snapshot.into(), &root, &project), Some(Compared::Holds { .. }))
        };
        assert!(holds(&|| {}));
        assert!(!holds(&|| fs::write(&there, b"int g(void);\n").unwrap()));
        assert!(!holds(&|| {
            fs::create_dir_all(absent.parent().unwrap()).unwrap();
            fs::write(&absent, b"").unwrap();
        }));
    }
}
