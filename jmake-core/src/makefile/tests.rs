use crate::described::testing::Tree;
use crate::path::FilePath;

use super::expand::Variables;
use super::*;

fn libraries(text: impl AsRef<[u8]>, files: &[&str]) -> Vec<String> {
    let tree = Tree::of(files).with("Makefile", text);
    let (_, described) = read(&tree, &"Makefile".into(), &BTreeMap::new()).unwrap();
    described.targets.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_put_in() {
    let files =
        |pattern: &str| if pattern == "*.c" { vec!["a.c".to_owned(), "b.c".to_owned()] } else { Vec::new() };
    let mut variables = Variables::new(&files);
    variables.set("LIST", "=", "x.c $(MORE) z.c");
    variables.set("MORE", "=", "y.c");
    variables.set("NOW", ":=", "$(LATER)");
    variables.set("LATER", "=", "late");
    variables.set("LIST", "?=", "never");
    variables.set("ADDED", "+=", "one");
    variables.set("ADDED", "+=", "two");
    for (text, expect) in [
        ("$(LIST)", "x.c y.c z.c"),
        ("${LIST:.c=.o}", "x.o y.o z.o"),
        ("$(LIST:%.c=obj/%.o)", "obj/x.o obj/y.o obj/z.o"),
        ("<$(NOW)$(ADDED)>", "<one two>"),
        ("$(patsubst %.c,%.lo,$(LIST))", "x.lo y.lo z.lo"),
        ("$(subst a,b,banana)", "bbnbnb"),
        ("$(addprefix src/,$(filter-out y%,$(LIST)))", "src/x.c src/z.c"),
        ("$(filter y.c,$(LIST))", "y.c"),
        ("$(notdir a/b.c) $(dir a/b.c) $(basename a/b.c) $(suffix a/b.c)", "b.c a/ a/b .c"),
        ("$(sort b a b)", "a b"),
        ("$(firstword $(LIST))-$(word 2,$(LIST))-$(words $(LIST))", "x.c-y.c-3"),
        ("$(wildcard *.c *.h)", "a.c b.c"),
        ("$(if $(NONE),yes,no)$(if $(MORE),yes)", "noyes"),
        ("$(foreach n,1 2,a$(n))", "a1 a2"),
        ("$(or $(NONE),x)$(and a,b)", "xb"),
        ("$$(A) $(unknown thing) $@", "$(A)  $@"),
        ("$(shell rm -rf /)", ""),
        ("$(L$(if x,ATER))", "late"),
    ] {
        assert_eq!(variables.expand(text), expect, "{text}");
    }
    for text in [
        "$(shell pwd)",
        "$(shell if [ \"$$PWD\" != \"\" ]; then echo $$PWD; else pwd; fi)",
        "$(CURDIR)",
        "$(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))",
    ] {
        assert_eq!(variables.expand(text), ".", "the folder of the Makefile: {text}");
    }
    assert_eq!(variables.expand("$(shell )$(shell pwd | sed s/a/b/)$(shell cd ..; pwd)"), "");
    let system = if cfg!(target_os = "macos") { "Darwin" } else { "Linux" };
    assert_eq!(variables.expand("$(shell uname -s)"), system);
}

#[test]
fn objects_of_a_library() {
    let text = "\
# A comment = nothing
OBJS = a.o \\
  sub/b.o
lib: libx.a
libx.a: $(OBJS) # and more
\t$(AR) rcs $@ $(OBJS)
tool: main.o libx.a
\tcc -o $@ main.o
CFLAGS += -DX=1 -Iinc
";
    assert_eq!(libraries(text, &["a.c", "sub/b.cpp", "main.c"]), ["libx.a: a.c sub/b.cpp -Iinc -DX=1"]);
}

#[test]
fn objects_that_are_called_otherwise() {
    let text = "\
SRCS := $(wildcard src/*.c)
OBJS := $(SRCS:src/%.c=build/%.o) build/special.o lost.o
libx.so.$(V): $(OBJS)
\t$(CC) -shared -o $@ $^
V = 1.2
build/%.o: src/%.c
\t$(CC) $(OPTS) -c -o $@ $<
build/special.o: other/strange.c src/a.h
OPTS = -DOPT
VPATH = lib:vp
libz.a: z.pic.o w.o
";
    let files = ["src/a.c", "src/b.c", "other/strange.c", "lib/z.c", "deep/w.c"];
    assert_eq!(
        libraries(text, &files),
        ["libx.so.: other/strange.c src/a.c src/b.c -DOPT", "libz.a: deep/w.c lib/z.c -DOPT"]
    );
}

#[test]
fn conditions() {
    let text = "\
ifeq ($(OS),Windows_NT)
O = windows.o
else ifeq ($(shell uname), Nothing)
O = nothing.o
else
ifdef NOT_SET
O = set.o
else
O = unix.o
endif
endif
ifneq \"$(DEBUG)\" \"\"
O += debug.o
endif
ifndef NOT_SET
O += more.o
endif
define recipe
O = never.o
endef
libx.a: $(O)
libx.a: CFLAGS += -DONLY_HERE
";
    assert_eq!(
        libraries(text, &["windows.c", "unix.c", "debug.c", "more.c", "never.c"]),
        ["libx.a: more.c unix.c -DONLY_HERE"]
    );
}

#[test]
fn makefiles_below_and_included() {
    let tree = Tree::of(&["src/a.c", "src/b.c"])
        .with("Makefile", "all:\n\tcd src && $(MAKE) $@\n\t$(MAKE) -C ../outside\n")
        .with("src/Makefile", "include objects.mk gone.mk\n-include $(wildcard *.d)\nlibx.a: $(O)\n")
        .with("src/objects.mk", "O = a.o b.o\ninclude objects.mk\n");
    let (says, described) = read(&tree, &"Makefile".into(), &BTreeMap::new()).unwrap();
    assert_eq!(says.to_string(), "src/Makefile");
    assert_eq!(described.targets[0].to_string(), "libx.a: src/a.c src/b.c");
    assert_eq!(described.unread, ["objects.mk gone.mk"], "what need not be there is none of it");
}

#[test]
fn programs_alone_are_no_library() {
    let text = "prog: main.o a.o\n\t$(CC) -o $@ $^\nclean:\n\trm -f *.o libx.a\n";
    assert_eq!(libraries(text, &["main.c", "a.c"]), [""; 0]);
}

#[test]
fn whatever_is_written_reading_ends() {
    let ends = |text: String| drop(libraries(text, &["a.c"]));
    ends("A = $(A)$(A)\nlibx.a: $(A)\n".to_owned());
    ends("A = $(B)$(B)\nB = $(C)$(C)\nC = $(A)$(A)\nlibx.a: $(A)\n".to_owned());
    let doubling: String = (0..100).map(|n| format!("V{n} = $(V{})$(V{})\n", n + 1, n + 1)).collect();
    ends(doubling + "V100 = xxxxxxxx\nlibx.a: $(V0)\n");
    ends(format!("A = {}\nlibx.a: $(A)\n", "$(".repeat(500_000)));
    ends(format!("A = {}x{}\nlibx.a: $(A)\n", "$(strip ".repeat(100_000), ")".repeat(100_000)));
    ends(format!("libx.a: {}\n", "a.o ".repeat(250_000)));
    ends("ifdef X\n".repeat(100_000));
    ends("else\nendif\nendif\nendef\n".repeat(1000));
    ends("A += $(A) x\n".repeat(100_000) + "libx.a: $(A)\n");
    ends(
        "A = $(foreach x,$(L),$(foreach x,$(L),$(foreach x,$(L),$(x))))\nL = ".to_owned()
            + &"a ".repeat(10_000)
            + "\nlibx.a: $(A)\n",
    );
    ends("include Makefile\n".to_owned());
    ends("a.o: b.o\nb.o: a.o\nlibx.a: liby.a\nliby.a: libx.a a.o\n".to_owned());
    ends(
        "%.o: %.c\n".repeat(50_000) + &(0..2_000).map(|n| format!("lib{n}.a: o{n}.o\n")).collect::<String>(),
    );
    assert_eq!(libraries(b"libx.a: a.o \xff\xfe.o\n\t\xff\n", &["a.c"]), ["libx.a: a.c"]);
    assert!(read(&Tree::default(), &FilePath::new("Makefile"), &BTreeMap::new()).is_none());
}

#[test]
fn templates_are_filled_as_configure_would() {
    let tree = Tree::of(&["a.c", "b.c", "more.c"])
        .with(
            "Makefile.in",
            "include config.make\nSOURCES = a.c b.c\nlibx.a: $(SOURCES:.c=.$(OBJEXT)) @MORE@\n@OFF@ liby.a: y.o\n",
        )
        .with("config.make.in", "OBJEXT = @OBJEXT@\n");
    let values = |all: &[(&str, &str)]| {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let said = |values: &BTreeMap<String, String>| {
        let (_, described) = read(&tree, &"Makefile.in".into(), values).unwrap();
        described.targets.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        said(&values(&[("OBJEXT", "o"), ("MORE", "more.o"), ("OFF", "#")])),
        ["libx.a: a.c b.c more.c"]
    );
}

#[test]
fn what_install_leads_to_is_for_others() {
    let public = |text: &str| {
        let tree = Tree::of(&["a.c", "nss.c"]).with("Makefile", text);
        let (_, described) = read(&tree, &"Makefile".into(), &BTreeMap::new()).unwrap();
        let all = described.targets.iter().filter(|target| target.is_public);
        all.map(|target| target.name.clone()).collect::<Vec<_>>()
    };
    let made = "libx.a: a.o\nlibnss.so: nss.o\n\tcc -shared -o $@ nss.o\n";
    let nss = "install-nss: libnss.so\n\tcp libnss.so /lib\n";
    let asked = |first: &str| public(&format!("{made}{nss}{first}install-all:\n\tcp libx.a /lib\n"));
    assert_eq!(asked("install: install-all\n"), ["libx.a"], "`install-nss` one has to ask for");
    assert_eq!(asked("install:\n\t$(MAKE) install-all\n"), ["libx.a"]);
    assert_eq!(asked(""), ["libx.a", "libnss.so"]);
}

#[test]
fn a_command_may_be_kept_in_a_variable() {
    let text = "libx.a: a.o\nlibx.so: a.o\n\t@CMD='$(CC) -shared -Wl,--version-script,x.map -o $@ a.o'; \\\n\techo $$CMD; eval $$CMD\n";
    let tree = Tree::of(&["a.c", "x.map"]).with("Makefile", text);
    let (_, described) = read(&tree, &"Makefile".into(), &BTreeMap::new()).unwrap();
    assert_eq!(described.targets.len(), 1, "two forms of one library");
    assert_eq!(described.targets[0].export, Some(crate::described::Export::Script("x.map".into())));
}

#[test]
fn a_library_that_is_hardly_understood_is_none() {
    let files = ["a.c", "b.c", "c.c"];
    assert_eq!(libraries("libx.a: a.o b.@EXT@ c.@EXT@\n", &files), [""; 0]);
    assert_eq!(libraries("libx.a: a.o b.o c.@EXT@\n", &files), ["libx.a: a.c b.c"]);
}
