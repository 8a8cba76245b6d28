//! Every method of `jmake_core::rpc`, with the real clang, in this process: once with an engine
//! that stays warm, once with a new one for each call.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write inputs and start programs")]

#[path = "support/calls/mod.rs"]
mod calls;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jmake_core::configure::Environment;
use jmake_core::engine::Engine;
use jmake_core::event::Event;
use jmake_core::process::Cancel;
use jmake_core::request::{Reply, Request};
use jmake_core::rpc::{self, Error};
use jmake_core::settings::Decision;
use jmake_core::tally::{Cache, Service};
use jmake_core::warm::Warm;
use serde_json::{Value, json};

use calls::{BAD_PARAMS, FAILED, Refused, Story, UNKNOWN_METHOD};

/// A user's folders of the test's own.
fn environment(dir: &Path) -> Environment {
    let path = ["/usr/lib/llvm-19/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec();
    Environment {
        path,
        home: Some(dir.join("home")),
        cache_home: Some(dir.join("cache")),
        config_home: Some(dir.join("config")),
        ..Environment::default()
    }
}

fn ask(engine: &Engine, method: &str, params: &Value) -> Result<Value, Refused> {
    let cancel = Cancel::new();
    // One round of watching is enough.
    let mut hear = |event: Event| {
        if let Event::Round(_) = event {
            cancel.cancel();
        }
    };
    rpc::call(engine, method, params, &cancel, &mut hear).map_err(|error| {
        let code = match &error {
            Error::UnknownMethod => UNKNOWN_METHOD,
            Error::BadParams(_) => BAD_PARAMS,
            Error::Failed(_) => FAILED,
        };
        Refused { code, message: error.to_string() }
    })
}

fn good(engine: &Engine, method: &str, params: Value) -> Value {
    ask(engine, method, &params).unwrap_or_else(|no| panic!("{method}: {no:?}"))
}

fn tell(warm: bool) {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let engine = || Engine::at(&root, environment(dir.path())).unwrap();
    let kept = Arc::new(Warm::new(engine().root()));
    let methods: Vec<&str> = rpc::methods().iter().map(|method| method.name).collect();
    let mut story = Story::new(&root, warm);
    calls::run(&mut story, &methods, |method, params| {
        let engine = if warm { engine().kept_warm(kept.clone()) } else { engine() };
        ask(&engine, method, params)
    });
}

#[test]
fn every_method_of_a_warm_engine() {
    tell(true);
}

#[test]
fn every_method_of_a_new_engine_each_time() {
    tell(false);
}

#[test]
fn replies_hold_what_is_documented() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let engine = Engine::at(&root, environment(dir.path())).unwrap();
    let mut checked = 0;
    let methods: Vec<&str> = rpc::methods().iter().map(|method| method.name).collect();
    calls::run(&mut Story::new(&root, false), &methods, |name, params| {
        let reply = ask(&engine, name, params);
        if let Ok(reply) = &reply {
            let method = rpc::methods().iter().find(|method| method.name == name).unwrap();
            let mut documented: Vec<&str> = method.reply.iter().map(|field| field.shown()).collect();
            documented.sort();
            let there: Vec<&str> = reply.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(there, documented, "{name}");
            checked += 1;
        }
        reply
    });
    assert_eq!(checked, calls::calls().count());
}

#[test]
fn what_happens_is_told_while_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let engine = Engine::at(&root, environment(dir.path())).unwrap();
    let mut compiled = Vec::new();
    let mut on_event = |event| {
        if let Event::Started { label, .. } = event {
            compiled.push(label);
        }
    };
    rpc::call(&engine, "orchestrator.build_project", &Value::Null, &Cancel::new(), &mut on_event).unwrap();
    assert_eq!(compiled.len(), 6, "five units and a library: {compiled:?}");
    let cancel = Cancel::new();
    cancel.cancel();
    let stopped = rpc::call(&engine, "orchestrator.clean_build", &json!({}), &cancel, &mut |_| {});
    match stopped {
        Ok(reply) => {
            assert_eq!((&reply["success"], &reply["built"]["cancelled"]), (&json!(false), &json!(true)))
        }
        Err(Error::Failed(failure)) => assert!(failure.interrupted),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_path_within_another_project_is_another_project() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let engine = Engine::at(&root, environment(dir.path())).unwrap();
    std::fs::create_dir_all(root.join("inner/deep")).unwrap();
    good(&engine, "discovery.scan_files", json!({"path": root.join("inner/deep")}));
    std::fs::write(root.join("inner/.jmake_project"), "").unwrap();
    let no = ask(&engine, "discovery.scan_files", &json!({"path": root.join("inner/deep")})).unwrap_err();
    let both = no.message.contains("inner/deep") && no.message.contains(&*root.to_string_lossy());
    assert!(no.code == BAD_PARAMS && both, "{no:?}");
    let beside = Engine::at(dir.path(), environment(dir.path())).unwrap();
    let no = ask(&beside, "discovery.scan_files", &json!({"path": root})).unwrap_err();
    assert_eq!(no.code, BAD_PARAMS, "{no:?}");
}

/// The first jmake's `TOOL_CACHE["custom_tool"] = "/custom/path/tool"`.
#[test]
fn the_users_own_tool_is_found_once_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let engine = Engine::at(&root, environment(dir.path())).unwrap();
    let asked = json!({"tool_name": "custom_tool"});
    assert_eq!(ask(&engine, "discovery.get_tool", &asked).unwrap_err().code, FAILED);
    let data = json!({"tools": {"custom_tool": "/bin/true"}});
    good(&engine, "setup.update_config", json!({"section": "llvm", "data": data}));
    let no = ask(&engine, "discovery.get_tool", &asked).unwrap_err();
    assert_eq!(no.code, FAILED, "not before the user agrees: {no:?}");
    let trusted = engine.handle(&Request::Trust(Decision::Grant), &Cancel::new(), &mut |_| {});
    assert!(matches!(trusted, Reply::Consent(consent) if consent.trusted));
    assert_eq!(good(&engine, "discovery.get_tool", asked)["path"], "/bin/true");
}

/// The first jmake's table of hit rates after three builds.
#[test]
fn hit_rates_after_three_builds() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    let warm = Arc::new(Warm::new(Engine::at(&root, Environment::default()).unwrap().root()));
    let engine = Engine::at(&root, environment(dir.path())).unwrap().kept_warm(warm.clone());
    // Only of files that have been left alone for a while is anything kept.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let rates = || {
        let Reply::Stats(stats) = engine.handle(&Request::Stats, &Cancel::new(), &mut |_| {}) else {
            panic!("no stats")
        };
        stats.caches.into_iter().map(|row| (row.cache, row)).collect::<std::collections::BTreeMap<_, _>>()
    };
    good(&engine, "orchestrator.build_project", json!({}));
    let first = rates();
    assert_eq!(first[&Cache::Ir].last_build.unwrap().hit_rate, Some(0.0));
    assert_eq!(first[&Cache::Tools].last_build.unwrap().hits, 0, "every tool had to be asked");
    assert!(first[&Cache::Tools].last_build.unwrap().misses > 0);
    good(&engine, "orchestrator.build_project", json!({}));
    std::fs::write(root.join("src/vector.cpp"), vector(&root).replace("sum = 0", "sum = 100")).unwrap();
    good(&engine, "orchestrator.build_project", json!({}));
    let third = rates();
    let rate = |cache: Cache| third[&cache].last_build.unwrap().hit_rate;
    assert_eq!((rate(Cache::Ir), rate(Cache::Libraries)), (Some(0.8), Some(0.0)));
    assert_eq!((rate(Cache::Tools), rate(Cache::FileScans)), (Some(1.0), Some(1.0)));
    assert_eq!(rate(Cache::Configuration), Some(1.0));
    assert_eq!(rate(Cache::Templates), None, "nobody asked for one");
    let since = third[&Cache::Ir].since_start.unwrap();
    assert_eq!((since.hits, since.misses), (5 + 4, 5 + 1));
    assert!(third.values().all(|row| row.cache.service() == row.service));
    assert_eq!(third.values().filter(|row| row.service == Service::Discovery).count(), 4);

    // Another process, one that is not warm: what the last build that did something has left.
    let alone = Engine::at(&root, environment(dir.path())).unwrap();
    let Reply::Stats(stats) = alone.handle(&Request::Stats, &Cancel::new(), &mut |_| {}) else {
        panic!("no stats")
    };
    let ir = stats.caches.iter().find(|row| row.cache == Cache::Ir).unwrap();
    assert_eq!((ir.last_build, ir.since_start, stats.warm), (third[&Cache::Ir].last_build, None, None));

    // What discovery has found is kept while nothing has changed.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(good(&engine, "discovery.discover_project", json!({}))["cached"], false);
    assert_eq!(good(&engine, "discovery.discover_project", json!({}))["cached"], true);
    assert_eq!(good(&engine, "discovery.scan_files", json!({}))["cached"], true);
    assert_eq!(good(&engine, "discovery.scan_files", json!({"force": true}))["cached"], false);
    assert_eq!(good(&engine, "discovery.get_tool", json!({"tool_name": "opt"}))["cached"], true);
    good(&engine, "setup.get_config_section", json!({"section": "compile"}));
    assert_eq!(good(&engine, "setup.get_config_section", json!({"section": "compile"}))["cached"], true);
    std::fs::write(root.join("src/new.cpp"), "int fresh;\n").unwrap();
    let seen = good(&engine, "discovery.scan_files", json!({}));
    assert_eq!((&seen["cached"], seen["files"]["cpp_sources"].as_array().unwrap().len()), (&json!(false), 7));
}

fn vector(root: &Path) -> String {
    std::fs::read_to_string(root.join("src/vector.cpp")).unwrap()
}
