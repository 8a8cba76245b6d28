//! What a build description says, whatever its language; and what its readers may see.
//!
//! Every reader gives a [`Described`].  Nothing of it is decided yet: which of its targets make
//! the library is for discovery to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::generate::{Form, Generated, Known, Names};
use crate::path::FilePath;

/// What a reader can see of the project.
pub trait Files {
    /// Content of a file of the project, `None` when it is not there or not readable.
    fn read(&self, path: &FilePath) -> Option<Arc<[u8]>>;
    /// Whether there is a file at `path`.
    fn is_file(&self, path: &FilePath) -> bool;
    /// Whether there is a folder at `path`.
    fn is_dir(&self, path: &FilePath) -> bool;
    /// The paths of all files below `dir`, sorted.
    fn below(&self, dir: &FilePath) -> Vec<FilePath>;
    /// Whether the compiler takes a program of C++, or of C; `None` where nobody knows, or not yet.
    fn compiles(&self, _program: &str, _cxx: bool) -> Option<bool> {
        None
    }
}

/// What a description says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Described {
    /// Libraries and programs, in the order of their making.
    pub targets: Vec<Target>,
    /// Headers that the description has made, by path.
    pub headers: BTreeMap<FilePath, Generated>,
    /// Files in which it goes on, as it spells them, and that are not there.
    pub unread: Vec<String>,
    /// Macros of its headers whose values only commands tell.
    pub unsure: Vec<String>,
}

/// A library or a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Its name in the description, unlike that of any other.
    pub name: String,
    /// The folder it is described in.
    pub dir: FilePath,
    /// Whether it is a program; a library otherwise.
    pub is_program: bool,
    /// Whether it is for the project's own tests.
    pub is_test: bool,
    /// Whether it is made for others: it is installed, or others may use it.
    pub is_public: bool,
    /// Its sources, whether they are there or not; headers may be among them.
    pub sources: Vec<FilePath>,
    /// Macros, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Folders searched for headers, in order.
    pub include_dirs: Vec<FilePath>,
    /// Headers that every source begins with, though none names it.
    pub first: Vec<FilePath>,
    /// Names of targets that are linked into it.
    pub links: Vec<String>,
    /// What the compiler is told for its sources of C.
    pub c_flags: Vec<String>,
    /// The same for those of C++.
    pub cxx_flags: Vec<String>,
    /// What it is told for single sources besides.
    pub own: BTreeMap<FilePath, Own>,
    /// Which of its symbols are shown, where that is said.
    pub export: Option<Export>,
    /// Scripts that its linker reads as it reads objects: they may define symbols.
    pub scripts: Vec<FilePath>,
}

/// What the compiler is told for one source of a target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Own {
    /// Macros and flags, after those of the target.
    pub flags: Vec<String>,
    /// Folders, before those of the target.
    pub include_dirs: Vec<FilePath>,
    /// Headers that it begins with, after those of the target.
    pub first: Vec<FilePath>,
}

/// How a library's linker is told which symbols to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Export {
    /// By a version script.
    Script(FilePath),
    /// By a list of names, one a line.
    Listed(FilePath),
    /// By an extended regular expression that finds them.
    Matching(String),
}

/// More targets, sources or folders than any project has: what is beyond is not read.
pub const MOST: usize = 100_000;
/// The same of flags for one target or one source.
const MOST_FLAGS: usize = 500;

impl Described {
    /// The libraries that are the project's purpose and all that is linked into them: those made
    /// for others, or, where nothing is said to be, those that are not there for programs and tests
    /// alone.  Those in the folders that `is_beside` names do not count.
    pub fn libraries(&self, is_beside: &dyn Fn(&FilePath) -> bool) -> Vec<&Target> {
        let by_name: BTreeMap<&str, &Target> =
            self.targets.iter().map(|target| (target.name.as_str(), target)).collect();
        let counts = |target: &&Target| !target.is_program && !target.is_test && !is_beside(&target.dir);
        let public: Vec<&Target> = self.targets.iter().filter(counts).filter(|one| one.is_public).collect();
        let mut todo = if public.is_empty() { self.for_nobody(&counts) } else { public };
        let mut taken: BTreeSet<&str> = todo.iter().map(|target| target.name.as_str()).collect();
        let mut all = Vec::new();
        todo.reverse();
        while let Some(target) = todo.pop() {
            all.push(target);
            let linked = target.links.iter().filter_map(|name| by_name.get(name.as_str()));
            let fresh = linked.filter(|one| !one.is_program && taken.insert(&one.name));
            todo.extend(fresh.copied());
        }
        all
    }

    /// Libraries that are not linked into programs and tests.
    fn for_nobody<'d>(&'d self, counts: &dyn Fn(&&Target) -> bool) -> Vec<&'d Target> {
        let others = self.targets.iter().filter(|target| !counts(target));
        let used: BTreeSet<&str> = others.flat_map(|target| &target.links).map(String::as_str).collect();
        let all = self.targets.iter().filter(counts);
        let alone: Vec<&Target> = all.clone().filter(|target| !used.contains(target.name.as_str())).collect();
        // A program or a test links the only library there is, too.
        if alone.is_empty() { all.collect() } else { alone }
    }
}

impl Default for Target {
    fn default() -> Target {
        Target {
            name: String::new(),
            dir: FilePath::root(),
            is_program: false,
            is_test: false,
            is_public: false,
            sources: Vec::new(),
            defines: Vec::new(),
            include_dirs: Vec::new(),
            first: Vec::new(),
            links: Vec::new(),
            c_flags: Vec::new(),
            cxx_flags: Vec::new(),
            own: BTreeMap::new(),
            export: None,
            scripts: Vec::new(),
        }
    }
}

impl Target {
    /// Adds what `args` say of how sources of C++, or of C, are compiled besides macros and folders.
    pub fn compile<'a>(&mut self, cxx: bool, args: impl IntoIterator<Item = &'a str>) {
        let flags = if cxx { &mut self.cxx_flags } else { &mut self.c_flags };
        let room = MOST_FLAGS.saturating_sub(flags.len());
        flags.extend(args.into_iter().filter(|arg| says_how(arg)).take(room).map(str::to_owned));
    }

    /// Takes what the linker is told by `args` of the symbols to show: in its own words, in those of
    /// a compiler's driver or of libtool.  `file` is what the name of one stands for.
    pub fn take_link_flags<'a>(
        &mut self,
        args: impl IntoIterator<Item = &'a str>,
        file: &dyn Fn(&str) -> Option<FilePath>,
    ) {
        let parts = |arg: &'a str| {
            arg.strip_prefix("-Wl,").map_or_else(|| vec![arg], |rest| rest.split(',').collect())
        };
        let mut words = args.into_iter().filter(|arg| *arg != "-Xlinker").flat_map(parts);
        while let Some(word) = words.next() {
            let (option, behind) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let option = option.trim_start_matches('-');
            let kind: fn(FilePath) -> Export = match option {
                "version-script" => Export::Script,
                "export-symbols" => Export::Listed,
                "export-symbols-regex" => {
                    self.export =
                        behind.or_else(|| words.next()).map(|text| Export::Matching(text.to_owned()));
                    continue;
                }
                script if script == word && [".lds", ".ld"].iter().any(|end| script.ends_with(end)) => {
                    self.scripts.extend(file(script).into_iter().take(MOST_FLAGS));
                    continue;
                }
                _ => continue,
            };
            self.export = behind.or_else(|| words.next()).and_then(file).map(kind);
        }
    }

    /// What the compiler is told for a source with flags of its `own`, as far as it counts.
    pub fn flags_of<'t>(&'t self, own: Option<&'t Own>, cxx: bool) -> Vec<&'t str> {
        let all = if cxx { &self.cxx_flags } else { &self.c_flags };
        let own = own.into_iter().flat_map(|own| &own.flags).take(MOST_FLAGS);
        effective(all.iter().chain(own).map(String::as_str))
    }

    /// Adds the macros, folders and first headers that the compiler is told by `args`; `place` is what
    /// the name of a file or folder stands for.
    pub fn take_flags<'a>(
        &mut self,
        args: impl IntoIterator<Item = &'a str>,
        place: &dyn Fn(&str) -> Option<FilePath>,
    ) {
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let after = |option: &str| arg.strip_prefix(option).filter(|rest| !rest.is_empty());
            let mut value = |option: &str| {
                let behind = after(option).map(str::to_owned);
                behind.or_else(|| (arg == option).then(|| args.next().map(str::to_owned)).flatten())
            };
            if let Some(define) = value("-D") {
                self.define(macro_of(&define));
            } else if let Some(name) = value("-U") {
                let is_it = |define: &String| define.split('=').next() == Some(name.as_str());
                self.defines.retain(|define| !is_it(define));
            } else if let Some(header) = value("-include") {
                let header = place(&header).filter(|header| !self.first.contains(header));
                self.first.extend(header);
            } else if let Some(dir) = value("-I")
                .or_else(|| value("-isystem"))
                .or_else(|| value("-iquote"))
                .and_then(|dir| place(&dir))
            {
                self.search(dir);
            }
        }
    }

    /// Adds a macro.
    pub fn define(&mut self, define: Option<String>) {
        self.defines.extend(define.filter(|define| !self.defines.contains(define)));
    }

    /// Adds a folder to search.
    pub fn search(&mut self, dir: FilePath) {
        if !self.include_dirs.contains(&dir) {
            self.include_dirs.push(dir);
        }
    }
}

/// Whether a flag tells the compiler how to compile.
pub fn says_how(flag: &str) -> bool {
    ["-f", "-m", "-std="].iter().any(|start| flag.starts_with(start))
}

/// Of `flags` those that count: of two that contradict each other the later does.
pub fn effective<'f>(flags: impl Iterator<Item = &'f str>) -> Vec<&'f str> {
    let mut counts: Vec<&str> = Vec::new();
    for flag in flags {
        counts.retain(|other| about(other) != about(flag));
        counts.push(flag);
    }
    counts
}

/// What a flag is about: the same is said of it, or unsaid, by others.
fn about(flag: &str) -> (&str, &str) {
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
    for kind in ["-f", "-m"] {
        if let Some(what) = name.strip_prefix(kind) {
            return (kind, what.strip_prefix("no-").unwrap_or(what));
        }
    }
    // Each macro is about itself.
    if value.is_some() && name == "-std" { ("-std", "") } else { (flag, "") }
}

/// The file that `name` stands for in `dir`, without `..`; `None` when it lies outside the root.
pub fn place(dir: &FilePath, name: &[u8]) -> Option<FilePath> {
    if name.first() == Some(&b'/') {
        return None;
    }
    let joined = dir.join(name);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in joined.components() {
        match part {
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(FilePath::new(parts.join(&b'/')))
}

/// A macro as a compiler's `-D` names it: without the quotes that are for the shell.
pub fn macro_of(text: &str) -> Option<String> {
    let text = text.trim();
    let name = text.split('=').next().unwrap_or_default();
    let name = name.split('(').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_name && !name.starts_with(|c: char| c.is_ascii_digit())).then(|| text.to_owned())
}

/// The header at `path` of the macros `names`, of which no template says where they stand.
pub fn header_of_macros(path: FilePath, from: FilePath, names: Names) -> Generated {
    // Of `NAME(x)` the name.
    let names_alone = names.keys().map(|name| name.split('(').next().unwrap_or(name));
    let lines: String = names_alone.map(|name| format!("#mesondefine {name}\n")).collect();
    Generated { path, from, form: Form::Lines { text: lines, names, is_first: false } }
}

/// The value `text` of a macro.
pub fn value(text: impl Into<String>) -> Known {
    Known::Define(text.into())
}

/// A project in memory, for the tests of readers.
#[cfg(test)]
pub(crate) mod testing {
    use std::fmt;

    use super::*;

    /// Paths and texts, and what a program must not hold to be compiled.
    #[derive(Default)]
    pub(crate) struct Tree(BTreeMap<FilePath, Vec<u8>>, Option<&'static str>);

    impl Tree {
        /// Empty files.
        pub(crate) fn of(paths: &[&str]) -> Tree {
            Tree(paths.iter().map(|path| (FilePath::new(path), Vec::new())).collect(), None)
        }

        /// The same with one file more.
        pub(crate) fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Tree {
            self.0.insert(path.into(), text.as_ref().to_vec());
            self
        }

        /// The same with a compiler that takes every program but those with this text.
        pub(crate) fn refusing(self, text: &'static str) -> Tree {
            Tree(self.0, Some(text))
        }
    }

    impl Files for Tree {
        fn read(&self, path: &FilePath) -> Option<Arc<[u8]>> {
            Some(self.0.get(path)?.clone().into())
        }

        fn is_file(&self, path: &FilePath) -> bool {
            self.0.contains_key(path)
        }

        fn is_dir(&self, path: &FilePath) -> bool {
            !self.is_file(path) && self.0.keys().any(|file| file.starts_with(path))
        }

        fn compiles(&self, program: &str, _: bool) -> Option<bool> {
            self.1.map(|refused| !program.contains(refused))
        }

        fn below(&self, dir: &FilePath) -> Vec<FilePath> {
            self.0.keys().filter(|path| path.starts_with(dir)).cloned().collect()
        }
    }

    impl fmt::Display for Target {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}:", self.name)?;
            self.sources.iter().try_for_each(|source| write!(f, " {source}"))?;
            self.include_dirs.iter().try_for_each(|dir| write!(f, " -I{dir}"))?;
            self.defines.iter().try_for_each(|define| write!(f, " -D{define}"))?;
            self.links.iter().try_for_each(|link| write!(f, " +{link}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, kind: &str, links: &[&str]) -> Target {
        Target {
            name: name.into(),
            is_program: kind == "program",
            is_test: kind == "test",
            is_public: kind == "public",
            links: links.iter().map(|link| (*link).to_owned()).collect(),
            ..Target::default()
        }
    }

    fn chosen(targets: Vec<Target>) -> Vec<String> {
        let described = Described { targets, ..Described::default() };
        described.libraries(&|_| false).iter().map(|target| target.name.clone()).collect()
    }

    #[test]
    fn what_is_made_for_others_and_what_it_is_made_of() {
        let all = vec![
            target("part", "", &["deeper"]),
            target("deeper", "", &["part"]),
            target("whole", "public", &["part", "elsewhere"]),
            target("for_tool", "", &[]),
            target("tool", "program", &["whole", "for_tool"]),
        ];
        assert_eq!(chosen(all), ["whole", "part", "deeper"]);
        let all = vec![target("a", "", &[]), target("b", "", &[]), target("t", "test", &["b"])];
        assert_eq!(chosen(all), ["a"]);
        assert_eq!(chosen(vec![target("a", "", &[]), target("t", "program", &["a"])]), ["a"]);
    }

    #[test]
    fn places_are_within_the_root() {
        let at = |dir: &str, name: &str| place(&dir.into(), name.as_bytes()).map(|path| path.to_string());
        assert_eq!(at("a/b", "../c.c").as_deref(), Some("a/c.c"));
        assert_eq!(at("a", "./b//c.c").as_deref(), Some("a/b/c.c"));
        assert_eq!(at("a", "..").as_deref(), at("", ".").as_deref());
        assert_eq!(at("a", "../../c.c"), None);
        assert_eq!(at("a", "/usr/include"), None);
    }

    #[test]
    fn macros() {
        assert_eq!(macro_of("A=1").as_deref(), Some("A=1"));
        assert_eq!(macro_of("A(x)=x").as_deref(), Some("A(x)=x"));
        for text in ["", "=1", "1A", "@A@", "$A", "A-B"] {
            assert_eq!(macro_of(text), None, "{text}");
        }
    }
}
