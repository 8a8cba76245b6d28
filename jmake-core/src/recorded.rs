//! What the last good build found in the project, for a build that is to skip the looking.
//!
//! Kept in jmake's own folder, checksummed and replaced atomically: what is damaged or of another
//! version counts as not recorded.  What there is a lot of is encoded compactly, the rest as JSON.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::codec::{Reader, Writer};
use crate::digest::Digest;
use crate::discover::{Category, Discovery, File, FoundTarget, TargetKind, Tree};
use crate::fs;
use crate::path::{FilePath, Root};
use crate::plan::STATE_DIR;

const MAGIC: &[u8] = b"jmake-discovered-5\n";

/// Every category, by its stored number.
const CATEGORIES: [Category; 13] = [
    Category::CppSource,
    Category::CppHeader,
    Category::CSource,
    Category::AsmSource,
    Category::CHeader,
    Category::Executable,
    Category::SharedLibrary,
    Category::StaticLibrary,
    Category::Object,
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
    encode(&mut body, tree, discovery)?;
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
    let mut body = (Digest::of(body).as_bytes() == sum).then_some(Reader(body))?;
    decode(&mut body).filter(|_| body.is_empty())
}

/// Appends `tree` and `discovery` to `out`.
///
/// # Errors
/// When some of it cannot be put into words.
pub fn encode(out: &mut Writer, tree: &Tree, discovery: &Discovery) -> Result<()> {
    out.uint(tree.files.len() as u64);
    for file in &tree.files {
        out.bytes(file.path.as_bytes());
        let category = CATEGORIES.iter().position(|known| *known == file.category).unwrap_or_default();
        out.uint(category as u64);
        out.uint(file.size.map_or(0, |size| size.saturating_add(1)));
    }
    for list in [&tree.dirs, &tree.ignore_files, &discovery.include_dirs, &discovery.evidence] {
        paths(out, list);
    }
    out.uint(discovery.targets.len() as u64);
    for target in &discovery.targets {
        out.bytes(target.name.as_bytes());
        out.uint(u64::from(target.kind == TargetKind::Executable));
        paths(out, &target.sources);
    }
    let Discovery { system_headers, defines, manner, generated, libraries, left_out, problems, .. } =
        discovery;
    let rest = (
        &tree.skipped,
        &tree.problems,
        system_headers,
        defines,
        manner,
        generated,
        libraries,
        left_out,
        problems,
    );
    out.bytes(&serde_json::to_vec(&rest)?);
    Ok(())
}

fn paths(out: &mut Writer, paths: &[FilePath]) {
    out.uint(paths.len() as u64);
    for path in paths {
        out.bytes(path.as_bytes());
    }
}

/// Takes what [`encode`] wrote.
pub fn decode(from: &mut Reader<'_>) -> Option<(Tree, Discovery)> {
    let mut tree = Tree::default();
    let mut discovery = Discovery::default();
    for _ in 0..from.uint()? {
        let path = FilePath::new(from.bytes()?);
        let category = *CATEGORIES.get(from.int::<usize>()?)?;
        tree.files.push(File { path, category, size: from.uint()?.checked_sub(1) });
    }
    for list in [&mut tree.dirs, &mut tree.ignore_files, &mut discovery.include_dirs, &mut discovery.evidence]
    {
        *list = paths_of(from)?;
    }
    for _ in 0..from.uint()? {
        let name = String::from_utf8(from.bytes()?.to_vec()).ok()?;
        let kind = if from.uint()? == 1 { TargetKind::Executable } else { TargetKind::Library };
        discovery.targets.push(FoundTarget { name, kind, sources: paths_of(from)? });
    }
    (
        tree.skipped,
        tree.problems,
        discovery.system_headers,
        discovery.defines,
        discovery.manner,
        discovery.generated,
        discovery.libraries,
        discovery.left_out,
        discovery.problems,
    ) = serde_json::from_slice(from.bytes()?).ok()?;
    Some((tree, discovery))
}

fn paths_of(from: &mut Reader<'_>) -> Option<Vec<FilePath>> {
    (0..from.uint()?).map(|_| Some(FilePath::new(from.bytes()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{DescribedLibrary, LeftOut, Manner, Own, Skipped, Told};
    use crate::event::Diagnostic;
    use crate::generate::{Form, Generated};

    #[test]
    fn what_was_recorded_comes_back_and_damage_counts_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        assert!(!is_recorded(&root) && recorded(&root).is_none());
        fs::create_dir_all(&dir.path().join(STATE_DIR)).unwrap();
        let file = |path: &[u8], category, size| File { path: FilePath::new(path), category, size };
        let tree = Tree {
            files: CATEGORIES.iter().map(|category| file(b"a\xff.c", *category, None)).collect(),
            dirs: vec![FilePath::root(), "src".into()],
            ignore_files: vec![".gitignore".into()],
            skipped: vec![("b".into(), Skipped::BuildOutput("CMakeCache.txt".into()))],
            problems: vec![Diagnostic::note("n")],
        };
        let tree =
            Tree { files: [tree.files, vec![file(b"b", Category::Executable, Some(0))]].concat(), ..tree };
        let made = |form| Generated { path: ".jmake/gen/a.h".into(), from: "a.h.in".into(), form };
        let target = |kind| FoundTarget { name: "n".into(), kind, sources: vec!["src/a.c".into()] };
        let told =
            Told { include_dirs: vec![FilePath::new(b"\xfe")], first: vec!["f.h".into()], ..Told::default() };
        let own = Own { sources: vec![FilePath::new(b"src/\xff.c")], told };
        let discovery = Discovery {
            include_dirs: vec!["include".into()],
            evidence: vec!["CMakeLists.txt".into()],
            libraries: vec![DescribedLibrary { name: "n".into(), sources: ["src/a.c".into()].into() }],
            manner: Manner { c_std: Some("c11".into()), own: vec![own], ..Manner::default() },
            left_out: vec![
                (FilePath::new(b"\xff.c"), LeftOut::OtherSystem("Windows".into())),
                ("m.c".into(), LeftOut::Main),
            ],
            problems: vec![Diagnostic::error("e").in_file("f")],
            system_headers: vec!["zlib.h".into()],
            defines: vec!["HAVE_CONFIG_H=1".into()],
            generated: vec![
                made(Form::Copy),
                made(Form::Template(Default::default())),
                made(Form::Export("A".into())),
            ],
            targets: vec![target(TargetKind::Library), target(TargetKind::Executable)],
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
