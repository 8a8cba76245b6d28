//! What one object gives to others and takes from them, as a linker sees it.
//!
//! Hidden symbols count: they are hidden from other libraries only, not from the other units of
//! their own.

use std::collections::BTreeMap;

use anyhow::Result;
use object::{File, Object, ObjectSymbol, SymbolKind};

use super::lossy;

/// The symbols of an object by name, and whether each is weak.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnitSymbols {
    /// Those it defines; another definition may take the place of a weak one.
    pub defines: BTreeMap<String, bool>,
    /// Those it uses and does not define; a weak one may be missing.
    pub uses: BTreeMap<String, bool>,
}

/// The symbols of the object in `bytes`.
///
/// # Errors
/// When that is no object of a known format.
pub fn unit_symbols(bytes: &[u8]) -> Result<UnitSymbols> {
    let file = File::parse(bytes)?;
    let mut found = UnitSymbols::default();
    for symbol in file.symbols() {
        let Ok(name) = symbol.name_bytes() else { continue };
        let for_linkers =
            symbol.is_global() && !matches!(symbol.kind(), SymbolKind::Section | SymbolKind::File);
        if name.is_empty() || !for_linkers {
            continue;
        }
        // A common symbol gives way to any other definition.
        let weak = symbol.is_weak() || symbol.is_common();
        let list = if symbol.is_undefined() { &mut found.uses } else { &mut found.defines };
        list.insert(lossy(name), weak);
    }
    Ok(found)
}
