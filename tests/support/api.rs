//! A client of the HTTP API: a platform admin who acts for one tenant, or another principal.

use std::time::Duration;

use holdfast_access::Role;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

use crate::{eventually_within, tokens};

/// A client with a token and, if the token is for every tenant, a tenant to name.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: String,
    /// The tenant that every query names, if any.
    tenant: Option<String>,
    token: String,
}

/// Routes that need neither a token nor a tenant.
const PUBLIC: [&str; 2] = ["/v1/keys", "/v1/openapi.json"];

/// A response, with its whole body.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON, or as a text if it is not JSON.
    pub body: Value,
    /// The body as it arrived.
    pub text: String,
}

impl Reply {
    /// The value of a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Api {
    /// A client of the API at `base`, as a platform admin who acts for `tenant`.
    pub fn new(base: String, tenant: &str) -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            // A server may end an idle connection while a request is sent on it.
            .pool_max_idle_per_host(0)
            .build()
            .expect("an HTTP client");
        Self {
            http,
            base,
            tenant: Some(tenant.to_owned()),
            token: tokens::token(Role::PlatformAdmin, None, "tests"),
        }
    }

    /// The same client as the platform admin `actor`.
    #[must_use]
    pub fn as_actor(&self, actor: &str) -> Self {
        self.bearing(tokens::token(Role::PlatformAdmin, None, actor))
    }

    /// The same client on behalf of another tenant.
    #[must_use]
    pub fn as_tenant(&self, tenant: &str) -> Self {
        Self {
            tenant: Some(tenant.to_owned()),
            ..self.clone()
        }
    }

    /// The same client as a principal with this role, of this tenant, which no query names.
    #[must_use]
    pub fn as_role(&self, role: Role, tenant: &str) -> Self {
        Self {
            tenant: None,
            ..self.bearing(tokens::token(role, Some(tenant), role.name()))
        }
    }

    /// The same client with another token.
    #[must_use]
    pub fn bearing(&self, token: String) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    /// A request to `path` without a token or an added tenant.
    pub fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request to `path` with the token, and with the tenant if the client names one.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let path = match &self.tenant {
            Some(tenant) if !PUBLIC.contains(&path) => {
                let separator = if path.contains('?') { '&' } else { '?' };
                format!("{path}{separator}tenant={tenant}")
            }
            _ => path.to_owned(),
        };
        self.anonymous(method, &path).bearer_auth(&self.token)
    }

    /// Sends a request and reads the response.
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

    /// Starts a workflow with an idempotency key.
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

    /// Starts a workflow that must be new and gives the id of its execution. Repeats the request
    /// after a 5xx response.
    pub async fn started(&self, workflow: &str, key: &str, input: &Value) -> String {
        let mut reply = self.start(workflow, key, input).await;
        let mut fresh = [202].as_slice();
        for _ in 0..5 {
            // A 5xx response says that the function or the gateway did not answer in time.
            if reply.status < 500 {
                break;
            }
            reply = self.start(workflow, key, input).await;
            // The execution may have begun all the same, which makes this start a duplicate.
            fresh = &[200, 202];
        }
        assert!(fresh.contains(&reply.status), "{}", reply.body);
        reply.body["execution_id"]
            .as_str()
            .expect("an execution id")
            .to_owned()
    }

    /// Waits until an execution has a receipt, and gives the execution and the receipt.
    pub async fn finished(&self, id: &str) -> (Value, Value) {
        let execution = eventually_within(
            Duration::from_secs(300),
            &format!("execution {id} has a receipt"),
            || async {
                let reply = self.get(&format!("/v1/executions/{id}")).await;
                if reply.status != 200 || reply.body["receipt"].is_null() {
                    return Err(format!("{} {}", reply.status, reply.body));
                }
                Ok(reply.body)
            },
        )
        .await;
        let receipt = self.receipt(id).await.receipt;
        // A role without payloads does not see them.
        if let Some(effects) = execution.get("residual_effects") {
            assert_eq!(*effects, receipt["residual_effects"], "{execution}");
        }
        (execution, receipt)
    }

    /// Fetches a URL without credentials.
    pub async fn fetch(&self, url: &str) -> Reply {
        self.send(self.http.get(url)).await
    }

    /// Requests a URL by another method, without credentials.
    pub async fn fetch_as(&self, method: &str, url: &str) -> Reply {
        let method = method.parse().expect("a method");
        self.send(self.http.request(method, url)).await
    }

    /// The bytes at a URL, fetched without credentials.
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
