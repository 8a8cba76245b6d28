//! Who is at the other end of a socket, and whether this process and that one live under the same
//! limits.

use std::os::unix::net::UnixStream;

use jmake_core::digest::Fields;
use rustix::process::Rlimit;

/// The process at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its number, where the system tells.
    pub pid: Option<i32>,
}

/// The user of this process.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Who is at the other end of `stream`, as the kernel knows it.
///
/// # Errors
/// When the kernel does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer(stream: &UnixStream) -> std::io::Result<Peer> {
    let told = nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::PeerCredentials)?;
    Ok(Peer { uid: told.uid(), pid: Some(told.pid()).filter(|pid| *pid > 0) })
}

/// Who is at the other end of `stream`, as the kernel knows it.
///
/// # Errors
/// When the kernel does not tell.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn peer(stream: &UnixStream) -> std::io::Result<Peer> {
    let (uid, _) = nix::unistd::getpeereid(stream)?;
    Ok(Peer { uid: uid.as_raw(), pid: None })
}

/// The umask of this process.  It can only be read by setting it, so this is for a moment in
/// which no other thread makes files.
pub fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::umask(mask);
    mask.bits()
}

/// Everything by which the system limits the processes that this one starts, in short: resource
/// limits, priority, processors, and which mounts it sees.
pub fn limits() -> String {
    let mut fields = Fields::new();
    for resource in RESOURCES {
        let Rlimit { current, maximum } = rustix::process::getrlimit(resource);
        fields.push("limit", format!("{current:?} {maximum:?}"));
    }
    fields.push("priority", format!("{:?}", rustix::process::getpriority_process(None).ok()));
    #[cfg(target_os = "linux")]
    {
        if let Ok(set) = rustix::thread::sched_getaffinity(None) {
            let used: Vec<u8> =
                (0..rustix::thread::CpuSet::MAX_CPU).map(|cpu| set.is_set(cpu).into()).collect();
            fields.push("processors", used);
        }
        let mounts = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
        fields.push("mounts", jmake_core::path::bytes_of(mounts.as_os_str()));
    }
    fields.digest().short()
}

use rustix::process::Resource;

#[cfg(target_os = "linux")]
const RESOURCES: [Resource; 16] = [
    Resource::Cpu,
    Resource::Fsize,
    Resource::Data,
    Resource::Stack,
    Resource::Core,
    Resource::Rss,
    Resource::Nproc,
    Resource::Nofile,
    Resource::Memlock,
    Resource::As,
    Resource::Locks,
    Resource::Sigpending,
    Resource::Msgqueue,
    Resource::Nice,
    Resource::Rtprio,
    Resource::Rttime,
];

#[cfg(not(target_os = "linux"))]
const RESOURCES: [Resource; 6] =
    [Resource::Cpu, Resource::Fsize, Resource::Data, Resource::Stack, Resource::Core, Resource::Nofile];
