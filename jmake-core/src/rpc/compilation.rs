//! `compilation.*`: from sources to IR, and the single steps from IR to a library.

use std::path::PathBuf;

use serde::Deserialize;

use super::builds::{self, FailedAction, build};
use super::object::{Holds, Place, params, reply};
use super::orchestrator::check_jobs;
use super::{Call, Stop, bad};
use crate::build::Build;
use crate::configure::{Wanted, jobs};
use crate::event::{Diagnostic, Outcome};
use crate::ir::{self, Passes};
use crate::request::Ir;

params! {
    /// How to compile.
    Compile {
        /// compile every unit, whatever is recorded
        force: Option<bool>,
        /// the profile, such as `dev`
        profile: Option<String>,
        /// only the units of these targets
        targets: Option<Vec<String>>,
        /// how many processes may run at once
        jobs: Option<u64>,
        /// go on when a unit fails
        keep_going: Option<bool>,
    }
}

reply! {
    /// One source, compiled one way.
    Unit {
        /// the source, from the root
        source: String,
        /// `compiled`, `cached`, `restored` (from the shared cache) or `failed`
        outcome: String,
        /// the file that holds its IR; missing when it failed
        ir: Option<Place>,
    }
}

reply! {
    /// What became of the units.
    Compiled {
        /// whether all are compiled
        success: bool,
        /// each of them
        units: Vec<Unit>,
        /// the files that hold their IR, as `compilation.link_ir` takes them
        ir_files: Vec<Place>,
        /// how many there are
        total: u64,
        /// how many were compiled
        compiled: u64,
        /// how many were known
        cached: u64,
        /// how many failed
        failed: u64,
        /// how many processes may run at once
        workers: u64,
        /// how long it took, in seconds
        elapsed_time: f64,
        /// the actions that failed
        failures: Vec<FailedAction>,
        /// what jmake had to say
        diagnostics: Vec<Diagnostic>,
    }
}

/// Compiles what changed.
pub(super) fn compile_parallel(call: &mut Call<'_>, wanted: Compile) -> Result<Compiled, Stop> {
    let wanted_jobs = wanted.jobs.map(check_jobs).transpose()?;
    let request = Build {
        wanted: Wanted {
            profile: wanted.profile,
            targets: wanted.targets.unwrap_or_default(),
            jobs: wanted_jobs,
            ..Wanted::default()
        },
        force: wanted.force.unwrap_or(false),
        keep_going: wanted.keep_going.unwrap_or(false),
        compile_only: true,
        ..Build::default()
    };
    let (built, heard) = builds::heard(call, &request)?;
    let root = call.engine.root().as_path();
    // The actions of such a build are its compiles, in the order of its results.
    let units: Vec<Unit> = heard
        .units
        .into_iter()
        .filter_map(|(at, (source, outcome))| {
            let there = !matches!(outcome, Outcome::Failed | Outcome::Blocked);
            let file = built.results.get(at)?;
            Some(Unit {
                source,
                outcome: name_of(outcome).to_owned(),
                ir: there.then(|| Place(root.join(file))),
            })
        })
        .collect();
    let manifest = call.engine.look()?.manifest;
    Ok(Compiled {
        success: built.success,
        ir_files: units.iter().filter_map(|unit| unit.ir.clone()).collect(),
        total: built.results.len() as u64,
        compiled: built.compiled as u64,
        cached: (built.fresh + built.restored) as u64,
        failed: built.failed as u64,
        workers: jobs(&manifest, &request.wanted) as u64,
        elapsed_time: built.elapsed.as_secs_f64(),
        failures: heard.failures,
        diagnostics: heard.diagnostics,
        units,
    })
}

fn name_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fresh => "cached",
        Outcome::Restored => "restored",
        Outcome::Ran => "compiled",
        Outcome::Failed | Outcome::Blocked => "failed",
    }
}

reply! {
    /// What became of a step.
    Step {
        /// whether the output is there
        success: bool,
        /// the output
        output: Place,
        /// what the tools wrote
        text: String,
    }
}

params! {
    /// What to link.
    LinkIr {
        /// modules, or objects that hold IR
        ir_files: Vec<Place>,
        /// the module to write
        output: Place,
    }
}

/// Links modules to one.
pub(super) fn link_ir(call: &mut Call<'_>, wanted: LinkIr) -> Result<Step, Stop> {
    let inputs = places(call, "ir_files", &wanted.ir_files)?;
    step(call, &wanted.output, |output| Ir::Link { inputs, output })
}

/// How far to optimise: `O2`, `2` or the number.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Level {
    /// As a text.
    Text(String),
    /// As a number.
    Number(u64),
}

impl Holds for Level {
    fn words() -> String {
        "`O0` to `O3`, `Os`, `Oz`".into()
    }
}

impl Level {
    /// What follows `-O`.
    fn letter(this: Option<Level>) -> Result<String, Stop> {
        let text = match this {
            None => "2".to_owned(),
            Some(Level::Number(number)) => number.to_string(),
            Some(Level::Text(text)) => text.trim_start_matches('-').trim_start_matches('O').to_owned(),
        };
        match text.as_str() {
            "0" | "1" | "2" | "3" | "s" | "z" => Ok(text),
            _ => Err(bad("opt_level", format!("`{text}` is none of {}", Level::words()))),
        }
    }
}

params! {
    /// What to optimise, and how far.
    OptimizeIr {
        /// the module
        ir_path: Place,
        /// the module to write
        output: Place,
        /// how far; `O2` when missing
        opt_level: Option<Level>,
        /// passes as after `opt -passes=`, instead of a level
        passes: Option<String>,
    }
}

/// Optimises a module.
pub(super) fn optimize_ir(call: &mut Call<'_>, wanted: OptimizeIr) -> Result<Step, Stop> {
    let input = place(call, "ir_path", &wanted.ir_path)?;
    let passes = match (wanted.passes, wanted.opt_level) {
        (Some(_), Some(_)) => return Err(bad("passes", "either these or `opt_level`")),
        (Some(passes), None) => Passes::Named(passes),
        (None, level) => Passes::Level(Level::letter(level)?),
    };
    step(call, &wanted.output, |output| Ir::Opt { input, output, passes })
}

params! {
    /// What to lower.
    ToObject {
        /// the module
        ir_path: Place,
        /// the object to write
        output: Place,
        /// how hard the code generator tries; `O2` when missing
        opt_level: Option<Level>,
    }
}

/// Lowers a module to an object.
pub(super) fn compile_to_object(call: &mut Call<'_>, wanted: ToObject) -> Result<Step, Stop> {
    let input = place(call, "ir_path", &wanted.ir_path)?;
    let level = Level::letter(wanted.opt_level)?;
    step(call, &wanted.output, |output| Ir::Obj { input, output, level })
}

params! {
    /// What to link.
    LinkLibrary {
        /// the objects
        objects: Vec<Place>,
        /// the library to write
        output: Place,
        /// libraries it needs: names as after `-l`, or paths
        libs: Option<Vec<String>>,
        /// folders in which they are looked for first
        lib_dirs: Option<Vec<Place>>,
    }
}

/// Links objects to a shared library.
pub(super) fn link_shared_library(call: &mut Call<'_>, wanted: LinkLibrary) -> Result<Step, Stop> {
    let inputs = places(call, "objects", &wanted.objects)?;
    let lib_dirs = wanted.lib_dirs.unwrap_or_default().iter().map(|dir| call.place(dir)).collect();
    let libraries = wanted.libs.unwrap_or_default();
    step(call, &wanted.output, |output| Ir::Lib { inputs, output, libraries, lib_dirs })
}

fn step(call: &mut Call<'_>, output: &Place, ask: impl FnOnce(PathBuf) -> Ir) -> Result<Step, Stop> {
    let output = call.place(output);
    if output.file_name().is_none() || !output.parent().is_some_and(std::path::Path::is_dir) {
        return Err(bad("output", format!("`{}` does not lie in a folder that is there", output.display())));
    }
    let ir::Step { success, text, .. } = call.engine.ir(&ask(output.clone()), call.cancel, call.on_event)?;
    Ok(Step { success, output: Place(output), text })
}

fn places(call: &Call<'_>, field: &str, given: &[Place]) -> Result<Vec<PathBuf>, Stop> {
    if given.is_empty() {
        return Err(bad(field, "there must be at least one"));
    }
    given.iter().map(|given| place(call, field, given)).collect()
}

fn place(call: &Call<'_>, field: &str, given: &Place) -> Result<PathBuf, Stop> {
    let path = call.place(given);
    match path.is_file() {
        true => Ok(path),
        false => Err(bad(field, format!("there is no file `{}`", path.display()))),
    }
}

params! {
    /// How to go from sources to the library.
    Pipeline {
        /// run every action, whatever is recorded
        force: Option<bool>,
        /// the profile, such as `dev`
        profile: Option<String>,
        /// how many processes may run at once
        jobs: Option<u64>,
    }
}

/// From sources to the library through linked and optimised IR.
pub(super) fn compile_full_pipeline(call: &mut Call<'_>, wanted: Pipeline) -> Result<builds::Reply, Stop> {
    let request = Build {
        wanted: Wanted {
            profile: wanted.profile,
            lto: Some("full".into()),
            jobs: wanted.jobs.map(check_jobs).transpose()?,
            ..Wanted::default()
        },
        force: wanted.force.unwrap_or(false),
        ..Build::default()
    };
    build(call, &request)
}
