//! Commands about how targets are compiled and linked, one by one or for a whole folder.

use super::Reader;
use super::describe::parts;
use crate::cmake::Kind;
use crate::cmake::model;
use crate::cmake::text::list;

impl Reader<'_> {
    /// Runs a command about the compiling and linking of targets.
    pub(super) fn usage_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "target_include_directories" => self.target_include_directories(args),
            "target_compile_definitions" => self.on_target(args, "COMPILE_DEFINITIONS"),
            "target_compile_options" => self.on_target(args, "COMPILE_OPTIONS"),
            "target_compile_features" => self.on_target(args, "COMPILE_FEATURES"),
            "target_link_options" => self.on_target(args, "LINK_OPTIONS"),
            "target_link_directories" => self.on_target(args, "LINK_DIRECTORIES"),
            "target_link_libraries" => self.target_link_libraries(args),
            "include_directories" => self.include_directories(args),
            "add_definitions" => self.add_definitions(args),
            "remove_definitions" => self.remove_definitions(args),
            "add_compile_definitions" => {
                args.iter().for_each(|define| self.append_on_folder("COMPILE_DEFINITIONS", define));
            }
            "add_compile_options" => {
                args.iter().for_each(|option| self.append_on_folder("COMPILE_OPTIONS", option));
            }
            "add_link_options" => {
                args.iter().for_each(|option| self.append_on_folder("LINK_OPTIONS", option));
            }
            "link_libraries" => {
                let libraries = self.release_libraries(args);
                libraries.iter().for_each(|library| self.append_on_folder("LINK_LIBRARIES", library));
            }
            "link_directories" => {
                args.iter().for_each(|dir| self.append_on_folder("LINK_DIRECTORIES", dir));
            }
            _ => return false,
        }
        true
    }

    /// Appends to a property of the folder being read.
    pub(super) fn append_on_folder(&mut self, property: &str, value: &str) {
        if self.keep(value.len() + 1)
            && let Some(dir) = self.model.dirs.get_mut(self.dir)
        {
            model::append(&mut dir.properties, property, value);
        }
    }

    /// Whether there is a target of that name; a note when not.
    fn has_target(&mut self, name: &str) -> bool {
        let known = self.model.find(name).is_some() || self.model.custom.contains(name);
        if !known {
            self.note(format!("there is no target `{name}`"));
        }
        known
    }

    fn on_target(&mut self, args: &[String], property: &str) {
        let Some((name, rest)) = args.split_first() else { return };
        if !self.has_target(name) {
            return;
        }
        let rest = if rest.first().is_some_and(|word| word == "BEFORE") { &rest[1..] } else { rest };
        for part in parts(rest) {
            for item in part.items {
                self.append_usage(name, property, item, part.own, part.users);
            }
        }
    }

    /// A folder as a target keeps it.
    fn include_dir(&self, dir: &str) -> String {
        if dir.starts_with("$<") { dir.to_owned() } else { self.in_source(dir) }
    }

    fn target_include_directories(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        if !self.has_target(name) {
            return;
        }
        let keyword = |word: &&String| matches!(&***word, "SYSTEM" | "AFTER" | "BEFORE");
        let (keywords, rest) = rest.split_at(rest.iter().take_while(keyword).count());
        let has = |wanted: &str| keywords.iter().any(|word| word == wanted);
        for part in parts(rest) {
            let dirs: Vec<String> = part.items.iter().map(|dir| self.include_dir(dir)).collect();
            let dirs = list::join(&dirs);
            if has("BEFORE") {
                self.prepend_usage(name, &dirs, part.own, part.users);
            } else {
                self.append_usage(name, "INCLUDE_DIRECTORIES", &dirs, part.own, part.users);
            }
            if has("SYSTEM") {
                self.append_usage(name, "SYSTEM_INCLUDE_DIRECTORIES", &dirs, part.own, part.users);
            }
        }
    }

    fn prepend_usage(&mut self, name: &str, dirs: &str, own: bool, users: bool) {
        let Some(at) = self.model.find(name) else { return };
        if !self.keep(dirs.len()) {
            return;
        }
        let Some(item) = self.model.items.get_mut(at) else { return };
        if own {
            model::prepend(&mut item.properties, "INCLUDE_DIRECTORIES", dirs);
        }
        if users {
            model::prepend(&mut item.properties, "INTERFACE_INCLUDE_DIRECTORIES", dirs);
        }
    }

    /// The libraries for a release: of `debug a optimized b` only `b`.
    fn release_libraries(&mut self, args: &[String]) -> Vec<String> {
        let mut libraries = Vec::new();
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match &**word {
                "debug" => {
                    words.next();
                }
                "optimized" | "general" => {}
                library => libraries.push(library.to_owned()),
            }
        }
        libraries
    }

    fn target_link_libraries(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        let Some(at) = self.model.find(name) else {
            self.has_target(name);
            return;
        };
        let kind = self.model.items.get(at).map(|item| item.kind);
        let libraries = self.release_libraries(rest);
        for part in parts(&libraries) {
            for library in part.items {
                self.append_usage(name, "LINK_LIBRARIES", library, part.own, part.users);
                // What an archive uses itself must be linked with it, but tells its users nothing.
                if part.own && !part.users && matches!(kind, Some(Kind::Static | Kind::Object)) {
                    let only = format!("$<LINK_ONLY:{library}>");
                    self.append_on_target(name, "INTERFACE_LINK_LIBRARIES", &only);
                }
            }
        }
    }

    fn include_directories(&mut self, args: &[String]) {
        let (mut before, mut system) = (self.is_on("CMAKE_INCLUDE_DIRECTORIES_BEFORE"), false);
        let mut dirs = Vec::new();
        for word in args {
            match &**word {
                "BEFORE" => before = true,
                "AFTER" => before = false,
                "SYSTEM" => system = true,
                dir => dirs.push(self.include_dir(dir)),
            }
        }
        let dirs = list::join(&dirs);
        let here = self.dir;
        // The folder's targets so far get them as well as those to come.
        let items = self.model.items.iter_mut().filter(|item| item.dir == here && !item.imported);
        let owners = items.map(|item| &mut item.properties);
        let owners = owners.chain(self.model.dirs.get_mut(here).map(|dir| &mut dir.properties));
        let mut kept = 0;
        for properties in owners {
            kept += dirs.len() + 8;
            if before {
                model::prepend(properties, "INCLUDE_DIRECTORIES", &dirs);
            } else {
                model::append(properties, "INCLUDE_DIRECTORIES", &dirs);
            }
            if system {
                model::append(properties, "SYSTEM_INCLUDE_DIRECTORIES", &dirs);
            }
        }
        self.keep(kept);
    }

    fn add_definitions(&mut self, args: &[String]) {
        for flag in args {
            match flag.strip_prefix("-D").or_else(|| flag.strip_prefix("/D")) {
                Some(define) => self.append_on_folder("COMPILE_DEFINITIONS", define),
                None => self.append_on_folder("DEFINE_FLAGS", flag),
            }
        }
    }

    fn remove_definitions(&mut self, args: &[String]) {
        let Some(dir) = self.model.dirs.get_mut(self.dir) else { return };
        let Some(defines) = dir.properties.get_mut("COMPILE_DEFINITIONS") else { return };
        let gone = |define: &String| args.iter().any(|flag| flag.strip_prefix("-D") == Some(&**define));
        let left: Vec<String> =
            list::split(defines, false).into_iter().filter(|define| !gone(define)).collect();
        *defines = list::join(&left);
    }
}
