//! Trial and proof: what the link says about which sources make the library.
//!
//! Structure and descriptions decide first; a link that fails for symbols then decides the rest, by
//! what the units really define.  What defines `main` after all macros is a program.  Of units that
//! define the same, one that repeats several others goes, one that another includes, and of two that are
//! named alike the one that defines nothing of its own.  No symbol is ever lost by that.
//! Libraries that define the same are not put together: the main one stays ([`several`]).
//! Where nothing defines a symbol, a source that was left out and does define it comes in, be it by a
//! name that a macro of its headers renames.  Weak
//! symbols never count: they may stand in many units.
//!
//! What it decides is a function of the units as they are: a build that has anything to do finds it
//! anew, so nothing that was decided once outlives its reason.

mod renamed;
pub mod several;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::{defines, last_name, readable};
use crate::discover::{Discovery, LeftOut, TargetKind, is_for_here};
use crate::event::Diagnostic;
use crate::inspect::UnitSymbols;
use crate::path::FilePath;

use renamed::Headers;

/// How often a build tries at most.
pub const ROUNDS: usize = 5;

/// Where programs begin, and what fuzzers are entered by.
const ENTRIES: [&str; 3] = ["main", "LLVMFuzzerTestOneInput", "WinMain"];

/// A unit of the library, and what it defines and uses.
pub struct Unit {
    /// Its source.
    pub source: FilePath,
    /// Its symbols.
    pub symbols: UnitSymbols,
}

/// What must change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Sources that are not part of the library, and why.
    pub out: Vec<(FilePath, LeftOut)>,
    /// Sources that are part of it after all, each with the symbol it defines.
    pub taken: Vec<(FilePath, String)>,
    /// Whether all is to be shown, whatever the description hides: nothing else would be.
    pub show_all: bool,
    /// The source that only an older standard of C++ takes.
    pub older: Option<String>,
}

/// The standard before C++17, which took out words that older sources use.
const OLDER: &str = "gnu++14";

/// Whether a compile of C++ complains of something that its standard does no longer allow.
pub fn needs_older(output: &str) -> bool {
    output.contains("ISO C++17 does not allow")
}

/// What must change for `units` to be linked, where nothing defines the symbols `undefined`.
/// `left_out` is what could come in; `text` gives the text of a source.
pub fn decide(
    units: &[Unit],
    undefined: &BTreeSet<String>,
    left_out: &[(FilePath, LeftOut)],
    text: &dyn Fn(&FilePath) -> Option<Vec<u8>>,
) -> Changes {
    let (programs, parts): (Vec<&Unit>, Vec<&Unit>) = units.iter().partition(|unit| is_program(unit));
    let mut changes = Changes::default();
    // A library of nothing is none.
    if !parts.is_empty() {
        changes.out.extend(programs.iter().map(|unit| (unit.source.clone(), LeftOut::Main)));
    }
    rivals(if parts.is_empty() { programs } else { parts }, text, &mut changes.out);
    if changes.out.is_empty() {
        changes.taken = needed(undefined, left_out, text);
    }
    changes
}

fn is_program(unit: &Unit) -> bool {
    ENTRIES.iter().any(|entry| unit.symbols.defines.get(*entry) == Some(&false))
}

/// Takes units out of `units` until no two define the same; none at all where that would lose a
/// symbol, or where two sources only happen to define the same: that is for the user to mend.
fn rivals(
    mut units: Vec<&Unit>,
    text: &dyn Fn(&FilePath) -> Option<Vec<u8>>,
    out: &mut Vec<(FilePath, LeftOut)>,
) {
    let before = out.len();
    loop {
        let clashes = clashes(&units);
        if clashes.is_empty() {
            return;
        }
        let loser = repeated(&units, &clashes)
            .or_else(|| included(&units, &clashes, text))
            .or_else(|| rival(&units, &clashes));
        let Some((loser, reason)) = loser else { return out.truncate(before) };
        out.push((units.remove(loser).source.clone(), reason));
    }
}

/// A unit that several others together define all of: it was made of them.
fn repeated(units: &[&Unit], clashes: &Clashes) -> Option<(usize, LeftOut)> {
    let (&at, with) = clashes.iter().filter(|(_, with)| with.len() > 1).find(|(at, with)| {
        let mut own = strong(units[**at]);
        own.all(|name| with.iter().any(|&other| units[other].symbols.defines.get(name) == Some(&false)))
    })?;
    let first = with.iter().next()?;
    Some((at, LeftOut::Repeats(units[*first].source.clone())))
}

/// A unit whose source another one includes, which defines all that it does: one library gathers what
/// another compiles one by one.
fn included(
    units: &[&Unit],
    clashes: &Clashes,
    text: &dyn Fn(&FilePath) -> Option<Vec<u8>>,
) -> Option<(usize, LeftOut)> {
    clashes.iter().flat_map(|(&at, with)| with.iter().map(move |&other| (at, other))).find_map(
        |(at, other)| {
            let (part, whole) = (&units[at].source, &units[other].source);
            let covers = |name: &String| units[other].symbols.defines.get(name) == Some(&false);
            let is_part = strong(units[at]).all(covers) && includes(&text(whole)?, part);
            is_part.then(|| (at, LeftOut::IncludedByOther(whole.clone())))
        },
    )
}

/// Whether a text includes a file of that name.
fn includes(text: &[u8], part: &FilePath) -> bool {
    let name = part.file_name();
    text.split(|&byte| byte == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        line.strip_prefix(b"#").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"include"))
            && memchr::memmem::find(line, name).is_some_and(|at| {
                let before = at.checked_sub(1).and_then(|at| line.get(at));
                matches!(before, Some(b'"' | b'/' | b'<'))
            })
    })
}

/// Of two units that are named alike one that defines nothing but what the other defines.
fn rival(units: &[&Unit], clashes: &Clashes) -> Option<(usize, LeftOut)> {
    let pairs = clashes.iter().flat_map(|(&at, with)| with.iter().map(move |&other| (at, other)));
    // Of equals the first stays.
    let (loser, kept) = pairs
        .map(|(at, other)| (at.max(other), at.min(other)))
        .chain(clashes.iter().flat_map(|(&at, with)| with.iter().map(move |&other| (at, other))))
        .find(|&(loser, kept)| {
            let covers = |name: &String| units[kept].symbols.defines.get(name) == Some(&false);
            is_named_alike(&units[loser].source, &units[kept].source) && strong(units[loser]).all(covers)
        })?;
    Some((loser, LeftOut::Rival(units[kept].source.clone())))
}

/// The symbols that a unit alone may define.
fn strong(unit: &Unit) -> impl Iterator<Item = &String> {
    unit.symbols.defines.iter().filter(|(_, weak)| !**weak).map(|(name, _)| name)
}

/// Whether the names begin or end with the same three letters: `unixfilemap` and `readfilemap`.
fn is_named_alike(one: &FilePath, other: &FilePath) -> bool {
    let (one, other) = (one.stem(), other.stem());
    let common = |a: &mut dyn Iterator<Item = &u8>, b: &mut dyn Iterator<Item = &u8>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    common(&mut one.iter(), &mut other.iter()) >= 3
        || common(&mut one.iter().rev(), &mut other.iter().rev()) >= 3
}

/// By unit the others that define one of its symbols too.
type Clashes = BTreeMap<usize, BTreeSet<usize>>;

/// Which units clash.
fn clashes(units: &[&Unit]) -> Clashes {
    let mut owners: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        for name in strong(unit) {
            owners.entry(name).or_default().push(at);
        }
    }
    let mut clashes = Clashes::new();
    for owners in owners.values().filter(|owners| owners.len() > 1) {
        for &at in owners {
            clashes.entry(at).or_default().extend(owners.iter().filter(|&&other| other != at));
        }
    }
    clashes
}

/// Sources that were left out and define what nothing else does; one for each symbol.
fn needed(
    undefined: &BTreeSet<String>,
    left_out: &[(FilePath, LeftOut)],
    text: &dyn Fn(&FilePath) -> Option<Vec<u8>>,
) -> Vec<(FilePath, String)> {
    let may_come_in = |reason: &LeftOut| {
        matches!(
            reason,
            LeftOut::Assembler
                | LeftOut::NotDescribed(_)
                | LeftOut::PartOfProgram(_)
                | LeftOut::UnusedPackage(_)
                | LeftOut::OptionalPart(_)
        )
    };
    let mut open: BTreeSet<&String> = undefined.iter().collect();
    let mut taken = Vec::new();
    let mut headers = Headers::new(text);
    let mut candidates: Vec<_> = left_out.iter().filter(|(_, reason)| may_come_in(reason)).collect();
    // Where there is one for each kind of machine, that for this one is meant.
    candidates.sort_by_key(|(path, _)| !is_for_here(path));
    for (path, reason) in candidates {
        if open.is_empty() {
            break;
        }
        let Some(code) = text(path) else { continue };
        let renamed = match reason {
            LeftOut::Assembler => BTreeMap::new(),
            _ => headers.names(path, &code, &open),
        };
        let is_there = |symbol: &&String| match reason {
            LeftOut::Assembler => has_label(&code, symbol),
            _ => {
                let mut names = renamed.get(*symbol).into_iter().flatten();
                has_definition(&code, symbol) || names.any(|name| defines(&code, name))
            }
        };
        let found: Vec<&String> = open.iter().copied().filter(|symbol| is_there(symbol)).collect();
        if let Some(first) = found.first() {
            taken.push((path.clone(), (*first).clone()));
            open.retain(|symbol| !found.contains(symbol));
        }
    }
    taken
}

/// Whether C or C++ seems to define `symbol`, with the scopes that stand before its name.
fn has_definition(text: &[u8], symbol: &str) -> bool {
    let shown = readable(symbol);
    let whole = shown.split('(').next().unwrap_or_default();
    let has_scope = |scope: &str| memchr::memmem::find(text, scope.as_bytes()).is_some();
    let scopes = whole.rsplit("::").skip(1).filter(|scope| !scope.contains(['<', '>', ' ']));
    defines(text, last_name(&shown)) && scopes.into_iter().all(has_scope)
}

/// Whether assembler defines `symbol`: a line begins with it and a colon.
fn has_label(text: &[u8], symbol: &str) -> bool {
    let labels = [symbol.to_owned(), format!("_{symbol}")];
    text.split(|&b| b == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        labels
            .iter()
            .any(|label| line.strip_prefix(label.as_bytes()).is_some_and(|rest| rest.starts_with(b":")))
    })
}

/// `discovery` after `changes`, and what is to be said of it.
pub fn apply(mut discovery: Discovery, changes: &Changes) -> (Discovery, Vec<Diagnostic>) {
    let mut told = Vec::new();
    if changes.show_all {
        discovery.manner.show_all();
        told.push(Diagnostic::warning("all of the library is shown, for the build description hides everything")
            .hint("does its own build define a macro that marks what is exported?  Set it in `compile.defines`"));
    }
    if let Some(source) = &changes.older {
        discovery.manner.std = Some(OLDER.to_owned());
        let note = Diagnostic::note(format!(
            "compiled as `{OLDER}` after a trial: C++17 does not allow it any more"
        ));
        told.push(note.in_file(source).hint(format!("set `compile.std = \"{OLDER}\"` to say so")));
    }
    let Some(library) = discovery.targets.iter_mut().find(|target| target.kind == TargetKind::Library) else {
        return (discovery, told);
    };
    told.extend(several::told(changes, &discovery.libraries, discovery.evidence.first()));
    for (path, reason) in &changes.out {
        library.sources.retain(|source| source != path);
        discovery.left_out.push((path.clone(), reason.clone()));
        // Of these all is said at once.
        if matches!(reason, LeftOut::OtherLibrary(_)) {
            continue;
        }
        let note = Diagnostic::note(format!("left out after a trial: it {reason}")).in_file(path);
        told.push(match reason {
            LeftOut::Rival(_) => note.hint("to have this one, list the other under `discovery.exclude`"),
            _ => note,
        });
    }
    for (path, symbol) in &changes.taken {
        library.sources.push(path.clone());
        discovery.left_out.retain(|(left, _)| left != path);
        let name = readable(symbol);
        told.push(
            Diagnostic::note(format!("taken after a trial: nothing else defines `{name}`")).in_file(path),
        );
    }
    library.sources.sort();
    discovery.left_out.sort_by(|a, b| a.0.cmp(&b.0));
    (discovery, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(source: &str, defines: &str) -> Unit {
        let defines = defines.split_whitespace().map(|name| match name.strip_suffix('?') {
            Some(weak) => (weak.to_owned(), true),
            None => (name.to_owned(), false),
        });
        let symbols = UnitSymbols { defines: defines.collect(), ..UnitSymbols::default() };
        Unit { source: source.into(), symbols }
    }

    fn out(units: &[Unit]) -> String {
        let changes = decide(units, &BTreeSet::new(), &[], &|_| None);
        changes.out.iter().map(|(path, why)| format!("{path} {why}\n")).collect()
    }

    #[test]
    fn programs_rivals_and_what_repeats_others() {
        assert_eq!(out(&[unit("a.c", "a w?"), unit("b.c", "b w?")]), "", "weak symbols may be everywhere");
        let programs = [
            unit("a.c", "a"),
            unit("p.c", "main x"),
            unit("q.c", "main x"),
            unit("f.c", "LLVMFuzzerTestOneInput"),
        ];
        assert_eq!(out(&programs).lines().count(), 3);
        assert_eq!(out(&[unit("p.c", "main")]), "", "a library of nothing is none");
        let rivals = [unit("map_plain.c", "map"), unit("map_unix.c", "map unmap")];
        assert_eq!(out(&rivals), "map_plain.c defines what `map_unix.c` defines too\n");
        let equals = [unit("readmap.c", "map"), unit("unixmap.c", "map")];
        assert_eq!(out(&equals), "unixmap.c defines what `readmap.c` defines too\n");
        assert_eq!(out(&[unit("a.c", "f"), unit("b.c", "f")]), "", "a mistake");
        assert_eq!(out(&[unit("map_a.c", "f a"), unit("map_b.c", "f b")]), "", "a symbol would be lost");
        let header = [unit("a.c", "h a"), unit("b.c", "h b"), unit("c.c", "h c")];
        assert_eq!(out(&header), "", "a function in a header is a mistake too");
        let parts = [unit("lib/whole.c", "a b"), unit("lib/x.c", "a"), unit("lib/yx.c", "c")];
        let text =
            |path: &FilePath| (path.stem() == b"whole").then(|| b"# include \"../lib/x.c\"\n".to_vec());
        let changes = decide(&parts, &BTreeSet::new(), &[], &text);
        assert_eq!(changes.out, [("lib/x.c".into(), LeftOut::IncludedByOther("lib/whole.c".into()))]);
        assert!(!includes(b"#include \"yx.c\"\n// x.c\n", &"x.c".into()));
        let gathered = [unit("a.c", "a"), unit("all.c", "a b c"), unit("b.c", "b"), unit("c.c", "c")];
        assert_eq!(out(&gathered), "all.c repeats `a.c` and others\n");
    }

    #[test]
    fn what_nothing_else_defines_comes_in() {
        let left_out = [
            (FilePath::new("fast.S"), LeftOut::Assembler),
            (FilePath::new("more.c"), LeftOut::NotDescribed("CMakeLists.txt".into())),
            (FilePath::new("test.c"), LeftOut::TestFile),
        ];
        let text = |path: &FilePath| {
            Some(match path.as_bytes() {
                b"fast.S" => b".globl sum\nsum:\n ret\n".to_vec(),
                b"more.c" => b"int twice(int x) { return call(x); }\n".to_vec(),
                _ => b"int only(void) { return 1; }\n".to_vec(),
            })
        };
        let undefined = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let taken = |names: &[&str]| {
            let changes = decide(&[unit("a.c", "a")], &undefined(names), &left_out, &text);
            changes.taken.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(taken(&["sum", "twice"]), "fast.S more.c");
        assert_eq!(taken(&["call", "only", "printf"]), "", "a call is no definition, and tests stay out");
        let not_described = || LeftOut::NotDescribed("Makefile.am".into());
        let bundled = [(FilePath::new("z/open.c"), not_described()), ("z/read.c".into(), not_described())];
        let text = |path: &FilePath| {
            Some(match path.as_bytes() {
                b"z/open.c" => b"#include \"z.h\"\nint zopen(name)\n  char *name;\n{ return 1; }\n".to_vec(),
                b"z/read.c" => b"#include \"z.h\"\nint z_read(void) { return 1; }\n".to_vec(),
                b"z/z.h" => b"#include \"names.h\"\n#define z_read zread\n".to_vec(),
                b"z/names.h" => b"# define zopen  own_open /* */\n#define zread own_read\n".to_vec(),
                _ => return None,
            })
        };
        let changes =
            decide(&[unit("a.c", "a")], &undefined(&["own_open", "own_read", "zopen"]), &bundled, &text);
        let taken: Vec<String> =
            changes.taken.iter().map(|(path, symbol)| format!("{path} {symbol}")).collect();
        assert_eq!(taken, ["z/open.c own_open", "z/read.c own_read"], "macros rename it");
        let machines =
            ["avr32", "linux", "x86"].map(|dir| (FilePath::new(dir).join("ffi.c"), not_described()));
        let any = |_: &FilePath| Some(b"int ffi_call(void) { return 1; }\n".to_vec());
        let changes = decide(&[unit("a.c", "a")], &undefined(&["ffi_call"]), &machines[..2], &any);
        assert_eq!(
            changes.taken,
            [("linux/ffi.c".into(), "ffi_call".to_owned())],
            "where one is for this system"
        );
    }
}
