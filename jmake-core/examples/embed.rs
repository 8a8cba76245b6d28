//! Embedding jmake: a program that builds a folder of C with `jmake-core`, without the command
//! `jmake` and without a daemon, and keeps the engine warm between builds.
//!
//! ```console
//! $ cargo run -p jmake-core --example embed -- /tmp/embedded
//! ```
//!
//! It makes a small project in that folder, builds it, builds it again, edits it, breaks it, mends
//! it, and tells what was kept.  `jmake-core/tests/embed.rs` runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use jmake_core::build::{Build, Built};
use jmake_core::configure::{Environment, Wanted};
use jmake_core::engine::Engine;
use jmake_core::event::{Event, Outcome};
use jmake_core::fs;
use jmake_core::process::Cancel;
use jmake_core::warm::Warm;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("name a folder to make the project in")?;
    embed(&std::path::absolute(folder)?, environment(), &mut std::io::stdout())
}

/// What jmake may know of the user's surroundings.  The library never looks for itself, so two
/// callers in one process cannot get in each other's way.
#[allow(clippy::disallowed_methods, reason = "here is where this program reads its environment")]
fn environment() -> Environment {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Environment {
        path: std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
        pkg_config_path: path("PKG_CONFIG_PATH"),
        home: path("HOME"),
        cache_home: path("XDG_CACHE_HOME"),
        config_home: path("XDG_CONFIG_HOME"),
        ..Environment::default()
    }
}

/// The whole tour, in `folder`, told on `out`.
///
/// # Errors
/// When jmake cannot do its work: there is no compiler, or the folder cannot be written.
pub fn embed(folder: &Path, environment: Environment, out: &mut dyn Write) -> Result<()> {
    fs::create_dir_all(&folder.join("src"))?;
    fs::write(&folder.join("jmake.toml"), b"[project]\nname = \"embedded\"\n")?;
    fs::write(&folder.join("src/area.c"), b"int area(int a, int b) { return a * b; }\n")?;
    fs::write(&folder.join("src/size.c"), b"int area(int, int);\nint size(int a) { return area(a, a); }\n")?;

    // The engine of one project.  What it keeps is shared by its clones, and by all engines of the
    // same root that are given it; dropping it costs time only.
    let engine = Engine::open(folder, environment)?;
    let warm = Arc::new(Warm::new(engine.root()));
    let engine = engine.kept_warm(warm);
    writeln!(out, "the project is {}", engine.root().as_path().display())?;

    let built = build(&engine, "everything is new", out)?;
    ensure!(built.success, "the first build failed");
    for result in &built.results {
        writeln!(out, "  made {}", engine.root().as_path().join(result).display())?;
    }

    // Nothing changed: nothing is even looked into.
    let built = build(&engine, "nothing changed", out)?;
    ensure!(built.untouched && built.ran == 0, "something was done for nothing");

    fs::write(&folder.join("src/area.c"), b"int area(int a, int b) { return a * b + 1; }\n")?;
    let built = build(&engine, "one source was edited", out)?;
    ensure!((built.compiled, built.fresh) == (1, 1), "one unit is compiled, the other is fresh");

    // A build that fails is a reply like any other.
    fs::write(&folder.join("src/area.c"), b"#include \"nowhere.h\"\n")?;
    let built = build(&engine, "it was broken", out)?;
    ensure!(!built.success, "that cannot be built");
    for failed in &built.failures {
        for complaint in &failed.diagnostics {
            let file = complaint.file.as_deref().unwrap_or_default();
            writeln!(out, "  {file}:{}: {}", complaint.line.unwrap_or_default(), complaint.message)?;
        }
        for hint in failed.hints.iter().filter_map(|told| told.hint.as_ref()) {
            writeln!(out, "  hint: {hint}")?;
        }
    }

    // What was built before comes from the shared cache.
    fs::write(&folder.join("src/area.c"), b"int area(int a, int b) { return a * b; }\n")?;
    let built = build(&engine, "it was mended", out)?;
    ensure!(built.success && built.compiled == 0, "it was built before");

    let stats = engine.stats(&mut |_| {})?;
    writeln!(out, "{} actions are recorded, {} bytes", stats.actions, stats.state_bytes)?;
    for row in &stats.caches {
        if let Some(share) = row.since_start.filter(|share| share.hits + share.misses > 0) {
            let name = format!("{}.{}", row.service.name(), row.cache.name());
            writeln!(out, "  {name}: {} known, {} not", share.hits, share.misses)?;
        }
    }
    Ok(())
}

/// Builds, telling on `out` what happens.
fn build(engine: &Engine, why: &str, out: &mut dyn Write) -> Result<Built> {
    writeln!(out, "{why}:")?;
    let request =
        Build { wanted: Wanted { profile: Some("dev".into()), ..Wanted::default() }, ..Build::default() };
    // A clone of this in another thread, or in a signal handler, can end the build.
    let cancel = Cancel::new();
    let mut lines = Vec::new();
    // Events come while the build runs, on this thread.  What tools write comes with `Finished`.
    let built = engine.build(&request, &cancel, &mut |event| match event {
        Event::Started { kind, label, why, .. } => {
            lines.push(format!("  {} {label}: {why}", kind.verb()));
        }
        Event::Finished { label, outcome: Outcome::Restored, .. } => {
            lines.push(format!("  {label}: from the cache"));
        }
        Event::Diagnostic(told) => lines.push(format!("  {told}")),
        _ => {}
    })?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "  {} compiled, {} fresh, {} restored in {:.3}s",
        built.compiled,
        built.fresh,
        built.restored,
        built.elapsed.as_secs_f64()
    )?;
    Ok(built)
}
