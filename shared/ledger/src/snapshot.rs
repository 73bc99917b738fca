//! Everything recorded of one execution, as one read returns it.

use jiff::Timestamp;

use super::{
    duplicate::Duplicates, execution::ExecutionRecord, expiry::closed_question,
    late_claim::is_late_claim, question::Question, step::StepRecord,
};

/// Everything recorded of one execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The execution record.
    pub execution: ExecutionRecord,
    /// The steps, in declared order, items by name.
    pub steps: Vec<StepRecord>,
    /// The records that only a late claim can have written, which `steps` lacks.
    pub late_claims: Vec<StepRecord>,
    /// The questions to people, by step.
    pub questions: Vec<Question>,
    /// The number of refused duplicate starts.
    pub duplicates: u64,
    /// The times of the first ones, as far as they are recorded.
    pub duplicate_times: Vec<Timestamp>,
}

impl Snapshot {
    /// A snapshot without questions, its steps sorted as declared and items by name.
    pub fn new(execution: ExecutionRecord, steps: Vec<StepRecord>, duplicates: u64) -> Self {
        let is_late = |step: &StepRecord| is_late_claim(step, &execution);
        let (late_claims, mut steps): (Vec<_>, Vec<_>) = steps.into_iter().partition(is_late);
        steps.sort_by(|a, b| (a.number, &a.item).cmp(&(b.number, &b.item)));
        Self {
            execution,
            steps,
            late_claims,
            questions: Vec::new(),
            duplicates,
            duplicate_times: Vec::new(),
        }
    }

    /// The questions as a person sees them: one that no decision can change any more, because its
    /// execution no longer waits, is closed.
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
