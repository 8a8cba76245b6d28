//! Daemons that stop, die or are ended in the middle: the build is right all the same.

use std::time::Duration;

use rustix::process::Signal;

use crate::daemons::{PATIENCE, send, wait};
use crate::fake::same;
use crate::field::{Field, LOST, finish};

/// A project one of whose compilers says in `mark` that it is at work, and waits for `go`.
fn waiting() -> Field {
    let field = Field::new();
    let text = format!(
        "// fakecc: touch {}\n// fakecc: wait-for {}\nint d(void) {{ return 4; }}\n",
        field.at("mark").display(),
        field.at("go").display()
    );
    field.write("sub/d.c", text);
    field
}

#[test]
fn stopped_while_idle() {
    let field = Field::new();
    let clean = field.clean();
    field.right(&clean, "first");
    let pid = field.pid();
    send(pid, Signal::STOP);
    field.write("a.c", "#include \"inc/x.h\"\nint a(void) { return X + 1; }\n");
    let clean = field.clean();
    let ran = field.right(&clean, "while it is stopped");
    assert!(ran.err.contains("note: done without the daemon: the daemon does not answer"), "{}", ran.err);
    assert!(ran.took < LOST * 2, "{:?}", ran.took);
    assert_eq!(field.pid(), pid, "it held nothing, so nobody ended it");
    send(pid, Signal::CONT);
    wait("it is used again", PATIENCE, || {
        !field.right(&clean, "continued").err.contains("without the daemon")
    });
    assert_eq!(field.pid(), pid);
}

#[test]
fn stopped_in_the_middle_of_a_build() {
    let field = waiting();
    let build = field.start_and_meet(&["build", "-v"], "mark");
    let pid = field.pid();
    send(pid, Signal::STOP);
    std::fs::write(field.at("go"), "").unwrap();
    let ran = finish(build).good("build");
    assert!(ran.took < LOST * 3, "{:?}", ran.took);
    assert!(
        ran.err.contains(
            "note: the daemon was lost, so the rest is done without it: the daemon does not answer"
        ),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains(&format!("note: the daemon (process id {pid}) did not answer and was ended")),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.matches("Finished").count(), 1, "{}", ran.err);
    same(&field.published(), &field.clean(), "after all");
    wait("it is gone", PATIENCE, || field.daemons.alive().is_empty());
}

/// Another client comes while the stopped daemon holds the project.
#[test]
fn stopped_in_the_middle_of_somebody_elses_build() {
    let field = waiting();
    field.jmake(&["daemon", "start"]).good("start");
    let mut client = field.client();
    client.ask(1, "engine.handle", &field.build_params());
    wait("the compiler is at work", PATIENCE, || field.at("mark").exists());
    send(field.pid(), Signal::STOP);
    std::fs::write(field.at("go"), "").unwrap();
    let ran = field.right(&field.clean(), "the other");
    assert!(ran.err.contains("did not answer and was ended"), "{}", ran.err);
    assert!(ran.took < LOST * 3, "{:?}", ran.took);
}

#[test]
fn killed_in_the_middle_of_a_build() {
    let field = waiting();
    let build = field.start_and_meet(&["build", "--json"], "mark");
    send(field.pid(), Signal::KILL);
    std::fs::write(field.at("go"), "").unwrap();
    let ran = finish(build).good("build");
    let summary = ran.summary();
    assert_eq!(summary["success"], true);
    let lost = ran.out.lines().filter(|line| line.contains("the daemon was lost")).count();
    assert_eq!(lost, 1, "{}", ran.out);
    assert_eq!(ran.out.matches("\"summary\"").count(), 1);
    same(&field.published(), &field.clean(), "after all");
    assert!(field.status()["last_without"].as_str().unwrap().contains("ended the connection"));
    field.right(&field.clean(), "with a new daemon");
}

/// `jmake daemon stop` while something is being built: the client goes on by itself.
#[test]
fn ended_in_the_middle_of_a_build() {
    let field = waiting();
    let build = field.start_and_meet(&["build", "-v"], "mark");
    let stopped = field.jmake(&["daemon", "stop"]).good("stop");
    assert!(stopped.took < Duration::from_secs(5));
    assert_eq!(field.daemons.alive(), [0; 0]);
    std::fs::write(field.at("go"), "").unwrap();
    let ran = finish(build).good("build");
    assert!(
        ran.err.contains("the daemon was lost, so the rest is done without it: the daemon ends"),
        "{}",
        ran.err
    );
    same(&field.published(), &field.clean(), "after all");
    assert_eq!(field.status()["died"], serde_json::json!(null));
}

/// `stop` ends one that does not answer, too.
#[test]
fn stopped_and_then_ended() {
    let field = Field::new();
    field.jmake(&["build"]).good("build");
    send(field.pid(), Signal::STOP);
    let ran = field.jmake(&["daemon", "stop"]).good("stop");
    assert_eq!(ran.out, "the daemon did not answer and was ended\n");
    wait("it is gone", PATIENCE, || field.daemons.alive().is_empty());
    field.right(&field.clean(), "with a new one");
    field.pid();
}

/// A failing build fails in the same words either way, and in the middle of it.
#[test]
fn a_failing_build_says_the_same() {
    let field = Field::new();
    field.write("a.c", "#include \"missing.h\"\nint a(void) { return 1; }\n");
    let words = |way: &str| {
        let ran = field.jmake(&["build", "-j1", "--daemon", way]);
        assert_eq!(ran.code, Some(1));
        let time = |line: &str| line.contains(" failed in ") || line.contains("Finished");
        ran.err.lines().filter(|line| !time(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    let alone = words("off");
    assert!(!alone.is_empty());
    assert_eq!(words("on"), alone);
    assert_eq!(words("on"), alone);
    assert_eq!(field.daemons.notes(), [""; 0]);
}
