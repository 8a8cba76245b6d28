use super::*;

fn rendered(template: &str) -> String {
    let value = |value: &str| Known::Value(Some(value.to_owned()));
    let known = Names::from([
        ("NAME".to_owned(), value("thing")),
        ("ON".to_owned(), value("ON")),
        ("OFF".to_owned(), value("OFF")),
        ("UNSET".to_owned(), Known::Value(None)),
        ("LIKE_CMAKE".to_owned(), Known::Check(Check::Declared(vec!["strdup".to_owned()]))),
    ]);
    let made =
        render(template.as_bytes(), &known, &|name| ["strdup", "O_CLOEXEC", "st_mtim"].contains(&name));
    assert_eq!(made.missing, [""; 0], "{template}");
    String::from_utf8(made.text).unwrap()
}

#[test]
fn templates_and_what_they_stand_for() {
    for (name, header, form) in [
        ("config.h.in", "config.h", Form::Template(Names::new())),
        ("config.h.cmake.in", "config.h", Form::Template(Names::new())),
        ("config.h.cmake", "config.h", Form::Template(Names::new())),
        ("zconf.h.cmakein", "zconf.h", Form::Template(Names::new())),
        ("config.hin", "config.h", Form::Template(Names::new())),
        ("version.hpp.in", "version.hpp", Form::Template(Names::new())),
        ("pnglibconf.h.prebuilt", "pnglibconf.h", Form::Copy),
        ("config.h.generic", "config.h", Form::Copy),
    ] {
        assert_eq!(header_of(name.as_bytes()), Some((header.as_bytes(), form)), "{name}");
    }
    for name in
        ["Makefile.in", "config.in", "libpng.pc.in", "a.h", "a.hint", "x.cmake", ".in", "config.h.in.bak"]
    {
        assert_eq!(header_of(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn gaps_of_a_template() {
    assert_eq!(gaps(b"a @X@ @Y_1@\n@X@ <me@here.org> @"), ["X", "Y_1"]);
    assert!(gaps(b"mail @ here\n").is_empty());
}

#[test]
fn comments_can_do_without() {
    let text = "/* Below ${prefix}. */\n * or @prefix@\n#define A 1 // $prefix ${prefix}\n/* @NAME@ */\n";
    assert_eq!(rendered(text), text.replace("@NAME@", "thing"));
    assert_eq!(render(b"/* a */ char *p = \"@prefix@\";\n", &Names::new(), &|_| true).missing, ["prefix"]);
}

#[test]
fn lines_of_autoconf() {
    assert_eq!(
        rendered("/* a */\n#undef HAVE_UNISTD_H\n"),
        "/* a */\n#if __has_include(<unistd.h>)\n#define HAVE_UNISTD_H 1\n#endif\n"
    );
    assert_eq!(
        rendered("#undef HAVE_STRDUP\n#undef HAVE_STRLCPY\n"),
        "#define HAVE_STRDUP 1\n/* #undef HAVE_STRLCPY */\n"
    );
    assert_eq!(rendered("# undef SIZEOF_LONG_LONG"), "#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__\n");
    let asked = |name: &str| check(name) == Check::Declared(vec!["sockaddr_in6".into(), "in6".into()]);
    assert!(asked("HAVE_STRUCT_SOCKADDR_IN6"));
    assert_eq!(rendered("#undef HAVE_STRUCT_STAT_ST_MTIM\n"), "#define HAVE_STRUCT_STAT_ST_MTIM 1\n");
    assert_eq!(rendered("#undef inline\n#undef size_t\n"), "/* #undef inline */\n/* #undef size_t */\n");
    // Not bare: code that means it.
    assert_eq!(rendered("#undef HAVE_STRDUP /* here */\n"), "#undef HAVE_STRDUP /* here */\n");
}

#[test]
fn lines_of_cmake() {
    assert_eq!(rendered("#cmakedefine HAVE_STRDUP\n"), "#define HAVE_STRDUP 1\n");
    assert_eq!(rendered("  #cmakedefine HAVE_STRDUP  ${HAVE_STRDUP}\n"), "  #define HAVE_STRDUP 1\n");
    assert_eq!(
        rendered("#cmakedefine01 HAVE_O_CLOEXEC\n#cmakedefine01 HAVE_SNAPPY\n"),
        "#define HAVE_O_CLOEXEC 1\n#define HAVE_SNAPPY 0\n"
    );
    assert_eq!(
        rendered("#cmakedefine01 HAVE_UNISTD_H"),
        "#if __has_include(<unistd.h>)\n#define HAVE_UNISTD_H 1\n#else\n#define HAVE_UNISTD_H 0\n#endif\n"
    );
    // An `#undef` of CMake's template is one of the header's.
    assert_eq!(
        rendered("#cmakedefine USE_IT\n#undef HAVE_STRDUP\n"),
        "/* #undef USE_IT */\n#undef HAVE_STRDUP\n"
    );
    assert_eq!(rendered("#cmakedefine LIKE_CMAKE\n"), "#define LIKE_CMAKE 1\n");
    assert_eq!(rendered("#cmakedefine NAME \"@NAME@\"\n"), "#define NAME \"thing\"\n");
    assert_eq!(
        rendered("#cmakedefine ON\n#cmakedefine OFF\n#cmakedefine UNSET\n"),
        "#define ON 1\n/* #undef OFF */\n/* #undef UNSET */\n"
    );
    assert_eq!(
        rendered("x @NAME@ ${NAME} a@b $NAME @ @@ ${} ${a b}\n"),
        "x thing thing a@b $NAME @ @@ ${} ${a b}\n"
    );
    assert_eq!(rendered("#if @HAVE_UNISTD_H@\n"), "#if (__has_include(<unistd.h>))\n");
}

#[test]
fn what_only_the_build_knows_is_named() {
    let made = render(b"#define V \"@VERSION_MAJOR@.@VERSION_MINOR@\"\n", &Names::new(), &|_| false);
    assert_eq!(made.missing, ["VERSION_MAJOR", "VERSION_MINOR"]);
}

#[test]
fn what_is_asked_of_the_system() {
    assert_eq!(
        names(b"#undef HAVE_MMAP\n#undef HAVE_UNISTD_H\n@HAVE_FORK@", &Names::new()),
        ["FORK", "F_FORK", "F_MMAP", "MMAP", "fork", "mmap"]
    );
}

#[test]
fn export_headers() {
    assert_eq!(export_word(b"foo_export.h").as_deref(), Some("FOO"));
    assert_eq!(export_word(b"foo/bar_export.hpp").as_deref(), Some("BAR"));
    for name in ["export.h", "x.h", "foo_export", "fo o_export.h", ""] {
        assert_eq!(export_word(name.as_bytes()), None, "{name}");
    }
    assert!(export_header("FOO").contains("#define FOO_EXPORT __attribute__((visibility(\"default\")))"));
}

#[test]
fn names_mean_what_they_mean_to_autoconf() {
    let condition = |text: &str| Check::Condition(text.to_owned());
    for (name, expect) in [
        (
            "HAVE_SYS_TIME_H",
            condition(
                "__has_include(<sys_time.h>) || __has_include(<sys/time.h>) || __has_include(<sys-time.h>)",
            ),
        ),
        ("Z_HAVE_UNISTD_H", condition("__has_include(<unistd.h>)")),
        ("WORDS_BIGENDIAN", condition("__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__")),
        ("HAVE___BUILTIN_EXPECT", condition("__has_builtin(__builtin_expect)")),
        ("HAVE___ATTRIBUTE__", condition("defined(__GNUC__)")),
        ("WEBP_HAVE_SSE2", condition("defined(__SSE2__)")),
        ("SIZEOF_VOID_P", Check::Value("__SIZEOF_POINTER__".into())),
        ("STDC_HEADERS", Check::Yes),
        ("GNULIB_UNISTR_U8_MBTOUC", Check::Yes),
        ("GNULIB_LOCK_SINGLE_THREAD", Check::No),
        ("ICONV_CONST", Check::Value(String::new())),
        ("USE_SSL", Check::No),
        ("WITHOUT_HAVEN", Check::No),
    ] {
        assert_eq!(check(name), expect, "{name}");
    }
}
