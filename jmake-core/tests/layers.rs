//! The house rules that a compiler does not check: one direction of flow, files a person reads in
//! one sitting, a doc at the top of each, nothing that nobody uses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Source files of each module of jmake-core, in the order in which `lib.rs` lists the modules.
fn modules() -> Vec<(String, Vec<PathBuf>)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let names = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names
        .map(|name| {
            let file = src.join(format!("{name}.rs"));
            let dir = src.join(name);
            let mut files = if dir.is_dir() { rust_files(&dir) } else { Vec::new() };
            files.extend(file.is_file().then_some(file));
            assert!(!files.is_empty(), "module `{name}` has no file");
            (name.to_owned(), files)
        })
        .collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// All Rust files of both crates that users get.
fn production() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ["jmake-core/src", "jmake-cli/src"].iter().flat_map(|dir| rust_files(&root.join(dir))).collect()
}

/// The text before the unit tests, without comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let end = text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that `code` names as `crate::name`, also in `use crate::{a, b}`.
fn named(code: &str) -> Vec<String> {
    let ident =
        |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = &list[..list.find('}').unwrap_or(list.len())];
                names.extend(list.split(',').map(|part| ident(part.trim())));
            }
            None => names.push(ident(rest)),
        }
    }
    names
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let modules = modules();
    let place: BTreeMap<&str, usize> =
        modules.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let mut upward = Vec::new();
    for (at, (name, files)) in modules.iter().enumerate() {
        for file in files {
            for used in named(&code(file)) {
                if place.get(used.as_str()).is_some_and(|&other| other > at) {
                    upward.push(format!("`{name}` uses `{used}`, which stands below it"));
                }
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn every_module_is_used() {
    let modules = modules();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cli: String = rust_files(&root.join("jmake-cli/src")).iter().map(|file| code(file)).collect();
    for (at, (name, _)) in modules.iter().enumerate() {
        let below = modules[at + 1..].iter().flat_map(|(_, files)| files);
        let used = below.map(|file| named(&code(file))).any(|names| names.contains(name));
        let by_cli = cli.contains(&format!("jmake_core::{name}"))
            || cli.lines().any(|line| line.contains("jmake_core::{") && line.contains(name.as_str()));
        // The seed's verbs are a door for other programs.
        assert!(used || by_cli || ["services", "rpc"].contains(&name.as_str()), "nobody uses `{name}`");
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for file in production() {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        if lines > 600 {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
        if !text.starts_with("//!") && !text.starts_with("#![") {
            wrong.push(format!("{} does not begin with its doc", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Core never prints, exits, or reads environment and working directory; only `fs` changes the
/// disk and only `process` starts programs (clippy bans the calls; this finds the way round it).
#[test]
fn core_keeps_its_promises() {
    let banned = [
        ("println!", &[][..]),
        ("eprintln!", &[]),
        ("process::exit", &[]),
        ("env::var", &[]),
        ("env::current_dir", &[]),
        ("Command::new", &["process.rs"]),
        ("clippy::disallowed_methods", &["process.rs", "fs.rs"]),
        ("SystemTime::now", &["cas.rs"]),
        ("unsafe ", &[]),
    ];
    for (_, files) in modules() {
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let code = code(&file);
            for (call, allowed) in banned {
                let found = code.contains(call) && !allowed.contains(&name.as_str());
                assert!(!found, "{} holds `{call}`", file.display());
            }
        }
    }
}

#[test]
fn the_test_finds_what_it_looks_for() {
    assert_eq!(named("use crate::a::B;\nuse crate::{c, d::E};\ncrate::f::g()"), ["a", "c", "d", "f"]);
}
