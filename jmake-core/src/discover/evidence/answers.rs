//! What a build description asks about the system, and the answers.
//!
//! A description is read several times: what it asks the first time is put to the compiler, all at
//! once, and the next reading knows the answers.  What depends on these may ask for more; three
//! rounds are enough for what is found in practice, and what is open after them stays unknown.
//! Where no compiler is at hand, what every system of this kind has is known all the same.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

#[cfg(doc)]
use crate::cmake::VIRTUAL_ROOT;
use crate::cmake::{Ask, Question};
use crate::path::FilePath;
use crate::standard::{is_standard, other_system};

/// How often a description is read at most.
pub(super) const READINGS: usize = 4;

/// Whom questions about the system are put to.
pub trait System: Sync {
    /// Which of `names` the headers of the system declare or define; `None` where nobody knows.
    fn declares(&self, names: &[String]) -> Option<Vec<bool>>;

    /// Whether the system has the header; `None` where nobody knows.
    fn has_header(&self, name: &str) -> Option<bool>;

    /// Whether the compiler takes a program; `None` where nobody knows.
    fn compiles(&self, program: &Program) -> Option<bool>;
}

/// Nobody.
pub struct Nobody;

impl System for Nobody {
    fn declares(&self, _: &[String]) -> Option<Vec<bool>> {
        None
    }

    fn has_header(&self, _: &str) -> Option<bool> {
        None
    }

    fn compiles(&self, _: &Program) -> Option<bool> {
        None
    }
}

/// A program that the compiler is to try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Whether it is C++; C otherwise.
    pub cxx: bool,
    /// Flags that only say how it is meant; none of them names a file.
    pub flags: Vec<String>,
    /// Folders of the project to search for headers.
    pub include_dirs: Vec<FilePath>,
    /// Its text, in which [`VIRTUAL_ROOT`] stands for the root of the project.
    pub text: String,
}

/// The answers so far.
pub(super) struct Answers<'a> {
    system: &'a dyn System,
    known: RefCell<HashMap<Question, Option<bool>>>,
    open: RefCell<Vec<Question>>,
}

impl<'a> Answers<'a> {
    pub fn new(system: &'a dyn System) -> Answers<'a> {
        Answers { system, known: RefCell::default(), open: RefCell::default() }
    }

    /// The answer to `question`, if it is known by now.
    pub fn of(&self, question: &Question) -> Option<bool> {
        if let Some(known) = self.known.borrow().get(question) {
            return known.or_else(|| usual(question));
        }
        let known = known_everywhere(question).or_else(|| has_headers(self.system, question));
        if known.is_none() {
            self.open.borrow_mut().push(question.clone());
        }
        known.or_else(|| usual(question))
    }

    /// Finds the answers to what was asked in vain; tells whether there are any.
    pub fn find(&self) -> bool {
        let mut seen = HashSet::new();
        let open: Vec<Question> =
            self.open.take().into_iter().filter(|question| seen.insert(question.clone())).collect();
        let names = open.iter().filter_map(|question| name_of(question).cloned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        let declared = if names.is_empty() { None } else { self.system.declares(&names) };
        let declared = declared.map(|answers| names.into_iter().zip(answers).collect::<HashMap<_, _>>());
        let by_name = |question: &Question| declared.as_ref()?.get(name_of(question)?).copied();
        let system = self.system;
        let tried: Vec<Option<bool>> = open
            .par_iter()
            .map(|question| by_name(question).or_else(|| system.compiles(&program(question)?)))
            .collect();
        let any = tried.iter().any(Option::is_some);
        self.known.borrow_mut().extend(open.into_iter().zip(tried));
        any
    }
}

/// Whether the headers are there costs only a look.
fn has_headers(system: &dyn System, question: &Question) -> Option<bool> {
    let Ask::Header(names) = &question.ask else { return None };
    let has: Option<Vec<bool>> = names.iter().map(|name| system.has_header(name)).collect();
    has.map(|has| has.iter().all(|&has| has))
}

/// What is asked for by name alone: whether the system declares it.
fn name_of(question: &Question) -> Option<&String> {
    match &question.ask {
        Ask::Function(name) | Ask::Variable(name) => Some(name),
        Ask::Symbol { name, headers } if headers.iter().all(|header| is_of_system(header)) => Some(name),
        _ => None,
    }
}

/// What is tried to answer the question.  Nothing is run: what compiles is taken to work.
fn program(question: &Question) -> Option<Program> {
    let mut flags: Vec<String> = question.flags.iter().filter(|flag| is_harmless(flag)).cloned().collect();
    let text = match &question.ask {
        Ask::Compiles { source, .. } => source.clone(),
        Ask::Symbol { name, headers } => {
            format!(
                "{}int main(void) {{\n#ifndef {name}\n(void)({name});\n#endif\nreturn 0; }}\n",
                includes(headers)
            )
        }
        Ask::StructMember { structure, member, headers } => format!(
            "{}int main(void) {{ return (int)sizeof(((({structure}*)0)->{member})); }}\n",
            includes(headers)
        ),
        Ask::TypeSize { name, headers } => format!(
            "#include <sys/types.h>\n#include <stdint.h>\n#include <stddef.h>\n{}int main(void) {{ return (int)sizeof({name}); }}\n",
            includes(headers)
        ),
        Ask::CompilerFlag(flag) if is_harmless(flag) => {
            flags.push(flag.clone());
            flags.push("-Werror".to_owned());
            "int main(void) { return 0; }\n".to_owned()
        }
        _ => return None,
    };
    Some(Program { cxx: question.cxx, flags, include_dirs: question.include_dirs.clone(), text })
}

fn includes(headers: &[String]) -> String {
    headers.iter().map(|header| format!("#include <{header}>\n")).collect()
}

/// Whether a flag says only how a text is meant: it names no file, loads nothing and writes nothing.
fn is_harmless(flag: &str) -> bool {
    let is_word = flag.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+.,".contains(&b));
    let passes_on = ["-Wl,", "-Wp,", "-Wa,", "-mllvm", "-mlink"].iter().any(|start| flag.starts_with(start));
    let plain = ["-D", "-U", "-std=", "-W", "-m", "-pedantic", "-pthread", "-fvisibility", "-fno-"];
    let language = ["-fPIC", "-fpic", "-fopenmp-simd", "-fstrict-aliasing", "-fwrapv", "-ffast-math"];
    is_word && !passes_on && (plain.iter().any(|start| flag.starts_with(start)) || language.contains(&flag))
}

fn is_of_system(header: &str) -> bool {
    is_standard(header.as_bytes()) && other_system(header.as_bytes()).is_none()
}

/// What has the same answer on every system of this kind, so that nobody need be asked.
fn known_everywhere(question: &Question) -> Option<bool> {
    match &question.ask {
        // Whether libraries of others are installed must not matter.
        Ask::Header(names) if !names.iter().all(|name| is_of_system(name)) => Some(false),
        Ask::CompilerFlag(flag) if !flag.starts_with("-m") => {
            Some(flag.starts_with("-f") || flag.starts_with("-W") || flag.starts_with("-std="))
        }
        Ask::TypeSize { headers, .. } if headers.is_empty() => Some(true),
        Ask::Library { name, .. } => Some(["m", "pthread", "dl", "rt", "c"].contains(&&**name)),
        Ask::FindLibrary(names) => {
            Some(names.iter().any(|name| ["m", "pthread", "dl", "rt"].contains(&&**name)))
        }
        Ask::Package(name) => Some(name == "Threads"),
        _ => None,
    }
}

/// What is likely where nobody can be asked.
fn usual(question: &Question) -> Option<bool> {
    matches!(question.ask, Ask::Header(_) | Ask::TypeSize { .. }).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_without_consequences_are_tried() {
        for flag in ["-DX=1", "-mavx2", "-std=c11", "-Wall", "-D_GNU_SOURCE", "-fvisibility=hidden"] {
            assert!(is_harmless(flag), "{flag}");
        }
        for flag in [
            "-fplugin=x.so",
            "@file",
            "-Xclang",
            "-load",
            "-o/x",
            "-Wl,-x",
            "-mllvm",
            "-include",
            "-DX=$(x)",
            "-fpass-plugin=x",
            "-I/x",
            "x.c",
        ] {
            assert!(!is_harmless(flag), "{flag}");
        }
    }
}
