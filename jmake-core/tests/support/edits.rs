//! The edits: each a small function of the tree, the disk and the dice.
//!
//! What an edit does follows from its own number alone, not from the edits before it, so a
//! failing script stays meaningful when steps are dropped from it.

use std::fs;
use std::path::PathBuf;

use super::Dice;
use super::tree::{self, HEADERS, Node, Tree, header, normal, place};
use super::world::World;

/// What an edit did to things the tree does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Harm {
    /// Nothing.
    #[default]
    None,
    /// The project's records may be gone or damaged.
    Records,
    /// They are gone for certain.
    RecordsGone,
    /// Some intermediate files were lost.
    Outputs,
    /// Entries of the shared store were lost.
    Store,
}

/// One build with what precedes it.
#[derive(Default)]
pub struct Effect {
    pub harm: Harm,
    pub force: bool,
    /// A source that the compiler's run appends to.
    pub during: Option<String>,
}

type Edit = fn(&mut World, &mut Tree, &mut Dice) -> Effect;

/// All edits, by name.
pub const EDITS: [(&str, Edit); 47] = [
    ("same-size", |_, t, d| text(t, d, same_size)),
    ("body", |_, t, d| {
        text(t, d, |text, d| *text = text.replacen("return 1", &format!("return {}", 2 + d.below(7)), 1))
    }),
    ("signature", |_, t, d| {
        text(t, d, |text, d| insert(text, &tree::code(d, &format!("g{}", d.clone().below(999)))))
    }),
    ("comment", |_, t, d| text(t, d, |text, d| number_after(text, "note ", d))),
    ("tail-comment", |_, t, d| text(t, d, |text, d| number_after(text, "tail ", d))),
    ("longer-comment", |_, t, d| text(t, d, |text, _| *text = text.replacen("// note", "// note note", 1))),
    ("shifting-comment", |_, t, d| text(t, d, |text, _| text.insert_str(0, "// above\n"))),
    ("blank-line", |_, t, d| text(t, d, |text, _| insert(text, "\n"))),
    ("include", |_, t, d| text_of(t, d, |text, number, d| insert(text, &tree::include(d, number)))),
    ("uninclude", |_, t, d| text(t, d, |text, _| drop_line(text, "#include \""))),
    ("add-source", |_, t, d| {
        tree_only(t, |t| {
            let dir = d.pick(&["s0", "s1", "s2", "common"]).map_or("s0", |d| *d);
            t.add_source(d, dir)
        })
    }),
    ("delete-source", |_, t, d| tree_only(t, |t| delete_source(t, d))),
    ("rename-source", rename_source),
    ("swap", swap),
    ("case-rename", case_rename),
    ("move-header", move_header),
    ("shadow", |_, t, d| tree_only(t, |t| shadow(t, d))),
    ("unshadow", |_, t, d| tree_only(t, |t| unshadow(t, d))),
    ("late-folder", |_, t, d| tree_only(t, |t| late(t, d))),
    ("probe", |_, t, d| tree_only(t, |t| probe(t, d))),
    ("retarget", |_, t, _| tree_only(t, retarget)),
    ("dir-for-file", |_, t, d| tree_only(t, |t| dir_for_file(t, d))),
    ("system-header", |_, t, d| {
        tree_only(t, |t| drop(t.system.insert("sys.h".into(), format!("int sys_{};\n", d.below(9)))))
    }),
    ("system-shadow", |_, t, d| {
        tree_only(t, |t| {
            let name = header(d.below(HEADERS));
            if t.system.remove(&name).is_none() {
                t.system.insert(name, "int of_system;\n".into());
            }
        })
    }),
    ("level", |_, t, d| tree_only(t, |t| t.conf.level = d.below(3))),
    ("own-define", |_, t, d| {
        tree_only(t, |t| {
            let at = d.below(t.conf.targets.len());
            t.conf.targets[at].1 = d.below(2);
        })
    }),
    ("warn-flag", |_, t, _| tree_only(t, |t| t.conf.warn = !t.conf.warn)),
    ("code-flag", |_, t, d| tree_only(t, |t| t.conf.code_flag = d.below(3))),
    ("std", |_, t, d| tree_only(t, |t| t.conf.std = d.below(3))),
    ("dirs-order", |_, t, d| {
        tree_only(t, |t| {
            let (a, b) = (d.below(t.conf.dirs.len()), d.below(t.conf.dirs.len()));
            t.conf.dirs.swap(a, b);
        })
    }),
    ("conf-comment", |_, t, d| tree_only(t, |t| t.conf.comment = d.below(1000))),
    ("no-conf", |_, t, _| {
        tree_only(t, |t| {
            t.conf.present = !t.conf.present;
            t.asked.targets.clear();
            t.asked.profile = None;
        })
    }),
    ("kind", |_, t, d| {
        tree_only(t, |t| {
            let at = d.below(t.conf.targets.len());
            t.conf.targets[at].0 ^= true;
        })
    }),
    ("output-dir", |_, t, d| tree_only(t, |t| t.conf.output = ["julia", "result/s"][d.below(2)].to_owned())),
    ("compiler", |_, t, d| tree_only(t, |t| t.salt = d.below(3))),
    ("break", |_, t, d| {
        text(t, d, |text, d| match text.contains("#error") {
            true => drop_line(text, "#error"),
            false => insert(text, &format!("#error number {}\n", d.below(99))),
        })
    }),
    ("warning", |_, t, d| {
        text(t, d, |text, d| match text.contains("#warning") {
            true => drop_line(text, "#warning"),
            false => insert(text, &format!("#warning number {}\n", d.below(99))),
        })
    }),
    ("profile", |_, t, d| {
        tree_only(t, |t| {
            if t.conf.present {
                t.asked.profile =
                    [None, Some("dev"), Some("fast"), Some("dev")][d.below(4)].map(str::to_owned);
            }
        })
    }),
    ("lto", |_, t, d| {
        tree_only(t, |t| {
            t.asked.lto = [None, Some("thin"), Some("full"), Some("off")][d.below(4)].map(str::to_owned)
        })
    }),
    ("subset", |_, t, d| {
        tree_only(t, |t| {
            if t.conf.present {
                t.asked.targets =
                    if t.asked.targets.is_empty() { vec![d.below(t.conf.targets.len())] } else { Vec::new() };
            }
        })
    }),
    ("jobs", |_, t, d| {
        tree_only(t, |t| {
            t.asked.jobs = [1, 8][d.below(2)];
            t.asked.keep_going = d.one_in(2);
        })
    }),
    ("touch-all", touch_all),
    ("chmod", chmod),
    ("force", |_, _, _| Effect { force: true, ..Effect::default() }),
    ("move-project", |w, _, _| {
        w.move_away();
        Effect::default()
    }),
    ("during", during),
    ("damage", damage),
];

fn tree_only(tree: &mut Tree, edit: impl FnOnce(&mut Tree)) -> Effect {
    edit(tree);
    Effect::default()
}

/// Edits the text of any file.
fn text(tree: &mut Tree, dice: &mut Dice, edit: impl FnOnce(&mut String, &mut Dice)) -> Effect {
    text_of(tree, dice, |text, _, dice| edit(text, dice))
}

fn text_of(tree: &mut Tree, dice: &mut Dice, edit: impl FnOnce(&mut String, usize, &mut Dice)) -> Effect {
    let files = if dice.one_in(2) { tree.headers() } else { tree.sources() };
    if let Some(path) = dice.pick(&files).cloned() {
        let number = (0..HEADERS).find(|&number| path.ends_with(&header(number)));
        let number = number.unwrap_or(if path.ends_with(".h") { HEADERS - 1 } else { usize::MAX });
        if let Some(text) = tree.text_mut(&path) {
            edit(text, number, dice);
        }
    }
    Effect::default()
}

/// Puts `line` before the last line, which may be an `#endif`, or somewhere at the top.
fn insert(text: &mut String, line: &str) {
    let guard = text.lines().take(3).any(|line| line.starts_with("#ifndef"));
    let at = if guard { text.rfind("#endif").unwrap_or(text.len()) } else { text.len() };
    text.insert_str(at, line);
}

fn drop_line(text: &mut String, with: &str) {
    if let Some(at) = text.find(with) {
        let end = text[at..].find('\n').map_or(text.len(), |len| at + len + 1);
        // The whole line goes only where nothing depends on it.
        text.replace_range(at..end, "\n");
    }
}

fn same_size(text: &mut String, dice: &mut Dice) {
    number_after(text, "return ", dice);
    number_after(text, "int version_", dice);
}

/// Replaces the digits after `mark` by as many others.
fn number_after(text: &mut String, mark: &str, dice: &mut Dice) {
    if let Some(at) = text.find(mark).map(|at| at + mark.len()) {
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        let new: String = (0..digits).map(|_| char::from(b'1' + dice.below(9) as u8)).collect();
        text.replace_range(at..at + digits, &new);
    }
}

fn delete_source(tree: &mut Tree, dice: &mut Dice) {
    let sources = tree.sources();
    let Some(path) = dice.pick(&sources) else { return };
    let dir = path.split('/').next().unwrap_or("");
    // A target without sources is an error of another kind.
    if sources.iter().filter(|other| other.starts_with(&format!("{dir}/"))).count() > 1 || dir == "common" {
        tree.files.remove(path);
    }
}

fn rename(world: &mut World, tree: &mut Tree, from: &str, to: &str) {
    if !tree.is_there(to)
        && !to.starts_with(&format!("{from}/"))
        && let Some(node) = tree.files.remove(from)
    {
        tree.files.insert(to.to_owned(), node);
        world.rename(from, to);
    }
}

fn rename_source(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let from = dice.pick(&tree.sources()).cloned().unwrap_or_default();
    let stem = from.rsplit_once('.').map_or("", |(stem, _)| stem);
    let to = match dice.below(3) {
        0 => format!("{stem}.{}", if from.ends_with(".c") { "cpp" } else { "c" }),
        1 => format!("{stem}_{}.c", dice.below(3)),
        _ => place(tree::folder(&from), "util.cpp"),
    };
    rename(world, tree, &from, &to);
    Effect::default()
}

fn swap(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let files = if dice.one_in(2) { tree.headers() } else { tree.sources() };
    let (Some(a), Some(b)) = (dice.pick(&files).cloned(), dice.pick(&files).cloned()) else {
        return Effect::default();
    };
    // Headers keep to the order of their numbers.
    let plain = |path: &String| matches!(tree.files.get(path), Some(Node::File(_)));
    let same = |path: &String| path.rsplit('/').next().map(str::to_owned);
    if a != b
        && plain(&a)
        && plain(&b)
        && (!a.ends_with(".h") || same(&a) == same(&b) || a.contains("/v") && b.contains("/v"))
    {
        for (from, to) in [(a.as_str(), "swap.tmp"), (b.as_str(), a.as_str()), ("swap.tmp", b.as_str())] {
            rename(world, tree, from, to);
        }
    }
    Effect::default()
}

fn case_rename(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let from = dice.pick(&tree.headers()).cloned().unwrap_or_default();
    let (dir, name) = from.rsplit_once('/').unwrap_or(("", &from));
    let other = match name.strip_prefix('h') {
        Some(rest) => format!("H{rest}"),
        None => name.replacen('H', "h", 1),
    };
    let to = place(dir, &other);
    rename(world, tree, &from, &to);
    Effect::default()
}

fn move_header(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let from = dice.pick(&tree.headers()).cloned().unwrap_or_default();
    let name = from.rsplit('/').next().unwrap_or("").to_owned();
    if name.starts_with('h') {
        let to = place(["inc", "lib", "inc/sub"][dice.below(3)], &name);
        rename(world, tree, &from, &to);
    }
    Effect::default()
}

fn shadow(tree: &mut Tree, dice: &mut Dice) {
    let number = dice.below(HEADERS);
    let dir = ["inc", "lib", "late", "inc/sub", "s0", "s1", "."][dice.below(7)];
    let path = place(dir, &header(number));
    if !tree.is_there(&path) && !tree.files.contains_key(dir) {
        let text = tree::text(dice, number, dir);
        tree.add(path, text);
    }
}

/// Removes a header that another of its name can stand in for.
fn unshadow(tree: &mut Tree, dice: &mut Dice) {
    let headers = tree.headers();
    let name = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    let twice: Vec<&String> =
        headers.iter().filter(|path| headers.iter().filter(|p| name(p) == name(path)).count() > 1).collect();
    if let Some(path) = dice.pick(&twice) {
        tree.files.remove(*path);
    }
}

fn late(tree: &mut Tree, dice: &mut Dice) {
    if tree.is_there("late") {
        tree.files.retain(|path, _| !path.starts_with("late/"));
    } else {
        for _ in 0..2 {
            let number = dice.below(HEADERS);
            let text = tree::text(dice, number, "late");
            tree.add(place("late", &header(number)), text);
        }
    }
}

fn probe(tree: &mut Tree, dice: &mut Dice) {
    let path = place(["inc", "lib", "late", "s0"][dice.below(4)], "probe.h");
    if tree.files.remove(&path).is_none() {
        tree.add(path, format!("int probed_{};\n", dice.below(9)));
    }
}

fn retarget(tree: &mut Tree) {
    if let Some(Node::Link(to)) = tree.files.get_mut("inc/l.h") {
        *to = if to == "v1.h" { "v2.h".into() } else { "v1.h".into() };
    }
}

fn dir_for_file(tree: &mut Tree, dice: &mut Dice) {
    let path = place(["inc", "lib"][dice.below(2)], &header(dice.below(HEADERS)));
    let inside = format!("{path}/inside.txt");
    if tree.files.remove(&inside).is_some() {
        return;
    }
    tree.files.remove(&path);
    tree.add(inside, "a folder with the name of a header\n".into());
}

fn touch_all(world: &mut World, tree: &mut Tree, _dice: &mut Dice) -> Effect {
    let now = filetime::FileTime::now();
    for path in tree.files.keys() {
        let place = world.root().join(normal(path));
        if place.exists() {
            filetime::set_symlink_file_times(&place, now, now).unwrap();
        }
    }
    Effect::default()
}

fn chmod(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    use std::os::unix::fs::PermissionsExt;
    if let Some(path) = dice.pick(&tree.sources()) {
        let place = world.root().join(path);
        if place.exists() {
            let mode = [0o600, 0o755, 0o644][dice.below(3)];
            fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    Effect::default()
}

/// The source is appended to while the compiler runs on it.
fn during(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let Some(source) = dice.pick(&tree.sources()).cloned() else { return Effect::default() };
    if source.contains([' ', '$', '#']) {
        return Effect::default();
    }
    let mark = world.path("mark");
    fs::remove_file(&mark).ok();
    let append = format!("append {} int during;", world.root().join(&source).display());
    world.fault(&format!("once {} {append}", mark.display()), &source);
    Effect { during: Some(source), ..Effect::default() }
}

/// Something that jmake wrote is deleted or damaged.
fn damage(world: &mut World, tree: &mut Tree, dice: &mut Dice) -> Effect {
    let state = world.root().join(".jmake");
    let below = |dir: &str, dice: &mut Dice| dice.pick(&files(&world.root().join(dir))).cloned();
    let mut harm = Harm::Outputs;
    match dice.below(9) {
        0 => {
            fs::remove_dir_all(&state).ok();
            harm = Harm::RecordsGone;
        }
        1 => {
            for file in files(&world.cache().join("")).into_iter().filter(|_| dice.one_in(2)) {
                fs::remove_file(file).ok();
            }
            harm = Harm::Store;
        }
        2 => spoil(below(&tree.conf.output, dice), dice),
        3..=5 => {
            let profile = tree.asked.profile.as_deref().unwrap_or("release").to_owned();
            let dir = ["objects", "results", "ir"][dice.below(3)];
            spoil(below(&format!(".jmake/{profile}/{dir}"), dice), dice);
        }
        6 => {
            for file in files(&state).into_iter().filter(|file| {
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
                name.starts_with("snapshot") || name == "memo"
            }) {
                fs::remove_file(file).unwrap();
            }
            harm = Harm::None;
        }
        _ => {
            let name = ["log", "memo", "explain.json", "log", ".gitignore", "lock"][dice.below(6)];
            spoil(Some(state.join(name)).filter(|file| file.is_file()), dice);
            if name == "log" {
                harm = Harm::Records;
            }
        }
    }
    Effect { harm, ..Effect::default() }
}

/// All files below `dir`, sorted.
pub fn files(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

fn spoil(file: Option<PathBuf>, dice: &mut Dice) {
    let Some(file) = file else { return };
    let mut bytes = fs::read(&file).unwrap();
    match dice.below(4) {
        0 => return fs::remove_file(&file).unwrap(),
        1 => bytes.truncate(dice.below(bytes.len())),
        2 => bytes.extend_from_slice(b"more"),
        _ if bytes.is_empty() => {}
        _ => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 0x40;
        }
    }
    fs::write(&file, bytes).unwrap();
}
