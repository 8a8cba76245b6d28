//! A fake LLVM 19 toolchain: one small program that plays every tool of it, by the name it is
//! started under.
//!
//! Tests and scale benchmarks need thousands of builds a minute, and compilers that hang, lie or
//! die on request; a real one gives neither.  This one takes about a millisecond.  It really
//! preprocesses (search order, macros, conditions), writes the depfile clang would write, and
//! puts into its object everything a real object may depend on: the tokens it read, the flags
//! that change code, the variables that leak.  So whatever a build tool forgets shows as a
//! difference of bytes between an incremental and a clean build.
//!
//! `fakecc --install DIR [SALT]` makes `DIR/bin` with the tools and `DIR/lib` with start files; the
//! optional salt makes it another compiler of the same size.  `DIR/bin/fakecc.toml` (see
//! `config`) sets the version, include folders and faults; comments such as `// fakecc: sleep 200`
//! in a source set faults for that file (see `fault`).
//!
//! Each tool is a function from an [`Invocation`] to a [`Product`]; only this file writes.

mod config;
mod fault;
mod response;
mod token;
mod macros;
mod expr;
mod search;
mod depfile;
mod shared;
mod module;
mod args;
mod preprocess;
mod compile;
mod link;
mod driver;
mod tools;
mod install;

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use config::Config;
use fault::Fault;

/// Bytes of an argument, a path or a text: nothing here need be UTF-8.
type Bytes = Vec<u8>;

/// One start of one tool.
struct Invocation {
    /// The tool's name without folder and version suffix.
    name: String,
    /// Its arguments, response files expanded.
    args: Vec<Bytes>,
    /// Its environment, by name.
    env: Vec<(Bytes, Bytes)>,
    /// Its working directory.
    dir: Bytes,
    config: Config,
}

/// A file to be written.
struct Output {
    path: Bytes,
    bytes: Bytes,
    /// Whether it is a depfile rather than a result.
    depfile: bool,
}

/// What a tool wants to say and write, before any fault spoils it.
#[derive(Default)]
struct Product {
    stdout: Bytes,
    stderr: Bytes,
    files: Vec<Output>,
    code: u8,
    /// The files it is about, for faults that ask for one.
    inputs: Vec<Bytes>,
    /// Faults asked for in the text of its inputs.
    faults: Vec<Fault>,
}

impl Product {
    /// Only text on standard output.
    fn say(text: impl AsRef<[u8]>) -> Product {
        Product { stdout: text.as_ref().to_vec(), ..Product::default() }
    }

    /// A failure with its message.
    fn fail(message: impl AsRef<[u8]>) -> Product {
        Product { stderr: message.as_ref().to_vec(), code: 1, ..Product::default() }
    }

    fn write(&mut self, path: impl AsRef<[u8]>, bytes: Bytes) {
        self.files.push(Output { path: path.as_ref().to_vec(), bytes, depfile: false });
    }
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `clang++-19` → `clang++`.
fn tool_name(program: &[u8]) -> String {
    let name = lossy(program.rsplit(|&b| b == b'/').next().unwrap_or(program));
    match name.rsplit_once('-') {
        Some((stem, suffix)) if suffix.bytes().all(|b| b.is_ascii_digit() || b == b'.') => stem.to_owned(),
        _ => name,
    }
}

fn main() -> ExitCode {
    let mut args: Vec<Bytes> = std::env::args_os().map(OsStringExt::into_vec).collect();
    let program = if args.is_empty() { Bytes::new() } else { args.remove(0) };
    match args.first().map(Vec::as_slice) {
        Some(b"--install") => return install::install(&args[1..]),
        Some(b"--hang") => fault::hang_for_ever(),
        _ => {}
    }
    let exe = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/fakecc"));
    let config = match Config::load(&exe) {
        Ok(config) => config,
        Err(message) => {
            eprintln!("fakecc: {message}");
            return ExitCode::from(70);
        }
    };
    let invocation = Invocation {
        name: tool_name(&program),
        args: response::expand(args),
        env: std::env::vars_os().map(|(n, v)| (n.into_vec(), v.into_vec())).collect(),
        dir: std::env::current_dir().map(|dir| dir.into_os_string().into_vec()).unwrap_or_default(),
        config,
    };
    invocation.log();
    let mut product = tools::run(&invocation);
    for fault in invocation.config.faults(&invocation.name, &product.inputs) {
        product.faults.push(fault);
    }
    fault::perform(&exe, &invocation, &mut product);
    finish(product)
}

impl Invocation {
    /// One line in the configured log, written by one call so that lines of several processes do
    /// not mix.
    fn log(&self) {
        if let Some(log) = &self.config.log {
            self.log_to(log);
        }
    }

    fn log_to(&self, path: &Path) {
        let mut line = self.name.clone().into_bytes();
        for arg in &self.args {
            line.push(b'\t');
            line.extend_from_slice(arg);
        }
        line.push(b'\n');
        fault::append(path, &line);
    }

    fn env(&self, name: &str) -> Option<&[u8]> {
        self.env.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, value)| &value[..])
    }
}

fn finish(mut product: Product) -> ExitCode {
    for file in &product.files {
        if file.path == b"-" {
            product.stdout.extend_from_slice(&file.bytes);
        } else if let Err(e) = std::fs::write(path_of(&file.path), &file.bytes) {
            let message = format!("error: unable to open output file '{}': {e}\n", lossy(&file.path));
            product.stderr.extend_from_slice(message.as_bytes());
            product.code = 1;
        }
    }
    // A closed pipe is the reader's choice.
    std::io::stderr().write_all(&product.stderr).ok();
    std::io::stdout().write_all(&product.stdout).ok();
    ExitCode::from(product.code)
}
