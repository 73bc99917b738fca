//! Classifies HTTP answers, and lost answers, by what they say about the effect, for all actions.

use std::time::{Duration, SystemTime};

use holdfast_action::StepError;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::network::Unreachable;

/// Longest wait that a target's Retry-After can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The state of a request's effect, as the status of the answer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The effect happened.
    Success,
    /// The effect did not happen, and a retry may succeed.
    Transient,
    /// The effect may have happened.
    Unknown,
    /// The effect did not happen, and a retry cannot help.
    Permanent,
}

/// The parts of a request that the classification of its answer needs.
#[derive(Debug, Clone)]
pub(super) struct SentRequest {
    /// Method and origin, for messages. Path, query and headers are left out, since they may carry
    /// a payload or a secret.
    pub(super) what: String,
    /// True if the method has no effect (RFC 9110 §9.2.1), so that no effect is ever in doubt.
    pub(super) safe: bool,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
}

/// Classifies a status. docs/steps.md shows this as a table.
pub(super) fn judge(status: u16, safe: bool, attempt: u32) -> Judgement {
    let judgement = match status {
        200..=299 => Judgement::Success,
        // Refused before any effect: too slow, too early, too many, overloaded, or not understood.
        // 501, 505 and 511 seldom pass, but a proxy returns them during a deployment too. A retry
        // is safe.
        408 | 425 | 429 | 501 | 503 | 505 | 511 => Judgement::Transient,
        // The target failed half way, or a gateway lost its answer. 600 and up count as 5xx (RFC
        // 9110 §15).
        500.. => Judgement::Unknown,
        // A target that stores idempotency keys returns 409 while the earlier attempt is at work
        // (draft-ietf-httpapi-idempotency-key-header §2.7). A first attempt has no earlier one.
        409 if attempt > 1 => Judgement::Unknown,
        // A form returns "See Other" after it accepted the request.
        303 => Judgement::Unknown,
        // The request is wrong and stays wrong. 422 also means a key that was used with another
        // body.
        400..=499 => Judgement::Permanent,
        // A redirect is not followed, since it would take credentials past the allow-list. Of 1xx,
        // only 101 arrives here.
        _ => Judgement::Permanent,
    };
    match judgement {
        Judgement::Unknown if safe && status == 303 => Judgement::Permanent,
        Judgement::Unknown if safe => Judgement::Transient,
        other => other,
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
    match judge(status.as_u16(), request.safe, request.attempt) {
        Judgement::Success => None,
        Judgement::Transient => Some(match retry_after(headers, now) {
            Some(wait) => StepError::retry_after(wait, message),
            None => StepError::transient(message),
        }),
        Judgement::Unknown => Some(StepError::unknown(message)),
        Judgement::Permanent => Some(StepError::permanent(message)),
    }
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
    if request.safe {
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

#[cfg(test)]
mod tests {
    use super::judge;

    /// Every status from 100 to 599, as ranges of the same judgement.
    fn table(safe: bool, attempt: u32) -> Vec<String> {
        let mut ranges: Vec<(u16, u16, _)> = Vec::new();
        for status in 100..=599 {
            let judgement = judge(status, safe, attempt);
            match ranges.last_mut() {
                Some((_, last, same)) if *same == judgement => *last = status,
                _ => ranges.push((status, status, judgement)),
            }
        }
        ranges
            .iter()
            .map(|(first, last, judgement)| format!("{first}-{last} {judgement:?}"))
            .collect()
    }

    #[test]
    fn every_status_of_a_request_with_an_effect_has_its_judgement() {
        let expected = [
            "100-199 Permanent",
            "200-299 Success",
            "300-302 Permanent",
            "303-303 Unknown",
            "304-407 Permanent",
            "408-408 Transient",
            "409-424 Permanent",
            "425-425 Transient",
            "426-428 Permanent",
            "429-429 Transient",
            "430-499 Permanent",
            "500-500 Unknown",
            "501-501 Transient",
            "502-502 Unknown",
            "503-503 Transient",
            "504-504 Unknown",
            "505-505 Transient",
            "506-510 Unknown",
            "511-511 Transient",
            "512-599 Unknown",
        ];
        assert_eq!(table(false, 1), expected);
        let mut later = expected.map(str::to_owned).to_vec();
        let conflict = ["409-409 Unknown", "410-424 Permanent"].map(str::to_owned);
        later.splice(6..7, conflict);
        assert_eq!(table(false, 2), later);
    }

    #[test]
    fn a_request_that_only_reads_is_never_unknown() {
        let expected = [
            "100-199 Permanent",
            "200-299 Success",
            "300-407 Permanent",
            "408-408 Transient",
            "409-424 Permanent",
            "425-425 Transient",
            "426-428 Permanent",
            "429-429 Transient",
            "430-499 Permanent",
            "500-599 Transient",
        ];
        assert_eq!(table(true, 1), expected);
    }
}
