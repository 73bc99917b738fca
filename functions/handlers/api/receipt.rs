//! `GET /v1/executions/{execution_id}/receipt`: a link to the receipt that works for a while without credentials, or the
//! receipt as a page for people.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_aws::S3Store;
use holdfast_core::{
    access::Operation,
    engine::ObjectStore,
    evidence::Jwks,
    ledger::{Ledger, Meta, ReceiptRef},
    receipt::{
        Receipt,
        page::{content_security_policy, page_of},
    },
};
use jiff::{Timestamp, Unit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{FetchLink, KeySet},
    caller::{Thing, Visitor},
    given::Asked,
    problem::Problem,
};

/// Largest page that is served: Lambda answers 6 MB at most.
const PAGE_MAX: usize = 5 * 1024 * 1024;

/// What may follow the `?`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Answer 302 to the receipt itself.
    #[serde(default)]
    redirect: bool,
    /// What is answered.
    #[serde(default)]
    format: Format,
    /// Which one: 0 is the first, and each later rollback or redrive has one more; the newest if left out.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    generation: Option<u32>,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// A link to the receipt.
    #[default]
    Link,
    /// A page for people.
    Html,
}

pub(crate) async fn link(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(how): Asked<How>,
) -> Result<Response, Problem> {
    if how.redirect && how.format == Format::Html {
        return Err(Problem::bad_request(
            "redirect=true leads to the receipt's file, and format=html answers the page itself: give one of them",
        ));
    }
    let named = how.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadReceipts, named, Thing::Execution(&id))
        .await?;
    let meta = caller
        .ledger
        .meta(&caller.key(&id)?)
        .await?
        .ok_or_else(|| caller.unknown(&id))?;
    let generation = how.generation.unwrap_or(meta.generation);
    let receipt = receipt_of(&caller.receipts, &meta, generation).await?;
    let name = format!("{}-{id}-{generation}", meta.workflow);
    if how.format == Format::Html {
        return page(&app, &caller.receipts, &receipt, &name).await;
    }
    let file_name = format!("{name}.json");
    let (url, expires_at) = link_to(&app, &caller.receipts, &receipt.object, &file_name).await?;
    if how.redirect {
        return Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response());
    }
    Ok(Json(FetchLink {
        execution_id: id,
        url,
        expires_at,
        sha256: receipt.sha256,
        object: receipt.object,
    })
    .into_response())
}

/// Where the receipt of a generation lies. The record names the newest two; each names the one before.
async fn receipt_of(store: &S3Store, meta: &Meta, generation: u32) -> Result<ReceiptRef, Problem> {
    let (id, newest) = (&meta.at.execution, meta.generation);
    if generation > newest {
        return Err(Problem::not_found(format!(
            "execution {id} has no generation {generation}: its newest is {newest}"
        )));
    }
    if generation == newest {
        return meta.receipt.clone().ok_or_else(|| {
            let before = match newest.checked_sub(1) {
                Some(before) => format!("; the receipt before is there: ?generation={before}"),
                None => String::new(),
            };
            Problem::too_early(format!(
                "execution {id} has no receipt yet: it is {}, and every execution has one when it has ended{before}",
                meta.phase.name()
            ))
        });
    }
    let mut found = meta.previous.clone();
    for _ in generation + 1..newest {
        let Some(receipt) = found else { break };
        let bytes = bytes(store, &receipt).await?;
        found = Receipt::before(&bytes, &receipt).map_err(|why| {
            Problem::conflict(format!(
                "what leads to the receipt is not as it was written: {why}"
            ))
        })?;
    }
    found.ok_or_else(|| {
        Problem::conflict(format!(
            "no later receipt of {id} names that of generation {generation}"
        ))
    })
}

/// A link to an object that works for a while, and until when.
pub(crate) async fn link_to(
    app: &App,
    store: &S3Store,
    object: &str,
    file_name: &str,
) -> Result<(String, Timestamp), Problem> {
    let asked_at = Timestamp::now();
    let link = store
        .presign(object, file_name, app.receipt_url_valid_for)
        .await?;
    let expires_at = (asked_at + link.valid_for)
        .round(Unit::Second)
        .unwrap_or(asked_at);
    Ok((link.url, expires_at))
}

/// A receipt's file.
async fn bytes(store: &S3Store, receipt: &ReceiptRef) -> Result<Vec<u8>, Problem> {
    let bytes = store.get(&receipt.object).await?;
    bytes.ok_or_else(|| Problem::conflict(format!("the file of {} is gone", receipt.object)))
}

/// The receipt as a page, its signature verified as it stands in the bucket at this moment.
async fn page(
    app: &App,
    store: &S3Store,
    receipt: &ReceiptRef,
    name: &str,
) -> Result<Response, Problem> {
    let at = Timestamp::now();
    let bytes = bytes(store, receipt).await?;
    let unfit = |why: String| {
        Problem::conflict(format!("the receipt {} has no page: {why}", receipt.object))
    };
    let keys = key_set(app).await?;
    let page = page_of(&bytes, &receipt.object, Some(&receipt.sha256), keys, at).map_err(unfit)?;
    if page.len() > PAGE_MAX {
        let why = "it is too long for one answer; fetch the file, and let `holdfast receipt page` make the page";
        return Err(unfit(why.to_owned()));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, content_security_policy()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{name}.html\""),
        ),
    ];
    Ok((headers, page).into_response())
}

/// `GET /v1/keys`: the public keys that receipts are verified by, as a JSON Web Key Set; nobody has to be known for it.
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let cached = [(header::CACHE_CONTROL, "public, max-age=300")];
    let keys = key_set(&app).await?.to_value()["keys"].as_array().cloned();
    let set = KeySet {
        keys: keys.unwrap_or_default(),
    };
    Ok((cached, Json(set)).into_response())
}

/// The keys, asked for once in the life of the process: another key comes with another deployment.
async fn key_set(app: &App) -> Result<&Jwks, Problem> {
    let told = app.key_set.get_or_try_init(|| async {
        let keys: Vec<_> = app.signing_keys.iter().map(String::as_str).collect();
        app.keys.set(&keys).await
    });
    told.await
        .map_err(|why| Problem::unavailable("the key store", &why))
}
