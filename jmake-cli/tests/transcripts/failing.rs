//! Builds that cannot work: what is said, how it ends, and that nothing is harmed.

use snapbox::{assert_data_eq, str};

use crate::ADD;
use crate::support::shell::Shell;

#[test]
fn nothing_to_build() {
    let shell = Shell::with(&[("notes.txt", "no code\n")]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: no C or C++ sources to build in `[DIR]`
hint: name another folder, or put sources in this one
-- exit 2

"#]]
    );
    shell.put("tests/test.c", "int main(void) { return 0; }\n");
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: no C or C++ sources to build in `[DIR]`
hint: sources left out: 1, such as `tests/test.c`, which lies in the test folder `tests`; `jmake discover` shows them all
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("build nowhere"),
        str![[r#"
$ jmake build nowhere
-- stderr
error: cannot open the folder `[DIR]/nowhere`
  caused by: No such file or directory (os error 2)
-- exit 2

"#]]
    );
}

#[test]
fn no_compiler() {
    let shell = Shell::with(&[ADD]);
    let config = shell.home().join(".config/jmake");
    jmake_core::fs::create_dir_all(&config).unwrap();
    jmake_core::fs::write(&config.join("config.toml"), b"[llvm]\nroot = '/nonexistent'\n").unwrap();
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: no usable clang 14 or newer in `/nonexistent/bin`, `/nonexistent`
hint: install [..]
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("tools"),
        str![[r#"
$ jmake tools
-- stderr
error: no usable clang 14 or newer in `/nonexistent/bin`, `/nonexistent`
hint: install [..]
-- exit 2

"#]]
    );
}

#[test]
fn a_source_that_does_not_compile_harms_nothing() {
    let shell = Shell::with(&[ADD]);
    shell.run("build");
    let good = jmake_core::fs::read(&shell.dir().join("julia/libdemo.so")).unwrap();
    shell.put("src/add.c", "int add(int a, int b) { return a + c; }\n");
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
src/add.c:1:36: error: use of undeclared identifier 'c'
    1 | int add(int a, int b) { return a + c; }
      |                                    ^
1 error generated.
error: 1 action failed in release after [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]
    );
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
src/add.c:1:36: error: use of undeclared identifier 'c'
    1 | int add(int a, int b) { return a + c; }
      |                                    ^
1 error generated.
error: 1 action failed in release after [TIME] (0 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]
    );
    assert_eq!(jmake_core::fs::read(&shell.dir().join("julia/libdemo.so")).unwrap(), good);
    assert_data_eq!(
        shell.run("explain"),
        str![[r#"
$ jmake explain
-- stdout
compile src/add.c: failed because `src/add.c` changed (23cf718c4918 → 4873bda9b6ca)
  src/add.c:1:36: error: use of undeclared identifier 'c'
link julia/libdemo.so: blocked
-- exit 0

"#]]
    );
    shell.put("src/add.c", ADD.1);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (0 compiled, 1 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
}

#[test]
fn a_missing_header_and_the_rest_goes_on() {
    let shell = Shell::with(&[
        ADD,
        ("src/b.c", "#include \"nothing.h\"\n"),
        ("src/c.c", "int c(void) { return 1; }\n"),
    ]);
    assert_data_eq!(
        shell.run("build -j1 --keep-going -v"),
        str![[r#"
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
error: there is no header `nothing.h`
 --> src/b.c:1
hint: name the folder it lies in under `compile.include_dirs`
error: 1 action failed in release after [TIME] (2 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]
    );
}

#[test]
fn an_undefined_symbol() {
    let shell = Shell::with(&[("a.c", "int b(void);\nint a(void) { return b(); }\n")]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: linking `julia/libdemo.so` failed
error: nothing defines `b`, which `a` uses
 --> a.c
hint: is its source part of the target (`jmake discover`), or its library in `link.libraries`
error: 1 action failed in release after [TIME] (1 compiled, 0 fresh, 0 restored)
-- exit 1

"#]]
    );
}

/// The reply says the same to a program: the stage, the action, its complaints, the cause and the edit
/// that mends it.
#[test]
fn a_failed_build_for_programs() {
    let shell = Shell::with(&[("a.cpp", "#include <span>\nint f(std::span<int> s) { return s[0]; }\n")]);
    let text = shell.run("build --message-format json");
    let lines: Vec<serde_json::Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let summary = lines.iter().find(|line| line["event"] == "summary").unwrap();
    let [failed] = &summary["failures"].as_array().unwrap()[..] else { panic!("{summary:#}") };
    assert_eq!((failed["stage"].as_str(), failed["kind"].as_str()), (Some("execute"), Some("compile")));
    assert_eq!(failed["action"], "a.cpp");
    let complaint = &failed["diagnostics"][0];
    assert_eq!((complaint["file"].as_str(), complaint["severity"].as_str()), (Some("a.cpp"), Some("error")));
    assert_eq!((complaint["line"].as_u64(), complaint["column"].as_u64()), (Some(2), Some(7)));
    let hint = &failed["hints"][0];
    assert_eq!(hint["cause"], "older-standard");
    assert_eq!(hint["change"], serde_json::json!({ "key": "compile.std", "value": "c++20" }));
    assert_data_eq!(
        shell.run("explain a.cpp"),
        str![[r#"
$ jmake explain a.cpp
-- stdout
compile a.cpp: failed because never built here before
  a.cpp:2:7: error: use of undeclared identifier 'std'
...
  hint: set `compile.std = "c++20"` in `jmake.toml`
-- exit 0

"#]]
    );
    shell.run("config set compile.std c++20");
    let built = shell.run("build");
    assert!(built.contains("-- exit 0"), "{built}");
}

#[test]
fn a_manifest_with_mistakes() {
    let shell = Shell::with(&[ADD, ("jmake.toml", "[compile\n")]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: not valid TOML: unclosed table, expected `]`
 --> jmake.toml:1
-- exit 2

"#]]
    );
    shell.put("jmake.toml", "[compile]\njobs = 'many'\nstd = 3\n");
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: `compile.jobs` must be a whole number from 1 to 4096, not `"many"`
 --> jmake.toml:2
error: `compile.std` must be a plain word, not `3`
 --> jmake.toml:3
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("config validate"),
        str![[r#"
$ jmake config validate
-- stdout
error: `compile.jobs` must be a whole number from 1 to 4096, not `"many"`
 --> jmake.toml:2
error: `compile.std` must be a plain word, not `3`
 --> jmake.toml:3
-- exit 1

"#]]
    );
    shell.put("jmake.toml", "[compile]\nflagz = ['-O1']\n");
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config validate"),
        str![[r#"
$ jmake config validate
-- stdout
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build --profile fast"),
        str![[r#"
$ jmake build --profile fast
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
error: there is no profile `fast`
hint: `release` and `dev` are always there; others are written as `[profile.<name>]`
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("build --target nothing"),
        str![[r#"
$ jmake build --target nothing
-- stderr
warning: unknown key `compile.flagz`
 --> jmake.toml:2
hint: the nearest key is `compile.flags`
error: there is no target `nothing`
hint: the targets are `demo`
-- exit 2

"#]]
    );
}

#[test]
fn an_output_folder_that_is_a_file() {
    let shell = Shell::with(&[ADD, ("julia", "a file\n")]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: the output folder `[DIR]/julia` is a file; remove it or set `binary.output_dir`
-- exit 2

"#]]
    );
    assert_eq!(shell.text("julia"), "a file\n");
}

#[test]
fn what_cannot_be_understood() {
    let shell = Shell::new();
    assert_data_eq!(
        shell.run("build --relese"),
        str![[r#"
$ jmake build --relese
-- stderr
error: unexpected argument '--relese' found

  tip: a similar argument exists: '--release'

Usage: jmake build --release [PATH]

For more information, try '--help'.
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("biuld"),
        str![[r#"
$ jmake biuld
-- stderr
error: unrecognized subcommand 'biuld'

  tip: a similar subcommand exists: 'build'

Usage: jmake [OPTIONS] <COMMAND>

For more information, try '--help'.
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("build --dev --release"),
        str![[r#"
$ jmake build --dev --release
-- stderr
error: the argument '--dev' cannot be used with '--release'

Usage: jmake build --dev [PATH]

For more information, try '--help'.
-- exit 2

"#]]
    );
    assert!(shell.run("--version").ends_with("-- exit 0\n"));
    for shell_name in ["bash", "zsh", "fish"] {
        let script = shell.run(&format!("completions {shell_name}"));
        assert!(script.contains("keep-going") && script.ends_with("-- exit 0\n"), "{script}");
    }
    let page = shell.run("man");
    assert!(page.contains(".TH jmake 1") && page.contains("JMAKE BUILD"), "{page}");
}
