//! Variables that CMake itself sets, the commands about variables and projects, and what its own
//! modules do.

use super::{Reader, Word, names};
use crate::cmake::text::{is_true_constant, list, path, version};

/// The version that this reader follows.
const VERSION: &str = "3.31.0";

impl Reader<'_> {
    /// Sets what is known before the first command.
    pub(super) fn set_initial_variables(&mut self) {
        let machine = self.machine;
        let (source, binary) = (path::of(&self.place.source), path::of(&self.place.build));
        let pointer = machine.pointer_size.to_string();
        let apple = machine.system == "Darwin";
        let mut values: Vec<(&str, &str)> = vec![
            ("CMAKE_SOURCE_DIR", &source),
            ("CMAKE_HOME_DIRECTORY", &source),
            ("CMAKE_BINARY_DIR", &binary),
            ("PROJECT_SOURCE_DIR", &source),
            ("PROJECT_BINARY_DIR", &binary),
            ("CMAKE_VERSION", VERSION),
            ("CMAKE_MAJOR_VERSION", "3"),
            ("CMAKE_MINOR_VERSION", "31"),
            ("CMAKE_PATCH_VERSION", "0"),
            ("CMAKE_COMMAND", "/usr/bin/cmake"),
            ("CMAKE_CTEST_COMMAND", "/usr/bin/ctest"),
            ("CMAKE_ROOT", "/usr/share/cmake"),
            ("CMAKE_GENERATOR", "Unix Makefiles"),
            ("CMAKE_MAKE_PROGRAM", "/usr/bin/make"),
            ("CMAKE_CFG_INTDIR", "."),
            ("CMAKE_BUILD_TYPE", "Release"),
            ("CMAKE_INSTALL_PREFIX", "/usr/local"),
            ("CMAKE_SYSTEM_NAME", &machine.system),
            ("CMAKE_HOST_SYSTEM_NAME", &machine.system),
            ("CMAKE_SYSTEM", &machine.system),
            ("CMAKE_SYSTEM_PROCESSOR", &machine.processor),
            ("CMAKE_HOST_SYSTEM_PROCESSOR", &machine.processor),
            ("CMAKE_SIZEOF_VOID_P", &pointer),
            ("CMAKE_CROSSCOMPILING", "FALSE"),
            ("UNIX", "1"),
            ("CMAKE_HOST_UNIX", "1"),
            ("CMAKE_EXECUTABLE_SUFFIX", ""),
            ("CMAKE_STATIC_LIBRARY_PREFIX", "lib"),
            ("CMAKE_STATIC_LIBRARY_SUFFIX", ".a"),
            ("CMAKE_SHARED_LIBRARY_PREFIX", "lib"),
            ("CMAKE_SHARED_LIBRARY_SUFFIX", if apple { ".dylib" } else { ".so" }),
            ("CMAKE_SHARED_MODULE_SUFFIX", ".so"),
            ("CMAKE_FIND_LIBRARY_PREFIXES", "lib"),
            ("CMAKE_FIND_LIBRARY_SUFFIXES", if apple { ".dylib;.tbd;.a" } else { ".so;.a" }),
            ("CMAKE_DL_LIBS", if apple { "" } else { "dl" }),
            ("CMAKE_C_OUTPUT_EXTENSION", ".o"),
            ("CMAKE_CXX_OUTPUT_EXTENSION", ".o"),
        ];
        match &*machine.system {
            "Darwin" => values.extend([("APPLE", "1"), ("CMAKE_HOST_APPLE", "1")]),
            "Linux" => values.extend([("LINUX", "1"), ("CMAKE_HOST_LINUX", "1")]),
            _ => values.push(("BSD", &machine.system)),
        }
        for (name, value) in values {
            self.set(name, value);
        }
        self.set_compiler_variables();
    }

    /// Scripts that ask before `project()` get these too; no harm is known.
    fn set_compiler_variables(&mut self) {
        let machine = self.machine;
        for language in ["C", "CXX", "ASM"] {
            let compiler = if language == "CXX" { "/usr/bin/clang++" } else { "/usr/bin/clang" };
            for (name, value) in [
                ("COMPILER", compiler),
                ("COMPILER_ID", &*machine.compiler),
                ("COMPILER_VERSION", &*machine.compiler_version),
                ("COMPILER_LOADED", "1"),
                ("COMPILER_WORKS", "TRUE"),
                ("COMPILER_FRONTEND_VARIANT", "GNU"),
                ("SIMULATE_ID", ""),
                ("FLAGS", ""),
                ("FLAGS_DEBUG", "-g"),
                ("FLAGS_RELEASE", "-O3 -DNDEBUG"),
                ("FLAGS_RELWITHDEBINFO", "-O2 -g -DNDEBUG"),
                ("FLAGS_MINSIZEREL", "-Os -DNDEBUG"),
                ("BYTE_ORDER", if machine.big_endian { "BIG_ENDIAN" } else { "LITTLE_ENDIAN" }),
            ] {
                self.set(&format!("CMAKE_{language}_{name}"), value);
            }
        }
        self.set("CMAKE_C_STANDARD_DEFAULT", "17");
        self.set("CMAKE_CXX_STANDARD_DEFAULT", "17");
        self.set("CMAKE_C_COMPILE_FEATURES", "c_std_90;c_std_99;c_std_11;c_std_17;c_std_23;c_restrict;c_static_assert;c_variadic_macros;c_function_prototypes");
        self.set("CMAKE_CXX_COMPILE_FEATURES", CXX_FEATURES.join(";"));
        for kind in ["EXE", "SHARED", "MODULE", "STATIC"] {
            self.set(&format!("CMAKE_{kind}_LINKER_FLAGS"), "");
        }
    }

    /// Variables that depend on where we are.
    pub(super) fn place_variable(&self, name: &str) -> Option<String> {
        let inner = name.strip_prefix("CMAKE_CURRENT_")?;
        match inner {
            "SOURCE_DIR" => Some(self.source_dir().to_owned()),
            "BINARY_DIR" => Some(self.binary_dir().to_owned()),
            "LIST_FILE" => self.current_file(),
            "LIST_DIR" => self.current_file().map(|file| path::directory(&file).to_owned()),
            "LIST_LINE" => Some(self.line.to_string()),
            "FUNCTION" | "FUNCTION_LIST_FILE" | "FUNCTION_LIST_DIR" => {
                let function = |frame: &&super::Frame| matches!(frame.call, super::Call::Function);
                let frame = self.frames.iter().rev().find(function)?;
                let file = path::of(&frame.program.file);
                Some(match inner {
                    "FUNCTION" => frame.name.clone(),
                    "FUNCTION_LIST_FILE" => file,
                    _ => path::directory(&file).to_owned(),
                })
            }
            _ => None,
        }
    }

    /// The file whose commands are being run, or which called the routine being run.
    pub(super) fn current_file(&self) -> Option<String> {
        let file = self.frames.iter().rev().find(|frame| matches!(frame.call, super::Call::File(_)));
        file.map(|frame| path::of(&frame.program.file))
    }

    /// Whether there is a command of that name.
    pub(super) fn is_command(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.routines.contains_key(&name) || names::COMMANDS.contains(&&*name)
    }

    /// Does what a module of CMake does when included; whether there is one of that name.
    pub(super) fn builtin_module(&mut self, name: &str) -> bool {
        match name {
            "GNUInstallDirs" => self.install_dirs(),
            "CTest" if self.variables.set_by_project("BUILD_TESTING").is_none() => {
                self.option(&["BUILD_TESTING".into(), "Build the testing tree.".into(), "OFF".into()]);
            }
            "FindThreads" => self.find_package(&["Threads".into()]),
            "InstallRequiredSystemLibraries" | "CPack" => {
                self.set(&format!("{name}_CMake_INCLUDED"), "1");
            }
            _ => {}
        }
        names::MODULES.contains(&name)
    }

    fn install_dirs(&mut self) {
        let prefix = self.value("CMAKE_INSTALL_PREFIX");
        for (name, dir) in [
            ("BINDIR", "bin"),
            ("SBINDIR", "sbin"),
            ("LIBEXECDIR", "libexec"),
            ("SYSCONFDIR", "etc"),
            ("SHAREDSTATEDIR", "com"),
            ("LOCALSTATEDIR", "var"),
            ("RUNSTATEDIR", "var/run"),
            ("LIBDIR", "lib"),
            ("INCLUDEDIR", "include"),
            ("OLDINCLUDEDIR", "/usr/include"),
            ("DATAROOTDIR", "share"),
            ("DATADIR", "share"),
            ("INFODIR", "share/info"),
            ("LOCALEDIR", "share/locale"),
            ("MANDIR", "share/man"),
            ("DOCDIR", "share/doc"),
        ] {
            let variable = format!("CMAKE_INSTALL_{name}");
            if self.defined_value(&variable).is_none() {
                let doc = if name == "DOCDIR" { self.value("PROJECT_NAME") } else { String::new() };
                let dir = if doc.is_empty() { dir.to_owned() } else { format!("{dir}/{doc}") };
                self.variables.set_cached(&variable, Some(&dir));
            }
            let full = path::absolute(&prefix, &self.value(&variable));
            self.set(&format!("CMAKE_INSTALL_FULL_{name}"), full);
        }
    }

    /// Runs a command about variables and projects.
    pub(super) fn variable_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "set" => self.set_command(args),
            "unset" => self.unset_command(args),
            "option" => self.option(args),
            "cmake_dependent_option" => self.dependent_option(args),
            "project" => self.project(args),
            "enable_language" => self.languages(args),
            "cmake_minimum_required" => self.minimum(args),
            "get_cmake_property" => self.cmake_property(args),
            "cmake_parse_arguments" => self.parse_arguments(args),
            "message" => self.message(args),
            _ => return false,
        }
        true
    }

    fn set_command(&mut self, args: &[String]) {
        let Some((name, values)) = args.split_first() else { return };
        if name.starts_with("ENV{") {
            return;
        }
        if let Some(at) = values.iter().position(|arg| arg == "CACHE").filter(|&at| values.len() > at + 1) {
            let force = values[at..].iter().any(|arg| arg == "FORCE") || values[at + 1] == "INTERNAL";
            let value = list::join(&values[..at]);
            return self.set_cached(name, &value, force);
        }
        match values.split_last() {
            Some((last, values)) if last == "PARENT_SCOPE" => {
                let value = (!values.is_empty()).then(|| list::join(values));
                self.spend(value.as_ref().map_or(0, String::len));
                self.variables.set_in_parent(name, value.as_deref());
            }
            Some(_) => self.set(name, list::join(values)),
            None => self.unset(name),
        }
    }

    fn set_cached(&mut self, name: &str, value: &str, force: bool) {
        self.spend(value.len());
        if value.len() > super::LONGEST {
            return self.note("a value is too long and was dropped".into());
        }
        let new = self.variables.cached(name).is_none() && !self.variables.is_presumed(name);
        if (new || force) && !self.variables.set_cached(name, Some(value)) {
            self.stop("too much memory is used; what follows is not read");
        }
        // CMP0126: formerly the entry was to be seen at once.
        if force || (new && self.policy < (3, 21)) {
            self.variables.uncover(name);
        }
    }

    fn unset_command(&mut self, args: &[String]) {
        match args {
            // Without a normal variable, that of the cache shows again.
            [name] if !name.starts_with("ENV{") => self.variables.uncover(name),
            [name, kind] if kind == "CACHE" => {
                self.variables.set_cached(name, None);
            }
            [name, kind] if kind == "PARENT_SCOPE" => {
                self.variables.set_in_parent(name, None);
            }
            _ => {}
        }
    }

    pub(super) fn option(&mut self, args: &[String]) {
        let [name, rest @ ..] = args else { return };
        let doc = rest.first().map_or("", String::as_str);
        // Whatever is written, it is one or the other.
        let is_on = rest.get(1).is_some_and(|value| is_true_constant(value));
        let default = if is_on { "ON" } else { "OFF" };
        self.spend(self.out.options.len() * 8);
        if self.out.options.iter().all(|(known, _, _)| known != name) && self.keep(name.len() + doc.len()) {
            self.out.options.push((name.clone(), default.to_owned(), doc.to_owned()));
        }
        // CMP0077: a normal variable decides.
        if self.variables.normal(name).is_some() && self.policy >= (3, 13) {
            return;
        }
        self.set_cached(name, default, false);
        if self.policy < (3, 13) {
            self.variables.uncover(name);
        }
    }

    /// An option that is only there while its conditions hold.
    fn dependent_option(&mut self, args: &[String]) {
        let [name, doc, on, conditions, off, ..] = args else { return };
        let holds = list::split(conditions, false).iter().all(|condition| {
            let spaced = condition.replace('(', " ( ").replace(')', " ) ");
            let words = crate::cmake::text::shell_words(&spaced);
            let words: Vec<Word> = words.into_iter().map(|text| Word { text, quoted: false }).collect();
            self.holds(&words)
        });
        if holds {
            self.option(&[name.clone(), doc.clone(), on.clone()]);
        } else {
            self.set(name, off);
        }
    }

    fn project(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        let top = self.out.project.is_none();
        let option = |key: &str| {
            let at = rest.iter().position(|arg| arg == key)?;
            rest.get(at + 1).cloned()
        };
        let given = option("VERSION");
        let version = given.clone().unwrap_or_default();
        let (source, binary) = (self.source_dir().to_owned(), self.binary_dir().to_owned());
        let is_top = if self.dir == 0 { "ON" } else { "OFF" };
        let parts: Vec<&str> = version.split('.').collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or("").to_owned();
        let mut values = vec![
            ("SOURCE_DIR", source),
            ("BINARY_DIR", binary),
            ("IS_TOP_LEVEL", is_top.to_owned()),
            ("VERSION", version.clone()),
            ("VERSION_MAJOR", part(0)),
            ("VERSION_MINOR", part(1)),
            ("VERSION_PATCH", part(2)),
            ("VERSION_TWEAK", part(3)),
        ];
        values.push(("DESCRIPTION", option("DESCRIPTION").unwrap_or_default()));
        values.push(("HOMEPAGE_URL", option("HOMEPAGE_URL").unwrap_or_default()));
        self.set("PROJECT_NAME", name);
        for (key, value) in &values {
            self.set(&format!("PROJECT_{key}"), value);
            self.set(&format!("{name}_{key}"), value);
            if matches!(*key, "SOURCE_DIR" | "BINARY_DIR" | "IS_TOP_LEVEL") {
                // To be seen by every folder, not only by those below.
                self.variables.set_cached(&format!("{name}_{key}"), Some(value));
            }
            if top && (key.starts_with("VERSION") || key.contains("DESC") || key.contains("HOME")) {
                self.set(&format!("CMAKE_PROJECT_{key}"), value);
            }
        }
        if top || self.dir == 0 {
            self.set("CMAKE_PROJECT_NAME", name);
        }
        if top {
            self.out.project = Some(name.clone());
            self.out.version = given;
        }
        self.languages(languages_of(rest));
    }

    fn languages(&mut self, named: &[String]) {
        let default = ["C".to_owned(), "CXX".to_owned()];
        let named = if named.is_empty() { &default } else { named };
        for language in named.iter().filter(|name| !matches!(&***name, "NONE" | "OPTIONAL")) {
            if !self.out.languages.contains(language) && self.keep(language.len() + 8) {
                self.out.languages.push(language.clone());
            }
        }
    }

    fn minimum(&mut self, args: &[String]) {
        let [keyword, asked, ..] = args else { return };
        if keyword != "VERSION" {
            return;
        }
        // Of a range the upper end decides which behaviour is meant.
        let asked = asked.split_once("...").map_or(&**asked, |(_, highest)| highest);
        let mut parts = asked.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        self.policy = (parts.next().unwrap_or(3), parts.next().unwrap_or(0));
        if version::compare(asked, VERSION).is_gt() {
            self.policy = (3, 31);
        }
        self.set("CMAKE_MINIMUM_REQUIRED_VERSION", asked);
    }

    fn cmake_property(&mut self, args: &[String]) {
        let [variable, property] = args else { return };
        let value = match &**property {
            "VARIABLES" => list::join(&self.variables.names()),
            _ => self.model.globals.get(property).cloned().unwrap_or_else(|| "NOTFOUND".into()),
        };
        self.set(variable, value);
    }

    fn message(&mut self, args: &[String]) {
        let Some((mode, text)) = args.split_first() else { return };
        if matches!(&**mode, "FATAL_ERROR" | "SEND_ERROR") {
            self.out.gives_up = true;
            self.note(format!("the description gives up here: {}", text.concat()));
        }
    }

    /// Sorts `ARGN` into options, single values and lists.
    fn parse_arguments(&mut self, args: &[String]) {
        let from_variables;
        let (prefix, specs, given): (&String, &[String], &[String]) = match args {
            [keyword, from, prefix, a, b, c] if keyword == "PARSE_ARGV" => {
                from_variables = self.arguments_from(from.parse().unwrap_or(0));
                (prefix, &[a.clone(), b.clone(), c.clone()], &from_variables)
            }
            [prefix, _, _, _, given @ ..] => (prefix, &args[1..4], given),
            _ => return,
        };
        let [options, singles, multiples] =
            [0, 1, 2].map(|at| specs.get(at).map_or_else(Vec::new, |names| list::split(names, false)));
        self.spend(given.len() * 8 * (options.len() + singles.len() + multiples.len()));
        if self.stopped {
            return;
        }
        let mut found: Vec<(&str, Vec<String>)> = Vec::new();
        let mut unparsed = Vec::new();
        let mut missing: Vec<&str> = Vec::new();
        // The keyword that takes values, and whether only one.
        let mut open: Option<(usize, bool)> = None;
        for word in given {
            let single = singles.contains(word);
            if options.contains(word) || single || multiples.contains(word) {
                open = None;
                if found.iter().all(|(name, _)| name != word) {
                    found.push((word, Vec::new()));
                }
                if !options.contains(word) {
                    open = found.iter().position(|(name, _)| name == word).map(|at| (at, single));
                }
            } else if let Some((at, single)) = open {
                found[at].1.push(word.clone());
                if single {
                    open = None;
                }
            } else {
                unparsed.push(word.clone());
            }
        }
        for name in &options {
            let given = found.iter().any(|(found, _)| found == name);
            self.set(&format!("{prefix}_{name}"), if given { "TRUE" } else { "FALSE" });
        }
        for name in singles.iter().chain(&multiples) {
            let variable = format!("{prefix}_{name}");
            match found.iter().find(|(found, _)| found == name) {
                Some((_, values)) if !values.is_empty() => self.set(&variable, list::join(values)),
                given => {
                    missing.extend(given.map(|(name, _)| *name));
                    self.unset(&variable);
                }
            }
        }
        self.set_or_unset(&format!("{prefix}_UNPARSED_ARGUMENTS"), &list::join(&unparsed));
        self.set_or_unset(&format!("{prefix}_KEYWORDS_MISSING_VALUES"), &list::join(&missing));
    }

    /// The arguments of the function that we are in, from `first` on.
    fn arguments_from(&self, first: usize) -> Vec<String> {
        let count = self.value("ARGC").parse().unwrap_or(0usize).min(super::calls::MOST_NUMBERED);
        (first..count).map(|at| self.value(&format!("ARGV{at}"))).collect()
    }

    fn set_or_unset(&mut self, name: &str, value: &str) {
        if value.is_empty() { self.unset(name) } else { self.set(name, value) }
    }
}

/// The languages among the arguments of `project()`.
fn languages_of(args: &[String]) -> &[String] {
    if let Some(at) = args.iter().position(|arg| arg == "LANGUAGES") {
        let rest = &args[at + 1..];
        let end = rest.iter().position(|arg| matches!(&**arg, "VERSION" | "DESCRIPTION" | "HOMEPAGE_URL"));
        return &rest[..end.unwrap_or(rest.len())];
    }
    let keyword = |arg: &String| matches!(&**arg, "VERSION" | "DESCRIPTION" | "HOMEPAGE_URL");
    if args.iter().any(keyword) { &[] } else { args }
}

/// Compile features that every Clang in use has.
const CXX_FEATURES: [&str; 26] = [
    "cxx_std_98",
    "cxx_std_11",
    "cxx_std_14",
    "cxx_std_17",
    "cxx_std_20",
    "cxx_std_23",
    "cxx_alias_templates",
    "cxx_auto_type",
    "cxx_constexpr",
    "cxx_decltype",
    "cxx_default_function_template_args",
    "cxx_defaulted_functions",
    "cxx_deleted_functions",
    "cxx_generic_lambdas",
    "cxx_lambdas",
    "cxx_noexcept",
    "cxx_nullptr",
    "cxx_override",
    "cxx_range_for",
    "cxx_relaxed_constexpr",
    "cxx_return_type_deduction",
    "cxx_rvalue_references",
    "cxx_static_assert",
    "cxx_strong_enums",
    "cxx_variable_templates",
    "cxx_variadic_templates",
];
