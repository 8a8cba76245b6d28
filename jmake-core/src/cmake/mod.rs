//! A reader of CMake build descriptions: what a project says about itself, taken as evidence.
//!
//! [`read`] follows a `CMakeLists.txt` and everything it includes as CMake 3.31 would for a
//! release build of the project on its own, and returns what was described: targets, configured
//! headers, checks of the system.  Nothing is run, nothing is written, nothing outside the
//! project is looked at, and nothing fails: what is not understood becomes a [`Note`].
//!
//! The script is a program, and programs can be hostile.  The evaluator keeps its own stack of
//! calls (no recursion of ours follows theirs) and pays for each command and each byte from a
//! fixed budget, so reading ends, in bounded memory, whatever the text says.
//!
//! Scripts see absolute paths: the project's root is [`VIRTUAL_ROOT`] to them.  Paths in the
//! result are mapped back; *texts* in the result (values of variables, sources of checks, flags)
//! may still hold the virtual root, and whoever uses them puts the true one in its place.

mod eval;
mod lang;
mod model;
mod substitute;
mod text;

#[cfg(test)]
mod tests;

use crate::path::FilePath;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::described::Files;
pub(crate) use model::resolve::is_on;
pub use substitute::{names_in, substitute};

/// The absolute path of the project's root as scripts see it.
pub const VIRTUAL_ROOT: &str = "/jmake-root";

/// The machine built for, in CMake's terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// `Linux`, `Darwin`, `FreeBSD`…
    pub system: String,
    /// `x86_64`, `aarch64`, `arm64`…
    pub processor: String,
    /// `Clang` or `AppleClang`.
    pub compiler: String,
    /// The compiler's version, as in `18.1.3`.
    pub compiler_version: String,
    /// Bytes in a pointer.
    pub pointer_size: u32,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
}

/// Which description to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The folder whose `CMakeLists.txt` is the top one; mostly the root.
    pub source: FilePath,
    /// Where the build folder is said to be.  It need not exist, and what is in it is not looked
    /// at: only what the description itself puts there is known.
    pub build: FilePath,
}

/// What a check asks about the system or the compiler.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    /// Whether of the C++ compiler; of the C compiler otherwise.
    pub cxx: bool,
    /// Flags and `-D` definitions to ask with.
    pub flags: Vec<String>,
    /// Include folders to ask with.
    pub include_dirs: Vec<FilePath>,
    /// Libraries to ask with, as the description names them.
    pub libraries: Vec<String>,
}

/// The kinds of checks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Ask {
    /// Can these headers be included, one after the other?
    Header(Vec<String>),
    /// Does the C library (or one of [`Question::libraries`]) have the function?
    Function(String),
    /// Is there a symbol, macro or function, once these headers are included?
    Symbol {
        /// Its name.
        name: String,
        /// The headers.
        headers: Vec<String>,
    },
    /// Is there a global variable of that name to link with?
    Variable(String),
    /// Is there such a type?  (Its size is asked as well; sizes of the usual ones are known.)
    TypeSize {
        /// The type or expression.
        name: String,
        /// The headers that declare it.
        headers: Vec<String>,
    },
    /// Has the structure such a member?
    StructMember {
        /// The structure.
        structure: String,
        /// The member.
        member: String,
        /// The headers that declare it.
        headers: Vec<String>,
    },
    /// Does this compile and link (and, with `run`, exit with 0)?
    Compiles {
        /// The program.
        source: String,
        /// Whether it must run as well.
        run: bool,
        /// Whether linking is left out.
        no_link: bool,
    },
    /// Does the compiler take the flag without complaint?
    CompilerFlag(String),
    /// Does the linker take the flag without complaint?
    LinkerFlag(String),
    /// Has the library the function?
    Library {
        /// The library, as in `m`.
        name: String,
        /// The function.
        function: String,
    },
    /// Is one of these libraries there?
    FindLibrary(Vec<String>),
    /// Is one of these files there to be included?
    FindPath(Vec<String>),
    /// Is one of these programs there to be run?
    FindProgram(Vec<String>),
    /// Is the package there (`find_package`)?
    Package(String),
    /// Does pkg-config know these modules?
    PkgConfig(Vec<String>),
}

/// What a build description says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Described {
    /// The name given to the first `project()`.
    pub project: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Languages that `project()` and `enable_language()` named, as in `C`, `CXX`, `ASM`.
    pub languages: Vec<String>,
    /// Libraries and programs, in the order of their making; aliases are resolved, imported ones
    /// left out.
    pub targets: Vec<Target>,
    /// Every `configure_file` into the build folder.
    pub configured: Vec<Configured>,
    /// Files written into the build folder by `file(WRITE)`, `file(APPEND)`, `file(GENERATE)`.
    pub written: BTreeMap<FilePath, Arc<[u8]>>,
    /// Folders that it makes in the build folder, whether anything comes to lie in them or not.
    pub folders: Vec<FilePath>,
    /// What was asked to give a variable its value, so that a generated header can ask it too.
    pub checks: BTreeMap<String, Question>,
    /// Every `generate_export_header`.
    pub export_headers: Vec<ExportHeader>,
    /// Options the user may set: name, default, description.
    pub options: Vec<(String, String, String)>,
    /// Outputs of custom commands.
    pub custom_outputs: Vec<FilePath>,
    /// Every file that was read or looked for; the result depends on these and on `globbed`.
    pub read: Vec<FilePath>,
    /// Every folder whose files were listed.
    pub globbed: Vec<FilePath>,
    /// Whether it comes to an error of its own: with these answers there would be no build.
    pub gives_up: bool,
    /// What was not understood.
    pub unknown: Vec<Note>,
}

/// What a target is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An archive.
    Static,
    /// A shared library.
    Shared,
    /// A plug-in.
    Module,
    /// Objects that other targets take.
    Object,
    /// Only usage requirements (header-only libraries).
    Interface,
    /// A program.
    Executable,
}

/// A library or program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The name in the description.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether the description says which kind of library; otherwise `BUILD_SHARED_LIBS` decided.
    pub kind_given: bool,
    /// Its sources, headers among them; those of object libraries it takes too.
    pub sources: Vec<Source>,
    /// How its C sources (and assembler) are compiled.
    pub c: Compile,
    /// How its C++ sources are compiled.
    pub cxx: Compile,
    /// What those that use it are told, for C++ (`INTERFACE_…`).
    pub interface: Compile,
    /// What it is linked with, in order: names of targets, libraries, paths and flags.
    pub link: Vec<String>,
    /// Compile features such as `cxx_std_17`.
    pub features: Vec<String>,
    /// All other properties, as in `OUTPUT_NAME`, `CXX_STANDARD`, `VERSION`.
    pub properties: BTreeMap<String, String>,
    /// Whether `all` leaves it out.
    pub exclude_from_all: bool,
    /// Whether `install(TARGETS)` names it.
    pub installed: bool,
    /// Whether `add_test` runs it or it is described under a condition about tests.
    pub is_test: bool,
    /// Where it is described.
    pub at: (FilePath, u32),
}

/// How units are compiled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compile {
    /// Include folders, in order.
    pub include_dirs: Vec<FilePath>,
    /// Those of them whose headers give no warnings.
    pub system_include_dirs: Vec<FilePath>,
    /// Macros, with their values.
    pub defines: Vec<(String, Option<String>)>,
    /// Other options, in order.
    pub options: Vec<String>,
}

/// A source of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Where it lies.
    pub path: FilePath,
    /// Whether it is made by the build: it lies in the build folder or a custom command makes it.
    pub generated: bool,
    /// Whether it is there now.
    pub exists: bool,
    /// The object library that compiles it; where there is none, the target itself does.
    pub by: Option<String>,
    /// Macros for this source alone.
    pub defines: Vec<(String, Option<String>)>,
    /// Options for this source alone.
    pub options: Vec<String>,
    /// Include folders for this source alone.
    pub include_dirs: Vec<FilePath>,
    /// The language it is said to be in.
    pub language: Option<String>,
    /// Whether it is said to be no unit of its own.
    pub header_only: bool,
}

/// A `configure_file`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configured {
    /// The template.
    pub input: FilePath,
    /// What is made of it.
    pub output: FilePath,
    /// Whether it is copied as it is.
    pub copy_only: bool,
    /// Whether only `@NAME@` is replaced.
    pub at_only: bool,
    /// The values that names in the template had at that moment; a name without one is not here.
    pub variables: BTreeMap<String, String>,
}

/// A `generate_export_header`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportHeader {
    /// The library.
    pub target: String,
    /// The header.
    pub output: FilePath,
    /// The name from which those of the macros come, in capitals.
    pub base_name: String,
    /// As in `FOO_EXPORT`.
    pub export_macro: String,
    /// As in `FOO_NO_EXPORT`.
    pub no_export_macro: String,
    /// As in `FOO_DEPRECATED`.
    pub deprecated_macro: String,
    /// As in `FOO_NO_DEPRECATED`.
    pub no_deprecated_macro: String,
    /// Set by users of the static library, as in `FOO_STATIC_DEFINE`.
    pub static_define: String,
    /// Set while the library itself is compiled, as in `foo_EXPORTS`.
    pub define_symbol: String,
    /// As in `FOO_EXPORT_H`.
    pub include_guard: String,
    /// Whether deprecated things are left out (`DEFINE_NO_DEPRECATED`).
    pub define_no_deprecated: bool,
    /// Text to add at the end.
    pub custom_content: String,
}

/// Something in the description that was not understood or not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// In which file.
    pub file: FilePath,
    /// On which line, from 1.
    pub line: u32,
    /// What it is about.
    pub text: String,
}

/// Reads the description in `place`; `None` when there is no `CMakeLists.txt`.
///
/// `answer` is put each question about the system, and gives `None` where it does not know; what
/// is not known counts as not there.
pub fn read(
    files: &dyn Files,
    place: &Place,
    machine: &Machine,
    answer: &dyn Fn(&Question) -> Option<bool>,
) -> Option<Described> {
    let script = files.read(&place.source.join("CMakeLists.txt"))?;
    let mut reader = eval::Reader::new(files, place, machine, answer);
    reader.run_top(&script);
    Some(model::resolve::described(reader))
}
