use super::*;
use crate::discover::tests::Project;
use crate::discover::{Options, include_graph};
use crate::memo::Memo;
use crate::path::Root;

fn paths(text: &str) -> Vec<FilePath> {
    text.split_ascii_whitespace().map(FilePath::new).collect()
}

fn told(dirs: &str, defines: &str, flags: &str) -> Rc<Told> {
    let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect();
    Rc::new(Told {
        include_dirs: paths(dirs),
        defines: words(defines),
        first: Vec::new(),
        flags: words(flags),
    })
}

/// What all are told, and each group of sources besides.
fn shared(units: &[(&str, &Rc<Told>)]) -> Vec<String> {
    let mut all = Units::default();
    units.iter().for_each(|(source, told)| all.tell((*source).into(), (*told).clone()));
    let Shared { told, flags: [c, cxx], own } = all.share();
    let mut out = vec![format!("{told} | {} | {}", c.join(" "), cxx.join(" "))];
    out.extend(own.iter().map(|own| {
        let sources: Vec<String> = own.sources.iter().map(ToString::to_string).collect();
        format!("{}: {}", sources.join(" "), own.told)
    }));
    out
}

#[test]
fn what_all_are_told_is_said_once() {
    let one = told("a b", "X=1 Y", "-mavx");
    assert_eq!(shared(&[("a.c", &one), ("b.c", &one)]), ["-Ia -Ib -DX=1 -DY | -mavx | "]);
    assert_eq!(
        shared(&[("a.c", &one), ("b.cc", &told("a b", "Y X=1", "-fno-rtti"))]),
        ["-Ia -Ib -DX=1 -DY | -mavx | -fno-rtti"]
    );
    assert_eq!(shared(&[]), [" |  | "]);
}

#[test]
fn what_only_some_are_told_is_for_those_in_their_order() {
    let (one, two) = (told("own a b", "X=1 Y", "-mavx"), told("a b", "X=2 Y", ""));
    assert_eq!(
        shared(&[("a.c", &one), ("b.c", &two), ("c.c", &one)]),
        ["-Ia -Ib -DY |  | ", "a.c c.c: -Iown -DX=1 -mavx", "b.c: -DX=2"]
    );
    // Behind what is for all, and in another order.
    let three = told("a b own", "", "");
    assert_eq!(
        shared(&[("a.c", &three), ("b.c", &told("a b", "", ""))]),
        ["-Ia -Ib |  | ", "a.c: -Ia -Ib -Iown", "b.c: "]
    );
    assert_eq!(
        shared(&[("a.c", &told("b a", "", "")), ("b.c", &told("a b", "", ""))])[1..],
        ["a.c: ", "b.c: -Ia"]
    );
}

#[test]
fn what_stands_before_gives_the_whole() {
    for (whole, common) in [("a b c", "c a"), ("c a b", "c a"), ("x c y a", "a c"), ("", ""), ("a", "")] {
        let (whole, common) = (paths(whole), paths(common));
        let mut seen = before(&whole, &common);
        for dir in &common {
            if !seen.contains(dir) {
                seen.push(dir.clone());
            }
        }
        assert_eq!(seen, whole);
    }
}

#[test]
fn a_source_of_no_library_is_compiled_like_its_neighbours() {
    let own = |sources: &str, told: &Rc<Told>| Own { sources: paths(sources), told: (**told).clone() };
    let all = [
        own("one/a.c one/b.c", &told("i", "ONE", "-mavx")),
        own("two/a.c two/deep/b.c two/deep/c.c", &told("j", "TWO", "")),
        own("one/c.c", &told("", "", "")),
    ];
    let mut ways = Ways::new(&all);
    let mut of = |source: &str| {
        let way = ways.of(&source.into());
        ways.told(way).to_string()
    };
    assert_eq!(of("one/b.c"), "-Ii -DONE -mavx");
    assert_eq!(of("one/new.c"), "-Ii -Ij -DONE", "and it sees the folders of all");
    assert_eq!(of("two/deep/er/new.c"), "-Ij -Ii -DTWO");
    assert_eq!(of("new.c"), "-Ij -Ii -DTWO", "most are told that");
    assert_eq!(of("one/c.c"), "");
    assert_eq!(Ways::new(&[]).of(&"a.c".into()), 0);
}

#[test]
fn the_graph_goes_by_the_folders_of_each_source() {
    let project = Project::new(&[
        ("a.c", "#include <x.h>\n#include <y.h>"),
        ("b.c", "#include <x.h>"),
        ("all/x.h", "#include <config.h>"),
        ("one/config.h", ""),
        ("one/y.h", ""),
        ("two/config.h", ""),
        ("c.c", "#include <y.h>"),
    ]);
    let memo = Memo::new(Root::open(project.path()).unwrap(), 0);
    let tree = project.scan(&Options::default());
    let own = |source: &str, dirs: &[&str]| Own {
        sources: vec![source.into()],
        told: Told { include_dirs: dirs.iter().map(FilePath::new).collect(), ..Told::default() },
    };
    let own = [own("a.c", &["one"]), own("b.c", &["two"]), own("c.c", &[])];
    let graph = include_graph(&memo, &tree, &[], &["all".into()], &own);
    let show =
        |path: &str| graph.includes(&path.into()).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(show("a.c"), "all/x.h one/y.h");
    assert_eq!(show("all/x.h"), "one/config.h two/config.h", "whichever source leads there");
    assert_eq!(
        (show("c.c").as_str(), graph.unresolved(&"c.c".into()).len()),
        ("", 1),
        "which does not see it"
    );
}
