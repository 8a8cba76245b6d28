//! Texts in which M4 puts its definitions: versions, names of packages.

use super::configure::Configure;
use super::m4::{arguments, bare};

/// A body longer than this is no value.
const LONGEST_VALUE: usize = 500;
/// No text grows longer.
const LONGEST: usize = 10_000;
/// Definitions within definitions are followed no deeper.
const DEEPEST: usize = 8;
/// Macros of M4 itself that make a text.
const BUILT_IN: [&str; 8] =
    ["m4_ifdef", "ifdef", "m4_if", "ifelse", "m4_defn", "defn", "m4_normalize", "m4_include"];

impl Configure<'_> {
    /// `text` without quotes and with what `m4_define` said put in.
    pub(super) fn plain(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for _ in 0..DEEPEST {
            if let Some((before, command)) = text.split_once("esyscmd") {
                // What a command prints is often what a file says that it is given.
                let before = before.split("m4_").next().unwrap_or_default();
                let before = before.split("ifdef").next().unwrap_or_default();
                return bare(before) + &self.first_line(&bare(command)).unwrap_or_default();
            }
            let more = self.put_in(&text);
            if more == text || more.len() > LONGEST {
                break;
            }
            text = more;
        }
        bare(&text)
    }

    /// The only line of a file that `text` names.
    fn first_line(&self, text: &str) -> Option<String> {
        let names =
            text.split([' ', '(', ')', '"', '\'', ',', ';', '<', '|']).filter(|name| !name.is_empty());
        let mut files = names.filter_map(|name| crate::described::place(&self.dir, name.as_bytes()));
        files.find_map(|path| {
            let text = self.files.read(&path).filter(|text| text.len() < 100)?;
            let text = String::from_utf8_lossy(&text);
            let text = text.rsplit('=').next().unwrap_or_default().trim().trim_matches('"').to_owned();
            (!text.is_empty() && !text.contains('\n')).then_some(text)
        })
    }

    /// `text` with each word that is defined put in once; quotes part words.
    pub(super) fn put_in(&self, text: &str) -> String {
        self.put_in_at(text, 0)
    }

    fn put_in_at(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let is_call = after.starts_with('(') && BUILT_IN.contains(&word);
            let called = is_call.then(|| arguments(rest, end)).flatten();
            let made = called.and_then(|(all, end)| Some((self.called(word, &all, depth)?, end)));
            let body = self.bodies.get(word).filter(|body| end > 0 && body.len() < LONGEST_VALUE);
            match (made, body) {
                (Some((made, end)), _) => {
                    out += &made;
                    rest = &rest[end..];
                }
                (None, Some(body)) => {
                    out += &bare(body);
                    rest = after.strip_prefix("()").unwrap_or(after);
                }
                (None, None) if end > 0 => {
                    out += word;
                    rest = after;
                }
                (None, None) => {
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
            if out.len() > LONGEST {
                break;
            }
        }
        out
    }

    /// What a macro of M4 itself makes of its arguments.
    fn called(&self, name: &str, all: &[&str], depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let arg = |at: usize| all.get(at).copied().unwrap_or_default();
        let made = |text: &str| bare(&self.put_in_at(text, depth + 1));
        Some(match name {
            "m4_ifdef" | "ifdef" => match self.bodies.contains_key(&bare(arg(0))) {
                true => arg(1).to_owned(),
                false => arg(2).to_owned(),
            },
            "m4_if" | "ifelse" => match made(arg(0)) == made(arg(1)) {
                true => arg(2).to_owned(),
                false => arg(3).to_owned(),
            },
            "m4_defn" | "defn" => self.bodies.get(&bare(arg(0)))?.clone(),
            "m4_normalize" => made(arg(0)).split_ascii_whitespace().collect::<Vec<_>>().join(" "),
            "m4_include" => {
                let path = crate::described::place(&self.dir, bare(arg(0)).as_bytes())?;
                let text = self.files.read(&path).filter(|text| text.len() < LONGEST)?;
                String::from_utf8_lossy(&text).into_owned()
            }
            _ => return None,
        })
    }
}
