//! Whether a file has code of its own, or only frames what it includes.
//!
//! What frames is what leaves nothing behind: braces of `extern "C"` and namespaces, `using`, pragmas.
//! Whatever else stands in the file counts as code, if only a declaration: it is there for a reason.

use super::scope::Word;

/// What has been seen of a file so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Own {
    /// Nothing but frames.
    #[default]
    Frames,
    /// `extern`, then with its string.
    Extern,
    ExternC,
    /// `namespace`, and what may stand before its brace.
    Namespace,
    /// What ends with a semicolon: `using`, an alias of a namespace.
    Alias,
    /// `_Pragma`, to its closing parenthesis.
    Pragma,
    /// Code.
    Code,
}

impl Own {
    /// Takes one token outside directives.
    pub fn token(&mut self, word: Word<'_>) {
        *self = match (*self, word) {
            (Own::Code, _) => return,
            (Own::Frames, Word::Punct(b'}' | b';')) => Own::Frames,
            (Own::Frames, Word::Ident(b"extern")) => Own::Extern,
            (Own::Frames, Word::Ident(b"inline")) => Own::Frames,
            (Own::Frames, Word::Ident(b"namespace")) => Own::Namespace,
            (Own::Frames, Word::Ident(b"using")) => Own::Alias,
            (Own::Frames, Word::Ident(b"_Pragma" | b"__pragma")) => Own::Pragma,
            (Own::Extern, Word::Str) => Own::ExternC,
            (Own::ExternC | Own::Namespace, Word::Punct(b'{')) => Own::Frames,
            (Own::Namespace, Word::Punct(b'=')) => Own::Alias,
            (Own::Namespace, Word::Ident(_) | Word::Punct(b':')) => Own::Namespace,
            (Own::Alias, Word::Punct(b';')) | (Own::Pragma, Word::Punct(b')')) => Own::Frames,
            (Own::Alias | Own::Pragma, _) => return,
            _ => Own::Code,
        };
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn frames_are_no_code() {
        for text in [
            "",
            "// int x;\n#define X int x;\n#include \"a.c\"\n#include \"b.c\"",
            "#ifdef __cplusplus\nextern \"C\" {\n#endif\n#include \"a.c\"\n#ifdef __cplusplus\n}\n#endif",
            "namespace a::b { inline namespace c { namespace {\n#include \"a.cpp\"\n} } };",
            "using namespace std; using x = y; namespace a = b::c;",
            "_Pragma(\"once\")\n#pragma once\n",
            "#if 0\nint f() {}\n#endif\n#ifdef ASKED_FOR\nint g() {}\n#endif",
        ] {
            assert!(!super::super::scan(text.as_bytes()).has_own_code, "{text:?}");
        }
    }

    #[test]
    fn all_else_is() {
        for text in [
            "int x;",
            "#include \"a.c\"\nint f(void) { return 0; }",
            "extern \"C\" int f() { return 0; }",
            "extern int x;",
            "namespace a { int x; }",
            "MAKES_CODE(x)",
            "inline int f() { return 0; }",
            "#ifndef NO_F\nint f() {}\n#endif",
        ] {
            assert!(super::super::scan(text.as_bytes()).has_own_code, "{text:?}");
        }
    }
}
