//! The `recover` function: it finds executions whose Step Functions execution is gone, and starts
//! the recovery state machine for them.
//!
//! It reads the status events of Step Functions executions that did not succeed from a queue. AWS
//! delivers them at best effort. So it also looks every minute at the open executions that are due,
//! and lists every five minutes the Step Functions executions that ended. As often it checks the
//! copies of the list of paused scopes.

use std::sync::atomic::{AtomicI64, Ordering};

use holdfast_audit::{About, Metric};
use holdfast_aws::{AwsEngine, Deployment, DynamoLedger, Machines, S3Store, SystemHost, report};
use holdfast_engine::{EndCursor, Host, Recovery, RecoveryError, RecoveryNotice, StatusEvent};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use tracing::{error, info, warn};

/// The seconds between two checks of the copies by one process. A check vouches for three times as
/// long.
const COPIES_CHECK_INTERVAL: i64 = 300;

struct RecoveryHandler {
    engine: AwsEngine,
    machines: Machines,
    stack: String,
    cursor: EndCursor,
    /// The second of the last check of the copies, 0 before the first.
    copies_checked_at: AtomicI64,
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let recover = &RecoveryHandler {
        engine: deployment.engine()?,
        machines: deployment.machines()?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
        cursor: EndCursor::default(),
        copies_checked_at: AtomicI64::default(),
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
                warn!(queue_message = %message["messageId"], "a message is not a status event");
                failed.push(json!({ "itemIdentifier": message["messageId"] }));
                continue;
            };
            if let Err(error) = self.ended(&ended).await {
                warn!(owner = ended.execution_arn, reason = %error, "the status event is handled again later");
                failed.push(json!({ "itemIdentifier": message["messageId"] }));
            }
        }
        json!({ "batchItemFailures": failed })
    }

    async fn ended(&self, ended: &StatusEvent) -> Result<(), RecoveryError> {
        let notice = |notice: RecoveryNotice<'_>| self.notice(&notice);
        Box::pin(self.recovery(&notice).ended(ended)).await
    }

    /// Looks at every execution that is due, reports what is open, and handles ended Step Functions
    /// executions whose status event was lost.
    async fn sweep(&self) -> Result<(), RecoveryError> {
        let notice = |notice: RecoveryNotice<'_>| self.notice(&notice);
        let recovery = self.recovery(&notice);
        let now = SystemHost.now();
        Box::pin(self.check_copies(now)).await;
        let overdue = Box::pin(recovery.sweep()).await?;
        let (open, oldest) = self.engine.ledger.open().await?;
        let age = oldest.map_or(0, |began| now.duration_since(began).as_millis() as i64);
        let counted = [
            (Metric::OpenExecutions, open as i64),
            (Metric::OldestOpenExecution, age),
            (Metric::OverdueExecutions, overdue),
            (
                Metric::OpenIncidents,
                self.engine.ledger.open_incidents().await?,
            ),
        ];
        report(&self.stack, &counted, None, false, now);
        if let Err(error) = Box::pin(recovery.find_unreported()).await {
            warn!(reason = %error, "ended Step Functions executions were not listed");
        }
        Ok(())
    }

    /// Checks the copies of the list of paused scopes. While no check succeeds, attempts read the
    /// controls themselves.
    async fn check_copies(&self, now: Timestamp) {
        let last = self.copies_checked_at.load(Ordering::Relaxed);
        if now.as_second() - last < COPIES_CHECK_INTERVAL {
            return;
        }
        match self.engine.ledger.check_copies(now).await {
            Ok(true) => self
                .copies_checked_at
                .store(now.as_second(), Ordering::Relaxed),
            Ok(false) => info!("a control changed meanwhile: its copies are checked again later"),
            Err(error) => warn!(reason = %error, "the copies of the controls were not checked"),
        }
    }

    fn recovery<'a>(
        &'a self,
        notice: &'a (dyn Fn(RecoveryNotice<'_>) + Sync),
    ) -> Recovery<'a, DynamoLedger, S3Store, SystemHost, Machines> {
        Recovery {
            engine: &self.engine,
            machines: &self.machines,
            cursor: &self.cursor,
            notice,
        }
    }

    /// Logs and counts what the recovery observes.
    fn notice(&self, notice: &RecoveryNotice<'_>) {
        match notice {
            RecoveryNotice::Started {
                execution,
                error,
                again,
            } => {
                warn!(
                    tenant = execution.at.tenant,
                    execution = execution.at.execution,
                    workflow = execution.workflow,
                    trace = %execution.trace,
                    owner = execution.owner,
                    error,
                    again,
                    "the Step Functions execution is gone: recovery starts"
                );
                self.count(Metric::RecoveryStarts, &About::of(execution));
            }
            RecoveryNotice::OwnerStarted { execution } => warn!(
                tenant = execution.at.tenant,
                execution = execution.at.execution,
                owner = execution.owner,
                "the owner that a request named never began: it is started"
            ),
            RecoveryNotice::UnreadableInput { owner } => {
                info!(owner, "the recovery's input cannot be read");
            }
            RecoveryNotice::UnreadableStart {
                workflow,
                version,
                ended,
            } => {
                error!(
                    audit = "workflow.start.malformed",
                    workflow,
                    owner = ended.execution_arn,
                    status = ended.status,
                    "the start cannot be read: its tenant and its key are unknown"
                );
                let about = About {
                    tenant: String::new(),
                    workflow: (*workflow).to_owned(),
                    version: Some(*version),
                    subject: None,
                };
                self.count(Metric::MalformedStarts, &about);
            }
            RecoveryNotice::Overdue { at, reason } => {
                warn!(tenant = at.tenant, execution = at.execution, %reason, "the execution remains overdue");
            }
            RecoveryNotice::Unhandled { owner, reason } => {
                warn!(owner, %reason, "the ended execution is handled again later");
            }
        }
    }

    fn count(&self, metric: Metric, about: &About) {
        report(
            &self.stack,
            &[(metric, 1)],
            Some(about),
            false,
            SystemHost.now(),
        );
    }
}
