//! What every verb prints and how it ends, word for word.
//!
//! `SNAPSHOTS=overwrite cargo test --test transcripts -- --test-threads=1` writes the transcripts
//! anew; read them before committing them.  What differs between machines stands as `[..]`.

mod building;
mod failing;
mod graphing;
mod importing;
mod keeping;
#[path = "../support/mod.rs"]
mod support;
mod telling;

/// A source that compiles.
const ADD: (&str, &str) = ("src/add.c", "int add(int a, int b) { return a + b; }\n");
