//! Meson's functions.

use std::rc::Rc;

use crate::described::place;
use crate::path::FilePath;

use super::eval::{Given, Reader, joined, replaced};
use super::value::Value;
use super::{BUILD, TOP, built};

/// Libraries that are part of every system.
const LIBRARIES: [&str; 7] = ["m", "threads", "dl", "rt", "pthread", "c", "util"];

impl Reader<'_> {
    /// What the function `name` gives.
    pub(super) fn call(&mut self, name: &str, given: &Given) -> Value {
        match name {
            "project" => self.project(given),
            "get_option" => self.options.get(&given.text(0)).cloned().unwrap_or(Value::Unknown),
            "files" => {
                let all = given.plain.iter().flat_map(Value::flat).filter_map(|one| self.file(&one));
                Value::list(all.map(Value::File).collect())
            }
            "include_directories" => {
                let names = given.plain.iter().flat_map(Value::flat);
                Value::Folders(Rc::new(names.filter_map(|one| self.file(&one)).collect()))
            }
            "library" | "shared_library" | "static_library" | "both_libraries" | "shared_module"
            | "executable" | "build_target" => self.target(name, given),
            "declare_dependency" => self.declare(given),
            "dependency" => self.dependency(given),
            "custom_target" => self.made(given),
            "generator" => {
                Value::Generator(Rc::new(given.get("output").map(Value::flat_texts).unwrap_or_default()))
            }
            "configure_file" => self.configure_file(given),
            "vcs_tag" => self.vcs_tag(given),
            "configuration_data" => {
                let all = match given.plain.first() {
                    Some(Value::Dict(all)) => (**all).clone(),
                    _ => Default::default(),
                };
                self.paid(all.len() * 64);
                self.configs.push(all);
                Value::Config(self.configs.len() - 1)
            }
            "add_project_arguments" | "add_global_arguments" => {
                let more: Vec<String> = given.plain.iter().flat_map(Value::flat_texts).collect();
                let languages = given.get("language").map(Value::flat_texts).unwrap_or_default();
                for (language, args) in ["c", "cpp"].iter().zip(&mut self.args) {
                    if languages.is_empty() || languages.iter().any(|one| one == language) {
                        args.extend(more.iter().cloned());
                    }
                }
                self.paid(more.iter().map(|text| text.len() * 2).sum());
                Value::Unknown
            }
            "add_project_link_arguments" | "add_global_link_arguments" => {
                self.link_args.extend(given.plain.iter().flat_map(Value::flat_texts));
                Value::Unknown
            }
            "subdir" => {
                let is_wanted = given
                    .flat("if_found")
                    .iter()
                    .all(|one| !matches!(one, Value::Dependency(one) if !one.found));
                if let Some(dir) = place(&self.dir, given.text(0).as_bytes()).filter(|_| is_wanted) {
                    self.folder(&dir);
                }
                Value::Unknown
            }
            "import" => Value::Object(format!("module {}", given.text(0)).into()),
            // Who builds the project has the programs for it.
            "find_program" => Value::Program(true),
            "add_languages" => Value::Bool(true),
            "environment" => Value::Object("environment".into()),
            "run_command" => Value::Object("command".into()),
            "subproject" => Value::Object("subproject".into()),
            "join_paths" => {
                let parts: Vec<String> =
                    given.plain.iter().flat_map(Value::flat).map(|one| one.shown()).collect();
                joined(&parts)
            }
            "range" => {
                let number = |at| if let Value::Number(number) = given.at(at) { number } else { 0 };
                let (from, to) = if given.plain.len() > 1 { (number(0), number(1)) } else { (0, number(0)) };
                let step = usize::try_from(number(2)).unwrap_or(1).max(1);
                Value::list((from..to).step_by(step).take(10_000).map(Value::Number).collect())
            }
            "is_variable" => Value::Bool(self.variables.contains_key(&given.text(0))),
            "set_variable" => {
                self.variables.insert(given.text(0), given.at(1));
                Value::Unknown
            }
            "unset_variable" => {
                self.variables.remove(&given.text(0));
                Value::Unknown
            }
            "get_variable" => self.variables.get(&given.text(0)).cloned().unwrap_or_else(|| given.at(1)),
            _ => Value::Unknown,
        }
    }

    fn project(&mut self, given: &Given) -> Value {
        self.name = given.text(0);
        self.version = match given.get("version") {
            Some(Value::Text(text)) => text.to_string(),
            Some(other) => other.flat().first().and_then(|file| self.first_line(file)).unwrap_or_default(),
            None => "undefined".to_owned(),
        };
        self.read_options(given);
        Value::Unknown
    }

    fn first_line(&self, file: &Value) -> Option<String> {
        let text = self.files.read(&self.file(file)?)?;
        Some(String::from_utf8_lossy(&text).lines().next()?.trim().to_owned())
    }

    /// The file or folder that a value stands for, from the folder that is read.
    pub(super) fn file(&self, value: &Value) -> Option<FilePath> {
        match value {
            Value::File(path) => Some(path.clone()),
            Value::Text(text) => self.path(text),
            _ => None,
        }
    }

    /// The same of a name.
    pub(super) fn path(&self, text: &str) -> Option<FilePath> {
        if let Some(rest) = text.strip_prefix(TOP) {
            return place(&FilePath::root(), rest.trim_start_matches('/').as_bytes());
        }
        if let Some(rest) = text.strip_prefix(BUILD) {
            return place(&built(&FilePath::root()), rest.trim_start_matches('/').as_bytes());
        }
        place(&self.dir, text.as_bytes())
    }

    /// Something of others: there where every system has it, or where nothing goes without it.
    fn dependency(&mut self, given: &Given) -> Value {
        let is_here = given.plain.iter().filter_map(Value::as_text).any(|name| LIBRARIES.contains(&name));
        Value::found(is_here || given.get("required").is_none_or(Value::is_required))
    }

    /// The same, by its library.
    pub(super) fn library_of(&self, given: &Given) -> Value {
        let is_here = LIBRARIES.contains(&given.text(0).as_str());
        Value::found(is_here || given.get("required").is_none_or(Value::is_required))
    }

    /// What a program makes.
    fn made(&mut self, given: &Given) -> Value {
        let inputs = given.flat("input");
        let input = inputs.first().and_then(|one| self.file(one));
        let names = given.get("output").map(Value::flat_texts).unwrap_or_default();
        let names = names.iter().map(|name| named_after(name, input.as_ref()));
        let paths = names.filter_map(|name| place(&self.dir, name.as_bytes()));
        Value::Made(Rc::new(paths.collect()))
    }
}

/// A name with what it is made of put in.
pub(super) fn named_after(name: &str, input: Option<&FilePath>) -> String {
    replaced(name, &|word| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match word {
            "BASENAME" => Some(text(input?.stem())),
            "PLAINNAME" => Some(text(input?.file_name())),
            _ => None,
        }
    })
}
