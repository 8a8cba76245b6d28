//! The values a key may take: from TOML to typed settings, or to a sentence that says what was
//! expected.
//!
//! Sizes and durations are texts with a unit (`"10GB"`, `"90d"`); they are parsed here and nowhere
//! else.  An empty text means "not set" for every kind, because the first jmake wrote empty texts
//! for what it did not know.

use std::time::Duration;

use toml_edit::{Item, TableLike, Value};

use super::{Debug, Export, Kind, Lto, OptLevel};

/// What values a key takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// Any text.
    Text,
    /// A text without anything that a compiler could read as more than one word.
    Word,
    /// The name of a file, without its folder.
    FileName,
    /// A text or a number, kept as text: `llvm.version = 19`.
    Version,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// How many at once: a number from 1.
    Jobs,
    /// A list of texts.
    List,
    /// A list of [`Takes::Word`].
    Words,
    /// A list of folders.
    Dirs,
    /// A list of globs.
    Globs,
    /// A table of macros, or a list of `NAME` and `NAME=value`.
    Defines,
    /// A table of texts.
    Texts,
    /// A size in bytes: `"10GB"`.
    Size,
    /// A span of time: `"90d"`.
    Time,
    /// [`Kind`].
    Kind,
    /// [`Export`].
    Export,
    /// [`OptLevel`].
    OptLevel,
    /// [`Debug`].
    Debug,
    /// [`Lto`].
    Lto,
    /// A list of sanitizers.
    Sanitizers,
    /// Anything at all.
    Anything,
}

/// A value of a known kind.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Setting {
    Text(String),
    Bool(bool),
    Number(u32),
    List(Vec<String>),
    Defines(Vec<(String, Option<String>)>),
    Texts(Vec<(String, String)>),
    Size(u64),
    Time(Duration),
    Kind(Kind),
    Export(Export),
    OptLevel(OptLevel),
    Debug(Debug),
    Lto(Lto),
    /// An empty text: as if the key were not there.
    Unset,
}

/// The sanitizers clang knows and a library can be built with.
const SANITIZERS: &[&str] = &["address", "undefined", "thread", "memory", "leak", "integer", "bounds"];

impl Takes {
    /// What is expected, to follow "must be".
    pub fn expected(self) -> &'static str {
        match self {
            Takes::Text => "a text",
            Takes::Word => "a plain word",
            Takes::FileName => "a plain file name",
            Takes::Words => "a list of plain words",
            Takes::Dirs => "a list of folders",
            Takes::Version => "a text or a number",
            Takes::Bool => "`true` or `false`",
            Takes::Number => "a whole number from 0",
            Takes::Jobs => "a whole number from 1 to 4096",
            Takes::List => "a list of texts",
            Takes::Globs => "a list of globs",
            Takes::Defines => "a table of macros",
            Takes::Texts => "a table of texts",
            Takes::Size => "a size such as `\"10GB\"`",
            Takes::Time => "a time such as `\"90d\"`",
            Takes::Kind => "one of `shared`, `static`, `executable`, `prebuilt`",
            Takes::Export => "`\"all\"` or a list of symbols",
            Takes::OptLevel => "one of `0`, `1`, `2`, `3`, `s`, `z`",
            Takes::Debug => "`true`, `false` or `\"lines\"`",
            Takes::Lto => "one of `off`, `thin`, `full`",
            Takes::Sanitizers => "a list of sanitizers such as `[\"address\", \"undefined\"]`",
            Takes::Anything => "anything",
        }
    }

    /// The setting that `item` spells; the error says why it is none, to follow the key's name.
    pub(super) fn read(self, item: &Item) -> Result<Setting, String> {
        if self != Takes::Anything && item.as_str().is_some_and(str::is_empty) {
            return Ok(Setting::Unset);
        }
        let wrong = || format!("must be {}, not {}", self.expected(), shown(item));
        let read = match self {
            Takes::Text => item.as_str().map(|s| Setting::Text(s.to_owned())),
            Takes::Word => item.as_str().filter(|s| is_word(s)).map(|s| Setting::Text(s.to_owned())),
            Takes::FileName => item.as_str().filter(|s| is_file_name(s)).map(|s| Setting::Text(s.to_owned())),
            Takes::Words => list(item).filter(|list| list.iter().all(|s| is_word(s))).map(Setting::List),
            Takes::Dirs => return dirs(list(item).ok_or_else(wrong)?),
            Takes::Version => scalar(item).map(Setting::Text),
            Takes::Bool => item.as_bool().map(Setting::Bool),
            Takes::Number => item.as_integer().and_then(|n| n.try_into().ok()).map(Setting::Number),
            Takes::Jobs => jobs(item),
            Takes::List => list(item).map(Setting::List),
            Takes::Globs => return globs(list(item).ok_or_else(wrong)?),
            Takes::Defines => return defines(item).ok_or_else(wrong)?.map(Setting::Defines),
            Takes::Texts => texts(item).map(Setting::Texts),
            Takes::Size => item.as_str().and_then(size).or_else(|| number(item)).map(Setting::Size),
            Takes::Time => item.as_str().and_then(duration).map(Setting::Time),
            Takes::Kind => item.as_str().and_then(kind).map(Setting::Kind),
            Takes::Export => export(item).map(Setting::Export),
            Takes::OptLevel => scalar(item).as_deref().and_then(opt_level).map(Setting::OptLevel),
            Takes::Debug => scalar(item).as_deref().and_then(debug).map(Setting::Debug),
            Takes::Lto => scalar(item).as_deref().and_then(lto).map(Setting::Lto),
            Takes::Sanitizers => return sanitizers(list(item).ok_or_else(wrong)?),
            Takes::Anything => Some(Setting::Unset),
        };
        read.ok_or_else(wrong)
    }
}

/// What `item` is, for a message: its kind, and its text when that is short.
fn shown(item: &Item) -> String {
    match item {
        Item::Value(Value::Array(_)) => "a list".to_owned(),
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table".to_owned(),
        Item::ArrayOfTables(_) => "a list of tables".to_owned(),
        item => {
            let text = item.to_string();
            let text = text.trim();
            if text.len() > 60 || text.contains('\n') {
                return format!("a {}", item.type_name());
            }
            format!("`{text}`")
        }
    }
}

/// A text, number or truth value as text.
fn scalar(item: &Item) -> Option<String> {
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(_) => Some(item.to_string().trim().to_owned()),
        Value::Boolean(flag) => Some(flag.value().to_string()),
        _ => None,
    }
}

fn number(item: &Item) -> Option<u64> {
    item.as_integer()?.try_into().ok()
}

/// `true`, which the first jmake wrote for "in parallel", means as many as there are cores.
fn jobs(item: &Item) -> Option<Setting> {
    match item.as_bool() {
        Some(true) => Some(Setting::Unset),
        Some(false) => Some(Setting::Number(1)),
        None => number(item).filter(|n| (1..=4096).contains(n)).map(|n| Setting::Number(n as u32)),
    }
}

fn list(item: &Item) -> Option<Vec<String>> {
    let array = item.as_array()?;
    let texts: Option<Vec<String>> = array.iter().map(|value| Some(value.as_str()?.to_owned())).collect();
    Some(texts?.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Whether `text` is one word to every program: it becomes a part of an argument, and where clang
/// looks for files of that name (a triple with `/` in it chooses programs) it must be no path.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+' | b':'))
}

/// Whether `text` can be a file's name in an argument of the linker, whose flags end at commas.
fn is_file_name(text: &str) -> bool {
    !text.starts_with(['-', '.', '@']) && !text.contains(|c: char| c == '/' || c == ',' || c.is_control())
}

/// Folders that no compiler can take for a flag or a file of flags.
fn dirs(list: Vec<String>) -> Result<Setting, String> {
    match list.iter().find(|dir| dir.starts_with(['-', '@'])) {
        Some(dir) => Err(format!("holds `{dir}`; write `./{dir}`")),
        None => Ok(Setting::List(list)),
    }
}

fn globs(list: Vec<String>) -> Result<Setting, String> {
    for glob in &list {
        if let Err(e) = globset::GlobBuilder::new(glob).literal_separator(true).build() {
            return Err(format!("holds `{glob}`, which is no glob: {}", e.kind()));
        }
    }
    Ok(Setting::List(list))
}

/// The outer `None` is a wrong type; the inner error a macro that cannot be one.
#[expect(clippy::type_complexity, reason = "one use, and an alias would only hide the two failures")]
fn defines(item: &Item) -> Option<Result<Vec<(String, Option<String>)>, String>> {
    let mut found = Vec::new();
    if let Some(table) = item.as_table_like() {
        for (name, value) in table.iter() {
            match scalar(value)?.as_str() {
                // `false` takes the macro away again, so that a table can say both.
                "false" if value.as_bool().is_some() => continue,
                "true" if value.as_bool().is_some() => found.push((name.to_owned(), None)),
                "" => found.push((name.to_owned(), None)),
                text => found.push((name.to_owned(), Some(text.to_owned()))),
            }
        }
    } else {
        for text in list(item)? {
            let text = text.strip_prefix("-D").unwrap_or(&text);
            match text.split_once('=') {
                Some((name, value)) => found.push((name.to_owned(), Some(value.to_owned()))),
                None => found.push((text.to_owned(), None)),
            }
        }
    }
    match found.iter().find(|(name, _)| !is_macro(name)) {
        Some((name, _)) => Some(Err(format!("holds `{name}`, which cannot be the name of a macro"))),
        None => Some(Ok(found)),
    }
}

/// Whether `name` can follow `-D`: an identifier, perhaps with parameters.
fn is_macro(name: &str) -> bool {
    let ident = name.split_once('(').map_or(name, |(ident, _)| ident);
    let closed = !name.contains('(') || name.ends_with(')');
    closed
        && !ident.is_empty()
        && !ident.starts_with(|c: char| c.is_ascii_digit())
        && ident.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn texts(item: &Item) -> Option<Vec<(String, String)>> {
    let table: &dyn TableLike = item.as_table_like()?;
    let mut found = Vec::new();
    for (name, value) in table.iter() {
        match value.as_str()? {
            "" => continue,
            text => found.push((name.to_owned(), text.to_owned())),
        }
    }
    Some(found)
}

fn kind(text: &str) -> Option<Kind> {
    Some(match text.to_ascii_lowercase().as_str() {
        "shared" => Kind::Shared,
        "static" => Kind::Static,
        "executable" => Kind::Executable,
        "prebuilt" => Kind::Prebuilt,
        _ => return None,
    })
}

fn export(item: &Item) -> Option<Export> {
    match item.as_str() {
        Some("all") => Some(Export::All),
        Some(_) => None,
        // They end up in a version script, in which these would end the name.
        None => list(item)
            .filter(|names| !names.iter().any(|name| name.contains([';', '{', '}', '"', '\n'])))
            .map(Export::Listed),
    }
}

fn opt_level(text: &str) -> Option<OptLevel> {
    let text = text.strip_prefix('-').unwrap_or(text);
    Some(match text.strip_prefix('O').unwrap_or(text) {
        "0" => OptLevel::O0,
        "1" => OptLevel::O1,
        "2" => OptLevel::O2,
        "3" => OptLevel::O3,
        "s" => OptLevel::Os,
        "z" => OptLevel::Oz,
        _ => return None,
    })
}

fn debug(text: &str) -> Option<Debug> {
    Some(match text {
        "false" | "0" | "none" => Debug::None,
        "lines" | "1" | "line-tables-only" => Debug::Lines,
        "true" | "2" | "full" => Debug::Full,
        _ => return None,
    })
}

fn lto(text: &str) -> Option<Lto> {
    Some(match text {
        "off" | "false" => Lto::Off,
        "thin" => Lto::Thin,
        // What `true` meant in the first jmake: link all the IR, optimise once.
        "full" | "true" => Lto::Full,
        _ => return None,
    })
}

fn sanitizers(list: Vec<String>) -> Result<Setting, String> {
    match list.iter().find(|name| !SANITIZERS.contains(&name.as_str())) {
        Some(name) => Err(format!("holds `{name}`; known are `{}`", SANITIZERS.join("`, `"))),
        None => Ok(Setting::List(list)),
    }
}

/// The number of bytes that `text` spells: digits and `B`, `kB`, `MB`, `GB`, `TB` (thousands) or
/// `KiB`, `MiB`, `GiB`, `TiB` (1024s), in any case, with or without a space.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// The time that `text` spells: digits and one of `ms`, `s`, `m` or `min`, `h`, `d`, `w`.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds: u64 = match unit.to_ascii_lowercase().as_str() {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

/// `bytes` in the largest unit that loses nothing, as [`size`] reads it.
pub fn show_size(bytes: u64) -> String {
    let units = [
        ("TiB", 1 << 40),
        ("TB", 1_000_000_000_000),
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("kB", 1_000),
    ];
    exactly(bytes, &units).unwrap_or_else(|| format!("{bytes}B"))
}

/// `time` in the largest unit that loses nothing, as [`duration`] reads it; parts below a
/// millisecond are dropped.
pub fn show_duration(time: Duration) -> String {
    let units = [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let millis = time.as_millis().try_into().unwrap_or(u64::MAX);
    exactly(millis, &units).unwrap_or_else(|| format!("{millis}ms"))
}

fn exactly(amount: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, scale) = units.iter().find(|(_, scale)| amount >= *scale && amount.is_multiple_of(*scale))?;
    Some(format!("{}{unit}", amount / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("10GB", Some(10_000_000_000)),
            ("500 MiB", Some(500 << 20)),
            ("0", Some(0)),
            ("1k", Some(1_000)),
            ("12 tb", Some(12_000_000_000_000)),
            ("99999999TB", None),
            ("10 XB", None),
            ("-1GB", None),
            ("GB", None),
            ("", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
            if let Some(bytes) = bytes {
                assert_eq!(size(&show_size(bytes)), Some(bytes), "{text}");
            }
        }
    }

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("90d", Some(7_776_000)),
            ("12h", Some(43_200)),
            ("2 min", Some(120)),
            ("1w", Some(604_800)),
            ("7", None),
            ("d", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(show_duration(Duration::from_secs(7_776_000)), "90d");
        assert_eq!(show_duration(Duration::from_millis(50)), "50ms");
    }

    #[test]
    fn macros() {
        for (name, good) in
            [("A", true), ("F(x)", true), ("1A", false), ("", false), ("A B", false), ("F(x", false)]
        {
            assert_eq!(is_macro(name), good, "{name}");
        }
    }
}
