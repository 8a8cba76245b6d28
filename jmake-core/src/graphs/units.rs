//! Which unit reads what, and which results it goes into.
//!
//! Of a project that was built the records say it: what is published names the last action of each
//! result, and from there on each record names what it was made of.  So these are the units of the
//! last good build, whatever else the log still holds.  Of a project that was never built the text
//! of its files must do.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::action::field;
use crate::discover::{Compile, FoundTarget, IncludeGraph, TargetKind, without_dots};
use crate::event::ActionKind;
use crate::found::Found;
use crate::log::Log;
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;
use crate::publish;
use crate::trace::Trace;

/// The units of a project.
#[derive(Default)]
pub struct Units {
    /// The records they were taken from; `None` where they are a guess by the text of the files.
    pub log: Option<Log>,
    /// The profile they were built with.
    pub profile: Option<String>,
    /// By source.
    pub units: Vec<Unit>,
    /// What they go into.
    pub results: Vec<Linked>,
}

/// One source, compiled one way.
pub struct Unit {
    /// The source.
    pub source: FilePath,
    /// What it was compiled to.
    pub object: Option<FilePath>,
    /// Every file that may change what it is compiled to, first those it opened, in that order.
    pub reads: Vec<FilePath>,
    /// The results that it goes into.
    pub results: BTreeSet<usize>,
}

/// A library or program.
pub struct Linked {
    /// Where it is published; what it is, when it never was.
    pub name: String,
    /// What it is linked of besides units.
    pub reads: BTreeSet<FilePath>,
}

impl Units {
    /// Those of the last good build at `root`; `None` when nothing is recorded.
    pub fn recorded(root: &Root) -> Option<Units> {
        let log = Log::look(&root.as_path().join(STATE_DIR).join("log"));
        let mut found = Gathered { log: &log, units: BTreeMap::new(), results: Vec::new() };
        let mut newest = None;
        for (file, action) in published(root, &log) {
            newest = newest.max(log.place(&action).map(|place| (place, action.clone())));
            found.gather(file.to_string(), action);
        }
        let (_, action) = newest?;
        let profile = action.components().nth(1).map(|name| String::from_utf8_lossy(name).into_owned());
        let Gathered { units, results, .. } = found;
        let mut units: Vec<Unit> = units.into_values().collect();
        units.sort_by(|a, b| (&a.source, &a.object).cmp(&(&b.source, &b.object)));
        Some(Units { log: Some(log), profile, units, results })
    }

    /// Those that a first build of `found` would compile, as far as the text of its files tells.
    pub fn by_text(found: &Found) -> Units {
        let targets = &found.discovery.targets;
        let is_library = |target: &&FoundTarget| target.kind == TargetKind::Library;
        // Programs beside a library are made when asked for.
        let library = targets.iter().find(is_library);
        let chosen: Vec<&FoundTarget> = library.map_or(targets.iter().collect(), |library| vec![library]);
        let mut units: BTreeMap<&FilePath, BTreeSet<usize>> = BTreeMap::new();
        let mut results = Vec::new();
        for target in chosen {
            for source in &target.sources {
                units.entry(source).or_default().insert(results.len());
            }
            let kind = if is_library(&target) { "library" } else { "program" };
            results.push(Linked { name: format!("{kind} {}", target.name), reads: BTreeSet::new() });
        }
        let unit = |(source, results): (&FilePath, BTreeSet<usize>)| Unit {
            source: source.clone(),
            object: None,
            reads: reached(&found.includes, source),
            results,
        };
        let units = units.into_iter().map(unit).collect();
        Units { log: None, profile: None, units, results }
    }

    /// Whether one of them reads the file of this very name.
    pub fn read(&self, file: &FilePath) -> bool {
        self.units.iter().any(|unit| unit.reads.contains(file))
    }

    /// The graph of includes of the project at `root` as these units saw it, if they were compiled.
    /// What is gone since is left out.
    pub fn seen(&self, root: &Root, graph: &IncludeGraph) -> Option<IncludeGraph> {
        self.log.as_ref()?;
        let mut there: HashMap<FilePath, bool> = HashMap::new();
        let mut is_there = |path: &FilePath| {
            let known = graph.files().binary_search(path).is_ok();
            known || *there.entry(path.clone()).or_insert_with(|| root.resolve(path).exists())
        };
        let mut names = |unit: &Unit| {
            let inside = unit.reads.iter().filter(|path| !path.is_absolute()).map(named);
            inside.filter(|path| is_there(path)).collect::<Vec<_>>()
        };
        let read: Vec<Vec<FilePath>> = self.units.iter().map(&mut names).collect();
        let both = self.units.iter().zip(&read);
        let compiles: Vec<_> = both.map(|(unit, read)| Compile { source: &unit.source, read }).collect();
        Some(graph.with_compiles(&compiles))
    }
}

/// A path that a compiler spelled, as the tree names the file.
pub(super) fn named(path: &FilePath) -> FilePath {
    match path.is_absolute() {
        true => path.clone(),
        false => without_dots(path).unwrap_or_else(|| path.clone()),
    }
}

/// `source` and all that it includes, directly or not.
fn reached(graph: &IncludeGraph, source: &FilePath) -> Vec<FilePath> {
    let mut known = HashSet::from([source]);
    let mut reached = vec![source];
    let mut next = 0;
    while let Some(&file) = reached.get(next) {
        next += 1;
        reached.extend(graph.includes(file).filter(|file| known.insert(file)));
    }
    reached.into_iter().cloned().collect()
}

/// What is published, and the action that made it.
fn published(root: &Root, log: &Log) -> Vec<(FilePath, FilePath)> {
    let mut made: HashMap<&[u8], Vec<&FilePath>> = HashMap::new();
    for name in log.names().filter(|name| name.parent_bytes().ends_with(b"/results")) {
        made.entry(name.file_name()).or_default().push(name);
    }
    let action = |(file, digest): (FilePath, _)| {
        let of_name = made.get(file.file_name())?.iter();
        // Each profile has its own; a build that failed may have made one that was never published.
        let best = of_name.max_by_key(|name| {
            let output = log.get(name).and_then(|stored| Some(stored.rest.outputs.first()?.digest));
            (output == Some(digest), log.place(name))
        });
        Some((file, (*best?).clone()))
    };
    publish::listed(root).into_iter().filter_map(action).collect()
}

struct Gathered<'l> {
    log: &'l Log,
    /// By object.
    units: BTreeMap<FilePath, Unit>,
    results: Vec<Linked>,
}

impl Gathered<'_> {
    /// Adds the result `name`, made by `action`, and all that it is made of.
    fn gather(&mut self, name: String, action: FilePath) {
        let number = self.results.len();
        let mut result = Linked { name, reads: BTreeSet::new() };
        let mut known = HashSet::new();
        let mut front = vec![action];
        while let Some(action) = front.pop() {
            if !known.insert(action.clone()) {
                continue;
            }
            if let Some(unit) = self.units.get_mut(&action) {
                unit.results.insert(number);
                continue;
            }
            let Some(trace) = self.log.get(&action).and_then(|stored| stored.whole()) else { continue };
            if is_compile(&trace) {
                self.units.extend(unit(&action, trace, number).map(|unit| (action, unit)));
                continue;
            }
            let (made, read): (Vec<_>, Vec<_>) = trace
                .inputs
                .into_iter()
                .map(|input| input.path)
                .partition(|path| self.log.place(path).is_some());
            front.extend(made);
            result.reads.extend(read);
        }
        self.results.push(result);
    }
}

fn is_compile(trace: &Trace) -> bool {
    let kind = field::ALL.iter().position(|name| *name == field::KIND);
    let is_kind = |number: u8| Some(usize::from(number)) == kind;
    trace
        .recipe
        .iter()
        .any(|(number, value)| is_kind(*number) && value.as_slice() == ActionKind::Compile.name().as_bytes())
}

fn unit(object: &FilePath, trace: Trace, result: usize) -> Option<Unit> {
    let reads: Vec<FilePath> = trace.inputs.into_iter().map(|input| input.path).collect();
    let source = reads.first().map(named)?;
    Some(Unit { source, object: Some(object.clone()), reads, results: BTreeSet::from([result]) })
}
