//! The loop: from a graph to results on disk.
//!
//! One thread owns all state of the build.  It asks [`crate::freshness`] about each action once
//! everything the action reads is known, starts what must run (longest path first, by recorded
//! times), and takes in results from workers that own one process each.
//!
//! Outputs of fresh and restored actions are *not* looked at until a process needs them: a build
//! in which nothing runs touches no object, and a fresh clone with a warm store fetches only the
//! library.  When a needed output turns out to be gone, damaged and not in the store, the pass is
//! over as soon as its processes have ended, and a new pass runs that action; everything done so
//! far is recorded, so a second pass costs next to nothing.

mod evaluate;

use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::Result;
use rayon::prelude::*;

use crate::action::{Action, ActionId, Graph};
use crate::event::{Event, Outcome, Reason};
use crate::freshness::{Checker, Verdict, Vouched};
use crate::log::Log;
use crate::run::{self, Context, Ended, materialise};
use crate::trace::{Made, Trace, UNTRACKED, Version};
use evaluate::{Evaluation, View};

/// How many actions are evaluated before something is done about the first.
const AT_ONCE: usize = 1024;

/// How to go about it.
pub struct Options<'o> {
    /// How many processes may run at once.
    pub jobs: usize,
    /// Whether to go on with what does not depend on a failed action.
    pub keep_going: bool,
    /// Whether to run every action, whatever is recorded.
    pub force: bool,
    /// Whether only to tell what would run.
    pub dry_run: bool,
    /// Files, from the root, whose actions go before all others.
    pub first: &'o [String],
    /// Why most records need not be compared, if so.
    pub vouched: Option<&'o Vouched>,
}

/// What became of each action.
#[derive(Debug, Default)]
pub struct Executed {
    /// How each action ended, by id; absent for those never reached.
    pub outcomes: BTreeMap<ActionId, Outcome>,
    /// What each good action made, by id.
    pub made: BTreeMap<ActionId, Vec<Made>>,
    /// Why each action that was not fresh ran or was restored.
    pub reasons: BTreeMap<ActionId, Reason>,
    /// Whether some action read what cannot be tracked, and so has to run in every build.
    pub untracked: bool,
    /// Whether the build was cancelled.
    pub cancelled: bool,
}

impl Executed {
    /// How many actions ended like `outcome`.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.values().filter(|&&o| o == outcome).count()
    }

    /// Whether everything asked for is there.
    pub fn success(&self) -> bool {
        !self.cancelled && self.count(Outcome::Failed) == 0 && self.count(Outcome::Blocked) == 0
    }
}

/// Brings every action of `graph` up to date and records in `log` what ran.
///
/// # Errors
/// When the project's own records cannot be written.  A failing action is no error but an
/// [`Outcome`].
pub fn execute(
    graph: &Graph,
    log: &mut Log,
    context: &Context<'_>,
    options: &Options<'_>,
    on_event: &mut dyn FnMut(Event),
) -> Result<Executed> {
    on_event(Event::Planned { actions: graph.len() });
    let mut executed = Executed::default();
    execute_again(graph, log, context, options, on_event, &mut executed, HashSet::new())?;
    Ok(executed)
}

/// Goes on where `executed` ended, for the outputs of the actions in `lost` turned out to be gone.
///
/// # Errors
/// As [`execute`].
pub fn execute_again(
    graph: &Graph,
    log: &mut Log,
    context: &Context<'_>,
    options: &Options<'_>,
    on_event: &mut dyn FnMut(Event),
    executed: &mut Executed,
    mut lost: HashSet<ActionId>,
) -> Result<()> {
    let start = Instant::now();
    loop {
        let mut pass = Pass::new(graph, log, context, options, on_event, executed, start);
        pass.must_run = lost;
        pass.run();
        let newly_lost = std::mem::take(&mut pass.lost);
        // What an earlier pass found lost and this one did not come to is still to be made.
        lost = std::mem::take(&mut pass.must_run);
        if let Some(e) = pass.error.take() {
            return Err(e);
        }
        executed.cancelled |= context.cancel.is_cancelled();
        if newly_lost.is_empty() || !executed.success() {
            return Ok(());
        }
        lost.extend(newly_lost);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Something it reads is not decided yet.
    Waiting,
    /// In the queue, or about to be.
    Ready,
    Running,
    Done,
    /// It failed, or something it needs did.
    Failed,
}

struct State {
    phase: Phase,
    /// How many producers are not done.
    unmet: usize,
    made: Vec<Made>,
    /// Whether a good build vouches for `made`.
    vouched: bool,
    /// Whether `made` is known to be in place.
    on_disk: bool,
    why: Option<Reason>,
    inputs: Vec<Version>,
    /// Whether the system ended it once already.
    was_killed: bool,
}

/// An action, the scratch folder it ran in, and how it ended.
type Message = (ActionId, usize, Ended);

struct Pass<'a, 'e> {
    graph: &'a Graph,
    log: &'a mut Log,
    context: &'a Context<'a>,
    options: &'a Options<'a>,
    on_event: &'e mut dyn FnMut(Event),
    executed: &'e mut Executed,
    start: Instant,
    checker: Checker<'a>,
    states: Vec<State>,
    dependants: Vec<Vec<ActionId>>,
    /// Time from the start of an action to the end of the build, by recorded times.
    urgency: Vec<Duration>,
    queue: BinaryHeap<(Duration, std::cmp::Reverse<ActionId>)>,
    /// Ended by the system once: tried again when nothing else runs.
    alone: Vec<ActionId>,
    running: usize,
    /// Numbers of scratch folders, below the most that were in use at once, that are not in use.
    free_slots: Vec<usize>,
    /// Actions whose outputs an earlier pass found lost, until they have run.
    must_run: HashSet<ActionId>,
    /// Actions whose outputs this pass found lost.
    lost: HashSet<ActionId>,
    failed: bool,
    error: Option<anyhow::Error>,
}

impl<'a, 'e> Pass<'a, 'e> {
    fn new(
        graph: &'a Graph,
        log: &'a mut Log,
        context: &'a Context<'a>,
        options: &'a Options<'a>,
        on_event: &'e mut dyn FnMut(Event),
        executed: &'e mut Executed,
        start: Instant,
    ) -> Pass<'a, 'e> {
        let mut dependants = vec![Vec::new(); graph.len()];
        let mut states = Vec::with_capacity(graph.len());
        for (id, action) in graph.actions().iter().enumerate() {
            let producers: HashSet<_> = action.inputs.iter().filter_map(|input| input.producer).collect();
            for &producer in &producers {
                dependants[producer].push(id);
            }
            states.push(State {
                phase: Phase::Waiting,
                unmet: producers.len(),
                made: Vec::new(),
                vouched: false,
                on_disk: false,
                why: None,
                inputs: Vec::new(),
                was_killed: false,
            });
        }
        let checker = Checker::new(context.memo, log, context.store, options.vouched);
        Pass {
            graph,
            log,
            context,
            options,
            on_event,
            executed,
            start,
            checker,
            states,
            dependants,
            urgency: Vec::new(),
            queue: BinaryHeap::new(),
            alone: Vec::new(),
            running: 0,
            free_slots: Vec::new(),
            must_run: HashSet::new(),
            lost: HashSet::new(),
            failed: false,
            error: None,
        }
    }

    fn run(&mut self) {
        let first: Vec<_> = (0..self.graph.len()).filter(|&id| self.states[id].unmet == 0).collect();
        // What is found out about an action may be large, so not about all at once.
        for some in first.chunks(AT_ONCE) {
            let view = self.view();
            let evaluated: Vec<_> = some.par_iter().map(|&id| view.evaluate(id)).collect();
            for (&id, evaluation) in some.iter().zip(evaluated) {
                self.decide(id, evaluation);
            }
        }
        let (sender, results) = mpsc::channel();
        std::thread::scope(|scope| {
            loop {
                self.start_some(scope, &sender);
                if self.running == 0 {
                    break;
                }
                // With work left and no permission for it, permission is asked for again soon.
                let patience = if self.queue.is_empty() { Duration::MAX } else { Duration::from_millis(50) };
                let Ok((id, slot, ended)) = results.recv_timeout(patience) else { continue };
                self.running -= 1;
                self.free_slots.push(slot);
                self.context.tokens.release();
                self.take(id, ended);
            }
        });
        self.block_the_rest();
    }

    fn action(&self, id: ActionId) -> &'a Action {
        &self.graph.actions()[id]
    }

    fn view(&self) -> View<'_> {
        View {
            graph: self.graph,
            context: self.context,
            checker: &self.checker,
            log: self.log,
            states: &self.states,
            force: self.options.force,
            must_run: &self.must_run,
            outcomes: &self.executed.outcomes,
        }
    }

    /// Acts on evaluations until no action is left whose inputs have just become known.
    fn decide(&mut self, id: ActionId, evaluation: Evaluation) {
        let mut decided = vec![(id, evaluation)];
        while let Some((id, evaluation)) = decided.pop() {
            let done = match evaluation {
                Evaluation::Unreadable(message) => {
                    self.fail(id, message, Duration::ZERO);
                    false
                }
                Evaluation::Vouched(trace) => {
                    self.states[id].vouched = true;
                    self.done(id, *trace, Outcome::Fresh, None);
                    true
                }
                Evaluation::Verdict(Verdict::Fresh(trace), _) => {
                    self.done(id, *trace, Outcome::Fresh, None);
                    true
                }
                Evaluation::Verdict(Verdict::Restore(trace, why), _) => {
                    self.record(id, &trace);
                    self.done(id, *trace, Outcome::Restored, Some(why));
                    true
                }
                Evaluation::Verdict(Verdict::Run(why), inputs) if !self.options.dry_run => {
                    self.states[id].why = Some(why);
                    self.states[id].inputs = inputs;
                    self.prepare(id);
                    false
                }
                Evaluation::Verdict(Verdict::Run(why), _) => {
                    self.would_run(id, why);
                    false
                }
            };
            if done {
                for next in self.satisfied_by(id) {
                    let evaluation = self.view().evaluate(next);
                    decided.push((next, evaluation));
                }
            }
        }
    }

    /// The actions for which `id` was the last thing they waited for.
    fn satisfied_by(&mut self, id: ActionId) -> Vec<ActionId> {
        let mut satisfied = Vec::new();
        for &next in &self.dependants[id] {
            let state = &mut self.states[next];
            state.unmet -= 1;
            if state.unmet == 0 && state.phase == Phase::Waiting {
                satisfied.push(next);
            }
        }
        satisfied
    }

    /// Makes sure that what `id` reads is on disk, then queues it.
    fn prepare(&mut self, id: ActionId) {
        let missing: Vec<ActionId> = {
            let producers = self.action(id).inputs.iter().filter_map(|input| input.producer);
            producers.filter(|&producer| !self.states[producer].on_disk).collect()
        };
        let view = self.view();
        let lost: Vec<ActionId> = missing
            .par_iter()
            .filter(|&&p| materialise(view.context, &view.graph.actions()[p], &view.states[p].made).is_err())
            .copied()
            .collect();
        // What is lost is not on disk for the next that needs it, either.
        for producer in missing.into_iter().filter(|producer| !lost.contains(producer)) {
            self.states[producer].on_disk = true;
        }
        if lost.is_empty() {
            self.states[id].phase = Phase::Ready;
            self.enqueue(id);
        } else {
            self.lost.extend(lost);
        }
    }

    fn enqueue(&mut self, id: ActionId) {
        if self.urgency.is_empty() {
            self.urgency = self.urgencies();
        }
        let source = self.action(id).inputs.first().map(|input| input.path.as_bytes());
        let first =
            source.is_some_and(|source| self.options.first.iter().any(|path| path.as_bytes() == source));
        let urgency = if first { Duration::MAX } else { self.urgency[id] };
        self.queue.push((urgency, std::cmp::Reverse(id)));
    }

    fn urgencies(&self) -> Vec<Duration> {
        let mut urgency = vec![Duration::ZERO; self.graph.len()];
        for (id, action) in self.graph.actions().iter().enumerate().rev() {
            let after = self.dependants[id].iter().map(|&next| urgency[next]).max().unwrap_or_default();
            let recorded = self.log.get(action.name()).map(|stored| stored.rest.cost.wall);
            // Of what never ran, the size of the source is the best guess there is.
            let guess = || {
                let source = action.inputs.first().and_then(|input| self.context.memo.stat(&input.path));
                Duration::from_millis(50) + Duration::from_micros(source.map_or(0, |stat| stat.size) * 10)
            };
            urgency[id] = after + recorded.unwrap_or_else(guess);
        }
        urgency
    }

    fn start_some<'s>(&mut self, scope: &'s Scope<'s, 'a>, sender: &mpsc::Sender<Message>)
    where
        'a: 's,
    {
        while self.running < self.options.jobs && !self.stopping() {
            let id = match self.queue.pop() {
                Some((_, std::cmp::Reverse(id))) => id,
                None if self.running == 0 => match self.alone.pop() {
                    Some(id) => id,
                    None => return,
                },
                None => return,
            };
            // One process may always run: the token for it came with the right to run at all.
            if !self.context.tokens.acquire(self.running == 0) {
                self.enqueue(id);
                return;
            }
            self.start_one(id, scope, sender.clone());
        }
    }

    fn start_one<'s>(&mut self, id: ActionId, scope: &'s Scope<'s, 'a>, sender: mpsc::Sender<Message>)
    where
        'a: 's,
    {
        let action = self.action(id);
        let state = &mut self.states[id];
        state.phase = Phase::Running;
        let slot = self.free_slots.pop().unwrap_or(self.running);
        self.running += 1;
        (self.on_event)(Event::Started {
            action: id,
            kind: action.kind,
            label: action.label.clone(),
            why: state.why.clone().unwrap_or(Reason::NeverBuilt),
            at: self.start.elapsed(),
        });
        let context = self.context;
        let inputs = std::mem::take(&mut state.inputs);
        scope.spawn(move || {
            let ran = catch_unwind(AssertUnwindSafe(|| run::run(context, slot, action, &inputs)));
            let ended = ran.unwrap_or_else(|_| Ended::Failed {
                output: format!("error: a bug in jmake ended the work on `{}`\n", action.label),
                wall: Duration::ZERO,
                killed: false,
            });
            // Nobody listens any more only when the loop itself has ended.
            sender.send((id, slot, ended)).ok();
        });
    }

    fn take(&mut self, id: ActionId, ended: Ended) {
        match ended {
            Ended::Ran(trace) => {
                self.record(id, &trace);
                self.must_run.remove(&id);
                self.states[id].on_disk = true;
                let why = self.states[id].why.take();
                self.done(id, *trace, Outcome::Ran, why);
                for next in self.satisfied_by(id) {
                    let evaluation = self.view().evaluate(next);
                    self.decide(next, evaluation);
                }
            }
            Ended::Failed { killed: true, .. } if !self.states[id].was_killed => {
                self.try_again_alone(id);
            }
            Ended::Failed { output, wall, .. } => self.fail(id, output, wall),
            Ended::Cancelled => self.executed.cancelled = true,
        }
    }

    /// Something ended the process from outside, most likely for want of memory.
    fn try_again_alone(&mut self, id: ActionId) {
        let evaluation = self.view().evaluate(id);
        let state = &mut self.states[id];
        state.was_killed = true;
        state.phase = Phase::Ready;
        if let Evaluation::Verdict(_, inputs) = evaluation {
            state.inputs = inputs;
        }
        self.alone.push(id);
    }

    fn record(&mut self, id: ActionId, trace: &Trace) {
        if self.options.dry_run {
            return;
        }
        if let Err(e) = self.log.append(self.action(id).name(), trace) {
            self.error.get_or_insert(e);
        }
    }

    fn done(&mut self, id: ActionId, trace: Trace, outcome: Outcome, why: Option<Reason>) {
        self.states[id].phase = Phase::Done;
        self.executed.untracked |= trace.key == UNTRACKED;
        let output = String::from_utf8_lossy(&trace.diagnostics).into_owned();
        let ran = outcome == Outcome::Ran;
        self.states[id].made = trace.outputs.clone();
        self.executed.made.insert(id, trace.outputs);
        let cost = if ran { trace.cost } else { Default::default() };
        self.tell(id, outcome, why, output, cost.wall, cost.peak_memory);
    }

    fn fail(&mut self, id: ActionId, output: String, wall: Duration) {
        self.failed = true;
        self.states[id].phase = Phase::Failed;
        let why = self.states[id].why.take();
        self.tell(id, Outcome::Failed, why, output, wall, 0);
    }

    /// In a dry run: `id` and everything after it would run.
    fn would_run(&mut self, id: ActionId, why: Reason) {
        let mut affected = vec![(id, why)];
        while let Some((id, why)) = affected.pop() {
            if self.states[id].phase == Phase::Done {
                continue;
            }
            self.states[id].phase = Phase::Done;
            let label = self.action(id).label.clone();
            self.tell(id, Outcome::Ran, Some(why), String::new(), Duration::ZERO, 0);
            for &next in &self.dependants[id] {
                affected.push((next, Reason::Upstream { label: label.clone() }));
            }
        }
    }

    /// Says what became of an action, once.
    fn tell(
        &mut self,
        id: ActionId,
        outcome: Outcome,
        why: Option<Reason>,
        output: String,
        wall: Duration,
        peak_memory: u64,
    ) {
        if let Some(why) = &why {
            self.executed.reasons.insert(id, why.clone());
        }
        // What ran in an earlier pass has run, even if it is fresh in this one.
        let before = self.executed.outcomes.get(&id).copied();
        if before.is_some() && outcome == Outcome::Fresh {
            return;
        }
        self.executed.outcomes.insert(id, outcome);
        let action = self.action(id);
        (self.on_event)(Event::Finished {
            action: id,
            kind: action.kind,
            label: action.label.clone(),
            outcome,
            why,
            at: self.start.elapsed(),
            wall,
            peak_memory,
            output,
        });
    }

    fn stopping(&self) -> bool {
        (self.failed && !self.options.keep_going)
            || self.context.cancel.is_cancelled()
            || self.error.is_some()
    }

    /// What needs a failed action cannot be had.
    fn block_the_rest(&mut self) {
        for id in 0..self.graph.len() {
            let needs_failed = |state: &State, action: &Action| {
                state.phase == Phase::Waiting
                    && action
                        .inputs
                        .iter()
                        .filter_map(|input| input.producer)
                        .any(|p| self.states[p].phase == Phase::Failed)
            };
            if needs_failed(&self.states[id], self.action(id)) {
                self.states[id].phase = Phase::Failed;
                self.tell(id, Outcome::Blocked, None, String::new(), Duration::ZERO, 0);
            }
        }
    }
}
