//! A client of the deployment's HTTP API, and the options that say where the API is.

use std::{error::Error, time::Duration};

use clap::Args;
use holdfast_ids::names::{check_tenant, is_execution_id, quoted};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::report::Trouble;

/// The address of the API, the caller's token, and the tenant.
#[derive(Args)]
pub(crate) struct Api {
    /// The API's address: the stack's output ApiUrl
    #[arg(long = "api", env = "HOLDFAST_API", value_name = "URL")]
    base: String,
    /// The bearer token of the caller
    #[arg(long, env = "HOLDFAST_TOKEN", hide_env_values = true)]
    token: String,
    /// The tenant, if it is not that of the token
    #[arg(long, env = "HOLDFAST_TENANT")]
    tenant: Option<String>,
}

impl Api {
    /// The API at an address.
    pub(crate) fn of(api: &str, token: &str, tenant: Option<&str>) -> Self {
        Self {
            base: api.to_owned(),
            token: token.to_owned(),
            tenant: tenant.map(str::to_owned),
        }
    }

    /// Gets the resource `below` an execution, or `None` if there is no such execution.
    pub(crate) fn execution(&self, id: &str, below: &str) -> Result<Option<Value>, Trouble> {
        if !is_execution_id(id) {
            return Err(Trouble::Other(format!(
                "{} is not an execution id: those have 40 hex digits",
                quoted(id)
            )));
        }
        match self.answer(&format!("/v1/executions/{id}{below}"))? {
            (404, _) => Ok(None),
            (status, body) => expect_ok(status, body).map(Some),
        }
    }

    /// Gets a resource that must exist.
    pub(crate) fn read(&self, path: &str) -> Result<Value, Trouble> {
        let (status, body) = self.answer(path)?;
        expect_ok(status, body)
    }

    /// The tenant that the options name.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn answer(&self, path: &str) -> Result<(u16, Value), Trouble> {
        let mut url = format!("{}{path}", self.base.trim_end_matches('/'));
        if let Some(tenant) = &self.tenant {
            check_tenant(tenant).map_err(Trouble::Other)?;
            let separator = if path.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}tenant={tenant}"));
        }
        let (status, body) = wait(self.get(&url))?.map_err(|error| {
            Trouble::Other(format!("{} does not answer: {error}", quoted(&self.base)))
        })?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn get(&self, url: &str) -> Result<Answer, reqwest::Error> {
        read(client()?.get(url).bearer_auth(&self.token)).await
    }
}

/// The body of an answer with status 200, or the error that another status means.
fn expect_ok(status: u16, body: Value) -> Result<Value, Trouble> {
    if status == 200 {
        return Ok(body);
    }
    let detail = body["detail"].as_str().or(body["message"].as_str());
    let why = detail.unwrap_or("without a reason");
    Err(Trouble::Other(format!(
        "the API answered {status}: {}",
        quoted(why)
    )))
}

/// The status and the body of an answer.
pub(crate) type Answer = (u16, Vec<u8>);

/// Fetches a link that needs no credentials.
pub(crate) fn fetch(link: &str) -> Result<Vec<u8>, Trouble> {
    let fetched = wait(async { read(client()?.get(link)).await })?;
    match fetched {
        Ok((200, body)) => Ok(body),
        Ok((status, _)) => Err(Trouble::Other(format!("the link answered {status}"))),
        Err(error) => Err(Trouble::Other(format!("the link does not answer: {error}"))),
    }
}

/// The answer of a public address, without following it elsewhere.
pub(crate) fn public(address: &str) -> Result<Answer, String> {
    let get = async {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none());
        read(client.build()?.get(address)).await
    };
    let answer = wait(get).map_err(|_| "this command failed".to_owned())?;
    // The cause, such as a name that no server knows, is the innermost source.
    answer.map_err(|error| {
        let mut cause: &dyn Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let cause = cause.to_string();
        match cause.strip_prefix("invalid peer certificate: ") {
            Some("UnknownIssuer") => format!(
                "{address} has a certificate of an authority that this machine does not trust; \
                 SSL_CERT_FILE names others"
            ),
            Some(cause) => format!("{address} has a certificate that is refused: {cause}"),
            None => format!("{address} does not answer: {cause}"),
        }
    })
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
    // A link carries a signature, which no message may show.
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok((status, body.to_vec()))
}
