//! Writes the digests that are due, with the receipts of each; safe under retries and races.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    future::Future,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::head::{Head, Heads};
use crate::ports::{ObjectStore, StoreError};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{digest_prefix, late_day, receipt_day, receipt_prefix},
    names::check_tenant,
};
use holdfast_ledger::LedgerError;
use holdfast_receipt::chain::{ChainDigest, Entry, Hour, HourlyDigest, Previous};
use holdfast_receipt::evidence::{Kind, SealError, Signer, seal, signed_by};

/// The hours over which a digest looks back for receipts that no digest lists. It covers every hour
/// whose digest may have been requested early.
const WINDOW_HOURS: i64 = 24;

/// The age of an end after which its receipt is late. A late receipt gets a mark, so that digests
/// need not list every folder.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// The time by which clocks may differ and a write may be delayed.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// The hours in which the end of a chain is looked for first.
const RECENT_HOURS: i64 = 7 * 24;

/// Most receipts in a digest; the others join the next one.
pub(super) const MAX_RECEIPTS: usize = 100_000;

/// Receipts that are read concurrently.
const READERS: usize = 16;

/// Returns whether a receipt that is written `now` is late.
pub fn is_late(ended_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(ended_at) > LATE
}

/// An object, as a listing names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The object key.
    pub key: String,
    /// The time at which it was written, by the store's clock.
    pub written_at: Timestamp,
}

/// A store that lists its objects; a listing has every object that was written before it.
pub trait Shelf: ObjectStore {
    /// Lists the objects whose keys begin with `prefix` and sort after `after`, by key.
    fn list(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Future<Output = Result<Vec<StoredObject>, StoreError>> + Send;
    /// Lists the names of the folders in the folder `prefix`.
    fn folders(&self, prefix: &str)
    -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// The reason why a chain cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The store did not answer; another run may succeed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head could not be read or written.
    #[error(transparent)]
    Heads(#[from] LedgerError),
    /// A digest could not be signed.
    #[error("a digest could not be signed: {0}")]
    Seal(#[from] SealError),
    /// A digest differs from the one that was written: a person must restore that version.
    #[error("{object}: {why}")]
    Broken {
        /// The object key of the digest.
        object: String,
        /// The fault of the digest.
        why: String,
    },
}

/// The fault of a digest that differs from the head in the ledger.
const NOT_THE_HEAD: &str =
    "the chain is broken: it is not the digest that the ledger has as the last one written";

/// The work of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Number of digests written.
    pub digests: usize,
    /// Number of receipts in them.
    pub receipts: usize,
}

/// Lists every tenant that has or had a receipt. A tenant with a head stays listed even if its
/// objects are gone.
pub async fn tenants(
    shelf: &impl Shelf,
    heads: &impl Heads,
) -> Result<BTreeSet<String>, ChainError> {
    let mut tenants: BTreeSet<String> = shelf.folders("receipts/").await?.into_iter().collect();
    tenants.extend(shelf.folders("digests/").await?);
    tenants.extend(heads.tenants().await?);
    tenants.retain(|name| check_tenant(name).is_ok());
    Ok(tenants)
}

/// Writes a tenant's digests in order, up to the one of the hour `last`; none if the tenant has no
/// receipt yet.
///
/// A receipt belongs to the first digest that is made after it was written and whose hour had begun
/// by then. That is mostly the digest of its own hour. The digest is computed from the stored
/// objects, so that a concurrent run resumes from the same state. The head names the end of the
/// chain and is kept elsewhere. Each digest is written before the head that names it, and the next
/// digest after that head. So the store has every digest up to the head, unless one was deleted.
pub async fn advance<S: Signer>(
    shelf: &impl Shelf,
    heads: &impl Heads,
    signer: &S,
    tenant: &str,
    last: Hour,
) -> Result<Progress, ChainError> {
    let mut progress = Progress::default();
    let head = heads.head(tenant).await?;
    if head.as_ref().is_some_and(|head| head.hour >= last) {
        return Ok(progress);
    }
    let mut tail = Tail::find(shelf, signer, tenant, last, head.as_ref()).await?;
    if let (None, Some(found)) = (head, tail.head()) {
        // The chain was written before heads existed.
        raise(heads, tenant, &found).await?;
    }
    let next = match tail.end {
        Some(end) => Some(end.next()),
        None => first(shelf, tenant).await?,
    };
    let Some(mut hour) = next else {
        return Ok(progress);
    };
    while hour <= last {
        let receipts = receipts(shelf, tenant, hour, &tail).await?;
        let count = receipts.len();
        let digest = HourlyDigest::new(tenant, hour, receipts, tail.link.clone());
        let value =
            serde_json::to_value(digest).map_err(|error| SealError::Unfit(error.to_string()))?;
        let bytes = seal(signer, Kind::Digest, value).await?;
        let object = hour.object(tenant);
        if shelf.put_new(&object, bytes.clone()).await? {
            progress.digests += 1;
            progress.receipts += count;
            tail.push(hour, tenant, &bytes)?;
        } else {
            // A concurrent run has written the digest of this hour.
            let stored = shelf.get(&object).await?;
            let stored = stored.ok_or(StoreError(format!("{object} exists and cannot be read")))?;
            ours(signer, &object, &stored).await?;
            tail.push(hour, tenant, &stored)?;
        }
        if let Some(head) = tail.head() {
            raise(heads, tenant, &head).await?;
        }
        hour = hour.next();
    }
    Ok(progress)
}

/// Checks that a stored digest was signed here, before the chain continues from it. The head that
/// the ledger has needs no such check, nor do the digests that it links.
async fn ours<S: Signer>(signer: &S, object: &str, stored: &[u8]) -> Result<(), ChainError> {
    match signed_by(signer, Kind::Digest, stored).await {
        Err(SealError::Unfit(why)) => Err(ChainError::Broken {
            object: object.to_owned(),
            why: format!("it was not adopted, because it is not this deployment's: {why}"),
        }),
        result => Ok(result?),
    }
}

/// Writes the head. A concurrent run may have written this head or a later one. A head with another
/// digest of this hour means that the chain is broken.
async fn raise(heads: &impl Heads, tenant: &str, head: &Head) -> Result<(), ChainError> {
    let stored = heads.raise(tenant, head).await?;
    let other = stored.is_some_and(|stored| stored.hour == head.hour);
    match other {
        false => Ok(()),
        true => Err(ChainError::Broken {
            object: head.hour.object(tenant),
            why: NOT_THE_HEAD.to_owned(),
        }),
    }
}

/// Returns the hour of a tenant's first receipt.
async fn first(shelf: &impl Shelf, tenant: &str) -> Result<Option<Hour>, StoreError> {
    let all = shelf.list(&receipt_prefix(tenant), "").await?;
    let first = all.iter().map(|stored| stored.written_at).min();
    Ok(first.map(Hour::of))
}

/// Returns the receipts that the digest of this hour lists.
async fn receipts(
    shelf: &impl Shelf,
    tenant: &str,
    hour: Hour,
    tail: &Tail,
) -> Result<Vec<Entry>, ChainError> {
    let since = hour.before(WINDOW_HOURS).from();
    let mut found = Vec::new();
    for folder in folders(shelf, tenant, hour).await? {
        found.extend(shelf.list(&folder, "").await?);
    }
    let listed: HashSet<&str> = tail.listed().collect();
    found.retain(|stored| {
        (since..hour.until()).contains(&stored.written_at) && !listed.contains(stored.key.as_str())
    });
    found.sort_by(|a, b| (a.written_at, &a.key).cmp(&(b.written_at, &b.key)));
    found.truncate(MAX_RECEIPTS);
    let read = found.into_iter().map(|stored| async move {
        let gone = || StoreError(format!("{} was listed and does not exist", stored.key));
        let bytes = shelf.get(&stored.key).await?.ok_or_else(gone)?;
        Ok::<_, ChainError>(Entry {
            sha256: sha256_hex(&bytes),
            object: stored.key,
            written_at: stored.written_at.to_string(),
        })
    });
    let mut entries: Vec<Entry> = stream::iter(read)
        .buffer_unordered(READERS)
        .try_collect()
        .await?;
    entries.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(entries)
}

/// Returns the folders of all receipts that can have been written within this hour or the window
/// before it.
async fn folders(
    shelf: &impl Shelf,
    tenant: &str,
    hour: Hour,
) -> Result<BTreeSet<String>, StoreError> {
    let (since, until) = (
        hour.before(WINDOW_HOURS).from() - SLACK,
        hour.until() + SLACK,
    );
    let mut folders = BTreeSet::new();
    for day in days(since - LATE, until) {
        folders.insert(receipt_day(tenant, day));
    }
    for day in days(since, until) {
        let late = late_day(tenant, day);
        for mark in shelf.list(&late, "").await? {
            let ended = mark.key.strip_prefix(&late);
            let ended = ended.and_then(|ended| ended.strip_suffix(".json"));
            let ended = ended.and_then(|day| format!("{day}T00:00:00Z").parse().ok());
            folders.extend(ended.map(|ended: Timestamp| receipt_day(tenant, ended)));
        }
    }
    Ok(folders)
}

/// Yields an instant of every day (UTC) from one instant to another.
fn days(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    const DAY: i64 = 24 * 60 * 60;
    let (first, last) = (
        from.as_second().div_euclid(DAY),
        until.as_second().div_euclid(DAY),
    );
    (first..=last).filter_map(|day| Timestamp::from_second(day * DAY).ok())
}

/// The end of a chain: the last digest, and the receipts that the digests in the window list.
#[derive(Default)]
struct Tail {
    end: Option<Hour>,
    link: Option<Previous>,
    listed: VecDeque<Vec<String>>,
}

impl Tail {
    /// Finds a tenant's last digest and reads backwards from it.
    async fn find<S: Signer>(
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
        for _ in 0..WINDOW_HOURS {
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
            tail.listed
                .push_front(listed.map(|entry| entry.object).collect());
            named = placed.digest.previous;
            if named.is_none() {
                break;
            }
            hour = hour.before(1);
        }
        Ok(tail)
    }

    /// The head that names the end.
    fn head(&self) -> Option<Head> {
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
    fn push(&mut self, hour: Hour, tenant: &str, bytes: &[u8]) -> Result<(), ChainError> {
        let broken = |why: String| ChainError::Broken {
            object: hour.object(tenant),
            why,
        };
        let placed = ChainDigest::read(tenant, hour, bytes).map_err(broken)?;
        if placed.digest.previous != self.link {
            return Err(broken("it does not name the digest before".to_owned()));
        }
        let listed = placed.digest.receipts.into_iter();
        self.listed
            .push_back(listed.map(|entry| entry.object).collect());
        if self.listed.len() > WINDOW_HOURS as usize {
            self.listed.pop_front();
        }
        self.end = Some(hour);
        self.link = Some(placed.link);
        Ok(())
    }

    fn listed(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().flatten().map(String::as_str)
    }
}
