//! Small projects built with the real compiler, from their files to what the user reads.
//!
//! Every project lies in a folder of its own with a home and a cache of its own.  Without clang
//! the tests say `skipped` and pass.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod diagnose;
mod hints;
mod names;
mod targets;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jmake_core::build::{Build, Built, build};
use jmake_core::configure::Environment;
use jmake_core::event::{Diagnostic, Event, Outcome};
use jmake_core::fs;
use jmake_core::path::Root;
use jmake_core::process::{Cancel, Spec, run};

/// A project in a folder of its own.
struct Project {
    dir: tempfile::TempDir,
    environment: Environment,
}

/// What a build said and gave.
struct Told {
    built: Built,
    diagnostics: Vec<Diagnostic>,
    /// What the tools of failed actions wrote, as shown.
    output: String,
}

impl Told {
    /// The first diagnostic whose message holds `part`.
    #[track_caller]
    fn saying(&self, part: &str) -> &Diagnostic {
        let found = self.diagnostics.iter().find(|diagnostic| diagnostic.message.contains(part));
        found.unwrap_or_else(|| panic!("nothing says {part:?}:\n{:#?}\n{}", self.diagnostics, self.output))
    }

    /// That diagnostic's hint.
    #[track_caller]
    fn hint(&self, part: &str) -> &str {
        self.saying(part).hint.as_deref().unwrap_or_default()
    }
}

/// The folders in which programs are looked for; `None`, said aloud, where there is no clang.
fn programs() -> Option<Vec<PathBuf>> {
    let path = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec();
    let newest = (14..30).rev().map(|version| PathBuf::from(format!("/usr/lib/llvm-{version}/bin")));
    let dirs: Vec<PathBuf> = newest.chain(path).collect();
    let there = dirs.iter().any(|dir| dir.join("clang").is_file());
    if !there {
        println!("skipped: no clang");
    }
    there.then_some(dirs)
}

/// A project of `files`, by path and text.
fn project<P: AsRef<[u8]>>(files: &[(P, &str)]) -> Option<Project> {
    let path = programs()?;
    let dir = tempfile::tempdir().unwrap();
    for sub in ["home", "project"] {
        fs::create_dir_all(&dir.path().join(sub)).unwrap();
    }
    let environment = Environment {
        path,
        home: Some(dir.path().join("home")),
        cache_home: Some(dir.path().join("home/cache")),
        ..Environment::default()
    };
    let project = Project { dir, environment };
    for (path, text) in files {
        project.write(path, text);
    }
    Some(project)
}

impl Project {
    fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn write(&self, path: impl AsRef<[u8]>, text: &str) {
        let place = self.root().join(OsStr::from_bytes(path.as_ref()));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text.as_bytes()).unwrap();
    }

    fn build(&self) -> Told {
        self.build_as(&Build::default())
    }

    fn build_as(&self, request: &Build) -> Told {
        let mut diagnostics = Vec::new();
        let mut output = String::new();
        let root = Root::open(&self.root()).unwrap();
        let mut listen = |event: Event| match event {
            Event::Diagnostic(diagnostic) => diagnostics.push(diagnostic),
            Event::Finished { outcome: Outcome::Failed, output: text, .. } => output.push_str(&text),
            _ => {}
        };
        let built = build(&root, &self.environment, request, None, &Cancel::new(), &mut listen).unwrap();
        Told { built, diagnostics, output }
    }

    /// A build that must be good.
    #[track_caller]
    fn builds(&self) -> Told {
        let told = self.build();
        assert!(told.built.success, "{:#?}\n{}", told.diagnostics, told.output);
        told
    }

    /// What a program prints that is run in the project's folder; it must end well.
    #[track_caller]
    fn output_of(&self, argv: &[&str]) -> String {
        let path = (b"PATH".to_vec(), b"/usr/bin:/bin".to_vec());
        let spec = Spec { env: vec![path], ..Spec::new(argv.iter().copied(), self.root()) };
        let ended = run(&spec, &Cancel::new()).unwrap();
        let text = String::from_utf8_lossy(&ended.output).into_owned();
        assert!(ended.success(), "{argv:?}: {text}");
        text
    }

    fn clang(&self) -> String {
        let found = self.environment.path.iter().map(|dir| dir.join("clang")).find(|path| path.is_file());
        found.unwrap_or_else(|| Path::new("clang").to_owned()).display().to_string()
    }
}
