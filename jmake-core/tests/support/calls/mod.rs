//! One call of every method of `jmake_core::rpc`, and one that must be refused, as data: what is
//! asked, and what the answer must be.  They tell one story about one project, `fixtures/mathlib`,
//! so they are run in order.
//!
//! Whoever runs them says how a call is carried: [`run`] takes a function from method and
//! parameters to reply or refusal.  So the same list holds in this process and over a socket.

#![allow(dead_code)]

mod caches;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jmake_core::inspect::inspect;
use serde_json::{Value, json};

/// Why a call was refused: the code that JSON-RPC has for it, and what was said.
#[derive(Debug)]
pub struct Refused {
    pub code: i64,
    pub message: String,
}

/// There is no such method.
pub const UNKNOWN_METHOD: i64 = -32601;
/// The parameters will not do.
pub const BAD_PARAMS: i64 = -32602;
/// The request could not be met.
pub const FAILED: i64 = -32000;

/// The project, and what has been answered so far.
pub struct Story {
    pub root: PathBuf,
    /// The last reply of each method.
    said: BTreeMap<&'static str, Value>,
    /// Whether the engine is warm, so that hits are counted between requests.
    pub warm: bool,
}

impl Story {
    /// A story about the project at `root`, a copy of `fixtures/mathlib` made by [`project`].
    pub fn new(root: &Path, warm: bool) -> Story {
        Story { root: root.to_owned(), said: BTreeMap::new(), warm }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.at(name)).unwrap();
        assert!(text.contains(from), "{name} holds no {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }
}

/// The units of the library.
const UNITS: [&str; 5] =
    ["src/determinant.cpp", "src/matrix.cpp", "src/median.cpp", "src/statistics.cpp", "src/vector.cpp"];

/// What a C program prints that loads the library at `path`: dot(…) = 32, norm(…) = 5.
pub fn dot_of(path: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (source, program) = (dir.path().join("caller.c"), dir.path().join("caller"));
    let text = "#include <dlfcn.h>\n#include <stdio.h>\nint main(int n, char **args) {\n\
        void *lib = dlopen(args[n - 1], RTLD_NOW);\n    if (!lib) { puts(dlerror()); return 1; }\n\
        double (*dot)(double *, double *, int) = (double (*)(double *, double *, int))dlsym(lib, \"dot\");\n\
        double (*norm)(double *, int) = (double (*)(double *, int))dlsym(lib, \"norm\");\n\
        if (!dot || !norm) return 2;\n    double a[] = {1, 2, 3}, b[] = {4, 5, 6}, c[] = {3, 4};\n\
        printf(\"%g %g\", dot(a, b, 3), norm(c, 2));\n    return 0;\n}\n";
    fs::write(&source, text).unwrap();
    let clang = ["/usr/lib/llvm-19/bin/clang", "/usr/bin/clang-19"].map(Path::new);
    let clang = clang.into_iter().find(|path| path.exists()).expect("clang 19 is needed");
    let made = Command::new(clang).arg(&source).args(["-ldl", "-o"]).arg(&program).status().unwrap();
    assert!(made.success());
    let ran = Command::new(&program).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{} cannot be used: {text}", path.display());
    text
}

/// The names that the library at `path` shows.
fn exports(path: &Path) -> BTreeSet<String> {
    inspect(path).unwrap().exports.into_iter().map(|symbol| symbol.name).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    list.iter().map(|one| one.as_str().unwrap()).collect()
}

fn place(value: &Value) -> &Path {
    Path::new(value.as_str().unwrap_or_else(|| panic!("no path: {value}")))
}

/// The reply of a good build: a library at an absolute path that works.
fn good_build(story: &Story, said: &Value) {
    assert_eq!(said["success"], true, "{said:#}");
    let library = place(&said["library_path"]);
    assert_eq!(library, story.at("julia/libmathlib.so"));
    assert_eq!(dot_of(library), "32 5");
    assert!(said["elapsed_time"].as_f64().unwrap() > 0.0);
    assert_eq!((&said["failed_stage"], &said["failures"]), (&Value::Null, &json!([])));
    assert!(said["stages"].as_object().unwrap().values().all(|good| good == true), "{said:#}");
    assert_eq!(said["built"]["success"], true);
}

/// One call and what must come of it.
pub struct Call {
    pub method: &'static str,
    /// Done before, by someone else: an editor.
    pub before: fn(&Story),
    pub params: fn(&Story) -> Value,
    pub check: fn(&Story, &Value),
}

fn nothing(_: &Story) {}

fn empty(_: &Story) -> Value {
    json!({})
}

/// The whole story.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    work::CALLS.iter().chain(caches::CALLS)
}

/// A call that must be refused.
pub struct Bad {
    pub method: &'static str,
    pub params: fn(&Story) -> Value,
    pub code: i64,
    /// What the message must hold.
    pub names: &'static str,
}

const fn bad(method: &'static str, params: fn(&Story) -> Value, names: &'static str) -> Bad {
    Bad { method, params, code: BAD_PARAMS, names }
}

/// Calls that must be refused, in any order, without harm.
pub const REFUSED: &[Bad] = &[
    bad("orchestrator.watch_and_build", |_| json!({"interval": 0}), "`interval`"),
    bad("orchestrator.watch_and_build", |_| json!({"lto": "much"}), "`lto`"),
    bad("discovery.scan_files", |_| json!({"force": "yes"}), "`force`"),
    bad("discovery.scan_files", |_| json!([true]), "object"),
    bad("discovery.scan_files", |_| json!({"path": "/"}), "`/` is not in the project"),
    bad("discovery.scan_files", |_| json!({"path": "no such folder"}), "`path`"),
    bad("discovery.detect_binaries", |_| json!({"forced": true}), "`forced`"),
    bad("discovery.walk_ast_dependencies", |_| json!({"include_dirs": ["nowhere"]}), "`include_dirs`"),
    bad("discovery.walk_ast_dependencies", |_| json!({"include_dirs": "src"}), "`include_dirs`"),
    bad("discovery.symbols", |_| json!({"x": 1}), "`x`"),
    bad("discovery.who_includes", |_| json!({}), "`file`"),
    Bad {
        method: "discovery.who_includes",
        params: |_| json!({"file": "include/vektor.h"}),
        code: FAILED,
        names: "no file `include/vektor.h`",
    },
    bad("discovery.rebuilds", |_| json!({"files": []}), "`files`"),
    bad("discovery.unused_headers", |_| json!({"file": "include/vector.h"}), "`file`"),
    bad("discovery.discover_project", |_| json!({"path": 7}), "`path`"),
    bad("discovery.get_tool", |_| json!({}), "`tool_name`"),
    Bad {
        method: "discovery.get_tool",
        params: |_| json!({"tool_name": "llvm-nonsense"}),
        code: FAILED,
        names: "no tool `llvm-nonsense`",
    },
    bad("discovery.get_all_tools", |_| json!({"tool_name": "opt"}), "`tool_name`"),
    bad("discovery.cache_stats", |_| json!({"x": 1}), "`x`"),
    bad("discovery.clear_caches", |_| json!({"x": 1}), "`x`"),
    bad("setup.create_structure", |_| json!({"type": "rust_project"}), "`type`"),
    bad(
        "setup.generate_config",
        |_| json!({"discovery_results": {"include_dirs": 1}}),
        "`discovery_results.include_dirs`",
    ),
    bad("setup.import", |_| json!({"from": "meson"}), "`from`"),
    bad("setup.validate_config", |_| json!({"config": "/etc/passwd"}), "`config`"),
    bad("setup.update_config", |_| json!({"section": "compile"}), "`data`"),
    bad("setup.update_config", |_| json!({"section": "compilr", "data": {}}), "`section`"),
    bad("setup.update_config", |_| json!({"section": "compile", "data": {"jobs": "x"}}), "`data`"),
    bad("setup.get_config_section", |_| json!({"section": "nonsense"}), "`section`"),
    bad("setup.cache_stats", |_| json!({"section": "compile"}), "`section`"),
    bad("setup.clear_cache", |_| json!({"x": 1}), "`x`"),
    bad("setup.clear_caches", |_| json!({"x": 1}), "`x`"),
    bad("compilation.compile_parallel", |_| json!({"jobs": 0}), "`jobs`"),
    bad("compilation.link_ir", |_| json!({"ir_files": [], "output": "x.bc"}), "`ir_files`"),
    bad(
        "compilation.optimize_ir",
        |_| json!({"ir_path": "jmake.toml", "output": "x.bc", "opt_level": "O9"}),
        "`opt_level`",
    ),
    bad("compilation.optimize_ir", |_| json!({"ir_path": "nothing.bc", "output": "x.bc"}), "`ir_path`"),
    bad(
        "compilation.compile_to_object",
        |_| json!({"ir_path": "jmake.toml", "output": "no/x.o"}),
        "`output`",
    ),
    bad("compilation.link_shared_library", |_| json!({"objects": ["no.o"], "output": "x.so"}), "`objects`"),
    bad("compilation.compile_full_pipeline", |_| json!({"force": 1}), "`force`"),
    bad("compilation.cache_stats", |_| json!({"x": 1}), "`x`"),
    bad("compilation.clear_caches", |_| json!({"x": 1}), "`x`"),
    bad("orchestrator.build_project", |_| json!({"lto": "fat"}), "`lto`"),
    bad("orchestrator.quick_compile", |_| json!({"quick": true}), "`quick`"),
    bad("orchestrator.incremental_build", |_| json!({"path": "/tmp"}), "`/tmp` is not in the project"),
    bad("orchestrator.clean_build", |_| json!({"x": 1}), "`x`"),
    bad("orchestrator.check_daemons", |_| json!({"x": 1}), "`x`"),
    bad("orchestrator.get_stats", |_| json!({"x": 1}), "`x`"),
    Bad { method: "orchestrator.nothing", params: empty, code: UNKNOWN_METHOD, names: "" },
];

/// A copy of `fixtures/mathlib` below `dir`, as a marked project; gives its root.
pub fn project(dir: &Path) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/mathlib").canonicalize().unwrap();
    let root = dir.canonicalize().unwrap().join("mathlib");
    copy(&from, &root);
    fs::remove_file(root.join("expect.toml")).unwrap();
    fs::write(root.join(".jmake_project"), "").unwrap();
    fs::write(root.join("README.txt"), "About vectors.\n").unwrap();
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Tells the whole story through `ask`, which carries a call to where it is met.  Every method of
/// `methods` must be in it, both ways.
pub fn run(story: &mut Story, methods: &[&str], mut ask: impl FnMut(&str, &Value) -> Result<Value, Refused>) {
    for method in methods {
        assert!(calls().any(|call| call.method == *method), "`{method}` is never called");
        assert!(REFUSED.iter().any(|bad| bad.method == *method), "`{method}` is never refused");
    }
    for (at, call) in calls().enumerate() {
        (call.before)(story);
        let params = (call.params)(story);
        let said = ask(call.method, &params);
        let said = said.unwrap_or_else(|no| panic!("call {at}, `{}` with {params}: {no:?}", call.method));
        (call.check)(story, &said);
        story.said.insert(call.method, said);
        if at == work::CALLS.len() / 2 {
            refuse(story, &mut ask);
        }
    }
}

/// What must be refused is refused, and changes nothing.
fn refuse(story: &Story, ask: &mut impl FnMut(&str, &Value) -> Result<Value, Refused>) {
    let text = fs::read(story.at("jmake.toml")).unwrap();
    for bad in REFUSED {
        let params = (bad.params)(story);
        let said = ask(bad.method, &params);
        let no = said.expect_err(&format!("`{}` with {params} is refused", bad.method));
        assert_eq!(no.code, bad.code, "`{}` with {params}: {no:?}", bad.method);
        assert!(no.message.contains(bad.names), "`{}` with {params}: {no:?}", bad.method);
    }
    assert_eq!(fs::read(story.at("jmake.toml")).unwrap(), text);
}
