//! Commands that would reach outside of the description: processes, tests, installation,
//! generated files.

use super::Reader;
use crate::cmake::text::{c_identifier, path};
use crate::cmake::{Ask, ExportHeader};

/// Words that end the list of targets of `install(TARGETS …)`.
const INSTALL_KEYWORDS: [&str; 22] = [
    "EXPORT",
    "RUNTIME_DEPENDENCIES",
    "RUNTIME_DEPENDENCY_SET",
    "ARCHIVE",
    "LIBRARY",
    "RUNTIME",
    "OBJECTS",
    "FRAMEWORK",
    "BUNDLE",
    "PRIVATE_HEADER",
    "PUBLIC_HEADER",
    "RESOURCE",
    "FILE_SET",
    "CXX_MODULES_BMI",
    "DESTINATION",
    "PERMISSIONS",
    "CONFIGURATIONS",
    "COMPONENT",
    "OPTIONAL",
    "EXCLUDE_FROM_ALL",
    "INCLUDES",
    "NAMELINK_ONLY",
];

/// Words that end the outputs of a custom command.
const COMMAND_KEYWORDS: [&str; 22] = [
    "COMMAND",
    "ARGS",
    "MAIN_DEPENDENCY",
    "DEPENDS",
    "BYPRODUCTS",
    "IMPLICIT_DEPENDS",
    "WORKING_DIRECTORY",
    "COMMENT",
    "DEPFILE",
    "JOB_POOL",
    "JOB_SERVER_AWARE",
    "VERBATIM",
    "APPEND",
    "USES_TERMINAL",
    "CODEGEN",
    "COMMAND_EXPAND_LISTS",
    "DEPENDS_EXPLICIT_ONLY",
    "OUTPUT",
    "TARGET",
    "PRE_BUILD",
    "PRE_LINK",
    "POST_BUILD",
];

impl Reader<'_> {
    /// Runs a command that would reach outside.
    pub(super) fn outside_command(&mut self, name: &str, args: &[String]) -> bool {
        match name {
            "execute_process" | "exec_program" => self.execute_process(name, args),
            "try_compile" | "try_run" => self.try_compile(name, args),
            "add_custom_command" => self.add_custom_command(args),
            "add_custom_target" => self.add_custom_target(args),
            "install" => self.install(args),
            "add_test"
            | "gtest_discover_tests"
            | "gtest_add_tests"
            | "catch_discover_tests"
            | "doctest_discover_tests" => self.add_test(args),
            "generate_export_header" => self.generate_export_header(args),
            "configure_package_config_file" => {}
            "externalproject_add" => self.external_project(args),
            "fetchcontent_makeavailable" | "fetchcontent_populate" => {
                self.note(format!("`{name}` would fetch something; that is left out"));
            }
            "fetchcontent_getproperties" => {
                if let Some(name) = args.first() {
                    self.set(&format!("{}_POPULATED", name.to_ascii_lowercase()), "TRUE");
                }
            }
            _ => return false,
        }
        true
    }

    /// Another project is not built; where its sources would have to lie in this one and do not, nobody
    /// could build it.
    fn external_project(&mut self, args: &[String]) {
        let after = |key: &str| args.iter().position(|word| word == key).and_then(|at| args.get(at + 1));
        let fetches = ["URL", "GIT_REPOSITORY", "SVN_REPOSITORY", "HG_REPOSITORY", "CVS_REPOSITORY"]
            .iter()
            .any(|key| after(key).is_some())
            || after("DOWNLOAD_COMMAND").is_some_and(|command| !command.is_empty());
        let Some(dir) = after("SOURCE_DIR").filter(|_| !fetches).map(|dir| self.in_source(dir)) else {
            return self.note("`externalproject_add` would fetch something; that is left out".to_owned());
        };
        if !self.dir_exists(&dir) {
            self.out.gives_up = true;
            self.note(format!("the other project in `{}` is not there", path::file_path(&dir)));
        }
    }

    fn execute_process(&mut self, name: &str, args: &[String]) {
        let after = |key: &str| {
            let at = args.iter().position(|word| word == key)?;
            args.get(at + 1)
        };
        for key in ["OUTPUT_VARIABLE", "ERROR_VARIABLE"] {
            if let Some(out) = after(key) {
                self.set(out, "");
            }
        }
        for key in ["RESULT_VARIABLE", "RESULTS_VARIABLE", "RETURN_VALUE"] {
            if let Some(out) = after(key) {
                self.set(out, "1");
            }
        }
        self.copies(args);
        let command = after("COMMAND").or_else(|| args.first()).map_or("", String::as_str);
        self.note(format!("`{name}` is not run: {command}"));
    }

    fn try_compile(&mut self, name: &str, args: &[String]) {
        let results = if name == "try_run" { 2 } else { 1 };
        if name == "try_compile" && self.tried(args) {
            return;
        }
        for (at, out) in args.iter().take(results).enumerate() {
            // Of `try_run` the first is the exit code.
            let value = if results == 2 && at == 0 { "1" } else { "FALSE" };
            self.variables.set_cached(out, Some(value));
        }
        self.note(format!("`{name}` is not run"));
    }

    /// Asks whether a source of the project compiles by itself; tells whether that is known.
    fn tried(&mut self, args: &[String]) -> bool {
        let Some((out, rest)) = args.split_first() else { return false };
        let is_source = |word: &&String| [".c", ".cc", ".cpp", ".cxx"].iter().any(|ext| word.ends_with(ext));
        let mut named = rest.iter().take_while(|word| *word != "CMAKE_FLAGS").filter(is_source);
        let (Some(source), None) = (named.next(), named.next()) else { return false };
        let file = self.in_source(source);
        let Some(text) = self.content(&file) else { return false };
        let text = String::from_utf8_lossy(&text).into_owned();
        let definitions = rest.iter().skip_while(|word| *word != "COMPILE_DEFINITIONS").skip(1);
        let ask = Ask::Compiles { source: text, run: false, no_link: false };
        let mut question = self.question(ask, !source.ends_with(".c"));
        question.flags = definitions.take_while(|word| word.starts_with("-D")).cloned().collect();
        question.include_dirs = path::file_path(&file).parent().into_iter().collect();
        let answer = (self.answer)(&question);
        self.spend(1000);
        if let Some(compiles) = answer {
            self.variables.set_cached(out, Some(if compiles { "TRUE" } else { "FALSE" }));
        }
        answer.is_some()
    }

    fn add_custom_command(&mut self, args: &[String]) {
        let mut section = "";
        for word in args {
            if COMMAND_KEYWORDS.contains(&&**word) {
                section = word;
            } else if matches!(section, "OUTPUT" | "BYPRODUCTS") {
                let output = self.in_binary(word);
                self.add_output(output);
            }
        }
        self.copies(args);
    }

    /// What CMake itself would copy into the build folder needs no process.
    fn copies(&mut self, args: &[String]) {
        let verbs = ["copy", "copy_if_different"];
        for (at, _) in args.iter().enumerate().filter(|(_, word)| *word == "-E") {
            let Some((verb, words)) = args.get(at + 1..).and_then(<[String]>::split_first) else { continue };
            if !verbs.contains(&&**verb) {
                continue;
            }
            let words = words.iter().take_while(|word| !COMMAND_KEYWORDS.contains(&&***word));
            let words: Vec<String> = words.cloned().collect();
            let [files @ .., to] = &*words else { continue };
            let to = self.in_binary(to);
            let is_dir =
                self.model.outputs.iter().all(|output| *output != to) && !path::name(&to).contains('.');
            for file in files {
                let from = self.in_source(file);
                let to = if is_dir { format!("{to}/{}", path::name(file)) } else { to.clone() };
                if self.file_exists(&from) {
                    self.configured_file(&from, &to, true, false);
                }
            }
        }
    }

    fn add_output(&mut self, absolute: String) {
        if self.keep(absolute.len() + 50) {
            self.model.outputs.insert(absolute);
        }
    }

    fn add_custom_target(&mut self, args: &[String]) {
        let Some((name, rest)) = args.split_first() else { return };
        if self.keep(name.len() + 50) {
            self.model.custom.insert(name.clone());
        }
        if let Some(at) = rest.iter().position(|word| word == "BYPRODUCTS") {
            self.add_custom_command(&rest[at..]);
        }
    }

    fn install(&mut self, args: &[String]) {
        let [what, rest @ ..] = args else { return };
        if what != "TARGETS" {
            return;
        }
        for name in rest.iter().take_while(|word| !INSTALL_KEYWORDS.contains(&&***word)) {
            if self.keep(name.len() + 24) {
                self.model.installed.insert(name.clone());
            }
        }
    }

    /// Every word of a test's command may name a target.
    fn add_test(&mut self, args: &[String]) {
        for word in args.iter().filter(|word| word.len() < 1000) {
            let inner = word.split_once("$<TARGET_FILE:").and_then(|(_, rest)| rest.split_once('>'));
            let name = inner.map_or(&**word, |(name, _)| name).to_owned();
            if self.keep(name.len() + 24) {
                self.model.tested.insert(name);
            }
        }
    }

    fn generate_export_header(&mut self, args: &[String]) {
        let Some((target, rest)) = args.split_first() else { return };
        let after = |key: &str| {
            let at = rest.iter().position(|word| word == key)?;
            rest.get(at + 1).cloned()
        };
        let base = after("BASE_NAME").unwrap_or_else(|| target.clone());
        let upper = c_identifier(&base.to_ascii_uppercase());
        let prefix = after("PREFIX_NAME").unwrap_or_default();
        let name = |key: &str, suffix: &str| {
            let plain = |name: String| c_identifier(&format!("{prefix}{name}"));
            plain(after(key).unwrap_or_else(|| format!("{upper}_{suffix}")))
        };
        let export_macro = name("EXPORT_MACRO_NAME", "EXPORT");
        let file = after("EXPORT_FILE_NAME");
        let file = file.unwrap_or_else(|| format!("{}_export.h", base.to_ascii_lowercase()));
        let output = self.in_binary(&file);
        let custom = after("CUSTOM_CONTENT_FROM_VARIABLE");
        let define_symbol = self.model.target(target).and_then(|item| item.properties.get("DEFINE_SYMBOL"));
        let define_symbol = define_symbol.cloned();
        let header = ExportHeader {
            target: target.clone(),
            output: path::file_path(&output),
            base_name: upper.clone(),
            no_export_macro: name("NO_EXPORT_MACRO_NAME", "NO_EXPORT"),
            deprecated_macro: name("DEPRECATED_MACRO_NAME", "DEPRECATED"),
            no_deprecated_macro: name("NO_DEPRECATED_MACRO_NAME", "NO_DEPRECATED"),
            static_define: name("STATIC_DEFINE", "STATIC_DEFINE"),
            define_symbol: define_symbol.unwrap_or_else(|| c_identifier(&format!("{target}_EXPORTS"))),
            include_guard: after("INCLUDE_GUARD_NAME").unwrap_or_else(|| format!("{export_macro}_H")),
            define_no_deprecated: rest.iter().any(|word| word == "DEFINE_NO_DEPRECATED"),
            custom_content: custom.map(|variable| self.value(&variable)).unwrap_or_default(),
            export_macro,
        };
        if self.keep(output.len() + 1000 + header.custom_content.len()) {
            self.out.export_headers.push(header);
            self.add_output(output);
        }
    }
}
