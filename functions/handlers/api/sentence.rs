//! The sentence that says what a decision would do.

use holdfast_ledger::{Residue, StepRecord};
use holdfast_receipt::Decision;

/// The effect of a decision in one sentence. `step` is the one that the question is about; an
/// approval has none. `enough` if this approval is the last that is needed.
pub(crate) fn effect_of(
    decision: Decision,
    enough: bool,
    step: Option<&StepRecord>,
) -> &'static str {
    match decision {
        Decision::Retry => match step.filter(|step| step.residue() != Residue::None) {
            None => "The step is tried again, with all of its attempts.",
            // A target deduplicates the calls of one key. Effects under earlier keys have others.
            Some(step) if step.idempotent && step.earlier.is_empty() => {
                "The step is tried again with the same idempotency key. The workflow treats its \
                 target as one that acts once for each key. Such a target does not repeat an \
                 effect that exists."
            }
            Some(_) => {
                "The step is tried again. Its target can act twice: ask it first whether the \
                 effect exists."
            }
        },
        Decision::Skip => "The execution continues without the step.",
        Decision::Rollback => "The execution is rolled back.",
        Decision::Approve if enough => "The execution continues.",
        Decision::Approve => "Your approval counts, and the execution waits for more people.",
        Decision::Reject => "The approval is rejected: the execution is rolled back, and ends.",
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::{StepState, fixtures};
    use holdfast_receipt::AttemptOutcome;

    use super::*;

    #[test]
    fn a_retry_promises_no_single_effect_if_an_earlier_key_may_have_acted() {
        let of = fixtures::key("k");
        let unknown = fixtures::attempt("t-1", Some(AttemptOutcome::Unknown));
        let mut step = fixtures::step(&of, StepState::Unknown, vec![unknown]);
        step.idempotent = true;
        let sentence = |step: &StepRecord| effect_of(Decision::Retry, true, Some(step));
        assert!(sentence(&step).contains("does not repeat an effect"));
        step.earlier = vec![step.effect()];
        assert!(sentence(&step).contains("can act twice"));
        step.earlier.clear();
        step.idempotent = false;
        assert!(sentence(&step).contains("can act twice"));
    }
}
