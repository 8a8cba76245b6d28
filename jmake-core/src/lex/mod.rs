//! The directive scanner: what the text of one C or C++ file says before any macro is expanded.
//!
//! One linear pass over raw bytes, which never fails: text that is no program gives few facts.
//! Nothing is expanded and no include is followed, so the facts depend on the file's bytes alone
//! and can be kept by digest.  What is asked of a compiler's depfile is asked there; this scan
//! serves decisions that come before the first compile, and so it reports too much rather than
//! too little.
//!
//! The one promise that must be exact is [`Facts::comment_blind`]; `blind` argues for it.

mod blind;
mod condition;
mod own;
mod scan;
mod scope;
mod token;

use crate::codec::{Reader, Writer};
use crate::digest::Digest;

/// How a name was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `#include`, `#import`, or C++20 `import <header>;`.
    Include,
    /// `#include_next`.
    IncludeNext,
    /// `__has_include(…)` or `__has_include_next(…)`: only asked whether it is there.
    HasInclude,
    /// `#embed` or `__has_embed`: the content becomes data.
    Embed,
}

/// One file asked for by another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Include {
    /// How.
    pub kind: Kind,
    /// The name between the quotes or angle brackets.
    pub name: Box<[u8]>,
    /// Whether in angle brackets.
    pub angled: bool,
    /// The line, from 1.
    pub line: u32,
    /// Whether it stands inside an `#if` other than the file's include guard, and so may never be
    /// reached.
    pub conditional: bool,
    /// Whether it certainly is never reached: inside `#if 0` or beside a branch taken for certain.
    pub dead: bool,
}

/// What the text of one file says, without its includes being followed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Files asked for, in order.
    pub includes: Vec<Include>,
    /// Whether an include (or embed, or `__has_include`) names its file through a macro.
    pub computed_include: bool,
    /// Whether a function `main` (or `wmain`, `WinMain`…) is defined, not only declared, at
    /// namespace scope outside `#if 0`, or a well-known macro that defines one is used.
    pub has_main: bool,
    /// Whether each such `main` stands where an `#if` leaves it out as long as no macro is set
    /// for the purpose, as in `#ifdef STANDALONE`.
    pub main_conditional: bool,
    /// Whether something besides directives, comments and what frames includes stands in it where no
    /// macro need be set for it.
    pub has_own_code: bool,
    /// Whether it is a C++20 module unit (`export module x;`, `module x;`).
    pub module_unit: bool,
    /// Macros of the kind `HAVE_UNISTD_H` that a condition asks for, sorted.
    pub asks: Vec<Box<[u8]>>,
    /// Macros of that kind that the text defines, sorted.
    pub answers: Vec<Box<[u8]>>,
    /// Whether an assembler directive that reads a file no depfile names (`.incbin`, `.include`)
    /// may occur in a string.
    pub incbin: bool,
    /// Whether something in it may be marked to be shown by a library that hides all else.
    pub marks_shown: bool,
    /// Whether a symbol may have a version of its own (`.symver`).
    pub has_versions: bool,
    /// The digest of the content with each comment replaced by blanks and trailing blanks cut
    /// from each line, so that every token keeps its line and column.  Two files with the same
    /// one compile to the same object, with the same warnings.  `None` when the text is too odd
    /// for that to be certain.
    ///
    /// It is no use where comments reach the output or the warnings: with debug information
    /// (DWARF holds the file's MD5), `-C`, `-CC`, `-Wdocumentation`, `-Wtrailing-whitespace`,
    /// `-Wimplicit-fallthrough=1`, `-fcoverage-mapping`, `-verify`, precompiled headers and
    /// module files as outputs; where `//` begins no comment (`-ansi`, `-std=c89`, `-std=c90`,
    /// `-traditional-cpp`); for assembler; and for a file that is itself embedded as data.
    pub comment_blind: Option<Digest>,
}

/// Scans the text of one file.
pub fn scan(text: &[u8]) -> Facts {
    let has_versions = has(text, b".symver") || has(text, b"symver__");
    Facts { marks_shown: marks_shown(text), has_versions, ..scan::scan(text) }
}

/// [`Facts::marks_shown`] of `text` alone.
pub fn marks_shown(text: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"\"default\"", b"__default__", b"push(default)", b"push (default)"];
    has(text, b"visibility") && words.iter().any(|word| has(text, word))
}

fn has(text: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find(text, words).is_some()
}

/// [`Facts::comment_blind`] of `text` alone.
pub fn comment_blind(text: &[u8]) -> Option<Digest> {
    scan(text).comment_blind
}

const KINDS: [Kind; 4] = [Kind::Include, Kind::IncludeNext, Kind::HasInclude, Kind::Embed];

impl Include {
    fn encode(&self, out: &mut Writer) {
        let kind = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or_default() as u64;
        let flags = [self.angled, self.conditional, self.dead];
        out.uint(kind << flags.len() | bits(&flags));
        out.uint(self.line.into());
        out.bytes(&self.name);
    }

    fn decode(from: &mut Reader<'_>) -> Option<Include> {
        let head = from.uint()?;
        let kind = *KINDS.get(usize::try_from(head >> 3).ok()?)?;
        let [angled, conditional, dead] = unbits(head & 7)?;
        let line = from.int()?;
        Some(Include { kind, name: from.bytes()?.into(), angled, line, conditional, dead })
    }
}

impl Facts {
    /// The digest of everything but [`Facts::comment_blind`]: of all that decisions made before
    /// the first compile can depend on.  An edit within a function's body leaves it as it is.
    pub fn shape(&self) -> Digest {
        let mut out = Writer(Vec::with_capacity(self.size()));
        self.encode_with(None, &mut out);
        Digest::of(&out.0)
    }

    /// Appends the facts to `out`.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_with(self.comment_blind.as_ref(), out);
    }

    /// About how many bytes they take, encoded.
    pub fn size(&self) -> usize {
        let names = self.asks.iter().chain(&self.answers).map(|name| name.len() + 2);
        64 + self.includes.iter().map(|include| include.name.len() + 6).chain(names).sum::<usize>()
    }

    fn encode_with(&self, comment_blind: Option<&Digest>, out: &mut Writer) {
        out.uint(bits(&[
            self.computed_include,
            self.has_main,
            self.main_conditional,
            self.module_unit,
            self.incbin,
            self.marks_shown,
            self.has_versions,
            self.has_own_code,
        ]));
        out.digest_opt(comment_blind);
        out.uint(self.includes.len() as u64);
        for include in &self.includes {
            include.encode(out);
        }
        for list in [&self.asks, &self.answers] {
            out.uint(list.len() as u64);
            list.iter().for_each(|name| out.bytes(name));
        }
    }

    /// Takes what [`Facts::encode`] wrote.
    pub fn decode(from: &mut Reader<'_>) -> Option<Facts> {
        let [
            computed_include,
            has_main,
            main_conditional,
            module_unit,
            incbin,
            marks_shown,
            has_versions,
            has_own_code,
        ] = unbits(from.uint()?)?;
        let comment_blind = from.digest_opt()?;
        let count: usize = from.int()?;
        let includes = (0..count).map(|_| Include::decode(from)).collect::<Option<_>>()?;
        let mut names = || {
            let count: usize = from.int()?;
            (0..count).map(|_| Some(from.bytes()?.into())).collect::<Option<Vec<Box<[u8]>>>>()
        };
        let (asks, answers) = (names()?, names()?);
        Some(Facts {
            includes,
            computed_include,
            has_main,
            main_conditional,
            has_own_code,
            module_unit,
            asks,
            answers,
            incbin,
            marks_shown,
            has_versions,
            comment_blind,
        })
    }
}

fn bits(flags: &[bool]) -> u64 {
    flags.iter().rev().fold(0, |all, &flag| all << 1 | u64::from(flag))
}

fn unbits<const N: usize>(all: u64) -> Option<[bool; N]> {
    (all >> N == 0).then(|| std::array::from_fn(|i| all >> i & 1 == 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip_once(facts: &Facts) -> Writer {
        let mut out = Writer::default();
        facts.encode(&mut out);
        let mut from = Reader(&out.0);
        assert_eq!(Facts::decode(&mut from).as_ref(), Some(facts));
        assert!(from.is_empty());
        out
    }

    fn round_trip(facts: &Facts) {
        let out = round_trip_once(facts);
        for len in 0..out.0.len() {
            assert_eq!(Facts::decode(&mut Reader(&out.0[..len])), None, "cut to {len}");
        }
    }

    #[test]
    fn facts_round_trip() {
        round_trip(&Facts::default());
        round_trip(&scan(b"#include <a>\n#if 0\n#include_next \"b\"\n#endif\nint main() {}"));
        round_trip(&scan(b"__attribute__((visibility(\"default\"))) int f; /* .symver */"));
        assert!(scan(b"#pragma GCC visibility push(default)\n").marks_shown);
        round_trip(&Facts { incbin: true, module_unit: true, ..scan(b"\0#embed \"\xff\"") });
        assert_eq!(Facts::decode(&mut Reader(b"\xff\x03\0\0")), None, "unknown flags");
    }

    /// Each of these would take minutes if any part of the scan looked back or ahead without bound.
    #[test]
    fn time_is_linear() {
        for (part, before) in [
            ("__has_include(<", "#if "),
            ("__has_include(<\\\n", "#if "),
            ("R\"a(", ""),
            ("R\"", ""),
            ("\\\n", "a"),
            ("\\ ", "a"),
            ("#if X\n", ""),
            ("#if X\na b c\n#else\n", ""),
            ("/*", ""),
            ("\"a\" ", ""),
            ("int main(", ""),
            ("{", ""),
            ("1'", ""),
        ] {
            let text = format!("{before}{}", part.repeat(100_000));
            round_trip_once(&scan(text.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_scan_and_round_trip(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            round_trip(&scan(&text));
        }

        /// A directive that is read at once is read as closely as any.
        #[test]
        fn plain_includes_are_includes(parts in proptest::collection::vec(proptest::sample::select(vec![
            " ", "\t", "include", "\"a.h\"", "<b/c.h>", "\"a'b\"", "<a//b>", "<a/*b>", "??/", "\\\n", "//x", "/*y*/", "\r", "\n",
            "main(){}", "\"<", ">", "\"", "#include", "#include <d>\n",
        ]), 0..12)) {
            // A vertical tab is as good as a blank, and only read closely.
            let closely = |include: &str| {
                let mut facts = scan(format!("#if X\n{}\n#endif\n", parts.concat().replace("#include", include)).as_bytes());
                facts.comment_blind = None;
                for one in &mut facts.includes {
                    one.name = one.name.iter().copied().filter(|&byte| byte != 0x0b).collect();
                }
                facts
            };
            prop_assert_eq!(closely("#include"), closely("#\u{b}include"));
        }

        /// Bytes that mean something to the scanner, in every order.
        #[test]
        fn any_fragments_scan_and_round_trip(parts in proptest::collection::vec(proptest::sample::select(vec![
            "\\\n", "\n", "\r", "\r\n", " ", "\\", "/", "*", "/*", "*/", "//", "\"", "'", "R\"", "R\"x(", ")x\"", "(", ")",
            "{", "}", ";", "#", "%:", "??=", "??/", "#if 0", "#if", "#else", "#endif", "#elif", "#ifndef X", "#define X",
            "#include", "<", ">", "a", "main", "int main(", "1'0", "extern \"C\"", "module", "export", "__has_include(",
            "import", "\0", "\u{feff}", "é", "defined", "!",
        ]), 0..40)) {
            round_trip(&scan(parts.concat().as_bytes()));
        }
    }
}
