//! Credentials for targets, by name, from Secrets Manager, cached for five minutes so that a
//! rotation takes effect.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_sdk_secretsmanager::{
    Client, error::ProvideErrorMetadata, operation::get_secret_value::GetSecretValueError,
};
use holdfast_action::{BoxFuture, Secrets, StepError};

/// The age at which a cached secret expires, so that a rotated one is read again.
const CACHED_FOR: Duration = Duration::from_secs(300);

/// Secrets Manager.
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    known: Mutex<HashMap<String, (Instant, String)>>,
}

impl SecretsManager {
    /// The account's secrets.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            known: Mutex::default(),
        }
    }

    fn remembered(&self, name: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .filter(|(since, _)| since.elapsed() < CACHED_FOR)
            .map(|(_, text)| text.clone())
    }

    async fn ask(&self, name: &str) -> Result<String, StepError> {
        let answer = self.client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(GetSecretValueError::ResourceNotFoundException(_)) => {
                StepError::permanent(format!("there is no secret called {name}"))
            }
            _ => {
                // It becomes part of the receipt, so that no cause is quoted.
                let why = error.code().unwrap_or("no answer");
                StepError::transient(format!("secret {name} could not be read ({why})"))
            }
        })?;
        answer
            .secret_string
            .ok_or_else(|| StepError::permanent(format!("secret {name} is binary, text is needed")))
    }
}

impl Secrets for SecretsManager {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, StepError>> {
        Box::pin(async move {
            if let Some(text) = self.remembered(name) {
                return Ok(text);
            }
            let text = self.ask(name).await?;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(name.to_owned(), (Instant::now(), text.clone()));
            Ok(text)
        })
    }

    fn check<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move { self.ask(name).await.map(drop) })
    }
}
