//! Owners of executions: their names, their start, and the definitions that they need.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_sfn::types::ExecutionStatus;
use holdfast_admission::Envelope;
use holdfast_ledger::{ExecutionRecord, Phase};
use holdfast_task::{Failure, RECOVERY, RecoveryInput, StepRef, payload::Payload};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use crate::machines::{CompiledMachine, MachineError, Machines, StartOutcome, unavailable};

/// The definitions that no deployment changes any more, by digest or by the ARN of a version.
#[derive(Debug, Default)]
pub(crate) struct CachedDefinitions(Mutex<HashMap<String, Arc<CompiledMachine>>>);

/// The number of definitions that a process keeps.
const KEPT: usize = 200;

impl CachedDefinitions {
    async fn get(&self, key: &str) -> Option<Arc<CompiledMachine>> {
        self.0.lock().await.get(key).cloned()
    }

    async fn put(&self, key: &str, compiled: CompiledMachine) -> Arc<CompiledMachine> {
        let compiled = Arc::new(compiled);
        let mut kept = self.0.lock().await;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.to_owned(), Arc::clone(&compiled));
        compiled
    }
}

/// The name of the recovery execution that owns `execution` in `epoch`, if a request or a status
/// event started it.
pub fn recovery_name(execution: &ExecutionRecord, epoch: u64) -> String {
    format!("{}-{epoch}", execution.at.execution)
}

/// The name of the Step Functions execution that redrives `execution` as `generation`.
pub fn redrive_name(execution: &ExecutionRecord, generation: u32) -> String {
    format!("{}-r{generation}", execution.at.execution)
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

/// The statuses of a Step Functions execution that ended without success.
const UNSUCCESSFUL: [ExecutionStatus; 3] = [
    ExecutionStatus::Failed,
    ExecutionStatus::TimedOut,
    ExecutionStatus::Aborted,
];

impl Machines {
    /// The ARN of every state machine of this deployment, up to the workflow's id.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

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
                let page = page.map_err(|error| unavailable(&error))?;
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
        if let Ok(deployed) = self.deployed(&execution.workflow).await
            && deployed.compiled.gate.definition_digest == *digest
        {
            return Ok(deployed.compiled.steps.clone());
        }
        if let Some(compiled) = self.definitions.get(digest).await {
            return Ok(compiled.steps.clone());
        }
        let compiled = self.compiled(&execution.origin, &execution.machine).await?;
        // A state machine that Step Functions has forgotten is answered with the current one.
        if compiled.gate.definition_digest != *digest {
            return Ok(compiled.steps);
        }
        let kept = self.definitions.put(digest, compiled).await;
        Ok(kept.steps.clone())
    }

    /// The constants of the state machine version `arn`, which never change.
    pub async fn compiled_version(&self, arn: &str) -> Result<Arc<CompiledMachine>, MachineError> {
        if let Some(compiled) = self.definitions.get(arn).await {
            return Ok(compiled);
        }
        let compiled = self.described_at(arn).await?;
        Ok(self.definitions.put(arn, compiled).await)
    }

    /// Starts the owner that the execution record names, unless it runs already. Returns false if
    /// the record names no owner that a request starts.
    pub async fn start_owner(&self, execution: &ExecutionRecord) -> Result<bool, MachineError> {
        let recovery = recovery_name(execution, execution.epoch);
        if execution.owner == self.execution_arn(RECOVERY, &recovery) {
            // The recovery uses the recorded failure. This copy is for readers of its input.
            let failure = match &execution.phase {
                Phase::Unwinding { failure } => failure.clone(),
                _ => Failure::rejected(),
            };
            let input = self.recovery_input(execution, failure).await?;
            self.recover(&recovery, &input).await?;
            return Ok(true);
        }
        let redrive = redrive_name(execution, execution.generation);
        if execution.owner != self.execution_arn(&execution.workflow, &redrive) {
            return Ok(false);
        }
        let envelope = Envelope {
            tenant: execution.at.tenant.clone(),
            idempotency_key: execution.idempotency_key.clone(),
            // `begin` continues with the recorded input.
            input: match &execution.input {
                Payload::Inline { value, .. } => value.clone(),
                Payload::Stored(_) => json!({}),
            },
            via: "redrive".to_owned(),
            requested_by: execution.requested_by.clone(),
            approval: None,
            request_id: None,
            trace: Some(execution.trace.clone()),
        };
        self.start(&execution.workflow, &redrive, &envelope).await?;
        Ok(true)
    }

    /// Starts a recovery of an execution whose owner has ended, at `minute`.
    ///
    /// The first recovery of an epoch has a name of its own, so that a status event and the sweep
    /// start one between them. If that one has ended too, another is started, at most one a minute.
    pub async fn recover_ended(
        &self,
        execution: &ExecutionRecord,
        failure: Failure,
        minute: i64,
    ) -> Result<RecoveryStart, MachineError> {
        let first = recovery_name(execution, execution.epoch);
        let arn = self.execution_arn(RECOVERY, &first);
        let input = self.recovery_input(execution, failure).await?;
        if execution.owner != arn {
            if self.recover(&first, &input).await? == StartOutcome::Started {
                return Ok(RecoveryStart::First);
            }
            if self
                .look(&arn)
                .await?
                .is_some_and(|earlier| earlier.running)
            {
                return Ok(RecoveryStart::AtWork);
            }
        }
        self.recover(&format!("{first}-{minute}"), &input).await?;
        Ok(RecoveryStart::Again)
    }

    async fn recovery_input(
        &self,
        execution: &ExecutionRecord,
        failure: Failure,
    ) -> Result<RecoveryInput, MachineError> {
        Ok(RecoveryInput {
            execution: execution.reference(),
            failure,
            steps: self.steps_of(execution).await?,
        })
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
