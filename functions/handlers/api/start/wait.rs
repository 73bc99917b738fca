//! `Prefer: wait=N` of a start (RFC 7240): the answer waits until the execution has its receipt, if
//! that takes at most N seconds.

use std::{iter, mem, time::Duration};

use axum::http::{HeaderMap, StatusCode};
use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Ledger, Phase, Snapshot};
use tokio::time::{Instant, sleep, timeout_at};

use crate::api::progress::linked;

/// The longest wait in seconds. API Gateway gives an integration of an HTTP API 30 seconds, and no
/// quota raises them ([quotas]). The rest is for the start itself and for a cold start.
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
pub(crate) const WAIT_MAX_S: u64 = 25;

/// The first pause between two looks. Each pause is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The wait that a request prefers, from its beginning on.
pub(super) struct Wait {
    /// The applied number of seconds.
    pub(super) seconds: u64,
    until: Instant,
}

/// The reason why a wait ended.
pub(super) enum WaitOutcome {
    /// The execution has ended, and its receipt is written.
    Ended(Box<Snapshot>),
    /// The execution waits for people, which can take days.
    ForPeople,
    /// The time is over.
    Open,
}

impl Wait {
    /// The wait that the headers prefer, at most `most` seconds; none without a preference.
    pub(super) fn of(headers: &HeaderMap, most: u64) -> Option<Self> {
        let seconds = preferred_seconds(headers)?.min(most);
        let until = Instant::now() + Duration::from_secs(seconds);
        (seconds > 0).then_some(Self { seconds, until })
    }

    /// Waits for the receipt of an accepted start. An error of the ledger counts as no news, since
    /// the start was accepted.
    pub(super) async fn outcome(&self, ledger: &DynamoLedger, at: &ExecutionKey) -> WaitOutcome {
        let looks = async {
            for pause in pauses() {
                let seen = shown_snapshot(ledger, at).await;
                match seen.and_then(|seen| news(&seen)) {
                    Some(News::WaitsForPeople) => return WaitOutcome::ForPeople,
                    Some(News::HasReceipt) => {
                        if let Ok(Some(snapshot)) = ledger.snapshot(at).await {
                            return WaitOutcome::Ended(Box::new(snapshot));
                        }
                    }
                    None => {}
                }
                sleep(pause).await;
            }
            WaitOutcome::Open
        };
        timeout_at(self.until, looks)
            .await
            .unwrap_or(WaitOutcome::Open)
    }
}

impl WaitOutcome {
    /// The status of the answer: 200 if the execution has ended, also of a repeated start.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Ended(_) => StatusCode::OK,
            Self::ForPeople | Self::Open => StatusCode::ACCEPTED,
        }
    }
}

/// The records of an execution, as its answers show them.
async fn shown_snapshot(ledger: &DynamoLedger, at: &ExecutionKey) -> Option<Snapshot> {
    let mut snapshot = ledger.snapshot_without_steps(at).await.ok()??;
    snapshot.questions = linked(ledger, snapshot.questions).await.ok()?;
    Some(snapshot)
}

/// A change that ends a wait before its time.
#[derive(Debug, PartialEq)]
enum News {
    HasReceipt,
    WaitsForPeople,
}

fn news(seen: &Snapshot) -> Option<News> {
    let execution = &seen.execution;
    let waits = || seen.questions.iter().any(|one| one.waits(execution));
    match &execution.phase {
        Phase::Ended { .. } if execution.receipt.is_some() => Some(News::HasReceipt),
        Phase::Running if waits() => Some(News::WaitsForPeople),
        _ => None,
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    iter::successors(Some(FIRST_PAUSE), |pause| {
        Some((*pause * 3 / 2).min(LONGEST_PAUSE))
    })
}

/// The seconds of the preference `wait`. Of several, the first counts. RFC 7240 has a server ignore
/// a preference that it cannot honour, so a value that is no number of seconds counts as none.
fn preferred_seconds(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all("prefer").iter();
    // A gateway joins all lines, so that a byte of another preference must not hide this one.
    let lines: Vec<_> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    let preferences = lines.iter().flat_map(|line| split_unquoted(line, ','));
    let mut values = preferences.filter_map(|preference| {
        // What follows a semicolon are parameters, and `wait` has none.
        let preference = split_unquoted(preference, ';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| unquoted(value.trim()))
    });
    let value = values.next()??;
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too large for the type is above every bound.
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

/// Splits a header's line at each separator outside a quoted string, in which a backslash escapes
/// the next character (RFC 9110, section 5.6.4).
fn split_unquoted(line: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut in_string, mut escaped) = (false, false);
    line.split(move |character| {
        if mem::take(&mut escaped) {
            return false;
        }
        match character {
            '"' => in_string = !in_string,
            '\\' => escaped = in_string,
            _ => return character == separator && !in_string,
        }
        false
    })
}

/// The content of a token or of a quoted string; none of a string without an end.
fn unquoted(word: &str) -> Option<String> {
    let Some(string) = word.strip_prefix('"') else {
        return Some(word.to_owned());
    };
    let mut content = String::new();
    let mut characters = string.strip_suffix('"')?.chars();
    while let Some(character) = characters.next() {
        content.push(match character {
            '\\' => characters.next()?,
            other => other,
        });
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header::HeaderName};
    use holdfast_access::{Access, Operation, Ownership, Role, access};

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let name = HeaderName::from_static("prefer");
        let lines = lines.iter().map(|line| HeaderValue::from_static(line));
        lines.map(|line| (name.clone(), line)).collect()
    }

    #[tokio::test]
    async fn a_wait_is_clamped_to_the_bound_and_the_first_preference_counts() {
        let cases: [(&[&str], Option<u64>); 25] = [
            (&["wait=10"], Some(10)),
            (&["Wait = \"10\""], Some(10)),
            (&["respond-async, wait=7;x=y"], Some(7)),
            (&["respond-async", "wait=7"], Some(7)),
            (&["wait=3, wait=9"], Some(3)),
            (&["wait=26"], Some(WAIT_MAX_S)),
            (&["wait=99999999999999999999999"], Some(WAIT_MAX_S)),
            (&["wait=0"], None),
            (&["wait=-1"], None),
            (&["wait=1.5"], None),
            (&["wait=soon, wait=5"], None),
            (&["wait="], None),
            (&["wait"], None),
            (&[], None),
            // Separators inside a quoted string are its content.
            (&[r#"note="a, wait=5""#], None),
            (&[r#"note="a, wait=5", wait=7"#], Some(7)),
            (&[r#"note="a\", wait=5", wait=7"#], Some(7)),
            (&[r#"note="a\\", wait=7"#], Some(7)),
            (&[r#"note="a";x=", wait=5", wait=7"#], Some(7)),
            (&[r#"wait="7;x";y=", wait=5""#], None),
            (&[r#"note="a, wait=5"#, "wait=7"], Some(7)),
            (&[r#"note=a\"b, wait=5"#], None),
            (&[r#"wait="\1\0""#], Some(10)),
            (&[r#"wait="10"#], None),
            (&[r#"wait="10\""#], None),
        ];
        for (lines, seconds) in cases {
            let wait = Wait::of(&headers(lines), WAIT_MAX_S);
            assert_eq!(wait.map(|wait| wait.seconds), seconds, "{lines:?}");
        }
        assert!(Wait::of(&headers(&["wait=10"]), 0).is_none());
    }

    #[tokio::test]
    async fn a_byte_beyond_ascii_in_another_preference_leaves_the_wait() {
        let line = HeaderValue::from_bytes(b"lang=\xe9, wait=7").expect("a value");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), line)]);
        let wait = Wait::of(&headers, WAIT_MAX_S);
        assert_eq!(wait.map(|wait| wait.seconds), Some(7));
    }

    #[test]
    fn pauses_grow_so_that_the_longest_wait_takes_few_reads() {
        let mut passed = Duration::ZERO;
        let looks = pauses().take_while(|pause| {
            passed += *pause;
            passed < Duration::from_secs(WAIT_MAX_S)
        });
        assert_eq!(looks.count() + 1, 19);
    }

    #[test]
    fn every_role_that_may_start_may_see_the_execution_in_the_answer() {
        for role in Role::ALL {
            for whose in [Ownership::Own, Ownership::Other] {
                if access(role, Operation::Start, whose) == Access::Allowed {
                    let reads = access(role, Operation::ReadExecutions, whose);
                    assert_eq!(reads, Access::Allowed, "{role:?}");
                }
            }
        }
    }
}
