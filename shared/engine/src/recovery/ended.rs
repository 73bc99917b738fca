//! Recovery after a status event: the execution that an ended Step Functions execution left open,
//! and the start that it never recorded.

use holdfast_admission::{StartError, read_start};
use holdfast_ids::{
    arn::{is_express, owner_of},
    keys::ExecutionKey,
};
use holdfast_ledger::{ExecutionRecord, NextLook, OpenIndex, runs_end_at};
use holdfast_task::{ErrorName, Failure, RECOVERY, RecoveryInput};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Recovery, RecoveryError, RecoveryNotice, constants_of};
use crate::{
    bounded_check::undecided,
    lost_start::{LostOwner, LostStart},
    ports::{Host, ObjectStore},
    state_machines::{CompiledMachine, MachineExecution, StateMachines},
};

/// The status event of a Step Functions execution that did not succeed, as EventBridge sends it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusEvent {
    /// ARN of the Step Functions execution.
    pub execution_arn: String,
    /// ARN of its state machine.
    pub state_machine_arn: String,
    /// `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: String,
    /// The input. Absent if it is long: EventBridge carries 256 KiB in all.
    pub input: Option<String>,
    /// The error with which it ended, if it has one.
    pub error: Option<String>,
    /// The cause of the error.
    pub cause: Option<String>,
}

impl StatusEvent {
    /// Reads an event of EventBridge; `None` if it is not a status event.
    pub fn read(event: &Value) -> Option<Self> {
        Self::deserialize(event.get("detail")?).ok()
    }

    /// The event with the error that Step Functions describes.
    fn described(&self, execution: &MachineExecution) -> Self {
        Self {
            error: execution.error.clone(),
            cause: execution.cause.clone(),
            ..self.clone()
        }
    }

    /// The Express run that reported its own end at `now`, since Step Functions describes none
    /// (docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
    fn express_run(&self, now: Timestamp) -> MachineExecution {
        MachineExecution {
            running: false,
            input: self.input.clone().unwrap_or_default(),
            started_at: now.to_string(),
            error: self.error.clone(),
            cause: self.cause.clone(),
            version: None,
        }
    }

    /// The failure with which a recovery ends the execution.
    pub fn failure(&self) -> Failure {
        let error = self.error.clone().filter(|error| !error.is_empty());
        Failure {
            state: String::new(),
            error: error.unwrap_or_else(|| match self.status.as_str() {
                "TIMED_OUT" => "States.Timeout".to_owned(),
                "ABORTED" => ErrorName::Aborted.to_string(),
                _ => ErrorName::Lost.to_string(),
            }),
            cause: self.cause.clone().unwrap_or_default(),
            by: None,
        }
    }
}

/// A Step Functions execution that ended and left no record, with its definition.
struct UnrecordedStart {
    execution: MachineExecution,
    compiled: CompiledMachine,
}

impl UnrecordedStart {
    /// The input as JSON, if it is JSON.
    fn raw(&self) -> Option<Value> {
        serde_json::from_str(&self.execution.input).ok()
    }

    /// True if the Step Functions execution ended with the error `name`.
    fn reports(&self, name: ErrorName) -> bool {
        self.execution.error.as_deref() == Some(name.to_string().as_str())
    }
}

impl<L, S, H, M> Recovery<'_, L, S, H, M>
where
    L: OpenIndex,
    S: ObjectStore,
    H: Host,
    M: StateMachines,
{
    /// Recovers the execution that an ended Step Functions execution left open.
    ///
    /// The event only claims an end. `DescribeExecution` says whether the owner of an open record
    /// has ended, so that an event about a running execution stops nothing.
    pub async fn ended(&self, ended: &StatusEvent) -> Result<(), RecoveryError> {
        let execution = match self.machines.name_of(&ended.state_machine_arn) {
            RECOVERY => self.recovered(ended).await?,
            workflow => self.started(ended, workflow).await?,
        };
        let Some(execution) = execution.filter(ExecutionRecord::is_open) else {
            return Ok(());
        };
        if runs_end_at(&execution).is_some() {
            // The sweep looks at Express runs when they have ended. Only the run itself, not every
            // run of its name, owns a start that `begin` did not record. It has ended, because it
            // reports its own end, and no other run continues its start.
            let run = &ended.execution_arn;
            if execution.owner == *run && owner_of(run) != run {
                self.start(&execution, ended.failure()).await?;
            }
            return Ok(());
        }
        let owner = self.machines.look(&execution.owner).await?;
        let Some(owner) = owner.filter(|owner| !owner.running) else {
            // The sweep looks again soon, because `DescribeExecution` is eventually consistent:
            // docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html.
            let soon = NextLook::of_recovery(self.engine.host.now());
            return Ok(self.engine.ledger.look_again(&execution, soon).await?);
        };
        let failure = match execution.owner == ended.execution_arn {
            true => ended.described(&owner).failure(),
            false => Failure::lost_owner(),
        };
        self.start(&execution, failure).await?;
        Ok(())
    }

    /// The execution for which an ended recovery acted, or should have acted.
    async fn recovered(
        &self,
        ended: &StatusEvent,
    ) -> Result<Option<ExecutionRecord>, RecoveryError> {
        let input = match &ended.input {
            Some(input) => input.clone(),
            None => {
                let described = self.machines.look(&ended.execution_arn).await?;
                described.map_or_else(String::new, |recovery| recovery.input)
            }
        };
        let Ok(input) = serde_json::from_str::<RecoveryInput>(&input) else {
            let owner = &ended.execution_arn;
            (self.notice)(RecoveryNotice::UnreadableInput { owner });
            return Ok(None);
        };
        let at = ExecutionKey {
            tenant: input.execution.tenant,
            execution: input.execution.id,
        };
        // If the recovery ended before it took over, the record names another owner.
        Ok(self.engine.ledger.read(&at).await?)
    }

    /// The execution of a workflow's start. If `begin` recorded none, it is recorded now: the API
    /// may have accepted the start, so the execution must end with a receipt.
    async fn started(
        &self,
        ended: &StatusEvent,
        workflow: &str,
    ) -> Result<Option<ExecutionRecord>, RecoveryError> {
        let owned = |execution: &ExecutionRecord| execution.owner == ended.execution_arn;
        let named = ended.input.as_deref();
        if let Some(start) = named.and_then(|input| LostStart::read(input, workflow))
            && let Some(execution) = self.engine.ledger.read(&start.at).await?
        {
            return Ok(Some(execution).filter(owned));
        }
        let described = self.describe(ended, workflow).await?;
        let Some(lost) = self.lost_start(ended, workflow, &described)? else {
            return Ok(None);
        };
        let owner = LostOwner {
            arn: ended.execution_arn.clone(),
            machine: ended.state_machine_arn.clone(),
            started_at: described.execution.started_at.parse().ok(),
        };
        let gate = &described.compiled.gate;
        let recorded = self.engine.record_lost_start(&lost, &owner, gate).await?;
        if recorded.is_none() {
            self.unrecorded(ended, workflow, &described);
        }
        Ok(recorded.filter(owned))
    }

    /// Notes a start of which nothing is recorded, unless `begin` counted it.
    fn unrecorded(&self, ended: &StatusEvent, workflow: &str, described: &UnrecordedStart) {
        let counted = described.reports(ErrorName::Malformed) && described.raw().is_some();
        if !counted {
            let version = described.compiled.gate.version;
            (self.notice)(RecoveryNotice::UnreadableStart {
                workflow,
                version,
                ended,
            });
        }
    }

    /// Describes the ended execution. What the event says of its input and its error is not used,
    /// so that an event about another start records nothing. Step Functions describes no Express
    /// run, which reports its own end. The definition is cached, so that a mass failure stays
    /// within the rates of Step Functions.
    async fn describe(
        &self,
        ended: &StatusEvent,
        workflow: &str,
    ) -> Result<UnrecordedStart, RecoveryError> {
        let execution = match is_express(&ended.execution_arn) {
            true => ended.express_run(self.engine.host.now()),
            false => {
                let described = self.machines.look(&ended.execution_arn).await?;
                let execution = described.filter(|execution| !execution.running);
                execution.ok_or(RecoveryError::NotEnded)?
            }
        };
        let version = execution.version.as_deref();
        let compiled = constants_of(self.machines, workflow, version).await?;
        Ok(UnrecordedStart {
            execution,
            compiled,
        })
    }

    /// The lost start, as far as it can be read without evaluating what ended `begin`. A start that
    /// cannot be read is noted, unless `begin` noted it.
    ///
    /// Error: the machine gave the mapping no thread or no processor.
    fn lost_start(
        &self,
        ended: &StatusEvent,
        workflow: &str,
        described: &UnrecordedStart,
    ) -> Result<Option<LostStart>, RecoveryError> {
        let (execution, gate) = (&described.execution, &described.compiled.gate);
        if let Some(start) = LostStart::read(&execution.input, workflow) {
            return Ok(Some(start));
        }
        // A mapping that ended `begin` is no transient error. So it is evaluated again if `begin`
        // had no ledger, no thread or no processor.
        if described.reports(ErrorName::Transient)
            && let Some(raw) = described.raw()
        {
            match read_start(&raw, gate, &execution.started_at, &ended.execution_arn) {
                Ok(start) => return Ok(Some(LostStart::mapped(start, workflow))),
                Err(StartError::Shortage(shortage)) => return Err(undecided(shortage).into()),
                Err(StartError::Malformed(_)) => {}
            }
        }
        self.unrecorded(ended, workflow, described);
        Ok(None)
    }
}
