//! The query and the body of a request, read strictly: the error for an unknown member
//! lists the known members.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, Method, header, request::Parts},
};
use holdfast_aws::trace;
use holdfast_ids::{members::check_members, trace::TraceId};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

use crate::api::{app::App, problem::Problem};

/// The description of the query's tenant.
pub(crate) const TENANT: &str = "The tenant; by default the token's. If the token of a platform admin or platform observer names none, the API finds the tenant of an execution, an incident or a bulk. `*` has this effect with every such token.";

/// The error for a list in place of an object. Serde reads a list as the members of a struct, in
/// the order of its source.
const LIST: &str = "invalid type: sequence, expected an object";

/// The query of a request that takes no other parameter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantQuery {
    #[schemars(extend("description" = TENANT))]
    pub(crate) tenant: Option<String>,
}

/// A query that can name the tenant that the request is about.
pub(crate) trait NamesTenant {
    /// The tenant that the query names.
    fn tenant(&self) -> Option<&str>;
}

impl NamesTenant for TenantQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// The query, read as `T`.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        let Query(params) = query.map_err(|error| {
            let error = error.to_string();
            let why = error.trim_start_matches("Failed to deserialize query string: ");
            Problem::bad_request(format!("the query: {why}"))
        })?;
        Ok(Self(params))
    }
}

/// The body of a request that has none. An empty object counts as none. A read ignores its body.
pub(crate) struct EmptyBody;

impl FromRequest<Arc<App>> for EmptyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if request.method() == Method::GET {
            return Ok(Self);
        }
        let body = Bytes::from_request(request, app).await;
        let body = body.map_err(|_| Problem::body_too_large())?;
        match body.trim_ascii() {
            b"" | b"{}" => Ok(Self),
            _ => Err(Problem::bad_request(
                "this request has no body: the path and the query say everything",
            )),
        }
    }
}

/// The JSON body, read as `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let json = content_type
            .and_then(|content_type| content_type.to_str().ok())
            .is_some_and(|content_type| {
                let media_type = content_type.split(';').next().unwrap_or_default();
                media_type.trim().eq_ignore_ascii_case("application/json")
            });
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|_| Problem::body_too_large())?;
        if !json {
            return Err(Problem::not_json());
        }
        read_body(&body).map(Self)
    }
}

/// Reads the bytes of a JSON body. A member that occurs twice in an object is refused.
pub(crate) fn read_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let problem = |error: String| Problem::bad_request(format!("the body: {error}"));
    check_members(body).map_err(problem)?;
    if body.trim_ascii().starts_with(b"[") {
        return Err(problem(LIST.to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| problem(without_type(&error.to_string())))
}

/// Reads a member that is an object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_array() {
        return Err(D::Error::custom(LIST));
    }
    T::deserialize(value).map_err(D::Error::custom)
}

/// An error of serde without the name of a type of ours.
fn without_type(error: &str) -> String {
    match error.split_once("expected struct ") {
        Some((before, after)) => {
            let place = after.split_once(' ').map_or("", |(_, place)| place);
            format!("{before}expected an object {place}")
        }
        None => error.to_owned(),
    }
}

/// The trace that the header `traceparent` names, or else the trace of this invocation.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<TraceId> {
    let header = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    header.and_then(TraceId::from_traceparent).or_else(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_body_names_no_type_of_ours() {
        let error = |body: &str| {
            let read = read_body::<TenantQuery>(body.as_bytes());
            read.expect_err(body).into_detail()
        };
        assert_eq!(
            error("7"),
            "the body: invalid type: integer `7`, expected an object at line 1 column 1"
        );
        assert!(error("{\"a\": 1}").contains("unknown field `a`"));
    }

    #[test]
    fn a_list_is_no_body() {
        for list in ["[]", "[\"acme\"]", " [{\"tenant\": \"acme\"}]"] {
            let read = read_body::<TenantQuery>(list.as_bytes());
            let error = read.expect_err(list).into_detail();
            let why = "the body: invalid type: sequence, expected an object";
            assert_eq!(error, why);
        }
    }

    #[test]
    fn a_list_is_no_member_that_is_an_object() {
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[serde(deserialize_with = "object")]
            inner: TenantQuery,
        }
        let error = read_body::<Outer>(b"{\"inner\": [\"acme\"]}").expect_err("a list");
        assert!(error.into_detail().contains(LIST));
        let outer: Outer = read_body(b"{\"inner\": {\"tenant\": \"acme\"}}").expect("an object");
        assert_eq!(outer.inner.tenant.as_deref(), Some("acme"));
    }
}
