//! `setup.*`: what a project says.

use serde::Deserialize;

use super::object::{Holds, Map, Place, params, reply};
use super::{Call, Nothing, Stop, bad};
use crate::configure::generated_facts;
use crate::event::Diagnostic;
use crate::import::{self, Origin};
use crate::manifest::{self, GeneratedFacts};
use crate::path::FilePath;
use crate::project::MANIFEST;
use crate::settings;
use crate::setup::{self, Template};
use crate::survey::OwnFound;

params! {
    /// What to make.
    Structure {
        /// `cpp_project` (the default) or `binary_project`
        r#type: Option<String>,
        /// the project's name; the folder's when missing
        name: Option<String>,
    }
}

reply! {
    /// What was made, from the root.
    Made {
        /// the project's root
        root: Place,
        /// files that are new
        created: Vec<String>,
        /// files that were there and were left alone
        kept: Vec<String>,
    }
}

/// Makes the files of a template, except those that are there.
pub(super) fn create_structure(call: &mut Call<'_>, wanted: Structure) -> Result<Made, Stop> {
    let given = wanted.r#type.as_deref().unwrap_or("cpp_project");
    let template = Template::parse(given).ok_or_else(|| {
        bad("type", format!("there is no template `{given}`; they are `cpp_project` and `binary_project`"))
    })?;
    let root = call.engine.root();
    let name = wanted.name.unwrap_or_else(|| root.name());
    let made = setup::create_structure(root.as_path(), template, &name)?;
    call.engine.count_template();
    let texts = |paths: &[FilePath]| paths.iter().map(FilePath::to_string).collect();
    Ok(Made {
        root: Place(root.as_path().to_owned()),
        created: texts(&made.created),
        kept: texts(&made.kept),
    })
}

/// What `discovery.discover_project` replied, or the part of it that settings come from.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Results {
    name: Option<String>,
    include_dirs: Option<Vec<String>>,
    own: Option<Vec<OwnFound>>,
    std: Option<String>,
    libraries: Option<Vec<String>>,
}

impl Holds for Results {
    fn words() -> String {
        "object with `name`, `include_dirs`, `own`, `std`, `libraries`; other fields do not matter".into()
    }
}

params! {
    /// What the settings are to come from.
    Generate {
        /// what `discovery.discover_project` replied; discovery is asked when it is missing
        discovery_results: Option<Results>,
    }
}

reply! {
    /// What `jmake.toml` is now.
    Generated {
        /// the file
        path: Place,
        /// its text
        text: String,
        /// whether it is new
        created: bool,
        /// lines that were filled in
        filled: Vec<String>,
        /// nothing had to be looked for and nothing was changed
        cached: bool,
    }
}

/// Makes `jmake.toml`, or fills what is missing in it.
pub(super) fn generate_config(call: &mut Call<'_>, wanted: Generate) -> Result<Generated, Stop> {
    let (facts, known) = match wanted.discovery_results {
        Some(given) => (given.facts(), true),
        None => {
            let answer = call.engine.find(false)?;
            (generated_facts(&answer.found.name, &answer.found.discovery), answer.known)
        }
    };
    let file = call.engine.manifest();
    let created = file.edit(|text| match text.is_empty() {
        true => Ok(setup::generate_config(&facts)),
        false => Ok(text.to_owned()),
    })?;
    let filled = if created { Vec::new() } else { settings::fill(&file, &facts)? };
    Ok(Generated {
        path: Place(call.engine.root().as_path().join(MANIFEST)),
        text: file.text()?.to_string(),
        created,
        cached: known && !created && filled.is_empty(),
        filled,
    })
}

impl Results {
    fn facts(self) -> GeneratedFacts {
        // As for what discovery finds: what is written is searched before folders of single sources.
        let is_order_lost = self.own.iter().flatten().any(|own| !own.include_dirs.is_empty());
        GeneratedFacts {
            name: self.name.unwrap_or_default(),
            include_dirs: self.include_dirs.filter(|_| !is_order_lost).unwrap_or_default(),
            std: self.std,
            libraries: self.libraries.unwrap_or_default(),
        }
    }
}

params! {
    /// What to read.
    Import {
        /// `cmake` or `compile-commands`
        from: String,
    }
}

reply! {
    /// What was written, and what was not.
    Imported {
        /// the file
        path: Place,
        /// the description that was read
        from: String,
        /// whether `jmake.toml` is new
        created: bool,
        /// the targets: name, kind and how many sources
        targets: Vec<Target>,
        /// what was not understood or left out
        left_out: Vec<Left>,
    }
}

reply! {
    /// A target that was written.
    Target {
        /// its name
        name: String,
        /// `shared`, `static` or `executable`
        kind: String,
        /// how many sources it has
        sources: u64,
    }
}

reply! {
    /// Something that was not understood or left out.
    Left {
        /// in which file
        file: String,
        /// on which line
        line: u64,
        /// what it is
        text: String,
    }
}

/// Writes the targets of another tool's description to `jmake.toml`.
pub(super) fn import(call: &mut Call<'_>, wanted: Import) -> Result<Imported, Stop> {
    let from = match wanted.from.as_str() {
        "cmake" => Origin::Cmake,
        "compile-commands" => Origin::CompileCommands,
        other => return Err(bad("from", format!("`{other}` is neither `cmake` nor `compile-commands`"))),
    };
    let done = call.engine.import(from, call.cancel)?;
    let target = |one: import::Target| Target { name: one.name, kind: one.kind, sources: one.sources as u64 };
    let left = |one: import::Left| Left { file: one.file, line: one.line.into(), text: one.text };
    Ok(Imported {
        path: Place(call.engine.root().as_path().join(MANIFEST)),
        from: done.from,
        created: done.created,
        targets: done.targets.into_iter().map(target).collect(),
        left_out: done.left_out.into_iter().map(left).collect(),
    })
}

reply! {
    /// Whether a project can be built.
    Validity {
        /// whether a build would come to compile something
        valid: bool,
        /// what is wrong, or probably not as it is meant
        issues: Vec<Diagnostic>,
    }
}

/// Everything that would keep the project from being built as it is meant.
pub(super) fn validate_config(call: &mut Call<'_>, _: Nothing) -> Result<Validity, Stop> {
    let issues = call.engine.problems(call.cancel)?;
    Ok(Validity { valid: !issues.iter().any(Diagnostic::is_error), issues })
}

params! {
    /// What to change.
    Update {
        /// the section, such as `compile` or `profile.dev`
        section: String,
        /// keys and their values; `null` removes one
        data: Map,
    }
}

reply! {
    /// What a section is now.
    Updated {
        /// whether that changed anything
        changed: bool,
        /// the section
        section: String,
        /// everything that is set in it now
        data: serde_json::Value,
    }
}

/// Merges keys into one section.
pub(super) fn update_config(call: &mut Call<'_>, wanted: Update) -> Result<Updated, Stop> {
    let Update { section, data } = wanted;
    check_section(&section)?;
    // Whether the keys take these values does not depend on what is set.
    manifest::update_config("", &section, &data).map_err(|problem| bad("data", said(&problem)))?;
    let file = call.engine.manifest();
    let changed = settings::update(&file, &section, &data)?;
    Ok(Updated { changed, data: settings::section(&file, &section)?, section })
}

params! {
    /// Which section.
    SectionName {
        /// the section, such as `compile` or `profile.dev`
        section: String,
    }
}

reply! {
    /// A section.
    Section {
        /// the section
        section: String,
        /// everything that is set in it
        data: serde_json::Value,
        /// the file had not to be read
        cached: bool,
    }
}

/// One section of `jmake.toml`.
pub(super) fn get_config_section(call: &mut Call<'_>, wanted: SectionName) -> Result<Section, Stop> {
    let section = wanted.section;
    check_section(&section)?;
    let file = call.engine.manifest();
    let read = file.count().misses;
    let data = settings::section(&file, &section)?;
    Ok(Section { section, data, cached: file.count().misses == read })
}

fn check_section(section: &str) -> Result<(), Stop> {
    let known = manifest::get_config_section("", section);
    known.map(drop).map_err(|problem| bad("section", said(&problem)))
}

fn said(problem: &Diagnostic) -> String {
    let hint = problem.hint.as_ref().map(|hint| format!("; {hint}"));
    problem.message.clone() + &hint.unwrap_or_default()
}
