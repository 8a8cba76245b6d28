//! Headers that are not there but could be made: each template in the tree stands for one.

use std::collections::BTreeMap;

use crate::generate::{DIR, Form, Generated, header_of};
use crate::path::FilePath;

use super::Tree;
use crate::standard::is_standard;

/// What could be made from the templates of `tree`, by path; of two templates of one header that
/// one which needs no answers, else the one for CMake, which says more than autoconf's.
pub(super) fn from_templates(tree: &Tree) -> BTreeMap<FilePath, Generated> {
    let mut all: BTreeMap<FilePath, Generated> = BTreeMap::new();
    for file in &tree.files {
        let name = file.path.file_name();
        let own = || own_of_gnulib(name).map(|header| (header, Form::Copy));
        let made = header_of(name).map(|(header, form)| (header.to_owned(), form)).or_else(own);
        let Some((header, form)) = made else { continue };
        let dir = file.path.parent().unwrap_or_else(FilePath::root);
        if tree.get(&dir.join(&header)).is_some() {
            continue;
        }
        let path = FilePath::new(DIR).join(dir.join(&header).as_bytes());
        let made = Generated { path: path.clone(), from: file.path.clone(), form };
        match all.get(&path) {
            Some(other) if rank(other) <= rank(&made) => {}
            _ => drop(all.insert(path, made)),
        }
    }
    all
}

/// The header that a template of gnulib's stands for, `x.in.h`, where it is one of the project's own.
/// What stands before a header of the system only mends that, which is there.
fn own_of_gnulib(name: &[u8]) -> Option<Vec<u8>> {
    let stem = name.strip_suffix(b".in.h").filter(|stem| !stem.is_empty())?;
    // `sys_types.in.h` is for `sys/types.h`.
    let header = [stem, b".h"].concat();
    let below = String::from_utf8_lossy(&header).replacen('_', "/", 1);
    (!is_standard(&header) && !is_standard(below.as_bytes())).then_some(header)
}

fn rank(made: &Generated) -> u8 {
    match made.form {
        Form::Copy => 0,
        _ if made.from.as_bytes().windows(5).any(|part| part == b"cmake") => 1,
        _ => 2,
    }
}

/// The folder of the project that a folder of generated headers stands for; any other is itself.
pub(super) fn source_of(dir: &FilePath) -> FilePath {
    match dir.as_bytes().strip_prefix(DIR.as_bytes()) {
        Some(rest) => FilePath::new(rest.strip_prefix(b"/").unwrap_or(rest)),
        None => dir.clone(),
    }
}

/// A header, included before every source, that answers macros which ask for headers of the
/// system and which nothing of the project defines: there its own build would.
pub(super) fn answering(asked: &[Box<[u8]>]) -> Option<Generated> {
    let names = asked.iter().filter_map(|name| std::str::from_utf8(name).ok());
    let names: Vec<String> = names.filter(|name| is_about_system(name)).map(str::to_owned).collect();
    let path = FilePath::new(DIR).join("jmake-have.h");
    (!names.is_empty()).then(|| Generated { path, from: FilePath::root(), form: Form::Answers(names) })
}

fn is_about_system(name: &str) -> bool {
    let Some(stem) = name.strip_prefix("HAVE_").and_then(|name| name.strip_suffix("_H")) else {
        return false;
    };
    let stem = stem.to_ascii_lowercase();
    [stem.clone(), stem.replacen('_', "/", 1)].iter().any(|stem| is_standard(format!("{stem}.h").as_bytes()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
