//! Odd things where the daemon should be: each build is right, loses a moment at most, says why to
//! the curious, and deletes nothing that is not jmake's.

use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemons::{PATIENCE, wait};
use crate::field::{Field, LOST, Raw};

/// A build that is right, does without the daemon for a reason that holds `why`, and loses no more
/// than it may.
fn without(field: &Field, why: &str) {
    let clean = field.clean();
    let ran = field.right(&clean, why);
    let note = ran.err.lines().find(|line| line.starts_with("note: done without the daemon: "));
    assert!(note.is_some_and(|note| note.contains(why)), "{why}: {}", ran.err);
    // The machine may be slow, but not that slow.
    assert!(ran.took < LOST * 5, "{why}: {:?}", ran.took);
    let quiet = field.jmake(&["build"]).good(why);
    assert_eq!(quiet.err.matches("daemon").count(), 0, "{}", quiet.err);
    let status = field.jmake(&["status"]).good("status").out;
    assert!(status.contains(why), "{why}: {status}");
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_run_folder_that_is_a_link() {
    let field = Field::new();
    let real = field.dir().join("elsewhere");
    std::fs::create_dir(&real).unwrap();
    mode(&real, 0o700);
    symlink(&real, field.run_dir()).unwrap();
    without(&field, "is a symbolic link");
    assert!(field.run_dir().is_symlink());
    assert_eq!(std::fs::read_dir(&real).unwrap().count(), 0);
}

#[test]
fn a_run_folder_that_others_can_enter() {
    for bits in [0o777, 0o755, 0o710, 0o701] {
        let field = Field::new();
        std::fs::create_dir(field.run_dir()).unwrap();
        mode(&field.run_dir(), bits);
        without(
            &field,
            &format!("others can enter the run folder `{}` (mode {bits:03o})", field.run_dir().display()),
        );
        assert_eq!(std::fs::read_dir(field.run_dir()).unwrap().count(), 0);
        assert_eq!(field.run_dir().metadata().unwrap().permissions().mode() & 0o777, bits);
    }
}

#[test]
fn a_run_folder_that_is_none() {
    let field = Field::new();
    std::fs::write(field.run_dir(), "mine").unwrap();
    without(&field, "is not a folder");
    assert_eq!(std::fs::read(field.run_dir()).unwrap(), b"mine");
}

#[test]
fn a_run_folder_of_somebody_else() {
    let field = Field::new();
    std::fs::create_dir(field.run_dir()).unwrap();
    mode(&field.run_dir(), 0o700);
    if std::os::unix::fs::chown(field.run_dir(), Some(65534), None).is_err() {
        println!("skipped: only root can give a folder away");
        return;
    }
    without(&field, "belongs to the user 65534");
    assert_eq!(std::fs::read_dir(field.run_dir()).unwrap().count(), 0);
}

/// Without `XDG_RUNTIME_DIR` the run folder lies in the user's cache.
#[test]
fn no_folder_of_the_session() {
    let field = Field::new();
    std::fs::remove_dir(field.dir().join("run")).unwrap();
    field.jmake(&["build"]).good("build");
    let run = field.dir().join("cache/jmake/run");
    assert_eq!(run.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let daemons = crate::daemons::Daemons::below(&run, true);
    assert_eq!(daemons.alive().len(), 1);
}

#[test]
fn something_else_at_the_sockets_place() {
    type Put = fn(&Path);
    let things: [(&str, Put); 3] = [
        ("file", |path| std::fs::write(path, "mine").unwrap()),
        ("pipe", |path| jmake_core::fs::make_fifo(path).unwrap()),
        ("folder", |path| std::fs::create_dir(path).unwrap()),
    ];
    for (name, put) in things {
        for ending in ["sock", "lock"] {
            let field = Field::new();
            let path = field.stem().with_extension(ending);
            std::fs::remove_file(&path).ok();
            put(&path);
            let before = path.symlink_metadata().unwrap();
            if (name, ending) == ("file", "lock") {
                continue;
            }
            let what = if ending == "sock" { "is not a socket" } else { "is not a file" };
            without(&field, what);
            let after = path.symlink_metadata().unwrap();
            assert_eq!(
                (before.file_type(), before.len()),
                (after.file_type(), after.len()),
                "{name} as {ending}"
            );
            assert_eq!(field.daemons.alive(), [0; 0]);
        }
    }
}

#[test]
fn a_socket_that_nobody_listens_to() {
    let field = Field::new();
    let clean = field.clean();
    let socket = field.stem().with_extension("sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    let ran = field.right(&clean, "a stale socket");
    assert!(!ran.err.contains("without the daemon"), "{}", ran.err);
    field.pid();
}

/// Listens where the daemon would, and lets `speak` have each connection.
fn impostor(field: &Field, speak: impl Fn(UnixStream) + Send + Sync + 'static) -> Arc<AtomicUsize> {
    let socket = field.stem().with_extension("sock");
    let listener = UnixListener::bind(socket).unwrap();
    let (speak, count) = (Arc::new(speak), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let speak = speak.clone();
            std::thread::spawn(move || speak(stream));
        }
    });
    count
}

fn welcome(root: &Path) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "result": {
        "protocol": 1, "program": "", "version": "0", "root": root, "pid": 1}})
}

#[test]
fn a_listener_that_never_answers() {
    let field = Field::new();
    let met = impostor(&field, |stream| {
        std::thread::sleep(PATIENCE);
        drop(stream);
    });
    without(&field, "the daemon does not answer");
    assert!(met.load(Ordering::SeqCst) >= 2, "it was asked");
    // Who listens is this very process: it would not see the next line.
    let ran = field.jmake(&["daemon", "stop"]);
    assert!(
        ran.code == Some(2) && ran.err.contains("the daemon does not answer"),
        "{:?} {}",
        ran.code,
        ran.err
    );
}

#[test]
fn a_listener_that_ends_the_connection() {
    let field = Field::new();
    impostor(&field, drop);
    without(&field, "the daemon ended the connection");
}

#[test]
fn a_listener_that_says_something_else() {
    let large = vec![b'x'; (16 << 20) + (1 << 16)];
    let answers: [(&[u8], &str); 7] = [
        (b"\x00\xff\xfe garbage\n", "makes no sense"),
        (b"{}\n[]\n", "ended the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "makes no sense"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":0,\"resu", "ended the connection"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":7}\n", "makes no sense"),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32001,\"message\":\"another protocol\"}}\n",
            "another protocol",
        ),
        (&large, "makes no sense: a line without end"),
    ];
    for (answer, why) in answers {
        let field = Field::new();
        let answer = answer.to_vec();
        impostor(&field, move |mut stream| {
            stream.read_exact(&mut [0; 100]).ok();
            stream.write_all(&answer).ok();
            // What the client has said must have been read, or it sees a reset instead of an end.
            stream.shutdown(std::net::Shutdown::Write).ok();
            stream.read_to_end(&mut Vec::new()).ok();
        });
        without(&field, why);
    }
}

/// Whether before the hello or in the middle of an answer, trickling bytes are no sign of life.
#[test]
fn a_listener_that_says_a_byte_now_and_then() {
    for welcome_first in [false, true] {
        let field = Field::new();
        let root = field.root.clone();
        impostor(&field, move |mut stream| {
            if welcome_first {
                writeln!(stream, "{}", welcome(&root)).ok();
            }
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        without(&field, "the daemon does not answer");
    }
}

#[test]
fn a_listener_for_another_project() {
    let field = Field::new();
    impostor(&field, |mut stream| {
        writeln!(stream, "{}", welcome(Path::new("/somewhere/else"))).ok();
        std::thread::sleep(PATIENCE);
    });
    without(&field, "the daemon is not the one that was asked for");
}

/// Late and foreign answers are dropped: the right one counts.
#[test]
fn answers_to_other_questions() {
    let field = Field::new();
    let root = field.root.clone();
    impostor(&field, move |mut stream| {
        writeln!(stream, "{}", welcome(&root)).ok();
        let built = json!({"reply": "built", "data": {
            "success": true, "cancelled": false, "profile": "made up", "results": [], "compiled": 0, "fresh": 0,
            "restored": 0, "failed": 0, "ran": 0, "settings_in_memory": false, "warnings": [], "untracked": false,
            "elapsed": 0.0}});
        let mut late = built.clone();
        late["data"]["success"] = false.into();
        writeln!(stream, "{}", json!({"jsonrpc": "2.0", "id": 77, "result": late})).ok();
        let told = json!({"id": 77, "event": {"event": "published", "path": "late"}});
        writeln!(stream, "{}", json!({"jsonrpc": "2.0", "method": "event", "params": told})).ok();
        writeln!(stream, "{}", json!({"jsonrpc": "2.0", "method": "news", "params": {"x": 1}})).ok();
        writeln!(stream, "{}", json!({"jsonrpc": "2.0", "id": 1, "result": built})).ok();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let ran = field.jmake(&["build", "-v"]).good("build");
    assert!(ran.err.contains("Finished made up in") && !ran.err.contains("late"), "{}", ran.err);
}

/// Runs this test binary's `test` as another user; `None` where that cannot be done.
fn as_nobody(test: &str, variable: (&str, &Path)) -> Option<(bool, String)> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable.0, variable.1)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let could = text.contains("running 1 test");
    could.then_some((output.status.success(), text))
}

/// In a child that is another user: connects and sends; everywhere else nothing.
#[test]
fn child_connects() {
    let Some(socket) = std::env::var_os("JMAKE_TEST_CONNECT") else { return };
    let mut raw = Raw::to(Path::new(&socket));
    raw.ask(0, "hello", &json!({"protocol": 1, "root": "/"}));
    assert_eq!(raw.hear(), None, "not a word");
}

/// In a child that is another user: listens; everywhere else nothing.
#[test]
fn child_listens() {
    let Some(socket) = std::env::var_os("JMAKE_TEST_LISTEN") else { return };
    let listener = UnixListener::bind(Path::new(&socket)).unwrap();
    mode(Path::new(&socket), 0o777);
    let (mut stream, _) = listener.accept().unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"", "the client said something");
}

#[test]
fn a_client_of_another_user() {
    let field = Field::new();
    let clean = field.clean();
    field.right(&clean, "first");
    // As if the folder's and the socket's modes kept nobody out.
    for path in [field.dir(), field.dir().join("run"), field.run_dir()] {
        mode(&path, 0o711);
    }
    mode(&field.socket(), 0o777);
    let Some((good, text)) = as_nobody("odd::child_connects", ("JMAKE_TEST_CONNECT", &field.socket())) else {
        println!("skipped: this needs root and setpriv");
        return;
    };
    assert!(good, "{text}");
    assert!(field.daemons.logs().contains("refused a client of the user 65534"), "{}", field.daemons.logs());
    mode(&field.run_dir(), 0o700);
    let ran = field.right(&clean, "afterwards");
    assert!(!ran.err.contains("without the daemon"), "{}", ran.err);
}

#[test]
fn a_daemon_of_another_user() {
    let field = Field::new();
    let clean = field.clean();
    let socket = field.stem().with_extension("sock");
    let lure = field.dir().join("lure");
    std::fs::create_dir(&lure).unwrap();
    for path in [&field.dir(), &lure] {
        mode(path, 0o777);
    }
    let theirs = lure.join("socket");
    std::thread::scope(|scope| {
        let child = scope.spawn(|| as_nobody("odd::child_listens", ("JMAKE_TEST_LISTEN", &theirs)));
        wait("somebody listens", PATIENCE, || child.is_finished() || theirs.exists());
        if child.is_finished() {
            println!("skipped: this needs root and setpriv");
            return;
        }
        wait("everybody may connect", PATIENCE, || {
            theirs.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o777)
        });
        std::fs::rename(&theirs, &socket).unwrap();
        let ran = field.right(&clean, "their daemon");
        assert!(
            ran.err.contains("note: done without the daemon: the daemon is that of the user 65534"),
            "{}",
            ran.err
        );
        let (good, text) = child.join().unwrap().unwrap();
        assert!(good, "{text}");
    });
}
