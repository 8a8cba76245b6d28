//! Building without being asked: the rounds of a client that watches, and those that the daemon
//! begins by itself where `daemon.eager` says so.
//!
//! Both put ordinary builds in the line ([`super::builds`]), so a client that asks for the same
//! shares what is under way.  What is built ahead runs in the background, files edited lately
//! first, and only so many rounds follow each other that nobody asks for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use jmake_core::build::{Build, Built};
use jmake_core::configure::Environment;
use jmake_core::event::Event;
use jmake_core::process::Cancel;
use jmake_core::project::DaemonSettings;
use jmake_core::request::{Failure, Reply};
use jmake_core::rounds::watch_and_build;
use serde::{Deserialize, Serialize};

use super::Daemon;
use super::builds::{Key, Ticket};

/// How many rounds follow each other that nobody asks for.
const UNASKED: u64 = 8;
/// How many files count as edited lately.
const LATELY: usize = 16;

/// What the daemon builds by itself.
#[derive(Default)]
pub struct Ahead(Mutex<State>);

#[derive(Default)]
struct State {
    /// What it follows, and how to make it stop.
    following: Option<(Key, Cancel)>,
    /// Rounds since anybody asked.
    unasked: u64,
    counts: Counts,
}

/// How often it was of use to build ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rounds that built something.
    pub prepared: u64,
    /// Rounds whose result was asked for.
    pub used: u64,
    /// Rounds that a later edit made pointless.
    pub in_vain: u64,
}

impl Ahead {
    /// How often it was of use so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round has ended that nobody asked for; tells whether there may be another.
    fn prepared(&self, built: &Built) -> bool {
        let mut state = self.lock();
        if built.ran > 0 {
            state.counts.prepared += 1;
            state.unasked += 1;
        }
        state.unasked < UNASKED
    }

    /// Somebody has asked for what was built ahead, if anything was.
    fn asked(&self) {
        let mut state = self.lock();
        let unasked = std::mem::take(&mut state.unasked);
        if unasked > 0 {
            state.counts.used += 1;
            state.counts.in_vain += unasked - 1;
        }
    }
}

impl Daemon {
    /// What follows a client's build of `key`: where the settings say so, the next one is done
    /// before it is asked for.
    pub(super) fn asked_for(self: &Arc<Daemon>, key: &Key) {
        self.ahead.asked();
        let eager = DaemonSettings::read(&self.root, &key.environment).eager;
        let mut state = self.ahead.lock();
        match &state.following {
            Some((followed, cancel)) if eager && followed == key && !cancel.is_cancelled() => return,
            Some((_, cancel)) => cancel.cancel(),
            None => {}
        }
        state.following = None;
        if !eager || key.build.force || key.build.dry_run {
            return;
        }
        let (daemon, key, cancel) = (self.clone(), key.clone(), Cancel::new());
        let (of_thread, stop) = (key.clone(), cancel.clone());
        let thread = std::thread::Builder::new().name("ahead".into());
        // Without a thread the next build is merely not done ahead.
        if thread.spawn(move || daemon.build_ahead(&of_thread, &stop)).is_ok() {
            state.following = Some((key, cancel));
        }
    }

    fn build_ahead(self: &Arc<Daemon>, key: &Key, cancel: &Cancel) {
        let lately = Mutex::new(VecDeque::new());
        let edited = || lately.lock().unwrap_or_else(PoisonError::into_inner);
        let mut build = |stop: &Cancel, _: &mut dyn FnMut(Event)| {
            let ahead = Build { ahead: Some(edited().iter().cloned().collect()), ..key.build.clone() };
            let ticket = Arc::new(Ticket::new(Arc::new(|_| {})));
            let built = self.round(key, &ahead, "a build ahead of time", &ticket, stop)?;
            if !self.ahead.prepared(&built) {
                cancel.cancel();
            }
            Ok(built)
        };
        let mut hear = |event: Event| {
            if let Event::Changed { files } = event {
                let mut lately = edited();
                for file in files {
                    lately.retain(|known| *known != file.path);
                    lately.push_front(file.path);
                }
                lately.truncate(LATELY);
            }
        };
        if let Err(e) = watch_and_build(&self.warm, &key.environment, &mut build, cancel, &mut hear) {
            super::log::line(&format!("building ahead ended: {e:#}"));
        }
    }

    /// The rounds of a client that watches.
    pub(super) fn watch(
        self: &Arc<Daemon>,
        mut key: Key,
        who: &str,
        ticket: &Ticket,
        on_event: &mut dyn FnMut(Event),
    ) -> Reply {
        let holder = format!("`jmake watch`{who}");
        let environment: Environment = key.environment.clone();
        let mut build = |stop: &Cancel, _: &mut dyn FnMut(Event)| {
            let built = self.round(&key, &key.build, &holder, &Arc::new(ticket.another()), stop);
            // Only the first round builds what is as it was.
            key.build.force = false;
            built
        };
        match watch_and_build(&self.warm, &environment, &mut build, &ticket.cancel, on_event) {
            Ok(built) => Reply::Built(Box::new(built)),
            Err(e) => Reply::Failed(Failure::of(&e, ticket.cancel.is_cancelled())),
        }
    }

    /// One build in the line, shared with whoever asks for `key`; `build` may be the same in the
    /// background.
    pub(super) fn round(
        self: &Arc<Daemon>,
        key: &Key,
        build: &Build,
        holder: &str,
        ticket: &Arc<Ticket>,
        stop: &Cancel,
    ) -> Result<Built> {
        let (daemon, left) = (self.clone(), ticket.clone());
        // The second time does not wait for an orderly end.
        stop.each(move || {
            daemon.builds.leave(&left);
        });
        let work = |cancel: &Cancel, on_event: &mut dyn FnMut(Event)| {
            let _mask = self.mask.under(key.umask);
            let built =
                self.engine(key.environment.clone()).and_then(|engine| engine.build(build, cancel, on_event));
            built.map_or_else(
                |e| Reply::Failed(Failure::of(&e, cancel.is_cancelled())),
                |built| Reply::Built(Box::new(built)),
            )
        };
        match self.builds.ask(Some(key), holder, ticket, &work) {
            Reply::Built(built) => Ok(*built),
            Reply::Failed(failure) => Err(failure.into()),
            _ => anyhow::bail!("a build was answered as something else"),
        }
    }
}
