//! Tests of the subject in audit events: every event of an execution has it, and none for observers.

use super::*;
use holdfast_ledger::{Cause, Link};

fn of_order() -> ExecutionRecord {
    let mut execution = fixture_execution(&key("k"));
    execution.subject = Some("order 4711".to_owned());
    execution.shown = vec![("amount".to_owned(), "1250.5".to_owned())];
    execution
}

fn published(record: &Record) -> Vec<Value> {
    let about = record.about().unwrap_or_else(|| About::of(&of_order()));
    let events = events(None, record, &about, at(99)).into_iter();
    events
        .map(|event| event.cloud_event("holdfast/test"))
        .collect()
}

#[test]
fn every_event_of_an_execution_and_of_its_incident_has_the_subject() {
    let order = of_order();
    let cause = Cause {
        tenant: "acme",
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "",
        standing: true,
        execution: None,
    };
    let incident = cause.incident(&order, "it is locked", at(1));
    let link = Link {
        standing: true,
        ..Link::waiting(&incident.id, &order, "", at(2))
    };
    let step = step(&key("k"), running("a", 60), vec![attempt("a", None)]);
    for record in [
        execution(&ended(&order, Status::Failed, Some(failure()))),
        recorded(&step),
        Record::Incident(Box::new(incident)),
        Record::Link(Box::new(link)),
    ] {
        let events = published(&record);
        assert!(!events.is_empty());
        for event in events {
            assert_eq!(event["workflowsubject"], "order 4711", "{event}");
        }
    }
}

#[test]
fn an_event_without_inputs_names_no_subject_and_no_shown_field() {
    let record = execution(&of_order());
    let started = &published(&record)[0];
    let amount = json!([{ "label": "amount", "value": "1250.5" }]);
    assert_eq!(started["data"]["shown"], amount);
    for mut event in events(None, &record, &About::of(&of_order()), at(99)) {
        event.remove_inputs();
        let text = event.cloud_event("holdfast/test").to_string();
        assert!(!text.contains("4711") && !text.contains("1250.5"), "{text}");
    }
}
