//! `orchestrator.*`: whole builds, and how the services are.

use std::collections::BTreeMap;

use super::builds::{Reply, build, watch};
use super::kept::{Cache, caches};
use super::object::{Place, params, reply};
use super::{Call, Nothing, Stop, bad};
use crate::build::Build;
use crate::configure::Wanted;
use crate::event::Diagnostic;
use crate::machine::{self, CacheStats, Uptime};
use crate::plan::STATE_DIR;
use crate::tally::Service;

params! {
    /// How to build.
    Project {
        /// forget what discovery keeps, and look again
        force_discovery: Option<bool>,
        /// run every action, whatever is recorded
        force_compile: Option<bool>,
        /// the profile, such as `dev`
        profile: Option<String>,
        /// optimisation across units: `off`, `thin` or `full`
        lto: Option<String>,
        /// only these targets
        targets: Option<Vec<String>>,
        /// how many processes may run at once
        jobs: Option<u64>,
        /// go on with what does not need a failed action
        keep_going: Option<bool>,
        /// only tell what would run
        dry_run: Option<bool>,
    }
}

/// Builds the project.
pub(super) fn build_project(call: &mut Call<'_>, wanted: Project) -> Result<Reply, Stop> {
    let request = Build {
        wanted: Wanted {
            profile: wanted.profile,
            lto: wanted.lto.map(check_lto).transpose()?,
            targets: wanted.targets.unwrap_or_default(),
            jobs: wanted.jobs.map(check_jobs).transpose()?,
            ..Wanted::default()
        },
        force: wanted.force_compile.unwrap_or(false),
        keep_going: wanted.keep_going.unwrap_or(false),
        dry_run: wanted.dry_run.unwrap_or(false),
        ..Build::default()
    };
    if wanted.force_discovery.unwrap_or(false) {
        call.engine.clear(Some(Service::Discovery), call.cancel, call.on_event)?;
    }
    build(call, &request)
}

/// A number of processes.
pub(super) fn check_jobs(jobs: u64) -> Result<usize, Stop> {
    usize::try_from(jobs)
        .ok()
        .filter(|jobs| *jobs > 0)
        .ok_or_else(|| bad("jobs", "there must be at least one"))
}

fn check_lto(lto: String) -> Result<String, Stop> {
    match lto.as_str() {
        "off" | "thin" | "full" => Ok(lto),
        _ => Err(bad("lto", format!("`{lto}` is none of `off`, `thin` and `full`"))),
    }
}

params! {
    /// How to build what is known.
    Quick {
        /// run every action, whatever is recorded
        force: Option<bool>,
    }
}

/// Builds what the last build found.
pub(super) fn quick_compile(call: &mut Call<'_>, wanted: Quick) -> Result<Reply, Stop> {
    let force = wanted.force.unwrap_or(false);
    build(call, &Build { quick: true, force, ..Build::default() })
}

/// Builds what changed.
pub(super) fn incremental_build(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Stop> {
    build(call, &Build::default())
}

/// Builds everything anew.
pub(super) fn clean_build(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Stop> {
    build(call, &Build { force: true, ..Build::default() })
}

params! {
    /// How to build again and again.
    Watch {
        /// accepted for its old name: changes are noticed when they happen
        interval: Option<f64>,
        /// in the first round, run every action, whatever is recorded
        force_compile: Option<bool>,
        /// the profile, such as `dev`
        profile: Option<String>,
        /// optimisation across units: `off`, `thin` or `full`
        lto: Option<String>,
        /// only these targets
        targets: Option<Vec<String>>,
        /// how many processes may run at once
        jobs: Option<u64>,
        /// go on with what does not need a failed action
        keep_going: Option<bool>,
    }
}

/// Builds, and again after each change, until the call is cancelled.
pub(super) fn watch_and_build(call: &mut Call<'_>, wanted: Watch) -> Result<Reply, Stop> {
    if wanted.interval.is_some_and(|seconds| seconds <= 0.0 || seconds.is_nan()) {
        return Err(bad("interval", "there must be some time between two looks"));
    }
    let request = Build {
        force: wanted.force_compile.unwrap_or(false),
        keep_going: wanted.keep_going.unwrap_or(false),
        wanted: Wanted {
            profile: wanted.profile,
            lto: wanted.lto.map(check_lto).transpose()?,
            targets: wanted.targets.unwrap_or_default(),
            jobs: wanted.jobs.map(check_jobs).transpose()?,
            ..Wanted::default()
        },
        ..Build::default()
    };
    watch(call, &request)
}

reply! {
    /// How one service is.
    ServiceState {
        /// whether it can do its work
        running: bool,
        /// what it works with
        detail: String,
        /// what is wrong
        problems: Vec<Diagnostic>,
    }
}

reply! {
    /// How the services are: all of them are this one engine.
    Health {
        /// whether all can do their work
        all_running: bool,
        /// by name
        services: BTreeMap<String, ServiceState>,
        /// how long the engine has been warm; missing when it is not
        warm: Option<Uptime>,
    }
}

impl ServiceState {
    fn of(detail: String, problems: Vec<Diagnostic>) -> ServiceState {
        ServiceState { running: !problems.iter().any(Diagnostic::is_error), detail, problems }
    }
}

/// How each service is.
pub(super) fn check_daemons(call: &mut Call<'_>, _: Nothing) -> Result<Health, Stop> {
    let project = call.engine.look()?;
    let wrong = project.problems.clone();
    let sound = !wrong.iter().any(Diagnostic::is_error);
    let services = BTreeMap::from([
        ("discovery".to_owned(), tools_state(call, &project, sound)),
        ("setup".to_owned(), {
            let keys = if project.text.is_some() { "jmake.toml" } else { "no jmake.toml: all by default" };
            ServiceState::of(keys.to_owned(), wrong)
        }),
        ("compilation".to_owned(), compiling_state(&project)),
        ("orchestrator".to_owned(), {
            let warm = call.engine.warm().map(machine::uptime);
            let one_shot = || "nothing is kept between requests".to_owned();
            let told = |warm: Uptime| format!("{} requests, {} builds", warm.requests, warm.builds);
            ServiceState::of(warm.map_or_else(one_shot, told), Vec::new())
        }),
    ]);
    Ok(Health {
        all_running: services.values().all(|service| service.running),
        services,
        warm: call.engine.warm().map(machine::uptime),
    })
}

fn tools_state(call: &Call<'_>, project: &crate::project::Project, sound: bool) -> ServiceState {
    if !sound {
        // What they choose is not used.
        return ServiceState::of("the settings must be mended first".into(), Vec::new());
    }
    match project.toolchain(call.engine.environment(), call.cancel) {
        Ok(tools) => {
            ServiceState::of(format!("LLVM {} in {}", tools.version(), tools.bin_dir().display()), Vec::new())
        }
        Err(missing) => ServiceState::of("no toolchain".into(), vec![missing.diagnostic()]),
    }
}

fn compiling_state(project: &crate::project::Project) -> ServiceState {
    let state = project.root().as_path().join(STATE_DIR);
    let folder = if state.is_dir() { state } else { project.root().as_path().to_owned() };
    let problems = match crate::fs::now(&folder) {
        Ok(_) => Vec::new(),
        Err(e) => vec![Diagnostic::error(format!("cannot write in `{}`: {e}", folder.display()))],
    };
    let jobs = crate::configure::jobs(&project.manifest, &Wanted::default());
    ServiceState::of(format!("{jobs} processes at once"), problems)
}

reply! {
    /// Everything that is counted.
    Stats {
        /// the project's root
        root: Place,
        /// actions with a record
        actions: u64,
        /// versions of files that the records name
        files: u64,
        /// bytes in the project's own state folder
        state_bytes: u64,
        /// results in place, as jmake wrote them
        published: Vec<String>,
        /// the shared cache; missing when it is switched off
        shared: Option<CacheStats>,
        /// by service, what it keeps by cache
        services: BTreeMap<String, BTreeMap<String, Cache>>,
        /// how long the engine has been warm; missing when it is not
        warm: Option<Uptime>,
    }
}

/// Everything that is counted.
pub(super) fn get_stats(call: &mut Call<'_>, _: Nothing) -> Result<Stats, Stop> {
    let stats = call.engine.stats(call.on_event)?;
    let services = [Service::Discovery, Service::Setup, Service::Compilation];
    Ok(Stats {
        root: Place(call.engine.root().as_path().to_owned()),
        actions: stats.actions as u64,
        files: stats.files as u64,
        state_bytes: stats.state_bytes,
        published: stats.published,
        shared: stats.cache,
        services: services.map(|its| (its.name().to_owned(), caches(&stats.caches, its))).into(),
        warm: stats.warm,
    })
}
