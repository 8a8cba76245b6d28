//! The flags with which a target's units are compiled, and where their headers are looked for.
//!
//! Flags are bytes, for folders are; a folder whose name looks like an option is written with
//! `./` before it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Making;
use super::profile::sanitize_flag;
use super::targets::Outline;
use super::tools::machine_flags;
use crate::action::SearchDirs;
use crate::diagnose::refused_flags;
use crate::discover::Told;
use crate::event::Diagnostic;
use crate::manifest::Debug;
use crate::path::{FilePath, bytes_of};
use crate::toolchain::includes::Lang;
use crate::toolchain::pkgconfig::FoundLibrary;

impl Making<'_> {
    /// The flags of every unit of one language in a target that is `told` the same, and where its
    /// headers are looked for.
    #[expect(clippy::type_complexity, reason = "both are shared by all these units")]
    pub(super) fn unit_flags(
        &mut self,
        outline: &Outline<'_>,
        lang: Lang,
        told: &Told,
        libraries: &[FoundLibrary],
    ) -> Option<(Arc<Vec<Arc<[u8]>>>, Arc<SearchDirs>)> {
        let flags = self.flags(outline, lang, told, libraries);
        let own: Vec<Vec<u8>> = flags.iter().filter(|flag| chooses_headers(flag)).cloned().collect();
        let builtin = match self.sources.toolchain.include_dirs(&self.sources.ask, lang, &own) {
            Ok(builtin) => builtin,
            Err(e) => {
                let text = format!("{e:#}");
                let refused = refused_flags(self.sources.manifest, &text);
                if refused.is_empty() {
                    self.problems.push(Diagnostic::error(format!(
                        "cannot ask the compiler for its header folders: {text}"
                    )));
                }
                self.problems.extend(refused);
                return None;
            }
        };
        let mut search = search_dirs(&flags);
        search.all.extend(builtin.absent);
        search.all.extend(builtin.dirs);
        Some((Arc::new(flags.into_iter().map(Arc::from).collect()), Arc::new(search)))
    }

    fn flags(
        &self,
        outline: &Outline<'_>,
        lang: Lang,
        told: &Told,
        libraries: &[FoundLibrary],
    ) -> Vec<Vec<u8>> {
        let compile = &self.sources.manifest.compile;
        let table = outline.table;
        let mut flags = self.basic_flags(lang, told);
        let defines = compile.defines.iter().chain(&self.profile.defines);
        let defines = defines.chain(table.into_iter().flat_map(|table| &table.defines));
        // What is written counts instead of what was found, and that of few instead of that of all.
        let mut known: BTreeSet<&str> = defines.clone().map(|(name, _)| name.as_str()).collect();
        let found = told.defines.iter().chain(&self.sources.discovery.defines);
        let found = found.filter(|define| known.insert(define.split('=').next().unwrap_or_default()));
        flags.extend(found.map(|define| format!("-D{define}")));
        let first = self.sources.discovery.generated.iter().filter(|made| made.is_first());
        let first = first.map(|made| &made.path).chain(&told.first);
        let first = first.chain(&self.sources.discovery.manner.first);
        let mut known = BTreeSet::new();
        let first = first.filter(|header| known.insert(*header));
        flags.extend(first.flat_map(|header| ["-include".to_owned(), header.to_string()]));
        for (name, value) in defines {
            flags.push(match value {
                Some(value) => format!("-D{name}={value}"),
                None => format!("-D{name}"),
            });
        }
        let mut flags: Vec<Vec<u8>> = flags.into_iter().map(String::into_bytes).collect();
        flags.extend(self.include_dirs(outline, told).iter().map(|dir| joined("-I", dir)));
        flags.extend(compile.system_include_dirs.iter().map(|dir| joined("-isystem", &self.below_root(dir))));
        for library in libraries {
            flags
                .extend(library.include_dirs.iter().map(|dir| joined("-isystem", bytes_of(dir.as_os_str()))));
            flags.extend(library.defines.iter().map(|define| joined("-D", define.as_bytes())));
            flags.extend(library.flags.iter().map(|flag| flag.clone().into_bytes()));
        }
        let manner = &self.sources.discovery.manner;
        let found = match lang {
            Lang::C => &manner.c_flags[..],
            Lang::Cxx => &manner.cxx_flags,
            Lang::Asm => &[],
        };
        let own = told.flags.iter().filter(|flag| !flag.starts_with("-std="));
        flags.extend(found.iter().chain(own).map(|flag| flag.clone().into_bytes()));
        let own_flags = match lang {
            Lang::C => &compile.c_flags[..],
            Lang::Cxx => &compile.cxx_flags,
            Lang::Asm => &[],
        };
        let written = compile.flags.iter().chain(own_flags).chain(&self.profile.flags);
        let written = written.chain(table.into_iter().flat_map(|table| &table.flags));
        flags.extend(written.map(|flag| flag.clone().into_bytes()));
        flags
    }

    /// What profile, language and machine ask for.
    fn basic_flags(&self, lang: Lang, told: &Told) -> Vec<String> {
        let compile = &self.sources.manifest.compile;
        let mut flags = vec![format!("-O{}", self.profile.opt_level.letter()), "-fPIC".into()];
        flags.extend(match self.profile.debug {
            Debug::None => None,
            Debug::Lines => Some("-gline-tables-only".into()),
            Debug::Full => Some("-g".into()),
        });
        let manner = &self.sources.discovery.manner;
        let (written, found) = match lang {
            Lang::C => (compile.c_std.as_deref(), manner.c_std.as_deref()),
            Lang::Cxx => (compile.std.as_deref(), manner.std.as_deref()),
            Lang::Asm => (None, None),
        };
        let own = || told.flags.iter().find_map(|flag| flag.strip_prefix("-std="));
        let std = written.or_else(own).or(found);
        flags.extend(std.map(|std| format!("-std={std}")));
        flags.extend(machine_flags(self.sources.manifest, self.sources.toolchain));
        flags.extend(sanitize_flag(self.profile));
        flags
    }

    /// The folders for `-I`, each once: those written for the target and what it needs, for all, and
    /// those found, for few and for all.
    fn include_dirs(&self, outline: &Outline<'_>, told: &Told) -> Vec<Vec<u8>> {
        let written = outline.include_dirs.iter().chain(&self.sources.manifest.compile.include_dirs);
        let found = told.include_dirs.iter().chain(&self.sources.discovery.include_dirs).map(argument);
        let mut known = BTreeSet::new();
        let all = written.map(|dir| self.below_root(dir)).chain(found);
        all.filter(|dir| known.insert(dir.clone())).collect()
    }

    /// A folder of the project by its relative name, however the user wrote it: absolute paths
    /// would tie keys and results to this checkout.
    pub(super) fn below_root(&self, dir: &str) -> Vec<u8> {
        argument(&self.sources.memo.root().file_path(Path::new(dir)))
    }
}

/// `path` as an argument, or as the end of one: never empty, never like an option.
pub fn argument(path: &FilePath) -> Vec<u8> {
    match path.as_bytes().first() {
        None => b".".to_vec(),
        Some(b'-' | b'@') => [b"./", path.as_bytes()].concat(),
        Some(_) => path.as_bytes().to_vec(),
    }
}

/// `flag` with `value` right behind it.
pub(super) fn joined(flag: &str, value: &[u8]) -> Vec<u8> {
    [flag.as_bytes(), value].concat()
}

/// Whether a flag decides where the compiler looks for headers by itself.
fn chooses_headers(flag: &[u8]) -> bool {
    ["--target=", "-stdlib=", "--sysroot", "-isysroot", "-nostdinc", "-m32", "-m64", "-std=", "--gcc"]
        .iter()
        .any(|prefix| flag.starts_with(prefix.as_bytes()))
}

/// The folders that `flags` name for headers.
fn search_dirs(flags: &[Vec<u8>]) -> SearchDirs {
    let mut quoted = Vec::new();
    let mut plain = Vec::new();
    let mut system = Vec::new();
    let mut at = 0;
    while at < flags.len() {
        let flag = &flags[at];
        let kinds: [(&[u8], &mut Vec<FilePath>); 4] = [
            (b"-iquote", &mut quoted),
            (b"-isystem", &mut system),
            (b"-idirafter", &mut Vec::new()),
            (b"-I", &mut plain),
        ];
        for (name, list) in kinds {
            let Some(dir) = flag.strip_prefix(name) else { continue };
            if !dir.is_empty() {
                list.push(FilePath::new(dir));
            } else if let Some(dir) = flags.get(at + 1) {
                list.push(FilePath::new(dir));
                at += 1;
            }
            break;
        }
        at += 1;
    }
    plain.extend(system);
    SearchDirs { quoted, all: plain }
}
