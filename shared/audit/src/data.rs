//! The `data` of an audit event: one struct for each shape, one variant for each kind.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    kind::Kind,
    notice::Notice,
    people_data::{
        ApprovalDecidedData, ApprovalRequestData, DecidedData, HandledData, OpenedData,
        StandingData, WaitingData,
    },
};
use holdfast_ledger::PauseBehavior;
use holdfast_receipt::{AttemptOutcome, ShownField, Status};

/// The data of an event, which says its kind too.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EventData {
    /// The data of [`Kind::Started`].
    Started(StartedData),
    /// The data of [`Kind::Rejected`].
    Rejected(RejectedData),
    /// The data of [`Kind::StartRefused`].
    StartRefused(StartRefusedData),
    /// The data of [`Kind::DuplicatePrevented`].
    DuplicatePrevented(DuplicateData),
    /// The data of [`Kind::StepStarted`].
    StepStarted(StepData),
    /// The data of [`Kind::StepRetried`].
    StepRetried(StepData),
    /// The data of [`Kind::StepCompleted`].
    StepCompleted(StepData),
    /// The data of [`Kind::StepFailed`].
    StepFailed(StepData),
    /// The data of [`Kind::IncidentWaiting`].
    IncidentWaiting(WaitingData),
    /// The data of [`Kind::IncidentOpened`].
    IncidentOpened(OpenedData),
    /// The data of [`Kind::IncidentStanding`].
    IncidentStanding(StandingData),
    /// The data of [`Kind::IncidentDecided`].
    IncidentDecided(DecidedData),
    /// The data of [`Kind::IncidentAcknowledged`].
    IncidentAcknowledged(HandledData),
    /// The data of [`Kind::IncidentResolved`].
    IncidentResolved(HandledData),
    /// The data of [`Kind::RollbackStarted`].
    RollbackStarted(RollbackData),
    /// The data of [`Kind::StepUndone`].
    StepUndone(StepData),
    /// The data of [`Kind::StepUndoFailed`].
    StepUndoFailed(StepData),
    /// The data of [`Kind::Completed`].
    Completed(CompletedData),
    /// The data of [`Kind::ReceiptGenerated`].
    ReceiptGenerated(ReceiptData),
    /// The data of [`Kind::Paused`].
    Paused(PausedData),
    /// The data of [`Kind::Resumed`].
    Resumed(ResumedData),
    /// The data of [`Kind::TenantRegistered`].
    TenantRegistered(NoData),
    /// The data of [`Kind::TenantClosed`].
    TenantClosed(NoData),
    /// The data of [`Kind::DelegationSet`].
    DelegationSet(DelegationData),
    /// The data of [`Kind::DelegationRemoved`].
    DelegationRemoved(DelegationData),
    /// The data of [`Kind::ApprovalRequested`].
    ApprovalRequested(ApprovalRequestData),
    /// The data of [`Kind::ApprovalReminded`].
    ApprovalReminded(ApprovalRequestData),
    /// The data of [`Kind::ApprovalDecided`].
    ApprovalDecided(ApprovalDecidedData),
}

impl EventData {
    /// The kind of event that has this data.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Started(_) => Kind::Started,
            Self::Rejected(_) => Kind::Rejected,
            Self::StartRefused(_) => Kind::StartRefused,
            Self::DuplicatePrevented(_) => Kind::DuplicatePrevented,
            Self::StepStarted(_) => Kind::StepStarted,
            Self::StepRetried(_) => Kind::StepRetried,
            Self::StepCompleted(_) => Kind::StepCompleted,
            Self::StepFailed(_) => Kind::StepFailed,
            Self::IncidentWaiting(_) => Kind::IncidentWaiting,
            Self::IncidentOpened(_) => Kind::IncidentOpened,
            Self::IncidentStanding(_) => Kind::IncidentStanding,
            Self::IncidentDecided(_) => Kind::IncidentDecided,
            Self::IncidentAcknowledged(_) => Kind::IncidentAcknowledged,
            Self::IncidentResolved(_) => Kind::IncidentResolved,
            Self::RollbackStarted(_) => Kind::RollbackStarted,
            Self::StepUndone(_) => Kind::StepUndone,
            Self::StepUndoFailed(_) => Kind::StepUndoFailed,
            Self::Completed(_) => Kind::Completed,
            Self::ReceiptGenerated(_) => Kind::ReceiptGenerated,
            Self::Paused(_) => Kind::Paused,
            Self::Resumed(_) => Kind::Resumed,
            Self::TenantRegistered(_) => Kind::TenantRegistered,
            Self::TenantClosed(_) => Kind::TenantClosed,
            Self::DelegationSet(_) => Kind::DelegationSet,
            Self::DelegationRemoved(_) => Kind::DelegationRemoved,
            Self::ApprovalRequested(_) => Kind::ApprovalRequested,
            Self::ApprovalReminded(_) => Kind::ApprovalReminded,
            Self::ApprovalDecided(_) => Kind::ApprovalDecided,
        }
    }

    /// The data of an attempt at a step or at its undo.
    pub fn step(&self) -> Option<&StepData> {
        match self {
            Self::StepStarted(step)
            | Self::StepRetried(step)
            | Self::StepCompleted(step)
            | Self::StepFailed(step)
            | Self::StepUndone(step)
            | Self::StepUndoFailed(step) => Some(step),
            _ => None,
        }
    }

    /// Like [`step`](Self::step), for a change.
    pub(crate) fn step_mut(&mut self) -> Option<&mut StepData> {
        match self {
            Self::StepStarted(step)
            | Self::StepRetried(step)
            | Self::StepCompleted(step)
            | Self::StepFailed(step)
            | Self::StepUndone(step)
            | Self::StepUndoFailed(step) => Some(step),
            _ => None,
        }
    }

    /// The notice of an event that a person may act on.
    pub(crate) fn notice_mut(&mut self) -> Option<&mut Notice> {
        match self {
            Self::IncidentWaiting(data) => Some(&mut data.about),
            Self::IncidentOpened(data) => Some(&mut data.about),
            Self::IncidentStanding(data) => Some(&mut data.about),
            Self::IncidentDecided(data) => Some(&mut data.about),
            Self::IncidentAcknowledged(data) | Self::IncidentResolved(data) => {
                Some(&mut data.about)
            }
            Self::ApprovalRequested(data) | Self::ApprovalReminded(data) => Some(&mut data.about),
            Self::ApprovalDecided(data) => Some(&mut data.about),
            _ => None,
        }
    }

    /// The incident of an event that a person may act on. Three kinds have it as their subject.
    pub(crate) fn incident(&self) -> Option<&str> {
        match self {
            Self::IncidentWaiting(data) => Some(&data.incident),
            Self::IncidentStanding(data) => Some(&data.incident),
            Self::IncidentDecided(data) => Some(&data.incident),
            Self::ApprovalRequested(data) | Self::ApprovalReminded(data) => Some(&data.incident),
            Self::ApprovalDecided(data) => Some(&data.incident),
            _ => None,
        }
    }
}

/// The start of an execution, or its redrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StartedData {
    /// The execution generation that begins.
    pub generation: u32,
    /// The trigger's name, or `api` or `direct`.
    pub trigger: String,
    /// The digest of the definition.
    pub definition_digest: String,
    /// The hex SHA-256 of the input.
    pub input_sha256: String,
    /// The further fields that the definition shows to people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<ShownField>,
}

/// A start that the admission check rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RejectedData {
    /// The execution generation.
    pub generation: u32,
    /// The names of the guardrails that did not hold.
    pub guardrails: Vec<String>,
}

/// A start that the API refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StartRefusedData {
    /// The names of the guardrails that did not hold.
    pub guardrails: Vec<String>,
}

/// A refused repeat of a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DuplicateData {
    /// The number of the repeat, from 1.
    pub number: u64,
}

/// An attempt at a step or at its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepData {
    /// The step's name.
    pub step: String,
    /// The digest of the item's key in a `for_each`: the key itself comes from an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The action's name.
    pub action: String,
    /// The number of the attempt, from 1.
    pub attempt: usize,
    /// The effect key, or the key of the undo.
    pub idempotency_key: String,
    /// The outcome, once the attempt has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<AttemptOutcome>,
    /// The milliseconds from the claim to the recorded end, once the attempt has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// No data, written as `{}`: the attributes of the event say everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NoData {}

/// The data of a change of a delegation. The actor of the event is the member of the group.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DelegationData {
    /// The group.
    pub group: String,
    /// The person who may decide for the group in the place of the member.
    pub to: String,
    /// The time from which they may.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub from: Timestamp,
    /// The time from which they may no longer.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
}

/// The start of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RollbackData {
    /// The execution generation.
    pub generation: u32,
    /// The state at which the execution failed.
    pub state: String,
    /// The error's name.
    pub error: String,
}

/// The end of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CompletedData {
    /// The execution generation that ended.
    pub generation: u32,
    /// The status.
    #[schemars(with = "String")]
    pub status: Status,
    /// The name of the error that led to this end. A rejected start has none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The milliseconds from the start of the execution to this end.
    pub duration_ms: i64,
}

/// The receipt of an execution generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReceiptData {
    /// The execution generation.
    pub generation: u32,
    /// The receipt's object key.
    pub object: String,
    /// The hex SHA-256 of the receipt's bytes.
    pub sha256: String,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PausedData {
    /// The name of the scope.
    pub scope: String,
    /// The reason, in the words of the person who paused.
    pub reason: String,
    /// `wait` or `rollback`: the treatment of executions that have begun.
    #[schemars(with = "String")]
    pub running_executions: PauseBehavior,
}

/// The end of a pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResumedData {
    /// The name of the scope.
    pub scope: String,
    /// The reason, in the words of the person who resumed.
    pub reason: String,
}
