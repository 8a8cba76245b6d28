//! The progress bar: how many actions are done, and which have been running longest.
//!
//! It shows only once a build has taken a second, so a quick one leaves no trace.  A thread draws
//! it, for no event comes while one long compile runs; the thread is started with the first
//! process, so a build in which nothing runs starts none.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jmake_core::event::Event;

/// A build shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);
/// How many running files are named.
const NAMED: usize = 3;

/// The bar.
pub struct Bar {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
    drawing: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

#[derive(Default)]
struct State {
    total: usize,
    done: usize,
    running: HashMap<usize, (Instant, String)>,
}

impl Bar {
    /// A bar that shows nothing yet.
    pub fn new(color: bool) -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let verb = if color { "{prefix:>12.green.bold}" } else { "{prefix:>12}" };
        let style =
            ProgressStyle::with_template(&format!("{verb} [{{bar:24}}] {{pos}}/{{len}}: {{wide_msg}}"));
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix("Building");
        Bar { bar, state: Arc::default(), drawing: None }
    }

    /// Counts what happens.
    pub fn hear(&mut self, event: &Event) {
        let mut state = lock(&self.state);
        match event {
            Event::Planned { actions } => state.total = *actions,
            Event::Started { action, label, .. } => {
                state.running.insert(*action, (Instant::now(), label.clone()));
                drop(state);
                self.start();
            }
            Event::Finished { action, .. } => {
                state.running.remove(action);
                state.done += 1;
            }
            Event::Waiting { .. }
            | Event::Published { .. }
            | Event::Diagnostic(_)
            | Event::Changed { .. }
            | Event::Round(_) => {}
        }
    }

    fn start(&mut self) {
        if self.drawing.is_some() {
            return;
        }
        let (stop, stopped) = mpsc::channel();
        let (bar, state) = (self.bar.clone(), self.state.clone());
        let thread = std::thread::spawn(move || draw(&bar, &state, &stopped));
        self.drawing = Some((stop, thread));
    }

    /// Lets `write` write without the bar in its way.
    pub fn aside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Takes the bar away.
    pub fn end(mut self) {
        if let Some((stop, thread)) = self.drawing.take() {
            drop(stop);
            thread.join().ok();
        }
        self.bar.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, state: &Mutex<State>, stopped: &mpsc::Receiver<()>) {
    if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    bar.set_draw_target(ProgressDrawTarget::stderr());
    loop {
        let (done, total, message) = {
            let state = lock(state);
            (state.done, state.total, longest_running(&state))
        };
        bar.set_length(total as u64);
        bar.set_position(done.min(total) as u64);
        bar.set_message(message);
        if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn longest_running(state: &State) -> String {
    let mut running: Vec<_> = state.running.values().collect();
    running.sort();
    let mut names: Vec<String> = running
        .iter()
        .take(NAMED)
        .map(|(since, label)| match since.elapsed().as_secs() {
            0 | 1 => label.clone(),
            seconds => format!("{label} ({seconds}s)"),
        })
        .collect();
    if running.len() > NAMED {
        names.push(format!("{} more", running.len() - NAMED));
    }
    names.join(", ")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_running_are_named_first() {
        let mut state = State::default();
        let now = Instant::now();
        for (id, name) in ["d.c", "c.c", "b.c", "a.c"].iter().enumerate() {
            let since = now.checked_sub(Duration::from_millis(100 * id as u64)).unwrap_or(now);
            state.running.insert(id, (since, (*name).to_owned()));
        }
        assert_eq!(longest_running(&state), "a.c, b.c, c.c, 1 more");
        assert_eq!(longest_running(&State::default()), "");
    }
}
