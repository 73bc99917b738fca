//! Reads workflow definitions: YAML text becomes a typed definition, or a list of every mistake in
//! it.

mod address;
mod answers;
mod choose;
mod choose_schema;
mod continued;
mod cron;
mod decision;
mod duration;
mod ends;
mod expressions;
mod fields;
mod fits;
mod forgotten;
mod graph;
mod history;
mod input_schema;
mod longest;
mod model;
mod names;
mod operator;
mod output;
mod pattern;
mod policy;
mod poll;
mod problem;
mod read;
mod reader;
mod references;
mod render;
mod rules;
mod scalar;
mod schedule;
mod schema;
mod schema_action;
mod scope;
mod secrets;
mod shown;
mod skipped;
mod steps;
mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod tier;
mod tree;
mod triggers;
mod yaml;

pub use answers::{Answers, read_answers};
pub use ends::Ends;
pub use graph::graph;
pub use model::{
    ActionStep, Approve, Branch, Choose, ChooseBranch, Definition, ForEach, Guardrail, Jitter,
    Limits, OnFailure, Poll, Retry, Rollback, Step, StepKind, Stop, Trigger, TriggerSource, Wait,
};
pub use problem::{Problem, Span};
pub use render::{render, render_warnings};
pub use schema::schema;
pub use text::{Expression, Text};
pub use yaml::{MAX_BYTES, MAX_DEPTH};

pub(crate) use choose::outputs;
pub(crate) use rules::bare;

use holdfast_action::ActionInfo;
use holdfast_task::Tier;

/// The names outside a definition that it may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// Actions of the deployment.
    pub actions: &'a [&'a ActionInfo],
    /// Names of the template's parameters, for `${Name}`.
    pub parameters: &'a [String],
}

/// Reads a definition. The error holds every mistake in order of its place, or one syntax error,
/// because the rest cannot be parsed.
pub fn read(source: &str, known: &Environment<'_>) -> Result<Definition, Vec<Problem>> {
    read_with_warnings(source, known).map(|(definition, _)| definition)
}

/// Like [`read`], but also returns what is allowed and probably not meant, in order of its place.
pub fn read_with_warnings(
    source: &str,
    known: &Environment<'_>,
) -> Result<(Definition, Vec<Problem>), Vec<Problem>> {
    read::read(source, known, None)
}

/// Like [`read`], but reads the definition as if it had this tier. The error also holds what this
/// tier refuses.
pub fn read_as(
    source: &str,
    known: &Environment<'_>,
    tier: Tier,
) -> Result<Definition, Vec<Problem>> {
    read::read(source, known, Some(tier)).map(|(definition, _)| definition)
}
