//! The headers that `configure` would make.

use std::collections::BTreeMap;

use crate::described::{header_of_macros, place};
use crate::generate::{DIR, Form, Generated, Known, Names, gaps, header_of};
use crate::path::FilePath;
use crate::standard::is_standard;

use super::configure::Configure;

/// How many headers of one folder are there once more under another name.
const MOST_LINKED: usize = 500;

/// All of them, by path.
pub(super) fn made(configure: &Configure<'_>) -> BTreeMap<FilePath, Generated> {
    let mut all = BTreeMap::new();
    for (out, template) in &configure.headers {
        all.extend(config_header(configure, out, template));
    }
    for (out, template) in &configure.made {
        all.extend(filled(configure, out, template));
    }
    for out in &configure.integers {
        all.extend(integers(configure, out));
    }
    for (name, source) in &configure.links {
        all.extend(linked(configure, name, source));
    }
    all.extend(
        configure.files.below(&configure.dir).iter().filter_map(|from| before_systems(configure, from)),
    );
    if configure.headers.is_empty() && !configure.defines.is_empty() {
        // Without a header all of it is told to the compiler.
        let path = FilePath::new(DIR).join("jmake-defines.h");
        let mut header =
            header_of_macros(path.clone(), configure.dir.join("configure.ac"), configure.defines.clone());
        if let Form::Lines { is_first, .. } = &mut header.form {
            *is_first = true;
        }
        all.insert(path, header);
    }
    all.into_iter().collect()
}

fn config_header(configure: &Configure<'_>, out: &str, template: &str) -> Option<(FilePath, Generated)> {
    let there = place(&configure.dir, out.as_bytes())?;
    if configure.files.is_file(&there) {
        return None;
    }
    let path = FilePath::new(DIR).join(there.as_bytes());
    let template = place(&configure.dir, template.as_bytes()).filter(|path| configure.files.is_file(path));
    let Some(from) = template else {
        let from = configure.dir.join("configure.ac");
        let mut header = header_of_macros(path.clone(), from, configure.defines.clone());
        if let Form::Lines { text, .. } = &mut header.form {
            *text = format!("{}{text}{}", configure.around.0, configure.around.1);
        }
        return Some((path, header));
    };
    // What is defined under a condition that does not hold is not defined.
    let mut names: Names =
        configure.mentioned.iter().map(|name| (name.clone(), Known::Value(None))).collect();
    names.extend(configure.defines.clone());
    Some((path.clone(), Generated { path, from, form: Form::Template(names) }))
}

/// A header of gnulib's that goes on to the system's and adds what that may lack, where its template asks
/// for nothing but how to go on.
fn before_systems(configure: &Configure<'_>, from: &FilePath) -> Option<(FilePath, Generated)> {
    let stem = from.file_name().strip_suffix(b".in.h")?;
    let header = [stem, b".h"].concat();
    let there = from.parent()?.join(&header);
    if !is_standard(&header) || configure.files.is_file(&there) {
        return None;
    }
    let name = String::from_utf8_lossy(&header).into_owned();
    let next = format!("NEXT_{}", name.to_ascii_uppercase().replace('.', "_"));
    let known = [
        ("INCLUDE_NEXT", "include_next".to_owned()),
        (&next, format!("<{name}>")),
        ("PRAGMA_SYSTEM_HEADER", "#pragma GCC system_header".to_owned()),
        ("PRAGMA_COLUMNS", String::new()),
        ("GUARD_PREFIX", "GL".to_owned()),
    ];
    let template = configure.files.read(from)?;
    let gaps = gaps(&template);
    if !gaps.contains(&next) || gaps.iter().any(|gap| known.iter().all(|(name, _)| name != gap)) {
        return None;
    }
    let text = String::from_utf8_lossy(&template).into_owned();
    let put_in = |text: String, (name, by): &(&str, String)| text.replace(&format!("@{name}@"), by);
    let text = known.iter().fold(text, put_in);
    let path = FilePath::new(DIR).join(there.as_bytes());
    Some((path.clone(), Generated { path, from: from.clone(), form: Form::Text(text) }))
}

/// A header with the integers of fixed width: every compiler that is used here has them.
fn integers(configure: &Configure<'_>, out: &str) -> Option<(FilePath, Generated)> {
    let there = place(&configure.dir, out.as_bytes()).filter(|path| !configure.files.is_file(path))?;
    let path = FilePath::new(DIR).join(there.as_bytes());
    let text = "#include <stddef.h>\n#include <stdint.h>\n#include <inttypes.h>\n".to_owned();
    let from = configure.dir.join("configure.ac");
    Some((path.clone(), Generated { path, from, form: Form::Text(text) }))
}

/// The headers that are there once more where `name` is linked to the file or folder `source`.
fn linked(configure: &Configure<'_>, name: &str, source: &str) -> Vec<(FilePath, Generated)> {
    let placed = |name: &str| place(&configure.dir, name.as_bytes());
    let (Some(there), Some(source)) = (placed(name), placed(source)) else { return Vec::new() };
    let below = configure.files.below(&source).into_iter();
    let of_folder = below.filter(|path| path.parent().as_ref() == Some(&source));
    let pairs = of_folder.map(|from| (there.join(from.file_name()), from)).take(MOST_LINKED);
    let file = configure.files.is_file(&source).then(|| (there.clone(), source.clone()));
    let is_header = |path: &FilePath| header_of(&[path.file_name(), b".in"].concat()).is_some();
    let is_new = |(there, _): &(FilePath, FilePath)| is_header(there) && !configure.files.is_file(there);
    let copy = |(there, from): (FilePath, FilePath)| {
        let path = FilePath::new(DIR).join(there.as_bytes());
        (path.clone(), Generated { path, from, form: Form::Copy })
    };
    file.into_iter().chain(pairs).filter(is_new).map(copy).collect()
}

/// A header with values of variables put in.
fn filled(configure: &Configure<'_>, out: &str, template: &str) -> Option<(FilePath, Generated)> {
    let there = place(&configure.dir, out.as_bytes())?;
    let from = place(&configure.dir, template.as_bytes()).filter(|path| configure.files.is_file(path))?;
    let is_header = header_of(format!("{out}.in").as_bytes()).is_some();
    if !is_header || configure.files.is_file(&there) {
        return None;
    }
    let text = configure.files.read(&from)?;
    let names = crate::cmake::names_in(&text, true).into_iter();
    let known = names.filter_map(|name| {
        let is_known = configure.substituted.contains(&name);
        if configure.unknown.contains(&name) {
            return None;
        }
        let value = match configure.variables.get(&name) {
            Some(value) => value.clone(),
            // What was to be found out and is not known is asked by its name.
            None if is_known && configure.assigned.contains(&name) => String::new(),
            None if is_known => return None,
            None => format!("@{name}@"),
        };
        Some((name, Known::Define(value)))
    });
    let path = FilePath::new(DIR).join(there.as_bytes());
    Some((path.clone(), Generated { path, from, form: Form::Template(known.collect()) }))
}
