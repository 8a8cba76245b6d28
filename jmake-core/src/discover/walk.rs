//! Lists everything below the root.
//!
//! Folders are listed level by level, each level in parallel, so that depth costs no stack and
//! breadth no time.  Everything is sorted at the end: the order of listings does not show.
//! Ignore files are read from the root downward and, when the root lies in a git repository, from
//! its top to the root; never from the user's own settings, which other people do not have.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rayon::prelude::*;

use crate::event::Diagnostic;
use crate::fs;
use crate::lex::Facts;
use crate::memo::Memo;
use crate::path::{FilePath, Root, bytes_of};

use super::{Category, File, Options, Skipped, Tree, classify};

/// Files that show that a folder of one of [`BUILD_NAMES`] is written by a build tool.
const BUILD_MARKERS: [&[u8]; 10] = [
    b"CMakeCache.txt",
    b"CMakeFiles",
    b"build.ninja",
    b".ninja_log",
    b"meson-info",
    b"meson-private",
    b"compile_commands.json",
    b"args.gn",
    b"config.status",
    b"bazel-out",
];
const BUILD_NAMES: [&[u8]; 6] = [b"build", b"_build", b"builds", b"out", b"target", b"bin"];
/// What a `CACHEDIR.TAG` must begin with.
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// The rules of the ignore files of one folder and of those above it.
struct Ignores {
    matcher: Gitignore,
    above: Option<Arc<Ignores>>,
}

/// A folder still to be listed.
struct Job {
    dir: FilePath,
    ignores: Option<Arc<Ignores>>,
    depth: usize,
}

/// What one folder's listing gave.
#[derive(Default)]
struct Listing {
    dirs: Vec<Job>,
    /// Links to folders, taken up when all real folders have been read.
    links: Vec<Job>,
    tree: Tree,
}

struct Walk<'a> {
    root: &'a Root,
    options: &'a Options,
    include: Option<GlobSet>,
    exclude: GlobSet,
}

/// Walks the root of `memo`'s project.
///
/// # Errors
/// When the root itself cannot be listed.  What fails below it is noted among the problems.
pub fn scan_files(memo: &Memo, options: &Options) -> Result<Tree> {
    let mut tree = walk_files(memo.root(), options)?;
    settle_headers(memo, &mut tree.files);
    Ok(tree)
}

/// As [`scan_files`], by names alone: each `.h` counts as a header of C.
///
/// # Errors
/// As [`scan_files`].
pub fn walk_files(root: &Root, options: &Options) -> Result<Tree> {
    let mut tree = Tree::default();
    std::fs::read_dir(root.as_path())
        .with_context(|| format!("cannot list `{}`", root.as_path().display()))?;
    let include = (!options.include.is_empty()).then(|| globs(&options.include, &mut tree.problems));
    let exclude = globs(&options.exclude, &mut tree.problems);
    let walk = Walk { root, options, include, exclude };
    let above = ignores_above(root, &mut tree);
    walk.run(Job { dir: FilePath::root(), ignores: above, depth: 0 }, &mut tree);
    tree.files.sort_by(|a, b| a.path.cmp(&b.path));
    tree.dirs.sort();
    tree.ignore_files.sort();
    tree.skipped.sort_by(|a, b| a.0.cmp(&b.0));
    tree.problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
    Ok(tree)
}

impl Walk<'_> {
    fn run(&self, first: Job, tree: &mut Tree) {
        let mut level = vec![first];
        let mut links = Vec::new();
        // Only links can lead to a folder twice.
        let mut seen = HashSet::new();
        if self.options.follow_symlinks && !self.options.output_dir.is_root() {
            seen.extend(self.identity(&self.options.output_dir));
        }
        loop {
            if self.options.follow_symlinks {
                level.retain(|job| self.identity(&job.dir).is_none_or(|id| seen.insert(id)));
            }
            let listings: Vec<Listing> = level.par_iter().map(|job| self.list(job)).collect();
            level = Vec::new();
            for listing in listings {
                level.extend(listing.dirs);
                links.extend(listing.links);
                tree.files.extend(listing.tree.files);
                tree.dirs.extend(listing.tree.dirs);
                tree.ignore_files.extend(listing.tree.ignore_files);
                tree.skipped.extend(listing.tree.skipped);
                tree.problems.extend(listing.tree.problems);
            }
            if level.is_empty() {
                // One link at a time, in order, so that of two links to one folder the same one
                // is taken each time.
                links.sort_by(|a: &Job, b| b.dir.cmp(&a.dir));
                let Some(next) = links.pop() else { return };
                match self.identity(&next.dir).is_some_and(|id| !seen.contains(&id)) {
                    true => level.push(next),
                    false => tree.skipped.push((next.dir, Skipped::Link)),
                }
                if level.is_empty() && links.is_empty() {
                    return;
                }
            }
        }
    }

    fn identity(&self, dir: &FilePath) -> Option<(u64, u64)> {
        fs::stat(&self.root.resolve(dir)).ok().flatten().map(|stat| (stat.dev, stat.ino))
    }

    fn list(&self, job: &Job) -> Listing {
        let mut out = Listing::default();
        out.tree.dirs.push(job.dir.clone());
        let entries = match self.entries(&job.dir, &mut out.tree.problems) {
            Ok(entries) => entries,
            Err(e) => {
                out.tree.problems.push(unreadable(&job.dir, "folder", &e));
                return out;
            }
        };
        if let Some(reason) = self.not_entered(job, &entries) {
            if reason == Skipped::OtherProject {
                out.tree.problems.push(
                    Diagnostic::note("is a project of its own and is not part of this one").in_file(&job.dir),
                );
            }
            out.tree.skipped.push((job.dir.clone(), reason));
            return out;
        }
        let mut ignores = self.ignores_of(job, &entries, &mut out.tree);
        let shown: Vec<_> = entries.into_iter().filter(|(name, _)| name.first() != Some(&b'.')).collect();
        if job.dir.is_root() && self.all_ignored(&ignores, &shown) {
            // Who names a folder wants what lies in it, whatever a rule such as `*` says of all.
            let note = "ignore files name all that lies here, so they do not count";
            out.tree.problems.push(Diagnostic::note(note).in_file(&job.dir));
            ignores = None;
        }
        for (name, kind) in shown {
            self.entry(job, &ignores, &name, kind, &mut out);
        }
        out
    }

    /// Whether ignore files name whatever may lie in the root, and every entry that does.
    fn all_ignored(&self, ignores: &Option<Arc<Ignores>>, entries: &[(Vec<u8>, std::fs::FileType)]) -> bool {
        let is_named = |name: &[u8], is_dir: bool| {
            is_ignored(ignores.as_deref(), &self.root.resolve(&FilePath::new(name)), is_dir)
        };
        is_named(b"anything", false) && entries.iter().all(|(name, kind)| is_named(name, kind.is_dir()))
    }

    fn entries(
        &self,
        dir: &FilePath,
        problems: &mut Vec<Diagnostic>,
    ) -> io::Result<Vec<(Vec<u8>, std::fs::FileType)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(self.root.resolve(dir))? {
            match entry.and_then(|entry| Ok((bytes_of(&entry.file_name()).to_vec(), entry.file_type()?))) {
                Ok(entry) => entries.push(entry),
                Err(e) => problems.push(unreadable(dir, "part of the folder", &e)),
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Why a listed folder is none of the project's, judged by what it holds.
    fn not_entered(&self, job: &Job, entries: &[(Vec<u8>, std::fs::FileType)]) -> Option<Skipped> {
        if job.dir.is_root() {
            return None;
        }
        let has = |name: &[u8]| entries.binary_search_by(|entry| (*entry.0).cmp(name)).is_ok();
        if has(b"jmake.toml") || has(b".jmake_project") {
            return Some(Skipped::OtherProject);
        }
        let tag = || fs::read(&self.root.resolve(&job.dir.join("CACHEDIR.TAG"))).unwrap_or_default();
        if has(b"CACHEDIR.TAG") && tag().starts_with(CACHE_SIGNATURE) {
            return Some(Skipped::Cache);
        }
        let name = job.dir.file_name().to_ascii_lowercase();
        if BUILD_NAMES.contains(&&*name) || name.starts_with(b"build") || name.starts_with(b"cmake-build") {
            let marker = BUILD_MARKERS.into_iter().find(|marker| has(marker));
            return marker.map(|marker| Skipped::BuildOutput(String::from_utf8_lossy(marker).into_owned()));
        }
        None
    }

    fn ignores_of(
        &self,
        job: &Job,
        entries: &[(Vec<u8>, std::fs::FileType)],
        tree: &mut Tree,
    ) -> Option<Arc<Ignores>> {
        let mut files = Vec::new();
        // Of two rules the later wins, so `.ignore` overrules `.gitignore`.
        for name in [&b".gitignore"[..], b".ignore"] {
            if entries.binary_search_by(|entry| (*entry.0).cmp(name)).is_ok() {
                files.push(job.dir.join(name));
            }
        }
        match read_ignores(self.root, &job.dir, &files, tree) {
            Some(matcher) => Some(Arc::new(Ignores { matcher, above: job.ignores.clone() })),
            None => job.ignores.clone(),
        }
    }

    fn entry(
        &self,
        job: &Job,
        ignores: &Option<Arc<Ignores>>,
        name: &[u8],
        kind: std::fs::FileType,
        out: &mut Listing,
    ) {
        let path = job.dir.join(name);
        let meta = match kind.is_symlink() {
            false => None,
            true => match std::fs::metadata(self.root.resolve(&path)) {
                Ok(meta) => Some(meta),
                // The link that jmake makes for editors, whose file a `clean` has removed.
                Err(_) if path.as_bytes() == b"compile_commands.json" => return,
                Err(_) => {
                    let note = Diagnostic::note("is a link that leads nowhere").in_file(&path);
                    out.tree.problems.push(note);
                    return;
                }
            },
        };
        let kind = meta.as_ref().map_or(kind, |meta| meta.file_type());
        let is_dir = kind.is_dir();
        // Devices, sockets and pipes are nobody's source, and opening one may hang.
        if !(is_dir || kind.is_file()) || (is_dir && is_tool_folder(name)) {
            return;
        }
        if is_dir && path == self.options.output_dir {
            return;
        }
        if self.exclude.is_match(path.to_path_buf()) {
            out.tree.skipped.push((path, Skipped::Excluded));
        } else if is_ignored(ignores.as_deref(), &self.root.resolve(&path), is_dir) {
            out.tree.skipped.push((path, Skipped::Ignored));
        } else if is_dir {
            self.folder(job, ignores, path, meta.is_some(), out);
        } else {
            self.file(name, path, out);
        }
    }

    fn folder(
        &self,
        job: &Job,
        ignores: &Option<Arc<Ignores>>,
        path: FilePath,
        is_link: bool,
        out: &mut Listing,
    ) {
        let inside = || {
            let real = self.root.resolve(&path).canonicalize();
            real.is_ok_and(|real| real.starts_with(self.root.as_path()))
        };
        if self.options.max_depth.is_some_and(|max| job.depth >= max) {
            out.tree.skipped.push((path, Skipped::TooDeep));
        } else if is_link && !(self.options.follow_symlinks && inside()) {
            out.tree.skipped.push((path, Skipped::Link));
        } else {
            let next = Job { dir: path, ignores: ignores.clone(), depth: job.depth + 1 };
            if is_link { out.links.push(next) } else { out.dirs.push(next) }
        }
    }

    fn file(&self, name: &[u8], path: FilePath, out: &mut Listing) {
        let mut category = classify::by_name(name);
        let mut size = None;
        if category.is_source()
            && self.include.as_ref().is_some_and(|include| !include.is_match(path.to_path_buf()))
        {
            out.tree.skipped.push((path, Skipped::NotIncluded));
            return;
        }
        if category == Category::Other && classify::may_be_binary(name) {
            let real = self.root.resolve(&path);
            if let Ok(meta) = std::fs::metadata(&real)
                && let Some(binary) = classify::by_content(name, &real, &meta)
            {
                category = binary;
                size = Some(meta.len());
            }
        }
        out.tree.files.push(File { path, category, size });
    }
}

fn is_tool_folder(name: &[u8]) -> bool {
    matches!(name, b"node_modules" | b"CVS" | b"_darcs" | b"__pycache__")
}

fn unreadable(path: &FilePath, what: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::warning(format!("cannot read this {what}: {error}"))
        .in_file(path)
        .hint("make it readable, or list it under `discovery.exclude`")
}

/// The files that `patterns` mean; what is wrong with a pattern is added to `problems`.
pub fn globs(patterns: &[String], problems: &mut Vec<Diagnostic>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let bare = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
        let anchored = match bare.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if bare.contains('/') => bare.to_owned(),
            None => format!("**/{bare}"),
        };
        // What lies below a folder that is named is meant too.
        for glob in [format!("{anchored}/**"), anchored] {
            match GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build() {
                Ok(glob) => {
                    set.add(glob);
                }
                Err(e) => {
                    let message = format!("`{pattern}` is not a valid glob: {}", e.kind());
                    problems.push(
                        Diagnostic::error(message)
                            .hint("write a literal `[`, `{` or `*` as `\\[`, `\\{` or `\\*`"),
                    );
                    break;
                }
            }
        }
    }
    set.build().unwrap_or_else(|e| {
        problems.push(Diagnostic::error(format!("the globs are too large together: {e}")));
        GlobSet::empty()
    })
}

fn is_ignored(mut rules: Option<&Ignores>, path: &Path, is_dir: bool) -> bool {
    while let Some(here) = rules {
        match here.matcher.matched(path, is_dir) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => rules = here.above.as_deref(),
        }
    }
    false
}

/// The rules in `files`, relative to `dir`.
fn read_ignores(root: &Root, dir: &FilePath, files: &[FilePath], tree: &mut Tree) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(root.resolve(dir));
    let mut any = false;
    for file in files {
        let text = match fs::read(&root.resolve(file)) {
            Ok(text) => text,
            Err(e) => {
                tree.problems.push(unreadable(file, "file", &e));
                continue;
            }
        };
        tree.ignore_files.push(file.clone());
        any = true;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        for (at, line) in text.split(|&b| b == b'\n').enumerate() {
            let bad = match std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)) {
                Ok(line) => builder.add_line(None, line).err().map(|e| e.to_string()),
                Err(_) => Some("it is not UTF-8".into()),
            };
            if let Some(bad) = bad {
                let warning = Diagnostic::warning(format!("this line has no effect: {bad}"));
                tree.problems.push(warning.in_file(file).at_line(at + 1));
            }
        }
    }
    if !any {
        return None;
    }
    builder.build().ok()
}

/// The rules of the git repository around the root, from its top down to the root's parent.
fn ignores_above(root: &Root, tree: &mut Tree) -> Option<Arc<Ignores>> {
    let is_top = |dir: &&Path| dir.join(".git").exists();
    let top = root.as_path().ancestors().find(is_top)?;
    let mut between: Vec<&Path> =
        root.as_path().ancestors().skip(1).take_while(|dir| dir.starts_with(top)).collect();
    between.reverse();
    let mut found = Tree::default();
    let mut rules: Option<Arc<Ignores>> = None;
    for dir in between {
        let dir = root.file_path(dir);
        let file = dir.join(".gitignore");
        if root.resolve(&file).is_file()
            && let Some(matcher) = read_ignores(root, &dir, &[file], &mut found)
        {
            rules = Some(Arc::new(Ignores { matcher, above: rules }));
        }
    }
    // Somebody who builds a folder that the repository around it ignores (a home folder under
    // git ignores everything) does not want it to look empty.
    let hidden = root
        .as_path()
        .ancestors()
        .any(|dir| dir.starts_with(top) && dir != top && is_ignored(rules.as_deref(), dir, true));
    tree.ignore_files.append(&mut found.ignore_files);
    tree.problems.append(&mut found.problems);
    rules.filter(|_| !hidden)
}

/// Tells C headers from C++ ones where the extension does not; see [`Category::CHeader`].
///
/// Includes are compared by file name alone: a rough measure, but it decides nothing that is
/// built.
fn settle_headers(memo: &Memo, files: &mut [File]) {
    let any = |category| files.iter().any(|file| file.category == category);
    if !any(Category::CppSource) {
        return;
    }
    let mut reached = HashSet::new();
    if any(Category::CSource) {
        reached = reached_from(memo, files, Category::CSource);
    }
    let by_cpp = if reached.is_empty() { None } else { Some(reached_from(memo, files, Category::CppSource)) };
    for file in files.iter_mut().filter(|file| file.category == Category::CHeader) {
        let by_c = reached.contains(&file.path);
        if !by_c && by_cpp.as_ref().is_none_or(|all| all.contains(&file.path)) {
            file.category = Category::CppHeader;
        }
    }
}

/// The headers that sources of one language reach through includes.
fn reached_from(memo: &Memo, files: &[File], language: Category) -> HashSet<FilePath> {
    let mut by_name: std::collections::HashMap<&[u8], Vec<&FilePath>> = Default::default();
    for file in files.iter().filter(|file| file.category.is_header()) {
        by_name.entry(file.path.file_name()).or_default().push(&file.path);
    }
    let mut reached = HashSet::new();
    let mut front: Vec<&FilePath> =
        files.iter().filter(|file| file.category == language).map(|file| &file.path).collect();
    while !front.is_empty() {
        let facts: Vec<Option<Arc<Facts>>> = front.par_iter().map(|path| memo.facts(path).ok()).collect();
        front.clear();
        for include in facts.iter().flatten().flat_map(|facts| &facts.includes) {
            let name = include.name.rsplit(|&b| b == b'/').next().unwrap_or_default();
            // Taking the list away makes each name cost once.
            for path in by_name.remove(name).unwrap_or_default() {
                reached.insert(path.clone());
                front.push(path);
            }
        }
    }
    reached
}
