//! The file of prices: list prices of one region on one day, and what a bill assumes.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_json::Value;

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
    pub(crate) per_million: PerMillion,
    /// One gigabyte of ingested logs.
    pub(crate) log_gb: f64,
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
    pub(crate) kms_signature: f64,
    pub(crate) event: f64,
    pub(crate) http_request: f64,
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
    /// The bytes of log lines of a call.
    pub(crate) log_bytes_per_call: f64,
    /// The bytes of the line of metrics of an audit event.
    pub(crate) log_bytes_per_event: f64,
    /// The receipts of one process of `finish` in an hour: KMS certifies its key by one signature.
    pub(crate) receipts_per_signature: f64,
    /// The audit events that one call of the function `audit` publishes.
    pub(crate) events_per_audit_call: f64,
    /// The audit events of a batch whose statistics are added at once, at load.
    pub(crate) events_per_statistics_batch: f64,
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
            ("receipts_per_signature", assumed.receipts_per_signature),
            ("events_per_audit_call", assumed.events_per_audit_call),
            (
                "events_per_statistics_batch",
                assumed.events_per_statistics_batch,
            ),
        ] {
            if number < 1.0 {
                return Err(format!("assumed.{name} is at least 1"));
            }
        }
        Ok(prices)
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
