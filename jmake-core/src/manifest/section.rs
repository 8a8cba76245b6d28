//! Whole sections, read and merged: the verbs with which other programs configure a project.
//!
//! Data comes and goes as JSON, which is what they speak.  Each value passes the same checks as
//! one that was typed, and what is not mentioned is not touched.

use toml_edit::{Array, InlineTable, Item, Value};

use super::edit::{as_strs, check, known, place_of, put, row_of, row_parts, split, unset};
use super::nearest::nearest;
use super::schema;
use super::splice;
use super::value::Takes;
use crate::event::Diagnostic;

/// `text` with `data` merged into `section` (`compile`, `profile.dev`): keys in `data` are set,
/// `null` removes one, all others stay.
///
/// # Errors
/// When the section or a key is unknown or a value is not one the key takes; nothing is changed
/// then.
pub fn update_config(
    text: &str,
    section: &str,
    data: &serde_json::Map<String, serde_json::Value>,
) -> Result<String, Diagnostic> {
    let path = section_path(section)?;
    merge(text.to_owned(), &path, data)
}

/// What `section` of `text` holds; empty when it is not there.
///
/// # Errors
/// When there is no such section in jmake, or `text` is not valid TOML.
pub fn get_config_section(text: &str, section: &str) -> Result<serde_json::Value, Diagnostic> {
    let document = splice::document(text)?;
    let path = place_of(document.as_table(), section_path(section)?);
    Ok(match splice::locate(document.as_table(), &path) {
        Some(Item::Value(value)) => splice::json(value),
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|table| splice::json_of(table)).collect(),
        Some(Item::Table(table)) => splice::json_of(table),
        Some(Item::None) | None => serde_json::Value::Object(serde_json::Map::new()),
    })
}

fn section_path(section: &str) -> Result<Vec<String>, Diagnostic> {
    let path = split(section)?;
    let names = as_strs(&path);
    if schema::is_section(&names) || schema::find(&names).is_some_and(|key| key.takes == Takes::Anything) {
        return Ok(path);
    }
    let problem = Diagnostic::error(format!("there is no section `{section}`"));
    Err(match nearest(&names) {
        Some(nearest) => problem.hint(format!("the nearest is `{nearest}`")),
        None => problem.hint("`jmake config show` lists all keys"),
    })
}

fn merge(
    mut text: String,
    above: &[String],
    data: &serde_json::Map<String, serde_json::Value>,
) -> Result<String, Diagnostic> {
    for (name, json) in data {
        let path = known([above, std::slice::from_ref(name)].concat()).or_else(|problem| {
            // A section in the section: `{"release": {"lto": "thin"}}` for `profile`.
            let path = [above, std::slice::from_ref(name)].concat();
            if json.is_object() && schema::is_section(&as_strs(&path)) { Ok(path) } else { Err(problem) }
        })?;
        text = match json {
            serde_json::Value::Null => unset(&text, &quoted(&path))?,
            serde_json::Value::Object(inner) => merge(text, &path, inner)?,
            json => {
                let parts = row_parts(&path);
                let value = toml(json)
                    .ok_or_else(|| Diagnostic::error(format!("`{}` cannot hold this", path.join("."))))?;
                if let Some((row, within)) = row_of(&as_strs(&parts)) {
                    check(&path, row, within, &value)?;
                }
                put(&text, &path, &value)?
            }
        };
    }
    Ok(text)
}

fn quoted(path: &[String]) -> String {
    path.iter().map(|part| toml_edit::Key::new(part).to_string()).collect::<Vec<_>>().join(".")
}

/// `json` as TOML, which has no `null`.
fn toml(json: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match json {
        Json::Null => return None,
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()?),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(toml).collect::<Option<Array>>()?),
        Json::Object(table) => {
            let entries = table.iter().map(|(name, json)| Some((name.clone(), toml(json)?)));
            Value::InlineTable(entries.collect::<Option<InlineTable>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_merged_and_read() {
        let data =
            serde_json::json!({"jobs": 2, "std": null, "flags": ["-O1"], "defines": {"A": "1", "B": true}});
        let before = "[compile]\nstd = 'x' # gone\ninclude_dirs = ['i'] # stays\n";
        let after = update_config(before, "compile", data.as_object().expect("an object")).expect("merges");
        assert!(after.contains("include_dirs = ['i'] # stays\n") && !after.contains("gone"), "{after}");
        let now = get_config_section(&after, "compile").expect("there");
        assert_eq!(
            now,
            serde_json::json!({"include_dirs": ["i"], "jobs": 2, "flags": ["-O1"], "defines": {"A": "1", "B": true}})
        );
        let dev = serde_json::json!({"dev": {"lto": "thin"}});
        let after = update_config("", "profile", dev.as_object().expect("an object")).expect("merges");
        assert_eq!(after, "[profile.dev]\nlto = \"thin\"\n");
        for (section, data) in [
            ("nonsense", serde_json::json!({})),
            ("compile", serde_json::json!({"jobs": "x"})),
            ("compile", serde_json::json!({"q": 1})),
        ] {
            assert!(
                update_config("", section, data.as_object().expect("an object")).is_err(),
                "{section} {data}"
            );
        }
        assert!(get_config_section("", "nonsense").is_err());
        assert_eq!(get_config_section("", "link"), Ok(serde_json::json!({})));
    }
}
