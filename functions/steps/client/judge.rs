//! Classifies HTTP answers, and lost answers, by what they say about the effect, for all actions.

use std::time::{Duration, SystemTime};

use holdfast_action::{Effect, StepError, judge};
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::{credentials::Credentials, network::Unreachable};

/// Longest wait that a target's Retry-After can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The parts of a request that the classification of its answer needs.
#[derive(Debug, Clone)]
pub(super) struct SentRequest {
    /// Method and origin, for messages. Path, query and headers are left out, since they may carry
    /// a payload or a secret.
    pub(super) what: String,
    /// The effect that it can have.
    pub(super) effect: Effect,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    /// The path, without the query, for those who may see the answer.
    pub(super) path: String,
    /// The credentials of its headers, which no kept answer may repeat.
    pub(super) credentials: Credentials,
}

impl SentRequest {
    /// True if the request only reads.
    pub(super) fn reads(&self) -> bool {
        self.effect == Effect::None
    }
}

/// The error of an answer, or none if it is a success. A date in Retry-After is relative to `now`.
pub(super) fn error_of(
    request: &SentRequest,
    status: StatusCode,
    headers: &HeaderMap,
    now: SystemTime,
) -> Option<StepError> {
    let hint = match status.as_u16() {
        300..=399 => ": redirects are not followed, name the final address",
        409 if request.attempt > 1 => ": an earlier attempt may still be in progress there",
        _ => "",
    };
    let message = format!("{} answered {status}{hint}", request.what);
    let judgement = judge(status.as_u16(), request.effect, request.attempt);
    let error = judgement.error(message, retry_after(headers, now));
    error.map(|error| error.with_code(status.as_str()))
}

/// The error of a request without a whole answer. It is transient only if no byte of the request
/// can have been sent, or if the request has no effect.
pub(super) fn lost(request: &SentRequest, error: &reqwest::Error) -> StepError {
    let what = &request.what;
    if error.is_builder() {
        return StepError::permanent(format!("{what}: {}", root_cause(error)));
    }
    if is_unreachable(error) {
        return StepError::permanent(format!("{what}: {}", root_cause(error)));
    }
    if error.is_connect() {
        return StepError::transient(format!("{what}: could not connect: {}", root_cause(error)));
    }
    let message = if error.is_timeout() {
        format!("{what}: no whole answer in time")
    } else {
        format!("{what}: the answer was lost: {}", root_cause(error))
    };
    if request.reads() {
        StepError::transient(message)
    } else {
        StepError::unknown(message)
    }
}

/// True if the name resolves only to addresses that are not allowed. A retry would find the same.
fn is_unreachable(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<Unreachable>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause. The layers above it repeat the URL with its query.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request could not be made".to_owned(),
        None => cause.to_string(),
    }
}

/// The wait that the target asks for (RFC 9110 §10.2.3: seconds or a date), an hour at most.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}
