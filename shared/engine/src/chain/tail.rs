//! The end of a tenant's chain, read backwards from its last digest.

use std::collections::VecDeque;

use holdfast_ids::keys::digest_prefix;
use holdfast_receipt::chain::{ChainDigest, Hour, Previous, SPAN_MAX};
use holdfast_receipt::evidence::{Kind, SealError, Signer, signed_by};

use super::{
    head::Head,
    write::{ChainError, Shelf},
};
use crate::ports::StoreError;

/// The hours over which a digest looks back for receipts that no digest lists. It covers every hour
/// whose digest may have been requested early.
pub(super) const WINDOW_HOURS: i64 = 24;

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

/// The end of a chain: the last digest, and the receipts that the digests in the window list.
#[derive(Default)]
pub(super) struct Tail {
    pub(super) end: Option<Hour>,
    pub(super) link: Option<Previous>,
    /// The first hour of each digest that covers an hour of the window, and what it lists.
    digests: VecDeque<(Hour, Vec<String>)>,
}

impl Tail {
    /// Finds a tenant's last digest and reads backwards from it.
    pub(super) async fn find<S: Signer>(
        shelf: &impl Shelf,
        signer: &S,
        tenant: &str,
        due: Hour,
        head: Option<&Head>,
    ) -> Result<Self, ChainError> {
        let end = match head {
            Some(head) => Some(head.hour),
            None => Self::end(shelf, tenant, due).await?,
        };
        let Some(end) = end else {
            return Ok(Self::default());
        };
        let mut tail = Self {
            end: Some(end),
            ..Self::default()
        };
        let mut hour = end;
        let mut named: Option<Previous> = None;
        while hour > end.before(WINDOW_HOURS) {
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
            tail.link.get_or_insert(placed.link);
            let listed = placed.digest.receipts.into_iter();
            let listed = listed.map(|entry| entry.object).collect();
            tail.digests.push_front((placed.first, listed));
            named = placed.digest.previous;
            if named.is_none() {
                break;
            }
            hour = placed.first.before(1);
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
        let listed = placed.digest.receipts.into_iter();
        let listed = listed.map(|entry| entry.object).collect();
        self.digests.push_back((placed.first, listed));
        let window = hour.before(WINDOW_HOURS - 1);
        while self
            .digests
            .get(1)
            .is_some_and(|(first, _)| *first <= window)
        {
            self.digests.pop_front();
        }
        self.end = Some(hour);
        self.link = Some(placed.link);
        Ok(())
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = &str> {
        let all = self.digests.iter().flat_map(|(_, listed)| listed);
        all.map(String::as_str)
    }

    /// True if the last [`SPAN_MAX`] hours have digests, and none lists a receipt.
    pub(super) fn is_quiet(&self) -> bool {
        let whole = self.digests.front().zip(self.end);
        whole.is_some_and(|((first, _), end)| *first <= end.before(SPAN_MAX - 1))
            && self.listed().next().is_none()
    }
}
