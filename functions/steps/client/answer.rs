//! A target's answer, and the ways an action can read it.

use std::time::SystemTime;

use holdfast_action::StepError;
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;

use super::judge::{SentRequest, refusal};

/// Largest body that is read, in bytes: 1 MiB.
pub const BODY_LIMIT: usize = 1 << 20;

/// What a target answered: a status, headers and, if it is a success, the body.
pub struct Answer {
    pub(super) asked: SentRequest,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Empty if the status is no success; none if it was larger than [`BODY_LIMIT`].
    pub(super) body: Option<Vec<u8>>,
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

    /// Whether the target says that what was asked for is not there (404, 410).
    pub fn is_missing(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    /// This answer if it is a success, else the error it amounts to: transient, unknown or permanent by its status.
    pub fn success(self) -> Result<Self, StepError> {
        match refusal(&self.asked, self.status, &self.headers, SystemTime::now()) {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// The answer to an undo: a success, or nothing there to undo.
    pub fn undone(self) -> Result<(), StepError> {
        if self.is_missing() {
            return Ok(());
        }
        self.success().map(drop)
    }

    /// The JSON body of a success. One that is not a `T` leaves an effect that happened without its output: unknown.
    pub fn output<T: DeserializeOwned>(self) -> Result<T, StepError> {
        let answer = self.success()?;
        let Some(bytes) = answer.bytes() else {
            return Err(answer.too_large());
        };
        // The place says enough; serde's own text would quote the body.
        serde_json::from_slice(bytes).map_err(|error| {
            answer.unusable(&format!(
                "answered a body that is not the expected JSON (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// The JSON body of a success, or none where the target has nothing (404, 410): the answer to a question.
    pub fn found<T: DeserializeOwned>(self) -> Result<Option<T>, StepError> {
        if self.is_missing() {
            return Ok(None);
        }
        self.output().map(Some)
    }

    /// The bytes of the body of a success; none if there were more than [`BODY_LIMIT`].
    pub fn bytes(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// Whether the method has no effect.
    pub(crate) fn is_safe(&self) -> bool {
        self.asked.safe
    }

    /// The error for a body larger than [`BODY_LIMIT`].
    pub(crate) fn too_large(&self) -> StepError {
        self.unusable(&format!("answered more than {BODY_LIMIT} bytes"))
    }

    /// A success without the output it should have had: only a safe request can be called clean, and never changes.
    fn unusable(&self, problem: &str) -> StepError {
        let message = format!("{} {problem}", self.asked.what);
        if self.asked.safe {
            StepError::permanent(message)
        } else {
            StepError::unknown(message)
        }
    }
}
