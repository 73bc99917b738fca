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
const LIST_INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// The age of an end at which it is looked for: its status event had this time.
const EVENT_GRACE: SignedDuration = SignedDuration::from_mins(2);

/// The longest time from an end to the list that has it.
pub const LISTED_WITHIN: SignedDuration = SignedDuration::from_mins(7);

/// The time before now at which a new process begins its list.
const FIRST_SPAN: SignedDuration = SignedDuration::from_hours(1);

/// The longest time from a start to the end of a state machine that recorded nothing. `Begin` is
/// tried for some minutes, and for half an hour while Lambda throttles.
const LONGEST_BEGIN: SignedDuration = SignedDuration::from_hours(2);

/// Most ended executions that one list handles, besides those that ended in the same millisecond
/// as the last one. The next list continues there.
const AT_MOST: usize = 100;

/// Most ended executions that wait for another try. While more than these fail, as in an outage,
/// the cursor does not move.
const RETRIED_AT_MOST: usize = 100;

/// The end up to which ended executions were handled, and the earlier ones to try again.
#[derive(Debug, Default)]
pub struct EndCursor(Mutex<Option<Window>>);

#[derive(Debug)]
struct Window {
    listed_at: Timestamp,
    handled: Timestamp,
    /// Ends up to `handled` whose handling failed. They are kept apart from the cursor, so that an
    /// end that fails for a lasting reason does not hold those after it.
    failed: Vec<EndedExecution>,
}

impl Window {
    /// Returns the window after a list at `now` that was whole from `from` up to `until`.
    /// `failures` are all that could not be handled, those of earlier lists included.
    fn after(now: Timestamp, from: Timestamp, until: Timestamp, failures: Failures) -> Self {
        let Failures { earlier, new } = failures;
        let moves = earlier.len() + new.len() <= RETRIED_AT_MOST;
        Window {
            listed_at: now,
            handled: if moves { until.max(from) } else { from },
            failed: if moves {
                [earlier, new].concat()
            } else {
                earlier
            },
        }
    }
}

/// Ended executions that a list could not handle.
#[derive(Debug, Default)]
struct Failures {
    /// Of those that had failed before.
    earlier: Vec<EndedExecution>,
    /// Of those that this list found.
    new: Vec<EndedExecution>,
}

impl EndCursor {
    fn window(&self) -> MutexGuard<'_, Option<Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ends to list at `now`, after the first and up to the second time. `None` if the last
    /// list is young.
    fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = match &*self.window() {
            Some(last) if last.listed_at + LIST_INTERVAL > now => return None,
            Some(last) => last.handled,
            None => now - FIRST_SPAN,
        };
        Some((from, now - EVENT_GRACE))
    }

    /// Returns the ends of earlier lists that are to be tried again.
    fn failed(&self) -> Vec<EndedExecution> {
        let window = self.window();
        window
            .as_ref()
            .map_or_else(Vec::new, |last| last.failed.clone())
    }

    fn move_to(&self, window: Window) {
        *self.window() = Some(window);
    }

    /// The earliest time of a list that has an end at `ended_at`; `None` if it was handled.
    pub fn lists_at(&self, ended_at: Timestamp) -> Option<Timestamp> {
        let ripe = ended_at + EVENT_GRACE;
        match &*self.window() {
            Some(last) if last.failed.iter().any(|one| one.ended_at == ended_at) => {
                Some(last.listed_at + LIST_INTERVAL)
            }
            Some(last) if ended_at <= last.handled => None,
            Some(last) => Some(ripe.max(last.listed_at + LIST_INTERVAL)),
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
            let since = from - LONGEST_BEGIN;
            ended.extend(self.machines.ended_since(&workflow, since).await?);
        }
        let until = part(&mut ended, from, until);
        let failures = Failures {
            earlier: self.unhandled(self.cursor.failed()).await,
            new: self.unhandled(ended).await,
        };
        self.cursor
            .move_to(Window::after(now, from, until, failures));
        Ok(())
    }

    /// Handles each of `ended`, and returns those for which that failed.
    async fn unhandled(&self, ended: Vec<EndedExecution>) -> Vec<EndedExecution> {
        let mut failed = Vec::new();
        for one in ended {
            if let Err(reason) = self.unreported(&one).await {
                let (owner, reason) = (&one.arn, &reason);
                (self.notice)(RecoveryNotice::Unhandled { owner, reason });
                failed.push(one);
            }
        }
        failed
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

    /// The window of a list at `now` that handled every end up to `handled`.
    fn whole(now: Timestamp, handled: Timestamp) -> Window {
        Window::after(now, handled, handled, Failures::default())
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
        cursor.move_to(whole(at(100), at(98)));
        assert_eq!(cursor.next(at(104)), None);
        assert_eq!(cursor.next(at(105)), Some((at(98), at(103))));
    }

    #[test]
    fn a_list_that_was_too_long_continues_where_it_stopped() {
        let cursor = EndCursor::default();
        cursor.move_to(whole(at(100), at(50)));
        assert_eq!(cursor.next(at(105)), Some((at(50), at(103))));
    }

    #[test]
    fn an_end_is_listed_within_seven_minutes_and_only_once() {
        let cursor = EndCursor::default();
        assert_eq!(cursor.lists_at(at(97)), Some(at(99)));
        cursor.move_to(whole(at(100), at(98)));
        assert_eq!(cursor.lists_at(at(98)), None);
        let later = at(98) + SignedDuration::from_millis(1);
        assert_eq!(cursor.lists_at(later), Some(at(105)));
        assert_eq!(LISTED_WITHIN, LIST_INTERVAL + EVENT_GRACE);
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

    #[test]
    fn an_end_that_fails_is_tried_again_and_holds_no_later_one() {
        let cursor = EndCursor::default();
        let failures = Failures {
            earlier: vec![ended(1, at(40))],
            new: vec![ended(2, at(60))],
        };
        cursor.move_to(Window::after(at(100), at(50), at(98), failures));
        assert_eq!(cursor.next(at(105)), Some((at(98), at(103))));
        assert_eq!(cursor.failed(), [ended(1, at(40)), ended(2, at(60))]);
        assert_eq!(cursor.lists_at(at(60)), Some(at(105)));
        assert_eq!(cursor.lists_at(at(61)), None);
    }

    #[test]
    fn the_list_waits_while_more_ends_fail_than_are_kept() {
        let cursor = EndCursor::default();
        let failures = Failures {
            earlier: vec![ended(1, at(40))],
            new: (0..RETRIED_AT_MOST).map(|n| ended(n, at(60))).collect(),
        };
        cursor.move_to(Window::after(at(100), at(50), at(98), failures));
        assert_eq!(cursor.next(at(105)), Some((at(50), at(103))));
        assert_eq!(cursor.failed(), [ended(1, at(40))]);
    }
}
