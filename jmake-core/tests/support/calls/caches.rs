//! The second half of the story: health, statistics, and what is forgotten.

use super::*;

/// The calls.
pub const CALLS: &[Call] = &[
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
