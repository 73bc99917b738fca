//! What the tests and the demo know of a running stack: its API, its vendor system, and its AWS services.

mod api;
mod aws;
mod deploy;
mod vendor;

pub use api::{Api, Reply};
pub use aws::{Aws, Ended};
pub use vendor::Vendor;

use std::{env, future::Future, time::Duration};

use serde_json::Value;
use uuid::Uuid;

/// The workflow of the specification.
pub const DELAY: &str = "WF-DELAY-VENDOR-PAYMENTS-ACME";

/// A running stack.
pub struct Stack {
    /// Its HTTP API, as tenant `acme`.
    pub api: Api,
    /// The system its workflows act on.
    pub vendor: Vendor,
    /// Its AWS services.
    pub aws: Aws,
}

impl Stack {
    /// The stack that the environment names.
    pub async fn from_env() -> Self {
        Self {
            api: Api::new(variable("HOLDFAST_API"), "acme"),
            vendor: Vendor::new(variable("HOLDFAST_VENDOR_SYSTEM")),
            aws: Aws::from_env().await,
        }
    }
}

/// A variable of the stack's environment.
///
/// # Panics
///
/// Panics with what to do if it is not set.
pub fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `make up`, then `source .local/env`"))
}

/// A text that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", &Uuid::now_v7().simple().to_string()[14..])
}

/// Asks until the answer is some, for as long as `seconds`.
///
/// # Panics
///
/// Panics with `what` if the time is over.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    seconds: u64,
    mut ask: impl FnMut() -> F,
) -> T {
    for _ in 0..seconds * 5 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what}: not within {seconds} s")
}

/// The texts of `field` in a list of objects.
pub fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array()
        .map(|items| {
            items
                .iter()
                .filter_map(|item| item[field].as_str())
                .collect()
        })
        .unwrap_or_default()
}
