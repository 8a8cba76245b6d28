//! What a `compile_commands.json` of another tool comes to.
//!
//! It says how sources were compiled and not what of: folders of objects are the only hint.  What
//! defines `main`, with what lies in its folder of objects, is no part of the library; the rest is
//! one target, or one for each such folder where these define the same macro otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cmake::Note;
use crate::commands;
use crate::described::{Files, MOST};
use crate::discover::{Category, Manner, Tree, category_by_name, is_beside};
use crate::manifest::Kind;
use crate::memo::Memo;
use crate::path::FilePath;
use crate::project::Project;

use super::Read;
use super::notes::lines_of;
use super::tables::Part;

/// Where it may lie, from the root; the first that another tool wrote counts.
const PLACES: [&str; 2] = ["", "build"];

/// A folder of objects that nobody else has.
const ANCHOR: &str = "jmake-anchor.p";

/// One source as it was compiled.
struct Unit {
    source: FilePath,
    /// The folder of its objects.
    owner: String,
    defines: Vec<String>,
    include_dirs: Vec<FilePath>,
    flags: Vec<String>,
    line: u32,
}

/// What the file in the root or in `build` says.
pub(super) fn read(project: &Project, tree: &Tree) -> Option<Read> {
    let seen = Seen { memo: &project.memo, tree };
    let mut files = PLACES.iter().map(|place| FilePath::new(place).join(commands::NAME));
    let (file, text) = files.find_map(|file| {
        let text = project.memo.text(&file).ok().filter(|text| !commands::is_ours(text))?;
        Some((file, text))
    })?;
    let units = units(&seen, &text)?;
    let read = from(project, tree, &file, units);
    (!read.parts.is_empty()).then_some(read)
}

/// The entries that name sources of the project, each read for itself.
fn units(seen: &Seen<'_>, text: &[u8]) -> Option<Vec<Unit>> {
    let entries: Vec<Value> = serde_json::from_slice(text).ok()?;
    let read = |entries: &[&Value]| commands::read(seen, &serde_json::to_vec(entries).ok()?);
    // The first that names a file of the project tells where the root was, for all.
    let first = entries.iter().take(MOST).find(|entry| read(&[entry]).is_some())?;
    let of_first = |field: &str| first.get(field).and_then(Value::as_str).unwrap_or_default();
    let output = format!("{ANCHOR}/x.o");
    let anchor = json!({"directory": of_first("directory"), "file": of_first("file"), "output": output});
    let lines = lines_of(text, b"\"file\"");
    let line = |at: usize| lines.get(at).filter(|_| lines.len() == entries.len()).copied().unwrap_or(1);
    let mut units = Vec::new();
    for (at, entry) in entries.iter().enumerate().take(MOST) {
        let said = read(&[&anchor, entry]).map(|said| said.targets).unwrap_or_default();
        let target = said.into_iter().find(|target| target.name != ANCHOR);
        let Some(target) = target else { continue };
        let Some(source) = target.sources.into_iter().next() else { continue };
        units.push(Unit {
            source,
            owner: target.name,
            defines: target.defines,
            include_dirs: target.include_dirs,
            flags: flags(entry),
            line: line(at),
        });
    }
    Some(units)
}

/// The options of an entry but those that name files, macros or folders.
fn flags(entry: &Value) -> Vec<String> {
    let words = match entry.get("arguments").and_then(Value::as_array) {
        Some(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>().into(),
        None => shlex::split(entry.get("command").and_then(Value::as_str).unwrap_or_default()),
    };
    const TAKES: [&str; 10] =
        ["-o", "-I", "-D", "-U", "-isystem", "-iquote", "-MF", "-MT", "-MQ", "-include"];
    const KNOWN: [&str; 5] = ["-I", "-D", "-U", "-isystem", "-iquote"];
    let mut flags = Vec::new();
    let mut words = words.unwrap_or_default().into_iter().skip(1);
    while let Some(word) = words.next() {
        if TAKES.contains(&word.as_str()) {
            let value = words.next().unwrap_or_default();
            flags.extend((word == "-include").then(|| format!("-include {value}")));
        } else if word.starts_with('-') && !matches!(&*word, "-c" | "-MD" | "-MMD" | "-MP" | "--") {
            flags.extend((!KNOWN.iter().any(|known| word.starts_with(known))).then_some(word));
        }
    }
    flags
}

fn from(project: &Project, tree: &Tree, file: &FilePath, units: Vec<Unit>) -> Read {
    let mut notes = Vec::new();
    let library = library(&project.memo, file, units, &mut notes);
    let mut groups: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
    for unit in library {
        groups.entry(unit.owner.clone()).or_default().push(unit);
    }
    let name = project.name();
    let groups: Vec<(String, Vec<Unit>)> = match contradict(&groups) {
        true => named(groups, &name),
        false => vec![(name, groups.into_values().flatten().collect())],
    };
    let groups = groups.into_iter().filter(|(_, units)| !units.is_empty());
    let parts = groups.map(|(name, units)| part(project, tree, file, name, &units, &mut notes));
    let parts: Vec<Part> = parts.collect();
    Read { file: file.to_string(), name: None, version: None, parts, notes }
}

/// The units of the library; what is left out is noted.
fn library(memo: &Memo, file: &FilePath, units: Vec<Unit>, notes: &mut Vec<Note>) -> Vec<Unit> {
    let has_main =
        |unit: &Unit| memo.facts(&unit.source).is_ok_and(|facts| facts.has_main && !facts.main_conditional);
    let programs = units.iter().filter(|unit| !unit.owner.is_empty() && has_main(unit));
    let programs: BTreeSet<String> = programs.map(|unit| unit.owner.clone()).collect();
    let mut library: Vec<Unit> = Vec::new();
    let mut known = BTreeSet::new();
    for unit in units {
        let why = match () {
            () if is_beside(&unit.source) => Some("lies beside the library"),
            () if has_main(&unit) => Some("defines `main`, and what a program is linked with is not said"),
            () if programs.contains(&unit.owner) => Some("belongs to a program"),
            () => None,
        };
        match why {
            Some(why) => {
                let text = format!("`{}` {why}; it is left out", unit.source);
                notes.push(Note { file: file.clone(), line: unit.line, text });
            }
            None => {
                // The archive and the shared library of one thing are compiled of the same.
                if known.insert(unit.source.clone()) {
                    library.push(unit);
                }
            }
        }
    }
    // A source of a program may be one of the library, too.
    let taken: BTreeSet<String> = library.iter().map(|unit| format!("`{}` ", unit.source)).collect();
    notes.retain(|note| !taken.iter().any(|start| note.text.starts_with(start)));
    library
}

fn name_of(define: &str) -> &str {
    define.split('=').next().unwrap_or_default()
}

/// Whether two groups define one macro with different values.
fn contradict(groups: &BTreeMap<String, Vec<Unit>>) -> bool {
    let mut values: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    groups.iter().any(|(owner, units)| {
        units.iter().flat_map(|unit| &unit.defines).any(|define| {
            let (by, value) = values.entry(name_of(define)).or_insert((owner, define));
            *by != owner && *value != define
        })
    })
}

/// The groups by the names of their targets; that without one is called `name`.
fn named(groups: BTreeMap<String, Vec<Unit>>, name: &str) -> Vec<(String, Vec<Unit>)> {
    let mut taken = BTreeSet::new();
    let mut named = Vec::new();
    for (owner, units) in groups {
        let folder = owner.rsplit('/').next().unwrap_or_default();
        let folder = folder.trim_end_matches(".p").trim_end_matches(".dir");
        let folder = folder.trim_end_matches(".so").trim_end_matches(".a");
        let plain = crate::setup::library_ident(folder);
        let mut chosen = if folder.is_empty() { name.to_owned() } else { plain };
        while !taken.insert(chosen.clone()) {
            chosen.push('_');
        }
        named.push((chosen, units));
    }
    named
}

fn part(
    project: &Project,
    tree: &Tree,
    file: &FilePath,
    name: String,
    units: &[Unit],
    notes: &mut Vec<Note>,
) -> Part {
    let line = units.first().map_or(1, |unit| unit.line);
    let mut part = Part {
        name,
        kind: Kind::Shared,
        sources: units.iter().map(|unit| unit.source.clone()).collect(),
        include_dirs: Vec::new(),
        defines: Vec::new(),
        manner: Manner::default(),
        libraries: Vec::new(),
        at: (file.clone(), line),
    };
    for unit in units {
        let fresh = unit.include_dirs.iter().filter(|dir| tree.dirs.binary_search(dir).is_ok());
        for dir in fresh {
            if !part.include_dirs.contains(dir) {
                part.include_dirs.push(dir.clone());
            }
        }
    }
    merge_defines(&mut part, units, notes);
    merge_flags(&mut part, units, notes);
    part.manner.settle(&project.memo, tree, &BTreeMap::new());
    part
}

/// Every macro is defined for all; the first value counts.
fn merge_defines(part: &mut Part, units: &[Unit], notes: &mut Vec<Note>) {
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    let mut some: BTreeMap<String, Vec<&Unit>> = BTreeMap::new();
    for unit in units {
        for define in &unit.defines {
            let known = chosen.entry(name_of(define).to_owned()).or_insert_with(|| {
                part.defines.push(define.clone());
                define.clone()
            });
            match known == define {
                true => some.entry(define.clone()).or_default().push(unit),
                false => {
                    let text =
                        format!("`{}`: `-D{define}` is left out, for others have `-D{known}`", unit.source);
                    notes.push(Note { line: unit.line, ..part.note(text) });
                }
            }
        }
    }
    for (define, with) in some.iter().filter(|(_, with)| with.len() < units.len()) {
        let Some(first) = with.first() else { continue };
        let text = format!("`-D{define}` is for all now, not for {} of {} only", with.len(), units.len());
        notes.push(Note { line: first.line, ..part.note(text) });
    }
}

/// Flags that all units of a language have count, if they change what the library is.
fn merge_flags(part: &mut Part, units: &[Unit], notes: &mut Vec<Note>) {
    let mut left: BTreeMap<&str, (usize, u32)> = BTreeMap::new();
    for cxx in [false, true] {
        let category = if cxx { Category::CppSource } else { Category::CSource };
        let is_it = |unit: &&Unit| category_by_name(unit.source.file_name()) == category;
        let all: Vec<&Unit> = units.iter().filter(is_it).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for flag in all.iter().flat_map(|unit| unit.flags.iter().collect::<BTreeSet<_>>()) {
            *counts.entry(flag).or_default() += 1;
        }
        for unit in &all {
            for flag in &unit.flags {
                let mut kept = Manner::default();
                kept.add(cxx, flag);
                let is_all = counts.get(flag.as_str()) == Some(&all.len());
                match kept != Manner::default() && is_all {
                    true => part.manner.add(cxx, flag),
                    false => left.entry(flag).or_insert((0, unit.line)).0 += 1,
                }
            }
        }
    }
    for (flag, (count, line)) in left {
        let text = format!("`{flag}` of {count} of {} sources is left out", units.len());
        notes.push(Note { line, ..part.note(text) });
    }
}

/// The project as the reader sees it: what the walk has found.
struct Seen<'a> {
    memo: &'a Memo,
    tree: &'a Tree,
}

impl Files for Seen<'_> {
    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
        self.tree.get(path)?;
        self.memo.text(path).ok().map(Into::into)
    }

    fn is_file(&self, path: &FilePath) -> bool {
        self.tree.get(path).is_some()
    }

    fn is_dir(&self, path: &FilePath) -> bool {
        self.tree.dirs.binary_search(path).is_ok()
    }

    fn below(&self, dir: &FilePath) -> Vec<FilePath> {
        self.tree.files.iter().map(|file| &file.path).filter(|path| path.starts_with(dir)).cloned().collect()
    }
}
