//! Follows a description: statements, expressions, what is known while it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::described::{Described, Files};
use crate::generate::Check;
use crate::path::FilePath;

use super::parse::{Args, Expr, Statement, parse};
use super::value::Value;

/// All statements and expressions that are followed.
const MOST_STEPS: usize = 2_000_000;
/// All text and all lists that are made.
const MOST_ROOM: usize = 64 << 20;
/// No text is made longer at once.
const LONGEST: usize = 4 << 20;
/// Folders within folders.
const DEEPEST: usize = 16;

/// How it goes on after a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    /// The file ends here.
    Done,
    /// Something is needed that is not there; what it is needed for is left out.
    Failed,
}

/// What a function was given, worked out.
#[derive(Default)]
pub(super) struct Given {
    pub plain: Vec<Value>,
    pub named: BTreeMap<String, Value>,
}

impl Given {
    /// The value at `at` of those without a name.
    pub fn at(&self, at: usize) -> Value {
        self.plain.get(at).cloned().unwrap_or(Value::Unknown)
    }

    /// Its text.
    pub fn text(&self, at: usize) -> String {
        self.plain.get(at).and_then(Value::as_text).unwrap_or_default().to_owned()
    }

    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// All values of the name that are no lists.
    pub fn flat(&self, name: &str) -> Vec<Value> {
        self.get(name).map(Value::flat).unwrap_or_default()
    }
}

/// What is known while a description is read.
pub(super) struct Reader<'f> {
    pub files: &'f dyn Files,
    /// The folder of the description, and of the part that is read.
    pub top: FilePath,
    pub dir: FilePath,
    pub variables: BTreeMap<String, Value>,
    pub options: BTreeMap<String, Value>,
    pub name: String,
    pub version: String,
    /// Flags for all sources of C, and of C++, and for the linker.
    pub args: [Vec<String>; 2],
    pub link_args: Vec<String>,
    pub configs: Vec<BTreeMap<String, Value>>,
    pub described: Described,
    /// Folders that were read.
    seen: BTreeSet<FilePath>,
    /// The question on whose answer what is read now depends.
    pub asked: Option<Rc<Check>>,
    /// How many conditions around ask for an option.
    optional: usize,
    steps: usize,
    room: usize,
    depth: usize,
}

impl<'f> Reader<'f> {
    pub fn new(files: &'f dyn Files, dir: &FilePath) -> Reader<'f> {
        let objects = ["meson", "host_machine", "build_machine", "target_machine"];
        Reader {
            files,
            top: dir.clone(),
            dir: dir.clone(),
            variables: objects
                .iter()
                .map(|name| ((*name).to_owned(), Value::Object((*name).into())))
                .collect(),
            options: BTreeMap::new(),
            name: String::new(),
            version: String::new(),
            args: Default::default(),
            link_args: Vec::new(),
            configs: Vec::new(),
            described: Described::default(),
            seen: BTreeSet::new(),
            asked: None,
            optional: 0,
            steps: MOST_STEPS,
            room: MOST_ROOM,
            depth: 0,
        }
    }

    /// Reads the `meson.build` in `dir`.
    pub fn folder(&mut self, dir: &FilePath) -> bool {
        if self.depth > DEEPEST || !self.seen.insert(dir.clone()) {
            return false;
        }
        let Some(text) = self.files.read(&dir.join("meson.build")) else { return false };
        let before = std::mem::replace(&mut self.dir, dir.clone());
        self.depth += 1;
        let statements = parse(&String::from_utf8_lossy(&text));
        self.block(&statements);
        self.depth -= 1;
        self.dir = before;
        true
    }

    /// `text`, while there is room for it.
    pub fn paid(&mut self, size: usize) -> bool {
        let left = self.room.checked_sub(size);
        self.room = left.unwrap_or(0);
        left.is_some()
    }

    fn block(&mut self, statements: &[Statement]) -> Flow {
        for statement in statements {
            if self.steps == 0 || self.room == 0 {
                return Flow::Done;
            }
            self.steps -= 1;
            let flow = self.statement(statement);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        match statement {
            Statement::Expr(Expr::Call(name, _)) if name == "subdir_done" => Flow::Done,
            // Under an option, what it needs and is not there leaves it off.
            Statement::Expr(Expr::Call(name, _)) if name == "error" && self.optional > 0 => Flow::Failed,
            Statement::Expr(expr) => {
                self.value(expr);
                Flow::Next
            }
            Statement::Assign(name, adds, expr) => {
                let value = self.value(expr);
                let value = match adds {
                    true => {
                        let before = self.variables.get(name).cloned().unwrap_or(Value::Unknown);
                        self.sum(before, value)
                    }
                    false => value,
                };
                self.variables.insert(name.clone(), value);
                Flow::Next
            }
            Statement::If(all, otherwise) => self.conditions(all, otherwise),
            Statement::Foreach(names, over, body) => self.each(names, over, body),
            Statement::Break => Flow::Break,
            Statement::Continue => Flow::Continue,
        }
    }

    fn conditions(&mut self, all: &[(Expr, Vec<Statement>)], otherwise: &[Statement]) -> Flow {
        for (condition, body) in all {
            let value = self.value(condition);
            // What only sets macros is done in any case: the header asks itself.
            if let Value::Check { check, .. } = &value
                && self.asked.is_none()
                && body.iter().all(only_sets)
            {
                self.asked = Some(check.clone());
                let flow = self.block(body);
                self.asked = None;
                if value.holds() {
                    return flow;
                }
                continue;
            }
            if value.holds() {
                let is_optional = asks_for_option(condition);
                self.optional += usize::from(is_optional);
                let flow = self.block(body);
                self.optional -= usize::from(is_optional);
                return if flow == Flow::Failed && is_optional { Flow::Next } else { flow };
            }
        }
        self.block(otherwise)
    }

    fn each(&mut self, names: &[String], over: &Expr, body: &[Statement]) -> Flow {
        let items: Vec<Vec<Value>> = match self.value(over) {
            Value::List(all) => all.iter().map(|one| vec![one.clone()]).collect(),
            Value::Dict(all) => all.iter().map(|(key, one)| vec![Value::text(key), one.clone()]).collect(),
            _ => return Flow::Next,
        };
        for item in items {
            if self.steps == 0 {
                return Flow::Done;
            }
            self.steps -= 1;
            for (name, value) in names.iter().zip(item) {
                self.variables.insert(name.clone(), value);
            }
            match self.block(body) {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                flow => return flow,
            }
        }
        Flow::Next
    }

    /// What `expr` is.
    pub fn value(&mut self, expr: &Expr) -> Value {
        if self.steps == 0 {
            return Value::Unknown;
        }
        self.steps -= 1;
        match expr {
            Expr::Text(text, false) => self.made_text(text.clone()),
            Expr::Text(text, true) => {
                let text = self.with_names(text);
                self.made_text(text)
            }
            Expr::Number(number) => Value::Number(*number),
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Name(name) => self.variables.get(name).cloned().unwrap_or(Value::Unknown),
            Expr::List(all) => {
                let all: Vec<Value> = all.iter().map(|one| self.value(one)).collect();
                self.measured(Value::list(all))
            }
            Expr::Dict(all) => {
                let pairs = all.iter().map(|(key, one)| (self.value(key).shown(), self.value(one)));
                let all = Value::Dict(Rc::new(pairs.collect()));
                self.measured(all)
            }
            Expr::Call(name, args) => {
                let given = self.given(args);
                self.call(name, &given)
            }
            Expr::Method(object, name, args) => {
                let object = self.value(object);
                let given = self.given(args);
                self.method(&object, name, &given)
            }
            Expr::Index(object, index) => {
                let (object, index) = (self.value(object), self.value(index));
                indexed(&object, &index)
            }
            Expr::Not(inner) => match self.value(inner) {
                Value::Unknown => Value::Unknown,
                value => Value::Bool(!value.holds()),
            },
            Expr::Minus(inner) => match self.value(inner) {
                Value::Number(number) => Value::Number(number.wrapping_neg()),
                _ => Value::Unknown,
            },
            Expr::Choice(parts) => {
                let (condition, yes, no) = &**parts;
                if self.value(condition).holds() { self.value(yes) } else { self.value(no) }
            }
            Expr::Binary(sign, left, right) => self.binary(sign, left, right),
        }
    }

    fn binary(&mut self, sign: &str, left: &Expr, right: &Expr) -> Value {
        let left = self.value(left);
        match sign {
            "and" if !left.holds() => return Value::Bool(false),
            "or" if left.holds() => return left,
            _ => {}
        }
        let right = self.value(right);
        match sign {
            // A question stays one where nothing else is asked.
            "and" if left == Value::Bool(true) => right,
            "and" => Value::Bool(right.holds()),
            "or" if matches!(left, Value::Bool(false) | Value::Unknown) => right,
            "or" => Value::Bool(right.holds()),
            "+" => self.sum(left, right),
            "/" => match (&left, &right) {
                (Value::Number(a), Value::Number(b)) => {
                    a.checked_div(*b).map_or(Value::Unknown, Value::Number)
                }
                _ => joined(&[left.shown(), right.shown()]),
            },
            "==" => Value::Bool(left == right || same_text(&left, &right)),
            "!=" => Value::Bool(left != Value::Unknown && left != right && !same_text(&left, &right)),
            "in" => Value::Bool(contains(&right, &left)),
            _ => match (left, right) {
                (Value::Number(a), Value::Number(b)) => number(sign, a, b),
                (Value::Text(a), Value::Text(b)) => match sign {
                    "<" => Value::Bool(a < b),
                    "<=" => Value::Bool(a <= b),
                    ">" => Value::Bool(a > b),
                    ">=" => Value::Bool(a >= b),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
        }
    }

    /// `left + right`
    fn sum(&mut self, left: Value, right: Value) -> Value {
        match (left, right) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.wrapping_add(b)),
            (Value::Text(a), Value::Text(b)) => self.made_text(format!("{a}{b}")),
            (Value::Dict(mut a), Value::Dict(b)) => {
                Rc::make_mut(&mut a).extend(b.iter().map(|(key, value)| (key.clone(), value.clone())));
                Value::Dict(a)
            }
            (Value::List(mut all), more) => {
                let more: Vec<Value> = match more {
                    Value::List(more) => more.to_vec(),
                    Value::Unknown => Vec::new(),
                    other => vec![other],
                };
                Rc::make_mut(&mut all).extend(more);
                self.measured(Value::List(all))
            }
            (Value::Unknown, more @ Value::List(_)) => more,
            _ => Value::Unknown,
        }
    }

    /// A value with others in it, if there is room for it.
    fn measured(&mut self, value: Value) -> Value {
        let size = value.size().filter(|size| self.paid(size * 8));
        if size.is_some() { value } else { Value::Unknown }
    }

    /// A text, if there is room for it.
    pub fn made_text(&mut self, text: String) -> Value {
        if self.paid(text.len() + 16) { Value::text(text) } else { Value::Unknown }
    }

    /// `text` with variables put in for `@name@`.
    fn with_names(&self, text: &str) -> String {
        replaced(text, &|name| Some(self.variables.get(name)?.shown()))
    }

    fn given(&mut self, args: &Args) -> Given {
        let plain = args.plain.iter().map(|one| self.value(one)).collect();
        let mut given = Given { plain, named: BTreeMap::new() };
        for (name, expr) in &args.named {
            match (name.as_str(), self.value(expr)) {
                ("kwargs", Value::Dict(all)) => {
                    given.named.extend(all.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                (_, value) => drop(given.named.insert(name.clone(), value)),
            }
        }
        given
    }
}

/// Whether a statement only says what macros are.
fn only_sets(statement: &Statement) -> bool {
    let Statement::Expr(Expr::Method(object, name, _)) = statement else { return false };
    matches!(**object, Expr::Name(_)) && matches!(name.as_str(), "set" | "set10" | "set_quoted")
}

/// Whether a condition asks what the user has chosen.
fn asks_for_option(expr: &Expr) -> bool {
    match expr {
        Expr::Call(name, args) => name == "get_option" || args.plain.iter().any(asks_for_option),
        Expr::Method(object, _, args) => asks_for_option(object) || args.plain.iter().any(asks_for_option),
        Expr::Not(inner) | Expr::Minus(inner) => asks_for_option(inner),
        Expr::Binary(_, left, right) | Expr::Index(left, right) => {
            asks_for_option(left) || asks_for_option(right)
        }
        // Options are often kept in variables first.
        Expr::Name(name) => ["enable", "opt", "with_", "build_"].iter().any(|word| name.contains(word)),
        _ => false,
    }
}

fn indexed(object: &Value, index: &Value) -> Value {
    match (object, index) {
        (Value::List(all), Value::Number(at)) => {
            let at = if *at < 0 { at.wrapping_add(all.len() as i64) } else { *at };
            usize::try_from(at).ok().and_then(|at| all.get(at).cloned()).unwrap_or(Value::Unknown)
        }
        (Value::Dict(all), Value::Text(key)) => all.get(&**key).cloned().unwrap_or(Value::Unknown),
        (Value::Text(text), Value::Number(at)) => {
            let one = usize::try_from(*at).ok().and_then(|at| text.chars().nth(at));
            one.map_or(Value::Unknown, |c| Value::text(c.to_string()))
        }
        (Value::Made(all), Value::Number(at)) => {
            let one = usize::try_from(*at).ok().and_then(|at| all.get(at).cloned());
            one.map_or(Value::Unknown, |path| Value::Made(Rc::new(vec![path])))
        }
        _ => Value::Unknown,
    }
}

fn same_text(a: &Value, b: &Value) -> bool {
    a.as_text().is_some() && a.as_text() == b.as_text()
}

/// Whether `all` holds `one`.
pub(super) fn contains(all: &Value, one: &Value) -> bool {
    match all {
        Value::List(all) => all.iter().any(|other| other == one || same_text(other, one)),
        Value::Dict(all) => one.as_text().is_some_and(|key| all.contains_key(key)),
        Value::Text(text) => one.as_text().is_some_and(|part| text.contains(part)),
        _ => false,
    }
}

fn number(sign: &str, a: i64, b: i64) -> Value {
    match sign {
        "-" => Value::Number(a.wrapping_sub(b)),
        "*" => Value::Number(a.wrapping_mul(b)),
        "%" => a.checked_rem(b).map_or(Value::Unknown, Value::Number),
        "<" => Value::Bool(a < b),
        "<=" => Value::Bool(a <= b),
        ">" => Value::Bool(a > b),
        ">=" => Value::Bool(a >= b),
        _ => Value::Unknown,
    }
}

/// A path of parts, of which an absolute one begins anew.
pub(super) fn joined(parts: &[String]) -> Value {
    let mut out = String::new();
    for part in parts {
        if part.starts_with('/') {
            out.clear();
        }
        if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out += part;
    }
    Value::text(out)
}

/// `text` with what `value` gives put in for `@name@`.
pub(super) fn replaced(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        // Each of many names may stand for much.
        if out.len() > LONGEST {
            return out;
        }
        out += before;
        let name = after
            .split_once('@')
            .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        match name.and_then(|(name, more)| Some((value(name)?, more))) {
            Some((text, more)) => {
                out += &text;
                rest = more;
            }
            None => {
                out.push('@');
                rest = after;
            }
        }
    }
    out + rest
}
