//! Targets that link other targets: what is made before what, and what each link gets.
//!
//! Among the `libraries` of a target the name of another one means that one.  A shared library is
//! linked by itself; an archive brings what it needs along, for nothing else would: other
//! archives, libraries, and the folders they lie in.  Whoever names a target sees its headers.

use super::Sources;
use super::targets::Outline;
use crate::event::Diagnostic;
use crate::manifest::Kind;

/// The targets of `all` that `chosen` are and need, each after what it needs.
pub(super) fn ordered<'a>(
    sources: &Sources<'_>,
    all: Vec<Outline<'a>>,
    chosen: &[bool],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Outline<'a>> {
    let named = all.iter().map(|outline| direct(outline, &all)).collect();
    let mut search = Search { named, done: vec![false; all.len()], path: Vec::new(), order: Vec::new() };
    for (at, _) in chosen.iter().enumerate().filter(|(_, chosen)| **chosen) {
        if let Err(cycle) = search.visit(at) {
            problems.push(cyclic(sources, &all, &cycle));
            return Vec::new();
        }
    }
    let mut places = vec![0; all.len()];
    for (place, &at) in search.order.iter().enumerate() {
        places[at] = place;
    }
    let mut taken: Vec<_> = all.into_iter().map(Some).collect();
    let mut ordered: Vec<Outline<'a>> = Vec::with_capacity(search.order.len());
    for &at in &search.order {
        let direct: Vec<usize> = search.named[at].iter().map(|&need| places[need]).collect();
        if let Some(outline) = taken[at].take() {
            let outline = complete(outline, &direct, &ordered);
            ordered.push(outline);
        }
    }
    ordered
}

/// The targets that `outline` names among its libraries.  Its own name is that of a library it
/// wraps, and a program cannot be linked.
fn direct(outline: &Outline<'_>, all: &[Outline<'_>]) -> Vec<usize> {
    let is = |other: &Outline<'_>, name: &str| {
        other.name == name && other.name != outline.name && other.kind != Kind::Executable
    };
    let position = |name: &String| all.iter().position(|other| is(other, name));
    outline.libraries.iter().filter_map(position).collect()
}

/// A walk in depth over the targets.
struct Search {
    /// What each target names.
    named: Vec<Vec<usize>>,
    done: Vec<bool>,
    /// The targets the walk is in.
    path: Vec<usize>,
    order: Vec<usize>,
}

impl Search {
    /// Puts `at` in the order, after what it needs; a cycle comes back as an error.
    fn visit(&mut self, at: usize) -> Result<(), Vec<usize>> {
        if self.done[at] {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|&other| other == at) {
            return Err(self.path[start..].to_vec());
        }
        self.path.push(at);
        for need in self.named[at].clone() {
            self.visit(need)?;
        }
        self.path.pop();
        self.done[at] = true;
        self.order.push(at);
        Ok(())
    }
}

/// `outline` with what its archives bring along; `before` are the targets made before it.
fn complete<'a>(mut outline: Outline<'a>, direct: &[usize], before: &[Outline<'a>]) -> Outline<'a> {
    outline.libraries.retain(|name| !direct.iter().any(|&need| before[need].name == *name));
    let mut needs = Vec::new();
    for &need in direct {
        needs.push(need);
        outline.include_dirs.extend(before[need].include_dirs.iter().cloned());
        if before[need].kind == Kind::Static {
            needs.extend_from_slice(&before[need].needs);
            outline.libraries.extend(before[need].libraries.iter().cloned());
            outline.lib_dirs.extend(before[need].lib_dirs.iter().cloned());
        }
    }
    // GNU linkers look into an archive once: it must come after everything that needs it.
    let later = |at: usize| needs[at + 1..].contains(&needs[at]);
    outline.needs = (0..needs.len()).filter(|&at| !later(at)).map(|at| needs[at]).collect();
    outline
}

fn cyclic(sources: &Sources<'_>, all: &[Outline<'_>], cycle: &[usize]) -> Diagnostic {
    let names = cycle.iter().chain(cycle.first()).map(|&at| format!("`{}`", all[at].name));
    let way = names.collect::<Vec<_>>().join(" → ");
    let problem = Diagnostic::error(format!("targets need each other: {way}"))
        .in_file(&sources.manifest.file)
        .hint("take one out of the other's `libraries`, or what both need into a third target");
    let line = cycle.first().and_then(|at| sources.manifest.line(&format!("target.{at}.libraries")));
    match line {
        Some(line) => problem.at_line(line),
        None => problem,
    }
}
