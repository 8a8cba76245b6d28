//! Changing what a project says: `new`, `init`, `config` and `trust`.
//!
//! The text of `jmake.toml` is edited by [`crate::manifest`]; here it is read, written and
//! reported.  What exists is never overwritten by anything but the edit that was asked for.

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::asked;
use crate::commands;
use crate::configure::{Environment, generated_facts};
use crate::digest::Digest;
use crate::event::Diagnostic;
use crate::fs;
use crate::manifest::{self, GeneratedFacts, Manifest};
use crate::manifest_file::ManifestFile;
use crate::path::{FilePath, Root};
use crate::project::{MANIFEST, Project, trust_file};
use crate::setup::{self, Template, adopt, create_structure, new_project};
use crate::trust::{Trust, needs_trust};

/// What `new` and `init` made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Made {
    /// The project's root.
    pub root: String,
    /// Files that are new.
    pub created: Vec<String>,
    /// Files that were there and were left alone.
    pub kept: Vec<String>,
    /// Lines that the `.gitignore` that is there lacks.
    pub gitignore: Vec<String>,
    /// The description of another build tool that `jmake import` would write targets from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One key, its value and what it means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// Its value, or its default in words.
    pub value: String,
    /// The line where it is set; `None` for a default.
    pub line: Option<usize>,
    /// What it does.
    pub doc: String,
}

/// What a project's settings would do that needs the user's consent, and whether there is one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The project's root.
    pub root: String,
    /// What needs consent.
    pub issues: Vec<Asked>,
    /// Whether the user has consented, after this request.
    pub trusted: bool,
}

/// One value that needs consent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it does.
    pub why: String,
    /// Where it stands.
    pub line: Option<usize>,
}

/// Makes a fresh project in `dir`; its name is the folder's unless given.
///
/// # Errors
/// When the folder holds something, the template is unknown, or nothing can be written there.
pub fn make_new(dir: &Path, template: &str, name: Option<&str>) -> Result<Made> {
    let created = new_project(dir, template_of(template)?, &name_for(dir, name))?;
    Ok(made(dir, created))
}

/// Makes the existing folder `root` a project; nothing in it is changed.
///
/// # Errors
/// When it cannot be read or written, or the template is unknown.
pub fn init(root: &Root, environment: &Environment, template: &str, name: Option<&str>) -> Result<Made> {
    let dir = root.as_path();
    let created = match template_of(template)? {
        Template::Binary => create_structure(dir, Template::Binary, &name_for(dir, name))?,
        Template::Cpp => {
            let project = Project::look(root, environment)?;
            let discovery = asked::discover(&project, environment, &project.scan()?)?;
            let name = name.map_or_else(|| project.name(), setup::library_ident);
            adopt(root, &generated_facts(&name, &discovery))?
        }
    };
    let is_new = created.created.contains(&FilePath::new(MANIFEST));
    let description = if is_new { description(dir) } else { None };
    Ok(Made { description, ..made(dir, created) })
}

fn template_of(name: &str) -> Result<Template, Diagnostic> {
    Template::parse(name).ok_or_else(|| {
        Diagnostic::error(format!("there is no template `{name}`"))
            .hint("the templates are `cpp` and `binary`")
    })
}

fn name_for(dir: &Path, name: Option<&str>) -> String {
    let folder = || dir.file_name().map(|name| name.to_string_lossy().into_owned());
    name.map(str::to_owned).or_else(folder).unwrap_or_default()
}

fn made(root: &Path, created: setup::Created) -> Made {
    let texts = |paths: &[FilePath]| paths.iter().map(FilePath::to_string).collect();
    Made {
        root: root.display().to_string(),
        created: texts(&created.created),
        kept: texts(&created.kept),
        gitignore: created.gitignore.iter().map(|line| (*line).to_owned()).collect(),
        description: None,
    }
}

/// The description in `root` that `jmake import` reads.
fn description(root: &Path) -> Option<String> {
    const CMAKE: &str = "CMakeLists.txt";
    if root.join(CMAKE).is_file() {
        return Some(CMAKE.to_owned());
    }
    let mut texts =
        ["", "build"].iter().filter_map(|dir| fs::read(&root.join(dir).join(commands::NAME)).ok());
    texts.any(|text| !commands::is_ours(&text)).then(|| commands::NAME.to_owned())
}

/// Every key below `section` (all of them when `None`) with its value or default.
///
/// # Errors
/// When the manifest cannot be read or there is no such section.
pub fn show(file: &ManifestFile, section: Option<&str>) -> Result<Vec<Setting>> {
    let all = manifest::show(&file.text()?);
    let below = |key: &str| {
        section.is_none_or(|section| {
            key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let shown: Vec<Setting> = all
        .into_iter()
        .filter(|line| below(&line.key))
        .map(|line| Setting { key: line.key, value: line.value, line: line.line, doc: line.doc.to_owned() })
        .collect();
    if let Some(section) = section.filter(|_| shown.is_empty()) {
        // It may be a section of which nothing is set.
        manifest::get_config_section("", section)?;
    }
    Ok(shown)
}

/// The value of `key`; `None` when it is not set.
///
/// # Errors
/// When the manifest cannot be read, or there is no such key.
pub fn get(file: &ManifestFile, key: &str) -> Result<Option<String>> {
    let text = file.text()?;
    if let Some(value) = manifest::get(&text, key) {
        return Ok(Some(value));
    }
    // Unsetting a key that is not there changes nothing, but setting one checks its name.
    match manifest::set("", key, "") {
        Err(problem)
            if problem.message.starts_with("unknown key") || problem.message.ends_with("not a key") =>
        {
            match manifest::get_config_section("", key) {
                Ok(_) => Ok(None),
                Err(_) => Err(problem.into()),
            }
        }
        _ => Ok(None),
    }
}

/// Sets `key` to `value` in the project's manifest, which is made when there is none;
/// tells whether that changed anything.
///
/// # Errors
/// When the key or the value will not do, or the file cannot be written.
pub fn set(file: &ManifestFile, key: &str, value: &str) -> Result<bool> {
    file.edit(|text| manifest::set(text, key, value))
}

/// Removes `key`, or a whole section, from the project's manifest; tells whether it was there.
///
/// # Errors
/// When it cannot be cut out, or the file cannot be written.
pub fn unset(file: &ManifestFile, key: &str) -> Result<bool> {
    file.edit(|text| manifest::unset(text, key))
}

/// What `section` of the project's manifest holds; empty when it is not there.
///
/// # Errors
/// When there is no such section in jmake, or the manifest cannot be read.
pub fn section(file: &ManifestFile, section: &str) -> Result<serde_json::Value> {
    manifest::get_config_section(&file.text()?, section).map_err(|problem| problem.in_file(MANIFEST).into())
}

/// Merges `data` into `section` of the project's manifest, which is made when there is none;
/// tells whether that changed anything.
///
/// # Errors
/// When the section, a key or a value will not do, or the file cannot be written.
pub fn update(
    file: &ManifestFile,
    section: &str,
    data: &serde_json::Map<String, serde_json::Value>,
) -> Result<bool> {
    file.edit(|text| manifest::update_config(text, section, data))
}

/// Everything that is wrong with the settings of the project at `root`.
///
/// # Errors
/// When they cannot be read.
pub fn validate(root: &Root, environment: &Environment) -> Result<Vec<Diagnostic>> {
    Ok(Project::look(root, environment)?.problems)
}

/// Fills what is missing in the manifest from what discovery sees; gives the lines that are new.
///
/// # Errors
/// When the project cannot be read, or the manifest is not valid or cannot be written.
pub fn complete(file: &ManifestFile, environment: &Environment) -> Result<Vec<String>> {
    let project = Project::look(file.root(), environment)?;
    let discovery = asked::discover(&project, environment, &project.scan()?)?;
    fill(file, &generated_facts(&project.name(), &discovery))
}

/// Fills what is missing in the manifest with `facts`; gives the lines that are new.
///
/// # Errors
/// When the manifest is not valid or cannot be written.
pub fn fill(file: &ManifestFile, facts: &GeneratedFacts) -> Result<Vec<String>> {
    let filled = RefCell::default();
    file.edit(|text| {
        let (text, lines) = manifest::complete(text, facts)?;
        *filled.borrow_mut() = lines;
        Ok(text)
    })?;
    Ok(filled.into_inner())
}

/// What to do about the user's consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Only tell.
    Show,
    /// Consent to the settings as they are now.
    Grant,
    /// Take the consent back.
    Revoke,
}

/// Tells what needs the user's consent, and gives or takes it.
///
/// # Errors
/// When there is no manifest to consent to, or no place to keep the consent.
pub fn consent(root: &Root, environment: &Environment, decision: Decision) -> Result<Consent> {
    let file = trust_file(environment).context("there is no home folder to keep the consent in")?;
    let mut trust = Trust::load(&file)?;
    if decision == Decision::Revoke {
        trust.revoke(root)?;
    }
    let text = ManifestFile::new(root).text()?;
    if text.is_empty() && decision == Decision::Grant {
        let none = Diagnostic::error(format!("there is no `{MANIFEST}` in `{}`", root.as_path().display()));
        return Err(none.hint("only a project with settings can need trust").into());
    }
    // The digest is that of the very text that is shown, whatever happens to the file meanwhile.
    let digest = Digest::of(text.as_bytes());
    let (manifest, _) = Manifest::parse(&text, MANIFEST);
    let issues = needs_trust(&manifest);
    if decision == Decision::Grant {
        trust.grant(root, digest)?;
    }
    Ok(Consent {
        root: root.as_path().display().to_string(),
        issues: issues
            .into_iter()
            .map(|issue| Asked {
                key: issue.key,
                value: issue.value,
                why: issue.why.into(),
                line: issue.line,
            })
            .collect(),
        trusted: trust.is_trusted(root, digest),
    })
}
