//! The reference: what a tree is built to, and from what, by the rules of C and of `docs/config.md`.
//!
//! Nothing is remembered and nothing is saved here; each tree is worked out from nothing.  A
//! [`Step`] lists what one action truly reads.  `soft` are files that the engine may also look at:
//! named in a branch that is not taken, or behind the one that was found.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jmake_core::event::ActionKind;

use super::tree::{CODE_FLAGS, Conf, STANDARDS, Tree, folder, normal, place};

/// One action.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: ActionKind,
    pub label: String,
    /// Under which name the engine remembers it.
    pub name: String,
    /// All that decides the result besides the content of files.
    pub recipe: u64,
    /// The parts of the recipe, for checking reasons: tool, names of inputs, flags.
    pub parts: [u64; 3],
    /// What is read, with its content.
    pub reads: Vec<(String, u64)>,
    /// The same as seen by one who skips comments; equal to `reads` where comments count.
    pub blind: Vec<(String, u64)>,
    /// What may be looked at besides.
    pub soft: Vec<(String, Option<u64>)>,
    /// What is made; `None` for a compile that fails.
    pub output: Option<u64>,
}

pub fn digest(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The actions that building `tree` takes, in the order of the plan.
pub fn steps(tree: &Tree) -> Vec<Step> {
    let profile = tree.asked.profile.as_deref().unwrap_or("release");
    let lto = tree.asked.lto.as_deref().unwrap_or("off");
    let mut all = Vec::new();
    let mut ways: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    for (at, (is_static, own)) in tree.conf.targets.iter().enumerate() {
        if !tree.asked.targets.is_empty() && !tree.asked.targets.contains(&at) {
            continue;
        }
        let mut units = Vec::new();
        for source in tree.sources() {
            let mine = |dir: &str| source.starts_with(&format!("{dir}/"));
            if !mine(&format!("s{at}")) && !mine("common") {
                continue;
            }
            let mut step = compile(tree, &source, *own, profile);
            let known = ways.entry(source.clone()).or_default();
            match known.iter().find(|(recipe, _)| *recipe == step.recipe) {
                Some((_, index)) => units.push(*index),
                None => {
                    step.name = format!("{profile}/{source}/{}", known.len());
                    known.push((step.recipe, all.len()));
                    units.push(all.len());
                    all.push(step);
                }
            }
        }
        let file = if *is_static { format!("libt{at}.a") } else { format!("libt{at}.so") };
        let file = format!("{}/{file}", tree.conf.output);
        if lto == "full" && !is_static {
            let extracted: Vec<usize> = units.iter().map(|&unit| extract(tree, &mut all, unit)).collect();
            units = extracted;
            for kind in [ActionKind::LinkIr, ActionKind::Optimize, ActionKind::Lower] {
                units = vec![joined(tree, &mut all, kind, &units, &file, (profile, lto))];
            }
        }
        let kind = if *is_static { ActionKind::Archive } else { ActionKind::Link };
        let lto = if *is_static { "" } else { lto };
        joined(tree, &mut all, kind, &units, &file, (profile, lto));
    }
    all
}

fn extract(tree: &Tree, all: &mut Vec<Step>, unit: usize) -> usize {
    let label = all[unit].label.clone();
    let name = format!("{} ir", all[unit].name);
    if let Some(known) = all.iter().position(|step| step.name == name) {
        return known;
    }
    let at = joined(tree, all, ActionKind::Extract, &[unit], &label, ("", ""));
    all[at].name = name;
    at
}

/// An action that reads the outputs of others and no more.
fn joined(
    tree: &Tree,
    all: &mut Vec<Step>,
    kind: ActionKind,
    from: &[usize],
    label: &str,
    how: (&str, &str),
) -> usize {
    let reads: Vec<(String, u64)> =
        from.iter().map(|&at| (all[at].name.clone(), all[at].output.unwrap_or(0))).collect();
    let names: Vec<String> = reads.iter().map(|(name, _)| name.clone()).collect();
    // The folder for results is not part of it: what is made there is published later.
    let file = label.rsplit('/').next().unwrap_or(label);
    let parts = [digest(tree.salt), digest(&names), digest((kind, how, file))];
    let recipe = digest(parts);
    let whole = from.iter().all(|&at| all[at].output.is_some());
    let output = whole.then(|| digest((recipe, &reads)));
    let name = format!("{} {file} {kind:?}", how.0);
    let label = label.to_owned();
    all.push(Step {
        kind,
        label,
        name,
        recipe,
        parts,
        blind: reads.clone(),
        reads,
        soft: Vec::new(),
        output,
    });
    all.len() - 1
}

fn compile(tree: &Tree, source: &str, own: usize, profile: &str) -> Step {
    let Conf { level, warn, code_flag, std, dirs, .. } = &tree.conf;
    let (cxx, c) = STANDARDS[*std];
    let standard = if source.ends_with(".c") { c } else { cxx };
    let (optimised, debug) = match profile {
        "dev" => (0, true),
        "fast" => (3, false),
        _ => (2, false),
    };
    let macros = [("LEVEL", level.to_string()), ("OWN", own.to_string())];
    let fast = (profile == "fast").then(|| ("FAST", "1".to_owned()));
    let macros: BTreeMap<String, String> =
        macros.into_iter().chain(fast).map(|(name, value)| (name.to_owned(), value)).collect();
    let code = (optimised, debug, standard, CODE_FLAGS[*code_flag]);
    let parts = [digest(tree.salt), digest(source), digest((&macros, code, dirs, warn))];
    let base = source.rsplit('/').next().unwrap_or(source);
    let mut unit = Unit { tree, macros, debug, ..Unit::new(tree) };
    unit.file(source);
    let reads: Vec<_> = unit.read.iter().map(|path| (path.clone(), digest(look(tree, path)))).collect();
    let comments_count = debug || unit.warned;
    let seen = |path: &String| digest(look(tree, path).map(|text| blind(&text)));
    let blind = match comments_count {
        true => reads.clone(),
        false => unit.read.iter().map(|path| (path.clone(), seen(path))).collect(),
    };
    if unit.computed {
        // Any file that was read may be what a macro named, and is looked for everywhere.
        let dirs: Vec<&str> =
            unit.read.iter().map(|path| folder(path)).chain(dirs.iter().map(|d| &d[..])).collect();
        let tail = |path: &str, dir: &str| match dir {
            "." | "" => Some(path.to_owned()),
            dir => Some(path.strip_prefix(dir)?.strip_prefix('/')?.to_owned()),
        };
        let tails = unit.read.iter().flat_map(|path| dirs.iter().filter_map(move |dir| tail(path, dir)));
        let tails: Vec<String> = tails.collect();
        unit.named
            .extend(tails.iter().flat_map(|tail| dirs.iter().map(move |dir| normal(&place(dir, tail)))));
    }
    let unread = unit.named.iter().filter(|path| !unit.read.contains(path));
    let soft = unread.map(|path| (path.clone(), look(tree, path).map(digest))).collect();
    let output = (!unit.failed).then(|| digest((tree.salt, code, base, &unit.out)));
    let (label, name) = (source.to_owned(), String::new());
    Step { kind: ActionKind::Compile, label, name, recipe: digest(parts), parts, reads, blind, soft, output }
}

/// The content at `path`, of the project or (in angle brackets) of the system.
pub fn look(tree: &Tree, path: &str) -> Option<String> {
    match path.strip_prefix('<') {
        Some(name) => tree.system.get(name).cloned(),
        None => tree.read(path).map(str::to_owned),
    }
}

/// `text` with blanks for comments.
fn blind(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", uncommented(line).trim_end())).collect()
}

fn uncommented(line: &str) -> String {
    let line = line.split("//").next().unwrap_or(line);
    match line.split_once("/*").and_then(|(before, rest)| Some((before, rest.split_once("*/")?))) {
        Some((before, (inside, after))) => format!("{before}{}{after}", " ".repeat(inside.len() + 4)),
        None => line.to_owned(),
    }
}

/// A tiny preprocessor.
struct Unit<'a> {
    tree: &'a Tree,
    macros: BTreeMap<String, String>,
    debug: bool,
    read: Vec<String>,
    /// All places where something named was or would have been looked for.
    named: Vec<String>,
    out: String,
    failed: bool,
    warned: bool,
    /// Whether some include is named by a macro.
    computed: bool,
}

impl<'a> Unit<'a> {
    fn new(tree: &'a Tree) -> Unit<'a> {
        let (read, named, out) = (Vec::new(), Vec::new(), String::new());
        let macros = BTreeMap::new();
        let (debug, failed, warned, computed) = (false, false, false, false);
        Unit { tree, macros, debug, read, named, out, failed, warned, computed }
    }

    /// Notes that `path` is asked for or read, and all it names, in whatever branch.
    fn name(&mut self, path: &str, text: &str) {
        if self.read.iter().any(|known| known == path) {
            return;
        }
        self.read.push(path.to_owned());
        for line in text.lines().map(uncommented).filter(|line| line.starts_with('#')) {
            self.computed |= line.starts_with("#include N");
            if let Some(name) = line.split(&['"', '<', '>'][..]).nth(1) {
                let places: Vec<String> = self.places(path, name, line.contains('<')).collect();
                self.named.extend(places);
            }
        }
    }

    fn file(&mut self, path: &str) {
        let Some(text) = look(self.tree, path) else { return };
        self.name(path, &text);
        let mut open: Vec<bool> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = uncommented(line);
            let line = line.trim();
            let active = !open.contains(&false) && !self.failed;
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "#ifdef" => open.push(self.macros.contains_key(rest)),
                "#ifndef" => open.push(!self.macros.contains_key(rest)),
                "#if" => {
                    let asked = rest.trim_start_matches("__has_include(").trim_end_matches(')');
                    let found = if active { self.find(path, asked) } else { None };
                    if let Some(found) = &found {
                        self.name(found, &look(self.tree, found).unwrap_or_default());
                    }
                    open.push(found.is_some());
                }
                "#else" => open.iter_mut().next_back().into_iter().for_each(|last| *last = !*last),
                "#endif" => drop(open.pop()),
                _ if !active => {}
                "#define" => {
                    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    self.macros.insert(name.to_owned(), value.to_owned());
                }
                "#include" => {
                    let spelled = self.macros.get(rest).cloned().unwrap_or(rest.to_owned());
                    match self.find(path, &spelled) {
                        Some(found) => self.file(&found),
                        None => self.failed = true,
                    }
                }
                "#error" => self.failed = true,
                "#warning" => self.warned = true,
                "" => {}
                _ => self.code(path, at + 1, line),
            }
        }
    }

    fn code(&mut self, path: &str, at: usize, line: &str) {
        if self.debug {
            self.out.push_str(&format!("\n@{path}:{at} "));
        }
        for word in line.split_whitespace() {
            let value =
                if word == "__LINE__" { Some(at.to_string()) } else { self.macros.get(word).cloned() };
            self.out.push_str(value.as_deref().unwrap_or(word));
            self.out.push(' ');
        }
    }

    /// Where `name` in the file `from` is looked for.
    fn places(&self, from: &str, name: &str, angled: bool) -> impl Iterator<Item = String> {
        let own = (!angled).then(|| folder(from).to_owned());
        let there = |dir: &String| dir == "." || dir.is_empty() || self.tree.is_there(dir);
        let dirs: Vec<String> = own.into_iter().chain(self.tree.conf.dirs.iter().cloned()).collect();
        let usable = |dir: &String| !name.contains("..") || there(dir);
        let places: Vec<String> =
            dirs.iter().filter(|dir| usable(dir)).map(|dir| normal(&place(dir, name))).collect();
        places.into_iter().chain([format!("<{name}")])
    }

    fn find(&mut self, from: &str, spelled: &str) -> Option<String> {
        let name = spelled.get(1..spelled.len().checked_sub(1)?)?;
        let mut places = self.places(from, name, spelled.starts_with('<'));
        places.find(|place| look(self.tree, place).is_some())
    }
}
