//! Making a project: a fresh one from a template, or an existing folder adopted.
//!
//! Nothing that exists is ever changed: what is already there is listed as kept, and what the user
//! would have to change is told.  What is generated depends on its arguments alone, so that doing
//! it twice gives the same bytes.

mod names;
mod validate;

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use include_dir::{Dir, DirEntry, include_dir};
use toml_edit::Value;

use crate::fs;
use crate::path::{FilePath, Root, bytes_of, path_from_bytes};

pub use crate::manifest::GeneratedFacts;
pub use names::library_ident;
pub use validate::validate_config;

/// One folder per template.  In file names and contents `{{ident}}` stands for the library's name;
/// in contents `{{name}}` for the project's, and `{{toml_name}}` for that as a TOML text.  A name
/// that begins with `dot-` is written with a `.`.
static TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// The file that marks the root of a project.
pub const MARKER: &str = ".jmake_project";

/// The name of the manifest's file.
pub const MANIFEST: &str = "jmake.toml";

/// What a fresh project begins as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Template {
    /// Sources, compiled to a shared library.
    Cpp,
    /// Finished libraries.
    Binary,
}

impl Template {
    /// The template called `name`, in the first jmake's spelling too.
    pub fn parse(name: &str) -> Option<Template> {
        match name {
            "cpp" | "cpp_project" => Some(Template::Cpp),
            "binary" | "binary_project" => Some(Template::Binary),
            _ => None,
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Template::Cpp => "cpp",
            Template::Binary => "binary",
        }
    }
}

/// How many templates there are, and how many bytes their files hold.
pub fn templates() -> (u64, u64) {
    fn bytes(dir: &Dir) -> u64 {
        dir.entries()
            .iter()
            .map(|entry| match entry {
                DirEntry::Dir(inner) => bytes(inner),
                DirEntry::File(file) => file.contents().len() as u64,
            })
            .sum()
    }
    (TEMPLATES.dirs().count() as u64, bytes(&TEMPLATES))
}

/// What was made, relative to the project's root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Created {
    /// Files that are new.
    pub created: Vec<FilePath>,
    /// Files that were there and were left alone.
    pub kept: Vec<FilePath>,
    /// Lines that the `.gitignore` that is there lacks.
    pub gitignore: Vec<&'static str>,
}

/// Makes a fresh project called `name` in `dir`, which must be missing or empty.
///
/// # Errors
/// When `dir` holds anything already, or cannot be written.
pub fn new_project(dir: &Path, template: Template, name: &str) -> Result<Created> {
    let shown = dir.display();
    match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("`{shown}` is not empty; `jmake init {shown}` adopts a folder that has files");
            }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e).with_context(|| format!("cannot make a project in `{shown}`")),
    }
    create_structure(dir, template, name)
}

/// Puts the files of `template` into `dir`, except those that are there.
///
/// # Errors
/// When `dir` cannot be written.
pub fn create_structure(dir: &Path, template: Template, name: &str) -> Result<Created> {
    let mut done = Created::default();
    let folder = TEMPLATES.get_dir(template.folder()).expect("each template has a folder of its name");
    fs::create_dir_all(dir)?;
    put_all(dir, folder, folder, name, &mut done)?;
    Ok(done)
}

fn put_all(dir: &Path, top: &Dir, folder: &Dir, name: &str, done: &mut Created) -> Result<()> {
    let mut entries: Vec<&DirEntry> = folder.entries().iter().collect();
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        match entry {
            DirEntry::Dir(inner) => put_all(dir, top, inner, name, done)?,
            DirEntry::File(file) => {
                let below = file.path().strip_prefix(top.path()).unwrap_or(file.path());
                let below = String::from_utf8_lossy(bytes_of(below.as_os_str()));
                let path = FilePath::new(filled(&below, name).replace("dot-", "."));
                put(dir, path, &filled(&String::from_utf8_lossy(file.contents()), name), done)?;
            }
        }
    }
    Ok(())
}

/// `text` with its placeholders filled, in one pass: nothing in a name is taken for another one.
fn filled(text: &str, name: &str) -> String {
    let mut pieces = text.split("{{");
    let mut done = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (what, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        match what {
            "ident" => done += &library_ident(name),
            "toml_name" => done += &Value::from(name).to_string(),
            _ => done += &name.replace(char::is_control, " "),
        }
        done += rest;
    }
    done
}

/// Writes one file, unless something of its name is there, be it a link to nothing.
fn put(dir: &Path, path: FilePath, text: &str, done: &mut Created) -> Result<()> {
    let target = dir.join(path_from_bytes(path.as_bytes()));
    if target.symlink_metadata().is_ok() {
        done.kept.push(path);
        return Ok(());
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&target, text.as_bytes())?;
    done.created.push(path);
    Ok(())
}

/// Makes the existing folder `root` a project: marker, manifest from what discovery saw, and a
/// `.gitignore` when there is none.
///
/// # Errors
/// When the folder cannot be written.
pub fn adopt(root: &Root, facts: &GeneratedFacts) -> Result<Created> {
    let mut done = Created::default();
    let dir = root.as_path();
    put(dir, FilePath::new(MARKER), marker(), &mut done)?;
    put(dir, FilePath::new(MANIFEST), &generate_config(facts), &mut done)?;
    let ignored = dir.join(".gitignore");
    let present = fs::read(&ignored).ok();
    put(dir, FilePath::new(".gitignore"), IGNORED, &mut done)?;
    if let Some(present) = present {
        done.gitignore = IGNORED.lines().filter(|line| !is_ignored(&present, line)).collect();
    }
    Ok(done)
}

/// What git should not keep: intermediate files, and results.
const IGNORED: &str = "/.jmake/\n/julia/\n/compile_commands.json\n";

/// Whether `line` stands in the `.gitignore` with this content, with or without its slashes.
fn is_ignored(present: &[u8], line: &str) -> bool {
    let text = String::from_utf8_lossy(present);
    text.lines().any(|present| present.trim().trim_matches('/') == line.trim_matches('/'))
}

fn marker() -> &'static str {
    let file = TEMPLATES.get_file("cpp/dot-jmake_project");
    file.and_then(include_dir::File::contents_utf8).unwrap_or_default()
}

/// The text of a manifest that says what discovery saw and would otherwise have to find out, and
/// nothing else: no file lists, no stamps.  The same facts give the same bytes.
pub fn generate_config(facts: &GeneratedFacts) -> String {
    let list = |items: &[String]| Value::Array(items.iter().map(String::as_str).collect()).to_string();
    let mut text = String::from(
        "# Every key is optional; `jmake config show` lists them all with what is taken when they are missing.\n",
    );
    let mut section = |name: &str, lines: &[(&str, Option<String>)]| {
        let lines: String =
            lines.iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", value.as_ref()?))).collect();
        if !lines.is_empty() {
            text += &format!("\n[{name}]\n{lines}");
        }
    };
    let name = Some(&facts.name).filter(|name| !name.is_empty());
    section("project", &[("name", name.map(|name| Value::from(name).to_string()))]);
    let std = facts.std.as_ref().map(|std| Value::from(std).to_string());
    let include_dirs = (!facts.include_dirs.is_empty()).then(|| list(&facts.include_dirs));
    section("compile", &[("std", std), ("include_dirs", include_dirs)]);
    section("link", &[("libraries", (!facts.libraries.is_empty()).then(|| list(&facts.libraries)))]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::process::{Cancel, Spec};

    fn names(files: &[FilePath]) -> Vec<String> {
        files.iter().map(FilePath::to_string).collect()
    }

    #[test]
    fn a_fresh_project_has_a_manifest_without_problems() {
        for (template, name) in [(Template::Cpp, "my \"lib\" {{name}}\n2"), (Template::Binary, "x")] {
            let temp = tempfile::tempdir().unwrap();
            let dir = temp.path().join("new/");
            let made = new_project(&dir, template, name).unwrap();
            assert!(made.kept.is_empty() && made.created.contains(&FilePath::new(MARKER)), "{made:?}");
            let text = String::from_utf8(fs::read(&dir.join(MANIFEST)).unwrap()).unwrap();
            let (manifest, problems) = Manifest::parse(&text, MANIFEST);
            assert_eq!(problems, []);
            assert_eq!(manifest.project.name.as_deref(), Some(name));
            assert_eq!(validate_config(&manifest, &Root::open(&dir).unwrap()), []);
            assert!(new_project(&dir, template, name).unwrap_err().to_string().contains("jmake init"));
            let again = create_structure(&dir, template, name).unwrap();
            assert_eq!((again.created, again.kept), (vec![], made.created));
        }
    }

    #[test]
    fn the_files_of_the_templates() {
        let temp = tempfile::tempdir().unwrap();
        let cpp = create_structure(&temp.path().join("a"), Template::Cpp, "my-lib").unwrap();
        let mut files = names(&cpp.created);
        files.sort();
        assert_eq!(
            files,
            [
                ".gitignore",
                ".jmake_project",
                "README.md",
                "include/my_lib/my_lib.h",
                "jmake.toml",
                "src/my_lib.cpp"
            ]
        );
        let binary = create_structure(&temp.path().join("b"), Template::Binary, "x").unwrap();
        let mut files = names(&binary.created);
        files.sort();
        assert_eq!(
            files,
            [".gitignore", ".jmake_project", "README.md", "include/.gitkeep", "jmake.toml", "lib/.gitkeep"]
        );
    }

    /// The reason for the template: it builds at once.
    #[test]
    fn the_template_compiles() {
        let tools = ["/usr/bin/clang++", "/usr/bin/clang++-19", "/usr/bin/c++"];
        let Some(compiler) = tools.iter().find(|tool| Path::new(tool).exists()) else {
            eprintln!("skipped: no C++ compiler");
            return;
        };
        for name in ["demo", "math", "2d", "int"] {
            let temp = tempfile::tempdir().unwrap();
            create_structure(temp.path(), Template::Cpp, name).unwrap();
            let source = format!("src/{}.cpp", library_ident(name));
            let argv = [
                compiler,
                "-std=c++17",
                "-Wall",
                "-Werror",
                "-Iinclude",
                "-include",
                "cmath",
                "-c",
                &source,
                "-o",
                "x.o",
            ];
            let done = crate::process::run(&Spec::new(argv, temp.path()), &Cancel::new()).unwrap();
            assert!(done.success(), "{name}: {done:?}");
        }
    }

    #[test]
    fn adopting_changes_nothing_that_exists() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(temp.path()).unwrap();
        fs::write(&temp.path().join(".gitignore"), b"julia\n*.o\n").unwrap();
        let facts = GeneratedFacts { name: "x".into(), ..GeneratedFacts::default() };
        let made = adopt(&root, &facts).unwrap();
        assert_eq!(names(&made.created), [MARKER, MANIFEST]);
        assert_eq!(names(&made.kept), [".gitignore"]);
        assert_eq!(made.gitignore, ["/.jmake/", "/compile_commands.json"]);
        assert_eq!(fs::read(&temp.path().join(".gitignore")).unwrap(), b"julia\n*.o\n");
        let again = adopt(&root, &GeneratedFacts { name: "y".into(), ..facts }).unwrap();
        assert_eq!(again.created, []);
        assert!(fs::read(&temp.path().join(MANIFEST)).unwrap().ends_with(b"name = \"x\"\n"));
    }

    #[test]
    fn what_is_generated_is_short_and_read_back() {
        let facts = GeneratedFacts {
            name: "a \"b\"\n".into(),
            include_dirs: vec!["include".into(), "src/näme".into()],
            std: Some("c++20".into()),
            libraries: vec!["m".into()],
        };
        let text = generate_config(&facts);
        assert_eq!(text, generate_config(&facts));
        let (manifest, problems) = Manifest::parse(&text, MANIFEST);
        assert_eq!(problems, []);
        assert_eq!(manifest.project.name, Some(facts.name));
        assert_eq!(manifest.compile.include_dirs, facts.include_dirs);
        assert_eq!((manifest.compile.std, manifest.link.libraries), (facts.std, facts.libraries));
        assert_eq!(Manifest::parse(&generate_config(&GeneratedFacts::default()), MANIFEST).1, []);
    }
}
