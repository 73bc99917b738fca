//! The cost of lists, digests and audit at a hundred million executions of one tenant, computed
//! from the measured size of an entry.

use holdfast_drill::Usage;
use holdfast_engine::chain::FOLDER_LISTS;
use holdfast_ledger::{LOOKED_AT, SHARDS, read_units_of};
use serde::Serialize;

use super::prices::Prices;

/// The executions of the tenant, which all started within a year.
const EXECUTIONS: f64 = 100_000_000.0;
const HOURS: f64 = 365.0 * 24.0;
/// The entries of a page, unless a request says otherwise.
const PAGE: f64 = 25.0;
/// The objects that one request lists
/// (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
const LISTED_KEYS: f64 = 1_000.0;

/// The requests by which runs of `digest` list the folder of one receipt; each returns a thousand
/// keys.
pub(super) fn lists_of_digests() -> f64 {
    FOLDER_LISTS as f64 / LISTED_KEYS
}

/// One thing that people or schedules read of the tenant's executions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageCost {
    pub(crate) what: String,
    /// Requests to DynamoDB or S3.
    pub(crate) requests: f64,
    /// Units of eventually consistent reads.
    pub(crate) read_units: f64,
    /// US$.
    pub(crate) price: f64,
}

/// The costs of everything that reads the executions of a tenant.
pub(crate) fn page_costs(usage: &Usage, prices: &Prices) -> Vec<PageCost> {
    let million = &prices.per_million;
    let pages = |what: &str, looked_at: f64, pages: f64| {
        let requests = pages * f64::from(SHARDS);
        // An eventually consistent read takes half a unit.
        let bytes = (looked_at * usage.listed_bytes as f64) as u64;
        let read_units = requests * read_units_of(bytes) as f64 / 2.0;
        PageCost {
            what: what.to_owned(),
            requests,
            read_units,
            price: read_units * million.read_unit / 1e6,
        }
    };
    let looked_at = LOOKED_AT as f64;
    let per_page = f64::from(SHARDS) * looked_at;
    let rare = |one_in: f64| (PAGE * one_in / per_page).max(1.0).ceil();
    let objects = |what: &str, listed: f64, got: f64| {
        let lists = (listed / LISTED_KEYS).ceil();
        PageCost {
            what: what.to_owned(),
            requests: lists + got,
            read_units: 0.0,
            price: (lists * million.s3_put + got * million.s3_get) / 1e6,
        }
    };
    let an_hour = EXECUTIONS / HOURS;
    let a_month = EXECUTIONS / 12.0;
    vec![
        pages("a page of 25 executions", PAGE, 1.0),
        pages(
            "25 executions of a workflow or status that is 1 in 100",
            looked_at,
            rare(100.0),
        ),
        pages(
            "25 executions of a workflow or status that is 1 in 10,000",
            looked_at,
            rare(10_000.0),
        ),
        pages(
            "the executions of a day, by 100",
            100.0,
            (an_hour * 24.0 / 100.0).ceil(),
        ),
        objects(
            "the digest of an hour",
            FOLDER_LISTS as f64 * an_hour,
            an_hour,
        ),
        objects("the audit of a month", a_month, a_month),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_takes_a_query_of_each_shard_and_a_rare_filter_takes_many() {
        let prices = Prices::read(None).unwrap_or_else(|_| panic!("the command's own prices"));
        let usage = Usage {
            listed_bytes: 512,
            ..Usage::default()
        };
        let costs = page_costs(&usage, &prices);
        let found: Vec<_> = costs
            .iter()
            .map(|one| (one.requests, one.read_units))
            .collect();
        let [page, common, rare, ..] = found.as_slice() else {
            panic!("{found:?}");
        };
        // 25 entries of 512 bytes are 12.5 KB: four units of 4 KB, and half of it.
        assert_eq!(*page, (8.0, 16.0));
        // A page looks at 4,000 entries, of which 40 fit.
        assert_eq!(*common, (8.0, 8.0 * 63.0 / 2.0));
        assert_eq!(rare.0, 63.0 * 8.0);
    }
}
