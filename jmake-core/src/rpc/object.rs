//! Parameters and replies as typed objects whose fields document themselves.
//!
//! [`params!`] and [`reply!`] declare a struct once; from that come what serde reads or writes and
//! what the documentation says of each field, so the two cannot differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One field of an object.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What it holds, in words.
    pub holds: fn() -> String,
    /// Whether it must be there.
    pub required: bool,
}

/// A typed object.
pub trait Object {
    /// Its fields.
    const FIELDS: &'static [Field];
}

/// What a field may hold.
pub trait Holds {
    /// Whether there must be something.
    const REQUIRED: bool = true;
    /// In words.
    fn words() -> String;
}

/// A path on disk, as text or, where it is none, as a list of bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(#[serde(with = "crate::portable")] pub PathBuf);

/// Any object.
pub type Map = serde_json::Map<String, serde_json::Value>;

macro_rules! words {
    ($($type:ty: $words:literal,)*) => {$(
        impl Holds for $type {
            fn words() -> String {
                $words.into()
            }
        }
    )*};
}

words! {
    bool: "`true` or `false`",
    String: "text",
    u64: "number",
    f64: "number",
    Place: "path",
    Map: "object",
    serde_json::Value: "anything",
    crate::built::Built: "object: `jmake_core::build::Built`",
    crate::event::Diagnostic: "diagnostic",
    crate::survey::Reasoned: "`{path, why}`",
    crate::found::BinaryFound: "`{path, size, format, machine, soname, needed, exports, debug}`",
    crate::survey::TargetFound: "`{name, kind, sources}`",
    crate::survey::OwnFound: "`{sources, include_dirs, defines, first, flags}`",
    crate::graphs::Includer: "`{file, through, by, opened}`",
    crate::graphs::SymbolNamed: "`{name, shown, weak, by}`",
    crate::graphs::UnitNamed: "`{source, object}`",
    crate::graphs::UnusedHeader: "`{path, included_by}`",
    crate::machine::ToolFound: "`{path, version}`",
    crate::machine::CacheStats: "object: what `jmake cache stat` tells",
    crate::machine::Uptime: "`{age, requests, builds}`",
    crate::tally::Share: "`{hits, misses, hit_rate}`",
}

impl<T: Holds> Holds for Option<T> {
    const REQUIRED: bool = false;
    fn words() -> String {
        T::words()
    }
}

impl<T: Holds> Holds for Vec<T> {
    fn words() -> String {
        let one = T::words();
        match one.ends_with(|last: char| last.is_alphabetic()) {
            true => format!("list of {one}s"),
            false => format!("list of {one}"),
        }
    }
}

impl<T: Holds> Holds for BTreeMap<String, T> {
    fn words() -> String {
        format!("by name, {}", T::words())
    }
}

/// Declares the parameters of a method: what is not an `Option` must be given, and nothing but
/// these may be.
macro_rules! params {
    ($($rest:tt)*) => {
        $crate::rpc::object::object! { (serde::Deserialize) (deny_unknown_fields) $($rest)* }
    };
}

/// Declares a reply, or a part of one.
macro_rules! reply {
    ($($rest:tt)*) => {
        $crate::rpc::object::object! { (Clone, Debug, serde::Serialize) () $($rest)* }
    };
}

macro_rules! object {
    (
        ($($derive:path),*) ($($container:ident)?)
        $(#[doc = $about:literal])+
        $name:ident { $($(#[doc = $doc:literal])+ $field:ident: $type:ty,)* }
    ) => {
        $(#[doc = $about])+
        #[derive($($derive),*)]
        $(#[serde($container)])?
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl $crate::rpc::object::Object for $name {
            const FIELDS: &'static [$crate::rpc::object::Field] = &[
                $($crate::rpc::object::Field {
                    name: stringify!($field),
                    doc: concat!($($doc),+),
                    holds: <$type as $crate::rpc::object::Holds>::words,
                    required: <$type as $crate::rpc::object::Holds>::REQUIRED,
                },)*
            ];
        }

        impl $crate::rpc::object::Holds for $name {
            fn words() -> String {
                let fields = <$name as $crate::rpc::object::Object>::FIELDS;
                $crate::rpc::object::names(fields)
            }
        }
    };
}

/// The fields of a nested object, by name.
pub(super) fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(Field::shown).collect();
    format!("`{{{}}}`", names.join(", "))
}

impl Field {
    /// Its name as it is sent.
    pub fn shown(&self) -> &'static str {
        self.name.trim_start_matches("r#")
    }
}

pub(super) use {object, params, reply};
