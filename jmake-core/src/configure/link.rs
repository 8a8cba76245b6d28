//! How a target is linked: flags, libraries, and the linker's own command line.

use std::collections::BTreeSet;

use super::flags::joined;
use super::profile::sanitize_flag;
use super::targets::Outline;
use super::tools::machine_flags;
use super::{Link, Making, Unit};
use crate::manifest::{Export, Kind, Lto};
use crate::path::bytes_of;
use crate::toolchain::includes::Lang;
use crate::toolchain::link::{LinkKind, LinkLine, LinkQuery};
use crate::toolchain::pkgconfig::FoundLibrary;

impl Making<'_> {
    pub(super) fn link(
        &mut self,
        outline: &Outline<'_>,
        kind: Kind,
        units: &[Unit],
        found: &[FoundLibrary],
    ) -> Option<Link> {
        let flags = self.link_flags(outline, kind, found);
        let libraries = self.link_libraries(outline, found);
        let lang = if units.iter().any(|unit| unit.lang == Lang::Cxx) { Lang::Cxx } else { Lang::C };
        let query = LinkQuery {
            kind: if kind == Kind::Executable { LinkKind::Executable } else { LinkKind::Shared },
            lang,
            flags: &flags,
            libraries: &libraries,
        };
        let learned = self.sources.toolchain.link_line(&self.sources.ask, &query);
        let through_driver = learned.is_err();
        let line = learned.unwrap_or_else(|_| self.driver_line(&query));
        let arguments = line.before_objects.iter().chain(&line.after_objects);
        let names = arguments
            .filter_map(|arg| arg.strip_prefix(b"-l"))
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        let export = outline.table.and_then(|table| table.export.clone()).or(self
            .sources
            .manifest
            .binary
            .export
            .clone());
        let export = match export {
            Some(Export::Listed(symbols)) => Some(symbols),
            Some(Export::All) | None => None,
        };
        Some(Link { line, through_driver, names, export })
    }

    fn link_flags(&self, outline: &Outline<'_>, kind: Kind, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let manifest = self.sources.manifest;
        let table = outline.table;
        let mut flags = self.basic_link_flags(outline, kind);
        let dirs = table.into_iter().flat_map(|table| &table.lib_dirs).chain(&manifest.link.lib_dirs);
        for dir in dirs.map(|dir| self.below_root(dir)) {
            if manifest.link.rpath.unwrap_or(true) {
                flags.extend(for_linker("-rpath", &self.rpath(&dir)));
            }
            flags.push(joined("-L", &dir));
        }
        let dirs = found.iter().flat_map(|library| &library.lib_dirs);
        flags.extend(dirs.map(|dir| joined("-L", bytes_of(dir.as_os_str()))));
        let written = manifest.link.flags.iter().chain(table.into_iter().flat_map(|table| &table.link_flags));
        flags.extend(written.map(|flag| flag.clone().into_bytes()));
        flags
    }

    /// What profile, machine and kind ask for.
    fn basic_link_flags(&self, outline: &Outline<'_>, kind: Kind) -> Vec<Vec<u8>> {
        let mut flags = vec![format!("-O{}", self.profile.opt_level.letter())];
        flags.extend(machine_flags(self.sources));
        flags.extend(sanitize_flag(self.profile));
        if self.profile.lto == Lto::Thin {
            flags.push("-flto=thin".into());
            if self.tools.fat_objects {
                flags.push("-ffat-lto-objects".into());
            }
        }
        let mut flags: Vec<Vec<u8>> = flags.into_iter().map(String::into_bytes).collect();
        if kind == Kind::Shared {
            let file = self.file_name(&outline.name, kind);
            flags.extend(match self.apple() {
                true => for_linker("-install_name", format!("@rpath/{file}").as_bytes()),
                false => for_linker("-soname", file.as_bytes()),
            });
            // A sanitizer's runtime lives in the program that loads the library.
            if self.profile.sanitize.is_empty() && !self.apple() {
                flags.extend(for_linker("-z", b"defs"));
            }
        }
        flags
    }

    /// A folder of the project as the library finds it wherever the project lies.
    fn rpath(&self, dir: &[u8]) -> Vec<u8> {
        if dir.starts_with(b"/") {
            return dir.to_owned();
        }
        let origin = if self.apple() { "@loader_path" } else { "$ORIGIN" };
        let up = self.output_dir.components().map(|_| "../").collect::<String>();
        joined(&format!("{origin}/{up}"), dir)
    }

    fn link_libraries(&self, outline: &Outline<'_>, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let manifest = self.sources.manifest;
        let named =
            outline.table.into_iter().flat_map(|table| &table.libraries).chain(&manifest.link.libraries);
        let mut libraries: Vec<String> = named
            .map(|library| match library.contains('/') || library.starts_with('-') {
                true => library.clone(),
                false => format!("-l{library}"),
            })
            .collect();
        let guessed: BTreeSet<String> =
            found.iter().flat_map(|library| &library.libs).map(|name| format!("-l{name}")).collect();
        let guessed: Vec<_> = guessed.into_iter().filter(|name| !libraries.contains(name)).collect();
        if !guessed.is_empty() {
            // They were only guessed from includes: what turns out not to be used is not needed.
            libraries.push("-Wl,--as-needed".into());
            libraries.extend(guessed);
            libraries.push("-Wl,--no-as-needed".into());
        }
        libraries.into_iter().map(String::into_bytes).collect()
    }

    /// The driver's own command, for a linker whose command could not be learned.
    fn driver_line(&self, query: &LinkQuery<'_>) -> LinkLine {
        let tool = if query.lang == Lang::Cxx { &self.tools.cxx } else { &self.tools.cc };
        let mut before = Vec::new();
        if query.kind == LinkKind::Shared {
            before.push(b"-shared".to_vec());
        }
        before.extend(self.sources.toolchain.linker_flags());
        before.extend_from_slice(query.flags);
        before.push(b"-o".to_vec());
        LinkLine {
            linker: tool.path.to_path_buf(),
            before_output: before,
            before_objects: Vec::new(),
            after_objects: query.libraries.to_vec(),
        }
    }
}

/// The driver's flags that hand `flag` and its `value` to the linker.  `-Wl,` would cut a value
/// at its commas.
fn for_linker(flag: &str, value: &[u8]) -> [Vec<u8>; 4] {
    let through = || b"-Xlinker".to_vec();
    [through(), flag.as_bytes().to_vec(), through(), value.to_vec()]
}
