//! What every verb prints and how it ends, word for word.
//!
//! `SNAPSHOTS=overwrite cargo test --test transcripts` writes the transcripts anew; read them
//! before committing them.

mod common;
mod support;

use common::Shell;
use snapbox::{assert_data_eq, str};

const ADD: (&str, &str) = ("src/add.c", "int add(int a, int b) { return a + b; }\n");

#[test]
fn a_fresh_project() {
    let shell = Shell::new();
    assert_data_eq!(shell.run("new x"), str![[r#"
$ jmake new x
-- stdout
created README.md
created .gitignore
created .jmake_project
created include/x/x.h
created jmake.toml
created src/x.cpp
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build x"), str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build x"), str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (0 compiled, 1 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build x -v --force"), str![[r#"
$ jmake build x -v --force
-- stderr
   Compiling src/x.cpp: forced
     Linking julia/libx.so: forced
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libx.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build x -q --print library"), str![[r#"
$ jmake build x -q --print library
-- stdout
[DIR]/x/julia/libx.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("clean x"), str![[r#"
$ jmake clean x
-- stdout
removed julia/libx.so
removed julia
removed compile_commands.json
removed .jmake
-- exit 0

"#]]);
    assert_data_eq!(shell.run("clean x"), str![[r#"
$ jmake clean x
-- stdout
there is nothing to remove
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build x"), str![[r#"
$ jmake build x
-- stderr
    Finished release in [TIME] (0 compiled, 0 fresh, 1 restored) → julia/libx.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("new x"), str![[r#"
$ jmake new x
-- stderr
error: `[DIR]/x` is not empty; `jmake init [DIR]/x` adopts a folder that has files
-- exit 2

"#]]);
    assert_data_eq!(shell.run("new y --template rust"), str![[r#"
$ jmake new y --template rust
-- stderr
error: there is no template `rust`
hint: the templates are `cpp` and `binary`
-- exit 2

"#]]);
}

#[test]
fn an_existing_folder_is_adopted_and_nothing_in_it_changed() {
    let shell = Shell::with(&[ADD, (".gitignore", "*.o\n"), ("README.md", "mine\n")]);
    assert_data_eq!(shell.run("init"), str![[r#"
$ jmake init
-- stdout
created .jmake_project
created jmake.toml
kept .gitignore
add to .gitignore: /.jmake/ /julia/ /compile_commands.json
-- exit 0

"#]]);
    assert_eq!((shell.text(".gitignore"), shell.text("README.md")), ("*.o\n".into(), "mine\n".into()));
    shell.put("jmake.toml", "# mine\n");
    assert_data_eq!(shell.run("init ."), str![[r#"
$ jmake init .
-- stdout
kept .jmake_project
kept jmake.toml
kept .gitignore
add to .gitignore: /.jmake/ /julia/ /compile_commands.json
-- exit 0

"#]]);
    assert_eq!(shell.text("jmake.toml"), "# mine\n");
}

#[test]
fn a_foreign_folder_is_told_once_how_to_keep_its_settings() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
note: the settings were found by looking and are kept in memory only
hint: `jmake init` writes them to `jmake.toml`
-- exit 0

"#]]);
    shell.put("src/add.c", "int add(int a, int b) { return b + a + 0; }\n");
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert!(!shell.has("jmake.toml"));
}

#[test]
fn nothing_to_build() {
    let shell = Shell::with(&[("notes.txt", "no code\n")]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: no C or C++ sources to build in `[DIR]`
hint: name another folder, or put sources in this one
-- exit 2

"#]]);
    shell.put("tests/test.c", "int main(void) { return 0; }\n");
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: no C or C++ sources to build in `[DIR]`
hint: sources left out: 1, such as `tests/test.c`, which lies in the test folder `tests`; `jmake discover` lists them all
-- exit 2

"#]]);
    assert_data_eq!(shell.run("build nowhere"), str![[r#"
$ jmake build nowhere
-- stderr
error: cannot open the folder `[DIR]/nowhere`
  caused by: No such file or directory (os error 2)
-- exit 2

"#]]);
}

#[test]
fn no_compiler() {
    let shell = Shell::with(&[ADD]);
    let config = shell.home().join(".config/jmake");
    jmake_core::fs::create_dir_all(&config).unwrap();
    jmake_core::fs::write(&config.join("config.toml"), b"[llvm]\nroot = '/nonexistent'\n").unwrap();
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: no usable clang 14 or newer in `/nonexistent/bin`, `/nonexistent`
hint: install [..]
-- exit 2

"#]]);
    assert_data_eq!(shell.run("tools"), str![[r#"
$ jmake tools
-- stderr
error: no usable clang 14 or newer in `/nonexistent/bin`, `/nonexistent`
hint: install [..]
-- exit 2

"#]]);
}

#[test]
fn a_source_that_does_not_compile_harms_nothing() {
    let shell = Shell::with(&[ADD]);
    shell.run("build");
    let good = jmake_core::fs::read(&shell.dir().join("julia/libdemo.so")).unwrap();
    shell.put("src/add.c", "int add(int a, int b) { return a + c; }\n");
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
src/add.c:1:36: error: use of undeclared identifier 'c'
    1 | int add(int a, int b) { return a + c; }
      |                                    ^
1 error generated.
error: 1 action failed in release after [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
src/add.c:1:36: error: use of undeclared identifier 'c'
    1 | int add(int a, int b) { return a + c; }
      |                                    ^
1 error generated.
error: 1 action failed in release after [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]);
    assert_eq!(jmake_core::fs::read(&shell.dir().join("julia/libdemo.so")).unwrap(), good);
    assert_data_eq!(shell.run("explain"), str![[r#"
$ jmake explain
-- stdout
compile src/add.c: failed because `src/add.c` changed (23cf718c4918 → 4873bda9b6ca)
link julia/libdemo.so: blocked
-- exit 0

"#]]);
    shell.put("src/add.c", ADD.1);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (0 compiled, 1 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
}

#[test]
fn a_missing_header_and_the_rest_goes_on() {
    let shell = Shell::with(&[
        ADD,
        ("src/b.c", "#include \"nothing.h\"\n"),
        ("src/c.c", "int c(void) { return 1; }\n"),
    ]);
    assert_data_eq!(shell.run("build -j1 --keep-going -v"), str![[r#"
$ jmake build -j1 --keep-going -v
-- stderr
   Compiling src/add.c: never built here before
   Compiling src/c.c: never built here before
   Compiling src/b.c: never built here before
src/b.c:1:10: fatal error: 'nothing.h' file not found
    1 | #include "nothing.h"
      |          ^~~~~~~~~~~
1 error generated.
     Blocked julia/libdemo.so
error: 1 action failed in release after [TIME] (2 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]);
}

#[test]
fn an_undefined_symbol() {
    let shell = Shell::with(&[("a.c", "int b(void);\nint a(void) { return b(); }\n")]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
ld.lld: error: undefined symbol: b
>>> referenced by a.c
>>>               .jmake/release/objects/c2441687a8140707-a.o:(a)
>>> did you mean: a
>>> defined in: .jmake/release/objects/c2441687a8140707-a.o
error: linking `julia/libdemo.so` failed
error: 1 action failed in release after [TIME] (1 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]);
}

#[test]
fn warnings_come_once_and_again_with_the_next_build() {
    let header = ("src/h.h", "static int h(void) { int unused; return 1; }\n");
    let a = ("src/a.c", "#include \"h.h\"\nint a(void) { return h(); }\n");
    let b = ("src/b.c", "#include \"h.h\"\nint b(void) { return h(); }\n");
    let shell = Shell::with(&[header, a, b, ("jmake.toml", "[compile]\nflags = ['-Wall']\n")]);
    assert_data_eq!(shell.run("build -j1"), str![[r#"
$ jmake build -j1
-- stderr
In file included from src/a.c:1:
src/h.h:1:26: warning: unused variable 'unused' [-Wunused-variable]
    1 | static int h(void) { int unused; return 1; }
      |                          ^~~~~~
1 warning generated.
    Finished release in [TIME] (2 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
In file included from src/a.c:1:
src/h.h:1:26: warning: unused variable 'unused' [-Wunused-variable]
    1 | static int h(void) { int unused; return 1; }
      |                          ^~~~~~
1 warning generated.
    Finished release in [TIME] (0 compiled, 2 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build -q"), str![[r#"
$ jmake build -q
-- exit 0

"#]]);
}

#[test]
fn a_manifest_with_mistakes() {
    let shell = Shell::with(&[ADD, ("jmake.toml", "[compile\n")]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: not valid TOML: unclosed table, expected `]`
 --> jmake.toml:1
-- exit 2

"#]]);
    shell.put("jmake.toml", "[compile]\njobs = 'many'\nstd = 3\n");
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: `compile.jobs` must be a whole number from 1 to 4096, not `"many"`
 --> jmake.toml:2
error: `compile.std` must be a plain word, not `3`
 --> jmake.toml:3
-- exit 2

"#]]);
    assert_data_eq!(shell.run("config validate"), str![[r#"
$ jmake config validate
-- stdout
error: `compile.jobs` must be a whole number from 1 to 4096, not `"many"`
 --> jmake.toml:2
error: `compile.std` must be a plain word, not `3`
 --> jmake.toml:3
-- exit 1

"#]]);
    shell.put("jmake.toml", "[compile]\nflagz = ['-O1']\n");
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config validate"), str![[r#"
$ jmake config validate
-- stdout
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build --profile fast"), str![[r#"
$ jmake build --profile fast
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
error: there is no profile `fast`
hint: `release` and `dev` are always there; others are written as `[profile.<name>]`
-- exit 2

"#]]);
    assert_data_eq!(shell.run("build --target nothing"), str![[r#"
$ jmake build --target nothing
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
error: there is no target `nothing`
hint: the targets are `demo`
-- exit 2

"#]]);
}

#[test]
fn an_output_folder_that_is_a_file() {
    let shell = Shell::with(&[ADD, ("julia", "a file\n")]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: the output folder `[DIR]/julia` is a file; remove it or set `binary.output_dir`
-- exit 2

"#]]);
    assert_eq!(shell.text("julia"), "a file\n");
}

#[test]
fn a_dry_run_builds_nothing() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("build --dry-run"), str![[r#"
$ jmake build --dry-run
-- stdout
compile src/add.c: never built here before
link julia/libdemo.so: `src/add.c` is built again first
-- stderr
    Finished dry run in [TIME]; nothing was built
-- exit 0

"#]]);
    assert!(!shell.has("julia"));
}

#[test]
fn quick_needs_a_record() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("build --quick"), str![[r#"
$ jmake build --quick
-- stderr
error: nothing is recorded of this project, so `--quick` has nothing to go by
hint: run `jmake build` once without `--quick`
-- exit 2

"#]]);
    shell.run("build");
    shell.put("src/new.c", "int more(void) { return 1; }\n");
    shell.put("src/add.c", "int add(int a, int b) { return a + b + 1; }\n");
    assert_data_eq!(shell.run("build --quick"), str![[r#"
$ jmake build --quick
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 1 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
}

#[test]
fn explaining() {
    let b = ("src/b.c", "#include \"b.h\"\nint b(void) { return B; }\n");
    let shell = Shell::with(&[ADD, b, ("src/b.h", "#define B 1\n"), ("jmake.toml", "")]);
    assert_data_eq!(shell.run("explain"), str![[r#"
$ jmake explain
-- stderr
error: no build of this project is recorded
hint: run `jmake build` first
-- exit 2

"#]]);
    shell.run("build");
    shell.put("src/b.h", "#define B 2\n");
    shell.run("build");
    assert_data_eq!(shell.run("explain"), str![[r#"
$ jmake explain
-- stdout
compile src/b.c: ran because `src/b.h` changed (337cb5ef7e3b → 8526c5424720)
link julia/libdemo.so: ran because `.jmake/release/objects/75ecd4b4d7a9e203-b.o` changed (ec3ea34d4401 → 722ee52c252e)
-- exit 0

"#]]);
    assert_data_eq!(shell.run("explain src/b.h"), str![[r#"
$ jmake explain src/b.h
-- stdout
compile src/b.c: ran because `src/b.h` changed (337cb5ef7e3b → 8526c5424720)
-- exit 0

"#]]);
    assert_data_eq!(shell.run("explain src/add.c"), str![[r#"
$ jmake explain src/add.c
-- stdout
`src/add.c` was fresh in the last build: nothing it depends on had changed
-- exit 0

"#]]);
    assert_data_eq!(shell.run("explain src/none.c"), str![[r#"
$ jmake explain src/none.c
-- stdout
there is no file `src/none.c`
-- exit 0

"#]]);
    assert_data_eq!(shell.run("-C src explain b.c --json"), str![[r#"
$ jmake -C src explain b.c --json
-- stdout
{
  "actions": [
    {
      "kind": "compile",
      "label": "src/b.c",
      "outcome": "ran",
      "reason": {
        "new": "8526c54247208a0050b5706278f989156909139cf10c66e928d11a515835c1aa",
        "old": "337cb5ef7e3b9361d6c62604f3f52b101f3f6fd47562f80b8d5b224ef8aea633",
        "path": "src/b.h",
        "reason": "input-changed"
      },
      "why": "`src/b.h` changed (337cb5ef7e3b → 8526c5424720)"
    }
  ],
  "file": "src/b.c",
  "otherwise": null
}
-- exit 0

"#]]);
}

#[test]
fn json() {
    let shell = Shell::with(&[("jmake.toml", "[compile\n")]);
    let text = shell.run("build --message-format json");
    let lines: Vec<&str> = text.lines().collect();
    assert_data_eq!(lines[2], str![[r#"{"event":"diagnostic","file":"jmake.toml","hint":null,"line":1,"message":"not valid TOML: unclosed table, expected `]`","severity":"error"}"#]]);
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
fn settings() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("config get project.name"), str![[r#"
$ jmake config get project.name
-- stderr
error: the key is not set
hint: `jmake config show` lists what is taken for keys that are not set
-- exit 1

"#]]);
    assert_data_eq!(shell.run("config set compile.jobs 2"), str![[r#"
$ jmake config set compile.jobs 2
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config set compile.jobs 2"), str![[r#"
$ jmake config set compile.jobs 2
-- stderr
note: nothing had to be changed
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config set compile.jobs lots"), str![[r#"
$ jmake config set compile.jobs lots
-- stderr
error: `compile.jobs` must be a whole number from 1 to 4096, not `"lots"`
 --> jmake.toml
-- exit 2

"#]]);
    assert_data_eq!(shell.run("config set compile.job 2"), str![[r#"
$ jmake config set compile.job 2
-- stderr
error: unknown key `compile.job`
 --> jmake.toml
hint: the nearest key is `compile.jobs`
-- exit 2

"#]]);
    assert_data_eq!(shell.run("config get compile.jobs"), str![[r#"
$ jmake config get compile.jobs
-- stdout
2
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config get compile.jbs"), str![[r#"
$ jmake config get compile.jbs
-- stderr
error: unknown key `compile.jbs`
hint: the nearest key is `compile.jobs`
-- exit 2

"#]]);
    assert_data_eq!(shell.run("config show compile"), str![[r#"
$ jmake config show compile
-- stdout
# compile.std = from the sources
# compile.c_std = from the sources
# compile.flags = []
# compile.c_flags = []
# compile.cxx_flags = []
# compile.include_dirs = what discovery finds
# compile.system_include_dirs = []
# compile.defines = {}
compile.jobs = 2  # line 2
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config show nothing"), str![[r#"
$ jmake config show nothing
-- stderr
error: there is no section `nothing`
hint: `jmake config show` lists all keys
-- exit 2

"#]]);
    assert_data_eq!(shell.run("config show project --json"), str![[r#"
$ jmake config show project --json
-- stdout
[
  {
    "doc": "name of the project and, made an identifier, of its library",
    "key": "project.name",
    "line": null,
    "value": "the folder's name"
  },
  {
    "doc": "version of the project",
    "key": "project.version",
    "line": null,
    "value": "/"0.1.0/""
  }
]
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config unset compile.jobs"), str![[r#"
$ jmake config unset compile.jobs
-- exit 0

"#]]);
    assert_eq!(shell.text("jmake.toml"), "[compile]\n");
    assert_data_eq!(shell.run("config complete"), str![[r#"
$ jmake config complete
-- stdout
project.name = "demo"
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config complete"), str![[r#"
$ jmake config complete
-- stderr
note: nothing is missing in `jmake.toml`
-- exit 0

"#]]);
    assert_data_eq!(shell.run("config validate"), str![[r#"
$ jmake config validate
-- exit 0

"#]]);
}

#[test]
fn consent() {
    let shell = Shell::with(&[ADD, ("jmake.toml", "[cache]\ndir = 'own'\n")]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]);
    assert_data_eq!(shell.run("cache clear"), str![[r#"
$ jmake cache clear
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]);
    assert_data_eq!(shell.run("trust --show"), str![[r#"
$ jmake trust --show
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is not trusted
-- exit 0

"#]]);
    assert_data_eq!(shell.run("trust"), str![[r#"
$ jmake trust
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is trusted
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build"), str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]);
    assert_data_eq!(shell.run("trust --revoke"), str![[r#"
$ jmake trust --revoke
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is not trusted
-- exit 0

"#]]);
    assert_data_eq!(shell.run("-C src/.. build"), str![[r#"
$ jmake -C src/.. build
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]);
}

#[test]
fn graphs() {
    let shell = Shell::with(&[("a.c", "#include \"a.h\"\n#include <zlib.h>\n"), ("a.h", "\n")]);
    assert_data_eq!(shell.run("graph"), str![[r#"
$ jmake graph
-- stdout
{
  "edges": [
    [
      0,
      1
    ]
  ],
  "nodes": [
    {
      "kind": "c sources",
      "name": "a.c",
      "unresolved": [
        "zlib.h"
      ]
    },
    {
      "kind": "c headers",
      "name": "a.h"
    }
  ]
}
-- exit 0

"#]]);
    assert_data_eq!(shell.run("graph --format dot"), str![[r#"
$ jmake graph --format dot
-- stdout
digraph jmake {
  rankdir = LR;
  node [shape = box];
  n0 [label = "a.c", tooltip = "c sources"];
  n1 [label = "a.h", tooltip = "c headers"];
  n0 -> n1;
}
-- exit 0

"#]]);
    assert_data_eq!(shell.run("graph --format mermaid"), str![[r#"
$ jmake graph --format mermaid
-- stdout
graph LR
  n0["a.c"]
  n1["a.h"]
  n0 --> n1
-- exit 0

"#]]);
    let actions = shell.run("graph --what actions");
    assert!(actions.contains("\"kind\": \"link\"") && actions.ends_with("-- exit 0\n"), "{actions}");
}

#[test]
fn discovering() {
    let shell = Shell::with(&[
        ADD,
        ("tests/t.c", "int main(void) { return 0; }\n"),
        ("include/add.h", "int add(int, int);\n"),
    ]);
    assert_data_eq!(shell.run("discover"), str![[r#"
$ jmake discover
-- stdout
demo in [DIR]

c headers (1)
  include/add.h

c sources (2)
  src/add.c
  tests/t.c

library demo of
  src/add.c

left out
  tests/t.c: lies in the test folder `tests`
-- exit 0

"#]]);
    assert!(!shell.has(".jmake"), "discovering writes nothing");
    let json = shell.run("discover --json");
    assert!(json.contains("\"left_out\""), "{json}");
}

#[test]
fn the_shared_cache() {
    let shell = Shell::with(&[ADD]);
    shell.run("build");
    assert_data_eq!(shell.run("cache stat"), str![[r#"
$ jmake cache stat
-- stdout
cache    [SANDBOX]/cache/jmake/v1
files    2 ([SIZE])
traces   2 ([SIZE])
limit    [SIZE]
damaged  0
-- exit 0

"#]]);
    assert_data_eq!(shell.run("cache verify"), str![[r#"
$ jmake cache verify
-- stdout
4 entries checked, all good
-- exit 0

"#]]);
    assert_data_eq!(shell.run("cache gc"), str![[r#"
$ jmake cache gc
-- stdout
removed 0 entries ([SIZE]) from the shared cache
-- exit 0

"#]]);
    let stats = shell.run("stats");
    assert!(stats.contains("published  julia/libdemo.so\n") && stats.contains("actions    2\n"), "{stats}");
    assert_data_eq!(shell.run("clean --cache"), str![[r#"
$ jmake clean --cache
-- stdout
removed julia/libdemo.so
removed julia
removed compile_commands.json
removed .jmake
removed 4 entries ([SIZE]) from the shared cache
-- exit 0

"#]]);
    assert_data_eq!(shell.run("cache verify"), str![[r#"
$ jmake cache verify
-- stdout
0 entries checked, all good
-- exit 0

"#]]);
    assert_data_eq!(shell.run("cache clear"), str![[r#"
$ jmake cache clear
-- stdout
removed 0 entries ([SIZE]) from the shared cache
-- exit 0

"#]]);
}

#[test]
fn the_machine() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("tools opt"), str![[r#"
$ jmake tools opt
-- stdout
[..]/opt
-- exit 0

"#]]);
    assert_data_eq!(shell.run("tools nonsense"), str![[r#"
$ jmake tools nonsense
-- stderr
error: LLVM [..] has no tool `nonsense`
hint: `jmake tools` lists those it has
-- exit 2

"#]]);
    let doctor = shell.run("doctor");
    assert!(doctor.contains("     ok  C++ headers: "), "{doctor}");
    assert!(!shell.has(".jmake"), "telling writes nothing");
}

#[test]
fn single_steps() {
    let shell = Shell::with(&[ADD, ("src/b.c", "int add(int, int);\nint b(void) { return add(1, 2); }\n")]);
    shell.run("build");
    let objects: Vec<String> = std::fs::read_dir(shell.dir().join(".jmake/release/objects"))
        .unwrap()
        .map(|entry| format!(".jmake/release/objects/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".o"))
        .collect();
    assert_data_eq!(
        shell.run(&format!("ir link -o all.bc {}", objects.join(" "))).lines().skip(1).collect::<String>(),
        str!["-- exit 0"]
    );
    assert_data_eq!(shell.run("ir opt -O3 all.bc -o best.bc"), str![[r#"
$ jmake ir opt -O3 all.bc -o best.bc
-- exit 0

"#]]);
    assert_data_eq!(shell.run("ir opt --passes=mem2reg all.bc -o some.bc"), str![[r#"
$ jmake ir opt --passes=mem2reg all.bc -o some.bc
-- exit 0

"#]]);
    assert_data_eq!(shell.run("ir obj best.bc -o best.o"), str![[r#"
$ jmake ir obj best.bc -o best.o
-- exit 0

"#]]);
    assert_data_eq!(shell.run("ir lib best.o -o libbest.so"), str![[r#"
$ jmake ir lib best.o -o libbest.so
-- exit 0

"#]]);
    assert!(shell.has("libbest.so"));
    assert_data_eq!(shell.run("ir link src/add.c -o bad.bc"), str![[r#"
$ jmake ir link src/add.c -o bad.bc
-- stderr
[..]/llvm-link: [DIR]/src/add.c:1:1: error: expected top-level entity
int add(int a, int b) { return a + b; }
^
[..]/llvm-link: error:  loading file '[DIR]/src/add.c'
error: `[DIR]/bad.bc` was not made
-- exit 1

"#]]);
    assert_data_eq!(shell.run("ir opt nowhere.bc -o bad.bc"), str![[r#"
$ jmake ir opt nowhere.bc -o bad.bc
-- stderr
[..]/opt: [DIR]/nowhere.bc: error: Could not open input file: No such file or directory
error: `[DIR]/bad.bc` was not made
-- exit 1

"#]]);
    assert!(!shell.has("bad.bc"));
    let left: Vec<_> =
        std::fs::read_dir(shell.dir()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".jmake-tmp")), "{left:?}");
}

#[test]
fn finished_libraries() {
    let maker = Shell::with(&[ADD]);
    maker.run("build");
    let shell = Shell::new();
    assert_data_eq!(shell.run("new p --template binary"), str![[r#"
$ jmake new p --template binary
-- stdout
created README.md
created .gitignore
created .jmake_project
created include/.gitkeep
created jmake.toml
created lib/.gitkeep
-- exit 0

"#]]);
    assert_data_eq!(shell.run("build p"), str![[r#"
$ jmake build p
-- stderr
warning: there are no libraries in `lib` yet
hint: put finished libraries there, or remove `kind = "prebuilt"` to compile sources
    Finished prebuilt in [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 0

"#]]);
    let library = jmake_core::fs::read(&maker.dir().join("julia/libdemo.so")).unwrap();
    jmake_core::fs::create_dir_all(&shell.dir().join("p/lib")).unwrap();
    jmake_core::fs::write(&shell.dir().join("p/lib/libdemo.so"), &library).unwrap();
    assert_data_eq!(shell.run("build p"), str![[r#"
$ jmake build p
-- stdout
lib/libdemo.so: ELF for x86_64, without debug information
  soname   libdemo.so
  exports  1 symbol
  needs    libc.so.6
-- stderr
   Inspected 1 library in [TIME]
-- exit 0

"#]]);
    shell.put("p/lib/libbad.so", "\u{7f}ELF\0");
    assert_data_eq!(shell.run("build p"), str![[r#"
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

"#]]);
}

#[test]
fn what_cannot_be_understood() {
    let shell = Shell::new();
    assert_data_eq!(shell.run("build --relese"), str![[r#"
$ jmake build --relese
-- stderr
error: unexpected argument '--relese' found

  tip: a similar argument exists: '--release'

Usage: jmake build --release [PATH]

For more information, try '--help'.
-- exit 2

"#]]);
    assert_data_eq!(shell.run("biuld"), str![[r#"
$ jmake biuld
-- stderr
error: unrecognized subcommand 'biuld'

  tip: a similar subcommand exists: 'build'

Usage: jmake [OPTIONS] <COMMAND>

For more information, try '--help'.
-- exit 2

"#]]);
    assert_data_eq!(shell.run("build --dev --release"), str![[r#"
$ jmake build --dev --release
-- stderr
error: the argument '--dev' cannot be used with '--release'

Usage: jmake build --dev [PATH]

For more information, try '--help'.
-- exit 2

"#]]);
    assert!(shell.run("--version").ends_with("-- exit 0\n"));
    for shell_name in ["bash", "zsh", "fish"] {
        let script = shell.run(&format!("completions {shell_name}"));
        assert!(script.contains("keep-going") && script.ends_with("-- exit 0\n"), "{script}");
    }
    let page = shell.run("man");
    assert!(page.contains(".TH jmake 1") && page.contains("JMAKE BUILD"), "{page}");
}

#[test]
fn timings_load_nothing_from_elsewhere() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(shell.run("build --timings"), str![[r#"
$ jmake build --timings
-- stderr
     Timings [DIR]/.jmake/timings/timings.html
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
note: the settings were found by looking and are kept in memory only
hint: `jmake init` writes them to `jmake.toml`
-- exit 0

"#]]);
    let page = shell.text(".jmake/timings/timings.html");
    assert!(page.contains("\"label\":\"src/add.c\"") && page.contains("never built here before"));
    for external in ["http://", "https://", "src=", "@import"] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(external), "{external}");
    }
    let trace: serde_json::Value = serde_json::from_str(&shell.text(".jmake/timings/trace.json")).unwrap();
    assert_eq!(trace["traceEvents"].as_array().map(Vec::len), Some(2));
}
