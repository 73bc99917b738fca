//! The deployment's issuer of tokens: where it signs people in, and where it exchanges codes.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::api::problem::Problem;

/// Longest time for one request to the issuer. A person waits for two of them at most.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer of the issuer, in bytes.
const ANSWER_MAX: usize = 256 * 1024;

pub(super) struct Issuer {
    /// The address, as the claim `iss` has it.
    pub(super) url: String,
    client: Client,
    endpoints: OnceCell<Endpoints>,
}

/// The members of the issuer's metadata that the console needs
/// (openid.net/specs/openid-connect-discovery-1_0.html, section 3).
#[derive(Deserialize)]
pub(super) struct Endpoints {
    issuer: String,
    #[serde(rename = "authorization_endpoint")]
    pub(super) authorization: String,
    #[serde(rename = "token_endpoint")]
    token: String,
    #[serde(rename = "end_session_endpoint")]
    pub(super) end_session: Option<String>,
}

impl Issuer {
    pub(super) fn new(url: String) -> Result<Self, String> {
        let builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT);
        let builder = match url.starts_with("https:") {
            true => builder.https_only(true),
            // Only the local stack has such an issuer: the template refuses other addresses.
            false => builder.tls_certs_only([]),
        };
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self {
            url,
            client,
            endpoints: OnceCell::new(),
        })
    }

    /// The endpoints, read once in a process.
    pub(super) async fn endpoints(&self) -> Result<&Endpoints, Problem> {
        self.endpoints.get_or_try_init(|| self.read()).await
    }

    async fn read(&self) -> Result<Endpoints, Problem> {
        // Section 4.1 of the same page.
        let base = self.url.trim_end_matches('/');
        let address = format!("{base}/.well-known/openid-configuration");
        let (status, body) = answer(self.client.get(address)).await?;
        if status != StatusCode::OK {
            return Err(silent(&format!("its metadata is answered by {status}")));
        }
        let read: Endpoints = serde_json::from_slice(&body)
            .map_err(|_| silent("its metadata lacks an endpoint, or is not JSON"))?;
        // Section 4.3: the metadata of another issuer could lead a person to it.
        if read.issuer != self.url {
            return Err(silent("its metadata names another issuer"));
        }
        Ok(read)
    }

    /// Sends a form to the token endpoint.
    pub(super) async fn token(&self, form: String) -> Result<(StatusCode, Vec<u8>), Problem> {
        let endpoint = &self.endpoints().await?.token;
        let request = self.client.post(endpoint).body(form);
        let kind = "application/x-www-form-urlencoded";
        answer(
            request
                .header("content-type", kind)
                .header("accept", "application/json"),
        )
        .await
    }
}

/// Sends a request and reads the bounded answer.
async fn answer(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Problem> {
    // The error's address could have what the request has.
    let lost = |error: reqwest::Error| silent(&error.without_url().to_string());
    let mut answer: Response = request.send().await.map_err(lost)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(lost)? {
        if body.len() + part.len() > ANSWER_MAX {
            return Err(silent("its answer is too large"));
        }
        body.extend_from_slice(&part);
    }
    Ok((answer.status(), body))
}

pub(super) fn silent(why: &str) -> Problem {
    Problem::unavailable("the issuer of tokens", why)
}
