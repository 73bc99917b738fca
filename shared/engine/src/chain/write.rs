//! Writes the digests that are due, with the receipts of each; safe under retries and races.

use std::{
    collections::{BTreeSet, HashSet},
    future::Future,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    head::{Head, Heads},
    tail::{NOT_THE_HEAD, Tail, WINDOW_HOURS, ours},
};
use crate::ports::{ObjectStore, StoreError};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{digest_prefix, late_day, late_prefix, receipt_day, receipt_prefix},
};
use holdfast_ledger::LedgerError;
use holdfast_receipt::chain::{Entry, Hour, MAX_RECEIPTS, ReceiptDigest, SPAN_MAX};
use holdfast_receipt::evidence::{Kind, SealError, Signer, seal};

/// The age of an end after which its receipt is late. A late receipt gets a mark, so that digests
/// need not list every folder.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// The time by which clocks may differ and a write may be delayed.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// The mean number of hourly runs that request the list of a receipt's folder. Half a day is the
/// rest of the day of the end; the others are hours after it.
pub const FOLDER_LISTS: i64 = 12 + WINDOW_HOURS + 1 + SLACK.as_hours() + LATE.as_hours();

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

/// The work of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Number of digests written.
    pub digests: usize,
    /// Number of receipts in them.
    pub receipts: usize,
}

/// Writes a tenant's digests in order, up to the hour `last`; none if the tenant has no receipt
/// yet.
///
/// Each hour has a digest, until the last 24 hours had no receipt. Then the tenant is quiet: its
/// next digest ends with the hour of its next receipt, or after 24 hours, and covers the hours
/// before. Hours after `due`, the newest whose digest is due, may still get receipts: if some are
/// requested, each hour has a digest, so that two runs at once write the same ones.
///
/// A receipt belongs to the first digest that is made after it was written, whose last hour had
/// begun by then, and that is not full with older ones. That is mostly the digest of its own hour.
/// The digest is computed from the stored objects, so that a concurrent run resumes from the same
/// state. The head names the end of the chain and is kept elsewhere. Each digest is written before
/// the head that names it, and the next digest after that head. So the store has every digest up to
/// the head, unless one was deleted.
pub async fn advance<S: Signer>(
    shelf: &impl Shelf,
    heads: &impl Heads,
    signer: &S,
    tenant: &str,
    last: Hour,
    due: Hour,
) -> Result<Progress, ChainError> {
    let span = (last, due);
    advance_with_limit(MAX_RECEIPTS, shelf, heads, signer, tenant, span).await
}

/// As [`advance`], with digests of so many receipts at most.
pub(super) async fn advance_with_limit<S: Signer>(
    most: usize,
    shelf: &impl Shelf,
    heads: &impl Heads,
    signer: &S,
    tenant: &str,
    (last, due): (Hour, Hour),
) -> Result<Progress, ChainError> {
    let mut progress = Progress::default();
    let head = heads.head(tenant).await?;
    if head.as_ref().is_some_and(|head| head.hour >= last) {
        return Ok(progress);
    }
    let mut tail = Tail::find(shelf, signer, tenant, last, head.as_ref(), most).await?;
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
        let first = hour;
        let farthest = match last <= due && tail.is_quiet() {
            true => first.before(1 - SPAN_MAX),
            false => first,
        };
        let hours = (tail.window(first.before(1)), farthest.min(last));
        let mut found = unlisted(shelf, tenant, hours, &tail).await?;
        let earliest = found.iter().map(|stored| stored.written_at).min();
        hour = match earliest {
            Some(written) => Hour::of(written).max(first),
            None if farthest <= last => farthest,
            None => break,
        };
        if tail.is_quiet() {
            hour = left_behind(shelf, tenant, first).await?.unwrap_or(hour);
        }
        found.retain(|stored| stored.written_at < hour.until());
        let receipts = entries(shelf, found).await?;
        let count = receipts.len();
        let digest = ReceiptDigest::new(tenant, (first, hour), receipts, tail.link.clone());
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

/// The last hour of a digest that a run left without a head when it died. It covers the hours from
/// `first` on, and another digest must not cover them too.
async fn left_behind(
    shelf: &impl Shelf,
    tenant: &str,
    first: Hour,
) -> Result<Option<Hour>, StoreError> {
    let end = first.before(1).object(tenant);
    let left = shelf.list(&digest_prefix(tenant), &end).await?;
    let hours = left
        .iter()
        .filter_map(|stored| Hour::of_object(tenant, &stored.key));
    Ok(hours.min())
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

/// Returns receipts that no digest lists and that were written in these hours: the oldest, as many
/// as one digest may list.
async fn unlisted(
    shelf: &impl Shelf,
    tenant: &str,
    (first, last): (Hour, Hour),
    tail: &Tail,
) -> Result<Vec<StoredObject>, ChainError> {
    let (since, until) = (first.from(), last.until());
    let days = days(since - SLACK - LATE, until + SLACK);
    let first_day = receipt_day(tenant, since - SLACK - LATE);
    let mut folders = late_folders(shelf, tenant, since - SLACK).await?;
    let mut lists: Vec<_> = match tail.is_quiet() {
        true => {
            // One list shows that a quiet tenant has no receipt.
            folders.retain(|folder| *folder < first_day);
            vec![(receipt_prefix(tenant), first_day)]
        }
        false => {
            folders.extend(days.map(|day| receipt_day(tenant, day)));
            Vec::new()
        }
    };
    lists.extend(folders.into_iter().map(|folder| (folder, String::new())));
    let listed: HashSet<&str> = tail.listed().collect();
    let mut found = Vec::new();
    for (prefix, after) in lists {
        let stored = shelf.list(&prefix, &after).await?.into_iter();
        found.extend(stored.filter(|stored| {
            (since..until).contains(&stored.written_at) && !listed.contains(stored.key.as_str())
        }));
        // A backlog of days would not fit into the function's memory.
        if found.len() > tail.most {
            found.sort_by(|a, b| (a.written_at, &a.key).cmp(&(b.written_at, &b.key)));
            found.truncate(tail.most);
        }
    }
    Ok(found)
}

/// Reads the receipts that a digest lists.
async fn entries(shelf: &impl Shelf, found: Vec<StoredObject>) -> Result<Vec<Entry>, ChainError> {
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

/// Returns the folders of the receipts whose marks say that they were written late, on the day of
/// `since` or later.
async fn late_folders(
    shelf: &impl Shelf,
    tenant: &str,
    since: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let marks = shelf
        .list(&late_prefix(tenant), &late_day(tenant, since))
        .await?;
    let ended = marks.iter().filter_map(|mark| {
        let day = mark.key.rsplit('/').next()?.strip_suffix(".json")?;
        format!("{day}T00:00:00Z").parse().ok()
    });
    Ok(ended.map(|ended| receipt_day(tenant, ended)).collect())
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
