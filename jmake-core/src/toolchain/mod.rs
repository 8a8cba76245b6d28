//! One coherent LLVM: which clang, linker and LLVM tools a build uses, and what they are.
//!
//! Machines carry several LLVM versions side by side (an `opt` of 14 in `PATH`, a clang of 19 in
//! its own folder) and their files do not mix, so tools are chosen as a set of one major version
//! or not at all.  A tool's *identity* is a digest of content: its binary, the LLVM libraries it
//! loads, the configuration files it reads and its version text; its path and times are no part
//! of it.
//!
//! Programs are asked only through [`Ask`], which remembers: a warm build starts none.
//!
//! Not here: which flags a build uses (`configure`), and running a compile (`execute`).

pub mod includes;
pub mod install;
pub mod learned;
pub mod link;
pub mod pkgconfig;
mod declared;
mod find;
mod headers;
mod loaded;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;

use crate::digest::{Digest, Fields};
use crate::event::Diagnostic;
use crate::memo::Memo;
use crate::path::{FilePath, bytes_of};

pub use install::{Need, install_command, install_named};
pub use learned::{Answers, Ask, Learned};
pub(crate) use loaded::elf_dynamic;
pub use loaded::standard_library_dirs;

/// The oldest major version jmake works with.
pub const OLDEST: u32 = 14;

/// Where to look for a toolchain, and what the user asked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The user's `PATH`, split; entries that are not absolute are passed over.
    pub path: Vec<PathBuf>,
    /// `llvm.root`: the one installation to use (the folder that holds `bin`, or `bin` itself).
    pub root: Option<PathBuf>,
    /// `llvm.version`: the one major version to use.
    pub version: Option<u32>,
    /// `llvm.tools`: tools named by the user, by name (`clang++`, `llvm-link`; `llvm_link` too).
    pub tools: BTreeMap<String, PathBuf>,
    /// `link.linker`: `lld`, `mold`, `bfd` (or `ld`), `gold`, or a path.
    pub linker: Option<String>,
    /// Folders that hold whole installations, one in each folder named `llvm…` or by a number.
    pub places: Vec<PathBuf>,
}

impl Default for Search {
    fn default() -> Search {
        let places =
            ["/usr/lib", "/usr/lib64", "/usr/lib/llvm", "/usr/local/opt", "/opt/homebrew/opt", "/opt"];
        Search {
            path: Vec::new(),
            root: None,
            version: None,
            tools: BTreeMap::new(),
            linker: None,
            places: places.map(PathBuf::from).into(),
        }
    }
}

/// One program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tool {
    /// Its name without a version suffix (`llvm-link`).
    pub name: String,
    /// The path to start it by: many tools are one binary that looks at its name.
    pub path: PathBuf,
    /// The path with symbolic links resolved.
    pub real: PathBuf,
    /// Its version (`19.1.7`); empty when it has not been asked, because nothing depends on it.
    pub version: String,
}

/// Which family a linker is of: what it prints and which flags it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkerKind {
    /// LLVM's own.
    Lld,
    /// mold.
    Mold,
    /// GNU ld.
    Bfd,
    /// GNU gold.
    Gold,
    /// Anything else, named by its path.
    Other,
}

impl LinkerKind {
    /// The name that `-fuse-ld=` takes; none for a linker named by its path.
    pub fn name(self) -> Option<&'static str> {
        match self {
            LinkerKind::Lld => Some("lld"),
            LinkerKind::Mold => Some("mold"),
            LinkerKind::Bfd => Some("bfd"),
            LinkerKind::Gold => Some("gold"),
            LinkerKind::Other => None,
        }
    }
}

/// The linker a build uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Linker {
    /// Its family.
    pub kind: LinkerKind,
    /// The program.
    pub tool: Tool,
}

/// No usable toolchain.
#[derive(Clone, Debug)]
pub struct Missing {
    /// What was looked for.
    pub what: String,
    /// Where.
    pub looked: Vec<PathBuf>,
    /// Why what was found there cannot be used.
    pub problems: Vec<String>,
    /// The command that installs it on this system.
    pub install: Option<String>,
}

impl Missing {
    /// The same as a diagnostic for the user.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.to_string());
        match &self.install {
            Some(command) => diagnostic.hint(format!("install it with `{command}`")),
            None => diagnostic.hint("install clang, lld and the LLVM tools, or name them in `[llvm]`"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no usable {}", self.what)?;
        if self.problems.is_empty() {
            let places: Vec<String> =
                self.looked.iter().map(|path| format!("`{}`", path.display())).collect();
            return match places.len() {
                0 => write!(f, ": there is no folder to look in"),
                _ => write!(f, " in {}", places.join(", ")),
            };
        }
        write!(f, ": {}", self.problems.join("; "))
    }
}

impl std::error::Error for Missing {}

/// A coherent set of tools.
#[derive(Debug)]
pub struct Toolchain {
    bin_dir: PathBuf,
    major: u32,
    version: String,
    /// The first lines that clang prints about itself.
    about: String,
    triple: String,
    /// The tools a build may need, and those the user named.
    chosen: Vec<Tool>,
    missing: Vec<&'static str>,
    linker: Option<Linker>,
    config_dirs: Vec<PathBuf>,
    /// Folders and files whose change could change the choice.
    looked: Vec<PathBuf>,
    all: OnceLock<Vec<Tool>>,
}

impl Toolchain {
    /// Chooses the newest complete set, or the newest incomplete one when none is complete, among
    /// what `search` allows.
    ///
    /// # Errors
    /// When there is none, or when tools that the user named do not go together.
    pub fn find(search: &Search, ask: &Ask<'_>) -> Result<Toolchain, Missing> {
        find::find(search, ask)
    }

    /// The major version (`19`).
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The version (`19.1.7`).
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The real folder that holds clang.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The machine that clang compiles for when not told otherwise.
    pub fn host_triple(&self) -> &str {
        &self.triple
    }

    /// Tools that a complete set has and this one lacks.  Without `llvm-link`, `opt` and `llc`
    /// there is no `lto = "full"`.
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }

    /// The linker: the one asked for, or the best there is; `None` when the machine has none.
    pub fn linker(&self) -> Option<&Linker> {
        self.linker.as_ref()
    }

    /// The tool called `name`; `llvm_link` and the like are understood.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        let name = tool_name(name);
        self.chosen
            .iter()
            .find(|tool| tool.name == name)
            .or_else(|| self.tools().iter().find(|t| t.name == name))
    }

    /// Every LLVM tool of the set, by name.  Looks at the disk when first called.
    pub fn tools(&self) -> &[Tool] {
        self.all.get_or_init(|| find::all_tools(&self.bin_dir, self.major, &self.version, &self.chosen))
    }

    /// What the tool called `name` is: a digest over the content of its binary, of the LLVM
    /// libraries it loads and of the configuration files it reads, and its version text.
    ///
    /// # Errors
    /// When there is no such tool or one of its files cannot be read.
    pub fn identity(&self, memo: &Memo, name: &str) -> Result<Digest> {
        let tool = self.tool(name).ok_or_else(|| anyhow!("the toolchain has no `{name}`"))?;
        self.identity_of(memo, tool)
    }

    /// As [`Toolchain::identity`], of a tool that need not be part of the set (the linker).
    ///
    /// # Errors
    /// When one of its files cannot be read.
    pub fn identity_of(&self, memo: &Memo, tool: &Tool) -> Result<Digest> {
        let mut fields = Fields::new();
        fields.push("name", &tool.name);
        fields.push("version", &tool.version);
        if tool.name.starts_with("clang") {
            fields.push("about", &self.about);
        }
        let files = self.files_of(tool);
        // LLVM's libraries are hundreds of megabytes: the first build reads them side by side.
        files.par_iter().for_each(|file| drop(memo.digest(&memo.root().file_path(file))));
        for file in files {
            let digest = memo
                .digest(&memo.root().file_path(&file))
                .with_context(|| format!("cannot read `{}`", file.display()))?;
            fields.push("file", bytes_of(file.file_name().unwrap_or_default()));
            fields.push("content", digest.as_bytes());
        }
        Ok(fields.digest())
    }

    /// The files whose content [`Toolchain::identity`] digests.
    fn files_of(&self, tool: &Tool) -> Vec<PathBuf> {
        let mut files = loaded::loaded(&tool.real).files;
        if tool.name.starts_with("clang") {
            files.extend(self.config_files());
        }
        files
    }

    /// Every configuration file clang might load.  Which ones it does load depends on its name
    /// and target; one too many in an identity costs a rebuild, one too few a wrong result.
    fn config_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for dir in &self.config_dirs {
            let Ok(entries) = std::fs::read_dir(dir) else { continue };
            let paths = entries.flatten().map(|entry| entry.path());
            files.extend(paths.filter(|path| path.extension().is_some_and(|ext| ext == "cfg")));
        }
        files.sort();
        files
    }

    /// Every file and folder whose change could change what [`Toolchain::find`],
    /// [`Toolchain::identity`] or the questions about headers and linking answer; some need not
    /// exist.
    pub fn consulted(&self) -> Vec<FilePath> {
        let mut paths = self.looked.clone();
        paths.push(self.bin_dir.clone());
        paths.extend(self.config_dirs.iter().cloned());
        paths.extend(self.config_files());
        let tools = self.chosen.iter().chain(self.linker.as_ref().map(|linker| &linker.tool));
        for tool in tools {
            let loaded = loaded::loaded(&tool.real);
            paths.push(tool.path.clone());
            paths.extend(loaded.files);
            paths.extend(loaded.absent);
        }
        paths.extend(self.surroundings());
        let mut files: Vec<FilePath> =
            paths.iter().map(|path| FilePath::new(bytes_of(path.as_os_str()))).collect();
        files.sort();
        files.dedup();
        files
    }

    /// What clang's answers about headers and linking depend on, beside itself: installing
    /// another GCC, another C library or a sanitizer's runtime changes them.
    fn surroundings(&self) -> Vec<PathBuf> {
        let arch = self.triple.split('-').next().unwrap_or_default();
        let mut paths: Vec<PathBuf> =
            ["/usr/include", "/usr/include/c++", "/usr/local/include", "/usr/lib/gcc", "/usr/lib64/gcc"]
                .map(PathBuf::from)
                .into();
        paths.extend(standard_library_dirs());
        for dir in ["/usr/lib/gcc", "/usr/lib64/gcc"] {
            for triple in folders_in(Path::new(dir), arch) {
                paths.extend(folders_in(&triple, ""));
                paths.push(triple);
            }
        }
        if let Some(prefix) = self.bin_dir.parent() {
            // Named by the major version since 16, by the whole one before.
            for version in [self.major.to_string(), self.version.clone()] {
                let resources = prefix.join("lib/clang").join(version);
                paths.extend(folders_in(&resources.join("lib"), ""));
                paths.extend([resources.join("lib"), resources]);
            }
        }
        paths.sort();
        paths
    }

    /// The files that an answer of the program `tool` depends on.
    fn watched(&self, tool: &Tool) -> Vec<PathBuf> {
        let mut watched = self.files_of(tool);
        watched.extend(self.config_dirs.iter().cloned());
        watched.extend(self.surroundings());
        watched
    }

    /// Whether clang can put object code and ThinLTO bitcode into one object file for `triple`
    /// (`-flto=thin -ffat-lto-objects`), and lld can link it either way.
    pub fn fat_objects(&self, triple: &str) -> bool {
        let foreign = ["windows", "darwin", "macos", "ios", "wasm", "cuda", "emscripten", "uefi"];
        let lld = self.linker.as_ref().is_some_and(|linker| linker.kind == LinkerKind::Lld);
        self.major >= 18 && lld && !foreign.iter().any(|system| triple.contains(system))
    }
}

/// The folders in `dir` whose name begins with `start`.
fn folders_in(dir: &Path, start: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(start.as_bytes()));
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// The first program of one of `names` in the folders `path`, names first.
pub fn program_in(path: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    let dirs = || path.iter().filter(|dir| dir.is_absolute());
    names.iter().flat_map(|name| dirs().map(move |dir| dir.join(name))).find(|path| install::executable(path))
}

/// The usual name of the tool that a configuration calls `name`.
fn tool_name(name: &str) -> String {
    match name {
        "clangxx" | "clang_xx" | "clangpp" | "clang_cxx" => "clang++".to_owned(),
        "lld" | "ld_lld" | "ld-lld" => "ld.lld".to_owned(),
        _ => name.replace('_', "-"),
    }
}

/// The program at `path` under the name `name`; `None` when it cannot be executed.
fn program(name: &str, path: &Path, version: &str) -> Option<Tool> {
    if !install::executable(path) {
        return None;
    }
    let real = path.canonicalize().ok()?;
    Some(Tool { name: name.to_owned(), path: path.to_owned(), real, version: version.to_owned() })
}

#[cfg(test)]
mod tests;
