//! The evaluator: an explicit stack of calls, and one command after the other.
//!
//! A script that calls itself makes this stack longer, never the machine's.  The stack, the number
//! of commands and the bytes handled are limited; when a limit is hit, that is noted and reading
//! stops where it is: what was described until then stays.

mod builtin;
mod calls;
mod checks;
mod cond;
mod describe;
mod file;
mod find;
mod flow;
mod lists;
mod names;
mod outside;
mod paths;
mod properties;
mod scope;
mod strings;
mod usage;

#[cfg(test)]
mod tests;

use super::lang::expand::{self, Domain};
use super::lang::parse::Form;
use super::lang::program::Program;
use super::model::{Dir, Model};
use super::text::{self, path};
use super::{Described, Files, Machine, Note, Place, Question};
use crate::path::FilePath;
use calls::{Call, Frame};
pub(super) use properties::type_name;
use scope::Variables;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// Commands that are run at most.
const MOST_COMMANDS: u64 = 2_000_000;
/// Bytes that are handled at most, as a measure of time.
const MOST_BYTES: u64 = 1 << 30;
/// The longest value.
pub(super) const LONGEST: usize = 16 << 20;
/// What it costs to look for a pattern in a byte: the slowest take that much longer than to copy it.
pub(super) const MATCH: usize = 16;
/// The deepest nesting of calls, includes and folders.
const DEEPEST: usize = 200;
/// Notes that are kept; a hostile script could make millions.
const MOST_NOTES: usize = 1000;
/// Bytes of files and properties that are kept at most.
const MOST_KEPT: usize = 256 << 20;

/// An expanded argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cmake) struct Word {
    pub text: String,
    pub quoted: bool,
}

/// A function or macro of the project.
pub(in crate::cmake) struct Routine {
    pub is_macro: bool,
    pub parameters: Vec<String>,
    pub program: Rc<Program>,
    pub start: usize,
    pub end: usize,
}

/// The state of reading one description.
pub(in crate::cmake) struct Reader<'a> {
    files: &'a dyn Files,
    place: &'a Place,
    machine: &'a Machine,
    answer: &'a dyn Fn(&Question) -> Option<bool>,
    variables: Variables,
    frames: Vec<Frame>,
    /// The folder being read, as an index into `model.dirs`.
    dir: usize,
    routines: HashMap<String, Rc<Routine>>,
    /// Files that `include_guard` or a built-in module has marked.
    guarded: HashSet<String>,
    /// Patterns that were compiled.
    patterns: HashMap<String, Option<regex::Regex>>,
    /// What may still be computed for generator expressions.
    pub(in crate::cmake) fuel: Cell<u64>,
    /// What `cmake_push_check_state` put aside.
    check_states: Vec<Vec<(&'static str, Option<String>)>>,
    commands: u64,
    bytes: u64,
    kept: usize,
    stopped: bool,
    line: u32,
    looked_at: BTreeSet<FilePath>,
    globbed: BTreeSet<FilePath>,
    /// The version that the project asks of CMake: decides between old and new behaviour.
    policy: (u32, u32),
    pub(in crate::cmake) model: Model,
    pub(in crate::cmake) out: Described,
}

impl<'a> Reader<'a> {
    pub(in crate::cmake) fn new(
        files: &'a dyn Files,
        place: &'a Place,
        machine: &'a Machine,
        answer: &'a dyn Fn(&Question) -> Option<bool>,
    ) -> Reader<'a> {
        let top = Dir { source: path::of(&place.source), binary: path::of(&place.build), ..Dir::default() };
        let mut reader = Reader {
            files,
            place,
            machine,
            answer,
            variables: Variables::new(),
            frames: Vec::new(),
            dir: 0,
            routines: HashMap::new(),
            guarded: HashSet::new(),
            patterns: HashMap::new(),
            fuel: Cell::new(MOST_BYTES / 4),
            check_states: Vec::new(),
            commands: 0,
            bytes: 0,
            kept: 0,
            stopped: false,
            line: 0,
            looked_at: BTreeSet::new(),
            globbed: BTreeSet::new(),
            policy: (3, 31),
            model: Model { dirs: vec![top], ..Model::default() },
            out: Described::default(),
        };
        reader.set_initial_variables();
        reader
    }

    /// Runs the top description to its end.
    pub(in crate::cmake) fn run_top(&mut self, script: &[u8]) {
        let file = self.place.source.join("CMakeLists.txt");
        self.looked_at.insert(file.clone());
        let program = self.parse(file, script);
        self.frames.push(Frame::file(program, self.variables.depth(), Some(0)));
        self.run();
    }

    /// What was described, with everything that was looked at until now.
    pub(in crate::cmake) fn finish(mut self) -> Described {
        self.out.read = self.looked_at.into_iter().collect();
        self.out.globbed = self.globbed.into_iter().collect();
        let build = &self.place.build;
        self.out.written.retain(|file, _| file.starts_with(build));
        self.out
    }

    /// The machine built for.
    pub(in crate::cmake) fn machine(&self) -> &'a Machine {
        self.machine
    }

    /// Whether `file` lies in the build folder.
    pub(in crate::cmake) fn in_build(&self, file: &FilePath) -> bool {
        file.starts_with(&self.place.build)
    }

    fn run(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if self.stopped || frame.at >= frame.end {
                if self.stopped || !self.enter_later() {
                    self.leave();
                }
                continue;
            }
            let at = frame.at;
            frame.at += 1;
            let program = Rc::clone(&frame.program);
            self.step(&program, at);
        }
    }

    /// Runs one command.
    fn step(&mut self, program: &Rc<Program>, at: usize) {
        let Some(command) = program.commands.get(at) else { return };
        self.line = command.line;
        self.commands += 1;
        if self.commands > MOST_COMMANDS {
            return self.stop("too many commands; what follows is not read");
        }
        if self.block_command(program, at) {
            return;
        }
        let args: Vec<String> = self.words(program, at).into_iter().map(|word| word.text).collect();
        self.invoke(&command.name, &args);
    }

    /// Runs the command `name`, the project's own before ours.
    fn invoke(&mut self, name: &str, args: &[String]) {
        if let Some(routine) = self.routines.get(name) {
            let routine = Rc::clone(routine);
            return self.call(name, &routine, args);
        }
        // A command that the project replaced is still there under another name.
        let name = name.strip_prefix('_').filter(|inner| self.routines.contains_key(*inner)).unwrap_or(name);
        let known = self.flow_command(name, args)
            || self.variable_command(name, args)
            || self.text_command(name, args)
            || self.target_command(name, args)
            || self.property_command(name, args)
            || self.check_command(name, args)
            || self.find_command(name, args)
            || self.outside_command(name, args)
            || names::WITHOUT_EFFECT.contains(&name);
        if !known {
            self.note(format!("`{name}` is not understood"));
        }
    }

    /// `string`, `list`, `file` and the like.
    fn text_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "string" => self.string(args),
            "list" => self.list(args),
            "math" => self.math(args),
            "separate_arguments" => self.separate_arguments(args),
            "file" => self.file(args),
            "configure_file" => self.configure_file(args),
            "get_filename_component" => self.filename_component(args),
            "cmake_path" => self.cmake_path(args),
            "aux_source_directory" => self.aux_source_directory(args),
            _ => return false,
        }
        true
    }

    /// The expanded arguments of a command.
    fn words(&mut self, program: &Program, at: usize) -> Vec<Word> {
        let Some(command) = program.commands.get(at) else { return Vec::new() };
        let mut words = Vec::new();
        for arg in &command.args {
            let bound = self.bound(&arg.text, arg.form);
            let written = bound.as_deref().unwrap_or(&arg.text);
            if self.stopped {
                break;
            }
            match arg.form {
                Form::Bracket => words.push(Word { text: written.to_owned(), quoted: true }),
                Form::Quoted => {
                    let text = self.expand(written);
                    words.push(Word { text, quoted: true });
                }
                Form::Unquoted => {
                    let text = self.expand(written);
                    let items = self.divided(&text, false);
                    words.extend(items.into_iter().map(|text| Word { text, quoted: false }));
                    if words.len() > text::list::MOST_ITEMS {
                        self.stop("a command has too many arguments; what follows is not read");
                    }
                }
            }
        }
        words
    }

    /// The elements of a list, paid for.
    fn divided(&mut self, text: &str, keep_empty: bool) -> Vec<String> {
        let items = text::list::split(text, keep_empty);
        if items.len() > 1 {
            self.spend(items.len() * 32 + text.len());
        }
        if items.len() >= text::list::MOST_ITEMS {
            self.note("a list is too long and was cut".into());
        }
        items
    }

    /// An argument with the parameters of the macro that we are in put in place.
    fn bound(&mut self, text: &str, form: Form) -> Option<String> {
        if form == Form::Bracket || !text.contains("${") {
            return None;
        }
        let Call::Macro(arguments) = &self.frames.last()?.call else { return None };
        let bound = expand::bind(text, LONGEST, &|name| arguments.value(name));
        self.spend(bound.len());
        Some(bound)
    }

    /// `text` with escapes and references replaced.
    fn expand(&mut self, text: &str) -> String {
        self.spend(text.len());
        if !text.contains(['$', '\\']) {
            return text.to_owned();
        }
        let mut spent = 0;
        let (out, over) = expand::expand(text, LONGEST, &mut |domain, name, out| {
            let before = out.len();
            self.reference(domain, name, out);
            spent += out.len() - before;
        });
        self.spend(spent);
        if over {
            self.note("a value is too long and was cut".into());
        }
        out
    }

    fn reference(&self, domain: Domain, name: &str, out: &mut String) {
        match domain {
            Domain::Variable => {
                if let Some(value) = self.place_variable(name) {
                    out.push_str(&value);
                } else if let Some(value) = self.variables.get(name) {
                    out.push_str(value);
                }
            }
            Domain::Cache => out.push_str(self.variables.cached(name).map_or("", |value| value)),
            // The environment decides nothing: two users must get the same.
            Domain::Environment => {}
        }
    }

    /// The value of a variable; empty when it has none.
    fn value(&self, name: &str) -> String {
        self.defined_value(name).unwrap_or_default()
    }

    /// The value of a variable.
    fn defined_value(&self, name: &str) -> Option<String> {
        self.place_variable(name).or_else(|| self.variables.get(name).map(|value| value.to_string()))
    }

    /// Whether the value of a variable counts as true.
    fn is_on(&self, name: &str) -> bool {
        self.defined_value(name).is_some_and(|value| !text::is_false_constant(&value))
    }

    fn set(&mut self, name: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        self.spend(value.len());
        if value.len() > LONGEST {
            return self.note("a value is too long and was dropped".into());
        }
        if !self.variables.set(name, Some(value)) {
            self.stop("too much memory is used; what follows is not read");
        }
    }

    fn unset(&mut self, name: &str) {
        self.variables.set(name, None);
    }

    /// Pays for handling `bytes`.
    fn spend(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if self.bytes > MOST_BYTES && !self.stopped {
            self.stop("too much is computed; what follows is not read");
        }
    }

    /// Pays for keeping `bytes`; whether they may be kept.
    fn keep(&mut self, bytes: usize) -> bool {
        self.kept += bytes;
        if self.kept > MOST_KEPT && !self.stopped {
            self.stop("too much memory is used; what follows is not read");
        }
        !self.stopped
    }

    fn stop(&mut self, why: &str) {
        if !self.stopped {
            self.note(why.to_owned());
        }
        self.stopped = true;
    }

    /// Adds a note about the command being run.
    pub(in crate::cmake) fn note(&mut self, text: String) {
        if self.out.unknown.len() < MOST_NOTES {
            let file = self.frames.last().map_or_else(FilePath::root, |frame| frame.program.file.clone());
            self.out.unknown.push(Note { file, line: self.line, text: expand::cut(text, 400) });
        }
    }

    fn parse(&mut self, file: FilePath, bytes: &[u8]) -> Rc<Program> {
        self.spend(bytes.len() * 2);
        let program = Program::parse(file, bytes);
        for (line, text) in &program.errors {
            if self.out.unknown.len() < MOST_NOTES {
                self.out.unknown.push(Note { file: program.file.clone(), line: *line, text: text.clone() });
            }
        }
        Rc::new(program)
    }

    /// The content of a file, be it of the project or written by the description.
    fn content(&mut self, absolute: &str) -> Option<std::sync::Arc<[u8]>> {
        let file = path::file_path(absolute);
        if let Some(content) = self.out.written.get(&file) {
            return Some(content.clone());
        }
        if file.is_absolute() || file.starts_with(&self.place.build) {
            return None;
        }
        self.looked_at.insert(file.clone());
        self.files.read(&file)
    }

    /// Whether there is a file, be it of the project or written by the description.
    pub(in crate::cmake) fn file_exists(&mut self, absolute: &str) -> bool {
        let file = path::file_path(absolute);
        if self.out.written.contains_key(&file) {
            return true;
        }
        if file.is_absolute() || file.starts_with(&self.place.build) {
            return false;
        }
        self.looked_at.insert(file.clone());
        self.files.is_file(&file)
    }

    fn dir_exists(&mut self, absolute: &str) -> bool {
        let file = path::file_path(absolute);
        if file.is_absolute() {
            return false;
        }
        if file.starts_with(&self.place.build) {
            return true;
        }
        self.looked_at.insert(file.clone());
        self.files.is_dir(&file)
    }

    fn source_dir(&self) -> &str {
        self.model.dirs.get(self.dir).map_or("", |dir| &dir.source)
    }

    fn binary_dir(&self) -> &str {
        self.model.dirs.get(self.dir).map_or("", |dir| &dir.binary)
    }

    /// `text` taken from the folder being read.
    fn in_source(&self, text: &str) -> String {
        path::absolute(self.source_dir(), text)
    }

    /// `text` taken from the build folder of the folder being read.
    fn in_binary(&self, text: &str) -> String {
        path::absolute(self.binary_dir(), text)
    }

    /// A compiled pattern; a note when it is none.
    fn pattern(&mut self, pattern: &str) -> Option<regex::Regex> {
        if let Some(known) = self.patterns.get(pattern) {
            return known.clone();
        }
        self.spend(pattern.len() * 1000);
        let compiled = text::regex::compile(pattern);
        if compiled.is_none() {
            self.note(format!("no regular expression: {pattern}"));
        }
        if self.patterns.len() >= 500 {
            self.patterns.clear();
        }
        self.patterns.insert(pattern.to_owned(), compiled.clone());
        compiled
    }
}
