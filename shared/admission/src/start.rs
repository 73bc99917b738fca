//! Reads a start from a state machine's input: an envelope, an event, or a schedule.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    deadline::bounded,
    envelope::check_recorded,
    numbers::{check_numbers, check_numbers_read},
};
use holdfast_expression::evaluate;
use holdfast_ids::{
    keys::execution_id,
    names::{check_text, quoted},
    trace::TraceId,
};
use holdfast_receipt::Approval;
use holdfast_task::{AdmissionSpec, Template, TriggerMap};

/// The prefix of the scheduler's own placeholders.
const UNFILLED: &str = "<aws.scheduler.";

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
    pub approval: Option<Approval>,
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
struct TriggerMessage {
    trigger: String,
    #[serde(default)]
    event: Option<Value>,
    #[serde(default)]
    scheduled_time: Option<Value>,
}

/// Reads a state machine's input. The error names the fault and the right form, without values.
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
) -> Result<Start, String> {
    let start = if raw.get("trigger").is_some() {
        let message: TriggerMessage = parse(
            raw,
            "a trigger's message has trigger and event or scheduled_time",
        )?;
        let (gate, started_at) = (gate.clone(), started_at.to_owned());
        bounded(move || from_trigger(&message, &gate, &started_at))
            .map_err(|why| format!("the trigger's mapping: {why}"))??
    } else {
        let envelope: Envelope = parse(raw, "a start has tenant, idempotency_key and input")?;
        check_text("via", &envelope.via)?;
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
            approval: envelope.approval,
        }
    };
    check_recorded(&start)?;
    Ok(start)
}

fn parse<T: for<'a> Deserialize<'a>>(raw: &Value, shape: &str) -> Result<T, String> {
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

fn from_trigger(
    message: &TriggerMessage,
    gate: &AdmissionSpec,
    started_at: &str,
) -> Result<Start, String> {
    let Some(map) = gate.triggers.iter().find(|map| map.name == message.trigger) else {
        let known: Vec<_> = gate.triggers.iter().map(|map| map.name.as_str()).collect();
        return Err(format!(
            "{} has no trigger called {}; it has {}",
            gate.workflow,
            quoted(&message.trigger),
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        ));
    };
    let mut variables = Vec::new();
    if let Some(event) = &message.event {
        variables.push(("event", event));
    }
    let filled_in = message
        .scheduled_time
        .as_ref()
        .map(|time| match time.as_str() {
            Some(text) if text.starts_with(UNFILLED) => Value::from(started_at),
            _ => time.clone(),
        });
    if let Some(time) = &filled_in {
        variables.push(("scheduled_time", time));
    }
    Ok(Start {
        tenant: text(map, "tenant", &map.tenant, &variables)?,
        idempotency_key: text(map, "idempotency_key", &map.idempotency_key, &variables)?,
        input: fill(map, "input", &map.input.0, &variables)?,
        trigger: map.name.clone(),
        trace: None,
        requested_by: optional(map, "requested_by", &map.requested_by, &variables)?,
        approval: optional(map, "approval", &map.approval, &variables)?,
    })
}

fn text(
    map: &TriggerMap,
    field: &str,
    template: &Template,
    variables: &[(&str, &Value)],
) -> Result<String, String> {
    let value = fill(map, field, &template.0, variables)?;
    check_numbers(&value).map_err(|why| format!("trigger {}: {field}: {why}", map.name))?;
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(format!("trigger {}: {field} must yield a string", map.name)),
    }
}

/// Reads an optional field: an expression that yields null or nothing leaves it absent.
fn optional<T: for<'a> Deserialize<'a>>(
    map: &TriggerMap,
    field: &str,
    template: &Option<Template>,
    variables: &[(&str, &Value)],
) -> Result<Option<T>, String> {
    let Some(Template(template)) = template else {
        return Ok(None);
    };
    let value = match expression(template) {
        Some(text) => mapped(map, field, text, variables)?.unwrap_or_default(),
        None => fill(map, field, template, variables)?,
    };
    let shape = format!("it is {field} of trigger {}", map.name);
    parse(&value, &shape)
}

/// Returns the expression of a value that is marked as one.
fn expression(template: &Value) -> Option<&str> {
    let members = template.as_object().filter(|members| members.len() == 1)?;
    members.get("$jsonata").and_then(Value::as_str)
}

/// Evaluates one expression of a mapping.
fn mapped(
    map: &TriggerMap,
    place: &str,
    expression: &str,
    variables: &[(&str, &Value)],
) -> Result<Option<Value>, String> {
    let name = &map.name;
    check_numbers_read(expression, variables)
        .map_err(|why| format!("trigger {name}: {place}: {why}"))?;
    evaluate(expression, variables)
        .map_err(|_| format!("trigger {name}: {place} cannot be evaluated: {expression}"))
}

/// Evaluates the expressions in `template`. The error names the place of one that fails or yields
/// nothing.
fn fill(
    map: &TriggerMap,
    place: &str,
    template: &Value,
    variables: &[(&str, &Value)],
) -> Result<Value, String> {
    match template {
        Value::Object(members) => match expression(template) {
            Some(expression) => mapped(map, place, expression, variables)?.ok_or_else(|| {
                format!("trigger {}: {place} yields nothing: {expression}", map.name)
            }),
            None => members
                .iter()
                .map(|(name, value)| {
                    Ok((
                        name.clone(),
                        fill(map, &format!("{place}.{name}"), value, variables)?,
                    ))
                })
                .collect::<Result<Map<_, _>, String>>()
                .map(Value::Object),
        },
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, item)| fill(map, &format!("{place}[{n}]"), item, variables))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        literal => Ok(literal.clone()),
    }
}
