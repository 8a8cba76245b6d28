//! The shell text of a `configure.ac`, as statements: assignments, conditions, calls of macros.

use super::m4::{arguments, is_dnl, unquoted};

/// Statements nested deeper than this are passed over.
const DEEPEST: usize = 40;

/// How a statement hangs on the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// It is run in any case.
    Always,
    /// Where that one succeeded.
    And,
    /// Where that one failed.
    Or,
}

/// Statements in order.
pub type Block = Vec<(When, Statement)>;

/// A statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statement {
    /// `NAME=text`.
    Assign(String, String),
    /// A macro with its arguments, quotes and all.
    Macro(String, Vec<String>),
    /// `if`: conditions with what they lead to, and `else`.
    If(Vec<(Block, Block)>, Block),
    /// `case`: the word, and patterns with what they lead to.
    Case(String, Vec<(Vec<String>, Block)>),
    /// A command.
    Command(Vec<String>),
    /// `for`: the variable, its words, and what is done with each.
    For(String, Vec<String>, Block),
    /// What cannot be known: other loops, pipes.
    Unknown,
}

/// The statements of `text`.
pub fn parse(text: &str) -> Block {
    let text = text.replace("\\\n", " ");
    Parser { text: &text, at: 0, depth: 0 }.block(&[])
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_line(&mut self) {
        self.at = self.rest().find('\n').map_or(self.text.len(), |more| self.at + more);
    }

    /// Skips blanks, and with `lines` line ends, semicolons and comments too.
    fn skip(&mut self, lines: bool) {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' | b';' if lines && !self.rest().starts_with(";;") => self.at += 1,
                b'#' if lines => self.skip_line(),
                b'd' if lines && is_dnl(self.text.as_bytes(), self.at) => self.skip_line(),
                _ => return,
            }
        }
    }

    /// Statements up to one of the words `ends`, which is taken, or the end.
    fn block(&mut self, ends: &[&str]) -> Block {
        let mut block = Vec::new();
        let mut when = When::Always;
        self.depth += 1;
        loop {
            self.skip(true);
            if self.at >= self.text.len() || self.depth > DEEPEST || self.ended(ends).is_some() {
                break;
            }
            let before = self.at;
            block.push((when, self.statement()));
            self.skip(false);
            when = self.operator(&mut block);
            if self.at == before {
                self.at += self.rest().chars().next().map_or(1, char::len_utf8);
            }
        }
        self.depth -= 1;
        block
    }

    /// The word of `ends` that stands here, if any.
    fn ended<'e>(&self, ends: &[&'e str]) -> Option<&'e str> {
        let is_here = |end: &&&str| {
            let rest = self.rest().strip_prefix(**end)?;
            let is_sign = **end == ";;";
            let next = rest.chars().next();
            (is_sign || next.is_none_or(|c| c.is_whitespace() || ";)]".contains(c))).then_some(())
        };
        ends.iter().find(|end| is_here(end).is_some()).copied()
    }

    /// Takes the word of `ends` that stands here.
    fn take(&mut self, ends: &[&'static str]) -> Option<&'static str> {
        let end = self.ended(ends)?;
        self.at += end.len();
        Some(end)
    }

    fn operator(&mut self, block: &mut Block) -> When {
        if self.rest().starts_with("&&") {
            self.at += 2;
            return When::And;
        }
        if self.rest().starts_with("||") {
            self.at += 2;
            return When::Or;
        }
        if matches!(self.byte(), Some(b'|' | b'&' | b'>' | b'<')) {
            // What a pipe says is not known.
            self.skip_line();
            block.pop();
            block.push((When::Always, Statement::Unknown));
        }
        When::Always
    }

    fn statement(&mut self) -> Statement {
        let name_end =
            self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest().len());
        let name = self.rest().get(..name_end).unwrap_or_default().to_owned();
        let next = self.text.as_bytes().get(self.at + name_end).copied();
        match (name.as_str(), next) {
            ("if", Some(b' ' | b'\t' | b'\n')) => self.conditions(),
            ("case", Some(b' ' | b'\t')) => self.case(),
            ("for" | "while" | "until", Some(b' ' | b'\t')) => {
                self.at += name_end;
                let head = self.block(&["do"]);
                self.take(&["do"]);
                let body = self.block(&["done"]);
                self.take(&["done"]);
                match head.into_iter().next() {
                    Some((_, Statement::Command(words))) if name == "for" && words.len() > 2 => {
                        let mut words = words.into_iter();
                        let variable = words.next().unwrap_or_default();
                        Statement::For(variable, words.skip(1).collect(), body)
                    }
                    _ => Statement::Unknown,
                }
            }
            (name, Some(b'(')) if !name.is_empty() => self.call(name_end),
            (name, Some(b'=')) if !name.is_empty() => {
                self.at += name_end + 1;
                let value = self.word();
                Statement::Assign(name.to_owned(), value)
            }
            (name, Some(b'+'))
                if !name.is_empty() && self.rest().get(name_end..name_end + 2) == Some("+=") =>
            {
                self.at += name_end + 2;
                let more = self.word();
                Statement::Assign(name.to_owned(), format!("${{{name}}}{more}"))
            }
            (name, _) if is_macro(name) => {
                self.at += name_end;
                Statement::Macro(name.to_owned(), Vec::new())
            }
            _ => self.command(),
        }
    }

    fn call(&mut self, name_end: usize) -> Statement {
        let open = self.at + name_end;
        let name = self.text.get(self.at..open).unwrap_or_default().to_owned();
        match arguments(self.text, open) {
            Some((all, end)) => {
                self.at = end;
                Statement::Macro(name, all.into_iter().map(str::to_owned).collect())
            }
            None => {
                self.at = self.text.len();
                Statement::Unknown
            }
        }
    }

    fn conditions(&mut self) -> Statement {
        self.at += 2;
        let (mut all, mut otherwise) = (Vec::new(), Vec::new());
        loop {
            let condition = self.block(&["then", "fi"]);
            if self.take(&["then", "fi"]) != Some("then") {
                return Statement::Unknown;
            }
            let body = self.block(&["elif", "else", "fi"]);
            all.push((condition, body));
            match self.take(&["elif", "else", "fi"]) {
                Some("elif") => {}
                Some("else") => {
                    otherwise = self.block(&["fi"]);
                    self.take(&["fi"]);
                    return Statement::If(all, otherwise);
                }
                _ => return Statement::If(all, std::mem::take(&mut otherwise)),
            }
        }
    }

    fn case(&mut self) -> Statement {
        self.at += 4;
        self.skip(true);
        let word = self.word();
        self.skip(true);
        if self.take(&["in"]).is_none() {
            return Statement::Unknown;
        }
        let mut all = Vec::new();
        loop {
            self.skip(true);
            if self.take(&["esac"]).is_some() || self.at >= self.text.len() {
                return Statement::Case(word, all);
            }
            let Some(end) = self.rest().find(')') else {
                self.at = self.text.len();
                return Statement::Unknown;
            };
            let patterns = unquoted(self.rest().get(..end).unwrap_or_default());
            self.at += end + 1;
            let patterns =
                patterns.split('|').map(|one| one.trim_matches([' ', '\t', '(', '"', '\'']).to_owned());
            let patterns: Vec<String> = patterns.collect();
            let body = self.block(&[";;", "esac"]);
            all.push((patterns, body));
            self.take(&[";;"]);
        }
    }

    fn command(&mut self) -> Statement {
        let mut words = Vec::new();
        loop {
            self.skip(false);
            match self.byte() {
                None | Some(b'\n' | b';' | b'|') => break,
                Some(b'&') if self.rest().starts_with("&&") => break,
                Some(b'>' | b'<' | b'&') if words.is_empty() => self.at += 1,
                Some(b'(' | b')' | b'{' | b'}') => {
                    self.at += 1;
                    if words.is_empty() {
                        break;
                    }
                }
                Some(_) => {
                    let before = self.at;
                    let word = self.word();
                    if self.at == before {
                        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
                    }
                    if let Some(mark) = word.strip_prefix("<<") {
                        self.skip_document(mark);
                        break;
                    }
                    words.push(word);
                }
            }
        }
        Statement::Command(words)
    }

    /// Skips the text that a command is given, up to the line `mark`.
    fn skip_document(&mut self, mark: &str) {
        let mark = mark.trim_start_matches('-').trim_matches(['\'', '"', '\\']);
        self.skip_line();
        while self.at < self.text.len() {
            self.at += 1;
            let is_end = self.rest().lines().next().is_some_and(|line| line.trim() == mark);
            self.skip_line();
            if is_end {
                return;
            }
        }
    }

    /// A word, with its quotes; blanks and signs within quotes belong to it.
    fn word(&mut self) -> String {
        let from = self.at;
        let (mut quote, mut brackets, mut quotes) = (None, 0usize, 0usize);
        while let Some(byte) = self.byte() {
            match (byte, quote) {
                (b'\\', _) => self.at += 1,
                (byte, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'\'' | b'"' | b'`', None) => quote = Some(byte),
                (b'[', None) => quotes += 1,
                (b']', None) => quotes = quotes.saturating_sub(1),
                (b'(', None) => brackets += 1,
                (b')', None) if brackets > 0 => brackets -= 1,
                (b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')', None) if brackets == 0 && quotes == 0 => {
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default().to_owned()
    }
}

/// Whether a bare name is one of a macro.
fn is_macro(name: &str) -> bool {
    let is_upper = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    // Those of gnulib, before which a project may put letters of its own: `sgl_INIT`.
    if name.split_once("gl_").is_some_and(|(own, rest)| own.len() <= 3 && !rest.is_empty() && is_upper(rest))
    {
        return true;
    }
    // No command is called like `ACX_CHECK_THIS`.
    let is_own = is_upper(name) && name.trim_matches('_').contains('_');
    let starts = ["AC_", "AM_", "AX_", "LT_", "AS_", "AH_", "PKG_", "m4_"];
    is_own || starts.iter().any(|start| name.starts_with(start))
}
