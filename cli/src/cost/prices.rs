//! The file of prices: list prices of one region on one day, and what a bill assumes.

use std::{collections::BTreeMap, path::Path};

use holdfast_drill::{Usage, batches};
use serde::Deserialize;
use serde_json::Value;

use super::rate::Rate;
use crate::{project, report::Trouble};

/// The prices that the command has.
const LIST: &str = include_str!("prices.json");

/// List prices in US$.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// The day of the prices.
    pub(crate) date: String,
    /// The region of the prices.
    pub(crate) region: String,
    /// The page that has each price, and the day on which it had it.
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, String>,
    pub(crate) per_million: PerMillion,
    /// One gigabyte of ingested logs.
    pub(crate) log_gb: f64,
    /// One gigabyte of events that enter the archive.
    pub(crate) archive_gb: f64,
    /// The cost of a month without an execution, by part of the deployment.
    pub(crate) per_month: BTreeMap<String, f64>,
    pub(crate) assumed: Assumptions,
}

/// The prices of a million.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerMillion {
    pub(crate) standard_transition: f64,
    pub(crate) express_request: f64,
    pub(crate) express_gb_second: f64,
    pub(crate) lambda_request: f64,
    pub(crate) lambda_gb_second: f64,
    pub(crate) write_unit: f64,
    pub(crate) read_unit: f64,
    pub(crate) s3_put: f64,
    pub(crate) s3_get: f64,
    pub(crate) kms_request: f64,
    pub(crate) queue_request: f64,
    pub(crate) event: f64,
    pub(crate) http_request: f64,
    pub(crate) trace: f64,
}

/// Numbers that no run in process can count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assumptions {
    /// The milliseconds of a call of a function, its target's answer included.
    pub(crate) call_ms: f64,
    /// The memory of an Express run, in MB.
    pub(crate) express_memory_mb: f64,
    /// The memory of a function, in MB.
    pub(crate) memory_mb: f64,
    /// The bytes of the log lines of `begin` and `finish`.
    pub(crate) log_bytes_of_run: f64,
    /// The bytes of the log line of any other call.
    pub(crate) log_bytes_per_call: f64,
    /// The bytes of the two log lines of a start by the API.
    pub(crate) log_bytes_of_start: f64,
    /// The receipts of one process of `finish` in an hour, for which KMS certifies one key.
    pub(crate) receipts_per_process: f64,
    /// The changes of the ledger that one call of the function `audit` takes from the stream.
    pub(crate) changes_per_audit_call: f64,
    /// The seconds for which changes are gathered, the parameter `AuditBatchSeconds`.
    pub(crate) audit_batch_seconds: f64,
    /// The shards of the ledger's stream, each with batches of its own.
    pub(crate) stream_shards: f64,
    /// The seconds after its last call for which a process of `finish` lives.
    pub(crate) idle_seconds: f64,
    /// The share of traces that X-Ray records, from 0 to 1.
    pub(crate) sampled_traces: f64,
}

impl Prices {
    /// Reads a file of prices, by default the one that the command has.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Trouble> {
        let (name, text) = match file {
            Some(path) => (path.display().to_string(), project::read(path)?),
            None => ("prices.json".to_owned(), LIST.to_owned()),
        };
        Self::parse(&text).map_err(|why| {
            Trouble::Other(format!(
                "{name}: {why}; `holdfast cost --show-prices` prints a file to start from"
            ))
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_numbers("", &value)?;
        let prices: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let assumed = &prices.assumed;
        for (name, number) in [
            ("receipts_per_process", assumed.receipts_per_process),
            ("changes_per_audit_call", assumed.changes_per_audit_call),
            ("audit_batch_seconds", assumed.audit_batch_seconds),
            ("stream_shards", assumed.stream_shards),
        ] {
            if number < 1.0 {
                return Err(format!("assumed.{name} is at least 1"));
            }
        }
        Ok(prices)
    }

    /// The prices, with fewer changes and receipts that share a call or a process if a rate of
    /// starts is too low for the assumed ones.
    pub(super) fn at(&self, rate: Rate, usage: &Usage) -> Self {
        let assumed = &self.assumed;
        let (starts, seconds) = (rate.per_second(), assumed.audit_batch_seconds);
        // The changes of the execution itself, and those of others in the same batch and shard.
        let changes = usage.changes() as f64;
        let own = changes / batches(&usage.change_ms, seconds).max(1.0);
        let gathered = own + starts * changes * seconds / assumed.stream_shards;
        // Starts come at random: a process lives until none comes for so long.
        let (lived, hourly) = ((starts * assumed.idle_seconds).exp(), 1.0 + starts * 3600.0);
        let mut prices = self.clone();
        prices.assumed.changes_per_audit_call = gathered.min(assumed.changes_per_audit_call);
        prices.assumed.receipts_per_process = lived.min(hourly).min(assumed.receipts_per_process);
        prices
    }

    /// The file that the command has.
    pub(crate) fn text() -> &'static str {
        LIST
    }
}

/// Checks that no number is negative. The error names its place.
fn check_numbers(place: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Number(number) if number.as_f64().is_none_or(|number| number < 0.0) => {
            Err(format!("{place} is {number}: a price is 0 or more"))
        }
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let dot = if place.is_empty() { "" } else { "." };
            check_numbers(&format!("{place}{dot}{name}"), member)
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_has_its_source_and_no_source_lacks_its_price() {
        let list: Value = serde_json::from_str(LIST).expect("JSON");
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let mut prices: Vec<_> = ["per_million", "per_month"]
            .into_iter()
            .flat_map(|group| members(&list[group]).into_iter().map(|(name, _)| name))
            .collect();
        prices.extend(["log_gb", "archive_gb"].map(str::to_owned));
        prices.sort_unstable();
        let read = Prices::parse(LIST).expect("prices");
        assert_eq!(read.sources.into_keys().collect::<Vec<_>>(), prices);
    }

    #[test]
    fn a_low_rate_shares_less_and_a_high_rate_shares_what_is_assumed() {
        let prices = Prices::parse(LIST).expect("prices");
        let usage = Usage {
            change_ms: vec![0, 100, 200, 300, 400, 500, 600],
            ..Usage::default()
        };
        let at = |rate: &str| {
            let assumed = prices.at(rate.parse().expect("a rate"), &usage).assumed;
            (assumed.changes_per_audit_call, assumed.receipts_per_process)
        };
        assert_eq!(at("1000/s"), (100.0, 1000.0));
        // An execution a day has its seven changes in 1.12 batches, and a process of its own.
        let (changes, receipts) = at("1/d");
        assert!((changes - 7.0 / 1.12).abs() < 0.01, "{changes}");
        assert!((receipts - 1.0).abs() < 0.01, "{receipts}");
        // One of a minute comes five times while a process is idle.
        let (_, receipts) = at("60/h");
        assert!((receipts - 61.0).abs() < 1e-9, "{receipts}");
    }
}
