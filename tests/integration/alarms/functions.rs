//! The causes of alarms about functions, produced on the stack.

use std::{thread, time::Duration};

use holdfast_tests::{kill, stop, workers};
use serde_json::json;

use super::{Drive, causes::function_named};

/// Calls of one function that Lambda refuses, until this drops.
struct RefusedCalls<'a>(&'a Drive);

impl Drop for RefusedCalls<'_> {
    fn drop(&mut self) {
        self.0.stack.aws.refuse_calls("plan", false);
    }
}

#[tokio::test]
async fn refused_calls_of_a_function_ring_the_alarm_for_throttling_by_lambda() {
    let drive = Drive::new().await;
    let alarm = drive.alarm("FunctionThrottleAlarm");
    let aws = &drive.stack.aws;
    // `Throttles` counts refused calls, of all functions if it has no dimension.
    assert_eq!(alarm.dimension, None);
    let throttles = || {
        let reply = aws.call("plan", &json!({}));
        f64::from(u8::from(reply.is_throttled()))
    };
    assert!(!alarm.rings_with(&[throttles()]));
    aws.refuse_calls("plan", true);
    let _refused = RefusedCalls(&drive);
    assert!(
        alarm.rings_with(&[throttles()]),
        "{:?}",
        aws.call("plan", &json!({}))
    );
}

#[tokio::test]
async fn a_request_without_an_answer_rings_the_alarm_of_its_function() {
    let drive = Drive::new().await;
    let aws = &drive.stack.aws;
    let http = json!({ "method": "POST" });
    let request = json!({ "rawPath": "/v1/none", "requestContext": { "http": http } });
    for (name, function) in [("ApiErrorAlarm", "api"), ("StartErrorAlarm", "start")] {
        let alarm = drive.alarm(name);
        // `Errors` counts calls that end in an error of the function.
        assert_eq!(alarm.metric, "Errors");
        assert_eq!(alarm.dimension, Some(function_named(function)));
        let errors = || f64::from(u8::from(aws.call(function, &request).failed));
        assert!(!alarm.rings_with(&[errors()]), "{function} answers");
        let at_work = workers(&[function]);
        stop(&at_work);
        let errors = thread::scope(|scope| {
            let call = scope.spawn(errors);
            thread::sleep(Duration::from_secs(1));
            kill(&at_work);
            call.join().expect("the call ends")
        });
        assert!(alarm.rings_with(&[errors]), "{function} died");
    }
}
