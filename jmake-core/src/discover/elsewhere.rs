//! Sources that are named for another system, or for another kind of machine.
//!
//! A name alone proves little: `windows_1252.c` is a table.  But where one named for this system
//! stands beside it, the other is its counterpart there: `events_windows.c` beside
//! `events_posix.c`, `haiku_usb.c` beside `linux_usb.c`, all of `mips/` beside `x86/`.

use std::collections::BTreeSet;

use super::reasons::words;
use super::{Category, Tree};
use crate::path::FilePath;

/// Names of systems, and what they are called.
const SYSTEMS: [(&str, &str); 26] = [
    ("linux", "Linux"),
    ("windows", "Windows"),
    ("win", "Windows"),
    ("win32", "Windows"),
    ("win64", "Windows"),
    ("winrt", "Windows"),
    ("darwin", "macOS"),
    ("mac", "macOS"),
    ("macos", "macOS"),
    ("macosx", "macOS"),
    ("osx", "macOS"),
    ("ios", "iOS"),
    ("android", "Android"),
    ("haiku", "Haiku"),
    ("beos", "BeOS"),
    ("freebsd", "FreeBSD"),
    ("netbsd", "NetBSD"),
    ("openbsd", "OpenBSD"),
    ("sunos", "Solaris"),
    ("solaris", "Solaris"),
    ("aix", "AIX"),
    ("hpux", "HP-UX"),
    ("os2", "OS/2"),
    ("amiga", "AmigaOS"),
    ("vms", "OpenVMS"),
    ("emscripten", "Emscripten"),
];

/// Names of kinds of machines, and what they are called.
const MACHINES: [(&str, &str); 22] = [
    ("x86", "x86 processors"),
    ("x8664", "x86 processors"),
    ("amd64", "x86 processors"),
    ("x64", "x86 processors"),
    ("arm", "Arm processors"),
    ("arm64", "Arm processors"),
    ("aarch64", "Arm processors"),
    ("mips", "MIPS processors"),
    ("mips64", "MIPS processors"),
    ("loongarch", "LoongArch processors"),
    ("loongarch64", "LoongArch processors"),
    ("power", "POWER processors"),
    ("powerpc", "POWER processors"),
    ("ppc", "POWER processors"),
    ("ppc64", "POWER processors"),
    ("riscv", "RISC-V processors"),
    ("riscv64", "RISC-V processors"),
    ("s390", "s390 processors"),
    ("s390x", "s390 processors"),
    ("sparc", "SPARC processors"),
    ("alpha", "Alpha processors"),
    ("wasm32", "WebAssembly"),
];

/// What this system and this machine are called in names.
const SYSTEM: &[&str] = if cfg!(target_os = "macos") {
    &["darwin", "mac", "macos", "macosx", "osx", "posix", "unix"]
} else {
    &["linux", "posix", "unix"]
};
const MACHINE: &[&str] = if cfg!(target_arch = "x86_64") {
    &["x86", "x8664", "amd64", "x64"]
} else if cfg!(target_arch = "aarch64") {
    &["arm", "arm64", "aarch64"]
} else {
    &[]
};

/// Where in a name the word stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// It begins a source's name.
    First,
    /// It ends a source's name, behind these words.
    Last(Vec<u8>),
    /// It is a folder's name.
    Folder,
}

/// What stands beside: its folder, where the word stands, and whether it names a machine.
type Beside = (Vec<u8>, Place, bool);

/// What in a tree is named for this system or machine.
pub(super) struct Elsewhere(BTreeSet<Beside>);

impl Elsewhere {
    pub fn new(tree: &Tree) -> Elsewhere {
        let is_unit = |category: Category| category.is_unit();
        let files =
            tree.files.iter().filter(|file| is_unit(file.category)).flat_map(|file| in_file(&file.path));
        let all = files.chain(tree.dirs.iter().filter_map(in_dir));
        let here = all.filter_map(|(beside, word)| {
            let known = if beside.2 { MACHINE } else { SYSTEM };
            known.contains(&&*word).then_some(beside)
        });
        Elsewhere(here.collect())
    }

    /// What the source at `path` is for, by its name, when that is not this.
    pub fn named_for(&self, path: &FilePath) -> Option<&'static str> {
        all_in(path).find_map(|(beside, word)| {
            let (here, all) = if beside.2 { (MACHINE, &MACHINES[..]) } else { (SYSTEM, &SYSTEMS[..]) };
            let (_, shown) = all.iter().find(|(known, _)| *known == word)?;
            (!here.contains(&&*word) && self.0.contains(&beside)).then_some(*shown)
        })
    }
}

/// Whether `path` names this system or machine, itself or by one of its folders.
pub fn is_for_here(path: &FilePath) -> bool {
    all_in(path).any(|(beside, word)| {
        let here = if beside.2 { MACHINE } else { SYSTEM };
        here.contains(&&*word)
    })
}

/// The words of a source's name, and of those of its folders, that may tell what it is for.
fn all_in(path: &FilePath) -> impl Iterator<Item = (Beside, String)> {
    let dirs = std::iter::successors(path.parent(), FilePath::parent);
    in_file(path).into_iter().chain(dirs.filter_map(|dir| in_dir(&dir)))
}

/// The words of a source's name that may tell what it is for.
fn in_file(path: &FilePath) -> Vec<(Beside, String)> {
    let words = words(path.stem());
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let dir = path.parent_bytes().to_vec();
    let at_end = Some((last, Place::Last(before.join(&b' '))));
    let at_start = before.first().map(|first| (first, Place::First));
    let both = at_end.into_iter().chain(at_start);
    both.filter_map(|(word, place)| named(&dir, word, place)).collect()
}

/// The same of a folder's name.
fn in_dir(dir: &FilePath) -> Option<(Beside, String)> {
    let word = words(dir.file_name()).concat();
    named(dir.parent_bytes(), &word, Place::Folder).into_iter().next()
}

fn named(dir: &[u8], word: &[u8], place: Place) -> Option<(Beside, String)> {
    let word = std::str::from_utf8(word).ok()?;
    let is_in = |list: &[(&str, &str)]| list.iter().any(|(known, _)| *known == word);
    let is_machine = is_in(&MACHINES);
    let is_known = is_machine || is_in(&SYSTEMS) || SYSTEM.contains(&word);
    is_known.then(|| ((dir.to_vec(), place, is_machine), word.to_owned()))
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use crate::discover::LeftOut;
    use crate::discover::tests::Project;

    #[test]
    fn what_is_named_for_another_system_yields_to_its_counterpart() {
        let files = [
            ("os/events_posix.c", ""),
            ("os/events_windows.c", ""),
            ("os/linux_usb.c", ""),
            ("os/haiku_usb.cpp", ""),
            ("os/null_usb.c", ""),
            ("net/unix.c", ""),
            ("net/win32.c", ""),
            ("table/windows_1252.c", ""),
            ("table/windows.c", ""),
            ("mac/hid.c", ""),
            ("linux/hid.c", ""),
        ];
        let project = Project::new(&files);
        assert_eq!(
            project.targets(),
            "lib p: linux/hid.c net/unix.c os/events_posix.c os/linux_usb.c os/null_usb.c table/windows.c table/windows_1252.c\n"
        );
        assert_eq!(project.reason("os/haiku_usb.cpp"), Some(LeftOut::NamedForOther("Haiku".into())));
        assert_eq!(project.reason("mac/hid.c"), Some(LeftOut::NamedForOther("macOS".into())));
    }

    #[test]
    fn of_folders_of_headers_that_for_this_machine_is_searched() {
        let project = Project::new(&[
            ("src/a.c", "#include \"target.h\""),
            ("src/aarch64/target.h", ""),
            ("src/arc/target.h", ""),
            ("src/x86/target.h", ""),
        ]);
        assert_eq!(project.discover().include_dirs, [crate::path::FilePath::new("src/x86")]);
    }

    #[test]
    fn what_is_named_for_another_machine_yields_where_one_is_for_this() {
        let files = [
            ("a.c", ""),
            ("arch/x86/fast.c", ""),
            ("arch/mips/fast.c", ""),
            ("arch/generic/fast.c", ""),
            ("cpu_x86_64.c", ""),
            ("cpu_arm.c", ""),
            ("other/arm/only.c", ""),
        ];
        assert_eq!(
            Project::new(&files).targets(),
            "lib p: a.c arch/generic/fast.c arch/x86/fast.c cpu_arm.c cpu_x86_64.c other/arm/only.c\n"
        );
        let described = ("CMakeLists.txt", "project(p)\nadd_library(p a.c arch/mips/fast.c)\n");
        let all: Vec<_> = files.into_iter().chain([described]).collect();
        assert_eq!(Project::new(&all).targets(), "lib p: a.c arch/mips/fast.c\n", "it is said so");
    }
}
