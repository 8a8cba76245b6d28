//! What a failed link means: names that nothing defines, or two do, libraries that are not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::origin::Origins;
use super::symbol::{base, defined_in, is_mangled, shown};
use super::{LIMIT, Scene, listed, packages};
use crate::action::{Action, Arg};
use crate::discover::{LeftOut, detect_binaries};
use crate::event::Diagnostic;
use crate::fs;
use crate::inspect::{inspect, libraries_defining};
use crate::link_errors::{LinkError, Place, parse_link_errors};
use crate::path::{FilePath, path_from_bytes};
use crate::toolchain::{Need, install_command, standard_library_dirs};

/// How many left-out sources, and how many binaries of the project, are looked into.
const LOOKED_INTO: usize = 2000;

/// The diagnostics of one link that wrote `text`.
pub(super) fn link(scene: &Scene<'_>, action: &Action, text: &str) -> Vec<Diagnostic> {
    let errors = parse_link_errors(text);
    let work =
        Work { scene, action, text, origins: Origins::new(scene, action), dirs: library_dirs(scene, action) };
    let mut found = Vec::new();
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
    found
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

struct Work<'a> {
    scene: &'a Scene<'a>,
    action: &'a Action,
    /// What the linker wrote.
    text: &'a str,
    origins: Origins<'a>,
    dirs: Vec<PathBuf>,
}

impl Work<'_> {
    fn undefined(&self, symbols: &[(&String, &Vec<Place>)]) -> Vec<Diagnostic> {
        let shown = &symbols[..symbols.len().min(LIMIT)];
        let names: Vec<&str> = shown.iter().map(|(symbol, _)| symbol.as_str()).collect();
        let libraries = libraries_defining(&names, &self.dirs);
        let mut found: Vec<Diagnostic> =
            shown.iter().map(|(symbol, places)| self.undefined_one(symbol, places, &libraries)).collect();
        if symbols.len() > shown.len() {
            let more = symbols.len() - shown.len();
            found.push(
                Diagnostic::error(format!("and {more} more undefined symbols")).in_file(&self.action.label),
            );
        }
        found
    }

    fn undefined_one(
        &self,
        symbol: &str,
        places: &[Place],
        libraries: &BTreeMap<String, Vec<String>>,
    ) -> Diagnostic {
        let name = shown(symbol);
        let mut message = format!("nothing defines `{name}`");
        let within = places.iter().find_map(|place| place.within.as_deref());
        if let Some(within) = within {
            message.push_str(&format!(", which `{}` uses", shown(within)));
        }
        let users = self.users(symbol, places);
        let mut problem = Diagnostic::error(message).in_file(users.first().unwrap_or(&self.action.label));
        problem.line = places.iter().find_map(line_of);
        match self.reason(symbol, &name, libraries.get(symbol)) {
            Some(hint) => problem.hint(hint),
            None => problem.hint(
                "is its source part of the target (`jmake discover`), or its library in `link.libraries`",
            ),
        }
    }

    /// The sources that need the symbol; what a linker calls an object where the source is unknown.
    fn users(&self, symbol: &str, places: &[Place]) -> Vec<String> {
        let known = places.iter().filter_map(|place| self.origins.source(&place.object));
        let mut users: Vec<String> = known.map(ToString::to_string).collect();
        if users.is_empty() {
            // Optimised across units, a use has no object any more.
            let using = self.origins.using(symbol).iter();
            users = using.filter(|source| self.origins.is_linked(source)).map(ToString::to_string).collect();
        }
        if users.is_empty() {
            users =
                places.iter().map(|place| place.object.clone()).filter(|object| !object.is_empty()).collect();
        }
        users
    }

    /// Why nothing in the link defines `symbol`, and the next step.
    fn reason(&self, symbol: &str, name: &str, libraries: Option<&Vec<String>>) -> Option<String> {
        self.known_kind(symbol, name)
            .or_else(|| self.elsewhere(symbol))
            .or_else(|| self.other_language(symbol, name))
            .or_else(|| self.in_library(libraries?))
            .or_else(|| self.in_own_binary(symbol))
            .or_else(|| self.left_out(name))
            .or_else(|| self.other_parameters(symbol, name))
    }

    /// Names that the compiler itself makes.
    fn known_kind(&self, symbol: &str, name: &str) -> Option<String> {
        if symbol == "main" {
            return Some(
                "no source of this program defines `main`; a library has `kind = \"shared\"`".into(),
            );
        }
        if ["__asan_", "__tsan_", "__msan_", "__ubsan_"].iter().any(|start| symbol.starts_with(start)) {
            return Some("the code was compiled with a sanitizer: name it in the profile's `sanitize`, so that it is linked too".into());
        }
        let class = name.strip_prefix("vtable for ")?;
        Some(format!("define every virtual function of `{class}` that is neither inline nor pure"))
    }

    /// A source of another target has it.
    fn elsewhere(&self, symbol: &str) -> Option<String> {
        let source = self.origins.defining(symbol).iter().find(|source| !self.origins.is_linked(source))?;
        let matching = |target: &&crate::manifest::TargetTable| {
            target.sources.iter().any(|pattern| {
                let plain = FilePath::new(pattern.as_bytes());
                source.starts_with(&plain)
                    || globset::Glob::new(pattern)
                        .is_ok_and(|glob| glob.compile_matcher().is_match(source.to_path_buf()))
            })
        };
        let target =
            self.scene.manifest.targets.iter().find(matching).and_then(|target| target.name.as_deref());
        Some(match target {
            Some(name) => format!(
                "`{source}` of target `{name}` defines it: add `\"{name}\"` to the `libraries` of this one"
            ),
            None => {
                format!("`{source}` defines it, which is not part of this target: add it to its `sources`")
            }
        })
    }

    /// C where C++ is expected, or the other way round.
    fn other_language(&self, symbol: &str, name: &str) -> Option<String> {
        let plain = base(name);
        if is_mangled(symbol) {
            let source = self.origins.defining(plain).first()?;
            return Some(format!(
                "`{source}` defines `{plain}` as C: declare it in the header within `extern \"C\"`"
            ));
        }
        let mangled = |(defined, source): (&str, &FilePath)| {
            let defined = is_mangled(defined).then(|| shown(defined))?;
            let own = defined.strip_prefix(plain).is_some_and(|rest| rest.starts_with('('));
            own.then(|| source.clone())
        };
        let source = self.origins.defined().find_map(mangled)?;
        Some(format!("`{source}` defines it as C++: declare it there `extern \"C\"`"))
    }

    /// The same function of other parameters: the declaration is not what was defined.
    fn other_parameters(&self, symbol: &str, name: &str) -> Option<String> {
        let (plain, _) = name.split_once('(').filter(|_| is_mangled(symbol))?;
        let mut other: Vec<(String, &FilePath)> = self
            .origins
            .defined()
            .filter(|(defined, _)| is_mangled(defined))
            .map(|(defined, source)| (shown(defined), source))
            .filter(|(defined, _)| defined.split_once('(').is_some_and(|(other, _)| other == plain))
            .collect();
        other.sort();
        let (defined, source) = other.first()?;
        Some(format!("`{source}` defines `{defined}`: declaration and definition differ"))
    }

    fn in_library(&self, libraries: &[String]) -> Option<String> {
        let library = libraries.iter().min_by_key(|name| (name.len(), (*name).clone()))?;
        Some(match self.scene.manifest.targets.is_empty() {
            true => {
                let mut all = self.scene.manifest.link.libraries.clone();
                all.push(library.clone());
                let list = all.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
                format!("`lib{library}` has it: `jmake config set link.libraries '[{list}]'`")
            }
            false => format!("`lib{library}` has it: add `\"{library}\"` to the `libraries` of the target"),
        })
    }

    /// A finished library that lies in the project.
    fn in_own_binary(&self, symbol: &str) -> Option<String> {
        let binaries = detect_binaries(self.scene.tree);
        let has = |path: &FilePath| {
            inspect(&self.scene.memo.root().resolve(path)).is_ok_and(|report| {
                let members = report.members.iter().flat_map(|member| &member.exports);
                report.exports.iter().chain(members).any(|export| export.name == symbol)
            })
        };
        let file = binaries.iter().take(LOOKED_INTO).find(|file| has(&file.path))?;
        let path = match file.path.parent() {
            Some(dir) if dir.is_root() => format!("./{}", file.path),
            _ => file.path.to_string(),
        };
        Some(format!("`{}` has it: add `\"{path}\"` to `link.libraries`", file.path))
    }

    /// A source that discovery left out seems to define it.
    fn left_out(&self, name: &str) -> Option<String> {
        let plain = base(name);
        let text = |path: &FilePath| fs::read(&self.scene.memo.root().resolve(path)).unwrap_or_default();
        let candidates = self.scene.discovery.left_out.iter().take(LOOKED_INTO);
        let (path, why) = candidates
            .filter(|(path, why)| {
                !self.origins.is_linked(path) && !matches!(why, LeftOut::IncludedByOther(_))
            })
            .find(|(path, _)| defined_in(&text(path), plain))?;
        let step = match why {
            LeftOut::Excluded => "take it out of `discovery.exclude`",
            LeftOut::Ignored => "take it out of the ignore file",
            _ => "list it under `sources` of a `[[target]]`, or move it",
        };
        Some(format!("`{path}` seems to define it but was left out, because it {why}: {step}"))
    }

    fn duplicate(&self, symbol: &str, places: &[Place]) -> Diagnostic {
        let name = shown(symbol);
        let known: Vec<&FilePath> =
            places.iter().filter_map(|place| self.origins.source(&place.object)).collect();
        let mut sources: Vec<String> = known.iter().map(ToString::to_string).collect();
        if sources.len() < places.len() {
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
        problem.hint(self.why_twice(symbol, &name, &sources))
    }

    fn why_twice(&self, symbol: &str, name: &str, sources: &[String]) -> String {
        let paths: Vec<FilePath> = sources.iter().map(|source| FilePath::new(source.as_bytes())).collect();
        for one in &paths {
            let Ok(facts) = self.scene.memo.facts(one) else { continue };
            for other in paths.iter().filter(|other| *other != one) {
                if facts
                    .includes
                    .iter()
                    .any(|include| FilePath::new(&include.name).file_name() == other.file_name())
                {
                    return format!(
                        "`{one}` includes `{other}`, which is compiled by itself as well: list it under `discovery.exclude`"
                    );
                }
            }
        }
        if symbol == "main" {
            return "each program is a `[[target]]` of its own with its `sources`".into();
        }
        let text = |path: &FilePath| fs::read(&self.scene.memo.root().resolve(path)).unwrap_or_default();
        match paths.iter().any(|path| defined_in(&text(path), base(name))) {
            true => "rename one, make it `static`, or list one source under `discovery.exclude`".into(),
            false => "defined in a header that both include: a function there is `inline`, a variable `extern` or `inline`".into(),
        }
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
        match self.instead_of(name) {
            Some(hint) => problem.hint(hint),
            None => problem
                .hint("name the folder it lies in under `link.lib_dirs`, or install its development files"),
        }
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
        let hint = match trouble {
            Trouble::NotPic => match self.archive() {
                Some(archive) => {
                    format!(
                        "`{archive}` is linked here: make it with `-fPIC`, or link the shared library instead"
                    )
                }
                None => "make that library with `-fPIC`, or link the shared one instead".into(),
            },
            Trouble::OtherLlvm => "compile it with the LLVM version of this build, or without `-flto`".into(),
            Trouble::NoLinker => match install_command(Need::Toolchain(None), self.scene.path) {
                Some(command) => format!("install it with `{command}`"),
                None => "install lld of the compiler's version".into(),
            },
        };
        Some(Diagnostic::error(trouble.message()).in_file(&self.action.label).hint(hint))
    }

    /// The archive that the linker names first, as `lib.a(member.o)`.
    fn archive(&self) -> Option<&str> {
        let at = self.text.find(".a(")? + 2;
        let start = self.text[..at].rfind(char::is_whitespace).map_or(0, |before| before + 1);
        Some(&self.text[start..at])
    }

    /// A file that a key names and that is not there.
    fn missing_file(&self, line: &str) -> Option<Diagnostic> {
        let rest =
            ["cannot open ", "cannot find "].iter().find_map(|start| Some(line.split_once(start)?.1))?;
        let name = rest.split(": ").next().unwrap_or(rest).trim_matches([' ', '\'']);
        let key = self.asked_for(name)?;
        let mut problem = Diagnostic::error(format!("there is no file `{name}` to link"))
            .in_file(&self.scene.manifest.file)
            .hint("paths are taken from the root of the project");
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
}

impl Trouble {
    fn message(self) -> &'static str {
        match self {
            Trouble::NotPic => "an object that is linked was not compiled with `-fPIC`",
            Trouble::OtherLlvm => "an object that is linked holds code of another LLVM version",
            Trouble::NoLinker => "the compiler finds no linker",
        }
    }
}

fn trouble(line: &str) -> Option<Trouble> {
    let says = |parts: &[&str]| parts.iter().any(|part| line.contains(part));
    if says(&["-fPIC", "-fpic"]) {
        Some(Trouble::NotPic)
    } else if says(&["Producer: '", "Invalid bitcode", "Unknown attribute kind", "Invalid summary version"]) {
        Some(Trouble::OtherLlvm)
    } else if says(&["invalid linker name", "unable to execute command", "doesn't exist!"]) {
        Some(Trouble::NoLinker)
    } else {
        None
    }
}

/// The line in `src/a.c:3`, where there is debug information.
fn line_of(place: &Place) -> Option<usize> {
    place.source.as_deref()?.rsplit_once(':')?.1.parse().ok()
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
            ("ld.lld: error: cannot open x.a: No such file or directory", None),
        ] {
            assert_eq!(trouble(line), expect, "{line}");
        }
    }
}
