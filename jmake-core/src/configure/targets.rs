//! Which targets there are and which sources go into each.
//!
//! Written targets come from the manifest, otherwise discovery's are taken.  Nothing here knows
//! flags: an [`Outline`] is a target before those are worked out.

use super::needs::ordered;
use super::{Sources, Wanted};
use crate::discover::{TargetKind, category_by_name};
use crate::event::Diagnostic;
use crate::generate::DIR;
use crate::manifest::{Kind, TargetTable};
use crate::path::FilePath;

/// A target before its flags are worked out.
pub(super) struct Outline<'a> {
    pub name: String,
    pub kind: Kind,
    pub sources: Vec<FilePath>,
    pub table: Option<&'a TargetTable>,
    /// Folders for its headers, and those of the targets it needs, before those of the whole project.
    pub include_dirs: Vec<String>,
    /// Libraries of its own, before those of the whole project.
    pub libraries: Vec<String>,
    /// Folders of its own to look for libraries in.
    pub lib_dirs: Vec<String>,
    /// Targets that go into its link, by their places in the order of making, in link order.
    pub needs: Vec<usize>,
}

impl<'a> Outline<'a> {
    fn new(name: String, kind: Kind, sources: Vec<FilePath>, table: Option<&'a TargetTable>) -> Outline<'a> {
        let include_dirs = table.map(|table| table.include_dirs.clone()).unwrap_or_default();
        let libraries = table.map(|table| table.libraries.clone()).unwrap_or_default();
        let lib_dirs = table.map(|table| table.lib_dirs.clone()).unwrap_or_default();
        Outline { name, kind, sources, table, include_dirs, libraries, lib_dirs, needs: Vec::new() }
    }
}

/// Which targets are to be made of which sources, each after those it needs.
pub(super) fn outlines<'a>(
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
    let chosen: Vec<bool> = all.iter().map(chosen).collect();
    if !chosen.contains(&true) && wanted.targets.is_empty() {
        problems.push(no_sources(sources));
    }
    ordered(sources, all, &chosen, problems)
}

fn no_sources(sources: &Sources<'_>) -> Diagnostic {
    let left_out = &sources.discovery.left_out;
    let problem = Diagnostic::error(format!(
        "no C or C++ sources to build in `{}`",
        sources.memo.root().as_path().display()
    ));
    match left_out.first() {
        Some((path, why)) => problem.hint(format!(
            "sources left out: {}, such as `{path}`, which {why}; `jmake discover` shows them all",
            left_out.len()
        )),
        None => problem.hint("name another folder, or put sources in this one"),
    }
}

fn discovered_outlines<'a>(sources: &Sources<'a>, name: &str) -> Vec<Outline<'a>> {
    let kind = sources.manifest.binary.kind.unwrap_or(Kind::Shared);
    let found = &sources.discovery.targets;
    let library = found.iter().find(|target| target.kind == TargetKind::Library);
    let programs = found.iter().filter(|target| target.kind == TargetKind::Executable);
    let parts = library.map(|target| target.sources.clone()).unwrap_or_default();
    let mut outlines = Vec::new();
    if kind != Kind::Executable && !parts.is_empty() {
        let name = sources.manifest.binary.name.clone().unwrap_or_else(|| name.to_owned());
        outlines.push(Outline::new(name, kind, parts.clone(), None));
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
        outlines.push(Outline::new(name, Kind::Executable, all, None));
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
    let library = sources.discovery.targets.iter().find(|t| t.kind == TargetKind::Library);
    let mut chosen: Vec<FilePath> = match table.sources.is_empty() {
        true => library.map(|target| target.sources.clone()).unwrap_or_default(),
        false => {
            let units = sources.tree.files.iter().filter(|file| file.category.is_unit());
            let units = units.map(|file| &file.path);
            let taken = Patterns::new(&table.sources);
            let there = units.filter(|path| taken.take(path));
            there.chain(made_sources(sources, table)).cloned().collect()
        }
    };
    let excluded = Patterns::new(&table.exclude);
    chosen.retain(|path| !excluded.take(path));
    if chosen.is_empty() {
        problems.push(
            Diagnostic::error(format!("target `{name}` has no sources"))
                .in_file(&sources.manifest.file)
                .hint("its `sources` are paths, folders or globs from the root, such as `src/**/*.cpp`"),
        );
    }
    Outline::new(name, kind, chosen, Some(table))
}

/// The sources that the build description makes and the target names: they are not in the tree, and
/// a glob that begins elsewhere does not mean them.
fn made_sources<'s>(sources: &Sources<'s>, table: &TargetTable) -> impl Iterator<Item = &'s FilePath> {
    let named = table.sources.iter().filter(|pattern| pattern.starts_with(DIR));
    let named = Patterns::new(&named.cloned().collect::<Vec<_>>());
    let made = sources.discovery.generated.iter().map(|made| &made.path);
    made.filter(move |path| category_by_name(path.file_name()).is_source() && named.take(path))
}

/// Paths, folders and globs from the root.
struct Patterns {
    plain: Vec<FilePath>,
    globs: globset::GlobSet,
}

impl Patterns {
    fn new(patterns: &[String]) -> Patterns {
        let plain = patterns.iter().map(|pattern| FilePath::new(pattern.as_bytes())).collect();
        let mut globs = globset::GlobSetBuilder::new();
        // A pattern that is no glob may still be a path; validation has told about the others.
        let good = |pattern: &String| globset::GlobBuilder::new(pattern).literal_separator(true).build().ok();
        for glob in patterns.iter().filter_map(good) {
            globs.add(glob);
        }
        Patterns { plain, globs: globs.build().unwrap_or_default() }
    }

    fn take(&self, path: &FilePath) -> bool {
        self.plain.iter().any(|plain| path.starts_with(plain)) || self.globs.is_match(path.to_path_buf())
    }
}
