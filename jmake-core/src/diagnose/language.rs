//! C that is compiled as C++, and C++ that is compiled as C.
//!
//! The name of a source says its language.  What C allows and C++ does not is a short list, as is what
//! C++ has and C has not; where a complaint is about one of these, the compiler is asked whether the
//! whole file is good in the other language ([`super::trial`]).

use super::trial::{Trials, is_good};
use super::{Scene, language_of, words_at};
use crate::action::Action;
use crate::cause::{Advice, Cause};
use crate::complaints::Complaint;
use crate::event::Diagnostic;
use crate::manifest::Manifest;
use crate::path::FilePath;
use crate::toolchain::includes::Lang;

/// Words of C++ that are names in C.
const CXX_ONLY: &str = "class new delete this template namespace private public protected virtual operator \
    typename using try catch throw friend explicit export mutable and or not xor";
/// Words that only C++ has, by which C++ shows in complaints of C.
const IN_C: &str = "class namespace template using typename public private virtual operator new delete \
    constexpr nullptr std bool";

/// How complaints about a name begin.
const ABOUT_WORDS: [&str; 3] =
    ["unknown type name '", "use of undeclared identifier '", "call to undeclared function '"];

/// What of C it is that C++ does not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slip {
    VoidPointer,
    Restrict,
    Keyword(&'static str),
    Designator,
    Enum,
}

impl Slip {
    /// How to say the same so that C++ takes it.
    fn mended(self) -> String {
        match self {
            Slip::VoidPointer => "cast what is a `void *`".into(),
            Slip::Restrict => "write `__restrict`".into(),
            Slip::Keyword(word) => format!("give what is called `{word}` another name"),
            Slip::Designator => "name the fields in their order, without nesting".into(),
            Slip::Enum => "cast to the `enum`".into(),
        }
    }
}

/// The diagnostic of the compile `action` that complained of `complaints`, if another language mends
/// it.
pub(super) fn diagnose(
    scene: &Scene<'_>,
    trials: &Trials<'_>,
    action: &Action,
    complaints: &[Complaint],
) -> Option<Diagnostic> {
    match language_of(action)? {
        Lang::Cxx => c_as_cxx(scene, trials, action, complaints),
        Lang::C => cxx_as_c(scene, trials, action, complaints),
        Lang::Asm => None,
    }
}

fn c_as_cxx(
    scene: &Scene<'_>,
    trials: &Trials<'_>,
    action: &Action,
    complaints: &[Complaint],
) -> Option<Diagnostic> {
    let errors = complaints.iter().filter(|one| one.is_error());
    let (about, slip) = errors.clone().find_map(|one| Some((one, slip(scene, one)?)))?;
    let file = about.file.as_deref()?;
    let source = action.inputs.first()?.path.clone();
    let own = FilePath::new(file.as_bytes()) == source;
    // A header is looked at by itself: who includes it may well be C++.
    let (language, path) =
        if own { ("c", source.as_bytes().to_vec()) } else { ("c-header", file.as_bytes().to_vec()) };
    let after =
        trials.of(action, |args| as_language(args, scene.manifest, Lang::C, language, &source, &path))?;
    if !is_good(&after) {
        return None;
    }
    let mended = slip.mended();
    let (message, hint) = match own {
        true => (
            format!("`{file}` is C, and is compiled as C++ for its name"),
            format!("rename it to `{}`; or, if it is to be C++: {mended}", renamed(file, "c")),
        ),
        false => (
            format!("`{file}` is C, and `{source}` includes it in C++"),
            format!("include it in C sources only; or, for C++ too: {mended}"),
        ),
    };
    let mut problem = Diagnostic::error(message).in_file(file);
    problem.line = about.line;
    Some(problem.advised(Advice::new(Cause::CAsCxx, hint)))
}

fn cxx_as_c(
    scene: &Scene<'_>,
    trials: &Trials<'_>,
    action: &Action,
    complaints: &[Complaint],
) -> Option<Diagnostic> {
    let about = complaints.iter().find(|one| one.is_error() && shows_cxx(scene, one))?;
    let source = action.inputs.first()?.path.clone();
    let path = source.as_bytes().to_vec();
    let after =
        trials.of(action, |args| as_language(args, scene.manifest, Lang::Cxx, "c++", &source, &path))?;
    if !is_good(&after) {
        return None;
    }
    let source = source.to_string();
    let other = about.file.as_deref().filter(|file| *file != source);
    let message = match other {
        None => format!("`{source}` is C++, and is compiled as C for its name"),
        Some(header) => format!("`{header}` is C++, and `{source}` includes it in C"),
    };
    let mut problem = Diagnostic::error(message).in_file(other.unwrap_or(&source));
    problem.line = about.line;
    let hint = match other {
        None => format!("rename it to `{}`", renamed(&source, "cpp")),
        Some(_) => format!(
            "rename `{source}` to `{}`, or keep C++ in that header within `#ifdef __cplusplus`",
            renamed(&source, "cpp")
        ),
    };
    Some(problem.advised(Advice::new(Cause::CxxAsC, hint)))
}

/// What C++ does not take of C, by what it says and by the line it points to.
fn slip(scene: &Scene<'_>, complaint: &Complaint) -> Option<Slip> {
    let message = &*complaint.message;
    let has = |part: &str| message.contains(part);
    if has("'void *'")
        && (has("cannot initialize") || has("from incompatible type 'void *'") || has("'const void *'"))
    {
        return Some(Slip::VoidPointer);
    }
    if has("designator") {
        return Some(Slip::Designator);
    }
    if (has("cannot initialize") || has("assigning to"))
        && (has("of type 'int'") || has("type 'int'"))
        && !has("*'")
    {
        return Some(Slip::Enum);
    }
    let words = words_at(scene, complaint)?;
    let has = |word: &str| words.iter().any(|other| other == word);
    if has("restrict") {
        return Some(Slip::Restrict);
    }
    CXX_ONLY.split_whitespace().find(|word| has(word)).map(Slip::Keyword)
}

/// Whether a complaint of C is about something of C++, by what it says and by the line it points to.
fn shows_cxx(scene: &Scene<'_>, complaint: &Complaint) -> bool {
    let message = &*complaint.message;
    let is_cxx = |word: &str| IN_C.split_whitespace().any(|known| known == word);
    match message.split('\'').nth(1) {
        Some(header) if message.ends_with("' file not found") => is_cxx_header(header),
        Some(_) if message.starts_with("must use '") => true,
        Some(word) if ABOUT_WORDS.iter().any(|start| message.starts_with(start)) => is_cxx(word),
        _ => {
            // A reference (`int &x`) is another thing that C does not know.
            message.starts_with("expected")
                && words_at(scene, complaint)
                    .is_some_and(|words| words.iter().any(|word| is_cxx(word) || word.starts_with('&')))
        }
    }
}

/// Whether it is called like a header of C++'s own library: `vector`, `cstdint`.
fn is_cxx_header(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `args` so that `path` is compiled in place of `source`, as what `-x` calls `language`.
fn as_language(
    args: Vec<Vec<u8>>,
    manifest: &Manifest,
    lang: Lang,
    language: &str,
    source: &FilePath,
    path: &[u8],
) -> Vec<Vec<u8>> {
    let std = if lang == Lang::C { &manifest.compile.c_std } else { &manifest.compile.std };
    let mut changed: Vec<Vec<u8>> = std.iter().map(|std| format!("-std={std}").into_bytes()).collect();
    for arg in args {
        if arg == source.as_bytes() {
            // What is only a warning stays one, and nothing is said of flags of the other language.
            changed.extend([
                b"-w".to_vec(),
                b"-Wno-error".to_vec(),
                b"-x".to_vec(),
                language.into(),
                path.to_vec(),
            ]);
        } else if !arg.starts_with(b"-std=") {
            changed.push(arg);
        }
    }
    changed
}

fn renamed(file: &str, extension: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    format!("{stem}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_cxx() {
        for name in ["vector", "cstdint", "string_view"] {
            assert!(is_cxx_header(name), "{name}");
        }
        for name in ["x.h", "Foo", "sys/types", ""] {
            assert!(!is_cxx_header(name), "{name}");
        }
        assert_eq!(renamed("a.b/c.cpp", "c"), "a.b/c.c");
    }
}
