//! Step: one attempt, which claims, reads its execution's phase, acts, and records the outcome.

use futures_util::future::{Either, select};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    attempt_result::{AttemptResult, answer, passed, polled, with_error},
    engine::{CLAIM_TRIES, COMPLETION_TRIES, Engine, MAX_RACES, partition},
    items::item_count,
    paused::blocked_error,
    poll::NOT_YET,
    ports::{Host, ObjectStore},
    reports::attempt_report,
    task_errors::{TaskError, permanent, step_error, too_many_races, unresolved_outcome},
};
use holdfast_action::{AnyAction, Call, StepError};
use holdfast_ids::keys::{ExecutionKey, effect_key, is_hashed_item};
use holdfast_ledger::{
    Attempt, AttemptReport, Claim, ClaimTransition, CompletionTransition, Expect, Ledger, Put,
    StepRecord, StepState, complete,
};
use holdfast_task::{
    ErrorName, StepResult, StepStatus, StepTask,
    payload::Payload,
    timing::{lease_s, time_left},
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Runs one attempt at a step, or returns the recorded result of an earlier one.
    ///
    /// Errors: `Transient`, `Unknown`, `RetryAfter` (the message is JSON with `message` and
    /// `retry_after_s`), `Conflict` (another attempt is at work), `Permanent`, `Escalate`,
    /// `Halted`, `Paused`.
    pub async fn step(
        &self,
        task: &StepTask,
        action: &dyn AnyAction,
    ) -> Result<StepResult, TaskError> {
        match &task.when {
            None | Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return self.skip(task).await,
            Some(_) => {
                return Err(permanent(
                    "when must yield true or false, and yields neither",
                ));
            }
        }
        let (claim, input) = self.prepare(task).await?;
        let record = match self.claim(task, &claim).await? {
            ClaimResult::Mine(record) => *record,
            ClaimResult::Succeeded(output) => {
                let output = self.for_machine(&claim.first, &output, &task.step).await?;
                return Ok(answer(StepStatus::Succeeded, output));
            }
            ClaimResult::Failed(record) => {
                let error = record.last_error().unwrap_or("it failed");
                let error = format!("{}: {error} (recorded before)", record.label());
                return passed(&record).ok_or_else(|| permanent(error));
            }
        };
        let attempt = record.attempts.len() as u32;
        let attempted = self.act(task, &claim, &record, input, action).await?;
        let record = self.record(&claim, record, &attempted).await?;
        let report = attempted.report;
        if let Some(error) = blocked_error(&report, &record) {
            return Err(error.of_attempt(attempt));
        }
        let ended = match (&report, &record.state) {
            (AttemptReport::Succeeded(output), StepState::Succeeded) => {
                let output = self.for_machine(&record, output, &task.step).await?;
                Ok(answer(StepStatus::Succeeded, output))
            }
            (_, StepState::Waiting { .. }) if attempted.not_yet => {
                let message = format!("{}: {NOT_YET}", record.label());
                Err(TaskError::new(ErrorName::NotYet, message))
            }
            (_, state) => passed(&record)
                .ok_or_else(|| step_error(&record, state, claim.max_attempts, self.host.now())),
        };
        match ended {
            Ok(answer) => Ok(StepResult {
                attempt: Some(attempt),
                ..answer
            }),
            Err(error) => Err(error.of_attempt(attempt)),
        }
    }

    /// Makes the claim with its token before anything is written, and resolves the input.
    async fn prepare(&self, task: &StepTask) -> Result<(Claim, Value), TaskError> {
        let at = partition(&task.execution);
        let policy = &task.step;
        let item_key = task.item_key.as_ref();
        let item = self.stored_item_name(&at, &policy.name, item_key).await?;
        let input = self.resolve(&at, task.input.clone()).await?;
        let undo_input = match &task.undo_input {
            Some(input) => {
                let input = self.resolve(&at, input.clone()).await?;
                Some(self.pack(&at, "rollback.input", input).await?)
            }
            None => None,
        };
        let now = self.host.now();
        let token = self.host.token();
        let lease =
            SignedDuration::from_secs(i64::try_from(lease_s(policy.timeout_s)).unwrap_or(900));
        let first = StepRecord {
            rev: 1,
            step: policy.name.clone(),
            number: policy.number,
            action: policy.action.clone(),
            key: effect_key(&at, &policy.name, item.as_deref(), 0),
            effect_generation: 0,
            epoch: task.execution.epoch,
            execution_generation: task.execution.generation,
            input: self.pack(&at, "input", input.clone()).await?,
            undo: policy.undo,
            undo_input,
            idempotent: policy.idempotent,
            reads: policy.reads,
            optional: policy.optional,
            continues_on: policy.continues_on.clone(),
            state: StepState::Running {
                token: token.clone(),
                lease_until: now + lease,
            },
            output: None,
            tainted: false,
            attempts: vec![Attempt::begun(&token, now)],
            forgiven: 0,
            undo_attempts: Vec::new(),
            undo_forgiven: 0,
            item_hashed: item.as_deref().is_some_and(is_hashed_item),
            items: task.items.as_ref().and_then(item_count),
            earlier: Vec::new(),
            retired: Vec::new(),
            earlier_attempts: 0,
            earlier_undo_attempts: 0,
            closed: None,
            item,
            at,
        };
        Ok((
            Claim {
                token,
                lease,
                max_attempts: policy.max_attempts,
                first,
            },
            input,
        ))
    }

    /// Claims the step, or returns the recorded outcome.
    async fn claim(&self, task: &StepTask, claim: &Claim) -> Result<ClaimResult, TaskError> {
        let mut stored: Option<StepRecord> = None;
        let label = claim.first.label();
        let (mut failures, mut checked) = (0, false);
        for _ in 0..MAX_RACES {
            let now = self.host.now();
            let (next, unknown) = match holdfast_ledger::claim(stored.as_ref(), claim, now) {
                ClaimTransition::Write(next) => {
                    let between_attempts = |record: &&StepRecord| {
                        matches!(record.state, StepState::Waiting { .. } | StepState::Unknown)
                    };
                    let between = stored.as_ref().filter(between_attempts);
                    if let (Some(record), false) = (between, checked) {
                        checked = true;
                        self.check_before_claim(task, record).await?;
                    }
                    (next, false)
                }
                ClaimTransition::Mine => match stored {
                    Some(record) => return Ok(ClaimResult::Mine(Box::new(record))),
                    None => continue,
                },
                ClaimTransition::Held(until) => {
                    let message = format!("{label}: another attempt holds the lease until {until}");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
                ClaimTransition::NotBefore(until) => {
                    self.wait_until(&label, until, now).await?;
                    continue;
                }
                ClaimTransition::Succeeded(output) => return Ok(ClaimResult::Succeeded(output)),
                ClaimTransition::Changed => {
                    let message = format!(
                        "{label}: it succeeded, or may have, with another action or input than it has now, so that its effect is not this one"
                    );
                    return Err(permanent(message));
                }
                ClaimTransition::Withdrawn => {
                    let message = format!("{label}: the step is undone or has a newer owner");
                    return Err(TaskError::new(ErrorName::Halted, message));
                }
                ClaimTransition::Failed => {
                    let record = stored.unwrap_or_else(|| claim.first.clone());
                    return Ok(ClaimResult::Failed(Box::new(record)));
                }
                ClaimTransition::Unknown(None) => {
                    return Err(unresolved_outcome(stored.as_ref().unwrap_or(&claim.first)));
                }
                ClaimTransition::Unknown(Some(next)) => (next, true),
            };
            let expect = stored
                .as_ref()
                .map_or(Expect::Absent, |record| Expect::Rev(record.rev));
            match self.ledger.put(&*next, expect).await {
                Ok(Put::Done) if unknown && next.state == StepState::FailedClean => {
                    return Ok(ClaimResult::Failed(next));
                }
                Ok(Put::Done) if unknown => return Err(unresolved_outcome(&next)),
                Ok(Put::Done) => return Ok(ClaimResult::Mine(next)),
                Ok(Put::Lost(winner)) => stored = winner.map(|winner| *winner),
                Err(error) => self.retry_write(error, &mut failures, CLAIM_TRIES).await?,
            }
        }
        Err(too_many_races(&label))
    }

    /// Applies the effect unless the execution has stopped meanwhile, and reports the outcome.
    async fn act(
        &self,
        task: &StepTask,
        claim: &Claim,
        record: &StepRecord,
        input: Value,
        action: &dyn AnyAction,
    ) -> Result<AttemptResult, TaskError> {
        let (at, epoch) = (&record.at, task.execution.epoch);
        match self
            .ledger
            .phase_and_controls(at, &task.execution.workflow)
            .await
        {
            Ok((Some(phase), controls)) if phase.admits(epoch) => {
                if let Some(stopped) = self
                    .stop_by_control(at, epoch, &controls, &record.step)
                    .await
                {
                    return Ok(stopped.into());
                }
            }
            Ok(_) => {
                let reason = "the execution is no longer running".to_owned();
                return Ok(AttemptReport::Halted(reason).into());
            }
            Err(error) => {
                return Ok(AttemptReport::Unread(format!("before acting: {error}")).into());
            }
        }
        // The first claim fixes the input. A target would refuse the input of a later attempt under
        // the same key, if it differs.
        let input = if record.input.sha256() == claim.first.input.sha256() {
            input
        } else {
            match self.unpack(at, &record.input).await {
                Ok(first) => first,
                Err(error) => {
                    return Ok(attempt_report(StepError::transient(error.message)).into());
                }
            }
        };
        let StepState::Running { lease_until, .. } = record.state else {
            return Ok(AttemptReport::Halted("the claim is not ours".to_owned()).into());
        };
        let attempt = record.attempts.len() as u32;
        let call = Call {
            traceparent: task.execution.trace.traceparent(&record.key, attempt),
            tenant: at.tenant.clone(),
            execution: at.execution.clone(),
            step: record.label(),
            attempt,
            key: record.key.clone(),
            forward_key: record.key.clone(),
            reads: record.reads,
            time_left: time_left(lease_until, self.host.now()),
        };
        let outcome = self.call(action, &call, input, task.step.timeout_s).await;
        let (outcome, not_yet) = match (outcome, &task.step.poll) {
            (Ok(output), Some(poll)) => polled(poll, output, attempt),
            (outcome, _) => (outcome, false),
        };
        let error = outcome.as_ref().err();
        let (code, answer) = error.map_or((None, None), |error| {
            (error.code.clone(), error.answer.clone())
        });
        Ok(AttemptResult {
            report: self.report_of(at, outcome).await?,
            code,
            answer,
            not_yet,
        })
    }

    /// Turns the outcome of a call into a report, and packs its output.
    async fn report_of(
        &self,
        at: &ExecutionKey,
        outcome: Result<Value, StepError>,
    ) -> Result<AttemptReport, TaskError> {
        Ok(match outcome {
            // The effect exists even if its output cannot be stored, so that a note replaces the
            // output.
            Ok(output) => match self.pack(at, "output", output).await {
                Ok(output) => AttemptReport::Succeeded(output),
                Err(error) if error.name == ErrorName::Transient => {
                    attempt_report(StepError::unknown(error.message))
                }
                Err(error) => {
                    let note = json!({ "$output_not_kept": error.message });
                    AttemptReport::Succeeded(self.pack(at, "output", note).await?)
                }
            },
            Err(error) => attempt_report(error),
        })
    }

    /// Calls the action until it answers or runs out of time.
    async fn call(
        &self,
        action: &dyn AnyAction,
        call: &Call,
        input: Value,
        timeout_s: u64,
    ) -> Result<Value, StepError> {
        if call.time_left.is_zero() {
            return Err(StepError::transient("no time was left to act"));
        }
        let time = std::pin::pin!(self.host.sleep(call.time_left));
        match select(action.run(call, input), time).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(StepError::unknown(format!(
                "no answer within {timeout_s} s"
            ))),
        }
    }

    /// Records the outcome and retries the write, since an unrecorded outcome costs a whole lease.
    async fn record(
        &self,
        claim: &Claim,
        mut stored: StepRecord,
        attempted: &AttemptResult,
    ) -> Result<StepRecord, TaskError> {
        let label = claim.first.label();
        let report = &attempted.report;
        let mut failures = 0;
        for _ in 0..MAX_RACES {
            let now = self.host.now();
            let next = match complete(&stored, &claim.token, report, claim.max_attempts, now) {
                CompletionTransition::Write(next) => with_error(next, attempted),
                CompletionTransition::Mine => return Ok(stored),
                CompletionTransition::Fenced => {
                    let message = format!(
                        "{label}: another attempt took over; this one's outcome was not recorded"
                    );
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
            };
            match self.ledger.put(&*next, Expect::Rev(stored.rev)).await {
                Ok(Put::Done) => return Ok(*next),
                Ok(Put::Lost(Some(winner))) => stored = *winner,
                Ok(Put::Lost(None)) => {
                    return Err(permanent(format!("{label}: its record is gone")));
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

/// The result of a claim: the claimed record, or the outcome of an earlier attempt.
enum ClaimResult {
    Mine(Box<StepRecord>),
    Succeeded(Payload),
    /// The record of a step that failed without an effect.
    Failed(Box<StepRecord>),
}
