//! The macros of autoconf, automake, libtool and the usual archive that decide something.

use crate::described::value;
use crate::generate::{Check, Known, check, check_headers};
use crate::standard::{has_function, has_header, takes_flag};

use super::configure::Configure;
use super::m4::{bare, content, unquoted, words};

/// Libraries that are part of every system.
const LIBRARIES: [&str; 6] = ["m", "pthread", "dl", "rt", "c", "util"];

impl Configure<'_> {
    /// Follows the macro `name`; tells whether it succeeds.
    pub(super) fn macro_call(&mut self, name: &str, all: &[String]) -> bool {
        match name {
            "AS_IF" => return self.chosen(all),
            "AS_CASE" => return self.cased(all),
            "AS_VAR_IF" => {
                let part = |at: usize| {
                    all.get(at).map(|text| self.plain(&self.expand(&unquoted(text)))).unwrap_or_default()
                };
                let value = self.variables.get(&part(0)).cloned().unwrap_or_default();
                return self.run_argument(all.get(if value == part(1) { 2 } else { 3 }));
            }
            "m4_if" | "ifelse" => {
                let is_same = all.len() > 1 && self.plain(&all[0]) == self.plain(&all[1]);
                return self.run_argument(all.get(if is_same { 2 } else { 3 }));
            }
            "m4_ifdef" | "ifdef" => {
                let is_known = all.first().is_some_and(|name| self.bodies.contains_key(&bare(name)));
                return self.run_argument(all.get(if is_known { 1 } else { 2 }));
            }
            "m4_ifval" | "m4_ifvaln" => {
                let has_value = all.first().is_some_and(|text| !bare(text).is_empty());
                return self.run_argument(all.get(if has_value { 1 } else { 2 }));
            }
            _ => self.decided(name, all),
        }
        true
    }

    fn decided(&mut self, name: &str, all: &[String]) {
        let arg = |at: usize| all.get(at).map(String::as_str).unwrap_or_default();
        match name {
            "AC_INIT" => self.init(all),
            "AM_INIT_AUTOMAKE" => self.init_automake(arg(0), arg(1)),
            "m4_define" | "define" | "m4_define_default" | "AC_DEFUN" | "AC_DEFUN_ONCE" | "AU_DEFUN" => {
                self.bodies.insert(bare(arg(0)), unquoted(arg(1)));
            }
            "m4_include" | "sinclude" | "m4_sinclude" => self.include(&bare(arg(0))),
            "AC_DEFINE" => self.defined(arg(0), &unquoted(if all.len() > 1 { arg(1) } else { "1" })),
            "AC_DEFINE_UNQUOTED" => {
                let text = unquoted(if all.len() > 1 { arg(1) } else { "1" });
                let value = self.expand_quoting(&text);
                // What nothing is known of is not defined.
                if !value.is_empty() || !text.contains(['$', '`']) {
                    self.defined(arg(0), &value);
                    if names_in(&text).any(|name| self.unknown.contains(name)) {
                        self.unsure.insert(bare(arg(0)));
                    }
                }
            }
            "AC_SUBST" if all.len() == 1 => drop(self.substituted.insert(bare(arg(0)))),
            "AS_VAR_SET" | "AS_VAR_COPY" | "AS_VAR_APPEND" => {
                let text =
                    if name == "AS_VAR_COPY" { format!("${}", bare(arg(1))) } else { unquoted(arg(1)) };
                let text = self.expand(&text);
                let variable = self.variables.entry(bare(arg(0))).or_default();
                if name == "AS_VAR_APPEND" { *variable += &text } else { *variable = text }
            }
            "AC_SUBST" => {
                self.substituted.insert(bare(arg(0)));
                let text = self.plain(&self.expand(arg(1)));
                self.variables.insert(bare(arg(0)), text);
            }
            "AM_CONDITIONAL" => {
                let holds = self.run_argument(all.get(1));
                self.conditions.insert(bare(arg(0)), holds);
            }
            "AC_CONFIG_HEADERS" | "AM_CONFIG_HEADER" | "AC_CONFIG_HEADER" => {
                let all = words(&self.put_in(&self.expand(arg(0))));
                self.headers.extend(all.iter().map(|word| with_template(word)));
            }
            "AC_CONFIG_FILES" | "AC_OUTPUT" => {
                let all = words(&self.put_in(&self.expand(arg(0))));
                self.made.extend(all.iter().map(|word| with_template(word)));
            }
            "AC_CONFIG_LINKS" => {
                let all = words(&self.expand(&unquoted(arg(0))));
                let pairs = all.iter().filter_map(|word| word.split_once(':'));
                self.links.extend(pairs.map(|(name, source)| (name.to_owned(), source.to_owned())));
            }
            "AC_CONFIG_COMMANDS" => {
                // They are another shell's, when all is decided.
                let before = self.variables.clone();
                self.run_argument(all.get(1));
                self.variables = before;
            }
            "AC_LANG_WERROR" => self.is_strict = true,
            "AH_TOP" => self.around.0 += &format!("{}\n", unquoted(arg(0))),
            "AH_BOTTOM" => self.around.1 += &format!("{}\n", unquoted(arg(0))),
            "AH_VERBATIM" => self.around.1 += &format!("{}\n", unquoted(arg(1))),
            "AC_ARG_ENABLE" | "AC_ARG_WITH" => self.feature(name, all),
            "AC_CACHE_CHECK" | "AC_CACHE_VAL" => {
                self.run_argument(all.get(if name == "AC_CACHE_CHECK" { 2 } else { 1 }));
            }
            "PKG_CHECK_MODULES" => {
                let holds = all.len() < 4 || gives_up(arg(3));
                self.run_argument(all.get(if holds { 2 } else { 3 }));
            }
            "PKG_CHECK_EXISTS" => drop(self.run_argument(all.get(2))),
            "AX_NEED_STDINT_H" | "AC_NEED_STDINT_H" | "AX_CREATE_STDINT_H" | "AC_CREATE_STDINT_H" => {
                let name = Some(bare(arg(0))).filter(|name| !name.is_empty());
                self.integers.push(name.unwrap_or_else(|| "_stdint.h".to_owned()));
            }
            "AX_PTHREAD" | "ACX_PTHREAD" => {
                self.defined("HAVE_PTHREAD", "1");
                self.run_argument(all.first());
            }
            _ => self.question(name, all),
        }
    }

    fn init(&mut self, all: &[String]) {
        let part = |at: usize| {
            let text = all.get(at).map(|text| self.plain(text)).unwrap_or_default();
            text.replace(['"', '\n', '\\'], " ").trim().to_owned()
        };
        let (name, version, bugs, url) = (part(0), part(1), part(2), part(4));
        let plain: String = name
            .to_ascii_lowercase()
            .trim_start_matches("gnu ")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
            .collect();
        let short = Some(part(3)).filter(|short| !short.is_empty()).unwrap_or(plain);
        self.is_begun = true;
        self.is_package = !name.is_empty();
        for header in
            ["inttypes", "stdint", "stdio", "stdlib", "string", "strings", "unistd", "sys/stat", "sys/types"]
        {
            let header = format!("{header}.h");
            self.asks(&have(&header), check_headers(&[header]));
        }
        self.define("STDC_HEADERS", value("1"));
        for (key, text) in [
            ("PACKAGE_NAME", name.clone()),
            ("PACKAGE_TARNAME", short),
            ("PACKAGE_VERSION", version.clone()),
            ("PACKAGE_STRING", format!("{name} {version}")),
            ("PACKAGE_BUGREPORT", bugs),
            ("PACKAGE_URL", url),
        ] {
            if text.contains("m4_") {
                // What M4 would make of it is not known.
                self.define(key, Known::Value(None));
                self.unknown.insert(key.to_owned());
                continue;
            }
            self.define(key, value(format!("\"{text}\"")));
            self.variables.insert(key.to_owned(), text);
        }
    }

    fn init_automake(&mut self, first: &str, second: &str) {
        // Of old: the package and its version.
        let old = Some(second).filter(|version| !version.is_empty());
        let known = |name: &str| self.variables.get(name).cloned().unwrap_or_default();
        let package = old.map_or_else(|| known("PACKAGE_TARNAME"), |_| self.plain(&self.expand(first)));
        let version =
            old.map_or_else(|| known("PACKAGE_VERSION"), |version| self.plain(&self.expand(version)));
        self.is_package |= !package.is_empty();
        let is_quiet = words(first).iter().any(|word| word == "no-define");
        for (name, text) in [("PACKAGE", package), ("VERSION", version)] {
            if !is_quiet {
                self.define(name, value(format!("\"{text}\"")));
            }
            self.variables.insert(name.to_owned(), text);
        }
    }

    fn include(&mut self, name: &str) {
        let path = crate::described::place(&self.dir, name.as_bytes());
        if let Some(text) = path.and_then(|path| self.files.read(&path)) {
            let text = String::from_utf8_lossy(&text).into_owned();
            self.mention(&text);
            self.run(&text);
        }
    }

    pub(super) fn defined(&mut self, name: &str, text: &str) {
        let name = self.plain(name);
        let text = self.plain_value(text);
        self.define(&name, value(text));
    }

    /// A value as the header holds it.
    fn plain_value(&self, text: &str) -> String {
        match self.bodies.contains_key(text.trim()) {
            true => self.plain(text),
            false => unquoted(text.trim()),
        }
    }

    /// `text` with variables put in, its quotes kept: they are for C.
    fn expand_quoting(&self, text: &str) -> String {
        self.expand(&text.replace('"', "\\\""))
    }

    /// A feature or package that the user may ask for, and has not.
    fn feature(&mut self, name: &str, all: &[String]) {
        let key = bare(all.first().map(String::as_str).unwrap_or_default()).replace(['-', '.'], "_");
        let prefix = if name == "AC_ARG_WITH" { "with_" } else { "enable_" };
        self.variables.entry(format!("{prefix}{key}")).or_default();
        self.run_argument(all.get(3));
    }

    fn chosen(&mut self, all: &[String]) -> bool {
        let mut rest = all.iter();
        while let Some(condition) = rest.next() {
            let Some(body) = rest.next() else { return self.run_argument(Some(condition)) };
            if self.run_argument(Some(condition)) {
                return self.run_argument(Some(body));
            }
        }
        true
    }

    fn cased(&mut self, all: &[String]) -> bool {
        let mut text = format!("case {} in\n", all.first().map(|word| content(word)).unwrap_or_default());
        let mut rest = all.iter().skip(1);
        while let Some(pattern) = rest.next() {
            match rest.next() {
                Some(body) => text += &format!("[{}]) {}\n;;\n", content(pattern), content(body)),
                None => text += &format!("*) {}\n;;\n", content(pattern)),
            }
        }
        self.run(&(text + "esac\n"))
    }

    /// Something that is asked of the system.
    fn question(&mut self, name: &str, all: &[String]) {
        let arg = |at: usize| all.get(at).map(String::as_str).unwrap_or_default();
        match name {
            "AC_CHECK_HEADERS" | "AC_CHECK_HEADERS_ONCE" | "AC_CHECK_HEADER" => {
                for header in words(arg(0)) {
                    let holds = has_header(&header) || gives_up(arg(2));
                    self.answered(&format!("ac_cv_header_{}", small(&header)), holds);
                    if name != "AC_CHECK_HEADER" {
                        self.asks(&have(&header), check_headers(&[header]));
                    }
                    self.run_argument(all.get(if holds { 1 } else { 2 }));
                }
            }
            "AC_CHECK_FUNCS" | "AC_CHECK_FUNCS_ONCE" | "AC_CHECK_FUNC" | "AC_REPLACE_FUNCS" => {
                for function in words(arg(0)) {
                    let holds = has_function(&function);
                    self.answered(&format!("ac_cv_func_{}", small(&function)), holds);
                    if name != "AC_CHECK_FUNC" {
                        self.asks(&have(&function), Check::Declared(vec![function]));
                    }
                    self.run_argument(all.get(if holds { 1 } else { 2 }));
                }
            }
            "AC_CHECK_DECLS" | "AC_CHECK_DECLS_ONCE" | "AC_CHECK_DECL" => {
                for one in split(arg(0)) {
                    let holds = has_function(&one);
                    self.answered(&format!("ac_cv_have_decl_{}", small(&one)), holds);
                    let known = Known::Number(Check::Declared(vec![one.clone()]));
                    if name != "AC_CHECK_DECL" {
                        self.define(&format!("HAVE_DECL_{}", capital(&one)), known);
                    }
                    self.run_argument(all.get(if holds { 1 } else { 2 }));
                }
            }
            "AC_CHECK_TYPES" | "AC_CHECK_TYPE" | "AC_CHECK_MEMBERS" | "AC_CHECK_MEMBER" => {
                for one in split(arg(0)) {
                    let last = one.rsplit(['.', ' ']).next().unwrap_or(&one).to_owned();
                    let holds = !one.starts_with(|c: char| c.is_ascii_uppercase());
                    let kind = if name.starts_with("AC_CHECK_TYPE") { "type" } else { "member" };
                    self.answered(&format!("ac_cv_{kind}_{}", small(&one)), holds);
                    if name.ends_with('S') {
                        self.asks(&format!("HAVE_{}", capital(&one)), Check::Declared(vec![last]));
                    }
                    self.run_argument(all.get(if holds { 1 } else { 2 }));
                }
            }
            "AC_CHECK_LIB" | "AC_SEARCH_LIBS" => self.library(name, all),
            "AC_CHECK_SIZEOF" => {
                let key = format!("SIZEOF_{}", capital(&bare(arg(0)).replace('*', "P")));
                let size = match bare(arg(0))
                    .trim_start_matches("unsigned ")
                    .trim_start_matches("u_")
                    .trim_start_matches('u')
                {
                    "char" | "int8_t" => 1,
                    "short" | "int16_t" => 2,
                    "int" | "float" | "int32_t" => 4,
                    "long double" => 16,
                    _ => 8,
                };
                self.variables.insert(format!("ac_cv_sizeof_{}", small(&bare(arg(0)))), size.to_string());
                self.asks(&key, check(&key));
            }
            "AC_C_BIGENDIAN" => {
                self.asks("WORDS_BIGENDIAN", check("WORDS_BIGENDIAN"));
                self.variables.insert("ac_cv_c_bigendian".to_owned(), "no".to_owned());
                self.run_argument(all.get(1));
            }
            // What cannot be run is answered as for another machine.
            "AC_RUN_IFELSE" | "AC_TRY_RUN" if all.len() > 3 && !bare(arg(3)).is_empty() => {
                self.run_argument(all.get(3));
            }
            "AC_PREPROC_IFELSE" => {
                let holds = self.preprocesses(arg(0));
                self.run_argument(all.get(if holds { 1 } else { 2 }));
            }
            "AC_COMPILE_IFELSE" | "AC_LINK_IFELSE" | "AC_RUN_IFELSE" => {
                let holds = self.takes_program(arg(0));
                self.run_argument(all.get(if holds { 1 } else { 2 }));
            }
            "AC_TRY_COMPILE" | "AC_TRY_LINK" => {
                let holds = self.takes_main(arg(0), arg(1));
                self.run_argument(all.get(if holds { 2 } else { 3 }));
            }
            "AC_EGREP_HEADER" => {
                let holds = self.is_in_header(&bare(arg(0)), &bare(arg(1)));
                self.run_argument(all.get(if holds { 2 } else { 3 }));
            }
            "AC_TRY_RUN" => {
                let holds = self.takes_program(arg(0));
                self.run_argument(all.get(if holds { 1 } else { 2 }));
            }
            "AX_CHECK_COMPILE_FLAG" | "AX_CHECK_LINK_FLAG" | "AX_CHECK_PREPROC_FLAG" | "AX_CHECK_CFLAGS" => {
                let holds = bare(arg(0)).split_ascii_whitespace().all(takes_flag);
                self.run_argument(all.get(if holds { 1 } else { 2 }));
            }
            "AC_USE_SYSTEM_EXTENSIONS" | "AC_GNU_SOURCE" | "gl_EARLY" => self.defined("_GNU_SOURCE", "1"),
            "AC_FUNC_ALLOCA" => {
                self.defined("HAVE_ALLOCA_H", "1");
                self.defined("HAVE_ALLOCA", "1");
            }
            "AC_HEADER_STDC" => self.defined("STDC_HEADERS", "1"),
            "AC_HEADER_TIME" => self.defined("TIME_WITH_SYS_TIME", "1"),
            "AC_HEADER_DIRENT" => self.defined("HAVE_DIRENT_H", "1"),
            "AC_HEADER_STDBOOL" | "AC_CHECK_HEADER_STDBOOL" => {
                self.defined("HAVE_STDBOOL_H", "1");
                self.defined("HAVE__BOOL", "1");
            }
            "AC_C_STRINGIZE" => self.defined("HAVE_STRINGIZE", "1"),
            "AC_FUNC_MMAP" => self.defined("HAVE_MMAP", "1"),
            "AC_FUNC_STRERROR_R" => self.defined("HAVE_STRERROR_R", "1"),
            "AC_FUNC_FORK" => {
                self.defined("HAVE_FORK", "1");
                self.defined("HAVE_WORKING_FORK", "1");
            }
            _ if self.flag_macro(name, all) => {}
            _ => self.own(name, all),
        }
    }

    fn library(&mut self, name: &str, all: &[String]) {
        let arg = |at: usize| all.get(at).map(String::as_str).unwrap_or_default();
        let searched = if name == "AC_CHECK_LIB" { words(arg(0)) } else { words(arg(1)) };
        let holds = searched.iter().any(|library| LIBRARIES.contains(&library.as_str()))
            || (name == "AC_SEARCH_LIBS" && has_function(&bare(arg(0))))
            || gives_up(arg(3));
        let has_then = all.get(2).is_some_and(|text| !bare(text).is_empty());
        if name == "AC_CHECK_LIB" && holds && !has_then {
            self.defined(&format!("HAVE_LIB{}", capital(&bare(arg(0)))), "1");
        }
        self.run_argument(all.get(if holds { 2 } else { 3 }));
    }

    /// Whether a header of the system says something of `word`, if it is one.
    fn is_in_header(&self, word: &str, header: &str) -> bool {
        let is_word = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let program = format!("#include <{header}>\nint main(void) {{ return (int)sizeof({word}); }}\n");
        let answer = || self.files.compiles(&program, self.is_cxx.last() == Some(&true));
        is_word && has_header(header) && answer().unwrap_or_else(|| has_function(word))
    }

    /// A macro of the project's own, or one that is called like those that are known.
    fn own(&mut self, name: &str, all: &[String]) {
        for known in ["AC_CHECK_FUNCS", "AC_CHECK_HEADERS", "AC_CHECK_DECLS"] {
            if name != known && name.contains(known.trim_start_matches("AC_")) {
                return self.question(known, all);
            }
        }
        let Some(body) = self.bodies.get(name) else { return };
        let mut body = body.clone();
        for at in (1..=9).rev() {
            let text = all.get(at - 1).map(|text| unquoted(text)).unwrap_or_default();
            if body.len().saturating_mul(text.len().max(1)) < 10_000_000 {
                body = body.replace(&format!("${at}"), &text);
            }
        }
        self.mention(&body);
        self.run(&body);
    }
}

/// Whether there is no build where this is come to: what is asked for before it counts as there.
fn gives_up(text: &str) -> bool {
    let first = unquoted(text);
    ["AC_MSG_ERROR", "AC_MSG_FAILURE"].iter().any(|word| first.trim_start().starts_with(word))
}

/// The parts of a list with commas.
fn split(text: &str) -> Vec<String> {
    let parts = unquoted(text);
    parts.split(',').map(bare).filter(|part| !part.is_empty()).collect()
}

/// `out:template`, or `out` from `out.in`.
fn with_template(word: &str) -> (String, String) {
    match word.split_once(':') {
        Some((out, template)) => (out.to_owned(), template.split(':').next().unwrap_or(template).to_owned()),
        None => (word.to_owned(), format!("{word}.in")),
    }
}

fn small(name: &str) -> String {
    let one = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.replace('*', "p").chars().map(one).collect()
}

pub(super) fn capital(name: &str) -> String {
    small(name).to_ascii_uppercase()
}

fn have(name: &str) -> String {
    format!("HAVE_{}", capital(name))
}

/// The variables of the shell that a text holds.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default()
    })
}
