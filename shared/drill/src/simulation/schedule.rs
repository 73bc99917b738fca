//! Defines schedules: the events of one simulated run, drawn from a seed.

use std::time::Duration;

use holdfast_receipt::Decision;
use serde_json::{Value, json};

use super::{dice::Dice, weather::Hazard};
use crate::{old_behavior::OldBehavior, target::Manners};

/// Most executions of one schedule.
const EXECUTIONS: u64 = 3;
/// Number of calls, for each execution, among which hazards are drawn. An execution without faults
/// makes about 20, and its recoveries, rollbacks and redrives make the others.
const CALLS: u64 = 110;
/// Number of Lambda invocations among which mishaps are drawn.
const INVOCATIONS: u64 = 22;

/// Everything that happens in one simulated run, besides what the workflows do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    /// Number of executions.
    pub(crate) executions: usize,
    /// True if the targets can verify a call whose answer was lost.
    pub(crate) verifies: bool,
    /// Other behaviour of the targets.
    pub(crate) manners: Manners,
    /// Old behaviour that is put back, if one is.
    pub(crate) old: Option<OldBehavior>,
    pub(crate) events: Vec<Event>,
}

/// One event of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A hazard strikes the call with this number.
    Hazard(u32, Hazard),
    /// A mishap strikes the invocation with this number.
    Mishap(u32, Mishap),
    /// Step Functions runs the Express start with this number again after this time.
    Rerun(u32, Duration),
    /// A status event of the machine with this number, in the order of their ends, is lost or late.
    Status(u32, StatusFault),
    /// A request at a time.
    Request(Moment, Request),
    /// The decision on the question with this number, instead of the usual one.
    Decision(u32, Judgement),
}

/// The disturbance of one invocation of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// A second invocation with the same message follows after this time.
    Duplicate(Duration),
    /// The invocation begins after this time.
    Delay(Duration),
    /// The state machine that waits for it is stopped after this time.
    Stop(Duration),
    /// The answer does not reach the state machine.
    LostAnswer,
}

/// The disturbance of one status event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFault {
    Lost,
    Late(Duration),
    Twice,
}

/// The moment of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When the call with this number is made.
    Call(u32),
    /// A time after the start.
    After(Duration),
    /// When nothing more is due. Requests at rest are made one after the other.
    Rest,
}

/// A request to the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Another start with the key of this execution.
    Start {
        execution: usize,
        other_input: bool,
        direct: bool,
    },
    Cancel(usize, Cut),
    Rollback(usize, Cut),
    Redrive(usize, Cut),
    /// The definition version of this number is deployed.
    Deploy(usize),
    /// Executions are paused for this time.
    Pause {
        tenant: bool,
        rolls_back: bool,
        lasts: Duration,
    },
    /// A person resolves every incident.
    Resolve,
}

/// The interruption between the record of a request and the start of the new owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    None,
    /// The API dies.
    BeforeStart,
    /// The version of this number is deployed.
    Deployment(usize),
    /// The version of this number is deployed, and a person cancels once the owner is started.
    DeploymentAndCancel(usize),
}

/// A decision of a person, and how long the person takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// None if the person stays silent.
    pub(crate) decision: Option<Decision>,
    pub(crate) after: Duration,
    /// True if the decision is recorded and does not reach the state machine.
    pub(crate) undelivered: bool,
}

impl Schedule {
    /// Draws the schedule of a seed, for a workflow that has this many versions.
    pub(crate) fn of(seed: u64, versions: usize) -> Self {
        let mut dice = Dice::new(seed);
        let executions = 1 + dice.skewed(EXECUTIONS) as usize;
        let mut events = Vec::new();
        let verifies = dice.one_in(2);
        if dice.one_in(3) {
            race(&mut dice, executions, &mut events);
        }
        let hazards = dice.skewed(6);
        events.extend((0..hazards).map(|_| hazard(&mut dice, executions)));
        if dice.one_in(2) {
            let number = dice.skewed(INVOCATIONS * executions as u64) as u32;
            events.push(Event::Mishap(number, mishap(&mut dice)));
        }
        if dice.one_in(4) {
            let fault = match dice.below(3) {
                0 => StatusFault::Lost,
                1 => StatusFault::Late(dice.time(600)),
                _ => StatusFault::Twice,
            };
            events.push(Event::Status(dice.below(3) as u32, fault));
        }
        let requests = dice.below(6);
        for _ in 0..requests {
            request(&mut dice, executions, versions, &mut events);
        }
        for number in 0..2 {
            if dice.one_in(2) {
                events.push(Event::Decision(number, judgement(&mut dice)));
            }
        }
        Self {
            seed,
            executions,
            verifies,
            manners: Manners::default(),
            old: None,
            events,
        }
    }

    /// Adds runs that Step Functions starts again, to the schedule of an Express workflow.
    pub(crate) fn with_reruns(mut self) -> Self {
        let mut dice = Dice::new(!self.seed);
        for number in 0..4 {
            if dice.one_in(2) {
                self.events.push(Event::Rerun(number, dice.time(300)));
            }
        }
        self
    }

    /// Returns this schedule with one execution less, and without its requests.
    pub(crate) fn with_fewer_executions(&self) -> Self {
        let mut less = self.clone();
        less.executions -= 1;
        less.events.retain(|event| match event {
            Event::Request(_, request) => {
                request.execution().is_none_or(|one| one < less.executions)
            }
            _ => true,
        });
        less
    }

    /// Returns this schedule without the event at `place`.
    pub(crate) fn without(&self, place: usize) -> Self {
        let mut less = self.clone();
        less.events.remove(place);
        less
    }
}

impl Request {
    /// Returns the number of the execution that it concerns, if it concerns one.
    fn execution(&self) -> Option<usize> {
        match self {
            Self::Start { execution, .. }
            | Self::Cancel(execution, _)
            | Self::Rollback(execution, _)
            | Self::Redrive(execution, _) => Some(*execution),
            Self::Deploy(_) | Self::Pause { .. } | Self::Resolve => None,
        }
    }
}

fn hazard(dice: &mut Dice, executions: usize) -> Event {
    let call = call(dice, executions);
    let hazard = match dice.below(16) {
        0 => Hazard::Refusal,
        1 => Hazard::Permanent,
        2 => Hazard::AsksToWait,
        3..=4 => Hazard::LostAnswer,
        5 => Hazard::SlowCall(dice.time(600)),
        6..=7 => Hazard::SlowAnswer(dice.time(30)),
        8 => Hazard::DeathBefore,
        9..=10 => Hazard::DeathAfter,
        11 => Hazard::Freeze(dice.time(600)),
        12 => Hazard::SlowCall(dice.time(5)),
        13 => Hazard::Silence,
        14 => Hazard::Deafness,
        _ => Hazard::Outage(dice.time(3600)),
    };
    Event::Hazard(call, hazard)
}

/// Draws the number of a call. Early calls are likelier, since every schedule makes them.
fn call(dice: &mut Dice, executions: usize) -> u32 {
    1 + dice.skewed(CALLS * executions as u64) as u32
}

/// Draws a request and hazards at calls near it, since races need them close together.
fn race(dice: &mut Dice, executions: usize, events: &mut Vec<Event>) {
    let near = call(dice, executions);
    let execution = dice.below(executions as u64) as usize;
    let request = match dice.below(3) {
        0..=1 => Request::Cancel(execution, Cut::None),
        _ => Request::Rollback(execution, Cut::None),
    };
    events.push(Event::Request(Moment::Call(near), request));
    for _ in 0..1 + dice.below(3) {
        let hazard = match dice.below(6) {
            0..=2 => Hazard::SlowAnswer(dice.time(9)),
            3..=4 => Hazard::SlowCall(dice.time(9)),
            _ => Hazard::DeathAfter,
        };
        let call = near + dice.below(16) as u32;
        events.push(Event::Hazard(call.saturating_sub(3).max(1), hazard));
    }
}

fn mishap(dice: &mut Dice) -> Mishap {
    match dice.below(6) {
        0 => Mishap::Duplicate(Duration::from_millis(dice.below(60))),
        1 => Mishap::Duplicate(dice.time(1200)),
        2 => Mishap::Delay(dice.time(600)),
        3..=4 => Mishap::Stop(dice.time(60)),
        _ => Mishap::LostAnswer,
    }
}

fn moment(dice: &mut Dice, executions: usize) -> Moment {
    match dice.below(8) {
        0..=2 => Moment::Call(call(dice, executions)),
        3 => Moment::After(dice.time(7200)),
        _ => Moment::Rest,
    }
}

fn request(dice: &mut Dice, executions: usize, versions: usize, events: &mut Vec<Event>) {
    let moment = moment(dice, executions);
    let execution = dice.below(executions as u64) as usize;
    let cut = match dice.below(6) {
        0 => Cut::BeforeStart,
        _ => Cut::None,
    };
    let request = match dice.below(16) {
        0 => Request::Start {
            execution,
            other_input: dice.one_in(3),
            direct: dice.one_in(2),
        },
        1..=3 => Request::Cancel(execution, cut),
        4..=6 => Request::Rollback(execution, cut),
        7..=10 => Request::Redrive(execution, cut),
        11..=13 => Request::Deploy(dice.below(versions as u64) as usize),
        14 => Request::Resolve,
        _ => Request::Pause {
            tenant: dice.one_in(2),
            rolls_back: dice.one_in(3),
            lasts: dice.time(3600),
        },
    };
    // A deployment matters to the requests after it.
    if let (Request::Deploy(_), Moment::Rest) = (&request, moment) {
        events.push(Event::Request(moment, request));
        events.push(Event::Request(
            Moment::Rest,
            Request::Redrive(execution, cut),
        ));
        return;
    }
    events.push(Event::Request(moment, request));
}

fn judgement(dice: &mut Dice) -> Judgement {
    let decision = match dice.below(8) {
        0..=1 => Some(Decision::Retry),
        2..=3 => Some(Decision::Skip),
        4 => Some(Decision::Rollback),
        5 => Some(Decision::Approve),
        6 => Some(Decision::Reject),
        _ => None,
    };
    Judgement {
        decision,
        after: dice.time(7200),
        undelivered: dice.one_in(6),
    }
}

/// Returns another input than this one, of the same form where that is easy.
pub(super) fn other_input(mut input: Value) -> Value {
    match input.as_object_mut() {
        Some(members) => {
            for member in members.values_mut() {
                if let Value::String(text) = member {
                    text.push('2');
                }
            }
            input
        }
        None => json!({}),
    }
}
