//! Which files make a tool what it is: its binary and the LLVM libraries the loader gives it.
//!
//! A distribution's clang is a few hundred kilobytes; the compiler is in `libLLVM` and
//! `libclang-cpp`, which an update replaces without touching the binary.  So the libraries are
//! looked up as the loader would (run path, `../lib`, the system's folders) and belong to the
//! tool's identity.  Only headers and tables of the files are read here, never their content, and
//! nothing is run.
//!
//! Libraries of the system (libc, libstdc++) are left out: they do not decide what code a
//! compiler emits.

use std::path::{Path, PathBuf};

use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, FileHeader32, FileHeader64};
use object::read::elf::FileHeader;
use object::{Endianness, FileKind, ReadCache, ReadRef};

use crate::fs;
use crate::path::path_from_bytes;

/// What the loader would map for one program.
#[derive(Clone, Default, Debug)]
pub(crate) struct Loaded {
    /// The binary's real path, then its LLVM libraries' in the order they are found.
    pub files: Vec<PathBuf>,
    /// Paths at which a library was looked for and not found, before the place that has it.
    pub absent: Vec<PathBuf>,
}

/// What an ELF file's dynamic section says, as bytes.
#[derive(Clone, Default, Debug)]
pub(crate) struct Dynamic {
    /// The names of the libraries it needs.
    pub needed: Vec<Vec<u8>>,
    /// Its run paths: lists of folders separated by colons, `$ORIGIN` not replaced.
    pub search: Vec<Vec<u8>>,
    /// Its own name as a library.
    pub soname: Option<Vec<u8>>,
}

/// The files that `binary` (a real path) consists of.  A file that is no ELF file (a script, a
/// Mach-O binary) stands for itself alone.
pub(crate) fn loaded(binary: &Path) -> Loaded {
    let mut found = Loaded { files: vec![binary.to_owned()], absent: Vec::new() };
    let mut next = 0;
    while let Some(file) = found.files.get(next).cloned() {
        next += 1;
        let wants = wants(&file).unwrap_or_default();
        let dirs = search_dirs(&file, binary, &wants);
        for name in wants.needed.iter().filter(|name| is_llvm(name)) {
            resolve(&path_from_bytes(name), &dirs, &mut found);
        }
    }
    found
}

fn is_llvm(name: &[u8]) -> bool {
    [&b"libLLVM"[..], b"libclang", b"liblld"].iter().any(|prefix| name.starts_with(prefix))
}

fn resolve(name: &Path, dirs: &[PathBuf], found: &mut Loaded) {
    for dir in dirs {
        let path = dir.join(name);
        if let Ok(real) = path.canonicalize() {
            if !found.files.contains(&real) {
                found.files.push(real);
            }
            return;
        }
        if !found.absent.contains(&path) {
            found.absent.push(path);
        }
    }
}

/// Where the loader looks for what `file` needs when `binary` is run.
fn search_dirs(file: &Path, binary: &Path, wants: &Dynamic) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/"));
    let mut dirs: Vec<PathBuf> = Vec::new();
    for list in &wants.search {
        for dir in list.split(|&b| b == b':').filter(|dir| !dir.is_empty()) {
            dirs.push(expand(dir, origin));
        }
    }
    // A library found through the binary's own run path may carry none itself.
    dirs.extend(binary.parent().and_then(Path::parent).map(|prefix| prefix.join("lib")));
    dirs.extend(standard_library_dirs());
    dirs
}

/// A run path entry with `$ORIGIN` replaced.
fn expand(dir: &[u8], origin: &Path) -> PathBuf {
    for name in [&b"$ORIGIN"[..], b"${ORIGIN}"] {
        if let Some(rest) = dir.strip_prefix(name) {
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            return origin.join(path_from_bytes(rest));
        }
    }
    path_from_bytes(dir)
}

/// The folders in which the system's loader and linkers look by themselves, existing ones only.
pub fn standard_library_dirs() -> Vec<PathBuf> {
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let dirs = ["/usr/local/lib", "/lib", "/usr/lib"];
    let mut all: Vec<PathBuf> = dirs.iter().map(|dir| Path::new(dir).join(&multiarch)).collect();
    all.extend(["/lib64", "/usr/lib64"].map(PathBuf::from));
    all.extend(dirs.map(PathBuf::from));
    for dir in configured_dirs() {
        if !all.contains(&dir) {
            all.push(dir);
        }
    }
    all.retain(|dir| dir.is_dir());
    all
}

/// The folders that the administrator added for the loader (`/etc/ld.so.conf.d`).
fn configured_dirs() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir("/etc/ld.so.conf.d")
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files.insert(0, PathBuf::from("/etc/ld.so.conf"));
    let texts = files.iter().filter_map(|file| fs::read(file).ok());
    texts.flat_map(|text| folders_in(&String::from_utf8_lossy(&text))).collect()
}

/// The absolute paths in a loader's configuration; comments and `include` lines hold none.
fn folders_in(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().filter_map(|line| line.split('#').next()).map(str::trim);
    lines.filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
}

/// Reads only the tables it needs: libLLVM alone is over a hundred megabytes.
fn wants(path: &Path) -> Option<Dynamic> {
    let data = ReadCache::new(fs::open(path).ok()?);
    elf_dynamic(&data)
}

/// The dynamic section of an ELF file; `None` for anything else and for a damaged one.
pub(crate) fn elf_dynamic<'data, R: ReadRef<'data>>(data: R) -> Option<Dynamic> {
    match FileKind::parse(data).ok()? {
        FileKind::Elf64 => dynamic_of::<FileHeader64<Endianness>, _>(data),
        FileKind::Elf32 => dynamic_of::<FileHeader32<Endianness>, _>(data),
        _ => None,
    }
}

fn dynamic_of<'data, H, R>(data: R) -> Option<Dynamic>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let table = header.sections(endian, data).ok()?.dynamic_table(endian, data).ok()?;
    let mut found = Dynamic::default();
    for entry in &table {
        let Ok(text) = table.string(entry) else { continue };
        match entry.tag {
            DT_NEEDED => found.needed.push(text.to_vec()),
            DT_RUNPATH | DT_RPATH => found.search.push(text.to_vec()),
            DT_SONAME => found.soname = Some(text.to_vec()),
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_replaced() {
        let origin = Path::new("/opt/llvm/bin");
        for (entry, path) in [
            ("$ORIGIN/../lib", "/opt/llvm/bin/../lib"),
            ("${ORIGIN}/../lib", "/opt/llvm/bin/../lib"),
            ("$ORIGIN", "/opt/llvm/bin"),
            ("/usr/lib", "/usr/lib"),
        ] {
            assert_eq!(expand(entry.as_bytes(), origin), Path::new(path), "{entry}");
        }
    }

    #[test]
    fn configured_folders() {
        let text = "include /etc/ld.so.conf.d/*.conf\n# /no\n/opt/lib # yes\n\n  /usr/x\n";
        assert_eq!(folders_in(text), [Path::new("/opt/lib"), Path::new("/usr/x")]);
    }

    #[test]
    fn a_script_stands_for_itself() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("clang");
        fs::write(&script, b"#!/bin/sh\n").unwrap();
        assert_eq!(loaded(&script).files, [script]);
    }
}
