//! A build that is killed, or whose disk fails, at every single step.
//!
//! Each call that changes the disk passes through a numbered hook (`jmake_core::fs::fault`).  A
//! child process builds with the hook armed at call k: it ends there, or the call gives an error,
//! once or from there on.  Whatever k is: no panic, nothing half-written where users look, and the
//! next build is right, tidy and followed by a silent one.  Trouble in the shared cache never
//! fails a build; trouble in the project names the file.
//!
//! The cold build is tried at every k, the other scenarios at random ones.  Larger campaigns:
//! `JMAKE_FAULTS_KILLS` (default 200 random kills), `JMAKE_FAULTS_ERRORS` (default 150 random
//! errors), `JMAKE_FAULTS_SEED`; `JMAKE_FAULTS_ALL=1` tries every k of every scenario.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use support::fake::*;

/// Not a test of its own: what the other tests start.
#[test]
fn child() {
    obey();
}

/// A state of a project and its user before a build.
struct Scenario {
    name: &'static str,
    before: World,
    /// What may lie in the output folder after a build that did not finish, besides `clean`.
    old: Published,
    clean: Published,
    /// State-changing calls of the undisturbed build: all, in the project, in the cache.
    calls: [u64; 3],
}

impl Scenario {
    fn new(name: &'static str, before: World) -> Scenario {
        let clean = before.clean();
        let calls = [None, Some("work"), Some("cache")].map(|below| {
            let world = before.copy();
            let below = below.map(|dir| world.dir().join(dir));
            let child = world.child(Fault { at: Some(u64::MAX), below, ..Fault::default() });
            child.said.expect("nothing ends it").assert_good(name);
            child.calls
        });
        let old = before.published();
        Scenario { name, before, old, clean, calls }
    }

    /// Nothing half-written is where users look: each file is that of the old or the new build.
    fn assert_whole(&self, world: &World, what: &str) {
        for (name, found) in world.published() {
            if name.to_string_lossy().contains(".jmake-tmp-") {
                continue;
            }
            let known = [&self.old, &self.clean].into_iter().any(|of| of.get(&name) == Some(&found));
            assert!(known, "{what}: {name:?} is neither the old nor the new one");
        }
    }

    fn assert_mended(&self, world: &World, what: &str) {
        self.assert_whole(world, what);
        world.assert_right(&self.clean, what);
        world.assert_tidy(what);
        world.assert_verified(what);
        assert_collected(world, what);
    }

    /// Ends the build at call `at`; `false` when it has no such call.
    fn kill(&self, at: u64) -> bool {
        let world = self.before.copy();
        let what = format!("{}, killed at call {at}", self.name);
        let child = world.child(Fault::kill(at));
        if let Some(said) = &child.said {
            said.assert_good(&what);
        }
        self.assert_mended(&world, &what);
        child.said.is_none()
    }

    fn fail(&self, fault: Fault, below: &str) {
        let world = self.before.copy();
        let what = format!("{}, {below}: {fault:?}", self.name);
        let said = world.child(Fault { below: Some(world.dir().join(below)), ..fault }).said;
        let said = said.unwrap_or_else(|| panic!("{what}: it ended without a word"));
        if below == "cache" {
            said.assert_good(&what);
        } else if !said.success() {
            let text = said.text.clone() + said.error.as_deref().unwrap_or_default();
            assert!(text.contains('`'), "{what}: the message names no file: {text}");
            assert!(text.contains("os error"), "{what}: the message does not tell the cause: {text}");
        }
        self.assert_mended(&world, &what);
    }
}

/// What a killed build left in the cache goes when it is old enough to be nobody's.
fn assert_collected(world: &World, what: &str) {
    let strays = || files(&world.cache()).into_iter().filter(|p| p.to_string_lossy().contains(".jmake-tmp-"));
    for stray in strays() {
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
        std::fs::File::options().write(true).open(stray).unwrap().set_modified(old).unwrap();
    }
    let day = std::time::Duration::from_secs(86_400);
    world.store().gc(jmake_core::cas::Limits { max_size: u64::MAX, max_age: 90 * day });
    assert_eq!(strays().next(), None, "{what}: not collected");
}

fn cold() -> Scenario {
    Scenario::new("cold", World::small())
}

/// Another target, a removed and a new source, and a changed header.
fn edited() -> Scenario {
    let world = World::small();
    world.build().assert_good("before the edit");
    world.write("inc/x.h", "#define X 9\n");
    world.remove("sub/d.c");
    world.write("sub/e.c", "int e(void) { return 5; }\n");
    Scenario::new("edited", world)
}

/// The library gets another name, so the old one is to be removed.
fn renamed() -> Scenario {
    let world = World::small();
    world.build().assert_good("before the edit");
    world.write("jmake.toml", "[project]\nname = \"q\"\n");
    Scenario::new("renamed", world)
}

/// A fresh clone with a warm cache.
fn cloned() -> Scenario {
    let world = World::small();
    world.build().assert_good("before the clone");
    std::fs::remove_dir_all(world.at(".jmake")).unwrap();
    std::fs::remove_dir_all(world.at("julia")).unwrap();
    std::fs::remove_file(world.at("compile_commands.json")).unwrap();
    Scenario::new("cloned", world)
}

/// A marked folder without a manifest, and a cache that must be collected.
fn collecting() -> Scenario {
    let world = World::small();
    world.build().assert_good("before collecting");
    std::fs::remove_file(world.cache().join("v1/collected")).unwrap();
    let config = world.dir().join("config/jmake/config.toml");
    let text = std::fs::read_to_string(&config).unwrap() + "[cache]\nmax_size = \"2KB\"\n";
    std::fs::write(config, text).unwrap();
    world.remove("jmake.toml");
    world.write(".jmake_project", "");
    world.write("a.c", "int a(void) { return 11; }\n");
    Scenario::new("collecting", world)
}

/// Does `work` for every item on both processors; a panic in one ends the test.
fn each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

fn dice() -> Dice {
    let seed = campaign("JMAKE_FAULTS_SEED", 1);
    println!("JMAKE_FAULTS_SEED={seed}");
    Dice::new(seed as u64)
}

#[test]
fn a_cold_build_killed_anywhere() {
    let cold = cold();
    // Threads that make the same folders make the number of calls vary: in two hundred runs it
    // was 116 nearly always and 121 at most.
    let all: Vec<u64> = (0..cold.calls[0] + 6).collect();
    let killed = AtomicUsize::new(0);
    each(&all, |&at| {
        killed.fetch_add(usize::from(cold.kill(at)), Ordering::Relaxed);
    });
    assert!(killed.into_inner() as u64 * 10 >= cold.calls[0] * 9);
}

#[test]
fn other_builds_killed_somewhere() {
    let scenarios = [edited(), renamed(), cloned(), collecting()];
    let mut dice = dice();
    let mut kills: Vec<(&Scenario, u64)> = Vec::new();
    if campaign("JMAKE_FAULTS_ALL", 0) == 1 {
        kills.extend(scenarios.iter().flat_map(|s| (0..s.calls[0] + 3).map(move |at| (s, at))));
    } else {
        for _ in 0..campaign("JMAKE_FAULTS_KILLS", 200) {
            let scenario = dice.pick(&scenarios);
            kills.push((scenario, dice.below(scenario.calls[0] as usize) as u64));
        }
    }
    each(&kills, |(scenario, at)| {
        scenario.kill(*at);
    });
}

#[test]
fn a_disk_that_fails() {
    const ERRORS: [Errno; 6] =
        [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::MFILE, Errno::ROFS, Errno::INTR];
    let scenarios = [cold(), edited(), renamed(), cloned(), collecting()];
    let mut dice = dice();
    let mut faults: Vec<(&Scenario, Fault, &str)> = Vec::new();
    let fault = |at: u64, errno: Errno, from_there_on: bool| Fault {
        at: Some(at),
        errno: errno.raw_os_error(),
        from_there_on,
        below: None,
    };
    if campaign("JMAKE_FAULTS_ALL", 0) == 1 {
        for (scenario, errno) in scenarios.iter().flat_map(|s| ERRORS.map(|errno| (s, errno))) {
            for (disk, below) in [(1, "work"), (2, "cache")] {
                let both = (0..scenario.calls[disk]).flat_map(|at| [(at, false), (at, true)]);
                faults.extend(both.map(|(at, on)| (scenario, fault(at, errno, on), below)));
            }
        }
    } else {
        for _ in 0..campaign("JMAKE_FAULTS_ERRORS", 150) {
            let scenario = dice.pick(&scenarios);
            let (disk, below) = *dice.pick(&[(1, "work"), (2, "cache")]);
            let at = dice.below(scenario.calls[disk] as usize) as u64;
            faults.push((scenario, fault(at, *dice.pick(&ERRORS), dice.below(2) == 0), below));
        }
    }
    each(&faults, |(scenario, fault, below)| scenario.fail(fault.clone(), below));
}

/// A full disk is full for a whole file, too: half of it is written, then no more.
#[test]
fn a_log_that_cannot_be_written_ends_the_build() {
    let world = World::small();
    std::fs::create_dir_all(world.at(".jmake")).unwrap();
    std::os::unix::fs::symlink(Path::new("/dev/full"), world.at(".jmake/log")).unwrap();
    let said = world.build();
    // Either the log is replaced by a good one, or the message tells.
    if !said.success() {
        assert!(said.error.unwrap().contains(".jmake/log"));
        std::fs::remove_file(world.at(".jmake/log")).unwrap();
    }
    world.assert_right(&world.clean(), "after a full disk");
}
