//! What a Makefile tells the compiler and the linker: for all, for one library, for single objects.

use std::collections::BTreeMap;

use crate::described::{Own, Target, place, says_how};
use crate::path::FilePath;

use super::expand::Variables;
use super::rules::Rule;
use super::{Reader, is_cxx, is_source};

impl Reader<'_> {
    /// Adds what is told of the library that `rule` makes of the sources `made`, each with its object.
    pub(super) fn told(&self, target: &mut Target, rule: &Rule, made: &BTreeMap<FilePath, Option<String>>) {
        let of_all = &self.makefile.variables;
        let own = self.makefile.own(&rule.targets);
        let of_library = (!own.is_empty()).then(|| of_all.with(own.into_iter())).flatten();
        let variables = of_library.as_ref().unwrap_or(of_all);
        let link: Vec<String> = rule.recipe.iter().flat_map(|line| split(&variables.expand(line))).collect();
        let folder = |dir: &str| place(self.dir, dir.as_bytes());
        target.take_link_flags(link.iter().map(String::as_str), &folder);
        // It may be compiled as it is linked.
        let compiles =
            rule.needs.iter().any(|need| is_source(need)) || link.iter().any(|word| is_source(word));
        let link = if compiles { link } else { Vec::new() };
        for cxx in [false, true] {
            let flags = [self.flags(variables, cxx), link.clone()].concat();
            target.take_flags(flags.iter().map(String::as_str), &folder);
            target.compile(cxx, flags.iter().map(String::as_str));
        }
        for (source, object) in made.iter().filter_map(|(source, object)| Some((source, object.as_ref()?))) {
            let own = self.of_object(target, variables, source, object);
            if own != Own::default() {
                target.own.insert(source.clone(), own);
            }
        }
    }

    /// What is told of one object beyond that.
    fn of_object(&self, target: &Target, variables: &Variables<'_>, source: &FilePath, object: &str) -> Own {
        let cxx = is_cxx(&String::from_utf8_lossy(source.file_name()));
        let own = self.makefile.own(&[object.to_owned()]);
        let set = (!own.is_empty()).then(|| variables.with(own.into_iter())).flatten();
        let mut flags = set.as_ref().map(|variables| self.flags(variables, cxx)).unwrap_or_default();
        let variables = set.as_ref().unwrap_or(variables);
        let rules = self.by_target.get(object).into_iter().flatten();
        let lines = rules.flat_map(|rule| &rule.recipe).filter(|line| compiles(line));
        flags.extend(lines.flat_map(|line| split(&variables.expand(line))));
        let known = if cxx { &target.cxx_flags } else { &target.c_flags };
        let is_new = |flag: &String| match flag.strip_prefix("-D") {
            Some(define) => !target.defines.iter().any(|known| known == define),
            None => says_how(flag) && !known.contains(flag),
        };
        let mut told = Target::default();
        told.take_flags(flags.iter().map(String::as_str), &|dir| place(self.dir, dir.as_bytes()));
        // Where all is said that is said for the library, the order is its own.
        let is_more = told.include_dirs.iter().any(|dir| !target.include_dirs.contains(dir));
        Own {
            include_dirs: if is_more { told.include_dirs } else { Vec::new() },
            first: told.first.into_iter().filter(|header| !target.first.contains(header)).collect(),
            flags: flags.into_iter().filter(is_new).collect(),
        }
    }

    /// What sources of C++, or of C, are compiled with: the usual variables, and what rules that
    /// compile say.
    fn flags(&self, variables: &Variables<'_>, cxx: bool) -> Vec<String> {
        let usual = if cxx { ["CXX", "CPPFLAGS", "CXXFLAGS"] } else { ["CC", "CPPFLAGS", "CFLAGS"] };
        let usual = usual.map(|name| variables.value(name));
        let lines = self.compiling[usize::from(cxx)].iter();
        let all = usual.into_iter().chain(lines.map(|line| variables.expand(line)));
        all.flat_map(|text| split(&text)).collect()
    }
}

/// The lines that compile in the rules for all sources of C, and of C++.
pub(super) fn compiling(rules: &[Rule]) -> [Vec<&str>; 2] {
    let is_suffix = |target: &String| target.contains('%') || target.starts_with('.');
    let all = rules.iter().filter(|rule| rule.targets.iter().any(is_suffix));
    let all: Vec<&Rule> = all.filter(|rule| rule.recipe.iter().any(|line| compiles(line))).collect();
    [false, true].map(|cxx| {
        let lines = all.iter().filter(|rule| is_for(rule, cxx)).flat_map(|rule| &rule.recipe);
        lines.map(String::as_str).filter(|line| compiles(line)).collect()
    })
}

/// Whether such a rule is one for sources of C++, or of C.
fn is_for(rule: &Rule, cxx: bool) -> bool {
    // `.cc.o: ` names its source before the object.
    let suffix =
        |target: &String| target.rsplit_once('.').map_or(String::new(), |(source, _)| format!("x{source}"));
    let named = rule.needs.iter().cloned().chain(rule.targets.iter().map(suffix));
    let sources: Vec<String> = named.filter(|name| is_source(name)).collect();
    sources.is_empty() || sources.iter().any(|source| is_cxx(source) == cxx)
}

/// Whether a line of a recipe compiles.
fn compiles(line: &str) -> bool {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    words.contains(&"-c") && !words.contains(&"&&")
}

/// The words of a line; what only the rule knows is none.  In `CMD='cc -o …'; eval $CMD` those of the
/// command are meant.
fn split(line: &str) -> Vec<String> {
    let words = shlex::split(line).unwrap_or_default().into_iter();
    let parts = words.flat_map(|word| match command_in(&word) {
        Some(command) => shlex::split(command).unwrap_or_default(),
        None => vec![word],
    });
    parts.filter(|word| !word.contains('@')).collect()
}

/// The command that a variable of the shell is given.
fn command_in(word: &str) -> Option<&str> {
    let (name, command) = word.trim_start_matches(['@', '-', '+']).split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // A macro, `-DNAME=a b`, is none.
    (is_name && command.contains(' ') && !word.starts_with("-D")).then_some(command)
}
