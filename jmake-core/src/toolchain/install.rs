//! The one command that installs what is missing, for the package manager this system has.
//!
//! Which manager there is, is seen from the programs in the user's `PATH`; nothing is run.  Names
//! of packages are those of the manager's main distribution.

use std::path::{Path, PathBuf};

/// Something that can be installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// clang, lld and the LLVM tools; of this major version when one is asked for.
    Toolchain(Option<u32>),
    /// The mold linker.
    Mold,
    /// A system linker, the C library's headers and the C++ standard library.
    StandardLibraries,
    /// The runtime libraries of the sanitizers, of clang of this major version.
    Sanitizers(u32),
    /// pkg-config.
    PkgConfig,
}

/// A package manager: the program that gives it away, the command that installs, and how it names
/// its packages.
struct Manager {
    program: &'static str,
    command: &'static str,
    toolchain: &'static str,
    /// The same of one major version, for which `{n}` stands.
    versioned: &'static str,
    libraries: &'static str,
    /// With `{n}` for clang's major version, where packages carry it.
    sanitizers: &'static str,
    pkg_config: &'static str,
}

const MANAGERS: [Manager; 6] = [
    Manager {
        program: "apt-get",
        command: "apt-get install",
        toolchain: "clang lld llvm",
        versioned: "clang-{n} lld-{n} llvm-{n}",
        // The C++ library has no package of an unversioned name; the compiler's brings it.
        libraries: "binutils libc6-dev g++",
        sanitizers: "libclang-rt-{n}-dev",
        pkg_config: "pkg-config",
    },
    Manager {
        program: "dnf",
        command: "dnf install",
        toolchain: "clang lld llvm",
        versioned: "clang{n} lld{n} llvm{n}",
        libraries: "binutils glibc-devel libstdc++-devel",
        sanitizers: "compiler-rt",
        pkg_config: "pkgconf-pkg-config",
    },
    Manager {
        program: "pacman",
        command: "pacman -S",
        toolchain: "clang lld llvm",
        versioned: "clang{n} lld{n} llvm{n}",
        libraries: "binutils glibc gcc",
        sanitizers: "compiler-rt",
        pkg_config: "pkgconf",
    },
    Manager {
        program: "zypper",
        command: "zypper install",
        toolchain: "clang lld llvm",
        versioned: "clang{n} lld{n} llvm{n}",
        libraries: "binutils glibc-devel libstdc++-devel",
        sanitizers: "clang{n}",
        pkg_config: "pkg-config",
    },
    Manager {
        program: "apk",
        command: "apk add",
        toolchain: "clang lld llvm",
        versioned: "clang{n} lld{n} llvm{n}",
        libraries: "binutils musl-dev g++",
        sanitizers: "compiler-rt",
        pkg_config: "pkgconf",
    },
    Manager {
        program: "brew",
        command: "brew install",
        toolchain: "llvm lld",
        versioned: "llvm@{n} lld@{n}",
        // Apple's own command line tools hold the SDK; a formula brings only its own headers.
        libraries: "llvm",
        sanitizers: "llvm@{n}",
        pkg_config: "pkgconf",
    },
];

/// The command that installs `need`, when one of the known package managers is in `path`.
pub fn install_command(need: Need, path: &[PathBuf]) -> Option<String> {
    let found = |manager: &&Manager| path.iter().any(|dir| executable(&dir.join(manager.program)));
    let manager = MANAGERS.iter().find(found)?;
    let packages = match need {
        Need::Toolchain(None) => manager.toolchain.to_owned(),
        Need::Toolchain(Some(n)) => manager.versioned.replace("{n}", &n.to_string()),
        Need::Mold => "mold".to_owned(),
        Need::StandardLibraries => manager.libraries.to_owned(),
        Need::Sanitizers(n) => manager.sanitizers.replace("{n}", &n.to_string()),
        Need::PkgConfig => manager.pkg_config.to_owned(),
    };
    Some(manager.installs(&packages))
}

/// The command that installs what package managers, by their programs, know under these names: that
/// of the first one that is in `path`.  A name that is empty is not known there.
pub fn install_named(names: &[(&str, &str)], path: &[PathBuf]) -> Option<String> {
    let there = |program: &str| path.iter().any(|dir| executable(&dir.join(program)));
    let (program, name) = names.iter().find(|(program, name)| !name.is_empty() && there(program))?;
    Some(MANAGERS.iter().find(|manager| manager.program == *program)?.installs(name))
}

impl Manager {
    fn installs(&self, packages: &str) -> String {
        // Only an administrator may install for the whole system; brew installs for the user.
        let sudo = self.program != "brew" && !rustix::process::geteuid().is_root();
        format!("{}{} {packages}", if sudo { "sudo " } else { "" }, self.command)
    }
}

/// Whether `path` leads to an ordinary file that someone may execute.
pub(super) fn executable(path: &Path) -> bool {
    matches!(crate::fs::stat(path), Ok(Some(stat)) if stat.is_file() && stat.mode & 0o111 != 0)
}
