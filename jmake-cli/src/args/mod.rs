//! From what was typed to what is asked: the only place that reads the environment and the
//! working directory.
//!
//! [`typed`] says what can be typed.  Here paths become absolute, flags become fields of a
//! [`Request`], and the variables that may matter become an [`Environment`]; from here on nothing
//! looks at the process's surroundings again.

pub mod typed;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches, ValueEnum};
use jmake_core::build::Build;
use jmake_core::configure::{Environment, Wanted};
use jmake_core::import::Origin;
use jmake_core::ir::Passes;
use jmake_core::request::{Cache, Config, Graph, Ir, Request};
use jmake_core::settings::Decision;

use crate::client::control::Control;
use crate::client::{Mode, Wish};
use crate::daemon::Order;
use crate::manual;
use crate::render::{GraphFormat, Look};
use typed::{Global, Typed, Verb, When};

/// What to do.
pub enum Job {
    /// Print this.
    Print(Vec<u8>),
    /// Ask the engine.
    Ask(Box<Task>),
    /// Look after the daemon.
    Control(Box<Errand>),
    /// Be the daemon.
    Serve(Box<Order>),
}

/// What to do about the daemon, of which folder's project.
pub struct Errand {
    /// A folder in the project; absolute.
    pub folder: PathBuf,
    /// What to do.
    pub what: Control,
    /// The user's environment.
    pub environment: Environment,
    /// What the user says about the daemon.
    pub wish: Wish,
    /// How to show the answer.
    pub look: Look,
}

/// A request, who asks, and how to show the answer.
pub struct Task {
    /// Which folder it is about.
    pub place: Where,
    /// The user's environment.
    pub environment: Environment,
    /// What is asked.
    pub request: Request,
    /// What the user says about the daemon.
    pub wish: Wish,
    /// How to show the answer.
    pub look: Look,
}

/// Which folder a request is about; absolute.
pub enum Where {
    /// The project that this folder belongs to.
    ProjectOf(PathBuf),
    /// This folder.
    Exactly(PathBuf),
}

/// What was typed cannot be understood, or there is no working directory.
pub enum Problem {
    /// clap's own words.
    Usage(clap::Error),
    /// The working directory is gone.
    NoDirectory(std::io::Error),
    /// `JMAKE_DAEMON` is none of its values.
    NoMode(String),
}

impl Problem {
    /// Shows it; gives the exit code.
    pub fn show(&self) -> u8 {
        match self {
            // Help and version come this way too, with code 0.
            Problem::Usage(error) => match error.print() {
                Ok(()) => error.exit_code() as u8,
                Err(_) => crate::DONE,
            },
            Problem::NoDirectory(error) => {
                crate::render::complain(&format!("cannot find the working directory: {error}"));
                crate::UNABLE
            }
            Problem::NoMode(value) => {
                let is = "`JMAKE_DAEMON` must be `auto`, `on` or `off`";
                crate::render::complain(&format!("{is}, not `{value}`"));
                crate::UNABLE
            }
        }
    }
}

/// Reads the command line.
///
/// # Errors
/// When it cannot be understood, or asks for help.
pub fn read() -> Result<Job, Problem> {
    let mut command = Typed::command();
    let typed = command.try_get_matches_from_mut(std::env::args_os());
    let typed = typed.and_then(|mut matches| Typed::from_arg_matches_mut(&mut matches));
    let Typed { global, verb } = typed.map_err(|e| Problem::Usage(e.format(&mut command)))?;
    // Taking it apart again takes its time, too, and the process ends soon.
    std::mem::forget(command);
    match verb {
        Verb::Completions { shell } => return Ok(Job::Print(manual::completions(shell))),
        Verb::Man => return Ok(Job::Print(manual::page())),
        Verb::Daemon(typed::Daemon::Serve { root, stem, program }) => {
            let environment = crate::daemon::environment(variable);
            return Ok(Job::Serve(Box::new(Order { root, stem, program, environment })));
        }
        _ => {}
    }
    let wish = wish(&global)?;
    let cwd = working_directory(global.directory.as_deref()).map_err(Problem::NoDirectory)?;
    let mut look = look(&global);
    let mut environment = environment();
    if global.jobs.is_some() {
        // A number that was typed beats the one a make above gives.
        environment.makeflags.clear();
    }
    let verb = match control(verb) {
        Ok((path, what)) => {
            let folder = without_dots(&cwd.join(path));
            return Ok(Job::Control(Box::new(Errand { folder, what, environment, wish, look })));
        }
        Err(verb) => verb,
    };
    let (place, request) = resolve(verb, &global, &cwd, &mut look);
    Ok(Job::Ask(Box::new(Task { place, environment, request, wish, look })))
}

/// What `verb` does about the daemon; the verb again when it is about something else.
fn control(verb: Verb) -> Result<(PathBuf, Control), Verb> {
    use typed::Daemon;
    Ok(match verb {
        Verb::Daemon(Daemon::Start { path }) => (path, Control::Start),
        Verb::Daemon(Daemon::Stop { path }) => (path, Control::Stop),
        Verb::Daemon(Daemon::Restart { path }) => (path, Control::Restart),
        Verb::Daemon(Daemon::Status { path }) | Verb::Status { path } => (path, Control::Status),
        Verb::Daemon(Daemon::Logs { path, lines }) => (path, Control::Logs { lines }),
        verb => return Err(verb),
    })
}

fn wish(global: &Global) -> Result<Wish, Problem> {
    use typed::DaemonMode;
    let typed = match global.daemon {
        Some(typed) => Some(typed),
        None => match variable("JMAKE_DAEMON") {
            None => None,
            Some(value) => {
                let mode = value.to_str().and_then(|text| DaemonMode::from_str(text, true).ok());
                Some(mode.ok_or_else(|| Problem::NoMode(value.to_string_lossy().into_owned()))?)
            }
        },
    };
    let (mode, why_off) = match typed.unwrap_or(DaemonMode::Auto) {
        DaemonMode::On => (Mode::On, None),
        DaemonMode::Off if global.daemon.is_some() => (Mode::Off, Some("`--daemon off`")),
        DaemonMode::Off => (Mode::Off, Some("`JMAKE_DAEMON` is `off`")),
        DaemonMode::Auto if variable("CI").is_some() => (Mode::Off, Some("`CI` is set")),
        DaemonMode::Auto => (Mode::Auto, None),
    };
    let path = |name: &str| variable(name).map(PathBuf::from);
    let (runtime, cache, home) = (path("XDG_RUNTIME_DIR"), path("XDG_CACHE_HOME"), path("HOME"));
    let run_dir = crate::place::run_dir(runtime.as_deref(), cache.as_deref(), home.as_deref());
    Ok(Wish { mode, why_off, run_dir })
}

#[expect(clippy::disallowed_methods, reason = "read once, here; everything further in gets absolute paths")]
fn working_directory(typed: Option<&Path>) -> std::io::Result<PathBuf> {
    match typed {
        Some(dir) if dir.is_absolute() => Ok(dir.to_owned()),
        Some(dir) => Ok(std::env::current_dir()?.join(dir)),
        None => std::env::current_dir(),
    }
}

#[expect(clippy::disallowed_methods, reason = "read once, here; it rides in the request")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn environment() -> Environment {
    let path = |name: &str| variable(name).map(PathBuf::from);
    Environment {
        path: variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
        pkg_config_path: path("PKG_CONFIG_PATH"),
        home: path("HOME"),
        cache_home: path("XDG_CACHE_HOME"),
        config_home: path("XDG_CONFIG_HOME"),
        makeflags: variable("MAKEFLAGS")
            .map(|flags| flags.to_string_lossy().into_owned())
            .unwrap_or_default(),
        program: program(),
    }
}

/// What tells this build of the command from others of the same version.
fn program() -> String {
    let stat = std::env::current_exe().ok().and_then(|path| jmake_core::fs::stat(&path).ok().flatten());
    stat.map(|stat| format!("{} {}", stat.size, stat.mtime)).unwrap_or_default()
}

fn look(global: &Global) -> Look {
    let dumb = variable("TERM").is_none_or(|term| term == "dumb");
    let terminal = std::io::stderr().is_terminal() && !dumb;
    let color = match global.color {
        When::Always => true,
        When::Never => false,
        When::Auto if variable("NO_COLOR").is_some() => false,
        When::Auto => terminal || variable("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
    };
    Look {
        quiet: global.quiet,
        verbose: global.verbose,
        color,
        color_in_data: global.color == When::Always,
        bar: terminal && !global.quiet && !global.json,
        clear: terminal && !global.quiet && !global.json,
        json: global.json,
        ..Look::default()
    }
}

/// What a verb asks, and of which folder.
fn resolve(verb: Verb, global: &Global, cwd: &Path, look: &mut Look) -> (Where, Request) {
    let here = || Where::ProjectOf(cwd.to_owned());
    let of = |path: &Path| Where::ProjectOf(without_dots(&cwd.join(path)));
    match verb {
        Verb::Build(build) if !build.watch && build.exec.is_none() => {
            (of(&build.path), Request::Build(build_request(&build, global, look)))
        }
        Verb::Build(build) | Verb::Watch(typed::Watch { build }) => {
            let request = Request::Watch(build_request(&build, global, look));
            (look.watch, look.exec) = (true, build.exec);
            (of(&build.path), request)
        }
        Verb::New { path, template } => {
            let (template, name) = (template.template, template.name);
            (here(), Request::New { path: cwd.join(path), template, name })
        }
        Verb::Init { path, template } => {
            let (template, name) = (template.template, template.name);
            (Where::Exactly(without_dots(&cwd.join(path))), Request::Init { template, name })
        }
        Verb::Import(typed::Import::Cmake { path }) => (of(&path), Request::Import { from: Origin::Cmake }),
        Verb::Import(typed::Import::CompileCommands { path }) => {
            (of(&path), Request::Import { from: Origin::CompileCommands })
        }
        Verb::Clean { path, cache } => (of(&path), Request::Clean { cache }),
        Verb::Discover { path, no_evidence, files } => {
            // Programs and those who ask for much get all of it.
            let brief = !(files || global.json || global.verbose);
            (of(&path), Request::Discover { no_evidence, brief })
        }
        Verb::Graph(graph) => {
            look.graph = match graph.format {
                typed::GraphFormat::Json => GraphFormat::Json,
                typed::GraphFormat::Dot => GraphFormat::Dot,
                typed::GraphFormat::Mermaid => GraphFormat::Mermaid,
                typed::GraphFormat::Html => GraphFormat::Html,
            };
            (of(&graph.path), graph_request(&graph, cwd))
        }
        Verb::Explain { file } => (here(), Request::Explain { file: file.map(|file| tidy(&cwd.join(file))) }),
        Verb::Config(config) => (here(), Request::Config(config_request(config))),
        Verb::Tools { name } => {
            look.one_tool = name.is_some();
            (here(), Request::Tools { name })
        }
        Verb::Doctor => (here(), Request::Doctor),
        Verb::Ir(step) => (here(), Request::Ir(ir_request(step, cwd))),
        Verb::Trust { revoke: true, .. } => (here(), Request::Trust(Decision::Revoke)),
        Verb::Trust { show: true, .. } => (here(), Request::Trust(Decision::Show)),
        Verb::Trust { .. } => (here(), Request::Trust(Decision::Grant)),
        Verb::Cache(cache) => (here(), Request::Cache(cache_request(&cache))),
        // The others have been seen to.
        Verb::Stats | Verb::Completions { .. } | Verb::Man | Verb::Status { .. } | Verb::Daemon(_) => {
            (here(), Request::Stats)
        }
    }
}

fn build_request(typed: &typed::Build, global: &Global, look: &mut Look) -> Build {
    look.json |= typed.message_format == typed::MessageFormat::Json;
    look.bar &= !look.json;
    look.clear &= !look.json;
    look.timings = typed.timings;
    look.print_library = typed.print.is_some();
    look.dry_run = typed.dry_run;
    let profile = match (typed.release, typed.dev) {
        (true, _) => Some("release".to_owned()),
        (_, true) => Some("dev".to_owned()),
        _ => typed.profile.clone(),
    };
    let lto = typed.lto.map(|lto| match lto {
        typed::Lto::Off => "off",
        typed::Lto::Thin => "thin",
        typed::Lto::Full => "full",
    });
    Build {
        wanted: Wanted {
            profile,
            lto: lto.map(str::to_owned),
            targets: typed.target.clone(),
            jobs: global.jobs.map(usize::from),
            no_evidence: typed.no_evidence,
        },
        force: typed.force,
        quick: typed.quick,
        keep_going: typed.keep_going,
        dry_run: typed.dry_run,
        ahead: None,
        compile_only: false,
    }
}

fn graph_request(typed: &typed::Graph, cwd: &Path) -> Request {
    let place = |file: &PathBuf| tidy(&cwd.join(file));
    if let Some(file) = &typed.who_includes {
        return Request::WhoIncludes { file: place(file) };
    }
    if !typed.rebuilds.is_empty() {
        return Request::Rebuilds { files: typed.rebuilds.iter().map(place).collect() };
    }
    if typed.unused_headers {
        return Request::UnusedHeaders;
    }
    Request::Graph(match typed.what {
        typed::What::Includes if typed.format == typed::GraphFormat::Html => Graph::Page,
        typed::What::Includes => Graph::Includes,
        typed::What::Symbols => Graph::Symbols,
        typed::What::Actions => Graph::Actions(Wanted::default()),
    })
}

fn config_request(typed: typed::Config) -> Config {
    match typed {
        typed::Config::Show { section } => Config::Show { section },
        typed::Config::Get { key } => Config::Get { key },
        typed::Config::Set { key, value } => Config::Set { key, value },
        typed::Config::Unset { key } => Config::Unset { key },
        typed::Config::Validate => Config::Validate,
        typed::Config::Complete => Config::Complete,
    }
}

fn ir_request(typed: typed::Ir, cwd: &Path) -> Ir {
    let all = |paths: Vec<PathBuf>| paths.into_iter().map(|path| cwd.join(path)).collect();
    match typed {
        typed::Ir::Link { inputs, output } => Ir::Link { inputs: all(inputs), output: cwd.join(output) },
        typed::Ir::Opt { input, output, level, passes } => {
            let passes = passes.map_or(Passes::Level(level), Passes::Named);
            Ir::Opt { input: cwd.join(input), output: cwd.join(output), passes }
        }
        typed::Ir::Obj { input, output, level } => {
            Ir::Obj { input: cwd.join(input), output: cwd.join(output), level }
        }
        typed::Ir::Lib { inputs, output, libraries, lib_dirs } => {
            Ir::Lib { inputs: all(inputs), output: cwd.join(output), libraries, lib_dirs: all(lib_dirs) }
        }
    }
}

fn cache_request(typed: &typed::Cache) -> Cache {
    match typed {
        typed::Cache::Stat => Cache::Stat,
        typed::Cache::Verify { repair } => Cache::Verify { repair: *repair },
        typed::Cache::Gc => Cache::Gc,
        typed::Cache::Clear => Cache::Clear,
    }
}

/// `path` without `.`, as a person would write it.
fn without_dots(path: &Path) -> PathBuf {
    path.components().collect()
}

/// `path` without `.` and without links in its folder, so that it can be told to lie in the
/// project; the file itself need not exist.
fn tidy(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
