//! Runs one action: everything between the decision and the trace.
//!
//! The process writes into a folder of its own ([`crate::scratch`]).  Only after exit 0, with all
//! outputs there and of the right form, the depfile whole, and every input certainly what its
//! digest says, are the outputs moved to their places and a [`Trace`] made.  An input that changed
//! while the tool ran means another run, at most four in all; anything else means failure,
//! which leaves no trace.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use object::{Object as _, ReadCache, ReadRef as _};
use rayon::prelude::*;

use crate::absent::Probes;
use crate::action::{Action, ActionId, Arg, Discovery};
use crate::cas::Store;
use crate::depfile;
use crate::digest::Digest;
use crate::discover::{Category, category_by_name};
use crate::event::ActionKind;
use crate::fs;
use crate::jobserver::Tokens;
use crate::lex::Kind;
use crate::memo::Memo;
use crate::path::{FilePath, bytes_of};
use crate::process::{self, Cancel, Finished, Spec, Status};
use crate::sabotage;
use crate::trace::{Cost, Made, Trace, UNTRACKED, Version, stored_recipe};

/// How often an action is tried when its inputs keep changing under it.
const ATTEMPTS: usize = 4;
/// Arguments longer than this altogether go through a response file (Linux allows 128 KiB for one
/// argument and about 2 MiB for all).
const RESPONSE_FILE_FROM: usize = 64 << 10;

/// The depfile's name in the scratch folder.
const DEPFILE: &str = "depfile";

/// What running actions share.
pub struct Context<'a> {
    /// Digests and facts of files.
    pub memo: &'a Memo,
    /// Absent inputs.
    pub probes: &'a Probes,
    /// Where results are shared, if they are.
    pub store: Option<&'a Store>,
    /// Where processes write before their outputs are known to be good; below the root.
    pub scratch: &'a Path,
    /// The build's request to stop.
    pub cancel: &'a Cancel,
    /// Permission to run processes, which children may ask for too.
    pub tokens: &'a Tokens,
    /// Whether whatever else the machine has to do goes first.
    pub background: bool,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The outputs are in place.
    Ran(Box<Trace>),
    /// The tool failed, or what it did cannot be trusted; the text is for the user.
    Failed {
        /// What the tool wrote and what jmake has to add.
        output: String,
        /// How long it ran.
        wall: Duration,
        /// Whether the system ended it for want of memory, by the look of it.
        killed: bool,
    },
    /// The build was cancelled.
    Cancelled,
}

/// The content of an action's declared inputs as of now, comments and all; `made` gives that of
/// files other actions made.
///
/// # Errors
/// When a file cannot be read.
pub fn declared(
    memo: &Memo,
    action: &Action,
    made: impl Fn(&FilePath, ActionId) -> Option<Digest>,
) -> Result<Vec<Version>> {
    let version = |input: &crate::action::Input| {
        let path = input.path.clone();
        let known = input.producer.and_then(|producer| made(&path, producer));
        match known {
            Some(digest) => Ok(Version { path, digest, blind: None }),
            None => read_version(memo, path, false),
        }
    };
    action.inputs.iter().map(version).collect()
}

fn read_version(memo: &Memo, path: FilePath, blind: bool) -> Result<Version> {
    let digest = memo.digest(&path).with_context(|| format!("cannot read `{path}`"))?;
    let blind = if blind { memo.facts(&path).ok().and_then(|facts| facts.comment_blind) } else { None };
    Ok(Version { path, digest, blind })
}

/// Where the outputs `action` made (`made`) are: on disk as recorded, or brought there from the
/// store.  The path of the first one that is nowhere comes back.
pub fn materialise(context: &Context<'_>, action: &Action, made: &[Made]) -> Result<(), FilePath> {
    for (path, made) in action.outputs.iter().zip(made) {
        let place = context.memo.root().resolve(path);
        if sabotage::is("trust-outputs") && place.exists() {
            continue;
        }
        if context.memo.digest(path).is_ok_and(|found| found == made.digest) {
            continue;
        }
        context.memo.forget(path);
        let folder = place.parent().unwrap_or(context.memo.root().as_path());
        let fetched = fs::create_dir_all(folder).is_ok()
            && fs::clear_way(&place).is_ok()
            && context.store.is_some_and(|store| store.get(made.digest, &place, made.mode).unwrap_or(false));
        if !fetched {
            return Err(path.clone());
        }
        context.memo.wrote(path, made.digest);
    }
    Ok(())
}

/// Runs `action`, whose declared inputs are on disk with content `inputs`, in the scratch folder
/// number `slot`, which no other action uses at the same time.
pub fn run(context: &Context<'_>, slot: usize, action: &Action, inputs: &[Version]) -> Ended {
    let mut inputs = inputs.to_vec();
    let start = Instant::now();
    let fail = |output: String, killed| Ended::Failed { output, wall: start.elapsed(), killed };
    let scratch = context.scratch.join(slot.to_string());
    for _ in 0..ATTEMPTS {
        match attempt(context, action, &inputs, &scratch) {
            Ok(Attempt::Done(trace)) => return Ended::Ran(trace),
            Ok(Attempt::Failed(ended)) => return failed(action, ended, start.elapsed()),
            Ok(Attempt::InputsMoved) => {}
            Err(e) => return fail(format!("error: {e:#}\n"), false),
        }
        // What other actions made stays as it is; files of the user are read anew.
        let made: HashMap<&FilePath, Digest> =
            inputs.iter().map(|known| (&known.path, known.digest)).collect();
        let again = declared(context.memo, action, |path, _| made.get(path).copied());
        match again {
            Ok(new) => inputs = new,
            Err(e) => return fail(format!("error: {e:#}\n"), false),
        }
    }
    fail(format!("error: files kept changing while `{}` was being built\n", action.label), false)
}

enum Attempt {
    Done(Box<Trace>),
    Failed(Finished),
    InputsMoved,
}

fn attempt(context: &Context<'_>, action: &Action, inputs: &[Version], scratch: &Path) -> Result<Attempt> {
    make_room(scratch)?;
    for (index, text) in action.keyed.iter().enumerate() {
        fs::write(&scratch.join(format!("text-{index}")), text)?;
    }
    let mut spec = command(context.memo, action, scratch)?;
    spec.background = context.background;
    // How many jobs a tool may run at once changes no result and so is not in the recipe.
    spec.env.extend(context.tokens.makeflags().map(|flags| (b"MAKEFLAGS".to_vec(), flags.into())));
    let spawn = Instant::now();
    let ended = process::run(&spec, context.cancel)
        .with_context(|| format!("cannot start `{}`", action.tool.path))?;
    if !ended.success() {
        return Ok(Attempt::Failed(ended));
    }
    let Some(trace) = trace(context, action, inputs, &ended, spawn, scratch)? else {
        return Ok(Attempt::InputsMoved);
    };
    for (index, (output, made)) in action.outputs.iter().zip(&trace.outputs).enumerate() {
        let place = context.memo.root().resolve(output);
        let temporary = output_place(action, index, scratch);
        if let Some(store) = context.store {
            store.put(&temporary, made.digest);
        }
        fs::create_dir_all(place.parent().unwrap_or(scratch))?;
        fs::clear_way(&place)
            .and_then(|()| fs::rename(&temporary, &place))
            .with_context(|| format!("cannot put `{output}` in place"))?;
        context.memo.wrote(output, made.digest);
    }
    if let Some(store) = context.store.filter(|_| trace.key != UNTRACKED) {
        store.add_trace(&trace);
    }
    Ok(Attempt::Done(Box::new(trace)))
}

/// Empties the folder `scratch` for another action, and makes it if need be.  The depfile is only
/// made empty: file systems take their time to give a new file the place of one that was removed a
/// moment ago (ext4 looks at each such place anew for seconds), and this is done for every action.
fn make_room(scratch: &Path) -> Result<()> {
    let Ok(left) = std::fs::read_dir(scratch) else { return fs::create_dir_all(scratch) };
    for left in left.flatten() {
        let path = left.path();
        match left.file_type() {
            Ok(kind) if kind.is_file() && left.file_name() == DEPFILE && fs::truncate(&path, 0).is_ok() => {}
            _ => fs::remove_all(&path)?,
        }
    }
    Ok(())
}

/// The record of the run that just ended; `None` when some input may have changed under it.
fn trace(
    context: &Context<'_>,
    action: &Action,
    inputs: &[Version],
    ended: &Finished,
    spawn: Instant,
    scratch: &Path,
) -> Result<Option<Trace>> {
    let mut seen: HashSet<FilePath> = inputs.iter().map(|input| input.path.clone()).collect();
    let mut read: Vec<FilePath> = inputs.iter().map(|input| input.path.clone()).collect();
    read.extend(
        discovered(context.memo, action, scratch)?.into_iter().filter(|path| seen.insert(path.clone())),
    );
    let facts = |path: &FilePath| match action.discovery {
        Discovery::Headers(_) => context.memo.facts(path).ok(),
        _ => None,
    };
    let embeds =
        read.iter().filter_map(facts).any(|facts| facts.includes.iter().any(|i| i.kind == Kind::Embed));
    // Equal content without comments stands for equal content only when nothing shows the text
    // and no file is taken as data.
    let comment_blind =
        (action.comment_blind && ended.output.is_empty() && !embeds) || sabotage::is("wild-comments");
    let is_assembler = inputs.first().is_some_and(|input| is_assembler(&input.path));
    let untracked = read.iter().any(|path| {
        facts(path).is_some_and(|facts| facts.incbin) || (is_assembler && has_include(context.memo, path))
    });
    let probed = context.probes.of(context.memo, &action.discovery, &read);
    read.extend(probed.asked.into_iter().filter(|path| seen.insert(path.clone())));
    let mut all = Vec::with_capacity(read.len());
    for input in inputs {
        let blind = comment_blind.then(|| facts(&input.path)?.comment_blind).flatten();
        all.push(Version { blind, ..input.clone() });
    }
    for path in read.split_off(inputs.len()) {
        all.push(read_version(context.memo, path, comment_blind)?);
    }
    // What was there must also have been what the verdict was about.
    let certain = |input: &Version| {
        context.memo.unchanged_since(&input.path, spawn)
            && context.memo.digest(&input.path).is_ok_and(|there| there == input.digest)
    };
    // Every file is asked, not only up to the first that moved: asking prepares the next attempt.
    let moved = all.par_iter().filter(|input| !certain(input)).count();
    if moved > 0 && !sabotage::is("no-recheck") {
        return Ok(None);
    }
    let recipe = action.recipe();
    let outputs = (0..action.outputs.len()).map(|index| made(action, &output_place(action, index, scratch)));
    Ok(Some(Trace {
        key: if untracked { UNTRACKED } else { recipe.digest() },
        recipe: stored_recipe(&recipe),
        inputs: all,
        declared: inputs.len(),
        absent: probed.absent.into_iter().collect(),
        outputs: outputs.collect::<Result<_>>()?,
        diagnostics: ended.output.clone(),
        comment_blind,
        cost: Cost { wall: ended.wall, peak_memory: ended.peak_memory },
    }))
}

/// What the depfile names, if the action has one.
fn discovered(memo: &Memo, action: &Action, scratch: &Path) -> Result<Vec<FilePath>> {
    if action.discovery == Discovery::None {
        return Ok(Vec::new());
    }
    let text = fs::read(&scratch.join(DEPFILE)).context("the tool wrote no dependency file")?;
    ensure!(!text.is_empty(), "the tool wrote no dependency file");
    let mut files = depfile::parse(&text)?;
    // What jmake itself wrote there for the tool is in the recipe.
    let own = memo.root().file_path(scratch);
    files.retain(|file| !file.starts_with(&own));
    if action.kind == ActionKind::Compile && !action.inputs.iter().all(|input| files.contains(&input.path)) {
        bail!("the compiler's dependency file does not name the source");
    }
    Ok(files)
}

/// What the tool made at `path`.  Refuses what a broken or killed tool leaves behind with exit
/// code 0: nothing, or half a file.
fn made(action: &Action, path: &Path) -> Result<Made> {
    let digest = fs::digest(path).with_context(|| format!("`{}` wrote no output", action.tool.path))?;
    let stat = fs::stat(path)?.with_context(|| format!("`{}` is gone", path.display()))?;
    if !is_whole(path, stat.size)? {
        bail!("`{}` ended well but its output is not whole", action.tool.path);
    }
    Ok(Made { digest, size: stat.size, mode: stat.mode & 0o777 })
}

/// Whether the file at `path`, of `size` bytes, has the form that its first bytes promise.  A
/// library may be large, so only what is asked about is read.
fn is_whole(path: &Path, size: u64) -> Result<bool> {
    let file = ReadCache::new(fs::open(path)?);
    Ok(match file.read_bytes_at(0, 8.min(size)) {
        Ok([0x7f, b'E', b'L', b'F', ..] | [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..]) => {
            object::File::parse(&file).is_ok_and(|file| file.sections().count() > 0)
        }
        Ok([b'B', b'C', 0xc0, 0xde, ..]) => size.is_multiple_of(4) && size > 16,
        Ok(start @ [b'!', b'<', b'a', b'r', ..]) => start == b"!<arch>\n",
        Ok(start) => start.len() >= 4,
        Err(()) => false,
    })
}

fn output_place(action: &Action, index: usize, scratch: &Path) -> PathBuf {
    scratch.join(crate::path::path_from_bytes(action.outputs[index].file_name()))
}

/// The process that runs `action`, writing into `scratch`.
fn command(memo: &Memo, action: &Action, scratch: &Path) -> Result<Spec> {
    let root = memo.root().as_path();
    let below = scratch.strip_prefix(root).unwrap_or(scratch);
    let spelled = |prefix: &str, path: &Path| [prefix.as_bytes(), bytes_of(path.as_os_str())].concat();
    let mut args: Vec<Vec<u8>> = Vec::with_capacity(action.args.len());
    for arg in &action.args {
        args.push(match arg {
            Arg::Text(text) => text.to_vec(),
            Arg::Output { prefix, index } => spelled(prefix, &output_place(action, *index, below)),
            Arg::Depfile { prefix } => spelled(prefix, &below.join(DEPFILE)),
            Arg::File { prefix, index } => spelled(prefix, &below.join(format!("text-{index}"))),
            Arg::Scratch { prefix, dir } => spelled(prefix, &dir.to_path_buf()),
        });
    }
    if args.iter().map(|arg| arg.len() + 1).sum::<usize>() > RESPONSE_FILE_FROM {
        let file = scratch.join("arguments");
        fs::write(&file, &response_file(&args))?;
        args = vec![[b"@", bytes_of(below.join("arguments").as_os_str())].concat()];
    }
    let mut env: Vec<_> = action
        .env
        .iter()
        .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    // Where a tool puts its own temporary files changes no result and so is not in the recipe.
    env.push((b"TMPDIR".to_vec(), bytes_of(scratch.as_os_str()).to_vec()));
    let mut argv = vec![action.tool.path.as_bytes().to_vec()];
    argv.extend(args);
    Ok(Spec { argv, env, dir: root.to_owned(), ..Spec::default() })
}

/// Arguments as LLVM's tools and the GNU linkers read them from a file: one a line, blanks,
/// quotes and backslashes escaped (`TokenizeGNUCommandLine` in LLVM's `CommandLine.cpp`).
fn response_file(args: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for arg in args {
        if arg.is_empty() {
            text.extend_from_slice(b"\"\"");
        }
        for &byte in arg {
            if byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | 0x0b) {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.push(b'\n');
    }
    text
}

fn failed(action: &Action, ended: Finished, wall: Duration) -> Ended {
    let mut output = String::from_utf8_lossy(&ended.output).into_owned();
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    let program = String::from_utf8_lossy(action.tool.path.file_name()).into_owned();
    let mut killed = false;
    match ended.status {
        Status::Cancelled => return Ended::Cancelled,
        Status::Signalled(signal) => {
            killed = signal == 9;
            let cause = if killed { " (killed, often for want of memory)" } else { "" };
            output.push_str(&format!("error: `{program}` was ended by signal {signal}{cause}\n"));
        }
        Status::Exited(code) if output.is_empty() => {
            output.push_str(&format!("error: `{program}` failed with exit code {code} and said nothing\n"));
        }
        Status::Exited(_) | Status::TimedOut => {}
    }
    Ended::Failed { output, wall, killed }
}

fn is_assembler(source: &FilePath) -> bool {
    category_by_name(source.file_name()) == Category::AsmSource
}

/// Whether the assembler reads another file for it, which no dependency list names.
fn has_include(memo: &Memo, path: &FilePath) -> bool {
    memo.text(path).is_ok_and(|text| memchr::memmem::find(&text, b".include").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_files_quote_what_a_reader_would_split() {
        let args = [&b"plain"[..], b"with blank", b"q\"'\\", b"", b"line\nbreak"].map(<[u8]>::to_vec);
        let text = response_file(&args);
        assert_eq!(text, b"plain\nwith\\ blank\nq\\\"\\'\\\\\n\"\"\nline\\\nbreak\n");
    }
}
