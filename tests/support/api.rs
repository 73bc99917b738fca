//! A client of the HTTP API, as a platform admin who acts for one tenant, or as anybody else.

use holdfast_access::Role;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

use crate::{eventually, tokens};

/// The API as somebody sees it.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: String,
    /// The tenant that every query names, if it names one.
    named: Option<String>,
    token: String,
}

/// Fault needs no token and no tenant.
const OPEN: [&str; 2] = ["/v1/keys", "/v1/openapi.json"];

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers, by lower-case name.
    pub headers: reqwest::header::HeaderMap,
    /// Its body: JSON, or its text.
    pub body: Value,
    /// Its body as it came.
    pub text: String,
}

impl Reply {
    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Api {
    /// The API at `base` as a platform admin who acts for `tenant`.
    pub fn new(base: String, tenant: &str) -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            .build()
            .expect("an HTTP client");
        Self {
            http,
            base,
            named: Some(tenant.to_owned()),
            token: tokens::token(Role::PlatformAdmin, None, "tests"),
        }
    }

    /// The same API as this platform admin.
    #[must_use]
    pub fn as_actor(&self, actor: &str) -> Self {
        self.bearing(tokens::token(Role::PlatformAdmin, None, actor))
    }

    /// The same API on behalf of another tenant.
    #[must_use]
    pub fn as_tenant(&self, tenant: &str) -> Self {
        Self {
            named: Some(tenant.to_owned()),
            ..self.clone()
        }
    }

    /// The same API as somebody in this role, who belongs to this tenant and names none.
    #[must_use]
    pub fn as_role(&self, role: Role, tenant: &str) -> Self {
        Self {
            named: None,
            ..self.bearing(tokens::token(role, Some(tenant), role.name()))
        }
    }

    /// The same API with another token.
    #[must_use]
    pub fn bearing(&self, token: String) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    /// A request to `path` without a token, and with no tenant added.
    pub fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request to `path`.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let path = match &self.named {
            Some(tenant) if !OPEN.contains(&path) => {
                let sign = if path.contains('?') { '&' } else { '?' };
                format!("{path}{sign}tenant={tenant}")
            }
            _ => path.to_owned(),
        };
        self.anonymous(method, &path).bearer_auth(&self.token)
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let answer = request.send().await.expect("the API answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("the answer is text");
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
        Reply {
            status,
            headers,
            body,
            text,
        }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path)).await
    }

    /// `POST path`.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let request = self.request("POST", path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// `PUT path`.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        let request = self.request("PUT", path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Starts a workflow.
    pub async fn start(&self, workflow: &str, key: &str, input: &Value) -> Reply {
        let path = format!("/v1/workflows/{workflow}/executions");
        let request = self.request("POST", &path).header("idempotency-key", key);
        self.send(
            request
                .header("content-type", "application/json")
                .body(json!({ "input": input }).to_string()),
        )
        .await
    }

    /// Starts a workflow that must be new, and gives its execution's id: sent again where the answer says so.
    pub async fn started(&self, workflow: &str, key: &str, input: &Value) -> String {
        let mut reply = self.start(workflow, key, input).await;
        let mut fresh = [202].as_slice();
        for _ in 0..5 {
            // The function, or the gateway before it, did not answer in time.
            if reply.status < 500 {
                break;
            }
            reply = self.start(workflow, key, input).await;
            // It may have begun all the same.
            fresh = &[200, 202];
        }
        assert!(fresh.contains(&reply.status), "{}", reply.body);
        reply.body["execution_id"]
            .as_str()
            .expect("an execution id")
            .to_owned()
    }

    /// Waits until an execution has its receipt, and gives both.
    pub async fn finished(&self, id: &str) -> (Value, Value) {
        let execution = eventually(&format!("execution {id} has a receipt"), 300, || async {
            let reply = self.get(&format!("/v1/executions/{id}")).await;
            if reply.status != 200 || reply.body["receipt"].is_null() {
                return Err(format!("{} {}", reply.status, reply.body));
            }
            Ok(reply.body)
        })
        .await;
        (execution, self.receipt(id).await.receipt)
    }

    /// Fetches any URL without credentials.
    pub async fn fetch(&self, url: &str) -> Reply {
        self.send(self.http.get(url)).await
    }

    /// The same with another method.
    pub async fn fetch_as(&self, method: &str, url: &str) -> Reply {
        let method = method.parse().expect("a method");
        self.send(self.http.request(method, url)).await
    }

    /// The bytes at any URL, fetched without credentials.
    pub async fn bytes(&self, url: &str) -> Vec<u8> {
        self.http
            .get(url)
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a body")
            .to_vec()
    }
}
