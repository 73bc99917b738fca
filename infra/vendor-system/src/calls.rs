//! A call of a business route: it is read and recorded, meets its fault, commits, and is answered
//! or dropped.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    RequestExt,
    body::Bytes,
    extract::{ConnectInfo, Path, Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::{
    App, Route,
    answer::Answer,
    faults::{CommitSide, MetFault, planned},
    line::Cut,
    problem::Problem,
    query::Query,
    state::{Ending, Subject},
};

/// The largest body that a business route accepts, in bytes: 256 KiB.
const BODY_LIMIT: usize = 256 << 10;
/// Larger bodies are read up to this limit, so that their senders receive the 413 and not a reset.
pub(crate) const READ_LIMIT: usize = 4 << 20;

/// A request to a business route.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) route: &'static Route,
    pub(crate) path: String,
    id: Option<String>,
    pub(crate) query: Query,
    pub(crate) key: Option<String>,
    forward_key: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) authorization_sha256: Option<String>,
    pub(crate) body: Bytes,
    /// The problem that refuses the call before its route reads it.
    pub(crate) refusal: Option<Problem>,
}

impl Call {
    async fn read(route: &'static Route, mut request: Request) -> Self {
        let id = request.extract_parts::<Option<Path<String>>>().await;
        let path = request.uri().path().to_owned();
        let query = Query::of(request.uri());
        let headers = request.headers().clone();
        let body = request.extract::<Bytes, _>().await;
        let refusal = match (&id, &body) {
            (Err(_), _) => Some(
                Problem::bad_request("the path is not UTF-8")
                    .at("path")
                    .expected("percent-encoded UTF-8"),
            ),
            (_, Err(error)) if error.status() != StatusCode::PAYLOAD_TOO_LARGE => {
                Some(Problem::bad_request("the body did not arrive as announced").at("body"))
            }
            (_, Ok(bytes)) if bytes.len() <= BODY_LIMIT => None,
            _ => Some(
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
                    .at("body")
                    .expected(format!("at most {BODY_LIMIT} bytes")),
            ),
        };
        Self {
            route,
            path,
            id: id.ok().flatten().map(|Path(id)| id),
            forward_key: query
                .get("key")
                .map(str::to_owned)
                .or_else(|| header(&headers, "holdfast-forward-key")),
            query,
            key: header(&headers, "idempotency-key"),
            traceparent: header(&headers, "traceparent"),
            authorization_sha256: headers
                .get(AUTHORIZATION)
                .map(|value| hex::encode(&Sha256::digest(value.as_bytes())[..6])),
            body: body.unwrap_or_default(),
            refusal,
        }
    }

    /// The id in the path; empty if the route has none.
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// The body as text, for finding something in it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as a JSON object: 400 if it is none.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Problem> {
        json(&self.body)
    }

    /// The subject of the request as far as the request names it, without a check.
    pub(crate) fn subject(&self) -> Subject {
        let body = self.object().unwrap_or_default();
        let said = |name: &str| {
            let in_body = body.get(name).and_then(Value::as_str);
            in_body.or(self.query.get(name)).map(str::to_owned)
        };
        let in_path = self
            .id
            .clone()
            .filter(|_| self.route.path == "/vendors/{id}");
        Subject {
            key: self.key.clone(),
            forward_key: self.forward_key.clone(),
            vendor_id: in_path.or_else(|| said("vendor_id")),
            team: said("team"),
        }
    }
}

/// A body as a JSON object: 400 if it is none.
pub(crate) fn json(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!("the body is not a JSON object: {error}"))
            .at("body")
            .expected("a JSON object")
    })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Serves a call to its end, even if the client hangs up, as a real system would.
pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    route: &'static Route,
    request: Request,
) -> Response {
    let call = Call::read(route, request).await;
    let carried_out = tokio::spawn(async move { carry_out(&app, &call).await });
    match carried_out.await {
        Ok(Some(answer)) => answer.into_response(),
        Ok(None) => {
            cut.cut();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(_) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the vendor system has a defect: its route panicked",
        )
        .at(route.name)
        .into(),
    }
}

/// The answer, or none if the connection is to be dropped.
async fn carry_out(app: &App, call: &Call) -> Option<Answer> {
    let (ticket, mut fault) = app.world().admit(call);
    let kind = fault
        .as_ref()
        .map(|met| met.kind.clone())
        .unwrap_or_default();
    pause(kind.delay_ms).await;
    blocked(&mut fault, CommitSide::BeforeCommit).await;
    let answer = match (kind.status, kind.drop) {
        (Some(status), _) => {
            Some(Answer::from(planned(status, kind.detail)).with_retry_after(kind.retry_after_s))
        }
        (None, Some(CommitSide::BeforeCommit)) => None,
        (None, Some(CommitSide::AfterCommit)) => {
            app.world().apply(ticket, call);
            None
        }
        (None, None) => app.world().apply(ticket, call),
    };
    pause(kind.delay_after_ms).await;
    blocked(&mut fault, CommitSide::AfterCommit).await;
    let answer = answer.map(|answer| answer.padded_to(kind.body_bytes.unwrap_or(0)));
    let (ending, replayed) = answer.as_ref().map_or((Ending::Dropped, false), |answer| {
        (Ending::Answered(answer.status.as_u16()), answer.replayed)
    });
    app.world().settle(ticket, ending, replayed);
    if app.verbose {
        eprintln!("{ticket} {} {ending}", call.route.name);
    }
    answer
}

async fn blocked(fault: &mut Option<MetFault>, side: CommitSide) {
    if let Some(met) = fault {
        met.blocked(side).await;
    }
}

async fn pause(delay_ms: Option<u64>) {
    if let Some(delay_ms) = delay_ms {
        sleep(Duration::from_millis(delay_ms)).await;
    }
}
