//! The words of Meson's language.

/// A word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name or a keyword.
    Name(String),
    /// A number.
    Number(i64),
    /// A text, and whether names in `@…@` are put in.
    Text(String, bool),
    /// A sign: `(`, `+=`, `==`…
    Sign(&'static str),
    /// The end of a statement.
    Line,
}

const SIGNS: [&str; 26] = [
    "+=", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "+", "-", "*", "/", "%", "=",
    "<", ">", "?", "!", "|", ";",
];

/// The words of `text`; what is none is passed over.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, open: 0, all: Vec::new() };
    while lexer.at < text.len() {
        lexer.next();
    }
    lexer.all.push(Token::Line);
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
                if self.open == 0 && self.all.last() != Some(&Token::Line) {
                    self.all.push(Token::Line);
                }
            }
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '\\' | ' ' | '\t' | '\r' => self.at += 1,
            '\'' => self.string(false),
            'f' if self.rest().starts_with("f'") => {
                self.at += 1;
                self.string(true);
            }
            c if c.is_ascii_digit() => self.number(),
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

    fn number(&mut self) {
        let word = self.take(|c| c.is_ascii_alphanumeric());
        let radix =
            |prefix: &str, radix| word.strip_prefix(prefix).map(|digits| i64::from_str_radix(digits, radix));
        let value = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2));
        self.all.push(Token::Number(value.unwrap_or_else(|| word.parse()).unwrap_or(0)));
    }

    fn string(&mut self, with_names: bool) {
        if let Some(rest) = self.rest().strip_prefix("'''") {
            let length = rest.find("'''").unwrap_or(rest.len());
            let text = rest.get(..length).unwrap_or_default().to_owned();
            self.at = (self.at + 3 + length + 3).min(self.text.len());
            self.all.push(Token::Text(text, with_names));
            return;
        }
        self.at += 1;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        let mut length = self.rest().len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    length = at + 1;
                    break;
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '\'')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => {}
                },
                c => text.push(c),
            }
        }
        self.at += length;
        self.all.push(Token::Text(text, with_names));
    }
}
