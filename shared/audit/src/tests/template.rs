//! Tests of the template: its dashboard shows the metrics that are emitted, and no others.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use super::Metric;

pub(super) fn project(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dashboard() -> Value {
    let template = project("template.yaml");
    let (_, after) = template
        .split_once("DashboardBody: !Sub |\n")
        .expect("the template has a dashboard");
    let indented = after
        .lines()
        .take_while(|line| line.starts_with("        "));
    let body: String = indented.collect();
    serde_json::from_str(&body).expect("the dashboard is JSON")
}

/// The names of our metrics that the dashboard shows.
fn dashboard_metrics() -> BTreeSet<String> {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().expect("widgets");
    let mut names = BTreeSet::new();
    let graphs = widgets.iter().filter(|widget| widget["type"] == "metric");
    for row in
        graphs.flat_map(|widget| widget["properties"]["metrics"].as_array().expect("metrics"))
    {
        if row[0] == "Holdfast/${AWS::StackName}" {
            names.insert(row[1].as_str().expect("a name").to_owned());
        }
        if let Some(search) = row[0]["expression"].as_str()
            && search.contains("{\"Holdfast/")
            && let Some((_, name)) = search.split_once("MetricName=\"")
        {
            names.insert(name.split('"').next().unwrap_or_default().to_owned());
        }
    }
    names
}

#[test]
fn the_dashboard_shows_every_metric_that_is_emitted_and_no_other() {
    let emitted: BTreeSet<_> = Metric::ALL
        .iter()
        .map(|metric| metric.name().to_owned())
        .collect();
    assert_eq!(dashboard_metrics(), emitted);
}

#[test]
fn the_dashboard_finds_the_metrics_of_steps_and_targets_by_their_dimensions() {
    let dashboard = dashboard().to_string();
    for (metric, dimensions) in [
        ("step_duration", "workflow,step"),
        ("step_attempts", "workflow,step"),
        ("queue_time", "workflow,step"),
        ("decision_time", "workflow,step"),
        ("attempt_duration", "target"),
    ] {
        let search = format!(
            "{{\\\"Holdfast/${{AWS::StackName}}\\\",{dimensions}}} MetricName=\\\"{metric}\\\""
        );
        assert!(dashboard.contains(&search), "{search}");
    }
    for member in ["attempt_duration", "workflow", "step", "target", "outcome"] {
        assert!(dashboard.contains(member), "{member}");
    }
}

/// The metrics of AWS that the dashboard and alarms use, as AWS documents them.
pub(super) const OF_AWS: [(&str, &[&str]); 5] = [
    ("AWS/ApiGateway", &["4xx", "5xx", "Latency"]),
    (
        "AWS/DynamoDB",
        &["ReadThrottleEvents", "WriteThrottleEvents"],
    ),
    (
        "AWS/Lambda",
        &["Duration", "Errors", "IteratorAge", "Throttles"],
    ),
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
    (
        "AWS/States",
        &[
            "ExecutionThrottled",
            "ExecutionsFailed",
            "ExecutionsTimedOut",
        ],
    ),
];

#[test]
fn the_receipt_bucket_locks_objects_with_the_mode_and_days_of_the_parameters() {
    // The emulator drops the property. Another test checks the effect of a lock on a bucket that it
    // locks itself.
    let template = project("template.yaml");
    let (_, bucket) = template
        .split_once("\n  ReceiptBucket:\n")
        .expect("the template has the bucket");
    let bucket = bucket.split("\n\n").next().unwrap_or_default();
    for line in [
        "ObjectLockEnabled: !If [LocksReceipts, true, !Ref AWS::NoValue]",
        "ObjectLockConfiguration: !If\n        - LocksReceipts\n        - ObjectLockEnabled: Enabled",
        "Rule: { DefaultRetention: { Mode: !Ref ReceiptLockMode, Days: !Ref ReceiptLockDays } }",
        "DeletionPolicy: Retain",
    ] {
        assert!(bucket.contains(line), "{line} in {bucket}");
    }
    let condition = "LocksReceipts: !Not [!Equals [!Ref ReceiptLockDays, 0]]";
    assert!(template.contains(condition), "{condition}");
}

#[test]
fn the_dashboard_shows_metrics_that_aws_has() {
    let dashboard = dashboard().to_string();
    for (namespace, metrics) in OF_AWS {
        for metric in metrics {
            let rows = [
                format!("[\"{namespace}\",\"{metric}\","),
                format!("SEARCH('{{{namespace},"),
            ];
            assert!(
                dashboard.contains(&rows[0]) || dashboard.contains(&rows[1]),
                "{metric}"
            );
        }
    }
    let named = dashboard.split("AWS/").skip(1);
    for text in named {
        let (namespace, rest) = text.split_once([',', '"']).expect("a namespace");
        let of = OF_AWS
            .iter()
            .find(|(name, _)| name.strip_prefix("AWS/") == Some(namespace));
        let (_, metrics) = of.unwrap_or_else(|| panic!("AWS/{namespace}"));
        let known = |metric: &&&str| {
            rest.starts_with(&format!(",\"{metric}\""))
                || rest.contains(&format!("MetricName=\\\"{metric}\\\""))
        };
        assert!(metrics.iter().any(|metric| known(&metric)), "AWS/{text}");
    }
}
