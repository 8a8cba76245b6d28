//! Every cause of the catalogue (`jmake_core::cause`) as a build that really fails.
//!
//! A case is a project that fails, the hint that must come, the change that the hint names, after
//! which the build must be good, and a project that fails in a way that looks alike and must not get
//! that hint.  The last test makes sure that no cause is without a case.

mod compile;
mod link;
mod machine;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use jmake_core::build::{Build, Built};
use jmake_core::cause::Cause;
use jmake_core::diagnose::{Failed, Stage};
use jmake_core::event::Diagnostic;
use jmake_core::fs;
use jmake_core::manifest_file::ManifestFile;
use jmake_core::path::Root;
use jmake_core::settings::{self, Decision};

use crate::{Project, Told, project};

/// Files by path and text.
type Files = &'static [(&'static str, &'static str)];

/// How the hint is followed.
enum Mend {
    /// By the edit of `jmake.toml` that it carries.
    Change,
    /// By writing these files.
    Write(Files),
    /// By renaming a file.
    Rename(&'static str, &'static str),
    /// By this command, whose words stand between blanks.
    Run(&'static str),
    /// Not here: what it asks for is beyond a test.
    Beyond,
}

/// A build that fails for one cause.
struct Case {
    name: &'static str,
    cause: Cause,
    files: Files,
    /// Commands that make what is no text, run in order in the project; `{clang}` is the compiler.
    before: &'static [&'static str],
    /// What the hint must hold.
    hint: &'static str,
    mend: Mend,
    /// Files that, written over the others, make a build that fails without that cause; none when
    /// another case shows it.
    alike: Files,
    /// Commands that make what is no text of that one.
    alike_before: &'static [&'static str],
}

const CASE: Case = Case {
    name: "",
    cause: Cause::Settings,
    files: &[],
    before: &[],
    hint: "",
    mend: Mend::Beyond,
    alike: &[],
    alike_before: &[],
};

/// Every case there is.
fn all() -> impl Iterator<Item = &'static Case> {
    compile::CASES.iter().chain(link::CASES).chain(machine::CASES)
}

/// What compilers were asked once is known to all cases.
fn common_cache() -> PathBuf {
    static CACHE: OnceLock<tempfile::TempDir> = OnceLock::new();
    CACHE.get_or_init(|| tempfile::tempdir().unwrap()).path().join("cache")
}

/// The project of `files`, after `commands`; its settings have the user's consent.
fn prepared(files: &[&[(&str, &str)]], commands: &[&str]) -> Option<Project> {
    let mut project = project(&[] as &[(&str, &str)])?;
    project.environment.cache_home = Some(common_cache());
    project.environment.config_home = Some(project.dir.path().join("home/config"));
    for (path, text) in files.iter().copied().flatten() {
        project.write(path, text);
    }
    for command in commands {
        run(&project, command);
    }
    consent(&project);
    Some(project)
}

fn run(project: &Project, command: &str) {
    let clang = project.clang();
    let words: Vec<&str> =
        command.split(' ').map(|word| if word == "{clang}" { &*clang } else { word }).collect();
    project.output_of(&words);
}

fn consent(project: &Project) {
    if fs::read(&project.root().join("jmake.toml")).is_ok_and(|text| !text.is_empty()) {
        let root = Root::open(&project.root()).unwrap();
        settings::consent(&root, &project.environment, Decision::Grant).unwrap();
    }
}

/// All hints of a reply.
fn hints(built: &Built) -> impl Iterator<Item = (&Failed, &Diagnostic)> {
    built.failures.iter().flat_map(|failed| failed.hints.iter().map(move |hint| (failed, hint)))
}

fn build(project: &Project) -> Told {
    project.build_as(&Build { keep_going: true, ..Build::default() })
}

/// The hint that `case` must get, after looking at all else that a failed build says.
#[track_caller]
fn hint_of(case: &Case, told: &Told) -> Diagnostic {
    let name = case.name;
    let shown = || format!("{name}: {:#?}\n{:#?}\n{}", told.built.failures, told.diagnostics, told.output);
    assert!(!told.built.success, "{name} does not fail");
    assert_eq!(
        told.built.failures.iter().filter(|failed| failed.stage == Stage::Execute).count(),
        told.built.failed,
        "{}",
        shown()
    );
    for failed in &told.built.failures {
        assert!(failed.diagnostics.iter().any(|one| one.is_error()), "{}", shown());
        assert!(failed.stage != Stage::Execute || failed.kind.is_some() && failed.action.is_some());
    }
    let text = serde_json::to_string(&told.built).unwrap();
    assert_eq!(serde_json::from_str::<Built>(&text).unwrap(), told.built, "{name}");
    let (_, hint) = hints(&told.built)
        .find(|(_, hint)| hint.cause == Some(case.cause) && hint.hint.as_deref().unwrap().contains(case.hint))
        .unwrap_or_else(|| panic!("{}", shown()));
    // A person reads the same.
    let said = told.diagnostics.iter().any(|one| one.message == hint.message && one.cause == hint.cause);
    assert!(said || hint.cause == Some(Cause::Settings), "{}", shown());
    hint.clone()
}

fn follow(project: &Project, case: &Case, hint: &Diagnostic) -> bool {
    match &case.mend {
        Mend::Beyond => return false,
        Mend::Change => {
            let change = hint.change.as_ref().unwrap_or_else(|| panic!("{}: {hint:?}", case.name));
            let manifest = ManifestFile::new(&Root::open(&project.root()).unwrap());
            assert!(settings::set(&manifest, &change.key, &change.value).unwrap(), "{}", case.name);
        }
        Mend::Write(files) => files.iter().for_each(|(path, text)| project.write(path, text)),
        Mend::Rename(from, to) => fs::rename(&project.root().join(from), &project.root().join(to)).unwrap(),
        Mend::Run(commands) => commands.split('\n').for_each(|command| run(project, command)),
    }
    consent(project);
    true
}

fn check(case: &Case) {
    let Some(project) = prepared(&[case.files], case.before) else { return };
    let hint = hint_of(case, &build(&project));
    if follow(&project, case, &hint) {
        let told = build(&project);
        assert!(told.built.success, "{}: {:#?}\n{}", case.name, told.diagnostics, told.output);
        assert_eq!(told.built.failures, [], "{}", case.name);
    }
    if case.alike.is_empty() && case.alike_before.is_empty() {
        return;
    }
    let Some(project) = prepared(&[case.files, case.alike], case.alike_before) else { return };
    let told = build(&project);
    assert!(!told.built.success, "{}: what looks alike must fail too", case.name);
    let wrong = hints(&told.built).find(|(_, hint)| hint.cause == Some(case.cause));
    assert_eq!(wrong, None, "{}", case.name);
}

/// Runs every case of a table and tells of all that are wrong.
fn check_all(cases: &[&Case]) {
    let failed: Vec<&str> = cases
        .iter()
        .filter(|case| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case))).is_err())
        .map(|case| case.name)
        .collect();
    assert_eq!(failed, [""; 0]);
}

/// Those for which there can be no build that fails on every machine that runs this, and what shows
/// them instead.
const WITHOUT_CASE: [(Cause, &str); 3] = [
    (Cause::OtherLlvm, "two versions of clang; `diagnose::link` has the linkers' words"),
    (Cause::NoLinker, "a clang without any linker; `diagnose::link` has the driver's words"),
    (Cause::HeaderInstalled, "a header where nobody looks; `machine::a_header_that_dpkg_knows`"),
];

#[test]
fn every_cause_has_a_case() {
    let mut seen: BTreeSet<Cause> = all().map(|case| case.cause).collect();
    seen.extend(machine::OTHERS);
    for (cause, _) in WITHOUT_CASE {
        assert!(seen.insert(cause), "{} has a case", cause.name());
    }
    let missing: Vec<_> =
        Cause::ALL.iter().filter(|cause| !seen.contains(cause)).map(|cause| cause.name()).collect();
    assert_eq!(missing, [""; 0]);
    // What looks alike is tried for each, somewhere.
    for cause in Cause::ALL {
        let mut cases = all().filter(|case| case.cause == *cause).peekable();
        let tried = cases.peek().is_none()
            || cases.any(|case| !case.alike.is_empty() || !case.alike_before.is_empty());
        assert!(tried, "nothing that looks like {} is tried", cause.name());
    }
}
