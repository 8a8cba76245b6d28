//! What a person or a program sees: events become a bar, lines or JSON, a reply becomes text.
//!
//! Only this module and its children know that there is a terminal.  Facts go to stdout, all else
//! to stderr.  A reader who went away (`| head`) is no error.

mod bar;
mod compiler;
mod discovered;
mod facts;
mod graph;
mod json;
mod paint;
mod questions;
mod rounds;
pub mod service;

use std::io::{self, Write};

use jmake_core::build::Built;
use jmake_core::event::{ActionKind, Diagnostic, Event, Outcome};
use jmake_core::path::{Root, bytes_of};
use jmake_core::request::{Failure, Reply};

use crate::client::Without;
use crate::timings::Timings;
use crate::{DONE, FAILED, INTERRUPTED, UNABLE};
use bar::Bar;
use compiler::Shown;
use paint::Paint;

pub use graph::GraphFormat;
pub use json::embedded;

/// How to show things.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Errors only.
    pub quiet: bool,
    /// Each action, and why.
    pub verbose: bool,
    /// Colour on stderr.
    pub color: bool,
    /// Colour in what goes to stdout, too.
    pub color_in_data: bool,
    /// A progress bar, once a build takes long.
    pub bar: bool,
    /// Whether to build again and again, until interrupted.
    pub watch: bool,
    /// While watching, begin each round with an empty screen.
    pub clear: bool,
    /// While watching, run this after each good build.
    pub exec: Option<String>,
    /// JSON on stdout.
    pub json: bool,
    /// Write where the time went.
    pub timings: bool,
    /// Print the library's path.
    pub print_library: bool,
    /// Nothing was to run.
    pub dry_run: bool,
    /// Print the path of the one tool.
    pub one_tool: bool,
    /// How a graph is written.
    pub graph: GraphFormat,
}

/// Where everything is shown.
pub struct Screen {
    look: Look,
    paint: Paint,
    bar: Option<Bar>,
    shown: Shown,
    told: Vec<Diagnostic>,
    timings: Option<Timings>,
    /// The first failure to write to stdout.
    broken: Option<io::Error>,
}

impl Screen {
    /// A screen that shows things as `look` says.
    pub fn new(look: &Look) -> Screen {
        Screen {
            paint: Paint(look.color),
            bar: look.bar.then(|| Bar::new(look.color)),
            shown: Shown::default(),
            told: Vec::new(),
            timings: look.timings.then(Timings::default),
            broken: None,
            look: look.clone(),
        }
    }

    /// Shows what happens.
    pub fn event(&mut self, event: Event) {
        if let Some(timings) = &mut self.timings {
            timings.hear(&event);
        }
        if self.look.json {
            let line = json::event(&event, self.look.color_in_data);
            return self.out(&line);
        }
        if let Some(bar) = &mut self.bar {
            bar.hear(&event);
        }
        match event {
            Event::Waiting { holder } => self.status("Waiting", &format!("for {holder}")),
            Event::Started { kind, label, why, .. } if self.look.verbose => {
                self.status(kind.verb(), &format!("{label}: {why}"));
            }
            Event::Finished { kind, label, outcome, why, output, .. } => {
                self.finished(kind, &label, outcome, why.map(|why| why.to_string()), &output);
            }
            Event::Published { path } if self.look.verbose => self.status("Published", &path),
            Event::Diagnostic(problem) => self.diagnostic(&problem),
            Event::Changed { files } => self.round_begins(&files),
            Event::Round(round) => self.round_ends(&round),
            Event::Planned { .. } | Event::Started { .. } | Event::Published { .. } => {}
        }
    }

    /// What follows is done by this process, after all.
    pub fn without_daemon(&mut self, without: &Without) {
        without.aside.iter().for_each(|note| self.aside(note));
        let Some(why) = &without.why else { return };
        if !without.in_the_middle {
            return self.aside(&format!("done without the daemon: {why}"));
        }
        // Whatever was under way begins again, so what was counted of it does not count.
        if let Some(bar) = self.bar.take() {
            bar.end();
            self.bar = Some(Bar::new(self.look.color));
        }
        self.timings = self.look.timings.then(Timings::default);
        let note = Diagnostic::note(format!("the daemon was lost, so the rest is done without it: {why}"));
        match self.look.json {
            true => self.event(Event::Diagnostic(note)),
            false => self.diagnostic(&note),
        }
    }

    /// What only the curious want to know.
    pub fn aside(&mut self, note: &str) {
        if self.look.verbose && !self.look.json {
            self.diagnostic(&Diagnostic::note(note));
        }
    }

    fn finished(
        &mut self,
        kind: ActionKind,
        label: &str,
        outcome: Outcome,
        why: Option<String>,
        output: &str,
    ) {
        match outcome {
            Outcome::Ran if self.look.dry_run => {
                let why = why.unwrap_or_default();
                self.out(&format!("{} {label}: {why}\n", kind.name()));
            }
            Outcome::Restored if self.look.verbose => {
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                self.status("Restored", &format!("{label}{why}"));
            }
            Outcome::Blocked if self.look.verbose => self.status("Blocked", label),
            _ => {}
        }
        let failed = outcome == Outcome::Failed;
        if failed || !self.look.quiet {
            let text = compiler::without_long_chains(&self.shown.new_in(output));
            let text = if self.look.color { text } else { compiler::plain(&text) };
            self.err(&text);
        }
        if failed && (kind != ActionKind::Compile || output.is_empty()) {
            let verb = kind.verb().to_lowercase();
            self.diagnostic(&Diagnostic::error(format!("{verb} `{label}` failed")));
        }
    }

    /// Shows the reply; gives the exit code.
    pub fn finish(&mut self, root: &Root, reply: &Reply) -> u8 {
        if let Some(bar) = self.bar.take() {
            bar.end();
        }
        let code = match reply {
            // Being interrupted is how watching ends.
            Reply::Built(built) if built.cancelled && self.look.watch => INTERRUPTED,
            Reply::Built(built) => self.built(root, built),
            Reply::Failed(failure) => return self.failed(failure),
            reply => self.fact(reply),
        };
        match self.broken.take() {
            Some(e) if e.kind() == io::ErrorKind::BrokenPipe => DONE,
            Some(e) => {
                complain(&format!("cannot write the answer: {e}"));
                UNABLE
            }
            None => code,
        }
    }

    fn built(&mut self, root: &Root, built: &Built) -> u8 {
        let code = match built {
            built if built.cancelled => INTERRUPTED,
            built if built.success => DONE,
            built if built.failed > 0 => FAILED,
            _ => UNABLE,
        };
        if let Some(timings) = &self.timings
            && let Err(e) = timings.write(root, built)
        {
            self.diagnostic(&Diagnostic::warning(format!("cannot write the timings: {e:#}")));
        } else if self.timings.is_some() {
            self.status("Timings", &crate::timings::page(root).display().to_string());
        }
        if self.look.json {
            let line = json::summary(built, code);
            self.out(&line);
        } else {
            self.summary(built, code);
        }
        if built.success && self.look.print_library {
            let library = built.results.iter().find(|path| !path.ends_with(".a")).or(built.results.first());
            if let Some(path) = library {
                // The bytes, for this is a path to be used.
                let place = root.as_path().join(path);
                self.out_bytes(&[bytes_of(place.as_os_str()), b"\n"].concat());
            }
        }
        code
    }

    fn summary(&mut self, built: &Built, code: u8) {
        let counts =
            format!("({} compiled, {} fresh, {} restored)", built.compiled, built.fresh, built.restored);
        let time = built.elapsed.as_secs_f64();
        let profile = &built.profile;
        match code {
            DONE if !built.libraries.is_empty() => {
                let text = facts::libraries(&built.libraries);
                self.out(&text);
                self.status(
                    "Inspected",
                    &format!("{} in {time:.2}s", facts::count(built.libraries.len(), "library", "libraries")),
                );
            }
            DONE if self.look.dry_run => {
                self.status("Finished", &format!("dry run in {time:.2}s; nothing was built"));
            }
            DONE => {
                let results = built.results.join(", ");
                let arrow = if results.is_empty() { String::new() } else { format!(" → {results}") };
                self.status("Finished", &format!("{profile} in {time:.2}s {counts}{arrow}"));
                if built.settings_in_memory && built.first && !self.look.quiet {
                    let note =
                        Diagnostic::note("the settings were found by looking and are kept in memory only");
                    self.diagnostic(&note.hint("`jmake init` writes them to `jmake.toml`"));
                }
            }
            INTERRUPTED => {
                self.complain("interrupted", Some("what is finished is kept; build again to go on"))
            }
            FAILED if !built.libraries.is_empty() => {
                let text = facts::libraries(&built.libraries);
                self.out(&text);
                self.complain(
                    &format!("{} cannot be used here", facts::count(built.failed, "library", "libraries")),
                    None,
                );
            }
            FAILED => {
                let failed = facts::count(built.failed, "action", "actions");
                self.complain(&format!("{failed} failed in {profile} after {time:.2}s {counts}"), None);
            }
            // What kept jmake from its work has been told.
            _ => {}
        }
    }

    fn fact(&mut self, reply: &Reply) -> u8 {
        let text = match (self.look.json, reply) {
            // The graph's own format says how it is written.
            (_, Reply::Graph(drawn)) => graph::text(drawn, self.look.graph),
            (true, reply) => json::data(reply),
            (false, reply) => facts::text(reply, &self.look),
        };
        self.out(&text);
        if let (Reply::Step(step), false) = (reply, self.look.json) {
            self.err(&step.text);
        }
        let (code, remark) = facts::verdict(reply);
        if let Some(problem) = remark.filter(|_| !self.look.json) {
            self.diagnostic(&problem);
        }
        code
    }

    /// Shows what is known of a daemon, as `text` for people and `data` for programs; gives the exit
    /// code.
    pub fn tell(&mut self, text: &str, data: &serde_json::Value) -> u8 {
        match self.look.json {
            true => self.out(&json::document(data.clone())),
            false if text.is_empty() => {}
            false => self.out(&format!("{}\n", text.trim_end_matches('\n'))),
        }
        match self.broken.take() {
            Some(e) if e.kind() != io::ErrorKind::BrokenPipe => UNABLE,
            _ => DONE,
        }
    }

    /// Shows why a request could not be met; gives the exit code.
    pub fn failed(&mut self, failure: &Failure) -> u8 {
        let code = if failure.interrupted { INTERRUPTED } else { UNABLE };
        if let Some(bar) = self.bar.take() {
            bar.end();
        }
        if failure.interrupted {
            self.complain("interrupted", None);
        } else if self.look.json {
            let line = json::failed(failure, code);
            self.out(&line);
        }
        if !failure.interrupted {
            let mut text = self.paint.diagnostic(&Diagnostic { hint: None, ..failure.problem.clone() });
            for cause in &failure.causes {
                text += &format!("  caused by: {cause}\n");
            }
            text += &self.paint.hint(&failure.problem);
            self.err(&text);
        }
        code
    }

    /// One line of Cargo's kind.
    fn status(&mut self, verb: &str, text: &str) {
        if !self.look.quiet {
            let line = self.paint.status(verb, text);
            self.err(&line);
        }
    }

    fn complain(&mut self, message: &str, hint: Option<&str>) {
        let mut problem = Diagnostic::error(message);
        problem.hint = hint.map(str::to_owned);
        self.diagnostic(&problem);
    }

    /// A problem, once however often it is met.
    fn diagnostic(&mut self, problem: &Diagnostic) {
        if (self.look.quiet && !problem.is_error()) || self.told.contains(problem) {
            return;
        }
        self.told.push(problem.clone());
        let text = format!(
            "{}{}",
            self.paint.diagnostic(&Diagnostic { hint: None, ..problem.clone() }),
            self.paint.hint(problem)
        );
        self.err(&text);
    }

    fn err(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let write = || {
            // Nobody is left to tell when stderr is gone.
            io::stderr().write_all(text.as_bytes()).ok();
        };
        match &self.bar {
            Some(bar) => bar.aside(write),
            None => write(),
        }
    }

    fn out(&mut self, text: &str) {
        self.out_bytes(text.as_bytes());
    }

    fn out_bytes(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            let mut stdout = io::stdout().lock();
            self.broken = stdout.write_all(bytes).and_then(|()| stdout.flush()).err();
        }
    }
}

/// Prints `text` on stdout; gives the exit code.
pub fn print(text: &[u8]) -> u8 {
    match io::stdout().write_all(text) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => UNABLE,
        _ => DONE,
    }
}

/// Says that something is wrong, before there is a screen.
pub fn complain(message: &str) {
    writeln!(io::stderr(), "error: {message}").ok();
}

/// Says that jmake itself is wrong.
pub fn report_bug(panic: &str) {
    complain(&format!("this is a bug in jmake: {panic}"));
    writeln!(io::stderr(), "hint: please report it with the command that led here").ok();
}
