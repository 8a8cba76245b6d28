//! Variables of a Makefile, and what a text stands for once they are put in.
//!
//! Functions of GNU make that only look at text are followed, and `wildcard`; of `shell` nothing
//! is run: that the system is asked for its name is answered, anything else is empty.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Variables that refer to one another deeper than this do so for ever.
const DEEPEST: usize = 50;
/// All that is put in, in bytes.
const LONGEST: usize = 32 << 20;

/// What each step costs, however little it puts in.
const STEP: usize = 64;
/// What a look at the files costs.
const LOOK: usize = 10_000;

/// What a variable is.
#[derive(Clone, Debug)]
struct Variable {
    text: String,
    /// Whether it was expanded where it was set.
    is_final: bool,
}

/// That a variable is set.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// The operator.
    pub how: String,
    /// What is set.
    pub text: String,
}

/// Variables by name.
#[derive(Clone)]
pub struct Variables<'f> {
    all: BTreeMap<String, Variable>,
    /// How many bytes may still be put in.
    left: Rc<Cell<usize>>,
    /// The files that a pattern of `wildcard` names.
    wildcard: &'f dyn Fn(&str) -> Vec<String>,
}

impl<'f> Variables<'f> {
    /// None but what make itself knows; `wildcard` tells what files match a pattern.
    pub fn new(wildcard: &'f dyn Fn(&str) -> Vec<String>) -> Variables<'f> {
        let mut variables = Variables { all: BTreeMap::new(), left: Rc::new(Cell::new(LONGEST)), wildcard };
        let known = [("CC", "cc"), ("CXX", "c++"), ("AR", "ar"), ("MAKE", "make"), ("RM", "rm -f")];
        // What `configure` would set.
        // Names of files count from the folder that the Makefile lies in.
        let here = [("CURDIR", "."), ("PWD", "."), ("MAKEFILE_LIST", "Makefile")];
        for (name, text) in known.into_iter().chain([("OBJEXT", "o")]).chain(here) {
            variables.set(name, "=", text);
        }
        variables
    }

    /// Sets `name` as the operator `how` says.
    pub fn set(&mut self, name: &str, how: &str, text: &str) {
        match how {
            ":=" | "::=" | ":::=" => {
                let text = self.expand(text);
                self.all.insert(name.to_owned(), Variable { text, is_final: true });
            }
            "?=" if self.all.contains_key(name) => {}
            "!=" => drop(self.all.insert(name.to_owned(), Variable { text: shell(text), is_final: true })),
            "+=" => {
                let is_final = self.all.get(name).is_some_and(|variable| variable.is_final);
                let more = if is_final { self.expand(text) } else { text.to_owned() };
                let variable =
                    self.all.entry(name.to_owned()).or_insert(Variable { text: String::new(), is_final });
                let room = self.left.get().saturating_sub(more.len());
                if room > 0 {
                    self.left.set(room);
                    variable.text += if variable.text.is_empty() { "" } else { " " };
                    variable.text += &more;
                }
            }
            _ => {
                self.all.insert(name.to_owned(), Variable { text: text.to_owned(), is_final: false });
            }
        }
    }

    /// The same with more set, which is paid for from here; `None` when there is no room for it.
    pub fn with<'s>(&self, more: impl Iterator<Item = &'s Setting>) -> Option<Variables<'f>> {
        let size: usize = self.all.iter().map(|(name, one)| name.len() + one.text.len() + STEP).sum();
        self.left.set(self.left.get().checked_sub(size)?);
        let mut all = self.clone();
        more.for_each(|one| all.set(&one.name, &one.how, &one.text));
        Some(all)
    }

    /// Whether `name` was set.
    pub fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// The names that were set, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// What `name` stands for.
    pub fn value(&self, name: &str) -> String {
        self.variable(name, 0)
    }

    /// The words that `name` stands for.
    pub fn words(&self, name: &str) -> Vec<String> {
        self.value(name).split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// What `text` stands for.
    pub fn expand(&self, text: &str) -> String {
        self.expanded(text, 0)
    }

    fn variable(&self, name: &str, depth: usize) -> String {
        match self.all.get(name) {
            Some(variable) if variable.is_final => self.paid(variable.text.clone()),
            Some(variable) => self.expanded(&variable.text, depth + 1),
            None => String::new(),
        }
    }

    /// Whether there is room for so much, which is taken.
    fn affords(&self, size: usize) -> bool {
        let left = self.left.get().checked_sub(size);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// `text`, while there is room for it.
    fn paid(&self, text: String) -> String {
        match self.left.get().checked_sub(text.len() + STEP) {
            Some(left) => {
                self.left.set(left);
                text
            }
            None => {
                self.left.set(0);
                String::new()
            }
        }
    }

    fn expanded(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out += before;
            let behind = from.get(1..).unwrap_or_default();
            let Some(first) = behind.chars().next() else { return out };
            let (value, used) = match first {
                '(' | '{' => {
                    let inner = behind.get(1..).unwrap_or_default();
                    let end = closing(inner, first);
                    let reference = inner.get(..end).unwrap_or_default();
                    (self.reference(reference, depth), (end + 2).min(behind.len()))
                }
                '$' => ("$".to_owned(), 1),
                other => {
                    // `$@` and its like stay: what a rule is for is known by the rule.
                    let name = other.to_string();
                    let is_name = other.is_ascii_alphanumeric() || other == '_';
                    let value = if is_name { self.variable(&name, depth) } else { format!("${name}") };
                    (value, other.len_utf8())
                }
            };
            out += &value;
            rest = behind.get(used..).unwrap_or_default();
        }
        out += rest;
        self.paid(out)
    }

    /// What stands between the brackets of `$(…)`.
    fn reference(&self, text: &str, depth: usize) -> String {
        if depth > DEEPEST || self.left.get() == 0 {
            return String::new();
        }
        if let Some((name, rest)) = text.split_once(|c: char| c.is_ascii_whitespace())
            && let Some(value) = self.function(name, rest.trim_start(), depth + 1)
        {
            return value;
        }
        // `$(NAME:.c=.o)`
        if let Some((name, (from, to))) =
            text.split_once(':').and_then(|(name, rest)| Some((name, rest.split_once('=')?)))
        {
            let words = self.variable(&self.expanded(name, depth + 1), depth);
            let (from, to) = (self.expanded(from, depth + 1), self.expanded(to, depth + 1));
            let (from, to) = match from.contains('%') {
                true => (from, to),
                false => (format!("%{from}"), format!("%{to}")),
            };
            let size = words.split_ascii_whitespace().count().saturating_mul(to.len());
            return if self.affords(size) {
                each(&words, |word| substituted(&from, &to, word))
            } else {
                String::new()
            };
        }
        let name = self.expanded(text, depth + 1);
        self.variable(name.trim(), depth)
    }

    /// The value of the function `name`, if there is such a one.
    fn function(&self, name: &str, text: &str, depth: usize) -> Option<String> {
        let parts = parts(text);
        let raw = |at: usize| parts.get(at).copied().unwrap_or_default();
        let arg = |at: usize| self.expanded(raw(at), depth);
        let rest = |at: usize| self.expanded(&parts.get(at..).unwrap_or_default().join(","), depth);
        Some(match name {
            "subst" => {
                let from = arg(0);
                let (to, text) = (arg(1), rest(2));
                let is_in = !from.is_empty() && text.contains(&from);
                match is_in && self.affords(text.matches(&from).count().saturating_mul(to.len())) {
                    true => text.replace(&from, &to),
                    false if is_in => String::new(),
                    false => text,
                }
            }
            "patsubst" => each(&rest(2), |word| substituted(arg(0).trim(), arg(1).trim(), word)),
            "strip" | "sort" if name == "strip" => each(&rest(0), str::to_owned),
            "sort" => {
                let text = rest(0);
                let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
                words.sort_unstable();
                words.dedup();
                words.join(" ")
            }
            "addprefix" => each(&rest(1), |word| format!("{}{word}", arg(0).trim())),
            "addsuffix" => each(&rest(1), |word| format!("{word}{}", arg(0).trim())),
            "notdir" => each(&rest(0), |word| word.rsplit('/').next().unwrap_or(word).to_owned()),
            "dir" => each(&rest(0), |word| word.rfind('/').map_or("./", |at| &word[..=at]).to_owned()),
            "basename" => each(&rest(0), |word| without_ending(word).to_owned()),
            "suffix" => each(&rest(0), |word| word[without_ending(word).len()..].to_owned()),
            "filter" | "filter-out" => {
                let patterns = arg(0);
                let patterns: Vec<&str> = patterns.split_ascii_whitespace().collect();
                let keep = name == "filter";
                let is_wanted = |word: &&str| patterns.iter().any(|one| stem(one, word).is_some()) == keep;
                let words = rest(1);
                words.split_ascii_whitespace().filter(is_wanted).collect::<Vec<_>>().join(" ")
            }
            "findstring" => Some(arg(0)).filter(|text| rest(1).contains(text.as_str())).unwrap_or_default(),
            "firstword" => rest(0).split_ascii_whitespace().next().unwrap_or_default().to_owned(),
            "lastword" => rest(0).split_ascii_whitespace().next_back().unwrap_or_default().to_owned(),
            "words" => rest(0).split_ascii_whitespace().count().to_string(),
            "word" => {
                let at = arg(0).trim().parse::<usize>().unwrap_or(0).wrapping_sub(1);
                rest(1).split_ascii_whitespace().nth(at).unwrap_or_default().to_owned()
            }
            "wildcard" => {
                let patterns = rest(0);
                let affordable = |_: &&str| {
                    self.left.set(self.left.get().saturating_sub(LOOK));
                    self.left.get() > 0
                };
                let patterns = patterns.split_ascii_whitespace().take_while(affordable);
                let found = patterns.flat_map(|one| (self.wildcard)(one));
                self.paid(found.collect::<Vec<_>>().join(" "))
            }
            "if" => {
                if arg(0).trim().is_empty() {
                    rest(2)
                } else {
                    arg(1)
                }
            }
            "or" => (0..parts.len()).map(arg).find(|value| !value.is_empty()).unwrap_or_default(),
            "and" => {
                let all: Vec<String> = (0..parts.len()).map(arg).collect();
                let is_all = all.iter().all(|value| !value.is_empty());
                all.last().filter(|_| is_all).cloned().unwrap_or_default()
            }
            "foreach" => {
                self.foreach(arg(0).trim(), &arg(1), &parts.get(2..).unwrap_or_default().join(","), depth)
            }
            "shell" => shell(&rest(0)),
            "abspath" | "realpath" => rest(0),
            "origin" => if self.has(arg(0).trim()) { "file" } else { "undefined" }.to_owned(),
            "value" => self.all.get(arg(0).trim()).map(|one| self.paid(one.text.clone())).unwrap_or_default(),
            "error" | "warning" | "info" | "eval" | "call" | "file" => String::new(),
            _ => return None,
        })
    }

    /// The text once for each word, with the variable set to it.
    fn foreach(&self, name: &str, words: &str, text: &str, depth: usize) -> String {
        let name = [format!("$({name})"), format!("${{{name}}}"), format!("${name}")];
        let mut all = Vec::new();
        for word in words.split_ascii_whitespace() {
            if self.left.get() == 0 {
                break;
            }
            let text = name.iter().fold(text.to_owned(), |text, name| text.replace(name.as_str(), word));
            all.push(self.expanded(&text, depth));
        }
        all.join(" ")
    }
}

/// Whether a command prints the folder that it is started in, and nothing else.
fn prints_folder(command: &str) -> bool {
    const WORDS: [&str; 9] = ["pwd", "PWD", "P", "L", "if", "then", "else", "fi", "echo"];
    let words: Vec<&str> =
        command.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let asks = words.iter().any(|word| matches!(*word, "pwd" | "PWD"));
    let is_changed = ["..", "/", "|", "#"].iter().any(|sign| command.contains(sign));
    asks && !is_changed && words.iter().all(|word| WORDS.contains(word))
}

/// What the system answers to a command, as far as that is the same everywhere.
fn shell(command: &str) -> String {
    if prints_folder(command) {
        return ".".to_owned();
    }
    if !command.contains("uname") {
        return String::new();
    }
    let system = if cfg!(target_os = "macos") { "Darwin" } else { "Linux" };
    match command.contains("-m") || command.contains("-p") {
        true => std::env::consts::ARCH.to_owned(),
        false => system.to_owned(),
    }
}

/// Where the bracket that stands before `text` is closed, or its end.
fn closing(text: &str, open: char) -> usize {
    let close = if open == '(' { ')' } else { '}' };
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return at,
            }
        }
    }
    text.len()
}

/// The arguments of a function: what commas part that stand in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0i64);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth -= 1,
            b',' if depth <= 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn each(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split_ascii_whitespace().map(change).collect::<Vec<_>>().join(" ")
}

/// What `%` of `pattern` stands for in `word`, if it fits.
pub fn stem<'w>(pattern: &str, word: &'w str) -> Option<&'w str> {
    match pattern.split_once('%') {
        None => (pattern == word).then_some(""),
        Some((before, after)) => word.strip_prefix(before)?.strip_suffix(after),
    }
}

fn substituted(from: &str, to: &str, word: &str) -> String {
    match stem(from, word) {
        Some(stem) => to.replacen('%', stem, 1),
        None => word.to_owned(),
    }
}

fn without_ending(word: &str) -> &str {
    let name = word.rfind('/').map_or(0, |at| at + 1);
    word[name..].rfind('.').map_or(word, |at| &word[..name + at])
}
