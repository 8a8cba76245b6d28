//! The real clang: after each of a few random edits of a small C++ library, an incremental build
//! must give the bytes that a clean build in another place gives (the library and every object),
//! and a C program that uses the library must run.
//!
//! `JMAKE_CLANG_SEQUENCES` sets how many sequences are run, `JMAKE_CLANG_SEED` the first seed.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write inputs and start programs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jmake_core::build::{Build, Built, build};
use jmake_core::configure::{Environment, Wanted};
use jmake_core::event::Event;
use jmake_core::path::Root;
use jmake_core::process::Cancel;

/// Edits in one sequence.
const EDITS: usize = 6;

const FILES: [(&str, &str); 7] = [
    (
        "include/shape.h",
        "// note 1000\n#pragma once\n#include \"unit.h\"\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\
         int area(int side);\nint where(void);\nint words(void);\nint plain(int a);\n#ifdef __cplusplus\n}\n#endif\n",
    ),
    ("include/unit.h", "#pragma once\n#define UNIT 10 // note 1000\n#define SCALE(x) ((x) * UNIT)\n"),
    ("include/inner.h", "#pragma once\n/* note 1000 */\ninline int twice(int a) { return 2 * a; }\n"),
    (
        "src/area.cpp",
        "// note 1000\n#include <vector>\n#include <numeric>\n#include \"shape.h\"\n#include \"inner.h\"\n\
         #if __has_include(\"extra.h\")\n#include \"extra.h\"\n#else\n#define EXTRA 0\n#endif\n\
         int area(int side) {\n    std::vector<int> all(side, SCALE(3));\n\
         \treturn twice(std::accumulate(all.begin(), all.end(), EXTRA));\n}\n",
    ),
    (
        "src/where.cpp",
        "#include <cassert>\n#include \"shape.h\"\n/* note 1000 */ int where(void) {\n    assert(UNIT > 0);\n    return __LINE__;\n}\n",
    ),
    (
        "src/words.cpp",
        "#include <string>\n#include <map>\n#include \"shape.h\"\nint words(void) {\n\
         std::map<std::string, int> all{{\"one\", 1}, {\"two\", 1000}}; // tail 1000\n    return all[\"two\"];\n}\n",
    ),
    ("src/plain.c", "#include \"shape.h\"\n// note 1000\nint plain(int a) { return a + 1000; }\n"),
];

const CALLER: &str = "#include <dlfcn.h>\n#include <stdio.h>\nint main(int n, char **args) {\n\
    void *lib = dlopen(args[n - 1], RTLD_NOW);\n    if (!lib) { puts(dlerror()); return 1; }\n\
    int (*area)(int) = (int (*)(int))dlsym(lib, \"area\");\n    int (*where)(void) = (int (*)(void))dlsym(lib, \"where\");\n\
    int (*words)(void) = (int (*)(void))dlsym(lib, \"words\");\n    int (*plain)(int) = (int (*)(int))dlsym(lib, \"plain\");\n\
    if (!area || !where || !words || !plain) return 2;\n\
    printf(\"%d %d %d %d\", area(4), where(), words(), plain(1));\n    return 0;\n}\n";

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % n as u64) as usize
    }
}

/// The project as it is to be.
#[derive(Clone)]
struct Tree {
    files: BTreeMap<String, String>,
    profile: Option<&'static str>,
    lto: Option<&'static str>,
}

impl Tree {
    fn new() -> Tree {
        let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let mut tree = Tree { files, profile: None, lto: None };
        tree.settings("c++17", 1);
        tree
    }

    fn settings(&mut self, std: &str, level: usize) {
        let text = format!(
            "[project]\nname = \"model\"\n[compile]\nstd = \"{std}\"\ninclude_dirs = [\"late\", \"include\"]\n\
             defines = {{ LEVEL = \"{level}\" }}\n"
        );
        self.files.insert("jmake.toml".into(), text);
    }

    fn change(&mut self, path: &str, edit: impl FnOnce(&mut String)) {
        edit(self.files.get_mut(path).unwrap());
    }

    /// One random edit; tells its name.
    fn edit(&mut self, dice: &mut Dice) -> String {
        let (path, _) = FILES[dice.below(FILES.len())];
        let number = (1000 + dice.below(9000)).to_string();
        let after = |text: &mut String, mark: &str| {
            if let Some(at) = text.find(mark).map(|at| at + mark.len()) {
                text.replace_range(at..at + 4, &number);
            }
        };
        let what = dice.below(13);
        let name = match what {
            0..=2 => {
                self.change(path, |text| after(text, "note "));
                "comment"
            }
            3 => {
                self.change(path, |text| text.insert_str(0, "// above\n"));
                "shifting comment"
            }
            4 => {
                self.change("src/plain.c", |text| after(text, "a + "));
                "body"
            }
            5 => {
                self.change("src/words.cpp", |text| after(text, "{\"two\", "));
                "body with templates"
            }
            6 => {
                let unit = 10 + dice.below(80);
                let text = format!(
                    "#pragma once\n#define UNIT {unit} // note 1000\n#define SCALE(x) ((x) * UNIT)\n"
                );
                self.files.insert("include/unit.h".into(), text);
                "macro in a nested header"
            }
            7 => {
                self.change("include/inner.h", |text| after(text, "note "));
                "comment in an inline function's header"
            }
            8 => {
                if self.files.remove("include/extra.h").is_none() {
                    self.files.insert("include/extra.h".into(), "#define EXTRA 7\n".into());
                }
                "asked-for header"
            }
            9 => {
                if self.files.remove("late/unit.h").is_none() {
                    self.files.insert(
                        "late/unit.h".into(),
                        "#define UNIT 3\n#define SCALE(x) ((x) + UNIT)\n".into(),
                    );
                }
                "shadowing header in a new folder"
            }
            10 => {
                let std = ["c++17", "c++20"][dice.below(2)];
                self.settings(std, dice.below(3));
                "settings"
            }
            11 => {
                self.profile = [None, Some("dev")][dice.below(2)];
                "profile"
            }
            _ => {
                self.lto = [None, Some("thin"), Some("full")][dice.below(3)];
                "lto"
            }
        };
        format!("{name} ({path})")
    }
}

/// A folder with a project, a cache and a program that calls the library.
struct World {
    temp: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let world = World { temp: tempfile::tempdir().unwrap() };
        let source = world.temp.path().join("caller.c");
        fs::write(&source, CALLER).unwrap();
        let status =
            Command::new(clang()).arg(source).arg("-o").arg(world.temp.path().join("caller")).status();
        assert!(status.unwrap().success(), "cannot compile the caller");
        world
    }

    fn place(&self, name: &str) -> PathBuf {
        self.temp.path().join(name).join("model")
    }

    /// Writes `tree` to `name` (only what differs) and builds it with the cache of that name.
    fn build(&self, name: &str, tree: &Tree) -> (Built, Vec<Event>) {
        let root = self.place(name);
        for dir in ["include", "src", "late"] {
            for file in fs::read_dir(root.join(dir)).into_iter().flatten().flatten() {
                let path = format!("{dir}/{}", file.file_name().to_str().unwrap());
                if !tree.files.contains_key(&path) {
                    fs::remove_file(file.path()).unwrap();
                }
            }
        }
        fs::remove_dir(root.join("late")).ok();
        for (path, text) in &tree.files {
            let path = root.join(path);
            if fs::read_to_string(&path).ok().as_ref() != Some(text) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let environment = Environment {
            path: vec!["/usr/lib/llvm-19/bin".into(), "/usr/bin".into(), "/bin".into()],
            cache_home: Some(self.temp.path().join(name).join("cache")),
            config_home: Some(self.temp.path().join("config")),
            ..Environment::default()
        };
        let wanted = Wanted {
            profile: tree.profile.map(str::to_owned),
            lto: tree.lto.map(str::to_owned),
            ..Wanted::default()
        };
        let request = Build { wanted, ..Build::default() };
        let mut events = Vec::new();
        let root = Root::open(&root).unwrap();
        let built =
            build(&root, &environment, &request, None, &Cancel::new(), &mut |event| events.push(event));
        (built.unwrap(), events)
    }

    /// What the library of `name` answers.
    fn call(&self, name: &str) -> String {
        let library = self.place(name).join("julia/libmodel.so");
        let output = Command::new(self.temp.path().join("caller")).arg(library).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "the library cannot be used: {text}");
        text
    }
}

fn clang() -> PathBuf {
    let places = ["/usr/lib/llvm-19/bin/clang", "/usr/bin/clang-19"].map(PathBuf::from);
    places.into_iter().find(|path| path.exists()).expect("clang 19 is needed: see scripts/install-tools")
}

/// All files below `dir` that `keep` wants, with their content.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(dir).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let name = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        found.insert(name, fs::read(entry.path()).unwrap());
    }
    found
}

/// The first file of the clean build (`theirs`) that the incremental one has otherwise.  What is
/// not there was not needed: outputs are fetched when something reads them.
fn difference(mine: &Path, theirs: &Path, all: bool) -> Option<String> {
    let (mine, theirs) = (contents(mine), contents(theirs));
    let other = |(name, bytes): &(&String, &Vec<u8>)| match mine.get(*name) {
        Some(found) => found != *bytes,
        None => all,
    };
    theirs.iter().find(other).map(|(name, _)| name.clone())
}

fn sequence(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let world = World::new();
    let mut tree = Tree::new();
    let mut story = vec!["begin".to_owned()];
    for step in 0..=EDITS {
        let before = tree.clone();
        if step > 0 {
            story.push(tree.edit(&mut dice));
        }
        let said = |what: &str| format!("seed {seed}: {what} after {story:?}");
        let (built, events) = world.build("work", &tree);
        assert!(built.success, "{}: {events:#?}", said("the build failed"));
        let comment = story.last().unwrap().starts_with("comment");
        if comment && tree.profile.is_none() && before.profile == tree.profile && step > 0 {
            assert_eq!(built.ran, 0, "{}", said("something ran though only a comment changed"));
        }
        let clean = format!("clean {step}");
        let (expected, _) = world.build(&clean, &tree);
        assert!(expected.success, "{}", said("the clean build failed"));
        let profile = tree.profile.unwrap_or("release");
        let (mine, theirs) = (world.place("work"), world.place(&clean));
        let library = difference(&mine.join("julia"), &theirs.join("julia"), true);
        assert_eq!(library, None, "{}", said("another library"));
        let objects = format!(".jmake/{profile}/objects");
        assert_eq!(
            difference(&mine.join(&objects), &theirs.join(&objects), false),
            None,
            "{}",
            said("an object")
        );
        assert_eq!(world.call("work"), world.call(&clean), "{}", said("other answers"));
        fs::remove_dir_all(world.temp.path().join(&clean)).unwrap();
        let (again, _) = world.build("work", &tree);
        assert_eq!((again.success, again.ran), (true, 0), "{}", said("the second build was not quiet"));
    }
}

#[test]
fn an_incremental_build_is_a_clean_build() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let first = number("JMAKE_CLANG_SEED", 1);
    for seed in first..first + number("JMAKE_CLANG_SEQUENCES", 1) {
        sequence(seed);
    }
}
