//! The whole module against small fake installations and against the machine's own clang.

use std::path::{Path, PathBuf};

use super::includes::Lang;
use super::link::{LinkKind, LinkQuery};
use super::*;
use crate::fs;
use crate::path::Root;
use crate::process::{self, Cancel, Spec};

/// Puts a program into `dir` that prints what the real one of `version` would.
fn fake(dir: &Path, name: &str, version: &str) {
    fs::create_dir_all(dir).unwrap();
    let product = match name.split('-').next() {
        Some("clang" | "clang++") => "clang",
        Some("ld.lld") => "LLD",
        _ => "LLVM",
    };
    let text = match product {
        "LLD" => format!("LLD {version} (compatible with GNU linkers)"),
        _ => format!("Fake {product} version {version}\nTarget: x86_64-fake-linux-gnu"),
    };
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{text}\nEND\n").as_bytes()).unwrap();
    fs::set_mode(&path, 0o755).unwrap();
}

const SET: [&str; 8] = ["clang", "clang++", "llvm-link", "opt", "llc", "llvm-nm", "llvm-ar", "ld.lld"];

fn fake_set(dir: &Path, names: &[&str], version: &str) {
    for name in names {
        fake(dir, name, version);
    }
}

/// Only what is below `dir`: `path` in `PATH`, `lib` as a place of installations.
fn search(dir: &Path, path: &[&str]) -> Search {
    Search {
        path: path.iter().map(|sub| dir.join(sub)).collect(),
        places: vec![dir.join("lib")],
        ..Search::default()
    }
}

fn find(search: &Search) -> Result<Toolchain, Missing> {
    let learned = Learned::default();
    let cancel = Cancel::new();
    Toolchain::find(search, &Ask { learned: &learned, cancel: &cancel })
}

fn paths(set: &Toolchain) -> Vec<(&str, &Path)> {
    SET.iter().filter_map(|&name| set.tool(name).map(|tool| (name, &*tool.path))).collect()
}

fn temp() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    (dir, real)
}

#[test]
fn clang_never_goes_with_tools_of_another_version() {
    let (_guard, dir) = temp();
    fake(&dir.join("bin"), "clang", "19.1.7");
    fake(&dir.join("bin"), "clang++", "19.1.7");
    fake_set(&dir.join("bin"), &["llvm-link", "opt", "llc"], "14.0.6");
    let set = find(&search(&dir, &["bin"])).unwrap();
    assert_eq!((set.major(), set.version()), (19, "19.1.7"));
    assert!(set.tool("llvm-link").is_none());
    assert_eq!(set.missing(), ["llvm-link", "opt", "llc", "llvm-nm", "llvm-ar", "ld.lld"]);

    // The right ones further down `PATH` complete it.
    fake_set(&dir.join("more"), &SET[2..], "19.1.0");
    let set = find(&search(&dir, &["bin", "more"])).unwrap();
    assert_eq!(set.missing(), [""; 0]);
    assert_eq!(set.tool("llvm_link").unwrap().path, dir.join("more/llvm-link"));
}

#[test]
fn a_complete_set_is_better_than_a_newer_incomplete_one() {
    let (_guard, dir) = temp();
    fake_set(&dir.join("bin"), &["clang", "clang++"], "20.1.0");
    fake_set(&dir.join("lib/llvm-17/bin"), &SET, "17.0.1");
    fake_set(&dir.join("lib/llvm-18/bin"), &SET, "18.1.0");
    fake_set(&dir.join("lib/llvm-13/bin"), &SET, "13.0.0");
    let set = find(&search(&dir, &["bin"])).unwrap();
    assert_eq!(set.major(), 18);
    assert_eq!(paths(&set).len(), SET.len());
    assert!(paths(&set).iter().all(|(_, path)| path.starts_with(dir.join("lib/llvm-18/bin"))));

    let mut asked = search(&dir, &["bin"]);
    asked.version = Some(17);
    assert_eq!(find(&asked).unwrap().major(), 17);
    asked.version = Some(20);
    assert_eq!(find(&asked).unwrap().missing().len(), 6);
    asked.version = Some(16);
    let missing = find(&asked).unwrap_err();
    assert_eq!(missing.what, "clang 16");
    assert!(missing.problems.iter().any(|problem| problem.ends_with("is version 18")), "{missing}");
}

#[test]
fn suffixed_names_in_path() {
    let (_guard, dir) = temp();
    let names: Vec<String> = SET.iter().map(|name| format!("{name}-18")).collect();
    fake_set(&dir.join("bin"), &names.iter().map(|name| &**name).collect::<Vec<_>>(), "18.1.3");
    fake_set(&dir.join("bin"), &["opt", "llc"], "14.0.0");
    let set = find(&search(&dir, &["bin"])).unwrap();
    assert_eq!(set.missing(), [""; 0]);
    assert_eq!(set.tool("opt").unwrap().path, dir.join("bin/opt-18"));
    assert_eq!(set.tool("clang").unwrap().path, dir.join("bin/clang-18"));
}

#[test]
fn a_link_into_an_installation_leads_to_its_tools_without_asking_each() {
    let (_guard, dir) = temp();
    fake_set(&dir.join("elsewhere/llvm-19/bin"), &SET, "19.1.7");
    fs::create_dir_all(&dir.join("bin")).unwrap();
    fs::symlink(&dir.join("elsewhere/llvm-19/bin/clang"), &dir.join("bin/clang-19")).unwrap();
    let learned = Learned::default();
    let cancel = Cancel::new();
    let set = Toolchain::find(&search(&dir, &["bin"]), &Ask { learned: &learned, cancel: &cancel }).unwrap();
    assert_eq!(set.missing(), [""; 0]);
    assert_eq!(set.bin_dir(), dir.join("elsewhere/llvm-19/bin"));
    assert_eq!(set.host_triple(), "x86_64-fake-linux-gnu");
    assert_eq!(learned.runs(), 1);
    assert_eq!(set.tools().len(), SET.len());
}

#[test]
fn a_root_excludes_everything_else() {
    let (_guard, dir) = temp();
    fake_set(&dir.join("bin"), &SET, "20.0.0");
    fake_set(&dir.join("own/bin"), &["clang", "clang++", "opt"], "18.0.0");
    let mut asked = search(&dir, &["bin"]);
    asked.root = Some(dir.join("own"));
    let set = find(&asked).unwrap();
    assert_eq!(set.major(), 18);
    assert_eq!(set.missing(), ["llvm-link", "llc", "llvm-nm", "llvm-ar", "ld.lld"]);
    asked.root = Some(dir.join("no such folder"));
    assert!(find(&asked).is_err());
    asked.root = Some("own".into());
    assert_eq!(find(&asked).unwrap_err().problems, ["`llvm.root` is `own`, which is not an absolute path"]);
}

#[test]
fn tools_named_by_the_user() {
    let (_guard, dir) = temp();
    fake_set(&dir.join("bin"), &SET, "19.0.0");
    fake(&dir.join("mine"), "my-link", "19.0.5");
    fake(&dir.join("mine"), "old-opt", "14.0.0");
    fake(&dir.join("mine"), "formatter", "1.0");
    let mut asked = search(&dir, &["bin"]);
    asked.tools.insert("llvm_link".into(), dir.join("mine/my-link"));
    asked.tools.insert("my_formatter".into(), dir.join("mine/formatter"));
    let set = find(&asked).unwrap();
    assert_eq!(set.tool("llvm-link").unwrap().path, dir.join("mine/my-link"));
    assert_eq!(set.tool("my_formatter").unwrap().path, dir.join("mine/formatter"));
    asked.tools.insert("opt".into(), dir.join("mine/old-opt"));
    let missing = find(&asked).unwrap_err();
    assert_eq!(
        missing.problems,
        ["`llvm.tools.opt` is version 14.0.0 but clang is version 19.0.0: their files do not mix"]
    );
    asked.tools.insert("opt".into(), dir.join("mine/absent"));
    assert!(find(&asked).is_err());
}

#[test]
fn nothing_at_all_names_the_command() {
    let (_guard, dir) = temp();
    for (program, command) in [
        ("apt-get", "apt-get install clang lld llvm"),
        ("dnf", "dnf install clang lld llvm"),
        ("pacman", "pacman -S clang lld llvm"),
        ("zypper", "zypper install clang lld llvm"),
        ("apk", "apk add clang lld llvm"),
        ("brew", "brew install llvm lld"),
    ] {
        fake(&dir.join(program), program, "1");
        let missing = find(&search(&dir, &[program])).unwrap_err();
        let install = missing.install.clone().unwrap();
        assert_eq!(install.strip_prefix("sudo ").unwrap_or(&install), command);
        assert_eq!(missing.what, "clang 14 or newer");
        assert!(missing.looked.contains(&dir.join(program)));
        assert_eq!(missing.diagnostic().hint, Some(format!("install it with `{install}`")));
    }
    assert_eq!(find(&search(&dir, &[])).unwrap_err().install, None);
}

#[test]
fn a_compiler_that_fails_or_a_launcher_is_passed_over() {
    let (_guard, dir) = temp();
    fake(&dir.join("bin"), "ccache", "4.0");
    fs::symlink(&dir.join("bin/ccache"), &dir.join("bin/clang")).unwrap();
    fs::create_dir_all(&dir.join("broken")).unwrap();
    fs::write(&dir.join("broken/clang"), b"#!/bin/sh\necho out of order\nexit 1\n").unwrap();
    fs::set_mode(&dir.join("broken/clang"), 0o755).unwrap();
    let missing = find(&search(&dir, &["bin", "broken"])).unwrap_err();
    let clang = |sub: &str| dir.join(sub).join("clang").display().to_string();
    assert_eq!(
        missing.problems,
        [
            format!("`{}` is `ccache`, not a compiler", clang("bin")),
            format!("`{}` exited with 1: out of order", clang("broken"))
        ]
    );
}

#[test]
fn linkers() {
    let (_guard, dir) = temp();
    fake_set(&dir.join("bin"), &SET, "19.0.0");
    fake_set(&dir.join("other"), &["ld.mold", "ld.bfd", "my-mold"], "1");
    fake_set(&dir.join("bare"), &["clang"], "19.0.0");
    let mut asked = search(&dir, &["bin", "other"]);
    let kind = |asked: &Search| find(asked).unwrap().linker().map(|linker| linker.kind);
    assert_eq!(kind(&asked), Some(LinkerKind::Lld));
    for (name, expect) in [
        ("lld", LinkerKind::Lld),
        ("mold", LinkerKind::Mold),
        ("bfd", LinkerKind::Bfd),
        ("ld", LinkerKind::Bfd),
    ] {
        asked.linker = Some(name.into());
        assert_eq!(kind(&asked), Some(expect));
    }
    asked.linker = Some(dir.join("other/my-mold").display().to_string());
    assert_eq!(kind(&asked), Some(LinkerKind::Mold));
    asked.linker = Some("gold".into());
    assert_eq!(find(&asked).unwrap_err().problems, ["the linker `gold` is not installed"]);
    assert_eq!(kind(&search(&dir, &["bare", "other"])), Some(LinkerKind::Mold));
    assert_eq!(kind(&search(&dir, &["bare"])), None);
}

/// The machine's own newest toolchain.
fn machine(ask: &Ask<'_>) -> Option<Toolchain> {
    let search = Search { path: vec!["/usr/local/bin".into(), "/usr/bin".into()], ..Search::default() };
    let set = Toolchain::find(&search, ask).ok();
    if set.is_none() {
        eprintln!("skipped: no clang");
    }
    set
}

fn memo(dir: &Path) -> Memo {
    Memo::new(Root::open(dir).unwrap(), fs::now(dir).unwrap())
}

#[test]
fn identity_follows_the_content_of_binary_and_libraries() {
    let learned = Learned::default();
    let cancel = Cancel::new();
    let ask = Ask { learned: &learned, cancel: &cancel };
    let Some(set) = machine(&ask) else { return };
    let (_guard, dir) = temp();
    // A small program that loads a library called like LLVM's through its run path.
    let bin = dir.join("llvm-19/bin");
    let lib = dir.join("llvm-19/lib");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&lib).unwrap();
    let source = dir.join("x.c");
    let compile = |text: &str, arguments: &[&str]| {
        fs::write(&source, text.as_bytes()).unwrap();
        let clang = set.tool("clang").unwrap().path.to_str().unwrap();
        let mut argv = vec![clang, "x.c"];
        argv.extend(arguments);
        let mut spec = Spec::new(argv, &dir);
        spec.env.push((b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()));
        let ended = process::run(&spec, &cancel).unwrap();
        assert!(ended.success(), "{}", String::from_utf8_lossy(&ended.output));
    };
    let library = |value: u32| {
        let text = format!("int value(void) {{ return {value}; }}");
        compile(&text, &["-shared", "-fPIC", "-o", "llvm-19/lib/libLLVM.so.99", "-Wl,-soname,libLLVM.so.99"]);
    };
    library(1);
    compile(
        "#include <stdio.h>\nint value(void);\nint main(void) { printf(\"clang version 19.%d\\nTarget: t\\n\", value() * 0); }",
        &["-o", "llvm-19/bin/clang", "llvm-19/lib/libLLVM.so.99", "-Wl,-rpath,$ORIGIN/../lib"],
    );
    let find = || find(&search(&dir, &["llvm-19/bin"])).unwrap();
    let identity = || find().identity(&memo(&dir), "clang").unwrap();
    let first = identity();
    let file = lib.join("libLLVM.so.99");
    assert!(find().consulted().contains(&FilePath::new(bytes_of(file.as_os_str()))));

    // Another time of change, the same content.
    filetime::set_file_mtime(&file, filetime::FileTime::from_unix_time(1_000_000_000, 0)).unwrap();
    assert_eq!(identity(), first);
    library(2);
    let second = identity();
    assert_ne!(second, first);
    library(1);
    assert_eq!(identity(), first);
    fs::write(&bin.join("clang.cfg"), b"-DX\n").unwrap();
    assert_ne!(identity(), first);
}

#[test]
fn the_machines_own_toolchain() {
    let (_guard, dir) = temp();
    let store = dir.join("learned");
    let cancel = Cancel::new();
    let asked = || {
        let learned = Learned::load(&store, i64::MAX);
        let ask = Ask { learned: &learned, cancel: &cancel };
        let set = machine(&ask)?;
        let dirs = set.include_dirs(&ask, Lang::Cxx, &[]).unwrap();
        let target = vec![b"--target=aarch64-linux-gnu".to_vec()];
        set.include_dirs(&ask, Lang::C, &target).unwrap();
        let native = set.native_text(&ask, Lang::C, &[b"-march=native".to_vec()]).unwrap();
        let flags = [b"-fsanitize=undefined".to_vec()];
        let query = LinkQuery { kind: LinkKind::Shared, lang: Lang::Cxx, flags: &flags, libraries: &[] };
        let line = set.link_line(&ask, &query).unwrap();
        assert!(dirs.dirs.iter().any(|dir| dir.to_path_buf().join("stdio.h").is_file()));
        assert!(native.contains("-target-cpu "), "{native}");
        learned.save(&store).unwrap();
        Some((dirs, native, line, learned.runs()))
    };
    let Some(cold) = asked() else { return };
    let warm = asked().unwrap();
    assert!(cold.3 >= 5);
    assert_eq!(warm.3, 0, "a warm run starts no process");
    assert_eq!((warm.0, warm.1, warm.2), (cold.0, cold.1, cold.2));
}

/// The learned line makes the same library as the driver, for every linker there is and for names
/// that need quoting.
#[test]
fn a_learned_line_links_what_the_driver_links() {
    let (_guard, dir) = temp();
    let learned = Learned::default();
    let cancel = Cancel::new();
    let ask = Ask { learned: &learned, cancel: &cancel };
    for linker in ["lld", "mold", "bfd"] {
        let search =
            Search { path: vec!["/usr/bin".into()], linker: Some(linker.into()), ..Search::default() };
        let Ok(set) = Toolchain::find(&search, &ask) else {
            eprintln!("skipped: no {linker}");
            continue;
        };
        let run = |argv: Vec<Vec<u8>>| {
            let mut spec = Spec::new(argv, &dir);
            spec.env.push((b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()));
            let ended = process::run(&spec, &cancel).unwrap();
            assert!(ended.success(), "{linker}: {}", String::from_utf8_lossy(&ended.output));
        };
        let bytes = |text: &str| text.as_bytes().to_vec();
        let driver = bytes_of(set.driver(Lang::Cxx).unwrap().path.as_os_str()).to_vec();
        fs::write(&dir.join("a $\"x.cpp"), b"#include <string>\nstd::string f() { return \"x\"; }\n")
            .unwrap();
        let object = bytes("a $\"x.o");
        run(vec![
            driver.clone(),
            bytes("-fPIC"),
            bytes("-c"),
            bytes("a $\"x.cpp"),
            bytes("-o"),
            object.clone(),
        ]);
        let flags = [bytes("-Wl,-soname,lib $\\q\".so")];
        let libraries = [bytes("-lm")];
        let query =
            LinkQuery { kind: LinkKind::Shared, lang: Lang::Cxx, flags: &flags, libraries: &libraries };
        let line = set.link_line(&ask, &query).unwrap();
        run(line.argv(b"direct.so", std::slice::from_ref(&object)));
        let mut argv = vec![driver, bytes("-shared")];
        argv.extend(set.linker_flags());
        argv.extend(flags.clone());
        argv.extend([bytes("-o"), bytes("driver.so"), object.clone(), libraries[0].clone()]);
        run(argv);
        assert_eq!(fs::read(&dir.join("direct.so")).unwrap(), fs::read(&dir.join("driver.so")).unwrap());
        assert!(line.files().iter().any(|file| file.ends_with("crti.o")));
    }
}
