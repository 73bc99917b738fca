//! `GET /v1/workflows`, `GET /v1/workflows/{workflow_id}` and its versions: the workflows that are
//! open to the tenant, read from the state machines.

use std::sync::Arc;

use axum::Json;
use futures_util::{StreamExt, stream};
use holdfast_admission::{conditions, open_to};
use holdfast_asl::{chart, declared, outline};
use holdfast_aws::DeployedWorkflow;
use holdfast_engine::{CompiledMachine, MachineError};
use holdfast_ids::names::{is_workflow_id, quoted};
use holdfast_task::StepRef;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::{
    answer::{
        Definition, DefinitionSummary, Workflow, WorkflowInFull, WorkflowVersion, WorkflowVersions,
        Workflows,
    },
    app::App,
    problem::Problem,
    route::AuthorizedRequest,
};

/// Number of state machines that are described at the same time.
const AT_ONCE: usize = 8;
/// Number of versions in an answer.
const VERSIONS: u8 = 20;

pub(crate) async fn list(
    AuthorizedRequest { app, caller, .. }: AuthorizedRequest,
) -> Result<Json<Workflows>, Problem> {
    let deployed = open_workflows(&app, &caller.tenant).await?;
    let workflows = deployed.iter().map(|deployed| shown(deployed)).collect();
    Ok(Json(Workflows { workflows }))
}

/// The deployed workflows that are open to a tenant, by id.
pub(crate) async fn open_workflows(
    app: &App,
    tenant: &str,
) -> Result<Vec<Arc<DeployedWorkflow>>, Problem> {
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
            Ok(deployed) if open_to(&deployed.compiled.gate.tenants, tenant) => {
                workflows.push(deployed);
            }
            // Not open to this tenant, or removed a moment ago.
            Ok(_) | Err(MachineError::NoSuchWorkflow) => {}
            Err(MachineError::NotOurs) => {
                tracing::warn!(
                    workflow = id,
                    "a state machine of this name carries no admission data"
                );
            }
            Err(error) => return Err(trouble(error, &id)),
        }
    }
    Ok(workflows)
}

pub(crate) async fn read(
    AuthorizedRequest {
        app, caller, id, ..
    }: AuthorizedRequest,
) -> Result<Json<WorkflowInFull>, Problem> {
    let deployed = open_workflow(&app, &caller.tenant, &id).await?;
    let gate = &deployed.compiled.gate;
    let triggers = gate.triggers.iter();
    let assertions = gate.guardrails.iter();
    let steps = deployed.compiled.steps.iter();
    Ok(Json(WorkflowInFull {
        workflow: shown(&deployed),
        definition: Definition {
            input: gate.input_schema.clone(),
            guardrails: assertions.map(|assertion| json!(assertion)).collect(),
            demands: conditions(&gate.rules),
            triggers: triggers.map(|trigger| trigger.name.clone()).collect(),
            timeout_s: gate.timeout_s,
            steps: steps.map(|step| step_of(&deployed.machine, step)).collect(),
        },
        graph: chart(&deployed.machine),
        outline: outline(&deployed.machine)
            .into_iter()
            .map(Into::into)
            .collect(),
    }))
}

/// The deployed workflow with this id, if it is open to a tenant.
async fn open_workflow(
    app: &App,
    tenant: &str,
    id: &str,
) -> Result<Arc<DeployedWorkflow>, Problem> {
    if !is_workflow_id(id) {
        return Err(no_such(id));
    }
    let deployed = app.machines.deployed(id).await;
    let deployed = deployed.map_err(|error| trouble(error, id))?;
    match open_to(&deployed.compiled.gate.tenants, tenant) {
        true => Ok(deployed),
        false => Err(no_such(id)),
    }
}

/// Lists the versions that were open to the tenant. Without published versions, only the deployed
/// state machine exists.
pub(crate) async fn versions(
    AuthorizedRequest {
        app, caller, id, ..
    }: AuthorizedRequest,
) -> Result<Json<WorkflowVersions>, Problem> {
    let deployed = open_workflow(&app, &caller.tenant, &id).await?;
    let published = app.machines.published_versions(&id, VERSIONS).await;
    let (published, more) = published.map_err(|error| trouble(error, &id))?;
    let mut versions = Vec::new();
    if !published.iter().any(|version| version.arn == deployed.arn) {
        versions.push(version_of(&deployed.compiled, None, true));
    }
    let open = published
        .iter()
        .filter(|version| open_to(&version.compiled.gate.tenants, &caller.tenant));
    versions.extend(open.map(|version| {
        let is_deployed = version.arn == deployed.arn;
        version_of(&version.compiled, version.published_at, is_deployed)
    }));
    Ok(Json(WorkflowVersions { versions, more }))
}

fn version_of(
    compiled: &CompiledMachine,
    published_at: Option<Timestamp>,
    deployed: bool,
) -> WorkflowVersion {
    WorkflowVersion {
        definition: summary_of(compiled),
        published_at,
        deployed,
    }
}

fn summary_of(compiled: &CompiledMachine) -> DefinitionSummary {
    let gate = &compiled.gate;
    DefinitionSummary {
        version: gate.version,
        tier: gate.tier,
        description: gate.description.clone(),
        definition_digest: gate.definition_digest.clone(),
    }
}

/// A step as its state declares it, with the `for_each` around it.
fn step_of(machine: &Value, step: &StepRef) -> Value {
    let mut declared_step = declared(machine, &step.name).unwrap_or_else(|| json!(step));
    if let Some(container) = &step.for_each {
        declared_step["for_each"] = json!(container);
    }
    declared_step
}

/// 404: the workflow does not exist, or it is not open to this tenant.
pub(crate) fn no_such(workflow: &str) -> Problem {
    Problem::not_found(format!(
        "no workflow {} is open to this tenant",
        quoted(workflow)
    ))
}

/// The problem for a state machine that cannot be read.
pub(crate) fn trouble(error: MachineError, workflow: &str) -> Problem {
    match error {
        MachineError::NoSuchWorkflow | MachineError::NotOurs => no_such(workflow),
        MachineError::Unavailable(reason) => Problem::unavailable("Step Functions", &reason),
    }
}

fn shown(deployed: &DeployedWorkflow) -> Workflow {
    let id = &deployed.compiled.gate.workflow;
    Workflow {
        workflow_id: id.clone(),
        definition: summary_of(&deployed.compiled),
        href: format!("/v1/workflows/{id}"),
    }
}
