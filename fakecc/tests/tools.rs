//! What each tool of the fake toolchain makes and depends on.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]

mod common;

use common::Toolchain;
use object::Object;

#[test]
fn an_object_depends_on_what_matters_and_on_nothing_else() {
    let toolchain = Toolchain::new();
    toolchain.write("a.c", "#include \"h.h\"\nint f(void) { return X; } // c\n");
    toolchain.write("h.h", "#define X 1\n#define UNUSED 1\n");
    let plain = toolchain.object("a.c", &[]);
    assert!(object::File::parse(&*plain).unwrap().section_by_name(".fakecc").is_some());
    let same = |what: &str, flags: &[&str]| assert!(toolchain.object("a.c", flags) == plain, "{what}");
    let other = |what: &str, flags: &[&str]| assert!(toolchain.object("a.c", flags) != plain, "{what}");
    same("again", &[]);
    same("unused macro on the command line", &["-DNOBODY"]);
    same("warnings and folders", &["-Wall", "-I.", "-fcolor-diagnostics", "-MD", "-MF", "x.d"]);
    other("level", &["-O2"]);
    other("debug", &["-g"]);
    other("a flag", &["-fno-exceptions"]);
    other("standard", &["-std=c99"]);
    other("target", &["--target=aarch64-linux-gnu"]);
    toolchain.write("h.h", "#define X 1 /* one */\n\n\n#define UNUSED 2\n");
    same("comments, blank lines and unused macros", &[]);
    toolchain.write("h.h", "#define X 2\n");
    other("a used macro", &[]);
    toolchain.write("h.h", "#define X 1\nint more;\n");
    other("a token", &[]);
}

#[test]
fn lines_count_with_debug_information_only() {
    let toolchain = Toolchain::new();
    toolchain.write("a.c", "int a;\n");
    let (plain, debug) = (toolchain.object("a.c", &[]), toolchain.object("a.c", &["-g"]));
    toolchain.write("a.c", "// c\nint a;\n");
    assert!(toolchain.object("a.c", &[]) == plain);
    assert!(toolchain.object("a.c", &["-g"]) != debug);
    let mapped =
        toolchain.object("a.c", &["-g", &format!("-ffile-prefix-map={}=.", toolchain.work().display())]);
    assert!(!String::from_utf8_lossy(&mapped).contains(&*toolchain.work().to_string_lossy()));
}

#[test]
fn another_salt_is_another_compiler_of_the_same_size() {
    let (one, two) = (Toolchain::salted("one"), Toolchain::salted("two"));
    let size = |t: &Toolchain| std::fs::metadata(t.tool("clang")).unwrap().len();
    assert_eq!(size(&one), size(&two));
    for toolchain in [&one, &two] {
        toolchain.write("a.c", "int a;\n");
    }
    assert!(one.object("a.c", &[]) != two.object("a.c", &[]));
}

#[test]
fn a_leaking_variable_shows() {
    let toolchain = Toolchain::new();
    toolchain.write("a.c", "int a;\n");
    let plain = toolchain.object("a.c", &[]);
    let mut command = std::process::Command::new(toolchain.tool("clang"));
    command.args(["-c", "a.c", "-o", "out.o"]).current_dir(toolchain.work()).env_clear();
    assert!(command.env("LANG", "de_DE").status().unwrap().success());
    assert!(toolchain.read("out.o") != plain);
    assert!(command.env_clear().env("NOTHING", "x").status().unwrap().success());
    assert!(toolchain.read("out.o") == plain);
}

#[test]
fn the_driver_tells_about_itself() {
    let toolchain = Toolchain::new();
    toolchain.settings("version = \"19.9.1\"\ninclude_dirs = [\"/usr/include\", \"/no/such\"]\n");
    assert!(toolchain.good("clang-19", &["--version"]).starts_with("Debian clang version 19.9.1 "));
    let run = |args: &[&str]| String::from_utf8(toolchain.run("clang++", args).stderr).unwrap();
    let searched = run(&["-v", "-E", "-x", "c", "/dev/null"]);
    assert!(searched.contains("#include <...> search starts here:\n /usr/include\nEnd of search list.\n"));
    let link = run(&["-###", "-shared", "-fuse-ld=lld", "-Wl,-soname,x y", "-o", "o.so", "/dev/null", "-lm"]);
    let lib = toolchain.root().join("lib");
    let expect = format!(
        "\"-shared\" \"-o\" \"o.so\" \"{0}/crti.o\" \"-L{0}\" \"-soname\" \"x y\" \"/dev/null\" \"-lm\" \"-lc\"",
        lib.display()
    );
    assert!(link.contains(&expect), "{link}");
    for tool in ["opt", "llc", "llvm-link", "llvm-nm", "llvm-ar", "llvm-objcopy"] {
        assert!(toolchain.good(tool, &["--version"]).contains("LLVM version 19.9.1\n"));
    }
    assert_eq!(toolchain.good("ld.lld", &["--version"]), "Debian LLD 19.9.1 (compatible with GNU linkers)\n");
    assert_eq!(toolchain.good("llvm-config", &["--version"]), "19.9.1\n");
}

/// A library out of every kind of input, symbols and failures included.
#[test]
fn linking() {
    let toolchain = Toolchain::new();
    toolchain
        .write("a.c", "SYMBOL f\nUSES g\nint h(int x) { return x; }\nstatic int s(void) { return 1; }\n");
    toolchain.write("b.c", "SYMBOL g\n");
    toolchain.good("clang", &["-c", "a.c"]);
    toolchain.good("clang", &["-c", "-flto=thin", "b.c"]);
    let alone = toolchain.run("ld.lld", &["-shared", "-z", "defs", "a.o", "-o", "x.so"]);
    assert_eq!(
        String::from_utf8_lossy(&alone.stderr),
        "ld.lld: error: undefined symbol: g\n>>> referenced by a.c\n>>>               a.o\n"
    );
    assert_eq!(alone.status.code(), Some(1));
    toolchain.good("ld.lld", &["-shared", "a.o", "-o", "x.so"]);
    let line =
        ["-shared", "-z", "defs", "-soname", "libx", "a.o", "b.o", "--dependency-file=x.d", "-o", "x.so"];
    toolchain.good("ld.lld", &line);
    assert_eq!(toolchain.good("llvm-nm", &["-D", "--defined-only", "-j", "x.so"]), "f\ng\nh\n");
    assert_eq!(toolchain.read("x.d"), b"x.so: \\\n a.o \\\n b.o\n\na.o:\n\nb.o:\n");
    assert!(toolchain.read("x.so").windows(6).any(|w| w == b"libx\0\0" || &w[..4] == b"libx"));
    toolchain.good("llvm-ar", &["rcsD", "lib.a", "b.o"]);
    assert_eq!(toolchain.good("llvm-ar", &["t", "lib.a"]), "b.o\n");
    toolchain.write("args", "-shared -z defs a.o lib.a\n-o 'y.so'");
    toolchain.good("ld.lld", &["@args"]);
    toolchain.good("clang++", &["-shared", "-o", "z.so", "a.o", "b.o"]);
    let twice = toolchain.run("ld.lld", &["-shared", "b.o", "b.o", "-o", "x.so"]);
    assert!(String::from_utf8_lossy(&twice.stderr).starts_with("ld.lld: error: duplicate symbol: g\n"));
}

#[test]
fn the_chain_through_ir() {
    let toolchain = Toolchain::new();
    toolchain.write("a.c", "SYMBOL f\n");
    toolchain.write("b.c", "SYMBOL g\n");
    for source in ["a", "b"] {
        let (source, object) = (format!("{source}.c"), format!("{source}.o"));
        toolchain.good("clang", &["-c", "-flto=thin", "-ffat-lto-objects", &source, "-o", &object]);
        let dump = format!("--dump-section=.llvm.lto={source}.bc");
        toolchain.good("llvm-objcopy", &[&dump, &object, "/dev/null"]);
    }
    toolchain.good("llvm-link", &["a.c.bc", "b.c.bc", "-o", "all.bc"]);
    toolchain.good("opt", &["-O2", "all.bc", "-o", "opt.bc"]);
    toolchain.good("llc", &["-filetype=obj", "opt.bc", "-o", "all.o"]);
    toolchain.good("ld.lld", &["-shared", "all.o", "-o", "x.so"]);
    assert_eq!(toolchain.good("llvm-nm", &["-D", "-j", "x.so"]), "f\ng\n");
    assert_eq!(toolchain.run("llvm-link", &["a.o", "-o", "x.bc"]).status.code(), Some(1));
}

#[test]
fn faults() {
    let toolchain = Toolchain::new();
    let compile = |fault: &str| {
        toolchain.write("a.c", &format!("int a;\n// fakecc: {fault}\n"));
        for file in ["a.o", "a.d"] {
            std::fs::remove_file(toolchain.work().join(file)).ok();
        }
        toolchain.run("clang", &["-c", "-MD", "a.c", "-o", "a.o"])
    };
    let len = |name: &str| std::fs::metadata(toolchain.work().join(name)).map(|m| m.len()).ok();
    assert!(compile("").status.success());
    let (object, depfile) = (len("a.o").unwrap(), len("a.d").unwrap());
    assert!(compile("exit0-empty").status.success());
    assert_eq!((len("a.o"), len("a.d")), (Some(0), Some(depfile)));
    assert!(compile("exit0-half").status.success());
    assert_eq!(len("a.o"), Some(object / 2));
    assert!(compile("exit0-none").status.success());
    assert_eq!((len("a.o"), len("a.d")), (None, Some(depfile)));
    assert!(compile("truncate-depfile").status.success());
    assert_eq!((len("a.o"), len("a.d")), (Some(object), Some(depfile / 2)));
    assert_eq!(compile("exit 7").status.code(), Some(7));
    assert_eq!(compile("kill-self").status.code(), None);
    assert_eq!(compile("once mark exit 3").status.code(), Some(3));
    assert_eq!(compile("once mark exit 3").status.code(), Some(0));
    assert_eq!(compile("warn careful").stderr, b"warning: careful\n");
    assert!(compile("append log.txt x").status.success());
    assert_eq!(toolchain.read("log.txt"), b"x\n");
}

#[test]
fn settings_choose_the_tool_and_the_input() {
    let toolchain = Toolchain::new();
    let log = toolchain.work().join("log");
    toolchain.settings(&format!(
        "log = \"{}\"\n[[fault]]\ndo = \"exit 9\"\ntool = \"clang\"\ninput = \"b.c\"\n",
        log.display()
    ));
    toolchain.write("a.c", "int a;\n");
    toolchain.write("b.c", "int b;\n");
    assert_eq!(toolchain.run("clang", &["-c", "a.c"]).status.code(), Some(0));
    assert_eq!(toolchain.run("clang", &["-c", "b.c"]).status.code(), Some(9));
    assert_eq!(toolchain.read("log"), b"clang\t-c\ta.c\nclang\t-c\tb.c\n");
}

/// The test edits between reading and writing, told by files and not by time.
#[test]
fn waiting_gives_a_test_time_to_edit() {
    let toolchain = Toolchain::new();
    toolchain.write("a.c", "int before;\n// fakecc: touch ready\n// fakecc: wait-for go\n");
    let mut child = std::process::Command::new(toolchain.tool("clang"))
        .args(["-c", "a.c"])
        .current_dir(toolchain.work())
        .spawn()
        .unwrap();
    while !toolchain.work().join("ready").exists() {
        std::thread::yield_now();
    }
    toolchain.write("a.c", "int after;\n");
    assert!(child.try_wait().unwrap().is_none());
    toolchain.write("go", "");
    assert!(child.wait().unwrap().success());
    assert!(String::from_utf8_lossy(&toolchain.read("a.o")).contains("int before ;"));
}

#[test]
fn digests_stand_for_texts() {
    let toolchain = Toolchain::new();
    toolchain.settings("digest = true\n");
    toolchain.write("a.c", "SYMBOL f\nint secret;\n");
    let object = toolchain.object("a.c", &[]);
    assert!(!String::from_utf8_lossy(&object).contains("secret"));
    toolchain.write("a.c", "SYMBOL f\nint other;\n");
    assert!(toolchain.object("a.c", &[]) != object);
}
