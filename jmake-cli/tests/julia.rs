//! `integrations/julia/JMake.jl` with a real Julia, the real command, real daemons and a real
//! compiler: runs `integrations/julia/test/runtests.jl` with a home and a run folder of its own.
//!
//! Without Julia the test says so, or fails when `JMAKE_REQUIRE_ALL` is set.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod support;

use std::path::{Path, PathBuf};

use support::{Sandbox, caller, jmake, require_all, workspace};

#[expect(clippy::disallowed_methods, reason = "Julia may be anywhere where the user has it")]
fn julia() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join("julia")).find(|program| program.is_file())
}

/// A library to load before Debian's Julia 1.5, which crashes with any exception that is thrown in
/// compiled code: it registers that code with a version of libunwind that cannot bear it.  Other
/// builds of Julia have no need of it.
fn preload(sandbox: &Sandbox, julia: &Path) -> Option<PathBuf> {
    let debian = Path::new("/etc/debian_version").exists();
    if !debian || julia.canonicalize().ok()? != Path::new("/usr/bin/julia") {
        return None;
    }
    let source = "void _U_dyn_register(void *x) { (void)x; }\nvoid _U_dyn_cancel(void *x) { (void)x; }\n";
    let dir = sandbox.scratch();
    jmake_core::fs::write(&dir.join("calm.c"), source.as_bytes()).unwrap();
    let made = sandbox
        .run(&caller::clang().unwrap(), &dir, &["-shared", "-fPIC", "-o", "calm.so", "calm.c"])
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(dir.join("calm.so"))
}

#[test]
fn the_client_for_julia_keeps_its_promises() {
    let Some(julia) = julia() else {
        assert!(!require_all(), "Julia is not installed: `scripts/install-tools test`");
        return eprintln!("skipped: Julia is not installed");
    };
    let sandbox = Sandbox::with_daemon(false).unwrap();
    let script = workspace().join("integrations/julia/test/runtests.jl");
    let script = script.to_str().unwrap();
    let mut command = sandbox.command(&julia, &sandbox.work(), &["--startup-file=no", "--color=no", script]);
    // It says itself when there is to be a daemon.
    command.env_remove("JMAKE_DAEMON").env("JMAKE", jmake());
    if let Some(library) = preload(&sandbox, &julia) {
        command.env("LD_PRELOAD", library);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    // `JMake | 331 331`: what passed, and all there is.
    let summary = said.lines().find(|line| line.starts_with("JMake ")).unwrap_or_default();
    let counts: Vec<usize> = summary.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(matches!(counts[..], [passed, all] if passed == all && passed > 300), "{said}");
}
