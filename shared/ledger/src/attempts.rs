//! The attempts of a record whose key changes: each keeps the effect generation that it belongs to.

use holdfast_ids::keys::effect_key;

use super::step::{Attempt, StepRecord};

impl Attempt {
    /// Attempts of an effect generation that ends, as the record of the next one keeps them.
    pub(super) fn of_generation(attempts: &[Self], effect_generation: u32) -> Vec<Self> {
        let marked = |attempt: &Self| Self {
            effect_generation: attempt.effect_generation.or(Some(effect_generation)),
            ..attempt.clone()
        };
        attempts.iter().map(marked).collect()
    }
}

impl StepRecord {
    /// The effect key under which an attempt at the step or at its undo was made.
    pub fn key_of(&self, attempt: &Attempt) -> String {
        attempt.effect_generation.map_or_else(
            || self.key.clone(),
            |of| effect_key(&self.at, &self.step, self.item.as_deref(), of),
        )
    }
}
