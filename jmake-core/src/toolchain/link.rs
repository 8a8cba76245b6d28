//! The linker's own command line, learned from the compiler driver.
//!
//! The driver takes longer to start than the linker takes to link a small library (80 ms against
//! 44), yet only it knows the start files, folders and libraries of the system.  So it is asked
//! once, with `-###`, for the command it would run, and the linker is started directly from then
//! on.  A command that is not understood entirely is an error, and the caller goes through the
//! driver.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

use super::includes::Lang;
use super::{Ask, LinkerKind, Toolchain};
use crate::path::{bytes_of, path_from_bytes};

/// Stands for the objects: a file that exists everywhere, for the driver checks that it does.
const OBJECT: &[u8] = b"/dev/null";
/// Stands for the output.
const OUTPUT: &[u8] = b"jmake-output-placeholder";

/// What is to be linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    /// A shared library.
    Shared,
    /// A program.
    Executable,
}

/// A question for [`Toolchain::link_line`].
#[derive(Clone, Debug)]
pub struct LinkQuery<'a> {
    /// What is to be linked.
    pub kind: LinkKind,
    /// Which driver's runtime libraries are wanted.
    pub lang: Lang,
    /// Flags for the driver that stand before the objects (target, sanitizers, `-L`, `-Wl,…`).
    pub flags: &'a [Vec<u8>],
    /// Libraries and flags that stand after the objects (`-lz`).
    pub libraries: &'a [Vec<u8>],
}

/// A command that starts a linker directly.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct LinkLine {
    /// The linker.
    #[serde(with = "crate::portable")]
    pub linker: PathBuf,
    /// Arguments before the output's name.
    pub before_output: Vec<Vec<u8>>,
    /// Arguments between the output's name and the objects.
    pub before_objects: Vec<Vec<u8>>,
    /// Arguments after the objects.
    pub after_objects: Vec<Vec<u8>>,
}

impl LinkLine {
    /// The argument vector that links `objects` into `output`.
    pub fn argv<O: AsRef<[u8]>>(&self, output: &[u8], objects: &[O]) -> Vec<Vec<u8>> {
        let mut argv = vec![bytes_of(self.linker.as_os_str()).to_vec()];
        argv.extend_from_slice(&self.before_output);
        argv.push(output.to_vec());
        argv.extend_from_slice(&self.before_objects);
        argv.extend(objects.iter().map(|object| object.as_ref().to_vec()));
        argv.extend_from_slice(&self.after_objects);
        argv
    }

    /// The files that the line names besides the objects (start files, runtime archives): inputs
    /// of every link with it.
    pub fn files(&self) -> Vec<PathBuf> {
        self.named().filter(|path| path.is_file()).collect()
    }

    /// The files that the line names but that do not exist.  The driver names a sanitizer's
    /// runtime ([`super::Need::Sanitizers`]) and the LTO plugin of linkers other than lld whether
    /// or not they are installed.
    pub fn absent_files(&self) -> Vec<PathBuf> {
        let linkable = |path: &PathBuf| {
            path.extension().is_some_and(|ext| ["a", "o", "so"].iter().any(|&known| ext == known))
        };
        self.named().filter(|path| linkable(path) && !path.exists()).collect()
    }

    fn named(&self) -> impl Iterator<Item = PathBuf> {
        let arguments = self.before_output.iter().chain(&self.before_objects).chain(&self.after_objects);
        arguments.filter(|arg| arg.starts_with(b"/")).map(|arg| path_from_bytes(arg))
    }

    /// The folders in which the line looks for libraries.
    pub fn library_dirs(&self) -> Vec<PathBuf> {
        let arguments = self.before_objects.iter().chain(&self.after_objects);
        let dirs = arguments.filter_map(|arg| arg.strip_prefix(b"-L")).filter(|dir| !dir.is_empty());
        dirs.map(path_from_bytes).collect()
    }
}

impl Toolchain {
    /// The flags that make the driver use this toolchain's linker.
    pub fn linker_flags(&self) -> Vec<Vec<u8>> {
        let Some(linker) = &self.linker else { return Vec::new() };
        let mut flags = Vec::new();
        // The family tells the driver how to pass on LTO options, the path which program it is.
        if let Some(name) = linker.kind.name() {
            flags.push(format!("-fuse-ld={name}").into_bytes());
        }
        if linker.kind != LinkerKind::Other || linker.tool.path.is_absolute() {
            let mut path = b"--ld-path=".to_vec();
            path.extend_from_slice(bytes_of(linker.tool.path.as_os_str()));
            flags.push(path);
        }
        flags
    }

    /// The command with which the driver would link.
    ///
    /// # Errors
    /// When the driver fails or prints a command that is not understood; link with the driver
    /// itself then.
    pub fn link_line(&self, ask: &Ask<'_>, query: &LinkQuery<'_>) -> Result<LinkLine> {
        let mut arguments = vec![b"-###".to_vec()];
        if query.kind == LinkKind::Shared {
            arguments.push(b"-shared".to_vec());
        }
        arguments.extend(self.linker_flags());
        arguments.extend_from_slice(query.flags);
        arguments.extend([b"-o".to_vec(), OUTPUT.to_vec(), OBJECT.to_vec()]);
        arguments.extend_from_slice(query.libraries);
        let linker = self.linker.as_ref().map(|linker| bytes_of(linker.tool.real.as_os_str()));
        let output = self.ask_driver_about(ask, query.lang, arguments, linker.unwrap_or_default())?;
        let commands = commands(&output);
        match &commands[..] {
            [command] => split(command),
            [] => bail!("the driver prints no link command"),
            _ => bail!("the driver needs {} commands to link", commands.len()),
        }
    }
}

/// Takes a command apart at its placeholders.
fn split(command: &[Vec<u8>]) -> Result<LinkLine> {
    let [linker, arguments @ ..] = command else { bail!("the driver prints an empty command") };
    let output = only(arguments, OUTPUT)?;
    let object = only(arguments, OBJECT)?;
    if output.start >= object.start {
        bail!("the link command names its output after its objects");
    }
    Ok(LinkLine {
        linker: path_from_bytes(linker),
        before_output: arguments[..output.start].to_vec(),
        before_objects: arguments[output.end..object.start].to_vec(),
        after_objects: arguments[object.end..].to_vec(),
    })
}

/// Where `placeholder` stands; it must be there once, and nowhere inside another argument.
fn only(arguments: &[Vec<u8>], placeholder: &[u8]) -> Result<Range<usize>> {
    let mut holding = arguments
        .iter()
        .enumerate()
        .filter(|(_, arg)| arg.windows(placeholder.len()).any(|part| part == placeholder));
    let name = || String::from_utf8_lossy(placeholder).into_owned();
    let (at, arg) = holding.next().ok_or_else(|| anyhow!("the link command does not name `{}`", name()))?;
    if arg != placeholder || holding.next().is_some() {
        bail!("the link command names `{}` in more than one place", name());
    }
    Ok(at..at + 1)
}

/// The commands in what `clang -###` prints: lines that begin with a blank and a quote, each
/// argument in double quotes with `"`, `\` and `$` escaped.  An argument may span lines.
fn commands(output: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = output;
    while !rest.is_empty() {
        if let Some((command, after)) = rest.strip_prefix(b" \"").and_then(|_| command(rest)) {
            found.push(command);
            rest = after;
        } else {
            let line = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |at| at + 1);
            rest = &rest[line..];
        }
    }
    found
}

/// One command at the start of `text`, and what follows its line.
fn command(mut text: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let mut arguments = Vec::new();
    loop {
        match text {
            [] => return Some((arguments, text)),
            [b'\n', rest @ ..] => return Some((arguments, rest)),
            [b'\r', rest @ ..] => text = rest,
            [b' ', b'"', rest @ ..] => {
                let (argument, after) = quoted(rest)?;
                arguments.push(argument);
                text = after;
            }
            _ => return None,
        }
    }
}

/// A quoted argument whose opening quote has been taken.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut argument = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Some((argument, &text[at + 1..])),
            b'\\' => argument.push(*bytes.next()?.1),
            _ => argument.push(byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(output: &str) -> Result<LinkLine> {
        match &commands(output.as_bytes())[..] {
            [command] => split(command),
            other => bail!("{} commands", other.len()),
        }
    }

    #[test]
    fn quoting_and_noise() {
        let found = commands(
            b"clang version 19\nTarget: x\n (in-process)\n \"/usr/bin/ld\" \"a b\" \"q\\\"\\$\\\\\" \"two\nlines\" \"\"\nwarning: x\n",
        );
        let expect: Vec<Vec<u8>> = ["/usr/bin/ld", "a b", "q\"$\\", "two\nlines", ""]
            .iter()
            .map(|s| s.as_bytes().to_vec())
            .collect();
        assert_eq!(found, [expect]);
    }

    #[test]
    fn placeholders_are_replaced() {
        let line = line(" \"ld\" \"-shared\" \"-o\" \"jmake-output-placeholder\" \"crti.o\" \"-L/x\" \"/dev/null\" \"-lc\"\n").unwrap();
        let argv: Vec<String> = line
            .argv(b"out put.so", &["a.o", "b.o"])
            .iter()
            .map(|arg| String::from_utf8_lossy(arg).into_owned())
            .collect();
        assert_eq!(argv, ["ld", "-shared", "-o", "out put.so", "crti.o", "-L/x", "a.o", "b.o", "-lc"]);
        assert_eq!(line.library_dirs(), [PathBuf::from("/x")]);
    }

    #[test]
    fn files_that_are_named() {
        let line = line(" \"ld\" \"-dynamic-linker\" \"/no/ld.so.2\" \"-o\" \"jmake-output-placeholder\" \"/no/asan.a\" \"/dev/null\" \"/etc/passwd\"\n").unwrap();
        assert_eq!(line.absent_files(), [PathBuf::from("/no/asan.a")]);
        assert_eq!(line.files(), [PathBuf::from("/etc/passwd")]);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for output in [
            "",
            "clang version 19\n",
            " \"ld\" \"-o\" \"jmake-output-placeholder\"\n",
            " \"ld\" \"/dev/null\"\n",
            " \"ld\" \"-o\" \"jmake-output-placeholder\" \"/dev/null\" \"/dev/null\"\n",
            " \"ld\" \"-o\" \"jmake-output-placeholder\" \"--x=/dev/null\"\n",
            " \"ld\" \"/dev/null\" \"-o\" \"jmake-output-placeholder\"\n",
            " \"as\" \"x\"\n \"ld\" \"-o\" \"jmake-output-placeholder\" \"/dev/null\"\n",
            " \"ld\" unquoted \"-o\" \"jmake-output-placeholder\" \"/dev/null\"\n",
            " \"ld\" \"-o\" \"jmake-output-placeholder\" \"/dev/null\n",
        ] {
            assert!(line(output).is_err(), "{output}");
        }
    }
}
