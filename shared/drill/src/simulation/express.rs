//! Simulates Express executions: a name is not unique, and Step Functions runs a start at least
//! once. It describes none, lists none, and sends no status event.

use std::{rc::Rc, time::Duration};

use holdfast_engine::{Host, LostStart, StatusEvent};
use holdfast_ids::arn::{express_owner, is_express, owner_of};
use holdfast_ledger::Ledger;
use holdfast_task::Tier;
use serde_json::Value;

use super::{
    machines::arn_of,
    region::{MachineExecution, MachineName, Region},
    schedule::{Event, other_input},
};
use crate::{plan::DrilledWorkflow, run::RunEnd};

/// Longest time from the death of a run to the next run of its start, in seconds.
const AGAIN_WITHIN: f64 = 240.0;

/// Returns the ARN of the execution of a workflow called `name`. That of an Express one lacks the
/// id of its run.
pub(super) fn workflow_arn(tier: Tier, workflow: &str, name: &str) -> String {
    let standard = arn_of(workflow, name);
    match tier {
        Tier::Standard => standard,
        Tier::Express => express_owner(&standard),
    }
}

impl Region {
    /// Returns the versions that the workflow's execution with this ARN ran: one, unless several
    /// Express runs performed steps.
    pub(crate) fn versions_of(&self, arn: &str) -> Vec<&DrilledWorkflow> {
        let machines = self.machines.borrow();
        let runs = machines.values().filter(|one| {
            let performs = !is_express(&one.arn) || one.performs.get();
            performs && owner_of(&one.arn) == owner_of(arn)
        });
        let versions = runs.filter_map(|one| match one.machine {
            MachineName::Workflow(version) => Some(&*self.versions.all[version]),
            MachineName::Recovery(_) => None,
        });
        versions.collect()
    }

    /// Starts a run, and the further ones that the schedule has.
    pub(super) fn start_express(
        self: &Rc<Self>,
        owner: String,
        machine: MachineName,
        input: Value,
    ) {
        let number = self.express_starts.replace(self.express_starts.get() + 1);
        for event in &self.schedule.events {
            if let Event::Rerun(start, after) = event
                && *start == number
            {
                let (region, after) = (self.clone(), *after);
                let (owner, input) = (owner.clone(), input.clone());
                self.spawn(async move {
                    region.world.clock.sleep(after).await;
                    region.disturb();
                    region.repeat(owner, machine, input);
                });
            }
        }
        self.start_new_run(owner, machine, input);
    }

    /// Starts another run under a name. Half of them are Step Functions' own. The others are a
    /// start that a client repeated, which Step Functions does not refuse either.
    fn repeat(self: &Rc<Self>, owner: String, mut machine: MachineName, mut input: Value) {
        let clock = &self.world.clock;
        if clock.random() < 0.5 {
            machine = MachineName::Workflow(self.deployed.get());
            if clock.random() < 0.3 {
                input["input"] = other_input(input["input"].take());
            }
        }
        self.start_new_run(owner, machine, input);
    }

    fn start_new_run(self: &Rc<Self>, owner: String, machine: MachineName, input: Value) {
        let run = self.machines.borrow().len();
        self.start_run(format!("{owner}:{run}"), machine, input);
    }

    /// Runs a start again whose run died. If the start is recorded, only half of them: the sweep
    /// must end the others.
    pub(super) async fn express_ended(self: &Rc<Self>, run: &MachineExecution, end: &RunEnd) {
        if !matches!(end, RunEnd::Stopped(_)) {
            return;
        }
        let start = LostStart::read(&run.input.to_string(), &self.versions.all[0].workflow);
        let recorded = match start {
            Some(start) => self.world.ledger.read(&start.at).await,
            None => return,
        };
        let recorded = recorded.is_ok_and(|record| record.is_some());
        let clock = &self.world.clock;
        if !recorded || clock.random() < 0.5 {
            clock
                .sleep(Duration::from_secs_f64(AGAIN_WITHIN * clock.random()))
                .await;
            self.disturb();
            let owner = owner_of(&run.arn).to_owned();
            self.start_new_run(owner, run.machine, run.input.clone());
        }
    }

    /// Delivers the report of a run that recorded nothing.
    pub(super) fn report(self: &Rc<Self>, message: &Value) -> Value {
        let body = message["MessageBody"].as_str().unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(event) = StatusEvent::read(&body) {
            let region = self.clone();
            self.spawn(async move { region.deliver_status(&event).await });
        }
        Value::Null
    }
}
