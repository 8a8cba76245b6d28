//! Choosing the set: candidates in order, each one checked for being of one version.
//!
//! A candidate is a clang.  Its tools are looked for beside it, then in `PATH`; a tool counts
//! only when it is certain to be of clang's major version: because both lie in the folder of one
//! installation (`/usr/lib/llvm-19/bin`), or because it says so itself.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::install::{Need, executable, install_command};
use super::loaded::loaded;
use super::{Ask, Linker, LinkerKind, Missing, OLDEST, Search, Tool, Toolchain, program, tool_name};
use crate::path::bytes_of;

/// What a complete set has; [`LLD`] besides where the system's objects are ELF.
const COMPLETE: [&str; 7] = ["clang", "clang++", "llvm-link", "opt", "llc", "llvm-nm", "llvm-ar"];
const LLD: &str = "ld.lld";

/// Tools that are found together with the others but whose absence is no defect.
const OPTIONAL: [&str; 5] = ["llvm-objcopy", "llvm-ranlib", "llvm-dis", "llvm-profdata", "llvm-symbolizer"];

/// The highest version suffix (`clang-40`) looked for in `PATH`.
const NEWEST_SUFFIX: u32 = 40;

/// What clang says about itself.
#[derive(Debug)]
struct About {
    text: String,
    version: String,
    major: u32,
    triple: String,
    config_dirs: Vec<PathBuf>,
}

/// The set to use.
pub(super) fn find(search: &Search, ask: &Ask<'_>) -> Result<Toolchain, Missing> {
    let mut looked = Vec::new();
    let mut problems = Vec::new();
    let mut best: Option<Toolchain> = None;
    let mut seen = HashSet::new();
    for clang in candidates(search, &mut looked, &mut problems) {
        let real = real(&clang);
        looked.extend(real.parent().map(Path::to_owned));
        if !seen.insert(real) {
            continue;
        }
        match assemble(&clang, search, ask) {
            Ok(set) if best.as_ref().is_none_or(|best| rank(&set) < rank(best)) => best = Some(set),
            Ok(_) => {}
            Err(e) => problems.push(format!("{e:#}")),
        }
    }
    let missing = |what: String, need, problems| {
        let install = install_command(need, &search.path);
        let mut named = HashSet::new();
        let looked = looked.iter().filter(|path| named.insert(*path)).cloned().collect();
        Missing { what, looked, problems, install }
    };
    let Some(mut set) = best else {
        let what = match search.version {
            Some(version) => format!("clang {version}"),
            None => format!("clang {OLDEST} or newer"),
        };
        return Err(missing(what, Need::Toolchain(search.version), problems));
    };
    if let Err(e) = apply_overrides(&mut set, search, ask) {
        return Err(missing("toolchain".into(), Need::Toolchain(Some(set.major)), vec![format!("{e:#}")]));
    }
    match choose_linker(search, &set) {
        Ok(linker) => set.linker = linker,
        Err(e) => {
            let need = if search.linker.as_deref() == Some("mold") {
                Need::Mold
            } else {
                Need::Toolchain(Some(set.major))
            };
            return Err(missing("linker".into(), need, vec![format!("{e:#}")]));
        }
    }
    set.looked.extend(looked);
    Ok(set)
}

/// Complete before incomplete, then new before old; earlier candidates win ties.
fn rank(set: &Toolchain) -> (bool, Reverse<u32>) {
    (!set.missing.is_empty(), Reverse(set.major))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Every clang that `search` allows, best place first.
fn candidates(search: &Search, looked: &mut Vec<PathBuf>, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let named = search.tools.iter().find(|(name, _)| tool_name(name) == "clang");
    if let Some((_, path)) = named {
        looked.push(path.clone());
        return path.is_absolute().then(|| path.clone()).into_iter().collect();
    }
    if let Some(root) = &search.root {
        if !root.is_absolute() {
            problems.push(format!("`llvm.root` is `{}`, which is not an absolute path", root.display()));
            return Vec::new();
        }
        let dirs = [root.join("bin"), root.clone()];
        looked.extend(dirs.clone());
        return dirs.iter().flat_map(|dir| clangs_in(dir, problems)).take(1).collect();
    }
    let mut clangs = Vec::new();
    for dir in search.path.iter().filter(|dir| dir.is_absolute()) {
        looked.push(dir.clone());
        clangs.extend(clangs_in(dir, problems));
        clangs.extend(beside_llvm_config(dir));
    }
    for place in &search.places {
        looked.push(place.clone());
        for dir in installations(place) {
            looked.push(dir.clone());
            clangs.extend(clangs_in(&dir, problems));
        }
    }
    clangs
}

/// `clang` and `clang-N` of one folder.
fn clangs_in(dir: &Path, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let suffixed = (OLDEST..=NEWEST_SUFFIX).rev().map(|n| format!("clang-{n}"));
    let mut found = Vec::new();
    for name in std::iter::once("clang".to_owned()).chain(suffixed) {
        let path = dir.join(name);
        if !executable(&path) {
            continue;
        }
        let real = real(&path);
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // ccache and its like pose as compilers through links of their name.
        if name.starts_with("clang") || name.starts_with("llvm") {
            found.push(path);
        } else {
            problems.push(format!("`{}` is `{name}`, not a compiler", path.display()));
        }
    }
    found
}

/// The clang of an installation that shows only its `llvm-config` in `PATH`.
fn beside_llvm_config(dir: &Path) -> Option<PathBuf> {
    let config = dir.join("llvm-config").canonicalize().ok()?;
    let clang = config.parent()?.join("clang");
    executable(&clang).then_some(clang)
}

/// The `bin` folders of the installations below `place`.
fn installations(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = bytes_of(&name);
            name.starts_with(b"llvm") || name.iter().all(u8::is_ascii_digit)
        })
        .map(|entry| entry.path().join("bin"))
        .filter(|dir| dir.is_dir())
        .collect();
    dirs.sort();
    dirs
}

/// The set around one clang.
fn assemble(clang: &Path, search: &Search, ask: &Ask<'_>) -> Result<Toolchain> {
    let real = real(clang);
    let about = about(clang, &real, ask)?;
    if about.major < OLDEST {
        bail!("`{}` is version {}, older than {OLDEST}", clang.display(), about.major);
    }
    if search.version.is_some_and(|version| version != about.major) {
        bail!("`{}` is version {}", clang.display(), about.major);
    }
    let bin_dir = real.parent().unwrap_or(Path::new("/")).to_owned();
    let mut set = Toolchain {
        config_dirs: std::iter::once(bin_dir.clone()).chain(about.config_dirs).collect(),
        bin_dir,
        major: about.major,
        version: about.version.clone(),
        about: about.text,
        triple: about.triple,
        chosen: Vec::new(),
        missing: Vec::new(),
        linker: None,
        looked: vec![clang.to_owned()],
        all: std::sync::OnceLock::new(),
    };
    let needs_lld = !cfg!(target_os = "macos");
    for name in COMPLETE.into_iter().chain([LLD]).chain(OPTIONAL) {
        let tool = match name {
            "clang" => own_clang(clang, &set),
            _ => tool_of(&set, name, clang, search, ask),
        };
        match tool {
            Some(tool) => set.chosen.push(tool),
            None if COMPLETE.contains(&name) || (name == LLD && needs_lld) => set.missing.push(name),
            None => {}
        }
    }
    Ok(set)
}

/// `clang` by its plain name in its own folder where it has one, so that a set is the same by
/// whatever link it was found.
fn own_clang(clang: &Path, set: &Toolchain) -> Option<Tool> {
    let given = program("clang", clang, &set.version)?;
    let plain = program("clang", &set.bin_dir.join("clang"), &set.version);
    Some(plain.filter(|plain| plain.real == given.real).unwrap_or(given))
}

/// The tool called `name` that belongs to the set around `clang`.
fn tool_of(set: &Toolchain, name: &str, clang: &Path, search: &Search, ask: &Ask<'_>) -> Option<Tool> {
    let beside = [Some(&*set.bin_dir), clang.parent()].into_iter().flatten().map(Path::to_owned);
    // With a root of its own, nothing from elsewhere belongs to the set.
    let elsewhere = if search.root.is_some() { &[][..] } else { &search.path[..] };
    let suffixed = format!("{name}-{}", set.major);
    for dir in beside.chain(elsewhere.iter().filter(|dir| dir.is_absolute()).cloned()) {
        for spelling in [name, &suffixed] {
            let Some(mut tool) = program(name, &dir.join(spelling), &set.version) else { continue };
            if tool.real.parent() == Some(&set.bin_dir) && is_one_build(&set.bin_dir, set.major) {
                return Some(tool);
            }
            if let Ok(version) = version_of(&tool, ask)
                && major_of(&version) == Some(set.major)
            {
                tool.version = version;
                return Some(tool);
            }
        }
    }
    None
}

/// Whether `bin_dir` is the folder of one installation of version `major`, such as
/// `/usr/lib/llvm-19/bin`, in which tools of another version cannot lie.
fn is_one_build(bin_dir: &Path, major: u32) -> bool {
    let Some(prefix) = bin_dir.parent().and_then(Path::file_name) else { return false };
    let prefix = prefix.to_string_lossy();
    let digits = prefix.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = digits.split(|c: char| !c.is_ascii_digit()).next();
    (prefix.starts_with("llvm") || prefix == digits) && number.and_then(|n| n.parse().ok()) == Some(major)
}

/// The version that a tool prints.
fn version_of(tool: &Tool, ask: &Ask<'_>) -> Result<String> {
    let argv = [bytes_of(tool.path.as_os_str()).to_vec(), b"--version".to_vec()];
    let text = ask.output(&argv, &loaded(&tool.real).files)?;
    let text = String::from_utf8_lossy(&text);
    parse_version(&text).ok_or_else(|| anyhow!("`{}` does not tell its version", tool.path.display()))
}

/// What clang prints about itself and its surroundings.
fn about(clang: &Path, real: &Path, ask: &Ask<'_>) -> Result<About> {
    let argv = [bytes_of(clang.as_os_str()).to_vec(), b"-v".to_vec()];
    let text = ask.output(&argv, &loaded(real).files)?;
    let text = String::from_utf8_lossy(&text);
    let version =
        parse_version(&text).ok_or_else(|| anyhow!("`{}` does not tell its version", clang.display()))?;
    let major = major_of(&version).unwrap_or(0);
    let after =
        |prefix: &'static str| text.lines().filter_map(move |line| line.strip_prefix(prefix)).map(str::trim);
    let dirs =
        after("System configuration file directory:").chain(after("User configuration file directory:"));
    Ok(About {
        // The rest names folders of this machine, which are no part of what the compiler is.
        text: text.lines().take(2).collect::<Vec<_>>().join("\n"),
        triple: after("Target:").next().unwrap_or_default().to_owned(),
        config_dirs: dirs.map(PathBuf::from).collect(),
        version,
        major,
    })
}

/// The first `N.N…` after the word `version` or the name `LLD`.
fn parse_version(text: &str) -> Option<String> {
    let at = text.find("version ").map(|at| at + 8).or_else(|| text.find("LLD ").map(|at| at + 4))?;
    let end = text[at..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text.len(), |end| at + end);
    let version = text[at..end].trim_end_matches('.');
    major_of(version).map(|_| version.to_owned())
}

fn major_of(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Puts the tools that the user named into the set.
fn apply_overrides(set: &mut Toolchain, search: &Search, ask: &Ask<'_>) -> Result<()> {
    for (given, path) in &search.tools {
        let name = tool_name(given);
        set.looked.push(path.clone());
        let mut tool = Some(path)
            .filter(|path| path.is_absolute())
            .and_then(|path| program(&name, path, ""))
            .ok_or_else(|| anyhow!("`llvm.tools.{given}` names `{}`, which cannot be run", path.display()))?;
        if COMPLETE.contains(&&*name) || name == LLD {
            let version = version_of(&tool, ask)?;
            if major_of(&version) != Some(set.major) {
                bail!(
                    "`llvm.tools.{given}` is version {version} but clang is version {}: their files do not mix",
                    set.version
                );
            }
            tool.version = version;
        }
        set.chosen.retain(|other| other.name != name);
        set.missing.retain(|missing| *missing != name);
        set.chosen.push(tool);
    }
    Ok(())
}

/// The linker asked for; else the set's lld; else the best one in `PATH`.
fn choose_linker(search: &Search, set: &Toolchain) -> Result<Option<Linker>> {
    let lld = || {
        let tool = set.chosen.iter().find(|tool| tool.name == LLD)?;
        Some(Linker { kind: LinkerKind::Lld, tool: tool.clone() })
    };
    let in_path = |kind: LinkerKind, names: &[&str]| {
        let dirs = search.path.iter().filter(|dir| dir.is_absolute());
        let tool = dirs.flat_map(|dir| names.iter().map(|name| dir.join(name))).find_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            program(&name, &path, "")
        })?;
        Some(Linker { kind, tool })
    };
    let mold = || in_path(LinkerKind::Mold, &["ld.mold", "mold"]);
    let bfd = || in_path(LinkerKind::Bfd, &["ld.bfd", "ld"]);
    let Some(asked) = search.linker.as_deref() else {
        return Ok(lld().or_else(mold).or_else(bfd));
    };
    let linker = match asked {
        "lld" | "ld.lld" => lld(),
        "mold" => mold(),
        "bfd" | "ld" => bfd(),
        "gold" => in_path(LinkerKind::Gold, &["ld.gold"]),
        path => by_path(Path::new(path)),
    };
    linker.map(Some).ok_or_else(|| anyhow!("the linker `{asked}` is not installed"))
}

fn by_path(path: &Path) -> Option<Linker> {
    let tool = program("linker", path, "").filter(|_| path.is_absolute())?;
    let name = path.file_name()?.to_string_lossy();
    let kind = match &*name {
        name if name.contains("lld") => LinkerKind::Lld,
        name if name.contains("mold") => LinkerKind::Mold,
        name if name.contains("gold") => LinkerKind::Gold,
        name if name == "ld" || name.contains("bfd") => LinkerKind::Bfd,
        _ => LinkerKind::Other,
    };
    Some(Linker { kind, tool })
}

/// Every LLVM tool in `bin_dir`, together with those already `chosen`.
pub(super) fn all_tools(bin_dir: &Path, major: u32, version: &str, chosen: &[Tool]) -> Vec<Tool> {
    let whole = is_one_build(bin_dir, major);
    let mut tools = chosen.to_vec();
    let entries = std::fs::read_dir(bin_dir).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A tool that was checked and not chosen is of another version.
        let settled = is_checked(&name) || tools.iter().any(|tool| tool.name == name);
        if !settled && (whole || is_llvm_name(&name)) {
            tools.extend(program(&name, &entry.path(), if whole { version } else { "" }));
        }
    }
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    tools
}

fn is_checked(name: &str) -> bool {
    name == LLD || COMPLETE.contains(&name) || OPTIONAL.contains(&name)
}

/// Whether a program of this name in a folder shared with others is one of LLVM's.
fn is_llvm_name(name: &str) -> bool {
    let whole = ["opt", "llc", "lli", "lld", "dsymutil", "bugpoint", "sancov", "scan-build", "wasm-ld"];
    let starts = ["clang", "llvm-", "ld.lld", "ld64.lld", "lld-", "lldb"];
    whole.contains(&name) || starts.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, version) in [
            ("Debian clang version 19.1.7 (3~deb12u1)\nTarget: x", Some("19.1.7")),
            ("Ubuntu clang version 14.0.0-1ubuntu1", Some("14.0.0")),
            ("Debian LLD 19.1.7 (compatible with GNU linkers)", Some("19.1.7")),
            ("Debian LLVM version 14.0.6\n  Optimized build.", Some("14.0.6")),
            ("clang version 20.0.0git (x)", Some("20.0.0")),
            ("LLVM (http://llvm.org/):\n  LLVM version 15.0.7", Some("15.0.7")),
            ("clang version unknown", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text).as_deref(), version, "{text}");
        }
    }

    #[test]
    fn folders_of_one_build() {
        for (dir, major, one) in [
            ("/usr/lib/llvm-19/bin", 19, true),
            ("/usr/lib/llvm19/bin", 19, true),
            ("/usr/lib/llvm/19/bin", 19, true),
            ("/opt/homebrew/opt/llvm@19/bin", 19, true),
            ("/usr/lib/llvm-14/bin", 19, false),
            ("/usr/bin", 19, false),
            ("/usr/local/opt/llvm/bin", 19, false),
            ("/", 19, false),
        ] {
            assert_eq!(is_one_build(Path::new(dir), major), one, "{dir}");
        }
    }
}
