//! What a project's `jmake.toml` may not do without the user's consent.
//!
//! The code of a repository is compiled, never run: a manifest that came with it may choose how it
//! is compiled, but not which programs are started, what is loaded into them, or what is written
//! outside the project.  [`needs_trust`] lists the values that would; whether to stop or to go on
//! without them is the caller's decision.  The consent itself is kept by [`Trust`].
//!
//! Called on the manifest as the project wrote it, before the user's own configuration is merged:
//! what the user chose needs no consent.

mod flags;
mod store;

use std::path::Path;

pub use store::Trust;

use crate::event::Diagnostic;
use crate::manifest::Manifest;

/// A value that needs consent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustIssue {
    /// The key, as `Manifest::line` knows it.
    pub key: String,
    /// The line where the value stands, when known.
    pub line: Option<usize>,
    /// The value.
    pub value: String,
    /// What it would do.
    pub why: &'static str,
}

impl TrustIssue {
    /// The same as something to tell the user, about the file `manifest` was read from.
    pub fn diagnostic(&self, manifest: &Manifest) -> Diagnostic {
        let mut problem = Diagnostic::error(format!("`{}` in `{}`: it {}", self.value, self.key, self.why))
            .in_file(&manifest.file)
            .hint("run `jmake trust` if you trust this project");
        problem.line = self.line;
        problem
    }
}

/// The linkers that may be named: what a name finds is the user's own choice of `PATH`, but a name
/// that is no linker could find anything.
const LINKERS: &[&str] = &["lld", "mold", "bfd", "gold", "wild", "ld"];

/// Everything in `manifest` that needs the user's consent.
pub fn needs_trust(manifest: &Manifest) -> Vec<TrustIssue> {
    let mut issues = Vec::new();
    let mut say = |key: &str, value: &str, why| {
        let line = manifest.line(key).or_else(|| manifest.line(key.rsplit_once('.')?.0));
        issues.push(TrustIssue { key: key.to_owned(), line, value: value.to_owned(), why });
    };
    if let Some(linker) = manifest.link.linker.as_deref().filter(|linker| !LINKERS.contains(linker)) {
        say("link.linker", linker, "chooses the linker");
    }
    if let Some(root) = &manifest.llvm.root {
        say("llvm.root", root, "chooses the compiler");
    }
    for (name, path) in &manifest.llvm.tools {
        say("llvm.tools", &format!("{name} = {path}"), "chooses a program");
    }
    if let Some(dir) = &manifest.cache.dir {
        say("cache.dir", dir, "chooses where jmake writes");
    }
    for (key, values) in flag_lists(manifest) {
        for (at, why) in flags::harmful(values) {
            say(&format!("{key}.{at}"), &values[at], why);
        }
    }
    for (key, libraries) in library_lists(manifest) {
        for (at, library) in libraries.iter().enumerate() {
            if let Some(why) = harmful_library(library) {
                say(&format!("{key}.{at}"), library, why);
            }
        }
    }
    for (key, dirs) in lib_dir_lists(manifest) {
        for (at, dir) in dirs.iter().enumerate().filter(|(_, dir)| dir.contains(',')) {
            say(&format!("{key}.{at}"), dir, "holds a comma, behind which the linker reads further flags");
        }
    }
    for (name, profile) in &manifest.profiles {
        for (at, passes) in profile.opt_passes.iter().enumerate() {
            if let Some(why) = flags::harmful_passes(passes) {
                say(&format!("profile.{name}.opt_passes.{at}"), passes, why);
            }
        }
    }
    issues
}

fn flag_lists(manifest: &Manifest) -> Vec<(String, &[String])> {
    let compile = &manifest.compile;
    let mut lists: Vec<(String, &[String])> = vec![
        ("compile.flags".into(), &compile.flags),
        ("compile.c_flags".into(), &compile.c_flags),
        ("compile.cxx_flags".into(), &compile.cxx_flags),
        ("link.flags".into(), &manifest.link.flags),
    ];
    for (name, profile) in &manifest.profiles {
        lists.push((format!("profile.{name}.flags"), &profile.flags));
    }
    for (at, target) in manifest.targets.iter().enumerate() {
        lists.push((format!("target.{at}.flags"), &target.flags));
        lists.push((format!("target.{at}.link_flags"), &target.link_flags));
    }
    lists
}

fn library_lists(manifest: &Manifest) -> Vec<(String, &[String])> {
    let targets = manifest.targets.iter().enumerate();
    let of_targets = targets.map(|(at, target)| (format!("target.{at}.libraries"), &target.libraries[..]));
    std::iter::once(("link.libraries".to_owned(), &manifest.link.libraries[..])).chain(of_targets).collect()
}

fn lib_dir_lists(manifest: &Manifest) -> Vec<(String, &[String])> {
    let targets = manifest.targets.iter().enumerate();
    let of_targets = targets.map(|(at, target)| (format!("target.{at}.lib_dirs"), &target.lib_dirs[..]));
    std::iter::once(("link.lib_dirs".to_owned(), &manifest.link.lib_dirs[..])).chain(of_targets).collect()
}

/// A library is a path, or a name that follows `-l`; what looks like a flag must be a harmless one.
fn harmful_library(library: &str) -> Option<&'static str> {
    if library.starts_with(['-', '@']) {
        return flags::harmful(&[library.to_owned()]).first().map(|(_, why)| *why);
    }
    (!flags::is_library_name(library)).then_some(flags::LINKER_FLAG)
}

/// Whether the `jmake.toml` at `path` was put there by somebody else than the user `uid` or root,
/// which is an error until the user trusts it: in a folder that others may write, a manifest
/// appears without the user's doing.
#[cfg(unix)]
pub fn owner_problem(path: &Path, uid: u32) -> Option<Diagnostic> {
    use std::os::unix::fs::MetadataExt;
    // Both a link and what it leads to: the one chooses the other.
    let owners = [std::fs::symlink_metadata(path), std::fs::metadata(path)];
    let foreign =
        owners.into_iter().flatten().map(|meta| meta.uid()).find(|owner| ![uid, 0].contains(owner))?;
    let message = format!("`{}` belongs to another user (uid {foreign})", path.display());
    Some(Diagnostic::error(message).in_file(path.display()).hint("run `jmake trust` if you trust its owner"))
}

/// Files have no owner that could be told here.
#[cfg(not(unix))]
pub fn owner_problem(_path: &Path, _uid: u32) -> Option<Diagnostic> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(text: &str) -> Vec<(String, Option<usize>)> {
        let (manifest, _) = Manifest::parse(text, "jmake.toml");
        needs_trust(&manifest).into_iter().map(|issue| (issue.key, issue.line)).collect()
    }

    #[test]
    fn every_place_that_can_choose_programs_is_looked_at() {
        for (text, key, line) in [
            ("[llvm]\nroot = '/evil'", "llvm.root", 2),
            ("[llvm.tools]\nclang = './evil'", "llvm.tools", 1),
            ("llvm.tools = { clang = './evil' }", "llvm.tools", 1),
            ("[link]\nlinker = './ld'", "link.linker", 2),
            ("[link]\nlinker = 'evil'", "link.linker", 2),
            ("[cache]\ndir = '../x'", "cache.dir", 2),
            ("[cache]\ndirectory = '/x'", "cache.dir", 2),
            ("[compile]\nflags = [\n'-g',\n'-fplugin=x',\n]", "compile.flags.1", 4),
            ("[compile]\nflags = ['', '-fplugin=x']", "compile.flags.0", 2),
            ("[compile]\nextra_flags = ['-B.']", "compile.flags.0", 2),
            ("[compile]\nc_flags = ['-B.']", "compile.c_flags.0", 2),
            ("[compile]\ncxx_flags = ['-B.']", "compile.cxx_flags.0", 2),
            ("[link]\nflags = ['-Wl,--plugin=x']", "link.flags.0", 2),
            ("[link]\nlibraries = ['m', '-Wl,--plugin=x']", "link.libraries.1", 2),
            ("[link]\nlibraries = ['to-obj-path=x']", "link.libraries.0", 2),
            ("[link]\nlibraries = ['oad-pass-plugin=./x']", "link.libraries.0", 2),
            ("[binary]\nlink_libraries = ['@x']", "link.libraries.0", 2),
            ("[profile.dev]\nflags = ['-B.']", "profile.dev.flags.0", 2),
            ("[profile.'a.b']\nflags = ['-B.']", "profile.a.b.flags.0", 2),
            ("[profile.dev]\nopt_passes = ['view-cfg']", "profile.dev.opt_passes.0", 2),
            ("[link]\nopt_passes = ['-load=x']", "profile.release.opt_passes.0", 2),
            ("[[target]]\nname = 'x'\nflags = ['-B.']", "target.0.flags.0", 3),
            ("[[target]]\nname = 'x'\nlink_flags = ['-B.']", "target.0.link_flags.0", 3),
            ("[link]\nlib_dirs = ['x,--plugin=y']", "link.lib_dirs.0", 2),
            ("[[target]]\nname = 'x'\nlib_dirs = ['x,--plugin=y']", "target.0.lib_dirs.0", 3),
            ("target = [{ name = 'x', libraries = ['-B.'] }]", "target.0.libraries.0", 1),
        ] {
            assert_eq!(issues(text), [(key.to_owned(), Some(line))], "{text}");
        }
    }

    #[test]
    fn an_ordinary_project_needs_no_consent() {
        let text = "[compile]\nflags = ['-Wall', '-O3']\n[link]\nlinker = 'lld'\nlibraries = ['m', '-lz', 'lib/liba.a']\n\
                    [profile.dev]\nopt_passes = ['mem2reg']\n[llvm]\nversion = '19'\n[cache]\ndirectory = '.jmake_cache'\n";
        assert_eq!(issues(text), []);
    }

    #[test]
    fn what_the_user_chose_needs_no_consent_and_the_tables_agree_on_what_does() {
        for key in crate::manifest::KEYS.iter().filter(|key| key.needs_trust()) {
            let name = key.name.replace('*', "dev").replace("target[]", "target.0");
            let parts: Vec<&str> = key.name.split('.').collect();
            let value = match (key.last(), key.takes.expected().contains("list")) {
                ("tools", _) => "{ clang = 'x' }",
                ("lib_dirs", _) => "['x,y']",
                (_, true) => "['-load=x']",
                (_, false) => "'/x'",
            };
            let text = match parts[..] {
                ["target[]", last] => format!("[[target]]\nname = 'x'\n{last} = {value}"),
                _ => format!("{} = {value}", key.name.replace('*', "dev")),
            };
            assert!(!issues(&text).is_empty(), "{name} is said to need consent");
        }
    }

    #[cfg(unix)]
    #[test]
    fn anothers_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mine = std::os::unix::fs::MetadataExt::uid(&file.path().metadata().unwrap());
        assert_eq!(owner_problem(file.path(), mine), None);
        assert_eq!(owner_problem(Path::new("/nonexistent/jmake.toml"), mine), None);
        // Root's own files are believed by everybody, so the refusal only shows with a user's.
        let elses = mine.wrapping_add(1);
        assert_eq!(owner_problem(file.path(), elses).is_some(), mine != 0);
    }
}
