//! The action `http`: one request to an allowed address, with the step's idempotency key and an
//! optional credential.

mod address;
mod allow;
mod headers;
mod json;
mod literal;
mod secret_allow;
mod types;

use std::sync::Arc;

use futures_util::future::{join, join_all};
use holdfast_action::{
    Action, AppliedEffect, Call, Check, SECRETS_VARIABLE, Secrets, Setting, Settings, StepError,
    Undo,
};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Answer, CHECK_TIMEOUT, Client, Request};
pub use allow::AllowList;
pub use literal::{RefusedLiteral, refused_literals};
pub use secret_allow::SecretAllowList;
use types::{Auth, Verb};
pub use types::{Input, Output};

/// The action `http`.
pub struct Http {
    client: Client,
    allow: AllowList,
    secret_allow: SecretAllowList,
    secrets: Option<Arc<dyn Secrets>>,
    /// Names of the secrets that definitions use.
    named: Vec<String>,
}

impl Action for Http {
    const NAME: &'static str = "http";
    const SUMMARY: &'static str = "Sends an HTTP request";
    const UNDO: Undo = Undo::OwnInput;
    const SETTINGS: &'static [Setting] = &[
        Setting {
            variable: "HOLDFAST_HTTP_ALLOW",
            parameter: "HttpAllow",
        },
        Setting {
            variable: "HOLDFAST_SECRET_ALLOW",
            parameter: "SecretAllow",
        },
    ];
    type Input = Input;
    type Output = Output;

    fn new(settings: &Settings) -> Result<Self, String> {
        let allow = AllowList::parse(settings.require("HOLDFAST_HTTP_ALLOW").unwrap_or_default())?;
        let secret_allow = settings
            .require("HOLDFAST_SECRET_ALLOW")
            .unwrap_or_default();
        let named = settings.require(SECRETS_VARIABLE).unwrap_or_default();
        let named = named.split(',').filter(|name| !name.is_empty());
        Ok(Self {
            client: Client::within(allow.networks(), allow.needs_tls())?,
            allow,
            secret_allow: SecretAllowList::parse(secret_allow)?,
            secrets: settings.secrets(),
            named: named.map(str::to_owned).collect(),
        })
    }

    /// A GET reads, unless the definition says that it has an effect (`reads: false`).
    fn only_reads(input: &Value) -> bool {
        input["method"] == "GET"
    }

    async fn run(&self, call: &Call, input: Input) -> Result<Output, StepError> {
        output(self.send(call, input, call.reads).await?.success()?)
    }

    async fn undo(&self, call: &Call, done: AppliedEffect<Input, Output>) -> Result<(), StepError> {
        let input = done.undo_input.ok_or_else(|| {
            StepError::permanent(
                "rollback.input is missing: the undo of an http step needs a request of its own",
            )
        })?;
        self.send(call, input, false).await?.undone()
    }

    /// Checks that every origin listed in full answers, and that the secrets of the definitions can
    /// be read.
    async fn check(&self) -> Vec<Check> {
        let origins = self.allow.origins().map(|origin| self.client.check(origin));
        let secrets = self.named.iter().map(|name| self.check_secret(name));
        let (mut checks, secrets) = join(join_all(origins), join_all(secrets)).await;
        checks.extend(secrets);
        checks
    }
}

fn no_store() -> StepError {
    StepError::permanent("auth: this deployment has no store of secrets")
}

impl Http {
    async fn check_secret(&self, name: &str) -> Check {
        let tried = match (self.secret_allow.check_name(name), &self.secrets) {
            (Ok(()), Some(secrets)) => timeout(CHECK_TIMEOUT, secrets.check(name)).await,
            (Ok(()), None) => Ok(Err(no_store())),
            (Err(refused), _) => Ok(Err(refused)),
        };
        let tried = tried.unwrap_or_else(|_| Err(StepError::transient("no answer")));
        Check::of(format!("the secret {name:?} can be read"), tried)
    }

    async fn send(&self, call: &Call, input: Input, reads: bool) -> Result<Answer, StepError> {
        let url = address::address(&self.allow, &input)?;
        let mut headers = headers::from_input(&input.headers)?;
        if let Some(auth) = &input.auth {
            let name = headers::name_of(&auth.header)?;
            self.secret_allow.check(&auth.secret, &url)?;
            let value = self.credential(auth).await?;
            if headers.insert(name, value).is_some() {
                return Err(StepError::permanent(format!(
                    "header {:?} is both in headers and in auth",
                    auth.header
                )));
            }
        }
        let method = match input.method {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete => Method::DELETE,
        };
        let raw = has_other_content(&headers);
        let request = self.client.request(call, method, url).headers(headers);
        let request = with_body(request, input.body, raw)?;
        request.only_reads(reads).send().await
    }

    async fn credential(&self, auth: &Auth) -> Result<HeaderValue, StepError> {
        let Some(secrets) = &self.secrets else {
            return Err(no_store());
        };
        let secret = secrets.get(&auth.secret).await?;
        let text = format!("{} {}", auth.scheme, secret.trim());
        // The message leaves out the text of the secret.
        let mut value = headers::value_of(text.trim_start()).ok_or_else(|| {
            StepError::permanent(format!(
                "auth: the secret {:?} or its scheme has characters that no header can carry",
                auth.secret
            ))
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// True if the definition names a content-type other than JSON.
fn has_other_content(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| !value.to_ascii_lowercase().contains("json"))
}

fn with_body(
    request: Request<'_>,
    body: Option<Value>,
    raw: bool,
) -> Result<Request<'_>, StepError> {
    match body {
        None => Ok(request),
        Some(Value::String(text)) if raw => Ok(request.text(text)),
        Some(_) if raw => Err(StepError::permanent(
            "body: with a content-type other than JSON it must be a string",
        )),
        Some(body) => request.json(&body),
    }
}

fn output(answer: Answer) -> Result<Output, StepError> {
    let body = match answer.text() {
        Ok(text) => Ok(json::body_of(text)),
        // A request that only reads exists for its body, which would be the same at a retry.
        Err(error) if answer.reads() => return Err(answer.unreadable(&error)),
        // The status proves the effect. As an unknown outcome, the request would be repeated for
        // nothing, or put to a person. A later step that needs the body fails, and then this one is
        // undone.
        Err(error) => Err(error),
    };
    Ok(Output {
        status: answer.status(),
        headers: headers::to_output(answer.headers()),
        body_omitted: body.is_err(),
        body_error: body.as_ref().err().map(ToString::to_string),
        body: body.unwrap_or_default(),
    })
}
