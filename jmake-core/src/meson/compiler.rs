//! What is asked of the compiler.

use crate::generate::{Check, check_headers};
use crate::standard::{compiles, has_function, has_header, takes_flag};

use super::eval::{Given, Reader};
use super::value::Value;

impl Reader<'_> {
    /// What the compiler answers.
    pub(super) fn compiler_method(&self, name: &str, given: &Given) -> Value {
        let first = given.text(0);
        match name {
            "get_id" => Value::text("clang"),
            "version" => Value::text("19.1.0"),
            "get_argument_syntax" => Value::text("gcc"),
            "get_linker_id" => Value::text("ld.lld"),
            "symbols_have_underscore_prefix" => Value::Bool(cfg!(target_os = "macos")),
            "has_header" | "check_header" => {
                Value::check(check_headers(std::slice::from_ref(&first)), has_header(&first))
            }
            "has_function" if first.starts_with("__builtin_") => {
                Value::check(Check::Condition(format!("__has_builtin({first})")), true)
            }
            "has_function" => Value::check(Check::Declared(vec![first.clone()]), has_function(&first)),
            "has_header_symbol" => {
                let symbol = given.text(1);
                let is_macro = symbol
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit());
                let holds = has_header(&first) && (is_macro || has_function(&symbol));
                Value::check(Check::Declared(vec![symbol]), holds)
            }
            "has_member" | "has_members" => {
                let members = given.plain.iter().skip(1).filter_map(Value::as_text).map(str::to_owned);
                Value::check(Check::Declared(members.collect()), true)
            }
            "has_type" => {
                let known = first.rsplit(' ').next().unwrap_or_default();
                let is_windows =
                    known.starts_with("__int64") || known.starts_with(|c: char| c.is_ascii_uppercase());
                Value::Bool(!is_windows)
            }
            "compiles" | "links" => Value::Bool(self.code_compiles(given)),
            "run" => Value::Object("command".into()),
            "sizeof" | "alignment" => Value::Number(match first.trim_start_matches("unsigned ") {
                "char" | "int8_t" | "uint8_t" | "bool" => 1,
                "short" | "int16_t" | "uint16_t" => 2,
                "int" | "float" | "int32_t" | "uint32_t" | "wchar_t" => 4,
                "long double" => 16,
                _ => 8,
            }),
            "has_argument" | "has_link_argument" => Value::Bool(takes_flag(&first)),
            "has_multi_arguments" | "has_arguments" | "has_multi_link_arguments" => {
                Value::Bool(flags(given).iter().all(|flag| takes_flag(flag)))
            }
            "get_supported_arguments" | "get_supported_link_arguments" => {
                Value::texts(flags(given).into_iter().filter(|flag| takes_flag(flag)))
            }
            "first_supported_argument" | "first_supported_link_argument" => {
                Value::texts(flags(given).into_iter().find(|flag| takes_flag(flag)))
            }
            "has_function_attribute" => Value::Bool(has_attribute(&first)),
            "get_supported_function_attributes" => {
                Value::texts(flags(given).into_iter().filter(|name| has_attribute(name)))
            }
            "find_library" => self.library_of(given),
            "get_define" => Value::text(defined(&first)),
            "has_define" => Value::Bool(!defined(&first).is_empty()),
            _ => Value::Unknown,
        }
    }

    fn code_compiles(&self, given: &Given) -> bool {
        let code = match given.at(0) {
            Value::Text(text) => text.to_string(),
            file => {
                let text = self.file(&file).and_then(|path| self.files.read(&path));
                text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
            }
        };
        let args = given.get("args").map(Value::flat_texts).unwrap_or_default();
        args.iter().all(|flag| !flag.starts_with("-m") || takes_flag(flag)) && compiles(&code)
    }
}

fn flags(given: &Given) -> Vec<String> {
    given.plain.iter().flat_map(Value::flat_texts).collect()
}

fn has_attribute(name: &str) -> bool {
    !["dllexport", "dllimport", "ms_hook_prologue"].contains(&name)
}

/// What the compiler defines by itself.
fn defined(name: &str) -> &'static str {
    let x86 = cfg!(target_arch = "x86_64");
    match name {
        "__GNUC__" => "4",
        "__clang__" | "__STDC__" | "__ELF__" | "__LP64__" => "1",
        "__linux__" if cfg!(target_os = "linux") => "1",
        "__x86_64__" | "__SSE2__" | "__SSE__" if x86 => "1",
        "__aarch64__" | "__ARM_NEON" if cfg!(target_arch = "aarch64") => "1",
        "__SIZEOF_POINTER__" => "8",
        "__BYTE_ORDER__" => "1234",
        _ => "",
    }
}
