//! What a built file offers to others.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol, SymbolFlags};

/// `STB_GLOBAL` of the ELF format.
const GLOBAL: u8 = 1;

/// The strong symbols that the shared library at `path` exports.  Weak ones (templates, inline
/// functions) come and go with the optimiser and are nobody's promise.
pub fn exported(path: &Path) -> Result<BTreeSet<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let file = object::File::parse(&*bytes).with_context(|| format!("parse {}", path.display()))?;
    strong(file.dynamic_symbols())
}

/// The strong symbols that the members of the archive at `path` define.
pub fn archived(path: &Path) -> Result<BTreeSet<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let archive = object::read::archive::ArchiveFile::parse(&*bytes)
        .with_context(|| format!("parse {}", path.display()))?;
    let mut found = BTreeSet::new();
    for member in archive.members() {
        let member = member?.data(&*bytes)?;
        found.extend(strong(object::File::parse(member)?.symbols())?);
    }
    Ok(found)
}

fn strong<'d>(symbols: impl Iterator<Item = impl ObjectSymbol<'d>>) -> Result<BTreeSet<String>> {
    symbols
        .filter(|symbol| symbol.is_definition())
        .filter(
            |symbol| matches!(symbol.flags(), SymbolFlags::Elf { st_info, .. } if st_info.0 >> 4 == GLOBAL),
        )
        .map(|symbol| Ok(symbol.name()?.to_owned()))
        .collect()
}
