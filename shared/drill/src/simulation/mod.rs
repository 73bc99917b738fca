//! Simulates schedules drawn from seeds: several executions at once, with faults, requests,
//! decisions and deployments, on the compiled machines and the engine.

mod dice;
mod judge;
mod recovery;
mod region;
mod requests;
mod schedule;
mod versions;
mod weather;

pub(crate) use weather::{Hazard, Weather};

use std::{
    collections::VecDeque,
    num::NonZero,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use futures_executor::LocalPool;
use holdfast_action::ActionInfo;
use holdfast_engine::Host;
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_workflow::definition::Definition;
use serde_json::Value;

use crate::{
    STACK,
    query::ParsedExpressions,
    target::{Manners, Target},
    world::World,
};
use judge::{Verdict, judge};
use region::Region;
use requests::key_of;
use schedule::{Event, Moment, Schedule};
use versions::Versions;

/// Most sweeps of a schedule before it counts as one that never comes to rest.
const SWEEPS: u32 = 3000;
/// Most jumps of the clock.
const JUMPS: u32 = 60_000;
/// Number of schedules of one kind of violation that are reduced. The others are counted.
const REDUCED: u64 = 8;

/// Simulated schedules of one workflow.
pub struct Simulator {
    definition: Definition,
    file: String,
    actions: Vec<ActionInfo>,
    input: Option<Value>,
}

/// A schedule that violates an invariant.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokenSchedule {
    /// Seed by which it is drawn again.
    pub seed: u64,
    /// Kind of its first violation: its words without the names of executions and steps.
    pub kind: String,
    /// Number of the schedules of this kind.
    pub times: u64,
    /// Violations.
    pub violations: Vec<String>,
    /// Events without which no violation occurs, line by line.
    pub events: Vec<String>,
    /// Story of the reduced schedule, line by line, if it was requested.
    pub story: Vec<String>,
}

/// The result of many schedules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SimulationResult {
    /// Number of schedules.
    pub schedules: u64,
    /// Broken schedules: of each kind of violation the one with the fewest events.
    pub broken: Vec<BrokenSchedule>,
}

impl Simulator {
    /// Prepares a definition. Without an `input` one is made from the input schema.
    pub fn new(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        input: Option<Value>,
    ) -> Result<Self, String> {
        Versions::of(definition, file, actions, input.as_ref())?;
        Ok(Self {
            definition: definition.clone(),
            file: file.to_owned(),
            actions: actions.to_vec(),
            input,
        })
    }

    /// Runs this many schedules from this seed on, on as many threads as there are processors.
    pub fn run(&self, first: u64, schedules: u64) -> Result<SimulationResult, String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let next = AtomicU64::new(0);
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|_| {
                    let work = || self.share(first, schedules, &next);
                    let thread = thread::Builder::new().stack_size(STACK);
                    thread.spawn_scoped(scope, work)
                })
                .collect();
            let mut all = SimulationResult::default();
            for thread in running {
                let thread = thread.map_err(|error| format!("no thread: {error}"))?;
                let share = thread
                    .join()
                    .map_err(|_| "a schedule panicked".to_owned())??;
                all.schedules += share.schedules;
                share.broken.into_iter().for_each(|one| all.add(one));
            }
            all.broken.sort_by_key(|one| one.seed);
            Ok(all)
        })
    }

    fn share(
        &self,
        first: u64,
        schedules: u64,
        next: &AtomicU64,
    ) -> Result<SimulationResult, String> {
        let versions = self.versions()?;
        let parsed = Rc::default();
        let mut share = SimulationResult::default();
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= schedules {
                return Ok(share);
            }
            let seed = first.wrapping_add(number);
            let schedule = Schedule::of(seed, versions.all.len());
            let (verdict, _) = play(&versions, &parsed, &schedule, false);
            share.schedules += 1;
            let Some(first) = verdict.0.first() else {
                continue;
            };
            let known = share.broken.iter_mut().find(|one| one.kind == kind(first));
            match known {
                Some(known) if known.times >= REDUCED => known.times += 1,
                _ => reduced(&versions, &parsed, schedule, false)
                    .into_iter()
                    .for_each(|one| share.add(one)),
            }
        }
    }

    /// Runs the schedule of one seed. A broken one has its story.
    pub fn replay(&self, seed: u64) -> Result<Option<BrokenSchedule>, String> {
        thread::scope(|scope| {
            let work = || {
                let versions = self.versions()?;
                let schedule = Schedule::of(seed, versions.all.len());
                Ok(reduced(&versions, &Rc::default(), schedule, true))
            };
            let thread = thread::Builder::new().stack_size(STACK);
            let thread = thread.spawn_scoped(scope, work);
            let thread = thread.map_err(|error| format!("no thread: {error}"))?;
            thread
                .join()
                .map_err(|_| "the schedule panicked".to_owned())?
        })
    }

    fn versions(&self) -> Result<Rc<Versions>, String> {
        let input = self.input.as_ref();
        Versions::of(&self.definition, &self.file, &self.actions, input).map(Rc::new)
    }
}

impl SimulationResult {
    /// Adds a broken schedule, or counts it if its kind is known from one with fewer events.
    fn add(&mut self, broken: BrokenSchedule) {
        let known = self.broken.iter_mut().find(|one| one.kind == broken.kind);
        let Some(known) = known else {
            return self.broken.push(broken);
        };
        let times = known.times + broken.times;
        if broken.events.len() < known.events.len() {
            *known = broken;
        }
        known.times = times;
    }
}

/// Returns the kind of a violation.
fn kind(violation: &str) -> &str {
    violation
        .rsplit_once(": ")
        .map_or(violation, |(_, kind)| kind)
}

/// Drops every event without which the schedule still violates the same invariant first. `None` if
/// it violates none.
fn reduced(
    versions: &Rc<Versions>,
    parsed: &Rc<ParsedExpressions>,
    mut schedule: Schedule,
    records: bool,
) -> Option<BrokenSchedule> {
    let violations = |schedule: &Schedule| play(versions, parsed, schedule, false).0.0;
    let first = violations(&schedule).into_iter().next()?;
    let same = |found: &[String]| found.iter().any(|one| kind(one) == kind(&first));
    let mut place = schedule.events.len();
    while place > 0 {
        place -= 1;
        let less = schedule.without(place);
        if same(&violations(&less)) {
            schedule = less;
            place = schedule.events.len();
        }
    }
    while schedule.executions > 1 {
        let less = schedule.with_fewer_executions();
        if !same(&violations(&less)) {
            break;
        }
        schedule = less;
    }
    let (verdict, story) = play(versions, parsed, &schedule, records);
    let change = |event: &Event| match event {
        Event::Request(_, schedule::Request::Deploy(version)) => {
            format!(" ({})", versions.changes[*version])
        }
        _ => String::new(),
    };
    let events = schedule.events.iter();
    Some(BrokenSchedule {
        seed: schedule.seed,
        kind: kind(&first).to_owned(),
        times: 1,
        violations: verdict.0,
        events: events
            .map(|event| format!("{event}{}", change(event)))
            .collect(),
        story,
    })
}

/// Runs one schedule and judges it.
fn play(
    versions: &Rc<Versions>,
    parsed: &Rc<ParsedExpressions>,
    schedule: &Schedule,
    records: bool,
) -> (Verdict, Vec<String>) {
    let mut pool = LocalPool::new();
    let hazards = schedule.events.iter().filter_map(|event| match event {
        Event::Hazard(call, hazard) => Some((*call, *hazard)),
        _ => None,
    });
    let target = Target::new(Manners::default(), None);
    let mut world = World::new(Vec::new(), target, schedule.seed, records);
    world.weather = Some(Weather::new(hazards.collect()));
    let first = &versions.all[0];
    let executions = (0..schedule.executions).map(|number| ExecutionKey {
        tenant: first.tenant.clone(),
        execution: execution_id(&first.tenant, &first.workflow, &key_of(number)),
    });
    let region = Region::new(
        Arc::new(world),
        versions.clone(),
        schedule.clone(),
        executions.collect(),
        parsed.clone(),
        pool.spawner(),
    );
    begin(&region);
    let mut verdict = Verdict::default();
    let rests = run(&region, &mut pool);
    if rests {
        verdict = judge(&region);
    } else {
        verdict
            .0
            .push("schedule: it never comes to rest".to_owned());
    }
    let story = region.world.story();
    // Tasks that still wait hold the region, and end with the pool.
    drop(pool);
    region.machines.borrow_mut().clear();
    (verdict, story)
}

/// Starts every execution and the requests that do not wait for rest.
fn begin(region: &Rc<Region>) {
    for number in 0..region.executions.len() {
        let starting = region.clone();
        region.spawn(async move {
            let pause = Duration::from_millis(7 * number as u64);
            starting.world.clock.sleep(pause).await;
            // The client repeats its start until it has an answer.
            for _ in 0..5 {
                let process = starting.process();
                let work = starting.start_execution(&process, number, false, false);
                if let Some(Ok(_)) = process.run(work).await {
                    return;
                }
                starting.world.clock.sleep(Duration::from_secs(20)).await;
            }
        });
    }
    for event in &region.schedule.events {
        let Event::Request(moment, request) = event else {
            continue;
        };
        let (waiting, moment, request) = (region.clone(), *moment, request.clone());
        match moment {
            Moment::Rest => {}
            Moment::After(time) => region.spawn(async move {
                waiting.world.clock.sleep(time).await;
                waiting.request(request).await;
            }),
            Moment::Call(call) => region.spawn(async move {
                if let Some(weather) = &waiting.world.weather {
                    weather.reached(call).await;
                }
                waiting.request(request).await;
            }),
        }
    }
}

/// Runs a region until nothing is due and every request was made. Returns false if that never
/// happens.
fn run(region: &Rc<Region>, pool: &mut LocalPool) -> bool {
    let at_rest = region
        .schedule
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Request(Moment::Rest, request) => Some(request.clone()),
            _ => None,
        });
    let mut at_rest: VecDeque<_> = at_rest.collect();
    let clock = &region.world.clock;
    let (mut minute, mut sweeps, mut jumps) = (region.next_minute(clock.now()), 0, 0);
    loop {
        pool.run_until_stalled();
        let next = clock.next_due();
        if next.is_some_and(|next| next < minute) {
            clock.jump();
            jumps += 1;
            if jumps > JUMPS {
                return false;
            }
            continue;
        }
        let due = region
            .executions
            .iter()
            .filter_map(|at| region.due(at))
            .min();
        let sweep = due.map(|due| region.next_minute(due.max(clock.now())));
        match (next, sweep) {
            (next, Some(sweep)) if next.is_none_or(|next| sweep <= next) => {
                clock.advance(sweep);
                minute = region.next_minute(sweep);
                let region = region.clone();
                region.clone().spawn(async move { region.sweep().await });
                sweeps += 1;
                if sweeps > SWEEPS {
                    return false;
                }
            }
            (Some(next), _) => minute = region.next_minute(next),
            (None, _) => match at_rest.pop_front() {
                Some(request) => region.spawn(region.clone().request(request)),
                None => return true,
            },
        }
    }
}
