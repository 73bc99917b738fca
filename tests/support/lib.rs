//! Clients of a running stack for the tests and the demo: its API, its vendor system and its AWS
//! services.

mod alarms;
mod api;
mod aws;
mod judge;
mod outage;
mod receipt;
mod throttle;
pub mod tokens;
mod vendor;
mod workers;

pub use alarms::Alarm;
pub use api::{Api, Reply};
pub use aws::{
    Account, Aws, EnvironmentChange, ExpressRun, FunctionReply, Injury, MachineEnd, Permission,
    Queue, StatusEvents, StreamConsumer, elements, execution_key, express_copy, read_workflow,
    sdk_config, unescaped,
};
pub use judge::{DeclaredEffects, account, judge};
pub use outage::Outage;
pub use receipt::{ReceiptDownload, valid_receipt};
pub use throttle::Throttle;
pub use vendor::{BlockedCalls, Vendor};
pub use workers::{kill, stop, workers};

use std::{
    env,
    future::Future,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// The workflow of the specification.
pub const DELAY: &str = "WF-DELAY-VENDOR-PAYMENTS-ACME";

/// A running stack.
pub struct Stack {
    /// The HTTP API, as a platform admin who acts for tenant `acme`.
    pub api: Api,
    /// The target of its workflows.
    pub vendor: Vendor,
    /// The AWS services.
    pub aws: Aws,
    turn: SemaphorePermit<'static>,
}

/// The number of tests that use the stack side by side.
const SIDE_BY_SIDE: u32 = 8;

/// The turns of the tests that use the stack. A test that injures it takes all of them.
static TURNS: Semaphore = Semaphore::const_new(SIDE_BY_SIDE as usize);

impl Stack {
    /// The stack that the environment names, as soon as it has room for one more test.
    pub async fn from_env() -> Self {
        Self::with(TURNS.acquire().await.expect("never closed")).await
    }

    /// The stack for one test alone, until [`Stack::share`].
    ///
    /// It comes after all tests that wait to share the stack. If it made them wait instead, the
    /// stack would idle before each such test, as long as the longest of the others lasts.
    pub async fn alone() -> Self {
        loop {
            if let Ok(all) = TURNS.try_acquire_many(SIDE_BY_SIDE) {
                return Self::with(all).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets other tests use the stack again.
    #[must_use]
    pub fn share(mut self) -> Self {
        drop(self.turn.split(self.turn.num_permits() - 1));
        self
    }

    async fn with(turn: SemaphorePermit<'static>) -> Self {
        Self {
            api: Api::new(variable("HOLDFAST_API"), "acme"),
            vendor: Vendor::new(variable("HOLDFAST_VENDOR_SYSTEM")),
            aws: Aws::from_env().await,
            turn,
        }
    }
}

/// A variable of the stack's environment.
///
/// # Panics
///
/// Panics and names the commands that set it, if it is not set.
pub fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `make up`, then `source .local/env`"))
}

/// True if the stack's emulator enforces IAM policies.
pub fn enforced() -> bool {
    env::var("HOLDFAST_IAM").as_deref() == Ok("true")
}

/// The input of the specification's workflow.
pub fn hold(vendor: &str) -> Value {
    json!({ "vendor_id": vendor, "hold_days": 14 })
}

/// JSON of lists in each other, as many as `levels`.
#[must_use]
pub fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

/// A text that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", &Uuid::now_v7().simple().to_string()[14..])
}

/// Waits until the rollback of an execution has begun, after which no step may act any more. What a
/// blocked call answers from then on changes nothing of how the execution ends.
pub async fn taken_over(stack: &Stack, id: &str) {
    eventually(&format!("the rollback of {id} begins"), || async {
        let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
        match execution["status"].as_str() {
            Some("RUNNING" | "WAITING") | None => Err(execution.to_string()),
            Some(_) => Ok(()),
        }
    })
    .await;
}

/// The least time that a wait has. A loaded machine takes many times what a quiet one takes, and a
/// wait that succeeds ends early.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Repeats `attempt` until it succeeds, for at most [`PATIENCE`], and gives its value.
///
/// # Panics
///
/// Panics with `what` and the last error if the time is over.
pub async fn eventually<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    attempt: impl FnMut() -> F,
) -> T {
    eventually_within(PATIENCE, what, attempt).await
}

/// Repeats `attempt` as [`eventually`] does, for a wait that takes longer on a quiet machine too.
///
/// # Panics
///
/// Panics with `what` and the last error if the time is over.
pub async fn eventually_within<T, F: Future<Output = Result<T, String>>>(
    longest: Duration,
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let until = Instant::now() + longest;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) if Instant::now() > until => {
                panic!("{what}: not within {longest:?}; the last error: {error}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The texts of `field` in a list of JSON objects.
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
