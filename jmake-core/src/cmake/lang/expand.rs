//! Expansion of arguments: escapes, references to variables, division into lists.

/// What a reference refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cmake) enum Domain {
    /// `${NAME}`
    Variable,
    /// `$CACHE{NAME}`
    Cache,
    /// `$ENV{NAME}`
    Environment,
}

const OPENINGS: [(&str, Domain); 3] =
    [("${", Domain::Variable), ("$CACHE{", Domain::Cache), ("$ENV{", Domain::Environment)];

/// A reference within which we are: what it refers to, how it was spelled, its name so far.
struct Open {
    domain: Domain,
    spelled: &'static str,
    name: String,
}

/// Replaces escapes and references in `text`.  The result is cut at `limit` bytes; whether it was
/// is told.
pub(in crate::cmake) fn expand(
    text: &str,
    limit: usize,
    value: &mut dyn FnMut(Domain, &str, &mut String),
) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut open: Vec<Open> = Vec::new();
    let mut rest = text;
    while let Some(special) = rest.find(['\\', '$', '}']) {
        let target = open.last_mut().map_or(&mut out, |inner| &mut inner.name);
        target.push_str(&rest[..special]);
        rest = &rest[special..];
        if let Some((spelled, domain)) = OPENINGS.iter().find(|(spelled, _)| rest.starts_with(spelled)) {
            open.push(Open { domain: *domain, spelled, name: String::new() });
            rest = &rest[spelled.len()..];
        } else if rest.starts_with('\\') {
            rest = escape(rest, target);
        } else if let (true, Some(inner)) = (rest.starts_with('}'), open.pop()) {
            let target = open.last_mut().map_or(&mut out, |outer| &mut outer.name);
            value(inner.domain, &inner.name, target);
            rest = &rest[1..];
            if target.len() > limit {
                return (cut(out, limit), true);
            }
        } else {
            // Both are one byte long.
            open.last_mut().map_or(&mut out, |inner| &mut inner.name).push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    open.last_mut().map_or(&mut out, |inner| &mut inner.name).push_str(rest);
    // References without end stand for themselves.
    for inner in open {
        out.push_str(inner.spelled);
        out.push_str(&inner.name);
    }
    let over = out.len() > limit;
    (if over { cut(out, limit) } else { out }, over)
}

/// Appends what the escape at the beginning of `text` stands for; returns what follows it.
fn escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let after = &text[1..];
    let Some(next) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    match next {
        't' => out.push('\t'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        '0' => out.push('\0'),
        // Stays an escape, so that a list is not divided here.
        ';' => out.push_str("\\;"),
        _ if next.is_ascii_alphanumeric() => out.extend(['\\', next]),
        _ => out.push(next),
    }
    &after[next.len_utf8()..]
}

/// `text` cut to at most `limit` bytes.
pub(in crate::cmake) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// No parameter has a longer name; without a limit, text full of `${` would be searched in
/// quadratic time.
const LONGEST_NAME: usize = 256;

/// Replaces `${name}` by what `binding` gives, as a macro does with its parameters before
/// anything else.
pub(in crate::cmake) fn bind(text: &str, limit: usize, binding: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST_NAME).position(|b| b == b'}');
        let end = end.filter(|&end| !rest[2..end].contains('$'));
        match end.and_then(|end| Some((end, binding(&rest[2..end])?))) {
            Some((end, value)) => {
                out.push_str(&value);
                rest = &rest[end + 1..];
            }
            None => {
                out.push_str("${");
                rest = &rest[2..];
            }
        }
        if out.len() > limit {
            return cut(out, limit);
        }
    }
    out.push_str(rest);
    out
}
