//! Commands that describe targets and what they are made of.

use super::Reader;
use crate::cmake::Kind;
use crate::cmake::model::{self, Item, Properties};
use crate::cmake::text::path;

/// Properties that a new target takes from a variable of the same name after `CMAKE_`.
const INHERITED: [&str; 20] = [
    "C_STANDARD",
    "C_STANDARD_REQUIRED",
    "C_EXTENSIONS",
    "CXX_STANDARD",
    "CXX_STANDARD_REQUIRED",
    "CXX_EXTENSIONS",
    "C_VISIBILITY_PRESET",
    "CXX_VISIBILITY_PRESET",
    "VISIBILITY_INLINES_HIDDEN",
    "POSITION_INDEPENDENT_CODE",
    "INTERPROCEDURAL_OPTIMIZATION",
    "UNITY_BUILD",
    "WINDOWS_EXPORT_ALL_SYMBOLS",
    "ENABLE_EXPORTS",
    "AUTOMOC",
    "AUTOUIC",
    "AUTORCC",
    "DEBUG_POSTFIX",
    "RELEASE_POSTFIX",
    "INCLUDE_CURRENT_DIR",
];

/// Targets that are described at most.
const MOST_TARGETS: usize = 20_000;

/// A part of a command that concerns the target itself, its users, or both.
pub(super) struct Part<'a> {
    pub own: bool,
    pub users: bool,
    pub items: Vec<&'a String>,
}

/// Divides arguments at `PRIVATE`, `PUBLIC` and `INTERFACE`.
pub(super) fn parts(args: &[String]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for arg in args {
        let (own, users) = match &**arg {
            "PRIVATE" | "LINK_PRIVATE" => (true, false),
            "PUBLIC" | "LINK_PUBLIC" => (true, true),
            "INTERFACE" | "LINK_INTERFACE_LIBRARIES" => (false, true),
            _ => {
                match parts.last_mut() {
                    Some(part) => part.items.push(arg),
                    None => parts.push(Part { own: true, users: true, items: vec![arg] }),
                }
                continue;
            }
        };
        parts.push(Part { own, users, items: Vec::new() });
    }
    parts
}

impl Reader<'_> {
    /// Runs a command that describes targets.
    pub(super) fn target_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "add_library" => self.add_library(args),
            "add_executable" => self.add_executable(args),
            "target_sources" => self.target_sources(args),
            _ => return self.usage_command(name, args),
        }
        true
    }

    fn add_library(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        if let [keyword, target] = rest
            && keyword == "ALIAS"
        {
            return self.alias(name, target);
        }
        let (mut kind, mut imported, mut exclude) = (None, false, false);
        let mut sources = rest;
        while let Some((word, after)) = sources.split_first() {
            match &**word {
                "STATIC" => kind = Some(Kind::Static),
                "SHARED" => kind = Some(Kind::Shared),
                "MODULE" => kind = Some(Kind::Module),
                "OBJECT" => kind = Some(Kind::Object),
                "INTERFACE" => kind = Some(Kind::Interface),
                "UNKNOWN" => kind = Some(Kind::Shared),
                "IMPORTED" => imported = true,
                "GLOBAL" if imported => {}
                "EXCLUDE_FROM_ALL" => exclude = true,
                _ => break,
            }
            sources = after;
        }
        let default = if self.is_on("BUILD_SHARED_LIBS") { Kind::Shared } else { Kind::Static };
        self.add_item(name, kind.unwrap_or(default), kind.is_some(), imported);
        self.finish_item(name, sources, exclude);
    }

    fn add_executable(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        if let [keyword, target] = rest
            && keyword == "ALIAS"
        {
            return self.alias(name, target);
        }
        let keyword = |word: &&String| {
            matches!(&***word, "WIN32" | "MACOSX_BUNDLE" | "EXCLUDE_FROM_ALL" | "IMPORTED" | "GLOBAL")
        };
        let count = rest.iter().take_while(keyword).count();
        let (keywords, sources) = rest.split_at(count);
        let has = |wanted: &str| keywords.iter().any(|word| word == wanted);
        self.add_item(name, Kind::Executable, true, has("IMPORTED"));
        self.finish_item(name, sources, has("EXCLUDE_FROM_ALL"));
    }

    fn alias(&mut self, name: &str, target: &str) {
        // Of an alias there is none, so one step is enough.
        let target = self.model.aliases.get(target).map_or(target, String::as_str).to_owned();
        if self.keep(name.len() + target.len()) {
            self.model.aliases.insert(name.to_owned(), target);
        }
    }

    /// Adds a target without sources, with what its folder and variables give it.
    pub(super) fn add_item(&mut self, name: &str, kind: Kind, kind_given: bool, imported: bool) {
        if self.model.find(name).is_some() {
            if !imported {
                self.note(format!("there is already a target `{name}`"));
            }
            return;
        }
        if self.model.items.len() >= MOST_TARGETS {
            return self.stop("too many targets; what follows is not read");
        }
        let mut properties = Properties::new();
        if !imported {
            for key in INHERITED {
                if let Some(value) = self.defined_value(&format!("CMAKE_{key}")) {
                    properties.insert(key.to_owned(), value);
                }
            }
            self.take_from_folder(&mut properties);
        }
        let size: usize = properties.iter().map(|(key, value)| key.len() + value.len()).sum();
        if !self.keep(size + name.len() + 200) {
            return;
        }
        let file =
            self.current_file().map_or_else(crate::path::FilePath::root, |file| path::file_path(&file));
        // A routine of another file may make the target; the line in the file that called it says
        // more.
        let line = self.line_in_file();
        self.model.by_name.insert(name.to_owned(), self.model.items.len());
        self.model.items.push(Item {
            name: name.to_owned(),
            kind,
            kind_given,
            imported,
            dir: self.dir,
            at: (file, line),
            under_test: self.under_test(),
            exclude: self.in_excluded_dir(),
            properties,
        });
    }

    /// The line being run in the innermost file.
    fn line_in_file(&self) -> u32 {
        let file = self.frames.iter().rev().find(|frame| matches!(frame.call, super::calls::Call::File(_)));
        let command = file.and_then(|frame| frame.program.commands.get(frame.at.checked_sub(1)?));
        command.map_or(self.line, |command| command.line)
    }

    fn take_from_folder(&mut self, properties: &mut Properties) {
        let Some(dir) = self.model.dirs.get(self.dir) else { return };
        for key in ["INCLUDE_DIRECTORIES", "SYSTEM_INCLUDE_DIRECTORIES", "COMPILE_OPTIONS", "LINK_LIBRARIES"]
        {
            if let Some(value) = dir.properties.get(key) {
                properties.insert(key.to_owned(), value.clone());
            }
        }
        if self.is_on("CMAKE_INCLUDE_CURRENT_DIR") {
            let both = format!("{};{}", self.source_dir(), self.binary_dir());
            model::prepend(properties, "INCLUDE_DIRECTORIES", &both);
        }
    }

    fn finish_item(&mut self, name: &str, sources: &[String], exclude: bool) {
        let Some(at) = self.model.find(name) else { return };
        if let Some(item) = self.model.items.get_mut(at) {
            item.exclude |= exclude;
        }
        for source in sources {
            self.append_on_target(name, "SOURCES", source);
        }
    }

    /// Sets a property of a target.
    pub(super) fn set_on_target(&mut self, name: &str, property: &str, value: &str) {
        let Some(at) = self.model.find(name) else { return };
        if self.keep(property.len() + value.len())
            && let Some(item) = self.model.items.get_mut(at)
        {
            item.properties.insert(property.to_owned(), value.to_owned());
        }
    }

    /// Appends to a property of a target that is a list.
    pub(super) fn append_on_target(&mut self, name: &str, property: &str, value: &str) {
        let Some(at) = self.model.find(name) else { return };
        if self.keep(value.len() + 1)
            && let Some(item) = self.model.items.get_mut(at)
        {
            model::append(&mut item.properties, property, value);
        }
    }

    fn target_sources(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        if self.model.find(name).is_none() {
            return self.note(format!("there is no target `{name}`"));
        }
        for part in parts(rest) {
            let mut files = Vec::new();
            let mut section = "FILES";
            for word in part.items {
                match &**word {
                    "FILE_SET" | "TYPE" | "BASE_DIRS" | "FILES" => section = word,
                    _ if section == "FILES" => files.push(word),
                    // Headers are found by those who use them below these folders.
                    dir if section == "BASE_DIRS" => {
                        let dir = self.in_source(dir);
                        self.append_usage(name, "INCLUDE_DIRECTORIES", &dir, part.own, part.users);
                    }
                    _ => {}
                }
            }
            for file in files {
                let absolute = if file.starts_with("$<") { file.clone() } else { self.source_here(file) };
                self.append_usage(name, "SOURCES", &absolute, part.own, part.users);
            }
        }
    }

    /// A source as seen from this folder; one that is not there may be made in the build folder.
    fn source_here(&mut self, file: &str) -> String {
        let here = self.in_source(file);
        if path::is_absolute(file) || self.file_exists(&here) { here } else { self.made_or(file, here) }
    }

    fn made_or(&mut self, file: &str, otherwise: String) -> String {
        let made = self.in_binary(file);
        if self.model.outputs.contains(&made) || self.file_exists(&made) { made } else { otherwise }
    }

    /// Appends to a property of the target, to that for its users, or to both.
    pub(super) fn append_usage(&mut self, target: &str, property: &str, value: &str, own: bool, users: bool) {
        if own {
            self.append_on_target(target, property, value);
        }
        if users {
            self.append_on_target(target, &format!("INTERFACE_{property}"), value);
        }
    }
}
