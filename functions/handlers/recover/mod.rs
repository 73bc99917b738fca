//! The `recover` function: it finds executions whose Step Functions execution is gone, and starts
//! the recovery state machine for them.
//!
//! It reads the status events of Step Functions executions that did not succeed from a queue. Every
//! minute it also looks at the open executions that are due, and now and then at the Step Functions
//! executions that ended, because AWS delivers status events at best effort.

mod ended;
mod sweep;
mod unreported;

use holdfast_aws::{
    AwsEngine, DeliveryError, Deployment, MachineError, Machines, RecoveryStart, SystemHost, report,
};

use holdfast_audit::{About, Metric};
use holdfast_engine::{Host, TaskError};
use holdfast_ledger::{ExecutionRecord, LedgerError, NextLook};
use holdfast_task::Failure;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use tracing::warn;

use self::{ended::StatusEvent, unreported::Cursor};

struct RecoveryHandler {
    engine: AwsEngine,
    machines: Machines,
    stack: String,
    cursor: Cursor,
}

/// The reason why a recovery could not be started. The queue or the next sweep tries again.
#[derive(Debug, thiserror::Error)]
enum RecoveryError {
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("Step Functions: {0:?}")]
    Machine(MachineError),
    #[error("{0}")]
    Record(#[from] TaskError),
    #[error("a decision was not delivered: {0}")]
    DeliveryError(#[from] DeliveryError),
}

impl From<MachineError> for RecoveryError {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let recover = &RecoveryHandler {
        engine: deployment.engine()?,
        machines: deployment.machines()?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
        cursor: Cursor::default(),
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Boxed, since the SDK's futures nest deeply.
        Box::pin(recover.handle(&event.payload))
            .await
            .map_err(|error| lambda_runtime::Error::from(error.to_string()))
    }))
    .await
}

impl RecoveryHandler {
    async fn handle(&self, event: &Value) -> Result<Value, RecoveryError> {
        if let Some(messages) = event["Records"].as_array() {
            return Ok(self.batch(messages).await);
        }
        match StatusEvent::read(event) {
            Some(ended) => self.ended(&ended).await?,
            None => self.sweep().await?,
        }
        Ok(Value::Null)
    }

    /// Handles the status events of a batch of the queue, and returns those that failed. The queue
    /// delivers these again, and no others.
    async fn batch(&self, messages: &[Value]) -> Value {
        let mut failed = Vec::new();
        for message in messages {
            let event = message["body"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(event).unwrap_or_default();
            let Some(ended) = StatusEvent::read(&event) else {
                warn!(message = %message["messageId"], "a message is not a status event");
                failed.push(json!({ "itemIdentifier": message["messageId"] }));
                continue;
            };
            if let Err(error) = Box::pin(self.ended(&ended)).await {
                warn!(owner = ended.execution_arn, reason = %error, "the status event is handled again later");
                failed.push(json!({ "itemIdentifier": message["messageId"] }));
            }
        }
        json!({ "batchItemFailures": failed })
    }

    /// Starts a recovery of an execution whose owner has ended.
    async fn start(
        &self,
        execution: &ExecutionRecord,
        failure: Failure,
    ) -> Result<RecoveryStart, RecoveryError> {
        let now = SystemHost.now();
        let error = failure.error.clone();
        let minute = now.as_second() / 60;
        let start = self
            .machines
            .recover_ended(execution, failure, minute)
            .await?;
        let next = NextLook::of_recovery(now);
        self.engine.ledger.look_again(execution, next).await?;
        if start == RecoveryStart::AtWork {
            return Ok(start);
        }
        warn!(
            tenant = execution.at.tenant,
            execution = execution.at.execution,
            workflow = execution.workflow,
            trace = %execution.trace,
            owner = execution.owner,
            error,
            again = start == RecoveryStart::Again,
            "the Step Functions execution is gone: recovery starts"
        );
        let about = About::of(execution);
        let started = [(Metric::RecoveryStarts, 1)];
        report(&self.stack, &started, Some(&about), false, now);
        Ok(start)
    }
}
