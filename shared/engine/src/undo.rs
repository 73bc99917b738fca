//! Undo: one attempt at the compensation of one step, made like an attempt at the step.

use futures_util::future::{Either, select};
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    engine::{CLAIM_TRIES, COMPLETION_TRIES, Engine, MAX_RACES, partition},
    plan::undo_result,
    ports::{Host, ObjectStore},
    reports::undo_report,
    task_errors::{TaskError, no_such_step, too_many_races, undo_error},
};
use holdfast_action::{AnyAction, AppliedEffect, Call, StepError, TargetAnswer, Verdict};
use holdfast_ids::keys::{ExecutionKey, repeated_undo_key, undo_key};
use holdfast_ledger::{
    Expect, Ledger, Put, RecordedEffect, StepRecord, StepState, UndoClaim, UndoClaimTransition,
    UndoCompletionTransition, UndoReport, claim_undo, complete_undo, record_answer,
};
use holdfast_task::{ErrorName, UndoResult, UndoTask, VERIFY_POLICY, timing::time_left};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Runs one attempt at an undo, or returns the recorded result. A permanent failure is
    /// recorded, not raised.
    ///
    /// Errors: `Transient`, `Unknown`, `RetryAfter` (the message is JSON with `message` and
    /// `retry_after_s`), `Conflict` (another attempt is at work), `Halted` (another owner took
    /// over), `Permanent` (no such step).
    pub async fn undo(
        &self,
        task: &UndoTask,
        action: &dyn AnyAction,
    ) -> Result<UndoResult, TaskError> {
        let claim = UndoClaim {
            token: self.host.token(),
            epoch: task.execution.epoch,
            execution_generation: task.execution.generation,
        };
        let record = self.claim_undo(task, &claim).await?;
        if !matches!(record.state, StepState::Undoing { .. }) {
            return Ok(undo_result(&record));
        }
        let attempt = record.undo_attempts.len() as u32;
        let (report, answer) = self.run_undo(task, &record, action).await;
        let record = self
            .record_undo(&claim, record, &report, answer.as_deref())
            .await?;
        if let UndoReport::Halted(error) = &report {
            let message = format!("undo of {}: {error}", record.label());
            return Err(TaskError::new(ErrorName::Halted, message).of_attempt(attempt));
        }
        match undo_error(&record, self.host.now()) {
            Some(error) => Err(error.of_attempt(attempt)),
            None => Ok(undo_result(&record)),
        }
    }

    /// Claims the undo. The returned record is in another state than `Undoing` if nothing is left
    /// to do.
    async fn claim_undo(
        &self,
        task: &UndoTask,
        claim: &UndoClaim,
    ) -> Result<StepRecord, TaskError> {
        let at = partition(&task.execution);
        let mut record = self.record_of(&at, &task.undo).await?;
        let label = format!("undo of {}", record.label());
        let mut failures = 0;
        for _ in 0..MAX_RACES {
            let now = self.host.now();
            let next = match claim_undo(&record, claim, now) {
                UndoClaimTransition::Mine | UndoClaimTransition::Over => return Ok(record),
                UndoClaimTransition::Held(until) => {
                    let message = format!("{label}: an attempt holds the lease until {until}");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
                UndoClaimTransition::NotBefore(until) => {
                    self.wait_until(&label, until, now).await?;
                    continue;
                }
                UndoClaimTransition::Superseded => {
                    return Err(TaskError::new(
                        ErrorName::Halted,
                        format!("{label}: another owner took over"),
                    ));
                }
                UndoClaimTransition::Write(next) => *next,
            };
            match self.ledger.put(&next, Expect::Rev(record.rev)).await {
                Ok(Put::Done) => return Ok(next),
                Ok(Put::Lost(stored)) => {
                    record = *stored.ok_or_else(|| no_such_step(&task.undo))?;
                }
                Err(error) => self.retry_write(error, &mut failures, CLAIM_TRIES).await?,
            }
        }
        Err(too_many_races(&label))
    }

    /// Undoes the effect unless another owner has taken over. Returns the report, and the answer
    /// of a target that did not succeed.
    async fn run_undo(
        &self,
        task: &UndoTask,
        record: &StepRecord,
        action: &dyn AnyAction,
    ) -> (UndoReport, Option<Box<TargetAnswer>>) {
        let report = match self.ledger.read(&record.at).await {
            Ok(Some(execution)) if execution.unwinds(task.execution.epoch) => {
                return self.act_undo(task, record, action).await;
            }
            Ok(_) => UndoReport::Halted("another owner took over".to_owned()),
            Err(error) => transient(format!("before acting: {error}")),
        };
        (report, None)
    }

    async fn act_undo(
        &self,
        task: &UndoTask,
        record: &StepRecord,
        action: &dyn AnyAction,
    ) -> (UndoReport, Option<Box<TargetAnswer>>) {
        let StepState::Undoing { lease_until, .. } = record.state else {
            let why = "the claim is not ours".to_owned();
            return (UndoReport::Halted(why), None);
        };
        let (key, attempt) = (undo_key(&record.key), record.undo_attempts.len() as u32);
        let call = Call {
            traceparent: task.execution.trace.traceparent(&key, attempt),
            tenant: record.at.tenant.clone(),
            execution: record.at.execution.clone(),
            step: record.label(),
            attempt,
            key,
            forward_key: record.key.clone(),
            reads: false,
            time_left: time_left(lease_until, self.host.now()),
        };
        if record.acted_under_earlier_keys_only() {
            return (self.undo_earlier(action, &call, record).await, None);
        }
        let done = match self.done(&record.at, &record.effect()).await {
            Ok(done) => done,
            Err(error) => return (unreadable(error), None),
        };
        match self.call_undo(action, &call, record, done).await {
            Ok(report) => {
                // The receipt names each earlier effect in any case, so its report changes nothing.
                self.undo_earlier(action, &call, record).await;
                (report, None)
            }
            Err(mut error) => {
                let answer = error.answer.take();
                (undo_report(record, error), answer)
            }
        }
    }

    /// Undoes the effects under earlier keys again, since a late call can have arrived after their
    /// first undo. Returns the first report of a failure, if one failed.
    async fn undo_earlier(
        &self,
        action: &dyn AnyAction,
        call: &Call,
        record: &StepRecord,
    ) -> UndoReport {
        let mut first = UndoReport::Undone;
        let (StepState::Undoing { lease_until, .. }, Some(_)) = (&record.state, record.undo) else {
            return first;
        };
        let same = record.earlier.iter();
        for effect in same.filter(|effect| effect.action == record.action) {
            let done = self.done(&record.at, effect).await;
            let call = Call {
                key: repeated_undo_key(&effect.key, record.execution_generation),
                forward_key: effect.key.clone(),
                time_left: time_left(*lease_until, self.host.now()),
                ..call.clone()
            };
            let report = match done {
                Ok(done) => {
                    let answer = self.call_undo(action, &call, record, done).await;
                    answer.unwrap_or_else(|error| undo_report(record, error))
                }
                Err(error) => unreadable(error),
            };
            if first == UndoReport::Undone {
                first = report;
            }
        }
        first
    }

    /// Reads a recorded effect for the undo.
    async fn done(
        &self,
        at: &ExecutionKey,
        effect: &RecordedEffect,
    ) -> Result<AppliedEffect<Value, Value>, TaskError> {
        let input = self.unpack(at, &effect.input).await?;
        let output = match &effect.output {
            Some(output) => Some(self.unpack(at, output).await?),
            None => None,
        };
        let undo_input = match &effect.undo_input {
            Some(input) => Some(self.unpack(at, input).await?),
            None => None,
        };
        Ok(AppliedEffect {
            input,
            output,
            undo_input,
        })
    }

    /// Calls the undo, or the verification of a step without an undo, until it answers or runs out
    /// of time.
    async fn call_undo(
        &self,
        action: &dyn AnyAction,
        call: &Call,
        record: &StepRecord,
        done: AppliedEffect<Value, Value>,
    ) -> Result<UndoReport, StepError> {
        if call.time_left.is_zero() {
            return Err(StepError::transient("no time was left to act"));
        }
        let policy = record.undo.unwrap_or(VERIFY_POLICY);
        let act = async {
            if record.undo.is_some() {
                return action.undo(call, done).await.map(|()| UndoReport::Undone);
            }
            Ok(UndoReport::Verified(
                match action.verify(call, done.input).await? {
                    Verdict::Happened(output) => {
                        match self.pack(&record.at, "output", output).await {
                            Ok(output) => Verdict::Happened(output),
                            Err(error) => return Err(StepError::transient(error.message)),
                        }
                    }
                    Verdict::DidNotHappen => Verdict::DidNotHappen,
                    Verdict::CannotTell => Verdict::CannotTell,
                },
            ))
        };
        let run = std::pin::pin!(act);
        let time = std::pin::pin!(self.host.sleep(call.time_left));
        match select(run, time).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(StepError::unknown(format!(
                "no answer within {} s",
                policy.timeout_s
            ))),
        }
    }

    /// Records the outcome and retries the write, since an unrecorded outcome costs a whole lease.
    async fn record_undo(
        &self,
        claim: &UndoClaim,
        mut stored: StepRecord,
        report: &UndoReport,
        answer: Option<&TargetAnswer>,
    ) -> Result<StepRecord, TaskError> {
        let label = format!("undo of {}", stored.label());
        let mut failures = 0;
        for _ in 0..MAX_RACES {
            let mut next = match complete_undo(&stored, &claim.token, report, self.host.now()) {
                UndoCompletionTransition::Write(next) => *next,
                UndoCompletionTransition::Mine => return Ok(stored),
                UndoCompletionTransition::Fenced => {
                    let message = format!("{label}: another attempt took over");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
            };
            if let Some(answer) = answer {
                record_answer(&mut next.undo_attempts, answer);
            }
            match self.ledger.put(&next, Expect::Rev(stored.rev)).await {
                Ok(Put::Done) => return Ok(next),
                Ok(Put::Lost(Some(winner))) => stored = *winner,
                Ok(Put::Lost(None)) => {
                    let message = format!("{label}: its record is gone");
                    return Err(TaskError::new(ErrorName::Permanent, message));
                }
                Err(error) => self
                    .retry_write(error, &mut failures, COMPLETION_TRIES)
                    .await
                    .map_err(|error| {
                        let message = format!("{label}: its outcome was not recorded: {error}");
                        TaskError::new(ErrorName::Unknown, message)
                    })?,
            }
        }
        Err(too_many_races(&label))
    }
}

fn transient(error: String) -> UndoReport {
    UndoReport::Transient {
        error,
        wait: SignedDuration::ZERO,
    }
}

/// The report of an attempt that could not read the effect to undo.
fn unreadable(error: TaskError) -> UndoReport {
    match error.name {
        ErrorName::Transient => transient(error.message),
        _ => UndoReport::Permanent(error.message),
    }
}
