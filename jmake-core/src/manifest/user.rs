//! The user's own configuration, `config.toml`: the schema of a project's manifest, of which only
//! the keys that are the user's to choose count.
//!
//! It lies under every project's manifest: a project that says otherwise wins.  What it chooses
//! needs no consent.

use super::{Manifest, schema};
use crate::event::Diagnostic;

/// The user's own configuration: a manifest of which only the keys that are the user's to choose
/// count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserConfig(Manifest);

impl UserConfig {
    /// Reads `text`; a key that belongs into a project is warned of and has no effect.
    pub fn parse(text: &str, file_shown: &str) -> (UserConfig, Vec<Diagnostic>) {
        let (manifest, mut problems) = Manifest::parse(text, file_shown);
        for (name, line) in &manifest.lines {
            let path: Vec<&str> = name.split('.').collect();
            if name.starts_with("target.") || schema::find(&path).is_some_and(|key| !key.is_user()) {
                problems.push(
                    Diagnostic::warning(format!("`{name}` has no effect in the user's configuration"))
                        .in_file(file_shown)
                        .at_line(*line)
                        .hint("put it into the `jmake.toml` of the project"),
                );
            }
        }
        (UserConfig(manifest), problems)
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_configuration_fills_gaps_only() {
        let (user, problems) = UserConfig::parse(
            "[compile]\njobs = 2\nstd = 'c++11'\n[llvm]\nroot = '/opt'\n[cache]\nmax_size = '1GB'",
            "config.toml",
        );
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("compile.std"));
        let (mut manifest, _) = Manifest::parse("[compile]\njobs = 7", "f");
        manifest.merge_under(&user);
        assert_eq!((manifest.compile.jobs, manifest.compile.std), (Some(7), None));
        assert_eq!(
            (manifest.llvm.root.as_deref(), manifest.cache.max_size),
            (Some("/opt"), Some(1_000_000_000))
        );
    }
}
