//! Transcripts: what a command printed and how it ended, as one text to compare.
//!
//! Times, the folder of the test and what differs between machines are replaced by names in
//! brackets, so a transcript is the same everywhere.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};

use jmake_core::fs;

use super::Sandbox;

/// A place for projects, and the commands run in it.
pub struct Shell {
    /// What the commands run in.
    pub sandbox: Sandbox,
    dir: PathBuf,
}

impl Shell {
    /// Two units, a header between them, and what only a compiler sees.
    pub fn shapes() -> Shell {
        Shell::with(&[
            ("jmake.toml", "[project]\nname = \"demo\"\n"),
            ("include/unit.h", "#define UNIT 10\n"),
            ("include/shape.h", "#pragma once\n#include \"unit.h\"\nint area(int side);\n"),
            ("include/old.h", "#define OLD 1\n"),
            ("src/idle.h", "#define IDLE 1\n"),
            ("src/never.h", "#define NEVER_SEEN 1\n"),
            ("src/sizes.inc", "1, 2\n"),
            ("src/config.h.in", "#define HAVE_ROUND 1\n"),
            (
                "src/area.cpp",
                "#include \"shape.h\"\n#include \"config.h\"\n#define SIZES \"sizes.inc\"\nstatic const int sizes[] = {\n\
             #include SIZES\n};\n#ifdef NEVER\n#include \"never.h\"\n#endif\nextern \"C\" int round_up(int);\n\
             int area(int side) { return round_up(sizes[side % 2]) * UNIT * HAVE_ROUND; }\n",
            ),
            (
                "src/round.c",
                "#include \"unit.h\"\n__attribute__((weak)) int round_up(int a) { return a + UNIT; }\n",
            ),
            ("tests/t.c", "#include \"unit.h\"\nint main(void) { return UNIT; }\n"),
        ])
    }

    /// An empty place.
    pub fn new() -> Shell {
        let sandbox = Sandbox::new().expect("a folder can be made");
        let dir = sandbox.work().canonicalize().expect("it was just made");
        Shell { sandbox, dir }
    }

    /// A place with the project `demo` of the files in `files` (name and text), in which commands
    /// run.
    pub fn with(files: &[(&str, &str)]) -> Shell {
        let mut shell = Shell::new();
        shell.dir = shell.dir.join("demo");
        for (name, text) in files {
            shell.put(name, text);
        }
        shell
    }

    /// The folder commands run in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.sandbox.work().parent().expect("it has a parent").join("home")
    }

    /// Writes a file.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders can be made");
        fs::write(&path, text.as_bytes()).expect("files can be written");
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(&self.dir.join(name)).expect("the file is there")).into_owned()
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        self.dir.join(name).symlink_metadata().is_ok()
    }

    /// Runs `jmake` with the words of `command` and gives the transcript.
    pub fn run(&self, command: &str) -> String {
        let args: Vec<&str> = command.split_whitespace().collect();
        let output = self.sandbox.jmake(&self.dir, &args).expect("jmake can be started");
        let mut text = format!("$ jmake {command}\n");
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                text += &format!("-- {name}\n{}", self.redacted(&String::from_utf8_lossy(bytes)));
            }
        }
        text + &format!(
            "-- exit {}\n",
            output.status.code().map_or("by signal".into(), |code| code.to_string())
        )
    }

    fn redacted(&self, text: &str) -> String {
        let above = self.sandbox.work().parent().expect("it has a parent").to_owned();
        let text = text.replace(&*self.dir.to_string_lossy(), "[DIR]");
        let text = text.replace(&*above.to_string_lossy(), "[SANDBOX]");
        let mut done = String::new();
        for line in text.split_inclusive('\n') {
            done += &without_sizes(&without_times(line));
        }
        done
    }
}

/// `line` with `[TIME]` for numbers of seconds.
fn without_times(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let core = word.trim_end_matches([',', ';', '\n']);
        let number = core.strip_suffix('s').is_some_and(|n| n.contains('.') && n.parse::<f64>().is_ok());
        words.push(if number { word.replace(core, "[TIME]") } else { word.to_owned() });
    }
    words.join(" ")
}

/// `line` with `[SIZE]` for numbers of bytes.
fn without_sizes(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        let unit = words[at].trim_end_matches([')', '\n']).to_owned();
        let number = words[at - 1].trim_start_matches('(').to_owned();
        if ["B", "kB", "MB", "GB"].contains(&&*unit) && number.parse::<f64>().is_ok() {
            words[at - 1] = words[at - 1].replace(&number, "[SIZE]");
            words[at] = words[at].replacen(&unit, "", 1);
        }
    }
    words.join(" ").replace("[SIZE] ", "[SIZE]")
}
