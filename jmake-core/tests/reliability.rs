//! Freshness where build tools go wrong: times that lie, headers that shadow, edits during a
//! build, sources and compilers that change places, compilers that lie.
//!
//! Every answer is compared with a clean build of the same tree.  The fake toolchain makes the
//! races certain: a compiler says when it has read its inputs and waits to be let go.
//! `JMAKE_REWRITES` (default 1,000) rounds of rewriting a file behind the memo's back.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jmake_core::memo::Memo;
use jmake_core::path::{FilePath, Root};
use support::fake::*;

/// Not a test of its own: what other tests start.
#[test]
fn child() {
    obey();
}

fn set_time(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn time_of(path: &Path) -> SystemTime {
    path.metadata().unwrap().modified().unwrap()
}

/// Builds, and compares with a clean build.
fn right(world: &World, what: &str) -> Said {
    let said = world.build_or_hang();
    said.assert_good(what);
    same(&world.published(), &world.clean(), what);
    said
}

/// The same size, the same time, the same inode: only the content is another.
#[test]
fn a_rewrite_that_restores_the_time_is_seen_by_the_memo() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.c");
    let kept = dir.path().join("memo");
    let root = Root::open(dir.path()).unwrap();
    let old = SystemTime::now() - Duration::from_secs(1000);
    for round in 0..campaign("JMAKE_REWRITES", 1000) {
        let text = format!("int v = {:06};\n", round);
        fs::write(&file, &text).unwrap();
        set_time(&file, old);
        let mut memo = Memo::new(root.clone(), jmake_core::fs::now(dir.path()).unwrap());
        memo.load(&kept);
        let found = memo.digest(&FilePath::new("a.c")).unwrap();
        assert!(found == jmake_core::digest::Digest::of(text.as_bytes()), "round {round}");
        memo.save(&kept, false).unwrap();
    }
}

#[test]
fn a_rewrite_that_restores_the_time_is_built() {
    let world = World::small();
    for round in 0..25 {
        for (name, text) in [("a.c", "int a(void) { return "), ("inc/x.h", "#define X ")] {
            let path = world.at(name);
            let time = path.metadata().map(|meta| meta.modified().unwrap());
            let end = if name == "a.c" { "; }\n" } else { "\n" };
            world.write(name, format!("{text}{round:04}{end}"));
            set_time(&path, time.unwrap_or_else(|_| SystemTime::now()));
            let said = world.build();
            said.assert_good("rewritten");
            assert!(!said.compiled().is_empty(), "round {round}: {name} was not compiled");
        }
    }
    right(&world, "in the end");
}

#[test]
fn times_in_the_past_and_in_the_future() {
    let world = World::small();
    right(&world, "first");
    for (round, days) in [-9000i64, 9000, -1, 27_000].into_iter().enumerate() {
        world.write("inc/x.h", format!("#define X {}\n", round + 10));
        let distance = Duration::from_secs(86_400 * days.unsigned_abs());
        let now = SystemTime::now();
        set_time(&world.at("inc/x.h"), if days < 0 { now - distance } else { now + distance });
        assert_eq!(right(&world, "another time").compiled(), ["a.c", "b.c"], "{days} days");
        world.assert_quiet("after another time");
    }
}

/// A header that takes the place of another appears, disappears, and arrives with its folder.
#[test]
fn headers_that_shadow() {
    let world = World::new().having(&[
        (
            "jmake.toml",
            "[project]\nname = \"p\"\n[compile]\ninclude_dirs = [\"first\", \"later\", \"second\"]\n",
        ),
        ("second/x.h", "#define X 2\n"),
        (
            "a.c",
            "#include <x.h>\n#if __has_include(<probe.h>)\nint probed;\n#endif\nint a(void) { return X; }\n",
        ),
        ("first/keep.h", ""),
    ]);
    right(&world, "nothing shadows");
    world.write("first/x.h", "#define X 1\n");
    assert_eq!(right(&world, "a shadow").compiled(), ["a.c"]);
    world.remove("first/x.h");
    assert_eq!(right(&world, "no shadow").compiled(), [""; 0], "the old result is in the store");
    world.write("later/x.h", "#define X 3\n");
    assert_eq!(right(&world, "a shadow in a new folder").compiled(), ["a.c"]);
    fs::remove_dir_all(world.at("later")).unwrap();
    assert_eq!(right(&world, "the folder is gone").compiled(), [""; 0]);
    world.write("first/probe.h", "this is never read");
    assert_eq!(right(&world, "what was asked for appears").compiled(), ["a.c"]);
    world.remove("first/probe.h");
    assert_eq!(right(&world, "and disappears").compiled(), [""; 0]);
    world.write("x.h", "#define X 4\n");
    right(&world, "beside the includer, but asked for in angles");
    fs::rename(world.at("second/x.h"), world.at("second/y.h")).unwrap();
    fs::create_dir(world.at("first/x.h")).unwrap();
    world.write("a.c", "#include \"x.h\"\nint a(void) { return X; }\n");
    right(&world, "a folder of the header's name is no header");
}

/// Waits for one of `files` and says which.
fn wait_for(files: &[std::path::PathBuf]) -> usize {
    loop {
        if let Some(at) = files.iter().position(|file| file.exists()) {
            return at;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A header is edited after the compiler has read it.
#[test]
fn an_edit_while_the_compiler_runs() {
    let world = World::new();
    let (read, go) = (world.dir().join("read"), world.dir().join("go"));
    let gate = format!("// fakecc: touch {}\n// fakecc: wait-for {}\n", read.display(), go.display());
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    world.write("x.h", "#define X 1\n");
    world.write("a.c", format!("{gate}#include \"x.h\"\nint a(void) {{ return X; }}\n"));
    std::thread::scope(|scope| {
        let building = scope.spawn(|| world.build());
        wait_for(std::slice::from_ref(&read));
        world.write("x.h", "#define X 2\n");
        fs::write(&go, "").unwrap();
        building.join().unwrap().assert_good("edited while compiling");
    });
    same(&world.published(), &world.clean(), "edited while compiling");
    world.assert_quiet("edited while compiling");
    world.write("x.h", "#define X 1\n");
    right(&world, "what the compiler had read first is stored under no wrong key");
    fs::remove_dir_all(world.at(".jmake")).unwrap();
    world.write("x.h", "#define X 2\n");
    right(&world, "nor under the other");
}

/// A unit was found fresh before its header was edited, another one read the edit: the library is
/// of neither tree, and the next build must see that.
#[test]
fn an_edit_after_a_unit_was_found_fresh() {
    let world = World::small();
    right(&world, "before");
    let (read, go) = (world.dir().join("read"), world.dir().join("go"));
    let gate = format!("// fakecc: touch {}\n// fakecc: wait-for {}\n", read.display(), go.display());
    world.write("b.c", format!("{gate}#include \"inc/x.h\"\nint b2(void) {{ return X; }}\n"));
    std::thread::scope(|scope| {
        let building = scope.spawn(|| world.build());
        wait_for(std::slice::from_ref(&read));
        world.write("inc/x.h", "#define X 2\n");
        fs::write(&go, "").unwrap();
        building.join().unwrap().assert_good("edited behind a fresh unit");
    });
    assert_eq!(right(&world, "the fresh unit is fresh no more").compiled(), ["a.c"]);
}

/// The compiler reads an edit that is undone before it ends: digest, time and size are as before.
#[test]
fn an_edit_that_is_undone_while_the_compiler_runs() {
    let mut world = World::new();
    world.request.wanted.jobs = Some(1);
    let at = |name: &str| world.dir().join(name);
    let (read, go) = ([at("read0"), at("read1")], [at("go0"), at("go1")]);
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    world.write("x.h", "#define X 1\n");
    for unit in 0..2 {
        world.write(format!("u{unit}.c"), format!("#include \"x.h\"\nint u{unit}(void) {{ return X; }}\n"));
    }
    right(&world, "before");
    let time = time_of(&world.at("x.h"));
    for unit in 0..2 {
        let gate = format!(
            "// fakecc: touch {}\n// fakecc: wait-for {}\n",
            read[unit].display(),
            go[unit].display()
        );
        world.write(
            format!("u{unit}.c"),
            format!("{gate}#include \"x.h\"\nint v{unit}(void) {{ return X; }}\n"),
        );
    }
    std::thread::scope(|scope| {
        let building = scope.spawn(|| world.build());
        let first = wait_for(&read);
        world.write("x.h", "#define X 2\n");
        fs::write(&go[first], "").unwrap();
        let second = 1 - first;
        wait_for(&read[second..=second]);
        world.write("x.h", "#define X 1\n");
        set_time(&world.at("x.h"), time);
        fs::write(&go[second], "").unwrap();
        building.join().unwrap().assert_good("edited and restored");
    });
    // The unit that was done before the header was restored saw the edit; the next build sees that.
    right(&world, "edited and restored");
    world.write("x.h", "#define X 2\n");
    right(&world, "the edit stays");
    fs::remove_dir_all(world.at(".jmake")).unwrap();
    right(&world, "the edit stays, from the cache");
}

#[test]
fn sources_that_go_and_change_their_names() {
    let world = World::small();
    right(&world, "first");
    world.remove("b.c");
    assert_eq!(right(&world, "one is deleted").compiled(), [""; 0]);
    fs::rename(world.at("a.c"), world.at("z.c")).unwrap();
    assert_eq!(right(&world, "one is renamed").compiled(), ["z.c"]);
    fs::rename(world.at("z.c"), world.at("a.c")).unwrap();
    assert_eq!(right(&world, "and back").compiled(), [""; 0]);
    world.write("b.c", "int b(void) { return 12; }\n");
    right(&world, "another of the old name");
    // Two sources change places.
    fs::rename(world.at("a.c"), world.at("t")).unwrap();
    fs::rename(world.at("b.c"), world.at("a.c")).unwrap();
    fs::rename(world.at("t"), world.at("b.c")).unwrap();
    right(&world, "changed places");
    world.assert_quiet("changed places");
}

#[test]
fn a_failed_compile_is_never_linked_over() {
    let world = World::small();
    right(&world, "first");
    let good = world.published();
    world.write("b.c", "#error \"broken\"\n");
    world.write("a.c", "int a(void) { return 77; }\n");
    for round in 0..3 {
        let said = world.build();
        let text = said.assert_bad("broken");
        assert_eq!(text.matches("1 error generated").count(), 1, "round {round}: {text}");
        same(&world.published(), &good, "the last good library stays");
    }
    world.write("b.c", "int b(void) { return 2; }\n");
    right(&world, "mended");
}

/// Another compiler of the same size and time in the place of the first.
#[test]
fn a_compiler_that_is_replaced() {
    let tools = tempfile::tempdir().unwrap();
    let root = tools.path().canonicalize().unwrap().join("llvm-19");
    install(&root, "one");
    let mut world = World::with_toolchain(&root).having(&SMALL);
    right(&world, "the first compiler");
    let clang = root.join("bin/clang");
    let (time, size) = (time_of(&clang), clang.metadata().unwrap().len());
    set_time(&clang, SystemTime::now());
    assert_eq!(world.build().started, [""; 0], "a compiler that was only touched");
    let other = tools.path().join("other");
    install(&other, "two");
    fs::write(&clang, fs::read(other.join("bin/clang")).unwrap()).unwrap();
    set_time(&clang, time);
    assert_eq!(clang.metadata().unwrap().len(), size);
    assert_eq!(right(&world, "the second compiler").compiled().len(), 4);
    let library = root.join("lib/libc.a");
    let time = time_of(&library);
    let mut bytes = fs::read(&library).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&library, bytes).unwrap();
    set_time(&library, time);
    assert_eq!(world.build().started, ["julia/libp.so"], "a library that the linker reads was replaced");
    world.request.wanted.profile = Some("dev".into());
    right(&world, "another profile");
}

/// What a lying or dying compiler leaves is never taken for a result.
#[test]
fn bad_results_are_never_kept() {
    let tools = tempfile::tempdir().unwrap();
    let root = tools.path().canonicalize().unwrap().join("llvm-19");
    install(&root, "");
    let plain = fs::read_to_string(root.join("bin/fakecc.toml")).unwrap();
    let faults =
        ["exit0-none", "exit0-empty", "exit0-half", "no-depfile", "truncate-depfile", "kill-self", "exit 3"];
    for fault in faults {
        for tool in ["clang", "ld.lld"] {
            if tool == "ld.lld" && fault.contains("depfile") {
                continue;
            }
            let what = format!("{tool}: {fault}");
            let world = World::with_toolchain(&root).having(&SMALL);
            let which = if tool == "clang" { "input = \"a.c\"\n" } else { "tool = \"ld.lld\"\n" };
            settings(&root, &format!("{plain}[[fault]]\ndo = {fault:?}\n{which}"));
            for _ in 0..2 {
                let text = world.build().assert_bad(&what);
                assert!(text.contains("error"), "{what}: {text}");
                assert!(world.published().is_empty(), "{what}");
            }
            settings(&root, &plain);
            fs::remove_dir_all(world.at(".jmake")).unwrap();
            let said = right(&world, &what);
            if tool == "clang" {
                assert!(said.compiled().contains(&"a.c"), "{what}: a bad object was kept");
            } else {
                assert!(said.started.contains(&"julia/libp.so".to_owned()), "{what}: a bad library was kept");
            }
            world.assert_verified(&what);
        }
    }
}

/// A compiler that outlived a killed build still writes, but not where the next build works.
#[test]
fn an_orphaned_compiler_does_no_harm() {
    let world = World::new();
    let at = |name: &str| world.dir().join(name);
    let (read, go, once) = (at("read"), at("go"), at("once"));
    let gate = format!(
        "// fakecc: touch {}\n// fakecc: log {}\n// fakecc: once {} wait-for {}\n",
        read.display(),
        at("log").display(),
        once.display(),
        go.display()
    );
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    world.write("a.c", format!("{gate}int a(void) {{ return 1; }}\n"));
    let order = Order {
        root: world.root.clone(),
        environment: world.environment.clone(),
        request: world.request.clone(),
        fault: Fault::default(),
        report: at("report"),
        collect: None,
    };
    let mut killed = child_command(&order).spawn().unwrap();
    wait_for(std::slice::from_ref(&once));
    killed.kill().unwrap();
    killed.wait().unwrap();
    world.write("a.c", format!("{gate}int a(void) {{ return 2; }}\n"));
    world.build_or_hang().assert_good("while an orphan runs");
    fs::write(&go, "").unwrap();
    let log = fs::read_to_string(at("log")).unwrap();
    let places: Vec<_> =
        log.lines().map(|line| line.split('\t').find(|arg| arg.starts_with("-o")).unwrap()).collect();
    assert!(places.len() >= 2 && places[0] != places[places.len() - 1], "{places:?}");
    right(&world, "after the orphan");
}
