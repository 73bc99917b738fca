//! Enumerates races of one execution: at every call, a slow answer beside a cancel. Each comes
//! alone, with a later call that is slow too, and with a call that comes after the end.

use std::time::Duration;

use super::{
    play::RunSize,
    schedule::{Cut, Event, Judgement, Mishap, Moment, Request, Schedule},
    weather::Hazard,
};
use crate::target::Manners;

/// Time for which the answer of the raced call is lost on its way.
const ANSWER_DELAY: Duration = Duration::from_secs(9);
/// Time after which a later call is carried out, so that it comes after the raced one.
const CALL_DELAY: Duration = Duration::from_secs(20);
/// Number of calls after the raced one of which each is slow in turn.
const LATER: u32 = 20;
/// Time after which the raced call is carried out in its last way, when its execution has ended.
const LATE: Duration = Duration::from_secs(300);
/// Number of ways in which a call is raced.
const WAYS: u64 = LATER as u64 + 2;

/// A course of an execution on which races happen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    /// Events that lead to it.
    pub(crate) events: Vec<Event>,
    /// Number of calls that it makes.
    pub(crate) calls: u32,
}

/// The courses of a workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Races(pub(crate) Vec<Course>);

/// Returns the events of each course: to the end, by a rollback, past every question, and by two
/// recoveries. One recovery follows a stop at the last step, and one a stop at the end.
pub(crate) fn courses(undisturbed: &RunSize) -> Vec<Vec<Event>> {
    let stop = |back| {
        let invocation = undisturbed.invocations.saturating_sub(back);
        vec![Event::Mishap(
            invocation,
            Mishap::Stop(Duration::from_millis(12)),
        )]
    };
    let silent = Judgement {
        decision: None,
        after: Duration::ZERO,
        undelivered: false,
    };
    let refusal = undisturbed
        .targets
        .last()
        .map(|call| Event::Hazard(*call, Hazard::Permanent));
    vec![
        Vec::new(),
        refusal.into_iter().collect(),
        vec![Event::Decision(0, silent), Event::Decision(1, silent)],
        stop(2),
        stop(1),
    ]
}

impl Races {
    /// Returns the number of schedules.
    pub(crate) fn count(&self) -> u64 {
        let calls = self.0.iter().map(|course| u64::from(course.calls));
        calls.sum::<u64>() * WAYS
    }

    /// Returns the schedule with this number.
    pub(crate) fn schedule(&self, number: u64) -> Schedule {
        let (mut call, way) = (number / WAYS, (number % WAYS) as u32);
        let mut events = Vec::new();
        for course in &self.0 {
            if call < u64::from(course.calls) {
                events = course.events.clone();
                break;
            }
            call -= u64::from(course.calls);
        }
        let call = 1 + call as u32;
        let cancel = Request::Cancel(0, Cut::None);
        events.push(Event::Request(Moment::Call(call), cancel));
        if way <= LATER {
            events.push(Event::Hazard(call, Hazard::SlowAnswer(ANSWER_DELAY)));
        }
        if (1..=LATER).contains(&way) {
            events.push(Event::Hazard(call + way, Hazard::SlowCall(CALL_DELAY)));
        }
        if way > LATER {
            events.push(Event::Hazard(call, Hazard::SlowCall(LATE)));
            let redrive = Request::Redrive(0, Cut::None);
            events.push(Event::Request(Moment::Rest, redrive));
        }
        Schedule {
            seed: number,
            executions: 1,
            verifies: false,
            manners: Manners::default(),
            old: None,
            events,
        }
    }
}
