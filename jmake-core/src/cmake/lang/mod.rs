//! The language: from bytes to commands with their blocks, and the expansion of arguments.

pub(super) mod expand;
pub(super) mod parse;
pub(super) mod program;

#[cfg(test)]
mod tests;
