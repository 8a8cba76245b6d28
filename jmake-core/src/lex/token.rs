//! Preprocessing tokens from raw bytes: line splices, comments, literals, raw strings.
//!
//! The language is not known here, so where C and C++ (or old and new standards) disagree the
//! newer reading is taken and the disagreement is noted in [`Lexer::odd`], after which the text
//! may serve for facts but not for the comment-blind digest.

use std::borrow::Cow;
use std::ops::Range;

/// What a token is.  Its spelling is asked for by [`Lexer::spelled`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// The text is over.
    End,
    /// A line is over; not reported for newlines inside comments or behind a backslash.
    Newline,
    Ident,
    Number,
    /// A string literal of any kind.
    Str,
    Char,
    /// Any other single byte; `%:` and `??=` come as `#`.
    Punct(u8),
}

/// A comment and whether the comment-blind text must keep it as it is.
pub(super) struct Comment {
    pub at: Range<usize>,
    pub keep: bool,
}

/// A place in the text that steps over line splices.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a [u8],
    pos: usize,
    line: u32,
    /// How many splices were stepped over.
    splices: u32,
    /// Whether one of them had blanks between backslash and newline, which compilers warn about.
    blank_splice: bool,
}

impl Cursor<'_> {
    /// The next byte, after any splices.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.text.get(self.pos) {
            Some(b'\\') => self.behind_splices(),
            byte => byte.copied(),
        }
    }

    #[cold]
    fn behind_splices(&mut self) -> Option<u8> {
        while let Some(b'\\') = self.text.get(self.pos) {
            let Some(len) = splice(&self.text[self.pos..]) else { break };
            self.blank_splice |= !matches!(self.text[self.pos + 1], b'\n' | b'\r');
            self.pos += len;
            self.line += 1;
            self.splices += 1;
        }
        self.text.get(self.pos).copied()
    }

    #[inline]
    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.pos += 1;
        if byte == b'\n' || (byte == b'\r' && self.text.get(self.pos) != Some(&b'\n')) {
            self.line += 1;
        }
        Some(byte)
    }

    /// The byte after the next one.
    fn second(mut self) -> Option<u8> {
        self.bump()?;
        self.peek()
    }

    /// Steps over what is `plain`: never a backslash or an end of line.
    fn skip(&mut self, plain: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        self.pos += rest.iter().position(|&byte| !plain(byte)).unwrap_or(rest.len());
    }

    fn at_newline(&mut self) -> bool {
        match self.peek() {
            Some(b'\n') => true,
            Some(b'\r') => self.text.get(self.pos + 1) != Some(&b'\n'),
            _ => false,
        }
    }
}

/// The length of the backslash, blanks and newline that `text` begins with, if it does.
fn splice(text: &[u8]) -> Option<usize> {
    let blanks = text[1..].iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x0b | 0x0c)).count();
    match text[1 + blanks..] {
        [b'\n', ..] => Some(blanks + 2),
        [b'\r', b'\n', ..] => Some(blanks + 3),
        [b'\r', ..] => Some(blanks + 2),
        _ => None,
    }
}

/// Gives one token after the other.
pub(super) struct Lexer<'a> {
    cursor: Cursor<'a>,
    /// Where the last token lies.
    at: Range<usize>,
    /// The line the last token began on, from 1.
    pub line: u32,
    /// Set while inside a directive whose text reaches the user or the compiler as it is.
    pub verbatim: bool,
    /// All comments so far, in order.
    pub comments: Vec<Comment>,
    /// All raw strings that span lines, in order.
    pub raws: Vec<Range<usize>>,
    /// Whether something was met that compilers, languages or standards read differently.
    pub odd: bool,
    /// A line on which C and C++ may disagree about where literals end: a comment that begins
    /// later on it is in doubt.
    doubtful_line: u32,
    /// Set when a raw string had no end: later ones are read as plain strings, or a file full of
    /// them would be searched to its end each time.
    raw_off: bool,
    /// The end of a line on which a header name had no end: others on it have none either.
    unclosed_until: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        let pos = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Lexer {
            cursor: Cursor { text, pos, line: 1, splices: 0, blank_splice: false },
            at: 0..0,
            line: 1,
            verbatim: false,
            comments: Vec::new(),
            raws: Vec::new(),
            odd: false,
            doubtful_line: 0,
            raw_off: false,
            unclosed_until: 0,
        }
    }

    /// The bytes of the last token without splices.
    pub fn spelled(&self) -> Cow<'a, [u8]> {
        let raw = &self.cursor.text[self.at.clone()];
        if !raw.contains(&b'\\') {
            return Cow::Borrowed(raw);
        }
        let mut cursor = Cursor { text: raw, pos: 0, line: 0, splices: 0, blank_splice: false };
        let mut clean = Vec::with_capacity(raw.len());
        while let Some(byte) = cursor.bump() {
            clean.push(byte);
        }
        Cow::Owned(clean)
    }

    /// The next token.
    pub fn next(&mut self) -> Token {
        self.skip_blanks();
        let start = self.cursor.pos;
        self.line = self.cursor.line;
        let token = self.token();
        self.at = start..self.cursor.pos;
        self.odd |= self.cursor.blank_splice;
        token
    }

    /// The next token, left in place.  Only for a glance at a single byte of punctuation.
    pub fn glance(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.cursor.peek()
    }

    /// The name of an `include` directive whose `#` has just been read, and whether in angle brackets, if the
    /// line holds nothing else and nothing that need be looked at closely: nearly all are of that kind.
    pub fn plain_include(&mut self) -> Option<(&'a [u8], bool)> {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let skip = |text: &'a [u8]| &text[text.iter().take_while(blank).count()..];
        let text = self.cursor.text;
        let rest = skip(skip(text.get(self.cursor.pos..)?).strip_prefix(b"include")?);
        let close = match rest.first()? {
            b'"' => b'"',
            b'<' => b'>',
            _ => return None,
        };
        let rest = &rest[1..];
        let doubtful = |byte: u8| is_end_or_splice(byte) || matches!(byte, b'\'' | b'*' | b'?');
        let len = rest.iter().position(|&byte| byte == close || doubtful(byte))?;
        let (name, rest) = rest.split_at(len);
        let behind = skip(rest.strip_prefix(&[close])?);
        let ends = matches!(behind, [b'\n', ..] | [b'\r', b'\n', ..]);
        if !ends || contains(name, b"//") {
            return None;
        }
        self.line = self.cursor.line;
        self.cursor.pos = text.len() - behind.len();
        Some((name, close == b'>'))
    }

    /// A header name in quotes or angle brackets, if one comes next: the name and whether angled.
    pub fn header_name(&mut self) -> Option<(Cow<'a, [u8]>, bool)> {
        let close = match self.glance() {
            Some(b'<') => b'>',
            Some(b'"') => b'"',
            _ => return None,
        };
        if self.cursor.pos < self.unclosed_until {
            return None;
        }
        self.line = self.cursor.line;
        let mut end = self.cursor;
        end.bump();
        self.at.start = end.pos;
        end.skip(|byte| byte != close && !is_end_or_splice(byte));
        while end.peek() != Some(close) {
            if end.at_newline() || end.bump().is_none() {
                self.odd = true;
                self.unclosed_until = end.pos;
                return None;
            }
        }
        self.at.end = end.pos;
        end.bump();
        self.cursor = end;
        let name = self.spelled();
        // Inside a group that is skipped compilers read the line as ordinary tokens.
        self.odd |= contains(&name, b"/*") || name.contains(&b'\'');
        if contains(&name, b"//") {
            self.doubtful_line = self.cursor.line;
        }
        Some((name, close == b'>'))
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.cursor.peek() {
                Some(b' ' | b'\t' | 0x0b | 0x0c) => {
                    self.cursor.skip(|byte| matches!(byte, b' ' | b'\t' | 0x0b | 0x0c));
                }
                Some(b'\r') if !self.cursor.at_newline() => {
                    self.cursor.bump();
                }
                Some(b'/') if matches!(self.cursor.second(), Some(b'/' | b'*')) => self.comment(),
                _ => return,
            }
        }
    }

    fn token(&mut self) -> Token {
        if self.cursor.at_newline() {
            self.odd |= self.cursor.bump() == Some(b'\r');
            return Token::Newline;
        }
        let Some(byte) = self.cursor.peek() else { return Token::End };
        match byte {
            b'"' => self.literal(b'"', Token::Str),
            b'\'' => self.literal(b'\'', Token::Char),
            b'0'..=b'9' => self.number(),
            b'.' if self.cursor.second().is_some_and(|b| b.is_ascii_digit()) => self.number(),
            _ if is_ident(byte) => self.ident(),
            _ => self.punct(byte),
        }
    }

    fn punct(&mut self, byte: u8) -> Token {
        self.cursor.bump();
        let next = self.cursor.peek();
        match (byte, next) {
            (b'%', Some(b':')) => {
                self.cursor.bump();
                return Token::Punct(b'#');
            }
            (b'?', Some(b'?')) if matches!(self.cursor.second(), Some(b'=' | b'/')) => {
                // Trigraphs: read or not according to the standard asked for.
                self.odd = true;
                if self.cursor.second() == Some(b'=') {
                    self.cursor.bump();
                    self.cursor.bump();
                    return Token::Punct(b'#');
                }
            }
            (b'*', Some(b'/')) => self.odd |= !matches!(self.cursor.second(), Some(b'/' | b'*')),
            (0, _) => self.odd = true,
            _ => {}
        }
        Token::Punct(byte)
    }

    fn ident(&mut self) -> Token {
        let start = self.cursor.pos;
        while self.cursor.peek().is_some_and(is_ident) {
            self.cursor.skip(is_ident);
        }
        if self.cursor.peek() == Some(b'"') && !self.raw_off {
            self.at = start..self.cursor.pos;
            if matches!(&*self.spelled(), b"R" | b"LR" | b"uR" | b"UR" | b"u8R") && self.raw_string() {
                return Token::Str;
            }
        }
        Token::Ident
    }

    fn number(&mut self) -> Token {
        let mut separators = 0;
        while let Some(byte) = self.cursor.peek() {
            let next = self.cursor.second();
            if matches!(byte, b'e' | b'E' | b'p' | b'P') && matches!(next, Some(b'+' | b'-')) {
                self.cursor.bump();
            } else if byte == b'\'' && next.is_some_and(is_ident) {
                separators += 1;
            } else if !is_ident(byte) && byte != b'.' {
                break;
            }
            self.cursor.bump();
        }
        // C before 2023 sees a character literal begin at each second quote.
        if separators % 2 == 1 {
            self.doubtful_line = self.cursor.line;
        }
        Token::Number
    }

    fn literal(&mut self, quote: u8, token: Token) -> Token {
        self.cursor.bump();
        loop {
            self.cursor.skip(|byte| byte != quote && !is_end_or_splice(byte));
            if self.cursor.at_newline() {
                self.odd = true;
                return token;
            }
            match self.cursor.bump() {
                None => {
                    self.odd = true;
                    return token;
                }
                Some(b'\\') if !self.cursor.at_newline() => {
                    self.cursor.bump();
                }
                Some(byte) if byte == quote => return token,
                Some(_) => {}
            }
        }
    }

    /// Steps over a raw string whose opening quote comes next; false, and nothing done, when it
    /// is none.
    fn raw_string(&mut self) -> bool {
        let text = self.cursor.text;
        let body = self.cursor.pos + 1;
        let delimiter: Vec<u8> = text[body..].iter().copied().take_while(|&b| b != b'(').take(17).collect();
        let open = body + delimiter.len();
        let valid = |b: &u8| b.is_ascii_graphic() && !matches!(b, b')' | b'\\' | b'"');
        if text.get(open) != Some(&b'(') || !delimiter.iter().all(valid) {
            self.odd = true;
            return false;
        }
        let closing = [b")", &*delimiter, b"\""].concat();
        let Some(len) = find(&text[open..], &closing) else {
            self.odd = true;
            self.raw_off = true;
            return false;
        };
        let end = open + len + closing.len();
        self.doubt_raw(&text[open + 1..open + len], self.cursor.pos..end);
        self.cursor.pos = end;
        true
    }

    /// Notes how a raw string could be read by a language without them: as plain strings, which
    /// an inner quote ends and a newline breaks.
    fn doubt_raw(&mut self, content: &[u8], at: Range<usize>) {
        let lines = content.iter().filter(|&&b| b == b'\n').count() as u32;
        self.cursor.line += lines;
        if lines > 0 {
            let directive = content.split(|&b| b == b'\n').skip(1).any(|line| {
                matches!(line.trim_ascii_start(), [b'#', ..] | [b'%', b':', ..] | [b'?', b'?', ..])
            });
            self.odd |= self.verbatim || directive || contains(content, b"/*") || contains(content, b"*/");
            self.raws.push(at);
        }
        if lines > 0 || content.iter().any(|b| matches!(b, b'"' | b'\\')) {
            self.doubtful_line = self.cursor.line;
        }
    }

    fn comment(&mut self) {
        let before = self.cursor;
        self.cursor.bump();
        let block = self.cursor.bump() == Some(b'*');
        if block {
            loop {
                self.cursor.skip(|byte| byte != b'*' && !is_end_or_splice(byte));
                match self.cursor.bump() {
                    None => {
                        self.odd = true;
                        break;
                    }
                    Some(b'*') if self.cursor.peek() == Some(b'/') => {
                        self.cursor.bump();
                        break;
                    }
                    Some(_) => {}
                }
            }
        } else {
            self.cursor.skip(|byte| !is_end_or_splice(byte));
            while !self.cursor.at_newline() && self.cursor.bump().is_some() {
                self.cursor.skip(|byte| !is_end_or_splice(byte));
            }
            // The `\r` of `\r\n` belongs to the line's end.
            if self.cursor.peek() == Some(b'\n') && self.cursor.text[self.cursor.pos - 1] == b'\r' {
                self.cursor.pos -= 1;
            }
        }
        let at = before.pos..self.cursor.pos;
        let inner = &self.cursor.text[at.start + 1..at.end - if block { 2.min(at.len() - 1) } else { 0 }];
        let multi_line = self.cursor.line != before.line;
        self.odd |= self.cursor.splices != before.splices
            || before.line == self.doubtful_line
            || (self.verbatim && multi_line)
            || is_odd_comment(inner);
        let keep = self.verbatim || silences_warnings(inner);
        self.comments.push(Comment { at, keep });
    }
}

/// Whether a comment's text (from its second byte on, without the closing `*/`) is something
/// compilers warn about or read differently.
fn is_odd_comment(inner: &[u8]) -> bool {
    let strange = |(i, &b): (usize, &u8)| match b {
        b'\n' | b'\t' => false,
        b'\r' => inner.get(i + 1) != Some(&b'\n'),
        _ => !(0x20..0x7f).contains(&b),
    };
    inner.windows(2).any(|pair| matches!(pair, b"/*" | b"*/"))
        || contains(inner, b"??/")
        || inner.iter().enumerate().any(strange)
}

/// Whether a comment may tell a compiler that falling through a `case` is meant.
fn silences_warnings(inner: &[u8]) -> bool {
    inner.windows(4).any(|word| word[0] | 0x20 == b'f' && word.eq_ignore_ascii_case(b"fall"))
}

/// Whether a byte may end a line, or begin a splice.
fn is_end_or_splice(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\\')
}

#[inline]
fn is_ident(byte: u8) -> bool {
    IDENT[usize::from(byte)]
}

/// Of each byte whether an identifier may hold it.
const IDENT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$') || b >= 0x80;
        byte += 1;
    }
    table
};

/// Where `part` begins in `text`.  `part` is short.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            match lexer.next() {
                Token::End => return all,
                Token::Newline => all.push("\n".into()),
                _ => all.push(String::from_utf8_lossy(&lexer.spelled()).into_owned()),
            }
        }
    }

    #[test]
    fn splits() {
        for (text, expect) in [
            ("a+b", "a|+|b"),
            ("a/**/b//c", "a|b"),
            ("a /* x\ny */ b", "a|b"),
            ("\"//\" '\"' \"\\\"\" x", "\"//\"|'\"'|\"\\\"\"|x"),
            ("1'000'000 0x1p-3 .5e+2 1.f", "1'000'000|0x1p-3|.5e+2|1.f"),
            ("R\"(\")\" //\" )\"", "R\"(\")\""),
            ("u8R\"ab(x)\")ab\" y", "u8R\"ab(x)\")ab\"|y"),
            ("FOR\"(\" x", "FOR|\"(\"|x"),
            ("R\"(unended \" x", "R|\"(unended \"|x"),
            ("ma\\\nin /\\\n/ c\nx", "main|\n|x"),
            ("'unended\nx", "'unended|\n|x"),
            ("%:x", "%:|x"),
            ("a\r\nb\rc", "a|\n|b|\n|c"),
            ("x */**/ y", "x|*|y"),
        ] {
            assert_eq!(tokens(text).join("|"), expect, "{text}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let mut lexer = Lexer::new(b"\\\n/*\n\n*/ R\"(\n)\" \"\\\n\"\nx");
        let mut last = 0;
        while lexer.next() != Token::End {
            last = lexer.line;
        }
        assert_eq!(last, 7);
    }
}
