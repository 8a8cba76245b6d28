//! Which unit uses what others define: from the objects of the last build.
//!
//! Nothing is built for it: what is not as it was built is refused.  The objects are those on disk
//! if they are what the records say, else those in the shared store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use rayon::prelude::*;

use super::actions::planned_or_why;
use super::units::Units;
use super::{Drawn, Node, SymbolNamed};
use crate::action::{Action, ActionId, Graph};
use crate::cas::Store;
use crate::configure::{Environment, Wanted};
use crate::diagnose::readable;
use crate::digest::Digest;
use crate::event::{ActionKind, Diagnostic, Event, Reason};
use crate::freshness::{Checker, Verdict};
use crate::fs;
use crate::inspect::{UnitSymbols, unit_symbols};
use crate::log::Log;
use crate::memo::Memo;
use crate::path::FilePath;
use crate::plan::Plan;
use crate::process::Cancel;
use crate::project::Project;
use crate::run;
use crate::trace::Made;

/// A unit, its object and what is in that.
struct Object {
    source: String,
    file: FilePath,
    symbols: UnitSymbols,
    /// The results that it goes into.
    results: BTreeSet<usize>,
}

/// The graph of the project's units: an edge leads from one that uses a symbol to one that defines
/// it.
///
/// # Errors
/// When there is no build of the project, or one of its units is no longer as it was built.
pub fn symbol_graph(
    project: Project,
    environment: &Environment,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Drawn> {
    let root = project.root().clone();
    let none = || Diagnostic::error("no build of this project is recorded").hint("run `jmake build` first");
    let Units { log: Some(log), profile, .. } = Units::recorded(&root).ok_or_else(none)? else {
        return Err(none().into());
    };
    let wanted = Wanted { profile, ..Wanted::default() };
    let (project, plan) = planned_or_why(project, environment, wanted, cancel, on_event)?;
    let store = project.store();
    let sources = Sources { memo: &project.memo, store: store.as_ref(), log: &log, plan: &plan };
    Ok(drawn(&sources.objects()?))
}

/// What objects are found by.
struct Sources<'a> {
    memo: &'a Memo,
    store: Option<&'a Store>,
    log: &'a Log,
    plan: &'a Plan,
}

impl Sources<'_> {
    /// Every unit's object, in the order of the plan.
    fn objects(&self) -> Result<Vec<Object>> {
        let checker = Checker::new(self.memo, self.log, None, None);
        let actions = self.plan.graph.actions();
        let compiles: Vec<ActionId> =
            (0..actions.len()).filter(|&id| actions[id].kind == ActionKind::Compile).collect();
        let state = |&id: &ActionId| self.stale(&checker, &actions[id]).map(|why| (&actions[id].label, why));
        let stale: Vec<(&String, Reason)> = compiles.par_iter().filter_map(state).collect();
        if let Some((label, why)) = stale.first() {
            return Err(out_of_date(label, why, stale.len()).into());
        }
        let goals = goals(self.plan);
        let lowered = lowered(&self.plan.graph);
        let object = |&id: &ActionId| {
            let action = &actions[lowered.get(&id).copied().unwrap_or(id)];
            let symbols = self.symbols(action)?;
            let (source, file) = (action.label.clone(), action.name().clone());
            let results = goals.get(&id).cloned().unwrap_or_default();
            Ok(Object { source, file, symbols, results })
        };
        compiles.par_iter().map(object).collect()
    }

    /// Why `compile` would run; what runs in every build is as it was built.
    fn stale(&self, checker: &Checker<'_>, compile: &Action) -> Option<Reason> {
        let declared = run::declared(self.memo, compile, |_, _| None);
        let Ok(declared) = declared else { return Some(Reason::NeverBuilt) };
        match checker.verdict(self.log, compile, &compile.recipe(), &declared) {
            Verdict::Fresh(_) | Verdict::Run(Reason::Untracked) => None,
            Verdict::Run(why) | Verdict::Restore(_, why) => Some(why),
        }
    }

    fn symbols(&self, action: &Action) -> Result<UnitSymbols> {
        let stored = self.log.get(action.name());
        let made = stored.as_ref().and_then(|stored| stored.rest.outputs.first());
        let content = made.and_then(|made| self.content(action.name(), made));
        let lost = || {
            let lost = Diagnostic::error(format!("what `{}` was compiled to is gone", action.label));
            lost.hint("run `jmake build --force`")
        };
        let content = content.ok_or_else(lost)?;
        unit_symbols(&content).with_context(|| format!("cannot understand `{}`", action.name()))
    }

    fn content(&self, name: &FilePath, made: &Made) -> Option<Vec<u8>> {
        let on_disk = fs::read(&self.memo.root().resolve(name)).ok();
        let right = on_disk.filter(|content| Digest::of(content) == made.digest);
        right.or_else(|| self.store?.read(made.digest))
    }
}

fn out_of_date(label: &str, why: &Reason, count: usize) -> Diagnostic {
    let others = match count {
        0 | 1 => String::new(),
        2 => ", nor is one other unit up to date".into(),
        many => format!(", nor are {} other units up to date", many - 1),
    };
    let problem = match why {
        Reason::NeverBuilt => format!("`{label}` was never built{others}"),
        why => format!("`{label}` is not as it was built ({why}){others}"),
    };
    Diagnostic::error(problem).hint("run `jmake build` first")
}

/// Of each action the goals that are made of it.
fn goals(plan: &Plan) -> HashMap<ActionId, BTreeSet<usize>> {
    let mut goals: HashMap<ActionId, BTreeSet<usize>> = HashMap::new();
    for (number, goal) in plan.goals.iter().enumerate() {
        let mut front = vec![goal.action];
        while let Some(id) = front.pop() {
            if goals.entry(id).or_default().insert(number) {
                front.extend(plan.graph.actions()[id].inputs.iter().filter_map(|input| input.producer));
            }
        }
    }
    goals
}

/// Of each compile that gives IR alone, the action that makes the object of it.
fn lowered(graph: &Graph) -> HashMap<ActionId, ActionId> {
    let lowering =
        graph.actions().iter().enumerate().filter(|(_, action)| action.kind == ActionKind::Codegen);
    lowering.filter_map(|(id, action)| Some((action.inputs.first()?.producer?, id))).collect()
}

/// `objects` as a graph.
fn drawn(objects: &[Object]) -> Drawn {
    let mut definers: HashMap<&str, Vec<(usize, bool)>> = HashMap::new();
    for (at, object) in objects.iter().enumerate() {
        for (name, weak) in &object.symbols.defines {
            definers.entry(name).or_default().push((at, *weak));
        }
    }
    let mut edges = BTreeSet::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *names.entry(&object.source).or_default() += 1;
    }
    let node = |(at, object): (usize, &Object)| {
        let mut node = Node::new(object.source.clone(), "unit");
        if names.get(&*object.source) != Some(&1) {
            node.name += &format!(" ({})", object.file);
        }
        node.object = Some(object.file.to_string());
        node.defines = object.symbols.defines.iter().map(|(name, weak)| symbol(name, *weak)).collect();
        for (name, weak) in &object.symbols.uses {
            let by = definers.get(&**name).map(|all| chosen(objects, object, all)).unwrap_or_default();
            edges.extend(by.iter().filter(|&&by| by != at).map(|&by| (at, by)));
            let list = if by.is_empty() { &mut node.undefined } else { &mut node.uses };
            list.push(SymbolNamed { by, ..symbol(name, *weak) });
        }
        node
    };
    let nodes = objects.iter().enumerate().map(node).collect();
    Drawn { nodes, edges: edges.into_iter().collect(), ..Drawn::default() }
}

/// Of those that define a symbol (and whether weakly), those whose definition `user` gets: of its
/// own result before those of others, and what is weak only where nothing else is.
fn chosen(objects: &[Object], user: &Object, definers: &[(usize, bool)]) -> Vec<usize> {
    let beside = |at: usize| !objects[at].results.is_disjoint(&user.results);
    let all: Vec<(usize, bool)> = match definers.iter().any(|(at, _)| beside(*at)) {
        true => definers.iter().copied().filter(|(at, _)| beside(*at)).collect(),
        false => definers.to_vec(),
    };
    let strong = all.iter().any(|(_, weak)| !weak);
    all.into_iter().filter(|(_, weak)| !(strong && *weak)).map(|(at, _)| at).collect()
}

fn symbol(name: &str, weak: bool) -> SymbolNamed {
    let shown = Some(readable(name)).filter(|shown| shown != name);
    SymbolNamed { name: name.to_owned(), shown, weak, by: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Discovery, GraphBuilder, Tool};
    use crate::plan::Goal;

    fn object(source: &str, results: &[usize], defines: &[(&str, bool)], uses: &[&str]) -> Object {
        Object {
            source: source.into(),
            file: FilePath::new(source).join(".o"),
            symbols: UnitSymbols {
                defines: defines.iter().map(|(name, weak)| ((*name).to_owned(), *weak)).collect(),
                uses: uses.iter().map(|name| ((*name).to_owned(), false)).collect(),
            },
            results: results.iter().copied().collect(),
        }
    }

    #[test]
    fn a_use_leads_to_the_definition_that_a_linker_takes() {
        let objects = [
            object("use.c", &[0], &[], &["f", "w", "puts"]),
            object("f.c", &[0], &[("f", false), ("w", true)], &[]),
            object("w.c", &[0], &[("w", false)], &[]),
            object("other.c", &[1], &[("f", false), ("_ZN1a1bEv", false)], &["w"]),
        ];
        let drawn = drawn(&objects);
        assert_eq!(drawn.edges, [(0, 1), (0, 2), (3, 2)], "its own library's first, and strong before weak");
        let names = |list: &[SymbolNamed]| list.iter().map(|symbol| symbol.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&drawn.nodes[0].uses), ["f", "w"]);
        assert_eq!(names(&drawn.nodes[0].undefined), ["puts"], "nobody here defines it");
        assert!(drawn.nodes[1].defines[1].weak && !drawn.nodes[1].defines[0].weak);
        assert_eq!(drawn.nodes[3].defines[0].shown.as_deref(), Some("a::b()"));
    }

    #[test]
    fn where_a_compile_gives_ir_alone_the_object_is_what_is_made_of_it() {
        let tool = std::sync::Arc::new(Tool { path: "/cc".into(), identity: Digest::of(b"cc") });
        let mut builder = GraphBuilder::default();
        let mut add = |kind, output: &str, input: Option<ActionId>| {
            let inputs = input.map(|id| builder.made_by(id)).into_iter().collect();
            builder.add(Action {
                kind,
                label: "a.c".into(),
                tool: tool.clone(),
                args: Vec::new(),
                keyed: Vec::new(),
                env: Default::default(),
                inputs,
                outputs: vec![output.into()],
                discovery: Discovery::None,
                comment_blind: false,
            })
        };
        let ir = add(ActionKind::Compile, "a.bc", None);
        let object = add(ActionKind::Codegen, "a.o", Some(ir));
        let link = add(ActionKind::Link, "a.so", Some(object));
        let goal = Goal { target: "a".into(), action: link, file: "a.so".into() };
        let plan = Plan { graph: builder.finish(), goals: vec![goal] };
        assert_eq!(lowered(&plan.graph), HashMap::from([(ir, object)]));
        assert_eq!(goals(&plan).get(&ir), Some(&BTreeSet::from([0])));
    }

    #[test]
    fn a_source_that_is_compiled_twice_has_two_names() {
        let objects = [object("a.c", &[0], &[], &[]), object("a.c", &[1], &[], &[])];
        let drawn = drawn(&objects);
        assert_eq!(drawn.nodes[0].name, "a.c (a.c/.o)");
    }
}
