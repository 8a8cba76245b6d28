//! Is an action's recorded execution still exactly what would happen now?
//!
//! | what | where it is compared |
//! |---|---|
//! | what the action does, its arguments, its environment | recipe |
//! | the tool: content of the program and of the LLVM libraries it loads | recipe (identity) |
//! | which files go in, in which order | recipe |
//! | content of those files | declared inputs |
//! | content of every header and library found, system ones included | discovered inputs |
//! | headers and libraries looked for and not found | absent inputs |
//! | files only asked for by `__has_include` | discovered inputs |
//! | places of outputs, depfiles and scratch folders | nowhere: they do not change the result |
//! | times, absolute path of the root, clock, working directory of the user | nowhere |
//! | what lies at the outputs' places | when someone needs them ([`crate::execute`]) |
//!
//! The order of questions is the order in which a person would explain: other tool, other
//! environment, other files, other flags; then the first input that changed; then the first
//! absent one that appeared.  Comments do not count where the action says so
//! ([`crate::action::Action::comment_blind`]) and the tool had nothing to say: a diagnostic shows
//! source text.
//!
//! This module decides and changes nothing.

use std::sync::atomic::{AtomicU8, Ordering};

use rustc_hash::FxHashSet;

use crate::action::{Action, field};
use crate::cas::Store;
use crate::digest::{Digest, Fields};
use crate::event::Reason;
use crate::log::{Log, Mark, PathId, Stored, VersionId};
use crate::memo::Memo;
use crate::path::FilePath;
use crate::sabotage;
use crate::trace::{Trace, UNTRACKED, Version, store_key, stored_recipe};

/// What is to be done about an action.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// Nothing: the recorded execution stands.
    Fresh(Box<Trace>),
    /// The store holds an execution with exactly these inputs: take its outputs.
    Restore(Box<Trace>, Reason),
    /// Run it.
    Run(Reason),
}

/// Why most records need not be compared: a build of the very same graph was good when the log had
/// come to `mark`, and of all that it depended on only the text of `changed` differs.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Records before it were found to stand, or made, by that build.
    pub mark: Mark,
    /// Files whose text has changed since.
    pub changed: Vec<FilePath>,
}

/// Compares recorded executions with the present.  Each file version is compared once per build,
/// however many actions read it.
pub struct Checker<'a> {
    memo: &'a Memo,
    store: Option<&'a Store>,
    /// The mark of a good build, and by their numbers which file versions are of files that have
    /// changed since.
    vouched: Option<(Mark, Vec<bool>)>,
    versions: Vec<AtomicU8>,
    absent: Vec<AtomicU8>,
}

const UNKNOWN: u8 = 0;
const SAME: u8 = 1;
/// Only comments differ.
const SAME_BUT_COMMENTS: u8 = 2;
const OTHER: u8 = 3;

impl<'a> Checker<'a> {
    /// A checker of the executions in `log` (to be passed again with each question, for it grows
    /// while a build runs) and, if given, in `store`.
    pub fn new(
        memo: &'a Memo,
        log: &Log,
        store: Option<&'a Store>,
        vouched: Option<&Vouched>,
    ) -> Checker<'a> {
        let unknown = |len| std::iter::repeat_with(|| AtomicU8::new(UNKNOWN)).take(len).collect();
        let vouched = vouched.filter(|vouched| log.has(&vouched.mark)).map(|vouched| {
            let changed: FxHashSet<&FilePath> = vouched.changed.iter().collect();
            let is_changed = |id| changed.contains(log.version(id).0);
            (vouched.mark, (0..log.versions()).map(is_changed).collect())
        });
        Checker { memo, store, vouched, versions: unknown(log.versions()), absent: unknown(log.paths()) }
    }

    /// The record of `action` if a good build vouches for it and nothing it read has changed since;
    /// what other actions make is for the caller to look at.
    pub fn vouched(&self, log: &Log, action: &Action) -> Option<Trace> {
        let (mark, changed) = self.vouched.as_ref()?;
        let stored = match sabotage::is("ignore-mark") {
            true => log.get(action.name())?,
            false => log.get_before(action.name(), mark)?,
        };
        let (inputs, _) = stored.inputs_and_absent()?;
        let same = |id: &VersionId| !changed.get(*id).is_none_or(|changed| *changed);
        let stands = stored.rest.key != UNTRACKED && inputs.iter().all(same);
        (stands || sabotage::is("vouch-for-all")).then_some(stored.rest)
    }

    /// What is to be done about `action`, whose recipe is `recipe` and whose declared inputs have
    /// the content `declared`.
    pub fn verdict(&self, log: &Log, action: &Action, recipe: &Fields, declared: &[Version]) -> Verdict {
        match self.recorded(log, action, recipe, declared) {
            Ok(trace) => Verdict::Fresh(Box::new(trace)),
            Err(reason) => match self.stored(action, recipe.digest(), declared) {
                Some(trace) => Verdict::Restore(Box::new(trace), reason),
                None => Verdict::Run(reason),
            },
        }
    }

    /// The project's own record of `action`, if it stands; else why it does not.
    fn recorded(
        &self,
        log: &Log,
        action: &Action,
        recipe: &Fields,
        declared: &[Version],
    ) -> Result<Trace, Reason> {
        let Some(stored) = log.get(action.name()) else { return Err(Reason::NeverBuilt) };
        if stored.rest.key == UNTRACKED {
            return Err(Reason::Untracked);
        }
        if stored.rest.key != recipe.digest() {
            let old = stored.whole().ok_or(Reason::NeverBuilt)?;
            return Err(difference(&old.recipe, &stored_recipe(recipe)));
        }
        let (inputs, absent) = stored.inputs_and_absent().ok_or(Reason::NeverBuilt)?;
        let blind = stored.rest.comment_blind;
        let (known, discovered) = inputs.split_at(stored.rest.declared);
        for (&id, now) in known.iter().zip(declared) {
            let (path, digest, old_blind) = log.version(id);
            // The recipe names the inputs, so that the same path is compared.
            let but_comments = || old_blind.is_some() && self.comment_blind(path) == old_blind;
            if digest != now.digest && !(blind && but_comments()) {
                return Err(changed(path, digest, Some(now.digest)));
            }
        }
        match self.moved_among(log, blind, discovered, &absent) {
            Some(reason) => Err(reason),
            None => Ok(stored.rest),
        }
    }

    /// Why an execution recorded in `log` stands no longer by what it read, all of which are files
    /// that no other action makes; flags and tools are not asked about.
    pub fn moved(&self, log: &Log, stored: &Stored<'_>) -> Option<Reason> {
        if stored.rest.key == UNTRACKED {
            return Some(Reason::Untracked);
        }
        let Some((inputs, absent)) = stored.inputs_and_absent() else { return Some(Reason::NeverBuilt) };
        self.moved_among(log, stored.rest.comment_blind, &inputs, &absent)
    }

    /// The first of the file versions `read` that is not there as it was, or of `absent` that is.
    fn moved_among(&self, log: &Log, blind: bool, read: &[VersionId], absent: &[PathId]) -> Option<Reason> {
        for &id in read {
            let state = self.compare(log, id);
            if !sabotage::is("ignore-headers") && state != SAME && !(blind && state == SAME_BUT_COMMENTS) {
                let (path, digest, _) = log.version(id);
                return Some(changed(path, digest, self.memo.digest(path).ok()));
            }
        }
        let mut appeared = absent.iter().filter(|id| self.appeared(log, **id));
        let appeared = appeared.next().filter(|_| !sabotage::is("ignore-absent"));
        appeared.map(|&id| Reason::InputAppeared { path: log.path(id).to_string() })
    }

    fn compare(&self, log: &Log, id: VersionId) -> u8 {
        // Versions recorded by this very build have no place; they are few.
        let kept = self.versions.get(id);
        if let Some(known) = kept.map(|state| state.load(Ordering::Relaxed)).filter(|&known| known != UNKNOWN)
        {
            return known;
        }
        let (path, digest, blind) = log.version(id);
        let state = match self.memo.digest(path) {
            Ok(now) if now == digest => SAME,
            Ok(_) if blind.is_some() && self.comment_blind(path) == blind => SAME_BUT_COMMENTS,
            _ => OTHER,
        };
        if let Some(kept) = kept {
            kept.store(state, Ordering::Relaxed);
        }
        state
    }

    fn comment_blind(&self, path: &FilePath) -> Option<Digest> {
        self.memo.facts(path).ok()?.comment_blind
    }

    fn appeared(&self, log: &Log, id: usize) -> bool {
        // A folder of that name is not what an include or a library means.
        let look = || self.memo.stat(log.path(id)).is_some_and(|stat| !stat.is_dir());
        let Some(kept) = self.absent.get(id) else { return look() };
        if kept.load(Ordering::Relaxed) == UNKNOWN {
            kept.store(if look() { OTHER } else { SAME }, Ordering::Relaxed);
        }
        kept.load(Ordering::Relaxed) == OTHER
    }

    /// The first execution in the shared store that read just what is there now.
    fn stored(&self, action: &Action, recipe: Digest, declared: &[Version]) -> Option<Trace> {
        let traces = self.store?.traces(store_key(recipe, declared));
        traces.into_iter().find(|trace| {
            trace.key == recipe
                && trace.outputs.len() == action.outputs.len()
                && (sabotage::is("restore-anything") || self.reads_the_same(trace))
        })
    }

    fn reads_the_same(&self, trace: &Trace) -> bool {
        let discovered = trace.inputs.iter().skip(trace.declared);
        discovered.into_iter().all(|input| self.memo.digest(&input.path).is_ok_and(|now| now == input.digest))
            && trace.absent.iter().all(|path| self.memo.stat(path).is_none_or(|stat| stat.is_dir()))
    }
}

fn changed(path: &FilePath, old: Digest, new: Option<Digest>) -> Reason {
    Reason::InputChanged { path: path.to_string(), old: old.hex(), new: new.map(|digest| digest.hex()) }
}

/// Why two recipes have different keys.
fn difference(old: &[(u8, Vec<u8>)], new: &[(u8, Vec<u8>)]) -> Reason {
    let number = |name: &str| field::ALL.iter().position(|known| *known == name).map_or(u8::MAX, |n| n as u8);
    let values = |recipe: &'_ [(u8, Vec<u8>)], name: &str| -> Vec<Vec<u8>> {
        let number = number(name);
        recipe.iter().filter(|(n, _)| *n == number).map(|(_, value)| value.clone()).collect()
    };
    let both = |name: &str| (values(old, name), values(new, name));
    let (was, is) = both(field::TOOL);
    if was != is {
        let hex = |tool: &[Vec<u8>]| {
            tool.concat().first_chunk::<32>().map_or_else(String::new, |raw| Digest::from_raw(*raw).hex())
        };
        return Reason::ToolChanged { old: hex(&was), new: hex(&is) };
    }
    let (was, is) = both(field::ENV);
    if was != is {
        return Reason::EnvironmentChanged {
            old: only_in(&was, &is).join(" "),
            new: only_in(&is, &was).join(" "),
        };
    }
    let (was, is) = both(field::INPUT);
    if was != is {
        return Reason::InputsChanged { added: only_in(&is, &was), removed: only_in(&was, &is) };
    }
    let (was, is) = both(field::TEXT);
    if was != is {
        return Reason::CommandChanged { added: only_in(&is, &was), removed: only_in(&was, &is) };
    }
    let (was, is) = both(field::ARG);
    Reason::CommandChanged { added: only_in(&is, &was), removed: only_in(&was, &is) }
}

/// What is in `these` more often than in `those`, as text.
fn only_in(these: &[Vec<u8>], those: &[Vec<u8>]) -> Vec<String> {
    let mut others: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
    for value in those {
        *others.entry(value).or_default() += 1;
    }
    let mut only = Vec::new();
    for value in these {
        match others.get_mut(value.as_slice()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => only.push(String::from_utf8_lossy(value).into_owned()),
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(pairs: &[(&str, &str)]) -> Vec<(u8, Vec<u8>)> {
        pairs
            .iter()
            .map(|(name, value)| {
                let number = field::ALL.iter().position(|known| known == name).unwrap();
                (number as u8, value.as_bytes().to_vec())
            })
            .collect()
    }

    #[test]
    fn differences_are_named_by_what_a_person_would_say_first() {
        let old = recipe(&[("tool", "t"), ("env", "A=1"), ("input", "a.c"), ("arg", "-O2"), ("arg", "-c")]);
        let with = |name: &str, from: &str, to: &str| {
            let mut new = old.clone();
            let number = field::ALL.iter().position(|known| *known == name).unwrap() as u8;
            for entry in &mut new {
                if *entry == (number, from.as_bytes().to_vec()) {
                    entry.1 = to.as_bytes().to_vec();
                }
            }
            difference(&old, &new).to_string()
        };
        assert_eq!(with("arg", "-O2", "-O3"), "arguments added: `-O3`; removed: `-O2`");
        assert_eq!(with("env", "A=1", "A=2"), "environment changed: `A=1` → `A=2`");
        assert_eq!(with("input", "a.c", "b.c"), "inputs added: `b.c`; removed: `a.c`");
        assert!(with("tool", "t", "u").starts_with("the tool changed"));
        let swapped =
            recipe(&[("tool", "t"), ("env", "A=1"), ("input", "a.c"), ("arg", "-c"), ("arg", "-O2")]);
        assert_eq!(difference(&old, &swapped).to_string(), "arguments in another order");
    }
}
