//! `GET /v1/workflows` and one of them: what is deployed and open to the tenant, read from the machines themselves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use futures_util::{StreamExt, stream};
use holdfast_aws::{Deployed, MachineError};
use holdfast_core::{
    access::Operation,
    compile::{chart, declared},
    gate::{demands, open_to},
    names::{is_workflow_id, quoted},
    task::StepRef,
};
use serde_json::{Value, json};

use crate::api::{
    App,
    answer::{Definition, Workflow, WorkflowInFull, Workflows},
    caller::{Thing, Visitor},
    given::{Asked, Named},
    problem::Problem,
};

/// How many machines Step Functions is asked about at once.
const AT_ONCE: usize = 8;

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Workflows>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadWorkflows, named, Thing::Tenant)
        .await?;
    let ids = app.machines.workflows().await;
    let ids = ids.map_err(|error| trouble(error, ""))?;
    let mut machines = stream::iter(ids)
        .map(|id| async {
            let deployed = app.machines.deployed(&id).await;
            (id, deployed)
        })
        .buffered(AT_ONCE);
    let mut workflows = Vec::new();
    while let Some((id, deployed)) = machines.next().await {
        match deployed {
            Ok(deployed) if open_to(&deployed.compiled.gate.tenants, &caller.tenant) => {
                workflows.push(shown(&deployed));
            }
            // Another tenant's; or taken away just now.
            Ok(_) | Err(MachineError::NoSuchWorkflow) => {}
            Err(MachineError::NotOurs) => {
                tracing::warn!(workflow = id, "a machine of this name carries no gate");
            }
            Err(error) => return Err(trouble(error, &id)),
        }
    }
    Ok(Json(Workflows { workflows }))
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<WorkflowInFull>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadWorkflows, named, Thing::Tenant)
        .await?;
    if !is_workflow_id(&id) {
        return Err(no_such(&id));
    }
    let deployed = app.machines.deployed(&id).await;
    let deployed = deployed.map_err(|error| trouble(error, &id))?;
    let gate = &deployed.compiled.gate;
    if !open_to(&gate.tenants, &caller.tenant) {
        return Err(no_such(&id));
    }
    let triggers = gate.triggers.iter();
    let guardrails = gate.guardrails.iter();
    let steps = deployed.compiled.steps.iter();
    Ok(Json(WorkflowInFull {
        workflow: shown(&deployed),
        definition: Definition {
            input: gate.input_schema.clone(),
            guardrails: guardrails.map(|one| json!(one)).collect(),
            demands: demands(&gate.rules),
            triggers: triggers.map(|trigger| trigger.name.clone()).collect(),
            timeout_s: gate.timeout_s,
            steps: steps.map(|step| told(&deployed.machine, step)).collect(),
        },
        graph: chart(&deployed.machine),
    }))
}

/// A step: what the compiled workflow says of it, and its state.
fn told(machine: &Value, step: &StepRef) -> Value {
    let mut told = declared(machine, &step.name).unwrap_or_else(|| json!(step));
    if let Some(container) = &step.for_each {
        told["for_each"] = json!(container);
    }
    told
}

/// 404: there is none, or it is not open to this tenant.
pub(crate) fn no_such(workflow: &str) -> Problem {
    Problem::not_found(format!(
        "there is no workflow {} for this tenant",
        quoted(workflow)
    ))
}

/// What a failure to reach a machine is to a client.
pub(crate) fn trouble(error: MachineError, workflow: &str) -> Problem {
    match error {
        MachineError::NoSuchWorkflow | MachineError::NotOurs => no_such(workflow),
        MachineError::Unavailable(reason) => Problem::unavailable("Step Functions", &reason),
    }
}

fn shown(deployed: &Deployed) -> Workflow {
    let gate = &deployed.compiled.gate;
    Workflow {
        workflow_id: gate.workflow.clone(),
        version: gate.version,
        definition_digest: gate.definition_digest.clone(),
        href: format!("/v1/workflows/{}", gate.workflow),
    }
}
