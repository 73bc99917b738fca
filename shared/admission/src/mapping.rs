//! Maps an event or a schedule to a start: tenant and key first, then everything else.

use serde_json::{Map, Value};

use crate::{
    deadline::{CheckError, bounded},
    numbers::{check_digits, check_numbers, check_numbers_read},
    start::{Start, StartError, TriggerMessage, parse, read_approval},
};
use holdfast_expression::{EvaluationError, evaluate};
use holdfast_ids::keys::idempotency_key;
use holdfast_receipt::Approval;
use holdfast_task::{AdmissionSpec, Template, TriggerMap};

/// The prefix of the scheduler's own placeholders.
const UNFILLED: &str = "<aws.scheduler.";

/// The reason why a mapping yields no value.
enum MappingError {
    /// The mapping does not fit the event. The text names the place and the fix.
    Fault(String),
    /// A limit ended an expression. The text names its place.
    Limit(String),
}

impl From<String> for MappingError {
    fn from(why: String) -> Self {
        Self::Fault(why)
    }
}

impl MappingError {
    fn message(self) -> String {
        match self {
            Self::Fault(why) | Self::Limit(why) => why,
        }
    }
}

/// The part of a start that is mapped after its tenant and its key are known.
struct Content {
    input: Value,
    requested_by: Option<String>,
    approval: Option<Approval>,
}

/// The mapping of one trigger, with the values that its expressions read.
#[derive(Clone)]
struct Mapping {
    map: TriggerMap,
    variables: Vec<(&'static str, Value)>,
}

/// Maps a trigger's message to a start.
///
/// If a limit ends the mapping after tenant and key, the start is `unmapped`, so that its rejection
/// has a receipt.
pub(crate) fn from_trigger(
    message: &TriggerMessage,
    gate: &AdmissionSpec,
    started_at: &str,
) -> Result<Start, StartError> {
    let mapping = Mapping::of(message, gate, started_at)?;
    let named = mapping.clone();
    let names = move || Ok((named.tenant()?, named.idempotency_key()?));
    let (tenant, idempotency_key) = match bounded(names) {
        Ok(names) => names.map_err(MappingError::message)?,
        Err(CheckError::Shortage(shortage)) => return Err(shortage.into()),
        Err(CheckError::Unfinished(why)) => return Err(mapping.unfinished(&why).into()),
    };
    let mut start = Start {
        tenant,
        idempotency_key,
        input: Value::Null,
        trigger: mapping.map.name.clone(),
        trace: None,
        requested_by: None,
        approval: None,
        unmapped: None,
    };
    let mapped = mapping.clone();
    match bounded(move || mapped.content()) {
        Ok(Ok(content)) => {
            start.input = content.input;
            start.requested_by = content.requested_by;
            start.approval = content.approval;
        }
        Ok(Err(MappingError::Fault(why))) => return Err(why.into()),
        Ok(Err(MappingError::Limit(why))) => start.unmapped = Some(why),
        Err(CheckError::Shortage(shortage)) => return Err(shortage.into()),
        Err(CheckError::Unfinished(why)) => start.unmapped = Some(mapping.unfinished(&why)),
    }
    Ok(start)
}

impl Mapping {
    fn of(
        message: &TriggerMessage,
        gate: &AdmissionSpec,
        started_at: &str,
    ) -> Result<Self, String> {
        let Some(map) = gate.triggers.iter().find(|map| map.name == message.trigger) else {
            let known: Vec<_> = gate.triggers.iter().map(|map| map.name.as_str()).collect();
            // A log keeps this text, and a sender can put any value here.
            return Err(format!(
                "trigger: {} has no trigger of this name; it has {}",
                gate.workflow,
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            ));
        };
        let mut variables = Vec::new();
        if let Some(event) = &message.event {
            variables.push(("event", event.clone()));
        }
        let filled_in = message
            .scheduled_time
            .as_ref()
            .map(|time| match time.as_str() {
                Some(text) if text.starts_with(UNFILLED) => Value::from(started_at),
                _ => time.clone(),
            });
        variables.extend(filled_in.map(|time| ("scheduled_time", time)));
        Ok(Self {
            map: map.clone(),
            variables,
        })
    }

    fn unfinished(&self, why: &str) -> String {
        format!("trigger {}: {why}", self.map.name)
    }

    fn tenant(&self) -> Result<String, MappingError> {
        self.text("tenant", &self.map.tenant)
    }

    fn idempotency_key(&self) -> Result<String, MappingError> {
        let key = self.text("idempotency_key", &self.map.idempotency_key)?;
        Ok(idempotency_key(&key)?)
    }

    fn content(&self) -> Result<Content, MappingError> {
        Ok(Content {
            input: self.fill("input", &self.map.input.0)?,
            requested_by: self.optional("requested_by", &self.map.requested_by)?,
            approval: read_approval(self.optional("approval", &self.map.approval)?)?,
        })
    }

    fn text(&self, field: &str, template: &Template) -> Result<String, MappingError> {
        let value = self.fill(field, &template.0)?;
        let name = &self.map.name;
        check_numbers(&value).map_err(|why| format!("trigger {name}: {field}: {why}"))?;
        match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(format!("trigger {name}: {field} must yield a string").into()),
        }
    }

    /// Reads an optional field: an expression that yields null or nothing leaves it absent.
    fn optional<T: for<'a> serde::Deserialize<'a>>(
        &self,
        field: &str,
        template: &Option<Template>,
    ) -> Result<Option<T>, MappingError> {
        let Some(Template(template)) = template else {
            return Ok(None);
        };
        let value = match expression(template) {
            Some(text) => self.evaluate(field, text)?.unwrap_or_default(),
            None => self.fill(field, template)?,
        };
        let shape = format!("it is {field} of trigger {}", self.map.name);
        Ok(parse(&value, &shape)?)
    }

    /// Evaluates one expression.
    fn evaluate(&self, place: &str, expression: &str) -> Result<Option<Value>, MappingError> {
        let name = &self.map.name;
        let variables = self.variables.iter().map(|(name, value)| (*name, value));
        let variables: Vec<_> = variables.collect();
        // A key and a tenant are texts.
        let check = match place {
            "tenant" | "idempotency_key" => check_digits,
            _ => check_numbers,
        };
        check_numbers_read(expression, &variables, check)
            .map_err(|why| format!("trigger {name}: {place}: {why}"))?;
        evaluate(expression, &variables).map_err(|error| {
            let why = error.reason(&format!("trigger {name}: {place}"), "event");
            let why = format!("{why}: {expression}");
            match error {
                EvaluationError::Expression(_) => MappingError::Fault(why),
                // A mapping that lacked processor time has no verdict, whatever this error is.
                EvaluationError::Limit(_) | EvaluationError::Shortage => MappingError::Limit(why),
            }
        })
    }

    /// Evaluates the expressions in `template`. The error names the place of one that fails or
    /// yields nothing.
    fn fill(&self, place: &str, template: &Value) -> Result<Value, MappingError> {
        match template {
            Value::Object(members) => match expression(template) {
                Some(expression) => self.evaluate(place, expression)?.ok_or_else(|| {
                    let name = &self.map.name;
                    format!("trigger {name}: {place} yields nothing: {expression}").into()
                }),
                None => members
                    .iter()
                    .map(|(name, value)| {
                        Ok((name.clone(), self.fill(&format!("{place}.{name}"), value)?))
                    })
                    .collect::<Result<Map<_, _>, _>>()
                    .map(Value::Object),
            },
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(n, item)| self.fill(&format!("{place}[{n}]"), item))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            literal => Ok(literal.clone()),
        }
    }
}

/// Returns the expression of a value that is marked as one.
fn expression(template: &Value) -> Option<&str> {
    let members = template.as_object().filter(|members| members.len() == 1)?;
    members.get("$jsonata").and_then(Value::as_str)
}
