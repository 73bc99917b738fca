//! Compiles steps into states: one Task per action, containers around them, and the exit of each
//! row.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    decisions::{self, Escalation, Exits, escalation_of, failed_of},
    expressions::ExpressionContext,
    names::arn_of,
    outputs::{MAP_OUTPUT, PARALLEL_OUTPUT, assigned, branch_output, item_output},
    retry::{FAILURE, catch_all, catch_all_as, catch_clean, catch_pause, of_step},
    unwind,
};
use crate::definition::{
    self, ActionStep, Branch, Definition, Expression, ForEach, OnFailure, Step, StepKind,
};
use holdfast_asl::{
    Exit, Inner, Map, Parallel, ProcessorConfig, ProcessorMode, State, States, Task, Until, Wait,
    member,
};
use holdfast_task::{StepPolicy, UndoPolicy, timing::TASK_MARGIN_S};

/// Largest inline output of a plain step, in bytes. Step Functions carries 256 KB.
const INLINE_BYTES: usize = 200_000;
/// Largest inline output of a step of a `for_each`, in bytes, because a hundred items add up.
const INLINE_BYTES_PER_ITEM: usize = 2_000;

/// The place of a row of steps, and its end.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The top level: errors are caught state by state, and the last step leads to this state.
    Top(&'a str),
    /// A branch of a `parallel`: the last state yields the output of every step.
    Branch,
    /// An item of a `for_each`: the last state yields what is collected.
    Item(&'a ForEach),
}

/// The properties that all steps of a row share.
#[derive(Clone, Copy)]
struct Row<'a> {
    place: Place<'a>,
    item_key: Option<&'a Expression>,
    inline_bytes: usize,
}

/// Returns the states of all steps. The last one leads to `next`.
pub(super) fn states(definition: &Definition, next: &str) -> States {
    let numbers = definition
        .action_steps()
        .into_iter()
        .map(|(step, ..)| step.name.as_str())
        .zip(1..)
        .collect();
    let mut states = States::new();
    let row = Row {
        place: Place::Top(next),
        item_key: None,
        inline_bytes: INLINE_BYTES,
    };
    let timeout_s = definition.limits.timeout_s;
    Compiler { numbers, timeout_s }.row(&definition.steps, row, &mut states);
    states
}

struct Compiler<'a> {
    numbers: BTreeMap<&'a str, u32>,
    /// Longest duration of the whole execution, in seconds.
    timeout_s: u64,
}

impl Compiler<'_> {
    fn row(&self, steps: &[Step], row: Row<'_>, states: &mut States) {
        for (n, step) in steps.iter().enumerate() {
            let (earlier, following) = (&steps[..n], steps.get(n + 1));
            let (exit, output) = match (following, row.place) {
                (Some(next), _) => (Exit::Next(next.name.clone()), None),
                (None, Place::Top(next)) => (Exit::Next(next.to_owned()), None),
                (None, Place::Branch) => (Exit::End(true), Some(branch_output(earlier, step))),
                (None, Place::Item(each)) => (Exit::End(true), Some(item_output(each, step))),
            };
            let name = step.name.as_str();
            let state = match &step.kind {
                StepKind::Action(action) => {
                    let in_for_each = row.item_key.is_some();
                    let escalates = Escalation::of(action, in_for_each, self.timeout_s);
                    let task = self.task(name, action, row, escalates, (exit, output));
                    let leads = Exits {
                        assign: task.assign.clone(),
                        output: task.output.clone(),
                        exit: task.exit.clone(),
                        refused: Some(decisions::given_up(&row.given_up(name))),
                    };
                    states.insert(name.to_owned(), State::Task(task));
                    let pause = Wait {
                        until: Until::Seconds("{% $states.input %}".into()),
                        output: None,
                        exit: Exit::Next(name.to_owned()),
                    };
                    states.insert(pause_of(name), State::Wait(pause));
                    if let Some(escalates) = escalates {
                        let variable = row.failure_of(name);
                        states.extend(decisions::escalation(name, escalates, &variable, leads));
                        if !row.is_top() {
                            states.insert(failed_of(name), unwind::failed(&variable));
                        }
                    }
                    continue;
                }
                StepKind::Wait(wait) => wait_state(name, wait, row, exit, output),
                StepKind::Approve(approve) => {
                    let message = ExpressionContext::default().text(&approve.message).into();
                    let leads = Exits {
                        assign: output.is_none().then(|| assigned(name)),
                        output,
                        exit,
                        refused: row.is_top().then(|| decisions::refused(name)),
                    };
                    states.extend(decisions::approval(name, approve, message, leads));
                    continue;
                }
                StepKind::Parallel(branches) => {
                    State::Parallel(self.parallel(name, branches, row, exit, output))
                }
                StepKind::ForEach(each) => State::Map(self.for_each(name, each, row, exit, output)),
            };
            states.insert(name.to_owned(), state);
        }
    }

    fn inner(
        &self,
        steps: &[Step],
        row: Row<'_>,
        processor_config: Option<ProcessorConfig>,
    ) -> Inner {
        let mut states = States::new();
        self.row(steps, row, &mut states);
        let start_at = steps
            .first()
            .map(|step| step.name.clone())
            .unwrap_or_default();
        Inner {
            processor_config,
            start_at,
            states,
        }
    }

    fn task(
        &self,
        name: &str,
        action: &ActionStep,
        row: Row<'_>,
        escalates: Option<Escalation>,
        (exit, output): (Exit, Option<Value>),
    ) -> Task {
        let policy = StepPolicy {
            name: name.to_owned(),
            number: self.numbers.get(name).copied().unwrap_or_default(),
            action: action.action.clone(),
            timeout_s: action.timeout_s,
            max_attempts: action.retry.max_attempts,
            idempotent: action.idempotent,
            optional: action.on_failure == OnFailure::Continue,
            undo: action.rollback.as_ref().map(|rollback| UndoPolicy {
                timeout_s: rollback.timeout_s,
                max_attempts: rollback.retry.max_attempts,
                fences: rollback.fences,
                missing_is_undone: rollback.missing_is_undone,
            }),
            inline_output_bytes: row.inline_bytes,
        };
        let item = ExpressionContext {
            item_key: row.item_key,
            ..ExpressionContext::default()
        };
        let guarded = ExpressionContext {
            when: action.when.as_ref(),
            ..item
        };
        let mut arguments = json!({ "execution": "{% $execution %}", "step": policy });
        if row.item_key.is_some() {
            arguments["item_key"] = item.expression("$item_key").into();
        }
        if let Some(when) = &action.when {
            arguments["when"] = item.condition(when).into();
        }
        arguments["input"] = guarded.template(&action.input);
        if let Some(input) = action
            .rollback
            .as_ref()
            .and_then(|rollback| rollback.input.as_ref())
        {
            arguments["undo_input"] = guarded.template(input);
        }
        let mut catch = vec![catch_pause(&pause_of(name))];
        match escalates {
            None => catch.extend(row.catch(name)),
            Some(escalates) => {
                let variable = row.failure_of(name);
                if escalates.unknown_only {
                    catch.push(catch_clean(name, &row.given_up(name), &variable));
                }
                catch.push(catch_all_as(&variable, name, &escalation_of(name)));
            }
        }
        Task {
            resource: format!("${{{}}}", arn_of(&action.action)),
            timeout_seconds: action.timeout_s + TASK_MARGIN_S,
            arguments,
            // A row that ends here has no later state that could see the variable.
            assign: output.is_none().then(|| assigned(name)),
            output,
            retry: of_step(action),
            catch,
            exit,
        }
    }

    fn parallel(
        &self,
        name: &str,
        branches: &[Branch],
        row: Row<'_>,
        exit: Exit,
        output: Option<Value>,
    ) -> Parallel {
        let actions: usize = branches
            .iter()
            .map(|branch| count_actions(&branch.steps))
            .sum();
        let within = Row {
            place: Place::Branch,
            inline_bytes: row.inline_bytes / actions.max(1),
            ..row
        };
        Parallel {
            branches: branches
                .iter()
                .map(|branch| self.inner(&branch.steps, within, None))
                .collect(),
            assign: output
                .is_none()
                .then(|| member(name, format!("{{% {PARALLEL_OUTPUT} %}}"))),
            output,
            catch: row.catch(name),
            exit,
        }
    }

    fn for_each(
        &self,
        name: &str,
        each: &ForEach,
        row: Row<'_>,
        exit: Exit,
        output: Option<Value>,
    ) -> Map {
        let within = Row {
            place: Place::Item(each),
            item_key: Some(&each.item_key),
            inline_bytes: INLINE_BYTES_PER_ITEM.min(row.inline_bytes),
        };
        let inline = ProcessorConfig {
            mode: ProcessorMode::Inline,
        };
        let seen_later = each.collect.is_some() && output.is_none();
        Map {
            items: ExpressionContext::default().items(name, &each.items, &each.item_key),
            max_concurrency: each.max_concurrency,
            item_processor: self.inner(&each.steps, within, Some(inline)),
            assign: seen_later.then(|| member(name, format!("{{% {MAP_OUTPUT} %}}"))),
            output,
            catch: row.catch(name),
            exit,
        }
    }
}

impl Row<'_> {
    fn is_top(&self) -> bool {
        matches!(self.place, Place::Top(_))
    }

    /// Returns the state that follows a step which failed and is not skipped. Inside a container
    /// that state raises the failure again.
    fn given_up(&self, step: &str) -> String {
        if self.is_top() {
            "Plan".to_owned()
        } else {
            failed_of(step)
        }
    }

    /// Returns the variable for a step's failure. Inside a container its name is one that no step
    /// has, because an inner scope cannot assign a variable of an outer one.
    fn failure_of(&self, step: &str) -> String {
        match self.is_top() {
            true => FAILURE.to_owned(),
            false => format!("{step}Failure"),
        }
    }

    /// Returns the catchers of a state. Inside a container there are none, because the container
    /// catches the error.
    fn catch(&self, state: &str) -> Vec<holdfast_asl::Catcher> {
        match self.place {
            Place::Top(_) => vec![catch_all(state, "Plan")],
            Place::Branch | Place::Item(_) => Vec::new(),
        }
    }
}

/// Compiles a wait. The expression of a time may fail, and a Wait state cannot catch. Outside every
/// container such a wait gets a Parallel of its own, which can.
fn wait_state(
    name: &str,
    wait: &definition::Wait,
    row: Row<'_>,
    exit: Exit,
    output: Option<Value>,
) -> State {
    let until = match wait {
        definition::Wait::Seconds(seconds) => {
            return State::Wait(Wait {
                until: Until::Seconds(json!(seconds)),
                output,
                exit,
            });
        }
        definition::Wait::Until(expression) => expression,
    };
    let item = ExpressionContext {
        item_key: row.item_key,
        ..ExpressionContext::default()
    };
    let until = Until::Timestamp(item.expression(until.jsonata()));
    let catch = row.catch(name);
    if catch.is_empty() {
        return State::Wait(Wait {
            until,
            output,
            exit,
        });
    }
    let inner = format!("{name}.until");
    let wait = State::Wait(Wait {
        until,
        output: None,
        exit: Exit::End(true),
    });
    let branch = Inner {
        processor_config: None,
        start_at: inner.clone(),
        states: States::from([(inner, wait)]),
    };
    State::Parallel(Parallel {
        branches: vec![branch],
        assign: None,
        output,
        catch,
        exit,
    })
}

fn count_actions(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match &step.kind {
            StepKind::Action(_) => 1,
            StepKind::Wait(_) | StepKind::Approve(_) => 0,
            StepKind::Parallel(branches) => branches
                .iter()
                .map(|branch| count_actions(&branch.steps))
                .sum(),
            StepKind::ForEach(each) => count_actions(&each.steps),
        })
        .sum()
}

fn pause_of(step: &str) -> String {
    format!("{step}.pause")
}
