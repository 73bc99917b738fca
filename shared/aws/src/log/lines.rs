//! The form of log lines.

use std::env;

use tracing_subscriber::filter::LevelFilter;

/// Writes log lines to the standard output from now on, in the format and from the level that
/// Lambda's logging settings have.
///
/// A JSON line has its level and the fields of its event alone, among them the execution's id and
/// its trace. The default subscriber of the runtime writes the span of the request twice into each
/// line, which is more than half of its bytes. CloudWatch charges for every byte. That subscriber
/// also links a filter by module, with its regular expressions.
pub fn write_log_lines() {
    let level = env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| env::var("RUST_LOG"));
    let level = level.ok().and_then(|level| level.parse().ok());
    let lines = tracing_subscriber::fmt()
        .with_target(false)
        .without_time()
        .with_max_level(level.unwrap_or(LevelFilter::INFO));
    let format = env::var("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    if format.eq_ignore_ascii_case("json") {
        let lines = lines.json();
        let lines = lines.with_current_span(false).with_span_list(false);
        return lines.flatten_event(true).init();
    }
    lines.init();
}

#[cfg(test)]
mod tests {
    use holdfast_task::{BeginTask, FinishTask, StepCall, StepResult, StepStatus, StepTask};
    use serde_json::{Value, json};

    use crate::log::{
        RequestLine, StepAnswer, log_begin, log_finish, log_request, log_step,
        testing::{log_at, log_of},
    };

    const BEGIN: &str = include_str!("../../../../tests/events/begin.json");
    const STEP: &str = include_str!("../../../../tests/events/step-http.json");
    const FINISH: &str = include_str!("../../../../tests/events/finish.json");
    const PRICES: &str = include_str!("../../../../cli/src/cost/prices.json");
    const TEMPLATE: &str = include_str!("../../../../template.yaml");

    /// Logs the calls of a success, within the span in which the runtime calls a handler.
    fn log_a_success() {
        let span = tracing::info_span!(
            "Lambda runtime invoke",
            requestId = "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            xrayTraceId = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;\
                           Sampled=0;Lineage=1:a87bd80c:0"
        );
        let _inside = span.enter();
        let begin: BeginTask = serde_json::from_str(BEGIN).expect("a task");
        let step: StepTask = serde_json::from_str(STEP).expect("a task");
        let finish: FinishTask = serde_json::from_str(FINISH).expect("a task");
        let begun = json!({ "execution": finish.execution, "input": {} });
        log_begin(
            &begin,
            &Ok(serde_json::from_value(begun).expect("a result")),
        );
        let done = StepResult {
            status: StepStatus::Succeeded,
            output: Value::Null,
            attempt: Some(1),
        };
        log_step(&StepCall::Step(Box::new(step)), &Ok(StepAnswer::Step(done)));
        let receipt = "receipts/acme/2026/01/01/63eb91e9de7b5cbecff271345990982d17eac94b.json";
        let ended = json!({ "status": "EXECUTED", "receipt": receipt, "receipt_sha256": "" });
        log_finish(
            &finish,
            &Ok(serde_json::from_value(ended).expect("a result")),
        );
    }

    /// The lines of a log.
    fn lines_of(log: &str) -> Vec<&str> {
        log.lines()
            .filter_map(|line| line.get(line.find('{')?..))
            .collect()
    }

    /// Checks that a number of bytes is what a bill assumes, or little less.
    fn assumed(name: &str, bytes: f64, log: &str) {
        let prices: Value = serde_json::from_str(PRICES).expect("prices");
        let assumed = prices["assumed"][name].as_f64().expect(name);
        assert!(
            bytes <= assumed && bytes > 0.9 * assumed,
            "{name}: {bytes} bytes: {log}"
        );
    }

    #[test]
    fn a_line_leaves_out_the_span_of_its_request_and_is_as_long_as_a_bill_assumes() {
        let Some(log) = log_of(log_a_success) else {
            return;
        };
        let lines = lines_of(&log);
        assert_eq!(lines.len(), 3, "{log}");
        assert!(!log.contains("8476a536"), "{log}");
        let [begun, step, finished] = [0, 1, 2].map(|line| lines[line].len() as f64);
        assumed("log_bytes_of_run", begun + finished, &log);
        assumed("log_bytes_per_call", step, &log);
    }

    #[test]
    fn a_line_below_the_level_that_lambda_sets_is_not_written() {
        let log = log_at("ERROR", || {
            tracing::info!("a detail");
            tracing::error!("a failure");
        });
        if let Some(log) = log {
            assert!(
                log.contains("a failure") && !log.contains("a detail"),
                "{log}"
            );
        }
    }

    /// The line of a start by API Gateway, as the template has it.
    fn access_line() -> String {
        let (_, format) = TEMPLATE
            .split_once("          {\"requestId\":")
            .expect("a format");
        let format = format.lines().next().unwrap_or_default();
        let mut line = format!("{{\"requestId\":{format}");
        for (name, value) in [
            ("requestId", "JKJaXmPLvHcESHA="),
            ("httpMethod", "POST"),
            (
                "path",
                "/v1/workflows/WF-DELAY-VENDOR-PAYMENTS-ACME/executions",
            ),
            ("status", "202"),
            ("responseLatency", "123"),
            ("identity.sourceIp", "203.0.113.255"),
            ("error.message", "-"),
        ] {
            line = line.replace(&format!("$context.{name}\""), &format!("{value}\""));
        }
        assert!(!line.contains('$'), "{line}");
        line
    }

    #[test]
    fn the_lines_of_a_start_by_the_api_are_as_long_as_a_bill_assumes() {
        let log = log_of(|| {
            log_request(&RequestLine {
                method: "POST",
                route: "/v1/workflows/{workflow_id}/executions",
                status: 202,
                tenant: Some("acme"),
                milliseconds: 123,
                ..RequestLine::default()
            });
        });
        let Some(log) = log else {
            return;
        };
        let (lines, access) = (lines_of(&log), access_line());
        assert_eq!(lines.len(), 1, "{log}");
        let bytes = lines[0].len() + access.len();
        assumed(
            "log_bytes_of_start",
            bytes as f64,
            &format!("{log}{access}"),
        );
    }
}
