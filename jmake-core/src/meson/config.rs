//! Headers that are made: `configuration_data`, `configure_file`, `vcs_tag`.

use crate::described::{header_of_macros, place};
use crate::generate::{Form, Generated, Known, Names, header_of};
use crate::path::FilePath;

use super::built;
use super::eval::{Given, Reader};
use super::functions::named_after;
use super::value::Value;

impl Reader<'_> {
    /// What a set of macros is told.
    pub(super) fn config_method(&mut self, at: usize, name: &str, given: &Given) -> Value {
        let key = given.text(0);
        let value = match (name, given.at(1)) {
            ("set_quoted", value) => Value::text(format!("\"{}\"", value.shown().replace('"', "\\\""))),
            ("set10", Value::Check { check, holds, .. }) => Value::Check { check, holds, is_number: true },
            ("set10", value) => Value::Number(i64::from(value.holds())),
            // It is set under a question's condition.
            ("set", Value::Number(1) | Value::Bool(true)) if self.asked.is_some() => match &self.asked {
                Some(check) => Value::Check { check: check.clone(), holds: true, is_number: false },
                None => Value::Bool(true),
            },
            (_, value) => value,
        };
        let Some(config) = self.configs.get_mut(at) else { return Value::Unknown };
        match name {
            "set" | "set10" | "set_quoted" => {
                config.insert(key, value);
                Value::Unknown
            }
            "has" => Value::Bool(config.contains_key(&key)),
            "get" | "get_unquoted" => {
                let value = config.get(&key).cloned().unwrap_or_else(|| given.at(1));
                match (name, value.as_text()) {
                    ("get_unquoted", Some(text)) => Value::text(text.trim_matches('"')),
                    _ => value,
                }
            }
            "keys" => Value::texts(config.keys()),
            "merge_from" => {
                if let Value::Config(other) = given.at(0) {
                    let more = self.configs.get(other).cloned().unwrap_or_default();
                    self.configs.get_mut(at).into_iter().for_each(|config| config.extend(more.clone()));
                }
                Value::Unknown
            }
            _ => Value::Unknown,
        }
    }

    /// `configure_file`: a file made of a template, or of macros alone.
    pub(super) fn configure_file(&mut self, given: &Given) -> Value {
        let input = given.flat("input").first().and_then(|one| self.file(one));
        let name =
            named_after(given.get("output").and_then(Value::as_text).unwrap_or_default(), input.as_ref());
        let Some(output) = place(&built(&self.dir), name.as_bytes()) else { return Value::Unknown };
        let macros = match given.get("configuration") {
            Some(Value::Config(at)) => self.configs.get(*at).cloned().unwrap_or_default(),
            Some(Value::Dict(all)) => (**all).clone(),
            _ => Default::default(),
        };
        if !self.paid(macros.len() * 64) {
            return Value::Unknown;
        }
        let is_copy = given.get("copy").is_some_and(Value::holds);
        let is_cmake =
            given.get("format").and_then(Value::as_text).is_some_and(|text| text.starts_with("cmake"));
        let is_header = header_of(format!("{name}.in").as_bytes()).is_some();
        let has_text = given.get("configuration").is_some() || is_copy;
        if is_header && has_text {
            let known = macros.iter().map(|(name, value)| (name.clone(), known(value, is_cmake)));
            let names: Names = known.collect();
            let made = match input {
                Some(from) if is_copy => Generated { path: output.clone(), from, form: Form::Copy },
                Some(from) => {
                    let form = Form::Template(self.with_template(&from, names));
                    Generated { path: output.clone(), from, form }
                }
                None => header_of_macros(output.clone(), self.dir.join("meson.build"), names),
            };
            self.described.headers.insert(output.clone(), made);
        }
        Value::File(output)
    }

    /// What is known of the names in a template: one that is not set is not defined.
    fn with_template(&self, from: &FilePath, names: Names) -> Names {
        let text = self.files.read(from).unwrap_or_default();
        let mut all = Names::new();
        for name in crate::cmake::names_in(&text, true) {
            all.insert(name, Known::Value(None));
        }
        let text = String::from_utf8_lossy(&text);
        for (_, rest) in text.lines().filter_map(|line| line.split_once("#mesondefine")) {
            all.insert(
                rest.split_ascii_whitespace().next().unwrap_or_default().to_owned(),
                Known::Value(None),
            );
        }
        all.extend(names);
        all
    }

    /// `vcs_tag`: the version, where nothing asks the version control.
    pub(super) fn vcs_tag(&mut self, given: &Given) -> Value {
        let fallback = given.get("fallback").map_or_else(|| self.version.clone(), Value::shown);
        let word = given.get("replace_string").map_or_else(|| "@VCS_TAG@".to_owned(), Value::shown);
        let name = word.trim_matches('@').to_owned();
        let input = given.flat("input").first().and_then(|one| self.file(one));
        let text = given.get("output").and_then(Value::as_text).unwrap_or_default();
        let output = place(&built(&self.dir), named_after(text, input.as_ref()).as_bytes());
        let (Some(from), Some(path)) = (input, output) else { return Value::Unknown };
        let form = Form::Template(Names::from([(name, Known::Define(fallback))]));
        self.described.headers.insert(path.clone(), Generated { path: path.clone(), from, form });
        Value::File(path)
    }
}

/// What a header is told of a value.
fn known(value: &Value, is_cmake: bool) -> Known {
    match value {
        Value::Check { check, is_number: true, .. } => Known::Number((**check).clone()),
        Value::Check { check, .. } => Known::Check((**check).clone()),
        Value::Bool(true) if is_cmake => Known::Value(Some("1".to_owned())),
        Value::Bool(true) => Known::Define(String::new()),
        Value::Bool(false) | Value::Unknown => Known::Value(None),
        other if is_cmake => Known::Value(Some(other.shown())),
        other => Known::Define(other.shown()),
    }
}
