//! Headers that a compile did not find: where one is, or who has it.

use std::collections::BTreeMap;

use super::{LIMIT, Scene, listed, packages};
use crate::action::Action;
use crate::discover::Skipped;
use crate::event::Diagnostic;
use crate::path::FilePath;
use crate::toolchain::includes::Lang;
use crate::toolchain::pkgconfig::{HeaderQuery, libraries_for_headers};
use crate::toolchain::standard_library_dirs;

/// The headers that were not found, with those who include them.
#[derive(Default)]
pub(super) struct Headers {
    /// By header: file and line of each include.
    missing: BTreeMap<String, Vec<(String, Option<usize>)>>,
}

impl Headers {
    /// Takes up what the compile `action` wrote.
    pub(super) fn add(&mut self, action: &Action, text: &str) {
        for line in text.lines() {
            let Some((place, rest)) = line.split_once(": fatal error: '") else { continue };
            let Some(header) = rest.strip_suffix("' file not found") else { continue };
            let mut parts = place.rsplitn(3, ':');
            let at = match (parts.next(), parts.next(), parts.next()) {
                (Some(_), Some(line), Some(file)) => (file.to_owned(), line.parse().ok()),
                _ => (action.label.clone(), None),
            };
            let users = self.missing.entry(header.to_owned()).or_default();
            if !users.contains(&at) {
                users.push(at);
            }
        }
    }

    /// One diagnostic for each header.
    pub(super) fn diagnostics(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let one = |(header, users): (&String, &Vec<(String, Option<usize>)>)| {
            let more = match users.len() {
                1 => String::new(),
                n => format!(", which {n} files include"),
            };
            let mut problem = Diagnostic::error(format!("there is no header `{header}`{more}"));
            if let Some((file, line)) = users.first() {
                problem = problem.in_file(file);
                problem.line = *line;
            }
            match explain(scene, header) {
                Some(hint) => problem.hint(hint),
                None => problem.hint("name the folder it lies in under `compile.include_dirs`"),
            }
        };
        self.missing.iter().take(LIMIT).map(one).collect()
    }
}

fn explain(scene: &Scene<'_>, header: &str) -> Option<String> {
    in_project(scene, header)
        .or_else(|| generated(scene, header))
        .or_else(|| passed_over(scene, header))
        .or_else(|| installed(scene, header))
        .or_else(|| packages::for_header(scene, header).map(|command| format!("install it with `{command}`")))
        .or_else(|| {
            other_system(header)
                .map(|name| format!("it belongs to {name}: exclude its users with `discovery.exclude`"))
        })
        .or_else(|| same_name(scene, header))
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

/// A file of the project that is exactly what is asked for, from some folder.
fn in_project(scene: &Scene<'_>, header: &str) -> Option<String> {
    let dirs = scene.tree.files.iter().filter_map(|file| dir_for(&file.path, header));
    let mut dirs: Vec<String> = dirs.map(|dir| dir.to_string()).collect();
    dirs.sort_by_key(String::len);
    let first = dirs.first()?;
    Some(match &dirs[..] {
        [_] => format!("it lies in `{first}`: add that to `compile.include_dirs`"),
        _ => format!("it lies in {}: add the right one to `compile.include_dirs`", listed(&dirs)),
    })
}

/// A template from which the project's own build makes it.
fn generated(scene: &Scene<'_>, header: &str) -> Option<String> {
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
        return Some(format!("`{path}` is a finished one: copy it to `{}`", String::from_utf8_lossy(name)));
    }
    let tools = [("CMakeLists.txt", "cmake"), ("configure", "configure"), ("meson.build", "meson")];
    let tool = tools.iter().find(|(file, _)| scene.tree.get(&FilePath::new(file)).is_some());
    let by = tool.map_or("the project's own build".to_owned(), |(_, tool)| {
        format!("the project's own build (`{tool}`)")
    });
    Some(format!(
        "{by} generates it from `{path}`: run that once, and add the folder it writes to to `compile.include_dirs`"
    ))
}

/// A folder that was not looked into has it.
fn passed_over(scene: &Scene<'_>, header: &str) -> Option<String> {
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
    Some(format!("it lies in `{dir}`, which {why}: add that to `compile.include_dirs`"))
}

/// An installed package has it, which the includes of the project did not tell.
fn installed(scene: &Scene<'_>, header: &str) -> Option<String> {
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
    Some(format!(
        "package `{}` has it in `{}`: add that to `compile.system_include_dirs`",
        library.package,
        dir.display()
    ))
}

/// A file that only has the header's name, or has it in other letters.
fn same_name(scene: &Scene<'_>, header: &str) -> Option<String> {
    let wanted = FilePath::new(header);
    let same = |path: &&FilePath| path.file_name().eq_ignore_ascii_case(wanted.file_name());
    let found: Vec<&FilePath> =
        scene.tree.files.iter().map(|file| &file.path).filter(same).take(LIMIT).collect();
    let path = found.first()?;
    Some(match path.file_name() == wanted.file_name() {
        true => format!("`{path}` has that name: include it as the project lies, or add the folder above"),
        false => format!("`{path}` is written with other letters, which count here"),
    })
}

/// The system whose header it is.
fn other_system(header: &str) -> Option<&'static str> {
    const WINDOWS: [&str; 12] = [
        "windows.h",
        "winsock2.h",
        "ws2tcpip.h",
        "direct.h",
        "io.h",
        "conio.h",
        "tchar.h",
        "process.h",
        "windowsx.h",
        "shlobj.h",
        "d3d11.h",
        "dbghelp.h",
    ];
    const APPLE: [&str; 6] =
        ["TargetConditionals.h", "Availability.h", "mach/", "CoreFoundation/", "Cocoa/", "Foundation/"];
    let lower = header.to_ascii_lowercase();
    if WINDOWS.contains(&&*lower) {
        return Some("Windows");
    }
    APPLE.iter().any(|known| header.starts_with(known)).then_some("macOS")
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
