//! Several libraries of one description that define the same: what belongs apart is not put
//! together.  The main one is built, with all that is linked into it, and that is said.

use std::collections::BTreeSet;

use crate::discover::{DescribedLibrary, Discovery, LeftOut, TargetKind};
use crate::event::Diagnostic;
use crate::path::FilePath;

use super::{Changes, Unit, clashes};

/// No more of the others are named.
const NAMED: usize = 4;

/// Leaves all but the main library's units out, where units clash that belong to different libraries
/// and those of the main one do not.
pub fn decide(units: &[Unit], discovery: &Discovery) -> Changes {
    let mut changes = Changes::default();
    let library = discovery.targets.iter().find(|target| target.kind == TargetKind::Library);
    let Some(main) = library.and_then(|target| main(&discovery.libraries, &target.name)) else {
        return changes;
    };
    let all: Vec<&Unit> = units.iter().collect();
    let (kept, others): (Vec<&Unit>, Vec<&Unit>) =
        units.iter().partition(|unit| owner(unit, main, &discovery.libraries).is_none());
    if clashes(&all).is_empty() || !clashes(&kept).is_empty() {
        return changes;
    }
    changes.out = others
        .into_iter()
        .filter_map(|unit| {
            let owner = owner(unit, main, &discovery.libraries)?;
            Some((unit.source.clone(), LeftOut::OtherLibrary(owner.name.clone())))
        })
        .collect();
    changes
}

/// The library that a unit belongs to, where that is not the main one; what belongs to none stays.
fn owner<'d>(
    unit: &Unit,
    main: &DescribedLibrary,
    all: &'d [DescribedLibrary],
) -> Option<&'d DescribedLibrary> {
    let is_of = |library: &&DescribedLibrary| library.sources.contains(&unit.source);
    all.iter().find(is_of).filter(|_| !main.sources.contains(&unit.source))
}

/// The one that is called like the project; else the one whose name all others begin with; else the
/// first.
fn main<'d>(all: &'d [DescribedLibrary], project: &str) -> Option<&'d DescribedLibrary> {
    let is_like = |library: &&DescribedLibrary| plain(&library.name) == plain(project);
    let is_stem = |library: &&DescribedLibrary| {
        all.iter().all(|other| plain(&other.name).starts_with(&plain(&library.name)))
    };
    all.iter().find(is_like).or_else(|| all.iter().find(is_stem)).or_else(|| all.first())
}

/// A library's name without `lib` and what is no letter.
fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(&lower);
    lower.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// What is to be said of libraries that were left out.
pub(super) fn told(
    changes: &Changes,
    all: &[DescribedLibrary],
    description: Option<&FilePath>,
) -> Option<Diagnostic> {
    let out: BTreeSet<&FilePath> = changes
        .out
        .iter()
        .filter(|(_, why)| matches!(why, LeftOut::OtherLibrary(_)))
        .map(|(path, _)| path)
        .collect();
    if out.is_empty() {
        return None;
    }
    let is_out = |library: &&DescribedLibrary| library.sources.iter().any(|source| out.contains(source));
    let (others, kept): (Vec<&DescribedLibrary>, Vec<&DescribedLibrary>) = all.iter().partition(is_out);
    let named = others.iter().take(NAMED).map(|library| format!("`{}`", library.name));
    let mut names = named.collect::<Vec<_>>().join(", ");
    if others.len() > NAMED {
        names += &format!(" and {} more", others.len() - NAMED);
    }
    let main = kept.first().map(|library| library.name.as_str()).unwrap_or_default();
    let text = format!("only the library `{main}` is built: {names} would define the same symbols once more");
    let is_cmake = description.is_some_and(|file| file.file_name() == b"CMakeLists.txt");
    let told = Diagnostic::warning(text).hint(match is_cmake {
        true => "to have them all, let `jmake import cmake` write a `[[target]]` for each",
        false => "to have another one, write a `[[target]]` for each with its `sources`",
    });
    Some(match description {
        Some(file) => told.in_file(file),
        None => told,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::FoundTarget;
    use crate::inspect::UnitSymbols;

    fn unit(source: &str, defines: &str) -> Unit {
        let defines = defines.split_whitespace().map(|name| (name.to_owned(), false));
        let symbols = UnitSymbols { defines: defines.collect(), ..UnitSymbols::default() };
        Unit { source: source.into(), symbols }
    }

    fn library(name: &str, sources: &str) -> DescribedLibrary {
        let sources = sources.split_whitespace().map(FilePath::new).collect();
        DescribedLibrary { name: name.into(), sources }
    }

    fn discovery(libraries: Vec<DescribedLibrary>) -> Discovery {
        let target = FoundTarget { name: "unwind".into(), kind: TargetKind::Library, sources: Vec::new() };
        Discovery { targets: vec![target], libraries, ..Discovery::default() }
    }

    #[test]
    fn libraries_that_define_the_same_are_not_put_together() {
        let libraries = vec![library("libunwind-x", "both.c g.c"), library("libunwind", "both.c l.c")];
        let found = discovery(libraries);
        let units = [unit("both.c", "b"), unit("l.c", "f l"), unit("g.c", "f g"), unit("more.c", "m")];
        let changes = decide(&units, &found);
        assert_eq!(changes.out, [("g.c".into(), LeftOut::OtherLibrary("libunwind-x".into()))]);
        let said = told(&changes, &found.libraries, None).unwrap();
        assert!(said.message.contains("only the library `libunwind` is built: `libunwind-x`"), "{said:?}");
        let apart = [unit("l.c", "l"), unit("g.c", "g")];
        assert_eq!(decide(&apart, &found), Changes::default(), "nothing clashes");
        let within = [unit("both.c", "l"), unit("l.c", "l"), unit("g.c", "l")];
        assert_eq!(decide(&within, &found), Changes::default(), "a mistake of the main one's own");
        assert_eq!(decide(&units, &discovery(Vec::new())), Changes::default());
    }

    #[test]
    fn which_is_the_main_one() {
        let main = |names: &[&str]| {
            let all: Vec<_> = names.iter().map(|name| library(name, "")).collect();
            super::main(&all, "libqhull").map(|one| one.name.clone()).unwrap()
        };
        assert_eq!(main(&["qhull_r", "qhull"]), "qhull");
        assert_eq!(main(&["ev_core", "ev"]), "ev");
        assert_eq!(main(&["b", "a"]), "b");
    }
}
