//! The profile, resolved through what it inherits.

use std::collections::BTreeSet;

use super::Wanted;
use crate::event::Diagnostic;
use crate::manifest::{Debug, Lto, Manifest, OptLevel, ProfileTable};

/// A resolved profile.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Optimisation level.
    pub opt_level: OptLevel,
    /// Debug information.
    pub debug: Debug,
    /// Optimisation across units.
    pub lto: Lto,
    /// Sanitizers.
    pub sanitize: Vec<String>,
    /// Passes for `opt`, instead of those of the level.
    pub opt_passes: Vec<String>,
    /// Further macros.
    pub defines: Vec<(String, Option<String>)>,
    /// Further compile flags.
    pub flags: Vec<String>,
}

/// Resolves the profile that is asked for, through what it inherits.
pub(super) fn profile(manifest: &Manifest, wanted: &Wanted, problems: &mut Vec<Diagnostic>) -> Profile {
    let name = wanted.profile.clone().or_else(|| manifest.build.profile.clone()).unwrap_or("release".into());
    let mut chain: Vec<&ProfileTable> = Vec::new();
    let mut base = name.clone();
    let mut known = BTreeSet::new();
    while let Some(table) = manifest.profiles.get(&base) {
        if !known.insert(base.clone()) {
            problems.push(
                Diagnostic::error(format!("profile `{base}` inherits from itself")).in_file(&manifest.file),
            );
            break;
        }
        chain.push(table);
        match &table.inherits {
            Some(parent) => base.clone_from(parent),
            None => break,
        }
    }
    if !manifest.profiles.contains_key(&base) && !matches!(base.as_str(), "release" | "dev") {
        problems.push(
            Diagnostic::error(format!("there is no profile `{base}`"))
                .hint("`release` and `dev` are always there; others are written as `[profile.<name>]`"),
        );
    }
    let dev = base == "dev";
    let first = |pick: fn(&ProfileTable) -> bool| chain.iter().find(|table| pick(table)).copied();
    let lto = match wanted.lto.as_deref() {
        Some("off") => Lto::Off,
        Some("thin") => Lto::Thin,
        Some("full") => Lto::Full,
        Some(other) => {
            problems.push(Diagnostic::error(format!("`--lto {other}` is none of `off`, `thin`, `full`")));
            Lto::Off
        }
        None => first(|t| t.lto.is_some()).and_then(|t| t.lto).or(manifest.link.lto).unwrap_or(Lto::Off),
    };
    let listed = |pick: fn(&ProfileTable) -> &Vec<String>| {
        chain.iter().map(|table| pick(table)).find(|list| !list.is_empty()).cloned().unwrap_or_default()
    };
    Profile {
        name,
        opt_level: first(|t| t.opt_level.is_some()).and_then(|t| t.opt_level).unwrap_or(if dev {
            OptLevel::O0
        } else {
            OptLevel::O2
        }),
        debug: first(|t| t.debug.is_some()).and_then(|t| t.debug).unwrap_or(if dev {
            Debug::Full
        } else {
            Debug::None
        }),
        lto,
        sanitize: listed(|t| &t.sanitize),
        opt_passes: listed(|t| &t.opt_passes),
        defines: chain.iter().rev().flat_map(|table| table.defines.clone()).collect(),
        flags: chain.iter().rev().flat_map(|table| table.flags.clone()).collect(),
    }
}

pub(super) fn sanitize_flag(profile: &Profile) -> Option<String> {
    (!profile.sanitize.is_empty()).then(|| format!("-fsanitize={}", profile.sanitize.join(",")))
}
