//! One connection: what its client asks, and what is to be done when it goes away.
//!
//! A thread reads; it also gives the sign of life while something is being done, and notices the
//! end of the connection, which cancels all that the client asked for.  Each request is worked on
//! by a thread of its own.  An answer is sent only if its request is still waited for.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use super::builds::{Key, Left, Ticket, interrupted};
use super::outbox::Outbox;
use super::{Daemon, log, methods};
use crate::kin::Peer;
use crate::wire::{self, Call, Hello, Lines};

/// How often a client hears something while it waits.
const BEAT: Duration = Duration::from_millis(500);
/// How long a client may take to say who it is, and to finish a line that it has begun.
const SLOW: Duration = Duration::from_secs(5);
/// How long what a lost client asked for may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// One connection.
pub struct Session {
    daemon: Arc<Daemon>,
    /// The process at the other end.
    pub peer: Peer,
    outbox: Arc<Outbox>,
    hello: OnceLock<Hello>,
    /// When it was made.
    pub born: Instant,
    /// Whether it has asked for anything.
    pub asked: AtomicBool,
    requests: Mutex<HashMap<String, Arc<Request>>>,
    fewer: Condvar,
}

/// A request that is being worked on.
pub struct Request {
    /// By which the client knows it.
    pub id: Value,
    /// Its part in what is done.
    pub ticket: Ticket,
    /// Something could not be said, for it was too long.
    pub cut: AtomicBool,
    /// What was built for it.
    pub built: OnceLock<Key>,
}

impl Session {
    /// Serves the client at the other end of `stream`, in threads of its own; `ended` is called
    /// when it is gone.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start(
        daemon: Arc<Daemon>,
        stream: UnixStream,
        peer: Peer,
        ended: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Arc<Session>> {
        let session = Arc::new(Session {
            daemon,
            peer,
            outbox: Outbox::new(stream.try_clone()?),
            hello: OnceLock::new(),
            born: Instant::now(),
            asked: AtomicBool::new(false),
            requests: Mutex::default(),
            fewer: Condvar::new(),
        });
        let reading = session.clone();
        std::thread::Builder::new().name("session".into()).spawn(move || {
            // What is wrong with one client is no other client's concern.
            if catch_unwind(AssertUnwindSafe(|| reading.read(stream))).is_err() {
                log::line("a connection was given up");
            }
            reading.lost();
            ended();
        })?;
        Ok(session)
    }

    /// Who the client said it is.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.get()
    }

    fn read(self: &Arc<Session>, mut stream: UnixStream) {
        let mut lines = Lines::default();
        let mut beat = Instant::now() + BEAT;
        let mut begun = Instant::now();
        loop {
            let working = !self.requests().is_empty();
            let until = match () {
                () if working => Some(beat),
                () if self.hello.get().is_none() => Some(self.born + SLOW),
                () if lines.is_partial() => Some(begun + SLOW),
                () => None,
            };
            let now = Instant::now();
            let wait = until.map(|until| timespec(until.saturating_duration_since(now)));
            let mut polled = [PollFd::new(&stream, PollFlags::IN)];
            match poll(&mut polled, wait.as_ref()) {
                Ok(0) if working => {
                    self.beat();
                    beat = Instant::now() + BEAT;
                    continue;
                }
                Ok(0) => return self.outbox.close(),
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            if !lines.is_partial() {
                begun = Instant::now();
            }
            match lines.fill(&mut stream) {
                Ok(0) => return,
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            loop {
                match lines.take() {
                    Ok(Some(line)) => self.line(line),
                    Ok(None) => break,
                    Err(wire::TooLong) => {
                        let why = format!("a line may have {} bytes", wire::LIMIT);
                        self.outbox.send(wire::error(&Value::Null, &wire::Error::new(wire::INVALID, why)));
                        return self.outbox.close();
                    }
                }
            }
            if !working {
                beat = Instant::now() + BEAT;
            } else if Instant::now() >= beat {
                self.beat();
                beat = Instant::now() + BEAT;
            }
        }
    }

    /// A sign of life for each request, unless something waits to be read anyway.
    fn beat(&self) {
        if self.outbox.is_behind() {
            return;
        }
        let ids: Vec<Value> = self.requests().values().map(|request| request.id.clone()).collect();
        for id in ids {
            self.outbox.send(wire::alive(&id));
        }
    }

    fn line(self: &Arc<Session>, line: &[u8]) {
        let call = match wire::call(line) {
            Ok(call) => call,
            Err((id, error)) => return self.outbox.send(wire::error(&id, &error)),
        };
        let refused = |id: &Value, error: &wire::Error| self.outbox.send(wire::error(id, error));
        let Some(id) = call.id.clone() else { return self.notified(&call) };
        if call.method == "hello" {
            let answer = match self.hello.get() {
                Some(_) => Err(wire::Error::new(wire::INVALID, "`hello` is said once")),
                None => self.daemon.greet(&call.params),
            };
            return match answer {
                Ok((hello, welcome)) => {
                    self.hello.set(hello).ok();
                    self.outbox.send(wire::result(&id, &welcome));
                }
                Err(error) => refused(&id, &error),
            };
        }
        if self.hello.get().is_none() {
            return refused(&id, &wire::Error::new(wire::INVALID, "say `hello` first"));
        }
        let first = !self.asked.swap(true, Ordering::SeqCst);
        if !self.daemon.begin(first) {
            return refused(&id, &wire::Error::new(wire::ENDING, "the daemon is about to end"));
        }
        if let Err(error) = self.work(id.clone(), call) {
            self.daemon.done();
            refused(&id, &error);
        }
    }

    /// Lets a thread of its own work on a request.
    fn work(self: &Arc<Session>, id: Value, call: Call) -> Result<(), wire::Error> {
        let key = id.to_string();
        let session = self.clone();
        let name = key.clone();
        let request = Arc::new_cyclic(|request: &std::sync::Weak<Request>| {
            let (outbox, named, request) = (self.outbox.clone(), id.clone(), request.clone());
            let hear = move |event: &str| match wire::event(&named, event) {
                Some(line) => outbox.send(line),
                None => drop(request.upgrade().map(|request| request.cut.store(true, Ordering::SeqCst))),
            };
            Request {
                id,
                ticket: Ticket::new(Arc::new(hear)),
                cut: AtomicBool::new(false),
                built: OnceLock::new(),
            }
        });
        match self.requests().entry(key) {
            std::collections::hash_map::Entry::Occupied(_) => {
                return Err(wire::Error::new(wire::INVALID, "a request with this `id` is under way"));
            }
            std::collections::hash_map::Entry::Vacant(place) => drop(place.insert(request.clone())),
        }
        let thread = std::thread::Builder::new().name("request".into());
        let started = thread.spawn(move || {
            let work = || methods::answer(&session.daemon, &session, &request, call);
            let line = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(line) => line,
                Err(_) => {
                    let bug = wire::Error::new(wire::BUG, "a bug in the daemon; see its log");
                    wire::error(&request.id, &bug)
                }
            };
            session.answer(&request, line);
            session.daemon.warm.held().rest();
            if let Some(key) = request.built.get() {
                session.daemon.asked_for(key);
            }
            session.daemon.done();
            session.daemon.look_at_memory();
        });
        started.map(drop).map_err(|e| {
            self.requests().remove(&name);
            wire::Error::new(wire::BUG, format!("no more threads can be had: {e}"))
        })
    }

    /// Answers `request`, unless that was done or nobody waits any more.
    pub fn answer(&self, request: &Request, line: Vec<u8>) {
        let waited = self.requests().remove(&request.id.to_string()).is_some();
        if waited {
            self.outbox.send(line);
        }
        self.fewer.notify_all();
    }

    fn notified(&self, call: &Call) {
        if call.method != "cancel" {
            return;
        }
        let key = call.params.get("id").map(Value::to_string);
        let request = key.and_then(|key| self.requests().get(&key).cloned());
        if let Some(request) = request
            && self.daemon.builds.leave(&request.ticket) == Left::GoesOn
        {
            self.answer(&request, wire::result(&request.id, &interrupted()));
        }
    }

    /// Leaves all requests to the client, which is told that the daemon ends.
    pub fn hand_back(&self) {
        for request in self.all() {
            self.answer(
                &request,
                wire::error(&request.id, &wire::Error::new(wire::ENDING, "the daemon ends")),
            );
            self.daemon.builds.leave(&request.ticket);
        }
    }

    /// The client is gone: nothing that it asked for is done any longer.
    fn lost(&self) {
        for request in self.all() {
            self.daemon.builds.leave(&request.ticket);
        }
        let end = Instant::now() + GRACE;
        let mut requests = self.requests();
        while !requests.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.fewer.wait_timeout(requests, left);
            requests = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let stubborn: Vec<_> = requests.drain().map(|(_, request)| request).collect();
        drop(requests);
        for request in stubborn {
            self.daemon.builds.leave(&request.ticket);
        }
        self.outbox.close();
    }

    fn all(&self) -> Vec<Arc<Request>> {
        self.requests().values().cloned().collect()
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<String, Arc<Request>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `time` for the kernel, never less.
pub fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) }
}
