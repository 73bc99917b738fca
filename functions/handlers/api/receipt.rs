//! `GET /v1/executions/{execution_id}/receipt`: a link to the receipt that works for a while without credentials.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_core::{access::Operation, ledger::Ledger};
use jiff::{Timestamp, Unit};
use serde::Deserialize;
use serde_json::json;

use crate::{
    App,
    caller::{Thing, Visitor},
    given::Asked,
    problem::Problem,
};

/// What may follow the `?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    tenant: Option<String>,
    /// Answer 302 to the receipt itself.
    #[serde(default)]
    redirect: bool,
}

pub(crate) async fn link(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(how): Asked<How>,
) -> Result<Response, Problem> {
    let named = how.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadReceipts, named, Thing::Execution(&id))
        .await?;
    let meta = caller
        .ledger
        .meta(&caller.key(&id)?)
        .await?
        .ok_or_else(|| caller.unknown(&id))?;
    let Some(receipt) = meta.receipt else {
        return Err(Problem::too_early(format!(
            "execution {id} has no receipt yet: it is {}, and every execution has one when it has ended",
            meta.phase.name()
        )));
    };
    let asked_at = Timestamp::now();
    let file_name = format!("{}-{id}-{}.json", meta.workflow, meta.generation);
    let link = caller
        .receipts
        .presign(&receipt.object, &file_name, app.receipt_url_valid_for)
        .await
        .map_err(|error| Problem::unavailable("the receipt store", &error.0))?;
    if how.redirect {
        return Ok((StatusCode::FOUND, [(header::LOCATION, link.url)]).into_response());
    }
    let expires_at = (asked_at + link.valid_for)
        .round(Unit::Second)
        .unwrap_or(asked_at);
    Ok(Json(json!({
        "execution_id": id,
        "url": link.url,
        "expires_at": expires_at,
        "sha256": receipt.sha256,
        "object": receipt.object,
    }))
    .into_response())
}

/// `GET /v1/keys`: the public keys that receipts are verified by, as a JSON Web Key Set; nobody has to be known for it.
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Result<Json<serde_json::Value>, Problem> {
    let keys: Vec<_> = app.signing_keys.iter().map(String::as_str).collect();
    let set = app.keys.set(&keys).await;
    let set = set.map_err(|why| Problem::unavailable("the key store", &why))?;
    Ok(Json(set.to_value()))
}
