//! The fake compiler against the real one: on random small trees both must read the same files in
//! the same order, write the same depfile byte for byte, and fail with the same message.
//!
//! Without clang 19 the comparison says that it was skipped.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod common;

use std::path::{Path, PathBuf};

use common::{Toolchain, run, write};

const TREES: u64 = 40;

/// A small random number generator: the same tree for the same seed everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

const DIRS: [&str; 5] = ["", "a/", "b/", "sys/", "a/deep er/"];
const NAMES: [&str; 6] = ["x.h", "y.h", "z w.h", "h#$.h", "n.hpp", "only.h"];

/// clang 19, if it is here; where everything must be tested, its absence is a failure.
fn real_clang() -> Option<PathBuf> {
    let places = ["/usr/lib/llvm-19/bin/clang", "/usr/bin/clang-19"];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    assert!(found.is_some() || std::env::var_os("JMAKE_REQUIRE_ALL").is_none(), "there is no clang 19");
    found
}

fn spelled(dice: &mut Dice) -> String {
    let name = format!("{}{}", dice.pick(&["", "", "", "a/", "../a/", "./"]), dice.pick(&NAMES));
    if dice.below(3) == 0 { format!("<{name}>") } else { format!("\"{name}\"") }
}

/// One line or group of lines of a file.
fn piece(dice: &mut Dice) -> String {
    let name = spelled(dice);
    let word = dice.pick(&["M1", "M2", "M3"]);
    match dice.below(14) {
        0..=3 => format!("#if __has_include({name})\n#include {name}\n#endif\n"),
        4 => format!("#include {name}\n"),
        5 => format!("#define {word} {}\n", dice.below(3)),
        6 => format!("#undef {word}\n"),
        7 => format!(
            "#ifdef {word}\n#  if __has_include({name})\n#  include {name} // x\n#  endif\n#else\nint v_{word};\n#endif\n"
        ),
        8 => format!(
            "#if defined({word}) && {word} > 1 || (0x10 >> 4) == 2\n#define M3 \\\n 2\n#elif !defined {word}\n#endif\n"
        ),
        9 => format!("#define H {name}\n#if __has_include(H)\n# include H\n#endif\n#undef H\n"),
        10 => "/* #include \"no.h\"\n */ // #include \"no.h\"\n".into(),
        11 => "#if 0\n#include \"no.h\"\n#error never's\n#endif\n".into(),
        12 => format!("#if __has_include_next({name})\n#endif\n"),
        _ => format!("#warning {word}  said\n"),
    }
}

fn file(dice: &mut Dice, guard: usize) -> String {
    let body: String = (0..dice.below(4)).map(|_| piece(dice)).collect();
    match dice.below(4) {
        0 => format!("#pragma once\n{body}"),
        // Without a guard only files that include nothing, or the tree would never end.
        1 => "int open;\n".replace("int open", "extern int open"),
        _ => format!("#ifndef G{guard}\n#define G{guard}\n{body}#endif\n"),
    }
}

/// Makes a tree and gives the flags to compile it with.
fn tree(dice: &mut Dice, root: &Path) -> Vec<&'static str> {
    let mut guard = 0;
    for dir in DIRS {
        for name in NAMES {
            if dice.below(2) == 0 {
                guard += 1;
                write(&root.join(dir).join(name), &file(dice, guard));
            }
        }
    }
    let main: String = (0..5).map(|_| piece(dice)).collect();
    write(&root.join("main file.c"), &main);
    let mut flags = Vec::new();
    for flag in [
        "-I.",
        "-Ia",
        "-Ib",
        "-isystemsys",
        "-iquotea",
        "-Isys",
        "-DM1",
        "-DM2=2",
        "-idirafterb",
        "-Inone",
        "-MP",
    ] {
        if dice.below(3) == 0 {
            flags.push(flag);
        }
    }
    flags.push(dice.pick(&["-MD", "-MMD"]));
    if flags.contains(&"-I.") && root.join("x.h").exists() && dice.below(2) == 0 {
        flags.extend(["-include", "x.h"]);
    }
    flags
}

/// The first lines of errors and warnings, without those that only the real one has.
fn complaints(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let about = |line: &&str| line.contains("error: ") || line.contains("warning: ");
    let lines = text.lines().filter(about).filter(|line| !line.contains("include_next"));
    lines.map(str::to_owned).collect()
}

#[test]
fn same_reads_and_words_as_clang() {
    let Some(clang) = real_clang() else {
        println!("skipped: no clang 19");
        return;
    };
    let toolchain = Toolchain::new();
    let mut failures = 0;
    for seed in 1..=TREES {
        let root = toolchain.dir.path().join(format!("tree{seed}"));
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let flags = tree(&mut dice, &root);
        let compile = |program: &Path, depfile: &str| {
            // The built-in folders differ and are not what is compared.
            let mut args = vec![
                "-nostdinc",
                "-Wno-macro-redefined",
                "-c",
                "main file.c",
                "-o",
                "o ut.o",
                "-MF",
                depfile,
            ];
            args.extend(&flags);
            run(program, &args, &root)
        };
        let real = compile(&clang, "real.d");
        let fake = compile(&toolchain.tool("clang"), "fake.d");
        let depfile = |name: &str| {
            std::fs::read(root.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned()).ok()
        };
        assert_eq!(complaints(&fake.stderr), complaints(&real.stderr), "seed {seed} {flags:?}");
        assert_eq!(fake.status.code(), real.status.code(), "seed {seed}");
        assert_eq!(depfile("fake.d"), depfile("real.d"), "seed {seed} {flags:?}");
        failures += usize::from(!real.status.success());
    }
    // The generator must reach both worlds.
    assert!((1..TREES as usize).contains(&failures), "{failures} of {TREES} trees failed");
}

#[test]
fn embed_and_odd_targets() {
    let Some(clang) = real_clang() else {
        println!("skipped: no clang 19");
        return;
    };
    let toolchain = Toolchain::new();
    toolchain.write("d/data.bin", "abc");
    toolchain.write("b.bin", "x");
    toolchain.write("e.c", "#if __has_embed(\"b.bin\")\nconst char a[] = {\n#embed \"b.bin\"\n,\n#embed <data.bin>\n};\n#endif\n");
    for (flags, name) in [
        (vec!["-MT", "t one", "-MQ", "q $#", "-MP"], "x.d"),
        (vec!["-o", "dir.x/ob j.o"], "y.d"),
        (vec!["-o", "a-very-long-name-of-an-object-that-fills-the-line-almost-to-its-end-but-not.o"], "z.d"),
    ] {
        std::fs::create_dir_all(toolchain.work().join("dir.x")).unwrap();
        let both = [&clang, &toolchain.tool("clang")].map(|program| {
            let mut args =
                vec!["-std=c23", "-nostdinc", "--embed-dir=d", "-w", "-c", "e.c", "-MD", "-MF", name];
            args.extend(&flags);
            let output = run(program, &args, &toolchain.work());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(toolchain.read(name)).unwrap()
        });
        assert_eq!(both[1], both[0]);
    }
}
