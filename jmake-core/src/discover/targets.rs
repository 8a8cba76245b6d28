//! From a tree to targets: which sources make the library, which are programs, what they need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::event::Diagnostic;
use crate::generate::Generated;
use crate::lex::Facts;
use crate::memo::Memo;
use crate::path::FilePath;

use super::elsewhere::Elsewhere;
use super::evidence::{self, Evidence, Said, System};
use super::finder::{Finder, counts, facts_of};
use super::foreign::Foreign;
use super::generated::{self, from_templates};
use super::reasons::{
    Candidate, Others, Part, has_own_header, is_test_framework, is_whole_folder, own_reason, reason_by_others,
};
use super::told::{Ways, name_of};
use super::{
    Category, Discovery, FoundTarget, LeftOut, Skipped, TargetKind, Tree, dirs, nearest, optional, vendored,
};
use crate::standard::is_standard;

/// Decides what to make of `tree`: one library called `name` of all sources but those with a
/// reason against it, and a program for each source that defines `main` and has no other reason
/// against it.  A tree without sources gives no targets.  With `evidence` the project's own build
/// description counts before guesses; `all_made` has every header made that it makes, for targets
/// that the user wrote may include others than the library does.  What only the machine can tell is
/// asked of `system`.
///
/// # Errors
/// None at present; reading failures are among the problems.
pub fn discover_project(
    memo: &Memo,
    tree: &Tree,
    name: &str,
    system: &dyn System,
    evidence: bool,
    all_made: bool,
) -> Result<Discovery> {
    let said = if evidence { evidence::of(memo, tree, system) } else { Said::default() };
    let Said { evidence, read, contradiction } = said;
    let mut made = from_templates(tree);
    // What a description makes of a template needs no guess.
    let told = evidence.iter().flat_map(|said| said.generated.values());
    let told: BTreeSet<&FilePath> = told.filter(|made| made.has_template()).map(|made| &made.from).collect();
    made.retain(|_, made| !told.contains(&made.from));
    made.extend(evidence.iter().flat_map(|said| said.generated.clone()));
    let finder = Finder::new(tree, &made);
    let mut found = Discovery::default();
    let sources = read_sources(memo, tree, &mut found);
    let mut library = Vec::new();
    let mut programs = Vec::new();
    let mut helpers: BTreeMap<FilePath, Vec<FilePath>> = BTreeMap::new();
    let told = |path: &FilePath| evidence.as_ref().filter(|said| said.concerns(path));
    let unused = match told(&FilePath::root()) {
        Some(_) => BTreeSet::new(),
        None => vendored::unused(memo, tree, &finder),
    };
    for (source, (path, reason)) in sources.iter().zip(decide_all(memo, tree, &sources, &finder, system)) {
        let reason = match told(&path) {
            Some(said) => described(said, source, reason),
            None => reason.or_else(|| {
                let package = vendored::package(&path).filter(|package| unused.contains(package));
                Some(LeftOut::UnusedPackage(package?.to_string()))
            }),
        };
        match reason {
            None => library.push(path),
            Some(reason) => {
                match &reason {
                    LeftOut::Main => programs.push(path.clone()),
                    LeftOut::PartOfProgram(main) => {
                        helpers.entry(main.clone()).or_default().push(path.clone());
                    }
                    _ => {}
                }
                found.left_out.push((path, reason));
            }
        }
    }
    let assembler = tree.files.iter().filter(|file| file.category == Category::AsmSource);
    for path in assembler.map(|file| &file.path) {
        match evidence.as_ref().is_some_and(|said| said.sources.contains(path)) {
            true => library.push(path.clone()),
            false => found.left_out.push((path.clone(), LeftOut::Assembler)),
        }
    }
    library.sort();
    if evidence.is_none() {
        found.left_out.extend(leave_out_copies(&mut library));
        for (path, header) in optional::parts(memo, tree, &finder, &library) {
            library.retain(|source| *source != path);
            found.problems.push(left_to_others(&path, &header));
            found.left_out.push((path, LeftOut::OptionalPart(header)));
        }
    }
    found.left_out.extend(never_sources(memo, tree));
    found.left_out.sort_by(|a, b| a.0.cmp(&b.0));
    found.problems.extend(refusals(&found.left_out));

    let searching: Vec<FilePath> =
        library.iter().chain(&programs).chain(helpers.values().flatten()).cloned().collect();
    let given = evidence.as_ref().map(|said| said.include_dirs.clone()).unwrap_or_default();
    let own = evidence.as_ref().map_or(&[][..], |said| &said.manner.own);
    let mut dirs = dirs::include_dirs(memo, &finder, given, Ways::new(own), &searching);
    if evidence.is_none() {
        found.manner.own = nearest::own(memo, &finder, &dirs, &library);
    }
    if !found.manner.own.is_empty() {
        // What is seen now may lead elsewhere.
        found.problems.append(&mut dirs.problems);
        let ways = Ways::new(&found.manner.own);
        dirs = dirs::include_dirs(memo, &finder, dirs.chosen, ways, &searching);
    }
    found.include_dirs = dirs.chosen;
    found.system_headers =
        dirs.outside.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    found.problems.extend(dirs.problems);
    found.generated = dirs.generated.into_values().collect();
    let mut others = Vec::new();
    if let Some(said) = evidence {
        found.manner = match library.iter().all(|source| said.concerns(source)) {
            true => said.manner.clone(),
            false => said.manner.of_part(&said.sources),
        };
        found.generated.extend(said.beside(&found.generated));
        library.extend(said.made_units().cloned());
        // That another description names it says more.
        let other = contradiction.map(|other| other.told());
        found.problems.extend(other.or_else(|| unnamed(&said, &found.left_out)));
        found.problems.extend(said.missing.first().map(|path| missing(&said, path)));
        found.problems.extend(said.unread.first().map(|name| unread(&said, name)));
        found.problems.extend(unsure(&said));
        found.problems.extend(said.scripts.iter().map(not_passed_on));
        others = if all_made { said.besides(&found.generated) } else { Vec::new() };
        let first = |made: &Generated| made.is_first() || said.manner.begins_with(&made.path);
        let first = said.generated.into_values().filter(first);
        let first: Vec<Generated> = first.filter(|made| !found.generated.contains(made)).collect();
        found.generated.extend(first);
        found.defines = said.defines;
        found.libraries = said.libraries;
    }
    found.evidence = read;
    // By the convention of autoconf: sources ask for it before they include the header.
    if found.generated.iter().any(|made| made.path.file_name() == b"config.h") {
        let own = found.manner.own.iter().flat_map(|own| &own.told.defines);
        // Where a description says it of some sources, it is for those.
        if !found.defines.iter().chain(own).any(|define| name_of(define) == "HAVE_CONFIG_H") {
            found.defines.push("HAVE_CONFIG_H=1".to_owned());
        }
    } else {
        let unanswered: Vec<_> = dirs.asks.difference(&dirs.answers).cloned().collect();
        found.generated.extend(generated::answering(&unanswered));
    }

    // What the library does not include says nothing about how it is compiled.
    found.generated.extend(others);

    if !library.is_empty() {
        let kind = TargetKind::Library;
        found.targets.push(FoundTarget { name: name.to_owned(), kind, sources: library });
    }
    found.targets.extend(programs_of(programs, &helpers));
    Ok(found)
}

struct Source {
    path: FilePath,
    facts: Arc<Facts>,
}

fn read_sources(memo: &Memo, tree: &Tree, found: &mut Discovery) -> Vec<Source> {
    let paths: Vec<FilePath> =
        tree.files.iter().filter(|file| file.category.is_source()).map(|file| file.path.clone()).collect();
    let mut sources = Vec::new();
    for (path, facts) in paths.iter().zip(facts_of(memo, &paths)) {
        match facts {
            Some(facts) => sources.push(Source { path: path.clone(), facts }),
            None => {
                let error = Diagnostic::error("cannot read this source");
                found
                    .problems
                    .push(error.in_file(path).hint("make it readable, or list it under `discovery.exclude`"));
                found.left_out.push((path.clone(), LeftOut::Unreadable));
            }
        }
    }
    sources
}

/// The decision about each source, in order.
fn decide_all(
    memo: &Memo,
    tree: &Tree,
    sources: &[Source],
    finder: &Finder<'_>,
    system: &dyn System,
) -> Vec<(FilePath, Option<LeftOut>)> {
    let ids: FxHashMap<&FilePath, usize> =
        sources.iter().enumerate().map(|(id, source)| (&source.path, id)).collect();
    let found: Vec<Vec<Option<&FilePath>>> = sources.par_iter().map(|one| found_by(one, finder)).collect();
    let parts: Vec<Vec<usize>> = found.par_iter().map(|found| parts_of(found, &ids)).collect();
    let framework: Vec<bool> =
        sources.par_iter().map(|source| uses_test_framework(memo, source, finder)).collect();
    let base = base_of(tree, sources);
    let mut foreign = Foreign::new(memo, finder, system);
    let systems: Vec<Option<&'static str>> =
        sources.iter().zip(&found).map(|(source, found)| foreign.system_of(&source.facts, found)).collect();
    let elsewhere = Elsewhere::new(tree);
    let candidate = |id: usize| {
        let source = &sources[id];
        let parts = parts[id].iter().map(|&part| {
            let Source { path, facts } = &sources[part];
            let of_project = |include: &crate::lex::Include| counts(include) && !is_standard(&include.name);
            let complete = facts.includes.iter().any(of_project);
            Part { path: path.clone(), complete, has_own_header: has_own_header(path, facts) }
        });
        Candidate {
            path: &source.path,
            base: &base,
            facts: &source.facts,
            parts: parts.collect(),
            system: systems[id],
            named_for: elsewhere.named_for(&source.path),
            uses_test_framework: framework[id],
        }
    };
    let own: Vec<Option<LeftOut>> =
        (0..sources.len()).into_par_iter().map(|id| own_reason(&candidate(id))).collect();
    let mut taken: Vec<bool> = own.iter().map(Option::is_none).collect();
    let mut mains: FxHashMap<&[u8], &FilePath> = FxHashMap::default();
    for (source, _) in sources.iter().zip(&own).filter(|(_, own)| **own == Some(LeftOut::Main)) {
        mains.entry(source.path.parent_bytes()).or_insert(&source.path);
    }
    let mut included_by = vec![Vec::new(); sources.len()];
    for (id, parts) in parts.iter().enumerate() {
        parts.iter().filter(|&&part| part != id).for_each(|&part| included_by[part].push(id));
    }
    let mut decisions = Vec::new();
    for ((id, source), own) in sources.iter().enumerate().zip(own) {
        let reason = own.or_else(|| {
            // Of two sources that include each other the first found to be a part yields, and the
            // other stays.
            let by = included_by[id].iter().filter(|&&by| taken[by]).map(|&by| &sources[by].path);
            let program_beside = mains.get(source.path.parent_bytes()).copied();
            let others = Others { program_beside, included_by: by.collect() };
            reason_by_others(&source.path, &source.facts, &others)
        });
        taken[id] = reason.is_none();
        decisions.push((source.path.clone(), reason));
    }
    decisions
}

/// The folder below which all sources lie, if it shows by its papers that it is a project of its
/// own, which the root only wraps; else the root.
fn base_of(tree: &Tree, sources: &[Source]) -> FilePath {
    let mut dirs = sources.iter().filter_map(|source| source.path.parent());
    let Some(mut base) = dirs.next() else { return FilePath::root() };
    for dir in dirs {
        while !dir.starts_with(&base) {
            base = base.parent().unwrap_or_else(FilePath::root);
        }
    }
    const PAPERS: [&[u8]; 4] = [b"readme", b"license", b"licence", b"copying"];
    let is_paper = |path: &FilePath| {
        let name = path.file_name().to_ascii_lowercase();
        path.parent().as_ref() == Some(&base) && PAPERS.iter().any(|paper| name.starts_with(paper))
    };
    let wraps = tree.files.iter().any(|file| is_paper(&file.path));
    if wraps { base } else { FilePath::root() }
}

/// Takes out of `library` what a folder for that purpose holds once more: a source named like
/// another one elsewhere, and what stands beside it.
fn leave_out_copies(library: &mut Vec<FilePath>) -> Vec<(FilePath, LeftOut)> {
    let whole = |path: &FilePath| {
        let dirs = std::iter::successors(path.parent(), FilePath::parent);
        dirs.filter(|dir| is_whole_folder(dir.file_name())).last()
    };
    let (copies, others): (Vec<FilePath>, Vec<FilePath>) =
        library.drain(..).partition(|path| whole(path).is_some());
    let names: BTreeSet<&[u8]> = others.iter().map(FilePath::file_name).collect();
    let doubled: BTreeSet<FilePath> =
        copies.iter().filter(|path| names.contains(path.file_name())).filter_map(whole).collect();
    let (out, kept): (Vec<FilePath>, Vec<FilePath>) =
        copies.into_iter().partition(|path| whole(path).is_some_and(|dir| doubled.contains(&dir)));
    library.extend(others.into_iter().chain(kept));
    library.sort();
    out.into_iter()
        .filter_map(|path| Some((path.clone(), LeftOut::WholeFolder(whole(&path)?.to_string()))))
        .collect()
}

/// What each include of a source leads to, by whatever folder: includes of sources are mostly written
/// relative to the includer, or to a folder above it.
fn found_by<'t>(source: &Source, finder: &Finder<'t>) -> Vec<Option<&'t FilePath>> {
    let find = |include| counts(include).then(|| finder.find_above(&source.path, include))?;
    source.facts.includes.iter().map(find).collect()
}

/// The sources among those that a source includes.
fn parts_of(found: &[Option<&FilePath>], ids: &FxHashMap<&FilePath, usize>) -> Vec<usize> {
    let mut parts: Vec<usize> = found.iter().flatten().filter_map(|path| ids.get(path).copied()).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// Whether a source, or the header named like it, includes a test framework that the tree does
/// not hold itself.
fn uses_test_framework(memo: &Memo, source: &Source, finder: &Finder<'_>) -> bool {
    let framework = |facts: &Facts| {
        let mut live = facts.includes.iter().filter(|include| counts(include) && !include.conditional);
        live.any(|include| {
            is_test_framework(&include.name) && finder.ending_with(&include.name).next().is_none()
        })
    };
    if framework(&source.facts) {
        return true;
    }
    let stem = source.path.stem();
    let own_header = source.facts.includes.iter().find_map(|include| {
        let last = include.name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let found = last.starts_with(stem).then(|| finder.find_above(&source.path, include));
        found?.filter(|path| path.stem() == stem)
    });
    own_header.is_some_and(|header| memo.facts(header).is_ok_and(|facts| framework(&facts)))
}

/// The decision about a source of which a description says something.  What defines `main` cannot
/// be part of a library, whatever is said.
fn described(said: &Evidence, source: &Source, reason: Option<LeftOut>) -> Option<LeftOut> {
    let is_program = source.facts.has_main && !source.facts.main_conditional;
    let never =
        is_program || matches!(reason, Some(LeftOut::Main | LeftOut::ModuleUnit | LeftOut::Unreadable));
    match said.sources.contains(&source.path) {
        true if never => reason,
        true => None,
        false => reason.or_else(|| Some(LeftOut::NotDescribed(said.file.to_string()))),
    }
}

/// What looks like a part of the library and is none by its description, where that does not
/// even name it: the user may have added it lately.
fn unnamed(said: &Evidence, left_out: &[(FilePath, LeftOut)]) -> Option<Diagnostic> {
    let dirs: BTreeSet<FilePath> = said.sources.iter().filter_map(FilePath::parent).collect();
    let is_beside = |path: &FilePath| path.parent().is_some_and(|dir| dirs.contains(&dir));
    let unnamed = left_out.iter().filter(|(path, why)| {
        matches!(why, LeftOut::NotDescribed(_)) && is_beside(path) && !said.names(path)
    });
    let mut unnamed = unnamed.map(|(path, _)| path);
    let first = unnamed.next()?;
    let others = match unnamed.count() {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    let text = format!("`{first}` is left out, for `{}` does not name it{others}", said.file);
    Some(
        Diagnostic::note(text)
            .hint("add it there, or set `discovery.evidence = false` to go by the files alone"),
    )
}

fn missing(said: &Evidence, path: &FilePath) -> Diagnostic {
    let others = match said.missing.len() {
        1 => String::new(),
        n => format!(" (nor are {} more)", n - 1),
    };
    Diagnostic::warning(format!("it names the source `{path}`, which is not there{others}"))
        .in_file(&said.file)
        .hint("a tool of the project may have to make it first: the library is not whole without it")
}

fn unread(said: &Evidence, name: &str) -> Diagnostic {
    Diagnostic::warning(format!("it goes on in `{name}`, which is not there")).in_file(&said.file).hint(
        "a tool of the project may have to make it first: sources and macros that it names are not known",
    )
}

/// What would be wrong in silence: a version that a command prints.
fn unsure(said: &Evidence) -> Option<Diagnostic> {
    let (first, others) = said.unsure.split_first()?;
    let others = match others.len() {
        0 => String::new(),
        n => format!(" (so do {n} more)"),
    };
    let text = format!("`{first}` lacks what a command prints{others}");
    Some(Diagnostic::warning(text).in_file(&said.file).hint(
        "nothing of the project is run; where it matters, put a finished header in place of the made one",
    ))
}

fn not_passed_on(script: &FilePath) -> Diagnostic {
    Diagnostic::warning("the linker is not given this script: symbols that it defines are missing")
        .in_file(script)
        .hint("where they are needed, define them in a source")
}

fn left_to_others(path: &FilePath, header: &str) -> Diagnostic {
    Diagnostic::note(format!("left out: it needs `{header}`, which nothing else here does"))
        .in_file(path)
        .hint("to have it, name the sources of a `[[target]]`, or include its header from another source")
}

/// What a user would expect to be built and is refused: said, not only listed.
fn refusals(left_out: &[(FilePath, LeftOut)]) -> Vec<Diagnostic> {
    [LeftOut::ModuleUnit, LeftOut::ObjectiveC]
        .into_iter()
        .filter_map(|kind| {
            let mut of_kind = left_out.iter().filter(|(_, reason)| *reason == kind).map(|(path, _)| path);
            let first = of_kind.next()?;
            let others = match of_kind.count() {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            };
            Some(
                Diagnostic::warning(format!("`{first}` {kind}{others}"))
                    .hint("exclude it with `discovery.exclude` if the library does not need it"),
            )
        })
        .collect()
}

/// Files that look like sources to a user and are none for jmake.
fn never_sources(memo: &Memo, tree: &Tree) -> impl Iterator<Item = (FilePath, LeftOut)> {
    // MATLAB's are called so, too, and include nothing.
    let is_objective_c = |path: &FilePath| memo.facts(path).is_ok_and(|facts| !facts.includes.is_empty());
    let by_kind = tree.files.iter().filter_map(move |file| {
        let reason = match file.path.extension()? {
            b"m" | b"M" if !is_objective_c(&file.path) => return None,
            b"m" | b"mm" | b"M" => LeftOut::ObjectiveC,
            b"ixx" | b"cppm" | b"ccm" | b"cxxm" | b"c++m" | b"mpp" => LeftOut::ModuleUnit,
            b"asm" => LeftOut::OtherLanguage("assembler".into()),
            b"cu" => LeftOut::OtherLanguage("CUDA".into()),
            b"f" | b"f90" | b"F90" | b"for" => LeftOut::OtherLanguage("Fortran".into()),
            _ => return None,
        };
        Some((file.path.clone(), reason))
    });
    let by_rule = tree.skipped.iter().filter_map(|(path, skipped)| {
        if !super::classify::by_name(path.file_name()).is_source() {
            return None;
        }
        match skipped {
            Skipped::Excluded | Skipped::NotIncluded => Some((path.clone(), LeftOut::Excluded)),
            Skipped::Ignored => Some((path.clone(), LeftOut::Ignored)),
            _ => None,
        }
    });
    by_kind.chain(by_rule)
}

/// A target for each program, named apart.  What stands beside a program belongs to it when it is
/// the only one there.
fn programs_of(sources: Vec<FilePath>, helpers: &BTreeMap<FilePath, Vec<FilePath>>) -> Vec<FoundTarget> {
    let is_alone =
        |main: &FilePath| sources.iter().filter(|other| other.parent() == main.parent()).count() == 1;
    let mut own: BTreeMap<FilePath, Vec<FilePath>> = BTreeMap::new();
    for (main, parts) in helpers.iter().filter(|(main, _)| is_alone(main)) {
        own.insert(main.clone(), parts.clone());
    }
    let mut by_stem: BTreeMap<String, Vec<FilePath>> = BTreeMap::new();
    for source in sources {
        by_stem.entry(String::from_utf8_lossy(source.stem()).into_owned()).or_default().push(source);
    }
    let mut targets = Vec::new();
    for (stem, sources) in by_stem {
        let alone = sources.len() == 1;
        for source in sources {
            let name = if alone { stem.clone() } else { source.to_string().replace(['/', '.'], "-") };
            let mut all = own.remove(&source).unwrap_or_default();
            all.push(source);
            all.sort();
            targets.push(FoundTarget { name, kind: TargetKind::Executable, sources: all });
        }
    }
    targets.sort_by(|a, b| (&a.name, &a.sources).cmp(&(&b.name, &b.sources)));
    targets
}
