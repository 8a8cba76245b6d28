//! Events that are late, lost, too many or not to be had: builds are right, and it is said why
//! everything is looked at.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write the inputs that jmake only reads")]

mod support;

use std::fs;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jmake_core::held::Noticing;
use jmake_core::watch::fault;
use support::fake::*;

/// Faults hold for the whole process, so tests that bring them about take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    fault::mend();
    turn
}

fn watching() -> World {
    let world = World::small().warm();
    world.build().assert_good("the first build");
    world.warm.as_ref().unwrap().held().rest();
    world
}

fn noticing(world: &World) -> Noticing {
    world.warm.as_ref().unwrap().held().noticing()
}

/// Edits `n` times and builds at once; each build must be that of a clean one.
fn edits_are_built(world: &World, n: usize, what: &str) {
    for round in 0..n {
        world.write("b.c", format!("int b(void) {{ return {}; }}\n", 100 + round));
        let said = world.build();
        said.assert_good(what);
        assert_eq!(said.started.len(), 2, "{what}: {:?}", said.started);
        same(&world.published(), &world.clean(), what);
        world.warm.as_ref().unwrap().held().rest();
    }
}

#[test]
fn late() {
    let _turn = alone();
    let world = watching();
    fault::make_late(Duration::from_millis(1500));
    edits_are_built(&world, 5, "events late by more than anyone waits");
    let why = noticing(&world).scanning.expect("events are waited for no longer");
    assert_eq!(why, "events of the file system come late or not at all");
    fault::mend();
}

/// A little late is in time: the barrier waits.
#[test]
fn a_little_late() {
    let _turn = alone();
    let world = watching();
    fault::make_late(Duration::from_millis(5));
    edits_are_built(&world, 5, "events a little late");
    assert_eq!(noticing(&world).scanning, None);
    assert!(noticing(&world).spared >= 5);
    fault::mend();
}

#[test]
fn none_at_all() {
    let _turn = alone();
    let world = watching();
    fault::make_deaf(true);
    edits_are_built(&world, 5, "no events at all");
    assert!(noticing(&world).scanning.is_some());
    fault::mend();
}

/// A change that no event tells of, though cookies are heard (a write through shared memory is
/// one): the look at everything after the build finds it, and events are trusted no more.
#[test]
fn a_change_without_an_event() {
    let _turn = alone();
    let world = watching();
    fault::make_deaf(false);
    world.write("a.c", "int a(void) { return 77; }\n");
    world.warm.as_ref().unwrap().held().audit_now();
    let why = noticing(&world).scanning.expect("events are trusted no more");
    assert_eq!(why, "no event told that `a.c` changed");
    let said = world.build();
    assert_eq!(said.started.len(), 2, "{:?}", said.started);
    same(&world.published(), &world.clean(), "after it was found");
    fault::mend();
}

/// More than the system's queue holds, while the reader is slow.
#[test]
fn too_many() {
    let _turn = alone();
    let world = watching();
    fault::make_late(Duration::from_millis(3));
    for name in 0..20_000 {
        fs::write(world.at(&format!("junk-{name}")), "").unwrap();
    }
    world.write("b.c", "int b(void) { return 99; }\n");
    fault::mend();
    let said = world.build();
    assert_eq!(said.started.len(), 2, "{:?}", said.started);
    for name in 0..20_000 {
        fs::remove_file(world.at(&format!("junk-{name}"))).unwrap();
    }
    assert_eq!(world.build().started.len(), 0);
    same(&world.published(), &world.clean(), "after too many events");
    world.warm.as_ref().unwrap().held().rest();
    edits_are_built(&world, 2, "later");
    assert_eq!(noticing(&world).scanning, None, "it was an overflow, not a fault of the place");
}

/// The limit of watched folders, in a namespace of its own.
#[test]
fn the_limit_of_watches() {
    let limited =
        "echo 3 > /proc/sys/user/max_inotify_watches && exec \"$0\" --exact behind_the_limit --nocapture";
    let exe = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", limited])
        .arg(exe)
        .env("JMAKE_BEHIND_THE_LIMIT", "1")
        .output();
    let output = match output {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("unshare") => output,
        // Where users may have no namespaces of their own this cannot be tried.
        other => {
            assert!(std::env::var_os("JMAKE_REQUIRE_ALL").is_none(), "{other:?}");
            return println!("skipped: no user namespaces here: {other:?}");
        }
    };
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("behind the limit all is right"), "{said}");
}

#[test]
fn behind_the_limit() {
    if std::env::var_os("JMAKE_BEHIND_THE_LIMIT").is_none() {
        return;
    }
    let world = World::small();
    for folder in 0..20 {
        world.write(format!("f{folder}/x.c"), format!("int x{folder}(void) {{ return 1; }}\n"));
    }
    let world = world.warm();
    world.build().assert_good("the first build");
    world.warm.as_ref().unwrap().held().rest();
    let why = noticing(&world).scanning.expect("not all can be watched");
    assert!(why.contains("limit"), "{why}");
    world.write("f19/x.c", "int x19(void) { return 2; }\n");
    let said = world.build();
    assert_eq!(said.started.len(), 2, "{:?}", said.started);
    println!("behind the limit all is right");
}
