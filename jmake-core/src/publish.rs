//! Puts results where the user looks, last of all.
//!
//! A result is copied beside its place and renamed over it, so a process that has the old library
//! loaded keeps it, and nothing ever sees half a file.  Nothing is published from a failed build.
//! What jmake published earlier and no longer makes is removed, but only while it is still exactly
//! what jmake wrote there.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context as _, Result, bail};
use serde::{Serialize, Serializer as _};

use crate::action::{Action, ActionId, Arg, Graph};
use crate::digest::Digest;
use crate::event::{ActionKind, Event};
use crate::execute::Executed;
use crate::fs;
use crate::memo::Memo;
use crate::path::{FilePath, Root};
use crate::plan::{Plan, STATE_DIR};
use crate::run::Context;
use crate::scratch;
use crate::trace::Made;

/// Publishes every goal of `plan` that `executed` made; gives the actions whose results are
/// nowhere any more, although they are recorded: damage, or a collection at the wrong moment.
///
/// # Errors
/// When a result cannot be put in place.
pub fn publish(
    context: &Context<'_>,
    plan: &Plan,
    executed: &Executed,
    on_event: &mut dyn FnMut(Event),
) -> Result<HashSet<ActionId>> {
    let mut lost = HashSet::new();
    let folders: BTreeSet<_> = plan.goals.iter().filter_map(|goal| goal.file.parent()).collect();
    for folder in folders {
        // A build that was killed while it published has left half a file here.
        scratch::sweep(&context.memo.root().resolve(&folder));
    }
    for goal in &plan.goals {
        let action = &plan.graph.actions()[goal.action];
        let Some(made) = executed.made.get(&goal.action).and_then(|made| made.first()) else { continue };
        match put(context, &goal.file, action.name(), made)? {
            Put::Written => on_event(Event::Published { path: goal.file.to_string() }),
            Put::Lost => {
                lost.insert(goal.action);
            }
            Put::Right => {}
        }
    }
    Ok(lost)
}

enum Put {
    /// It was there already.
    Right,
    Written,
    /// Its content is neither on disk nor in the store.
    Lost,
}

/// Makes `file` what `made` says, from `result` or from the store.
fn put(context: &Context<'_>, file: &FilePath, result: &FilePath, made: &Made) -> Result<Put> {
    let memo = context.memo;
    let place = memo.root().resolve(file);
    let right_mode = memo.stat(file).is_some_and(|stat| stat.mode & 0o777 == made.mode);
    if right_mode && memo.digest(file).is_ok_and(|there| there == made.digest) {
        return Ok(Put::Right);
    }
    let folder = place.parent().unwrap_or(memo.root().as_path());
    if folder.exists() && !folder.is_dir() {
        bail!("the output folder `{}` is a file; remove it or set `binary.output_dir`", folder.display());
    }
    fs::create_dir_all(folder)?;
    let from = memo.root().resolve(result);
    let copied = memo.digest(result).is_ok_and(|there| there == made.digest)
        && fs::copy(&from, &place, made.mode, Some(made.digest))
            .with_context(|| format!("cannot write `{file}`"))?
            .is_some();
    let fetched = || match context.store {
        Some(store) => {
            store.get(made.digest, &place, made.mode).with_context(|| format!("cannot write `{file}`"))
        }
        None => Ok(false),
    };
    if !copied && !fetched()? {
        return Ok(Put::Lost);
    }
    memo.wrote(file, made.digest);
    Ok(Put::Written)
}

/// Notes what was published; if this build made `everything`, removes what an earlier one
/// published and it did not.
///
/// # Errors
/// When the list of published files cannot be written.
pub fn remove_orphans(
    memo: &Memo,
    plan: &Plan,
    executed: &Executed,
    everything: bool,
) -> Result<Vec<FilePath>> {
    let list = memo.root().as_path().join(STATE_DIR).join("published.json");
    let before: BTreeMap<String, String> =
        fs::read(&list).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut now = if everything { BTreeMap::new() } else { before.clone() };
    for goal in &plan.goals {
        if let Some(made) = executed.made.get(&goal.action).and_then(|made| made.first()) {
            now.insert(hex(goal.file.as_bytes()), made.digest.hex());
        }
    }
    let mut removed = Vec::new();
    for (name, digest) in &before {
        let Some(file) = unhex(name).map(FilePath::new) else { continue };
        let ours = Digest::parse(digest).is_some_and(|ours| memo.digest(&file).is_ok_and(|d| d == ours));
        if !now.contains_key(name) && ours && fs::remove_file(&memo.root().resolve(&file)).is_ok() {
            memo.forget(&file);
            removed.push(file);
        }
    }
    if now != before {
        fs::write_own(&list, &serde_json::to_vec_pretty(&now)?)?;
    }
    Ok(removed)
}

/// Everything jmake has published in this project and that is still what it wrote.
pub fn published(memo: &Memo) -> Vec<FilePath> {
    published_and_changed(memo).0
}

/// What jmake has published in this project: first what is still as it wrote it, then what
/// somebody has changed since.
pub fn published_and_changed(memo: &Memo) -> (Vec<FilePath>, Vec<FilePath>) {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for (file, digest) in listed(memo.root()) {
        match memo.digest(&file) {
            Ok(there) if digest == there => ours.push(file),
            Ok(_) => others.push(file),
            Err(_) => {}
        }
    }
    (ours, others)
}

/// What the last good builds of the project at `root` have published, and with which content, by
/// path.
pub fn listed(root: &Root) -> BTreeMap<FilePath, Digest> {
    let list = root.as_path().join(STATE_DIR).join("published.json");
    let listed: BTreeMap<String, String> =
        fs::read(&list).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let entry =
        |(name, digest): (&String, &String)| Some((FilePath::new(unhex(name)?), Digest::parse(digest)?));
    listed.iter().filter_map(entry).collect()
}

/// File names are bytes and JSON is text.
fn hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("/{text}"),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn unhex(name: &str) -> Option<Vec<u8>> {
    if let Some(text) = name.strip_prefix('/') {
        return Some(text.as_bytes().to_vec());
    }
    let digit = |b: u8| (b as char).to_digit(16);
    name.as_bytes().chunks(2).map(|pair| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8)).collect()
}

/// One entry of `compile_commands.json`.
#[derive(Serialize)]
struct CompileCommand<'a> {
    directory: &'a str,
    file: Cow<'a, str>,
    output: Cow<'a, str>,
    arguments: Vec<Cow<'a, str>>,
}

/// The file in the state folder that says how each source is compiled.
const COMMANDS: &str = "compile_commands.json";

/// Whether the file that [`compile_commands`] writes is there.
pub fn has_compile_commands(memo: &Memo) -> bool {
    memo.root().as_path().join(STATE_DIR).join(COMMANDS).is_file()
}

/// Writes `compile_commands.json` for editors into the state folder, and links it at the root when
/// nothing of that name is there.
///
/// # Errors
/// When it cannot be written.
pub fn compile_commands(memo: &Memo, graph: &Graph) -> Result<()> {
    let root = memo.root().as_path();
    let directory = root.to_string_lossy();
    let compiles = graph.actions().iter().filter(|action| action.kind == ActionKind::Compile);
    let mut text = serde_json::Serializer::pretty(Vec::new());
    text.collect_seq(compiles.map(|action| compile_command(&directory, action)))?;
    let file = root.join(STATE_DIR).join(COMMANDS);
    fs::write_own_if_changed(&file, &text.into_inner())?;
    let link = root.join(COMMANDS);
    if link.symlink_metadata().is_err() {
        // A file system without links, or a root that is read-only, does not stop a build.
        fs::symlink(&std::path::Path::new(STATE_DIR).join(COMMANDS), &link).ok();
    }
    Ok(())
}

fn compile_command<'a>(directory: &'a str, action: &'a Action) -> CompileCommand<'a> {
    let output = String::from_utf8_lossy(action.name().as_bytes());
    let tool = String::from_utf8_lossy(action.tool.path.as_bytes());
    let arguments = action.args.iter().filter_map(|arg| match arg {
        Arg::Text(text) => Some(String::from_utf8_lossy(text)),
        Arg::Output { prefix, .. } => Some(format!("{prefix}{output}").into()),
        Arg::Depfile { prefix } => Some(format!("{prefix}{output}.d").into()),
        Arg::File { .. } | Arg::Scratch { .. } => None,
    });
    let arguments = std::iter::once(tool).chain(arguments).collect();
    CompileCommand { directory, file: action.label.as_str().into(), output, arguments }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_json() {
        for name in [&b"julia/libx.so"[..], b"\xff\xfe", b"a\"b\\", b""] {
            assert_eq!(unhex(&hex(name)).as_deref(), Some(name));
        }
    }
}
