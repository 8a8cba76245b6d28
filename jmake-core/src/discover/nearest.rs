//! Headers of one name in a project of which nothing is described: each source sees the nearest.
//!
//! Where several of the folders that are searched hold what one name asks for, the parts of the project
//! have headers of their own.  A source is told first of the folder that is nearer to it than every other;
//! where two are as near, the order for all decides.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::memo::Memo;
use crate::path::FilePath;

use super::dirs::{Dirs, closeness};
use super::includes::{Finder, counts};
use super::told::{Own, Told, before, grouped};

/// What each of `sources` is told before the folders for all; nothing where no name is rivalled.
pub(super) fn own(memo: &Memo, finder: &Finder<'_>, dirs: &Dirs, sources: &[FilePath]) -> Vec<Own> {
    let rivals = rivals(memo, finder, dirs);
    let told = |source: &FilePath| {
        let mut near: Vec<&FilePath> = rivals.iter().filter_map(|group| nearest(group, source)).collect();
        near.sort_by_key(|dir| Reverse(closeness(dir, source)));
        let mut whole = Told::default();
        near.into_iter().chain(&dirs.chosen).for_each(|dir| whole.search(dir.clone()));
        let include_dirs = before(&whole.include_dirs, &dirs.chosen);
        (source.clone(), Told { include_dirs, ..Told::default() })
    };
    match rivals.is_empty() {
        true => Vec::new(),
        false => grouped(sources.iter().map(told)),
    }
}

/// The groups of folders, in their order, that can answer one name which is looked for in folders.
fn rivals(memo: &Memo, finder: &Finder<'_>, dirs: &Dirs) -> BTreeSet<Vec<FilePath>> {
    let of_file = |file: &FilePath| {
        let facts = memo.facts(finder.text_of(file)).unwrap_or_default();
        let sought = facts.includes.iter().filter(|one| counts(one) && finder.beside(file, one).is_none());
        let group = |include: &crate::lex::Include| -> Vec<FilePath> {
            let answers = |dir: &&FilePath| finder.at(dir.as_bytes(), &include.name).is_some();
            dirs.chosen.iter().filter(answers).cloned().collect()
        };
        sought.map(group).filter(|group| group.len() > 1).collect::<Vec<_>>()
    };
    dirs.files.par_iter().flat_map_iter(of_file).collect()
}

/// The folder that is nearer to `source` than the others.
fn nearest<'g>(group: &'g [FilePath], source: &FilePath) -> Option<&'g FilePath> {
    let best = group.iter().map(|dir| closeness(dir, source)).max()?;
    let mut nearest = group.iter().filter(|dir| closeness(dir, source) == best);
    nearest.next().filter(|_| nearest.next().is_none())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use crate::discover::tests::Project;

    const FILES: [(&str, &str); 9] = [
        ("lib/one/inc/kinds.h", ""),
        ("lib/one/inc/one.h", "#include \"kinds.h\""),
        ("lib/two/inc/kinds.h", ""),
        ("lib/two/inc/two.h", ""),
        ("lib/one/src/a.c", "#include \"one.h\"\n#include \"kinds.h\""),
        ("lib/one/src/b.c", "#include \"one.h\""),
        ("lib/two/src/c.c", "#include \"two.h\"\n#include \"kinds.h\""),
        ("lib/two/src/d.c", "#include \"two.h\""),
        ("lib/e.c", ""),
    ];

    fn own(files: &[(&'static str, &'static str)]) -> Vec<String> {
        let own = Project::new(files).discover().manner.own.into_iter();
        own.flat_map(|own| {
            let told = own.told.to_string();
            own.sources.into_iter().map(move |source| format!("{source}: {told}"))
        })
        .collect()
    }

    #[test]
    fn each_source_sees_the_nearest_of_equally_named_headers() {
        assert_eq!(
            own(&FILES),
            [
                "lib/e.c: ",
                "lib/one/src/a.c: ",
                "lib/one/src/b.c: ",
                "lib/two/src/c.c: -Ilib/two/inc",
                "lib/two/src/d.c: -Ilib/two/inc"
            ]
        );
    }

    #[test]
    fn nothing_is_said_where_no_name_is_looked_for_in_two_folders() {
        let mut files = FILES;
        // What lies beside its includer is found there.
        files[4] = ("lib/one/inc/x.h", "");
        files[6] = ("lib/two/src/c.c", "#include \"two.h\"");
        assert_eq!(own(&files), [""; 0]);
        let described: Vec<_> =
            FILES.into_iter().chain([("Makefile", "libp.a: lib/one/src/a.o lib/two/src/c.o\n")]).collect();
        assert_eq!(own(&described), [""; 0], "a description says it");
    }
}
