//! A source that needs a newer standard of its language than it is compiled as.
//!
//! What makes one think so are names and words of newer standards in the complaints; what makes it
//! certain is a trial ([`super::trial`]): as the newer standard the complaint is gone and none is new.

use super::flags::settings;
use super::trial::{Trials, is_better};
use super::{Scene, language_of, words_at};
use crate::action::{Action, Arg};
use crate::cause::{Advice, Cause, Change};
use crate::complaints::Complaint;
use crate::event::Diagnostic;
use crate::toolchain::includes::Lang;

/// The standards of each language, from old to new; names of drafts are what older compilers know.
const CXX: [&str; 5] = ["11", "14", "17", "20", "23"];
const C: [&str; 4] = ["99", "11", "17", "23"];

/// Words that newer standards brought.
const CXX_WORDS: &str = "concept requires consteval constinit char8_t co_await co_return co_yield constexpr \
    nullptr static_assert noexcept decltype thread_local alignas alignof auto override final std";
const C_WORDS: &str = "bool true false nullptr constexpr typeof typeof_unqual static_assert thread_local \
    alignas alignof inline restrict auto";

/// What a complaint that newer standards mend begins with, when it goes on with one of the words.
const ABOUT_WORDS: [&str; 6] = [
    "unknown type name '",
    "use of undeclared identifier '",
    "call to undeclared function '",
    "expected ';' after top level declarator",
    "type specifier missing",
    "a type specifier is required",
];

/// The diagnostic of the compile `action` that complained of `before`, if a newer standard mends it.
pub(super) fn diagnose(
    scene: &Scene<'_>,
    trials: &Trials<'_>,
    action: &Action,
    before: &[Complaint],
) -> Option<Diagnostic> {
    let lang = language_of(action)?;
    let suspect = before.iter().find(|one| may_be_newer(Some(scene), lang, one))?;
    let current = current(action);
    let levels = newer(lang, current.as_deref());
    let gnu = current.as_deref().is_none_or(|std| std.starts_with("gnu"));
    let mended = |std: &str| {
        let after = trials.of(action, |args| with_std(args, std));
        after.is_some_and(|after| {
            is_better(before, &after) && !after.iter().any(|one| one.message == suspect.message)
        })
    };
    // The newest first: when that does not help, none does.
    let newest = levels.iter().rposition(|level| mended(&spelled(lang, gnu, level)))?;
    let oldest = levels[..newest].iter().position(|level| mended(&spelled(lang, gnu, level)));
    let level = levels[oldest.unwrap_or(newest)];
    let plain = spelled(lang, false, level);
    let std = if !gnu || mended(&plain) { plain } else { spelled(lang, true, level) };
    let source = &action.label;
    let name = if lang == Lang::Cxx { "C++" } else { "C" };
    let is = match &current {
        Some(std) => format!("compiled as `{std}`"),
        None => "compiled as an older one by default".to_owned(),
    };
    let mut problem = Diagnostic::error(format!("`{source}` needs {name}{level}, and is {is}"))
        .in_file(suspect.file.as_ref().unwrap_or(source));
    problem.line = suspect.line;
    Some(problem.advised(advice(scene, lang, current.as_deref(), &std, suspect)))
}

fn advice(scene: &Scene<'_>, lang: Lang, current: Option<&str>, std: &str, suspect: &Complaint) -> Advice {
    let key = if lang == Lang::Cxx { "compile.std" } else { "compile.c_std" };
    let flag = current.map(|current| format!("-std={current}"));
    let held = flag.as_ref().and_then(|flag| {
        let holders = settings(scene.manifest).filter(|(_, value)| value == flag);
        holders.map(|(key, _)| key).last()
    });
    let change = Change::text(key, std);
    let mut hint = match (held, flag) {
        (Some(held), Some(flag)) if held != key => {
            let list = held.rsplit_once('.').map_or(&*held, |(list, _)| list);
            return Advice::new(
                Cause::OlderStandard,
                format!("write `-std={std}` in place of `{flag}` in `{list}`"),
            );
        }
        _ => format!("set `{change}` in `jmake.toml`"),
    };
    let about = suspect.message.split('\'').nth(1).unwrap_or_default();
    if lang == Lang::C && ["bool", "true", "false"].contains(&about) {
        hint = format!("include `<stdbool.h>`, or {hint}");
    }
    Advice { cause: Cause::OlderStandard, hint, change: Some(change) }
}

/// Whether a newer standard may mend it, by what it says.
fn may_be_newer(scene: Option<&Scene<'_>>, lang: Lang, complaint: &Complaint) -> bool {
    let message = &*complaint.message;
    let words = if lang == Lang::Cxx { CXX_WORDS } else { C_WORDS };
    let word = message.split('\'').nth(1).unwrap_or_default();
    let about = ABOUT_WORDS.iter().any(|start| message.starts_with(start));
    if about && (word.is_empty() || words.split_whitespace().any(|known| known == word)) {
        return complaint.is_error();
    }
    let words_of_line = || {
        let line = scene.and_then(|scene| words_at(scene, complaint)).unwrap_or_default();
        line.iter().any(|word| words.split_whitespace().any(|known| known == word))
    };
    let also = match lang {
        Lang::Cxx => {
            message.contains("in namespace 'std'")
                || message.contains("not allowed in")
                || message.starts_with("use of class template '")
                || message.starts_with("'operator<='")
        }
        Lang::C => message.starts_with("expected") && words_of_line(),
        Lang::Asm => false,
    };
    complaint.is_error() && (also || names_standard(message))
}

/// Whether it names a standard: `C++20`, `C23`, `C2x`, `ISO C++ 2011`.
fn names_standard(message: &str) -> bool {
    message.contains("ISO C++")
        || message.match_indices('C').any(|(at, _)| {
            let before = message[..at].chars().next_back();
            let rest = &message[at + 1..];
            let rest = rest.strip_prefix("++").unwrap_or(rest);
            !before.is_some_and(char::is_alphanumeric)
                && matches!(rest.as_bytes(), [b'0'..=b'9', b'0'..=b'9' | b'a'..=b'z', ..])
        })
}

/// The standard that is asked for last, as after `-std=`.
fn current(action: &Action) -> Option<String> {
    action.args.iter().rev().find_map(|arg| match arg {
        Arg::Text(text) => Some(String::from_utf8_lossy(text.strip_prefix(b"-std=")?).into_owned()),
        _ => None,
    })
}

/// The standards after `current`, or after the oldest default there is.
fn newer(lang: Lang, current: Option<&str>) -> &'static [&'static str] {
    let all: &'static [&'static str] = if lang == Lang::Cxx { &CXX } else { &C };
    let from = match current.map(|std| std.trim_start_matches(|c: char| !c.is_ascii_digit())) {
        // clang's own defaults: C++14 since 6, C++17 since 16; C17 since 11.
        None => all.iter().position(|level| *level == if lang == Lang::Cxx { "14" } else { "17" }),
        Some("1z") => all.iter().position(|level| *level == "17"),
        Some("2a") => all.iter().position(|level| *level == "20"),
        Some("2b" | "2x" | "26" | "2c" | "2y") => Some(all.len() - 1),
        Some(level) => all.iter().position(|known| *known == level),
    };
    &all[from.map_or(0, |at| at + 1)..]
}

fn spelled(lang: Lang, gnu: bool, level: &str) -> String {
    let family = match (lang, gnu) {
        (Lang::Cxx, true) => "gnu++",
        (Lang::Cxx, false) => "c++",
        (Lang::C | Lang::Asm, true) => "gnu",
        (Lang::C | Lang::Asm, false) => "c",
    };
    format!("{family}{level}")
}

/// `args` with the standard `std` as the only one.
fn with_std(mut args: Vec<Vec<u8>>, std: &str) -> Vec<Vec<u8>> {
    args.retain(|arg| !arg.starts_with(b"-std="));
    args.insert(0, format!("-std={std}").into_bytes());
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_that_make_one_think_of_it() {
        let may = |lang, message: &str| may_be_newer(None, lang, &Complaint::error(message));
        for message in [
            "unknown type name 'concept'",
            "no template named 'optional' in namespace 'std'",
            "use of undeclared identifier 'std'",
            "'auto' not allowed in function prototype",
            "designated initializers are a C++20 extension [-Werror,-Wc++20-designator]",
        ] {
            assert!(may(Lang::Cxx, message), "{message}");
        }
        assert!(may(Lang::C, "unknown type name 'bool'"));
        for message in
            ["use of undeclared identifier 'x'", "unknown type name 'Foo'", "no member named 'C' in 'B'"]
        {
            assert!(!may(Lang::Cxx, message), "{message}");
            assert!(!may(Lang::C, message), "{message}");
        }
    }

    #[test]
    fn standards_in_their_order() {
        assert_eq!(newer(Lang::Cxx, Some("gnu++11")), ["14", "17", "20", "23"]);
        assert_eq!(newer(Lang::Cxx, Some("c++23")), [""; 0]);
        assert_eq!(newer(Lang::Cxx, None), ["17", "20", "23"]);
        assert_eq!(newer(Lang::C, Some("c89")), C);
        assert_eq!(newer(Lang::C, Some("c2x")), [""; 0]);
    }
}
