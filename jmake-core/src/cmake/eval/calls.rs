//! Calls of functions and macros, includes and folders: what is on the stack.

use super::{DEEPEST, Reader, Routine};
use crate::cmake::lang::program::Program;
use crate::cmake::text::list;
use std::rc::Rc;

/// Arguments that have variables of their own, as in `ARGV7`.
pub(super) const MOST_NUMBERED: usize = 1000;

/// The arguments of a macro, which are put into its text before anything else.
pub(super) struct Arguments {
    parameters: Vec<String>,
    given: Vec<String>,
}

impl Arguments {
    /// What stands for `${name}` in the text of the macro.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        if let Some(at) = self.parameters.iter().position(|parameter| parameter == name) {
            return Some(self.given.get(at).cloned().unwrap_or_default());
        }
        match name {
            "ARGC" => Some(self.given.len().to_string()),
            "ARGV" => Some(list::join(&self.given)),
            "ARGN" => Some(list::join(self.given.get(self.parameters.len()..).unwrap_or(&[]))),
            _ => {
                let at: usize = name.strip_prefix("ARGV")?.parse().ok()?;
                Some(self.given.get(at).cloned().unwrap_or_default())
            }
        }
    }
}

/// Why commands are being run.
pub(super) enum Call {
    /// A file; with the folder to go back to when it is the description of a folder.
    File(Option<usize>),
    Function,
    Macro(Arguments),
}

/// A block that is more than a jump.
pub(super) struct Block {
    /// The command that opens it.
    pub start: usize,
    /// The command that ends it.
    pub end: usize,
    pub state: BlockState,
}

/// What a block still has to do.
pub(super) enum BlockState {
    /// `while`: asks its condition again.
    While,
    /// `foreach`: the variables with the value they had, and the rounds to come.
    Each { variables: Vec<(String, Option<String>)>, rounds: Rounds },
    /// `block`: names whose values go to the outer scope.
    Scope { depth: usize, propagate: Vec<String> },
}

/// The rounds of a `foreach`.
pub(super) enum Rounds {
    Items(std::vec::IntoIter<String>),
    Range { next: i64, last: i64, step: i64 },
    Zip { lists: Vec<Vec<String>>, at: usize },
}

/// One level of the stack.
pub(super) struct Frame {
    pub program: Rc<Program>,
    /// The command to run next.
    pub at: usize,
    /// Where this level ends.
    pub end: usize,
    pub blocks: Vec<Block>,
    pub call: Call,
    /// The routine's name.
    pub name: String,
    /// How many scopes were open before.
    pub scopes: usize,
}

impl Frame {
    /// A whole file.
    pub(super) fn file(program: Rc<Program>, scopes: usize, back_to: Option<usize>) -> Frame {
        let end = program.commands.len();
        Frame {
            program,
            at: 0,
            end,
            blocks: Vec::new(),
            call: Call::File(back_to),
            name: String::new(),
            scopes,
        }
    }
}

impl Reader<'_> {
    /// Calls a routine of the project.
    pub(super) fn call(&mut self, name: &str, routine: &Rc<Routine>, args: &[String]) {
        if !self.may_nest() {
            return;
        }
        let scopes = self.variables.depth();
        let call = if routine.is_macro {
            Call::Macro(Arguments { parameters: routine.parameters.clone(), given: args.to_vec() })
        } else {
            self.variables.push();
            self.set_arguments(routine, args);
            Call::Function
        };
        self.frames.push(Frame {
            program: Rc::clone(&routine.program),
            at: routine.start,
            end: routine.end,
            blocks: Vec::new(),
            call,
            name: name.to_owned(),
            scopes,
        });
    }

    /// Whether one more level may be put on the stack; a note when not.
    pub(super) fn may_nest(&mut self) -> bool {
        if self.frames.len() >= DEEPEST {
            self.note("calls nest too deeply; this one is left out".into());
            return false;
        }
        true
    }

    fn set_arguments(&mut self, routine: &Routine, args: &[String]) {
        for (parameter, value) in routine.parameters.iter().zip(args) {
            self.set(parameter, value);
        }
        self.set("ARGC", args.len().to_string());
        self.set("ARGV", list::join(args));
        self.set("ARGN", list::join(args.get(routine.parameters.len()..).unwrap_or(&[])));
        for (at, value) in args.iter().enumerate().take(MOST_NUMBERED) {
            self.set(&format!("ARGV{at}"), value);
        }
    }

    /// Takes the top level off the stack.
    pub(super) fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if let Call::File(Some(back_to)) = frame.call {
            let flags = ["CMAKE_C_FLAGS", "CMAKE_CXX_FLAGS"].map(|name| self.value(name));
            let link_flags = self.value("CMAKE_SHARED_LINKER_FLAGS");
            if let Some(dir) = self.model.dirs.get_mut(self.dir) {
                dir.flags = flags;
                dir.link_flags = link_flags;
            }
            self.dir = back_to;
        }
        self.variables.truncate(frame.scopes);
    }
}
