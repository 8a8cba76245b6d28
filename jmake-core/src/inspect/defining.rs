//! Which installed library defines a symbol that a link could not find.
//!
//! Asked only when a link has failed, to say `add "sqlite3" to link.libraries` instead of leaving
//! the user with a bare name.  Only libraries that `-l` can name are looked at, and of each only
//! its table of dynamic symbols.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use object::elf::{FileHeader32, FileHeader64, SHT_DYNSYM};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{Endianness, FileKind, ReadCache, SectionIndex};
use rayon::prelude::*;

use crate::fs;

/// How many libraries are looked into at most.
const LIMIT: usize = 4000;

/// For each of `symbols` (mangled) that a shared library in `dirs` defines: the names of those
/// libraries as `-l` takes them, in order.
pub fn libraries_defining(symbols: &[&str], dirs: &[PathBuf]) -> BTreeMap<String, Vec<String>> {
    let wanted: HashMap<&[u8], &str> = symbols.iter().map(|symbol| (symbol.as_bytes(), *symbol)).collect();
    let hits: Vec<(String, Vec<&str>)> = libraries(dirs)
        .into_par_iter()
        .map(|(name, path)| (name, defined(&path, &wanted).unwrap_or_default()))
        .collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (library, symbols) in hits {
        for symbol in symbols {
            let libraries = found.entry(symbol.to_owned()).or_default();
            if !libraries.contains(&library) {
                libraries.push(library.clone());
            }
        }
    }
    found
}

/// The libraries that `-l` finds in `dirs`, by name.
fn libraries(dirs: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for dir in dirs {
        let Ok(entries) = std::fs::read_dir(dir) else { continue };
        for entry in entries.flatten() {
            let file = entry.file_name();
            let name = file.to_str().and_then(|file| file.strip_prefix("lib")?.strip_suffix(".so"));
            if let Some(name) = name.filter(|_| found.len() < LIMIT) {
                // The linker takes the first folder's.
                found.entry(name.to_owned()).or_insert_with(|| entry.path());
            }
        }
    }
    found
}

/// Which of `wanted` the library at `path`, or those that a linker script there names, define; `None`
/// for what is neither.
fn defined<'w>(path: &Path, wanted: &HashMap<&[u8], &'w str>) -> Option<Vec<&'w str>> {
    let script = script(path);
    if script.is_empty() {
        return defined_by(path, wanted);
    }
    let mut found: Vec<&str> = script.iter().filter_map(|path| defined_by(path, wanted)).flatten().collect();
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The libraries by absolute path in a linker script such as `GROUP ( /lib/libm.so.6 … )`, which is
/// what `-lm` and `-lc` find in many places.
fn script(path: &Path) -> Vec<PathBuf> {
    let is_short = fs::stat(path).ok().flatten().is_some_and(|stat| stat.size < 4096);
    let text = is_short.then(|| fs::read(path).ok()).flatten().and_then(|text| String::from_utf8(text).ok());
    let text = text.filter(|text| text.contains("GROUP") || text.contains("INPUT")).unwrap_or_default();
    let words = text.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
    words.filter(|word| word.starts_with('/') && word.contains(".so")).map(PathBuf::from).collect()
}

fn defined_by<'w>(path: &Path, wanted: &HashMap<&[u8], &'w str>) -> Option<Vec<&'w str>> {
    let data = ReadCache::new(fs::open(path).ok()?);
    match FileKind::parse(&data).ok()? {
        FileKind::Elf64 => defined_in::<FileHeader64<Endianness>>(&data, wanted),
        FileKind::Elf32 => defined_in::<FileHeader32<Endianness>>(&data, wanted),
        _ => None,
    }
}

/// Reads two tables whole instead of each name by itself.
fn defined_in<'w, H: FileHeader<Endian = Endianness>>(
    data: &ReadCache<std::fs::File>,
    wanted: &HashMap<&[u8], &'w str>,
) -> Option<Vec<&'w str>> {
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, data).ok()?;
    let table = sections.iter().find(|section| section.sh_type(endian) == SHT_DYNSYM)?;
    let symbols: &[H::Sym] = table.data_as_array(endian, data).ok()?;
    let link = SectionIndex(usize::try_from(table.sh_link(endian)).ok()?);
    let names = sections.section(link).ok()?.data(endian, data).ok()?;
    let mut found = Vec::new();
    for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined(endian) && !symbol.is_local()) {
        let start = usize::try_from(symbol.st_name(endian)).ok()?;
        let Some(name) = names.get(start..).and_then(|rest| rest.split(|&b| b == 0).next()) else { continue };
        found.extend(wanted.get(name).copied());
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}
