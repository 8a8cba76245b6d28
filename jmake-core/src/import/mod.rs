//! `import`: a `jmake.toml` from what another build tool says.
//!
//! A description is read as discovery reads it, never run, and written down as `[[target]]`s that
//! build the same.  What cannot be written down is listed.  What the manifest says already stays
//! as it is, and one that has targets is the user's: it is refused.

mod cmake;
mod commands;
mod notes;
mod tables;
mod text;

use std::cell::RefCell;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::asked::Asked;
use crate::cmake::Note;
use crate::configure::Environment;
use crate::discover::Tree;
use crate::event::Diagnostic;
use crate::manifest::{Kind, Manifest};
use crate::manifest_file::ManifestFile;
use crate::process::Cancel;
use crate::project::{MANIFEST, Project};

use tables::{Part, tables};

/// What a manifest is made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The project's `CMakeLists.txt`.
    Cmake,
    /// A `compile_commands.json` that another tool wrote.
    CompileCommands,
}

/// What was written, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    /// The project's root.
    pub root: String,
    /// The description.
    pub from: String,
    /// Whether `jmake.toml` is new.
    pub created: bool,
    /// The targets.
    pub targets: Vec<Target>,
    /// What was not understood or left out, in the order of the description.
    pub left_out: Vec<Left>,
}

/// One target that was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// `shared`, `static` or `executable`.
    pub kind: String,
    /// How many sources it has.
    pub sources: usize,
}

/// Something that was not understood or left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Left {
    /// In which file.
    pub file: String,
    /// On which line, from 1.
    pub line: u32,
    /// What it is.
    pub text: String,
}

/// What a description came to.
struct Read {
    /// The description.
    file: String,
    name: Option<String>,
    version: Option<String>,
    parts: Vec<Part>,
    notes: Vec<Note>,
}

/// Writes the manifest of the project of `file` from what another tool says.
///
/// # Errors
/// When there is no such description or nothing in it to build, when the manifest has targets
/// already, or when it cannot be written.
pub fn import(
    file: &ManifestFile,
    environment: &Environment,
    from: Origin,
    cancel: &Cancel,
) -> Result<Imported> {
    refuse_targets(&file.text()?)?;
    let project = Project::look(file.root(), environment)?;
    let tree = project.scan()?;
    let read = match from {
        Origin::Cmake => cmake::read(&project, &tree, &Asked::new(&project, environment, cancel)),
        Origin::CompileCommands => commands::read(&project, &tree),
    };
    let read = read.ok_or_else(|| nothing(from))?;
    let imported = RefCell::default();
    file.edit(|text| {
        refuse_targets(text)?;
        let (text, done) = written(text, &read, &tree)?;
        *imported.borrow_mut() = done;
        Ok(text)
    })?;
    let mut imported = imported.into_inner();
    imported.root = file.root().as_path().display().to_string();
    Ok(imported)
}

/// `text` with the targets of `read`, and what that came to.
fn written(text: &str, read: &Read, tree: &Tree) -> Result<(String, Imported), Diagnostic> {
    let (present, _) = Manifest::parse(text, MANIFEST);
    let mut notes = read.notes.clone();
    let manifest = tables(read, &present, tree, &mut notes);
    let after = text::with(text, &manifest)?;
    // Of a manifest with a machine under `[target]` no targets can be made.
    if let Some(problem) = Manifest::parse(&after, MANIFEST).1.into_iter().find(Diagnostic::is_error) {
        return Err(problem);
    }
    let targets = manifest.targets.iter().zip(&read.parts).map(|(table, part)| Target {
        name: table.name.clone().unwrap_or_default(),
        kind: kind(table.kind).to_owned(),
        sources: part.sources.len(),
    });
    let left =
        notes.into_iter().map(|note| Left { file: note.file.to_string(), line: note.line, text: note.text });
    let mut left_out: Vec<Left> = left.collect();
    left_out.sort();
    left_out.dedup();
    let imported = Imported {
        root: String::new(),
        from: read.file.clone(),
        created: text.is_empty(),
        targets: targets.collect(),
        left_out,
    };
    Ok((after, imported))
}

fn kind(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Static) => "static",
        Some(Kind::Executable) => "executable",
        _ => "shared",
    }
}

fn refuse_targets(text: &str) -> Result<(), Diagnostic> {
    let (present, problems) = Manifest::parse(text, MANIFEST);
    if let Some(problem) = problems.into_iter().find(Diagnostic::is_error) {
        return Err(problem);
    }
    if present.targets.is_empty() && present.binary.kind.is_none() {
        return Ok(());
    }
    let problem = Diagnostic::error(format!("`{MANIFEST}` says already what is built; nothing was changed"));
    Err(problem
        .in_file(MANIFEST)
        .hint(format!("give `{MANIFEST}` another name, import again, and take from both what you want")))
}

fn nothing(from: Origin) -> Diagnostic {
    match from {
        Origin::Cmake => Diagnostic::error("there is no `CMakeLists.txt` that describes a library or a program")
            .hint("it must lie in the root, `build/cmake`, `cmake` or `contrib/cmake`, and have a `project`"),
        Origin::CompileCommands => {
            Diagnostic::error("there is no `compile_commands.json` of another tool that names sources of this project")
                .hint("it must lie in the root or in `build`; CMake writes it with `-DCMAKE_EXPORT_COMPILE_COMMANDS=ON`")
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
