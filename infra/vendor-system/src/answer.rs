//! An answer of a route before it is HTTP: a status and a JSON object.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// The header of an answer that repeats the first answer to a key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The kind of document in the body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    Json,
    Problem,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    body: Value,
    content: Content,
    pub(crate) replayed: bool,
    retry_after_s: Option<u64>,
    /// The size in bytes to which the body is padded.
    padded_to: usize,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            content: Content::Json,
            replayed: false,
            retry_after_s: None,
            padded_to: 0,
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(crate) fn with_content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    pub(crate) fn replayed(self) -> Self {
        Self {
            replayed: true,
            ..self
        }
    }

    pub(crate) fn with_retry_after(self, seconds: Option<u64>) -> Self {
        Self {
            retry_after_s: seconds,
            ..self
        }
    }

    /// Pads the body to `bytes` by a member `padding`, so that it remains JSON with its own
    /// members.
    pub(crate) fn padded_to(self, bytes: usize) -> Self {
        Self {
            padded_to: bytes,
            ..self
        }
    }

    fn into_text(mut self) -> String {
        let bare = self.body.to_string();
        if bare.len() >= self.padded_to {
            return bare;
        }
        self.body["padding"] = "".into();
        let missing = self.padded_to.saturating_sub(self.body.to_string().len());
        self.body["padding"] = "x".repeat(missing).into();
        self.body.to_string()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let content = match self.content {
            Content::Json => "application/json",
            Content::Problem => "application/problem+json",
        };
        let (status, replayed, retry_after_s) = (self.status, self.replayed, self.retry_after_s);
        let mut response = (status, self.into_text()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
        if replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
