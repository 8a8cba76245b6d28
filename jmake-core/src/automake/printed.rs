//! What the commands of a shell print that only rewrite words: `echo` through `sed` and `tr`.
//!
//! Anything else is not known, and nothing is run.

use regex::{NoExpand, Regex};

/// No text or pattern is longer.
const LONGEST: usize = 10_000;

/// What `command` prints, where `expand` puts in the variables of a text and takes its quotes away.
pub fn printed(command: &str, expand: &dyn Fn(&str) -> String) -> Option<String> {
    let mut stages = stages(command).into_iter();
    let first = stages.next()?;
    let mut text = expand(first.trim().strip_prefix("echo ")?.trim());
    for stage in stages {
        let words = shlex::split(&stage)?;
        let (tool, rest) = words.split_first()?;
        text = match (tool.as_str(), rest) {
            ("tr", [option, set]) if option == "-d" => {
                let set = set_of(set);
                text.chars().filter(|c| !set.contains(c)).collect()
            }
            ("tr", [from, to]) => translated(&text, &set_of(from), &set_of(to))?,
            ("sed", scripts) => {
                let scripts = scripts.iter().filter(|word| *word != "-e");
                scripts.flat_map(|script| script.split(';')).try_fold(text, |text, one| edited(&text, one))?
            }
            _ => return None,
        };
        if text.len() > LONGEST {
            return None;
        }
    }
    // The shell makes one line of the words.
    Some(text.trim().to_owned())
}

/// The parts between the bars that stand outside quotes.
fn stages(command: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match (c, quote) {
            ('|', None) => {
                all.push(String::new());
                continue;
            }
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all
}

/// `text` after one `s/…/…/` of sed.
fn edited(text: &str, script: &str) -> Option<String> {
    let rest = script.trim().strip_prefix('s')?;
    let mark = rest.chars().next()?;
    let mut parts: Vec<String> = vec![String::new()];
    let mut rest = rest.get(mark.len_utf8()..)?.chars();
    while let Some(c) = rest.next() {
        let part = parts.last_mut()?;
        match c {
            '\\' => {
                let next = rest.next()?;
                // The mark itself, which ends nothing here.
                if next != mark {
                    part.push('\\');
                }
                part.push(next);
            }
            c if c == mark => parts.push(String::new()),
            c => part.push(c),
        }
    }
    let [pattern, by, flags] = &parts[..] else { return None };
    let pattern = Regex::new(&modern(pattern)).ok()?;
    let plain = !by.contains(['\\', '&']);
    let by = replacement(by);
    Some(match (&**flags, plain) {
        ("", true) => pattern.replace(text, NoExpand(&by)).into_owned(),
        ("g", true) => pattern.replace_all(text, NoExpand(&by)).into_owned(),
        ("", false) => pattern.replace(text, &by).into_owned(),
        ("g", false) => pattern.replace_all(text, &by).into_owned(),
        _ => return None,
    })
}

/// A pattern of sed as one of today: what has a backslash there means something, and the other way
/// round.
fn modern(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern.chars();
    let mut in_set = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if !in_set => match rest.next() {
                Some(c @ ('(' | ')' | '{' | '}' | '+' | '?' | '|')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => {}
            },
            '\\' => out.push_str("\\\\"),
            '[' if in_set => out.push_str("\\["),
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if !in_set => out.extend(['\\', c]),
            c => {
                in_set = (in_set || c == '[') && c != ']';
                out.push(c);
            }
        }
    }
    out
}

/// What sed puts in, as the pattern's own library writes it.
fn replacement(by: &str) -> String {
    if !by.contains(['\\', '&']) {
        return by.to_owned();
    }
    let mut out = String::new();
    let mut rest = by.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(digit) if digit.is_ascii_digit() => out += &format!("${{{digit}}}"),
                next => out.extend(next),
            },
            '&' => out.push_str("${0}"),
            '$' => out.push_str("$$"),
            c => out.push(c),
        }
    }
    out
}

/// The characters of a set of `tr`.
fn set_of(text: &str) -> Vec<char> {
    let text = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let all: Vec<char> = text.chars().collect();
    match all[..] {
        [from, '-', to] if from < to => (from..=to).collect(),
        _ => all,
    }
}

fn translated(text: &str, from: &[char], to: &[char]) -> Option<String> {
    let last = to.last()?;
    let one = |c: char| match from.iter().position(|known| *known == c) {
        Some(at) => *to.get(at).unwrap_or(last),
        None => c,
    };
    Some(text.chars().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_rewritten() {
        for (command, expect) in [
            ("echo a.c | sed 's/[cS]$/lo/'", Some("a.lo")),
            ("echo a.c b.c | sed -e 's/\\.c/.o/g' -e 's/a/x/'", Some("x.o b.o")),
            ("echo 1.2-3 | sed 's,\\([0-9]*\\)\\.\\([0-9]\\).*,\\2_\\1&,'", Some("2_11.2-3")),
            ("echo a+b | sed 's|a+|$|'", Some("$b")),
            ("echo Ab-c | tr A-Z a-z | tr '-' '_'", Some("ab_c")),
            ("echo a.b | tr -d .", Some("ab")),
            ("echo 'x|y'", Some("x|y")),
            ("uname -m", None),
            ("echo a | awk 1", None),
            ("echo a | sed 1d", None),
            ("echo a | sed 's/a/b/w file'", None),
        ] {
            let plain = |text: &str| text.replace('\'', "");
            assert_eq!(printed(command, &plain).as_deref(), expect, "{command}");
        }
    }
}
