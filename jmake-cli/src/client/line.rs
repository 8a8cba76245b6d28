//! The client's end of a connection: bounded in every wait.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType};

use crate::kin::{self, Peer};
use crate::place::Place;
use crate::wire::Lines;

/// How long a daemon may take to take in what is said to it.
const SEND: Duration = Duration::from_millis(500);

/// A connection to a daemon of the same user.
pub struct Line {
    stream: UnixStream,
    lines: Lines,
    /// The process at the other end.
    pub peer: Peer,
}

/// Why there is no connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoLine {
    /// There is no daemon.
    Nobody,
    /// There is something, and it is not to be used.
    Refused(String),
}

/// Why a connection is of no use any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Nothing was heard for too long.
    Silent,
    /// It ended.
    Ended,
    /// What came makes no sense, or an error of the system.
    Garbled(String),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Silent => f.write_str("the daemon does not answer"),
            Broken::Ended => f.write_str("the daemon ended the connection"),
            Broken::Garbled(why) => write!(f, "the daemon's answer makes no sense: {why}"),
        }
    }
}

impl Line {
    /// Connects to the daemon at `place`, without waiting.
    ///
    /// # Errors
    /// When there is none, or none that may be used.
    pub fn to(place: &Place) -> Result<Line, NoLine> {
        if !place.check().map_err(NoLine::Refused)? {
            return Err(NoLine::Nobody);
        }
        let failed = |what: &str, e: rustix::io::Errno| {
            NoLine::Refused(format!("cannot {what} `{}`: {}", place.socket().display(), io::Error::from(e)))
        };
        let address = SocketAddrUnix::new(place.socket()).map_err(|e| failed("name", e))?;
        let socket = socket().map_err(|e| failed("make a socket for", e))?;
        loop {
            match rustix::net::connect(&socket, &address) {
                Ok(()) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::NOENT) => return Err(NoLine::Nobody),
                Err(rustix::io::Errno::CONNREFUSED) => {
                    // The system says the same of a file that is no socket.
                    return Err(place.is_blocked().map_or(NoLine::Nobody, NoLine::Refused));
                }
                Err(rustix::io::Errno::AGAIN) => {
                    return Err(NoLine::Refused("the daemon does not take in clients".into()));
                }
                Err(e) => return Err(failed("connect to", e)),
            }
        }
        let stream = UnixStream::from(socket);
        let peer = kin::peer(&stream)
            .map_err(|e| NoLine::Refused(format!("cannot tell whose daemon it is: {e}")))?;
        if peer.uid != kin::own_uid() {
            return Err(NoLine::Refused(format!("the daemon is that of the user {}", peer.uid)));
        }
        Ok(Line { stream, lines: Lines::default(), peer })
    }

    /// Another handle of the connection, by which somebody else can say something.
    pub fn other_handle(&self) -> Option<UnixStream> {
        self.stream.try_clone().ok()
    }

    /// Says `bytes`.
    ///
    /// # Errors
    /// When the daemon does not take them in.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        say(&self.stream, bytes)
    }

    /// The next line, if one comes within `patience`.
    ///
    /// # Errors
    /// When none does.
    pub fn next(&mut self, patience: Duration) -> Result<Vec<u8>, Broken> {
        let until = Instant::now() + patience;
        loop {
            match self.lines.take() {
                Ok(Some(line)) => return Ok(line.to_vec()),
                Ok(None) => {}
                Err(_) => return Err(Broken::Garbled("a line without end".into())),
            }
            if !self.more(until)? {
                return Err(Broken::Silent);
            }
        }
    }

    /// Whether anything comes by `until`.
    fn more(&mut self, until: Instant) -> Result<bool, Broken> {
        // Small, for each page of it that is touched for the first time costs as much as a call.
        let mut piece = [0; 1 << 12];
        loop {
            match rustix::net::recv(&self.stream, &mut piece[..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Broken::Ended),
                Ok((_, count)) => {
                    self.lines.push(&piece[..count]);
                    return Ok(true);
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => {}
                Err(rustix::io::Errno::CONNRESET) => return Err(Broken::Ended),
                Err(e) => return Err(Broken::Garbled(io::Error::from(e).to_string())),
            }
            if !wait(&self.stream, PollFlags::IN, until)? {
                return Ok(false);
            }
        }
    }

    /// Whether the daemon still says nothing, and has not ended either.
    pub fn is_silent(&mut self) -> bool {
        matches!(self.more(Instant::now()), Ok(false))
    }
}

/// A socket that waits for nothing.
#[cfg(target_os = "linux")]
fn socket() -> rustix::io::Result<OwnedFd> {
    let flags = rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// A socket that waits for nothing.
#[cfg(not(target_os = "linux"))]
fn socket() -> rustix::io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Says `bytes` over `stream`.
///
/// # Errors
/// When they are not taken in.
pub fn say(stream: &UnixStream, mut bytes: &[u8]) -> Result<(), Broken> {
    let until = Instant::now() + SEND;
    while !bytes.is_empty() {
        match rustix::net::send(stream, bytes, SendFlags::DONTWAIT) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                if !wait(stream, PollFlags::OUT, until)? {
                    return Err(Broken::Silent);
                }
            }
            Err(_) => return Err(Broken::Ended),
        }
    }
    Ok(())
}

/// Waits until `stream` is ready; `false` when it is not by `until`.
fn wait(stream: &UnixStream, what: PollFlags, until: Instant) -> Result<bool, Broken> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(stream, what)], Some(&time)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Broken::Garbled(io::Error::from(e).to_string())),
        }
    }
}
