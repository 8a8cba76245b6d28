//! `string(…)`, `math(…)` and `separate_arguments(…)`.

use super::{LONGEST, MATCH, Reader};
use crate::cmake::lang::expand;
use crate::cmake::text::{self, list, math, path, regex};
use crate::digest::Digest;

impl Reader<'_> {
    /// Runs `string(…)`.
    pub(super) fn string(&mut self, args: &[String]) {
        self.spend(args.iter().map(String::len).sum());
        let Some((operation, rest)) = args.split_first() else { return };
        match (&**operation, rest) {
            ("REGEX", [kind, rest @ ..]) => self.regex(kind, rest),
            ("FIND", [text, part, out, rest @ ..]) => {
                let reverse = rest.first().is_some_and(|word| word == "REVERSE");
                let at = if reverse { text.rfind(&**part) } else { text.find(&**part) };
                self.set(out, at.map_or_else(|| "-1".into(), |at| at.to_string()));
            }
            ("REPLACE", [part, by, out, input @ ..]) => {
                let replaced = replaced(&input.concat(), part, by);
                self.set_or_note(out, replaced);
            }
            ("APPEND", [variable, rest @ ..]) => {
                let value = format!("{}{}", self.value(variable), rest.concat());
                self.set(variable, value);
            }
            ("PREPEND", [variable, rest @ ..]) => {
                let value = format!("{}{}", rest.concat(), self.value(variable));
                self.set(variable, value);
            }
            ("CONCAT", [out, rest @ ..]) => self.set(out, rest.concat()),
            ("JOIN", [glue, out, rest @ ..]) => self.set_joined(out, rest, glue),
            ("TOLOWER", [text, out]) => self.set(out, text.to_ascii_lowercase()),
            ("TOUPPER", [text, out]) => self.set(out, text.to_ascii_uppercase()),
            ("LENGTH", [text, out]) => self.set(out, text.len().to_string()),
            ("SUBSTRING", [text, begin, length, out]) => self.substring(text, begin, length, out),
            ("STRIP", [text, out]) => self.set(out, text.trim_matches(|c: char| c.is_ascii_whitespace())),
            ("GENEX_STRIP", [text, out]) => {
                let stripped = crate::cmake::model::genex::strip(text);
                self.set(out, stripped);
            }
            ("REPEAT", [text, count, out]) => {
                let count = count.parse::<usize>().unwrap_or(0);
                let fits = text.len().checked_mul(count).is_some_and(|len| len <= LONGEST);
                self.set_or_note(out, fits.then(|| text.repeat(count)));
            }
            ("COMPARE", [how, a, b, out]) => {
                let holds = match &**how {
                    "EQUAL" => a == b,
                    "NOTEQUAL" => a != b,
                    "LESS" => a < b,
                    "GREATER" => a > b,
                    "LESS_EQUAL" => a <= b,
                    _ => a >= b,
                };
                self.set(out, if holds { "1" } else { "0" });
            }
            ("ASCII", [codes @ .., out]) => {
                let codes = codes.iter().filter_map(|code| code.parse::<u8>().ok());
                self.set(out, codes.map(char::from).collect::<String>());
            }
            ("HEX", [text, out]) => {
                self.set(out, text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
            }
            ("CONFIGURE", [text, out, rest @ ..]) => {
                let at_only = rest.iter().any(|word| word == "@ONLY");
                let text = self.configured(text.as_bytes(), at_only);
                self.set(out, String::from_utf8_lossy(&text));
            }
            ("MAKE_C_IDENTIFIER", [text, out]) => self.set(out, text::c_identifier(text)),
            ("TIMESTAMP" | "RANDOM" | "UUID", rest) => {
                // Nothing that differs from time to time may enter a build.
                let out = rest.iter().find(|word| !word.is_empty() && !word.contains('%'));
                if let (Some(out), "TIMESTAMP") = (out, &**operation) {
                    self.set(out, "");
                } else if let Some(out) = rest.last() {
                    self.set(out, "0");
                }
                self.note(format!("`string({operation})` has no lasting value"));
            }
            ("MD5" | "SHA1" | "SHA224" | "SHA256" | "SHA384" | "SHA512", [out, text]) => {
                // Only SHA-256 is at hand; the others serve as names that differ.
                self.set(out, Digest::of(text.as_bytes()).to_string());
            }
            _ => self.note(format!("`string({operation})` is not understood")),
        }
    }

    fn set_or_note(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => self.set(name, value),
            None => self.note("a value is too long and was dropped".into()),
        }
    }

    fn set_joined(&mut self, out: &str, items: &[String], glue: &str) {
        let length = items.iter().map(String::len).sum::<usize>() + glue.len().saturating_mul(items.len());
        let joined = (length <= LONGEST).then(|| items.join(glue));
        self.set_or_note(out, joined);
    }

    fn substring(&mut self, text: &str, begin: &str, length: &str, out: &str) {
        let begin = begin.parse().unwrap_or(usize::MAX);
        let Some(rest) = text.as_bytes().get(begin..) else {
            self.note("`string(SUBSTRING)` begins beyond the text".into());
            return self.set(out, "");
        };
        let length = length.parse().map_or(rest.len(), |length: usize| length.min(rest.len()));
        self.set(out, String::from_utf8_lossy(&rest[..length]));
    }

    fn regex(&mut self, kind: &str, args: &[String]) {
        match (kind, args) {
            ("MATCH", [pattern, out, input @ ..]) => {
                let input = input.concat();
                let Some(regex) = self.pattern(pattern) else { return self.set(out, "") };
                self.spend(input.len() * MATCH);
                match regex.captures(&input) {
                    Some(captures) => {
                        self.set_matches(&captures);
                        self.set(out, captures.get(0).map_or("", |whole| whole.as_str()));
                    }
                    None => self.set(out, ""),
                }
            }
            ("MATCHALL", [pattern, out, input @ ..]) => {
                let input = input.concat();
                let Some(regex) = self.pattern(pattern) else { return self.set(out, "") };
                self.spend(input.len() * MATCH);
                let mut found = Vec::new();
                regex::each(&regex, &input, |_, captures| {
                    found.extend(captures.get(0).map(|whole| whole.as_str()));
                });
                self.set(out, list::join(&found));
            }
            ("REPLACE", [pattern, by, out, input @ ..]) => {
                let input = input.concat();
                let Some(regex) = self.pattern(pattern) else { return self.set(out, input) };
                self.spend(input.len() * MATCH);
                let replaced = regex::replace(&regex, &input, by, LONGEST);
                self.set_or_note(out, replaced);
            }
            _ => self.note(format!("`string(REGEX {kind})` is not understood")),
        }
    }

    /// Sets `CMAKE_MATCH_0` to `CMAKE_MATCH_9` and their number.
    pub(super) fn set_matches(&mut self, captures: &::regex::Captures<'_>) {
        let mut last = 0;
        for at in 0..10 {
            let group = captures.get(at).map_or("", |group| group.as_str());
            if !group.is_empty() {
                last = at;
            }
            self.set(&format!("CMAKE_MATCH_{at}"), group);
        }
        self.set("CMAKE_MATCH_COUNT", last.to_string());
    }

    /// A template with the variables put in.
    pub(super) fn configured(&mut self, template: &[u8], at_only: bool) -> Vec<u8> {
        let spent = std::cell::Cell::new(0usize);
        let out = crate::cmake::substitute(template, at_only, &|name| {
            // A template may name a long value often.
            let value = self.defined_value(name).filter(|value| spent.get() + value.len() <= LONGEST)?;
            spent.set(spent.get() + value.len());
            Some(value)
        });
        self.spend(out.len());
        out
    }

    /// Runs `math(EXPR …)`.
    pub(super) fn math(&mut self, args: &[String]) {
        let [_, out, expression, rest @ ..] = args else { return };
        let Some(value) = math::evaluate(expression) else {
            self.note(format!("no arithmetic: {expression}"));
            return self.set(out, "0");
        };
        let hexadecimal = rest.last().is_some_and(|format| format == "HEXADECIMAL");
        self.set(out, if hexadecimal { format!("{value:#x}") } else { value.to_string() });
    }

    /// Runs `separate_arguments(…)`.
    pub(super) fn separate_arguments(&mut self, args: &[String]) {
        match args {
            [variable] => {
                let value = self.value(variable);
                self.set(variable, value.trim().replace(' ', ";"));
            }
            [variable, _, rest @ ..] => {
                let words = rest.last().map_or_else(Vec::new, |line| text::shell_words(line));
                self.set(variable, list::join(&words));
            }
            [] => {}
        }
    }

    /// Runs `get_filename_component(…)`.
    pub(super) fn filename_component(&mut self, args: &[String]) {
        let [out, file, mode, rest @ ..] = args else { return };
        let base = rest.iter().position(|word| word == "BASE_DIR").and_then(|at| rest.get(at + 1));
        let base = base.map_or_else(|| self.source_dir().to_owned(), Clone::clone);
        let name = path::name(file);
        let value = match &**mode {
            "DIRECTORY" | "PATH" => path::directory(file).to_owned(),
            "NAME" => name.to_owned(),
            "EXT" => path::extension(name, false).to_owned(),
            "LAST_EXT" => path::extension(name, true).to_owned(),
            "NAME_WE" => name.strip_suffix(path::extension(name, false)).unwrap_or(name).to_owned(),
            "NAME_WLE" => name.strip_suffix(path::extension(name, true)).unwrap_or(name).to_owned(),
            "ABSOLUTE" | "REALPATH" => path::absolute(&base, file),
            "PROGRAM" => file.split(' ').next().unwrap_or("").to_owned(),
            _ => return self.note(format!("`get_filename_component({mode})` is not understood")),
        };
        if rest.iter().any(|word| word == "CACHE") {
            self.variables.set_cached(out, Some(&value));
        } else {
            self.set(out, value);
        }
    }
}

/// `text` with each `part` replaced; `None` when that gets too long.
fn replaced(text: &str, part: &str, by: &str) -> Option<String> {
    if part.is_empty() {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split(part);
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        out.push_str(by);
        out.push_str(piece);
        if out.len() > LONGEST {
            return None;
        }
    }
    Some(expand::cut(out, LONGEST))
}
