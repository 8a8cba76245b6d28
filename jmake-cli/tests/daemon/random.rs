//! Random edits of a small tree, each built by a daemon over a real socket: what it publishes is
//! what the command publishes that builds a copy of the tree alone and with nothing known.
//!
//! `JMAKE_SOCKET_STEPS` sets how many builds there are, `JMAKE_SOCKET_SEED` the seed, which is
//! printed when something is wrong.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;

use serde_json::json;

use crate::fake::{Dice, World, campaign, copy_tree, published, same};
use crate::field::{Field, finish};

/// How many headers there are; one includes only those with higher numbers.
const HEADERS: usize = 4;

/// A source.
#[derive(Clone, Default)]
struct Unit {
    id: usize,
    value: usize,
    note: usize,
    includes: Vec<usize>,
    broken: bool,
}

/// The project as a value.
struct Tree {
    units: BTreeMap<String, Unit>,
    /// What each header says, and whether it includes the next one.
    headers: [(usize, bool); HEADERS],
    level: usize,
    flag: bool,
    comment: usize,
    next: usize,
}

impl Tree {
    fn new(dice: &mut Dice) -> Tree {
        let headers = [(0, true), (1, false), (2, true), (3, false)];
        let mut tree = Tree { units: BTreeMap::new(), headers, level: 0, flag: false, comment: 0, next: 0 };
        (0..4).for_each(|_| tree.add(dice));
        tree
    }

    fn place(&mut self, dice: &mut Dice, id: usize) -> String {
        let dir = dice.pick(&["", "sub/", "sub/deep/", "other/"]);
        format!("{dir}f{id}.{}", dice.pick(&["c", "cpp"]))
    }

    fn add(&mut self, dice: &mut Dice) {
        self.next += 1;
        let id = self.next;
        let includes = (0..HEADERS).filter(|_| dice.below(2) == 0).collect();
        let place = self.place(dice, id);
        self.units.insert(place, Unit { id, value: 100 + dice.below(900), includes, ..Unit::default() });
    }

    fn one(&self, dice: &mut Dice) -> String {
        self.units.keys().nth(dice.below(self.units.len())).unwrap().clone()
    }

    /// Changes something; gives what, for whoever looks for the reason of a failure.
    fn edit(&mut self, dice: &mut Dice) -> String {
        let name = self.one(dice);
        let unit = self.units.get_mut(&name).unwrap();
        match dice.below(14) {
            // Of the same size.
            0..=2 => unit.value = 100 + dice.below(900),
            3 => unit.value *= 1000,
            4 => unit.note = dice.below(1000),
            5 => {
                let header = dice.below(HEADERS);
                match unit.includes.iter().position(|known| *known == header) {
                    Some(at) => drop(unit.includes.remove(at)),
                    None => unit.includes.push(header),
                }
            }
            6 => unit.broken ^= true,
            7 => {
                self.add(dice);
                return "a source more".into();
            }
            8 if self.units.len() > 2 => drop(self.units.remove(&name)),
            9 => {
                let unit = self.units.remove(&name).unwrap();
                let place = self.place(dice, unit.id);
                let what = format!("{name} is {place}");
                self.units.insert(place, unit);
                return what;
            }
            10 => {
                let header = dice.below(HEADERS);
                self.headers[header].0 = 10 + dice.below(90);
                return format!("header {header}");
            }
            11 => {
                let header = dice.below(HEADERS);
                self.headers[header].1 ^= true;
                return format!("what header {header} includes");
            }
            12 => {
                match dice.below(3) {
                    0 => self.level = dice.below(3),
                    1 => self.flag ^= true,
                    _ => self.comment = dice.below(100),
                }
                return "settings".into();
            }
            _ => return "nothing".into(),
        }
        format!("{name} itself")
    }

    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for (name, unit) in &self.units {
            let Unit { id, value, note, includes, broken } = unit;
            let lines: String = includes.iter().map(|at| format!("#include \"h{at}.h\"\n")).collect();
            let error = if *broken { "#error no\n" } else { "" };
            let linkage = if name.ends_with("cpp") { "extern \"C\" " } else { "" };
            let body = format!("{linkage}int f{id}(void) {{ return {value} + LEVEL; }} // note {note}\n");
            files.insert(name.clone(), format!("{lines}{error}{body}"));
        }
        for (at, (value, next)) in self.headers.iter().enumerate() {
            let include = format!("#include \"h{}.h\"\n", at + 1);
            let include = if *next && at + 1 < HEADERS { &*include } else { "" };
            files.insert(
                format!("inc/h{at}.h"),
                format!("#pragma once\n{include}#define H{at} {value}\nint h{at}_{value};\n"),
            );
        }
        let flags = if self.flag { "\"-fno-exceptions\"" } else { "" };
        let Tree { level, comment, .. } = self;
        files.insert(
            "jmake.toml".into(),
            format!(
                "# note {comment}\n[project]\nname = \"p\"\n[compile]\ninclude_dirs = [\"inc\"]\n\
                 defines = {{ LEVEL = \"{level}\" }}\nflags = [{flags}]\n"
            ),
        );
        files
    }
}

/// Makes the disk what `files` says; what is as it was is left alone, or touched at random.
fn write(
    field: &Field,
    dice: &mut Dice,
    before: &BTreeMap<String, String>,
    files: &BTreeMap<String, String>,
) {
    for name in before.keys().filter(|name| !files.contains_key(*name)) {
        field.remove(name);
    }
    for (name, text) in files {
        if before.get(name) == Some(text) && dice.below(20) > 0 {
            continue;
        }
        // As editors do: in place, or by another file that takes the name.
        if dice.below(2) == 0 {
            field.write(name, text);
        } else {
            let new = format!("{name}.new");
            field.write(&new, text);
            std::fs::rename(field.at(&new), field.at(name)).unwrap();
        }
    }
}

/// Builds by the daemon, by the command or by a client that stays; tells whether that succeeded and
/// whether the daemon did it (the command does without one that a loaded machine keeps from answering).
fn build(field: &Field, client: &mut crate::field::Raw, step: usize, profile: Option<&str>) -> (bool, bool) {
    if step.is_multiple_of(2) {
        let profile = profile.map(|profile| ["--profile", profile]);
        let args = [&["build", "-v", "--daemon", "on"][..], profile.as_ref().map_or(&[], |flags| flags)];
        let ran = field.jmake(&args.concat());
        return (ran.code == Some(0), !ran.err.contains("without the daemon"));
    }
    let id = step as u64;
    if step % 4 == 1 {
        let mut params = field.build_params();
        params["request"]["with"]["wanted"]["profile"] = json!(profile);
        client.ask(id, "engine.handle", &params);
        return (client.answer(id).0["result"]["data"]["success"] == true, true);
    }
    let params = json!({"environment": field.environment, "profile": profile});
    client.ask(id, "orchestrator.build_project", &params);
    (client.answer(id).0["result"]["success"] == true, true)
}

#[test]
fn random_edits_give_what_a_clean_build_gives() {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = campaign("JMAKE_SOCKET_SEED", clock.as_millis() as usize % 1_000_000);
    let steps = campaign("JMAKE_SOCKET_STEPS", 150);
    let mut dice = Dice::new(seed as u64);
    let mut tree = Tree::new(&mut dice);
    let field = Field::of(World::new());
    field.jmake(&["daemon", "start"]).good("start");
    let mut client = field.client();
    let (mut before, mut good, mut served) = (BTreeMap::new(), 0, 0);
    let mut done = "the first build".to_owned();
    for step in 0..steps {
        let files = tree.files();
        write(&field, &mut dice, &before, &files);
        before = files;
        let profile = [None, None, Some("dev")][dice.below(3)];
        let what = format!("JMAKE_SOCKET_SEED={seed}, step {step}: {done}, profile {profile:?}");
        let (built, by_daemon) = build(&field, &mut client, step, profile);
        served += usize::from(by_daemon);

        let fresh = tempfile::tempdir().unwrap();
        let copy = fresh.path().canonicalize().unwrap().join("work/p");
        copy_tree(&field.root, &copy, &[".jmake", "julia", "compile_commands.json"]);
        let mut command = field.command(&["build", "--daemon", "off"]);
        command.args(profile.map(|profile| format!("--profile={profile}")));
        command.current_dir(&copy).env("XDG_CACHE_HOME", fresh.path().join("cache")).process_group(0);
        let clean = finish(command.spawn().unwrap());
        assert_eq!(built, clean.code == Some(0), "{what}: {}", clean.err);
        if built {
            same(&field.published(), &published(&copy), &what);
            good += 1;
        }
        let edits = 1 + dice.below(3);
        done = (0..edits).map(|_| tree.edit(&mut dice)).collect::<Vec<_>>().join(", ");
        // Not for ever.
        if step % 5 == 4 {
            tree.units.values_mut().for_each(|unit| unit.broken = false);
        }
    }
    assert!(good > steps / 2, "JMAKE_SOCKET_SEED={seed}: only {good} of {steps} builds were good");
    assert!(served * 10 > steps * 9, "JMAKE_SOCKET_SEED={seed}: the daemon did only {served} of {steps}");
    field.pid();
}
