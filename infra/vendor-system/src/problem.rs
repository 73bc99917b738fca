//! Errors as problem documents (RFC 9457), with the place and the expected form.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::answer::{Answer, Content};

/// A refused request. Its JSON has `type`, `title`, `status` and `detail`, and `where` and
/// `expected` if they are known.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    place: Option<String>,
    expected: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            place: None,
            expected: None,
        }
    }

    /// A request that cannot be understood: 400.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A request that is understood and wrong: 422.
    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A resource that does not exist: 404.
    pub(crate) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The place of the error, such as "body field `days`".
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The expected form.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let title = problem.status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "type": "about:blank",
            "title": title,
            "status": problem.status.as_u16(),
            "detail": problem.detail,
        });
        if let Some(place) = problem.place {
            body["where"] = place.into();
        }
        if let Some(expected) = problem.expected {
            body["expected"] = expected.into();
        }
        Answer::new(problem.status, body).with_content(Content::Problem)
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        Answer::from(problem).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.into()
    }
}
