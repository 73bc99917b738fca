//! Ends of a question without a decision: its timeout, and the end of its execution.

use jiff::{SignedDuration, Timestamp};

use crate::question::{Question, QuestionState, Ruling};

/// The question after the end of its execution, which no decision changes any more; `None` if it is
/// not open.
pub fn closed_question(question: &Question, now: Timestamp) -> Option<Question> {
    (question.state == QuestionState::Open).then(|| Question {
        rev: question.rev + 1,
        state: QuestionState::Expired {
            at: now,
            closed: true,
        },
        ..question.clone()
    })
}

/// The outcome of the timeout of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpiryTransition {
    /// Write this record: no person has decided.
    Write(Box<Question>),
    /// A person had decided: this decision takes effect.
    Ruled(Ruling),
    /// The rule asks no person, and the token for the answer is gone.
    Skipped,
    /// The timeout was recorded before.
    Over,
    /// The question is open until then, so another question has timed out.
    Early(Timestamp),
}

/// The maximum by which the clock of Step Functions may be ahead of the function's.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(10);

/// Decides on a question whose time is over.
pub fn expire(question: &Question, now: Timestamp) -> ExpiryTransition {
    match &question.state {
        QuestionState::Ruled { ruling, .. } => ExpiryTransition::Ruled(ruling.clone()),
        QuestionState::Skipped { .. } => ExpiryTransition::Skipped,
        QuestionState::Expired { .. } => ExpiryTransition::Over,
        QuestionState::Open if now + CLOCKS_APART < question.until => {
            ExpiryTransition::Early(question.until)
        }
        QuestionState::Open => ExpiryTransition::Write(Box::new(Question {
            rev: question.rev + 1,
            state: QuestionState::Expired {
                at: now,
                closed: false,
            },
            ..question.clone()
        })),
    }
}
