//! Headers that a project's own build would make from templates: `config.h.in`, `x.h.cmake`,
//! `pnglibconf.h.prebuilt`, and the export header that no template describes.
//!
//! configure and CMake ask the compiler once and write the answers down.  Here the question itself
//! is written into the header wherever the preprocessor can answer it (`__has_include`,
//! `__SIZEOF_LONG__`, `__has_builtin`): such a header is right for whatever it is compiled by, and
//! a header that is installed later is noticed by whoever includes it.  Only whether the system
//! declares a name must be asked beforehand ([`Checks::Declared`](Check::Declared)).
//!
//! What a macro asks is known by its name, as autoconf gives it (*Autoconf manual*, "Existing
//! Tests").

mod checks;
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::path::FilePath;

pub use checks::{Check, check, check_headers};
pub use render::{Rendered, names, render};

/// The folder that generated headers lie in, from the root; each below it where its template lies.
pub const DIR: &str = ".jmake/gen";

/// What a build description says of a name in a template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Known {
    /// Its value; `None` where it leaves it unset.
    Value(Option<String>),
    /// What the system is asked to give it one.
    Check(Check),
    /// What it is defined to, whatever that is: nothing and `0` too.
    Define(String),
    /// It is 1 where this holds and 0 elsewhere.
    Number(Check),
}

/// What is known of names in a template; of others their meaning is known by the name itself.
pub type Names = BTreeMap<String, Known>;

/// How a header is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Form {
    /// The template is the header.
    Copy,
    /// The template's questions are answered, some in the way the build description says.
    Template(Names),
    /// There is no template: the build description holds the text itself.
    Text(String),
    /// There is no template file: these are the lines of one.
    Lines {
        /// They.
        text: String,
        /// What is known of names in them.
        names: Names,
        /// Whether the header is included before all else.
        is_first: bool,
    },
    /// There is no template: these macros are answered, and the header is included before all else.
    Answers(Vec<String>),
    /// There is no template: macros that mark what a library shows, beginning with this word.
    Export(String),
}

/// A header that is made before anything is compiled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Generated {
    /// Where it is written: below [`DIR`].
    pub path: FilePath,
    /// What it is made from; for [`Form::Export`] the file that includes it, for [`Form::Text`] and
    /// [`Form::Lines`] the build description, and the root for [`Form::Answers`].
    pub from: FilePath,
    /// How.
    pub form: Form,
}

impl Generated {
    /// Whether it is made from a file of the project.
    pub fn has_template(&self) -> bool {
        matches!(self.form, Form::Copy | Form::Template(_))
    }

    /// Whether it is included before the first line of every source.
    pub fn is_first(&self) -> bool {
        matches!(self.form, Form::Answers(_) | Form::Lines { is_first: true, .. })
    }
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Copy => write!(f, "a copy of `{}`", self.from),
            Form::Template(_) => write!(f, "from the template `{}`", self.from),
            Form::Text(_) | Form::Lines { .. } => write!(f, "as `{}` writes it", self.from),
            Form::Answers(names) => write!(f, "answers {}", names.join(", ")),
            Form::Export(word) => write!(f, "defines `{word}_EXPORT`, for `{}`", self.from),
        }
    }
}

/// The header that a file called `name` is the template of: its name, and how it is made.
pub fn header_of(name: &[u8]) -> Option<(&[u8], Form)> {
    const TEMPLATES: [&[u8]; 5] = [b".cmake.in", b".in.cmake", b".cmakein", b".cmake", b".in"];
    const COPIES: [&[u8]; 4] = [b".prebuilt", b".generic", b".default", b".dist"];
    let strip = |endings: &[&[u8]]| endings.iter().find_map(|ending| name.strip_suffix(*ending));
    let is_header = |header: &&[u8]| {
        [&b".h"[..], b".hpp", b".hh", b".hxx", b".inc"].iter().any(|ending| header.ends_with(ending))
    };
    if let Some(header) = strip(&TEMPLATES).filter(is_header) {
        return Some((header, Form::Template(Names::new())));
    }
    // `config.hin` where names have three letters behind the dot at most.
    if name.ends_with(b".hin") {
        return Some((&name[..name.len() - 2], Form::Template(Names::new())));
    }
    strip(&COPIES).filter(is_header).map(|header| (header, Form::Copy))
}

/// What is to be filled in in a template that is otherwise taken as it is, sorted: `NAME` of each `@NAME@`.
pub fn gaps(text: &[u8]) -> Vec<String> {
    let is_name = |part: &&[u8]| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        !part.is_empty() && part.iter().all(is_part)
    };
    let names = text.split(|byte| *byte == b'@').skip(1).filter(is_name);
    let names: BTreeSet<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    names.into_iter().collect()
}

/// The word that the macros of an export header called `name` begin with: `FOO` for
/// `foo_export.h`.
pub fn export_word(name: &[u8]) -> Option<String> {
    let file = name.rsplit(|&b| b == b'/').next()?;
    let stem =
        std::str::from_utf8(file).ok()?.rsplit_once('.').filter(|(_, ending)| ending.starts_with('h'))?.0;
    let lower = stem.to_ascii_lowercase();
    let word =
        ["_export", "_exports", "export", "-export"].iter().find_map(|ending| lower.strip_suffix(ending))?;
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word.then(|| word.to_ascii_uppercase())
}

/// The text of a header that answers the macros `names`, where nobody else has.
pub fn answers(names: &[String]) -> String {
    let mut text =
        "/* Generated by jmake: what the sources ask by macros that nobody defines. */\n".to_owned();
    for name in names {
        if let Check::Condition(condition) = check(name) {
            text += &format!("#if !defined({name}) && ({condition})\n#define {name} 1\n#endif\n");
        }
    }
    text
}

/// The text of an export header, as CMake's module `GenerateExportHeader` documents its macros.
pub fn export_header(word: &str) -> String {
    let names = ["EXPORT", "NO_EXPORT", "DEPRECATED"].map(|name| format!("{word}_{name}"));
    export_macros(&format!("{word}_EXPORT_H"), &names, "")
}

/// The same with names of one's own: of the guard, and of the macros that show, hide and deprecate;
/// `more` stands at its end.
pub fn export_macros(guard: &str, names: &[String; 3], more: &str) -> String {
    let [export, no_export, deprecated] = names;
    let macros = [
        (export.clone(), "__attribute__((visibility(\"default\")))".to_owned()),
        (no_export.clone(), "__attribute__((visibility(\"hidden\")))".to_owned()),
        (deprecated.clone(), "__attribute__((__deprecated__))".to_owned()),
        (format!("{deprecated}_EXPORT"), format!("{export} {deprecated}")),
        (format!("{deprecated}_NO_EXPORT"), format!("{no_export} {deprecated}")),
    ];
    let mut text = format!("/* Generated by jmake. */\n#ifndef {guard}\n#define {guard}\n");
    for (name, value) in macros {
        text += &format!("#ifndef {name}\n#define {name} {value}\n#endif\n");
    }
    text + more + "\n#endif\n"
}

#[cfg(test)]
mod tests;
