//! A client of the deployment's HTTP API, and the options that say where the API is.

use std::{error::Error, time::Duration};

use clap::Args;
use holdfast_ids::names::{check_tenant, is_execution_id, quoted};
use reqwest::{RequestBuilder, Url, redirect::Policy};
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

    /// Gets a resource that must exist; `None` if the caller's role may not see it.
    pub(crate) fn read_if_allowed(&self, path: &str) -> Result<Option<Value>, Trouble> {
        match self.answer(path)? {
            (403, _) => Ok(None),
            (status, body) => expect_ok(status, body).map(Some),
        }
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
        let get = async { read(client()?.get(&url).bearer_auth(&self.token), MAX_ANSWER).await };
        let (status, body) =
            wait(get)?.map_err(|why| Trouble::Other(format!("{} {why}", quoted(&self.base))))?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Fetches at most `most` bytes of a link that the API returned. Links carry a signature, so
    /// the request has no token.
    pub(crate) fn fetch(&self, link: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let link = link_to_storage(&self.base, link).map_err(Trouble::Other)?;
        match wait(async { read(client()?.get(link), most).await })? {
            Ok((200, body)) => Ok(body),
            Ok((status, _)) => Err(Trouble::Other(format!("the link answered {status}"))),
            Err(why) => Err(Trouble::Other(format!("the link {why}"))),
        }
    }
}

/// The longest answer of the API in bytes. Lambda returns at most 6 MB (Lambda's developer guide,
/// "Lambda quotas", invocation payload).
const MAX_ANSWER: usize = 8 << 20;

/// The domains of Amazon S3 (AWS general reference, "Amazon Simple Storage Service endpoints").
const STORAGE: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// The address of a link, if it leads to Amazon S3 or to the host of the API, which serves both on
/// the local stack. A link that leads elsewhere would let the API choose which hosts this machine
/// calls.
fn link_to_storage(api: &str, link: &str) -> Result<Url, String> {
    let url = Url::parse(link).map_err(|_| "the API returned a link that is no URL".to_owned())?;
    let host = url.host_str().unwrap_or_default();
    let own = Url::parse(api).ok();
    let beside = |api: &Url| api.scheme() == url.scheme() && api.host_str() == Some(host);
    let is_storage = |host: &str| {
        let below = STORAGE.iter().find_map(|domain| host.strip_suffix(domain));
        let mut labels = below.unwrap_or_default().split('.');
        labels.any(|label| label == "s3" || label.starts_with("s3-"))
    };
    let stored = url.scheme() == "https" && url.port().is_none() && is_storage(host);
    if stored || own.is_some_and(|api| beside(&api)) {
        return Ok(url);
    }
    Err(format!(
        "the API returned a link to {}://{}, which is neither Amazon S3 over https nor the host of the API",
        url.scheme(),
        quoted(host)
    ))
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

/// The answer of a public address, without following it elsewhere.
pub(crate) fn public(address: &str) -> Result<Answer, String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .redirect(Policy::none());
    let get = async { read(client.build().map_err(cause)?.get(address), MAX_ANSWER).await };
    let answer = wait(get).map_err(|_| "this command failed".to_owned())?;
    answer.map_err(|why| format!("{address} {why}"))
}

fn wait<T>(answer: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Other(error.to_string()))?;
    Ok(runtime.block_on(answer))
}

fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(Policy::none())
        .build()
        .map_err(cause)
}

/// The reason for no answer, by the innermost cause, such as a name that no server knows. It has no
/// URL: a link carries a signature, which no message may show.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string();
    match cause.strip_prefix("invalid peer certificate: ") {
        Some("UnknownIssuer") => {
            let why = "has a certificate of an authority that this machine does not trust; \
                       SSL_CERT_FILE names others";
            why.to_owned()
        }
        Some(cause) => format!("has a certificate that is refused: {cause}"),
        None => format!("does not answer: {cause}"),
    }
}

/// Reads an answer of at most `most` bytes.
async fn read(request: RequestBuilder, most: usize) -> Result<Answer, String> {
    let mut answer = request.send().await.map_err(cause)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(cause)? {
        if body.len() + chunk.len() > most {
            return Err(format!("answers more than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_amazon_s3_or_to_the_host_of_the_api() {
        let (live, local) = ("https://api.example.com", "http://127.0.0.1:4599");
        for (api, link) in [
            (
                live,
                "https://bucket.s3.eu-central-1.amazonaws.com/key?X-Amz-Signature=1",
            ),
            (live, "https://bucket.s3.cn-north-1.amazonaws.com.cn/key"),
            (local, "http://127.0.0.1:4602/bucket/key"),
        ] {
            assert!(link_to_storage(api, link).is_ok(), "{link}");
        }
        for (api, link) in [
            (live, "http://bucket.s3.eu-central-1.amazonaws.com/key"),
            (live, "http://169.254.169.254/latest/meta-data"),
            (live, "https://amazonaws.com.example.org/key"),
            (live, "https://evil-amazonaws.com/key"),
            (
                live,
                "https://abc.execute-api.eu-central-1.amazonaws.com/key",
            ),
            (
                live,
                "https://bucket.s3.eu-central-1.amazonaws.com:8443/key",
            ),
            (live, "file:///etc/passwd"),
            (live, "key"),
            (local, "http://127.0.0.2:4599/key"),
        ] {
            let refused = link_to_storage(api, link).expect_err(link);
            assert!(refused.starts_with("the API returned a link"), "{refused}");
        }
    }
}
