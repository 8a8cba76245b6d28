//! What the random edits have found, each as a small script of its own.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write the inputs that jmake only reads")]

mod support;

use std::fs;

use jmake_core::build::Built;
use jmake_core::event::{Outcome, Reason};
use support::Dice;
use support::check::finished;
use support::tree::Tree;
use support::world::{Said, World};

/// A tree with one target of two sources, and where it lies.
fn project(is_static: bool) -> (World, Tree) {
    let mut tree = Tree::random(&mut Dice::new(1));
    tree.files.clear();
    tree.system.clear();
    tree.conf.targets = vec![(is_static, 0)];
    tree.conf.dirs = vec!["late".into(), "inc".into()];
    tree.asked.jobs = 4;
    tree.add("s0/a.c".into(), "#include \"x.h\"\nint a(void) { return X; }\n".into());
    tree.add("s0/b.c".into(), "#include \"x.h\"\nint b(void) { return X; }\n".into());
    tree.add("inc/x.h".into(), "#define X 1\n".into());
    (World::new(), tree)
}

fn build(world: &mut World, tree: &Tree) -> (Said, Built) {
    world.sync(tree, &mut Dice::new(1));
    let said = world.build(tree, false);
    let built = said.built.clone().unwrap_or_else(|| panic!("{:?}", said.error));
    assert!(built.success, "{:?}", said.events);
    (said, built)
}

/// What had just been written was taken to be in doubt, so every action on it ran twice.
#[test]
fn an_action_on_new_objects_runs_once() {
    let (mut world, tree) = project(true);
    build(&mut world, &tree);
    assert_eq!(world.starts(), 1, "one archive");
}

/// Actions that ran at once and read the same new file put each other in doubt until both failed.
#[test]
fn actions_at_once_do_not_disturb_each_other() {
    let (mut world, mut tree) = project(false);
    tree.conf.targets = vec![(false, 0); 3];
    for target in ["s1", "s2", "common"] {
        tree.add(format!("{target}/c.c"), "#include \"x.h\"\nint c(void) { return X; }\n".into());
    }
    build(&mut world, &tree);
}

/// A folder named like a header that was looked for counted as that header, in every build anew.
#[test]
fn a_folder_is_not_a_header_that_appeared() {
    let (mut world, mut tree) = project(false);
    build(&mut world, &tree);
    tree.add("late/x.h/inside.txt".into(), "no header\n".into());
    let (_, built) = build(&mut world, &tree);
    assert_eq!(built.ran, 0);
}

/// With the result gone everywhere, the build broke off and said "build again" for ever.
#[test]
fn a_result_that_is_gone_everywhere_is_made_again() {
    let (mut world, tree) = project(false);
    build(&mut world, &tree);
    fs::remove_file(world.root().join("julia/libt0.so")).unwrap();
    fs::remove_file(world.root().join(".jmake/release/results/libt0.so")).unwrap();
    fs::remove_dir_all(world.cache()).unwrap();
    let (said, built) = build(&mut world, &tree);
    let ran: Vec<_> =
        finished(&said).into_values().filter(|(_, _, outcome, _)| *outcome == Outcome::Ran).collect();
    assert!(matches!(&ran[..], [(.., Some(Reason::OutputLost { .. }))]), "{ran:?}");
    assert_eq!(built.ran, 1);
    assert!(world.root().join("julia/libt0.so").is_file());
}

/// What a build of some targets had published was never removed.
#[test]
fn results_of_some_targets_are_removed_when_no_longer_made() {
    let (mut world, mut tree) = project(false);
    tree.asked.targets = vec![0];
    build(&mut world, &tree);
    tree.asked.targets.clear();
    tree.conf.targets = vec![(true, 0)];
    build(&mut world, &tree);
    assert!(world.root().join("julia/libt0.a").is_file());
    assert!(!world.root().join("julia/libt0.so").exists());
}

/// What an earlier pass had made again after a loss ran once more when a later pass found another.
#[test]
fn what_was_lost_is_made_again_once() {
    let (mut world, mut tree) = project(false);
    tree.asked.lto = Some("full".into());
    build(&mut world, &tree);
    let built = world.root().join(".jmake/release");
    fs::remove_dir_all(world.cache()).unwrap();
    fs::remove_dir_all(built.join("ir")).unwrap();
    // The IR of `a` can be made again at once, that of `b` only after another loss is found.
    let objects = support::edits::files(&built.join("objects"));
    let of_b = objects.iter().find(|path| path.to_string_lossy().ends_with("-b.o")).unwrap();
    fs::remove_file(of_b).unwrap();
    tree.add("s0/c.c".into(), "int c(void) { return 3; }\n".into());
    world.starts();
    build(&mut world, &tree);
    assert_eq!(world.starts(), 6, "three times the IR of a unit, then what links, optimises and lowers it");
}

/// Of two libraries that share a unit whose object was lost, the second was linked with whatever lay
/// in the object's place, and that was recorded.
#[test]
fn a_lost_object_is_waited_for_by_all_that_need_it() {
    let (mut world, mut tree) = project(false);
    tree.conf.targets = vec![(false, 0); 2];
    tree.add("common/c.c".into(), "int c(void) { return LEVEL; }\n".into());
    build(&mut world, &tree);
    tree.conf.level += 1;
    build(&mut world, &tree);
    tree.conf.level -= 1;
    // The store knows of the first results, but has them no longer.
    fs::remove_dir_all(world.cache().join("v1/blobs")).unwrap();
    build(&mut world, &tree);
    let (_, clean) = world.build_clean(&tree);
    for library in ["julia/libt0.so", "julia/libt1.so"] {
        let read = |root: &std::path::Path| fs::read(root.join(library)).unwrap();
        assert!(read(&world.root()) == read(&clean), "`{library}` is not that of a clean build");
    }
}
