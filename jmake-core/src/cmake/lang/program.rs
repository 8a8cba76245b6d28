//! The commands of a file together with their blocks.
//!
//! Blocks are links between commands rather than a tree, so that neither reading nor running
//! deeply nested ones needs a deep stack.

use super::parse::{self, Command};
use crate::path::FilePath;
use std::collections::HashMap;

/// Where a block's command leads.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::cmake) struct Link {
    /// For `if` and `elseif`: the next `elseif`, `else` or the `endif`.
    pub next: usize,
    /// The command that ends the block; the number of commands when none does.
    pub end: usize,
    /// The command that opens the surrounding block, plus one; 0 at the outermost level.
    pub parent: usize,
}

/// The commands of a file.
#[derive(Debug)]
pub(in crate::cmake) struct Program {
    /// Where they stand.
    pub file: FilePath,
    /// In order.
    pub commands: Vec<Command>,
    /// One for each command.
    pub links: Vec<Link>,
    /// Line and description of what was wrong.
    pub errors: Vec<(u32, String)>,
}

impl Program {
    /// Reads a file.
    pub(in crate::cmake) fn parse(file: FilePath, bytes: &[u8]) -> Program {
        let parsed = parse::parse(bytes);
        let mut program = Program::of(file, parsed.commands);
        program.errors.extend(parsed.errors);
        program
    }

    /// Finds the blocks of `commands`.
    pub(in crate::cmake) fn of(file: FilePath, commands: Vec<Command>) -> Program {
        let count = commands.len();
        let mut links = vec![Link { next: count, end: count, parent: 0 }; count];
        let mut errors = Vec::new();
        // Of each open block: its opening command, and the latest branch of it.
        let mut open: Vec<(usize, usize)> = Vec::new();
        // How many blocks of each kind are open: without that, each ending without a beginning
        // would look through all of them.
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for (at, command) in commands.iter().enumerate() {
            let closes = opener(&command.name);
            let branch = matches!(&*command.name, "elseif" | "else");
            if let Some(wanted) = closes.or(branch.then_some("if")) {
                if counts.get(wanted).is_none_or(|&count| count == 0) {
                    errors.push((command.line, format!("`{}` without its beginning", command.name)));
                    links[at].end = at;
                    continue;
                }
                while let Some((start, _)) = open.pop_if(|(start, _)| commands[*start].name != wanted) {
                    counts.entry(&commands[start].name).and_modify(|count| *count -= 1);
                }
                if let Some((start, latest)) = open.last_mut() {
                    links[*latest].next = at;
                    links[at].parent = links[*start].parent;
                    *latest = at;
                    if closes.is_some() {
                        close(&mut links, *start, at);
                        open.pop();
                        counts.entry(wanted).and_modify(|count| *count -= 1);
                    }
                }
                continue;
            }
            links[at].parent = open.last().map_or(0, |&(start, _)| start + 1);
            if is_opener(&command.name) {
                open.push((at, at));
                *counts.entry(&command.name).or_default() += 1;
            }
        }
        errors.extend(
            open.iter().map(|&(start, _)| {
                (commands[start].line, format!("`{}` does not end", commands[start].name))
            }),
        );
        Program { file, commands, links, errors }
    }
}

/// Tells the opening command and all its branches where the block ends.
fn close(links: &mut [Link], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        links[at].end = end;
        at = links[at].next.max(at + 1);
    }
    links[end].end = end;
}

fn is_opener(name: &str) -> bool {
    matches!(name, "if" | "foreach" | "while" | "function" | "macro" | "block")
}

/// The command whose block `name` ends.
fn opener(name: &str) -> Option<&str> {
    name.strip_prefix("end").filter(|&opener| is_opener(opener))
}
