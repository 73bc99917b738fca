//! The rate of starts at which each quota of AWS and each shared partition of the ledger is used
//! up.

use holdfast_drill::Usage;
use holdfast_ledger::{COPIES, Key, Partition, SHARDS};
use holdfast_receipt::chain::MAX_RECEIPTS;
use serde::{Deserialize, Serialize};

use super::{consumption::Consumption, prices::Prices};
use crate::report::Trouble;

/// Quotas of an account in one region. `docs/scale.md` has their sources.
const QUOTAS: &str = include_str!("quotas.json");

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quotas {
    /// The day of the quotas.
    pub(crate) date: String,
    /// The region of the quotas.
    pub(crate) region: String,
    per_second: PerSecond,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerSecond {
    step_functions_starts: f64,
    step_functions_transitions: f64,
    step_functions_express_starts: f64,
    lambda_concurrent_calls: f64,
    table_write_units: f64,
    table_read_units: f64,
    new_table_write_units: f64,
    new_table_read_units: f64,
    partition_write_units: f64,
    partition_read_units: f64,
    objects_put: f64,
    kms_signatures: f64,
    events: f64,
    http_requests: f64,
}

/// The requests in a second for each concurrent call, the most that Lambda takes.
const REQUESTS_OF_A_CALL: f64 = 10.0;

/// A limit that starts share, and how many of them it serves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ceiling {
    /// The quota, or the partition.
    pub(crate) resource: String,
    /// The executions that share it.
    pub(crate) shared_by: &'static str,
    /// Units that one execution uses.
    pub(crate) per_execution: f64,
    /// Units that it has in a second.
    pub(crate) limit: f64,
    /// Starts in a second that use it up.
    pub(crate) starts_per_second: f64,
}

impl Quotas {
    /// The quotas that the command has.
    pub(crate) fn read() -> Result<Self, Trouble> {
        serde_json::from_str(QUOTAS)
            .map_err(|error| Trouble::Other(format!("quotas.json: {error}")))
    }
}

/// Everything that executions share, the first to be used up first. `api_rate` is the most requests
/// a second that the deployment's API accepts, if its template says so.
pub(super) fn ceilings(
    usage: &Usage,
    consumption: &Consumption,
    prices: &Prices,
    quotas: &Quotas,
    api_rate: Option<f64>,
) -> Vec<Ceiling> {
    let limits = &quotas.per_second;
    let standard_starts = match usage.express_runs {
        0 => 1.0,
        _ => 0.0,
    };
    let busy = consumption.calls * prices.assumed.call_ms / 1000.0;
    let lambda_requests = limits.lambda_concurrent_calls * REQUESTS_OF_A_CALL;
    let of_account = [
        (
            "Step Functions starts",
            standard_starts,
            limits.step_functions_starts,
        ),
        (
            "Step Functions Express starts",
            consumption.express_runs,
            limits.step_functions_express_starts,
        ),
        // No quota limits the transitions of Express executions.
        (
            "Step Functions transitions",
            consumption.transitions,
            limits.step_functions_transitions,
        ),
        ("Lambda calls at once", busy, limits.lambda_concurrent_calls),
        ("Lambda requests", consumption.calls, lambda_requests),
        (
            "KMS signatures",
            usage.receipts_signed as f64 / prices.assumed.receipts_per_process,
            limits.kms_signatures,
        ),
        ("EventBridge events", consumption.entries, limits.events),
        (
            "API Gateway requests",
            consumption.api_requests,
            limits.http_requests,
        ),
    ];
    let of_table = [
        (
            "DynamoDB write units",
            consumption.writes(),
            limits.table_write_units,
        ),
        (
            "DynamoDB read units",
            consumption.reads,
            limits.table_read_units,
        ),
        (
            "DynamoDB write units of a new table",
            // Each index starts with as many of its own.
            consumption.table_writes + consumption.statistics_writes,
            limits.new_table_write_units,
        ),
        (
            "DynamoDB read units of a new table",
            consumption.reads,
            limits.new_table_read_units,
        ),
    ];
    let of_deployment =
        api_rate.map(|rate| ("this deployment's API", consumption.api_requests, rate));
    let of_tenant = [
        (
            "receipts in hourly digests",
            usage.receipts_signed as f64,
            MAX_RECEIPTS as f64 / 3600.0,
        ),
        (
            "S3 objects of a prefix",
            consumption.objects_put,
            limits.objects_put,
        ),
        (
            "writes of statistics",
            consumption.statistics_writes,
            limits.partition_write_units,
        ),
    ];
    let of = |shared_by: &'static str| {
        move |(resource, per_execution, limit): (&str, f64, f64)| {
            ceiling(resource.to_owned(), shared_by, per_execution, limit)
        }
    };
    let mut ceilings = partitions(usage, limits);
    ceilings.extend(of_account.map(of("the account")));
    ceilings.extend(of_table.map(of("the deployment")));
    ceilings.extend(of_deployment.map(of("the deployment")));
    ceilings.extend(of_tenant.map(of("a tenant")));
    ceilings.retain(|one| one.per_execution > 0.0);
    ceilings.sort_by(|one, other| one.starts_per_second.total_cmp(&other.starts_per_second));
    ceilings
}

/// The shared partitions of the ledger.
fn partitions(usage: &Usage, limits: &PerSecond) -> Vec<Ceiling> {
    let mut ceilings = Vec::new();
    for (partition, load) in &usage.partitions {
        let Some((name, shared_by, shards)) = shared(partition) else {
            continue;
        };
        let of = |units: u64, limit: f64, kind: &str| {
            let resource = format!("{kind} of {name}");
            ceiling(resource, shared_by, units as f64 / f64::from(shards), limit)
        };
        // The API reads each of them once more for a start. Both reads of a registration may be a
        // moment old, so that they cost half a unit each.
        let reads = match partition.hash == Key::TENANTS {
            true => load.reads,
            false => load.reads + u64::from(load.reads > 0),
        };
        ceilings.push(of(load.writes, limits.partition_write_units, "writes"));
        ceilings.push(of(reads, limits.partition_read_units, "reads"));
    }
    ceilings
}

fn ceiling(resource: String, shared_by: &'static str, per_execution: f64, limit: f64) -> Ceiling {
    Ceiling {
        resource,
        shared_by,
        per_execution,
        limit,
        starts_per_second: limit / per_execution,
    }
}

/// The name of a shared partition, the executions that share it, and the number of its shards.
/// `None` if it belongs to one execution.
fn shared(partition: &Partition) -> Option<(String, &'static str, u8)> {
    let hash = &partition.hash;
    if hash.contains("#EXEC#") {
        return None;
    }
    if hash.starts_with(Key::CONTROL_COPY_PREFIX) {
        return Some((
            "copies of the controls".to_owned(),
            "the deployment",
            COPIES,
        ));
    }
    let name = match partition.index {
        Some(index) => format!("{index} {hash}"),
        None => hash.clone(),
    };
    Some(match partition.index {
        Some("open") if hash.starts_with('U') => {
            ("open, urgent".to_owned(), "the deployment", SHARDS)
        }
        Some("open") => ("open".to_owned(), "the deployment", SHARDS),
        Some("listed") => (
            name.trim_end_matches(|end: char| end == '#' || end.is_numeric())
                .to_owned(),
            "a tenant",
            SHARDS,
        ),
        Some("found_by") => (name, "a tenant's subject", 1),
        _ if hash.starts_with("TENANT#") || hash.contains("#tenant/") => (name, "a tenant", 1),
        _ if hash.contains("#workflow/") => (name, "a workflow", 1),
        _ => (name, "the deployment", 1),
    })
}
