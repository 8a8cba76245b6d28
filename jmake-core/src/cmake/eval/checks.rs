//! Checks of the system: what is asked is kept, and answered by whoever reads.

use super::Reader;
use crate::cmake::text::{self, list, path};
use crate::cmake::{Ask, Question};

/// The variables that checks are made with, which can be put aside.
const STATE: [&str; 8] = [
    "CMAKE_REQUIRED_FLAGS",
    "CMAKE_REQUIRED_DEFINITIONS",
    "CMAKE_REQUIRED_INCLUDES",
    "CMAKE_REQUIRED_LIBRARIES",
    "CMAKE_REQUIRED_LINK_OPTIONS",
    "CMAKE_REQUIRED_LINK_DIRECTORIES",
    "CMAKE_REQUIRED_QUIET",
    "CMAKE_EXTRA_INCLUDE_FILES",
];

/// The headers in a list.
fn headers_of(text: &str) -> Vec<String> {
    list::split(text, false)
}

impl Reader<'_> {
    /// Runs a command that asks about the system.
    pub(super) fn check_command(&mut self, name: &str, args: &[String]) -> bool {
        let cxx = name.contains("cxx");
        match (name, args) {
            ("check_include_file" | "check_include_file_cxx", [header, out, ..])
            | ("check_include_files", [header, out, ..]) => {
                let cxx = cxx || language_is_cxx(args);
                self.check(out, Ask::Header(headers_of(header)), cxx);
            }
            ("check_function_exists", [function, out]) => {
                self.check(out, Ask::Function(function.clone()), false);
            }
            ("check_symbol_exists" | "check_cxx_symbol_exists", [symbol, headers, out]) => {
                let ask = Ask::Symbol { name: symbol.clone(), headers: headers_of(headers) };
                self.check(out, ask, cxx);
            }
            ("check_variable_exists", [variable, out]) => {
                self.check(out, Ask::Variable(variable.clone()), false);
            }
            ("check_prototype_definition", [function, prototype, value, headers, out]) => {
                let includes: String =
                    headers_of(headers).iter().map(|header| format!("#include <{header}>\n")).collect();
                let source = format!(
                    "{includes}{prototype} {{ return {value}; }}\nint main(void) {{ return ({function}) == 0; }}\n"
                );
                self.check(out, Ask::Compiles { source, run: false, no_link: true }, false);
            }
            ("check_type_size", [name, out, rest @ ..]) => self.type_size(name, out, rest),
            ("check_struct_has_member", [structure, member, headers, out, rest @ ..]) => {
                let ask = Ask::StructMember {
                    structure: structure.clone(),
                    member: member.clone(),
                    headers: headers_of(headers),
                };
                self.check(out, ask, language_is_cxx(rest));
            }
            ("check_c_source_compiles" | "check_cxx_source_compiles", [source, out, ..]) => {
                self.check(
                    out,
                    Ask::Compiles { source: source.clone(), run: false, no_link: self.no_link() },
                    cxx,
                );
            }
            ("check_c_source_runs" | "check_cxx_source_runs", [source, out, ..]) => {
                self.check(out, Ask::Compiles { source: source.clone(), run: true, no_link: false }, cxx);
            }
            ("check_source_compiles" | "check_source_runs", [language, source, out, ..]) => {
                let run = name == "check_source_runs";
                let ask = Ask::Compiles { source: source.clone(), run, no_link: !run && self.no_link() };
                self.check(out, ask, language == "CXX");
            }
            ("check_c_compiler_flag" | "check_cxx_compiler_flag", [flag, out]) => {
                self.check(out, Ask::CompilerFlag(flag.clone()), cxx);
            }
            ("check_compiler_flag", [language, flag, out]) => {
                self.check(out, Ask::CompilerFlag(flag.clone()), language == "CXX");
            }
            ("check_linker_flag", [language, flag, out]) => {
                self.check(out, Ask::LinkerFlag(flag.clone()), language == "CXX");
            }
            ("check_library_exists", [library, function, _, out]) => {
                self.check(out, Ask::Library { name: library.clone(), function: function.clone() }, false);
            }
            ("test_big_endian", [out]) => {
                let big = self.machine.big_endian;
                self.variables.set_cached(out, Some(if big { "1" } else { "0" }));
            }
            ("check_ipo_supported", _) => self.ipo_supported(args),
            ("check_language", [language]) => {
                let value = if matches!(&**language, "C" | "CXX" | "ASM") { "clang" } else { "NOTFOUND" };
                self.set(&format!("CMAKE_{language}_COMPILER"), value);
            }
            ("check_pie_supported", _) => self.set("CMAKE_C_LINK_PIE_SUPPORTED", "YES"),
            ("cmake_push_check_state", _) => self.push_check_state(args),
            ("cmake_pop_check_state", _) => self.pop_check_state(),
            ("cmake_reset_check_state", _) => STATE.iter().for_each(|name| self.unset(name)),
            ("processorcount", [out]) => self.set(out, "1"),
            _ => return false,
        }
        true
    }

    fn no_link(&self) -> bool {
        self.value("CMAKE_TRY_COMPILE_TARGET_TYPE") == "STATIC_LIBRARY"
    }

    /// The question `ask`, with what checks are to be made with at this point.
    pub(super) fn question(&self, ask: Ask, cxx: bool) -> Question {
        let split = |name: &str| list::split(&self.value(name), false);
        let mut flags = text::shell_words(&self.value("CMAKE_REQUIRED_FLAGS").replace(';', " "));
        flags.extend(split("CMAKE_REQUIRED_DEFINITIONS"));
        let includes = split("CMAKE_REQUIRED_INCLUDES");
        let include_dirs = includes.iter().map(|dir| path::file_path(&self.in_source(dir))).collect();
        let libraries = split("CMAKE_REQUIRED_LIBRARIES");
        Question { ask, cxx, flags, include_dirs, libraries }
    }

    /// Asks, unless the variable has a value already, and keeps question and answer.
    fn check(&mut self, out: &str, ask: Ask, cxx: bool) {
        if self.variables.set_by_project(out).is_some() {
            return;
        }
        match self.ask(out, ask, cxx) {
            Some(true) => self.variables.set_cached(out, Some("1")),
            Some(false) => self.variables.set_cached(out, Some("")),
            // Unset, so that whoever makes a header can see that it was never decided.
            None => true,
        };
    }

    /// Asks, and keeps the question under the name of the variable.
    pub(super) fn ask(&mut self, out: &str, ask: Ask, cxx: bool) -> Option<bool> {
        let question = self.question(ask, cxx);
        let answer = (self.answer)(&question);
        self.spend(1000);
        if self.keep(out.len() + 1000) {
            self.out.checks.insert(out.to_owned(), question);
        }
        answer
    }

    fn type_size(&mut self, name: &str, out: &str, rest: &[String]) {
        let have = format!("HAVE_{out}");
        if self.variables.set_by_project(&have).is_some() {
            return;
        }
        let headers = list::split(&self.value("CMAKE_EXTRA_INCLUDE_FILES"), false);
        let answer = self.ask(out, Ask::TypeSize { name: name.to_owned(), headers }, language_is_cxx(rest));
        let size = known_size(name, self.machine.pointer_size);
        match (answer, size) {
            (Some(false), _) => {
                self.variables.set_cached(&have, Some("FALSE"));
                self.variables.set_cached(out, Some(""));
            }
            (None, None) => {}
            (_, size) => {
                self.variables.set_cached(&have, Some("TRUE"));
                let size = size.map_or_else(String::new, |size| size.to_string());
                self.variables.set_cached(out, Some(&size));
                self.set(&format!("{out}_CODE"), format!("#define {out} {size}"));
            }
        }
    }

    fn ipo_supported(&mut self, args: &[String]) {
        let after = |key: &str| {
            let at = args.iter().position(|word| word == key)?;
            args.get(at + 1)
        };
        if let Some(out) = after("RESULT") {
            self.set(out, "YES");
        }
        if let Some(out) = after("OUTPUT") {
            self.set(out, "");
        }
    }

    fn push_check_state(&mut self, args: &[String]) {
        let saved = STATE.map(|name| (name, self.defined_value(name)));
        if self.check_states.len() < super::DEEPEST {
            self.check_states.push(saved.to_vec());
        }
        if args.first().is_some_and(|word| word == "RESET") {
            STATE.iter().for_each(|name| self.unset(name));
        }
    }

    fn pop_check_state(&mut self) {
        for (name, value) in self.check_states.pop().unwrap_or_default() {
            match value {
                Some(value) => self.set(name, value),
                None => self.unset(name),
            }
        }
    }
}

fn language_is_cxx(args: &[String]) -> bool {
    args.windows(2).any(|pair| pair[0] == "LANGUAGE" && pair[1] == "CXX")
}

/// The size of the usual types where `int` has 4 bytes and `long` is as wide as a pointer: on all
/// Unix systems in use.
fn known_size(name: &str, pointer: u32) -> Option<u32> {
    let name = name.replace(" *", "*");
    if name.ends_with('*') {
        return Some(pointer);
    }
    Some(match &*name {
        "char" | "signed char" | "unsigned char" | "int8_t" | "uint8_t" | "bool" | "_Bool" => 1,
        "short" | "unsigned short" | "short int" | "int16_t" | "uint16_t" | "__int16" => 2,
        "int" | "unsigned" | "unsigned int" | "float" | "int32_t" | "uint32_t" | "wchar_t" | "pid_t"
        | "mode_t" | "uid_t" | "gid_t" | "socklen_t" | "wint_t" | "sig_atomic_t" => 4,
        "long" | "unsigned long" | "long int" | "size_t" | "ssize_t" | "ptrdiff_t" | "intptr_t"
        | "uintptr_t" | "time_t" | "clock_t" | "off_t" | "pthread_t" | "ino_t" | "suseconds_t" => pointer,
        "long long" | "unsigned long long" | "double" | "int64_t" | "uint64_t" | "off64_t" | "dev_t"
        | "intmax_t" | "uintmax_t" => 8,
        "__int128" | "__int128_t" | "unsigned __int128" => 16,
        _ => return None,
    })
}
