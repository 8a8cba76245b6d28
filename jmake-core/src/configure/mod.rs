//! From what was written, found and installed to what is to be built: no optional is left.
//!
//! [`configure`] is a function from values to a value.  It asks the toolchain what only it can
//! know (where headers lie, how the linker is called); those answers are remembered, so a warm
//! run starts no process.  Whatever the user can mend is collected as diagnostics.

mod flags;
mod kept;
mod link;
mod needs;
mod profile;
mod targets;
mod tools;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::action::SearchDirs;
use crate::discover::{Discovery, LeftOut, Tree, Ways};
use crate::event::Diagnostic;
use crate::manifest::{Kind, Manifest};
use crate::memo::Memo;
use crate::path::FilePath;
use crate::toolchain::includes::Lang;
use crate::toolchain::link::LinkLine;
use crate::toolchain::pkgconfig::{FoundLibrary, HeaderQuery, libraries_for_headers};
use crate::toolchain::{Ask, Toolchain};

pub use flags::argument;
pub use profile::Profile;
pub use tools::{Tools, machine_flags};

use targets::Outline;

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
    /// Whether to go by the files alone, whatever the project's own build description says.
    #[serde(default)]
    pub no_evidence: bool,
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
#[serde(default)]
pub struct Environment {
    /// `PATH`, split.
    #[serde(with = "crate::portable::list")]
    pub path: Vec<PathBuf>,
    /// `PKG_CONFIG_PATH`.
    #[serde(with = "crate::portable::option")]
    pub pkg_config_path: Option<PathBuf>,
    /// `HOME`.
    #[serde(with = "crate::portable::option")]
    pub home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`.
    #[serde(with = "crate::portable::option")]
    pub cache_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    #[serde(with = "crate::portable::option")]
    pub config_home: Option<PathBuf>,
    /// `MAKEFLAGS`.
    pub makeflags: String,
    /// Which build of the calling program this is: another one may decide otherwise, so it takes
    /// no recorded reply of this one.
    #[serde(default)]
    pub program: String,
}

/// The resolved build.
#[derive(PartialEq, Eq, Debug)]
pub struct Config {
    /// The project's name, a C identifier.
    pub name: String,
    /// The profile.
    pub profile: Profile,
    /// What is to be made, each after those it needs.
    pub targets: Vec<Target>,
    /// Where results go.
    pub output_dir: FilePath,
    /// How many processes may run at once.
    pub jobs: usize,
    /// The tools.
    pub tools: Tools,
}

/// One thing to make.
#[derive(PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// The linker's own command, or the driver's when that could not be learned.
    pub line: LinkLine,
    /// Whether `line` starts the driver.
    pub through_driver: bool,
    /// Libraries looked for by name.
    pub names: Vec<String>,
    /// The symbols to show, when not all.
    pub export: Option<Vec<String>>,
    /// The version script to go by instead, as it is.
    pub script: Option<String>,
    /// Targets that are linked too, by their places in [`Config::targets`], in link order.
    pub needs: Vec<usize>,
}

/// Resolves the build; errors among the diagnostics mean that there is nothing to plan.
///
/// # Errors
/// When a tool's files cannot be read.
pub fn configure(sources: &Sources<'_>, wanted: &Wanted) -> Result<(Option<Config>, Vec<Diagnostic>)> {
    let mut problems = Vec::new();
    let manifest = sources.manifest;
    let profile = profile::profile(manifest, wanted, &mut problems);
    let name =
        crate::setup::library_ident(manifest.project.name.as_deref().unwrap_or(&sources.memo.root().name()));
    let output_dir = FilePath::new(manifest.binary.output_dir.as_deref().unwrap_or("julia"));
    // On a machine that has never built, both take their time: one reads LLVM, the other runs it.
    let (tools, libraries) = rayon::join(|| tools::tools(sources, &profile), || found_libraries(sources));
    let tools = tools?;
    let outline = targets::outlines(sources, &name, wanted, &mut problems);
    let made = Vec::with_capacity(outline.len());
    let mut making =
        Making { sources, profile: &profile, tools: &tools, output_dir: &output_dir, made, problems };
    for outline in outline {
        // What comes after a target that cannot be made may need it.
        let Some(target) = making.target(&outline, &libraries) else { break };
        making.made.push(target);
    }
    let Making { made: targets, mut problems, .. } = making;
    tools::check_lto(&profile, &tools, sources.toolchain, &mut problems);
    let jobs = jobs(manifest, wanted);
    let failed = problems.iter().any(Diagnostic::is_error);
    let config = Config { name, profile, targets, output_dir, jobs, tools };
    Ok(((!failed).then_some(config), problems))
}

/// How many processes may run at once.
pub fn jobs(manifest: &Manifest, wanted: &Wanted) -> usize {
    wanted.jobs.or(manifest.compile.jobs.map(|jobs| jobs as usize)).unwrap_or_else(cores).max(1)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What working out targets needs and gathers.
struct Making<'a> {
    sources: &'a Sources<'a>,
    profile: &'a Profile,
    tools: &'a Tools,
    output_dir: &'a FilePath,
    /// The targets so far.
    made: Vec<Target>,
    problems: Vec<Diagnostic>,
}

/// Installed libraries that answer the headers which the project does not.
fn found_libraries(sources: &Sources<'_>) -> Vec<FoundLibrary> {
    if sources.discovery.system_headers.is_empty() {
        return Vec::new();
    }
    let pkg_config = sources.environment.path.iter().find_map(|dir| {
        ["pkg-config", "pkgconf"].map(|name| dir.join(name)).into_iter().find(|path| path.is_file())
    });
    // What is linked as C needs more libraries by name than what is linked as C++.
    let has_cxx = |sources: &Vec<FilePath>| sources.iter().any(|source| lang_of(source) == Lang::Cxx);
    let targets = &sources.discovery.targets;
    let cxx = !targets.is_empty() && targets.iter().all(|target| has_cxx(&target.sources));
    let query = HeaderQuery {
        headers: &sources.discovery.system_headers,
        lang: if cxx { Lang::Cxx } else { Lang::C },
        pkg_config: pkg_config.as_deref(),
        pkg_config_path: sources.environment.pkg_config_path.as_deref().map(std::path::Path::as_os_str),
        library_dirs: &crate::toolchain::standard_library_dirs(),
    };
    libraries_for_headers(&sources.ask, &query)
}

impl Making<'_> {
    fn target(&mut self, outline: &Outline<'_>, libraries: &[FoundLibrary]) -> Option<Target> {
        let inexpressible =
            |source: &&FilePath| source.as_bytes().iter().any(|b| matches!(b, b'\n' | b'\t' | b'\\'));
        if let Some(bad) = outline.sources.iter().find(inexpressible) {
            self.problems.push(
                Diagnostic::error(format!(
                    "the name of `{}` holds a line break, a tab or a backslash",
                    bad.to_string().escape_default()
                ))
                .hint("dependency files cannot express such a name: rename the file, or exclude it"),
            );
            return None;
        }
        let own = &self.sources.discovery.manner.own;
        let mut ways = Ways::new(own);
        let mut shared: HashMap<(Lang, usize), _> = HashMap::new();
        let mut units = Vec::with_capacity(outline.sources.len());
        for source in &outline.sources {
            let lang = lang_of(source);
            let way = ways.of(source);
            let (flags, search) = match shared.entry((lang, way)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(slot) => {
                    slot.insert(self.unit_flags(outline, lang, ways.told(way), libraries)?)
                }
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
        match kind {
            Kind::Static => format!("lib{name}.a"),
            Kind::Executable => name.to_owned(),
            _ if self.apple() => format!("lib{name}.dylib"),
            _ => format!("lib{name}.so"),
        }
    }

    fn apple(&self) -> bool {
        ["apple", "darwin"].iter().any(|system| self.tools.triple.contains(system))
    }
}

fn lang_of(source: &FilePath) -> Lang {
    match source.extension() {
        Some(b"c") => Lang::C,
        Some(b"s" | b"S" | b"sx") => Lang::Asm,
        _ => Lang::Cxx,
    }
}

/// The reasons for every source that is not built, as the user reads them.
pub fn left_out(discovery: &Discovery) -> impl Iterator<Item = (&FilePath, &LeftOut)> {
    discovery.left_out.iter().map(|(path, why)| (path, why))
}

/// What a generated manifest says about a project: decisions, not scan results.  Where some sources
/// see folders of their own, none are written: what is written is searched before those.
pub fn generated_facts(name: &str, discovery: &Discovery) -> crate::manifest::GeneratedFacts {
    let is_order_lost = discovery.manner.own.iter().any(|own| !own.told.include_dirs.is_empty());
    let dirs = discovery.include_dirs.iter().filter(|dir| std::str::from_utf8(dir.as_bytes()).is_ok());
    let dirs = dirs.filter(|_| !is_order_lost);
    crate::manifest::GeneratedFacts {
        name: name.to_owned(),
        include_dirs: dirs.map(ToString::to_string).collect(),
        std: None,
        libraries: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Own, Told};

    #[test]
    fn folders_are_not_written_where_some_sources_see_others_before() {
        let mut discovery = Discovery { include_dirs: vec!["include".into()], ..Discovery::default() };
        assert_eq!(generated_facts("n", &discovery).include_dirs, ["include"]);
        let mut own = |dirs: Vec<FilePath>| {
            let told = Told { include_dirs: dirs, defines: vec!["X".into()], ..Told::default() };
            discovery.manner.own = vec![Own { sources: vec!["a.c".into()], told }];
            generated_facts("n", &discovery).include_dirs
        };
        assert_eq!(own(Vec::new()), ["include"]);
        assert_eq!(own(vec!["own".into()]), [""; 0]);
    }
}
