//! What a binary file is: format, machine, symbols, what it needs.
//!
//! Reads ELF, Mach-O, PE and COFF files and static archives, as bytes that anyone may have
//! written: every table is bounded by the file, a damaged one ends in an error or a shorter
//! report, never in a panic.  Nothing is loaded or run.
//!
//! Names of symbols are given as the file has them (mangled), lossily where they are not UTF-8,
//! for they are shown and compared, not used as paths.

mod defining;
mod problems;
mod unit;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use object::read::archive::ArchiveFile;
use object::{
    Architecture, BinaryFormat, File, FileKind, Object, ObjectKind, ObjectSection, ObjectSymbol, SymbolKind,
};
use serde::Serialize;

use crate::fs;
use crate::toolchain::elf_dynamic;

pub use defining::libraries_defining;
pub use problems::{Host, problems};
pub use unit::{UnitSymbols, unit_symbols};

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BinaryKind {
    /// A library to be loaded.
    Shared,
    /// An archive of objects.
    Static,
    /// A program.
    Executable,
    /// One object, to be linked.
    Object,
    /// LLVM bitcode.
    Bitcode,
    /// Text where a binary was expected: a linker script, or a mistake.
    Text,
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SymbolRole {
    /// Code.
    Function,
    /// A variable or constant.
    Data,
    /// A variable of which every thread has its own.
    ThreadLocal,
    /// Not told by the file.
    Unknown,
}

/// A symbol that others can use or must provide.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Symbol {
    /// Its name as in the file.
    pub name: String,
    /// What it stands for.
    pub role: SymbolRole,
    /// Its size in bytes; 0 when the file does not tell.
    pub size: u64,
    /// Whether another definition may take its place, or, undefined, none at all may.
    pub weak: bool,
}

/// What is known about a binary file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BinaryReport {
    /// The file, or the member's name in an archive.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// `ELF`, `Mach-O`, `PE`, `COFF`, `archive`, `bitcode` or `text`.
    pub format: &'static str,
    /// The machine as a triple begins (`x86_64`, `aarch64`); empty when the file does not tell.
    pub machine: &'static str,
    /// Its kind.
    pub kind: BinaryKind,
    /// The name under which a program will look for this library.
    pub soname: Option<String>,
    /// Defined symbols that others can use.
    pub exports: Vec<Symbol>,
    /// Symbols that others must provide.
    pub undefined: Vec<Symbol>,
    /// Libraries it needs, by the names it asks for.
    pub needed: Vec<String>,
    /// Folders in which it looks for them first, as written (`$ORIGIN` is not replaced).
    pub search: Vec<String>,
    /// Whether it holds debug information.
    pub debug: bool,
    /// The linker's identifier of this very build, in hexadecimal.
    pub build_id: Option<String>,
    /// The program that loads it.
    pub interpreter: Option<String>,
    /// The members of an archive.
    pub members: Vec<BinaryReport>,
}

impl BinaryReport {
    fn new(path: &Path, size: usize, format: &'static str, kind: BinaryKind) -> BinaryReport {
        BinaryReport {
            path: path.to_owned(),
            size: size as u64,
            format,
            machine: "",
            kind,
            soname: None,
            exports: Vec::new(),
            undefined: Vec::new(),
            needed: Vec::new(),
            search: Vec::new(),
            debug: false,
            build_id: None,
            interpreter: None,
            members: Vec::new(),
        }
    }
}

/// Looks into the file at `path`.
///
/// # Errors
/// When it cannot be read, or is neither a binary of a known format nor text.
pub fn inspect(path: &Path) -> Result<BinaryReport> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    report(path, &bytes, true).with_context(|| format!("cannot understand `{}`", path.display()))
}

fn report(path: &Path, bytes: &[u8], archives: bool) -> Result<BinaryReport> {
    if bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(b"\xde\xc0\x17\x0b") {
        return Ok(BinaryReport::new(path, bytes.len(), "bitcode", BinaryKind::Bitcode));
    }
    match FileKind::parse(bytes) {
        Ok(FileKind::Archive) if archives => archive(path, bytes),
        Ok(FileKind::Archive) => bail!("an archive within an archive"),
        Ok(_) => binary(path, bytes),
        Err(_) if is_text(bytes) => Ok(BinaryReport::new(path, bytes.len(), "text", BinaryKind::Text)),
        Err(e) => Err(e.into()),
    }
}

/// Whether the beginning is printable.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    !start.is_empty()
        && start.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x20..=0x7e | 0x80..))
}

fn archive(path: &Path, bytes: &[u8]) -> Result<BinaryReport> {
    let archive = ArchiveFile::parse(bytes)?;
    let mut found = BinaryReport::new(path, bytes.len(), "archive", BinaryKind::Static);
    for member in archive.members() {
        let member = member?;
        let name = PathBuf::from(lossy(member.name()));
        // A thin archive only names its members.
        let content = if member.is_thin() { None } else { Some(member.data(bytes)?) };
        let report = match content.map(|content| report(&name, content, false)) {
            Some(Ok(report)) => report,
            // Archives may hold anything; what is no object is only counted.
            _ => BinaryReport::new(&name, member.size() as usize, "", BinaryKind::Object),
        };
        found.members.push(report);
    }
    let objects = found.members.iter();
    found.machine = objects.clone().map(|member| member.machine).find(|m| !m.is_empty()).unwrap_or("");
    found.debug = objects.clone().any(|member| member.debug);
    Ok(found)
}

fn binary(path: &Path, bytes: &[u8]) -> Result<BinaryReport> {
    let file = File::parse(bytes)?;
    let format = match file.format() {
        BinaryFormat::Elf => "ELF",
        BinaryFormat::MachO => "Mach-O",
        BinaryFormat::Pe => "PE",
        BinaryFormat::Coff => "COFF",
        other => bail!("files of format {other:?} are not looked into"),
    };
    let kind = match file.kind() {
        ObjectKind::Dynamic => BinaryKind::Shared,
        ObjectKind::Executable => BinaryKind::Executable,
        _ => BinaryKind::Object,
    };
    let mut found = BinaryReport::new(path, bytes.len(), format, kind);
    found.machine = machine(file.architecture());
    found.debug = file.has_debug_symbols();
    found.build_id = file
        .build_id()
        .ok()
        .flatten()
        .map(hex)
        .or_else(|| file.mach_uuid().ok().flatten().map(|uuid| hex(&uuid)));
    if format == "ELF" {
        elf_parts(&file, bytes, &mut found);
    } else {
        let libraries = file.import_libraries().into_iter().flatten().flatten();
        found.needed = libraries.map(|library| lossy(library.name())).collect();
    }
    symbols(&file, &mut found);
    Ok(found)
}

/// The names in an ELF file's dynamic section.
fn elf_parts(file: &File<'_>, bytes: &[u8], found: &mut BinaryReport) {
    let interpreter = file.section_by_name(".interp").and_then(|section| section.data().ok());
    found.interpreter = interpreter.map(|text| lossy(text.split(|&b| b == 0).next().unwrap_or_default()));
    if let Some(dynamic) = elf_dynamic(bytes) {
        found.soname = dynamic.soname.as_deref().map(lossy);
        found.needed = dynamic.needed.iter().map(|name| lossy(name)).collect();
        let entries = dynamic.search.iter().flat_map(|list| list.split(|&b| b == b':'));
        found.search = entries.filter(|entry| !entry.is_empty()).map(lossy).collect();
    }
    // A position-independent program has a library's type; what loads it gives it away, except
    // for libraries that can also be run (libc.so.6), which have a name.
    if found.kind == BinaryKind::Shared && found.interpreter.is_some() && found.soname.is_none() {
        found.kind = BinaryKind::Executable;
    }
}

/// The symbols that matter to others: of a linked ELF file the dynamic ones, of an object and of
/// the other formats the global ones.
fn symbols(file: &File<'_>, found: &mut BinaryReport) {
    if file.format() == BinaryFormat::Pe {
        return pe_symbols(file, found);
    }
    let linked_elf = file.format() == BinaryFormat::Elf && found.kind != BinaryKind::Object;
    let all = if linked_elf { file.dynamic_symbols() } else { file.symbols() };
    for symbol in all {
        let Ok(name) = symbol.name_bytes() else { continue };
        if name.is_empty() || !symbol.is_global() || hidden(file, &symbol) {
            continue;
        }
        let role = match symbol.kind() {
            SymbolKind::Text => SymbolRole::Function,
            SymbolKind::Data => SymbolRole::Data,
            SymbolKind::Tls => SymbolRole::ThreadLocal,
            SymbolKind::Section | SymbolKind::File => continue,
            _ => SymbolRole::Unknown,
        };
        let entry = Symbol { name: lossy(name), role, size: symbol.size(), weak: symbol.is_weak() };
        if symbol.is_undefined() {
            found.undefined.push(entry);
        } else {
            found.exports.push(entry);
        }
    }
}

/// Whether a global symbol is for its own file or library only.
fn hidden(file: &File<'_>, symbol: &object::Symbol<'_, '_>) -> bool {
    file.format() == BinaryFormat::Elf
        && !symbol.is_undefined()
        && symbol.scope() == object::SymbolScope::Linkage
}

fn pe_symbols(file: &File<'_>, found: &mut BinaryReport) {
    let named = |name: object::read::NameOrOrdinal<&[u8]>| match name {
        object::read::NameOrOrdinal::Name(name) => lossy(name),
        object::read::NameOrOrdinal::Ordinal(ordinal) => format!("#{ordinal}"),
    };
    let symbol = |name| Symbol { name, role: SymbolRole::Unknown, size: 0, weak: false };
    let exports = file.exports().into_iter().flatten().flatten();
    found.exports = exports.map(|export| symbol(named(export.name()))).collect();
    let imports = file.imports().into_iter().flatten().flatten();
    found.undefined = imports.map(|import| symbol(named(import.name()))).collect();
}

/// The machine's name as triples have it.
fn machine(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 | Architecture::X86_64_X32 => "x86_64",
        Architecture::I386 => "i386",
        Architecture::Aarch64 | Architecture::Aarch64_Ilp32 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::Riscv64 => "riscv64",
        Architecture::Riscv32 => "riscv32",
        Architecture::PowerPc64 => "powerpc64",
        Architecture::PowerPc => "powerpc",
        Architecture::S390x => "s390x",
        Architecture::LoongArch64 => "loongarch64",
        Architecture::Mips64 => "mips64",
        Architecture::Mips => "mips",
        Architecture::Sparc64 => "sparc64",
        _ => "",
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
