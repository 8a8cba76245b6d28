//! The digest of a text that does not change when only comments do.
//!
//! Each comment becomes blanks of the same length, which is what a comment is to a compiler, so
//! every token keeps its line, its column and the blank before it.  Tabs stay tabs, because
//! warnings about indentation measure with tab stops.  A newline inside a comment ends no line of
//! the program (`#define X /*⏎*/ 1` is one directive), so it becomes a NUL, which no accepted
//! text contains.  Blanks before a line's end are cut, for else a comment that grows to the right
//! would show; not inside raw strings, where they are content, and not on a last line without a
//! newline, which compilers warn about.
//!
//! Whatever would make this argument longer is refused by [`super::token`] instead.

use crate::digest::Digest;

use super::token::Lexer;

/// The comment-blind digest of `text`, which `lexer` has read to its end.
pub(super) fn digest(text: &[u8], lexer: &Lexer<'_>) -> Option<Digest> {
    if lexer.odd || text.contains(&0) {
        return None;
    }
    let mut blind = Blind { out: Vec::with_capacity(text.len()), refused: false };
    let mut done = 0;
    let mut raws = lexer.raws.iter().peekable();
    for comment in &lexer.comments {
        while let Some(raw) = raws.next_if(|raw| raw.end <= comment.at.start) {
            blind.code(&text[done..raw.start]);
            blind.out.extend_from_slice(&text[raw.clone()]);
            done = raw.end;
        }
        blind.code(&text[done..comment.at.start]);
        done = comment.at.end;
        match comment.keep {
            true => blind.out.extend_from_slice(&text[comment.at.clone()]),
            false => blind.comment(&text[comment.at.clone()]),
        }
    }
    for raw in raws {
        blind.code(&text[done..raw.start]);
        blind.out.extend_from_slice(&text[raw.clone()]);
        done = raw.end;
    }
    blind.code(&text[done..]);
    // Nothing stands behind the last token, so nothing has a place that empty lines could move.
    while blind.out.ends_with(b"\n\n") {
        blind.out.pop();
    }
    (!blind.refused).then(|| Digest::of(&blind.out))
}

struct Blind {
    out: Vec<u8>,
    /// Set when cutting blanks left a backslash at the end of a line: it did not splice before.
    refused: bool,
}

impl Blind {
    fn code(&mut self, code: &[u8]) {
        for line in code.split_inclusive(|&b| b == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    self.out.extend_from_slice(line);
                    self.end_line(b'\n');
                }
                None => self.out.extend_from_slice(line),
            }
        }
    }

    fn comment(&mut self, comment: &[u8]) {
        for &byte in comment {
            match byte {
                b'\n' => self.end_line(0),
                b'\t' | b'\r' => self.out.push(byte),
                _ => self.out.push(b' '),
            }
        }
    }

    fn end_line(&mut self, end: u8) {
        let cr = self.out.pop_if(|last| *last == b'\r');
        let full = self.out.len();
        while self.out.pop_if(|last| matches!(last, b' ' | b'\t')).is_some() {}
        self.refused |= self.out.len() < full && self.out.last() == Some(&b'\\');
        self.out.extend(cr);
        self.out.push(end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::comment_blind;

    #[test]
    fn equal_when_only_comments_differ() {
        for (left, right) in [
            ("int x; // one\n", "int x;\n"),
            ("int x;\n", "int x;\n// one\n\n// two\n"),
            ("int x; // one\n", "int x;   // another\t\n"),
            ("a/**/b\n", "a    b\n"),
            ("/* a\n b */ x\n", "/* c\n d */ x\n"),
            ("#define f/**/(x)\n", "#define f    (x)\n"),
            ("x = \"//\"; // a\n", "x = \"//\"; // b\n"),
            ("x = R\"(//)\"; int y; \n", "x = R\"(//)\"; int y;\n"),
            ("/* a */ #if 1 // b\r\n", "        #if 1\r\n"),
            ("int */*name*/p;\n", "int *        p;\n"),
            ("int n = 1'000'000; // many\n", "int n = 1'000'000; // more\n"),
            ("x = R\"(\n  // kept  \n)\";\nint y; // a\n", "x = R\"(\n  // kept  \n)\";\nint y; // b\n"),
        ] {
            let digest = comment_blind(left.as_bytes());
            assert!(digest.is_some(), "{left:?} is refused");
            assert_eq!(digest, comment_blind(right.as_bytes()), "{left:?} {right:?}");
        }
    }

    #[test]
    fn different_when_more_differs() {
        for (left, right) in [
            ("int x;\n", "int y;\n"),
            ("int x;\n", " int x;\n"),
            ("int x;\n", "\nint x;\n"),
            // The comment joins what the newline would part.
            ("#define X 1 /*\n*/ + 2\n", "#define X 1\n   + 2\n"),
            ("x /*\n*/ #define Y\n", "x\n   #define Y\n"),
            // No newline at the end is worth a warning.
            ("int x;\n// end", "int x;\n"),
            // A tab moves what follows to a tab stop.
            ("/*\t*/ x\n", "/* */ x\n"),
            ("x = R\"(a \n)\";\n", "x = R\"(a\n)\";\n"),
            ("x = \"/* a */\";\n", "x = \"/* b */\";\n"),
            ("#include <a//b.h>\n", "#include <a//c.h>\n"),
            ("#error x // a\n", "#error x // b\n"),
            ("case 1: f(); /* FALLTHRU */ case 2:\n", "case 1: f(); /* something*/ case 2:\n"),
        ] {
            let digest = comment_blind(left.as_bytes());
            assert!(digest.is_some(), "{left:?} is refused");
            assert_ne!(digest, comment_blind(right.as_bytes()), "{left:?} {right:?}");
        }
    }

    #[test]
    fn refused_when_in_doubt() {
        for text in [
            "x = 'a\n",
            "x = \"a\n",
            "#error don't\n",
            "int x; /* unended\n",
            "x = R\"(unended\n",
            "/* a /* b */\n",
            "/*/ a */\n",
            "// a */\n",
            "x */ y\n",
            "a //**/ b\n",
            "// a \\\n b\n",
            "// a \\  \n b\n",
            "/\\\n/ a\n",
            "/* a *\\\n/ b\n",
            "x \\ \ny\n",
            "x \\ /* a */\ny\n",
            "x \\/* a */\ny\n",
            "// \u{e9}\n",
            "// ??/\n",
            "x ??/\ny",
            "// \x0c\n",
            "// a\rb\n",
            "a\rb\n",
            "a\0b\n",
            "// \0\n",
            "#include <a/*b.h>\n",
            "#include <a//b.h> // c\n",
            "int n = 1'000; // C sees a literal here\n",
            "x = R\"(\")\"; // C sees a literal here\n",
            "x = R\"(\n#endif\n)\";\n",
            "x = R\"(\n/* a */)\";\n",
            "#pragma x /* a\n b */\n",
        ] {
            assert_eq!(comment_blind(text.as_bytes()), None, "{text:?}");
        }
    }

    /// A gap between two tokens, and whether it holds a newline of the program.
    #[derive(Clone, Debug)]
    struct Gap {
        width: usize,
        newline: bool,
    }

    const TOKENS: [&str; 14] = [
        "int",
        "x",
        "+",
        "=",
        "42",
        "1'0'0",
        "\"s // \\\" /* \"",
        "'\"'",
        "(",
        ")",
        "R\"(//)\"",
        "->",
        "#",
        "<",
    ];

    fn program() -> impl Strategy<Value = Vec<(&'static str, Gap)>> {
        let gap = (4usize..12, any::<bool>()).prop_map(|(width, newline)| Gap { width, newline });
        proptest::collection::vec((proptest::sample::select(TOKENS.to_vec()), gap), 1..20)
    }

    /// The program's text; `fills` says for each gap what it is made of.
    fn render(program: &[(&str, Gap)], fills: &[u8]) -> String {
        let mut text = String::new();
        for (i, (token, gap)) in program.iter().enumerate() {
            text.push_str(token);
            let fill = fills[i % fills.len()];
            let letter = char::from(b'a' + fill % 26);
            match (gap.newline, fill % 3) {
                (false, 0) => text.push_str(&" ".repeat(gap.width)),
                (false, 1) => text.push_str(&format!("/*{}*/", letter.to_string().repeat(gap.width - 4))),
                (false, _) => text.push_str(&format!(" /*'{}*/", letter.to_string().repeat(gap.width - 6))),
                (true, 0) => text.push('\n'),
                (true, 1) => text.push_str(&format!(" // {letter} \"\n")),
                (true, _) => text.push_str(&format!("/*{letter}*/ // don't\t\n")),
            }
        }
        text.push('\n');
        text
    }

    proptest! {
        #[test]
        fn only_tokens_count(
            program in program().prop_map(|mut p| { for (_, gap) in &mut p { gap.width = gap.width.max(7) }; p }),
            one in proptest::collection::vec(any::<u8>(), 1..20),
            two in proptest::collection::vec(any::<u8>(), 1..20),
            changed in any::<prop::sample::Index>(),
        ) {
            let digest = comment_blind(render(&program, &one).as_bytes());
            // `< ` after `#` and an include-like name cannot arise here, so nothing is doubtful
            // but `#` lines whose directive is unknown.
            let directives = program.iter().any(|(token, _)| *token == "#");
            if !directives {
                prop_assert!(digest.is_some());
                prop_assert_eq!(digest, comment_blind(render(&program, &two).as_bytes()));
            }
            let mut other = program.clone();
            let at = changed.index(other.len());
            other[at].0 = if other[at].0 == "other" { "x" } else { "other" };
            if let Some(digest) = digest {
                prop_assert_ne!(Some(digest), comment_blind(render(&other, &one).as_bytes()));
            }
        }
    }
}
