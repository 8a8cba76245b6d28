//! Changes of single values in the text itself.
//!
//! The parsed document only tells *where* something stands; the change is made on the bytes, so
//! that comments, order, unknown keys, Windows line endings and a missing final newline are kept
//! because nothing else is touched.  (Printing the document would normalise the line endings.)
//! Each change is read back before it is handed out.

use std::ops::Range;

use toml_edit::{Array, Document, InlineTable, Item, Table, TableLike, Value};

use super::read::line_at;
use crate::event::Diagnostic;

/// The parsed `text`.
pub(super) fn document(text: &str) -> Result<Document<&str>, Diagnostic> {
    Document::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_at(text, span.start));
        let message = e.message().lines().next().unwrap_or("it cannot be read").to_owned();
        Diagnostic::error(format!("not valid TOML: {message}")).at_line(line)
    })
}

/// What stands at `path`; a number picks one of an array of tables.
pub(super) fn locate<'d>(table: &'d dyn TableLike, path: &[String]) -> Option<&'d Item> {
    let (first, rest) = path.split_first()?;
    let item = table.get(first)?;
    if rest.is_empty() {
        return Some(item);
    }
    match item {
        Item::ArrayOfTables(tables) => {
            locate(tables.get(rest[0].parse().ok()?)? as &dyn TableLike, &rest[1..])
        }
        Item::Value(Value::Array(array)) => {
            locate(array.get(rest[0].parse().ok()?)?.as_inline_table()?, &rest[1..])
        }
        item => locate(item.as_table_like()?, rest),
    }
}

/// `text` with `value` at `path`: in the place of the old value, or on a new line of its section,
/// or in a new section at the end.
pub(super) fn put(text: &str, path: &[String], value: &Value) -> Result<String, Diagnostic> {
    let document = document(text)?;
    let repr = value.to_string().trim().to_owned();
    let name = path.join(".");
    let changed = match locate(document.as_table(), path) {
        Some(Item::Value(old)) if !is_dotted(old) => match old.span() {
            Some(span) => replaced(text, span, &repr),
            None => return Err(by_hand(&name)),
        },
        Some(_) => {
            let problem = Diagnostic::error(format!("`{name}` is a section, not a single value"));
            return Err(problem.hint("set the keys in it one by one"));
        }
        None => insert(text, document.as_table(), path, &repr).ok_or_else(|| by_hand(&name))?,
    };
    let reread = self::document(&changed).map_err(|_| by_hand(&name))?;
    match locate(reread.as_table(), path).and_then(Item::as_value) {
        Some(now) if json(now) == json(value) => Ok(changed),
        _ => Err(by_hand(&name)),
    }
}

/// `text` without `path`; unchanged when it is not there.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, Diagnostic> {
    let document = document(text)?;
    let name = path.join(".");
    let Some(item) = locate(document.as_table(), path) else { return Ok(text.to_owned()) };
    let (last, above) = path.split_last().ok_or_else(|| by_hand(&name))?;
    let parent: &dyn TableLike = match above {
        [] => document.as_table(),
        above => locate(document.as_table(), above).and_then(holder).ok_or_else(|| by_hand(&name))?,
    };
    let inline = above_is_inline(document.as_table(), above);
    let mut cuts = Vec::new();
    let key = parent.get_key_value(last).and_then(|(key, _)| key.span());
    match (inline, item) {
        (true, Item::Value(value)) if !is_dotted(value) && !above_is_dotted(document.as_table(), above) => {
            let (key, value) = key.zip(value.span()).ok_or_else(|| by_hand(&name))?;
            cuts.push(entry(text, key.start, value.end));
        }
        (true, _) => return Err(by_hand(&name)),
        (false, item) => lines_of(text, key, item, &mut cuts),
    }
    let changed = cut(text, cuts);
    let reread = self::document(&changed).map_err(|_| by_hand(&name))?;
    match locate(reread.as_table(), path) {
        None => Ok(changed),
        Some(_) => Err(by_hand(&name)),
    }
}

fn by_hand(name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` stands where it cannot be changed safely"))
        .hint("change it in an editor")
}

fn holder(item: &Item) -> Option<&dyn TableLike> {
    item.as_table_like()
}

/// Whether `value` is the `a` of `{ a.b = 1 }`, which has no text of its own.
fn is_dotted(value: &Value) -> bool {
    value.as_inline_table().is_some_and(InlineTable::is_dotted)
}

fn above_is_inline(root: &Table, above: &[String]) -> bool {
    (1..=above.len()).any(|n| matches!(locate(root, &above[..n]), Some(Item::Value(_))))
}

fn above_is_dotted(root: &Table, above: &[String]) -> bool {
    let dotted = |item: &Item| item.as_value().is_some_and(is_dotted);
    (1..=above.len()).any(|n| locate(root, &above[..n]).is_some_and(dotted))
}

fn replaced(text: &str, span: Range<usize>, with: &str) -> String {
    [&text[..span.start], with, &text[span.end..]].concat()
}

/// Where a new key goes.
enum Place<'d> {
    /// Among the lines of this table; the first so many parts of the path lead to it.
    Lines(&'d Table, usize),
    /// Into these braces.
    Braces(&'d InlineTable, usize),
    /// Under a header that is not there yet.
    NewSection,
}

fn insert(text: &str, root: &Table, path: &[String], repr: &str) -> Option<String> {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (_, above) = path.split_last()?;
    match place(root, path)? {
        Place::Lines(table, depth) => {
            let at = end_of_lines(text, table);
            Some(with_line(text, at, &format!("{} = {repr}", dotted(&path[depth..])), eol))
        }
        Place::Braces(table, depth) => {
            let end = table.span()?.end.checked_sub(1)?;
            let entry = format!("{} = {repr}", dotted(&path[depth..]));
            let inner = text[..end].trim_end();
            let (before, after) = match (table.is_empty(), inner.ends_with(',')) {
                (true, _) | (_, true) => (" ", " "),
                (false, false) => (", ", " "),
            };
            Some([inner, before, &entry, after, &text[end..]].concat())
        }
        Place::NewSection => {
            let gap = if text.trim_start_matches(BOM).is_empty() { "" } else { eol };
            let lines = format!("{gap}[{}]{eol}{} = {repr}", dotted(above), dotted(&path[above.len()..]));
            Some(with_line(text, text.len(), &lines, eol))
        }
    }
}

const BOM: char = '\u{feff}';

fn place<'d>(root: &'d Table, path: &[String]) -> Option<Place<'d>> {
    let mut place = Place::Lines(root, 0);
    let mut table: &dyn TableLike = root;
    // Whether the way from the place so far leads through dotted keys, which cannot be reopened
    // under a header.
    let mut through_dots = false;
    let mut at = 0;
    while at + 1 < path.len() {
        match table.get(&path[at]) {
            None if matches!(place, Place::Braces(..)) || through_dots => break,
            None => return Some(Place::NewSection),
            Some(Item::Table(inner)) => {
                through_dots = inner.is_dotted();
                if !inner.is_dotted() {
                    place = if inner.is_implicit() { Place::NewSection } else { Place::Lines(inner, at + 1) };
                }
                table = inner;
            }
            Some(Item::ArrayOfTables(tables)) => {
                at += 1;
                let inner = tables.get(path.get(at)?.parse().ok()?)?;
                (place, table, through_dots) = (Place::Lines(inner, at + 1), inner, false);
            }
            Some(Item::Value(Value::InlineTable(inner))) => {
                if !inner.is_dotted() {
                    place = Place::Braces(inner, at + 1);
                }
                table = inner;
            }
            Some(Item::Value(Value::Array(array))) => {
                at += 1;
                let inner = inline_at(array, path.get(at)?)?;
                (place, table) = (Place::Braces(inner, at + 1), inner);
            }
            Some(_) => return None,
        }
        at += 1;
    }
    Some(place)
}

fn inline_at<'d>(array: &'d Array, at: &str) -> Option<&'d InlineTable> {
    array.get(at.parse().ok()?)?.as_inline_table()
}

/// The parts as TOML writes them, quoted where needed.
fn dotted(path: &[String]) -> String {
    path.iter().map(|part| toml_edit::Key::new(part).to_string()).collect::<Vec<_>>().join(".")
}

/// Behind the last line of `table`'s own keys, or of its header.
fn end_of_lines(text: &str, table: &Table) -> usize {
    let header = table.span().filter(|_| table.position() != Some(0) && !table.is_implicit());
    match last_end(table).or(header.map(|span| span.end).filter(|end| *end > 0)) {
        Some(end) => next_line(text, end),
        None if text.starts_with(BOM) => BOM.len_utf8(),
        None => 0,
    }
}

fn last_end(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => Some(value.span()?.end),
        Item::Table(inner) if inner.is_dotted() => last_end(inner),
        _ => None,
    });
    ends.max()
}

fn next_line(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at + 1)
}

/// `text` with `line` before byte `at`, which begins a line or is the end; a missing final
/// newline stays missing.
fn with_line(text: &str, at: usize, line: &str, eol: &str) -> String {
    let (before, after) = text.split_at(at);
    let open = !before.trim_start_matches(BOM).is_empty() && !before.ends_with('\n');
    match open {
        true => [before, eol, line, after].concat(),
        false => [before, line, eol, after].concat(),
    }
}

/// The lines that hold `item` and everything below it.
fn lines_of(text: &str, key: Option<Range<usize>>, item: &Item, cuts: &mut Vec<Range<usize>>) {
    let below = |table: &Table, cuts: &mut Vec<Range<usize>>| {
        if !table.is_implicit() && !table.is_dotted() {
            cuts.extend(table.span().map(|span| whole_lines(text, &span)));
        }
        for (name, item) in table.iter() {
            let key = table.key(name).and_then(toml_edit::Key::span);
            lines_of(text, key, item, cuts);
        }
    };
    match item {
        Item::Value(value) => {
            if let Some((key, value)) = key.zip(value.span()) {
                cuts.push(whole_lines(text, &(key.start..value.end)));
            }
        }
        Item::Table(table) => below(table, cuts),
        Item::ArrayOfTables(tables) => tables.iter().for_each(|table| below(table, cuts)),
        Item::None => {}
    }
}

fn whole_lines(text: &str, span: &Range<usize>) -> Range<usize> {
    let bom = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let start = text[..span.start].rfind('\n').map_or(bom, |at| at + 1);
    start..next_line(text, span.end)
}

/// The bytes of one `key = value` between braces, with one comma.
fn entry(text: &str, start: usize, end: usize) -> Range<usize> {
    let after = text[end..].trim_start();
    if let Some(rest) = after.strip_prefix(',') {
        return start..text.len() - rest.trim_start_matches([' ', '\t']).len();
    }
    let before = text[..start].trim_end();
    before.strip_suffix(',').map_or(start, |before| before.len())..end
}

/// `text` without `cuts`; a missing final newline stays missing.
fn cut(text: &str, mut cuts: Vec<Range<usize>>) -> String {
    cuts.sort_by_key(|cut| cut.start);
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for cut in cuts {
        if cut.start >= at {
            kept.push_str(&text[at..cut.start]);
        }
        at = at.max(cut.end);
    }
    kept.push_str(&text[at..]);
    if !text.ends_with('\n') && kept.ends_with('\n') {
        kept.truncate(kept.trim_end_matches(['\r', '\n']).len());
    }
    kept
}

/// `value` as JSON, which has no comments, no spelling and no order of its own.
pub(super) fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::String(text) => Json::from(text.value().as_str()),
        Value::Integer(number) => Json::from(*number.value()),
        Value::Float(number) => Json::from(*number.value()),
        Value::Boolean(flag) => Json::from(*flag.value()),
        Value::Datetime(time) => Json::from(time.value().to_string()),
        Value::Array(array) => array.iter().map(json).collect(),
        Value::InlineTable(table) => json_of(table),
    }
}

/// As [`json`], for a whole table.
pub(super) fn json_of(table: &dyn TableLike) -> serde_json::Value {
    let entry = |(name, item): (&str, &Item)| {
        let value = match item {
            Item::Value(value) => json(value),
            Item::Table(table) => json_of(table),
            Item::ArrayOfTables(tables) => tables.iter().map(|table| json_of(table)).collect(),
            Item::None => serde_json::Value::Null,
        };
        (name.to_owned(), value)
    };
    serde_json::Value::Object(table.iter().map(entry).collect())
}
