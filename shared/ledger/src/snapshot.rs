//! Everything recorded of one execution, as one read returns it.

use jiff::Timestamp;

use super::{
    duplicate::Duplicates,
    execution::{ExecutionRecord, Phase},
    question::{Question, closed_question},
    step::{StepRecord, StepState},
};
use holdfast_receipt::Status;

/// Everything recorded of one execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The execution record.
    pub execution: ExecutionRecord,
    /// The steps, in declared order, items by name.
    pub steps: Vec<StepRecord>,
    /// The questions to people, by step.
    pub questions: Vec<Question>,
    /// The number of refused duplicate starts.
    pub duplicates: u64,
    /// The times of the first ones, as far as they are recorded.
    pub duplicate_times: Vec<Timestamp>,
}

impl Snapshot {
    /// A snapshot without questions, its steps sorted as declared and items by name. It lacks the
    /// records that only a late claim can have written.
    pub fn new(execution: ExecutionRecord, mut steps: Vec<StepRecord>, duplicates: u64) -> Self {
        steps.retain(|step| !is_late_claim(step, &execution));
        steps.sort_by(|a, b| (a.number, &a.item).cmp(&(b.number, &b.item)));
        Self {
            execution,
            steps,
            questions: Vec::new(),
            duplicates,
            duplicate_times: Vec::new(),
        }
    }

    /// The questions as a person sees them: one that no decision can change any more, because its
    /// execution no longer waits, has expired.
    pub fn current_questions(&self, now: Timestamp) -> Vec<Question> {
        let questions = self.questions.iter();
        let current = questions.map(|question| match question.waits(&self.execution) {
            true => question.clone(),
            false => closed_question(question, now).unwrap_or_else(|| question.clone()),
        });
        current.collect()
    }

    /// The same snapshot with the refused duplicate starts.
    pub fn repeated(mut self, duplicates: &Duplicates) -> Self {
        self.duplicates = duplicates.refused;
        self.duplicate_times = duplicates.times();
        self
    }

    /// The same snapshot with its questions.
    pub fn asking(mut self, mut questions: Vec<Question>) -> Self {
        questions.sort_by(|a, b| a.step.cmp(&b.step));
        self.questions = questions;
        self
    }
}

/// Returns whether only a claim after the end of a rollback can have written the record.
///
/// The end leaves no record open, and the epoch rose before it. So the attempt that opened the
/// record reads that it may not act (docs/protocol.md, rule 15). It has died or cannot read, since
/// it would take its claim back otherwise.
fn is_late_claim(step: &StepRecord, execution: &ExecutionRecord) -> bool {
    let rolled_back = |status: &Status| *status != Status::Executed;
    let open = matches!(
        step.state,
        StepState::Running { .. } | StepState::Waiting { .. }
    );
    matches!(&execution.phase, Phase::Ended { status, .. } if rolled_back(status))
        && open
        && step.attempts.len() == 1
        && !step.tainted
}
