//! The drill: runs a compiled workflow on a virtual clock through every fault at every place, and checks what remains.

mod action;
mod check;
mod clock;
mod fault;
mod functions;
mod machine;
mod matrix;
#[cfg(test)]
mod mutations;
mod own;
mod people;
mod plan;
mod process;
mod query;
mod run;
mod sample;
mod scenario;
mod survey;
mod target;
mod world;

pub use fault::Fault;
pub use matrix::Matrix;
pub use own::{MakeOwn, Own};
pub use scenario::{Scenario, Strike};
pub use target::Manners;

use std::{collections::BTreeMap, num::NonZero, rc::Rc, sync::Arc, thread};

use holdfast_action::ActionInfo;
use holdfast_receipt::Receipt;
use holdfast_workflow::definition::Definition;
use serde_json::Value;

use own::OwnSteps;
use plan::DrilledWorkflow;
use survey::{Stage, Survey, play};

/// The evaluator allocates a stack of its own for each expression unless it finds this much.
const STACK: usize = 32 * 1024 * 1024;

/// A workflow that is drilled.
pub struct Drill {
    deployed: Arc<DrilledWorkflow>,
    survey: Survey,
    settings: Settings,
    own: Option<MakeOwn>,
}

/// How a workflow is drilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Two runs with the same seed do the same.
    pub seed: u64,
    /// How targets behave.
    pub manners: Manners,
}

/// How one scenario ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The execution's final status; `None` if nothing is recorded of it.
    pub status: Option<String>,
    /// How many effects stand of each step (`step`, or `step[item]`).
    pub standing: BTreeMap<String, u32>,
    /// Its receipt.
    pub receipt: Option<Receipt>,
    /// What should hold and does not.
    pub violations: Vec<String>,
    /// Whether every fault came up.
    pub struck: bool,
    /// What happened, line by line, where it was asked for.
    pub story: Vec<String>,
}

impl Drill {
    /// Prepares a definition (`file` is its path for people). Without an `input` one is made from its schema.
    ///
    /// The error says why the workflow does not execute even without faults.
    pub fn new(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        input: Option<Value>,
        settings: Settings,
    ) -> Result<Self, String> {
        let deployed = Arc::new(DrilledWorkflow::new(definition, file, actions, input)?);
        let survey = Survey::of(&deployed)?;
        Ok(Self {
            deployed,
            survey,
            settings,
            own: None,
        })
    }

    /// The same with actions' real code, which calls a system that `make` makes for each run: what the code does with keys,
    /// with repeats and with an undo of nothing is drilled too.
    ///
    /// The error says what is wrong even without faults, or that no step called the system.
    pub fn with_own(self, make: MakeOwn) -> Result<Self, String> {
        let own = Some(make);
        let drill = Self { own, ..self };
        let stage = drill.stage(false)?;
        let (left, found) = play(&drill.deployed, &Rc::default(), &[], stage);
        survey::executed(&left, &found)?;
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

    fn stage(&self, tells: bool) -> Result<Stage, String> {
        Ok(Stage {
            settings: self.settings,
            own: self.own.as_ref().map(OwnSteps::new).transpose()?,
            tells,
        })
    }

    /// Every fault at every place, one at a time.
    pub fn singles(&self) -> Vec<Scenario> {
        scenario::singles(&self.survey.places)
    }

    /// Every two faults together.
    pub fn pairs(&self) -> Vec<Scenario> {
        scenario::pairs(&self.survey.places)
    }

    /// The steps that the input does not lead to: faults at them are not drilled.
    pub fn not_reached(&self) -> &[String] {
        &self.survey.not_reached
    }

    /// Runs one scenario and tells what happened. The error says which part of its name is unknown.
    pub fn run(&self, scenario: &Scenario) -> Result<Outcome, String> {
        let tells = true;
        let mut outcomes = self.play_all(std::slice::from_ref(scenario), 1, tells)?;
        outcomes.pop().ok_or_else(|| "it did not run".to_owned())
    }

    /// Runs scenarios, in as many threads as there are processors; outcomes are in the order of the scenarios, without
    /// their stories.
    pub fn run_all(&self, scenarios: &[Scenario]) -> Result<Vec<Outcome>, String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        self.play_all(scenarios, threads, false)
    }

    fn play_all(
        &self,
        scenarios: &[Scenario],
        threads: usize,
        tells: bool,
    ) -> Result<Vec<Outcome>, String> {
        let share = scenarios.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let play = |share| move || self.play_share(share, tells);
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

    fn play_share(&self, scenarios: &[Scenario], tells: bool) -> Result<Vec<Outcome>, String> {
        let parsed = Rc::default();
        let outcomes = scenarios.iter().map(|scenario| {
            let strikes = self.survey.strikes(scenario)?;
            let (left, found) = play(&self.deployed, &parsed, &strikes, self.stage(tells)?);
            Ok(Outcome {
                status: found.status,
                standing: found.standing,
                receipt: found.receipt,
                violations: found.violations,
                struck: left.world.all_struck(),
                story: left.world.story(),
            })
        });
        outcomes.collect()
    }
}
