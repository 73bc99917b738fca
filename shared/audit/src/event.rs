//! One audit event, and how it is written as a CloudEvent.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::About;
use holdfast_ids::keys::event_id;

/// What happened. The first three names are the specification's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An execution began, or goes on after a redrive.
    Started,
    /// The gate said no.
    Rejected,
    /// The API turned a start away, before it was an execution.
    StartRefused,
    /// A repeat of a start was refused.
    DuplicatePrevented,
    /// A step is tried again.
    StepRetried,
    /// A step took effect.
    StepCompleted,
    /// An attempt at a step did not succeed.
    StepFailed,
    /// An execution waits until a person decides.
    IncidentWaiting,
    /// An incident is open, or open again.
    IncidentOpened,
    /// A person decided what an execution waited for.
    IncidentDecided,
    /// A person looks after an incident.
    IncidentAcknowledged,
    /// A person closed an incident.
    IncidentResolved,
    /// What was done is undone from now on.
    RollbackStarted,
    /// A step was undone.
    StepUndone,
    /// An undo failed for good.
    StepUndoFailed,
    /// An execution ended.
    CompletionTransition,
    /// Its receipt is written.
    ReceiptGenerated,
    /// The platform, a tenant or a workflow stands still.
    Paused,
    /// It goes on.
    Resumed,
}

impl Kind {
    /// Every kind, in the order in which events of the same millisecond happen; see [`Event::sequence`].
    pub const ALL: [Self; 19] = [
        Self::Started,
        Self::Rejected,
        Self::StartRefused,
        Self::DuplicatePrevented,
        Self::StepRetried,
        Self::StepCompleted,
        Self::StepFailed,
        Self::IncidentWaiting,
        Self::IncidentOpened,
        Self::IncidentDecided,
        Self::IncidentAcknowledged,
        Self::IncidentResolved,
        Self::RollbackStarted,
        Self::StepUndone,
        Self::StepUndoFailed,
        Self::CompletionTransition,
        Self::ReceiptGenerated,
        Self::Paused,
        Self::Resumed,
    ];

    /// The event's type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "workflow.started",
            Self::Rejected => "workflow.rejected",
            Self::StartRefused => "workflow.start.refused",
            Self::DuplicatePrevented => "workflow.duplicate.prevented",
            Self::StepRetried => "workflow.step.retried",
            Self::StepCompleted => "workflow.step.completed",
            Self::StepFailed => "workflow.step.failed",
            Self::IncidentWaiting => "workflow.incident.waiting",
            Self::IncidentOpened => "workflow.incident.opened",
            Self::IncidentDecided => "workflow.incident.decided",
            Self::IncidentAcknowledged => "workflow.incident.acknowledged",
            Self::IncidentResolved => "workflow.incident.resolved",
            Self::RollbackStarted => "workflow.rollback.started",
            Self::StepUndone => "workflow.step.undone",
            Self::StepUndoFailed => "workflow.step.undo_failed",
            Self::CompletionTransition => "workflow.completed",
            Self::ReceiptGenerated => "workflow.receipt.generated",
            Self::Paused => "workflow.paused",
            Self::Resumed => "workflow.resumed",
        }
    }

    /// The members of its `data`, each with its JSON type; those with `?` may be missing.
    pub fn members(self) -> &'static [(&'static str, &'static str)] {
        const STEP: &[(&str, &str)] = &[
            ("step", "string"),
            ("item?", "string"),
            ("action", "string"),
            ("attempt", "integer"),
            ("idempotency_key", "string"),
            ("outcome?", "string"),
            ("duration_ms?", "integer"),
        ];
        match self {
            Self::Started => &[
                ("generation", "integer"),
                ("trigger", "string"),
                ("definition_digest", "string"),
                ("input_sha256", "string"),
            ],
            Self::Rejected => &[("generation", "integer"), ("guardrails", "array")],
            Self::StartRefused => &[("guardrails", "array")],
            Self::DuplicatePrevented => &[("number", "integer")],
            Self::StepRetried
            | Self::StepCompleted
            | Self::StepFailed
            | Self::StepUndone
            | Self::StepUndoFailed => STEP,
            Self::IncidentWaiting => &[
                ("step", "string"),
                ("kind", "string"),
                ("until", "string"),
                ("incident", "string"),
            ],
            Self::IncidentOpened => &[
                ("execution_id", "string"),
                ("state", "string"),
                ("error", "string"),
            ],
            Self::IncidentDecided => &[
                ("step", "string"),
                ("decision", "string"),
                ("incident", "string"),
            ],
            Self::IncidentAcknowledged | Self::IncidentResolved => &[],
            Self::RollbackStarted => &[
                ("generation", "integer"),
                ("state", "string"),
                ("error", "string"),
            ],
            Self::CompletionTransition => &[
                ("generation", "integer"),
                ("status", "string"),
                ("error?", "string"),
                ("duration_ms", "integer"),
            ],
            Self::ReceiptGenerated => &[
                ("generation", "integer"),
                ("object", "string"),
                ("sha256", "string"),
            ],
            Self::Paused => &[
                ("scope", "string"),
                ("reason", "string"),
                ("running_executions", "string"),
            ],
            Self::Resumed => &[("scope", "string"), ("reason", "string")],
        }
    }

    /// Which part of an execution's life it belongs to: within a millisecond, the parts follow one another.
    fn stage(self) -> u8 {
        match self {
            Self::Started
            | Self::Rejected
            | Self::StartRefused
            | Self::DuplicatePrevented
            | Self::Paused
            | Self::Resumed => 0,
            Self::StepRetried | Self::StepCompleted | Self::StepFailed => 1,
            Self::IncidentWaiting | Self::IncidentOpened | Self::IncidentDecided => 2,
            Self::IncidentAcknowledged | Self::IncidentResolved => 3,
            Self::RollbackStarted | Self::StepUndone | Self::StepUndoFailed => 4,
            Self::CompletionTransition | Self::ReceiptGenerated => 5,
        }
    }

    /// The JSON Schema (2020-12) of the event, as it stands in `docs/schemas/events/`.
    pub fn schema(self) -> Value {
        let text = json!({ "type": "string" });
        let name = |member: &str| member.trim_end_matches('?').to_owned();
        let data: Map<String, Value> = self
            .members()
            .iter()
            .map(|(member, kind)| (name(member), json!({ "type": kind })))
            .collect();
        let needed: Vec<_> = self
            .members()
            .iter()
            .filter(|(member, _)| !member.ends_with('?'))
            .map(|(member, _)| *member)
            .collect();
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
                "actor": text,
                "datacontenttype": { "const": "application/json" },
                "data": {
                    "type": "object",
                    "required": needed,
                    "additionalProperties": false,
                    "properties": data,
                },
            },
        })
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The same for the same thing, however often it is told.
    pub id: String,
    /// What.
    pub kind: Kind,
    /// When, by the clock of whoever did it.
    pub at: Timestamp,
    /// Whose.
    pub about: About,
    /// The execution's or the incident's id.
    pub subject: String,
    /// The person or program that asked for it, if one did.
    pub actor: Option<String>,
    /// More; see [`Kind::members`].
    pub data: Map<String, Value>,
}

impl Event {
    /// `parts` tell it from every other event of this kind about `subject`.
    pub(super) fn new(
        kind: Kind,
        at: Timestamp,
        about: &About,
        subject: &str,
        parts: &[&str],
    ) -> Self {
        let mut all = vec![about.tenant.as_str(), subject];
        all.extend(parts);
        Self {
            id: event_id(kind.name(), &all),
            kind,
            at,
            about: about.clone(),
            subject: subject.to_owned(),
            actor: None,
            data: Map::new(),
        }
    }

    pub(super) fn by(mut self, actor: Option<&str>) -> Self {
        self.actor = actor.map(str::to_owned);
        self
    }

    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.data.insert(member.to_owned(), value.into());
        self
    }

    /// A text that sorts an execution's events as they happened, by the clocks of those who did them. Within a
    /// millisecond: by stage, then by attempt, so that an attempt ends before the one that takes over begins, then by kind.
    pub fn sequence(&self) -> String {
        let rank = Kind::ALL.iter().position(|kind| *kind == self.kind);
        let rank = rank.unwrap_or_default();
        let attempt = self.data.get("attempt").and_then(Value::as_u64);
        let attempt = attempt.unwrap_or_default().min(9999);
        let (millis, stage) = (self.at.as_millisecond(), self.kind.stage());
        let last = &self.id[..8];
        format!("{millis:015}-{stage}{attempt:04}{rank:02}-{last}")
    }

    /// The event as CloudEvents 1.0 JSON (structured mode); `source` names the deployment.
    pub fn cloud_event(&self, source: &str) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": self.kind.name(),
            "subject": self.subject,
            "time": self.at,
            "sequence": self.sequence(),
            "tenant": self.about.tenant,
            "workflow": self.about.workflow,
            "datacontenttype": "application/json",
            "data": self.data,
        });
        if let Some(version) = self.about.version {
            event["workflowversion"] = version.into();
        }
        if let Some(actor) = &self.actor {
            event["actor"] = actor.as_str().into();
        }
        event
    }
}
