//! The table of routes: each route with its permission, handler and description. The routers and
//! the OpenAPI document are made from it.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use holdfast_access::Operation;
use serde_json::Value;

use crate::api::{
    actions,
    answer::{
        Actions, Budgets, Causes, DecisionResult, Digests, ExecutionView, Executions, FetchLink,
        Incident, IncidentInFull, Incidents, KeySet, Questions, Receipts, RequestResult,
        Statistics, Story, WorkflowInFull, WorkflowVersions, Workflows,
    },
    app::App,
    budget, bulk, cause, control, decisions, delegation, digest, execution, incident, lifecycle,
    list, question, receipt,
    route::{FILE, Route},
    schema::shape,
    start, statistics, tenant, workflow,
};

/// All routes, in the order of the document.
#[cfg(test)]
pub(crate) fn routes() -> Vec<Route> {
    let all = workflows().into_iter().chain(start::routes());
    all.chain(others()).collect()
}

/// The routes that are about no workflow.
fn others() -> impl Iterator<Item = Route> {
    [
        executions(),
        requests(),
        bulk::routes(),
        lists(),
        incidents(),
        delegation::routes(),
        control::routes(),
        tenant::routes(),
        open(),
    ]
    .into_iter()
    .flatten()
}

/// The router of the function `api`. It has placeholders for the paths of a start, so that another
/// method gets 405 there.
pub(crate) fn router() -> Router<Arc<App>> {
    let own = control::unknown_scopes().into_iter().chain(workflows());
    let all = own.chain(others());
    all.fold(start::placeholder_router(), |router, route| {
        route.served(router)
    })
}

fn workflows() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/workflows",
            "listWorkflows",
            "Lists the workflows that are open to the tenant",
            Operation::ReadWorkflows,
            shape::<Workflows>,
            workflow::list,
        ),
        Route::get(
            "/v1/workflows/{workflow_id}",
            "readWorkflow",
            "Returns a workflow as it is deployed",
            Operation::ReadWorkflows,
            shape::<WorkflowInFull>,
            workflow::read,
        ),
        Route::get(
            "/v1/workflows/{workflow_id}/versions",
            "listVersions",
            "Lists the versions of a workflow that are kept, newest first",
            Operation::ReadWorkflows,
            shape::<WorkflowVersions>,
            workflow::versions,
        ),
    ]
}

fn executions() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/executions",
            "listExecutions",
            "Lists executions, newest first",
            Operation::ReadExecutions,
            shape::<Executions>,
            list::executions,
        ),
        Route::get(
            "/v1/executions/{execution_id}",
            "readExecution",
            "Returns an execution as the ledger records it",
            Operation::ReadExecutions,
            shape::<ExecutionView>,
            execution::read,
        ),
        Route::get(
            "/v1/executions/{execution_id}/events",
            "readStory",
            "Returns an execution's story as audit events",
            Operation::ReadExecutions,
            shape::<Story>,
            execution::events,
        ),
        Route::get(
            "/v1/executions/{execution_id}/actions",
            "readActions",
            "Returns what each request and decision would do to an execution now",
            Operation::ReadExecutions,
            shape::<Actions>,
            actions::read,
        ),
        Route::get(
            "/v1/executions/{execution_id}/receipt",
            "fetchReceipt",
            "Returns a link to an execution's receipt",
            Operation::ReadReceipts,
            shape::<FetchLink>,
            receipt::link,
        )
        .or_as(&["text/html", FILE])
        .also(302, "With redirect=true: to the receipt itself.", None)
        .problem(&[409]),
    ]
}

/// Requests that change the course of an execution.
fn requests() -> Vec<Route> {
    let accepted = "The request is recorded and takes effect.";
    vec![
        Route::post(
            "/v1/executions/{execution_id}/cancel",
            "cancelExecution",
            "Stops an execution and undoes its effects",
            Operation::Cancel,
            shape::<RequestResult>,
            lifecycle::cancel,
        )
        .also(202, accepted, Some(shape::<RequestResult>)),
        Route::post(
            "/v1/executions/{execution_id}/rollback",
            "rollBackExecution",
            "Undoes the effects of an execution that has ended",
            Operation::RollBack,
            shape::<RequestResult>,
            lifecycle::rollback,
        )
        .also(202, accepted, Some(shape::<RequestResult>)),
        Route::post(
            "/v1/executions/{execution_id}/redrive",
            "redriveExecution",
            "Continues a failed execution where it failed",
            Operation::Redrive,
            shape::<RequestResult>,
            lifecycle::redrive,
        )
        .also(202, accepted, Some(shape::<RequestResult>)),
    ]
}

fn lists() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/statistics",
            "readStatistics",
            "Returns counts, rates and times of executions, by hour or by day",
            Operation::ReadExecutions,
            shape::<Statistics>,
            statistics::read,
        ),
        Route::get(
            "/v1/receipts",
            "listReceipts",
            "Lists receipts, newest first",
            Operation::ReadReceipts,
            shape::<Receipts>,
            list::receipts,
        ),
        Route::get(
            "/v1/digests",
            "listDigests",
            "Lists the digests of receipts, oldest first",
            Operation::ReadReceipts,
            shape::<Digests>,
            digest::list,
        ),
        Route::get(
            "/v1/digests/{until}",
            "fetchDigest",
            "Returns the file of the digest that covers the hours until this time",
            Operation::ReadReceipts,
            shape::<Value>,
            digest::file,
        )
        .into_file()
        .problem(&[409]),
        Route::get(
            "/v1/incidents",
            "listIncidents",
            "Lists incidents, newest first",
            Operation::ReadIncidents,
            shape::<Incidents>,
            incident::list,
        ),
        Route::get(
            "/v1/causes",
            "listCauses",
            "Lists incidents by cause, those with most executions first",
            Operation::ReadIncidents,
            shape::<Causes>,
            cause::list,
        ),
        Route::get(
            "/v1/questions",
            "listQuestions",
            "Lists the open questions that wait for people",
            Operation::ReadQuestions,
            shape::<Questions>,
            question::list,
        ),
        Route::get(
            "/v1/budgets",
            "listBudgets",
            "Lists budgets and limits, and what is left of them",
            Operation::ReadWorkflows,
            shape::<Budgets>,
            budget::list,
        ),
    ]
}

fn incidents() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/incidents/{incident_id}",
            "readIncident",
            "Returns an incident and the executions that met it",
            Operation::ReadIncidents,
            shape::<IncidentInFull>,
            incident::read,
        ),
        Route::post(
            "/v1/incidents/{incident_id}/decision",
            "decide",
            "Records the decision that an execution waits for",
            Operation::Decide,
            shape::<DecisionResult>,
            decisions::decide,
        ),
        Route::post(
            "/v1/incidents/{incident_id}/acknowledge",
            "acknowledgeIncident",
            "Records that a person takes care of an incident",
            Operation::HandleIncidents,
            shape::<Incident>,
            decisions::acknowledge,
        ),
        Route::post(
            "/v1/incidents/{incident_id}/resolve",
            "resolveIncident",
            "Records that an incident is over",
            Operation::HandleIncidents,
            shape::<Incident>,
            decisions::resolve,
        ),
    ]
}

/// Routes that need no token.
fn open() -> Vec<Route> {
    vec![
        Route::open(
            "/v1/keys",
            "readKeys",
            "Returns the public keys that verify receipts",
            shape::<KeySet>,
            get(receipt::keys),
        ),
        Route::open(
            "/v1/openapi.json",
            "readDocument",
            "Returns this document",
            shape::<Value>,
            get(document),
        ),
    ]
}

/// The OpenAPI document. A test compares it with the routes and the types, so that the program
/// needs no schemas.
async fn document() -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/json");
    let text = include_str!("../../../docs/openapi.json");
    ([(CONTENT_TYPE, kind)], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_and_the_document_need_no_token() {
        let routes = routes();
        let open = routes.iter().filter(|route| route.operation.is_none());
        let open: Vec<_> = open.map(|route| route.path).collect();
        assert_eq!(open, ["/v1/keys", "/v1/openapi.json"]);
    }
}
