//! Simulates the function `recover`: what a status event and the sweep do.

use std::{rc::Rc, sync::Arc, time::Duration};

use futures_util::FutureExt;
use holdfast_engine::{Host, LostOwner, LostStart, answer};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, LedgerError, NextLook, Question, QuestionKey, enact,
};
use holdfast_task::{ErrorName, Failure, RecoveryInput};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::region::{MachineExecution, MachineName, Region, arn_of};
use crate::{functions::token_answer, plan::DrilledWorkflow, process::Process};

/// Time after which the queue delivers a status event again that was not handled.
const AGAIN_AFTER: Duration = Duration::from_secs(120);
/// Number of deliveries after which the queue gives an event up.
const DELIVERIES: u32 = 720;
/// Time from the end of a machine to the list that finds it without its status event.
const LISTED_AFTER: SignedDuration = SignedDuration::from_mins(7);

/// The end of a machine whose status event AWS lost.
pub(super) struct UnreportedEnd {
    pub(super) ended: Rc<MachineExecution>,
    pub(super) error: String,
    pub(super) cause: String,
    pub(super) at: Timestamp,
}

impl Region {
    /// Delivers a status event to `recover` until it is handled.
    pub(super) async fn deliver_status(
        self: &Rc<Self>,
        ended: &MachineExecution,
        error: &str,
        cause: &str,
    ) {
        for _ in 0..DELIVERIES {
            let process = self.process();
            let work = self.recover_ended(&process, ended, error, cause);
            let answer = process.run(work).await;
            self.world
                .record(|| format!("recover    after {}: {answer:?}", ended.arn));
            if let Some(Ok(())) = answer {
                return;
            }
            self.world.clock.sleep(AGAIN_AFTER).await;
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
        let execution = match ended.machine {
            MachineName::Workflow(_) => self.started(process, ended).await?,
            MachineName::Recovery(_) => self.recovered(process, ended).await?,
        };
        let Some(execution) = execution.filter(ExecutionRecord::is_open) else {
            return Ok(());
        };
        let failure = Failure {
            state: String::new(),
            error: error.to_owned(),
            cause: cause.to_owned(),
            by: None,
        };
        self.recover(&execution, failure);
        Ok(())
    }

    /// The execution of an ended workflow's start. If `begin` recorded none, it is recorded now.
    async fn started(
        self: &Rc<Self>,
        process: &Process,
        ended: &MachineExecution,
    ) -> Result<Option<ExecutionRecord>, LedgerError> {
        let compiled = self.compiled(&ended.arn, ended.machine);
        let lost = LostStart::read(&ended.input.to_string(), &compiled.workflow);
        let Some(lost) = lost else {
            return Ok(None);
        };
        let owner = LostOwner {
            arn: ended.arn.clone(),
            machine: format!("arn:aws:states:drill:machine:{}", compiled.workflow),
            started_at: Some(ended.started_at),
        };
        let recorded = process.engine();
        let recorded = recorded.record_lost_start(&lost, &owner, &compiled.gate);
        let recorded = recorded
            .await
            .map_err(|error| LedgerError::Unavailable(error.message))?;
        Ok(Some(recorded).filter(|execution| execution.owner == ended.arn))
    }

    /// The execution for which an ended recovery acted, or should have acted.
    async fn recovered(
        &self,
        process: &Process,
        ended: &MachineExecution,
    ) -> Result<Option<ExecutionRecord>, LedgerError> {
        let Ok(input) = RecoveryInput::deserialize(&ended.input) else {
            return Ok(None);
        };
        let at = ExecutionKey {
            tenant: input.execution.tenant,
            execution: input.execution.id,
        };
        let execution = process.read(&at).await?;
        let acts = |execution: &ExecutionRecord| {
            execution.owner == ended.arn || self.running(&execution.owner) != Some(true)
        };
        Ok(execution.filter(acts))
    }

    /// Returns whether the machine with this ARN runs; `None` if none was started.
    fn running(&self, arn: &str) -> Option<bool> {
        let machines = self.machines.borrow();
        machines.get(arn).map(|machine| machine.running.get())
    }

    /// Starts a recovery of an execution whose owner has ended. The first of an epoch has a name of
    /// its own, and each other one has that of its minute.
    fn recover(self: &Rc<Self>, execution: &ExecutionRecord, failure: Failure) {
        let now = self.now();
        self.look_again(execution, NextLook::of_recovery(now));
        let compiled = self.compiled(
            &execution.origin,
            MachineName::Workflow(self.deployed.get()),
        );
        let first = format!("{}-{}", execution.at.execution, execution.epoch);
        let arn = arn_of("recovery", &first);
        if execution.owner != arn {
            match self.running(&arn) {
                None => return self.start_recovery(&first, execution, &compiled, failure),
                Some(true) => return,
                Some(false) => {}
            }
        }
        let name = format!("{first}-{}", now.as_second() / 60);
        self.start_recovery(&name, execution, &compiled, failure);
    }

    fn look_again(&self, execution: &ExecutionRecord, next: NextLook) {
        let mut looks = self.looks.borrow_mut();
        looks.insert(execution.at.clone(), (execution.rev, next));
    }

    /// The next look at an execution, as the index of open executions has it.
    fn next_look(&self, execution: &ExecutionRecord) -> NextLook {
        let looks = self.looks.borrow();
        let set = looks.get(&execution.at);
        set.filter(|(rev, _)| *rev == execution.rev)
            .map_or_else(|| NextLook::of(execution), |(_, next)| *next)
    }

    /// The time of the next look at a question, as the index of open executions has it.
    fn next_look_at(&self, question: &Question) -> Option<Timestamp> {
        let looked_at = self.looked_at.borrow();
        let looked_at = looked_at.get(&question_key(question));
        question.due().filter(|_| looked_at != Some(&question.rev))
    }

    /// Looks at every execution that is due, delivers decisions that were not delivered, and
    /// handles ended machines whose status event was lost.
    pub(crate) async fn sweep(self: &Rc<Self>) {
        let process = self.process();
        let work = async {
            for at in &self.executions {
                let answer = self.look(&process, at).await;
                if let Err(error) = answer {
                    self.world
                        .record(|| format!("sweep      {}: {error}", at.execution));
                }
            }
            let listed: Vec<_> = {
                let mut unreported = self.unreported.borrow_mut();
                let now = self.now();
                unreported
                    .extract_if(.., |end| end.at + LISTED_AFTER <= now)
                    .collect()
            };
            for end in listed {
                let UnreportedEnd {
                    ended,
                    error,
                    cause,
                    ..
                } = &end;
                let answer = self.recover_ended(&process, ended, error, cause).await;
                if answer.is_err() {
                    self.unreported.borrow_mut().push(end);
                }
            }
        };
        process.run(work).await;
    }

    async fn look(
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
            if self.next_look_at(question).is_none_or(|due| due > now) {
                continue;
            }
            if question.waits(&snapshot.execution) {
                let mut looked_at = self.looked_at.borrow_mut();
                looked_at.insert(question_key(question), question.rev);
                continue;
            }
            let engine = process.engine();
            let closed = engine.close_late(question, &snapshot.execution).await;
            closed.map_err(|error| LedgerError::Unavailable(error.message))?;
        }
        let execution = snapshot.execution;
        if !execution.is_open() || self.next_look(&execution).due > now {
            return Ok(());
        }
        match self.running(&execution.owner) {
            Some(true) => self.look_again(&execution, NextLook::of_running(&execution, now)),
            None if self.start_named_owner(&execution) => {
                self.look_again(&execution, NextLook::of_recovery(now));
            }
            Some(false) | None => {
                let failure = Failure {
                    state: String::new(),
                    error: ErrorName::Lost.to_string(),
                    cause: "its Step Functions execution ended without an error".to_owned(),
                    by: None,
                };
                self.recover(&execution, failure);
            }
        }
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
        let unreported = self.unreported.borrow();
        let listed = unreported.iter().map(|end| end.at + LISTED_AFTER).min();
        let snapshot = self.world.ledger.snapshot(at).now_or_never()?.ok()?;
        let Some(snapshot) = snapshot else {
            return listed;
        };
        let execution = &snapshot.execution;
        let look = execution.is_open().then(|| self.next_look(execution).due);
        let questions = snapshot.questions.iter();
        let questions = questions.filter_map(|question| self.next_look_at(question));
        look.into_iter().chain(questions).chain(listed).min()
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

fn question_key(question: &Question) -> QuestionKey {
    QuestionKey {
        at: question.at.clone(),
        step: question.step.clone(),
    }
}
