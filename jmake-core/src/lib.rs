//! Incremental builds of C and C++ folders through a graph of LLVM IR.
//!
//! The modules below are listed in dependency order: a module uses only modules above it
//! (`tests/layers.rs` checks that).  Start reading at `engine`, the one door, or at
//! `docs/architecture.md`.  `examples/embed.rs` shows a program that embeds it.

pub mod sabotage;
pub mod path;
pub mod portable;
pub mod digest;
pub mod tally;
pub mod cause;
pub mod event;
pub mod fs;
pub mod codec;
pub mod lex;
pub mod cmake;
pub mod memo;
pub mod process;
pub mod manifest;
pub mod trust;
pub mod setup;
pub mod generate;
pub mod discover;
pub mod toolchain;
pub mod inspect;
pub mod link_errors;
pub mod complaints;
pub mod doctor;
pub mod depfile;
pub mod action;
pub mod trace;
pub mod log;
pub mod cas;
pub mod scratch;
pub mod absent;
pub mod freshness;
pub mod jobserver;
pub mod run;
pub mod execute;
pub mod diagnose;
pub mod configure;
pub mod plan;
pub mod publish;
pub mod snapshot;
pub mod project;
pub mod prepare;
pub mod recorded;
pub mod prebuilt;
pub mod built;
pub mod watch;
pub mod held;
pub mod found;
pub mod manifest_file;
pub mod warm;
pub mod standing;
pub mod build;
pub mod ir;
pub mod clean;
pub mod caches;
pub mod survey;
pub mod settings;
pub mod machine;
pub mod request;
pub mod rounds;
pub mod engine;
pub mod services;
pub mod rpc;
