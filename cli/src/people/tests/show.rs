//! An execution as people read it.

use serde_json::{Value, json};

use super::{execution, id, screen, text};
use crate::people::show;

#[test]
fn an_execution_shows_its_questions_and_what_a_target_answered() {
    insta::assert_snapshot!(text(show::in_words(&execution(), &screen())), @r#"
    execution   41c20d0000000000000000000000000000000000
    workflow    WF-PAY-VENDOR version 3, tier express, tenant acme
    subject     order 17
    shown       Amount: 60000 EUR�[2J
    status      RUNNING, execution generation 1
    started     2026-11-24T11:57:00Z (3 min ago), trigger api, requested by ann
    question    pay: POST answered 422 [retry or skip or rollback, until 2026-11-24T14:00:00Z (in 2 h)]
    question    agreed [approve by ann (fine�[2J)]
    vote        approve by cem of cfo, acting for eve (so be it�vote x)
    vote        approve by ann, in place of treasury

    STEP       ACTION       STATUS   ATTEMPTS  STARTED    LAST ERROR
    hold[v-1]  vendor-hold  SUCCESS  1         2 min ago
    pay        http         FAILED   1         2 min ago  permanent: POST answered 422

    pay attempt 1 was answered
      at /payments:
        {"detail": "IBAN unknown"}
    "#);
}

#[test]
fn a_failure_on_request_has_no_state() {
    let mut answer = execution();
    answer["failure"] = json!({
        "state": "", "error": "Withdrawn", "requested_by": "ann", "reason": "wrong vendor",
    });
    let shown = text(show::in_words(&answer, &screen()));
    let line = "failure     Withdrawn, requested by ann: wrong vendor\n";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn an_execution_that_ended_shows_its_end_the_effects_that_remain_and_undecided_questions() {
    let mut answer = execution();
    answer["ended_at"] = "2026-11-24T11:58:00Z".into();
    answer["residual_effects"] = json!([
        { "step": "hold[v-1]", "action": "vendor-hold", "idempotency_key": "k", "certain": true },
        { "step": "pay", "action": "http", "idempotency_key": "k", "certain": false },
    ]);
    answer["incidents"] = json!([format!("/v1/incidents/{}", id("5ec2"))]);
    answer["redriven"] =
        json!({ "generation": 1, "by": "eve", "reason": "again", "at": "2026-11-24T11:57:30Z" });
    answer["questions"][0]["status"] = "EXPIRED".into();
    answer["questions"][1]["status"] = "CLOSED".into();
    answer["questions"][1]["decision"] = Value::Null;
    let shown = text(show::in_words(&answer, &screen()));
    for line in [
        ", ended 2026-11-24T11:58:00Z\n",
        "pay: POST answered 422 [EXPIRED: no person decided in time]\n",
        "agreed [CLOSED: the execution stopped waiting before a decision]\n",
        "residual    the effect of hold[v-1] (vendor-hold) remains\n",
        "residual    the effect of pay (http) may remain\n",
        "incident    5ec2000000000000000000000000000000000000\n",
        "redriven    2026-11-24T11:57:30Z, requested by eve: again\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    answer["generation"] = 0.into();
    let shown = text(show::in_words(&answer, &screen()));
    assert!(shown.contains(", took 60.0 s\n"), "{shown}");
}

#[test]
fn an_execution_that_a_guardrail_refused_names_the_guardrail_alone() {
    let mut answer = execution();
    answer["guardrails"] = json!([{ "name": "short_hold", "held": false, "message": "too long" }]);
    answer["failure"] = json!({
        "state": "Begin", "error": "Rejected", "requested_by": null,
        "reason": "short_hold: too long",
    });
    let shown = text(show::in_words(&answer, &screen()));
    assert!(
        shown.contains("refused by  short_hold: too long\n"),
        "{shown}"
    );
    assert!(!shown.contains("failure"), "{shown}");
}
