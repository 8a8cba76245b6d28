//! The words of a `BUILD` file.

/// A word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name or a keyword.
    Name(String),
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// A sign.
    Sign(&'static str),
    /// The end of a line; how far the next is moved in.
    Line(usize),
}

const SIGNS: [&str; 33] = [
    "**", "//", "==", "!=", "<=", ">=", "+=", "-=", "|=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "+",
    "-", "*", "/", "%", "=", "<", ">", "|", "&", "^", "~", "@", "!", ";",
];

/// The words of `text`; what is none is passed over.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, open: 0, all: Vec::new() };
    while lexer.at < text.len() {
        lexer.next();
    }
    lexer.all.push(Token::Line(0));
    lexer.all
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// How many brackets are open: within them a line does not end.
    open: usize,
    all: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) {
        let Some(first) = self.rest().chars().next() else { return };
        match first {
            '\n' => {
                self.at += 1;
                let indent = self.rest().bytes().take_while(|byte| *byte == b' ' || *byte == b'\t').count();
                if self.open == 0 {
                    // Of empty lines only the last counts.
                    if matches!(self.all.last(), Some(Token::Line(_))) {
                        self.all.pop();
                    }
                    self.all.push(Token::Line(indent));
                }
            }
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '\\' | ' ' | '\t' | '\r' => self.at += 1,
            '\'' | '"' => self.string(false),
            'r' if self.rest().starts_with("r\"") || self.rest().starts_with("r'") => {
                self.at += 1;
                self.string(true);
            }
            c if c.is_ascii_digit() => {
                let word = self.take(|c| c.is_ascii_alphanumeric());
                self.all.push(Token::Number(word.parse().unwrap_or(0)));
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
                self.all.push(Token::Name(name));
            }
            c => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    match *sign {
                        "(" | "[" | "{" => self.open += 1,
                        ")" | "]" | "}" => self.open = self.open.saturating_sub(1),
                        _ => {}
                    }
                    self.all.push(Token::Sign(sign));
                }
                None => self.at += c.len_utf8(),
            },
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let length = self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        let word = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        word
    }

    fn string(&mut self, is_raw: bool) {
        let long = ["'''", "\"\"\""].iter().find(|quote| self.rest().starts_with(**quote));
        let quote = long
            .map_or_else(|| self.rest().get(..1).unwrap_or_default().to_owned(), |quote| (*quote).to_owned());
        self.at += quote.len();
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { break };
            if rest.starts_with(quote.as_str()) {
                self.at += quote.len();
                break;
            }
            // A text that is not closed ends with its line.
            if c == '\n' && quote.len() == 1 {
                break;
            }
            if c == '\\' && !is_raw {
                let next = rest.chars().nth(1);
                self.at += 1 + next.map_or(0, char::len_utf8);
                match next {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('\n') | None => {}
                    Some(c @ ('\\' | '\'' | '"')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                }
                continue;
            }
            text.push(c);
            self.at += c.len_utf8();
        }
        // Texts that stand side by side are one.
        match self.all.last_mut() {
            Some(Token::Text(before)) => *before += &text,
            _ => self.all.push(Token::Text(text)),
        }
    }
}
