//! The daemon: how it lives, what odd things it and its clients meet, and that a build is right
//! whatever becomes of it.
//!
//! Real sockets, real processes, the fake toolchain.  Nothing of the user's is touched: each test
//! has a home and a run folder of its own, and ends its daemons.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests start, kill, write and remove as they like")]

#[path = "../../../jmake-core/tests/support/calls/mod.rs"]
mod calls;
mod chaos;
mod clients;
#[path = "../support/daemons.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod daemons;
mod eager;
#[path = "../../../jmake-core/tests/support/fake.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod fake;
mod faults;
mod field;
mod lifecycle;
mod odd;
mod protocol;
mod random;
mod services;
