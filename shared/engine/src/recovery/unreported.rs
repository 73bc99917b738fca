//! The list of ended executions, for lost status events. Every five minutes it lists the Step
//! Functions executions that ended without success, and handles each as its status event would be.

use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_ledger::OpenIndex;
use jiff::{SignedDuration, Timestamp};

use super::{Recovery, RecoveryError, RecoveryNotice, StatusEvent};
use crate::{
    ports::{Host, ObjectStore},
    state_machines::{EndedExecution, StateMachines},
};

/// The time between two lists. `ListExecutions` refills at 2 requests a second in most regions and
/// at 5 in the large ones (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). A
/// list takes three requests for each workflow.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// The age of an end at which it is looked for: its status event had this time.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// The longest time from an end to the list that has it.
pub const LISTED_WITHIN: SignedDuration = SignedDuration::from_mins(7);

/// The time before now at which a new process begins its list.
const FIRST: SignedDuration = SignedDuration::from_hours(1);

/// The longest time from a start to the end of a state machine that recorded nothing. `Begin` is
/// tried for some minutes, and for half an hour while Lambda throttles.
const LONGEST_BEGIN: SignedDuration = SignedDuration::from_hours(2);

/// The shortest time between two ends: Step Functions gives milliseconds.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// Most ended executions that one list handles, besides those that ended in the same millisecond
/// as the last one. The next list continues there.
const AT_MOST: usize = 100;

/// The end up to which ended executions were handled.
#[derive(Debug, Default)]
pub struct EndCursor(Mutex<Option<Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    listed_at: Timestamp,
    handled: Timestamp,
}

impl EndCursor {
    fn window(&self) -> MutexGuard<'_, Option<Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ends to list at `now`, after the first and up to the second time. `None` if the last
    /// list is young.
    fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = match *self.window() {
            Some(last) if last.listed_at + EVERY > now => return None,
            Some(last) => last.handled,
            None => now - FIRST,
        };
        Some((from, now - GRACE))
    }

    fn handled(&self, listed_at: Timestamp, handled: Timestamp) {
        *self.window() = Some(Window { listed_at, handled });
    }

    /// The earliest time of a list that has an end at `ended_at`; `None` if it was handled.
    pub fn lists_at(&self, ended_at: Timestamp) -> Option<Timestamp> {
        let ripe = ended_at + GRACE;
        match *self.window() {
            Some(last) if ended_at <= last.handled => None,
            Some(last) => Some(ripe.max(last.listed_at + EVERY)),
            None => Some(ripe),
        }
    }
}

/// Takes the ends after `from` and up to `until`, the earliest first, at most [`AT_MOST`] and those
/// that ended together with the last. Returns the end up to which the list is then whole.
fn part(ended: &mut Vec<EndedExecution>, from: Timestamp, until: Timestamp) -> Timestamp {
    ended.retain(|one| from < one.ended_at && one.ended_at <= until);
    ended.sort_by_key(|one| one.ended_at);
    match ended.get(AT_MOST - 1).map(|last| last.ended_at) {
        Some(last) if ended.len() > AT_MOST => {
            ended.retain(|one| one.ended_at <= last);
            last
        }
        _ => until,
    }
}

impl<L, S, H, M> Recovery<'_, L, S, H, M>
where
    L: OpenIndex,
    S: ObjectStore,
    H: Host,
    M: StateMachines,
{
    /// Handles every Step Functions execution that ended since the last list as its status event
    /// would be. One that cannot be handled delays no other, and is in the next list again.
    pub async fn find_unreported(&self) -> Result<(), RecoveryError> {
        let now = self.engine.host.now();
        let Some((from, until)) = self.cursor.next(now) else {
            return Ok(());
        };
        let mut ended = Vec::new();
        for workflow in self.machines.workflows().await? {
            let since = now - LONGEST_BEGIN;
            ended.extend(self.machines.ended_since(&workflow, since).await?);
        }
        let mut handled = part(&mut ended, from, until);
        for one in &ended {
            if let Err(reason) = self.unreported(one).await {
                let (owner, reason) = (&one.arn, &reason);
                (self.notice)(RecoveryNotice::Unhandled { owner, reason });
                handled = handled.min(one.ended_at - TICK);
            }
        }
        self.cursor.handled(now, handled.max(from));
        Ok(())
    }

    async fn unreported(&self, ended: &EndedExecution) -> Result<(), RecoveryError> {
        let Some(described) = self.machines.look(&ended.arn).await? else {
            return Ok(());
        };
        let event = StatusEvent {
            execution_arn: ended.arn.clone(),
            state_machine_arn: ended.machine.clone(),
            status: ended.status.clone(),
            input: Some(described.input),
            error: described.error,
            cause: described.cause,
        };
        self.ended(&event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn ended(number: usize, ended_at: Timestamp) -> EndedExecution {
        EndedExecution {
            arn: number.to_string(),
            machine: String::new(),
            status: "FAILED".to_owned(),
            ended_at,
        }
    }

    #[test]
    fn ended_executions_are_listed_every_few_minutes_without_a_gap() {
        let cursor = EndCursor::default();
        assert_eq!(cursor.next(at(100)), Some((at(40), at(98))));
        cursor.handled(at(100), at(98));
        assert_eq!(cursor.next(at(104)), None);
        assert_eq!(cursor.next(at(105)), Some((at(98), at(103))));
    }

    #[test]
    fn a_list_that_was_too_long_continues_where_it_stopped() {
        let cursor = EndCursor::default();
        cursor.handled(at(100), at(50));
        assert_eq!(cursor.next(at(105)), Some((at(50), at(103))));
    }

    #[test]
    fn an_end_is_listed_within_seven_minutes_and_only_once() {
        let cursor = EndCursor::default();
        assert_eq!(cursor.lists_at(at(97)), Some(at(99)));
        cursor.handled(at(100), at(98));
        assert_eq!(cursor.lists_at(at(98)), None);
        assert_eq!(cursor.lists_at(at(98) + TICK), Some(at(105)));
        assert_eq!(LISTED_WITHIN, EVERY + GRACE);
    }

    #[test]
    fn ends_of_one_millisecond_are_never_divided_between_two_lists() {
        let mut list = (0..150).map(|number| ended(number, at(10))).collect();
        assert_eq!(part(&mut list, at(0), at(20)), at(10));
        assert_eq!(list.len(), 150);
        let mut list = (0..150)
            .map(|number| ended(number, at(10 + number as i64)))
            .collect();
        assert_eq!(part(&mut list, at(0), at(1000)), at(109));
        assert_eq!(list.len(), 100);
    }
}
