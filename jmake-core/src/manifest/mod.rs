//! `jmake.toml` as written: plain data in which every field may be missing.
//!
//! The manifest holds decisions, never scan results.  One table ([`schema::KEYS`]) says which
//! keys there are, what values they take and where a value goes; parsing, validation, nearest-key
//! hints, `config show` and the table in `docs/config.md` all come from it, so a key cannot be
//! documented and not honoured.
//!
//! This module does not decide anything: defaults are filled in where the manifest is resolved.
//! It does not look at the disk either; `setup::validate_config` does.

use std::collections::BTreeMap;
use std::time::Duration;

pub mod schema;
mod value;
mod legacy;
mod nearest;
mod read;
mod user;
mod splice;
mod edit;
mod section;

pub use edit::{GeneratedFacts, Shown, complete, get, set, show, unset};
pub use schema::{KEYS, Key};
pub use section::{get_config_section, update_config};
pub use user::UserConfig;
pub use value::{duration, show_duration, show_size, size};

/// The manifest of a project.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Manifest {
    /// The file it was read from, as shown to the user.
    pub file: String,
    /// `[project]`.
    pub project: Project,
    /// `[discovery]`.
    pub discovery: Discovery,
    /// `[compile]`.
    pub compile: Compile,
    /// `[link]`.
    pub link: Link,
    /// `[binary]`.
    pub binary: Binary,
    /// `[build]`.
    pub build: Build,
    /// `[profile.<name>]`, by name.
    pub profiles: BTreeMap<String, ProfileTable>,
    /// `[target]` with a triple, or `[machine]`: the machine the library is for.
    pub machine: Machine,
    /// `[[target]]`: the outputs of the project, in order.
    pub targets: Vec<TargetTable>,
    /// `[llvm]`.
    pub llvm: Llvm,
    /// `[cache]`.
    pub cache: Cache,
    /// `[watch]`.
    pub watch: Watch,
    /// `[daemon]`.
    pub daemon: Daemon,
    /// The line (from 1) of every key that was read, by its present name: `compile.flags`,
    /// `profile.release.lto`, `target.0.sources`.
    lines: BTreeMap<String, usize>,
}

impl Manifest {
    /// Reads `text`; `file_shown` is what diagnostics call the file.  Every problem is reported,
    /// not only the first; what could be read is in the manifest all the same.
    pub fn parse(text: &str, file_shown: &str) -> (Manifest, Vec<crate::event::Diagnostic>) {
        read::parse(text, file_shown)
    }

    /// The line (from 1) where `key` is set; `None` when it is not, or came from the user's own
    /// configuration.
    pub fn line(&self, key: &str) -> Option<usize> {
        self.lines.get(key).copied()
    }

    /// Fills what the project leaves open with the user's own configuration.
    ///
    /// Ask `trust::needs_trust` before, for what the user says needs no consent.
    pub fn merge_under(&mut self, user: &UserConfig) {
        let user = user.manifest();
        fn fill<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        fill(&mut self.compile.jobs, &user.compile.jobs);
        fill(&mut self.build.profile, &user.build.profile);
        fill(&mut self.link.linker, &user.link.linker);
        fill(&mut self.llvm.version, &user.llvm.version);
        fill(&mut self.llvm.root, &user.llvm.root);
        for (name, path) in &user.llvm.tools {
            if !self.llvm.tools.iter().any(|(mine, _)| mine == name) {
                self.llvm.tools.push((name.clone(), path.clone()));
            }
        }
        fill(&mut self.watch.debounce, &user.watch.debounce);
        fill(&mut self.cache.enabled, &user.cache.enabled);
        fill(&mut self.cache.dir, &user.cache.dir);
        fill(&mut self.cache.max_size, &user.cache.max_size);
        fill(&mut self.cache.max_age, &user.cache.max_age);
        fill(&mut self.daemon.enabled, &user.daemon.enabled);
        fill(&mut self.daemon.idle_timeout, &user.daemon.idle_timeout);
        fill(&mut self.daemon.eager, &user.daemon.eager);
    }
}

/// `[project]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Project {
    /// The project's name; the folder's when missing.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Where the first jmake said the project lies; only compared, never used.
    pub root: Option<String>,
}

/// `[discovery]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Discovery {
    /// Globs of the files to consider; all when empty.
    pub include: Vec<String>,
    /// Globs of files and folders to leave out.
    pub exclude: Vec<String>,
    /// How many folders deep to look, the root being 0.
    pub max_depth: Option<u32>,
    /// Whether links to folders are followed.
    pub follow_symlinks: Option<bool>,
    /// Whether the project's own build description is taken as evidence.
    pub evidence: Option<bool>,
}

/// `[compile]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compile {
    /// The C++ standard, as after `-std=`.
    pub std: Option<String>,
    /// The C standard, as after `-std=`.
    pub c_std: Option<String>,
    /// Flags for every unit.
    pub flags: Vec<String>,
    /// Flags for C units.
    pub c_flags: Vec<String>,
    /// Flags for C++ units.
    pub cxx_flags: Vec<String>,
    /// Folders for `-I`.
    pub include_dirs: Vec<String>,
    /// Folders for `-isystem`.
    pub system_include_dirs: Vec<String>,
    /// Macros; without a value for a bare one.
    pub defines: Vec<(String, Option<String>)>,
    /// How many compilers run at once.
    pub jobs: Option<u32>,
}

/// `[link]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// Libraries: a name as after `-l`, or a path.
    pub libraries: Vec<String>,
    /// Folders for `-L`.
    pub lib_dirs: Vec<String>,
    /// Flags for the link.
    pub flags: Vec<String>,
    /// Whether the folders of `lib_dirs` are recorded in the library.
    pub rpath: Option<bool>,
    /// Optimisation across units, where the profile does not say.
    pub lto: Option<Lto>,
    /// The linker: a name as after `-fuse-ld=`, or a path.
    pub linker: Option<String>,
}

/// `[binary]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Binary {
    /// What is made.
    pub kind: Option<Kind>,
    /// The library's name, without `lib` and suffix.
    pub name: Option<String>,
    /// Where results are put, below the root.
    pub output_dir: Option<String>,
    /// Which symbols the library shows.
    pub export: Option<Export>,
}

/// `[build]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Build {
    /// The profile that `jmake build` uses when none is asked for.
    pub profile: Option<String>,
}

/// `[profile.<name>]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProfileTable {
    /// How hard the optimiser tries.
    pub opt_level: Option<OptLevel>,
    /// Debug information.
    pub debug: Option<Debug>,
    /// Optimisation across units.
    pub lto: Option<Lto>,
    /// Sanitizers, as after `-fsanitize=`.
    pub sanitize: Vec<String>,
    /// The profile whose settings this one begins with.
    pub inherits: Option<String>,
    /// Passes for `opt -passes=`, instead of those of `opt_level`.
    pub opt_passes: Vec<String>,
    /// Macros, after those of `compile.defines`.
    pub defines: Vec<(String, Option<String>)>,
    /// Compile flags, after those of `compile.flags`.
    pub flags: Vec<String>,
}

/// The machine the library is for: `[target]`, or `[machine]` in a file with `[[target]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    /// As after `--target=`.
    pub triple: Option<String>,
    /// As after `-march=` or `-mcpu=`, whichever the triple takes.
    pub cpu: Option<String>,
    /// Processor features, each with or without a leading `+` or `-`.
    pub features: Vec<String>,
}

/// One `[[target]]`: an output of the project.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TargetTable {
    /// What it is called, and the name of its file.
    pub name: Option<String>,
    /// What is made.
    pub kind: Option<Kind>,
    /// Its sources: paths, folders or globs; what discovery finds when empty.
    pub sources: Vec<String>,
    /// Paths or globs taken out of `sources` again.
    pub exclude: Vec<String>,
    /// Folders for `-I`, before those of `compile.include_dirs`.
    pub include_dirs: Vec<String>,
    /// Macros, after those of `compile.defines`.
    pub defines: Vec<(String, Option<String>)>,
    /// Compile flags, after those of `compile.flags`.
    pub flags: Vec<String>,
    /// Libraries, before those of `link.libraries`; the name of another target links that one.
    pub libraries: Vec<String>,
    /// Folders for `-L`, before those of `link.lib_dirs`.
    pub lib_dirs: Vec<String>,
    /// Link flags, after those of `link.flags`.
    pub link_flags: Vec<String>,
    /// Which symbols it shows.
    pub export: Option<Export>,
}

/// `[llvm]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Llvm {
    /// The version to use, such as `19` or `19.1`.
    pub version: Option<String>,
    /// The folder that holds `bin/clang`.
    pub root: Option<String>,
    /// Paths of single tools, by the tool's own name (`clang++`, `llvm-link`).
    pub tools: Vec<(String, String)>,
}

/// `[cache]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cache {
    /// Whether the shared cache is used.
    pub enabled: Option<bool>,
    /// Where it lies.
    pub dir: Option<String>,
    /// Bytes it may hold.
    pub max_size: Option<u64>,
    /// How long an entry is kept after its last use.
    pub max_age: Option<Duration>,
}

/// `[watch]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Watch {
    /// How long nothing more must happen before a round begins.
    pub debounce: Option<Duration>,
    /// Globs of files and folders whose changes begin none.
    pub ignore: Vec<String>,
}

/// `[daemon]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Daemon {
    /// Whether it is used.
    pub enabled: Option<bool>,
    /// When one with nothing to do ends.
    pub idle_timeout: Option<Duration>,
    /// Whether it compiles what was saved before anyone asks.
    pub eager: Option<bool>,
}

/// What is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// A shared library.
    Shared,
    /// An archive.
    Static,
    /// A program.
    Executable,
    /// Nothing: the project holds finished libraries in `lib/`, which are inspected.
    Prebuilt,
}

/// Which symbols a library shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Export {
    /// All that the compiler makes visible.
    All,
    /// These alone: names or globs.
    Listed(Vec<String>),
}

/// How hard the optimiser tries: the compiler's `-O` levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum OptLevel {
    /// Not at all.
    O0,
    /// A little.
    O1,
    /// Well.
    O2,
    /// For speed at the cost of size.
    O3,
    /// For size.
    Os,
    /// For size at the cost of speed.
    Oz,
}

impl OptLevel {
    /// What follows `-O`.
    pub fn letter(self) -> &'static str {
        match self {
            OptLevel::O0 => "0",
            OptLevel::O1 => "1",
            OptLevel::O2 => "2",
            OptLevel::O3 => "3",
            OptLevel::Os => "s",
            OptLevel::Oz => "z",
        }
    }
}

/// Debug information.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Debug {
    /// None.
    None,
    /// Line tables: enough for a backtrace.
    Lines,
    /// Everything a debugger wants.
    Full,
}

/// Optimisation across units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Lto {
    /// Each unit for itself.
    Off,
    /// Summaries first, then each unit with what it needs of the others.
    Thin,
    /// All units as one.
    Full,
}
