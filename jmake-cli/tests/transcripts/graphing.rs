//! `graph`: what it draws once something was built, and what it answers.

use serde_json::Value;
use snapbox::{assert_data_eq, str};

use crate::support::shell::Shell;

#[test]
fn includes_as_the_compiler_saw_them() {
    let shell = Shell::shapes();
    shell.run("build");
    assert_data_eq!(
        shell.run("graph --format dot"),
        str![[r#"
$ jmake graph --format dot
-- stdout
digraph jmake {
  rankdir = LR;
  node [shape = box];
  n0 [label = ".jmake/gen/src/config.h", tooltip = "generated headers"];
  n1 [label = "include/old.h", tooltip = "c headers"];
  n2 [label = "include/shape.h", tooltip = "c++ headers"];
  n3 [label = "include/unit.h", tooltip = "c headers"];
  n4 [label = "src/area.cpp", tooltip = "c++ sources"];
  n5 [label = "src/idle.h", tooltip = "c headers"];
  n6 [label = "src/never.h", tooltip = "c++ headers"];
  n7 [label = "src/round.c", tooltip = "c sources"];
  n8 [label = "src/sizes.inc", tooltip = "other"];
  n9 [label = "tests/t.c", tooltip = "c sources"];
  n2 -> n3;
  n4 -> n2;
  n4 -> n0;
  n4 -> n6 [style = dotted, tooltip = "no compile took it"];
  n4 -> n8 [style = dashed, tooltip = "seen by the compiler alone"];
  n7 -> n3;
  n9 -> n3;
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
  n0[".jmake/gen/src/config.h"]
  n1["include/old.h"]
  n2["include/shape.h"]
  n3["include/unit.h"]
  n4["src/area.cpp"]
  n5["src/idle.h"]
  n6["src/never.h"]
  n7["src/round.c"]
  n8["src/sizes.inc"]
  n9["tests/t.c"]
  n2 --> n3
  n4 --> n2
  n4 --> n0
  n4 -. not opened .-> n6
  n4 -- compiler --> n8
  n7 --> n3
  n9 --> n3
-- exit 0

"#]]
    );
    let json = shell.run("graph");
    assert!(json.contains("\"by\": \"compiler\",\n      \"opened\": true"), "{json}");
    assert!(json.contains("\"by\": \"text\",\n      \"opened\": false"), "{json}");
    assert!(!json.contains("unresolved"), "a header that is made is no header from outside: {json}");
}

#[test]
fn symbols_of_units() {
    let shell = Shell::shapes();
    assert_data_eq!(
        shell.run("graph --what symbols"),
        str![[r#"
$ jmake graph --what symbols
-- stderr
error: no build of this project is recorded
hint: run `jmake build` first
-- exit 2

"#]]
    );
    shell.run("build");
    assert_data_eq!(
        shell.run("graph --what symbols"),
        str![[r#"
$ jmake graph --what symbols
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
      "defines": [
        {
          "name": "_Z4areai",
          "shown": "area(int)",
          "weak": false
        }
      ],
      "kind": "unit",
      "name": "src/area.cpp",
      "object": ".jmake/release/objects/f490f739d37ea98f-area.o",
      "uses": [
        {
          "by": [
            1
          ],
          "name": "round_up",
          "weak": false
        }
      ]
    },
    {
      "defines": [
        {
          "name": "round_up",
          "weak": true
        }
      ],
      "kind": "unit",
      "name": "src/round.c",
      "object": ".jmake/release/objects/3edabd53903cb952-round.o"
    }
  ]
}
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --what symbols --format dot"),
        str![[r#"
$ jmake graph --what symbols --format dot
-- stdout
digraph jmake {
  rankdir = LR;
  node [shape = box];
  n0 [label = "src/area.cpp", tooltip = "unit"];
  n1 [label = "src/round.c", tooltip = "unit"];
  n0 -> n1;
}
-- exit 0

"#]]
    );
    shell.put("include/unit.h", "#define UNIT 12\n");
    assert_data_eq!(
        shell.run("graph --what symbols"),
        str![[r#"
$ jmake graph --what symbols
-- stderr
error: `src/area.cpp` is not as it was built (`include/unit.h` changed (91afcdd62039 → d8cbda35f874)), nor is one other unit up to date
hint: run `jmake build` first
-- exit 2

"#]]
    );
    shell.put("src/new.c", "int neu(void) { return 1; }\n");
    shell.put("include/unit.h", "#define UNIT 10\n");
    assert_data_eq!(
        shell.run("graph --what symbols"),
        str![[r#"
$ jmake graph --what symbols
-- stderr
error: `src/new.c` was never built
hint: run `jmake build` first
-- exit 2

"#]]
    );
    shell.put("jmake.toml", "[compile]\ndefines = { A = \"1\" }\n");
    let flags = shell.run("graph --what symbols");
    assert!(flags.contains("arguments added: `-DA=1`") && flags.ends_with("-- exit 2\n"), "{flags}");
}

#[test]
fn who_includes() {
    let shell = Shell::shapes();
    assert_data_eq!(
        shell.run("graph --who-includes include/unit.h"),
        str![[r#"
$ jmake graph --who-includes include/unit.h
-- stdout
`include/unit.h` is included by
  include/shape.h
  src/round.c
  tests/t.c

and through them by
  src/area.cpp through include/shape.h
-- stderr
note: no build of this project is recorded, so this goes by the text of its files alone
hint: after `jmake build` it goes by what the compiler has opened
-- exit 0

"#]]
    );
    shell.run("build");
    assert_data_eq!(
        shell.run("-C src graph --who-includes ../include/unit.h"),
        str![[r#"
$ jmake -C src graph --who-includes ../include/unit.h
-- stdout
`include/unit.h` is included by
  include/shape.h
  src/round.c
  tests/t.c

and through them by
  src/area.cpp through include/shape.h
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --who-includes src/sizes.inc"),
        str![[r#"
$ jmake graph --who-includes src/sizes.inc
-- stdout
`src/sizes.inc` is included by
  src/area.cpp (seen by the compiler alone)
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --who-includes src/never.h --json"),
        str![[r#"
$ jmake graph --who-includes src/never.h --json
-- stdout
{
  "file": "src/never.h",
  "includers": [
    {
      "by": "text",
      "file": "src/area.cpp",
      "opened": false,
      "through": null
    }
  ],
  "recorded": true
}
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --who-includes src/idle.h"),
        str![[r#"
$ jmake graph --who-includes src/idle.h
-- stdout
nothing includes `src/idle.h`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --who-includes src/shape.h"),
        str![[r#"
$ jmake graph --who-includes src/shape.h
-- stderr
error: there is no file `src/shape.h`
hint: the nearest is `include/shape.h`
-- exit 2

"#]]
    );
    shell.put("../outside.h", "");
    assert_data_eq!(
        shell.run("graph --who-includes ../outside.h"),
        str![[r#"
$ jmake graph --who-includes ../outside.h
-- stderr
error: `[SANDBOX]/work/outside.h` lies outside the project `[DIR]`
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("graph --who-includes src"),
        str![[r#"
$ jmake graph --who-includes src
-- stderr
error: `src` is a folder, not a file
-- exit 2

"#]]
    );
}

#[test]
fn what_an_edit_rebuilds() {
    let shell = Shell::shapes();
    assert_data_eq!(
        shell.run("graph --rebuilds include/shape.h"),
        str![[r#"
$ jmake graph --rebuilds include/shape.h
-- stdout
an edit of `include/shape.h` compiles
  src/area.cpp
and links
  library demo
-- stderr
note: no build of this project is recorded, so this goes by the text of its files alone
hint: after `jmake build` it goes by what the compiler has opened
-- exit 0

"#]]
    );
    shell.run("build");
    assert_data_eq!(
        shell.run("graph --rebuilds include/shape.h src/round.c"),
        str![[r#"
$ jmake graph --rebuilds include/shape.h src/round.c
-- stdout
an edit of `include/shape.h`, `src/round.c` compiles
  src/area.cpp
  src/round.c
and links
  julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --rebuilds src/config.h.in --json"),
        str![[r#"
$ jmake graph --rebuilds src/config.h.in --json
-- stdout
{
  "anyway": [],
  "files": [
    "src/config.h.in"
  ],
  "profile": "release",
  "recorded": true,
  "remarks": [],
  "results": [
    "julia/libdemo.so"
  ],
  "units": [
    {
      "object": ".jmake/release/objects/f490f739d37ea98f-area.o",
      "source": "src/area.cpp"
    }
  ]
}
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --rebuilds src/idle.h tests/t.c"),
        str![[r#"
$ jmake graph --rebuilds src/idle.h tests/t.c
-- stdout
an edit of `src/idle.h`, `tests/t.c` compiles nothing

of these files
  tests/t.c: lies in the test folder `tests`
-- exit 0

"#]]
    );
    shell.put("src/round.c", "int round_up(int a) { return a + 1; }\n");
    shell.put("src/new.c", "int neu(void) { return 1; }\n");
    assert_data_eq!(
        shell.run("graph --rebuilds src/sizes.inc src/new.c jmake.toml"),
        str![[r#"
$ jmake graph --rebuilds src/sizes.inc src/new.c jmake.toml
-- stdout
an edit of `src/sizes.inc`, `src/new.c`, `jmake.toml` compiles
  src/area.cpp
and links
  julia/libdemo.so

of these files
  src/new.c: is new: no build has compiled it yet
  jmake.toml: decides what is built and how, so everything may be

compiled whatever is edited
  src/round.c: `src/round.c` changed (942fdb15d4cb → d214a0bc50c5)
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --rebuilds src/size.inc"),
        str![[r#"
$ jmake graph --rebuilds src/size.inc
-- stderr
error: there is no file `src/size.inc`
hint: the nearest is `src/sizes.inc`
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("graph --rebuilds src/idle.h --what symbols"),
        str![[r#"
$ jmake graph --rebuilds src/idle.h --what symbols
-- stderr
error: the argument '--rebuilds <FILE>...' cannot be used with '--what <WHAT>'

Usage: jmake graph --rebuilds <FILE>... [PATH]

For more information, try '--help'.
-- exit 2

"#]]
    );
}

#[test]
fn headers_that_nobody_opens() {
    let shell = Shell::shapes();
    assert_data_eq!(
        shell.run("graph --unused-headers"),
        str![[r#"
$ jmake graph --unused-headers
-- stdout
none of 2 units opens
  src/idle.h

nor these public ones
  include/old.h
-- stderr
note: no build of this project is recorded, so this goes by the text of its files alone
hint: after `jmake build` it goes by what the compiler has opened
-- exit 0

"#]]
    );
    shell.run("build");
    assert_data_eq!(
        shell.run("graph --unused-headers"),
        str![[r#"
$ jmake graph --unused-headers
-- stdout
none of 2 units opens
  src/idle.h
  src/never.h (included by src/area.cpp)

nor these public ones
  include/old.h
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --unused-headers --json"),
        str![[r#"
$ jmake graph --unused-headers --json
-- stdout
{
  "headers": [
    {
      "included_by": [],
      "path": "src/idle.h"
    },
    {
      "included_by": [
        "src/area.cpp"
      ],
      "path": "src/never.h"
    }
  ],
  "public": [
    {
      "included_by": [],
      "path": "include/old.h"
    }
  ],
  "recorded": true,
  "units": 2
}
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("graph --unused-headers --who-includes src/idle.h"),
        str![[r#"
$ jmake graph --unused-headers --who-includes src/idle.h
-- stderr
error: the argument '--unused-headers' cannot be used with '--who-includes <FILE>'

Usage: jmake graph --unused-headers [PATH]

For more information, try '--help'.
-- exit 2

"#]]
    );
}

/// The data of a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("a page holds data");
    let (data, _) = rest.split_once("</script>").expect("the data ends");
    serde_json::from_str(data).expect("the data is JSON")
}

#[test]
fn a_page() {
    let shell = Shell::shapes();
    let first = shell.run("graph --format html");
    assert_eq!(data(&first)["besides"]["recorded"], false);
    assert!(!shell.has(".jmake"), "telling writes nothing");
    shell.run("build");
    let page = shell.run("graph --format html");
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        let allowed = ["http://www.w3.org/2000/svg"];
        let found = page.matches(outside).count();
        let known =
            allowed.iter().filter(|one| one.starts_with(outside)).map(|one| page.matches(one).count());
        assert_eq!(found, known.sum::<usize>(), "{outside}");
    }
    let data = data(&page);
    let at =
        |name: &str| data["nodes"].as_array().unwrap().iter().position(|node| node["name"] == name).unwrap();
    let area = &data["nodes"][at("src/area.cpp")];
    assert_eq!(area["uses"][0]["name"], "round_up");
    assert_eq!(area["uses"][0]["by"][0], at("src/round.c"));
    let units = data["besides"]["units"].as_array().unwrap();
    let reading = |name: &str| {
        let place = Value::from(at(name));
        units.iter().filter(|unit| unit["reads"].as_array().unwrap().contains(&place)).count()
    };
    assert_eq!((reading("include/unit.h"), reading("src/sizes.inc"), reading("src/idle.h")), (2, 1, 0));
    assert_eq!(data["besides"]["results"][0], "julia/libdemo.so");
    shell.put("include/unit.h", "#define UNIT 12\n");
    let without = self::data(&shell.run("graph --format html"));
    let why = without["besides"]["no_symbols"].as_str().unwrap();
    assert!(why.contains("is not as it was built"), "{why}");
    for what in ["symbols", "actions"] {
        shell.run("build");
        let page = shell.run(&format!("graph --format html --what {what}"));
        assert!(self::data(&page)["nodes"].as_array().unwrap().len() >= 2, "{what}");
    }
}

#[test]
fn names_cannot_break_a_page() {
    let names = [
        "</script><script>alert(1)</script>.h",
        "<!--<script>.h",
        "\"'&quot;\\.h",
        "{{data}}.h",
        "</SCRIPT >.h",
        "\u{2028}.h",
    ];
    let shell = Shell::with(&[("a.c", "int a(void) { return 1; }\n")]);
    names.iter().for_each(|name| shell.put(name, ""));
    let empty = Shell::with(&[]);
    empty.put("a.c", "int a(void) { return 1; }\n");
    let (page, plain) = (shell.run("graph --format html"), empty.run("graph --format html"));
    let lower = |text: &str, what: &str| text.to_lowercase().matches(what).count();
    for what in ["</script", "<!--"] {
        assert_eq!(lower(&page, what), lower(&plain, what), "{what}");
    }
    let data = data(&page);
    let found: Vec<&str> =
        data["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    for name in names {
        assert!(found.contains(&name), "{name}: {found:?}");
    }
}
