//! The command `jmake` (thin slice).
use jmake_core::build::{Build, build};
use jmake_core::configure::{Environment, Wanted};
use jmake_core::process::Cancel;
use std::path::PathBuf;
#[allow(clippy::disallowed_methods)]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let var = |n: &str| std::env::var_os(n).map(PathBuf::from);
    let env = Environment {
        path: std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect(),
        home: var("HOME"),
        cache_home: var("XDG_CACHE_HOME"),
        config_home: var("XDG_CONFIG_HOME"),
        ..Default::default()
    };
    let root = jmake_core::project::find_root(&PathBuf::from(&args[2])).unwrap();
    let lto = args.iter().find_map(|a| a.strip_prefix("--lto=")).map(str::to_owned);
    let req = Build { wanted: Wanted { lto, jobs: Some(2), ..Default::default() }, ..Default::default() };
    let v = args.iter().any(|a| a == "-v");
    let built = build(&root, &env, &req, &Cancel::new(), &mut |e| {
        if v {
            println!("{}", serde_json::to_string(&e).unwrap())
        } else if let jmake_core::event::Event::Finished { output, .. } = &e {
            print!("{output}")
        } else if let jmake_core::event::Event::Diagnostic(d) = &e {
            println!("{d:?}")
        }
    });
    println!("{built:?}");
}
