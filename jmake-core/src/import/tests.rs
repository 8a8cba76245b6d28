use super::*;
use crate::fs;
use crate::path::Root;

struct Folder {
    _temp: tempfile::TempDir,
    file: ManifestFile,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let temp = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = temp.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text.as_bytes()).unwrap();
        }
        let file = ManifestFile::new(&Root::open(temp.path()).unwrap());
        Folder { _temp: temp, file }
    }

    fn import(&self, from: Origin) -> Result<Imported> {
        import(&self.file, &Environment::default(), from, &Cancel::new())
    }

    fn text(&self) -> String {
        self.file.text().unwrap().to_string()
    }

    /// What is written below the first comment, and what is left out.
    fn cmake(files: &[(&str, &str)]) -> (String, Vec<String>) {
        let folder = Folder::new(files);
        let imported = folder.import(Origin::Cmake).unwrap();
        let text = folder.text();
        assert_eq!(Manifest::parse(&text, MANIFEST).1, [], "{text}");
        (text.split_once("\n\n").unwrap().1.to_owned(), shown(&imported))
    }
}

fn shown(imported: &Imported) -> Vec<String> {
    imported.left_out.iter().map(|left| format!("{}:{}: {}", left.file, left.line, left.text)).collect()
}

const CMAKE: &str = r#"project(Words VERSION 2.1 LANGUAGES C CXX)
option(WITH_LOUD "Also shout" ON)
find_package(ZLIB)
set(CMAKE_C_STANDARD 11)
configure_file(config.h.in config.h)
configure_file(made.c.in made.c)
add_library(words SHARED src/a.c src/b.c src/c.c ${CMAKE_CURRENT_BINARY_DIR}/made.c foreign.c)
target_include_directories(words PUBLIC include PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(words PRIVATE -Wall -fwrapv)
target_compile_definitions(words PRIVATE LOUD=3 EMPTY= HERE="${CMAKE_SOURCE_DIR}")
set_source_files_properties(src/b.c PROPERTIES COMPILE_FLAGS -msse4.1)
add_library(words_static STATIC src/a.c src/b.c src/c.c ${CMAKE_CURRENT_BINARY_DIR}/made.c foreign.c)
add_library(lines more/lines.cpp)
target_link_libraries(lines PUBLIC words m Threads::Threads ZLIB::ZLIB -Wl,-O1)
add_library(part STATIC more/part.c)
add_executable(tell tool/tell.c)
target_link_libraries(tell words_static part)
add_executable(words_test tests/test.c)
add_test(NAME t COMMAND words_test)
add_custom_command(OUTPUT foreign.c COMMAND gen)
magic(x)
install(TARGETS words words_static lines tell)
"#;

#[test]
fn a_description_becomes_targets() {
    let (text, left) = Folder::cmake(&[
        ("CMakeLists.txt", CMAKE),
        ("config.h.in", "#define V \"@PROJECT_VERSION@\"\n"),
        ("made.c.in", "int made;\n"),
        ("include/words.h", ""),
        ("src/a.c", "#include \"config.h\"\n"),
        ("src/b.c", ""),
        ("src/c.c", ""),
        ("more/lines.cpp", ""),
        ("more/part.c", ""),
        ("tool/tell.c", "int main(void) { return 0; }\n"),
        ("tests/test.c", "int main(void) { return 0; }\n"),
    ]);
    assert_eq!(
        text,
        r#"[project]
name = "Words"
version = "2.1"

[compile]
c_std = "gnu11"

[[target]]
name = "words"
kind = "shared"
sources = [".jmake/gen/cmake/made.c", "src/*.c"]
include_dirs = ["include", ".jmake/gen/cmake"]
flags = ["-fwrapv"]
libraries = []
defines = ["LOUD=3", "EMPTY=", "words_EXPORTS"]
"#
        .replace("libraries = []\n", "")
            + r#"
[[target]]
name = "lines"
kind = "shared"
sources = ["more/lines.cpp"]
include_dirs = ["include"]
libraries = ["words", "m", "pthread"]
defines = { lines_EXPORTS = true }

[[target]]
name = "part"
kind = "static"
sources = ["more/part.c"]

[[target]]
name = "tell"
kind = "executable"
sources = ["tool/tell.c"]
libraries = ["words", "part"]
"#
    );
    let text = left.join("\n");
    for (line, words) in [
        (2, "the option `WITH_LOUD` counts as `ON`"),
        (3, "the package `ZLIB` counts as absent"),
        (7, "flags of `src/b.c` alone: -msse4.1"),
        (7, "options of `words` left out: -Wall"),
        (7, "the macro `HERE` of `words` is left out: its value holds the folder's path"),
        (12, "`words_static` is another form of `words` and left out"),
        (
            13,
            "`lines` is not linked with `ZLIB::ZLIB`: it belongs to a package, and packages count as absent",
        ),
        (18, "`words_test` is a test, and is left out"),
        (21, "`magic` is not understood"),
    ] {
        assert!(text.contains(&format!("CMakeLists.txt:{line}: {words}")), "{words}\n{text}");
    }
    assert!(text.contains("foreign.c` of `words` is not there"), "{text}");
    let mut sorted = left.clone();
    sorted.dedup();
    assert_eq!(sorted, left);
}

#[test]
fn odd_names_and_circles_are_bounded() {
    let (text, left) = Folder::cmake(&[
        (
            "CMakeLists.txt",
            "project(p C)\nadd_library(a STATIC \"x[1].c\")\nadd_library(b STATIC b.c)\n\
             target_link_libraries(a b -Wl,-plugin,x)\ntarget_link_libraries(b a to-obj-path=x)\n\
             add_executable(one one.c)\nset_target_properties(one a PROPERTIES OUTPUT_NAME p)\n\
             target_compile_definitions(a PRIVATE \"F(x)=x\")\n",
        ),
        ("x[1].c", ""),
        ("x1.c", ""),
        ("b.c", ""),
        ("one.c", "int main(void) { return 0; }"),
    ]);
    let (manifest, _) = Manifest::parse(&text, MANIFEST);
    let names: Vec<_> = manifest.targets.iter().filter_map(|target| target.name.clone()).collect();
    assert_eq!(names, ["a", "b", "one"], "an output name that two want is nobody's");
    assert_eq!(manifest.targets[0].sources, ["x[[]1[]].c"]);
    assert_eq!(
        (manifest.targets[0].libraries.len(), &*manifest.targets[1].libraries),
        (0, &["a".into()][..])
    );
    let left = left.join("\n");
    for words in ["`a` is not linked with `b`, which needs it", "a flag of the linker", "the macro `F(x)=x`"]
    {
        assert!(left.contains(words), "{words}\n{left}");
    }
}

#[test]
fn what_the_manifest_says_stays() {
    let mine = "# mine\nproject.name = \"own\" # why\n\n[compile]\nc_std = \"c99\"";
    let files = [
        (
            "CMakeLists.txt",
            "project(p VERSION 1 LANGUAGES C)\nset(CMAKE_C_STANDARD 11)\nadd_library(p a.c)\n",
        ),
        ("a.c", ""),
        ("jmake.toml", mine),
    ];
    let folder = Folder::new(&files);
    assert!(!folder.import(Origin::Cmake).unwrap().created);
    let text = folder.text();
    assert!(text.starts_with("# mine\nproject.name = \"own\" # why\n"), "{text}");
    let (manifest, problems) = Manifest::parse(&text, MANIFEST);
    assert_eq!(problems, []);
    assert_eq!(
        (manifest.project.name.as_deref(), manifest.project.version.as_deref()),
        (Some("own"), Some("1"))
    );
    assert_eq!(manifest.compile.c_std.as_deref(), Some("c99"));
    assert_eq!(manifest.targets[0].flags, ["-std=gnu11"], "the target's own, which counts more");
    let refused = folder.import(Origin::Cmake).unwrap_err().to_string();
    assert!(refused.contains("says already what is built"), "{refused}");
    assert_eq!(folder.text(), text);
    for bad in ["target.triple = \"x86_64-linux-gnu\"", "[compile", "binary.kind = \"static\""] {
        let folder = Folder::new(&[files[0], files[1], ("jmake.toml", bad)]);
        assert!(folder.import(Origin::Cmake).is_err(), "{bad}");
        assert_eq!(folder.text(), bad);
    }
}

#[test]
fn nothing_to_import() {
    let folder = Folder::new(&[("a.c", ""), ("CMakeLists.txt", "project(p)\n")]);
    for from in [Origin::Cmake, Origin::CompileCommands] {
        assert!(folder.import(from).unwrap_err().to_string().starts_with("there is no `"));
    }
    assert_eq!(folder.text(), "");
    for text in ["[]", "{", "[1]", "[{\"file\": 1}]", "[{\"file\": \"/x/b.c\", \"directory\": \"/x\"}]"] {
        let folder = Folder::new(&[("a.c", ""), ("compile_commands.json", text)]);
        assert!(folder.import(Origin::CompileCommands).is_err(), "{text}");
    }
}

fn commands(entries: &[(&str, &str, &str)]) -> String {
    let entries = entries.iter().map(|(file, flags, owner)| {
        let object = format!("CMakeFiles/{owner}.dir/{file}.o");
        format!(
            r#"{{"directory": "/away/p/build", "file": "/away/p/{file}", "command": "cc {flags} -o {object} -c /away/p/{file}"}}"#
        )
    });
    format!("[\n{}\n]\n", entries.collect::<Vec<_>>().join(",\n"))
}

const SOURCES: [(&str, &str); 6] = [
    ("src/a.c", ""),
    ("src/b.c", ""),
    ("src/c.cpp", ""),
    ("tool/main.c", "int main(void) { return 0; }"),
    ("tool/help.c", ""),
    ("include/a.h", ""),
];

#[test]
fn commands_become_one_target() {
    let text = commands(&[
        ("src/a.c", "-I/away/p/include -DA=1 -DB -O3 -fvisibility=hidden -std=c11", "p"),
        ("src/b.c", "-I../include -DA=2 -DB -O3 -fvisibility=hidden -std=c11 -mavx2", "p"),
        ("src/c.cpp", "-DA=1 -O3 -std=c++17 -fno-rtti", "q"),
        ("src/c.cpp", "-DA=1 -O3 -std=c++17 -fno-rtti", "q_static"),
        ("tool/main.c", "", "tool"),
        ("tool/help.c", "", "tool"),
        ("../other/src/a.c", "-DX", "other"),
    ]);
    let mut files = SOURCES.to_vec();
    files.extend([("build/compile_commands.json", &*text), ("jmake.toml", "project.name = \"p\"\n")]);
    // Otherwise nothing is hidden.
    files.push(("src/export.h", "__attribute__((visibility(\"default\")))"));
    let folder = Folder::new(&files);
    let imported = folder.import(Origin::CompileCommands).unwrap();
    assert_eq!(imported.from, "build/compile_commands.json");
    let (manifest, problems) = Manifest::parse(&folder.text(), MANIFEST);
    assert_eq!(problems, []);
    let [target] = &manifest.targets[..] else { panic!("{}", folder.text()) };
    assert_eq!((target.name.as_deref(), target.kind), (Some("p"), Some(Kind::Shared)));
    assert_eq!(target.sources, ["src/a.c", "src/b.c", "src/c.cpp"]);
    assert_eq!(target.include_dirs, ["include"]);
    assert_eq!(target.defines, [("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)]);
    let compile = &manifest.compile;
    assert_eq!((compile.c_std.as_deref(), compile.std.as_deref()), (Some("c11"), Some("c++17")));
    assert_eq!(
        (&compile.c_flags[..], &compile.cxx_flags[..]),
        (&["-fvisibility=hidden".into()][..], &["-fno-rtti".into()][..])
    );
    let left = shown(&imported).join("\n");
    for words in [
        ":3: `src/b.c`: `-DA=2` is left out, for others have `-DA=1`",
        "`-DB` is for all now, not for 2 of 3 only",
        ":6: `tool/main.c` defines `main`",
        ":7: `tool/help.c` belongs to a program",
        ":3: `-mavx2` of 1 of 3 sources is left out",
        "`-O3` of 3 of 3 sources is left out",
    ] {
        assert!(left.contains(words), "{words}\n{left}");
    }
}

#[test]
fn commands_that_contradict_become_several_targets() {
    let text = commands(&[("src/a.c", "-DNAME=1", "first"), ("src/b.c", "-DNAME=2", "second")]);
    let mut files = SOURCES.to_vec();
    files.push(("compile_commands.json", &*text));
    let folder = Folder::new(&files);
    folder.import(Origin::CompileCommands).unwrap();
    let (manifest, _) = Manifest::parse(&folder.text(), MANIFEST);
    let targets = manifest.targets.iter().map(|target| (target.name.as_deref(), &target.sources[..]));
    let targets: Vec<_> = targets.collect();
    assert_eq!(
        targets,
        [(Some("first"), &["src/a.c".to_owned()][..]), (Some("second"), &["src/b.c".to_owned()][..])]
    );
}
