//! What the tests of the engine share.  Not a test itself.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests damage the disk behind the engine's back")]

pub mod fake;
