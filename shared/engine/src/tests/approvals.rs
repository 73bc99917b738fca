//! Tests of signed approvals of a start: what the record keeps of them, and their one use.

use super::{begin::refused, *};
use crate::testing::engine;
use holdfast_admission::ApprovalKeys;
use holdfast_ids::keys::execution_id;
use holdfast_ledger::Phase;
use holdfast_task::StartConditions;

/// The approval that the published example makes, valid at the start of these tests.
const JWS: &str = include_str!("../../../admission/src/approval/recorded.jws");
const KEYS: &str = include_str!("../../../admission/src/approval/recorded-keys.json");

fn task(key: &str) -> BeginTask {
    let mut start = start_of(json!({ "amount": 5 }));
    start["idempotency_key"] = json!(key);
    start["requested_by"] = json!("ann");
    start["approval"] = json!({ "jws": JWS.trim() });
    let mut task = begin_task(start);
    task.gate.input_schema = json!({ "type": "object" });
    task.gate.guardrails.clear();
    task.gate.rules = StartConditions {
        approval: true,
        ..StartConditions::default()
    };
    task
}

fn listing(keys: &str) -> TestEngine {
    TestEngine {
        approval_keys: ApprovalKeys::parse(keys).unwrap(),
        ..engine()
    }
}

/// The phase of the execution that began under `key`, and whether its signature was verified.
fn recorded(engine: &TestEngine, key: &str) -> (Phase, String, bool) {
    let at = ExecutionKey {
        tenant: "acme".to_owned(),
        execution: execution_id("acme", "WF-HOLD", key),
    };
    let execution = run(engine.ledger.read(&at)).unwrap().unwrap();
    let signature = execution.approval.unwrap().signature.unwrap();
    assert_eq!(signature.jws, JWS.trim());
    (execution.phase, signature.kid, signature.verified)
}

#[test]
fn the_record_keeps_the_signature_and_whether_it_was_verified() {
    let listed = listing(KEYS);
    run(listed.begin(&task("one"))).unwrap();
    let right = (Phase::Running, "erp".to_owned(), true);
    assert_eq!(recorded(&listed, "one"), right);
    let unlisted = listing("");
    let error = refused(&unlisted, &task("one"));
    assert!(error.message.contains("is not listed"), "{}", error.message);
    let wrong = (Phase::Rejected, "erp".to_owned(), false);
    assert_eq!(recorded(&unlisted, "one"), wrong);
}

#[test]
fn a_signed_approval_admits_one_start_and_its_repeats() {
    let engine = listing(KEYS);
    for _ in 0..2 {
        run(engine.begin(&task("one"))).unwrap();
    }
    let error = refused(&engine, &task("another"));
    assert!(
        error.message.contains("another has used it"),
        "{}",
        error.message
    );
}
