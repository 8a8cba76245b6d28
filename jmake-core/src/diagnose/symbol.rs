//! Names of symbols: as a person reads them, and as they may stand in a source.

use std::fmt;

use cpp_demangle::{DemangleOptions, Symbol};

/// The name for a person; one that is not mangled as it is.
pub fn shown(mangled: &str) -> String {
    // Unmangled names may be read as types: `b` is `bool`.
    let symbol = is_mangled(mangled).then(|| Symbol::new(mangled).ok()).flatten();
    let demangled = symbol.and_then(|symbol| {
        let mut name = Bounded::default();
        symbol.structured_demangle(&mut name, &DemangleOptions::default()).ok().map(|()| name.0)
    });
    let name = demangled.unwrap_or_else(|| mangled.to_owned());
    // `{vtable(ns::W)}` is what other tools write as `vtable for ns::W`.
    let special = name.strip_prefix('{').and_then(|name| name.strip_suffix(")}")?.split_once('('));
    special.map(|(what, of)| format!("{what} for {of}")).unwrap_or(name)
}

/// A name under construction.  A short one can stand for one that would fill the memory, because
/// its parts may refer to earlier parts again and again.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        const LONGEST: usize = 1 << 16;
        self.0.push_str(part);
        if self.0.len() < LONGEST { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Whether the name is a mangled one of C++.
pub(super) fn is_mangled(name: &str) -> bool {
    name.starts_with("_Z")
}

/// The last name in `ns::Type<int>::call(int) const`: what stands in the source.
pub fn base(shown: &str) -> &str {
    let shown = shown.rsplit(" for ").next().unwrap_or(shown);
    let mut depth = 0usize;
    let mut start = 0;
    for (at, c) in shown.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => start = at + 1,
            '(' if depth == 0 && at > start && !shown[at..].starts_with("(anonymous") => {
                return shown[start..at].split('<').next().unwrap_or_default();
            }
            _ => {}
        }
    }
    shown[start..].split('<').next().unwrap_or_default()
}

/// Whether `text` defines something called `name`: a function with a body, or a variable outside
/// of all functions.  A guess by the shape of the text; strings and comments may mislead it.
pub fn defined_in(text: &[u8], name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(word) {
        return false;
    }
    let mut depth = 0i32;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            byte if word(byte) => {
                let end = text[at..].iter().position(|&b| !word(b)).map_or(text.len(), |n| at + n);
                if &text[at..end] == name.as_bytes()
                    && (body_follows(&text[end..]) || variable(text, at, end, depth))
                {
                    return true;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// Whether a parameter list and a body come next.
fn body_follows(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    if text.first() != Some(&b'(') {
        return false;
    }
    let mut depth = 0;
    let close = text.iter().position(|&byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth == 0
    });
    let Some(close) = close else { return false };
    let mut after = text[close + 1..].trim_ascii_start();
    for qualifier in [&b"const"[..], b"noexcept", b"override"] {
        after = after.strip_prefix(qualifier).unwrap_or(after).trim_ascii_start();
    }
    after.starts_with(b"{") || is_old_style(after)
}

/// `text` without what stands in `/* … */`.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let find = |text: &[u8], sign: &[u8]| memchr::memmem::find(text, sign);
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(begin) = find(rest, b"/*") {
        out.extend_from_slice(&rest[..begin]);
        let end = find(&rest[begin..], b"*/").map_or(rest.len(), |end| begin + end + 2);
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
    out
}

/// Whether declarations of parameters come next, and then a body: as C was written of old.
fn is_old_style(text: &[u8]) -> bool {
    let text = without_comments(text.get(..2000).unwrap_or(text));
    let Some(end) = text.iter().position(|&byte| byte == b'{') else { return false };
    let declarations = text[..end].trim_ascii();
    let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"_*,;[] \t\r\n".contains(byte);
    declarations.ends_with(b";")
        && declarations.first().is_some_and(u8::is_ascii_alphabetic)
        && declarations.iter().all(may_stand)
}

/// Whether the word is the name of a variable that is defined here.
fn variable(text: &[u8], start: usize, end: usize, depth: i32) -> bool {
    let next = text[end..].trim_ascii_start().first();
    let line = text[..start].iter().rposition(|b| matches!(b, b'\n' | b';' | b'}')).map_or(0, |at| at + 1);
    let before = text[line..start].trim_ascii();
    let starts = |word: &str| before.starts_with(word.as_bytes());
    depth == 0
        && matches!(next, Some(b'=' | b';' | b'['))
        && !before.is_empty()
        && !["extern", "#", "//", "static", "typedef", "using", "return", "*"].iter().any(|word| starts(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (mangled, name, base_name) in [
            ("_ZN2ns7missingEi", "ns::missing(int)", "missing"),
            ("_ZTVN2ns1WE", "vtable for ns::W", "W"),
            ("_ZN1AIiE1fEv", "A<int>::f()", "f"),
            ("b", "b", "b"),
        ] {
            assert_eq!(shown(mangled), name);
            assert_eq!(base(name), base_name);
        }
    }

    #[test]
    fn a_name_that_stands_for_an_endless_one_stays_as_it_is() {
        // Each parameter is a template that holds the parameter before it twice.
        let name = |steps: &str| {
            let doubled = steps.chars().map(|step| format!("S_IS{step}_S{step}_E"));
            "_Z1f1AIiiE".to_owned() + &doubled.collect::<String>()
        };
        assert_eq!(shown(&name("0")), "f(A<int, int>, A<A<int, int>, A<int, int> >)");
        let endless = name("0123456789ABCDEFGHIJKLMNOPQRSTUVWXY");
        assert_eq!(shown(&endless), endless);
    }

    #[test]
    fn definitions() {
        for text in [
            "int f(void) { return 1; }",
            "void N::f(int (*g)(int)) const\n{",
            "int f;",
            "char f[3];",
            "int f = 1;",
            "char *f(a, b)\n  int a; /* of f() -> */\n  const char *b[];\n{",
        ] {
            assert!(defined_in(text.as_bytes(), "f"), "{text}");
        }
        for text in [
            "int f(void);",
            "int g(){ f(); }",
            "extern int f;",
            "int ff;",
            "if (f(x)) {",
            "int f(int); struct s {",
            "void g() { int f; }",
        ] {
            assert!(!defined_in(text.as_bytes(), "f"), "{text}");
        }
    }
}
