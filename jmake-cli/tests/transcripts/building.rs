//! Builds that work: what they say, on a terminal and to programs.

use snapbox::{assert_data_eq, str};

use crate::ADD;
use crate::support::shell::Shell;

#[test]
fn a_fresh_project() {
    let shell = Shell::new();
    assert_data_eq!(
        shell.run("new x"),
        str![[r#"
$ jmake new x
-- stdout
created README.md
created .gitignore
created .jmake_project
created include/x/x.h
created jmake.toml
created src/x.cpp
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build x"),
        str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build x"),
        str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (0 compiled, 1 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build x -v --force"),
        str![[r#"
$ jmake build x -v --force
-- stderr
   Compiling src/x.cpp: forced
     Linking julia/libx.so: forced
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build x -q --print library"),
        str![[r#"
$ jmake build x -q --print library
-- stdout
[DIR]/x/julia/libx.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("clean x"),
        str![[r#"
$ jmake clean x
-- stdout
removed julia/libx.so
removed julia
removed compile_commands.json
removed .jmake
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("clean x"),
        str![[r#"
$ jmake clean x
-- stdout
there is nothing to remove
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build x"),
        str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (0 compiled, 0 fresh, 1 restored) → julia/libx.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("new x"),
        str![[r#"
$ jmake new x
-- stderr
error: `[DIR]/x` is not empty; `jmake init [DIR]/x` adopts a folder that has files
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("new y --template rust"),
        str![[r#"
$ jmake new y --template rust
-- stderr
error: there is no template `rust`
hint: the templates are `cpp` and `binary`
-- exit 2

"#]]
    );
}

#[test]
fn a_foreign_folder_is_told_once_how_to_keep_its_settings() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
note: the settings were found by looking and are kept in memory only
hint: `jmake init` writes them to `jmake.toml`
-- exit 0

"#]]
    );
    shell.put("src/add.c", "int add(int a, int b) { return b + a + 0; }\n");
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert!(!shell.has("jmake.toml"));
}

#[test]
fn a_dry_run_builds_nothing() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("build --dry-run"),
        str![[r#"
$ jmake build --dry-run
-- stdout
compile src/add.c: never built here before
link julia/libdemo.so: `src/add.c` is built again first
-- stderr
    Finished dry run in [TIME]; nothing was built
-- exit 0

"#]]
    );
    assert!(!shell.has("julia"));
}

#[test]
fn quick_needs_a_record() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("build --quick"),
        str![[r#"
$ jmake build --quick
-- stderr
error: nothing is recorded of this project, so `--quick` has nothing to go by
hint: run `jmake build` once without `--quick`
-- exit 2

"#]]
    );
    shell.run("build");
    shell.put("src/new.c", "int more(void) { return 1; }\n");
    shell.put("src/add.c", "int add(int a, int b) { return a + b + 1; }\n");
    assert_data_eq!(
        shell.run("build --quick"),
        str![[r#"
$ jmake build --quick
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 1 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
}

#[test]
fn a_description_can_be_passed_over() {
    let shell = Shell::with(&[
        ADD,
        ("src/more.c", "int more(void) { return 1; }\n"),
        ("Makefile", "libdemo.a: src/add.o\nifdef MORE\nlibdemo.a: src/more.o\nendif\n"),
    ]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
note: the settings were found by looking and are kept in memory only
hint: `jmake init` writes them to `jmake.toml`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build --no-evidence"),
        str![[r#"
$ jmake build --no-evidence
-- stderr
    Finished release in [TIME] (1 compiled, 1 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    // Each is a build of its own.
    for command in ["build", "build --no-evidence", "build"] {
        let said = shell.run(command);
        let fresh = if command == "build" { "1 fresh" } else { "2 fresh" };
        assert!(said.contains(&format!("(0 compiled, {fresh}, 0 restored)")), "{said}");
    }
    let left_out = "src/more.c: is in no library of `Makefile`";
    assert!(shell.run("discover").contains(left_out));
    assert!(!shell.run("discover --no-evidence").contains(left_out));
    assert!(shell.run("build --no-evidence --quick").contains("cannot be used with"));
}

#[test]
fn warnings_come_once_and_again_with_the_next_build() {
    let header = ("src/h.h", "static int h(void) { int unused; return 1; }\n");
    let a = ("src/a.c", "#include \"h.h\"\nint a(void) { return h(); }\n");
    let b = ("src/b.c", "#include \"h.h\"\nint b(void) { return h(); }\n");
    let shell = Shell::with(&[header, a, b, ("jmake.toml", "[compile]\nflags = ['-Wall']\n")]);
    assert_data_eq!(
        shell.run("build -j1"),
        str![[r#"
$ jmake build -j1
-- stderr
In file included from src/a.c:1:
src/h.h:1:26: warning: unused variable 'unused' [-Wunused-variable]
    1 | static int h(void) { int unused; return 1; }
      |                          ^~~~~~
1 warning generated.
    Finished release in [TIME] (2 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
In file included from src/a.c:1:
src/h.h:1:26: warning: unused variable 'unused' [-Wunused-variable]
    1 | static int h(void) { int unused; return 1; }
      |                          ^~~~~~
1 warning generated.
    Finished release in [TIME] (0 compiled, 2 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build -q"),
        str![[r#"
$ jmake build -q
-- exit 0

"#]]
    );
}

#[test]
fn json() {
    let shell = Shell::with(&[("jmake.toml", "[compile\n")]);
    let text = shell.run("build --message-format json");
    let lines: Vec<&str> = text.lines().collect();
    assert_data_eq!(
        lines[2],
        str![[
            r#"{"event":"diagnostic","file":"jmake.toml","hint":null,"line":1,"message":"not valid TOML: unclosed table, expected `]`","severity":"error"}"#
        ]]
    );
    assert!(lines[3].contains("\"event\":\"summary\",\"exit_code\":2"), "{text}");
    let shell = Shell::with(&[ADD]);
    shell.run("build");
    let text = shell.run("build --json --force -j1");
    let events: Vec<serde_json::Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["planned", "started", "finished", "started", "finished", "summary"]);
    assert!(events[2]["wall"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(events[2]["why"]["reason"], "forced");
    assert_eq!((&events[5]["exit_code"], &events[5]["compiled"]), (&0.into(), &1.into()));
    assert!(events[5]["elapsed"].as_f64().is_some_and(|seconds| seconds > 0.0));
}

#[test]
fn timings_load_nothing_from_elsewhere() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("build --timings"),
        str![[r#"
$ jmake build --timings
-- stderr
     Timings [DIR]/.jmake/timings/timings.html
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
note: the settings were found by looking and are kept in memory only
hint: `jmake init` writes them to `jmake.toml`
-- exit 0

"#]]
    );
    let page = shell.text(".jmake/timings/timings.html");
    assert!(page.contains("\"label\":\"src/add.c\"") && page.contains("never built here before"));
    for external in ["http://", "https://", "src=", "@import"] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(external), "{external}");
    }
    let trace: serde_json::Value = serde_json::from_str(&shell.text(".jmake/timings/trace.json")).unwrap();
    assert_eq!(trace["traceEvents"].as_array().map(Vec::len), Some(2));
}

#[test]
fn finished_libraries() {
    let maker = Shell::with(&[ADD]);
    maker.run("build");
    let shell = Shell::new();
    assert_data_eq!(
        shell.run("new p --template binary"),
        str![[r#"
$ jmake new p --template binary
-- stdout
created README.md
created .gitignore
created .jmake_project
created include/.gitkeep
created jmake.toml
created lib/.gitkeep
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build p"),
        str![[r#"
$ jmake build p
-- stderr
warning: there are no libraries in `lib` yet
hint: put finished libraries there, or remove `kind = "prebuilt"` to compile sources
    Finished prebuilt in [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 0

"#]]
    );
    let library = jmake_core::fs::read(&maker.dir().join("julia/libdemo.so")).unwrap();
    jmake_core::fs::create_dir_all(&shell.dir().join("p/lib")).unwrap();
    jmake_core::fs::write(&shell.dir().join("p/lib/libdemo.so"), &library).unwrap();
    assert_data_eq!(
        shell.run("build p"),
        str![[r#"
$ jmake build p
-- stdout
lib/libdemo.so: ELF for x86_64, without debug information
  soname   libdemo.so
  exports  1 symbol
  needs    libc.so.6
-- stderr
   Inspected 1 library in [TIME]
-- exit 0

"#]]
    );
    shell.put("p/lib/libbad.so", "\u{7f}ELF\0");
    assert_data_eq!(
        shell.run("build p"),
        str![[r#"
$ jmake build p
-- stdout
lib/libbad.so: cannot be understood
lib/libdemo.so: ELF for x86_64, without debug information
  soname   libdemo.so
  exports  1 symbol
  needs    libc.so.6
-- stderr
error: the file is no library that can be understood: Could not read file magic
 --> lib/libbad.so
hint: take it out of `lib`, or put the finished library in its place
error: 1 library cannot be used here
-- exit 1

"#]]
    );
}
