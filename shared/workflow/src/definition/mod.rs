//! Workflow definitions: from YAML text to a typed definition, or to every mistake in it at once.

mod decision;
mod duration;
mod fits;
mod graph;
mod model;
mod names;
mod policy;
mod problem;
mod read;
mod reader;
mod render;
mod rules;
mod scalar;
mod schedule;
mod schema;
mod scope;
mod steps;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod triggers;
mod yaml;

pub use graph::graph;
pub use model::{
    ActionStep, Approve, Branch, Definition, ForEach, Guardrail, Jitter, Limits, OnFailure, Retry,
    Rollback, Step, StepKind, Trigger, TriggerSource, Wait,
};
pub use problem::{Problem, Span};
pub use render::render;
pub use schema::schema;
pub use yaml::{MAX_BYTES, MAX_DEPTH};

pub(crate) use rules::bare;

use holdfast_action::ActionInfo;

/// What a definition may refer to beyond itself.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The actions of the deployment.
    pub actions: &'a [&'a ActionInfo],
    /// The names of the template's parameters, for `${Name}`.
    pub parameters: &'a [String],
}

/// Reads a definition. An `Err` holds every mistake in order of its place: a syntax error alone, or all that is wrong
/// with a file that can be parsed.
pub fn read(source: &str, known: &Known<'_>) -> Result<Definition, Vec<Problem>> {
    read::read(source, known)
}
