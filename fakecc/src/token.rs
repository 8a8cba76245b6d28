//! Text to tokens, one list per logical line: comments are blanks, spliced lines are one.
//!
//! Header names (`<a.h>`, `"a\b.h"`) have their own spelling rules, so the lexer knows where one
//! may stand: after `#include` and its like, and inside `__has_include(`.

use crate::Bytes;
use crate::fault::Fault;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Ident,
    Number,
    /// A string or character constant, with its quotes.
    Text,
    Punct,
    /// A header name with its quotes or angle brackets.
    Header,
}

/// One token and where it begins, both from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: Bytes,
    pub line: usize,
    pub column: usize,
    /// Whether a blank or comment stands before it.
    pub spaced: bool,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text.as_bytes()
    }
}

/// A file taken apart.
#[derive(Default)]
pub struct Lexed {
    /// The tokens of each logical line that has any.
    pub lines: Vec<Vec<Token>>,
    /// What comments ask for.
    pub faults: Vec<Fault>,
    /// The physical lines, for messages.
    pub text: Bytes,
}

impl Lexed {
    /// The physical line `number` (from 1).
    pub fn line(&self, number: usize) -> &[u8] {
        self.text.split(|&b| b == b'\n').nth(number - 1).unwrap_or_default()
    }
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    line_start: usize,
    faults: Vec<Fault>,
}

/// Takes `text` apart.
pub fn lex(text: Bytes) -> Lexed {
    let mut lexer = Lexer { text: &text, at: 0, line: 1, line_start: 0, faults: Vec::new() };
    let mut lines = Vec::new();
    let mut line: Vec<Token> = Vec::new();
    loop {
        let spaced = lexer.skip_blanks();
        match lexer.peek() {
            Some(b'\n') | None => {
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                if lexer.next().is_none() {
                    break;
                }
            }
            Some(_) => {
                let header = header_may_follow(&line);
                line.push(lexer.token(spaced, header));
            }
        }
    }
    let faults = lexer.faults;
    Lexed { lines, faults, text }
}

fn header_may_follow(line: &[Token]) -> bool {
    let asks = |t: &Token| ["__has_include", "__has_include_next", "__has_embed"].iter().any(|n| t.is(n));
    match line {
        [hash, word] if hash.is("#") => {
            ["include", "include_next", "import", "embed"].iter().any(|name| word.is(name))
        }
        [hash, .., name, open] => hash.is("#") && open.is("(") && asks(name),
        _ => false,
    }
}

const LONG_PUNCTS: [&[u8]; 22] = [
    b"...", b"<<=", b">>=", b"->*", b"->", b"++", b"--", b"<<", b">>", b"<=", b">=", b"==", b"!=", b"&&",
    b"||", b"##", b"::", b"+=", b"-=", b"*=", b"/=", b"|=",
];

impl Lexer<'_> {
    /// Steps over spliced line ends.
    fn unsplice(&mut self) {
        loop {
            let splice = match self.text.get(self.at..) {
                Some([b'\\', b'\n', ..]) => 2,
                Some([b'\\', b'\r', b'\n', ..]) => 3,
                _ => return,
            };
            self.at += splice;
            self.line += 1;
            self.line_start = self.at;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.unsplice();
        self.text.get(self.at).copied()
    }

    fn peek_second(&self) -> Option<u8> {
        self.text.get(self.at + 1).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(byte)
    }

    /// Steps over blanks and comments, not over line ends; whether there was one.
    fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        loop {
            match (self.peek(), self.peek_second()) {
                (Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c), _) => self.at += 1,
                (Some(b'/'), Some(b'/')) => self.line_comment(),
                (Some(b'/'), Some(b'*')) => self.block_comment(),
                _ => return self.at != start,
            }
        }
    }

    fn line_comment(&mut self) {
        let mut text = Bytes::new();
        while let Some(byte) = self.peek().filter(|&b| b != b'\n') {
            text.push(byte);
            self.at += 1;
        }
        let text = crate::lossy(&text[2..]);
        if let Some(fault) = text.trim().strip_prefix("fakecc:").and_then(Fault::parse) {
            self.faults.push(fault);
        }
    }

    fn block_comment(&mut self) {
        self.at += 2;
        while let Some(byte) = self.next() {
            if byte == b'*' && self.peek() == Some(b'/') {
                self.at += 1;
                return;
            }
        }
    }

    fn token(&mut self, spaced: bool, header: bool) -> Token {
        let (line, column) = (self.line, self.at - self.line_start + 1);
        let mut text = Bytes::new();
        let kind = match self.peek() {
            Some(b'<') if header => self.until(b'>', &mut text, Kind::Header),
            Some(b'"') if header => self.until(b'"', &mut text, Kind::Header),
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote, &mut text),
            Some(byte) if is_ident(byte) && !byte.is_ascii_digit() => self.word(&mut text),
            Some(b'0'..=b'9') => self.number(&mut text),
            Some(b'.') if self.peek_second().is_some_and(|b| b.is_ascii_digit()) => self.number(&mut text),
            _ => self.punct(&mut text),
        };
        Token { kind, text, line, column, spaced }
    }

    fn until(&mut self, end: u8, text: &mut Bytes, kind: Kind) -> Kind {
        text.extend(self.next());
        while let Some(byte) = self.peek().filter(|&b| b != b'\n') {
            text.push(byte);
            self.at += 1;
            if byte == end {
                break;
            }
        }
        kind
    }

    fn quoted(&mut self, quote: u8, text: &mut Bytes) -> Kind {
        text.extend(self.next());
        while let Some(byte) = self.peek().filter(|&b| b != b'\n') {
            text.push(byte);
            self.at += 1;
            if byte == quote {
                break;
            }
            if byte == b'\\' && self.peek().is_some_and(|b| b != b'\n') {
                text.extend(self.next());
            }
        }
        Kind::Text
    }

    fn word(&mut self, text: &mut Bytes) -> Kind {
        while let Some(byte) = self.peek().filter(|&b| is_ident(b)) {
            text.push(byte);
            self.at += 1;
        }
        let raw = [&b"R"[..], b"LR", b"uR", b"UR", b"u8R"].contains(&&text[..]);
        match self.peek() {
            Some(b'"') if raw => self.raw_string(text),
            _ => Kind::Ident,
        }
    }

    /// `R"x(…)x"`: nothing inside means anything, line ends included.
    fn raw_string(&mut self, text: &mut Bytes) -> Kind {
        let rest = &self.text[self.at..];
        let Some(open) = rest.iter().position(|&b| b == b'(') else {
            return self.quoted(b'"', text);
        };
        let end = [b")", &rest[1..open], b"\""].concat();
        let len = rest.windows(end.len()).position(|w| w == end).map_or(rest.len(), |at| at + end.len());
        text.extend_from_slice(&rest[..len]);
        self.line += rest[..len].iter().filter(|&&b| b == b'\n').count();
        self.at += len;
        Kind::Text
    }

    fn number(&mut self, text: &mut Bytes) -> Kind {
        while let Some(byte) = self.peek() {
            let exponent = matches!(text.last(), Some(b'e' | b'E' | b'p' | b'P'));
            let hex = text.starts_with(b"0x") && !matches!(text.last(), Some(b'p' | b'P'));
            let sign = matches!(byte, b'+' | b'-') && exponent && !hex;
            let separator = byte == b'\'' && self.peek_second().is_some_and(is_ident);
            if !(is_ident(byte) || byte == b'.' || sign || separator) {
                break;
            }
            text.push(byte);
            self.at += 1;
        }
        Kind::Number
    }

    fn punct(&mut self, text: &mut Bytes) -> Kind {
        let rest = &self.text[self.at..];
        match LONG_PUNCTS.iter().find(|punct| rest.starts_with(punct)) {
            Some(punct) => {
                text.extend_from_slice(punct);
                self.at += punct.len();
            }
            None => text.extend(self.next()),
        }
        Kind::Punct
    }
}

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Vec<String>> {
        let texts = |line: &Vec<Token>| line.iter().map(|t| crate::lossy(&t.text)).collect();
        lex(text.as_bytes().to_vec()).lines.iter().map(texts).collect()
    }

    #[test]
    fn tokens() {
        for (text, expect) in [
            ("int a;// x\nb", vec![vec!["int", "a", ";"], vec!["b"]]),
            ("a/* x\ny */b\\\nc", vec![vec!["a", "bc"]]),
            ("#define X /*\n*/ 5", vec![vec!["#", "define", "X", "5"]]),
            ("\"a//b\" 'x' 1.5e+3 0x1p-3 1'000", vec![vec!["\"a//b\"", "'x'", "1.5e+3", "0x1p-3", "1'000"]]),
            ("#include <a//b.h> // c", vec![vec!["#", "include", "<a//b.h>"]]),
            ("#include \"a\\b.h\"", vec![vec!["#", "include", "\"a\\b.h\""]]),
            ("#if __has_include(<it's>)", vec![vec!["#", "if", "__has_include", "(", "<it's>", ")"]]),
            ("#error don't\nx", vec![vec!["#", "error", "don", "'t"], vec!["x"]]),
            ("R\"x(a\n\"//)x\" b", vec![vec!["R\"x(a\n\"//)x\"", "b"]]),
            ("a+++b->c <<= d", vec![vec!["a", "++", "+", "b", "->", "c", "<<=", "d"]]),
        ] {
            assert_eq!(lines(text), expect, "{text}");
        }
    }

    #[test]
    fn places() {
        let lexed = lex(b"\n  a \\\n b".to_vec());
        let places: Vec<_> = lexed.lines[0].iter().map(|t| (t.line, t.column)).collect();
        assert_eq!(places, [(2, 3), (3, 2)]);
    }
}
