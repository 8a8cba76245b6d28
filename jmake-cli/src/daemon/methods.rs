//! What can be asked of a daemon.
//!
//! `engine.handle` is what the command `jmake` sends.  `daemon.*` is about the daemon itself.
//! Everything else is a service for other programs: see [`service`].

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jmake_core::build::Build;
use jmake_core::configure::Environment;
use jmake_core::engine::Engine;
use jmake_core::event::Event;
use jmake_core::held::Noticing;
use jmake_core::process::Cancel;
use jmake_core::request::{Cache, Config, Failure, Reply, Request as Asked};
use jmake_core::rpc;
use jmake_core::settings::Decision;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ahead::Counts;
use super::builds::Key;
use super::session::{Request, Session};
use super::{Daemon, life};
use crate::wire::{self, Call, Error, Hello, Welcome};

/// The umask of a client that does not tell its own.
const USUAL_UMASK: u32 = 0o022;

/// What `engine.handle` takes.
#[derive(Serialize, Deserialize)]
pub struct Handle {
    /// The environment of whoever asks.
    pub environment: Environment,
    /// What is asked.
    pub request: Asked,
}

/// What is to be known of a running daemon.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// For how long it has been running, in seconds.
    pub uptime: f64,
    /// For how long it stays when there is nothing to do, in seconds.
    pub idle_timeout: f64,
    /// Requests it has met.
    pub requests: u64,
    /// Builds among them.
    pub builds: u64,
    /// Clients that are connected.
    pub clients: usize,
    /// What is being built, and for whom.
    pub building: Option<String>,
    /// How changes are noticed.
    pub noticing: Noticing,
    /// How often it was of use to build ahead.
    pub ahead: Counts,
    /// How many wait for that or share it.
    pub waiting: usize,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// The last lines of the daemon before it, when that ended without a word.
    pub died: Option<Vec<String>>,
}

/// Works on one request; gives the line of the answer.
pub fn answer(daemon: &Arc<Daemon>, session: &Session, request: &Request, call: Call) -> Vec<u8> {
    if !call.method.starts_with("daemon.") {
        daemon.requests.fetch_add(1, Ordering::Relaxed);
    }
    let line = match &*call.method {
        "engine.handle" => params(call.params).map(|asked: Handle| {
            let reply = handle(daemon, session, request, asked);
            wire::result(&request.id, &reply)
        }),
        "daemon.status" => Ok(wire::result(&request.id, &status(daemon))),
        "daemon.stop" => {
            let line = wire::result(&request.id, &json!(true));
            // Before the end, which would answer for it.
            session.answer(request, line.clone());
            daemon.end("asked to", true);
            Ok(line)
        }
        method => service(daemon, session, request, method, &call.params)
            .map(|result| wire::result(&request.id, &result)),
    };
    if request.cut.load(Ordering::SeqCst) {
        let why = Error::new(wire::TOO_LARGE, "something that happened takes more than one line may");
        return wire::error(&request.id, &why);
    }
    line.unwrap_or_else(|error| wire::error(&request.id, &error))
}

/// A method for other programs: see [`jmake_core::rpc`].  Whole builds are put in the line, as
/// those of the command are.
fn service(
    daemon: &Arc<Daemon>,
    session: &Session,
    request: &Request,
    method: &str,
    params: &Value,
) -> Result<Value, Error> {
    let mut environment: Environment = match params.get("environment") {
        Some(environment) => self::params(environment.clone())?,
        None => Environment::default(),
    };
    if environment.program.is_empty() {
        environment.program.clone_from(&daemon.program);
    }
    let unmet = |failure: Failure| {
        let message = failure.problem.message.clone();
        Error { data: serde_json::to_value(failure).ok(), ..Error::new(wire::UNMET, message) }
    };
    let engine = daemon.engine(environment.clone()).map_err(|e| unmet(Failure::of(&e, false)))?;
    let umask = umask(session);
    let _mask = makes_files(method).then(|| daemon.mask.under(umask));
    let holder = format!("`{method}`{}", who(session));
    let told = Cell::new(false);
    let build = |build: &Build, cancel: &Cancel, on_event: &mut dyn FnMut(Event)| {
        let key = Key { environment: environment.clone(), build: build.clone(), umask };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let overhear = move |event: &str| lock(&hears).push(event.to_owned());
        let ticket = Arc::new(request.ticket.overheard(overhear));
        let built = daemon.round(&key, build, &holder, &ticket, cancel);
        // The client has heard it when it happened; now it is counted up for the reply.
        told.set(true);
        let heard = std::mem::take(&mut *lock(&heard));
        heard.iter().filter_map(|event| serde_json::from_str(event).ok()).for_each(on_event);
        told.set(false);
        if method != "orchestrator.watch_and_build" {
            daemon.built.fetch_add(1, Ordering::Relaxed);
            // Only of a whole one is the next done ahead.
            if !build.quick && !build.compile_only {
                request.built.set(key).ok();
            }
        }
        built
    };
    let mut hear = |event: Event| {
        if !told.get() {
            request.ticket.tell(&event);
        }
    };
    let cancel = &request.ticket.cancel;
    rpc::call_by(&engine, Some(&build), method, params, cancel, &mut hear).map_err(|error| match error {
        rpc::Error::UnknownMethod => Error::new(wire::NO_METHOD, format!("there is no method `{method}`")),
        rpc::Error::BadParams(what) => Error::new(wire::BAD_PARAMS, what),
        rpc::Error::Failed(failure) => unmet(*failure),
    })
}

/// Whether a method makes files for the user by itself.  Builds do so when they have their turn:
/// whoever has it before them may need another umask.
fn makes_files(method: &str) -> bool {
    matches!(
        method,
        "setup.create_structure"
            | "setup.generate_config"
            | "setup.update_config"
            | "setup.import"
            | "compilation.link_ir"
            | "compilation.optimize_ir"
            | "compilation.compile_to_object"
            | "compilation.link_shared_library"
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The umask under which files are made for the client.
fn umask(session: &Session) -> u32 {
    session.hello().and_then(|hello| hello.umask).unwrap_or(USUAL_UMASK)
}

/// Who the client is, to be told to others that wait for it.
fn who(session: &Session) -> String {
    session.peer.pid.map(|pid| format!(" with process id {pid}")).unwrap_or_default()
}

fn params<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|e| Error::new(wire::BAD_PARAMS, e.to_string()))
}

fn handle(daemon: &Arc<Daemon>, session: &Session, request: &Request, asked: Handle) -> Reply {
    let Handle { mut environment, request: asked } = asked;
    if environment.program.is_empty() {
        environment.program.clone_from(&daemon.program);
    }
    let umask = umask(session);
    let work = |cancel: &Cancel, on_event: &mut dyn FnMut(Event)| {
        let _mask = writes(&asked).then(|| daemon.mask.under(umask));
        match daemon.engine(environment.clone()) {
            Ok(engine) => engine.handle(&asked, cancel, on_event),
            Err(e) => Reply::Failed(Failure::of(&e, cancel.is_cancelled())),
        }
    };
    let who = who(session);
    match &asked {
        Asked::Build(build) => {
            daemon.built.fetch_add(1, Ordering::Relaxed);
            let key = Key { environment: environment.clone(), build: build.clone(), umask };
            let holder = format!("`jmake build{}`{who}", flags(build));
            let reply = daemon.builds.ask(Some(&key), &holder, &request.ticket, &work);
            // Why an earlier build did without a daemon is of no interest any more.
            jmake_core::fs::remove_file(&daemon.place.note()).ok();
            request.built.set(key).ok();
            reply
        }
        Asked::Watch(build) => {
            let key = Key { environment: environment.clone(), build: build.clone(), umask };
            daemon.watch(key, &who, &request.ticket, &mut |event| request.ticket.tell(&event))
        }
        Asked::Clean { .. } => {
            daemon.builds.ask(None, &format!("`jmake clean`{who}"), &request.ticket, &work)
        }
        // A question never waits for a build.
        _ => work(&request.ticket.cancel, &mut |event| request.ticket.tell(&event)),
    }
}

/// What makes a build another than a plain one, as it would be typed.
fn flags(build: &Build) -> String {
    let wanted = &build.wanted;
    let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(" --{name} {value}"));
    let mut flags: Vec<String> = named("profile", &wanted.profile).into_iter().collect();
    flags.extend(named("lto", &wanted.lto));
    flags.extend(wanted.targets.iter().map(|target| format!(" --target {target}")));
    flags.extend(wanted.no_evidence.then(|| " --no-evidence".to_owned()));
    flags.extend(build.force.then(|| " --force".to_owned()));
    flags.extend(build.dry_run.then(|| " --dry-run".to_owned()));
    flags.concat()
}

/// Whether files may be made for the user.
fn writes(asked: &Asked) -> bool {
    match asked {
        Asked::Build(_)
        | Asked::Watch(_)
        | Asked::Clean { .. }
        | Asked::Ir(_)
        | Asked::New { .. }
        | Asked::Init { .. }
        | Asked::Import { .. } => true,
        Asked::Config(config) => {
            matches!(config, Config::Set { .. } | Config::Unset { .. } | Config::Complete)
        }
        Asked::Trust(decision) => *decision != Decision::Show,
        Asked::Cache(cache) => *cache != Cache::Stat,
        _ => false,
    }
}

fn status(daemon: &Daemon) -> Status {
    let building = daemon.builds.now();
    let state = daemon.state();
    Status {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: SystemTime::now().duration_since(daemon.began).unwrap_or_default().as_secs_f64(),
        idle_timeout: state.idle_limit.as_secs_f64(),
        requests: daemon.requests.load(Ordering::Relaxed),
        builds: daemon.built.load(Ordering::Relaxed),
        clients: state.sessions.len(),
        waiting: building.as_ref().map_or(0, |(_, waiting)| *waiting),
        building: building.map(|(holder, _)| holder),
        noticing: daemon.warm.held().noticing(),
        ahead: daemon.ahead.counts(),
        memory: life::memory_in_use(),
        died: daemon.before.clone(),
    }
}

impl Daemon {
    /// The engine for somebody with `environment`.
    ///
    /// # Errors
    /// When the root cannot be reached any more.
    pub fn engine(&self, environment: Environment) -> anyhow::Result<Engine> {
        Ok(Engine::at(self.root.as_path(), environment)?.kept_warm(self.warm.clone()))
    }

    /// Whether daemon and client fit together.
    pub(super) fn greet(&self, params: &Value) -> Result<(Hello, Welcome), Error> {
        let hello: Hello = self::params(params.clone())?;
        let unfit = |why: String| Err(Error::new(wire::UNFIT, why));
        if hello.protocol != wire::PROTOCOL {
            return unfit(format!("this daemon speaks protocol {}, not {}", wire::PROTOCOL, hello.protocol));
        }
        if hello.program.as_ref().is_some_and(|program| *program != self.program) {
            return unfit("this daemon is another build of jmake".into());
        }
        if hello.root != self.root.as_path() {
            return unfit(format!("this daemon is that of `{}`", self.root.as_path().display()));
        }
        if hello.limits.as_ref().is_some_and(|limits| *limits != self.limits) {
            return unfit("this daemon runs under other limits (see `ulimit -a`, `nice`, `taskset`)".into());
        }
        if let Some(why) = self.lost_ground() {
            self.end(why.clone(), false);
            return Err(Error::new(wire::ENDING, why));
        }
        let welcome = Welcome {
            protocol: wire::PROTOCOL,
            program: self.program.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            root: self.root.as_path().to_owned(),
            pid: std::process::id(),
        };
        Ok((hello, welcome))
    }
}
