use crate::discover::LeftOut;
use crate::discover::tests::Project;
use crate::generate::{Form, Known};
use crate::path::FilePath;

const CMAKE: &str = "\
cmake_minimum_required(VERSION 3.10)
project(p VERSION 1.2.3 LANGUAGES C)
option(WITH_EXTRA \"more\" OFF)
set(SOURCES src/a.c src/b.c)
if(WITH_EXTRA)
  list(APPEND SOURCES src/extra.c)
endif()
if(WIN32)
  list(APPEND SOURCES src/windows.c)
endif()
configure_file(src/version.h.in version.h @ONLY)
add_library(p ${SOURCES})
target_include_directories(p PUBLIC api PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_compile_definitions(p PRIVATE P_BUILDS=1 P_PLAIN)
add_library(p_static STATIC ${SOURCES})
target_compile_definitions(p_static PUBLIC P_STATIC)
add_library(helper STATIC side/helper.c)
add_executable(tool side/tool.c)
target_link_libraries(tool p helper)
add_library(more src/more.c)
target_link_libraries(more p)
install(TARGETS p p_static)
";

fn project(more: &[(&'static str, &'static str)]) -> Project {
    let mut files = vec![
        ("CMakeLists.txt", CMAKE),
        ("api/p.h", ""),
        ("src/version.h.in", "#define P_VERSION \"@PROJECT_VERSION@\""),
        ("src/a.c", "#include \"p.h\"\n#include \"version.h\""),
        ("src/b.c", ""),
        ("src/extra.c", ""),
        ("src/windows.c", ""),
        ("src/more.c", ""),
        ("side/helper.c", ""),
        ("side/tool.c", "int main(void) { return 0; }"),
    ];
    files.extend(more);
    Project::new(&files)
}

#[test]
fn what_is_described_is_the_library() {
    let project = project(&[]);
    assert_eq!(project.targets(), "lib p: src/a.c src/b.c src/more.c\nexe tool: side/tool.c\n");
    let found = project.discover();
    assert_eq!(found.defines, [""; 0], "of two libraries, that have none in common");
    let own = |source: &str| found.manner.own(&source.into()).map(ToString::to_string).unwrap_or_default();
    assert_eq!(own("src/a.c"), "-Iapi -I.jmake/gen/cmake -DP_BUILDS=1 -DP_PLAIN -Dp_EXPORTS");
    assert_eq!(own("src/a.c"), own("src/b.c"));
    assert_eq!(own("src/more.c"), "-Dmore_EXPORTS");
    let dirs: Vec<String> = found.include_dirs.iter().map(ToString::to_string).collect();
    assert_eq!(dirs, ["api"]);
    let made: Vec<String> = found.generated.iter().map(|made| format!("{}: {made}", made.path)).collect();
    assert_eq!(made, [".jmake/gen/cmake/version.h: from the template `src/version.h.in`"]);
    let not_described = Some(LeftOut::NotDescribed("CMakeLists.txt".into()));
    for path in ["src/extra.c", "src/windows.c", "side/helper.c"] {
        assert_eq!(project.reason(path), not_described, "{path}");
    }
    // All of these are named, if only under a condition.
    assert_eq!(found.problems, []);
    let deciding: Vec<String> = found.templates().map(ToString::to_string).collect();
    assert_eq!(
        deciding,
        ["src/version.h.in", "CMakeLists.txt", "src/version.h.in"],
        "read, not only looked for"
    );
}

#[test]
fn what_is_not_even_named_is_said() {
    let project = project(&[("src/new.c", ""), ("src/newer.c", ""), ("other/far.c", "")]);
    let problems = project.discover().problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].message,
        "`src/new.c` is left out, for `CMakeLists.txt` does not name it (and 1 more)"
    );
}

#[test]
fn what_it_names_and_is_not_there_is_said() {
    let text = "project(p)\nadd_library(p a.c table.c)\nconfigure_file(config.h.in config.h)\n";
    let project = Project::new(&[
        ("CMakeLists.txt", text),
        ("a.c", "#include \"config.h\""),
        ("config.h.in", ""),
        (".gitignore", "config.h.in\n"),
    ]);
    let found = project.discover();
    assert_eq!(found.problems.len(), 1);
    assert_eq!(found.problems[0].message, "it names the source `table.c`, which is not there");
    // What git ignores may have been added all the same.
    assert_eq!(found.generated[0].from.to_string(), "config.h.in");
}

#[test]
fn a_description_that_says_nothing_is_as_good_as_none() {
    for text in
        ["", "add_custom_target(x)\n", "add_library(p nowhere.c)\n", "while(TRUE)\nendwhile()\n", "(((\""]
    {
        let project = Project::new(&[("CMakeLists.txt", text), ("a.c", ""), ("b.c", "")]);
        assert_eq!(project.targets(), "lib p: a.c b.c\n", "{text}");
    }
}

#[test]
fn what_defines_main_is_never_part_of_a_library() {
    let text = "project(p)\nadd_library(p a.c main.c)\n";
    let project =
        Project::new(&[("CMakeLists.txt", text), ("a.c", ""), ("main.c", "int main(void) { return 0; }")]);
    assert_eq!(project.reason("main.c"), Some(LeftOut::Main));
}

#[test]
fn a_description_that_gives_up_without_any_package_gets_the_first_that_helps() {
    let cmake = "\
project(p C)
find_package(ZLIB)
foreach(name Gone OpenSSL mbedTLS)
  if(NOT BACKEND)
    find_package(${name})
    if(${name}_FOUND)
      string(TOLOWER ${name} BACKEND)
    endif()
  endif()
endforeach()
if(NOT BACKEND OR BACKEND STREQUAL gone)
  message(FATAL_ERROR \"no backend\")
endif()
find_package(Needed REQUIRED)
if(NEEDED_FOUND)
  set(more needed.c)
endif()
if(ZLIB_FOUND)
  set(more ${more} zlib.c)
endif()
# That a package is there says nothing of other systems' headers.
include(CheckIncludeFile)
check_include_file(ws2tcpip.h HAVE_WS2TCPIP_H)
check_include_file(openssl/ssl.h HAVE_SSL_H)
if(HAVE_WS2TCPIP_H OR NOT HAVE_SSL_H)
  set(more ${more} windows.c)
endif()
add_library(p a.c ${BACKEND}.c ${more})
";
    let files = [
        ("CMakeLists.txt", cmake),
        ("a.c", ""),
        ("openssl.c", ""),
        ("mbedtls.c", ""),
        ("zlib.c", ""),
        ("needed.c", ""),
        ("windows.c", ""),
    ];
    assert_eq!(Project::new(&files).targets(), "lib p: a.c needed.c openssl.c\n");
}

#[test]
fn another_project_that_would_have_to_be_there_and_is_not_cannot_be_built() {
    let cmake = "\
project(p C)
find_package(OpenSSL)
if(OpenSSL_FOUND)
  set(backend openssl.c)
else()
  set(backend tiny.c)
  include(ExternalProject)
  ExternalProject_Add(tiny SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR}/ext/tiny DOWNLOAD_COMMAND \"\")
endif()
add_library(p a.c ${backend})
";
    let files = [("CMakeLists.txt", cmake), ("a.c", ""), ("openssl.c", ""), ("tiny.c", "")];
    assert_eq!(Project::new(&files).targets(), "lib p: a.c openssl.c\n");
    let there: Vec<_> = files.into_iter().chain([("ext/tiny/tests/t.c", "")]).collect();
    assert_eq!(Project::new(&there).targets(), "lib p: a.c tiny.c\n");
}

#[test]
fn a_template_that_the_description_writes_itself_is_filled_in() {
    let cmake = "\
project(p C)
file(READ conf.h.in text)
string(REPLACE \"LEVEL\" \"#define LEVEL @LEVEL@\" text \"${text}\")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/conf.h.cmakein \"${text}\")
set(LEVEL 3)
configure_file(${CMAKE_CURRENT_BINARY_DIR}/conf.h.cmakein ${CMAKE_CURRENT_BINARY_DIR}/conf.h @ONLY)
add_library(p a.c)
target_include_directories(p PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
";
    let files = [("CMakeLists.txt", cmake), ("conf.h.in", "LEVEL\n"), ("a.c", "#include \"conf.h\"\n")];
    let made = Project::new(&files).discover().generated;
    let made = made.iter().find(|made| made.path == FilePath::new(".jmake/gen/cmake/conf.h"));
    let Some(Form::Lines { text, names, .. }) = made.map(|made| &made.form) else { panic!("{made:?}") };
    assert_eq!((&**text, &names["LEVEL"]), ("#define LEVEL @LEVEL@\n", &Known::Value(Some("3".into()))));
}
