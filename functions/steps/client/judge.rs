//! What an answer, or the lack of one, says of the effect: the one place that classifies HTTP for all actions.

use std::time::{Duration, SystemTime};

use holdfast_action::StepError;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::network::Unreachable;

/// The longest wait a target can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a status says of the effect of the request it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It happened.
    Success,
    /// It did not happen, and may yet.
    Transient,
    /// It may have happened.
    Unknown,
    /// It did not happen, and never will.
    Permanent,
}

/// What was asked, as far as judging the answer needs it.
#[derive(Debug, Clone)]
pub(super) struct SentRequest {
    /// Method and origin, for messages: no path, query or header, any of which may carry a payload or a secret.
    pub(super) what: String,
    /// Whether the method has no effect (RFC 9110 §9.2.1), so that none is ever in doubt.
    pub(super) safe: bool,
    /// Which attempt asked, from 1.
    pub(super) attempt: u32,
}

/// Judges a status. docs/steps.md shows this as a table.
pub(super) fn judge(status: u16, safe: bool, attempt: u32) -> Judgement {
    let judgement = match status {
        200..=299 => Judgement::Success,
        // Refused before anything was done: too slow, too early, too many, overloaded, or not understood. 501, 505 and
        // 511 seldom heal, but a proxy in mid-deployment says them too, and retrying what was never done is safe.
        408 | 425 | 429 | 501 | 503 | 505 | 511 => Judgement::Transient,
        // The target failed somewhere in the middle, or a gateway lost its answer. RFC 9110 §15: 600 and up count as 5xx.
        500.. => Judgement::Unknown,
        // Targets that keep idempotency keys say 409 while the attempt before this one is still being carried out
        // (draft-ietf-httpapi-idempotency-key-header §2.7); on a first attempt there is none.
        409 if attempt > 1 => Judgement::Unknown,
        // "See Other" is how a form says that it was accepted.
        303 => Judgement::Unknown,
        // The request is wrong and stays wrong; 422 is also a key that was used with another body.
        400..=499 => Judgement::Permanent,
        // Redirects are not followed: credentials would go where no allow-list was asked. 1xx: 101 is all that gets here.
        _ => Judgement::Permanent,
    };
    match judgement {
        Judgement::Unknown if safe && status == 303 => Judgement::Permanent,
        Judgement::Unknown if safe => Judgement::Transient,
        other => other,
    }
}

/// The error that an answer amounts to, or none if it is a success. `now` is what a Retry-After date is relative to.
pub(super) fn refusal(
    asked: &SentRequest,
    status: StatusCode,
    headers: &HeaderMap,
    now: SystemTime,
) -> Option<StepError> {
    let hint = match status.as_u16() {
        300..=399 => ": redirects are not followed, name the final address",
        409 if asked.attempt > 1 => ": an earlier attempt may still be in progress there",
        _ => "",
    };
    let message = format!("{} answered {status}{hint}", asked.what);
    match judge(status.as_u16(), asked.safe, asked.attempt) {
        Judgement::Success => None,
        Judgement::Transient => Some(match retry_after(headers, now) {
            Some(wait) => StepError::retry_after(wait, message),
            None => StepError::transient(message),
        }),
        Judgement::Unknown => Some(StepError::unknown(message)),
        Judgement::Permanent => Some(StepError::permanent(message)),
    }
}

/// What a request that got no whole answer amounts to: clean only while no byte of it can have been sent.
pub(super) fn lost(asked: &SentRequest, error: &reqwest::Error) -> StepError {
    let what = &asked.what;
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
    if asked.safe {
        StepError::transient(message)
    } else {
        StepError::unknown(message)
    }
}

/// Whether the name leads only to where no name may lead: it will the next time.
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

/// What went wrong at the bottom; the layers above it repeat the URL with its query.
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

/// How long the target asks to be left alone (RFC 9110 §10.2.3: seconds or a date), at most an hour.
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

    /// Every status from 100 to 599 as runs of the same judgement.
    fn table(safe: bool, attempt: u32) -> Vec<String> {
        let mut runs: Vec<(u16, u16, _)> = Vec::new();
        for status in 100..=599 {
            let judgement = judge(status, safe, attempt);
            match runs.last_mut() {
                Some((_, last, same)) if *same == judgement => *last = status,
                _ => runs.push((status, status, judgement)),
            }
        }
        runs.iter()
            .map(|(first, last, judgement)| format!("{first}-{last} {judgement:?}"))
            .collect()
    }

    #[test]
    fn every_status_of_a_request_with_an_effect_is_judged() {
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
    fn a_request_that_only_reads_is_never_in_doubt() {
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
