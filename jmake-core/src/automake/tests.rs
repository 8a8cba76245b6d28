use crate::described::testing::Tree;
use crate::generate::{Check, Form, Known, Names, render};
use crate::path::FilePath;

use super::configure::Configure;
use super::*;

const INIT: &str = "AC_INIT([Thing One], [1.2])\nAM_INIT_AUTOMAKE\n";

fn project(configure: &str, makefile: &str) -> Tree {
    Tree::default().with("configure.ac", format!("{INIT}{configure}")).with("Makefile.am", makefile)
}

fn targets(tree: &Tree) -> Vec<String> {
    let described = read(tree, &FilePath::root()).unwrap();
    described.targets.iter().map(ToString::to_string).collect()
}

/// What a variable is after `configure`.
fn variable(configure: &str, name: &str) -> String {
    let tree = project(configure, "");
    let read = Configure::read(&tree, &FilePath::root()).unwrap();
    read.variables.get(name).cloned().unwrap_or_else(|| "unset".to_owned())
}

#[test]
fn shell_text_is_followed() {
    for (text, expect) in [
        ("X=1", "1"),
        ("X='a b'", "a b"),
        ("Y=2 X=\"a $Y ${Y}b ${Z-z}\"", "a 2 2b z"),
        ("X=`rm -rf /`", ""),
        ("X='$(OBJS) a.o'", "$(OBJS) a.o"),
        ("MY_X=a; MY_X+=' b'; X=$MY_X", "a b"),
        ("if test x = x; then X=yes; else X=no; fi", "yes"),
        ("if test \"x$Z\" = xy ; then\n X=a\nelif test -z \"$Z\" && test 1 -lt 2; then\n X=b\nfi", "b"),
        ("if test ! x = y -a -n \"z\"; then X=yes; fi", "yes"),
        ("if grep x y >/dev/null 2>&1; then X=yes; else X=no; fi", "no"),
        ("case $host in *-linux*|*-darwin*) X=here ;; *) X=there ;; esac", "here"),
        ("case abc in a[[bc]]*) X=1;; esac", "1"),
        ("for x in a b; do X=never; done\nX=after", "after"),
        ("for x in a b c; do X=$x; AS_IF([test $x = b], [break]); done; X=${X}x", "bx"),
        ("break; X=1", "1"),
        ("X=1\nif test -z \"$gone\"; then X=2; case x in x) eval sh again ;; esac ; exit $?; fi", "1"),
        ("cat >x <<_EOF\nX=within\nfi\n_EOF\nX=${X}behind", "behind"),
        ("dnl X=comment\n# X=other ( [\nX=1", "1"),
        ("X=a; test x = y || X=b; test x = y && X=c", "b"),
        ("[[ a = a ]] && X=1", "1"),
        ("if expr xlinux-gnu : xlinux >/dev/null; then X=yes; fi", "yes"),
        ("expr xlinux : 'xl.*ux-' || X=no; expr a : '[[a-z]]' && X=never", "no"),
        ("m4_define([VER], [3.4])\nX=VER", "3.4"),
        ("m4_define([A],1)m4_define([B],[2])AC_SUBST([X],A.B[]m4_ifdef([C],.C)m4_ifdef([B],.B,no))", "1.2.2"),
        ("m4_define([A],1)\nAC_SUBST([X],m4_if(A,[1],[one],[other])[]m4_defn([A]))", "one1"),
        ("AC_DEFUN([MY_CHECK_ONE], [X=1])\nMY_CHECK_ONE\n", "1"),
        ("AC_DEFUN([MINE], [X=$1-$2])\nMINE([a], b)", "a-b"),
        ("AS_IF([test x = y], [X=1], [test x = x], [X=2], [X=3])", "2"),
        ("AS_CASE([$host_os], [cygwin*], [X=1], [X=2])", "2"),
        ("AS_CASE([[$host_os]], [[linux-gnu]], [[X=1]], [[X=2]])", "1"),
        ("AS_IF([[test x = x]], [[X=1]], [[X=2]])", "1"),
        ("AC_ARG_ENABLE([[fast]], [help], [], [[X=default]])", "default"),
        ("AC_ARG_ENABLE([fast], [help, with (all)], [X=given], [X=default])", "default"),
        ("AC_CHECK_HEADER([stdio.h], [X=there])", "there"),
        ("AC_CHECK_FUNC([ExitProcess], [X=there], [X=not])", "not"),
        ("AC_CHECK_LIB([m], [sin], [X=m])\nAC_CHECK_LIB([ssl], [x], [X=ssl])", "m"),
        ("PKG_CHECK_MODULES([Z], [zlib], [X=there], [X=not])", "not"),
        // Without these there would be no build.
        ("PKG_CHECK_MODULES([Z], [zlib], [X=there])", "there"),
        ("AC_CHECK_LIB([ssl], [x], [X=there], [AC_MSG_ERROR([no ssl])])", "there"),
        ("AC_CHECK_HEADER([ssl.h], [X=there], [\n  AC_MSG_FAILURE(no)])", "there"),
        ("V=yes\nAS_VAR_IF([V], [\"yes\"], [X=1], [X=2])", "1"),
        ("AS_VAR_IF([[V]], [[yes]], [X=1], [X=2])", "2"),
        ("X=`echo a.S b.c | sed 's/[[cS]]$/lo/'`", "a.S b.lo"),
        ("changequote(<,>)\nX=`echo a.S | sed 's/[cS]$/lo/'`\nchangequote([,])", "a.lo"),
        ("X=a`echo b | tr [a-z] [A-Z]`c", "aBc"),
        ("AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[int x;]])], [X=1], [X=2])", "1"),
        ("AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <windows.h>]])], [X=1], [X=2])", "2"),
        ("AC_RUN_IFELSE([AC_LANG_PROGRAM], [X=1], [X=2], [X=cross])", "cross"),
        ("AC_CACHE_CHECK([for], [X], [X=cached])", "cached"),
        ("AC_CHECK_TYPE(socklen_t, [], [])\ntest x$ac_cv_type_socklen_t = xyes && X=1", "1"),
        ("AC_EGREP_HEADER([fpos_t], [stdio.h], [X=1], [X=2])", "1"),
        ("AC_EGREP_HEADER([a.*b], [stdio.h], [X=1], [X=2])", "2"),
        ("AC_SUBST([X], [value])", "value"),
        ("AC_CHECK_SIZEOF([int16_t])\nX=$ac_cv_sizeof_int16_t", "2"),
    ] {
        assert_eq!(variable(text, "X"), expect, "{text}");
    }
    assert_eq!(variable("", "PACKAGE_TARNAME"), "thing-one");
    let tree =
        project(". $srcdir/configure.host", "").with("configure.host", "case $host in *) X=sourced;; esac\n");
    assert_eq!(Configure::read(&tree, &FilePath::root()).unwrap().variables["X"], "sourced");
    let tree = project("", "").with("version", "V=\"5.6\"\n");
    let plain = "AC_INIT([x], m4_normalize(m4_include([version])))";
    let tree = tree.with("configure.ac", plain);
    let read = Configure::read(&tree, &FilePath::root()).unwrap();
    assert_eq!(read.variables["PACKAGE_VERSION"], "V= 5.6");
    let tree = tree.with("configure.ac", "AC_INIT([x], m4_translit([1.2], [.], [_]))");
    let read = Configure::read(&tree, &FilePath::root()).unwrap();
    assert_eq!(read.defines["PACKAGE_VERSION"], Known::Value(None), "nobody knows");
    let text = "AC_INIT([x], m4_esyscmd([./print-version version]))";
    let tree = tree.with("configure.ac", text);
    let read = Configure::read(&tree, &FilePath::root()).unwrap();
    assert_eq!(read.variables["PACKAGE_VERSION"], "5.6");
}

#[test]
fn programs_are_put_to_the_compiler() {
    let own = "AC_DEFUN([MY_TYPE], [AC_TRY_COMPILE([$2], [$1 x;], [X=1], [X=2])])\n";
    for (refused, text, expect) in [
        ("real_t x;", "MY_TYPE([real_t], [#include <sys/types.h>])", "2"),
        ("real_t x;", "MY_TYPE([int], [#include <sys/types.h>])", "1"),
        ("int main (void)\n{\nint a[1];\n", "AC_TRY_LINK([], [int a[1];], [X=1], [X=2])", "2"),
        ("f[2];\nint main", "AC_LINK_IFELSE([AC_LANG_PROGRAM([[int f[2];]])], [X=1], [X=2])", "2"),
        (
            "static  fast  int x;",
            "W=fast\nAC_COMPILE_IFELSE([AC_LANG_SOURCE([static ] $W [ int x;])], [X=1], [X=2])",
            "2",
        ),
        ("define _GNU_SOURCE", "AC_GNU_SOURCE\nAC_TRY_COMPILE([], [int a;], [X=1], [X=2])", "2"),
        ("define DEEP 3", "AC_DEFINE([DEEP], [3])\nAC_TRY_COMPILE([], [int a = DEEP;], [X=1], [X=2])", "2"),
        ("define DEEP", "AC_DEFINE([DEEP], [3])\nAC_TRY_COMPILE([], [int a;], [X=1], [X=2])", "1"),
        // What is not known to be the text of the program is not tried.
        ("x", "AC_TRY_COMPILE([AC_INCLUDES_DEFAULT], [int x;], [X=1], [X=2])", "1"),
        ("x", "AC_TRY_COMPILE([$unheard_of], [int x;], [X=1], [X=2])", "1"),
        // Other libraries do not count, whether they are there or not.
        ("y", "AC_TRY_COMPILE([#include <other.h>], [int x;], [X=1], [X=2])", "2"),
    ] {
        let tree = project(&format!("{own}{text}"), "").refusing(refused);
        let read = Configure::read(&tree, &FilePath::root()).unwrap();
        assert_eq!(read.variables["X"], expect, "{text}");
    }
}

#[test]
fn libraries_and_their_parts() {
    let tree = project(
        "AM_CONDITIONAL([ON], [test x = x])\nAM_CONDITIONAL([OFF], [false])\nEXTRA=\"-DFROM_CONFIGURE\"\nAC_SUBST([EXTRA])",
        "SUBDIRS = src . gone\ninclude $(top_srcdir)/more.am\n",
    )
    .with(
        "src/Makefile.am",
        "AM_CPPFLAGS = -I$(top_srcdir)/include -I. @EXTRA@ -DPATH=\\\"$(prefix)\\\"
lib_LTLIBRARIES = libone.la
libone_la_SOURCES = one.c one.h \\
   sub/two.c parse.y
libone_la_LIBADD = ../util/libutil.la -lm $(top_builddir)/src/libinner.la
noinst_LTLIBRARIES = libinner.la
libinner_la_CPPFLAGS = -DINNER
if ON
libone_la_SOURCES += on.c
else
libone_la_SOURCES += not_on.c
endif
if !OFF
if UNHEARD_OF
libone_la_SOURCES += unheard.c
endif
libone_la_SOURCES += not_off.c
endif OFF
nodist_libone_la_SOURCES = made.c
EXTRA_libone_la_SOURCES = extra.c
libone_la_CFLAGS = $(AM_CFLAGS) -DONE
check_PROGRAMS = t
t_LDADD = libone.la
all-local:
\tlib_LTLIBRARIES = never.la
",
    )
    .with("more.am", "include more/more.am\n")
    .with("more/more.am", "noinst_LIBRARIES = %reldir%/lib%C%_x.a\n%canon_reldir%_lib%C%_x_a_SOURCES = %D%/x.c\n");
    let common = "-I.jmake/gen/src -I.jmake/gen/include -Iinclude -Isrc";
    assert_eq!(
        targets(&tree),
        [
            "more/libmore_x.a: more/x.c -I.jmake/gen",
            "src/libinner.la: src/libinner.c -I.jmake/gen/src -DINNER",
            &format!(
                "src/libone.la: src/one.c src/one.h src/sub/two.c src/parse.c src/on.c src/not_off.c src/made.c \
                 {common} -DFROM_CONFIGURE -DPATH=\"NONE\" -DONE +util/libutil.la +src/libinner.la"
            ),
            &format!("src/t: src/t.c {common} -DFROM_CONFIGURE -DPATH=\"NONE\" +src/libone.la"),
        ]
    );
    let described = read(&tree, &FilePath::root()).unwrap();
    let names: Vec<&str> = described.libraries(&|_| false).iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["src/libone.la", "src/libinner.la"]);
}

#[test]
fn headers_that_configure_makes() {
    let configure = "AC_CONFIG_HEADERS([config.h sub/other.h:sub/o.in])
AC_CHECK_HEADERS([unistd.h])
AC_CHECK_FUNCS([strdup strlcpy])
AC_DEFINE([LEVEL], [3], [how deep])
AC_DEFINE([CHECKED(a, b)], [__attribute__((format(printf, a, b)))], [see there])
AC_DEFINE_UNQUOTED([TEXT], [\"$host_cpu\"], [where])
AC_DEFINE_UNQUOTED([NOTHING], [$not_known])
if test x = y; then AC_DEFINE([HAVE_NEVER_H]) fi
AH_BOTTOM([#include <stddef.h>])
MAJOR=4
AC_SUBST([MAJOR])
AC_SUBST([FOUND])
AC_CONFIG_FILES([Makefile inc/version.h gone.h])
";
    let tree = project(configure, "")
        .with("sub/o.in", "#undef LEVEL\n#undef HAVE_NEVER_H\n#undef CHECKED\n")
        .with("inc/version.h.in", "@MAJOR@ @form@ @FOUND@");
    let described = read(&tree, &FilePath::root()).unwrap();
    let paths: Vec<String> = described.headers.keys().map(ToString::to_string).collect();
    assert_eq!(paths, [".jmake/gen/config.h", ".jmake/gen/inc/version.h", ".jmake/gen/sub/other.h"]);
    let form = |name: &str| &described.headers[&FilePath::new(format!(".jmake/gen/{name}"))].form;
    let Form::Lines { text, names, .. } = form("config.h") else { panic!() };
    assert!(text.ends_with("#mesondefine VERSION\n#include <stddef.h>\n"), "{text}");
    let define = |text: &str| Some(Known::Define(text.to_owned()));
    assert_eq!(names.get("LEVEL").cloned(), define("3"));
    let checked = "#define CHECKED(a, b) __attribute__((format(printf, a, b)))\n";
    let rendered = |text: &str, names: &Names| {
        String::from_utf8(render(text.as_bytes(), names, &|_| false).text).unwrap()
    };
    assert!(text.contains("#mesondefine CHECKED\n") && rendered(text, names).contains(checked));
    assert_eq!(names.get("TEXT").cloned(), define(&format!("\"{}\"", std::env::consts::ARCH)));
    assert_eq!(names.get("PACKAGE_STRING").cloned(), define("\"Thing One 1.2\""));
    assert_eq!(names.get("HAVE_STRLCPY"), Some(&Known::Check(Check::Declared(vec!["strlcpy".into()]))));
    assert_eq!((names.get("NOTHING"), names.get("HAVE_NEVER_H")), (None, None));
    let Form::Template(names) = form("sub/other.h") else { panic!() };
    assert_eq!(names.get("LEVEL").cloned(), define("3"));
    assert_eq!(names.get("HAVE_NEVER_H"), Some(&Known::Value(None)));
    assert_eq!(rendered("#undef CHECKED\n", names), checked);
    let Form::Template(names) = form("inc/version.h") else { panic!() };
    assert_eq!(names.get("MAJOR").cloned(), define("4"));
    assert_eq!(names.get("form").cloned(), define("@form@"));
    assert_eq!(names.get("FOUND"), None, "only the system knows");
}

#[test]
fn headers_before_the_systems_go_on_to_those() {
    let text =
        "@PRAGMA_COLUMNS@\n# @INCLUDE_NEXT@ @NEXT_LIMITS_H@\n#ifndef WORD_BIT\n#define WORD_BIT 32\n#endif\n";
    let tree = project("AC_CONFIG_HEADERS([config.h])", "")
        .with("gl/limits.in.h", text)
        .with("gl/math.in.h", "#@INCLUDE_NEXT@ @NEXT_MATH_H@\n#if @GNULIB_SIN@\n#endif\n")
        .with("gl/own.in.h", "#@INCLUDE_NEXT@ @NEXT_OWN_H@\n");
    let described = read(&tree, &FilePath::root()).unwrap();
    let paths: Vec<String> = described.headers.keys().map(ToString::to_string).collect();
    assert_eq!(paths, [".jmake/gen/config.h", ".jmake/gen/gl/limits.h"], "what asks for more is not known");
    let Form::Text(made) = &described.headers[&FilePath::new(&paths[1])].form else { panic!() };
    assert_eq!(
        *made,
        text.replace("@PRAGMA_COLUMNS@", "")
            .replace("@INCLUDE_NEXT@ @NEXT_LIMITS_H@", "include_next <limits.h>")
    );
}

#[test]
fn without_a_header_all_is_told_to_the_compiler() {
    let described = read(&project("AC_DEFINE([A])", ""), &FilePath::root()).unwrap();
    let (path, header) = described.headers.iter().next().unwrap();
    assert_eq!(path.to_string(), ".jmake/gen/jmake-defines.h");
    assert!(header.is_first());
    let there = project("AC_CONFIG_HEADERS([config.h])", "").with("config.h", "");
    assert!(read(&there, &FilePath::root()).unwrap().headers.is_empty());
}

#[test]
fn what_is_no_description_of_a_whole_gives_nothing() {
    let root = FilePath::root();
    assert_eq!(read(&Tree::default().with("Makefile.am", "lib_LTLIBRARIES = libx.la"), &root), None);
    assert_eq!(read(&Tree::default().with("configure.ac", INIT), &root), None);
    let none = Tree::default().with("Makefile.am", "").with("configure.ac", "AC_INIT\n");
    assert_eq!(read(&none, &root), None);
}

#[test]
fn whatever_is_written_reading_ends() {
    let ends = |configure: String, makefile: String| {
        let tree = project(&configure, &makefile);
        let read = move || drop(read(&tree, &FilePath::root()));
        std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap();
    };
    let none = String::new;
    for text in [
        "if ",
        "case x in ",
        "for x in ",
        "AC_X(",
        "[",
        "`",
        "$(",
        "${",
        "\"",
        "if x; then ",
        "m4_define([",
        "; ; ",
        "&& ",
        ")",
        ";;",
    ] {
        ends(text.repeat(100_000), none());
    }
    ends(format!("AS_IF({}", "[AS_IF([true], ".repeat(20_000)), none());
    ends("AC_DEFUN([A], [A A() A([x])])\nA\nA()\n".to_owned(), none());
    ends(
        "AC_DEFUN([A], [B($1$1) B($1$1)])\nAC_DEFUN([B], [A($1$1) A($1$1)])\nA([xxxx])\n".to_owned(),
        none(),
    );
    ends("m4_define([A], [A A])\nX=A\nAC_DEFINE([Y], [A])\n".to_owned(), none());
    ends("X=$X$X\n".repeat(10_000), none());
    ends("X=aaaaaaaa\n".to_owned() + &"X=$X$X\n".repeat(100), none());
    ends("m4_include([configure.ac])\n".to_owned(), none());
    ends(format!("case x in {} esac\n", "*a*b*) ;; ".repeat(50_000)), none());
    ends(none(), "SUBDIRS = . .. ./.\ninclude Makefile.am\n".to_owned());
    ends(none(), "if X\n".repeat(100_000));
    ends(none(), format!("lib_LTLIBRARIES = {}\n", "libx.la liby.la ".repeat(50_000)));
    ends(none(), format!("X = {}\n", "%@\\".repeat(300_000)));
    let tree = Tree::default().with("Makefile.am", b"X = \xff\nlib_LTLIBRARIES = l\xfe.la\n");
    drop(read(&tree.with("configure.ac", [INIT.as_bytes(), b"X=\xff\xfe"].concat()), &FilePath::root()));
}

#[test]
fn objects_are_named_where_configure_chooses_them() {
    let tree = project(
        "for i in one.c two.S; do O=\"$O src/\"`echo $i | sed 's/[[cS]]$/lo/'`; done\nAC_SUBST([O])",
        "lib_LTLIBRARIES = libx.la\nlibx_la_SOURCES = a.c\nEXTRA_libx_la_SOURCES = src/one.c src/other.c\n\
         O = @O@\nlibx_la_LIBADD = $(O) gone.lo -lm\n",
    );
    let tree = ["a.c", "src/one.c", "src/two.S", "src/other.c"]
        .into_iter()
        .fold(tree, |tree, path| tree.with(path, ""));
    assert_eq!(targets(&tree), ["libx.la: a.c src/one.c src/two.S -I.jmake/gen"]);
}

#[test]
fn conditions_of_a_recipe_are_the_shells() {
    let tree = project(
        "",
        "all-local:\n\tif test -f x; then \\\n\t  echo; fi\n\tif test y\nlib_LTLIBRARIES = libx.la\nlibx_la_SOURCES = a.c\n",
    );
    assert_eq!(targets(&tree.with("a.c", "")), ["libx.la: a.c -I.jmake/gen"]);
}

#[test]
fn headers_that_every_source_begins_with_and_headers_of_integers() {
    let tree = project(
        "AC_CONFIG_HEADERS([config.h])\nAX_NEED_STDINT_H([inc/_stdint.h])",
        "AM_CPPFLAGS = -include $(top_builddir)/config.h\nlib_LTLIBRARIES = libx.la\nlibx_la_SOURCES = a.c\n",
    );
    let described = read(&tree, &FilePath::root()).unwrap();
    assert_eq!(described.targets[0].first, [FilePath::new("config.h")]);
    let made = &described.headers[&FilePath::new(".jmake/gen/inc/_stdint.h")];
    assert!(matches!(&made.form, Form::Text(text) if text.contains("#include <stdint.h>")));
}

#[test]
fn headers_that_are_linked_to_others() {
    let tree = project(
        "case $host_cpu in *) dir=cpu;; esac\nAC_CONFIG_LINKS([inc/arch.h:src/$dir/arch.h inc/gone.h:gone.h])\n\
         AC_CONFIG_COMMANDS([include/one], [rm -rf include/one\n$as_ln_s \"$ac_abs_top_srcdir/include\" include/one\nX=1])",
        "",
    );
    let files = ["src/cpu/arch.h", "include/a.h", "include/sub/b.h", "include/notes.txt"];
    let tree = files.into_iter().fold(tree, |tree, path| tree.with(path, ""));
    let described = read(&tree, &FilePath::root()).unwrap();
    let made: Vec<_> = described.headers.values().map(|made| format!("{} {made}", made.path)).collect();
    assert_eq!(
        made[..2],
        [
            ".jmake/gen/inc/arch.h a copy of `src/cpu/arch.h`",
            ".jmake/gen/include/one/a.h a copy of `include/a.h`"
        ]
    );
    assert!(!Configure::read(&tree, &FilePath::root()).unwrap().variables.contains_key("X"));
}

#[test]
fn an_attribute_that_is_complained_of_is_not_there() {
    /// A compiler that knows no attribute, or is not there.
    struct Compiler(Tree, Option<bool>);
    impl Files for Compiler {
        fn read(&self, path: &FilePath) -> Option<std::sync::Arc<[u8]>> {
            self.0.read(path)
        }
        fn is_file(&self, path: &FilePath) -> bool {
            self.0.is_file(path)
        }
        fn is_dir(&self, path: &FilePath) -> bool {
            self.0.is_dir(path)
        }
        fn below(&self, dir: &FilePath) -> Vec<FilePath> {
            self.0.below(dir)
        }
        fn compiles(&self, program: &str, _: bool) -> Option<bool> {
            self.1.map(|_| !program.contains("__has_attribute(odd)"))
        }
    }
    let asks = "AC_COMPILE_IFELSE([AC_LANG_SOURCE([[__attribute__((odd)) int x;]])], [X=1], [X=2])";
    let answer = |before: &str, compiler| {
        let files = Compiler(project(&format!("{before}\n{asks}"), ""), compiler);
        Configure::read(&files, &FilePath::root()).unwrap().variables["X"].clone()
    };
    assert_eq!(answer("AC_LANG_WERROR", Some(true)), "2");
    assert_eq!(answer("CFLAGS=\"$CFLAGS -Werror\"", Some(true)), "2");
    assert_eq!(answer("", Some(true)), "1", "a warning is none");
    assert_eq!(answer("AC_LANG_WERROR", None), "1", "nobody knows");
}

#[test]
fn templates_without_a_named_package() {
    let tree = Tree::default()
        .with("configure.ac", "AC_INIT\nX='$(A) b.o'\nAC_SUBST(X)\nF='x.h y.h'\nm4_define([top], [inc/])\nAC_CONFIG_FILES([$F])\nAC_CONFIG_FILES(top[z.h])\n")
        .with("inc/z.h.in", "")
        .with("x.h.in", "#define X \"@X@\"\n");
    let configured = Configured::read(&tree, &FilePath::root()).unwrap();
    assert_eq!(configured.values["X"], "$(A) b.o");
    for made in ["x.h", "inc/z.h"] {
        assert!(configured.headers.contains_key(&FilePath::new(".jmake/gen").join(made)), "{made}");
    }
    let part = Tree::default().with("configure.ac", "X=1\n");
    assert!(Configured::read(&part, &FilePath::root()).is_none(), "a part of a larger one");
}
