//! The end of reading: expressions evaluated, requirements passed on along what is linked.

use super::genex::{self, Context};
use super::{Item, Properties};
use crate::cmake::eval::Reader;
use crate::cmake::text::{self, c_identifier, list, path};
use crate::cmake::{Compile, Described, Kind, Source, Target};
use crate::path::FilePath;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Properties that have fields of their own in the result.
const OF_COMPILING: [&str; 9] = [
    "SOURCES",
    "INCLUDE_DIRECTORIES",
    "SYSTEM_INCLUDE_DIRECTORIES",
    "COMPILE_DEFINITIONS",
    "COMPILE_OPTIONS",
    "COMPILE_FLAGS",
    "COMPILE_FEATURES",
    "LINK_LIBRARIES",
    "DEFINE_SYMBOL",
];

/// What is described in the end.
pub(in crate::cmake) fn described(mut reader: Reader<'_>) -> Described {
    let mut made = Vec::new();
    for at in 0..reader.model.items.len() {
        if reader.model.items.get(at).is_some_and(|item| !item.imported) {
            made.extend(target(&mut reader, at));
        }
    }
    if reader.fuel.get() == 0 {
        reader.note("expressions and links are too many; targets may be incomplete".into());
    }
    reader.out.targets = made;
    reader.out.custom_outputs = reader.model.outputs.iter().map(|output| path::file_path(output)).collect();
    reader.finish()
}

/// The target made of the item at `at`.
fn target(reader: &mut Reader<'_>, at: usize) -> Option<Target> {
    let item = reader.model.items.get(at)?.clone();
    let sources = sources(reader, at, &item);
    let context = Context::of(reader, Some(at), true);
    let users = closure(&list_of(&item.properties, "INTERFACE_LINK_LIBRARIES", &context), reader, &context);
    let linked = linked(reader, &item, &context);
    let evaluated = |(name, value): (&String, &String)| (name.clone(), genex::evaluate(value, &context));
    let plain = |name: &str| !OF_COMPILING.contains(&name) && !name.starts_with("INTERFACE_");
    let mut properties: Properties =
        item.properties.iter().filter(|(name, _)| plain(name)).map(evaluated).collect();
    let of_dir = reader.model.dirs.get(item.dir).map_or("", |dir| dir.link_flags.trim());
    let is_archive = item.kind == Kind::Static && item.kind_given;
    if !of_dir.is_empty() && !is_archive {
        let own = properties.entry("LINK_FLAGS".to_owned()).or_default();
        *own = format!("{of_dir} {own}");
    }
    Some(Target {
        c: compile(reader, at, &item, false),
        cxx: compile(reader, at, &item, true),
        interface: requirements(reader, &item.properties, "INTERFACE_", &users, &context),
        link: link_names(reader, &item, &context),
        features: features(reader, &item, &linked, &context),
        properties,
        installed: reader.model.installed.contains(&item.name),
        is_test: item.under_test
            || (item.kind == Kind::Executable && reader.model.tested.contains(&item.name)),
        exclude_from_all: item.exclude || item.properties.get("EXCLUDE_FROM_ALL").is_some_and(is_on),
        name: item.name,
        kind: item.kind,
        kind_given: item.kind_given,
        at: item.at,
        sources,
    })
}

#[expect(clippy::ptr_arg, reason = "used as a function of what maps hold")]
/// Whether the value of a property means yes.
pub(crate) fn is_on(value: &String) -> bool {
    !text::is_false_constant(value)
}

/// The evaluated elements of a property.
fn list_of(properties: &Properties, name: &str, context: &Context<'_>) -> Vec<String> {
    let Some(value) = properties.get(name) else { return Vec::new() };
    list::split(&genex::evaluate(value, context), false)
}

/// All targets whose requirements come with linking to `names`, each once, in order.
fn closure(names: &[String], reader: &Reader<'_>, context: &Context<'_>) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut open: Vec<usize> = names.iter().rev().filter_map(|name| reader.model.find(name)).collect();
    while let Some(at) = open.pop() {
        if !seen.insert(at) || !context.spend(64) {
            continue;
        }
        found.push(at);
        if let Some(item) = reader.model.items.get(at) {
            let next = list_of(&item.properties, "INTERFACE_LINK_LIBRARIES", context);
            open.extend(next.iter().rev().filter_map(|name| reader.model.find(name)));
        }
    }
    found
}

/// The targets whose requirements the item itself is compiled with.
fn linked(reader: &Reader<'_>, item: &Item, context: &Context<'_>) -> Vec<usize> {
    let own = reader.model.find(&item.name);
    let mut linked = closure(&list_of(&item.properties, "LINK_LIBRARIES", context), reader, context);
    linked.retain(|&at| Some(at) != own);
    linked
}

/// What the item is linked with: everything it names, and what comes with that.
fn link_names(reader: &Reader<'_>, item: &Item, context: &Context<'_>) -> Vec<String> {
    let context = context.for_linking();
    let mut seen = BTreeSet::from([item.name.clone()]);
    let mut names = Vec::new();
    let property = if item.kind == Kind::Interface { "INTERFACE_LINK_LIBRARIES" } else { "LINK_LIBRARIES" };
    let mut open = list_of(&item.properties, property, &context);
    open.reverse();
    while let Some(name) = open.pop() {
        // Of a target its own name, not the one it goes by here.
        let target = reader.model.target(&name);
        let name = target.map_or(name, |target| target.name.clone());
        if !seen.insert(name.clone()) || !context.spend(name.len() + 64) {
            continue;
        }
        if let Some(target) = target {
            let next = list_of(&target.properties, "INTERFACE_LINK_LIBRARIES", &context);
            open.extend(next.into_iter().rev());
        }
        names.push(name);
    }
    names
}

fn features(reader: &Reader<'_>, item: &Item, linked: &[usize], context: &Context<'_>) -> Vec<String> {
    let mut features = list_of(&item.properties, "COMPILE_FEATURES", context);
    for other in linked.iter().filter_map(|&at| reader.model.items.get(at)) {
        features.extend(list_of(&other.properties, "INTERFACE_COMPILE_FEATURES", context));
    }
    list::remove_duplicates(&mut features);
    features
}

/// How the item's sources in one language are compiled.
fn compile(reader: &Reader<'_>, at: usize, item: &Item, cxx: bool) -> Compile {
    let context = Context::of(reader, Some(at), cxx);
    let linked = linked(reader, item, &context);
    let mut compile = Compile::default();
    if let Some(dir) = reader.model.dirs.get(item.dir) {
        let flags = dir.flags.get(usize::from(cxx)).map_or("", String::as_str);
        add_flags(&mut compile, text::shell_words(flags));
        add_flags(&mut compile, list_of(&dir.properties, "DEFINE_FLAGS", &context));
        let defines = list_of(&dir.properties, "COMPILE_DEFINITIONS", &context);
        compile.defines.extend(defines.iter().filter_map(|define| define_of(define)));
    }
    if let Some(flags) = item.properties.get("COMPILE_FLAGS") {
        add_flags(&mut compile, text::shell_words(&genex::evaluate(flags, &context)));
    }
    let own = requirements(reader, &item.properties, "", &linked, &context);
    compile.include_dirs.extend(own.include_dirs);
    compile.system_include_dirs.extend(own.system_include_dirs);
    compile.options.extend(own.options);
    compile.defines.extend(own.defines);
    if matches!(item.kind, Kind::Shared | Kind::Module) {
        let symbol = item.properties.get("DEFINE_SYMBOL").cloned();
        let symbol = symbol.unwrap_or_else(|| c_identifier(&format!("{}_EXPORTS", item.name)));
        compile.defines.extend(define_of(&symbol));
    }
    once(&mut compile.include_dirs);
    once(&mut compile.defines);
    compile
}

/// Requirements: those in `properties` (under names that begin with `prefix`), and those that
/// the targets `linked` ask of their users.
fn requirements(
    reader: &Reader<'_>,
    properties: &Properties,
    prefix: &str,
    linked: &[usize],
    context: &Context<'_>,
) -> Compile {
    let mut compile = Compile::default();
    add_requirements(&mut compile, properties, prefix, false, context);
    for item in linked.iter().filter_map(|&at| reader.model.items.get(at)) {
        add_requirements(&mut compile, &item.properties, "INTERFACE_", item.imported, context);
    }
    once(&mut compile.include_dirs);
    once(&mut compile.system_include_dirs);
    once(&mut compile.defines);
    compile
}

fn add_requirements(
    compile: &mut Compile,
    properties: &Properties,
    prefix: &str,
    imported: bool,
    context: &Context<'_>,
) {
    let of = |name: &str| list_of(properties, &format!("{prefix}{name}"), context);
    let dirs: Vec<FilePath> = of("INCLUDE_DIRECTORIES").iter().map(|dir| path::file_path(dir)).collect();
    let system = of("SYSTEM_INCLUDE_DIRECTORIES").into_iter().map(|dir| path::file_path(&dir));
    compile.system_include_dirs.extend(system);
    if imported {
        compile.system_include_dirs.extend(dirs.iter().cloned());
    }
    compile.include_dirs.extend(dirs);
    compile.defines.extend(of("COMPILE_DEFINITIONS").iter().filter_map(|define| define_of(define)));
    let mut seen: HashSet<String> = compile.options.iter().cloned().collect();
    for option in of("COMPILE_OPTIONS") {
        match option.strip_prefix("SHELL:") {
            Some(options) => add_flags(compile, text::shell_words(options)),
            // As in CMake, an option is given once.
            None if seen.insert(option.clone()) => add_flags(compile, vec![option]),
            None => {}
        }
    }
}

/// Adds flags, of which `-D…` are macros.
fn add_flags(compile: &mut Compile, flags: Vec<String>) {
    for flag in flags {
        match flag.strip_prefix("-D").filter(|define| !define.is_empty()) {
            Some(define) => compile.defines.extend(define_of(define)),
            None => compile.options.push(flag),
        }
    }
}

/// A macro from `NAME` or `NAME=value`, with or without `-D`.
fn define_of(text: &str) -> Option<(String, Option<String>)> {
    let text = text.strip_prefix("-D").unwrap_or(text).trim();
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

/// Leaves only the first of equal elements.
fn once<T: Clone + Eq + std::hash::Hash>(items: &mut Vec<T>) {
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
}

/// The sources of the item, with those of object libraries that it takes.
fn sources(reader: &mut Reader<'_>, at: usize, item: &Item) -> Vec<Source> {
    let mut found: BTreeMap<FilePath, ()> = BTreeMap::new();
    let mut sources = Vec::new();
    let mut seen = HashSet::from([at]);
    for name in source_names(reader, at, item) {
        match name.strip_prefix("$<TARGET_OBJECTS:").and_then(|name| name.strip_suffix('>')) {
            Some(object) => {
                let Some(inner) = reader.model.find(object).filter(|inner| seen.insert(*inner)) else {
                    continue;
                };
                sources.extend(object_sources(reader, inner));
            }
            None => sources.push(source(reader, item, &name)),
        }
    }
    sources.retain(|source| found.insert(source.path.clone(), ()).is_none());
    sources
}

/// The names of the item's sources, and of object libraries as `$<TARGET_OBJECTS:…>`.
fn source_names(reader: &Reader<'_>, at: usize, item: &Item) -> Vec<String> {
    let context = Context::of(reader, Some(at), true);
    let mut names = list_of(&item.properties, "SOURCES", &context);
    for other in linked(reader, item, &context).iter().filter_map(|&at| reader.model.items.get(at)) {
        names.extend(list_of(&other.properties, "INTERFACE_SOURCES", &context));
    }
    // Only what is named itself gives its objects, not what comes with it.
    if matches!(item.kind, Kind::Static | Kind::Shared | Kind::Module | Kind::Executable) {
        let direct = list_of(&item.properties, "LINK_LIBRARIES", &context);
        let objects = direct.iter().filter_map(|name| reader.model.target(name));
        let objects = objects.filter(|other| other.kind == Kind::Object);
        names.extend(objects.map(|other| format!("$<TARGET_OBJECTS:{}>", other.name)));
    }
    names
}

/// The sources of an object library, which compiles them.
fn object_sources(reader: &mut Reader<'_>, at: usize) -> Vec<Source> {
    let Some(item) = reader.model.items.get(at).cloned() else { return Vec::new() };
    let names = source_names(reader, at, &item);
    let own = names.iter().filter(|name| !name.starts_with("$<"));
    own.map(|name| Source { by: Some(item.name.clone()), ..source(reader, &item, name) }).collect()
}

/// How sources end, in the order in which they are looked for.
const ENDINGS: [&str; 6] = ["c", "C", "c++", "cc", "cpp", "cxx"];

fn source(reader: &mut Reader<'_>, item: &Item, name: &str) -> Source {
    let dir = reader.model.dirs.get(item.dir);
    let (source_dir, binary_dir) = dir.map_or(("", ""), |dir| (&*dir.source, &*dir.binary));
    let mut absolute = path::absolute(source_dir, name);
    let made = path::absolute(binary_dir, name);
    let mut exists = reader.file_exists(&absolute);
    if !exists && (reader.model.outputs.contains(&made) || reader.file_exists(&made)) {
        absolute = made;
        exists = false;
    }
    let mut properties = reader.model.sources.get(&absolute).cloned().unwrap_or_default();
    // A source may be named without its extension (policy CMP0115).
    if !exists && !reader.model.outputs.contains(&absolute) {
        let mut whole = ENDINGS.iter().map(|ending| format!("{absolute}.{ending}"));
        if let Some(whole) = whole.find(|whole| reader.file_exists(whole)) {
            exists = true;
            properties.extend(reader.model.sources.get(&whole).cloned().unwrap_or_default());
            absolute = whole;
        }
    }
    let file = path::file_path(&absolute);
    let context = Context::of(reader, reader.model.find(&item.name), true);
    let mut own = Compile::default();
    if let Some(flags) = properties.get("COMPILE_FLAGS") {
        add_flags(&mut own, text::shell_words(&genex::evaluate(flags, &context)));
    }
    add_requirements(&mut own, &properties, "", false, &context);
    let in_build = reader.in_build(&file);
    Source {
        generated: in_build
            || reader.model.outputs.contains(&absolute)
            || properties.get("GENERATED").is_some_and(is_on),
        exists: exists && !in_build,
        by: None,
        defines: own.defines,
        options: own.options,
        include_dirs: own.include_dirs,
        language: properties.get("LANGUAGE").cloned(),
        header_only: properties.get("HEADER_FILE_ONLY").is_some_and(is_on),
        path: file,
    }
}
