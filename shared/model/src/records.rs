//! The initial records, as small as the rules allow.

use holdfast_ids::{
    keys::{ExecutionKey, effect_key},
    trace::TraceId,
};
use holdfast_ledger::{Attempt, Claim, ExecutionRecord, Phase, StepRecord, StepState};
use holdfast_task::{Choices, Failure, UndoPolicy, payload::Payload, timing::lease_s};
use jiff::{SignedDuration, Timestamp};

use crate::world::{Change, Setting};

/// The maximum number of attempts at a step, and at an undo.
pub(crate) const MAX_ATTEMPTS: u32 = 2;
const TIMEOUT_S: u64 = 30;

pub(crate) fn at(s: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_759_150_800 + s)
}

fn execution_key() -> ExecutionKey {
    ExecutionKey {
        tenant: "acme".to_owned(),
        execution: "e".to_owned(),
    }
}

pub(crate) fn payload() -> Payload {
    Payload::Inline {
        value: true.into(),
        sha256: String::new(),
    }
}

/// The step's name.
pub(crate) const STEP: &str = "hold";

/// The action of the step.
pub(crate) fn action(change: Change) -> String {
    match change {
        Change::Nothing | Change::Input => "hold".to_owned(),
        Change::Action => "another".to_owned(),
    }
}

/// The input of the step.
pub(crate) fn input(change: Change) -> Payload {
    let another = change == Change::Input;
    Payload::Inline {
        value: another.into(),
        sha256: another.to_string(),
    }
}

pub(crate) fn begun() -> ExecutionRecord {
    ExecutionRecord {
        rev: 1,
        at: execution_key(),
        workflow: String::new(),
        version: 1,
        definition_digest: String::new(),
        idempotency_key: String::new(),
        input: payload(),
        trigger: String::new(),
        requested_by: None,
        trace: TraceId::of_execution(&execution_key().execution),
        origin: None,
        owner: OWNERS[0].to_owned(),
        machine: String::new(),
        epoch: 1,
        generation: 0,
        started_at: at(0),
        deadline: at(900),
        guardrails: Vec::new(),
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

/// The owners: the execution's own Step Functions execution, the recovery, the owner that a redrive
/// or a later rollback names, and the second run of an Express start, which is the first owner.
pub(crate) const OWNERS: [&str; 4] = ["machine", "recovery", "next", "machine"];
/// The place of the recovery among the owners.
pub(crate) const RECOVERY: usize = 1;
/// The place of the owner that a request names.
pub(crate) const REQUESTED: usize = 2;
/// The place of the second run of an Express start among the owners.
pub(crate) const SECOND_RUN: usize = 3;

pub(crate) fn failure(by: usize) -> Failure {
    Failure {
        state: OWNERS[by].to_owned(),
        error: String::new(),
        cause: String::new(),
        by: None,
    }
}

/// The claim of the attempt with this token, as the engine prepares it.
pub(crate) fn claim(setting: &Setting, token: &str, now: Timestamp) -> Claim {
    let lease = SignedDuration::from_secs(lease_s(TIMEOUT_S) as i64);
    let undo = UndoPolicy {
        timeout_s: TIMEOUT_S,
        max_attempts: MAX_ATTEMPTS,
        fences: setting.fences,
        missing_is_undone: false,
    };
    Claim {
        token: token.to_owned(),
        lease,
        max_attempts: MAX_ATTEMPTS,
        first: StepRecord {
            rev: 1,
            at: execution_key(),
            step: STEP.to_owned(),
            item: None,
            item_hashed: false,
            items: None,
            number: 1,
            action: action(Change::Nothing),
            key: effect_key(&execution_key(), STEP, None, 0),
            effect_generation: 0,
            epoch: 1,
            execution_generation: 0,
            input: input(Change::Nothing),
            undo: setting.reversible.then_some(undo),
            undo_input: None,
            idempotent: setting.idempotent,
            reads: false,
            optional: false,
            continues_on: Vec::new(),
            state: StepState::Running {
                token: token.to_owned(),
                lease_until: now + lease,
            },
            output: None,
            tainted: false,
            attempts: vec![Attempt::begun(token, now)],
            forgiven: 0,
            undo_attempts: Vec::new(),
            undo_forgiven: 0,
            earlier: Vec::new(),
            retired: Vec::new(),
            earlier_attempts: 0,
            earlier_undo_attempts: 0,
            closed: None,
        },
    }
}
