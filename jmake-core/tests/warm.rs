//! What stays in memory between builds never makes one stale: edits of every kind, each built at
//! once, by an engine that looks only at what it was told of.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write the inputs that jmake only reads")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use jmake_core::engine::Engine;
use jmake_core::held::Noticing;
use jmake_core::process::Cancel;
use serde_json::{Value, json};
use support::fake::*;

/// A world that has built and watches.
fn watching() -> World {
    let world = World::small().warm();
    world.build().assert_good("the first build");
    world.warm.as_ref().unwrap().held().rest();
    let noticing = noticing(&world);
    assert!(noticing.folders > 2 && noticing.scanning.is_none(), "{noticing:?}");
    world
}

fn noticing(world: &World) -> Noticing {
    world.warm.as_ref().unwrap().held().noticing()
}

/// Builds and compares with a clean build; tells whether anything ran.
fn right(world: &World, what: &str) -> bool {
    let said = world.build();
    said.assert_good(what);
    same(&world.published(), &world.clean(), what);
    !said.started.is_empty()
}

#[test]
fn nothing_changed_is_known_without_a_look() {
    let world = watching();
    for round in 1..=20 {
        let said = world.build();
        said.assert_good("nothing changed");
        assert!(said.result.unwrap().untouched);
        assert_eq!(noticing(&world).spared, round);
        world.warm.as_ref().unwrap().held().rest();
    }
}

/// The window between an edit and the build is as small as it can be, many times.
#[test]
fn an_edit_is_built_at_once() {
    let world = watching();
    let clean = World::small();
    for round in 0..200 {
        let text = format!("#define X 1{round:03}\n");
        world.write("inc/x.h", &text);
        let said = world.build();
        said.assert_good("an edit");
        assert_eq!(said.started.len(), 3, "two units and the link: {:?}", said.started);
        if round % 50 == 49 {
            clean.write("inc/x.h", &text);
            clean.build().assert_good("the other");
            same(&world.published(), &clean.published(), "an edit");
        }
        if round % 3 != 0 {
            world.warm.as_ref().unwrap().held().rest();
        }
    }
    assert!(noticing(&world).spared >= 100, "{:?}", noticing(&world));
}

/// notify-rs/notify#727: of `mkdir -p` ten deep only the first folder makes an event.
#[test]
fn new_folders_ten_deep() {
    let world = watching();
    for round in 0..40 {
        let deep: String = (0..10).map(|level| format!("n{round}_{level}/")).collect();
        world.write(format!("{deep}new.c"), format!("int new_{round}(void) {{ return {round}; }}\n"));
        let said = world.build();
        said.assert_good("a new source ten deep");
        assert_eq!(said.started.len(), 2, "round {round}: {:?}", said.started);
        world.warm.as_ref().unwrap().held().rest();
        world.write(format!("{deep}new.c"), format!("int new_{round}(void) {{ return 1 + {round}; }}\n"));
        assert_eq!(world.build().started.len(), 2, "round {round}");
        fs::remove_dir_all(world.at(&format!("n{round}_0"))).unwrap();
        assert!(!right(&world, "what is gone is linked without"), "round {round}: linked before");
        world.warm.as_ref().unwrap().held().rest();
    }
}

/// Edits as editors and other programs make them.
#[test]
fn edits_of_every_kind() {
    type Edit = fn(&World);
    let edits: &[(&str, Edit, bool)] = &[
        ("written over", |w| w.write("a.c", "int a(void) { return 10; }\n"), true),
        (
            "renamed over",
            |w| {
                w.write("a.c.new", "int a(void) { return 11; }\n");
                fs::rename(w.at("a.c.new"), w.at("a.c")).unwrap();
            },
            true,
        ),
        (
            "truncated, then written",
            |w| {
                fs::write(w.at("a.c"), "").unwrap();
                fs::write(w.at("a.c"), "int a(void) { return 12; }\n").unwrap();
            },
            true,
        ),
        (
            "touched",
            |w| {
                let now = filetime::FileTime::now();
                filetime::set_file_mtime(w.at("a.c"), now).unwrap();
            },
            false,
        ),
        ("a file of the editor's beside it", |w| w.write(".a.c.swp", "x"), false),
        ("another name for a source", |w| fs::hard_link(w.at("a.c"), w.at("other-name")).unwrap(), false),
        (
            "written by that name",
            |w| fs::write(w.at("other-name"), "int a(void) { return 13; }\n").unwrap(),
            true,
        ),
        (
            "a link in place of a header",
            |w| {
                fs::write(w.dir().join("outside.h"), "#define X 7\n").unwrap();
                w.remove("inc/x.h");
                symlink(w.dir().join("outside.h"), w.at("inc/x.h")).unwrap();
            },
            true,
        ),
        ("what it leads to", |w| fs::write(w.dir().join("outside.h"), "#define X 8\n").unwrap(), true),
        (
            "a folder moved away and back with another text",
            |w| {
                fs::rename(w.at("sub"), w.dir().join("elsewhere")).unwrap();
                fs::write(w.dir().join("elsewhere/d.c"), "int d(void) { return 44; }\n").unwrap();
                fs::rename(w.dir().join("elsewhere"), w.at("sub")).unwrap();
            },
            true,
        ),
        ("a file in the folder that came back", |w| w.write("sub/d.c", "int d(void) { return 45; }\n"), true),
        (
            "a link to a folder in place of it",
            |w| {
                fs::rename(w.at("sub"), w.at("real")).unwrap();
                symlink("real", w.at("sub")).unwrap();
            },
            true,
        ),
        ("a header that shadows", |w| w.write("inc/inc/x.h", "#define X 9\n"), false),
        (
            "settings",
            |w| w.write("jmake.toml", "[project]\nname = \"p\"\n[compile]\ndefines = { N = 1 }\n"),
            true,
        ),
        ("the output gone", |w| fs::remove_file(w.at("julia/libp.so")).unwrap(), false),
        ("the output changed", |w| fs::write(w.at("julia/libp.so"), "x").unwrap(), false),
        ("the whole output folder gone", |w| fs::remove_dir_all(w.at("julia")).unwrap(), false),
        ("a source gone", |w| w.remove("a.c"), true),
    ];
    let world = watching();
    for (what, edit, runs) in edits {
        edit(&world);
        assert_eq!(right(&world, what), *runs, "{what}");
        world.warm.as_ref().unwrap().held().rest();
        world.assert_quiet(what);
        world.warm.as_ref().unwrap().held().rest();
    }
    assert!(noticing(&world).spared > 20, "{:?}", noticing(&world));
}

/// The same path is another folder: `git clone` over a removed one, or a move.
#[test]
fn another_root_at_the_same_path() {
    let world = watching();
    fs::rename(&world.root, world.dir().join("old")).unwrap();
    world.write("a.c", "int only(void) { return 1; }\n");
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    assert!(right(&world, "another folder"));
    fs::remove_dir_all(&world.root).unwrap();
    fs::rename(world.dir().join("old"), &world.root).unwrap();
    right(&world, "the first folder again");
    world.write("a.c", "int a(void) { return 3; }\n");
    assert!(right(&world, "an edit in it"));
}

/// Records of a build by another process, and of one that failed.
#[test]
fn builds_of_others_and_failures_between() {
    let mut world = watching();
    for round in 0..10 {
        world.write("b.c", format!("int b(void) {{ return {round}; }}\n"));
        let warm = world.warm.take();
        assert!(right(&world, "a build that knows nothing of the memory"));
        world.warm = warm;
        assert!(!right(&world, "the same, kept warm"));
        world.warm.as_ref().unwrap().held().rest();
        world.write("b.c", "#error broken\n");
        assert!(!world.build().result.unwrap().success, "round {round}");
        world.warm.as_ref().unwrap().held().rest();
        assert!(!world.build().result.unwrap().success, "a failure is told again");
        world.write("b.c", format!("int b(void) {{ return {round}; }}\n"));
        assert!(!right(&world, "mended"));
        world.warm.as_ref().unwrap().held().rest();
    }
}

/// A watched folder is replaced while no snapshot is armed: after a build, before the rest.
#[test]
fn a_folder_replaced_between_build_and_rest() {
    let world = watching();
    for round in 0..5 {
        world.write("a.c", format!("int a(void) {{ return 50 + {round}; }}\n"));
        assert!(right(&world, "an edit"));
        let old = world.dir().join(format!("old-{round}"));
        fs::rename(world.at("sub"), &old).unwrap();
        fs::create_dir(world.at("sub")).unwrap();
        for name in ["c.cpp", "d.c"] {
            fs::copy(old.join(name), world.at("sub").join(name)).unwrap();
        }
        world.warm.as_ref().unwrap().held().rest();
        world.write("sub/d.c", format!("int d(void) {{ return 60 + {round}; }}\n"));
        assert!(right(&world, "an edit in the folder that took its place"), "round {round}");
        world.warm.as_ref().unwrap().held().rest();
    }
}

/// Of two changed files, one that events tell of and one that is looked at each time, the first was
/// taken for unchanged when it came first in the order of the facts.
#[test]
fn a_file_with_two_names_changes_together_with_another() {
    let world = World::small().warm();
    fs::hard_link(world.at("b.c"), world.dir().join("b's other name")).unwrap();
    world.build().assert_good("the first build");
    world.warm.as_ref().unwrap().held().rest();
    world.write("a.c", "int a(void) { return 71; }\n");
    fs::write(world.dir().join("b's other name"), "int b(void) { return 72; }\n").unwrap();
    assert!(right(&world, "both changed"));
}

/// What tools have answered about themselves is known to the next request, though nothing was ever
/// built that could have kept it; another compiler in the same place is asked anew.
#[test]
fn tools_are_asked_once() {
    let place = tempfile::tempdir().unwrap();
    let (tools, log) = (place.path().join("llvm-19"), place.path().join("log"));
    let install = |salt: &str| {
        install(&tools, salt);
        let headers = tools.join("lib/clang/19/include").canonicalize().unwrap();
        settings(&tools, &format!("include_dirs = [{headers:?}]\nlog = {log:?}\n"));
        // Only of files that have been left alone for a while is anything kept.
        std::thread::sleep(std::time::Duration::from_millis(2100));
    };
    install("one");
    let world = World::with_toolchain(&tools).having(&SMALL).warm();
    let warm = world.warm.clone().unwrap();
    // Each request has an engine of its own, as in a daemon.
    let ask = |method: &str, params: Value| {
        let engine = Engine::at(&world.root, world.environment.clone()).unwrap().kept_warm(warm.clone());
        let said = jmake_core::rpc::call(&engine, method, &params, &Cancel::new(), &mut |_| {}).unwrap();
        let runs = fs::read_to_string(&log).unwrap_or_default().lines().count();
        fs::remove_file(&log).ok();
        (runs, said["cached"].as_bool().unwrap())
    };
    let one = || ask("discovery.get_tool", json!({"tool_name": "opt"}));
    let all = || ask("discovery.get_all_tools", json!({}));
    let (runs, cached) = all();
    assert!(runs > 0 && !cached, "{runs} {cached}");
    assert_eq!([all(), one(), all()], [(0, true); 3]);
    assert!(!world.at(".jmake").exists(), "asking makes nothing");
    install("two");
    let (runs, cached) = one();
    assert!(runs > 0 && !cached, "another compiler: {runs} {cached}");
    assert_eq!([one(), all()], [(0, true); 2]);
}
