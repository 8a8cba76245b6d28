//! The tables as text, added to what the file says already.

use toml_edit::{Array, InlineTable, Value};

use crate::event::Diagnostic;
use crate::manifest::{self, Export, Kind, Manifest, TargetTable};

/// Longer lists are written one a line.
const SHORT: usize = 80;

/// `text` with what `manifest` says; nothing in it is changed.
pub(super) fn with(text: &str, manifest: &Manifest) -> Result<String, Diagnostic> {
    let mut text = match text.is_empty() {
        true => "# Every key is optional; `jmake config show` lists them all with what is taken when they are missing.\n".to_owned(),
        false => text.to_owned(),
    };
    let project = [("name", &manifest.project.name), ("version", &manifest.project.version)];
    let project = project.into_iter().filter_map(|(key, value)| Some((key, value.clone()?.into())));
    text = manifest::update_config(
        &text,
        "project",
        &project.map(|(key, value)| (key.to_owned(), value)).collect(),
    )?;
    text = manifest::update_config(&text, "compile", &compile(&manifest.compile))?;
    for table in &manifest.targets {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text += "\n[[target]]\n";
        for (key, value) in keys(table) {
            text += &format!("{key} = {value}\n");
        }
    }
    Ok(text)
}

/// What goes to `[compile]`.
fn compile(compile: &manifest::Compile) -> serde_json::Map<String, serde_json::Value> {
    let mut data = serde_json::Map::new();
    for (key, value) in [("std", &compile.std), ("c_std", &compile.c_std)] {
        data.extend(value.clone().map(|value| (key.to_owned(), value.into())));
    }
    let lists = [
        ("c_flags", &compile.c_flags),
        ("cxx_flags", &compile.cxx_flags),
        ("include_dirs", &compile.include_dirs),
    ];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        data.insert(key.to_owned(), list.clone().into());
    }
    if !compile.defines.is_empty() {
        let lines = compile.defines.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        });
        data.insert("defines".to_owned(), lines.collect::<Vec<_>>().into());
    }
    data
}

fn keys(table: &TargetTable) -> Vec<(&'static str, String)> {
    let kind = match table.kind {
        Some(Kind::Static) => "static",
        Some(Kind::Executable) => "executable",
        _ => "shared",
    };
    let name = table.name.as_deref().unwrap_or_default();
    let mut keys = vec![("name", Value::from(name).to_string()), ("kind", Value::from(kind).to_string())];
    let lists = [
        ("sources", &table.sources),
        ("include_dirs", &table.include_dirs),
        ("flags", &table.flags),
        ("libraries", &table.libraries),
    ];
    for (key, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
        keys.push((key, list(items)));
    }
    if !table.defines.is_empty() {
        keys.push(("defines", defines(&table.defines)));
    }
    if let Some(Export::Listed(symbols)) = &table.export {
        keys.push(("export", list(symbols)));
    }
    keys
}

fn list(items: &[String]) -> String {
    let short = Value::Array(items.iter().map(String::as_str).collect()).to_string();
    if short.len() <= SHORT {
        return short;
    }
    let lines = items.iter().map(|item| format!("    {},\n", Value::from(item.as_str()).to_string().trim()));
    format!("[\n{}]", lines.collect::<String>())
}

/// A table, unless one of the macros is defined as nothing, which only a list can say.
fn defines(defines: &[(String, Option<String>)]) -> String {
    if defines.iter().any(|(_, value)| value.as_deref() == Some("")) {
        let lines = defines.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        });
        return Value::Array(lines.collect::<Array>()).to_string();
    }
    let mut table = InlineTable::new();
    for (name, value) in defines {
        table.insert(name, value.as_deref().map_or_else(|| Value::from(true), Value::from));
    }
    Value::InlineTable(table).to_string()
}
