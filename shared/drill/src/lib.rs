//! Runs a compiled workflow on a virtual clock through every fault at every place, and checks what
//! remains.

mod action;
mod approvals;
mod branches;
mod check;
mod clock;
mod envelope;
mod fault;
mod functions;
mod invocation;
mod machine;
mod matrix;
mod meter;
#[cfg(test)]
mod mutations;
mod old_behavior;
mod outage;
mod own;
mod people;
mod plan;
mod process;
mod query;
mod run;
mod sample;
mod scenario;
mod signed_approval;
mod simulation;
mod store;
mod survey;
mod target;
mod usage;
mod world;

pub use fault::Fault;
pub use holdfast_audit::{SHARED_ENTRY_BYTES, StepEvents};
pub use matrix::Matrix;
pub use old_behavior::OldBehavior;
pub use outage::Service;
pub use own::{MakeOwn, Own};
pub use scenario::{Scenario, Strike};
pub use simulation::{BrokenSchedule, ScheduleSource, SimulationResult, Simulator};
pub use target::Manners;
pub use usage::{Load, MeasuredRun, Usage, Volume, batches};

use std::{collections::BTreeMap, num::NonZero, rc::Rc, sync::Arc, thread};

use holdfast_action::ActionInfo;
use holdfast_receipt::Receipt;
use holdfast_workflow::definition::{Answers, Definition};
use jiff::Timestamp;
use serde_json::Value;

use own::OwnSteps;
use plan::DrilledWorkflow;
use survey::{Stage, Survey, play};

/// Stack of a thread, in bytes. With less the evaluator allocates a stack for each expression.
const STACK: usize = 32 * 1024 * 1024;

/// A workflow that is drilled.
pub struct Drill {
    deployed: Arc<DrilledWorkflow>,
    survey: Survey,
    settings: Settings,
    own: Option<MakeOwn>,
}

/// The settings of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Seed of chance. Two runs with the same seed are the same.
    pub seed: u64,
    /// Behaviour of the targets.
    pub manners: Manners,
    /// Old behaviour that is put back, if one is.
    pub old: Option<OldBehavior>,
}

/// Input, answers of targets and start time of a run. Each has a default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInputs {
    /// Input. Without one it is made from the input schema.
    pub input: Option<Value>,
    /// Answers of the targets of steps.
    pub answers: Answers,
    /// Time of the start. By default it is Monday, 29 September 2025, 13:00 UTC.
    pub at: Option<Timestamp>,
}

/// The end of one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Final status of the execution. `None` if no record exists.
    pub status: Option<String>,
    /// Number of effects that remain, by step (`step`, or `step[item]`).
    pub remaining: BTreeMap<String, u32>,
    /// Receipt of the execution.
    pub receipt: Option<Receipt>,
    /// Violations of what must hold.
    pub violations: Vec<String>,
    /// True if every fault came up.
    pub struck: bool,
    /// Events line by line, if a story was requested.
    pub story: Vec<String>,
}

impl Drill {
    /// Prepares a definition. `file` is the path of its file. Without an `input` one is made from
    /// the input schema.
    ///
    /// The error says why the workflow does not execute even without faults.
    pub fn new(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        input: Option<Value>,
        settings: Settings,
    ) -> Result<Self, String> {
        let run_inputs = RunInputs {
            input,
            ..RunInputs::default()
        };
        Self::of(definition, file, actions, &run_inputs, settings)
    }

    /// Prepares a definition as [`Drill::new`] does, with answers and a start time too.
    pub fn of(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        run_inputs: &RunInputs,
        settings: Settings,
    ) -> Result<Self, String> {
        let deployed = DrilledWorkflow::new(definition, file, actions, run_inputs)?;
        let deployed = Arc::new(deployed);
        let survey = Survey::of(&deployed)?;
        Ok(Self {
            deployed,
            survey,
            settings,
            own: None,
        })
    }

    /// Adds the real code of actions, which calls a system that `make` makes for each run. The
    /// drill then covers what the code does with keys, repeated calls and an undo without an
    /// effect.
    ///
    /// The error says what is wrong even without faults, or that no step called the system.
    pub fn with_own(self, make: MakeOwn) -> Result<Self, String> {
        let own = Some(make);
        let drill = Self { own, ..self };
        let stage = drill.stage(false)?;
        let (left, found) = play(&drill.deployed, &Rc::default(), &[], stage);
        survey::executed(&drill.deployed, &left, &found)?;
        let own = left.world.target.own.as_ref();
        let steps = drill.deployed.steps.iter();
        let mut called = steps.filter(|step| !drill.survey.not_reached.contains(&step.name));
        if !called.any(|step| own.is_some_and(|own| own.action(&step.action).is_some())) {
            return Err(
                "no step calls the system: Own::action knows none of their actions".to_owned(),
            );
        }
        Ok(drill)
    }

    fn stage(&self, records: bool) -> Result<Stage, String> {
        Ok(Stage {
            settings: self.settings,
            own: self.own.as_ref().map(OwnSteps::new).transpose()?,
            outage: None,
            records,
            measures: None,
            key: None,
        })
    }

    /// Returns every fault at every place, one at a time.
    pub fn singles(&self) -> Vec<Scenario> {
        scenario::singles(&self.survey.places)
    }

    /// Returns every two faults together.
    pub fn pairs(&self) -> Vec<Scenario> {
        scenario::pairs(&self.survey.places)
    }

    /// Returns the steps that the input does not lead to, and the approvals that ask no person
    /// under it. Their own faults are not drilled.
    pub fn not_reached(&self) -> &[String] {
        &self.survey.not_reached
    }

    /// Refuses a scenario at a place that the workflow does not have.
    pub fn check(&self, scenario: &Scenario) -> Result<(), String> {
        self.survey.strikes(scenario).map(|_| ())
    }

    /// Runs one scenario and records its story. The error names the unknown part of the scenario's
    /// name.
    pub fn run(&self, scenario: &Scenario) -> Result<Outcome, String> {
        let records = true;
        let mut outcomes = self.play_all(std::slice::from_ref(scenario), 1, records)?;
        outcomes.pop().ok_or_else(|| "it did not run".to_owned())
    }

    /// Runs scenarios in as many threads as there are processors. Outcomes are in the order of the
    /// scenarios, without stories.
    pub fn run_all(&self, scenarios: &[Scenario]) -> Result<Vec<Outcome>, String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        self.play_all(scenarios, threads, false)
    }

    fn play_all(
        &self,
        scenarios: &[Scenario],
        threads: usize,
        records: bool,
    ) -> Result<Vec<Outcome>, String> {
        let share = scenarios.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let play = |share| move || self.play_share(share, records);
            let running: Vec<_> = scenarios
                .chunks(share)
                .map(|share| {
                    thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, play(share))
                })
                .collect();
            let mut outcomes = Vec::with_capacity(scenarios.len());
            for thread in running {
                let thread = thread.map_err(|error| format!("no thread: {error}"))?;
                let share = thread.join().map_err(|_| "a run panicked".to_owned())?;
                outcomes.extend(share?);
            }
            Ok(outcomes)
        })
    }

    fn play_share(&self, scenarios: &[Scenario], records: bool) -> Result<Vec<Outcome>, String> {
        let parsed = Rc::default();
        let outcomes = scenarios.iter().map(|scenario| {
            let strikes = self.survey.strikes(scenario)?;
            let (left, found) = play(&self.deployed, &parsed, &strikes, self.stage(records)?);
            Ok(Outcome {
                status: found.status,
                remaining: found.remaining,
                receipt: found.receipt,
                violations: found.violations,
                struck: left.world.all_struck(),
                story: left.world.story(),
            })
        });
        outcomes.collect()
    }
}
