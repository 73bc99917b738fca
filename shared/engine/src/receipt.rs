//! The receipt of an ended execution, as a pure function of its snapshot.

use jiff::Timestamp;

use holdfast_ids::keys::undo_key;
use holdfast_ledger::{
    Attempt, ExecutionOutput, Phase, Question, QuestionState, Residue, Ruling, Snapshot,
    StepRecord, StepState, unwound_since,
};
use holdfast_receipt::{
    ApprovalOutcome, Decision, EarlierGeneration, FORMAT, GuardrailOutcome, PreviousReceipt,
    Receipt, ReceiptApproval, ReceiptAttempt, ReceiptDecision, ReceiptFailure, ReceiptRedrive,
    ReceiptStep, ReceiptUndo, Residual, ShownField, Status, StepStatus,
};
use holdfast_task::{ErrorName, Failure, QuestionKind, StepRef};

/// Builds the receipt of an ended execution, without the deployment, which no record has.
/// `declared` has every step of its definition; `incident` is the id of the incident that it is
/// linked to.
pub fn receipt_of(
    snapshot: &Snapshot,
    declared: &[StepRef],
    incident: Option<String>,
) -> Result<Receipt, String> {
    let execution = &snapshot.execution;
    let Phase::Ended {
        status,
        at,
        failure,
    } = &execution.phase
    else {
        return Err("the execution has not ended".to_owned());
    };
    let executed = *status == Status::Executed;
    let unreached = match executed {
        true => StepStatus::Skipped,
        false => StepStatus::NotRun,
    };
    let mut steps = Vec::new();
    for step in declared {
        let of_step = |record: &&StepRecord| record.step == step.name && record.was_claimed();
        let mut records = snapshot.steps.iter().filter(of_step).peekable();
        if records.peek().is_none() {
            steps.push(unreached_step(step, unreached));
        }
        steps.extend(records.map(step_of));
    }
    // A step of an earlier definition is listed too, although the definition of the redrive lacks
    // it.
    let unknown = |record: &&StepRecord| {
        record.was_claimed() && declared.iter().all(|step| step.name != record.step)
    };
    steps.extend(snapshot.steps.iter().filter(unknown).map(step_of));
    let earlier = execution.past.iter().map(|past| EarlierGeneration {
        generation: past.generation,
        status: past.status,
        ended_at: text(past.at),
    });
    Ok(Receipt {
        format: FORMAT.to_owned(),
        deployment: None,
        workflow_id: execution.workflow.clone(),
        workflow_version: execution.version,
        definition_digest: execution.definition_digest.clone(),
        execution_id: execution.at.execution.clone(),
        tenant: execution.at.tenant.clone(),
        status: *status,
        steps,
        timestamp: at.to_string(),
        started_at: execution.started_at.to_string(),
        duration_ms: at.duration_since(execution.started_at).as_millis() as i64,
        subject: execution.subject.clone(),
        shown: ShownField::all(&execution.shown),
        generation: execution.generation,
        redriven: execution.redrive().map(|redrive| ReceiptRedrive {
            by: redrive.by.clone(),
            reason: redrive.reason.clone(),
            at: redrive.at.to_string(),
        }),
        trigger: execution.trigger.clone(),
        requested_by: execution.requested_by.clone(),
        idempotency_key: execution.idempotency_key.clone(),
        input_sha256: execution.fingerprint().to_owned(),
        output_sha256: match &execution.output {
            Some(ExecutionOutput::Value(output)) => Some(output.sha256().to_owned()),
            _ => None,
        },
        output_missing: match &execution.output {
            Some(ExecutionOutput::Missing(why)) => Some(why.clone()),
            _ => None,
        },
        guardrails: execution.guardrails.clone(),
        policy_digest: execution.policy_digest.clone(),
        approval: execution.approval.clone(),
        duplicates_prevented: snapshot.duplicates,
        failure: failure.as_ref().map(|failure| ReceiptFailure {
            state: failure.state.clone(),
            error: failure.error.clone(),
            reason: failure_reason(snapshot, failure),
            requested_by: failure.by.clone(),
            requested_at: failure.by.as_ref().map(|_| text(unwound_since(execution))),
        }),
        earlier: earlier.collect(),
        previous_receipt: execution.previous.as_ref().map(|previous| PreviousReceipt {
            object: previous.object.clone(),
            sha256: previous.sha256.clone(),
        }),
        choices: execution.choices.clone(),
        stopped: execution.stopped.clone(),
        decisions: decisions(snapshot),
        approvals: approvals(&snapshot.questions),
        residual_effects: residuals(&snapshot.steps, executed),
        incident,
        certificate: None,
        signature: None,
    })
}

fn step_of(record: &StepRecord) -> ReceiptStep {
    let undo = record.undo_attempts.first().map(|first| ReceiptUndo {
        attempts: record.undo_attempts.len() as u32,
        history: history(&record.undo_attempts),
        started_at: text(first.started_at),
        ended_at: record
            .undo_attempts
            .last()
            .and_then(|last| last.ended_at)
            .map(|at| at.to_string()),
        idempotency_key: undo_key(&record.key),
        last_error: record.last_undo_error().map(str::to_owned),
    });
    ReceiptStep {
        name: record.step.clone(),
        item: record.item.clone(),
        action: record.action.clone(),
        // Without an attempt: a pause kept every attempt from acting.
        status: match record.attempts.is_empty() {
            true => StepStatus::NotRun,
            false => status_of(&record.state),
        },
        attempts: record.attempts.len() as u32,
        history: history(&record.attempts),
        started_at: record.started_at().map(text),
        ended_at: record.ended_at().map(text),
        idempotency_key: Some(record.key.clone()),
        input_sha256: Some(record.input.sha256().to_owned()),
        output_sha256: record
            .output
            .as_ref()
            .map(|output| output.sha256().to_owned()),
        last_error: record.last_error().map(str::to_owned),
        continued_on: record.continued_on().map(str::to_owned),
        undo,
    }
}

fn unreached_step(step: &StepRef, status: StepStatus) -> ReceiptStep {
    ReceiptStep {
        name: step.name.clone(),
        item: None,
        action: step.action.clone(),
        status,
        attempts: 0,
        history: Vec::new(),
        started_at: None,
        ended_at: None,
        idempotency_key: None,
        input_sha256: None,
        output_sha256: None,
        last_error: None,
        continued_on: None,
        undo: None,
    }
}

/// The status of a step after the end, when no attempt is at work.
fn status_of(state: &StepState) -> StepStatus {
    match state {
        StepState::Succeeded => StepStatus::Success,
        StepState::FailedClean | StepState::Waiting { .. } => StepStatus::Failed,
        StepState::Running { .. }
        | StepState::Unknown
        | StepState::Undoing { .. }
        | StepState::UndoWaiting { .. } => StepStatus::Unknown,
        StepState::Undone => StepStatus::Undone,
        StepState::UndoFailed => StepStatus::UndoFailed,
    }
}

fn history(attempts: &[Attempt]) -> Vec<ReceiptAttempt> {
    let history = attempts.iter().map(|attempt| ReceiptAttempt {
        started_at: text(attempt.started_at),
        ended_at: attempt.ended_at.map(text),
        outcome: attempt.outcome,
        error: attempt.error.clone(),
    });
    history.collect()
}

fn text(at: Timestamp) -> String {
    at.to_string()
}

/// The reason of a failure: a person's own words, or the errors in the records. The state machine's
/// cause is the last resort, since it can be that of a branch, or lost.
pub fn failure_reason(snapshot: &Snapshot, failure: &Failure) -> String {
    if failure.by.is_some() {
        return failure.cause.clone();
    }
    let generation = snapshot.execution.generation;
    // The state machine continued after the failure of such a step, so that another one is the
    // cause.
    let continued = |step: &StepRecord| {
        let clean = step.state == StepState::FailedClean;
        let skips = |question: &Question| question.skips(step, generation);
        step.step != failure.state
            && (step.continued_on().is_some()
                || step.optional && clean
                || snapshot.questions.iter().any(skips))
    };
    let failed = |step: &&StepRecord| {
        step.execution_generation == generation
            && step.output.is_none()
            && step.last_error().is_some()
            && !continued(step)
    };
    let violated = |outcome: &&GuardrailOutcome| !outcome.held;
    let steps = snapshot.steps.iter().filter(failed).map(|step| {
        let error = step.last_error().unwrap_or_default();
        format!("{}: {error}", step.label())
    });
    let guardrails = snapshot.execution.guardrails.iter().filter(violated);
    let reasons: Vec<_> = steps
        .chain(guardrails.map(|outcome| {
            let message = outcome.message.as_deref();
            format!("{}: {}", outcome.name, message.unwrap_or("it did not hold"))
        }))
        .collect();
    if reasons.is_empty() {
        caught(failure)
    } else {
        reasons.join("; ")
    }
}

/// The reason of a failure that no record explains. A cause is quoted only if a function of ours
/// wrote it, since any other may quote payloads.
fn caught(failure: &Failure) -> String {
    let Failure { state, error, .. } = failure;
    let name = error.parse::<ErrorName>().ok();
    match (error.as_str(), name, failure.message()) {
        (_, _, Some(message)) => message,
        ("States.QueryEvaluationError", ..) => {
            format!("an expression of {state} failed, or yielded nothing, on this input")
        }
        ("States.Timeout", ..) if state.is_empty() => {
            "it took longer than limits.timeout".to_owned()
        }
        (_, Some(ErrorName::Aborted), _) => "its machine was stopped from outside".to_owned(),
        (_, Some(ErrorName::Lost), _) => {
            "its Step Functions execution ended without an error".to_owned()
        }
        _ => format!("the machine caught {error}"),
    }
}

fn decisions(snapshot: &Snapshot) -> Vec<ReceiptDecision> {
    let rulings = snapshot.questions.iter().flat_map(|question| {
        let all = question.earlier.iter().chain(question.ruling());
        all.map(|ruling| (question.step.as_str(), ruling))
    });
    let mut rulings: Vec<(&str, &Ruling)> = rulings.collect();
    rulings.sort_by_key(|(_, ruling)| ruling.at);
    let decision = |(step, ruling): (&str, &Ruling)| ReceiptDecision {
        step: step.to_owned(),
        decision: ruling.decision,
        by: ruling.by.clone(),
        reason: ruling.reason.clone(),
        at: ruling.at.to_string(),
    };
    rulings.into_iter().map(decision).collect()
}

/// The approvals that the execution reached, with every vote.
fn approvals(questions: &[Question]) -> Vec<ReceiptApproval> {
    let approvals = questions
        .iter()
        .filter(|question| question.kind == QuestionKind::Approval);
    let approval = |question: &Question| {
        let (outcome, rule) = match &question.state {
            QuestionState::Skipped { rule, .. } => (ApprovalOutcome::Skipped, Some(rule.clone())),
            QuestionState::Ruled { ruling, .. } if ruling.decision == Decision::Approve => {
                (ApprovalOutcome::Approved, None)
            }
            QuestionState::Ruled { .. } => (ApprovalOutcome::Rejected, None),
            QuestionState::Open | QuestionState::Expired { .. } => {
                (ApprovalOutcome::Undecided, None)
            }
        };
        let approvers = question.approvers.as_ref();
        ReceiptApproval {
            step: question.step.clone(),
            generation: question.execution_generation,
            outcome,
            rule,
            by: approvers.map_or_else(Vec::new, |approvers| approvers.by.clone()),
            count: approvers.map_or(1, |approvers| approvers.count),
            distinct_groups: approvers.is_some_and(|approvers| approvers.distinct_groups),
            votes: question.votes.clone(),
        }
    };
    approvals.map(approval).collect()
}

/// The residual effects; of an executed execution only those of steps that did not succeed, or that
/// may have an effect beside the one that succeeded.
pub fn residuals(steps: &[StepRecord], executed: bool) -> Vec<Residual> {
    let mut residuals = Vec::new();
    for step in steps {
        for earlier in &step.earlier {
            residuals.push(Residual {
                step: step.label(),
                action: earlier.action.clone(),
                idempotency_key: earlier.key.clone(),
                certain: false,
            });
        }
        let certain = match step.residue_of_key() {
            _ if executed && step.state == StepState::Succeeded => {
                step.may_exist_twice().then_some(false)
            }
            Residue::None => None,
            Residue::Possible => Some(false),
            Residue::Certain => Some(true),
        };
        residuals.extend(certain.map(|certain| Residual {
            step: step.label(),
            action: step.action.clone(),
            idempotency_key: step.key.clone(),
            certain,
        }));
    }
    residuals
}
