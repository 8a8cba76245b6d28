//! Folders as values: copied, read whole, compared.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use jmake_core::fs;

/// Copies the folder `from`, without the entries of it called one of `leave_out`.
pub fn copy(from: &Path, to: &Path, leave_out: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if leave_out.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let (kind, target) = (entry.file_type()?, to.join(&name));
        if kind.is_dir() {
            copy(&entry.path(), &target, &[])?;
        } else if kind.is_symlink() {
            fs::symlink(&std::fs::read_link(entry.path())?, &target)?;
        } else {
            let mode = entry.metadata()?.permissions().mode();
            fs::copy(&entry.path(), &target, mode, None)
                .with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Every file below `dir` by its path in it; nothing when there is no such folder.
pub fn files(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    if dir.is_dir() {
        collect(dir, Path::new(""), &mut found)?;
    }
    Ok(found)
}

fn collect(dir: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, found)?;
        } else {
            found.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// An error that names the first difference between two folders' files.
pub fn same(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>, what: &str) -> Result<()> {
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    ensure!(names(left) == names(right), "{what}: files {:?} and {:?}", names(left), names(right));
    for (name, bytes) in left {
        let other = &right[name];
        let at = bytes.iter().zip(other).position(|(a, b)| a != b);
        ensure!(
            bytes == other,
            "{what}: {} differs at {at:?} ({} and {} bytes)",
            name.display(),
            bytes.len(),
            other.len()
        );
    }
    Ok(())
}
