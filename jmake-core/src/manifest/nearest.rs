//! What a misspelled key was probably meant to be.
//!
//! Two slips are told apart: a name slightly wrong, judged part by part so that a short name in
//! the right section does not match everything there; and the right name in the wrong section.

use super::schema::KEYS;

/// The key or section that `path` was probably meant to be.
pub(super) fn nearest(path: &[&str]) -> Option<String> {
    let last = path.last()?;
    let near = KEYS.iter().filter_map(|key| {
        let parts: Vec<&str> = key.name.split('.').take(path.len()).collect();
        Some((distance(path, &parts)?, shown(&parts, path)))
    });
    // The right name in the wrong section is nearer than a similar name in the right one.
    let moved = KEYS.iter().filter(|key| key.last() == *last && path.len() > 1);
    let moved = moved.map(|key| (1, key.name.replace('*', "release").replace("target[]", "target")));
    near.chain(moved).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn shown(parts: &[&str], path: &[&str]) -> String {
    let parts: Vec<&str> =
        parts.iter().zip(path).map(|(&part, &given)| if part == "*" { given } else { part }).collect();
    parts.join(".").replace("target[]", "target")
}

/// How far `path` is from `parts`; `None` when some part is too different to be a slip.
fn distance(path: &[&str], parts: &[&str]) -> Option<usize> {
    if path.len() != parts.len() {
        return None;
    }
    path.iter().zip(parts).try_fold(0, |sum, (&given, &part)| {
        if part == "*" {
            return Some(sum);
        }
        let begins = given.len() >= 3 && (part.starts_with(given) || given.starts_with(part));
        let far = if begins { 1 } else { strsim::damerau_levenshtein(given, part) };
        (far <= 1.max(given.len() / 3)).then_some(sum + far)
    })
}
