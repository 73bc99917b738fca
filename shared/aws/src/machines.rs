//! Starts state machines and reads what they demand of a start.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_sdk_sfn::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        describe_state_machine::DescribeStateMachineError, start_execution::StartExecutionError,
    },
};
use holdfast_core::{gate::Envelope, task::Gate};
use serde::Deserialize;
use serde_json::Value;

/// How long a machine's gate is remembered: deployments are rare, and Step Functions describes only 20 machines a
/// second.
const KEPT: Duration = Duration::from_secs(60);

/// This deployment's state machines, by workflow id.
#[derive(Debug)]
pub struct Machines {
    client: Client,
    prefix: String,
    alias: String,
    gates: Mutex<HashMap<String, (Instant, Gate)>>,
}

/// What became of a `StartExecution`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartOutcome {
    /// It runs.
    Started,
    /// An execution of that name ran, or runs.
    Exists,
}

/// The input that a named execution was started with.
pub type ExecutionInput = Option<Envelope>;

/// Why Step Functions did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineError {
    /// There is no such workflow.
    NoSuchWorkflow,
    /// It could not be reached or refused the load.
    Unavailable(String),
}

impl Machines {
    /// Machines whose ARN is `prefix`, the workflow id, and `alias` (`:live`, or empty).
    pub fn new(client: Client, prefix: &str, alias: &str) -> Self {
        Self {
            client,
            prefix: prefix.to_owned(),
            alias: alias.to_owned(),
            gates: Mutex::default(),
        }
    }

    fn arn(&self, workflow: &str) -> String {
        format!("{}{workflow}{}", self.prefix, self.alias)
    }

    /// Starts `workflow` as the execution called `name`.
    pub async fn start(
        &self,
        workflow: &str,
        name: &str,
        envelope: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        let input = serde_json::to_string(envelope)
            .map_err(|error| MachineError::Unavailable(error.to_string()))?;
        let request = self
            .client
            .start_execution()
            .state_machine_arn(self.arn(workflow))
            .name(name)
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

    /// What the execution called `name` was started with; needed only while its record is not written yet.
    pub async fn input_of(
        &self,
        workflow: &str,
        name: &str,
    ) -> Result<ExecutionInput, MachineError> {
        let machine = format!("{}{workflow}", self.prefix);
        let arn = format!(
            "{}:{name}",
            machine.replacen(":stateMachine:", ":execution:", 1)
        );
        let answer = self
            .client
            .describe_execution()
            .execution_arn(arn)
            .send()
            .await;
        let input = answer.map_err(|error| unavailable(&error))?.input;
        Ok(input.and_then(|input| serde_json::from_str(&input).ok()))
    }

    /// The gate that `workflow`'s machine carries.
    pub async fn gate(&self, workflow: &str) -> Result<Gate, MachineError> {
        if let Some(gate) = self.remembered(workflow) {
            return Ok(gate);
        }
        let answer = self
            .client
            .describe_state_machine()
            .state_machine_arn(self.arn(workflow))
            .send()
            .await;
        let definition = match answer {
            Ok(answer) => answer.definition,
            Err(error) => {
                return Err(match error.as_service_error() {
                    Some(DescribeStateMachineError::StateMachineDoesNotExist(_)) => {
                        MachineError::NoSuchWorkflow
                    }
                    _ => unavailable(&error),
                });
            }
        };
        let gate = read_gate(&definition)
            .ok_or_else(|| MachineError::Unavailable("the machine carries no gate".to_owned()))?;
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.insert(workflow.to_owned(), (Instant::now(), gate.clone()));
        Ok(gate)
    }

    fn remembered(&self, workflow: &str) -> Option<Gate> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates
            .get(workflow)
            .filter(|(since, _)| since.elapsed() < KEPT)
            .map(|(_, gate)| gate.clone())
    }
}

/// The gate among the arguments of a compiled machine's `Begin`.
fn read_gate(definition: &str) -> Option<Gate> {
    let machine: Value = serde_json::from_str(definition).ok()?;
    Gate::deserialize(machine.pointer("/States/Begin/Arguments/gate")?).ok()
}

fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> MachineError {
    MachineError::Unavailable(match error {
        SdkError::ServiceError(service) => {
            service.err().code().unwrap_or("unknown error").to_owned()
        }
        _ => "no answer".to_owned(),
    })
}
