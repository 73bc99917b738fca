//! What a request brings: its query and its body, read strictly; an error says what may be given.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{header, request::Parts},
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use crate::api::{App, problem::Problem};

/// The query of a request that has nothing else to say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The tenant; your own if left out.
    pub(crate) tenant: Option<String>,
}

/// The query, read as `T`.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, app).await;
        let Query(asked) =
            read.map_err(|error| Problem::bad_request(format!("the query: {error}")))?;
        Ok(Self(asked))
    }
}

/// The body, JSON, read as `T`.
pub(crate) struct Given<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let json = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| {
                let kind = kind.split(';').next().unwrap_or_default();
                kind.trim().eq_ignore_ascii_case("application/json")
            });
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|_| Problem::body_too_large())?;
        if !json {
            return Err(Problem::not_json());
        }
        let read = serde_json::from_slice(&body);
        read.map(Self)
            .map_err(|error| Problem::bad_request(format!("the body: {error}")))
    }
}
