//! Ask: records the question of a state machine that waits, and ends it by a decision or an expiry.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    engine::{Engine, MAX_RACES, partition},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, too_many_races},
};
use holdfast_ids::digest::{CanonicalError, value_sha256_hex};
use holdfast_ledger::{
    AskingExecution, Cause, ExecutionRecord, Expect, ExpiryTransition, Incident, Ledger, Link, Put,
    Question, QuestionState, QuestionTransition, Ruling, StepKey, StepRecord, enact, expire,
    put_question, shown,
};
use holdfast_receipt::Decision;
use holdfast_task::{AskResult, AskTask, ErrorName, ExpireTask, QuestionKind};

/// Longest message of a question, in characters.
const MESSAGE_MAX: usize = 500;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records a question and opens its incident. If the question was decided under an earlier task
    /// token, returns that answer, so that the caller sends it to the new token. A step that its
    /// rule skips is recorded and answered at once.
    ///
    /// The question is written before its incident: the end of the execution finds the incident by
    /// the question, whatever dies in between (docs/protocol.md, rule 8).
    ///
    /// Errors: `Halted` (the execution has stopped), `Permanent` (the message is no text),
    /// `Transient`.
    pub async fn ask(&self, task: &AskTask) -> Result<Option<QuestionAnswer>, TaskError> {
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
        let message = match task.when {
            true => message(task, record.as_ref())?,
            false => String::new(),
        };
        let entered: Timestamp = task.entered.parse().unwrap_or(now);
        let within =
            SignedDuration::from_secs(i64::try_from(task.ask.within_s).unwrap_or(i64::MAX / 1000));
        let mut question = Question {
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
            state: match task.when {
                true => QuestionState::Open,
                false => QuestionState::Skipped {
                    at: now,
                    rule: task.ask.when.clone().unwrap_or_default(),
                },
            },
            earlier: Vec::new(),
            earlier_incidents: Vec::new(),
            asked_by: Some(AskingExecution::of(&execution)),
            approvers: task.ask.approvers.clone(),
            votes: Vec::new(),
            seats: Vec::new(),
            shown_sha256: String::new(),
            reminded: None,
            at,
        };
        if task.when {
            question.shown_sha256 = shown_sha256(&question, &execution)?;
        }
        let (question, ruling) = self.put_once(question).await?;
        if let Some(ruling) = ruling {
            enact(&self.ledger, &question, ruling.decision, now).await?;
            return Ok(Some(answer(&question, &ruling)));
        }
        if let QuestionState::Skipped { .. } = question.state {
            return Ok(Some(Ok(skipped())));
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
                QuestionTransition::Unchanged | QuestionTransition::Skipped => {
                    return Ok((stored.unwrap_or(question), None));
                }
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
        let is_new = self.report(&incident, &link).await?;
        self.open_unseen(question, &link, is_new).await
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
                .find(|question| question.step == step && question.epoch == task.execution.epoch)
            else {
                // The question was never recorded, so that no decision can exist. One of an earlier
                // generation was put about other values.
                return Err(expired(step));
            };
            let next = match expire(question, self.host.now()) {
                ExpiryTransition::Over => return Err(expired(step)),
                ExpiryTransition::Skipped => return Ok(skipped()),
                ExpiryTransition::Early(until) => {
                    let message = format!("{step}: a decision may come until {until}");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
                ExpiryTransition::Ruled(ruling) => {
                    enact(&self.ledger, question, ruling.decision, self.host.now()).await?;
                    return answer(question, &ruling);
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

/// The answer to a state machine that waits for a decision.
pub type QuestionAnswer = Result<AskResult, TaskError>;

/// The answer for a step that its rule or a person skips.
fn skipped() -> AskResult {
    AskResult {
        output: Value::Null,
    }
}

/// The digest of what people are shown of a question, which each vote on an approval repeats. It
/// covers the texts and the deadline, so that a decision on an earlier question does not count for
/// a later one.
fn shown_sha256(question: &Question, execution: &ExecutionRecord) -> Result<String, TaskError> {
    let permanent = |error: CanonicalError| {
        let message = format!("{}: {error}", question.step);
        TaskError::new(ErrorName::Permanent, message)
    };
    value_sha256_hex(&shown(question, execution)).map_err(permanent)
}

/// The answer that a decision sends to the state machine that waits at the question's step.
pub fn answer(question: &Question, ruling: &Ruling) -> QuestionAnswer {
    let step = &question.step;
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
        Decision::Skip => Ok(skipped()),
        Decision::Approve => Ok(AskResult {
            output: json!({ "by": by, "at": at, "reason": reason, "votes": question.votes }),
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
