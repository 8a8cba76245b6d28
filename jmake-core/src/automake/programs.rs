//! Programs that `configure` would have compiled: what they are, and whether they compile.
//!
//! Where a program cannot compile here it does not.  Any other is put to the compiler, as long as its
//! text is certainly what `configure` would have written; where it is not, or nobody can be asked, what
//! it includes decides.

use crate::generate::{Check, Known};
use crate::standard::{compiles, has_function, takes_flag};

use super::configure::Configure;
use super::m4::{arguments, unquoted, whole};

/// Words that begin macros of the tools: with one in it a text is not what it will be.
const MACROS: [&str; 6] = ["AC_", "AS_", "AM_", "AX_", "m4_", "dnl "];
/// No program that asks something is longer.
const LONGEST: usize = 20_000;

impl Configure<'_> {
    /// Whether the program in an argument compiles with the flags there are now, whatever macro makes it.
    pub(super) fn takes_program(&self, argument: &str) -> bool {
        self.compiles(&program(argument))
    }

    /// The same of one that consists of what stands before `main`, and what stands in it.
    pub(super) fn takes_main(&self, before: &str, body: &str) -> bool {
        self.compiles(&with_main(&within(before), &within(body)))
    }

    /// Whether the text in an argument passes through the preprocessor.
    pub(super) fn preprocesses(&self, argument: &str) -> bool {
        let code = program(argument);
        self.takes_flags()
            && (compiles(&code) || self.fails_under_conditions(&code) && self.is_tried(&code) == Some(true))
    }

    fn compiles(&self, code: &str) -> bool {
        self.takes_flags()
            && match compiles(code) {
                true => self.is_tried(code) != Some(false),
                false => self.fails_under_conditions(code) && self.is_tried(code) == Some(true),
            }
    }

    fn takes_flags(&self) -> bool {
        let flags = ["CFLAGS", "CXXFLAGS", "CPPFLAGS"].iter().filter_map(|name| self.variables.get(*name));
        let mut flags = flags.flat_map(|text| text.split_ascii_whitespace());
        flags.all(|flag| !flag.starts_with("-m") || takes_flag(flag))
    }

    /// Whether it is only an `#error` that may keep a program from compiling.
    fn fails_under_conditions(&self, code: &str) -> bool {
        let without = code.replace("#error", "").replace("# error", "");
        without.len() < code.len() && compiles(&without)
    }

    /// What the compiler says of a program; `None` where nobody can be asked, or its text is not known.
    fn is_tried(&self, code: &str) -> Option<bool> {
        let is_cxx = self.is_cxx.last() == Some(&true);
        let text = self.written(code)?;
        self.files.compiles(&(self.known_macros(&text) + &self.strictly(&text) + &text), is_cxx)
    }

    /// What has an attribute that the compiler does not know keep a program from compiling, where
    /// complaints are errors.
    fn strictly(&self, text: &str) -> String {
        let flags = ["CFLAGS", "CXXFLAGS", "CPPFLAGS"].iter().filter_map(|name| self.variables.get(*name));
        let is_strict = self.is_strict || flags.into_iter().any(|flags| flags.contains("-Werror"));
        let names = if is_strict { attributes(text) } else { Vec::new() };
        let ask = |name| format!("#if !__has_attribute({name})\n#error {name}\n#endif\n");
        names.into_iter().map(ask).collect()
    }

    /// The program as the shell writes it; `None` where it is not known what that is.
    fn written(&self, code: &str) -> Option<String> {
        let is_macro = |word: &str| self.bodies.contains_key(word);
        let mut words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let is_plain = !MACROS.iter().any(|word| code.contains(word)) && !words.any(is_macro);
        if code.len() > LONGEST || !is_plain {
            return None;
        }
        let mut code = code.to_owned();
        for (sign, is) in [("@<:@", "["), ("@:>@", "]"), ("@%:@", "#"), ("@&t@", "")] {
            code = code.replace(sign, is);
        }
        let mut parts = code.split('$');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if out.ends_with('\\') || part.starts_with(['(', '$']) {
                return None;
            }
            let inner = part.strip_prefix('{');
            let rest = inner.unwrap_or(part);
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            let value = self.variables.get(name).filter(|_| !self.unknown.contains(name))?;
            out += value;
            out += match inner {
                Some(_) => rest.strip_prefix('}')?,
                None => rest,
            };
        }
        (!out.contains('`')).then_some(out)
    }

    /// What `configure` has found out by now and a program may want to know.
    fn known_macros(&self, text: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let asked = |name: &str| text.split(|c| !is_word(c)).any(|word| word == name);
        // The C library goes by names that begin like this.
        let counts = |name: &&String| name.starts_with('_') || asked(name);
        let names = self.defines.keys().filter(counts);
        names.filter_map(|name| definition(name, &self.defines[name])).collect()
    }
}

/// The first attribute of each `__attribute__` in a program.
fn attributes(code: &str) -> Vec<&str> {
    let names = code.split("__attribute__").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches([' ', '(']);
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// The line that defines the macro, where its value is known by now.
fn definition(name: &str, known: &Known) -> Option<String> {
    let holds = |check: &Check| match check {
        Check::Yes => Some(true),
        Check::No => Some(false),
        Check::Declared(names) => Some(names.iter().all(|name| has_function(name))),
        _ => None,
    };
    let (check, number) = match known {
        Known::Define(value) => return Some(format!("#define {name} {value}\n")),
        Known::Value(value) => return Some(format!("#define {name} {}\n", value.as_ref()?)),
        Known::Check(check) => (check, false),
        Known::Number(check) => (check, true),
    };
    match check {
        Check::Condition(condition) => Some(format!("#if {condition}\n#define {name} 1\n#endif\n")),
        check => match (holds(check)?, number) {
            (true, _) => Some(format!("#define {name} 1\n")),
            (false, true) => Some(format!("#define {name} 0\n")),
            (false, false) => None,
        },
    }
}

/// The text of a program in an argument, whatever macro makes it.
fn program(argument: &str) -> String {
    let inner = within(argument);
    let Some(call) = inner.trim_start().strip_prefix("AC_LANG_") else { return inner };
    let Some(open) = call.find('(') else { return inner };
    let all = arguments(call, open).map(|(all, _)| all).unwrap_or_default();
    let all: Vec<String> = all.into_iter().map(within).collect();
    let part = |at: usize| all.get(at).map(String::as_str).unwrap_or_default();
    match &call[..open] {
        "PROGRAM" => with_main(part(0), part(1)),
        _ => all.join("\n"),
    }
}

fn with_main(before: &str, body: &str) -> String {
    format!("{before}\nint main (void)\n{{\n{body}\n;\nreturn 0;\n}}\n")
}

/// What an argument is once all quotes around it are gone: it is looked at as often as they are deep.
fn within(argument: &str) -> String {
    let mut text = unquoted(argument);
    while let Some(inner) = whole(&text) {
        text = inner.to_owned();
    }
    text
}
