//! From parts to the tables of a manifest.
//!
//! What all targets have in common goes to `[compile]`, unless the manifest says something there
//! already.  Only what is sure to mean the same is written; the rest becomes a note.

use std::collections::{BTreeMap, BTreeSet};

use crate::cmake::Note;
use crate::discover::{Category, Manner, Tree, category_by_name};
use crate::manifest::{Export, Kind, Manifest, TargetTable};
use crate::path::FilePath;
use crate::project::MANIFEST;
use crate::trust::needs_trust;

use super::Read;

/// From how many sources of a folder on a glob is written, if it takes just those.
const MANY: usize = 3;

/// A target to write down.
pub(super) struct Part {
    pub name: String,
    pub kind: Kind,
    pub sources: BTreeSet<FilePath>,
    pub include_dirs: Vec<FilePath>,
    /// As `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    pub manner: Manner,
    /// Names of targets and libraries.
    pub libraries: Vec<String>,
    /// Where it is described.
    pub at: (FilePath, u32),
}

impl Part {
    /// A note about it.
    pub fn note(&self, text: String) -> Note {
        Note { file: self.at.0.clone(), line: self.at.1, text }
    }

    fn has(&self, category: Category) -> bool {
        self.sources.iter().any(|source| category_by_name(source.file_name()) == category)
    }
}

/// The tables that `read` comes to, where `present` is there already.
pub(super) fn tables(read: &Read, present: &Manifest, tree: &Tree, notes: &mut Vec<Note>) -> Manifest {
    let mut manifest = Manifest::default();
    if present.project.name.is_none() {
        manifest.project.name.clone_from(&read.name);
    }
    if present.project.version.is_none() {
        manifest.project.version.clone_from(&read.version);
    }
    manifest.targets = read.parts.iter().map(|part| table(part, tree, notes)).collect();
    share(&mut manifest, present);
    for (category, cxx) in [(Category::CSource, false), (Category::CppSource, true)] {
        let parts: Vec<&Part> = read.parts.iter().filter(|part| part.has(category)).collect();
        standard(&mut manifest, present, &parts, cxx);
        common_flags(&mut manifest, &parts, cxx);
    }
    for (table, part) in manifest.targets.iter_mut().zip(&read.parts) {
        let left: Vec<String> =
            own_flags(part, &manifest.compile, table).into_iter().map(|flag| format!("`{flag}`")).collect();
        if !left.is_empty() {
            let text = format!("`{}`: for one of its languages alone: {}", part.name, left.join(" "));
            notes.push(part.note(text));
        }
    }
    without_consent(&mut manifest, read, notes);
    manifest
}

fn table(part: &Part, tree: &Tree, notes: &mut Vec<Note>) -> TargetTable {
    let mut texts = |paths: &mut dyn Iterator<Item = &FilePath>| -> Vec<String> {
        let told = |path: &FilePath| {
            let text = std::str::from_utf8(path.as_bytes()).ok().map(str::to_owned);
            if text.is_none() {
                notes.push(part.note(format!("`{path}`: its name is no text, so it cannot be written down")));
            }
            text
        };
        paths.filter_map(told).collect()
    };
    let sources = texts(&mut part.sources.iter());
    let include_dirs = texts(&mut part.include_dirs.iter());
    let mut defines: Vec<(String, Option<String>)> = Vec::new();
    for define in &part.defines {
        let (name, value) = match define.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (define.as_str(), None),
        };
        match is_macro(name) {
            true => defines.push((name.to_owned(), value)),
            false => {
                notes.push(part.note(format!("`{}`: the macro `{define}` cannot be written down", part.name)))
            }
        }
    }
    for own in part.manner.own.iter().filter(|own| !own.told.is_empty()) {
        let flags = own.told.to_string();
        let of = |source: &FilePath| part.note(format!("flags of `{source}` alone: {flags}"));
        notes.extend(own.sources.iter().map(of));
    }
    TargetTable {
        name: Some(part.name.clone()),
        kind: Some(part.kind),
        sources: folded(&sources, tree),
        include_dirs: include_dirs.into_iter().map(folder).collect(),
        defines,
        libraries: part.libraries.clone(),
        export: part.manner.export.clone().filter(|_| part.kind == Kind::Shared).map(Export::Listed),
        ..TargetTable::default()
    }
}

fn is_macro(name: &str) -> bool {
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A folder as a list of folders takes it.
fn folder(dir: String) -> String {
    match dir.chars().next() {
        None => ".".to_owned(),
        Some('-' | '@') => format!("./{dir}"),
        Some(_) => dir,
    }
}

/// `sources` as patterns that take just these: a glob where it takes nothing else that is there.
fn folded(sources: &[String], tree: &Tree) -> Vec<String> {
    let glob_of = |path: &FilePath| {
        let extension = std::str::from_utf8(path.extension()?).ok()?.to_owned();
        Some((path.parent()?, extension))
    };
    let units = tree.files.iter().filter(|file| file.category.is_unit());
    let mut there: BTreeMap<(FilePath, String), usize> = BTreeMap::new();
    for key in units.filter_map(|file| glob_of(&file.path)) {
        *there.entry(key).or_default() += 1;
    }
    let mut mine: BTreeMap<(FilePath, String), usize> = BTreeMap::new();
    let is_there = |source: &&String| tree.get(&FilePath::new(source)).is_some();
    for key in sources.iter().filter(is_there).filter_map(|source| glob_of(&FilePath::new(source))) {
        *mine.entry(key).or_default() += 1;
    }
    let whole = |key: &(FilePath, String)| {
        mine.get(key).is_some_and(|count| *count >= MANY && there.get(key) == Some(count))
    };
    let mut patterns = Vec::new();
    for source in sources {
        let key = glob_of(&FilePath::new(source)).filter(|key| whole(key));
        let pattern = match key {
            Some((dir, extension)) => {
                let dir = dir.to_string();
                let slash = if dir.is_empty() || dir == "." { String::new() } else { escaped(&dir) + "/" };
                format!("{slash}*.{}", escaped(&extension))
            }
            None => escaped(source),
        };
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    patterns
}

/// `path` as a pattern that means itself.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        match c {
            '*' | '?' | '[' | ']' | '{' | '}' => text.extend(['[', c, ']']),
            '\\' => text += "\\\\",
            c => text.push(c),
        }
    }
    text
}

/// Moves what all targets say to `[compile]`.
fn share(manifest: &mut Manifest, present: &Manifest) {
    let [first, rest @ ..] = &manifest.targets[..] else { return };
    if rest.is_empty() {
        return;
    }
    // Folders of a target are searched before those of all, so only the whole list may move.
    let dirs = first.include_dirs.clone();
    let same_dirs = rest.iter().all(|table| table.include_dirs == dirs);
    let mut defines = first.defines.clone();
    defines.retain(|define| rest.iter().all(|table| table.defines.contains(define)));
    if same_dirs && present.compile.include_dirs.is_empty() {
        manifest.targets.iter_mut().for_each(|table| table.include_dirs.clear());
        manifest.compile.include_dirs = dirs;
    }
    if present.compile.defines.is_empty() {
        let is_own = |define: &(String, Option<String>)| !defines.contains(define);
        manifest.targets.iter_mut().for_each(|table| table.defines.retain(is_own));
        manifest.compile.defines = defines;
    }
}

/// The standard of one language, where all that say one say the same.
fn standard(manifest: &mut Manifest, present: &Manifest, parts: &[&Part], cxx: bool) {
    let said: BTreeSet<&String> = parts.iter().filter_map(|part| std_of(part, cxx)).collect();
    let mut said = said.into_iter();
    let only = said.next().filter(|_| said.next().is_none()).cloned();
    match cxx {
        true if present.compile.std.is_none() => manifest.compile.std = only,
        false if present.compile.c_std.is_none() => manifest.compile.c_std = only,
        _ => {}
    }
}

fn std_of(part: &Part, cxx: bool) -> Option<&String> {
    if cxx { part.manner.std.as_ref() } else { part.manner.c_std.as_ref() }
}

fn flags_of(part: &Part, cxx: bool) -> &[String] {
    if cxx { &part.manner.cxx_flags } else { &part.manner.c_flags }
}

/// Flags that all sources of one language have.
fn common_flags(manifest: &mut Manifest, parts: &[&Part], cxx: bool) {
    let Some((first, rest)) = parts.split_first() else { return };
    let mut flags = flags_of(first, cxx).to_vec();
    flags.retain(|flag| rest.iter().all(|part| flags_of(part, cxx).contains(flag)));
    let slot = if cxx { &mut manifest.compile.cxx_flags } else { &mut manifest.compile.c_flags };
    *slot = flags;
}

/// Puts the flags that are left into `table`; gives those of a language that is not its only one.
fn own_flags(part: &Part, shared: &crate::manifest::Compile, table: &mut TargetTable) -> Vec<String> {
    let (c, cxx) = (part.has(Category::CSource), part.has(Category::CppSource));
    let rest = |is_cxx: bool| -> Vec<String> {
        let known = if is_cxx { &shared.cxx_flags } else { &shared.c_flags };
        let std = if is_cxx { &shared.std } else { &shared.c_std };
        let std = std_of(part, is_cxx).filter(|own| std.as_ref() != Some(own));
        let flags = flags_of(part, is_cxx).iter().filter(|flag| !known.contains(flag)).cloned();
        std.map(|std| format!("-std={std}")).into_iter().chain(flags).collect()
    };
    match (c, cxx) {
        (true, true) => {
            let (c, cxx) = (rest(false), rest(true));
            table.flags = c.iter().filter(|flag| cxx.contains(flag)).cloned().collect();
            let of_one = c.iter().chain(&cxx).filter(|flag| !table.flags.contains(flag));
            of_one.cloned().collect()
        }
        (_, is_cxx) => {
            table.flags = rest(is_cxx);
            Vec::new()
        }
    }
}

/// Takes out what the user would have to consent to.
fn without_consent(manifest: &mut Manifest, read: &Read, notes: &mut Vec<Note>) {
    for issue in needs_trust(manifest) {
        let mut key = issue.key.split('.');
        let target = key.next().filter(|first| *first == "target").and_then(|_| key.next());
        let target: Option<usize> = target.and_then(|at| at.parse().ok());
        let Some((table, part)) =
            target.and_then(|at| Some((manifest.targets.get_mut(at)?, read.parts.get(at)?)))
        else {
            continue;
        };
        table.libraries.retain(|library| *library != issue.value);
        table.flags.retain(|flag| *flag != issue.value);
        notes.push(part.note(format!("`{}` is not written to `{MANIFEST}`: it {}", issue.value, issue.why)));
    }
}
