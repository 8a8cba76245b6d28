//! `discovery.*`: what lies in a project, and the tools.

use std::collections::BTreeMap;

use super::object::{Place, params, reply};
use super::{Call, Nothing, Stop, bad};
use crate::discover::{By, Category, IncludeGraph, Known, detect_binaries as binaries_of, include_graph};
use crate::event::Diagnostic;
use crate::found::{BinaryFound, Found};
use crate::graphs::{Sight, units::Units};
use crate::machine::{self, ToolFound};
use crate::path::FilePath;
use crate::survey::{self, OwnFound, Reasoned, TargetFound};

params! {
    /// How to look.
    Look {
        /// look again, even where nothing seems to have changed
        force: Option<bool>,
    }
}

reply! {
    /// Files by category, from the root.
    Files {
        /// C++ to compile
        cpp_sources: Vec<String>,
        /// headers of C++
        cpp_headers: Vec<String>,
        /// C to compile
        c_sources: Vec<String>,
        /// headers of C
        c_headers: Vec<String>,
        /// programs in machine code
        executables: Vec<String>,
        /// libraries that are loaded
        shared_libraries: Vec<String>,
        /// archives
        static_libraries: Vec<String>,
        /// what compilers made of single units
        objects: Vec<String>,
        /// Julia
        julia_files: Vec<String>,
        /// settings
        config_files: Vec<String>,
        /// text for people
        documentation: Vec<String>,
        /// anything else
        other: Vec<String>,
    }
}

reply! {
    /// The files of a project.
    Scan {
        /// the project's root
        root: Place,
        /// files by category, from the root
        files: Files,
        /// how many there are
        total: u64,
        /// what was passed over, and why
        skipped: Vec<Reasoned>,
        /// what could not be read or understood
        problems: Vec<Diagnostic>,
        /// nothing had to be looked for
        cached: bool,
    }
}

/// The project's files by category.
pub(super) fn scan_files(call: &mut Call<'_>, look: Look) -> Result<Scan, Stop> {
    let answer = call.engine.find(look.force.unwrap_or(false))?;
    Ok(Scan {
        root: Place(answer.found.root.as_path().to_owned()),
        files: files(&answer.found),
        total: answer.found.tree.files.len() as u64,
        skipped: survey::skipped(&answer.found),
        problems: answer.found.tree.problems.clone(),
        cached: answer.known,
    })
}

fn files(found: &Found) -> Files {
    let of = |category| found.tree.of(category).map(|file| file.path.to_string()).collect();
    Files {
        cpp_sources: of(Category::CppSource),
        cpp_headers: of(Category::CppHeader),
        c_sources: of(Category::CSource),
        c_headers: of(Category::CHeader),
        executables: of(Category::Executable),
        shared_libraries: of(Category::SharedLibrary),
        static_libraries: of(Category::StaticLibrary),
        objects: of(Category::Object),
        julia_files: of(Category::Julia),
        config_files: of(Category::Config),
        documentation: of(Category::Documentation),
        other: of(Category::Other),
    }
}

reply! {
    /// The files of a project that are machine code.
    Binaries {
        /// programs
        executables: Vec<BinaryFound>,
        /// libraries that are loaded
        shared_libraries: Vec<BinaryFound>,
        /// archives
        static_libraries: Vec<BinaryFound>,
        /// what compilers made of single units
        objects: Vec<BinaryFound>,
        /// how many there are
        total: u64,
        /// nothing had to be looked for
        cached: bool,
    }
}

/// The project's files that are machine code.
pub(super) fn detect_binaries(call: &mut Call<'_>, look: Look) -> Result<Binaries, Stop> {
    let answer = call.engine.find(look.force.unwrap_or(false))?;
    Ok(binaries(&answer.found, answer.known))
}

fn binaries(found: &Found, cached: bool) -> Binaries {
    let all = binaries_of(&found.tree);
    let of = |category| {
        let its = all.iter().zip(&found.binaries).filter(|(file, _)| file.category == category);
        its.map(|(_, binary)| binary.clone()).collect()
    };
    Binaries {
        executables: of(Category::Executable),
        shared_libraries: of(Category::SharedLibrary),
        static_libraries: of(Category::StaticLibrary),
        objects: of(Category::Object),
        total: all.len() as u64,
        cached,
    }
}

params! {
    /// Where to look for included files.
    Walk {
        /// look again, even where nothing seems to have changed
        force: Option<bool>,
        /// folders to search for included files, instead of those that discovery would take
        include_dirs: Option<Vec<Place>>,
    }
}

reply! {
    /// Who includes whom; files from the root.
    Dependencies {
        /// sources, and the headers they reach
        files: Vec<String>,
        /// by file: those it includes
        includes: BTreeMap<String, Vec<String>>,
        /// by file: those that include it
        included_by: BTreeMap<String, Vec<String>>,
        /// all files, each after those it includes
        order: Vec<String>,
        /// sets of files that include one another
        cycles: Vec<Vec<String>>,
        /// by file: names it includes that no file of the project answers
        unresolved: BTreeMap<String, Vec<String>>,
        /// by file: those among `includes` that no directive names, and a compile of it has opened
        by_compiler: BTreeMap<String, Vec<String>>,
        /// by file: those among `includes` that no compile has opened which read the file
        not_opened: BTreeMap<String, Vec<String>>,
        /// a build is recorded, so that compiles have had their say
        recorded: bool,
        /// folders that were searched for included files
        include_dirs: Vec<String>,
        /// nothing had to be looked for
        cached: bool,
    }
}

/// Which file includes which.
pub(super) fn walk_ast_dependencies(call: &mut Call<'_>, wanted: Walk) -> Result<Dependencies, Stop> {
    let answer = call.engine.find(wanted.force.unwrap_or(false))?;
    let found = &answer.found;
    let Some(dirs) = wanted.include_dirs else {
        return Ok(dependencies(&Sight::of(found), answer.known));
    };
    let mut searched = Vec::new();
    for dir in &dirs {
        let place = call.place(dir);
        if !place.is_dir() {
            return Err(bad("include_dirs", format!("`{}` is not a folder", place.display())));
        }
        searched.push(call.engine.root().file_path(&place));
    }
    let project = call.engine.look()?;
    let graph = include_graph(&project.memo, &found.tree, &found.discovery.generated, &searched, &[]);
    call.engine.count(&project.counts());
    let units = Units::recorded(&found.root);
    let seen = units.as_ref().and_then(|units| units.seen(&found.root, &graph));
    Ok(told(seen.as_ref().unwrap_or(&graph), &searched, seen.is_some(), false))
}

fn dependencies(sight: &Sight<'_>, cached: bool) -> Dependencies {
    told(sight.graph(), &sight.found.include_dirs, sight.units.log.is_some(), cached)
}

fn told(graph: &IncludeGraph, dirs: &[FilePath], recorded: bool, cached: bool) -> Dependencies {
    let text = |file: &FilePath| file.to_string();
    let by_file = |of: &dyn Fn(&FilePath) -> Vec<String>| -> BTreeMap<String, Vec<String>> {
        let all = graph.files().iter().map(|file| (text(file), of(file)));
        all.filter(|(_, list)| !list.is_empty()).collect()
    };
    let known = |is: fn(&Known) -> bool| {
        by_file(&|file| graph.edges(file).filter(|(_, how)| is(how)).map(|(to, _)| text(to)).collect())
    };
    let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    Dependencies {
        files: graph.files().iter().map(text).collect(),
        includes: by_file(&|file| graph.includes(file).map(text).collect()),
        included_by: by_file(&|file| graph.included_by(file).map(text).collect()),
        order: graph.order().map(text).collect(),
        cycles: graph.cycles().map(|cycle| cycle.into_iter().map(text).collect()).collect(),
        unresolved: by_file(&|file| graph.unresolved(file).iter().map(|one| name(&one.name)).collect()),
        by_compiler: known(|how| how.by == By::Compiler),
        not_opened: known(|how| how.opened == Some(false)),
        recorded,
        include_dirs: dirs.iter().map(text).collect(),
        cached,
    }
}

reply! {
    /// A project as discovery sees it.
    Discovered {
        /// the project's root
        root: Place,
        /// its name
        name: String,
        /// files by category, as of `discovery.scan_files`
        files: Files,
        /// how many there are
        total: u64,
        /// as of `discovery.detect_binaries`
        binaries: Binaries,
        /// as of `discovery.walk_ast_dependencies`
        dependencies: Dependencies,
        /// folders searched for included files, in order
        include_dirs: Vec<String>,
        /// headers that are made before anything is compiled, and of what
        generated: Vec<Reasoned>,
        /// macros defined for every source
        defines: Vec<String>,
        /// what only some sources are told: folders before those for all, macros instead of those for all
        own: Vec<OwnFound>,
        /// included names that no file of the project answers
        system_headers: Vec<String>,
        /// what can be built
        targets: Vec<TargetFound>,
        /// sources that are not part of the library, and why
        left_out: Vec<Reasoned>,
        /// what was passed over, and why
        skipped: Vec<Reasoned>,
        /// what the user may want to mend
        problems: Vec<Diagnostic>,
        /// nothing had to be looked for
        cached: bool,
    }
}

/// Everything discovery sees.
pub(super) fn discover_project(call: &mut Call<'_>, look: Look) -> Result<Discovered, Stop> {
    let answer = call.engine.find(look.force.unwrap_or(false))?;
    let (found, cached) = (&answer.found, answer.known);
    let seen = survey::survey(found);
    Ok(Discovered {
        root: Place(found.root.as_path().to_owned()),
        name: seen.name,
        files: files(found),
        total: found.tree.files.len() as u64,
        binaries: binaries(found, cached),
        dependencies: dependencies(&Sight::of(found), cached),
        include_dirs: seen.include_dirs,
        generated: seen.generated,
        defines: seen.defines,
        own: seen.own,
        system_headers: seen.system_headers,
        targets: seen.targets,
        left_out: seen.left_out,
        skipped: seen.skipped,
        problems: seen.problems,
        cached,
    })
}

params! {
    /// Which tool.
    ToolName {
        /// its name, such as `llvm-link`
        tool_name: String,
    }
}

reply! {
    /// A tool.
    Tool {
        /// its name
        name: String,
        /// the program
        path: Place,
        /// its version; empty where nothing depends on it
        version: String,
        /// no program had to be asked
        cached: bool,
    }
}

/// Where a tool lies.
pub(super) fn get_tool(call: &mut Call<'_>, wanted: ToolName) -> Result<Tool, Stop> {
    let (toolchain, cached) = toolchain(call)?;
    let tool = machine::get_tool(&toolchain, &wanted.tool_name)?;
    let (name, version) = (tool.name.clone(), tool.version.clone());
    Ok(Tool { name, path: Place(tool.path.clone()), version, cached })
}

reply! {
    /// The toolchain.
    Tools {
        /// its version
        version: String,
        /// the folder that holds clang
        bin_dir: String,
        /// the machine it compiles for
        triple: String,
        /// every tool found
        tools: BTreeMap<String, ToolFound>,
        /// tools of a complete set that are not there
        missing: Vec<String>,
        /// no program had to be asked
        cached: bool,
    }
}

/// The toolchain.
pub(super) fn get_all_tools(call: &mut Call<'_>, _: Nothing) -> Result<Tools, Stop> {
    let (toolchain, cached) = toolchain(call)?;
    let set = machine::tools(&toolchain, None)?;
    Ok(Tools {
        version: set.version,
        bin_dir: set.bin_dir,
        triple: set.triple,
        tools: set.tools,
        missing: set.missing,
        cached,
    })
}

/// The toolchain, and whether nothing had to be asked; what was learned is kept for later.
fn toolchain(call: &mut Call<'_>) -> Result<(crate::toolchain::Toolchain, bool), Stop> {
    let project = call.engine.sound(call.on_event)?;
    let toolchain = machine::toolchain(&project, call.engine.environment(), call.cancel);
    call.engine.count(&project.counts());
    Ok((toolchain?, project.learned.runs() == 0))
}
