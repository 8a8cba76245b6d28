//! A project with the fake toolchain, and the command and its daemon at work on it.

use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemons::{Daemons, PATIENCE, wait};
use crate::fake::{Published, World, same};

/// What is lost at most when a daemon is of no use, besides what a slow machine adds.
pub const LOST: Duration = Duration::from_secs(2);

/// A project, its user, and the daemons.
pub struct Field {
    // Ended before the world goes.
    pub daemons: Daemons,
    pub world: World,
}

impl Deref for Field {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ran {
    /// Fails unless it succeeded.
    pub fn good(self, what: &str) -> Ran {
        assert_eq!(self.code, Some(0), "{what}: {}{}", self.out, self.err);
        self
    }

    /// What it said as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }

    /// The last line of a build that speaks JSON.
    pub fn summary(&self) -> Value {
        serde_json::from_str(self.out.lines().last().expect("a summary")).expect("JSON")
    }
}

impl From<(Output, Duration)> for Ran {
    fn from((output, took): (Output, Duration)) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took }
    }
}

impl Field {
    /// The small project of `fake`, never built.
    pub fn new() -> Field {
        Field::of(World::small())
    }

    /// This project.
    pub fn of(world: World) -> Field {
        std::fs::create_dir_all(world.dir().join("run")).unwrap();
        Field { daemons: Daemons::below(&world.dir().join("run/jmake"), false), world }
    }

    /// The run folder.
    pub fn run_dir(&self) -> PathBuf {
        self.dir().join("run/jmake")
    }

    /// `jmake` about to be run in the project.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jmake"));
        self.surround(&mut command);
        command.args(args);
        command
    }

    /// Gives any program the surroundings of this project's user.
    pub fn surround(&self, command: &mut Command) {
        command.current_dir(&self.root).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.dir().join("home")).env("XDG_CACHE_HOME", self.dir().join("cache"));
        command.env("XDG_CONFIG_HOME", self.dir().join("config"));
        command.env("XDG_RUNTIME_DIR", self.dir().join("run"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// Runs `jmake`.
    pub fn jmake(&self, args: &[&str]) -> Ran {
        finish(start(self.command(args)))
    }

    /// Starts `jmake`.
    pub fn start(&self, args: &[&str]) -> Child {
        start(self.command(args))
    }

    /// Starts a build and waits until its compiler has made the file `mark` in the project.
    pub fn start_and_meet(&self, args: &[&str], mark: &str) -> Child {
        let child = self.start(args);
        wait("the compiler is at work", PATIENCE, || self.at(mark).exists());
        child
    }

    /// A build that must succeed and be right.
    pub fn right(&self, clean: &Published, what: &str) -> Ran {
        let ran = self.jmake(&["build", "-v"]).good(what);
        same(&self.published(), clean, what);
        ran
    }

    /// The daemon's process id; there must be one.
    pub fn pid(&self) -> i32 {
        let all = self.daemons.alive();
        let parent = |pid: &i32| -> Option<i32> {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
        };
        // A compiler looks like the daemon until its own program begins.
        let is_child = |pid: &&i32| parent(pid).is_some_and(|parent| all.contains(&parent));
        let alive: Vec<&i32> = all.iter().filter(|pid| !is_child(pid)).collect();
        assert_eq!(alive.len(), 1, "one daemon; {}", self.daemons.logs());
        *alive[0]
    }

    /// What `jmake status` says.
    pub fn status(&self) -> Value {
        self.jmake(&["status", "--json"]).good("status").json()
    }

    /// What the names of the daemon's files begin with; found by letting one come and go.
    pub fn stem(&self) -> PathBuf {
        self.jmake(&["daemon", "start"]).good("start");
        self.jmake(&["daemon", "stop"]).good("stop");
        self.daemons.files(".lock")[0].with_extension("")
    }

    /// The socket of the running daemon.
    pub fn socket(&self) -> PathBuf {
        let found = self.daemons.files(".sock");
        assert_eq!(found.len(), 1, "one socket");
        found[0].clone()
    }

    /// A connection to the running daemon that has said hello.
    pub fn client(&self) -> Raw {
        let mut raw = Raw::to(&self.socket());
        raw.hello(&self.root);
        raw
    }

    /// The compilers at work on this project.
    pub fn workers(&self) -> Vec<i32> {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let works = |pid: &i32| {
            let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
            link("cwd").starts_with(self.dir()) && !link("exe").ends_with("jmake")
        };
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(works).collect()
    }

    /// Whether the project's lock can be had.
    pub fn lock_is_free(&self) -> bool {
        std::fs::File::open(self.at(".jmake/lock")).is_ok_and(|file| file.try_lock().is_ok())
    }

    /// The request of a plain build, as the command sends it.
    pub fn build_params(&self) -> Value {
        let request = jmake_core::request::Request::Build(jmake_core::build::Build::default());
        json!({"environment": self.environment, "request": request})
    }
}

fn start(mut command: Command) -> Child {
    // A group of its own, so that what is sent to the test reaches it no more than a user's would.
    command.process_group(0).spawn().unwrap()
}

/// Waits for the end of `child`; fails when it hangs.
pub fn finish(mut child: Child) -> Ran {
    let begun = Instant::now();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read = |source: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).ok();
        bytes
    };
    std::thread::scope(|scope| {
        let out = scope.spawn(|| out.as_mut().map(|out| read(out)).unwrap_or_default());
        let err = scope.spawn(|| err.as_mut().map(|err| read(err)).unwrap_or_default());
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().ok();
                panic!("the command hangs");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = begun.elapsed();
        let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
        Ran::from((Output { status: child.wait().unwrap(), stdout, stderr }, took))
    })
}

/// A client that says what a test wants.
pub struct Raw {
    pub stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Raw {
    /// Connected to `socket`.
    pub fn to(socket: &Path) -> Raw {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        Raw { stream, lines }
    }

    /// Says bytes; the other end may have had enough already.
    pub fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).ok();
    }

    /// Asks.
    pub fn ask(&mut self, id: u64, method: &str, params: &Value) {
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(format!("{line}\n").as_bytes());
    }

    /// The next message; `None` at the end of the connection.
    pub fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).expect("JSON")),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(e) => panic!("nothing is heard: {e}"),
        }
    }

    /// The answer to `id`, and what was heard before.
    pub fn answer(&mut self, id: u64) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let message = self.hear().expect("an answer");
            if message["id"] == id && message.get("method").is_none() {
                return (message, before);
            }
            before.push(message);
        }
    }

    /// The ids of the next `count` answers, sorted.
    pub fn answered(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let message = self.hear().expect("an answer");
            ids.extend(message["id"].as_u64());
        }
        ids.sort_unstable();
        ids
    }

    /// Says hello as a program that is not jmake; it must be welcome.
    pub fn hello(&mut self, root: &Path) {
        self.ask(0, "hello", &json!({"protocol": 1, "root": root}));
        let (answer, _) = self.answer(0);
        assert!(answer["result"].is_object(), "{answer}");
    }
}
