//! Control flow: branches, loops, routines, and going into other files.

use super::calls::{Block, BlockState, Call, Frame, Rounds};
use super::{Reader, Routine, names};
use crate::cmake::lang::program::Program;
use crate::cmake::model::Dir;
use crate::cmake::text::{list, path};
use std::rc::Rc;

/// So many surrounding blocks are looked at for what they are about.
const DEEPEST_LOOK: usize = 100;

/// Folders that are described at most.
const MOST_FOLDERS: usize = 10_000;

impl Reader<'_> {
    /// Runs a command that opens, divides or ends a block.
    pub(super) fn block_command(&mut self, program: &Rc<Program>, at: usize) -> bool {
        let (Some(command), Some(link)) = (program.commands.get(at), program.links.get(at)) else {
            return false;
        };
        match &*command.name {
            "if" => self.branch(program, at),
            "elseif" | "else" => self.jump(link.end + 1),
            "foreach" => self.foreach(program, at),
            "while" => {
                self.open_block(at, link.end, BlockState::While);
                self.ask_while(program, at);
            }
            "block" => self.block(program, at),
            "endforeach" | "endwhile" | "endblock" => self.end_block(program, at),
            "function" | "macro" => self.define(program, at, command.name == "macro"),
            "endif" | "endfunction" | "endmacro" => {}
            _ => return false,
        }
        true
    }

    fn jump(&mut self, to: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.at = to;
        }
    }

    /// Goes into the first branch of an `if` whose condition holds.
    fn branch(&mut self, program: &Rc<Program>, start: usize) {
        let mut at = start;
        while !self.stopped {
            let (Some(command), Some(link)) = (program.commands.get(at), program.links.get(at)) else {
                break;
            };
            self.line = command.line;
            let conditional = matches!(&*command.name, "if" | "elseif");
            let taken = !conditional || {
                let words = self.words(program, at);
                self.commands += 1;
                self.holds(&words)
            };
            if taken {
                return self.jump(at + 1);
            }
            at = link.next;
        }
        self.jump(at);
    }

    fn open_block(&mut self, start: usize, end: usize, state: BlockState) {
        if let Some(frame) = self.frames.last_mut() {
            frame.blocks.push(Block { start, end, state });
        }
    }

    fn ask_while(&mut self, program: &Rc<Program>, at: usize) {
        let words = self.words(program, at);
        if self.holds(&words) {
            self.jump(at + 1);
        } else {
            self.close_block();
        }
    }

    fn foreach(&mut self, program: &Rc<Program>, at: usize) {
        let end = program.links.get(at).map_or(at, |link| link.end);
        let args: Vec<String> = self.words(program, at).into_iter().map(|word| word.text).collect();
        let Some((names, rounds)) = self.rounds(&args) else {
            self.note("this `foreach` is not understood".into());
            return self.jump(end + 1);
        };
        let values = names.into_iter().map(|name| (name.clone(), self.normal_value(&name))).collect();
        self.open_block(at, end, BlockState::Each { variables: values, rounds });
        self.next_round();
    }

    fn normal_value(&self, name: &str) -> Option<String> {
        self.variables.normal(name).map(|value| value.to_string())
    }

    /// The variables of a `foreach`, and what they go through.
    fn rounds(&mut self, args: &[String]) -> Option<(Vec<String>, Rounds)> {
        let first = args.first()?;
        let rest = &args[1..];
        let name = || vec![first.clone()];
        if let Some(at) = args.iter().position(|arg| arg == "IN").filter(|&at| at > 0) {
            return Some(self.rounds_in(&args[..at], &args[at + 1..]));
        }
        if rest.first().is_some_and(|word| word == "RANGE") {
            let numbers: Option<Vec<i64>> = rest[1..].iter().map(|n| n.trim().parse().ok()).collect();
            let (next, last, step) = match *numbers?.as_slice() {
                [last] => (0, last, 1),
                [first, last] => (first, last, 1),
                [first, last, step] => (first, last, step),
                _ => return None,
            };
            let step = if next > last { -step.abs() } else { step.abs() };
            return (step != 0).then(|| (name(), Rounds::Range { next, last, step }));
        }
        Some((name(), Rounds::Items(Vec::from(rest).into_iter())))
    }

    /// The rounds of `foreach(… IN LISTS … ITEMS …)` and `foreach(… IN ZIP_LISTS …)`.
    fn rounds_in(&mut self, names: &[String], rest: &[String]) -> (Vec<String>, Rounds) {
        if rest.first().is_some_and(|word| word == "ZIP_LISTS") {
            let lists: Vec<Vec<String>> =
                rest[1..].iter().map(|name| list::split(&self.value(name), true)).collect();
            let names = match names {
                [one] if lists.len() > 1 => (0..lists.len()).map(|at| format!("{one}_{at}")).collect(),
                names => names.to_vec(),
            };
            return (names, Rounds::Zip { lists, at: 0 });
        }
        let mut items = Vec::new();
        let mut of_lists = false;
        for word in rest {
            match (&**word, of_lists) {
                ("LISTS", _) => of_lists = true,
                ("ITEMS", _) => of_lists = false,
                (name, true) => {
                    let value = self.value(name);
                    items.extend(self.divided(&value, true));
                    if items.len() > list::MOST_ITEMS {
                        self.stop("a `foreach` has too many rounds; what follows is not read");
                        break;
                    }
                }
                (item, false) => items.push(item.to_owned()),
            }
        }
        (names.to_vec(), Rounds::Items(items.into_iter()))
    }

    /// Begins the next round of the innermost `foreach`, or ends it.
    fn next_round(&mut self) {
        let Some(block) = self.frames.last_mut().and_then(|frame| frame.blocks.last_mut()) else { return };
        let start = block.start;
        let BlockState::Each { variables, rounds } = &mut block.state else { return };
        let names: Vec<String> = variables.iter().map(|(name, _)| name.clone()).collect();
        match rounds.next() {
            Some(values) => {
                let values = values.into_iter().map(Some).chain(std::iter::repeat(None));
                for (name, value) in names.iter().zip(values) {
                    match value {
                        Some(value) => self.set(name, value),
                        None => self.unset(name),
                    }
                }
                self.jump(start + 1);
            }
            None => self.close_block(),
        }
    }

    fn block(&mut self, program: &Rc<Program>, at: usize) {
        let end = program.links.get(at).map_or(at, |link| link.end);
        let args: Vec<String> = self.words(program, at).into_iter().map(|word| word.text).collect();
        let scope_for = args.iter().position(|arg| arg == "SCOPE_FOR");
        let policies_only = scope_for.is_some_and(|at| !args[at..].iter().any(|arg| arg == "VARIABLES"));
        let depth = self.variables.depth();
        if !policies_only {
            self.variables.push();
        }
        let propagate = args.iter().position(|arg| arg == "PROPAGATE");
        let propagate = propagate.map_or_else(Vec::new, |at| args[at + 1..].to_vec());
        self.open_block(at, end, BlockState::Scope { depth, propagate });
    }

    /// At the end of a block's text: the next round, or out of it.
    fn end_block(&mut self, program: &Rc<Program>, at: usize) {
        let Some(block) = self.frames.last().and_then(|frame| frame.blocks.last()) else { return };
        if block.end != at {
            return;
        }
        match block.state {
            BlockState::While => self.ask_while(program, block.start),
            BlockState::Each { .. } => self.next_round(),
            BlockState::Scope { .. } => self.close_block(),
        }
    }

    /// Leaves the innermost block.
    fn close_block(&mut self) {
        let Some(block) = self.frames.last_mut().and_then(|frame| frame.blocks.pop()) else { return };
        match block.state {
            BlockState::While => {}
            BlockState::Each { variables, .. } => {
                for (name, value) in variables {
                    self.variables.set(&name, value.as_deref());
                }
            }
            BlockState::Scope { depth, propagate } => self.close_scope(depth, &propagate),
        }
        self.jump(block.end + 1);
    }

    /// Closes scopes down to `depth`, letting some values out.
    fn close_scope(&mut self, depth: usize, propagate: &[String]) {
        let values: Vec<_> = propagate.iter().map(|name| (name, self.normal_value(name))).collect();
        self.variables.truncate(depth);
        for (name, value) in values {
            self.variables.set(name, value.as_deref());
        }
    }

    /// Leaves blocks until the innermost is a loop; whether there is one.
    fn reach_loop(&mut self) -> bool {
        loop {
            let block = self.frames.last().and_then(|frame| frame.blocks.last());
            match block.map(|block| &block.state) {
                Some(BlockState::Scope { .. }) => self.close_block(),
                Some(_) => return true,
                None => return false,
            }
        }
    }

    fn go_on(&mut self) {
        if !self.reach_loop() {
            return;
        }
        let Some(frame) = self.frames.last() else { return };
        let Some(block) = frame.blocks.last() else { return };
        let (program, start) = (Rc::clone(&frame.program), block.start);
        match block.state {
            BlockState::While => self.ask_while(&program, start),
            _ => self.next_round(),
        }
    }

    /// Defines a function or macro.
    fn define(&mut self, program: &Rc<Program>, at: usize, is_macro: bool) {
        let end = program.links.get(at).map_or(at, |link| link.end).min(program.commands.len());
        let mut names = self.words(program, at).into_iter().map(|word| word.text);
        if let Some(name) = names.next() {
            let (body, start, stop) = self.body(program, at + 1, end);
            let parameters = names.collect();
            let routine = Routine { is_macro, parameters, program: body, start, end: stop };
            self.routines.insert(name.to_ascii_lowercase(), Rc::new(routine));
        }
        self.jump(end + 1);
    }

    /// The text of a routine.  One that a macro defines has the macro's arguments in it.
    fn body(&mut self, program: &Rc<Program>, start: usize, end: usize) -> (Rc<Program>, usize, usize) {
        let in_macro = matches!(self.frames.last().map(|frame| &frame.call), Some(Call::Macro(_)));
        let Some(commands) = program.commands.get(start..end).filter(|_| in_macro) else {
            return (Rc::clone(program), start, end);
        };
        let mut commands = commands.to_vec();
        for arg in commands.iter_mut().flat_map(|command| &mut command.args) {
            if let Some(bound) = self.bound(&arg.text, arg.form) {
                arg.text = bound;
            }
        }
        let count = commands.len();
        (Rc::new(Program::of(program.file.clone(), commands)), 0, count)
    }

    /// Runs a command that goes elsewhere.
    pub(super) fn flow_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "break" => {
                if self.reach_loop() {
                    self.close_block();
                }
            }
            "continue" => self.go_on(),
            "return" => self.return_from(args),
            "include" => self.include(args),
            "include_guard" => self.include_guard(),
            "add_subdirectory" => self.add_subdirectory(args),
            "subdirs" => self.subdirs(args),
            "cmake_language" => self.language(args),
            _ => return false,
        }
        true
    }

    /// Leaves the innermost function or file, and macros within it.
    fn return_from(&mut self, args: &[String]) {
        let mut is_macro = true;
        while is_macro {
            let Some(frame) = self.frames.last() else { return };
            is_macro = matches!(frame.call, Call::Macro(_));
            let (scopes, in_function) = (frame.scopes, matches!(frame.call, Call::Function));
            if is_macro {
                self.leave();
            } else if let (Some("PROPAGATE"), true) = (args.first().map(String::as_str), in_function) {
                self.close_scope(scopes, &args[1..]);
            }
        }
        match self.frames.last_mut() {
            // Folders may have to be read yet.
            Some(frame) if matches!(frame.call, Call::File(Some(_))) => {
                frame.at = frame.end;
                frame.blocks.clear();
            }
            _ => self.leave(),
        }
    }

    fn include_guard(&mut self) {
        let Some(file) = self.current_file() else { return };
        if !self.guarded.insert(format!("guard {file}")) {
            self.return_from(&[]);
        }
    }

    /// Includes a file of the project, or does what a module of CMake would.
    fn include(&mut self, args: &[String]) {
        let Some(name) = args.first() else { return };
        let result = args.iter().position(|arg| arg == "RESULT_VARIABLE").and_then(|at| args.get(at + 1));
        let found = self.find_include(name);
        if let Some(result) = result {
            self.set(result, found.as_deref().unwrap_or("NOTFOUND"));
        }
        match found {
            Some(file) => self.run_file(&file, None),
            None if self.builtin_module(name) => {}
            None if args.iter().any(|arg| arg == "OPTIONAL") => {}
            None => self.note(format!("`{name}` to include is not there")),
        }
    }

    fn find_include(&mut self, name: &str) -> Option<String> {
        let as_file = self.in_source(name);
        if (name.contains('/') || name.contains('.')) && self.file_exists(&as_file) {
            return Some(as_file);
        }
        self.find_module(&format!("{name}.cmake"))
    }

    /// The file `name` in one of the folders of `CMAKE_MODULE_PATH`.
    pub(super) fn find_module(&mut self, name: &str) -> Option<String> {
        let dirs = list::split(&self.value("CMAKE_MODULE_PATH"), false);
        let candidates: Vec<String> =
            dirs.iter().map(|dir| path::absolute(&self.in_source(dir), name)).collect();
        candidates.into_iter().find(|file| self.file_exists(file))
    }

    /// Puts a file on the stack; with `dir` it is the description of that folder.
    pub(super) fn run_file(&mut self, file: &str, dir: Option<usize>) {
        if !self.may_nest() {
            return;
        }
        let Some(content) = self.content(file) else { return };
        let program = self.parse(path::file_path(file), &content);
        let scopes = self.variables.depth();
        let back_to = dir.map(|_| self.dir);
        if let Some(dir) = dir {
            self.variables.push();
            self.dir = dir;
        }
        self.frames.push(Frame::file(program, scopes, back_to));
    }

    fn add_subdirectory(&mut self, args: &[String]) {
        let words: Vec<&String> =
            args.iter().filter(|arg| !matches!(&***arg, "EXCLUDE_FROM_ALL" | "SYSTEM")).collect();
        let Some(source) = words.first() else { return };
        let source = self.in_source(source);
        let binary = match words.get(1) {
            Some(binary) => self.in_binary(binary),
            None => self.in_binary(&path::relative(self.source_dir(), &source)),
        };
        let file = format!("{source}/CMakeLists.txt");
        if !self.file_exists(&file) {
            return self.note(format!("`{}` has no CMakeLists.txt", words[0]));
        }
        if self.model.dirs.len() >= MOST_FOLDERS || self.model.dirs.iter().any(|dir| dir.binary == binary) {
            return self.note(format!("the folder `{}` is described twice, or there are too many", words[0]));
        }
        let exclude = args.iter().any(|arg| arg == "EXCLUDE_FROM_ALL") || self.in_excluded_dir();
        let parent = self.model.dirs.get(self.dir);
        let properties = parent.map(|parent| parent.properties.clone()).unwrap_or_default();
        let size: usize = properties.iter().map(|(name, value)| name.len() + value.len()).sum();
        if !self.keep(size + source.len() + binary.len()) {
            return;
        }
        let under_test = self.under_test();
        let dir =
            Dir { source, binary, parent: Some(self.dir), properties, exclude, under_test, ..Dir::default() };
        self.model.dirs.push(dir);
        self.run_file(&file, Some(self.model.dirs.len() - 1));
    }

    /// Notes folders that are read once the description of this one has come to its end.
    fn subdirs(&mut self, args: &[String]) {
        let under_test = self.under_test();
        let folders = args.iter().filter(|arg| !matches!(&***arg, "EXCLUDE_FROM_ALL" | "PREORDER"));
        let folders: Vec<(String, bool)> = folders.map(|folder| (folder.clone(), under_test)).collect();
        if self.keep(folders.iter().map(|(folder, _)| folder.len()).sum())
            && let Some(dir) = self.model.dirs.get_mut(self.dir)
        {
            dir.later.extend(folders);
        }
    }

    /// Goes into the next of such folders where a description has come to its end; tells whether there was one.
    pub(super) fn enter_later(&mut self) -> bool {
        let is_end = self.frames.last().is_some_and(|frame| matches!(frame.call, Call::File(Some(_))));
        let dir = self.model.dirs.get_mut(self.dir).filter(|_| is_end);
        let Some((folder, under_test)) = dir.and_then(|dir| dir.later.pop_front()) else { return false };
        let before = self.model.dirs.len();
        self.add_subdirectory(&[folder]);
        if let Some(new) = self.model.dirs.get_mut(before) {
            new.under_test |= under_test;
        }
        true
    }

    pub(super) fn in_excluded_dir(&self) -> bool {
        self.model.dirs.get(self.dir).is_some_and(|dir| dir.exclude)
    }

    /// Whether a condition about tests surrounds the command being run, in this file or in one
    /// that led here.
    pub(super) fn under_test(&self) -> bool {
        self.model.dirs.get(self.dir).is_some_and(|dir| dir.under_test)
            || self.frames.iter().any(|frame| about_tests(&frame.program, frame.at.saturating_sub(1)))
    }

    fn language(&mut self, args: &[String]) {
        match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            // Only the project's own: a call of this command by itself would nest on our stack.
            ["CALL", name, ..] if !name.eq_ignore_ascii_case("cmake_language") => {
                let name = name.to_ascii_lowercase();
                self.invoke(&name, &args[2..]);
            }
            ["EVAL", "CODE", ..] => {
                if !self.may_nest() {
                    return;
                }
                let file = self.frames.last().map(|frame| frame.program.file.clone());
                let Some(file) = file else { return };
                let program = self.parse(file, args[2..].concat().as_bytes());
                let mut frame = Frame::file(program, self.variables.depth(), None);
                frame.call = Call::File(None);
                self.frames.push(frame);
            }
            ["GET_MESSAGE_LOG_LEVEL", name] => self.set(name, "STATUS"),
            _ => self.note("this `cmake_language` is not understood".into()),
        }
    }
}

impl Rounds {
    /// The values of the next round.
    fn next(&mut self) -> Option<Vec<String>> {
        match self {
            Rounds::Items(items) => items.next().map(|item| vec![item]),
            Rounds::Range { next, last, step } => {
                let now = *next;
                if (*step > 0 && now > *last) || (*step < 0 && now < *last) {
                    return None;
                }
                // Beyond the largest number nothing is left to count.
                match now.checked_add(*step) {
                    Some(after) => *next = after,
                    None => (*next, *last, *step) = (1, 0, 1),
                }
                Some(vec![now.to_string()])
            }
            Rounds::Zip { lists, at } => {
                let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
                if *at >= longest {
                    return None;
                }
                let values = lists.iter().map(|list| list.get(*at).cloned().unwrap_or_default()).collect();
                *at += 1;
                Some(values)
            }
        }
    }
}

/// Whether an `if` that names tests surrounds the command at `at`.
fn about_tests(program: &Program, at: usize) -> bool {
    let mut at = program.links.get(at).map_or(0, |link| link.parent);
    for _ in 0..DEEPEST_LOOK {
        let Some(start) = at.checked_sub(1) else { break };
        let Some(command) = program.commands.get(start) else { return false };
        let words = || command.args.iter().map(|arg| arg.text.to_ascii_uppercase());
        let tests = words().any(|word| names::about_tests(&word)) && !words().any(|word| word == "NOT");
        if command.name == "if" && tests {
            return true;
        }
        at = program.links.get(start).map_or(0, |link| link.parent);
    }
    false
}
