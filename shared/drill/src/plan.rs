//! Prepares what is drilled: the compiled definition, its recovery machine, the actions of its
//! steps, and an input.

use std::sync::Arc;

use holdfast_action::ActionInfo;
use holdfast_asl::{Machine, State};
use holdfast_task::{AdmissionSpec, StepRef};
use holdfast_workflow::{
    compile,
    definition::{Definition, Expression, OnFailure, Step, StepKind},
};
use serde::Deserialize;
use serde_json::Value;

use crate::sample::sample;

/// A workflow as it is deployed.
pub(crate) struct DrilledWorkflow {
    pub(crate) workflow: String,
    pub(crate) tenant: String,
    pub(crate) machine: Machine,
    pub(crate) recovery: Machine,
    pub(crate) steps: Vec<DrilledStep>,
    pub(crate) refs: Vec<StepRef>,
    /// The part of the definition that admission applies, as the machine carries it.
    pub(crate) gate: AdmissionSpec,
    pub(crate) input: Value,
}

/// A step and its action.
#[derive(Clone)]
pub(crate) struct DrilledStep {
    pub(crate) name: String,
    pub(crate) action: String,
    pub(crate) idempotent: bool,
    /// True if it only reads, so that it has no effect.
    pub(crate) reads: bool,
    pub(crate) undoes: bool,
    pub(crate) fences: bool,
    /// True if its failure rolls the execution back, without a question to a person.
    pub(crate) rolls_back: bool,
    pub(crate) output_schema: Arc<Value>,
    /// Code of a failure after which the execution continues, if its definition lists one.
    pub(crate) continues_on: Option<String>,
}

/// Reads a state machine back from its text, so that the drill runs what is deployed. The error
/// names the first thing that Step Functions would refuse.
fn read_back(machine: &Machine) -> Result<Machine, String> {
    let text = machine.to_json().map_err(|error| error.to_string())?;
    let machine = Machine::read(&text)?;
    match machine.violations().into_iter().next() {
        Some(violation) => Err(format!("Step Functions would refuse it: {violation}")),
        None => Ok(machine),
    }
}

/// Reads the admission of a state machine from the arguments of its `Begin`, as the API does.
fn gate_of(machine: &Machine) -> Result<AdmissionSpec, String> {
    let begin = match machine.states.get("Begin") {
        Some(State::Task(task)) => &task.arguments["gate"],
        _ => return Err("the state machine has no Begin".to_owned()),
    };
    AdmissionSpec::deserialize(begin).map_err(|error| format!("Begin: {error}"))
}

/// Returns the definition whose polls end with the second attempt, since the simulated target knows
/// no awaited answer.
fn answered(definition: &Definition) -> Definition {
    fn within(steps: &mut [Step]) {
        for step in steps {
            match &mut step.kind {
                StepKind::Action(action) => {
                    let second = Expression::read("{% $attempt >= 2 %}");
                    if let (Some(poll), Some(second)) = (&mut action.poll, second) {
                        poll.until = second;
                    }
                }
                StepKind::Parallel(branches) => {
                    branches.iter_mut().for_each(|one| within(&mut one.steps));
                }
                StepKind::ForEach(each) => within(&mut each.steps),
                StepKind::Choose(choose) => {
                    let branches = choose.branches.iter_mut();
                    branches.for_each(|one| within(&mut one.steps));
                    within(&mut choose.otherwise);
                }
                StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => {}
            }
        }
    }
    let mut definition = definition.clone();
    within(&mut definition.steps);
    definition
}

impl DrilledWorkflow {
    /// Compiles `definition`. Without an `input` one is made from the input schema.
    pub(crate) fn new(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        input: Option<Value>,
    ) -> Result<Self, String> {
        let definition = &answered(definition);
        let machine = compile::machine(definition, file).map_err(|error| error.to_string())?;
        let recovery = compile::recovery(&[definition]);
        let input = input.unwrap_or_else(|| sample(&definition.input, ""));
        let misfits = holdfast_admission::violations(&definition.input, &input)?;
        if !misfits.is_empty() {
            let misfits = misfits.join("; ");
            return Err(format!(
                "the input does not fit ({misfits}): give one with --input"
            ));
        }
        let mut steps = Vec::new();
        for (step, action, _) in definition.action_steps() {
            let info = actions.iter().find(|info| info.name == action.action);
            let info = info.ok_or_else(|| format!("no action is called {}", action.action))?;
            let rollback = action.rollback.as_ref();
            steps.push(DrilledStep {
                name: step.name.clone(),
                action: action.action.clone(),
                idempotent: action.idempotent,
                reads: action.reads,
                undoes: rollback.is_some(),
                fences: rollback.is_some_and(|rollback| rollback.fences),
                rolls_back: action.on_failure == OnFailure::Rollback,
                output_schema: Arc::new(info.output_schema.clone()),
                continues_on: match &action.on_failure {
                    OnFailure::ContinueOn(codes) => codes.first().cloned(),
                    _ => None,
                },
            });
        }
        let gate = gate_of(&machine)?;
        Ok(Self {
            gate,
            workflow: definition.workflow.clone(),
            tenant: definition
                .tenants
                .first()
                .map_or("drill", |tenant| tenant)
                .to_owned(),
            machine: read_back(&machine)?,
            recovery: read_back(&recovery)?,
            steps,
            refs: compile::step_refs(definition),
            input,
        })
    }

    /// Returns true if the step only reads.
    pub(crate) fn reads(&self, step: &str) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|known| known.name == step && known.reads)
    }

    /// Returns the place of a step's undo, or of the question about a step without an undo.
    pub(crate) fn back_of(&self, step: &str) -> String {
        let undoes = self
            .steps
            .iter()
            .any(|known| known.name == step && known.undoes);
        format!("{step}.{}", if undoes { "undo" } else { "ask" })
    }
}
