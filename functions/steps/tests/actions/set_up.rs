//! Calls, actions by name, and secrets from a map, shared by the tests.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast_action::{AnyAction, AppliedEffect, BoxFuture, Call, Secrets, Settings, StepError};
use holdfast_steps::registry;
use serde_json::Value;

/// The first forward attempt of a step.
pub(crate) fn call() -> Call {
    Call {
        tenant: "acme".into(),
        execution: "ex-1".into(),
        step: "notify".into(),
        attempt: 1,
        key: "key-forward".into(),
        forward_key: "key-forward".into(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        reads: false,
        time_left: Duration::from_secs(5),
    }
}

/// The undo of the same step.
pub(crate) fn undo_call() -> Call {
    Call {
        key: "key-undo".into(),
        ..call()
    }
}

/// An undo with an input of its own.
pub(crate) fn done(input: Value, undo_input: Option<Value>) -> AppliedEffect<Value, Value> {
    AppliedEffect {
        input,
        output: None,
        undo_input,
    }
}

pub(crate) struct Store(pub(crate) BTreeMap<String, String>);

impl Secrets for Store {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, StepError>> {
        Box::pin(async move {
            self.0
                .get(name)
                .cloned()
                .ok_or_else(|| StepError::permanent(format!("no secret is called {name:?}")))
        })
    }
}

/// The `http` action with an allow-list. The secrets `token` and `broken`, and `nope`, which the
/// store lacks, are allowed for all of its origins.
pub(crate) fn http(allow: &str) -> Arc<dyn AnyAction> {
    let origins = allow.split(',').map(str::trim);
    let origins = origins.filter(|entry| entry.contains("://"));
    let bound: Vec<_> = origins
        .map(|origin| format!("token={origin},broken={origin},nope={origin}"))
        .collect();
    http_with(allow, &bound.join(","))
}

/// The `http` action with these lists of origins and of secrets.
pub(crate) fn http_with(allow: &str, secret_allow: &str) -> Arc<dyn AnyAction> {
    let secrets = [("token", "s3cr3t-text\n"), ("broken", "s3cr3t\r\ntext")];
    let secrets = secrets.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let lists = [
        ("HOLDFAST_HTTP_ALLOW", allow),
        ("HOLDFAST_SECRET_ALLOW", secret_allow),
    ];
    let lists = lists.map(|(name, list)| (name.to_owned(), list.to_owned()));
    let settings =
        Settings::new(lists).with_secrets(Arc::new(Store(secrets.into_iter().collect())));
    registry().make("http", &settings).expect("an action")
}

pub(crate) fn settings(name: &str, value: &str) -> Settings {
    Settings::new([(name.to_owned(), value.to_owned())])
}

/// The kind of an error in one word, its wait in seconds if it has one, and its message.
pub(crate) fn kind_and_message(error: &StepError) -> (String, &str) {
    use holdfast_action::StepErrorKind::{Missing, Permanent, Transient, Unknown};
    let kind = match error.kind {
        Transient { retry_after: None } => "transient".to_owned(),
        Transient {
            retry_after: Some(wait),
        } => format!("transient {}", wait.as_secs()),
        Unknown { retry_after: None } => "unknown".to_owned(),
        Unknown {
            retry_after: Some(wait),
        } => format!("unknown {}", wait.as_secs()),
        Missing => "missing".to_owned(),
        Permanent => "permanent".to_owned(),
    };
    (kind, &error.message)
}
