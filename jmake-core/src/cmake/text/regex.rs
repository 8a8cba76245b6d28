//! CMake's regular expressions, by way of the `regex` crate.
//!
//! The dialect is small: `^ $ . [ ] - * + ? | ( )` and a backslash that makes the next character
//! an ordinary one.  Within brackets a backslash is a character like others; braces are ordinary
//! everywhere; `^` and `$` are the ends of the text, and `.` matches a newline too.

use regex::{Captures, Regex, RegexBuilder};

/// Larger automata than this are refused; the largest in real projects are far smaller.
const LARGEST: usize = 1 << 20;

/// Compiles a pattern; `None` when it is not one.
pub(in crate::cmake) fn compile(pattern: &str) -> Option<Regex> {
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated)
        .dot_matches_new_line(true)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .nest_limit(60)
        .build()
        .ok()
}

fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let next = rest.chars().next()?;
                literal(next, &mut out);
                rest = &rest[next.len_utf8()..];
            }
            '[' => rest = class(rest, &mut out)?,
            '^' => out.push_str(r"\A"),
            '$' => out.push_str(r"\z"),
            '.' | '*' | '+' | '?' | '|' | '(' | ')' => out.push(c),
            _ => literal(c, &mut out),
        }
    }
    Some(out)
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

/// Translates a bracket expression whose `[` was taken; returns what follows it.
fn class<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    out.push('[');
    let negated = text.strip_prefix('^');
    if negated.is_some() {
        out.push('^');
    }
    let body = negated.unwrap_or(text);
    // A `]` at the very beginning is an ordinary character.
    let from = body.chars().next()?.len_utf8();
    let end = from + body[from..].find(']')?;
    let inner: Vec<char> = body[..end].chars().collect();
    let mut at = 0;
    while at < inner.len() {
        let range = at + 2 < inner.len() && inner[at + 1] == '-';
        literal(inner[at], out);
        if range {
            out.push('-');
            literal(inner[at + 2], out);
        }
        at += if range { 3 } else { 1 };
    }
    out.push(']');
    Some(&body[end + 1..])
}

/// All matches of `regex` in `text`, one after the other.  As in CMake, what follows a match is
/// searched as a text of its own, so `^` can match again; an empty match ends the search.
pub(in crate::cmake) fn each<'t>(
    regex: &Regex,
    text: &'t str,
    mut found: impl FnMut(&'t str, &Captures<'t>),
) -> usize {
    let mut from = 0;
    while let Some(captures) = regex.captures(&text[from..]) {
        let Some(whole) = captures.get(0).filter(|whole| !whole.is_empty()) else { break };
        found(&text[from..from + whole.start()], &captures);
        from += whole.end();
    }
    from
}

/// `text` with each match replaced by `template`, in which `\1` to `\9` stand for groups and `\0`
/// for the whole match.  `None` when the result is longer than `limit`.
pub(in crate::cmake) fn replace(regex: &Regex, text: &str, template: &str, limit: usize) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut over = false;
    let end = each(regex, text, |before, captures| {
        over |= out.len() > limit;
        if !over {
            out.push_str(before);
            fill(template, captures, &mut out);
        }
    });
    out.push_str(&text[end..]);
    (!over && out.len() <= limit).then_some(out)
}

fn fill(template: &str, captures: &Captures<'_>, out: &mut String) {
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                let group = digit.to_digit(10).unwrap_or(0) as usize;
                out.push_str(captures.get(group).map_or("", |group| group.as_str()));
            }
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
}
