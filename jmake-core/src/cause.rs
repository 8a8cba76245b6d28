//! The catalogue of the common causes for which a build fails.
//!
//! Every rule is a small function below [`crate::diagnose`] (those of `configure` below
//! [`crate::configure`]); it gives a [`crate::event::Diagnostic`] that names one of these causes.
//! A rule says nothing unless what it says is so: it names a file that is there, or the compiler was
//! asked once more, with the change and without output, and agreed.  Each cause has a build that
//! really fails in `tests/projects/hints/`, in which the hint is followed and the next build is good
//! (or why that cannot be), and a build that looks alike and gets no such hint.
//!
//! | cause | seen by | hint |
//! |---|---|---|
//! | `header-elsewhere` | clang: `'x.h' file not found`; a file of the project ends in that name | the folder, as `compile.include_dirs` |
//! | `header-generated` | the same; a template of it (`x.h.in`) lies there | run the build that makes it |
//! | `header-installed` | the same; a package of this system has it, outside the folders searched | the folder, as `compile.system_include_dirs` |
//! | `header-of-package` | the same; a table of packages, or the system's index of files | the command that installs it |
//! | `header-of-other-system` | the same; a header of Windows or macOS | exclude who includes it |
//! | `header-misspelt` | the same; a file has the name in other letters or elsewhere | that file |
//! | `header-unknown` | the same, and none of these | name its folder |
//! | `older-standard` | a complaint about what a newer C or C++ has; compiled as that, it is gone | `compile.std`, `compile.c_std` |
//! | `c-as-cxx` | complaints of C++ about what C allows; as C there are none | rename the source, or mend the header |
//! | `cxx-as-c` | complaints of C about what C++ has; as C++ there are none | rename the source |
//! | `flag-refused` | clang refuses a flag that `jmake.toml` holds | the key, and what clang suggests |
//! | `symbol-of-target` | a linker: undefined; an object of another target defines it | that target in `libraries` |
//! | `symbol-of-source` | undefined; an object of a source outside the target defines it | that source in `sources` |
//! | `symbol-of-library` | undefined; a library that the linker can find defines it | `link.libraries` |
//! | `symbol-left-out` | undefined; a source that discovery left out seems to define it | take it in |
//! | `symbol-of-other-language` | undefined; defined under the name of the other language | `extern "C"` |
//! | `symbol-declared-otherwise` | undefined; defined with other parameters | make them alike |
//! | `virtual-undefined` | undefined: a vtable | define the virtual functions |
//! | `sanitized-object` | undefined: a function of a sanitizer's runtime | name the sanitizer |
//! | `main-missing` | undefined: `main` | `kind = "shared"`, or a `main` |
//! | `symbol-unknown` | undefined, and none of these | where to look |
//! | `defined-twice` | a linker: duplicate symbol | `static`, `inline`, or leave one out |
//! | `main-twice` | duplicate symbol `main` | one `[[target]]` for each program |
//! | `source-included` | duplicate symbol; one source includes the other | leave the included one out |
//! | `library-missing` | a linker: no library of that name | its package, or the name that was meant |
//! | `file-missing` | a linker: no such file, which `jmake.toml` names | where paths begin |
//! | `not-pic` | a linker: recompile with `-fPIC` | the archive or object, or the flag of ours |
//! | `other-llvm` | a linker cannot read bitcode | compile it with this LLVM |
//! | `no-linker` | clang finds no linker | the command that installs it |
//! | `sanitizer-runtime-missing` | the runtime that the driver names is not there | the command that installs it |
//! | `tool-killed` | a tool was killed, or says that memory is out | fewer at once |
//! | `tool-crashed` | a tool ended by its own fault | another version |
//! | `disk-full` | a tool or jmake: no space left on device | make room |
//! | `settings` | `discover` or `configure` refuses | as each says |

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($name:literal $variant:ident: $doc:literal,)*) => {
        /// Why a build failed, where that is known; see the catalogue above.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Cause {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Cause {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[Cause] = &[$(Cause::$variant,)*];

            /// The name under which programs know it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Cause::$variant => $name,)*
                }
            }
        }
    };
}

causes! {
    "header-elsewhere" HeaderElsewhere: "A header lies in a folder that is not searched.",
    "header-generated" HeaderGenerated: "A header has to be generated first.",
    "header-installed" HeaderInstalled: "A header is installed where the compiler does not look.",
    "header-of-package" HeaderOfPackage: "A header belongs to a package that is not installed.",
    "header-of-other-system" HeaderOfOtherSystem: "A header belongs to another system.",
    "header-misspelt" HeaderMisspelt: "A header is called otherwise.",
    "header-unknown" HeaderUnknown: "A header is nowhere to be seen.",
    "older-standard" OlderStandard: "The source needs a newer standard of its language.",
    "c-as-cxx" CAsCxx: "C is compiled as C++.",
    "cxx-as-c" CxxAsC: "C++ is compiled as C.",
    "flag-refused" FlagRefused: "The compiler refuses a flag.",
    "symbol-of-target" SymbolOfTarget: "Another target has the symbol.",
    "symbol-of-source" SymbolOfSource: "A source outside the target has the symbol.",
    "symbol-of-library" SymbolOfLibrary: "A library that is not linked has the symbol.",
    "symbol-left-out" SymbolLeftOut: "A source that was left out has the symbol.",
    "symbol-of-other-language" SymbolOfOtherLanguage: "C and C++ call the symbol by different names.",
    "symbol-declared-otherwise" SymbolDeclaredOtherwise: "The symbol is declared unlike it is defined.",
    "virtual-undefined" VirtualUndefined: "Virtual functions are not defined.",
    "sanitized-object" SanitizedObject: "An object was compiled with a sanitizer that is not linked.",
    "main-missing" MainMissing: "A program has no `main`.",
    "symbol-unknown" SymbolUnknown: "Nothing is known that has the symbol.",
    "defined-twice" DefinedTwice: "Two units define the same symbol.",
    "main-twice" MainTwice: "Two programs are linked into one.",
    "source-included" SourceIncluded: "A source is compiled, and included by another.",
    "library-missing" LibraryMissing: "There is no library of that name.",
    "file-missing" FileMissing: "A file to be linked is not there.",
    "not-pic" NotPic: "An object in a library was not compiled with `-fPIC`.",
    "other-llvm" OtherLlvm: "An object holds code of another LLVM version.",
    "no-linker" NoLinker: "The compiler finds no linker.",
    "sanitizer-runtime-missing" SanitizerRuntimeMissing: "The runtime of a sanitizer is not installed.",
    "tool-killed" ToolKilled: "A tool was killed, or memory was out.",
    "tool-crashed" ToolCrashed: "A tool failed by its own fault.",
    "disk-full" DiskFull: "The disk is full.",
    "settings" Settings: "The settings, or what lies in the project, will not do.",
}

/// An edit of `jmake.toml` that a hint names: what `jmake config set KEY VALUE` does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// Its new value: a word or text as it is, a list in brackets.
    pub value: String,
}

impl Change {
    /// `key` is set to the word or text `value`.
    pub fn text(key: &str, value: &str) -> Change {
        Change { key: key.to_owned(), value: value.to_owned() }
    }

    /// `key` is set to the list `items`.
    pub fn list<S: AsRef<str>>(key: &str, items: impl IntoIterator<Item = S>) -> Change {
        let items = items.into_iter().map(|item| toml_edit::Value::from(item.as_ref()).to_string());
        Change { key: key.to_owned(), value: format!("[{}]", items.collect::<Vec<_>>().join(", ")) }
    }
}

/// The line of `jmake.toml`.
impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value.starts_with('[') {
            true => write!(f, "{} = {}", self.key, self.value),
            false => write!(f, "{} = {}", self.key, toml_edit::Value::from(self.value.as_str())),
        }
    }
}

/// Why a build failed, and the next step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advice {
    /// Why.
    pub cause: Cause,
    /// The next step, in words.
    pub hint: String,
    /// The edit of `jmake.toml` that it comes to, if it does.
    pub change: Option<Change>,
}

impl Advice {
    /// A next step that is no edit of `jmake.toml`.
    pub fn new(cause: Cause, hint: impl Into<String>) -> Advice {
        Advice { cause, hint: hint.into(), change: None }
    }

    /// The next step is to set a key; `found` says what was found.
    pub fn set(cause: Cause, found: &str, change: Change) -> Advice {
        Advice { cause, hint: format!("{found}: set `{change}` in `jmake.toml`"), change: Some(change) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_a_row_for_each_cause() {
        let text = include_str!("cause.rs");
        let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
        let names: Vec<&str> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(rows.collect::<Vec<_>>(), names);
    }

    #[test]
    fn changes_are_lines_of_the_manifest() {
        let change = Change::list("compile.include_dirs", ["a", "b \"c\""]);
        assert_eq!(change.to_string(), r#"compile.include_dirs = ["a", 'b "c"']"#);
        assert_eq!(Change::text("compile.std", "c++20").to_string(), r#"compile.std = "c++20""#);
        assert!(change.to_string().parse::<toml_edit::DocumentMut>().is_ok());
    }
}
