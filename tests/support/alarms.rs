//! The stack's CloudWatch alarms, and the rule by which CloudWatch evaluates them.
//!
//! The emulator stores alarms and reads no metric from a log, so that the tests evaluate them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Aws, texts};

/// An alarm as CloudFormation deployed it.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// The logical id in the template.
    pub name: String,
    /// The namespace of its metric.
    pub namespace: String,
    /// The name of its metric.
    pub metric: String,
    /// The name and the value of its dimension, if it has one.
    pub dimension: Option<(String, String)>,
    statistic: String,
    /// The number of periods that count, and the number of those that must breach.
    periods: usize,
    breaching: usize,
    threshold: f64,
    comparison: String,
    missing: String,
}

impl Alarm {
    /// Every alarm of the stack called `stack`.
    ///
    /// # Panics
    ///
    /// Panics if CloudWatch does not list them.
    pub fn all(aws: &Aws, stack: &str) -> Vec<Self> {
        let operation = "GraniteServiceVersion20100801.DescribeAlarms";
        let listed = aws.json("monitoring", operation, &json!({ "MaxRecords": 100 }));
        let alarms = listed["MetricAlarms"].as_array().expect("alarms");
        alarms.iter().map(|alarm| Self::of(alarm, stack)).collect()
    }

    fn of(alarm: &Value, stack: &str) -> Self {
        let text = |member: &str| alarm[member].as_str().unwrap_or_default().to_owned();
        let number = |member: &str| alarm[member].as_u64().map(|number| number as usize);
        // CloudFormation puts the stack before a logical id, and a random text after it.
        let name = text("AlarmName");
        let name = name.strip_prefix(&format!("{stack}-")).unwrap_or_default();
        let dimension = alarm["Dimensions"].get(0).map(|one| {
            let part = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
            (part("Name"), part("Value"))
        });
        let periods = number("EvaluationPeriods").expect("periods");
        Self {
            name: name.split('-').next().unwrap_or_default().to_owned(),
            namespace: text("Namespace"),
            metric: text("MetricName"),
            dimension,
            statistic: text("Statistic"),
            periods,
            breaching: number("DatapointsToAlarm").unwrap_or(periods),
            threshold: alarm["Threshold"].as_f64().expect("a threshold"),
            comparison: text("ComparisonOperator"),
            missing: text("TreatMissingData"),
        }
    }

    /// True if the alarm is in ALARM while every period of its range has these samples.
    pub fn rings_with(&self, samples: &[f64]) -> bool {
        self.rings(&vec![samples; self.periods])
    }

    /// True if the alarm is in ALARM after these periods, of which the newest is the last one. A
    /// period before them has no sample.
    ///
    /// Enough of the newest periods must breach, and a missing one counts as the alarm says. One
    /// that is ignored leaves a quiet alarm quiet. Source: CloudWatch user guide, pages
    /// `alarm-evaluation` and `alarms-and-missing-data`.
    ///
    /// # Panics
    ///
    /// Panics if the alarm has a setting that is unknown here.
    pub fn rings(&self, periods: &[&[f64]]) -> bool {
        let missing = match self.missing.as_str() {
            "breaching" => true,
            "notBreaching" | "ignore" => false,
            other => panic!("{}: TreatMissingData {other}", self.name),
        };
        let newest = periods.iter().rev().copied();
        let range = newest.chain(std::iter::repeat(&[][..])).take(self.periods);
        let breaches = range.filter(|samples| match samples.is_empty() {
            true => missing,
            false => self.breaches(samples),
        });
        breaches.count() >= self.breaching
    }

    fn breaches(&self, samples: &[f64]) -> bool {
        let sum: f64 = samples.iter().sum();
        let value = match self.statistic.as_str() {
            "Sum" => sum,
            "Average" => sum / samples.len() as f64,
            "Maximum" => samples.iter().copied().fold(f64::MIN, f64::max),
            other => panic!("{}: Statistic {other}", self.name),
        };
        match self.comparison.as_str() {
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "LessThanThreshold" => value < self.threshold,
            other => panic!("{}: ComparisonOperator {other}", self.name),
        }
    }

    /// The values of the alarm's metric that these functions have logged since then, as lines of
    /// CloudWatch's embedded metric format.
    pub fn emitted(&self, aws: &Aws, functions: &[&str], since: Timestamp) -> Vec<f64> {
        let lines = functions
            .iter()
            .flat_map(|function| aws.logged(function, &self.metric));
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let samples = lines.filter_map(|line| self.samples(&line, since));
        samples.flatten().collect()
    }

    /// The samples in a line, if the line declares the alarm's metric with the alarm's dimensions:
    /// a number, or a list of numbers.
    fn samples(&self, line: &Value, since: Timestamp) -> Option<Vec<f64>> {
        let meta = &line["_aws"];
        if meta["Timestamp"].as_i64()? < since.as_millisecond() {
            return None;
        }
        let own: Vec<_> = self.dimension.iter().map(|(name, _)| name).collect();
        let declared = meta["CloudWatchMetrics"].as_array()?.iter().any(|group| {
            let mut dimensions = group["Dimensions"].as_array().into_iter().flatten();
            group["Namespace"] == self.namespace.as_str()
                && dimensions.any(|one| *one == json!(own))
                && texts(&group["Metrics"], "Name").contains(&self.metric.as_str())
        });
        let same = |(name, value): &(String, String)| line[name] == value.as_str();
        let counts = declared && self.dimension.iter().all(same);
        let values = match &line[&self.metric] {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        counts.then(|| values.iter().filter_map(Value::as_f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(missing: &str) -> Alarm {
        let described = json!({
            "AlarmName": "stack-StuckAlarm-1", "Namespace": "Holdfast/stack", "MetricName": "stuck",
            "Statistic": "Maximum", "EvaluationPeriods": 4, "DatapointsToAlarm": 2, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": missing,
        });
        Alarm::of(&described, "stack")
    }

    #[test]
    fn an_alarm_rings_once_enough_of_its_newest_periods_breach() {
        let alarm = alarm("notBreaching");
        assert_eq!(alarm.name, "StuckAlarm");
        let (one, none): (&[f64], &[f64]) = (&[0.0, 1.0], &[0.0]);
        assert!(!alarm.rings(&[none, none, none, one]));
        assert!(alarm.rings(&[one, none, none, one]));
        assert!(!alarm.rings(&[one, one, none, none, none, none]));
        assert!(!alarm.rings(&[]));
    }

    #[test]
    fn missing_data_rings_only_if_the_alarm_says_so() {
        assert!(alarm("breaching").rings(&[]));
        assert!(alarm("breaching").rings(&[&[0.0], &[0.0]]));
        assert!(!alarm("breaching").rings_with(&[0.0]));
    }

    #[test]
    fn a_sample_counts_with_the_namespace_and_the_dimensions_of_the_alarm() {
        let alarm = alarm("notBreaching");
        let line = |namespace: &str, dimensions: Value| {
            json!({ "stuck": 7, "_aws": { "Timestamp": 5, "CloudWatchMetrics": [{
                "Namespace": namespace, "Dimensions": dimensions,
                "Metrics": [{ "Name": "stuck", "Unit": "Count" }] }] } })
        };
        let samples = |namespace: &str, dimensions: Value| {
            alarm.samples(&line(namespace, dimensions), Timestamp::UNIX_EPOCH)
        };
        assert_eq!(samples("Holdfast/stack", json!([[]])), Some(vec![7.0]));
        assert_eq!(samples("Holdfast/stack", json!([["workflow"]])), None);
        assert_eq!(samples("Holdfast/other", json!([[]])), None);
        let mut several = line("Holdfast/stack", json!([[]]));
        several["stuck"] = json!([7, 0]);
        let of_several = alarm.samples(&several, Timestamp::UNIX_EPOCH);
        assert_eq!(of_several, Some(vec![7.0, 0.0]));
        let later = Timestamp::from_millisecond(6).expect("a time");
        assert_eq!(
            alarm.samples(&line("Holdfast/stack", json!([[]])), later),
            None
        );
    }
}
