//! Headers and libraries that were looked for and not found.
//!
//! A file that is not there is an input too: a header that appears in an earlier include folder
//! takes the place of the one that was read.  The compiler does not say where it looked, so the
//! places are worked out: each name that a file asks for is followed through the include folders
//! in order, and every candidate that does not exist, up to the last that does, is recorded.  This
//! may name more files than the compiler tried (a branch of `#if` that was not taken), never
//! fewer.
//!
//! The answer depends on the file and the folders only, so it is kept per pair while a build runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::action::{Discovery, SearchDirs};
use crate::lex::{Include, Kind};
use crate::memo::Memo;
use crate::path::FilePath;

/// What was probed besides the files that were read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Probed {
    /// Files that must stay absent.
    pub absent: BTreeSet<FilePath>,
    /// Files only asked for (`__has_include`): they need not be read to matter.
    pub asked: BTreeSet<FilePath>,
}

type PerFile = HashMap<(Arc<SearchDirs>, FilePath), Arc<Probed>>;

/// Works out what was probed; remembers per file.
#[derive(Default)]
pub struct Probes(Mutex<PerFile>);

impl Probes {
    /// What an action that read `read` probed, beyond those files.
    pub fn of(&self, memo: &Memo, discovery: &Discovery, read: &[FilePath]) -> Probed {
        match discovery {
            Discovery::None => Probed::default(),
            Discovery::Headers(dirs) => self.headers(memo, dirs, read),
            Discovery::Libraries { dirs, names } => libraries(memo, dirs, names),
        }
    }

    fn headers(&self, memo: &Memo, dirs: &Arc<SearchDirs>, read: &[FilePath]) -> Probed {
        let mut all = Probed::default();
        let mut computed = Vec::new();
        for (at, file) in read.iter().enumerate() {
            // A source, which comes first, is read by one action; headers by many.
            let probed = match at {
                0 => Arc::new(probe_file(memo, dirs, file)),
                _ => self.by_file(memo, dirs, file),
            };
            all.absent.extend(probed.absent.iter().cloned());
            all.asked.extend(probed.asked.iter().cloned());
            if memo.facts(file).is_ok_and(|facts| facts.computed_include) {
                computed.extend(file.parent());
            }
        }
        if !computed.is_empty() {
            probe_computed(memo, dirs, &computed, read, &mut all);
        }
        all
    }

    fn by_file(&self, memo: &Memo, dirs: &Arc<SearchDirs>, file: &FilePath) -> Arc<Probed> {
        let key = (dirs.clone(), file.clone());
        if let Some(probed) = self.lock().get(&key) {
            return probed.clone();
        }
        let probed = Arc::new(probe_file(memo, dirs, file));
        self.lock().insert(key, probed.clone());
        probed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PerFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn probe_file(memo: &Memo, dirs: &SearchDirs, file: &FilePath) -> Probed {
    let mut probed = Probed::default();
    if let Ok(facts) = memo.facts(file) {
        for include in facts.includes.iter().filter(|include| !include.dead) {
            probe(memo, &candidates(dirs, file, include), include.kind, &mut probed);
        }
    }
    probed
}

/// The places where `include` in `file` may be found, in the compiler's order.
fn candidates(dirs: &SearchDirs, file: &FilePath, include: &Include) -> Vec<FilePath> {
    if include.name.first() == Some(&b'/') {
        return vec![FilePath::new(&include.name)];
    }
    let mut places = Vec::new();
    if !include.angled {
        places.extend(file.parent());
        places.extend(dirs.quoted.iter().cloned());
    }
    places.extend(dirs.all.iter().cloned());
    places.iter().map(|dir| dir.join(&include.name)).collect()
}

fn probe(memo: &Memo, candidates: &[FilePath], kind: Kind, probed: &mut Probed) {
    let there: Vec<bool> = candidates.iter().map(|c| memo.stat(c).is_some_and(|s| s.is_file())).collect();
    // `#include_next` goes on behind the first that is there, so all up to the last count.
    let end = there.iter().rposition(|&t| t).unwrap_or(candidates.len());
    for (candidate, &there) in candidates.iter().zip(&there).take(end) {
        if !there {
            probed.absent.insert(candidate.clone());
        }
    }
    if kind == Kind::HasInclude {
        let found = candidates.iter().zip(&there).filter(|(_, there)| **there);
        probed.asked.extend(found.map(|(candidate, _)| candidate.clone()));
    }
}

/// An include whose name is a macro: every header that was read may be the one, so each is looked
/// for in all folders before the one it was found in.
fn probe_computed(
    memo: &Memo,
    dirs: &SearchDirs,
    includers: &[FilePath],
    read: &[FilePath],
    probed: &mut Probed,
) {
    let places: Vec<&FilePath> = includers.iter().chain(&dirs.quoted).chain(&dirs.all).collect();
    for header in read {
        for (at, dir) in places.iter().enumerate() {
            let Some(name) = below(header, dir) else { continue };
            let earlier = places[..at].iter().map(|dir| dir.join(name));
            probed.absent.extend(earlier.filter(|place| memo.stat(place).is_none()));
        }
    }
}

/// The name by which `file` is found from `dir`.
fn below<'a>(file: &'a FilePath, dir: &FilePath) -> Option<&'a [u8]> {
    if dir.is_root() {
        return (!file.is_absolute()).then(|| file.as_bytes());
    }
    file.as_bytes().strip_prefix(dir.as_bytes())?.strip_prefix(b"/")
}

/// For each library the files that a linker tries before the one it finds.
fn libraries(memo: &Memo, dirs: &[FilePath], names: &[String]) -> Probed {
    let mut probed = Probed::default();
    for name in names {
        let tried = dirs.iter().flat_map(|dir| {
            ["so", "a", "dylib", "tbd"].map(|extension| dir.join(format!("lib{name}.{extension}")))
        });
        for place in tried {
            if memo.stat(&place).is_some() {
                break;
            }
            probed.absent.insert(place);
        }
    }
    probed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Root;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Memo) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            crate::fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::fs::write(&path, text.as_bytes()).unwrap();
        }
        let memo = Memo::new(Root::open(dir.path()).unwrap(), 0);
        (dir, memo)
    }

    fn include(name: &str, angled: bool, kind: Kind) -> Include {
        Include { kind, name: name.as_bytes().into(), angled, line: 1, conditional: false, dead: false }
    }

    fn names(set: &BTreeSet<FilePath>) -> Vec<String> {
        set.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_precedes_the_found_one_is_absent() {
        let (_dir, memo) = tree(&[("b/x.h", ""), ("src/a.c", "")]);
        let dirs = SearchDirs { quoted: vec!["q".into()], all: vec!["a".into(), "b".into(), "c".into()] };
        for (inc, absent, asked) in [
            (include("x.h", true, Kind::Include), vec!["a/x.h"], vec![]),
            (include("x.h", false, Kind::Include), vec!["a/x.h", "q/x.h", "src/x.h"], vec![]),
            (include("no.h", true, Kind::HasInclude), vec!["a/no.h", "b/no.h", "c/no.h"], vec![]),
            (include("x.h", true, Kind::HasInclude), vec!["a/x.h"], vec!["b/x.h"]),
        ] {
            let mut probed = Probed::default();
            probe(&memo, &candidates(&dirs, &"src/a.c".into(), &inc), inc.kind, &mut probed);
            assert_eq!(
                (names(&probed.absent), names(&probed.asked)),
                (
                    absent.iter().map(|s| s.to_string()).collect(),
                    asked.iter().map(|s: &&str| s.to_string()).collect()
                ),
                "{inc:?}"
            );
        }
    }

    #[test]
    fn computed_includes_are_tried_everywhere() {
        let (_dir, memo) = tree(&[("b/sub/x.h", "")]);
        let dirs = SearchDirs { quoted: vec![], all: vec!["a".into(), "b".into()] };
        let mut probed = Probed::default();
        probe_computed(&memo, &dirs, &["src".into()], &["b/sub/x.h".into()], &mut probed);
        assert_eq!(names(&probed.absent), ["a/sub/x.h", "src/sub/x.h"]);
    }

    #[test]
    fn libraries_before_the_found_one() {
        let (_dir, memo) = tree(&[("two/libz.a", "")]);
        let probed = libraries(&memo, &["one".into(), "two".into()], &["z".into()]);
        assert_eq!(
            names(&probed.absent),
            ["one/libz.a", "one/libz.dylib", "one/libz.so", "one/libz.tbd", "two/libz.so"]
        );
    }
}
