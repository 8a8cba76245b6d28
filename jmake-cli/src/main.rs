//! The command `jmake`: parse, call, render, exit.
//!
//! [`args`] turns what was typed into a request, the engine of `jmake-core` does the work, and
//! [`render`] turns events and the reply into what a person or a program reads.  The engine is
//! asked here, or by a [`daemon`] at the other end of a socket ([`client`]); the answer is the same.

mod args;
mod client;
mod daemon;
mod exec;
mod kin;
mod manual;
mod place;
mod render;
mod stop;
mod timings;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use jmake_core::engine::Engine;
use jmake_core::event::{Diagnostic, Event};
use jmake_core::request::Failure;

use args::{Job, Task, Where};
use client::Question;
use exec::Exec;
use render::Screen;
use stop::Interrupt;

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
        Ok(Job::Control(errand)) => client::control::run(&errand),
        Ok(Job::Serve(order)) => daemon::serve(&order),
        Err(problem) => problem.show(),
    }
}

/// Opens the engine, puts the request to a daemon or to the engine itself, shows what comes.
fn ask(task: &Task) -> u8 {
    let interrupt = Interrupt::default();
    let mut screen = Screen::new(&task.look);
    let engine = match &task.place {
        Where::ProjectOf(path) => Engine::open(path, task.environment.clone()),
        Where::Exactly(path) => Engine::at(path, task.environment.clone()),
    };
    let engine = match engine {
        Ok(engine) => engine,
        Err(e) => return screen.failed(&Failure::of(&e, false)),
    };
    let question = Question { root: engine.root(), environment: &task.environment, request: &task.request };
    let mut exec = task.look.exec.clone().map(Exec::new);
    let mut show = |screen: &mut Screen, event: Event| {
        let copy = exec.as_ref().map(|_| event.clone());
        screen.event(event);
        if let Some(trouble) = copy.and_then(|event| exec.as_mut()?.hear(&event)) {
            screen.event(Event::Diagnostic(Diagnostic::warning(trouble)));
        }
    };
    let asked = client::ask(&question, &task.wish, &interrupt, &mut |event| show(&mut screen, event));
    let mut without = match asked {
        Ok((reply, aside)) => {
            aside.iter().for_each(|note| screen.aside(note));
            return screen.finish(engine.root(), &reply);
        }
        Err(without) if without.interrupted => return screen.failed(&client::interrupted()),
        Err(without) => without,
    };
    interrupt.listen();
    screen.without_daemon(&without);
    let reply =
        engine.handle(&task.request, &interrupt.cancel, &mut |event| match without.ends_the_holder(&event) {
            Some(done) => screen.aside(&done),
            None => show(&mut screen, event),
        });
    screen.finish(engine.root(), &reply)
}
