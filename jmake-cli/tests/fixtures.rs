//! Every folder of `fixtures`, built as a user would and held to its `expect.toml`.
//!
//! Each is built from nothing, then again (nothing may run), then after each edit in turn, where
//! exactly the listed units are compiled.  After every step what lies in the output folder must be,
//! byte for byte, what a build of the same tree from nothing gives in another folder with another
//! cache: that one sentence is most of what a build tool promises.  The library is loaded and
//! called.  All of it is done twice: by the command itself, and through a daemon.
//!
//! A new fixture needs no line here: a folder with sources and an `expect.toml` (see
//! [`expect::Expect`]) is a test.

#[path = "support/expect.rs"]
mod expect;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use expect::{Edit, Expect};
use support::caller::{self, Call, name_of};
use support::{Built, Sandbox, symbols, tree};

/// What a build makes, with its output folder, or a fixture says about itself: no part of the tree that
/// is built.
const NOT_SOURCE: [&str; 3] = [".jmake", "compile_commands.json", "expect.toml"];

/// The kinds of action that make what lies in the output folder.
const LINKS: [&str; 5] = ["link", "archive", "link-ir", "optimize", "lower"];

fn main() -> Result<()> {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for entry in std::fs::read_dir(support::workspace().join("fixtures")).context("list fixtures")? {
        let (name, dir) = {
            let entry = entry?;
            (entry.file_name().to_string_lossy().into_owned(), entry.path())
        };
        if !dir.join("expect.toml").exists() {
            continue;
        }
        for (through_daemon, ending) in [(false, ""), (true, " through a daemon")] {
            let dir = dir.clone();
            let run = move || check(&dir, through_daemon).map_err(|e| Failed::from(format!("{e:#}")));
            trials.push(Trial::test(format!("{name}{ending}"), run));
        }
    }
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&arguments, trials).exit()
}

fn check(fixture: &Path, through_daemon: bool) -> Result<()> {
    let expect = Expect::read(&fixture.join("expect.toml"))?;
    if let Some(missing) = expect.requires.iter().find(|file| !Path::new(file).exists()) {
        ensure!(!support::require_all(), "{missing} is not installed");
        println!("skipped: {missing} is not installed");
        return Ok(());
    }
    for args in &expect.also {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Project::copy_of(fixture, &expect, through_daemon)?
            .cold(&args)
            .with_context(|| format!("with {args:?}"))?;
    }

    through(fixture, &expect, &[], through_daemon)?;
    for args in &expect.through {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        through(fixture, &expect, &args, through_daemon).with_context(|| format!("with {args:?}"))?;
    }
    Ok(())
}

/// Builds from nothing, again, and after each edit, always with `args`.
fn through(fixture: &Path, expect: &Expect, args: &[&str], through_daemon: bool) -> Result<()> {
    let mut project = Project::copy_of(fixture, expect, through_daemon)?;
    project.args = args.iter().map(|arg| (*arg).to_owned()).collect();
    project.cold(args).context("from nothing")?;
    if expect.fails.is_empty() {
        project.again().context("once more")?;
    }
    for edit in &expect.edit {
        project.after(edit).with_context(|| format!("after {:?} of {}", edit.name, edit.file))?;
    }
    Ok(())
}

/// A fixture's copy on its way through the edits.
struct Project<'e> {
    sandbox: Sandbox,
    dir: PathBuf,
    expect: &'e Expect,
    /// The arguments of its builds.
    args: Vec<String>,
    /// What the main library is declared to export now.
    functions: Vec<String>,
    /// Where it is now.
    library: Option<PathBuf>,
    /// What the program prints now, when an edit changed it.
    prints: Option<String>,
}

impl<'e> Project<'e> {
    fn copy_of(fixture: &Path, expect: &'e Expect, through_daemon: bool) -> Result<Project<'e>> {
        let sandbox = Sandbox::with_daemon(through_daemon)?;
        let name = fixture.file_name().context("a fixture has a name")?;
        let dir = sandbox.work().join(name);
        tree::copy(fixture, &dir, &[&NOT_SOURCE[..], &[&expect.output_dir]].concat())?;
        let main = expect.library.first();
        Ok(Project {
            sandbox,
            dir,
            expect,
            args: Vec::new(),
            functions: main.map(|library| library.functions.clone()).unwrap_or_default(),
            library: main.map(|library| PathBuf::from(&library.path)),
            prints: None,
        })
    }

    fn args(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    fn build(&self) -> Result<Built> {
        self.sandbox.build(&self.dir, &self.args())
    }

    fn outputs(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        tree::files(&self.dir.join(&self.expect.output_dir))
    }

    /// The first build.
    fn cold(&self, args: &[&str]) -> Result<()> {
        let built = self.sandbox.build(&self.dir, args)?;
        says(&built, &self.expect.messages)?;
        if !self.expect.fails.is_empty() {
            return self.failed(&built, self.expect.code, &self.expect.fails, &BTreeMap::new());
        }
        built.exited(0)?;
        ensure!(built.ended(&[], &["failed", "blocked"]).is_empty(), "{}", built.text());
        self.has_exports()?;
        self.calls(self.expect.library.first().map_or(&[], |library| &library.calls), profile(args))?;
        for library in self.expect.library.iter().skip(1) {
            let at = self.dir.join(&library.path);
            caller::check(&self.sandbox, &at, &library.prelude, &library.functions, &library.calls)?;
        }
        self.archives()?;
        self.programs()
    }

    /// A build with nothing to do.
    fn again(&self) -> Result<()> {
        let before = self.outputs()?;
        let built = self.build()?;
        built.exited(0)?;
        let ran = built.ended(&[], &["ran", "restored", "failed", "blocked"]);
        ensure!(ran.is_empty(), "not fresh: {ran:?}\n{}", built.text());
        tree::same(&before, &self.outputs()?, "outputs before and after")
    }

    /// One edit and all that must hold afterwards.
    fn after(&mut self, edit: &Edit) -> Result<()> {
        let before = self.outputs()?;
        edit.apply(&self.dir)?;
        let built = self.build()?;
        says(&built, &edit.messages)?;
        if !edit.fails.is_empty() {
            return self.failed(&built, 1, &edit.fails, &before);
        }
        built.exited(0)?;
        let compiled = built.ended(&["compile"], &["ran"]);
        let wanted = edit.compiled.as_ref().unwrap_or(&compiled);
        ensure!(&compiled == wanted, "compiled {compiled:?}, not {wanted:?}\n{}", built.text());
        let linked = built.ended(&LINKS, &["ran"]);
        ensure!(edit.linked.is_none_or(|wanted| wanted != linked.is_empty()), "linked: {linked:?}");

        self.functions.extend(edit.functions.iter().cloned());
        self.functions.retain(|prototype| !edit.without.iter().any(|gone| gone == name_of(prototype)));
        if let Some(moved) = &edit.moves {
            self.library = Some(PathBuf::from(moved));
        }
        self.has_exports()?;
        self.calls(&edit.calls, profile(&self.args()))?;
        self.prints = edit.prints.clone().or(self.prints.take());
        self.programs()?;
        self.like_a_clean_build().context("compared with a build from nothing")?;
        self.again().context("built once more")
    }

    /// The build ended with `code` and said why, and what was there before is untouched.
    fn failed(
        &self,
        built: &Built,
        code: i32,
        why: &[String],
        before: &BTreeMap<PathBuf, Vec<u8>>,
    ) -> Result<()> {
        built.exited(code)?;
        says(built, why)?;
        tree::same(before, &self.outputs()?, "outputs before and after a failure")
    }

    fn like_a_clean_build(&self) -> Result<()> {
        let sandbox = Sandbox::new()?;
        let dir = sandbox.work().join("elsewhere").join(self.dir.file_name().context("a name")?);
        tree::copy(&self.dir, &dir, &[&NOT_SOURCE[..], &[&self.expect.output_dir]].concat())?;
        sandbox.build(&dir, &self.args())?.exited(0)?;
        tree::same(
            &self.outputs()?,
            &tree::files(&dir.join(&self.expect.output_dir))?,
            "outputs here and there",
        )
    }

    /// The main library exports what is declared: nothing is missing and nothing is added.
    fn has_exports(&self) -> Result<()> {
        let Some(path) = &self.library else { return Ok(()) };
        let exported = symbols::exported(&self.dir.join(path))?;
        let declared: BTreeSet<String> = self.functions.iter().map(|p| name_of(p).to_owned()).collect();
        ensure!(exported == declared, "{} exports {exported:?}, not {declared:?}", path.display());
        Ok(())
    }

    fn calls(&self, calls: &[Call], profile: &str) -> Result<()> {
        let Some(path) = &self.library else { return Ok(()) };
        let holds = |call: &&Call| call.only.as_deref().is_none_or(|only| only == profile);
        let calls: Vec<Call> = calls.iter().filter(holds).cloned().collect();
        let prelude = &self.expect.library[0].prelude;
        caller::check(&self.sandbox, &self.dir.join(path), prelude, &self.functions, &calls)
    }

    fn archives(&self) -> Result<()> {
        for archive in &self.expect.archive {
            let defined = symbols::archived(&self.dir.join(&archive.path))?;
            let wanted: BTreeSet<String> = archive.defines.iter().cloned().collect();
            ensure!(defined == wanted, "{} defines {defined:?}, not {wanted:?}", archive.path);
        }
        Ok(())
    }

    /// Runs what was built to be run.
    fn programs(&self) -> Result<()> {
        for program in &self.expect.program {
            let ran = self.sandbox.run(&self.dir.join(&program.path), &self.sandbox.scratch(), &[])?;
            ensure!(ran.status.success(), "{} ended with {}", program.path, ran.status);
            let (said, wanted) =
                (String::from_utf8_lossy(&ran.stdout), self.prints.as_ref().unwrap_or(&program.prints));
            ensure!(said == *wanted, "{} printed {said:?}, not {wanted:?}", program.path);
        }
        Ok(())
    }
}

/// The profile that `args` choose.
fn profile<'a>(args: &[&'a str]) -> &'a str {
    match args {
        ["--dev", ..] => "dev",
        ["--profile", name, ..] => name,
        _ => "release",
    }
}

/// An error unless `built` said each of `words` to its user.
fn says(built: &Built, words: &[String]) -> Result<()> {
    let text = built.text();
    for word in words {
        ensure!(text.contains(word.as_str()), "nothing is said of {word:?}:\n{text}");
    }
    Ok(())
}
