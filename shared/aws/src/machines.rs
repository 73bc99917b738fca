//! State machines in Step Functions: starts, stops and describes them, and completes waiting tasks.

use std::error::Error;

use aws_sdk_sfn::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        describe_execution::DescribeExecutionError,
        describe_state_machine::DescribeStateMachineError,
        describe_state_machine_for_execution::DescribeStateMachineForExecutionError,
        start_execution::StartExecutionError, stop_execution::StopExecutionError,
    },
    types::ExecutionStatus,
};
use holdfast_admission::Envelope;
use holdfast_engine::{CompiledMachine, MachineError, MachineExecution, StartOutcome, TaskError};
use holdfast_ids::{arn::is_express, trace::TraceId};
use holdfast_task::{AdmissionSpec, AskResult, BULK, BulkTask, ErrorName, RECOVERY, RecoveryInput};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    failure,
    owners::CachedDefinitions,
    workflows::{CachedWorkflows, DeployedWorkflow},
};

/// This deployment's state machines, by workflow id.
#[derive(Debug)]
pub struct Machines {
    pub(crate) client: Client,
    pub(crate) prefix: String,
    pub(crate) alias: String,
    pub(crate) remembered: CachedWorkflows,
    pub(crate) definitions: CachedDefinitions,
}

/// The input that a named execution was started with.
pub type ExecutionInput = Option<Envelope>;

impl Machines {
    /// State machines whose ARN is `prefix`, the workflow id, and `alias` (`:live`, or empty).
    pub fn new(client: Client, prefix: &str, alias: &str) -> Self {
        Self {
            client,
            prefix: prefix.to_owned(),
            alias: alias.to_owned(),
            remembered: CachedWorkflows::default(),
            definitions: CachedDefinitions::default(),
        }
    }

    pub(crate) fn arn(&self, workflow: &str) -> String {
        format!("{}{workflow}{}", self.prefix, self.alias)
    }

    /// Starts `workflow` as the Step Functions execution called `name`.
    pub async fn start(
        &self,
        workflow: &str,
        name: &str,
        envelope: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        self.start_version(&self.arn(workflow), name, envelope)
            .await
    }

    /// Starts the state machine, the version or the alias with this ARN, such as the
    /// [`arn`](DeployedWorkflow::arn) that a check has read.
    pub async fn start_version(
        &self,
        arn: &str,
        name: &str,
        envelope: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        let input = serde_json::to_string(envelope)
            .map_err(|error| MachineError::Unavailable(error.to_string()))?;
        let request = self
            .client
            .start_execution()
            .state_machine_arn(arn)
            .name(name)
            .set_trace_header(envelope.trace.as_ref().map(TraceId::xray))
            .input(input);
        match request.send().await {
            Ok(_) => Ok(StartOutcome::Started),
            Err(error) => match error.as_service_error() {
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(StartOutcome::Exists),
                Some(StartExecutionError::StateMachineDoesNotExist(_)) => {
                    Err(MachineError::NoSuchWorkflow)
                }
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// The input of the Step Functions execution called `name`, for the time before its record is
    /// written.
    pub async fn input_of(
        &self,
        workflow: &str,
        name: &str,
    ) -> Result<ExecutionInput, MachineError> {
        let seen = self.look(&self.execution_arn(workflow, name)).await?;
        Ok(seen.and_then(|seen| serde_json::from_str(&seen.input).ok()))
    }

    /// The ARN of the Step Functions execution `name` of `machine`, a workflow id or the recovery
    /// state machine.
    pub fn execution_arn(&self, machine: &str, name: &str) -> String {
        let machine = format!("{}{machine}", self.prefix);
        format!(
            "{}:{name}",
            machine.replacen(":stateMachine:", ":execution:", 1)
        )
    }

    /// Starts the recovery state machine as the execution called `name`, unless one of that name
    /// exists.
    pub async fn recover(
        &self,
        name: &str,
        input: &RecoveryInput,
    ) -> Result<StartOutcome, MachineError> {
        let trace = input.execution.trace.xray();
        let input = serde_json::to_string(input)
            .map_err(|error| MachineError::Unavailable(error.to_string()))?;
        let request = self
            .client
            .start_execution()
            .state_machine_arn(format!("{}{RECOVERY}", self.prefix))
            .name(name)
            .trace_header(trace)
            .input(input);
        match request.send().await {
            Ok(_) => Ok(StartOutcome::Started),
            Err(error) => match error.as_service_error() {
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(StartOutcome::Exists),
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// Starts a worker of a bulk as the execution called `name`. While that execution runs, AWS may
    /// answer a repeated start as if it were the first.
    pub async fn start_bulk(
        &self,
        name: &str,
        task: &BulkTask,
    ) -> Result<StartOutcome, MachineError> {
        let input = serde_json::to_string(task)
            .map_err(|error| MachineError::Unavailable(error.to_string()))?;
        let request = self.client.start_execution();
        let request = request.state_machine_arn(format!("{}{BULK}", self.prefix));
        match request.name(name).input(input).send().await {
            Ok(_) => Ok(StartOutcome::Started),
            Err(error) => match error.as_service_error() {
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(StartOutcome::Exists),
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// Describes the Step Functions execution with this ARN; `None` if it does not exist, or no
    /// longer.
    pub async fn look(&self, arn: &str) -> Result<Option<MachineExecution>, MachineError> {
        let answer = self
            .client
            .describe_execution()
            .execution_arn(arn)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(MachineExecution {
                running: answer.status == ExecutionStatus::Running,
                input: answer.input.unwrap_or_default(),
                started_at: answer.start_date.to_string(),
                error: answer.error,
                cause: answer.cause,
                version: answer.state_machine_version_arn,
            })),
            Err(error) => match error.as_service_error() {
                Some(DescribeExecutionError::ExecutionDoesNotExist(_)) => Ok(None),
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// Completes the task that waits with `token`; one that no longer waits is ignored.
    pub async fn answer_task(
        &self,
        token: &str,
        answer: &Result<AskResult, TaskError>,
    ) -> Result<(), MachineError> {
        match answer {
            Ok(answer) => {
                let output = serde_json::to_string(answer)
                    .map_err(|error| MachineError::Unavailable(error.to_string()))?;
                let request = self.client.send_task_success().task_token(token);
                gone_is_fine(request.output(output).send().await)
            }
            Err(TaskError { name, message, .. }) => {
                // Step Functions writes the error of a function in this form.
                let cause = json!({ "errorType": name, "errorMessage": message });
                let request = self.client.send_task_failure().task_token(token);
                let request = request.error(name.to_string()).cause(cause.to_string());
                gone_is_fine(request.send().await)
            }
        }
    }

    /// Stops the Step Functions execution with this ARN; one that has ended is ignored, and so are
    /// Express runs, which no request stops
    /// (docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html).
    pub async fn stop(&self, arn: &str, error: ErrorName, cause: &str) -> Result<(), MachineError> {
        if is_express(arn) {
            return Ok(());
        }
        let answer = self
            .client
            .stop_execution()
            .execution_arn(arn)
            .error(error.to_string())
            .cause(cause)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(StopExecutionError::ExecutionDoesNotExist(_)) => Ok(()),
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// The constants of the state machine of an execution, as the execution began. If Step
    /// Functions no longer has them, or never had those of an Express run, those of the current
    /// state machine, if it exists.
    pub async fn compiled(
        &self,
        execution: &str,
        machine: &str,
    ) -> Result<CompiledMachine, MachineError> {
        if is_express(execution) {
            return self.described_at(machine).await;
        }
        let answer = self
            .client
            .describe_state_machine_for_execution()
            .execution_arn(execution)
            .send()
            .await;
        let definition = match answer {
            Ok(answer) => answer.definition,
            Err(error) if error.as_service_error().is_some_and(is_forgotten) => {
                return self.described_at(machine).await;
            }
            Err(error) => return Err(unavailable(&error)),
        };
        Ok(read_machine(&definition, machine)?.compiled)
    }

    /// The constants of the state machine, or the version of one, with this ARN.
    pub(crate) async fn described_at(&self, arn: &str) -> Result<CompiledMachine, MachineError> {
        Ok(self.machine_at(arn).await?.compiled)
    }

    /// `workflow`'s state machine, as a start runs it now.
    pub async fn described(&self, workflow: &str) -> Result<DeployedWorkflow, MachineError> {
        let arn = self.version(workflow).await?;
        self.machine_at(&arn).await
    }

    async fn machine_at(&self, arn: &str) -> Result<DeployedWorkflow, MachineError> {
        let answer = self.client.describe_state_machine();
        let answer = answer.state_machine_arn(arn).send().await;
        let definition = answer
            .map_err(|error| match error.as_service_error() {
                Some(DescribeStateMachineError::StateMachineDoesNotExist(_)) => {
                    MachineError::NoSuchWorkflow
                }
                _ => unavailable(&error),
            })?
            .definition;
        read_machine(&definition, arn)
    }
}

/// True if Step Functions no longer has the execution. The service model of botocore lists
/// `ExecutionDoesNotExist`. After the deletion of its state machine, the emulator answers
/// `StateMachineDoesNotExist`, and AWS documents no answer.
fn is_forgotten(error: &DescribeStateMachineForExecutionError) -> bool {
    error.is_execution_does_not_exist() || error.code() == Some("StateMachineDoesNotExist")
}

/// Reads a state machine that the compiler made, described by `arn`.
fn read_machine(definition: &str, arn: &str) -> Result<DeployedWorkflow, MachineError> {
    let machine: Value = serde_json::from_str(definition).unwrap_or_default();
    let compiled = read_compiled(&machine).ok_or(MachineError::NotOurs)?;
    Ok(DeployedWorkflow {
        arn: arn.to_owned(),
        compiled,
        machine,
    })
}

/// The arguments of a compiled state machine's `Begin`.
fn read_compiled(machine: &Value) -> Option<CompiledMachine> {
    let arguments = machine.pointer("/States/Begin/Arguments")?;
    Some(CompiledMachine {
        gate: AdmissionSpec::deserialize(arguments.get("gate")?).ok()?,
        steps: Vec::deserialize(arguments.get("steps")?).ok()?,
    })
}

/// A task that timed out, or whose execution has ended, needs no answer.
fn gone_is_fine<T, E: ProvideErrorMetadata + Error + 'static>(
    answer: Result<T, SdkError<E>>,
) -> Result<(), MachineError> {
    let Err(error) = answer else {
        return Ok(());
    };
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some("TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken") => Ok(()),
        _ => Err(unavailable(&error)),
    }
}

pub(crate) fn unavailable<E: ProvideErrorMetadata + Error + 'static>(
    error: &SdkError<E>,
) -> MachineError {
    MachineError::Unavailable(failure::reason(error))
}
