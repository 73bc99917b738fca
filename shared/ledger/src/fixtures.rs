//! Plausible records for tests, which each test adapts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Attempt, Claim, ExecutionRecord, Phase, Question, QuestionState, StepRecord, StepState,
};
use holdfast_ids::{
    digest::value_sha256_hex,
    keys::{ExecutionKey, effect_key, execution_id},
    trace::TraceId,
};
use holdfast_receipt::{AttemptOutcome, GuardrailOutcome};
use holdfast_task::{Choices, UndoPolicy, payload::Payload};
use holdfast_task::{QuestionKind, StepRef};

/// `s` seconds after the hour at which every test begins.
pub fn at(s: i64) -> Timestamp {
    Timestamp::constant(1_759_150_800 + s, 0)
}

/// The execution of a start with this idempotency key.
pub fn key(idempotency_key: &str) -> ExecutionKey {
    ExecutionKey {
        tenant: "acme".to_owned(),
        execution: execution_id("acme", "WF-HOLD", idempotency_key),
    }
}

/// A small payload.
pub fn inline(value: Value) -> Payload {
    let sha256 = value_sha256_hex(&value).unwrap_or_default();
    Payload::Inline { value, sha256 }
}

/// A running execution.
pub fn execution(of: &ExecutionKey) -> ExecutionRecord {
    ExecutionRecord {
        rev: 1,
        at: of.clone(),
        workflow: "WF-HOLD".to_owned(),
        version: 1,
        definition_digest: "sha256:0".to_owned(),
        idempotency_key: "k-1".to_owned(),
        input: inline(json!({"vendor_id": "v-1"})),
        trigger: "api".to_owned(),
        requested_by: None,
        trace: TraceId::of_execution(&of.execution),
        origin: None,
        owner: "arn:owner".to_owned(),
        machine: "arn:machine".to_owned(),
        epoch: 1,
        generation: 0,
        started_at: at(0),
        deadline: at(900),
        guardrails: vec![GuardrailOutcome {
            name: "input".to_owned(),
            held: true,
            message: None,
        }],
        policy_digest: None,
        approval: None,
        subject: None,
        shown: Vec::new(),
        reservations: Vec::new(),
        unwound_at: None,
        phase: Phase::Running,
        output: None,
        choices: Choices::new(),
        stopped: None,
        receipt: None,
        previous: None,
        redriven: None,
        incidents: Vec::new(),
        past: Vec::new(),
    }
}

/// A step's record in `state` after `attempts`, with a `rev` no other part of the record has.
pub fn step(of: &ExecutionKey, state: StepState, attempts: Vec<Attempt>) -> StepRecord {
    StepRecord {
        rev: 7,
        at: of.clone(),
        step: "hold".to_owned(),
        item: None,
        item_hashed: false,
        items: None,
        number: 1,
        action: "vendor-hold".to_owned(),
        key: effect_key(of, "hold", None, 0),
        effect_generation: 0,
        epoch: 1,
        execution_generation: 0,
        input: inline(json!({"vendor_id": "v-1"})),
        undo: Some(UndoPolicy {
            timeout_s: 30,
            max_attempts: 5,
            fences: true,
            missing_is_undone: false,
        }),
        undo_input: None,
        idempotent: true,
        reads: false,
        optional: false,
        continues_on: Vec::new(),
        output: (state == StepState::Succeeded).then(|| inline(json!({"hold": "h-1"}))),
        state,
        tainted: false,
        attempts,
        forgiven: 0,
        undo_attempts: Vec::new(),
        undo_forgiven: 0,
        earlier: Vec::new(),
        retired: Vec::new(),
        earlier_attempts: 0,
        earlier_undo_attempts: 0,
        closed: None,
    }
}

/// An attempt that began with the test and has this outcome.
pub fn attempt(token: &str, outcome: Option<AttemptOutcome>) -> Attempt {
    Attempt {
        token: token.to_owned(),
        started_at: at(0),
        ended_at: outcome.map(|_| at(1)),
        outcome,
        error: outcome.map(|outcome| format!("{outcome:?}")),
        code: None,
        answer: None,
    }
}

/// The state of a step at which the attempt with `token` works until then.
pub fn running(token: &str, until_s: i64) -> StepState {
    StepState::Running {
        token: token.to_owned(),
        lease_until: at(until_s),
    }
}

/// A claim by the attempt with `token`, of 35 seconds, made at `now_s`; three attempts in all.
pub fn claim_by(of: &ExecutionKey, token: &str, now_s: i64) -> Claim {
    let mut first = step(of, running(token, now_s + 35), vec![attempt(token, None)]);
    first.rev = 1;
    first.attempts[0].started_at = at(now_s);
    Claim {
        token: token.to_owned(),
        lease: SignedDuration::from_secs(35),
        max_attempts: 3,
        first,
    }
}

/// A failed step that is put to a person, due in a minute.
pub fn question(of: &ExecutionKey) -> Question {
    Question {
        rev: 1,
        at: of.clone(),
        step: "hold".to_owned(),
        kind: QuestionKind::Escalation,
        epoch: 1,
        execution_generation: 0,
        message: "hold failed: it is locked".to_owned(),
        incident: "i-1".to_owned(),
        token: "task-1".to_owned(),
        entered: at(0),
        retry: 0,
        until: at(60),
        attempts: 1,
        state: QuestionState::Open,
        earlier: Vec::new(),
        error: "Permanent".to_owned(),
        earlier_incidents: Vec::new(),
        asked_by: None,
        approvers: None,
        votes: Vec::new(),
        seats: Vec::new(),
        shown_sha256: String::new(),
        reminded: None,
    }
}

/// A step as a workflow declares it.
pub fn declared(name: &str) -> StepRef {
    StepRef {
        name: name.to_owned(),
        action: "vendor-hold".to_owned(),
        for_each: None,
        last: false,
        approvals: Vec::new(),
        output: false,
        branches: Vec::new(),
    }
}
