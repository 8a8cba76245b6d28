//! From what any other description than CMake's says to evidence: `meson.build`, `Makefile.am`,
//! `BUILD`, `compile_commands.json`, `Makefile`.

use std::sync::Arc;

use crate::described::{Described, Files as _};
use crate::discover::category_by_name;
use crate::discover::reasons::folder_reason;
use crate::path::FilePath;
use crate::{automake, bazel, commands, makefile, meson};

use super::{Evidence, Seen, flags, several};

/// What a `meson.build` in `dir` says.
pub(super) fn meson(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    Some(evidence(seen, dir.join("meson.build"), meson::read(seen, dir)?))
}

/// What a `Makefile.am` in `dir` says.
pub(super) fn automake(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    Some(evidence(seen, dir.join("Makefile.am"), automake::read(seen, dir)?))
}

/// What a `BUILD` file in `dir` says.
pub(super) fn bazel(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    let described = bazel::read(seen, dir)?;
    let mut names = bazel::NAMES.iter().map(|name| dir.join(name));
    let file = names.find(|file| seen.is_file(file)).unwrap_or_else(|| dir.join(bazel::NAMES[0]));
    Some(evidence(seen, file, described))
}

/// What the last build of somebody wrote down in `dir`.
pub(super) fn commands(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    let places = [dir.clone(), dir.join("build")];
    places.iter().find_map(|place| {
        let file = place.join(commands::NAME);
        let text = written_by_others(seen, &file)?;
        let text: Arc<[u8]> = text.into();
        seen.note(&file, text.clone());
        let mut described = commands::read(seen, &text)?;
        // It does not tell programs from libraries.
        for target in &mut described.targets {
            let has_main = |source: &FilePath| seen.memo.facts(source).is_ok_and(|facts| facts.has_main);
            target.is_program = target.sources.iter().any(has_main);
            target.is_test = target.sources.iter().all(|source| folder_reason(source).is_some());
        }
        Some(evidence(seen, file, described))
    })
}

/// The text of such a file, if there is one and it is not jmake's own.  That it is not there is
/// known by its folder, so that it is no news when jmake puts its own there.
fn written_by_others(seen: &Seen<'_>, file: &FilePath) -> Option<Vec<u8>> {
    let folder = file.parent()?;
    // What another tool builds in is passed over, but not by this.
    let is_passed_over = seen.tree.skipped.iter().any(|(path, _)| *path == folder);
    if seen.tree.get(file).is_none() && !is_passed_over {
        return None;
    }
    let target = std::fs::read_link(seen.memo.root().resolve(file)).unwrap_or_default();
    if target.components().any(|part| part.as_os_str() == ".jmake") {
        return None;
    }
    seen.memo.text(file).ok().filter(|text| !commands::is_ours(text))
}

/// What a Makefile in `dir` says.
pub(super) fn makefile(seen: &Seen<'_>, dir: &FilePath) -> Option<Evidence> {
    let files = makefile::NAMES.iter().map(|name| dir.join(name)).filter(|file| seen.is_file(file));
    let mut all = files.filter_map(|file| {
        // Automake makes its own of its own description, which says it better.
        let is_template = file.extension() == Some(b"in") && !seen.is_file(&dir.join("Makefile.am"));
        let configured = is_template.then(|| automake::Configured::read(seen, dir)).flatten();
        let automake::Configured { values, headers } = configured.unwrap_or_default();
        let (says, described) = makefile::read(seen, &file, &values)?;
        Some(evidence(seen, says, Described { headers, ..described }))
    });
    all.find(|said| !said.sources.is_empty())
}

/// The part of what `file` says that is about the library.
fn evidence(seen: &Seen<'_>, file: FilePath, described: Described) -> Evidence {
    let tree = seen.tree;
    let is_beside = |dir: &FilePath| folder_reason(&dir.join("x")).is_some();
    let mut evidence = Evidence::new(file, described.headers.clone());
    evidence.unread.clone_from(&described.unread);
    evidence.unsure.clone_from(&described.unsure);
    let mut libraries = described.libraries(&is_beside);
    // What lies among the tests or examples is none of it, wherever it is described.
    libraries.retain(|library| library.sources.iter().any(|source| folder_reason(source).is_none()));
    for library in &libraries {
        evidence.scripts.extend(library.scripts.iter().filter(|path| seen.is_file(path)).cloned());
        let mut told = flags::Library::new(&evidence, library, tree);
        let is_unit = |path: &&FilePath| category_by_name(path.file_name()).is_unit();
        for source in library.sources.iter().filter(is_unit) {
            match tree.get(source) {
                Some(_) => told.tell(&mut evidence, source),
                None if !evidence.missing.contains(source) => evidence.missing.push(source.clone()),
                None => {}
            }
        }
    }
    evidence.libraries = several::of_described(&libraries, &evidence.sources);
    evidence.manner.export = flags::export(&libraries, seen);
    evidence.manner.script = flags::script(&libraries, seen);
    evidence.settle(seen);
    evidence
}
