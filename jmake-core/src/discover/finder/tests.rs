use proptest::prelude::*;

use super::*;
use crate::discover::{Category, File};

#[test]
fn dots_are_taken_back() {
    for (path, expect) in
        [("a/../b.h", Some("b.h")), ("a/b/../../c", Some("c")), ("../c", None), ("a..b/c", Some("a..b/c"))]
    {
        assert_eq!(without_dots(&FilePath::new(path)), expect.map(FilePath::new), "{path}");
    }
}

/// What a search of all paths finds.
fn slowly(tree: &Tree, dir: &str, name: &str) -> Option<FilePath> {
    let path = without_dots(&FilePath::new(dir).join(name))?;
    tree.get(&path).map(|file| file.path.clone())
}

proptest! {
    /// However names are spelled, and whether few or many files have one.
    #[test]
    fn finds_what_a_search_of_all_paths_does(
        paths in proptest::collection::btree_set("(a|b|a/b|b/a|a/b/c)?/(x|y|n[0-9])", 0..40),
        dirs in proptest::collection::vec("(a|b|a/b|b/a|a/b/c|a/\\.\\./b|\\.\\.)?", 8),
        names in proptest::collection::vec("(\\./|\\.\\./|\\.\\./\\.\\./|b/|b//|b/\\./)?(x|y|n1|z|\\.\\.|\\.)?", 8),
        many in any::<bool>(),
    ) {
        let file = |path: FilePath| File { path, category: Category::CHeader, size: None };
        let mut paths: Vec<FilePath> = paths.iter().map(|path| FilePath::new(path.trim_start_matches('/'))).collect();
        if many {
            paths.extend((0..10).map(|n| FilePath::new(format!("m{n}/x"))));
        }
        paths.sort();
        paths.dedup();
        let tree = Tree { files: paths.into_iter().map(file).collect(), ..Tree::default() };
        let made = BTreeMap::new();
        let finder = Finder::new(&tree, &made);
        for dir in &dirs {
            for name in &names {
                let found = finder.at(dir.as_bytes(), name.as_bytes()).cloned();
                prop_assert_eq!(found, slowly(&tree, dir, name), "`{}` in `{}`", name, dir);
            }
        }
    }
}
