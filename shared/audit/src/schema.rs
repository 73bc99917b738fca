//! The JSON Schemas of audit events, generated from the types of their data.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    data::{
        CompletedData, DelegationData, DuplicateData, NoData, PausedData, ReceiptData,
        RejectedData, ResumedData, RollbackData, StartRefusedData, StartedData, StepData,
    },
    kind::Kind,
    people_data::{
        ApprovalDecidedData, ApprovalRequestData, DecidedData, HandledData, OpenedData,
        StandingData, WaitingData,
    },
};

impl Kind {
    /// The JSON Schema (2020-12) of the event, as `docs/schemas/events/` publishes it.
    pub fn schema(self) -> Value {
        let text = json!({ "type": "string" });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name(),
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "sequence", "tenant", "workflow", "datacontenttype", "data"],
            "additionalProperties": false,
            "properties": {
                "specversion": { "const": "1.0" },
                "id": { "type": "string", "pattern": "^[0-9a-f]{40}$" },
                "source": text,
                "type": { "const": self.name() },
                "subject": { "type": "string", "pattern": "^[0-9a-f]{40}$" },
                "time": { "type": "string", "format": "date-time" },
                "sequence": { "type": "string", "pattern": "^[0-9]{15}-[0-9]{7}-[0-9a-f]{8}$" },
                "tenant": text,
                "workflow": text,
                "workflowversion": { "type": "integer" },
                "workflowsubject": text,
                "actor": text,
                "datacontenttype": { "const": "application/json" },
                "data": self.data_schema(),
            },
        })
    }

    fn data_schema(self) -> Value {
        match self {
            Self::Started => data_schema::<StartedData>(),
            Self::Rejected => data_schema::<RejectedData>(),
            Self::StartRefused => data_schema::<StartRefusedData>(),
            Self::DuplicatePrevented => data_schema::<DuplicateData>(),
            Self::StepStarted
            | Self::StepRetried
            | Self::StepCompleted
            | Self::StepFailed
            | Self::StepUndone
            | Self::StepUndoFailed => data_schema::<StepData>(),
            Self::IncidentWaiting => data_schema::<WaitingData>(),
            Self::IncidentOpened => data_schema::<OpenedData>(),
            Self::IncidentStanding => data_schema::<StandingData>(),
            Self::IncidentDecided => data_schema::<DecidedData>(),
            Self::DelegationSet | Self::DelegationRemoved => data_schema::<DelegationData>(),
            Self::IncidentAcknowledged | Self::IncidentResolved => data_schema::<HandledData>(),
            Self::TenantRegistered | Self::TenantClosed => data_schema::<NoData>(),
            Self::ApprovalRequested | Self::ApprovalReminded => {
                data_schema::<ApprovalRequestData>()
            }
            Self::ApprovalDecided => data_schema::<ApprovalDecidedData>(),
            Self::RollbackStarted => data_schema::<RollbackData>(),
            Self::Completed => data_schema::<CompletedData>(),
            Self::ReceiptGenerated => data_schema::<ReceiptData>(),
            Self::Paused => data_schema::<PausedData>(),
            Self::Resumed => data_schema::<ResumedData>(),
        }
    }
}

/// The schema of one type of data: its members with their JSON types, and which of them are
/// required.
///
/// Formats and ranges of Rust types are left out, because a consumer must not depend on them.
fn data_schema<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let generated: Value = generator.into_root_schema_for::<T>().into();
    let members = generated.get("properties").and_then(Value::as_object);
    let properties: Map<String, Value> = members
        .into_iter()
        .flatten()
        .map(|(name, member)| (name.clone(), json!({ "type": json_type(&member["type"]) })))
        .collect();
    json!({
        "type": "object",
        "required": generated.get("required").cloned().unwrap_or_else(|| json!([])),
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The type of a member. An optional member is absent, never `null`.
fn json_type(kind: &Value) -> &Value {
    let kinds = kind.as_array().map(Vec::as_slice).unwrap_or_default();
    kinds.iter().find(|kind| *kind != "null").unwrap_or(kind)
}
