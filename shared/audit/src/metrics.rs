//! Metrics: their names, the events that they count, and the log line from which CloudWatch reads
//! them (Embedded Metric Format).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{about::About, data::EventData, event::Event, measurement::Measurement};
use holdfast_receipt::{AttemptOutcome, Status};
use holdfast_task::ErrorName;

/// The unit of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of events or records.
    Count,
    /// A duration.
    Milliseconds,
    /// No unit: 0 or 1, whose average is a rate.
    None,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::None => "None",
        }
    }
}

/// Every metric that is emitted anywhere; the first two names are the specification's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// 1 for an execution that ended `EXECUTED`, 0 for any other end; the average is the rate.
    SuccessRate,
    /// The milliseconds from start to end of an execution, with all its waits; the average is the
    /// mean.
    TimeToComplete,
    /// The milliseconds from a step's first attempt to its end, by workflow and step.
    StepDuration,
    /// The attempts of a step that ended, by workflow and step.
    StepAttempts,
    /// The milliseconds from the start to the first claim of the first step, by workflow and step.
    QueueTime,
    /// The milliseconds from a question to its decision or deadline, by workflow and step.
    DecisionTime,
    /// The milliseconds of one attempt at a step or an undo, by target.
    AttemptDuration,
    /// The spans that no collector took.
    SpansDropped,
    /// The attempts after a step's first.
    StepsRetried,
    /// The steps that were undone.
    StepsUndone,
    /// The undos that failed for good.
    UndoFailures,
    /// The attempts that may or may not have taken effect.
    UnknownOutcomes,
    /// The refused repeats of a start.
    DuplicatesPrevented,
    /// The starts that the admission check rejected or the API refused.
    GuardrailRejections,
    /// The inputs of a state machine that are not a start, and the starts whose key belongs to
    /// another input.
    MalformedStarts,
    /// The starts whose tenant is not registered, at any door.
    UnregisteredStarts,
    /// The incidents that were opened, or opened again.
    IncidentsOpened,
    /// The incidents that people or good ends resolved.
    IncidentsResolved,
    /// The executions that ended while an effect remains or may remain.
    StandingExecutions,
    /// The incidents that are not resolved.
    OpenIncidents,
    /// The started executions of the recovery state machine.
    RecoveryStarts,
    /// The executions without a receipt.
    OpenExecutions,
    /// The age of the oldest open execution, in milliseconds.
    OldestOpenExecution,
    /// The open executions past their deadline that no Step Functions execution acts for.
    OverdueExecutions,
    /// The milliseconds from a change's commit to its event.
    AuditLag,
    /// The changes that could not be read and were set aside.
    AuditUnreadable,
    /// The tenants whose chain of digests could not be extended.
    DigestsOverdue,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 27] = [
        Self::SuccessRate,
        Self::TimeToComplete,
        Self::StepDuration,
        Self::StepAttempts,
        Self::QueueTime,
        Self::DecisionTime,
        Self::AttemptDuration,
        Self::SpansDropped,
        Self::StepsRetried,
        Self::StepsUndone,
        Self::UndoFailures,
        Self::UnknownOutcomes,
        Self::DuplicatesPrevented,
        Self::GuardrailRejections,
        Self::MalformedStarts,
        Self::UnregisteredStarts,
        Self::IncidentsOpened,
        Self::IncidentsResolved,
        Self::StandingExecutions,
        Self::OpenIncidents,
        Self::RecoveryStarts,
        Self::OpenExecutions,
        Self::OldestOpenExecution,
        Self::OverdueExecutions,
        Self::AuditLag,
        Self::AuditUnreadable,
        Self::DigestsOverdue,
    ];

    /// The name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::SuccessRate => "workflow_success_rate",
            Self::TimeToComplete => "mean_time_to_complete",
            Self::StepDuration => "step_duration",
            Self::StepAttempts => "step_attempts",
            Self::QueueTime => "queue_time",
            Self::DecisionTime => "decision_time",
            Self::AttemptDuration => "attempt_duration",
            Self::SpansDropped => "spans_dropped",
            Self::StepsRetried => "steps_retried",
            Self::StepsUndone => "steps_undone",
            Self::UndoFailures => "undo_failures",
            Self::UnknownOutcomes => "unknown_outcomes",
            Self::DuplicatesPrevented => "duplicates_prevented",
            Self::GuardrailRejections => "guardrail_rejections",
            Self::MalformedStarts => "malformed_starts",
            Self::UnregisteredStarts => "unregistered_starts",
            Self::IncidentsOpened => "incidents_opened",
            Self::IncidentsResolved => "incidents_resolved",
            Self::StandingExecutions => "standing_executions",
            Self::OpenIncidents => "open_incidents",
            Self::RecoveryStarts => "recovery_starts",
            Self::OpenExecutions => "open_executions",
            Self::OldestOpenExecution => "oldest_open_execution",
            Self::OverdueExecutions => "overdue_executions",
            Self::AuditLag => "audit_lag",
            Self::AuditUnreadable => "audit_unreadable",
            Self::DigestsOverdue => "digests_overdue",
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::SuccessRate => Unit::None,
            Self::TimeToComplete
            | Self::StepDuration
            | Self::QueueTime
            | Self::DecisionTime
            | Self::AttemptDuration
            | Self::OldestOpenExecution
            | Self::AuditLag => Unit::Milliseconds,
            _ => Unit::Count,
        }
    }
}

/// The metrics that an event counts for, with their values.
pub fn metrics(event: &Event) -> Vec<(Metric, i64)> {
    match &event.data {
        // An execution that is rolled back on request is no failure of the workflow.
        EventData::Completed(end)
            if end
                .error
                .as_deref()
                .is_some_and(|error| error.parse() == Ok(ErrorName::Withdrawn)) =>
        {
            vec![]
        }
        EventData::Completed(end) => {
            let success = i64::from(end.status == Status::Executed);
            vec![
                (Metric::SuccessRate, success),
                (Metric::TimeToComplete, end.duration_ms),
            ]
        }
        EventData::StepRetried(_) => vec![(Metric::StepsRetried, 1)],
        EventData::StepUndone(_) => vec![(Metric::StepsUndone, 1)],
        EventData::StepUndoFailed(_) => vec![(Metric::UndoFailures, 1)],
        EventData::StepFailed(step) if step.outcome.is_some_and(AttemptOutcome::is_unknown) => {
            vec![(Metric::UnknownOutcomes, 1)]
        }
        EventData::DuplicatePrevented(_) => vec![(Metric::DuplicatesPrevented, 1)],
        EventData::Rejected(_) | EventData::StartRefused(_) => {
            vec![(Metric::GuardrailRejections, 1)]
        }
        EventData::IncidentOpened(_) => vec![(Metric::IncidentsOpened, 1)],
        EventData::IncidentStanding(_) => vec![(Metric::StandingExecutions, 1)],
        EventData::IncidentResolved(_) => vec![(Metric::IncidentsResolved, 1)],
        EventData::Started(_)
        | EventData::StepStarted(_)
        | EventData::StepCompleted(_)
        | EventData::StepFailed(_)
        | EventData::IncidentWaiting(_)
        | EventData::IncidentDecided(_)
        | EventData::IncidentAcknowledged(_)
        | EventData::RollbackStarted(_)
        | EventData::ReceiptGenerated(_)
        | EventData::Paused(_)
        | EventData::Resumed(_)
        | EventData::TenantRegistered(_)
        | EventData::TenantClosed(_)
        | EventData::DelegationSet(_)
        | EventData::DelegationRemoved(_)
        | EventData::ApprovalRequested(_)
        | EventData::ApprovalReminded(_)
        | EventData::ApprovalDecided(_) => vec![],
    }
}

/// A log line that CloudWatch turns into metrics.
///
/// The metrics exist overall. With `about` they exist by workflow too, and with `by_tenant` by
/// tenant. CloudWatch charges for each value of a dimension.
pub fn emf(
    namespace: &str,
    metrics: &[(Metric, i64)],
    about: Option<&About>,
    by_tenant: bool,
    at: Timestamp,
) -> Value {
    let mut dimensions: Vec<&[&str]> = vec![&[]];
    if about.is_some() {
        dimensions.push(&["workflow"]);
        if by_tenant {
            dimensions.push(&["tenant"]);
        }
    }
    let declared = declaration(namespace, json!(dimensions), metrics);
    let mut line = line(&[declared], metrics, at);
    if let Some(about) = about {
        line["workflow"] = about.workflow.as_str().into();
        line["tenant"] = about.tenant.as_str().into();
    }
    line
}

/// The log line of a measurement. Tenant, execution and outcome are members for queries of the log,
/// and no dimensions, so that they cost nothing.
pub(crate) fn step_emf(namespace: &str, measured: &Measurement, about: &About) -> Value {
    let by_step = json!([["workflow", "step"]]);
    let by_target = json!([["target"]]);
    let groups = [
        (by_step, &measured.of_step),
        (by_target, &measured.of_target),
    ];
    let groups = groups
        .into_iter()
        .filter(|(_, metrics)| !metrics.is_empty());
    let declared: Vec<_> = groups
        .map(|(dimensions, metrics)| declaration(namespace, dimensions, metrics))
        .collect();
    let metrics = [&measured.of_step[..], &measured.of_target[..]].concat();
    let mut line = line(&declared, &metrics, measured.at);
    line["workflow"] = about.workflow.as_str().into();
    line["tenant"] = about.tenant.as_str().into();
    line["step"] = measured.step.as_str().into();
    line["execution"] = measured.execution.as_str().into();
    if let Some(target) = &measured.target {
        line["target"] = target.as_str().into();
    }
    if let Some(outcome) = measured.outcome {
        line["outcome"] = outcome.name().into();
    }
    line
}

/// The declaration of metrics under each set of dimensions.
fn declaration(namespace: &str, dimensions: Value, metrics: &[(Metric, i64)]) -> Value {
    let metrics: Vec<_> = metrics
        .iter()
        .map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit().name() }))
        .collect();
    json!({ "Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics })
}

/// A line with the declarations and values of metrics.
fn line(declared: &[Value], metrics: &[(Metric, i64)], at: Timestamp) -> Value {
    let mut line = json!({
        "_aws": { "Timestamp": at.as_millisecond(), "CloudWatchMetrics": declared },
    });
    for (metric, value) in metrics {
        line[metric.name()] = (*value).into();
    }
    line
}
