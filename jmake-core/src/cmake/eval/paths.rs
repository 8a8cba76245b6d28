//! `cmake_path(…)`.

use super::Reader;
use crate::cmake::text::path;

impl Reader<'_> {
    /// Runs the usual subcommands of `cmake_path(…)`.
    pub(super) fn cmake_path(&mut self, args: &[String]) {
        let [operation, variable, rest @ ..] = args else { return };
        let after = |key: &str| {
            let at = rest.iter().position(|word| word == key)?;
            rest.get(at + 1).cloned()
        };
        let out = after("OUTPUT_VARIABLE").unwrap_or_else(|| variable.clone());
        let value = self.value(variable);
        let normalize = rest.iter().any(|word| word == "NORMALIZE");
        let result = match &**operation {
            "GET" => return self.path_part(&value, rest),
            "SET" => rest.last().map_or_else(String::new, |text| tidy(text, normalize)),
            "APPEND" => {
                let end = rest.iter().position(|word| word == "OUTPUT_VARIABLE").unwrap_or(rest.len());
                rest[..end].iter().fold(value, |all, part| joined(&all, part))
            }
            "APPEND_STRING" => {
                let end = rest.iter().position(|word| word == "OUTPUT_VARIABLE").unwrap_or(rest.len());
                value + &rest[..end].concat()
            }
            "NORMAL_PATH" => path::normal(&value),
            "ABSOLUTE_PATH" => {
                let base = after("BASE_DIRECTORY").unwrap_or_else(|| self.source_dir().to_owned());
                let absolute = if path::is_absolute(&value) { value } else { joined(&base, &value) };
                tidy(&absolute, normalize)
            }
            "RELATIVE_PATH" => {
                let base = after("BASE_DIRECTORY").unwrap_or_else(|| self.source_dir().to_owned());
                path::relative(&base, &value)
            }
            "REMOVE_FILENAME" => value[..value.len() - path::name(&value).len()].to_owned(),
            "REPLACE_FILENAME" => joined(path::directory(&value), rest.first().map_or("", String::as_str)),
            "REMOVE_EXTENSION" | "REPLACE_EXTENSION" => {
                let last = rest.iter().any(|word| word == "LAST_ONLY");
                let stem = value.strip_suffix(path::extension(path::name(&value), last)).unwrap_or(&value);
                let new = rest.iter().find(|word| !matches!(&***word, "LAST_ONLY" | "OUTPUT_VARIABLE"));
                match new.filter(|_| operation == "REPLACE_EXTENSION") {
                    Some(new) => format!("{stem}.{}", new.trim_start_matches('.')),
                    None => stem.to_owned(),
                }
            }
            "CONVERT" => return self.convert_path(args),
            "NATIVE_PATH" => return self.set(rest.last().unwrap_or(variable), value),
            "COMPARE" => return self.compare_paths(args),
            asked => return self.ask_path(asked, &value, rest),
        };
        self.set(&out, result);
    }

    fn path_part(&mut self, value: &str, args: &[String]) {
        let ([part, out] | [part, _, out]) = args else { return };
        let last = args.len() == 3;
        let name = path::name(value);
        // A file is `.name` without an extension rather than all extension.
        let extension = path::extension(name.get(1..).unwrap_or(""), last);
        let found = match &**part {
            "ROOT_DIRECTORY" | "ROOT_PATH" if path::is_absolute(value) => "/",
            "FILENAME" => name,
            "EXTENSION" => extension,
            "STEM" => name.strip_suffix(extension).unwrap_or(name),
            "RELATIVE_PART" => value.trim_start_matches('/'),
            "PARENT_PATH" => path::directory(value),
            _ => "",
        };
        self.set(out, found);
    }

    fn convert_path(&mut self, args: &[String]) {
        let [_, input, how, out, ..] = args else { return };
        let value =
            if how == "TO_CMAKE_PATH_LIST" { input.replace(':', ";") } else { input.replace(';', ":") };
        self.set(out, value);
    }

    fn compare_paths(&mut self, args: &[String]) {
        let [_, a, how, b, out] = args else { return };
        let equal = path::normal(a) == path::normal(b);
        self.set(out, if equal == (how == "EQUAL") { "ON" } else { "OFF" });
    }

    /// Questions about a path, answered by `ON` or `OFF`.
    fn ask_path(&mut self, asked: &str, value: &str, rest: &[String]) {
        let Some(out) = rest.last() else { return };
        let name = path::name(value);
        let holds = match asked {
            "IS_ABSOLUTE" | "HAS_ROOT_DIRECTORY" | "HAS_ROOT_PATH" => path::is_absolute(value),
            "IS_RELATIVE" => !path::is_absolute(value),
            "HAS_ROOT_NAME" => false,
            "HAS_FILENAME" | "HAS_STEM" => !name.is_empty(),
            "HAS_EXTENSION" => name.get(1..).is_some_and(|name| name.contains('.')),
            "HAS_RELATIVE_PART" => !value.trim_start_matches('/').is_empty(),
            "HAS_PARENT_PATH" => !path::directory(value).is_empty(),
            "IS_PREFIX" => {
                let inner = path::normal(&rest[0]);
                inner == path::normal(value) || inner.starts_with(&format!("{}/", path::normal(value)))
            }
            _ => return self.note(format!("`cmake_path({asked})` is not understood")),
        };
        self.set(out, if holds { "ON" } else { "OFF" });
    }
}

fn tidy(text: &str, normalize: bool) -> String {
    if normalize { path::normal(text) } else { text.to_owned() }
}

fn joined(base: &str, part: &str) -> String {
    if path::is_absolute(part) || base.is_empty() {
        return part.to_owned();
    }
    if part.is_empty() { format!("{base}/") } else { format!("{}/{part}", base.trim_end_matches('/')) }
}
