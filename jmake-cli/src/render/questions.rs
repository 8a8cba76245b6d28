//! Answers to questions about files, for people: who includes one, what its edit would build again,
//! which headers no unit opens.

use std::fmt::Write;

use jmake_core::discover::By;
use jmake_core::event::Diagnostic;
use jmake_core::graphs::{Includer, Includers, Rebuilds, UnitNamed, UnusedHeader, UnusedHeaders};
use jmake_core::survey::Reasoned;

use super::facts::count;

/// Who includes a file.
pub fn includers(answer: &Includers) -> String {
    let (direct, through): (Vec<_>, Vec<_>) =
        answer.includers.iter().partition(|includer| includer.through.is_none());
    if direct.is_empty() {
        return format!("nothing includes `{}`\n", answer.file);
    }
    let mut text = format!("`{}` is included by\n", answer.file);
    text += &lines(direct.iter().map(|one| format!("{}{}", one.file, how(one))));
    if !through.is_empty() {
        text += "\nand through them by\n";
        let line = |one: &&Includer| {
            let through = one.through.as_deref().unwrap_or_default();
            format!("{} through {through}{}", one.file, how(one))
        };
        text += &lines(through.iter().map(line));
    }
    text
}

/// What is odd about the way it is known that one file includes another.
fn how(includer: &Includer) -> &'static str {
    match (includer.by, includer.opened) {
        (By::Compiler, _) => " (seen by the compiler alone)",
        (_, Some(false)) => " (under a condition that no compile met)",
        _ => "",
    }
}

/// What edits would build again.
pub fn rebuilds(answer: &Rebuilds) -> String {
    let files = answer.files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ");
    let mut text = match (answer.units.is_empty(), answer.results.is_empty()) {
        (true, true) => format!("an edit of {files} compiles nothing\n"),
        (true, false) => format!("an edit of {files} compiles nothing and links\n"),
        _ => format!("an edit of {files} compiles\n"),
    };
    text += &units(&answer.units);
    if !answer.units.is_empty() && !answer.results.is_empty() {
        text += "and links\n";
    }
    text += &lines(answer.results.iter().cloned());
    text += &section("of these files", &answer.remarks);
    text += &section("compiled whatever is edited", &answer.anyway);
    text
}

/// Sources; with what they are compiled to where that is done in several ways.
fn units(units: &[UnitNamed]) -> String {
    let line = |unit: &UnitNamed| {
        let alone = units.iter().filter(|other| other.source == unit.source).count() == 1;
        let object = unit.object.as_ref().filter(|_| !alone);
        object.map_or_else(|| unit.source.clone(), |object| format!("{} to {object}", unit.source))
    };
    lines(units.iter().map(line))
}

/// Headers that no unit opens.
pub fn unused_headers(answer: &UnusedHeaders) -> String {
    let line = |header: &UnusedHeader| {
        let by = &header.included_by;
        let others = if by.len() > 3 { format!(" and {} more", by.len() - 3) } else { String::new() };
        let by = by.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = if by.is_empty() { by } else { format!(" (included by {by}{others})") };
        format!("{}{by}", header.path)
    };
    let units = count(answer.units, "unit", "units");
    let list = |headers: &[UnusedHeader]| lines(headers.iter().map(line));
    match (answer.headers.is_empty(), answer.public.is_empty()) {
        (true, true) => format!("every header is opened by one of {units}\n"),
        (false, true) => format!("none of {units} opens\n{}", list(&answer.headers)),
        (true, false) => format!("none of {units} opens these public headers\n{}", list(&answer.public)),
        (false, false) => format!(
            "none of {units} opens\n{}\nnor these public ones\n{}",
            list(&answer.headers),
            list(&answer.public)
        ),
    }
}

/// That an answer is a guess.
pub fn unrecorded() -> Diagnostic {
    Diagnostic::note("no build of this project is recorded, so this goes by the text of its files alone")
        .hint("after `jmake build` it goes by what the compiler has opened")
}

fn section(title: &str, all: &[Reasoned]) -> String {
    if all.is_empty() {
        return String::new();
    }
    format!("\n{title}\n{}", lines(all.iter().map(|one| format!("{}: {}", one.path, one.why))))
}

fn lines(all: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for one in all {
        // Writing to memory does not fail.
        writeln!(text, "  {one}").ok();
    }
    text
}
