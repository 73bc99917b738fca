//! The contract's checks of content: a record of every shape is read as it was written.

use serde_json::{Value, json};

use super::compare::{put, same, text};
use crate::{
    AskingExecution, Attempt, Cause, CounterKind, Expect, IncidentAction, IncidentKey,
    IncidentStatus, Ledger, Link, Phase, Put, QuestionState, RecordedAnswer, Reminders,
    Reservation, Ruling, Seat, Snapshot, StepState,
    fixtures::{at, attempt, claim_by, execution, inline, question, running, step},
};
use holdfast_action::TargetAnswer;
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::{
    Approval, ApprovalSignature, AttemptOutcome, Decision, EarlyStop, ReceiptRef, Status, Vote,
};
use holdfast_task::{
    Approvers, Failure,
    payload::{Payload, StoredPayload},
};

pub(super) async fn every_shape_of_an_executions_record_comes_back_as_it_was<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let failure = Failure {
        state: "höld".to_owned(),
        error: "Permanent".to_owned(),
        cause: String::new(),
        by: Some("Zoë".to_owned()),
    };
    let ended = |status, failure| Phase::Ended {
        status,
        at: at(60),
        failure,
    };
    let phases = [
        Phase::Running,
        Phase::Rejected,
        Phase::Unwinding {
            failure: failure.clone(),
        },
        ended(Status::Executed, None),
        ended(Status::RolledBack, Some(failure.clone())),
        ended(Status::PartiallyRolledBack, Some(failure.clone())),
        ended(Status::Failed, Some(failure.clone())),
        ended(Status::Rejected, Some(failure)),
    ];
    let mut record = execution(of);
    put(ledger, &record, Expect::Absent, Put::Done).await?;
    for phase in phases {
        let before = record.rev;
        record.rev += 1;
        record.phase = phase;
        record.epoch = u64::from(u32::MAX) + before;
        record.receipt = (before > 3).then(|| ReceiptRef {
            object: "receipts/acme/ü.json".to_owned(),
            sha256: String::new(),
        });
        record.previous = record.receipt.clone().filter(|_| before > 5);
        record.policy_digest = (before > 1).then(|| "sha256:0".to_owned());
        record.reservations = vec![
            Reservation {
                kind: CounterKind::Budget,
                name: "held_amount".to_owned(),
                period: "2026-W01".to_owned(),
                amount: i64::MAX >> 12,
            };
            before as usize % 3
        ];
        record.approval = (before > 2).then(|| Approval {
            approved_by: "Zoë".to_owned(),
            approved_at: at(-5),
            expires_at: at(5),
            input_sha256: "0".repeat(64),
            reference: "C-1".to_owned(),
            signature: (before > 3).then(|| ApprovalSignature {
                kid: "clé".to_owned(),
                verified: before > 4,
                jws: "a.b.c".to_owned(),
            }),
        });
        if before > 2 {
            record.choices = [("rôute".to_owned(), "otherwise".to_owned())].into();
            record.stopped = Some(early_stop());
        }
        record.subject = (before > 1).then(|| "ordër 4711".to_owned());
        record.shown = vec![("amount".to_owned(), "1250.50".to_owned()); before as usize % 3];
        record.guardrails[0].held = before.is_multiple_of(2);
        record.guardrails[0].message = (before > 2).then(|| "naïve 🚧".to_owned());
        put(ledger, &record, Expect::Rev(before), Put::Done).await?;
        let read = ledger.read(of).await.map_err(text)?;
        same("read", &read, &Some(record.clone()))?;
        let read = ledger.phase_and_controls(of, "WF-HOLD").await;
        let (phase, _) = read.map_err(text)?;
        same("epoch and phase", &phase, &Some(record.epoch_and_phase()))?;
        let lost = Put::Lost(Some(Box::new(record.clone())));
        put(ledger, &execution(of), Expect::Absent, lost).await?;
    }
    record.guardrails.clear();
    record.rev += 1;
    put(ledger, &record, Expect::Rev(record.rev - 1), Put::Done).await?;
    let found = ledger.snapshot(of).await.map_err(text)?;
    let right = Snapshot::new(record, vec![], 0);
    same("snapshot", &found, &Some(right))
}

fn early_stop() -> EarlyStop {
    EarlyStop {
        step: "enough".to_owned(),
        reason: "naïve 🚧".to_owned(),
    }
}

pub(super) async fn every_shape_of_a_steps_record_comes_back_as_it_was<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    let stored = Payload::Stored(StoredPayload {
        key: "payloads/acme/x/y.json".to_owned(),
        sha256: "0".repeat(64),
        bytes: usize::MAX >> 12,
    });
    let states = [
        running("tökén", 35),
        StepState::Waiting { until: at(-1) },
        StepState::Unknown,
        StepState::Succeeded,
        StepState::FailedClean,
        StepState::Undoing {
            token: "ü".to_owned(),
            lease_until: at(35),
        },
        StepState::UndoWaiting { until: at(36) },
        StepState::Undone,
        StepState::UndoFailed,
    ];
    use AttemptOutcome::{Halted, Lost, Permanent, Succeeded, Transient, Unknown};
    let outcomes = [Succeeded, Transient, Permanent, Unknown, Lost, Halted];
    let attempts: Vec<Attempt> = outcomes
        .map(|outcome| attempt("a", Some(outcome)))
        .into_iter()
        .chain([attempt("", None)])
        .collect();
    let mut right = Vec::new();
    for (n, state) in states.into_iter().enumerate() {
        let mut record = step(of, state, attempts[..=n.min(6)].to_vec());
        record.step = format!("step_{n}");
        record.number = n as u32;
        record.tainted = n % 2 == 0;
        record.idempotent = n % 2 == 1;
        record.undo = record.undo.filter(|_| n > 2);
        record.undo_input = (n > 3).then(|| stored.clone());
        record.output = [None, Some(stored.clone()), Some(inline(Value::Null))][n % 3].clone();
        record.forgiven = n as u32 % 2;
        record.undo_attempts = attempts[..n.min(4)].to_vec();
        record.undo_forgiven = n as u32 % 3;
        record.execution_generation = n as u32;
        record.attempts[0].error = Some("\"quoted\"\n\u{1F9E8}\u{0}".to_owned());
        record.attempts[0].answer = (n > 1).then(|| {
            let body = "{\"detail\":\n\"naïve\"}".to_owned();
            let path = "/höld".to_owned();
            Box::new(RecordedAnswer::from(&TargetAnswer { path, body }))
        });
        put(ledger, &record, Expect::Absent, Put::Done).await?;
        let lost = Put::Lost(Some(Box::new(record.clone())));
        put(ledger, &record, Expect::Absent, lost).await?;
        right.push(record);
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    same(
        "snapshot",
        &found,
        &Some(Snapshot::new(execution(of), right, 0)),
    )
}

pub(super) async fn every_json_value_comes_back_as_it_was<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let values = [
        json!(null),
        json!(""),
        json!({}),
        json!([]),
        json!({"": null, "a": {"b": [null, [], {}, ""]}}),
        json!([true, false, 0, -0.0, -1, 0.1, 1.5e-9, 1e300, -1e300, 5e-324]),
        json!([
            0.1 + 0.2,
            1.0 / 3.0,
            123_456_789.123_456_78,
            f64::MIN_POSITIVE
        ]),
        json!([9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64]),
        json!("ünï \u{1F512} \u{0} \u{7f} \\ \" \u{2028} \u{FFFD}"),
        json!({"z": 1, "a": 2, "ключ": "значение"}),
        json!("{\"not\": \"an object\"}"),
    ];
    for (n, value) in values.into_iter().enumerate() {
        let mut record = claim_by(of, "a", 0).first;
        record.step = format!("step_{n}");
        record.input = inline(value.clone());
        record.undo_input = Some(inline(json!({ "nested": value })));
        put(ledger, &record, Expect::Absent, Put::Done).await?;
        let lost = Put::Lost(Some(Box::new(record.clone())));
        put(ledger, &record, Expect::Absent, lost).await?;
    }
    Ok(())
}

pub(super) async fn every_shape_of_a_question_comes_back_as_it_was<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    let ruling = |decision| Ruling {
        decision,
        by: "b\u{f6}b".to_owned(),
        reason: "\"so\"".to_owned(),
        at: at(9),
        incident: Some("i-0".to_owned()),
    };
    let ruled = |delivered| QuestionState::Ruled {
        ruling: ruling(Decision::Skip),
        delivered,
    };
    let expired = QuestionState::Expired {
        at: at(60),
        closed: false,
    };
    let skipped = QuestionState::Skipped {
        at: at(60),
        rule: "$input.amount > 50000".to_owned(),
    };
    let states = [
        QuestionState::Open,
        ruled(false),
        ruled(true),
        expired,
        skipped,
    ];
    let mut right = Vec::new();
    for (n, state) in states.into_iter().enumerate() {
        let mut entry = question(of);
        entry.step = format!("step_{n}");
        entry.state = state;
        entry.earlier = vec![ruling(Decision::Retry); n];
        entry.earlier_incidents = vec!["i-0".to_owned(); n];
        entry.asked_by = (n > 0).then(|| AskingExecution::of(&execution(of)));
        entry.approvers = Some(approvers());
        entry.votes = vec![vote(); n];
        entry.seats = vec![vec![seat()]; n];
        entry.shown_sha256 = "5".repeat(64);
        let last = at(9);
        entry.reminded = Some(Reminders { n: 1, last });
        put(ledger, &entry, Expect::Absent, Put::Done).await?;
        let lost = Put::Lost(Some(Box::new(entry.clone())));
        put(ledger, &entry, Expect::Absent, lost.clone()).await?;
        put(ledger, &entry, Expect::Rev(7), lost).await?;
        right.push(entry);
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    let right = Snapshot::new(execution(of), vec![], 0).asking(right);
    same("snapshot", &found, &Some(right))
}

pub(super) async fn an_incident_comes_back_as_it_was_and_only_to_its_tenant<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let cause = Cause {
        tenant: &of.tenant,
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "",
        standing: false,
        execution: Some(&of.execution),
    };
    let mut incident = cause.incident(&execution(of), "it is locked", at(5));
    for expect in [Expect::Absent, Expect::Rev(1)] {
        let put = ledger.put(&incident, expect).await.map_err(text)?;
        same("put", &put, &Put::Done)?;
        let read = ledger
            .read(&IncidentKey::new(&of.tenant, &incident.id))
            .await;
        same("read", &read.map_err(text)?, &Some(incident.clone()))?;
        incident.rev += 1;
        incident.status = IncidentStatus::Resolved;
        incident.handled.push(IncidentAction {
            status: IncidentStatus::Resolved,
            by: "bob".to_owned(),
            reason: "mended".to_owned(),
            at: at(9),
        });
    }
    let stale = ledger.put(&incident, Expect::Rev(1)).await;
    let lost = matches!(stale.map_err(text)?, Put::Lost(Some(stored)) if stored.rev == 2);
    same("a stale write loses", &lost, &true)?;
    let others = ledger
        .read(&IncidentKey::new("other", &incident.id))
        .await
        .map_err(text)?;
    same("another tenant's", &others, &None)
}

pub(super) async fn the_latest_link_of_an_incident_comes_back_as_it_was<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let link = |time| Link::waiting("i-link", &execution(of), "it is locked", at(time));
    let none = ledger.read_link(&link(5)).await.map_err(text)?;
    same("a link that no one wrote", &none, &None)?;
    for (time, latest) in [(5, 5), (3, 5), (9, 9)] {
        ledger.put_link(&link(time)).await.map_err(text)?;
        let read = ledger.read_link(&link(0)).await.map_err(text)?;
        same("read", &read, &Some(link(latest)))?;
    }
    Ok(())
}

fn approvers() -> Approvers {
    Approvers {
        by: vec!["tr\u{e9}so".to_owned()],
        count: 2,
        distinct_groups: true,
        remind_every_s: Some(300),
    }
}

fn vote() -> Vote {
    Vote {
        decision: Decision::Approve,
        by: "b\u{f6}b".to_owned(),
        group: Some("tr\u{e9}so".to_owned()),
        acting_for: Some("carol".to_owned()),
        in_place_of_group: true,
        at: at(9),
        reason: "\"so\"".to_owned(),
        shown_sha256: "5".repeat(64),
    }
}

fn seat() -> Seat {
    Seat {
        group: Some("tr\u{e9}so".to_owned()),
        acting_for: Some("carol".to_owned()),
        in_place_of_group: true,
    }
}
