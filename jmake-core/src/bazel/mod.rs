//! What `BUILD` files say: the libraries of each package and what they need of one another.
//!
//! Variables, lists, `glob` and `select` are followed; functions are not.  A rule counts by its
//! name: `my_cc_library` is a library too.  Where the top package has libraries for others, these
//! and what they need are read; otherwise all packages are.

mod eval;
mod lex;
mod parse;

use std::collections::{BTreeMap, BTreeSet};

use crate::described::{Described, Files, Target, place};
use crate::path::FilePath;

use eval::{Reader, Rule, label_file};

/// The names such a file has; the first there is counts.
pub const NAMES: [&str; 2] = ["BUILD.bazel", "BUILD"];

/// How many packages are read.
const MOST: usize = 3_000;

/// What the packages of the workspace in `top` say.
pub fn read(files: &dyn Files, top: &FilePath) -> Option<Described> {
    let mut workspace = Workspace {
        files,
        top,
        reader: Reader::new(files, top),
        packages: BTreeSet::new(),
        targets: BTreeMap::new(),
        passed_on: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    let is_workspace = ["WORKSPACE", "WORKSPACE.bazel", "MODULE.bazel", "WORKSPACE.bzlmod"]
        .iter()
        .any(|name| files.is_file(&top.join(name)));
    let has_top = workspace.package(top);
    let has_libraries = workspace.targets.values().any(|target| target.is_public && !target.is_test);
    if !has_libraries && (has_top || is_workspace) {
        let all = files
            .below(top)
            .into_iter()
            .filter(|path| NAMES.iter().any(|name| name.as_bytes() == path.file_name()));
        let dirs: BTreeSet<FilePath> = all.filter_map(|path| path.parent()).collect();
        for dir in dirs.iter().take(MOST) {
            workspace.package(dir);
        }
    }
    workspace.follow();
    (!workspace.targets.is_empty()).then(|| workspace.described())
}

struct Workspace<'w> {
    files: &'w dyn Files,
    top: &'w FilePath,
    reader: Reader<'w>,
    packages: BTreeSet<FilePath>,
    /// Targets by the path that their label names.
    targets: BTreeMap<FilePath, Target>,
    /// Macros and folders that targets have their users see, too, by the names of the targets.
    passed_on: BTreeMap<String, Passed>,
    /// What groups of files and other names stand for.
    groups: BTreeMap<FilePath, Vec<FilePath>>,
}

/// What a target passes on to those that use it.
struct Passed {
    defines: Vec<String>,
    include_dirs: Vec<FilePath>,
}

impl Workspace<'_> {
    /// Reads the package in `dir`; tells whether there is one.
    fn package(&mut self, dir: &FilePath) -> bool {
        let file = NAMES.iter().map(|name| dir.join(name)).find(|file| self.files.is_file(file));
        let Some(file) = file.filter(|_| self.packages.len() < MOST && self.packages.insert(dir.clone()))
        else {
            return false;
        };
        let mut is_public = false;
        for rule in self.reader.rules(&file) {
            let name = place(dir, rule.text("name").as_bytes()).unwrap_or_else(|| dir.clone());
            match rule.kind.as_str() {
                "package" => {
                    is_public =
                        rule.texts("default_visibility").iter().any(|one| one == "//visibility:public")
                }
                "filegroup" => drop(self.groups.insert(name, self.labels(dir, &rule, "srcs"))),
                "genrule" => drop(self.groups.insert(name, self.labels(dir, &rule, "outs"))),
                "alias" => drop(self.groups.insert(name, self.labels(dir, &rule, "actual"))),
                kind if kind.ends_with("cc_library")
                    || kind.ends_with("cc_binary")
                    || kind.ends_with("cc_test") =>
                {
                    let passed = self.passed(dir, &rule);
                    let target = self.target(dir, &name, &rule, is_public, &passed);
                    self.passed_on.insert(target.name.clone(), passed);
                    self.targets.insert(name, target);
                }
                _ => {}
            }
        }
        true
    }

    fn labels(&self, dir: &FilePath, rule: &Rule, name: &str) -> Vec<FilePath> {
        rule.texts(name).iter().filter_map(|label| label_file(self.top, dir, &whole(label))).collect()
    }

    fn passed(&self, dir: &FilePath, rule: &Rule) -> Passed {
        let folders = ["includes", "strip_include_prefix"].into_iter().flat_map(|name| rule.texts(name));
        let place = |folder: String| {
            let from = if folder.starts_with('/') { self.top } else { dir };
            place(from, folder.trim_start_matches('/').as_bytes())
        };
        let defines = rule.texts("defines");
        Passed {
            defines: defines.iter().filter_map(|define| crate::described::macro_of(define)).collect(),
            include_dirs: folders.filter_map(place).collect(),
        }
    }

    fn target(
        &self,
        dir: &FilePath,
        name: &FilePath,
        rule: &Rule,
        is_public: bool,
        passed: &Passed,
    ) -> Target {
        let own = rule.text("name");
        let visibility = rule.texts("visibility");
        let mut words = own.split(['_', '-', '/']);
        let is_for_tests = |word: &str| {
            ["test", "tests", "testing", "testutil", "mock", "benchmark", "fuzz"].contains(&word)
        };
        let mut target = Target {
            name: name.to_string(),
            dir: dir.clone(),
            is_program: rule.kind.ends_with("cc_binary") && !rule.holds("linkshared"),
            is_test: rule.kind.ends_with("cc_test") || rule.holds("testonly") || words.any(is_for_tests),
            is_public: if visibility.is_empty() {
                is_public
            } else {
                visibility.iter().any(|one| one == "//visibility:public")
            },
            sources: self.labels(dir, rule, "srcs"),
            ..Target::default()
        };
        for name in ["deps", "implementation_deps", "private_deps"] {
            target.links.extend(self.labels(dir, rule, name).iter().map(ToString::to_string));
        }
        target.defines.clone_from(&passed.defines);
        for define in rule.texts("local_defines") {
            target.define(crate::described::macro_of(&define));
        }
        let copts = rule.texts("copts");
        target.take_flags(copts.iter().map(String::as_str), &|dir| place(self.top, dir.as_bytes()));
        for (cxx, more) in [(false, "conlyopts"), (true, "cxxopts")] {
            let more = rule.texts(more);
            target.compile(cxx, copts.iter().chain(&more).map(String::as_str));
        }
        let link = rule.texts("linkopts");
        target.take_link_flags(link.iter().map(String::as_str), &|file| self.named_by(dir, file));
        passed.include_dirs.iter().for_each(|dir| target.search(dir.clone()));
        target
    }

    /// The file that a flag names: by `$(location …)`, or from the top.
    fn named_by(&self, dir: &FilePath, text: &str) -> Option<FilePath> {
        let label =
            ["$(location ", "$(execpath ", "$(rootpath "].iter().find_map(|start| text.strip_prefix(start));
        match label.and_then(|rest| rest.strip_suffix(')')) {
            Some(label) => label_file(self.top, dir, label.trim()),
            None => place(self.top, text.as_bytes()),
        }
    }

    /// Reads the packages that are needed, and puts groups of files in.
    fn follow(&mut self) {
        loop {
            let needed = self.targets.values().filter(|target| !target.is_test && !target.is_program);
            let needed = needed.flat_map(|target| {
                target.links.iter().map(FilePath::new).chain(target.sources.iter().cloned())
            });
            let dirs: BTreeSet<FilePath> =
                needed.filter(|path| !self.files.is_file(path)).filter_map(|path| path.parent()).collect();
            let fresh: Vec<FilePath> = dirs.into_iter().filter(|dir| !self.packages.contains(dir)).collect();
            let mut has_more = false;
            for dir in fresh {
                has_more |= self.package(&dir);
                // Where there is no package nothing is looked for again.
                self.packages.insert(dir);
            }
            if !has_more {
                return;
            }
        }
    }

    fn described(self) -> Described {
        let put_in = |paths: Vec<FilePath>| {
            let mut out = Vec::new();
            let (mut todo, mut seen) = (paths, BTreeSet::new());
            todo.reverse();
            while let Some(path) = todo.pop() {
                if !seen.insert(path.clone()) {
                    continue;
                }
                match self.groups.get(&path) {
                    Some(group) => todo.extend(group.iter().rev().cloned()),
                    None => out.push(path),
                }
            }
            out
        };
        let targets = self.targets.values().map(|target| {
            let mut target = target.clone();
            target.sources = put_in(std::mem::take(&mut target.sources));
            let links = target.links.iter().map(FilePath::new).collect();
            target.links = put_in(links).iter().map(ToString::to_string).collect();
            target
        });
        let mut targets: Vec<Target> = targets.collect();
        self.pass_on(&mut targets);
        Described { targets, ..Described::default() }
    }

    /// Gives each target what those that it uses pass on, and those that these use in turn.
    fn pass_on(&self, targets: &mut [Target]) {
        let links: BTreeMap<String, Vec<String>> =
            targets.iter().map(|target| (target.name.clone(), target.links.clone())).collect();
        for target in targets.iter_mut().filter(|target| !target.is_test && !target.is_program) {
            let mut seen = BTreeSet::from([&target.name]);
            let mut todo: Vec<&String> = links.get(&target.name).into_iter().flatten().rev().collect();
            let mut used = Vec::new();
            while let Some(name) = todo.pop() {
                if seen.insert(name) {
                    used.extend(self.passed_on.get(name));
                    todo.extend(links.get(name).into_iter().flatten().rev());
                }
            }
            drop(seen);
            for passed in used {
                passed.defines.iter().for_each(|define| target.define(Some(define.clone())));
                passed.include_dirs.iter().for_each(|dir| target.search(dir.clone()));
            }
        }
    }
}

/// A label with its name: `//a/b` is `//a/b:b`.
fn whole(label: &str) -> String {
    let Some(rest) = label.strip_prefix("//").filter(|rest| !rest.contains(':')) else {
        return label.to_owned();
    };
    let last = rest.rsplit('/').next().unwrap_or(rest);
    format!("//{rest}:{last}")
}

#[cfg(test)]
mod tests;
