//! Where consents are kept: one file of the user's own, outside every project.
//!
//! A consent is the digest of a `jmake.toml` as it was when the user said yes, under the path of
//! its root; any edit of the file makes another digest and asks again.  The file is only believed
//! when nobody else could have written it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::digest::Digest;
use crate::fs;
use crate::path::{Root, bytes_of};

/// The consents the user has given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    file: PathBuf,
    given: BTreeMap<String, Digest>,
}

impl Trust {
    /// The consents kept in `store_file`; none when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, is not in the form [`Trust::grant`] writes, or others than
    /// its owner may write it.
    pub fn load(store_file: &Path) -> Result<Trust> {
        let file = store_file.to_path_buf();
        let shown = store_file.display();
        let Some(stat) = fs::stat(store_file).with_context(|| format!("cannot examine `{shown}`"))? else {
            return Ok(Trust { file, given: BTreeMap::new() });
        };
        if cfg!(unix) && stat.mode & 0o022 != 0 {
            bail!("others may write `{shown}`; run `chmod 600 {shown}` after checking what it holds");
        }
        let bytes = fs::read(store_file).with_context(|| format!("cannot read `{shown}`"))?;
        let text = String::from_utf8(bytes).with_context(|| format!("`{shown}` is damaged; remove it"))?;
        let given = parse(&text).with_context(|| format!("`{shown}` is damaged; remove it"))?;
        Ok(Trust { file, given })
    }

    /// Whether the user has consented to the `jmake.toml` with this digest in `root`.
    pub fn is_trusted(&self, root: &Root, manifest_digest: Digest) -> bool {
        self.given.get(&name_of(root)) == Some(&manifest_digest)
    }

    /// Records the consent to the `jmake.toml` with this digest in `root`, and keeps it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn grant(&mut self, root: &Root, manifest_digest: Digest) -> Result<()> {
        self.change(|given| {
            given.insert(name_of(root), manifest_digest);
        })
    }

    /// Takes the consent back; tells whether there was one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn revoke(&mut self, root: &Root) -> Result<bool> {
        let mut was = false;
        self.change(|given| was = given.remove(&name_of(root)).is_some())?;
        Ok(was)
    }

    /// Reads the file again under a lock, changes it and writes it, so that two jmakes granting at
    /// once lose nothing.
    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, Digest>)) -> Result<()> {
        let dir = self.file.parent().context("the store of consents has no folder")?;
        if !dir.is_dir() {
            fs::create_dir_all(dir)?;
            fs::set_mode(dir, 0o700).with_context(|| format!("cannot protect `{}`", dir.display()))?;
        }
        let _lock = fs::Lock::acquire(&self.file.with_extension("lock"), "", |_| (), || false)
            .with_context(|| format!("cannot lock `{}`", self.file.display()))?;
        self.given = Trust::load(&self.file)?.given;
        change(&mut self.given);
        self.write().with_context(|| format!("cannot write `{}`", self.file.display()))
    }

    fn write(&self) -> std::io::Result<()> {
        use std::io::Write;
        let mut file = fs::temporary_for(&self.file)?;
        // Before anything is in it.
        fs::set_mode(file.path(), 0o600)?;
        file.write_all(render(&self.given).as_bytes())?;
        fs::persist(file, &self.file)
    }
}

/// The root's path as text that loses nothing: bytes that are not plain are written `%2f`.
fn name_of(root: &Root) -> String {
    let mut name = String::new();
    for &byte in bytes_of(root.as_path().as_os_str()) {
        match byte {
            b'%' | b'"' | b'\\' | 0..=0x1f | 0x7f.. => name += &format!("%{byte:02x}"),
            byte => name.push(char::from(byte)),
        }
    }
    name
}

const HEADER: &str =
    "# Written by `jmake trust`: the jmake.toml files you have consented to, by their digest.\n[trusted]\n";

fn render(given: &BTreeMap<String, Digest>) -> String {
    let lines = given.iter().map(|(root, digest)| format!("\"{root}\" = \"{digest}\"\n"));
    HEADER.chars().chain(lines.collect::<String>().chars()).collect()
}

fn parse(text: &str) -> Option<BTreeMap<String, Digest>> {
    let document = toml_edit::Document::parse(text).ok()?;
    let table = document.get("trusted")?.as_table_like()?;
    table.iter().map(|(root, digest)| Some((root.to_owned(), Digest::parse(digest.as_str()?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_is_bound_to_the_root_and_the_content() {
        let temp = tempfile::tempdir().unwrap();
        let nasty = temp.path().join(crate::path::path_from_bytes(b"a \"b%\n\xfe"));
        let plain = temp.path().join("plain");
        fs::create_dir_all(&nasty).unwrap();
        fs::create_dir_all(&plain).unwrap();
        let (nasty, plain) = (Root::open(&nasty).unwrap(), Root::open(&plain).unwrap());
        let store = temp.path().join("config/jmake/trust.toml");
        let (before, after) = (Digest::of(b"before"), Digest::of(b"after"));

        let mut trust = Trust::load(&store).unwrap();
        assert!(!trust.is_trusted(&nasty, before));
        trust.grant(&nasty, before).unwrap();
        // A second jmake that loaded earlier loses nothing of what the first one wrote.
        let mut other = Trust { given: BTreeMap::new(), ..trust.clone() };
        other.grant(&plain, before).unwrap();

        let mut trust = Trust::load(&store).unwrap();
        assert!(trust.is_trusted(&nasty, before) && trust.is_trusted(&plain, before));
        assert!(!trust.is_trusted(&nasty, after), "an edit asks again");
        assert!(trust.revoke(&nasty).unwrap());
        assert!(!trust.revoke(&nasty).unwrap());
        assert!(!Trust::load(&store).unwrap().is_trusted(&nasty, before));
        assert!(Trust::load(&store).unwrap().is_trusted(&plain, before));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_write_or_read_it() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(temp.path()).unwrap();
        let store = temp.path().join("jmake/trust.toml");
        Trust::load(&store).unwrap().grant(&root, Digest::of(b"x")).unwrap();
        let mode = |path: &Path| fs::stat(path).unwrap().unwrap().mode & 0o777;
        assert_eq!((mode(&store), mode(store.parent().unwrap())), (0o600, 0o700));
        fs::set_mode(&store, 0o666).unwrap();
        assert!(Trust::load(&store).unwrap_err().to_string().contains("chmod 600"));
        fs::set_mode(&store, 0o600).unwrap();
        fs::write(&store, b"[trusted]\n\"/x\" = \"nonsense\"\n").unwrap();
        assert!(Trust::load(&store).unwrap_err().to_string().contains("damaged"));
    }
}
