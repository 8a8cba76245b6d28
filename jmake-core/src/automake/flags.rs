//! Macros that put flags for compiler and linker together.

use crate::standard::takes_flag;

use super::configure::Configure;
use super::m4::{bare, unquoted};
use super::macros::capital;

/// Languages within languages are not followed deeper.
const DEEPEST: usize = 20;
/// The newest standard of C++ that a compiler goes by without being told.
const USUAL_STANDARD: u32 = 17;

impl Configure<'_> {
    /// Follows the macro `name` if it is one of these.
    pub(super) fn flag_macro(&mut self, name: &str, all: &[String]) -> bool {
        let arg = |at: usize| all.get(at).map(String::as_str).unwrap_or_default();
        match name {
            "AC_LANG" | "AC_LANG_PUSH" => {
                let is_cxx = bare(arg(0)) == "C++";
                if name == "AC_LANG" || self.is_cxx.len() >= DEEPEST {
                    self.is_cxx.pop();
                }
                self.is_cxx.push(is_cxx);
            }
            "AC_LANG_POP" => drop(self.is_cxx.pop()),
            "AC_LANG_C" => self.is_cxx = vec![false],
            "AC_LANG_CPLUSPLUS" => self.is_cxx = vec![true],
            "AX_APPEND_FLAG" => self.append(&unquoted(arg(0)), arg(1), ""),
            "AX_APPEND_COMPILE_FLAGS" => {
                let flags = self.expand(&unquoted(arg(0)));
                flags.split_ascii_whitespace().for_each(|flag| self.append_taken(flag, arg(1), ""));
            }
            "AX_APPEND_LINK_FLAGS" => {
                let flags = self.expand(&unquoted(arg(0)));
                flags.split_ascii_whitespace().for_each(|flag| self.append_taken(flag, arg(1), "LDFLAGS"));
            }
            "AX_CXX_COMPILE_STDCXX" => self.standard(&bare(arg(0)), &bare(arg(1))),
            "AX_CXX_COMPILE_STDCXX_0X" => self.standard("11", ""),
            "AX_CXX_COMPILE_STDCXX_11" | "AX_CXX_COMPILE_STDCXX_14" | "AX_CXX_COMPILE_STDCXX_17" => {
                self.standard(name.get(name.len() - 2..).unwrap_or_default(), &bare(arg(0)));
            }
            "AX_GCC_FUNC_ATTRIBUTE" => {
                let attribute = bare(arg(0));
                self.answered(&format!("ax_cv_have_func_attribute_{attribute}"), true);
                self.defined(&format!("HAVE_FUNC_ATTRIBUTE_{}", capital(&attribute)), "1");
            }
            // Of C only the newest standard knows the word of C++.
            "AX_TLS" => {
                let word = if self.is_cxx.last() == Some(&true) { "thread_local" } else { "_Thread_local" };
                self.defined("TLS", word);
                self.run_argument(all.first());
            }
            "gl_VISIBILITY" => self.visibility(),
            "gl_LD_VERSION_SCRIPT" => self.version_scripts(),
            // All modules of gnulib's that the project has; it may be called with a prefix.
            _ if name.ends_with("gl_INIT") => {
                self.visibility();
                self.version_scripts();
            }
            _ => return false,
        }
        true
    }

    /// Symbols can be hidden.
    fn visibility(&mut self) {
        self.variables.insert("CFLAG_VISIBILITY".to_owned(), "-fvisibility=hidden".to_owned());
        self.defined("HAVE_VISIBILITY", "1");
    }

    /// The linker takes version scripts.
    fn version_scripts(&mut self) {
        self.answered("have_ld_version_script", true);
        self.conditions.insert("HAVE_LD_VERSION_SCRIPT".to_owned(), true);
    }

    /// Adds a flag to a variable, by default to that of the language.
    fn append(&mut self, flag: &str, variable: &str, otherwise: &str) {
        let flag = self.expand(flag);
        let usual = match (otherwise, self.is_cxx.last()) {
            ("", Some(true)) => "CXXFLAGS",
            ("", _) => "CFLAGS",
            (other, _) => other,
        };
        let name = self.expand(&bare(variable));
        let name = if name.is_empty() { usual.to_owned() } else { name };
        let value = self.variables.entry(name).or_default();
        if !value.split_ascii_whitespace().any(|known| known == flag) {
            *value += &format!(" {flag}");
        }
    }

    fn append_taken(&mut self, flag: &str, variable: &str, otherwise: &str) {
        if takes_flag(flag) {
            self.append(flag, variable, otherwise);
        }
    }

    /// `AX_CXX_COMPILE_STDCXX`: tells the compiler a standard of C++ where it is newer than what
    /// every compiler goes by, or where only `with` extensions or without will do.
    fn standard(&mut self, level: &str, with: &str) {
        let Ok(number) = level.parse::<u32>() else { return };
        let family = if with == "noext" { "c++" } else { "gnu++" };
        if number > USUAL_STANDARD || !with.is_empty() {
            let compiler = self.variables.entry("CXX".to_owned()).or_default();
            *compiler += &format!(" -std={family}{number}");
        }
        self.defined(&format!("HAVE_CXX{number}"), "1");
    }
}
