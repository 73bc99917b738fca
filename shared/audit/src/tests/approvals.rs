//! Tests of the events of approvals: requests, reminders, votes, outcomes, notices and links.

use super::*;
use holdfast_ledger::{
    Question, QuestionState, Reminders, Ruling, closed_question, fixtures::question,
};
use holdfast_receipt::{Decision, Vote};
use holdfast_task::{Approvers, QuestionKind};

fn approval() -> Question {
    Question {
        kind: QuestionKind::Approval,
        step: "cfo_agrees".to_owned(),
        message: "Hold 60000 to \"v-17\"?".to_owned(),
        approvers: Some(Approvers {
            by: vec!["cfo".to_owned(), "treasury".to_owned()],
            count: 2,
            distinct_groups: true,
            remind_every_s: Some(7200),
        }),
        ..question(&key("k"))
    }
}

fn vote(by: &str, decision: Decision, second: i64) -> Vote {
    Vote {
        decision,
        by: by.to_owned(),
        group: Some("cfo".to_owned()),
        acting_for: None,
        in_place_of_group: false,
        at: at(second),
        reason: "hidden".to_owned(),
        shown_sha256: "0".repeat(64),
    }
}

/// The question after these votes, of which the last one decides if `ruled`.
fn voted(votes: &[Vote], ruled: bool) -> Question {
    let last = votes.last().filter(|_| ruled);
    let state = last.map_or(QuestionState::Open, |last| QuestionState::Ruled {
        ruling: Ruling {
            decision: last.decision,
            by: last.by.clone(),
            reason: last.reason.clone(),
            at: last.at,
            incident: None,
        },
        delivered: false,
    });
    Question {
        votes: votes.to_vec(),
        state,
        ..approval()
    }
}

/// An approval that a person gave after a reminder.
pub(super) fn decided_approval(of: &ExecutionKey) -> Record {
    recorded_question(Question {
        at: of.clone(),
        message: "Hold it?".to_owned(),
        reminded: Some(Reminders { n: 1, last: at(10) }),
        ..voted(&[vote("bob", Decision::Approve, 20)], true)
    })
}

fn recorded_question(question: Question) -> Record {
    Record::Question(Box::new(question))
}

/// The events of approvals among those of successive versions, each as name and data.
fn approvals(versions: Vec<Question>) -> Vec<(&'static str, Value)> {
    let versions: Vec<_> = versions.into_iter().map(recorded_question).collect();
    let events = events_of_versions(&versions);
    let named = events
        .iter()
        .map(|event| (event.kind().name(), data(event)));
    named
        .filter(|(name, _)| name.starts_with("workflow.approval."))
        .collect()
}

#[test]
fn each_vote_is_an_event_and_the_last_one_has_the_outcome() {
    let (bob, eve) = (
        vote("bob", Decision::Approve, 10),
        vote("eve", Decision::Approve, 20),
    );
    // A later vote may change the group of an earlier one, which is no other event.
    let moved = Vote {
        group: Some("treasury".to_owned()),
        ..bob.clone()
    };
    let events = approvals(vec![
        approval(),
        voted(std::slice::from_ref(&bob), false),
        voted(&[moved, eve], true),
    ]);
    let told: Vec<_> = events
        .iter()
        .map(|(name, data)| {
            let name = name.rsplit('.').next().expect("a name");
            (name, data["approvals"].as_u64(), data["outcome"].as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("requested", None, None),
            ("decided", Some(1), None),
            ("decided", Some(2), Some("approved")),
        ]
    );
}

#[test]
fn one_refusal_is_the_outcome() {
    let no = vote("eve", Decision::Reject, 20);
    let events = approvals(vec![voted(&[vote("bob", Decision::Approve, 10), no], true)]);
    let (_, last) = events.last().expect("events");
    assert_eq!(
        (&last["decision"], &last["outcome"], &last["approvals"]),
        (&json!("reject"), &json!("rejected"), &json!(1))
    );
}

#[test]
fn a_request_says_what_is_asked_of_whom_until_when_and_where() {
    let record = recorded_question(approval());
    let of = About {
        subject: Some("order 4711".to_owned()),
        ..about()
    };
    let events = events(None, &record, &of, at(99));
    let asked = events
        .iter()
        .find(|event| event.kind() == Kind::ApprovalRequested)
        .expect("a request");
    let links = Links::new("https://console.example.com");
    let written = asked.clone().linked(&links).cloud_event("holdfast/test");
    assert_eq!(written["workflowsubject"], "order 4711");
    let mut data = written["data"].clone();
    let notice = data["notice"].take();
    assert_eq!(
        data,
        json!({
            "step": "cfo_agrees", "message": "Hold 60000 to \"v-17\"?", "by": ["cfo", "treasury"],
            "count": 2, "until": at(60), "incident": "i-1", "notice": null,
            "link": "https://console.example.com/incidents/i-1?tenant=acme",
        })
    );
    let notice = notice.as_str().expect("a notice");
    for part in [
        "Hold 60000 to ”v-17”?",
        "order 4711",
        "2 of cfo or treasury",
        "acme",
        "UTC",
    ] {
        assert!(notice.contains(part), "{part}: {notice}");
    }
    // Roles that see no payloads.
    let mut hidden = asked.clone();
    hidden.remove_inputs();
    let text = hidden.cloud_event("holdfast/test").to_string();
    assert!(!text.contains("60000"), "{text}");
}

#[test]
fn each_reminder_is_an_event_of_its_own() {
    let reminded = |n, second| Question {
        reminded: Some(Reminders {
            n,
            last: at(second),
        }),
        ..approval()
    };
    let versions = vec![
        approval(),
        reminded(1, 20),
        reminded(2, 40),
        reminded(2, 40),
    ];
    let events = approvals(versions);
    let numbers: Vec<_> = events
        .iter()
        .map(|(_, data)| data["reminder"].as_u64())
        .collect();
    assert_eq!(numbers, [None, Some(1), Some(2)]);
}

#[test]
fn an_end_without_a_decision_is_undecided_and_a_rule_that_asks_no_person_skips() {
    let ended = closed_question(&approval(), at(59)).expect("it is open");
    let events = approvals(vec![approval(), ended]);
    let (_, data) = events.last().expect("events");
    assert_eq!(
        (&data["outcome"], &data["decision"]),
        (&json!("undecided"), &Value::Null)
    );
    let skipped = Question {
        state: QuestionState::Skipped {
            rule: "$input.amount > 50000".to_owned(),
            at: at(1),
        },
        ..approval()
    };
    let events = approvals(vec![skipped]);
    let [(name, data)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (*name, &data["outcome"]),
        ("workflow.approval.decided", &json!("skipped"))
    );
}

#[test]
fn an_escalation_is_no_approval() {
    assert_eq!(approvals(vec![question(&key("k"))]), []);
}
