use crate::described::testing::Tree;
use crate::path::FilePath;

use super::*;

fn targets(tree: &Tree) -> Vec<String> {
    let described = read(tree, &FilePath::root()).unwrap_or_default();
    described.targets.iter().map(ToString::to_string).collect()
}

#[test]
fn values() {
    for (text, expect) in [
        ("['a.c'] + [\"b.c\"]", "a.c b.c"),
        ("[x + '.c' for x in ['a', 'b', 'c'] if x != 'b']", "a.c c.c"),
        ("['%s/%s.c' % (a, b) for a, b in [('x', 'y')]]", "x/y.c"),
        ("['{}.c'.format(n) for n in NAMES]", "one.c two.c"),
        ("glob(['src/**/*.c'], exclude = ['**/*_test.c'])", "src/a.c src/deep/b.c"),
        (
            "select({'@platforms//os:linux': ['l.c'], '@platforms//os:macos': ['l.c'], '//conditions:default': ['d.c']})",
            "l.c",
        ),
        ("select({':windows': ['w.c'], '//conditions:default': ['d.c']})", "d.c"),
        ("select({':windows': ['w.c']}) + ['a.c']", "a.c"),
        ("['a.c'] if True and not False else ['b.c']", "a.c"),
        ("DICT['k']", "v.c"),
        ("[':group', ':gen']", "g.c h.c made.c"),
        ("['a' 'b.c', # comment\n ]", "ab.c"),
        ("unknown(1) + ['a.c']", "a.c"),
        ("sorted([\"a.c\"]) + list(('b.c',))", "a.c b.c"),
    ] {
        let build = format!(
            "NAMES = ['one']\nNAMES += ['two']\nDICT = {{'k': ['v.c']}}\n\
             filegroup(name = 'group', srcs = ['g.c', ':more'])\nfilegroup(name = 'more', srcs = ['h.c', ':group'])\n\
             genrule(name = 'gen', outs = ['made.c'])\n\
             def f(x):\n    native.cc_library(name = 'no')\n\n    return x\n\
             cc_library(\n    name = 'p',\n    srcs = {text},\n)\n"
        );
        let tree = Tree::of(&["src/a.c", "src/deep/b.c", "src/a_test.c", "src/pkg/c.c", "src/pkg/BUILD"]);
        let all = targets(&tree.with("BUILD", build));
        assert_eq!(all, [format!("p: {expect}")], "{text}");
    }
}

#[test]
fn what_packages_need_of_one_another() {
    let tree = Tree::of(&["MODULE.bazel", "a/a.cc", "b/b.cc", "c/c.cc"])
        .with(
            "BUILD.bazel",
            "load('//tools:flags.bzl', 'FLAGS', D = 'DEFINES')\n\
             package(default_visibility = ['//visibility:public'])\n\
             cc_library(name = 'top', deps = ['//a', '//b:other', '@abseil//x', ':b_alias'], copts = FLAGS, defines = D)\n\
             alias(name = 'b_alias', actual = '//b:b')\n\
             cc_test(name = 'top_test', srcs = ['t.cc'])\ncc_binary(name = 'tool', srcs = ['m.cc'])\n",
        )
        .with("tools/flags.bzl", "FLAGS = ['-DX', '-Iinc', '-O2']\nDEFINES = ['Y=1']\n")
        .with("a/BUILD", "cc_library(name = 'a', srcs = ['a.cc'], includes = ['include'], strip_include_prefix = '/src')\n")
        .with("b/BUILD", "my_cc_library(name = 'b', srcs = ['b.cc'], deps = ['//gone'])\ncc_library(name = 'b_testing', srcs = ['x.cc'], testonly = 1)\n")
        .with("c/BUILD", "cc_library(name = 'c', srcs = ['c.cc'])\n");
    let described = read(&tree, &FilePath::root()).unwrap();
    let shown: Vec<String> = described.libraries(&|_| false).iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "top: -Iinc -Ia/include -Isrc -DY=1 -DX +a/a +b/other +b/b",
            "b/b: b/b.cc +gone/gone",
            "a/a: a/a.cc -Ia/include -Isrc"
        ]
    );
    // Where the top has none, all packages count.
    let tree = Tree::of(&["WORKSPACE", "c/c.cc"])
        .with("BUILD", "")
        .with("c/BUILD", "cc_library(name = 'c', srcs = ['c.cc'])");
    assert_eq!(targets(&tree), ["c/c: c/c.cc"]);
    let tree = Tree::of(&["c/c.cc"]).with("c/BUILD", "cc_library(name = 'c', srcs = ['c.cc'])");
    assert_eq!(targets(&tree), [""; 0], "no workspace");
}

#[test]
fn what_a_target_passes_on_to_its_users_and_what_not() {
    let build = "cc_library(name = 'base', srcs = ['a.cc'], defines = ['PASSED'], local_defines = ['OWN'], includes = ['inc'], copts = ['-DCOPT'])
cc_library(name = 'middle', hdrs = ['m.h'], deps = [':base'], defines = ['PASSED', 'MIDDLE'])
alias(name = 'other', actual = ':middle')
cc_library(name = 'top', srcs = ['t.cc'], deps = [':other'], local_defines = ['TOP'], visibility = ['//visibility:public'])
";
    assert_eq!(
        targets(&Tree::default().with("BUILD", build)),
        [
            "base: a.cc -Iinc -DPASSED -DOWN -DCOPT",
            "middle: -Iinc -DPASSED -DMIDDLE +base",
            "top: t.cc -Iinc -DTOP -DPASSED -DMIDDLE +middle"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_passed_over() {
    let text = "x = ]\nif y:\n    cc_library(name = 'no', srcs = ['n.c'])\nclass = 'open\ncc_library(name = 'p', srcs = ['a.c'])\n)\n";
    assert_eq!(targets(&Tree::default().with("BUILD", text)), ["p: a.c"]);
    let bytes = [&b"x = '"[..], &[0xff, 0], b"'\ncc_library(name = 'p', srcs = ['a.c'])\n"].concat();
    assert_eq!(targets(&Tree::default().with("BUILD", bytes)), ["p: a.c"]);
    assert_eq!(read(&Tree::default(), &FilePath::root()), None);
}

#[test]
fn whatever_is_written_reading_ends() {
    let ends = |text: String| {
        let tree = Tree::of(&["a.c"]).with("BUILD", text);
        let read = move || drop(read(&tree, &FilePath::root()));
        std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap();
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{'a': ", "}"),
        ("f(", ")"),
        ("f(x = ", ")"),
        ("not ", ""),
        ("-", ""),
        ("a.b(", ")"),
        ("x[", "]"),
        ("[x for x in ", "]"),
        ("1 if 1 else ", ""),
    ] {
        ends(format!("x = {}1{}\n", open.repeat(100_000), close.repeat(100_000)));
        ends(format!("x = {}\n", open.repeat(100_000)));
    }
    ends(format!("x = 1{}\n", " + 1".repeat(200_000)));
    ends("x = ['a']\n".to_owned() + &"x = x + x\n".repeat(100));
    ends("x = ['a']\n".to_owned() + &"x = [x, x]\n".repeat(100) + "cc_library(name = 'p', srcs = x)\n");
    ends("x = 'a'\n".to_owned() + &"x = [x]\n".repeat(100_000));
    ends(
        "x = [n for n in [1, 2, 3, 4, 5, 6, 7, 8, 9]]\n".to_owned()
            + &"x = [[n, m] for n in x]\n".repeat(1000),
    );
    ends("x = 'a'\n".to_owned() + &"x = x + x + x\n".repeat(100));
    ends("load(':BUILD', 'x')\nload('//:BUILD', 'x')\n".to_owned());
    ends("cc_library(name = 'p', srcs = glob(['**/*'] * 1000, exclude = ['{{{{']))\n".repeat(2000));
    ends("x = '''".to_owned() + &"a".repeat(1_000_000));
    ends("    x = 1\n".repeat(100_000));
}
