//! Contributions: what one change of a record adds to the statistics of its tenant and workflow.

use holdfast_ledger::{Statistics, StatisticsKey, StepStatistics, hour_of};
use jiff::Timestamp;

use crate::{
    about::About, data::EventData, event::Event, measurement::Measurement, metrics::Metric,
    metrics::metrics,
};

/// The additions of a change, each with its place. `events` and `measured` are those of the change,
/// so that statistics count exactly what metrics count.
pub fn contributions(
    events: &[Event],
    measured: &[Measurement],
    about: &About,
) -> Vec<(StatisticsKey, Statistics)> {
    let place = |at: Timestamp| StatisticsKey {
        tenant: about.tenant.clone(),
        hour: hour_of(at),
        workflow: about.workflow.clone(),
    };
    let of_events = events
        .iter()
        .filter_map(|event| Some((place(event.at), of_event(event)?)));
    let of_steps = measured
        .iter()
        .filter_map(|one| Some((place(one.at), of_measurement(one)?)));
    of_events.chain(of_steps).collect()
}

fn of_event(event: &Event) -> Option<Statistics> {
    match &event.data {
        EventData::Started(started) if started.generation == 0 => Some(Statistics {
            started: 1,
            ..Statistics::default()
        }),
        EventData::Completed(end) => {
            // The metrics leave out what is rolled back on request after its end.
            let counted = metrics(event).into_iter();
            let duration = counted
                .filter(|(metric, _)| *metric == Metric::TimeToComplete)
                .map(|(_, ms)| positive(ms))
                .next();
            let mut sums = Statistics::default();
            match duration {
                None => sums.withdrawn = 1,
                Some(ms) => {
                    sums.completed_ms = ms;
                    sums.ended.insert(end.status.name().to_owned(), 1);
                }
            }
            Some(sums)
        }
        _ => None,
    }
}

fn of_measurement(one: &Measurement) -> Option<Statistics> {
    let value = |wanted: Metric| {
        let mut of_step = one.of_step.iter();
        let found = of_step.find(|(metric, _)| *metric == wanted);
        found.map(|(_, value)| positive(*value))
    };
    let mut sums = Statistics::default();
    if let Some(ms) = value(Metric::DecisionTime) {
        sums.decisions = 1;
        sums.decided_ms = ms;
    }
    if let Some(ms) = value(Metric::StepDuration) {
        let step = StepStatistics {
            ended: 1,
            attempts: value(Metric::StepAttempts).unwrap_or_default(),
            ms,
        };
        sums.steps.insert(one.step.clone(), step);
    }
    (sums != Statistics::default()).then_some(sums)
}

/// A duration, which clocks that differ can make negative.
fn positive(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
