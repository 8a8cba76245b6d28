//! Values of Meson's language.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::generate::Check;
use crate::path::FilePath;

/// More values than this are in none, nor are they nested deeper.
const MOST: usize = 100_000;
const DEEPEST: usize = 30;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing that is known.
    Unknown,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(i64),
    /// A text.
    Text(Rc<str>),
    /// `[…]`
    List(Rc<Vec<Value>>),
    /// `{…}`
    Dict(Rc<BTreeMap<String, Value>>),
    /// A file of the project.
    File(FilePath),
    /// Files that are made by a program.
    Made(Rc<Vec<FilePath>>),
    /// How a program makes a file of each file: the names, with `@BASENAME@`.
    Generator(Rc<Vec<String>>),
    /// Folders to search.
    Folders(Rc<Vec<FilePath>>),
    /// What a target needs to use something.
    Dependency(Rc<Dependency>),
    /// A library or program, by its name among the targets.
    Target(Rc<str>),
    /// A set of macros, by its number.
    Config(usize),
    /// An answer of the system: what was asked, what is likely, and whether 0 and 1 are meant.
    Check {
        /// The question.
        check: Rc<Check>,
        /// Whether it holds on most machines of the kind.
        holds: bool,
        /// Whether it is a number.
        is_number: bool,
    },
    /// An option that is `enabled`, `disabled` or `auto`.
    Feature(Rc<str>),
    /// A program, and whether it is there.
    Program(bool),
    /// One of what is always there: `meson`, `host_machine`, a compiler, a module.
    Object(Rc<str>),
}

/// What a target needs to use something.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dependency {
    /// Whether it is there.
    pub found: bool,
    /// Folders to search.
    pub folders: Vec<FilePath>,
    /// Flags for the compiler.
    pub args: Vec<String>,
    /// Targets to link with.
    pub links: Vec<String>,
    /// Sources to compile.
    pub sources: Vec<FilePath>,
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Value {
        Value::Text(text.as_ref().into())
    }

    /// A list.
    pub fn list(all: Vec<Value>) -> Value {
        Value::List(Rc::new(all))
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> Value {
        Value::list(all.into_iter().map(Value::text).collect())
    }

    /// Something that is there or not.
    pub fn found(found: bool) -> Value {
        Value::Dependency(Rc::new(Dependency { found, ..Dependency::default() }))
    }

    /// An answer of the system.
    pub fn check(check: Check, holds: bool) -> Value {
        Value::Check { check: Rc::new(check), holds, is_number: false }
    }

    /// Whether a condition of it holds; of what is not known none does.
    pub fn holds(&self) -> bool {
        match self {
            Value::Bool(holds) | Value::Check { holds, .. } => *holds,
            _ => false,
        }
    }

    /// Its text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Feature(text) => Some(text),
            _ => None,
        }
    }

    /// Whether something with this as `required` must be there; what is only looked for counts as
    /// absent.
    pub fn is_required(&self) -> bool {
        match self {
            Value::Feature(state) => &**state == "enabled",
            Value::Unknown => true,
            other => other.holds(),
        }
    }

    /// What it looks like in a text.
    pub fn shown(&self) -> String {
        match self {
            Value::Text(text) | Value::Feature(text) => text.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Check { holds, is_number: true, .. } => i64::from(*holds).to_string(),
            Value::Check { holds, .. } => holds.to_string(),
            Value::File(path) => format!("{}/{path}", super::TOP),
            _ => String::new(),
        }
    }

    /// How many values are in it; `None` when there are more than any project needs, or they are
    /// nested deeper.
    pub fn size(&self) -> Option<usize> {
        let mut todo = vec![(self, 0)];
        let mut size = 0;
        while let Some((value, depth)) = todo.pop() {
            size += 1;
            if size > MOST || depth > DEEPEST {
                return None;
            }
            match value {
                Value::List(all) => todo.extend(all.iter().map(|one| (one, depth + 1))),
                Value::Dict(all) => todo.extend(all.values().map(|one| (one, depth + 1))),
                _ => {}
            }
        }
        Some(size)
    }

    /// All values in it that are no lists.
    pub fn flat(&self) -> Vec<Value> {
        let mut out = Vec::new();
        let mut todo = vec![self.clone()];
        while let Some(value) = todo.pop() {
            match value {
                Value::List(all) => todo.extend(all.iter().rev().cloned()),
                other => out.push(other),
            }
        }
        out
    }

    /// All texts in it.
    pub fn flat_texts(&self) -> Vec<String> {
        self.flat().iter().filter_map(|value| Some(value.as_text()?.to_owned())).collect()
    }
}

/// Whether version `a` stands to what `wanted` says, as in `>=1.2`.
pub fn compare_versions(a: &str, wanted: &str) -> bool {
    let wanted = wanted.trim();
    let signs = [">=", "<=", "==", "!=", ">", "<", "="];
    let sign = signs.iter().find(|sign| wanted.starts_with(**sign)).copied().unwrap_or_default();
    let b = wanted.get(sign.len()..).unwrap_or_default().trim();
    let parts = |text: &str| {
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        // A number stands above a word.
        parts.map(|part| (part.parse::<u64>().ok(), part.to_owned())).collect::<Vec<_>>()
    };
    let order = parts(a).cmp(&parts(b));
    match sign {
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        "!=" => order.is_ne(),
        _ => order.is_eq(),
    }
}
