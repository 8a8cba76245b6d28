//! Several clients at once, and clients that go away.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::daemons::{PATIENCE, send, wait};
use crate::fake::same;
use crate::field::{Field, finish};

/// A project one of whose compilers, once, says in `mark` that it is at work and then does `fault`.
pub fn busy(fault: &str) -> Field {
    let field = Field::new();
    let (mark, once) = (field.at("mark"), field.at("once"));
    let text = format!(
        "// fakecc: once {} {fault}\n// fakecc: touch {}\nint d(void) {{ return 4; }}\n",
        once.display(),
        mark.display()
    );
    // Faults happen in the order of the text.
    let text = match text.split_once('\n') {
        Some((first, rest)) => rest.replacen('\n', &format!("\n{first}\n"), 1),
        None => text,
    };
    field.write("sub/d.c", text);
    field
}

/// A project one of whose compilers says in `mark` that it is at work, and waits for `go`.
pub fn waiting() -> Field {
    let field = Field::new();
    let text = format!(
        "// fakecc: touch {}\n// fakecc: wait-for {}\nint d(void) {{ return 4; }}\n",
        field.at("mark").display(),
        field.at("go").display()
    );
    field.write("sub/d.c", text);
    field
}

/// The compiler of [`waiting`] that waits for `go`; others may be at work beside it.
pub fn the_one_that_waits(field: &Field) -> i32 {
    let compiles_it = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.windows(4).any(|part| part == b"/d.c"))
    };
    field.workers().into_iter().find(compiles_it).expect("it is at work")
}

/// Lets it go on.
pub fn go(field: &Field) {
    std::fs::write(field.at("go"), "").unwrap();
}

#[test]
fn fifty_at_once_do_the_work_once() {
    let field = waiting();
    let first = field.start_and_meet(&["build", "--json"], "mark");
    let others: Vec<_> = (0..49).map(|_| field.start(&["build", "--json"])).collect();
    wait("all have joined", PATIENCE, || field.status()["daemon"]["waiting"] == 49);
    go(&field);
    let mut replies: Vec<Value> =
        others.into_iter().map(|child| finish(child).good("joined").summary()).collect();
    replies.push(finish(first).good("first").summary());
    for reply in &replies {
        assert_eq!(reply, replies.last().unwrap(), "each has the reply of the build it joined");
    }
    assert_eq!(replies[0]["compiled"], 4);
    assert_eq!(field.daemons.notes(), [""; 0]);
    let ran = field.jmake(&["build", "--json"]).good("afterwards").summary();
    assert_eq!((&ran["compiled"], &ran["untouched"]), (&0.into(), &true.into()));
}

#[test]
fn many_first_builds_start_one_daemon() {
    for _ in 0..5 {
        let field = Field::new();
        let clean = field.clean();
        let builds: Vec<_> = (0..10).map(|_| field.start(&["build", "-v"])).collect();
        for child in builds {
            finish(child).good("a build");
        }
        field.pid();
        same(&field.published(), &clean, "all of them");
    }
}

#[test]
fn a_different_build_waits_and_is_told_for_whom() {
    let field = waiting();
    let first = field.start_and_meet(&["build", "--profile", "dev"], "mark");
    let mut second = field.start(&["build"]);
    let mut errors = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let holder = format!("`jmake build --profile dev` with process id {}", first.id());
    assert_eq!(line, format!("     Waiting for {holder}\n"));
    let status = field.status();
    assert_eq!((&status["daemon"]["building"], &status["daemon"]["waiting"]), (&json!(holder), &json!(1)));
    go(&field);
    assert_eq!(finish(first).code, Some(0));
    second.stderr = None;
    finish(second).good("second");
    same(&field.published(), &field.clean(), "the last of them counts");
}

#[test]
fn questions_do_not_wait_for_a_build() {
    let field = waiting();
    let build = field.start_and_meet(&["build"], "mark");
    let compiler = the_one_that_waits(&field);
    for question in [
        &["discover"][..],
        &["stats"],
        &["config", "show"],
        &["status"],
        &["graph"],
        &["graph", "--rebuilds", "inc/x.h"],
        &["graph", "--unused-headers"],
    ] {
        let ran = field.jmake(&[question, &["--daemon", "on", "-v"]].concat()).good("question");
        assert!(
            !ran.err.contains("without the daemon") && !ran.err.contains("Waiting"),
            "{question:?} {}",
            ran.err
        );
    }
    assert!(the_one_that_waits(&field) == compiler && !field.lock_is_free(), "the build is still under way");
    go(&field);
    finish(build).good("build");
}

#[test]
fn questions_about_files_are_answered_alike() {
    let field = Field::new();
    field.jmake(&["build"]).good("build");
    for question in [
        &["graph"][..],
        &["graph", "--format", "html"],
        &["graph", "--what", "symbols"],
        &["graph", "--what", "actions", "--format", "dot"],
        &["graph", "--who-includes", "inc/x.h"],
        &["graph", "--rebuilds", "inc/x.h", "a.c"],
        &["graph", "--unused-headers", "--json"],
        &["graph", "--rebuilds", "inc/xx.h"],
    ] {
        let ask = |daemon: &str| {
            let ran = field.jmake(&[question, &["--daemon", daemon]].concat());
            (ran.code, ran.out, ran.err)
        };
        assert_eq!(ask("on"), ask("off"), "{question:?}");
    }
}

#[test]
fn a_joined_build_outlives_the_client_that_began_it() {
    let field = waiting();
    let mut first = field.start_and_meet(&["build"], "mark");
    let second = field.start(&["build", "--json"]);
    wait("it has joined", PATIENCE, || field.status()["daemon"]["waiting"] == 1);
    let compiler = the_one_that_waits(&field);
    first.kill().unwrap();
    first.wait().unwrap();
    wait("the first is missed", PATIENCE, || field.status()["daemon"]["waiting"] == 0);
    assert_eq!(the_one_that_waits(&field), compiler, "its compiler goes on");
    go(&field);
    assert_eq!(finish(second).good("second").summary()["compiled"], 4);
    same(&field.published(), &field.clean(), "joined");
}

/// What was edited after the joined build had read it is built.
#[test]
fn an_edit_while_it_is_joined_is_not_missed() {
    let field = waiting();
    let first = field.start_and_meet(&["build"], "mark");
    field.write("a.c", "#include \"inc/x.h\"\nint a(void) { return X + 100; }\n");
    let second = field.start(&["build", "--json"]);
    wait("it has joined", PATIENCE, || field.status()["daemon"]["waiting"] == 1);
    go(&field);
    finish(first).good("first");
    finish(second).good("second");
    same(&field.published(), &field.clean(), "with the edit");
}

/// `kill -9` of the client: its compilers are gone in three seconds, whatever they do against it,
/// and the project is free in one.
#[test]
fn a_killed_client_takes_its_compilers_with_it() {
    let field = busy("ignore-term-and-fork");
    let mut client = field.start_and_meet(&["build"], "mark");
    wait("compiler and grandchild", PATIENCE, || field.workers().len() == 2);
    let daemon = field.pid();
    let killed = Instant::now();
    client.kill().unwrap();
    client.wait().unwrap();
    wait("the project is free", PATIENCE, || field.lock_is_free());
    let free = killed.elapsed();
    wait("compilers are gone", PATIENCE, || field.workers().is_empty());
    let gone = killed.elapsed();
    assert!(free < Duration::from_secs(1) + SLOW_MACHINE, "free after {free:?}");
    assert!(gone < Duration::from_secs(3), "gone after {gone:?}");
    assert_eq!(field.pid(), daemon, "the daemon lives on");
    let clean = field.clean();
    let next = field.right(&clean, "the next build");
    assert!(!next.err.contains("Waiting") && !next.err.contains("without the daemon"), "{}", next.err);
}

/// What a loaded machine may add to a promise of one second.
const SLOW_MACHINE: Duration = Duration::from_millis(500);

#[test]
fn an_interrupted_client_says_so_and_leaves_nothing() {
    let field = busy("hang");
    let client = field.start_and_meet(&["build"], "mark");
    wait("the compiler hangs", PATIENCE, || field.at("once").exists());
    let interrupted = Instant::now();
    send(client.id() as i32, Signal::INT);
    let ran = finish(client);
    assert_eq!(
        (ran.code, &*ran.err),
        (Some(130), "error: interrupted\nhint: what is finished is kept; build again to go on\n")
    );
    assert!(interrupted.elapsed() < Duration::from_secs(3), "{:?}", interrupted.elapsed());
    assert_eq!(field.workers(), [0; 0]);
    assert!(field.lock_is_free());
    field.right(&field.clean(), "the next build");
    assert_eq!(field.status()["daemon"]["builds"], 2);
}

/// The second Ctrl-C does not wait, even for a compiler that will not end.
#[test]
fn a_second_interrupt_does_not_wait() {
    let field = busy("ignore-term-and-fork");
    let client = field.start_and_meet(&["build"], "mark");
    wait("compiler and grandchild", PATIENCE, || field.workers().len() == 2);
    let pid = client.id() as i32;
    send(pid, Signal::INT);
    // The first must have been taken before the second counts.
    std::thread::sleep(Duration::from_millis(50));
    send(pid, Signal::INT);
    let ran = finish(client);
    assert_eq!(ran.code, Some(130));
    assert!(ran.took < Duration::from_secs(1), "{:?}", ran.took);
    wait("compilers are gone", Duration::from_secs(3), || field.workers().is_empty());
}

#[test]
fn a_cancelled_request_is_answered_and_the_connection_goes_on() {
    let field = busy("hang");
    field.jmake(&["daemon", "start"]).good("start");
    let mut client = field.client();
    client.ask(1, "engine.handle", &field.build_params());
    wait("the compiler hangs", PATIENCE, || field.at("once").exists());
    client.ask(1, "engine.handle", &field.build_params());
    let (twice, _) = client.answer(1);
    assert_eq!(twice["error"]["code"], -32600, "the same name twice");
    client.say(b"{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"id\":1}}\n");
    let (answer, _) = client.answer(1);
    assert_eq!(answer["result"]["data"]["cancelled"], true, "{answer}");
    client.ask(1, "engine.handle", &field.build_params());
    assert_eq!(client.answer(1).0["result"]["data"]["success"], true);
}

/// A daemon that ends as soon as there is nothing to do, and many clients that come at that moment:
/// none fails.
#[test]
fn an_idle_limit_of_nothing() {
    let field = Field::new();
    field.write("jmake.toml", "[project]\nname = \"p\"\n[daemon]\nidle_timeout = \"0s\"\n");
    let clean = field.clean();
    let builds = crate::fake::campaign("JMAKE_IDLE_BUILDS", 60);
    let mut used = 0;
    for round in 0..builds / 3 {
        let text = format!("#include \"inc/x.h\"\nint a(void) {{ return X * 0 + {}; }}\n", round % 2);
        field.write("a.c", text);
        let three: Vec<_> = (0..3).map(|_| field.start(&["build", "-v"])).collect();
        for child in three {
            let ran = finish(child).good("a build");
            used += usize::from(!ran.err.contains("without the daemon"));
        }
    }
    assert!(used > builds / 4, "{used} of {builds} through a daemon");
    field.write("a.c", crate::fake::SMALL[0].1);
    field.right(&clean, "the last");
    wait("none stays", PATIENCE, || field.daemons.alive().is_empty());
    assert_eq!(field.status()["died"], json!(null), "{}", field.daemons.logs());
}
