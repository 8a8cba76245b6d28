//! Misbehaviour on request.
//!
//! A fault happens after all inputs were read and before anything is written.  Asked for by a
//! line comment `// fakecc: FAULT` in any file that is read, or by `fakecc.toml`:
//!
//! | fault | does |
//! |---|---|
//! | `sleep MS` | waits |
//! | `wait-for FILE` | waits until FILE exists, so that a test can edit inputs meanwhile |
//! | `touch FILE` | creates FILE: "I have read my inputs" |
//! | `append FILE TEXT` | appends TEXT and a newline to FILE |
//! | `log FILE` | appends a line with name and arguments to FILE |
//! | `warn TEXT` | prints a warning |
//! | `noise N` | prints N bytes |
//! | `exit N` | fails, writing nothing |
//! | `exit0-none`, `exit0-empty`, `exit0-half` | succeeds with no, an empty, half an output |
//! | `no-depfile`, `truncate-depfile` | succeeds with no or half a depfile |
//! | `kill-self` | ends by SIGKILL, with half an output left behind |
//! | `hang` | never ends |
//! | `ignore-term-and-fork` | ignores SIGTERM, starts a grandchild that does, and hangs |
//! | `once FILE FAULT` | FAULT, only if FILE does not exist; creates it |

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::{Invocation, Product, path_of};

/// One misbehaviour.
#[derive(Clone, Debug)]
pub enum Fault {
    Sleep(Duration),
    WaitFor(PathBuf),
    Touch(PathBuf),
    Append(PathBuf, String),
    Log(PathBuf),
    Warn(String),
    Noise(usize),
    Exit(u8),
    NoOutput,
    EmptyOutput,
    HalfOutput,
    NoDepfile,
    HalfDepfile,
    KillSelf,
    Hang,
    IgnoreTerm,
    Once(PathBuf, Box<Fault>),
}

impl Fault {
    /// The fault that `text` asks for.
    pub fn parse(text: &str) -> Option<Fault> {
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let rest = rest.trim();
        let pair = || rest.split_once(' ');
        Some(match word {
            "sleep" => Fault::Sleep(Duration::from_millis(rest.parse().ok()?)),
            "wait-for" => Fault::WaitFor(rest.into()),
            "touch" => Fault::Touch(rest.into()),
            "append" => Fault::Append(pair()?.0.into(), pair()?.1.to_owned()),
            "log" => Fault::Log(rest.into()),
            "warn" => Fault::Warn(rest.to_owned()),
            "noise" => Fault::Noise(rest.parse().ok()?),
            "exit" => Fault::Exit(rest.parse().ok()?),
            "exit0-none" => Fault::NoOutput,
            "exit0-empty" => Fault::EmptyOutput,
            "exit0-half" => Fault::HalfOutput,
            "no-depfile" => Fault::NoDepfile,
            "truncate-depfile" => Fault::HalfDepfile,
            "kill-self" => Fault::KillSelf,
            "hang" => Fault::Hang,
            "ignore-term-and-fork" => Fault::IgnoreTerm,
            "once" => Fault::Once(pair()?.0.into(), Box::new(Fault::parse(pair()?.1)?)),
            _ => return None,
        })
    }
}

/// Does what `product.faults` ask for, spoiling the product or never returning.
pub fn perform(exe: &Path, invocation: &Invocation, product: &mut Product) {
    for fault in std::mem::take(&mut product.faults) {
        one(exe, invocation, product, &fault);
    }
}

fn one(exe: &Path, invocation: &Invocation, product: &mut Product, fault: &Fault) {
    match fault {
        Fault::Sleep(time) => std::thread::sleep(*time),
        Fault::WaitFor(file) => {
            while !file.exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Fault::Touch(file) => append(file, b""),
        Fault::Append(file, text) => append(file, format!("{text}\n").as_bytes()),
        Fault::Log(file) => invocation.log_to(file),
        Fault::Warn(text) => product.stderr.extend_from_slice(format!("warning: {text}\n").as_bytes()),
        Fault::Noise(bytes) => product.stderr.extend(std::iter::repeat_n(b'x', *bytes)),
        Fault::Exit(code) => {
            product.files.clear();
            product.code = *code;
        }
        Fault::NoOutput => product.files.retain(|file| file.depfile),
        Fault::EmptyOutput => shorten(product, false, |_| 0),
        Fault::HalfOutput => shorten(product, false, |len| len / 2),
        Fault::NoDepfile => product.files.retain(|file| !file.depfile),
        Fault::HalfDepfile => shorten(product, true, |len| len / 2),
        Fault::KillSelf => kill_self(product),
        Fault::Hang => hang(),
        Fault::IgnoreTerm => {
            std::process::Command::new(exe).arg("--hang").spawn().ok();
            hang_for_ever();
        }
        Fault::Once(mark, fault) => {
            if OpenOptions::new().write(true).create_new(true).open(mark).is_ok() {
                one(exe, invocation, product, fault);
            }
        }
    }
}

fn shorten(product: &mut Product, depfile: bool, len: impl Fn(usize) -> usize) {
    for file in product.files.iter_mut().filter(|file| file.depfile == depfile) {
        let keep = len(file.bytes.len());
        file.bytes.truncate(keep);
    }
}

fn kill_self(product: &mut Product) {
    shorten(product, false, |len| len / 2);
    for file in &product.files {
        std::fs::write(path_of(&file.path), &file.bytes).ok();
    }
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
    hang();
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Hangs and cannot be ended by SIGTERM, SIGINT or SIGHUP.
pub fn hang_for_ever() -> ! {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false))).ok();
    }
    hang()
}

/// Appends `bytes` to `path` by one call.
pub fn append(path: &Path, bytes: &[u8]) {
    if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) {
        file.write_all(bytes).ok();
    }
}
