//! What users really give to a build tool: folders without sources, broken files, huge trees,
//! hostile projects, caches that cannot be used.  A clear message, nothing lost, no panic.
//!
//! `JMAKE_MANY_UNITS` (default 300) units are built with 64 descriptors.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use jmake_core::cas::Limits;
use support::fake::*;

/// Not a test of its own: what other tests start.
#[test]
fn child() {
    obey();
}

fn order(world: &World) -> Order {
    Order {
        root: world.root.clone(),
        environment: world.environment.clone(),
        request: world.request.clone(),
        fault: Fault::default(),
        report: world.dir().join("report"),
        collect: None,
    }
}

/// What each bad project must make jmake say.
#[test]
fn bad_input_is_told_and_nothing_is_lost() {
    type Spoil = fn(&World);
    let cases: [(&str, Spoil, &[&str]); 11] = [
        ("no sources", |w| ["a.c", "b.c", "sub/c.cpp", "sub/d.c"].iter().for_each(|f| w.remove(f)), &["no "]),
        (
            "tests alone",
            |w| {
                ["a.c", "b.c", "sub/c.cpp", "sub/d.c"].iter().for_each(|f| w.remove(f));
                w.write("tests/t.c", "int main(void) { return 0; }\n");
            },
            &["no C or C++ sources to build", "tests/t.c", "test folder"],
        ),
        ("an error in a source", |w| w.write("b.c", "#error \"so it is\"\n"), &["b.c:1", "so it is"]),
        ("a missing header", |w| w.remove("inc/y.h"), &["y.h"]),
        ("no TOML", |w| w.write("jmake.toml", "[project\n"), &["jmake.toml"]),
        ("a wrong type", |w| w.write("jmake.toml", "[compile]\njobs = \"many\"\n"), &["jobs"]),
        ("a manifest that is no text", |w| w.write("jmake.toml", b"\xff\xfe"), &["jmake.toml"]),
        (
            "a manifest that is a folder",
            |w| {
                w.remove("jmake.toml");
                fs::create_dir(w.at("jmake.toml")).unwrap();
            },
            &["jmake.toml"],
        ),
        (
            "an output folder that is a file",
            |w| {
                fs::remove_dir_all(w.at("julia")).unwrap();
                w.write("julia", "mine");
                w.write("a.c", "int a3(void) { return 3; }\n");
            },
            &["julia"],
        ),
        (
            "an output that is a folder",
            |w| {
                w.remove("julia/libp.so");
                w.write("julia/libp.so/mine", "mine");
            },
            &["libp.so"],
        ),
        (
            "a source that is a FIFO",
            |w| {
                w.remove("b.c");
                let mode = rustix::fs::Mode::from_raw_mode(0o644);
                rustix::fs::mkfifoat(rustix::fs::CWD, w.at("b.c"), mode).unwrap();
            },
            &[],
        ),
    ];
    let good = World::small();
    good.build().assert_good("before");
    let library = good.published();
    for (name, spoil, words) in cases {
        let world = good.copy();
        spoil(&world);
        let before = world.published();
        for round in 0..2 {
            let what = format!("{name}, round {round}");
            let said = world.build_or_hang();
            // A FIFO is no source, so it is passed over; all else is an error.
            if words.is_empty() && said.success() {
                continue;
            }
            let text = said.assert_bad(&what);
            for word in words {
                assert!(text.contains(word), "{what}: no `{word}` in: {text}");
            }
            same(&world.published(), &before, &what);
        }
        fs::remove_dir_all(&world.root).unwrap();
        copy_tree(&good.root, &world.root, &[]);
        world.assert_right(&library, &format!("{name}, mended"));
    }
}

#[test]
fn links_that_lead_in_circles() {
    let world = World::small();
    let clean = world.clean();
    for (to, name) in
        [(".", "self"), ("..", "up"), ("y", "x"), ("x", "y"), ("julia", "out"), ("nowhere", "gone")]
    {
        symlink(to, world.at(name)).unwrap();
    }
    symlink("../..", world.at("sub/round")).unwrap();
    let said = world.build_or_hang();
    said.assert_good("circles");
    assert_eq!(said.compiled(), ["a.c", "b.c", "sub/c.cpp", "sub/d.c"]);
    same(&world.published(), &clean, "circles");
    world.build_or_hang().assert_good("with the published library behind a link");
    assert_eq!(world.build_or_hang().started, [""; 0]);
}

/// Someone who is not the superuser, for whom modes count.
fn as_nobody(world: &World) -> Said {
    use std::os::unix::process::CommandExt;
    let order = order(world);
    // The test binary may lie where nobody may go.
    let program = world.dir().join("tester");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    let like = child_command(&order);
    command.args(like.get_args());
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap());
    }
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).current_dir("/");
    command.uid(65_534).gid(65_534);
    finish_child(command, &order.report).said.expect("it ends with a report")
}

fn give_away(dir: &Path) {
    std::os::unix::fs::chown(dir, Some(65_534), Some(65_534)).unwrap();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => give_away(&entry.path()),
            false => std::os::unix::fs::lchown(entry.path(), Some(65_534), Some(65_534)).unwrap(),
        }
    }
}

/// Caches and files that a user may not touch.  Needs the superuser to become somebody else.
#[test]
fn what_belongs_to_others() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only the superuser can become somebody else");
        return;
    }
    let tools = tempfile::tempdir().unwrap();
    fs::set_permissions(tools.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = tools.path().join("llvm-19");
    install(&root, "");
    let start = || {
        let world = World::with_toolchain(&root).having(&SMALL);
        give_away(&world.dir());
        world
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();

    let world = start();
    std::os::unix::fs::chown(world.dir().join("cache"), Some(0), Some(0)).unwrap();
    let said = as_nobody(&world);
    said.assert_good("another's cache");
    assert_eq!(said.text.matches("cache cannot be written").count(), 1, "{}", said.text);

    let world = start();
    as_nobody(&world).assert_good("before the cache is read-only");
    for folder in walk(&world.cache()) {
        mode(&folder, 0o555);
    }
    fs::remove_dir_all(world.at(".jmake")).unwrap();
    let said = as_nobody(&world);
    said.assert_good("a read-only cache");
    assert_eq!(said.started, [""; 0], "hits still work: {}", said.text);

    for name in ["b.c", "inc/x.h"] {
        let world = start();
        mode(&world.at(name), 0);
        let said = as_nobody(&world);
        assert!(said.text.contains(name) && !said.text.contains("panic"), "{name}: {}", said.text);
    }
    let world = start();
    mode(&world.at("sub"), 0);
    let said = as_nobody(&world);
    assert!(said.text.contains("sub") || said.error.is_some_and(|e| e.contains("sub")), "{}", said.text);

    let world = start();
    mode(&world.root, 0o555);
    let text = as_nobody(&world).assert_bad("a project that cannot be written");
    assert!(text.contains(".jmake"), "{text}");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![dir.to_owned()];
    for entry in fs::read_dir(dir).unwrap().flatten().filter(|e| e.path().is_dir()) {
        found.extend(walk(&entry.path()));
    }
    found
}

/// A collector with room for hardly anything works while builds go on.
#[test]
fn a_cache_that_is_emptied_under_load() {
    let first = World::small();
    let clean = first.clean();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let age = std::time::Duration::from_secs(1 << 30);
                first.store().gc(Limits { max_size: 3000, max_age: age });
            }
        });
        let builders: Vec<_> = (0..2)
            .map(|_| {
                let mut world = World::small();
                world.environment.cache_home = first.environment.cache_home.clone();
                let clean = &clean;
                scope.spawn(move || {
                    for round in 0..15 {
                        fs::remove_dir_all(world.at(".jmake")).ok();
                        fs::remove_dir_all(world.at("julia")).ok();
                        world.build_or_hang().assert_good(&format!("round {round}"));
                        same(&world.published(), clean, "under load");
                    }
                })
            })
            .collect();
        let ended: Vec<_> = builders.into_iter().map(|builder| builder.join()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok));
    });
}

#[test]
fn deep_and_wide() {
    let world = World::new();
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    for at in 0..190 {
        world.write(format!("h{at}.h"), format!("#include \"h{}.h\"\n", at + 1));
    }
    world.write("h190.h", "#define DEEP 190\n");
    world.write("a.c", "#include \"h0.h\"\nint a(void) { return DEEP; }\n");
    // One name a level keeps the path below what the system takes.
    let deep = ["d"; 500].join("/");
    world.write(format!("{deep}/b.c"), "int b(void) { return 1; }\n");
    let clean = world.clean();
    world.assert_right(&clean, "deep");
    world.write("h190.h", "#define DEEP 191\n");
    assert_eq!(world.build_or_hang().compiled(), ["a.c"]);
}

#[test]
fn few_descriptors() {
    let world = World::new();
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    let units = campaign("JMAKE_MANY_UNITS", 300);
    for at in 0..units {
        world.write(format!("u{at}.c"), format!("int u{at}(void) {{ return {at}; }}\n"));
    }
    let order = order(&world);
    let like = child_command(&order);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]).arg(like.get_program()).args(like.get_args());
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap());
    }
    let said = finish_child(command, &order.report).said.unwrap();
    said.assert_good("64 descriptors");
    assert_eq!(said.compiled().len(), units);
    world.assert_quiet("after 64 descriptors");
}

#[test]
fn twenty_thousand_units_fit_on_the_stack() {
    let mut world = World::new();
    world.write("jmake.toml", "[project]\nname = \"p\"\n");
    for at in 0..20_000 {
        world.write(format!("d{}/u{at}.c", at % 100), "int u;\n");
    }
    world.request.dry_run = true;
    let said = world.build_or_hang();
    said.assert_good("20,000 units");
    assert!(said.started.is_empty() && !world.at("julia").exists());
}

/// Whatever a project's own build would run, jmake does not: neither to discover nor to build.
#[test]
fn nothing_of_a_repository_is_run() {
    let canary_dir = tempfile::tempdir().unwrap();
    let ran = canary_dir.path().join("ran");
    let script = format!("#!/bin/sh\ntouch {}\n", ran.display());
    let cases: [&[(&str, &str)]; 7] = [
        &[(
            "CMakeLists.txt",
            "project(p C)\nexecute_process(COMMAND touch CANARY)\nexecute_process(COMMAND ${CMAKE_SOURCE_DIR}/run)\n\
             try_run(r c ${CMAKE_BINARY_DIR} run.c)\nadd_custom_command(OUTPUT b.c COMMAND touch CANARY)\n\
             add_custom_target(t ALL COMMAND ./run)\nadd_library(p a.c)\n\
             add_custom_command(TARGET p PRE_BUILD COMMAND touch CANARY)\ninstall(CODE \"file(WRITE CANARY x)\")\n\
             file(WRITE CANARY x)\nfile(TOUCH CANARY)\n",
        )],
        &[(
            "meson.build",
            "project('p', 'c', version: run_command('touch', 'CANARY').stdout())\nrun_command('./run', check: true)\n\
             x = import('python').find_installation().run('CANARY')\nmeson.add_install_script('run')\n\
             c = custom_target('c', output: 'c.c', command: ['touch', 'CANARY'], build_by_default: true)\n\
             y = meson.get_compiler('c').run('int main(void) { return system(\"touch CANARY\"); }')\nlibrary('p', 'a.c')\n",
        )],
        &[
            (
                "Makefile.am",
                "lib_LTLIBRARIES = libp.la\nlibp_la_SOURCES = a.c\nall-local:\n\ttouch CANARY\nX := $(shell touch CANARY)\n",
            ),
            (
                "configure.ac",
                "AC_INIT([p], m4_esyscmd([touch CANARY]))\nX=`touch CANARY`\nY=$(touch CANARY)\nsh ./run\n\
                 AC_RUN_IFELSE([AC_LANG_PROGRAM([], [system(\"touch CANARY\");])])\nAC_CONFIG_COMMANDS([x], [touch CANARY])\n",
            ),
        ],
        &[(
            "BUILD",
            "genrule(name = 'g', outs = ['g.c'], cmd = 'touch CANARY')\ncc_library(name = 'p', srcs = ['a.c', 'g.c'])\n",
        )],
        &[(
            "Makefile",
            "X := $(shell touch CANARY)\nY != touch CANARY\nCFLAGS = `touch CANARY` $(shell ./run)\n\
             libp.a: a.o\n\ttouch CANARY\nall: ; ./run\n$(eval $(shell touch CANARY))\n",
        )],
        &[(
            "compile_commands.json",
            r#"[{"directory": ".", "file": "a.c", "command": "touch CANARY; cc `touch CANARY` -c a.c"}]"#,
        )],
        &[],
    ];
    for files in cases {
        let world = World::new();
        world.write("a.c", "int a(void) { return 1; }\n");
        for name in [
            "run",
            "configure",
            "autogen.sh",
            "bootstrap",
            "config.status",
            "setup.py",
            ".git/hooks/post-checkout",
        ] {
            world.write(name, script.clone());
            fs::set_permissions(world.at(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (name, text) in files {
            world.write(name, text.replace("CANARY", ran.to_str().unwrap()));
        }
        let said = world.build_or_hang();
        assert!(!ran.exists(), "{files:?}");
        said.assert_good(&format!("{files:?}"));
        assert_eq!(said.compiled(), ["a.c"], "{files:?}");
    }
}

/// Manifests that try to run a program, or to write where they have no business.
#[test]
fn a_hostile_manifest_runs_nothing_before_consent() {
    let canary_dir = tempfile::tempdir().unwrap();
    let canary = canary_dir.path().join("canary");
    let ran = canary_dir.path().join("ran");
    fs::write(&canary, format!("#!/bin/sh\ntouch {}\nexit 1\n", ran.display())).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o755)).unwrap();
    let hostile = [
        "[llvm]\nroot = \"CANARYDIR\"",
        "[llvm]\ntools = { clang = \"CANARY\" }",
        "[llvm.tools]\n\"llvm-nm\" = \"CANARY\"",
        "[link]\nlinker = \"CANARY\"",
        "[link]\nflags = [\"-fuse-ld=CANARY\"]",
        "[link]\nflags = [\"--ld-path=CANARY\"]",
        "[link]\nflags = [\"-BCANARYDIR\"]",
        "[link]\nflags = [\"-Wl,-plugin,CANARY\"]",
        "[link]\nflags = [\"-Wl,-o,CANARY\"]",
        "[link]\nflags = [\"-Xlinker\", \"-plugin\", \"-Xlinker\", \"CANARY\"]",
        "[compile]\nflags = [\"-fplugin=CANARY\"]",
        "[compile]\nflags = [\"-Xclang\", \"-load\", \"-Xclang\", \"CANARY\"]",
        "[compile]\nflags = [\"-B\", \"CANARYDIR\"]",
        "[compile]\nflags = [\"@CANARY\"]",
        "[compile]\nflags = [\"-o\", \"CANARY\"]",
        "[compile]\nc_flags = [\"-specs=CANARY\"]",
        "[compile]\ncxx_flags = [\"--config=CANARY\"]",
        "[compile]\nflags = [\"-wrapper\", \"CANARY\"]",
        "[profile.release]\nopt_passes = [\"load-CANARY\"]\nflags = [\"-fpass-plugin=CANARY\"]",
        "[cache]\ndir = \"CANARYDIR/cache\"",
        "[binary]\noutput_dir = \"../../elsewhere\"",
        "[[target]]\nname = \"t\"\nkind = \"shared\"\nsources = [\"*.c\"]\nflags = [\"-fplugin=CANARY\"]",
    ];
    for text in hostile {
        let world = World::small();
        let text = text.replace("CANARYDIR", canary_dir.path().to_str().unwrap());
        let text = text.replace("CANARY", canary.to_str().unwrap());
        world.write("jmake.toml", format!("{text}\n"));
        let before = files(canary_dir.path());
        let said = world.build_or_hang();
        said.assert_bad(&text);
        assert!(!ran.exists(), "{text}: the program ran");
        assert_eq!(said.started, [""; 0], "{text}");
        assert_eq!(files(canary_dir.path()), before, "{text}: something was written there");
        assert!(!world.dir().join("elsewhere").exists(), "{text}");
    }
}

/// Consent is bound to the text: an edit asks again.
#[test]
fn an_edit_after_consent_asks_again() {
    let world = World::small();
    let hostile = "[project]\nname = \"p\"\n[compile]\nflags = [\"-fplugin=/nowhere/x.so\"]\n";
    world.write("jmake.toml", hostile);
    let asked = |world: &World| world.build_or_hang().text.contains("jmake trust");
    assert!(asked(&world));
    let file = jmake_core::project::trust_file(&world.environment).unwrap();
    let mut trust = jmake_core::trust::Trust::load(&file).unwrap();
    let root = jmake_core::path::Root::open(&world.root).unwrap();
    trust.grant(&root, jmake_core::digest::Digest::of(hostile.as_bytes())).unwrap();
    assert!(!asked(&world), "with consent it goes on");
    world.write("jmake.toml", format!("{hostile}# another text\n"));
    assert!(asked(&world), "after an edit");
}

/// What is wrong with a project is said again by a build that finds nothing to do.
#[test]
fn warnings_of_jmake_itself_are_repeated() {
    let world = World::small();
    world.write("jmake.toml", "[compile]\nspeed = 9\n");
    for round in 0..3 {
        let said = world.build();
        said.assert_good("a warning stops nothing");
        assert_eq!(said.text.matches("`compile.speed`").count(), 1, "round {round}: {}", said.text);
    }
    assert!(world.build().result.is_some_and(|built| built.untouched), "the snapshot is not in the way");
}
