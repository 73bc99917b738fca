//! Errors as RFC 9457 problem documents: the part at fault, its limit, the fix, and whether a retry
//! can help.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_admission::{EnvelopeError, TOO_LONG};
use holdfast_engine::StoreError;
use holdfast_ledger::LedgerError;

use crate::api::answer::ProblemDocument;

/// An error that a client receives.
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
    const TOO_EARLY: &str = "too-early";

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

    /// The reason of a refusal, which a repeated request meets again. The error is the problem
    /// itself, if a service did not answer or the request came too early.
    pub(crate) fn refusal(self) -> Result<String, Self> {
        match self.status.is_server_error() || self.is_too_early() {
            true => Err(self),
            false => Ok(self.detail),
        }
    }

    /// True if the state of the resource allows the same request soon.
    pub(crate) fn is_too_early(&self) -> bool {
        self.kind == Self::TOO_EARLY
    }

    /// The text that says what is wrong.
    pub(crate) fn into_detail(self) -> String {
        self.detail
    }

    /// 400: a path, header, query or body that cannot be read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "Bad request",
            detail,
        )
    }

    /// 400: the input violates the workflow's schema. `errors` has the first ten violations at
    /// most.
    pub(crate) fn bad_input(errors: Vec<String>) -> Self {
        let detail =
            "the input violates the workflow's schema; errors names the first ten places at most";
        let problem = Self::new(
            StatusCode::BAD_REQUEST,
            "bad-input",
            "Invalid input",
            detail,
        );
        Self { errors, ..problem }
    }

    /// 401: the request has no token, or none that names a subject.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Authentication required",
            detail,
        )
    }

    /// 403: the role or the person may not do this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// 404: the resource does not exist, or not for this caller.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 405: the path exists with other methods.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this path has other methods: GET reads, POST and PUT change something";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 409: the execution must end first, or its attempt or its receipt must.
    pub(crate) fn too_early(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::CONFLICT, Self::TOO_EARLY, "Not ready", detail);
        Self {
            retry_after_s: Some(1),
            ..problem
        }
    }

    /// 409: the state of the resource does not allow the request.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Conflict", detail)
    }

    /// 413: the input is larger than its limit.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Payload too large",
            detail,
        )
    }

    /// 413: the body is larger than what is read.
    pub(crate) fn body_too_large() -> Self {
        Self::too_large("the body is larger than its limit of 1 MiB")
    }

    /// 415: the body has another media type than JSON.
    pub(crate) fn not_json() -> Self {
        let detail = "send the header Content-Type: application/json and a JSON body";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "Unsupported media type",
            detail,
        )
    }

    /// 422: the idempotency key started an execution with another input.
    pub(crate) fn key_reused(detail: impl Into<String>) -> Self {
        let title = "Idempotency key reused";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            title,
            detail,
        )
    }

    /// 503: a control pauses the start.
    pub(crate) fn paused(why: String) -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "paused",
            "Paused",
            format!("{why}; nothing was started: send the same request again later"),
        );
        Self {
            retry_after_s: Some(60),
            ..problem
        }
    }

    /// 503: the settings of the deployment lack a store.
    pub(crate) fn misconfigured(why: String) -> Self {
        Self::unavailable("the deployment", &why)
    }

    /// 503: a service that the API needs does not answer.
    pub(crate) fn unavailable(what: &str, reason: &str) -> Self {
        tracing::error!(what, reason, "request failed: a dependency does not answer");
        let detail =
            format!("{what} does not answer; nothing is lost: send the same request again");
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Service unavailable",
            detail,
        );
        Self {
            retry_after_s: Some(2),
            ..problem
        }
    }
}

/// A start whose form every door refuses.
impl From<EnvelopeError> for Problem {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::TooLarge(why) => Self::too_large(why),
            EnvelopeError::Malformed(why) => Self::bad_request(why),
            EnvelopeError::LongNumber { ref place } => Self {
                errors: vec![format!("{place}: {TOO_LONG}")],
                ..Self::bad_request(error)
            },
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::unavailable("the ledger", &error.to_string())
    }
}

/// An error of the receipt store, the only object store that the API reads.
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

/// Replaces an error that the framework answers in plain text with a problem document.
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
            Problem::bad_request("the path, the query or the body is cut off or is not UTF-8")
        }
        _ => Problem::unavailable("the API", "the framework answered by itself"),
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_number_is_named_by_its_place_as_a_violation_of_a_schema_is() {
        let place = "input/lines/0/id".to_owned();
        let problem = Problem::from(EnvelopeError::LongNumber { place });
        assert_eq!(problem.errors, [format!("input/lines/0/id: {TOO_LONG}")]);
        let detail = problem.into_detail();
        assert!(detail.starts_with("the input: a whole number"), "{detail}");
    }

    #[test]
    fn a_refusal_is_final_unless_a_repeated_request_can_succeed() {
        let why = |problem: Problem| problem.refusal().map_err(Problem::into_detail);
        assert_eq!(why(Problem::conflict("ended")), Ok("ended".to_owned()));
        assert_eq!(why(Problem::forbidden("no")), Ok("no".to_owned()));
        assert_eq!(why(Problem::too_early("wait")), Err("wait".to_owned()));
        assert!(why(Problem::unavailable("the ledger", "slow")).is_err());
    }
}
