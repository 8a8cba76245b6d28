//! Definitions at namespace scope: `main`, and whether the file is a C++20 module unit.
//!
//! A parser is neither possible (nothing is expanded) nor needed: braces are counted, those of
//! `extern "C" {` aside, and a name followed by parentheses and a body is a definition.  The
//! state is small and `Copy`, so that `#if` branches can each start from the same one.

use super::own::Own;

/// A token as this module needs it.
#[derive(Clone, Copy)]
pub(super) enum Word<'a> {
    Ident(&'a [u8]),
    Str,
    Other,
    Punct(u8),
}

/// What has been found in the file so far.
#[derive(Default)]
pub(super) struct Found {
    /// A `main` where no macro need be set for it.
    pub main: bool,
    /// A `main` that a macro must ask for.
    pub conditional_main: bool,
    /// `int main(` inside braces: believed when the braces turn out not to be balanced, for
    /// instance because macros hold some.
    pub indoor_main: bool,
    pub module_unit: bool,
    /// Code besides what the file includes.
    pub own: Own,
}

impl Found {
    fn found_main(&mut self, asked_for: bool) {
        match asked_for {
            true => self.conditional_main = true,
            false => self.main = true,
        }
    }
}

/// What the tokens since the last `;` or `}` amount to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing of interest.
    Any,
    /// A declaration begins.
    Start,
    /// `export` at the start of a declaration.
    Export,
    /// `module` at the start of a declaration; whether after `export`.
    Module {
        exported: bool,
    },
    /// `extern`, then with its string.
    Extern,
    ExternC,
    /// The name of the function.
    Named,
    /// Inside its parameters.
    Params {
        depth: u32,
        names_only: bool,
        any: bool,
    },
    /// Just behind them.
    Closed {
        old_style: bool,
    },
    /// Further behind them, before the body.
    Behind {
        depth: u32,
        old_style: bool,
    },
    /// A macro that defines `main`, waiting for its parenthesis.
    MainMacro,
    /// After `.`, `->` or `::`.
    Member,
}

/// Where in the nesting the scan is.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// Depth of braces that hide a definition.
    opaque: u32,
    /// Depth of `extern "C" {` outside those.
    transparent: u32,
    step: Step,
    /// Whether no declaration came yet: only there may `module` be a keyword.
    first: bool,
}

impl Scope {
    pub fn new() -> Scope {
        Scope { opaque: 0, transparent: 0, step: Step::Start, first: true }
    }

    /// Whether every brace that was opened has been closed.
    pub fn balanced(&self) -> bool {
        self.opaque == 0
    }

    /// Takes one token outside directives; `asked_for` tells whether it stands where a macro must
    /// be set.
    pub fn token(&mut self, word: Word<'_>, asked_for: bool, found: &mut Found) {
        if !asked_for {
            found.own.token(word);
        }
        match word {
            Word::Punct(b'{') => self.open(asked_for, found),
            Word::Punct(b'}') => self.close(),
            _ if self.opaque > 0 => self.indoors(word, found),
            _ => self.step = self.outdoors(word, asked_for, found),
        }
        self.first &= matches!(self.step, Step::Start | Step::Export | Step::Module { .. });
    }

    fn open(&mut self, asked_for: bool, found: &mut Found) {
        if self.opaque == 0 && self.step == Step::ExternC {
            self.transparent += 1;
        } else {
            if self.opaque == 0
                && matches!(self.step, Step::Params { .. } | Step::Closed { .. } | Step::Behind { .. })
            {
                found.found_main(asked_for);
            }
            self.opaque += 1;
        }
        self.step = if self.opaque == 0 { Step::Start } else { Step::Any };
    }

    fn close(&mut self) {
        if self.opaque > 0 {
            self.opaque -= 1;
        } else {
            self.transparent = self.transparent.saturating_sub(1);
        }
        self.step = if self.opaque == 0 { Step::Start } else { Step::Any };
    }

    /// Notes `int main (` inside braces.
    fn indoors(&mut self, word: Word<'_>, found: &mut Found) {
        self.step = match (self.step, word) {
            (_, Word::Ident(b"int")) => Step::Start,
            (Step::Start, Word::Ident(b"main")) => Step::Named,
            (Step::Named, Word::Punct(b'(')) => {
                found.indoor_main = true;
                Step::Any
            }
            _ => Step::Any,
        };
    }

    fn outdoors(&self, word: Word<'_>, asked_for: bool, found: &mut Found) -> Step {
        match (self.step, word) {
            (Step::Params { .. } | Step::Closed { .. } | Step::Behind { .. }, _) => self.function(word),
            (Step::Named, Word::Punct(b'(')) => Step::Params { depth: 1, names_only: true, any: false },
            (Step::MainMacro, Word::Punct(b'(')) => {
                found.found_main(asked_for);
                Step::Any
            }
            (Step::Module { exported }, Word::Punct(b';' | b':') | Word::Ident(_)) => {
                found.module_unit |= exported || self.first;
                Step::Any
            }
            (_, Word::Punct(b';')) => Step::Start,
            (_, Word::Punct(b'.' | b'>' | b':' | b'=')) => Step::Member,
            (Step::Start, Word::Ident(b"export")) => Step::Export,
            (Step::Start, Word::Ident(b"module")) => Step::Module { exported: false },
            (Step::Export, Word::Ident(b"module")) => Step::Module { exported: true },
            (_, Word::Ident(b"extern")) => Step::Extern,
            (Step::Extern, Word::Str) => Step::ExternC,
            (Step::Member, _) => Step::Any,
            (_, Word::Ident(name)) if is_main(name) => Step::Named,
            (_, Word::Ident(name)) if MAIN_MACROS.contains(&name) => Step::MainMacro,
            _ => Step::Any,
        }
    }

    /// Between `main (` and its body, or the sign that there is none.
    fn function(&self, word: Word<'_>) -> Step {
        match (self.step, word) {
            (Step::Params { depth, names_only, any }, Word::Punct(b'(')) => {
                Step::Params { depth: depth + 1, names_only, any }
            }
            (Step::Params { depth: 1, names_only, any }, Word::Punct(b')')) => {
                Step::Closed { old_style: names_only && any }
            }
            (Step::Params { depth, names_only, any }, Word::Punct(b')')) => {
                Step::Params { depth: depth - 1, names_only, any }
            }
            (Step::Params { .. }, Word::Punct(b';')) => Step::Start,
            (Step::Params { depth, names_only, .. }, Word::Ident(name)) => {
                let is_name = name != b"void" && name != b"int";
                Step::Params { depth, names_only: names_only && is_name, any: true }
            }
            (Step::Params { depth, names_only, any }, word) => {
                Step::Params { depth, names_only: names_only && matches!(word, Word::Punct(b',')), any }
            }
            (Step::Closed { .. }, Word::Punct(b';')) => Step::Start,
            (Step::Closed { .. }, Word::Punct(b',' | b'=')) => Step::Any,
            (Step::Closed { old_style }, Word::Punct(b'(')) => Step::Behind { depth: 1, old_style },
            (Step::Closed { old_style }, _) => Step::Behind { depth: 0, old_style },
            (Step::Behind { depth, old_style }, Word::Punct(b'(')) => {
                Step::Behind { depth: depth + 1, old_style }
            }
            (Step::Behind { depth, old_style }, Word::Punct(b')')) => {
                Step::Behind { depth: depth.saturating_sub(1), old_style }
            }
            (Step::Behind { depth: 0, old_style: false }, Word::Punct(b';')) => Step::Start,
            (Step::Behind { depth: 0, old_style: false }, Word::Punct(b',' | b'=')) => Step::Any,
            (step, _) => step,
        }
    }
}

/// The entry points of programs; libFuzzer's is called by a `main` that it brings.
fn is_main(name: &[u8]) -> bool {
    matches!(
        name,
        b"LLVMFuzzerTestOneInput" | b"main" | b"wmain" | b"_tmain" | b"WinMain" | b"wWinMain" | b"_tWinMain"
    )
}

/// Macros of well-known libraries that define `main` where they are called.
const MAIN_MACROS: [&[u8]; 8] = [
    b"BENCHMARK_MAIN",
    b"QTEST_MAIN",
    b"QTEST_APPLESS_MAIN",
    b"QTEST_GUILESS_MAIN",
    b"IMPLEMENT_APP",
    b"wxIMPLEMENT_APP",
    b"UNITTEST_MAIN",
    b"CUTE_MAIN",
];

/// Macros of well-known test libraries that, when defined, make a header define `main`.
pub(super) const MAIN_SWITCHES: [&[u8]; 7] = [
    b"CATCH_CONFIG_MAIN",
    b"CATCH_CONFIG_RUNNER",
    b"DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN",
    b"BOOST_TEST_MAIN",
    b"BOOST_TEST_MODULE",
    b"BOOST_AUTO_TEST_MAIN",
    b"UTEST_MAIN",
];
