//! The start of an owner that a request named. The emulator runs the newest definition whatever
//! version a start names, so that a port of these tests notes the ARN.

use std::sync::Mutex;

use futures_executor::block_on;
use holdfast_admission::Envelope;
use holdfast_ledger::{
    ExecutionRecord, Redrive,
    fixtures::{at, execution, key},
};
use holdfast_task::{AskResult, Failure, RecoveryInput, StepRef};
use jiff::Timestamp;

use crate::{
    CompiledMachine, EndedExecution, MachineError, MachineExecution, StartOutcome, StateMachines,
    TaskError,
    recovery::{constants_of, redrive_envelope},
    redrive_name, start_owner,
};

/// Step Functions with a deployed machine, a version that is deleted, and one described execution.
#[derive(Default)]
pub(super) struct TestMachines {
    /// The machines, or the names of recoveries, that were started.
    pub(super) starts: Mutex<Vec<String>>,
    /// The description of every execution.
    pub(super) described: Option<MachineExecution>,
}

const DELETED: &str = "machine:1";

impl StateMachines for TestMachines {
    fn execution_arn(&self, machine: &str, name: &str) -> String {
        format!("arn:aws:states:eu-central-1:123456789012:execution:{machine}:{name}")
    }

    fn name_of<'a>(&self, machine: &'a str) -> &'a str {
        machine
    }

    fn deployed_arn(&self, _: &str) -> String {
        "machine:live".to_owned()
    }

    async fn start_version(
        &self,
        machine: &str,
        _: &str,
        _: &Envelope,
    ) -> Result<StartOutcome, MachineError> {
        self.starts.lock().unwrap().push(machine.to_owned());
        match machine {
            DELETED => Err(MachineError::NoSuchWorkflow),
            _ => Ok(StartOutcome::Started),
        }
    }

    async fn recover(
        &self,
        name: &str,
        input: &RecoveryInput,
    ) -> Result<StartOutcome, MachineError> {
        let Failure { error, cause, .. } = &input.failure;
        let started = format!("{name}: {error}, {cause}");
        self.starts.lock().unwrap().push(started);
        Ok(StartOutcome::Started)
    }

    async fn look(&self, _: &str) -> Result<Option<MachineExecution>, MachineError> {
        Ok(self.described.clone())
    }

    async fn steps_of(&self, _: &ExecutionRecord) -> Result<Vec<StepRef>, MachineError> {
        Ok(Vec::new())
    }

    async fn constants(
        &self,
        _: &str,
        version: Option<&str>,
    ) -> Result<CompiledMachine, MachineError> {
        match version {
            Some(DELETED) => Err(MachineError::NoSuchWorkflow),
            Some(_) => Err(MachineError::Unavailable("ThrottlingException".to_owned())),
            None => Ok(CompiledMachine {
                gate: super::gate(),
                steps: super::steps(),
            }),
        }
    }

    async fn workflows(&self) -> Result<Vec<String>, MachineError> {
        Ok(Vec::new())
    }

    async fn ended_since(
        &self,
        _: &str,
        _: Timestamp,
    ) -> Result<Vec<EndedExecution>, MachineError> {
        Ok(Vec::new())
    }

    async fn answer_task(
        &self,
        _: &str,
        _: &Result<AskResult, TaskError>,
    ) -> Result<(), MachineError> {
        Ok(())
    }
}

/// The ARNs under which the owner of a redrive is started that was checked with `machine`.
fn starts(machine: Option<&str>) -> Vec<String> {
    let step_functions = TestMachines::default();
    let mut redriven = execution(&key("k"));
    redriven.generation = 1;
    let name = redrive_name(&redriven, 1);
    redriven.owner = step_functions.execution_arn(&redriven.workflow, &name);
    redriven.redriven = Some(Redrive {
        generation: 1,
        by: "ada".to_owned(),
        reason: "mended".to_owned(),
        at: at(0),
        machine: machine.map(str::to_owned),
    });
    assert_eq!(
        block_on(start_owner(&step_functions, &redriven)),
        Ok(true),
        "a redrive names its owner"
    );
    step_functions.starts.into_inner().unwrap()
}

#[test]
fn a_redrive_starts_the_version_that_it_was_checked_with() {
    assert_eq!(starts(Some("machine:2")), ["machine:2"]);
}

#[test]
fn a_redrive_whose_version_is_deleted_or_unrecorded_starts_what_is_deployed() {
    assert_eq!(starts(Some(DELETED)), [DELETED, "machine:live"]);
    assert_eq!(starts(None), ["machine:live"]);
}

#[test]
fn a_redrive_sends_no_requester_that_begin_would_refuse_today() {
    for (by, sent) in [("ann", Some("ann")), ("ann\u{3164}", None)] {
        let mut recorded = execution(&key("k"));
        recorded.requested_by = Some(by.to_owned());
        assert_eq!(redrive_envelope(&recorded).requested_by.as_deref(), sent);
    }
}

#[test]
fn a_lost_start_of_a_deleted_version_is_recorded_under_what_is_deployed() {
    let machines = TestMachines::default();
    let found = block_on(constants_of(&machines, "w", Some(DELETED))).unwrap();
    assert_eq!(found.gate, super::gate());
    // A version that exists is not replaced.
    block_on(constants_of(&machines, "w", Some("machine:2"))).unwrap_err();
}
