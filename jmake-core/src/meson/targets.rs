//! Libraries, programs, and what they need.

use std::rc::Rc;

use crate::described::{MOST, Target, place};
use crate::path::FilePath;

use super::eval::{Given, Reader};
use super::value::{Dependency, Value};
use super::{BUILD, TOP, built};

impl Reader<'_> {
    /// A library or program; `function` says which.
    pub(super) fn target(&mut self, function: &str, given: &Given) -> Value {
        let own = given.text(0);
        let kind = given.get("target_type").and_then(Value::as_text).unwrap_or(function).to_owned();
        let taken = self.described.targets.iter().any(|other| other.name == own);
        let name = if taken { format!("{own}#{}", self.described.targets.len()) } else { own };
        if self.described.targets.len() >= MOST {
            return Value::Unknown;
        }
        let is_program = kind == "executable";
        let is_installed = given.get("install").is_some_and(Value::holds);
        let mut target = Target {
            name: name.clone(),
            dir: self.dir.clone(),
            is_program,
            is_test: name.contains("test") && !is_installed,
            is_public: is_installed && !is_program && kind != "shared_module",
            ..Target::default()
        };
        let mut needs = self.needs(given, "sources");
        for value in given.plain.iter().skip(1).flat_map(Value::flat) {
            self.source(&value, &mut needs);
        }
        for value in given.flat("objects") {
            self.source(&value, &mut needs);
        }
        for cxx in [false, true] {
            let args = self.how(given, cxx, &needs.args);
            target.compile(cxx, args.iter().map(String::as_str));
        }
        self.link(given, &mut target);
        let mut args = self.args.concat();
        for name in ["c_args", "cpp_args"] {
            args.extend(given.get(name).map(Value::flat_texts).unwrap_or_default());
        }
        args.append(&mut needs.args);
        // What is made for a folder lies in a tree of its own, which is searched.
        target.search(built(&self.dir));
        for folder in needs.folders {
            target.search(built(&folder));
            target.search(folder);
        }
        let args: Vec<&str> = args
            .iter()
            .map(String::as_str)
            .filter(|arg| !arg.contains(TOP) || arg.starts_with("-I"))
            .collect();
        target.take_flags(args, &|dir| self.path(dir));
        target.sources = needs.sources;
        target.links = needs.links;
        self.described.targets.push(target);
        Value::Target(name.into())
    }

    /// What the compiler is told for a target's sources of C++, or of C, in Meson's order.
    fn how(&mut self, given: &Given, cxx: bool, needed: &[String]) -> Vec<String> {
        let language = if cxx { "cpp" } else { "c" };
        let mut all = Vec::new();
        let standard = format!("{language}_std");
        let own = given.get("override_options").map(Value::flat_texts).unwrap_or_default();
        let own =
            own.iter().find_map(|one| Some(one.strip_prefix(&*standard)?.strip_prefix('=')?.to_owned()));
        let usual = self.options.get(&standard).map(Value::shown);
        // Of several the compiler takes the first that it knows.
        let standard = own.or(usual).unwrap_or_default();
        let standard = standard.split(',').next().unwrap_or_default();
        if !standard.is_empty() && standard != "none" {
            all.push(format!("-std={standard}"));
        }
        let options = self.options.get("cpp_rtti");
        if cxx && options.is_some_and(|rtti| *rtti == Value::Bool(false) || rtti.as_text() == Some("false")) {
            all.push("-fno-rtti".to_owned());
        }
        match given.get("gnu_symbol_visibility").and_then(Value::as_text) {
            Some("hidden") => all.push("-fvisibility=hidden".to_owned()),
            Some("inlineshidden") => {
                all.extend(["-fvisibility=hidden", "-fvisibility-inlines-hidden"].map(str::to_owned));
            }
            _ => {}
        }
        all.extend(self.args[usize::from(cxx)].iter().cloned());
        all.extend(needed.iter().cloned());
        all.extend(given.get(&format!("{language}_args")).map(Value::flat_texts).unwrap_or_default());
        self.paid(all.len() * 64);
        all
    }

    /// What the linker is told of the symbols to show.
    fn link(&self, given: &Given, target: &mut Target) {
        let own = given.get("link_args").map(Value::flat_texts).unwrap_or_default();
        let all: Vec<String> = self.link_args.iter().cloned().chain(own).collect();
        target.take_link_flags(all.iter().map(String::as_str), &|file| match file.strip_prefix(BUILD) {
            // What is made of a template lies beside it.
            Some(rest) => place(&FilePath::root(), rest.trim_start_matches('/').as_bytes()),
            // The linker runs where things are made.
            None if file.starts_with(TOP) => self.path(file),
            None => place(&self.top, file.as_bytes()),
        });
    }

    /// What `declare_dependency` gives.
    pub(super) fn declare(&mut self, given: &Given) -> Value {
        let mut needs = self.needs(given, "sources");
        needs.args.extend(given.get("compile_args").map(Value::flat_texts).unwrap_or_default());
        Value::Dependency(Rc::new(needs))
    }

    /// What is said of folders, libraries and sources by name.
    fn needs(&mut self, given: &Given, sources: &str) -> Dependency {
        let mut needs = Dependency { found: true, ..Dependency::default() };
        for value in given.flat("include_directories") {
            match value {
                Value::Folders(folders) => needs.folders.extend(folders.iter().cloned()),
                other => needs.folders.extend(self.file(&other)),
            }
        }
        for name in ["link_with", "link_whole"] {
            needs.links.extend(given.flat(name).iter().filter_map(|one| match one {
                Value::Target(name) => Some(name.to_string()),
                _ => None,
            }));
        }
        for value in given.flat("dependencies") {
            let Value::Dependency(other) = value else { continue };
            needs.folders.extend(other.folders.iter().cloned());
            needs.args.extend(other.args.iter().cloned());
            needs.links.extend(other.links.iter().cloned());
            needs.sources.extend(other.sources.iter().cloned());
        }
        for value in given.flat(sources) {
            self.source(&value, &mut needs);
        }
        let mut seen = std::collections::BTreeSet::new();
        needs.folders.retain(|folder| seen.insert(folder.clone()));
        self.paid((needs.args.len() + needs.sources.len() + needs.folders.len() + needs.links.len()) * 64);
        needs
    }

    fn source(&self, value: &Value, needs: &mut Dependency) {
        match value {
            Value::Made(all) => needs.sources.extend(all.iter().cloned()),
            // Objects of another target: all of its sources.
            Value::Target(name) => needs.links.push(name.to_string()),
            other => needs.sources.extend(self.file(other)),
        }
    }

    /// What a generator makes of files.
    pub(super) fn processed(&self, names: &[String], given: &Given) -> Value {
        let files: Vec<FilePath> =
            given.plain.iter().flat_map(Value::flat).filter_map(|one| self.file(&one)).collect();
        let named = |file: &FilePath, name: &String| {
            crate::described::place(&self.dir, super::functions::named_after(name, Some(file)).as_bytes())
        };
        let all = files.iter().flat_map(|file| names.iter().filter_map(move |name| named(file, name)));
        Value::Made(Rc::new(all.collect()))
    }
}
