//! Writes the digests that are due: which receipts each lists, in which order, safe to run twice
//! and twice at once.

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
use holdfast_receipt::chain::{Entry, Hour, HourlyDigest, Placed, Previous};
use holdfast_receipt::evidence::{Kind, SealError, Signer, seal};

/// How far a digest looks back for receipts that no digest lists: over every hour that can have
/// been asked for early.
const WINDOW_HOURS: i64 = 24;

/// A receipt that is written later than this after its execution's end is named beside, so that
/// digests need not look through every folder there is.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// Fault clocks may differ by, and a write may take.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// Where a chain's end is looked for first.
const RECENT_HOURS: i64 = 7 * 24;

/// The most receipts in a digest; what is over joins the next.
pub(super) const MAX_RECEIPTS: usize = 100_000;

/// How many receipts are read at once.
const READERS: usize = 16;

/// Whether a receipt that is written now is written late.
pub fn is_late(ended_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(ended_at) > LATE
}

/// An object as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// When it was written, by the store's clock.
    pub written_at: Timestamp,
}

/// A store that lists what it holds; what was written is listed from then on.
pub trait Shelf: ObjectStore {
    /// The objects whose keys begin with `prefix` and come after `after`, by key.
    fn list(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Future<Output = Result<Vec<Stored>, StoreError>> + Send;
    /// The names of the folders in the folder `prefix`.
    fn folders(&self, prefix: &str)
    -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// Why a chain does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The store did not answer: worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head could not be read or written.
    #[error(transparent)]
    Heads(#[from] LedgerError),
    /// A digest could not be signed.
    #[error("a digest could not be signed: {0}")]
    Seal(#[from] SealError),
    /// A digest is not what was written: people must look, and bring back the version that was.
    #[error("{object}: {why}")]
    Broken {
        /// Its object key.
        object: String,
        /// Fault is wrong with it.
        why: String,
    },
}

/// Said where the store holds something else than was written last.
const NOT_THE_HEAD: &str =
    "the chain is broken: it is not the digest that the ledger has as the last one written";

/// Fault was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// How many digests.
    pub digests: usize,
    /// How many receipts they list.
    pub receipts: usize,
}

/// Every tenant that has a receipt, or had one: who has once been in the chain stays in it,
/// whatever lies in the store.
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
/// by then: mostly that of its own hour. Fault it lists is told from what lies in the store, so
/// that whoever comes second goes on from what he finds. Where the chain ends is told by its head,
/// which is kept elsewhere: each digest is written before the head that names it, and no digest
/// before that. So the store never holds less than the head says, unless somebody took it away.
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
    let mut tail = Tail::find(shelf, tenant, last, head.as_ref()).await?;
    if let (None, Some(stands)) = (head, tail.head()) {
        // A chain that is older than its head.
        raise(heads, tenant, &stands).await?;
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
            // Somebody else was quicker: theirs is the digest.
            let stands = shelf.get(&object).await?;
            let stands = stands.ok_or(StoreError(format!("{object} is there, and is not")))?;
            tail.push(hour, tenant, &stands)?;
        }
        if let Some(head) = tail.head() {
            raise(heads, tenant, &head).await?;
        }
        hour = hour.next();
    }
    Ok(progress)
}

/// Writes the head. Somebody quicker may have written a later one, or this one; another digest of
/// this hour is none.
async fn raise(heads: &impl Heads, tenant: &str, head: &Head) -> Result<(), ChainError> {
    let stands = heads.raise(tenant, head).await?;
    let other = stands.is_some_and(|stands| stands.hour == head.hour);
    match other {
        false => Ok(()),
        true => Err(ChainError::Broken {
            object: head.hour.object(tenant),
            why: NOT_THE_HEAD.to_owned(),
        }),
    }
}

/// The hour of a tenant's first receipt.
async fn first(shelf: &impl Shelf, tenant: &str) -> Result<Option<Hour>, StoreError> {
    let all = shelf.list(&receipt_prefix(tenant), "").await?;
    let first = all.iter().map(|stored| stored.written_at).min();
    Ok(first.map(Hour::of))
}

/// Fault the digest of this hour lists.
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
    found.retain(|one| {
        (since..hour.until()).contains(&one.written_at) && !listed.contains(one.key.as_str())
    });
    found.sort_by(|a, b| (a.written_at, &a.key).cmp(&(b.written_at, &b.key)));
    found.truncate(MAX_RECEIPTS);
    let read = found.into_iter().map(|one| async move {
        let gone = || StoreError(format!("{} was listed, and is not there", one.key));
        let bytes = shelf.get(&one.key).await?.ok_or_else(gone)?;
        Ok::<_, ChainError>(Entry {
            sha256: sha256_hex(&bytes),
            object: one.key,
            written_at: one.written_at.to_string(),
        })
    });
    let mut entries: Vec<Entry> = stream::iter(read)
        .buffer_unordered(READERS)
        .try_collect()
        .await?;
    entries.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(entries)
}

/// The folders in which receipts can lie that were written within this hour or the window before
/// it.
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
        for one in shelf.list(&late, "").await? {
            let ended = one.key.strip_prefix(&late);
            let ended = ended.and_then(|ended| ended.strip_suffix(".json"));
            let ended = ended.and_then(|day| format!("{day}T00:00:00Z").parse().ok());
            folders.extend(ended.map(|ended: Timestamp| receipt_day(tenant, ended)));
        }
    }
    Ok(folders)
}

/// An instant of every day (UTC) from one instant to another.
fn days(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    const DAY: i64 = 24 * 60 * 60;
    let (first, last) = (
        from.as_second().div_euclid(DAY),
        until.as_second().div_euclid(DAY),
    );
    (first..=last).filter_map(|day| Timestamp::from_second(day * DAY).ok())
}

/// The end of a chain: the last digest, and what those list that a next one looks back over.
#[derive(Default)]
struct Tail {
    end: Option<Hour>,
    link: Option<Previous>,
    listed: VecDeque<Vec<String>>,
}

impl Tail {
    /// Finds a tenant's last digest, and reads backwards from it.
    async fn find(
        shelf: &impl Shelf,
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
            if head.is_some_and(|head| head.hour == hour && *head != Head::of(hour, &bytes)) {
                return Err(broken(NOT_THE_HEAD));
            }
            let placed = Placed::read(tenant, hour, &bytes).map_err(|why| broken(&why))?;
            if named.is_some_and(|named| named != placed.link) {
                return Err(broken("it is not the digest that the next names"));
            }
            tail.link.get_or_insert(placed.link);
            let listed = placed.digest.receipts.into_iter();
            tail.listed
                .push_front(listed.map(|one| one.object).collect());
            named = placed.digest.previous;
            if named.is_none() {
                break;
            }
            hour = hour.before(1);
        }
        Ok(tail)
    }

    /// The head that its end is.
    fn head(&self) -> Option<Head> {
        let (hour, link) = (self.end?, self.link.as_ref()?);
        Some(Head {
            hour,
            sha256: link.sha256.clone(),
        })
    }

    /// A tenant's last hour that has a digest, where no head says so: among the recent ones first,
    /// of which there are few.
    async fn end(shelf: &impl Shelf, tenant: &str, due: Hour) -> Result<Option<Hour>, StoreError> {
        let recent = due.before(RECENT_HOURS).object(tenant);
        for after in [recent.as_str(), ""] {
            let found = shelf.list(&digest_prefix(tenant), after).await?;
            let hours = found.iter().map(|one| Hour::of_object(tenant, &one.key));
            if let Some(last) = hours.flatten().max() {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// Goes on with the digest that stands for this hour.
    fn push(&mut self, hour: Hour, tenant: &str, bytes: &[u8]) -> Result<(), ChainError> {
        let broken = |why: String| ChainError::Broken {
            object: hour.object(tenant),
            why,
        };
        let placed = Placed::read(tenant, hour, bytes).map_err(broken)?;
        if placed.digest.previous != self.link {
            return Err(broken("it does not name the digest before".to_owned()));
        }
        let listed = placed.digest.receipts.into_iter();
        self.listed
            .push_back(listed.map(|one| one.object).collect());
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
