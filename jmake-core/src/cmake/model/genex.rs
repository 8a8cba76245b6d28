//! Generator expressions, `$<…>`: what CMake evaluates when all is described.

use super::Model;
use crate::cmake::eval::Reader;
use crate::cmake::text::{self, list, path, version};
use crate::cmake::{Kind, Machine};
use std::cell::Cell;

/// Deeper nesting than this is given up.
const DEEPEST: u32 = 40;

/// Properties whose values are made of properties; one may be made of itself.
const DEEPEST_PROPERTIES: u32 = 6;

/// What an expression is evaluated for.
#[derive(Clone, Copy)]
pub(in crate::cmake) struct Context<'m> {
    model: &'m Model,
    machine: &'m Machine,
    fuel: &'m Cell<u64>,
    /// The target that is compiled or linked, as an index into the model's items.
    target: Option<usize>,
    /// Whether for C++.
    cxx: bool,
    /// Whether for linking: then `$<LINK_ONLY:…>` counts.
    linking: bool,
    depth: u32,
    /// Through how many properties we came here.
    properties: u32,
}

impl<'m> Context<'m> {
    /// The context of `target` in what `reader` has read.
    pub(in crate::cmake) fn of(reader: &'m Reader<'_>, target: Option<usize>, cxx: bool) -> Context<'m> {
        let machine = reader.machine();
        Context {
            model: &reader.model,
            machine,
            fuel: &reader.fuel,
            target,
            cxx,
            linking: false,
            depth: 0,
            properties: 0,
        }
    }

    /// Pays for handling `bytes`; whether that was still possible.
    pub(in crate::cmake) fn spend(&self, bytes: usize) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(bytes as u64 + 16));
        left > 0
    }

    /// The same for linking: `$<LINK_ONLY:…>` counts.
    pub(in crate::cmake) fn for_linking(self) -> Context<'m> {
        Context { linking: true, ..self }
    }

    fn deeper(self) -> Context<'m> {
        Context { depth: self.depth + 1, ..self }
    }
}

/// `text` with its expressions evaluated.  One that is not known, nests too deeply, or comes when
/// all fuel is spent is empty.
pub(in crate::cmake) fn evaluate(text: &str, context: &Context<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("$<") {
        out.push_str(&rest[..at]);
        // Without its end, the rest is no expression.
        let Some(end) = closing(&rest[at..]) else {
            out.push_str(&rest[at..]);
            return out;
        };
        let inner = &rest[at + 2..at + end];
        if context.depth < DEEPEST && context.spend(inner.len()) {
            let value = expression(inner, &context.deeper());
            context.spend(value.len());
            out.push_str(&value);
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

/// `text` without its expressions.
pub(in crate::cmake) fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("$<") {
        let Some(end) = closing(&rest[at..]) else { break };
        out.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    list::join(&list::split(&out, false))
}

/// Where the expression at the beginning of `text` ends.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0u32;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'$' && bytes.get(at + 1) == Some(&b'<') {
            depth += 1;
            at += 1;
        } else if byte == b'>' {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// Divides `text` at each `separator` that is outside of inner expressions.
fn divide(text: &str, separator: u8, most: usize) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0u32);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'<' && at > 0 && bytes[at - 1] == b'$' {
            depth += 1;
        } else if byte == b'>' {
            depth = depth.saturating_sub(1);
        } else if byte == separator && depth == 0 && parts.len() + 1 < most {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The value of what stands between `$<` and `>`.
fn expression(inner: &str, context: &Context<'_>) -> String {
    let parts = divide(inner, b':', 2);
    let name = evaluate(parts[0], context);
    let content = parts.get(1).copied();
    match (&*name, content) {
        ("0", _) | ("INSTALL_INTERFACE", _) => String::new(),
        ("1" | "BUILD_INTERFACE" | "BUILD_LOCAL_INTERFACE" | "GENEX_EVAL", Some(content)) => {
            evaluate(content, context)
        }
        ("LINK_ONLY", Some(content)) => {
            if context.linking {
                evaluate(content, context)
            } else {
                String::new()
            }
        }
        ("TARGET_OBJECTS", Some(content)) => format!("$<TARGET_OBJECTS:{}>", evaluate(content, context)),
        (name, content) => {
            let args: Vec<String> = content
                .map(|content| divide(content, b',', usize::MAX))
                .unwrap_or_default()
                .into_iter()
                .map(|arg| evaluate(arg, context))
                .collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            named(name, &args, context)
        }
    }
}

fn named(name: &str, args: &[&str], context: &Context<'_>) -> String {
    if let Some(holds) = condition(name, args, context) {
        return if holds { "1" } else { "0" }.to_owned();
    }
    let machine = context.machine;
    match (name, args) {
        ("SEMICOLON", _) => ";".into(),
        ("COMMA", _) => ",".into(),
        ("ANGLE-R", _) => ">".into(),
        ("QUOTE", _) => "\"".into(),
        ("CONFIG" | "CONFIGURATION", []) => "Release".into(),
        ("IF", [condition, yes, no]) => if *condition == "1" { yes } else { no }.to_string(),
        ("LOWER_CASE", [text]) => text.to_ascii_lowercase(),
        ("UPPER_CASE", [text]) => text.to_ascii_uppercase(),
        ("MAKE_C_IDENTIFIER", [text]) => text::c_identifier(text),
        ("JOIN", [items, glue]) => joined(items, glue),
        ("JOIN", [items]) => joined(items, ""),
        ("REMOVE_DUPLICATES", items) => {
            let mut items = list::split(&items.join(","), false);
            list::remove_duplicates(&mut items);
            list::join(&items)
        }
        ("FILTER", [items, mode, pattern]) => {
            let regex = text::regex::compile(pattern);
            let matches = |item: &String| regex.as_ref().is_some_and(|regex| regex.is_match(item));
            let mut items = list::split(items, false);
            items.retain(|item| matches(item) == (*mode == "INCLUDE"));
            list::join(&items)
        }
        ("C_COMPILER_ID" | "CXX_COMPILER_ID", []) => machine.compiler.clone(),
        ("C_COMPILER_VERSION" | "CXX_COMPILER_VERSION", []) => machine.compiler_version.clone(),
        ("PLATFORM_ID", []) => machine.system.clone(),
        ("COMPILE_LANGUAGE" | "LINK_LANGUAGE", []) => if context.cxx { "CXX" } else { "C" }.into(),
        ("INSTALL_PREFIX", _) => "/usr/local".into(),
        ("TARGET_NAME_IF_EXISTS", [name]) if context.model.find(name).is_some() => (*name).to_owned(),
        (
            "TARGET_NAME" | "TARGET_FILE" | "TARGET_FILE_NAME" | "TARGET_SONAME_FILE" | "SHELL_PATH",
            [text],
        ) => (*text).to_owned(),
        ("TARGET_FILE_BASE_NAME", [name]) => (*name).to_owned(),
        ("PATH", ["ABSOLUTE_PATH" | "NORMAL_PATH" | "CMAKE_PATH", text, ..]) => path::normal(text),
        ("TARGET_PROPERTY", [property]) => property_of(context.target, property, context),
        ("TARGET_PROPERTY", [target, property]) => property_of(context.model.find(target), property, context),
        ("TARGET_GENEX_EVAL", [target, text]) => {
            let inner = Context { target: context.model.find(target), ..*context };
            evaluate(text, &inner)
        }
        _ => String::new(),
    }
}

fn joined(items: &str, glue: &str) -> String {
    list::split(items, false).join(glue)
}

/// The value of an expression that is `0` or `1`; `None` when it is another one.
fn condition(name: &str, args: &[&str], context: &Context<'_>) -> Option<bool> {
    let machine = context.machine;
    let language = if context.cxx { "CXX" } else { "C" };
    Some(match (name, args) {
        ("BOOL", args) => !text::is_false_constant(&args.join(",")),
        ("NOT", [value]) => *value != "1",
        ("AND", args) => args.iter().all(|value| *value == "1"),
        ("OR", args) => args.contains(&"1"),
        ("STREQUAL", [a, b]) => a == b,
        ("EQUAL", [a, b]) => {
            a.trim().parse::<i64>().ok().is_some_and(|number| b.trim().parse().ok() == Some(number))
        }
        ("IN_LIST", [item, items]) => list::split(items, true).iter().any(|other| other == item),
        ("PATH_EQUAL", [a, b]) => path::normal(a) == path::normal(b),
        ("VERSION_LESS", [a, b]) => version::compare(a, b).is_lt(),
        ("VERSION_GREATER", [a, b]) => version::compare(a, b).is_gt(),
        ("VERSION_EQUAL", [a, b]) => version::compare(a, b).is_eq(),
        ("VERSION_LESS_EQUAL", [a, b]) => version::compare(a, b).is_le(),
        ("VERSION_GREATER_EQUAL", [a, b]) => version::compare(a, b).is_ge(),
        ("CONFIG", [_, ..]) => args.iter().any(|config| config.eq_ignore_ascii_case("Release")),
        ("PLATFORM_ID", [_, ..]) => args.contains(&&*machine.system),
        ("C_COMPILER_ID" | "CXX_COMPILER_ID" | "OBJC_COMPILER_ID", [_, ..]) => {
            args.contains(&&*machine.compiler)
        }
        ("C_COMPILER_VERSION" | "CXX_COMPILER_VERSION", [wanted]) => {
            version::compare(&machine.compiler_version, wanted).is_eq()
        }
        ("COMPILE_LANGUAGE" | "LINK_LANGUAGE", [_, ..]) => args.contains(&language),
        ("COMPILE_LANG_AND_ID" | "LINK_LANG_AND_ID", [wanted, ids @ ..]) => {
            *wanted == language && ids.contains(&&*machine.compiler)
        }
        ("COMPILE_FEATURES", _) => true,
        ("TARGET_EXISTS", [name]) => context.model.find(name).is_some(),
        ("TARGET_POLICY", _) => true,
        _ => return None,
    })
}

fn property_of(target: Option<usize>, property: &str, context: &Context<'_>) -> String {
    let Some(item) = target.and_then(|at| context.model.items.get(at)) else { return String::new() };
    if context.properties >= DEEPEST_PROPERTIES {
        return String::new();
    }
    let context = &Context { properties: context.properties + 1, ..*context };
    match property {
        "NAME" => item.name.clone(),
        "TYPE" => crate::cmake::eval::type_name(item.kind).to_owned(),
        "POSITION_INDEPENDENT_CODE" if matches!(item.kind, Kind::Shared | Kind::Module) => "1".into(),
        "SOURCE_DIR" => context.model.dirs.get(item.dir).map_or_else(String::new, |dir| dir.source.clone()),
        "BINARY_DIR" => context.model.dirs.get(item.dir).map_or_else(String::new, |dir| dir.binary.clone()),
        property => item.properties.get(property).map_or_else(String::new, |value| evaluate(value, context)),
    }
}
