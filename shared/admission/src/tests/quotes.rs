//! Tests of what an error may show: a log keeps it, so no value of a sender is in it.

use super::*;
use holdfast_task::{Template, TriggerMap};

const SECRET: &str = "hunter2hunter2";

/// A gate with one trigger, whose every field comes from the event.
fn with_trigger() -> AdmissionSpec {
    let template = |text: &str| Template(json!(text));
    let trigger = TriggerMap {
        name: "vendor_risk".to_owned(),
        tenant: template("{% $event.tenant %}"),
        idempotency_key: template("{% $event.key %}"),
        input: template("{% $event.input %}"),
        requested_by: Some(template("{% $event.by %}")),
        approval: Some(template("{% $event.approval %}")),
    };
    AdmissionSpec {
        triggers: vec![trigger],
        ..gate(StartConditions::default())
    }
}

/// Every wrong value that carries the secret.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(SECRET),
        json!(format!("{SECRET}\u{0}")),
        json!(format!("{SECRET} ").repeat(2_000)),
        json!([SECRET]),
        json!({ "approved_by": SECRET }),
        json!({ "approved_by": SECRET, "approved_at": SECRET, "input_sha256": SECRET }),
        json!({ "jws": SECRET }),
        json!({ "text": SECRET, "long": 12_345_678_901_234_567_890_u64 }),
    ]
}

#[test]
fn no_error_of_a_start_quotes_a_value_that_was_sent() {
    let direct = json!({ "tenant": "acme", "idempotency_key": "k", "input": {}, "via": "api",
        "requested_by": "zoe", "request_id": "1", "trace": "t", "approval": {} });
    let event = json!({ "tenant": "acme", "key": "k", "input": {}, "by": "zoe", "approval": null });
    let message = json!({ "trigger": "vendor_risk", "event": event, "scheduled_time": NOW });
    let gate = with_trigger();
    let mut refused = 0;
    for (seed, place) in [(&direct, ""), (&message, ""), (&message, "/event")] {
        let members = seed.pointer(place).and_then(Value::as_object);
        for field in members.expect("an object").keys() {
            for wrong in wrong_values() {
                let mut sent = seed.clone();
                sent.pointer_mut(place).expect("an object")[field.as_str()] = wrong;
                if let Err(error) = read_start(&sent, &gate, NOW, "") {
                    refused += 1;
                    let said = error.to_string();
                    assert!(!said.contains(SECRET), "{place}/{field}: {said}");
                }
            }
        }
    }
    assert!(refused > 80, "{refused} refused");
}
