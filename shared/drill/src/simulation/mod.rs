//! Simulates schedules drawn from seeds: several executions at once, with faults, requests,
//! decisions and deployments, on the compiled machines and the engine.

mod dice;
mod express;
mod facts;
mod follow_ups;
mod judge;
mod machines;
mod play;
mod races;
mod recovery;
mod region;
mod requests;
mod schedule;
mod versions;
mod weather;
mod words;

pub(crate) use facts::Facts;
pub(crate) use weather::{Hazard, Weather};

use std::{
    num::NonZero,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

use holdfast_action::ActionInfo;
use holdfast_task::Tier;
use holdfast_workflow::definition::Definition;
use serde_json::Value;

use crate::{
    RunInputs, STACK, old_behavior::OldBehavior, query::KnownExpressions, target::Manners,
};
use follow_ups::FollowUps;
use play::play;
use races::{Course, Races, courses};
use schedule::{Event, Schedule};
use versions::Versions;

/// Number of schedules of one kind of violation that are reduced. The others are counted.
const REDUCED: u64 = 8;

/// Simulated schedules of one workflow.
pub struct Simulator {
    definition: Definition,
    file: String,
    actions: Vec<ActionInfo>,
    run_inputs: RunInputs,
    follow_ups: FollowUps,
    races: Races,
    manners: Manners,
    old: Option<OldBehavior>,
}

/// The source of schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleSource {
    /// Random schedules, each of a seed.
    Seeds,
    /// Every single disturbance, each with every request that follows at rest, by number.
    FollowUps,
    /// Every slow answer beside a cancel, by number.
    Races,
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
        let run_inputs = RunInputs {
            input,
            ..RunInputs::default()
        };
        Self::of(definition, file, actions, run_inputs)
    }

    /// Prepares a definition as [`Simulator::new`] does, with answers and a start time too.
    pub fn of(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        run_inputs: RunInputs,
    ) -> Result<Self, String> {
        let versions = Versions::of(definition, file, actions, &run_inputs)?;
        let undisturbed = Schedule {
            seed: 0,
            executions: 1,
            verifies: false,
            manners: Manners::default(),
            old: None,
            events: Vec::new(),
        };
        let versions = Rc::new(versions);
        let end = play(&versions, &Rc::default(), &undisturbed, false);
        if let [first, ..] = &end.verdict.0[..] {
            return Err(format!("without any disturbance: {first}"));
        }
        let courses = courses(&end.made).into_iter().map(|events| {
            let schedule = Schedule {
                events: events.clone(),
                ..undisturbed.clone()
            };
            let calls = play(&versions, &Rc::default(), &schedule, false).made.calls;
            Course { events, calls }
        });
        Ok(Self {
            races: Races(courses.collect()),
            follow_ups: FollowUps {
                calls: end.made.calls,
                invocations: end.made.invocations,
                versions: versions.all.len(),
            },
            definition: definition.clone(),
            file: file.to_owned(),
            actions: actions.to_vec(),
            run_inputs,
            manners: Manners::default(),
            old: None,
        })
    }

    /// Changes how the targets behave. A target that breaks its promise shows that the simulator
    /// can fail.
    pub fn with_manners(self, manners: Manners) -> Self {
        Self { manners, ..self }
    }

    /// Puts an old behaviour back, which shows that the simulator finds it.
    pub fn with_old_behavior(self, old: OldBehavior) -> Self {
        Self {
            old: Some(old),
            ..self
        }
    }

    /// Returns the number of schedules of [`ScheduleSource::Races`].
    pub fn races(&self) -> u64 {
        self.races.count()
    }

    /// Returns the number of schedules of [`ScheduleSource::FollowUps`].
    pub fn follow_ups(&self) -> u64 {
        self.follow_ups.count()
    }

    fn draw(&self, source: ScheduleSource, seed: u64) -> Schedule {
        let schedule = match source {
            ScheduleSource::Seeds => Schedule::of(seed, self.follow_ups.versions),
            ScheduleSource::FollowUps => self.follow_ups.schedule(seed % self.follow_ups()),
            ScheduleSource::Races => self.races.schedule(seed % self.races()),
        };
        let schedule = Schedule {
            manners: self.manners,
            old: self.old,
            ..schedule
        };
        match self.definition.tier {
            Tier::Standard => schedule,
            Tier::Express => schedule.with_reruns(),
        }
    }

    /// Runs this many schedules from this seed or number on, on as many threads as there are
    /// processors.
    pub fn run(
        &self,
        source: ScheduleSource,
        first: u64,
        schedules: u64,
    ) -> Result<SimulationResult, String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let next = AtomicU64::new(0);
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|_| {
                    let work = || self.share(source, first, schedules, &next);
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
        source: ScheduleSource,
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
            let schedule = self.draw(source, seed);
            let verdict = play(&versions, &parsed, &schedule, false).verdict;
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

    /// Runs one schedule. A broken one has its story.
    pub fn replay(
        &self,
        source: ScheduleSource,
        seed: u64,
    ) -> Result<Option<BrokenSchedule>, String> {
        thread::scope(|scope| {
            let work = || {
                let versions = self.versions()?;
                let schedule = self.draw(source, seed);
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
        let versions = Versions::of(
            &self.definition,
            &self.file,
            &self.actions,
            &self.run_inputs,
        );
        versions.map(Rc::new)
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
    parsed: &Rc<KnownExpressions>,
    mut schedule: Schedule,
    records: bool,
) -> Option<BrokenSchedule> {
    let violations = |schedule: &Schedule| play(versions, parsed, schedule, false).verdict.0;
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
    let end = play(versions, parsed, &schedule, records);
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
        violations: end.verdict.0,
        events: events
            .map(|event| format!("{event}{}", change(event)))
            .collect(),
        story: end.story,
    })
}
