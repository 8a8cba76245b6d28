//! Preprocessing: what a translation unit really reads.
//!
//! Every file that is opened or asked for and found is noted in clang's order and spelling, since
//! the depfile is made of them.  Messages have clang's wording, for they are compared and replayed.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::args::Args;
use crate::expr;
use crate::fault::Fault;
use crate::macros::Macros;
use crate::search::{Found, Includer, Search};
use crate::token::{Kind, Lexed, Token, lex};
use crate::{Bytes, lossy};

/// clang's limit.
const DEEPEST: usize = 200;

/// A file that was read.
pub struct Dep {
    pub path: Bytes,
    pub system: bool,
}

/// A file being read.
struct Frame {
    includer: Includer,
    lexed: Rc<Lexed>,
    /// The line being looked at.
    line: usize,
}

/// One `#if` that is open.
struct Condition {
    /// Whether the lines now read count.
    active: bool,
    /// Whether some branch has been taken, or none may be.
    done: bool,
}

/// The state of one translation unit.
pub struct Preprocessor<'a> {
    args: &'a Args,
    search: &'a Search,
    pub macros: Macros,
    stack: Vec<Frame>,
    once: HashSet<Bytes>,
    cache: HashMap<Bytes, Rc<Lexed>>,
    seen: HashSet<Bytes>,
    pub deps: Vec<Dep>,
    /// What is left to compile: lines of tokens with their file.
    pub lines: Vec<(Bytes, Vec<Token>)>,
    pub faults: Vec<Fault>,
    pub messages: Bytes,
    pub errors: usize,
    pub warnings: usize,
    /// Whether a header was not found: the one error after which clang writes no depfile.
    pub missing_header: bool,
    /// Set by a fatal error: nothing more is read.
    stopped: bool,
}

impl<'a> Preprocessor<'a> {
    pub fn new(args: &'a Args, search: &'a Search, macros: Macros) -> Preprocessor<'a> {
        Preprocessor {
            args,
            search,
            macros,
            stack: Vec::new(),
            once: HashSet::new(),
            cache: HashMap::new(),
            seen: HashSet::new(),
            deps: Vec::new(),
            lines: Vec::new(),
            faults: Vec::new(),
            messages: Bytes::new(),
            errors: 0,
            warnings: 0,
            missing_header: false,
            stopped: false,
        }
    }

    /// Reads the main file and what it includes, the `-include`d files first.
    pub fn unit(&mut self, path: &[u8], bytes: Bytes) {
        self.note(path, false);
        let main = Includer { path: path.to_vec(), system: false, index: None };
        // A name given by `-include` is looked for in the working directory first.
        let here = Includer { path: b"<command line>".to_vec(), ..main };
        for name in &self.args.include {
            match self.search.find(name, false, &here, false) {
                Some(found) => self.file(found),
                None => self.fatal_alone(name),
            }
        }
        let main = Includer { path: path.to_vec(), system: false, index: None };
        self.read(main, bytes);
    }

    fn fatal_alone(&mut self, name: &[u8]) {
        let message = format!("<built-in>:1:10: fatal error: '{}' file not found\n", lossy(name));
        self.messages.extend_from_slice(message.as_bytes());
        self.errors += 1;
        self.missing_header = true;
        self.stopped = true;
    }

    fn note(&mut self, path: &[u8], system: bool) {
        let mut path = path;
        while let Some(rest) = path.strip_prefix(b"./") {
            path = &rest[rest.iter().take_while(|&&b| b == b'/').count()..];
        }
        if self.seen.insert(path.to_vec()) {
            self.deps.push(Dep { path: path.to_vec(), system });
        }
    }

    fn file(&mut self, found: Found) {
        self.note(&found.path, found.system);
        let real = std::fs::canonicalize(crate::path_of(&found.path))
            .map(|path| path.into_os_string().into_encoded_bytes())
            .unwrap_or_default();
        if !self.once.contains(&real) {
            let includer = Includer { path: found.path, system: found.system, index: found.index };
            self.read(includer, found.bytes);
        }
    }

    fn read(&mut self, includer: Includer, bytes: Bytes) {
        if self.stopped {
            return;
        }
        let lexed = match self.cache.get(&includer.path) {
            Some(lexed) => lexed.clone(),
            None => {
                let lexed = Rc::new(lex(bytes));
                self.faults.extend(lexed.faults.iter().cloned());
                self.cache.insert(includer.path.clone(), lexed.clone());
                lexed
            }
        };
        self.stack.push(Frame { includer, lexed: lexed.clone(), line: 0 });
        let mut conditions = Vec::new();
        for line in &lexed.lines {
            self.line(line, &mut conditions);
            if self.stopped {
                break;
            }
        }
        if !conditions.is_empty() && !self.stopped {
            let last = lexed.lines.last().and_then(|line| line.first()).cloned();
            self.message("error", "unterminated conditional directive", last.as_ref());
        }
        self.stack.pop();
    }

    fn path(&self) -> Bytes {
        self.stack.last().map(|frame| frame.includer.path.clone()).unwrap_or_default()
    }

    fn line(&mut self, line: &[Token], conditions: &mut Vec<Condition>) {
        if let (Some(frame), Some(first)) = (self.stack.last_mut(), line.first()) {
            frame.line = first.line;
        }
        let active = conditions.iter().all(|condition| condition.active);
        match line {
            [hash, word, rest @ ..] if hash.is("#") => self.directive(word, rest, active, conditions),
            [hash] if hash.is("#") => {}
            _ if active => {
                let path = self.path();
                let expanded = self.macros.expand(&path, line);
                self.lines.push((path, expanded));
            }
            _ => {}
        }
    }

    fn directive(&mut self, word: &Token, rest: &[Token], active: bool, conditions: &mut Vec<Condition>) {
        let outer = conditions.len().checked_sub(1);
        let outer_active = outer.is_none_or(|n| conditions[..n].iter().all(|c| c.active));
        let defined = |p: &Self| rest.first().is_some_and(|name| p.macros.is_defined(&name.text));
        let name = lossy(&word.text);
        match &*name {
            "if" | "ifdef" | "ifndef" => {
                let yes = active
                    && match &*name {
                        "ifdef" => defined(self),
                        "ifndef" => !defined(self),
                        _ => self.condition(rest),
                    };
                conditions.push(Condition { active: yes, done: yes || !active });
            }
            "elif" | "elifdef" | "elifndef" | "else" => {
                let open = conditions.last().is_some_and(|c| !c.done) && outer_active;
                let yes = open
                    && match &*name {
                        "else" => true,
                        "elifdef" => defined(self),
                        "elifndef" => !defined(self),
                        _ => self.condition(rest),
                    };
                match conditions.last_mut() {
                    Some(condition) => {
                        condition.active = yes;
                        condition.done |= yes;
                    }
                    None => self.message("error", &format!("#{name} without #if"), Some(word)),
                }
            }
            "endif" if conditions.pop().is_none() => self.message("error", "#endif without #if", Some(word)),
            "endif" => {}
            _ if active => self.action(&name, word, rest),
            _ => {}
        }
    }

    fn action(&mut self, name: &str, word: &Token, rest: &[Token]) {
        match name {
            "include" | "import" => self.include(rest, false, word),
            "include_next" => self.include(rest, true, word),
            "embed" => self.embed(rest, word),
            "define" => self.macros.define(rest),
            "undef" => rest.iter().take(1).for_each(|name| self.macros.undef(&name.text)),
            "error" => {
                let text = self.text_after(word);
                self.message("error", &text, Some(word));
            }
            "warning" => self.warning(word),
            "pragma" if rest.first().is_some_and(|t| t.is("once")) => {
                let path = self.path();
                if let Ok(real) = std::fs::canonicalize(crate::path_of(&path)) {
                    self.once.insert(real.into_os_string().into_encoded_bytes());
                }
            }
            _ => {}
        }
    }

    /// The rest of the physical line behind `word`.
    fn text_after(&self, word: &Token) -> String {
        let Some(frame) = self.stack.last() else { return String::new() };
        let line = frame.lexed.line(word.line);
        let from = (word.column - 1 + word.text.len()).min(line.len());
        lossy(&line[from..]).trim().to_owned()
    }

    fn warning(&mut self, word: &Token) {
        // Shown in system headers too, unlike other warnings.
        if self.args.no_warnings {
            return;
        }
        let text = self.text_after(word);
        if self.args.warnings_are_errors {
            self.message("error", &format!("{text} [-Werror,-W#warnings]"), Some(word));
        } else {
            self.message("warning", &format!("{text} [-W#warnings]"), Some(word));
        }
    }

    fn condition(&mut self, tokens: &[Token]) -> bool {
        let asked = self.answer_questions(tokens);
        let path = self.path();
        let expanded = self.macros.expand(&path, &asked);
        match expr::evaluate(&expanded) {
            Some(value) => value != 0,
            None => {
                self.message("error", "invalid preprocessor expression", tokens.first());
                false
            }
        }
    }

    /// Replaces `defined X`, `defined(X)` and `__has_include(…)` by their answers.
    fn answer_questions(&mut self, tokens: &[Token]) -> Vec<Token> {
        let mut out = Vec::new();
        let mut rest = tokens;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            let inside = match after {
                [open, inner, close, ..] if open.is("(") && close.is(")") => Some((inner, 3)),
                [name, ..] if first.is("defined") && name.kind == Kind::Ident => Some((name, 1)),
                _ => None,
            };
            let answer = match (&first.text[..], inside) {
                (b"defined", Some((name, _))) => self.macros.is_defined(&name.text),
                (b"__has_include" | b"__has_include_next", Some((name, _))) => {
                    self.has_include(name, first.is("__has_include_next"))
                }
                (b"__has_embed", Some((name, _))) => self.has_embed(name),
                _ => {
                    out.push(first.clone());
                    continue;
                }
            };
            rest = &after[inside.map_or(0, |(_, used)| used)..];
            let text = if answer { b"1" } else { b"0" };
            out.push(Token { kind: Kind::Number, text: text.to_vec(), ..first.clone() });
        }
        out
    }

    fn has_include(&mut self, token: &Token, next: bool) -> bool {
        let Some((name, angled)) = self.header_name(std::slice::from_ref(token)) else { return false };
        match self.find(&name, angled, next) {
            Some(found) => {
                self.note(&found.path, found.system);
                true
            }
            None => false,
        }
    }

    fn has_embed(&mut self, token: &Token) -> bool {
        let Some((name, angled)) = self.header_name(std::slice::from_ref(token)) else { return false };
        let found = self.stack.last().and_then(|f| self.search.find_embed(&name, angled, &f.includer));
        if let Some(found) = &found {
            self.note(&found.path, false);
        }
        found.is_some()
    }

    fn find(&self, name: &[u8], angled: bool, next: bool) -> Option<Found> {
        self.search.find(name, angled, &self.stack.last()?.includer, next)
    }

    /// The name in `tokens` and whether it is in angle brackets; macros are replaced first.
    fn header_name(&mut self, tokens: &[Token]) -> Option<(Bytes, bool)> {
        let path = self.path();
        let expanded = match tokens.first()?.kind {
            Kind::Header => tokens.to_vec(),
            _ => self.macros.expand(&path, tokens),
        };
        let first = expanded.first()?;
        if first.is("<") {
            let parts = expanded[1..].iter().take_while(|t| !t.is(">"));
            let spelled = parts.map(|t| [if t.spaced { &b" "[..] } else { b"" }, &t.text].concat());
            return Some((spelled.collect::<Vec<_>>().concat(), true));
        }
        let inner = first.text.get(1..first.text.len().checked_sub(1)?)?;
        Some((inner.to_vec(), first.text[0] == b'<'))
    }

    fn include(&mut self, rest: &[Token], next: bool, word: &Token) {
        let Some((name, angled)) = self.header_name(rest) else {
            return self.message("error", "expected \"FILENAME\" or <FILENAME>", Some(word));
        };
        if self.stack.len() >= DEEPEST {
            return self.fatal("#include nested too deeply", word);
        }
        match self.find(&name, angled, next) {
            Some(found) => self.file(found),
            None => match self.find(&name, false, false).filter(|_| angled) {
                Some(found) => {
                    let text = "file not found with <angled> include; use \"quotes\" instead";
                    self.message("error", &format!("'{}' {text}", lossy(&name)), Some(&rest[0]));
                    self.file(found);
                }
                None => self.not_found(&name, &rest[0]),
            },
        }
    }

    fn embed(&mut self, rest: &[Token], word: &Token) {
        let Some((name, angled)) = self.header_name(&rest[..rest.len().min(1)]) else {
            return self.message("error", "expected \"FILENAME\" or <FILENAME>", Some(word));
        };
        let found = self.stack.last().and_then(|f| self.search.find_embed(&name, angled, &f.includer));
        match found {
            Some(found) => {
                self.note(&found.path, false);
                let text = found.bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
                let data = Token { kind: Kind::Text, text, ..word.clone() };
                let path = self.path();
                self.lines.push((path, vec![data]));
            }
            None => self.not_found(&name, &rest[0]),
        }
    }

    fn not_found(&mut self, name: &[u8], at: &Token) {
        self.missing_header = true;
        self.fatal(&format!("'{}' file not found", lossy(name)), at);
    }

    fn fatal(&mut self, text: &str, at: &Token) {
        self.message("fatal error", text, Some(at));
        self.stopped = true;
    }

    /// A message with its place, the line and a mark under it.
    fn message(&mut self, severity: &str, text: &str, at: Option<&Token>) {
        match severity {
            "warning" => self.warnings += 1,
            _ => self.errors += 1,
        }
        let mut out = String::new();
        for pair in self.stack.windows(2) {
            out.push_str(&format!(
                "In file included from {}:{}:\n",
                lossy(&pair[0].includer.path),
                pair[0].line
            ));
        }
        let (line, column) = at.map_or((1, 1), |token| (token.line, token.column));
        let colored = match (self.args.color, severity) {
            (false, _) => format!("{severity}: "),
            (true, "warning") => "\u{1b}[0m\u{1b}[0;1;35mwarning: \u{1b}[0m\u{1b}[1m".to_owned(),
            (true, _) => format!("\u{1b}[0m\u{1b}[0;1;31m{severity}: \u{1b}[0m\u{1b}[1m"),
        };
        let (bold, reset) = if self.args.color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        out.push_str(&format!("{bold}{}:{line}:{column}: {colored}{text}{reset}\n", lossy(&self.path())));
        let source = self.stack.last().map(|frame| lossy(frame.lexed.line(line))).unwrap_or_default();
        let width = at.map_or(1, |token| token.text.len().max(1));
        let tildes =
            if width > 1 && severity == "fatal error" { "~".repeat(width - 1) } else { String::new() };
        out.push_str(&format!("{line:5} | {source}\n      | {}^{tildes}\n", " ".repeat(column - 1)));
        self.messages.extend_from_slice(out.as_bytes());
    }
}
