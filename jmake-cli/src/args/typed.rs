//! The command line as typed: clap's view of it.
//!
//! Nothing here looks at anything: no folder, no variable.  Reading a flag never *does* anything;
//! what flags come to is worked out in [`super`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Builds a folder of C or C++ into a library, and only what changed.
#[derive(Parser, Debug)]
#[command(name = "jmake", version, about, max_term_width = 100)]
pub struct Typed {
    /// Flags of every verb.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb.
#[derive(Args, Debug)]
pub struct Global {
    /// Work as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is done, and why
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Whether to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: When,
    /// Run at most N processes at once
    #[arg(short, long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Whether to let a daemon do it [env: JMAKE_DAEMON] [default: auto]
    #[arg(long, value_name = "WHETHER", global = true)]
    pub daemon: Option<DaemonMode>,
}

/// Whether to use a daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DaemonMode {
    /// For builds, and whatever else where one is running; not where `CI` is set.
    Auto,
    /// For whatever has a project.
    On,
    /// Never.
    Off,
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.  What can be typed after one is worked out only for the one that was typed; clap then
/// takes what a struct of flags says of itself for what the verb is about, so those have no docs.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Verb {
    /// Build the project: only what changed is compiled
    Build(Build),
    /// Build the project, and again whenever something changes, until Ctrl-C
    Watch(Watch),
    /// Make a fresh project that builds at once
    New {
        /// The folder to make
        path: PathBuf,
        /// Its template and name
        #[command(flatten)]
        template: Template,
    },
    /// Make an existing folder a project; nothing that exists is changed
    Init {
        /// The folder
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Its template and name
        #[command(flatten)]
        template: Template,
    },
    /// Write `jmake.toml` from what another build tool says
    #[command(subcommand)]
    Import(Import),
    /// Remove what jmake made in the project, and only that
    Clean {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Also remove this project's entries from the shared cache
        #[arg(long)]
        cache: bool,
    },
    /// Show what lies in the project and what would be built of it, with reasons
    Discover {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Go by the files alone: pass over the project's own build description
        #[arg(long)]
        no_evidence: bool,
        /// List every file, not only folders where there are many
        #[arg(long)]
        files: bool,
    },
    /// Print the graph of includes, of symbols or of actions, or answer a question about files
    Graph(Graph),
    /// Tell why the last build ran, reused or restored what it did
    Explain {
        /// The file to explain; everything when missing
        file: Option<PathBuf>,
    },
    /// Read or change the settings in `jmake.toml`
    #[command(subcommand)]
    Config(Config),
    /// Show the toolchain in use, or the path of one tool
    Tools {
        /// The tool
        name: Option<String>,
    },
    /// Tell what this machine lacks, and the command that installs it
    Doctor,
    /// Run one step from LLVM IR to a library
    #[command(subcommand)]
    Ir(Ir),
    /// Consent to the programs and folders that the project's settings choose
    Trust {
        /// Take the consent back
        #[arg(long, conflicts_with = "show")]
        revoke: bool,
        /// Only show what would be consented to
        #[arg(long)]
        show: bool,
    },
    /// Look after the shared cache
    #[command(subcommand)]
    Cache(Cache),
    /// Count what is recorded of the project and in the shared cache
    Stats,
    /// Tell whether a daemon serves the project, and how it is
    Status {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Look after the daemon that keeps the project warm
    #[command(subcommand)]
    Daemon(Daemon),
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// The verbs of `daemon`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Daemon {
    /// Start it, unless it is running
    Start {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// End it, and wait until it is gone
    Stop {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// End it and start it again
    Restart {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Tell whether it is running, and how it is
    Status {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Print the end of what it has written about itself
    Logs {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
        /// How many lines
        #[arg(short = 'n', long, value_name = "N", default_value = "50")]
        lines: usize,
    },
    /// Be the daemon
    #[command(hide = true)]
    Serve {
        /// The project's root
        root: PathBuf,
        /// What the names of its files begin with
        #[arg(long)]
        stem: PathBuf,
        /// Which build of jmake this is
        #[arg(long)]
        program: String,
    },
}

// What `watch` takes: what `build --watch` does.
#[derive(Args, Debug)]
#[command(mut_arg("watch", |arg| arg.hide(true)))]
pub struct Watch {
    /// How to build
    #[command(flatten)]
    pub build: Build,
}

// Flags of `build`.
#[derive(Args, Debug)]
pub struct Build {
    /// The project
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Build for speed (the default unless `build.profile` says otherwise)
    #[arg(long, group = "which")]
    pub release: bool,
    /// Build for debugging
    #[arg(long, group = "which")]
    pub dev: bool,
    /// Build with a profile of `jmake.toml`
    #[arg(long, value_name = "P", group = "which")]
    pub profile: Option<String>,
    /// Optimise across units
    #[arg(long, value_name = "HOW")]
    pub lto: Option<Lto>,
    /// Build only these targets
    #[arg(long, value_name = "T", value_delimiter = ',')]
    pub target: Vec<String>,
    /// Skip looking for sources: use what the last build found
    #[arg(long)]
    pub quick: bool,
    /// Go by the files alone: pass over the project's own build description
    #[arg(long, conflicts_with = "quick")]
    pub no_evidence: bool,
    /// Ignore everything recorded: run each action
    #[arg(long, visible_alias = "clean")]
    pub force: bool,
    /// Accepted for its old name: every build is incremental
    #[arg(long, hide = true)]
    pub incremental: bool,
    /// Go on with what does not need a failed action
    #[arg(long)]
    pub keep_going: bool,
    /// Only tell what would run
    #[arg(long)]
    pub dry_run: bool,
    /// Write a page and a trace of where the time went
    #[arg(long)]
    pub timings: bool,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,
    /// Print just this on stdout
    #[arg(long, value_name = "WHAT")]
    pub print: Option<Print>,
    /// Build again whenever something changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["dry_run", "timings", "print"])]
    pub watch: bool,
    /// Watch, and run CMD by the shell after each good build; the next round ends it
    #[arg(long, value_name = "CMD", conflicts_with_all = ["dry_run", "timings", "print"])]
    pub exec: Option<String>,
}

/// Optimisation across units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Lto {
    /// Each unit for itself.
    Off,
    /// Summaries first, then each unit.
    Thin,
    /// All units as one.
    Full,
}

/// How to report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MessageFormat {
    /// For people, on stderr.
    Human,
    /// One JSON object a line, on stdout.
    Json,
}

/// What to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Print {
    /// The library's path.
    Library,
}

// Flags of `new` and `init`.
#[derive(Args, Debug)]
pub struct Template {
    /// `cpp` for sources, `binary` for finished libraries
    #[arg(long, value_name = "TEMPLATE", default_value = "cpp")]
    pub template: String,
    /// The project's name instead of the folder's
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

// Flags of `graph`.
#[derive(Args, Debug)]
pub struct Graph {
    /// The project
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub format: GraphFormat,
    /// Which graph
    #[arg(long, value_name = "WHAT", default_value = "includes")]
    pub what: What,
    /// Instead of a graph, tell who includes FILE, directly and through others
    #[arg(long, value_name = "FILE", group = "question", conflicts_with_all = ["format", "what"])]
    pub who_includes: Option<PathBuf>,
    /// Instead of a graph, tell which units would be compiled and what would be linked if FILE changed;
    /// a PATH goes before
    #[arg(long, value_name = "FILE", num_args = 1.., group = "question", conflicts_with_all = ["format", "what"])]
    pub rebuilds: Vec<PathBuf>,
    /// Instead of a graph, list the headers that no unit opens
    #[arg(long, group = "question", conflicts_with_all = ["format", "what"])]
    pub unused_headers: bool,
}

/// How a graph is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GraphFormat {
    /// Nodes and edges.
    Json,
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// One page to look at.
    Html,
}

/// Which graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum What {
    /// Which file includes which.
    Includes,
    /// Which unit uses what others define.
    Symbols,
    /// Which action needs which.
    Actions,
}

/// What `import` reads.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Import {
    /// From `CMakeLists.txt`, which is read and never run
    Cmake {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// From the `compile_commands.json` of another tool, in the project or its `build`
    CompileCommands {
        /// The project
        #[arg(default_value = ".")]
        path: PathBuf,
    },
}

/// The verbs of `config`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Config {
    /// List every key with its value or default
    Show {
        /// Only this section or key
        section: Option<String>,
    },
    /// Print one value
    Get {
        /// The key, such as `compile.std`
        key: String,
    },
    /// Change one value
    Set {
        /// The key
        key: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Remove one key or section
    Unset {
        /// The key
        key: String,
    },
    /// List every problem in the settings
    Validate,
    /// Fill what is missing from what discovery sees
    Complete,
}

/// The steps of `ir`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Ir {
    /// Link IR modules into one
    Link {
        /// Modules, or objects that hold IR
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        /// The module to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Optimise a module
    Opt {
        /// The module
        input: PathBuf,
        /// The module to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// The level
        #[arg(short = 'O', value_name = "LEVEL", default_value = "2", value_parser = ["0", "1", "2", "3", "s", "z"])]
        level: String,
        /// These passes instead, as after `opt -passes=`
        #[arg(long, value_name = "PASSES", conflicts_with = "level")]
        passes: Option<String>,
    },
    /// Lower a module to an object
    Obj {
        /// The module
        input: PathBuf,
        /// The object to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// The level
        #[arg(short = 'O', value_name = "LEVEL", default_value = "2", value_parser = ["0", "1", "2", "3", "s", "z"])]
        level: String,
    },
    /// Link objects into a shared library
    Lib {
        /// Objects and archives
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        /// The library to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// A library it needs
        #[arg(short = 'l', value_name = "NAME")]
        libraries: Vec<String>,
        /// A folder to look for libraries in
        #[arg(short = 'L', value_name = "DIR")]
        lib_dirs: Vec<PathBuf>,
    },
}

/// The verbs of `cache`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Cache {
    /// Count what the shared cache holds
    Stat,
    /// Check every entry
    Verify {
        /// Remove what is damaged
        #[arg(long)]
        repair: bool,
    },
    /// Remove what is old or too much
    Gc,
    /// Remove everything
    Clear,
}
