//! Every verb of the four services, over a real socket, with the real clang: the story that
//! `jmake-core`'s own test tells in one process, told once more.

use std::process::Command;

use serde_json::{Value, json};

use crate::calls::{self, Refused, Story};
use crate::daemons::Daemons;
use crate::field::Raw;

#[test]
fn every_method_over_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let root = calls::project(dir.path());
    for name in ["home", "cache", "config", "run"] {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    let at = |name: &str| dir.path().canonicalize().unwrap().join(name);
    let daemons = Daemons::below(&at("run/jmake"), false);
    let started = Command::new(env!("CARGO_BIN_EXE_jmake"))
        .args(["daemon", "start", "--json"])
        .arg(&root)
        .env_clear()
        .envs([("HOME", at("home")), ("XDG_RUNTIME_DIR", at("run")), ("PATH", "/usr/bin:/bin".into())])
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    let started: Value = serde_json::from_slice(&started.stdout).unwrap();
    let mut client = Raw::to(started["socket"].as_str().unwrap().as_ref());
    client.hello(&root);
    let environment = json!({
        "path": ["/usr/lib/llvm-19/bin", "/usr/bin", "/bin"],
        "home": at("home"), "cache_home": at("cache"), "config_home": at("config"),
    });
    let methods: Vec<&str> = jmake_core::rpc::methods().iter().map(|method| method.name).collect();
    let mut id = 0;
    calls::run(&mut Story::new(&root, true), &methods, |method, params| {
        id += 1;
        let mut params = params.clone();
        if let Some(fields) = params.as_object_mut() {
            fields.insert("environment".into(), environment.clone());
        }
        client.ask(id, method, &params);
        answer(&mut client, id)
    });
    assert!(id > 60, "{id} calls");
    drop(client);
    daemons.end();
}

/// The answer to request `id`; whoever watches has seen enough after one round.
fn answer(client: &mut Raw, id: u64) -> Result<Value, Refused> {
    loop {
        let message = client.hear().expect("the daemon goes on");
        if message["params"]["event"]["event"] == "round" {
            let cancel = json!({"jsonrpc": "2.0", "method": "cancel", "params": {"id": id}});
            client.say(format!("{cancel}\n").as_bytes());
        }
        if message["id"] != id {
            continue;
        }
        return match &message["error"] {
            Value::Null => Ok(message["result"].clone()),
            error => Err(Refused {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
            }),
        };
    }
}
