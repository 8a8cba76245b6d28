//! Reading and changing single keys of a manifest's text.
//!
//! `get`, `set`, `unset`, and `complete` work on text and give text: who calls
//! them reads and writes the file.  A value is checked against the table of keys before it is
//! written, and everything else in the text stays byte for byte as it was.

use toml_edit::{Array, InlineTable, Item, TableLike, Value};

use super::Manifest;
use super::nearest::nearest;
use super::schema::{self, KEYS, Key};
use super::splice;
use super::value::Takes;
use crate::event::Diagnostic;

/// What discovery saw that is worth writing down.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GeneratedFacts {
    /// The project's name.
    pub name: String,
    /// Folders of headers that others include.
    pub include_dirs: Vec<String>,
    /// The C++ standard the sources need.
    pub std: Option<String>,
    /// Libraries the sources need.
    pub libraries: Vec<String>,
}

/// One line of `jmake config show`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// Its value as [`get`] gives it, or the default in words.
    pub value: String,
    /// The line where it is set; `None` for a default.
    pub line: Option<usize>,
    /// What it does.
    pub doc: &'static str,
}

/// The value of `key` in `text`: a text without its quotes, anything else as TOML; a section as
/// its keys, one a line.  An old spelling stands in for a missing key.
pub fn get(text: &str, key: &str) -> Option<String> {
    let document = splice::document(text).ok()?;
    let path = split(key).ok()?;
    let root = document.as_table();
    match splice::locate(root, &place_of(root, path.clone())) {
        Some(Item::Value(Value::String(value))) => Some(value.value().clone()),
        Some(Item::Value(value)) => Some(spelled(text, value)),
        Some(item) => Some(section_text(text, item)),
        None => {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            if matches!(names[..], ["profile", profile, ..] if profile != "release") {
                return None;
            }
            let olds = schema::find(&names)?.old.iter().filter_map(|old| get(text, old));
            olds.into_iter().find(|value| !value.is_empty())
        }
    }
}

/// `value` as the file spells it.
fn spelled(text: &str, value: &Value) -> String {
    value.span().map_or_else(|| value.to_string(), |span| text[span].to_owned())
}

/// Everything below `item`, one key a line.
fn section_text(text: &str, item: &Item) -> String {
    let mut lines = String::new();
    match item {
        Item::ArrayOfTables(tables) => {
            for table in tables {
                lines += "[[target]]\n";
                push_lines(&mut lines, text, "", table);
            }
        }
        item => {
            if let Some(table) = item.as_table_like() {
                push_lines(&mut lines, text, "", table);
            }
        }
    }
    lines
}

fn push_lines(lines: &mut String, text: &str, above: &str, table: &dyn TableLike) {
    for (name, item) in table.iter() {
        let name = format!("{above}{}", toml_edit::Key::new(name));
        match item {
            Item::Value(value) => *lines += &format!("{name} = {}\n", spelled(text, value)),
            item => {
                if let Some(table) = item.as_table_like() {
                    push_lines(lines, text, &format!("{name}."), table);
                }
            }
        }
    }
}

/// `text` with `key` set to `value`, which is typed by the key: `true`, `4`, `demo`,
/// `["a", "b"]`; a single word will do for a list of one.
///
/// # Errors
/// When the key is unknown, the value is not one it takes, or `text` is not valid TOML.
pub fn set(text: &str, key: &str, value: &str) -> Result<String, Diagnostic> {
    let path = known(split(key)?)?;
    let value = typed(&path, value)?;
    put(text, &path, &value)
}

/// `text` without `key` (in its present or an old spelling) or without a whole section.
///
/// # Errors
/// When the key stands where it cannot be cut out safely, or `text` is not valid TOML.
pub fn unset(text: &str, key: &str) -> Result<String, Diagnostic> {
    let path = split(key)?;
    let path = place_of(splice::document(text)?.as_table(), path);
    let text = splice::remove(text, &path)?;
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let olds = schema::find(&names).map_or(&[][..], |key| key.old);
    olds.iter().try_fold(text, |text, old| splice::remove(&text, &split(old)?))
}

/// `text` with what is missing or empty filled from `facts`, and one line for each key filled.
///
/// # Errors
/// When `text` is not valid TOML, or a key cannot be put into it safely.
pub fn complete(text: &str, facts: &GeneratedFacts) -> Result<(String, Vec<String>), Diagnostic> {
    let list = |items: &[String]| Value::Array(items.iter().map(String::as_str).collect());
    let known = [
        ("project.name", Value::from(facts.name.as_str())),
        ("compile.std", Value::from(facts.std.as_deref().unwrap_or_default())),
        ("compile.include_dirs", list(&facts.include_dirs)),
        ("link.libraries", list(&facts.libraries)),
    ];
    splice::document(text)?;
    let (mut text, mut filled) = (text.to_owned(), Vec::new());
    for (key, value) in known {
        let empty = |value: &str| matches!(value.replace(char::is_whitespace, "").as_str(), "" | "[]");
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if empty(&plain) || get(&text, key).is_some_and(|now| !empty(&now)) {
            continue;
        }
        text = put(&text, &split(key)?, &value)?;
        filled.push(format!("{key} = {value}"));
    }
    Ok((text, filled))
}

/// Every key with its value or default, as `jmake config show` lists them.
pub fn show(text: &str) -> Vec<Shown> {
    let (manifest, _) = Manifest::parse(text, "jmake.toml");
    let mut all = Vec::new();
    for row in KEYS.iter().filter(|row| row.takes != Takes::Anything && row.name != "project.root") {
        let own: Vec<(&String, &usize)> = manifest
            .lines
            .iter()
            .filter(|(name, _)| row_path(name).is_some_and(|p| row.matches(&as_strs(&p))))
            .collect();
        for (name, line) in &own {
            let value = get(text, name).unwrap_or_default();
            all.push(Shown { key: (*name).clone(), value, line: Some(**line), doc: row.doc });
        }
        if own.is_empty() && !row.name.contains(['*', '[']) && !row.name.starts_with("machine.") {
            let value = row.default.replace('`', "");
            all.push(Shown { key: row.name.to_owned(), value, line: None, doc: row.doc });
        }
    }
    all
}

/// The path under which the table of keys knows the concrete `name`.
fn row_path(name: &str) -> Option<Vec<String>> {
    Some(row_parts(&split(name).ok()?))
}

/// `target.0.kind` as the table of keys has it: `target[].kind`.
pub(super) fn row_parts(path: &[String]) -> Vec<String> {
    match path {
        [target, at, rest @ ..] if target == "target" && at.parse::<usize>().is_ok() => {
            [&["target[]".to_owned()], rest].concat()
        }
        path => path.to_vec(),
    }
}

pub(super) fn as_strs(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// The parts of a dotted, perhaps quoted key.
pub(super) fn split(key: &str) -> Result<Vec<String>, Diagnostic> {
    let parts = toml_edit::Key::parse(key)
        .map_err(|_| Diagnostic::error(format!("`{key}` is not a key")).hint("write `section.key`"))?;
    Ok(parts.iter().map(|part| part.get().to_owned()).collect())
}

/// Where `path` stands in this document: `target.triple` is `machine.triple` when `target` is the
/// list of targets.
pub(super) fn place_of(root: &dyn TableLike, mut path: Vec<String>) -> Vec<String> {
    let listed = |item: &Item| item.is_array_of_tables() || item.is_array();
    let indexed = path.get(1).is_none_or(|at| at.parse::<usize>().is_ok());
    let machine = root.get("target").is_some_and(listed) || root.contains_key("machine");
    if path[0] == "target" && !indexed && machine {
        path[0] = "machine".to_owned();
    }
    path
}

/// `path`, or the present name of an old spelling.
pub(super) fn known(path: Vec<String>) -> Result<Vec<String>, Diagnostic> {
    let parts = row_parts(&path);
    let names = as_strs(&parts);
    if row_of(&names).is_some() {
        return Ok(path);
    }
    if let Some((key, _)) = schema::find_old(&names) {
        return split(&key.name.replace('*', "release"));
    }
    let problem = Diagnostic::error(format!("unknown key `{}`", path.join(".")));
    Err(match nearest(&names) {
        Some(nearest) => problem.hint(format!("the nearest key is `{nearest}`")),
        None => problem.hint("`jmake config show` lists all keys"),
    })
}

/// The row that decides about `path`, and the name within it when the row is a table of free
/// names: `compile.defines.DEBUG`.
pub(super) fn row_of<'p>(path: &[&'p str]) -> Option<(&'static Key, Option<&'p str>)> {
    if let Some(key) = schema::find(path) {
        // A section of free data is not a value.
        return (key.takes != Takes::Anything || path.len() > 1).then_some((key, None));
    }
    (1..path.len()).find_map(|n| {
        let key = schema::find(&path[..n])?;
        match key.takes {
            Takes::Defines | Takes::Texts if n + 1 == path.len() => Some((key, Some(path[n]))),
            Takes::Anything => Some((key, None)),
            _ => None,
        }
    })
}

/// The value that `text` spells for the key at `path`.
fn typed(path: &[String], text: &str) -> Result<Value, Diagnostic> {
    let parts = row_parts(path);
    let Some((row, within)) = row_of(&as_strs(&parts)) else {
        return Err(Diagnostic::error(format!("unknown key `{}`", path.join("."))));
    };
    let literal = text.trim().parse::<Value>().ok();
    let verbatim = Value::from(text);
    let one = || Value::Array(Array::from_iter([text]));
    let candidates = match (row.takes, within) {
        (
            Takes::Text
            | Takes::Word
            | Takes::FileName
            | Takes::Version
            | Takes::Size
            | Takes::Time
            | Takes::Kind,
            _,
        )
        | (Takes::Texts, Some(_)) => vec![verbatim],
        (Takes::Defines, Some(_)) => literal.filter(Value::is_bool).into_iter().chain([verbatim]).collect(),
        (Takes::List | Takes::Words | Takes::Dirs | Takes::Globs | Takes::Sanitizers, _) => {
            literal.filter(Value::is_array).into_iter().chain([one()]).collect()
        }
        (Takes::Export, _) if text == "all" => vec![verbatim],
        (Takes::Export, _) => literal.filter(Value::is_array).into_iter().chain([one()]).collect(),
        _ => literal.into_iter().chain([verbatim]).collect::<Vec<_>>(),
    };
    let mut why = Diagnostic::error("no value");
    for candidate in candidates {
        match check(path, row, within, &candidate) {
            Ok(()) => return Ok(candidate),
            Err(problem) => why = problem,
        }
    }
    Err(why)
}

/// Whether the key takes `value`.
pub(super) fn check(
    path: &[String],
    row: &Key,
    within: Option<&str>,
    value: &Value,
) -> Result<(), Diagnostic> {
    let item = match within {
        Some(name) => {
            let mut table = InlineTable::new();
            table.insert(name, value.clone());
            Item::Value(Value::InlineTable(table))
        }
        None => Item::Value(value.clone()),
    };
    match row.takes.read(&item) {
        Ok(_) => Ok(()),
        Err(why) => Err(Diagnostic::error(format!("`{}` {why}", path.join(".")))),
    }
}

pub(super) fn put(text: &str, path: &[String], value: &Value) -> Result<String, Diagnostic> {
    let path = place_of(splice::document(text)?.as_table(), path.to_vec());
    splice::put(text, &path, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "# top\n[project]\nname = 'a' # mine\n\n# about compiling\n[compile] # c\nflags = [\n  \"-g\", # debug\n]\n\n[tool.x]\ny = 1\n";

    #[test]
    fn setting_touches_nothing_else() {
        for (before, key, value, after) in [
            ("[project]\nname = 'a' # mine\n", "project.name", "b", "[project]\nname = \"b\" # mine\n"),
            ("", "compile.jobs", "4", "[compile]\njobs = 4\n"),
            ("[a]\nx=1", "compile.jobs", "4", "[a]\nx=1\n\n[compile]\njobs = 4"),
            (
                "[compile]\nstd='x' # s\n\n# next\n[link]\n",
                "compile.jobs",
                "4",
                "[compile]\nstd='x' # s\njobs = 4\n\n# next\n[link]\n",
            ),
            (
                "[compile]\r\nstd='x'\r\n[link]\r\n",
                "compile.jobs",
                "4",
                "[compile]\r\nstd='x'\r\njobs = 4\r\n[link]\r\n",
            ),
            ("[compile] # c", "compile.jobs", "4", "[compile] # c\njobs = 4"),
            (
                "compile.std = 'x'\n[link]\n",
                "compile.jobs",
                "4",
                "compile.std = 'x'\ncompile.jobs = 4\n[link]\n",
            ),
            ("compile = { std = 'x' }\n", "compile.jobs", "4", "compile = { std = 'x', jobs = 4 }\n"),
            ("compile = {}\n", "compile.jobs", "4", "compile = { jobs = 4 }\n"),
            (
                "[profile]\ndev.debug = true\n",
                "profile.dev.opt_level",
                "s",
                "[profile]\ndev.debug = true\ndev.opt_level = \"s\"\n",
            ),
            (
                "[profile.dev]\n",
                "profile.release.debug",
                "false",
                "[profile.dev]\n\n[profile.release]\ndebug = false\n",
            ),
            ("", "profile.'my own'.debug", "lines", "[profile.\"my own\"]\ndebug = \"lines\"\n"),
            (
                "[[target]]\nname='a'\n",
                "target.triple",
                "x86_64",
                "[[target]]\nname='a'\n\n[machine]\ntriple = \"x86_64\"\n",
            ),
            (
                "[[target]]\nname='a'\n[[target]]\nname='b'\n",
                "target.0.kind",
                "static",
                "[[target]]\nname='a'\nkind = \"static\"\n[[target]]\nname='b'\n",
            ),
            ("", "link.libraries", "m", "[link]\nlibraries = [\"m\"]\n"),
            ("", "link.libraries", "[ 'm', \"z\" ]", "[link]\nlibraries = [ 'm', \"z\" ]\n"),
            ("", "binary.library_name", "x", "[binary]\nname = \"x\"\n"),
            (
                "[compile]\n",
                "compile.defines.DEBUG",
                "true",
                "[compile]\n\n[compile.defines]\nDEBUG = true\n",
            ),
            ("", "tool.editor.tab", "4", "[tool.editor]\ntab = 4\n"),
            ("\u{feff}[link]\n", "compile.std", "c", "\u{feff}[link]\n\n[compile]\nstd = \"c\"\n"),
        ] {
            assert_eq!(set(before, key, value).as_deref(), Ok(after), "{before} {key}");
        }
    }

    #[test]
    fn values_are_checked() {
        for (key, value) in [
            ("compile.jobs", "0"),
            ("compile.jobs", "x"),
            ("binary.kind", "dll"),
            ("compile.nonsense", "1"),
            ("nonsense", "1"),
            ("compile", "1"),
            ("tool", "1"),
            ("profile.dev.sanitize", "water"),
            ("compile.defines.1A", "x"),
            ("cache.max_size", "much"),
            ("a b", "x"),
            ("", "x"),
        ] {
            let problem = set(FILE, key, value).expect_err(key);
            assert!(problem.is_error(), "{key}");
        }
        let problem = set(FILE, "compile.flag", "x").expect_err("unknown key");
        assert_eq!(problem.hint.as_deref(), Some("the nearest key is `compile.flags`"));
    }

    #[test]
    fn getting() {
        let text = "[binary]\nlibrary_name = 'old'\n[compile]\njobs = 4\nflags = ['-g']\n[compile.defines]\nA = 1\n[[target]]\nname = 't'\n[machine]\ncpu = 'z'\n";
        for (key, value) in [
            ("compile.jobs", Some("4")),
            ("compile.flags", Some("['-g']")),
            ("compile", Some("jobs = 4\nflags = ['-g']\ndefines.A = 1\n")),
            ("binary.name", Some("old")),
            ("target", Some("[[target]]\nname = 't'\n")),
            ("target.cpu", Some("z")),
            ("target.0.name", Some("t")),
            ("target.9.name", None),
            ("compile.std", None),
            ("not a key", None),
        ] {
            assert_eq!(get(text, key).as_deref(), value, "{key}");
        }
    }

    #[test]
    fn unsetting_takes_the_line_and_nothing_else() {
        for (before, key, after) in [
            (
                FILE,
                "compile.flags",
                "# top\n[project]\nname = 'a' # mine\n\n# about compiling\n[compile] # c\n\n[tool.x]\ny = 1\n",
            ),
            (
                FILE,
                "tool",
                "# top\n[project]\nname = 'a' # mine\n\n# about compiling\n[compile] # c\nflags = [\n  \"-g\", # debug\n]\n\n",
            ),
            ("a = 1\r\n[compile]\r\njobs = 1\r\nstd = 'x'", "compile.std", "a = 1\r\n[compile]\r\njobs = 1"),
            ("compile = { jobs = 1, std = 'x' }", "compile.jobs", "compile = { std = 'x' }"),
            ("compile = { jobs = 1, std = 'x' }", "compile.std", "compile = { jobs = 1 }"),
            ("compile = { jobs = 1 }", "compile.jobs", "compile = {  }"),
            ("compile.jobs = 1\ncompile.std = 'x'\n", "compile", ""),
            ("[binary]\nlibrary_name = 'x'\n", "binary.name", "[binary]\n"),
            ("[compile]\n", "compile.std", "[compile]\n"),
        ] {
            assert_eq!(unset(before, key).as_deref(), Ok(after), "{before} {key}");
        }
    }

    #[test]
    fn completing_fills_only_gaps() {
        let facts = GeneratedFacts {
            name: "demo".into(),
            include_dirs: vec!["include".into()],
            std: Some("c++20".into()),
            libraries: vec![],
        };
        let before = "# mine\n[project]\nname = \"\" # later\n\n[compile]\nstd = \"c++17\"\ninclude_dirs = [] # none yet\nodd = 1\n";
        let (after, filled) = complete(before, &facts).expect("valid TOML");
        assert_eq!(
            after,
            "# mine\n[project]\nname = \"demo\" # later\n\n[compile]\nstd = \"c++17\"\ninclude_dirs = [\"include\"] # none yet\nodd = 1\n"
        );
        assert_eq!(filled, ["project.name = \"demo\"", "compile.include_dirs = [\"include\"]"]);
        assert_eq!(complete(&after, &facts).expect("valid TOML"), (after.clone(), vec![]));
        assert!(complete("[", &facts).is_err());
    }

    #[test]
    fn showing_gives_values_and_defaults() {
        let shown = show("[compile]\njobs = 4\n[profile.dev]\nlto = 'thin'\n[[target]]\nname = 'x'\n");
        let of = |key: &str| {
            shown.iter().find(|line| line.key == key).map(|line| (line.value.as_str(), line.line))
        };
        assert_eq!(of("compile.jobs"), Some(("4", Some(2))));
        assert_eq!(of("profile.dev.lto"), Some(("thin", Some(4))));
        assert_eq!(of("target.0.name"), Some(("x", Some(6))));
        assert_eq!(of("binary.kind"), Some(("\"shared\"", None)));
    }

    /// Files with the same content in every way TOML can write it.
    fn file() -> impl Strategy<Value = String> {
        let body = proptest::sample::select(vec![
            "[compile]\nstd = 'a' # c\n\n# x\n[link]\nflags = [ 'a',\n 'b' ]\n",
            "compile.std = 'a'\nlink = { flags = [], lto = 'thin' }\n",
            "[profile.dev]\nopt_level = 1\n[profile]\nrelease.debug = true\n[[target]]\nname = 'x'\n[target.defines]\nA = '''\n[compile]\n'''\n",
            "# only a comment",
            "[ compile ] # spaces\n  std = \"a\"\n  [ link ]\n",
            "",
        ]);
        (body, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(body, windows, open, bom)| {
            let mut text = body.to_owned();
            if open {
                text.truncate(text.trim_end().len());
            }
            if windows {
                text = text.replace('\n', "\r\n");
            }
            if bom { format!("\u{feff}{text}") } else { text }
        })
    }

    proptest! {
        #[test]
        fn what_was_set_is_got_and_all_else_stays(
            file in file(),
            key in proptest::sample::select(vec!["project.name", "project.version", "link.linker", "profile.dev.inherits", "profile.release.inherits", "cache.dir", "profile.\"a.b \\\"c\".inherits"]),
            value in any::<String>(),
        ) {
            let after = set(&file, key, &value).expect("these files can be edited");
            prop_assert_eq!(get(&after, key), Some(value));
            prop_assert_eq!(after.ends_with('\n'), file.ends_with('\n') || file.trim_start_matches('\u{feff}').is_empty());
            // Every line of the file is still there, in order, but for the one that was changed.
            let file = file.trim_start_matches('\u{feff}');
            let mut rest = after.trim_start_matches('\u{feff}').lines();
            let lost = file.lines().filter(|line| !rest.clone().any(|kept| kept == *line) || rest.by_ref().all(|kept| kept != *line)).count();
            prop_assert!(lost <= 1, "{} lines lost", lost);
            if get(file, key).is_none() && !file.contains('{') {
                prop_assert_eq!(lost, 0);
                let back = unset(&after, key).expect("what was set can be unset");
                prop_assert_eq!(get(&back, key), None);
            }
        }

        #[test]
        fn no_text_or_key_makes_it_panic(text in ".*", key in ".*", value in ".*") {
            let _ = (get(&text, &key), set(&text, &key, &value), unset(&text, &key), show(&text));
            let _ = (set(&text, "compile.std", &value), unset(FILE, &key), set(FILE, &key, &value));
        }
    }
}
