//! Properties of targets, sources, folders and of everything.

use super::Reader;
use crate::cmake::Kind;
use crate::cmake::model::{self, Item};
use crate::cmake::text::list;

/// How a property is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Set,
    Append,
    AppendString,
}

impl Reader<'_> {
    /// Runs a command about properties.
    pub(super) fn property_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "set_target_properties" => self.set_properties("TARGET", args),
            "set_source_files_properties" => self.set_properties("SOURCE", args),
            "set_directory_properties" => self.set_properties("DIRECTORY", args),
            "set_property" => self.set_property(args),
            "get_target_property" => self.get_target_property(args),
            "get_source_file_property" => self.get_source_file_property(args),
            "get_directory_property" => self.get_directory_property(args),
            "get_property" => self.get_property(args),
            "define_property" | "set_package_properties" | "get_test_property" => {}
            _ => return false,
        }
        true
    }

    /// `names… PROPERTIES key value …`
    fn set_properties(&mut self, scope: &str, args: &[String]) {
        let Some(at) = args.iter().position(|word| word == "PROPERTIES") else { return };
        let end = args.iter().position(|word| matches!(&**word, "TARGET_DIRECTORY" | "DIRECTORY"));
        let names = &args[..end.unwrap_or(at).min(at)];
        for pair in args[at + 1..].chunks(2) {
            let [key, value] = pair else { continue };
            self.apply(scope, names, key, value, How::Set);
        }
    }

    fn set_property(&mut self, args: &[String]) {
        let Some((scope, rest)) = args.split_first() else { return };
        let Some(at) = rest.iter().position(|word| word == "PROPERTY") else { return };
        let option = |word: &String| matches!(&**word, "APPEND" | "APPEND_STRING");
        let how = match rest[..at].iter().find(|word| option(word)).map(String::as_str) {
            Some("APPEND") => How::Append,
            Some(_) => How::AppendString,
            None => How::Set,
        };
        let end = rest[..at].iter().position(|word| matches!(&**word, "TARGET_DIRECTORY" | "DIRECTORY"));
        let names = rest[..end.unwrap_or(at)].iter().filter(|word| !option(word)).cloned();
        let names: Vec<String> = names.collect();
        let Some((key, values)) = rest[at + 1..].split_first() else { return };
        self.apply(scope, &names, key, &list::join(values), how);
    }

    fn apply(&mut self, scope: &str, names: &[String], key: &str, value: &str, how: How) {
        match scope {
            "TARGET" => {
                for name in names {
                    self.apply_to_target(name, key, value, how);
                }
            }
            "SOURCE" => {
                for name in names {
                    let places = [self.in_source(name), self.in_binary(name)];
                    let count = if places[0] == places[1] || self.file_exists(&places[0]) { 1 } else { 2 };
                    for place in places.into_iter().take(count) {
                        if self.keep(place.len() + key.len() + value.len()) {
                            change(self.model.sources.entry(place).or_default(), key, value, how);
                        }
                    }
                }
            }
            "DIRECTORY" => {
                if self.keep(key.len() + value.len())
                    && let Some(at) = self.folder(names.first())
                {
                    change(&mut self.model.dirs[at].properties, key, value, how);
                }
            }
            "GLOBAL" if self.keep(key.len() + value.len()) => {
                change(&mut self.model.globals, key, value, how);
            }
            // Entries of the cache have properties for their editors only; tests none for us.
            _ => {}
        }
    }

    fn apply_to_target(&mut self, name: &str, key: &str, value: &str, how: How) {
        let Some(at) = self.model.find(name) else {
            if !self.model.custom.contains(name) {
                self.note(format!("there is no target `{name}`"));
            }
            return;
        };
        if self.keep(key.len() + value.len())
            && let Some(item) = self.model.items.get_mut(at)
        {
            change(&mut item.properties, key, value, how);
        }
    }

    /// The folder that `name` means, or the one being read.
    fn folder(&self, name: Option<&String>) -> Option<usize> {
        let Some(name) = name else { return Some(self.dir) };
        let source = self.in_source(name);
        self.model.dirs.iter().position(|dir| dir.source == source || dir.binary == source)
    }

    fn get_target_property(&mut self, args: &[String]) {
        let [out, target, key] = args else { return };
        let value = self.model.target(target).and_then(|item| self.property_of(target, item, key));
        let value = value.unwrap_or_else(|| format!("{out}-NOTFOUND"));
        self.set(out, value);
    }

    fn property_of(&self, asked: &str, item: &Item, key: &str) -> Option<String> {
        let dir = self.model.dirs.get(item.dir);
        Some(match key {
            "NAME" => item.name.clone(),
            "TYPE" => type_name(item.kind).to_owned(),
            "SOURCE_DIR" => dir?.source.clone(),
            "BINARY_DIR" => dir?.binary.clone(),
            "IMPORTED" => if item.imported { "TRUE" } else { "FALSE" }.to_owned(),
            "ALIASED_TARGET" => self.model.aliases.get(asked)?.clone(),
            "EXCLUDE_FROM_ALL" if item.exclude => "TRUE".to_owned(),
            "LOCATION" | "IMPORTED_LOCATION" => item.properties.get("IMPORTED_LOCATION")?.clone(),
            key => item.properties.get(key)?.clone(),
        })
    }

    fn get_source_file_property(&mut self, args: &[String]) {
        let ([out, file, key] | [out, file, _, _, key]) = args else { return };
        let place = self.in_source(file);
        let found = self.model.sources.get(&place).and_then(|properties| properties.get(key)).cloned();
        self.set(out, found.unwrap_or_else(|| "NOTFOUND".into()));
    }

    fn get_directory_property(&mut self, args: &[String]) {
        let Some((out, rest)) = args.split_first() else { return };
        let (folder, rest) = match rest {
            [keyword, folder, rest @ ..] if keyword == "DIRECTORY" => (Some(folder), rest),
            rest => (None, rest),
        };
        let value = match rest {
            [keyword, variable] if keyword == "DEFINITION" => self.value(variable),
            [key] => self.folder(folder).and_then(|at| self.folder_property(at, key)).unwrap_or_default(),
            _ => String::new(),
        };
        self.set(out, value);
    }

    fn folder_property(&self, at: usize, key: &str) -> Option<String> {
        let dir = self.model.dirs.get(at)?;
        let folders = || self.model.dirs.iter().filter(|inner| inner.parent == Some(at));
        let targets = || self.model.items.iter().filter(|item| item.dir == at && !item.imported);
        Some(match key {
            "SOURCE_DIR" => dir.source.clone(),
            "BINARY_DIR" => dir.binary.clone(),
            "PARENT_DIRECTORY" => self.model.dirs.get(dir.parent?)?.source.clone(),
            "SUBDIRECTORIES" => list::join(&folders().map(|inner| &inner.source).collect::<Vec<_>>()),
            "BUILDSYSTEM_TARGETS" => list::join(&targets().map(|item| &item.name).collect::<Vec<_>>()),
            "VARIABLES" => list::join(&self.variables.names()),
            key => dir.properties.get(key)?.clone(),
        })
    }

    fn get_property(&mut self, args: &[String]) {
        let [out, scope, rest @ ..] = args else { return };
        let Some(at) = rest.iter().position(|word| word == "PROPERTY") else { return };
        let name = rest[..at].first();
        let Some((key, mode)) = rest[at + 1..].split_first() else { return };
        let value = match (&**scope, name) {
            ("GLOBAL", _) => self.global_property(key),
            ("DIRECTORY", name) => self.folder(name).and_then(|at| self.folder_property(at, key)),
            ("TARGET", Some(name)) => {
                self.model.target(name).and_then(|item| self.property_of(name, item, key))
            }
            ("SOURCE", Some(name)) => {
                let place = self.in_source(name);
                self.model.sources.get(&place).and_then(|properties| properties.get(key)).cloned()
            }
            ("VARIABLE", _) => Some(self.value(key)),
            ("CACHE", Some(name)) if key == "VALUE" => {
                self.variables.cached(name).map(|value| value.to_string())
            }
            _ => None,
        };
        match (mode.first().map(String::as_str), value) {
            (Some("SET" | "DEFINED"), value) => self.set(out, if value.is_some() { "1" } else { "0" }),
            (Some(_), _) => self.set(out, "NOTFOUND"),
            (None, Some(value)) => self.set(out, value),
            (None, None) => self.set(out, ""),
        }
    }

    fn global_property(&self, key: &str) -> Option<String> {
        match key {
            "ENABLED_LANGUAGES" => Some(list::join(&self.out.languages)),
            "CMAKE_CXX_KNOWN_FEATURES" => Some(self.value("CMAKE_CXX_COMPILE_FEATURES")),
            "CMAKE_C_KNOWN_FEATURES" => Some(self.value("CMAKE_C_COMPILE_FEATURES")),
            "TARGET_SUPPORTS_SHARED_LIBS" => Some("TRUE".into()),
            "GENERATOR_IS_MULTI_CONFIG" => Some("FALSE".into()),
            key => self.model.globals.get(key).cloned(),
        }
    }
}

fn change(properties: &mut model::Properties, key: &str, value: &str, how: How) {
    match how {
        How::Set => {
            properties.insert(key.to_owned(), value.to_owned());
        }
        How::Append => model::append(properties, key, value),
        How::AppendString => properties.entry(key.to_owned()).or_default().push_str(value),
    }
}

/// The value of the property `TYPE`.
pub(in crate::cmake) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Static => "STATIC_LIBRARY",
        Kind::Shared => "SHARED_LIBRARY",
        Kind::Module => "MODULE_LIBRARY",
        Kind::Object => "OBJECT_LIBRARY",
        Kind::Interface => "INTERFACE_LIBRARY",
        Kind::Executable => "EXECUTABLE",
    }
}
