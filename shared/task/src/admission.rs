//! The part of a definition that admission applies to a start, as the state machine carries it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::StartConditions;

/// The kind of the state machine that runs a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A Standard state machine.
    #[default]
    Standard,
    /// An Express state machine: a run lives five minutes at most, and can run more than once.
    Express,
}

impl Tier {
    /// Returns whether it is the default one.
    pub fn is_standard(&self) -> bool {
        *self == Self::Standard
    }
}

/// The part of a definition that admission applies to a start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionSpec {
    /// Workflow id, such as `WF-DELAY-VENDOR-PAYMENTS-ACME`.
    pub workflow: String,
    /// The definition's version, raised by its author.
    pub version: u32,
    /// The description in one line, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `sha256:` and the hex digest of the definition's canonical JSON.
    pub definition_digest: String,
    /// The tenants that may start it; empty means every tenant.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// JSON Schema 2020-12 of the input.
    pub input_schema: Value,
    /// The assertions that must hold before any effect.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// The other guardrails.
    #[serde(default, skip_serializing_if = "StartConditions::is_default")]
    pub rules: StartConditions,
    /// The fields that it shows to people.
    #[serde(default, skip_serializing_if = "ShownFields::is_empty")]
    pub fields: ShownFields,
    /// The events and schedules that may start it.
    #[serde(default)]
    pub triggers: Vec<TriggerMap>,
    /// The longest duration of an execution, in seconds.
    pub timeout_s: u64,
    /// The kind of its state machine.
    #[serde(default, skip_serializing_if = "Tier::is_standard")]
    pub tier: Tier,
}

/// One assertion over a start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// The name, unique in the definition.
    pub name: String,
    /// A JSONata expression that must yield `true`. It has no `{% %}`, so that Step Functions does
    /// not evaluate it.
    pub assert: String,
    /// The message for the caller whose start is rejected.
    pub message: String,
}

/// The fields that a definition shows to people. Each value is a JSONata expression over the start,
/// without `{% %}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownFields {
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The other fields, each with its label, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub show: Vec<FieldExpression>,
}

/// A field that the definition shows, before it is evaluated. It is an object, since the published
/// schema of state machines has no list of lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldExpression {
    /// The label.
    pub label: String,
    /// A JSONata expression over the start, without `{% %}`.
    pub value: String,
}

impl ShownFields {
    /// Returns whether the definition shows no field.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The mapping from an event or a schedule to a start. A string is a literal or, if it is marked,
/// JSONata over `$event` and `$scheduled_time`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerMap {
    /// The name that the event rule or the schedule passes.
    pub name: String,
    /// The tenant of the execution.
    pub tenant: Template,
    /// The idempotency key, which makes a repeated event the same start.
    pub idempotency_key: Template,
    /// The input of the execution.
    pub input: Template,
    /// The person who requests the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Template>,
    /// The approval by another person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Template>,
}

/// A JSON value with expressions, each written `{"$jsonata": "…"}`, which Step Functions does not
/// evaluate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Value);
