//! The first jmake's keys that have no successor, and the foreign schemas that went by the same
//! file name.
//!
//! Each is answered once: noted, refused, or accepted when it asks for what happens anyway.  Keys
//! that only changed their name are in the table of `schema`.

use super::schema::matches;

/// What to say of a key or section that jmake does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Legacy {
    /// A scan result or a stamp; one note for all of them together.
    Scan,
    /// Has no effect; why.
    Unused(&'static str),
    /// Cannot be done or must be spelled anew; the next step.
    Refused(&'static str),
    /// Fine when it is this, otherwise refused; the next step.
    Only(bool, &'static str),
}

/// By pattern; the first that matches counts, and one that names a section stands for all of it.
const LEGACY: &[(&str, Legacy)] = &[
    ("version", Legacy::Scan),
    ("last_updated", Legacy::Scan),
    ("discovery.files", Legacy::Scan),
    ("discovery.binaries", Legacy::Scan),
    ("discovery.include_dirs", Legacy::Scan),
    ("discovery.dependency_graph_file", Legacy::Scan),
    ("discovery.completed", Legacy::Scan),
    ("discovery.timestamp", Legacy::Scan),
    ("discovery.enabled", Legacy::Only(true, "`jmake build --quick` builds without looking for sources")),
    (
        "discovery.scan_recursive",
        Legacy::Only(true, "set `discovery.max_depth = 0` to look at the root alone"),
    ),
    ("discovery.parse_ast", Legacy::Unused("the compiler itself says what it read")),
    ("discovery.walk_dependencies", Legacy::Unused("the compiler itself says what it read")),
    ("discovery.log_all_files", Legacy::Unused("`jmake discover --files` lists all files")),
    (
        "compile.enabled",
        Legacy::Only(true, "a project of finished libraries says `binary.kind = \"prebuilt\"`"),
    ),
    ("compile.output_dir", Legacy::Unused("intermediate files are in `.jmake`")),
    ("compile.emit_ir", Legacy::Only(true, "every unit's IR is kept in `.jmake`")),
    ("compile.emit_bc", Legacy::Unused("every unit's IR is kept in `.jmake`")),
    (
        "link.enabled",
        Legacy::Only(true, "remove the line; `link.lto = \"off\"` links without joining the IR"),
    ),
    ("link.output_dir", Legacy::Unused("intermediate files are in `.jmake`")),
    ("link.optimize", Legacy::Only(true, "set `profile.release.opt_level = 0`")),
    ("binary.enabled", Legacy::Only(true, "remove the line")),
    ("target.linux", Legacy::Unused("set `target.triple`, `.cpu` and `.features`")),
    ("target.macos", Legacy::Unused("set `target.triple`, `.cpu` and `.features`")),
    ("target.windows", Legacy::Unused("set `target.triple`, `.cpu` and `.features`")),
    ("llvm.use_jmake_llvm", Legacy::Unused("`llvm.version` and `llvm.root` choose the toolchain")),
    ("llvm.isolated", Legacy::Unused("`llvm.version` and `llvm.root` choose the toolchain")),
    ("llvm.source", Legacy::Unused("`llvm.version` and `llvm.root` choose the toolchain")),
    (
        "cache.ttl",
        Legacy::Unused("an entry is valid as long as its inputs are unchanged; see `cache.max_age`"),
    ),
    ("cache.invalidate_on_change", Legacy::Only(true, "a changed input always counts")),
    ("daemon.auto_start", Legacy::Unused("the daemon starts when it is needed")),
    ("daemon.port", Legacy::Unused("there is one socket of the project's own instead of ports")),
    ("daemon.*.*", Legacy::Unused("there is one socket of the project's own instead of ports")),
    ("reorganize.enabled", Legacy::Only(false, "jmake never moves sources")),
    ("reorganize", Legacy::Unused("jmake never moves sources")),
    ("symbols", Legacy::Unused("`binary.export` chooses the symbols")),
    ("test", Legacy::Unused("")),
    ("workflow", Legacy::Unused("the stages always run in order")),
    ("error_learning", Legacy::Unused("")),
    ("learning", Legacy::Unused("")),
    ("logging", Legacy::Unused("")),
    ("integration", Legacy::Unused("")),
    ("jobs", Legacy::Unused("jmake orders its own work")),
    ("project_root", Legacy::Refused("the project is the folder of `jmake.toml`; remove the line")),
    ("paths", Legacy::Refused("write `binary.output_dir`, `compile.include_dirs`; sources are discovered")),
    ("bridge", Legacy::Refused("the stages always run in order; remove the section")),
    ("binding", Legacy::Refused("write `[wrap]`")),
    ("bindings", Legacy::Refused("write `[wrap]`")),
    ("compiler", Legacy::Refused("write `[compile]` and `[llvm]`")),
    ("sources", Legacy::Refused("write `discovery.include`, or `sources` of a `[[target]]`")),
    ("dependencies", Legacy::Refused("write `link.libraries` and `link.lib_dirs`")),
    ("output", Legacy::Refused("write `binary.name` and `binary.output_dir`")),
    ("tools", Legacy::Refused("write `llvm.tools`")),
];

/// Default values that the first jmake wrote into every file and that would now mean something
/// else: they count as not set.
const DEFAULTS: &[(&str, &str)] = &[("cache.directory", ".jmake_cache")];

/// What to say of `path`, and the pattern that matched.
pub(super) fn find(path: &[&str]) -> Option<(&'static str, Legacy)> {
    LEGACY.iter().find(|(pattern, _)| matches(pattern, path)).copied()
}

/// Whether a row of the table lies below `path`, so that its keys are to be looked at one by one.
pub(super) fn is_section(path: &[&str]) -> bool {
    LEGACY.iter().any(|(pattern, _)| {
        let mut parts = pattern.split('.');
        path.iter().all(|part| parts.next().is_some_and(|mine| mine == "*" || mine == *part))
            && parts.next().is_some()
    })
}

/// Whether `value` at `path` is only what the first jmake wrote by default.
pub(super) fn is_default(path: &[&str], value: Option<&str>) -> bool {
    DEFAULTS.iter().any(|(pattern, default)| matches(pattern, path) && value == Some(*default))
}
