//! The names of audit events, and of the audit entries that exist only in logs.

/// The kind of an audit event. The specification has the first name, `StepCompleted` and
/// `ReceiptGenerated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An execution began, or continues after a redrive.
    Started,
    /// The admission check rejected a start.
    Rejected,
    /// The API refused a start before it became an execution.
    StartRefused,
    /// A repeat of a start was refused.
    DuplicatePrevented,
    /// A step is tried for the first time.
    StepStarted,
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
    /// An execution ended, and an effect remains or may remain.
    IncidentStanding,
    /// A person answered the question of an execution.
    IncidentDecided,
    /// A person acknowledged an incident.
    IncidentAcknowledged,
    /// A person resolved an incident, or every execution that met it came to a good end.
    IncidentResolved,
    /// The rollback of an execution begins.
    RollbackStarted,
    /// A step was undone.
    StepUndone,
    /// An undo failed for good.
    StepUndoFailed,
    /// An execution ended.
    Completed,
    /// The receipt of an execution is written.
    ReceiptGenerated,
    /// The platform, a tenant or a workflow is paused.
    Paused,
    /// The platform, a tenant or a workflow continues after a pause.
    Resumed,
    /// An execution asks people for an approval.
    ApprovalRequested,
    /// People who have not decided on an approval are reminded.
    ApprovalReminded,
    /// A person decided on an approval, or its question ended without a decision.
    ApprovalDecided,
    /// A platform admin registered a tenant, or opened a closed one.
    TenantRegistered,
    /// A platform admin closed a tenant.
    TenantClosed,
    /// A member of a group named a stand-in for the group.
    DelegationSet,
    /// A member of a group removed a stand-in.
    DelegationRemoved,
}

impl Kind {
    /// Every kind. The order is that of events within one millisecond and one stage; see
    /// [`Event::sequence`](crate::Event::sequence).
    pub const ALL: [Self; 28] = [
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
        Self::Completed,
        Self::ReceiptGenerated,
        Self::Paused,
        Self::Resumed,
        Self::IncidentStanding,
        Self::StepStarted,
        Self::TenantRegistered,
        Self::TenantClosed,
        Self::DelegationSet,
        Self::DelegationRemoved,
        Self::ApprovalRequested,
        Self::ApprovalReminded,
        Self::ApprovalDecided,
    ];

    /// The `type` of the CloudEvent, and the value of `audit` in a log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "workflow.started",
            Self::Rejected => "workflow.rejected",
            Self::StartRefused => "workflow.start.refused",
            Self::DuplicatePrevented => "workflow.duplicate.prevented",
            Self::StepStarted => "workflow.step.started",
            Self::StepRetried => "workflow.step.retried",
            Self::StepCompleted => "workflow.step.completed",
            Self::StepFailed => "workflow.step.failed",
            Self::IncidentWaiting => "workflow.incident.waiting",
            Self::IncidentOpened => "workflow.incident.opened",
            Self::IncidentStanding => "workflow.incident.standing",
            Self::IncidentDecided => "workflow.incident.decided",
            Self::IncidentAcknowledged => "workflow.incident.acknowledged",
            Self::IncidentResolved => "workflow.incident.resolved",
            Self::RollbackStarted => "workflow.rollback.started",
            Self::StepUndone => "workflow.step.undone",
            Self::StepUndoFailed => "workflow.step.undo_failed",
            Self::Completed => "workflow.completed",
            Self::ReceiptGenerated => "workflow.receipt.generated",
            Self::Paused => "workflow.paused",
            Self::Resumed => "workflow.resumed",
            Self::TenantRegistered => "workflow.tenant.registered",
            Self::TenantClosed => "workflow.tenant.closed",
            Self::DelegationSet => "workflow.delegation.set",
            Self::DelegationRemoved => "workflow.delegation.removed",
            Self::ApprovalRequested => "workflow.approval.requested",
            Self::ApprovalReminded => "workflow.approval.reminded",
            Self::ApprovalDecided => "workflow.approval.decided",
        }
    }

    /// The stage of an execution's life, as a digit: within a millisecond, events sort by stage.
    pub(crate) fn stage(self) -> u8 {
        match self {
            Self::Started
            | Self::Rejected
            | Self::StartRefused
            | Self::DuplicatePrevented
            | Self::Paused
            | Self::Resumed
            | Self::TenantRegistered
            | Self::TenantClosed
            | Self::DelegationSet
            | Self::DelegationRemoved => 0,
            Self::StepStarted | Self::StepRetried | Self::StepCompleted | Self::StepFailed => 1,
            Self::IncidentWaiting
            | Self::IncidentOpened
            | Self::IncidentDecided
            | Self::ApprovalRequested
            | Self::ApprovalReminded
            | Self::ApprovalDecided => 2,
            Self::IncidentAcknowledged | Self::IncidentResolved => 3,
            Self::RollbackStarted | Self::StepUndone | Self::StepUndoFailed => 4,
            Self::Completed | Self::ReceiptGenerated | Self::IncidentStanding => 5,
        }
    }
}

/// An audit entry that a function logs and that is no audit event: no record of the ledger shows
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEntry {
    /// `begin` received an input that is not a start.
    StartMalformed,
    /// The API refused a start whose tenant is not registered. No record is written for it.
    StartUnregistered,
    /// A question expired before a person answered it.
    DecisionExpired,
    /// A caller requested a cancellation.
    CancelRequested,
    /// A caller requested the rollback of an ended execution.
    RollbackRequested,
    /// A caller requested a redrive.
    RedriveRequested,
}

impl LogEntry {
    /// The value of `audit` in the log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartMalformed => "workflow.start.malformed",
            Self::StartUnregistered => "workflow.start.unregistered",
            Self::DecisionExpired => "workflow.decision.expired",
            Self::CancelRequested => "workflow.cancel.requested",
            Self::RollbackRequested => "workflow.rollback.requested",
            Self::RedriveRequested => "workflow.redrive.requested",
        }
    }
}
