//! A route of the API and its permission: a handler receives only requests that are authorized for
//! the operation that its route names.

use std::{future::Future, sync::Arc};

use axum::{
    Router,
    extract::{FromRequest, RawPathParams, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use holdfast_access::Operation;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::api::{
    answer::{ControlChange, TenantChange},
    app::App,
    extract::{EmptyBody, JsonBody, NamesTenant, QueryParams, TenantQuery},
    principal::{AuthorizedCaller, Caller, ControlCaller, Principal, Resource},
    problem::Problem,
    schema::{SchemaOf, parameters, shape},
};

/// Description of the answer to a request that changes something and may be repeated.
const DONE: &str = "Done, or already in this state.";

/// The media type of a file that is answered byte for byte.
pub(crate) const FILE: &str = "application/octet-stream";

/// A request whose caller is authorized for the operation of its route.
pub(crate) struct AuthorizedRequest<Q = TenantQuery, B = EmptyBody, C = AuthorizedCaller> {
    pub(crate) app: Arc<App>,
    pub(crate) caller: C,
    /// The id or the name in the path; empty if the path has none.
    pub(crate) id: String,
    pub(crate) query: Q,
    pub(crate) headers: HeaderMap,
    pub(crate) body: B,
}

/// A function that answers an authorized request.
pub(crate) trait Handler<R>: Clone + Send + Sync + 'static {
    /// Answers the request.
    fn answer(self, request: R) -> impl Future<Output = Response> + Send;
}

impl<R, H, F, A> Handler<R> for H
where
    H: FnOnce(R) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<A, Problem>> + Send,
    A: IntoResponse,
    R: Send,
{
    fn answer(self, request: R) -> impl Future<Output = Response> + Send {
        let answer = self(request);
        async move { answer.await.into_response() }
    }
}

/// One route: how it is served, and how the OpenAPI document describes it.
#[cfg_attr(not(test), expect(dead_code, reason = "only tests make the document"))]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The operation's name for generated clients.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    /// The operation that the caller's role must permit; none for a route that needs no token.
    pub(crate) operation: Option<Operation>,
    pub(crate) query: Option<SchemaOf>,
    /// True if the request has the headers of a start, Idempotency-Key and Prefer.
    pub(crate) keyed: bool,
    pub(crate) body: Option<SchemaOf>,
    /// Answers other than problems: status, description and schema.
    pub(crate) answers: Vec<(u16, &'static str, Option<SchemaOf>)>,
    /// Media types of other forms of the answer.
    pub(crate) forms: &'static [&'static str],
    /// Statuses of problems beside those that every such route has.
    more: &'static [u16],
    handler: MethodRouter<Arc<App>>,
}

impl Route {
    /// A route that reads.
    pub(crate) fn get<Q, C>(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        operation: Operation,
        answer: SchemaOf,
        handler: impl Handler<AuthorizedRequest<Q, EmptyBody, C>>,
    ) -> Self
    where
        Q: NamesTenant + DeserializeOwned + JsonSchema + Send + 'static,
        C: Caller + 'static,
    {
        let served = authorized(MethodFilter::GET, operation, handler);
        Self {
            operation: Some(operation),
            query: Some(parameters::<Q>),
            ..Self::open(path, id, summary, answer, served)
        }
    }

    /// A route that changes something, with a JSON body.
    pub(crate) fn post<Q, B>(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        operation: Operation,
        answer: SchemaOf,
        handler: impl Handler<AuthorizedRequest<Q, JsonBody<B>>>,
    ) -> Self
    where
        Q: NamesTenant + DeserializeOwned + JsonSchema + Send + 'static,
        B: DeserializeOwned + JsonSchema + Send + 'static,
    {
        let served = authorized(MethodFilter::POST, operation, handler);
        Self {
            method: "post",
            operation: Some(operation),
            query: Some(parameters::<Q>),
            body: Some(shape::<B>),
            answers: vec![(200, DONE, Some(answer))],
            more: &[409],
            ..Self::open(path, id, summary, answer, served)
        }
    }

    /// A route that sets something of a tenant, with a JSON body.
    pub(crate) fn put<B>(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        operation: Operation,
        answer: SchemaOf,
        handler: impl Handler<AuthorizedRequest<TenantQuery, JsonBody<B>>>,
    ) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
    {
        let served = authorized(MethodFilter::PUT, operation, handler);
        Self {
            method: "put",
            operation: Some(operation),
            query: Some(parameters::<TenantQuery>),
            body: Some(shape::<B>),
            answers: vec![(200, DONE, Some(answer))],
            ..Self::open(path, id, summary, answer, served)
        }
    }

    /// A route that removes something of a tenant. It has no body.
    pub(crate) fn delete(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        operation: Operation,
        answer: SchemaOf,
        handler: impl Handler<AuthorizedRequest>,
    ) -> Self {
        let served = authorized(MethodFilter::DELETE, operation, handler);
        Self {
            method: "delete",
            operation: Some(operation),
            query: Some(parameters::<TenantQuery>),
            answers: vec![(200, DONE, Some(answer))],
            ..Self::open(path, id, summary, answer, served)
        }
    }

    /// A route that sets a control. The document shows no query, since a control has no tenant.
    pub(crate) fn control<B>(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: impl Handler<AuthorizedRequest<TenantQuery, JsonBody<B>, ControlCaller>>,
    ) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
    {
        let answer = shape::<ControlChange>;
        let served = authorized(MethodFilter::PUT, Operation::Control, handler);
        Self {
            method: "put",
            operation: Some(Operation::Control),
            body: Some(shape::<B>),
            answers: vec![(200, DONE, Some(answer))],
            ..Self::open(path, id, summary, answer, served)
        }
    }

    /// A route that changes a tenant's registration. It has no body.
    pub(crate) fn registry(
        (method, filter): (&'static str, MethodFilter),
        id: &'static str,
        summary: &'static str,
        handler: impl Handler<AuthorizedRequest<TenantQuery, EmptyBody, ControlCaller>>,
    ) -> Self {
        let answer = shape::<TenantChange>;
        let operation = Operation::ManageTenants;
        let served = authorized(filter, operation, handler);
        Self {
            method,
            operation: Some(operation),
            answers: vec![(200, DONE, Some(answer))],
            ..Self::open("/v1/tenants/{tenant}", id, summary, answer, served)
        }
    }

    /// A route that needs no token and takes no query.
    pub(crate) fn open(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        answer: SchemaOf,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        Self {
            method: "get",
            path,
            id,
            summary,
            operation: None,
            query: None,
            keyed: false,
            body: None,
            answers: vec![(200, "The requested resource.", Some(answer))],
            forms: &[],
            more: &[],
            handler,
        }
    }

    /// The route with another answer that is no problem.
    pub(crate) fn also(
        mut self,
        status: u16,
        description: &'static str,
        shape: Option<SchemaOf>,
    ) -> Self {
        self.answers.push((status, description, shape));
        self
    }

    /// The route with the headers of a start in its request.
    pub(crate) fn keyed(self) -> Self {
        Self {
            keyed: true,
            ..self
        }
    }

    /// The route with no query in the document.
    pub(crate) fn without_query(self) -> Self {
        Self {
            query: None,
            ..self
        }
    }

    /// The route with other forms of its answer.
    pub(crate) fn or_as(self, forms: &'static [&'static str]) -> Self {
        Self { forms, ..self }
    }

    /// The route whose one answer is a file.
    pub(crate) fn into_file(self) -> Self {
        Self {
            answers: vec![(200, "The file, byte for byte.", None)],
            ..self.or_as(&[FILE])
        }
    }

    /// The route with these statuses of problems beside the common ones.
    pub(crate) fn problem(self, more: &'static [u16]) -> Self {
        Self { more, ..self }
    }

    /// Statuses of the problems that the route may answer.
    #[cfg(test)]
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

    /// `router` with this route.
    pub(crate) fn served(self, router: Router<Arc<App>>) -> Router<Arc<App>> {
        router.route(self.path, self.handler)
    }
}

/// Serves `handler` for callers whose role permits `operation`. The query and the body are read
/// first, so that a malformed request answers 400 in every role.
fn authorized<Q, B, C>(
    method: MethodFilter,
    operation: Operation,
    handler: impl Handler<AuthorizedRequest<Q, B, C>>,
) -> MethodRouter<Arc<App>>
where
    Q: NamesTenant + DeserializeOwned + Send + 'static,
    B: FromRequest<Arc<App>, Rejection = Problem> + Send + 'static,
    C: Caller + 'static,
{
    on(
        method,
        async move |State(app): State<Arc<App>>,
                    principal: Principal,
                    path: RawPathParams,
                    QueryParams(query): QueryParams<Q>,
                    headers: HeaderMap,
                    body: B|
                    -> Result<Response, Problem> {
            let (name, id) = path.iter().next().unwrap_or_default();
            let (id, resource) = (id.to_owned(), resource(name, id));
            let named = query.tenant();
            let caller = C::authorize(principal, &app, operation, named, resource).await?;
            let request = AuthorizedRequest {
                app,
                caller,
                id,
                query,
                headers,
                body,
            };
            Ok(handler.answer(request).await)
        },
    )
}

/// The resource that a path names by its parameter `name`.
fn resource<'a>(name: &str, id: &'a str) -> Resource<'a> {
    match name {
        "execution_id" => Resource::Execution(id),
        "incident_id" => Resource::Incident(id),
        "bulk_id" => Resource::Bulk(id),
        _ => Resource::Tenant,
    }
}
