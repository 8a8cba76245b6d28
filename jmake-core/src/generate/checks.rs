//! What a macro of a configuration header asks, known by its name.

use crate::standard::other_system;

/// The answer to a macro's question, or how it is found.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Check {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It holds when this condition of the preprocessor does.
    Condition(String),
    /// Its value is this expression of the preprocessor.
    Value(String),
    /// It holds when a header of the system declares or defines one of these names.
    Declared(Vec<String>),
}

/// What the macro `name` asks.  A name that means nothing asks for something that is not there:
/// options are off, libraries of others absent, so that what is built does not depend on what
/// happens to be installed.
pub fn check(name: &str) -> Check {
    if let Some(answer) = fixed(name) {
        return answer;
    }
    // That the project holds this module of gnulib: a template asks of no others.
    if name.starts_with("GNULIB_") && !is_wish_of_gnulib(name) {
        return Check::Yes;
    }
    if let Some(size) = after(name, "SIZEOF_") {
        return size_of(size);
    }
    if ["BIGENDIAN", "BIG_ENDIAN"].iter().any(|ending| name.ends_with(ending)) {
        return condition("__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__");
    }
    if ["LITTLEENDIAN", "LITTLE_ENDIAN"].iter().any(|ending| name.ends_with(ending)) {
        return condition("__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__");
    }
    match after(name, "HAVE_") {
        Some(thing) => have(thing),
        None => Check::No,
    }
}

/// Whether the user must ask for it: checks of how gnulib is used, and promises that make it faster.
fn is_wish_of_gnulib(name: &str) -> bool {
    name.ends_with("CHECK")
        || name.ends_with("_SINGLE_THREAD")
        || ["GNULIB_TEST_", "GNULIB_NO_"].iter().any(|start| name.starts_with(start))
}

fn condition(text: &str) -> Check {
    Check::Condition(text.to_owned())
}

fn fixed(name: &str) -> Option<Check> {
    Some(match name {
        "STDC_HEADERS" | "TIME_WITH_SYS_TIME" | "_GNU_SOURCE" | "__EXTENSIONS__" | "HAVE_PROTOTYPES" => {
            Check::Yes
        }
        "HAVE_CONFIG_H" => Check::Yes,
        "LT_OBJDIR" => Check::Value("\".libs/\"".to_owned()),
        // The usual `iconv` takes what is not constant.
        "ICONV_CONST" => Check::Value(String::new()),
        "RETSIGTYPE" => Check::Value("void".to_owned()),
        _ => return None,
    })
}

/// What follows `word` in `name`, where it begins a word.
fn after<'n>(name: &'n str, word: &str) -> Option<&'n str> {
    let at = name.find(word).filter(|&at| at == 0 || name.as_bytes()[at - 1] == b'_')?;
    Some(&name[at + word.len()..]).filter(|rest| !rest.is_empty())
}

fn size_of(thing: &str) -> Check {
    let known = match thing.trim_start_matches("UNSIGNED_") {
        "CHAR" | "SIGNED_CHAR" | "BOOL" | "_BOOL" | "INT8_T" | "UINT8_T" => return value("1"),
        "INT16_T" | "UINT16_T" => return value("2"),
        "INT32_T" | "UINT32_T" => return value("4"),
        "INT64_T" | "UINT64_T" | "OFF_T" | "OFF64_T" | "__INT64" => return value("8"),
        "SHORT" | "SHORT_INT" => "SHORT",
        "INT" => "INT",
        "LONG" | "LONG_INT" | "TIME_T" => "LONG",
        "LONG_LONG" | "LONG_LONG_INT" => "LONG_LONG",
        "FLOAT" => "FLOAT",
        "DOUBLE" => "DOUBLE",
        "LONG_DOUBLE" => "LONG_DOUBLE",
        "SIZE_T" | "SSIZE_T" => "SIZE_T",
        "PTRDIFF_T" => "PTRDIFF_T",
        "WCHAR_T" => "WCHAR_T",
        "VOID_P" | "VOIDP" | "VOID_PTR" | "POINTER" | "CHAR_P" | "INTPTR_T" | "UINTPTR_T" => "POINTER",
        _ => return Check::No,
    };
    value(&format!("__SIZEOF_{known}__"))
}

fn value(text: &str) -> Check {
    Check::Value(text.to_owned())
}

/// What `HAVE_` and `thing` asks.
fn have(thing: &str) -> Check {
    if let Some(header) = thing.strip_suffix("_H") {
        return header_named(header);
    }
    if let Some(header) = thing.strip_suffix("_HPP") {
        return condition(&format!("__has_include(<{}.hpp>)", header.to_ascii_lowercase()));
    }
    if let Some(name) = thing.strip_prefix("DECL_") {
        return declared(name);
    }
    let lower = thing.to_ascii_lowercase();
    let bare = lower.trim_matches('_');
    if bare.starts_with("builtin_") {
        return condition(&format!("__has_builtin(__{bare})"));
    }
    if let Some(attribute) = bare.strip_prefix("attribute").map(|rest| rest.trim_matches('_')) {
        return match attribute {
            "" => condition("defined(__GNUC__)"),
            attribute => condition(&format!("__has_attribute({attribute})")),
        };
    }
    match bare {
        "stdbool"
        | "bool"
        | "long_long"
        | "long_long_int"
        | "unsigned_long_long_int"
        | "long_double"
        | "inline"
        | "flexible_array"
        | "c99"
        | "variadic_macros"
        | "va_copy"
        | "stdarg"
        | "wchar_t"
        | "visibility"
        | "hidden"
        | "gcc_visibility"
        | "libc"
        | "libm"
        | "stdc" => return Check::Yes,
        "pthread" | "pthreads" | "threads" | "libpthread" => return condition("__has_include(<pthread.h>)"),
        "libdl" | "dl" => return condition("__has_include(<dlfcn.h>)"),
        "int128" | "int128_t" | "uint128_t" => return condition("defined(__SIZEOF_INT128__)"),
        _ => {}
    }
    match instructions(bare) {
        Some(name) => condition(&format!("defined({name})")),
        None => match thing.strip_prefix("STRUCT_") {
            Some(structure) => declared_structure(structure),
            None => declared(thing),
        },
    }
}

/// The macro that tells whether the compiler may use a set of the processor's instructions.
fn instructions(name: &str) -> Option<&'static str> {
    Some(match name {
        "sse" => "__SSE__",
        "sse2" => "__SSE2__",
        "sse3" => "__SSE3__",
        "ssse3" => "__SSSE3__",
        "sse41" | "sse4_1" => "__SSE4_1__",
        "sse42" | "sse4_2" => "__SSE4_2__",
        "avx" => "__AVX__",
        "avx2" => "__AVX2__",
        "neon" => "__ARM_NEON",
        _ => return None,
    })
}

/// `STAT_ST_MTIM` is the member `st_mtim` of `stat`, and `SOCKADDR_IN6` is a structure.
fn declared_structure(name: &str) -> Check {
    let lower = name.to_ascii_lowercase();
    let member = lower.split_once('_').map(|(_, member)| member.to_owned());
    Check::Declared([Some(lower), member].into_iter().flatten().collect())
}

/// Functions and types are spelled in small letters, macros in capitals.
fn declared(name: &str) -> Check {
    let lower = name.to_ascii_lowercase();
    let mut names = vec![lower.clone(), name.to_owned(), format!("F_{name}")];
    names.dedup();
    Check::Declared(names)
}

/// What asking for the headers `names`, one after the other, asks.
pub fn check_headers(names: &[String]) -> Check {
    // Compilers bring headers of other systems along, for who builds for those.
    if names.iter().any(|name| other_system(name.as_bytes()).is_some()) {
        return Check::No;
    }
    let asked: Vec<String> = names.iter().map(|name| format!("__has_include(<{name}>)")).collect();
    condition(&asked.join(" && "))
}

/// `SYS_TIME` is `sys/time.h`, `NETINET_IN` is `netinet/in.h`, `LINUX_FUTEX` is `linux/futex.h`,
/// and `CPU_FEATURES` is `cpu_features.h` or `cpu-features.h`.
fn header_named(name: &str) -> Check {
    let lower = name.to_ascii_lowercase();
    if other_system(format!("{lower}.h").as_bytes()).is_some() {
        return Check::No;
    }
    let mut spellings = vec![lower.clone()];
    if lower.contains('_') {
        spellings.push(lower.replacen('_', "/", 1));
        spellings.push(lower.replace('_', "/"));
        spellings.push(lower.replace('_', "-"));
    }
    spellings.dedup();
    let asked: Vec<String> = spellings.iter().map(|name| format!("__has_include(<{name}.h>)")).collect();
    condition(&asked.join(" || "))
}
