//! The one table of keys.
//!
//! A row holds everything jmake knows of a key: its name, the values it takes, what is taken when
//! it is missing, how the first jmake spelled it, and where a value goes.  A key that is not in
//! this table is unknown; a key that is in it is honoured, refused, or said to be unused.
//!
//! In a name, `*` stands for any single part (a profile's name) and `target[]` for one of the
//! `[[target]]` tables.

use super::value::{Setting, Takes};
use super::{Manifest, ProfileTable, TargetTable};

/// One key of `jmake.toml`.
pub struct Key {
    /// Its name, sections first.
    pub name: &'static str,
    /// What values it takes.
    pub takes: Takes,
    /// What is taken when it is missing, for people.
    pub default: &'static str,
    /// What it does, in a few words.
    pub doc: &'static str,
    /// How the first jmake spelled it, the one that counts most first.
    pub old: &'static [&'static str],
    /// What is special about it.
    pub mark: Mark,
    pub(super) put: Put,
}

/// What is special about a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// It may also stand in the user's own configuration.
    User,
    /// In a project it can choose programs or reach outside, so that it may need consent.
    Trust,
    /// Both of these.
    UserTrust,
    /// This version knows it, checks its value and does nothing with it.
    Later,
}

/// Where a value goes.
#[derive(Clone, Copy)]
pub(super) enum Put {
    Project(fn(&mut Manifest, Setting)),
    Profile(fn(&mut ProfileTable, Setting)),
    Target(fn(&mut TargetTable, Setting)),
    Nowhere,
}

impl Key {
    /// Whether it may stand in the user's own configuration.
    pub fn is_user(&self) -> bool {
        matches!(self.mark, Mark::User | Mark::UserTrust)
    }

    /// Whether its value in a project can need consent.
    pub fn needs_trust(&self) -> bool {
        matches!(self.mark, Mark::Trust | Mark::UserTrust)
    }

    /// Whether the name in this row stands for `path`.
    pub(super) fn matches(&self, path: &[&str]) -> bool {
        matches(self.name, path)
    }

    /// Whether keys below `path` can stand for this row.
    pub(super) fn is_below(&self, path: &[&str]) -> bool {
        let mut parts = self.name.split('.');
        path.iter().all(|part| parts.next().is_some_and(|mine| mine == "*" || mine == *part))
            && parts.next().is_some()
    }

    /// The part after the last dot.
    pub fn last(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// Whether `pattern` stands for `path`: part by part, `*` for any.
pub(super) fn matches(pattern: &str, path: &[&str]) -> bool {
    let mut parts = pattern.split('.');
    path.iter().all(|part| parts.next().is_some_and(|mine| mine == "*" || mine == *part))
        && parts.next().is_none()
}

/// The row for `path`.
pub(super) fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.matches(path))
}

/// The row that the first jmake spelled `path`, and how far down its list of spellings that is.
pub(super) fn find_old(path: &[&str]) -> Option<(&'static Key, usize)> {
    KEYS.iter().find_map(|key| Some((key, key.old.iter().position(|old| matches(old, path))?)))
}

/// Whether `path` is a section with keys of its own.
pub(super) fn is_section(path: &[&str]) -> bool {
    KEYS.iter().any(|key| key.is_below(path))
}

impl Setting {
    fn text(self) -> Option<String> {
        if let Setting::Text(text) = self { Some(text) } else { None }
    }

    fn bool(self) -> Option<bool> {
        if let Setting::Bool(flag) = self { Some(flag) } else { None }
    }

    fn number(self) -> Option<u32> {
        if let Setting::Number(number) = self { Some(number) } else { None }
    }

    fn list(self) -> Vec<String> {
        if let Setting::List(list) = self { list } else { Vec::new() }
    }

    fn defines(self) -> Vec<(String, Option<String>)> {
        if let Setting::Defines(defines) = self { defines } else { Vec::new() }
    }

    /// Tools by their own names: the first jmake wrote `llvm_link` and looked for `llvm-link`.
    fn tools(self) -> Vec<(String, String)> {
        let Setting::Texts(tools) = self else { return Vec::new() };
        let name = |name: String| if name == "clangxx" { "clang++".into() } else { name.replace('_', "-") };
        tools.into_iter().map(|(tool, path)| (name(tool), path)).collect()
    }

    fn size(self) -> Option<u64> {
        if let Setting::Size(size) = self { Some(size) } else { None }
    }

    fn time(self) -> Option<std::time::Duration> {
        if let Setting::Time(time) = self { Some(time) } else { None }
    }

    fn kind(self) -> Option<super::Kind> {
        if let Setting::Kind(kind) = self { Some(kind) } else { None }
    }

    fn export(self) -> Option<super::Export> {
        if let Setting::Export(export) = self { Some(export) } else { None }
    }

    fn opt_level(self) -> Option<super::OptLevel> {
        if let Setting::OptLevel(level) = self { Some(level) } else { None }
    }

    fn debug(self) -> Option<super::Debug> {
        if let Setting::Debug(debug) = self { Some(debug) } else { None }
    }

    fn lto(self) -> Option<super::Lto> {
        if let Setting::Lto(lto) = self { Some(lto) } else { None }
    }
}

/// A row: name, values, default, words, old spellings, mark, place.
macro_rules! key {
    ($name:literal, $takes:ident, $default:literal, $doc:literal, [$($old:literal),*], $mark:ident, later) => {
        Key { name: $name, takes: Takes::$takes, default: $default, doc: $doc, old: &[$($old),*], mark: Mark::$mark, put: Put::Nowhere }
    };
    ($name:literal, $takes:ident, $default:literal, $doc:literal, [$($old:literal),*], $mark:ident, $scope:ident $($field:ident).+ = $get:ident) => {
        Key { name: $name, takes: Takes::$takes, default: $default, doc: $doc, old: &[$($old),*], mark: Mark::$mark, put: Put::$scope(|place, value| place.$($field).+ = value.$get()) }
    };
}

/// Every key there is, in the order of the documentation.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    key!("project.name", Text, "the folder's name", "name of the project and, made an identifier, of its library", [], Plain, Project project.name = text),
    key!("project.version", Text, "`\"0.1.0\"`", "version of the project", [], Plain, Project project.version = text),
    key!("project.root", Text, "", "where the first jmake said the project lies; compared, never used", [], Plain, Project project.root = text),

    key!("discovery.include", Globs, "all files", "files to consider", [], Plain, Project discovery.include = list),
    key!("discovery.exclude", Globs, "`[]`", "files and folders to leave out; a glob without `/` matches at any depth", ["discovery.exclude_dirs"], Plain, Project discovery.exclude = list),
    key!("discovery.max_depth", Number, "no limit", "how many folders deep to look", [], Plain, Project discovery.max_depth = number),
    key!("discovery.evidence", Bool, "`true`", "read the project's own build description (`CMakeLists.txt`, `meson.build`, …), never run it, to know what its library is", [], Plain, Project discovery.evidence = bool),
    key!("discovery.follow_symlinks", Bool, "`false`", "follow links to folders", [], Plain, Project discovery.follow_symlinks = bool),

    key!("compile.std", Word, "from the sources", "C++ standard: `\"c++20\"`", [], Plain, Project compile.std = text),
    key!("compile.c_std", Word, "from the sources", "C standard: `\"c17\"`", [], Plain, Project compile.c_std = text),
    key!("compile.flags", List, "`[]`", "flags for every unit", ["compile.extra_flags"], Trust, Project compile.flags = list),
    key!("compile.c_flags", List, "`[]`", "flags for C units", [], Trust, Project compile.c_flags = list),
    key!("compile.cxx_flags", List, "`[]`", "flags for C++ units", [], Trust, Project compile.cxx_flags = list),
    key!("compile.include_dirs", Dirs, "what discovery finds", "folders for `-I`", [], Plain, Project compile.include_dirs = list),
    key!("compile.system_include_dirs", Dirs, "`[]`", "folders for `-isystem`", [], Plain, Project compile.system_include_dirs = list),
    key!("compile.defines", Defines, "`{}`", "macros: `NAME = \"value\"`, or `true` for a bare one", [], Plain, Project compile.defines = defines),
    key!("compile.jobs", Jobs, "number of cores", "compilers at once", ["daemon.workers", "workflow.parallel", "compile.parallel"], User, Project compile.jobs = number),

    key!("link.libraries", List, "`[]`", "libraries: names as after `-l`, or paths", ["binary.link_libraries", "compile.libraries"], Trust, Project link.libraries = list),
    key!("link.lib_dirs", Dirs, "`[]`", "folders for `-L`", ["binary.lib_dirs", "compile.lib_dirs"], Trust, Project link.lib_dirs = list),
    key!("link.flags", List, "`[]`", "flags for the link", [], Trust, Project link.flags = list),
    key!("link.rpath", Bool, "`true`", "record the folders of `lib_dirs` in the library", ["binary.rpath"], Plain, Project link.rpath = bool),
    key!("link.lto", Lto, "`\"off\"`", "optimise across units", ["target.lto"], Plain, Project link.lto = lto),
    key!("link.linker", Text, "best found", "linker: `lld`, `mold`, `bfd`, `gold`, or a path", [], UserTrust, Project link.linker = text),

    key!("binary.kind", Kind, "`\"shared\"`", "what is made; `prebuilt` for a folder of finished libraries", ["binary.library_type"], Plain, Project binary.kind = kind),
    key!("binary.name", FileName, "`project.name`", "name of the library, without `lib` and suffix", ["binary.library_name"], Plain, Project binary.name = text),
    key!("binary.output_dir", Text, "`\"julia\"`", "folder for results, below the root", [], Plain, Project binary.output_dir = text),
    key!("binary.export", Export, "`\"all\"`", "symbols to show: names and globs", [], Plain, Project binary.export = export),

    key!("build.profile", Word, "`\"release\"`", "profile of a plain `jmake build`", [], User, Project build.profile = text),

    key!("profile.*.opt_level", OptLevel, "release `2`, dev `0`", "how hard the optimiser tries", ["link.opt_level", "target.opt_level"], Plain, Profile opt_level = opt_level),
    key!("profile.*.debug", Debug, "release `false`, dev `true`", "debug information", ["target.debug"], Plain, Profile debug = debug),
    key!("profile.*.lto", Lto, "`link.lto`", "as `link.lto`, for this profile", [], Plain, Profile lto = lto),
    key!("profile.*.sanitize", Sanitizers, "`[]`", "sanitizers", ["target.sanitizers"], Plain, Profile sanitize = list),
    key!("profile.*.inherits", Text, "`\"release\"` for own profiles", "profile to begin with", [], Plain, Profile inherits = text),
    key!("profile.*.opt_passes", List, "`[]`", "passes for `opt`, instead of those of `opt_level`", ["link.opt_passes"], Trust, Profile opt_passes = list),
    key!("profile.*.defines", Defines, "`{}`", "macros, after `compile.defines`", [], Plain, Profile defines = defines),
    key!("profile.*.flags", List, "`[]`", "flags, after `compile.flags`", [], Trust, Profile flags = list),

    key!("target.triple", Word, "this machine", "machine the library is for", [], Plain, Project machine.triple = text),
    key!("target.cpu", Word, "`\"generic\"`", "processor", [], Plain, Project machine.cpu = text),
    key!("target.features", Words, "`[]`", "processor features: `[\"+avx2\"]`", [], Plain, Project machine.features = list),
    key!("machine.triple", Word, "this machine", "`target.triple`, for a file that has `[[target]]`", [], Plain, Project machine.triple = text),
    key!("machine.cpu", Word, "`\"generic\"`", "`target.cpu`, for a file that has `[[target]]`", [], Plain, Project machine.cpu = text),
    key!("machine.features", Words, "`[]`", "`target.features`, for a file that has `[[target]]`", [], Plain, Project machine.features = list),

    key!("target[].name", FileName, "required", "name of the output", [], Plain, Target name = text),
    key!("target[].kind", Kind, "`binary.kind`", "as `binary.kind`", [], Plain, Target kind = kind),
    key!("target[].sources", Globs, "what discovery finds", "paths, folders or globs of its sources", [], Plain, Target sources = list),
    key!("target[].exclude", Globs, "`[]`", "paths, folders or globs taken out again", [], Plain, Target exclude = list),
    key!("target[].include_dirs", Dirs, "`[]`", "folders for `-I`, before `compile.include_dirs`; also of targets that name this one", [], Plain, Target include_dirs = list),
    key!("target[].defines", Defines, "`{}`", "macros, after `compile.defines`", [], Plain, Target defines = defines),
    key!("target[].flags", List, "`[]`", "flags, after `compile.flags`", [], Trust, Target flags = list),
    key!("target[].libraries", List, "`[]`", "libraries, before `link.libraries`; another target's name links that one", [], Trust, Target libraries = list),
    key!("target[].lib_dirs", Dirs, "`[]`", "folders for `-L`, before `link.lib_dirs`", [], Trust, Target lib_dirs = list),
    key!("target[].link_flags", List, "`[]`", "link flags, after `link.flags`", [], Trust, Target link_flags = list),
    key!("target[].export", Export, "`binary.export`", "as `binary.export`", [], Plain, Target export = export),

    key!("llvm.version", Version, "newest complete set", "LLVM to use: `\"19\"`", [], User, Project llvm.version = text),
    key!("llvm.root", Text, "searched for", "folder that holds `bin/clang`", [], UserTrust, Project llvm.root = text),
    key!("llvm.tools", Texts, "`{}`", "paths of single tools: `{ clang = \"/opt/bin/clang\" }`", [], UserTrust, Project llvm.tools = tools),

    key!("cache.enabled", Bool, "`true`", "use the shared cache", [], User, Project cache.enabled = bool),
    key!("cache.dir", Text, "the user's cache folder", "where the shared cache lies", ["cache.directory"], UserTrust, Project cache.dir = text),
    key!("cache.max_size", Size, "`\"10GB\"`", "how much it may hold", [], User, Project cache.max_size = size),
    key!("cache.max_age", Time, "`\"90d\"`", "how long an entry is kept after its last use", [], User, Project cache.max_age = time),

    key!("daemon.enabled", Bool, "`true`", "build through the daemon and start it when there is none; see `--daemon`", [], User, Project daemon.enabled = bool),
    key!("daemon.idle_timeout", Time, "`\"1h\"`", "when a daemon with nothing to do ends", [], User, Project daemon.idle_timeout = time),
    key!("daemon.eager", Bool, "`false`", "compile what was saved before anyone asks", [], User, Project daemon.eager = bool),
    key!("watch.debounce", Time, "`\"20ms\"`", "how long nothing more must happen before `watch` builds", [], User, Project watch.debounce = time),
    key!("watch.ignore", Globs, "`[]`", "files and folders whose changes begin no round of `watch`", [], Plain, Project watch.ignore = list),
    key!("wrap", Anything, "", "Julia module", [], Later, later),
    key!("tool", Anything, "", "kept for other programs, never read", ["custom"], Plain, later),
];

/// The table of `docs/config.md`, in Markdown.
pub fn markdown() -> String {
    let mut text = String::from("| key | takes | default | meaning | first jmake |\n|---|---|---|---|---|\n");
    for key in KEYS {
        let name = match key.name.strip_prefix("target[].") {
            Some(name) => format!("`[[target]]` `{name}`"),
            None => format!("`{}`", key.name.replace('*', "<name>")),
        };
        let marks = match key.mark {
            Mark::Plain => "",
            Mark::User => " (u)",
            Mark::Trust => " (t)",
            Mark::UserTrust => " (u, t)",
            Mark::Later => " (later)",
        };
        let old: Vec<String> = key.old.iter().map(|old| format!("`{old}`")).collect();
        let (expected, old) = (key.takes.expected(), old.join(", "));
        text += &format!("| {name}{marks} | {expected} | {} | {} | {old} |\n", key.default, key.doc);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_own_names_and_only_once() {
        for key in KEYS {
            let name = key.name.replace('*', "some name");
            let path: Vec<&str> = name.split('.').collect();
            assert_eq!(KEYS.iter().filter(|other| other.matches(&path)).count(), 1, "{name}");
            for old in key.old {
                let path: Vec<&str> = old.split('.').collect();
                assert!(find(&path).is_none(), "{old} is a key and an old spelling");
                let found = find_old(&path).map(|(found, _)| found.name);
                assert_eq!(found, Some(key.name), "{old} belongs to two keys");
            }
        }
    }

    #[test]
    fn documentation_is_in_step() {
        let page = include_str!("../../../docs/config.md");
        let (_, rest) = page.split_once("<!-- keys -->\n").expect("the page marks where its table begins");
        let (table, _) = rest.split_once("<!-- /keys -->").expect("the page marks where its table ends");
        assert_eq!(table, markdown(), "put this between the marks of docs/config.md:\n{}", markdown());
    }
}
