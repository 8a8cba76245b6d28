use crate::discover::tests::Project;

#[test]
fn headers_that_are_not_there_and_could_be_made() {
    let project = Project::new(&[
        (
            "src/a.c",
            "#ifdef HAVE_CONFIG_H\n#include \"config.h\"\n#endif\n#include \"kept.h\"\n#include \"a_export.h\"\n#include <own.h>\n#include <unistd.h>\n#include \"sys_types.h\"",
        ),
        ("src/config.h.in", "#undef HAVE_UNISTD_H"),
        ("src/config.h.cmake", "#cmakedefine HAVE_UNISTD_H"),
        ("src/unused.h.in", ""),
        ("src/there.h.in", ""),
        ("src/there.h", ""),
        ("scripts/kept.h.prebuilt", ""),
        ("lib/own.in.h", ""),
        ("lib/unistd.in.h", ""),
        ("lib/sys_types.in.h", ""),
    ]);
    let found = project.discover();
    let made: Vec<String> = found.generated.iter().map(|made| format!("{}: {made}", made.path)).collect();
    assert_eq!(
        made,
        [
            ".jmake/gen/export/a_export.h: defines `A_EXPORT`, for `src/a.c`",
            ".jmake/gen/lib/own.h: a copy of `lib/own.in.h`",
            ".jmake/gen/scripts/kept.h: a copy of `scripts/kept.h.prebuilt`",
            ".jmake/gen/src/config.h: from the template `src/config.h.cmake`",
        ]
    );
    assert_eq!(found.defines, ["HAVE_CONFIG_H=1"]);
    let dirs: Vec<String> = found.include_dirs.iter().map(ToString::to_string).collect();
    assert_eq!(dirs, [".jmake/gen/export", ".jmake/gen/lib", ".jmake/gen/scripts", ".jmake/gen/src"]);
    let templates: Vec<String> = found.templates().map(ToString::to_string).collect();
    assert_eq!(templates, ["lib/own.in.h", "scripts/kept.h.prebuilt", "src/config.h.cmake"]);
}

#[test]
fn macros_about_headers_are_answered_where_nobody_else_does() {
    let asks = "#if defined(HAVE_UNISTD_H) && HAVE_SYS_TIME_H - 0\n#endif\n#ifdef HAVE_OPENSSL_SSL_H\n#endif\n\
                #ifdef HAVE_STDINT_H\n#endif";
    let project =
        Project::new(&[("a.c", "#include \"a.h\""), ("a.h", asks), ("b.c", "#define HAVE_STDINT_H 1")]);
    let found = project.discover();
    let made: Vec<String> = found.generated.iter().map(|made| format!("{}: {made}", made.path)).collect();
    assert_eq!(made, [".jmake/gen/jmake-have.h: answers HAVE_SYS_TIME_H, HAVE_UNISTD_H"]);
    assert!(found.defines.is_empty() && found.include_dirs.is_empty());
}
