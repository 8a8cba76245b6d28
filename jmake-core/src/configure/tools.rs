//! The programs a build runs, and the machine it builds for.
//!
//! What a build does not run is not digested: tools of `lto = "full"` are resolved only then.

use std::sync::Arc;

use anyhow::Result;

use super::{Profile, Sources};
use crate::action::Tool;
use crate::event::Diagnostic;
use crate::manifest::{Lto, Manifest};
use crate::path::FilePath;
use crate::toolchain::includes::Lang;
use crate::toolchain::{LinkerKind, Toolchain};

/// The programs a build runs.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Tools {
    /// Compiles C.
    pub cc: Arc<Tool>,
    /// Compiles C++.
    pub cxx: Arc<Tool>,
    /// Makes archives.
    pub ar: Option<Arc<Tool>>,
    /// Joins modules.
    pub llvm_link: Option<Arc<Tool>>,
    /// Optimises modules.
    pub opt: Option<Arc<Tool>>,
    /// Lowers modules.
    pub llc: Option<Arc<Tool>>,
    /// Takes the module out of an object.
    pub objcopy: Option<Arc<Tool>>,
    /// Links, when the driver is not to do it.
    pub linker: Option<Arc<Tool>>,
    /// Whether one compile gives object and module in one file.
    pub fat_objects: bool,
    /// What the processor flags mean here, when they name the machine itself.
    pub native: Option<String>,
    /// The triple that is built for.
    pub triple: String,
}

pub(super) fn tools(sources: &Sources<'_>, profile: &Profile) -> Result<Tools> {
    let toolchain = sources.toolchain;
    let memo = sources.memo;
    let tool = |tool: &crate::toolchain::Tool| -> Result<Arc<Tool>> {
        let path = FilePath::new(crate::path::bytes_of(tool.path.as_os_str()));
        Ok(Arc::new(Tool { path, identity: toolchain.identity_of(memo, tool)? }))
    };
    let named = |name: &str| toolchain.tool(name).map(&tool).transpose();
    // What a build does not run is not digested: libLLVM alone is 120 MB.
    let when = |needed: bool, name: &str| if needed { named(name) } else { Ok(None) };
    let full = profile.lto == Lto::Full;
    let triple =
        sources.manifest.machine.triple.clone().unwrap_or_else(|| toolchain.host_triple().to_owned());
    let native = native_flags(sources, profile);
    let native = match native.is_empty() {
        true => None,
        false => Some(toolchain.native_text(&sources.ask, Lang::Cxx, &native)?),
    };
    Ok(Tools {
        cc: tool(toolchain.driver(Lang::C)?)?,
        cxx: tool(toolchain.driver(Lang::Cxx)?)?,
        ar: named("llvm-ar")?,
        llvm_link: when(full, "llvm-link")?,
        opt: when(full, "opt")?,
        llc: when(full, "llc")?,
        objcopy: when(full, "llvm-objcopy")?,
        linker: toolchain.linker().map(|linker| tool(&linker.tool)).transpose()?,
        fat_objects: toolchain.fat_objects(&triple),
        native,
        triple,
    })
}

/// The flags that mean "this very machine".
fn native_flags(sources: &Sources<'_>, profile: &Profile) -> Vec<Vec<u8>> {
    let compile = &sources.manifest.compile;
    let all = compile.flags.iter().chain(&compile.c_flags).chain(&compile.cxx_flags).chain(&profile.flags);
    let targets = sources.manifest.targets.iter().flat_map(|target| &target.flags);
    let mut flags: Vec<Vec<u8>> = all
        .chain(targets)
        .filter(|flag| flag.ends_with("=native"))
        .map(|flag| flag.clone().into_bytes())
        .collect();
    if sources.manifest.machine.cpu.as_deref() == Some("native") {
        flags.extend(machine_flags(sources.manifest, sources.toolchain).into_iter().map(String::into_bytes));
    }
    flags
}

/// The flags for the machine that is built for.
pub fn machine_flags(manifest: &Manifest, toolchain: &Toolchain) -> Vec<String> {
    let machine = &manifest.machine;
    let triple = machine.triple.as_deref().unwrap_or(toolchain.host_triple());
    let mut flags = Vec::new();
    flags.extend(machine.triple.as_ref().map(|triple| format!("--target={triple}")));
    if let Some(cpu) = machine.cpu.as_deref().filter(|cpu| *cpu != "generic") {
        // clang refuses `-mcpu` for x86 and `-march` takes no processor elsewhere.
        let x86 = triple.starts_with("x86_64") || triple.starts_with("i386") || triple.starts_with("i686");
        flags.push(format!("-m{}={cpu}", if x86 { "arch" } else { "cpu" }));
    }
    for feature in &machine.features {
        flags.push(match feature.strip_prefix('-') {
            Some(name) => format!("-mno-{name}"),
            None => format!("-m{}", feature.trim_start_matches('+')),
        });
    }
    flags
}

pub(super) fn check_lto(
    profile: &Profile,
    tools: &Tools,
    toolchain: &Toolchain,
    problems: &mut Vec<Diagnostic>,
) {
    let missing = |name: &str| {
        Diagnostic::error(format!("`lto = \"full\"` needs `{name}`, which this toolchain has not"))
            .hint("install the complete LLVM tools of the same version, or use `lto = \"thin\"`")
    };
    if profile.lto == Lto::Full {
        for (name, tool) in [
            ("llvm-link", &tools.llvm_link),
            ("opt", &tools.opt),
            ("llc", &tools.llc),
            ("llvm-objcopy", &tools.objcopy),
        ] {
            if tool.is_none() {
                problems.push(missing(name));
            }
        }
    }
    let lld = toolchain.linker().is_some_and(|linker| linker.kind == LinkerKind::Lld);
    if profile.lto == Lto::Thin && !lld {
        problems.push(
            Diagnostic::error("`lto = \"thin\"` needs LLVM's own linker, lld")
                .hint("install lld of the compiler's version and leave `link.linker` unset"),
        );
    }
}
