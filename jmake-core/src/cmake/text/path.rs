//! Paths as scripts see them: absolute text with `/`, and the way back to [`FilePath`].

use crate::cmake::VIRTUAL_ROOT;
use crate::path::FilePath;

/// `path` as scripts see it.
pub(in crate::cmake) fn of(path: &FilePath) -> String {
    let text = String::from_utf8_lossy(path.as_bytes());
    if path.is_absolute() {
        return text.into_owned();
    }
    if text.is_empty() { VIRTUAL_ROOT.to_owned() } else { normal(&format!("{VIRTUAL_ROOT}/{text}")) }
}

/// The file at the absolute path `text`: relative to the project's root when it lies below.
pub(in crate::cmake) fn file_path(text: &str) -> FilePath {
    let text = normal(text);
    match text.strip_prefix(VIRTUAL_ROOT) {
        Some("") => FilePath::root(),
        Some(below) if below.starts_with('/') => FilePath::new(&below[1..]),
        _ => FilePath::new(text),
    }
}

/// Whether `text` is absolute.
pub(in crate::cmake) fn is_absolute(text: &str) -> bool {
    text.starts_with('/')
}

/// `text` taken from `base` when it is relative, without `.`, `..` and doubled separators.
pub(in crate::cmake) fn absolute(base: &str, text: &str) -> String {
    if is_absolute(text) { normal(text) } else { normal(&format!("{base}/{text}")) }
}

/// `text` without `.`, `..` (where something stands before it) and doubled separators.
pub(in crate::cmake) fn normal(text: &str) -> String {
    let absolute = is_absolute(text);
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

/// `text` as seen from the folder `base`, both absolute.
pub(in crate::cmake) fn relative(base: &str, text: &str) -> String {
    let (base, text) = (normal(base), normal(text));
    let base: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    let path: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let shared = base.iter().zip(&path).take_while(|(a, b)| a == b).count();
    let mut parts = vec![".."; base.len() - shared];
    parts.extend(&path[shared..]);
    parts.join("/")
}

/// The folder part of `text`: what stands before the last separator.
pub(in crate::cmake) fn directory(text: &str) -> &str {
    match text.rfind('/') {
        Some(0) => "/",
        Some(at) => &text[..at],
        None => "",
    }
}

/// What stands after the last separator.
pub(in crate::cmake) fn name(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// The extension of a file's name with its dot: from the first dot on, or with `last` from the
/// last one on.
pub(in crate::cmake) fn extension(name: &str, last: bool) -> &str {
    let at = if last { name.rfind('.') } else { name.find('.') };
    at.map_or("", |at| &name[at..])
}

/// Whether `text` matches a pattern of `file(GLOB)`, in which `*` and `?` stay within a component
/// and `[…]` is one of several characters.
pub(in crate::cmake) fn glob(pattern: &str) -> Option<globset::GlobMatcher> {
    // Braces and `**` mean nothing special to CMake.
    let mut plain = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '{' | '}' => plain.extend(['[', c, ']']),
            '*' if plain.ends_with('*') => {}
            _ => plain.push(c),
        }
    }
    let glob = globset::GlobBuilder::new(&plain).literal_separator(true).backslash_escape(false).build();
    glob.ok().map(|glob| glob.compile_matcher())
}
