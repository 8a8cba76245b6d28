//! The seed's own walk-through, and the beginnings of a project as a person makes them.

mod support;

use anyhow::{Context, Result, ensure};
use jmake_core::fs;

use support::caller::{self, Call};
use support::{Sandbox, tree};

/// `mkdir -p test_project/src`, one function, `touch .jmake_project`, build, call.
#[test]
fn the_seeds_test_project() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("test_project");
    fs::create_dir_all(&dir.join("src"))?;
    fs::write(&dir.join("src/math.cpp"), b"extern \"C\" int add(int a, int b) { return a + b; }\n")?;
    fs::write(&dir.join(".jmake_project"), b"")?;

    let output = sandbox.jmake(&sandbox.work(), &["build", "test_project"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = dir.join("julia/libtest_project.so");
    caller::check(&sandbox, &library, "", &["int add(int, int)".to_owned()], &[Call::int("add(40, 2)", 42)])?;
    ensure!(dir.join("jmake.toml").is_file(), "a folder with the marker gets its manifest");
    Ok(())
}

/// A folder that never asked for it gets no manifest and nothing else but what is promised.
#[test]
fn a_foreign_folder_stays_as_it_is() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("foreign");
    fs::create_dir_all(&dir)?;
    fs::write(&dir.join("one.c"), b"int one(void) { return 1; }\n")?;
    sandbox.build(&dir, &[])?.exited(0)?;
    let mut names: Vec<String> = std::fs::read_dir(&dir)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.retain(|name| name != "compile_commands.json");
    names.sort();
    ensure!(names == [".jmake", "julia", "one.c"], "{names:?}");
    Ok(())
}

/// `clean` takes away what the build made, and only that.
#[test]
fn clean_leaves_what_was_there_before() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("mathlib");
    tree::copy(&support::workspace().join("fixtures/mathlib"), &dir, &["expect.toml"])?;
    fs::create_dir_all(&dir.join("julia"))?;
    fs::write(&dir.join("julia/mine.jl"), b"# written by hand\n")?;
    fs::create_dir_all(&dir.join("build"))?;
    fs::write(&dir.join("build/mine.o"), b"not an object\n")?;
    let before = tree::files(&dir)?;

    sandbox.build(&dir, &[])?.exited(0)?;
    ensure!(dir.join("julia/libmathlib.so").is_file(), "there is a library to remove");
    let output = sandbox.jmake(&dir, &["clean"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tree::same(&before, &tree::files(&dir)?, "before the build and after `clean`")
}

/// A project as `new` makes it builds at once.
#[test]
fn a_new_project_builds() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let made = sandbox.jmake(&sandbox.work(), &["new", "fresh"])?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let dir = sandbox.work().join("fresh");
    sandbox.build(&dir, &[])?.exited(0)?;
    ensure!(dir.join("julia/libfresh.so").is_file(), "it has a library");
    Ok(())
}

/// `config complete` fills what is empty, keeps every word of what is there, and does it once.
#[test]
fn an_incomplete_manifest_is_completed() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("daemon_project");
    tree::copy(&support::workspace().join("fixtures/daemon_project"), &dir, &["expect.toml"])?;
    let read = || std::fs::read_to_string(dir.join("jmake.toml")).context("read jmake.toml");
    let before = read()?;

    let output = sandbox.jmake(&dir, &["config", "complete"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let after = read()?;
    ensure!(after.contains("include_dirs = [\"headers\"]"), "the folder of headers is filled in:\n{after}");
    for line in before.lines().filter(|line| !line.contains("[]")) {
        ensure!(after.lines().any(|kept| kept == line), "{line:?} is gone from\n{after}");
    }
    let output = sandbox.jmake(&dir, &["config", "complete"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(read()? == after, "the second time changes nothing");
    sandbox.build(&dir, &[])?.exited(0)
}
