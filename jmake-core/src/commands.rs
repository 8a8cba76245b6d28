//! What a `compile_commands.json` says: how each source was compiled when somebody built it.
//!
//! It does not say of what a source is a part, but where its object goes often does: CMake and
//! Meson have a folder for each target.  Its paths are absolute, and of whatever machine wrote it;
//! the project's root there is what stands before the paths of files that are here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::described::{Described, Files, MOST, Target, place, says_how};
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
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut defines: BTreeMap<String, Vec<(FilePath, Vec<String>)>> = BTreeMap::new();
    for entry in &entries {
        let arguments = entry.arguments();
        let output = output(entry, &arguments);
        let Some(source) = within(&away, &entry.file()) else { continue };
        let name = owner(&output).unwrap_or_default();
        let is_new = known.insert((name.clone(), source.clone()));
        let target =
            targets.entry(name.clone()).or_insert_with(|| Target { name: name.clone(), ..Target::default() });
        let folder = |dir: &str| within(&away, &FilePath::new(&entry.directory).join(dir));
        let mut told = Target::default();
        told.take_flags(arguments.iter().map(String::as_str), &folder);
        told.include_dirs.into_iter().for_each(|dir| target.search(dir));
        if is_new {
            let how = arguments.iter().filter(|argument| says_how(argument));
            target.own_flags.insert(source.clone(), how.cloned().collect());
            defines.entry(name).or_default().push((source.clone(), told.defines));
            target.sources.push(source);
        }
    }
    for (name, target) in &mut targets {
        share_defines(target, defines.remove(name).unwrap_or_default());
    }
    Some(Described { targets: targets.into_values().collect(), ..Described::default() })
}

/// What all sources are told is said of the target, the rest of each.
fn share_defines(target: &mut Target, all: Vec<(FilePath, Vec<String>)>) {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for define in all.iter().flat_map(|(_, defines)| defines) {
        *counts.entry(define).or_default() += 1;
    }
    let is_shared = |define: &&String| counts.get(define) == Some(&all.len());
    let first = all.first().map(|(_, defines)| defines.as_slice()).unwrap_or_default();
    target.defines = first.iter().filter(is_shared).cloned().collect();
    for (source, defines) in &all {
        let own = defines.iter().filter(|define| !is_shared(define)).map(|define| format!("-D{define}"));
        target.own_flags.entry(source.clone()).or_default().extend(own);
    }
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
        assert_eq!(
            said(text).unwrap(),
            ["libp.so.p: src/a.c src/b.c -Ibuild/libp.so.p -Iinclude", "tool.p: tool/main.c"]
        );
        let tree = Tree::of(&["src/a.c", "src/b.c"]);
        let own = &read(&tree, text.as_bytes()).unwrap().targets[0].own_flags;
        assert_eq!(own[&FilePath::new("src/a.c")], ["-DA=\"1\""], "what one is told is its own");
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
