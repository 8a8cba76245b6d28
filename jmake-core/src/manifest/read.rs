//! From text to [`Manifest`], with every problem on the way.
//!
//! The file is walked once.  Each key is looked up in the table of `schema`, then among its old
//! spellings, then in `legacy`; what is in none of them is unknown and answered with the nearest
//! key.  Settings are collected first and applied afterwards, so that a present spelling wins over
//! an old one wherever the two stand.

use std::collections::BTreeSet;

use toml_edit::{Document, Item, TableLike, Value};

use super::legacy::{self, Legacy};
use super::nearest::nearest;
use super::schema::{self, KEYS, Key, Mark, Put};
use super::value::Setting;
use super::{Manifest, TargetTable};
use crate::event::Diagnostic;

/// Which part of the manifest a setting goes to.
#[derive(Clone)]
enum Slot {
    Project,
    Profile(String),
    Target(usize),
}

/// A setting that was read and is not applied yet.
struct Found {
    key: &'static Key,
    slot: Slot,
    /// 0 for the present spelling, then how far down the list of old ones.
    rank: usize,
    /// The present name, concrete.
    name: String,
    line: usize,
    /// The lines of the value's elements, when it is a list.
    elements: Vec<usize>,
    setting: Setting,
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    manifest: Manifest,
    found: Vec<Found>,
    problems: Vec<Diagnostic>,
    /// Rows of `legacy`, and sections for later, that have been answered.
    said: BTreeSet<String>,
    /// Scan results and stamps.
    scans: Vec<(String, usize)>,
}

pub(super) fn parse(text: &str, file_shown: &str) -> (Manifest, Vec<Diagnostic>) {
    let mut reader = Reader {
        text,
        file: file_shown,
        manifest: Manifest { file: file_shown.to_owned(), ..Manifest::default() },
        found: Vec::new(),
        problems: Vec::new(),
        said: BTreeSet::new(),
        scans: Vec::new(),
    };
    match Document::parse(text) {
        Ok(document) => {
            reader.table(&mut Vec::new(), &Slot::Project, document.as_table());
            reader.apply();
            reader.note_scans();
        }
        Err(e) => {
            let line = e.span().map_or(1, |span| line_at(text, span.start));
            let message = e.message().lines().next().unwrap_or("it cannot be read").to_owned();
            reader.say(Diagnostic::error(format!("not valid TOML: {message}")), line);
        }
    }
    reader.problems.sort_by_key(|problem| problem.line);
    (reader.manifest, reader.problems)
}

/// The line (from 1) that holds byte `at` of `text`.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

impl<'a> Reader<'a> {
    fn say(&mut self, problem: Diagnostic, line: usize) {
        self.problems.push(problem.in_file(self.file).at_line(line));
    }

    fn line_of(&self, span: Option<std::ops::Range<usize>>) -> usize {
        span.map_or(1, |span| line_at(self.text, span.start))
    }

    fn table<'d>(&mut self, path: &mut Vec<&'d str>, slot: &Slot, table: &'d dyn TableLike) {
        for (name, item) in table.iter() {
            let line = self.line_of(table.get_key_value(name).and_then(|(key, _)| key.span()));
            path.push(name);
            self.item(path, slot, item, line);
            path.pop();
        }
    }

    fn item<'d>(&mut self, path: &mut Vec<&'d str>, slot: &Slot, item: &'d Item, line: usize) {
        if path[..] == ["target"] && self.targets(item) {
            return;
        }
        if let Some(key) = schema::find(path) {
            return self.setting(key, path, slot, item, line);
        }
        if let Some((key, rank)) = schema::find_old(path) {
            return self.old_setting(key, rank + 1, path, item, line);
        }
        if let Some(table) = item.as_table_like().filter(|_| is_section(path)) {
            let inner = match path[..] {
                ["profile", name] => {
                    self.manifest.profiles.entry(name.to_owned()).or_default();
                    Slot::Profile(name.to_owned())
                }
                _ => slot.clone(),
            };
            return self.table(path, &inner, table);
        }
        if schema::is_section(path) {
            let message = format!("`{}` must be a section, not a value", path.join("."));
            return self.say(Diagnostic::error(message), line);
        }
        let answer = legacy::find(path).or_else(|| (1..path.len()).find_map(|n| legacy::find(&path[..n])));
        match answer {
            Some((pattern, answer)) => self.legacy(pattern, answer, path, item, line),
            None => self.unknown(path, line),
        }
    }

    /// Reads `[[target]]`, in either of TOML's two ways to write it; false when `item` is
    /// neither.
    fn targets<'d>(&mut self, item: &'d Item) -> bool {
        let tables: Vec<(&'d dyn TableLike, usize)> = match item {
            Item::ArrayOfTables(tables) => {
                tables.iter().map(|table| (table as &dyn TableLike, self.line_of(table.span()))).collect()
            }
            Item::Value(Value::Array(array)) if array.iter().all(Value::is_inline_table) => array
                .iter()
                .filter_map(Value::as_inline_table)
                .map(|table| (table as &dyn TableLike, self.line_of(table.span())))
                .collect(),
            _ => return false,
        };
        for (at, (table, line)) in tables.into_iter().enumerate() {
            self.manifest.targets.push(TargetTable::default());
            self.manifest.lines.insert(format!("target.{at}"), line);
            self.table(&mut vec!["target[]"], &Slot::Target(at), table);
            if !table.contains_key("name") {
                let problem = Diagnostic::error("a `[[target]]` without a `name`");
                self.say(problem.hint("add `name = \"…\"`; the file is named after it"), line);
            }
        }
        true
    }

    fn setting(&mut self, key: &'static Key, path: &[&str], slot: &Slot, item: &Item, line: usize) {
        let name = match slot {
            Slot::Target(at) => path.join(".").replacen("target[]", &format!("target.{at}"), 1),
            _ => path.join("."),
        };
        match key.takes.read(item) {
            Ok(setting) => self.keep(key, slot.clone(), 0, name, item, line, setting),
            Err(why) => self.say(wrong(&name, &why, key, item), line),
        }
        if key.mark == Mark::Later && self.said.insert(path[0].to_owned()) {
            self.say(Diagnostic::note(format!("`{}` is not used by this version", path[0])), line);
        }
    }

    fn old_setting(&mut self, key: &'static Key, rank: usize, path: &[&str], item: &Item, line: usize) {
        let (old, name) = (path.join("."), key.name.replace('*', "release"));
        if matches!(key.put, Put::Nowhere) || legacy::is_default(path, item.as_str()) {
            return;
        }
        let slot = match key.put {
            Put::Profile(_) => Slot::Profile("release".to_owned()),
            _ => Slot::Project,
        };
        match key.takes.read(item) {
            Ok(Setting::Unset) => {}
            Ok(setting) => {
                let note = Diagnostic::note(format!("`{old}` is read as `{name}`"));
                self.say(note.hint(format!("write `{name}`")), line);
                self.keep(key, slot, rank, name, item, line, setting);
            }
            Err(why) => self.say(wrong(&old, &why, key, item), line),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of `Found`, gathered in one place")]
    fn keep(
        &mut self,
        key: &'static Key,
        slot: Slot,
        rank: usize,
        name: String,
        item: &Item,
        line: usize,
        setting: Setting,
    ) {
        let elements = item
            .as_array()
            .map(|array| array.iter().filter(|value| value.as_str() != Some("")))
            .map(|values| values.map(|value| self.line_of(value.span())).collect())
            .unwrap_or_default();
        self.found.push(Found { key, slot, rank, name, line, elements, setting });
    }

    /// Puts the settings where they belong, present spellings last so that they win.
    fn apply(&mut self) {
        self.found.sort_by_key(|found| std::cmp::Reverse(found.rank));
        for Found { key, slot, name, line, elements, setting, .. } in std::mem::take(&mut self.found) {
            if setting == Setting::Unset {
                continue;
            }
            let manifest = &mut self.manifest;
            manifest.lines.retain(|set, _| !is_element(set, &name));
            for (at, line) in elements.into_iter().enumerate() {
                manifest.lines.insert(format!("{name}.{at}"), line);
            }
            manifest.lines.insert(name, line);
            match (key.put, slot) {
                (Put::Project(put), _) => put(manifest, setting),
                (Put::Profile(put), Slot::Profile(name)) => {
                    put(manifest.profiles.entry(name).or_default(), setting);
                }
                (Put::Target(put), Slot::Target(at)) => put(&mut manifest.targets[at], setting),
                _ => {}
            }
        }
    }

    fn legacy(&mut self, pattern: &str, answer: Legacy, path: &[&str], item: &Item, line: usize) {
        let name = path.join(".");
        // What stands for a whole section is said of the section, however many keys it has.
        let shown = if pattern.contains('.') { &name } else { pattern };
        let problem = match answer {
            Legacy::Scan => return self.scans.push((name, line)),
            Legacy::Only(value, _) if item.as_bool() == Some(value) => return,
            Legacy::Only(_, hint) => Diagnostic::error(format!("`{name}` cannot be changed")).hint(hint),
            Legacy::Refused(hint) => {
                Diagnostic::error(format!("`{shown}` belongs to another format")).hint(hint)
            }
            Legacy::Unused("") => Diagnostic::note(format!("`{shown}` is not used")),
            Legacy::Unused(why) => Diagnostic::note(format!("`{shown}` is not used: {why}")),
        };
        if self.said.insert(shown.to_owned()) {
            self.say(problem, line);
        }
    }

    fn note_scans(&mut self) {
        let Some((_, line)) = self.scans.first() else { return };
        let names: Vec<String> = self.scans.iter().map(|(name, _)| format!("`{name}`")).collect();
        let line = *line;
        let note = Diagnostic::note(format!("scan results are not read from here: {}", names.join(", ")));
        self.say(note.hint("remove them; sources are found anew at each build"), line);
    }

    fn unknown(&mut self, path: &[&str], line: usize) {
        let name = path.join(".").replace("target[]", "target");
        let problem = Diagnostic::warning(format!("unknown key `{name}`"));
        let problem = match nearest(path) {
            Some(nearest) => problem.hint(format!("the nearest key is `{nearest}`")),
            None => problem.hint("own data can be kept under `tool`"),
        };
        self.say(problem, line);
    }
}

fn wrong(name: &str, why: &str, key: &Key, item: &Item) -> Diagnostic {
    let problem = Diagnostic::error(format!("`{name}` {why}"));
    match item.as_str() {
        Some(text) if key.takes.expected().contains("a list") => {
            problem.hint(format!("write `[{}]`", Value::from(text)))
        }
        _ => problem,
    }
}

/// Whether keys below `path` mean something to jmake, now or formerly.
fn is_section(path: &[&str]) -> bool {
    let old = |key: &Key| key.old.iter().any(|old| old.split('.').next() == path.first().copied());
    schema::is_section(path) || legacy::is_section(path) || (path.len() == 1 && KEYS.iter().any(old))
}

/// Whether `name` is the line of an element of the list `of`.
fn is_element(name: &str, of: &str) -> bool {
    let rest = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::{Export, Kind, Lto, OptLevel};
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Vec<String> {
        let (_, problems) = Manifest::parse(text, "jmake.toml");
        let line = |p: &Diagnostic| p.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        let one = |p: &Diagnostic| {
            let hint = p.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{} {:?}: {}{hint}", line(p), p.severity, p.message)
        };
        problems.iter().map(one).collect()
    }

    #[test]
    fn every_problem_is_said_with_its_line() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "[compile]\nflag = []",
                &["2 Warning: unknown key `compile.flag` (the nearest key is `compile.flags`)"],
            ),
            (
                "\n[complie]\nstd = 'c++20'\nflags = []",
                &["2 Warning: unknown key `complie` (the nearest key is `compile`)"],
            ),
            (
                "[compile]\nlto = 'thin'",
                &["2 Warning: unknown key `compile.lto` (the nearest key is `link.lto`)"],
            ),
            (
                "[profile.dev]\nopt_lvl = 1",
                &[
                    "2 Warning: unknown key `profile.dev.opt_lvl` (the nearest key is `profile.dev.opt_level`)",
                ],
            ),
            ("[zzz]\na = 1", &["1 Warning: unknown key `zzz` (own data can be kept under `tool`)"]),
            (
                "[compile]\nflags = '-O2'",
                &["2 Error: `compile.flags` must be a list of texts, not `\"-O2\"` (write `[\"-O2\"]`)"],
            ),
            (
                "[compile]\njobs = 'many'\nstd = 1\n[link]\nlto = 'fat'",
                &[
                    "2 Error: `compile.jobs` must be a whole number from 1 to 4096, not `\"many\"`",
                    "3 Error: `compile.std` must be a plain word, not `1`",
                    "5 Error: `link.lto` must be one of `off`, `thin`, `full`, not `\"fat\"`",
                ],
            ),
            ("compile = 3", &["1 Error: `compile` must be a section, not a value"]),
            (
                "[compile]\ndefines = { '1A' = 1 }",
                &["2 Error: `compile.defines` holds `1A`, which cannot be the name of a macro"],
            ),
            (
                "[discovery]\nexclude = ['[']",
                &[
                    "2 Error: `discovery.exclude` holds `[`, which is no glob: unclosed character class; missing ']'",
                ],
            ),
            ("[compile]\nstd = \"c++20", &["2 Error: not valid TOML: invalid basic string, expected `\"`"]),
            ("[compile]\nstd = 'a'\nstd = 'b'", &["3 Error: not valid TOML: duplicate key"]),
            (
                "[[target]]\nkind = 'shared'\nnames = 'x'",
                &[
                    "1 Error: a `[[target]]` without a `name` (add `name = \"…\"`; the file is named after it)",
                    "3 Warning: unknown key `target.names` (the nearest key is `target.name`)",
                ],
            ),
            (
                "[daemon]\nport = 3001\nidle_timeout = '1h'\n[daemon.setup]\nport = 3002",
                &[
                    "2 Note: `daemon.port` is not used: there is one socket of the project's own instead of ports",
                    "5 Note: `daemon.setup.port` is not used: there is one socket of the project's own instead of ports",
                ],
            ),
            (
                "[wrap]\nanything = 1\n[tool.x]\ny = 1\n[custom]\nz = 2",
                &["1 Note: `wrap` is not used by this version"],
            ),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn foreign_schemas_are_refused_with_the_new_spelling() {
        for section in [
            "paths",
            "bridge",
            "binding",
            "bindings",
            "compiler",
            "sources",
            "dependencies",
            "output",
            "tools",
        ] {
            let (_, problems) = Manifest::parse(&format!("[{section}]\na = 1\nb = 2"), "jmake.toml");
            assert_eq!(problems.len(), 1, "{section}");
            assert!(problems[0].is_error() && problems[0].hint.is_some(), "{section}");
        }
        assert!(Manifest::parse("project_root = '.'", "f").1[0].is_error());
    }

    #[test]
    fn values_arrive() {
        let text = r#"
            project.name = "demo"
            [compile]
            std = "c++20"
            defines = { A = 1, B = "x", C = true, D = "", E = false }
            flags = ["-Wall",
                "-g"]
            [link]
            lto = true
            [binary]
            kind = "static"
            export = ["f", "g_*"]
            [profile]
            dev = { opt_level = "O1", debug = true }
            [profile."own one"]
            inherits = "dev"
            opt_level = 3
            [machine]
            triple = "x86_64-linux-gnu"
            [[target]]
            name = "a"
            sources = ["src/*.c"]
            [[target]]
            name = "b"
            defines = ["X=1", "-DY"]
            [llvm]
            version = 19
            tools.llvm_link = "/c"
            [cache]
            max_size = "500 MiB"
            max_age = "12h"
        "#;
        let (manifest, problems) = Manifest::parse(text, "jmake.toml");
        assert_eq!(problems, []);
        assert_eq!(manifest.project.name.as_deref(), Some("demo"));
        let value = |text: &str| Some(text.to_owned());
        let defines =
            vec![("A".into(), value("1")), ("B".into(), value("x")), ("C".into(), None), ("D".into(), None)];
        assert_eq!(manifest.compile.defines, defines);
        assert_eq!(manifest.link.lto, Some(Lto::Full));
        assert_eq!(manifest.binary.kind, Some(Kind::Static));
        assert_eq!(manifest.binary.export, Some(Export::Listed(vec!["f".into(), "g_*".into()])));
        assert_eq!(manifest.profiles["dev"].opt_level, Some(OptLevel::O1));
        assert_eq!(manifest.profiles["own one"].inherits.as_deref(), Some("dev"));
        assert_eq!(manifest.machine.triple.as_deref(), Some("x86_64-linux-gnu"));
        assert_eq!(manifest.targets[1].defines, [("X".into(), value("1")), ("Y".into(), None)]);
        assert_eq!(manifest.llvm.version.as_deref(), Some("19"));
        assert_eq!(manifest.llvm.tools, [("llvm-link".into(), "/c".into())]);
        assert_eq!(manifest.cache.max_size, Some(500 << 20));
        assert_eq!(manifest.line("compile.flags.1"), Some(7));
        assert_eq!(manifest.line("profile.own one.opt_level"), Some(17));
        assert_eq!(manifest.line("target.1.name"), Some(24));
    }

    #[test]
    fn old_spellings_are_read_with_a_note_and_the_present_one_wins() {
        let text = "
            [link]
            opt_level = 'O3'
            opt_passes = ['mem2reg']
            [binary]
            library_name = 'old'
            name = 'new'
            library_type = 'shared'
            link_libraries = ['m']
            [discovery]
            exclude_dirs = ['build']
            [target]
            triple = ''
            opt_level = 'O1'
            debug = true
            [daemon]
            workers = 3
            [workflow]
            parallel = 5
            stages = ['compile']
            [cache]
            directory = '.jmake_cache'
        ";
        let (manifest, problems) = Manifest::parse(text, "f");
        assert!(
            problems.iter().all(|problem| problem.severity == crate::event::Severity::Note),
            "{problems:?}"
        );
        assert_eq!(problems.iter().filter(|problem| problem.message.contains("is read as")).count(), 10);
        let release = &manifest.profiles["release"];
        assert_eq!((release.opt_level, release.debug), (Some(OptLevel::O3), Some(super::super::Debug::Full)));
        assert_eq!(manifest.binary.name.as_deref(), Some("new"));
        assert_eq!(manifest.link.libraries, ["m"]);
        assert_eq!(manifest.discovery.exclude, ["build"]);
        assert_eq!(manifest.compile.jobs, Some(3));
        assert_eq!((manifest.machine.triple, manifest.cache.dir), (None, None));
    }

    /// A file as the first jmake's discovery wrote it: notes, no error, and what was decided in it
    /// is read.
    #[test]
    fn a_file_of_the_first_jmake() {
        let text = r#"
            version = "0.1.0"
            last_updated = "2025-10-01T00:00:00"
            [project]
            name = "simple_math"
            root = "/home/somebody/simple_math"
            [discovery]
            enabled = true
            scan_recursive = true
            max_depth = 10
            include_dirs = ["/home/somebody/simple_math/include"]
            completed = true
            [discovery.files]
            cpp_sources = ["/home/somebody/simple_math/src/math_ops.cpp"]
            [reorganize]
            enabled = false
            [compile]
            enabled = true
            output_dir = "build/ir"
            flags = ["-std=c++17", "-fPIC"]
            include_dirs = ["/home/somebody/simple_math/include"]
            defines = {}
            emit_ir = true
            [link]
            enabled = true
            opt_level = "O2"
            [binary]
            enabled = true
            library_name = ""
            library_type = "shared"
            [symbols]
            method = "nm"
            [test]
            enabled = false
            [error_learning]
            enabled = true
        "#;
        let (manifest, problems) = Manifest::parse(text, "f");
        assert!(
            problems.iter().all(|problem| problem.severity == crate::event::Severity::Note),
            "{problems:#?}"
        );
        let scans = problems.iter().filter(|problem| problem.message.starts_with("scan results")).count();
        assert_eq!(scans, 1);
        assert_eq!(manifest.compile.flags.len(), 2);
        let refused = Manifest::parse("[compile]\nenabled = false", "f").1;
        assert!(refused[0].is_error());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Manifest::parse(&text, "f");
        }

        #[test]
        fn no_file_like_text_makes_it_panic(lines in proptest::collection::vec(line(), 0..12)) {
            let _ = Manifest::parse(&lines.join("\n"), "f");
        }
    }

    /// A line that is likely to mean something.
    fn line() -> impl Strategy<Value = String> {
        let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        let name = proptest::sample::select(names);
        let value = proptest::sample::select(vec![
            "1",
            "true",
            "''",
            "'x'",
            "['a']",
            "[[]]",
            "{}",
            "{ a.b = 1 }",
            "1.5",
            "2020-01-01",
            "[{}]",
        ]);
        (name, value, 0..4).prop_map(|(name, value, form)| {
            let name = name.replace('*', "release").replace("[]", "");
            match form {
                0 => format!("{name} = {value}"),
                1 => format!("[{name}]"),
                2 => format!("[[{name}]]"),
                _ => format!("{} = {value}", name.rsplit('.').next().unwrap_or("x")),
            }
        })
    }
}
