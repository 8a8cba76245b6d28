//! From text to commands, after the grammar in cmake-language(7).
//!
//! CMake refuses a file with a syntax error; here the error is reported and reading goes on at
//! the next line, since most of such a file still says something.

/// How an argument was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cmake) enum Form {
    /// Bare: references are expanded and the result is split into a list.
    Unquoted,
    /// Within double quotes: references are expanded.
    Quoted,
    /// Within `[[ ]]`: taken as it is.
    Bracket,
}

/// One argument, not yet expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cmake) struct Argument {
    /// The text between its delimiters, escapes included.
    pub text: String,
    /// How it was written.
    pub form: Form,
}

/// One command with its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cmake) struct Command {
    /// The name in lower case.
    pub name: String,
    /// The arguments; a parenthesis is an unquoted argument of its own.
    pub args: Vec<Argument>,
    /// The line of the name, from 1.
    pub line: u32,
}

/// The commands of a file, and what was wrong with it.
#[derive(Default, Debug)]
pub(in crate::cmake) struct Parsed {
    /// In order.
    pub commands: Vec<Command>,
    /// Line and description.
    pub errors: Vec<(u32, String)>,
}

/// After so many commands without end the rest is given up: each costs a look at the whole rest.
const MOST_RECOVERIES: u32 = 10;

/// Reads a file.
pub(in crate::cmake) fn parse(bytes: &[u8]) -> Parsed {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut parser = Parser { text, at: 0, line: 1, endless: Vec::new(), out: Parsed::default() };
    parser.file();
    parser.out
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// Numbers of `=` for which no closing bracket follows: looked for once, not for each opening.
    endless: Vec<usize>,
    out: Parsed,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Goes on to `end`, counting lines.
    fn advance_to(&mut self, end: usize) -> &'a str {
        let end = end.min(self.text.len());
        let passed = &self.text[self.at..end];
        let lines = passed.bytes().filter(|&b| b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at = end;
        passed
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().position(|&b| !keep(b)).unwrap_or(rest.len());
        self.advance_to(self.at + len)
    }

    fn error(&mut self, line: u32, text: &str) {
        self.out.errors.push((line, text.to_owned()));
    }

    fn skip_line(&mut self) {
        self.take_while(|b| b != b'\n');
    }

    fn file(&mut self) {
        let mut recoveries = 0;
        loop {
            self.take_while(|b| b.is_ascii_whitespace());
            let Some(next) = self.peek() else { return };
            let (start, line) = (self.at, self.line);
            if next == b'#' {
                self.comment();
            } else if !(next.is_ascii_alphabetic() || next == b'_') {
                self.error(line, "a command is expected here");
                self.skip_line();
            } else if self.command().is_none() {
                recoveries += 1;
                if recoveries > MOST_RECOVERIES {
                    return self.error(line, "too many syntax errors; the rest is not read");
                }
                (self.at, self.line) = (start, line);
                self.skip_line();
            }
        }
    }

    /// A comment, up to its line's end or over several lines as `#[[ ]]`.
    fn comment(&mut self) {
        self.at += 1;
        if self.bracket().is_none() {
            self.skip_line();
        }
    }

    /// One command; `None` (with an error noted) when it is none or does not end.
    fn command(&mut self) -> Option<()> {
        let line = self.line;
        let name = self.take_while(|b| b.is_ascii_alphanumeric() || b == b'_').to_ascii_lowercase();
        self.take_while(|b| b == b' ' || b == b'\t');
        if self.peek() != Some(b'(') {
            self.error(line, "`(` is expected after the name of a command");
            return None;
        }
        self.at += 1;
        let args = self.arguments(line)?;
        self.out.commands.push(Command { name, args, line });
        Some(())
    }

    fn arguments(&mut self, line: u32) -> Option<Vec<Argument>> {
        let mut args = Vec::new();
        let mut depth = 0u32;
        loop {
            self.take_while(|b| b.is_ascii_whitespace());
            let Some(next) = self.peek() else {
                self.error(line, "the command does not end");
                return None;
            };
            match next {
                b'#' => self.comment(),
                b'(' => {
                    depth += 1;
                    self.parenthesis("(", &mut args);
                }
                b')' if depth == 0 => {
                    self.at += 1;
                    return Some(args);
                }
                b')' => {
                    depth -= 1;
                    self.parenthesis(")", &mut args);
                }
                b'"' => args.push(Argument { text: self.quoted(line)?, form: Form::Quoted }),
                _ => args.push(self.bare()),
            }
        }
    }

    fn parenthesis(&mut self, text: &str, args: &mut Vec<Argument>) {
        self.at += 1;
        args.push(Argument { text: text.to_owned(), form: Form::Unquoted });
    }

    fn bare(&mut self) -> Argument {
        if let Some(text) = self.bracket() {
            return Argument { text: text.to_owned(), form: Form::Bracket };
        }
        Argument { text: self.unquoted(), form: Form::Unquoted }
    }

    /// `[==[ … ]==]` at this place, without the newline that may follow its opening.
    fn bracket(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'[') {
            return None;
        }
        let equals = self.text.as_bytes()[self.at + 1..].iter().take_while(|&&b| b == b'=').count();
        if self.peek_at(1 + equals) != Some(b'[') {
            return None;
        }
        if self.endless.contains(&equals) || self.endless.len() > 16 {
            return None;
        }
        let start = self.at + equals + 2;
        let close = format!("]{}]", "=".repeat(equals));
        let Some(len) = self.text[start..].find(&close) else {
            self.endless.push(equals);
            return None;
        };
        self.advance_to(start + len + close.len());
        let inner = &self.text[start..start + len];
        Some(inner.strip_prefix("\r\n").or_else(|| inner.strip_prefix('\n')).unwrap_or(inner))
    }

    /// The text up to the closing quote; a backslash at a line's end joins it with the next.
    fn quoted(&mut self, line: u32) -> Option<String> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let inner = &self.text[start..at];
                    self.advance_to(at + 1);
                    return Some(inner.replace("\\\r\n", "").replace("\\\n", ""));
                }
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.error(line, "a quoted argument does not end");
        None
    }

    fn unquoted(&mut self) -> String {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'(' if at > start && bytes[at - 1] == b'$' => match make_variable(&bytes[at..]) {
                    Some(len) => at += len,
                    None => break,
                },
                b'(' | b')' | b'#' => break,
                b'"' => match legacy_quotes(&bytes[at..]) {
                    Some(len) => at += len,
                    None => break,
                },
                b'\\' if bytes.get(at + 1).is_some_and(|&b| b != b'\n' && b != b'\r') => {
                    at += 1 + self.text[at + 1..].chars().next().map_or(1, char::len_utf8);
                }
                _ if byte.is_ascii_whitespace() => break,
                _ => at += 1,
            }
        }
        self.advance_to(at.max(start + 1)).to_owned()
    }
}

/// The length of `"a b"` inside an unquoted argument such as `-DX="a b"`, which keeps its quotes.
fn legacy_quotes(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The length of the `(NAME)` of a reference to a variable of Make, as in `$(NAME)`.
fn make_variable(bytes: &[u8]) -> Option<usize> {
    let len = bytes[1..].iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count();
    (bytes.get(1 + len) == Some(&b')')).then_some(len + 2)
}
