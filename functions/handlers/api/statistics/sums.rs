//! Sums over hours by bucket and by workflow, to which each hour is added when it is read.

use std::collections::BTreeMap;

use holdfast_aws::HourStatistics;
use holdfast_ledger::Statistics;
use jiff::Timestamp;

use super::range::BucketLength;

/// Sums over hours. They grow with buckets and workflows, and not with the hours that are added.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// The sums of all, without steps.
    pub(super) total: Statistics,
    /// The sums by the begin of the bucket, without steps.
    pub(super) buckets: BTreeMap<Timestamp, Statistics>,
    /// The sums by workflow.
    pub(super) workflows: BTreeMap<String, Statistics>,
    /// The time of the last addition.
    pub(super) updated_at: Option<Timestamp>,
}

impl Sums {
    /// Adds the sums of an hour.
    pub(super) fn add_hour(&mut self, by: BucketLength, mut hour: HourStatistics) {
        let workflow = self.workflows.entry(hour.of.workflow).or_default();
        workflow.add(&hour.sums);
        // Only workflows show their steps.
        hour.sums.steps.clear();
        let bucket = self.buckets.entry(by.begin(hour.of.hour)).or_default();
        bucket.add(&hour.sums);
        self.total.add(&hour.sums);
        self.updated_at = self.updated_at.max(hour.updated_at);
    }

    /// Adds other sums.
    pub(super) fn add(&mut self, other: &Self) {
        self.total.add(&other.total);
        for (at, sums) in &other.buckets {
            self.buckets.entry(*at).or_default().add(sums);
        }
        for (workflow, sums) in &other.workflows {
            self.workflows
                .entry(workflow.clone())
                .or_default()
                .add(sums);
        }
        self.updated_at = self.updated_at.max(other.updated_at);
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::{StatisticsKey, StepStatistics};

    use super::*;

    #[test]
    fn sums_grow_with_buckets_and_workflows_and_not_with_hours() {
        let mut sums = Sums::default();
        let step = StepStatistics {
            ended: 1,
            attempts: 2,
            ms: 10,
        };
        for n in 0..480 {
            let hour = HourStatistics {
                of: StatisticsKey {
                    tenant: "acme".to_owned(),
                    hour: Timestamp::constant(1_759_104_000 + 3600 * n, 0),
                    workflow: ["WF-A", "WF-B"][n as usize % 2].to_owned(),
                },
                sums: Statistics {
                    started: 1,
                    steps: [("hold".to_owned(), step)].into(),
                    ..Statistics::default()
                },
                updated_at: None,
            };
            sums.add_hour(BucketLength::Day, hour);
        }
        let started = sums.buckets.values().map(|bucket| bucket.started);
        assert_eq!(started.collect::<Vec<_>>(), [24; 20]);
        assert!(sums.buckets.values().all(|bucket| bucket.steps.is_empty()));
        assert_eq!((sums.total.started, sums.total.steps.len()), (480, 0));
        let mut twice = Sums::default();
        twice.add(&sums);
        twice.add(&sums);
        let steps = twice
            .workflows
            .values()
            .map(|one| one.steps["hold"].attempts);
        assert_eq!(steps.collect::<Vec<_>>(), [960, 960]);
        assert_eq!(twice.total.started, 960);
    }
}
