//! Prepares what is drilled: the compiled definition, its recovery machine, the actions of its
//! steps, and an input.

use std::sync::Arc;

use holdfast_action::ActionInfo;
use holdfast_asl::{Machine, State};
use holdfast_task::{AdmissionSpec, StepRef};
use holdfast_workflow::{
    compile,
    definition::{Answers, Definition, Expression, OnFailure, Step, StepKind},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{RunInputs, action::ReadsInput, sample::sample, world::START};

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
    /// Time at which a run starts.
    pub(crate) start: Timestamp,
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
    /// Reads an input as the action does.
    pub(crate) reads_input: ReadsInput,
    pub(crate) output_schema: Arc<Value>,
    /// Code of a failure after which the execution continues, if its definition lists one.
    pub(crate) continues_on: Option<String>,
    /// Outputs of successive calls, the last one also of all later calls. None if it is made from
    /// the output schema.
    pub(crate) answers: Arc<[Value]>,
    /// True if a file has its answers.
    pub(crate) answered: bool,
}

/// Name of the action whose output no schema describes.
const HTTP: &str = "http";

/// Returns the outputs of the calls of a step. What a file does not have of an answer is made from
/// the output schema, and an `http` step answers 200 without a body.
fn answers_of(step: &str, info: &ActionInfo, answers: &Answers) -> Vec<Value> {
    let mut default = sample(&info.output_schema, step);
    if info.name == HTTP {
        default = json!({ "status": 200, "headers": {}, "body": null });
    }
    match answers.get(step) {
        None if info.name == HTTP => vec![default],
        None => Vec::new(),
        Some(calls) => {
            let calls = calls.iter().map(|call| {
                let mut answer = default.clone();
                for (name, value) in call {
                    answer[name] = value.clone();
                }
                answer
            });
            calls.collect()
        }
    }
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
/// no awaited answer. The poll of a step that has `answers` stays as it is.
fn ending_polls(definition: &Definition, answers: &Answers) -> Definition {
    fn within(steps: &mut [Step], answers: &Answers) {
        for step in steps {
            match &mut step.kind {
                StepKind::Action(action) if !answers.contains_key(&step.name) => {
                    let second = Expression::read("{% $attempt >= 2 %}");
                    if let (Some(poll), Some(second)) = (&mut action.poll, second) {
                        poll.until = second;
                    }
                }
                StepKind::Parallel(branches) => {
                    branches
                        .iter_mut()
                        .for_each(|one| within(&mut one.steps, answers));
                }
                StepKind::ForEach(each) => within(&mut each.steps, answers),
                StepKind::Choose(choose) => {
                    let branches = choose.branches.iter_mut();
                    branches.for_each(|one| within(&mut one.steps, answers));
                    within(&mut choose.otherwise, answers);
                }
                StepKind::Action(_)
                | StepKind::Wait(_)
                | StepKind::Approve(_)
                | StepKind::Stop(_) => {}
            }
        }
    }
    let mut definition = definition.clone();
    within(&mut definition.steps, answers);
    definition
}

impl DrilledWorkflow {
    /// Compiles `definition`.
    pub(crate) fn new(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        run_inputs: &RunInputs,
    ) -> Result<Self, String> {
        let answers = &run_inputs.answers;
        let definition = &ending_polls(definition, answers);
        let machine = compile::machine(definition, file).map_err(|error| error.to_string())?;
        let recovery = compile::recovery(&[definition]);
        let input = run_inputs.input.clone();
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
                reads_input: info.reads_input,
                output_schema: Arc::new(info.output_schema.clone()),
                continues_on: match &action.on_failure {
                    OnFailure::ContinueOn(codes) => codes.first().cloned(),
                    _ => None,
                },
                answers: answers_of(&step.name, info, answers).into(),
                answered: answers.contains_key(&step.name),
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
            start: run_inputs.at.unwrap_or(START),
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

    /// Returns the first `http` step whose body an expression reads and whose answers no file has.
    pub(crate) fn unanswered(&self) -> Option<&str> {
        let text = self.machine.to_json().unwrap_or_default();
        let mut steps = self
            .steps
            .iter()
            .filter(|step| step.action == HTTP && !step.answered);
        let read = |step: &&DrilledStep| text.contains(&format!("${}.body", step.name));
        steps.find(read).map(|step| step.name.as_str())
    }
}
