//! Defines one attempt at a step or at its undo, as a step's record keeps it.

use std::fmt;

use holdfast_action::TargetAnswer;
use holdfast_ids::names::is_hidden;
use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The fencing token.
    pub token: String,
    /// The time of its claim.
    pub started_at: Timestamp,
    /// The time at which its end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// The error, for people; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The code of the error, if the action reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The answer of the target, if it did not succeed; kept for the newest attempts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<RecordedAnswer>>,
}

/// The beginning of a target's answer. It comes from the target, so that neither a log nor an event
/// nor a receipt has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// The path of the request, without the query; at most 256 bytes.
    pub path: String,
    /// The body, sanitized but for its lines; at most 1,024 bytes.
    pub body: String,
    /// True if the body was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Longest body of a recorded answer, in bytes.
const ANSWER_MAX: usize = 1024;
/// Longest path of a recorded answer, in bytes.
const PATH_MAX: usize = 256;
/// The number of attempts whose answers a record keeps, of the step and of the undo each. With the
/// bounds above, they add at most 7,680 bytes to a record.
const ANSWERS_MAX: usize = 3;

/// Without the text, so that a record can be logged.
impl fmt::Debug for RecordedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedAnswer({} bytes)", self.body.len())
    }
}

impl From<&TargetAnswer> for RecordedAnswer {
    fn from(answer: &TargetAnswer) -> Self {
        let (path, _) = beginning(&answer.path, PATH_MAX, |_| false);
        let (body, cut) = beginning(&answer.body, ANSWER_MAX, |c| matches!(c, '\n' | '\t'));
        Self { path, body, cut }
    }
}

/// The sanitized beginning of a text, and whether the text is longer. Some hidden characters are
/// kept.
fn beginning(text: &str, max: usize, keeps: impl Fn(char) -> bool) -> (String, bool) {
    let mut beginning = String::new();
    for c in text.chars() {
        let c = match is_hidden(c) && !keeps(c) {
            true => '\u{fffd}',
            false => c,
        };
        if beginning.len() + c.len_utf8() > max {
            return (beginning, true);
        }
        beginning.push(c);
    }
    (beginning, false)
}

/// Records the answer to the last attempt, and forgets those of all but the newest attempts.
pub fn record_answer(attempts: &mut [Attempt], answer: &TargetAnswer) {
    if let Some(last) = attempts.last_mut() {
        last.answer = Some(Box::new(answer.into()));
    }
    let with_answer = attempts.iter_mut().rev();
    let with_answer = with_answer.filter(|attempt| attempt.answer.is_some());
    for attempt in with_answer.skip(ANSWERS_MAX) {
        attempt.answer = None;
    }
}

impl Attempt {
    /// A new attempt.
    pub fn begun(token: &str, now: Timestamp) -> Self {
        Self {
            token: token.to_owned(),
            started_at: now,
            ended_at: None,
            outcome: None,
            error: None,
            code: None,
            answer: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> TargetAnswer {
        TargetAnswer {
            path: format!("/holds/{}", "v".repeat(300)),
            body: body.to_owned(),
        }
    }

    #[test]
    fn an_answer_is_sanitized_and_cut_between_characters() {
        let kept = RecordedAnswer::from(&answer("a\u{1b}[2J\u{202e}\n\tb"));
        assert_eq!(kept.body, "a\u{fffd}[2J\u{fffd}\n\tb");
        assert_eq!((kept.path.len(), kept.cut), (PATH_MAX, false));
        // A hidden character has fewer bytes than its replacement.
        for (body, length) in [("é".repeat(513), 1024), ("\0".repeat(1024), 1023)] {
            let kept = RecordedAnswer::from(&answer(&body));
            assert_eq!((kept.body.len(), kept.cut), (length, true));
        }
    }

    #[test]
    fn a_record_keeps_the_answers_of_its_newest_attempts() {
        let mut attempts = Vec::new();
        for number in 1..=5 {
            attempts.push(Attempt::begun("token", Timestamp::UNIX_EPOCH));
            if number != 4 {
                record_answer(&mut attempts, &answer(&number.to_string()));
            }
        }
        let kept = attempts.iter().map(|attempt| {
            let answer = attempt.answer.as_ref();
            answer.map_or("", |answer| answer.body.as_str())
        });
        assert_eq!(kept.collect::<Vec<_>>(), ["", "2", "3", "", "5"]);
    }

    #[test]
    fn an_answer_is_not_in_the_text_of_a_logged_record() {
        let mut attempts = [Attempt::begun("token", Timestamp::UNIX_EPOCH)];
        record_answer(&mut attempts, &answer("confidential"));
        let logged = format!("{attempts:?}{:?}", answer("confidential"));
        assert!(!logged.contains("confidential"), "{logged}");
        assert!(!logged.contains("/holds"), "{logged}");
    }
}
