//! The answer about what people can do to an execution, and what each request would do.

use holdfast_ids::names::sanitize;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time;

/// The requests and decisions for an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Actions {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    pub(crate) status: String,
    pub(crate) generation: u32,
    /// Cancel, rollback and redrive, then each decision of each open question.
    pub(crate) actions: Vec<Action>,
}

/// The name of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// Stop the execution and undo its effects.
    Cancel,
    /// Undo the effects of an ended execution.
    Rollback,
    /// Continue an ended execution where it failed.
    Redrive,
    /// Decide a question.
    Decide,
}

/// A request, and what it would do now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Action {
    pub(crate) action: ActionName,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<&'static str>,
    /// The step that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    /// True if the caller may make the request and it would take effect now.
    pub(crate) allowed: bool,
    /// The reason why it would not; absent if it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<ActionRefusal>,
    pub(crate) request: ActionRequest,
    /// The command that makes the same request.
    pub(crate) command: String,
    /// The effect in one sentence.
    pub(crate) effect: &'static str,
    /// The effects that are undone, in this order.
    pub(crate) undoes: Vec<ActionEffect>,
    /// The effects that remain or may remain.
    pub(crate) cannot_undo: Vec<RemainingEffect>,
    /// The steps that the execution continues with, if it does and its definition is deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) continues: Option<Continuation>,
    /// The time until which an attempt may be at work; a rollback waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time")]
    pub(crate) waits_until: Option<Timestamp>,
}

/// The kind of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefusalCode {
    /// The role or the person may not.
    Forbidden,
    /// The state does not allow it.
    Conflict,
    /// The same request can succeed soon.
    TooEarly,
    /// It was requested before, or happens in any case.
    Already,
}

/// The reason why an action would not take effect.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ActionRefusal {
    pub(crate) code: RefusalCode,
    pub(crate) message: String,
}

/// The HTTP request of an action. The body needs a `reason` too.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ActionRequest {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: ActionBody,
}

/// The members of the body beside `reason`; only a decision has some.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ActionBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown_sha256: Option<String>,
}

/// The certainty of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Certainty {
    /// It happened.
    Certain,
    /// It may have happened.
    Possible,
}

/// An effect of a step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ActionEffect")]
pub(crate) struct ActionEffect {
    pub(crate) step: String,
    /// The item of a `for_each`, for roles that see payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<String>,
    /// The action that performed it.
    pub(crate) action: String,
    /// The step's status.
    pub(crate) state: &'static str,
    pub(crate) certainty: Certainty,
}

/// An effect that remains or may remain.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RemainingEffect {
    #[serde(flatten)]
    pub(crate) effect: ActionEffect,
    pub(crate) why: &'static str,
}

/// The steps that an execution continues with.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Continuation {
    /// The version of the definition.
    pub(crate) version: u32,
    /// The effects of steps that succeeded, which are not repeated.
    pub(crate) keeps: Vec<ActionEffect>,
    /// The steps that run, in declared order. A step of a branch runs if the branch is taken.
    pub(crate) runs: Vec<String>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<String>,
}

impl ActionRefusal {
    /// A refusal with this message.
    pub(crate) fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: sanitize(&message.into()),
        }
    }
}
