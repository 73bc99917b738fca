//! Simulates Step Functions as one process reaches it: every request is a call that a hazard can
//! strike.

use std::rc::Rc;

use holdfast_admission::Envelope;
use holdfast_engine::{
    CompiledMachine, EndedExecution, MachineError, MachineExecution, StartOutcome, StateMachines,
    TaskError,
};
use holdfast_ids::arn::is_express;
use holdfast_ledger::ExecutionRecord;
use holdfast_task::{AskResult, RECOVERY, RecoveryInput, StepRef};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    express::workflow_arn,
    region::{MachineName, Region},
};
use crate::{functions::token_answer, process::Process};

/// Beginning of the ARN of a state machine.
const MACHINE: &str = "arn:aws:states:drill:machine:";

/// ARN of an execution called `name` of the workflow, or of the recovery machine.
pub(crate) fn arn_of(machine: &str, name: &str) -> String {
    format!("arn:aws:states:drill:0:execution:{machine}:{name}")
}

/// ARN of a version of a workflow's machine, or of the recovery machine.
pub(super) fn version_arn(machine: &str, version: usize) -> String {
    format!("{MACHINE}{machine}:{version}")
}

/// Number of the version that an ARN names; `None` if it names what is deployed.
fn version_in(arn: &str) -> Option<usize> {
    arn.strip_prefix(MACHINE)?.rsplit_once(':')?.1.parse().ok()
}

/// Step Functions, as one process reaches it.
pub(super) struct ProcessMachines {
    region: Rc<Region>,
    process: Process,
}

impl ProcessMachines {
    pub(super) fn new(region: &Rc<Region>, process: &Process) -> Self {
        Self {
            region: region.clone(),
            process: process.clone(),
        }
    }

    async fn call<T>(&self, call: impl FnOnce(&Rc<Region>) -> T) -> Result<T, MachineError> {
        let call = async { call(&self.region) };
        let answer = self.process.call_machines(call).await;
        answer.ok_or_else(|| MachineError::Unavailable("it throttles".to_owned()))
    }

    async fn start(
        &self,
        arn: String,
        machine: impl FnOnce(usize) -> MachineName,
        input: Value,
    ) -> Result<StartOutcome, MachineError> {
        let start = |region: &Rc<Region>| {
            let machine = machine(region.deployed.get());
            match region.start(arn, machine, input) {
                true => StartOutcome::Started,
                false => StartOutcome::Exists,
            }
        };
        self.call(start).await
    }

    /// Number of the version under which an execution began.
    fn version_of(&self, execution: &ExecutionRecord) -> usize {
        let machines = self.region.machines.borrow();
        if let Some(origin) = machines.get(execution.origin()) {
            return origin.machine.version();
        }
        // The runs of an Express start may have several definitions, of which the record has one.
        let digest = &execution.definition_digest;
        let mut all = self.region.versions.all.iter();
        let recorded = all.position(|version| version.gate.definition_digest == *digest);
        if let (true, Some(version)) = (is_express(execution.origin()), recorded) {
            return version;
        }
        let redrive = execution.redrive();
        let checked = redrive.and_then(|redrive| version_in(redrive.machine.as_ref()?));
        checked.unwrap_or_else(|| self.region.deployed.get())
    }
}

impl StateMachines for ProcessMachines {
    fn execution_arn(&self, machine: &str, name: &str) -> String {
        arn_of(machine, name)
    }

    fn name_of<'a>(&self, machine: &'a str) -> &'a str {
        let name = machine.strip_prefix(MACHINE).unwrap_or_default();
        name.split(':').next().unwrap_or_default()
    }

    fn deployed_arn(&self, workflow: &str) -> String {
        format!("{MACHINE}{workflow}")
    }

    async fn start_version(
        &self,
        machine: &str,
        name: &str,
        envelope: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        let arn = workflow_arn(
            self.region.versions.all[0].gate.tier,
            self.name_of(machine),
            name,
        );
        let named = version_in(machine);
        let machine = |deployed| MachineName::Workflow(named.unwrap_or(deployed));
        self.start(arn, machine, json!(envelope)).await
    }

    async fn recover(
        &self,
        name: &str,
        input: &RecoveryInput,
    ) -> Result<StartOutcome, MachineError> {
        let arn = arn_of(RECOVERY, name);
        self.start(arn, MachineName::Recovery, json!(input)).await
    }

    async fn look(&self, arn: &str) -> Result<Option<MachineExecution>, MachineError> {
        if is_express(arn) {
            return Err(MachineError::Unavailable("InvalidArn".to_owned()));
        }
        let describe = |region: &Rc<Region>| {
            let machines = region.machines.borrow();
            let one = machines.get(arn)?;
            let ended = one.ended.get().map(|(event, _)| event);
            Some(MachineExecution {
                running: one.running.get(),
                input: one.input.to_string(),
                started_at: one.started_at.to_string(),
                error: ended.and_then(|event| event.error.clone()),
                cause: ended.and_then(|event| event.cause.clone()),
                version: Some(region.machine_arn(one.machine)),
            })
        };
        self.call(describe).await
    }

    async fn steps_of(&self, execution: &ExecutionRecord) -> Result<Vec<StepRef>, MachineError> {
        let version = self.version_of(execution);
        Ok(self.region.versions.all[version].refs.clone())
    }

    async fn constants(
        &self,
        _: &str,
        version: Option<&str>,
    ) -> Result<CompiledMachine, MachineError> {
        let version = version.and_then(version_in);
        let version = version.unwrap_or_else(|| self.region.deployed.get());
        let compiled = &self.region.versions.all[version];
        Ok(CompiledMachine {
            gate: compiled.gate.clone(),
            steps: compiled.refs.clone(),
        })
    }

    async fn workflows(&self) -> Result<Vec<String>, MachineError> {
        Ok(vec![self.region.versions.all[0].workflow.clone()])
    }

    async fn ended_since(
        &self,
        _: &str,
        since: Timestamp,
    ) -> Result<Vec<EndedExecution>, MachineError> {
        let list = |region: &Rc<Region>| {
            let machines = region.machines.borrow();
            let ended = machines.values().filter(|one| {
                let workflows = matches!(one.machine, MachineName::Workflow(_));
                workflows && !is_express(&one.arn) && one.started_at >= since
            });
            let ended = ended.filter_map(|one| {
                let (event, ended_at) = one.ended.get()?;
                Some(EndedExecution {
                    arn: one.arn.clone(),
                    machine: event.state_machine_arn.clone(),
                    status: event.status.clone(),
                    ended_at: *ended_at,
                })
            });
            ended.collect()
        };
        self.call(list).await
    }

    async fn answer_task(
        &self,
        token: &str,
        answer: &Result<AskResult, TaskError>,
    ) -> Result<(), MachineError> {
        let answer = token_answer(answer.clone());
        self.call(|region| region.answer_token(token, answer)).await
    }
}
