//! What a failed link means: names that nothing defines, or two do, libraries that are not there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::origin::Origins;
use super::symbol::{base, defined_in, shown};
use super::{Scene, listed, packages};
use crate::action::{Action, Arg};
use crate::cause::{Advice, Cause};
use crate::complaints::{Complaint, of_linker};
use crate::event::Diagnostic;
use crate::fs;
use crate::link_errors::{LinkError, Place, parse_link_errors};
use crate::path::{FilePath, path_from_bytes};
use crate::toolchain::{Need, install_command, standard_library_dirs};

/// How many left-out sources, and how many binaries of the project, are looked into.
pub(super) const LOOKED_INTO: usize = 2000;

/// What one link that wrote `text` complained of; the diagnostics of it go to `found`.
pub(super) fn link(
    scene: &Scene<'_>,
    action: &Action,
    text: &str,
    found: &mut Vec<Diagnostic>,
) -> Vec<Complaint> {
    let errors = parse_link_errors(text);
    let work = Work::new(scene, action, text);
    let undefined: Vec<(&String, &Vec<Place>)> = errors
        .iter()
        .filter_map(|error| match error {
            LinkError::Undefined { symbol, used_by } => Some((symbol, used_by)),
            _ => None,
        })
        .collect();
    found.extend(work.undefined(&undefined));
    for error in &errors {
        match error {
            LinkError::Duplicate { symbol, places } => found.push(work.duplicate(symbol, places)),
            LinkError::MissingLibrary { name } => found.push(work.missing_library(name)),
            LinkError::Other(line) => found.extend(work.other(line)),
            LinkError::Undefined { .. } => {}
        }
    }
    of_linker(text, |object| work.origins.source(object).map(ToString::to_string))
}

/// The diagnostics of one link of modules that complained of `complaints`: the same symbol twice.
pub(super) fn modules(scene: &Scene<'_>, action: &Action, complaints: &[Complaint]) -> Vec<Diagnostic> {
    let work = Work::new(scene, action, "");
    let twice = complaints.iter().filter_map(|one| {
        let rest = one.message.split_once("Linking globals named '")?.1;
        rest.strip_suffix("': symbol multiply defined!")
    });
    twice.map(|symbol| work.duplicate(symbol, &[])).collect()
}

/// The folders in which the link looked for libraries, and the usual ones.
fn library_dirs(scene: &Scene<'_>, action: &Action) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for arg in &action.args {
        if let Arg::Text(text) = arg
            && let Some(dir) = text.strip_prefix(b"-L")
        {
            dirs.push(scene.memo.root().as_path().join(path_from_bytes(dir)));
        }
    }
    dirs.extend(standard_library_dirs());
    let mut known = BTreeSet::new();
    dirs.retain(|dir| known.insert(dir.clone()));
    dirs
}

/// One failed link under examination.
pub(super) struct Work<'a> {
    pub scene: &'a Scene<'a>,
    pub action: &'a Action,
    /// What the linker wrote.
    text: &'a str,
    pub origins: Origins<'a>,
    /// Where libraries are looked for.
    pub dirs: Vec<PathBuf>,
}

impl<'a> Work<'a> {
    fn new(scene: &'a Scene<'a>, action: &'a Action, text: &'a str) -> Work<'a> {
        let origins = Origins::new(scene, action);
        Work { scene, action, text, origins, dirs: library_dirs(scene, action) }
    }
}

impl Work<'_> {
    fn duplicate(&self, symbol: &str, places: &[Place]) -> Diagnostic {
        let name = shown(symbol);
        let known: Vec<&FilePath> =
            places.iter().filter_map(|place| self.origins.source(&place.object)).collect();
        let mut sources: Vec<String> = known.iter().map(ToString::to_string).collect();
        if sources.len() < places.len() || places.is_empty() {
            let defining =
                self.origins.defining(symbol).iter().filter(|source| self.origins.is_linked(source));
            sources = defining.map(ToString::to_string).collect();
        }
        if sources.is_empty() {
            sources = places.iter().map(|place| place.object.clone()).collect();
        }
        sources.dedup();
        let problem = Diagnostic::error(match sources.len() {
            0 => format!("`{name}` is defined more than once"),
            _ => format!("`{name}` is defined in {}", listed(&sources)),
        });
        let problem = problem.in_file(sources.last().unwrap_or(&self.action.label));
        problem.advised(self.why_twice(symbol, &name, &sources))
    }

    fn why_twice(&self, symbol: &str, name: &str, sources: &[String]) -> Advice {
        let paths: Vec<FilePath> = sources.iter().map(|source| FilePath::new(source.as_bytes())).collect();
        for one in &paths {
            let Ok(facts) = self.scene.memo.facts(one) else { continue };
            for other in paths.iter().filter(|other| *other != one) {
                if facts
                    .includes
                    .iter()
                    .any(|include| FilePath::new(&include.name).file_name() == other.file_name())
                {
                    let hint = format!(
                        "`{one}` includes `{other}`, which is compiled by itself as well: list it under `discovery.exclude`"
                    );
                    return Advice::new(Cause::SourceIncluded, hint);
                }
            }
        }
        if symbol == "main" {
            let hint = "each program is a `[[target]]` of its own with its `sources`";
            return Advice::new(Cause::MainTwice, hint);
        }
        let text = |path: &FilePath| fs::read(&self.scene.memo.root().resolve(path)).unwrap_or_default();
        let is_cmake = |path: &FilePath| path.file_name() == b"CMakeLists.txt";
        let is_described = self.scene.discovery.evidence.first().is_some_and(is_cmake);
        let hint = match paths.iter().any(|path| defined_in(&text(path), base(name))) {
            true if is_described => {
                "rename one, make it `static`, or, where they belong to different libraries, have `jmake import cmake` write a `[[target]]` for each"
            }
            true => "rename one, make it `static`, or list one source under `discovery.exclude`",
            false => {
                "defined in a header that both include: a function there is `inline` (in C `static inline`), a variable `extern` or `inline`"
            }
        };
        Advice::new(Cause::DefinedTwice, hint)
    }

    fn missing_library(&self, name: &str) -> Diagnostic {
        let problem = Diagnostic::error(format!("there is no library `{name}` to link (`-l{name}`)"));
        let problem = match self.asked_for(name) {
            Some(key) => {
                let problem = problem.in_file(&self.scene.manifest.file);
                match self.scene.manifest.line(&key) {
                    Some(line) => problem.at_line(line),
                    None => problem,
                }
            }
            None => problem.in_file(&self.action.label),
        };
        let hint = self.instead_of(name).unwrap_or_else(|| {
            "name the folder it lies in under `link.lib_dirs`, or install its development files".into()
        });
        problem.advised(Advice::new(Cause::LibraryMissing, hint))
    }

    /// The key that names the library.
    fn asked_for(&self, name: &str) -> Option<String> {
        let manifest = self.scene.manifest;
        let mut lists = vec![("link.libraries".to_owned(), &manifest.link.libraries)];
        lists.push(("link.flags".to_owned(), &manifest.link.flags));
        for (at, target) in manifest.targets.iter().enumerate() {
            lists.push((format!("target.{at}.libraries"), &target.libraries));
            lists.push((format!("target.{at}.link_flags"), &target.link_flags));
        }
        let flag = format!("-l{name}");
        lists.into_iter().find_map(|(key, list)| {
            let at = list.iter().position(|written| {
                *written == name || *written == flag || written.strip_prefix("./") == Some(name)
            })?;
            Some(format!("{key}.{at}"))
        })
    }

    fn instead_of(&self, name: &str) -> Option<String> {
        let mut close = Vec::new();
        for dir in &self.dirs {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let file = entry.file_name();
                let Some(file) = file.to_str().and_then(|file| file.strip_prefix("lib")) else { continue };
                if file.strip_prefix(name).is_some_and(|rest| rest.starts_with(".so.")) {
                    let hint =
                        format!("`{}` is installed, but not its development files", entry.path().display());
                    let command = packages::for_library(self.scene, name);
                    return Some(command.map_or(hint.clone(), |command| format!("{hint}: `{command}`")));
                }
                let Some(other) = file.strip_suffix(".so").or_else(|| file.strip_suffix(".a")) else {
                    continue;
                };
                if strsim::damerau_levenshtein(other, name) <= usize::from(name.len() > 2) + name.len() / 6 {
                    close.push(other.to_owned());
                }
            }
        }
        if let Some(command) = packages::for_library(self.scene, name) {
            return Some(format!("install it with `{command}`"));
        }
        close.sort();
        close.dedup();
        (!close.is_empty()).then(|| format!("installed are {}", listed(&close)))
    }

    /// What else linkers complain about.
    fn other(&self, line: &str) -> Option<Diagnostic> {
        let Some(trouble) = trouble(line) else { return self.missing_file(line) };
        let advice = match trouble {
            Trouble::NotPic => Advice::new(Cause::NotPic, self.not_pic(line)),
            Trouble::OtherLlvm => {
                let hint = "compile it with the LLVM version of this build, or without `-flto`";
                Advice::new(Cause::OtherLlvm, hint)
            }
            Trouble::NoLinker => {
                let hint = match install_command(Need::Toolchain(None), self.scene.path) {
                    Some(command) => format!("install it with `{command}`"),
                    None => "install lld of the compiler's version".into(),
                };
                Advice::new(Cause::NoLinker, hint)
            }
            Trouble::NoSanitizer => {
                let hint = match install_command(self.sanitizers(line), self.scene.path) {
                    Some(command) => format!("install it with `{command}`"),
                    None => "install the runtime libraries (compiler-rt) of this clang".into(),
                };
                Advice::new(Cause::SanitizerRuntimeMissing, hint)
            }
        };
        Some(Diagnostic::error(trouble.message()).in_file(&self.action.label).advised(advice))
    }

    /// What to do about code that must lie at a fixed address, which `line` complains of.
    fn not_pic(&self, line: &str) -> String {
        let Some(object) = self.object(line) else {
            return "make that library with `-fPIC`, or link the shared one instead".into();
        };
        if let Some(source) = self.origins.source(&object) {
            let fixed =
                ["-fno-pic", "-fno-PIC", "-fno-pie", "-fno-PIE", "-mcmodel=", "-mdynamic-no-pic", "-static"];
            let held = super::flags::settings(self.scene.manifest)
                .find(|(_, flag)| fixed.iter().any(|start| flag.starts_with(start)));
            return match held {
                Some((key, flag)) => {
                    let list = key.rsplit_once('.').map_or(&*key, |(list, _)| list);
                    format!("`{source}` is compiled with `{flag}`: take that out of `{list}`")
                }
                None => format!("`{source}` has code that lies at a fixed address: is it an assembler's"),
            };
        }
        match object.split_once('(') {
            Some((archive, _)) => {
                format!(
                    "`{archive}` is linked here: make it with `-fPIC`, or link the shared library instead"
                )
            }
            None => format!("`{object}` is linked here: make it with `-fPIC`"),
        }
    }

    /// The object that `line` is about, as `lib.a(member.o)` if it lies in an archive: named in the
    /// line itself, or in the details that lld writes below it.
    fn object(&self, line: &str) -> Option<String> {
        let details = self.text.lines().skip_while(|other| other.trim() != line).skip(1);
        let details = details.take_while(|other| other.starts_with(">>>"));
        let words = |text: &str| {
            // lld: `a.o:(f) in archive lib.a`.
            let (text, archive) = match text.split_once(" in archive ") {
                Some((text, archive)) => (text, Some(archive.trim())),
                None => (text, None),
            };
            let ends = |word: &&str| word.ends_with(".o") || word.ends_with(".o)") || word.ends_with(".obj");
            let object = text
                .split_whitespace()
                .map(|word| word.split(":(").next().unwrap_or(word).trim_end_matches([':', ',']))
                .find(ends)?;
            Some(archive.map_or(object.to_owned(), |archive| format!("{archive}({object})")))
        };
        // What refers is what was compiled wrongly; what is referred to may lie anywhere.
        let referring = details.clone().filter_map(|detail| {
            let detail = detail.trim_start_matches('>').trim();
            (!detail.starts_with("defined in")).then_some(detail)
        });
        words(line).or_else(|| referring.into_iter().find_map(words))
    }

    /// The runtime of sanitizers of the clang whose folder `line` names.
    fn sanitizers(&self, line: &str) -> Need {
        let after = line.split("/clang/").nth(1).unwrap_or_default();
        let number = after.split(|c: char| !c.is_ascii_digit()).next().and_then(|text| text.parse().ok());
        number.map_or(Need::Toolchain(None), Need::Sanitizers)
    }

    /// A file that a key names and that is not there.
    fn missing_file(&self, line: &str) -> Option<Diagnostic> {
        let rest =
            ["cannot open ", "cannot find "].iter().find_map(|start| Some(line.split_once(start)?.1))?;
        let name = rest.split(": ").next().unwrap_or(rest).trim_matches([' ', '\'']);
        let key = self.asked_for(name)?;
        let advice = Advice::new(Cause::FileMissing, "paths are taken from the root of the project");
        let mut problem = Diagnostic::error(format!("there is no file `{name}` to link"))
            .in_file(&self.scene.manifest.file)
            .advised(advice);
        problem.line = self.scene.manifest.line(&key);
        Some(problem)
    }
}

/// What is wrong with an object, or with the linker itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    /// Code that must lie at a fixed address, for a library.
    NotPic,
    /// Bitcode that this LLVM does not read.
    OtherLlvm,
    /// There is none.
    NoLinker,
    /// The runtime of a sanitizer is not there.
    NoSanitizer,
}

impl Trouble {
    fn message(self) -> &'static str {
        match self {
            Trouble::NotPic => "an object that is linked was not compiled with `-fPIC`",
            Trouble::OtherLlvm => "an object that is linked holds code of another LLVM version",
            Trouble::NoLinker => "the compiler finds no linker",
            Trouble::NoSanitizer => "the runtime of a sanitizer is not installed",
        }
    }
}

fn trouble(line: &str) -> Option<Trouble> {
    let says = |parts: &[&str]| parts.iter().any(|part| line.contains(part));
    if says(&["-fPIC", "-fpic"]) {
        Some(Trouble::NotPic)
    } else if says(&["Producer: '", "Invalid bitcode", "Unknown attribute kind", "Invalid summary version"]) {
        Some(Trouble::OtherLlvm)
    } else if says(&["invalid linker name", "doesn't exist!"]) {
        Some(Trouble::NoLinker)
    } else if says(&["libclang_rt."]) && says(&["cannot open", "cannot find", "no such file"]) {
        Some(Trouble::NoSanitizer)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles() {
        for (line, expect) in [
            (
                "ld.lld: error: relocation R_X86_64_64 cannot be used against symbol 'x'; recompile with -fPIC",
                Some(Trouble::NotPic),
            ),
            (
                "mold: error: a.o: R_X86_64_32 relocation at offset 0x1 against symbol `x' can not be used; recompile with -fPIC",
                Some(Trouble::NotPic),
            ),
            (
                "ld.lld: error: a.o: Unknown attribute kind (91) (Producer: 'LLVM20.1.0' Reader: 'LLVM 19.1.7')",
                Some(Trouble::OtherLlvm),
            ),
            ("clang: error: invalid linker name in argument '-fuse-ld=gold'", Some(Trouble::NoLinker)),
            (
                "clang: error: unable to execute command: Executable \"ld\" doesn't exist!",
                Some(Trouble::NoLinker),
            ),
            (
                "ld.lld: error: cannot open /usr/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a: No such file",
                Some(Trouble::NoSanitizer),
            ),
            ("clang: error: unable to execute command: Killed", None),
            ("ld.lld: error: cannot open x.a: No such file or directory", None),
        ] {
            assert_eq!(trouble(line), expect, "{line}");
        }
    }
}
