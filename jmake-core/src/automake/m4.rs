//! The little of M4 that a `configure.ac` needs to be read: arguments and quotes.

/// The arguments that begin at the bracket at `open` in `text`, each without blanks before it and
/// with its quotes, and where they end; `None` when they do not.
pub fn arguments(text: &str, open: usize) -> Option<(Vec<&str>, usize)> {
    let bytes = text.as_bytes();
    let (mut quotes, mut brackets, mut at, mut from) = (0usize, 0usize, open + 1, open + 1);
    let mut all = Vec::new();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' => quotes += 1,
            b']' => quotes = quotes.saturating_sub(1),
            _ if quotes > 0 => {}
            b'#' => at = end_of_line(bytes, at),
            b'd' if is_dnl(bytes, at) => at = end_of_line(bytes, at),
            b'(' => brackets += 1,
            b')' if brackets > 0 => brackets -= 1,
            b',' if brackets == 0 => {
                all.push(text.get(from..at)?.trim_start());
                from = at + 1;
            }
            b')' => {
                all.push(text.get(from..at)?.trim_start());
                return Some((all, at + 1));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).position(|byte| *byte == b'\n').map_or(bytes.len(), |more| at + more)
}

/// Whether the word `dnl` begins at `at`: what follows it on its line is not there.
pub fn is_dnl(bytes: &[u8], at: usize) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    bytes.get(at..at + 3) == Some(b"dnl")
        && !bytes.get(at + 3).is_some_and(is_word)
        && !before.is_some_and(is_word)
}

/// `text` without its outer quotes.
pub fn unquoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '[' => {
                depth += 1;
                if depth > 1 {
                    out.push(c);
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                if depth > 0 {
                    out.push(c);
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// `text` without the quotes that stand around all of it, however deep they are: M4 looks at what it
/// puts in again.  `[ a = b ]` is a command.
pub fn content(text: &str) -> String {
    let mut text = unquoted(text);
    while let Some(inner) = whole(&text).filter(|inner| !inner.starts_with([' ', '\t'])) {
        text = inner.to_owned();
    }
    text
}

/// What stands in the quotes around all of `text`, if there are any.
pub fn whole(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut depth = 0i64;
    let closes = inner.bytes().any(|byte| {
        depth += i64::from(byte == b'[') - i64::from(byte == b']');
        depth < 0
    });
    (!closes).then_some(inner)
}

/// `text` without any quotes.
pub fn bare(text: &str) -> String {
    text.trim().replace(['[', ']'], "")
}

/// The words of a list, which commas, blanks or line ends part; comments are none.
pub fn words(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let line = line.split("dnl ").next().unwrap_or(line);
        line.split('#').next().unwrap_or(line)
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    bare(&text).split([' ', '\t', ',', '\\']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
