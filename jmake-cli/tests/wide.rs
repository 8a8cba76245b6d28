//! One folder of very many files: to tell what is made of it takes little memory.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod support;

use std::process::Stdio;

use support::{Sandbox, jmake};
use wait4::Wait4;

/// How many files.
const FILES: usize = 100_000;
/// What the command may hold at once, in bytes; twice of what it did when this was written.
const MOST: u64 = 250 << 20;

#[test]
fn a_hundred_thousand_files_take_little_memory() {
    let sandbox = Sandbox::with_daemon(false).unwrap();
    let dir = sandbox.work().join("wide");
    jmake_core::fs::create_dir_all(&dir).unwrap();
    for at in 0..FILES {
        // Not by way of a temporary name: it is a test of reading, and there are many.
        let file =
            std::fs::OpenOptions::new().create_new(true).write(true).open(dir.join(format!("u{at}.c")));
        std::io::Write::write_all(&mut file.unwrap(), format!("int u{at};\n").as_bytes()).unwrap();
    }
    let descriptions = [
        ("", ""),
        ("CMakeLists.txt", "project(p C)\nfile(GLOB_RECURSE all *.c)\nadd_library(p ${all})\n"),
        ("Makefile", "libp.a: $(patsubst %.c,%.o,$(wildcard *.c))\nu%.o: CFLAGS += -fwrapv\n"),
    ];
    for (name, text) in descriptions {
        if !name.is_empty() {
            jmake_core::fs::write(&dir.join(name), text.as_bytes()).unwrap();
        }
        let mut command = sandbox.command(jmake(), &dir, &["discover", "--files"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = child.wait4().unwrap();
        assert!(end.status.success(), "{name}");
        assert!(end.rusage.maxrss < MOST, "{name}: {} MB", end.rusage.maxrss >> 20);
        if !name.is_empty() {
            jmake_core::fs::remove_file(&dir.join(name)).unwrap();
        }
    }
}
