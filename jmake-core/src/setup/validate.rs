//! What is wrong with a manifest in *this* folder: all of it at once, each with its line.
//!
//! Parsing has already said what is wrong with a value in itself; here it is compared with the
//! disk and with the other values.  Nothing is run and nothing is written.

use std::collections::BTreeSet;
use std::path::Path;

use crate::event::Diagnostic;
use crate::manifest::{Kind, Manifest};
use crate::path::{FilePath, Root, bytes_of};

/// Everything in `manifest` that cannot work, or probably was not meant so, in the project at
/// `root`.
pub fn validate_config(manifest: &Manifest, root: &Root) -> Vec<Diagnostic> {
    let mut check = Check { manifest, root, problems: Vec::new() };
    check.project_root();
    check.dirs();
    check.sources();
    check.profiles();
    check.targets();
    check.output_dir();
    check.tools();
    check.problems.sort_by_key(|problem| problem.line);
    check.problems
}

struct Check<'a> {
    manifest: &'a Manifest,
    root: &'a Root,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    /// Adds `problem` about `key`, or, where that has no line of its own, about the list it is in.
    fn say(&mut self, problem: Diagnostic, key: &str) {
        let above = || self.manifest.line(key.rsplit_once('.')?.0);
        let mut problem = problem.in_file(&self.manifest.file);
        problem.line = self.manifest.line(key).or_else(above);
        self.problems.push(problem);
    }

    fn project_root(&mut self) {
        let Some(given) = &self.manifest.project.root else { return };
        if self.root.as_path().join(given) != self.root.as_path() {
            let note = Diagnostic::note(format!("`project.root` is `{given}`, but the root is this folder"));
            self.say(note.hint("remove the line"), "project.root");
        }
    }

    fn dirs(&mut self) {
        let Manifest { compile, link, targets, .. } = self.manifest;
        let mut lists = vec![
            ("compile.include_dirs".to_owned(), &compile.include_dirs),
            ("compile.system_include_dirs".to_owned(), &compile.system_include_dirs),
            ("link.lib_dirs".to_owned(), &link.lib_dirs),
        ];
        for (at, target) in targets.iter().enumerate() {
            lists.push((format!("target.{at}.include_dirs"), &target.include_dirs));
            lists.push((format!("target.{at}.lib_dirs"), &target.lib_dirs));
        }
        for (key, dirs) in lists {
            for (at, dir) in dirs.iter().enumerate() {
                let path = self.root.resolve(&FilePath::new(dir));
                // The compiler does not mind, and the folder may be made later: a warning.
                let is_good = path.is_dir() || dir.starts_with(".jmake/");
                let what = if is_good { continue } else { missing_or(&path, "is not a folder") };
                let problem = self.with_nearest(Diagnostic::warning(format!("`{dir}` {what}")), dir, true);
                self.say(problem, &format!("{key}.{at}"));
            }
        }
    }

    fn sources(&mut self) {
        for (n, target) in self.manifest.targets.iter().enumerate() {
            for (at, source) in target.sources.iter().enumerate() {
                let path = self.root.resolve(&FilePath::new(source));
                // What jmake makes itself is there only when it has been built.
                let is_made = source.starts_with(".jmake/");
                if is_made || source.contains(['*', '?', '[', '{']) || path.is_file() || path.is_dir() {
                    continue;
                }
                let what = missing_or(&path, "is neither a file nor a folder");
                let problem =
                    self.with_nearest(Diagnostic::error(format!("`{source}` {what}")), source, false);
                self.say(problem, &format!("target.{n}.sources.{at}"));
            }
        }
    }

    /// `problem` with the entry that is there and has the most similar name, if any does.
    fn with_nearest(&self, problem: Diagnostic, given: &str, dirs: bool) -> Diagnostic {
        let path = FilePath::new(given);
        let Some(parent) = path.parent() else { return problem };
        let wanted = String::from_utf8_lossy(path.file_name()).into_owned();
        let Ok(entries) = std::fs::read_dir(self.root.resolve(&parent)) else { return problem };
        let names = entries
            .flatten()
            .filter(|entry| entry.path().is_dir() == dirs)
            .map(|entry| String::from_utf8_lossy(bytes_of(&entry.file_name())).into_owned())
            .filter(|name| !name.starts_with('.'));
        let near = names.map(|name| (strsim::damerau_levenshtein(&name, &wanted), name)).min();
        match near {
            Some((far, name)) if far <= 2.max(wanted.len() / 3) => {
                problem.hint(format!("there is `{}`", parent.join(name)))
            }
            _ => problem,
        }
    }

    fn profiles(&mut self) {
        let Manifest { build, profiles, .. } = self.manifest;
        if let Some(name) = build.profile.as_deref().filter(|name| !self.is_profile(name)) {
            self.unknown_profile(name, "build.profile");
        }
        for (name, profile) in profiles {
            if !is_plain(name) {
                let problem = Diagnostic::error(format!("`{name}` cannot be the name of a profile"));
                self.say(problem.hint("use letters, digits, `-` and `_`"), &self.first_key(name));
            }
            let inherits = format!("profile.{name}.inherits");
            if let Some(above) = profile.inherits.as_deref().filter(|above| !self.is_profile(above)) {
                self.unknown_profile(above, &inherits);
            } else if let Some(way) = self.cycle(name) {
                let problem = Diagnostic::error(format!("profile `{name}` inherits from itself: {way}"));
                self.say(problem.hint("remove one `inherits`"), &inherits);
            }
            let exclusive = ["address", "thread", "memory"];
            let chosen: Vec<&String> =
                profile.sanitize.iter().filter(|name| exclusive.contains(&name.as_str())).collect();
            if chosen.len() > 1 {
                let message = format!("sanitizers `{}` and `{}` exclude each other", chosen[0], chosen[1]);
                self.say(Diagnostic::error(message), &format!("profile.{name}.sanitize"));
            }
        }
    }

    fn is_profile(&self, name: &str) -> bool {
        ["release", "dev"].contains(&name) || self.manifest.profiles.contains_key(name)
    }

    /// Some key of the profile `name`, for its line.
    fn first_key(&self, name: &str) -> String {
        let keys = ["opt_level", "debug", "lto", "sanitize", "inherits", "opt_passes", "defines", "flags"];
        let mut keys = keys.iter().map(|key| format!("profile.{name}.{key}"));
        keys.find(|key| self.manifest.line(key).is_some()).unwrap_or_default()
    }

    fn unknown_profile(&mut self, name: &str, key: &str) {
        let problem = Diagnostic::error(format!("there is no profile `{name}`"));
        let known = self.manifest.profiles.keys().map(String::as_str).chain(["release", "dev"]);
        let near = known.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
        let problem = match near {
            Some((far, near)) if far <= 2 => problem.hint(format!("the nearest is `{near}`")),
            _ => problem.hint(format!("add a section `[profile.{name}]`")),
        };
        self.say(problem, key);
    }

    /// How `name` comes back to itself by `inherits`.
    fn cycle(&self, name: &str) -> Option<String> {
        let mut way = vec![name];
        loop {
            let above = self.manifest.profiles.get(*way.last()?)?.inherits.as_deref()?;
            if above == name {
                way.push(above);
                return Some(format!("`{}`", way.join("` → `")));
            }
            if way.contains(&above) {
                return None; // a cycle further up, said of those in it
            }
            way.push(above);
        }
    }

    fn targets(&mut self) {
        let mut names = BTreeSet::new();
        let prebuilt = self.manifest.binary.kind == Some(Kind::Prebuilt);
        if prebuilt && !self.manifest.targets.is_empty() {
            let problem = Diagnostic::error("a project of finished libraries cannot have a `[[target]]`");
            self.say(problem.hint("remove `binary.kind` or the targets"), "binary.kind");
        }
        for (at, target) in self.manifest.targets.iter().enumerate() {
            if target.kind == Some(Kind::Prebuilt) {
                let problem = Diagnostic::error("`prebuilt` is for a whole project, not for a `[[target]]`");
                self.say(problem.hint("set `binary.kind`"), &format!("target.{at}.kind"));
            }
            let Some(name) = &target.name else { continue };
            if !names.insert(name) {
                let problem = Diagnostic::error(format!("there are two targets called `{name}`"));
                self.say(problem.hint("give one another name"), &format!("target.{at}.name"));
            }
        }
    }

    fn output_dir(&mut self) {
        let Some(given) = &self.manifest.binary.output_dir else { return };
        let dir = self.root.file_path(Path::new(given));
        let path = self.root.resolve(&dir);
        let outside = dir.is_absolute()
            || dir.components().any(|part| part == b"..")
            || real(&path).is_some_and(|real| !real.starts_with(self.root.as_path()));
        let what = if outside {
            "leads out of the project"
        } else if dir.starts_with(&FilePath::new(".jmake")) {
            "is among the intermediate files, which jmake removes"
        } else if path.exists() && !path.is_dir() {
            "is not a folder"
        } else {
            return;
        };
        let problem = Diagnostic::error(format!("`{given}` {what}"));
        self.say(problem.hint("choose a folder below the root, such as `julia`"), "binary.output_dir");
    }

    /// Only that they are there: nothing is run before the user's consent.
    fn tools(&mut self) {
        let llvm = &self.manifest.llvm;
        if let Some(root) = llvm.root.as_ref().filter(|root| !self.root.as_path().join(root).is_dir()) {
            let problem = Diagnostic::error(format!("there is no folder `{root}`"));
            self.say(problem.hint("remove the line to use what `jmake tools` finds"), "llvm.root");
        }
        for (tool, path) in &llvm.tools {
            if path.contains('/') && !self.root.as_path().join(path).is_file() {
                let problem = Diagnostic::error(format!("there is no `{path}` for `{tool}`"));
                self.say(problem.hint("remove it to use what `jmake tools` finds"), "llvm.tools");
            }
        }
    }
}

fn missing_or(path: &Path, otherwise: &'static str) -> &'static str {
    if path.exists() { otherwise } else { "does not exist" }
}

/// Where `path`, or as much of it as exists, really lies.
fn real(path: &Path) -> Option<std::path::PathBuf> {
    path.ancestors().find(|above| above.symlink_metadata().is_ok())?.canonicalize().ok()
}

/// Whether `name` can be a part of a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn everything_is_said_at_once_with_its_line() {
        let temp = tempfile::tempdir().unwrap();
        for dir in ["include", "src"] {
            fs::create_dir_all(&temp.path().join(dir)).unwrap();
        }
        fs::write(&temp.path().join("src/main.cpp"), b"").unwrap();
        fs::symlink(Path::new("/"), &temp.path().join("out")).unwrap();
        let root = Root::open(temp.path()).unwrap();
        for (text, expected) in [
            ("", &[][..]),
            ("compile.include_dirs = ['include', 'src']", &[]),
            ("[[target]]\nname = 'a'\nsources = ['src']", &[]),
            (
                "[compile]\ninclude_dirs = [\n'src',\n'inlcude']",
                &["4 Warning: `inlcude` does not exist (there is `include`)"],
            ),
            ("compile.include_dirs = ['/home/nobody/x']", &["1 Warning: `/home/nobody/x` does not exist"]),
            ("compile.include_dirs = ['src/main.cpp']", &["1 Warning: `src/main.cpp` is not a folder"]),
            (
                "[[target]]\nname = 'a'\nsources = ['src/mian.cpp', 'src/*.c']",
                &["3 Error: `src/mian.cpp` does not exist (there is `src/main.cpp`)"],
            ),
            (
                "[[target]]\nname = 'a'\n[[target]]\nname = 'a'",
                &["4 Error: there are two targets called `a` (give one another name)"],
            ),
            (
                "build.profile = 'relase'",
                &["1 Error: there is no profile `relase` (the nearest is `release`)"],
            ),
            (
                "profile.x.inherits = 'fast'",
                &["1 Error: there is no profile `fast` (add a section `[profile.fast]`)"],
            ),
            (
                "profile.a.inherits = 'b'\nprofile.b.inherits = 'a'\nprofile.c.inherits = 'a'",
                &[
                    "1 Error: profile `a` inherits from itself: `a` → `b` → `a` (remove one `inherits`)",
                    "2 Error: profile `b` inherits from itself: `b` → `a` → `b` (remove one `inherits`)",
                ],
            ),
            (
                "profile.a.inherits = 'a'",
                &["1 Error: profile `a` inherits from itself: `a` → `a` (remove one `inherits`)"],
            ),
            (
                "profile.'../x'.debug = true",
                &["1 Error: `../x` cannot be the name of a profile (use letters, digits, `-` and `_`)"],
            ),
            (
                "profile.dev.sanitize = ['address', 'thread']",
                &["1 Error: sanitizers `address` and `thread` exclude each other"],
            ),
            (
                "binary.output_dir = '../x'",
                &[
                    "1 Error: `../x` leads out of the project (choose a folder below the root, such as `julia`)",
                ],
            ),
            (
                "binary.output_dir = '/tmp'",
                &[
                    "1 Error: `/tmp` leads out of the project (choose a folder below the root, such as `julia`)",
                ],
            ),
            (
                "binary.output_dir = 'out/x'",
                &[
                    "1 Error: `out/x` leads out of the project (choose a folder below the root, such as `julia`)",
                ],
            ),
            (
                "binary.output_dir = 'src/main.cpp'",
                &[
                    "1 Error: `src/main.cpp` is not a folder (choose a folder below the root, such as `julia`)",
                ],
            ),
            (
                "binary.output_dir = './.jmake/x'",
                &[
                    "1 Error: `./.jmake/x` is among the intermediate files, which jmake removes (choose a folder below the root, such as `julia`)",
                ],
            ),
            ("binary.output_dir = 'new/folder'", &[]),
            (
                "project.root = '/home/nobody'",
                &["1 Note: `project.root` is `/home/nobody`, but the root is this folder (remove the line)"],
            ),
            (
                "llvm.root = '/nonexistent'",
                &[
                    "1 Error: there is no folder `/nonexistent` (remove the line to use what `jmake tools` finds)",
                ],
            ),
            (
                "binary.kind = 'prebuilt'\n[[target]]\nname = 'x'\nkind = 'prebuilt'",
                &[
                    "1 Error: a project of finished libraries cannot have a `[[target]]` (remove `binary.kind` or the targets)",
                    "4 Error: `prebuilt` is for a whole project, not for a `[[target]]` (set `binary.kind`)",
                ],
            ),
        ] {
            let (manifest, problems) = Manifest::parse(text, "jmake.toml");
            assert_eq!(problems, [], "{text}");
            let said: Vec<String> = validate_config(&manifest, &root)
                .iter()
                .map(|p| {
                    let hint = p.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
                    format!("{} {:?}: {}{hint}", p.line.unwrap_or(0), p.severity, p.message)
                })
                .collect();
            assert_eq!(said, expected, "{text}");
        }
    }
}
