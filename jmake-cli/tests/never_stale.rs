//! What happens to a project between builds besides edits: times that lie, outputs that get lost,
//! folders that move, two builds at once.
//!
//! Each must give what a build from nothing gives, and cost no more than it must.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use jmake_core::fs;

use support::caller::{self, Call};
use support::{Built, Sandbox, tree};

/// A library of two units, one of which asks its header for a number.
fn project(dir: &Path) -> Result<()> {
    fs::create_dir_all(&dir.join("include"))?;
    fs::write(&dir.join("include/number.h"), b"#define NUMBER 1\n")?;
    fs::write(&dir.join("number.c"), b"#include \"number.h\"\nint number(void) { return NUMBER; }\n")?;
    fs::write(&dir.join("other.c"), b"int other(void) { return 7; }\n")?;
    Ok(())
}

/// A project that was built once, in a sandbox of its own.
fn built() -> Result<(Sandbox, PathBuf)> {
    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join("numbers");
    project(&dir)?;
    sandbox.build(&dir, &[])?.exited(0)?;
    Ok((sandbox, dir))
}

/// The library of the project in `dir` gives `number`.
fn gives(sandbox: &Sandbox, dir: &Path, number: usize) -> Result<()> {
    let functions = ["int number(void)", "int other(void)"].map(str::to_owned);
    let calls = [Call::int("number()", number), Call::int("other()", 7)];
    caller::check(sandbox, &dir.join("julia/libnumbers.so"), "", &functions, &calls)
}

/// The build succeeded and compiled exactly `units`.
fn compiled(built: &Built, units: &[&str]) -> Result<()> {
    built.exited(0)?;
    let ran = built.ended(&["compile"], &["ran"]);
    ensure!(ran == units, "compiled {ran:?}, not {units:?}");
    Ok(())
}

/// Unpacking an archive or `cp -p` brings other content with an old time and the same size.
#[test]
fn a_file_with_the_old_time_and_size_is_read_again() -> Result<()> {
    let (sandbox, dir) = built()?;
    let header = dir.join("include/number.h");
    let time = std::fs::metadata(&header)?.modified()?;
    for (text, number) in [("#define NUMBER 2\n", 2), ("#define NUMBER 3\n", 3)] {
        std::fs::File::options().write(true).open(&header)?.set_len(0)?;
        fs::write(&header, text.as_bytes())?;
        std::fs::File::options().write(true).open(&header)?.set_modified(time)?;
        compiled(&sandbox.build(&dir, &[])?, &["number.c"])?;
        gives(&sandbox, &dir, number)?;
    }
    Ok(())
}

/// Whatever becomes of what was made, it comes back, without a compile.
#[test]
fn lost_and_damaged_outputs_come_back() -> Result<()> {
    let (sandbox, dir) = built()?;
    let library = dir.join("julia/libnumbers.so");
    let good = std::fs::read(&library)?;

    type Damage = fn(&Path) -> Result<()>;
    let damages: [(&str, Damage); 5] = [
        ("library removed", |dir| Ok(fs::remove_file(&dir.join("julia/libnumbers.so"))?)),
        ("library overwritten", |dir| fs::write(&dir.join("julia/libnumbers.so"), b"garbage")),
        ("output folder removed", |dir| Ok(fs::remove_dir_all(&dir.join("julia"))?)),
        ("objects removed", |dir| Ok(fs::remove_dir_all(&dir.join(".jmake/release"))?)),
        ("all records removed", |dir| Ok(fs::remove_dir_all(&dir.join(".jmake"))?)),
    ];
    for (what, damage) in damages {
        damage(&dir)?;
        compiled(&sandbox.build(&dir, &[])?, &[]).context(what)?;
        ensure!(std::fs::read(&library)? == good, "{what}: the library is another");
    }
    Ok(())
}

/// Every file in which jmake remembers something may be cut short or filled with noise.
#[test]
fn damaged_records_cost_time_only() -> Result<()> {
    let (sandbox, dir) = built()?;
    let good = tree::files(&dir.join("julia"))?;
    for (name, bytes) in tree::files(&dir.join(".jmake"))? {
        let path = dir.join(".jmake").join(&name);
        for damaged in [&bytes[..bytes.len() / 2], b"\xff\x00noise".as_slice(), b""] {
            if !path.is_file() {
                continue;
            }
            fs::write(&path, damaged)?;
            sandbox.build(&dir, &[])?.exited(0).with_context(|| format!("{} damaged", name.display()))?;
            tree::same(&good, &tree::files(&dir.join("julia"))?, &format!("{} damaged", name.display()))?;
        }
    }
    fs::write(&dir.join("include/number.h"), b"#define NUMBER 5\n")?;
    sandbox.build(&dir, &[])?.exited(0)?;
    gives(&sandbox, &dir, 5)
}

/// No key knows where the project lies: neither a move nor a second copy compiles anything.
#[test]
fn a_moved_or_copied_project_is_not_compiled_again() -> Result<()> {
    let (sandbox, dir) = built()?;
    let good = std::fs::read(dir.join("julia/libnumbers.so"))?;

    let moved = sandbox.work().join("elsewhere/numbers");
    fs::create_dir_all(&sandbox.work().join("elsewhere"))?;
    fs::rename(&dir, &moved)?;
    compiled(&sandbox.build(&moved, &[])?, &[]).context("moved")?;
    ensure!(std::fs::read(moved.join("julia/libnumbers.so"))? == good, "moved: another library");

    let copied = sandbox.work().join("third/numbers");
    tree::copy(&moved, &copied, &[".jmake", "julia", "compile_commands.json"])?;
    compiled(&sandbox.build(&copied, &[])?, &[]).context("copied")?;
    ensure!(std::fs::read(copied.join("julia/libnumbers.so"))? == good, "copied: another library");
    gives(&sandbox, &copied, 1)
}

/// Settings that were in force before are found again.
#[test]
fn a_profile_there_and_back_compiles_once() -> Result<()> {
    let (sandbox, dir) = built()?;
    let good = std::fs::read(dir.join("julia/libnumbers.so"))?;
    compiled(&sandbox.build(&dir, &["--dev"])?, &["number.c", "other.c"])?;
    gives(&sandbox, &dir, 1)?;
    compiled(&sandbox.build(&dir, &[])?, &[])?;
    ensure!(std::fs::read(dir.join("julia/libnumbers.so"))? == good, "the library is another");
    compiled(&sandbox.build(&dir, &["--dev"])?, &[])
}

/// A header comes and goes by another way: as a link that is turned to another file.
#[test]
fn a_link_turned_to_another_file_counts() -> Result<()> {
    let (sandbox, dir) = built()?;
    let header = dir.join("include/number.h");
    for number in [10, 20, 10] {
        let real = sandbox.work().join(format!("number-{number}.h"));
        fs::write(&real, format!("#define NUMBER {number}\n").as_bytes())?;
        fs::remove_file(&header)?;
        fs::symlink(&real, &header)?;
        sandbox.build(&dir, &[])?.exited(0)?;
        gives(&sandbox, &dir, number)?;
    }
    Ok(())
}

/// Several builds at once, of one project and of several with one cache, all succeed.
#[test]
fn builds_at_once_do_not_disturb_one_another() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let dirs = ["a/numbers", "b/numbers"].map(|name| sandbox.work().join(name));
    for dir in &dirs {
        project(dir)?;
    }
    let mut children = Vec::new();
    for dir in dirs.iter().chain(&dirs).chain(&dirs) {
        let mut command = sandbox.command(support::jmake(), dir, &["build"]);
        children.push(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    }
    for child in children {
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for dir in &dirs {
        gives(&sandbox, dir, 1)?;
    }
    Ok(())
}

/// Ten thousand functions: long enough for a compiler to be met at work.
fn long() -> String {
    (0..10_000).map(|n| format!("int f{n}(int x) {{ return x * x + {n}; }}\n")).collect()
}

/// Ctrl-C while a compiler runs: the exit code says so, the last good library stays, and the next
/// build knows nothing of it.
#[test]
fn an_interrupted_build_leaves_no_trace() -> Result<()> {
    let (sandbox, dir) = built()?;
    let before = tree::files(&dir.join("julia"))?;
    fs::write(&dir.join("long.c"), long().as_bytes())?;

    let args = ["build", "--message-format", "json"];
    let mut child = sandbox.command(support::jmake(), &dir, &args).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    while !lines.next().context("it ended before it was interrupted")??.contains("\"started\"") {}
    let id = child.id().to_string();
    ensure!(sandbox.run(Path::new("/bin/kill"), &dir, &["-INT", &id])?.status.success(), "kill");
    lines.try_for_each(|line| line.map(drop))?;
    let code = child.wait()?.code();
    ensure!(code == Some(130), "exit code {code:?}");
    tree::same(&before, &tree::files(&dir.join("julia"))?, "before and after the interruption")?;

    fs::remove_file(&dir.join("long.c"))?;
    compiled(&sandbox.build(&dir, &[])?, &[])?;
    gives(&sandbox, &dir, 1)
}

/// With too few descriptors the compiler, the linker and jmake itself fail in odd places; each ends
/// with a message, and nothing of it is kept.
#[test]
fn too_few_descriptors_leave_nothing_behind() -> Result<()> {
    let (sandbox, dir) = built()?;
    let mut failed = 0;
    for limit in [3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 32] {
        fs::write(&dir.join("include/number.h"), format!("#define NUMBER {limit}\n").as_bytes())?;
        let script = format!("ulimit -n {limit}; exec \"$0\" build");
        let program = support::jmake().to_string_lossy();
        let output = sandbox.run(Path::new("/bin/sh"), &dir, &["-c", &script, &program])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!said.contains("panicked") && !said.contains("bug in jmake"), "{limit} descriptors: {said}");
        ensure!(output.status.code().is_some_and(|code| code < 128), "{limit} descriptors: {said}");
        ensure!(output.status.success() || !said.is_empty(), "{limit} descriptors: it failed in silence");
        failed += usize::from(!output.status.success());
        sandbox.build(&dir, &[])?.exited(0)?;
        gives(&sandbox, &dir, limit)?;
    }
    ensure!(failed > 3, "only {failed} builds failed for want of descriptors");
    Ok(())
}
