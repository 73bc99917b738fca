//! `GET /v1/workflows` and one of them: what is deployed and open to the tenant, read from the machines themselves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_aws::{Deployed, MachineError};
use holdfast_core::{
    access::Operation,
    compile::chart,
    gate::open_to,
    names::{is_workflow_id, quoted},
};
use serde_json::{Value, json};

use crate::{
    App,
    caller::{Thing, Visitor},
    given::{Asked, Named},
    problem::Problem,
};

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Value>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadWorkflows, named, Thing::Tenant)
        .await?;
    let ids = app.machines.workflows().await;
    let mut workflows = Vec::new();
    for id in ids.map_err(|error| trouble(error, ""))? {
        match app.machines.deployed(&id).await {
            Ok(deployed) if open_to(&deployed.compiled.gate.tenants, &caller.tenant) => {
                workflows.push(shown(&deployed));
            }
            // Another tenant's; or taken away just now.
            Ok(_) | Err(MachineError::NoSuchWorkflow) => {}
            Err(error) => return Err(trouble(error, &id)),
        }
    }
    Ok(Json(json!({ "workflows": workflows })))
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Value>, Problem> {
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
    let mut body = shown(&deployed);
    body["definition"] = json!({
        "input": gate.input_schema,
        "guardrails": gate.guardrails,
        "triggers": gate.triggers.iter().map(|trigger| &trigger.name).collect::<Vec<_>>(),
        "timeout_s": gate.timeout_s,
        "steps": deployed.compiled.steps,
    });
    body["graph"] = chart(&deployed.machine).into();
    Ok(Json(body))
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
        MachineError::NoSuchWorkflow => no_such(workflow),
        MachineError::Unavailable(reason) => Problem::unavailable("Step Functions", &reason),
    }
}

fn shown(deployed: &Deployed) -> Value {
    let gate = &deployed.compiled.gate;
    json!({
        "workflow_id": gate.workflow,
        "version": gate.version,
        "definition_digest": gate.definition_digest,
        "href": format!("/v1/workflows/{}", gate.workflow),
    })
}
