//! One call of every method of `jmake_core::rpc`, and one that must be refused, as data: what is
//! asked, and what the answer must be.  They tell one story about one project, `fixtures/mathlib`,
//! so they are run in order.
//!
//! Whoever runs them says how a call is carried: [`run`] takes a function from method and
//! parameters to reply or refusal.  So the same list holds in this process and over a socket.

#![allow(dead_code)]

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
pub const CALLS: &[Call] = &[
    Call {
        method: "discovery.scan_files",
        before: nothing,
        params: |story| json!({"path": story.root, "force": true, "environment": {}}),
        check: |story, said| {
            let files = &said["files"];
            let mut sources = UNITS.to_vec();
            sources.push("tests/test_main.cpp");
            assert_eq!(strings(&files["cpp_sources"]), sources);
            let headers = ["include/matrix.h", "include/statistics.h", "include/vector.h"];
            assert_eq!(strings(&files["cpp_headers"]), headers);
            let all: usize = files.as_object().unwrap().values().map(|list| strings(list).len()).sum();
            assert_eq!(said["total"], all);
            assert_eq!(all, 6 + 3 + 2, "and two that are not for the compiler: {files:#}");
            assert_eq!((place(&said["root"]), &said["cached"]), (&*story.root, &json!(false)));
        },
    },
    Call {
        method: "discovery.walk_ast_dependencies",
        before: nothing,
        params: empty,
        check: |_, said| {
            assert_eq!(
                strings(&said["includes"]["src/matrix.cpp"]),
                ["include/matrix.h", "include/vector.h"]
            );
            let by = strings(&said["included_by"]["include/statistics.h"]);
            assert!(by.contains(&"src/median.cpp") && by.contains(&"src/statistics.cpp"), "{by:?}");
            assert_eq!(strings(&said["unresolved"]["src/vector.cpp"]), ["cmath"]);
            let order = strings(&said["order"]);
            let at = |name: &str| order.iter().position(|file| *file == name).unwrap();
            assert!(at("include/vector.h") < at("src/vector.cpp"));
            assert_eq!((&said["cycles"], strings(&said["include_dirs"])), (&json!([]), vec!["include"]));
        },
    },
    Call {
        method: "discovery.walk_ast_dependencies",
        before: nothing,
        params: |_| json!({"include_dirs": ["src"]}),
        check: |_, said| {
            assert_eq!(said["includes"].get("src/matrix.cpp"), None, "nothing is found there");
            assert_eq!(strings(&said["include_dirs"]), ["src"]);
        },
    },
    Call {
        method: "discovery.discover_project",
        before: nothing,
        params: |_| json!({"path": ".", "force": false}),
        check: |_, said| {
            assert_eq!((&said["name"], strings(&said["include_dirs"])), (&json!("mathlib"), vec!["include"]));
            assert_eq!(said["targets"][0]["kind"], "library");
            assert_eq!(strings(&said["targets"][0]["sources"]), UNITS);
            assert_eq!(said["left_out"][0]["path"], "tests/test_main.cpp");
            assert_eq!(said["dependencies"]["includes"]["src/vector.cpp"], json!(["include/vector.h"]));
            assert_eq!(strings(&said["files"]["cpp_sources"]).len(), 6);
            assert_eq!(said["binaries"]["total"], 0);
            assert!(strings(&said["system_headers"]).contains(&"algorithm"));
        },
    },
    Call {
        method: "discovery.get_tool",
        before: nothing,
        params: |_| json!({"tool_name": "llvm-link"}),
        check: |_, said| {
            assert_eq!(said["name"], "llvm-link");
            let asked = Command::new(place(&said["path"])).arg("--version").output().unwrap();
            assert!(asked.status.success() && String::from_utf8_lossy(&asked.stdout).contains("LLVM"));
        },
    },
    Call {
        method: "discovery.get_all_tools",
        before: nothing,
        params: empty,
        check: |story, said| {
            assert!(said["version"].as_str().unwrap().starts_with("19."));
            let tools = said["tools"].as_object().unwrap();
            assert_eq!(tools["llvm-link"]["path"], story.said["discovery.get_tool"]["path"]);
            for name in ["clang", "clang++", "opt", "llc", "llvm-objcopy"] {
                assert!(place(&tools[name]["path"]).is_absolute() && place(&tools[name]["path"]).is_file());
            }
        },
    },
    Call {
        method: "setup.validate_config",
        before: nothing,
        params: empty,
        check: |_, said| assert_eq!(*said, json!({"valid": true, "issues": []})),
    },
    Call {
        method: "setup.generate_config",
        before: nothing,
        params: |story| json!({"discovery_results": story.said["discovery.discover_project"]}),
        check: |story, said| {
            assert_eq!((&said["created"], &said["filled"]), (&json!(true), &json!([])));
            assert_eq!(place(&said["path"]), story.at("jmake.toml"));
            let text = fs::read_to_string(story.at("jmake.toml")).unwrap();
            assert_eq!(said["text"], *text);
            assert!(text.contains("name = \"mathlib\"\n") && text.contains("include_dirs = [\"include\"]\n"));
        },
    },
    Call {
        method: "setup.generate_config",
        before: nothing,
        params: empty,
        check: |story, said| {
            assert_eq!((&said["created"], &said["filled"]), (&json!(false), &json!([])), "all is there");
            assert_eq!(said["text"], story.said["setup.generate_config"]["text"]);
        },
    },
    Call {
        method: "setup.get_config_section",
        before: nothing,
        params: |_| json!({"section": "compile"}),
        check: |_, said| assert_eq!(said["data"], json!({"include_dirs": ["include"]})),
    },
    Call {
        method: "setup.update_config",
        before: |story| {
            let text = fs::read_to_string(story.at("jmake.toml")).unwrap();
            story.write("jmake.toml", &format!("# kept\n{text}"));
        },
        params: |_| {
            json!({"config": "jmake.toml", "section": "compile",
                   "data": {"std": "c++17", "defines": {"SCALE": "2"}}})
        },
        check: |story, said| {
            let now = json!({"include_dirs": ["include"], "std": "c++17", "defines": {"SCALE": "2"}});
            assert_eq!((&said["changed"], &said["data"]), (&json!(true), &now));
            let text = fs::read_to_string(story.at("jmake.toml")).unwrap();
            assert!(text.starts_with("# kept\n"), "what an editor wrote stays: {text}");
            assert!(text.contains("std = \"c++17\"\n"), "{text}");
        },
    },
    Call {
        method: "setup.update_config",
        before: nothing,
        params: |_| json!({"section": "compile", "data": {"std": "c++17", "defines": null}}),
        check: |_, said| {
            assert_eq!(said["data"], json!({"include_dirs": ["include"], "std": "c++17"}));
        },
    },
    Call {
        method: "compilation.compile_parallel",
        before: nothing,
        params: |_| json!({"jobs": 2}),
        check: |story, said| {
            assert_eq!(said["success"], true, "{said:#}");
            assert_eq!(
                (&said["compiled"], &said["cached"], &said["total"]),
                (&json!(5), &json!(0), &json!(5))
            );
            let units = said["units"].as_array().unwrap();
            let sources: Vec<_> = units.iter().map(|unit| unit["source"].as_str().unwrap()).collect();
            assert_eq!(sources, UNITS);
            assert!(units.iter().all(|unit| unit["outcome"] == "compiled"));
            assert!(strings(&said["ir_files"]).iter().all(|file| Path::new(file).is_file()));
            assert_eq!(said["workers"], 2);
            assert!(!story.at("julia").exists(), "nothing is linked");
        },
    },
    Call {
        method: "compilation.compile_parallel",
        before: |story| {
            // What is wanted of it is there, even if someone takes it away.
            let file = place(&story.said["compilation.compile_parallel"]["ir_files"][0]);
            fs::remove_file(file).unwrap();
        },
        params: empty,
        check: |story, said| {
            assert_eq!((&said["compiled"], &said["cached"]), (&json!(0), &json!(5)), "{said:#}");
            assert_eq!(said["ir_files"], story.said["compilation.compile_parallel"]["ir_files"]);
            assert!(strings(&said["ir_files"]).iter().all(|file| Path::new(file).is_file()));
        },
    },
    Call {
        method: "compilation.link_ir",
        before: nothing,
        params: |story| json!({"ir_files": story.said["compilation.compile_parallel"]["ir_files"], "output": "all.bc"}),
        check: |story, said| {
            assert_eq!((&said["success"], place(&said["output"])), (&json!(true), &*story.at("all.bc")));
            assert!(fs::read(story.at("all.bc")).unwrap().starts_with(b"BC\xc0\xde"));
        },
    },
    Call {
        method: "compilation.optimize_ir",
        before: nothing,
        params: |_| json!({"ir_path": "all.bc", "output": "best.bc", "opt_level": "O3"}),
        check: |story, said| {
            assert_eq!(said["success"], true, "{said:#}");
            assert!(fs::read(story.at("best.bc")).unwrap().starts_with(b"BC\xc0\xde"));
        },
    },
    Call {
        method: "compilation.optimize_ir",
        before: nothing,
        params: |_| json!({"ir_path": "all.bc", "output": "none.bc", "passes": "no-such-pass"}),
        check: |story, said| {
            assert_eq!(said["success"], false, "a tool that fails is no failing call");
            assert!(said["text"].as_str().unwrap().contains("no-such-pass"), "{said:#}");
            assert!(!story.at("none.bc").exists());
        },
    },
    Call {
        method: "compilation.compile_to_object",
        before: nothing,
        params: |_| json!({"ir_path": "best.bc", "output": "best.o", "opt_level": 2}),
        check: |story, said| {
            assert_eq!(said["success"], true, "{said:#}");
            assert!(fs::read(story.at("best.o")).unwrap().starts_with(b"\x7fELF"));
        },
    },
    Call {
        method: "compilation.link_shared_library",
        before: nothing,
        params: |_| json!({"objects": ["best.o"], "output": "libbest.so", "libs": ["m"]}),
        check: |story, said| {
            assert_eq!(said["success"], true, "{said:#}");
            assert_eq!(dot_of(place(&said["output"])), "32 5");
            let names = exports(&story.at("libbest.so"));
            assert!(["dot", "median", "determinant"].iter().all(|name| names.contains(*name)), "{names:?}");
        },
    },
    Call {
        method: "discovery.detect_binaries",
        before: nothing,
        params: |_| json!({"force": true}),
        check: |story, said| {
            let size = fs::metadata(story.at("libbest.so")).unwrap().len();
            assert_eq!(said["shared_libraries"], json!([{"path": "libbest.so", "size": size}]));
            assert_eq!((&said["executables"], &said["static_libraries"]), (&json!([]), &json!([])));
            for file in ["all.bc", "best.bc", "best.o", "libbest.so"] {
                fs::remove_file(story.at(file)).unwrap();
            }
        },
    },
    Call {
        method: "orchestrator.build_project",
        before: nothing,
        params: |story| json!({"path": story.root, "force_discovery": false, "force_compile": false}),
        check: |story, said| {
            good_build(story, said);
            assert_eq!((&said["built"]["compiled"], &said["built"]["fresh"]), (&json!(0), &json!(5)));
            let names = exports(&story.at("julia/libmathlib.so"));
            assert!(["dot", "median", "determinant"].iter().all(|name| names.contains(*name)), "{names:?}");
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: |story| story.replace("src/vector.cpp", "double sum = 0;", "double sum = 0 + 0;"),
        params: empty,
        check: |story, said| {
            good_build(story, said);
            assert_eq!((&said["built"]["compiled"], &said["built"]["fresh"]), (&json!(1), &json!(4)));
            let ir = &said["built"]["counts"]["ir"];
            assert_eq!(*ir, json!({"hits": 4, "misses": 1}), "the seed's 80 %");
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: nothing,
        params: empty,
        check: |story, said| {
            good_build(story, said);
            assert_eq!((&said["built"]["untouched"], &said["built"]["ran"]), (&json!(true), &json!(0)));
            let counts = said["built"]["counts"].as_object().unwrap();
            assert!(counts.values().all(|count| count["misses"] == 0), "{counts:#?}");
            assert_eq!(counts["ir"]["hits"], 5);
        },
    },
    Call {
        method: "orchestrator.build_project",
        before: nothing,
        params: |_| json!({"force_discovery": true, "profile": "dev", "dry_run": true}),
        check: |story, said| {
            assert_eq!((&said["success"], &said["library_path"]), (&json!(true), &Value::Null));
            assert_eq!(said["built"]["profile"], "dev");
            assert!(!story.at(".jmake/discovered").exists(), "what was found is forgotten");
        },
    },
    Call {
        method: "orchestrator.quick_compile",
        // Nothing is recorded any more: a build by what is recorded cannot be.
        before: nothing,
        params: empty,
        check: |_, said| {
            assert_eq!((&said["success"], &said["failed_stage"]), (&json!(false), &json!("plan")));
            let why = said["diagnostics"][0]["message"].as_str().unwrap();
            assert!(why.contains("nothing is recorded"), "{why}");
        },
    },
    Call {
        // Whoever carries it cancels after the first round.
        method: "orchestrator.watch_and_build",
        before: nothing,
        params: |_| json!({"interval": 2.0}),
        check: |story, said| {
            assert_eq!(
                (&said["built"]["cancelled"], &said["built"]["profile"]),
                (&json!(true), &json!("release"))
            );
            assert!(exports(&story.at("julia/libmathlib.so")).contains("dot"));
        },
    },
    Call {
        method: "orchestrator.clean_build",
        before: nothing,
        params: empty,
        check: |story, said| {
            good_build(story, said);
            assert_eq!((&said["built"]["compiled"], &said["built"]["fresh"]), (&json!(5), &json!(0)));
        },
    },
    Call {
        method: "orchestrator.quick_compile",
        before: |story| {
            story.write("src/later.cpp", "extern \"C\" int later() { return 1; }\n");
            story.replace("src/vector.cpp", "double sum = 0 + 0;", "double sum = 0 - 0;");
        },
        params: |_| json!({"force": false}),
        check: |story, said| {
            good_build(story, said);
            assert_eq!(said["built"]["compiled"], 1, "new sources are not looked for");
            assert!(!exports(&story.at("julia/libmathlib.so")).contains("later"));
            fs::remove_file(story.at("src/later.cpp")).unwrap();
        },
    },
    Call {
        method: "compilation.compile_full_pipeline",
        before: nothing,
        params: |_| json!({"config": "jmake.toml", "force": false}),
        check: |story, said| {
            good_build(story, said);
            let stages: Vec<_> = said["stages"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(stages, ["compile", "library", "link", "object", "optimize", "plan"]);
            assert_eq!(said["built"]["compiled"], 0, "units do not depend on how they are joined");
            assert!(story.at(".jmake/release/ir").is_dir(), "through IR");
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: |story| story.replace("src/median.cpp", "if (n == 0) return 0;", "if (n == 0) return zero;"),
        params: empty,
        check: |_, said| {
            assert_eq!((&said["success"], &said["library_path"]), (&json!(false), &Value::Null));
            assert_eq!(said["failed_stage"], "compile");
            let stages = &said["stages"];
            assert_eq!((&stages["plan"], &stages["library"]), (&json!(true), &json!(false)));
            assert_eq!(
                (said["failures"][0]["stage"].as_str(), said["failures"][0]["action"].as_str()),
                (Some("compile"), Some("src/median.cpp"))
            );
            let output = said["failures"][0]["output"].as_str().unwrap();
            assert!(output.contains("zero"), "{output}");
        },
    },
    Call {
        method: "compilation.compile_parallel",
        before: nothing,
        params: |_| json!({"keep_going": true}),
        check: |_, said| {
            assert_eq!((&said["success"], &said["failed"]), (&json!(false), &json!(1)));
            let failed: Vec<_> =
                said["units"].as_array().unwrap().iter().filter(|unit| unit["outcome"] == "failed").collect();
            assert_eq!(
                (failed.len(), &failed[0]["source"], &failed[0]["ir"]),
                (1, &json!("src/median.cpp"), &Value::Null)
            );
            assert_eq!(strings(&said["ir_files"]).len(), 4);
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: |story| story.replace("src/median.cpp", "return zero;", "return 0;"),
        params: empty,
        check: |story, said| good_build(story, said),
    },
    Call {
        method: "setup.validate_config",
        before: |story| story.replace("jmake.toml", "\"c++17\"", "\"c++17\"\nstandart = 1"),
        params: empty,
        check: |_, said| {
            let issue = &said["issues"][0];
            assert!(issue["message"].as_str().unwrap().contains("standart"), "{said:#}");
            assert_eq!((&issue["file"], &issue["severity"]), (&json!("jmake.toml"), &json!("warning")));
            assert_eq!(said["valid"], true, "a word that jmake does not know stops nothing");
        },
    },
    Call {
        method: "setup.validate_config",
        before: |story| story.replace("jmake.toml", "standart = 1", "jobs = \"many\""),
        params: empty,
        check: |_, said| {
            assert_eq!((&said["valid"], &said["issues"][0]["severity"]), (&json!(false), &json!("error")));
        },
    },
    Call {
        method: "orchestrator.check_daemons",
        before: nothing,
        params: empty,
        check: |_, said| {
            assert_eq!(
                (&said["all_running"], &said["services"]["setup"]["running"]),
                (&json!(false), &json!(false))
            );
            assert_eq!(said["services"]["compilation"]["running"], true);
            let problem = said["services"]["setup"]["problems"][0]["message"].as_str().unwrap();
            assert!(problem.contains("compile.jobs"), "{problem}");
        },
    },
    Call {
        method: "orchestrator.check_daemons",
        before: |story| story.replace("jmake.toml", "\njobs = \"many\"", ""),
        params: empty,
        check: |story, said| {
            assert_eq!(said["all_running"], true, "{said:#}");
            let services: Vec<_> = said["services"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(services, ["compilation", "discovery", "orchestrator", "setup"]);
            let detail = said["services"]["discovery"]["detail"].as_str().unwrap();
            assert!(detail.starts_with("LLVM 19."), "{detail}");
            assert_eq!(said["warm"].is_object(), story.warm);
        },
    },
    Call {
        method: "discovery.cache_stats",
        before: nothing,
        params: empty,
        check: |story, said| {
            let caches = said["caches"].as_object().unwrap();
            let names: Vec<_> = caches.keys().cloned().collect();
            assert_eq!(names, ["binaries", "file_scans", "include_graphs", "tools"]);
            for name in ["file_scans", "include_graphs", "tools"] {
                let row = &caches[name];
                assert!(
                    row["entries"].as_u64().unwrap() > 0 && row["bytes"].as_u64().unwrap() > 0,
                    "{name}: {row}"
                );
                let last = &row["last_build"];
                let needed = last["hits"].as_u64().unwrap() + last["misses"].as_u64().unwrap();
                assert!(needed > 0, "{name}: {row}");
            }
            let since = &caches["file_scans"]["since_start"];
            assert_eq!(since.is_object(), story.warm);
            if story.warm {
                let (hits, misses) = (since["hits"].as_f64().unwrap(), since["misses"].as_f64().unwrap());
                assert!(hits > 0.0 && misses > 0.0);
                assert_eq!(since["hit_rate"], hits / (hits + misses));
            }
        },
    },
    Call {
        method: "setup.cache_stats",
        before: nothing,
        params: empty,
        check: |story, said| {
            let caches = &said["caches"];
            assert_eq!(caches["templates"]["entries"], 2);
            assert!(caches["configuration"]["entries"].as_u64().unwrap() > 0);
            if story.warm {
                // Each build and each look at the settings is one.
                assert!(caches["configuration"]["since_start"]["misses"].as_u64().unwrap() > 3, "{caches:#}");
            }
        },
    },
    Call {
        method: "compilation.cache_stats",
        before: nothing,
        params: empty,
        check: |_, said| {
            let caches = &said["caches"];
            assert_eq!(caches["ir"]["entries"], 5, "{caches:#}");
            assert_eq!(caches["libraries"]["entries"], 1);
            assert!(caches["ir"]["bytes"].as_u64().unwrap() > 5000);
            let library = &caches["libraries"]["last_build"];
            assert_eq!(library["hits"].as_u64().unwrap() + library["misses"].as_u64().unwrap(), 1);
            assert!(said["workers"].as_u64().unwrap() >= 1);
        },
    },
    Call {
        method: "orchestrator.get_stats",
        before: nothing,
        params: empty,
        check: |story, said| {
            assert_eq!(
                (place(&said["root"]), strings(&said["published"])),
                (&*story.root, vec!["julia/libmathlib.so"])
            );
            let services = said["services"].as_object().unwrap();
            assert_eq!(
                services.keys().map(String::as_str).collect::<Vec<_>>(),
                ["compilation", "discovery", "setup"]
            );
            let caches: usize = services.values().map(|caches| caches.as_object().unwrap().len()).sum();
            assert_eq!(caches, 8);
            assert_eq!(services["compilation"]["ir"]["entries"], 5);
            assert!(said["actions"].as_u64().unwrap() >= 6 && said["state_bytes"].as_u64().unwrap() > 0);
            if story.warm {
                assert!(said["warm"]["builds"].as_u64().unwrap() >= 10, "{}", said["warm"]);
                assert!(said["warm"]["requests"].as_u64() > said["warm"]["builds"].as_u64());
            }
        },
    },
    Call {
        method: "discovery.clear_caches",
        before: nothing,
        params: empty,
        check: |story, said| {
            assert_eq!(said["success"], true);
            let removed = strings(&said["removed"]);
            assert!(
                removed.contains(&".jmake/memo") && removed.contains(&".jmake/discovered"),
                "{removed:?}"
            );
            assert!(!story.at(".jmake/memo").exists() && story.at(".jmake/log").exists());
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: nothing,
        params: empty,
        check: |story, said| {
            good_build(story, said);
            let counts = &said["built"]["counts"];
            assert_eq!(counts["ir"], json!({"hits": 5, "misses": 0}), "only discovery was forgotten");
            assert_eq!(counts["include_graphs"]["hits"], 0, "{counts:#}");
            assert_eq!(counts["tools"]["misses"], 0, "tools are kept");
        },
    },
    Call {
        method: "setup.clear_cache",
        before: nothing,
        params: empty,
        check: |story, said| {
            let removed = strings(&said["removed"]);
            assert!(removed.iter().any(|file| file.starts_with(".jmake/config-")), "{removed:?}");
            assert!(story.at("jmake.toml").is_file(), "settings are the user's");
        },
    },
    Call {
        method: "setup.clear_caches",
        before: nothing,
        params: empty,
        check: |_, said| assert_eq!((&said["success"], &said["removed"]), (&json!(true), &json!([]))),
    },
    Call {
        method: "compilation.clear_caches",
        before: nothing,
        params: empty,
        check: |story, said| {
            assert!(strings(&said["removed"]).contains(&".jmake/log"), "{said:#}");
            assert!(said["shared_entries"].as_u64().unwrap() >= 6, "{said:#}");
            assert_eq!(dot_of(&story.at("julia/libmathlib.so")), "32 5", "what was published stays");
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: nothing,
        params: empty,
        check: |story, said| {
            good_build(story, said);
            assert_eq!(said["built"]["compiled"], 5, "nothing was known, here or in the shared cache");
        },
    },
    Call {
        method: "setup.create_structure",
        before: nothing,
        params: |_| json!({"type": "cpp_project", "name": "extra"}),
        check: |story, said| {
            let mut created = strings(&said["created"]);
            created.sort();
            assert_eq!(created, [".gitignore", "README.md", "include/extra/extra.h", "src/extra.cpp"]);
            let mut kept = strings(&said["kept"]);
            kept.sort();
            assert_eq!(kept, [".jmake_project", "jmake.toml"], "what is there is left alone");
            assert!(story.at("src/extra.cpp").is_file());
        },
    },
    Call {
        method: "orchestrator.incremental_build",
        before: nothing,
        params: empty,
        check: |story, said| {
            good_build(story, said);
            assert_eq!(said["built"]["compiled"], 1, "the new source");
        },
    },
];

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
        assert!(CALLS.iter().any(|call| call.method == *method), "`{method}` is never called");
        assert!(REFUSED.iter().any(|bad| bad.method == *method), "`{method}` is never refused");
    }
    for (at, call) in CALLS.iter().enumerate() {
        (call.before)(story);
        let params = (call.params)(story);
        let said = ask(call.method, &params);
        let said = said.unwrap_or_else(|no| panic!("call {at}, `{}` with {params}: {no:?}", call.method));
        (call.check)(story, &said);
        story.said.insert(call.method, said);
        if at == CALLS.len() / 2 {
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
