//! What a Makefile written by hand says: its variables and rules, conditions followed.

use std::collections::BTreeMap;

use crate::described::{Files, place};
use crate::path::FilePath;

use super::expand::{Setting, Variables, stem};
use super::lines::{Line, assignment, lines};

/// Includes are not followed deeper than this.
const DEEPEST: usize = 20;
/// All lines that are looked at.
const MOST: usize = 200_000;
/// How many patterns have variables of their own.
const MOST_PATTERNS: usize = 50;

/// A rule, everything put in.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// What it makes.
    pub targets: Vec<String>,
    /// Of what.
    pub needs: Vec<String>,
    /// How: lines in which variables still stand.
    pub recipe: Vec<String>,
}

/// A Makefile that was read.
pub struct Makefile<'f> {
    files: &'f dyn Files,
    /// What stands for `@NAME@` in templates.
    values: &'f BTreeMap<String, String>,
    dir: FilePath,
    /// Its variables, as they are at its end.
    pub variables: Variables<'f>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// What it includes and is not there.
    pub unread: Vec<String>,
    /// What is set for single targets, and for patterns of them, by what they are called.
    own: BTreeMap<String, Vec<(usize, Setting)>>,
    /// Those of them that are patterns.
    patterns: Vec<String>,
    left: usize,
}

/// A condition around a line: whether it holds, whether a branch before held, and whether what
/// stands around it holds.
struct Condition {
    holds: bool,
    has_held: bool,
    outside: bool,
}

impl<'f> Makefile<'f> {
    /// Reads `file`; `values` are what stands for `@NAME@` where it is a template.
    pub fn read(
        files: &'f dyn Files,
        file: &FilePath,
        values: &'f BTreeMap<String, String>,
        wildcard: &'f dyn Fn(&str) -> Vec<String>,
    ) -> Option<Makefile<'f>> {
        let variables = Variables::new(wildcard);
        let dir = file.parent()?;
        let mut makefile = Makefile {
            files,
            values,
            dir,
            variables,
            rules: Vec::new(),
            unread: Vec::new(),
            own: BTreeMap::new(),
            patterns: Vec::new(),
            left: MOST,
        };
        let text = makefile.text(file)?;
        makefile.take(&text, 0);
        Some(makefile)
    }

    /// The text of a Makefile; of a template as `configure` would fill it.
    fn text(&self, file: &FilePath) -> Option<Vec<u8>> {
        let text = self.files.read(file)?;
        if file.extension() != Some(b"in") {
            return Some(text.to_vec());
        }
        let text = String::from_utf8_lossy(&text);
        let mut parts = text.split('@');
        let mut out = parts.next().unwrap_or_default().to_owned();
        while let Some(part) = parts.next() {
            match self.values.get(part) {
                Some(value) => {
                    out += value;
                    out += parts.next().unwrap_or_default();
                }
                None => {
                    out.push('@');
                    out += part;
                }
            }
        }
        Some(out.into_bytes())
    }

    fn take(&mut self, text: &[u8], depth: usize) {
        let mut conditions: Vec<Condition> = Vec::new();
        let mut is_define = false;
        for Line { is_recipe, text } in lines(text) {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            if is_define {
                is_define = text != "endef";
                continue;
            }
            if self.condition(&text, &mut conditions) {
                continue;
            }
            if conditions.last().is_some_and(|one| !one.holds) {
                continue;
            }
            if is_recipe && let Some(rule) = self.rules.last_mut() {
                rule.recipe.push(text);
                continue;
            }
            is_define = text.starts_with("define ");
            if !is_define {
                self.line(&text, depth);
            }
        }
    }

    /// Whether the line is one of a condition.
    fn condition(&self, text: &str, conditions: &mut Vec<Condition>) -> bool {
        let (word, rest) = text.split_once([' ', '\t', '(']).unwrap_or((text, ""));
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                let outside = conditions.last().is_none_or(|one| one.holds);
                let holds = outside && self.holds(text);
                conditions.push(Condition { holds, has_held: holds, outside });
            }
            "else" => {
                let is_plain = rest.trim().is_empty();
                let holds = is_plain || self.holds(rest.trim());
                if let Some(last) = conditions.last_mut() {
                    last.holds = last.outside && !last.has_held && holds;
                    last.has_held |= last.holds;
                }
            }
            "endif" => drop(conditions.pop()),
            _ => return false,
        }
        true
    }

    fn holds(&self, text: &str) -> bool {
        let is = |word: &str| text.strip_prefix(word).map(str::trim);
        if let Some(name) = is("ifdef") {
            return !self.variables.value(&self.variables.expand(name)).is_empty();
        }
        if let Some(name) = is("ifndef") {
            return self.variables.value(&self.variables.expand(name)).is_empty();
        }
        let (sides, wanted) = match (is("ifeq"), is("ifneq")) {
            (Some(sides), _) => (sides, true),
            (_, Some(sides)) => (sides, false),
            _ => return false,
        };
        let Some((left, right)) = two_sides(sides) else { return false };
        let value = |side: &str| self.variables.expand(side).trim().to_owned();
        (value(left) == value(right)) == wanted
    }

    fn line(&mut self, text: &str, depth: usize) {
        let plain = without_words(text);
        for word in ["-include ", "sinclude ", "include "] {
            if let Some(names) = plain.strip_prefix(word) {
                return self.include(names, word == "include ", depth);
            }
        }
        if let Some((name, how, value)) = assignment(plain) {
            let name = self.variables.expand(name);
            return self.variables.set(&name, how, value);
        }
        let Some((targets, needs)) = plain.split_once(':') else { return };
        if assigns(needs) && !needs.contains(';') {
            return self.set_for(targets, needs);
        }
        let (needs, first) = needs.split_once(';').unwrap_or((needs, ""));
        let needs = needs.trim_start_matches(':').replace('|', " ");
        let words = |text: &str| {
            let text = self.variables.expand(text);
            text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let recipe = Some(first.trim().to_owned()).filter(|first| !first.is_empty());
        let rule =
            Rule { targets: words(targets), needs: words(&needs), recipe: recipe.into_iter().collect() };
        self.rules.push(rule);
    }

    /// `x.o: CFLAGS += …` is a matter of that file alone, and of what it is made of.
    fn set_for(&mut self, targets: &str, text: &str) {
        let plain = without_words(text);
        let Some((name, how, text)) = assignment(plain) else { return };
        let setting =
            Setting { name: self.variables.expand(name), how: how.to_owned(), text: text.to_owned() };
        let targets = self.variables.expand(targets);
        for target in targets.split_ascii_whitespace().take(self.left) {
            self.left -= 1;
            if target.contains('%') && self.patterns.len() < MOST_PATTERNS && !self.own.contains_key(target) {
                self.patterns.push(target.to_owned());
            }
            self.own.entry(target.to_owned()).or_default().push((self.left, setting.clone()));
        }
    }

    /// What is set for `targets` alone, in order.
    pub fn own(&self, targets: &[String]) -> Vec<&Setting> {
        let fits = |pattern: &&String| targets.iter().any(|target| stem(pattern, target).is_some());
        let names = targets.iter().chain(self.patterns.iter().filter(fits));
        let mut all: Vec<&(usize, Setting)> = names.filter_map(|name| self.own.get(name)).flatten().collect();
        all.sort_by_key(|(left, _)| std::cmp::Reverse(*left));
        all.into_iter().map(|(_, setting)| setting).collect()
    }

    /// Goes on in other files, which `must` be there or may be.
    fn include(&mut self, spelled: &str, must: bool, depth: usize) {
        let names = self.variables.expand(spelled);
        for name in names.split_ascii_whitespace().filter(|_| depth < DEEPEST) {
            let template = format!("{name}.in");
            let mut files =
                [name, &template].into_iter().filter_map(|name| place(&self.dir, name.as_bytes()));
            if let Some(text) = files.find_map(|path| self.text(&path)) {
                self.variables.set("MAKEFILE_LIST", "+=", name);
                self.take(&text, depth + 1);
            } else if must && !is_of_dependencies(name) && self.unread.len() < MOST_PATTERNS {
                self.unread.push(spelled.trim().to_owned());
            }
        }
    }

    /// The rules that make each target.
    pub fn by_target(&self) -> BTreeMap<&str, Vec<&Rule>> {
        let mut all: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &self.rules {
            for target in &rule.targets {
                all.entry(target).or_default().push(rule);
            }
        }
        all
    }
}

/// Whether a file holds what a compiler wrote of who includes whom.
fn is_of_dependencies(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.contains("dep") || file.ends_with(".d") || file.ends_with(".P")
}

/// Whether a `=` stands in `text` outside references: that of `$(X:.c=.o)` assigns nothing.
fn assigns(text: &str) -> bool {
    let mut depth = 0i64;
    text.bytes().any(|byte| {
        depth += i64::from(b"({".contains(&byte)) - i64::from(b")}".contains(&byte));
        byte == b'=' && depth == 0
    })
}

/// An assignment without the words that may stand before it.
fn without_words(text: &str) -> &str {
    let words = ["override ", "export ", "private "];
    let mut text = text.trim();
    while let Some(rest) = words.iter().find_map(|word| text.strip_prefix(word)) {
        text = rest.trim_start();
    }
    text
}

/// `(a,b)`, `"a" "b"` and `'a' 'b'`.
fn two_sides(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('(') {
        let inner = inner.trim_end().strip_suffix(')')?;
        let mut depth = 0i32;
        let comma = inner.bytes().position(|byte| {
            depth += match byte {
                b'(' | b'{' => 1,
                b')' | b'}' => -1,
                _ => 0,
            };
            byte == b',' && depth == 0
        })?;
        return Some((&inner[..comma], &inner[comma + 1..]));
    }
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut parts = text.split(quote);
    parts.next()?;
    let left = parts.next()?;
    parts.next()?;
    Some((left, parts.next()?))
}
