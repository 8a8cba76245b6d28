//! What is kept for a project, by service: how much of it there is, how often that was of use, and
//! forgetting it.
//!
//! The numbers of a table come from two sides: hits and misses were counted while requests were
//! met ([`crate::tally`]); entries and bytes are those on disk at the moment of asking.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::built;
use crate::cas::Store;
use crate::clean::{Cleaned, forget};
use crate::discover::detect_binaries;
use crate::fs;
use crate::log::Log;
use crate::path::Root;
use crate::plan::STATE_DIR;
use crate::project::Project;
use crate::recorded;
use crate::setup;
use crate::tally::{Cache, Row, Service};
use crate::warm::Warm;

/// The folders of each profile in which actions write.
const MADE: [&str; 4] = ["objects", "ir", "results", "thinlto"];

/// The table of everything that is kept for `project`, in the order of [`Cache::ALL`].
pub fn rows(project: &Project, log: &Log, warm: Option<&Warm>) -> Vec<Row> {
    let state = project.root().as_path().join(STATE_DIR);
    let sum = warm.map(Warm::sum);
    // Of a warm engine that has not built yet, the last build is one of another process.
    let last = sum.as_ref().and_then(|sum| sum.last_build.clone()).or_else(|| built::kept_counts(&state));
    let held = Held::of(project, &state, log, warm);
    let row = |cache: Cache| {
        let (entries, bytes) = held.of_cache(cache);
        Row {
            service: cache.service(),
            cache,
            entries,
            bytes,
            since_start: sum.as_ref().map(|sum| sum.counts.of(cache).into()),
            last_build: last.as_ref().map(|last| last.of(cache).into()),
        }
    };
    Cache::ALL.map(row).into()
}

/// Entries and bytes of what is on disk now.
struct Held {
    tools: (u64, u64),
    scans: (u64, u64),
    includes: (u64, u64),
    binaries: (u64, u64),
    configuration: (u64, u64),
    ir: (u64, u64),
    libraries: (u64, u64),
}

impl Held {
    fn of(project: &Project, state: &Path, log: &Log, warm: Option<&Warm>) -> Held {
        let tree = recorded::recorded(project.root()).map(|(tree, _)| tree).unwrap_or_default();
        let binaries = detect_binaries(&tree);
        let binary_bytes = binaries.iter().map(|file| size(&project.root().resolve(&file.path))).sum();
        let configs = named(state, "config-");
        let text = warm.map_or(0, |warm| warm.manifest().bytes() as u64);
        let learned = project.cache_dir().map_or(0, |dir| size(&dir.join("learned")));
        let recorded_in = |folder: &str| {
            let is_in = |name: &&crate::path::FilePath| {
                name.parent().is_some_and(|parent| parent.file_name() == folder.as_bytes())
            };
            log.names().filter(is_in).count() as u64
        };
        let made = |folders: &[&str]| -> u64 {
            made_in(state).iter().filter(|(_, name)| folders.contains(name)).map(|(dir, _)| below(dir)).sum()
        };
        Held {
            tools: (project.learned.len() as u64, learned),
            scans: (tree.files.len() as u64, size(&state.join("discovered"))),
            includes: (project.memo.facts_kept() as u64, size(&state.join("memo"))),
            binaries: (binaries.len() as u64, binary_bytes),
            configuration: (
                configs.len() as u64 + u64::from(text > 0),
                text + configs.iter().map(|file| size(file)).sum::<u64>(),
            ),
            ir: (recorded_in("objects"), made(&["objects", "ir"])),
            libraries: (recorded_in("results"), made(&["results"])),
        }
    }

    fn of_cache(&self, cache: Cache) -> (u64, u64) {
        match cache {
            Cache::Tools => self.tools,
            Cache::FileScans => self.scans,
            Cache::IncludeGraphs => self.includes,
            Cache::Binaries => self.binaries,
            Cache::Configuration => self.configuration,
            Cache::Templates => setup::templates(),
            Cache::Ir => self.ir,
            Cache::Libraries => self.libraries,
        }
    }
}

/// Forgets what `service` keeps for `project`.  What tools have answered and what was published
/// stays.  The caller holds the project's lock.
///
/// # Errors
/// When something of jmake's cannot be removed.
pub fn clear(
    project: &Project,
    store: Option<&Store>,
    warm: Option<&Warm>,
    service: Service,
) -> Result<Cleaned> {
    let state = project.root().as_path().join(STATE_DIR);
    let mut cleaned = Cleaned::default();
    // A snapshot stands for a whole build, so for something of every service.
    let mut gone = named(&state, "snapshot-");
    gone.extend(named(&state, "found-"));
    if let Some(warm) = warm {
        warm.held().forget();
    }
    match service {
        Service::Discovery => {
            gone.extend([state.join("discovered"), state.join("memo")]);
            if let Some(warm) = warm {
                warm.found().forget();
            }
        }
        Service::Setup => {
            gone.extend(named(&state, "config-"));
            if let Some(warm) = warm {
                warm.manifest().forget();
            }
        }
        Service::Compilation => {
            // The store is searched by what the log says.
            cleaned.cache = store.map(|store| forget(store, &state));
            gone.extend(made_in(&state).into_iter().map(|(dir, _)| dir));
            gone.push(state.join("log"));
        }
    }
    for path in gone {
        if path.symlink_metadata().is_err() {
            continue;
        }
        let shown = path.strip_prefix(project.root().as_path()).unwrap_or(&path).display().to_string();
        fs::remove_all(&path).with_context(|| format!("cannot remove `{shown}`"))?;
        cleaned.removed.push(shown);
    }
    cleaned.removed.sort();
    Ok(cleaned)
}

/// The same for all services.
///
/// # Errors
/// As [`clear`].
pub fn clear_all(project: &Project, store: Option<&Store>, warm: Option<&Warm>) -> Result<Cleaned> {
    let mut all = Cleaned::default();
    for service in [Service::Discovery, Service::Setup, Service::Compilation] {
        let cleaned = clear(project, store, warm, service)?;
        all.removed.extend(cleaned.removed);
        all.cache = cleaned.cache.or(all.cache);
    }
    Ok(all)
}

/// Whether `root` has something that could be cleared.
pub fn is_kept(root: &Root) -> bool {
    root.as_path().join(STATE_DIR).is_dir()
}

/// Entries of the folder `dir` whose names begin with `prefix`.
fn named(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The folders of all profiles in which actions write, and what they are called there.
fn made_in(state: &Path) -> Vec<(PathBuf, &'static str)> {
    let profiles = named(state, "");
    let folders = profiles.iter().flat_map(|profile| MADE.map(|name| (profile.join(name), name)));
    folders.filter(|(dir, _)| dir.is_dir()).collect()
}

fn size(file: &Path) -> u64 {
    fs::stat(file).ok().flatten().map_or(0, |stat| stat.size)
}

/// The bytes of all files below `dir`.
pub(crate) fn below(dir: &Path) -> u64 {
    let files = walkdir::WalkDir::new(dir).into_iter().flatten().filter_map(|entry| entry.metadata().ok());
    files.filter(|meta| meta.is_file()).map(|meta| meta.len()).sum()
}
