//! The lines of a Makefile: joined where a backslash says so, without comments.

/// More lines than this has no Makefile that people wrote.
const MOST: usize = 100_000;

/// A line, and whether it is one of a recipe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Whether a tab stands before it.
    pub is_recipe: bool,
    /// What it says, without blanks around.
    pub text: String,
}

/// The lines of `text` that say something.
pub fn lines(text: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(text);
    let mut all = Vec::new();
    let mut open: Option<Line> = None;
    for line in text.lines().take(MOST) {
        let (body, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        let mut joined =
            open.take().unwrap_or_else(|| Line { is_recipe: line.starts_with('\t'), text: String::new() });
        if !joined.text.is_empty() {
            joined.text.push(' ');
        }
        joined.text += body.trim();
        if goes_on {
            open = Some(joined);
        } else {
            all.extend(finished(joined));
        }
    }
    all.extend(open.and_then(finished));
    all
}

fn finished(mut line: Line) -> Option<Line> {
    if !line.is_recipe
        && let Some(at) = comment(&line.text)
    {
        line.text.truncate(at);
    }
    line.text.truncate(line.text.trim_end().len());
    (!line.text.is_empty()).then_some(line)
}

/// Where a comment begins.
fn comment(text: &str) -> Option<usize> {
    let mut before = b' ';
    text.bytes().position(|byte| {
        let begins = byte == b'#' && before != b'\\';
        before = byte;
        begins
    })
}

/// An assignment: the name, the operator and the text.
pub fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    let equals = line.find('=')?;
    let (before, text) = (line.get(..equals)?, line.get(equals + 1..)?);
    let operators = [":::", "::", ":", "+", "?", "!"];
    let sign = operators.iter().find(|sign| before.ends_with(**sign)).copied().unwrap_or_default();
    let name = before.strip_suffix(sign)?.trim();
    let how = line.get(equals - sign.len()..=equals)?;
    let is_name = !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c == ':' || c == '#' || c == '\'' || c == '"');
    is_name.then(|| (name, how, text.trim()))
}
