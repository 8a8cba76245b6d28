//! What goes to one client: whoever has something to say never waits for the client to read it.
//!
//! A line is written at once as far as the socket takes it.  What it does not take is queued, and
//! a thread of its own writes it; a client that has not read so much that the queue is full is
//! given up.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{SendFlags, send};

/// How many bytes may be waiting for a client that does not read.
const FULL: usize = 256 << 20;

/// The way to one client.
pub struct Outbox {
    stream: UnixStream,
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    closed: bool,
}

impl Outbox {
    /// The way to the client at the other end of `stream`.
    pub fn new(stream: UnixStream) -> Arc<Outbox> {
        Arc::new(Outbox { stream, state: Mutex::default(), more: Condvar::new() })
    }

    /// Sends a line.
    pub fn send(self: &Arc<Outbox>, line: Vec<u8>) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        let mut rest = &line[..];
        if !state.writing {
            while !rest.is_empty() {
                match send(&self.stream, rest, SendFlags::DONTWAIT) {
                    Ok(count) => rest = &rest[count..],
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => break,
                    Err(_) => return self.give_up(&mut state),
                }
            }
        }
        if rest.is_empty() {
            return;
        }
        state.bytes += rest.len();
        state.queue.push_back(rest.to_vec());
        if state.bytes > FULL {
            return self.give_up(&mut state);
        }
        if !state.writing {
            let outbox = self.clone();
            let thread = std::thread::Builder::new().name("outbox".into());
            state.writing = thread.spawn(move || outbox.write()).is_ok();
            if !state.writing {
                return self.give_up(&mut state);
            }
        }
        self.more.notify_one();
    }

    /// Whether something waits to be read by the client.
    pub fn is_behind(&self) -> bool {
        self.state().bytes > 0
    }

    /// Ends the connection.
    pub fn close(&self) {
        self.give_up(&mut self.state());
    }

    fn give_up(&self, state: &mut State) {
        state.closed = true;
        state.queue.clear();
        state.bytes = 0;
        self.stream.shutdown(Shutdown::Both).ok();
        self.more.notify_all();
    }

    /// Writes what is queued, until the connection ends.
    fn write(&self) {
        loop {
            let mut state = self.state();
            while state.queue.is_empty() && !state.closed {
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Some(piece) = state.queue.pop_front() else { return };
            drop(state);
            if self.write_all(&piece).is_err() {
                return self.close();
            }
            let mut state = self.state();
            state.bytes = state.bytes.saturating_sub(piece.len());
        }
    }

    fn write_all(&self, mut piece: &[u8]) -> io::Result<()> {
        while !piece.is_empty() {
            match send(&self.stream, piece, SendFlags::DONTWAIT) {
                Ok(count) => piece = &piece[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    match poll(&mut [PollFd::new(&self.stream, PollFlags::OUT)], None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
