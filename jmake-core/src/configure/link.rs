//! How a target is linked: flags, libraries, and the linker's own command line.

use std::collections::BTreeSet;

use super::flags::joined;
use super::profile::sanitize_flag;
use super::targets::Outline;
use super::tools::machine_flags;
use super::{Link, Making, Unit};
use crate::cause::{Advice, Cause};
use crate::discover::Manner;
use crate::event::Diagnostic;
use crate::manifest::{Export, Kind, Lto};
use crate::path::bytes_of;
use crate::toolchain::includes::Lang;
use crate::toolchain::link::{LinkKind, LinkLine, LinkQuery};
use crate::toolchain::pkgconfig::FoundLibrary;
use crate::toolchain::{Linker, LinkerKind, Need, install_command};

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
        let archives = outline.needs.iter().map(|&need| &self.made[need]);
        let archived = archives.filter(|target| target.kind == Kind::Static).flat_map(|target| &target.units);
        let cxx = units.iter().chain(archived).any(|unit| unit.lang == Lang::Cxx);
        let lang = if cxx { Lang::Cxx } else { Lang::C };
        let query = LinkQuery {
            kind: if kind == Kind::Executable { LinkKind::Executable } else { LinkKind::Shared },
            lang,
            flags: &flags,
            libraries: &libraries,
        };
        let learned = self.sources.toolchain.link_line(&self.sources.ask, &query);
        let through_driver = learned.is_err();
        let line = learned.unwrap_or_else(|_| self.driver_line(&query));
        self.check_runtime(&line);
        let arguments = line.before_objects.iter().chain(&line.after_objects);
        let names = arguments
            .filter_map(|arg| arg.strip_prefix(b"-l"))
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        let own = outline.table.and_then(|table| table.export.as_ref());
        let export = match own.or(self.sources.manifest.binary.export.as_ref()) {
            Some(Export::Listed(symbols)) => Some(symbols.clone()),
            Some(Export::All) => None,
            None => self.described(outline, kind).and_then(|manner| manner.export.clone()),
        };
        let script = self.script(outline, kind).cloned();
        Some(Link { line, through_driver, names, export, script, needs: outline.needs.clone() })
    }

    /// What the build description has the library show; a target that the user wrote is the user's.
    fn described(&self, outline: &Outline<'_>, kind: Kind) -> Option<&Manner> {
        let is_found = outline.table.is_none() && kind == Kind::Shared;
        is_found.then_some(&self.sources.discovery.manner)
    }

    /// The version script that the sources' own versions of symbols are in, where nobody wants others
    /// shown.
    fn script(&self, outline: &Outline<'_>, kind: Kind) -> Option<&String> {
        let script = self.described(outline, kind)?.script.as_ref();
        script.filter(|_| self.sources.manifest.binary.export.is_none() && !self.apple())
    }

    /// The driver names a sanitizer's runtime whether it is installed or not.
    fn check_runtime(&mut self, line: &LinkLine) {
        let absent = line.absent_files();
        let runtime = absent.iter().find(|path| path.to_string_lossy().contains("clang_rt"));
        let Some(runtime) = runtime.filter(|_| !self.profile.sanitize.is_empty()) else { return };
        let problem = Diagnostic::error(format!(
            "the runtime of the sanitizer `{}` is not installed: there is no `{}`",
            self.profile.sanitize.join(","),
            runtime.display()
        ));
        let need = Need::Sanitizers(self.sources.toolchain.major());
        let hint = match install_command(need, &self.sources.environment.path) {
            Some(command) => format!("install it with `{command}`"),
            None => "install the runtime libraries (compiler-rt) of this clang".into(),
        };
        self.problems.push(problem.advised(Advice::new(Cause::SanitizerRuntimeMissing, hint)));
    }

    fn link_flags(&self, outline: &Outline<'_>, kind: Kind, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let manifest = self.sources.manifest;
        let rpath = manifest.link.rpath.unwrap_or(true);
        let mut flags = self.basic_link_flags(outline, kind);
        // Results lie side by side.
        if rpath && outline.needs.iter().any(|&need| self.made[need].kind == Kind::Shared) {
            flags.extend(for_linker("-rpath", self.origin().as_bytes()));
        }
        let dirs = outline.lib_dirs.iter().chain(&manifest.link.lib_dirs);
        for dir in dirs.map(|dir| self.below_root(dir)) {
            if rpath {
                flags.extend(for_linker("-rpath", &self.rpath(&dir)));
            }
            flags.push(joined("-L", &dir));
        }
        let dirs = found.iter().flat_map(|library| &library.lib_dirs);
        flags.extend(dirs.map(|dir| joined("-L", bytes_of(dir.as_os_str()))));
        let of_target = outline.table.into_iter().flat_map(|table| &table.link_flags);
        let written = manifest.link.flags.iter().chain(of_target);
        flags.extend(written.map(|flag| flag.clone().into_bytes()));
        flags
    }

    /// What profile, machine and kind ask for.
    fn basic_link_flags(&self, outline: &Outline<'_>, kind: Kind) -> Vec<Vec<u8>> {
        let mut flags = vec![format!("-O{}", self.profile.opt_level.letter())];
        flags.extend(machine_flags(self.sources.manifest, self.sources.toolchain));
        flags.extend(sanitize_flag(self.profile));
        if self.profile.lto == Lto::Thin {
            flags.push("-flto=thin".into());
            if self.tools.fat_objects {
                flags.push("-ffat-lto-objects".into());
            }
        }
        let mut flags: Vec<Vec<u8>> = flags.into_iter().map(String::into_bytes).collect();
        // Names are looked up as they are mangled, when a link fails, and demangled for the user.
        let gnu = |linker: &Linker| linker.kind != LinkerKind::Other;
        if self.sources.toolchain.linker().is_some_and(gnu) && !self.apple() {
            flags.extend([b"-Xlinker".to_vec(), b"--no-demangle".to_vec()]);
        }
        if kind == Kind::Shared {
            let file = self.file_name(&outline.name, kind);
            flags.extend(match self.apple() {
                true => for_linker("-install_name", format!("@rpath/{file}").as_bytes()),
                false => for_linker("-soname", file.as_bytes()),
            });
            // A description may list what only other systems have; lld takes that for a mistake.
            let strict =
                |linker: &Linker| linker.kind == LinkerKind::Lld && self.sources.toolchain.major() >= 16;
            let described = self
                .described(outline, kind)
                .is_some_and(|manner| manner.export.is_some() || manner.script.is_some());
            if described && !self.apple() && self.sources.toolchain.linker().is_some_and(strict) {
                flags.extend([b"-Xlinker".to_vec(), b"--undefined-version".to_vec()]);
            }
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
        let up = self.output_dir.components().map(|_| "../").collect::<String>();
        joined(&format!("{}/{up}", self.origin()), dir)
    }

    /// The folder of a loaded library, as the loader writes it.
    fn origin(&self) -> &'static str {
        if self.apple() { "@loader_path" } else { "$ORIGIN" }
    }

    fn link_libraries(&self, outline: &Outline<'_>, found: &[FoundLibrary]) -> Vec<Vec<u8>> {
        let named = outline.libraries.iter().chain(&self.sources.manifest.link.libraries);
        let mut libraries: Vec<Vec<u8>> = Vec::new();
        for library in named {
            match library.contains('/') {
                _ if library.starts_with('-') => libraries.push(library.clone().into_bytes()),
                // The driver, asked from elsewhere, would miss the file.
                true => libraries.extend([b"-Xlinker".to_vec(), self.below_root(library)]),
                false => libraries.push(joined("-l", library.as_bytes())),
            }
        }
        let guessed: BTreeSet<Vec<u8>> = found
            .iter()
            .flat_map(|library| &library.libs)
            .map(|name| joined("-l", name.as_bytes()))
            .collect();
        let guessed: Vec<_> = guessed.into_iter().filter(|name| !libraries.contains(name)).collect();
        if !guessed.is_empty() {
            // They were only guessed from includes: what turns out not to be used is not needed.
            libraries.push(b"-Wl,--as-needed".to_vec());
            libraries.extend(guessed);
            libraries.push(b"-Wl,--no-as-needed".to_vec());
        }
        libraries
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
