//! Tests of every kind of event: a record yields it, its published schema accepts it, and it
//! carries no payload.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use super::*;
use holdfast_ledger::{
    Cause, Control, ControlState, Delegation, IncidentAction, IncidentStatus, Link, PauseBehavior,
    QuestionState, Refusal, Ruling, Scope, TenantRecord, TenantState, fixtures::question,
};
use holdfast_receipt::Decision;

fn published(kind: Kind) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/events");
    folder.join(format!("{}.json", kind.name()))
}

/// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-audit published` writes the files.
#[test]
fn the_published_schemas_are_those_of_the_code() {
    for kind in Kind::ALL {
        let file = published(kind);
        let right = format!("{:#}\n", kind.schema());
        if std::env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            fs::write(&file, &right).expect("docs can be written");
        }
        let stored = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(stored, right, "{} is stale", file.display());
    }
}

fn executions(of: &ExecutionKey) -> Vec<Record> {
    let mut begun = fixture_execution(of);
    begun.guardrails.push(GuardrailOutcome {
        name: "short_hold".to_owned(),
        held: false,
        message: Some("hidden".to_owned()),
    });
    let hidden = Failure {
        cause: "hidden".to_owned(),
        ..failure()
    };
    let ended = receipted(&ended(&begun, Status::PartiallyRolledBack, Some(hidden)));
    vec![execution(&ended)]
}

fn steps(of: &ExecutionKey) -> Vec<Record> {
    let outcomes = [
        Some(AttemptOutcome::Unknown),
        Some(AttemptOutcome::Succeeded),
    ];
    let undone = |state| {
        let mut step = step(of, state, attempts(&outcomes));
        step.item = Some("hidden".to_owned());
        step.undo_attempts = attempts(&[Some(AttemptOutcome::Succeeded)]);
        recorded(&step)
    };
    vec![undone(StepState::Undone), undone(StepState::UndoFailed)]
}

fn people(of: &ExecutionKey) -> Vec<Record> {
    let mut ruled = question(of);
    ruled.message = "hidden".to_owned();
    ruled.state = QuestionState::Ruled {
        ruling: Ruling {
            decision: Decision::Skip,
            by: "bob".to_owned(),
            reason: "hidden".to_owned(),
            at: at(20),
            incident: None,
        },
        delivered: true,
    };
    let cause = Cause {
        tenant: "acme",
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "",
        standing: false,
        execution: None,
    };
    let mut incident = cause.incident(&fixture_execution(of), "hidden", at(5));
    for status in [IncidentStatus::Acknowledged, IncidentStatus::Resolved] {
        incident.handled.push(IncidentAction {
            status,
            by: "bob".to_owned(),
            reason: "hidden".to_owned(),
            at: at(30),
        });
    }
    let mut link = Link::waiting(&incident.id, &fixture_execution(of), "hidden", at(60));
    link.status = "PARTIALLY_ROLLED_BACK".to_owned();
    link.standing = true;
    link.stands = vec!["hold[hidden]".to_owned(), "notify".to_owned()];
    link.stands_total = 2;
    vec![
        Record::Question(Box::new(ruled)),
        approvals::decided_approval(of),
        Record::Incident(Box::new(incident)),
        Record::Link(Box::new(link)),
    ]
}

fn controls() -> Vec<Record> {
    let control = |state| {
        Record::Control(Box::new(Control {
            rev: 1,
            scope: Scope::Tenant("acme".to_owned()),
            state,
            running_executions: PauseBehavior::Wait,
            reason: "an incident at the vendor".to_owned(),
            by: "zoe".to_owned(),
            at: at(40),
        }))
    };
    [ControlState::Paused, ControlState::Running]
        .map(control)
        .to_vec()
}

/// A tenant that was registered, and one that was closed.
fn tenants() -> Vec<Record> {
    let tenant = |state| {
        Record::Tenant(Box::new(TenantRecord {
            rev: 1,
            tenant: "acme".to_owned(),
            state,
            by: "zoe".to_owned(),
            at: at(50),
        }))
    };
    [TenantState::Open, TenantState::Closed]
        .map(tenant)
        .to_vec()
}

/// A delegation that was set, and one that was removed.
fn delegations() -> Vec<Record> {
    let delegation = |removed| {
        Record::Delegation(Box::new(Delegation {
            rev: 1,
            tenant: "acme".to_owned(),
            group: "cfo".to_owned(),
            by: "ann".to_owned(),
            to: "bob".to_owned(),
            from: at(51),
            until: at(90),
            reason: "hidden".to_owned(),
            at: at(51),
            removed,
        }))
    };
    [false, true].map(delegation).to_vec()
}

/// A start that the API refused.
fn refusal(of: &ExecutionKey, id: &str) -> Record {
    Record::Refusal(Box::new(Refusal {
        id: id.to_owned(),
        tenant: of.tenant.clone(),
        workflow: "WF-HOLD".to_owned(),
        version: Some(3),
        execution: of.execution.clone(),
        guardrails: vec!["input".to_owned()],
        by: "zoe".to_owned(),
        at: at(1),
    }))
}

/// The count of refused repeats of a start.
pub(super) fn duplicates(of: &ExecutionKey, refused: u64) -> Record {
    Record::Duplicates {
        at: of.clone(),
        workflow: "WF-HOLD".to_owned(),
        refused,
        times: (0..refused).map(|n| at(n as i64)).collect(),
    }
}

#[test]
fn a_count_of_repeats_yields_events_for_the_newly_counted_repeats_only() {
    let of = key("k");
    let (two, five) = (duplicates(&of, 2), duplicates(&of, 5));
    let about = two.about().expect("the record names the workflow");
    let ids = |old: Option<&Record>, new: &Record| -> BTreeSet<_> {
        let derived = events(old, new, &about, at(0)).into_iter();
        derived.map(|event| event.id).collect()
    };
    let new = ids(Some(&two), &five);
    assert_eq!(new.len(), 3);
    assert_eq!(&ids(None, &two) | &new, ids(None, &five));
    assert_eq!(ids(Some(&five), &five), BTreeSet::new());
}

#[test]
fn every_event_counts_for_its_own_metric() {
    let of = key("k");
    let counted = |records: &[Record]| {
        let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
        for event in records
            .iter()
            .flat_map(|record| events_of_versions(std::slice::from_ref(record)))
        {
            for (metric, value) in metrics(&event) {
                *counted.entry(metric.name()).or_default() += value;
            }
        }
        counted.into_iter().collect::<Vec<_>>()
    };
    let ends = [
        ("mean_time_to_complete", 60_000),
        ("workflow_success_rate", 0),
    ];
    let rejected = [&[("guardrail_rejections", 1)], &ends[..]].concat();
    assert_eq!(counted(&executions(&of)), rejected);
    assert_eq!(
        counted(&[duplicates(&of, 3)]),
        [("duplicates_prevented", 3)]
    );
    let twice = [refusal(&of, "1"), refusal(&of, "2")];
    assert_eq!(counted(&twice), [("guardrail_rejections", 2)]);
    // Each of two records: an attempt whose outcome is unknown, one more, an undo.
    let undone = [
        ("steps_retried", 2),
        ("steps_undone", 1),
        ("undo_failures", 1),
        ("unknown_outcomes", 2),
    ];
    assert_eq!(counted(&steps(&of)), undone);
    let incidents = [
        ("incidents_opened", 1),
        ("incidents_resolved", 1),
        ("standing_executions", 1),
    ];
    assert_eq!(counted(&people(&of)), incidents);
    assert_eq!(counted(&controls()), []);
}

#[test]
fn every_kind_of_event_fits_its_published_schema_and_carries_no_payload() {
    let of = key("k");
    let refused = duplicates(&of, 1);
    let records = [
        executions(&of),
        steps(&of),
        people(&of),
        controls(),
        tenants(),
        delegations(),
        vec![refused, refusal(&of, "1")],
    ]
    .concat();
    let mut counts = BTreeMap::new();
    for record in records {
        let about = record.about().unwrap_or_else(about);
        for event in events(None, &record, &about, at(99)) {
            let written = event.cloud_event("holdfast/test");
            let schema = fs::read_to_string(published(event.kind())).expect("it is published");
            let schema = serde_json::from_str(&schema).expect("JSON");
            let schema = jsonschema::validator_for(&schema).expect("a schema");
            let wrong = schema
                .iter_errors(&written)
                .map(|error| error.to_string())
                .collect::<Vec<_>>();
            assert_eq!(wrong, Vec::<String>::new(), "{written}");
            let text = written.to_string();
            for payload in ["v-1", "h-1", "hidden"] {
                assert!(!text.contains(payload), "{text}");
            }
            // A repeat may be refused before the version is known. A control applies to every
            // version, and a tenant has none.
            let unversioned = [
                Kind::DuplicatePrevented,
                Kind::Paused,
                Kind::Resumed,
                Kind::TenantRegistered,
                Kind::TenantClosed,
                Kind::DelegationSet,
                Kind::DelegationRemoved,
            ];
            let versioned = !unversioned.contains(&event.kind());
            assert_eq!(
                written.get("workflowversion").is_some(),
                versioned,
                "{text}"
            );
            *counts.entry(event.kind()).or_insert(0) += 1;
        }
    }
    for kind in Kind::ALL {
        assert!(
            counts.contains_key(&kind),
            "no record yields {}",
            kind.name()
        );
    }
}
