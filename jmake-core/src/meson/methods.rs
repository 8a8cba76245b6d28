//! Methods of texts, lists and the like.

use std::rc::Rc;

use crate::described::place;
use crate::path::FilePath;

use super::eval::{Given, Reader, contains};
use super::value::{Dependency, Value, compare_versions};
use super::{BUILD, TOP};

impl Reader<'_> {
    /// What `object.name(…)` gives.
    pub(super) fn method(&mut self, object: &Value, name: &str, given: &Given) -> Value {
        match object {
            Value::Text(text) => self.text_method(text, name, given),
            Value::List(all) => match name {
                "length" => Value::Number(all.len() as i64),
                "contains" => Value::Bool(contains(object, &given.at(0))),
                "get" => match given.at(0) {
                    Value::Number(at) => {
                        let at = if at < 0 { at.wrapping_add(all.len() as i64) } else { at };
                        let one = usize::try_from(at).ok().and_then(|at| all.get(at).cloned());
                        one.unwrap_or_else(|| given.at(1))
                    }
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            Value::Dict(all) => match name {
                "has_key" => Value::Bool(all.contains_key(&given.text(0))),
                "get" => all.get(&given.text(0)).cloned().unwrap_or_else(|| given.at(1)),
                "keys" => Value::texts(all.keys()),
                "values" => Value::list(all.values().cloned().collect()),
                _ => Value::Unknown,
            },
            Value::Bool(value) => match name {
                "to_int" => Value::Number(i64::from(*value)),
                "to_string" => {
                    let words = if given.plain.is_empty() {
                        ["true", "false"].map(str::to_owned)
                    } else {
                        [given.text(0), given.text(1)]
                    };
                    let [yes, no] = words;
                    Value::text(if *value { yes } else { no })
                }
                _ => Value::Unknown,
            },
            Value::Check { check, holds, .. } => match name {
                "to_int" => Value::Check { check: check.clone(), holds: *holds, is_number: true },
                _ => self.method(&Value::Bool(*holds), name, given),
            },
            Value::Number(number) => match name {
                "to_string" => Value::text(number.to_string()),
                "is_even" => Value::Bool(number % 2 == 0),
                "is_odd" => Value::Bool(number % 2 != 0),
                _ => Value::Unknown,
            },
            Value::Feature(state) => feature_method(state, name, given),
            Value::Program(found) => match name {
                "found" => Value::Bool(*found),
                _ => Value::Unknown,
            },
            Value::Dependency(dependency) => dependency_method(dependency, name, given),
            Value::Config(at) => self.config_method(*at, name, given),
            Value::Generator(names) if name == "process" => self.processed(names, given),
            Value::Target(own) => match name {
                "extract_objects" | "extract_all_objects" | "get_static_lib" | "get_shared_lib" => {
                    Value::Target(own.clone())
                }
                "name" => Value::text(own),
                "found" => Value::Bool(true),
                _ => Value::Unknown,
            },
            Value::Made(all) => match name {
                "to_list" => {
                    Value::list(all.iter().map(|path| Value::Made(Rc::new(vec![path.clone()]))).collect())
                }
                _ => Value::Unknown,
            },
            Value::Object(kind) => self.object_method(kind, name, given),
            _ => Value::Unknown,
        }
    }

    fn text_method(&mut self, text: &str, name: &str, given: &Given) -> Value {
        let first = given.text(0);
        match name {
            "format" => {
                let value = |at: &str| Some(given.plain.get(at.parse::<usize>().ok()?)?.shown());
                let text = super::eval::replaced(text, &value);
                self.made_text(text)
            }
            "join" => {
                let parts: Vec<String> =
                    given.plain.iter().flat_map(Value::flat).map(|one| one.shown()).collect();
                let is_little = self.paid(text.len().saturating_mul(parts.len()));
                if is_little { self.made_text(parts.join(text)) } else { Value::Unknown }
            }
            "split" if given.plain.is_empty() => Value::texts(text.split_ascii_whitespace()),
            "split" if first.is_empty() => Value::texts([text]),
            "split" => Value::texts(text.split(first.as_str())),
            "splitlines" => Value::texts(text.lines()),
            "strip" if given.plain.is_empty() => Value::text(text.trim()),
            "strip" => Value::text(text.trim_matches(|c| first.contains(c))),
            "startswith" => Value::Bool(text.starts_with(first.as_str())),
            "endswith" => Value::Bool(text.ends_with(first.as_str())),
            "contains" => Value::Bool(text.contains(first.as_str())),
            "to_upper" => Value::text(text.to_ascii_uppercase()),
            "to_lower" => Value::text(text.to_ascii_lowercase()),
            "underscorify" => {
                let one = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
                Value::text(text.chars().map(one).collect::<String>())
            }
            "to_int" => text.trim().parse().map_or(Value::Unknown, Value::Number),
            "to_string" => Value::text(text),
            "version_compare" => {
                let wanted = given.plain.iter().filter_map(Value::as_text);
                Value::Bool(wanted.into_iter().all(|wanted| compare_versions(text, wanted)))
            }
            "replace"
                if !first.is_empty() && self.paid(text.len().saturating_mul(given.text(1).len() + 1) / 4) =>
            {
                Value::text(text.replace(&first, &given.text(1)))
            }
            "substring" => {
                let length = text.len() as i64;
                let place = |at: usize, other: i64| match given.at(at) {
                    Value::Number(number) if number < 0 => number.saturating_add(length).max(0),
                    Value::Number(number) => number.min(length),
                    _ => other,
                };
                let (from, to) = (place(0, 0) as usize, place(1, length) as usize);
                Value::text(text.get(from..to).unwrap_or_default())
            }
            _ => Value::Unknown,
        }
    }

    fn object_method(&mut self, kind: &str, name: &str, given: &Given) -> Value {
        match kind {
            "meson" => self.meson_method(name, given),
            "host_machine" | "build_machine" | "target_machine" => machine_method(name),
            "cc" => self.compiler_method(name, given),
            "module fs" => self.fs_method(name, given),
            "command" => match name {
                "returncode" => Value::Number(1),
                "compiled" => Value::Bool(true),
                _ => Value::text(""),
            },
            "subproject" if name == "found" => Value::Bool(false),
            _ if name == "found" => Value::Bool(true),
            _ => Value::Unknown,
        }
    }

    fn meson_method(&self, name: &str, given: &Given) -> Value {
        match name {
            "get_compiler" => Value::Object("cc".into()),
            "project_version" => Value::text(&self.version),
            "project_name" => Value::text(&self.name),
            "version" => Value::text("1.5.0"),
            "is_subproject" | "is_cross_build" | "is_unity" => Value::Bool(false),
            "can_run_host_binaries" | "has_exe_wrapper" => Value::Bool(true),
            "backend" => Value::text("ninja"),
            "source_root" | "project_source_root" | "global_source_root" => {
                Value::text(format!("{TOP}/{}", self.top))
            }
            "build_root" | "project_build_root" | "global_build_root" => {
                Value::text(format!("{BUILD}/{}", self.top))
            }
            "current_source_dir" => Value::text(format!("{TOP}/{}", self.dir)),
            "current_build_dir" => Value::text(format!("{BUILD}/{}", self.dir)),
            "get_external_property" | "get_cross_property" => given.at(1),
            _ => Value::Unknown,
        }
    }

    fn fs_method(&self, name: &str, given: &Given) -> Value {
        let Some(path) = self.file(&given.at(0)) else { return Value::Unknown };
        let shown = given.at(0).shown();
        let text = FilePath::new(shown.trim_start_matches(TOP));
        let lossy = |bytes: &[u8]| Value::text(String::from_utf8_lossy(bytes));
        match name {
            "exists" => Value::Bool(self.files.is_file(&path) || self.files.is_dir(&path)),
            "is_file" => Value::Bool(self.files.is_file(&path)),
            "is_dir" => Value::Bool(self.files.is_dir(&path)),
            "is_symlink" => Value::Bool(false),
            "name" => lossy(text.file_name()),
            "stem" => lossy(text.stem()),
            "parent" => lossy(text.parent_bytes()),
            "read" => self.files.read(&path).map_or(Value::Unknown, |text| lossy(&text)),
            "replace_suffix" => {
                let end = shown.rfind('.').unwrap_or(shown.len());
                Value::text(format!("{}{}", shown.get(..end).unwrap_or_default(), given.text(1)))
            }
            "copyfile" => place(&self.dir, &shown.into_bytes()).map_or(Value::Unknown, Value::File),
            _ => Value::Unknown,
        }
    }
}

fn machine_method(name: &str) -> Value {
    let is_mac = cfg!(target_os = "macos");
    match name {
        "system" | "kernel" => Value::text(if is_mac { "darwin" } else { "linux" }),
        "subsystem" => Value::text(if is_mac { "macos" } else { "linux" }),
        "cpu_family" | "cpu" => Value::text(std::env::consts::ARCH),
        "endian" => Value::text(if cfg!(target_endian = "big") { "big" } else { "little" }),
        _ => Value::Unknown,
    }
}

fn feature_method(state: &str, name: &str, given: &Given) -> Value {
    let feature = |state: &str| Value::Feature(state.into());
    match name {
        "enabled" => Value::Bool(state == "enabled"),
        "disabled" => Value::Bool(state == "disabled"),
        "auto" => Value::Bool(state == "auto"),
        "allowed" => Value::Bool(state != "disabled"),
        "require" | "enable_if" if name == "require" => {
            feature(if given.at(0).holds() { state } else { "disabled" })
        }
        "disable_auto_if" => feature(if state == "auto" && given.at(0).holds() { "disabled" } else { state }),
        "enable_auto_if" => feature(if state == "auto" && given.at(0).holds() { "enabled" } else { state }),
        "disable_if" => feature(if given.at(0).holds() { "disabled" } else { state }),
        "enable_if" => feature(if given.at(0).holds() { "enabled" } else { state }),
        _ => Value::Unknown,
    }
}

fn dependency_method(dependency: &Rc<Dependency>, name: &str, given: &Given) -> Value {
    match name {
        "found" => Value::Bool(dependency.found),
        "partial_dependency" => {
            let has = |part: &str| given.get(part).is_some_and(Value::holds);
            let mut part = Dependency { found: dependency.found, ..Dependency::default() };
            if has("includes") {
                part.folders.clone_from(&dependency.folders);
            }
            if has("compile_args") {
                part.args.clone_from(&dependency.args);
            }
            if has("sources") {
                part.sources.clone_from(&dependency.sources);
            }
            if has("links") {
                part.links.clone_from(&dependency.links);
            }
            Value::Dependency(Rc::new(part))
        }
        "as_system" | "as_link_whole" | "as_static" | "as_shared" => Value::Dependency(dependency.clone()),
        "version" => Value::text("unknown"),
        _ => Value::Unknown,
    }
}
