//! `configure_file` and `string(CONFIGURE)`: a template with the values put in.

use std::collections::BTreeSet;

/// `template` with `@NAME@` (and `${NAME}` unless `at_only`) replaced by values, and with
/// `#cmakedefine NAME …` and `#cmakedefine01 NAME` turned into `#define` or a comment, as
/// cmake-commands(7) describes it.  A name without a value is empty.
pub fn substitute(template: &[u8], at_only: bool, value: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len());
    for line in template.split_inclusive(|&b| b == b'\n') {
        let end = line.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |at| at + 1);
        let (text, newline) = line.split_at(end);
        match define(text) {
            Some(define) => out.extend(defined(&define, at_only, value)),
            None => out.extend(references(text, at_only, value)),
        }
        out.extend_from_slice(newline);
    }
    out
}

/// All names that `template` refers to.
pub fn names_in(template: &[u8], at_only: bool) -> BTreeSet<String> {
    let names = std::cell::RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        names.borrow_mut().insert(name.to_owned());
        // True, so that the rest of a `#cmakedefine` is looked at too.
        Some("1".to_owned())
    };
    substitute(template, at_only, &note);
    names.into_inner()
}

/// A `#cmakedefine` line.
struct Define<'a> {
    /// Everything before `cmakedefine`: `#` and blanks.
    head: &'a [u8],
    /// Whether it is `#cmakedefine01`.
    number: bool,
    name: &'a [u8],
    /// What follows the name.
    rest: &'a [u8],
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|&&b| b == b' ' || b == b'\t').count()
}

fn define(line: &[u8]) -> Option<Define<'_>> {
    let indent = blanks(line);
    let after_hash = line[indent..].strip_prefix(b"#")?;
    let inner = blanks(after_hash);
    let head = &line[..indent + 1 + inner];
    let text = after_hash[inner..].strip_prefix(b"cmakedefine")?;
    let (number, text) = match text.strip_prefix(b"01") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let gap = blanks(text);
    let text = &text[gap..];
    let len = text.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count();
    if gap == 0 || len == 0 {
        return None;
    }
    Some(Define { head, number, name: &text[..len], rest: &text[len..] })
}

fn defined(define: &Define<'_>, at_only: bool, value: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
    let name = String::from_utf8_lossy(define.name);
    let on = value(&name).is_some_and(|value| !super::text::is_false_constant(&value));
    let mut out = Vec::new();
    if define.number {
        out.extend_from_slice(define.head);
        out.extend_from_slice(b"define ");
        out.extend_from_slice(define.name);
        out.extend_from_slice(if on { b" 1" } else { b" 0" });
    } else if on {
        out.extend_from_slice(define.head);
        out.extend_from_slice(b"define ");
        out.extend_from_slice(define.name);
        out.extend(references(define.rest, at_only, value));
    } else {
        out.extend_from_slice(b"/* ");
        out.extend_from_slice(define.head);
        out.extend_from_slice(b"undef ");
        out.extend_from_slice(define.name);
        out.extend_from_slice(b" */");
    }
    out
}

/// `text` with references replaced.
fn references(text: &[u8], at_only: bool, value: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let found = if rest[0] == b'@' {
            name(&rest[1..], b'@').map(|name| (name, 2))
        } else if !at_only && rest.starts_with(b"${") {
            name(&rest[2..], b'}').map(|name| (name, 3))
        } else {
            None
        };
        match found {
            Some((name, around)) => {
                out.extend(value(name).unwrap_or_default().into_bytes());
                at += name.len() + around;
            }
            None => {
                out.push(rest[0]);
                at += 1;
            }
        }
    }
    out
}

/// The name at the beginning of `text`, if `end` follows it.
fn name(text: &[u8], end: u8) -> Option<&str> {
    let len = text
        .iter()
        .take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'.' | b'+' | b'-'))
        .count();
    if len == 0 || text.get(len) != Some(&end) {
        return None;
    }
    std::str::from_utf8(&text[..len]).ok()
}
