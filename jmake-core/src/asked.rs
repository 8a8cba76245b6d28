//! Puts what a build description asks about the system to the project's compiler.
//!
//! A toolchain is looked for only when something is asked; without one nothing is known.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Result;

use crate::cmake::VIRTUAL_ROOT;
use crate::configure::{Environment, machine_flags};
use crate::discover::{Discovery, Program, System, Tree};
use crate::path::{FilePath, bytes_of};
use crate::process::Cancel;
use crate::project::Project;
use crate::toolchain::Toolchain;
use crate::toolchain::includes::Lang;

/// What jmake makes of `tree` in `project`.
///
/// # Errors
/// When files cannot be read.
pub fn discover(project: &Project, environment: &Environment, tree: &Tree) -> Result<Discovery> {
    let cancel = Cancel::default();
    project.discover(tree, &Asked::new(project, environment, &cancel))
}

/// The compiler that a project is built with.
pub struct Asked<'a> {
    project: &'a Project,
    environment: &'a Environment,
    cancel: &'a Cancel,
    toolchain: OnceLock<Option<Toolchain>>,
    /// Where it looks for headers of C, asked for once: looking whether the answer still holds costs
    /// as much as many headers.
    headers: OnceLock<Option<Vec<PathBuf>>>,
}

impl<'a> Asked<'a> {
    /// That of `project` in `environment`; it stops answering when `cancel` says so.
    pub fn new(project: &'a Project, environment: &'a Environment, cancel: &'a Cancel) -> Asked<'a> {
        Asked { project, environment, cancel, toolchain: OnceLock::new(), headers: OnceLock::new() }
    }

    /// What the answers so far depend on, outside of the project; nothing where nothing was asked.
    pub fn consulted(&self) -> Vec<FilePath> {
        self.toolchain.get().and_then(Option::as_ref).map(Toolchain::consulted).unwrap_or_default()
    }

    /// The toolchain, if anything was asked of it.
    pub fn into_toolchain(self) -> Option<Toolchain> {
        self.toolchain.into_inner().flatten()
    }

    fn toolchain(&self) -> Option<&Toolchain> {
        let find = || self.project.toolchain(self.environment, self.cancel).ok();
        self.toolchain.get_or_init(find).as_ref()
    }

    fn flags(&self, toolchain: &Toolchain) -> Vec<Vec<u8>> {
        machine_flags(&self.project.manifest, toolchain).into_iter().map(String::into_bytes).collect()
    }
}

impl System for Asked<'_> {
    fn declares(&self, names: &[String]) -> Option<Vec<bool>> {
        let toolchain = self.toolchain()?;
        toolchain.declared(&self.project.ask(self.cancel), &self.flags(toolchain), names).ok()
    }

    fn has_header(&self, name: &str) -> Option<bool> {
        let dirs = self.headers.get_or_init(|| {
            let toolchain = self.toolchain()?;
            let ask = self.project.ask(self.cancel);
            Some(toolchain.include_dirs(&ask, Lang::C, &self.flags(toolchain)).ok()?.paths())
        });
        // Through the memo, so that a later build knows what was there and what was not.
        let is_there = |dir: &PathBuf| {
            let path = FilePath::new(bytes_of(dir.join(name).as_os_str()));
            self.project.memo.stat(&path).is_some_and(|stat| stat.is_file())
        };
        Some(dirs.as_ref()?.iter().any(is_there))
    }

    fn compiles(&self, program: &Program) -> Option<bool> {
        let toolchain = self.toolchain()?;
        let mut flags = self.flags(toolchain);
        flags.extend(program.flags.iter().map(|flag| flag.clone().into_bytes()));
        let root = self.project.root();
        let dirs = program.include_dirs.iter().map(|dir| root.resolve(dir));
        flags.extend(dirs.map(|dir| [b"-I", bytes_of(dir.as_os_str())].concat()));
        let text = program.text.replace(VIRTUAL_ROOT, &root.as_path().to_string_lossy());
        let lang = if program.cxx { Lang::Cxx } else { Lang::C };
        toolchain.compiles(&self.project.ask(self.cancel), lang, &flags, text.as_bytes()).ok()
    }
}
