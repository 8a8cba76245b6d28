//! What a failed tool complains of, as values: file, line, column, severity, message, notes.
//!
//! clang's own text is read, not guessed at.  With colour, as jmake asks for it, the form is exact:
//! the place is bold, the severity has a colour of its own and the message ends where boldness does,
//! so neither a line of source that looks like a complaint nor a message of several lines misleads.
//! Without colour (a tool that has none, a project that turned it off) a line counts when it begins
//! with a place or a program and one of five severities, and is no quoted source.  Linkers' complaints
//! are those of [`crate::link_errors`], in the same shape.

use serde::{Deserialize, Serialize};

use crate::event::Severity;
use crate::link_errors::{LinkError, Place, parse_link_errors};

/// One thing that a tool complains of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Complaint {
    /// How much it matters; what clang calls fatal is an error.
    pub severity: Severity,
    /// The file, from the root where it lies below it; `None` when it is about none.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in bytes, from 1.
    pub column: Option<usize>,
    /// What is wrong, in the tool's words and without colour.
    pub message: String,
    /// What the tool adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Remark>,
    /// The includes that led to the file, as `file:line`, outermost last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_from: Vec<String>,
}

/// What a tool adds to a complaint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Remark {
    /// The file, if it is about one.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in bytes, from 1.
    pub column: Option<usize>,
    /// What it says.
    pub message: String,
}

impl Complaint {
    /// An error that is about no file.
    pub fn error(message: impl Into<String>) -> Complaint {
        Complaint {
            severity: Severity::Error,
            file: None,
            line: None,
            column: None,
            message: message.into(),
            notes: Vec::new(),
            included_from: Vec::new(),
        }
    }

    /// Whether the tool failed for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Where a complaint is, and where its text begins.
struct Head<'t> {
    place: &'t str,
    severity: Severity,
    message: &'t str,
}

/// The words for severities, as clang and its kin write them.
const SEVERITIES: [(&str, Severity); 5] = [
    ("fatal error", Severity::Error),
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("remark", Severity::Note),
    ("note", Severity::Note),
];

/// What a compiler, or another tool of LLVM, complains of in `text`, which may be coloured.
pub fn of_compiler(text: &str) -> Vec<Complaint> {
    let coloured = text.contains("\x1b[");
    let lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<Complaint> = Vec::new();
    let mut chain: Vec<String> = Vec::new();
    let mut at = 0;
    let mut located = false;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if let Some(from) = plain(line).strip_prefix("In file included from ") {
            chain.push(normal(from.trim_end_matches([':', ','])).to_owned());
            continue;
        }
        // Source that is quoted without a number before it is followed by the line that points into it.
        let quoted = located && lines.get(at).is_some_and(|next| points(next));
        located = false;
        let head = match coloured {
            true => coloured_head(line).or_else(|| own_head(line)),
            false if quoted => None,
            false => plain_head(line),
        };
        let Some(head) = head else { continue };
        let mut message = head.message.to_owned();
        // A bold message goes on until boldness ends.
        let bold = coloured && head.severity != Severity::Note && message.starts_with("\x1b[1m");
        while bold && !message.ends_with("\x1b[0m") && at < lines.len() {
            message.push('\n');
            message.push_str(lines[at]);
            at += 1;
        }
        let (file, row, column) = place(head.place);
        located = file.is_some();
        let message = plain(&message).trim_end().to_owned();
        let last = found.last_mut().filter(|_| head.severity == Severity::Note && !is_remark(line));
        match last {
            Some(about) => {
                about.notes.push(Remark { file, line: row, column, message });
                chain.clear();
            }
            None => found.push(Complaint {
                severity: head.severity,
                file,
                line: row,
                column,
                message,
                notes: Vec::new(),
                included_from: std::mem::take(&mut chain),
            }),
        }
    }
    found
}

/// What a linker complains of in `text`; `source` knows which source an object was.
pub fn of_linker(text: &str, source: impl Fn(&str) -> Option<String>) -> Vec<Complaint> {
    let plain = plain(text);
    let mut found: Vec<Complaint> = plain.lines().filter_map(beside).collect();
    for error in parse_link_errors(&plain) {
        let (message, places) = match error {
            LinkError::Other(line) => {
                let message = plain_head(&line).map_or(&*line, |head| head.message).to_owned();
                found.push(Complaint { notes: details(&plain, &line), ..Complaint::error(message) });
                continue;
            }
            LinkError::Undefined { symbol, used_by } => (format!("undefined symbol: {symbol}"), used_by),
            LinkError::Duplicate { symbol, places } => (format!("duplicate symbol: {symbol}"), places),
            LinkError::MissingLibrary { name } => (format!("no library -l{name}"), Vec::new()),
        };
        let notes: Vec<Remark> = places.iter().map(|place| remark(place, &source)).collect();
        let first = notes.first().cloned();
        found.push(Complaint {
            file: first.as_ref().and_then(|note| note.file.clone()),
            line: first.as_ref().and_then(|note| note.line),
            notes,
            ..Complaint::error(message)
        });
    }
    found
}

/// What lld and mold write below the complaint `line`.
fn details(text: &str, line: &str) -> Vec<Remark> {
    let below = text.lines().skip_while(|other| other.trim() != line).skip(1);
    let below = below.map_while(|detail| detail.strip_prefix(">>>"));
    let remark =
        |text: &str| Remark { file: None, line: None, column: None, message: text.trim().to_owned() };
    below.map(remark).collect()
}

/// What linkers say besides what [`parse_link_errors`] takes for errors.
fn beside(line: &str) -> Option<Complaint> {
    let head = plain_head(line)?;
    let other = head.severity == Severity::Warning || line.starts_with("LLVM ERROR: ");
    other.then(|| Complaint { severity: head.severity, ..Complaint::error(head.message) })
}

fn remark(at: &Place, source: &impl Fn(&str) -> Option<String>) -> Remark {
    let told = at.source.as_deref().map(|text| match text.rsplit_once(':') {
        Some((file, line)) if line.parse::<usize>().is_ok() => (file.to_owned(), line.parse().ok()),
        _ => (text.to_owned(), None),
    });
    let known = source(&at.object);
    let line = told.as_ref().and_then(|(_, line)| *line);
    let file = known.or_else(|| told.map(|(file, _)| normal(&file).to_owned()));
    let object = if at.object.is_empty() { "an object" } else { &at.object };
    let message = match &at.within {
        Some(within) => format!("in `{within}` of {object}"),
        None => format!("in {object}"),
    };
    Remark { file, line, column: None, message }
}

/// `\x1b[1mPLACE: \x1b[0m\x1b[0;1;31merror: \x1b[0mMESSAGE`; a driver writes its name plainly.
fn coloured_head(line: &str) -> Option<Head<'_>> {
    let mut rest = line;
    while let Some(after) = rest.strip_prefix("\x1b[0m") {
        rest = after;
    }
    let (place, rest) = match rest.strip_prefix("\x1b[1m") {
        Some(bold) => bold.split_once(": \x1b[0m")?,
        // `clang++: `, or nothing at all.
        None => {
            let (before, after) = rest.split_at(rest.find('\x1b')?);
            let program = before.strip_suffix(": ").unwrap_or(before);
            if program.len() == before.len() && !before.is_empty() || program.contains(char::is_whitespace) {
                return None;
            }
            (program, after)
        }
    };
    let (colour, rest) = rest.strip_prefix("\x1b[")?.split_once('m')?;
    if !colour.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') {
        return None;
    }
    let (severity, rest) = severity(rest)?;
    Some(Head { place, severity, message: rest.strip_prefix("\x1b[0m")? })
}

/// What jmake itself, or LLVM below the compiler, writes among coloured text.
fn own_head(line: &str) -> Option<Head<'_>> {
    let plain_error = line.starts_with("error: ") || line.starts_with("LLVM ERROR: ");
    (plain_error && !line.contains('\x1b')).then(|| plain_head(line)).flatten()
}

/// `PLACE: error: MESSAGE`, `PROGRAM: error: MESSAGE` or `error: MESSAGE`.
fn plain_head(line: &str) -> Option<Head<'_>> {
    if let Some(message) = line.strip_prefix("LLVM ERROR: ") {
        return Some(Head { place: "", severity: Severity::Error, message });
    }
    if let Some((severity, message)) = severity(line) {
        return Some(Head { place: "", severity, message });
    }
    // Quoted source has blanks and its number before it.
    if line.starts_with(char::is_whitespace) {
        return None;
    }
    let mut from = 0;
    while let Some(colon) = line[from..].find(": ").map(|at| from + at) {
        let before = &line[..colon];
        if let Some((severity, message)) = severity(&line[colon + 2..]) {
            let program = !before.contains(char::is_whitespace);
            return (program || place(before).1.is_some()).then_some(Head {
                place: before,
                severity,
                message,
            });
        }
        from = colon + 2;
    }
    None
}

/// The severity that `text` begins with, and what follows.
fn severity(text: &str) -> Option<(Severity, &str)> {
    SEVERITIES
        .iter()
        .find_map(|(word, severity)| Some((*severity, text.strip_prefix(word)?.strip_prefix(": ")?)))
}

fn is_remark(line: &str) -> bool {
    plain(line).contains(": remark: ")
}

/// Whether a line points into the source above it: `     ^~~~`.
fn points(line: &str) -> bool {
    let line = plain(line);
    line.contains('^') && line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'^' | b'~'))
}

/// File, line and column; a program's name is none.
fn place(text: &str) -> (Option<String>, Option<usize>, Option<usize>) {
    let number = |text: &str| text.parse::<usize>().ok();
    let file = |file: &str| Some(normal(file).to_owned());
    if let Some((before, last)) = text.rsplit_once(':')
        && let Some(last) = number(last)
    {
        return match before.rsplit_once(':').and_then(|(name, line)| Some((name, number(line)?))) {
            Some((name, line)) => (file(name), Some(line), Some(last)),
            None => (file(before), Some(last), None),
        };
    }
    (None, None, None)
}

/// A path as the project writes it.
fn normal(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// `text` without the escapes that colour it.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 2..];
        rest = rest.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &rest[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURED: &str = "In file included from src/a.cpp:1:\nIn file included from ./inc/b.h:2:\n\
        \x1b[1m./inc/h.h:1:6: \x1b[0m\x1b[0;1;31merror: \x1b[0m\x1b[1mcannot \x1b[0m\x1b[0;1;36minit\x1b[0m\x1b[1m it\x1b[0m\n    \
        1 | \x1b[0;34mint\x1b[0m *q = x.c:1:2: error: no;\n      | \x1b[0;1;32m     ^\n\
        \x1b[0m\x1b[1minc/h.h:9:1: \x1b[0m\x1b[0;1;36mnote: \x1b[0mdeclared here\n\
        \x1b[1ma.cpp:5:15: \x1b[0m\x1b[0;1;31mfatal error: \x1b[0m\x1b[1mfailed: one\nb.c:1:2: error: two\x1b[0m\n\
        \x1b[1ma.cpp:6:1: \x1b[0m\x1b[0;1;35mwarning: \x1b[0m\x1b[1modd [-Wodd]\x1b[0m\n1 error generated.\n\
        clang++: \x1b[0;1;31merror: \x1b[0m\x1b[1munknown argument: '-x'\x1b[0m\n\
        error: `clang` was ended by signal 9 (killed)\nx.c:1:1: error: only quoted\n";

    #[test]
    fn coloured_text_is_exact() {
        let found = of_compiler(COLOURED);
        let [h, fatal, warning, driver, own] = &found[..] else { panic!("{found:#?}") };
        assert_eq!((h.file.as_deref(), h.line, h.column), (Some("inc/h.h"), Some(1), Some(6)));
        assert_eq!(h.message, "cannot init it");
        assert_eq!(h.included_from, ["src/a.cpp:1", "inc/b.h:2"]);
        assert_eq!((h.notes[0].line, &*h.notes[0].message), (Some(9), "declared here"));
        assert_eq!(fatal.message, "failed: one\nb.c:1:2: error: two");
        assert!(fatal.is_error() && fatal.included_from.is_empty());
        assert_eq!((warning.severity, &*warning.message), (Severity::Warning, "odd [-Wodd]"));
        assert_eq!((driver.file.as_deref(), &*driver.message), (None, "unknown argument: '-x'"));
        assert_eq!(own.message, "`clang` was ended by signal 9 (killed)");
    }

    #[test]
    fn text_without_colour() {
        let text = "In file included from a.c:3:\nsrc/my file.c:2:5: error: no 'x': error: y\n    2 | a.c:1:1: error: quoted\n      |   ^\n\
            old.c:7:1: warning: old style\nb.c:9:9: error: quoted by clang 14\n        ^~~~\nold.c:7:2: note: here\n\
            <inline asm>:1:2: error: bad\nclang-19: error: no such file or directory: 'q'\nLLVM ERROR: out of memory\nsome text: error: no program\n\
            1 warning and 2 errors generated.\n";
        let found = of_compiler(text);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.file.as_deref().unwrap_or(""), one.line.unwrap_or(0), &*one.message))
            .collect();
        assert_eq!(
            told,
            [
                ("src/my file.c", 2, "no 'x': error: y"),
                ("old.c", 7, "old style"),
                ("<inline asm>", 1, "bad"),
                ("", 0, "no such file or directory: 'q'"),
                ("", 0, "out of memory"),
            ]
        );
        assert_eq!(found[1].notes[0].message, "here");
        assert_eq!(found[0].included_from, ["a.c:3"]);
    }

    #[test]
    fn every_linker_has_the_same_shape() {
        for text in [
            include_str!("link_errors/lld.txt"),
            include_str!("link_errors/mold.txt"),
            include_str!("link_errors/bfd.txt"),
        ] {
            let found =
                of_linker(text, |object| object.strip_suffix(".o").map(|name| format!("src/{name}.c")));
            let datum = found.iter().find(|one| one.message == "undefined symbol: datum").unwrap();
            assert_eq!(datum.file.as_deref(), Some("src/d.c"));
            assert!(datum.notes[0].message.contains("d.o"), "{datum:?}");
            assert!(found.iter().any(|one| one.message == "duplicate symbol: twice"));
            assert!(found.iter().any(|one| one.message == "no library -lnope"));
        }
        let other = of_linker(
            "ld.lld: error: a.o: bad\n>>> defined in b.o\nld.lld: warning: odd\nLLVM ERROR: worse\n",
            |_| None,
        );
        assert_eq!(other[0].severity, Severity::Warning);
        let messages: Vec<_> = other.iter().map(|one| &*one.message).collect();
        assert_eq!(messages, ["odd", "worse", "a.o: bad"]);
        assert_eq!(other[2].notes[0].message, "defined in b.o");
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(plain("\x1b[0;1;31merror: \x1b[0mbad \x1b[32"), "error: bad ");
    }

    #[test]
    fn nothing_is_made_of_junk() {
        for text in [
            "",
            "\x1b[",
            "\x1b[1m",
            "\x1b[1m: \x1b[0m\x1b[",
            ": : :",
            "a: b: c",
            "é\x1b[0merror: \x1b[0m",
            "Makefile:3: all",
        ] {
            assert_eq!(of_compiler(text), [], "{text:?}");
        }
    }
}
