//! Simulates the API and the people who use it: starts, cancels, rollbacks, redrives, deployments,
//! pauses and decisions.

use std::{rc::Rc, time::Duration};

use holdfast_admission::Envelope;
use holdfast_engine::{Host, QuestionAnswer, deliver, recovery_name, redrive_name, start_owner};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, ControlState, ExecutionRecord, Expect, IncidentStatus, Ledger, LedgerError,
    PauseBehavior, Put, Request, RequestOutcome, RequestTransition, Scope, Snapshot, ask, control,
    handle, withdraw,
};
use holdfast_receipt::Decision;
use holdfast_task::{AskTask, QuestionKind, RECOVERY};
use serde_json::json;

use super::{
    express::workflow_arn,
    machines::{ProcessMachines, arn_of, version_arn},
    region::{MachineName, Region},
    schedule::{self, Cut, Judgement, Moment},
    words::outcome,
};
use crate::{
    approvals::vote,
    functions::token_answer,
    people::end_of,
    process::Process,
    signed_approval::{REQUESTER, approval_of},
};

/// Time that a person takes to decide.
const THINKS: Duration = Duration::from_secs(60);
/// Most tries of a person whose decision was refused.
const TRIES: usize = 3;

fn person(reason: &str) -> Request {
    Request {
        by: "drill".to_owned(),
        reason: reason.to_owned(),
    }
}

impl Region {
    /// Makes a request in a process of its own.
    pub(crate) async fn request(self: Rc<Self>, moment: Moment, request: schedule::Request) {
        self.world.record(|| format!("request    {request}"));
        self.disturb();
        if let (Moment::Rest, Some(weather)) = (moment, &self.world.weather) {
            weather.end_silence();
        }
        if let schedule::Request::Deploy(version) = request {
            return self.deployed.set(version);
        }
        let process = self.process();
        let work = self.serve(&process, request);
        let answer = process.run(work).await;
        self.world
            .record(|| format!("answer     {}", outcome(&answer, |text| text)));
        self.disturb();
    }

    async fn serve(
        self: &Rc<Self>,
        process: &Process,
        request: schedule::Request,
    ) -> Result<String, LedgerError> {
        use schedule::Request as Kind;
        match request {
            Kind::Start {
                execution,
                other_input,
                direct,
            } => {
                self.start_execution(process, execution, other_input, direct)
                    .await
            }
            Kind::Cancel(execution, cut) => self.cancel(process, execution, cut).await,
            Kind::Rollback(execution, cut) => {
                let at = &self.executions[execution];
                let (request, clock) = (person("the drill rolls back"), &self.world.clock);
                let decide = |found: &Snapshot| {
                    let owner = next_recovery(&found.execution);
                    withdraw(&found.execution, &request, &owner, clock.now())
                };
                let answer = ask(process, at, decide).await?;
                Ok(self.start_owner(process, answer, cut).await)
            }
            Kind::Redrive(execution, cut) => self.redrive(process, execution, cut).await,
            Kind::Pause {
                tenant,
                rolls_back,
                lasts,
            } => {
                let scope = match tenant {
                    true => Scope::Tenant(self.executions[0].tenant.clone()),
                    false => Scope::Platform,
                };
                let meanwhile = match rolls_back {
                    true => PauseBehavior::Rollback,
                    false => PauseBehavior::Wait,
                };
                let region = self.clone();
                let resumed = scope.clone();
                self.spawn(async move {
                    region.world.clock.sleep(lasts).await;
                    // The client repeats until the answer is there.
                    while region
                        .switch(&resumed, ControlState::Running, meanwhile)
                        .await
                        .is_err()
                    {
                        region.world.clock.sleep(THINKS).await;
                    }
                    region.disturb();
                });
                self.switch(&scope, ControlState::Paused, meanwhile).await?;
                Ok(format!("{} is paused", scope.name()))
            }
            Kind::Resolve => self.resolve(process).await,
            Kind::Deploy(_) => Ok(String::new()),
        }
    }

    /// Starts an execution through the API, or directly in Step Functions.
    pub(crate) async fn start_execution(
        self: &Rc<Self>,
        process: &Process,
        execution: usize,
        other_input: bool,
        direct: bool,
    ) -> Result<String, LedgerError> {
        let at = &self.executions[execution];
        let version = self.deployed.get();
        let deployed = self.versions.all[version].clone();
        let mut input = deployed.input.clone();
        if other_input {
            input = schedule::other_input(input);
        }
        let machine = MachineName::Workflow(version);
        let key = key_of(execution);
        let approval = approval_of(&deployed.gate, &at.tenant, &input, &key);
        if direct {
            let input = json!({
                "tenant": at.tenant, "idempotency_key": key, "input": input,
                "requested_by": approval.as_ref().map(|_| REQUESTER), "approval": approval,
            });
            let name = self.world.clock.token();
            let arn = workflow_arn(deployed.gate.tier, &deployed.workflow, &name);
            self.start(arn, machine, input);
            return Ok("started directly".to_owned());
        }
        if let Some(stored) = process.read(at).await? {
            let repeat = self.world.clock.repeat();
            process
                .count_duplicate(at, &stored.workflow, &repeat)
                .await?;
            return Ok("replayed".to_owned());
        }
        let envelope = Envelope {
            tenant: at.tenant.clone(),
            idempotency_key: key,
            input,
            via: "api".to_owned(),
            requested_by: Some(REQUESTER.to_owned()),
            approval,
            request_id: Some(self.world.clock.token()),
            trace: None,
        };
        let arn = workflow_arn(deployed.gate.tier, &deployed.workflow, &at.execution);
        if self.start(arn, machine, json!(envelope)) {
            self.accepted.borrow_mut().push(at.clone());
            return Ok("202".to_owned());
        }
        let repeat = self.world.clock.repeat();
        process
            .count_duplicate(at, &deployed.workflow, &repeat)
            .await?;
        Ok("started before".to_owned())
    }

    async fn cancel(
        self: &Rc<Self>,
        process: &Process,
        execution: usize,
        cut: Cut,
    ) -> Result<String, LedgerError> {
        let at = &self.executions[execution];
        let (request, clock) = (person("the drill cancels"), &self.world.clock);
        let before = process.read(at).await?;
        let decide = |found: &Snapshot| {
            let owner = next_recovery(&found.execution);
            holdfast_ledger::cancel(&found.execution, &request, &owner, clock.now())
        };
        let answer = ask(process, at, decide).await?;
        if let (RequestOutcome::Done(_), Some(before)) = (&answer, before)
            && let Some(owner) = self.machines.borrow().get(&before.owner)
        {
            owner.stopped.put(true);
        }
        Ok(self.start_owner(process, answer, cut).await)
    }

    async fn redrive(
        self: &Rc<Self>,
        process: &Process,
        execution: usize,
        cut: Cut,
    ) -> Result<String, LedgerError> {
        let at = &self.executions[execution];
        let Some(_) = process.read(at).await? else {
            return Ok("unknown".to_owned());
        };
        let version = self.deployed.get();
        let current = self.versions.all[version].clone();
        let checked = version_arn(&current.workflow, version);
        let (request, clock) = (person("the drill redrives"), &self.world.clock);
        let decide = |found: &Snapshot| -> RequestTransition {
            let name = redrive_name(&found.execution, found.execution.generation + 1);
            let owner = workflow_arn(current.gate.tier, &current.workflow, &name);
            let (gate, refs) = (&current.gate, &current.refs);
            holdfast_ledger::redrive(found, gate, refs, &request, &owner, clock.now())
                .under_version(&checked)
        };
        let answer = ask(process, at, decide).await?;
        let note = self.start_owner(process, answer, cut).await;
        match cut {
            Cut::DeploymentAndCancel(_) => self.cancel(process, execution, Cut::None).await,
            _ => Ok(note),
        }
    }

    /// Starts the new owner of the execution after a request.
    async fn start_owner(
        self: &Rc<Self>,
        process: &Process,
        answer: RequestOutcome,
        cut: Cut,
    ) -> String {
        let (execution, note) = match answer {
            RequestOutcome::Unknown => return "unknown".to_owned(),
            RequestOutcome::Refused(why) | RequestOutcome::TooEarly(why) => {
                return format!("refused: {why}");
            }
            RequestOutcome::Already(execution, note) => (execution, note),
            RequestOutcome::Done(execution) => (execution, "recorded".to_owned()),
        };
        match cut {
            Cut::None => {}
            Cut::BeforeStart => return format!("{note}, and the API dies"),
            Cut::Deployment(version) | Cut::DeploymentAndCancel(version) => {
                self.deployed.set(version);
            }
        }
        let machines = ProcessMachines::new(self, process);
        match start_owner(&machines, &execution).await {
            Ok(_) => note,
            Err(error) => format!("{note}, and no owner is started: {error}"),
        }
    }

    async fn switch(
        &self,
        scope: &Scope,
        state: ControlState,
        meanwhile: PauseBehavior,
    ) -> Result<(), LedgerError> {
        let process = self.process();
        loop {
            let stored: Option<Control> = process.read(scope).await?;
            let request = person("the drill switches");
            let next = control(
                stored.as_ref(),
                scope,
                state,
                meanwhile,
                &request,
                self.now(),
            );
            let Some(next) = next else {
                return Ok(());
            };
            if process.put(&next, Expect::after(stored.as_ref())).await? == Put::Done {
                return Ok(());
            }
        }
    }

    /// Resolves every incident whose execution does not wait, as a person does.
    async fn resolve(&self, process: &Process) -> Result<String, LedgerError> {
        let tenant = &self.executions[0].tenant;
        let request = person("the drill resolves");
        for (incident, _) in self.world.ledger.incidents(tenant) {
            let resolved = IncidentStatus::Resolved;
            if let Ok(Some(next)) = handle(&incident, resolved, &request, self.now()) {
                process.put(&next, Expect::Rev(incident.rev)).await?;
            }
        }
        Ok("resolved".to_owned())
    }

    /// Puts a question to a person, or answers it with the decision of before.
    pub(super) fn asked(self: &Rc<Self>, task: &AskTask, answer: Option<QuestionAnswer>) {
        if let Some(answer) = answer {
            return self.answer_token(&task.token, token_answer(answer));
        }
        let usual = Judgement {
            decision: Some(match task.ask.kind {
                QuestionKind::Approval => Decision::Approve,
                QuestionKind::Escalation => Decision::Rollback,
            }),
            after: THINKS,
            undelivered: false,
        };
        let judgement = self.judgement().unwrap_or(usual);
        let Some(decision) = judgement.decision else {
            return self.disturb_until(end_of(task));
        };
        let (region, task) = (self.clone(), task.clone());
        self.spawn(async move {
            region.world.clock.sleep(judgement.after).await;
            for _ in 0..TRIES {
                let process = region.process();
                let work = region.decide(&process, &task, decision, judgement.undelivered);
                let decided = process.run(work).await;
                region.world.record(|| {
                    format!(
                        "person     {} {}: {}",
                        task.ask.step,
                        decision.name(),
                        outcome(&decided, |done| if *done { "done" } else { "not now" })
                    )
                });
                region.disturb();
                if let Some(Ok(true)) = decided {
                    return;
                }
                region.world.clock.sleep(THINKS).await;
            }
        });
    }

    /// Records and delivers a decision. Returns true if it took effect.
    async fn decide(
        self: &Rc<Self>,
        process: &Process,
        task: &AskTask,
        decision: Decision,
        undelivered: bool,
    ) -> Result<bool, LedgerError> {
        let at = ExecutionKey {
            tenant: task.execution.tenant.clone(),
            execution: task.execution.id.clone(),
        };
        let now = self.now();
        let Some(question) = vote(process, &at, &task.ask, decision, now, true).await? else {
            return Ok(false);
        };
        let step = &task.ask.step;
        if decision == Decision::Retry {
            let mut retried = self.retried.borrow_mut();
            retried.push((at.execution.clone(), step.clone()));
        }
        if !undelivered {
            // The decision is recorded, so the sweep delivers it if this delivery fails.
            let machines = ProcessMachines::new(self, process);
            drop(deliver(process, &machines, &question, self.now()).await);
        }
        Ok(true)
    }
}

/// ARN of the recovery execution that would become the next owner.
fn next_recovery(execution: &ExecutionRecord) -> String {
    arn_of(RECOVERY, &recovery_name(execution, execution.epoch + 1))
}

/// Idempotency key of the execution with this number.
pub(crate) fn key_of(execution: usize) -> String {
    format!("drill-{execution}")
}
