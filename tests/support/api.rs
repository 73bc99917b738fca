//! A client of the HTTP API, as one tenant.

use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

use crate::eventually;

/// The API as one tenant sees it.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: String,
    tenant: String,
    actor: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers, by lower-case name.
    pub headers: reqwest::header::HeaderMap,
    /// Its body: JSON, or its text.
    pub body: Value,
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
    /// The API at `base` as `tenant`.
    pub fn new(base: String, tenant: &str) -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            .build()
            .expect("an HTTP client");
        Self {
            http,
            base,
            tenant: tenant.to_owned(),
            actor: None,
        }
    }

    /// The same API as this person.
    #[must_use]
    pub fn as_actor(&self, actor: &str) -> Self {
        Self {
            actor: Some(actor.to_owned()),
            ..self.clone()
        }
    }

    /// The same API as another tenant.
    #[must_use]
    pub fn as_tenant(&self, tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            ..self.clone()
        }
    }

    /// A request to `path` without a tenant.
    pub fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request to `path`.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self
            .anonymous(method, path)
            .header("x-holdfast-tenant", &self.tenant);
        match &self.actor {
            Some(actor) => request.header("x-holdfast-actor", actor),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let answer = request.send().await.expect("the API answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("the answer is text");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply {
            status,
            headers,
            body,
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

    /// Starts a workflow that must be new, and gives its execution's id.
    pub async fn started(&self, workflow: &str, key: &str, input: &Value) -> String {
        let reply = self.start(workflow, key, input).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        reply.body["execution_id"]
            .as_str()
            .expect("an execution id")
            .to_owned()
    }

    /// Waits until an execution has its receipt, and gives both.
    pub async fn finished(&self, id: &str) -> (Value, Value) {
        let execution = eventually(&format!("execution {id} has a receipt"), 120, || async {
            let reply = self.get(&format!("/v1/executions/{id}")).await;
            if reply.status != 200 || reply.body["receipt"].is_null() {
                return Err(format!("{} {}", reply.status, reply.body));
            }
            Ok(reply.body)
        })
        .await;
        let link = self.get(&format!("/v1/executions/{id}/receipt")).await;
        assert_eq!(link.status, 200, "{}", link.body);
        let receipt = self.fetch(link.body["url"].as_str().expect("a url")).await;
        assert_eq!(receipt.status, 200, "{}", receipt.body);
        (execution, receipt.body)
    }

    /// Fetches any URL without credentials.
    pub async fn fetch(&self, url: &str) -> Reply {
        self.send(self.http.get(url)).await
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
