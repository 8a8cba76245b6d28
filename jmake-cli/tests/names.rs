//! File and folder names that trip tools which glue command lines together: spaces, quotes, `$`,
//! `#`, a leading dash, bytes that are not UTF-8.
//!
//! The files are made here, not committed, for some of the names cannot be kept in an archive or
//! checked out everywhere.

mod support;

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jmake_core::fs;

use support::caller::{self, Call};
use support::{Sandbox, tree};

/// Names of sources, without their ending.
const NAMES: &[&[u8]] = &[
    b"with space",
    b" leading and trailing ",
    b"quote'single",
    b"quote\"double",
    b"dollar$HOME",
    b"dollar$$(x)",
    b"hash#tag",
    b"colon:and;semicolon",
    b"percent%20",
    b"star*question?[a-z]",
    b"-Dleading=dash",
    b"@response",
    b"equals=sign,comma",
    b"\xc3\xbcml\xc3\xa4ut",
    b"not-utf8-\xff\xfe",
    b"{brace}~tilde!bang",
];

/// A source of each name in a folder of the same name, with a header of the same name.
fn project(dir: &Path, names: &[&[u8]]) -> Result<Vec<String>> {
    let mut prototypes = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let folder = dir.join("src").join(OsStr::from_bytes(name));
        fs::create_dir_all(&folder)?;
        let path = |ending: &[u8]| folder.join(OsStr::from_bytes(&[name, ending].concat()));
        // The name in an `#include` knows no escapes: where it cannot be written, a plain header.
        let plain = name.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
        let header = if plain { folder.join("plain.h") } else { path(b".h") };
        fs::write(&header, format!("#define VALUE {number}\n").as_bytes())?;
        let included = header.file_name().context("a header has a name")?.as_bytes();
        let mut text = [b"#include \"", included, b"\"\n"].concat();
        text.extend(format!("int value_{number}(void) {{ return VALUE; }}\n").bytes());
        fs::write(&path(b".c"), &text)?;
        prototypes.push(format!("int value_{number}(void)"));
    }
    Ok(prototypes)
}

/// One call that asks for the sum of all values.
fn sum(names: usize, value: usize) -> Call {
    let mut call = "0".to_owned();
    for number in 0..names {
        let _ = write!(call, " + value_{number}()");
    }
    Call::int(call, value)
}

fn check(modes: &[&str]) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("names");
    let prototypes = project(&dir, NAMES)?;
    let last = NAMES.len() - 1;

    let built = sandbox.build(&dir, modes)?;
    built.exited(0)?;
    ensure!(built.ended(&["compile"], &["ran"]).len() == NAMES.len(), "{}", built.text());
    let library = dir.join("julia/libnames.so");
    caller::check(&sandbox, &library, "", &prototypes, &[sum(NAMES.len(), last * (last + 1) / 2)])?;

    let again = sandbox.build(&dir, modes)?;
    again.exited(0)?;
    let ran = again.ended(&[], &["ran", "restored", "failed"]);
    ensure!(ran.is_empty(), "not fresh: {ran:?}\n{}", again.text());

    // A header's change is noticed, whatever its name: what the compiler wrote down was understood.
    for (number, name) in NAMES.iter().enumerate() {
        let folder = dir.join("src").join(OsStr::from_bytes(name));
        let own = folder.join(OsStr::from_bytes(&[name, &b".h"[..]].concat()));
        let header = if own.exists() { own } else { folder.join("plain.h") };
        fs::write(&header, format!("#define VALUE {}\n", number + 1).as_bytes())?;
    }
    let edited = sandbox.build(&dir, modes)?;
    edited.exited(0)?;
    ensure!(edited.ended(&["compile"], &["ran"]).len() == NAMES.len(), "{}", edited.text());
    caller::check(&sandbox, &library, "", &prototypes, &[sum(NAMES.len(), (last + 1) * (last + 2) / 2)])
}

#[test]
fn of_sources_folders_and_headers() -> Result<()> {
    check(&[])
}

#[test]
fn of_sources_folders_and_headers_joined_as_ir() -> Result<()> {
    check(&["--lto", "full"])
}

/// What clang writes down about its inputs cannot express these, so they are refused by name and
/// not half understood: a build that takes them could be stale.
#[test]
fn that_cannot_be_tracked_are_refused() -> Result<()> {
    // The part after what cannot be shown is enough to know the file by.
    let names: [(&[u8], &str); 3] =
        [(b"line\nend", "end.c"), (b"tab\tstop", "stop.c"), (b"back\\slash", "slash.c")];
    for (name, shown) in names {
        let sandbox = Sandbox::new()?;
        let dir = sandbox.work().join("names");
        project(&dir, &[name])?;
        let built = sandbox.build(&dir, &[])?;
        ensure!(matches!(built.code, Some(1 | 2)), "{shown}: {:?}\n{}", built.code, built.text());
        let events = serde_json::to_string(&built.events)?;
        ensure!(events.contains(shown), "{shown} is not named:\n{events}");
        ensure!(!dir.join("julia").exists(), "nothing was made of {shown}");
    }
    Ok(())
}

/// The project's own folder has such a name, too; the library's is made an identifier.
#[test]
fn of_the_project() -> Result<()> {
    let names: [&[u8]; 5] = [b"my project", b"it's $HOME #1", b"-flag", b"9lives", b"b\xe4r"];
    for name in names {
        let sandbox = Sandbox::new()?;
        let dir = sandbox.work().join(OsStr::from_bytes(name));
        fs::create_dir_all(&dir)?;
        fs::write(&dir.join("one.c"), b"#include \"one.h\"\nint one(void) { return ONE; }\n")?;
        fs::write(&dir.join("one.h"), b"#define ONE 1\n")?;
        sandbox.build(&dir, &[])?.exited(0)?;
        let made: Vec<_> = tree::files(&dir.join("julia"))?.into_keys().collect();
        let library = made.iter().find(|path| path.extension().is_some_and(|e| e == "so"));
        let library = library.with_context(|| format!("{name:?} has no library but {made:?}"))?;
        let stem = library.to_str().context("the library's name is UTF-8")?;
        let identifier = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        ensure!(stem.starts_with("lib") && stem.chars().all(identifier), "{stem}");
        // The loader needs no such name for the folder, but the caller's argument is text.
        let copy = sandbox.scratch().join("lib.so");
        fs::copy(&dir.join("julia").join(library), &copy, 0o755, None)?;
        caller::check(&sandbox, &copy, "", &["int one(void)".to_owned()], &[Call::int("one()", 1)])?;
    }
    Ok(())
}
