//! The `recover` function: it finds executions whose Step Functions execution is gone, and starts
//! the recovery state machine for them.
//!
//! It receives the status event of every Step Functions execution that did not succeed. It also
//! sweeps the ledger for overdue executions, because AWS delivers status events at best effort.

use holdfast_aws::{
    AwsEngine, CompiledMachine, DeliveryError, Deployment, MachineError, Machines, SystemHost,
    deliver, report,
};

use holdfast_audit::{About, Metric};
use holdfast_engine::{Host, TaskError};
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_ledger::{ExecutionRecord, Ledger, LedgerError};
use holdfast_task::{BeginTask, ErrorName, Failure, RecoveryInput};
use jiff::SignedDuration;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

/// The time after its deadline for which an execution is left alone: its Step Functions execution
/// may be ending it.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The status event of a Step Functions execution that did not succeed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusEvent {
    execution_arn: String,
    state_machine_arn: String,
    status: String,
    input: Option<String>,
    error: Option<String>,
    cause: Option<String>,
}

struct RecoveryHandler {
    engine: AwsEngine,
    machines: Machines,
    stack: String,
}

/// The reason why a recovery could not be started. The event or the next sweep tries again.
#[derive(Debug, thiserror::Error)]
enum RecoveryError {
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("Step Functions: {0:?}")]
    Machine(MachineError),
    #[error("{0}")]
    Begin(TaskError),
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
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let ended = event.payload.get("detail").map(StatusEvent::deserialize);
        match ended {
            Some(Ok(ended)) => recover.ended(&ended).await,
            _ => recover.sweep().await,
        }
        .map_err(|error| lambda_runtime::Error::from(error.to_string()))
    }))
    .await
}

impl RecoveryHandler {
    /// Recovers the execution that an ended Step Functions execution left open.
    async fn ended(&self, ended: &StatusEvent) -> Result<(), RecoveryError> {
        let StatusEvent {
            execution_arn,
            status,
            ..
        } = ended;
        let compiled = self
            .machines
            .compiled(execution_arn, &ended.state_machine_arn)
            .await?;
        let Some(execution) = self.execution_of(ended, &compiled).await? else {
            info!(owner = execution_arn, status, "start malformed");
            return Ok(());
        };
        // Another owner acts for the execution by now, or the execution has ended.
        if execution.owner != *execution_arn || !execution.is_open() {
            return Ok(());
        }
        let error = ended.error.clone().filter(|error| !error.is_empty());
        let failure = Failure {
            state: String::new(),
            error: error.unwrap_or_else(|| match status.as_str() {
                "TIMED_OUT" => "States.Timeout".to_owned(),
                "ABORTED" => ErrorName::Aborted.to_string(),
                _ => ErrorName::Lost.to_string(),
            }),
            cause: ended.cause.clone().unwrap_or_default(),
            by: None,
        };
        let name = format!("{}-{}", execution.at.execution, execution.epoch);
        self.start(&name, &execution, compiled, failure).await
    }

    /// The record of the execution that a state machine's input started.
    ///
    /// If the Step Functions execution ended before `begin` wrote the record, it is written now.
    /// The API may have accepted the start, so the execution must end with a receipt.
    async fn execution_of(
        &self,
        ended: &StatusEvent,
        compiled: &CompiledMachine,
    ) -> Result<Option<ExecutionRecord>, RecoveryError> {
        let described = self.machines.look(&ended.execution_arn).await?;
        let input = ended
            .input
            .as_deref()
            .or(described.as_ref().map(|owner| owner.input.as_str()));
        let raw: Value = input
            .and_then(|input| serde_json::from_str(input).ok())
            .unwrap_or_default();
        let started_at = described.as_ref().map_or("", |owner| &owner.started_at);
        let Ok(start) = holdfast_admission::read_start(&raw, &compiled.gate, started_at) else {
            return Ok(None);
        };
        let workflow = &compiled.gate.workflow;
        let at = ExecutionKey {
            execution: execution_id(&start.tenant, workflow, &start.idempotency_key),
            tenant: start.tenant,
        };
        if let Some(execution) = self.engine.ledger.read(&at).await? {
            return Ok(Some(execution));
        }
        let task = BeginTask {
            gate: compiled.gate.clone(),
            steps: compiled.steps.clone(),
            start: raw,
            owner: ended.execution_arn.clone(),
            machine: ended.state_machine_arn.clone(),
            started_at: started_at.to_owned(),
            trace: None,
        };
        // The record that is read below counts, not this answer.
        let begun = self.engine.begin(&task).await;
        if let Err(error) = begun
            && error.name == ErrorName::Transient
        {
            return Err(RecoveryError::Begin(error));
        }
        Ok(self.engine.ledger.read(&at).await?)
    }

    /// Recovers every overdue execution without a running owner, and delivers decisions that were
    /// not delivered to their waiting Step Functions execution.
    async fn sweep(&self) -> Result<(), RecoveryError> {
        let now = SystemHost.now();
        let mut behind = 0;
        for at in self.engine.ledger.overdue(now).await? {
            match self.overdue(&at).await {
                Ok(found) => behind += i64::from(found),
                Err(error) => {
                    behind += 1;
                    warn!(tenant = at.tenant, execution = at.execution, reason = %error, "the execution remains overdue");
                }
            }
        }
        let (open, oldest) = self.engine.ledger.open().await?;
        let age = oldest.map_or(0, |began| now.duration_since(began).as_millis() as i64);
        let counted = [
            (Metric::OpenExecutions, open as i64),
            (Metric::OldestOpenExecution, age),
            (Metric::OverdueExecutions, behind),
            (
                Metric::OpenIncidents,
                self.engine.ledger.open_incidents().await?,
            ),
        ];
        report(&self.stack, &counted, None, false, now);
        Ok(())
    }

    /// Recovers one execution. Returns true if it was overdue without a running owner.
    async fn overdue(&self, at: &ExecutionKey) -> Result<bool, RecoveryError> {
        let now = SystemHost.now();
        let Some(snapshot) = self.engine.ledger.snapshot(at).await? else {
            return Ok(false);
        };
        for question in &snapshot.questions {
            deliver(&self.engine.ledger, &self.machines, question).await?;
        }
        let execution = Some(snapshot.execution);
        let Some(execution) =
            execution.filter(|execution| execution.is_open() && execution.deadline < now - GRACE)
        else {
            return Ok(false);
        };
        let owner = self.machines.look(&execution.owner).await?;
        if owner.is_some_and(|owner| owner.running) {
            return Ok(false);
        }
        let compiled = self
            .machines
            .compiled(&execution.origin, &execution.machine)
            .await?;
        let failure = Failure {
            state: String::new(),
            error: ErrorName::Lost.to_string(),
            cause: "its Step Functions execution ended without an error".to_owned(),
            by: None,
        };
        // A recovery with the name of the same minute counts as this one. A later minute has its
        // own name.
        let name = format!(
            "{}-{}-{}",
            at.execution,
            execution.epoch,
            now.as_second() / 60
        );
        self.start(&name, &execution, compiled, failure).await?;
        Ok(true)
    }

    async fn start(
        &self,
        name: &str,
        execution: &ExecutionRecord,
        compiled: CompiledMachine,
        failure: Failure,
    ) -> Result<(), RecoveryError> {
        warn!(
            tenant = execution.at.tenant,
            execution = execution.at.execution,
            workflow = execution.workflow,
            trace = %execution.trace,
            owner = execution.owner,
            error = failure.error,
            recovery = name,
            "the Step Functions execution is gone: recovery starts"
        );
        let input = RecoveryInput {
            execution: execution.reference(),
            failure,
            steps: compiled.steps,
        };
        self.machines.recover(name, &input).await?;
        let about = About::of(execution);
        let started = [(Metric::RecoveryStarts, 1)];
        report(&self.stack, &started, Some(&about), false, SystemHost.now());
        Ok(())
    }
}
