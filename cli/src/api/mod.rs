//! A client of the deployment's HTTP API, and the options that say where the API is.

mod answer;
mod link;
mod token;

use std::{error::Error, time::Duration};

use clap::Args;
use holdfast_ids::names::{check_tenant, is_execution_id, quoted};
use reqwest::{Method, RequestBuilder, Url, redirect::Policy};
use serde_json::Value;

pub(crate) use answer::{ListQuery, expect_done, for_command, typed};
pub(crate) use token::TokenSource;

use crate::report::Trouble;

/// The address of the API, the source of the caller's token, and the tenant.
#[derive(Args)]
pub(crate) struct Api {
    /// The API's address: the stack's output ApiUrl
    #[arg(long = "api", env = "HOLDFAST_API", value_name = "URL")]
    base: Option<String>,
    #[command(flatten)]
    token: TokenSource,
    /// The tenant, if it is not that of the token; * is every tenant, for ls, incidents, inbox,
    /// statistics and ids
    #[arg(long, env = "HOLDFAST_TENANT")]
    tenant: Option<String>,
}

/// An API with the token of a caller, once the address is known to be safe for the token.
pub(crate) struct Client {
    base: String,
    token: String,
    tenant: Option<String>,
}

/// A request to the API. The client adds the token and the tenant.
pub(crate) struct ApiRequest<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// Members of the query, which the client escapes.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    /// The header `Idempotency-Key`.
    pub(crate) key: Option<&'a str>,
    /// The seconds of the header `Prefer: wait=N`.
    pub(crate) wait: Option<u16>,
}

impl<'a> ApiRequest<'a> {
    /// A request without query and body.
    pub(crate) fn of(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            key: None,
            wait: None,
        }
    }

    /// A POST of a JSON body.
    pub(crate) fn post(path: &'a str, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::of(Method::POST, path)
        }
    }
}

impl Api {
    /// The client that these options name.
    pub(crate) fn client(&self) -> Result<Client, Trouble> {
        let base = self.base.as_deref().ok_or_else(|| {
            let why = "the API's address is missing: set HOLDFAST_API, or name it by --api";
            Trouble::Usage(why.to_owned())
        })?;
        Client::of(base, self.token.required()?, self.tenant.as_deref())
    }
}

impl Client {
    /// A client of the API at an address that may receive the token.
    pub(crate) fn of(base: &str, token: String, tenant: Option<&str>) -> Result<Self, Trouble> {
        check_address(base).map_err(Trouble::Usage)?;
        if let Some(tenant) = tenant.filter(|tenant| *tenant != EVERY_TENANT) {
            check_tenant(tenant).map_err(Trouble::Usage)?;
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            token,
            tenant: tenant.map(str::to_owned),
        })
    }

    /// The same API for the tenant that a record names.
    pub(crate) fn for_tenant(&self, tenant: Option<&str>) -> Self {
        Self {
            base: self.base.clone(),
            token: self.token.clone(),
            tenant: tenant.map(str::to_owned).or_else(|| self.tenant.clone()),
        }
    }

    /// Gets the resource `below` an execution, or `None` if there is no such execution.
    pub(crate) fn execution(&self, id: &str, below: &str) -> Result<Option<Value>, Trouble> {
        if !is_execution_id(id) {
            return Err(Trouble::Usage(format!(
                "{} is not an execution id: those have 40 hex digits",
                quoted(id)
            )));
        }
        match self.get(&format!("/v1/executions/{id}{below}"), Vec::new())? {
            (404, _) => Ok(None),
            (status, body) => expect_done(status, body).map(Some),
        }
    }

    /// Gets a resource that must exist.
    pub(crate) fn read(&self, path: &str) -> Result<Value, Trouble> {
        let (status, body) = self.get(path, Vec::new())?;
        expect_done(status, body)
    }

    /// Gets a resource that must exist; `None` if the caller's role may not see it.
    pub(crate) fn read_if_allowed(&self, path: &str) -> Result<Option<Value>, Trouble> {
        match self.get(path, Vec::new())? {
            (403, _) => Ok(None),
            (status, body) => expect_done(status, body).map(Some),
        }
    }

    /// The tenant that the options name.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Gets `path`, whose query continues with `query`.
    pub(crate) fn get(
        &self,
        path: &str,
        query: Vec<(&'static str, String)>,
    ) -> Result<(u16, Value), Trouble> {
        self.send(ApiRequest {
            query,
            ..ApiRequest::of(Method::GET, path)
        })
    }

    /// Sends a request that must succeed.
    pub(crate) fn done(&self, request: ApiRequest<'_>) -> Result<Value, Trouble> {
        let (status, body) = self.send(request)?;
        expect_done(status, body)
    }

    /// Sends a request, and returns the status and the JSON of the answer.
    pub(crate) fn send(&self, request: ApiRequest<'_>) -> Result<(u16, Value), Trouble> {
        self.check_scope(request.path)?;
        let mut url = address_of(&self.base, request.path).map_err(Trouble::Other)?;
        let tenant = self.tenant.iter().filter(|_| takes_tenant(request.path));
        let tenant = tenant.map(|tenant| ("tenant", tenant.clone()));
        let query: Vec<_> = request.query.into_iter().chain(tenant).collect();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = async {
            let mut builder = client(&url)?.request(request.method, url);
            builder = builder.bearer_auth(&self.token);
            if let Some(key) = request.key {
                builder = builder.header("idempotency-key", key);
            }
            if let Some(seconds) = request.wait {
                builder = builder.header("prefer", format!("wait={seconds}"));
            }
            if let Some(body) = request.body {
                builder = builder.header("content-type", "application/json");
                builder = builder.body(body.to_string());
            }
            read(builder, MAX_ANSWER).await
        };
        let (status, body) = wait(answer)?
            .map_err(|why| Trouble::Unavailable(format!("{} {why}", quoted(&self.base))))?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Refuses every tenant for a path that is about one.
    pub(crate) fn check_scope(&self, path: &str) -> Result<(), Trouble> {
        let has_id = PATHS_OF_IDS.iter().any(|above| path.starts_with(above));
        let covered = has_id || LISTS_OF_EVERY_TENANT.contains(&path) || !takes_tenant(path);
        if self.tenant() != Some(EVERY_TENANT) || covered {
            return Ok(());
        }
        Err(Trouble::Usage(format!(
            "the tenant {EVERY_TENANT} is for lists of executions, incidents and questions, for \
             statistics and for ids: name one tenant by --tenant or HOLDFAST_TENANT"
        )))
    }

    /// Fetches at most `most` bytes of a link that the API returned. Links carry a signature, so
    /// the request has no token.
    pub(crate) fn fetch(&self, link: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let link = link::link_to_storage(&self.base, link).map_err(Trouble::Other)?;
        match wait(async { read(client(&link)?.get(link), most).await })? {
            Ok((200, body)) => Ok(body),
            Ok((status, _)) => Err(Trouble::Other(format!("the link answered {status}"))),
            Err(why) => Err(Trouble::Other(format!("the link {why}"))),
        }
    }
}

/// The longest answer of the API in bytes. Lambda returns at most 6 MB (Lambda's developer guide,
/// "Lambda quotas", invocation payload).
const MAX_ANSWER: usize = 8 << 20;

/// The name of every tenant, for platform admins and platform observers.
const EVERY_TENANT: &str = "*";

/// The lists that can cover every tenant (docs/api.md).
const LISTS_OF_EVERY_TENANT: [&str; 5] = [
    "/v1/executions",
    "/v1/incidents",
    "/v1/causes",
    "/v1/questions",
    "/v1/statistics",
];

/// The paths above an id, by which the API finds the tenant (docs/api.md).
const PATHS_OF_IDS: [&str; 3] = ["/v1/executions/", "/v1/incidents/", "/v1/bulk/"];

/// True if the tenant of the query has a meaning for the path (docs/api.md).
fn takes_tenant(path: &str) -> bool {
    !path.starts_with("/v1/controls") && !path.starts_with("/v1/tenants")
}

/// Refuses an address to which the token would travel readable.
fn check_address(base: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("the API's address {} {why}", quoted(base)));
    let Ok(url) = Url::parse(base) else {
        return wrong("is no URL, such as https://api.example.com");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user name or a password: the token alone names the caller");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("has a query or a fragment, and the paths of the API follow it");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => wrong("is not https: the token is sent by https only, or to this machine"),
    }
}

/// The address of a path of the API. Some paths come from answers, and the token must reach no
/// other host by them.
fn address_of(base: &str, path: &str) -> Result<Url, String> {
    let own = Url::parse(base).map_err(|_| format!("{} is no address", quoted(base)))?;
    let url = Url::parse(&format!("{base}{path}")).ok().filter(|url| {
        let is_own = url.origin() == own.origin();
        path.starts_with('/') && is_own && url.username().is_empty() && url.password().is_none()
    });
    url.ok_or_else(|| {
        format!(
            "{} is no path of the API: a path begins with / and stays at {}, so nothing was sent",
            quoted(path),
            quoted(base)
        )
    })
}

/// True if the host is this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
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

/// A client that follows no redirect, so that no other host receives the request. A proxy would
/// read what is sent by http, so only https takes one.
fn client(url: &Url) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(Policy::none());
    let builder = match url.scheme() {
        "https" => builder,
        _ => builder.no_proxy(),
    };
    builder.build().map_err(cause)
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
    fn a_path_stays_at_the_host_of_the_api() {
        for base in ["https://api.example.com", "http://127.0.0.1:459"] {
            let good = address_of(base, "/v1/incidents/5ec2").expect(base);
            assert_eq!(good.as_str(), format!("{base}/v1/incidents/5ec2"));
            for bad in [
                "4/v1/incidents/5ec2",
                ":81/v1/incidents/5ec2",
                ".evil.org/v1/incidents/5ec2",
                "@evil.org/v1/incidents/5ec2",
                "v1/incidents/5ec2",
                "",
            ] {
                let why = address_of(base, bad).expect_err(bad);
                assert!(why.contains("is no path of the API"), "{why}");
            }
        }
    }

    #[test]
    fn the_token_is_sent_by_https_or_to_this_machine() {
        for good in [
            "https://api.example.com",
            "https://abc.execute-api.eu-central-1.amazonaws.com/prod/",
            "http://127.0.0.1:4566/_aws/execute-api/abc/%24default",
            "http://localhost:4566",
            "http://[::1]:4566",
        ] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://ann:secret@api.example.com",
            "https://api.example.com?tenant=acme",
            "api.example.com",
        ] {
            let why = check_address(bad).expect_err(bad);
            assert!(why.starts_with("the API's address"), "{why}");
        }
    }
}
