//! What `Makefile.am` and `configure.ac` say: libraries with their sources, and the headers that
//! `configure` would make.
//!
//! Conditions are those that `configure.ac` decides; one that it leaves open does not hold.

mod configure;
mod defined;
mod flags;
mod headers;
mod m4;
mod printed;
mod programs;
mod shell;
mod macros;

use std::collections::{BTreeMap, BTreeSet};

use crate::described::{Described, Files, Target, place};
use crate::generate::{DIR, Generated};
use crate::makefile::expand::Variables;
use crate::makefile::lines::{assignment, lines};
use crate::path::FilePath;

use configure::Configure;

/// How a path begins that counts from the top.
const TOP: &str = "/.top";
/// How many `Makefile.am` are read, fragments among them.
const MOST: usize = 500;
/// Fragments that include fragments are not followed deeper than this.
const DEEPEST: usize = 20;

/// What the `Makefile.am` in `dir` and those below it say.
pub fn read(files: &dyn Files, dir: &FilePath) -> Option<Described> {
    let makefile = dir.join("Makefile.am");
    if !files.is_file(&makefile) {
        return None;
    }
    let configure = Configure::read(files, dir).filter(|configure| configure.is_package)?;
    let unsure = configure.unsure.iter().cloned().collect();
    let mut described = Described { headers: headers::made(&configure), unsure, ..Described::default() };
    let mut todo = vec![dir.clone()];
    let mut seen: BTreeSet<FilePath> = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if seen.len() >= MOST || !seen.insert(at.clone()) {
            continue;
        }
        let mut reader = Reader::new(files, dir, &at, &configure);
        reader.take(&at.join("Makefile.am"), 0);
        described.targets.extend(reader.targets());
        let below = reader.variables.words("SUBDIRS");
        todo.extend(below.iter().rev().filter_map(|name| place(&at, name.as_bytes())));
    }
    Some(described)
}

/// What `configure` would make of the files below `dir` where there is no `Makefile.am`.
#[derive(Default)]
pub struct Configured {
    /// What stands for `@NAME@` in a template.
    pub values: BTreeMap<String, String>,
    /// The headers it makes, by path.
    pub headers: BTreeMap<FilePath, Generated>,
}

impl Configured {
    /// What the `configure.ac` in `dir` says.
    pub fn read(files: &dyn Files, dir: &FilePath) -> Option<Configured> {
        // Of old a package has no name.
        let configure = Configure::read(files, dir).filter(|configure| configure.is_begun)?;
        let headers = headers::made(&configure);
        let is_known = |name: &String| !configure.unknown.contains(name);
        let usual = ["CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "srcdir", "OBJEXT"].map(str::to_owned);
        let names = configure.substituted.iter().chain(&usual).filter(|name| is_known(name));
        let value = |name: &String| Some((name.clone(), configure.variables.get(name)?.clone()));
        Some(Configured { values: names.filter_map(value).collect(), headers })
    }
}

struct Reader<'r> {
    files: &'r dyn Files,
    top: &'r FilePath,
    dir: &'r FilePath,
    configure: &'r Configure<'r>,
    variables: Variables<'r>,
    left: usize,
}

impl<'r> Reader<'r> {
    fn new(
        files: &'r dyn Files,
        top: &'r FilePath,
        dir: &'r FilePath,
        configure: &'r Configure<'r>,
    ) -> Reader<'r> {
        let mut variables = Variables::new(&|_| Vec::new());
        for (name, text) in &configure.variables {
            variables.set(name, "=", &text.replace('$', "$$"));
        }
        for name in ["top_srcdir", "top_builddir", "abs_top_srcdir", "abs_top_builddir"] {
            variables.set(name, "=", TOP);
        }
        for name in ["srcdir", "builddir", "abs_srcdir", "abs_builddir"] {
            variables.set(name, "=", ".");
        }
        Reader { files, top, dir, configure, variables, left: MOST }
    }

    /// Reads one file.
    fn take(&mut self, file: &FilePath, depth: usize) {
        let Some(text) = self.files.read(file).filter(|_| depth < DEEPEST && self.left > 0) else { return };
        self.left -= 1;
        let here = self.relative(file);
        let mut conditions: Vec<(bool, bool)> = Vec::new();
        // A recipe's `if` is the shell's.
        for line in lines(&text).into_iter().filter(|line| !line.is_recipe) {
            let (word, rest) = line.text.split_once([' ', '\t']).unwrap_or((&line.text, ""));
            let outside = conditions.iter().all(|(holds, _)| *holds);
            match word {
                "if" => {
                    let holds = self.holds(rest);
                    conditions.push((holds, holds));
                }
                "else" => {
                    if let Some((holds, has_held)) = conditions.last_mut() {
                        *holds = !*has_held;
                        *has_held = true;
                    }
                }
                "endif" => drop(conditions.pop()),
                _ if !outside => {}
                "include" => {
                    if let Some(path) = self.place(&here.put_in(rest)) {
                        self.take(&path, depth + 1);
                    }
                }
                _ => {
                    let text = here.put_in(&line.text);
                    if let Some((name, how, value)) = assignment(&text) {
                        let value = with_values(value, &self.configure.variables);
                        self.variables.set(name, how, &value);
                    }
                }
            }
        }
    }

    fn holds(&self, condition: &str) -> bool {
        let condition = condition.trim();
        let (name, wanted) = match condition.strip_prefix('!') {
            Some(name) => (name.trim(), false),
            None => (condition, true),
        };
        let known = self.configure.conditions.get(name).copied();
        // What gnulib has of libunistring is compiled where that is not there.
        let holds = name == "TRUE" || name.starts_with("LIBUNISTRING_COMPILE_");
        known.unwrap_or(holds) == wanted
    }

    /// What stands for the folder of a fragment.
    fn relative(&self, file: &FilePath) -> Here {
        let folder = file.parent().unwrap_or_else(FilePath::root);
        let rest = folder.components().skip(self.dir.components().count());
        let rest: Vec<String> = rest.map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        let folder = rest.join("/");
        Here { canonical: canonical(&folder), folder: if folder.is_empty() { ".".into() } else { folder } }
    }

    /// The file that `name` stands for.
    fn place(&self, name: &str) -> Option<FilePath> {
        let name = self.variables.expand(name);
        let name = name.trim();
        match name.strip_prefix(TOP) {
            Some(rest) => place(self.top, rest.trim_start_matches('/').as_bytes()),
            None => place(self.dir, name.as_bytes()),
        }
    }

    fn targets(&self) -> Vec<Target> {
        let mut all = BTreeMap::new();
        for list in self.variables.names() {
            let endings = ["_LTLIBRARIES", "_LIBRARIES", "_PROGRAMS"];
            let Some(prefix) = endings.iter().find_map(|ending| list.strip_suffix(ending)) else { continue };
            let is_program = list.ends_with("_PROGRAMS");
            let prefix = ["nobase_", "dist_", "nodist_"]
                .iter()
                .fold(prefix, |text, word| text.strip_prefix(word).unwrap_or(text));
            if prefix == "EXTRA" || prefix == "am_" {
                continue;
            }
            for name in self.variables.words(list) {
                let mut target = self.target(&name, is_program);
                target.is_test = prefix == "check";
                target.is_public =
                    !is_program && !["noinst", "check", "pkglib", "pkglibexec"].contains(&prefix);
                all.insert(target.name.clone(), target);
            }
        }
        all.into_values().collect()
    }

    fn target(&self, name: &str, is_program: bool) -> Target {
        let own = canonical(name);
        let of = |part: &str| self.variables.words(&format!("{own}_{part}"));
        let mut sources = of("SOURCES");
        if sources.is_empty() && !self.variables.has(&format!("{own}_SOURCES")) {
            sources.push(format!("{}.c", name.rsplit_once('.').map_or(name, |(stem, _)| stem)));
        }
        // What is made first is named here too.
        sources.extend(self.variables.words(&format!("nodist_{own}_SOURCES")));
        let mut target = Target {
            name: self.dir.join(name).to_string(),
            dir: self.dir.clone(),
            is_program,
            sources: sources.iter().filter_map(|name| self.place(&compiled(name))).collect(),
            ..Target::default()
        };
        let mut linked = of("LIBADD");
        linked.extend(of("LDADD"));
        if is_program && !self.variables.has(&format!("{own}_LDADD")) {
            linked.extend(self.variables.words("LDADD"));
        }
        target.sources.extend(linked.iter().filter_map(|name| self.source_of(name)));
        let is_library = |name: &&String| name.ends_with(".la") || name.ends_with(".a");
        let linked = linked.iter().filter(is_library).filter_map(|name| self.place(name));
        target.links = linked.map(|path| path.to_string()).collect();
        self.flags(&own, &mut target);
        target
    }

    /// What an object that is named itself is compiled from.
    fn source_of(&self, name: &str) -> Option<FilePath> {
        let stem = [".lo", ".o", ".$(OBJEXT)"].iter().find_map(|ending| name.strip_suffix(ending))?;
        let endings = [".c", ".S", ".s", ".cc", ".cpp", ".cxx"];
        let mut all = endings.iter().filter_map(|ending| self.place(&format!("{stem}{ending}")));
        all.find(|path| self.files.is_file(path))
    }

    /// The arguments that the variable `name` holds, as the shell parts them.
    fn arguments(&self, name: &str) -> Vec<String> {
        shlex::split(&self.variables.value(name)).unwrap_or_default()
    }

    /// Macros, folders and how it is compiled and linked: those of the target, or else those of all.
    fn flags(&self, own: &str, target: &mut Target) {
        for (path, _) in self.configure.headers.iter().map(|(path, from)| (self.top.join(path), from)) {
            target.define(Some("HAVE_CONFIG_H=1".to_owned()));
            target.search(FilePath::new(DIR).join(path.parent_bytes()));
        }
        target.search(FilePath::new(DIR).join(self.dir.as_bytes()));
        let kinds = ["CPPFLAGS", "CFLAGS", "CXXFLAGS"];
        let chosen = kinds.map(|kind| {
            let name = format!("{own}_{kind}");
            if self.variables.has(&name) { name } else { format!("AM_{kind}") }
        });
        let [of_both, of_c, of_cxx] = &chosen;
        // The compiler's own name may hold what `configure` found that it must be told.
        for (cxx, names) in [
            (false, ["CC", of_both.as_str(), of_c.as_str(), "CPPFLAGS", "CFLAGS"]),
            (true, ["CXX", of_both.as_str(), of_cxx.as_str(), "CPPFLAGS", "CXXFLAGS"]),
        ] {
            for words in names.map(|name| self.arguments(name)) {
                target.compile(cxx, words.iter().map(String::as_str));
            }
        }
        let own_link = format!("{own}_LDFLAGS");
        let own_link = if self.variables.has(&own_link) { own_link } else { "AM_LDFLAGS".to_owned() };
        let link = [self.arguments(&own_link), self.arguments("LDFLAGS")].concat();
        target.take_link_flags(link.iter().map(String::as_str), &|file| self.place(file));
        let names =
            ["INCLUDES", "DEFS"].map(str::to_owned).into_iter().chain(chosen).chain(kinds.map(str::to_owned));
        for name in names {
            let words = self.arguments(&name);
            let folder = |dir: &str| self.place(dir);
            let mut told = Target::default();
            told.take_flags(words.iter().map(String::as_str), &folder);
            told.defines.into_iter().for_each(|define| target.define(Some(define)));
            target.first.extend(told.first);
            for dir in told.include_dirs {
                // What is made lies in a tree of its own.
                target.search(FilePath::new(DIR).join(dir.as_bytes()));
                target.search(dir);
            }
        }
    }
}

/// The folder of a fragment, in both of its spellings.
struct Here {
    folder: String,
    canonical: String,
}

impl Here {
    fn put_in(&self, text: &str) -> String {
        if !text.contains('%') {
            return text.to_owned();
        }
        let text = text.replace("%reldir%", &self.folder).replace("%D%", &self.folder);
        // `%C%_x` in the top folder is `x`.
        let before = if self.canonical.is_empty() { String::new() } else { format!("{}_", self.canonical) };
        text.replace("%canon_reldir%_", &before).replace("%C%_", &before)
    }
}

/// The variable's spelling of a name.
fn canonical(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '@' { c } else { '_' }).collect()
}

/// `@NAME@` as its value, or as `$(NAME)` where none is known: `X = @X@` is no circle.
fn with_values(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        out += before;
        let name = after.split_once('@').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        match name {
            Some((name, more)) => {
                out += &match values.get(name) {
                    Some(value) => value.replace('$', "$$"),
                    None => format!("$({name})"),
                };
                rest = more;
            }
            None => {
                out.push('@');
                rest = after;
            }
        }
    }
    out + rest
}

/// What is compiled where a grammar is named.
fn compiled(name: &str) -> String {
    let made =
        [(".yy", ".cc"), (".ll", ".cc"), (".ypp", ".cpp"), (".lpp", ".cpp"), (".y", ".c"), (".l", ".c")];
    let made = made.iter().find_map(|(from, to)| Some(format!("{}{to}", name.strip_suffix(from)?)));
    made.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests;
