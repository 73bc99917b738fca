//! Compiles steps into states: one Task per action, containers around them, and the exit of each
//! row.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    decisions::{self, Escalation, Exits, escalation_of, failed_of},
    expressions::{ExpressionContext, count_of},
    history::ItemLimits,
    names::arn_of,
    outputs::{MAP_OUTPUT, PARALLEL_OUTPUT, assigned, assigned_item},
    pauses,
    retry::{catch_all_as, catch_clean, of_step},
    row::{Position, Row, RowKind, begins_with_parallel},
    unwind,
    waits::wait_state,
};
use crate::definition::{
    ActionStep, Branch, Definition, ForEach, OnFailure, Retry, Step, StepKind,
};
use holdfast_asl::{
    Exit, Inner, Map, Parallel, Pass, ProcessorConfig, ProcessorMode, State, States, Task, member,
};
use holdfast_task::{PollPolicy, StepPolicy, Tier, UndoPolicy, timing::TASK_MARGIN_S};

/// Largest inline output of a plain step, in bytes. Step Functions carries 256 KB.
const INLINE_BYTES: usize = 200_000;
/// Largest inline output of a step of a `for_each`, in bytes, because a hundred items add up.
const INLINE_BYTES_PER_ITEM: usize = 2_000;

/// Returns the states of all steps. The last one leads to `next`. `limits` bound the items of each
/// `for_each`.
pub(super) fn states(definition: &Definition, next: &str, limits: &ItemLimits) -> States {
    let numbers = definition
        .action_steps()
        .into_iter()
        .map(|(step, ..)| step.name.as_str())
        .zip(1..)
        .collect();
    let mut states = States::new();
    let row = Row {
        kind: RowKind::Top(next),
        item_key: None,
        items: None,
        inline_bytes: INLINE_BYTES,
    };
    let timeout_s = definition.limits.timeout_s;
    let compiler = Compiler {
        numbers,
        tier: definition.tier,
        timeout_s,
        pause: pauses::patience(definition),
        last: definition.ends().steps,
        limits,
        end: next,
    };
    compiler.row(&definition.steps, row, &mut states);
    states
}

pub(super) struct Compiler<'a> {
    numbers: BTreeMap<&'a str, u32>,
    tier: Tier,
    /// Longest duration of the whole execution, in seconds.
    timeout_s: u64,
    /// Retries of a step during a pause.
    pause: Retry,
    /// The last steps.
    last: Vec<&'a str>,
    limits: &'a ItemLimits,
    /// State that ends an execution with success.
    pub(super) end: &'a str,
}

impl Compiler<'_> {
    pub(super) fn row(&self, steps: &[Step], row: Row<'_>, states: &mut States) {
        for (n, step) in steps.iter().enumerate() {
            let position = row.position(steps, n);
            let name = step.name.as_str();
            let state = match &step.kind {
                StepKind::Action(action) => {
                    let in_for_each = row.item_key.is_some();
                    let escalates = Escalation::of(action, in_for_each, self.tier, self.timeout_s);
                    let pause = position.pause().wait(name);
                    let task = self.task(name, action, row, escalates, position);
                    let leads = Exits {
                        assign: task.assign.clone(),
                        output: task.output.clone(),
                        exit: task.exit.clone(),
                        refused: Some(decisions::given_up(&row.given_up(name))),
                    };
                    states.insert(name.to_owned(), State::Task(task));
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
                StepKind::Wait(wait) => wait_state(name, wait, row, position),
                StepKind::Approve(approve) => {
                    let message = ExpressionContext::default().message(approve).into();
                    let Position { exit, output, .. } = position;
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
                    State::Parallel(self.parallel(name, branches, row, position))
                }
                StepKind::ForEach(each) => State::Map(self.for_each(name, each, row, position)),
                StepKind::Choose(choose) => {
                    self.choose(name, (choose, &position.exit), row, states);
                    continue;
                }
                StepKind::Stop(stop) => {
                    self.stop(name, (stop, &position.exit), row, states);
                    continue;
                }
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

    fn policy(&self, name: &str, action: &ActionStep, row: Row<'_>) -> StepPolicy {
        StepPolicy {
            name: name.to_owned(),
            number: self.numbers.get(name).copied().unwrap_or_default(),
            action: action.action.clone(),
            timeout_s: action.timeout_s,
            max_attempts: action.retry.max_attempts,
            idempotent: action.idempotent,
            reads: action.reads,
            optional: action.on_failure == OnFailure::Continue,
            continues_on: match &action.on_failure {
                OnFailure::ContinueOn(codes) => codes.clone(),
                _ => Vec::new(),
            },
            poll: action.poll.as_ref().map(|poll| PollPolicy {
                until: poll.until.jsonata().to_owned(),
                every_s: poll.every_s,
            }),
            undo: action.rollback.as_ref().map(|rollback| UndoPolicy {
                timeout_s: rollback.timeout_s,
                max_attempts: rollback.retry.max_attempts,
                fences: rollback.fences,
                missing_is_undone: rollback.missing_is_undone,
            }),
            last: action.when.is_some() && self.last.contains(&name),
            inline_output_bytes: row.inline_bytes,
        }
    }

    fn task(
        &self,
        name: &str,
        action: &ActionStep,
        row: Row<'_>,
        escalates: Option<Escalation>,
        position: Position<'_>,
    ) -> Task {
        let policy = self.policy(name, action, row);
        let item = ExpressionContext {
            item: position.item,
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
        if let Some(items) = row.items
            && self.last.contains(&name)
        {
            arguments["items"] = count_of(items).into();
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
        let mut catch = vec![position.pause().catch(&pause_of(name))];
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
            // A row that ends here has no later state that could see the variables.
            assign: position.assign(position.output.is_none().then(|| assigned(name))),
            output: position.output,
            retry: of_step(action, &self.pause),
            catch,
            exit: position.exit,
        }
    }

    fn parallel(
        &self,
        name: &str,
        branches: &[Branch],
        row: Row<'_>,
        Position { exit, output, .. }: Position<'_>,
    ) -> Parallel {
        let actions: usize = branches
            .iter()
            .map(|branch| count_actions(&branch.steps))
            .sum();
        let within = Row {
            kind: RowKind::Branch,
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
        Position { exit, output, .. }: Position<'_>,
    ) -> Map {
        let within = Row {
            kind: RowKind::Item(each),
            item_key: Some(&each.item_key),
            items: Some(&each.items),
            inline_bytes: INLINE_BYTES_PER_ITEM.min(row.inline_bytes),
        };
        let inline = ProcessorConfig {
            mode: ProcessorMode::Inline,
        };
        let mut item_processor = self.inner(&each.steps, within, Some(inline));
        if begins_with_parallel(&each.steps) {
            let first = std::mem::replace(&mut item_processor.start_at, item_of(name));
            let assign = Pass {
                assign: assigned_item(),
                exit: Exit::Next(first),
            };
            let states = &mut item_processor.states;
            states.insert_before(0, item_of(name), State::Pass(assign));
        }
        let seen_later = each.collect.is_some() && output.is_none();
        Map {
            items: ExpressionContext::default().items(
                name,
                (&each.items, &each.item_key),
                self.limits.get(name).map(|limit| limit.most),
            ),
            max_concurrency: each.max_concurrency,
            item_processor,
            assign: seen_later.then(|| member(name, format!("{{% {MAP_OUTPUT} %}}"))),
            output,
            catch: row.catch(name),
            exit,
        }
    }
}

fn count_actions(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match &step.kind {
            StepKind::Action(_) => 1,
            StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => 0,
            StepKind::Choose(choose) => choose.rows().map(|(_, row)| count_actions(row)).sum(),
            StepKind::Parallel(branches) => branches
                .iter()
                .map(|branch| count_actions(&branch.steps))
                .sum(),
            StepKind::ForEach(each) => count_actions(&each.steps),
        })
        .sum()
}

/// Returns the state that assigns the item, where the first step is a `parallel`.
fn item_of(step: &str) -> String {
    format!("{step}.item")
}

fn pause_of(step: &str) -> String {
    format!("{step}.pause")
}
