//! Against real files made by the machine's clang, and against damaged ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::process::{self, Cancel, Spec};
use crate::toolchain::{Ask, Learned, Search, Toolchain};

/// Makes small binaries in a folder of its own; `None` without a compiler.
struct Workshop {
    dir: tempfile::TempDir,
    tools: Toolchain,
}

impl Workshop {
    fn open() -> Option<Workshop> {
        let learned = Learned::default();
        let cancel = Cancel::new();
        let search = Search { path: vec!["/usr/bin".into()], ..Search::default() };
        let tools = Toolchain::find(&search, &Ask { learned: &learned, cancel: &cancel }).ok();
        if tools.is_none() {
            eprintln!("skipped: no clang");
        }
        Some(Workshop { dir: tempfile::tempdir().unwrap(), tools: tools? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, tool: &str, arguments: &[&str]) {
        let program = self.tools.tool(tool).unwrap().path.to_str().unwrap().to_owned();
        let argv = std::iter::once(&*program).chain(arguments.iter().copied());
        let mut spec = Spec::new(argv, self.dir.path());
        spec.env.push((b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()));
        let ended = process::run(&spec, &Cancel::new()).unwrap();
        assert!(ended.success(), "{}", String::from_utf8_lossy(&ended.output));
    }

    /// Compiles `source` as C to `output` with `arguments`.
    fn make(&self, source: &str, output: &str, arguments: &[&str]) -> PathBuf {
        fs::write(&self.path("x.c"), source.as_bytes()).unwrap();
        let mut all = vec!["x.c", "-o", output];
        all.extend(arguments);
        self.run("clang", &all);
        self.path(output)
    }
}

const SOURCE: &str = "int shared_value = 3; static int own(int x) { return x + 1; }\n\
    __attribute__((visibility(\"hidden\"))) int hidden(void) { return 2; }\n\
    __attribute__((weak)) int weak(void) { return hidden(); }\n\
    int outside(int); int f(int x) { return outside(own(x)) + shared_value; }\n";

fn names(symbols: &[Symbol]) -> BTreeSet<&str> {
    symbols.iter().map(|symbol| &*symbol.name).collect()
}

#[test]
fn a_shared_library() {
    let Some(shop) = Workshop::open() else { return };
    let arguments = [
        "-g",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libx.so.1",
        "-Wl,--build-id=0xabcd",
        "-Wl,-rpath,$ORIGIN:/opt",
    ];
    let report = inspect(&shop.make(SOURCE, "libx.so", &arguments)).unwrap();
    assert_eq!((report.format, report.kind), ("ELF", BinaryKind::Shared));
    assert_eq!(report.machine, std::env::consts::ARCH);
    assert_eq!(report.soname.as_deref(), Some("libx.so.1"));
    assert_eq!(names(&report.exports), BTreeSet::from(["f", "shared_value", "weak"]));
    let role = |name: &str| report.exports.iter().find(|symbol| symbol.name == name).unwrap();
    assert_eq!(role("f").role, SymbolRole::Function);
    assert_eq!((role("shared_value").role, role("shared_value").size), (SymbolRole::Data, 4));
    assert!(role("weak").weak && !role("f").weak);
    assert!(names(&report.undefined).contains("outside"));
    assert!(report.needed.contains(&"libc.so.6".to_owned()));
    assert_eq!(report.search, ["$ORIGIN", "/opt"]);
    assert!(report.debug);
    assert_eq!(report.build_id.as_deref(), Some("abcd"));
}

#[test]
fn programs_objects_archives_and_bitcode() {
    let Some(shop) = Workshop::open() else { return };
    for (arguments, loads) in [(&["-pie"][..], true), (&["-static", "-nostdlib", "-Wl,-e,main"], false)] {
        let program = inspect(&shop.make("int main(void) { return 0; }", "program", arguments)).unwrap();
        assert_eq!(program.kind, BinaryKind::Executable);
        assert_eq!(program.interpreter.is_some(), loads);
    }
    let object = inspect(&shop.make(SOURCE, "x.o", &["-c"])).unwrap();
    assert_eq!((object.kind, object.debug), (BinaryKind::Object, false));
    assert!(names(&object.exports).is_superset(&BTreeSet::from(["f", "weak", "shared_value"])));
    assert_eq!(names(&object.undefined), BTreeSet::from(["outside"]));
    shop.make("int second(void) { return 2; }", "y.o", &["-c"]);
    fs::write(&shop.path("note.txt"), b"not an object").unwrap();
    shop.run("llvm-ar", &["rcs", "libx.a", "x.o", "y.o", "note.txt"]);
    let archive = inspect(&shop.path("libx.a")).unwrap();
    assert_eq!((archive.kind, archive.machine), (BinaryKind::Static, std::env::consts::ARCH));
    let members: Vec<_> = archive.members.iter().map(|member| member.path.display().to_string()).collect();
    assert_eq!(members, ["x.o", "y.o", "note.txt"]);
    assert_eq!(names(&archive.members[1].exports), BTreeSet::from(["second"]));
    shop.run("llvm-ar", &["rcsT", "libthin.a", "x.o"]);
    assert_eq!(inspect(&shop.path("libthin.a")).unwrap().members.len(), 1);
    let bitcode = inspect(&shop.make(SOURCE, "x.bc", &["-c", "-emit-llvm"])).unwrap();
    assert_eq!(bitcode.kind, BinaryKind::Bitcode);
}

#[test]
fn other_systems_objects() {
    let Some(shop) = Workshop::open() else { return };
    for (target, format, machine) in [
        ("--target=arm64-apple-macosx11", "Mach-O", "aarch64"),
        ("--target=x86_64-pc-windows-msvc", "COFF", "x86_64"),
        ("--target=i686-linux-gnu", "ELF", "i386"),
    ] {
        let report = inspect(&shop.make("int f(void) { return 1; }", "x.o", &["-c", target])).unwrap();
        assert_eq!((report.format, report.machine, report.kind), (format, machine, BinaryKind::Object));
        assert!(names(&report.exports).iter().any(|name| name.trim_start_matches('_') == "f"));
        let host = Host { triple: "aarch64-unknown-linux-gnu", library_dirs: &[] };
        assert!(problems(&report, &host).iter().any(|problem| problem.is_error()), "{target}");
    }
}

#[test]
fn problems_are_named() {
    let Some(shop) = Workshop::open() else { return };
    let triple = shop.tools.host_triple();
    let dirs = crate::toolchain::standard_library_dirs();
    let host = Host { triple, library_dirs: &dirs };
    let messages = |path: &Path| -> Vec<String> {
        problems(&inspect(path).unwrap(), &host).into_iter().map(|problem| problem.message).collect()
    };
    let shared = ["-shared", "-fPIC", "-Wl,-soname,liby.so"];
    let good = shop.make("int y(void) { return 1; }", "liby.so", &shared);
    assert_eq!(messages(&good), [""; 0]);
    let user = shop.make(
        "int y(void); int z(void) { return y(); }",
        "libz.so",
        &["-shared", "-fPIC", "liby.so", "-Wl,-soname,libz.so"],
    );
    assert_eq!(messages(&user), ["the library needs `liby.so`, which is not installed"]);
    shop.make(
        "int y(void); int z(void) { return y(); }",
        "libz.so",
        &["-shared", "-fPIC", "liby.so", "-Wl,-soname,libz.so", "-Wl,-rpath,$ORIGIN"],
    );
    assert_eq!(messages(&user), [""; 0]);
    let empty = shop.make("static int own;", "libempty.so", &["-shared", "-fPIC"]);
    assert_eq!(messages(&empty), ["the library exports no symbols", "the library has no soname"]);
    fs::write(&shop.path("libtext.so"), b"INPUT(libreal.so)\n").unwrap();
    assert_eq!(messages(&shop.path("libtext.so")), ["the file is text, not a library"]);
}

#[test]
fn damaged_files_are_errors_or_shorter_reports() {
    let Some(shop) = Workshop::open() else { return };
    let library = shop.make(SOURCE, "libx.so", &["-shared", "-fPIC", "-nostdlib", "-s"]);
    let object = shop.make(SOURCE, "x.o", &["-c"]);
    shop.run("llvm-ar", &["rcs", "libx.a", "x.o"]);
    let mach = shop.make("int f(void) { return 1; }", "mach.o", &["-c", "--target=arm64-apple-macosx11"]);
    let coff = shop.make("int f(void) { return 1; }", "coff.o", &["-c", "--target=x86_64-pc-windows-msvc"]);
    for path in [library, object, shop.path("libx.a"), mach, coff] {
        let good = fs::read(&path).unwrap();
        for len in 0..good.len() {
            drop(report(&path, &good[..len], true));
        }
        // The same damage on every run: a multiplicative sequence chooses places and values.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut bad = good.clone();
        for round in 0..2000 {
            for _ in 0..1 + round % 7 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Tables and headers are at both ends; damage there is worth more.
                let place = (state >> 33) as usize % good.len();
                let place = if round % 3 == 0 { place % 512.min(good.len()) } else { place };
                bad[place] = (state >> 20) as u8;
            }
            drop(report(&path, &bad, true));
            if round % 40 == 0 {
                bad.clone_from(&good);
            }
        }
    }
    assert!(inspect(&shop.path("absent")).is_err());
    assert!(report(Path::new("x"), b"\x7fELF", true).is_err());
    assert!(report(Path::new("x"), b"", true).is_err());
}

#[test]
fn which_library_defines_a_symbol() {
    let Some(shop) = Workshop::open() else { return };
    shop.make("int apple(void) { return 1; } static int core;", "libfruit.so", &["-shared", "-fPIC"]);
    shop.make("int apple(void) { return 1; } int pear = 2;", "libtree.so", &["-shared", "-fPIC"]);
    fs::write(&shop.path("libbroken.so"), b"\x7fELF junk").unwrap();
    fs::write(&shop.path("libtext.so"), b"INPUT(x)").unwrap();
    let dirs = [shop.dir.path().to_owned(), shop.path("absent")];
    let found = libraries_defining(&["apple", "pear", "core", "nothing"], &dirs);
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let expect = [("apple".to_owned(), list(&["fruit", "tree"])), ("pear".to_owned(), list(&["tree"]))];
    assert_eq!(found, expect.into());
}
