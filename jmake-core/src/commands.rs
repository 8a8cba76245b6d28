//! What a `compile_commands.json` says: how each source was compiled when somebody built it.
//!
//! It does not say of what a source is a part, but where its object goes often does: CMake and
//! Meson have a folder for each target.  Its paths are absolute, and of whatever machine wrote it;
//! the project's root there is what stands before the paths of files that are here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::described::{Described, Files, MOST, Own, Target, place, says_how};
use crate::path::FilePath;

/// The name of such a file.
pub const NAME: &str = "compile_commands.json";

/// How the path of an object of jmake's own begins.
const OURS: &[u8] = b"\".jmake/";

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    directory: String,
    file: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    output: String,
}

impl Entry {
    fn arguments(&self) -> Vec<String> {
        if self.arguments.is_empty() {
            return shlex::split(&self.command).unwrap_or_default();
        }
        self.arguments.clone()
    }

    /// The file, from wherever the compiler ran.
    fn file(&self) -> FilePath {
        FilePath::new(&self.directory).join(&self.file)
    }
}

/// Whether jmake wrote `text`: then it only says what was decided here before.
pub fn is_ours(text: &[u8]) -> bool {
    memchr::memmem::find(text, OURS).is_some()
}

/// What `text` says; `None` when it is none or holds nothing of this project.
pub fn read(files: &dyn Files, text: &[u8]) -> Option<Described> {
    let mut entries: Vec<Entry> = serde_json::from_slice(text).ok()?;
    entries.truncate(MOST);
    let away = entries.iter().find_map(|entry| root_before(files, &entry.file()))?;
    let mut targets: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for entry in &entries {
        let arguments = entry.arguments();
        let output = output(entry, &arguments);
        let Some(source) = within(&away, &entry.file()) else { continue };
        let name = owner(&output).unwrap_or_default();
        if !known.insert((name.clone(), source.clone())) {
            continue;
        }
        let folder = |dir: &str| within(&away, &FilePath::new(&entry.directory).join(dir));
        let mut told = Target::default();
        told.take_flags(arguments.iter().map(String::as_str), &folder);
        let how = arguments.iter().filter(|argument| says_how(argument)).cloned().collect();
        targets.entry(name).or_default().push(Source { path: source, told, how });
    }
    let targets = targets.into_iter().map(|(name, sources)| target(name, sources));
    Some(Described { targets: targets.collect(), ..Described::default() })
}

/// A source, and how it was compiled.
struct Source {
    path: FilePath,
    /// Its macros, folders and first headers.
    told: Target,
    how: Vec<String>,
}

/// The target of `sources`: what all of them are told is said of it, the rest of each.
fn target(name: String, sources: Vec<Source>) -> Target {
    let mut target = Target { name, ..Target::default() };
    target.defines = shared(&sources, |told| &told.defines);
    target.include_dirs = shared(&sources, |told| &told.include_dirs);
    target.first = shared(&sources, |told| &told.first);
    for Source { path, told, how } in sources {
        let own = told.defines.iter().filter(|define| !target.defines.contains(define));
        let own = own.map(|define| format!("-D{define}"));
        let flags = how.into_iter().chain(own).collect();
        // The order of folders is that of the source, those of all among them.
        let is_own = told.include_dirs != target.include_dirs;
        let include_dirs = if is_own { told.include_dirs } else { Vec::new() };
        let first = told.first.into_iter().filter(|header| !target.first.contains(header)).collect();
        target.own.insert(path.clone(), Own { flags, include_dirs, first });
        target.sources.push(path);
    }
    target
}

/// What all sources are told of one kind, in the order of the first.
fn shared<T: Clone + Ord>(sources: &[Source], list: fn(&Target) -> &Vec<T>) -> Vec<T> {
    let mut counts: BTreeMap<&T, usize> = BTreeMap::new();
    for item in sources.iter().flat_map(|source| list(&source.told)) {
        *counts.entry(item).or_default() += 1;
    }
    let first = sources.first().map(|source| list(&source.told).as_slice()).unwrap_or_default();
    first.iter().filter(|item| counts.get(item) == Some(&sources.len())).cloned().collect()
}

/// What stands before the path of a file of the project, where it was compiled: the longest end of
/// `file` that is here tells.
fn root_before(files: &dyn Files, file: &FilePath) -> Option<FilePath> {
    let all = file.as_bytes();
    let slashes = all.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let mut ends = slashes.filter_map(|at| Some((at, place(&FilePath::root(), all.get(at + 1..)?)?)));
    let at = match ends.find(|(_, end)| files.is_file(end)) {
        Some((at, _)) => at,
        None => return files.is_file(file).then(FilePath::root),
    };
    Some(FilePath::new(&all[..at]))
}

/// The file of the project that `path` is, where the root was `away`.
fn within(away: &FilePath, path: &FilePath) -> Option<FilePath> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.components() {
        match part {
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let mut rest = parts.into_iter();
    away.components().all(|part| rest.next() == Some(part)).then(|| {
        let rest: Vec<&[u8]> = rest.collect();
        FilePath::new(rest.join(&b'/'))
    })
}

fn output(entry: &Entry, arguments: &[String]) -> String {
    let behind = |at: usize| arguments.get(at + 1).cloned();
    let named = arguments.iter().position(|argument| argument == "-o").and_then(behind);
    if entry.output.is_empty() { named.unwrap_or_default() } else { entry.output.clone() }
}

/// The target whose folder an object lies in: `CMakeFiles/x.dir/…` and `libx.so.p/…`.
fn owner(output: &str) -> Option<String> {
    let folders: Vec<&str> = output.split('/').collect();
    let at = folders.iter().position(|folder| folder.ends_with(".dir") || folder.ends_with(".p"))?;
    Some(folders[..=at].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::described::testing::Tree;

    fn said(text: &str) -> Option<Vec<String>> {
        let tree = Tree::of(&["src/a.c", "src/b.c", "tool/main.c", "include/a.h"]);
        let described = read(&tree, text.as_bytes())?;
        Some(described.targets.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn sources_are_found_wherever_they_were_compiled() {
        let text = r#"[
            {"directory": "/home/x/p/build", "file": "../src/a.c", "output": "libp.so.p/src_a.c.o",
             "command": "cc -Ilibp.so.p -I../include -DA='\"1\"' -D B -UB -o libp.so.p/src_a.c.o -c ../src/a.c"},
            {"directory": "/home/x/p/build", "file": "/home/x/p/src/b.c",
             "arguments": ["cc", "-c", "-o", "libp.so.p/src_b.c.o", "/home/x/p/src/b.c"]},
            {"directory": "/home/x/p/build", "file": "../tool/main.c", "output": "tool.p/main.c.o"},
            {"directory": "/home/x/p/build", "file": "/usr/share/other.c", "output": "tool.p/other.c.o"}
        ]"#;
        assert_eq!(said(text).unwrap(), ["libp.so.p: src/a.c src/b.c", "tool.p: tool/main.c"]);
        let tree = Tree::of(&["src/a.c", "src/b.c"]);
        let own = &read(&tree, text.as_bytes()).unwrap().targets[0].own[&FilePath::new("src/a.c")];
        assert_eq!(own.flags, ["-DA=\"1\""], "what one is told is its own");
        assert_eq!(own.include_dirs, [FilePath::new("build/libp.so.p"), FilePath::new("include")]);
        let text = r#"[{"directory": "", "file": "src/a.c", "output": "a.o"}]"#;
        assert_eq!(said(text).unwrap(), [": src/a.c"]);
    }

    #[test]
    fn ours_and_others_and_none() {
        assert!(is_ours(br#"[{"directory": "/p", "file": "a.c", "output": ".jmake/objects/a.o"}]"#));
        assert!(!is_ours(br#"[{"directory": "/p", "file": "a.c", "output": "a.o"}]"#));
        let other = r#"[{"directory": "/p", "file": "/q/z.c"}]"#;
        for text in [other, "[]", "{}", "[1]", "", "[[[[", "\u{feff}[]"] {
            assert_eq!(said(text), None, "{text}");
        }
        assert_eq!(read(&Tree::of(&["a.c"]), &b"[\xff".repeat(1000)), None);
        assert_eq!(read(&Tree::of(&["a.c"]), &b"[".repeat(1_000_000)), None);
    }
}
