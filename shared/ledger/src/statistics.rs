//! Statistics: sums over a tenant's executions of one workflow in one hour, and the rule by which a
//! repeated delivery of changes adds nothing twice.

use std::{collections::BTreeMap, future::Future};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::port::LedgerError;

/// The place of statistics: a tenant, an hour and a workflow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatisticsKey {
    /// The tenant.
    pub tenant: String,
    /// The first moment of the hour, in UTC.
    pub hour: Timestamp,
    /// The workflow's id.
    pub workflow: String,
}

/// The mark that a group of changes is in the sums of one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatisticsMark {
    /// The place.
    pub of: StatisticsKey,
    /// The sequence number of the group's first change, by which a repeated delivery finds it.
    pub first: String,
}

/// The sums of one place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// The executions that started.
    pub started: u64,
    /// The ends, by the name of the status. Each execution generation ends once.
    pub ended: BTreeMap<String, u64>,
    /// The ends of rollbacks that were requested after the end. They are in no other sum.
    pub withdrawn: u64,
    /// The milliseconds from start to end of all `ended`, with all waits.
    pub completed_ms: u64,
    /// The questions that people decided, or that expired.
    pub decisions: u64,
    /// The milliseconds from question to decision or deadline.
    pub decided_ms: u64,
    /// The steps that ended, by name.
    pub steps: BTreeMap<String, StepStatistics>,
}

/// The sums of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepStatistics {
    /// The steps, or items of a `for_each`, that ended for good.
    pub ended: u64,
    /// Their attempts.
    pub attempts: u64,
    /// The milliseconds from the first attempt to the end.
    pub ms: u64,
}

/// The hour of a time, in UTC.
pub fn hour_of(at: Timestamp) -> Timestamp {
    let hour = at.as_second().div_euclid(3600) * 3600;
    Timestamp::from_second(hour).unwrap_or(at)
}

/// The text of an hour in keys, such as `2026-11-29T07`. It sorts as the hour does.
pub fn hour_text(hour: Timestamp) -> String {
    hour.strftime("%Y-%m-%dT%H").to_string()
}

/// The hour of such a text.
pub(crate) fn hour_of_text(text: &str) -> Option<Timestamp> {
    let civil: DateTime = format!("{text}:00:00").parse().ok()?;
    let hour = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (hour_text(hour) == text).then_some(hour)
}

const STARTED: &str = "started";
const WITHDRAWN: &str = "withdrawn";
const COMPLETED_MS: &str = "completed_ms";
const DECISIONS: &str = "decisions";
const DECIDED_MS: &str = "decided_ms";
const ENDED: &str = "ended.";
const STEP: &str = "step.";

impl Statistics {
    /// Adds other sums.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in other.counts() {
            self.add_count(&name, count);
        }
    }

    /// The sums that are not zero, by the name of the attribute that holds each.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let named = [
            (STARTED, self.started),
            (WITHDRAWN, self.withdrawn),
            (COMPLETED_MS, self.completed_ms),
            (DECISIONS, self.decisions),
            (DECIDED_MS, self.decided_ms),
        ];
        let named = named.map(|(name, count)| (name.to_owned(), count));
        let ended = self.ended.iter();
        let ended = ended.map(|(status, count)| (format!("{ENDED}{status}"), *count));
        let steps = self.steps.iter().flat_map(|(step, sums)| {
            let parts = [
                ("ended", sums.ended),
                ("attempts", sums.attempts),
                ("ms", sums.ms),
            ];
            parts.map(|(part, count)| (format!("{STEP}{part}.{step}"), count))
        });
        let all = named.into_iter().chain(ended).chain(steps);
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Adds to the sum of an attribute. Other attributes are ignored.
    pub fn add_count(&mut self, name: &str, count: u64) {
        let sum = match name {
            STARTED => &mut self.started,
            WITHDRAWN => &mut self.withdrawn,
            COMPLETED_MS => &mut self.completed_ms,
            DECISIONS => &mut self.decisions,
            DECIDED_MS => &mut self.decided_ms,
            _ => {
                if let Some(status) = name.strip_prefix(ENDED) {
                    self.ended.entry(status.to_owned()).or_default()
                } else if let Some((part, step)) = name
                    .strip_prefix(STEP)
                    .and_then(|rest| rest.split_once('.'))
                {
                    let step = self.steps.entry(step.to_owned()).or_default();
                    match part {
                        "ended" => &mut step.ended,
                        "attempts" => &mut step.attempts,
                        "ms" => &mut step.ms,
                        _ => return,
                    }
                } else {
                    return;
                }
            }
        };
        *sum = sum.saturating_add(count);
    }
}

/// The sums that one change of a record adds to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The sequence number of the change.
    pub sequence: String,
    /// The sums.
    pub sums: Statistics,
}

/// A group of contributions to one place, which is added at once and marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionGroup {
    /// The mark.
    pub mark: StatisticsMark,
    /// The sequence number of the last change.
    pub last: String,
    /// The sums.
    pub sums: Statistics,
}

/// The answer of a store to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// The sums and the mark are written.
    Done,
    /// A mark covers the group's first change, and all changes up to this sequence number.
    Covered(String),
}

/// The store of statistics.
pub trait StatisticsStore: Send + Sync {
    /// Adds a group's sums and writes its mark: both or nothing. Nothing is added if the mark is
    /// stored.
    fn add_group(
        &self,
        group: &ContributionGroup,
        now: Timestamp,
    ) -> impl Future<Output = Result<Addition, LedgerError>> + Send;
}

/// Adds contributions to one place, each once. They are those of one shard, in order, from the
/// first change of a delivery on. An error can leave a part added, so that the delivery must begin
/// again at that change.
///
/// Returns true if a mark covers more changes than these. Then a delivery that begins after them
/// would add the rest twice: the next one must begin at the same change as this one.
pub async fn add_contributions<S: StatisticsStore>(
    store: &S,
    of: &StatisticsKey,
    contributions: &[Contribution],
    now: Timestamp,
) -> Result<bool, LedgerError> {
    let mut left = contributions;
    while let Some(group) = group(of, left) {
        let covered = match store.add_group(&group, now).await? {
            Addition::Done => group.last,
            Addition::Covered(last) => last,
        };
        let next = uncovered(left, &covered);
        if next.len() == left.len() {
            let why = "a mark of statistics ends before it begins";
            return Err(LedgerError::Damaged(why.to_owned()));
        }
        let end = left.last().map(|one| one.sequence.as_str());
        if end.is_some_and(|end| is_after(&covered, end)) {
            return Ok(true);
        }
        left = next;
    }
    Ok(false)
}

/// The most sums in a group, so that its update stays below the 4 KB that DynamoDB takes of an
/// [expression](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
pub(crate) const SUMS_MAX: usize = 200;

/// Groups the first contributions to a place: as many whole changes as fit, in their order. `None`
/// if there is none.
fn group(of: &StatisticsKey, contributions: &[Contribution]) -> Option<ContributionGroup> {
    let first = &contributions.first()?.sequence;
    let (mut last, mut sums) = (first, Statistics::default());
    for change in contributions.chunk_by(|one, next| one.sequence == next.sequence) {
        let mut more = sums.clone();
        change.iter().for_each(|one| more.add(&one.sums));
        if &change[0].sequence != first && more.counts().len() > SUMS_MAX {
            break;
        }
        (last, sums) = (&change[0].sequence, more);
    }
    Some(ContributionGroup {
        mark: StatisticsMark {
            of: of.clone(),
            first: first.clone(),
        },
        last: last.clone(),
        sums,
    })
}

/// The contributions that a stored mark does not cover: those after its last change.
///
/// All of them come from one shard of the stream, so that their sequence numbers have an order. A
/// delivery that joins several earlier ones finds the mark of each in turn.
fn uncovered<'a>(contributions: &'a [Contribution], last: &str) -> &'a [Contribution] {
    let covered = |one: &Contribution| !is_after(&one.sequence, last);
    let covered = contributions.iter().take_while(|one| covered(one)).count();
    &contributions[covered..]
}

/// Compares sequence numbers, which are decimal numbers of up to 40 digits.
fn is_after(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    (one.len(), one) > (other.len(), other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(sequence: &str, n: u64) -> Contribution {
        Contribution {
            sequence: sequence.to_owned(),
            sums: Statistics {
                started: n,
                ..Statistics::default()
            },
        }
    }

    fn place() -> StatisticsKey {
        StatisticsKey {
            tenant: "acme".to_owned(),
            hour: Timestamp::constant(1_759_150_800, 0),
            workflow: "WF-X".to_owned(),
        }
    }

    #[test]
    fn sums_are_read_back_from_their_attributes() {
        let step = StepStatistics {
            ended: 1,
            attempts: 2,
            ms: 300,
        };
        let sums = Statistics {
            started: 3,
            ended: BTreeMap::from([("EXECUTED".to_owned(), 2)]),
            withdrawn: 1,
            completed_ms: 5_000,
            decisions: 4,
            decided_ms: 600,
            steps: BTreeMap::from([("hold".to_owned(), step), ("ended".to_owned(), step)]),
        };
        let mut read = Statistics::default();
        for (name, count) in sums.counts() {
            read.add_count(&name, count);
        }
        read.add_count("expires_at", 7);
        assert_eq!(read, sums);
        read.add(&sums);
        assert_eq!((read.started, read.steps["hold"].ms), (6, 600));
        assert!(Statistics::default().counts().is_empty());
    }

    #[test]
    fn an_hour_is_whole_in_utc_and_is_read_back_from_its_text() {
        let at = |s| Timestamp::constant(s, 0);
        assert_eq!(hour_of(at(1_759_150_800 + 3_599)), at(1_759_150_800));
        assert_eq!(hour_of(at(-1)), at(-3_600));
        assert_eq!(hour_text(at(1_759_150_800)), "2025-09-29T13");
        assert_eq!(hour_of_text("2025-09-29T13"), Some(at(1_759_150_800)));
        for text in [
            "",
            "2025-09-29",
            "2025-09-29T24",
            "MARK",
            "2025-09-29T13:00",
        ] {
            assert_eq!(hour_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_group_is_marked_by_its_first_change_and_ends_with_its_last() {
        let grouped = group(&place(), &[started("9", 1), started("10", 2)]).expect("a group");
        assert_eq!(grouped.mark.first, "9");
        assert_eq!((grouped.last.as_str(), grouped.sums.started), ("10", 3));
        assert_eq!(group(&place(), &[]), None);
    }

    #[test]
    fn a_group_ends_before_the_change_that_makes_its_update_too_long() {
        let of_step = |n: usize| Contribution {
            sequence: n.to_string(),
            sums: Statistics {
                steps: BTreeMap::from([(
                    format!("step_{n}"),
                    StepStatistics {
                        ended: 1,
                        attempts: 1,
                        ms: 1,
                    },
                )]),
                ..Statistics::default()
            },
        };
        let all: Vec<_> = (1..=150).map(of_step).collect();
        let grouped = group(&place(), &all).expect("a group");
        assert_eq!(
            (grouped.last.as_str(), grouped.sums.steps.len()),
            ("66", 66)
        );
        let rest = group(&place(), uncovered(&all, &grouped.last)).expect("a group");
        assert_eq!(
            (rest.mark.first.as_str(), rest.last.as_str()),
            ("67", "132")
        );
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        let all = [started("9", 1), started("10", 1), started("100", 1)];
        let left = |last: &str| uncovered(&all, last).len();
        assert_eq!([left("8"), left("9"), left("10"), left("99")], [3, 2, 1, 1]);
        assert_eq!([left("100"), left("0100"), left("200")], [0, 0, 0]);
    }
}
