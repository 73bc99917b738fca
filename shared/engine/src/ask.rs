//! Ask: records the question of a state machine that waits, and ends it by a decision or an expiry.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    engine::{Engine, MAX_RACES, partition},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, too_many_races},
};
use holdfast_ledger::{
    Cause, ExecutionRecord, Expect, ExpiryTransition, Incident, Ledger, Link, Put, Question,
    QuestionState, QuestionTransition, Ruling, StepKey, StepRecord, enact, expire, put_question,
};
use holdfast_receipt::Decision;
use holdfast_task::{AskResult, AskTask, ErrorName, ExpireTask, QuestionKind};

/// Longest message of a question, in characters.
const MESSAGE_MAX: usize = 500;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records a question and opens its incident. If the question was decided under an earlier task
    /// token, returns that decision, so that the caller sends it to the new token.
    ///
    /// The question is written before its incident: the end of the execution finds the incident by
    /// the question, whatever dies in between (docs/protocol.md, rule 8).
    ///
    /// Errors: `Halted` (the execution has stopped), `Permanent` (the message is no text),
    /// `Transient`.
    pub async fn ask(&self, task: &AskTask) -> Result<Option<Ruling>, TaskError> {
        let at = partition(&task.execution);
        // Read before the record: an end that this call does not see is later.
        let now = self.host.now();
        let execution = self.ledger.read(&at).await?;
        let Some(execution) = execution.filter(|execution| execution.admits(task.execution.epoch))
        else {
            return Err(halted(&task.ask.step));
        };
        let record = self
            .ledger
            .read(&StepKey::new(&at, &task.ask.step, None))
            .await?;
        let message = message(task, record.as_ref())?;
        let entered: Timestamp = task.entered.parse().unwrap_or(now);
        let within =
            SignedDuration::from_secs(i64::try_from(task.ask.within_s).unwrap_or(i64::MAX / 1000));
        let question = Question {
            rev: 1,
            step: task.ask.step.clone(),
            kind: task.ask.kind,
            epoch: execution.epoch,
            execution_generation: execution.generation,
            incident: incident_id(task, &execution, &message),
            error: error(task).to_owned(),
            message,
            token: task.token.clone(),
            entered,
            retry: task.retry,
            until: entered.saturating_add(within).unwrap_or(Timestamp::MAX),
            attempts: record.map_or(0, |record| record.attempts.len() as u32),
            state: QuestionState::Open,
            earlier: Vec::new(),
            earlier_incidents: Vec::new(),
            approvers: task.ask.approvers.clone(),
            votes: Vec::new(),
            seats: Vec::new(),
            shown_sha256: String::new(),
            reminded: None,
            at,
        };
        let (question, ruling) = self.put_once(question).await?;
        if let Some(ruling) = ruling {
            enact(&self.ledger, &question, ruling.decision, now).await?;
            return Ok(Some(ruling));
        }
        self.show(&question, now).await?;
        Ok(None)
    }

    /// Writes a question unless it, or a later one, is recorded. Returns what is recorded, and the
    /// decision if a person decided under an earlier task token.
    async fn put_once(&self, question: Question) -> Result<(Question, Option<Ruling>), TaskError> {
        let mut stored: Option<Question> = None;
        for _ in 0..MAX_RACES {
            let next = match put_question(stored.as_ref(), &question) {
                QuestionTransition::Unchanged => return Ok((stored.unwrap_or(question), None)),
                QuestionTransition::Ruled(ruling) => {
                    return Ok((stored.unwrap_or(question), Some(ruling)));
                }
                QuestionTransition::Write(next) => next,
            };
            let expect = Expect::after(stored.as_ref());
            match self.ledger.put(&*next, expect).await? {
                Put::Done => return Ok((*next, None)),
                Put::Lost(winner) => stored = winner.map(|winner| *winner),
            }
        }
        Err(too_many_races(&question.step))
    }

    /// Opens the incident of a recorded question, which an execution waits for since `now`.
    ///
    /// Reads the execution record again. If the execution still waits, its end finds the question.
    /// If it has stopped, its end may not have seen the question, so the question is closed here.
    async fn show(&self, question: &Question, now: Timestamp) -> Result<(), TaskError> {
        let Some(execution) = self.ledger.read(&question.at).await? else {
            return Err(halted(&question.step));
        };
        if !execution.admits(question.epoch) {
            self.close_late(question, &execution).await?;
            return Err(halted(&question.step));
        }
        if question.state != QuestionState::Open {
            return Ok(());
        }
        let incident = Incident {
            opened_at: now,
            ..question.as_incident(&execution)
        };
        let link = Link::waiting(&incident.id, &execution, &question.message, now);
        self.report(&incident, &link).await
    }

    /// Ends a question after its time: by the decision if there is one, by expiry otherwise.
    ///
    /// Errors: `Retry`, `Declined`, `Expired`, `Conflict` (there is time left), `Permanent` (no
    /// such execution), `Transient`.
    pub async fn expire(&self, task: &ExpireTask) -> Result<AskResult, TaskError> {
        let at = partition(&task.execution);
        let step = task.expired.as_str();
        for _ in 0..MAX_RACES {
            let snapshot = self.read(&at).await?;
            let Some(question) = snapshot
                .questions
                .iter()
                .find(|question| question.step == step)
            else {
                // The question was never recorded, so that no decision can exist.
                return Err(expired(step));
            };
            let next = match expire(question, self.host.now()) {
                ExpiryTransition::Over => return Err(expired(step)),
                ExpiryTransition::Early(until) => {
                    let message = format!("{step}: a decision may come until {until}");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
                ExpiryTransition::Ruled(ruling) => {
                    enact(&self.ledger, question, ruling.decision, self.host.now()).await?;
                    return answer(step, &ruling);
                }
                ExpiryTransition::Write(next) => next,
            };
            let put = self.ledger.put(&*next, Expect::Rev(question.rev));
            if put.await? == Put::Done {
                return Err(expired(step));
            }
        }
        Err(too_many_races(step))
    }
}

fn expired(step: &str) -> TaskError {
    TaskError::new(
        ErrorName::Expired,
        format!("{step}: no person decided in time"),
    )
}

/// The answer that a decision sends to the state machine that waits at `step`.
pub fn answer(step: &str, ruling: &Ruling) -> Result<AskResult, TaskError> {
    let Ruling {
        decision,
        by,
        reason,
        at,
        ..
    } = ruling;
    let error = |name| {
        let message = format!("{step}: {by} decided {}: {reason}", decision.name());
        Err(TaskError::new(name, message))
    };
    match decision {
        Decision::Skip => Ok(AskResult {
            output: Value::Null,
        }),
        Decision::Approve => Ok(AskResult {
            output: json!({ "by": by, "at": at, "reason": reason }),
        }),
        Decision::Retry => error(ErrorName::Retry),
        Decision::Rollback | Decision::Reject => error(ErrorName::Declined),
    }
}

/// The text of a question, as people read it.
fn message(task: &AskTask, record: Option<&StepRecord>) -> Result<String, TaskError> {
    let step = &task.ask.step;
    let text = match (task.ask.kind, &task.message) {
        (QuestionKind::Approval, Value::String(text)) => text.clone(),
        (QuestionKind::Approval, _) => {
            let message = format!("{step}: message must yield a text");
            return Err(TaskError::new(ErrorName::Permanent, message));
        }
        (QuestionKind::Escalation, _) => {
            let error = task.failure.as_ref().map_or("", |failure| &failure.error);
            let last = record.and_then(StepRecord::last_error).unwrap_or(error);
            format!("{step} failed: {last}")
        }
    };
    Ok(text.chars().take(MESSAGE_MAX).collect())
}

/// The error's name in the incident of a question.
fn error(task: &AskTask) -> &str {
    match (task.ask.kind, &task.failure) {
        (QuestionKind::Approval, _) => "Approval",
        (QuestionKind::Escalation, Some(failure)) => &failure.error,
        (QuestionKind::Escalation, None) => "",
    }
}

/// The id of the incident of a question. The text of an approval differs from execution to
/// execution, and so does its incident.
fn incident_id(task: &AskTask, execution: &ExecutionRecord, message: &str) -> String {
    let approval = task.ask.kind == QuestionKind::Approval;
    let cause = Cause {
        tenant: &execution.at.tenant,
        workflow: &execution.workflow,
        state: &task.ask.step,
        error: error(task),
        reason: if approval { "" } else { message },
        standing: false,
        execution: approval.then_some(&execution.at.execution),
    };
    cause.id()
}

fn halted(step: &str) -> TaskError {
    let message = format!("{step}: the execution is no longer running");
    TaskError::new(ErrorName::Halted, message)
}
