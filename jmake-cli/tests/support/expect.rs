//! `expect.toml`: what must come of a fixture, and the edits it goes through.
//!
//! ```toml
//! requires = ["/usr/include/x.h"]     # without these files of the system it is skipped
//! output_dir = "julia"                # where results go
//! also = [["--lto", "full"]]          # builds from nothing with these arguments, too
//! through = [["--lto", "thin"]]       # and all of what follows once more with these
//! messages = ["project.root"]         # said in the first build, to a person or in an event
//! fails = ["undefined symbol"]        # the first build fails and says so, instead
//! code = 1                            # and with this exit code
//!
//! [[library]]                         # the first is the main one, which edits are about
//! path = "julia/libdemo.so"
//! functions = ["int add(int, int)"]   # C declarations of exactly what it exports
//! calls = [{ before = "int x = 1;", call = "add(x, 2)", print = "%d", value = "3" }]
//!
//! [[archive]]                         # path, defines
//! [[program]]                         # path, prints
//!
//! [[edit]]                            # in turn, each upon the one before
//! file = "src/a.c"
//! replace = ["1;", "2;"]              # or append, write, rename = "…", or delete/touch = true
//! compiled = ["src/a.c"]              # exactly these; any when missing
//! linked = true                       # whether anything is linked; either when missing
//! functions = ["int sub(int, int)"]   # exported from here on
//! without = ["add"]                   # no longer exported
//! calls = []                          # made now
//! prints = "…"                        # what the program prints from here on
//! moves = "julia/libother.so"         # where the main library is from here on
//! fails = []                          # as above: it fails, and the old outputs stay
//! messages = []
//! ```

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::support::caller::Call;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Files of the system without which this cannot be tested.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The folder for results.
    #[serde(default = "julia")]
    pub output_dir: String,
    /// Arguments of further builds from nothing.
    #[serde(default)]
    pub also: Vec<Vec<String>>,
    /// Arguments with which the fixture is taken through all its edits once more.
    #[serde(default)]
    pub through: Vec<Vec<String>>,
    /// Said in the first build.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Said by the first build, which fails.
    #[serde(default)]
    pub fails: Vec<String>,
    /// The exit code of the first build when it fails.
    #[serde(default = "failed")]
    pub code: i32,
    /// Shared libraries.
    #[serde(default)]
    pub library: Vec<Library>,
    /// Static libraries.
    #[serde(default)]
    pub archive: Vec<Archive>,
    /// Programs.
    #[serde(default)]
    pub program: Vec<Program>,
    /// Edits, in order.
    #[serde(default)]
    pub edit: Vec<Edit>,
}

fn failed() -> i32 {
    1
}

fn julia() -> String {
    "julia".to_owned()
}

/// A shared library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// Where it must be.
    pub path: String,
    /// C text before the declarations.
    #[serde(default)]
    pub prelude: String,
    /// What it exports.
    #[serde(default)]
    pub functions: Vec<String>,
    /// Calls after the first build.
    #[serde(default)]
    pub calls: Vec<Call>,
}

/// A static library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Where it must be.
    pub path: String,
    /// The symbols it defines.
    pub defines: Vec<String>,
}

/// A program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Where it must be.
    pub path: String,
    /// What it prints.
    pub prints: String,
}

/// One change of the tree.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Edit {
    /// What it is an example of.
    pub name: String,
    /// The file it is about.
    pub file: String,
    /// A text that the file holds once, and what stands there afterwards.
    pub replace: Option<[String; 2]>,
    /// Text for its end.
    pub append: Option<String>,
    /// Its whole content.
    pub write: Option<String>,
    /// Its new name.
    pub rename: Option<String>,
    /// Whether it is removed.
    pub delete: bool,
    /// Whether its time alone changes.
    pub touch: bool,
    /// Exactly the units compiled, sorted.
    pub compiled: Option<Vec<String>>,
    /// Whether anything was linked.
    pub linked: Option<bool>,
    /// What the main library exports in addition.
    pub functions: Vec<String>,
    /// What it no longer exports.
    pub without: Vec<String>,
    /// Calls of it.
    pub calls: Vec<Call>,
    /// What the program prints.
    pub prints: Option<String>,
    /// Where the main library is.
    pub moves: Option<String>,
    /// Said by the build, which fails.
    pub fails: Vec<String>,
    /// Said by the build.
    pub messages: Vec<String>,
}

impl Expect {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Expect> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let expect: Expect =
            toml_edit::de::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        ensure!(
            !expect.library.is_empty() || !expect.archive.is_empty() || !expect.program.is_empty(),
            "{} expects nothing",
            path.display()
        );
        Ok(expect)
    }
}

impl Edit {
    /// Makes the change in the tree at `root`.
    pub fn apply(&self, root: &Path) -> Result<()> {
        let path = root.join(&self.file);
        let read = || std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()));
        let write = |text: String| jmake_core::fs::write(&path, text.as_bytes());
        match self {
            Edit { replace: Some([old, new]), .. } => {
                let text = read()?;
                let times = text.matches(old.as_str()).count();
                ensure!(times == 1, "`{old}` is in {} {times} times", self.file);
                write(text.replace(old.as_str(), new))
            }
            Edit { append: Some(more), .. } => write(read()? + more),
            Edit { write: Some(text), .. } => {
                jmake_core::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
                write(text.clone())
            }
            Edit { rename: Some(name), .. } => {
                Ok(jmake_core::fs::rename(&path, &root.join(name)).context("rename")?)
            }
            Edit { delete: true, .. } => Ok(jmake_core::fs::remove_file(&path).context("delete")?),
            Edit { touch: true, .. } => touch(&path),
            _ => bail!("this edit changes nothing"),
        }
    }
}

/// Gives the file at `path` another time and nothing else.
fn touch(path: &Path) -> Result<()> {
    let file = std::fs::File::options().write(true).open(path).context("open")?;
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).context("touch")
}
