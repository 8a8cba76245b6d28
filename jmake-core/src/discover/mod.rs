//! Discovery: what lies below the root, and what jmake would make of it.
//!
//! First facts, then decisions.  [`scan_files`] walks the root into a [`Tree`]; from it alone
//! (and the text of its files) [`discover_project`] decides include folders and targets, with a
//! stated reason for every source it leaves out.  Nothing is written, nothing is compiled, and
//! nothing outside the root is looked at but the ignore files of the repository around it: the
//! same tree gives the same result on every machine, whatever order folders are listed in.

mod classify;
mod dirs;
mod elsewhere;
mod evidence;
mod foreign;
mod generated;
mod includes;
mod manner;
mod nearest;
mod opened;
mod optional;
mod reasons;
mod shown;
mod targets;
mod told;
mod vendored;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use elsewhere::is_for_here;
pub use evidence::{Nobody, Part, Parts, Program, System, said};
pub use includes::{IncludeGraph, Unresolved, include_graph, walk_ast_dependencies, without_dots};
pub use manner::Manner;
pub use opened::{By, Compile, Known};
pub use targets::discover_project;
pub use told::{Own, Told, Ways};
pub use walk::{globs, scan_files, walk_files};

use crate::event::Diagnostic;
use crate::generate::Generated;
use crate::path::FilePath;

/// What of the root is looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// Globs of sources to take; empty means all.  Other files are not affected.
    pub include: Vec<String>,
    /// Globs of files and folders to pass over.  As in an ignore file, a glob without `/` counts
    /// at any depth and one with `/` from the root.
    pub exclude: Vec<String>,
    /// How many levels of folders below the root are entered; none when 0, all when `None`.
    pub max_depth: Option<usize>,
    /// Whether links to folders within the root are entered.  Links to files always count as
    /// files.
    pub follow_symlinks: bool,
    /// Where the project's outputs go; never entered, unless it is the root.
    pub output_dir: FilePath,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            include: Vec::new(),
            exclude: Vec::new(),
            max_depth: None,
            follow_symlinks: false,
            output_dir: FilePath::new("julia"),
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Category {
    /// C++ to compile: `.cc .cpp .cxx .c++ .C .cp .CPP`.
    CppSource,
    /// A header only for C++, by its extension, or an `.h` that C does not reach.
    CppHeader,
    /// C to compile: `.c`.
    CSource,
    /// Assembler that the compiler takes: `.S .s .sx`.
    AsmSource,
    /// An `.h`.  In a project with both languages: one that a C source reaches through includes,
    /// or that nothing reaches.
    CHeader,
    /// A program in machine code.
    Executable,
    /// A library in machine code, loaded at run time.
    SharedLibrary,
    /// An archive of objects.
    StaticLibrary,
    /// What a compiler made of one unit.
    Object,
    /// Julia source.
    Julia,
    /// Settings of a project or a tool.
    Config,
    /// Text for people.
    Documentation,
    /// Anything else; also sources jmake does not compile (Objective-C, modules).
    Other,
}

impl Category {
    /// Whether it is C or C++ to compile.
    pub fn is_source(self) -> bool {
        matches!(self, Category::CppSource | Category::CSource)
    }

    /// Whether it can be compiled.
    pub fn is_unit(self) -> bool {
        self.is_source() || self == Category::AsmSource
    }

    /// Whether it is a C or C++ header.
    pub fn is_header(self) -> bool {
        matches!(self, Category::CppHeader | Category::CHeader)
    }

    /// Whether it is machine code.
    pub fn is_binary(self) -> bool {
        matches!(
            self,
            Category::Executable | Category::SharedLibrary | Category::StaticLibrary | Category::Object
        )
    }
}

impl Category {
    /// What files of it are called.
    pub fn name(self) -> &'static str {
        match self {
            Category::CppSource => "c++ sources",
            Category::AsmSource => "assembler sources",
            Category::CppHeader => "c++ headers",
            Category::CSource => "c sources",
            Category::CHeader => "c headers",
            Category::Executable => "executables",
            Category::SharedLibrary => "shared libraries",
            Category::StaticLibrary => "static libraries",
            Category::Object => "objects",
            Category::Julia => "julia",
            Category::Config => "config",
            Category::Documentation => "documentation",
            Category::Other => "other",
        }
    }
}

/// One file of the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Where it lies.
    pub path: FilePath,
    /// What it is.
    pub category: Category,
    /// Its size in bytes; only binaries are asked for theirs.
    pub size: Option<u64>,
}

/// Why a file or folder was not looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Skipped {
    /// A glob of `exclude` says so.
    Excluded,
    /// A source that no glob of `include` takes.
    NotIncluded,
    /// An ignore file says so.
    Ignored,
    /// A folder another build tool writes to; the file that shows it.
    BuildOutput(String),
    /// A folder marked by a `CACHEDIR.TAG`.
    Cache,
    /// A folder with its own `jmake.toml` or marker.
    OtherProject,
    /// A folder below the deepest level asked for.
    TooDeep,
    /// A link to a folder, which is not entered: because links are not followed, it leaves the
    /// root, or the folder has been read already.
    Link,
}

/// What lies below the root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    /// Every file, sorted by the bytes of its path.
    pub files: Vec<File>,
    /// Every folder that was listed, or should have been, sorted: as long as none of their listings changes and no
    /// ignore file does, a new scan finds the same names.
    pub dirs: Vec<FilePath>,
    /// Ignore files that were honoured, sorted; absolute when above the root.
    pub ignore_files: Vec<FilePath>,
    /// What was passed over on purpose, sorted; hidden files and folders of tools are not listed.
    pub skipped: Vec<(FilePath, Skipped)>,
    /// What could not be read or understood, sorted by file.
    pub problems: Vec<Diagnostic>,
}

impl Tree {
    /// The file at `path`.
    pub fn get(&self, path: &FilePath) -> Option<&File> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| &self.files[at])
    }

    /// All files of one category, in order.
    pub fn of(&self, category: Category) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.category == category)
    }
}

/// What a file called `name` is, as far as the name tells.
pub fn category_by_name(name: &[u8]) -> Category {
    classify::by_name(name)
}

/// Whether `path` lies in a folder whose name says that it holds no part of a library: of tests,
/// examples and the like.
pub fn is_beside(path: &FilePath) -> bool {
    reasons::folder_reason(path).is_some()
}

/// The files that are machine code, in order.
pub fn detect_binaries(tree: &Tree) -> Vec<&File> {
    tree.files.iter().filter(|file| file.category.is_binary()).collect()
}

/// The files of which the first bytes were read to tell what they are, sorted.
pub fn looked_into(tree: &Tree) -> Vec<FilePath> {
    let may_be = |file: &&File| {
        let is_doubtful = file.category == Category::Other && classify::may_be_binary(file.path.file_name());
        file.category.is_binary() || is_doubtful
    };
    tree.files.iter().filter(may_be).map(|file| file.path.clone()).collect()
}

/// What a target becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetKind {
    /// A library.
    Library,
    /// A program.
    Executable,
}

/// Something that can be built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundTarget {
    /// Its name: the project's for the library, the source's stem for a program (its path, with
    /// `-` for `/`, when two programs share a stem).
    pub name: String,
    /// What it becomes.
    pub kind: TargetKind,
    /// What is compiled for it, sorted; for a program the sources that are its own, which may
    /// need the library besides.
    pub sources: Vec<FilePath>,
}

/// One of several libraries of a build description.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DescribedLibrary {
    /// Its name there, without folder and ending.
    pub name: String,
    /// The units that it and what is linked into it are made of.
    pub sources: BTreeSet<FilePath>,
}

/// Why a source is not part of the library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LeftOut {
    /// It defines `main`: a program of its own.
    Main,
    /// It lies in a folder of tests.
    TestFolder(String),
    /// It is named like a test and is one: it has a `main` or uses a test framework.
    TestFile,
    /// It lies in a folder of examples.
    ExampleFolder(String),
    /// It lies in a folder of benchmarks.
    BenchFolder(String),
    /// It lies in a folder of fuzzers.
    FuzzFolder(String),
    /// It lies in a folder of documentation.
    DocFolder(String),
    /// It is in no library of this build description.
    NotDescribed(String),
    /// It alone needs this header of somebody else, and nothing of the library needs it.
    OptionalPart(String),
    /// It lies in a folder that holds the whole library once more, in one file.
    WholeFolder(String),
    /// It lies in the root's folder of scripts that help to build.
    ScriptFolder(String),
    /// It lies in the root's folder of bindings for another language.
    BindingFolder(String),
    /// It is other people's code, in this folder, of which the library includes nothing.
    UnusedPackage(String),
    /// It lies in the root's `contrib`: kept beside a project, not part of it.
    ContribFolder(String),
    /// Another source includes it, so it is compiled there.
    IncludedByOther(FilePath),
    /// It only gathers other sources of the project, which are compiled on their own; one of them.
    Gathers(FilePath),
    /// It defines what this source of the library defines too, and less besides.
    Rival(FilePath),
    /// It defines once more what several sources of the library define; one of them.
    Repeats(FilePath),
    /// It belongs to this library of the build description, which defines what the main one does.
    OtherLibrary(String),
    /// It stands beside a program's source in a folder of programs; that source.
    PartOfProgram(FilePath),
    /// A C++20 module unit, which jmake does not build.
    ModuleUnit,
    /// Objective-C, which jmake does not build.
    ObjectiveC,
    /// Another language; its name.
    OtherLanguage(Cow<'static, str>),
    /// Assembler that no build description names: for which machine it is nobody says.
    Assembler,
    /// It needs headers of another system; its name.
    OtherSystem(Cow<'static, str>),
    /// Its name says that it is for this system or machine, and another beside it is for the one here.
    NamedForOther(Cow<'static, str>),
    /// The settings exclude it.
    Excluded,
    /// An ignore file names it.
    Ignored,
    /// It cannot be read.
    Unreadable,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Skipped::Excluded => "is excluded by the settings",
            Skipped::NotIncluded => "is not among what the settings include",
            Skipped::Ignored => "is named by an ignore file",
            Skipped::BuildOutput(file) => {
                return write!(f, "is written by another build tool, as `{file}` shows");
            }
            Skipped::Cache => "is a cache",
            Skipped::OtherProject => "is a project of its own",
            Skipped::TooDeep => "lies deeper than `discovery.max_depth`",
            Skipped::Link => "is a link to a folder",
        })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOut::Main => f.write_str("defines `main`, so it is a program of its own"),
            LeftOut::TestFolder(dir) => write!(f, "lies in the test folder `{dir}`"),
            LeftOut::TestFile => f.write_str("is a test, by its name and content"),
            LeftOut::ExampleFolder(dir) => write!(f, "lies in the example folder `{dir}`"),
            LeftOut::BenchFolder(dir) => write!(f, "lies in the benchmark folder `{dir}`"),
            LeftOut::FuzzFolder(dir) => write!(f, "lies in the fuzzing folder `{dir}`"),
            LeftOut::DocFolder(dir) => write!(f, "lies in the documentation folder `{dir}`"),
            LeftOut::NotDescribed(file) => write!(f, "is in no library of `{file}`"),
            LeftOut::OptionalPart(header) => {
                write!(f, "needs `{header}`, which nothing else here does: it is an optional part")
            }
            LeftOut::WholeFolder(dir) => write!(f, "lies in `{dir}`, which holds the library once more"),
            LeftOut::ScriptFolder(dir) => write!(f, "lies in `{dir}`, which helps to build"),
            LeftOut::BindingFolder(dir) => write!(f, "lies in `{dir}`, which binds another language"),
            LeftOut::UnusedPackage(dir) => {
                write!(f, "belongs to `{dir}`, of which the library includes nothing")
            }
            LeftOut::ContribFolder(dir) => write!(f, "lies in `{dir}`, which is beside the project"),
            LeftOut::IncludedByOther(by) => write!(f, "is included by `{by}` and compiled there"),
            LeftOut::Gathers(part) => write!(f, "only includes other sources, such as `{part}`"),
            LeftOut::Rival(other) => write!(f, "defines what `{other}` defines too"),
            LeftOut::Repeats(part) => write!(f, "repeats `{part}` and others"),
            LeftOut::OtherLibrary(name) => write!(f, "belongs to another library, `{name}`"),
            LeftOut::PartOfProgram(main) => write!(f, "belongs to the program of `{main}`"),
            LeftOut::ModuleUnit => f.write_str("is a C++20 module unit, which jmake does not build"),
            LeftOut::ObjectiveC => f.write_str("is Objective-C, which jmake does not build"),
            LeftOut::Assembler => f.write_str("is assembler that no build description names"),
            LeftOut::OtherLanguage(name) => write!(f, "is {name}, which jmake does not build"),
            LeftOut::OtherSystem(name) => write!(f, "needs headers of {name}"),
            LeftOut::NamedForOther(name) => write!(f, "is for {name}, by its name and its neighbours'"),
            LeftOut::Excluded => f.write_str("is excluded by the settings"),
            LeftOut::Ignored => f.write_str("is named by an ignore file"),
            LeftOut::Unreadable => f.write_str("cannot be read"),
        }
    }
}

/// What jmake would make of a project without being told anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Discovery {
    /// Folders to search for included files, in the order to search them.
    pub include_dirs: Vec<FilePath>,
    /// Build descriptions that were read, the main one first: their whole text decides.
    pub evidence: Vec<FilePath>,
    /// Headers to make before anything is compiled, by path.
    pub generated: Vec<Generated>,
    /// Macros to define for every source, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// How the library is compiled and linked besides.
    pub manner: Manner,
    /// Names that are included and that no file of the project answers, sorted; also those that
    /// stand in conditions, and the standard library's.
    pub system_headers: Vec<String>,
    /// The library first, if there is one, then the programs by name.
    pub targets: Vec<FoundTarget>,
    /// The libraries that the build description parts the library into, where it has several.
    pub libraries: Vec<DescribedLibrary>,
    /// Every source that is not part of the library, sorted, and why.
    pub left_out: Vec<(FilePath, LeftOut)>,
    /// What the user may want to know or mend.
    pub problems: Vec<Diagnostic>,
}

impl Discovery {
    /// Files whose whole text decides what is built.
    pub fn templates(&self) -> impl Iterator<Item = &FilePath> {
        let made = self.generated.iter().filter(|made| made.has_template()).map(|made| &made.from);
        made.chain(&self.evidence)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod bad_input;
#[cfg(test)]
#[cfg(unix)]
mod tests;
