//! The caller's environment changes no result: each of some thirty variables that compilers and
//! linkers obey is set for `jmake` itself, with a value that would show.
//!
//! The fake toolchain puts every variable that reaches it into what it makes, so a leak is a
//! difference of bytes.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the variables are set for the command itself")]

#[path = "../../jmake-core/tests/support/fake.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod fake;

use std::process::Command;

use fake::*;

const VARIABLES: [(&str, &str); 34] = [
    ("CPATH", "/evil"),
    ("C_INCLUDE_PATH", "/evil"),
    ("CPLUS_INCLUDE_PATH", "/evil"),
    ("OBJC_INCLUDE_PATH", "/evil"),
    ("LIBRARY_PATH", "/evil"),
    ("LD_LIBRARY_PATH", "/evil"),
    ("LD_RUN_PATH", "/evil"),
    ("LD_BIND_NOW", "1"),
    ("COMPILER_PATH", "/evil"),
    ("GCC_EXEC_PREFIX", "/evil/"),
    ("CCC_OVERRIDE_OPTIONS", "+-O0 +-DLEAK"),
    ("CCC_ADD_ARGS", "-O0"),
    ("CLANG_CONFIG_FILE_SYSTEM_DIR", "/evil"),
    ("CLANG_CONFIG_FILE_USER_DIR", "/evil"),
    ("SDKROOT", "/evil"),
    ("MACOSX_DEPLOYMENT_TARGET", "10.1"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("DEPENDENCIES_OUTPUT", "/tmp/evil.d"),
    ("SUNPRO_DEPENDENCIES", "/tmp/evil.d x"),
    ("ZERO_AR_DATE", "0"),
    ("CFLAGS", "-O0"),
    ("CXXFLAGS", "-O0"),
    ("CPPFLAGS", "-DLEAK"),
    ("LDFLAGS", "-s"),
    ("CC", "/evil/cc"),
    ("CXX", "/evil/cxx"),
    ("LANG", "de_DE.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LC_MESSAGES", "de_DE.UTF-8"),
    ("TZ", "Pacific/Kiritimati"),
    ("TMPDIR", "/nowhere"),
    ("MAKEFLAGS", "-j --jobserver-auth=77,78"),
    ("FORCE_COLOR", "1"),
    ("FAKECC", "leak"),
];

fn jmake(world: &World, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jmake"));
    command.args(["build", "--message-format", "json"]).current_dir(&world.root).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("JMAKE_DAEMON", "off");
    command.env("HOME", world.dir().join("home")).env("XDG_CACHE_HOME", world.dir().join("cache"));
    command.env("XDG_CONFIG_HOME", world.dir().join("config"));
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_callers_variables_change_nothing() {
    let clean = World::small().clean();
    for (name, value) in VARIABLES {
        // Set when nothing is known ...
        let world = World::small();
        let (good, text) = jmake(&world, &[(name, value)]);
        assert!(good, "{name}={value}: {text}");
        same(&world.published(), &clean, name);
        // ... and unset afterwards: nothing runs.
        let (good, text) = jmake(&world, &[]);
        assert!(good && !text.contains("\"started\""), "without {name}: {text}");
        same(&world.published(), &clean, name);
    }
    let world = World::small();
    let (good, text) = jmake(&world, &VARIABLES);
    assert!(good, "all at once: {text}");
    same(&world.published(), &clean, "all at once");
    world.assert_right(&clean, "all at once, then none");
}
