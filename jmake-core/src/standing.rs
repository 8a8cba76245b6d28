//! What of the last good build still stands, and the record of this one for the next.
//!
//! Everything may stand: then its reply is the reply.  Or only the text of some sources differs:
//! then what was decided stands, and the same configured build is executed again.  Or nothing.
//! Two files in the state folder hold it, by what was asked for: the [`Snapshot`], and beside it
//! the configured build that it names by digest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::built::Built;
use crate::configure::{self, Config, Environment, Wanted};
use crate::depends::Depends;
use crate::digest::{Digest, Fields};
use crate::discover::{self, Tree};
use crate::freshness::Vouched;
use crate::fs;
use crate::log::Mark;
use crate::memo::Memo;
use crate::path::{FilePath, Root};
use crate::project::Project;
use crate::snapshot::{self, Compared, Good, Moved, Snapshot, compare_all};
use crate::toolchain::Learned;
use crate::warm::Warm;

/// Where the last good build of one request is recorded.
pub struct Last<'w> {
    asked: Digest,
    state: PathBuf,
    snapshot: PathBuf,
    config: PathBuf,
    warm: Option<&'w Warm>,
}

/// What of it still stands.
pub enum Standing {
    /// Everything: its reply, and its snapshot if that can be recorded better than it is.
    Everything(Box<Built>, Option<Arc<Snapshot>>),
    /// All but the text of some files.
    AllButText(Moved),
    /// Nothing that is known.
    Nothing,
}

/// What was decided in the last good build, and still stands.
pub struct Decided {
    moved: Moved,
    /// What was configured.
    pub config: Config,
    /// What the build replied.
    pub reply: Built,
}

impl Decided {
    /// Why most records of that build need not be compared.
    pub fn vouched(&self) -> Vouched {
        self.moved.vouched()
    }
}

/// What a build that decided everything anew was made of.
pub struct Scanned<'a> {
    /// What lay in the root.
    pub tree: &'a Tree,
    /// Files and folders besides the sources that decided.
    pub consulted: &'a [FilePath],
    /// What programs have answered.
    pub learned: &'a Learned,
    /// How it was looked for.
    pub options: discover::Options,
    /// What was configured, as [`Config::to_bytes`] writes it.
    pub config: &'a [u8],
    /// How far the log has come.
    pub mark: Mark,
}

impl<'w> Last<'w> {
    /// The record, in the state folder `state` and in `warm`, of builds of `wanted` in
    /// `environment`.
    ///
    /// # Errors
    /// When these cannot be put into words.
    pub fn of(
        state: &Path,
        environment: &Environment,
        wanted: &Wanted,
        warm: Option<&'w Warm>,
    ) -> Result<Last<'w>> {
        let asked = asked(environment, wanted)?;
        let snapshot = state.join(format!("snapshot-{}", asked.short()));
        let config = snapshot::config_beside(&snapshot);
        Ok(Last { asked, state: state.to_owned(), snapshot, config, warm })
    }

    /// Compares the record with the disk.
    pub fn standing(&self, root: &Root) -> Standing {
        let load = || Snapshot::load(&self.snapshot, self.asked);
        let compared = match self.warm {
            Some(warm) => warm.held().compare(self.asked, load),
            None => load().and_then(|snapshot| compare_all(Arc::new(snapshot), root, &self.state)),
        };
        match compared {
            Some(Compared::Holds { snapshot, better }) => match serde_json::from_slice(snapshot.reply()) {
                // Where it is held in memory, the one on disk may say the same the longer way.
                Ok(built) => {
                    let better = better && self.warm.is_none();
                    Standing::Everything(Box::new(built), better.then_some(snapshot))
                }
                Err(_) => Standing::Nothing,
            },
            Some(Compared::Moved(moved)) => Standing::AllButText(moved),
            None => Standing::Nothing,
        }
    }

    /// Records a snapshot that says the same and is faster to compare.
    pub fn refresh(&self, better: &Snapshot) {
        better.save(&self.snapshot).ok();
    }

    /// What was decided, if the files whose text has changed say the same to discovery as before.
    /// In any case the memo of `project` is spared the look at what is as it was.
    pub fn decided(&self, moved: Moved, project: &Project, wanted: &Wanted) -> Option<Decided> {
        moved.prime(&project.memo);
        let reply: Built = serde_json::from_slice(moved.snapshot().reply()).ok()?;
        let bytes = fs::read(&self.config).ok().filter(|bytes| Digest::of(bytes) == moved.config())?;
        let config = Config::from_bytes(&bytes, configure::jobs(&project.manifest, wanted))?;
        moved.says_the_same(&project.memo).then_some(Decided { moved, config, reply })
    }

    /// Records a build that decided everything anew.  Not doing so only makes the next one slower.
    pub fn record(&self, memo: &Memo, scanned: &Scanned<'_>, built: &Built) {
        let depends = Depends::of(memo, scanned.tree, scanned.consulted, scanned.learned);
        let Some(reply) = reply(memo, built) else { return };
        let config = Digest::of(scanned.config);
        let good = Good { is_build: true, config, mark: scanned.mark, reply };
        let Some(snapshot) = Snapshot::take(memo, self.asked, depends.deciding(), good) else { return };
        // Anything created since it was looked for would be part of the listings but not of the
        // build; so the tree is walked once more, and nothing is recorded if it has changed.
        let again = discover::walk_files(memo.root(), &scanned.options);
        if again.is_ok_and(|again| found(&again, built) == found(scanned.tree, built))
            && snapshot.save(&self.snapshot).is_ok()
        {
            // Without it the next build only configures again.
            fs::write_own_if_changed(&self.config, scanned.config).ok();
            for old in snapshot::prune(&self.snapshot, "snapshot-", snapshot::KEPT) {
                fs::remove_file(&snapshot::config_beside(&old)).ok();
            }
            self.hold(snapshot);
        }
    }

    /// As [`Last::record`], of a build that went by what was `decided` before.
    pub fn record_again(&self, memo: &Memo, decided: Decided, mark: Mark, built: &Built) {
        if let Some(reply) = reply(memo, built)
            && let Some(snapshot) = decided.moved.take(memo, mark, reply)
        {
            snapshot.save(&self.snapshot).ok();
            self.hold(snapshot);
        }
    }

    fn hold(&self, snapshot: Snapshot) {
        if let Some(warm) = self.warm {
            warm.held().hold(self.asked, Arc::new(snapshot));
        }
    }
}

/// What was asked for and in what environment: two equal digests ask for the same.
fn asked(environment: &Environment, wanted: &Wanted) -> Result<Digest> {
    let mut fields = Fields::new();
    fields.push("jmake", env!("CARGO_PKG_VERSION"));
    // The pipe of a make above is another one each time and changes no result.
    let environment = Environment { makeflags: String::new(), ..environment.clone() };
    fields.push("environment", serde_json::to_vec(&environment)?);
    // How many jobs run, and whether a failure stops the rest, changes no good result.
    let wanted = Wanted { jobs: None, ..wanted.clone() };
    fields.push("wanted", serde_json::to_vec(&wanted)?);
    Ok(fields.digest())
}

/// The reply as it is recorded; the results are part of what must be as it was.
fn reply(memo: &Memo, built: &Built) -> Option<Vec<u8>> {
    for result in &built.results {
        memo.digest(&FilePath::new(result)).ok();
    }
    serde_json::to_vec(built).ok()
}

/// The files and folders of `tree`, but for files that the build wrote itself: they were not there
/// when it began.
fn found<'a>(tree: &'a Tree, built: &Built) -> (Vec<&'a FilePath>, &'a [FilePath]) {
    let own = |path: &FilePath| {
        matches!(path.as_bytes(), b"compile_commands.json" | b"jmake.toml")
            || built.results.iter().any(|result| path.as_bytes() == result.as_bytes())
    };
    let files = tree.files.iter().map(|file| &file.path).filter(|path| !own(path));
    (files.collect(), &tree.dirs)
}
