//! Depfiles as clang and lld write them (`DependencyFile.cpp`, `lld/ELF/Driver.cpp`).

use crate::Bytes;

const MAX_COLUMNS: usize = 75;

/// `name` quoted as a prerequisite.
fn quoted(name: &[u8]) -> Bytes {
    let mut out = Bytes::new();
    for (at, &byte) in name.iter().enumerate() {
        match byte {
            b'#' => out.push(b'\\'),
            b' ' => {
                let run = name[..at].iter().rev().take_while(|&&b| b == b'\\').count();
                out.extend(std::iter::repeat_n(b'\\', run + 1));
            }
            b'$' => out.push(b'$'),
            _ => {}
        }
        out.push(byte);
    }
    out
}

/// `name` quoted as a target, which the driver does by itself.
pub fn quoted_target(name: &[u8]) -> Bytes {
    let mut out = Bytes::new();
    for (at, &byte) in name.iter().enumerate() {
        match byte {
            b' ' | b'\t' => {
                let run = name[..at].iter().rev().take_while(|&&b| b == b'\\').count();
                out.extend(std::iter::repeat_n(b'\\', run + 1));
            }
            b'$' => out.push(b'$'),
            b'#' => out.push(b'\\'),
            _ => {}
        }
        out.push(byte);
    }
    out
}

/// The rule that clang writes; `targets` are quoted already.  With `phony`, an empty rule for each
/// file but the first.
pub fn clang(targets: &[Bytes], files: &[Bytes], phony: bool) -> Bytes {
    let mut out = Bytes::new();
    let mut columns = 0;
    for target in targets {
        let len = target.len();
        if columns == 0 {
            columns = len;
        } else if columns + len + 2 > MAX_COLUMNS {
            columns = len + 2;
            out.extend_from_slice(b" \\\n  ");
        } else {
            columns += len + 1;
            out.push(b' ');
        }
        out.extend_from_slice(target);
    }
    out.push(b':');
    columns += 1;
    for file in files {
        if columns + file.len() + 3 > MAX_COLUMNS {
            out.extend_from_slice(b" \\\n ");
            columns = 2;
        }
        out.push(b' ');
        out.extend_from_slice(&quoted(file));
        columns += file.len() + 1;
    }
    out.push(b'\n');
    if phony {
        for file in files.iter().skip(1) {
            out.extend_from_slice(&quoted(file));
            out.extend_from_slice(b":\n");
        }
    }
    out
}

/// The rules that lld writes.
pub fn lld(target: &[u8], files: &[Bytes]) -> Bytes {
    let mut out = quoted(target);
    out.push(b':');
    for file in files {
        out.extend_from_slice(b" \\\n ");
        out.extend_from_slice(&quoted(file));
    }
    out.push(b'\n');
    for file in files {
        out.push(b'\n');
        out.extend_from_slice(&quoted(file));
        out.extend_from_slice(b":\n");
    }
    out
}
