//! What discovery found, as text: all of it, or what fits a screen.

use std::collections::HashMap;

use jmake_core::found::BinaryFound;
use jmake_core::outline::{Few, Group, Outline, TargetOutline};
use jmake_core::survey::{Discovered, OwnFound, Reasoned};

use super::Look;
use super::facts::{self, count, size};

/// How many columns names that stand side by side may take.
const WIDTH: usize = 100;

/// What fits a screen or two.
pub fn brief(outline: &Outline) -> String {
    let kinds = outline.files.iter().map(|(category, files)| format!("{category} ({files})"));
    let mut text =
        format!("{} in {}\n{}", outline.name, outline.root, beside(&kinds.collect::<Vec<_>>(), ", "));
    for (at, target) in outline.targets.first.iter().enumerate() {
        // Programs of one source each stand together.
        let is_next = at > 0 && target.sources == 1 && outline.targets.first[at - 1].sources == 1;
        text += if is_next { "" } else { "\n" };
        text += &self::target(target);
    }
    if outline.targets.more > 0 {
        text += &format!("\nand {}\n", count(outline.targets.more, "more target", "more targets"));
    }
    text += &lines("left out", &outline.left_out, group);
    text += &lines("passed over", &outline.skipped, group);
    text += &lines("include folders", &outline.include_dirs, Clone::clone);
    text += &lines("headers to make", &outline.generated, group);
    text += &words("macros", &outline.defines);
    for own in &outline.own.first {
        let groups = own.groups.iter().map(group).collect::<Vec<_>>().join(" ");
        text += &words(&format!("only for {groups}"), &own.told);
    }
    text += &words("headers from outside", &outline.system_headers);
    text += &lines("machine code", &outline.binaries, |known| format!("{}: {}", known.path, binary(known)));
    let problems = facts::problems(&outline.problems.first);
    if !problems.is_empty() {
        text += &format!("\n{problems}");
        text += &more(outline.problems.more);
    }
    if is_cut(outline) {
        text += "\n`jmake discover --files` lists all of it\n";
    }
    text
}

/// Whether something is told by its folder, or only counted.
fn is_cut(outline: &Outline) -> bool {
    let Outline { targets, left_out, skipped, .. } = outline;
    let in_targets = targets.first.iter().flat_map(|target| &target.groups);
    let mut groups = in_targets.chain(&left_out.first).chain(&skipped.first);
    let counted = [
        targets.more,
        left_out.more,
        skipped.more,
        outline.include_dirs.more,
        outline.generated.more,
        outline.defines.more,
        outline.own.more,
        outline.system_headers.more,
        outline.binaries.more,
        outline.problems.more,
    ];
    counted.iter().any(|&more| more > 0) || groups.any(|group| group.files.is_some())
}

fn target(target: &TargetOutline) -> String {
    if let [Group { path, files: None, .. }] = &*target.groups {
        return format!("{} {} of {path}\n", target.kind, target.name);
    }
    let sources = count(target.sources, "source", "sources");
    let groups: String = target.groups.iter().map(|one| format!("  {}\n", group(one))).collect();
    format!("{} {} of {sources}\n{groups}", target.kind, target.name)
}

/// `src/a.c`, `src/ (12 of 14)`, each with its reason.
fn group(group: &Group) -> String {
    let what = match (group.files, group.of) {
        (None, _) => group.path.clone(),
        (Some(files), Some(of)) if of > files => format!("{}/ ({files} of {of})", group.path),
        (Some(files), _) => format!("{}/ ({files})", group.path),
    };
    match &group.why {
        Some(why) => format!("{what}: {why}"),
        None => what,
    }
}

fn lines<T>(title: &str, few: &Few<T>, line: impl Fn(&T) -> String) -> String {
    if few.first.is_empty() {
        return String::new();
    }
    let lines: String = few.first.iter().map(|one| format!("  {}\n", line(one))).collect();
    format!("\n{title}\n{lines}{}", more(few.more))
}

/// Short names, side by side.
fn words(title: &str, few: &Few<String>) -> String {
    match few.first.is_empty() {
        true => String::new(),
        false => format!("\n{title}\n{}{}", beside(&few.first, "  "), more(few.more)),
    }
}

fn more(number: usize) -> String {
    if number > 0 { format!("  and {number} more\n") } else { String::new() }
}

/// `items` side by side, in as many lines as they need.
fn beside(items: &[String], between: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for item in items {
        if column > 0 && column + between.len() + item.len() > WIDTH {
            text += between.trim_end();
            text.push('\n');
            column = 0;
        }
        let before = if column == 0 { "  " } else { between };
        text += before;
        text += item;
        column += before.len() + item.len();
    }
    if column > 0 {
        text.push('\n');
    }
    text
}

/// All of it, as lists.
pub fn whole(found: &Discovered, look: &Look) -> String {
    let mut text = format!("{} in {}\n", found.name, found.root);
    let list = |title: &str, items: &[String]| match items.is_empty() {
        true => String::new(),
        false => format!("\n{title}\n{}", items.iter().map(|item| format!("  {item}\n")).collect::<String>()),
    };
    let binaries: HashMap<&str, &BinaryFound> =
        found.binaries.iter().map(|binary| (&*binary.path, binary)).collect();
    for (category, files) in &found.files {
        let told = |file: &String| match binaries.get(&**file) {
            Some(known) => format!("{file}: {}", binary(known)),
            None => file.clone(),
        };
        text += &list(&format!("{category} ({})", files.len()), &files.iter().map(told).collect::<Vec<_>>());
    }
    for target in &found.targets {
        text += &list(&format!("{} {} of", target.kind, target.name), &target.sources);
    }
    let reasons =
        |all: &[Reasoned]| all.iter().map(|one| format!("{}: {}", one.path, one.why)).collect::<Vec<_>>();
    text += &list("left out", &reasons(&found.left_out));
    text += &list("passed over", &reasons(&found.skipped));
    text += &list("include folders", &found.include_dirs);
    text += &list("headers to make", &reasons(&found.generated));
    text += &list("macros", &found.defines);
    for own in &found.own {
        text += &list(&format!("only for {}", few(&own.sources)), &told(own));
    }
    text += &list("headers from outside", &found.system_headers);
    if look.verbose {
        let includes = found.includes.iter().map(|(file, list)| format!("{file}: {}", list.join(" ")));
        text += &list("includes", &includes.collect::<Vec<_>>());
    }
    let problems = facts::problems(&found.problems);
    if problems.is_empty() { text } else { format!("{text}\n{problems}") }
}

/// How many sources are named that are told the same.
const SOURCES_NAMED: usize = 3;

/// The first of `sources`, and how many there are besides.
fn few(sources: &[String]) -> String {
    let named = sources.iter().take(SOURCES_NAMED).cloned().collect::<Vec<_>>().join(" ");
    match sources.len().saturating_sub(SOURCES_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// What sources are told that not all are, as a compiler is.
fn told(own: &OwnFound) -> Vec<String> {
    let with = |flag: &'static str, all: &[String]| -> Vec<String> {
        all.iter().map(|one| format!("{flag}{one}")).collect()
    };
    [
        with("-I", &own.include_dirs),
        with("-D", &own.defines),
        with("-include ", &own.first),
        own.flags.clone(),
    ]
    .concat()
}

/// What is known about a file of machine code.
fn binary(known: &BinaryFound) -> String {
    let mut facts = vec![size(known.size)];
    facts.extend([&known.format, &known.machine].into_iter().filter(|text| !text.is_empty()).cloned());
    facts.extend(known.soname.as_ref().map(|name| format!("soname {name}")));
    facts.push(count(known.exports as usize, "symbol", "symbols"));
    if !known.needed.is_empty() {
        facts.push(format!("needs {}", known.needed.join(" ")));
    }
    if known.debug {
        facts.push("debug information".into());
    }
    facts.join(", ")
}
