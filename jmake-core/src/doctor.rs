//! What this machine lacks for building, and the one command that mends it.
//!
//! Each check does the thing itself where that is possible (compiles a header, links a library,
//! writes a file), for a program that is installed need not work.  Nothing is repaired here.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::fs;
use crate::path::bytes_of;
use crate::process::{self, Spec};
use crate::toolchain::includes::Lang;
use crate::toolchain::{Ask, Need, Search, Toolchain, install_command, program_in};

/// Below this much free space a build is likely to fail, in bytes.
const ENOUGH: u64 = 1 << 30;

/// What to look at.
#[derive(Clone, Debug)]
pub struct Patient<'a> {
    /// Where to look for programs.
    pub search: &'a Search,
    /// The user's cache folder; none when there is no place for one.
    pub cache_dir: Option<&'a Path>,
    /// An existing folder in which small files may be made and removed.
    pub scratch: &'a Path,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: Cow<'static, str>,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// The command, or else the step, that mends it.
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Check {
        Check { name: name.into(), ok: true, found: found.into(), fix: None }
    }

    fn bad(name: &'static str, found: impl Into<String>, fix: Option<String>) -> Check {
        Check { name: name.into(), ok: false, found: found.into(), fix }
    }
}

/// Looks at everything a build needs, in the order in which it would be missed.
pub fn doctor(ask: &Ask<'_>, patient: &Patient<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    match Toolchain::find(patient.search, ask) {
        Ok(tools) => {
            checks
                .push(Check::good("clang", format!("{} in {}", tools.version(), tools.bin_dir().display())));
            checks.push(llvm_tools(&tools, patient));
            checks.push(linker(&tools, patient));
            checks.push(headers("C headers", Lang::C, "stdio.h", &tools, ask, patient));
            checks.push(headers("C++ headers", Lang::Cxx, "cstdio", &tools, ask, patient));
            checks.push(linking(&tools, ask, patient));
        }
        Err(missing) => checks.push(Check::bad("clang", missing.to_string(), missing.install)),
    }
    checks.push(pkg_config(patient));
    checks.extend(patient.cache_dir.map(cache));
    let place = patient.cache_dir.filter(|dir| dir.is_dir()).unwrap_or(patient.scratch);
    checks.push(space(place));
    checks
}

fn llvm_tools(tools: &Toolchain, patient: &Patient<'_>) -> Check {
    if tools.missing().is_empty() {
        return Check::good("LLVM tools", format!("all of version {}", tools.major()));
    }
    let missing = tools.missing().join(", ");
    let found = format!("of version {} there is no {missing}; `lto = \"full\"` needs them", tools.major());
    Check::bad(
        "LLVM tools",
        found,
        install_command(Need::Toolchain(Some(tools.major())), &patient.search.path),
    )
}

fn linker(tools: &Toolchain, patient: &Patient<'_>) -> Check {
    match tools.linker() {
        Some(linker) => Check::good("linker", linker.tool.path.display().to_string()),
        None => Check::bad(
            "linker",
            "none",
            install_command(Need::Toolchain(Some(tools.major())), &patient.search.path),
        ),
    }
}

/// Compiles a file that includes `header`.
fn headers(
    name: &'static str,
    lang: Lang,
    header: &str,
    tools: &Toolchain,
    ask: &Ask<'_>,
    patient: &Patient<'_>,
) -> Check {
    match compile(lang, &["-fsyntax-only", "-include", header], tools, ask, patient.scratch) {
        Ok(()) => Check::good(name, format!("`{header}` compiles")),
        Err(e) => Check::bad(
            name,
            format!("`{header}` does not compile: {e}"),
            install_command(Need::StandardLibraries, &patient.search.path),
        ),
    }
}

/// Makes a shared library out of nothing.
fn linking(tools: &Toolchain, ask: &Ask<'_>, patient: &Patient<'_>) -> Check {
    let link = || -> Result<()> {
        let dir = tempfile::Builder::new().prefix(fs::TEMPORARY).tempdir_in(patient.scratch)?;
        let flags: Vec<String> =
            tools.linker_flags().iter().map(|flag| String::from_utf8_lossy(flag).into_owned()).collect();
        let mut arguments = vec!["-shared", "-fPIC", "-include", "string", "-o", "doctor.so"];
        arguments.extend(flags.iter().map(|flag| &**flag));
        compile(Lang::Cxx, &arguments, tools, ask, dir.path())?;
        if dir.path().join("doctor.so").is_file() { Ok(()) } else { bail!("there is no library afterwards") }
    };
    match link() {
        Ok(()) => Check::good("linking", "a C++ library links"),
        Err(e) => Check::bad(
            "linking",
            format!("a C++ library does not link: {e}"),
            install_command(Need::StandardLibraries, &patient.search.path),
        ),
    }
}

/// Compiles an empty file in `dir`.  Not remembered: this asks about the machine as it is now.
fn compile(lang: Lang, arguments: &[&str], tools: &Toolchain, ask: &Ask<'_>, dir: &Path) -> Result<()> {
    let mut argv = vec![bytes_of(tools.driver(lang)?.path.as_os_str()).to_vec()];
    argv.extend(arguments.iter().map(|arg| arg.as_bytes().to_vec()));
    argv.extend(["-x", lang.flag(), "/dev/null"].map(|arg| arg.as_bytes().to_vec()));
    let mut spec = Spec::new(argv, dir);
    spec.env = vec![(b"LC_ALL".to_vec(), b"C".to_vec()), (b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())];
    let ended = process::run(&spec, ask.cancel)?;
    if ended.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&ended.output);
    let line = text.lines().find(|line| line.contains("error")).or(text.lines().next());
    Err(anyhow!("{}", line.unwrap_or("no message").trim()))
}

fn pkg_config(patient: &Patient<'_>) -> Check {
    match program_in(&patient.search.path, &["pkg-config", "pkgconf"]) {
        Some(path) => Check::good("pkg-config", path.display().to_string()),
        None => Check::bad(
            "pkg-config",
            "none; libraries are not found by their headers without it",
            install_command(Need::PkgConfig, &patient.search.path),
        ),
    }
}

fn cache(dir: &Path) -> Check {
    let shown = dir.display().to_string();
    let try_it = || -> Result<()> {
        fs::create_dir_all(dir)?;
        fs::temporary_for(&dir.join("doctor"))?;
        Ok(())
    };
    match try_it() {
        Ok(()) => Check::good("cache", shown),
        Err(e) => {
            let existing = nearest_existing(dir);
            let fix = format!("chmod u+rwx {}", shell_word(&existing));
            Check::bad("cache", format!("cannot write in `{shown}`: {e:#}"), Some(fix))
        }
    }
}

/// `dir`, or the nearest folder above it that exists: the one that needs mending.
fn nearest_existing(dir: &Path) -> PathBuf {
    dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir).to_owned()
}

fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.clone().into_owned(), |quoted| quoted.into_owned())
}

fn space(dir: &Path) -> Check {
    let free = match rustix::fs::statvfs(dir) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(e) => {
            return Check::bad("disk space", format!("cannot ask about `{}`: {e}", dir.display()), None);
        }
    };
    let found = format!("{:.1} GB free in `{}`", free as f64 / 1e9, dir.display());
    match free >= ENOUGH {
        true => Check::good("disk space", found),
        false => Check::bad("disk space", found, Some("jmake cache gc".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Cancel;
    use crate::toolchain::Learned;

    fn run(search: &Search, cache_dir: &Path, scratch: &Path) -> Vec<Check> {
        let learned = Learned::default();
        let cancel = Cancel::new();
        let patient = Patient { search, cache_dir: Some(cache_dir), scratch };
        doctor(&Ask { learned: &learned, cancel: &cancel }, &patient)
    }

    fn named<'a>(checks: &'a [Check], name: &str) -> Option<&'a Check> {
        checks.iter().find(|check| check.name == name)
    }

    #[test]
    fn a_machine_with_clang_is_well() {
        let dir = tempfile::tempdir().unwrap();
        let search = Search { path: vec!["/usr/bin".into()], ..Search::default() };
        let checks = run(&search, &dir.path().join("cache"), dir.path());
        if !named(&checks, "clang").unwrap().ok {
            eprintln!("skipped: no clang");
            return;
        }
        for name in ["clang", "linker", "C headers", "C++ headers", "linking", "cache"] {
            let check = named(&checks, name).unwrap();
            assert!(check.ok && check.fix.is_none(), "{check:?}");
        }
        // Nothing is left behind.
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["cache"]);
    }

    #[test]
    fn every_defect_has_its_command() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        // A system with nothing but a package manager and a compiler that cannot compile.
        for (name, text) in [
            ("dnf", "exit 0"),
            (
                "clang",
                "[ \"$1\" = -v ] && echo clang version 19.0.0 && exit; echo fatal error: no header; exit 1",
            ),
        ] {
            fs::write(&bin.join(name), format!("#!/bin/sh\n{text}\n").as_bytes()).unwrap();
            fs::set_mode(&bin.join(name), 0o755).unwrap();
        }
        fs::write(&dir.path().join("file"), b"").unwrap();
        let search = Search { path: vec![bin], places: Vec::new(), ..Search::default() };
        let checks = run(&search, &dir.path().join("file/cache"), dir.path());
        assert!(named(&checks, "clang").unwrap().ok);
        for (name, command) in [
            ("LLVM tools", "dnf install clang19 lld19 llvm19"),
            ("linker", "dnf install clang19 lld19 llvm19"),
            ("C headers", "dnf install binutils glibc-devel libstdc++-devel"),
            ("C++ headers", "dnf install binutils glibc-devel libstdc++-devel"),
            ("linking", "dnf install binutils glibc-devel libstdc++-devel"),
            ("pkg-config", "dnf install pkgconf-pkg-config"),
            ("cache", "chmod u+rwx"),
        ] {
            let check = named(&checks, name).unwrap();
            assert!(!check.ok, "{check:?}");
            assert!(check.fix.as_deref().unwrap().contains(command), "{check:?}");
        }
        assert!(named(&checks, "C headers").unwrap().found.contains("no header"));

        let search = Search { places: Vec::new(), ..Search::default() };
        let checks = run(&search, dir.path(), dir.path());
        assert!(!named(&checks, "clang").unwrap().ok);
        assert!(named(&checks, "C headers").is_none());
    }
}
