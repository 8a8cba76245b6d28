//! Headers that a compile did not find: where one is, or who has it.

use std::collections::BTreeMap;

use super::{Finding, LIMIT, Scene, listed, packages, words_at};
use crate::action::{Action, ActionId};
use crate::cause::{Advice, Cause, Change};
use crate::complaints::{Complaint, of_compiler};
use crate::discover::Skipped;
use crate::event::Diagnostic;
use crate::path::FilePath;
use crate::standard::other_system;
use crate::toolchain::includes::Lang;
use crate::toolchain::pkgconfig::{HeaderQuery, libraries_for_headers};
use crate::toolchain::standard_library_dirs;

/// The headers that were not found, with those who include them.
#[derive(Default)]
pub(super) struct Headers {
    missing: BTreeMap<String, Users>,
}

#[derive(Default)]
struct Users {
    /// File and line of each include.
    places: Vec<(String, Option<usize>)>,
    /// The compiles that missed it.
    actions: Vec<ActionId>,
}

impl Headers {
    /// Takes up what the compile `action`, whose number is `id`, complained of.
    pub(super) fn add(&mut self, scene: &Scene<'_>, id: ActionId, action: &Action, complaints: &[Complaint]) {
        // `#error` may say anything.
        let includes = |one: &Complaint| {
            let words = words_at(scene, one).unwrap_or_else(|| vec!["include".into()]);
            words.iter().any(|word| ["include", "include_next", "import", "embed"].contains(&&**word))
        };
        for complaint in complaints.iter().filter(|one| one.is_error() && includes(one)) {
            let quoted = complaint.message.strip_prefix('\'');
            let Some(header) = quoted.and_then(|rest| rest.strip_suffix("' file not found")) else {
                continue;
            };
            let file = complaint.file.clone().unwrap_or_else(|| action.label.clone());
            let users = self.missing.entry(header.to_owned()).or_default();
            let at = (file, complaint.line);
            if !users.places.contains(&at) {
                users.places.push(at);
            }
            users.actions.push(id);
        }
    }

    /// One diagnostic for each header.
    pub(super) fn findings(self, scene: &Scene<'_>) -> Vec<Finding> {
        let one = |(header, users): (String, Users)| {
            let more = match users.places.len() {
                1 => String::new(),
                n => format!(", which {n} files include"),
            };
            let mut problem = Diagnostic::error(format!("there is no header `{header}`{more}"));
            if let Some((file, line)) = users.places.first() {
                problem = problem.in_file(file);
                problem.line = *line;
            }
            let unknown = || {
                Advice::new(Cause::HeaderUnknown, "name the folder it lies in under `compile.include_dirs`")
            };
            let advice = explain(scene, &header, &users).unwrap_or_else(unknown);
            Finding { problem: problem.advised(advice), actions: users.actions }
        };
        self.missing.into_iter().take(LIMIT).map(one).collect()
    }
}

fn explain(scene: &Scene<'_>, header: &str, users: &Users) -> Option<Advice> {
    in_project(scene, header, users)
        .or_else(|| generated(scene, header))
        .or_else(|| passed_over(scene, header))
        .or_else(|| installed(scene, header))
        .or_else(|| packages::installed(scene, header, &users.places))
        .or_else(|| packages::for_header(scene, header))
        .or_else(|| made(scene, header))
        .or_else(|| {
            let hint = |name| format!("it belongs to {name}: exclude its users with `discovery.exclude`");
            Some(Advice::new(Cause::HeaderOfOtherSystem, hint(other_system(header.as_bytes())?)))
        })
        .or_else(|| same_name(scene, header))
}

/// The edit that has `dir` searched, too.
fn searched(scene: &Scene<'_>, key: &str, dir: &str) -> Change {
    let compile = &scene.manifest.compile;
    let list =
        if key == "compile.include_dirs" { &compile.include_dirs } else { &compile.system_include_dirs };
    Change::list(key, list.iter().map(String::as_str).chain([dir]))
}

/// The folder to search so that `header` is `path`.
fn dir_for(path: &FilePath, header: &str) -> Option<FilePath> {
    let wanted = FilePath::new(header);
    let mut dir = path.clone();
    let parts: Vec<&[u8]> = wanted.components().collect();
    for part in parts.iter().rev() {
        if dir.file_name() != *part {
            return None;
        }
        dir = dir.parent()?;
    }
    Some(dir)
}

/// A file of the project that is exactly what is asked for, from some folder; not the one that asks,
/// which wants the next of its name.
fn in_project(scene: &Scene<'_>, header: &str, users: &Users) -> Option<Advice> {
    let asks = |path: &FilePath| users.places.iter().any(|(file, _)| FilePath::new(file.as_bytes()) == *path);
    let files = scene.tree.files.iter().map(|file| &file.path).filter(|path| !asks(path));
    let dirs = files.filter_map(|path| dir_for(path, header));
    let mut dirs: Vec<String> = dirs.map(|dir| dir.to_string()).collect();
    dirs.sort_by_key(String::len);
    let first = dirs.first()?;
    let key = "compile.include_dirs";
    Some(match &dirs[..] {
        [_] => {
            Advice::set(Cause::HeaderElsewhere, &format!("it lies in `{first}`"), searched(scene, key, first))
        }
        _ => {
            let hint = format!("it lies in {}: add the right one to `{key}`", listed(&dirs));
            Advice::new(Cause::HeaderElsewhere, hint)
        }
    })
}

/// A template from which the project's own build makes it.
fn generated(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let name = FilePath::new(header);
    let (name, stem) = (name.file_name(), name.stem());
    let with = |start: &[u8], end: &str| [start, end.as_bytes()].concat();
    let templates = [
        with(name, ".in"),
        with(name, ".cmake"),
        with(name, ".cmake.in"),
        with(name, ".meson"),
        with(name, ".prebuilt"),
        with(name, ".template"),
        with(name, ".generic"),
        with(stem, ".in.h"),
        with(stem, "_in.h"),
        with(stem, ".hin"),
    ];
    let is_template =
        |path: &&FilePath| templates.iter().any(|template| path.file_name() == template.as_slice());
    let path = scene.tree.files.iter().map(|file| &file.path).find(is_template)?;
    if path.extension().is_some_and(|ext| ext == b"prebuilt" || ext == b"generic") {
        let hint = format!("`{path}` is a finished one: copy it to `{}`", String::from_utf8_lossy(name));
        return Some(Advice::new(Cause::HeaderGenerated, hint));
    }
    let tools = [("CMakeLists.txt", "cmake"), ("configure", "configure"), ("meson.build", "meson")];
    let tool = tools.iter().find(|(file, _)| scene.tree.get(&FilePath::new(file)).is_some());
    let by = tool.map_or("the project's own build".to_owned(), |(_, tool)| {
        format!("the project's own build (`{tool}`)")
    });
    let hint = format!(
        "{by} generates it from `{path}`: run that once, and add the folder it writes to to `compile.include_dirs`"
    );
    Some(Advice::new(Cause::HeaderGenerated, hint))
}

/// The project's own build makes it in a way that only running it would show: its description names
/// the header, and not to ask whether the system has it.
fn made(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let name = FilePath::new(header);
    let name = name.file_name();
    let is_made = |line: &[u8]| {
        let asks = [&b"check"[..], b"find_", b"has_header", b"have_"];
        let lower = line.to_ascii_lowercase();
        memchr::memmem::find(line, name).is_some_and(|at| {
            let before = at.checked_sub(1).and_then(|at| line.get(at));
            !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        }) && !asks.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
    };
    let names_it = |path: &&FilePath| {
        scene.memo.text(path).is_ok_and(|text| text.split(|byte| *byte == b'\n').any(is_made))
    };
    let file = scene.discovery.evidence.iter().find(names_it)?;
    let hint = format!(
        "a tool of the project makes it, as `{file}` says, and jmake runs none: have it made once, and put it \
         where it is looked for"
    );
    Some(Advice::new(Cause::HeaderGenerated, hint))
}

/// A folder that was not looked into has it.
fn passed_over(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let root = scene.memo.root();
    let found = scene.tree.skipped.iter().find_map(|(path, why)| {
        if FilePath::new(header).file_name() == path.file_name() {
            return Some((path.parent()?, why));
        }
        let below = ["", "include", "src", "inc"].map(|sub| path.join(sub));
        let dir = below.into_iter().find(|dir| root.resolve(&dir.join(header)).is_file())?;
        Some((dir, why))
    });
    let (dir, why) = found?;
    let why = match why {
        Skipped::Excluded => "`discovery.exclude` takes out",
        Skipped::NotIncluded => "`discovery.include` does not take in",
        Skipped::Ignored => "an ignore file takes out",
        Skipped::BuildOutput(_) => "looks like the output of another build",
        Skipped::Cache => "is marked as a cache",
        Skipped::OtherProject => "is a project of its own",
        Skipped::TooDeep => "lies deeper than `discovery.max_depth`",
        Skipped::Link => "is a link to a folder",
    };
    let change = searched(scene, "compile.include_dirs", &dir.to_string());
    Some(Advice::set(Cause::HeaderElsewhere, &format!("it lies in `{dir}`, which {why}"), change))
}

/// An installed package has it, which the includes of the project did not tell.
fn installed(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let programs = scene.path.iter().flat_map(|dir| ["pkg-config", "pkgconf"].map(|name| dir.join(name)));
    let pkg_config = programs.into_iter().find(|path| path.is_file());
    let query = HeaderQuery {
        headers: &[header.to_owned()],
        lang: Lang::C,
        pkg_config: pkg_config.as_deref(),
        pkg_config_path: scene.pkg_config_path,
        library_dirs: &standard_library_dirs(),
    };
    let found = libraries_for_headers(&scene.ask, &query);
    let library = found.first()?;
    let dir = library.include_dirs.iter().find(|dir| dir.join(header).is_file())?;
    Some(has_it(scene, &library.package, &dir.display().to_string()))
}

/// The package `package` has it, in `dir`.
pub(super) fn has_it(scene: &Scene<'_>, package: &str, dir: &str) -> Advice {
    let change = searched(scene, "compile.system_include_dirs", dir);
    Advice::set(Cause::HeaderInstalled, &format!("package `{package}` has it in `{dir}`"), change)
}

/// A file that only has the header's name, or has it in other letters.
fn same_name(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let wanted = FilePath::new(header);
    let same = |path: &&FilePath| path.file_name().eq_ignore_ascii_case(wanted.file_name());
    let found: Vec<&FilePath> =
        scene.tree.files.iter().map(|file| &file.path).filter(same).take(LIMIT).collect();
    let path = found.first()?;
    let hint = match path.file_name() == wanted.file_name() {
        true => format!("`{path}` has that name: include it as the project lies, or add the folder above"),
        false => format!("`{path}` is written with other letters, which count here"),
    };
    Some(Advice::new(Cause::HeaderMisspelt, hint))
}

/// The header of another system for which alone a compile that said `output` failed: the file that
/// includes it, if that is told, and the system.
pub fn header_of_other_system(output: &str) -> Option<(Option<FilePath>, &'static str)> {
    let complaints = of_compiler(output);
    let mut errors = complaints.iter().filter(|one| one.is_error());
    let error = errors.next().filter(|_| errors.next().is_none())?;
    let header = error.message.strip_prefix('\'')?.strip_suffix("' file not found")?;
    let includer = error.file.as_ref().map(|file| FilePath::new(file.as_bytes()));
    Some((includer, other_system(header.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_from_which_a_header_is_named() {
        let dir = |path: &str, header: &str| dir_for(&FilePath::new(path), header).map(|dir| dir.to_string());
        assert_eq!(dir("a/b/x.h", "b/x.h"), Some("a".into()));
        assert_eq!(dir("x.h", "x.h"), Some(".".into()));
        assert_eq!(dir("a/b/x.h", "c/x.h"), None);
    }
}
