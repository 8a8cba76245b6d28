use crate::described::Files as _;
use crate::described::testing::Tree;
use crate::generate::{Check, Form, Known};
use crate::path::FilePath;

use super::*;

fn described(text: impl AsRef<[u8]>, more: Tree) -> Described {
    read(&more.with("meson.build", text), &FilePath::root()).unwrap_or_default()
}

fn targets(text: &str, more: Tree) -> Vec<String> {
    let all = described(format!("project('p', 'c', version: '1.2')\n{text}"), more).targets;
    all.iter().map(ToString::to_string).collect()
}

/// The value of an expression, by way of a macro.
fn value(text: &str) -> String {
    let text =
        format!("add_project_arguments('-DX=' + '@0@'.format({text}), language: 'c')\nlibrary('x', 'x.c')");
    let all = targets(&text, Tree::of(&["x.c"]));
    all[0].split_once("-DX=").map(|(_, value)| value.to_owned()).unwrap_or_else(|| "none".to_owned())
}

#[test]
fn expressions() {
    for (text, expect) in [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("'a' + 'b'", "ab"),
        ("'a' / 'b'", "a/b"),
        ("'@1@-@0@'.format('x', 3)", "3-x"),
        ("f'v@name@'", "v7"),
        ("'a-b.c'.underscorify().to_upper()", "A_B_C"),
        ("'1.2.3'.split('.')[1]", "2"),
        ("','.join(['a', ['b']])", "a,b"),
        ("'1.10.0'.version_compare('>=1.9') ? 'y' : 'n'", "y"),
        ("('linux' in ['linux', 'x']) and not ('y' not in {'y': 1})", "true"),
        ("[1, 2, 3].get(-1)", "3"),
        ("{'a': 5}['a']", "5"),
        ("{'a': 5}.get('b', 6)", "6"),
        ("meson.project_version()", "1.2"),
        ("'''it's'''.contains('t') or false", "true"),
        ("unknown_function(1).whatever() == 3", "false"),
        ("5 % 3 == 2", "true"),
        ("'abcdef'.substring(1, -2)", "bcd"),
        ("-3 < 0x10", "true"),
        ("1 / 0", ""),
    ] {
        let text = format!(
            "name = 7\nv = {text}\nadd_project_arguments('-DX=' + '@0@'.format(v), language: 'c')\nlibrary('x', 'x.c')"
        );
        let all = targets(&text, Tree::of(&["x.c"]));
        let got = all[0].split_once("-DX=").map(|(_, value)| value.to_owned()).unwrap_or_default();
        assert_eq!(got, expect, "{text}");
    }
    assert_eq!(value("'x'.to_int()"), "");
}

#[test]
fn conditions_and_loops() {
    let text = "
sources = []
foreach name, wanted : {'a': true, 'b': false}
  if not wanted
    continue
  endif
  sources += name + '.c'
endforeach
foreach n : range(10)
  if n == 2
    break
  elif n == 1
    sources += ['one.c']
  else
    sources += files('zero.c')
  endif
endforeach
if host_machine.system() == 'windows'
  sources += 'windows.c'
endif
if cc_unknown.has_something('x')
  sources += 'unknown.c'
endif
library('p', sources)
subdir('gone')
subdir_done()
library('q', 'never.c')
";
    assert_eq!(targets(text, Tree::default()), ["p: a.c zero.c one.c -I.jmake/gen/meson"]);
}

#[test]
fn targets_and_what_they_need() {
    let more = Tree::of(&["src/x.c"]).with(
        "src/meson.build",
        "inc = include_directories('.', '../include')\n\
         part = static_library('part', 'part.c', c_args: ['-DPART', '-Ioptional'])\n\
         dep = declare_dependency(include_directories: inc, link_with: part, compile_args: '-DUSES')\n\
         other = dependency('openssl', required: false)\n\
         gen = custom_target('t', input: 'grammar.y', output: '@BASENAME@.c', command: ['x'])\n\
         lib = shared_library('p', 'x.c', gen, dependencies: [dep, other, dependency('threads')], install: true)\n\
         both_libraries('plain', files('x.c'))\n\
         if other.found()\n  shared_library('ssl', 'ssl.c', install: true)\nendif\n\
         executable('tool', 'tool.c', link_with: lib)\n\
         test('t', executable('t', 't.c', link_with: lib))\n",
    );
    let described = described("project('p', 'c')\nsubdir('src')\n", more);
    let shown: Vec<String> = described.targets.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "part: src/part.c -I.jmake/gen/meson/src -Isrc/optional -DPART",
            "p: src/x.c src/grammar.c -I.jmake/gen/meson/src -Isrc -I.jmake/gen/meson/include -Iinclude -DUSES +part",
            "plain: src/x.c -I.jmake/gen/meson/src",
            "tool: src/tool.c -I.jmake/gen/meson/src +p",
            "t: src/t.c -I.jmake/gen/meson/src +p",
        ]
    );
    let names: Vec<&str> = described.libraries(&|_| false).iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["p", "part"]);
}

#[test]
fn options_are_at_their_defaults() {
    let options = "option('yes', type: 'boolean')\noption('no', type: 'boolean', value: false)\n\
                   option('way', type: 'combo', choices: ['first', 'second'])\n\
                   option('auto', type: 'feature')\noption('number', type: 'integer', value: 3)\n\
                   option('off', type: 'feature', value: 'disabled')\noption('given', type: 'boolean', value: false)\n";
    let text = "project('p', 'c', default_options: ['given=true', 'buildtype=debug'])
all = []
foreach name : ['yes', 'no', 'given']
  if get_option(name)
    all += name + '.c'
  endif
endforeach
all += get_option('way') + '.c'
if get_option('auto').allowed() and not get_option('off').enabled()
  all += '@0@.c'.format(get_option('number'))
endif
if dependency('x', required: get_option('auto')).found() or get_option('unheard_of')
  all += 'x.c'
endif
if get_option('yes')
  all += 'before.c'
  if not dependency('xcb', required: false).found()
    error('it is needed')
  endif
  all += 'after.c'
endif
library('p', all)
error('this one is passed over')
library('q', 'q.c')
";
    let described = described(text, Tree::default().with("meson_options.txt", options));
    let sources: Vec<String> =
        described.targets.iter().flat_map(|one| &one.sources).map(ToString::to_string).collect();
    assert_eq!(sources, ["yes.c", "given.c", "first.c", "3.c", "before.c", "q.c"]);
}

#[test]
fn headers_that_are_made() {
    let text = "project('p', 'c', version: files('VERSION'))
cc = meson.get_compiler('c')
conf = configuration_data({'PLAIN': 5})
conf.set('ON', true)
conf.set('OFF', false)
conf.set('EMPTY', '')
conf.set_quoted('VERSION', meson.project_version())
conf.set10('HAVE_A', cc.has_function('strlcpy'))
conf.set('HAVE_B', cc.has_header('b.h'))
if cc.has_header_symbol('time.h', 'CLOCK_MONOTONIC')
  conf.set('HAVE_C', 1)
endif
if cc.has_function('strlcpy') and host_machine.system() != 'windows'
  conf.set('HAVE_D', 1)
endif
configure_file(output: 'config.h', configuration: conf)
configure_file(input: 'v.h.in', output: '@BASENAME@', configuration: {'V': '1'})
configure_file(input: 'plain.h.in', output: 'plain.h', copy: true)
configure_file(input: 'x.pc.in', output: 'x.pc', configuration: conf)
vcs_tag(input: 'vcs.h.in', output: 'vcs.h', fallback: 'none')
";
    let tree = Tree::default().with("VERSION", "4.5\n").with("v.h.in", "@V@ @W@\n#mesondefine M\n");
    let described = described(text, tree);
    let paths: Vec<String> = described.headers.keys().map(ToString::to_string).collect();
    let dir = ".jmake/gen/meson/";
    assert_eq!(paths, ["config.h", "plain.h", "v.h", "vcs.h"].map(|name| format!("{dir}{name}")));
    let form = |name: &str| &described.headers[&FilePath::new(format!("{dir}{name}"))].form;
    let Form::Lines { text, names, is_first: false } = form("config.h") else { panic!() };
    assert!(text.starts_with("#mesondefine EMPTY\n#mesondefine HAVE_A\n"), "{text}");
    let define = |text: &str| Known::Define(text.to_owned());
    let declared = |name: &str| Check::Declared(vec![name.to_owned()]);
    for (name, expect) in [
        ("PLAIN", define("5")),
        ("ON", define("")),
        ("OFF", Known::Value(None)),
        ("EMPTY", define("")),
        ("VERSION", define("\"4.5\"")),
        ("HAVE_A", Known::Number(declared("strlcpy"))),
        ("HAVE_B", Known::Check(Check::Condition("__has_include(<b.h>)".into()))),
        ("HAVE_C", Known::Check(declared("CLOCK_MONOTONIC"))),
    ] {
        assert_eq!(names.get(name), Some(&expect), "{name}");
    }
    let Form::Template(names) = form("v.h") else { panic!() };
    let shown: Vec<String> = names.iter().map(|(name, known)| format!("{name} {known:?}")).collect();
    assert_eq!(shown, ["M Value(None)", "V Define(\"1\")", "W Value(None)"]);
    assert_eq!(form("plain.h"), &Form::Copy);
    let Form::Template(names) = form("vcs.h") else { panic!() };
    assert_eq!(names.get("VCS_TAG"), Some(&define("none")));
}

#[test]
fn what_is_no_description_of_a_whole_gives_nothing() {
    for text in ["", "library('p', 'a.c')\n", "project(", "\u{feff}((((", "project()\n", "endif\nendif\n"] {
        assert_eq!(read(&Tree::default().with("meson.build", text), &FilePath::root()), None, "{text}");
    }
    assert_eq!(read(&Tree::default(), &FilePath::root()), None);
    assert!(Tree::default().read(&"x".into()).is_none());
}

#[test]
fn what_cannot_be_read_is_passed_over() {
    let text = "x = ]\nif ]\n  y = 1\nendif\nlibrary('p', 'a.c')\nz = (1 +\n2\n";
    assert_eq!(targets(text, Tree::default()), ["p: a.c -I.jmake/gen/meson"]);
    let bytes = [&b"project('p', 'c')\nx = '"[..], &[0xff, 0xfe, 0], b"'\nlibrary('p', 'a.c')\n"].concat();
    assert_eq!(described(bytes, Tree::default()).targets.len(), 1);
}

/// On a stack as small as that of any thread.
fn ends(text: String) {
    let read = move || drop(described(format!("project('p', 'c')\n{text}"), Tree::of(&["a.c"])));
    std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap();
}

#[test]
fn whatever_is_written_reading_ends() {
    let deep = |open: &str, close: &str| format!("x = {}1{}\n", open.repeat(200_000), close.repeat(200_000));
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{'a': ", "}"), ("f(", ")"), ("not ", ""), ("-", ""), ("a.b(", ")")]
    {
        ends(deep(open, close));
        ends(deep(open, ""));
    }
    ends(format!("x = 1{}\n", " + 1".repeat(200_000)));
    ends(format!("x = 'a'{}\n", ".strip()".repeat(200_000)));
    ends("if true\n".repeat(50_000));
    ends("foreach x : range(10000)\n".repeat(100));
    ends(format!("x = '{}'\n", "a".repeat(1_000_000)));
    ends("x = 'ab'\n".to_owned() + &"x = x + x\n".repeat(100));
    ends("x = [1]\n".to_owned() + &"x = [x, x]\n".repeat(100) + "y = x == x\nlibrary('q', x)\n");
    ends(
        "x = []\nforeach n : range(10000)\nforeach m : range(100)\nx = [x]\nendforeach\nendforeach\n"
            .to_owned(),
    );
    ends(
        "x = []\nforeach n : range(10000)\nforeach m : range(100)\nx += [n]\nendforeach\nendforeach\n"
            .to_owned(),
    );
    ends(
        "d = declare_dependency(sources: 'a.c', compile_args: '-DX')\n".to_owned()
            + &"d = declare_dependency(dependencies: [d, d])\n".repeat(100)
            + "library('q', dependencies: d)\n",
    );
    ends("subdir('.')\nsubdir('..')\nsubdir('')\n".to_owned());
}

#[test]
fn folders_within_folders_end() {
    let mut tree = Tree::default();
    let mut dir = String::new();
    for _ in 0..200 {
        tree = tree.with(&format!("{dir}meson.build"), format!("{}subdir('d')\n", "if true\n".repeat(15)));
        dir += "d/";
    }
    let text = "project('p', 'c')\nsubdir('d')\n";
    let read = move || drop(described(text, tree));
    std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap();
}
