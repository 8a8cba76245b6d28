//! Deliberate bugs, to test the tests.
//!
//! Each name below is a mistake that build tools really make.  With the feature `sabotage` one of
//! them can be switched on, and the random tests must then find it; without the feature the
//! question is a constant `false` and costs nothing.

/// Every bug that can be switched on.
pub const BUGS: [&str; 15] = [
    "mtime-only",       // a file with the recorded times is never read again, settled or not
    "basename-objects", // objects are named by the source's base name
    "ignore-headers",   // discovered inputs are not checked
    "ignore-absent",    // absent inputs are not checked
    "ignore-flags",     // arguments are not part of the key
    "ignore-inputs",    // the names of the inputs and their order are not part of the key
    "ignore-shape",     // what a changed source includes is not compared before a plan is reused
    "ignore-tool",      // the tool's identity is not part of the key
    "trust-outputs",    // what lies at an output's place is taken as good
    "ignore-folders",   // files that came or went are not noticed
    "no-recheck",       // inputs are not checked again after the run
    "wild-comments",    // comments are ignored even with debug information
    "vouch-for-all",    // where a good build vouches for a record, what changed since is not looked at
    "ignore-mark",      // a good build vouches for what was recorded after it, too
    "restore-anything", // the first stored execution of a key is taken without checking inputs
];

/// Switches `bug` on for the rest of the process.
///
/// # Panics
/// When there is no such bug, or another is on already.
#[cfg(feature = "sabotage")]
pub fn arm(bug: &str) {
    let bug = BUGS.iter().find(|known| **known == bug).expect("a known bug");
    ARMED.set(bug).expect("one bug at a time");
}

#[cfg(feature = "sabotage")]
static ARMED: std::sync::OnceLock<&'static str> = std::sync::OnceLock::new();

/// Whether `bug` is switched on.
#[cfg(feature = "sabotage")]
pub(crate) fn is(bug: &str) -> bool {
    ARMED.get() == Some(&bug)
}

/// Never, in a build for users.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is(_bug: &str) -> bool {
    false
}
