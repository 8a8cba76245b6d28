//! Which installed library answers an `#include`.
//!
//! A folder that includes `<sqlite3.h>` should link without anyone writing `-lsqlite3`.  Three
//! sources are asked in order: a small table of headers whose package has another name, a package
//! of the header's own name whose header folder really has it, and plain libraries that come
//! without a package.  A library that is not installed is never named.
//!
//! pkg-config is run once per package and remembered; without it only plain libraries are found.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::includes::Lang;
use super::{Ask, headers};
use crate::path::{bytes_of, path_from_bytes};

/// A question for [`libraries_for_headers`].
#[derive(Clone, Debug)]
pub struct HeaderQuery<'a> {
    /// Headers as included (`curl/curl.h`), those of the project itself left out.
    pub headers: &'a [String],
    /// The language of the sources that include them.
    pub lang: Lang,
    /// The program pkg-config (or pkgconf), when there is one.
    pub pkg_config: Option<&'a Path>,
    /// The user's `PKG_CONFIG_PATH`.
    pub pkg_config_path: Option<&'a OsStr>,
    /// The folders in which the linker looks for libraries.
    pub library_dirs: &'a [PathBuf],
}

/// A library that answers a header.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FoundLibrary {
    /// The header it was found for.
    pub header: String,
    /// The package's name; empty for a plain library.
    pub package: String,
    /// Libraries to link (`sqlite3` for `-lsqlite3`).
    pub libs: Vec<String>,
    /// Folders for `-L`.
    pub lib_dirs: Vec<PathBuf>,
    /// Folders for `-I`.
    pub include_dirs: Vec<PathBuf>,
    /// Macros the package wants defined (`NAME` or `NAME=value`).
    pub defines: Vec<String>,
    /// Other flags, for compiling and linking (`-pthread`).
    pub flags: Vec<String>,
    /// The package's description; none for a plain library.
    pub pc_file: Option<PathBuf>,
}

/// The libraries that answer `query`'s headers; each package once, for its first header.
pub fn libraries_for_headers(ask: &Ask<'_>, query: &HeaderQuery<'_>) -> Vec<FoundLibrary> {
    let packages = Packages::open(ask, query);
    let mut found: Vec<FoundLibrary> = Vec::new();
    let mut seen = BTreeSet::new();
    for header in query.headers {
        for library in packages.answer(header) {
            let name = if library.package.is_empty() {
                format!("-l {:?} {:?}", library.libs, library.flags)
            } else {
                library.package.clone()
            };
            if seen.insert(name) {
                found.push(library);
            }
        }
    }
    found
}

/// What is installed.
struct Packages<'a> {
    ask: &'a Ask<'a>,
    query: &'a HeaderQuery<'a>,
    /// The folders with `.pc` files.
    dirs: Vec<PathBuf>,
}

impl<'a> Packages<'a> {
    fn open(ask: &'a Ask<'a>, query: &'a HeaderQuery<'a>) -> Packages<'a> {
        let mut packages = Packages { ask, query, dirs: Vec::new() };
        let given = query.pkg_config_path.map(bytes_of).unwrap_or_default();
        let builtin = packages.run(&["--variable=pc_path", "pkg-config"], &[]).unwrap_or_default();
        let lists = [given, builtin.trim_ascii()];
        let dirs = lists.iter().flat_map(|list| list.split(|&b| b == b':')).filter(|dir| !dir.is_empty());
        packages.dirs = dirs.map(path_from_bytes).collect();
        packages
    }

    /// The libraries for one header.
    fn answer(&self, header: &str) -> Vec<FoundLibrary> {
        if is_threads(header) {
            let flags = vec!["-pthread".to_owned()];
            return vec![FoundLibrary { header: header.into(), flags, ..FoundLibrary::default() }];
        }
        let Some(known) = headers::known(header) else {
            return self.namesake(header).into_iter().collect();
        };
        let package = known.packages.iter().find_map(|package| self.package(header, package));
        if package.is_some() {
            return package.into_iter().collect();
        }
        // The C++ driver links the mathematics library by itself.
        let needless = known.libs == ["m"] && self.query.lang == Lang::Cxx;
        if known.libs.is_empty() || needless || !known.libs.iter().all(|lib| self.installed(lib)) {
            return Vec::new();
        }
        let libs = known.libs.iter().map(|&lib| lib.to_owned()).collect();
        vec![FoundLibrary { header: header.into(), libs, ..FoundLibrary::default() }]
    }

    /// A package with the header's own name, if it really has the header.
    fn namesake(&self, header: &str) -> Option<FoundLibrary> {
        let path = Path::new(header);
        let stem = path.file_stem()?.to_str()?;
        let folder = path.components().next()?.as_os_str().to_str()?;
        let folder = (folder != header).then_some(folder);
        let names = folder.into_iter().chain([stem]).flat_map(|name| [name.to_owned(), format!("lib{name}")]);
        let fits = |found: &FoundLibrary| self.has(found, header) && !self.is_archived(found);
        names.into_iter().find_map(|name| self.package(header, &name).filter(fits))
    }

    /// The installed package `name`.
    fn package(&self, header: &str, name: &str) -> Option<FoundLibrary> {
        let file = format!("{name}.pc");
        let pc_file = self.dirs.iter().map(|dir| dir.join(&file)).find(|path| path.is_file())?;
        // A package may require others, so all folders of descriptions count.
        let mut watched = vec![pc_file.clone()];
        watched.extend(self.dirs.iter().cloned());
        let output = self.run(&["--cflags", "--libs", name], &watched)?;
        let words = shlex::split(&String::from_utf8_lossy(&output))?;
        let mut found = FoundLibrary {
            header: header.to_owned(),
            package: name.to_owned(),
            pc_file: Some(pc_file),
            ..FoundLibrary::default()
        };
        for word in words {
            found.add(word);
        }
        Some(found)
    }

    /// Whether `found` has `header` in a folder of its own or in its declared one.
    fn has(&self, found: &FoundLibrary, header: &str) -> bool {
        let Some(pc_file) = &found.pc_file else { return false };
        let variable = self.run(&["--variable=includedir", &found.package], std::slice::from_ref(pc_file));
        let declared = variable.map(|text| path_from_bytes(text.trim_ascii()));
        let dirs = found.include_dirs.iter().chain(declared.iter().filter(|dir| dir.is_absolute()));
        dirs.into_iter().any(|dir| dir.join(header).is_file())
    }

    /// Whether the linker would take all of it from archives.  What is only guessed must not answer what
    /// the C library does, and no linker takes an archive back that turns out not to be needed.
    fn is_archived(&self, found: &FoundLibrary) -> bool {
        let is_there = |lib: &String, ext: &str| {
            let mut dirs = found.lib_dirs.iter().chain(self.query.library_dirs);
            dirs.any(|dir| dir.join(format!("lib{lib}.{ext}")).is_file())
        };
        let is_shared = |lib: &String| ["so", "dylib", "tbd"].iter().any(|ext| is_there(lib, ext));
        found.libs.iter().any(|lib| is_there(lib, "a")) && !found.libs.iter().any(is_shared)
    }

    fn installed(&self, lib: &str) -> bool {
        let dirs = self.query.library_dirs.iter();
        dirs.flat_map(|dir| ["so", "a", "dylib", "tbd"].map(|ext| dir.join(format!("lib{lib}.{ext}"))))
            .any(|path| path.is_file())
    }

    /// What pkg-config prints; `None` when there is none or it refuses.
    fn run(&self, arguments: &[&str], watched: &[PathBuf]) -> Option<Vec<u8>> {
        let program = self.query.pkg_config?;
        let mut argv = vec![bytes_of(program.as_os_str()).to_vec()];
        argv.extend(arguments.iter().map(|arg| arg.as_bytes().to_vec()));
        let mut files = vec![program.to_owned()];
        files.extend_from_slice(watched);
        let path = self.query.pkg_config_path;
        let env: Vec<_> =
            path.map(|path| (b"PKG_CONFIG_PATH".to_vec(), bytes_of(path).to_vec())).into_iter().collect();
        self.ask.output_with(&argv, &env, &files).ok()
    }
}

impl FoundLibrary {
    /// Sorts one word of pkg-config's answer into its place.
    fn add(&mut self, word: String) {
        let dir = |rest: &str| PathBuf::from(rest);
        if let Some(rest) = word.strip_prefix("-l") {
            self.libs.push(rest.to_owned());
        } else if let Some(rest) = word.strip_prefix("-L") {
            self.lib_dirs.push(dir(rest));
        } else if let Some(rest) = word.strip_prefix("-I") {
            self.include_dirs.push(dir(rest));
        } else if let Some(rest) = word.strip_prefix("-D") {
            self.defines.push(rest.to_owned());
        } else {
            self.flags.push(word);
        }
    }
}

/// Whether code that includes `header` starts threads, which takes a flag on older systems.
fn is_threads(header: &str) -> bool {
    ["pthread.h", "threads.h", "thread", "future", "mutex", "shared_mutex", "condition_variable"]
        .contains(&header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use crate::process::Cancel;
    use crate::toolchain::Learned;

    /// A folder of packages and one of libraries.
    fn world() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["pc", "lib", "include dir/sub"] {
            fs::create_dir_all(&dir.path().join(sub)).unwrap();
        }
        let root = dir.path().display().to_string();
        let pc = |name: &str, text: &str| {
            let head = format!("Name: {name}\nDescription: x\nVersion: 1\n");
            fs::write(&dir.path().join("pc").join(format!("{name}.pc")), (head + text).as_bytes()).unwrap();
        };
        let include =
            format!("includedir={}\n", format_args!("{root}/include dir").to_string().replace(' ', "\\ "));
        pc("sqlite3", "Libs: -L/opt/sq -lsqlite3\nCflags: -I/opt/sq/include -DSQ=1 -pthread\n");
        pc("libthing", &format!("{include}Libs: -lthing\nCflags: -I${{includedir}}\n"));
        pc("liar", &format!("{include}Libs: -lliar\n"));
        pc("inner", &format!("{include}Libs: -lm\nCflags: -I${{includedir}}\n"));
        fs::write(&dir.path().join("include dir/inner.h"), b"").unwrap();
        fs::write(&dir.path().join("include dir/thing.h"), b"").unwrap();
        for lib in ["libbz2.so", "libm.a", "libdl.so"] {
            fs::write(&dir.path().join("lib").join(lib), b"").unwrap();
        }
        dir
    }

    fn ask_for(dir: &Path, lang: Lang, headers: &[&str], pkg_config: Option<&Path>) -> Vec<FoundLibrary> {
        let learned = Learned::default();
        let cancel = Cancel::new();
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        libraries_for_headers(
            &Ask { learned: &learned, cancel: &cancel },
            &HeaderQuery {
                headers: &headers,
                lang,
                pkg_config,
                pkg_config_path: Some(dir.join("pc").as_os_str()),
                library_dirs: &[dir.join("lib")],
            },
        )
    }

    fn pkg_config() -> Option<&'static Path> {
        let path = Path::new("/usr/bin/pkg-config");
        if !path.exists() {
            eprintln!("skipped: no pkg-config");
        }
        path.exists().then_some(path)
    }

    #[test]
    fn a_known_header() {
        let Some(program) = pkg_config() else { return };
        let dir = world();
        let found = ask_for(dir.path(), Lang::Cxx, &["sqlite3.h", "sqlite3.h"], Some(program));
        let [sqlite] = &found[..] else { panic!("{found:?}") };
        assert_eq!(sqlite.libs, ["sqlite3"]);
        assert_eq!(sqlite.lib_dirs, [PathBuf::from("/opt/sq")]);
        assert_eq!(sqlite.include_dirs, [PathBuf::from("/opt/sq/include")]);
        assert_eq!(sqlite.defines, ["SQ=1"]);
        assert_eq!(sqlite.flags, ["-pthread"]);
        assert_eq!(sqlite.pc_file.as_deref(), Some(&*dir.path().join("pc/sqlite3.pc")));
    }

    #[test]
    fn a_package_of_the_headers_name_must_have_the_header() {
        let Some(program) = pkg_config() else { return };
        let dir = world();
        let found =
            ask_for(dir.path(), Lang::C, &["thing.h", "liar.h", "nothing.h", "inner.h"], Some(program));
        assert_eq!(found.iter().map(|lib| &*lib.package).collect::<Vec<_>>(), ["libthing"]);
        assert_eq!(found[0].include_dirs, [dir.path().join("include dir")]);
    }

    #[test]
    fn plain_libraries_need_no_pkg_config() {
        let dir = world();
        let libs = |lang, headers: &[&str]| -> Vec<String> {
            ask_for(dir.path(), lang, headers, None).into_iter().flat_map(|lib| lib.libs).collect()
        };
        assert_eq!(libs(Lang::C, &["math.h", "bzlib.h", "dlfcn.h", "sqlite3.h"]), ["m", "bz2", "dl"]);
        assert_eq!(libs(Lang::Cxx, &["math.h"]), [""; 0]);
        let threads = ask_for(dir.path(), Lang::Cxx, &["thread", "pthread.h"], None);
        assert_eq!(threads.len(), 1);
        assert_eq!(threads[0].flags, ["-pthread"]);
    }
}
