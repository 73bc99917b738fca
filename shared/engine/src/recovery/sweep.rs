//! The sweep: every minute it looks at the open executions that are due, and delivers decisions
//! that were not delivered. It records reminders of open questions, and closes questions that were
//! recorded after their execution had stopped.

use futures_util::{StreamExt, stream};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    DueEntry, ExecutionRecord, Expect, NextLook, OpenIndex, Phase, Question, runs_end_at,
};
use holdfast_task::Failure;
use jiff::{SignedDuration, Timestamp};

use super::{Recovery, RecoveryError, RecoveryNotice, RecoveryStart, deliver, start_owner};
use crate::{
    ports::{Host, ObjectStore},
    state_machines::StateMachines,
};

/// Most looks of one sweep: five a second. `DescribeExecution` refills at 15 requests a second in
/// three regions, and at 10 in all others. So half remains for the API. 4,500 open executions are
/// looked at every 15 minutes. Of more, those that only wait are looked at less often, in the order
/// in which they became due.
///
/// Source: "Other quotas" in docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
const LOOKS: usize = 300;

/// The number of looks at the same time.
const AT_ONCE: usize = 8;

/// The time after which a sweep begins no further look: the next sweep continues. The function's
/// timeout is a minute.
const LONGEST: SignedDuration = SignedDuration::from_secs(40);

impl<L, S, H, M> Recovery<'_, L, S, H, M>
where
    L: OpenIndex,
    S: ObjectStore,
    H: Host,
    M: StateMachines,
{
    /// Looks at every entry of the index that is due. Returns the number of executions that remain
    /// overdue.
    pub async fn sweep(&self) -> Result<i64, RecoveryError> {
        let began = self.engine.host.now();
        let due = self.engine.ledger.due(began, LOOKS).await?;
        let looks = stream::iter(due).map(|entry| async move {
            if self.engine.host.now().duration_since(began) > LONGEST {
                return 0;
            }
            let (DueEntry::Execution(at) | DueEntry::Question(at)) = &entry;
            match Box::pin(self.look(&entry)).await {
                Ok(behind) => i64::from(behind),
                Err(reason) => {
                    let reason = &reason;
                    (self.notice)(RecoveryNotice::Overdue { at, reason });
                    1
                }
            }
        });
        let behind: Vec<i64> = looks.buffer_unordered(AT_ONCE).collect().await;
        Ok(behind.iter().sum())
    }

    /// Looks at one entry. Returns true if a recovery of the execution had been started before and
    /// has not helped.
    async fn look(&self, entry: &DueEntry) -> Result<bool, RecoveryError> {
        match entry {
            DueEntry::Question(at) => {
                let ledger = &self.engine.ledger;
                let Some(snapshot) = ledger.snapshot(at).await? else {
                    return Ok(false);
                };
                for question in &snapshot.questions {
                    let now = self.engine.host.now();
                    deliver(ledger, self.machines, question, now).await?;
                    match question.waits(&snapshot.execution) {
                        true => self.remind(question).await?,
                        false => {
                            self.engine
                                .close_late(question, &snapshot.execution)
                                .await?;
                        }
                    }
                }
                Ok(false)
            }
            DueEntry::Execution(at) => self.look_at_owner(at).await,
        }
    }

    /// Records the reminder of an open question, if one is due, and sets the time of the next look.
    /// A vote or another sweep that wrote first wins; its record is in the index again.
    async fn remind(&self, question: &Question) -> Result<(), RecoveryError> {
        let ledger = &self.engine.ledger;
        match question.after_reminder(self.engine.host.now()) {
            Some(next) => drop(ledger.put(&next, Expect::Rev(question.rev)).await?),
            None => ledger.looked_at(question).await?,
        }
        Ok(())
    }

    async fn look_at_owner(&self, at: &ExecutionKey) -> Result<bool, RecoveryError> {
        let ledger = &self.engine.ledger;
        let execution = ledger.read(at).await?;
        let Some(execution) = execution.filter(ExecutionRecord::is_open) else {
            return Ok(false);
        };
        if let Some(until) = runs_end_at(&execution) {
            return self.look_at_runs(&execution, until).await;
        }
        match self.machines.look(&execution.owner).await? {
            Some(owner) if owner.running => {
                let next = NextLook::of_running(&execution, self.engine.host.now());
                ledger.look_again(&execution, next).await?;
                return Ok(false);
            }
            Some(_) => {}
            // The requester died between the record and the start of the owner.
            None if start_owner(self.machines, &execution).await? => {
                let execution = &execution;
                (self.notice)(RecoveryNotice::OwnerStarted { execution });
                let next = NextLook::of_recovery(self.engine.host.now());
                ledger.look_again(execution, next).await?;
                return Ok(false);
            }
            None => {}
        }
        let start = self.start(&execution, Failure::lost_owner()).await?;
        Ok(start == RecoveryStart::Again)
    }

    /// Looks at an execution whose owner's Express runs may live until `until`. Step Functions
    /// describes none of them.
    async fn look_at_runs(
        &self,
        execution: &ExecutionRecord,
        until: Timestamp,
    ) -> Result<bool, RecoveryError> {
        let now = self.engine.host.now();
        if now >= until {
            let start = self.start(execution, Failure::lost_owner()).await?;
            return Ok(start == RecoveryStart::Again);
        }
        // The requester of a redrive may have died before it started the owner. If it had not,
        // another run of the same start has no effect twice.
        let running = execution.phase == Phase::Running;
        let redriven = running && execution.redrive().is_some();
        let started = redriven && start_owner(self.machines, execution).await?;
        if started {
            (self.notice)(RecoveryNotice::OwnerStarted { execution });
        }
        let next = NextLook::of_runs(until, started.then_some(now));
        self.engine.ledger.look_again(execution, next).await?;
        Ok(false)
    }
}
