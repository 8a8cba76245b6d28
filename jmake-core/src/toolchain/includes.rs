//! Questions to the compiler: where it looks for headers, and what this machine's processor is.
//!
//! The answers are texts that clang prints for people (`-v`, `-###`), so each parser knows the
//! exact lines it relies on and gives an error for anything else rather than a partial answer.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{Ask, Tool, Toolchain};
use crate::path::{FilePath, bytes_of};

/// A source language.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum Lang {
    /// C.
    C,
    /// C++.
    Cxx,
    /// Assembler, preprocessed like C.
    Asm,
}

impl Lang {
    /// What `-x` takes.
    pub fn flag(self) -> &'static str {
        match self {
            Lang::C => "c",
            Lang::Cxx => "c++",
            Lang::Asm => "assembler-with-cpp",
        }
    }

    /// The name of the compiler driver.
    pub fn driver(self) -> &'static str {
        match self {
            Lang::C | Lang::Asm => "clang",
            Lang::Cxx => "clang++",
        }
    }
}

/// The folders that a compiler searches by itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IncludeDirs {
    /// Searched for `#include <…>`, in order, as the compiler spells them.
    pub dirs: Vec<FilePath>,
    /// Searched if they existed; should one appear, the order above may change.
    pub absent: Vec<FilePath>,
}

impl Toolchain {
    /// The compiler for `lang`: `clang++` where there is one, else `clang`.
    ///
    /// # Errors
    /// When the set has no compiler, which [`Toolchain::find`] never gives.
    pub fn driver(&self, lang: Lang) -> Result<&Tool> {
        match self.tool(lang.driver()).or_else(|| self.tool("clang")) {
            Some(tool) => Ok(tool),
            None => bail!("the toolchain has no `{}`", lang.driver()),
        }
    }

    /// The built-in header folders for `lang` under `flags` (target, sysroot, standard library).
    ///
    /// # Errors
    /// When the compiler fails or prints no list.
    pub fn include_dirs(&self, ask: &Ask<'_>, lang: Lang, flags: &[Vec<u8>]) -> Result<IncludeDirs> {
        let mut arguments = flags.to_vec();
        arguments.extend(["-v", "-E", "-x", lang.flag(), "/dev/null"].map(|arg| arg.as_bytes().to_vec()));
        let output = self.ask_driver(ask, lang, arguments)?;
        // An empty list is an answer (`-nostdinc`); no list is none.
        match parse_include_dirs(&output) {
            Some(found) => Ok(found),
            None => bail!("`{}` does not tell where it looks for headers", lang.driver()),
        }
    }

    /// What `-march=native` (or `-mcpu=native`, as given in `flags`) means on this machine: the
    /// processor and its features, one per line.  Belongs into the key of whatever is compiled
    /// with such a flag, for the flag's own text is the same on every machine.
    ///
    /// # Errors
    /// When the compiler fails or tells nothing.
    pub fn native_text(&self, ask: &Ask<'_>, lang: Lang, flags: &[Vec<u8>]) -> Result<String> {
        let mut arguments = flags.to_vec();
        arguments.extend(["-###", "-c", "-x", lang.flag(), "/dev/null"].map(|arg| arg.as_bytes().to_vec()));
        // The answer depends on the processor, which no watched file shows: a cache folder may
        // move to another machine, so the machine is part of the question.
        let processor = processor();
        let output = self.ask_driver_about(ask, lang, arguments, &processor)?;
        let text = String::from_utf8_lossy(&output);
        let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches('"')).collect();
        let named = ["-target-cpu", "-tune-cpu", "-target-feature"];
        let lines: Vec<String> = words
            .windows(2)
            .filter(|pair| named.contains(&pair[0]))
            .map(|pair| format!("{} {}", pair[0], pair[1]))
            .collect();
        if lines.is_empty() {
            bail!("`{}` does not tell which processor it compiles for", lang.driver());
        }
        Ok(lines.join("\n"))
    }

    fn ask_driver(&self, ask: &Ask<'_>, lang: Lang, arguments: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        self.ask_driver_about(ask, lang, arguments, &[])
    }

    /// Asks the driver something whose answer depends on `about` besides its own files.
    pub(super) fn ask_driver_about(
        &self,
        ask: &Ask<'_>,
        lang: Lang,
        arguments: Vec<Vec<u8>>,
        about: &[u8],
    ) -> Result<Vec<u8>> {
        let tool = self.driver(lang)?;
        let mut argv = vec![bytes_of(tool.path.as_os_str()).to_vec()];
        argv.extend(arguments);
        ask.output_about(&argv, about, &self.watched(tool))
    }
}

/// What tells this machine's processor from another: its description, without what changes from
/// moment to moment.  Empty where the system has none to read.
fn processor() -> Vec<u8> {
    let text = std::fs::read("/proc/cpuinfo").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let telling = ["vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU part", "isa"];
    let mut lines: Vec<&str> =
        text.lines().filter(|line| telling.iter().any(|t| line.starts_with(t))).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n").into_bytes()
}

/// The lists in what `clang -v -E` prints.
/// The folders in what clang prints with `-v`; `None` when the list is not in it, whole.
fn parse_include_dirs(output: &[u8]) -> Option<IncludeDirs> {
    let mut found = IncludeDirs::default();
    let mut whole = false;
    let mut listing = false;
    for line in output.split(|&b| b == b'\n') {
        if let Some(rest) = line.strip_prefix(b"ignoring nonexistent directory \"") {
            found.absent.push(FilePath::new(rest.strip_suffix(b"\"").unwrap_or(rest)));
        } else if line.starts_with(b"#include <...> search starts here") {
            listing = true;
        } else if line.starts_with(b"End of search list") {
            whole = listing;
            listing = false;
        } else if listing && let Some(dir) = line.strip_prefix(b" ") {
            // Apple's frameworks stand in the same list but are searched by other rules.
            if !dir.ends_with(b" (framework directory)") {
                found.dirs.push(FilePath::new(dir));
            }
        }
    }
    whole.then_some(found)
}

impl IncludeDirs {
    /// The folders as paths of the operating system.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.dirs.iter().map(FilePath::to_path_buf).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let output = b"ignoring nonexistent directory \"/include\"\n\
            #include \"...\" search starts here:\n /quoted\n\
            #include <...> search starts here:\n /usr/include/c++/12\n /a b\n /F (framework directory)\n\
            End of search list.\n # 1 \"/dev/null\"\n";
        let found = parse_include_dirs(output).unwrap();
        assert_eq!(found.dirs, [FilePath::new("/usr/include/c++/12"), FilePath::new("/a b")]);
        assert_eq!(found.absent, [FilePath::new("/include")]);
        assert_eq!(parse_include_dirs(&output[..output.len() - 40]), None);
    }
}
