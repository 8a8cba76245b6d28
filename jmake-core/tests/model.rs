//! Random edits: after each one an incremental build must give what a clean build gives, run just
//! what had to run, and say why.
//!
//! `JMAKE_MODEL_STEPS` sets how many steps are run in all, `JMAKE_MODEL_SEED` the first seed.  A
//! failing script is shrunk and printed with the command that repeats it.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests read the environment and write inputs")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::script::{run, shrink};

/// How many steps one tree goes through.
const LENGTH: usize = 100;
/// How many tests share the work.
const SHARES: u64 = 4;

/// Whether a test has failed.
static FOUND: AtomicBool = AtomicBool::new(false);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Runs one share of the scripts.
fn share(share: u64) {
    // The test of the tests says which bug to switch on.
    #[cfg(feature = "sabotage")]
    if let Ok(bug) = std::env::var("JMAKE_SABOTAGE") {
        static ARMED: std::sync::Once = std::sync::Once::new();
        ARMED.call_once(|| jmake_core::sabotage::arm(&bug));
    }
    let first = number("JMAKE_MODEL_SEED", 1);
    let steps = number("JMAKE_MODEL_STEPS", 400);
    let scripts = steps.div_ceil(LENGTH as u64).max(1);
    // For the test of the tests: the first failure is enough.
    let quick = std::env::var_os("JMAKE_MODEL_QUICK").is_some();
    let (mut checked, mut lax, mut spared, mut warm) = (0, 0, 0, 0);
    for seed in (first..first + scripts).filter(|seed| seed % SHARES == share) {
        if quick && FOUND.load(Ordering::Relaxed) {
            return;
        }
        let numbers: Vec<usize> = (0..LENGTH.min(steps as usize)).collect();
        match run(seed, &numbers) {
            Ok((some, some_lax, some_spared)) => {
                checked += some;
                lax += some_lax;
                spared += some_spared;
                warm += usize::from(seed.is_multiple_of(2));
            }
            Err(failure) if quick => {
                FOUND.store(true, Ordering::Relaxed);
                panic!("seed {seed}, step {}: {}", failure.at, failure.wrong);
            }
            Err(failure) => {
                let (numbers, shrunk) = shrink(seed, &failure);
                panic!(
                    "seed {seed}, step {}: {}\nshrunk to steps {numbers:?}: {}\n{}\nrepeat: JMAKE_MODEL_SEED={seed} \
                     JMAKE_MODEL_STEPS={} cargo test -p jmake-core --test model",
                    failure.at,
                    failure.wrong,
                    shrunk.wrong,
                    shrunk.story.join("\n"),
                    failure.at + 1,
                );
            }
        }
    }
    // Of one script every build may fail.
    assert!(warm < 5 || spared > 0, "what was kept warm was of no use in {warm} scripts");
    println!("{checked} actions were checked, {lax} of them with more than one right outcome");
}

#[test]
fn share_0() {
    share(0);
}

#[test]
fn share_1() {
    share(1);
}

#[test]
fn share_2() {
    share(2);
}

#[test]
fn share_3() {
    share(3);
}
