//! Every alarm of the template is quiet before its cause and rings after it.
//!
//! Our own metrics are read from the functions' logs, where CloudWatch reads them. Those of AWS are
//! read as the state that AWS counts: messages of a queue, refused and failed calls, refused
//! requests. A cause that lasts has the same sample in each period, so that no test waits for
//! hours.

mod causes;
mod functions;

use std::collections::BTreeMap;

use holdfast_tests::{Alarm, Stack, eventually, unique, variable};
use jiff::Timestamp;
use serde_json::json;

use crate::standing::STANDS;

/// The functions that emit metrics.
const EMITTERS: [&str; 4] = ["audit", "begin", "digest", "recover"];

/// The stack while a test drives its alarms.
struct Drive {
    stack: Stack,
    alarms: BTreeMap<String, Alarm>,
}

impl Drive {
    async fn new() -> Self {
        let stack = Stack::alone().await;
        let alarms = Alarm::all(&stack.aws, &variable("HOLDFAST_STACK"));
        let alarms = alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm));
        Self {
            alarms: alarms.collect(),
            stack,
        }
    }

    fn alarm(&self, name: &str) -> &Alarm {
        let found = self.alarms.get(name);
        found.unwrap_or_else(|| panic!("the stack has no {name}"))
    }

    /// Asserts that an alarm of our own metrics does not ring with what is emitted after `since`.
    /// Returns the time, after which the test produces the cause.
    fn quiet(&self, name: &str, since: Timestamp) -> Timestamp {
        let samples = self.emitted(name, since);
        assert!(
            !self.alarm(name).rings_with(&samples),
            "{name} before its cause: {samples:?}"
        );
        Timestamp::now()
    }

    fn emitted(&self, name: &str, since: Timestamp) -> Vec<f64> {
        self.alarm(name).emitted(&self.stack.aws, &EMITTERS, since)
    }

    /// Ends an execution well, and gives a time since which no other rate of success was counted:
    /// an execution that another test left may end badly meanwhile.
    async fn only_a_good_end(&self) -> Timestamp {
        eventually("only a good end is counted", || async {
            let since = Timestamp::now();
            let input = json!({ "vendor_id": unique("vendor") });
            let id = self
                .stack
                .api
                .started(STANDS, &unique("fine"), &input)
                .await;
            self.stack.api.finished(&id).await;
            let rates = eventually("the good end is counted", || async {
                let rates = self.emitted("SuccessRateAlarm", since);
                let counted = rates.contains(&1.0);
                counted.then_some(rates).ok_or("not yet".to_owned())
            })
            .await;
            (rates == [1.0])
                .then_some(since)
                .ok_or(format!("{rates:?}"))
        })
        .await
    }

    /// Waits until an alarm of our own metrics rings with what is emitted after `since`.
    async fn rings(&self, name: &str, since: Timestamp) {
        eventually(&format!("{name} rings"), || async {
            let samples = self.emitted(name, since);
            let rings = !samples.is_empty() && self.alarm(name).rings_with(&samples);
            rings.then_some(()).ok_or(format!("{samples:?}"))
        })
        .await;
    }
}

#[tokio::test]
async fn every_alarm_of_the_stack_has_a_test_that_makes_it_ring() {
    let drive = Drive::new().await;
    let known: Vec<_> = drive.alarms.keys().map(String::as_str).collect();
    assert_eq!(known, causes::ALARMS);
}
