//! Tests of the template's alarms: each watches a metric that is emitted with these dimensions, and
//! nothing asynchronous fails without one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::{
    Metric, emf,
    template::{OF_AWS, project},
};

/// The dimension by which each AWS metric is watched, as AWS documents it: SQS developer guide,
/// page `sqs-available-cloudwatch-metrics`; Lambda developer guide, page
/// `monitoring-metrics-types`; DynamoDB developer guide, page `metrics-dimensions`. Lambda emits
/// `Throttles` for all functions of a region too, without a dimension.
const DIMENSIONS: [(&str, &str, &str); 7] = [
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/Lambda", "IteratorAge", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", ""),
    ("AWS/DynamoDB", "WriteThrottleEvents", "TableName"),
    ("AWS/DynamoDB", "ReadThrottleEvents", "TableName"),
];

/// The template's resources of a type: their text, by name.
fn resources(kind: &str) -> BTreeMap<String, String> {
    let template = project("template.yaml");
    let (_, resources) = template.split_once("\nResources:\n").expect("resources");
    let resources = resources.split("\nOutputs:").next().unwrap_or_default();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in resources.lines() {
        let top = line.starts_with("  ") && !line.starts_with("   ");
        if top && line.ends_with(':') && !line.trim_start().starts_with('#') {
            name = line.trim().trim_end_matches(':').to_owned();
        }
        if !line.trim_start().starts_with('#') {
            let text = found.entry(name.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    let wanted = format!("\n    Type: {kind}\n");
    found.retain(|_, text| text.contains(&wanted));
    assert!(!found.is_empty(), "{kind}");
    found
}

fn field<'a>(resource: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = resource.lines();
    lines.find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn every_alarm_watches_a_metric_that_is_emitted_with_these_dimensions_and_names_its_page() {
    let pages = project("docs/alarms.md");
    let line = emf(
        "Holdfast/x",
        &[(Metric::AuditLag, 1)],
        None,
        false,
        Timestamp::UNIX_EPOCH,
    );
    let whole = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0];
    assert_eq!(*whole, json!([]), "our metrics exist without dimensions");
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (name, alarm) in &alarms {
        let field = |member| field(alarm, member).unwrap_or_else(|| panic!("{name}: {member}"));
        let (namespace, metric) = (field("Namespace"), field("MetricName"));
        let dimension = alarm
            .split_once("Dimensions: [{ Name: ")
            .and_then(|(_, rest)| rest.split(',').next())
            .unwrap_or_default();
        if namespace == "!Sub \"Holdfast/${AWS::StackName}\"" {
            let known = Metric::ALL.iter().any(|known| known.name() == metric);
            assert!(
                known && dimension.is_empty(),
                "{name}: {metric} {dimension}"
            );
        } else {
            let known = DIMENSIONS.contains(&(namespace, metric, dimension));
            assert!(known, "{name}: {namespace} {metric} {dimension}");
            let mut of_aws = OF_AWS.iter();
            let shown = of_aws.any(|(of, names)| *of == namespace && names.contains(&metric));
            assert!(shown, "{name}: {metric} is not on the dashboard");
        }
        assert_eq!(
            field("AlarmActions").trim_start_matches("&alarm-actions "),
            match name.as_str() {
                "UndeliveredAlarm" =>
                    "!If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]",
                _ => "*alarm-actions",
            }
        );
        let described = field("AlarmDescription");
        let (_, page) = described.split_once("docs/alarms.md#").expect(described);
        assert!(pages.contains(&format!("\n## {page}\n")), "{page}");
        assert!(pages.contains(&format!("`{name}`")), "{name} is on no page");
    }
    assert!(alarms.len() > 5, "{alarms:?}");
}

#[test]
fn every_queue_that_keeps_what_failed_has_an_alarm_for_its_messages() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    let watched = |queue: &str, metric: &str| {
        alarms.values().any(|alarm| {
            alarm.contains(&format!("!GetAtt {queue}.QueueName"))
                && field(alarm, "MetricName") == Some(metric)
        })
    };
    for queue in resources("AWS::SQS::Queue").keys() {
        let metric = match queue.as_str() {
            // A message there is work, which only must not wait.
            "StatusEventQueue" => "ApproximateAgeOfOldestMessage",
            _ => "ApproximateNumberOfMessagesVisible",
        };
        assert!(watched(queue, metric), "no alarm watches {queue}");
    }
}

#[test]
fn an_event_that_a_rule_or_a_schedule_cannot_deliver_goes_to_a_queue() {
    for (name, rule) in resources("AWS::Events::Rule") {
        assert!(rule.contains("DeadLetterConfig: { Arn: !GetAtt "), "{name}");
    }
    for (name, schedule) in resources("AWS::Scheduler::Schedule") {
        assert!(
            schedule.contains("DeadLetterConfig: { Arn: !GetAtt "),
            "{name}"
        );
    }
    let scheduled = resources("AWS::Serverless::Function");
    let scheduled = scheduled
        .iter()
        .filter(|(_, text)| text.contains("Type: Schedule"));
    let mut names = BTreeSet::new();
    for (name, function) in scheduled {
        let (_, event) = function.split_once("Type: Schedule").expect("an event");
        assert!(
            event.contains("DeadLetterConfig: { Arn: !GetAtt "),
            "{name}"
        );
        names.insert(name.clone());
    }
    assert_eq!(
        names,
        ["DigestFunction", "RecoverFunction"]
            .map(str::to_owned)
            .into()
    );
}

#[test]
fn a_function_that_is_invoked_asynchronously_keeps_its_failures() {
    let kept = resources("AWS::Lambda::EventInvokeConfig");
    for function in ["DigestFunction", "RecoverFunction"] {
        let text = kept
            .values()
            .find(|text| field(text, "FunctionName") == Some(&format!("!Ref {function}")));
        let text = text.unwrap_or_else(|| panic!("{function} drops its failures"));
        assert!(text.contains("OnFailure: { Destination: !GetAtt FailedInvocations.Arn }"));
    }
}

#[test]
fn no_rule_invokes_a_function_whose_event_would_be_dropped_after_three_tries() {
    for (name, function) in resources("AWS::Serverless::Function") {
        assert!(!function.contains("Type: EventBridgeRule"), "{name}");
    }
    for (name, rule) in resources("AWS::Events::Rule") {
        assert!(!rule.contains("Function.Arn"), "{name}");
    }
}

/// The number of seconds in a field.
fn seconds(resource: &str, name: &str) -> u64 {
    let text = field(resource, name).expect(name);
    text.parse().expect("a number")
}

#[test]
fn the_age_alarm_rings_before_a_status_event_is_received_a_third_time() {
    // SQS leaves a message that was received three times out of the age.
    let queues = resources("AWS::SQS::Queue");
    let hidden = seconds(&queues["StatusEventQueue"], "VisibilityTimeout");
    let functions = resources("AWS::Serverless::Function");
    let longest = seconds(&functions["RecoverFunction"], "Timeout");
    assert!(longest <= hidden, "Lambda refuses such a source");
    let alarms = resources("AWS::CloudWatch::Alarm");
    let rings = seconds(&alarms["StatusEventAlarm"], "Threshold");
    assert!((hidden..2 * hidden).contains(&rings), "{rings}");
}
