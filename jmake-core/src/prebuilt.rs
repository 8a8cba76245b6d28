//! Projects that hold finished libraries: nothing is compiled, each library is looked into.
//!
//! A project with `binary.kind = "prebuilt"` keeps its libraries in `lib`.  Building it means
//! telling what they are and what would keep them from being used on this machine.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::event::Diagnostic;
use crate::inspect::{BinaryReport, Host, inspect, problems};
use crate::path::{FilePath, Root, bytes_of};
use crate::toolchain::standard_library_dirs;

/// Where the libraries lie, below the root.
pub const LIB_DIR: &str = "lib";

/// One library and what was found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Inspected {
    /// The file, from the root.
    pub path: String,
    /// What it is, as [`crate::inspect::BinaryReport`]; missing when it could not be read.
    pub report: Option<serde_json::Value>,
    /// What is wrong with it or worth knowing.
    pub problems: Vec<Diagnostic>,
}

impl Inspected {
    /// Whether it can be used.
    pub fn is_good(&self) -> bool {
        !self.problems.iter().any(Diagnostic::is_error)
    }
}

/// Looks into every library of the project at `root`, for a machine like `triple`.
///
/// # Errors
/// When the folder of libraries cannot be listed.
pub fn inspect_libraries(root: &Root, triple: &str, lib_dirs: &[PathBuf]) -> Result<Vec<Inspected>> {
    let mut library_dirs = standard_library_dirs();
    library_dirs.extend(lib_dirs.iter().map(|dir| root.as_path().join(dir)));
    library_dirs.push(root.as_path().join(LIB_DIR));
    let host = Host { triple, library_dirs: &library_dirs };
    let mut found = Vec::new();
    for path in libraries(root)? {
        let file = FilePath::new(bytes_of(path.strip_prefix(root.as_path()).unwrap_or(&path).as_os_str()));
        found.push(match inspect(&path) {
            Ok(report) => told(root, &file, report, &host),
            Err(e) => Inspected {
                path: file.to_string(),
                report: None,
                problems: vec![unreadable(&e).in_file(&file)],
            },
        });
    }
    Ok(found)
}

fn told(root: &Root, file: &FilePath, report: BinaryReport, host: &Host<'_>) -> Inspected {
    let problems = problems(&report, host).into_iter().map(|problem| problem.in_file(file)).collect();
    let mut report = serde_json::to_value(&report).unwrap_or_default();
    // The place of the project is no part of what its libraries are.
    report["path"] = root.file_path(&root.resolve(file)).to_string().into();
    Inspected { path: file.to_string(), report: Some(report), problems }
}

fn unreadable(error: &anyhow::Error) -> Diagnostic {
    Diagnostic::error(format!("the file is no library that can be understood: {}", error.root_cause()))
        .hint("take it out of `lib`, or put the finished library in its place")
}

/// Every file that is named like a library, sorted.
fn libraries(root: &Root) -> Result<Vec<PathBuf>> {
    let dir = root.as_path().join(LIB_DIR);
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = entry?;
        if entry.path().is_file() && is_named_like_a_library(bytes_of(entry.file_name())) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

fn is_named_like_a_library(name: &[u8]) -> bool {
    let ends = [&b".so"[..], b".dylib", b".dll", b".a", b".lib"].iter().any(|end| name.ends_with(end));
    ends || name.windows(4).any(|part| part == b".so.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn a_broken_library_and_none_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        assert_eq!(inspect_libraries(&root, "x86_64-pc-linux-gnu", &[]).unwrap(), []);
        fs::create_dir_all(&dir.path().join("lib")).unwrap();
        fs::write(&dir.path().join("lib/libbad.so.1"), b"\x7fELF\0\0").unwrap();
        fs::write(&dir.path().join("lib/notes.txt"), b"no library").unwrap();
        let found = inspect_libraries(&root, "x86_64-pc-linux-gnu", &[]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "lib/libbad.so.1");
        assert!(found[0].report.is_none() && !found[0].is_good());
    }
}
