//! Incremental builds of C and C++ folders through a graph of LLVM IR.
//!
//! The modules below are listed in dependency order: a module uses only modules above it
//! (`tests/layers.rs` checks that).  Start reading at `engine`, the one door, or at
//! `docs/architecture.md`.

pub mod path;
pub mod digest;
pub mod event;
pub mod fs;
pub mod codec;
pub mod lex;
pub mod memo;
pub mod process;
pub mod discover;
