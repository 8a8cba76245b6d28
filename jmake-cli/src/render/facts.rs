//! Replies as text for people.
//!
//! One function for each kind of reply: what it says on stdout.  [`verdict`] gives the exit code
//! and, where the text alone does not say it, a remark for stderr.

use std::collections::HashMap;
use std::fmt::Write;

use jmake_core::cas::{Collected, Contents, Verified};
use jmake_core::clean::Cleaned;
use jmake_core::diagnose::Failed;
use jmake_core::doctor::Check;
use jmake_core::event::{Diagnostic, Severity};
use jmake_core::found::BinaryFound;
use jmake_core::graphs::{Includers, Rebuilds, UnusedHeaders};
use jmake_core::import::Imported;
use jmake_core::machine::{CacheStats, Stats, ToolSet};
use jmake_core::prebuilt::Inspected;
use jmake_core::request::Reply;
use jmake_core::settings::{Consent, Made, Setting};
use jmake_core::survey::{Discovered, Explanation, OwnFound, Reasoned};
use jmake_core::tally::{Row, Share};

use super::paint::Paint;
use super::{Look, questions};
use crate::{DONE, FAILED};

/// What `reply` says.
pub fn text(reply: &Reply, look: &Look) -> String {
    match reply {
        Reply::Cleaned(cleaned) => self::cleaned(cleaned),
        Reply::Discovered(found) => discovered(found, look),
        Reply::Explained(explanation) => explained(explanation),
        Reply::Settings(settings) => self::settings(settings),
        Reply::Value(value) => value.as_deref().map(line).unwrap_or_default(),
        Reply::Changed(_) | Reply::Built(_) | Reply::Failed(_) | Reply::Graph(_) | Reply::Step(_) => {
            String::new()
        }
        Reply::Includers(answer) => questions::includers(answer),
        Reply::Rebuilds(answer) => questions::rebuilds(answer),
        Reply::UnusedHeaders(answer) => questions::unused_headers(answer),
        Reply::Problems(problems) => self::problems(problems),
        Reply::Completed(lines) => lines.iter().map(|text| line(text)).collect(),
        Reply::Tools(tools) => self::tools(tools, look),
        Reply::Health(checks) => health(checks),
        Reply::Consent(consent) => self::consent(consent),
        Reply::CacheStats(stats) => cache_stats(stats),
        Reply::Verified(verified) => self::verified(verified),
        Reply::Collected(collected) => self::collected(collected),
        Reply::Cleared(contents) => cleared(contents),
        Reply::Stats(stats) => self::stats(stats),
        Reply::Made(made) => self::made(made),
        Reply::Imported(imported) => self::imported(imported),
    }
}

/// The exit code of `reply`, and what to say on stderr.
pub fn verdict(reply: &Reply) -> (u8, Option<Diagnostic>) {
    match reply {
        Reply::Value(None) => {
            let hint = "`jmake config show` lists what is taken for keys that are not set";
            (FAILED, Some(Diagnostic::error("the key is not set").hint(hint)))
        }
        Reply::Changed(false) => (DONE, Some(Diagnostic::note("nothing had to be changed"))),
        Reply::Completed(lines) if lines.is_empty() => {
            (DONE, Some(Diagnostic::note("nothing is missing in `jmake.toml`")))
        }
        Reply::Problems(problems) if problems.iter().any(Diagnostic::is_error) => (FAILED, None),
        Reply::Problems(problems) if problems.is_empty() => {
            (DONE, Some(Diagnostic::note("nothing is wrong with the settings")))
        }
        Reply::Includers(Includers { recorded: false, .. })
        | Reply::Rebuilds(Rebuilds { recorded: false, .. })
        | Reply::UnusedHeaders(UnusedHeaders { recorded: false, .. }) => {
            (DONE, Some(questions::unrecorded()))
        }
        Reply::Made(Made { description: Some(file), .. }) => (DONE, Some(importable(file))),
        Reply::Health(checks) if checks.iter().any(|check| !check.ok) => (FAILED, None),
        Reply::Verified(found) if !found.damaged.is_empty() && !found.repaired => (FAILED, None),
        Reply::Step(step) if !step.success => {
            (FAILED, Some(Diagnostic::error(format!("`{}` was not made", step.output))))
        }
        _ => (DONE, None),
    }
}

fn line(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

/// A number of bytes for people: `17.3 kB`.
fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if amount < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") };
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}

/// `1 file`, `2 files`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn cleaned(cleaned: &Cleaned) -> String {
    let mut text: String = cleaned.removed.iter().map(|path| format!("removed {path}\n")).collect();
    for path in &cleaned.kept {
        text += &format!("kept {path}, which was changed since jmake wrote it\n");
    }
    if let Some(cache) = &cleaned.cache {
        text += &collected(cache);
    }
    if text.is_empty() { "there is nothing to remove\n".into() } else { text }
}

fn discovered(found: &Discovered, look: &Look) -> String {
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
    let problems = self::problems(&found.problems);
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

fn explained(explanation: &Explanation) -> String {
    let mut text = String::new();
    for action in &explanation.actions {
        let what = format!("{} {}: {}", action.kind, action.label, action.outcome);
        match &action.why {
            Some(why) => writeln!(text, "{what} because {why}").ok(),
            None => writeln!(text, "{what}").ok(),
        };
        text += &action.failure.as_ref().map(failure).unwrap_or_default();
    }
    explanation.otherwise.as_deref().map(line).unwrap_or(text)
}

/// What is known about an action that failed: what its tool complains of, and the next steps.
fn failure(failed: &Failed) -> String {
    let mut text = String::new();
    for one in &failed.diagnostics {
        let numbers = [one.line, one.column].into_iter().flatten().map(|number| format!("{number}:"));
        let place = one.file.iter().map(|file| format!("{file}:")).chain(numbers).collect::<String>();
        let blank = if place.is_empty() { "" } else { " " };
        let severity = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        writeln!(text, "  {place}{blank}{severity}: {}", one.message.replace('\n', "\n    ")).ok();
    }
    if failed.left_out > 0 {
        writeln!(text, "  and {} more", failed.left_out).ok();
    }
    for hint in failed.hints.iter().filter_map(|hint| hint.hint.as_ref()) {
        writeln!(text, "  hint: {hint}").ok();
    }
    text
}

fn settings(settings: &[Setting]) -> String {
    let mut text = String::new();
    for setting in settings {
        let value = setting.value.trim_end().replace('\n', "\n    ");
        match setting.line {
            Some(at) => writeln!(text, "{} = {value}  # line {at}", setting.key).ok(),
            None => writeln!(text, "# {} = {value}", setting.key).ok(),
        };
    }
    text
}

fn problems(problems: &[Diagnostic]) -> String {
    let paint = Paint(false);
    let mut ordered: Vec<_> = problems.iter().collect();
    ordered.sort_by_key(|problem| problem.severity == Severity::Note);
    ordered.iter().map(|problem| paint.diagnostic(problem) + &paint.hint(problem)).collect()
}

fn tools(tools: &ToolSet, look: &Look) -> String {
    if look.one_tool {
        return tools.tools.values().map(|tool| line(&tool.path)).collect();
    }
    let mut text = format!("LLVM {} for {} in {}\n", tools.version, tools.triple, tools.bin_dir);
    let width = tools.tools.keys().map(String::len).max().unwrap_or(0);
    for (name, tool) in &tools.tools {
        let version = if tool.version.is_empty() { String::new() } else { format!("  {}", tool.version) };
        writeln!(text, "{name:width$}  {}{version}", tool.path).ok();
    }
    if !tools.missing.is_empty() {
        writeln!(text, "missing: {}", tools.missing.join(", ")).ok();
    }
    text
}

fn health(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = if check.ok { "ok" } else { "missing" };
        writeln!(text, "{mark:>7}  {}: {}", check.name, check.found).ok();
        if let Some(fix) = &check.fix {
            writeln!(text, "         mend it with `{fix}`").ok();
        }
    }
    text
}

fn consent(consent: &Consent) -> String {
    let mut text = String::new();
    for issue in &consent.issues {
        let at = issue.line.map(|at| format!("jmake.toml:{at}: ")).unwrap_or_default();
        writeln!(text, "{at}`{}` in `{}`: it {}", issue.value, issue.key, issue.why).ok();
    }
    match (consent.trusted, consent.issues.is_empty()) {
        (true, _) => text + &format!("{} is trusted\n", consent.root),
        (false, true) => "nothing in the settings needs consent\n".into(),
        (false, false) => text + &format!("{} is not trusted\n", consent.root),
    }
}

fn cache_stats(stats: &CacheStats) -> String {
    let contents = &stats.contents;
    format!(
        "cache    {}\nfiles    {} ({})\ntraces   {} ({})\nlimit    {}\ndamaged  {}\n",
        stats.dir,
        contents.blobs,
        size(contents.blob_bytes),
        contents.keys,
        size(contents.trace_bytes),
        size(stats.max_size),
        contents.bad,
    )
}

fn verified(found: &Verified) -> String {
    let mut text: String = found.damaged.iter().map(|path| format!("damaged {path}\n")).collect();
    let what = count(found.checked as usize, "entry", "entries");
    text += &match (found.damaged.len(), found.repaired) {
        (0, _) => format!("{what} checked, all good\n"),
        (bad, true) => format!("{what} checked, {bad} removed\n"),
        (bad, false) => {
            format!("{what} checked, {bad} damaged; `jmake cache verify --repair` removes them\n")
        }
    };
    text
}

fn collected(collected: &Collected) -> String {
    let entries = count(collected.removed as usize, "entry", "entries");
    format!("removed {entries} ({}) from the shared cache\n", size(collected.freed))
}

fn cleared(contents: &Contents) -> String {
    let entries = count((contents.blobs + contents.keys) as usize, "entry", "entries");
    format!(
        "removed {entries} ({}) from the shared cache\n",
        size(contents.blob_bytes + contents.trace_bytes)
    )
}

fn stats(stats: &Stats) -> String {
    let mut text = format!(
        "project    {}\nactions    {}\nfiles      {}\nstate      {}\npublished  {}\n",
        stats.root,
        stats.actions,
        stats.files,
        size(stats.state_bytes),
        if stats.published.is_empty() { "nothing".to_owned() } else { stats.published.join(", ") },
    );
    if let Some(cache) = &stats.cache {
        text += &cache_stats(cache);
    }
    if let Some(warm) = &stats.warm {
        let (requests, builds) = (warm.requests as usize, warm.builds as usize);
        writeln!(
            text,
            "warm       {:.0} s, {}, {}",
            warm.age.as_secs_f64(),
            count(requests, "request", "requests"),
            count(builds, "build", "builds")
        )
        .ok();
    }
    text + "\n" + &caches(&stats.caches)
}

/// What is kept, how much of it, and how often that was of use.
fn caches(rows: &[Row]) -> String {
    let share = |share: Option<Share>| match share {
        None => "-".to_owned(),
        Some(Share { hit_rate: None, .. }) => "not needed".to_owned(),
        Some(Share { hits, misses, hit_rate: Some(rate) }) => {
            format!("{:.0} % ({hits}/{})", rate * 100.0, hits + misses)
        }
    };
    let heading = ["service", "cache", "entries", "size", "last build", "since start"].map(str::to_owned);
    let mut lines = vec![heading];
    lines.extend(rows.iter().map(|row| {
        [
            row.service.name().to_owned(),
            row.cache.name().replace('_', " "),
            row.entries.to_string(),
            size(row.bytes),
            share(row.last_build),
            share(row.since_start),
        ]
    }));
    if rows.iter().all(|row| row.since_start.is_none()) {
        // Nothing is warm, so there is no start.
        lines.iter_mut().for_each(|line| line[5].clear());
    }
    let widths: Vec<usize> =
        (0..6).map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end()).ok();
    }
    text
}

/// That targets can be had from `file`.
fn importable(file: &str) -> Diagnostic {
    let from = if file == "CMakeLists.txt" { "cmake" } else { "compile-commands" };
    Diagnostic::note(format!("`jmake import {from}` would write the targets of `{file}` to `jmake.toml`"))
}

fn made(made: &Made) -> String {
    let mut text: String = made.created.iter().map(|path| format!("created {path}\n")).collect();
    for path in &made.kept {
        writeln!(text, "kept {path}").ok();
    }
    if !made.gitignore.is_empty() {
        writeln!(text, "add to .gitignore: {}", made.gitignore.join(" ")).ok();
    }
    text
}

/// How many lines tell what was left out.
const TOLD: usize = 20;

fn imported(imported: &Imported) -> String {
    let verb = if imported.created { "created" } else { "added to" };
    let mut text = format!("{verb} jmake.toml, from {}\n", imported.from);
    for target in &imported.targets {
        let sources = count(target.sources, "source", "sources");
        writeln!(text, "{} {} of {sources}", target.kind, target.name).ok();
    }
    if imported.left_out.is_empty() {
        return text;
    }
    text += "\nnot understood or left out\n";
    for left in imported.left_out.iter().take(TOLD) {
        writeln!(text, "  {}:{}: {}", left.file, left.line, left.text).ok();
    }
    match imported.left_out.len().saturating_sub(TOLD) {
        0 => {}
        more => writeln!(text, "  and {more} more; `--json` lists them all").unwrap_or_default(),
    }
    text
}

/// What finished libraries are.
pub fn libraries(libraries: &[Inspected]) -> String {
    let mut text = String::new();
    for library in libraries {
        let Some(report) = &library.report else {
            writeln!(text, "{}: cannot be understood", library.path).ok();
            continue;
        };
        let word = |key: &str| report[key].as_str().unwrap_or_default();
        let list = |key: &str| report[key].as_array().map_or(0, Vec::len);
        let machine =
            if word("machine").is_empty() { String::new() } else { format!(" for {}", word("machine")) };
        let debug = if report["debug"].as_bool() == Some(true) { "with" } else { "without" };
        writeln!(text, "{}: {}{machine}, {debug} debug information", library.path, word("format")).ok();
        if let Some(soname) = report["soname"].as_str() {
            writeln!(text, "  soname   {soname}").ok();
        }
        writeln!(text, "  exports  {}", count(list("exports"), "symbol", "symbols")).ok();
        let needed: Vec<_> =
            report["needed"].as_array().into_iter().flatten().filter_map(|n| n.as_str()).collect();
        if !needed.is_empty() {
            writeln!(text, "  needs    {}", needed.join(" ")).ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jmake_core::tally::{Cache, Count};

    #[test]
    fn the_table_of_caches() {
        let row = |cache: Cache, entries, bytes, last: Option<Count>, since: Option<Count>| Row {
            service: cache.service(),
            cache,
            entries,
            bytes,
            last_build: last.map(Share::from),
            since_start: since.map(Share::from),
        };
        let rows = [
            row(Cache::FileScans, 11, 439, Some(Count::of(11, 0)), Some(Count::of(30, 10))),
            row(Cache::Ir, 5, 17_300, Some(Count::of(4, 1)), Some(Count::of(0, 0))),
        ];
        assert_eq!(
            caches(&rows),
            "service      cache       entries  size     last build     since start\n\
             discovery    file scans  11       439 B    100 % (11/11)  75 % (30/40)\n\
             compilation  ir          5        17.3 kB  80 % (4/5)     not needed\n"
        );
        let alone = [row(Cache::Ir, 0, 0, None, None)];
        assert_eq!(
            caches(&alone),
            "service      cache  entries  size  last build\ncompilation  ir     0        0 B   -\n"
        );
    }
}
