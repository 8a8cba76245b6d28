//! What a Makefile that people wrote says: of which objects its libraries are made, and how these
//! are compiled.
//!
//! Nothing is run.  A rule makes a library when what it makes is called like one, or its recipe
//! packs or links one; the source of an object is the one that a rule for it names, else the one
//! called like it.  The variables and lines are also those of `Makefile.am`.

pub mod expand;
mod flags;
pub mod lines;
pub mod rules;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use globset::GlobBuilder;

use crate::described::{Described, Files, Target, place};
use crate::path::FilePath;

use rules::{Makefile, Rule};

/// The names such a file has.
pub const NAMES: [&str; 4] = ["GNUmakefile", "makefile", "Makefile", "Makefile.in"];

/// How many Makefiles of folders below are looked at.
const MOST_BELOW: usize = 50;
/// How many things one library is traced back to.
const MOST: usize = 20_000;
/// How many libraries are made by one Makefile, and by how many patterns their objects.
const MOST_LIBRARIES: usize = 100;
const MOST_PATTERNS: usize = 200;
/// No pattern of file names is longer.
const LONGEST_PATTERN: usize = 200;

const SOURCES: [&str; 7] = ["c", "cc", "cpp", "cxx", "C", "c++", "CPP"];

/// What the Makefile `file` says, or those that it starts in folders below; and the first that
/// says something.  `values` are what stands for `@NAME@` in templates of Makefiles.
pub fn read(
    files: &dyn Files,
    file: &FilePath,
    values: &BTreeMap<String, String>,
) -> Option<(FilePath, Described)> {
    let mut described = Described::default();
    let below = one(files, file, values, &mut described)?;
    let mut says = file.clone();
    if described.targets.is_empty() {
        for dir in below.into_iter().take(MOST_BELOW) {
            let Some(file) = NAMES.iter().map(|name| dir.join(name)).find(|file| files.is_file(file)) else {
                continue;
            };
            let has_none = described.targets.is_empty();
            one(files, &file, values, &mut described);
            if has_none && !described.targets.is_empty() {
                says = file;
            }
        }
    }
    Some((says, described))
}

/// Reads one Makefile; gives the folders in which it starts others.
fn one(
    files: &dyn Files,
    file: &FilePath,
    values: &BTreeMap<String, String>,
    described: &mut Described,
) -> Option<Vec<FilePath>> {
    let dir = file.parent()?;
    let wildcard = |pattern: &str| matching(files, &dir, pattern);
    let makefile = Makefile::read(files, file, values, &wildcard)?;
    let by_target = makefile.by_target();
    let is_pattern = |rule: &&Rule| rule.targets.iter().any(|target| target.contains('%'));
    let patterns = makefile.rules.iter().filter(is_pattern).take(MOST_PATTERNS).collect();
    let compiling = flags::compiling(&makefile.rules);
    let only = OnceCell::new();
    let reader = Reader { files, dir: &dir, makefile: &makefile, by_target, patterns, compiling, only };
    described.targets.extend(reader.libraries());
    described.unread.extend(reader.makefile.unread.iter().cloned());
    Some(reader.below())
}

/// The files that match a pattern such as `src/*.c`.
fn matching(files: &dyn Files, dir: &FilePath, pattern: &str) -> Vec<String> {
    let folder = pattern.rfind('/').map_or("", |at| &pattern[..at]);
    let Some(place) = place(dir, folder.as_bytes()).filter(|_| !folder.contains('*')) else {
        return Vec::new();
    };
    let name = pattern.rsplit('/').next().unwrap_or(pattern);
    if name.len() > LONGEST_PATTERN {
        return Vec::new();
    }
    let Ok(glob) = GlobBuilder::new(name).literal_separator(true).build() else { return Vec::new() };
    let glob = glob.compile_matcher();
    let beside = files.below(&place).into_iter().filter(|path| path.parent().as_ref() == Some(&place));
    let names = beside.filter_map(|path| String::from_utf8(path.file_name().to_vec()).ok());
    let before = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    names.filter(|name| glob.is_match(name)).map(|name| format!("{before}{name}")).collect()
}

struct Reader<'r> {
    files: &'r dyn Files,
    dir: &'r FilePath,
    makefile: &'r Makefile<'r>,
    by_target: BTreeMap<&'r str, Vec<&'r Rule>>,
    patterns: Vec<&'r Rule>,
    /// The lines that compile all sources of C, and of C++.
    compiling: [Vec<&'r str>; 2],
    /// The source of each name, where there is only one.
    only: OnceCell<BTreeMap<Vec<u8>, Option<FilePath>>>,
}

impl Reader<'_> {
    fn libraries(&self) -> Vec<Target> {
        let mut all: Vec<Target> = Vec::new();
        let installed = self.installed();
        let rules = self.makefile.rules.iter().filter(|rule| self.is_library(rule));
        for rule in rules.take(MOST_LIBRARIES) {
            let made = self.sources(rule);
            let sources: Vec<FilePath> = made.keys().cloned().collect();
            let name = rule.targets.join(" ");
            if sources.is_empty() {
                continue;
            }
            let same = all.iter().position(|other| other.sources == sources);
            let is_test = name.contains("test");
            let file = name.rsplit('/').next().unwrap_or(&name);
            let mut target = Target {
                is_public: installed.contains(file),
                name,
                dir: self.dir.clone(),
                is_test,
                sources,
                ..Target::default()
            };
            self.told(&mut target, rule, &made);
            match same.and_then(|at| all.get_mut(at)) {
                // What is shown only the shared form of a library says.
                Some(other) => {
                    other.export = other.export.take().or(target.export);
                    other.is_public |= target.is_public;
                }
                None => all.push(target),
            }
        }
        all
    }

    /// What the rules that install say.
    fn installed(&self) -> String {
        let said = |rule: &Rule| {
            let recipe = rule.recipe.iter().map(|line| self.makefile.variables.expand(line));
            format!("{} {}", rule.needs.join(" "), recipe.collect::<Vec<_>>().join(" "))
        };
        self.installing().into_iter().map(said).collect::<Vec<_>>().join(" ")
    }

    /// The rules that install: `install` and what it leads to, for `install-nss` beside it is what one
    /// has to ask for; without it all that are called so.
    fn installing(&self) -> Vec<&Rule> {
        let is_install =
            |name: &str| name.contains("install") && !name.contains("uninstall") && !name.contains('%');
        let mut todo = vec!["install".to_owned()];
        if !self.by_target.contains_key("install") {
            let all = self.by_target.keys().filter(|name| name.starts_with("install"));
            todo = all.map(|name| (*name).to_owned()).collect();
        }
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut rules = Vec::new();
        while let Some(name) = todo.pop() {
            if rules.len() >= MOST_LIBRARIES || !seen.insert(name.clone()) {
                continue;
            }
            for &rule in self.by_target.get(name.as_str()).into_iter().flatten() {
                let recipe = rule.recipe.iter().map(|line| self.makefile.variables.expand(line));
                let words = recipe.collect::<Vec<_>>().join(" ");
                let words = words.split_ascii_whitespace().map(str::to_owned);
                todo.extend(rule.needs.iter().cloned().chain(words).filter(|word| is_install(word)));
                rules.push(rule);
            }
        }
        rules
    }

    /// Whether a rule makes a library.
    fn is_library(&self, rule: &Rule) -> bool {
        if rule.targets.iter().any(|target| target.contains('%') || is_object(target)) {
            return false;
        }
        let is_named_so = |target: &String| {
            let name = target.rsplit('/').next().unwrap_or(target);
            name.ends_with(".a") || name.ends_with(".so") || name.contains(".so.") || name.ends_with(".la")
        };
        let packs = |line: &String| {
            let line = self.makefile.variables.expand(line);
            let line = line.trim_start_matches(['@', '-', '+']);
            line.contains(" -shared") || line.starts_with("ar ")
        };
        rule.targets.iter().any(is_named_so) || rule.recipe.iter().any(packs)
    }

    /// The sources that a library's rule leads to, each with the object that it is compiled to.
    fn sources(&self, rule: &Rule) -> BTreeMap<FilePath, Option<String>> {
        let mut sources = BTreeMap::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut todo: Vec<String> = rule.needs.clone();
        let made_by = |name: &str| self.by_target.get(name).into_iter().flatten();
        // A library may be told of in several rules.
        todo.extend(
            rule.targets.iter().flat_map(|target| made_by(target)).flat_map(|rule| rule.needs.clone()),
        );
        if !todo.iter().any(|name| is_object(name) || is_source(name)) {
            let lines = rule.recipe.iter().map(|line| self.makefile.variables.expand(line));
            let words: Vec<String> = lines
                .flat_map(|line| line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            todo.extend(words.into_iter().filter(|word| is_object(word) || is_source(word)));
        }
        let mut lost = 0;
        while let Some(name) = todo.pop() {
            if seen.len() > MOST || !seen.insert(name.clone()) {
                continue;
            }
            if name.contains(['@', '%']) || name.ends_with('.') {
                lost += 1;
                continue;
            }
            if is_source(&name) {
                sources.extend(place(self.dir, name.as_bytes()).map(|path| (path, None)));
            } else if is_object(&name) {
                let needs = made_by(&name).flat_map(|rule| &rule.needs);
                if let Some(path) = self.source_of(&name, needs) {
                    sources.entry(path).or_insert(Some(name));
                }
            } else {
                todo.extend(made_by(&name).flat_map(|rule| rule.needs.clone()));
            }
        }
        // Of what is hardly understood the little that is would be taken for the whole.
        if lost > sources.len() { BTreeMap::new() } else { sources }
    }

    /// The source that the object `name` is compiled from; `needs` is what its rules name.
    fn source_of<'n>(&self, name: &str, needs: impl Iterator<Item = &'n String>) -> Option<FilePath> {
        let file = |name: &str| place(self.dir, name.as_bytes()).filter(|path| self.files.is_file(path));
        let stem = without_ending(name);
        let last = stem.rsplit('/').next().unwrap_or(stem);
        let is_like = |source: &&String| {
            is_source(source)
                && source
                    .rsplit('/')
                    .next()
                    .is_some_and(|end| end.starts_with(last.get(..last.len().min(3)).unwrap_or(last)))
        };
        let mut named = needs.filter(|need| is_source(need));
        let first = named.next();
        if let Some(path) = first.into_iter().chain(named.filter(is_like)).find_map(|name| file(name)) {
            return Some(path);
        }
        let by_pattern = self.patterns.iter().find_map(|rule| {
            let pattern = rule
                .targets
                .iter()
                .find_map(|target| expand::stem(target, name).filter(|_| target.contains('%')))?;
            let needs = rule.needs.iter().filter(|need| is_source(need));
            needs.map(|need| need.replacen('%', pattern, 1)).find_map(|need| file(&need))
        });
        by_pattern.or_else(|| self.called_like(stem)).or_else(|| {
            // The same object once more, to be linked into a shared library.
            let plain = [".pic", "_pic", "-pic", ".shared", ".os", ".lo"];
            plain.iter().find_map(|ending| self.called_like(stem.strip_suffix(ending)?))
        })
    }

    /// The source called like `stem`: beside it, where make searches, or the only one below.
    fn called_like(&self, stem: &str) -> Option<FilePath> {
        let last = stem.rsplit('/').next().unwrap_or(stem);
        let searched = self.makefile.variables.value("VPATH").replace(':', " ");
        let mut dirs: Vec<String> =
            searched.split_ascii_whitespace().map(|dir| format!("{dir}/{last}")).collect();
        dirs.insert(0, stem.to_owned());
        let file = |name: String| place(self.dir, name.as_bytes()).filter(|path| self.files.is_file(path));
        let beside =
            dirs.iter().find_map(|stem| SOURCES.iter().find_map(|ending| file(format!("{stem}.{ending}"))));
        beside.or_else(|| self.only_source().get(last.as_bytes()).cloned().flatten())
    }

    /// The sources in the folder and below, by their names.
    fn only_source(&self) -> &BTreeMap<Vec<u8>, Option<FilePath>> {
        self.only.get_or_init(|| {
            let mut all: BTreeMap<Vec<u8>, Option<FilePath>> = BTreeMap::new();
            let files = self.files.below(self.dir).into_iter();
            for path in files.filter(|path| is_source(&String::from_utf8_lossy(path.file_name()))) {
                let one = all.entry(path.stem().to_vec());
                one.and_modify(|other| *other = None).or_insert(Some(path));
            }
            all
        })
    }

    /// The folders in which make is started.
    fn below(&self) -> Vec<FilePath> {
        let mut dirs = Vec::new();
        for line in self.makefile.rules.iter().flat_map(|rule| &rule.recipe) {
            let line = self.makefile.variables.expand(line);
            let words: Vec<&str> =
                line.split([' ', '\t', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
            if !words.iter().any(|word| word.trim_start_matches(['@', '+', '-']) == "make") {
                continue;
            }
            let named = words
                .windows(2)
                .filter(|pair| matches!(pair[0].trim_start_matches(['@', '+', '-']), "C" | "cd" | "-C"));
            for dir in named.filter_map(|pair| place(self.dir, pair[1].trim_end_matches("&&").as_bytes())) {
                if dir != *self.dir && !dirs.contains(&dir) {
                    dirs.push(dir);
                }
            }
        }
        dirs
    }
}

fn is_source(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| SOURCES.contains(&ending))
}

fn is_cxx(name: &str) -> bool {
    is_source(name) && !name.ends_with(".c")
}

fn is_object(name: &str) -> bool {
    [".o", ".lo", ".os", ".obj"].iter().any(|ending| name.ends_with(ending))
}

fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests;
