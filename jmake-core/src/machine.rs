//! Telling what the machine offers: `tools`, `doctor`, `cache` and `stats`.
//!
//! All of it asks the project's settings first, for they may choose another toolchain or cache;
//! settings that are wrong or not trusted stop here.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::caches;
use crate::cas::{Contents, Store};
use crate::configure::Environment;
use crate::doctor::{Check, Patient, doctor};
use crate::event::Diagnostic;
use crate::log::Log;
use crate::plan::STATE_DIR;
use crate::process::Cancel;
use crate::project::Project;
use crate::publish;
use crate::tally::Row;
use crate::toolchain::{Tool, Toolchain};
use crate::warm::Warm;

/// The toolchain in use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolSet {
    /// Its version.
    pub version: String,
    /// The folder that holds clang.
    pub bin_dir: String,
    /// The machine it compiles for.
    pub triple: String,
    /// Every tool found, by name.
    pub tools: BTreeMap<String, ToolFound>,
    /// Tools of a complete set that are not there.
    pub missing: Vec<String>,
}

/// One tool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolFound {
    /// The program.
    pub path: String,
    /// Its version; empty where nothing depends on it.
    pub version: String,
}

/// What the shared cache holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CacheStats {
    /// Where it lies.
    pub dir: String,
    /// What is in it.
    #[serde(flatten)]
    pub contents: Contents,
    /// Bytes it may hold.
    pub max_size: u64,
}

/// What is recorded of a project.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stats {
    /// Its root.
    pub root: String,
    /// Actions with a record.
    pub actions: usize,
    /// Versions of files that the records name.
    pub files: usize,
    /// Bytes in the project's own state folder.
    pub state_bytes: u64,
    /// Results in place, as jmake wrote them.
    pub published: Vec<String>,
    /// The shared cache, unless it is switched off.
    pub cache: Option<CacheStats>,
    /// What is kept, and how often that was of use.
    #[serde(default)]
    pub caches: Vec<Row>,
    /// The warm engine that was asked; missing when it was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<Uptime>,
}

/// How long an engine has been warm, and what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Uptime {
    /// Since when.
    #[serde(with = "crate::event::seconds")]
    pub age: std::time::Duration,
    /// Requests so far, this one among them.
    pub requests: u64,
    /// Builds among them.
    pub builds: u64,
}

/// How long `warm` has been so.
pub fn uptime(warm: &Warm) -> Uptime {
    let sum = warm.sum();
    Uptime { age: warm.tally().age(), requests: sum.requests, builds: sum.builds }
}

/// The toolchain of `project`.
///
/// # Errors
/// When there is none, as a [`Diagnostic`] with the command that installs one.
pub fn toolchain(project: &Project, environment: &Environment, cancel: &Cancel) -> Result<Toolchain> {
    project.toolchain(environment, cancel).map_err(|missing| missing.diagnostic().into())
}

/// The toolchain's tools, or the one called `name`.
///
/// # Errors
/// When there is no such tool.
pub fn tools(toolchain: &Toolchain, name: Option<&str>) -> Result<ToolSet> {
    let linker = toolchain.linker().map(|linker| &linker.tool);
    let found: Vec<&Tool> = match name {
        None => toolchain.tools().iter().chain(linker).collect(),
        Some(name) => vec![get_tool(toolchain, name)?],
    };
    let entry = |tool: &Tool| {
        let path = tool.path.display().to_string();
        (tool.name.clone(), ToolFound { path, version: tool.version.clone() })
    };
    Ok(ToolSet {
        version: toolchain.version().to_owned(),
        bin_dir: toolchain.bin_dir().display().to_string(),
        triple: toolchain.host_triple().to_owned(),
        tools: found.into_iter().map(entry).collect(),
        missing: toolchain.missing().iter().map(|name| (*name).to_owned()).collect(),
    })
}

/// The tool called `name`.
///
/// # Errors
/// When the toolchain has none of that name, as a [`Diagnostic`].
pub fn get_tool<'t>(toolchain: &'t Toolchain, name: &str) -> Result<&'t Tool> {
    let linker = toolchain.linker().map(|linker| &linker.tool).filter(|tool| tool.name == name);
    let found = toolchain.tool(name).or(linker);
    found.ok_or_else(|| {
        let place = toolchain.bin_dir().display();
        Diagnostic::error(format!("LLVM {} in `{place}` has no tool `{name}`", toolchain.version()))
            .hint("`jmake tools` lists those it has")
            .into()
    })
}

/// Examines the machine for building `project`.
///
/// # Errors
/// When no scratch folder can be made.
pub fn examine(project: &Project, environment: &Environment, cancel: &Cancel) -> Result<Vec<Check>> {
    let scratch = tempfile::tempdir().context("cannot make a scratch folder")?;
    let search = project.search(environment);
    let patient = Patient { search: &search, cache_dir: project.cache_dir(), scratch: scratch.path() };
    Ok(doctor(&project.ask(cancel), &patient))
}

/// The shared cache that `project` uses.
///
/// # Errors
/// When it uses none.
pub fn store(project: &Project) -> Result<Store> {
    project.store().ok_or_else(|| {
        Diagnostic::error("the shared cache is switched off, or there is no place for it")
            .hint("see `cache.enabled` and `cache.dir` in `jmake config show cache`")
            .into()
    })
}

/// What the shared cache of `project` holds.
///
/// # Errors
/// When it uses none.
pub fn cache_stats(project: &Project) -> Result<CacheStats> {
    let store = store(project)?;
    let dir = store.dir().display().to_string();
    Ok(CacheStats { dir, contents: store.stat(), max_size: project.limits().max_size })
}

/// Everything that can be counted about `project`, and about the engine that keeps it `warm`.
pub fn get_stats(project: &Project, warm: Option<&Warm>) -> Stats {
    let state = project.root().as_path().join(STATE_DIR);
    let log = Log::look(&state.join("log"));
    Stats {
        root: project.root().as_path().display().to_string(),
        actions: log.len(),
        files: log.versions(),
        state_bytes: caches::below(&state),
        published: publish::published(&project.memo).iter().map(ToString::to_string).collect(),
        cache: cache_stats(project).ok(),
        caches: caches::rows(project, &log, warm),
        warm: warm.map(uptime),
    }
}
