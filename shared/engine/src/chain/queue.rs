//! The tenants of a run, in the order in which their chains are extended.

use std::collections::BTreeMap;

use holdfast_ids::names::check_tenant;
use holdfast_receipt::chain::Hour;

use super::{
    head::{ChainHeads, Heads},
    write::{ChainError, Shelf},
};

/// The tenants of a run. Those with recent digests come first, so that the quiet ones never delay
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    /// The tenants whose last digest is among the newest of all, and those without one.
    pub recent: Vec<String>,
    /// The others, by name, from the one after the cursor on.
    pub quiet: Vec<String>,
}

impl Queue {
    /// The queue of one tenant.
    pub fn only(tenant: String) -> Self {
        Self {
            recent: vec![tenant],
            quiet: Vec::new(),
        }
    }

    /// Orders the tenants `named` by the store and those with a head. The newest hour whose digest
    /// is due is `due`; a later digest was requested early.
    pub fn of(named: impl IntoIterator<Item = String>, heads: &ChainHeads, due: Hour) -> Self {
        let ChainHeads { hours, cursor } = heads;
        let mut hours: BTreeMap<String, Option<Hour>> = hours
            .iter()
            .map(|(tenant, hour)| (tenant.clone(), Some(*hour)))
            .collect();
        for tenant in named {
            hours.entry(tenant).or_default();
        }
        hours.retain(|tenant, _| check_tenant(tenant).is_ok());
        // A chain that is extended every hour ends with the newest hour, or lost one run.
        let in_time = hours.values().flatten().filter(|hour| **hour <= due);
        let newest = in_time.max().map(|hour| hour.before(1));
        let (recent, quiet): (Vec<_>, Vec<_>) = hours
            .into_iter()
            .partition(|(_, hour)| hour.is_none() || *hour >= newest);
        let names = |list: Vec<(String, _)>| list.into_iter().map(|(name, _)| name).collect();
        let (recent, mut quiet): (Vec<_>, Vec<_>) = (names(recent), names(quiet));
        if let Some(cursor) = cursor {
            let next = quiet.partition_point(|tenant| tenant <= cursor);
            quiet.rotate_left(next);
        }
        Self { recent, quiet }
    }
}

/// Lists every tenant that has or had a receipt. A tenant with a head stays listed even if its
/// objects are gone.
pub async fn tenants(
    shelf: &impl Shelf,
    heads: &impl Heads,
    due: Hour,
) -> Result<Queue, ChainError> {
    let mut named = shelf.folders("receipts/").await?;
    named.extend(shelf.folders("digests/").await?);
    Ok(Queue::of(named, &heads.heads().await?, due))
}
