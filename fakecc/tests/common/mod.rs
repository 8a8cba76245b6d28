//! A toolchain folder in a temporary place, and ways to start its tools.

// Each test binary uses a part of it.
#![allow(dead_code)]
// Not a test itself, so the settings for tests do not reach it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub struct Toolchain {
    pub dir: tempfile::TempDir,
}

impl Toolchain {
    pub fn new() -> Toolchain {
        Toolchain::salted("")
    }

    pub fn salted(salt: &str) -> Toolchain {
        let toolchain = Toolchain { dir: tempfile::tempdir().unwrap() };
        let status = Command::new(env!("CARGO_BIN_EXE_fakecc"))
            .args(["--install".as_ref(), toolchain.root().as_os_str(), salt.as_ref()])
            .status()
            .unwrap();
        assert!(status.success());
        std::fs::create_dir_all(toolchain.work()).unwrap();
        toolchain
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("llvm-19")
    }

    /// A working directory beside it.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn tool(&self, name: &str) -> PathBuf {
        self.root().join("bin").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        write(&self.work().join(name), text);
    }

    pub fn settings(&self, text: &str) {
        write(&self.tool("fakecc.toml"), text);
    }

    /// Starts `name` in the working directory with an empty environment.
    pub fn run(&self, name: &str, args: &[&str]) -> Output {
        run(&self.tool(name), args, &self.work())
    }

    /// As `run`; it must succeed without a word on standard error.
    pub fn good(&self, name: &str, args: &[&str]) -> String {
        let output = self.run(name, args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{name} {args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.work().join(name)).unwrap()
    }

    /// Compiles `source` with `flags` and gives the object.
    pub fn object(&self, source: &str, flags: &[&str]) -> Vec<u8> {
        let args = [&["-c", source, "-o", "out.o"], flags].concat();
        self.good("clang", &args);
        self.read("out.o")
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub fn run(program: &Path, args: &[&str], dir: &Path) -> Output {
    Command::new(program).args(args).current_dir(dir).env_clear().output().unwrap()
}
