//! Makes the headers that discovery wants made, before anything is compiled.
//!
//! They lie below `.jmake/gen` and hold nothing but what their templates and the compiler's
//! answers say, so they are the same wherever the project lies.  What is no longer wanted goes.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::configure::machine_flags;
use crate::discover::Discovery;
use crate::event::Diagnostic;
use crate::fs;
use crate::generate::{DIR, Form, Generated, answers, export_header, gaps, names, render};
use crate::path::FilePath;
use crate::process::Cancel;
use crate::project::Project;
use crate::toolchain::Toolchain;

/// Makes the headers of `discovery`; what cannot be made is told.
///
/// # Errors
/// When a template cannot be read, the compiler cannot be asked, or a header cannot be written.
pub fn prepare(
    project: &Project,
    discovery: &Discovery,
    toolchain: &Toolchain,
    cancel: &Cancel,
) -> Result<Vec<Diagnostic>> {
    let root = project.root();
    let mut problems = Vec::new();
    let mut made = HashSet::new();
    let texts = discovery.generated.iter().map(|header| Ok((header, template(project, header)?)));
    let texts: Vec<(&Generated, Vec<u8>)> = texts.collect::<Result<_>>()?;
    let declared = declared(project, toolchain, cancel, &texts)?;
    for (header, text) in texts {
        let text = match &header.form {
            Form::Copy => {
                let gaps = if is_gnulibs(header) { gaps(&text) } else { Vec::new() };
                if !gaps.is_empty() {
                    problems.push(unknown(header, &gaps));
                    continue;
                }
                text
            }
            Form::Answers(names) => answers(names).into_bytes(),
            Form::Export(word) => export_header(word).into_bytes(),
            Form::Text(text) => text.clone().into_bytes(),
            Form::Template(known) | Form::Lines { names: known, .. } => {
                let rendered = render(&text, known, &|name| declared.contains(name));
                if !rendered.missing.is_empty() {
                    problems.push(unknown(header, &rendered.missing));
                    continue;
                }
                rendered.text
            }
        };
        let path = root.resolve(&header.path);
        fs::create_dir_all(path.parent().unwrap_or(root.as_path()))?;
        fs::write_own_if_changed(&path, &text).with_context(|| format!("cannot write `{}`", header.path))?;
        project.memo.forget(&header.path);
        made.insert(path);
    }
    // A name may climb from a folder in which nothing is made.
    let own = discovery.manner.own.iter().flat_map(|own| &own.told.include_dirs);
    let searched = discovery.include_dirs.iter().chain(own);
    for dir in searched.filter(|dir| dir.starts_with(&FilePath::new(DIR))) {
        fs::create_dir_all(&root.resolve(dir))?;
    }
    remove_others(&root.as_path().join(DIR), &|path| made.contains(path));
    Ok(problems)
}

/// Whether it is made of a template of gnulib's kind, which holds nothing but gaps to be filled in.
fn is_gnulibs(header: &Generated) -> bool {
    header.from.as_bytes().ends_with(b".in.h")
}

fn template(project: &Project, header: &Generated) -> Result<Vec<u8>> {
    if let Form::Lines { text, .. } = &header.form {
        return Ok(text.clone().into_bytes());
    }
    if !header.has_template() {
        return Ok(Vec::new());
    }
    let text = project.memo.text(&header.from);
    text.with_context(|| format!("cannot read `{}`", header.from))
}

/// The names that the templates ask for and the system declares.
fn declared(
    project: &Project,
    toolchain: &Toolchain,
    cancel: &Cancel,
    texts: &[(&Generated, Vec<u8>)],
) -> Result<HashSet<String>> {
    let asked = texts.iter().filter_map(|(header, text)| match &header.form {
        Form::Template(known) | Form::Lines { names: known, .. } => Some(names(text, known)),
        _ => None,
    });
    let asked: Vec<String> = asked.flatten().collect::<BTreeSet<_>>().into_iter().collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let flags = machine_flags(&project.manifest, toolchain).into_iter().map(String::into_bytes);
    let flags: Vec<Vec<u8>> = flags.collect();
    let answers = toolchain.declared(&project.ask(cancel), &flags, &asked)?;
    Ok(asked.into_iter().zip(answers).filter_map(|(name, declared)| declared.then_some(name)).collect())
}

fn unknown(header: &Generated, missing: &[String]) -> Diagnostic {
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let name = FilePath::new(header.path.file_name());
    Diagnostic::warning(format!("`{name}` is not made: its template asks for {names}, which only the project's own build knows"))
        .in_file(&header.from)
        .hint(format!("write `{name}` by hand, or run the project's own build once and name the folder it writes to under `compile.include_dirs`"))
}

/// Removes all files below `dir` but those to `keep`; what cannot be removed is never searched.
fn remove_others(dir: &Path, keep: &dyn Fn(&Path) -> bool) {
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => dirs.push(path),
                _ if keep(&path) => {}
                _ => drop(fs::remove_file(&path)),
            }
        }
    }
}
