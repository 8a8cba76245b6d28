//! What happens when a command is stopped, has to wait, or is not listened to.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use support::shell::Shell;

/// A constant that takes the compiler far longer to work out than any test lasts.
const ENDLESS: &str = "constexpr int spin(long n) { int s = 0; for (long i = 0; i < n; ++i) s ^= i; return s; }\n\
                       constexpr int value = spin(100000000000);\nint get() { return value; }\n";

/// Starts `jmake` with `args` in the shell's folder.
#[expect(clippy::disallowed_methods, reason = "the test sends signals to it and closes its pipes")]
fn start(shell: &Shell, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_jmake"))
        .args(args)
        .current_dir(shell.dir())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", shell.home())
        .env("JMAKE_DAEMON", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("jmake can be started")
}

/// The processes whose parent is `parent`, with their process groups.
fn children(parent: u32) -> Vec<(u32, i32)> {
    processes()
        .into_iter()
        .filter(|process| process.1 == parent)
        .map(|(pid, _, group)| (pid, group))
        .collect()
}

/// Every process: its number, its parent's and its group's; ended ones that nobody has waited for
/// do not count.
fn processes() -> Vec<(u32, u32, i32)> {
    let entries = std::fs::read_dir("/proc").expect("this system has /proc").flatten();
    let stat = |entry: std::fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let text = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = text.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        (state != "Z").then_some(())?;
        Some((pid, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    entries.filter_map(stat).collect()
}

/// The names of temporary files anywhere below the shell's folder.
fn left_over(shell: &Shell) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![shell.dir().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if name.starts_with(jmake_core::fs::TEMPORARY) {
                found.push(name);
            }
        }
    }
    found
}

#[test]
fn an_interrupted_build_leaves_no_process_and_no_half_file() {
    let shell = Shell::with(&[
        ("jmake.toml", "[compile]\nflags = ['-fconstexpr-steps=2147483647']\n"),
        ("a.cpp", ENDLESS),
    ]);
    let mut jmake = start(&shell, &["build"]);
    let compilers = loop {
        let running = children(jmake.id());
        let compiles = |pid: u32| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.windows(5).any(|w| w == b"a.cpp"))
        };
        if running.iter().any(|(pid, _)| compiles(*pid)) {
            break running;
        }
        assert!(jmake.try_wait().expect("its state can be asked").is_none(), "jmake ended by itself");
        std::thread::yield_now();
    };
    let pid = Pid::from_raw(i32::try_from(jmake.id()).expect("a process id")).expect("a process id");
    kill_process(pid, Signal::INT).expect("it can be interrupted");
    let ended = jmake.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(errors, "error: interrupted\nhint: what is finished is kept; build again to go on\n");
    let groups: Vec<i32> = compilers.iter().map(|(_, group)| *group).collect();
    let alive: Vec<_> = processes().into_iter().filter(|(_, _, group)| groups.contains(group)).collect();
    assert_eq!(alive, [], "compilers that survived");
    assert_eq!(left_over(&shell), [""; 0]);
    assert!(!shell.has("julia"));

    shell.put("a.cpp", "int get() { return 1; }\n");
    let next = shell.run("build");
    assert!(next.contains("(1 compiled, 0 fresh, 0 restored) → julia/libdemo.so"), "{next}");
}

#[test]
fn a_second_build_waits_and_says_for_whom() {
    let shell = Shell::with(&[("a.c", "int a(void) { return 1; }\n")]);
    shell.run("build");
    let lock = shell.dir().join(".jmake/lock");
    let holder = "`jmake build` with process id 7";
    let held = jmake_core::fs::Lock::acquire(&lock, holder, |_| (), || false).expect("nobody holds it");
    let mut second = start(&shell, &["build"]);
    let mut errors = BufReader::new(second.stderr.take().expect("it is piped"));
    let mut line = String::new();
    errors.read_line(&mut line).expect("it says something");
    assert_eq!(line, "     Waiting for `jmake build` with process id 7\n");
    drop(held);
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("it says something");
    assert!(rest.contains("(0 compiled, 1 fresh, 0 restored)"), "{rest}");
    assert!(second.wait().expect("it ends").success());
}

#[test]
fn two_builds_at_once_do_the_work_once() {
    let shell = Shell::with(&[("a.c", "int a(void) { return 1; }\n")]);
    let both = [start(&shell, &["build", "--json"]), start(&shell, &["build", "--json"])];
    let compiled = both.map(|build| {
        let output = build.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("it is text");
        let last: serde_json::Value =
            serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON");
        last["compiled"].as_u64().expect("a number")
    });
    assert_eq!(compiled.iter().sum::<u64>(), 1, "{compiled:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shell = Shell::with(&[("a.c", "int a(void) { return 1; }\n")]);
    for args in [&["man"][..], &["discover", "--json"], &["completions", "bash"], &["--help"]] {
        let mut jmake = start(&shell, args);
        drop(jmake.stdout.take());
        let output = jmake.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
    }
}
