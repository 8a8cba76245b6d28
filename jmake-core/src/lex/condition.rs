//! What the condition of a branch says without any macro's value being known.

use std::collections::HashSet;

/// Whether a branch is compiled, best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Odds {
    /// Certainly not.
    Dead,
    /// Only when a macro is set for the purpose.
    Unlikely,
    Unknown,
    /// Unless a macro is set against it.
    Likely,
    Certain,
}

impl Odds {
    /// Those that it is not compiled.
    pub fn not(self) -> Odds {
        match self {
            Odds::Dead => Odds::Certain,
            Odds::Unlikely => Odds::Likely,
            Odds::Unknown => Odds::Unknown,
            Odds::Likely => Odds::Unlikely,
            Odds::Certain => Odds::Dead,
        }
    }
}

/// What a condition's first `words` say, where a text has `defined` these macros before.
pub(super) fn judge(directive: &[u8], words: &[Vec<u8>], defined: &HashSet<Vec<u8>>) -> Odds {
    let odds_of = |name: &[u8]| odds_of(name, defined);
    let words: Vec<&[u8]> = words.iter().map(|word| &**word).collect();
    match (directive, &words[..]) {
        (b"ifdef" | b"elifdef", [name, ..]) => odds_of(name),
        (b"ifndef" | b"elifndef", [name, ..]) => odds_of(name).not(),
        (_, [b"0"]) => Odds::Dead,
        (_, [b"1"]) => Odds::Certain,
        (_, [b"defined", name] | [b"defined", b"(", name, b")"]) => odds_of(name),
        (_, [b"!", b"defined", name] | [b"!", b"defined", b"(", name, b")"]) => odds_of(name).not(),
        // An undefined macro counts as 0.
        (_, [name]) if is_name(name) => odds_of(name).min(Odds::Unknown),
        (_, [b"!", name]) if is_name(name) => odds_of(name).min(Odds::Unknown).not(),
        _ => Odds::Unknown,
    }
}

/// The odds that `name` is defined when nobody sets anything.
fn odds_of(name: &[u8], defined: &HashSet<Vec<u8>>) -> Odds {
    match defined.contains(name) {
        true => Odds::Likely,
        // Compilers and systems name theirs with two underscores.
        false if name.starts_with(b"__") => Odds::Unknown,
        false => Odds::Unlikely,
    }
}

fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(|&b| b.is_ascii_alphabetic() || b == b'_')
}

/// The macro of what looks like the start of an include guard.
pub(super) fn guard_name<'w>(directive: &[u8], words: &'w [Vec<u8>]) -> Option<&'w Vec<u8>> {
    match (directive, words) {
        (b"ifndef", [name, ..]) => Some(name),
        (b"if", [not, defined, name]) if not == b"!" && defined == b"defined" => Some(name),
        (b"if", [not, defined, open, name, _]) if not == b"!" && defined == b"defined" && open == b"(" => {
            Some(name)
        }
        _ => None,
    }
}
