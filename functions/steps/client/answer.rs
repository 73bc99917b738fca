//! A target's answer, and the methods by which an action reads it.

use std::time::SystemTime;

use holdfast_action::{StepError, TargetAnswer};
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;

use super::{
    body::{self, BodyError},
    judge::{SentRequest, error_of},
};

/// Largest body that is read, in bytes, also after decompression: 1 MiB.
pub const BODY_LIMIT: usize = 1 << 20;

/// The text in place of a body that cannot be shown.
const REPEATS: &str = "(left out: the answer repeats a credential of the request)";

/// A target's answer: status, headers and, if it is a success, the body.
pub struct Answer {
    pub(super) request: SentRequest,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Decompressed; the beginning if the status is no success.
    pub(super) body: Result<Vec<u8>, BodyError>,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// True if the target answers that it has no such resource (404, 410).
    pub fn is_missing(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    /// This answer if it is a success, else its error: transient, unknown or permanent by the
    /// status.
    pub fn success(self) -> Result<Self, StepError> {
        match error_of(&self.request, self.status, &self.headers, SystemTime::now()) {
            None => Ok(self),
            Some(error) => Err(error.with_answer(self.explanation())),
        }
    }

    /// Success of an undo. If the target answers that it has no such effect (404, 410), the error
    /// is `Missing`, and the engine decides whether that says that the effect is gone.
    pub fn undone(self) -> Result<(), StepError> {
        if self.is_missing() {
            let message = format!("{} answered {}", self.request.what, self.status);
            return Err(StepError::missing(message).with_answer(self.explanation()));
        }
        self.success().map(drop)
    }

    /// The JSON body of a success. If it is no `T`, the error is unknown: the effect happened, and
    /// its output is missing.
    pub fn output<T: DeserializeOwned>(self) -> Result<T, StepError> {
        let answer = self.success()?;
        let text = match answer.text() {
            Ok(text) => text,
            Err(error) => return Err(answer.unreadable(&error)),
        };
        // The message names only the place, since serde's text would quote the body.
        serde_json::from_str(&text).map_err(|error| {
            answer.unusable(&format!(
                "answered a body that is not the expected JSON (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// The JSON body of a success, or none if the target has no such resource (404, 410).
    pub fn found<T: DeserializeOwned>(self) -> Result<Option<T>, StepError> {
        if self.is_missing() {
            return Ok(None);
        }
        self.output().map(Some)
    }

    /// The path of the request and the body of the answer, as people read them. A body that repeats
    /// a credential of the request is left out.
    fn explanation(&self) -> TargetAnswer {
        let bytes = self.body.as_deref().unwrap_or_default();
        let text = body::text(&self.headers, bytes).unwrap_or_else(|_| body::utf8_beginning(bytes));
        let body = match self.request.credentials.are_in(&text) {
            true => REPEATS.to_owned(),
            false => text,
        };
        TargetAnswer {
            path: self.request.path.clone(),
            body,
        }
    }

    /// The bytes of the body of a success, decompressed. The error says why it cannot be read.
    pub fn bytes(&self) -> Result<&[u8], BodyError> {
        self.body.as_deref().map_err(Clone::clone)
    }

    /// The text of the body of a success, by its byte order mark or its charset, else as UTF-8. The
    /// error says why it cannot be read.
    pub fn text(&self) -> Result<String, BodyError> {
        body::text(&self.headers, self.bytes()?)
    }

    /// True if the request only reads.
    pub(crate) fn reads(&self) -> bool {
        self.request.reads()
    }

    /// The error for a body that cannot be read.
    pub(crate) fn unreadable(&self, error: &BodyError) -> StepError {
        self.unusable(&format!("answered a body that cannot be read: {error}"))
    }

    /// The error for a success without a usable output. A request that only reads has no effect in
    /// doubt, and a repeat cannot help, so its error is permanent.
    fn unusable(&self, problem: &str) -> StepError {
        let message = format!("{} {problem}", self.request.what);
        if self.request.reads() {
            StepError::permanent(message)
        } else {
            StepError::unknown(message)
        }
    }
}
