//! `GET /v1/digests`: lists a tenant's digests, oldest first, each with a link that works
//! until it expires. `GET /v1/digests/{until}` answers the file of one.

use axum::{Json, response::Response};
use holdfast_aws::S3Store;
use holdfast_engine::ObjectStore;
use holdfast_ids::{digest::sha256_hex, keys::digest_prefix};
use holdfast_receipt::chain::{ChainDigest, Hour, SPAN_MAX};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Digests, ListedDigest},
    extract::{NamesTenant, TenantQuery},
    page::{limit, time},
    problem::Problem,
    receipt::{file as answered, link_to},
    route::AuthorizedRequest,
};

/// The query of the list of digests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestQuery {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only digests that cover an hour which begins at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only digests that cover an hour which begins before this time.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(regex(pattern = "^[0-9]{7}$"))]
    cursor: Option<String>,
}

impl NamesTenant for DigestQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn list(
    AuthorizedRequest {
        app,
        caller,
        query: which,
        ..
    }: AuthorizedRequest<DigestQuery>,
) -> Result<Json<Digests>, Problem> {
    let limit = limit(which.limit)?;
    let from = which.from.map(|at| time("from", &at)).transpose()?;
    let until = which.until.map(|at| time("until", &at)).transpose()?;
    let after = which.cursor.as_deref().map(cursor).transpose()?;
    let first = from.map(Hour::not_before).max(after.map(Hour::next));
    let (store, tenant) = (caller.receipts()?, &caller.tenant);
    let hours = digest_hours(store, tenant, first, limit + 1)
        .await?
        .into_iter();
    // The last hour of a digest names it, and the digest may begin up to a day before.
    let longest = |hour: &Hour| hour.before(SPAN_MAX - 1).from();
    let mut hours: Vec<Hour> = hours
        .take_while(|hour| until.is_none_or(|until| longest(hour) < until))
        .collect();
    let mut more = hours.len() > limit;
    hours.truncate(limit);
    let mut digests = Vec::new();
    // Read one after another, since a digest may list 100,000 receipts.
    for hour in &hours {
        let object = hour.object(tenant);
        let Some(bytes) = store.get(&object).await? else {
            continue;
        };
        // One that cannot be read is listed, since the audit of a mirror must see it.
        let read = ChainDigest::read(tenant, *hour, &bytes);
        let first = read.map_or(*hour, |read| read.first);
        if until.is_some_and(|until| first.from() >= until) {
            more = false;
            break;
        }
        more &= until.is_none_or(|until| hour.until() < until);
        let name = object.replace('/', "-");
        let (url, expires_at) = link_to(&app, store, &object, &name).await?;
        digests.push(ListedDigest {
            from: first.from(),
            until: hour.until(),
            sha256: sha256_hex(&bytes),
            object,
            url,
            expires_at,
        });
    }
    let next = hours.last().filter(|_| more).copied().map(Hour::number);
    Ok(Json(Digests { digests, next }))
}

/// `GET /v1/digests/{until}`: the file of the digest whose last hour ends at this time.
pub(crate) async fn file(
    AuthorizedRequest { caller, id, .. }: AuthorizedRequest<TenantQuery>,
) -> Result<Response, Problem> {
    let until = time("the end of a digest", &id)?;
    let missing = || Problem::not_found(format!("no digest ends at {until}"));
    let next = Hour::from_start(until).ok_or_else(missing)?;
    let hour = next.before(1);
    let (store, object) = (caller.receipts()?, hour.object(&caller.tenant));
    // S3 denies a read of what does not exist, since the session may list the tenant's digests
    // alone: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.
    let found = digest_hours(store, &caller.tenant, Some(hour), 1).await?;
    if found.first() != Some(&hour) {
        return Err(missing());
    }
    let bytes = store.get(&object).await?.ok_or_else(missing)?;
    answered(bytes, &object.replace('/', "-"))
}

/// The last hours of a tenant's digests in order, from `first` on, at most `limit`.
async fn digest_hours(
    store: &S3Store,
    tenant: &str,
    first: Option<Hour>,
    limit: usize,
) -> Result<Vec<Hour>, Problem> {
    let before = first.map(|hour| hour.before(1).object(tenant));
    let after = before.unwrap_or_default();
    let listed = store.page(&digest_prefix(tenant), &after, limit).await?;
    let hours = listed.iter().filter_map(|key| Hour::of_object(tenant, key));
    Ok(hours.collect())
}

/// The hour that a cursor names.
fn cursor(cursor: &str) -> Result<Hour, Problem> {
    Hour::from_number(cursor)
        .ok_or_else(|| Problem::bad_request("cursor must be `next` of the page before"))
}
