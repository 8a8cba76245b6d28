//! Lists: text divided by `;`, except where a backslash or square brackets protect it.

use super::version;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Elements of one list at most: each takes far more memory than its text.
pub(in crate::cmake) const MOST_ITEMS: usize = 500_000;

/// The elements of `text`, up to [`MOST_ITEMS`]; `keep_empty` says whether empty ones count.
pub(in crate::cmake) fn split(text: &str, keep_empty: bool) -> Vec<String> {
    let mut items = Vec::new();
    if text.is_empty() {
        return items;
    }
    if !text.contains(';') {
        items.push(text.to_owned());
        return items;
    }
    let mut item = String::new();
    let mut depth = 0i64;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&';') => {
                chars.next();
                item.push(';');
                continue;
            }
            '[' => depth += 1,
            ']' => depth -= 1,
            ';' if depth == 0 => {
                if keep_empty || !item.is_empty() {
                    items.push(std::mem::take(&mut item));
                }
                if items.len() >= MOST_ITEMS {
                    return items;
                }
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    if keep_empty || !item.is_empty() {
        items.push(item);
    }
    items
}

/// One text of `items`.
pub(in crate::cmake) fn join<S: AsRef<str>>(items: &[S]) -> String {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(';');
        }
        out.push_str(item.as_ref());
    }
    out
}

/// The place that `index` names in a list of `len`, counted from the end when negative.
pub(in crate::cmake) fn place(index: &str, len: usize) -> Option<usize> {
    let index: i64 = index.trim().parse().ok()?;
    let len = i64::try_from(len).ok()?;
    let at = if index < 0 { len.checked_add(index)? } else { index };
    (0..len).contains(&at).then(|| usize::try_from(at).ok()).flatten()
}

/// Leaves only the first of equal elements.
pub(in crate::cmake) fn remove_duplicates(items: &mut Vec<String>) {
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
}

/// Sorts as `list(SORT)` with `options` does.
pub(in crate::cmake) fn sort(items: &mut [String], options: &[String]) {
    let option = |name: &str| {
        let at = options.iter().position(|option| option == name)?;
        options.get(at + 1).map(String::as_str)
    };
    let insensitive = option("CASE") == Some("INSENSITIVE");
    let compare = option("COMPARE").unwrap_or("STRING").to_owned();
    let key = |item: &String| {
        let item = if compare == "FILE_BASENAME" { item.rsplit('/').next().unwrap_or(item) } else { item };
        if insensitive { item.to_lowercase() } else { item.to_owned() }
    };
    items.sort_by_cached_key(|item| Key { text: key(item), natural: compare == "NATURAL" });
    if option("ORDER") == Some("DESCENDING") {
        items.reverse();
    }
}

#[derive(PartialEq, Eq)]
struct Key {
    text: String,
    natural: bool,
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        if self.natural {
            return version::natural(&self.text, &other.text).then_with(|| self.text.cmp(&other.text));
        }
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
