//! Strikes the calls of a schedule: every call to the ledger, a store or a target has a number, and
//! a hazard strikes the call with its number.

use std::{
    future::{Future, poll_fn},
    sync::Mutex,
    task::{Poll, Waker},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::world::lock;

/// Longest time from the last disturbance to the receipt of an execution.
const REST_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// The disturbance of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hazard {
    /// The call is refused and nothing happens.
    Refusal,
    /// A target refuses for good. Any other callee refuses once.
    Permanent,
    /// A target asks for a pause. Any other callee refuses once.
    AsksToWait,
    /// The call is carried out and its answer is lost.
    LostAnswer,
    /// The call is carried out after this time.
    SlowCall(Duration),
    /// The call is carried out at once and answered after this time.
    SlowAnswer(Duration),
    /// The process dies before the call.
    DeathBefore,
    /// The call is carried out and the process dies.
    DeathAfter,
    /// The process pauses for this time, and then makes its call.
    Freeze(Duration),
    /// The ledger and the stores refuse every call for this time.
    Outage(Duration),
    /// From this call on, a target carries out the step's calls and never confirms one, until the
    /// next request at rest. Any other callee loses one answer.
    Silence,
    /// As `Silence`, but the target carries out no call.
    Deafness,
}

/// The hazards of a schedule and the number of its calls so far.
pub(crate) struct Weather(Mutex<Forecast>);

struct Forecast {
    calls: u32,
    /// Hazards by the number of their call, the last one first.
    hazards: Vec<(u32, Hazard)>,
    out_until: Timestamp,
    /// End of the last hazard.
    calm_since: Timestamp,
    waiting: Vec<(u32, Waker)>,
    late: Vec<String>,
    /// Steps whose target does not confirm, and the hazard.
    silent: Vec<(String, Hazard)>,
    /// Numbers of the forward calls to targets.
    targets: Vec<u32>,
}

impl Weather {
    /// Creates the weather of these hazards, in any order.
    pub(crate) fn new(mut hazards: Vec<(u32, Hazard)>) -> Self {
        hazards.sort_by_key(|(call, _)| std::cmp::Reverse(*call));
        Self(Mutex::new(Forecast {
            calls: 0,
            hazards,
            out_until: Timestamp::MIN,
            calm_since: Timestamp::MIN,
            waiting: Vec::new(),
            late: Vec::new(),
            silent: Vec::new(),
            targets: Vec::new(),
        }))
    }

    /// Counts a call and returns what strikes it.
    pub(crate) fn strike(&self, now: Timestamp) -> (u32, Option<Hazard>) {
        let mut forecast = lock(&self.0);
        forecast.calls += 1;
        let number = forecast.calls;
        forecast.waiting.retain(|(call, waker)| {
            let waits = *call > number;
            if !waits {
                waker.wake_by_ref();
            }
            waits
        });
        let mut hazard = None;
        while let Some((call, next)) = forecast.hazards.last().copied()
            && call <= number
        {
            hazard = Some(next);
            forecast.hazards.pop();
        }
        if let Some(hazard) = hazard {
            let lasts = now + SignedDuration::try_from(hazard.lasts()).unwrap_or_default();
            if let Hazard::Outage(_) = hazard {
                forecast.out_until = forecast.out_until.max(lasts);
            }
            forecast.calm_since = forecast.calm_since.max(lasts);
        }
        (number, hazard)
    }

    /// Counts a forward call to the target of a step and returns what strikes it.
    pub(crate) fn strike_step(&self, step: &str, now: Timestamp) -> (u32, Option<Hazard>) {
        let (number, hazard) = self.strike(now);
        let mut forecast = lock(&self.0);
        forecast.targets.push(number);
        if let Some(hazard @ (Hazard::Silence | Hazard::Deafness)) = hazard {
            forecast.silent.push((step.to_owned(), hazard));
        }
        let silent = forecast.silent.iter().find(|(silent, _)| silent == step);
        (number, hazard.or(silent.map(|(_, hazard)| *hazard)))
    }

    /// Ends every silence of a target.
    pub(crate) fn end_silence(&self) {
        lock(&self.0).silent.clear();
    }

    /// Returns true while the ledger and the stores refuse every call.
    pub(crate) fn is_out(&self, now: Timestamp) -> bool {
        now < lock(&self.0).out_until
    }

    /// Records that an execution has its receipt now.
    pub(crate) fn close(&self, execution: &str, now: Timestamp) {
        let mut forecast = lock(&self.0);
        if now.duration_since(forecast.calm_since) > REST_WITHIN {
            forecast.late.push(execution.to_owned());
        }
    }

    /// Returns the executions that had their receipt too late.
    pub(crate) fn late(&self) -> Vec<String> {
        lock(&self.0).late.clone()
    }

    /// Records that something else than a hazard disturbed the schedule.
    pub(crate) fn disturb(&self, until: Timestamp) {
        let mut forecast = lock(&self.0);
        forecast.calm_since = forecast.calm_since.max(until);
    }

    /// Returns the number of calls so far.
    pub(crate) fn calls(&self) -> u32 {
        lock(&self.0).calls
    }

    /// Returns the numbers of the forward calls to targets so far.
    pub(crate) fn targets(&self) -> Vec<u32> {
        lock(&self.0).targets.clone()
    }

    /// Resolves when the call with this number is made.
    pub(crate) fn reached(&self, call: u32) -> impl Future<Output = ()> + '_ {
        poll_fn(move |context| {
            let mut forecast = lock(&self.0);
            if forecast.calls >= call {
                return Poll::Ready(());
            }
            forecast.waiting.push((call, context.waker().clone()));
            Poll::Pending
        })
    }
}

impl Hazard {
    /// Returns the time for which it lasts.
    fn lasts(self) -> Duration {
        match self {
            Self::SlowCall(time)
            | Self::SlowAnswer(time)
            | Self::Freeze(time)
            | Self::Outage(time) => time,
            _ => Duration::ZERO,
        }
    }
}
