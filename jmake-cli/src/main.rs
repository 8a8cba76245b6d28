//! The command `jmake`: parse, call, render, exit.
//!
//! [`args`] turns what was typed into a request, the engine of `jmake-core` does the work, and
//! [`render`] turns events and the reply into what a person or a program reads.  Nothing else
//! lives here.

mod args;
mod exec;
mod manual;
mod render;
mod stop;
mod timings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use jmake_core::engine::Engine;
use jmake_core::event::{Diagnostic, Event};
use jmake_core::request::Failure;

use args::{Job, Task, Where};
use exec::Exec;
use render::Screen;

/// Exit codes are part of the contract: see `docs/cli.md`.
pub const DONE: u8 = 0;
/// An action failed, or what was asked about is not as it should be.
pub const FAILED: u8 = 1;
/// jmake could not do its work.
pub const UNABLE: u8 = 2;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| render::report_bug(&panic.to_string())));
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(UNABLE);
    ExitCode::from(code)
}

fn run() -> u8 {
    match args::read() {
        Ok(Job::Print(text)) => render::print(&text),
        Ok(Job::Ask(task)) => ask(&task),
        Err(problem) => problem.show(),
    }
}

/// Opens the engine, puts the request, shows what comes.
fn ask(task: &Task) -> u8 {
    let cancel = stop::on_interrupt();
    let mut screen = Screen::new(&task.look);
    let engine = match &task.place {
        Where::ProjectOf(path) => Engine::open(path, task.environment.clone()),
        Where::Exactly(path) => Engine::at(path, task.environment.clone()),
    };
    match engine {
        Ok(engine) => {
            let mut exec = task.look.exec.clone().map(Exec::new);
            let reply = engine.handle(&task.request, &cancel, &mut |event| {
                let copy = exec.as_ref().map(|_| event.clone());
                screen.event(event);
                if let Some(trouble) = copy.and_then(|event| exec.as_mut()?.hear(&event)) {
                    screen.event(Event::Diagnostic(Diagnostic::warning(trouble)));
                }
            });
            screen.finish(engine.root(), &reply)
        }
        Err(e) => screen.failed(&Failure::of(&e, false)),
    }
}
