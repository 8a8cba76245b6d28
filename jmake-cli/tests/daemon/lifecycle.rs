//! How a daemon begins and ends.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::daemons::{PATIENCE, send, wait};
use crate::fake::{files, same};
use crate::field::{Field, finish};

#[test]
fn a_build_starts_one_and_the_next_uses_it() {
    let field = Field::new();
    let clean = field.clean();
    let first = field.right(&clean, "first");
    assert!(first.err.contains("(4 compiled, 0 fresh, 0 restored)"), "{}", first.err);
    let pid = field.pid();
    let second = field.right(&clean, "second");
    assert!(second.err.contains("(0 compiled, 4 fresh, 0 restored)"), "{}", second.err);
    assert!(!(first.err + &second.err).contains("without the daemon"));
    assert_eq!(field.pid(), pid);
    assert_eq!(field.status()["daemon"]["builds"], 2);
    let mode = |path: &std::path::Path| path.symlink_metadata().unwrap().mode() & 0o777;
    assert_eq!(mode(&field.run_dir()), 0o700);
    assert_eq!(mode(&field.socket()), 0o600);
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), std::path::Path::new("/"));
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(!environment.windows(5).any(|name| name == b"PATH="), "it has nothing of its client's");
    // A session of its own.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert_eq!(stat.rsplit_once(") ").unwrap().1.split(' ').nth(3), Some(&*pid.to_string()));
}

#[test]
fn the_verbs() {
    let field = Field::new();
    let said = |args: &[&str]| {
        let ran = field.jmake(args).good("verb");
        assert_eq!(ran.err, "", "{args:?}");
        ran.out
    };
    assert_eq!(said(&["daemon", "stop"]), "no daemon is running\n");
    assert!(said(&["status"]).contains("daemon        not running\n"));
    assert_eq!(said(&["daemon", "logs"]), "");
    assert!(!field.run_dir().exists(), "telling makes nothing");
    let started = said(&["daemon", "start"]);
    let pid = field.pid();
    assert_eq!(started, format!("the daemon is running (process id {pid})\n"));
    assert_eq!(said(&["daemon", "start"]), format!("the daemon is already running (process id {pid})\n"));
    for verb in [&["status"][..], &["daemon", "status"], &["status", "."]] {
        let text = said(verb);
        assert!(text.contains(&format!("running, process id {pid}, version")), "{text}");
        assert!(text.contains("ends after    1h without work\n"), "{text}");
    }
    assert!(
        said(&["daemon", "restart"])
            .ends_with(&format!("the daemon is running (process id {})\n", field.pid()))
    );
    assert_ne!(field.pid(), pid);
    let logs = said(&["daemon", "logs", "-n", "2"]);
    let lines: Vec<&str> = logs.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].contains("stopped: asked to") && lines[1].contains("started: "),
        "{logs}"
    );
    let pid = field.pid();
    assert_eq!(said(&["daemon", "stop"]), format!("the daemon (process id {pid}) has ended\n"));
    assert_eq!(field.daemons.alive(), [0; 0]);
    assert_eq!(field.daemons.files(".sock"), [""; 0].map(std::path::PathBuf::from));
    let json = field.jmake(&["daemon", "stop", "--json"]).json();
    assert_eq!(json, json!({"running": false, "stopped": false}));
    let text = said(&["status", "--json"]);
    assert!(text.contains("\"daemon\": null") && text.contains("\"died\": null"), "{text}");
}

#[test]
fn it_is_not_used_where_it_is_not_wanted() {
    let field = Field::new();
    let build = |args: &[&str], variable: Option<(&str, &str)>| {
        let mut command = field.command(args);
        command.envs(variable);
        let ran = finish(command.spawn().unwrap()).good("build");
        assert!(!ran.err.contains("daemon"), "{}", ran.err);
        assert!(!field.run_dir().exists(), "{args:?} {variable:?}");
    };
    build(&["build", "-v", "--daemon", "off"], None);
    build(&["build", "-v"], Some(("JMAKE_DAEMON", "off")));
    build(&["build", "-v"], Some(("CI", "true")));
    build(&["discover", "-v"], None);
    field.write("jmake.toml", "[project]\nname = \"p\"\n[daemon]\nenabled = false\n");
    build(&["build", "-v"], None);
    assert!(field.jmake(&["status"]).out.contains("not used      `daemon.enabled` is `false`\n"));
    let mut command = field.command(&["build"]);
    let wrong = finish(command.env("JMAKE_DAEMON", "banana").spawn().unwrap());
    assert_eq!(
        (wrong.code, &*wrong.err),
        (Some(2), "error: `JMAKE_DAEMON` must be `auto`, `on` or `off`, not `banana`\n")
    );
    // What was typed beats all of it.
    let mut command = field.command(&["discover", "--daemon", "on"]);
    finish(command.env("CI", "1").env("JMAKE_DAEMON", "off").spawn().unwrap()).good("discover");
    field.pid();
}

#[test]
fn it_ends_when_there_was_nothing_to_do() {
    let field = Field::new();
    field.write("jmake.toml", "[project]\nname = \"p\"\n[daemon]\nidle_timeout = \"1s\"\n");
    field.write("sub/d.c", "// fakecc: sleep 3000\nint d(void) { return 4; }\n");
    // Work in flight is activity, and takes longer than the limit.
    let ran = field.jmake(&["build", "-v"]).good("a long build");
    assert!(!ran.err.contains("daemon"), "{}", ran.err);
    wait("it ends by itself", PATIENCE, || field.daemons.alive().is_empty());
    assert!(
        field.daemons.logs().trim_end().ends_with("stopped: there was nothing to do"),
        "{}",
        field.daemons.logs()
    );
    assert_eq!(field.status()["died"], json!(null));
}

#[test]
fn it_ends_when_its_root_is_gone_or_another() {
    let field = Field::new();
    let clean = field.clean();
    field.right(&clean, "first");
    let (old, away) = (field.pid(), field.dir().join("work/q"));
    let socket = field.socket();
    std::fs::rename(&field.root, &away).unwrap();
    // Where the system does not tell, the daemon looks round when somebody comes who still knows the
    // socket; where it does, it may be gone by then.
    drop(std::os::unix::net::UnixStream::connect(&socket));
    wait("it ends when its root has moved", PATIENCE, || field.daemons.alive().is_empty());
    assert!(field.daemons.logs().contains("is gone or another folder"));
    // Another folder of that name is another project.
    field.jmake_in(&away, &["build"]).good("where it moved to");
    let moved = field.pid();
    assert_ne!(moved, old);
    crate::fake::copy_tree(&away, &field.root, &[]);
    field.right(&clean, "the copy");
    assert_eq!(field.daemons.alive().len(), 2);
    std::fs::rename(&field.root, field.dir().join("work/r")).unwrap();
    std::fs::rename(&away, &field.root).unwrap();
    field.right(&clean, "another folder of the same name");
}

#[test]
fn it_ends_when_its_files_are_not_its_own() {
    for ending in [".lock", ".sock"] {
        let field = Field::new();
        let clean = field.clean();
        field.right(&clean, "first");
        let (old, file) = (field.pid(), field.daemons.files(ending)[0].clone());
        std::fs::remove_file(&file).unwrap();
        field.right(&clean, "without its file");
        field.right(&clean, "once more");
        if ending == ".lock" {
            wait("it ends", PATIENCE, || !field.daemons.alive().contains(&old));
            assert!(field.daemons.logs().contains("the lock file is not its own any more"));
        }
        field.right(&clean, "with a new one");
    }
}

#[test]
fn one_that_died_is_told_of_once() {
    let field = Field::new();
    field.jmake(&["build"]).good("build");
    let died = field.pid();
    send(died, Signal::KILL);
    wait("it is gone", PATIENCE, || field.daemons.alive().is_empty() && field.daemons.locks_are_free());
    let status = field.status();
    let last = status["died"][0].as_str().unwrap().to_owned();
    assert!(last.contains(&format!(" {died}: started: ")), "{status}");
    let text = field.jmake(&["status"]).out;
    assert!(text.contains("died          the one before ended without a word; its last lines:\n"), "{text}");
    let next = field.jmake(&["build", "-v"]).good("next");
    assert!(
        next.err.contains("note: the daemon before this one ended without a word; its last lines:\n"),
        "{}",
        next.err
    );
    assert!(next.err.contains(&last), "{}", next.err);
    let then = field.jmake(&["build", "-v"]).good("then");
    assert!(!then.err.contains("ended without a word"), "{}", then.err);
    assert_eq!(field.status()["daemon"]["died"][0], json!(last), "its successor remembers");
    // Nobody but the curious is told.
    send(field.pid(), Signal::KILL);
    wait("it is gone", PATIENCE, || field.daemons.alive().is_empty() && field.daemons.locks_are_free());
    assert!(!field.jmake(&["build"]).good("quiet").err.contains("note"));
}

#[test]
fn a_signal_ends_it_in_order() {
    let field = Field::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        field.jmake(&["build"]).good("build");
        send(field.pid(), signal);
        wait("it ends", PATIENCE, || field.daemons.alive().is_empty());
        assert!(field.daemons.logs().trim_end().ends_with("stopped: a signal"), "{}", field.daemons.logs());
    }
}

#[test]
fn its_log_is_put_aside_when_it_has_grown() {
    let field = Field::new();
    let log = field.stem().with_extension("log");
    std::fs::write(&log, "x".repeat(99).repeat(20_000) + "\n0 1: stopped: x\n").unwrap();
    field.jmake(&["daemon", "start"]).good("start");
    let old = log.with_extension("log.1");
    assert!(old.metadata().unwrap().len() > 1 << 20);
    assert!(log.metadata().unwrap().len() < 1000);
    assert!(field.jmake(&["daemon", "logs"]).out.contains("started: "));
}

/// A caller that waits for the end of a pipe gets it, though the daemon that was started meanwhile
/// lives on.
#[test]
fn descriptors_of_its_clients_caller_are_closed() {
    let field = Field::new();
    let mut command = Command::new("/bin/sh");
    field.surround(&mut command);
    command.args(["-c", "\"$0\" build 7>&1 8>&2 9<&0", env!("CARGO_BIN_EXE_jmake")]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = command.stdin(reader).stdout(Stdio::piped()).spawn().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    let mut out = child.stdout.take().unwrap();
    std::thread::spawn(move || sender.send(out.read_to_end(&mut Vec::new()).is_ok()));
    assert!(child.wait().unwrap().success());
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(true), "the end of the pipe");
    drop(writer);
    let mut open: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", field.pid()))
        .unwrap()
        .flatten()
        .map(|entry| std::fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    open.retain(|target| target.starts_with("pipe:"));
    // The one by which it hears of signals.
    assert!(open.len() <= 2, "{open:?}");
}

/// How often the threads of `pid` have been given a processor.
fn switches(pid: i32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let status = tasks.map(|task| std::fs::read_to_string(task.path().join("status")).unwrap_or_default());
    let count = |text: String| -> u64 {
        let lines = text.lines().filter(|line| line.contains("ctxt_switches"));
        lines.map(|line| line.rsplit('\t').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    status.map(count).sum()
}

#[test]
fn an_idle_one_does_nothing_at_all() {
    let (_field, pid) = at_rest();
    let before = switches(pid);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(switches(pid), before, "it was woken");
}

/// How long a daemon may take to notice that what it stands on is gone, when nobody speaks to it.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A daemon at rest, and its process id.
fn at_rest() -> (Field, i32) {
    let field = Field::new();
    field.jmake(&["build"]).good("build");
    let pid = field.pid();
    let mut before = switches(pid);
    // What it does after a build comes to an end first.
    wait("it comes to rest", PATIENCE, || {
        std::thread::sleep(Duration::from_millis(200));
        std::mem::replace(&mut before, switches(pid)) == switches(pid)
    });
    (field, pid)
}

#[test]
fn it_notices_by_itself_that_its_ground_is_gone() {
    type Harm = fn(&Field);
    let harms: [(&str, Harm); 9] = [
        ("the socket removed", |field| std::fs::remove_file(field.socket()).unwrap()),
        ("the socket replaced", |field| {
            let other = field.run_dir().join("other");
            drop(std::os::unix::net::UnixListener::bind(&other).unwrap());
            std::fs::rename(other, field.socket()).unwrap();
        }),
        ("the lock file removed", |field| {
            std::fs::remove_file(&field.daemons.files(".lock")[0]).unwrap();
        }),
        ("the run folder renamed", |field| {
            std::fs::rename(field.run_dir(), field.dir().join("run/moved")).unwrap();
        }),
        ("the root renamed", |field| std::fs::rename(&field.root, field.dir().join("work/q")).unwrap()),
        ("a folder above the root renamed", |field| {
            std::fs::rename(field.dir().join("work"), field.dir().join("moved")).unwrap();
        }),
        ("the root removed", |field| std::fs::remove_dir_all(&field.root).unwrap()),
        ("the root made anew", |field| {
            std::fs::remove_dir_all(&field.root).unwrap();
            // Where the number of the old one is given to the new one, only the event tells.
            std::fs::create_dir(&field.root).unwrap();
        }),
        ("the root made anew while somebody was in it", |field| {
            let inside = std::fs::File::open(&field.root).unwrap();
            std::fs::remove_dir_all(&field.root).unwrap();
            std::fs::create_dir(&field.root).unwrap();
            wait("it ends", AT_ONCE, || field.daemons.alive().is_empty());
            drop(inside);
        }),
    ];
    for (what, harm) in harms {
        let (field, _) = at_rest();
        harm(&field);
        wait(what, AT_ONCE, || field.daemons.alive().is_empty());
    }
}

#[test]
fn what_happens_beside_its_ground_does_not_wake_it() {
    let (field, pid) = at_rest();
    // The thread that serves, which is the one that looks.
    let main = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/status")).unwrap();
        let lines: Vec<_> = status.lines().filter(|line| line.contains("ctxt_switches")).collect();
        lines.join(" ")
    };
    let before = main();
    let file = |path: std::path::PathBuf| {
        std::fs::write(&path, "x").unwrap();
        std::fs::rename(&path, path.with_extension("renamed")).unwrap();
        std::fs::remove_file(path.with_extension("renamed")).unwrap();
    };
    for dir in [field.dir(), field.dir().join("work"), field.dir().join("run"), field.run_dir()] {
        file(dir.join("other"));
        std::fs::create_dir(dir.join("folder")).unwrap();
        file(dir.join("folder/other"));
        std::fs::remove_dir(dir.join("folder")).unwrap();
    }
    // Long enough for it to have woken.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(main(), before, "it was woken");
    assert_eq!(field.pid(), pid);
    field.jmake(&["build", "-v"]).good("it still serves");
    assert_eq!(field.pid(), pid);
}

#[test]
fn many_builds_leave_nothing_open() {
    let field = Field::new();
    let count = |what: &str| std::fs::read_dir(format!("/proc/{}/{what}", field.pid())).unwrap().count();
    let mut least = (usize::MAX, usize::MAX);
    for round in 0..100 {
        field.write("a.c", format!("int a(void) {{ return {}; }}\n", round / 2));
        field.jmake(&["build"]).good("build");
        if round == 20 {
            least = (count("fd"), count("task"));
        }
    }
    wait("as few descriptors and threads as before", PATIENCE, || {
        count("fd") <= least.0 && count("task") <= least.1
    });
    assert_eq!(field.status()["daemon"]["builds"], 100);
}

/// The umask, like everything else, is that of whoever asks.
#[test]
fn the_clients_umask_counts() {
    let field = Field::new();
    let build = |umask: &str, way: &str| {
        let mut command = Command::new("/bin/sh");
        field.surround(&mut command);
        let script = format!("umask {umask}; exec \"$0\" build --force --daemon {way}");
        finish(command.args(["-c", &script, env!("CARGO_BIN_EXE_jmake")]).spawn().unwrap()).good(umask);
        let modes = |path: &std::path::PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        files(&field.at("julia")).iter().map(modes).collect::<Vec<_>>()
    };
    for umask in ["022", "077", "002", "027"] {
        std::fs::remove_dir_all(field.at("julia")).ok();
        let through = build(umask, "on");
        std::fs::remove_dir_all(field.at("julia")).ok();
        assert_eq!(through, build(umask, "off"), "{umask}");
    }
    field.pid();
    assert_eq!(field.daemons.notes(), [""; 0]);
}

/// A daemon that was started amid variables that compilers obey makes what one makes that was not,
/// and the other way round: the fake compiler shows every variable that reaches it.
#[test]
fn the_environment_it_was_started_in_does_not_count() {
    let evil = [
        "CPATH",
        "LIBRARY_PATH",
        "LD_LIBRARY_PATH",
        "CCC_OVERRIDE_OPTIONS",
        "SOURCE_DATE_EPOCH",
        "FAKECC",
        "CFLAGS",
        "TMPDIR",
        "LC_ALL",
        "MAKEFLAGS",
    ];
    for evil_first in [true, false] {
        let field = Field::new();
        let clean = field.clean();
        for start in [true, false] {
            let mut command = field.command(if start { &["daemon", "start"] } else { &["build", "-v"] });
            if start == evil_first {
                command.envs(evil.map(|name| (name, "/evil")));
            }
            let ran = finish(command.spawn().unwrap()).good("either way");
            assert!(!ran.err.contains("without the daemon"), "{}", ran.err);
        }
        same(&field.published(), &clean, "either way");
    }
}

#[test]
fn other_limits_do_without() {
    let field = Field::new();
    let clean = field.clean();
    field.right(&clean, "first");
    for change in ["ulimit -n 200", "ulimit -c 0; ulimit -t 1000", "renice -n 5 $$ >/dev/null"] {
        let mut command = Command::new("/bin/sh");
        field.surround(&mut command);
        let script = format!("{change}; exec \"$0\" build -v");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_jmake")]);
        let ran = finish(command.spawn().unwrap()).good(change);
        let why = "note: done without the daemon: this daemon runs under other limits";
        assert!(ran.err.contains(why), "{change}: {}", ran.err);
        same(&field.published(), &clean, change);
        assert!(field.jmake(&["status"]).out.contains("last without  this daemon runs under other limits"));
    }
    field.right(&clean, "with the same again");
    assert!(!field.jmake(&["status"]).out.contains("last without"));
}

/// A `make` above gives its permissions by descriptors, which are worth nothing elsewhere.
#[test]
fn a_make_above_that_shares_by_descriptors() {
    let field = Field::new();
    let mut command = field.command(&["build", "-v"]);
    let ran = finish(command.env("MAKEFLAGS", "-j4 --jobserver-auth=3,4").spawn().unwrap()).good("build");
    assert!(ran.err.contains("note: done without the daemon: the `make` above"), "{}", ran.err);
    assert_eq!(field.daemons.alive(), [0; 0]);
}

impl Field {
    fn jmake_in(&self, dir: &std::path::Path, args: &[&str]) -> crate::field::Ran {
        finish(self.command(args).current_dir(dir).spawn().unwrap())
    }
}
