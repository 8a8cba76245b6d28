//! What the daemon answers to good and bad messages, over a real socket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemons::PATIENCE;
use crate::field::{Field, Raw};

fn running() -> Field {
    let field = Field::new();
    field.jmake(&["daemon", "start"]).good("start");
    field
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn a_build_with_its_events() {
    let field = running();
    let mut client = field.client();
    client.ask(5, "engine.handle", &field.build_params());
    let (answer, before) = client.answer(5);
    assert_eq!(answer["result"]["reply"], "built");
    assert_eq!(
        (&answer["result"]["data"]["compiled"], &answer["result"]["data"]["success"]),
        (&4.into(), &true.into())
    );
    let events: Vec<&str> = before
        .iter()
        .filter(|message| message["method"] == "event" && message["params"]["id"] == 5)
        .map(|message| message["params"]["event"]["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        (events[0], events.iter().filter(|event| **event == "started").count()),
        ("planned", 5),
        "{events:?}"
    );
    crate::fake::same(&field.published(), &field.clean(), "through a socket");
    // Several requests over one connection, answered by their own names.
    for id in 6..26 {
        client.ask(
            id,
            "engine.handle",
            &json!({"environment": field.environment, "request": {"verb": "discover"}}),
        );
    }
    assert_eq!(client.answered(20), (6..26).collect::<Vec<_>>());
    client.say(b"{\"jsonrpc\":\"2.0\",\"id\":\"a name\",\"method\":\"daemon.status\"}\n");
    // On a slow machine there were signs of life in between.
    let answer = std::iter::from_fn(|| client.hear()).find(|message| message.get("method").is_none());
    assert_eq!(answer.unwrap()["id"], "a name");
}

#[test]
fn what_is_no_request() {
    let field = running();
    let mut client = field.client();
    let cases: [(&[u8], i64); 9] = [
        (b"\xff\xfe\x00\n", -32700),
        (b"\n", -32700),
        (b"{\n", -32700),
        (b"[]\n", -32600),
        (b"{\"id\":1}\n", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{}}\n", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no.such\"}\n", -32601),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engine.handle\"}\n", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engine.handle\",\"params\":{\"environment\":{},\"request\":{\"verb\":\"dance\"}}}\n", -32602),
    ];
    for (line, wanted) in cases {
        client.say(line);
        let answer = client.hear().expect("it goes on");
        assert_eq!(code(&answer), wanted, "{}", String::from_utf8_lossy(line));
    }
    // Notifications have no answers, whatever they say.
    client.say(b"{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"id\":99}}\n{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n");
    client.ask(2, "daemon.status", &Value::Null);
    assert!(client.hear().unwrap()["result"]["pid"].is_number());
}

#[test]
fn hello_comes_first_and_must_fit() {
    let field = running();
    let root = field.root.clone();
    let mut client = Raw::to(&field.socket());
    client.ask(1, "daemon.status", &Value::Null);
    assert_eq!(code(&client.answer(1).0), -32600);
    for wrong in [
        json!({"protocol": 2, "root": root}),
        json!({"protocol": 1, "root": "/elsewhere"}),
        json!({"protocol": 1, "root": root, "program": "another build"}),
        json!({"protocol": 1, "root": root, "limits": "others"}),
    ] {
        client.ask(2, "hello", &wrong);
        assert_eq!(code(&client.answer(2).0), -32001, "{wrong}");
        client.ask(3, "engine.handle", &field.build_params());
        assert_eq!(code(&client.answer(3).0), -32600, "nothing is done for {wrong}");
    }
    client.ask(4, "hello", &json!({"protocol": 1}));
    assert_eq!(code(&client.answer(4).0), -32602);
    client.hello(&root);
    client.ask(5, "daemon.status", &Value::Null);
    assert_eq!(client.answer(5).0["result"]["requests"], 0);
    assert!(!field.at(".jmake").exists());
}

#[test]
fn a_line_without_end() {
    let field = running();
    let mut client = field.client();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..18 {
        client.say(&piece);
    }
    assert_eq!(code(&client.hear().expect("it is told why")), -32600);
    assert_eq!(client.hear(), None, "and that is the end");
    // Others have not noticed, and nothing of it stays in memory.
    let memory = field.status()["daemon"]["memory"].as_u64().unwrap();
    assert!(memory < 80 << 20, "{memory}");
    field.client();
}

/// Somebody who says nothing, or half a line, or a byte a second, is shown the door; others are
/// served meanwhile.
#[test]
fn slow_clients() {
    let field = running();
    let mut silent = Raw::to(&field.socket());
    let mut half = field.client();
    half.say(b"{\"jsonrpc\":");
    let mut trickle = Raw::to(&field.socket());
    let mut ended = [false; 3];
    let begun = Instant::now();
    while ended.contains(&false) {
        assert!(begun.elapsed() < PATIENCE, "{ended:?}");
        trickle.say(b"x");
        field.jmake(&["build", "-v"]).good("meanwhile");
        for (client, ended) in [&mut silent, &mut half, &mut trickle].into_iter().zip(&mut ended) {
            client.stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut byte = [0];
            match std::io::Read::read(&mut client.stream, &mut byte) {
                Ok(0) => *ended = true,
                Ok(_) => panic!("it said something"),
                Err(e) => *ended |= e.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(4), "each has a few seconds");
    assert_eq!(field.daemons.notes(), [""; 0]);
}

/// A client that asks for much and reads nothing does not keep the daemon from others.
#[test]
fn a_client_that_does_not_read() {
    let field = running();
    let mut greedy = field.client();
    greedy.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let asked = json!({"environment": field.environment, "request": {"verb": "discover"}});
    for id in 1..500 {
        greedy.ask(id, "engine.handle", &asked);
    }
    let ran = field.jmake(&["build", "-v"]).good("meanwhile");
    assert!(!ran.err.contains("without the daemon"), "{}", ran.err);
    // And when it reads at last, everything is there.
    assert_eq!(greedy.answered(499), (1..500).collect::<Vec<_>>());
}

#[test]
fn more_clients_than_it_serves() {
    let field = running();
    let clean = field.clean();
    let socket = field.socket();
    let many: Vec<_> =
        (0..400).map_while(|_| std::os::unix::net::UnixStream::connect(&socket).ok()).collect();
    assert!(many.len() > 256, "{}", many.len());
    field.right(&clean, "beside many");
    drop(many);
    crate::daemons::wait("it serves again", PATIENCE, || {
        !field.jmake(&["build", "-v"]).good("again").err.contains("without the daemon")
    });
}

/// While something is done, something is heard.
#[test]
fn a_sign_of_life() {
    let field = running();
    field.write("sub/d.c", "// fakecc: sleep 2500\nint d(void) { return 4; }\n");
    let mut client = field.client();
    client.ask(1, "engine.handle", &field.build_params());
    let mut longest = Duration::ZERO;
    let mut alive = 0;
    loop {
        let waiting = Instant::now();
        let message = client.hear().unwrap();
        longest = longest.max(waiting.elapsed());
        alive += usize::from(message["method"] == "alive" && message["params"]["id"] == 1);
        if message.get("result").is_some() {
            break;
        }
    }
    assert!(alive >= 3, "{alive}");
    assert!(longest < Duration::from_millis(1400), "{longest:?}");
}
