//! The services of the first jmake as methods: a name and an object in, a value out.
//!
//! For programs that speak in those words, over whatever carries JSON.  `METHODS` is the one
//! table: it is what [`call`] looks into, what [`methods`] lists and what `docs/services.md` shows.
//! Nothing is decided here: each method is a question to an [`Engine`] and an answer in the shape
//! that the first jmake's users expect.

mod object;
mod builds;
mod compilation;
mod discovery;
mod graphs;
mod kept;
mod orchestrator;
mod setup;

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::engine::{Builder, Engine};
use crate::event::Event;
use crate::path::Root;
use crate::process::Cancel;
use crate::project::{MANIFEST, MARKER, find_root};
use crate::request::Failure;

pub use object::{Field, Map, Object};

use object::params;

/// Why a call gave no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// There is no such method.
    UnknownMethod,
    /// The parameters will not do; the message names the field.
    BadParams(String),
    /// The request could not be met.
    Failed(Box<Failure>),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::UnknownMethod => f.write_str("there is no such method"),
            Error::BadParams(what) => f.write_str(what),
            Error::Failed(failure) => failure.problem.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// Calls `method` of the project that `engine` is of.  `cancel` ends it early; `on_event` hears
/// what happens meanwhile.
///
/// `params` is an object, or nothing.  Its field `environment` is not looked at: whoever calls has
/// made the engine with it.
///
/// # Errors
/// When there is no such method, when its parameters will not do, and when the engine cannot do
/// what is asked.  A build that fails is no error: its reply says so.
pub fn call(
    engine: &Engine,
    method: &str,
    params: &Value,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Value, Error> {
    call_by(engine, None, method, params, cancel, on_event)
}

/// The same, where whole builds are done by `build` instead of the engine itself.
///
/// # Errors
/// As [`call`].
pub fn call_by(
    engine: &Engine,
    build: Option<&Builder<'_>>,
    method: &str,
    params: &Value,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Value, Error> {
    let method = METHODS.iter().find(|known| known.name == method).ok_or(Error::UnknownMethod)?;
    let mut params = match params {
        Value::Null => Map::new(),
        Value::Object(fields) => fields.clone(),
        _ => return Err(Error::BadParams("the parameters are an object, by name".into())),
    };
    params.remove("environment");
    let about = |stop: Stop| match stop {
        Stop::BadParams(what) => Error::BadParams(what),
        Stop::Failed(error) => Error::Failed(Box::new(Failure::of(&error, cancel.is_cancelled()))),
    };
    check_project(engine, &mut params).map_err(about)?;
    engine.asked();
    (method.run)(Call { engine, build, cancel, on_event }, params).map_err(about)
}

/// Whether there is a method called `name`.
pub fn is_method(name: &str) -> bool {
    METHODS.iter().any(|method| method.name == name)
}

/// Every method, in the order of the documentation.
pub fn methods() -> &'static [Method] {
    METHODS
}

/// One method.
pub struct Method {
    /// Its name: the service's, a period, the verb.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// What it takes.
    pub params: &'static [Field],
    /// What it gives.
    pub reply: &'static [Field],
    run: fn(Call<'_>, Map) -> Result<Value, Stop>,
}

/// What every method has at hand.
struct Call<'a> {
    engine: &'a Engine,
    build: Option<&'a Builder<'a>>,
    cancel: &'a Cancel,
    on_event: &'a mut dyn FnMut(Event),
}

/// Why a method stops.
enum Stop {
    BadParams(String),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Stop {
        Stop::Failed(error)
    }
}

/// That `field` will not do, and why.
fn bad(field: &str, why: impl std::fmt::Display) -> Stop {
    Stop::BadParams(format!("`{field}`: {why}"))
}

params! {
    /// For methods that need to be told nothing.
    Nothing {}
}

impl Call<'_> {
    /// Reads the parameters, does what is asked, writes the reply.
    fn run<P: DeserializeOwned, R: Serialize>(
        mut self,
        params: Map,
        method: fn(&mut Call<'_>, P) -> Result<R, Stop>,
    ) -> Result<Value, Stop> {
        let params = serde_path_to_error::deserialize(Value::Object(params)).map_err(|e| {
            let path = e.path().to_string();
            match path.as_str() {
                "." => Stop::BadParams(e.into_inner().to_string()),
                field => bad(field, e.inner()),
            }
        })?;
        let reply = method(&mut self, params)?;
        serde_json::to_value(reply).map_err(|e| Stop::Failed(e.into()))
    }

    /// `place` from the root, if it is not absolute.
    fn place(&self, place: &object::Place) -> std::path::PathBuf {
        self.engine.root().as_path().join(&place.0)
    }
}

/// Takes `path` and `config` out of `params`: both, if given, name the project of `engine`.
fn check_project(engine: &Engine, params: &mut Map) -> Result<(), Stop> {
    let root = engine.root().as_path();
    let place = |field: &str, value: Value| {
        serde_json::from_value(value).map(|object::Place(path)| root.join(path)).map_err(|e| bad(field, e))
    };
    let other = |field: &str, given: &Path| {
        bad(
            field,
            format!("`{}` is not in the project `{}` that is served here", given.display(), root.display()),
        )
    };
    if let Some(value) = params.remove("path") {
        let path = place("path", value)?;
        if !belongs(&path, engine.root()).map_err(|e| bad("path", e))? {
            return Err(other("path", &path));
        }
    }
    if let Some(value) = params.remove("config") {
        let path = place("config", value)?;
        let same_folder =
            path.parent().is_some_and(|dir| Root::open(dir).is_ok_and(|dir| dir.as_path() == root));
        if !same_folder || path.file_name().is_none_or(|name| name != MANIFEST) {
            return Err(other("config", &path));
        }
    }
    Ok(())
}

/// Whether the folder `path` is part of the project at `root`, and not of one in or around it.
fn belongs(path: &Path, root: &Root) -> anyhow::Result<bool> {
    let found = find_root(path)?;
    let is_marked = [MANIFEST, MARKER].iter().any(|name| found.as_path().join(name).is_file());
    Ok(found.as_path() == root.as_path() || (!is_marked && found.as_path().starts_with(root.as_path())))
}

macro_rules! method {
    ($name:literal, $doc:literal, $run:path, $params:ty => $reply:ty) => {
        Method {
            name: $name,
            doc: $doc,
            params: <$params as Object>::FIELDS,
            reply: <$reply as Object>::FIELDS,
            run: |call, params| call.run::<$params, $reply>(params, $run),
        }
    };
}

/// Every method.
const METHODS: &[Method] = &[
    method!("discovery.scan_files", "the project's files by category", discovery::scan_files, discovery::Look => discovery::Scan),
    method!("discovery.detect_binaries", "its files that are machine code", discovery::detect_binaries, discovery::Look => discovery::Binaries),
    method!("discovery.walk_ast_dependencies", "which file includes which, by its text and by what compiles have opened", discovery::walk_ast_dependencies, discovery::Walk => discovery::Dependencies),
    method!("discovery.symbols", "which unit uses what others define, from the objects of the last build", graphs::symbols, Nothing => graphs::Symbols),
    method!("discovery.who_includes", "who includes a file, directly and through others", graphs::who_includes, graphs::OneFile => graphs::Includers),
    method!("discovery.rebuilds", "what the next build would do if files were edited", graphs::rebuilds, graphs::Edits => graphs::Rebuilds),
    method!("discovery.unused_headers", "the headers that no unit opens", graphs::unused_headers, Nothing => graphs::UnusedHeaders),
    method!("discovery.discover_project", "all of that, and what would be built of it", discovery::discover_project, discovery::Look => discovery::Discovered),
    method!("discovery.get_tool", "where a tool of the toolchain lies", discovery::get_tool, discovery::ToolName => discovery::Tool),
    method!("discovery.get_all_tools", "the whole toolchain", discovery::get_all_tools, Nothing => discovery::Tools),
    method!("discovery.cache_stats", "what discovery keeps, and how often that was of use", kept::discovery_stats, Nothing => kept::Table),
    method!("discovery.clear_caches", "forgets it; what tools have answered stays", kept::clear_discovery, Nothing => kept::Cleared),
    method!("setup.create_structure", "makes the files of a template, except those that are there", setup::create_structure, setup::Structure => setup::Made),
    method!("setup.generate_config", "makes `jmake.toml`, or fills what is missing in it, from what discovery sees", setup::generate_config, setup::Generate => setup::Generated),
    method!("setup.import", "writes the targets that another build tool's description names to `jmake.toml`", setup::import, setup::Import => setup::Imported),
    method!("setup.validate_config", "everything that would keep the project from being built as it is meant", setup::validate_config, Nothing => setup::Validity),
    method!("setup.update_config", "merges keys into one section of `jmake.toml`, and touches nothing else", setup::update_config, setup::Update => setup::Updated),
    method!("setup.get_config_section", "one section of `jmake.toml`", setup::get_config_section, setup::SectionName => setup::Section),
    method!("setup.cache_stats", "what setup keeps, and how often that was of use", kept::setup_stats, Nothing => kept::Table),
    method!("setup.clear_cache", "forgets it", kept::clear_setup, Nothing => kept::Cleared),
    method!("setup.clear_caches", "forgets it", kept::clear_setup, Nothing => kept::Cleared),
    method!("compilation.compile_parallel", "compiles what changed, several units at once, and links nothing", compilation::compile_parallel, compilation::Compile => compilation::Compiled),
    method!("compilation.link_ir", "links IR modules, or objects that hold IR, to one module", compilation::link_ir, compilation::LinkIr => compilation::Step),
    method!("compilation.optimize_ir", "optimises a module", compilation::optimize_ir, compilation::OptimizeIr => compilation::Step),
    method!("compilation.compile_to_object", "lowers a module to an object", compilation::compile_to_object, compilation::ToObject => compilation::Step),
    method!("compilation.link_shared_library", "links objects to a shared library", compilation::link_shared_library, compilation::LinkLibrary => compilation::Step),
    method!("compilation.compile_full_pipeline", "from sources to the library through linked and optimised IR", compilation::compile_full_pipeline, compilation::Pipeline => builds::Reply),
    method!("compilation.cache_stats", "what compilation keeps, and how often that was of use", kept::compilation_stats, Nothing => kept::Table),
    method!("compilation.clear_caches", "forgets it, also in the shared cache; what was published stays", kept::clear_compilation, Nothing => kept::Cleared),
    method!("orchestrator.build_project", "builds the project", orchestrator::build_project, orchestrator::Project => builds::Reply),
    method!("orchestrator.quick_compile", "builds what the last build found, without looking for sources", orchestrator::quick_compile, orchestrator::Quick => builds::Reply),
    method!("orchestrator.incremental_build", "builds what changed", orchestrator::incremental_build, Nothing => builds::Reply),
    method!("orchestrator.clean_build", "builds everything anew, whatever is kept", orchestrator::clean_build, Nothing => builds::Reply),
    method!("orchestrator.watch_and_build", "builds, and again after each change, until cancelled; each round is told by `changed` and `round` events", orchestrator::watch_and_build, orchestrator::Watch => builds::Reply),
    method!("orchestrator.check_daemons", "how each service is", orchestrator::check_daemons, Nothing => orchestrator::Health),
    method!("orchestrator.get_stats", "everything that is counted, of all services", orchestrator::get_stats, Nothing => orchestrator::Stats),
];

/// The methods, in Markdown: what `docs/services.md` holds between its marks.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut service = "";
    for (at, method) in METHODS.iter().enumerate() {
        let (its, _) = method.name.split_once('.').unwrap_or_default();
        if its != service {
            service = its;
            writeln!(text, "## {service}\n").ok();
        }
        writeln!(text, "### `{}`\n\n{}.\n", method.name, sentence(method.doc)).ok();
        if !method.params.is_empty() {
            text += &rows("parameter", method.params);
        }
        let same = |other: &&Method| {
            other.reply.iter().map(|field| field.doc).eq(method.reply.iter().map(|field| field.doc))
        };
        match METHODS[..at].iter().find(same) {
            Some(other) => writeln!(text, "Replies as `{}` does.\n", other.name).unwrap_or_default(),
            None => text += &rows("reply", method.reply),
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn rows(title: &str, fields: &[Field]) -> String {
    let mut text = format!("| {title} | holds | |\n|---|---|---|\n");
    for field in fields {
        let optional = if field.required || title == "reply" { "" } else { ", optional" };
        let (holds, doc) = ((field.holds)(), field.doc.trim());
        writeln!(text, "| `{}` | {holds}{optional} | {doc} |", field.shown()).ok();
    }
    text + "\n"
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_in_step() {
        let page = include_str!("../../../docs/services.md");
        let (_, rest) = page.split_once("<!-- methods -->\n").expect("the page marks where its tables begin");
        let (tables, _) = rest.split_once("<!-- /methods -->").expect("the page marks where its tables end");
        assert!(tables == markdown(), "put this between the marks of docs/services.md:\n{}", markdown());
    }

    #[test]
    fn names_are_unique_and_of_the_four_services() {
        for (at, method) in METHODS.iter().enumerate() {
            let (service, verb) = method.name.split_once('.').unwrap();
            assert!(["discovery", "setup", "compilation", "orchestrator"].contains(&service));
            assert!(!verb.is_empty() && !method.doc.is_empty());
            assert!(METHODS[..at].iter().all(|other| other.name != method.name), "{}", method.name);
            assert!(is_method(method.name));
            for field in method.params.iter().chain(method.reply) {
                assert!(!field.doc.trim().is_empty(), "{} {}", method.name, field.name);
                assert!(
                    !["path", "config", "environment"].contains(&field.name)
                        || method.reply.iter().any(|of| of.name == field.name)
                );
            }
        }
        assert!(!is_method("orchestrator.nothing"));
    }
}
