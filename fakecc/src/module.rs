//! What is compiled, linked and optimised: a text and symbols, in the forms of real tools.
//!
//! A module is stored as lines of text in three wrappings: "bitcode" (LLVM's magic number before
//! it), an ELF object (a section `.fakecc`, real symbols beside it, and for a fat object the
//! bitcode in `.llvm.lto`), an ELF shared library (with real dynamic symbols).

use std::collections::BTreeMap;

use object::write::{Object, StandardSegment, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Object as _, ObjectSection as _, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

use crate::{Bytes, lossy, shared};

/// The beginning of LLVM's bitcode files.
pub const BITCODE: &[u8; 4] = b"BC\xc0\xde";
const SECTION: &str = ".fakecc";

/// What a module says of a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Link {
    /// It needs it.
    Use,
    /// It has it, and so may another.
    Weak,
    /// It has it, and no other may.
    Define,
}

/// One module.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Module {
    /// The main file's name without its folder, for messages.
    pub source: String,
    pub symbols: BTreeMap<String, Link>,
    pub text: Bytes,
}

impl Module {
    fn store(&self) -> Bytes {
        let mut out = format!("fakecc\nS {}\n", self.source).into_bytes();
        for (name, link) in &self.symbols {
            let letter = match link {
                Link::Use => 'U',
                Link::Weak => 'W',
                Link::Define => 'D',
            };
            out.extend_from_slice(format!("{letter} {name}\n").as_bytes());
        }
        out.extend_from_slice(format!("T {}\n", self.text.len()).as_bytes());
        out.extend_from_slice(&self.text);
        out
    }

    fn load(mut stored: &[u8]) -> Option<Module> {
        let mut module = Module::default();
        let mut line = || {
            let end = stored.iter().position(|&b| b == b'\n')?;
            let (line, rest) = stored.split_at(end);
            stored = &rest[1..];
            Some((lossy(line), stored))
        };
        if line()?.0 != "fakecc" {
            return None;
        }
        loop {
            let (text, rest) = line()?;
            let (letter, value) = text.split_once(' ')?;
            match letter {
                "S" => module.source = value.to_owned(),
                "U" => drop(module.symbols.insert(value.to_owned(), Link::Use)),
                "W" => drop(module.symbols.insert(value.to_owned(), Link::Weak)),
                "D" => drop(module.symbols.insert(value.to_owned(), Link::Define)),
                "T" => {
                    module.text = rest.get(..value.parse().ok()?)?.to_vec();
                    return Some(module);
                }
                _ => return None,
            }
        }
    }

    /// As a bitcode file, a multiple of four bytes long as LLVM's are.
    pub fn bitcode(&self) -> Bytes {
        let mut out = BITCODE.to_vec();
        out.extend_from_slice(&self.store());
        out.resize(out.len().next_multiple_of(4).max(20), 0);
        out
    }

    /// The module in a bitcode file.
    pub fn from_bitcode(bytes: &[u8]) -> Option<Module> {
        Module::load(bytes.strip_prefix(BITCODE)?)
    }

    /// As an ELF object, with `bitcode` beside the code for a fat one.
    pub fn elf(&self, bitcode: Option<&[u8]>) -> Bytes {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, object::Endianness::Little);
        let segment = object.segment_name(StandardSegment::Data).to_vec();
        let section = object.add_section(segment, SECTION.into(), SectionKind::ReadOnlyData);
        object.append_section_data(section, &self.store(), 1);
        if let Some(bitcode) = bitcode {
            let lto = object.add_section(Vec::new(), b".llvm.lto".to_vec(), SectionKind::Other);
            object.append_section_data(lto, bitcode, 1);
        }
        for (name, link) in &self.symbols {
            object.add_symbol(Symbol {
                name: name.clone().into_bytes(),
                value: 0,
                size: 0,
                kind: if *link == Link::Use { SymbolKind::Unknown } else { SymbolKind::Text },
                scope: if *link == Link::Use { SymbolScope::Unknown } else { SymbolScope::Dynamic },
                weak: *link == Link::Weak,
                section: match link {
                    Link::Use => SymbolSection::Undefined,
                    _ => SymbolSection::Section(section),
                },
                flags: SymbolFlags::None,
            });
        }
        object.write().unwrap_or_default()
    }

    /// The module in an ELF object or library; in a fat object the bitcode's with `lto`.
    pub fn from_elf(bytes: &[u8], lto: bool) -> Option<Module> {
        let file = object::File::parse(bytes).ok()?;
        if lto && let Some(section) = file.section_by_name(".llvm.lto") {
            return Module::from_bitcode(section.data().ok()?);
        }
        match file.section_by_name(SECTION) {
            Some(section) => Module::load(section.data().ok()?),
            None => Some(Module::default()),
        }
    }

    /// As an ELF shared library.
    pub fn shared(&self, soname: Option<&[u8]>, needed: &[Bytes]) -> Bytes {
        let exported = self.symbols.iter().filter(|(_, link)| **link != Link::Use).map(|(name, _)| &**name);
        // Only running out of address space could fail here.
        shared::write(SECTION, &self.store(), &exported.collect::<Vec<_>>(), soname, needed)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> Module {
        let symbols = [("f", Link::Define), ("g", Link::Use), ("w", Link::Weak)];
        let symbols = symbols.map(|(name, link)| (name.to_owned(), link)).into();
        Module { source: "a b.c".into(), symbols, text: b"tokens\nand more".to_vec() }
    }

    #[test]
    fn every_form_is_read_back() {
        let module = module();
        assert_eq!(Module::from_bitcode(&module.bitcode()), Some(module.clone()));
        assert_eq!(module.bitcode().len() % 4, 0);
        let other = Module { text: b"ir".to_vec(), ..module.clone() };
        let fat = module.elf(Some(&other.bitcode()));
        assert_eq!(Module::from_elf(&fat, false), Some(module.clone()));
        assert_eq!(Module::from_elf(&fat, true), Some(other));
        assert_eq!(Module::from_elf(&module.shared(Some(b"x"), &[]), false), Some(module));
    }

    #[test]
    fn a_library_shows_its_symbols() {
        let bytes = module().shared(Some(b"libx.so"), &[b"libz.so".to_vec()]);
        let file = object::File::parse(&*bytes).unwrap();
        let symbols = file.dynamic_symbols();
        let names: Vec<&str> = symbols.map(|symbol| object::ObjectSymbol::name(&symbol).unwrap()).collect();
        assert_eq!(names, ["f", "w"]);
        assert!(file.sections().count() > 0);
    }
}
