//! From a template to the header.

use std::collections::BTreeSet;

use super::checks::{Check, check};
use super::{Known, Names};

/// What became of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// The header.
    pub text: Vec<u8>,
    /// Values that the template asks for and nobody knows, sorted.
    pub missing: Vec<String>,
}

/// The value of `name`, or what it asks.
fn meaning(name: &str, known: &Names) -> Result<Check, Option<String>> {
    match known.get(name) {
        Some(Known::Value(value)) => Err(value.clone()),
        Some(Known::Define(value)) => Err(Some(value.clone())),
        Some(Known::Check(check) | Known::Number(check)) => Ok(check.clone()),
        None => Ok(check(name)),
    }
}

/// What a line of a template says.
enum Line<'t> {
    /// `#cmakedefine NAME rest`, `#mesondefine NAME` or autoconf's bare `#undef NAME`.
    Define { indent: &'t str, name: &'t str, rest: &'t str },
    /// `#cmakedefine01 NAME`.
    Number { indent: &'t str, name: &'t str },
    /// Anything else.
    Text(&'t str),
}

/// The names whose declaration by the system must be known to render `template`, sorted; `known` is
/// what is known of names in it.
pub fn names(template: &[u8], known: &Names) -> Vec<String> {
    let text = String::from_utf8_lossy(template);
    let mut names = BTreeSet::new();
    let mut ask = |name: &str| {
        if let Ok(Check::Declared(asked)) = meaning(name, known) {
            names.extend(asked);
        }
    };
    for line in lines(&text) {
        match line {
            Line::Define { name, .. } | Line::Number { name, .. } => ask(name),
            Line::Text(text) => references(text).into_iter().for_each(|(name, ..)| ask(name)),
        }
    }
    names.into_iter().collect()
}

/// The header that `template` describes: `known` is what is known of names in it, and `declared`
/// tells what the system declares.
pub fn render(template: &[u8], known: &Names, declared: &dyn Fn(&str) -> bool) -> Rendered {
    let text = String::from_utf8_lossy(template);
    let mut render = Render { known, declared, out: String::new(), missing: BTreeSet::new() };
    for line in lines(&text) {
        match line {
            Line::Define { indent, name, rest } => render.define(indent, name, rest),
            Line::Number { indent, name } => render.number(indent, name),
            Line::Text(text) => {
                let text = render.substitute(text);
                render.out += &text;
            }
        }
        render.out.push('\n');
    }
    Rendered { text: render.out.into_bytes(), missing: render.missing.into_iter().collect() }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    // Of CMake's templates an `#undef` is an ordinary line.
    let autoconf = !["#cmakedefine", "#mesondefine"].iter().any(|word| text.contains(word));
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(move |line| parse(line.strip_suffix('\r').unwrap_or(line), autoconf))
}

fn parse(line: &str, autoconf: bool) -> Line<'_> {
    let whole = Line::Text(line);
    let trimmed = line.trim_start();
    let indent = &line[..line.len() - trimmed.len()];
    let Some(directive) = trimmed.strip_prefix('#').map(str::trim_start) else { return whole };
    let Some((word, rest)) = directive.split_once(char::is_whitespace) else { return whole };
    let rest = rest.trim();
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        return whole;
    }
    match word {
        "cmakedefine" | "mesondefine" => Line::Define { indent, name, rest: rest.trim() },
        "cmakedefine01" => Line::Number { indent, name },
        "undef" if autoconf && rest.is_empty() => Line::Define { indent, name, rest },
        _ => whole,
    }
}

/// `@NAME@` and `${NAME}` in `text`: the name, where it begins and where it ends.
fn references(text: &str) -> Vec<(&str, usize, usize)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(['@', '$']).map(|next| at + next) {
        let (open, close) = if text[next..].starts_with("${") { (2, '}') } else { (1, '@') };
        let name = text[next + open..].find(close).map(|end| &text[next + open..next + open + end]);
        let is_at = text.as_bytes()[next] == b'@' || open == 2;
        match name.filter(|name| is_at && is_name(name)) {
            Some(name) => {
                let end = next + open + name.len() + 1;
                found.push((name, next, end));
                at = end;
            }
            None => at = next + 1,
        }
    }
    found
}

struct Render<'a> {
    known: &'a Names,
    declared: &'a dyn Fn(&str) -> bool,
    out: String,
    missing: BTreeSet<String>,
}

impl Render<'_> {
    /// The definition of a macro that is known with parameters, as `NAME(x)`; a template names it without.
    fn with_parameters(&self, name: &str) -> Option<String> {
        let open = format!("{name}(");
        let (spelled, known) = self.known.range(open.clone()..).next()?;
        match known {
            Known::Define(value) if spelled.starts_with(&open) => Some(format!("#define {spelled} {value}")),
            _ => None,
        }
    }

    /// A macro that is defined or not.
    fn define(&mut self, indent: &str, name: &str, rest: &str) {
        match self.known.get(name) {
            Some(Known::Define(value)) => {
                let line = format!("{indent}#define {name} {value}");
                self.out += line.trim_end();
                return;
            }
            Some(Known::Number(_)) => return self.number(indent, name),
            Some(_) => {}
            None => {
                if let Some(line) = self.with_parameters(name) {
                    self.out += indent;
                    self.out += &line;
                    return;
                }
            }
        }
        let undefined = format!("{indent}/* #undef {name} */");
        let asked = match meaning(name, self.known) {
            Ok(asked) => asked,
            Err(value) => {
                let line = match value.filter(|value| is_true(value)) {
                    // autoconf's template does not say the value.
                    Some(value) if rest.is_empty() => format!("{indent}#define {name} {}", plain(&value)),
                    Some(_) => format!("{indent}#define {name} {}", self.substitute(rest)),
                    None => undefined,
                };
                self.out += &line;
                return;
            }
        };
        // What stands behind is a value of the same name, or a text.
        let value = match references(rest).as_slice() {
            [] if rest.is_empty() => "1".to_owned(),
            [(own, ..)] if *own == name => "1".to_owned(),
            _ => String::new(),
        };
        let line = match asked {
            Check::Value(text) => format!("{indent}#define {name} {text}"),
            answer => match self.holds(&answer) {
                Holds::No => undefined,
                holds => {
                    let value = if value.is_empty() { self.substitute(rest) } else { value };
                    let define = format!("{indent}#define {name} {value}");
                    match holds {
                        Holds::When(condition) => format!("#if {condition}\n{define}\n#endif"),
                        _ => define,
                    }
                }
            },
        };
        self.out += &line;
    }

    /// A macro that is 0 or 1.
    fn number(&mut self, indent: &str, name: &str) {
        let define = |number: u8| format!("{indent}#define {name} {number}");
        let holds = match meaning(name, self.known) {
            Err(value) if value.as_deref().is_some_and(is_true) => Holds::Yes,
            Err(_) => Holds::No,
            Ok(asked) => self.holds(&asked),
        };
        self.out += &match holds {
            Holds::Yes => define(1),
            Holds::No => define(0),
            Holds::When(condition) => format!("#if {condition}\n{}\n#else\n{}\n#endif", define(1), define(0)),
        };
    }

    fn holds(&self, check: &Check) -> Holds {
        match check {
            Check::Yes | Check::Value(_) => Holds::Yes,
            Check::No => Holds::No,
            Check::Condition(condition) => Holds::When(condition.clone()),
            Check::Declared(names) if names.iter().any(|name| (self.declared)(name)) => Holds::Yes,
            Check::Declared(_) => Holds::No,
        }
    }

    /// `text` with its references answered.
    fn substitute(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut at = 0;
        for (name, from, to) in references(text) {
            out += &text[at..from];
            // A comment can do without.
            let is_open = is_comment(&text[..from]) && matches!(meaning(name, self.known), Ok(Check::No));
            match is_open {
                true => out += &text[from..to],
                false => out += &self.reference(name),
            }
            at = to;
        }
        out + &text[at..]
    }

    fn reference(&mut self, name: &str) -> String {
        let asked = match meaning(name, self.known) {
            Ok(asked) => asked,
            Err(value) => return value.unwrap_or_default(),
        };
        match asked {
            Check::Value(text) => text,
            answer @ (Check::Yes | Check::Declared(_)) => match self.holds(&answer) {
                Holds::No => "0".to_owned(),
                _ => "1".to_owned(),
            },
            // Mostly it stands where the preprocessor reads it.
            Check::Condition(condition) => format!("({condition})"),
            Check::No => {
                self.missing.insert(name.to_owned());
                String::new()
            }
        }
    }
}

/// Whether a line that begins so is within a comment there.
fn is_comment(before: &str) -> bool {
    before.rfind("/*") > before.rfind("*/") || before.contains("//") || before.trim_start().starts_with("* ")
}

enum Holds {
    Yes,
    No,
    When(String),
}

/// Whether CMake takes `value` for true.
fn is_true(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    let is_false = ["", "0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"].contains(&&*upper);
    !is_false && !upper.ends_with("-NOTFOUND")
}

/// What a macro is defined to whose template does not say it.
fn plain(value: &str) -> &str {
    match value.to_ascii_uppercase().as_str() {
        "ON" | "YES" | "TRUE" | "Y" => "1",
        _ => value,
    }
}
