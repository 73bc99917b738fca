//! `GET /v1/executions/{execution_id}/receipt`: a link to the receipt that works without
//! credentials until it expires, the file itself, or the receipt as a page for people.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_access::{Access, Operation};
use holdfast_aws::{ObjectLookup, S3Store};
use holdfast_ledger::{ExecutionRecord, Ledger, Phase};
use holdfast_receipt::{
    Receipt, ReceiptRef,
    evidence::Jwks,
    page::{content_security_policy, page_of},
};
use jiff::{Timestamp, Unit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{FetchLink, KeySet},
    app::App,
    extract::{NamesTenant, TENANT},
    principal::AuthorizedCaller,
    problem::Problem,
    progress::{linked, progress_of},
    route::{AuthorizedRequest, FILE},
};

/// Largest page that is served, in bytes: an answer of Lambda has 6 MB at most.
const PAGE_MAX: usize = 5 * 1024 * 1024;
/// Largest file that is answered, in bytes: Lambda's answer has it in base64.
const FILE_MAX: usize = 4 * 1024 * 1024;

/// The query of a request for a receipt.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptQuery {
    #[schemars(extend("description" = TENANT))]
    tenant: Option<String>,
    /// True if the answer is 302 to the receipt itself.
    #[serde(default)]
    redirect: bool,
    /// The form of the answer.
    #[serde(default)]
    format: ReceiptFormat,
    /// The execution generation: 0 is the first, and each later rollback or redrive adds one. The
    /// newest if left out.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    generation: Option<u32>,
}

impl NamesTenant for ReceiptQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReceiptFormat {
    /// A link to the receipt.
    #[default]
    Link,
    /// The file itself, byte for byte.
    File,
    /// A page for people.
    Html,
}

pub(crate) async fn link(
    AuthorizedRequest {
        app,
        caller,
        id,
        query,
        ..
    }: AuthorizedRequest<ReceiptQuery>,
) -> Result<Response, Problem> {
    if query.redirect && query.format != ReceiptFormat::Link {
        return Err(Problem::bad_request(
            "redirect=true leads to the receipt's file, format=file answers it, and format=html \
             answers a page: give one of them",
        ));
    }
    let execution = caller
        .ledger
        .read(&caller.key(&id)?)
        .await?
        .ok_or_else(|| caller.unknown(&id))?;
    let generation = query.generation.unwrap_or(execution.generation);
    let receipt = receipt_of(caller.receipts()?, &execution, generation).await?;
    let Some(receipt) = receipt else {
        return Err(no_receipt(&app, &caller, &execution).await?);
    };
    let name = format!("{}-{id}-{generation}", execution.workflow);
    if query.format == ReceiptFormat::Html {
        return page(&app, caller.receipts()?, &receipt, &name).await;
    }
    let file_name = format!("{name}.json");
    if query.format == ReceiptFormat::File {
        return file(bytes(caller.receipts()?, &receipt).await?, &file_name);
    }
    let (url, expires_at) = link_to(&app, caller.receipts()?, &receipt.object, &file_name).await?;
    if query.redirect {
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

/// 409: the newest generation has no receipt yet. The text has the status that lists show, except
/// for a role that sees no executions: it learns of no question and no pause.
async fn no_receipt(
    app: &App,
    caller: &AuthorizedCaller,
    execution: &ExecutionRecord,
) -> Result<Problem, Problem> {
    let at = &execution.at;
    let status = match caller.access(Operation::ReadExecutions) {
        Access::Allowed => {
            let snapshot = caller.ledger.snapshot(at).await?;
            let mut snapshot = snapshot.ok_or_else(|| caller.unknown(&at.execution))?;
            snapshot.questions = linked(&caller.ledger, snapshot.questions).await?;
            let progress = progress_of(app, &snapshot).await?;
            progress.status(at, snapshot.execution.phase.name())
        }
        Access::WhereAsked | Access::Forbidden | Access::Hidden => execution.phase.name(),
    };
    let before = match execution.generation.checked_sub(1) {
        Some(before) => format!("; the receipt before exists: ?generation={before}"),
        None => String::new(),
    };
    let when = match execution.phase {
        Phase::Ended { .. } => "its receipt is being written",
        _ => "it gets a receipt when it ends",
    };
    Ok(Problem::too_early(format!(
        "execution {} has no receipt yet: its status is {status}, and {when}{before}",
        at.execution
    )))
}

/// The reference to the receipt of an execution generation. The execution record names the newest
/// two receipts, and each receipt names the one before. The newest generation has none until it
/// ends.
async fn receipt_of(
    store: &S3Store,
    execution: &ExecutionRecord,
    generation: u32,
) -> Result<Option<ReceiptRef>, Problem> {
    let (id, newest) = (&execution.at.execution, execution.generation);
    if generation > newest {
        return Err(Problem::not_found(format!(
            "execution {id} has no generation {generation}: its newest is {newest}"
        )));
    }
    if generation == newest {
        return Ok(execution.receipt.clone());
    }
    let mut found = execution.previous.clone();
    for _ in generation + 1..newest {
        let Some(receipt) = found else { break };
        let bytes = bytes(store, &receipt).await?;
        found = Receipt::before(&bytes, &receipt).map_err(|why| {
            Problem::conflict(format!(
                "a later receipt, which names this one, was changed after it was written: {why}"
            ))
        })?;
    }
    found.map(Some).ok_or_else(|| {
        Problem::conflict(format!(
            "no later receipt of execution {id} names the receipt of generation {generation}"
        ))
    })
}

/// A link to an object, and the time at which it expires.
pub(crate) async fn link_to(
    app: &App,
    store: &S3Store,
    object: &str,
    file_name: &str,
) -> Result<(String, Timestamp), Problem> {
    let requested_at = Timestamp::now();
    let link = store
        .presign(object, file_name, app.receipt_url_valid_for)
        .await?;
    let expires_at = (requested_at + link.valid_for)
        .round(Unit::Second)
        .unwrap_or(requested_at);
    Ok((link.url, expires_at))
}

/// The bytes of a receipt's file.
async fn bytes(store: &S3Store, receipt: &ReceiptRef) -> Result<Vec<u8>, Problem> {
    Err(Problem::conflict(match store.look(&receipt.object).await? {
        ObjectLookup::Found(bytes) => return Ok(bytes),
        ObjectLookup::Missing => {
            format!("the receipt's file {} does not exist any more", receipt.object)
        }
        // The API's role may list no receipts, so that S3 does not say which. The answer does not
        // name the object, since a record could wrongly name that of another tenant.
        ObjectLookup::MissingOrDenied => {
            "the receipt's file does not exist any more, or the API may not read it: look into the \
             bucket for a delete marker, and at the policies of the tenant role and the bucket"
                .to_owned()
        }
    }))
}

/// A stored file as the answer, byte for byte.
pub(crate) fn file(bytes: Vec<u8>, file_name: &str) -> Result<Response, Problem> {
    if bytes.len() > FILE_MAX {
        return Err(Problem::conflict(format!(
            "the file {file_name} is larger than 4 MiB: fetch it by its link"
        )));
    }
    let headers = [
        (header::CONTENT_TYPE, FILE.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file_name}\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// The receipt as a page. The signature is verified over the bytes that the bucket has now.
async fn page(
    app: &App,
    store: &S3Store,
    receipt: &ReceiptRef,
    name: &str,
) -> Result<Response, Problem> {
    let at = Timestamp::now();
    let bytes = bytes(store, receipt).await?;
    let no_page = |why: String| {
        Problem::conflict(format!("the receipt {} has no page: {why}", receipt.object))
    };
    let keys = key_set(app).await?;
    let page =
        page_of(&bytes, &receipt.object, Some(&receipt.sha256), keys, at).map_err(no_page)?;
    if page.len() > PAGE_MAX {
        let why = "it is longer than 5 MiB; fetch the file and run `holdfast receipt page`";
        return Err(no_page(why.to_owned()));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, content_security_policy()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{name}.html\""),
        ),
    ];
    Ok((headers, page).into_response())
}

/// `GET /v1/keys`: the public keys that verify receipts, as a JSON Web Key Set. The route needs no
/// token.
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let cached = [(header::CACHE_CONTROL, "public, max-age=300")];
    let keys = key_set(&app).await?.to_value()["keys"].as_array().cloned();
    let set = KeySet {
        keys: keys.unwrap_or_default(),
    };
    Ok((cached, Json(set)).into_response())
}

/// The public keys, fetched once per process, since only a deployment adds a key.
async fn key_set(app: &App) -> Result<&Jwks, Problem> {
    let key_set = app.key_set.get_or_try_init(|| async {
        let keys: Vec<_> = app.signing_keys.iter().map(String::as_str).collect();
        app.keys.set(&keys).await
    });
    key_set
        .await
        .map_err(|why| Problem::unavailable("the key store", &why))
}
