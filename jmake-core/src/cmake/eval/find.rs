//! `find_package`, `find_library` and their kin: asked, never searched for.

use super::{Reader, names};
use crate::cmake::text::{list, path};
use crate::cmake::{Ask, Kind};

/// The version of a package that nobody has looked at.
const NEWEST: &str = "999.0.0";

/// Words that end the names to look for.
const FIND_KEYWORDS: [&str; 22] = [
    "HINTS",
    "PATHS",
    "PATH_SUFFIXES",
    "DOC",
    "ENV",
    "REQUIRED",
    "OPTIONAL",
    "NO_CACHE",
    "VALIDATOR",
    "REGISTRY_VIEW",
    "NAMES_PER_DIR",
    "NO_DEFAULT_PATH",
    "NO_PACKAGE_ROOT_PATH",
    "NO_CMAKE_PATH",
    "NO_CMAKE_ENVIRONMENT_PATH",
    "NO_SYSTEM_ENVIRONMENT_PATH",
    "NO_CMAKE_SYSTEM_PATH",
    "NO_CMAKE_INSTALL_PREFIX",
    "NO_CMAKE_FIND_ROOT_PATH",
    "CMAKE_FIND_ROOT_PATH_BOTH",
    "ONLY_CMAKE_FIND_ROOT_PATH",
    "COMPONENTS",
];

impl Reader<'_> {
    /// Runs a command that looks for something on the system.
    pub(super) fn find_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "find_package" | "find_dependency" => self.find_package(args),
            "find_library" => self.find(args, Ask::FindLibrary),
            "find_path" | "find_file" => self.find_file(args, name == "find_path"),
            "find_program" => self.find(args, Ask::FindProgram),
            "find_package_handle_standard_args" => self.handle_standard_args(args),
            "find_package_message" => {}
            "pkg_check_modules" | "pkg_search_module" => self.pkg_check_modules(args),
            "pkg_get_variable" => {
                if let Some(out) = args.first() {
                    self.set(out, "");
                }
            }
            _ => return false,
        }
        true
    }

    /// Asks for one of several names; a library is then linked with by its name.
    fn find(&mut self, args: &[String], ask: fn(Vec<String>) -> Ask) {
        let Some((out, rest)) = args.split_first() else { return };
        if self.is_on(out) {
            return;
        }
        let names = find_names(rest);
        let first = names.first().cloned().unwrap_or_default();
        let value = match self.ask(out, ask(names), false) {
            Some(true) => first,
            _ => format!("{out}-NOTFOUND"),
        };
        self.variables.set_cached(out, Some(&value));
    }

    /// Looks for a file: in the project where folders of it are named, elsewhere by asking.
    fn find_file(&mut self, args: &[String], folder: bool) {
        let Some((out, rest)) = args.split_first() else { return };
        if self.is_on(out) {
            return;
        }
        let names = find_names(rest);
        let dirs: Vec<String> =
            rest.iter().filter(|word| path::is_absolute(word)).map(|dir| path::normal(dir)).collect();
        let pairs = dirs.iter().flat_map(|dir| names.iter().map(move |name| (dir, name)));
        let pairs: Vec<(String, String)> =
            pairs.take(100).map(|(dir, name)| (dir.clone(), format!("{dir}/{name}"))).collect();
        let here = pairs.into_iter().find(|(_, file)| self.file_exists(file));
        let value = match here {
            Some((dir, file)) => {
                if folder {
                    dir
                } else {
                    file
                }
            }
            None => match self.ask(out, Ask::FindPath(names), false) {
                // Where the compiler looks anyway.
                Some(true) => "/usr/include".to_owned(),
                _ => format!("{out}-NOTFOUND"),
            },
        };
        self.variables.set_cached(out, Some(&value));
    }

    /// Runs `find_package(…)`.
    pub(super) fn find_package(&mut self, args: &[String]) {
        let Some(name) = args.first() else { return };
        let required = args.iter().any(|word| word == "REQUIRED");
        let key = format!("{name}_FOUND");
        if self.is_on(&key) {
            return;
        }
        let mut answer = self.ask(&key, Ask::Package(name.clone()), false);
        if answer.is_none() && name == "Threads" {
            // Part of every system that Clang builds for.
            answer = Some(true);
        }
        if answer.is_none()
            && let Some(module) = self.find_module(&format!("Find{name}.cmake"))
        {
            self.set("CMAKE_FIND_PACKAGE_NAME", name);
            self.set(&format!("{name}_FIND_REQUIRED"), if required { "1" } else { "0" });
            self.set(&format!("{name}_FIND_QUIETLY"), "1");
            return self.run_file(&module, None);
        }
        if required && answer != Some(true) {
            self.note(format!("the package `{name}` is required, and not known to be there"));
        }
        // Without it there would be nothing to build.
        self.set_found(name, required || answer == Some(true));
    }

    fn set_found(&mut self, name: &str, found: bool) {
        let upper = name.to_ascii_uppercase();
        let value = if found { "TRUE" } else { "FALSE" };
        self.set(&format!("{name}_FOUND"), value);
        self.set(&format!("{upper}_FOUND"), value);
        if !found {
            return;
        }
        let known = names::PACKAGES.iter().find(|(known, _, _)| *known == name);
        let (targets, libraries): (&[&str], &str) =
            known.map_or((&[], ""), |&(_, targets, libs)| (targets, libs));
        for (suffix, value) in
            [("LIBRARIES", libraries), ("LIBRARY", libraries), ("INCLUDE_DIRS", ""), ("INCLUDE_DIR", "")]
        {
            self.set(&format!("{name}_{suffix}"), value);
            self.set(&format!("{upper}_{suffix}"), value);
        }
        // What is there without being looked at counts as new enough.
        for of in [name, &*upper] {
            self.set(&format!("{of}_VERSION"), NEWEST);
        }
        for target in targets {
            self.add_item(target, Kind::Interface, true, true);
            self.set_on_target(target, "INTERFACE_LINK_LIBRARIES", libraries);
        }
        if name == "Threads" {
            self.set("CMAKE_THREAD_LIBS_INIT", "");
            self.set("CMAKE_USE_PTHREADS_INIT", "1");
            self.set("CMAKE_HAVE_LIBC_PTHREAD", "1");
        }
    }

    /// What a `FindX.cmake` of the project ends with.
    fn handle_standard_args(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        let keywords = [
            "DEFAULT_MSG",
            "REQUIRED_VARS",
            "VERSION_VAR",
            "FOUND_VAR",
            "FAIL_MESSAGE",
            "HANDLE_COMPONENTS",
            "CONFIG_MODE",
            "REASON_FAILURE_MESSAGE",
            "HANDLE_VERSION_RANGE",
            "NAME_MISMATCHED",
        ];
        let start = rest.iter().position(|word| matches!(&**word, "DEFAULT_MSG" | "REQUIRED_VARS"));
        let required = rest[start.map_or(rest.len(), |at| at + 1)..].iter();
        let mut required = required.take_while(|word| !keywords.contains(&&***word));
        let found =
            self.is_on(&format!("{name}_FIND_REQUIRED")) || required.all(|variable| self.is_on(variable));
        let value = if found { "TRUE" } else { "FALSE" };
        self.set(&format!("{name}_FOUND"), value);
        self.set(&format!("{}_FOUND", name.to_ascii_uppercase()), value);
    }

    fn pkg_check_modules(&mut self, args: &[String]) {
        let Some((prefix, rest)) = args.split_first() else { return };
        let option = |word: &&String| {
            !matches!(
                &***word,
                "REQUIRED"
                    | "QUIET"
                    | "IMPORTED_TARGET"
                    | "GLOBAL"
                    | "NO_CMAKE_PATH"
                    | "NO_CMAKE_ENVIRONMENT_PATH"
            )
        };
        let modules: Vec<String> = rest.iter().filter(option).cloned().collect();
        let asked = self.ask(&format!("{prefix}_FOUND"), Ask::PkgConfig(modules.clone()), false);
        let found = asked == Some(true) || rest.iter().any(|word| word == "REQUIRED");
        self.set(&format!("{prefix}_FOUND"), if found { "1" } else { "0" });
        if !found {
            return;
        }
        let library = |module: &String| {
            let end = module.find(['>', '<', '=']).unwrap_or(module.len());
            let name = &module[..end];
            name.strip_prefix("lib").unwrap_or(name).to_owned()
        };
        let libraries = list::join(&modules.iter().map(library).collect::<Vec<_>>());
        self.set(&format!("{prefix}_LIBRARIES"), &libraries);
        self.set(&format!("{prefix}_INCLUDE_DIRS"), "");
        self.set(&format!("{prefix}_CFLAGS"), "");
        if rest.iter().any(|word| word == "IMPORTED_TARGET") {
            let target = format!("PkgConfig::{prefix}");
            self.add_item(&target, Kind::Interface, true, true);
            self.set_on_target(&target, "INTERFACE_LINK_LIBRARIES", &libraries);
        }
    }
}

/// The names that a `find_…` command looks for.
fn find_names(args: &[String]) -> Vec<String> {
    let start = args.iter().position(|word| word == "NAMES").map_or(0, |at| at + 1);
    let rest = args[start..].iter();
    let names = rest.take_while(|word| !FIND_KEYWORDS.contains(&&***word));
    // In the short form what follows the only name are folders.
    let short = start == 0;
    names.filter(|word| !short || !path::is_absolute(word)).cloned().collect()
}
