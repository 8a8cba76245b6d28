//! What a file is: by its name, and for machine code by its first bytes.
//!
//! A name never makes a binary: `libx.so` may be a linker script, and a script without an
//! extension may be executable.

use std::fs::Metadata;
use std::io::Read;
use std::path::Path;

use crate::fs;

use super::Category;

/// The category that a name alone gives; an `.h` is a C header until the tree is known.
pub(super) fn by_name(name: &[u8]) -> Category {
    let dot = name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0);
    let extension = dot.map_or(&b""[..], |at| &name[at + 1..]);
    match extension {
        b"c" => Category::CSource,
        b"cc" | b"cpp" | b"cxx" | b"c++" | b"C" | b"cp" | b"CPP" => Category::CppSource,
        b"s" | b"S" | b"sx" => Category::AsmSource,
        b"h" => Category::CHeader,
        b"hh" | b"hpp" | b"hxx" | b"h++" | b"H" | b"hp" | b"ipp" | b"inl" | b"tpp" | b"tcc" | b"txx" => {
            Category::CppHeader
        }
        b"jl" => Category::Julia,
        b"toml" | b"json" | b"yaml" | b"yml" | b"cmake" | b"ini" | b"cfg" | b"conf" | b"mk" | b"ninja"
        | b"am" | b"ac" | b"m4" | b"bazel" | b"gn" | b"gyp" | b"pc" => Category::Config,
        b"md" | b"rst" | b"adoc" | b"tex" | b"pdf" | b"html" | b"htm" => Category::Documentation,
        _ if is_config_name(name) => Category::Config,
        b"txt" => Category::Documentation,
        _ if is_document_name(name) => Category::Documentation,
        _ => Category::Other,
    }
}

fn is_config_name(name: &[u8]) -> bool {
    matches!(
        name,
        b"CMakeLists.txt"
            | b"Makefile"
            | b"makefile"
            | b"GNUmakefile"
            | b"meson.build"
            | b"meson_options.txt"
            | b"BUILD"
            | b"WORKSPACE"
            | b"SConstruct"
            | b"SConscript"
    )
}

fn is_document_name(name: &[u8]) -> bool {
    matches!(
        name,
        b"README" | b"LICENSE" | b"LICENCE" | b"COPYING" | b"AUTHORS" | b"NEWS" | b"CHANGES" | b"ChangeLog"
    )
}

/// Whether a file of category `Other` may be a binary by its name, so that it is worth a look.
pub(super) fn may_be_binary(name: &[u8]) -> bool {
    match name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0) {
        None => true,
        Some(at) => {
            matches!(
                &name[at + 1..],
                b"so"
                    | b"a"
                    | b"lib"
                    | b"dll"
                    | b"dylib"
                    | b"bundle"
                    | b"exe"
                    | b"bin"
                    | b"out"
                    | b"o"
                    | b"obj"
            ) || is_shared_name(name)
        }
    }
}

/// `libx.so` and `libx.so.1.2`.
fn is_shared_name(name: &[u8]) -> bool {
    let Some(at) = name.windows(3).position(|part| part == b".so") else { return false };
    let rest = &name[at + 3..];
    rest.is_empty() || (rest[0] == b'.' && rest.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
}

/// What machine code the file at `path` holds, if any.
pub(super) fn by_content(name: &[u8], path: &Path, meta: &Metadata) -> Option<Category> {
    let has_extension = name[1..].contains(&b'.');
    if !has_extension && fs::stat_id(meta).mode & 0o111 == 0 {
        return None;
    }
    let mut head = Vec::new();
    fs::open(path).ok()?.take(4096).read_to_end(&mut head).ok()?;
    by_magic(name, &head)
}

fn by_magic(name: &[u8], head: &[u8]) -> Option<Category> {
    match head {
        [0x7f, b'E', b'L', b'F', ..] => match head.get(16..18)? {
            // A program that may be loaded anywhere has the type of a shared object.
            [3, 0] | [0, 3] if is_shared_name(name) => Some(Category::SharedLibrary),
            [2 | 3, 0] | [0, 2 | 3] => Some(Category::Executable),
            [1, 0] | [0, 1] => Some(Category::Object),
            _ => None,
        },
        [b'!', b'<', b'a' | b't', b'r' | b'h', b'c' | b'i', b'h' | b'n', b'>', b'\n', ..] => {
            Some(Category::StaticLibrary)
        }
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => mach_o(*head.get(12)?),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => mach_o(*head.get(15)?),
        // The same bytes begin Java classes, whose next field is a version above 40.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1..=20, ..] => match name.ends_with(b".dylib") {
            true => Some(Category::SharedLibrary),
            false => Some(Category::Executable),
        },
        [b'M', b'Z', ..] => {
            let at = usize::try_from(u32::from_le_bytes(*head.get(60..)?.first_chunk()?)).ok()?;
            let is_dll = head.get(at..)?.starts_with(b"PE\0\0") && head.get(at + 23)? & 0x20 != 0;
            match is_dll {
                true => Some(Category::SharedLibrary),
                false => head.get(at..)?.starts_with(b"PE\0\0").then_some(Category::Executable),
            }
        }
        _ => None,
    }
}

fn mach_o(kind: u8) -> Option<Category> {
    match kind {
        1 => Some(Category::Object),
        2 => Some(Category::Executable),
        6 | 8 => Some(Category::SharedLibrary),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expect) in [
            ("a.c", Category::CSource),
            ("a.C", Category::CppSource),
            ("a.c++", Category::CppSource),
            ("a.b.cpp", Category::CppSource),
            ("a.h", Category::CHeader),
            ("a.hpp", Category::CppHeader),
            (".c", Category::Other),
            ("c", Category::Other),
            ("CMakeLists.txt", Category::Config),
            ("notes.txt", Category::Documentation),
            ("a.mm", Category::Other),
            ("a.jl", Category::Julia),
        ] {
            assert_eq!(by_name(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn magic() {
        let elf = |kind: u8| [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[kind, 0]].concat();
        let mut pe = vec![0; 200];
        pe[..2].copy_from_slice(b"MZ");
        pe[60] = 100;
        pe[100..104].copy_from_slice(b"PE\0\0");
        let mut dll = pe.clone();
        dll[123] = 0x21;
        for (name, head, expect) in [
            ("liba.so", elf(3), Some(Category::SharedLibrary)),
            ("liba.so.1.2", elf(3), Some(Category::SharedLibrary)),
            ("a", elf(3), Some(Category::Executable)),
            ("a", elf(2), Some(Category::Executable)),
            ("a.o", elf(1), Some(Category::Object)),
            ("liba.so", b"GROUP ( libc.so.6 )".to_vec(), None),
            ("liba.a", b"!<arch>\nx".to_vec(), Some(Category::StaticLibrary)),
            ("liba.a", b"!<thin>\nx".to_vec(), Some(Category::StaticLibrary)),
            ("run", b"#!/bin/sh\n".to_vec(), None),
            ("a.exe", pe, Some(Category::Executable)),
            ("a.dll", dll, Some(Category::SharedLibrary)),
            ("a.exe", b"MZ".to_vec(), None),
            (
                "a.dylib",
                [&b"\xcf\xfa\xed\xfe"[..], &[0; 8], &[6, 0, 0, 0]].concat(),
                Some(Category::SharedLibrary),
            ),
            ("a", b"\x7fELF".to_vec(), None),
            ("a", vec![], None),
        ] {
            assert_eq!(by_magic(name.as_bytes(), &head), expect, "{name} {head:?}");
        }
        assert!(may_be_binary(b"libx.so.1") && may_be_binary(b"prog") && !may_be_binary(b"a.png"));
    }
}
