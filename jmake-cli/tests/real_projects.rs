//! Libraries that the world uses, as their authors publish them: each is built with nothing said,
//! a program is compiled against its headers and linked with what came out, and run.
//!
//! Each file of `real_projects` is such a program and a test; the file's name is the Debian source
//! package's, and its first lines may say `folder:` (the part of the source that is the project),
//! `include:` (for the program), `jmake.toml:` (a line of it, where there is something to decide)
//! and `prints:` (what must come).  Sources are downloaded, never committed; where that is not
//! possible the test says so, or fails when `JMAKE_REQUIRE_ALL` is set.

mod support;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use support::{Sandbox, caller, tree};

fn main() -> Result<()> {
    let arguments = Arguments::from_args();
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_projects");
    let mut trials = Vec::new();
    for entry in std::fs::read_dir(programs).context("list the programs")? {
        let path = entry?.path();
        let name = path.file_stem().context("a program has a name")?.to_string_lossy().into_owned();
        trials.push(Trial::test(name.clone(), move || {
            check(&name, &path).map_err(|e| Failed::from(format!("{e:#}")))
        }));
    }
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&arguments, trials).exit()
}

fn check(name: &str, program: &Path) -> Result<()> {
    let Some(source) = source_of(name)? else { return Ok(()) };
    let text = std::fs::read_to_string(program)?;
    let said = |key: &str| said(&text, key);

    let sandbox = Sandbox::new()?;
    let dir = sandbox.work().join(name);
    tree::copy(&source.join(said("folder").concat()), &dir, &[])?;
    let manifest = said("jmake.toml");
    if !manifest.is_empty() {
        jmake_core::fs::write(&dir.join("jmake.toml"), (manifest.join("\n") + "\n").as_bytes())?;
    }

    let built = sandbox.build(&dir, &[])?;
    built.exited(0)?;
    ensure!(built.ended(&[], &["failed", "blocked"]).is_empty(), "{}", built.text());
    let compiled = built.ended(&["compile"], &["ran"]).len();
    println!("{name}: {compiled} units compiled");

    let include: Vec<PathBuf> = match said("include") {
        folders if folders.is_empty() => vec![dir.clone()],
        folders => folders.iter().map(|folder| dir.join(folder)).collect(),
    };
    let printed = printed_by(&sandbox, program, &include, &library(&sandbox, &dir)?)?;
    ensure!(vec![printed.clone()] == said("prints"), "it printed {printed:?}");

    let again = sandbox.build(&dir, &[])?;
    again.exited(0)?;
    let ran = again.ended(&[], &["ran", "restored", "failed", "blocked"]);
    ensure!(ran.is_empty(), "not fresh once built: {ran:?}\n{}", again.text());
    Ok(())
}

/// What the lines `// key: …` of `text` say.
fn said(text: &str, key: &str) -> Vec<String> {
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("// ")?.strip_prefix(key)?.strip_prefix(": "));
    lines.map(str::to_owned).collect()
}

/// The folder of the unpacked source; `None` when it cannot be had and need not.
fn source_of(name: &str) -> Result<Option<PathBuf>> {
    let sources = support::workspace().join("target/sources");
    let source = sources.join(name);
    if !source.is_dir() {
        let sandbox = Sandbox::new()?;
        let script = support::workspace().join("scripts/fetch-sources");
        let dir = sources.to_str().context("the workspace's path is UTF-8")?;
        let fetched = sandbox.run(&script, support::workspace(), &[dir, name])?;
        let why = String::from_utf8_lossy(&fetched.stderr).into_owned();
        if !fetched.status.success() {
            ensure!(!support::require_all(), "the source of {name} cannot be had\n{why}");
            println!(
                "skipped: the source of {name} cannot be had: {}",
                why.lines().last().unwrap_or_default()
            );
            return Ok(None);
        }
    }
    Ok(Some(source))
}

/// The library that was made of the project in `dir`.
fn library(sandbox: &Sandbox, dir: &Path) -> Result<PathBuf> {
    let output = sandbox.jmake(dir, &["build", "--print", "library"])?;
    let path = String::from_utf8(output.stdout).context("the library's path is UTF-8")?;
    let path = dir.join(path.trim_end());
    ensure!(path.is_file(), "there is no {}", path.display());
    Ok(path)
}

/// Compiles `program` against `library`, runs it and gives what it prints.
fn printed_by(sandbox: &Sandbox, program: &Path, include: &[PathBuf], library: &Path) -> Result<String> {
    let clang = caller::clang()?;
    let cxx = program.extension().is_some_and(|extension| extension == "cpp");
    let compiler = if cxx { clang.with_file_name("clang++") } else { clang };
    let mut args: Vec<String> = include.iter().map(|folder| format!("-I{}", folder.display())).collect();
    let folder = library.parent().context("a library lies in a folder")?;
    args.extend(["-o".to_owned(), "program".to_owned()]);
    args.extend([program, library].map(|path| path.display().to_string()));
    args.push(format!("-Wl,-rpath,{}", folder.display()));
    let dir = sandbox.scratch();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let compiled = sandbox.run(&compiler, &dir, &args)?;
    ensure!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = sandbox.run(&dir.join("program"), &dir, &[])?;
    ensure!(ran.status.success(), "the program ended with {}", ran.status);
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
