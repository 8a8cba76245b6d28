//! A project as a value: files, links, settings, and what is asked for; and random ones.
//!
//! Headers are numbered, and one includes only those with higher numbers, so that no include
//! graph has a cycle however files move.  Every folder is named in `include_dirs`, so what
//! discovery would add is known.

use std::collections::BTreeMap;

use super::Dice;

/// Folders that may hold headers, besides those of the sources.
pub const HEADER_DIRS: [&str; 5] = ["inc", "lib", "late", "inc/sub", "."];
/// Folders of sources; the last belongs to every target.
pub const SOURCE_DIRS: [&str; 5] = ["s0", "s1", "s2", "s0/deep", "common"];
/// How many numbered headers there are.
pub const HEADERS: usize = 9;

/// A file or a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// With this text.
    File(String),
    /// To this place, as a link spells it.
    Link(String),
}

/// The settings in `jmake.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conf {
    pub present: bool,
    pub level: usize,
    pub warn: bool,
    pub code_flag: usize,
    pub std: usize,
    pub dirs: Vec<String>,
    /// Per target: whether it is static, and its own define.
    pub targets: Vec<(bool, usize)>,
    pub output: String,
    pub comment: usize,
}

/// What flags may be set that change code.
pub const CODE_FLAGS: [&str; 3] = ["", "-fno-exceptions", "-fno-rtti"];
/// The standards, for C++ and C.
pub const STANDARDS: [(&str, &str); 3] = [("c++17", "c17"), ("c++20", "c11"), ("c++14", "c99")];

impl Conf {
    /// `jmake.toml`.
    pub fn text(&self) -> String {
        let list = |items: &[String]| items.iter().map(|i| format!("{i:?}")).collect::<Vec<_>>().join(", ");
        let mut flags = Vec::new();
        flags.extend(self.warn.then(|| "-Wall".to_owned()));
        flags.extend(Some(CODE_FLAGS[self.code_flag].to_owned()).filter(|flag| !flag.is_empty()));
        let (cxx, c) = STANDARDS[self.std];
        let mut text = format!(
            "# note {}\n[project]\nname = \"model\"\n[compile]\nstd = \"{cxx}\"\nc_std = \"{c}\"\n\
             defines = {{ LEVEL = \"{}\" }}\nflags = [{}]\ninclude_dirs = [{}]\n\
             [binary]\noutput_dir = \"{}\"\n[profile.fast]\nopt_level = 3\ndefines = {{ FAST = true }}\n",
            self.comment,
            self.level,
            list(&flags),
            list(&self.dirs),
            self.output,
        );
        for (at, (fixed, define)) in self.targets.iter().enumerate() {
            let kind = if *fixed { "static" } else { "shared" };
            text.push_str(&format!(
                "[[target]]\nname = \"t{at}\"\nkind = \"{kind}\"\nsources = [\"s{at}/**\", \"common/**\"]\n\
                 defines = {{ OWN = \"{define}\" }}\n"
            ));
        }
        text
    }
}

/// What is asked of a build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub profile: Option<String>,
    pub lto: Option<String>,
    pub targets: Vec<usize>,
    pub jobs: usize,
    pub keep_going: bool,
}

/// Everything a build depends on, except the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    pub files: BTreeMap<String, Node>,
    /// System headers, by name.
    pub system: BTreeMap<String, String>,
    pub conf: Conf,
    pub asked: Asked,
    /// Which compiler is installed.
    pub salt: usize,
}

impl Tree {
    /// A random tree.
    pub fn random(dice: &mut Dice) -> Tree {
        let targets = 1 + dice.below(3);
        let mut dirs: Vec<String> = HEADER_DIRS.iter().chain(&SOURCE_DIRS).map(|&d| d.to_owned()).collect();
        for at in (1..dirs.len()).rev() {
            dirs.swap(at, dice.below(at + 1));
        }
        let conf = Conf {
            present: true,
            level: 1,
            warn: false,
            code_flag: 0,
            std: 0,
            dirs,
            targets: (0..targets).map(|_| (dice.one_in(4), dice.below(2))).collect(),
            output: "julia".into(),
            comment: 0,
        };
        let asked = Asked {
            profile: None,
            lto: None,
            targets: Vec::new(),
            jobs: 1 + dice.below(4),
            keep_going: false,
        };
        let mut tree = Tree { files: BTreeMap::new(), system: BTreeMap::new(), conf, asked, salt: 0 };
        tree.system.insert("sys.h".into(), "int sys_1;\n".into());
        for number in 0..HEADERS {
            let dir = ["inc", "lib", "inc/sub", "s0", "."][dice.below(5)];
            tree.add(place(dir, &header(number)), text(dice, number, dir));
        }
        tree.add("inc/v1.h".into(), "int version_1;\n".into());
        tree.add("inc/v2.h".into(), "int version_2; // note 2000\n".into());
        tree.files.insert("inc/l.h".into(), Node::Link("v1.h".into()));
        for target in 0..targets {
            let most = if dice.one_in(6) { 12 } else { 3 };
            for _ in 0..1 + dice.below(most) {
                tree.add_source(dice, &format!("s{target}"));
            }
        }
        if dice.one_in(2) {
            tree.add_source(dice, "common");
        }
        tree
    }

    pub fn add(&mut self, path: String, text: String) {
        self.files.insert(path, Node::File(text));
    }

    /// A new source in `dir`, often with a name that others have too.
    pub fn add_source(&mut self, dice: &mut Dice, dir: &str) {
        let dir = if dir == "s0" && dice.one_in(3) { "s0/deep" } else { dir };
        let stem = ["util", "core", "a b", "x$#y", "main_part", "z"][dice.below(6)];
        let ending = if dice.one_in(2) { "c" } else { "cpp" };
        let path = place(dir, &format!("{stem}.{ending}"));
        if !self.is_there(&path) {
            let text = text(dice, usize::MAX, dir);
            self.add(path, text);
        }
    }

    /// Whether anything, a folder too, is at `path`.
    pub fn is_there(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&below))
    }

    pub fn sources(&self) -> Vec<String> {
        let is_source = |path: &&String| path.ends_with(".c") || path.ends_with(".cpp");
        self.files.keys().filter(is_source).cloned().collect()
    }

    pub fn headers(&self) -> Vec<String> {
        self.files.keys().filter(|path| path.ends_with(".h")).cloned().collect()
    }

    /// What a program reads at `path`, through links.
    pub fn read(&self, path: &str) -> Option<&str> {
        match self.files.get(path)? {
            Node::File(text) => Some(text),
            Node::Link(to) => match self.files.get(&normal(&place(folder(path), to)))? {
                Node::File(text) => Some(text),
                Node::Link(_) => None,
            },
        }
    }

    /// The text of the file at `path`, to be edited.
    pub fn text_mut(&mut self, path: &str) -> Option<&mut String> {
        match self.files.get_mut(path)? {
            Node::File(text) => Some(text),
            Node::Link(_) => None,
        }
    }
}

/// The name of header `number`; some need quoting in a depfile.
pub fn header(number: usize) -> String {
    match number {
        3 => "h 3.h".into(),
        5 => "h$5#.h".into(),
        _ => format!("h{number}.h"),
    }
}

pub fn place(dir: &str, name: &str) -> String {
    if dir == "." || dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// `path` without `.` and `..`.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The text of a header with this number (a source: a number above all) in `dir`.
pub fn text(dice: &mut Dice, number: usize, dir: &str) -> String {
    let id = dice.below(9000) + 1000;
    let guard = number < HEADERS && !dice.one_in(4);
    let mut text = format!("// note {}\n", 1000 + dice.below(9000));
    if guard {
        text.push_str(&format!("#ifndef G_{id}\n#define G_{id}\n"));
    }
    for _ in 0..dice.below(4) {
        text.push_str(&include(dice, number));
    }
    for at in 0..1 + dice.below(3) {
        text.push_str(&code(dice, &format!("f{id}_{at}")));
    }
    if dice.one_in(12) && dir != "." {
        text.push_str("#include <sys.h>\n");
    }
    if guard {
        text.push_str("#endif\n");
    }
    text
}

/// A line of code.
pub fn code(dice: &mut Dice, name: &str) -> String {
    let value = 1000 + dice.below(9000);
    match dice.below(6) {
        0 => format!("int {name}(void) {{ return {value} + LEVEL ; }}\n"),
        1 => format!("int {name}(void) {{ return {value} + __LINE__ ; }}\n"),
        2 => format!("int {name}(int a) {{ return {value} + OWN ; }} /* tail 1000 */\n"),
        3 => format!("#ifdef FAST\nint {name} = {value};\n#else\nint {name};\n#endif\n"),
        _ => format!("int {name}(int a) {{ return {value}; }}\n"),
    }
}

/// Lines that include, or ask for, a header with a number above `number`.
pub fn include(dice: &mut Dice, number: usize) -> String {
    let from = if number < HEADERS { number + 1 } else { 0 };
    if from >= HEADERS {
        return String::new();
    }
    let name = header(from + dice.below(HEADERS - from));
    let spelled = match dice.below(7) {
        0 => format!("<{name}>"),
        1 => format!("\"sub/{name}\""),
        2 => "\"l.h\"".to_owned(),
        3 => format!("\"../inc/{name}\""),
        _ => format!("\"{name}\""),
    };
    // What may not be there is asked for.
    let certain = !spelled.contains('/');
    match dice.below(8) {
        _ if !certain => format!("#if __has_include({spelled})\n#include {spelled}\n#endif\n"),
        0 => format!("#ifdef FAST\n#include {spelled}\n#endif\n"),
        1 => format!("#define NAME_{name_id} {spelled}\n#include NAME_{name_id}\n", name_id = dice.below(99)),
        2 => "#if __has_include(\"probe.h\")\n#include \"probe.h\"\n#endif\n".to_owned(),
        3 => format!("#if __has_include({spelled})\nint has_{};\n#endif\n", dice.below(99)),
        _ => format!("#include {spelled}\n"),
    }
}
