//! What a `CMakeLists.txt` comes to.

use std::collections::BTreeSet;

use crate::cmake::{self, Ask, Described, Note, VIRTUAL_ROOT};
use crate::discover::{self, Parts, System, Tree, category_by_name};
use crate::manifest::Kind;
use crate::path::FilePath;
use crate::project::Project;

use super::Read;
use super::notes::Texts;
use super::tables::Part;

/// What the description of `project` says.
pub(super) fn read(project: &Project, tree: &Tree, system: &dyn System) -> Option<Read> {
    let said = discover::said(&project.memo, tree, system).filter(|said| !said.parts.is_empty())?;
    Some(from(&said))
}

fn from(said: &Parts) -> Read {
    let described = &said.described;
    let mut notes = described.unknown.clone();
    let names = Names::of(said);
    let mut parts = Vec::new();
    for (at, part) in said.parts.iter().enumerate() {
        let Some(target) = described.targets.get(part.target) else { continue };
        let mut made = Part {
            name: names.0.get(at).cloned().unwrap_or_default(),
            kind: kind(target),
            sources: part.sources.clone(),
            include_dirs: part.include_dirs.clone(),
            defines: part.defines.clone(),
            manner: part.manner.clone(),
            libraries: Vec::new(),
            at: target.at.clone(),
        };
        made.libraries = libraries(said, &names, at, &made, &mut notes);
        left_out(described, target, part, &made, &mut notes);
        parts.push(made);
    }
    without_cycles(&mut parts, &mut notes);
    beside(said, &mut notes);
    let version = described.version.clone().filter(|version| !version.is_empty());
    Read { file: said.file.to_string(), name: described.project.clone(), version, parts, notes }
}

fn kind(target: &cmake::Target) -> Kind {
    match target.kind {
        cmake::Kind::Executable => Kind::Executable,
        cmake::Kind::Static if target.kind_given => Kind::Static,
        _ => Kind::Shared,
    }
}

/// What each part is called: its file's name where that is given and nobody else's.
struct Names(Vec<String>);

impl Names {
    fn of(said: &Parts) -> Names {
        let targets = said.parts.iter().filter_map(|part| said.described.targets.get(part.target));
        let targets: Vec<&cmake::Target> = targets.collect();
        let is_good = |name: &&String| {
            let is_plain = |c: char| c.is_alphanumeric() || "_-+.".contains(c);
            name.chars().all(is_plain) && !name.starts_with(['-', '.', '+']) && !name.is_empty()
        };
        let given = |target: &cmake::Target| target.properties.get("OUTPUT_NAME").filter(is_good).cloned();
        let wished: Vec<String> =
            targets.iter().map(|target| given(target).unwrap_or_else(|| target.name.clone())).collect();
        let is_alone = |name: &String| {
            let own = targets.iter().filter(|target| target.name == *name).count();
            wished.iter().filter(|other| *other == name).count() == 1 && own <= 1
        };
        let chosen = wished.iter().zip(&targets).map(|(wished, target)| {
            let is_free =
                is_alone(wished) && targets.iter().all(|o| o.name == target.name || o.name != *wished);
            if is_free { wished.clone() } else { target.name.clone() }
        });
        Names(chosen.collect())
    }
}

/// What a part is linked with.
fn libraries(said: &Parts, names: &Names, at: usize, part: &Part, notes: &mut Vec<Note>) -> Vec<String> {
    let described = &said.described;
    let Some(target) = said.parts.get(at).and_then(|own| described.targets.get(own.target)) else {
        return Vec::new();
    };
    let mut libraries: Vec<String> = Vec::new();
    for name in &target.link {
        let other = described.targets.iter().position(|target| target.name == *name);
        let library = match other {
            Some(other) => {
                let is_it = |part: &discover::Part| part.target == other || part.forms.contains(&other);
                said.parts
                    .iter()
                    .position(is_it)
                    .filter(|other| *other != at)
                    .and_then(|at| names.0.get(at).cloned())
            }
            None => match outside(name) {
                Ok(library) => library,
                Err(why) => {
                    notes.push(part.note(format!("`{}` is not linked with `{name}`: {why}", part.name)));
                    None
                }
            },
        };
        libraries.extend(library.filter(|library| !libraries.contains(library)));
    }
    libraries
}

/// The library that `name` stands for, which is no target; or why there is none.
fn outside(name: &str) -> Result<Option<String>, &'static str> {
    let plain = name.strip_prefix("-l").unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+.".contains(c);
    match plain {
        "Threads::Threads" | "-pthread" => Ok(Some("pthread".to_owned())),
        // That symbols may be chosen is read elsewhere.
        _ if plain.contains("--version-script") => Ok(None),
        "" => Ok(None),
        _ if plain.ends_with("NOTFOUND") => Err("nothing was found"),
        _ if plain.contains("::") => Err("it belongs to a package, and packages count as absent"),
        _ if plain.contains('/') => Err("it is a path"),
        _ if plain.starts_with('-') || plain.contains([':', '$', '<']) => Err("it is a flag of the linker"),
        _ if plain.chars().all(is_plain) => Ok(Some(plain.to_owned())),
        _ => Err("it is not understood"),
    }
}

/// Notes what of a target is not written down.
fn left_out(
    described: &Described,
    target: &cmake::Target,
    said: &discover::Part,
    part: &Part,
    notes: &mut Vec<Note>,
) {
    let name = &part.name;
    let manner = &said.manner;
    let is_kept = |flag: &String| {
        flag.starts_with("-std=") || manner.c_flags.contains(flag) || manner.cxx_flags.contains(flag)
    };
    let options: BTreeSet<&String> =
        target.c.options.iter().chain(&target.cxx.options).filter(|flag| !is_kept(flag)).collect();
    if !options.is_empty() {
        let options: Vec<&str> = options.into_iter().map(String::as_str).collect();
        notes.push(part.note(format!("options of `{name}` left out: {}", options.join(" "))));
    }
    let defines = target.c.defines.iter().chain(&target.cxx.defines);
    let foreign = |(_, value): &&(String, Option<String>)| {
        value.as_ref().is_some_and(|value| value.contains(VIRTUAL_ROOT))
    };
    let foreign: BTreeSet<&String> = defines.filter(foreign).map(|(name, _)| name).collect();
    for define in foreign {
        notes.push(part.note(format!(
            "the macro `{define}` of `{name}` is left out: its value holds the folder's path"
        )));
    }
    for source in &said.missing {
        notes.push(
            part.note(format!("the source `{source}` of `{name}` is not there: something else makes it")),
        );
    }
    for form in said.forms.iter().filter_map(|&form| described.targets.get(form)) {
        let text = format!("`{}` is another form of `{name}` and left out", form.name);
        notes.push(Note { file: form.at.0.clone(), line: form.at.1, text });
    }
}

/// Notes what is said beside targets: tests, packages, options, custom commands.
fn beside(said: &Parts, notes: &mut Vec<Note>) {
    let described = &said.described;
    let texts = Texts(&said.read);
    let mut add = |(file, line): (FilePath, u32), text: String| notes.push(Note { file, line, text });
    let written: BTreeSet<usize> =
        said.parts.iter().flat_map(|part| part.forms.iter().copied().chain([part.target])).collect();
    let others = described.targets.iter().enumerate().filter(|(at, _)| !written.contains(at));
    for (_, target) in others {
        let why = match target.kind {
            cmake::Kind::Interface | cmake::Kind::Object => continue,
            cmake::Kind::Executable if target.is_test => "is a test",
            cmake::Kind::Executable => "is not among the programs that are built",
            _ => "does not count among the libraries",
        };
        add(target.at.clone(), format!("`{}` {why}, and is left out", target.name));
    }
    for question in described.checks.values() {
        match &question.ask {
            Ask::Package(name) => {
                add(texts.find(&["find_package", name]), format!("the package `{name}` counts as absent"));
            }
            Ask::PkgConfig(names) => {
                let first = names.first().map_or("", String::as_str);
                add(
                    texts.find(&["pkg_", first]),
                    format!("the package `{}` counts as absent", names.join(" ")),
                );
            }
            _ => {}
        }
    }
    for (name, value, _) in &described.options {
        add(texts.find(&["option", name]), format!("the option `{name}` counts as `{value}`"));
    }
    let is_code = |path: &&FilePath| {
        let category = category_by_name(path.file_name());
        category.is_source() || category.is_header()
    };
    for made in described.custom_outputs.iter().filter(is_code) {
        let name = String::from_utf8_lossy(made.file_name()).into_owned();
        add(texts.find(&[&name]), format!("`{name}` is made by a custom command, which is not run"));
    }
}

/// Takes out what would have targets need each other.
fn without_cycles(parts: &mut [Part], notes: &mut Vec<Note>) {
    let place = |parts: &[Part], name: &str| parts.iter().position(|part| part.name == name);
    for at in 0..parts.len() {
        let names: Vec<String> = parts.get(at).map(|part| part.libraries.clone()).unwrap_or_default();
        for name in names {
            let leads_back = place(parts, &name).is_some_and(|other| reaches(parts, other, at));
            if let Some(part) = parts.get_mut(at).filter(|_| leads_back) {
                part.libraries.retain(|library| *library != name);
                notes.push(part.note(format!("`{}` is not linked with `{name}`, which needs it", part.name)));
            }
        }
    }
}

/// Whether the part at `from` is linked with that at `to`, directly or through others.
fn reaches(parts: &[Part], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        let names = parts.get(at).filter(|_| seen.insert(at)).map(|part| &part.libraries);
        open.extend(
            names.into_iter().flatten().filter_map(|name| parts.iter().position(|part| part.name == *name)),
        );
    }
    false
}
