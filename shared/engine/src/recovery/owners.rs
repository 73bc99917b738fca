//! Owners of executions: their names, their inputs, and which one is started next.

use holdfast_admission::Envelope;
use holdfast_ids::{arn::express_owner, names::check_text};
use holdfast_ledger::{ExecutionRecord, Phase};
use holdfast_task::{Failure, RECOVERY, RecoveryInput, payload::Payload};
use serde_json::json;

use crate::state_machines::{CompiledMachine, MachineError, StartOutcome, StateMachines};

/// The name of the recovery execution that owns `execution` in `epoch`, if a request or a status
/// event started it.
pub fn recovery_name(execution: &ExecutionRecord, epoch: u64) -> String {
    format!("{}-{epoch}", execution.at.execution)
}

/// The name of the Step Functions execution that redrives `execution` as `generation`.
pub fn redrive_name(execution: &ExecutionRecord, generation: u32) -> String {
    format!("{}-r{generation}", execution.at.execution)
}

/// Starts the owner that the execution record names, unless it runs already. Returns false if the
/// record names no owner that a request starts.
///
/// A redrive runs the version with which its request was checked, whatever was deployed since. No
/// execution of a deleted version [can be started][deleted]. What is deployed runs then, and
/// `begin` checks the redrive again.
///
/// [deleted]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachineVersion.html
pub async fn start_owner<M: StateMachines>(
    machines: &M,
    execution: &ExecutionRecord,
) -> Result<bool, MachineError> {
    let recovery = recovery_name(execution, execution.epoch);
    if execution.owner == machines.execution_arn(RECOVERY, &recovery) {
        // The recovery uses the recorded failure. This copy is for readers of its input.
        let failure = match &execution.phase {
            Phase::Unwinding { failure } => failure.clone(),
            _ => Failure::rejected(),
        };
        let input = recovery_input(machines, execution, failure).await?;
        machines.recover(&recovery, &input).await?;
        return Ok(true);
    }
    let redrive = redrive_name(execution, execution.generation);
    let standard = machines.execution_arn(&execution.workflow, &redrive);
    if execution.owner != standard && execution.owner != express_owner(&standard) {
        return Ok(false);
    }
    let envelope = redrive_envelope(execution);
    let checked = execution
        .redrive()
        .and_then(|redrive| redrive.machine.as_ref());
    if let Some(version) = checked {
        match machines.start_version(version, &redrive, &envelope).await {
            Err(MachineError::NoSuchWorkflow) => {}
            started => return started.map(|_| true),
        }
    }
    let deployed = machines.deployed_arn(&execution.workflow);
    let started = machines.start_version(&deployed, &redrive, &envelope).await;
    started.map(|_| true)
}

/// The input of a redrive's Step Functions execution.
pub(crate) fn redrive_envelope(execution: &ExecutionRecord) -> Envelope {
    // `begin` continues with the recorded requester, whose name an earlier release may have
    // accepted.
    let requested_by = execution.requested_by.clone();
    Envelope {
        tenant: execution.at.tenant.clone(),
        idempotency_key: execution.idempotency_key.clone(),
        // `begin` continues with the recorded input.
        input: match &execution.input {
            Payload::Inline { value, .. } => value.clone(),
            Payload::Stored(_) => json!({}),
        },
        via: "redrive".to_owned(),
        requested_by: requested_by.filter(|by| check_text("requested_by", by).is_ok()),
        approval: None,
        request_id: None,
        trace: Some(execution.trace.clone()),
    }
}

/// The constants of the state machine version that an ended execution ran. If that version was
/// deleted, those of what is deployed.
pub(crate) async fn constants_of<M: StateMachines>(
    machines: &M,
    workflow: &str,
    version: Option<&str>,
) -> Result<CompiledMachine, MachineError> {
    match machines.constants(workflow, version).await {
        Err(MachineError::NoSuchWorkflow) if version.is_some() => {
            machines.constants(workflow, None).await
        }
        found => found,
    }
}

/// The outcome of a request for recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryStart {
    /// The first recovery of the epoch was started.
    First,
    /// An earlier recovery of the epoch runs and has not taken over yet.
    AtWork,
    /// An earlier recovery of the epoch had ended, and another was started.
    Again,
}

/// Starts a recovery of an execution whose owner has ended, at `minute`.
///
/// The first recovery of an epoch has a name of its own, so that a status event and the sweep start
/// one between them. If that one has ended too, another is started, at most one a minute.
pub(super) async fn recover_ended<M: StateMachines>(
    machines: &M,
    execution: &ExecutionRecord,
    failure: Failure,
    minute: i64,
) -> Result<RecoveryStart, MachineError> {
    let first = recovery_name(execution, execution.epoch);
    let arn = machines.execution_arn(RECOVERY, &first);
    let input = recovery_input(machines, execution, failure).await?;
    if execution.owner != arn {
        if machines.recover(&first, &input).await? == StartOutcome::Started {
            return Ok(RecoveryStart::First);
        }
        let earlier = machines.look(&arn).await?;
        if earlier.is_some_and(|earlier| earlier.running) {
            return Ok(RecoveryStart::AtWork);
        }
    }
    machines
        .recover(&format!("{first}-{minute}"), &input)
        .await?;
    Ok(RecoveryStart::Again)
}

async fn recovery_input<M: StateMachines>(
    machines: &M,
    execution: &ExecutionRecord,
    failure: Failure,
) -> Result<RecoveryInput, MachineError> {
    Ok(RecoveryInput {
        execution: execution.reference(),
        failure,
        steps: machines.steps_of(execution).await?,
    })
}
