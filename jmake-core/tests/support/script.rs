//! A script is a seed and the numbers of its steps; running it gives the first thing that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use std::panic::{AssertUnwindSafe, catch_unwind};

use jmake_core::event::{Event, Outcome};

use super::Dice;
use super::check::{Memory, Wrong, finished, warnings};
use super::edits::{EDITS, Effect, Harm};
use super::oracle::{Step, digest, steps};
use super::tree::{Node, Tree};
use super::world::{Said, World, list};

/// Where a script failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The step.
    pub at: usize,
    /// What was edited in each step up to it.
    pub story: Vec<String>,
    pub wrong: Wrong,
}

/// A project in the middle of a script.
struct Run {
    world: World,
    tree: Tree,
    memory: Memory,
    /// Trees of earlier good builds, to go back to.
    earlier: Vec<Tree>,
    /// What was published for each result that the oracle knows.
    known: BTreeMap<u64, Vec<u8>>,
    /// Whether the list of what was published is lost, so that old results stay.
    orphans: bool,
    failed: bool,
    story: Vec<String>,
}

/// How often a clean build is compared.
const CLEAN_EVERY: usize = 5;

/// Runs the steps `numbers` of the script with `seed`.
pub fn run(seed: u64, numbers: &[usize]) -> Result<(usize, usize, u64), Failure> {
    let mut run = Run {
        world: World::new(),
        tree: Tree::random(&mut Dice::new(seed)),
        memory: Memory::default(),
        earlier: Vec::new(),
        known: BTreeMap::new(),
        orphans: false,
        failed: false,
        story: Vec::new(),
    };
    // Half of the scripts run as in a daemon.
    if seed.is_multiple_of(2) {
        run.world.keep_warm();
    }
    run.world.sync(&run.tree, &mut Dice::new(seed));
    let last = numbers.last().copied().unwrap_or(0);
    for &number in numbers {
        let mut dice = Dice::new(seed ^ (number as u64 + 1).wrapping_mul(0x1234_5678_9abc_def1));
        let clean = number % CLEAN_EVERY == 0 || number == last;
        let step = catch_unwind(AssertUnwindSafe(|| run.step(number, &mut dice, clean)));
        let wrong = step.unwrap_or_else(|_| Err("a panic".into())).err();
        if let Some(wrong) = wrong {
            return Err(Failure { at: number, story: run.story, wrong });
        }
    }
    // On a machine with much else to do events may be late.
    let scanning = run.world.warm().and_then(|warm| warm.held().noticing().scanning);
    if let Some(why) = scanning.filter(|why| why.starts_with("no event told")) {
        return Err(Failure { at: last, story: run.story, wrong: format!("events are not believed: {why}") });
    }
    Ok((run.memory.checked, run.memory.lax, run.world.spared()))
}

/// Drops steps from a failing script while it still fails.
pub fn shrink(seed: u64, failure: &Failure) -> (Vec<usize>, Failure) {
    let mut numbers: Vec<usize> = (0..=failure.at).collect();
    let mut best = failure.clone();
    let mut size = numbers.len().div_ceil(2);
    loop {
        let mut at = 0;
        while at < numbers.len() {
            let end = (at + size).min(numbers.len());
            let fewer: Vec<usize> = numbers[..at].iter().chain(&numbers[end..]).copied().collect();
            match run(seed, &fewer) {
                Err(failure) => {
                    numbers = fewer.into_iter().filter(|&number| number <= failure.at).collect();
                    best = failure;
                }
                Ok(_) => at = end,
            }
        }
        if size == 1 {
            return (numbers, best);
        }
        size = size.div_ceil(2);
    }
}

impl Run {
    fn step(&mut self, number: usize, dice: &mut Dice, clean: bool) -> Result<(), Wrong> {
        let effect = self.edit(number, dice);
        self.world.sync(&self.tree, dice);
        self.memory.harm(effect.harm);
        if matches!(effect.harm, Harm::RecordsGone) {
            self.orphans = true;
        }
        let inputs = self.world.inputs();
        self.world.starts();
        let said = self.world.build(&self.tree, effect.force);
        self.world.fault("", "");
        if effect.during.is_some() {
            self.look_again(&effect);
        } else if self.world.inputs() != inputs {
            return Err("the build changed an input".into());
        }
        self.starts(&said)?;
        if let Some(warm) = self.world.warm()
            && !dice.one_in(4)
        {
            warm.held().rest();
        }
        self.compare(&said, effect.force && effect.during.is_none(), clean)?;
        self.again(dice)
    }

    fn edit(&mut self, number: usize, dice: &mut Dice) -> Effect {
        if number > 0 && dice.one_in(if self.failed { 2 } else { 12 }) && !self.earlier.is_empty() {
            let at = if self.failed { self.earlier.len() - 1 } else { dice.below(self.earlier.len()) };
            let asked = self.tree.asked.clone();
            self.tree = self.earlier[at].clone();
            if self.tree.conf.present && dice.one_in(2) {
                self.tree.asked = asked;
            }
            self.story.push(format!("{number}: revert to {at}"));
            return Effect::default();
        }
        // The oracle knows little of trees without settings, so they do not last.
        let at = EDITS.iter().position(|(name, _)| *name == "no-conf" && !self.tree.conf.present);
        let at = at.filter(|_| dice.one_in(3)).unwrap_or_else(|| dice.below(EDITS.len()));
        let (name, edit) = EDITS[at];
        let before = self.tree.clone();
        let effect = edit(&mut self.world, &mut self.tree, dice);
        self.story.push(format!("{number}: {name} {:?} {}", effect.harm, difference(&before, &self.tree)));
        effect
    }

    /// No action runs twice.  (A compile or a link may, when what it discovers is brand-new.)
    fn starts(&self, said: &Said) -> Result<(), Wrong> {
        let starts = self.world.starts();
        let ran = finished(said).into_values().filter(|(kind, _, outcome, _)| {
            !matches!(kind.name(), "compile" | "link") && matches!(outcome, Outcome::Ran | Outcome::Failed)
        });
        match ran.count() {
            ran if ran == starts => Ok(()),
            ran => Err(format!("{starts} tools were started for {ran} actions")),
        }
    }

    /// Whether a compiler did append to its source.
    fn look_again(&mut self, effect: &Effect) {
        let Some(source) = &effect.during else { return };
        let path = self.world.root().join(source);
        if let (Ok(now), Some(text)) = (std::fs::read_to_string(path), self.tree.text_mut(source))
            && *text != now
        {
            text.clone_from(&now);
            self.world.wrote(source, Node::File(now));
        }
    }

    fn compare(&mut self, said: &Said, force: bool, clean: bool) -> Result<(), Wrong> {
        if let Some(error) = &said.error {
            return Err(format!("the build broke off: {error}"));
        }
        let success = said.built.as_ref().is_some_and(|built| built.success);
        self.failed = !success;
        if !self.tree.conf.present {
            // Discovery decides here, which the oracle does not know.
            self.memory.unknown_build();
            return if clean { self.compare_clean(said, &[]) } else { Ok(()) };
        }
        let steps = steps(&self.tree);
        let fails = steps.iter().any(|step| step.output.is_none());
        if fails == success {
            return Err(format!("success is {success}: {:?}", problems(said)));
        }
        self.memory.check(&self.tree, &steps, said, force)?;
        if success {
            self.published(&steps)?;
            if self.earlier.len() < 12 {
                self.earlier.push(self.tree.clone());
            } else {
                let at = digest(steps[0].recipe) as usize % 12;
                self.earlier[at] = self.tree.clone();
            }
        }
        if clean { self.compare_clean(said, &steps) } else { Ok(()) }
    }

    /// Equal by the oracle means equal by bytes, whenever it was made.
    fn published(&mut self, steps: &[Step]) -> Result<(), Wrong> {
        for step in steps.iter().filter(|step| step.label.starts_with(&format!("{}/", self.tree.conf.output)))
        {
            let last = matches!(step.kind.name(), "link" | "archive");
            let (true, Some(output)) = (last, step.output) else { continue };
            let bytes = std::fs::read(self.world.root().join(&step.label))
                .map_err(|e| format!("`{}` is not published: {e}", step.label))?;
            let known = self.known.entry(output).or_insert_with(|| bytes.clone());
            if *known != bytes {
                return Err(format!("`{}` is not what it was when last made of the same", step.label));
            }
        }
        Ok(())
    }

    fn compare_clean(&mut self, said: &Said, steps: &[Step]) -> Result<(), Wrong> {
        let (clean, root) = self.world.build_clean(&self.tree);
        let (Some(built), Some(expected)) = (&said.built, &clean.built) else {
            return Err(format!("a clean build broke off: {:?}", clean.error));
        };
        if built.success != expected.success {
            return Err(format!("a clean build says {} ({:?})", expected.success, problems(&clean)));
        }
        if !built.success {
            if self.tree.asked.keep_going && failures(said) != failures(&clean) {
                return Err(format!("{:?} failed, in a clean build {:?}", failures(said), failures(&clean)));
            }
            return Ok(());
        }
        if built.results != expected.results {
            return Err(format!("results are {:?} and not {:?}", built.results, expected.results));
        }
        if !steps.is_empty() && finished(&clean).len() != steps.len() {
            return Err("a clean build has other actions than the oracle".into());
        }
        if warnings(said) != warnings(&clean) {
            return Err(format!("warnings are {:?} and not {:?}", warnings(said), warnings(&clean)));
        }
        let output = &self.tree.conf.output;
        let (mine, theirs) = (list(&self.world.root().join(output)), list(&root.join(output)));
        let names: BTreeSet<_> = match self.orphans || !self.tree.asked.targets.is_empty() {
            true => theirs.keys().collect(),
            false => mine.keys().chain(theirs.keys()).collect(),
        };
        for name in names {
            let content = |files: &BTreeMap<String, (Vec<u8>, u32, i64, i64)>| {
                files.get(name).map(|(bytes, mode, ..)| (bytes.clone(), *mode))
            };
            let (mine, theirs) = (content(&mine), content(&theirs));
            if mine != theirs {
                let short = |file: &Option<(Vec<u8>, u32)>| {
                    file.as_ref().map(|(bytes, mode)| (bytes.len(), *mode, digest(bytes)))
                };
                return Err(format!("`{name}` is {:?}, in a clean build {:?}", short(&mine), short(&theirs)));
            }
        }
        Ok(())
    }

    /// A second build at once has nothing to do; nor has one that knows only the records.
    fn again(&mut self, dice: &mut Dice) -> Result<(), Wrong> {
        if self.failed {
            return Ok(());
        }
        let said = self.world.build(&self.tree, false);
        let built =
            said.built.as_ref().ok_or_else(|| format!("the second build broke off: {:?}", said.error))?;
        if !built.success || built.ran > 0 || built.restored > 0 {
            return Err(format!("the second build is not quiet: {built:?} {:?}", finished(&said)));
        }
        // What is published for the first time is a change of the folder that the second build sees.
        if !built.untouched && !self.world.build(&self.tree, false).built.is_some_and(|built| built.untouched)
        {
            return Err("even the third build looked into actions".into());
        }
        if dice.one_in(4) {
            for file in super::edits::files(&self.world.root().join(".jmake")) {
                if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snapshot")) {
                    std::fs::remove_file(file).map_err(|e| e.to_string())?;
                }
            }
            let said = self.world.build(&self.tree, false);
            // A record may be older than the snapshot was, when a failed build lay in between.
            if self.tree.conf.present {
                self.memory.check(&self.tree, &steps(&self.tree), &said, false)?;
            }
            // With records damaged, what the store does not hold to the letter runs again.
            if said.built.as_ref().is_none_or(|built| built.ran > 0 && self.memory.knows_records()) {
                let stirred =
                    finished(&said).into_values().filter(|(_, _, outcome, _)| *outcome != Outcome::Fresh);
                return Err(format!(
                    "without its snapshot the third build is not quiet: {:?}",
                    stirred.collect::<Vec<_>>()
                ));
            }
        }
        Ok(())
    }
}

fn failures(said: &Said) -> BTreeSet<String> {
    let failed = finished(said).into_values().filter(|(_, _, outcome, _)| *outcome == Outcome::Failed);
    failed.map(|(_, label, ..)| label).collect()
}

fn problems(said: &Said) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Diagnostic(problem) => Some(problem.message.clone()),
        Event::Finished { outcome: Outcome::Failed, kind, label, output, .. } => {
            Some(format!("{kind:?} {label}: {output}"))
        }
        _ => None,
    };
    said.events.iter().filter_map(text).collect()
}

/// What differs between two trees, for a person.
fn difference(old: &Tree, new: &Tree) -> String {
    let mut all = Vec::new();
    for path in old.files.keys().chain(new.files.keys()).collect::<BTreeSet<_>>() {
        let (was, is) = (old.files.get(path), new.files.get(path));
        if was != is {
            all.push(format!(
                "{path} ({})",
                match (was, is) {
                    (None, _) => "new",
                    (_, None) => "gone",
                    _ => "changed",
                }
            ));
        }
    }
    if old.conf != new.conf {
        all.push(format!("{:?}", new.conf));
    }
    if old.asked != new.asked {
        all.push(format!("{:?}", new.asked));
    }
    if old.system != new.system {
        all.push(format!("system {:?}", new.system));
    }
    if old.salt != new.salt {
        all.push(format!("compiler {}", new.salt));
    }
    all.join(", ")
}
