//! Directives: which files are asked for, and under which conditions.
//!
//! Conditions are judged only as far as that needs no values: `#if 0` and `#if 1` for certain,
//! `#ifdef X` by the guess that a project built without settings defines only what its own text
//! does.  A guess never hides an include; it only says whether a `main` counts.

use std::collections::HashSet;

use super::condition::{Odds, guard_name, judge};
use super::own::Own;
use super::scope::{Found, MAIN_SWITCHES, Scope, Word};
use super::token::{Lexer, Token, contains};
use super::{Facts, Include, Kind, blind};

/// An `#if` that is still open.
struct Conditional {
    /// The odds of the branch the scan is in, apart from what encloses it.
    odds: Odds,
    /// The odds that all of what encloses it is compiled.
    enclosing: Odds,
    /// Whether something but the include guard encloses it.
    enclosed: bool,
    /// The odds that no branch so far was taken.
    rest: Odds,
    /// Whether it is the file's include guard, so far as can be told.
    guard: bool,
    /// How many includes came before it.
    includes_before: usize,
    /// The scope before it, where each branch starts.
    before: Scope,
    /// The scope after the likeliest branch so far.
    after: Option<(Odds, Scope)>,
}

/// Whether the file's include guard may still come.
#[derive(PartialEq, Eq)]
enum Guard {
    /// Nothing but comments and `#pragma` so far.
    Possible,
    /// `#ifndef` of this name has just been read.
    Asked(Vec<u8>),
    Settled,
}

struct Scan<'a> {
    lexer: Lexer<'a>,
    facts: Facts,
    found: Found,
    scope: Scope,
    open: Vec<Conditional>,
    guard: Guard,
    /// Macros the text defines anywhere before.
    defined: HashSet<Vec<u8>>,
    /// The end of the string literals that directly precede, in which `.incbin` may have begun.
    tail: Vec<u8>,
}

/// Whether a macro's name says, as autoconf's do, that a header is there.
fn is_about_header(name: &[u8]) -> bool {
    name.starts_with(b"HAVE_") && name.ends_with(b"_H") && name.len() > 7
}

/// The first tokens of a condition: enough to judge the simple ones.
const CONDITION: usize = 6;

pub(super) fn scan(text: &[u8]) -> Facts {
    let mut scan = Scan {
        lexer: Lexer::new(text),
        facts: Facts::default(),
        found: Found::default(),
        scope: Scope::new(),
        open: Vec::new(),
        guard: Guard::Possible,
        defined: HashSet::new(),
        tail: Vec::new(),
    };
    scan.run();
    let Scan { lexer, mut facts, found, scope, .. } = scan;
    let main = found.main || (found.indoor_main && !scope.balanced());
    facts.has_main = main || found.conditional_main;
    facts.main_conditional = facts.has_main && !main;
    facts.module_unit = found.module_unit;
    facts.has_own_code = found.own == Own::Code;
    for names in [&mut facts.asks, &mut facts.answers] {
        names.sort_unstable();
        names.dedup();
    }
    facts.comment_blind = blind::digest(text, &lexer);
    facts
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut line_start = true;
        loop {
            let token = self.lexer.next();
            match token {
                Token::End => return,
                Token::Newline => {
                    line_start = true;
                    continue;
                }
                Token::Punct(b'#') if line_start => {
                    self.directive();
                    continue;
                }
                _ => self.ordinary(token, line_start),
            }
            line_start = false;
        }
    }

    /// A token of the program itself.
    fn ordinary(&mut self, token: Token, line_start: bool) {
        self.guard = Guard::Settled;
        let spelled = self.lexer.spelled();
        self.watch_strings(token, &spelled);
        let odds = self.odds();
        if odds == Odds::Dead {
            return;
        }
        let word = match token {
            Token::Ident => Word::Ident(&spelled),
            Token::Str => Word::Str,
            Token::Punct(byte) => Word::Punct(byte),
            _ => Word::Other,
        };
        self.scope.token(word, odds <= Odds::Unlikely, &mut self.found);
        // `import <header>;`, alone or after `export`.
        if line_start && (&*spelled == b"import" || &*spelled == b"export") {
            self.header_unit(&spelled);
        }
    }

    fn header_unit(&mut self, first: &[u8]) {
        if first == b"export" && self.lexer.glance() == Some(b'i') {
            let token = self.lexer.next();
            let spelled = self.lexer.spelled();
            if token == Token::Ident {
                self.scope.token(Word::Ident(&spelled), false, &mut self.found);
            }
            if &*spelled != b"import" {
                return;
            }
        } else if first == b"export" {
            return;
        }
        if let Some((name, angled)) = self.lexer.header_name() {
            self.include(Kind::Include, &name, angled);
        }
    }

    /// Looks for `.incbin` in strings, also when it is spread over adjacent ones.
    fn watch_strings(&mut self, token: Token, spelled: &[u8]) {
        if token != Token::Str {
            self.tail.clear();
            self.facts.incbin |= token == Token::Ident && spelled == b"incbin";
            return;
        }
        let open = spelled.iter().position(|&b| b == b'"').map_or(0, |at| at + 1);
        let content = &spelled[open..spelled.len().max(open + 1) - 1];
        let is_asm = |text: &[u8]| contains(text, b"incbin") || contains(text, b".include");
        self.tail.extend_from_slice(&content[..content.len().min(8)]);
        self.facts.incbin |= is_asm(content) || is_asm(&self.tail);
        let end = if content.len() > 8 { content } else { &*self.tail };
        self.tail = end[end.len().saturating_sub(8)..].to_vec();
    }

    /// What follows a `#` at the start of a line, to the end of the line.
    fn directive(&mut self) {
        if let Some((name, angled)) = self.lexer.plain_include() {
            self.guard = Guard::Settled;
            self.tail.clear();
            return self.include(Kind::Include, name, angled);
        }
        // Only the directives named below have their comments taken out by every compiler; of
        // others the text may be shown or handed on.
        self.lexer.verbatim = true;
        let name = match self.lexer.glance() {
            Some(b) if b.is_ascii_alphabetic() || b == b'_' || b == b'\\' => {
                self.lexer.next();
                self.lexer.spelled()
            }
            _ => Default::default(),
        };
        let kind = match &*name {
            b"include" | b"import" => Some(Kind::Include),
            b"include_next" => Some(Kind::IncludeNext),
            b"embed" => Some(Kind::Embed),
            _ => None,
        };
        let condition: &[&[u8]] =
            &[b"if", b"ifdef", b"ifndef", b"elif", b"elifdef", b"elifndef", b"else", b"endif"];
        self.lexer.verbatim =
            kind.is_none() && !condition.contains(&&*name) && &*name != b"define" && &*name != b"undef";
        if let Some(kind) = kind {
            self.guard = Guard::Settled;
            self.asked_file(kind);
            self.rest_of_line(0);
        } else if condition.contains(&&*name) {
            let words = self.rest_of_line(CONDITION);
            self.condition(&name, &words);
        } else if &*name == b"define" {
            let words = self.rest_of_line(1);
            self.define(words.into_iter().next().unwrap_or_default());
        } else {
            self.rest_of_line(0);
            if &*name != b"pragma" && !name.is_empty() {
                self.guard = Guard::Settled;
            }
        }
        self.lexer.verbatim = false;
        self.tail.clear();
    }

    /// A file's name where one must stand, or a macro for it.
    fn asked_file(&mut self, kind: Kind) {
        match self.lexer.header_name() {
            Some((name, angled)) => self.include(kind, &name, angled),
            None => {
                self.facts.computed_include |=
                    self.lexer.glance().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            }
        }
    }

    fn include(&mut self, kind: Kind, name: &[u8], angled: bool) {
        let conditional = self.is_conditional();
        let dead = self.odds() == Odds::Dead;
        let line = self.lexer.line;
        self.facts.includes.push(Include { kind, name: name.into(), angled, line, conditional, dead });
    }

    /// Reads to the end of the line and gives the first `keep` tokens.
    fn rest_of_line(&mut self, keep: usize) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        loop {
            let token = self.lexer.next();
            if matches!(token, Token::End | Token::Newline) {
                return words;
            }
            let spelled = self.lexer.spelled();
            self.watch_strings(token, &spelled);
            if words.len() < keep {
                words.push(spelled.to_vec());
            }
            if keep == CONDITION && is_about_header(&spelled) {
                self.facts.asks.push(spelled.as_ref().into());
            }
            let kind = match &*spelled {
                b"__has_include" | b"__has_include_next" => Kind::HasInclude,
                b"__has_embed" => Kind::Embed,
                _ => continue,
            };
            if self.lexer.glance() == Some(b'(') {
                self.lexer.next();
                self.asked_file(kind);
            }
        }
    }

    fn define(&mut self, name: Vec<u8>) {
        self.guard = match std::mem::replace(&mut self.guard, Guard::Settled) {
            Guard::Asked(asked) if asked == name => {
                if let [only] = &mut self.open[..] {
                    only.guard = true;
                }
                Guard::Settled
            }
            _ => Guard::Settled,
        };
        if MAIN_SWITCHES.contains(&&*name) && self.odds() != Odds::Dead {
            match self.odds() <= Odds::Unlikely {
                true => self.found.conditional_main = true,
                false => self.found.main = true,
            }
        }
        if is_about_header(&name) {
            self.facts.answers.push(name.as_slice().into());
        }
        if self.odds() > Odds::Unlikely {
            self.defined.insert(name);
        }
    }

    fn condition(&mut self, directive: &[u8], words: &[Vec<u8>]) {
        let first = std::mem::replace(&mut self.guard, Guard::Settled) == Guard::Possible;
        match directive {
            b"if" | b"ifdef" | b"ifndef" => {
                if let (true, Some(name)) = (first, guard_name(directive, words)) {
                    self.guard = Guard::Asked(name.clone());
                }
                let odds = judge(directive, words, &self.defined);
                self.open.push(Conditional {
                    odds,
                    enclosing: self.odds(),
                    enclosed: self.is_conditional(),
                    rest: odds.not(),
                    guard: false,
                    includes_before: self.facts.includes.len(),
                    before: self.scope,
                    after: None,
                });
            }
            b"endif" => {
                let Some(mut last) = self.open.pop() else { return };
                self.end_branch(&mut last);
                // Without `#else` nothing may have been taken: then the scope is the one before.
                let fall_through = (last.rest, last.before);
                self.scope = match last.after {
                    Some((odds, scope)) if odds >= fall_through.0 => scope,
                    _ => fall_through.1,
                };
            }
            _ => {
                let Some(mut last) = self.open.pop() else { return };
                self.end_branch(&mut last);
                let odds =
                    if directive == b"else" { Odds::Certain } else { judge(directive, words, &self.defined) };
                // A file's guard has no other branch.
                if std::mem::take(&mut last.guard) {
                    let inside = &mut self.facts.includes[last.includes_before..];
                    inside.iter_mut().for_each(|include| include.conditional = true);
                }
                last.odds = odds.min(last.rest);
                last.rest = last.rest.min(odds.not());
                self.scope = last.before;
                self.open.push(last);
            }
        }
    }

    /// Keeps the scope at the end of a branch when the branch is the likeliest so far.
    fn end_branch(&self, last: &mut Conditional) {
        if last.after.is_none_or(|(odds, _)| odds < last.odds) {
            last.after = Some((last.odds, self.scope));
        }
    }

    /// The odds that what comes next is compiled at all.
    fn odds(&self) -> Odds {
        self.open.last().map_or(Odds::Certain, |last| last.odds.min(last.enclosing))
    }

    /// Whether what comes next stands inside an `#if` other than the include guard.
    fn is_conditional(&self) -> bool {
        self.open.last().is_some_and(|last| last.enclosed || (!last.guard && last.odds != Odds::Certain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Includes as `kind name line`, with `?` when conditional and `-` when dead.
    fn includes(text: &str) -> String {
        let show = |i: &Include| {
            let kind = match i.kind {
                Kind::Include => "",
                Kind::IncludeNext => "next ",
                Kind::HasInclude => "has ",
                Kind::Embed => "embed ",
            };
            let (open, close) = if i.angled { ("<", ">") } else { ("\"", "\"") };
            let mark = if i.dead {
                "-"
            } else if i.conditional {
                "?"
            } else {
                ""
            };
            format!("{kind}{open}{}{close}{}{mark}", String::from_utf8_lossy(&i.name), i.line)
        };
        scan(text.as_bytes()).includes.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn finds_includes() {
        for (text, expect) in [
            ("#include <a.h>\n", "<a.h>1"),
            ("\u{feff}#include <a.h>", "<a.h>1"),
            ("\n /* c */ # /* d\n */ include /**/ \"b.h\" // x", "\"b.h\"3"),
            ("#include<a//b.h>\n#include \"c/*d.h\"\n#include <e>", "<a//b.h>1 \"c/*d.h\"2 <e>3"),
            ("#import <a>\n#include_next <b>\n#embed \"c\" limit(3)\n", "<a>1 next <b>2 embed \"c\"3"),
            ("#inc\\\nlude \"a\\\nb\"\n#include <c>", "\"ab\"2 <c>4"),
            ("%:include <a>\n??=include <b>", "<a>1 <b>2"),
            ("import <a>;\nexport import \"b\";\nimport c;\nint x; import <d>;", "<a>1 \"b\"2"),
            ("// #include <a>\n/*\n#include <b>\n*/ x #include <c>\n\"#include <d>\"\n", ""),
            ("R\"(\n#include <a>\n)\"\n#include <b>", "<b>4"),
            ("#if __has_include(<a>) && __has_include ( \"b\" )\n#endif", "has <a>1 has \"b\"1"),
            ("#if 1 // __has_include(<a>)\n#elif __has_embed(<b>)\n#endif", "embed <b>2"),
            (
                "#ifdef __has_include\n#if __has_include_next(<a>)\n#include <a>\n#endif\n#endif",
                "has <a>2? <a>3?",
            ),
            ("#include <unended\n#include <b>", "<b>2"),
            ("#define X \"a\"\n#include X\n", ""),
            ("x\r\n#include <a>\r\n#include <b>\r", "<a>2 <b>3"),
        ] {
            assert_eq!(includes(text), expect, "{text:?}");
        }
    }

    #[test]
    fn knows_conditions() {
        for (text, expect) in [
            ("#ifndef A\n#define A\n#include <a>\n#endif", "<a>3"),
            ("// c\n#pragma once\n#if !defined(A)\n#define A 1\n#include <a>\n#endif", "<a>5"),
            ("#ifndef A\n#define B\n#include <a>\n#endif", "<a>3?"),
            ("#ifndef A\n#define A\n#include <a>\n#else\n#include <b>\n#endif", "<a>3? <b>5?"),
            ("int x;\n#ifndef A\n#define A\n#include <a>\n#endif", "<a>4?"),
            ("#ifndef A\n#define A\n#ifdef B\n#include <a>\n#endif\n#include <b>\n#endif", "<a>4? <b>6"),
            ("#if 0\n#include <a>\n#else\n#include <b>\n#endif", "<a>2- <b>4"),
            ("#if 0\n#if 1\n#include <a>\n#endif\n#endif\n#include <b>", "<a>3- <b>6"),
            ("#if 0\n#elif X\n#include <a>\n#else\n#include <b>\n#endif", "<a>3? <b>5?"),
            ("#if 1\n#include <a>\n#elif X\n#include <b>\n#endif", "<a>2 <b>4-"),
            ("#if 0 || X\n#include <a>\n#endif", "<a>2?"),
            ("#endif\n#else\n#include <a>", "<a>3"),
        ] {
            assert_eq!(includes(text), expect, "{text:?}");
        }
    }

    #[test]
    fn computed_and_incbin() {
        for (text, computed, incbin) in [
            ("#include X", true, false),
            ("#if __has_include(X)\n#endif", true, false),
            ("#define H(x) __has_include(x)", true, false),
            ("#ifdef __has_include\n#endif\n#if defined(__has_include)\n#endif", false, false),
            ("#include \"x\"", false, false),
            ("asm(\".incbin \\\"x\\\"\");", false, true),
            ("asm(\".inc\" /* c */\n \"bin x\");", false, true),
            ("asm(\".\" \"i\" \"n\" \"cbin\");", false, true),
            ("asm(\".inc\", \"bin x\");", false, false),
            ("asm(R\"(.incbin)\");", false, true),
            ("#define A asm(\".incbin\")", false, true),
            ("#define A S(.incbin)", false, true),
            ("// .incbin", false, false),
        ] {
            let facts = scan(text.as_bytes());
            assert_eq!((facts.computed_include, facts.incbin), (computed, incbin), "{text:?}");
        }
    }

    #[test]
    fn finds_main() {
        for text in [
            "int main(int argc, char** argv) {",
            "int main() try { } catch (...) {}",
            "auto main() -> int {}",
            "main(argc, argv) char **argv; {}",
            "int main(argc, argv)\n int argc; char **argv;\n{}",
            "main() {}",
            "int\nmain (void)\n{\n}",
            "extern \"C\" { int main() {} }",
            "extern \"C\" int main() {}",
            "namespace a { int x; } int main() noexcept {}",
            "int main(void); int main(void) {}",
            "int wmain(int c, wchar_t** v) {}",
            "int WINAPI WinMain(HINSTANCE a, LPSTR b) {}",
            "struct S { void main() {} }; int main() {}",
            "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint main() {}\n#ifdef __cplusplus\n}\n#endif",
            "#ifdef A\nint f(int x) {\n#else\nint f(long x) {\n#endif\n}\nint main() {}",
            "#ifdef A\nint main(int c, char** v)\n#else\nint wmain(int c, wchar_t** v)\n#endif\n{}",
            "#ifndef NO_MAIN\nint main() {}\n#endif",
            "#ifdef _WIN32\nint WinMain() {}\n#else\nint main() {}\n#endif",
            "#define DEMO\n#ifdef DEMO\nint main() {}\n#endif",
            "#ifndef A\n#define A\nint main() {}\n#endif",
            "#if 1\nint main() {}\n#endif",
            "__attribute__((used)) int main(int (*f)(int)) __attribute__((cold)) {}",
            "#if 0\nint f() {\n#endif\nint main() {}",
            "BENCHMARK_MAIN();",
            "#define CATCH_CONFIG_MAIN\n#include <catch.hpp>",
            "BEGIN_BRACE int f() { int x; { \nint main() {}",
        ] {
            let facts = scan(text.as_bytes());
            assert!(facts.has_main && !facts.main_conditional, "{text:?}");
        }
    }

    #[test]
    fn finds_conditional_main() {
        for text in [
            "#ifdef TEST_MAIN\nint main() {}\n#endif",
            "#if defined(STANDALONE)\nint main() {}\n#endif",
            "#if defined STANDALONE\nint main() {}\n#else\nint f() {}\n#endif",
            "#if STANDALONE\nint main() {}\n#endif",
            "#ifndef LIB\nint f() {}\n#else\nint main() {}\n#endif",
            "#ifdef A\n#if 1\nint main() {}\n#endif\n#endif",
        ] {
            let facts = scan(text.as_bytes());
            assert!(facts.has_main && facts.main_conditional, "{text:?}");
        }
    }

    #[test]
    fn finds_no_main() {
        for text in [
            "int x = y.main(3);",
            "int main(void);",
            "int main(ARGS); void f() {}",
            "main(a), b; void f() {}",
            "int main(int, char**) NORETURN;",
            "#define main SDL_main",
            "// int main() {}\nconst char* s = \"int main() {}\";",
            "struct S { int main() { return 0; } };",
            "int foo::main() {}",
            "namespace n { int main() {} }",
            "void f() { int main(void); }",
            "#if 0\nint main() {}\n#endif",
            "#define M int main() {}",
            "int mainly() {} int domain() {}",
            "int x = main();",
            "TEST(main) {}",
            "int main;",
        ] {
            assert!(!scan(text.as_bytes()).has_main, "{text:?}");
        }
    }

    #[test]
    fn finds_module_units() {
        for (text, expect) in [
            ("export module a.b;", true),
            ("module;\n#include <a>\nexport module a;", true),
            ("module a;\nint x;", true),
            ("// c\nmodule a:part;", true),
            ("int x; module a;", false),
            ("typedef int module; module m;", false),
            ("module = 3;", false),
            ("import <a>; int module() {}", false),
            ("export int x;", false),
        ] {
            assert_eq!(scan(text.as_bytes()).module_unit, expect, "{text:?}");
        }
    }
}
