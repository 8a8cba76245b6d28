//! What a `configure.ac` decides: variables, conditions, macros of the configuration header.
//!
//! Its shell text is followed, never run: assignments, conditions and the macros of autoconf that
//! matter.  What would be asked of the system is answered as for any machine of the kind; where
//! the answer goes into a header, the question itself is kept.  Features that one has to ask for
//! are off, packages of others absent.

use std::collections::{BTreeMap, BTreeSet};

use globset::Glob;

use crate::described::Files;
use crate::generate::{Check, Known, Names};
use crate::path::FilePath;

use super::m4::{bare, content, unquoted};
use super::printed::printed;
use super::shell::{Block, Statement, When, parse};

/// Bodies of macros nested deeper than this are passed over.
const DEEPEST: usize = 40;
/// No pattern of a `case` is longer.
const LONGEST_PATTERN: usize = 200;
/// How many files with macros are read.
const MOST_FILES: usize = 100;
/// All statements that are followed.
const MOST: usize = 200_000;
/// All text that is looked at, bodies of macros each time.
const LONGEST: usize = 32 << 20;

/// What was decided.
pub struct Configure<'f> {
    pub(super) files: &'f dyn Files,
    pub(super) dir: FilePath,
    /// Variables of the shell.
    pub variables: BTreeMap<String, String>,
    /// What conditions of Makefiles are, where that could be told.
    pub conditions: BTreeMap<String, bool>,
    /// Macros that were defined.
    pub defines: Names,
    /// Variables that templates may refer to.
    pub substituted: BTreeSet<String>,
    /// Macros that are defined somewhere, perhaps under a condition.
    pub mentioned: BTreeSet<String>,
    /// Headers of these, each with its template.
    pub headers: Vec<(String, String)>,
    /// Files made from templates of their own.
    pub made: Vec<(String, String)>,
    /// Files and folders that are there once more under another name, and what they are.
    pub links: Vec<(String, String)>,
    /// Headers with nothing but the integers of fixed width, for compilers that have none.
    pub integers: Vec<String>,
    /// Variables that hold what a command prints.
    pub unknown: BTreeSet<String>,
    /// Macros whose values hold such.
    pub unsure: BTreeSet<String>,
    /// Variables that are set somewhere, perhaps under a condition.
    pub assigned: BTreeSet<String>,
    /// What stands at the beginning and at the end of a header without template.
    pub around: (String, String),
    /// Whether it is one of its own, and no part that a larger one reads.
    pub is_begun: bool,
    /// Whether a package with a name was declared.
    pub is_package: bool,
    pub(super) bodies: BTreeMap<String, String>,
    /// Whether a program that is complained of does not count as compiled.
    pub(super) is_strict: bool,
    /// Whether what is asked is asked in C++, and what was asked in before.
    pub(super) is_cxx: Vec<bool>,
    steps: usize,
    text: usize,
    depth: usize,
    /// How many loops it is in, and whether the innermost is being left.
    loops: usize,
    leaves: bool,
}

impl<'f> Configure<'f> {
    /// Reads the `configure.ac` (of old `configure.in`) in `dir`.
    pub fn read(files: &'f dyn Files, dir: &FilePath) -> Option<Configure<'f>> {
        let names = ["configure.ac", "configure.in"];
        let text = names.iter().find_map(|name| files.read(&dir.join(name)))?;
        let text = requoted(&String::from_utf8_lossy(&text));
        let mut configure = Configure {
            files,
            dir: dir.clone(),
            variables: known_variables(),
            conditions: BTreeMap::new(),
            defines: Names::new(),
            substituted: BTreeSet::new(),
            mentioned: BTreeSet::new(),
            headers: Vec::new(),
            made: Vec::new(),
            links: Vec::new(),
            integers: Vec::new(),
            unknown: BTreeSet::new(),
            unsure: BTreeSet::new(),
            assigned: BTreeSet::new(),
            around: (String::new(), String::new()),
            is_begun: false,
            is_package: false,
            bodies: BTreeMap::new(),
            is_strict: false,
            is_cxx: Vec::new(),
            steps: MOST,
            text: LONGEST,
            depth: 0,
            loops: 0,
            leaves: false,
        };
        configure.read_macros(&text);
        configure.mention(&text);
        configure.run(&text);
        Some(configure)
    }

    /// Reads the macros of the project's own, which lie in files beside: those of tools are known.
    fn read_macros(&mut self, text: &str) {
        let mut all = vec![self.dir.join("acinclude.m4")];
        for name in self.macro_dirs(text) {
            let Some(m4) = crate::described::place(&self.dir, name.as_bytes()) else { continue };
            all.extend(self.files.below(&m4).into_iter().filter(|path| path.parent().as_ref() == Some(&m4)));
        }
        let is_tools = |path: &FilePath| {
            [&b"lt"[..], b"libtool", b"gettext", b"gnulib", b"pkg"]
                .iter()
                .any(|name| path.file_name().starts_with(name))
        };
        for path in
            all.iter().filter(|path| path.extension() == Some(b"m4") && !is_tools(path)).take(MOST_FILES)
        {
            if let Some(text) = self.files.read(path) {
                let text = String::from_utf8_lossy(&text);
                self.run(&text);
            }
        }
    }

    /// The folders that such files lie in.
    fn macro_dirs(&self, text: &str) -> BTreeSet<String> {
        let mut dirs = BTreeSet::from(["m4".to_owned()]);
        let named = text.split("AC_CONFIG_MACRO_DIR").nth(1).and_then(|rest| rest.split_once(')'));
        let named = named.map(|(name, _)| bare(name)).unwrap_or_default();
        let named = named.trim_start_matches(['S', '(']).split_ascii_whitespace();
        dirs.extend(named.map(str::to_owned));
        let makefile = self.files.read(&self.dir.join("Makefile.am")).unwrap_or_default();
        let makefile = String::from_utf8_lossy(&makefile);
        let flags = makefile.lines().filter_map(|line| line.strip_prefix("ACLOCAL_AMFLAGS")?.split_once('='));
        let words = flags.flat_map(|(_, words)| words.split_ascii_whitespace());
        dirs.extend(words.filter(|word| !word.starts_with('-')).map(str::to_owned));
        dirs.into_iter().filter(|name| !name.is_empty() && name != ".").collect()
    }

    /// Notes every macro that `text` may define and every variable that it may set.
    pub(super) fn mention(&mut self, text: &str) {
        for (at, _) in text.match_indices('=') {
            let before = text.get(..at).unwrap_or_default();
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = before.bytes().rev().take(100).take_while(is_name).count();
            self.assigned.insert(before.get(at - length..).unwrap_or_default().to_owned());
        }
        for (at, word) in text.match_indices("AC_DEFINE") {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            let rest = rest.strip_prefix("_UNQUOTED").unwrap_or(rest);
            let Some(rest) = rest.strip_prefix('(') else { continue };
            let name = bare(rest.split([',', ')']).next().unwrap_or_default());
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.mentioned.insert(name);
            }
        }
    }

    /// Follows `text`; tells whether its last statement succeeded.
    pub(super) fn run(&mut self, text: &str) -> bool {
        let Some(left) = self.text.checked_sub(text.len()).filter(|_| self.depth < DEEPEST) else {
            return false;
        };
        self.text = left;
        let block = parse(text);
        self.block(&block)
    }

    /// Follows what stands in the quotes of an argument.
    pub(super) fn run_argument(&mut self, argument: Option<&String>) -> bool {
        argument.is_some_and(|text| self.run(&content(text)))
    }

    fn block(&mut self, block: &Block) -> bool {
        let mut held = true;
        self.depth += 1;
        for (when, statement) in block {
            if self.steps == 0 || self.depth > DEEPEST || self.leaves {
                break;
            }
            self.steps -= 1;
            let runs = match when {
                When::Always => true,
                When::And => held,
                When::Or => !held,
            };
            if runs {
                held = self.statement(statement);
            }
        }
        self.depth -= 1;
        held
    }

    fn statement(&mut self, statement: &Statement) -> bool {
        match statement {
            Statement::Assign(name, text) => {
                let text = unquoted(text);
                // What a command prints is mostly not known.
                match !self.is_printed(&text) || runs(&text) {
                    true => drop(self.unknown.insert(name.clone())),
                    false => drop(self.unknown.remove(name)),
                }
                let value = self.expand(&self.put_in(&text));
                self.variables.insert(name.clone(), value);
                true
            }
            Statement::Macro(name, arguments) => self.macro_call(name, arguments),
            Statement::If(all, otherwise) => {
                for (condition, body) in all {
                    if self.block(condition) {
                        // Where the script ends there would be no build, or it begins anew elsewhere.
                        return ends(body) || self.block(body);
                    }
                }
                self.block(otherwise)
            }
            Statement::Case(word, all) => {
                let word = self.expand(&unquoted(word));
                // Each pattern is a question of its own.
                self.steps = self.steps.saturating_sub(all.len());
                let fits = |(patterns, _): &&(Vec<String>, Block)| {
                    patterns.iter().any(|pattern| matches(&self.expand(pattern), &word))
                };
                match all.iter().find(fits) {
                    Some((_, body)) => self.block(body),
                    None => true,
                }
            }
            Statement::For(name, words, body) => {
                let words: Vec<String> = words.iter().map(|word| self.expand(&unquoted(word))).collect();
                self.loops += 1;
                for word in words.iter().flat_map(|words| words.split_ascii_whitespace()) {
                    if self.steps == 0 {
                        break;
                    }
                    self.steps -= 1;
                    self.variables.insert(name.clone(), word.to_owned());
                    self.block(body);
                    if std::mem::take(&mut self.leaves) {
                        break;
                    }
                }
                self.loops -= 1;
                true
            }
            Statement::Command(words) => self.command(words),
            Statement::Unknown => false,
        }
    }

    fn command(&mut self, words: &[String]) -> bool {
        let mut words: Vec<String> = words.to_vec();
        // `[[ a = b ]]` is `[ a = b ]` behind M4.
        if let Some(inner) = words
            .first()
            .and_then(|word| unquoted(word).strip_prefix('[')?.strip_suffix(']').map(str::to_owned))
        {
            words = vec!["test".to_owned()];
            words.extend(inner.split_ascii_whitespace().map(str::to_owned));
        }
        match words.first().map(String::as_str) {
            Some("ln" | "$LN_S" | "$as_ln_s") => self.link(&words),
            Some("test" | "[") => {
                let rest = words.get(1..).unwrap_or_default();
                let rest: Vec<String> = rest.iter().map(|word| self.expand(&unquoted(word))).collect();
                let rest: Vec<&str> = rest.iter().map(String::as_str).filter(|word| *word != "]").collect();
                self.test(&rest)
            }
            Some("!") => !self.command(words.get(1..).unwrap_or_default()),
            Some("expr") => self.expr(words.get(1..).unwrap_or_default()),
            Some("true" | ":" | "eval" | "echo" | "export") => true,
            Some("break") => {
                self.leaves = self.loops > 0;
                true
            }
            Some("." | "source") => self.source(words.get(1).map(String::as_str).unwrap_or_default()),
            _ => false,
        }
    }

    /// Notes what `ln -s SOURCE NAME` would make.
    fn link(&mut self, words: &[String]) -> bool {
        let words = words.iter().skip(1).map(|word| self.expand(&unquoted(word)));
        let words: Vec<String> = words.filter(|word| !word.starts_with('-')).collect();
        if let [source, name] = &words[..] {
            self.links.push((name.clone(), source.clone()));
        }
        true
    }

    /// Whether `expr TEXT : PATTERN` finds something, as far as a glob can say what the pattern does.
    fn expr(&self, words: &[String]) -> bool {
        let words: Vec<String> = words.iter().map(|word| self.expand(&unquoted(word))).collect();
        let [text, sign, pattern, ..] = &words[..] else { return false };
        let any = pattern.replace(".*", "\u{1}");
        let is_plain = !any.contains(|c: char| "*[]\\^$?{}!".contains(c));
        // It begins where the text does, and may end before.
        let glob = format!("{}*", any.replace('.', "?").replace('\u{1}', "*"));
        sign == ":" && is_plain && !pattern.is_empty() && matches(&glob, text)
    }

    fn printed(&self, command: &str) -> Option<String> {
        printed(command, &|text| self.expand(text))
    }

    /// Whether it is known what the commands in `text` print, if there are any.
    fn is_printed(&self, text: &str) -> bool {
        text.split('`').skip(1).step_by(2).all(|command| self.printed(command).is_some())
    }

    /// Follows a script of the project's that is read into this one.
    fn source(&mut self, name: &str) -> bool {
        let name = self.expand(&unquoted(name));
        let path = crate::described::place(&self.dir, name.trim_start_matches("./").as_bytes());
        let Some(text) = path.and_then(|path| self.files.read(&path)) else { return false };
        self.run(&String::from_utf8_lossy(&text))
    }

    /// What `test` says of `words`.
    fn test(&self, words: &[&str]) -> bool {
        let part = |sign: &str| words.iter().position(|word| *word == sign).filter(|at| *at > 0);
        if let Some(at) = part("-o") {
            return self.test(&words[..at]) || self.test(words.get(at + 1..).unwrap_or_default());
        }
        if let Some(at) = part("-a") {
            return self.test(&words[..at]) && self.test(words.get(at + 1..).unwrap_or_default());
        }
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        match words {
            ["!", rest @ ..] => !self.test(rest),
            ["-n"] => false,
            ["-z"] => true,
            ["-n", text] => !text.is_empty(),
            ["-z", text] => text.is_empty(),
            ["-f" | "-e" | "-r" | "-s" | "-d", name] => self.is_there(name),
            [a, "=" | "==", b] => a == b,
            [a, "="] | ["=", a] => a.is_empty(),
            [a, "!="] | ["!=", a] => !a.is_empty(),
            [a, "!=", b] => a != b,
            [a, "-eq", b] => number(a) == number(b),
            [a, "-ne", b] => number(a) != number(b),
            [a, "-ge", b] => number(a) >= number(b),
            [a, "-gt", b] => number(a) > number(b),
            [a, "-le", b] => number(a) <= number(b),
            [a, "-lt", b] => number(a) < number(b),
            [text] => !text.is_empty(),
            _ => false,
        }
    }

    fn is_there(&self, name: &str) -> bool {
        let path = crate::described::place(&self.dir, name.trim_start_matches("./").as_bytes());
        path.is_some_and(|path| self.files.is_file(&path) || self.files.is_dir(&path))
    }

    /// What `text` stands for in the shell.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut quote = None;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match (c, quote) {
                ('\'', None) => quote = Some('\''),
                ('\'', Some('\'')) => quote = None,
                (c, Some('\'')) => out.push(c),
                ('"', None) => quote = Some('"'),
                ('"', Some('"')) => quote = None,
                ('\\', _) => {
                    let next = rest.chars().next();
                    out.extend(next);
                    rest = &rest[next.map_or(0, char::len_utf8)..];
                }
                ('`', _) => {
                    let (command, after) = rest.split_once('`').unwrap_or((rest, ""));
                    out += &self.printed(command).unwrap_or_default();
                    rest = after;
                }
                ('$', _) => rest = self.reference(rest, &mut out),
                (c, _) => out.push(c),
            }
            if out.len() > LONGEST / 32 {
                break;
            }
        }
        out
    }

    /// Adds what a `$` before `rest` stands for; gives what is left.
    fn reference<'t>(&self, rest: &'t str, out: &mut String) -> &'t str {
        if let Some(inner) = rest.strip_prefix('(') {
            return inner.split_once(')').map_or("", |(_, rest)| rest);
        }
        if let Some(inner) = rest.strip_prefix('{') {
            let Some((inside, rest)) = inner.split_once('}') else { return "" };
            let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inside.len());
            let (name, otherwise) = inside.split_at(end);
            match self.variables.get(name) {
                Some(value) if !value.is_empty() => *out += value,
                _ => *out += otherwise.trim_start_matches([':', '-', '=']),
            }
            return rest;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if let Some(value) = self.variables.get(&rest[..end]) {
            *out += value;
        }
        &rest[end..]
    }

    /// Defines a macro.
    pub(super) fn define(&mut self, name: &str, known: Known) {
        self.defines.insert(name.to_owned(), known);
    }

    /// Notes the answer to a question: as `ac_cv_…` for the shell, and as macro.
    pub(super) fn answered(&mut self, variable: &str, holds: bool) {
        let value = if holds { "yes" } else { "no" };
        self.variables.insert(variable.to_owned(), value.to_owned());
    }

    /// Defines `name` where `check` holds.
    pub(super) fn asks(&mut self, name: &str, check: Check) {
        self.define(name, Known::Check(check));
    }
}

/// `text` in which brackets always quote: where it has others quote for a while, they are doubled.
fn requoted(text: &str) -> String {
    let mut parts = text.split("changequote(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (quotes, rest) = part.split_once(')').unwrap_or((part, ""));
        match quotes.trim_start().starts_with('[') {
            true => out += rest,
            false => out += &rest.replace('[', "[[").replace(']', "]]"),
        }
    }
    out
}

/// Whether the shell runs a command for `text`: in single quotes `$(X)` is a variable of a Makefile.
fn runs(text: &str) -> bool {
    text.split('\'').step_by(2).any(|part| part.contains("$("))
}

/// What the shell knows before the first line.
fn known_variables() -> BTreeMap<String, String> {
    let cpu = std::env::consts::ARCH;
    let (vendor, system) =
        if cfg!(target_os = "macos") { ("apple", "darwin23") } else { ("pc", "linux-gnu") };
    let mut all = BTreeMap::new();
    for kind in ["host", "build", "target"] {
        all.insert(kind.to_owned(), format!("{cpu}-{vendor}-{system}"));
        all.insert(format!("{kind}_cpu"), cpu.to_owned());
        all.insert(format!("{kind}_vendor"), vendor.to_owned());
        all.insert(format!("{kind}_os"), system.to_owned());
    }
    for (name, value) in [
        ("enable_shared", "yes"),
        ("enable_static", "yes"),
        ("GCC", "yes"),
        ("GXX", "yes"),
        ("ac_cv_c_compiler_gnu", "yes"),
        ("ac_compiler_gnu", "yes"),
        ("CC", "cc"),
        ("CXX", "c++"),
        ("CFLAGS", "-g -O2"),
        ("CXXFLAGS", "-g -O2"),
        ("cross_compiling", "no"),
        ("OBJEXT", "o"),
        ("PATH_SEPARATOR", ":"),
        ("srcdir", "."),
        ("ac_top_srcdir", "."),
        ("ac_abs_top_srcdir", "."),
        ("prefix", "NONE"),
        ("exec_prefix", "NONE"),
        ("ac_cv_c_inline", "inline"),
        ("ac_cv_c_const", "yes"),
        ("ac_cv_header_stdint_h", "yes"),
        ("ac_cv_header_inttypes_h", "yes"),
        ("ac_cv_header_sys_types_h", "yes"),
        ("ac_cv_header_sys_stat_h", "yes"),
        ("ac_cv_header_stdlib_h", "yes"),
        ("ac_cv_header_string_h", "yes"),
        ("ac_cv_header_strings_h", "yes"),
        ("ac_cv_header_unistd_h", "yes"),
        ("ac_cv_type_long_long_int", "yes"),
        ("ac_cv_type_unsigned_long_long_int", "yes"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    all
}

/// Whether a body leaves the script.
fn ends(body: &Block) -> bool {
    body.iter().any(|(when, statement)| match statement {
        Statement::Command(words) => {
            *when == When::Always && words.first().is_some_and(|word| word == "exit")
        }
        _ => false,
    })
}

fn matches(pattern: &str, word: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern == word;
    }
    if pattern.len() > LONGEST_PATTERN {
        return false;
    }
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(word))
}
