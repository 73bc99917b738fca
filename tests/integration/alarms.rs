//! Every alarm of the template is quiet before its cause and rings after it.
//!
//! Our own metrics are read from the functions' logs, where CloudWatch reads them. Those of AWS are
//! read as the state that AWS counts: messages of a queue, refused calls, refused requests. A cause
//! that lasts has the same sample in each period, so that no test waits for hours.

mod causes;

use std::collections::BTreeMap;

use holdfast_tests::{Alarm, Stack, variable};
use jiff::Timestamp;

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

    /// Waits until an alarm of our own metrics rings with what is emitted after `since`.
    async fn rings(&self, name: &str, since: Timestamp) {
        holdfast_tests::eventually(&format!("{name} rings"), || async {
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
