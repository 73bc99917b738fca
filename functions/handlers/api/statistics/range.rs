//! The range of statistics that a request asks for: whole hours, in buckets of an hour or a day.

use holdfast_ledger::hour_of;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{extract::NamesTenant, page::times, problem::Problem};

/// The range if the request names no `from`.
const RANGE: SignedDuration = SignedDuration::from_hours(24);
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BucketLength {
    /// An hour.
    #[default]
    Hour,
    /// A day, in UTC.
    Day,
}

impl BucketLength {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
        }
    }

    /// The longest range, in days.
    fn days_max(self) -> i64 {
        match self {
            Self::Hour => 7,
            Self::Day => 31,
        }
    }

    pub(super) fn begin(self, at: Timestamp) -> Timestamp {
        let begin = at.as_second().div_euclid(self.seconds()) * self.seconds();
        Timestamp::from_second(begin).unwrap_or(at)
    }
}

/// The query of statistics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsQuery {
    /// The tenant; your own if left out. A role of every tenant may write `*` for all of them.
    tenant: Option<String>,
    /// Only executions of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    pub(super) workflow_id: Option<String>,
    /// The first hour is the one of this time; 24 hours before `until` if left out.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// The last hour is the one of this time; now if left out.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// `hour` for a range of at most 7 days, `day` for at most 31; `hour` if left out.
    #[serde(default)]
    by: BucketLength,
}

impl NamesTenant for StatisticsQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// A range of whole hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) by: BucketLength,
}

impl Range {
    /// The range that a query asks for, or 400.
    pub(super) fn of(query: &StatisticsQuery, now: Timestamp) -> Result<Self, Problem> {
        let by = query.by;
        let (from, until) = times(query.from.as_deref(), query.until.as_deref())?;
        let until = until.unwrap_or(now);
        let from = from.unwrap_or_else(|| until.saturating_sub(RANGE).unwrap_or(Timestamp::MIN));
        if until < from {
            return Err(Problem::bad_request("from must not be later than until"));
        }
        let from = by.begin(hour_of(from));
        // The first bucket is whole, so that the range may be longer by one bucket.
        let longest = by.days_max() * DAY_S + by.seconds();
        if until.as_second() - from.as_second() > longest {
            return Err(Problem::bad_request(format!(
                "by={} takes a range of at most {} days: choose a later `from`, or by=day for up \
                 to {} days",
                by.name(),
                by.days_max(),
                BucketLength::Day.days_max()
            )));
        }
        Ok(Self { from, until, by })
    }

    /// The begin of every bucket, oldest first.
    pub(super) fn buckets(self) -> impl Iterator<Item = Timestamp> {
        let mut next = self.from;
        std::iter::from_fn(move || {
            let at = next;
            next = Timestamp::from_second(at.as_second() + self.by.seconds()).ok()?;
            (at <= self.until).then_some(at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn query(from: &str, until: &str, by: BucketLength) -> StatisticsQuery {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        StatisticsQuery {
            tenant: None,
            workflow_id: None,
            from: given(from),
            until: given(until),
            by,
        }
    }

    #[test]
    fn a_range_begins_with_a_whole_bucket_and_has_a_longest_length() {
        use BucketLength::{Day, Hour};
        let now = at("2026-11-29T07:30:00Z");
        let range = |from, until, by| Range::of(&query(from, until, by), now);
        let last = range("", "", Hour).expect("the last 24 hours");
        assert_eq!(last.from, at("2026-11-28T07:00:00Z"));
        assert_eq!(last.buckets().count(), 25);
        let week = range("2026-11-22T07:30:00Z", "", Hour).expect("a week");
        assert_eq!(week.buckets().count(), 7 * 24 + 1);
        let days = range("2026-10-30T12:00:00Z", "", Day).expect("thirty days");
        assert_eq!(days.from, at("2026-10-30T00:00:00Z"));
        assert_eq!(days.buckets().count(), 31);
        for (from, until, by) in [
            ("2026-11-20T00:00:00Z", "", Hour),
            ("2026-10-01T00:00:00Z", "", Day),
            ("2026-11-29T09:00:00Z", "2026-11-29T08:00:00Z", Hour),
            ("yesterday", "", Hour),
        ] {
            range(from, until, by).expect_err(from);
        }
    }
}
