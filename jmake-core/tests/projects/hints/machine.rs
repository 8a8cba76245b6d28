//! What the machine lacks, and tools that end by no fault of the source.

use std::path::Path;

use jmake_core::build::{Build, build as build_project};
use jmake_core::cause::Cause;
use jmake_core::diagnose::Stage;
use jmake_core::event::Event;
use jmake_core::fs;
use jmake_core::manifest_file::ManifestFile;
use jmake_core::path::Root;
use jmake_core::process::{Cancel, Spec, run};

use super::{CASE, Case, Mend, build, check_all, hints, prepared};

/// Causes with a test of their own below.
pub(super) const OTHERS: [Cause; 3] = [Cause::ToolKilled, Cause::HeaderOfPackage, Cause::Settings];

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a compiler that crashes",
        cause: Cause::ToolCrashed,
        files: &[("a.c", "#pragma clang __debug crash\nint a;\n")],
        hint: "another version (`llvm.version`) may do",
        mend: Mend::Write(&[("a.c", "int a;\n")]),
        alike: &[("a.c", "#error clang frontend command failed due to signal\n")],
        ..CASE
    },
    Case {
        name: "a full disk",
        cause: Cause::DiskFull,
        files: &[("jmake.toml", "[link]\nflags = ['-Wl,-Map=/dev/full']\n"), ("a.c", "int a;\n")],
        hint: "make room there",
        mend: Mend::Write(&[("jmake.toml", "")]),
        alike: &[("jmake.toml", ""), ("a.c", "#error No space left on device\n")],
        ..CASE
    },
];

#[test]
fn tools_that_fail() {
    check_all(&CASES.iter().collect::<Vec<_>>());
}

/// A compile that takes long: macros that expand to very many empty declarations.
fn endless() -> String {
    let mut text = String::from("#define A0 ;\n");
    for level in 1..12 {
        let before = format!("A{} ", level - 1).repeat(10);
        text += &format!("#define A{level} {before}\n");
    }
    text + "A11\n"
}

/// Kills each compiler that works in `dir` as soon as it is there, until it is told to stop.
fn kill_compilers_in(dir: &Path, stop: &std::sync::atomic::AtomicBool) {
    let is_ours = |process: &Path| {
        let here = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == dir);
        here && fs::read(&process.join("cmdline"))
            .is_ok_and(|line| line.windows(4).any(|part| part == b"slow"))
    };
    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_ours(&entry.path())) {
            let id = entry.file_name().to_string_lossy().into_owned();
            run(&Spec::new(["/bin/kill", "-9", &id], "/"), &Cancel::new()).ok();
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_compiler_that_is_killed() {
    if !Path::new("/proc/self/cwd").exists() || !Path::new("/bin/kill").exists() {
        println!("skipped: no /proc");
        return;
    }
    let slow = endless();
    let Some(project) = prepared(&[&[("slow.c", &*slow)]], &[]) else { return };
    let dir = project.root().canonicalize().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        scope.spawn(|| kill_compilers_in(&dir, &stop));
        let told = build(&project);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        told
    });
    assert_eq!(told.built.failed, 1);
    let (failed, hint) = hints(&told.built).next().unwrap();
    assert_eq!(hint.cause, Some(Cause::ToolKilled), "{}", told.output);
    assert!(hint.hint.as_deref().unwrap().contains("`jmake build -j 1`"));
    assert!(failed.diagnostics[0].message.contains("was ended by signal 9"), "{failed:?}");
    project.write("slow.c", "int slow;\n");
    assert!(build(&project).built.success);
}

/// Package managers that only are there: nothing of theirs is run but the index of files, which this
/// one makes up.
#[test]
fn a_header_of_a_package() {
    let index = "#!/bin/sh\n[ \"$1\" = search ] || exit 1\necho 'libodd-dev: /usr/include/odd_thing.h'\n\
                 echo 'other: /usr/share/doc/odd_thing.h'\necho 'a: /usr/include/two.h'\necho 'b: /usr/include/two.h'\n";
    for (manager, header, hint) in [
        ("apt-get", "CL/cl.h", Some("apt-get install ocl-icd-opencl-dev opencl-headers")),
        ("dnf", "CL/cl.h", Some("dnf install ocl-icd-devel opencl-headers")),
        ("brew", "CL/cl.h", Some("brew install opencl-headers")),
        ("apt-get", "odd_thing.h", Some("apt-get install libodd-dev")),
        ("apt-get", "two.h", None),
        ("none", "CL/cl.h", None),
    ] {
        let source = format!("#include <{header}>\n");
        let Some(mut project) = prepared(&[&[("a.c", &*source)]], &[]) else { return };
        let bin = project.dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        for (program, text) in [(manager, "#!/bin/sh\nexit 1\n"), ("apt-file", index)] {
            fs::write(&bin.join(program), text.as_bytes()).unwrap();
            fs::set_mode(&bin.join(program), 0o755).unwrap();
        }
        // Without the machine's own manager.
        let clang = project.environment.path.iter().find(|dir| dir.join("clang").is_file()).unwrap().clone();
        if clang.join("apt-get").exists() {
            println!("skipped: clang lies beside a package manager");
            return;
        }
        project.environment.path = vec![bin, clang];
        let told = build(&project);
        assert!(!told.built.success);
        let found = hints(&told.built).find(|(_, hint)| hint.cause == Some(Cause::HeaderOfPackage));
        let found = found.and_then(|(_, found)| found.hint.clone());
        match hint {
            Some(hint) => {
                assert!(found.as_ref().is_some_and(|found| found.contains(hint)), "{header}: {found:?}")
            }
            None => assert_eq!(found, None, "{manager} {header}"),
        }
    }
}

/// On Debian: a header of a package that lies in a folder of its own.
#[test]
fn a_header_that_dpkg_knows() {
    let lists = std::fs::read_dir("/var/lib/dpkg/info").into_iter().flatten().flatten();
    let lists = lists.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "list"));
    let of_llvm = lists.filter_map(|list| {
        let text = String::from_utf8(fs::read(&list.path()).ok()?).ok()?;
        let file = text.lines().find(|file| file.ends_with("/include/llvm-c-14/llvm-c/Core.h"))?;
        Path::new(file).is_file().then(|| list.path().file_stem().unwrap().to_string_lossy().into_owned())
    });
    let Some(package) = of_llvm.last() else {
        println!("skipped: no package with a header in a folder of its own");
        return;
    };
    let Some(project) = prepared(&[&[("a.c", "#include <llvm-c/Core.h>\nint a;\n")]], &[]) else { return };
    let told = build(&project);
    let found = hints(&told.built).find(|(_, hint)| hint.cause == Some(Cause::HeaderInstalled));
    let (_, hint) = found.unwrap_or_else(|| panic!("{package}: {:#?}", told.built.failures));
    assert!(hint.hint.as_deref().unwrap().contains("llvm-c-14"), "{hint:?}");
    let change = hint.change.clone().unwrap();
    let manifest = ManifestFile::new(&Root::open(&project.root()).unwrap());
    jmake_core::settings::set(&manifest, &change.key, &change.value).unwrap();
    let told = build(&project);
    // That folder is right; what the header needs besides lies in another one.
    let missing = |told: &crate::Told| told.output.contains("'llvm-c/Core.h' file not found");
    assert!(!missing(&told), "{}", told.output);
}

#[test]
fn the_runtime_of_a_sanitizer() {
    let manifest = "[profile.release]\nsanitize = ['address']\n[binary]\nkind = 'executable'\n";
    let files = [("jmake.toml", manifest), ("a.c", "int main(void) { return 0; }\n")];
    let Some(project) = prepared(&[&files], &[]) else { return };
    let told = build(&project);
    if told.built.success {
        println!("skipped: the sanitizer's runtime is installed");
        return;
    }
    let (failed, hint) = hints(&told.built).next().unwrap();
    assert_eq!((failed.stage, hint.cause), (Stage::Configure, Some(Cause::SanitizerRuntimeMissing)));
    project.write("jmake.toml", "[binary]\nkind = 'executable'\n");
    assert!(build(&project).built.success);
}

/// What stops a build before anything runs is in the reply, too.
#[test]
fn stages() {
    let Some(project) = prepared(&[&[("notes.txt", "")]], &[]) else { return };
    let quick = Build { quick: true, ..Build::default() };
    for (request, stage, message) in [
        (&quick, Stage::Discover, "nothing is recorded of this project"),
        (&Build::default(), Stage::Configure, "no C or C++ sources"),
    ] {
        let told = project.build_as(request);
        assert!(!told.built.success);
        let [failed] = &told.built.failures[..] else { panic!("{:#?}", told.built.failures) };
        assert_eq!((failed.stage, failed.hints[0].cause), (stage, Some(Cause::Settings)));
        assert!(failed.diagnostics[0].message.contains(message), "{failed:?}");
    }
    project.write("a.c", "int a;\n");
    assert!(build(&project).built.success);

    // Where results should go there is a file.
    let Some(project) = prepared(&[&[("a.c", "int a;\n"), ("julia", "")]], &[]) else { return };
    let root = Root::open(&project.root()).unwrap();
    let mut ignore = |_: Event| {};
    match build_project(&root, &project.environment, &Build::default(), None, &Cancel::new(), &mut ignore) {
        Ok(built) => assert!(!built.success && !built.failures.is_empty(), "{built:?}"),
        Err(e) => {
            let failure = jmake_core::request::Failure::of(&e, false);
            assert!(failure.stage.is_some() && failure.problem.message.contains("is a file"), "{failure:?}");
        }
    }
}

/// Complaints come with file, line, column, notes and the includes that led there; a failure is not
/// recorded, and the events stay as they were.
#[test]
fn complaints_are_values() {
    let header = "int f(int x);\nint g(void) { return f(); }\n";
    let Some(project) = prepared(&[&[("inc/h.h", header), ("src/a.c", "\n#include \"h.h\"\n")]], &[]) else {
        return;
    };
    for _ in 0..2 {
        let told = build(&project);
        let [failed] = &told.built.failures[..] else { panic!("{:#?}", told.built.failures) };
        let [one] = &failed.diagnostics[..] else { panic!("{failed:#?}") };
        assert_eq!((one.file.as_deref(), one.line, one.column), (Some("inc/h.h"), Some(2), Some(24)));
        assert!(one.message.starts_with("too few arguments to function call"), "{one:?}");
        assert_eq!(one.included_from, ["src/a.c:2"]);
        assert_eq!((one.notes[0].file.as_deref(), one.notes[0].line), (Some("inc/h.h"), Some(1)));
        assert_eq!(failed.action.as_deref(), Some("src/a.c"));
        assert_eq!(failed.hints, []);
        assert!(told.diagnostics.is_empty(), "an ordinary error is the compiler's");
        assert_eq!(told.output.matches("too few arguments").count(), 1);
        let explained = jmake_core::build::explained(&Root::open(&project.root()).unwrap()).unwrap();
        let entry = explained.iter().find(|entry| entry.outcome == "failed").unwrap();
        assert_eq!(entry.failure.as_ref(), Some(failed));
    }
}
