//! The `api` function: the HTTP door.

mod answer;
mod caller;
mod control;
mod digest;
mod execution;
mod given;
mod incident;
mod list;
mod log;
mod openapi;
mod page;
mod path;
mod problem;
mod reach;
mod receipt;
mod request;
mod routes;
mod ruling;
mod start;
mod workflow;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::DefaultBodyLimit,
    middleware::{from_fn_with_state, map_response},
};
use holdfast_aws::{Deployment, Keys, Machines};
use holdfast_core::{access::ClaimNames, evidence::Jwks};
use lambda_http::{Adapter, tower::ServiceBuilder};
use tokio::sync::OnceCell;

use crate::api::{problem::Problem, reach::Reach};

/// What every request may use.
struct App {
    reach: Reach,
    machines: Machines,
    keys: Keys,
    /// The key that signs receipts, then those that did before.
    signing_keys: Vec<String>,
    /// Their public halves, once told: they never change, and whoever asks for them costs KMS nothing.
    key_set: OnceCell<Jwks>,
    receipt_url_valid_for: Duration,
    /// The stack's name: who tells audit events.
    stack: String,
    /// Which claims of a token say whose and what its bearer is.
    claims: ClaimNames,
}

/// Largest body that is read at all.
const BODY_MAX: usize = 1024 * 1024;

/// Longest life of a receipt's link: as long as the session in which it is signed certainly lasts. The SDK renews it when
/// three quarters of an hour are left, or, at random, up to half of that later.
const RECEIPT_URL_MAX_S: u64 = 1200;

impl App {
    fn from(deployment: Deployment) -> Result<Self, String> {
        let variable = "HOLDFAST_RECEIPT_URL_SECONDS";
        let seconds = deployment
            .variable(variable)?
            .parse()
            .ok()
            .filter(|seconds| (1..=RECEIPT_URL_MAX_S).contains(seconds))
            .ok_or_else(|| {
                format!("{variable} must be a number of seconds, 1 to {RECEIPT_URL_MAX_S}")
            })?;
        Ok(Self {
            machines: deployment.machines()?,
            keys: deployment.keys(),
            signing_keys: std::iter::once(deployment.variable("HOLDFAST_SIGNING_KEY")?)
                .chain(
                    deployment
                        .optional("HOLDFAST_RETIRED_SIGNING_KEYS")
                        .split(','),
                )
                .map(|key| key.trim().to_owned())
                .filter(|key| !key.is_empty())
                .collect(),
            key_set: OnceCell::new(),
            receipt_url_valid_for: Duration::from_secs(seconds),
            stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
            claims: ClaimNames {
                tenant: deployment.variable("HOLDFAST_TENANT_CLAIM")?.to_owned(),
                role: deployment.variable("HOLDFAST_ROLE_CLAIM")?.to_owned(),
            },
            reach: Reach::of(deployment)?,
        })
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let app = App::from(Deployment::load().await)?;
    let app = Arc::new(app);
    let router = routes::router()
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // Our own limit is smaller and says so; this one only bounds what is read.
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(map_response(problem::documented))
        .layer(from_fn_with_state(Arc::clone(&app), log::logged))
        .with_state(app);
    let service = ServiceBuilder::new()
        .map_request(path::encoded)
        .service(Adapter::from(router));
    lambda_runtime::run(service).await
}
