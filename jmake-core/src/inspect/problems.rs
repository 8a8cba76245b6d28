//! What is wrong with a binary that is to be used on a given machine.

use std::path::{Path, PathBuf};

use super::{BinaryKind, BinaryReport};
use crate::event::Diagnostic;

/// The machine a binary is to be used on.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Its triple (`x86_64-pc-linux-gnu`).
    pub triple: &'a str,
    /// Where its loader looks for libraries.
    pub library_dirs: &'a [PathBuf],
}

/// Everything about `report` that will keep it from being used on `host`, or that its user should
/// know.
pub fn problems(report: &BinaryReport, host: &Host<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if report.kind == BinaryKind::Text {
        let hint = "it may be a linker script: name the library it stands for";
        found.push(Diagnostic::warning("the file is text, not a library").hint(hint));
    }
    found.extend(wrong_machine(report, host));
    if report.kind == BinaryKind::Shared {
        found.extend(unusable_library(report));
        found.extend(missing_libraries(report, host));
    }
    if report.kind == BinaryKind::Static && report.members.is_empty() {
        found.push(Diagnostic::warning("the archive is empty"));
    }
    found.into_iter().map(|problem| problem.in_file(report.path.display())).collect()
}

fn wrong_machine(report: &BinaryReport, host: &Host<'_>) -> Option<Diagnostic> {
    let format = host_format(host.triple);
    let foreign = matches!(report.format, "ELF" | "Mach-O" | "PE" | "COFF")
        && report.format != format
        && !(report.format == "COFF" && format == "PE");
    if foreign {
        let message = format!("the file is {}, but `{}` uses {format}", report.format, host.triple);
        return Some(Diagnostic::error(message).hint("build it for this system"));
    }
    let machine = host_machine(host.triple);
    if report.machine.is_empty() || machine.is_empty() || report.machine == machine {
        return None;
    }
    let message = format!("the file is for `{}`, but this machine is `{machine}`", report.machine);
    Some(Diagnostic::error(message).hint(format!("build it with `--target {}`", host.triple)))
}

fn unusable_library(report: &BinaryReport) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if report.exports.is_empty() {
        found.push(
            Diagnostic::warning("the library exports no symbols")
                .hint("functions that are `static` or hidden cannot be called from outside"),
        );
    }
    if report.soname.is_none() && report.format == "ELF" {
        found.push(
            Diagnostic::note("the library has no soname")
                .hint("programs linked with it will look for the path they were linked with"),
        );
    }
    found
}

fn missing_libraries(report: &BinaryReport, host: &Host<'_>) -> Vec<Diagnostic> {
    // Windows and macOS provide libraries that are no files.
    if report.format != "ELF" {
        return Vec::new();
    }
    let missing = report.needed.iter().filter(|name| !is_found(name, report, host));
    missing
        .map(|name| {
            Diagnostic::error(format!("the library needs `{name}`, which is not installed"))
                .hint("install it, or add its folder to `link.lib_dirs`")
        })
        .collect()
}

fn is_found(name: &str, report: &BinaryReport, host: &Host<'_>) -> bool {
    if name.contains('/') {
        return Path::new(name).exists();
    }
    let origin = report.path.parent().unwrap_or(Path::new(""));
    let own = report.search.iter().map(|dir| {
        let dir = dir.replace("${ORIGIN}", "$ORIGIN");
        match dir.strip_prefix("$ORIGIN") {
            Some(rest) => origin.join(rest.trim_start_matches('/')),
            None => PathBuf::from(dir),
        }
    });
    own.chain(host.library_dirs.iter().cloned()).any(|dir| dir.join(name).exists())
}

/// The format of the binaries that a triple's system runs.
fn host_format(triple: &str) -> &'static str {
    if ["darwin", "macos", "ios", "apple"].iter().any(|system| triple.contains(system)) {
        "Mach-O"
    } else if ["windows", "mingw", "cygwin"].iter().any(|system| triple.contains(system)) {
        "PE"
    } else {
        "ELF"
    }
}

/// The first part of a triple in the spelling of [`BinaryReport::machine`]; empty for one that is
/// not known.
fn host_machine(triple: &str) -> &'static str {
    match triple.split('-').next().unwrap_or_default() {
        "x86_64" | "amd64" | "x86_64h" => "x86_64",
        "i386" | "i486" | "i586" | "i686" => "i386",
        "aarch64" | "arm64" | "arm64e" => "aarch64",
        "riscv64" | "riscv64gc" => "riscv64",
        "riscv32" => "riscv32",
        "powerpc64" | "powerpc64le" | "ppc64" | "ppc64le" => "powerpc64",
        "s390x" => "s390x",
        "loongarch64" => "loongarch64",
        "mips64" | "mips64el" => "mips64",
        "mips" | "mipsel" => "mips",
        "sparc64" | "sparcv9" => "sparc64",
        arm if arm.starts_with("arm") || arm.starts_with("thumb") => "arm",
        _ => "",
    }
}
