//! What an edit is said to build again is just what the next build builds again.
//!
//! `JMAKE_GRAPHS_SEEDS` sets how many random projects are edited.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write inputs and read the environment")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jmake_core::build::Build;
use jmake_core::configure::Environment;
use jmake_core::discover::By;
use jmake_core::engine::Engine;
use jmake_core::event::{ActionKind, Event, Outcome};
use jmake_core::graphs::Rebuilds;
use jmake_core::process::Cancel;
use jmake_core::request::Graph;
use support::Dice;
use support::fake::campaign;
use support::tree::{Tree, code, include};
use support::world::World;

/// Edits of one project.
const EDITS: usize = 12;

/// The sources that were compiled, each as often as it was, and the results that were linked.
fn done(events: &[Event]) -> (Vec<String>, BTreeSet<String>) {
    let (mut compiled, mut linked) = (Vec::new(), BTreeSet::new());
    for event in events {
        match event {
            Event::Finished { kind: ActionKind::Compile, outcome: Outcome::Ran, label, .. } => {
                compiled.push(label.clone());
            }
            Event::Finished { kind: ActionKind::Link | ActionKind::Archive, outcome, label, .. }
                if *outcome == Outcome::Ran =>
            {
                linked.insert(label.clone());
            }
            Event::Finished { outcome, label, .. } => {
                assert_ne!(*outcome, Outcome::Restored, "{label}: no edit was ever made before");
            }
            _ => {}
        }
    }
    compiled.sort();
    (compiled, linked)
}

fn sources(said: &Rebuilds) -> Vec<String> {
    let mut sources: Vec<String> = said.units.iter().map(|unit| unit.source.clone()).collect();
    sources.sort();
    sources
}

#[track_caller]
fn as_said(said: &Rebuilds, events: &[Event], what: &str) {
    let (compiled, linked) = done(events);
    assert_eq!(sources(said), compiled, "{what}");
    assert!(said.anyway.is_empty() && said.recorded, "{what}: {said:?}");
    let results: BTreeSet<String> = said.results.iter().cloned().collect();
    // What is compiled may come out the same, and then nothing is linked.
    assert!(linked.is_subset(&results), "{what}: {linked:?} of {results:?}");
}

/// Changes the text at `path` so that no earlier one is the same but for comments.
fn edit(tree: &mut Tree, path: &str, fresh: usize, dice: &mut Dice) {
    let number = (0..9).find(|&number| path.ends_with(&support::tree::header(number)));
    let line = match dice.below(4) {
        0 => include(dice, number.unwrap_or(if path.ends_with(".h") { 8 } else { usize::MAX })),
        1 => code(dice, &format!("more_{fresh}")),
        _ => String::new(),
    };
    let text = tree.text_mut(path).unwrap();
    text.push_str(&format!("{line}int fresh_{fresh};\n"));
}

/// Edits one project again and again; tells how many predictions were checked.
fn run(seed: u64) -> usize {
    let mut dice = Dice::new(seed);
    let mut tree = Tree::random(&mut dice);
    let mut world = World::new();
    if seed.is_multiple_of(2) {
        world.keep_warm();
    }
    world.sync(&tree, &mut dice);
    let (mut checked, mut compiled) = (0, 0);
    for step in 0..EDITS {
        if step == 0 || dice.one_in(3) {
            // Each profile has records of its own.
            tree.asked.profile = [None, Some("fast"), Some("dev")][dice.below(3)].map(str::to_owned);
            tree.asked.lto = [None, Some("full"), Some("thin")][dice.below(3)].map(str::to_owned);
            let said = world.build(&tree, false);
            let built = said.built.unwrap_or_else(|| panic!("seed {seed}: {:?}", said.error));
            assert!(built.success, "seed {seed}, step {step}");
        }
        let files: Vec<String> = tree.headers().into_iter().chain(tree.sources()).collect();
        let editable: Vec<&String> =
            files.iter().filter(|path| tree.clone().text_mut(path).is_some()).collect();
        let edited: BTreeSet<String> =
            (0..1 + dice.below(2)).filter_map(|_| dice.pick(&editable).map(|path| (*path).clone())).collect();
        let asked: Vec<PathBuf> =
            edited.iter().map(|path| world.engine().root().as_path().join(path)).collect();
        let said = world.engine().rebuilds(&asked).unwrap();
        for (at, path) in edited.iter().enumerate() {
            edit(&mut tree, path, step * 2 + at, &mut dice);
        }
        world.sync(&tree, &mut dice);
        let built = world.build(&tree, false);
        let what = format!("seed {seed}, step {step}: {edited:?}");
        assert!(built.built.as_ref().is_some_and(|built| built.success), "{what}: {:?}", built.error);
        as_said(&said, &built.events, &what);
        checked += 1;
        compiled += said.units.len();
    }
    assert!(compiled > 0, "seed {seed}: edits that compile nothing show nothing");
    checked
}

#[test]
fn an_edit_builds_again_what_was_said() {
    let seeds = campaign("JMAKE_GRAPHS_SEEDS", 8) as u64;
    let checked: usize = (1..=seeds).map(run).sum();
    assert_eq!(checked, seeds as usize * EDITS);
}

/// A project of what no directive names: a header that the build description makes, one that a
/// macro names, one that is asked for by a flag, and one with two names.
const PROJECT: [(&str, &str); 11] = [
    (
        "CMakeLists.txt",
        "project(p C CXX)\nset(P_MAJOR 3)\nconfigure_file(cmake/version.h.in api/version.h)\n\
         include_directories(include ${CMAKE_CURRENT_BINARY_DIR})\nadd_library(p SHARED src/a.cpp src/b.c)\n",
    ),
    ("cmake/version.h.in", "#define P_MAJOR @P_MAJOR@\n"),
    ("include/p.h", "#ifdef __cplusplus\nextern \"C\"\n#endif\nint b(int);\n"),
    ("include/real.h", "#define REAL 1\n"),
    ("include/idle.h", "#define IDLE 1\n"),
    (
        "src/a.cpp",
        "#include <api/version.h>\n#include \"p.h\"\n#include \"../include/alias.h\"\nint a() { return b(P_MAJOR + REAL); }\n",
    ),
    (
        "src/b.c",
        "#include \"p.h\"\n#define TABLE \"table.inc\"\nstatic const int table[] = {\n#include TABLE\n};\n\
      #if __has_include(\"asked.h\")\n#define ASKED 1\n#endif\n#ifdef NEVER\n#include \"never.h\"\n#endif\n\
      int b(int i) { return table[i % 2] + ASKED; }\n",
    ),
    ("src/table.inc", "4, 5\n"),
    ("src/asked.h", "#define NOTHING 1\n"),
    ("src/never.h", "#define NEVER_SEEN 1\n"),
    ("tests/t.c", "#include \"p.h\"\nint main(void) { return b(1); }\n"),
];

fn with_clang(dir: &Path) -> Engine {
    let root = dir.join("p");
    for (name, text) in PROJECT {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("real.h", root.join("include/alias.h")).unwrap();
    let path = ["/usr/lib/llvm-19/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec();
    let environment = Environment {
        path,
        home: Some(dir.join("home")),
        cache_home: Some(dir.join("cache")),
        config_home: Some(dir.join("config")),
        ..Environment::default()
    };
    Engine::at(&root, environment).unwrap()
}

fn build(engine: &Engine) -> Vec<Event> {
    let mut events = Vec::new();
    let built = engine.build(&Build::default(), &Cancel::new(), &mut |event| events.push(event)).unwrap();
    assert!(built.success, "{events:?}");
    events
}

#[test]
fn includes_are_those_that_the_compiler_has_seen() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_clang(dir.path());
    let graph = || engine.graph(&Graph::Includes, &Cancel::new(), &mut |_| {}).unwrap();
    let before = graph();
    let a = before.nodes.iter().find(|node| node.name == "src/a.cpp").unwrap();
    assert!(a.unresolved.is_empty(), "what is going to be made is no header from outside: {a:?}");
    let made = before.nodes.iter().find(|node| node.name.ends_with("api/version.h")).unwrap();
    assert_eq!(made.kind, "generated headers");
    assert!(before.known.is_empty() && !engine.root().as_path().join(".jmake").exists());
    build(&engine);
    let after = graph();
    let edges: Vec<String> = after
        .edges
        .iter()
        .zip(&after.known)
        .map(|((from, to), known)| {
            let name = |at: &usize| after.nodes[*at].name.rsplit('/').next().unwrap();
            let by = match known.by {
                By::Both => "",
                By::Compiler => " by the compiler",
                By::Text if known.opened == Some(false) => " not opened",
                By::Text => " by text",
            };
            format!("{} {}{by}", name(from), name(to))
        })
        .collect();
    assert_eq!(
        edges,
        [
            "a.cpp version.h",
            "a.cpp p.h",
            "a.cpp alias.h",
            "b.c p.h",
            "b.c never.h not opened",
            "b.c table.inc by the compiler",
            "t.c p.h by text",
        ]
    );
    let unused = engine.unused_headers().unwrap();
    let names = |list: &[jmake_core::graphs::UnusedHeader]| {
        list.iter().map(|header| header.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&unused.headers), ["src/asked.h", "src/never.h"], "to ask is not to open");
    assert_eq!(names(&unused.public), ["include/idle.h"], "the real one is opened as `alias.h`");
    assert_eq!(unused.headers[1].included_by, ["src/b.c"]);
    fs::remove_file(engine.root().as_path().join("src/table.inc")).unwrap();
    let gone = graph().nodes.iter().any(|node| node.name == "src/table.inc");
    assert!(!gone, "what is gone is no node");
}

#[test]
fn an_edit_of_any_file_compiles_what_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_clang(dir.path());
    build(&engine);
    let mut expected = Vec::new();
    for (name, text) in PROJECT.iter().filter(|(name, _)| *name != "CMakeLists.txt") {
        let path = engine.root().as_path().join(name);
        let said = engine.rebuilds(std::slice::from_ref(&path)).unwrap();
        let more = if name.ends_with(".inc") { ", 6\n" } else { "#define MORE 1\n" };
        fs::write(&path, format!("{text}{more}")).unwrap();
        as_said(&said, &build(&engine), name);
        expected.push(format!("{name}: {}", sources(&said).join(" ")));
    }
    assert_eq!(
        expected,
        [
            "cmake/version.h.in: src/a.cpp",
            "include/p.h: src/a.cpp src/b.c",
            "include/real.h: src/a.cpp",
            "include/idle.h: ",
            "src/a.cpp: src/a.cpp",
            "src/b.c: src/b.c",
            "src/table.inc: src/b.c",
            "src/asked.h: src/b.c",
            "src/never.h: ",
            "tests/t.c: ",
        ]
    );
    let said = engine.rebuilds(&[engine.root().as_path().join("CMakeLists.txt")]).unwrap();
    assert!(said.remarks[0].why.starts_with("decides"), "{said:?}");
    // What has changed since is known, too.
    fs::write(engine.root().as_path().join("src/a.cpp"), "int a() { return 1; }\n").unwrap();
    let said = engine.rebuilds(&[engine.root().as_path().join("src/b.c")]).unwrap();
    assert_eq!((sources(&said), &*said.anyway[0].path), (vec!["src/b.c".to_owned()], "src/a.cpp"));
}
