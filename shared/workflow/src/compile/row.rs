//! The row of steps that is compiled: its kind, its item, and the exits of its states.

use serde_json::Value;

use super::{
    decisions::failed_of,
    expressions::ItemBinding,
    outputs::{assigned_item, branch_output, item_output},
    retry::{FAILURE, PauseInput, catch_all},
};
use crate::definition::{Expression, ForEach, Step, StepKind};
use holdfast_asl::{Catcher, Exit, Object};

/// The kind of a row of steps, which decides how the row ends.
#[derive(Clone, Copy)]
pub(super) enum RowKind<'a> {
    /// The top level: errors are caught state by state, and the last step leads to this state.
    Top(&'a str),
    /// A branch of a `parallel`: the last state yields the output of every step.
    Branch,
    /// An item of a `for_each`: the last state yields what is collected.
    Item(&'a ForEach),
}

/// The properties that all steps of a row share.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) kind: RowKind<'a>,
    pub(super) item_key: Option<&'a Expression>,
    /// The list of the `for_each` around the row.
    pub(super) items: Option<&'a Expression>,
    pub(super) inline_bytes: usize,
}

/// The position of a step in its row: its exit, and the item as the step sees it.
pub(super) struct Position<'a> {
    pub(super) exit: Exit,
    /// Output of the row, at its last step.
    pub(super) output: Option<Value>,
    pub(super) item: Option<ItemBinding<'a>>,
}

/// Returns true if a step's state has no input of its own to read: a Parallel hands its input to
/// branches, whose later states see only variables.
pub(super) fn begins_with_parallel(steps: &[Step]) -> bool {
    matches!(
        steps.first().map(|step| &step.kind),
        Some(StepKind::Parallel(_))
    )
}

impl Position<'_> {
    /// Returns the variables of this state: the item, if later states read it, and `own`.
    pub(super) fn assign(&self, own: Option<Object>) -> Option<Object> {
        let is_input = self.item.is_some_and(|item| item.is_input);
        let item = (is_input && self.output.is_none()).then(assigned_item);
        match (item, own) {
            (Some(item), Some(own)) => Some(item.into_iter().chain(own).collect()),
            (item, own) => item.or(own),
        }
    }

    /// Returns the input of the pause that a target asked for.
    pub(super) fn pause(&self) -> PauseInput {
        match self.item {
            Some(item) if item.is_input => PauseInput::SecondsAndItem,
            _ => PauseInput::Seconds,
        }
    }
}

impl<'a> Row<'a> {
    /// Returns the position of step `n` of the row.
    pub(super) fn position(&self, steps: &[Step], n: usize) -> Position<'a> {
        let is_input =
            n == 0 && matches!(self.kind, RowKind::Item(_)) && !begins_with_parallel(steps);
        let item = self.item_key.map(|key| ItemBinding { key, is_input });
        let (exit, output) = match (steps.get(n + 1), self.kind) {
            (Some(next), _) => (Exit::Next(next.name.clone()), None),
            (None, RowKind::Top(next)) => (Exit::Next(next.to_owned()), None),
            (None, RowKind::Branch) => {
                let output = branch_output(&steps[..n], &steps[n]);
                (Exit::End(true), Some(output))
            }
            (None, RowKind::Item(each)) => {
                let output = item_output(each, &steps[n], item);
                (Exit::End(true), Some(output))
            }
        };
        Position { exit, output, item }
    }

    /// Returns the row of a branch, whose last step leads to `next`.
    pub(super) fn joining<'n>(self, next: &'n str) -> Row<'n>
    where
        'a: 'n,
    {
        Row {
            kind: RowKind::Top(next),
            ..self
        }
    }

    pub(super) fn is_top(&self) -> bool {
        matches!(self.kind, RowKind::Top(_))
    }

    /// Returns the state that follows a step which failed and is not skipped. Inside a container
    /// that state raises the failure again.
    pub(super) fn given_up(&self, step: &str) -> String {
        if self.is_top() {
            "Plan".to_owned()
        } else {
            failed_of(step)
        }
    }

    /// Returns the variable for a step's failure. Inside a container its name is one that no step
    /// has, because an inner scope cannot assign a variable of an outer one.
    pub(super) fn failure_of(&self, step: &str) -> String {
        match self.is_top() {
            true => FAILURE.to_owned(),
            false => format!("{step}Failure"),
        }
    }

    /// Returns the catchers of a state. Inside a container there are none, because the container
    /// catches the error.
    pub(super) fn catch(&self, state: &str) -> Vec<Catcher> {
        match self.kind {
            RowKind::Top(_) => vec![catch_all(state, "Plan")],
            RowKind::Branch | RowKind::Item(_) => Vec::new(),
        }
    }
}
