//! The example of embedding, as it is: with the fake toolchain, and with the real clang where one
//! is installed.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod support;

#[path = "../examples/embed.rs"]
#[allow(dead_code, reason = "its `main` is for people")]
mod embed;

use std::path::Path;

use support::fake::{World, shared_toolchain};

/// What the example says, without what is another with each run.
fn tour(toolchain: &Path) -> String {
    let world = World::with_toolchain(toolchain);
    let mut said = Vec::new();
    embed::embed(&world.root, world.environment.clone(), &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with(&format!("the project is {}\n", world.root.display())), "{said}");
    assert!(world.at("julia/libembedded.so").is_file() || cfg!(target_os = "macos"), "{said}");
    said
}

/// The counts of each build, as they are told.
fn counts(said: &str) -> Vec<&str> {
    let lines = said.lines().filter_map(|line| line.trim().split_once(" restored in "));
    lines.map(|(counts, _)| counts).collect()
}

#[test]
fn with_the_fake_toolchain() {
    let said = tour(shared_toolchain());
    let wanted = [
        "2 compiled, 0 fresh, 0",
        "0 compiled, 2 fresh, 0",
        "1 compiled, 1 fresh, 0",
        "0 compiled, 1 fresh, 0",
        "0 compiled, 1 fresh, 1",
    ];
    assert_eq!(counts(&said), wanted, "{said}");
    for line in [
        "  Compiling src/area.c: never built here before\n",
        "  src/area.c:1: 'nowhere.h' file not found\n",
        "  hint: ",
        "  src/area.c: from the cache\n",
        "3 actions are recorded",
        "  compilation.ir: ",
    ] {
        assert!(said.contains(line), "{line:?} is missing in\n{said}");
    }
}

#[test]
fn with_the_real_one() {
    let toolchain = Path::new("/usr/lib/llvm-19");
    if !toolchain.join("bin/clang").is_file() {
        #[expect(clippy::disallowed_methods, reason = "the tests' own switch, set by scripts/test")]
        let all = std::env::var_os("JMAKE_REQUIRE_ALL").is_some();
        assert!(!all, "clang 19 is not installed");
        return println!("skipped: clang 19 is not installed");
    }
    assert_eq!(counts(&tour(toolchain)).len(), 5);
}
