//! Projects that move, are cloned, or bear any name: with the real clang where one is installed.
//!
//! Two checkouts at different places must give the same bytes, the second one without a single
//! compile, and no output may tell where it was made.  Names are compared with what clang itself
//! writes into a depfile.  Without clang 19 the tests that need it say that they were skipped;
//! with `JMAKE_REQUIRE_ALL` they fail.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::fake::*;

fn real_llvm() -> Option<PathBuf> {
    let found = Some(PathBuf::from("/usr/lib/llvm-19")).filter(|root| root.join("bin/clang").is_file());
    if found.is_none() {
        assert!(std::env::var_os("JMAKE_REQUIRE_ALL").is_none(), "clang 19 is not installed");
        println!("skipped: clang 19 is not installed");
    }
    found
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Builds at one place, then a copy at another with the same cache, then the first one moved.
fn check_places(toolchain: &Path, profile: &str, lto: &str) {
    let what = format!("{} {profile} lto={lto}", toolchain.display());
    let mut world = World::with_toolchain(toolchain).having(&SMALL);
    world.write("e.c", "const char *file(void) { return __FILE__; }\n");
    world.request.wanted.profile = Some(profile.into());
    world.request.wanted.lto = Some(lto.into());
    world.build_or_hang().assert_good(&what);
    let first = world.published();
    let place = world.root.to_str().unwrap().as_bytes().to_vec();
    let made = [world.at("julia"), world.at(".jmake").join(profile)].map(|dir| files(&dir)).concat();
    for file in made {
        assert!(!contains(&fs::read(&file).unwrap(), &place), "{what}: {file:?} tells where it was made");
    }
    let longer = world.dir().join("work/a/much longer/place of it/p");
    copy_tree(&world.root, &longer, &[".jmake", "julia", "compile_commands.json"]);
    let said = world.build_in(&longer);
    said.assert_good(&what);
    assert_eq!(said.started, [""; 0], "{what}: all is in the cache");
    same(&published(&longer), &first, &what);

    let moved = world.dir().join("work/moved/p");
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    fs::rename(&world.root, &moved).unwrap();
    let said = world.build_in(&moved);
    said.assert_good(&what);
    assert_eq!(said.started, [""; 0], "{what}: nothing runs after a move");
    same(&published(&moved), &first, &what);

    // And without any cache: the same bytes made anew.
    world.environment.cache_home = Some(world.dir().join("another cache"));
    fs::remove_dir_all(longer.join(".jmake")).unwrap();
    fs::remove_dir_all(longer.join("julia")).unwrap();
    let said = world.build_in(&longer);
    let compiled: BTreeSet<_> = said.compiled().into_iter().collect();
    assert_eq!(compiled.len(), 5, "{what}");
    same(&published(&longer), &first, &format!("{what}: made elsewhere"));
}

#[test]
fn two_places_with_the_fake_compiler() {
    for lto in ["off", "full"] {
        check_places(shared_toolchain(), "release", lto);
    }
}

#[test]
fn two_places_with_clang() {
    let Some(llvm) = real_llvm() else { return };
    check_places(&llvm, "release", "off");
    check_places(&llvm, "dev", "off");
    check_places(&llvm, "release", "thin");
}

/// A file name of the worst characters that an `#include` can spell.
fn nasty(dice: &mut Dice, at: usize) -> Vec<u8> {
    let pieces: [&[u8]; 28] = [
        b" ",
        b"  ",
        b"$",
        b"$$",
        b"#",
        b"\\",
        b"\\\\",
        b"\\ ",
        b"\\#",
        b"'",
        b"(",
        b")",
        b"&",
        b";",
        b"|",
        b"*",
        b"?",
        b"[",
        b"%",
        b":",
        b"~",
        b"=",
        b"@",
        b"\t",
        b"\xfe",
        b"\xc3\xa4",
        b"-",
        b",",
    ];
    let mut name = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let piece: &[u8] = dice.pick::<&[u8]>(&pieces);
        name.extend_from_slice(piece);
        if dice.below(2) == 0 {
            name.push(b'a' + dice.below(26) as u8);
        }
    }
    name.extend(format!("{at}").bytes());
    if dice.below(3) > 0 {
        let piece: &[u8] = dice.pick::<&[u8]>(&pieces);
        name.extend_from_slice(piece);
    }
    name.extend_from_slice(b".h");
    name
}

/// What clang writes about a thousand names is read as exactly these names, or refused.
#[test]
fn names_through_the_depfile_of_clang() {
    let Some(llvm) = real_llvm() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(3);
    let mut opened = BTreeSet::from([b"main.c".to_vec()]);
    let mut source = Vec::new();
    for at in 0..1000 {
        let name = nasty(&mut dice, at);
        fs::write(dir.path().join(OsString::from_vec(name.clone())), "").unwrap();
        source.extend_from_slice(&[b"#include \"", &name[..], b"\"\n"].concat());
        opened.insert(name);
    }
    fs::write(dir.path().join("main.c"), source).unwrap();
    let mut clang = Command::new(llvm.join("bin/clang"));
    clang.args(["-c", "main.c", "-MD", "-MFdeps", "-omain.o", "-w"]).current_dir(dir.path());
    let output = clang.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read(dir.path().join("deps")).unwrap();
    let read: BTreeSet<Vec<u8>> =
        jmake_core::depfile::parse(&text).unwrap().iter().map(|path| path.as_bytes().to_vec()).collect();
    let show = |names: Vec<&Vec<u8>>| {
        names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect::<Vec<_>>()
    };
    // clang turns a backslash into a slash and leaves a tab as it is: such names cannot be read
    // back, and the build must not take them for others.
    let trackable = |name: &&Vec<u8>| !name.iter().any(|b| matches!(b, b'\\' | b'\t'));
    let missed = opened.difference(&read).filter(trackable).collect();
    assert_eq!(show(missed), Vec::<String>::new(), "opened but not read back");
    let there = |name: &&Vec<u8>| dir.path().join(OsString::from_vec((*name).clone())).is_file();
    let wrong = read.difference(&opened).filter(there).collect();
    assert_eq!(show(wrong), Vec::<String>::new(), "read back but never opened");
    let lost = opened.difference(&read).count();
    assert!(lost <= read.difference(&opened).count(), "a name vanished without a trace");
}

/// Sources whose names would meet in a flattened folder, in one library; all of them count.
#[test]
fn the_same_base_name_everywhere() {
    let world = World::new();
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    let names = [
        "a/util.cpp",
        "b/util.cpp",
        "util.c",
        "util.cpp",
        "a__b.cpp",
        "a/_b.cpp",
        "a/b.cpp",
        "a_/b.cpp",
        "a/b.c",
    ];
    for (at, name) in names.iter().enumerate() {
        world.write(name, format!("extern \"C\" int symbol_{at}_(void) {{ return {at}; }}\n"));
    }
    let said = world.build_or_hang();
    said.assert_good("same names");
    assert_eq!(said.compiled().len(), names.len());
    let (_, (_, library)) = world.published().into_iter().next().unwrap();
    for (at, name) in names.iter().enumerate() {
        assert!(contains(&library, format!("symbol_{at}_").as_bytes()), "{name}");
    }
    for (at, name) in names.iter().enumerate() {
        world.write(name, format!("extern \"C\" int changed_{at}_(void) {{ return {at}; }}\n"));
        assert_eq!(world.build_or_hang().compiled(), [*name]);
    }
    same(&world.published(), &world.clean(), "same names, changed");
}
