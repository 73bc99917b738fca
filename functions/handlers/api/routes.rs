//! Every route, once: the router is made of this list, and so is the OpenAPI document.

use std::sync::Arc;

use axum::{
    Router,
    routing::{MethodRouter, get, post, put},
};
use holdfast_core::access::Operation;

use crate::api::{
    App,
    answer::{
        Controls, Decided, Digests, Executions, FetchLink, Incident, IncidentInFull, Incidents,
        KeySet, Receipts, Requested, Seen, Started, Story, Turned, WorkflowInFull, Workflows,
    },
    control, digest, execution,
    given::Named,
    incident, list,
    openapi::{self, Shape, parameters, shape},
    receipt, request, ruling, start, workflow,
};

/// One route, and what it is to those who call it.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Its name among clients.
    pub(crate) id: &'static str,
    pub(crate) says: &'static str,
    /// What a caller's role must allow; nobody has to be known where there is none.
    pub(crate) operation: Option<Operation>,
    pub(crate) query: Option<Shape>,
    /// Whether it takes the header Idempotency-Key.
    pub(crate) keyed: bool,
    pub(crate) body: Option<Shape>,
    /// Its answers that are none of a problem.
    pub(crate) answers: Vec<(u16, &'static str, Option<Shape>)>,
    /// Whether it can answer a page for people too.
    pub(crate) paged: bool,
    /// Problems of its own.
    more: &'static [u16],
    handler: MethodRouter<Arc<App>>,
}

impl Route {
    fn get(
        path: &'static str,
        id: &'static str,
        says: &'static str,
        needs: Operation,
        answers: Shape,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        Self {
            method: "get",
            path,
            id,
            says,
            operation: Some(needs),
            query: Some(parameters::<Named>),
            keyed: false,
            body: None,
            answers: vec![(200, "What was asked for.", Some(answers))],
            paged: false,
            more: &[],
            handler,
        }
    }

    /// A request for something that takes a reason.
    fn post(
        path: &'static str,
        id: &'static str,
        says: &'static str,
        needs: Operation,
        answers: Shape,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        Self {
            method: "post",
            body: Some(shape::<request::Reason>),
            answers: vec![(200, "It is so, or was so before.", Some(answers))],
            more: &[409],
            ..Self::get(path, id, says, needs, answers, handler)
        }
    }

    /// What needs no token and takes no query.
    fn open(
        path: &'static str,
        id: &'static str,
        says: &'static str,
        answers: Shape,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        Self {
            operation: None,
            query: None,
            ..Self::get(path, id, says, Operation::ReadReceipts, answers, handler)
        }
    }

    /// A turn of the switch.
    fn control(
        path: &'static str,
        id: &'static str,
        says: &'static str,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        let answers = shape::<Turned>;
        Self {
            method: "put",
            query: None,
            ..Self::post(path, id, says, Operation::Control, answers, handler)
        }
        .body(shape::<control::Body>)
        .problem(&[])
    }

    fn query(self, query: Shape) -> Self {
        Self {
            query: Some(query),
            ..self
        }
    }

    fn body(self, body: Shape) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    fn also(mut self, status: u16, says: &'static str, shape: Option<Shape>) -> Self {
        self.answers.push((status, says, shape));
        self
    }

    fn or_a_page(self) -> Self {
        Self {
            paged: true,
            ..self
        }
    }

    fn problem(self, more: &'static [u16]) -> Self {
        Self { more, ..self }
    }

    /// The statuses of the problems that it may answer.
    pub(crate) fn problems(&self) -> Vec<u16> {
        let mut all = vec![503];
        if self.operation.is_some() {
            all.extend([400, 401, 403, 404]);
        }
        if self.body.is_some() {
            all.extend([413, 415]);
        }
        all.extend(self.more);
        all.sort_unstable();
        all
    }
}

/// The routes.
pub(crate) fn routes() -> Vec<Route> {
    use Operation as May;
    let accepted = "It is recorded and begins.";
    vec![
        Route::get(
            "/v1/workflows",
            "listWorkflows",
            "The workflows that are open to the tenant",
            May::ReadWorkflows,
            shape::<Workflows>,
            get(workflow::list),
        ),
        Route::get(
            "/v1/workflows/{workflow_id}",
            "readWorkflow",
            "A workflow as it is deployed",
            May::ReadWorkflows,
            shape::<WorkflowInFull>,
            get(workflow::one),
        ),
        Route {
            keyed: true,
            ..Route::post(
                "/v1/workflows/{workflow_id}/executions",
                "startWorkflow",
                "Starts a workflow once per idempotency key",
                May::Start,
                shape::<Started>,
                post(start::start),
            )
            .body(shape::<start::Body>)
            .also(202, "It starts.", Some(shape::<Started>))
            .problem(&[422])
        },
        Route::get(
            "/v1/executions",
            "listExecutions",
            "Executions, newest first",
            May::ReadExecutions,
            shape::<Executions>,
            get(list::executions),
        )
        .query(parameters::<list::Which>),
        Route::get(
            "/v1/executions/{execution_id}",
            "readExecution",
            "What the ledger knows of an execution",
            May::ReadExecutions,
            shape::<Seen>,
            get(execution::read),
        )
        .query(parameters::<execution::Which>),
        Route::get(
            "/v1/executions/{execution_id}/events",
            "readStory",
            "An execution's story as audit events",
            May::ReadExecutions,
            shape::<Story>,
            get(execution::events),
        ),
        Route::get(
            "/v1/executions/{execution_id}/receipt",
            "fetchReceipt",
            "A link to the receipt",
            May::ReadReceipts,
            shape::<FetchLink>,
            get(receipt::link),
        )
        .query(parameters::<receipt::How>)
        .or_a_page()
        .also(302, "With redirect=true: to the receipt itself.", None)
        .problem(&[409]),
        Route::post(
            "/v1/executions/{execution_id}/cancel",
            "cancelExecution",
            "Stops an execution; what it did is undone",
            May::Cancel,
            shape::<Requested>,
            post(request::cancel),
        )
        .also(202, accepted, Some(shape::<Requested>)),
        Route::post(
            "/v1/executions/{execution_id}/rollback",
            "rollBackExecution",
            "Undoes an execution that has ended",
            May::RollBack,
            shape::<Requested>,
            post(request::rollback),
        )
        .also(202, accepted, Some(shape::<Requested>)),
        Route::post(
            "/v1/executions/{execution_id}/redrive",
            "redriveExecution",
            "Lets an execution go on where it failed",
            May::Redrive,
            shape::<Requested>,
            post(request::redrive),
        )
        .also(202, accepted, Some(shape::<Requested>)),
        Route::get(
            "/v1/receipts",
            "listReceipts",
            "Receipts, newest first",
            May::ReadReceipts,
            shape::<Receipts>,
            get(list::receipts),
        )
        .query(parameters::<list::WhichReceipts>),
        Route::get(
            "/v1/digests",
            "listDigests",
            "Hourly digests of the receipts, oldest first",
            May::ReadReceipts,
            shape::<Digests>,
            get(digest::list),
        )
        .query(parameters::<digest::Which>),
        Route::get(
            "/v1/incidents",
            "listIncidents",
            "Incidents, newest first",
            May::ReadIncidents,
            shape::<Incidents>,
            get(incident::list),
        )
        .query(parameters::<incident::Listing>),
        Route::get(
            "/v1/incidents/{incident_id}",
            "readIncident",
            "An incident and the executions that it met",
            May::ReadIncidents,
            shape::<IncidentInFull>,
            get(incident::one),
        ),
        Route::post(
            "/v1/incidents/{incident_id}/decision",
            "decide",
            "Decides what an execution waits for",
            May::Decide,
            shape::<Decided>,
            post(ruling::decision),
        )
        .body(shape::<ruling::Body>),
        Route::post(
            "/v1/incidents/{incident_id}/acknowledge",
            "acknowledgeIncident",
            "Somebody looks after it",
            May::HandleIncidents,
            shape::<Incident>,
            post(ruling::acknowledge),
        ),
        Route::post(
            "/v1/incidents/{incident_id}/resolve",
            "resolveIncident",
            "It is over",
            May::HandleIncidents,
            shape::<Incident>,
            post(ruling::resolve),
        ),
        Route {
            query: None,
            ..Route::get(
                "/v1/controls",
                "listControls",
                "Everything that was ever paused, as it stands",
                May::Control,
                shape::<Controls>,
                get(control::list),
            )
        },
        Route::control(
            "/v1/controls/platform",
            "controlPlatform",
            "Pauses every execution, or lets them go on",
            put(control::of_platform),
        ),
        Route::control(
            "/v1/controls/tenant/{tenant}",
            "controlTenant",
            "Pauses a tenant's executions, or lets them go on",
            put(control::of_tenant),
        ),
        Route::control(
            "/v1/controls/workflow/{workflow_id}",
            "controlWorkflow",
            "Pauses a workflow's executions, or lets them go on",
            put(control::of_workflow),
        ),
        Route::open(
            "/v1/keys",
            "readKeys",
            "The public keys that receipts are verified by",
            shape::<KeySet>,
            get(receipt::keys),
        ),
        Route::open(
            "/v1/openapi.json",
            "readDocument",
            "This document",
            shape::<serde_json::Value>,
            get(openapi::served),
        ),
    ]
}

/// The routes as they are served.
pub(crate) fn router() -> Router<Arc<App>> {
    let served = Router::new().route("/v1/controls/{*scope}", put(control::of_nothing));
    routes().into_iter().fold(served, |router, route| {
        router.route(route.path, route.handler)
    })
}
