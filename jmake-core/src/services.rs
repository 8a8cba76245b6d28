//! The verbs under the names of the first jmake's four services: discovery, setup, compilation
//! and orchestrator.
//!
//! For programs that speak in those words.  Each name here is either the function itself or a
//! request to an [`Engine`] with one field set; nothing is decided here.

use anyhow::Result;

use crate::build::{Build, Built};
use crate::clean::Cleaned;
use crate::engine::Engine;
use crate::event::Event;
use crate::process::Cancel;

pub use crate::discover::{detect_binaries, discover_project, scan_files, walk_ast_dependencies};
pub use crate::ir::{compile_to_object, link_ir, link_shared_library, optimize_ir};
pub use crate::machine::{cache_stats, get_stats, get_tool};
pub use crate::manifest::{get_config_section, update_config};
pub use crate::setup::{create_structure, generate_config, validate_config};

/// Builds the project: what changed is compiled, the rest reused.
///
/// # Errors
/// When jmake cannot do its work.
pub fn build_project(
    engine: &Engine,
    request: &Build,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    engine.build(request, cancel, on_event)
}

/// [`build_project`] as it always is: incremental.
///
/// # Errors
/// As [`build_project`].
pub fn incremental_build(engine: &Engine, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
    engine.build(&Build::default(), cancel, on_event)
}

/// Builds what the last build found, without looking for new sources.
///
/// # Errors
/// As [`build_project`].
pub fn quick_compile(engine: &Engine, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
    engine.build(&Build { quick: true, ..Build::default() }, cancel, on_event)
}

/// Builds everything anew, whatever is recorded.
///
/// # Errors
/// As [`build_project`].
pub fn clean_build(engine: &Engine, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
    engine.build(&Build { force: true, ..Build::default() }, cancel, on_event)
}

/// Compiles all units, as many at once as there are processors, and links nothing; the results are
/// the files that hold their IR.
///
/// # Errors
/// As [`build_project`].
pub fn compile_parallel(engine: &Engine, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Built> {
    engine.build(&Build { compile_only: true, ..Build::default() }, cancel, on_event)
}

/// From sources to a library through linked and optimised IR, as the first jmake always did.
///
/// # Errors
/// As [`build_project`].
pub fn compile_full_pipeline(
    engine: &Engine,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    let mut request = Build::default();
    request.wanted.lto = Some("full".into());
    engine.build(&request, cancel, on_event)
}

/// Forgets everything recorded of the project, here and in the shared cache; what was published
/// stays.
///
/// # Errors
/// When something cannot be removed.
pub fn clear_caches(engine: &Engine, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> Result<Cleaned> {
    engine.clear(None, cancel, on_event)
}
