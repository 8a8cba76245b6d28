//! What a `meson.build` says: libraries with their sources, and headers that are made.
//!
//! The part of the language that matters is followed as Meson 1.5 would for a release build with
//! every option at its default; nothing is run.  What is asked of the system and ends in a header
//! is asked there, in our own way; elsewhere what every system has is there, and packages are
//! not, unless nothing goes without them.

mod eval;
mod functions;
mod lex;
mod parse;
mod value;
mod compiler;
mod config;
mod methods;
mod options;
mod targets;

use crate::described::{Described, Files};
use crate::path::FilePath;

use options::built;

/// How the path of a file of the project begins where it is a text, and of one that is made.
const TOP: &str = "/.top";
const BUILD: &str = "/.build";

/// What the `meson.build` in `dir` and those below it say; `None` when there is none or it is a
/// part of a larger one.
pub fn read(files: &dyn Files, dir: &FilePath) -> Option<Described> {
    let mut reader = eval::Reader::new(files, dir);
    reader.folder(dir);
    (!reader.name.is_empty()).then_some(reader.described)
}

#[cfg(test)]
mod tests;
