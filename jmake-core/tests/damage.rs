//! Every file that jmake keeps, damaged in every way: the build is right all the same.
//!
//! For each round a project and its cache are copied, one stored file is cut, flipped, zeroed,
//! swapped with another or replaced by something that is no file, and a build runs in one of
//! several moods (nothing changed, an edit, outputs gone, only the cache left).  It must succeed
//! in good time with the result of a clean build; the second build must be quiet.  `verify` must
//! find every damaged blob and trace, and `--repair` must leave nothing to find.
//!
//! `JMAKE_DAMAGES` (default 500) rounds, `JMAKE_DAMAGE_SEED`.

#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "the disk is changed behind the engine's back")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::fake::*;

/// What happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Zero(usize),
    Junk,
    Longer,
    Swap(PathBuf),
    Empty,
    Folder,
    FullFolder,
    Fifo,
    Dangling,
    Loop,
    Device,
    Elsewhere,
    Unreadable,
    Gone,
}

impl Damage {
    fn random(dice: &mut Dice, file: &Path, all: &[PathBuf]) -> Damage {
        let len = fs::metadata(file).map_or(0, |meta| meta.len() as usize);
        match dice.below(24) {
            0..=4 => Damage::Cut(dice.below(len.min(4096))),
            5 => Damage::Cut(dice.below(len)),
            // Headers and checksums are in the first bytes.
            6..=8 => Damage::Flip(dice.below(len.min(64)), 1 << dice.below(8)),
            9..=11 => Damage::Flip(dice.below(len), 1 << dice.below(8)),
            12 => Damage::Zero(dice.below(len.div_ceil(4096)) * 4096),
            13 => Damage::Junk,
            14 => Damage::Longer,
            15 => Damage::Swap(dice.pick(all).clone()),
            16 => Damage::Empty,
            17 => Damage::Folder,
            18 => Damage::FullFolder,
            19 => Damage::Fifo,
            20 => dice.pick(&[Damage::Dangling, Damage::Loop]).clone(),
            21 => dice.pick(&[Damage::Device, Damage::Elsewhere]).clone(),
            22 => Damage::Unreadable,
            _ => Damage::Gone,
        }
    }

    /// Does it; tells whether the content of `file` is another now.
    fn apply(&self, file: &Path) -> bool {
        let mut bytes = fs::read(file).unwrap();
        let before = bytes.clone();
        match self {
            Damage::Cut(len) => bytes.truncate(*len),
            Damage::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(*at) {
                    *byte ^= bit;
                }
            }
            Damage::Zero(at) => bytes.iter_mut().skip(*at).take(4096).for_each(|byte| *byte = 0),
            Damage::Junk => bytes = b"junk".repeat(300),
            Damage::Longer => bytes.extend(before.clone()),
            Damage::Empty => bytes.clear(),
            Damage::Swap(other) => {
                bytes = fs::read(other).unwrap();
                fs::write(other, &before).unwrap();
            }
            _ => return self.replace(file),
        }
        fs::write(file, &bytes).unwrap();
        bytes != before
    }

    fn replace(&self, file: &Path) -> bool {
        if matches!(self, Damage::Unreadable) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
            // To the superuser everything is readable.
            return fs::File::open(file).is_err();
        }
        let bytes = fs::read(file).unwrap();
        fs::remove_file(file).unwrap();
        match self {
            Damage::Folder => fs::create_dir(file).unwrap(),
            Damage::FullFolder => {
                fs::create_dir(file).unwrap();
                fs::write(file.join("x"), "x").unwrap();
            }
            Damage::Fifo => {
                rustix::fs::mkfifoat(rustix::fs::CWD, file, rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
            }
            Damage::Dangling => symlink("nowhere/at/all", file).unwrap(),
            Damage::Loop => symlink(file.file_name().unwrap(), file).unwrap(),
            Damage::Device => symlink("/dev/zero", file).unwrap(),
            Damage::Elsewhere => {
                let other = file.with_extension("elsewhere");
                fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();
                symlink(&other, file).unwrap();
            }
            _ => {}
        }
        true
    }
}

/// In what state the rest is when the build begins.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Unchanged,
    Edited,
    OutputsGone,
    OnlyCache,
    NoCache,
}

const MOODS: [Mood; 5] = [Mood::Unchanged, Mood::Edited, Mood::OutputsGone, Mood::OnlyCache, Mood::NoCache];

impl Mood {
    fn apply(self, world: &World) {
        let gone = |path: PathBuf| {
            if path.exists() {
                fs::remove_dir_all(path).unwrap();
            }
        };
        match self {
            Mood::Unchanged => {}
            Mood::Edited => world.write("a.c", "#include \"inc/x.h\"\nint a2(void) { return X; }\n"),
            Mood::OutputsGone => {
                gone(world.at("julia"));
                gone(world.at(".jmake/release"));
            }
            Mood::OnlyCache => {
                gone(world.at(".jmake"));
                gone(world.at("julia"));
            }
            Mood::NoCache => {
                gone(world.cache());
                world.write("a.c", "#include \"inc/x.h\"\nint a2(void) { return X; }\n");
            }
        }
    }
}

/// A project with everything jmake ever keeps: built three times, so that there are snapshots,
/// memos and several traces of a key.
fn template() -> World {
    let world = World::small();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
    for text in ["#define X 5\n", "#define X 1\n"] {
        world.write("inc/x.h", text);
        world.build().assert_good("the template");
    }
    // Times set back cannot make a file settled, for the change time stays; but they are what a
    // restored backup looks like.
    for file in files(&world.root) {
        fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    for _ in 0..2 {
        world.build().assert_good("the template");
    }
    world
}

/// Everything that jmake keeps, of the project and of the user.
fn kept(world: &World) -> Vec<PathBuf> {
    let mut all = files(&world.at(".jmake"));
    all.extend(files(&world.cache()));
    all.extend(files(&world.at("julia")));
    all
}

fn is_entry(world: &World, file: &Path) -> bool {
    ["v1/blobs", "v1/traces"].iter().any(|folder| file.starts_with(world.cache().join(folder)))
}

fn round(template: &World, clean: &[Published; 2], seed: u64) {
    let mut dice = Dice::new(seed);
    let world = template.copy();
    let mood = MOODS[dice.below(MOODS.len())];
    mood.apply(&world);
    let all = kept(&world);
    let file = dice.pick(&all).clone();
    let damage = Damage::random(&mut dice, &file, &all);
    let shown = file.strip_prefix(world.dir()).unwrap().display().to_string();
    let what = format!("JMAKE_DAMAGE_SEED={seed}: {mood:?}, {damage:?} of {shown}");
    // The folder of results is the user's: jmake overwrites files there, nothing else.
    let folder = matches!(damage, Damage::Folder | Damage::FullFolder);
    if folder && file.starts_with(world.at("julia")) {
        return;
    }
    let other = damage.apply(&file);
    let damaged: Vec<&Path> = match &damage {
        Damage::Swap(with) => vec![&file, with],
        Damage::Gone => vec![],
        _ => vec![&file],
    };
    if other {
        let found = world.store().verify(false).damaged;
        for entry in damaged.into_iter().filter(|file| is_entry(&world, file)) {
            assert!(found.contains(&entry.display().to_string()), "{what}: verify does not find it");
        }
    }
    let clean = &clean[usize::from(matches!(mood, Mood::Edited | Mood::NoCache))];
    world.assert_right(clean, &what);
    world.assert_tidy(&what);
    world.store().verify(true);
    world.assert_verified(&what);
    world.assert_quiet(&what);
}

#[test]
fn any_damage_costs_time_only() {
    let template = template();
    let edited = template.copy();
    Mood::Edited.apply(&edited);
    let clean = [template.clean(), edited.clean()];
    let first = campaign("JMAKE_DAMAGE_SEED", 1);
    let rounds = campaign("JMAKE_DAMAGES", 500);
    let next = AtomicUsize::new(first);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + rounds {
                        return;
                    }
                    round(&template, &clean, seed as u64);
                }
            });
        }
    });
}

/// Everything in the cache damaged at once: found, repaired in one go, and of no consequence.
#[test]
fn verify_finds_all_and_repair_converges() {
    let world = template();
    let entries: Vec<_> = files(&world.cache()).into_iter().filter(|file| is_entry(&world, file)).collect();
    let mut dice = Dice::new(7);
    let mut damaged = Vec::new();
    for file in &entries {
        let damage = loop {
            match Damage::random(&mut dice, file, &entries) {
                Damage::Swap(_) | Damage::Gone => {}
                damage => break damage,
            }
        };
        if damage.apply(file) {
            damaged.push(file.display().to_string());
        }
    }
    assert!(damaged.len() >= 10);
    let found = world.store().verify(false).damaged;
    let missed: Vec<_> = damaged.iter().filter(|file| !found.contains(file)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    world.store().verify(true);
    world.assert_verified("after the repair");
    fs::remove_dir_all(world.at(".jmake")).unwrap();
    world.assert_right(&world.clean(), "with an empty cache");
}
