//! The single steps from IR to a library, on files the user names: link, optimise, lower, link.
//!
//! Each step runs one tool with a fixed environment in a folder of its own beside the output and
//! renames the result into place, so an output is whole or not there.  Nothing is remembered and
//! nothing is skipped: who wants that builds a project.  A failing tool is no error but a
//! [`Step`] without success; errors are for what keeps the tool from being run.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::event::Diagnostic;
use crate::fs;
use crate::path::{bytes_of, path_from_bytes};
use crate::process::{self, Cancel, Spec, Status};
use crate::toolchain::includes::Lang;
use crate::toolchain::link::{LinkKind, LinkQuery};
use crate::toolchain::{Ask, Toolchain};

/// What became of one step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Whether the output is there.
    pub success: bool,
    /// The output, as shown to the user.
    pub output: String,
    /// What the tools wrote.
    pub text: String,
}

/// How far a module is optimised.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// The passes of an `-O` level: `0` to `3`, `s` or `z`.
    Level(String),
    /// These passes, as after `opt -passes=`.
    Named(String),
}

/// Links the IR modules in `inputs` into the module `output`.  Objects that hold IR beside their
/// code count as the IR they hold.
///
/// # Errors
/// When a tool is missing or cannot be started, or `output` cannot be written.
pub fn link_ir(tools: &Toolchain, inputs: &[PathBuf], output: &Path, cancel: &Cancel) -> Result<Step> {
    let work = Work::start(tools, output, cancel)?;
    let mut modules = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        match is_module(input)? {
            true => modules.push(bytes_of(input.as_os_str()).to_vec()),
            false => {
                let module = work.dir.path().join(format!("{at}.bc"));
                let dump = [b"--dump-section=.llvm.lto=", bytes_of(module.as_os_str())].concat();
                let arguments = [dump, bytes_of(input.as_os_str()).to_vec(), b"/dev/null".to_vec()];
                let done = work.run("llvm-objcopy", arguments)?;
                if !done.success || !module.is_file() {
                    return Ok(no_ir(input, done));
                }
                modules.push(bytes_of(module.as_os_str()).to_vec());
            }
        }
    }
    modules.extend([b"-o".to_vec(), work.result()]);
    work.finish("llvm-link", modules)
}

fn no_ir(input: &Path, done: Step) -> Step {
    let text = format!("error: `{}` holds no IR\n{}", input.display(), done.text);
    Step { success: false, text, ..done }
}

/// Whether `input` is IR, as bitcode or as text; an object is not.
fn is_module(input: &Path) -> Result<bool> {
    let bytes = fs::read(input).with_context(|| format!("cannot read `{}`", input.display()))?;
    let object = [&b"\x7fELF"[..], b"\xcf\xfa\xed\xfe", b"MZ"];
    Ok(!object.iter().any(|magic| bytes.starts_with(magic)))
}

/// Optimises the module `input` into the module `output`.
///
/// # Errors
/// As [`link_ir`].
pub fn optimize_ir(
    tools: &Toolchain,
    input: &Path,
    output: &Path,
    passes: &Passes,
    cancel: &Cancel,
) -> Result<Step> {
    let work = Work::start(tools, output, cancel)?;
    let passes = match passes {
        Passes::Level(level) => format!("-passes=default<O{level}>"),
        Passes::Named(names) => format!("-passes={names}"),
    };
    let input = bytes_of(input.as_os_str()).to_vec();
    work.finish("opt", vec![passes.into_bytes(), input, b"-o".to_vec(), work.result()])
}

/// Lowers the module `input` to the position-independent object `output`, at `level` (`0` to `3`).
///
/// # Errors
/// As [`link_ir`].
pub fn compile_to_object(
    tools: &Toolchain,
    input: &Path,
    output: &Path,
    level: &str,
    cancel: &Cancel,
) -> Result<Step> {
    let work = Work::start(tools, output, cancel)?;
    // llc knows no levels for size.
    let level = if matches!(level, "s" | "z") { "2" } else { level };
    let mut arguments: Vec<Vec<u8>> = [&format!("-O{level}"), "-relocation-model=pic", "-filetype=obj"]
        .map(|arg| arg.as_bytes().to_vec())
        .into();
    arguments.extend([bytes_of(input.as_os_str()).to_vec(), b"-o".to_vec(), work.result()]);
    work.finish("llc", arguments)
}

/// Links `objects` into the shared library `output`, with `libraries` (names as after `-l`, or
/// paths) looked for in `lib_dirs` first.
///
/// # Errors
/// As [`link_ir`]; also when the toolchain has no linker.
pub fn link_shared_library(
    tools: &Toolchain,
    objects: &[PathBuf],
    output: &Path,
    libraries: &[String],
    lib_dirs: &[PathBuf],
    ask: &Ask<'_>,
) -> Result<Step> {
    let work = Work::start(tools, output, ask.cancel)?;
    let name = bytes_of(output.file_name().unwrap_or_default());
    let mut flags = vec![[b"-Wl,-soname,", name].concat(), b"-Wl,--as-needed".to_vec()];
    flags.extend(lib_dirs.iter().map(|dir| [b"-L", bytes_of(dir.as_os_str())].concat()));
    let named = |library: &String| match library.contains('/') {
        true => library.clone().into_bytes(),
        false => format!("-l{library}").into_bytes(),
    };
    let libraries: Vec<Vec<u8>> = libraries.iter().map(named).collect();
    let query = LinkQuery { kind: LinkKind::Shared, lang: Lang::Cxx, flags: &flags, libraries: &libraries };
    let line = tools.link_line(ask, &query)?;
    let objects: Vec<&[u8]> = objects.iter().map(|object| bytes_of(object.as_os_str())).collect();
    work.finish_with(line.argv(&work.result(), &objects))
}

/// A step under way: its output is made in a folder beside where it belongs.
struct Work<'a> {
    tools: &'a Toolchain,
    output: &'a Path,
    cancel: &'a Cancel,
    dir: tempfile::TempDir,
}

impl<'a> Work<'a> {
    fn start(tools: &'a Toolchain, output: &'a Path, cancel: &'a Cancel) -> Result<Work<'a>> {
        let parent = output.parent().unwrap_or(Path::new("/"));
        if output.is_dir() {
            bail!("the output `{}` is a folder", output.display());
        }
        let dir = tempfile::Builder::new()
            .prefix(fs::TEMPORARY)
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in `{}`", parent.display()))?;
        Ok(Work { tools, output, cancel, dir })
    }

    /// Where the tool is to write.
    fn result(&self) -> Vec<u8> {
        // Under its own name: a linker takes the name of what it writes for an archive member's.
        bytes_of(self.dir.path().join(self.output.file_name().unwrap_or_default()).as_os_str()).to_vec()
    }

    fn run(&self, tool: &str, arguments: impl IntoIterator<Item = Vec<u8>>) -> Result<Step> {
        let program = self.tools.tool(tool).ok_or_else(|| missing(tool, self.tools))?;
        let mut argv = vec![bytes_of(program.path.as_os_str()).to_vec()];
        argv.extend(arguments);
        self.run_argv(argv)
    }

    fn run_argv(&self, argv: Vec<Vec<u8>>) -> Result<Step> {
        let program = String::from_utf8_lossy(&argv[0]).into_owned();
        let mut spec = Spec::new(argv, self.dir.path());
        spec.env = [("PATH", "/usr/bin:/bin"), ("LC_ALL", "C")].map(|(n, v)| (n.into(), v.into())).into();
        let ended = process::run(&spec, self.cancel).with_context(|| format!("cannot start `{program}`"))?;
        let mut text = String::from_utf8_lossy(&ended.output).into_owned();
        match ended.status {
            Status::Signalled(signal) => {
                text += &format!("error: `{program}` was ended by signal {signal}\n")
            }
            Status::Cancelled => bail!("interrupted"),
            Status::Exited(_) | Status::TimedOut => {}
        }
        Ok(Step { success: ended.success(), output: self.output.display().to_string(), text })
    }

    fn finish(&self, tool: &str, arguments: Vec<Vec<u8>>) -> Result<Step> {
        let step = self.run(tool, arguments)?;
        self.publish(step)
    }

    fn finish_with(&self, argv: Vec<Vec<u8>>) -> Result<Step> {
        let step = self.run_argv(argv)?;
        self.publish(step)
    }

    fn publish(&self, step: Step) -> Result<Step> {
        if step.success {
            fs::rename(&path_from_bytes(&self.result()), self.output)
                .with_context(|| format!("cannot write `{}`", self.output.display()))?;
        }
        Ok(step)
    }
}

fn missing(tool: &str, tools: &Toolchain) -> Diagnostic {
    Diagnostic::error(format!("LLVM {} in `{}` has no `{tool}`", tools.major(), tools.bin_dir().display()))
        .hint("`jmake doctor` tells what is missing and how to install it")
}
