//! Questions about one file: who includes it, what would its edit build again; and which headers
//! no unit opens.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Sight;
use super::units::{Unit, named};
use crate::discover::{By, Known};
use crate::event::Diagnostic;
use crate::found::Found;
use crate::freshness::Checker;
use crate::fs;
use crate::memo::Memo;
use crate::path::{FilePath, Root};
use crate::project::{MANIFEST, MARKER};
use crate::survey::Reasoned;

/// Who includes a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Includers {
    /// The file.
    pub file: String,
    /// Those that include it, the nearest first.
    pub includers: Vec<Includer>,
    /// Whether a build of the project is recorded; else the text of its files is all there is.
    pub recorded: bool,
}

/// A file that includes another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Includer {
    /// The one that includes.
    pub file: String,
    /// The file that it includes and that leads on; none where it includes the other itself.
    pub through: Option<String>,
    /// What says so.
    pub by: By,
    /// Whether a compile that read the one opened the next; `None` when none has read the one.
    pub opened: Option<bool>,
}

/// What the next build would do if files were edited.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rebuilds {
    /// The files.
    pub files: Vec<String>,
    /// The units that would be compiled.
    pub units: Vec<UnitNamed>,
    /// The results that would be linked, if what is compiled comes out another.
    pub results: Vec<String>,
    /// What else there is to say of the files.
    pub remarks: Vec<Reasoned>,
    /// Units that the next build compiles whatever is edited, and why.
    pub anyway: Vec<Reasoned>,
    /// The profile of the build that is recorded.
    pub profile: Option<String>,
    /// Whether a build of the project is recorded; else the text of its files is all there is.
    pub recorded: bool,
}

/// A unit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct UnitNamed {
    /// Its source.
    pub source: String,
    /// What it is compiled to; none before the first build.
    pub object: Option<String>,
}

/// Headers that no unit opens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnusedHeaders {
    /// Those that are the project's own business.
    pub headers: Vec<UnusedHeader>,
    /// Those in a folder `include`, which others may use.
    pub public: Vec<UnusedHeader>,
    /// How many units were asked.
    pub units: usize,
    /// Whether a build of the project is recorded; else the text of its files is all there is.
    pub recorded: bool,
}

/// A header that no unit opens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnusedHeader {
    /// It.
    pub path: String,
    /// Files that include it all the same, and are not compiled.
    pub included_by: Vec<String>,
}

/// Who includes `file`, directly and then through others.
///
/// # Errors
/// When there is no such file.
pub fn who_includes(sight: &Sight<'_>, file: &Path) -> Result<Includers> {
    let file = known_file(sight, file)?;
    if file.is_absolute() {
        return Err(outside(sight, &file));
    }
    let graph = sight.graph();
    let mut includers = Vec::new();
    let mut known = HashSet::from([file.clone()]);
    let mut front = vec![file.clone()];
    while !front.is_empty() {
        // By name, so that the answer is the same whatever comes first; the nearest come first.
        let mut next: BTreeMap<FilePath, (FilePath, Known)> = BTreeMap::new();
        for to in &front {
            for from in graph.included_by(to).filter(|from| !known.contains(*from)) {
                let edge = graph.edges(from).find(|(file, _)| *file == to);
                let how = edge.map_or(Known::TEXT, |(_, how)| how);
                next.entry(from.clone()).or_insert((to.clone(), how));
            }
        }
        known.extend(next.keys().cloned());
        front = next.keys().cloned().collect();
        includers.extend(next.into_iter().map(|(from, (to, how))| Includer {
            file: from.to_string(),
            through: (to != file).then(|| to.to_string()),
            by: how.by,
            opened: how.opened,
        }));
    }
    Ok(Includers { file: file.to_string(), includers, recorded: sight.units.log.is_some() })
}

/// What the next build would do if the text of `files` changed, comments aside; `memo` knows what
/// has changed already.
///
/// # Errors
/// When there is no such file.
pub fn rebuilds(sight: &Sight<'_>, files: &[PathBuf], memo: &Memo) -> Result<Rebuilds> {
    let files: Vec<FilePath> = files.iter().map(|file| known_file(sight, file)).collect::<Result<_>>()?;
    if let Some(file) = files.iter().find(|file| file.is_absolute() && !sight.units.read(file)) {
        return Err(outside(sight, file));
    }
    let edited = Edited::of(sight.found, &files);
    let mut results = BTreeSet::new();
    let mut units = BTreeSet::new();
    let mut touched = edited.among(sight.units.units.iter().flat_map(|unit| &unit.reads));
    touched.extend(edited.among(sight.units.results.iter().flat_map(|result| &result.reads)));
    for unit in sight.units.units.iter().filter(|unit| unit.reads.iter().any(|path| touched.contains(path))) {
        results.extend(&unit.results);
        units.insert(UnitNamed::of(unit));
    }
    for (number, result) in sight.units.results.iter().enumerate() {
        if result.reads.iter().any(|path| touched.contains(path)) {
            results.insert(number);
        }
    }
    let name = |number: usize| sight.units.results.get(number).map(|result| result.name.clone());
    Ok(Rebuilds {
        files: files.iter().map(ToString::to_string).collect(),
        units: units.into_iter().collect(),
        results: results.into_iter().filter_map(name).collect(),
        remarks: files.iter().filter_map(|file| remark(sight, file)).collect(),
        anyway: anyway(sight, memo),
        profile: sight.units.profile.clone(),
        recorded: sight.units.log.is_some(),
    })
}

/// The headers of the project that no unit opens.
pub fn unused_headers(sight: &Sight<'_>) -> UnusedHeaders {
    let graph = sight.graph();
    let opened: HashSet<&FilePath> = match sight.units.log {
        Some(_) => graph.files().iter().filter(|file| graph.is_opened(file)).collect(),
        None => sight.units.units.iter().flat_map(|unit| &unit.reads).collect(),
    };
    let root = &sight.found.root;
    let identities: HashSet<(u64, u64)> = opened.iter().filter_map(|file| identity(root, file)).collect();
    // Who opens one name of a file opens the file.
    let is_opened = |file: &FilePath| {
        opened.contains(file) || identity(root, file).is_some_and(|one| identities.contains(&one))
    };
    let tree = &sight.found.tree;
    let headers = tree.files.iter().filter(|file| file.category.is_header()).map(|file| &file.path);
    let unused = headers.filter(|header| !is_opened(header));
    let (public, headers): (Vec<_>, Vec<_>) = unused.partition(|header| is_public(header));
    let describe = |header: &FilePath| UnusedHeader {
        path: header.to_string(),
        included_by: graph.included_by(header).map(ToString::to_string).collect(),
    };
    UnusedHeaders {
        headers: headers.into_iter().map(describe).collect(),
        public: public.into_iter().map(describe).collect(),
        units: sight.units.units.len(),
        recorded: sight.units.log.is_some(),
    }
}

fn is_public(header: &FilePath) -> bool {
    header.components().any(|part| part == b"include")
}

impl UnitNamed {
    fn of(unit: &Unit) -> UnitNamed {
        UnitNamed { source: unit.source.to_string(), object: unit.object.as_ref().map(FilePath::to_string) }
    }
}

/// The file at `path`, which must be there or be one that is made.
fn known_file(sight: &Sight<'_>, path: &Path) -> Result<FilePath> {
    let root = &sight.found.root;
    let file = named(&root.file_path(&without_links(root, path)));
    let place = root.resolve(&file);
    if place.is_dir() {
        return Err(Diagnostic::error(format!("`{file}` is a folder, not a file")).into());
    }
    if place.exists() || sight.graph().files().binary_search(&file).is_ok() {
        return Ok(file);
    }
    let problem = Diagnostic::error(format!("there is no file `{file}`"));
    Err(match nearest(sight, &file) {
        Some(nearest) => problem.hint(format!("the nearest is `{nearest}`")),
        None => problem,
    }
    .into())
}

/// `path` as the root spells it, where a link leads into the project.
fn without_links(root: &Root, path: &Path) -> PathBuf {
    let folder = path.parent().filter(|_| !path.starts_with(root.as_path()));
    let real = folder.and_then(|folder| Some(folder.canonicalize().ok()?.join(path.file_name()?)));
    real.unwrap_or_else(|| path.to_owned())
}

fn outside(sight: &Sight<'_>, file: &FilePath) -> anyhow::Error {
    let root = sight.found.root.as_path().display();
    Diagnostic::error(format!("`{file}` lies outside the project `{root}`")).into()
}

/// The file that was probably meant: one of that name elsewhere, or of a similar name.
fn nearest<'s>(sight: &'s Sight<'_>, wanted: &FilePath) -> Option<&'s FilePath> {
    let name = String::from_utf8_lossy(wanted.file_name()).into_owned();
    let far = |path: &FilePath| {
        let other = String::from_utf8_lossy(path.file_name()).into_owned();
        // Names of very different length are no slips of each other.
        let alike = other.len().abs_diff(name.len()) <= name.len() / 3 && name.len() <= 255;
        let far = if alike { strsim::damerau_levenshtein(&name, &other) } else { usize::MAX };
        (far <= 1.max(name.len() / 3)).then_some((far, path.parent_bytes() != wanted.parent_bytes()))
    };
    let files = sight.found.tree.files.iter().map(|file| &file.path);
    let near = files.filter_map(|path| Some((far(path)?, path)));
    near.min().map(|(_, path)| path)
}

/// The files whose edit is asked about, and what is made of them, by name and by what they are on
/// disk: one file can have several names.
struct Edited<'a> {
    root: &'a Root,
    names: HashSet<FilePath>,
    identities: HashSet<(u64, u64)>,
}

impl<'a> Edited<'a> {
    fn of(found: &'a Found, files: &[FilePath]) -> Edited<'a> {
        let mut edited = Edited { root: &found.root, names: HashSet::new(), identities: HashSet::new() };
        for file in files {
            edited.identities.extend(identity(&found.root, file));
            edited.names.insert(file.clone());
            let made = found.discovery.generated.iter();
            let made = made.filter(|header| header.has_template() && header.from == *file);
            edited.names.extend(made.map(|header| header.path.clone()));
        }
        edited
    }

    /// Those of `paths` that are one of the files.
    fn among<'p>(&self, paths: impl Iterator<Item = &'p FilePath>) -> HashSet<&'p FilePath> {
        let distinct: HashSet<&FilePath> = paths.collect();
        let is_edited = |path: &&FilePath| {
            self.names.contains(&named(path))
                || identity(self.root, path).is_some_and(|one| self.identities.contains(&one))
        };
        distinct.into_iter().filter(is_edited).collect()
    }
}

/// Which file `path` leads to, whatever it is called there.
fn identity(root: &Root, path: &FilePath) -> Option<(u64, u64)> {
    let stat = fs::stat(&root.resolve(path)).ok().flatten()?;
    // Not every system numbers its files.
    (stat.ino != 0).then_some((stat.dev, stat.ino))
}

/// What is special about the edit of `file`, if anything is.
fn remark(sight: &Sight<'_>, file: &FilePath) -> Option<Reasoned> {
    let discovery = &sight.found.discovery;
    let because = |why: String| Some(Reasoned { path: file.to_string(), why });
    let decides = [MANIFEST, MARKER].iter().any(|name| file.as_bytes() == name.as_bytes())
        || discovery.evidence.contains(file)
        || sight.found.tree.ignore_files.contains(file);
    if decides {
        return because("decides what is built and how, so everything may be".into());
    }
    if let Some(made) = discovery.generated.iter().find(|made| made.path == *file) {
        return because(format!("is made by each build: {made}"));
    }
    if sight.units.units.iter().any(|unit| unit.source == *file) {
        return None;
    }
    if let Some((_, why)) = discovery.left_out.iter().find(|(path, _)| path == file) {
        return because(why.to_string());
    }
    let is_source = discovery.targets.iter().any(|target| target.sources.contains(file));
    if is_source { because("is new: no build has compiled it yet".into()) } else { None }
}

/// The units whose records stand no longer.
fn anyway(sight: &Sight<'_>, memo: &Memo) -> Vec<Reasoned> {
    let Some(log) = &sight.units.log else { return Vec::new() };
    let checker = Checker::new(memo, log, None, None);
    let moved = sight.units.units.iter().filter_map(|unit| {
        let why = checker.moved(log, &log.get(unit.object.as_ref()?)?)?;
        Some(Reasoned { path: unit.source.to_string(), why: why.to_string() })
    });
    moved.collect()
}
