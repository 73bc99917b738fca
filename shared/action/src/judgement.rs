//! Judgement: what the status of an HTTP answer says about the effect of the request.

use std::time::Duration;

use super::{StepError, StepErrorKind};

/// The state of a request's effect, as the status of the answer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The effect happened.
    Success,
    /// The effect did not happen, and a retry may succeed.
    Transient,
    /// The effect may have happened.
    Unknown,
    /// The effect did not happen, and a retry cannot help.
    Permanent,
}

/// The effect that a request can have, as far as its classification needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The request only reads, so that no effect is ever in doubt.
    None,
    /// The request has an effect, and proxies may send it again by themselves (PUT, DELETE: RFC
    /// 9110 §9.2.2). The answer can then be about the state that the first sending left.
    Repeatable,
    /// The request has an effect, and no proxy may send it again by itself (POST, PATCH).
    Single,
}

impl Judgement {
    /// The error of an answer that is judged so, or none if it is a success.
    pub fn error(self, message: String, retry_after: Option<Duration>) -> Option<StepError> {
        let kind = match self {
            Self::Success => return None,
            Self::Transient => StepErrorKind::Transient { retry_after },
            Self::Unknown => StepErrorKind::Unknown { retry_after },
            Self::Permanent => StepErrorKind::Permanent,
        };
        Some(StepError {
            kind,
            message,
            code: None,
            answer: None,
        })
    }
}

/// Classifies a status. docs/steps.md shows this as a table, with the reason and the source of each
/// row.
///
/// Only a status that says by its definition that the request was refused counts as clean. Every
/// other one is unknown: gateways send it after they have forwarded the request too.
pub fn judge(status: u16, effect: Effect, attempt: u32) -> Judgement {
    if effect == Effect::None {
        return judge_read(status, attempt);
    }
    match status {
        200..=299 => Judgement::Success,
        // Refused before it was carried out: RFC 8470 §5.2, RFC 6585 §4.
        425 | 429 => Judgement::Transient,
        // A target that stores idempotency keys returns 409 while the earlier attempt is at work
        // (draft-ietf-httpapi-idempotency-key-header §2.7). A first attempt has no earlier one.
        409 if attempt > 1 => Judgement::Unknown,
        // About the state of the target, which the first sending by a proxy may have changed.
        404 | 409 | 410 | 412 | 423 if effect == Effect::Repeatable => Judgement::Unknown,
        404 | 409 | 410 | 412 | 423 => Judgement::Permanent,
        // About the request, which stays wrong. 422 also means a key that was used with another
        // body. 307 and 308 ask for the same request elsewhere (RFC 9110 §15.4.8).
        307 | 308 | 400..=403 | 405 | 407 | 411 | 413..=417 => Judgement::Permanent,
        421 | 422 | 426 | 428 | 431 | 451 => Judgement::Permanent,
        // 301, 302 and 303 follow an accepted form. 408, 499 and 5xx come from gateways after they
        // have forwarded the request; Retry-After does not prove otherwise, since Varnish adds it
        // to every 503 of its own. 406 can follow the effect: only the answer is not acceptable.
        _ => Judgement::Unknown,
    }
}

/// Classifies the status of a request that only reads: a retry never does harm.
fn judge_read(status: u16, attempt: u32) -> Judgement {
    match status {
        200..=299 => Judgement::Success,
        408 | 425 | 429 | 499.. => Judgement::Transient,
        409 if attempt > 1 => Judgement::Transient,
        _ => Judgement::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, judge};

    /// Every status from 100 to 599, as ranges of the same judgement.
    fn table(effect: Effect, attempt: u32) -> Vec<String> {
        let mut ranges: Vec<(u16, u16, _)> = Vec::new();
        for status in 100..=599 {
            let judgement = judge(status, effect, attempt);
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
    fn only_a_status_that_says_refused_is_clean_for_a_request_with_an_effect() {
        let expected = [
            "100-199 Unknown",
            "200-299 Success",
            "300-306 Unknown",
            "307-308 Permanent",
            "309-399 Unknown",
            "400-405 Permanent",
            "406-406 Unknown",
            "407-407 Permanent",
            "408-408 Unknown",
            "409-417 Permanent",
            "418-420 Unknown",
            "421-423 Permanent",
            "424-424 Unknown",
            "425-425 Transient",
            "426-426 Permanent",
            "427-427 Unknown",
            "428-428 Permanent",
            "429-429 Transient",
            "430-430 Unknown",
            "431-431 Permanent",
            "432-450 Unknown",
            "451-451 Permanent",
            "452-599 Unknown",
        ];
        assert_eq!(table(Effect::Single, 1), expected);
        let mut later = expected.map(str::to_owned).to_vec();
        let conflict = ["408-409 Unknown", "410-417 Permanent"].map(str::to_owned);
        later.splice(8..10, conflict);
        assert_eq!(table(Effect::Single, 2), later);
    }

    #[test]
    fn what_a_proxy_may_send_twice_is_not_judged_by_the_state_that_it_left() {
        for status in 100..=999 {
            let about_state = matches!(status, 404 | 409 | 410 | 412 | 423);
            let expected = match about_state {
                true => super::Judgement::Unknown,
                false => judge(status, Effect::Single, 1),
            };
            assert_eq!(judge(status, Effect::Repeatable, 1), expected, "{status}");
        }
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
            "430-498 Permanent",
            "499-599 Transient",
        ];
        assert_eq!(table(Effect::None, 1), expected);
    }
}
