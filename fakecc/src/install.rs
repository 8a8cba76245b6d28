//! Makes a toolchain folder out of this program.
//!
//! `bin/clang` is a copy (so that a test may change or replace it), everything else a link to it.
//! `lib/clang/19/include` is the folder that is searched for headers when the settings name none.
//! The name and place look like an installation of LLVM when DIR is called `llvm-19`.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;

use crate::config::{SALT_LEN, SALT_MARK};
use crate::module::Module;
use crate::{Bytes, path_of};

/// Every name the program plays, beside `clang`.
const NAMES: [&str; 18] = [
    "clang++",
    "clang-19",
    "clang++-19",
    "clang-cpp",
    "llvm-link",
    "opt",
    "llc",
    "llvm-nm",
    "llvm-ar",
    "llvm-ranlib",
    "llvm-objcopy",
    "llvm-dis",
    "llvm-config",
    "llvm-profdata",
    "llvm-symbolizer",
    "ld.lld",
    "lld",
    "llvm-strip",
];

/// `fakecc --install DIR [SALT]`.
pub fn install(args: &[Bytes]) -> ExitCode {
    let Some(dir) = args.first() else {
        eprintln!("usage: fakecc --install DIR [SALT]");
        return ExitCode::from(2);
    };
    let salt = args.get(1).map_or(&b""[..], Vec::as_slice);
    match lay_out(path_of(dir), salt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("fakecc: cannot install: {e}");
            ExitCode::FAILURE
        }
    }
}

fn lay_out(dir: &Path, salt: &[u8]) -> io::Result<()> {
    let bin = dir.join("bin");
    let lib = dir.join("lib");
    std::fs::create_dir_all(&bin)?;
    std::fs::create_dir_all(lib.join("clang/19/include"))?;
    let clang = bin.join("clang");
    let temporary = bin.join("clang.new");
    std::fs::copy(std::env::current_exe()?, &temporary)?;
    let mut bytes = std::fs::read(&temporary)?;
    let tail = bytes.len() - (SALT_MARK.len() + SALT_LEN);
    if bytes[tail..].starts_with(SALT_MARK) {
        bytes.truncate(tail);
    }
    let mut padded = salt.to_vec();
    padded.resize(SALT_LEN, b'.');
    bytes.extend_from_slice(SALT_MARK);
    bytes.extend_from_slice(&padded);
    std::fs::write(&temporary, &bytes)?;
    std::fs::rename(&temporary, &clang)?;
    for name in NAMES {
        let link = bin.join(name);
        std::fs::remove_file(&link).ok();
        symlink("clang", link)?;
    }
    for (name, text) in [("crti.o", "start"), ("crtn.o", "end"), ("libc.a", "")] {
        let module = Module { source: name.into(), text: text.into(), ..Module::default() };
        let bytes = if name == "libc.a" {
            crate::tools::archive(&[(b"libc.o".to_vec(), module.elf(None))])
        } else {
            module.elf(None)
        };
        std::fs::write(lib.join(name), bytes)?;
    }
    Ok(())
}
