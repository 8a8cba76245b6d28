//! The first half of the story: the project is looked at, set up and built in every way.

use super::*;

/// The calls.
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
        method: "discovery.rebuilds",
        before: nothing,
        params: |_| json!({"files": ["include/statistics.h"]}),
        check: |_, said| {
            assert_eq!((&said["recorded"], &said["profile"]), (&json!(false), &Value::Null));
            let unit = |source: &str| json!({"source": source, "object": null});
            assert_eq!(said["units"], json!([unit("src/median.cpp"), unit("src/statistics.cpp")]));
            assert_eq!(said["results"], json!(["library mathlib"]));
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
        method: "setup.import",
        before: |story| {
            fs::rename(story.at("jmake.toml"), story.at("kept.txt")).unwrap();
            let text = "project(vectors VERSION 1.2 LANGUAGES CXX)\nadd_library(vectors src/vector.cpp)\n\
                target_include_directories(vectors PUBLIC include)\nsome_macro()\n";
            story.write("CMakeLists.txt", text);
        },
        params: |_| json!({"from": "cmake"}),
        check: |story, said| {
            assert_eq!((place(&said["path"]), &said["created"]), (&*story.at("jmake.toml"), &json!(true)));
            assert_eq!(said["targets"], json!([{"name": "vectors", "kind": "shared", "sources": 1}]));
            let left = json!({"file": "CMakeLists.txt", "line": 4, "text": "`some_macro` is not understood"});
            assert_eq!((&said["from"], &said["left_out"]), (&json!("CMakeLists.txt"), &json!([left])));
            fs::rename(story.at("kept.txt"), story.at("jmake.toml")).unwrap();
            fs::remove_file(story.at("CMakeLists.txt")).unwrap();
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
            let library = &said["shared_libraries"][0];
            assert_eq!((&library["path"], &library["size"]), (&json!("libbest.so"), &json!(size)));
            assert_eq!((&library["format"], &library["debug"]), (&json!("ELF"), &json!(false)));
            let names = exports(&story.at("libbest.so"));
            assert_eq!(library["exports"], json!(names.len()), "{names:?}");
            assert!(strings(&library["needed"]).iter().any(|name| name.starts_with("libm.so")), "{said:#}");
            let object = &said["objects"][0];
            assert_eq!((&object["path"], &object["format"]), (&json!("best.o"), &json!("ELF")));
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
        method: "discovery.walk_ast_dependencies",
        before: nothing,
        params: empty,
        check: |_, said| {
            assert_eq!((&said["recorded"], &said["by_compiler"]), (&json!(true), &json!({})));
            assert_eq!(said["not_opened"], json!({}), "every directive was taken: {said:#}");
            assert_eq!(strings(&said["unresolved"]["src/vector.cpp"]), ["cmath"]);
        },
    },
    Call {
        method: "discovery.symbols",
        before: nothing,
        params: empty,
        check: |_, said| {
            let units = said["units"].as_array().unwrap();
            let unit = |name: &str| units.iter().find(|unit| unit["name"] == name).unwrap();
            let matrix = unit("src/matrix.cpp");
            assert_eq!(strings(&matrix["needs"]), ["src/vector.cpp"]);
            let by = matrix["uses"].as_array().unwrap().iter().find(|one| one["name"] == "dot").unwrap();
            assert_eq!(units[by["by"][0].as_u64().unwrap() as usize]["name"], "src/vector.cpp");
            let defines = unit("src/vector.cpp")["defines"].as_array().unwrap();
            assert!(defines.iter().any(|one| one["name"] == "norm" && one["weak"] == false), "{defines:?}");
            assert!(matrix["object"].as_str().unwrap().ends_with("-matrix.o"));
        },
    },
    Call {
        method: "discovery.who_includes",
        before: nothing,
        params: |_| json!({"file": "include/statistics.h"}),
        check: |_, said| {
            let includers = said["includers"].as_array().unwrap();
            let of = |file: &str| includers.iter().find(|one| one["file"] == file).unwrap();
            assert_eq!(
                *of("src/median.cpp"),
                json!({"file": "src/median.cpp", "through": null, "by": "both", "opened": true})
            );
            assert_eq!(of("tests/test_main.cpp")["by"], "text", "it is not compiled: {said:#}");
        },
    },
    Call {
        method: "discovery.rebuilds",
        before: nothing,
        params: |_| json!({"files": ["include/statistics.h", "tests/test_main.cpp"]}),
        check: |_, said| {
            assert_eq!((&said["recorded"], &said["profile"]), (&json!(true), &json!("release")));
            let units: Vec<_> = said["units"].as_array().unwrap().iter().map(|one| &one["source"]).collect();
            assert_eq!(units, ["src/median.cpp", "src/statistics.cpp"]);
            assert_eq!((&said["results"], &said["anyway"]), (&json!(["julia/libmathlib.so"]), &json!([])));
            assert_eq!(said["remarks"][0]["path"], "tests/test_main.cpp");
        },
    },
    Call {
        method: "discovery.unused_headers",
        before: |story| story.write("include/idle.h", ""),
        params: empty,
        check: |story, said| {
            assert_eq!((&said["headers"], &said["units"]), (&json!([]), &json!(5)));
            assert_eq!(said["public"], json!([{"path": "include/idle.h", "included_by": []}]));
            fs::remove_file(story.at("include/idle.h")).unwrap();
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
];
