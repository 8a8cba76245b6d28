//! The verbs that only tell.

use snapbox::{assert_data_eq, str};

use crate::ADD;
use crate::support::shell::Shell;

#[test]
fn explaining() {
    let b = ("src/b.c", "#include \"b.h\"\nint b(void) { return B; }\n");
    let shell = Shell::with(&[ADD, b, ("src/b.h", "#define B 1\n"), ("jmake.toml", "")]);
    assert_data_eq!(
        shell.run("explain"),
        str![[r#"
$ jmake explain
-- stderr
error: no build of this project is recorded
hint: run `jmake build` first
-- exit 2

"#]]
    );
    shell.run("build");
    shell.put("src/b.h", "#define B 2\n");
    shell.run("build");
    assert_data_eq!(
        shell.run("explain"),
        str![[r#"
$ jmake explain
-- stdout
compile src/b.c: ran because `src/b.h` changed (337cb5ef7e3b → 8526c5424720)
link julia/libdemo.so: ran because `.jmake/release/objects/75ecd4b4d7a9e203-b.o` changed (ec3ea34d4401 → 722ee52c252e)
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("explain src/b.h"),
        str![[r#"
$ jmake explain src/b.h
-- stdout
compile src/b.c: ran because `src/b.h` changed (337cb5ef7e3b → 8526c5424720)
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("explain src/add.c"),
        str![[r#"
$ jmake explain src/add.c
-- stdout
`src/add.c` was fresh in the last build: nothing it depends on had changed
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("explain src/none.c"),
        str![[r#"
$ jmake explain src/none.c
-- stdout
there is no file `src/none.c`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("-C src explain b.c --json"),
        str![[r#"
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

"#]]
    );
}

#[test]
fn graphs() {
    let shell = Shell::with(&[("a.c", "#include \"a.h\"\n#include <zlib.h>\n"), ("a.h", "\n")]);
    assert_data_eq!(
        shell.run("graph"),
        str![[r#"
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

"#]]
    );
    assert_data_eq!(
        shell.run("graph --format dot"),
        str![[r#"
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

"#]]
    );
    assert_data_eq!(
        shell.run("graph --format mermaid"),
        str![[r#"
$ jmake graph --format mermaid
-- stdout
graph LR
  n0["a.c"]
  n1["a.h"]
  n0 --> n1
-- exit 0

"#]]
    );
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
    assert_data_eq!(
        shell.run("discover"),
        str![[r#"
$ jmake discover
-- stdout
demo in [DIR]
  c headers (1), c sources (2)

library demo of src/add.c

left out
  tests/t.c: lies in the test folder `tests`
-- exit 0

"#]]
    );
    assert!(!shell.has(".jmake"), "discovering writes nothing");
    let json = shell.run("discover --json");
    assert!(json.contains("\"left_out\"") && json.contains("tests/t.c"), "{json}");
    for number in 0..30 {
        shell.put(&format!("src/n{number}.c"), &format!("int n{number}(void) {{ return 0; }}\n"));
        shell.put(&format!("tests/t{number}.c"), "int main(void) { return 0; }\n");
    }
    assert_data_eq!(
        shell.run("discover"),
        str![[r#"
$ jmake discover
-- stdout
demo in [DIR]
  c headers (1), c sources (62)

library demo of 31 sources
  src/ (31)

left out
  tests/ (31): lies in the test folder `tests`

`jmake discover --files` lists all of it
-- exit 0

"#]]
    );
    let all = shell.run("discover --files");
    assert!(all.contains("\n  src/n17.c\n") && all.contains("\n  tests/t3.c: lies in"), "{all}");
}

#[test]
fn the_machine() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("tools opt"),
        str![[r#"
$ jmake tools opt
-- stdout
[..]/opt
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("tools nonsense"),
        str![[r#"
$ jmake tools nonsense
-- stderr
error: LLVM [..] has no tool `nonsense`
hint: `jmake tools` lists those it has
-- exit 2

"#]]
    );
    let doctor = shell.run("doctor");
    assert!(doctor.contains("     ok  C++ headers: "), "{doctor}");
    assert!(!shell.has(".jmake"), "telling writes nothing");
}
