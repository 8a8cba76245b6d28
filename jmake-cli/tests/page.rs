//! The script of the page that `graph --format html` writes, really run: by Node.js, under a stand-in
//! for a browser (`page/dom.mjs`), with what a user would do (`page/drive.mjs`).
//!
//! Without Node.js the test says so, or fails when `JMAKE_REQUIRE_ALL` is set.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod support;

use std::path::PathBuf;

use support::shell::Shell;
use support::{require_all, workspace};

#[expect(clippy::disallowed_methods, reason = "Node.js may be anywhere where the user has it")]
fn node() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["node", "nodejs"];
    let mut places = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    places.find(|program| program.is_file())
}

#[test]
fn a_page_does_what_it_says() {
    let Some(node) = node() else {
        assert!(!require_all(), "Node.js is not installed: `scripts/install-tools test`");
        return eprintln!("skipped: Node.js is not installed");
    };
    let shell = Shell::shapes();
    let page = shell.sandbox.scratch().join("page.html");
    let drive = workspace().join("jmake-cli/tests/page/drive.mjs");
    let check = |command: &str, what: &str| {
        jmake_core::fs::write(&page, shell.run(command).as_bytes()).unwrap();
        let args = [drive.to_str().unwrap(), page.to_str().unwrap(), what];
        let output = shell.sandbox.run(&node, shell.dir(), &args).unwrap();
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "good\n", "{what}");
    };
    check("graph --format html", "unbuilt");
    shell.run("build");
    check("graph --format html", "shapes");
    check("graph --format html", "odd");
    check("graph --format html --what symbols", "symbols");
    check("graph --format html --what actions", "actions");
}
