//! What the user may choose, as it is where nothing is chosen.

use crate::path::FilePath;

use super::eval::{Given, Reader};
use super::parse::{Expr, Statement, parse};
use super::value::Value;

impl Reader<'_> {
    /// Reads the options, as `project` with `given` wants them.
    pub(super) fn read_options(&mut self, given: &Given) {
        for (name, value) in [
            ("buildtype", "release"),
            ("default_library", "shared"),
            ("optimization", "3"),
            ("prefix", "/usr/local"),
            ("libdir", "lib"),
            ("includedir", "include"),
            ("datadir", "share"),
            ("bindir", "bin"),
            ("sbindir", "sbin"),
            ("libexecdir", "libexec"),
            ("mandir", "share/man"),
            ("localedir", "share/locale"),
            ("sysconfdir", "etc"),
            ("localstatedir", "var"),
            ("infodir", "share/info"),
            ("c_std", "none"),
            ("cpp_std", "none"),
            ("b_ndebug", "false"),
            ("b_sanitize", "none"),
            ("warning_level", "1"),
            ("backend", "ninja"),
            ("unity", "off"),
            ("wrap_mode", "nodownload"),
            ("c_args", ""),
            ("cpp_args", ""),
        ] {
            self.options.insert(name.to_owned(), Value::text(value));
        }
        for (name, value) in [
            ("debug", false),
            ("werror", false),
            ("strip", false),
            ("b_lto", false),
            ("b_coverage", false),
            ("b_staticpic", true),
            ("b_asneeded", true),
            ("cpp_rtti", true),
        ] {
            self.options.insert(name.to_owned(), Value::Bool(value));
        }
        let names = ["meson.options", "meson_options.txt"];
        let text = names.iter().find_map(|name| self.files.read(&self.top.join(name)));
        if let Some(text) = text {
            self.own_options(&String::from_utf8_lossy(&text));
        }
        self.defaults(given);
    }

    fn own_options(&mut self, text: &str) {
        for statement in parse(text) {
            let Statement::Expr(Expr::Call(function, args)) = statement else { continue };
            if function != "option" {
                continue;
            }
            let name = args.plain.first().map(|name| self.value(name).shown()).unwrap_or_default();
            let mut get = |key: &str| {
                let found = args.named.iter().find(|(other, _)| other == key);
                found.map(|(_, value)| self.value(value))
            };
            let kind = get("type").map(|kind| kind.shown()).unwrap_or_default();
            let choices = get("choices").unwrap_or_else(|| Value::list(Vec::new()));
            let value = match (kind.as_str(), get("value")) {
                ("feature", value) => {
                    Value::Feature(value.map_or_else(|| "auto".to_owned(), |value| value.shown()).into())
                }
                (_, Some(value)) => typed(&kind, value),
                ("boolean", None) => Value::Bool(true),
                ("array", None) => choices,
                ("combo", None) => choices.flat().into_iter().next().unwrap_or(Value::Unknown),
                _ => Value::text(""),
            };
            self.options.insert(name, value);
        }
    }

    /// What the project itself prefers.
    fn defaults(&mut self, given: &Given) {
        let pairs: Vec<(String, String)> = match given.get("default_options") {
            Some(Value::Dict(all)) => all.iter().map(|(key, value)| (key.clone(), value.shown())).collect(),
            Some(other) => {
                let texts = other.flat_texts();
                texts
                    .iter()
                    .filter_map(|text| text.split_once('='))
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .collect()
            }
            None => Vec::new(),
        };
        // How it is built is not for the project to say.
        for (name, text) in
            pairs.into_iter().filter(|(name, _)| name != "buildtype" && name != "default_library")
        {
            let value = match self.options.get(&name) {
                Some(Value::Bool(_)) => Value::Bool(text == "true"),
                Some(Value::Feature(_)) => Value::Feature(text.into()),
                Some(Value::Number(_)) => text.parse().map_or(Value::Unknown, Value::Number),
                _ => Value::text(text),
            };
            self.options.insert(name, value);
        }
    }
}

/// A value that is written as text.
fn typed(kind: &str, value: Value) -> Value {
    match (kind, value) {
        ("boolean", Value::Text(text)) => Value::Bool(&*text == "true"),
        ("integer", Value::Text(text)) => text.parse().map_or(Value::Unknown, Value::Number),
        ("array", Value::Text(text)) => {
            let parts = text
                .trim_matches(['[', ']'])
                .split(',')
                .map(|part| part.trim().trim_matches('\'').to_owned());
            Value::texts(parts.filter(|part| !part.is_empty()))
        }
        (_, value) => value,
    }
}

/// The folder in which what is made for `dir` lies.
pub fn built(dir: &FilePath) -> FilePath {
    FilePath::new(crate::generate::DIR).join("meson").join(dir.as_bytes())
}
