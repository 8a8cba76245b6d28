//! What `fakecc.toml` beside the program says.
//!
//! ```toml
//! version = "19.1.7"            # what the tools say they are
//! include_dirs = ["/x/include"] # what `-v -E` lists and `<…>` finds
//! digest = true                 # objects hold a digest of their text, not the text: for scale
//! log = "/tmp/log"              # one line per start of a tool
//! [[fault]]
//! do = "sleep 200"              # see `fault`
//! tool = "ld.lld"               # only in this tool (`clang` and `clang++` are two)
//! input = "b.c"                 # only where an input's path ends so
//! ```
//!
//! The file is no part of the compiler's identity, so a test may change behaviour behind the back
//! of a build tool.  To be *another* compiler, install with another salt: it stands at the end of
//! the binary and in every output.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use crate::fault::Fault;
use crate::{Bytes, lossy};

/// What precedes the salt at the end of the binary.
pub const SALT_MARK: &[u8; 12] = b"fakecc-salt:";
/// The salt's length.
pub const SALT_LEN: usize = 16;

struct Rule {
    tool: Option<String>,
    input: Option<String>,
    fault: String,
}

/// The settings of one installation.
pub struct Config {
    /// The version that the tools claim to be.
    pub version: String,
    /// Folders that are searched for headers by default, in order.
    pub include_dirs: Vec<String>,
    /// Whether objects hold a digest in place of their text.
    pub digest: bool,
    /// Where each start is noted.
    pub log: Option<PathBuf>,
    /// What tells this compiler from another one.
    pub salt: Bytes,
    /// The folder of the program.
    pub bin_dir: PathBuf,
    rules: Vec<Rule>,
}

impl Config {
    /// The settings for the program `exe`.
    ///
    /// # Errors
    /// When the file is there and is not understood.
    pub fn load(exe: &Path) -> Result<Config, String> {
        let bin_dir = exe.parent().unwrap_or(Path::new("/")).to_owned();
        let mut config = Config {
            version: "19.1.7".into(),
            include_dirs: Vec::new(),
            digest: false,
            log: None,
            salt: salt_of(exe).unwrap_or_default(),
            bin_dir,
            rules: Vec::new(),
        };
        let own = own_headers(&config.bin_dir);
        config.include_dirs.extend(own.is_dir().then(|| own.display().to_string()));
        let file = config.bin_dir.join("fakecc.toml");
        if let Ok(text) = std::fs::read_to_string(&file) {
            config.read(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        Ok(config)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
        let text_of = |item: &Item| item.as_str().map(str::to_owned).ok_or("a string is wanted");
        for (key, item) in document.iter() {
            match key {
                "version" => self.version = text_of(item)?,
                "include_dirs" => {
                    let dirs = item.as_array().ok_or("`include_dirs` is a list")?;
                    self.include_dirs = dirs.iter().filter_map(|d| d.as_str().map(str::to_owned)).collect();
                }
                "digest" => self.digest = item.as_bool().ok_or("`digest` is true or false")?,
                "log" => self.log = Some(text_of(item)?.into()),
                "fault" => {
                    for table in item.as_array_of_tables().ok_or("`[[fault]]` is wanted")? {
                        let get = |key| table.get(key).and_then(Item::as_str).map(str::to_owned);
                        let fault = get("do").ok_or("a fault has a `do`")?;
                        Fault::parse(&fault).ok_or_else(|| format!("unknown fault `{fault}`"))?;
                        self.rules.push(Rule { tool: get("tool"), input: get("input"), fault });
                    }
                }
                _ => return Err(format!("unknown key `{key}`")),
            }
        }
        Ok(())
    }

    /// The faults for a start of `tool` on `inputs`.
    pub fn faults(&self, tool: &str, inputs: &[Bytes]) -> Vec<Fault> {
        let applies = |rule: &&Rule| {
            rule.tool.as_ref().is_none_or(|name| name == tool)
                && rule.input.as_ref().is_none_or(|end| inputs.iter().any(|i| lossy(i).ends_with(end)))
        };
        self.rules.iter().filter(applies).filter_map(|rule| Fault::parse(&rule.fault)).collect()
    }
}

/// The compiler's own headers.
fn own_headers(bin_dir: &Path) -> PathBuf {
    bin_dir.parent().unwrap_or(bin_dir).join("lib/clang/19/include")
}

fn salt_of(exe: &Path) -> Option<Bytes> {
    let mut file = std::fs::File::open(exe).ok()?;
    let len = SALT_MARK.len() + SALT_LEN;
    file.seek(SeekFrom::End(-(len as i64))).ok()?;
    let mut tail = Vec::with_capacity(len);
    file.read_to_end(&mut tail).ok()?;
    tail.strip_prefix(SALT_MARK).map(<[u8]>::to_vec)
}
