//! Writes an ELF shared library: one section of data, dynamic symbols that point into it, a name
//! and the libraries it needs.  Nothing in it can be run.

use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, Sym, Writer};
use object::write::{Result, StringId};
use object::{Endianness, elf};

use crate::Bytes;

const DYNAMIC_ENTRY: u64 = 16;

/// The library that holds `data` in the section `name` and exports `exported`.
///
/// # Errors
/// When it would be too large.
pub fn write(
    name: &str,
    data: &[u8],
    exported: &[&str],
    soname: Option<&[u8]>,
    needed: &[Bytes],
) -> Result<Bytes> {
    let mut out = Bytes::new();
    let mut writer = Writer::new(Endianness::Little, true, &mut out);
    // First everything gets its place, then everything is written, in the same order.
    writer.reserve_file_header();
    writer.reserve_program_headers(2);
    let section_name = writer.add_section_name(name.as_bytes());
    writer.reserve_null_section_index();
    let section = writer.reserve_section_index();
    let offset = writer.reserve(data.len() as u64, 16);
    writer.reserve_null_dynamic_symbol_index();
    let names: Vec<StringId> = exported.iter().map(|n| writer.add_dynamic_string(n.as_bytes())).collect();
    let mut strings: Vec<_> = needed.iter().map(|n| (elf::DT_NEEDED, writer.add_dynamic_string(n))).collect();
    strings.extend(soname.map(|n| (elf::DT_SONAME, writer.add_dynamic_string(n))));
    for _ in exported {
        writer.reserve_dynamic_symbol_index();
    }
    writer.reserve_dynsym_section_index();
    writer.reserve_dynsym();
    writer.reserve_dynstr_section_index();
    writer.reserve_dynstr()?;
    writer.reserve_dynamic_section_index();
    let entries = strings.len() + 3;
    let dynamic = writer.reserve_dynamic(entries);
    writer.reserve_shstrtab_section_index();
    writer.reserve_shstrtab()?;
    writer.reserve_section_headers();

    writer.write_file_header(&FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_DYN,
        e_machine: elf::EM_X86_64,
        e_entry: 0,
        e_flags: elf::FileFlags(0),
    })?;
    writer.write_align_program_headers();
    let dynamic_size = entries as u64 * DYNAMIC_ENTRY;
    writer.write_program_header(&segment(elf::PT_LOAD, 0, dynamic + dynamic_size));
    writer.write_program_header(&segment(elf::PT_DYNAMIC, dynamic, dynamic_size));
    writer.write_align(16);
    writer.write(data);
    writer.write_null_dynamic_symbol();
    for name in names {
        let st_name = writer.dynamic_string_offset(Some(name));
        writer.write_dynamic_symbol(&Sym {
            section: Some(section.0),
            st_name,
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
            st_other: elf::STV_DEFAULT.into(),
            st_shndx: elf::SymbolSection(0),
            st_value: offset,
            st_size: 1,
        });
    }
    writer.write_dynstr();
    writer.write_align_dynamic();
    for (tag, string) in strings {
        writer.write_dynamic_string(tag, string)?;
    }
    let strings_size = u64::from(writer.dynstr_len());
    writer.write_dynamic(elf::DT_STRSZ, strings_size)?;
    writer.write_dynamic(elf::DT_SYMENT, 24)?;
    writer.write_dynamic(elf::DT_NULL, 0)?;
    writer.write_shstrtab();
    writer.write_null_section_header();
    let sh_name = writer.section_name_offset(Some(section_name));
    writer.write_section_header(&SectionHeader {
        sh_name,
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SHF_ALLOC,
        sh_addr: offset,
        sh_offset: offset,
        sh_size: data.len() as u64,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 16,
        sh_entsize: 0,
    });
    writer.write_dynsym_section_header(0, 1);
    writer.write_dynstr_section_header(0);
    writer.write_dynamic_section_header(dynamic);
    writer.write_shstrtab_section_header();
    Ok(out)
}

fn segment(p_type: elf::ProgramType, at: u64, size: u64) -> ProgramHeader {
    ProgramHeader {
        p_type,
        p_flags: elf::PF_R,
        p_offset: at,
        p_vaddr: at,
        p_paddr: at,
        p_filesz: size,
        p_memsz: size,
        p_align: 0x1000,
    }
}
