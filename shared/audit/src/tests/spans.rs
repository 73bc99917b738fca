//! Tests of spans: one trace per execution, each span once under a stable id, no payloads.

use std::collections::{BTreeMap, HashSet};

use holdfast_ids::keys::undo_key;
use holdfast_ledger::{
    Question, QuestionState, Ruling,
    fixtures::{inline, question},
};
use holdfast_receipt::{Decision, Vote};
use holdfast_task::QuestionKind;

use super::{
    measurements::{origin, tried},
    *,
};

/// The spans of the changes between successive versions of one record.
fn spans_of(versions: &[Record]) -> Vec<Span> {
    let before = std::iter::once(None).chain(versions.iter().map(Some));
    before
        .zip(versions)
        .flat_map(|(old, new)| spans(old, new, &origin()))
        .collect()
}

fn named(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

fn ruled(question: Question, decision: Decision, votes: Vec<Vote>) -> Question {
    let ruling = Ruling {
        decision,
        by: "alice".to_owned(),
        reason: "hidden".to_owned(),
        at: at(40),
        incident: None,
    };
    Question {
        state: QuestionState::Ruled {
            ruling,
            delivered: false,
        },
        votes,
        ..question
    }
}

fn vote(by: &str, second: i64) -> Vote {
    Vote {
        decision: Decision::Approve,
        by: by.to_owned(),
        group: Some("cfo".to_owned()),
        acting_for: None,
        in_place_of_group: false,
        at: at(second),
        reason: "hidden".to_owned(),
        shown_sha256: String::new(),
    }
}

fn as_record(question: &Question) -> Record {
    Record::Question(Box::new(question.clone()))
}

/// The versions of the records of an execution: a retried step, an escalation, its undo, its end.
fn story() -> Vec<Vec<Record>> {
    let of = key("k");
    let refused = tried("a", 2, 3, AttemptOutcome::Transient);
    let failed = tried("b", 10, 14, AttemptOutcome::Unknown);
    let undone = |state, undos| StepRecord {
        undo_attempts: undos,
        input: inline(json!({ "vendor_id": "hidden" })),
        item: Some("hidden".to_owned()),
        ..step(&of, state, vec![refused.clone(), failed.clone()])
    };
    let waiting = StepState::Waiting { until: at(10) };
    let steps = [
        step(&of, running("a", 30), vec![attempt("a", None)]),
        step(&of, waiting, vec![refused.clone()]),
        undone(StepState::Unknown, Vec::new()),
        undone(
            StepState::Undone,
            vec![tried("u", 50, 52, AttemptOutcome::Succeeded)],
        ),
    ];
    let open = Question {
        message: "hidden".to_owned(),
        ..question(&of)
    };
    let questions = [open.clone(), ruled(open, Decision::Rollback, Vec::new())];
    let mut begun = fixture_execution(&of);
    begun.subject = Some("hidden".to_owned());
    let rolled_back = ended(&begun, Status::RolledBack, Some(failure()));
    vec![
        steps.iter().map(recorded).collect(),
        questions.iter().map(as_record).collect(),
        vec![
            execution(&begun),
            execution(&rolled_back),
            execution(&receipted(&rolled_back)),
        ],
    ]
}

#[test]
fn an_execution_is_one_trace_whose_spans_have_their_parents_in_it() {
    let all: Vec<_> = story().iter().flat_map(|of| spans_of(of)).collect();
    let expected = [
        "step hold",
        "step hold",
        "undo hold",
        "decide hold",
        "wait hold",
        "execution WF-HOLD",
    ];
    assert_eq!(named(&all), expected);
    let ids: HashSet<_> = all.iter().map(|span| span.id.clone()).collect();
    assert_eq!(ids.len(), all.len(), "no id is doubled: {all:#?}");
    let (roots, parts): (Vec<_>, Vec<_>) = all.iter().partition(|span| span.parent.is_none());
    assert_eq!(roots.len(), 1);
    for span in parts {
        let parent = span.parent.as_ref().expect("a parent");
        assert!(ids.contains(parent), "{span:?}");
    }
    let traces: HashSet<_> = all.iter().map(|span| span.trace.to_string()).collect();
    assert_eq!(traces, [origin().trace.to_string()].into());
}

#[test]
fn a_change_that_is_delivered_again_yields_the_same_spans() {
    for versions in story() {
        assert_eq!(spans_of(&versions), spans_of(&versions));
        let last = versions.last().expect("a version");
        assert_eq!(spans(Some(last), last, &origin()), []);
    }
}

#[test]
fn the_span_of_an_attempt_is_the_one_that_its_target_receives() {
    let all = spans_of(&story()[0]);
    let of = step(&key("k"), StepState::Unknown, Vec::new());
    let undo = undo_key(&of.key);
    for (span, key, number) in [
        (&all[0], &of.key, 1),
        (&all[1], &of.key, 2),
        (&all[2], &undo, 1),
    ] {
        let received = span.trace.traceparent(key, number);
        assert_eq!(received, format!("00-{}-{}-01", span.trace, span.id));
    }
}

#[test]
fn an_attempt_that_a_redrive_finds_lost_is_a_part_of_the_generation_that_claimed_it() {
    let of = key("k");
    let lost = tried("a", 2, 90, AttemptOutcome::Lost);
    let claimed = step(&of, running("a", 30), vec![attempt("a", None)]);
    let next = StepRecord {
        execution_generation: 1,
        ..step(
            &of,
            running("b", 120),
            vec![lost.clone(), attempt("b", None)],
        )
    };
    let done = StepRecord {
        state: StepState::Succeeded,
        attempts: vec![lost, tried("b", 90, 95, AttemptOutcome::Succeeded)],
        ..next.clone()
    };
    let steps = spans_of(&[recorded(&claimed), recorded(&next), recorded(&done)]);
    let first = ended(&fixture_execution(&of), Status::Failed, Some(failure()));
    let second = ExecutionRecord {
        generation: 1,
        past: Vec::new(),
        redriven: Some(Redrive {
            generation: 1,
            by: "zoe".to_owned(),
            reason: "mended".to_owned(),
            at: at(85),
            machine: None,
        }),
        ..ended(&fixture_execution(&of), Status::Executed, None)
    };
    let generations: Vec<_> = [first, second]
        .iter()
        .flat_map(|of| spans_of(&[execution(of)]))
        .collect();
    assert_eq!(steps[0].parent.as_ref(), Some(&generations[0].id));
    assert_eq!(steps[1].parent.as_ref(), Some(&generations[1].id));
    assert_eq!(generations[1].parent.as_ref(), Some(&generations[0].id));
    assert!(
        generations[1].end >= generations[1].start,
        "never before its start"
    );
}

#[test]
fn each_vote_on_an_approval_is_a_decision_and_a_rule_that_asks_no_person_has_no_span() {
    let open = Question {
        kind: QuestionKind::Approval,
        ..question(&key("k"))
    };
    let one = Question {
        votes: vec![vote("bob", 20)],
        ..open.clone()
    };
    let both = ruled(
        one.clone(),
        Decision::Approve,
        vec![vote("bob", 20), vote("alice", 40)],
    );
    let all = spans_of(&[as_record(&open), as_record(&one), as_record(&both)]);
    assert_eq!(named(&all), ["decide hold", "decide hold", "wait hold"]);
    assert_eq!(all[0].parent.as_ref(), Some(&all[2].id));
    let skipped = Question {
        state: QuestionState::Skipped {
            at: at(1),
            rule: "hidden".to_owned(),
        },
        ..open
    };
    assert_eq!(spans_of(&[as_record(&skipped)]), []);
}

#[test]
fn only_a_failure_sets_a_status() {
    let failed: BTreeMap<_, _> = [
        AttemptOutcome::Succeeded,
        AttemptOutcome::Halted,
        AttemptOutcome::Transient,
        AttemptOutcome::Permanent,
        AttemptOutcome::Unknown,
        AttemptOutcome::Lost,
    ]
    .into_iter()
    .map(|outcome| {
        let of = step(
            &key("k"),
            StepState::Unknown,
            vec![tried("a", 2, 3, outcome)],
        );
        (outcome.name(), spans_of(&[recorded(&of)])[0].error.clone())
    })
    .collect();
    for (outcome, error) in failed {
        let succeeded = matches!(outcome, "succeeded" | "halted");
        assert_eq!(error.is_none(), succeeded, "{outcome}");
    }
    let withdrawn = Failure {
        error: "Withdrawn".to_owned(),
        ..failure()
    };
    let begun = fixture_execution(&key("k"));
    for (status, failure, error) in [
        (Status::Executed, None, None),
        (Status::RolledBack, Some(withdrawn), None),
        (Status::RolledBack, Some(failure()), Some("Permanent")),
        (Status::Rejected, None, Some("REJECTED")),
    ] {
        let of = spans_of(&[execution(&ended(&begun, status, failure))]);
        assert_eq!(of[0].error.as_deref(), error, "{status:?}");
    }
}

#[test]
fn an_export_has_the_form_of_otlp_json_and_no_payload_reason_or_person() {
    let resource = SpanResource {
        stack: "holdfast".to_owned(),
        region: "eu-central-1".to_owned(),
    };
    let all: Vec<_> = story().iter().flat_map(|of| spans_of(of)).collect();
    let request = export_request(&resource, &all);
    let text = request.to_string();
    for hidden in ["hidden", "alice"] {
        assert!(!text.contains(hidden), "{text}");
    }
    let scope = &request["resourceSpans"][0]["scopeSpans"][0];
    let (refused, root) = (&scope["spans"][0], &scope["spans"][5]);
    let attribute =
        |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    assert_eq!(
        *refused,
        json!({
            "traceId": all[0].trace.to_string(),
            "spanId": all[0].id.to_string(),
            "name": "step hold",
            "kind": 3,
            "startTimeUnixNano": at(2).as_nanosecond().to_string(),
            "endTimeUnixNano": at(3).as_nanosecond().to_string(),
            "attributes": [
                attribute("holdfast.tenant", "acme"),
                attribute("holdfast.workflow", "WF-HOLD"),
                attribute("holdfast.execution", &key("k").execution),
                { "key": "holdfast.workflow.version", "value": { "intValue": "1" } },
                attribute("holdfast.step", "hold"),
                { "key": "holdfast.attempt", "value": { "intValue": "1" } },
                attribute("holdfast.action", "vendor-hold"),
                attribute("holdfast.outcome", "transient"),
                attribute("error.type", "transient"),
            ],
            "parentSpanId": root["spanId"],
            "status": { "code": 2, "message": "transient" },
        })
    );
    assert_eq!(root["parentSpanId"], Value::Null);
    let resource = &request["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(resource[1], attribute("service.namespace", "holdfast"));
}
