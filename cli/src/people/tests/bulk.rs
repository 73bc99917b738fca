//! Tests of what the command says about a bulk.

use serde_json::json;

use super::{id, text};
use crate::{api::typed, people::bulk};

#[test]
fn a_bulk_says_what_it_would_do_and_what_would_be_refused() {
    let preview = json!({
        "bulk_id": id("b1"), "tenant": "acme", "operation": "decide", "decision": "approve",
        "total": 21, "statuses": [{ "status": "WAITING", "count": 21 }], "token": "t",
        "sample": [{ "execution_id": id("41c20d"), "workflow_id": "WF-PAY-VENDOR",
                     "status": "WAITING", "step": "agreed", "subject": "order 17\u{1b}[2J",
                     "message": "Pay 9,000?" }],
        "checked": 21, "refused_now": [{ "reason": "the person who requested an execution cannot \
            approve it", "count": 2, "execution_id": id("9e0f") }],
    });
    let preview = typed(&preview).unwrap_or_else(|_| panic!("a preview"));
    insta::assert_snapshot!(bulk::in_words(&preview), @r"
    bulk decide approve answers these questions.
      21 in tenant acme: 21 WAITING
      41c20d000000  WF-PAY-VENDOR  WAITING  step agreed  order 17�[2J  Pay 9,000?
      and 20 more
      2 of the first 21 would be refused now, such as 9e0f00000000: the person who requested an execution cannot approve it
    ");
}

#[test]
fn the_report_of_a_bulk_counts_every_execution_and_names_what_was_refused() {
    let report = json!({
        "bulk_id": id("b1"), "operation": "cancel", "status": "STOPPED", "total": 60,
        "counts": { "done": 30, "already": 2, "refused": 1, "not_reached": 27, "pending": 0 },
        "items": [
            { "execution_id": id("41c20d"), "outcome": "refused", "note": "it has ended EXECUTED" },
            { "execution_id": id("9e0f"), "outcome": "not_reached",
              "note": "the bulk was stopped before" },
        ],
    });
    insta::assert_snapshot!(text(bulk::report_in_words(&report)), @r"
    bulk b100000000000000000000000000000000000000 cancel is STOPPED
      60 executions: 30 done, 2 already, 1 refused, 27 not reached, 0 pending
      41c20d000000  refused: it has ended EXECUTED
      9e0f00000000  not_reached: the bulk was stopped before
      and 26 more, which --json names
    ");
}
