//! What discovery finds in a project: the tree, what was decided from it, who includes whom, and what
//! its machine code is.

use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::codec::{Reader, Writer};
use crate::discover::{Discovery, File, IncludeGraph, System, Tree, detect_binaries, include_graph};
use crate::inspect::{BinaryReport, inspect};
use crate::path::{FilePath, Root};
use crate::project::Project;
use crate::recorded;

/// A project as discovery sees it.
pub struct Found {
    /// Its root.
    pub root: Root,
    /// Its name.
    pub name: String,
    /// What lies in it.
    pub tree: Tree,
    /// What is made of that.
    pub discovery: Discovery,
    /// Where included files are looked for: what the settings say, then what discovery adds.
    pub include_dirs: Vec<FilePath>,
    /// Which file includes which.
    pub includes: IncludeGraph,
    /// What its machine code is, in the order of [`detect_binaries`].
    pub binaries: Vec<BinaryFound>,
}

/// A file of machine code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BinaryFound {
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// `ELF`, `Mach-O`, `PE`, `COFF`, `archive`; empty when it cannot be understood.
    pub format: String,
    /// The machine as a triple begins; empty when the file does not tell.
    pub machine: String,
    /// The name under which a program will look for this library.
    pub soname: Option<String>,
    /// Libraries it needs, by the names it asks for.
    pub needed: Vec<String>,
    /// How many symbols others can use.
    pub exports: u64,
    /// Whether it holds debug information.
    pub debug: bool,
}

impl BinaryFound {
    /// What the machine code in `file` is; of one that cannot be understood little more than its size.
    fn look(root: &Root, file: &File) -> BinaryFound {
        let report = inspect(&root.resolve(&file.path)).ok();
        let exports = |report: &BinaryReport| {
            let members = report.members.iter().map(|member| member.exports.len());
            (report.exports.len() + members.sum::<usize>()) as u64
        };
        BinaryFound {
            path: file.path.to_string(),
            size: file.size.unwrap_or(0),
            format: report.as_ref().map_or("", |report| report.format).to_owned(),
            machine: report.as_ref().map_or("", |report| report.machine).to_owned(),
            soname: report.as_ref().and_then(|report| report.soname.clone()),
            needed: report.as_ref().map(|report| report.needed.clone()).unwrap_or_default(),
            exports: report.as_ref().map_or(0, exports),
            debug: report.is_some_and(|report| report.debug),
        }
    }
}

impl Found {
    /// Looks at `project`, whose build description may ask `system`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn in_project(project: &Project, system: &dyn System) -> Result<Found> {
        let tree = project.scan()?;
        let discovery = project.discover(&tree, system)?;
        let include_dirs = searched(project, &discovery);
        let own = &discovery.manner.own;
        let includes = include_graph(&project.memo, &tree, &discovery.generated, &include_dirs, own);
        let (root, name) = (project.root().clone(), project.name());
        let binaries = detect_binaries(&tree).par_iter().map(|file| BinaryFound::look(&root, file)).collect();
        Ok(Found { root, name, tree, discovery, include_dirs, includes, binaries })
    }

    /// Appends it to `out`.
    ///
    /// # Errors
    /// When some of it cannot be put into words.
    pub fn encode(&self, out: &mut Writer) -> Result<()> {
        out.bytes(self.name.as_bytes());
        out.uint(self.include_dirs.len() as u64);
        self.include_dirs.iter().for_each(|dir| out.bytes(dir.as_bytes()));
        recorded::encode(out, &self.tree, &self.discovery)?;
        self.includes.encode(out);
        out.bytes(&serde_json::to_vec(&self.binaries)?);
        Ok(())
    }

    /// Takes what [`Found::encode`] wrote of the project at `root`.
    pub fn decode(root: &Root, from: &mut Reader<'_>) -> Option<Found> {
        let name = String::from_utf8(from.bytes()?.to_vec()).ok()?;
        let dirs = (0..from.uint()?).map(|_| Some(FilePath::new(from.bytes()?)));
        let include_dirs = dirs.collect::<Option<_>>()?;
        let (tree, discovery) = recorded::decode(from)?;
        let includes = IncludeGraph::decode(from)?;
        let binaries = serde_json::from_slice(from.bytes()?).ok()?;
        Some(Found { root: root.clone(), name, tree, discovery, include_dirs, includes, binaries })
    }
}

fn searched(project: &Project, discovery: &Discovery) -> Vec<FilePath> {
    let written = project.manifest.compile.include_dirs.iter();
    let mut dirs: Vec<FilePath> = written.map(|dir| project.root().file_path(Path::new(dir))).collect();
    for dir in &discovery.include_dirs {
        if !dirs.contains(dir) {
            dirs.push(dir.clone());
        }
    }
    dirs
}
