//! From what was written, found and installed to what is to be built: no optional is left.
//!
//! [`configure`] is a function from values to a value.  It asks the toolchain what only it can
//! know (where headers lie, how the linker is called); those answers are remembered, so a warm
//! run starts no process.  Whatever the user can mend is collected as diagnostics.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::action::{SearchDirs, Tool};
use crate::discover::{Category, Discovery, LeftOut, Tree};
use crate::event::Diagnostic;
use crate::manifest::{Debug, Export, Kind, Lto, Manifest, OptLevel, ProfileTable, TargetTable};
use crate::memo::Memo;
use crate::path::FilePath;
use crate::toolchain::includes::Lang;
use crate::toolchain::link::{LinkKind, LinkLine, LinkQuery};
use crate::toolchain::pkgconfig::{FoundLibrary, HeaderQuery, libraries_for_headers};
use crate::toolchain::{Ask, LinkerKind, Toolchain};

/// What the caller of one build asks for; what is `None` is decided by the manifest.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Wanted {
    /// The profile.
    pub profile: Option<String>,
    /// Optimisation across units: `off`, `thin` or `full`.
    pub lto: Option<String>,
    /// Targets by name; the default ones when empty.
    pub targets: Vec<String>,
    /// How many processes may run at once.
    pub jobs: Option<usize>,
}

/// Everything [`configure`] looks at.
pub struct Sources<'a> {
    /// Digests and facts of files.
    pub memo: &'a Memo,
    /// What lies in the root.
    pub tree: &'a Tree,
    /// What was decided from it.
    pub discovery: &'a Discovery,
    /// `jmake.toml`, with the user's own configuration beneath it.
    pub manifest: &'a Manifest,
    /// The toolchain.
    pub toolchain: &'a Toolchain,
    /// How it is asked.
    pub ask: Ask<'a>,
    /// `PKG_CONFIG_PATH` and the folders of `PATH` of the caller.
    pub environment: &'a Environment,
}

/// The part of the caller's environment that may choose programs and folders.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Environment {
    /// `PATH`, split.
    pub path: Vec<PathBuf>,
    /// `PKG_CONFIG_PATH`.
    pub pkg_config_path: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`.
    pub cache_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `MAKEFLAGS`.
    pub makeflags: String,
}

/// The resolved build.
#[derive(Debug)]
pub struct Config {
    /// The project's name, a C identifier.
    pub name: String,
    /// The profile.
    pub profile: Profile,
    /// What is to be made, in order.
    pub targets: Vec<Target>,
    /// Where results go.
    pub output_dir: FilePath,
    /// How many processes may run at once.
    pub jobs: usize,
    /// The tools.
    pub tools: Tools,
}

/// A resolved profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Optimisation level.
    pub opt_level: OptLevel,
    /// Debug information.
    pub debug: Debug,
    /// Optimisation across units.
    pub lto: Lto,
    /// Sanitizers.
    pub sanitize: Vec<String>,
    /// Passes for `opt`, instead of those of the level.
    pub opt_passes: Vec<String>,
    /// Further macros.
    pub defines: Vec<(String, Option<String>)>,
    /// Further compile flags.
    pub flags: Vec<String>,
}

/// The programs a build runs.
#[derive(Debug)]
pub struct Tools {
    /// Compiles C.
    pub cc: Arc<Tool>,
    /// Compiles C++.
    pub cxx: Arc<Tool>,
    /// Makes archives.
    pub ar: Option<Arc<Tool>>,
    /// Joins modules.
    pub llvm_link: Option<Arc<Tool>>,
    /// Optimises modules.
    pub opt: Option<Arc<Tool>>,
    /// Lowers modules.
    pub llc: Option<Arc<Tool>>,
    /// Takes the module out of an object.
    pub objcopy: Option<Arc<Tool>>,
    /// Links, when the driver is not to do it.
    pub linker: Option<Arc<Tool>>,
    /// Whether one compile gives object and module in one file.
    pub fat_objects: bool,
    /// What the processor flags mean here, when they name the machine itself.
    pub native: Option<String>,
    /// The triple that is built for.
    pub triple: String,
}

/// One thing to make.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it is published.
    pub file: FilePath,
    /// What goes into it.
    pub units: Vec<Unit>,
    /// How it is linked; `None` for an archive.
    pub link: Option<Link>,
}

/// One source, compiled one way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The source.
    pub source: FilePath,
    /// Its language.
    pub lang: Lang,
    /// Flags, without those for inputs and outputs.
    pub flags: Arc<Vec<Arc<[u8]>>>,
    /// Where its headers are looked for.
    pub search: Arc<SearchDirs>,
}

/// How a target is linked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The linker's own command, or the driver's when that could not be learned.
    pub line: LinkLine,
    /// Whether `line` starts the driver.
    pub through_driver: bool,
    /// Libraries looked for by name.
    pub names: Vec<String>,
    /// The symbols to show, when not all.
    pub export: Option<Vec<String>>,
}

/// Resolves the build; errors among the diagnostics mean that there is nothing to plan.
///
/// # Errors
/// When a tool's files cannot be read.
pub fn configure(sources: &Sources<'_>, wanted: &Wanted) -> Result<(Option<Config>, Vec<Diagnostic>)> {
    let mut problems = Vec::new();
    let manifest = sources.manifest;
    let profile = profile(manifest, wanted, &mut problems);
    let name =
        crate::setup::library_ident(manifest.project.name.as_deref().unwrap_or(&sources.memo.root().name()));
    let output_dir = FilePath::new(manifest.binary.output_dir.as_deref().unwrap_or("julia"));
    let tools = tools(sources, &profile)?;
    let outline = outlines(sources, &name, wanted, &mut problems);
    let mut making = Making { sources, profile: &profile, tools: &tools, output_dir: &output_dir, problems };
    let libraries = making.found_libraries();
    let mut targets = Vec::new();
    for outline in outline {
        targets.extend(making.target(&outline, &libraries));
    }
    let mut problems = making.problems;
    check_lto(&profile, &tools, sources.toolchain, &mut problems);
    let jobs = wanted.jobs.or(manifest.compile.jobs.map(|jobs| jobs as usize)).unwrap_or_else(cores).max(1);
    let failed = problems.iter().any(Diagnostic::is_error);
    let config = Config { name, profile, targets, output_dir, jobs, tools };
    Ok(((!failed).then_some(config), problems))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Resolves the profile that is asked for, through what it inherits.
fn profile(manifest: &Manifest, wanted: &Wanted, problems: &mut Vec<Diagnostic>) -> Profile {
    let name = wanted.profile.clone().or_else(|| manifest.build.profile.clone()).unwrap_or("release".into());
    let mut chain: Vec<&ProfileTable> = Vec::new();
    let mut base = name.clone();
    let mut known = BTreeSet::new();
    while let Some(table) = manifest.profiles.get(&base) {
        if !known.insert(base.clone()) {
            problems.push(
                Diagnostic::error(format!("profile `{base}` inherits from itself")).in_file(&manifest.file),
            );
            break;
        }
        chain.push(table);
        match &table.inherits {
            Some(parent) => base.clone_from(parent),
            None => break,
        }
    }
    if !manifest.profiles.contains_key(&base) && !matches!(base.as_str(), "release" | "dev") {
        problems.push(
            Diagnostic::error(format!("there is no profile `{base}`"))
                .hint("`release` and `dev` are always there; others are written as `[profile.<name>]`"),
        );
    }
    let dev = base == "dev";
    let first = |pick: fn(&ProfileTable) -> bool| chain.iter().find(|table| pick(table)).copied();
    let lto = match wanted.lto.as_deref() {
        Some("off") => Lto::Off,
        Some("thin") => Lto::Thin,
        Some("full") => Lto::Full,
        Some(other) => {
            problems.push(Diagnostic::error(format!("`--lto {other}` is none of `off`, `thin`, `full`")));
            Lto::Off
        }
        None => first(|t| t.lto.is_some()).and_then(|t| t.lto).or(manifest.link.lto).unwrap_or(Lto::Off),
    };
    let listed = |pick: fn(&ProfileTable) -> &Vec<String>| {
        chain.iter().map(|table| pick(table)).find(|list| !list.is_empty()).cloned().unwrap_or_default()
    };
    Profile {
        name,
        opt_level: first(|t| t.opt_level.is_some()).and_then(|t| t.opt_level).unwrap_or(if dev {
            OptLevel::O0
        } else {
            OptLevel::O2
        }),
        debug: first(|t| t.debug.is_some()).and_then(|t| t.debug).unwrap_or(if dev {
            Debug::Full
        } else {
            Debug::None
        }),
        lto,
        sanitize: listed(|t| &t.sanitize),
        opt_passes: listed(|t| &t.opt_passes),
        defines: chain.iter().rev().flat_map(|table| table.defines.clone()).collect(),
        flags: chain.iter().rev().flat_map(|table| table.flags.clone()).collect(),
    }
}

fn tools(sources: &Sources<'_>, profile: &Profile) -> Result<Tools> {
    let toolchain = sources.toolchain;
    let memo = sources.memo;
    let tool = |tool: &crate::toolchain::Tool| -> Result<Arc<Tool>> {
        let path = FilePath::new(crate::path::bytes_of(tool.path.as_os_str()));
        Ok(Arc::new(Tool { path, identity: toolchain.identity_of(memo, tool)? }))
    };
    let named = |name: &str| toolchain.tool(name).map(&tool).transpose();
    // What a build does not run is not digested: libLLVM alone is 120 MB.
    let when = |needed: bool, name: &str| if needed { named(name) } else { Ok(None) };
    let full = profile.lto == Lto::Full;
    let triple =
        sources.manifest.machine.triple.clone().unwrap_or_else(|| toolchain.host_triple().to_owned());
    let native = native_flags(sources, profile);
    let native = match native.is_empty() {
        true => None,
        false => Some(toolchain.native_text(&sources.ask, Lang::Cxx, &native)?),
    };
    Ok(Tools {
        cc: tool(toolchain.driver(Lang::C)?)?,
        cxx: tool(toolchain.driver(Lang::Cxx)?)?,
        ar: named("llvm-ar")?,
        llvm_link: when(full, "llvm-link")?,
        opt: when(full, "opt")?,
        llc: when(full, "llc")?,
        objcopy: when(full, "llvm-objcopy")?,
        linker: toolchain.linker().map(|linker| tool(&linker.tool)).transpose()?,
        fat_objects: toolchain.fat_objects(&triple),
        native,
        triple,
    })
}

/// The flags that mean "this very machine".
fn native_flags(sources: &Sources<'_>, profile: &Profile) -> Vec<Vec<u8>> {
    let compile = &sources.manifest.compile;
    let all = compile.flags.iter().chain(&compile.c_flags).chain(&compile.cxx_flags).chain(&profile.flags);
    let targets = sources.manifest.targets.iter().flat_map(|target| &target.flags);
    let mut flags: Vec<Vec<u8>> = all
        .chain(targets)
        .filter(|flag| flag.ends_with("=native"))
        .map(|flag| flag.clone().into_bytes())
        .collect();
    if sources.manifest.machine.cpu.as_deref() == Some("native") {
        flags.extend(machine_flags(sources).into_iter().map(String::into_bytes));
    }
    flags
}

/// The flags for the machine that is built for.
fn machine_flags(sources: &Sources<'_>) -> Vec<String> {
    let machine = &sources.manifest.machine;
    let triple = machine.triple.as_deref().unwrap_or(sources.toolchain.host_triple());
    let mut flags = Vec::new();
    flags.extend(machine.triple.as_ref().map(|triple| format!("--target={triple}")));
    if let Some(cpu) = machine.cpu.as_deref().filter(|cpu| *cpu != "generic") {
        // clang refuses `-mcpu` for x86 and `-march` takes no processor elsewhere.
        let x86 = triple.starts_with("x86_64") || triple.starts_with("i386") || triple.starts_with("i686");
        flags.push(format!("-m{}={cpu}", if x86 { "arch" } else { "cpu" }));
    }
    for feature in &machine.features {
        flags.push(match feature.strip_prefix('-') {
            Some(name) => format!("-mno-{name}"),
            None => format!("-m{}", feature.trim_start_matches('+')),
        });
    }
    flags
}

fn check_lto(profile: &Profile, tools: &Tools, toolchain: &Toolchain, problems: &mut Vec<Diagnostic>) {
    let missing = |name: &str| {
        Diagnostic::error(format!("`lto = \"full\"` needs `{name}`, which this toolchain has not"))
            .hint("install the complete LLVM tools of the same version, or use `lto = \"thin\"`")
    };
    if profile.lto == Lto::Full {
        for (name, tool) in [
            ("llvm-link", &tools.llvm_link),
            ("opt", &tools.opt),
            ("llc", &tools.llc),
            ("llvm-objcopy", &tools.objcopy),
        ] {
            if tool.is_none() {
                problems.push(missing(name));
            }
        }
    }
    let lld = toolchain.linker().is_some_and(|linker| linker.kind == LinkerKind::Lld);
    if profile.lto == Lto::Thin && !lld {
        problems.push(
            Diagnostic::error("`lto = \"thin\"` needs LLVM's own linker, lld")
                .hint("install lld of the compiler's version and leave `link.linker` unset"),
        );
    }
}

/// A target before its flags are worked out.
struct Outline<'a> {
    name: String,
    kind: Kind,
    sources: Vec<FilePath>,
    table: Option<&'a TargetTable>,
}

/// Which targets are to be made of which sources.
fn outlines<'a>(
    sources: &Sources<'a>,
    name: &str,
    wanted: &Wanted,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Outline<'a>> {
    let manifest = sources.manifest;
    let all = match manifest.targets.is_empty() {
        true => discovered_outlines(sources, name),
        false => {
            manifest.targets.iter().map(|table| written_outline(sources, table, name, problems)).collect()
        }
    };
    let library_there = all.iter().any(|outline| outline.kind != Kind::Executable);
    for target in wanted.targets.iter().filter(|name| !all.iter().any(|outline| outline.name == **name)) {
        let names: Vec<_> = all.iter().map(|outline| format!("`{}`", outline.name)).collect();
        problems.push(Diagnostic::error(format!("there is no target `{target}`")).hint(
            match names.is_empty() {
                true => "the project has no targets".to_owned(),
                false => format!("the targets are {}", names.join(", ")),
            },
        ));
    }
    let chosen = |outline: &Outline<'_>| match wanted.targets.is_empty() {
        false => wanted.targets.contains(&outline.name),
        // Programs found beside a library (demos, tools) are made when asked for.
        true => !manifest.targets.is_empty() || !library_there || outline.kind != Kind::Executable,
    };
    let chosen: Vec<_> = all.into_iter().filter(chosen).collect();
    if chosen.is_empty() && wanted.targets.is_empty() {
        problems.push(no_sources(sources));
    }
    chosen
}

fn no_sources(sources: &Sources<'_>) -> Diagnostic {
    let left_out = &sources.discovery.left_out;
    let problem = Diagnostic::error(format!(
        "no C or C++ sources to build in `{}`",
        sources.memo.root().as_path().display()
    ));
    match left_out.first() {
        Some((path, why)) => problem.hint(format!(
            "{} sources were left out, `{path}` because {why}; `jmake discover` lists them all",
            left_out.len()
        )),
        None => problem.hint("name another folder, or put sources in this one"),
    }
}

fn discovered_outlines<'a>(sources: &Sources<'a>, name: &str) -> Vec<Outline<'a>> {
    let kind = sources.manifest.binary.kind.unwrap_or(Kind::Shared);
    let found = &sources.discovery.targets;
    let library = found.iter().find(|target| target.kind == crate::discover::TargetKind::Library);
    let programs = found.iter().filter(|target| target.kind == crate::discover::TargetKind::Executable);
    let parts = library.map(|target| target.sources.clone()).unwrap_or_default();
    let mut outlines = Vec::new();
    if kind != Kind::Executable && !parts.is_empty() {
        let name = sources.manifest.binary.name.clone().unwrap_or_else(|| name.to_owned());
        outlines.push(Outline { name, kind, sources: parts.clone(), table: None });
    }
    let programs: Vec<_> = programs.collect();
    for program in &programs {
        let mut all = program.sources.clone();
        all.extend(parts.iter().cloned());
        // One program that is what the project is about carries the project's name.
        let own_name = kind == Kind::Executable && programs.len() == 1;
        let name = match own_name {
            true => sources.manifest.binary.name.clone().unwrap_or_else(|| name.to_owned()),
            false => program.name.clone(),
        };
        outlines.push(Outline { name, kind: Kind::Executable, sources: all, table: None });
    }
    outlines
}

fn written_outline<'a>(
    sources: &Sources<'a>,
    table: &'a TargetTable,
    project: &str,
    problems: &mut Vec<Diagnostic>,
) -> Outline<'a> {
    let name = table.name.clone().unwrap_or_else(|| project.to_owned());
    let kind = table.kind.or(sources.manifest.binary.kind).unwrap_or(Kind::Shared);
    let library = sources.discovery.targets.iter().find(|t| t.kind == crate::discover::TargetKind::Library);
    let mut chosen: Vec<FilePath> = match table.sources.is_empty() {
        true => library.map(|target| target.sources.clone()).unwrap_or_default(),
        false => {
            let units = sources.tree.files.iter().filter(|file| is_unit(file.category));
            units.filter(|file| matches(&table.sources, &file.path)).map(|file| file.path.clone()).collect()
        }
    };
    chosen.retain(|path| !matches(&table.exclude, path));
    if chosen.is_empty() {
        problems.push(
            Diagnostic::error(format!("target `{name}` has no sources"))
                .in_file(&sources.manifest.file)
                .hint("its `sources` are paths or globs from the root, such as `src/**/*.cpp`"),
        );
    }
    Outline { name, kind, sources: chosen, table: Some(table) }
}

fn is_unit(category: Category) -> bool {
    matches!(category, Category::CppSource | Category::CSource)
}

/// Whether `path` is one of `patterns`: a path, a folder, or a glob.
fn matches(patterns: &[String], path: &FilePath) -> bool {
    patterns.iter().any(|pattern| {
        let plain = FilePath::new(pattern.as_bytes());
        path.starts_with(&plain)
            || globset::GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .is_ok_and(|glob| glob.compile_matcher().is_match(path.to_path_buf()))
    })
}

/// What working out targets needs and gathers.
struct Making<'a> {
    sources: &'a Sources<'a>,
    profile: &'a Profile,
    tools: &'a Tools,
    output_dir: &'a FilePath,
    problems: Vec<Diagnostic>,
}

impl Making<'_> {
    /// Installed libraries that answer the headers which the project does not.
    fn found_libraries(&mut self) -> Vec<FoundLibrary> {
        let sources = self.sources;
        if sources.discovery.system_headers.is_empty() {
            return Vec::new();
        }
        let pkg_config = sources.environment.path.iter().find_map(|dir| {
            ["pkg-config", "pkgconf"].map(|name| dir.join(name)).into_iter().find(|path| path.is_file())
        });
        let cxx = sources.tree.files.iter().any(|file| file.category == Category::CppSource);
        let query = HeaderQuery {
            headers: &sources.discovery.system_headers,
            lang: if cxx { Lang::Cxx } else { Lang::C },
            pkg_config: pkg_config.as_deref(),
            pkg_config_path: sources.environment.pkg_config_path.as_deref().map(std::path::Path::as_os_str),
            library_dirs: &crate::toolchain::standard_library_dirs(),
        };
        libraries_for_headers(&sources.ask, &query)
    }

    fn target(&mut self, outline: &Outline<'_>, libraries: &[FoundLibrary]) -> Option<Target> {
        if let Some(bad) = outline.sources.iter().find(|source| source.as_bytes().contains(&b'\n')) {
            self.problems.push(
                Diagnostic::error(format!(
                    "the name of `{}` holds a line break",
                    bad.to_string().escape_default()
                ))
                .hint("dependency files cannot express such a name: rename the file, or exclude it"),
            );
            return None;
        }
        let mut shared = [Lang::C, Lang::Cxx].map(|lang| (lang, None));
        let mut units = Vec::with_capacity(outline.sources.len());
        for source in &outline.sources {
            let lang = lang_of(source);
            let slot = &mut shared[usize::from(lang == Lang::Cxx)].1;
            let (flags, search) = match slot {
                Some(known) => known,
                None => slot.insert(self.unit_flags(outline, lang, libraries)?),
            };
            units.push(Unit { source: source.clone(), lang, flags: flags.clone(), search: search.clone() });
        }
        let file = self.output_dir.join(self.file_name(&outline.name, outline.kind));
        let link = match outline.kind {
            Kind::Static | Kind::Prebuilt => None,
            kind => Some(self.link(outline, kind, &units, libraries)?),
        };
        Some(Target { name: outline.name.clone(), kind: outline.kind, file, units, link })
    }

    fn file_name(&self, name: &str, kind: Kind) -> String {
        let triple = &self.tools.triple;
        let apple = triple.contains("apple") || triple.contains("darwin");
        match kind {
            Kind::Static => format!("lib{name}.a"),
            Kind::Executable => name.to_owned(),
            _ if apple => format!("lib{name}.dylib"),
            _ => format!("lib{name}.so"),
        }
    }

    /// The flags of every unit of one language in a target, and where its headers are looked for.
    #[expect(clippy::type_complexity, reason = "both are shared by all units of the language")]
    fn unit_flags(
        &mut self,
        outline: &Outline<'_>,
        lang: Lang,
        libraries: &[FoundLibrary],
    ) -> Option<(Arc<Vec<Arc<[u8]>>>, Arc<SearchDirs>)> {
        let flags = self.flags(outline, lang, libraries);
        let bytes: Vec<Vec<u8>> = flags.iter().map(|flag| flag.clone().into_bytes()).collect();
        let own: Vec<Vec<u8>> = bytes.iter().filter(|flag| chooses_headers(flag)).cloned().collect();
        let builtin = match self.sources.toolchain.include_dirs(&self.sources.ask, lang, &own) {
            Ok(builtin) => builtin,
            Err(e) => {
                self.problems.push(Diagnostic::error(format!(
                    "cannot ask the compiler for its header folders: {e:#}"
                )));
                return None;
            }
        };
        let mut search = search_dirs(&bytes);
        search.all.extend(builtin.absent);
        search.all.extend(builtin.dirs);
        Some((Arc::new(bytes.into_iter().map(Arc::from).collect()), Arc::new(search)))
    }

    fn flags(&self, outline: &Outline<'_>, lang: Lang, libraries: &[FoundLibrary]) -> Vec<String> {
        let manifest = self.sources.manifest;
        let compile = &manifest.compile;
        let table = outline.table;
        let mut flags = vec![format!("-O{}", self.profile.opt_level.letter()), "-fPIC".into()];
        flags.extend(match self.profile.debug {
            Debug::None => None,
            Debug::Lines => Some("-gline-tables-only".into()),
            Debug::Full => Some("-g".into()),
        });
        let (std, own_flags) = match lang {
            Lang::C => (&compile.c_std, &compile.c_flags),
            Lang::Cxx => (&compile.std, &compile.cxx_flags),
        };
        flags.extend(std.as_ref().map(|std| format!("-std={std}")));
        flags.extend(machine_flags(self.sources));
        flags.extend(sanitize_flag(self.profile));
        let defines = compile.defines.iter().chain(&self.profile.defines);
        for (name, value) in defines.chain(table.into_iter().flat_map(|table| &table.defines)) {
            flags.push(match value {
                Some(value) => format!("-D{name}={value}"),
                None => format!("-D{name}"),
            });
        }
        let mut dirs: Vec<String> = table.into_iter().flat_map(|table| table.include_dirs.clone()).collect();
        dirs.extend(compile.include_dirs.iter().cloned());
        dirs.extend(self.sources.discovery.include_dirs.iter().map(|dir| match dir.is_root() {
            true => ".".to_owned(),
            false => dir.to_string(),
        }));
        let mut known = BTreeSet::new();
        flags.extend(
            dirs.into_iter()
                .filter(|dir| known.insert(dir.clone()))
                .map(|dir| format!("-I{}", self.below_root(&dir))),
        );
        flags.extend(
            compile.system_include_dirs.iter().map(|dir| format!("-isystem{}", self.below_root(dir))),
        );
        for library in libraries {
            flags.extend(library.include_dirs.iter().map(|dir| format!("-isystem{}", dir.display())));
            flags.extend(library.defines.iter().map(|define| format!("-D{define}")));
            flags.extend(library.flags.iter().cloned());
        }
        flags.extend(compile.flags.iter().chain(own_flags).chain(&self.profile.flags).cloned());
        flags.extend(table.into_iter().flat_map(|table| table.flags.clone()));
        flags
    }

    /// A folder of the project by its relative name, however the user wrote it: absolute paths
    /// would tie keys and results to this checkout.
    fn below_root(&self, dir: &str) -> String {
        let path = self.sources.memo.root().file_path(std::path::Path::new(dir));
        if path.is_root() { ".".into() } else { path.to_string() }
    }

    fn link(
        &mut self,
        outline: &Outline<'_>,
        kind: Kind,
        units: &[Unit],
        found: &[FoundLibrary],
    ) -> Option<Link> {
        let flags = self.link_flags(outline, kind, found);
        let libraries = self.link_libraries(outline, found);
        let lang = if units.iter().any(|unit| unit.lang == Lang::Cxx) { Lang::Cxx } else { Lang::C };
        let query = LinkQuery {
            kind: if kind == Kind::Executable { LinkKind::Executable } else { LinkKind::Shared },
            lang,
            flags: &flags,
            libraries: &libraries,
        };
        let learned = self.sources.toolchain.link_line(&self.sources.ask, &query);
        let through_driver = learned.is_err();
        let line = learned.unwrap_or_else(|_| self.driver_line(&query));
        let arguments = line.before_objects.iter().chain(&line.after_objects);
        let names = arguments
            .filter_map(|arg| arg.strip_prefix(b"-l"))
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        let export = outline.table.and_then(|table| table.export.clone()).or(self
            .sources
            .manifest
            .binary
            .export
            .clone());
        let export = match export {
            Some(Export::Listed(symbols)) => Some(symbols),
            Some(Export::All) | None => None,
        };
        Some(Link { line, through_driver, names, export })
    }

    fn link_flags(&self, outline: &Outline<'_>, kind: Kind, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let manifest = self.sources.manifest;
        let table = outline.table;
        let apple = self.tools.triple.contains("apple") || self.tools.triple.contains("darwin");
        let mut flags = vec![format!("-O{}", self.profile.opt_level.letter())];
        flags.extend(machine_flags(self.sources));
        flags.extend(sanitize_flag(self.profile));
        if kind == Kind::Shared {
            let file = self.file_name(&outline.name, kind);
            flags.push(match apple {
                true => format!("-Wl,-install_name,@rpath/{file}"),
                false => format!("-Wl,-soname,{file}"),
            });
            // A sanitizer's runtime lives in the program that loads the library.
            if self.profile.sanitize.is_empty() && !apple {
                flags.push("-Wl,-z,defs".into());
            }
        }
        if self.profile.lto == Lto::Thin {
            flags.push("-flto=thin".into());
            if self.tools.fat_objects {
                flags.push("-ffat-lto-objects".into());
            }
        }
        let mut dirs: Vec<String> = table.into_iter().flat_map(|table| table.lib_dirs.clone()).collect();
        dirs.extend(manifest.link.lib_dirs.iter().cloned());
        for dir in dirs.iter().map(|dir| self.below_root(dir)) {
            if manifest.link.rpath.unwrap_or(true) {
                flags.push(format!("-Wl,-rpath,{}", self.rpath(&dir)));
            }
            flags.push(format!("-L{dir}"));
        }
        flags.extend(
            found.iter().flat_map(|library| &library.lib_dirs).map(|dir| format!("-L{}", dir.display())),
        );
        flags.extend(manifest.link.flags.iter().cloned());
        flags.extend(table.into_iter().flat_map(|table| table.link_flags.clone()));
        flags.into_iter().map(String::into_bytes).collect()
    }

    /// A folder of the project as the library finds it wherever the project lies.
    fn rpath(&self, dir: &str) -> String {
        if dir.starts_with('/') {
            return dir.to_owned();
        }
        let origin = if self.tools.triple.contains("apple") { "@loader_path" } else { "$ORIGIN" };
        let up = self.output_dir.components().map(|_| "../").collect::<String>();
        format!("{origin}/{up}{dir}")
    }

    fn link_libraries(&self, outline: &Outline<'_>, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let manifest = self.sources.manifest;
        let named =
            outline.table.into_iter().flat_map(|table| &table.libraries).chain(&manifest.link.libraries);
        let mut libraries: Vec<String> = named
            .map(|library| match library.contains('/') || library.starts_with('-') {
                true => library.clone(),
                false => format!("-l{library}"),
            })
            .collect();
        let guessed: BTreeSet<String> =
            found.iter().flat_map(|library| &library.libs).map(|name| format!("-l{name}")).collect();
        let guessed: Vec<_> = guessed.into_iter().filter(|name| !libraries.contains(name)).collect();
        if !guessed.is_empty() {
            // They were only guessed from includes: what turns out not to be used is not needed.
            libraries.push("-Wl,--as-needed".into());
            libraries.extend(guessed);
            libraries.push("-Wl,--no-as-needed".into());
        }
        libraries.into_iter().map(String::into_bytes).collect()
    }

    /// The driver's own command, for a linker whose command could not be learned.
    fn driver_line(&self, query: &LinkQuery<'_>) -> LinkLine {
        let tool = if query.lang == Lang::Cxx { &self.tools.cxx } else { &self.tools.cc };
        let mut before = Vec::new();
        if query.kind == LinkKind::Shared {
            before.push(b"-shared".to_vec());
        }
        before.extend(self.sources.toolchain.linker_flags());
        before.extend_from_slice(query.flags);
        before.push(b"-o".to_vec());
        LinkLine {
            linker: tool.path.to_path_buf(),
            before_output: before,
            before_objects: Vec::new(),
            after_objects: query.libraries.to_vec(),
        }
    }
}

fn sanitize_flag(profile: &Profile) -> Option<String> {
    (!profile.sanitize.is_empty()).then(|| format!("-fsanitize={}", profile.sanitize.join(",")))
}

fn lang_of(source: &FilePath) -> Lang {
    if source.extension() == Some(b"c") { Lang::C } else { Lang::Cxx }
}

/// Whether a flag decides where the compiler looks for headers by itself.
fn chooses_headers(flag: &[u8]) -> bool {
    ["--target=", "-stdlib=", "--sysroot", "-isysroot", "-nostdinc", "-m32", "-m64", "-std=", "--gcc"]
        .iter()
        .any(|prefix| flag.starts_with(prefix.as_bytes()))
}

/// The folders that `flags` name for headers.
fn search_dirs(flags: &[Vec<u8>]) -> SearchDirs {
    let mut quoted = Vec::new();
    let mut plain = Vec::new();
    let mut system = Vec::new();
    let mut at = 0;
    while at < flags.len() {
        let flag = &flags[at];
        let kinds: [(&[u8], &mut Vec<FilePath>); 4] = [
            (b"-iquote", &mut quoted),
            (b"-isystem", &mut system),
            (b"-idirafter", &mut Vec::new()),
            (b"-I", &mut plain),
        ];
        for (name, list) in kinds {
            let Some(dir) = flag.strip_prefix(name) else { continue };
            if !dir.is_empty() {
                list.push(FilePath::new(dir));
            } else if let Some(dir) = flags.get(at + 1) {
                list.push(FilePath::new(dir));
                at += 1;
            }
            break;
        }
        at += 1;
    }
    plain.extend(system);
    SearchDirs { quoted, all: plain }
}

/// The reasons for every source that is not built, as the user reads them.
pub fn left_out(discovery: &Discovery) -> impl Iterator<Item = (&FilePath, &LeftOut)> {
    discovery.left_out.iter().map(|(path, why)| (path, why))
}

/// What a generated manifest says about a project: decisions, not scan results.
pub fn generated_facts(name: &str, discovery: &Discovery) -> crate::manifest::GeneratedFacts {
    let dirs = discovery.include_dirs.iter().filter(|dir| std::str::from_utf8(dir.as_bytes()).is_ok());
    crate::manifest::GeneratedFacts {
        name: name.to_owned(),
        include_dirs: dirs.map(ToString::to_string).collect(),
        std: None,
        libraries: Vec::new(),
    }
}
