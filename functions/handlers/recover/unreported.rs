//! The net below the status events: every few minutes it lists the Step Functions executions that
//! ended without success, and handles those that left no record.
//!
//! An execution with a record is in the index of open executions, and needs no list.

use std::sync::{Mutex, PoisonError};

use holdfast_aws::EndedExecution;
use jiff::{SignedDuration, Timestamp};

use super::{RecoveryError, RecoveryHandler, ended::StatusEvent};

/// The time between two lists. `ListExecutions` refills at 2 requests a second in most regions and
/// at 5 in the large ones (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). A
/// list takes three requests for each workflow.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// The age of an end at which it is looked for: its status event had this time.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// The time before now at which a new process begins its list.
const FIRST: SignedDuration = SignedDuration::from_hours(1);

/// The longest time from a start to the end of a state machine that recorded nothing: `Begin` is
/// tried for some minutes, and for half an hour while Lambda throttles.
const LONGEST_BEGIN: SignedDuration = SignedDuration::from_hours(2);

/// Most ended executions that one list handles. The next list continues there.
const AT_MOST: usize = 100;

/// The end up to which ended executions were handled.
#[derive(Debug, Default)]
pub(super) struct Cursor(Mutex<Option<Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    listed_at: Timestamp,
    handled: Timestamp,
}

impl Cursor {
    /// The ends to list at `now`, after the first and up to the second time. `None` if the last
    /// list is young.
    fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = match last {
            Some(last) if last.listed_at + EVERY > now => return None,
            Some(last) => last.handled,
            None => now - FIRST,
        };
        Some((from, now - GRACE))
    }

    fn handled(&self, listed_at: Timestamp, handled: Timestamp) {
        let window = Window { listed_at, handled };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(window);
    }
}

impl RecoveryHandler {
    /// Handles every Step Functions execution that ended since the last list as its status event
    /// would be. One that has a record is left to the sweep.
    pub(super) async fn find_unreported(&self, now: Timestamp) -> Result<(), RecoveryError> {
        let Some((from, until)) = self.cursor.next(now) else {
            return Ok(());
        };
        let mut ended = Vec::new();
        for workflow in self.machines.workflows().await? {
            let since = now - LONGEST_BEGIN;
            ended.extend(self.machines.ended_since(&workflow, since).await?);
        }
        ended.retain(|one| from < one.ended_at && one.ended_at <= until);
        ended.sort_by_key(|one| one.ended_at);
        let more = ended.len() > AT_MOST;
        ended.truncate(AT_MOST);
        let mut handled = from;
        for one in &ended {
            self.unreported(one).await?;
            handled = one.ended_at;
            self.cursor.handled(now, handled);
        }
        self.cursor.handled(now, if more { handled } else { until });
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

    #[test]
    fn ended_executions_are_listed_every_few_minutes_without_a_gap() {
        let cursor = Cursor::default();
        assert_eq!(cursor.next(at(100)), Some((at(40), at(98))));
        cursor.handled(at(100), at(98));
        assert_eq!(cursor.next(at(104)), None);
        assert_eq!(cursor.next(at(105)), Some((at(98), at(103))));
    }

    #[test]
    fn a_list_that_was_too_long_continues_where_it_stopped() {
        let cursor = Cursor::default();
        cursor.handled(at(100), at(50));
        assert_eq!(cursor.next(at(105)), Some((at(50), at(103))));
    }
}
