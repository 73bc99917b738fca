//! Tests of outages: the ledger, the store or the key is away for an hour, from each call on.

use holdfast_drill::{Drill, Service, Settings};

use crate::set_up::{actions, files, read, shipped};

/// Runs every outage of a service, and returns the statuses.
fn statuses(name: &str, drill: &Drill, service: Service) -> Vec<String> {
    let outcomes = drill.outages(service).expect("they run");
    let ended = outcomes.into_iter().map(|outcome| {
        let story = outcome.story.join("\n");
        assert_eq!(outcome.violations, [""; 0], "{name}, {service:?}:\n{story}");
        assert!(outcome.receipt.is_some(), "{name}, {service:?}:\n{story}");
        outcome.status.expect("a status")
    });
    ended.collect()
}

#[test]
fn after_an_hour_without_a_service_every_workflow_rests_within_half_an_hour() {
    for file in files() {
        let drill = shipped(&file, None, Settings::default());
        for service in Service::ALL {
            let statuses = statuses(&file, &drill, service);
            assert!(statuses.len() > 10, "{file}: {statuses:?}");
            // Only the end needs the key. A step may need the other two.
            if service == Service::Key {
                let executed = statuses.iter().all(|status| status == "EXECUTED");
                assert!(executed, "{file}, {service:?}: {statuses:?}");
            }
        }
    }
}

#[test]
fn a_success_is_finished_after_an_outage_whatever_the_definition_ends_with() {
    let hold = "action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}";
    for (name, end) in [
        ("wait", "{ name: last, wait: 1m }".to_owned()),
        (
            "approval",
            "{ name: last, approve: { message: 'good?' }, decide_within: 5m }".to_owned(),
        ),
        (
            "for_each",
            format!(
                "{{ name: last, for_each: {{ items: '{{% [1, 2, 3] %}}', item_key: '{{% $string($item) %}}', \
                 steps: [{{ name: one, {hold} }}] }} }}"
            ),
        ),
    ] {
        let source = format!(
            "workflow: WF-ENDS\nversion: 1\ninput: {{ type: object }}\nsteps:\n  \
             - {{ name: hold, {hold} }}\n  - {end}\n"
        );
        let drill = Drill::new(&read(&source), name, &actions(), None, Settings::default());
        let drill = drill.expect("it executes");
        for service in Service::ALL {
            let statuses = statuses(name, &drill, service);
            assert_eq!(
                statuses.last().map(String::as_str),
                Some("EXECUTED"),
                "{name}"
            );
        }
    }
}
