//! HTTP for actions: one request for a call, with its idempotency key. The answer is limited in
//! size and classified.

mod answer;
mod body;
mod credentials;
mod judge;
mod network;

use std::{sync::Arc, time::Duration};

use holdfast_action::{Call, Check, Effect, Settings, StepError};
use reqwest::{
    Method, Response, Url,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde::Serialize;

pub use answer::{Answer, BODY_LIMIT};
pub use body::BodyError;
use credentials::Credentials;
pub use ipnet::IpNet;
use judge::SentRequest;
use network::Reach;
pub use network::parse_network;

/// The header that carries the key of the effect.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header by which an undo names the effect that it undoes.
pub(crate) const FORWARD_KEY: HeaderName = HeaderName::from_static("holdfast-forward-key");

/// The header that joins a target's traces to the execution's (W3C Trace Context).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longest time to connect. After it the target counts as down; nothing was sent, so the failure is
/// transient.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for the answer to a check, so that the function can report it in time.
pub(crate) const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that are read of an answer that is no success. The ledger keeps fewer.
const EXPLANATION_LIMIT: usize = 16 << 10;
/// Longest time for them.
const EXPLANATION_TIME: Duration = Duration::from_secs(1);
/// Longest time that a connection stays idle. Common servers close an idle connection after 5 s,
/// and a request lost to that race has an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The HTTP connections of an action, made once per process.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

impl Client {
    /// A client for targets that the deployment names, at any address. `tls` says whether any of
    /// them is `https`. Only then the system's certificates are read, which takes milliseconds.
    pub fn new(tls: bool) -> Result<Self, String> {
        Self::build(tls, None)
    }

    /// A client for targets that a definition or an input names. A name resolves to public
    /// addresses and `networks` only.
    pub fn within(networks: &[IpNet], tls: bool) -> Result<Self, String> {
        Self::build(tls, Some(Reach::new(networks)))
    }

    fn build(tls: bool, reach: Option<Reach>) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT);
        let builder = if tls {
            builder
        } else {
            builder.tls_certs_only([])
        };
        let builder = match reach {
            Some(reach) => builder.dns_resolver(Arc::new(reach)),
            None => builder,
        };
        builder
            .build()
            .map(Self)
            .map_err(|error| format!("the HTTP client cannot be made: {error}"))
    }

    /// Checks by `HEAD`, which has no effect (RFC 9110 §9.2.1), that a target answers with any
    /// status.
    pub async fn check(&self, url: &Url) -> Check {
        let origin = url.origin().ascii_serialization();
        let sent = SentRequest {
            what: "HEAD".to_owned(),
            effect: Effect::None,
            attempt: 1,
            path: String::new(),
            credentials: Credentials::default(),
        };
        let request = self.0.head(url.clone()).timeout(CHECK_TIMEOUT);
        let answer = request.send().await;
        Check::of(
            format!("{origin} answers"),
            answer.map_err(|error| judge::lost(&sent, &error)),
        )
    }

    /// A request for `call`.
    pub fn request<'a>(&'a self, call: &'a Call, method: Method, url: Url) -> Request<'a> {
        Request {
            client: self,
            call,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            effect: None,
        }
    }
}

/// A target system at a fixed address.
#[derive(Debug, Clone)]
pub struct Service {
    client: Client,
    base: Url,
}

impl Service {
    /// The system whose address is in the environment variable `variable`, such as
    /// `https://vendors.example.com/api`.
    pub fn from_setting(settings: &Settings, variable: &str) -> Result<Self, String> {
        let text = settings.require(variable)?;
        let base = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .filter(|url| url.username().is_empty() && url.password().is_none())
            .ok_or_else(|| {
                format!(
                    "environment variable {variable} must be an address such as \
                     https://api.example.com, without user name or password"
                )
            })?;
        let client = Client::new(base.scheme() == "https")?;
        Ok(Self { client, base })
    }

    /// Checks that the system answers.
    pub async fn check(&self) -> Vec<Check> {
        vec![self.client.check(&self.base).await]
    }

    /// A GET of `path`. Its parts are escaped, so that no part can name anything above it.
    pub fn get<'a>(&'a self, call: &'a Call, path: &[&str]) -> Request<'a> {
        self.request(call, Method::GET, path)
    }

    /// A POST to `path`.
    pub fn post<'a>(&'a self, call: &'a Call, path: &[&str]) -> Request<'a> {
        self.request(call, Method::POST, path)
    }

    /// A DELETE of `path`.
    pub fn delete<'a>(&'a self, call: &'a Call, path: &[&str]) -> Request<'a> {
        self.request(call, Method::DELETE, path)
    }

    /// A request to `path` with any method.
    pub fn request<'a>(&'a self, call: &'a Call, method: Method, path: &[&str]) -> Request<'a> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.client.request(call, method, url)
    }
}

/// A request before it is sent.
#[must_use = "nothing is sent before `send`"]
pub struct Request<'a> {
    client: &'a Client,
    call: &'a Call,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// The effect, if the method does not say it.
    effect: Option<Effect>,
}

impl Request<'_> {
    /// Adds `name=value` to the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Sets `body` as the JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, StepError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| StepError::permanent(format!("the body is not JSON: {error}")))?;
        self.headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        self.body = Some(bytes);
        Ok(self)
    }

    /// Says whether the request only reads, where its method does not say so: a search by POST only
    /// reads, a GET may have an effect.
    pub fn only_reads(mut self, reads: bool) -> Self {
        self.effect = match (reads, effect_of(&self.method)) {
            (true, _) => Some(Effect::None),
            // A proxy may send a GET again, too.
            (false, Effect::None) => Some(Effect::Repeatable),
            (false, effect) => Some(effect),
        };
        self
    }

    pub(crate) fn text(mut self, body: String) -> Self {
        self.body = Some(body.into_bytes());
        self
    }

    pub(crate) fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sends the request with the call's key, and reads the answer of any status. A lost answer is
    /// an error: transient if nothing can have been sent, unknown if something may have been.
    pub async fn send(mut self) -> Result<Answer, StepError> {
        let sent = SentRequest {
            what: format!(
                "{} {}",
                self.method,
                self.url.origin().ascii_serialization()
            ),
            effect: self.effect.unwrap_or_else(|| effect_of(&self.method)),
            attempt: self.call.attempt,
            path: self.url.path().to_owned(),
            credentials: Credentials::of(&self.headers),
        };
        self.headers
            .insert(IDEMPOTENCY_KEY, key_header(&self.call.key)?);
        if self.call.forward_key != self.call.key {
            self.headers
                .insert(FORWARD_KEY, key_header(&self.call.forward_key)?);
        }
        // A traceparent that the definition sets stays.
        if let Ok(traceparent) = HeaderValue::from_str(&self.call.traceparent) {
            self.headers.entry(TRACEPARENT).or_insert(traceparent);
        }
        let takes_body = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        let mut request = self
            .client
            .0
            .request(self.method, self.url)
            .headers(self.headers)
            .timeout(self.call.time_left);
        request = match self.body {
            Some(body) => request.body(body),
            // Some targets answer 411 to a request without a length (RFC 9110 §8.6).
            None if takes_body => request.header(CONTENT_LENGTH, HeaderValue::from_static("0")),
            None => request,
        };
        let lost = |error| judge::lost(&sent, &error);
        let mut response = request.send().await.map_err(lost)?;
        let body = if response.status().is_success() {
            read(&mut response).await.map_err(lost)?
        } else {
            Some(beginning(&mut response).await)
        };
        let body = body.ok_or(BodyError::TooLarge);
        let body = body.and_then(|bytes| body::decompressed(response.headers(), bytes));
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
            request: sent,
        })
    }
}

fn effect_of(method: &Method) -> Effect {
    if method.is_safe() {
        Effect::None
    } else if method.is_idempotent() {
        Effect::Repeatable
    } else {
        Effect::Single
    }
}

fn key_header(key: &str) -> Result<HeaderValue, StepError> {
    HeaderValue::from_str(key)
        .map_err(|_| StepError::permanent("the idempotency key does not fit in a header"))
}

/// The beginning of the body of an answer that is no success. The status decides the outcome, so
/// that a body that is late or lost changes nothing.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() >= EXPLANATION_LIMIT {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(EXPLANATION_TIME, read).await;
    bytes.truncate(EXPLANATION_LIMIT);
    bytes
}

/// The whole body as it was sent, or none if it is larger than [`BODY_LIMIT`]. A cut body is an
/// error here, so that it differs from a whole one that cannot be read.
async fn read(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > BODY_LIMIT {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}
