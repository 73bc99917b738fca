//! Reads a start from a state machine's input: an envelope, an event, or a schedule.

use std::fmt;

use crate::{
    approval::SentApproval,
    deadline::CheckError,
    envelope::{EnvelopeError, check_recorded},
    mapping::from_trigger,
};
use holdfast_expression::Shortage;
use holdfast_ids::{
    keys::{execution_id, idempotency_key},
    names::{check_text, quoted},
    trace::TraceId,
};
use holdfast_receipt::Approval;
use holdfast_task::AdmissionSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A start, from the API, a trigger or a direct `StartExecution`.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The tenant that the execution will belong to.
    pub tenant: String,
    /// The idempotency key, by which a repeated start is the same.
    pub idempotency_key: String,
    /// The execution's input.
    pub input: Value,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The person who requested it, if a person did.
    pub requested_by: Option<String>,
    /// The trace in which it was requested, if there is one.
    pub trace: Option<TraceId>,
    /// Another person's approval, if one was sent with it.
    pub approval: Option<Approval>,
    /// The reason why the trigger's mapping did not end, if so. The input is then null, and the
    /// start is rejected with a receipt.
    pub unmapped: Option<String>,
}

/// The reason why a state machine's input is no start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// The fault and the right form, without values.
    Malformed(String),
    /// The machine lacked what the check needs. Another attempt may read the start.
    Shortage(Shortage),
}

impl From<String> for StartError {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

impl From<Shortage> for StartError {
    fn from(shortage: Shortage) -> Self {
        Self::Shortage(shortage)
    }
}

impl From<EnvelopeError> for StartError {
    fn from(error: EnvelopeError) -> Self {
        Self::Malformed(error.into())
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::Shortage(shortage) => CheckError::Shortage(*shortage).fmt(f),
        }
    }
}

/// The state machine's input of a start by the API or by a direct `StartExecution`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The tenant that the execution will belong to.
    pub tenant: String,
    /// The idempotency key, by which a repeated start is the same.
    pub idempotency_key: String,
    /// The execution's input.
    pub input: Value,
    /// `api` if the API sent it. [`Self::trigger`] decides whether that is so.
    #[serde(default = "direct")]
    pub via: String,
    /// The person who requested it, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Another person's approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<SentApproval>,
    /// The API's id of the request. It makes every envelope different, so that Step Functions never
    /// treats two requests as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The trace in which it was requested, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
}

/// The name of the API's starts.
const API: &str = "api";
/// The name of starts by a direct `StartExecution`.
pub const DIRECT: &str = "direct";
/// Names of starts that no trigger can have.
pub const RESERVED_TRIGGERS: [&str; 3] = [API, DIRECT, "redrive"];

fn direct() -> String {
    DIRECT.to_owned()
}

impl Envelope {
    /// The name of this start in records and guardrails, whatever `via` claims: `api` if `owner`,
    /// the ARN of its Step Functions execution, has the name that the API gives it, which is the id
    /// of the execution. Every other start is `direct`, so that none poses as a trigger.
    pub fn trigger(&self, owner: &str, execution: &str) -> String {
        let named = owner.rsplit(':').next() == Some(execution);
        let trigger = if named && self.via == API {
            API
        } else {
            DIRECT
        };
        trigger.to_owned()
    }
}

/// The state machine's input of a start by an event rule or a schedule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerMessage {
    pub(crate) trigger: String,
    #[serde(default)]
    pub(crate) event: Option<Value>,
    #[serde(default)]
    pub(crate) scheduled_time: Option<Value>,
}

/// Reads a state machine's input.
///
/// The start passes the part of [`check_envelope`](crate::check_envelope) that a redrive passes too.
/// `begin` applies all of it to a new start.
///
/// `started_at` replaces the scheduled time if the scheduler did not fill it in, as the local
/// emulator does not. `owner` is the ARN of the Step Functions execution.
pub fn read_start(
    raw: &Value,
    gate: &AdmissionSpec,
    started_at: &str,
    owner: &str,
) -> Result<Start, StartError> {
    let start = if raw.get("trigger").is_some() {
        let message: TriggerMessage = parse(
            raw,
            "a trigger's message has trigger and event or scheduled_time",
        )?;
        from_trigger(&message, gate, started_at)?
    } else {
        let mut envelope: Envelope = parse(raw, "a start has tenant, idempotency_key and input")?;
        check_text("via", &envelope.via)?;
        envelope.idempotency_key = idempotency_key(&envelope.idempotency_key)?;
        let Envelope {
            tenant,
            idempotency_key: key,
            ..
        } = &envelope;
        let trigger = envelope.trigger(owner, &execution_id(tenant, &gate.workflow, key));
        Start {
            tenant: envelope.tenant,
            idempotency_key: envelope.idempotency_key,
            input: envelope.input,
            trigger,
            requested_by: envelope.requested_by,
            trace: envelope.trace,
            approval: read_approval(envelope.approval)?,
            unmapped: None,
        }
    };
    check_recorded(&start)?;
    Ok(start)
}

/// Reads the form of the approval that a start brings.
pub(crate) fn read_approval(sent: Option<SentApproval>) -> Result<Option<Approval>, String> {
    sent.map(|sent| sent.read()).transpose()
}

pub(crate) fn parse<T: for<'a> Deserialize<'a>>(raw: &Value, shape: &str) -> Result<T, String> {
    // Serde reads a list as the members of a struct, in the order of its source.
    if raw.is_array() {
        return Err(format!("a list is no object; {shape}"));
    }
    // Serde's message quotes the value; only names of fields may be shown.
    T::deserialize(raw).map_err(|error| {
        let message = error.to_string();
        let unknown = message
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.rsplit_once("`, expected"));
        match unknown {
            // A field's name can be any text, of any length.
            Some((name, known)) => {
                let name = quoted(name);
                let name = &name[1..name.len() - 1];
                format!("unknown field `{name}`, expected{known}; {shape}")
            }
            None if message.starts_with("missing field") => format!("{message}; {shape}"),
            None => format!("a field has the wrong type; {shape}"),
        }
    })
}
