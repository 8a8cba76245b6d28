//! Rounds of everything at once: builds, and meanwhile daemon, clients and compilers are killed,
//! stopped and continued, socket and lock removed or replaced, garbage sent.  Each round ends with
//! a build that must be right, and leaves no process behind.
//!
//! `JMAKE_CHAOS_ROUNDS` makes it a campaign, `JMAKE_CHAOS_SEED` repeats one.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;

use crate::daemons::{PATIENCE, send, wait};
use crate::fake::{Dice, campaign};
use crate::field::{Field, finish};

#[test]
fn chaos() {
    let rounds = campaign("JMAKE_CHAOS_ROUNDS", 50);
    let seed = campaign("JMAKE_CHAOS_SEED", std::process::id() as usize);
    println!("JMAKE_CHAOS_SEED={seed}");
    let mut dice = Dice::new(seed as u64);
    let mut field = Field::new();
    let mut served = 0;
    for round in 0..rounds {
        if round % 100 == 99 {
            field = Field::new();
        }
        served += usize::from(one_round(&field, &mut dice, &format!("seed {seed}, round {round}")));
    }
    assert!(served * 10 > rounds, "only {served} of {rounds} rounds ended with a daemon that serves");
}

/// Whether its last build was done by a daemon.
fn one_round(field: &Field, dice: &mut Dice, what: &str) -> bool {
    let mut builds: Vec<Child> = Vec::new();
    // Left by the round before: jmake does not delete what is not its own.
    for path in field.daemons.files(".sock") {
        if path.is_file() {
            std::fs::remove_file(path).ok();
        }
    }
    let mut impostor = None;
    for _ in 0..2 + dice.below(6) {
        match dice.below(13) {
            0..=2 => builds.push(field.start(if dice.below(2) == 0 {
                &["build"]
            } else {
                &["build", "--profile", "dev"]
            })),
            3 => edit(field, dice),
            4 => signal(
                dice,
                &field.daemons.alive(),
                &[Signal::KILL, Signal::STOP, Signal::CONT, Signal::TERM],
            ),
            5 => {
                let clients: Vec<i32> = builds.iter().map(|child| child.id() as i32).collect();
                signal(dice, &clients, &[Signal::KILL, Signal::INT, Signal::STOP, Signal::CONT]);
            }
            6 => signal(dice, &field.workers(), &[Signal::KILL, Signal::STOP, Signal::CONT]),
            7 => remove(field, dice),
            8 => impostor = replace(field, dice).or(impostor),
            9 => garbage(field, dice),
            10 => drop(
                field.jmake(&[["daemon", "stop"], ["daemon", "start"], ["daemon", "restart"]][dice.below(3)]),
            ),
            _ => std::thread::sleep(Duration::from_millis(dice.below(40) as u64)),
        }
    }
    // What was stopped goes on; whoever is still at work may end as he likes.
    for child in &builds {
        send(child.id() as i32, Signal::CONT);
    }
    for pid in field.workers() {
        send(pid, Signal::CONT);
    }
    drop(impostor);
    // A stopped daemon that has lost its files cannot be met, and whoever waits for the project it
    // holds waits as for anybody; a stopped one that can be met is its clients' own concern.
    if field.daemons.alive().len() > 1 {
        field.daemons.alive().iter().for_each(|pid| send(*pid, Signal::CONT));
    }
    for child in builds {
        let ran = finish(child);
        assert!(!ran.err.contains("bug in jmake"), "{what}: {}{}", ran.out, ran.err);
    }
    let clean = field.clean();
    let last = field.right(&clean, what);
    for pid in field.daemons.alive() {
        send(pid, Signal::CONT);
    }
    wait(&format!("{what}: no compiler is left"), PATIENCE, || field.workers().is_empty());
    wait(&format!("{what}: the project is free"), PATIENCE, || field.lock_is_free());
    let quiet = field.right(&clean, what);
    assert!(quiet.err.contains("(0 compiled, 4 fresh, 0 restored)"), "{what}: {}", quiet.err);
    let served = !last.err.contains("without the daemon");
    if !served || field.daemons.alive().len() > 1 {
        // One whose socket was taken away looks round once a minute, and keeps its lock until then.
        field.daemons.end();
    }
    assert!(!field.daemons.logs().contains("bug in jmake"), "{what}: {}", field.daemons.logs());
    served
}

fn edit(field: &Field, dice: &mut Dice) {
    let number = dice.below(1000);
    let fault = match dice.below(3) {
        0 => format!("// fakecc: sleep {}\n", dice.below(300)),
        _ => String::new(),
    };
    match dice.below(3) {
        0 => field
            .write("a.c", format!("{fault}#include \"inc/x.h\"\nint a(void) {{ return X + {number}; }}\n")),
        1 => field.write("sub/d.c", format!("{fault}int d(void) {{ return {number}; }}\n")),
        _ => field.write("inc/y.h", format!("#pragma once\n#define Y {number}\n")),
    }
}

fn signal(dice: &mut Dice, among: &[i32], signals: &[Signal]) {
    if !among.is_empty() {
        send(*dice.pick(among), *dice.pick(signals));
    }
}

fn remove(field: &Field, dice: &mut Dice) {
    let ending = *dice.pick(&[".sock", ".lock", ".log", ".note"]);
    for path in field.daemons.files(ending) {
        std::fs::remove_file(path).ok();
    }
    if dice.below(8) == 0 {
        std::fs::remove_dir_all(field.run_dir()).ok();
    }
}

/// Puts something else where socket or lock is; what is given back is to live for the round.
fn replace(field: &Field, dice: &mut Dice) -> Option<UnixListener> {
    let ending = *dice.pick(&[".sock", ".lock"]);
    let path = field.daemons.files(ending).first()?.clone();
    std::fs::remove_file(&path).ok();
    match dice.below(3) {
        0 => drop(std::fs::write(&path, "something else")),
        1 => return UnixListener::bind(&path).ok(),
        _ => drop(UnixListener::bind(&path)),
    }
    None
}

fn garbage(field: &Field, dice: &mut Dice) {
    let Some(socket) = field.daemons.files(".sock").first().cloned() else { return };
    let Ok(mut stream) = UnixStream::connect(socket) else { return };
    stream.set_write_timeout(Some(Duration::from_millis(200))).ok();
    let hello = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"hello\",\"params\":{{\"protocol\":1,\"root\":{:?}}}}}\n",
        field.root
    );
    let build = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "engine.handle", "params": field.build_params()});
    let pieces: [Vec<u8>; 5] = [
        b"\xff\x00garbage\n".to_vec(),
        hello.clone().into_bytes(),
        format!("{hello}{build}\n").into_bytes(),
        format!("{hello}{build}").into_bytes(),
        vec![b'['; 1 << 20],
    ];
    let piece: &Vec<u8> = dice.pick(&pieces);
    stream.write_all(piece).ok();
}
