//! Tests of steps that only read, and of effects behind an answer that does not tell of them.

use holdfast_drill::{Drill, Outcome};

use crate::set_up::{drill_of, held};

/// A look-up, then an effect of each kind: reversible with and without a fence, irreversible, and
/// not idempotent.
const WORKFLOW: &str = r#"
workflow: WF-LOOK-UP
version: 1
input: { type: object }
steps:
  - name: look_up
    action: http
    input: { method: GET, url: "${VendorSystemUrl}/vendors/7" }
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
  - name: note
    action: http
    input: { method: POST, url: "${VendorSystemUrl}/notes" }
    rollback: { input: { method: DELETE, url: "${VendorSystemUrl}/notes/7" } }
  - name: tell
    action: http
    input: { method: POST, url: "${VendorSystemUrl}/notifications" }
    idempotent: false
    irreversible: true
  - { name: last, action: vendor-hold, input: { vendor_id: w, days: 1 }, rollback: {} }
"#;

fn drill() -> Drill {
    drill_of(WORKFLOW)
}

fn residual(outcome: &Outcome) -> Vec<(&str, bool)> {
    // Without a record nothing was begun, and there is no receipt.
    let receipts = outcome.receipt.iter();
    let effects = receipts.flat_map(|receipt| &receipt.residual_effects);
    effects
        .map(|one| (one.step.as_str(), one.certain))
        .collect()
}

#[test]
fn a_workflow_with_a_look_up_and_each_kind_of_effect_holds_under_every_single_fault() {
    let drill = drill();
    assert_eq!(drill.not_reached(), [""; 0]);
    let singles = drill.singles();
    for (scenario, outcome) in singles
        .iter()
        .zip(drill.run_all(&singles).expect("they run"))
    {
        assert_eq!(outcome.violations, [""; 0], "{scenario}");
        assert!(outcome.struck, "{scenario} never came up");
        for (step, _) in residual(&outcome) {
            assert_ne!(step, "look_up", "{scenario}");
        }
    }
}

#[test]
fn a_look_up_before_the_first_effect_leaves_nothing() {
    let drill = drill();
    for fault in ["permanent", "transient-always"] {
        let outcome = held(&drill, &format!("hold/{fault}"));
        assert_eq!(outcome.status.as_deref(), Some("FAILED"), "{fault}");
        assert_eq!(residual(&outcome), []);
    }
    let outcome = held(&drill, "look_up/lost-answer-always");
    assert_eq!(outcome.status.as_deref(), Some("FAILED"));
}

#[test]
fn an_effect_behind_an_answer_of_a_gateway_is_never_taken_for_none() {
    let drill = drill();
    for fault in ["unavailable-after-effect-always", "moved-after-effect"] {
        let scenario = format!("note/{fault}");
        let outcome = held(&drill, &scenario);
        assert_ne!(outcome.status.as_deref(), Some("FAILED"), "{scenario}");
    }
    // It must not be sent twice, so that a person looks, and the execution is rolled back.
    let outcome = held(&drill, "tell/unavailable-after-effect");
    assert_eq!(residual(&outcome), [("tell", false)]);
    assert_eq!(outcome.remaining["tell"], 1);
}

#[test]
fn an_undo_that_finds_nothing_names_the_effect_that_remains() {
    let drill = drill();
    for step in ["hold", "note"] {
        let outcome = held(&drill, &format!("{step}.undo/missing-always"));
        assert!(residual(&outcome).contains(&(step, false)), "{step}");
        assert_eq!(outcome.remaining[step], 1);
        let once = held(&drill, &format!("{step}.undo/missing"));
        assert!(
            !once.remaining.contains_key(step),
            "a later attempt undoes it"
        );
    }
}
