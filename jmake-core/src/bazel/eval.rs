//! Follows a `BUILD` file: values, and what its rules are given.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::described::{Files, place};
use crate::path::FilePath;

use super::parse::{Each, Expr, Statement, parse};

/// All that is followed in all files.
const MOST: usize = 1_000_000;
/// No list or text is longer.
const LONGEST: usize = 100_000;
/// How many patterns a `glob` has, and how long they are.
const MOST_PATTERNS: usize = 500;
const LONGEST_PATTERN: usize = 200;
/// Files that load files are not followed deeper, values not nested deeper.
const DEEPEST: usize = 10;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Unknown,
    Text(String),
    Number(i64),
    List(Vec<Value>),
    Dict(Vec<(String, Value)>),
}

impl Value {
    pub fn holds(&self) -> bool {
        match self {
            Value::Unknown => false,
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0,
            Value::List(all) => !all.is_empty(),
            Value::Dict(all) => !all.is_empty(),
        }
    }

    pub fn texts(&self) -> Vec<String> {
        match self {
            Value::Text(text) => vec![text.clone()],
            Value::List(all) => all.iter().filter_map(|one| one.text().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }

    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// How much it holds; `None` when that is more than any project needs, or nested deeper.
    fn size(&self) -> Option<usize> {
        let mut todo = vec![(self, 0)];
        let mut size = 0;
        while let Some((value, depth)) = todo.pop() {
            size += 1;
            if size > LONGEST || depth > DEEPEST {
                return None;
            }
            match value {
                Value::Text(text) => size += text.len() / 8,
                Value::List(all) => todo.extend(all.iter().map(|one| (one, depth + 1))),
                Value::Dict(all) => todo.extend(all.iter().map(|(_, one)| (one, depth + 1))),
                _ => {}
            }
        }
        Some(size)
    }
}

/// A rule and what it is given.
pub(super) struct Rule {
    pub kind: String,
    pub given: BTreeMap<String, Value>,
}

impl Rule {
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.given.get(name).map(Value::texts).unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> String {
        self.given.get(name).and_then(Value::text).unwrap_or_default().to_owned()
    }

    pub fn holds(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(Value::holds)
    }
}

/// What is known while files are read.
pub(super) struct Reader<'f> {
    files: &'f dyn Files,
    top: &'f FilePath,
    left: usize,
}

impl<'f> Reader<'f> {
    pub fn new(files: &'f dyn Files, top: &'f FilePath) -> Reader<'f> {
        Reader { files, top, left: MOST }
    }

    /// The rules of `file`.
    pub fn rules(&mut self, file: &FilePath) -> Vec<Rule> {
        let mut scope = Scope::new(file);
        self.file(file, &mut scope, 0);
        scope.rules
    }

    fn file(&mut self, file: &FilePath, scope: &mut Scope, depth: usize) {
        let Some(text) = self.files.read(file).filter(|_| depth < DEEPEST) else { return };
        for statement in parse(&String::from_utf8_lossy(&text)) {
            match statement {
                Statement::Assign(name, adds, expr) => {
                    let value = self.value(&expr, scope);
                    let value = match adds {
                        true => sum("+", scope.variables.remove(&name).unwrap_or(Value::Unknown), value),
                        false => value,
                    };
                    scope.variables.insert(name, value);
                }
                Statement::Expr(Expr::Call(name, plain, named)) if name == "load" => {
                    self.load(&plain, &named, scope, depth);
                }
                // Rules are often made in a list.
                Statement::Expr(expr) => drop(self.value(&expr, scope)),
            }
        }
    }

    /// What another file defines.
    fn load(&mut self, plain: &[Expr], named: &[(String, Expr)], scope: &mut Scope, depth: usize) {
        let Some(Expr::Text(label)) = plain.first() else { return };
        let Some(file) = label_file(self.top, &scope.dir, label) else { return };
        let mut other = Scope::new(&file);
        self.file(&file, &mut other, depth + 1);
        for one in plain.iter().skip(1) {
            if let Expr::Text(name) = one
                && let Some(value) = other.variables.get(name)
            {
                scope.variables.insert(name.clone(), value.clone());
            }
        }
        for (own, one) in named {
            if let Expr::Text(name) = one
                && let Some(value) = other.variables.get(name)
            {
                scope.variables.insert(own.clone(), value.clone());
            }
        }
    }

    fn value(&mut self, expr: &Expr, scope: &mut Scope) -> Value {
        let Some(left) = self.left.checked_sub(1) else { return Value::Unknown };
        self.left = left;
        let value = match expr {
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Name(name) => scope.variables.get(name).cloned().unwrap_or(Value::Unknown),
            Expr::List(all) => {
                let all: Vec<Value> = all.iter().map(|one| self.value(one, scope)).collect();
                Value::List(all.into_iter().filter(|one| *one != Value::Unknown).collect())
            }
            Expr::Dict(all) => {
                let pairs = all.iter().filter_map(|(key, one)| match self.value(key, scope) {
                    Value::Text(key) => Some((key, self.value(one, scope))),
                    _ => None,
                });
                Value::Dict(pairs.collect())
            }
            Expr::Each(each) => self.each(each, scope),
            Expr::Call(name, plain, named) => self.call(name, plain, named, scope),
            Expr::Method(object, name, args) => {
                let object = self.value(object, scope);
                let args: Vec<Value> = args.iter().map(|one| self.value(one, scope)).collect();
                method(&object, name, &args)
            }
            Expr::Index(object, index) => match (self.value(object, scope), self.value(index, scope)) {
                (Value::List(all), Value::Number(at)) => {
                    usize::try_from(at).ok().and_then(|at| all.get(at).cloned()).unwrap_or(Value::Unknown)
                }
                (Value::Dict(all), Value::Text(key)) => {
                    all.into_iter().find(|(name, _)| *name == key).map_or(Value::Unknown, |(_, value)| value)
                }
                _ => Value::Unknown,
            },
            Expr::Not(inner) => Value::Number(i64::from(!self.value(inner, scope).holds())),
            Expr::Choice(parts) => {
                let (yes, condition, no) = &**parts;
                if self.value(condition, scope).holds() {
                    self.value(yes, scope)
                } else {
                    self.value(no, scope)
                }
            }
            Expr::Binary(sign, left, right) => {
                let left = self.value(left, scope);
                match *sign {
                    "or" if left.holds() => return left,
                    "and" if !left.holds() => return left,
                    _ => {}
                }
                let right = self.value(right, scope);
                sum(sign, left, right)
            }
        };
        // What is copied is paid for.
        let Some(size) = value.size() else {
            self.left = self.left.saturating_sub(LONGEST / 16);
            return Value::Unknown;
        };
        self.left = self.left.saturating_sub(size / 16);
        value
    }

    fn each(&mut self, each: &Each, scope: &mut Scope) -> Value {
        let items: Vec<Value> = match self.value(&each.all, scope) {
            Value::List(all) => all,
            Value::Dict(all) => all.into_iter().map(|(key, _)| Value::Text(key)).collect(),
            _ => return Value::Unknown,
        };
        let mut out = Vec::new();
        for item in items {
            match (&*each.names, item) {
                ([name], item) => drop(scope.variables.insert(name.clone(), item)),
                (names, Value::List(parts)) => {
                    for (name, part) in names.iter().zip(parts) {
                        scope.variables.insert(name.clone(), part);
                    }
                }
                _ => {}
            }
            let is_wanted = each.condition.as_ref().is_none_or(|one| self.value(one, scope).holds());
            if is_wanted && self.left > 0 {
                out.push(self.value(&each.body, scope));
            }
        }
        Value::List(out)
    }

    fn call(&mut self, name: &str, plain: &[Expr], named: &[(String, Expr)], scope: &mut Scope) -> Value {
        let values: Vec<Value> = plain.iter().map(|one| self.value(one, scope)).collect();
        let mut given: BTreeMap<String, Value> = BTreeMap::new();
        for (key, one) in named {
            let value = self.value(one, scope);
            given.insert(key.clone(), value);
        }
        match name {
            "glob" => {
                let wanted = values.first().or(given.get("include")).map(Value::texts).unwrap_or_default();
                let unwanted = given.get("exclude").map(Value::texts).unwrap_or_default();
                self.glob(&scope.dir, &wanted, &unwanted)
            }
            "select" => values.into_iter().next().map_or(Value::Unknown, selected),
            "list" | "tuple" | "sorted" | "depset" | "set" => {
                values.into_iter().next().unwrap_or(Value::List(Vec::new()))
            }
            "str" => values.into_iter().next().unwrap_or(Value::Unknown),
            "dict" => Value::Dict(given.into_iter().collect()),
            "package_name" => Value::Text(scope.dir.to_string()),
            "Label" => values.into_iter().next().unwrap_or(Value::Unknown),
            _ => {
                scope.rules.push(Rule { kind: name.to_owned(), given });
                Value::Unknown
            }
        }
    }

    /// The files of a package that patterns name; folders that are packages themselves do not count.
    fn glob(&mut self, dir: &FilePath, wanted: &[String], unwanted: &[String]) -> Value {
        let (Some(wanted), Some(unwanted)) = (globs(wanted), globs(unwanted)) else { return Value::Unknown };
        let is_package =
            |dir: &FilePath| ["BUILD", "BUILD.bazel"].iter().any(|name| self.files.is_file(&dir.join(name)));
        let mut packages: BTreeMap<FilePath, bool> = BTreeMap::new();
        let mut all = Vec::new();
        let below = self.files.below(dir);
        self.left = self.left.saturating_sub(below.len() / 16 + wanted.len() + unwanted.len());
        for path in below {
            let skip = dir.components().count();
            let rest: Vec<&[u8]> = path.components().skip(skip).collect();
            let Ok(name) = String::from_utf8(rest.join(&b'/')) else { continue };
            if !wanted.is_match(&name) || unwanted.is_match(&name) {
                continue;
            }
            let above = std::iter::successors(path.parent(), FilePath::parent)
                .take_while(|one| one != dir && one.starts_with(dir));
            let mut is_other = false;
            for one in above {
                is_other |= *packages.entry(one.clone()).or_insert_with(|| is_package(&one));
            }
            if !is_other {
                all.push(Value::Text(name));
            }
        }
        Value::List(all)
    }
}

/// What is known in one file.
struct Scope {
    dir: FilePath,
    variables: BTreeMap<String, Value>,
    rules: Vec<Rule>,
}

impl Scope {
    fn new(file: &FilePath) -> Scope {
        let dir = file.parent().unwrap_or_else(FilePath::root);
        Scope { dir, variables: BTreeMap::new(), rules: Vec::new() }
    }
}

/// The file that a label names; `None` when it is somebody else's.
pub(super) fn label_file(top: &FilePath, dir: &FilePath, label: &str) -> Option<FilePath> {
    let label = label.strip_prefix('@').filter(|rest| rest.starts_with("//")).unwrap_or(label);
    if label.starts_with('@') {
        return None;
    }
    match label.strip_prefix("//") {
        Some(rest) => place(top, rest.replacen(':', "/", 1).trim_start_matches('/').as_bytes()),
        None => place(dir, label.trim_start_matches(':').as_bytes()),
    }
}

fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut all = GlobSetBuilder::new();
    for pattern in patterns.iter().filter(|one| one.len() < LONGEST_PATTERN).take(MOST_PATTERNS) {
        all.add(GlobBuilder::new(pattern).literal_separator(true).build().ok()?);
    }
    all.build().ok()
}

/// What a `select` gives here: what is said of this system, else what is said of any.
fn selected(value: Value) -> Value {
    let Value::Dict(all) = value else { return Value::Unknown };
    let system = if cfg!(target_os = "macos") { "macos" } else { "linux" };
    let machines = ["x86_64", "aarch64", "arm64", "ppc", "s390x", "riscv", "mips", "arm", "i386", "k8"];
    let here = std::env::consts::ARCH;
    let fits = |key: &str| {
        let name = key.rsplit([':', '/']).next().unwrap_or(key);
        let is_of_other = machines.iter().any(|machine| name.contains(machine) && !here.contains(machine));
        name.contains(system) && !is_of_other
    };
    let mut default = Value::Unknown;
    for (key, value) in all {
        if key.ends_with("//conditions:default") {
            default = value;
        } else if fits(&key) {
            return value;
        }
    }
    default
}

/// `left sign right`
fn sum(sign: &str, left: Value, right: Value) -> Value {
    let truth = |holds: bool| Value::Number(i64::from(holds));
    match (sign, left, right) {
        ("+", Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            Value::List(a)
        }
        // What is not known of a list is not in it.
        ("+", known @ Value::List(_), Value::Unknown) | ("+", Value::Unknown, known @ Value::List(_)) => {
            known
        }
        ("+", Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
        ("+", Value::Number(a), Value::Number(b)) => Value::Number(a.wrapping_add(b)),
        ("|", Value::Dict(mut a), Value::Dict(b)) => {
            a.extend(b);
            Value::Dict(a)
        }
        ("%", Value::Text(text), value) => formatted(&text, "%s", &value),
        ("==", a, b) => truth(a == b),
        ("!=", a, b) => truth(a != b),
        ("in", Value::Text(a), Value::Text(b)) => truth(b.contains(&a)),
        ("in", a, Value::List(all)) => truth(all.contains(&a)),
        ("in", Value::Text(key), Value::Dict(all)) => truth(all.iter().any(|(name, _)| *name == key)),
        ("or" | "and", _, right) => right,
        _ => Value::Unknown,
    }
}

/// `text` with values put in for `mark`.
fn formatted(text: &str, mark: &str, value: &Value) -> Value {
    let all = match value {
        Value::List(all) => all.clone(),
        one => vec![one.clone()],
    };
    let shown = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let text = all.iter().fold(text.to_owned(), |text, one| text.replacen(mark, &shown(one), 1));
    Value::Text(text)
}

fn method(object: &Value, name: &str, args: &[Value]) -> Value {
    let text = |at: usize| args.get(at).and_then(Value::text).unwrap_or_default();
    match (object, name) {
        (Value::Text(own), "format") => formatted(own, "{}", &Value::List(args.to_vec())),
        (Value::Text(own), "replace") if !text(0).is_empty() && own.len() * (text(1).len() + 1) < LONGEST => {
            Value::Text(own.replace(text(0), text(1)))
        }
        (Value::Text(own), "join") => {
            let parts = args.first().map(Value::texts).unwrap_or_default();
            let is_little = own.len().saturating_mul(parts.len()) < LONGEST * 8;
            if is_little { Value::Text(parts.join(own)) } else { Value::Unknown }
        }
        (Value::Text(own), "split") if !text(0).is_empty() => {
            Value::List(own.split(text(0)).map(|part| Value::Text(part.to_owned())).collect())
        }
        (Value::Text(own), "startswith") => Value::Number(i64::from(own.starts_with(text(0)))),
        (Value::Text(own), "endswith") => Value::Number(i64::from(own.ends_with(text(0)))),
        (Value::Text(own), "lower") => Value::Text(own.to_lowercase()),
        (Value::Text(own), "upper") => Value::Text(own.to_uppercase()),
        (Value::Text(own), "strip") => Value::Text(own.trim().to_owned()),
        (Value::Dict(all), "get") => {
            all.iter().find(|(key, _)| key == text(0)).map_or(Value::Unknown, |(_, value)| value.clone())
        }
        (Value::Dict(all), "keys") => {
            Value::List(all.iter().map(|(key, _)| Value::Text(key.clone())).collect())
        }
        (Value::Dict(all), "values") => Value::List(all.iter().map(|(_, value)| value.clone()).collect()),
        (Value::Dict(all), "items") => {
            let pair =
                |(key, value): &(String, Value)| Value::List(vec![Value::Text(key.clone()), value.clone()]);
            Value::List(all.iter().map(pair).collect())
        }
        _ => Value::Unknown,
    }
}
