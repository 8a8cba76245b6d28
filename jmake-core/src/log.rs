//! The project's own traces: an append-only file of checksummed records.
//!
//! Each finished action appends one record, so a killed build keeps what it has done.  Paths, file
//! versions and recipe fields repeat from unit to unit, so a record first defines what is new to
//! the file's tables and then refers to it by number: a unit with a thousand headers costs about
//! two bytes a header.  Reading keeps the bytes and decodes a trace only when it is asked for.
//!
//! Record: length (4 bytes, little-endian), the first 8 bytes of the payload's SHA-256, payload.
//! A record that is short or does not match ends the log: it is cut off there, on disk too, and
//! costs a few actions, never a wrong answer.  When more than half of the file is superseded, it
//! is rewritten.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustc_hash::FxHashMap as HashMap;

use crate::codec::{Reader, Writer};
use crate::digest::Digest;
use crate::fs;
use crate::path::FilePath;
use crate::trace::{Trace, Version};

const VERSION: &[u8] = b"jmake-log-1\n";
/// Below this size a log is never worth rewriting.
const SMALL: usize = 1 << 20;
/// Bytes of a record's checksum.
const CHECKSUM: usize = 8;

/// The number of a file version in the log's table.
pub type VersionId = usize;
/// The number of a path in the log's table.
pub type PathId = usize;

/// How far a log had come.  A log that still has this mark begins with just the records that were
/// there when it was taken, whatever was cut off, appended or rewritten since.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    len: usize,
    chain: Chain,
}

impl Mark {
    /// Appends the mark to `out`.
    pub fn encode(&self, out: &mut Writer) {
        out.uint(self.len as u64);
        out.bytes(&self.chain);
    }

    /// What [`Mark::encode`] wrote.
    pub fn decode(from: &mut Reader<'_>) -> Option<Mark> {
        Some(Mark { len: from.int()?, chain: from.bytes()?.try_into().ok()? })
    }
}

/// The first bytes of a digest of all records' checksums so far.
type Chain = [u8; 16];

/// The traces of one project, by the name of the action.
pub struct Log {
    file: PathBuf,
    bytes: Vec<u8>,
    /// The mark at the end of each record.
    marks: Vec<Mark>,
    traces: HashMap<FilePath, std::ops::Range<usize>>,
    tables: Tables,
    /// Bytes of records that a later record replaces.
    dead: usize,
    /// A record could not be written: later ones would refer to definitions that are not there.
    broken: bool,
}

#[derive(Default)]
struct Tables {
    paths: Vec<FilePath>,
    versions: Vec<(PathId, Digest, Option<Digest>)>,
    texts: Vec<Box<[u8]>>,
    /// The same the other way round; filled when the first record is appended.
    known: Option<Known>,
}

#[derive(Default)]
struct Known {
    paths: HashMap<FilePath, PathId>,
    versions: HashMap<(PathId, Digest, Option<Digest>), VersionId>,
    texts: HashMap<Box<[u8]>, usize>,
}

/// A trace in the log, its inputs and absent files by number.
pub struct Stored<'a> {
    log: &'a Log,
    /// Everything but recipe, inputs and absent files.
    pub rest: Trace,
    lists: Reader<'a>,
}

impl Log {
    /// Reads the log at `file`.  A missing one is empty; of a damaged one the good beginning
    /// counts, and the second value tells that something was lost.
    pub fn open(file: &Path) -> (Log, bool) {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            // Something that is no file, or cannot be read: nothing good can be appended to it.
            Err(_) => {
                fs::remove_all(file).ok();
                return (Log::empty(file, Vec::new()), true);
            }
        };
        let mut log = Log::empty(file, bytes);
        let good = log.load();
        let damaged = good < log.bytes.len();
        if damaged {
            log.bytes.truncate(good);
            // If cutting fails the next reader cuts again; appending is what must not fail.
            fs::truncate(file, good as u64).ok();
        }
        (log, damaged)
    }

    /// The good beginning of the log at `file`, for those who only tell: nothing on disk is mended,
    /// for a build may be appending at this moment.
    pub fn look(file: &Path) -> Log {
        let mut log = Log::empty(file, fs::read(file).unwrap_or_default());
        let good = log.load();
        log.bytes.truncate(good);
        log
    }

    fn empty(file: &Path, bytes: Vec<u8>) -> Log {
        Log {
            file: file.to_owned(),
            bytes,
            marks: Vec::new(),
            traces: HashMap::default(),
            tables: Tables::default(),
            dead: 0,
            broken: false,
        }
    }

    /// Takes in all good records and gives the length of the good beginning.
    fn load(&mut self) -> usize {
        if !self.bytes.starts_with(VERSION) {
            return 0;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let mut at = VERSION.len();
        while let Some(payload) = record_at(&bytes, at) {
            if self.take(&bytes, payload.clone()).is_none() {
                break;
            }
            at = payload.end;
            self.put_mark(at, &bytes[payload.start - CHECKSUM..payload.start]);
        }
        self.bytes = bytes;
        at
    }

    fn take(&mut self, bytes: &[u8], payload: std::ops::Range<usize>) -> Option<()> {
        let mut reader = Reader(&bytes[payload.clone()]);
        let tables = &mut self.tables;
        for _ in 0..reader.uint()? {
            tables.paths.push(FilePath::new(reader.bytes()?));
        }
        for _ in 0..reader.uint()? {
            let path: usize = reader.int()?;
            tables.paths.get(path)?;
            tables.versions.push((path, reader.digest()?, reader.digest_opt()?));
        }
        for _ in 0..reader.uint()? {
            tables.texts.push(reader.bytes()?.into());
        }
        let name = tables.paths.get(reader.int::<usize>()?)?.clone();
        let start = payload.end - reader.0.len();
        if let Some(old) = self.traces.insert(name, start..payload.end) {
            self.dead += old.len();
        }
        Some(())
    }

    /// Notes that a record with this `checksum` ends at `len`.
    fn put_mark(&mut self, len: usize, checksum: &[u8]) {
        let before = self.mark().chain;
        let chain = Digest::of(&[&before[..], checksum].concat());
        self.marks.push(Mark { len, chain: *chain.as_bytes().first_chunk().expect("a digest has 32 bytes") });
    }

    /// How far it has come.
    pub fn mark(&self) -> Mark {
        self.marks.last().copied().unwrap_or(Mark { len: 0, chain: [0; 16] })
    }

    /// Whether it begins with just the records that were there when `mark` was taken.
    pub fn has(&self, mark: &Mark) -> bool {
        self.marks.binary_search_by_key(&mark.len, |mark| mark.len).is_ok_and(|at| self.marks[at] == *mark)
    }

    /// The trace of the action called `name`, if it is one of those recorded before `mark`, which
    /// this log has.
    pub fn get_before(&self, name: &FilePath, mark: &Mark) -> Option<Stored<'_>> {
        let range = self.traces.get(name).filter(|range| range.end <= mark.len)?;
        self.at(range.clone())
    }

    /// The trace of the action called `name`.
    pub fn get(&self, name: &FilePath) -> Option<Stored<'_>> {
        self.at(self.traces.get(name)?.clone())
    }

    fn at(&self, range: std::ops::Range<usize>) -> Option<Stored<'_>> {
        let mut lists = Reader(&self.bytes[range]);
        let rest = Trace::decode_rest(&mut lists)?;
        Some(Stored { log: self, rest, lists })
    }

    /// Where in the log the trace of the action called `name` stands: later ones are greater.
    pub fn place(&self, name: &FilePath) -> Option<usize> {
        self.traces.get(name).map(|range| range.start)
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// The names of all actions that have a trace.
    pub fn names(&self) -> impl Iterator<Item = &FilePath> {
        self.traces.keys()
    }

    /// How many file versions the log knows: their numbers are smaller.
    pub fn versions(&self) -> usize {
        self.tables.versions.len()
    }

    /// How many paths the log knows: their numbers are smaller.
    pub fn paths(&self) -> usize {
        self.tables.paths.len()
    }

    /// The path with number `id`.
    pub fn path(&self, id: PathId) -> &FilePath {
        &self.tables.paths[id]
    }

    /// Path, digest and comment-blind digest of the version with number `id`.
    pub fn version(&self, id: VersionId) -> (&FilePath, Digest, Option<Digest>) {
        let (path, digest, blind) = self.tables.versions[id];
        (&self.tables.paths[path], digest, blind)
    }

    /// Records the trace of the action called `name`, on disk and here.
    ///
    /// # Errors
    /// When the file cannot be written; here it is recorded all the same.  After an error nothing
    /// more is written, without another error.
    pub fn append(&mut self, name: &FilePath, trace: &Trace) -> Result<()> {
        let mut record = Vec::new();
        if self.bytes.is_empty() {
            record.extend_from_slice(VERSION);
        }
        let payload = self.tables.encode(name, trace);
        record.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        record.extend_from_slice(&checksum(&payload));
        record.extend_from_slice(&payload);
        let start = self.bytes.len() + record.len() - payload.len();
        self.bytes.extend_from_slice(&record);
        self.put_mark(self.bytes.len(), &checksum(&payload));
        let body_start = self.body_of(start, payload.len());
        if let Some(old) = self.traces.insert(name.clone(), body_start..self.bytes.len()) {
            self.dead += old.len();
        }
        if self.broken {
            return Ok(());
        }
        let written = fs::append(&self.file, &record);
        self.broken = written.is_err();
        written.with_context(|| format!("cannot append to `{}`", self.file.display()))
    }

    /// Where, in the payload just written at `start`, the trace follows the definitions.
    fn body_of(&self, start: usize, len: usize) -> usize {
        let payload = &self.bytes[start..start + len];
        skip_definitions(payload).map_or(start, |rest| start + len - rest)
    }

    /// Forgets the traces of all actions for which `keep` is false.
    pub fn retain(&mut self, keep: impl Fn(&FilePath) -> bool) {
        let dead = &mut self.dead;
        self.traces.retain(|name, range| {
            let stays = keep(name);
            if !stays {
                *dead += range.len();
            }
            stays
        });
    }

    /// Rewrites the file without what later records replaced, when that is more than half of it.
    ///
    /// # Errors
    /// When the new file cannot be written; the old one then stays.
    pub fn compact(&mut self) -> Result<()> {
        if self.bytes.len() < SMALL || self.dead * 2 < self.bytes.len() {
            return Ok(());
        }
        let mut fresh = Log::empty(&self.file, VERSION.to_vec());
        let mut names: Vec<_> = self.traces.keys().cloned().collect();
        names.sort();
        for name in names {
            let Some(trace) = self.get(&name).and_then(|stored| stored.whole()) else { continue };
            let payload = fresh.tables.encode(&name, &trace);
            fresh.bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            fresh.bytes.extend_from_slice(&checksum(&payload));
            let start = fresh.bytes.len();
            fresh.bytes.extend_from_slice(&payload);
            fresh.put_mark(fresh.bytes.len(), &checksum(&payload));
            let body = fresh.body_of(start, payload.len());
            fresh.traces.insert(name, body..fresh.bytes.len());
        }
        fs::write_own(&fresh.file, &fresh.bytes)?;
        *self = fresh;
        Ok(())
    }
}

/// Recipe (name, text), input versions and absent paths, all by number.
type Lists = (Vec<(u8, usize)>, Vec<VersionId>, Vec<PathId>);

impl Stored<'_> {
    fn lists(&self) -> Option<Lists> {
        let mut from = self.lists;
        let tables = &self.log.tables;
        let mut recipe = Vec::new();
        for _ in 0..from.uint()? {
            let name = from.int()?;
            let text: usize = from.int()?;
            tables.texts.get(text)?;
            recipe.push((name, text));
        }
        let inputs = numbers(&mut from, tables.versions.len())?;
        let absent = numbers(&mut from, tables.paths.len())?;
        (self.rest.declared <= inputs.len()).then_some((recipe, inputs, absent))
    }

    /// Numbers of the input versions, declared ones first, and of the absent paths; `None` for a
    /// damaged record.
    pub fn inputs_and_absent(&self) -> Option<(Vec<VersionId>, Vec<PathId>)> {
        self.lists().map(|(_, inputs, absent)| (inputs, absent))
    }

    /// The whole trace; `None` for a damaged record.
    pub fn whole(&self) -> Option<Trace> {
        let (recipe, inputs, absent) = self.lists()?;
        let mut trace = self.rest.clone();
        trace.recipe =
            recipe.into_iter().map(|(n, text)| (n, self.log.tables.texts[text].to_vec())).collect();
        for id in inputs {
            let (path, digest, blind) = self.log.version(id);
            trace.inputs.push(Version { path: path.clone(), digest, blind });
        }
        trace.absent = absent.into_iter().map(|id| self.log.path(id).clone()).collect();
        Some(trace)
    }
}

/// A list of numbers, each stored as its signed distance from the one before: neighbours in a
/// unit's header list were mostly defined one after the other.
fn numbers(from: &mut Reader<'_>, limit: usize) -> Option<Vec<usize>> {
    let count: usize = from.int()?;
    let mut list = Vec::with_capacity(count.min(1 << 16));
    let mut last = 0i64;
    for _ in 0..count {
        let zigzag = from.uint()?;
        last = last.checked_add((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))?;
        list.push(usize::try_from(last).ok().filter(|&id| id < limit)?);
    }
    Some(list)
}

fn put_numbers(out: &mut Writer, list: &[usize]) {
    out.uint(list.len() as u64);
    let mut last = 0i64;
    for &number in list {
        let step = number as i64 - last;
        out.uint(((step << 1) ^ (step >> 63)) as u64);
        last = number as i64;
    }
}

impl Tables {
    /// One record's payload: definitions of what is new, then the trace.
    fn encode(&mut self, name: &FilePath, trace: &Trace) -> Vec<u8> {
        let (paths_before, versions_before, texts_before) =
            (self.paths.len(), self.versions.len(), self.texts.len());
        let name = self.path_id(name);
        let recipe: Vec<_> = trace.recipe.iter().map(|(n, text)| (*n, self.text_id(text))).collect();
        let inputs: Vec<_> = trace.inputs.iter().map(|version| self.version_id(version)).collect();
        let absent: Vec<_> = trace.absent.iter().map(|path| self.path_id(path)).collect();

        let mut out = Writer::default();
        out.uint((self.paths.len() - paths_before) as u64);
        for path in &self.paths[paths_before..] {
            out.bytes(path.as_bytes());
        }
        out.uint((self.versions.len() - versions_before) as u64);
        for (path, digest, blind) in &self.versions[versions_before..] {
            out.uint(*path as u64);
            out.digest(digest);
            out.digest_opt(blind.as_ref());
        }
        out.uint((self.texts.len() - texts_before) as u64);
        for text in &self.texts[texts_before..] {
            out.bytes(text);
        }
        out.uint(name as u64);
        trace.encode_rest(&mut out);
        out.uint(recipe.len() as u64);
        for (number, text) in recipe {
            out.uint(number.into());
            out.uint(text as u64);
        }
        put_numbers(&mut out, &inputs);
        put_numbers(&mut out, &absent);
        out.0
    }

    fn known(&mut self) -> &mut Known {
        if self.known.is_none() {
            self.known = Some(Known {
                paths: self.paths.iter().cloned().enumerate().map(|(id, path)| (path, id)).collect(),
                versions: self.versions.iter().enumerate().map(|(id, version)| (*version, id)).collect(),
                texts: self.texts.iter().cloned().enumerate().map(|(id, text)| (text, id)).collect(),
            });
        }
        self.known.as_mut().expect("it was just filled")
    }

    fn path_id(&mut self, path: &FilePath) -> PathId {
        let next = self.paths.len();
        let id = *self.known().paths.entry(path.clone()).or_insert(next);
        if id == next {
            self.paths.push(path.clone());
        }
        id
    }

    fn version_id(&mut self, version: &Version) -> VersionId {
        let entry = (self.path_id(&version.path), version.digest, version.blind);
        let next = self.versions.len();
        let id = *self.known().versions.entry(entry).or_insert(next);
        if id == next {
            self.versions.push(entry);
        }
        id
    }

    fn text_id(&mut self, text: &[u8]) -> usize {
        let next = self.texts.len();
        let known = self.known();
        if let Some(&id) = known.texts.get(text) {
            return id;
        }
        known.texts.insert(text.into(), next);
        self.texts.push(text.into());
        next
    }
}

/// The payload of the record at `at`, if it is whole and unharmed.
fn record_at(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let head = bytes.get(at..at + 12)?;
    let len = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let payload = at + 12..(at + 12).checked_add(len)?;
    (checksum(bytes.get(payload.clone())?)[..] == head[4..]).then_some(payload)
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let digest = Digest::of(payload);
    *digest.as_bytes().first_chunk().expect("a digest has 32 bytes")
}

/// How many bytes of `payload` are left after its definitions and the name.
fn skip_definitions(payload: &[u8]) -> Option<usize> {
    let mut reader = Reader(payload);
    for _ in 0..reader.uint()? {
        reader.bytes()?;
    }
    for _ in 0..reader.uint()? {
        reader.uint()?;
        reader.digest()?;
        reader.digest_opt()?;
    }
    for _ in 0..reader.uint()? {
        reader.bytes()?;
    }
    reader.uint()?;
    Some(reader.0.len())
}

#[cfg(test)]
mod tests;
