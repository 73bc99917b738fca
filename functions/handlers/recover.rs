//! The `recover` function: finds executions that their machine left behind, and starts the recovery machine for them.
//!
//! It is told of every machine that did not end well, and looks by itself for executions that are overdue: status
//! events are best effort, the ledger is not.

use holdfast_aws::{
    AwsEngine, Compiled, Deployment, MachineError, Machines, SystemHost, Undelivered, deliver,
    report,
};
use holdfast_core::{
    audit::{About, Metric},
    engine::{Host, TaskError},
    gate,
    keys::{ExecutionKey, execution_id},
    ledger::{Ledger, LedgerError, Meta},
    task::{BeginTask, Failure, RecoveryInput, error_name},
};
use jiff::SignedDuration;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

/// An execution is left alone for this long after it was due: its machine may be ending it.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A Step Functions execution that did not end well, as its status event tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    execution_arn: String,
    state_machine_arn: String,
    status: String,
    input: Option<String>,
    error: Option<String>,
    cause: Option<String>,
}

struct Recover {
    engine: AwsEngine,
    machines: Machines,
    stack: String,
}

/// Why a recovery could not be started; the event or the next sweep tries again.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("Step Functions: {0:?}")]
    Machine(MachineError),
    #[error("{0}")]
    Begin(TaskError),
    #[error("a decision was not delivered: {0}")]
    Undelivered(#[from] Undelivered),
}

impl From<MachineError> for Failed {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let recover = &Recover {
        engine: deployment.engine()?,
        machines: deployment.machines()?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let ended = event.payload.get("detail").map(Ended::deserialize);
        match ended {
            Some(Ok(ended)) => recover.ended(&ended).await,
            _ => recover.sweep().await,
        }
        .map_err(|error| lambda_runtime::Error::from(error.to_string()))
    }))
    .await
}

impl Recover {
    /// Looks what the machine that ended has left open.
    async fn ended(&self, ended: &Ended) -> Result<(), Failed> {
        let Ended {
            execution_arn,
            status,
            ..
        } = ended;
        let compiled = self
            .machines
            .compiled(execution_arn, &ended.state_machine_arn)
            .await?;
        let Some(meta) = self.meta_of(ended, &compiled).await? else {
            info!(owner = execution_arn, status, "it was not a start");
            return Ok(());
        };
        // Another one acts for it by now, or it has ended like any other.
        if meta.owner != *execution_arn || !meta.is_open() {
            return Ok(());
        }
        let error = ended.error.clone().filter(|error| !error.is_empty());
        let failure = Failure {
            state: String::new(),
            error: error.unwrap_or_else(|| match status.as_str() {
                "TIMED_OUT" => "States.Timeout".to_owned(),
                "ABORTED" => error_name::ABORTED.to_owned(),
                _ => error_name::LOST.to_owned(),
            }),
            cause: ended.cause.clone().unwrap_or_default(),
            by: None,
        };
        let name = format!("{}-{}", meta.at.execution, meta.epoch);
        self.start(&name, &meta, compiled, failure).await
    }

    /// The record of the execution that a machine's input was the start of. A machine that ended before its `Begin`
    /// had written one gets it now: whoever was told that it starts is owed a receipt.
    async fn meta_of(&self, ended: &Ended, compiled: &Compiled) -> Result<Option<Meta>, Failed> {
        let seen = self.machines.look(&ended.execution_arn).await?;
        let input = ended
            .input
            .as_deref()
            .or(seen.as_ref().map(|seen| seen.input.as_str()));
        let raw: Value = input
            .and_then(|input| serde_json::from_str(input).ok())
            .unwrap_or_default();
        let started_at = seen.as_ref().map_or("", |seen| &seen.started_at);
        let Ok(start) = gate::read(&raw, &compiled.gate, started_at) else {
            return Ok(None);
        };
        let workflow = &compiled.gate.workflow;
        let at = ExecutionKey {
            execution: execution_id(&start.tenant, workflow, &start.idempotency_key),
            tenant: start.tenant,
        };
        if let Some(meta) = self.engine.ledger.meta(&at).await? {
            return Ok(Some(meta));
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
        // Whatever it says, what is recorded then rules.
        let begun = self.engine.begin(&task).await;
        if let Err(error) = begun
            && error.name == error_name::TRANSIENT
        {
            return Err(Failed::Begin(error));
        }
        Ok(self.engine.ledger.meta(&at).await?)
    }

    /// Looks after every execution that is overdue and has nobody who acts for it, and after decisions of which the
    /// machine that waits was not told.
    async fn sweep(&self) -> Result<(), Failed> {
        let now = SystemHost.now();
        let mut behind = 0;
        for at in self.engine.ledger.overdue(now).await? {
            match self.overdue(&at).await {
                Ok(found) => behind += i64::from(found),
                Err(error) => {
                    behind += 1;
                    warn!(tenant = at.tenant, execution = at.execution, reason = %error, "it stays overdue");
                }
            }
        }
        let (open, oldest) = self.engine.ledger.open().await?;
        let age = oldest.map_or(0, |began| now.duration_since(began).as_millis() as i64);
        let seen = [
            (Metric::OpenExecutions, open as i64),
            (Metric::OldestOpenExecution, age),
            (Metric::OverdueExecutions, behind),
            (
                Metric::OpenIncidents,
                self.engine.ledger.open_incidents().await?,
            ),
        ];
        report(&self.stack, &seen, None, false, now);
        Ok(())
    }

    /// Looks after one execution; says whether it was found left behind.
    async fn overdue(&self, at: &ExecutionKey) -> Result<bool, Failed> {
        let now = SystemHost.now();
        let Some(snapshot) = self.engine.ledger.snapshot(at).await? else {
            return Ok(false);
        };
        for question in &snapshot.questions {
            deliver(&self.engine.ledger, &self.machines, question).await?;
        }
        let meta = Some(snapshot.meta);
        let Some(meta) = meta.filter(|meta| meta.is_open() && meta.deadline < now - GRACE) else {
            return Ok(false);
        };
        let owner = self.machines.look(&meta.owner).await?;
        if owner.is_some_and(|owner| owner.running) {
            return Ok(false);
        }
        let compiled = self.machines.compiled(&meta.origin, &meta.machine).await?;
        let failure = Failure {
            state: String::new(),
            error: error_name::LOST.to_owned(),
            cause: "its machine ended without a word".to_owned(),
            by: None,
        };
        // One of the same minute is as good; a later one must be able to start.
        let name = format!("{}-{}-{}", at.execution, meta.epoch, now.as_second() / 60);
        self.start(&name, &meta, compiled, failure).await?;
        Ok(true)
    }

    async fn start(
        &self,
        name: &str,
        meta: &Meta,
        compiled: Compiled,
        failure: Failure,
    ) -> Result<(), Failed> {
        warn!(
            tenant = meta.at.tenant,
            execution = meta.at.execution,
            workflow = meta.workflow,
            trace = %meta.trace,
            owner = meta.owner,
            error = failure.error,
            recovery = name,
            "its machine left it behind: recovery starts"
        );
        let input = RecoveryInput {
            execution: meta.reference(),
            failure,
            steps: compiled.steps,
        };
        self.machines.recover(name, &input).await?;
        let about = About::of(meta);
        let started = [(Metric::RecoveryStarts, 1)];
        report(&self.stack, &started, Some(&about), false, SystemHost.now());
        Ok(())
    }
}
