//! Whole trees on disk, and what is made of them.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::fs;
use crate::memo::Memo;
use crate::path::Root;

pub(super) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// A folder with these files; a path ending in `/` is a folder, a content beginning with `->`
    /// a link.
    pub(super) fn new(files: &[(&str, &str)]) -> Project {
        let project = Project { dir: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(path, content)| project.put(path.as_bytes(), content));
        project
    }

    fn put(&self, path: &[u8], content: &str) {
        let full = self.dir.path().join(std::ffi::OsStr::from_bytes(path));
        if path.ends_with(b"/") {
            return fs::create_dir_all(&full).unwrap();
        }
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match content.strip_prefix("->") {
            Some(target) => fs::symlink(target.as_ref(), &full).unwrap(),
            None => fs::write(&full, content.as_bytes()).unwrap(),
        }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(super) fn write(&self, path: &str, content: &[u8]) {
        let full = self.dir.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, content).unwrap();
    }

    fn memo(&self) -> Memo {
        Memo::new(Root::open(self.dir.path()).unwrap(), 0)
    }

    pub(super) fn scan(&self, options: &Options) -> Tree {
        scan_files(&self.memo(), options).unwrap()
    }

    /// The files found, with spaces between.
    fn names(&self, options: &Options) -> String {
        let tree = self.scan(options);
        tree.files.iter().map(|file| file.path.to_string()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn discover(&self) -> Discovery {
        let memo = self.memo();
        let tree = scan_files(&memo, &Options::default()).unwrap();
        discover_project(&memo, &tree, "p", &Nobody, true, false).unwrap()
    }

    /// One line for each target.
    pub(super) fn targets(&self) -> String {
        let mut text = String::new();
        for target in self.discover().targets {
            let kind = if target.kind == TargetKind::Library { "lib" } else { "exe" };
            let sources: Vec<_> = target.sources.iter().map(ToString::to_string).collect();
            writeln!(text, "{kind} {}: {}", target.name, sources.join(" ")).unwrap();
        }
        text
    }

    fn dirs(&self) -> String {
        self.discover().include_dirs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn reason(&self, path: &str) -> Option<LeftOut> {
        let path = FilePath::new(path);
        self.discover().left_out.into_iter().find(|(left, _)| *left == path).map(|(_, reason)| reason)
    }
}

fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

#[test]
fn folders_that_are_not_the_projects_are_passed_over() {
    let project = Project::new(&[
        ("a.c", ""),
        (".git/x.c", ""),
        (".hidden/x.c", ""),
        (".jmake/x.c", ""),
        ("node_modules/x.c", ""),
        ("julia/x.c", ""),
        ("build/CMakeCache.txt", ""),
        ("build/x.c", ""),
        ("cmake-build-debug/build.ninja", ""),
        ("cmake-build-debug/x.c", ""),
        ("sub/out/.ninja_log", ""),
        ("sub/out/x.c", ""),
        ("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n"),
        ("cache/x.c", ""),
        ("not_cache/CACHEDIR.TAG", "other"),
        ("not_cache/y.c", ""),
        ("other/jmake.toml", ""),
        ("other/x.c", ""),
        ("bin/y.c", ""),
        ("sub/julia/y.c", ""),
    ]);
    let expect = "a.c bin/y.c not_cache/CACHEDIR.TAG not_cache/y.c sub/julia/y.c";
    assert_eq!(project.names(&Options::default()), expect);
    let tree = project.scan(&Options::default());
    let skipped: Vec<_> = tree.skipped.iter().map(|(path, why)| (path.to_string(), why)).collect();
    assert_eq!(
        skipped,
        [
            ("build".into(), &Skipped::BuildOutput("CMakeCache.txt".into())),
            ("cache".into(), &Skipped::Cache),
            ("cmake-build-debug".into(), &Skipped::BuildOutput("build.ninja".into())),
            ("other".into(), &Skipped::OtherProject),
            ("sub/out".into(), &Skipped::BuildOutput(".ninja_log".into())),
        ]
    );
    assert_eq!(tree.problems.len(), 1, "the nested project is noted");
    assert!(tree.dirs.contains(&FilePath::new("other")), "its listing decided, so it must be watched");
}

#[test]
fn globs_choose() {
    let project =
        Project::new(&[("a.c", ""), ("src/b.c", ""), ("src/b.h", ""), ("src/gen/c.c", ""), ("gen/d.c", "")]);
    let list = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
    for (exclude, expect) in [
        (&["gen"][..], "a.c src/b.c src/b.h"),
        (&["/gen/"], "a.c src/b.c src/b.h src/gen/c.c"),
        (&["src/gen"], "a.c gen/d.c src/b.c src/b.h"),
        (&["*.c"], "src/b.h"),
        (&["src/*.c"], "a.c gen/d.c src/b.h src/gen/c.c"),
        (&["./a.c", "**/gen/*"], "src/b.c src/b.h"),
    ] {
        assert_eq!(project.names(&with(|o| o.exclude = list(exclude))), expect, "{exclude:?}");
    }
    for (include, expect) in [(&["src"][..], "src/b.c src/b.h src/gen/c.c"), (&["/*.c"], "a.c src/b.h")] {
        assert_eq!(project.names(&with(|o| o.include = list(include))), expect, "{include:?}");
    }
    let bad = project.scan(&with(|o| o.exclude = list(&["a[", "gen"])));
    assert!(bad.problems[0].is_error() && bad.problems[0].message.contains("`a[`"), "{:?}", bad.problems);
    assert_eq!(bad.files.len(), 3, "the good glob still counts");
}

#[test]
fn depth_is_limited() {
    let project = Project::new(&[("a.c", ""), ("b/b.c", ""), ("b/c/c.c", "")]);
    for (depth, expect) in [(0, "a.c"), (1, "a.c b/b.c"), (2, "a.c b/b.c b/c/c.c")] {
        assert_eq!(project.names(&with(|o| o.max_depth = Some(depth))), expect);
    }
}

#[test]
fn ignore_files_count_without_git() {
    let project = Project::new(&[
        (".gitignore", "*.gen.c\n/top.c\nlogs/\n\n# comment\nsub/*.x\n"),
        ("a.gen.c", ""),
        ("top.c", ""),
        ("logs/a.c", ""),
        ("sub/.gitignore", "!keep.gen.c\r\nlocal.c\n"),
        ("sub/keep.gen.c", ""),
        ("sub/drop.gen.c", ""),
        ("sub/local.c", ""),
        ("sub/top.c", ""),
        ("sub/a.x", ""),
        ("local.c", ""),
        ("both/.gitignore", "*.c\n"),
        ("both/.ignore", "!b.c\n"),
        ("both/a.c", ""),
        ("both/b.c", ""),
    ]);
    assert_eq!(project.names(&Options::default()), "both/b.c local.c sub/keep.gen.c sub/top.c");
    let tree = project.scan(&Options::default());
    let honoured: Vec<_> = tree.ignore_files.iter().map(ToString::to_string).collect();
    assert_eq!(honoured, [".gitignore", "both/.gitignore", "both/.ignore", "sub/.gitignore"]);
    assert_eq!(project.reason("top.c"), Some(LeftOut::Ignored));
}

#[test]
fn ignore_files_above_the_root_count_within_a_repository() {
    let outer = Project::new(&[
        ("top/.git/", ""),
        ("top/.gitignore", "x.c\n"),
        ("top/lib/.gitignore", "y.c\n"),
        ("top/lib/p/x.c", ""),
        ("top/lib/p/y.c", ""),
        ("top/lib/p/z.c", ""),
        ("free/.gitignore", "x.c\n"),
        ("free/p/x.c", ""),
        ("home/.git/", ""),
        ("home/.gitignore", "*\n"),
        ("home/p/x.c", ""),
    ]);
    for (root, expect) in [("top/lib/p", "z.c"), ("free/p", "x.c"), ("home/p", "x.c")] {
        let memo = Memo::new(Root::open(&outer.dir.path().join(root)).unwrap(), 0);
        let tree = scan_files(&memo, &Options::default()).unwrap();
        let names: Vec<_> = tree.files.iter().map(|file| file.path.to_string()).collect();
        assert_eq!(names.join(" "), expect, "{root}");
    }
}

#[test]
fn an_ignore_file_that_names_all_of_the_root_does_not_count() {
    let all = [(".gitignore", "*\n!.gitignore\n"), ("a.c", ""), ("sub/.gitignore", "b.c\n"), ("sub/b.c", "")];
    let project = Project::new(&all);
    assert_eq!(project.names(&Options::default()), "a.c");
    let tree = project.scan(&Options::default());
    assert!(tree.problems.iter().any(|problem| problem.message.contains("do not count")));
    assert!(tree.ignore_files.contains(&".gitignore".into()), "with other words it would");
    let some = Project::new(&[(".gitignore", "*\n!a.c\n"), ("a.c", ""), ("b.c", "")]);
    assert_eq!(some.names(&Options::default()), "a.c");
    let named = Project::new(&[(".gitignore", "b.c\n"), ("b.c", "")]);
    assert_eq!(named.names(&Options::default()), "", "one that is meant");
}

#[test]
fn links_end() {
    let outside = Project::new(&[("x.c", "")]);
    let out = format!("->{}", outside.dir.path().display());
    let project = Project::new(&[
        ("a.c", ""),
        ("linked.c", "->a.c"),
        ("dangling.c", "->nowhere"),
        ("self", "->."),
        ("sub/up", "->.."),
        ("l1", "->l2"),
        ("l2", "->l1"),
        ("out", &out),
        ("to_output", "->julia"),
        ("julia/x.c", ""),
        (".store/s.c", ""),
        ("second", "->.store"),
        ("first", "->.store"),
    ]);
    assert_eq!(project.names(&Options::default()), "a.c linked.c");
    let follow = with(|o| o.follow_symlinks = true);
    assert_eq!(project.names(&follow), "a.c first/s.c linked.c");
    let notes: Vec<_> = project.scan(&follow).problems.into_iter().filter_map(|p| p.file).collect();
    assert_eq!(notes, ["dangling.c", "l1", "l2"]);
}

#[test]
fn special_files_and_odd_names() {
    let project = Project::new(&[("a \"$#\n.c", "")]);
    project.put(b"\xfe.cpp", "int f();");
    project.put(b"\xff.cpp", "int g();");
    let pipe = project.dir.path().join("pipe.c");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(project.dir.path().join("socket.c"));
    project.put(b"link.c", "->pipe.c");
    let found = project.discover();
    let sources: Vec<_> = found.targets[0].sources.iter().map(|path| path.as_bytes().to_vec()).collect();
    assert_eq!(sources, [&b"a \"$#\n.c"[..], b"\xfe.cpp", b"\xff.cpp"]);
    drop(socket);
}

#[test]
fn deep_folders() {
    let project = Project::new(&[]);
    let deep = "d/".repeat(500);
    project.put(format!("{deep}a.c").as_bytes(), "");
    let tree = project.scan(&Options::default());
    assert_eq!((tree.files.len(), tree.dirs.len()), (1, 501));
}

#[test]
fn an_unreadable_folder_is_named() {
    let project = Project::new(&[("a.c", ""), ("locked/b.c", ""), ("c.c", "")]);
    for name in ["locked", "c.c"] {
        fs::set_mode(&project.dir.path().join(name), 0).unwrap();
    }
    // The superuser reads everything.
    if std::fs::read_dir(project.dir.path().join("locked")).is_ok() {
        return;
    }
    let tree = project.scan(&Options::default());
    assert_eq!(tree.problems[0].file.as_deref(), Some("locked"));
    assert_eq!(project.targets(), "lib p: a.c\n");
    assert_eq!(project.reason("c.c"), Some(LeftOut::Unreadable));
    fs::set_mode(&project.dir.path().join("locked"), 0o700).unwrap();
}

#[test]
fn binaries_are_known_by_content() {
    let elf = "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0";
    let project = Project::new(&[
        ("liba.so.1", elf),
        ("libs.so", "GROUP ( libc.so.6 )"),
        ("liba.a", "!<arch>\n"),
        ("run", elf),
        ("script", "#!/bin/sh\n"),
        ("data", elf),
        ("a.o", &elf.replace('\u{3}', "\u{1}")),
        ("b.o", "text"),
    ]);
    for name in ["run", "script"] {
        fs::set_mode(&project.dir.path().join(name), 0o755).unwrap();
    }
    let tree = project.scan(&Options::default());
    let found: Vec<_> =
        detect_binaries(&tree).iter().map(|file| (file.path.to_string(), file.category, file.size)).collect();
    assert_eq!(
        found,
        [
            ("a.o".into(), Category::Object, Some(18)),
            ("liba.a".into(), Category::StaticLibrary, Some(8)),
            ("liba.so.1".into(), Category::SharedLibrary, Some(18)),
            ("run".into(), Category::Executable, Some(18)),
        ]
    );
}

#[test]
fn a_header_is_of_the_language_that_includes_it() {
    let cpp = Project::new(&[("a.cpp", ""), ("a.h", "")]);
    assert_eq!(cpp.scan(&Options::default()).of(Category::CppHeader).count(), 1);
    let c = Project::new(&[("a.c", ""), ("a.h", "// ::x")]);
    assert_eq!(c.scan(&Options::default()).of(Category::CHeader).count(), 1);
    let both = Project::new(&[
        ("a.cpp", "#include \"cpp.h\"\n#include \"both.h\""),
        ("b.c", "#include \"sub/both.h\""),
        ("cpp.h", ""),
        ("sub/both.h", "#include \"inner.h\""),
        ("inner.h", ""),
        ("nobody.h", ""),
    ]);
    let tree = both.scan(&Options::default());
    let headers: Vec<_> = tree.of(Category::CHeader).map(|file| file.path.to_string()).collect();
    assert_eq!(headers, ["inner.h", "nobody.h", "sub/both.h"]);
}

#[test]
fn one_library_and_its_programs() {
    let project = Project::new(&[
        ("src/a.cpp", "int a() { return 1; }"),
        ("src/sub/a.cpp", "int b() { return 1; }"),
        ("src/c.c", ""),
        ("app/main.c", "int main(void) { return 0; }"),
        ("app2/main.c", "int main(void) { return 0; }"),
        ("tools/tool.c", "int main(void) { return 0; }"),
        ("tools/helper.c", "int help(void) { return 0; }"),
        ("src/demo.c", "#ifdef DEMO\nint main(void) { return 0; }\n#endif"),
    ]);
    assert_eq!(
        project.targets(),
        "lib p: src/a.cpp src/c.c src/demo.c src/sub/a.cpp\n\
         exe app-main-c: app/main.c\n\
         exe app2-main-c: app2/main.c\n\
         exe tool: tools/helper.c tools/tool.c\n"
    );
}

#[test]
fn nothing_to_build_is_no_error() {
    assert_eq!(Project::new(&[]).targets(), "");
    assert_eq!(Project::new(&[("a.h", "")]).targets(), "");
}

#[test]
fn what_is_left_out_and_why() {
    const MAIN: &str = "int main() {}";
    let test = |dir: &str| Some(LeftOut::TestFolder(dir.into()));
    for (path, content, expect) in [
        ("tests/a.c", "", test("tests")),
        ("src/UnitTests/a.c", "", test("src/UnitTests")),
        ("test-suite/deep/a.c", "", test("test-suite")),
        ("tst/a.c", "", test("tst")),
        ("contest/a.c", "", None),
        ("latest/a.c", "", None),
        ("attestation/a.c", "", None),
        ("examples/a.c", MAIN, Some(LeftOut::ExampleFolder("examples".into()))),
        ("demo/a.c", "", Some(LeftOut::ExampleFolder("demo".into()))),
        ("bench/a.c", "", Some(LeftOut::BenchFolder("bench".into()))),
        ("fuzzing/a.c", "", Some(LeftOut::FuzzFolder("fuzzing".into()))),
        ("docs/a.c", "", Some(LeftOut::DocFolder("docs".into()))),
        ("contrib/a.c", "", Some(LeftOut::ContribFolder("contrib".into()))),
        ("src/contrib/a.c", "", None),
        ("scripts/a.c", "", Some(LeftOut::ScriptFolder("scripts".into()))),
        ("src/scripts/a.c", "", None),
        ("swig/a.c", "", Some(LeftOut::BindingFolder("swig".into()))),
        ("a.cc", "int LLVMFuzzerTestOneInput(const char *p, long n) { return 0; }", Some(LeftOut::Main)),
        ("a_test.c", MAIN, Some(LeftOut::TestFile)),
        ("a_test.c", "int f() {}", None),
        ("test_a.cc", "#include <gtest/gtest.h>", Some(LeftOut::TestFile)),
        ("xtest.cpp", MAIN, Some(LeftOut::TestFile)),
        ("main.c", MAIN, Some(LeftOut::Main)),
        ("a.c", "#ifdef STANDALONE\nint main() {}\n#endif", None),
        ("a.cc", "export module a;", Some(LeftOut::ModuleUnit)),
        ("a.ixx", "", Some(LeftOut::ModuleUnit)),
        ("a.m", "#import <x.h>", Some(LeftOut::ObjectiveC)),
        ("a.m", "function y = a(x)", None),
        ("a.S", "", Some(LeftOut::Assembler)),
        ("a.c", "#if X\n#include <windows.h>\n#endif", None),
    ] {
        let project = Project::new(&[(path, content)]);
        assert_eq!(project.reason(path), expect, "{path} {content}");
    }
    #[cfg(target_os = "linux")]
    assert_eq!(
        Project::new(&[("a.c", "#include <Windows.h>")]).reason("a.c"),
        Some(LeftOut::OtherSystem("Windows".into()))
    );
}

#[test]
fn the_roots_own_name_never_counts() {
    let outer = Project::new(&[("tests/a.c", "")]);
    let memo = Memo::new(Root::open(&outer.dir.path().join("tests")).unwrap(), 0);
    let tree = scan_files(&memo, &Options::default()).unwrap();
    assert_eq!(discover_project(&memo, &tree, "p", &Nobody, true, false).unwrap().targets.len(), 1);
}

#[test]
fn sources_that_others_include() {
    let project = Project::new(&[
        // A table, a unit with its own header, and one that only a test includes.
        ("a.c", "#include \"table.c\"\n#include \"unit.c\""),
        ("table.c", "int t[] = {1};"),
        ("unit.c", "#include \"unit.h\""),
        ("unit.h", ""),
        ("tests/t.c", "#include \"../tested.c\""),
        ("tested.c", ""),
        // All in one.
        ("all.cpp", "#include \"one.cpp\"\n#include \"sub/two.cpp\""),
        ("one.cpp", "#include \"all.h\""),
        ("sub/two.cpp", "#include <vector>\n#include \"all.h\""),
        ("all.h", ""),
        // All in one, most of whose parts are units.
        ("most/all.c", "#include \"five.c\"\n#include \"six.c\"\n#include \"data.c\""),
        ("most/five.c", "#include \"five.h\""),
        ("most/six.c", "#include \"six.h\""),
        ("most/data.c", "int data[] = {1};"),
        // All in one, whose parts could not be compiled alone.
        ("whole/whole.cpp", "#include <vector>\n#include \"three.cpp\"\n#include \"in/four.cpp\""),
        ("whole/three.cpp", "#include <limits>"),
        ("whole/in/four.cpp", "#include \"../parts.h\""),
        ("whole/parts.h", ""),
        // Each other.
        ("x.c", "#include \"y.c\""),
        ("y.c", "#include \"x.c\""),
    ]);
    assert_eq!(
        project.targets(),
        "lib p: a.c most/data.c most/five.c most/six.c one.cpp sub/two.cpp tested.c unit.c whole/whole.cpp y.c\n"
    );
    assert_eq!(project.reason("table.c"), Some(LeftOut::IncludedByOther(FilePath::new("a.c"))));
    assert_eq!(project.reason("all.cpp"), Some(LeftOut::Gathers(FilePath::new("one.cpp"))));
}

#[test]
fn a_part_that_alone_needs_something_of_others() {
    let plain = |name| (name, "#include \"p.h\"");
    let mut files = vec![
        plain("a.c"),
        plain("b.c"),
        plain("c.c"),
        plain("net.c"),
        ("p.h", ""),
        ("ssl.c", "#include \"p_ssl.h\"\n#include <openssl/ssl.h>\n#include <openssl/err.h>"),
        ("p_ssl.h", "#include <openssl/ssl.h>"),
        ("tests/t.c", "#include \"../p_ssl.h\""),
    ];
    let optional = Some(LeftOut::OptionalPart("openssl/ssl.h".into()));
    assert_eq!(Project::new(&files).reason("ssl.c"), optional);
    files[3].1 = "#include \"p_ssl.h\"";
    assert_eq!(Project::new(&files).reason("ssl.c"), None, "another source needs it");
    files[3].1 = "#if USE_SSL\n#include <openssl/evp.h>\n#endif";
    assert_eq!(Project::new(&files).reason("ssl.c"), None, "it is not the only one");
    files.drain(..2);
    files[1].1 = "";
    assert_eq!(Project::new(&files).reason("ssl.c"), None, "the library is too small to tell");
}

#[test]
fn a_folder_that_holds_the_library_once_more() {
    let project =
        Project::new(&[("src/p.cpp", ""), ("singleheader/p.cpp", ""), ("singleheader/demo.cpp", "")]);
    assert_eq!(project.targets(), "lib p: src/p.cpp\n");
    assert_eq!(project.reason("singleheader/p.cpp"), Some(LeftOut::WholeFolder("singleheader".into())));
    // Or holds it alone.
    let project = Project::new(&[("tools/x.py", ""), ("single_header/p.cpp", "")]);
    assert_eq!(project.targets(), "lib p: single_header/p.cpp\n");
}

#[test]
fn include_dirs_are_few_and_fitting() {
    for (files, expect) in [
        // Beside the includer: none needed.
        (
            &[("src/a.c", "#include \"a.h\"\n#include \"sub/b.h\""), ("src/a.h", ""), ("src/sub/b.h", "")][..],
            "",
        ),
        (&[("src/a.c", "#include \"a.h\""), ("include/a.h", "")], "include"),
        (
            &[
                ("src/a.c", "#include <lib/a.h>"),
                ("include/lib/a.h", "#include <lib/b.h>"),
                ("include/lib/b.h", ""),
            ],
            "include",
        ),
        (&[("lib/a/a.c", "#include \"lib/b/b.h\""), ("lib/b/b.h", "")], "."),
        (&[("src/x/a.c", "#include \"y/b.h\""), ("src/y/b.h", "")], "src"),
        // A folder full of headers nobody asks for is none to search.
        (
            &[("a.c", "#include <time.h>\n#include <vector>"), ("compat/time.h", ""), ("compat/vector", "")],
            "",
        ),
        // Of two that answer, the nearer one, and the one that is needed anyway.
        (&[("a/src/a.c", "#include <c.h>"), ("a/include/c.h", ""), ("b/include/c.h", "")], "a/include"),
        (&[("a.c", "#include <c.h>\n#include <d.h>"), ("x/c.h", ""), ("y/c.h", ""), ("y/d.h", "")], "y"),
        // What lies among the tests is theirs.
        (&[("a.c", "#include <z.h>"), ("tests/z/z.h", "")], ""),
        // Needs of headers behind headers.
        (&[("a.c", "#include <b.h>"), ("one/b.h", "#include <c.h>"), ("two/c.h", "")], "one two"),
        // Only a condition asks.
        (&[("src/a.c", "#ifdef X\n#include <x.h>\n#endif"), ("far/away/x.h", "")], ""),
        (&[("src/a.c", "#if 0\n#include <x.h>\n#endif"), ("include/x.h", "")], ""),
    ] {
        assert_eq!(Project::new(files).dirs(), expect, "{files:?}");
    }
}

#[test]
fn a_folder_that_shadows_the_system_is_warned_of() {
    let project = Project::new(&[("a.c", "#include <own.h>"), ("compat/own.h", ""), ("compat/time.h", "")]);
    let found = project.discover();
    assert_eq!(found.include_dirs, [FilePath::new("compat")]);
    assert!(found.problems[0].message.contains("`compat`"), "{:?}", found.problems);
}

#[test]
fn headers_from_outside_are_listed() {
    let project = Project::new(&[
        (
            "a.c",
            "#include <sqlite3.h>\n#include \"own.h\"\n#include \"gone.h\"\n#if 0\n#include <dead.h>\n#endif",
        ),
        ("own.h", "#include <zlib.h>"),
        ("tests/t.c", "#include <check.h>"),
    ]);
    assert_eq!(project.discover().system_headers, ["gone.h", "sqlite3.h", "zlib.h"]);
}

#[test]
fn the_graph_knows_both_directions_and_an_order() {
    let project = Project::new(&[
        ("src/a.c", "#include \"../include/x.h\"\n#include <y.h>\n#include <y.h>\n#include <none.h>"),
        ("include/x.h", "#include \"y.h\"\n#include \"list.def\""),
        ("include/y.h", "#include \"x.h\""),
        ("include/list.def", "#include \"deep.inc\""),
        ("include/deep.inc", ""),
    ]);
    let memo = project.memo();
    let tree = scan_files(&memo, &Options::default()).unwrap();
    let graph = walk_ast_dependencies(&memo, &tree, &[FilePath::new("include")]);
    let show = |paths: Vec<&FilePath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let [a, x, y] = ["src/a.c", "include/x.h", "include/y.h"].map(FilePath::new);
    assert_eq!(show(graph.includes(&a).collect()), "include/x.h include/y.h");
    assert_eq!(show(graph.included_by(&y).collect()), "include/x.h src/a.c");
    assert_eq!(
        show(graph.order().collect()),
        "include/deep.inc include/list.def include/x.h include/y.h src/a.c"
    );
    assert_eq!(graph.cycles().map(show).collect::<Vec<_>>(), ["include/x.h include/y.h"]);
    assert_eq!(graph.unresolved(&a), [Unresolved { name: (*b"none.h").into(), angled: true, line: 4 }]);
    assert!(graph.unresolved(&x).is_empty() && graph.included_by(&a).next().is_none());
}

#[test]
fn the_same_tree_gives_the_same_result() {
    let mut files: Vec<(String, String)> = (0..60)
        .map(|i| (format!("d{}/f{i}.cpp", i % 7), format!("#include \"h{}.h\"\n#include <x/h.h>", i % 9)))
        .collect();
    files.extend((0..9).map(|i| (format!("i{}/h{i}.h", i % 3), String::new())));
    files.extend((0..4).map(|i| (format!("v{i}/x/h.h"), String::new())));
    let build = |files: &[(String, String)]| {
        let project = Project::new(&[]);
        files.iter().for_each(|(path, content)| project.put(path.as_bytes(), content));
        (project.scan(&Options::default()), project.discover())
    };
    let forward = build(&files);
    files.reverse();
    assert!(forward == build(&files));
    assert_eq!(forward.1.targets[0].sources.len(), 60);
    assert_eq!(forward.1.include_dirs.len(), 4, "{:?}", forward.1.include_dirs);
}
