//! `jmake watch`: a round for each change, and none for what is no change.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::{Sandbox, jmake};

/// How long a round may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that watches, and what it says.
struct Watching {
    sandbox: Sandbox,
    project: PathBuf,
    child: Child,
    events: Receiver<Value>,
}

/// What one round began with, and what came of it.
struct Round {
    changes: Vec<(String, String)>,
    outcome: Value,
    text: String,
}

impl Watching {
    fn of(files: &[(&str, &str)], more: &[&str]) -> Watching {
        let sandbox = Sandbox::new().unwrap();
        let project = sandbox.work().join("p");
        for (name, text) in files {
            write(&project.join(name), text);
        }
        let args = [&["watch", ".", "--message-format", "json"], more].concat();
        let mut command = sandbox.command(jmake(), &project, &args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, events) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            // Lines of the command after `--exec` are no events.
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| json!({"said": line}));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Watching { sandbox, project, child, events }
    }

    fn next(&self, what: &str) -> Value {
        self.events.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{what}: {e}"))
    }

    /// The next round, from its beginning to its end.
    fn round(&self, what: &str) -> Round {
        let mut round = Round { changes: Vec::new(), outcome: Value::Null, text: String::new() };
        loop {
            let event = self.next(what);
            match event["event"].as_str() {
                Some("changed") => {
                    let of = |file: &Value| {
                        let text = |key: &str| file[key].as_str().unwrap().to_owned();
                        (text("how"), text("path"))
                    };
                    // A round that was broken off by a later change goes on as the next.
                    round.changes.extend(event["files"].as_array().unwrap().iter().map(of));
                }
                Some("round") => {
                    round.outcome = event;
                    return round;
                }
                Some("finished") => round.text += event["output"].as_str().unwrap(),
                Some("diagnostic") => round.text += event["message"].as_str().unwrap(),
                _ => {}
            }
        }
    }

    fn good(&self, what: &str, changes: &[(&str, &str)], compiled: u64) -> Round {
        let round = self.round(what);
        let said: Vec<_> = round.changes.iter().map(|(how, path)| (how.as_str(), path.as_str())).collect();
        assert_eq!(said, changes, "{what}");
        assert_eq!(round.outcome["success"], true, "{what}: {}", round.text);
        assert_eq!(round.outcome["compiled"], compiled, "{what}: {}", round.outcome);
        round
    }

    fn write(&self, name: &str, text: &str) {
        write(&self.project.join(name), text);
    }

    fn ends(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn write(path: &std::path::Path, text: &str) {
    jmake_core::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // In place, as an editor that does not rename would.
    #[expect(clippy::disallowed_methods, reason = "the test is the editor")]
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_round_for_each_change() {
    let mut watching = Watching::of(
        &[
            ("src/a.c", "#include \"x.h\"\nint a(void) { return X; }\n"),
            ("src/b.c", "int b(void) { return 2; }\n"),
            ("src/x.h", "#define X 1\n"),
        ],
        &[],
    );
    watching.good("the first", &[], 2);
    watching.write("src/b.c", "int b(void) { return 3; }\n");
    watching.good("written over", &[("changed", "src/b.c")], 1);
    watching.write("src/new.c", "int fresh(void) { return 4; }\n");
    watching.good("a new source", &[("new", "src/new.c")], 1);
    // As many editors save: to another name, then renamed over; beside it files of their own.
    watching.write("src/.b.c.swp", "x");
    watching.write("src/b.c~", "int b(void) { return 3; }\n");
    watching.write("src/b.c.tmp", "int b(void) { return 5; }\n");
    jmake_core::fs::rename(&watching.project.join("src/b.c.tmp"), &watching.project.join("src/b.c")).unwrap();
    watching.good("renamed over", &[("changed", "src/b.c")], 1);
    watching.write("src/x.h", "#define X 9\n");
    watching.good("a header", &[("changed", "src/x.h")], 1);
    jmake_core::fs::remove_file(&watching.project.join("src/new.c")).unwrap();
    watching.good("a source gone", &[("gone", "src/new.c")], 0);
    jmake_core::fs::rename(&watching.project.join("src/b.c"), &watching.project.join("src/c.c")).unwrap();
    watching.good("a source renamed", &[("gone", "src/b.c"), ("new", "src/c.c")], 1);
    watching.write("src/deep/er/still/d.c", "int d(void) { return 6; }\n");
    // The first folder may begin a round before there is a source in the last one.
    let mut round = watching.round("a source in new folders");
    assert_eq!(round.changes[0], ("new".into(), "src/deep".into()), "{:?}", round.changes);
    while round.outcome["compiled"] == 0 {
        round = watching.round("the source itself");
    }
    assert_eq!((&round.outcome["success"], &round.outcome["compiled"]), (&json!(true), &json!(1)));
    // What the folders said late begins a round of nothing, which is passed over in silence.
    // Those folders are watched by now.
    watching.write("src/deep/er/still/d.c", "int d(void) { return 7; }\n");
    watching.good("an edit in them", &[("changed", "src/deep/er/still/d.c")], 1);
    watching.ends();
}

#[test]
fn what_is_broken_and_mended() {
    let mut watching = Watching::of(&[("a.c", "int a(void) { return 1; }\n"), ("jmake.toml", "")], &[]);
    watching.good("the first", &[], 1);
    watching.write("a.c", "int a(void) { return ; }}\n");
    let round = watching.round("a source that does not compile");
    assert_eq!((&round.outcome["success"], &round.outcome["failed"]), (&json!(false), &json!(1)));
    assert!(round.text.contains("a.c:1:"), "{}", round.text);
    watching.write("a.c", "int a(void) { return 2; }\n");
    watching.good("mended", &[("changed", "a.c")], 1);
    watching.write("jmake.toml", "[compile\n");
    let round = watching.round("settings that cannot be read");
    assert_eq!((&round.outcome["success"], &round.outcome["failed"]), (&json!(false), &json!(0)));
    watching.write("jmake.toml", "[compile]\ndefines = { N = 1 }\n");
    watching.good("settings mended", &[("changed", "jmake.toml")], 1);
    // Broken from the beginning: nothing was ever built, and still an edit is noticed.
    watching.ends();
    let mut watching = Watching::of(&[("src/a.c", "no C at all\n")], &[]);
    assert_eq!(watching.round("broken at first").outcome["success"], false);
    watching.write("src/a.c", "int a(void) { return 1; }\n");
    watching.good("then mended", &[("changed", "src/a.c")], 1);
    watching.ends();
}

#[test]
fn what_was_asked_to_be_ignored() {
    let settings = "[watch]\nignore = [\"generated\"]\ndebounce = \"20ms\"\n";
    let mut watching = Watching::of(&[("a.c", "int a(void) { return 1; }\n"), ("jmake.toml", settings)], &[]);
    watching.good("the first", &[], 1);
    watching.write("generated/notes.h", "// nobody includes it\n");
    watching.write("notes.txt", "nothing to do with it\n");
    watching.write("a.c", "int a(void) { return 2; }\n");
    watching.good("only the source counts", &[("changed", "a.c")], 1);
    watching.ends();
}

/// The command runs after each good round, and is ended before the next.
#[test]
fn a_command_after_each_good_round() {
    let exec = "echo run-$(cat n); exec sleep 1000";
    let mut watching = Watching::of(&[("a.c", "int a(void) { return 1; }\n"), ("n", "1")], &["--exec", exec]);
    watching.good("the first", &[], 1);
    assert_eq!(watching.next("the command")["said"], "run-1");
    watching.write("n", "2");
    watching.write("a.c", "int a(void) { return }\n");
    assert_eq!(watching.round("broken").outcome["success"], false);
    watching.write("a.c", "int a(void) { return 3; }\n");
    watching.good("mended", &[("changed", "a.c")], 1);
    assert_eq!(watching.next("the command, once, and not after the failure")["said"], "run-2");
    watching.ends();
    let left =
        watching.sandbox.run(std::path::Path::new("/bin/ps"), &watching.project, &["-eo", "args"]).unwrap();
    assert!(!String::from_utf8_lossy(&left.stdout).contains("sleep 1000"), "the command outlives the watch");
}
