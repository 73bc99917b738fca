//! The effect keys of a step that a later key replaced, so that each attempt keeps its key.

use serde::{Deserialize, Serialize};

use super::step::StepRecord;

/// An effect key under which no attempt begins any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredKey {
    /// The key.
    pub key: String,
    /// The action of its attempts.
    pub action: String,
    /// The number of attempts at the step up to its end.
    pub attempts: u32,
    /// The number of attempts at the undo up to its end.
    #[serde(default, skip_serializing_if = "super::step::is_zero")]
    pub undo_attempts: u32,
}

impl StepRecord {
    /// The key and the action of the attempt with this number, from 1.
    pub fn call_of(&self, number: usize) -> (&str, &str) {
        self.call(|retired| number <= retired.attempts as usize)
    }

    /// The forward key and the action of the attempt at the undo with this number, from 1.
    pub fn undo_call_of(&self, number: usize) -> (&str, &str) {
        self.call(|retired| number <= retired.undo_attempts as usize)
    }

    fn call(&self, belongs: impl Fn(&RetiredKey) -> bool) -> (&str, &str) {
        let retired = self.retired.iter().find(|retired| belongs(retired));
        match retired {
            Some(retired) => (&retired.key, &retired.action),
            None => (&self.key, &self.action),
        }
    }

    /// The retired keys of the record that begins under the next key.
    pub(super) fn retired_after(&self) -> Vec<RetiredKey> {
        let retired = RetiredKey {
            key: self.key.clone(),
            action: self.action.clone(),
            attempts: self.attempts.len() as u32,
            undo_attempts: self.undo_attempts.len() as u32,
        };
        [&self.retired[..], &[retired]].concat()
    }
}
