//! Tests of the log lines of a batch: shared declarations change no value of a metric.

use std::collections::BTreeMap;

use super::{
    measurements::{origin, tried},
    *,
};

const NAMESPACE: &str = "Holdfast/test";

/// The values of each metric by its dimensions and its minute, as CloudWatch reads them from lines.
fn values(lines: &[Value]) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in lines {
        let declared = line["_aws"]["CloudWatchMetrics"].as_array();
        for declaration in declared.into_iter().flatten() {
            let sets = declaration["Dimensions"].as_array().expect("dimensions");
            let metrics = declaration["Metrics"].as_array().expect("metrics");
            for (set, metric) in sets
                .iter()
                .flat_map(|set| metrics.iter().map(move |one| (set, one)))
            {
                let names = set.as_array().expect("names").iter();
                let dimensions: Vec<_> = names
                    .map(|name| line[name.as_str().expect("a name")].clone())
                    .collect();
                let at = line["_aws"]["Timestamp"].as_i64().expect("a time");
                let place = json!([metric["Name"], set, dimensions, at / 60_000]).to_string();
                let value = &line[metric["Name"].as_str().expect("a name")];
                let read = value.as_array().cloned();
                let read = read.unwrap_or_else(|| vec![value.clone()]);
                assert!(read.len() <= 100, "{line}");
                let numbers = read.iter().map(|one| one.as_i64().expect("a number"));
                found.entry(place).or_default().extend(numbers);
            }
        }
    }
    found.values_mut().for_each(|all| all.sort_unstable());
    found
}

/// The end of an execution at a second, in one batch with the end of its step.
fn ended(batch: &mut MetricBatch, name: &str, second: i64, outcome: AttemptOutcome) {
    let of = key(name);
    let state = match outcome {
        AttemptOutcome::Succeeded => StepState::Succeeded,
        _ => StepState::FailedClean,
    };
    let done = step(&of, state, vec![tried("a", second, second + 2, outcome)]);
    for one in measurements(None, &recorded(&done), &origin()) {
        batch.measurement(&about(), one);
    }
    let mut record = fixture_execution(&of);
    record.phase = Phase::Ended {
        status: Status::Executed,
        at: at(second + 3),
        failure: None,
    };
    for event in events(None, &execution(&record), &about(), at(second + 4)) {
        batch.event(&event);
    }
}

#[test]
fn lines_that_share_a_declaration_have_every_value_of_the_lines_of_each_execution() {
    let (mut all, mut each) = (MetricBatch::default(), Vec::new());
    // Two minutes, more executions than a line has values, and two outcomes.
    for number in 0..230 {
        let outcome = match number % 7 {
            0 => AttemptOutcome::Permanent,
            _ => AttemptOutcome::Succeeded,
        };
        let (name, second) = (format!("k-{number}"), number % 90);
        ended(&mut all, &name, second, outcome);
        let mut alone = MetricBatch::default();
        ended(&mut alone, &name, second, outcome);
        each.extend(alone.lines(NAMESPACE, true));
    }
    let shared = all.lines(NAMESPACE, true);
    assert_eq!(values(&shared), values(&each));
    let bytes = |lines: &[Value]| lines.iter().map(|one| one.to_string().len()).sum::<usize>();
    assert!(bytes(&shared) < bytes(&each) * 2 / 3);
}

#[test]
fn failed_attempts_and_the_longest_others_have_a_line_with_their_execution() {
    let mut batch = MetricBatch::default();
    for number in 0..40 {
        let of = key(&format!("k-{number}"));
        let (state, outcome) = match number % 10 {
            0 => (StepState::FailedClean, AttemptOutcome::Permanent),
            _ => (StepState::Succeeded, AttemptOutcome::Succeeded),
        };
        let last = tried("b", 120, 120 + number, outcome);
        // A step that was retried took long, whatever its last attempt took.
        let attempts = match number {
            1 => vec![tried("a", 0, 1, AttemptOutcome::Transient), last],
            _ => vec![last],
        };
        let done = step(&of, state, attempts);
        for one in measurements(None, &recorded(&done), &origin()) {
            batch.measurement(&about(), one);
        }
    }
    let lines = batch.lines(NAMESPACE, false);
    let named = lines
        .iter()
        .filter(|line| line["attempt_duration"].is_i64());
    let mut named: Vec<_> = named
        .map(|line| {
            let execution = line["execution"].as_str().expect("an execution");
            (
                line["attempt_duration"].as_i64().expect("a time"),
                execution,
            )
        })
        .collect();
    named.sort_unstable();
    let expected = [0, 1, 10, 20, 30, 38, 39];
    let expected = expected.map(|second| (second * 1_000, key(&format!("k-{second}")).execution));
    let expected: Vec<_> = expected
        .iter()
        .map(|(millis, of)| (*millis, of.as_str()))
        .collect();
    assert_eq!(named, expected);
}

#[test]
fn a_single_value_is_a_number_and_its_line_names_its_execution() {
    let mut batch = MetricBatch::default();
    ended(&mut batch, "k-1", 5, AttemptOutcome::Succeeded);
    let lines = batch.lines(NAMESPACE, false);
    assert!(lines.iter().all(|line| line.get("_aws").is_some()));
    let end = lines
        .iter()
        .find(|line| line.get("attempt_duration").is_some());
    let end = end.expect("the end of the step");
    assert_eq!(end["attempt_duration"], 2_000);
    assert_eq!(end["execution"], key("k-1").execution);
}
