//! What audit events count for, and how CloudWatch reads it from a log line (Embedded Metric Format).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{About, Event, Kind};

/// What a metric's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A duration.
    Milliseconds,
    /// 0 or 1; the average is a rate.
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
    /// From begin to end; the average is the mean.
    TimeToComplete,
    /// Attempts after a step's first.
    StepsRetried,
    /// Undone steps.
    StepsUndone,
    /// Undos that failed for good.
    UndoFailures,
    /// Attempts of which nobody knows whether they took effect.
    UnknownOutcomes,
    /// Refused repeats of a start.
    DuplicatesPrevented,
    /// Starts that the gate refused.
    GuardrailRejections,
    /// What was sent to a machine and is no start, or a key that belongs to another input: nothing came of it.
    MalformedStarts,
    /// Incidents opened, or opened again.
    IncidentsOpened,
    /// Incidents closed by people.
    IncidentsResolved,
    /// Incidents that nobody has closed yet.
    OpenIncidents,
    /// Executions that a recovery machine was started for.
    RecoveryStarts,
    /// Executions without a receipt yet.
    OpenExecutions,
    /// How long ago the oldest of them began.
    OldestOpenExecution,
    /// Of them, those that their machine seems to have left behind.
    OverdueExecutions,
    /// From a change's commit to its event.
    AuditLag,
    /// Changes that could not be read and were set aside.
    AuditUnreadable,
    /// Tenants whose chain of digests does not go on.
    DigestsOverdue,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 19] = [
        Self::SuccessRate,
        Self::TimeToComplete,
        Self::StepsRetried,
        Self::StepsUndone,
        Self::UndoFailures,
        Self::UnknownOutcomes,
        Self::DuplicatesPrevented,
        Self::GuardrailRejections,
        Self::MalformedStarts,
        Self::IncidentsOpened,
        Self::IncidentsResolved,
        Self::OpenIncidents,
        Self::RecoveryStarts,
        Self::OpenExecutions,
        Self::OldestOpenExecution,
        Self::OverdueExecutions,
        Self::AuditLag,
        Self::AuditUnreadable,
        Self::DigestsOverdue,
    ];

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::SuccessRate => "workflow_success_rate",
            Self::TimeToComplete => "mean_time_to_complete",
            Self::StepsRetried => "steps_retried",
            Self::StepsUndone => "steps_undone",
            Self::UndoFailures => "undo_failures",
            Self::UnknownOutcomes => "unknown_outcomes",
            Self::DuplicatesPrevented => "duplicates_prevented",
            Self::GuardrailRejections => "guardrail_rejections",
            Self::MalformedStarts => "malformed_starts",
            Self::IncidentsOpened => "incidents_opened",
            Self::IncidentsResolved => "incidents_resolved",
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
            Self::TimeToComplete | Self::OldestOpenExecution | Self::AuditLag => Unit::Milliseconds,
            _ => Unit::Count,
        }
    }
}

/// What an event counts for.
pub fn metrics(event: &Event) -> Vec<(Metric, i64)> {
    let is = |member: &str, values: &[&str]| {
        let value = event.data.get(member).and_then(Value::as_str);
        value.is_some_and(|value| values.contains(&value))
    };
    match event.kind {
        // Undoing what was executed, because somebody asked for it, is no failure of the workflow.
        Kind::CompletionTransition if is("error", &["Withdrawn"]) => vec![],
        Kind::CompletionTransition => {
            let success = i64::from(is("status", &["EXECUTED"]));
            let took = event.data.get("duration_ms").and_then(Value::as_i64);
            let took = (Metric::TimeToComplete, took.unwrap_or_default());
            vec![(Metric::SuccessRate, success), took]
        }
        Kind::StepRetried => vec![(Metric::StepsRetried, 1)],
        Kind::StepUndone => vec![(Metric::StepsUndone, 1)],
        Kind::StepUndoFailed => vec![(Metric::UndoFailures, 1)],
        Kind::StepFailed if is("outcome", &["unknown", "lost"]) => {
            vec![(Metric::UnknownOutcomes, 1)]
        }
        Kind::DuplicatePrevented => vec![(Metric::DuplicatesPrevented, 1)],
        Kind::Rejected | Kind::StartRefused => vec![(Metric::GuardrailRejections, 1)],
        Kind::IncidentOpened => vec![(Metric::IncidentsOpened, 1)],
        Kind::IncidentResolved => vec![(Metric::IncidentsResolved, 1)],
        Kind::Started
        | Kind::StepCompleted
        | Kind::StepFailed
        | Kind::IncidentWaiting
        | Kind::IncidentDecided
        | Kind::IncidentAcknowledged
        | Kind::RollbackStarted
        | Kind::ReceiptGenerated
        | Kind::Paused
        | Kind::Resumed => vec![],
    }
}

/// One log line that CloudWatch turns into metrics: overall and, where it is about a workflow, by workflow and, if
/// asked for, by tenant (a dimension costs money for each of its values).
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
    let declared: Vec<_> = metrics
        .iter()
        .map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit().name() }))
        .collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": namespace, "Dimensions": dimensions, "Metrics": declared },
            ],
        },
    });
    for (metric, value) in metrics {
        line[metric.name()] = (*value).into();
    }
    if let Some(about) = about {
        line["workflow"] = about.workflow.as_str().into();
        line["tenant"] = about.tenant.as_str().into();
    }
    line
}
