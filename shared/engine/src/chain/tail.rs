//! The end of a tenant's chain, read backwards from its last digest.

use std::collections::VecDeque;

use jiff::Timestamp;

use holdfast_ids::keys::digest_prefix;
use holdfast_receipt::chain::{ChainDigest, EARLY_HOURS, Hour, Previous, SPAN_MAX};
use holdfast_receipt::evidence::{Kind, SealError, Signer, signed_by};

use super::{
    head::Head,
    write::{ChainError, Shelf},
};
use crate::ports::StoreError;

/// The hours over which a digest looks back for receipts that no digest lists, before the time up
/// to which all are listed. It covers every hour whose digest may have been requested early, and
/// the hour of the request. Two more hours are for receipts that are seen late.
pub(super) const WINDOW_HOURS: i64 = EARLY_HOURS + 3;

/// The hours in which the end of a chain is looked for first.
const RECENT_HOURS: i64 = 7 * 24;

/// The fault of a digest that differs from the head in the ledger.
pub(super) const NOT_THE_HEAD: &str =
    "the chain is broken: it is not the digest that the ledger has as the last one written";

/// Checks that a stored digest was signed here, before the chain continues from it. The head that
/// the ledger has needs no such check, nor do the digests that it links.
pub(super) async fn ours<S: Signer>(
    signer: &S,
    object: &str,
    stored: &[u8],
) -> Result<(), ChainError> {
    match signed_by(signer, Kind::Digest, stored).await {
        Err(SealError::Unfit(why)) => Err(ChainError::Broken {
            object: object.to_owned(),
            why: format!("it was not adopted, because it is not this deployment's: {why}"),
        }),
        result => Ok(result?),
    }
}

/// The end of a chain: the last digest, and the receipts that the needed digests list.
pub(super) struct Tail {
    pub(super) end: Option<Hour>,
    pub(super) link: Option<Previous>,
    /// The digests that cover a needed hour.
    digests: VecDeque<ListedReceipts>,
    /// The most receipts of a digest.
    pub(super) most: usize,
}

/// The receipts that a digest lists.
struct ListedReceipts {
    /// The first and the last hour that the digest covers.
    first: Hour,
    last: Hour,
    objects: Vec<String>,
    /// The hour of the newest receipt that it lists.
    newest: Option<Hour>,
}

impl ListedReceipts {
    fn of(placed: ChainDigest, last: Hour) -> Self {
        let receipts = placed.digest.receipts;
        let written = receipts.iter().filter_map(|entry| {
            let written: Timestamp = entry.written_at.parse().ok()?;
            Some(Hour::of(written))
        });
        Self {
            first: placed.first,
            last,
            newest: written.max(),
            objects: receipts.into_iter().map(|entry| entry.object).collect(),
        }
    }
}

impl Tail {
    fn new(end: Option<Hour>, most: usize) -> Self {
        Self {
            end,
            link: None,
            digests: VecDeque::new(),
            most,
        }
    }

    /// Finds a tenant's last digest and reads backwards from it.
    pub(super) async fn find<S: Signer>(
        shelf: &impl Shelf,
        signer: &S,
        tenant: &str,
        due: Hour,
        head: Option<&Head>,
        most: usize,
    ) -> Result<Self, ChainError> {
        let end = match head {
            Some(head) => Some(head.hour),
            None => Self::end(shelf, tenant, due).await?,
        };
        let mut tail = Self::new(end, most);
        let Some(end) = end else {
            return Ok(tail);
        };
        let mut hour = end;
        let mut named: Option<Previous> = None;
        while hour >= tail.first_needed(end) {
            let object = hour.object(tenant);
            let broken = |why: &str| ChainError::Broken {
                object: object.clone(),
                why: why.to_owned(),
            };
            let bytes = shelf.get(&object).await?;
            let bytes = bytes.ok_or_else(|| match named {
                Some(_) => broken("it is missing, and the next names it"),
                None => broken("the chain is broken: it is missing, and was the last one written"),
            })?;
            if head.is_none() && named.is_none() {
                ours(signer, &object, &bytes).await?;
            }
            if head.is_some_and(|head| head.hour == hour && *head != Head::of(hour, &bytes)) {
                return Err(broken(NOT_THE_HEAD));
            }
            let placed = ChainDigest::read(tenant, hour, &bytes).map_err(|why| broken(&why))?;
            if named.is_some_and(|named| named != placed.link) {
                return Err(broken("it is not the digest that the next names"));
            }
            tail.link.get_or_insert_with(|| placed.link.clone());
            named = placed.digest.previous.clone();
            let before = placed.first.before(1);
            tail.digests.push_front(ListedReceipts::of(placed, hour));
            hour = before;
            if named.is_none() {
                break;
            }
        }
        Ok(tail)
    }

    /// The head that names the end.
    pub(super) fn head(&self) -> Option<Head> {
        let (hour, link) = (self.end?, self.link.as_ref()?);
        Some(Head {
            hour,
            sha256: link.sha256.clone(),
        })
    }

    /// Finds a tenant's last hour with a digest if there is no head. It lists the recent digests
    /// first, since they are few.
    async fn end(shelf: &impl Shelf, tenant: &str, due: Hour) -> Result<Option<Hour>, StoreError> {
        let recent = due.before(RECENT_HOURS).object(tenant);
        for after in [recent.as_str(), ""] {
            let found = shelf.list(&digest_prefix(tenant), after).await?;
            let hours = found
                .iter()
                .map(|stored| Hour::of_object(tenant, &stored.key));
            if let Some(last) = hours.flatten().max() {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// Appends the stored digest of this hour.
    pub(super) fn push(
        &mut self,
        hour: Hour,
        tenant: &str,
        bytes: &[u8],
    ) -> Result<(), ChainError> {
        let broken = |why: String| ChainError::Broken {
            object: hour.object(tenant),
            why,
        };
        let placed = ChainDigest::read(tenant, hour, bytes).map_err(broken)?;
        if placed.digest.previous != self.link {
            return Err(broken("it does not name the digest before".to_owned()));
        }
        self.link = Some(placed.link.clone());
        self.digests.push_back(ListedReceipts::of(placed, hour));
        let needed = self.first_needed(hour);
        while self
            .digests
            .get(1)
            .is_some_and(|listing| listing.first <= needed)
        {
            self.digests.pop_front();
        }
        self.end = Some(hour);
        Ok(())
    }

    /// The first hour in which receipts may have been written that no digest lists, if the chain
    /// ends with the digest of the hour `end`.
    ///
    /// A digest lists the oldest receipts that no other lists. So a full one leaves none that is
    /// older than the newest that it lists, and another one leaves none of its hours. A receipt
    /// that is seen late may be older, by less than [`WINDOW_HOURS`].
    pub(super) fn window(&self, end: Hour) -> Hour {
        let from_last = || self.digests.iter().rev();
        let is_full = |listing: &&ListedReceipts| listing.objects.len() >= self.most;
        let full = from_last().take_while(is_full);
        let last_not_full = from_last().find(|listing| !is_full(listing));
        let last_not_full = last_not_full.map(|listing| listing.last.next());
        let complete = full
            .filter_map(|listing| listing.newest)
            .chain(last_not_full);
        complete.max().unwrap_or(end.next()).before(WINDOW_HOURS)
    }

    /// The first hour whose digest is needed. The digests of the window show what is listed. Those
    /// of [`SPAN_MAX`] hours show whether the tenant is quiet.
    fn first_needed(&self, end: Hour) -> Hour {
        self.window(end).min(end.before(SPAN_MAX - 1))
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = &str> {
        let all = self.digests.iter().flat_map(|listing| &listing.objects);
        all.map(String::as_str)
    }

    /// True if the last [`SPAN_MAX`] hours have digests, and none lists a receipt.
    pub(super) fn is_quiet(&self) -> bool {
        let whole = self.digests.front().zip(self.end);
        whole.is_some_and(|(listing, end)| listing.first <= end.before(SPAN_MAX - 1))
            && self.listed().next().is_none()
    }
}
