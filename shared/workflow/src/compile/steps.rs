//! Compiles steps into states: one Task per action, containers around them, each row of steps with its way out.

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
use crate::definition::{self, ActionStep, Branch, Definition, ForEach, OnFailure, Step, StepKind};
use holdfast_asl::{
    Exit, Inner, Map, Parallel, ProcessorConfig, ProcessorMode, State, States, Task, Until, Wait,
    member,
};
use holdfast_task::{StepPolicy, UndoPolicy, timing::TASK_MARGIN_S};

/// What a plain step may leave in the machine's state: Step Functions carries 256 KB.
const INLINE_BYTES: usize = 200_000;
/// What each step of a `for_each` may, since a hundred items add up.
const INLINE_BYTES_PER_ITEM: usize = 2_000;

/// Where a row of steps stands, and how it ends.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The machine itself: errors are caught state by state, and the last step leads to this state.
    Top(&'a str),
    /// A branch of a parallel: the last state yields every step's output.
    Branch,
    /// An item of a `for_each`: the last state yields what is collected.
    Item(&'a ForEach),
}

/// What is the same for all steps of a row.
#[derive(Clone, Copy)]
struct Row<'a> {
    place: Place<'a>,
    item_key: Option<&'a str>,
    inline_bytes: usize,
}

/// The states of all steps, the last one leading to `next`.
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
    /// Of the whole execution.
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
                    let message = ExpressionContext::default()
                        .expression(&approve.message)
                        .into();
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
            }),
            inline_output_bytes: row.inline_bytes,
        };
        let item = ExpressionContext {
            item_key: row.item_key,
            ..ExpressionContext::default()
        };
        let guarded = ExpressionContext {
            when: action.when.as_deref(),
            ..item
        };
        let mut arguments = json!({ "execution": "{% $execution %}", "step": policy });
        if row.item_key.is_some() {
            arguments["item_key"] = item.expression("{% $item_key %}").into();
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
            // A row that ends here has no later state that could see it.
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

    /// Where a step leads that failed and is not gone on without: inside a container its failure is raised anew.
    fn given_up(&self, step: &str) -> String {
        if self.is_top() {
            "Plan".to_owned()
        } else {
            failed_of(step)
        }
    }

    /// Where a step's failure is remembered. Inside a container that is a name of its own, which no step has: an inner scope
    /// cannot assign a variable of an outer one.
    fn failure_of(&self, step: &str) -> String {
        match self.is_top() {
            true => FAILURE.to_owned(),
            false => format!("{step}Failure"),
        }
    }

    /// Inside a container an error belongs to the container, whose own Catch sees it.
    fn catch(&self, state: &str) -> Vec<holdfast_asl::Catcher> {
        match self.place {
            Place::Top(_) => vec![catch_all(state, "Plan")],
            Place::Branch | Place::Item(_) => Vec::new(),
        }
    }
}

/// A wait. One whose time is an expression needs somebody to catch its error, and a Wait state cannot: outside every
/// container it gets a Parallel of its own.
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
    let until = Until::Timestamp(item.expression(until));
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
