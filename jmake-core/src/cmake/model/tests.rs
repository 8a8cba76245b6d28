//! Tests of targets, generator expressions and of what is passed on along links.

use crate::cmake::tests::{described, target};
use crate::cmake::{Kind, Target};

fn dirs(target: &Target) -> String {
    target.cxx.include_dirs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn defines(target: &Target) -> String {
    let shown = target.cxx.defines.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn expressions() {
    for (expression, expect) in [
        ("$<1:a,b>", "a,b"),
        ("$<0:a>x", "x"),
        ("$<$<CONFIG:Release>:r>$<$<CONFIG:Debug>:d>", "r"),
        ("$<CONFIG>", "Release"),
        ("$<IF:$<BOOL:off>,y,n>", "n"),
        ("$<AND:1,$<NOT:0>,$<OR:0,1>>", "1"),
        ("$<STREQUAL:a,a>$<EQUAL:1,01>$<IN_LIST:b,a;b>", "111"),
        ("$<VERSION_LESS:1.9,1.10>$<VERSION_GREATER_EQUAL:2,2.0>", "11"),
        ("$<PLATFORM_ID>$<PLATFORM_ID:Linux,Darwin>", "Linux1"),
        ("$<CXX_COMPILER_ID:GNU,Clang>$<C_COMPILER_ID>", "1Clang"),
        ("$<BUILD_INTERFACE:b>$<INSTALL_INTERFACE:i>", "b"),
        ("$<UPPER_CASE:a>$<LOWER_CASE:B>$<MAKE_C_IDENTIFIER:a-b>", "Aba_b"),
        ("$<JOIN:a;b,+>$<COMMA>$<ANGLE-R>", "a+b,>"),
        ("$<TARGET_EXISTS:nobody>$<TARGET_EXISTS:t>", "01"),
        ("$<TARGET_PROPERTY:t,TYPE>", "STATIC_LIBRARY"),
        ("$<UNKNOWN:x>", ""),
        ("$<1:a", "$<1:a"),
        ("a>b", "a>b"),
    ] {
        let script = format!("add_library(t STATIC a.c)\nfile(GENERATE OUTPUT out CONTENT \"{expression}\")");
        let described = described(&[("CMakeLists.txt", &script), ("a.c", "")]);
        let written =
            described.written.values().next().map(|text| String::from_utf8_lossy(text).into_owned());
        assert_eq!(written.as_deref(), Some(expect), "{expression}");
    }
}

#[test]
fn requirements_follow_links() {
    let script = "
        add_library(base STATIC base.c)
        target_include_directories(base PUBLIC pub PRIVATE priv INTERFACE face)
        target_compile_definitions(base PUBLIC P=1 PRIVATE -DQ INTERFACE I)
        add_library(mid STATIC mid.c)
        target_link_libraries(mid PRIVATE base)
        add_library(top SHARED top.c)
        target_link_libraries(top PUBLIC mid m)
        add_executable(app app.c)
        add_library(ns::top ALIAS top)
        target_link_libraries(app ns::top)";
    let described = described(&[("CMakeLists.txt", script)]);
    let base = target(&described, "base");
    assert_eq!((dirs(base), defines(base)), ("pub priv".into(), "P=1 Q".into()));
    assert_eq!(base.interface.include_dirs.len(), 2);
    let mid = target(&described, "mid");
    assert_eq!((dirs(mid), defines(mid)), ("pub face".into(), "P=1 I".into()));
    let top = target(&described, "top");
    assert_eq!((dirs(top), defines(top)), (String::new(), "top_EXPORTS".into()), "private to `mid`");
    assert_eq!(top.link, ["mid", "base", "m"], "an archive's own libraries come with it");
    assert_eq!(target(&described, "app").link, ["top", "mid", "base", "m"]);
}

#[test]
fn cycles_of_links_end() {
    let script = "
        add_library(a STATIC a.c)
        add_library(b STATIC b.c)
        target_link_libraries(a PUBLIC b)
        target_link_libraries(b PUBLIC a)
        target_compile_definitions(a PUBLIC A)
        set_target_properties(a PROPERTIES X $<TARGET_PROPERTY:X>$<TARGET_PROPERTY:X>)";
    let described = described(&[("CMakeLists.txt", script)]);
    assert_eq!(defines(target(&described, "b")), "A");
    assert_eq!(target(&described, "a").properties["X"], "");
}

#[test]
fn languages_have_options_of_their_own() {
    let script = "
        project(p C CXX)
        set(CMAKE_C_FLAGS \"${CMAKE_C_FLAGS} -Wc -DCC\")
        add_library(t a.c b.cpp)
        target_compile_options(t PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wx> \"SHELL:-a b\" -Wall -Wall)
        target_compile_features(t PUBLIC cxx_std_17)
        add_definitions(-DD=\"x y\" -Wdef)";
    let described = described(&[("CMakeLists.txt", script)]);
    let t = target(&described, "t");
    assert_eq!(t.c.options, ["-Wc", "-Wdef", "-a", "b", "-Wall"]);
    assert_eq!(t.cxx.options, ["-Wdef", "-Wx", "-a", "b", "-Wall"]);
    assert_eq!(t.c.defines[0], ("CC".into(), None));
    assert_eq!(t.features, ["cxx_std_17"]);
    assert_eq!((t.kind, t.kind_given), (Kind::Shared, false));
}

#[test]
fn sources_of_all_kinds() {
    let script = "
        add_custom_command(OUTPUT gen.c COMMAND make-it)
        add_library(objects OBJECT o.c)
        target_compile_definitions(objects PRIVATE OBJ)
        add_library(t STATIC here.c gen.c missing.c $<TARGET_OBJECTS:objects> here.c)
        target_sources(t PRIVATE more.c PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/head.h)
        set_source_files_properties(here.c PROPERTIES COMPILE_FLAGS \"-DX=1 -fno-y\" LANGUAGE CXX)
        set_property(SOURCE more.c PROPERTY HEADER_FILE_ONLY ON)
        add_executable(app app.c)
        target_link_libraries(app t objects)";
    let files = [("CMakeLists.txt", script), ("here.c", ""), ("o.c", ""), ("more.c", ""), ("head.h", "")];
    let described = described(&files);
    let t = target(&described, "t");
    let shown: Vec<String> =
        t.sources.iter().map(|s| format!("{} {} {}", s.path, s.generated, s.exists)).collect();
    assert_eq!(
        shown,
        [
            "here.c false true",
            "b/gen.c true false",
            "missing.c false false",
            "o.c false true",
            "more.c false true",
            "head.h false true"
        ]
    );
    assert_eq!(t.sources[0].defines, [("X".into(), Some("1".into()))]);
    assert_eq!(
        (t.sources[0].options.clone(), t.sources[0].language.as_deref()),
        (vec!["-fno-y".into()], Some("CXX"))
    );
    assert_eq!(t.sources[3].by.as_deref(), Some("objects"));
    assert!(t.sources[4].header_only);
    let app: Vec<String> = target(&described, "app").sources.iter().map(|s| s.path.to_string()).collect();
    assert_eq!(app, ["app.c", "head.h", "o.c"]);
}

#[test]
fn folders_pass_on_what_they_have_so_far() {
    let script = "
        include_directories(one)
        add_compile_definitions(EARLY)
        add_subdirectory(sub)
        add_library(here STATIC a.c)
        include_directories(SYSTEM two)
        add_compile_definitions(LATE)
        add_compile_options(-late)";
    let sub = "add_library(inner STATIC b.c)\ntarget_include_directories(inner BEFORE PRIVATE .)";
    let described = described(&[("CMakeLists.txt", script), ("sub/CMakeLists.txt", sub)]);
    let inner = target(&described, "inner");
    assert_eq!((dirs(inner), defines(inner)), ("sub one".into(), "EARLY".into()));
    assert_eq!(inner.at.0.to_string(), "sub/CMakeLists.txt");
    let here = target(&described, "here");
    assert_eq!((dirs(here), defines(here)), ("one two".into(), "EARLY LATE".into()));
    assert_eq!(here.cxx.system_include_dirs.len(), 1);
    assert!(here.cxx.options.is_empty(), "options are for targets to come");
}

#[test]
fn what_is_installed_tested_and_left_out() {
    let script = "
        add_library(lib STATIC a.c)
        install(TARGETS lib EXPORT app DESTINATION x)
        add_executable(app app.c)
        add_test(NAME app COMMAND app --all)
        add_executable(extra EXCLUDE_FROM_ALL e.c)
        if(NOT NO_TESTS AND BUILD_X)
        endif()
        option(WITH_TESTS \"\" ON)
        if(WITH_TESTS)
          add_library(helper STATIC h.c)
        endif()
        add_library(imported UNKNOWN IMPORTED)";
    let described = described(&[("CMakeLists.txt", script)]);
    let flags = |name: &str| {
        let t = target(&described, name);
        (t.installed, t.is_test, t.exclude_from_all)
    };
    assert_eq!(flags("lib"), (true, false, false));
    assert_eq!(flags("app"), (false, true, false));
    assert_eq!(flags("extra"), (false, false, true));
    assert_eq!(flags("helper"), (false, true, false));
    assert_eq!(described.targets.len(), 4);
    assert_eq!(described.options, [("WITH_TESTS".into(), "ON".into(), String::new())]);
}

#[test]
fn a_source_may_be_named_without_its_extension() {
    let script = "
        add_library(t data-io wide gone)
        set_property(SOURCE wide PROPERTY COMPILE_FLAGS -mavx)";
    let described =
        described(&[("CMakeLists.txt", script), ("data-io.c", ""), ("wide.cpp", ""), ("wide.h", "")]);
    let t = target(&described, "t");
    let shown: Vec<String> =
        t.sources.iter().map(|s| format!("{} {} {}", s.path, s.exists, s.options.join(" "))).collect();
    assert_eq!(shown, ["data-io.c true ", "wide.cpp true -mavx", "gone false "]);
}
