//! The deployment's HTTP API, as the command reaches it.

use std::time::Duration;

use clap::Args;
use holdfast_ids::names::{check_tenant, is_execution_id, quoted};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::report::Trouble;

/// Where the API is, and who asks.
#[derive(Args)]
pub(crate) struct Door {
    /// The API's address: the stack's output ApiUrl
    #[arg(long, env = "HOLDFAST_API", value_name = "URL")]
    api: String,
    /// The token that says who asks
    #[arg(long, env = "HOLDFAST_TOKEN", hide_env_values = true)]
    token: String,
    /// The tenant, if it is not that of the token
    #[arg(long, env = "HOLDFAST_TENANT")]
    tenant: Option<String>,
}

impl Door {
    /// The door that is named.
    pub(crate) fn of(api: &str, token: &str, tenant: Option<&str>) -> Self {
        Self {
            api: api.to_owned(),
            token: token.to_owned(),
            tenant: tenant.map(str::to_owned),
        }
    }

    /// `GET` of something below an execution; `None` if there is no such execution.
    pub(crate) fn execution(&self, id: &str, below: &str) -> Result<Option<Value>, Trouble> {
        if !is_execution_id(id) {
            return Err(Trouble::Other(format!(
                "{} is not an execution id: those have 40 hex digits",
                quoted(id)
            )));
        }
        match self.answer(&format!("/v1/executions/{id}{below}"))? {
            (404, _) => Ok(None),
            (status, body) => good(status, body).map(Some),
        }
    }

    /// `GET` of what is there.
    pub(crate) fn read(&self, path: &str) -> Result<Value, Trouble> {
        let (status, body) = self.answer(path)?;
        good(status, body)
    }

    /// The tenant that is named.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn answer(&self, path: &str) -> Result<(u16, Value), Trouble> {
        let mut url = format!("{}{path}", self.api.trim_end_matches('/'));
        if let Some(tenant) = &self.tenant {
            check_tenant(tenant).map_err(Trouble::Other)?;
            let sign = if path.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{sign}tenant={tenant}"));
        }
        let (status, body) = wait(self.get(&url))?.map_err(|error| {
            Trouble::Other(format!("{} does not answer: {error}", quoted(&self.api)))
        })?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn get(&self, url: &str) -> Result<Answer, reqwest::Error> {
        read(client()?.get(url).bearer_auth(&self.token)).await
    }
}

/// The body of an answer that is none of an error.
fn good(status: u16, body: Value) -> Result<Value, Trouble> {
    if status == 200 {
        return Ok(body);
    }
    let detail = body["detail"].as_str().or(body["message"].as_str());
    let why = detail.unwrap_or("without saying why");
    Err(Trouble::Other(format!(
        "the API answered {status}: {}",
        quoted(why)
    )))
}

/// A status, and the body.
type Answer = (u16, Vec<u8>);

/// What is at a link that needs no credentials.
pub(crate) fn fetch(link: &str) -> Result<Vec<u8>, Trouble> {
    let fetched = wait(async { read(client()?.get(link)).await })?;
    match fetched {
        Ok((200, body)) => Ok(body),
        Ok((status, _)) => Err(Trouble::Other(format!("the link answered {status}"))),
        Err(error) => Err(Trouble::Other(format!("the link does not answer: {error}"))),
    }
}

fn wait<T>(answer: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Other(error.to_string()))?;
    Ok(runtime.block_on(answer))
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
}

async fn read(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    // An address may carry a signature.
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok((status, body.to_vec()))
}
