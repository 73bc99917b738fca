//! The admission of a start by the API: what it can refuse before a state machine starts.

use std::time::Duration;

use holdfast_admission::{CheckError, bounded, open_to, violations};
use holdfast_audit::{Kind, LogEntry, Metric};
use holdfast_aws::{DeployedWorkflow, SystemHost, report, trace};
use holdfast_engine::{Host, MachineError};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Control, LedgerError, Refusal, not_registered, paused};
use holdfast_task::StartConditions;
use jiff::Timestamp;
use uuid::Uuid;

use super::StartRequest;
use crate::api::{
    app::App,
    principal::AuthorizedCaller,
    problem::Problem,
    tenant::{Registration, registration_of},
    workflow::no_such,
};

/// The reason why a start does not reach its state machine.
pub(super) struct RefusalReason {
    /// The guardrail that refused; none if the tenant or the workflow is unknown, or one of them
    /// cannot be read.
    guardrail: Option<&'static str>,
    /// The version of the definition, if known.
    version: Option<u32>,
    problem: Problem,
}

impl RefusalReason {
    /// A reason that is no guardrail's.
    fn unjudged(why: impl Into<Problem>) -> Self {
        Self {
            guardrail: None,
            version: None,
            problem: why.into(),
        }
    }
}

/// Records the refused start before answering, so that every refusal a caller sees has an audit
/// event.
pub(super) async fn refused(
    caller: &AuthorizedCaller,
    request: &StartRequest,
    reason: RefusalReason,
) -> Problem {
    let Some(guardrail) = reason.guardrail else {
        return reason.problem;
    };
    let refusal = Refusal {
        id: Uuid::now_v7().to_string(),
        tenant: caller.tenant.clone(),
        workflow: request.workflow.clone(),
        version: reason.version,
        execution: request.at.execution.clone(),
        guardrails: vec![guardrail.to_owned()],
        by: caller.actor.clone(),
        at: Timestamp::now(),
    };
    if let Err(error) = caller.ledger.record_refusal(&refusal).await {
        return error.into();
    }
    tracing::warn!(
        audit = Kind::StartRefused.name(),
        tenant = refusal.tenant,
        execution = refusal.execution,
        trace = trace().map(tracing::field::display),
        workflow = refusal.workflow,
        guardrail,
        "start refused"
    );
    reason.problem
}

/// Refuses a start that `begin` would not admit for its tenant or input, and one that a control
/// pauses.
pub(super) async fn check_start(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(), RefusalReason> {
    check_tenant(app, caller).await?;
    let (rules, version) = check_conditions(app, caller, request).await?;
    let pause = pause_of_start(app, &request.at, &request.workflow, &rules).await;
    match pause.map_err(RefusalReason::unjudged)? {
        None => Ok(()),
        Some(why) => Err(RefusalReason {
            guardrail: Some("paused"),
            version,
            problem: Problem::paused(why),
        }),
    }
}

/// The reason why a control refuses a start under these conditions, if one does.
pub(super) async fn pause_of_start(
    app: &App,
    at: &ExecutionKey,
    workflow: &str,
    rules: &StartConditions,
) -> Result<Option<String>, LedgerError> {
    let ledger = app.tenants.controls();
    let controls = ledger.pausing_controls(at, workflow).await?;
    let refusing = paused(&controls).filter(|control| control.refuses(rules));
    Ok(refusing.map(Control::says))
}

/// Refuses a start of a closed tenant, and one of an unknown tenant, of which nothing is recorded.
async fn check_tenant(app: &App, caller: &AuthorizedCaller) -> Result<(), RefusalReason> {
    let tenant = &caller.tenant;
    let registration = registration_of(app, tenant).await;
    match registration.map_err(RefusalReason::unjudged)? {
        Registration::Open => Ok(()),
        Registration::Closed(why) => Err(RefusalReason {
            guardrail: Some("closed"),
            version: None,
            problem: Problem::forbidden(why),
        }),
        Registration::Unknown => {
            let audit = LogEntry::StartUnregistered.name();
            tracing::warn!(audit, tenant, by = caller.actor, "start refused");
            let counted = [(Metric::UnregisteredStarts, 1)];
            report(&app.stack, &counted, None, false, SystemHost.now());
            let problem = Problem::forbidden(not_registered(tenant));
            Err(RefusalReason::unjudged(problem))
        }
    }
}

/// Oldest description of a state machine that may refuse a start, or answer a person. It is above
/// zero, since a caller that repeats a wrong start must not use up the rate limit of
/// DescribeStateMachine.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(2);

/// The other conditions of a start, and the version of the definition. If the state machine cannot
/// be described, `begin` decides alone.
async fn check_conditions(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(StartConditions, Option<u32>), RefusalReason> {
    let workflow = &request.workflow;
    let mut deployed = app.machines.deployed(workflow).await;
    if let Ok(remembered) = &deployed
        && check_against(remembered, caller, request).is_err()
    {
        // A newer definition may admit it.
        deployed = app.machines.deployed_within(FRESH_FOR, workflow).await;
    }
    match deployed {
        Ok(deployed) => {
            check_against(&deployed, caller, request)?;
            let gate = &deployed.compiled.gate;
            Ok((gate.rules.clone(), Some(gate.version)))
        }
        Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => {
            Err(RefusalReason::unjudged(no_such(workflow)))
        }
        Err(MachineError::Unavailable(reason)) => {
            tracing::warn!(
                workflow,
                reason,
                "the state machine could not be described: begin decides on the start"
            );
            Ok((StartConditions::default(), None))
        }
    }
}

/// Checks the tenant and the input of a start against a deployed workflow.
fn check_against(
    deployed: &DeployedWorkflow,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(), RefusalReason> {
    let gate = &deployed.compiled.gate;
    let refusal = |guardrail, problem| RefusalReason {
        guardrail: Some(guardrail),
        version: Some(gate.version),
        problem,
    };
    if !open_to(&gate.tenants, &caller.tenant) {
        return Err(refusal("tenant", no_such(&request.workflow)));
    }
    let (schema, input) = (gate.input_schema.clone(), request.input.clone());
    match bounded(move || violations(&schema, &input)) {
        Ok(Ok(found)) if found.is_empty() => Ok(()),
        Ok(Ok(found)) => Err(refusal("input", Problem::bad_input(found))),
        Ok(Err(_)) => Ok(()),
        Err(CheckError::Unfinished(why)) => Err(refusal("input", Problem::bad_input(vec![why]))),
        Err(shortage @ CheckError::Shortage(_)) => {
            let problem = Problem::unavailable("the admission check", &shortage.to_string());
            Err(RefusalReason::unjudged(problem))
        }
    }
}
