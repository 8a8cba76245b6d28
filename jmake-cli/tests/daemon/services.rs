//! Every verb of the four services, over a real socket, with the real clang: the story that
//! `jmake-core`'s own test tells in one process, told once more.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::calls::{self, Refused, Story};
use crate::clients::{busy, go, the_one_that_waits, waiting};
use crate::daemons::{Daemons, PATIENCE, wait};
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

/// Builds asked for by the names of services stand in the same line as all others.
#[test]
fn equal_builds_are_one_and_others_wait() {
    let field = waiting();
    let ran = field.dir().join("ran");
    let text = std::fs::read_to_string(field.at("sub/d.c")).unwrap();
    field.write("sub/d.c", format!("// fakecc: append {} d\n{text}", ran.display()));
    field.jmake(&["daemon", "start"]).good("start");
    let params = json!({"environment": field.environment});
    let in_line = |count: u64| {
        wait("it to be in line", PATIENCE, || field.status()["daemon"]["waiting"] == count);
    };
    let [mut first, mut same, mut gone, mut other] = [(); 4].map(|()| field.client());
    first.ask(1, "orchestrator.build_project", &params);
    wait("the compiler is at work", PATIENCE, || field.at("mark").exists());
    same.ask(1, "orchestrator.build_project", &params);
    in_line(1);
    // The same by another name.
    gone.ask(1, "orchestrator.incremental_build", &params);
    in_line(2);
    other.ask(1, "compilation.compile_full_pipeline", &params);
    let waits = loop {
        let message = other.hear().expect("it is told");
        if message["method"] == "event" {
            break message["params"]["event"].clone();
        }
    };
    let holder = format!("`orchestrator.build_project` with process id {}", std::process::id());
    assert_eq!(waits, json!({"event": "waiting", "holder": holder}));
    assert_eq!(field.status()["daemon"]["building"], json!(holder));
    // Whoever gives up has an answer in the words of the service; the others go on.
    gone.say(b"{\"jsonrpc\": \"2.0\", \"method\": \"cancel\", \"params\": {\"id\": 1}}\n");
    let (stopped, _) = gone.answer(1);
    assert_eq!(
        (&stopped["result"]["success"], &stopped["result"]["built"]["cancelled"]),
        (&json!(false), &json!(true)),
        "{stopped}"
    );
    in_line(2);
    the_one_that_waits(&field);
    go(&field);
    let (built, told) = first.answer(1);
    let (joined, told_too) = same.answer(1);
    let events = |told: &[Value], kind: &str| -> Vec<Value> {
        let events = told.iter().map(|message| &message["params"]["event"]);
        events.filter(|event| event["event"] == kind).cloned().collect()
    };
    let results = ["success", "library_path", "stages", "failures", "diagnostics"];
    for field in results {
        assert_eq!(joined["result"][field], built["result"][field], "{field}");
    }
    assert_eq!(built["result"]["success"], true, "{built}");
    assert!(built["result"]["stages"].as_object().unwrap().values().all(|reached| *reached == true));
    assert_eq!(joined["result"]["built"]["compiled"], 4, "the reply of the build that was joined");
    let started = events(&told, "started");
    assert!(started.len() == 5, "{started:?}");
    assert_eq!(events(&told_too, "started"), started, "each action once, and told to both");
    let (whole, _) = other.answer(1);
    assert_eq!(whole["result"]["success"], true, "{whole}");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "d\n", "compiled once for all");
}

/// A method that writes does not keep the umask from whoever has the turn.
#[test]
fn builds_of_clients_with_other_umasks_follow_each_other() {
    let field = waiting();
    field.jmake(&["daemon", "start"]).good("start");
    let params = json!({"environment": field.environment});
    let mut clients: Vec<Raw> = [0o022, 0o077, 0o002]
        .map(|umask| {
            let mut client = Raw::to(&field.socket());
            client.ask(0, "hello", &json!({"protocol": 1, "root": field.root, "umask": umask}));
            client.answer(0);
            client
        })
        .into();
    for (at, client) in clients.iter_mut().enumerate() {
        client.ask(1, "orchestrator.build_project", &params);
        wait("it to be in line", PATIENCE, || {
            field.at("mark").exists() && field.status()["daemon"]["waiting"] == at
        });
    }
    go(&field);
    for client in &mut clients {
        assert_eq!(client.answer(1).0["result"]["success"], true);
    }
}

/// A second cancel ends compilers at once that do not heed the first.
#[test]
fn a_second_cancel_does_not_wait() {
    let field = busy("ignore-term-and-fork");
    field.jmake(&["daemon", "start"]).good("start");
    let mut client = field.client();
    client.ask(1, "orchestrator.build_project", &json!({"environment": field.environment}));
    wait("compiler and grandchild", PATIENCE, || field.workers().len() == 2);
    let cancelled = Instant::now();
    for _ in 0..2 {
        client.say(b"{\"jsonrpc\": \"2.0\", \"method\": \"cancel\", \"params\": {\"id\": 1}}\n");
    }
    let (stopped, _) = client.answer(1);
    assert_eq!(stopped["result"]["built"]["cancelled"], true, "{stopped}");
    assert!(cancelled.elapsed() < Duration::from_secs(1), "{:?}", cancelled.elapsed());
    wait("compilers are gone", Duration::from_secs(3), || field.workers().is_empty());
}
