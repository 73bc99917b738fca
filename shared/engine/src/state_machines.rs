//! The port to Step Functions, as the API and `recover` use it: state machines, their executions,
//! and waiting tasks.

use std::future::Future;

use holdfast_admission::Envelope;
use holdfast_ledger::ExecutionRecord;
use holdfast_task::{AdmissionSpec, AskResult, RecoveryInput, StepRef};
use jiff::Timestamp;

use crate::task_errors::TaskError;

/// The outcome of a `StartExecution`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOutcome {
    /// The execution was started.
    Started,
    /// An execution of that name exists, running or ended.
    Exists,
}

/// A Step Functions execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineExecution {
    /// True if it is running.
    pub running: bool,
    /// The input, as text.
    pub input: String,
    /// The time of its start, RFC 3339.
    pub started_at: String,
    /// The error with which it ended, if it did.
    pub error: Option<String>,
    /// The cause of the error.
    pub cause: Option<String>,
    /// ARN of the state machine version that it runs, if it was started by version or alias.
    pub version: Option<String>,
}

/// A Step Functions execution that ended without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedExecution {
    /// Its ARN.
    pub arn: String,
    /// ARN of its state machine.
    pub machine: String,
    /// `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: String,
    /// The time of its end.
    pub ended_at: Timestamp,
}

/// The constants of a compiled state machine for admission and for the receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledMachine {
    /// The part of the definition that admission applies.
    pub gate: AdmissionSpec,
    /// The steps, in declared order.
    pub steps: Vec<StepRef>,
}

/// The reason why a request to Step Functions failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// No such workflow is deployed.
    #[error("no such workflow is deployed")]
    NoSuchWorkflow,
    /// The state machine of that name is not a compiled one: its `Begin` has no admission.
    #[error("the state machine is not a compiled one")]
    NotOurs,
    /// Step Functions was not reached or refused the load.
    #[error("it is unavailable: {0}")]
    Unavailable(String),
}

/// Step Functions. Futures are not `Send` here, so that a simulation in one thread can fill the
/// port. Those of the AWS adapter are.
pub trait StateMachines {
    /// The ARN of the Step Functions execution `name` of `machine`, a workflow id or
    /// [`RECOVERY`](holdfast_task::RECOVERY).
    fn execution_arn(&self, machine: &str, name: &str) -> String;

    /// The workflow id, or [`RECOVERY`](holdfast_task::RECOVERY), of the state machine or the
    /// version with this ARN.
    fn name_of<'a>(&self, machine: &'a str) -> &'a str;

    /// The ARN under which a start of `workflow` runs what is deployed.
    fn deployed_arn(&self, workflow: &str) -> String;

    /// Starts the state machine, the version or the alias `machine` as the execution `name`.
    fn start_version(
        &self,
        machine: &str,
        name: &str,
        envelope: &Envelope,
    ) -> impl Future<Output = Result<StartOutcome, MachineError>>;

    /// Starts the recovery state machine as the execution `name`, unless one of that name exists.
    fn recover(
        &self,
        name: &str,
        input: &RecoveryInput,
    ) -> impl Future<Output = Result<StartOutcome, MachineError>>;

    /// Describes the Step Functions execution with this ARN; `None` if it does not exist, or no
    /// longer.
    fn look(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<Option<MachineExecution>, MachineError>>;

    /// The steps of the definition under which an execution began.
    fn steps_of(
        &self,
        execution: &ExecutionRecord,
    ) -> impl Future<Output = Result<Vec<StepRef>, MachineError>>;

    /// The constants of a state machine version, or of what is deployed of `workflow`.
    fn constants(
        &self,
        workflow: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<CompiledMachine, MachineError>>;

    /// The ids of all workflows.
    fn workflows(&self) -> impl Future<Output = Result<Vec<String>, MachineError>>;

    /// The Step Functions executions of `workflow` that began after `since` and ended without
    /// success.
    fn ended_since(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<EndedExecution>, MachineError>>;

    /// Completes the task that waits with `token`; one that no longer waits is ignored.
    fn answer_task(
        &self,
        token: &str,
        answer: &Result<AskResult, TaskError>,
    ) -> impl Future<Output = Result<(), MachineError>>;
}
