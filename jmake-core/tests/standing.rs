//! A build that goes by what the last one decided notices all the same whatever would have been
//! decided differently.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::path::Path;

use jmake_core::engine::Engine;
use jmake_core::process::Cancel;
use jmake_core::services;
use support::fake::*;

/// Not a test of its own: what other tests start.
#[test]
fn child() {
    obey();
}

#[track_caller]
fn built(world: &World, compiled: &[&str], what: &str) {
    let said = world.build();
    said.assert_good(what);
    assert_eq!(said.compiled(), compiled, "{what}");
    same(&world.published(), &world.clean(), what);
}

#[test]
fn the_text_of_a_source_changes_again_and_again() {
    let world = World::small();
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    for round in 0..3 {
        world.write("sub/d.c", format!("int d(void) {{ return {round}; }}\n"));
        built(&world, &["sub/d.c"], "a body");
        world.assert_quiet("a body");
        world.write("inc/x.h", format!("#define X {}\n", round + 10));
        built(&world, &["a.c", "b.c"], "a header");
        world.assert_quiet("a header");
    }
}

#[test]
fn what_a_source_says_to_discovery_is_noticed() {
    let world = World::small();
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    world.write("sub/d.c", "#include \"../inc/y.h\"\nint d(void) { return Y; }\n");
    built(&world, &["sub/d.c"], "another include");
    world.write("inc/y.h", "#pragma once\n#define Y 5\n");
    built(&world, &["b.c", "sub/c.cpp", "sub/d.c"], "the header it includes now");
    world.write("a.c", "#include \"sub/d.c\"\nint a(void) { return 1; }\n");
    built(&world, &["a.c"], "a source that is compiled within another");
    world.write("b.c", "int main(void) { return 0; }\n");
    let said = world.build();
    said.assert_good("a source that is a program");
    assert_eq!(said.started, ["julia/libp.so"], "linked without it");
    same(&world.published(), &world.clean(), "a source that is a program");
}

/// A manifest that is a header too, for what is TOML here is a comment there.
#[test]
fn a_manifest_that_is_included_still_decides() {
    let world = World::small();
    let manifest = |x: u32| {
        let text =
            format!("#if 0\n[project]\nname = \"p\"\n[compile]\ndefines = {{ Z = \"{x}\" }}\n#endif\n");
        world.write("jmake.toml", text);
    };
    manifest(1);
    world.write("sub/d.c", "#include \"../jmake.toml\"\nint d(void) { return Z; }\n");
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    manifest(2);
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "another macro for all");
}

#[test]
fn files_that_come_and_go_beside_an_edit_are_noticed() {
    let world = World::small();
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    world.write("sub/d.c", "int d(void) { return 5; }\n");
    world.write("sub/e.c", "int e(void) { return 6; }\n");
    built(&world, &["sub/d.c", "sub/e.c"], "a new source");
    world.write("sub/d.c", "int d(void) { return 7; }\n");
    world.remove("sub/e.c");
    built(&world, &["sub/d.c"], "a source that went");
    world.write("a.c", "#include \"inc/x.h\"\nint a(void) { return X + 1; }\n");
    std::fs::remove_dir_all(world.at("julia")).unwrap();
    built(&world, &["a.c"], "no results");
}

#[test]
fn failing_and_mending() {
    let world = World::small();
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    let good = world.published();
    for _ in 0..2 {
        world.write("b.c", "#include \"inc/x.h\"\n#include \"inc/y.h\"\n#error \"not yet\"\n");
        let text = world.build().assert_bad("an error");
        assert!(text.contains("not yet"), "{text}");
        same(&world.published(), &good, "after an error");
    }
    world.write("b.c", SMALL[1].1);
    built(&world, &[], "mended");
}

#[test]
fn what_was_configured_is_damaged_or_gone() {
    let world = World::small();
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    let configs = || -> Vec<_> {
        let is_config = |path: &std::path::PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("config-"))
        };
        files(&world.at(".jmake")).into_iter().filter(is_config).collect()
    };
    let spoilers: [fn(&Path); 3] = [
        |path| std::fs::remove_file(path).unwrap(),
        |path| std::fs::write(path, "").unwrap(),
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
    ];
    for (round, spoil) in spoilers.into_iter().enumerate() {
        assert_eq!(configs().len(), 1, "one is kept");
        spoil(&configs()[0]);
        world.write("sub/d.c", format!("int d(void) {{ return 1{round}; }}\n"));
        built(&world, &["sub/d.c"], "after damage");
    }
}

#[test]
fn the_names_of_the_first_jmake() {
    let world = World::small();
    let engine = Engine::at(&world.root, world.environment.clone()).unwrap();
    let (cancel, mut silent) = (Cancel::new(), |_| {});
    let units = SMALL.iter().filter(|(name, _)| name.ends_with(".c") || name.ends_with(".cpp")).count();
    let first = services::build_project(&engine, &world.request, &cancel, &mut silent).unwrap();
    assert_eq!((first.success, first.compiled), (true, units));
    let again = services::incremental_build(&engine, &cancel, &mut silent).unwrap();
    assert_eq!((again.compiled, again.fresh), (0, units));
    world.write("new.c", "int new_one(void) { return 1; }\n");
    world.write("a.c", "int a(void) { return 9; }\n");
    let quick = services::quick_compile(&engine, &cancel, &mut silent).unwrap();
    assert_eq!((quick.compiled, quick.fresh), (1, units - 1), "new sources are not looked for");
    let full = services::compile_full_pipeline(&engine, &cancel, &mut silent).unwrap();
    assert_eq!((full.success, full.compiled, full.fresh), (true, 1, units), "now they are");
    assert!(world.at(".jmake/release/ir").is_dir(), "through IR");
    let all = services::clean_build(&engine, &cancel, &mut silent).unwrap();
    assert_eq!(all.compiled, units + 1);
    services::clear_caches(&engine, &cancel, &mut silent).unwrap();
    assert!(!world.at(".jmake/log").exists());
    let anew = services::incremental_build(&engine, &cancel, &mut silent).unwrap();
    assert_eq!((anew.compiled, anew.restored), (units + 1, 0), "nothing is known any more");
}

/// What is known of it from an earlier build was taken without a note that it had been asked for.
#[test]
fn a_header_that_only_discovery_reads_is_noticed() {
    let world = World::small();
    world.write("a.c", "#ifdef NEVER\n#include \"inc/maybe.h\"\n#endif\nint a(void) { return 1; }\n");
    world.write("inc/maybe.h", "#pragma once\n");
    // Only of files that have been left alone for a while is anything kept.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    built(&world, &["a.c", "b.c", "sub/c.cpp", "sub/d.c"], "cold");
    world.write("new.c", "int new_one(void) { return 1; }\n");
    built(&world, &["new.c"], "decided anew, by what is kept");
    world.write("inc/maybe.h", "#pragma once\n#include \"only.h\"\n");
    let said = world.build();
    said.assert_good("another include");
    assert!(!said.result.unwrap().untouched, "what it includes now may decide something");
    same(&world.published(), &world.clean(), "another include");
}

/// Whether a library that hides all but what is marked would be empty is for its sources to say.
#[test]
fn a_mark_that_comes_and_goes_is_noticed() {
    let world = World::new();
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    world.write("Makefile", "CFLAGS = -fvisibility=hidden\nlibp.a: a.o b.o\n");
    world.write("b.c", "int b(void) { return 2; }\n");
    let mark = "__attribute__((visibility(\"default\"))) ";
    for (mark, value) in [("", 1), (mark, 2), ("", 3)] {
        world.write("a.c", format!("{mark}int a(void) {{ return {value}; }}\n"));
        let compiled: &[&str] = if value < 3 { &["a.c", "b.c"] } else { &["a.c"] };
        built(&world, compiled, &format!("{mark}{value}"));
    }
}
