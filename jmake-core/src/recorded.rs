//! What the last good build found in the project, for a build that is to skip the looking.
//!
//! Kept in jmake's own folder, checksummed and replaced atomically: what is damaged or of another
//! version counts as not recorded.  Only what planning needs is kept; the reasons for which
//! sources were left out are not.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::codec::{Reader, Writer};
use crate::digest::Digest;
use crate::discover::{Category, Discovery, File, FoundTarget, TargetKind, Tree};
use crate::fs;
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;

const MAGIC: &[u8] = b"jmake-discovered-3\n";

/// Every category, by its stored number.
const CATEGORIES: [Category; 12] = [
    Category::CppSource,
    Category::CppHeader,
    Category::CSource,
    Category::AsmSource,
    Category::CHeader,
    Category::Executable,
    Category::SharedLibrary,
    Category::StaticLibrary,
    Category::Julia,
    Category::Config,
    Category::Documentation,
    Category::Other,
];

/// Whether anything is recorded of the project at `root`.
pub fn is_recorded(root: &Root) -> bool {
    file(root).is_file()
}

/// Records what was found.
///
/// # Errors
/// When the file cannot be written.
pub fn record(root: &Root, tree: &Tree, discovery: &Discovery) -> Result<()> {
    let mut body = Writer::default();
    encode(&mut body, tree, discovery);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(Digest::of(&body.0).as_bytes());
    bytes.extend_from_slice(&body.0);
    fs::write_own_if_changed(&file(root), &bytes).map(drop)
}

/// What was recorded; `None` when nothing was, or it is damaged.
pub fn recorded(root: &Root) -> Option<(Tree, Discovery)> {
    load(&file(root))
}

fn file(root: &Root) -> PathBuf {
    root.as_path().join(STATE_DIR).join("discovered")
}

fn load(file: &Path) -> Option<(Tree, Discovery)> {
    let bytes = fs::read(file).ok()?;
    let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    (Digest::of(body).as_bytes() == sum).then(|| decode(&mut Reader(body))).flatten()
}

fn encode(out: &mut Writer, tree: &Tree, discovery: &Discovery) {
    out.uint(tree.files.len() as u64);
    for file in &tree.files {
        out.bytes(file.path.as_bytes());
        out.uint(CATEGORIES.iter().position(|known| *known == file.category).unwrap_or(10) as u64);
    }
    paths(out, &tree.dirs);
    paths(out, &discovery.include_dirs);
    texts(out, &discovery.system_headers);
    texts(out, &discovery.defines);
    out.bytes(&serde_json::to_vec(&discovery.manner).unwrap_or_default());
    out.bytes(&serde_json::to_vec(&discovery.generated).unwrap_or_default());
    out.uint(discovery.targets.len() as u64);
    for target in &discovery.targets {
        out.bytes(target.name.as_bytes());
        out.uint(u64::from(target.kind == TargetKind::Executable));
        paths(out, &target.sources);
    }
}

fn texts(out: &mut Writer, list: &[String]) {
    out.uint(list.len() as u64);
    list.iter().for_each(|text| out.bytes(text.as_bytes()));
}

fn paths(out: &mut Writer, paths: &[FilePath]) {
    out.uint(paths.len() as u64);
    for path in paths {
        out.bytes(path.as_bytes());
    }
}

fn decode(from: &mut Reader<'_>) -> Option<(Tree, Discovery)> {
    let mut tree = Tree::default();
    let mut discovery = Discovery::default();
    for _ in 0..from.uint()? {
        let path = FilePath::new(from.bytes()?);
        let category = *CATEGORIES.get(from.int::<usize>()?)?;
        tree.files.push(File { path, category, size: None });
    }
    tree.dirs = paths_of(from)?;
    discovery.include_dirs = paths_of(from)?;
    discovery.system_headers = texts_of(from)?;
    discovery.defines = texts_of(from)?;
    discovery.manner = serde_json::from_slice(from.bytes()?).ok()?;
    discovery.generated = serde_json::from_slice(from.bytes()?).ok()?;
    for _ in 0..from.uint()? {
        let name = text(from)?;
        let kind = if from.uint()? == 1 { TargetKind::Executable } else { TargetKind::Library };
        discovery.targets.push(FoundTarget { name, kind, sources: paths_of(from)? });
    }
    from.is_empty().then_some((tree, discovery))
}

fn paths_of(from: &mut Reader<'_>) -> Option<Vec<FilePath>> {
    (0..from.uint()?).map(|_| Some(FilePath::new(from.bytes()?))).collect()
}

fn texts_of(from: &mut Reader<'_>) -> Option<Vec<String>> {
    (0..from.uint()?).map(|_| text(from)).collect()
}

fn text(from: &mut Reader<'_>) -> Option<String> {
    String::from_utf8(from.bytes()?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Form, Generated};

    #[test]
    fn what_was_recorded_comes_back_and_damage_counts_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        assert!(!is_recorded(&root) && recorded(&root).is_none());
        fs::create_dir_all(&dir.path().join(STATE_DIR)).unwrap();
        let file = |path: &[u8], category| File { path: FilePath::new(path), category, size: None };
        let tree = Tree {
            files: CATEGORIES.iter().map(|category| file(b"a\xff.c", *category)).collect(),
            dirs: vec![FilePath::root(), "src".into()],
            ..Tree::default()
        };
        let made = |form| Generated { path: ".jmake/gen/a.h".into(), from: "a.h.in".into(), form };
        let target = |kind| FoundTarget { name: "n".into(), kind, sources: vec!["src/a.c".into()] };
        let discovery = Discovery {
            include_dirs: vec!["include".into()],
            system_headers: vec!["zlib.h".into()],
            defines: vec!["HAVE_CONFIG_H=1".into()],
            generated: vec![
                made(Form::Copy),
                made(Form::Template(Default::default())),
                made(Form::Export("A".into())),
            ],
            targets: vec![target(TargetKind::Library), target(TargetKind::Executable)],
            ..Discovery::default()
        };
        record(&root, &tree, &discovery).unwrap();
        assert_eq!(recorded(&root), Some((tree, discovery)));
        let good = fs::read(&super::file(&root)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&super::file(&root), &bad).unwrap();
            assert_eq!(recorded(&root), None, "byte {at}");
            fs::write(&super::file(&root), &good[..at]).unwrap();
            assert_eq!(recorded(&root), None, "cut at {at}");
        }
    }
}
