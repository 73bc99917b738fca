//! The port to Step Functions, filled: what ended, and the definitions that owners need.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_sfn::{
    error::SdkError, operation::list_executions::ListExecutionsError, types::ExecutionStatus,
};
use holdfast_admission::Envelope;
use holdfast_engine::{
    CompiledMachine, EndedExecution, MachineError, MachineExecution, StartOutcome, StateMachines,
    TaskError,
};
use holdfast_ledger::ExecutionRecord;
use holdfast_task::{AskResult, RecoveryInput, StepRef};
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::machines::{Machines, unavailable};

/// The definitions that no deployment changes any more, by digest or by the ARN of a version.
#[derive(Debug, Default)]
pub(crate) struct CachedDefinitions(Mutex<HashMap<String, Arc<CompiledMachine>>>);

/// The number of definitions that a process keeps.
const DEFINITIONS: usize = 200;

impl CachedDefinitions {
    async fn get(&self, key: &str) -> Option<Arc<CompiledMachine>> {
        self.0.lock().await.get(key).cloned()
    }

    async fn put(&self, key: &str, compiled: CompiledMachine) -> Arc<CompiledMachine> {
        let compiled = Arc::new(compiled);
        let mut kept = self.0.lock().await;
        if kept.len() >= DEFINITIONS {
            kept.clear();
        }
        kept.insert(key.to_owned(), Arc::clone(&compiled));
        compiled
    }
}

/// Returns the steps of a described definition if it has `digest`. `None` if it has another one, or
/// does not exist; an unavailable one may have the digest.
fn steps_under(
    described: Result<&CompiledMachine, &MachineError>,
    digest: &str,
) -> Result<Option<Vec<StepRef>>, MachineError> {
    match described {
        Ok(compiled) if compiled.gate.definition_digest == digest => {
            Ok(Some(compiled.steps.clone()))
        }
        Ok(_) | Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => Ok(None),
        Err(error) => Err(error.clone()),
    }
}

/// The statuses of a Step Functions execution that ended without success.
const UNSUCCESSFUL: [ExecutionStatus; 3] = [
    ExecutionStatus::Failed,
    ExecutionStatus::TimedOut,
    ExecutionStatus::Aborted,
];

/// Returns whether a list was refused because Step Functions keeps none of Express executions
/// (docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html).
pub(crate) fn is_of_express(error: &SdkError<ListExecutionsError>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(ListExecutionsError::is_state_machine_type_not_supported)
}

impl Machines {
    /// The Step Functions executions of `workflow` that began after `since` and ended without
    /// success. Step Functions lists the newest start first, so that older pages are not read.
    pub async fn ended_since(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> Result<Vec<EndedExecution>, MachineError> {
        let mut found = Vec::new();
        for status in UNSUCCESSFUL {
            let list = self.client.list_executions();
            let list = list.state_machine_arn(format!("{}{workflow}", self.prefix));
            let mut pages = list
                .status_filter(status)
                .max_results(1000)
                .into_paginator()
                .send();
            'pages: while let Some(page) = pages.next().await {
                let page = match page {
                    Err(error) if is_of_express(&error) => return Ok(Vec::new()),
                    page => page.map_err(|error| unavailable(&error))?,
                };
                for one in page.executions {
                    if one.start_date.secs() < since.as_second() {
                        break 'pages;
                    }
                    let ended_at = one
                        .stop_date
                        .and_then(|at| Timestamp::from_millisecond(at.to_millis().ok()?).ok());
                    found.extend(ended_at.map(|ended_at| EndedExecution {
                        arn: one.execution_arn,
                        machine: one.state_machine_arn,
                        status: one.status.as_str().to_owned(),
                        ended_at,
                    }));
                }
            }
        }
        Ok(found)
    }

    /// The steps of the definition under which an execution began.
    ///
    /// `DescribeStateMachineForExecution` refills at one request a second, and a mass failure asks
    /// for many executions at once. So it is called only for a definition that is neither deployed
    /// nor cached. Source: "Other quotas" in
    /// docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
    pub async fn steps_of(
        &self,
        execution: &ExecutionRecord,
    ) -> Result<Vec<StepRef>, MachineError> {
        let digest = &execution.definition_digest;
        let deployed = self.deployed(&execution.workflow).await;
        let deployed = deployed.as_ref().map(|deployed| &deployed.compiled);
        let deployed = steps_under(deployed, digest);
        if let Ok(Some(steps)) = deployed {
            return Ok(steps);
        }
        if let Some(compiled) = self.definitions.get(digest).await {
            return Ok(compiled.steps.clone());
        }
        // A redrive names its version, also if its owner never began.
        let redrive = execution.redrive();
        if let Some(version) = redrive.and_then(|redrive| redrive.machine.as_ref()) {
            let checked = self.compiled_version(version).await;
            if let Some(steps) = steps_under(checked.as_deref(), digest)? {
                return Ok(steps);
            }
        }
        let compiled = self
            .compiled(execution.origin(), &execution.machine)
            .await?;
        if compiled.gate.definition_digest != *digest {
            // What is deployed may have the digest, if it was not read.
            deployed?;
        }
        // A state machine that Step Functions has forgotten is answered with the current one, and
        // so is that of every Express run. The last steps of another definition prove no end.
        if compiled.gate.definition_digest != *digest {
            let unproven = |step: StepRef| StepRef {
                last: false,
                approvals: Vec::new(),
                ..step
            };
            return Ok(compiled.steps.into_iter().map(unproven).collect());
        }
        let kept = self.definitions.put(digest, compiled).await;
        Ok(kept.steps.clone())
    }

    /// The constants of the state machine version `arn`, which never change.
    pub(crate) async fn compiled_version(
        &self,
        arn: &str,
    ) -> Result<Arc<CompiledMachine>, MachineError> {
        if let Some(compiled) = self.definitions.get(arn).await {
            return Ok(compiled);
        }
        let compiled = self.described_at(arn).await?;
        Ok(self.definitions.put(arn, compiled).await)
    }
}

impl StateMachines for Machines {
    fn execution_arn(&self, machine: &str, name: &str) -> String {
        self.execution_arn(machine, name)
    }

    fn name_of<'a>(&self, machine: &'a str) -> &'a str {
        let name = machine.strip_prefix(&*self.prefix).unwrap_or_default();
        name.split(':').next().unwrap_or_default()
    }

    fn deployed_arn(&self, workflow: &str) -> String {
        self.arn(workflow)
    }

    async fn start_version(
        &self,
        machine: &str,
        name: &str,
        envelope: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        self.start_version(machine, name, envelope).await
    }

    async fn recover(
        &self,
        name: &str,
        input: &RecoveryInput,
    ) -> Result<StartOutcome, MachineError> {
        self.recover(name, input).await
    }

    async fn look(&self, arn: &str) -> Result<Option<MachineExecution>, MachineError> {
        self.look(arn).await
    }

    async fn steps_of(&self, execution: &ExecutionRecord) -> Result<Vec<StepRef>, MachineError> {
        self.steps_of(execution).await
    }

    async fn constants(
        &self,
        workflow: &str,
        version: Option<&str>,
    ) -> Result<CompiledMachine, MachineError> {
        Ok(match version {
            Some(version) => self.compiled_version(version).await?.as_ref().clone(),
            None => self.deployed(workflow).await?.compiled.clone(),
        })
    }

    async fn workflows(&self) -> Result<Vec<String>, MachineError> {
        self.workflows().await
    }

    async fn ended_since(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> Result<Vec<EndedExecution>, MachineError> {
        self.ended_since(workflow, since).await
    }

    async fn answer_task(
        &self,
        token: &str,
        answer: &Result<AskResult, TaskError>,
    ) -> Result<(), MachineError> {
        self.answer_task(token, answer).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_that_could_not_be_read_is_not_taken_for_another_one() {
        let gate = json!({
            "workflow": "vendor-hold", "version": 2, "definition_digest": "sha256:2",
            "input_schema": {}, "timeout_s": 900,
        });
        let compiled = CompiledMachine {
            gate: serde_json::from_value(gate).unwrap(),
            steps: Vec::new(),
        };
        assert_eq!(steps_under(Ok(&compiled), "sha256:2"), Ok(Some(Vec::new())));
        assert_eq!(steps_under(Ok(&compiled), "sha256:1"), Ok(None));
        for gone in [MachineError::NoSuchWorkflow, MachineError::NotOurs] {
            assert_eq!(steps_under(Err(&gone), "sha256:2"), Ok(None));
        }
        let throttled = MachineError::Unavailable("ThrottlingException".to_owned());
        assert_eq!(steps_under(Err(&throttled), "sha256:2"), Err(throttled));
    }
}
