//! Plays one schedule in a region of its own, from its starts to its rest.

use std::{
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_executor::LocalPool;
use holdfast_engine::Host;
use holdfast_ids::keys::{ExecutionKey, execution_id};

use super::{
    judge::{Verdict, judge},
    region::Region,
    requests::key_of,
    schedule::{Event, Moment, Schedule},
    versions::Versions,
    weather::Weather,
};
use crate::{
    query::KnownExpressions,
    target::{Manners, Target},
    world::World,
};

/// Most sweeps of a schedule before it counts as one that never comes to rest.
const SWEEPS: u32 = 3000;
/// Seeds whose audit events are derived: every one that this number divides.
const FACTS_EVERY: u64 = 8;
/// Most jumps of the clock.
const JUMPS: u32 = 60_000;

/// The end of a schedule.
pub(crate) struct ScheduleEnd {
    pub(crate) verdict: Verdict,
    pub(crate) story: Vec<String>,
    pub(crate) made: RunSize,
}

/// The size of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RunSize {
    /// Number of calls.
    pub(crate) calls: u32,
    /// Number of invocations.
    pub(crate) invocations: u32,
    /// Numbers of the forward calls to targets.
    pub(crate) targets: Vec<u32>,
}

/// Runs one schedule and judges it.
pub(crate) fn play(
    versions: &Rc<Versions>,
    parsed: &Rc<KnownExpressions>,
    schedule: &Schedule,
    records: bool,
) -> ScheduleEnd {
    let mut pool = LocalPool::new();
    let hazards = schedule.events.iter().filter_map(|event| match event {
        Event::Hazard(call, hazard) => Some((*call, *hazard)),
        _ => None,
    });
    let manners = Manners {
        verifies: schedule.verifies,
        ..schedule.manners
    };
    let target = Target::new(manners, None);
    let mut world = World::new(
        versions.all[0].start,
        Vec::new(),
        target,
        schedule.seed,
        records,
    );
    world.ledger.register(&versions.all[0].tenant);
    world.old = schedule.old;
    world.weather = Some(Weather::new(hazards.collect()));
    // Every write derives events, which costs as much as the rest of a schedule.
    if schedule.seed.is_multiple_of(FACTS_EVERY) {
        world.facts = Some(Mutex::default());
    }
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
    let weather = region.world.weather.as_ref();
    let made = RunSize {
        calls: weather.map_or(0, Weather::calls),
        invocations: region.invocations(),
        targets: weather.map(Weather::targets).unwrap_or_default(),
    };
    // Tasks that still wait hold the region, and end with the pool.
    drop(pool);
    region.machines.borrow_mut().clear();
    ScheduleEnd {
        verdict,
        story,
        made,
    }
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
                waiting.request(moment, request).await;
            }),
            Moment::Call(call) => region.spawn(async move {
                if let Some(weather) = &waiting.world.weather {
                    weather.reached(call).await;
                }
                waiting.request(moment, request).await;
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
        let sweep = region
            .due()
            .map(|due| region.next_minute(due.max(clock.now())));
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
                Some(request) => region.spawn(region.clone().request(Moment::Rest, request)),
                None => return true,
            },
        }
    }
}
