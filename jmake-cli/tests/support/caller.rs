//! Calls into a library that was just built, from a C program of its own.
//!
//! The program is not linked with the library: it loads it at run time and resolves every symbol
//! at once, as Julia does, so a library that lacks something cannot pass.  A call that crashes
//! ends that program and not the test.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Sandbox;

/// One call and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Statements before it.
    #[serde(default)]
    pub before: String,
    /// An expression, or several with commas between them: the arguments of `printf`.
    pub call: String,
    /// The format of `printf`.
    #[serde(default = "decimal")]
    pub print: String,
    /// What is printed.
    pub value: String,
    /// The only profile for which this holds; all when missing.
    pub only: Option<String>,
}

impl Call {
    /// A call that gives an `int`.
    pub fn int(call: impl Into<String>, value: usize) -> Call {
        Call {
            before: String::new(),
            call: call.into(),
            print: decimal(),
            value: value.to_string(),
            only: None,
        }
    }
}

fn decimal() -> String {
    "%d".to_owned()
}

/// The name of the function that the C declaration `prototype` declares.
pub fn name_of(prototype: &str) -> &str {
    let head = prototype.split('(').next().unwrap_or_default().trim_end();
    let start = head.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    &head[start..]
}

/// Loads `library`, whose functions are declared as C by `prototypes` after `prelude`, and makes
/// `calls`; an error says which gave another value.
pub fn check(
    sandbox: &Sandbox,
    library: &Path,
    prelude: &str,
    prototypes: &[String],
    calls: &[Call],
) -> Result<()> {
    let dir = sandbox.scratch();
    let (source, program) = (dir.join("caller.c"), dir.join("caller"));
    jmake_core::fs::write(&source, text(prelude, prototypes, calls).as_bytes())?;
    let compiled = sandbox.run(&clang()?, &dir, &["-w", "-o", "caller", "caller.c", "-ldl"])?;
    ensure!(
        compiled.status.success(),
        "the caller does not compile\n{}",
        String::from_utf8_lossy(&compiled.stderr)
    );

    let library = library.to_str().context("the library's path is UTF-8")?;
    let ran = sandbox.run(&program, &dir, &[library])?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let values: Vec<&str> = said.split_terminator('\x1e').collect();
    for (i, call) in calls.iter().enumerate() {
        let value = values.get(i).copied();
        ensure!(
            value == Some(&call.value),
            "`{}` gave {value:?} instead of {:?} ({}, {})",
            call.call,
            call.value,
            ran.status,
            String::from_utf8_lossy(&ran.stderr).trim_end()
        );
    }
    ensure!(ran.status.success(), "the caller ended with {}", ran.status);
    Ok(())
}

/// The program's text: each function's name is made to stand for the address found at run time.
fn text(prelude: &str, prototypes: &[String], calls: &[Call]) -> String {
    let mut text = format!("#include <dlfcn.h>\n#include <stdio.h>\n{prelude}\n");
    for prototype in prototypes {
        let name = name_of(prototype);
        let _ =
            write!(text, "{prototype};\nstatic __typeof__(&{name}) at_{name};\n#define {name} at_{name}\n");
    }
    text += "int main(int argc, char **argv) {\n";
    text += "void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);\n";
    text += "if (!library) return fprintf(stderr, \"%s\\n\", dlerror()), 2;\n";
    for name in prototypes.iter().map(|prototype| name_of(prototype)) {
        let _ = writeln!(text, "at_{name} = (__typeof__(at_{name}))dlsym(library, \"{name}\");");
        let _ = writeln!(text, "if (!at_{name}) return fprintf(stderr, \"no {name}\\n\"), 3;");
    }
    for call in calls {
        let _ = writeln!(
            text,
            "{{ {} printf(\"{}\\x1e\", {}); fflush(stdout); }}",
            call.before, call.print, call.call
        );
    }
    text + "return 0;\n}\n"
}

/// The newest clang there is.  Found without the help of jmake, which is what is tested.
pub fn clang() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
            let clang = entry.path().join("bin/clang");
            clang.exists().then_some((version, clang))
        })
        .max();
    let fallback = || ["/usr/bin/clang", "/usr/bin/cc"].map(PathBuf::from).into_iter().find(|p| p.exists());
    newest.map(|(_, clang)| clang).or_else(fallback).context("find a C compiler; install clang")
}
