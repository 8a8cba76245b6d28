//! Which symbols a description has a library show: what a linker's version script, a list of names
//! and a regular expression mean, as names and patterns of such a script.

/// More patterns than this no expression stands for, and none is longer.
const MOST: usize = 100;
const LONGEST: usize = 1000;

/// Stands where any number of something may stand, which no pattern can say.
const ANY_NUMBER: char = '\u{1}';

/// The names in a list, one a line; `None` when it holds anything else.
pub(super) fn by_list(text: &str) -> Option<Vec<String>> {
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_list = !names.is_empty() && names.iter().all(|name| is_name(name));
    is_list.then(|| names.into_iter().map(str::to_owned).collect())
}

/// The patterns of the names in which the extended regular expression finds something; `None` where
/// patterns cannot say as much.
pub(super) fn by_expression(text: &str) -> Option<Vec<String>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut rest = text;
    let all = alternatives(&mut rest, 0)?;
    let patterns: Vec<String> = all.into_iter().map(Found::pattern).collect::<Option<_>>()?;
    (rest.is_empty() && !patterns.iter().any(|pattern| pattern == "*")).then_some(patterns)
}

/// A part of a name that an expression finds.
#[derive(Clone, Default)]
struct Found {
    text: String,
    is_at_start: bool,
    is_at_end: bool,
}

impl Found {
    /// This and `next` behind it.
    fn before(&self, next: &Found) -> Option<Found> {
        // Nothing stands before the start or behind the end.
        let fits = (!next.is_at_start || self.text.is_empty()) && (!self.is_at_end || next.text.is_empty());
        fits.then(|| Found {
            text: format!("{}{}", self.text, next.text),
            is_at_start: self.is_at_start || next.is_at_start,
            is_at_end: self.is_at_end || next.is_at_end,
        })
    }

    fn pattern(self) -> Option<String> {
        let text = match self.is_at_end {
            true => self.text,
            // Behind what is found anything may stand, so how much more was found does not matter.
            false => format!("{}*", self.text.trim_end_matches([ANY_NUMBER, '*'])),
        };
        let text = if self.is_at_start { text } else { format!("*{}", text.trim_start_matches('*')) };
        (!text.contains(ANY_NUMBER)).then_some(text)
    }
}

/// What is parted by `|`, up to a bracket that closes.
fn alternatives(rest: &mut &str, depth: usize) -> Option<Vec<Found>> {
    if depth > 10 {
        return None;
    }
    let mut all = Vec::new();
    loop {
        let mut branch = vec![Found::default()];
        while !rest.is_empty() && !rest.starts_with(['|', ')']) {
            let parts = repeated(rest, depth)?;
            let pairs = branch.iter().flat_map(|one| parts.iter().map(|part| one.before(part)));
            branch = pairs.collect::<Option<_>>()?;
            if branch.len() > MOST {
                return None;
            }
        }
        all.append(&mut branch);
        match rest.strip_prefix('|') {
            Some(more) if all.len() <= MOST => *rest = more,
            Some(_) => return None,
            None => return Some(all),
        }
    }
}

/// One thing, and how often.
fn repeated(rest: &mut &str, depth: usize) -> Option<Vec<Found>> {
    let mut parts = one(rest, depth)?;
    let is_any = matches!(&parts[..], [only] if only.text == "?");
    let text = |text: &str| Found { text: text.to_owned(), ..Found::default() };
    match rest.chars().next() {
        Some('?') => parts.push(Found::default()),
        Some('*') if is_any => parts = vec![text("*")],
        Some('+') if is_any => parts = vec![text("?*")],
        Some('*') => parts = vec![text(&ANY_NUMBER.to_string())],
        Some('+') => parts.iter_mut().for_each(|part| part.text.push(ANY_NUMBER)),
        Some('{') => return None,
        _ => return Some(parts),
    }
    *rest = rest.get(1..)?;
    // Twice is too much, and so is an end that is there any number of times.
    let is_plain = !parts.iter().any(|part| part.is_at_start || part.is_at_end);
    (is_plain && !rest.starts_with(['?', '*', '+', '{'])).then_some(parts)
}

/// A letter, a class, a group, or where the name begins and ends.
fn one(rest: &mut &str, depth: usize) -> Option<Vec<Found>> {
    let first = rest.chars().next()?;
    *rest = rest.get(first.len_utf8()..)?;
    let mut found = Found::default();
    match first {
        '^' => found.is_at_start = true,
        '$' => found.is_at_end = true,
        '.' => found.text.push('?'),
        '(' => {
            let all = alternatives(rest, depth + 1)?;
            *rest = rest.strip_prefix(')')?;
            return Some(all);
        }
        '[' => {
            let (class, behind) = rest.split_once(']')?;
            let letters = class.strip_prefix('^').unwrap_or(class);
            let is_plain = letters.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            if letters.is_empty() || !is_plain {
                return None;
            }
            found.text = format!("[{class}]");
            *rest = behind;
        }
        '\\' => {
            found.text.push_str(rest.get(..1).filter(|next| matches!(*next, "." | "_"))?);
            *rest = rest.get(1..)?;
        }
        letter if letter.is_ascii_alphanumeric() || letter == '_' => found.text.push(letter),
        _ => return None,
    }
    Some(vec![found])
}

/// The symbols that a linker's version script shows; `None` when it is not understood, or shows
/// all.  The grammar is that of the GNU linker's manual, "VERSION Command".
pub(super) fn by_script(script: &str) -> Option<Vec<String>> {
    let plain = without_comments(script)?;
    if plain.contains('"') {
        return None;
    }
    let mut shown = Vec::new();
    let mut hides = false;
    let mut rest = &*plain;
    // Each node: a name, its symbols in braces, and the node it builds upon.
    while let Some((_, node)) = rest.split_once('{') {
        let (symbols, after) = node.split_once('}')?;
        let mut global = true;
        for entry in symbols.split(';') {
            let mut entry = entry.trim();
            while let Some((label, name)) = entry.split_once(':') {
                global = match label.trim() {
                    "global" => true,
                    "local" => false,
                    _ => return None,
                };
                entry = name.trim();
            }
            // A template, or one for the preprocessor, may show other names.
            if entry.contains(|c: char| c.is_whitespace() || "@#%$".contains(c)) {
                return None;
            }
            hides |= !global && entry == "*";
            shown.extend((global && !entry.is_empty()).then(|| entry.to_owned()));
        }
        rest = after;
    }
    (hides && !shown.is_empty()).then_some(shown)
}

/// The script, where it is one as it stands and no template of one.
pub(super) fn as_it_is(script: &str) -> Option<&str> {
    let plain = without_comments(script)?;
    (plain.contains('{') && !plain.contains(['@', '#', '%', '$'])).then_some(script)
}

fn without_comments(script: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = script;
    while let Some((before, after)) = rest.split_once("/*") {
        text += before;
        rest = after.split_once("*/")?.1;
    }
    text += rest;
    let is_comment = |line: &&str| {
        let word = line
            .trim_start()
            .strip_prefix('#')
            .map(|rest| rest.split_whitespace().next().unwrap_or_default());
        word.is_some_and(|word| !DIRECTIVES.contains(&word))
    };
    Some(text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n"))
}

/// What makes of a script one for the preprocessor; behind any other `#` stands a comment.
const DIRECTIVES: [&str; 9] =
    ["if", "ifdef", "ifndef", "elif", "else", "endif", "define", "undef", "include"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let shown = |text: &str| by_expression(text).map(|names| names.join(" "));
        for (text, expect) in [
            ("^foo_", "foo_*"),
            ("^foo_.*", "foo_*"),
            ("^foo_.*$", "foo_*"),
            ("^foo$", "foo"),
            ("foo", "*foo*"),
            ("^a_|^b_", "a_* b_*"),
            ("^(a|b(c|d))_x?", "a_x* a_* bc_x* bc_* bd_x* bd_*"),
            ("(^a|^b$)", "a* b"),
            ("^[^_]", "[^_]*"),
            ("^foo_[a-z]+", "foo_[a-z]*"),
            ("^foo_[a-z]*", "foo_*"),
            ("^f.o\\.x$", "f?o.x"),
            ("^foo.+", "foo?*"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expect), "{text}");
        }
        for text in [
            "",
            ".*",
            "^foo_[a-z]+$",
            "^a*b",
            "^a{2}",
            "^\\w+",
            "^[[:alpha:]]",
            "(",
            ")",
            "a^b",
            "a$b",
            "^a**",
            "^*",
            "[",
            "^foo_ $",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
        assert_eq!(shown(&"(a|b)".repeat(50)), None);
        assert_eq!(shown(&"(".repeat(900)), None);
    }

    #[test]
    fn lists() {
        let shown = |text| by_list(text).map(|names| names.join(" "));
        assert_eq!(shown("a\n\nb.c\r\n").as_deref(), Some("a b.c"));
        for text in ["", "EXPORTS\n a @1\n", "@NAME@\n", "a b\n"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn scripts_as_they_are() {
        let script = "V1 { global: a; };\nV2 { /* #1 */ b; } V1;\n";
        assert_eq!(as_it_is(script), Some(script));
        for text in ["", "@NAME@ { a; };", "V1 {\n#ifdef X\n a;\n#endif\n};"] {
            assert_eq!(as_it_is(text), None, "{text}");
        }
    }

    #[test]
    fn version_scripts() {
        let shown = |text| by_script(text).map(|names| names.join(" "));
        assert_eq!(shown("{ global: a; b*; local: *; };").as_deref(), Some("a b*"));
        assert_eq!(
            shown("/* x; */ V1 {\n global:\n  a;\n local:*;\n};\nV2 { b; c; } V1;\n").as_deref(),
            Some("a b c")
        );
        assert_eq!(shown("V1 { global: a; };"), None, "all are shown");
        assert_eq!(shown("V1 { global: extern \"C++\" { ns::*; }; local: *; };"), None);
        assert_eq!(shown("V1 { global: a; local: *;"), None, "cut off");
        assert_eq!(shown("V1 { global:\n#ifdef X\n a;\n#endif\n local: *; };"), None, "conditions");
        assert_eq!(shown("/* V1 { global: a; local: *; };"), None);
        assert_eq!(shown("{ local: *; };"), None, "an empty library is not meant");
        assert_eq!(
            shown("V1 { a; local: *; };\nV2 {\n# global:\n# b\n};\n").as_deref(),
            Some("a"),
            "comments"
        );
    }
}
