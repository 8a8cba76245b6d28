//! What was learned by running a program once, kept until the program or its surroundings change.
//!
//! A compiler's start-up alone costs 30 ms, so a warm build must start none just to ask where the
//! headers are.  Each answer is kept under its *question* (a name and arguments) together with
//! the stat identities of the files it depends on (present or absent); when one of these differs
//! the question is asked again and the new answer replaces the old one.
//!
//! This is a cache: a missing or damaged file is an empty one, and dropping it costs time only.
//! An answer that depends on a file changed within the clock's grain is used but not kept.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Fields};
use crate::fs;
use crate::path::bytes_of;
use crate::process::{self, Cancel, Spec, Status};
use crate::tally::Count;

/// Changes whenever the stored form or the meaning of an answer does.
const VERSION: &[u8] = b"jmake-learned-1\n";

/// How many answers that nobody asked for in this session are carried along.
const CARRIED: usize = 1024;

/// Answers by question.
#[derive(Default)]
pub struct Learned {
    state: Mutex<State>,
    /// The file system's clock before the first question.
    now: i64,
    /// What other sessions of this process have been answered.
    others: Option<Arc<Answers>>,
}

/// What all sessions of one process have been answered, where they share it.
#[derive(Default)]
pub struct Answers(Mutex<HashMap<Digest, (Digest, Vec<u8>)>>);

impl Answers {
    fn get(&self, key: &Digest, seen: &Digest) -> Option<Vec<u8>> {
        let known = self.lock();
        known.get(key).filter(|(was, _)| was == seen).map(|(_, text)| text.clone())
    }

    fn keep(&self, key: Digest, seen: Digest, text: &[u8]) {
        let mut known = self.lock();
        // They are small, and asked for again where they are still needed.
        if known.len() >= CARRIED {
            known.clear();
        }
        known.insert(key, (seen, text.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, (Digest, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct State {
    answers: HashMap<Digest, Answer>,
    news: bool,
    known: usize,
    ran: usize,
    /// What the answers of this session depend on.
    watched: HashSet<PathBuf>,
    /// Whether one of them depends on files of the project that nobody can name.
    open: bool,
}

struct Answer {
    /// The digest of the identities of the files the answer depends on.
    seen: Digest,
    text: Vec<u8>,
    /// Whether this session asked for it.
    used: bool,
    /// Whether a later session may rely on it.
    keep: bool,
}

impl Learned {
    /// What an earlier session saved at `path`; empty when that is missing or damaged.  `now` is
    /// the file system's clock ([`fs::now`]) at this moment or earlier.
    pub fn load(path: &Path, now: i64) -> Learned {
        let answers = fs::read(path).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Learned { state: Mutex::new(State { answers, ..State::default() }), now, others: None }
    }

    /// The same, sharing `others` with other sessions.  `clock` is asked where [`Learned::load`]
    /// was not told the time.
    #[must_use]
    pub fn sharing(self, others: &Arc<Answers>, clock: impl FnOnce() -> Option<i64>) -> Learned {
        let now = match self.now {
            0 => clock().unwrap_or(0),
            now => now,
        };
        Learned { now, others: Some(others.clone()), ..self }
    }

    /// Saves everything at `path`, unless nothing new was learned.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut state = self.lock();
        if !state.news {
            return Ok(());
        }
        fs::write_own(path, &encode(&state.answers))?;
        state.news = false;
        Ok(())
    }

    /// How many programs were run to answer this session's questions.
    pub fn runs(&self) -> usize {
        self.lock().ran
    }

    /// How many of this session's questions were answered from memory, and how many were not.
    pub fn count(&self) -> Count {
        let state = self.lock();
        Count::of(state.known, state.ran)
    }

    /// The files and folders that the answers of this session depend on, sorted; some need not exist.
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut watched: Vec<PathBuf> = self.lock().watched.iter().cloned().collect();
        watched.sort();
        watched
    }

    /// Whether an answer of this session depends on headers of the project that nobody can name.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// How many answers are kept.
    pub fn len(&self) -> usize {
        self.lock().answers.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kept answer to `question`, which depends on the files `watched`; else what `ask` says
    /// now.  An error is passed on and not kept.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn answer(
        &self,
        question: &Fields,
        watched: &[PathBuf],
        ask: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        let key = question.digest();
        let (seen, keep) = self.look(watched);
        let mut state = self.lock();
        for path in watched {
            if !state.watched.contains(path) {
                state.watched.insert(path.clone());
            }
        }
        if let Some(known) = state.answers.get_mut(&key).filter(|known| known.seen == seen) {
            known.used = true;
            let text = known.text.clone();
            state.known += 1;
            return Ok(text);
        }
        drop(state);
        let others = self.others.as_ref().filter(|_| keep);
        let known = others.and_then(|others| others.get(&key, &seen));
        let is_known = known.is_some();
        // Unlocked, so that several programs can be asked at the same time.
        let text = known.map_or_else(ask, Ok)?;
        if let Some(others) = others.filter(|_| !is_known) {
            others.keep(key, seen, &text);
        }
        let mut state = self.lock();
        match is_known {
            true => state.known += 1,
            false => state.ran += 1,
        }
        state.news |= keep;
        state.answers.insert(key, Answer { seen, text: text.clone(), used: true, keep });
        Ok(text)
    }

    /// The digest of the identities of `watched`, and whether all of them have been left alone
    /// for long enough to be relied upon later.
    fn look(&self, watched: &[PathBuf]) -> (Digest, bool) {
        let mut fields = Fields::new();
        let mut settled = true;
        for path in watched {
            fields.push("path", bytes_of(path.as_os_str()));
            match fs::stat(path) {
                Ok(Some(stat)) => {
                    let mut out = Writer::default();
                    out.stat(&stat);
                    fields.push("stat", out.0);
                    settled &= stat.settled(self.now);
                }
                Ok(None) => fields.push("absent", ""),
                Err(e) => fields.push("unreadable", e.kind().to_string()),
            }
        }
        (fields.digest(), settled)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(answers: &HashMap<Digest, Answer>) -> Vec<u8> {
    let mut body = Writer::default();
    let carried = answers.values().filter(|answer| !answer.used).count() <= CARRIED;
    for (key, answer) in answers.iter().filter(|(_, answer)| answer.keep && (answer.used || carried)) {
        body.digest(key);
        body.digest(&answer.seen);
        body.bytes(&answer.text);
    }
    let mut bytes = VERSION.to_vec();
    bytes.extend_from_slice(Digest::of(&body.0).as_bytes());
    bytes.extend_from_slice(&body.0);
    bytes
}

fn decode(bytes: &[u8]) -> Option<HashMap<Digest, Answer>> {
    let (sum, body) = bytes.strip_prefix(VERSION)?.split_first_chunk::<32>()?;
    if Digest::of(body).as_bytes() != sum {
        return None;
    }
    let mut reader = Reader(body);
    let mut answers = HashMap::new();
    while !reader.is_empty() {
        let key = reader.digest()?;
        let seen = reader.digest()?;
        let text = reader.bytes()?.to_vec();
        answers.insert(key, Answer { seen, text, used: false, keep: true });
    }
    Some(answers)
}

/// How programs are asked: where answers are kept, and what stops the asking.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The answers known so far.
    pub learned: &'a Learned,
    /// Ends a program that is being asked.
    pub cancel: &'a Cancel,
}

impl Ask<'_> {
    /// What `argv` prints (both streams, in order of writing), from memory when the program and
    /// the files `watched` are as they were.
    ///
    /// # Errors
    /// When the program cannot be started, fails, or the build is cancelled.
    pub fn output(&self, argv: &[Vec<u8>], watched: &[PathBuf]) -> Result<Vec<u8>> {
        self.output_about(argv, b"", watched)
    }

    /// As [`Ask::output`], where the answer also depends on `about`, which no file shows.
    ///
    /// # Errors
    /// As [`Ask::output`].
    pub fn output_about(&self, argv: &[Vec<u8>], about: &[u8], watched: &[PathBuf]) -> Result<Vec<u8>> {
        self.ask(argv, &[], about, watched, <[u8]>::to_vec)
    }

    /// As [`Ask::output_about`], where only what `reduce` makes of the output is wanted and kept.
    ///
    /// # Errors
    /// As [`Ask::output`].
    pub fn reduced(
        &self,
        argv: &[Vec<u8>],
        about: &[u8],
        watched: &[PathBuf],
        reduce: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Vec<u8>> {
        self.ask(argv, &[], about, watched, reduce)
    }

    /// Whether `argv` succeeds when it reads `input`; what it says does not matter.
    ///
    /// # Errors
    /// When the program cannot be started or is ended from outside.
    pub fn succeeds(&self, argv: &[Vec<u8>], input: &[u8], watched: &[PathBuf]) -> Result<bool> {
        let mut question = Fields::new();
        for arg in argv {
            question.push("argv", arg);
        }
        question.push("input", input);
        let answer = self.learned.answer(&question, watched, || {
            let said = self.run(argv, &[], input)?;
            Ok(said.first().copied().into_iter().collect())
        })?;
        Ok(answer.first() == Some(&SAID))
    }

    /// As [`Ask::succeeds`], where the answer depends on files of the project that nobody can name: it is not
    /// kept.
    ///
    /// # Errors
    /// As [`Ask::succeeds`].
    pub fn succeeds_now(&self, argv: &[Vec<u8>], input: &[u8]) -> Result<bool> {
        self.learned.lock().open = true;
        Ok(self.run(argv, &[], input)?.first() == Some(&SAID))
    }

    /// As [`Ask::output`], with variables added to the child's otherwise fixed environment.
    ///
    /// # Errors
    /// As [`Ask::output`].
    pub fn output_with(
        &self,
        argv: &[Vec<u8>],
        env: &[(Vec<u8>, Vec<u8>)],
        watched: &[PathBuf],
    ) -> Result<Vec<u8>> {
        self.ask(argv, env, b"", watched, <[u8]>::to_vec)
    }

    fn ask(
        &self,
        argv: &[Vec<u8>],
        env: &[(Vec<u8>, Vec<u8>)],
        about: &[u8],
        watched: &[PathBuf],
        reduce: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Vec<u8>> {
        let mut question = Fields::new();
        for arg in argv {
            question.push("argv", arg);
        }
        for (name, value) in env {
            question.push("name", name);
            question.push("value", value);
        }
        question.push("about", about);
        let answer = self.learned.answer(&question, watched, || {
            let said = self.run(argv, env, b"")?;
            Ok(match said.split_first() {
                Some((&SAID, text)) => answer(SAID, &reduce(text)),
                _ => said,
            })
        })?;
        match answer.split_first() {
            Some((&SAID, text)) => Ok(text.to_vec()),
            Some((_, text)) => bail!("{}", String::from_utf8_lossy(text)),
            None => bail!("an empty answer was kept"),
        }
    }

    /// What the program says, or how it refuses: both are answers, for a broken compiler in
    /// `PATH` must not be started in every build either.
    fn run(&self, argv: &[Vec<u8>], env: &[(Vec<u8>, Vec<u8>)], input: &[u8]) -> Result<Vec<u8>> {
        let mut spec = Spec::new(argv, "/");
        spec.env = plain_env();
        spec.env.extend_from_slice(env);
        spec.input = input.to_vec();
        spec.deadline = Some(std::time::Duration::from_secs(60));
        let program = || String::from_utf8_lossy(argv.first().map_or(&[][..], |arg| arg)).into_owned();
        let ended =
            process::run(&spec, self.cancel).with_context(|| format!("cannot start `{}`", program()))?;
        match ended.status {
            Status::Exited(0) => Ok(answer(SAID, &ended.output)),
            Status::Exited(code) => {
                let refusal = format!("`{}` exited with {code}: {}", program(), complaint(&ended.output));
                Ok(answer(REFUSED, refusal.as_bytes()))
            }
            Status::Signalled(signal) => bail!("`{}` was ended by signal {signal}", program()),
            Status::Cancelled => bail!("cancelled"),
            Status::TimedOut => bail!("`{}` did not answer within a minute", program()),
        }
    }
}

/// The first line that tells of an error, or the first of all.
fn complaint(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let error = text.lines().find(|line| line.contains("error: "));
    error.map_or_else(|| first_line(output), |line| line.trim().to_owned())
}

/// The first byte of an answer: the rest is what the program said.
const SAID: u8 = 0;
/// The first byte of an answer: the rest is why there is none.
const REFUSED: u8 = 1;

fn answer(kind: u8, text: &[u8]) -> Vec<u8> {
    [&[kind], text].concat()
}

/// The environment of every program that is asked: nothing of the user's, and messages in
/// English, for they are parsed.
fn plain_env() -> Vec<(Vec<u8>, Vec<u8>)> {
    let path = b"/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin".to_vec();
    vec![(b"LC_ALL".to_vec(), b"C".to_vec()), (b"PATH".to_vec(), path)]
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no output").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Fields {
        let mut fields = Fields::new();
        fields.push("question", text);
        fields
    }

    /// A folder with a file `tool`, last changed long ago, and the clock of today.
    fn world() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let tool = dir.path().join("tool");
        fs::write(&tool, b"one").unwrap();
        (dir, tool)
    }

    const LATER: i64 = i64::MAX;

    #[test]
    fn asks_once_until_a_watched_file_changes() {
        let (dir, tool) = world();
        let absent = dir.path().join("absent");
        let watched = [tool.clone(), absent.clone()];
        let store = dir.path().join("learned");
        let ask = |expect: &[u8], answer: &[u8]| {
            let learned = Learned::load(&store, LATER);
            let text = learned.answer(&question("q"), &watched, || Ok(answer.to_vec())).unwrap();
            assert_eq!(text, expect);
            learned.save(&store).unwrap();
            learned.runs()
        };
        assert_eq!(ask(b"first", b"first"), 1);
        assert_eq!(ask(b"first", b"never asked"), 0);
        fs::write(&tool, b"another").unwrap();
        assert_eq!(ask(b"second", b"second"), 1);
        fs::write(&absent, b"").unwrap();
        assert_eq!(ask(b"third", b"third"), 1);
        assert_eq!(ask(b"third", b"never asked"), 0);
    }

    #[test]
    fn what_one_session_was_answered_another_need_not_ask() {
        let (dir, tool) = world();
        let watched = [tool.clone()];
        let shared = Arc::new(Answers::default());
        let ask = |now: Option<i64>, answer: &str| {
            let learned = Learned::default().sharing(&shared, || now);
            let text = learned.answer(&question("q"), &watched, || Ok(answer.into())).unwrap();
            let count = learned.count();
            (String::from_utf8(text).unwrap(), learned.runs(), count == Count::of(1, 0))
        };
        // Not of a file that has just changed, nor where nobody knows the time.
        for now in [None, Some(fs::now(dir.path()).unwrap())] {
            assert_eq!(ask(now, "young"), ("young".into(), 1, false));
        }
        assert_eq!(ask(Some(LATER), "first"), ("first".into(), 1, false));
        assert_eq!(ask(Some(LATER), "never asked"), ("first".into(), 0, true));
        fs::write(&tool, b"another").unwrap();
        assert_eq!(ask(Some(LATER), "second"), ("second".into(), 1, false));
        assert_eq!(ask(Some(LATER), "never asked"), ("second".into(), 0, true));
    }

    #[test]
    fn an_answer_about_a_file_just_changed_is_not_kept() {
        let (dir, tool) = world();
        let store = dir.path().join("learned");
        let learned = Learned::load(&store, fs::now(dir.path()).unwrap());
        learned.answer(&question("q"), &[tool], || Ok(b"x".to_vec())).unwrap();
        learned.save(&store).unwrap();
        assert!(!store.exists());
    }

    #[test]
    fn damage_at_any_byte_is_an_empty_memory() {
        let (dir, tool) = world();
        let store = dir.path().join("learned");
        let learned = Learned::load(&store, LATER);
        learned.answer(&question("q"), &[tool], || Ok(b"some answer".to_vec())).unwrap();
        learned.save(&store).unwrap();
        let good = fs::read(&store).unwrap();
        assert_eq!(decode(&good).unwrap().len(), 1);
        for at in 0..good.len() {
            assert!(decode(&good[..at]).is_none(), "cut at {at}");
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(decode(&bad).is_none(), "flipped at {at}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_too() {
        let learned = Learned::default();
        let cancel = Cancel::new();
        let ask = Ask { learned: &learned, cancel: &cancel };
        let argv: Vec<Vec<u8>> =
            ["/bin/sh", "-c", "echo oh no; exit 3"].iter().map(|arg| arg.as_bytes().to_vec()).collect();
        for _ in 0..2 {
            let error = ask.output(&argv, &[]).unwrap_err();
            assert_eq!(error.to_string(), "`/bin/sh` exited with 3: oh no");
        }
        assert_eq!(learned.runs(), 1);
    }

    #[test]
    fn what_could_not_be_asked_is_asked_again() {
        let learned = Learned::default();
        let cancel = Cancel::new();
        let ask = Ask { learned: &learned, cancel: &cancel };
        let killed = [b"/bin/sh".to_vec(), b"-c".to_vec(), b"kill -9 $$".to_vec()];
        assert!(ask.output(&killed, &[]).is_err());
        assert!(ask.output(&[b"/no/such/program".to_vec()], &[]).is_err());
        cancel.cancel();
        assert_eq!(ask.output(&killed, &[]).unwrap_err().to_string(), "cancelled");
        assert_eq!(learned.runs(), 0);
    }
}
