//! Simulates the function `recover`: what a status event and the sweep do.

use std::{rc::Rc, sync::Arc};

use futures_util::FutureExt;
use holdfast_engine::{Host, answer};
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, LedgerError, Question, enact};
use holdfast_task::{BeginTask, ErrorName, Failure, RecoveryInput};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::region::{MachineExecution, MachineName, Region, arn_of};
use crate::{functions::token_answer, plan::DrilledWorkflow, process::Process};

/// Time after its deadline for which an execution is left alone.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// Pauses before the second and the third try of an asynchronous invocation.
const AGAIN_AFTER: [u64; 2] = [60, 120];

impl Region {
    /// Delivers a status event to `recover`, at most three times.
    pub(super) async fn deliver_status(
        self: &Rc<Self>,
        ended: &MachineExecution,
        error: &str,
        cause: &str,
    ) {
        let pauses = AGAIN_AFTER.iter().map(Some).chain([None]);
        for pause in pauses {
            let process = self.process();
            let work = self.recover_ended(&process, ended, error, cause);
            let answer = process.run(work).await;
            self.world
                .record(|| format!("recover    after {}: {answer:?}", ended.arn));
            if let Some(Ok(())) = answer {
                return;
            }
            self.disturb();
            if let Some(seconds) = pause {
                let pause = std::time::Duration::from_secs(*seconds);
                self.world.clock.sleep(pause).await;
            }
        }
    }

    /// Recovers the execution that an ended machine left open.
    async fn recover_ended(
        self: &Rc<Self>,
        process: &Process,
        ended: &MachineExecution,
        error: &str,
        cause: &str,
    ) -> Result<(), LedgerError> {
        let compiled = self.compiled(&ended.arn, ended.machine);
        let Some(execution) = self.execution_of(process, ended, &compiled).await? else {
            return Ok(());
        };
        if execution.owner != ended.arn || !execution.is_open() {
            return Ok(());
        }
        let failure = Failure {
            state: String::new(),
            error: error.to_owned(),
            cause: cause.to_owned(),
            by: None,
        };
        let name = format!("{}-{}", execution.at.execution, execution.epoch);
        self.start_recovery(&name, &execution, &compiled, failure);
        Ok(())
    }

    /// The record of the execution that a machine's input started. It is written now if the machine
    /// ended before `begin` wrote it.
    async fn execution_of(
        self: &Rc<Self>,
        process: &Process,
        ended: &MachineExecution,
        compiled: &DrilledWorkflow,
    ) -> Result<Option<ExecutionRecord>, LedgerError> {
        let started_at = ended.started_at.to_string();
        let start = holdfast_admission::read_start(&ended.input, &compiled.gate, &started_at);
        let at = match (start, ended.machine) {
            (Ok(start), MachineName::Workflow(_)) => ExecutionKey {
                execution: execution_id(&start.tenant, &compiled.workflow, &start.idempotency_key),
                tenant: start.tenant,
            },
            _ => return Ok(None),
        };
        if let Some(execution) = process.read(&at).await? {
            return Ok(Some(execution));
        }
        let task = BeginTask {
            gate: compiled.gate.clone(),
            steps: compiled.refs.clone(),
            start: ended.input.clone(),
            owner: ended.arn.clone(),
            machine: format!("arn:aws:states:drill:machine:{}", compiled.workflow),
            started_at,
            trace: None,
        };
        match process.engine().begin(&task).await {
            Err(error) if error.name == ErrorName::Transient => {
                Err(LedgerError::Unavailable(error.message))
            }
            // The record that is read below counts, not this answer.
            _ => process.read(&at).await,
        }
    }

    /// Recovers every overdue execution and delivers decisions that were not delivered.
    pub(crate) async fn sweep(self: &Rc<Self>) {
        let process = self.process();
        let work = async {
            for at in &self.executions {
                let answer = self.overdue(&process, at).await;
                if let Err(error) = answer {
                    self.world
                        .record(|| format!("sweep      {}: {error}", at.execution));
                    self.disturb();
                }
            }
        };
        if process.run(work).await.is_none() {
            self.disturb();
        }
    }

    async fn overdue(
        self: &Rc<Self>,
        process: &Process,
        at: &ExecutionKey,
    ) -> Result<(), LedgerError> {
        let now = self.now();
        let Some(snapshot) = process.snapshot(at).await? else {
            return Ok(());
        };
        for question in &snapshot.questions {
            self.deliver(process, question).await?;
        }
        let execution = snapshot.execution;
        if !execution.is_open() || execution.deadline >= now - GRACE {
            return Ok(());
        }
        let owner = self.machines.borrow().get(&execution.owner).cloned();
        if owner.is_some_and(|owner| owner.running.get()) {
            return Ok(());
        }
        let compiled = self.compiled(
            &execution.origin,
            MachineName::Workflow(self.deployed.get()),
        );
        let failure = Failure {
            state: String::new(),
            error: ErrorName::Lost.to_string(),
            cause: "its Step Functions execution ended without an error".to_owned(),
            by: None,
        };
        let minute = now.as_second() / 60;
        let name = format!("{}-{}-{minute}", at.execution, execution.epoch);
        self.start_recovery(&name, &execution, &compiled, failure);
        Ok(())
    }

    /// Delivers a decision to the waiting task, unless it was delivered.
    pub(super) async fn deliver(
        &self,
        process: &Process,
        question: &Question,
    ) -> Result<(), LedgerError> {
        let Some(ruling) = question.undelivered() else {
            return Ok(());
        };
        enact(process, question, ruling.decision, self.now()).await?;
        self.answer_token(
            &question.token,
            token_answer(answer(&question.step, ruling)),
        );
        if let Some(delivered) = question.delivered() {
            process.put(&delivered, Expect::Rev(question.rev)).await?;
        }
        Ok(())
    }

    /// Returns the time at which the sweep finds something to do for this execution, as the list of
    /// open executions says. `None` if it is not open.
    pub(crate) fn due(&self, at: &ExecutionKey) -> Option<Timestamp> {
        let snapshot = self.world.ledger.snapshot(at).now_or_never()?.ok()??;
        let execution = &snapshot.execution;
        let overdue = execution.is_open().then(|| execution.deadline + GRACE);
        let undelivered = snapshot.questions.iter().filter_map(|question| {
            let ruling = question.undelivered()?;
            Some(ruling.at + SignedDuration::from_secs(15))
        });
        overdue.into_iter().chain(undelivered).min()
    }

    /// Returns the version that an execution of a machine began with, or else `otherwise`.
    pub(super) fn compiled(&self, origin: &str, otherwise: MachineName) -> Arc<DrilledWorkflow> {
        let known = self.machines.borrow().get(origin).map(|one| one.machine);
        let (MachineName::Workflow(version) | MachineName::Recovery(version)) =
            known.unwrap_or(otherwise);
        self.versions.all[version].clone()
    }

    /// Starts the recovery machine under this name, unless one of that name exists.
    pub(super) fn start_recovery(
        self: &Rc<Self>,
        name: &str,
        execution: &ExecutionRecord,
        compiled: &DrilledWorkflow,
        failure: Failure,
    ) {
        let input = RecoveryInput {
            execution: execution.reference(),
            failure,
            steps: compiled.refs.clone(),
        };
        let arn = arn_of("recovery", name);
        self.start(
            arn,
            MachineName::Recovery(self.deployed.get()),
            json!(input),
        );
    }
}
