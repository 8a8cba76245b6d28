//! What can be asked of an [`crate::engine::Engine`], and what it answers.
//!
//! Plain data that serde can carry: a question put in this process and one that came over a
//! socket are the same value.  Paths in requests are absolute; what a user typed was resolved by
//! whoever knows the user's working directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::build::{Build, Built};
use crate::cas::{Collected, Contents, Verified};
use crate::clean::Cleaned;
use crate::configure::Wanted;
use crate::diagnose::{AtStage, Stage};
use crate::doctor::Check;
use crate::event::Diagnostic;
use crate::graphs::{Drawn, Includers, Rebuilds, UnusedHeaders};
use crate::import::{Imported, Origin};
use crate::ir::{Passes, Step};
use crate::machine::{CacheStats, Stats, ToolSet};
use crate::outline::Outline;
use crate::settings::{Consent, Decision, Made, Setting};
use crate::survey::{Discovered, Explanation};

/// One question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", content = "with", rename_all = "kebab-case")]
pub enum Request {
    /// Build the project.
    Build(Build),
    /// Build the project, and again after each change, until cancelled.
    Watch(Build),
    /// Remove what jmake made; with `cache`, also from the shared cache.
    Clean {
        /// Whether the shared cache is to forget this project.
        cache: bool,
    },
    /// Tell what lies in the project and what would be made of it.
    Discover {
        /// Whether to go by the files alone, whatever the project's own build description says.
        no_evidence: bool,
        /// Whether an outline will do.
        #[serde(default)]
        brief: bool,
    },
    /// A graph.
    Graph(Graph),
    /// Who includes a file, directly and through others.
    WhoIncludes {
        /// The file.
        #[serde(with = "crate::portable")]
        file: PathBuf,
    },
    /// What the next build would do if these files were edited.
    Rebuilds {
        /// The files.
        #[serde(with = "crate::portable::list")]
        files: Vec<PathBuf>,
    },
    /// The headers of the project that no unit opens.
    UnusedHeaders,
    /// Why the last build ran, restored or reused what it did; of one file or all.
    Explain {
        /// The file.
        #[serde(with = "crate::portable::option")]
        file: Option<PathBuf>,
    },
    /// Read or change settings.
    Config(Config),
    /// The toolchain, or the path of one tool.
    Tools {
        /// Its name.
        name: Option<String>,
    },
    /// What this machine lacks.
    Doctor,
    /// One step from IR to a library.
    Ir(Ir),
    /// Tell, give or take the consent to what the settings choose.
    Trust(Decision),
    /// Look after the shared cache.
    Cache(Cache),
    /// Count what is recorded.
    Stats,
    /// Make a fresh project.
    New {
        /// Where.
        #[serde(with = "crate::portable")]
        path: PathBuf,
        /// `cpp` or `binary`.
        template: String,
        /// Its name; the folder's when `None`.
        name: Option<String>,
    },
    /// Make the engine's own root a project.
    Init {
        /// `cpp` or `binary`.
        template: String,
        /// Its name; the folder's when `None`.
        name: Option<String>,
    },
    /// Write the project's settings from what another build tool says.
    Import {
        /// What is read.
        from: Origin,
    },
}

/// Which graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "of", content = "as", rename_all = "kebab-case")]
pub enum Graph {
    /// Which file includes which.
    Includes,
    /// The same, and all that a page tells besides.
    Page,
    /// Which action needs which, planned as this asks.
    Actions(Wanted),
    /// Which unit uses what others define.
    Symbols,
}

/// What to do with the settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Config {
    /// List keys with values and defaults.
    Show {
        /// Only those below it.
        section: Option<String>,
    },
    /// One value.
    Get {
        /// The key.
        key: String,
    },
    /// Change one value.
    Set {
        /// The key.
        key: String,
        /// The value, as typed.
        value: String,
    },
    /// Remove one key or section.
    Unset {
        /// The key.
        key: String,
    },
    /// List all problems.
    Validate,
    /// Fill what is missing from what discovery sees.
    Complete,
}

/// A step from IR to a library; all paths absolute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Ir {
    /// Modules to one module.
    Link {
        /// The modules, or objects that hold them.
        #[serde(with = "crate::portable::list")]
        inputs: Vec<PathBuf>,
        /// The module to write.
        #[serde(with = "crate::portable")]
        output: PathBuf,
    },
    /// A module to an optimised one.
    Opt {
        /// The module.
        #[serde(with = "crate::portable")]
        input: PathBuf,
        /// The module to write.
        #[serde(with = "crate::portable")]
        output: PathBuf,
        /// How far.
        passes: Passes,
    },
    /// A module to an object.
    Obj {
        /// The module.
        #[serde(with = "crate::portable")]
        input: PathBuf,
        /// The object to write.
        #[serde(with = "crate::portable")]
        output: PathBuf,
        /// `0` to `3`.
        level: String,
    },
    /// Objects to a shared library.
    Lib {
        /// The objects.
        #[serde(with = "crate::portable::list")]
        inputs: Vec<PathBuf>,
        /// The library to write.
        #[serde(with = "crate::portable")]
        output: PathBuf,
        /// Libraries it needs.
        libraries: Vec<String>,
        /// Where to look for them first.
        #[serde(with = "crate::portable::list")]
        lib_dirs: Vec<PathBuf>,
    },
}

/// What to do with the shared cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Cache {
    /// Count.
    Stat,
    /// Check every entry.
    Verify {
        /// Whether to remove what fails.
        repair: bool,
    },
    /// Keep the limits.
    Gc,
    /// Remove everything.
    Clear,
}

/// One answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "data", rename_all = "kebab-case")]
pub enum Reply {
    /// Of a build.
    Built(Box<Built>),
    /// What was removed.
    Cleaned(Cleaned),
    /// What lies in the project.
    Discovered(Box<Discovered>),
    /// The same in brief.
    Outlined(Box<Outline>),
    /// A graph.
    Graph(Box<Drawn>),
    /// Who includes a file.
    Includers(Includers),
    /// What edits would build again.
    Rebuilds(Rebuilds),
    /// Headers that no unit opens.
    UnusedHeaders(UnusedHeaders),
    /// Why.
    Explained(Explanation),
    /// Keys and values.
    Settings(Vec<Setting>),
    /// One value; `None` when the key is not set.
    Value(Option<String>),
    /// Whether anything was changed.
    Changed(bool),
    /// What is wrong with the settings.
    Problems(Vec<Diagnostic>),
    /// Lines that were filled in.
    Completed(Vec<String>),
    /// The toolchain.
    Tools(ToolSet),
    /// How the machine is.
    Health(Vec<Check>),
    /// What became of a step.
    Step(Step),
    /// What needs consent.
    Consent(Consent),
    /// What the shared cache holds.
    CacheStats(CacheStats),
    /// What a check of the cache found.
    Verified(Verified),
    /// What was removed from the cache.
    Collected(Collected),
    /// What the cache held before it was emptied.
    Cleared(Contents),
    /// What is recorded.
    Stats(Box<Stats>),
    /// What was made.
    Made(Made),
    /// What was written of what another build tool says.
    Imported(Imported),
    /// The request could not be met.
    Failed(Failure),
}

/// Why a request could not be met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What is wrong.
    pub problem: Diagnostic,
    /// What it came from, nearest first.
    pub causes: Vec<String>,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// How far a build had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// `error` as an answer.
    pub fn of(error: &anyhow::Error, interrupted: bool) -> Failure {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Failure { interrupted: failure.interrupted || interrupted, ..failure.clone() };
        }
        if let Some(AtStage { stage, error }) = error.downcast_ref() {
            return Failure { stage: Some(*stage), ..Failure::of(error, interrupted) };
        }
        if let Some(problem) = error.downcast_ref::<Diagnostic>() {
            return Failure { problem: problem.clone(), causes: Vec::new(), interrupted, stage: None };
        }
        let causes = error.chain().skip(1).map(ToString::to_string).collect();
        Failure { problem: Diagnostic::error(error.to_string()), causes, interrupted, stage: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::path_from_bytes;

    #[test]
    fn requests_survive_the_wire() {
        let odd = || path_from_bytes(b"/a\xff b");
        let wanted = Wanted { profile: Some("dev".into()), jobs: Some(3), ..Wanted::default() };
        let template = || "cpp".to_owned();
        for request in [
            Request::Build(Build { wanted: wanted.clone(), force: true, ..Build::default() }),
            Request::Watch(Build::default()),
            Request::Clean { cache: true },
            Request::Discover { no_evidence: false, brief: true },
            Request::Graph(Graph::Actions(wanted)),
            Request::Graph(Graph::Includes),
            Request::Graph(Graph::Page),
            Request::WhoIncludes { file: odd() },
            Request::Rebuilds { files: vec![odd(), odd()] },
            Request::UnusedHeaders,
            Request::Explain { file: Some(odd()) },
            Request::Config(Config::Set { key: "a.b".into(), value: "c".into() }),
            Request::Config(Config::Validate),
            Request::Tools { name: None },
            Request::Doctor,
            Request::Ir(Ir::Opt { input: odd(), output: odd(), passes: Passes::Level("2".into()) }),
            Request::Ir(Ir::Lib {
                inputs: vec![odd()],
                output: odd(),
                libraries: vec![],
                lib_dirs: vec![odd()],
            }),
            Request::Trust(Decision::Grant),
            Request::Cache(Cache::Verify { repair: true }),
            Request::Stats,
            Request::New { path: odd(), template: template(), name: None },
            Request::Init { template: template(), name: Some("n".into()) },
            Request::Import { from: Origin::CompileCommands },
        ] {
            let text = serde_json::to_string(&request).unwrap();
            assert!(!text.contains('\n'), "one line: {text}");
            assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request, "{text}");
        }
    }

    #[test]
    fn replies_survive_the_wire() {
        let problem = Diagnostic::error("no").in_file("f").at_line(3).hint("yes");
        let check = Check { name: "clang".into(), ok: true, found: "19".into(), fix: None };
        let health = Reply::Health(vec![check]);
        let error = anyhow::anyhow!("cause").context("what");
        let failed = Failure::of(&AtStage::wrap(Stage::Publish, error), true);
        assert_eq!(failed.stage, Some(Stage::Publish));
        assert_eq!(Failure::of(&failed.clone().into(), false), failed, "nothing of it is lost on the way");
        assert_eq!((&*failed.problem.message, &*failed.causes), ("what", &["cause".to_owned()][..]));
        assert_eq!(Failure::of(&problem.clone().into(), false).problem, problem);
        for reply in [
            health,
            Reply::Failed(failed),
            Reply::Problems(vec![problem]),
            Reply::Value(None),
            Reply::Graph(Box::new(Drawn { edges: vec![(0, 1)], ..Drawn::default() })),
            Reply::Built(Box::new(Built { compiled: 2, ..Built::default() })),
        ] {
            let text = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply, "{text}");
        }
    }
}
