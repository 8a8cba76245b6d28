//! Builds one at a time: who runs, who waits, who shares.
//!
//! A project can be built once at a time.  A request that equals one in line joins it: its client
//! hears all that has happened and the rest.  If the joined run began *after* the request came, its
//! reply is the reply.  If it was already under way, it may have missed an edit; so the request is
//! put again, which costs nothing when there was none: then the joined run's reply is the reply,
//! and what the second run said (warnings shown once more) is not passed on.
//!
//! A run lives as long as somebody waits for it.  It is carried out by the thread of the request
//! that began it, also after that one's client has gone, if others have joined.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use jmake_core::build::{Build, Built};
use jmake_core::configure::Environment;
use jmake_core::event::{Event, Outcome};
use jmake_core::process::Cancel;
use jmake_core::request::Reply;

/// What makes two builds the same.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// The environment of whoever asks.
    pub environment: Environment,
    /// What is asked.
    pub build: Build,
    /// With what umask.
    pub umask: u32,
}

/// Hears events, each written as JSON.  It must not wait for anything.
pub type Hear = Arc<dyn Fn(&str) + Send + Sync>;

/// What a run does: ended early by the first, heard by the second.
pub type Work<'a> = dyn Fn(&Cancel, &mut dyn FnMut(Event)) -> Reply + 'a;

/// The line of runs; the first is under way.
#[derive(Default)]
pub struct Builds {
    line: Mutex<VecDeque<Arc<Run>>>,
    moved: Condvar,
    /// Tells what came before what: requests as they come, and runs as they begin.
    clock: AtomicU64,
}

/// One piece of work that nobody else may do at the same time.
pub struct Run {
    key: Option<Key>,
    holder: String,
    cancel: Cancel,
    inner: Mutex<Inner>,
    ended: Condvar,
}

#[derive(Default)]
struct Inner {
    begun: Option<u64>,
    /// Everybody has left before its end.
    abandoned: bool,
    told: Vec<(bool, Arc<str>)>,
    seats: Vec<Seat>,
    next: u64,
    end: Option<Option<Reply>>,
}

struct Seat {
    number: u64,
    hear: Hear,
    /// What is not passed on until it is clear that the run does something.
    held: Option<Vec<Arc<str>>>,
}

/// One request's part in whatever is done for it.
pub struct Ticket {
    /// Ends what is done for this request alone.
    pub cancel: Cancel,
    hear: Hear,
    seat: Mutex<Option<(Arc<Run>, u64)>>,
}

impl Ticket {
    /// For a request whose client hears events through `hear`.
    pub fn new(hear: Hear) -> Ticket {
        Ticket { cancel: Cancel::new(), hear, seat: Mutex::default() }
    }

    /// For another piece of work for the same client.
    pub fn another(&self) -> Ticket {
        Ticket::new(self.hear.clone())
    }

    /// The same, where `also` hears the events before the client does.
    pub fn overheard(&self, also: impl Fn(&str) + Send + Sync + 'static) -> Ticket {
        let hear = self.hear.clone();
        Ticket::new(Arc::new(move |event| {
            also(event);
            hear(event);
        }))
    }

    /// Passes an event on to this request's client alone.
    pub fn tell(&self, event: &Event) {
        (self.hear)(&json(event));
    }
}

/// What comes of leaving.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// What was done for the request is being ended, and the reply will say so.
    Ended,
    /// It goes on for others.
    GoesOn,
}

impl Builds {
    /// Does `work` when its turn has come, or shares a run of the same `key`.  `holder` is what
    /// others who wait are told.
    ///
    /// # Panics
    /// When `work` does.
    pub fn ask(&self, key: Option<&Key>, holder: &str, ticket: &Ticket, work: &Work<'_>) -> Reply {
        self.share_or_do(key, holder, ticket, work).unwrap_or_else(interrupted)
    }

    /// `None` when the client left while others stayed.
    fn share_or_do(
        &self,
        key: Option<&Key>,
        holder: &str,
        ticket: &Ticket,
        work: &Work<'_>,
    ) -> Option<Reply> {
        let came = self.tick();
        let mut joined: Option<Reply> = None;
        loop {
            let (run, number, role) = self.take_seat(key, holder, ticket, came, joined.is_some())?;
            let reply = match role {
                Role::Leads => Some(self.lead(&run, work)),
                Role::Joined { .. } => run.outcome(number)?,
            };
            let held = run.stand_up(number);
            *lock(&ticket.seat) = None;
            match (reply, role) {
                (Some(reply), Role::Joined { late: true }) => joined = Some(reply).filter(succeeded),
                (Some(reply), _) => {
                    let held = held?;
                    return Some(match joined {
                        Some(joined) if did_nothing(&reply) => joined,
                        _ => {
                            held.iter().for_each(|event| (ticket.hear)(event));
                            reply
                        }
                    });
                }
                // Whoever led it came to grief.
                (None, _) => {}
            }
        }
    }

    /// The client of `ticket` no longer waits.  A second call for one whose work is being ended
    /// does not wait for an orderly end.
    pub fn leave(&self, ticket: &Ticket) -> Left {
        ticket.cancel.cancel();
        let Some((run, number)) = lock(&ticket.seat).clone() else { return Left::Ended };
        let mut inner = lock(&run.inner);
        let was = inner.seats.len();
        if was > 1 {
            inner.seats.retain(|seat| seat.number != number);
            run.ended.notify_all();
            return if inner.seats.len() < was { Left::GoesOn } else { Left::Ended };
        }
        if inner.seats.first().is_some_and(|seat| seat.number != number) {
            return Left::GoesOn;
        }
        inner.abandoned = true;
        drop(inner);
        run.cancel.cancel();
        // Under the lock of the line, so that no one who is about to wait misses it.
        let _line = lock(&self.line);
        self.moved.notify_all();
        Left::Ended
    }

    /// Who has the turn, and how many wait for it or share it.
    pub fn now(&self) -> Option<(String, usize)> {
        let line = lock(&self.line);
        let seats: usize = line.iter().map(|run| lock(&run.inner).seats.len()).sum();
        line.front().map(|run| (run.holder.clone(), seats.saturating_sub(1)))
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// `None` when the client has left before.
    fn take_seat(
        &self,
        key: Option<&Key>,
        holder: &str,
        ticket: &Ticket,
        came: u64,
        hold: bool,
    ) -> Option<(Arc<Run>, u64, Role)> {
        let mut line = lock(&self.line);
        // Held until the seat is known, so that whoever leaves now leaves it.
        let mut place = lock(&ticket.seat);
        if ticket.cancel.is_cancelled() {
            return None;
        }
        let same = |run: &&Arc<Run>| key.is_some() && run.key.as_ref() == key;
        let found = line.iter().rev().filter(same).find_map(|run| {
            let (number, begun) = run.sit(&ticket.hear, hold)?;
            Some((run.clone(), number, Role::Joined { late: begun.is_some_and(|begun| begun < came) }))
        });
        let (run, number, role) = found.unwrap_or_else(|| {
            let run = Arc::new(Run {
                key: key.cloned(),
                holder: holder.to_owned(),
                cancel: Cancel::new(),
                inner: Mutex::default(),
                ended: Condvar::new(),
            });
            line.push_back(run.clone());
            let number = run.sit(&ticket.hear, hold).map_or(0, |(number, _)| number);
            (run, number, Role::Leads)
        });
        *place = Some((run.clone(), number));
        Some((run, number, role))
    }

    fn lead(&self, run: &Arc<Run>, work: &Work<'_>) -> Reply {
        let mut turn = Turn { builds: self, run, reply: None };
        self.wait_for_turn(run);
        let abandoned = {
            let mut inner = lock(&run.inner);
            inner.begun = Some(self.tick());
            inner.abandoned
        };
        let reply = match abandoned {
            true => interrupted(),
            false => work(&run.cancel, &mut |event| run.tell(&event)),
        };
        turn.reply = Some(reply.clone());
        reply
    }

    fn wait_for_turn(&self, run: &Arc<Run>) {
        let mut told = false;
        let mut line = lock(&self.line);
        while !lock(&run.inner).abandoned {
            match line.front() {
                Some(first) if !Arc::ptr_eq(first, run) => {
                    if !told {
                        told = true;
                        let holder = first.holder.clone();
                        drop(line);
                        run.tell(&Event::Waiting { holder });
                        line = lock(&self.line);
                        continue;
                    }
                    line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
                }
                _ => return,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Role {
    Leads,
    /// `late`: it was already under way when the request came.
    Joined {
        late: bool,
    },
}

/// The place in the line of whoever does the work; given up however that ends.
struct Turn<'a> {
    builds: &'a Builds,
    run: &'a Arc<Run>,
    reply: Option<Reply>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut line = lock(&self.builds.line);
        line.retain(|other| !Arc::ptr_eq(other, self.run));
        lock(&self.run.inner).end = Some(self.reply.take());
        self.run.ended.notify_all();
        self.builds.moved.notify_all();
    }
}

impl Run {
    /// A seat, and when the run has begun if it has; `None` when it is over or given up.
    fn sit(&self, hear: &Hear, hold: bool) -> Option<(u64, Option<u64>)> {
        let mut inner = lock(&self.inner);
        if inner.abandoned || inner.end.is_some() {
            return None;
        }
        let mut seat = Seat { number: inner.next, hear: hear.clone(), held: hold.then(Vec::new) };
        inner.next += 1;
        for (quiet, event) in &inner.told {
            seat.pass(*quiet, event);
        }
        let number = seat.number;
        inner.seats.push(seat);
        Some((number, inner.begun))
    }

    /// Gives up a seat; `None` when it was given up before, else what was held back.
    fn stand_up(&self, number: u64) -> Option<Vec<Arc<str>>> {
        let mut inner = lock(&self.inner);
        let at = inner.seats.iter().position(|seat| seat.number == number)?;
        Some(inner.seats.swap_remove(at).held.unwrap_or_default())
    }

    fn tell(&self, event: &Event) {
        let quiet = match event {
            Event::Diagnostic(_) => true,
            Event::Finished { outcome, .. } => *outcome == Outcome::Fresh,
            _ => false,
        };
        let text: Arc<str> = json(event).into();
        let mut inner = lock(&self.inner);
        for seat in &mut inner.seats {
            seat.pass(quiet, &text);
        }
        inner.told.push((quiet, text));
    }

    /// Waits for the end; `None` when the seat was given up before that.
    fn outcome(&self, number: u64) -> Option<Option<Reply>> {
        let mut inner = lock(&self.inner);
        loop {
            if let Some(end) = &inner.end {
                return Some(end.clone());
            }
            if !inner.seats.iter().any(|seat| seat.number == number) {
                return None;
            }
            inner = self.ended.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Seat {
    fn pass(&mut self, quiet: bool, event: &Arc<str>) {
        match &mut self.held {
            Some(held) if quiet => held.push(event.clone()),
            held => {
                held.take().into_iter().flatten().for_each(|event| (self.hear)(&event));
                (self.hear)(event);
            }
        }
    }
}

fn json(event: &Event) -> String {
    // An event's keys are text, so it can be written.
    serde_json::to_string(event).unwrap_or_default()
}

/// What a build answers that was stopped.
pub fn interrupted() -> Reply {
    Reply::Built(Box::new(Built { cancelled: true, ..Built::default() }))
}

fn succeeded(reply: &Reply) -> bool {
    matches!(reply, Reply::Built(built) if built.success)
}

fn did_nothing(reply: &Reply) -> bool {
    matches!(reply, Reply::Built(built) if built.success && built.ran == 0 && built.restored == 0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
