//! A symbol that nothing in the link defines: who uses it, and why it is missing.

use std::collections::BTreeMap;

use super::LIMIT;
use super::link::{LOOKED_INTO, Work};
use super::symbol::{base, defined_in, is_mangled, shown};
use crate::cause::{Advice, Cause, Change};
use crate::discover::{LeftOut, detect_binaries};
use crate::event::Diagnostic;
use crate::fs;
use crate::inspect::{inspect, libraries_defining};
use crate::link_errors::Place;
use crate::manifest::TargetTable;
use crate::path::FilePath;

impl Work<'_> {
    /// The diagnostics of all of them.
    pub(super) fn undefined(&self, symbols: &[(&String, &Vec<Place>)]) -> Vec<Diagnostic> {
        let shown = &symbols[..symbols.len().min(LIMIT)];
        let plain: Vec<Option<String>> = shown.iter().map(|(symbol, _)| global_function(symbol)).collect();
        let mut names: Vec<&str> = shown.iter().map(|(symbol, _)| symbol.as_str()).collect();
        names.extend(plain.iter().flatten().map(String::as_str));
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
        let unknown =
            "is its source part of the target (`jmake discover`), or its library in `link.libraries`";
        let advice = self.reason(symbol, &name, libraries);
        problem.advised(advice.unwrap_or_else(|| Advice::new(Cause::SymbolUnknown, unknown)))
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
    fn reason(&self, symbol: &str, name: &str, libraries: &BTreeMap<String, Vec<String>>) -> Option<Advice> {
        self.known_kind(symbol, name)
            .or_else(|| self.elsewhere(symbol))
            .or_else(|| self.other_language(symbol, name))
            .or_else(|| self.in_library(libraries.get(symbol)?))
            .or_else(|| self.in_own_binary(symbol))
            .or_else(|| self.left_out(name))
            .or_else(|| self.other_parameters(symbol, name))
            .or_else(|| self.in_library_of_c(symbol, libraries))
    }

    /// Names that the compiler itself makes.
    fn known_kind(&self, symbol: &str, name: &str) -> Option<Advice> {
        if symbol == "main" {
            let hint = "no source of this program defines `main`; a library has `kind = \"shared\"`";
            return Some(Advice::new(Cause::MainMissing, hint));
        }
        if ["__asan_", "__tsan_", "__msan_", "__ubsan_"].iter().any(|start| symbol.starts_with(start)) {
            let hint = "the code was compiled with a sanitizer: name it in the profile's `sanitize`, so that it is linked too";
            return Some(Advice::new(Cause::SanitizedObject, hint));
        }
        let class = name.strip_prefix("vtable for ")?;
        let hint = format!("define every virtual function of `{class}` that is neither inline nor pure");
        Some(Advice::new(Cause::VirtualUndefined, hint))
    }

    /// A source of another target has it.
    fn elsewhere(&self, symbol: &str) -> Option<Advice> {
        let source = self.origins.defining(symbol).iter().find(|source| !self.origins.is_linked(source))?;
        let matching = |target: &&TargetTable| {
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
            Some(name) => Advice::new(
                Cause::SymbolOfTarget,
                format!(
                    "`{source}` of target `{name}` defines it: add `\"{name}\"` to the `libraries` of this one"
                ),
            ),
            None => Advice::new(
                Cause::SymbolOfSource,
                format!("`{source}` defines it, which is not part of this target: add it to its `sources`"),
            ),
        })
    }

    /// C where C++ is expected, or the other way round.
    fn other_language(&self, symbol: &str, name: &str) -> Option<Advice> {
        let plain = base(name);
        if is_mangled(symbol) {
            let source = self.origins.defining(&global_function(symbol)?).first()?;
            let hint =
                format!("`{source}` defines `{plain}` as C: declare it in the header within `extern \"C\"`");
            return Some(Advice::new(Cause::SymbolOfOtherLanguage, hint));
        }
        let mangled = |(defined, source): (&str, &FilePath)| {
            let defined = is_mangled(defined).then(|| shown(defined))?;
            let own = defined.strip_prefix(plain).is_some_and(|rest| rest.starts_with('('));
            own.then(|| source.clone())
        };
        let source = self.origins.defined().find_map(mangled)?;
        let hint = format!("`{source}` defines it as C++: declare it there `extern \"C\"`");
        Some(Advice::new(Cause::SymbolOfOtherLanguage, hint))
    }

    /// The same function of other parameters: the declaration is not what was defined.
    fn other_parameters(&self, symbol: &str, name: &str) -> Option<Advice> {
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
        let hint = format!("`{source}` defines `{defined}`: declaration and definition differ");
        Some(Advice::new(Cause::SymbolDeclaredOtherwise, hint))
    }

    fn in_library(&self, libraries: &[String]) -> Option<Advice> {
        let library = libraries.iter().min_by_key(|name| (name.len(), (*name).clone()))?;
        Some(self.link_with(&format!("`lib{library}` has it"), library))
    }

    /// The library `name` is to be linked.
    fn link_with(&self, found: &str, name: &str) -> Advice {
        if self.scene.manifest.targets.is_empty() {
            let all = self.scene.manifest.link.libraries.iter().map(String::as_str).chain([name]);
            return Advice::set(Cause::SymbolOfLibrary, found, Change::list("link.libraries", all));
        }
        let hint = format!("{found}: add `\"{name}\"` to the `libraries` of the target");
        Advice::new(Cause::SymbolOfLibrary, hint)
    }

    /// A library of C that is installed has the function under its plain name.
    fn in_library_of_c(&self, symbol: &str, libraries: &BTreeMap<String, Vec<String>>) -> Option<Advice> {
        let plain = global_function(symbol)?;
        let library = libraries.get(&plain)?.iter().min_by_key(|name| (name.len(), (*name).clone()))?;
        let hint =
            format!("`lib{library}` has `{plain}` as C: declare it in the header within `extern \"C\"`");
        Some(Advice::new(Cause::SymbolOfOtherLanguage, hint))
    }

    /// A finished library that lies in the project.
    fn in_own_binary(&self, symbol: &str) -> Option<Advice> {
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
        Some(self.link_with(&format!("`{}` has it", file.path), &path))
    }

    /// A source that discovery left out seems to define it.
    fn left_out(&self, name: &str) -> Option<Advice> {
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
        let hint = format!("`{path}` seems to define it but was left out, because it {why}: {step}");
        Some(Advice::new(Cause::SymbolLeftOut, hint))
    }
}

/// The plain name of a mangled function that lies in no namespace and no class.
fn global_function(symbol: &str) -> Option<String> {
    let name = is_mangled(symbol).then(|| shown(symbol))?;
    let (plain, _) = name.split_once('(')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    plain.chars().all(word).then(|| plain.to_owned())
}

/// The line in `src/a.c:3`, where there is debug information.
fn line_of(place: &Place) -> Option<usize> {
    place.source.as_deref()?.rsplit_once(':')?.1.parse().ok()
}
