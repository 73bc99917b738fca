//! Tests of the admission check: approvals, and every violation at once.

mod fields;
mod quotes;
mod times;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use holdfast_ids::digest::value_sha256_hex;
use holdfast_receipt::Approval;
use holdfast_task::{Day, Guardrail, ShownFields, StartConditions};

const NOW: &str = "2025-09-29T13:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn gate(rules: StartConditions) -> AdmissionSpec {
    AdmissionSpec {
        workflow: "WF-HOLD".to_owned(),
        version: 1,
        description: None,
        definition_digest: "sha256:d".to_owned(),
        tenants: vec!["acme".to_owned()],
        input_schema: json!({"type": "object", "required": ["amount"]}),
        guardrails: Vec::new(),
        rules,
        fields: ShownFields::default(),
        triggers: Vec::new(),
        timeout_s: 900,
        tier: holdfast_task::Tier::Standard,
    }
}

fn start(input: Value) -> Start {
    Start {
        tenant: "acme".to_owned(),
        idempotency_key: "k".to_owned(),
        input,
        trigger: "api".to_owned(),
        requested_by: Some("ann".to_owned()),
        approval: None,
        trace: None,
        unmapped: None,
    }
}

/// The guardrails that did not hold, as `name: message`.
fn violated(gate: &AdmissionSpec, start: &Start, now: &str) -> Vec<String> {
    let scope = StartScope::of(gate, start, "e-1", at(now));
    let outcomes = check(gate, start, &scope, &ApprovalKeys::default(), at(now));
    let no = outcomes.into_iter().filter(|one| !one.held);
    no.map(|one| format!("{}: {}", one.name, one.message.unwrap_or_default()))
        .collect()
}

fn approval(input: &Value) -> Approval {
    Approval {
        approved_by: "bob".to_owned(),
        approved_at: at("2025-09-29T12:00:00Z"),
        expires_at: at("2025-09-29T14:00:00Z"),
        input_sha256: value_sha256_hex(input).expect("a digest"),
        reference: "CASE-7".to_owned(),
        signature: None,
    }
}

#[test]
fn a_list_is_no_start() {
    let list = json!(["acme", "k", {"amount": 5}, "direct"]);
    let read = read_start(&list, &gate(StartConditions::default()), NOW, "arn");
    assert!(read.is_err_and(|error| error.to_string().contains("a list is no object")));
}

#[test]
fn an_approval_is_another_persons_unexpired_and_for_this_input() {
    let gate = gate(StartConditions {
        approval: true,
        unsigned_approvals: true,
        ..StartConditions::default()
    });
    let input = json!({"amount": 5});
    let right = Start {
        approval: Some(approval(&input)),
        ..start(input)
    };
    assert_eq!(violated(&gate, &right, NOW), [""; 0]);
    type Change = fn(&mut Start, &mut Approval);
    let table: [(Change, &str); 8] = [
        (
            |_, approval| approval.approved_by = "ann".to_owned(),
            "cannot approve it",
        ),
        (
            |_, approval| approval.approved_by = " ANN ".to_owned(),
            "cannot approve it",
        ),
        (
            |start, _| start.requested_by = None,
            "requested_by is absent",
        ),
        (
            |_, approval| approval.expires_at = at(NOW),
            "it has expired",
        ),
        (
            |_, approval| approval.approved_at = at("2025-09-29T13:01:00.001Z"),
            "later than the start",
        ),
        (
            |start, _| start.input = json!({"amount": 6}),
            "another input",
        ),
        (
            |start, _| start.input = json!({"amount": 5, "more": null}),
            "another input",
        ),
        (
            |_, approval| approval.input_sha256 = "0".repeat(64),
            "another input",
        ),
    ];
    for (change, why) in table {
        let (mut start, mut approval) = (right.clone(), approval(&right.input));
        change(&mut start, &mut approval);
        start.approval = Some(approval);
        let said = violated(&gate, &start, NOW).join("\n");
        assert!(
            said.starts_with("approval: ") && said.contains(why),
            "{why}: {said}"
        );
    }
    let without = start_without(&right);
    let said = violated(&gate, &without, NOW);
    assert_eq!(
        said,
        ["approval: an approval is required, and none was sent"]
    );
    // An approval that was sent is checked even if none is needed.
    let mut expired = right;
    if let Some(approval) = &mut expired.approval {
        approval.expires_at = at(NOW);
    }
    let said = violated(&self::gate(StartConditions::default()), &expired, NOW);
    assert_eq!(said, ["approval: it has expired"]);
    assert_eq!(
        violated(&self::gate(StartConditions::default()), &without, NOW),
        [""; 0]
    );
}

fn start_without(start: &Start) -> Start {
    Start {
        approval: None,
        ..start.clone()
    }
}

#[test]
fn a_malformed_approval_is_refused() {
    let right = approval(&json!({}));
    assert_eq!(right.check(), Ok(()));
    type Change = fn(&mut Approval);
    let table: [(Change, &str); 6] = [
        (
            |one| one.approved_by = String::new(),
            "approved_by has 1 to 200",
        ),
        (
            |one| one.approved_by = " ".to_owned(),
            "approved_by has 1 to 200",
        ),
        (
            |one| one.reference = "x".repeat(201),
            "reference has 1 to 200",
        ),
        (|one| one.reference = "a\nb".to_owned(), "on one line"),
        (|one| one.input_sha256 = "AB".repeat(32), "64 lower-case"),
        (|one| one.expires_at = one.approved_at, "later than"),
    ];
    for (change, why) in table {
        let mut wrong = right.clone();
        change(&mut wrong);
        let said = wrong.check().expect_err(why);
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn every_violated_guardrail_is_named_at_once() {
    let mut gate = gate(StartConditions {
        hours: vec![times::hours("UTC", &[Day::Sun], 8, 18)],
        freezes: vec![times::freeze("2025-09-29", "2025-09-30")],
        approval: true,
        ..StartConditions::default()
    });
    let assert = |name: &str, assert: &str| Guardrail {
        name: name.to_owned(),
        assert: assert.to_owned(),
        message: "so it is".to_owned(),
    };
    gate.guardrails = vec![
        assert("small", "$input.amount < 5"),
        assert("fine", "true"),
        assert("early", "$toMillis($started_at) < 0"),
        assert("other_tenant", "$tenant = 'globex'"),
        assert("no_api", "$trigger != 'api'"),
        assert("agreed", "$exists($approval)"),
        assert("odd", "$input.amount"),
    ];
    let mut start = start(json!({"amount": 5}));
    start.tenant = "umbrella".to_owned();
    let said = violated(&gate, &start, NOW);
    let names: Vec<_> = said
        .iter()
        .filter_map(|one| one.split(':').next())
        .collect();
    let all = [
        "tenant",
        "hours",
        "freeze",
        "approval",
        "small",
        "early",
        "other_tenant",
        "no_api",
        "agreed",
        "odd",
    ];
    assert_eq!(names, all);
    // Guardrails are left out if the input does not fit; the other checks are not.
    start.input = json!({});
    let said = violated(&gate, &start, NOW);
    let names: Vec<_> = said
        .iter()
        .filter_map(|one| one.split(':').next())
        .collect();
    assert_eq!(names, ["tenant", "input", "hours", "freeze", "approval"]);
}

#[test]
fn the_policy_digest_covers_guardrails_and_no_other_part_of_the_definition() {
    let mut one = gate(StartConditions::default());
    let digest = policy_digest(&one);
    assert!(
        digest
            .as_ref()
            .is_some_and(|digest| digest.starts_with("sha256:"))
    );
    (one.version, one.timeout_s) = (2, 60);
    assert_eq!(policy_digest(&one), digest);
    one.rules.approval = true;
    assert_ne!(policy_digest(&one), digest);
}
