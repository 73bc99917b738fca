//! Errors as RFC 9457 problem documents: what was wrong, where, what would be right, and whether a retry can help.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_core::{engine::StoreError, ledger::LedgerError};

use crate::api::answer::ProblemDocument;

/// An error that a client is told of.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<String>,
    retry_after_s: Option<u32>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// 400: the request is not one.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be read",
            detail,
        )
    }

    /// 400: the input does not fit the workflow's schema; `errors` names every place.
    pub(crate) fn bad_input(errors: Vec<String>) -> Self {
        let detail = "the input does not fit the workflow's schema; errors names every place";
        let problem = Self::new(
            StatusCode::BAD_REQUEST,
            "bad-input",
            "The input does not fit",
            detail,
        );
        Self { errors, ..problem }
    }

    /// 401: nobody is known to be asking.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Nobody is known to be asking",
            detail,
        )
    }

    /// 403: this person may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not by you", detail)
    }

    /// 404: it does not exist, or not for this caller.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            detail,
        )
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        let detail =
            "this path has other methods: what changes something is POST or PUT, the rest is GET";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Not with this method",
            detail,
        )
    }

    /// 409: not yet.
    pub(crate) fn too_early(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::CONFLICT, "too-early", "Not yet", detail);
        Self {
            retry_after_s: Some(1),
            ..problem
        }
    }

    /// 409: as it stands, it cannot be.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Not as it stands", detail)
    }

    /// 413.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The request is too large",
            detail,
        )
    }

    /// 413 for a body that was not read to its end.
    pub(crate) fn body_too_large() -> Self {
        Self::too_large("the body is larger than 1 MiB")
    }

    /// 415.
    pub(crate) fn not_json() -> Self {
        let detail = "send the header Content-Type: application/json and a JSON body";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "The body is not JSON",
            detail,
        )
    }

    /// 422: the key was used for another input.
    pub(crate) fn key_reused(detail: impl Into<String>) -> Self {
        let title = "The idempotency key belongs to another start";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            title,
            detail,
        )
    }

    /// 503: a platform admin has paused it.
    pub(crate) fn paused(why: String) -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "paused",
            "It is paused",
            format!("{why}; nothing was started, send the same request again later"),
        );
        Self {
            retry_after_s: Some(60),
            ..problem
        }
    }

    /// 503: a part that we need does not answer.
    pub(crate) fn unavailable(what: &str, reason: &str) -> Self {
        tracing::error!(what, reason, "a request could not be served");
        let detail =
            format!("{what} does not answer; nothing is lost, send the same request again");
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Try again",
            detail,
        );
        Self {
            retry_after_s: Some(2),
            ..problem
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::unavailable("the ledger", &error.to_string())
    }
}

/// Of the store of receipts, the only one that the API reads.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable("the receipt store", &error.0)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemDocument {
            kind: format!("urn:holdfast:problem:{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            retryable: self.retry_after_s.is_some(),
            errors: self.errors,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Replaces an error that the framework answers by itself, in plain text, with a problem document.
pub(crate) async fn documented(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let status = response.status();
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(),
        status if status.is_client_error() => {
            Problem::bad_request("the path, the query or the body is not UTF-8, or is cut off")
        }
        _ => Problem::unavailable("the API", "the framework answered by itself"),
    }
    .into_response()
}
