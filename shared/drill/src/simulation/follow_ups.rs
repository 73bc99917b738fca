//! Enumerates schedules of one execution: every single disturbance at every call and invocation,
//! each followed by every request at rest, such as a redrive under another version.

use std::time::Duration;

use super::{
    schedule::{Cut, Event, Mishap, Moment, Request, Schedule},
    weather::Hazard,
};
use crate::target::Manners;

/// Hazards that strike each call.
const HAZARDS: [Hazard; 14] = [
    Hazard::Refusal,
    Hazard::Permanent,
    Hazard::AsksToWait,
    Hazard::LostAnswer,
    Hazard::SlowCall(Duration::from_secs(2)),
    Hazard::SlowCall(Duration::from_secs(200)),
    Hazard::SlowAnswer(Duration::from_secs(5)),
    Hazard::SlowAnswer(Duration::from_secs(200)),
    Hazard::DeathBefore,
    Hazard::DeathAfter,
    Hazard::Freeze(Duration::from_secs(200)),
    Hazard::Outage(Duration::from_secs(20)),
    Hazard::Silence,
    Hazard::Deafness,
];

/// Mishaps that strike each invocation.
const MISHAPS: [Mishap; 6] = [
    Mishap::Duplicate(Duration::from_millis(2)),
    Mishap::Duplicate(Duration::from_secs(600)),
    Mishap::Delay(Duration::from_secs(90)),
    Mishap::Stop(Duration::from_millis(12)),
    Mishap::Stop(Duration::from_millis(60)),
    Mishap::LostAnswer,
];

/// The size of a workflow's undisturbed run, which bounds the enumeration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FollowUps {
    /// Number of calls to the ledger, the stores and the targets.
    pub(crate) calls: u32,
    /// Number of invocations.
    pub(crate) invocations: u32,
    /// Number of the workflow's versions.
    pub(crate) versions: usize,
}

impl FollowUps {
    /// Returns the number of schedules.
    pub(crate) fn count(self) -> u64 {
        (self.disturbances() * self.requests().len()) as u64 * 2
    }

    fn disturbances(self) -> usize {
        self.calls as usize * HAZARDS.len() + self.invocations as usize * MISHAPS.len()
    }

    /// Returns the schedule with this number.
    pub(crate) fn schedule(self, number: u64) -> Schedule {
        let requests = self.requests();
        let (verifies, rest) = (number % 2 == 1, (number / 2) as usize);
        let (disturbance, request) = (rest / requests.len(), rest % requests.len());
        let hazards = self.calls as usize * HAZARDS.len();
        let struck = if disturbance < hazards {
            let call = 1 + (disturbance / HAZARDS.len()) as u32;
            Event::Hazard(call, HAZARDS[disturbance % HAZARDS.len()])
        } else {
            let left = disturbance - hazards;
            let invocation = (left / MISHAPS.len()) as u32;
            Event::Mishap(invocation, MISHAPS[left % MISHAPS.len()])
        };
        let mut events = vec![struck];
        let at_rest = requests.into_iter().nth(request).into_iter().flatten();
        events.extend(at_rest.map(|request| Event::Request(Moment::Rest, request)));
        Schedule {
            seed: number,
            executions: 1,
            verifies,
            manners: Manners::default(),
            old: None,
            events,
        }
    }

    /// Returns the requests that follow a disturbance, one list for each way.
    fn requests(self) -> Vec<Vec<Request>> {
        let rollback = Request::Rollback(0, Cut::None);
        let redrive = Request::Redrive(0, Cut::None);
        let mut all = vec![
            vec![rollback.clone()],
            vec![redrive.clone(), rollback.clone()],
        ];
        for version in 1..self.versions {
            let deploy = Request::Deploy(version);
            all.push(vec![deploy.clone(), redrive.clone(), rollback.clone()]);
            // The definition changes between the check of a redrive and its begin.
            let between = [Cut::Deployment(version), Cut::DeploymentAndCancel(version)];
            all.extend(between.map(|cut| vec![Request::Redrive(0, cut), redrive.clone()]));
        }
        all
    }
}
