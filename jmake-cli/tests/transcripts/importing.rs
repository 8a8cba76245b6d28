//! `import`: what is built from the manifest it writes is what is built without.

use std::collections::BTreeSet;

use jmake_core::fs;
use jmake_core::inspect::inspect;
use jmake_core::process::{self, Cancel, Spec};
use snapbox::{assert_data_eq, str};

use crate::support::shell::Shell;

/// Two libraries, a program that uses one, an option, a header that is configured.
const WORDS: [(&str, &str); 11] = [
    (
        "CMakeLists.txt",
        r#"cmake_minimum_required(VERSION 3.10)
project(Words VERSION 2.1 LANGUAGES C CXX)
option(WITH_LOUD "Also shout" ON)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_VISIBILITY_PRESET hidden)
configure_file(config.h.in config.h)
add_library(words SHARED src/words.c src/count.c src/split.c)
target_include_directories(words PUBLIC include PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(words PRIVATE -Wall)
if(WITH_LOUD)
  target_compile_definitions(words PRIVATE LOUD=3)
endif()
add_library(lines more/lines.cpp)
target_link_libraries(lines PUBLIC words m)
target_compile_definitions(lines PRIVATE LINES_BUILD)
add_executable(tell tool/tell.c tool/print.c)
target_link_libraries(tell words)
target_include_directories(tell PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
add_custom_command(OUTPUT table.h COMMAND gen)
add_executable(words_test tests/test.c)
add_test(NAME all COMMAND words_test)
some_macro(words)
install(TARGETS words lines tell)
"#,
    ),
    ("config.h.in", "#define WORDS_VERSION \"@PROJECT_VERSION@\"\n#cmakedefine WITH_LOUD\n"),
    (
        "include/words.h",
        "#define WORDS_API __attribute__((visibility(\"default\")))\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\
         WORDS_API int words_count(const char *text);\nWORDS_API const char *words_version(void);\n\
         #ifdef __cplusplus\n}\n#endif\n",
    ),
    (
        "src/words.c",
        "#include \"config.h\"\n#include \"words.h\"\nint not_shown(void) { return 1; }\n\
         const char *words_version(void) { return WORDS_VERSION; }\n\
         #if LOUD == 3 && defined WITH_LOUD\nWORDS_API int words_loud(void) { return 3; }\n#endif\n",
    ),
    ("src/count.c", "#include \"words.h\"\nint words_count(const char *text) { return *text != 0; }\n"),
    (
        "src/split.c",
        "#include \"words.h\"\nWORDS_API int words_split(const char *t) { return words_count(t); }\n",
    ),
    (
        "more/lines.cpp",
        "#include \"words.h\"\n#ifdef LINES_BUILD\n\
         extern \"C\" int lines_count(const char *text) { return words_count(text) + 1; }\n#endif\n",
    ),
    (
        "tool/tell.c",
        "#include \"words.h\"\nvoid print(const char *text);\n\
         int main(void) { print(words_version()); return words_count(\"\"); }\n",
    ),
    (
        "tool/print.c",
        "#include <stdio.h>\n#include \"config.h\"\nvoid print(const char *text) { puts(text); puts(WORDS_VERSION); }\n",
    ),
    ("tests/test.c", "int main(void) { return 0; }\n"),
    ("src/unused.h", ""),
];

/// What the libraries in `julia` show, together.
fn shown(shell: &Shell) -> BTreeSet<String> {
    let libraries = std::fs::read_dir(shell.dir().join("julia")).expect("something was built").flatten();
    let libraries =
        libraries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "so"));
    libraries
        .flat_map(|library| inspect(&library).expect("it is a library").exports)
        .map(|symbol| symbol.name)
        .collect()
}

#[test]
fn a_description_is_imported_and_built_alike() {
    let shell = Shell::with(&WORDS);
    shell.run("build");
    let without = shown(&shell);
    assert!(without.contains("words_loud") && without.contains("lines_count"), "{without:?}");
    assert!(!without.contains("not_shown"));
    shell.run("clean");
    assert_data_eq!(
        shell.run("import cmake"),
        str![[r#"
$ jmake import cmake
-- stdout
created jmake.toml, from CMakeLists.txt
shared words of 3 sources
shared lines of 1 source
executable tell of 2 sources

not understood or left out
  CMakeLists.txt:3: the option `WITH_LOUD` counts as `ON`
  CMakeLists.txt:7: options of `words` left out: -Wall
  CMakeLists.txt:19: `table.h` is made by a custom command, which is not run
  CMakeLists.txt:20: `words_test` is a test, and is left out
  CMakeLists.txt:22: `some_macro` is not understood
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.text("jmake.toml"),
        str![[r##"
# Every key is optional; `jmake config show` lists them all with what is taken when they are missing.

[project]
name = "Words"
version = "2.1"

[compile]
c_flags = ["-fvisibility=hidden"]
c_std = "gnu11"

[[target]]
name = "words"
kind = "shared"
sources = ["src/*.c"]
include_dirs = ["include", ".jmake/gen/cmake"]
defines = { LOUD = "3", words_EXPORTS = true }

[[target]]
name = "lines"
kind = "shared"
sources = ["more/lines.cpp"]
include_dirs = ["include"]
libraries = ["words", "m"]
defines = { LINES_BUILD = true, lines_EXPORTS = true }

[[target]]
name = "tell"
kind = "executable"
sources = ["tool/print.c", "tool/tell.c"]
include_dirs = [".jmake/gen/cmake", "include"]
libraries = ["words"]

"##]]
    );
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (6 compiled, 0 fresh, 0 restored) → julia/libwords.so, julia/liblines.so, julia/tell
-- exit 0

"#]]
    );
    assert_eq!(shown(&shell), without);
    let program = Spec::new(["./julia/tell"], shell.dir());
    let told = process::run(&program, &Cancel::new()).expect("it can be started");
    assert_eq!(String::from_utf8_lossy(&told.output), "2.1\n2.1\n");
    let written = shell.text("jmake.toml");
    assert_data_eq!(
        shell.run("import cmake"),
        str![[r#"
$ jmake import cmake
-- stderr
error: `jmake.toml` says already what is built; nothing was changed
 --> jmake.toml
hint: give `jmake.toml` another name, import again, and take from both what you want
-- exit 2

"#]]
    );
    assert_eq!(shell.text("jmake.toml"), written);
}

#[test]
fn commands_are_imported_and_built_alike() {
    let shell = Shell::with(&[
        ("src/add.c", "#include \"sum.h\"\nint add(int a, int b) { return a + b + ZERO; }\n"),
        ("src/sub.c", "#ifdef WITH_SUB\nint sub(int a, int b) { return a - b; }\n#endif\n"),
        ("inc/sum.h", "#define ZERO 0\nint add(int a, int b);\n"),
        ("main.c", "int main(void) { return 0; }\n"),
    ]);
    let root = shell.dir().display().to_string();
    let entry = |file: &str, flags: &str, owner: &str| {
        format!(
            "{{\"directory\": \"{root}/build\", \"command\": \"cc {flags} -o {owner}.dir/x.o -c {root}/{file}\", \"file\": \"{root}/{file}\"}}"
        )
    };
    let entries = [
        entry("src/add.c", "-I../inc -O3 -Wall -DWITH_SUB", "sum"),
        entry("src/sub.c", "-I../inc -O3 -DWITH_SUB -msse4.2", "sum"),
        entry("main.c", "", "main"),
    ];
    shell.put("build/compile_commands.json", &format!("[\n{}\n]\n", entries.join(",\n")));
    assert_data_eq!(
        shell.run("init"),
        str![[r#"
$ jmake init
-- stdout
created .jmake_project
created jmake.toml
created .gitignore
-- stderr
note: `jmake import compile-commands` would write the targets of `compile_commands.json` to `jmake.toml`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("import compile-commands"),
        str![[r#"
$ jmake import compile-commands
-- stdout
added to jmake.toml, from build/compile_commands.json
shared demo of 2 sources

not understood or left out
  build/compile_commands.json:2: `-O3` of 2 of 2 sources is left out
  build/compile_commands.json:2: `-Wall` of 1 of 2 sources is left out
  build/compile_commands.json:3: `-msse4.2` of 1 of 2 sources is left out
  build/compile_commands.json:4: `main.c` defines `main`, and what a program is linked with is not said; it is left out
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.text("jmake.toml"),
        str![[r##"
# Every key is optional; `jmake config show` lists them all with what is taken when they are missing.

[project]
name = "demo"

[compile]
include_dirs = ["inc"]

[[target]]
name = "demo"
kind = "shared"
sources = ["src/add.c", "src/sub.c"]
include_dirs = ["inc"]
defines = { WITH_SUB = true }

"##]]
    );
    shell.run("build");
    assert_eq!(shown(&shell).into_iter().collect::<Vec<_>>(), ["add", "sub"]);
    // What jmake wrote itself is no description.
    shell.put("jmake.toml", "");
    fs::remove_dir_all(&shell.dir().join("build")).expect("it is there");
    shell.run("build");
    assert_data_eq!(
        shell.run("import compile-commands"),
        str![[r#"
$ jmake import compile-commands
-- stderr
error: there is no `compile_commands.json` of another tool that names sources of this project
hint: it must lie in the root or in `build`; CMake writes it with `-DCMAKE_EXPORT_COMPILE_COMMANDS=ON`
-- exit 2

"#]]
    );
}

#[test]
fn what_init_says_of_a_description() {
    let shell = Shell::with(&WORDS);
    assert_data_eq!(
        shell.run("init"),
        str![[r#"
$ jmake init
-- stdout
created .jmake_project
created jmake.toml
created .gitignore
-- stderr
note: `jmake import cmake` would write the targets of `CMakeLists.txt` to `jmake.toml`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("import cmake -q --json"),
        str![[r#"
$ jmake import cmake -q --json
-- stdout
{
  "created": false,
  "from": "CMakeLists.txt",
  "left_out": [
    {
      "file": "CMakeLists.txt",
      "line": 3,
      "text": "the option `WITH_LOUD` counts as `ON`"
    },
    {
      "file": "CMakeLists.txt",
      "line": 7,
      "text": "options of `words` left out: -Wall"
    },
    {
      "file": "CMakeLists.txt",
      "line": 19,
      "text": "`table.h` is made by a custom command, which is not run"
    },
    {
      "file": "CMakeLists.txt",
      "line": 20,
      "text": "`words_test` is a test, and is left out"
    },
    {
      "file": "CMakeLists.txt",
      "line": 22,
      "text": "`some_macro` is not understood"
    }
  ],
  "root": "[DIR]",
  "targets": [
    {
      "kind": "shared",
      "name": "words",
      "sources": 3
    },
    {
      "kind": "shared",
      "name": "lines",
      "sources": 1
    },
    {
      "kind": "executable",
      "name": "tell",
      "sources": 2
    }
  ]
}
-- exit 0

"#]]
    );
    assert!(shell.text("jmake.toml").contains("[[target]]\nname = \"words\""));
}
