//! The verbs that change settings, consent, the shared cache, or single files.

use snapbox::{assert_data_eq, str};

use crate::ADD;
use crate::support::shell::Shell;

#[test]
fn an_existing_folder_is_adopted_and_nothing_in_it_changed() {
    let shell = Shell::with(&[ADD, (".gitignore", "*.o\n"), ("README.md", "mine\n")]);
    assert_data_eq!(
        shell.run("init"),
        str![[r#"
$ jmake init
-- stdout
created .jmake_project
created jmake.toml
kept .gitignore
add to .gitignore: /.jmake/ /julia/ /compile_commands.json
-- exit 0

"#]]
    );
    assert_eq!((shell.text(".gitignore"), shell.text("README.md")), ("*.o\n".into(), "mine\n".into()));
    shell.put("jmake.toml", "# mine\n");
    assert_data_eq!(
        shell.run("init ."),
        str![[r#"
$ jmake init .
-- stdout
kept .jmake_project
kept jmake.toml
kept .gitignore
add to .gitignore: /.jmake/ /julia/ /compile_commands.json
-- exit 0

"#]]
    );
    assert_eq!(shell.text("jmake.toml"), "# mine\n");
}

#[test]
fn settings() {
    let shell = Shell::with(&[ADD]);
    assert_data_eq!(
        shell.run("config get project.name"),
        str![[r#"
$ jmake config get project.name
-- stderr
error: the key is not set
hint: `jmake config show` lists what is taken for keys that are not set
-- exit 1

"#]]
    );
    assert_data_eq!(
        shell.run("config set compile.jobs 2"),
        str![[r#"
$ jmake config set compile.jobs 2
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config set compile.jobs 2"),
        str![[r#"
$ jmake config set compile.jobs 2
-- stderr
note: nothing had to be changed
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config set compile.jobs lots"),
        str![[r#"
$ jmake config set compile.jobs lots
-- stderr
error: `compile.jobs` must be a whole number from 1 to 4096, not `"lots"`
 --> jmake.toml
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("config set compile.job 2"),
        str![[r#"
$ jmake config set compile.job 2
-- stderr
error: unknown key `compile.job`
 --> jmake.toml
hint: the nearest key is `compile.jobs`
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("config get compile.jobs"),
        str![[r#"
$ jmake config get compile.jobs
-- stdout
2
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config get compile.jbs"),
        str![[r#"
$ jmake config get compile.jbs
-- stderr
error: unknown key `compile.jbs`
hint: the nearest key is `compile.jobs`
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("config show compile"),
        str![[r#"
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

"#]]
    );
    assert_data_eq!(
        shell.run("config show nothing"),
        str![[r#"
$ jmake config show nothing
-- stderr
error: there is no section `nothing`
hint: `jmake config show` lists all keys
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("config show project --json"),
        str![[r#"
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

"#]]
    );
    assert_data_eq!(
        shell.run("config unset compile.jobs"),
        str![[r#"
$ jmake config unset compile.jobs
-- exit 0

"#]]
    );
    assert_eq!(shell.text("jmake.toml"), "[compile]\n");
    assert_data_eq!(
        shell.run("config complete"),
        str![[r#"
$ jmake config complete
-- stdout
project.name = "demo"
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config complete"),
        str![[r#"
$ jmake config complete
-- stderr
note: nothing is missing in `jmake.toml`
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("config validate"),
        str![[r#"
$ jmake config validate
-- stderr
note: nothing is wrong with the settings
-- exit 0

"#]]
    );
}

#[test]
fn consent() {
    let shell = Shell::with(&[ADD, ("jmake.toml", "[cache]\ndir = 'own'\n")]);
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("cache clear"),
        str![[r#"
$ jmake cache clear
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]
    );
    assert_data_eq!(
        shell.run("trust --show"),
        str![[r#"
$ jmake trust --show
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is not trusted
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("trust"),
        str![[r#"
$ jmake trust
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is trusted
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("build"),
        str![[r#"
$ jmake build
-- stderr
    Finished release in [TIME] (1 compiled, 0 fresh, 0 restored) → julia/libdemo.so
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("trust --revoke"),
        str![[r#"
$ jmake trust --revoke
-- stdout
jmake.toml:2: `own` in `cache.dir`: it chooses where jmake writes
[DIR] is not trusted
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("-C src/.. build"),
        str![[r#"
$ jmake -C src/.. build
-- stderr
error: `own` in `cache.dir`: it chooses where jmake writes
 --> jmake.toml:2
hint: run `jmake trust` if you trust this project
-- exit 2

"#]]
    );
}

#[test]
fn the_shared_cache() {
    let shell = Shell::with(&[ADD]);
    shell.run("build");
    assert_data_eq!(
        shell.run("cache stat"),
        str![[r#"
$ jmake cache stat
-- stdout
cache    [SANDBOX]/cache/jmake/v1
files    2 ([SIZE])
traces   2 ([SIZE])
limit    [SIZE]
damaged  0
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("cache verify"),
        str![[r#"
$ jmake cache verify
-- stdout
4 entries checked, all good
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("cache gc"),
        str![[r#"
$ jmake cache gc
-- stdout
removed 0 entries ([SIZE]) from the shared cache
-- exit 0

"#]]
    );
    let stats = shell.run("stats");
    assert!(stats.contains("published  julia/libdemo.so\n") && stats.contains("actions    2\n"), "{stats}");
    let table = stats.split_once("service ").map(|(_, table)| table.to_owned()).unwrap();
    let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("compilation  ir").contains(" 1 ") && row("templates").contains("not needed"), "{table}");
    // Only a daemon counts for longer than one request.
    assert_eq!(table.contains("since start"), shell.sandbox.through_daemon(), "{table}");
    assert_data_eq!(
        shell.run("clean --cache"),
        str![[r#"
$ jmake clean --cache
-- stdout
removed julia/libdemo.so
removed julia
removed compile_commands.json
removed .jmake
removed 4 entries ([SIZE]) from the shared cache
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("cache verify"),
        str![[r#"
$ jmake cache verify
-- stdout
0 entries checked, all good
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("cache clear"),
        str![[r#"
$ jmake cache clear
-- stdout
removed 0 entries ([SIZE]) from the shared cache
-- exit 0

"#]]
    );
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
    assert_data_eq!(
        shell.run("ir opt -O3 all.bc -o best.bc"),
        str![[r#"
$ jmake ir opt -O3 all.bc -o best.bc
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("ir opt --passes=mem2reg all.bc -o some.bc"),
        str![[r#"
$ jmake ir opt --passes=mem2reg all.bc -o some.bc
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("ir obj best.bc -o best.o"),
        str![[r#"
$ jmake ir obj best.bc -o best.o
-- exit 0

"#]]
    );
    assert_data_eq!(
        shell.run("ir lib best.o -o libbest.so"),
        str![[r#"
$ jmake ir lib best.o -o libbest.so
-- exit 0

"#]]
    );
    assert!(shell.has("libbest.so"));
    assert_data_eq!(
        shell.run("ir link src/add.c -o bad.bc"),
        str![[r#"
$ jmake ir link src/add.c -o bad.bc
-- stderr
[..]/llvm-link: [DIR]/src/add.c:1:1: error: expected top-level entity
int add(int a, int b) { return a + b; }
^
[..]/llvm-link: error:  loading file '[DIR]/src/add.c'
error: `[DIR]/bad.bc` was not made
-- exit 1

"#]]
    );
    assert_data_eq!(
        shell.run("ir opt nowhere.bc -o bad.bc"),
        str![[r#"
$ jmake ir opt nowhere.bc -o bad.bc
-- stderr
[..]/opt: [DIR]/nowhere.bc: error: Could not open input file: No such file or directory
error: `[DIR]/bad.bc` was not made
-- exit 1

"#]]
    );
    assert!(!shell.has("bad.bc"));
    let left: Vec<_> =
        std::fs::read_dir(shell.dir()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".jmake-tmp")), "{left:?}");
}
